/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sctp-pair.c: two associations with a wire of memory between them. */
#include "tests/sctp-pair.h"

#include <string.h>

#define WAIT_SECONDS 60

typedef struct {
  gint64 due;
  gsize size;
  guint8 data[];
} Packet;

/* --- the wire --- */

static gboolean
chance (SctpPair *pair, gdouble probability)
{
  gboolean happens;

  if (probability <= 0)
    return FALSE;
  g_mutex_lock (&pair->ends[0].lock);
  happens = g_rand_double (pair->random) < probability;
  g_mutex_unlock (&pair->ends[0].lock);
  return happens;
}

static gint
by_time (gconstpointer a, gconstpointer b, gpointer data)
{
  const Packet *first = a, *second = b;

  return first->due < second->due ? -1 : first->due > second->due;
}

static void
put_on_wire (SctpEnd *to, const SctpWire *wire, const DcPacket *packet, gint64 due)
{
  Packet *copy = g_malloc (sizeof *copy + packet->size);
  Packet *last;

  copy->due = due;
  copy->size = packet->size;
  memcpy (copy->data, packet->data, packet->size);
  g_mutex_lock (&to->lock);
  last = g_queue_peek_tail (&to->under_way);
  if (wire->room > 0 && to->bytes_under_way + packet->size > wire->room) {
    g_free (copy);
  } else {
    to->bytes_under_way += packet->size;
    if (last == NULL || last->due <= due)
      g_queue_push_tail (&to->under_way, copy);
    else
      g_queue_insert_sorted (&to->under_way, copy, by_time, NULL);
    g_cond_broadcast (&to->changed);
  }
  g_mutex_unlock (&to->lock);
}

static void
output_cb (DcPacket *packets, guint n, gpointer user_data)
{
  SctpEnd *self = user_data;
  gint64 now = g_get_monotonic_time ();
  SctpWire wire;
  gboolean cut;

  g_assert_cmpuint (n, <=, DC_PACKETS_MAX);
  g_mutex_lock (&self->lock);
  wire = self->wire;
  cut = self->cut;
  self->figures.packets += n;
  self->figures.largest_batch = MAX (self->figures.largest_batch, n);
  for (guint i = 0; i < n; i++)
    self->figures.largest = MAX (self->figures.largest, (guint) packets[i].size);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < n && !cut; i++) {
    /* What DTLS will write must be ours. */
    memset (packets[i].data - DC_PACKET_HEAD, 0xaa, DC_PACKET_HEAD);
    memset (packets[i].data + packets[i].size, 0x55, DC_PACKET_TAIL);
    if (chance (self->pair, wire.loss))
      continue;
    put_on_wire (self->far, &wire, &packets[i],
        now + wire.delay + (chance (self->pair, wire.reordering) ? wire.delay / 2 + 1000 : 0));
    if (chance (self->pair, wire.repetition))
      put_on_wire (self->far, &wire, &packets[i], now + wire.delay);
  }
}

/* Returns: how many are due, into @packets; 0: it is over. */
static guint
next_packets (SctpEnd *self, Packet **packets)
{
  guint n = 0;

  g_mutex_lock (&self->lock);
  while (n == 0 && !self->stopping) {
    gint64 now = g_get_monotonic_time ();
    Packet *first;

    if (self->held) {
      g_cond_wait (&self->changed, &self->lock);
      continue;
    }
    while (n < DC_PACKETS_MAX && (first = g_queue_peek_head (&self->under_way)) != NULL && first->due <= now) {
      packets[n++] = g_queue_pop_head (&self->under_way);
      self->bytes_under_way -= first->size;
    }
    if (n > 0)
      break;
    if (first != NULL)
      g_cond_wait_until (&self->changed, &self->lock, first->due);
    else
      g_cond_wait (&self->changed, &self->lock);
  }
  g_mutex_unlock (&self->lock);
  return n;
}

static gpointer
wire_thread (gpointer data)
{
  SctpEnd *self = data;
  Packet *packets[DC_PACKETS_MAX];
  DcPacket batch[DC_PACKETS_MAX];
  guint n;

  while ((n = next_packets (self, packets)) > 0) {
    for (guint i = 0; i < n; i++)
      batch[i] = (DcPacket){packets[i]->data, packets[i]->size};
    dc_sctp_association_input (self->association, batch, n);
    for (guint i = 0; i < n; i++)
      g_free (packets[i]);
  }
  return NULL;
}

/* --- what an association says --- */

static gboolean
message_cb (guint16 stream, guint32 ppid, gboolean unordered, GBytes *bytes, gpointer user_data)
{
  SctpEnd *self = user_data;
  SctpMessage *message = g_new (SctpMessage, 1);
  gboolean more;

  *message = (SctpMessage){stream, ppid, unordered, bytes};
  if (self->received != NULL)
    self->received (message, self);
  g_mutex_lock (&self->lock);
  self->figures.messages++;
  self->figures.bytes += g_bytes_get_size (bytes);
  if (self->keep)
    g_queue_push_tail (&self->messages, message);
  if (self->accepting > 0)
    self->accepting--;
  more = self->accepting != 0;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  if (!self->keep)
    sctp_message_free (message);
  return more;
}

static void
reset_cb (guint16 stream, gpointer user_data)
{
  SctpEnd *self = user_data;

  g_mutex_lock (&self->lock);
  g_array_append_val (self->resets, stream);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

static void
was_reset_cb (guint16 stream, gpointer user_data)
{
  SctpEnd *self = user_data;

  g_mutex_lock (&self->lock);
  g_array_append_val (self->were_reset, stream);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

static void
state_cb (DcSctpState state, gpointer user_data)
{
  SctpEnd *self = user_data;

  if (self->told != NULL)
    self->told (GINT_TO_POINTER (state), self);
  g_mutex_lock (&self->lock);
  g_assert_cmpint (state, >, self->state);
  self->state = state;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

static void
writable_cb (gpointer user_data)
{
  SctpEnd *self = user_data;

  g_mutex_lock (&self->lock);
  self->figures.writable++;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

/* --- the pair --- */

static const DcSctpCallbacks callbacks = {output_cb, message_cb, reset_cb, was_reset_cb, state_cb, writable_cb};

static void
init_end (SctpPair *pair, guint i, const DcSctpSettings *settings)
{
  g_autoptr (GError) error = NULL;
  SctpEnd *self = &pair->ends[i];

  self->pair = pair;
  self->far = &pair->ends[1 - i];
  self->accepting = -1;
  self->keep = TRUE;
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  g_queue_init (&self->under_way);
  g_queue_init (&self->messages);
  self->resets = g_array_new (FALSE, FALSE, sizeof (guint16));
  self->were_reset = g_array_new (FALSE, FALSE, sizeof (guint16));
  self->association = dc_sctp_association_new (settings, &callbacks, self, &error);
  g_assert_no_error (error);
}

SctpPair *
sctp_pair_new (const DcSctpSettings *first, const DcSctpSettings *second, guint32 seed)
{
  const DcSctpSettings *settings[2] = {first, second};
  SctpPair *pair = g_new0 (SctpPair, 1);
  DcSctpSettings defaults;

  dc_sctp_settings_init (&defaults);
  pair->random = g_rand_new_with_seed (seed);
  for (guint i = 0; i < 2; i++)
    init_end (pair, i, settings[i] != NULL ? settings[i] : &defaults);
  for (guint i = 0; i < 2; i++)
    pair->ends[i].thread = g_thread_new ("wire", wire_thread, &pair->ends[i]);
  return pair;
}

DcSctpLanes *
sctp_end_make_lanes (SctpEnd *self)
{
  DcSctpSettings settings;

  dc_sctp_settings_init (&settings);
  sctp_end_drop_association (self);
  self->lanes = dc_sctp_lanes_new (&settings, &callbacks, self, NULL);
  self->association = dc_sctp_association_ref (dc_sctp_lanes_get_main (self->lanes));
  return self->lanes;
}

void
sctp_pair_connect (SctpPair *pair)
{
  for (guint i = 0; i < 2; i++)
    dc_sctp_association_connect (pair->ends[i].association);
  for (guint i = 0; i < 2; i++)
    sctp_end_wait_state (&pair->ends[i], DC_SCTP_UP);
}

void
sctp_pair_set_wire (SctpPair *pair, const SctpWire *wire)
{
  for (guint i = 0; i < 2; i++) {
    g_mutex_lock (&pair->ends[i].lock);
    pair->ends[i].wire = *wire;
    g_mutex_unlock (&pair->ends[i].lock);
  }
}

void
sctp_end_hold (SctpEnd *self, gboolean held)
{
  g_mutex_lock (&self->lock);
  self->held = held;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

void
sctp_end_stop (SctpEnd *self)
{
  if (self->thread == NULL)
    return;
  g_mutex_lock (&self->lock);
  self->stopping = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  g_thread_join (g_steal_pointer (&self->thread));
}

void
sctp_end_drop_association (SctpEnd *self)
{
  g_clear_pointer (&self->association, dc_sctp_association_unref);
  g_clear_pointer (&self->lanes, dc_sctp_lanes_free);
}

static void
clear_end (SctpEnd *self)
{
  g_queue_clear_full (&self->under_way, g_free);
  g_queue_clear_full (&self->messages, (GDestroyNotify) sctp_message_free);
  g_array_unref (self->resets);
  g_array_unref (self->were_reset);
  g_cond_clear (&self->changed);
  g_mutex_clear (&self->lock);
}

void
sctp_pair_free (SctpPair *pair)
{
  for (guint i = 0; i < 2; i++)
    sctp_end_stop (&pair->ends[i]);
  for (guint i = 0; i < 2; i++)
    sctp_end_drop_association (&pair->ends[i]);
  for (guint i = 0; i < 2; i++)
    clear_end (&pair->ends[i]);
  g_rand_free (pair->random);
  g_free (pair);
}

/* --- an end --- */

/* With the lock: until @changed, but not for ever. */
static void
wait_change (SctpEnd *self)
{
  if (!g_cond_wait_until (&self->changed, &self->lock, g_get_monotonic_time () + WAIT_SECONDS * G_TIME_SPAN_SECOND))
    g_error ("nothing has come for %d s: state %d, %u messages, %u resets, %u of ours", WAIT_SECONDS, self->state,
        self->figures.messages, self->resets->len, self->were_reset->len);
}

SctpFigures
sctp_end_get_figures (SctpEnd *self)
{
  SctpFigures figures;

  g_mutex_lock (&self->lock);
  figures = self->figures;
  g_mutex_unlock (&self->lock);
  return figures;
}

void
sctp_end_wait_state (SctpEnd *self, DcSctpState state)
{
  g_mutex_lock (&self->lock);
  while (self->state < state)
    wait_change (self);
  g_assert_cmpint (self->state, ==, state);
  g_mutex_unlock (&self->lock);
}

void
sctp_end_wait_packets (SctpEnd *self, guint n)
{
  g_mutex_lock (&self->lock);
  while (self->figures.packets < n)
    wait_change (self);
  g_mutex_unlock (&self->lock);
}

void
sctp_end_wait_writable (SctpEnd *self, guint n)
{
  g_mutex_lock (&self->lock);
  while (self->figures.writable < n)
    wait_change (self);
  g_mutex_unlock (&self->lock);
}

void
sctp_end_wait_messages (SctpEnd *self, guint n)
{
  g_mutex_lock (&self->lock);
  while (self->figures.messages < n)
    wait_change (self);
  g_mutex_unlock (&self->lock);
}

void
sctp_end_wait_reset (SctpEnd *self, guint n)
{
  g_mutex_lock (&self->lock);
  while (self->resets->len < n)
    wait_change (self);
  g_mutex_unlock (&self->lock);
}

void
sctp_end_wait_was_reset (SctpEnd *self, guint n)
{
  g_mutex_lock (&self->lock);
  while (self->were_reset->len < n)
    wait_change (self);
  g_mutex_unlock (&self->lock);
}

SctpMessage *
sctp_end_take (SctpEnd *self)
{
  SctpMessage *message;

  g_mutex_lock (&self->lock);
  while ((message = g_queue_pop_head (&self->messages)) == NULL)
    wait_change (self);
  g_mutex_unlock (&self->lock);
  return message;
}

void
sctp_message_free (SctpMessage *message)
{
  g_bytes_unref (message->bytes);
  g_free (message);
}

void
sctp_end_cut (SctpEnd *self, gboolean cut)
{
  g_mutex_lock (&self->lock);
  self->cut = cut;
  g_mutex_unlock (&self->lock);
}

void
sctp_end_accept (SctpEnd *self, gint n)
{
  g_mutex_lock (&self->lock);
  self->accepting = n;
  g_mutex_unlock (&self->lock);
  if (n != 0)
    dc_sctp_association_resume (self->association);
}

static gboolean
is_hurried (SctpEnd *self)
{
  gboolean hurried;

  g_mutex_lock (&self->lock);
  hurried = self->hurried;
  g_mutex_unlock (&self->lock);
  return hurried;
}

/* Until it was said more often than @writable times that there is room. */
static void
wait_for_room (SctpEnd *self, guint writable)
{
  g_mutex_lock (&self->lock);
  while (self->figures.writable == writable && !self->hurried)
    g_cond_wait (&self->changed, &self->lock);
  g_mutex_unlock (&self->lock);
}

DcSctpSent
sctp_end_send_wait (
    SctpEnd *self, DcSctpAssociation *association, const DcSctpSendInfo *info, gconstpointer data, gsize size)
{
  while (!is_hurried (self)) {
    guint writable = sctp_end_get_figures (self).writable;
    DcSctpSent sent = dc_sctp_association_send (association, info, data, size);

    if (sent != DC_SCTP_WOULD_BLOCK)
      return sent;
    wait_for_room (self, writable);
  }
  return DC_SCTP_WOULD_BLOCK;
}

void
sctp_end_hurry (SctpEnd *self)
{
  g_mutex_lock (&self->lock);
  self->hurried = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

void
sctp_end_send (SctpEnd *self, guint16 stream, gconstpointer data, gsize size)
{
  DcSctpSendInfo info = {.stream = stream, .ppid = 53};

  g_assert_cmpint (sctp_end_send_wait (self, self->association, &info, data, size), ==, DC_SCTP_SENT);
}

guint8 *
sctp_pattern (guint number, gsize size)
{
  guint8 *bytes = g_malloc (size);

  for (gsize i = 0; i < size; i++)
    bytes[i] = (guint8) (number * 31 + i * 7 + (i >> 8));
  return bytes;
}

void
sctp_end_send_pattern (SctpEnd *self, guint16 stream, guint number, gsize size)
{
  g_autofree guint8 *bytes = sctp_pattern (number, size);

  sctp_end_send (self, stream, bytes, size);
}

void
sctp_end_take_pattern (SctpEnd *self, guint16 stream, guint number, gsize size)
{
  g_autofree guint8 *bytes = sctp_pattern (number, size);
  SctpMessage *message = sctp_end_take (self);

  g_assert_cmpuint (message->stream, ==, stream);
  g_assert_cmpmem (g_bytes_get_data (message->bytes, NULL), g_bytes_get_size (message->bytes), bytes, size);
  sctp_message_free (message);
}
