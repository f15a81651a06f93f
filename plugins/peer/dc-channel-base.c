/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-channel-base.c: a data channel's ground floor: telling others, ending, transmitting. See dc-channel.c for the theory. */
#include "plugins/peer/dc-channel-base.h"

#include <string.h>

/* A GstBuffer with its memory and meta, a GBytes, an item. */
#define MESSAGE_COST 1024

/* --- Telling others, without the lock ------------------------------------------------------------------------------------------ */

static void
tell_readable (DcChannel *self, const DcStreams *readable)
{
  for (guint stream = 0; stream < DC_LINK_MAX_STREAMS; stream++)
    if (dc_streams_has (readable, stream))
      g_signal_emit_by_name (self, "readable", stream);
}

static void
tell (DcChannel *self, guint pending, guint64 acknowledged, const DcStreams *readable, const GError *reason)
{
  if (pending & PENDING_RESUMED) {
    g_signal_emit_by_name (self, "resumed");
    self->callbacks.resumed (self, self->user_data);
  }
  if (pending & PENDING_READY)
    self->callbacks.ready (self, self->user_data);
  if (pending & PENDING_ACKNOWLEDGED)
    g_signal_emit_by_name (self, "acknowledged", acknowledged);
  if (pending & PENDING_WRITABLE)
    g_signal_emit_by_name (self, "writable");
  if (pending & PENDING_READABLE)
    tell_readable (self, readable);
  if (pending & PENDING_SUSPENDED)
    g_signal_emit_by_name (self, "suspended", reason);
  if (pending & PENDING_LOST)
    self->callbacks.suspended (self, reason, self->user_data);
  if (pending & PENDING_WANTS_CLOSE)
    self->callbacks.wants_close (self, self->user_data);
  if (pending & PENDING_FINISHED)
    g_signal_emit_by_name (self, "finished");
  if (pending & PENDING_SETTLED)
    self->callbacks.settled (self, self->user_data);
}

static GError *
copy_error (const GError *error)
{
  return error != NULL ? g_error_copy (error) : NULL;
}

void
dc_channel_unlock (DcChannel *self)
{
  guint pending = self->pending;
  guint64 acknowledged = self->acknowledged;
  DcStreams readable = self->readable;
  g_autoptr (GError) error = copy_error (self->error);
  g_autoptr (GError) reason = copy_error (self->lost_reason);
  g_autoptr (DcWire) dropped = g_steal_pointer (&self->dropped);

  self->pending = 0;
  memset (&self->readable, 0, sizeof self->readable);
  g_mutex_unlock (&self->lock);
  if (pending & ~PENDING_ENDED)
    tell (self, pending, acknowledged, &readable, reason);
  if (pending & PENDING_ENDED) {
    g_signal_emit_by_name (self, "closed", error);
    self->callbacks.ended (self, error, self->user_data);
  }
}

/* --- State --------------------------------------------------------------------------------------------------------------------- */

/* Upstream events alone oblige nobody. */
gboolean
dc_channel_is_clean_locked (DcChannel *self)
{
  gboolean fin_acked, sent, received;
  DcLinkStats stats;

  if (self->link == NULL)
    return FALSE;
  dc_link_get_stats (self->link, &stats);
  fin_acked = dc_link_is_finished (self->link);
  sent = self->finishing || stats.buffers_sent > 0;
  received = stats.buffers_received > 0;
  return (fin_acked || self->fin_accepted) && (fin_acked || !sent) && (self->fin_accepted || !received);
}

guint64
dc_channel_get_buffered_amount_locked (DcChannel *self)
{
  return self->wire != NULL ? dc_wire_get_buffered_amount (self->wire) : 0;
}

void
dc_channel_get_stats_locked (DcChannel *self, DcLinkStats *stats)
{
  gint64 now = g_get_monotonic_time ();

  if (self->link != NULL) {
    dc_link_get_stats (self->link, stats);
    return;
  }
  dc_rate_update (&self->send_rate, self->raw_stats.bytes_sent, now);
  dc_rate_update (&self->receive_rate, self->raw_stats.bytes_received, now);
  *stats = self->raw_stats;
  stats->send_rate = dc_rate_get (&self->send_rate);
  stats->receive_rate = dc_rate_get (&self->receive_rate);
  stats->waiting_bytes = dc_channel_get_buffered_amount_locked (self);
}

/* Whether the far SCTP has everything. The far application may not: a raw channel can promise no more. */
static gboolean
is_delivered_locked (DcChannel *self)
{
  if (dc_channel_get_buffered_amount_locked (self) > 0)
    return FALSE;
  return self->expired
         || dc_sctp_watch_has_delivered (self->watch, dc_wire_get_stream (self->wire), self->raw_stats.items_sent);
}

/* Whether an ABORT has arrived cannot be known: the far side's closing shows it, or the connection's patience ends. Without a connection
 * nothing can arrive. */
static gboolean
is_settled_locked (DcChannel *self)
{
  if (self->remote_closed || self->wire == NULL)
    return TRUE;
  if (self->abort_sent)
    return FALSE;
  if (self->ended || !self->started)
    return TRUE;
  if (self->link == NULL)
    return is_delivered_locked (self);
  return dc_link_is_settled (self->link) && dc_channel_get_buffered_amount_locked (self) == 0;
}

void
dc_channel_check_settled_locked (DcChannel *self)
{
  if (!self->closing || self->settled || !is_settled_locked (self))
    return;
  self->settled = TRUE;
  self->pending |= PENDING_SETTLED;
}

void
dc_channel_check_finished_locked (DcChannel *self)
{
  if (self->finished || !self->finishing || (self->link == NULL && self->wire == NULL))
    return;
  if (self->link != NULL ? !dc_link_is_finished (self->link) : !is_delivered_locked (self))
    return;
  self->finished = TRUE;
  self->pending |= PENDING_FINISHED;
}

gboolean
dc_channel_has_room_locked (DcChannel *self, guint stream)
{
  if (self->ended || self->closing || self->finishing || (self->flushing & DC_DIRECTION_SEND))
    return TRUE;
  if (self->options->mode == DC_MODE_LINK)
    return dc_link_can_send (self->link, stream);
  return dc_channel_get_buffered_amount_locked (self) <= DC_CHANNEL_RAW_HIGH_WATER;
}

void
dc_channel_check_room_locked (DcChannel *self)
{
  static const DcStreams none;

  if (memcmp (&self->full, &none, sizeof none) == 0)
    return;
  for (guint stream = 0; stream < DC_LINK_MAX_STREAMS; stream++) {
    if (!dc_streams_has (&self->full, stream) || !dc_channel_has_room_locked (self, stream))
      continue;
    dc_streams_set (&self->full, stream, FALSE);
    self->pending |= PENDING_WRITABLE;
  }
}

static void
check_items_of_stream_locked (DcChannel *self, guint stream, gboolean any)
{
  if (!any || !dc_streams_has (&self->empty, stream))
    return;
  dc_streams_set (&self->empty, stream, FALSE);
  dc_streams_set (&self->readable, stream, TRUE);
  self->pending |= PENDING_READABLE;
}

void
dc_channel_check_items_locked (DcChannel *self)
{
  guint n_streams = self->link != NULL ? dc_link_get_n_streams (self->link) : 0;

  for (guint stream = 0; stream < n_streams; stream++)
    check_items_of_stream_locked (self, stream, dc_link_has_item (self->link, stream));
  check_items_of_stream_locked (self, 0, self->inbox.length > 0 || self->ended);
}

void
dc_channel_end_locked (DcChannel *self, const GError *error)
{
  if (self->ended)
    return;
  self->ended = TRUE;
  /* An abort of our own has said why already. */
  if (self->error == NULL)
    self->error = copy_error (error);
  self->pending |= PENDING_ENDED;
  dc_channel_check_settled_locked (self);
  dc_channel_check_room_locked (self);
  dc_channel_check_items_locked (self);
  dc_channel_check_held_locked (self);
  g_cond_broadcast (&self->cond);
}

/* A link error in the words and codes of this library. */
static GError *
translate_link_error (DcChannel *self, const GError *reason)
{
  if (g_error_matches (reason, DC_LINK_ERROR, DC_LINK_ERROR_ABORTED))
    return g_error_new (DC_ERROR, DC_ERROR_PEER_GONE, "\"%s\" broke off: %s", self->remote_id, reason->message);
  if (g_error_matches (reason, DC_LINK_ERROR, DC_LINK_ERROR_TIMEOUT))
    return g_error_new (
        DC_ERROR, DC_ERROR_PEER_GONE, "the connection to \"%s\" is dead: %s", self->remote_id, reason->message);
  if (g_error_matches (reason, DC_LINK_ERROR, DC_LINK_ERROR_RESUME))
    return g_error_new (
        DC_ERROR, DC_ERROR_PEER_GONE, "the channel to \"%s\" cannot go on: %s", self->remote_id, reason->message);
  return g_error_new (
      DC_ERROR, DC_ERROR_DATA, "\"%s\" sent what is not the link protocol: %s", self->remote_id, reason->message);
}

/* Nobody came back, or not the one who was lost: no fault if nothing was under way. */
static gboolean
was_left_clean_locked (DcChannel *self, const GError *reason)
{
  return (g_error_matches (reason, DC_LINK_ERROR, DC_LINK_ERROR_TIMEOUT)
             || g_error_matches (reason, DC_LINK_ERROR, DC_LINK_ERROR_RESUME))
         && dc_channel_is_clean_locked (self);
}

static void
end_by_link_locked (DcChannel *self)
{
  const GError *reason = dc_link_get_error (self->link);
  g_autoptr (GError) error = translate_link_error (self, reason);

  self->abort_sent = !g_error_matches (reason, DC_LINK_ERROR, DC_LINK_ERROR_ABORTED);
  dc_channel_end_locked (self, was_left_clean_locked (self, reason) ? NULL : error);
}

static void
update_timer_locked (DcChannel *self)
{
  if (self->timer != NULL)
    g_source_set_ready_time (self->timer, self->ended ? -1 : dc_link_get_deadline (self->link));
}

/* --- Losing the connection ------------------------------------------------------------------------------------------------------ */

void
dc_channel_drop_wire_locked (DcChannel *self)
{
  if (self->wire == NULL)
    return;
  dc_wire_detach (self->wire);
  g_clear_pointer (&self->dropped, dc_wire_unref);
  self->dropped = g_steal_pointer (&self->wire);
  self->started = self->held = FALSE;
  self->remote_closed &=
      self->ended; /* else it was closed before it was ours to use, and the next connection has another */
  g_clear_pointer (&self->proof, dc_proof_free);
  g_queue_clear_full (&self->early, (GDestroyNotify) dc_link_item_free);
  self->early_cost = 0;
}

static void
note_suspended_locked (DcChannel *self, const GError *why, gboolean by_itself)
{
  self->pending |= (by_itself ? PENDING_LOST : 0) | (self->suspended ? 0 : PENDING_SUSPENDED);
  self->suspended = TRUE;
  g_clear_error (&self->lost_reason);
  self->lost_reason = g_error_copy (why);
}

/* A direction that was not used yet may still be, and a FIN-ACK that was lost must be said again. */
static gboolean
is_worth_resuming_locked (DcChannel *self)
{
  if (!self->ready || self->closing || self->resume_timeout == 0)
    return FALSE;
  return !self->fin_accepted || !dc_link_is_finished (self->link) || !dc_link_is_settled (self->link);
}

void
dc_channel_suspend_locked (DcChannel *self, const GError *why, gboolean by_itself)
{
  dc_channel_drop_wire_locked (self);
  if (!is_worth_resuming_locked (self)) {
    dc_channel_end_locked (self, dc_channel_is_clean_locked (self) ? NULL : why);
    return;
  }
  dc_link_suspend (self->link, g_get_monotonic_time (), why->message);
  if (dc_link_get_error (self->link) != NULL) {
    end_by_link_locked (self);
    return;
  }
  note_suspended_locked (self, why, by_itself);
  update_timer_locked (self);
  g_cond_broadcast (&self->cond);
}

/* --- Receiving ----------------------------------------------------------------------------------------------------------------- */

gsize
dc_channel_cost_of (const DcLinkItem *item)
{
  return MESSAGE_COST + (item->payload != NULL ? g_bytes_get_size (item->payload) : 0);
}

/* Who shares the connection with others holds them up by that, so it is given more room. */
static gsize
get_inbox_room_locked (DcChannel *self)
{
  return dc_wire_is_alone (self->wire) ? DC_CHANNEL_RAW_INBOX_ALONE : DC_CHANNEL_RAW_INBOX_SHARED;
}

gboolean
dc_channel_is_full_locked (DcChannel *self)
{
  return self->options->mode == DC_MODE_RAW && !self->ended && self->wire != NULL
         && self->inbox_cost >= get_inbox_room_locked (self);
}

void
dc_channel_check_held_locked (DcChannel *self)
{
  if (!self->held || (!self->ended && !self->closing && self->inbox_cost > get_inbox_room_locked (self) / 2))
    return;
  self->held = FALSE;
  if (self->wire != NULL)
    dc_wire_resume (self->wire);
}

/* --- Sending ------------------------------------------------------------------------------------------------------------------- */

/* What could not be sent on a channel that is not ours any more is no fault: the link sends it again on the next. */
static void
fail_to_send_locked (DcChannel *self, const DcWire *wire, const GError *error)
{
  g_autoptr (GError) lost = NULL;

  if (wire != self->wire)
    return;
  lost =
      g_error_new (DC_ERROR, DC_ERROR_PEER_GONE, "cannot send to \"%s\" any more: %s", self->remote_id, error->message);
  dc_channel_suspend_locked (self, lost, TRUE);
}

/* Until the far side has proved that it knows the secret, it hears nothing but our own proof, or why it is over. (transfer full) (nullable) */
static GBytes *
next_message_locked (DcChannel *self)
{
  if (self->proof != NULL && dc_link_get_error (self->link) == NULL) {
    GBytes *message = dc_proof_poll (self->proof);
    if (message != NULL || !dc_proof_is_done (self->proof))
      return message;
    g_clear_pointer (&self->proof, dc_proof_free);
  }
  return dc_link_poll_transmit (self->link, g_get_monotonic_time ());
}

/* Drops the lock while it sends; see the theory of operation. */
void
dc_channel_transmit_locked (DcChannel *self)
{
  GBytes *message;

  if (self->transmitting || self->link == NULL)
    return;
  self->transmitting = TRUE;
  while (self->started && (message = next_message_locked (self)) != NULL) {
    g_autoptr (DcWire) wire = dc_wire_ref (self->wire);
    g_autoptr (GError) error = NULL;
    gboolean sent;
    g_mutex_unlock (&self->lock);
    sent = dc_wire_send (wire, message, FALSE, &error);
    g_bytes_unref (message);
    g_mutex_lock (&self->lock);
    if (!sent)
      fail_to_send_locked (self, wire, error);
  }
  self->transmitting = FALSE;
  update_timer_locked (self);
  g_cond_broadcast (&self->cond);
}

static void
check_suspended_locked (DcChannel *self)
{
  gboolean suspended = dc_link_is_suspended (self->link);

  if (suspended && (!self->suspended || (self->started && dc_link_needs_channel (self->link)))) {
    g_autoptr (GError) why =
        g_error_new (DC_ERROR, DC_ERROR_PEER_GONE, "nothing is heard from \"%s\" any more", self->remote_id);
    dc_channel_suspend_locked (self, why, TRUE);
  } else if (!suspended && self->suspended && dc_link_get_error (self->link) == NULL) {
    self->suspended = FALSE;
    self->pending |= PENDING_RESUMED;
  }
}

guint
dc_channel_get_max_lanes (DcChannel *self)
{
  return self->options->streams == DC_CHANNEL_STREAMS_AUTO ? DC_CHANNEL_MAX_STREAMS : self->options->streams;
}

static void
check_lanes_locked (DcChannel *self)
{
  guint far_lanes = dc_link_get_far_lanes (self->link);

  if (self->striped || self->wire == NULL || far_lanes == 0)
    return;
  self->striped = TRUE;
  dc_wire_stripe (self->wire, MIN (dc_channel_get_max_lanes (self), far_lanes + 1),
      self->options->streams != DC_CHANNEL_STREAMS_AUTO);
}

void
dc_channel_after_link_locked (DcChannel *self)
{
  DcLinkStats stats;

  dc_link_get_stats (self->link, &stats);
  if (stats.items_acked != self->acknowledged) {
    self->acknowledged = stats.items_acked;
    self->pending |= PENDING_ACKNOWLEDGED;
  }
  if (!self->ready && dc_link_is_open (self->link)) {
    self->ready = TRUE;
    self->pending |= PENDING_READY;
  }
  check_suspended_locked (self);
  check_lanes_locked (self);
  dc_channel_transmit_locked (self);
  /* After an abort of our own the link is in error too, but the ABORT is still on its way: it is the far side's closing that ends the
   * channel, or the connection's patience. */
  if (dc_link_get_error (self->link) != NULL && !self->closing)
    end_by_link_locked (self);
  dc_channel_check_finished_locked (self);
  dc_channel_check_settled_locked (self);
  dc_channel_check_room_locked (self);
  dc_channel_check_items_locked (self);
  g_cond_broadcast (&self->cond);
}

/* Called at least once a heartbeat. */
static void
look_for_life_locked (DcChannel *self)
{
  guint received = self->wire != NULL ? dc_sctp_watch_get_received (self->watch) : self->received_seen;

  if (received != self->received_seen)
    dc_link_heard (self->link, g_get_monotonic_time ());
  self->received_seen = received;
}

static gboolean
timer_cb (gpointer user_data)
{
  DcChannel *self = user_data;

  g_mutex_lock (&self->lock);
  if (!self->ended) {
    look_for_life_locked (self);
    dc_link_advance (self->link, g_get_monotonic_time ());
    dc_channel_after_link_locked (self);
  }
  dc_channel_unlock (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
timer_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  g_source_set_ready_time (source, -1);
  return callback (user_data);
}

static GSourceFuncs timer_funcs = {.dispatch = timer_dispatch};

void
dc_channel_start_timer_locked (DcChannel *self)
{
  self->timer = g_source_new (&timer_funcs, sizeof (GSource));
  g_source_set_static_name (self->timer, "dc-channel-timer");
  g_source_set_callback (self->timer, timer_cb, g_object_ref (self), g_object_unref);
  g_source_attach (self->timer, self->context);
}

static gboolean
expiry_cb (gpointer user_data)
{
  DcChannel *self = user_data;

  g_mutex_lock (&self->lock);
  self->expired = TRUE;
  dc_channel_check_finished_locked (self);
  g_cond_broadcast (&self->cond);
  dc_channel_unlock (self);
  return G_SOURCE_REMOVE;
}

void
dc_channel_start_expiry_locked (DcChannel *self)
{
  if (self->options->max_packet_lifetime < 0)
    return;
  self->timer = g_timeout_source_new ((guint) self->options->max_packet_lifetime);
  g_source_set_static_name (self->timer, "dc-channel-expiry");
  g_source_set_callback (self->timer, expiry_cb, g_object_ref (self), g_object_unref);
  g_source_attach (self->timer, self->context);
}
