/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelpace.c: what receivers of different speed do to each other.
 *
 * Theory of operation
 * -------------------
 * A step ends when every queue is empty. Whoever has room gets its items at once; while others have none:
 *
 * block: the step takes as long as the slowest.
 *
 * drop: the first that got everything sets the pace; GRACE later those that still wait begin to drop: jitter costs nobody anything. If
 * upstream is live, nobody is waited for any longer than that. One that drops holds nobody up. It comes back when half of its
 * window is free, so that it does not drop again at once, and then with the next key unit.
 *
 * disconnect: all are waited for, but each is blamed for the time that others lose by it: while one of them is idle, that is, has
 * acknowledged everything, or, if upstream is live, beyond GRACE. (Of two receivers the slower one is always waited for, however small the
 * difference is. But the share of time for which the faster is idle is what it could be faster.) MAX_BLAME of that is the end; it is
 * more than a retransmission timeout of SCTP, which one lost packet may cost. Blame is forgotten at 1/BLAME_LEAK of the rate at which
 * time passes: so a receiver that makes others lose less than that slows them down, for ever.
 *
 * With both, those who get nothing at the moment (they have just come, wait for a key unit, or have room again) do not hurry anybody who takes
 * his time. But a step that has stood still for STALL is one that they lose by, as if they had got everything and were idle.
 *
 * At the end of the stream block waits for all, the others for at most END_GRACE longer than for the fastest.
 *
 * What a wait comes to is told without a clock: begin_wait() gets the time and says until when to wait, end_wait() gets it again, and blames or
 * drops. pump() brings the clock and waits in between. */
#include "plugins/gstdatachannelreceivers-private.h"

#define GRACE (20 * G_TIME_SPAN_MILLISECOND)
#define MAX_BLAME (2 * G_TIME_SPAN_SECOND)
#define BLAME_LEAK 4
#define STALL (1 * G_TIME_SPAN_SECOND)
/* Who is idle can only be looked at. */
#define LOOK_INTERVAL (5 * G_TIME_SPAN_MILLISECOND)
#define END_GRACE (5 * G_TIME_SPAN_SECOND)
/* In raw mode so little may still wait when a receiver comes back. */
#define RAW_BACKLOG (64 * 1024)

static GstDataChannelReceiver *
get (GstDataChannelReceivers *self, guint i)
{
  return g_ptr_array_index (self->list, i);
}

static gboolean
is_waiting (const GstDataChannelReceiver *receiver)
{
  return receiver->queue.length > 0;
}

/* @reason: (nullable) what it is told, if we end it. */
static void
let_go (GstDataChannelReceivers *self, GstDataChannelReceiver *receiver, const char *reason)
{
  GST_INFO_OBJECT (self->end->element, "receiver %s: %s", dc_channel_get_remote_id (receiver->channel),
      reason != NULL ? reason : "has left");
  gst_data_channel_end_drop_channel (self->end, receiver->channel, reason);
  g_ptr_array_remove (self->list, receiver);
}

void
gst_data_channel_receivers_sweep (GstDataChannelReceivers *self)
{
  for (guint i = self->list->len; i > 0; i--) {
    if (dc_channel_is_ended (get (self, i - 1)->channel))
      let_go (self, get (self, i - 1), NULL);
  }
}

/* --- Pushing -------------------------------------------------------------------------------------------------------------------- */

static gboolean
check_fits (GstDataChannelReceiver *receiver, const DcLinkItem *item, GError **error)
{
  gsize size = item->payload != NULL ? g_bytes_get_size (item->payload) : 0;
  gsize max = dc_channel_get_max_message_size (receiver->channel);

  if (dc_channel_get_mode (receiver->channel) == DC_MODE_LINK || size <= max)
    return TRUE;
  g_set_error (error, DC_ERROR, DC_ERROR_DATA,
      "A buffer of %" G_GSIZE_FORMAT
      " bytes cannot be sent in raw mode: a message to \"%s\" may have at most %" G_GSIZE_FORMAT
      " bytes; make the buffers smaller before this element",
      size, dc_channel_get_remote_id (receiver->channel), max);
  return FALSE;
}

/* The next of its queue. It stays there if it could not be pushed. */
static gboolean
push_next (GstDataChannelReceiver *receiver, GError **error)
{
  DcLinkItem *item = g_queue_peek_head (&receiver->queue);

  if (!check_fits (receiver, item, error)
      || !dc_channel_push (receiver->channel, gst_data_channel_copy_item (item), FALSE, error))
    return FALSE;
  dc_link_item_free (g_queue_pop_head (&receiver->queue));
  return TRUE;
}

/* The queue is empty. */
static void
settle (GstDataChannelReceiver *receiver)
{
  if (receiver->stage != GST_DATA_CHANNEL_STAGE_RUNNING)
    return;
  receiver->joined = TRUE;
  receiver->flushed = FALSE;
  receiver->seen = receiver->seen_next;
}

static gboolean
pump_only (GstDataChannelReceivers *self, GError **error)
{
  if (self->list->len == 0)
    return TRUE;
  while (is_waiting (get (self, 0))) {
    if (!push_next (get (self, 0), error))
      return FALSE;
  }
  settle (get (self, 0));
  return TRUE;
}

/* What there is room for. FALSE: it must go. */
static gboolean
push_some (GstDataChannelReceiver *receiver, GError **error)
{
  while (is_waiting (receiver) && dc_channel_can_push (receiver->channel, 0)) {
    g_autoptr (GError) fault = NULL;
    if (push_next (receiver, &fault))
      continue;
    if (g_error_matches (fault, DC_ERROR, DC_ERROR_FLUSHING))
      return TRUE;
    g_propagate_error (error, g_steal_pointer (&fault));
    return FALSE;
  }
  if (!is_waiting (receiver))
    settle (receiver);
  return TRUE;
}

/* It cannot take what others can: whoever runs the pipeline should know why it misses the rest. */
static void
warn (GstDataChannelReceivers *self, GstDataChannelReceiver *receiver, const GError *error)
{
  if (!dc_channel_is_ended (receiver->channel) && g_error_matches (error, DC_ERROR, DC_ERROR_DATA))
    GST_ELEMENT_WARNING (self->end->element, RESOURCE, WRITE, ("%s", error->message),
        ("the receiver \"%s\" was let go", dc_channel_get_remote_id (receiver->channel)));
}

gboolean
gst_data_channel_receivers_push (GstDataChannelReceivers *self)
{
  gboolean all = TRUE;

  for (guint i = self->list->len; i > 0; i--) {
    GstDataChannelReceiver *receiver = get (self, i - 1);
    g_autoptr (GError) error = NULL;
    if (push_some (receiver, &error)) {
      all = all && !is_waiting (receiver);
      continue;
    }
    warn (self, receiver, error);
    let_go (self, receiver, error->message);
  }
  return all;
}

/* --- drop ----------------------------------------------------------------------------------------------------------------------- */

gboolean
gst_data_channel_receiver_has_room_again (GstDataChannelReceiver *receiver)
{
  DcLinkStats stats;

  if (!dc_channel_can_push (receiver->channel, 0))
    return FALSE;
  dc_channel_get_link_stats (receiver->channel, &stats);
  if (dc_channel_get_mode (receiver->channel) == DC_MODE_RAW)
    return stats.waiting_bytes <= RAW_BACKLOG;
  return stats.in_flight_bytes + stats.waiting_bytes <= stats.window_bytes / 2;
}

static gboolean
has_got_everything (const GstDataChannelReceiver *receiver)
{
  return receiver->stage == GST_DATA_CHANNEL_STAGE_RUNNING && !is_waiting (receiver);
}

static gboolean
someone_got_everything (GstDataChannelReceivers *self)
{
  for (guint i = 0; i < self->list->len; i++) {
    if (has_got_everything (get (self, i)))
      return TRUE;
  }
  return FALSE;
}

static void
drop_waiting (GstDataChannelReceivers *self)
{
  for (guint i = 0; i < self->list->len; i++) {
    GstDataChannelReceiver *receiver = get (self, i);
    if (!is_waiting (receiver))
      continue;
    GST_INFO_OBJECT (
        self->end->element, "receiver %s begins to miss buffers", dc_channel_get_remote_id (receiver->channel));
    g_queue_clear_full (&receiver->queue, (GDestroyNotify) dc_link_item_free);
    receiver->stage = GST_DATA_CHANNEL_STAGE_DROPPING;
  }
}

/* Somebody may go on, or it cannot be long until then. */
static gboolean
someone_may_go_on (GstDataChannelReceivers *self)
{
  if (gst_data_channel_end_has_arrived (self->end))
    return TRUE;
  for (guint i = 0; i < self->list->len; i++) {
    if (get (self, i)->stage != GST_DATA_CHANNEL_STAGE_DROPPING
        || gst_data_channel_receiver_has_room_again (get (self, i)))
      return TRUE;
  }
  return self->list->len == 0;
}

gboolean
gst_data_channel_receivers_wait_for_pace (GstDataChannelReceivers *self, GError **error)
{
  gboolean ok = TRUE;

  while (ok && !self->live && !someone_may_go_on (self)) {
    guint seen = gst_data_channel_end_get_changes (self->end);
    /* How full a window is can only be looked at. */
    ok = gst_data_channel_end_wait_change (self->end, seen, g_get_monotonic_time () + GRACE, error);
    gst_data_channel_receivers_sweep (self);
  }
  return ok;
}

/* --- disconnect ------------------------------------------------------------------------------------------------------------------ */

static gboolean
is_idle (const GstDataChannelReceiver *receiver)
{
  DcLinkStats stats;

  if (!has_got_everything (receiver) || !dc_channel_can_push (receiver->channel, 0))
    return FALSE;
  dc_channel_get_link_stats (receiver->channel, &stats);
  return stats.in_flight_bytes + stats.waiting_bytes == 0;
}

static gboolean
someone_is_idle (GstDataChannelReceivers *self)
{
  for (guint i = 0; i < self->list->len; i++) {
    if (is_idle (get (self, i)))
      return TRUE;
  }
  return FALSE;
}

static void
blame (GstDataChannelReceiver *receiver, gint64 waited, gint64 now)
{
  gint64 forgotten = (now - receiver->blamed_at) / BLAME_LEAK;

  receiver->blame = MAX (0, receiver->blame - forgotten) + waited;
  receiver->blamed_at = now;
}

static void
blame_waiting (GstDataChannelReceivers *self, gint64 waited, gint64 now)
{
  for (guint i = self->list->len; i > 0; i--) {
    GstDataChannelReceiver *receiver = get (self, i - 1);
    if (!is_waiting (receiver))
      continue;
    blame (receiver, waited, now);
    if (receiver->blame >= MAX_BLAME)
      let_go (
          self, receiver, "disconnected, for it is too slow: others have lost more than a quarter of their time by it");
  }
}

/* When the first of those who wait has been waited for long enough. */
static gint64
get_blame_deadline (GstDataChannelReceivers *self, gint64 now)
{
  gint64 most = 0;

  for (guint i = 0; i < self->list->len; i++) {
    if (is_waiting (get (self, i)))
      most = MAX (most, get (self, i)->blame);
  }
  return now + MAX_BLAME - most;
}

/* --- Those who get nothing ------------------------------------------------------------------------------------------------------- */

static gboolean
someone_gets_nothing (GstDataChannelReceivers *self)
{
  for (guint i = 0; i < self->list->len; i++) {
    if (get (self, i)->stage != GST_DATA_CHANNEL_STAGE_RUNNING)
      return TRUE;
  }
  return gst_data_channel_end_has_arrived (self->end);
}

/* One of them could, if the stream went on. */
static gboolean
someone_could_get_something (GstDataChannelReceivers *self)
{
  for (guint i = 0; i < self->list->len; i++) {
    GstDataChannelReceiver *receiver = get (self, i);
    if (receiver->stage == GST_DATA_CHANNEL_STAGE_WAITING
        || (receiver->stage == GST_DATA_CHANNEL_STAGE_DROPPING && gst_data_channel_receiver_has_room_again (receiver)))
      return TRUE;
  }
  return gst_data_channel_end_has_arrived (self->end);
}

/* --- A step ---------------------------------------------------------------------------------------------------------------------- */

static gboolean
has_stalled (GstDataChannelReceivers *self, const GstDataChannelWait *wait, gint64 now)
{
  return now >= wait->began + STALL && someone_could_get_something (self);
}

static gint64
get_drop_deadline (GstDataChannelReceivers *self, GstDataChannelWait *wait, gint64 now)
{
  if (wait->grace_began == 0 && (self->live || someone_got_everything (self) || has_stalled (self, wait, now)))
    wait->grace_began = self->live ? wait->began : now;
  if (wait->grace_began != 0)
    return wait->grace_began + GRACE;
  /* Whether one that has dropped has room again can only be looked at. */
  return someone_gets_nothing (self) ? MAX (wait->began + STALL, now + GRACE) : -1;
}

gint64
gst_data_channel_receivers_begin_wait (GstDataChannelReceivers *self, GstDataChannelWait *wait, gint64 now)
{
  wait->since = now;
  switch (self->slow_consumer) {
    case GST_DATA_CHANNEL_SLOW_CONSUMER_BLOCK:
      return -1;
    case GST_DATA_CHANNEL_SLOW_CONSUMER_DROP:
      return get_drop_deadline (self, wait, now);
    case GST_DATA_CHANNEL_SLOW_CONSUMER_DISCONNECT:
      wait->counts = self->live ? now >= wait->began + GRACE : someone_is_idle (self) || has_stalled (self, wait, now);
      if (wait->counts)
        return get_blame_deadline (self, now);
      return self->live ? wait->began + GRACE : now + LOOK_INTERVAL;
  }
  return -1;
}

void
gst_data_channel_receivers_end_wait (GstDataChannelReceivers *self, GstDataChannelWait *wait, gint64 now)
{
  if (wait->counts)
    blame_waiting (self, now - wait->since, now);
  if (wait->grace_began == 0 || now < wait->grace_began + GRACE)
    return;
  gst_data_channel_receivers_push (self);
  drop_waiting (self);
}

/* Waits for a change, or until those who are waited for are waited for no more. */
static gboolean
wait_for_slow (GstDataChannelReceivers *self, GstDataChannelWait *wait, guint seen, GError **error)
{
  gint64 deadline = gst_data_channel_receivers_begin_wait (self, wait, g_get_monotonic_time ());
  gboolean ok = gst_data_channel_end_wait_change (self->end, seen, deadline, error);

  gst_data_channel_receivers_end_wait (self, wait, g_get_monotonic_time ());
  return ok;
}

gboolean
gst_data_channel_receivers_pump (GstDataChannelReceivers *self, GError **error)
{
  GstDataChannelWait wait = {.began = g_get_monotonic_time ()};
  gboolean all, ok = TRUE;

  if (self->sole)
    return pump_only (self, error);
  do {
    guint seen = gst_data_channel_end_get_changes (self->end);
    all = gst_data_channel_receivers_push (self);
    if (!all)
      ok = wait_for_slow (self, &wait, seen, error);
  } while (!all && ok);
  return ok;
}

/* --- The end ---------------------------------------------------------------------------------------------------------------------- */

static gboolean
all_finished (GstDataChannelReceivers *self)
{
  for (guint i = 0; i < self->list->len; i++) {
    if (!dc_channel_is_finished (get (self, i)->channel))
      return FALSE;
  }
  return TRUE;
}

static void
let_go_unfinished (GstDataChannelReceivers *self)
{
  for (guint i = self->list->len; i > 0; i--) {
    if (!dc_channel_is_finished (get (self, i - 1)->channel))
      let_go (self, get (self, i - 1),
          "disconnected, for it is too slow: it took 5 seconds longer than others to receive the end of the stream");
  }
}

/* For those that are slower than the first one that has finished. */
static void
set_end_deadline (GstDataChannelReceivers *self, gint64 now)
{
  if (self->slow_consumer == GST_DATA_CHANNEL_SLOW_CONSUMER_BLOCK || self->finish_deadline != 0)
    return;
  for (guint i = 0; i < self->list->len; i++) {
    if (dc_channel_is_finished (get (self, i)->channel))
      self->finish_deadline = now + END_GRACE;
  }
}

/* Those who came while the end was on its way. */
static void
turn_away (GstDataChannelReceivers *self)
{
  DcChannel *late;

  while ((late = gst_data_channel_end_take_channel (self->end, NULL)) != NULL) {
    gst_data_channel_end_drop_channel (self->end, late, GST_DATA_CHANNEL_TOO_LATE);
    g_object_unref (late);
  }
}

gboolean
gst_data_channel_receivers_wait_finished (GstDataChannelReceivers *self, GError **error)
{
  gboolean ok = TRUE, late = FALSE;

  while (ok && !late) {
    guint seen = gst_data_channel_end_get_changes (self->end);
    gint64 now = g_get_monotonic_time ();

    set_end_deadline (self, now);
    gst_data_channel_receivers_sweep (self);
    turn_away (self);
    if (all_finished (self))
      return TRUE;
    late = self->finish_deadline != 0 && now >= self->finish_deadline;
    if (!late)
      ok = gst_data_channel_end_wait_change (
          self->end, seen, self->finish_deadline != 0 ? self->finish_deadline : -1, error);
  }
  if (late)
    let_go_unfinished (self);
  return ok;
}
