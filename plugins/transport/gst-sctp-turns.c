/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-sctp-turns.c: messages of many streams that wait for room in one association, in their order.
 *
 * Theory of operation
 * -------------------
 * Each sender has one message, and waits at the gate of its stream until that was taken. Messages are taken in the order in which they came, so that
 * a long one is not overtaken by short ones for ever. Whoever comes first gives the first message to SCTP: a sender, until its own is
 * gone, or the thread that tells that there is room again; so a sender sleeps until its message is gone, and nobody wakes to find
 * that there is still no room.
 *
 *     QUEUED ---> SENDING ---> DONE
 *        ^-- no room --'
 *
 * A gate that is closing lets go of its sender, whose message stays behind: an orphan, which is sent in its turn. What is still on its way to the gate, and has left
 * the sender's own queue, follows as another one. The stream is reset after the last of them. A stream that is still being reset when somebody
 * sends on it anew is waited for.
 */
#include "plugins/transport/gst-sctp-turns.h"

#include "plugins/transport/dc-ppid.h"

/* For what is on its way to a gate that closes: it takes microseconds, as a rule. */
#define DRAIN_TIMEOUT (100 * G_TIME_SPAN_MILLISECOND)

typedef struct {
  enum { TURN_QUEUED, TURN_SENDING, TURN_DONE } state;
  DcSctpSendInfo info;
  GstBuffer *buffer;
  GstMapInfo map;
  GstDcSctpGate *gate; /* (nullable): an orphan has none */
  gboolean is_last;    /* of an orphan: then the stream is reset */
  DcSctpSent sent;     /* once done */
} GstDcSctpTurn;

/* --- life --- */

void
gst_dc_sctp_turns_init (GstDcSctpTurns *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->reset_done);
  g_queue_init (&self->queue);
  self->resetting = g_hash_table_new (NULL, NULL);
  self->stopped = TRUE;
}

void
gst_dc_sctp_turns_clear (GstDcSctpTurns *self)
{
  g_hash_table_unref (self->resetting);
  g_cond_clear (&self->reset_done);
  g_mutex_clear (&self->lock);
}

void
gst_dc_sctp_gate_init (GstDcSctpGate *gate, guint16 stream)
{
  gate->stream = stream;
  g_cond_init (&gate->changed);
}

void
gst_dc_sctp_gate_clear (GstDcSctpGate *gate)
{
  g_cond_clear (&gate->changed);
}

/* --- one message --- */

/* (nullable) */
static GstDcSctpTurn *
turn_new (GstDcSctpGate *gate, const DcSctpSendInfo *info, GstBuffer *buffer)
{
  GstDcSctpTurn *turn = g_new0 (GstDcSctpTurn, 1);

  if (!gst_buffer_map (buffer, &turn->map, GST_MAP_READ)) {
    gst_buffer_unref (buffer);
    g_free (turn);
    return NULL;
  }
  turn->buffer = buffer;
  turn->info = *info;
  turn->info.ppid = dc_ppid_for_size (info->ppid, turn->map.size);
  turn->gate = gate;
  return turn;
}

static void
turn_free (GstDcSctpTurn *turn)
{
  gst_buffer_unmap (turn->buffer, &turn->map);
  gst_buffer_unref (turn->buffer);
  g_free (turn);
}

static DcSctpSent
give (const GstDcSctpTurn *turn, DcSctpLanes *lanes)
{
  static const guint8 zero = 0;
  gboolean is_empty = turn->map.size == 0;

  /* All at a pad go on the main lane, as the first ones of a channel must. */
  return dc_sctp_association_send (
      dc_sctp_lanes_get_main (lanes), &turn->info, is_empty ? &zero : turn->map.data, is_empty ? 1 : turn->map.size);
}

/* --- taking turns --- */

/* Lets go of the lock meanwhile. */
static void
bury_orphan_locked (GstDcSctpTurns *self, GstDcSctpTurn *turn, DcSctpLanes *lanes)
{
  guint16 stream = turn->info.stream;
  gboolean is_last = turn->is_last;

  turn_free (turn);
  if (!is_last)
    return;
  g_mutex_unlock (&self->lock);
  dc_sctp_lanes_reset_stream (lanes, stream);
  g_mutex_lock (&self->lock);
}

/* The first one is given to SCTP. Lets go of the lock meanwhile. */
static void
take_turn_locked (GstDcSctpTurns *self, GstDcSctpTurn *turn, DcSctpLanes *lanes)
{
  guint generation = self->room_generation;
  DcSctpSent sent;

  self->sending = TRUE;
  turn->state = TURN_SENDING;
  g_mutex_unlock (&self->lock);
  sent = give (turn, lanes);
  g_mutex_lock (&self->lock);
  self->sending = FALSE;
  if (turn->gate != NULL)
    g_cond_signal (&turn->gate->changed);
  if (sent == DC_SCTP_WOULD_BLOCK && !self->stopped) {
    self->blocked = generation == self->room_generation;
    turn->state = TURN_QUEUED;
    return;
  }
  g_queue_pop_head (&self->queue);
  turn->state = TURN_DONE;
  turn->sent = sent;
  if (turn->gate == NULL)
    bury_orphan_locked (self, turn, lanes);
}

/* Until there is no room, or @own (nullable) is gone: who is next goes on then. */
static void
advance_locked (GstDcSctpTurns *self, DcSctpLanes *lanes, const GstDcSctpTurn *own)
{
  GstDcSctpTurn *turn;
  gboolean own_gone = FALSE;

  while (!self->sending && !self->blocked && !self->stopped && (turn = g_queue_peek_head (&self->queue)) != NULL) {
    if (own_gone && turn->gate != NULL) {
      g_cond_signal (&turn->gate->changed);
      return;
    }
    take_turn_locked (self, turn, lanes);
    own_gone |= turn == own && g_queue_peek_head (&self->queue) != turn;
  }
}

typedef enum { WAITED_DONE, WAITED_ORPHAN /* the turn is no longer ours */, WAITED_FLUSHED } Waited;

static Waited
wait_for_turn_locked (GstDcSctpTurns *self, GstDcSctpGate *gate, DcSctpLanes *lanes, GstDcSctpTurn *turn)
{
  for (;;) {
    if (gate->bereft)
      return WAITED_ORPHAN;
    if (turn->state == TURN_DONE)
      return WAITED_DONE;
    if ((gate->flushing || self->stopped) && turn->state == TURN_QUEUED) {
      g_queue_remove (&self->queue, turn);
      turn_free (turn);
      advance_locked (self, lanes, NULL);
      return WAITED_FLUSHED;
    }
    if (turn->state == TURN_QUEUED)
      advance_locked (self, lanes, turn);
    if (!gate->bereft && turn->state != TURN_DONE)
      g_cond_wait (&gate->changed, &self->lock);
  }
}

/* Returns: whether it was taken. */
static gboolean
send_locked (GstDcSctpTurns *self, GstDcSctpGate *gate, DcSctpLanes *lanes, GstDcSctpTurn *turn, DcSctpSent *sent)
{
  gsize size = turn->map.size;

  switch (wait_for_turn_locked (self, gate, lanes, turn)) {
    case WAITED_DONE:
      *sent = turn->sent;
      turn_free (turn);
      break;
    case WAITED_ORPHAN:
      *sent = DC_SCTP_SENT;
      break;
    case WAITED_FLUSHED:
      return FALSE;
  }
  gate->bytes_sent += *sent == DC_SCTP_SENT ? size : 0;
  return TRUE;
}

/* Nobody waits for it. */
static void
leave_orphan_locked (GstDcSctpTurns *self, GstDcSctpGate *gate, DcSctpLanes *lanes, GstDcSctpTurn *turn)
{
  turn->gate = NULL;
  gate->bytes_sent += turn->map.size;
  g_queue_push_tail (&self->queue, turn);
  advance_locked (self, lanes, NULL);
}

gboolean
gst_dc_sctp_turns_send (GstDcSctpTurns *self, GstDcSctpGate *gate, DcSctpLanes *lanes, const DcSctpSendInfo *info,
    GstBuffer *buffer, DcSctpSent *sent)
{
  GstDcSctpTurn *turn = turn_new (gate, info, buffer);
  gboolean taken = TRUE;

  *sent = DC_SCTP_CLOSED;
  if (turn == NULL)
    return TRUE;
  g_mutex_lock (&self->lock);
  while (!gate->flushing && !gate->closing && !self->stopped
         && g_hash_table_contains (self->resetting, GUINT_TO_POINTER (gate->stream)))
    g_cond_wait (&self->reset_done, &self->lock);
  if (gate->flushing || self->stopped) {
    taken = FALSE;
    turn_free (turn);
  } else if (gate->closing) {
    *sent = DC_SCTP_SENT;
    leave_orphan_locked (self, gate, lanes, turn);
  } else {
    g_queue_push_tail (&self->queue, turn);
    taken = send_locked (self, gate, lanes, turn, sent);
  }
  g_mutex_unlock (&self->lock);
  return taken;
}

/* --- those that do not take turns --- */

gboolean
gst_dc_sctp_turns_has (GstDcSctpTurns *self, guint16 stream)
{
  gboolean has = FALSE;

  g_mutex_lock (&self->lock);
  for (GList *l = self->queue.head; l != NULL && !has; l = l->next)
    has = ((GstDcSctpTurn *) l->data)->info.stream == stream;
  self->wanted |= has;
  g_mutex_unlock (&self->lock);
  return has;
}

gboolean
gst_dc_sctp_turns_is_wanted (GstDcSctpTurns *self)
{
  gboolean wanted;

  g_mutex_lock (&self->lock);
  wanted = self->wanted;
  self->wanted = FALSE;
  g_mutex_unlock (&self->lock);
  return wanted;
}

guint64
gst_dc_sctp_turns_get_bytes_sent (GstDcSctpTurns *self, GstDcSctpGate *gate)
{
  guint64 bytes_sent;

  g_mutex_lock (&self->lock);
  bytes_sent = gate->bytes_sent;
  g_mutex_unlock (&self->lock);
  return bytes_sent;
}

/* --- flushing, closing --- */

static void
wake_locked (GstDcSctpTurns *self, GstDcSctpGate *gate)
{
  g_cond_broadcast (&gate->changed);
  g_cond_broadcast (&self->reset_done);
}

void
gst_dc_sctp_turns_flush (GstDcSctpTurns *self, GstDcSctpGate *gate, gboolean flushing)
{
  g_mutex_lock (&self->lock);
  gate->flushing = flushing;
  wake_locked (self, gate);
  g_mutex_unlock (&self->lock);
}

void
gst_dc_sctp_turns_begin_close (GstDcSctpTurns *self, GstDcSctpGate *gate)
{
  g_mutex_lock (&self->lock);
  for (GList *l = self->queue.head; l != NULL; l = l->next) {
    GstDcSctpTurn *turn = l->data;

    if (turn->gate == gate) {
      turn->gate = NULL;
      gate->bereft = TRUE;
    }
  }
  gate->closing = TRUE;
  wake_locked (self, gate);
  g_mutex_unlock (&self->lock);
}

void
gst_dc_sctp_turns_wait_drained (GstDcSctpTurns *self, GstDcSctpGate *gate)
{
  gint64 deadline = g_get_monotonic_time () + DRAIN_TIMEOUT;

  g_mutex_lock (&self->lock);
  while (!gate->drained && !self->stopped && g_cond_wait_until (&gate->changed, &self->lock, deadline))
    continue;
  g_mutex_unlock (&self->lock);
}

void
gst_dc_sctp_turns_drained (GstDcSctpTurns *self, GstDcSctpGate *gate)
{
  g_mutex_lock (&self->lock);
  gate->drained = TRUE;
  g_cond_broadcast (&gate->changed);
  g_mutex_unlock (&self->lock);
}

/* (nullable) */
static GstDcSctpTurn *
find_last_locked (GstDcSctpTurns *self, guint16 stream)
{
  for (GList *l = self->queue.tail; l != NULL; l = l->prev) {
    GstDcSctpTurn *turn = l->data;

    if (turn->info.stream == stream)
      return turn;
  }
  return NULL;
}

void
gst_dc_sctp_turns_close (GstDcSctpTurns *self, GstDcSctpGate *gate, DcSctpLanes *lanes)
{
  GstDcSctpTurn *last;

  gst_dc_sctp_turns_begin_close (self, gate);
  g_mutex_lock (&self->lock);
  gate->flushing = TRUE;
  last = self->stopped ? NULL : find_last_locked (self, gate->stream);
  if (last != NULL)
    last->is_last = TRUE;
  if (lanes != NULL && !self->stopped && !self->over)
    g_hash_table_add (self->resetting, GUINT_TO_POINTER (gate->stream));
  wake_locked (self, gate);
  g_mutex_unlock (&self->lock);
  if (last == NULL && lanes != NULL)
    dc_sctp_lanes_reset_stream (lanes, gate->stream);
}

void
gst_dc_sctp_turns_stop (GstDcSctpTurns *self)
{
  g_mutex_lock (&self->lock);
  self->stopped = TRUE;
  for (GList *l = self->queue.head, *next; l != NULL; l = next) {
    GstDcSctpTurn *turn = l->data;

    next = l->next;
    if (turn->gate != NULL) {
      g_cond_broadcast (&turn->gate->changed);
    } else if (turn->state == TURN_QUEUED) {
      g_queue_delete_link (&self->queue, l);
      turn_free (turn);
    }
  }
  g_hash_table_remove_all (self->resetting);
  g_cond_broadcast (&self->reset_done);
  g_mutex_unlock (&self->lock);
}

void
gst_dc_sctp_turns_begin (GstDcSctpTurns *self)
{
  g_mutex_lock (&self->lock);
  self->stopped = self->blocked = self->over = FALSE;
  g_mutex_unlock (&self->lock);
}

/* --- what the association says --- */

void
gst_dc_sctp_turns_writable (GstDcSctpTurns *self, DcSctpLanes *lanes)
{
  g_mutex_lock (&self->lock);
  self->room_generation++;
  self->blocked = FALSE;
  advance_locked (self, lanes, NULL);
  g_mutex_unlock (&self->lock);
}

void
gst_dc_sctp_turns_was_reset (GstDcSctpTurns *self, guint16 stream)
{
  g_mutex_lock (&self->lock);
  g_hash_table_remove (self->resetting, GUINT_TO_POINTER (stream));
  g_cond_broadcast (&self->reset_done);
  g_mutex_unlock (&self->lock);
}

void
gst_dc_sctp_turns_over (GstDcSctpTurns *self)
{
  g_mutex_lock (&self->lock);
  self->over = TRUE;
  g_hash_table_remove_all (self->resetting);
  g_cond_broadcast (&self->reset_done);
  g_mutex_unlock (&self->lock);
}
