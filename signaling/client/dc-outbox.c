/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-outbox.c: numbered messages kept until the other side has them. */
#include "signaling/client/dc-outbox.h"
#include <string.h>

typedef struct {
  DcMessage *message;
  gsize size; /* of its JSON when it was pushed */
} Entry;

struct _DcOutbox {
  GQueue entries; /* of Entry, by rising seq */
  gsize bytes;    /* sum of their sizes */
  guint64 last;
};

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  dc_message_unref (entry->message);
  g_free (entry);
}

static void
drop_link (DcOutbox *outbox, GList *link)
{
  Entry *entry = link->data;

  outbox->bytes -= entry->size;
  g_queue_delete_link (&outbox->entries, link);
  entry_free (entry);
}

DcOutbox *
dc_outbox_new (void)
{
  DcOutbox *outbox = g_new0 (DcOutbox, 1);

  g_queue_init (&outbox->entries);
  return outbox;
}

void
dc_outbox_free (DcOutbox *outbox)
{
  g_queue_clear_full (&outbox->entries, entry_free);
  g_free (outbox);
}

gboolean
dc_outbox_is_full (const DcOutbox *outbox, gsize size)
{
  return outbox->entries.length >= DC_OUTBOX_MAX_MESSAGES || size > DC_OUTBOX_MAX_BYTES
         || outbox->bytes > DC_OUTBOX_MAX_BYTES - size;
}

char *
dc_outbox_push (DcOutbox *outbox, DcMessage *message)
{
  Entry *entry = g_new0 (Entry, 1);
  char *text;

  entry->message = message;
  message->seq = ++outbox->last;
  text = dc_message_to_json (message);
  entry->size = strlen (text);
  outbox->bytes += entry->size;
  g_queue_push_tail (&outbox->entries, entry);
  return text;
}

void
dc_outbox_acknowledge (DcOutbox *outbox, guint64 seq)
{
  GList *link;

  while ((link = outbox->entries.head) != NULL && ((Entry *) link->data)->message->seq <= seq)
    drop_link (outbox, link);
}

void
dc_outbox_remove (DcOutbox *outbox, guint64 seq)
{
  for (GList *link = outbox->entries.head; link != NULL; link = link->next) {
    if (((Entry *) link->data)->message->seq == seq) {
      drop_link (outbox, link);
      return;
    }
  }
}

void
dc_outbox_renumber (DcOutbox *outbox)
{
  outbox->last = 0;
  for (GList *link = outbox->entries.head; link != NULL; link = link->next)
    ((Entry *) link->data)->message->seq = ++outbox->last;
}

void
dc_outbox_foreach (DcOutbox *outbox, DcOutboxFunc func, gpointer user_data)
{
  for (GList *link = outbox->entries.head; link != NULL; link = link->next) {
    g_autofree char *text = dc_message_to_json (((Entry *) link->data)->message);
    func (text, user_data);
  }
}

guint
dc_outbox_get_length (const DcOutbox *outbox)
{
  return outbox->entries.length;
}
