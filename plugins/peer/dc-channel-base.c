/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-channel-base.c: a data channel's ground floor: telling others, ending, transmitting. See dc-channel.c for the theory. */
#include "plugins/peer/dc-channel-base.h"

/* A GstBuffer with its memory and meta, a GBytes, an item. */
#define MESSAGE_COST 1024

/* --- Telling others, without the lock ------------------------------------------------------------------------------------------ */

void
dc_channel_unlock (DcChannel *self)
{
  guint pending = self->pending;
  guint64 acknowledged = self->acknowledged;
  g_autoptr (GError) error = self->error != NULL ? g_error_copy (self->error) : NULL;

  self->pending = 0;
  g_mutex_unlock (&self->lock);
  if (pending & PENDING_READY)
    self->callbacks.ready (self, self->user_data);
  if (pending & PENDING_ACKNOWLEDGED)
    g_signal_emit_by_name (self, "acknowledged", acknowledged);
  if (pending & PENDING_WANTS_CLOSE)
    self->callbacks.wants_close (self, self->user_data);
  if (pending & PENDING_SETTLED)
    self->callbacks.settled (self, self->user_data);
  if (pending & PENDING_ENDED) {
    g_signal_emit_by_name (self, "closed", error);
    self->callbacks.ended (self, error, self->user_data);
  }
}

/* TRUE if each direction that was used has been ended by FIN and FIN-ACK: then the far side's leaving is no fault. */
gboolean
dc_channel_is_clean_locked (DcChannel *self)
{
  gboolean fin_acked;
  DcLinkStats stats;

  if (self->link == NULL)
    return FALSE;
  fin_acked = dc_link_is_finished (self->link);
  dc_link_get_stats (self->link, &stats);
  return (fin_acked || self->fin_accepted) && (fin_acked || stats.items_sent == 0)
         && (self->fin_accepted || stats.items_received == 0);
}

guint64
dc_channel_get_buffered_amount_locked (DcChannel *self)
{
  guint64 buffered = 0;

  if (self->rtc != NULL)
    g_object_get (self->rtc, "buffered-amount", &buffered, NULL);
  return buffered;
}

/* Whether an ABORT, or what a raw channel sent, has arrived cannot be known: the far side's closing shows it, or the connection's patience
 * ends. */
static gboolean
is_settled_locked (DcChannel *self)
{
  if (self->remote_closed)
    return TRUE;
  if (self->abort_sent)
    return FALSE;
  if (self->ended || !self->started)
    return TRUE;
  return self->link != NULL && dc_link_is_settled (self->link) && dc_channel_get_buffered_amount_locked (self) == 0;
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
dc_channel_end_locked (DcChannel *self, const GError *error)
{
  if (self->ended)
    return;
  self->ended = TRUE;
  /* An abort of our own has said why already. */
  if (self->error == NULL && error != NULL)
    self->error = g_error_copy (error);
  self->pending |= PENDING_ENDED;
  dc_channel_check_settled_locked (self);
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
  return g_error_new (
      DC_ERROR, DC_ERROR_DATA, "\"%s\" sent what is not the link protocol: %s", self->remote_id, reason->message);
}

static void
end_by_link_locked (DcChannel *self)
{
  const GError *reason = dc_link_get_error (self->link);
  g_autoptr (GError) error = translate_link_error (self, reason);

  self->abort_sent = !g_error_matches (reason, DC_LINK_ERROR, DC_LINK_ERROR_ABORTED);
  dc_channel_end_locked (self, error);
}

/* --- Receiving ----------------------------------------------------------------------------------------------------------------- */

gsize
dc_channel_cost_of (const DcLinkItem *item)
{
  return MESSAGE_COST + (item->payload != NULL ? g_bytes_get_size (item->payload) : 0);
}

/* --- Sending ------------------------------------------------------------------------------------------------------------------- */

static void
update_timer_locked (DcChannel *self)
{
  if (self->timer != NULL)
    g_source_set_ready_time (self->timer, self->ended ? -1 : dc_link_get_deadline (self->link));
}

/* Drops the lock while it sends; see the theory of operation. */
void
dc_channel_transmit_locked (DcChannel *self)
{
  GBytes *message;

  if (self->transmitting || self->link == NULL)
    return;
  self->transmitting = TRUE;
  while (self->rtc != NULL && (message = dc_link_poll_transmit (self->link, g_get_monotonic_time ())) != NULL) {
    g_autoptr (GstWebRTCDataChannel) rtc = g_object_ref (self->rtc);
    g_autoptr (GError) error = NULL;
    gboolean sent;
    g_mutex_unlock (&self->lock);
    sent = gst_webrtc_data_channel_send_data_full (rtc, message, &error);
    g_bytes_unref (message);
    g_mutex_lock (&self->lock);
    if (!sent) {
      g_autoptr (GError) lost = g_error_new (DC_ERROR, DC_ERROR_PEER_GONE, "cannot send to \"%s\" any more: %s",
          self->remote_id, error != NULL ? error->message : "the channel is closed");
      dc_channel_end_locked (self, lost);
      break;
    }
  }
  self->transmitting = FALSE;
  update_timer_locked (self);
  g_cond_broadcast (&self->cond);
}

/* After the link was given something: notes what has changed, and sends what it wants to say. */
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
  dc_channel_transmit_locked (self);
  /* After an abort of our own the link is in error too, but the ABORT is still on its way: it is the far side's closing that ends the
   * channel, or the connection's patience. */
  if (dc_link_get_error (self->link) != NULL && !self->closing)
    end_by_link_locked (self);
  dc_channel_check_settled_locked (self);
  g_cond_broadcast (&self->cond);
}

static gboolean
timer_cb (gpointer user_data)
{
  DcChannel *self = user_data;

  g_mutex_lock (&self->lock);
  if (!self->ended) {
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
dc_channel_start_timer_locked (DcChannel *self, GMainContext *context)
{
  self->timer = g_source_new (&timer_funcs, sizeof (GSource));
  g_source_set_static_name (self->timer, "dc-channel-timer");
  g_source_set_callback (self->timer, timer_cb, g_object_ref (self), g_object_unref);
  g_source_attach (self->timer, context);
}
