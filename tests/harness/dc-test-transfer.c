/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-transfer.c: numbered items of all sizes on a link, one way, as fast as it goes, each checked where it arrives. */
#include "tests/harness/dc-test-transfer.h"

#include <string.h>

struct _DcTestTransfer {
  DcChannel *from, *to;
  gsize largest;
  GThread *sending, *receiving;
  gint stop;           /* atomic */
  gint sent, received; /* atomic */
};

/* What there is in an item says which it is. */
static gsize
size_of (const DcTestTransfer *self, guint number)
{
  return number % 4 == 0 ? 1 + number % 256 : 1 + (gsize) (number * 2654435761u) % self->largest;
}

static gpointer
send_thread (gpointer data)
{
  DcTestTransfer *self = data;
  g_autoptr (GError) error = NULL;

  while (!g_atomic_int_get (&self->stop)) {
    DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_DATA);
    guint number = (guint) g_atomic_int_add (&self->sent, 1);
    gsize size = size_of (self, number);
    guint8 *bytes = g_malloc (size);

    memset (bytes, (int) (number % 251), size);
    item->offset = number;
    item->payload = g_bytes_new_take (bytes, size);
    dc_channel_push (self->from, item, FALSE, &error);
    g_assert_no_error (error);
  }
  dc_channel_finish (self->from, &error);
  g_assert_no_error (error);
  return NULL;
}

static void
check (const DcTestTransfer *self, const DcLinkItem *item, guint number)
{
  gsize size;
  const guint8 *bytes = g_bytes_get_data (item->payload, &size);

  g_assert_cmpuint (item->offset, ==, number);
  g_assert_cmpuint (size, ==, size_of (self, number));
  g_assert_cmpuint (bytes[0], ==, number % 251);
  g_assert_cmpmem (bytes, size - 1, bytes + 1, size - 1);
}

static gpointer
receive_thread (gpointer data)
{
  DcTestTransfer *self = data;
  g_autoptr (GError) error = NULL;

  for (;;) {
    g_autoptr (DcLinkItem) item = dc_channel_pull (self->to, 0, &error);

    g_assert_no_error (error);
    if (item->kind == DC_LINK_ITEM_FIN)
      break;
    check (self, item, (guint) g_atomic_int_get (&self->received));
    g_atomic_int_inc (&self->received);
  }
  dc_channel_accept_fin (self->to);
  return NULL;
}

DcTestTransfer *
dc_test_transfer_start (DcChannel *from, DcChannel *to, gsize largest)
{
  DcTestTransfer *self = g_new0 (DcTestTransfer, 1);

  self->from = from;
  self->to = to;
  self->largest = largest;
  self->sending = g_thread_new ("send", send_thread, self);
  self->receiving = g_thread_new ("receive", receive_thread, self);
  return self;
}

void
dc_test_transfer_wait (DcTestTransfer *self, gint n)
{
  gint until = g_atomic_int_get (&self->received) + n;

  while (g_atomic_int_get (&self->received) < until)
    g_thread_yield ();
}

void
dc_test_transfer_stop (DcTestTransfer *self)
{
  g_atomic_int_set (&self->stop, TRUE);
  g_thread_join (self->sending);
  g_thread_join (self->receiving);
  g_assert_cmpint (self->sent, ==, self->received);
  g_free (self);
}
