/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-channel-wire.c: a data channel's two ends inside: webrtcbin, where messages arrive, and the connection, which starts and ends it. */
#include <string.h>

#include "plugins/peer/dc-channel-base.h"

#define RAW_INBOX_LIMIT (64 * 1024 * 1024)
#define RAW_LOW_WATER (256 * 1024)
/* Nobody honest says more than a HELLO before ours. */
#define EARLY_LIMIT (256 * 1024)

/* --- Receiving: webrtcbin's thread, its lock held ------------------------------------------------------------------------------ */

static void
take_raw_locked (DcChannel *self, DcLinkItem *item)
{
  gsize size = item->payload != NULL ? g_bytes_get_size (item->payload) : 0;

  if (self->inbox_cost + dc_channel_cost_of (item) > RAW_INBOX_LIMIT) {
    g_autoptr (GError) error = g_error_new (DC_ERROR, DC_ERROR_DATA,
        "\"%s\" sends faster than its messages are taken here, and a raw channel has no way to slow it down: %d MiB "
        "are waiting",
        self->remote_id, RAW_INBOX_LIMIT >> 20);
    dc_link_item_free (item);
    dc_channel_end_locked (self, error);
    return;
  }
  self->inbox_cost += dc_channel_cost_of (item);
  self->raw_stats.queued_bytes += size;
  self->raw_stats.bytes_received += size;
  self->raw_stats.items_received++;
  self->raw_stats.messages_received++;
  g_queue_push_tail (&self->inbox, item);
  g_cond_broadcast (&self->cond);
}

static void
take_link_locked (DcChannel *self, DcLinkItem *item)
{
  g_autoptr (GError) error = NULL;

  if (item->flags & DC_LINK_FLAG_TEXT) {
    error = g_error_new (DC_ERROR, DC_ERROR_DATA,
        "\"%s\" sent a text message, which the link protocol has not; is it in raw mode?", self->remote_id);
    self->abort_sent = TRUE;
    dc_link_abort (self->link, "a text message came, which the link protocol has not");
    dc_channel_transmit_locked (self);
    dc_channel_end_locked (self, error);
  } else {
    g_autoptr (GBytes) message = item->payload != NULL ? g_bytes_ref (item->payload) : g_bytes_new (NULL, 0);
    dc_link_receive (self->link, message, g_get_monotonic_time (), NULL);
    dc_channel_after_link_locked (self);
  }
  dc_link_item_free (item);
}

static void
take_early_locked (DcChannel *self, DcLinkItem *item)
{
  self->early_cost += dc_channel_cost_of (item);
  g_queue_push_tail (&self->early, item);
  if (self->early_cost > EARLY_LIMIT) {
    g_autoptr (GError) error = g_error_new (DC_ERROR, DC_ERROR_DATA,
        "\"%s\" sent more than %d KiB before its identity could be checked", self->remote_id, EARLY_LIMIT >> 10);
    dc_channel_end_locked (self, error);
  }
}

static void
deliver_locked (DcChannel *self, DcLinkItem *item)
{
  if (self->ended)
    dc_link_item_free (item);
  else if (self->mode == DC_MODE_RAW)
    take_raw_locked (self, item);
  else
    take_link_locked (self, item);
}

static void
receive (DcChannel *self, GBytes *payload, guint32 flags)
{
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_DATA);

  item->payload = payload;
  item->flags = flags;
  g_mutex_lock (&self->lock);
  if (self->started || self->ended)
    deliver_locked (self, item);
  else
    take_early_locked (self, item);
  dc_channel_unlock (self);
}

/* @data is NULL for an empty message (PPID 57). */
static void
on_message_data (GstWebRTCDataChannel *rtc, GBytes *data, DcChannel *self)
{
  receive (self, data != NULL ? g_bytes_ref (data) : NULL, 0);
}

static void
on_message_string (GstWebRTCDataChannel *rtc, const char *text, DcChannel *self)
{
  receive (self, text != NULL ? g_bytes_new (text, strlen (text)) : NULL, DC_LINK_FLAG_TEXT);
}

/* The far side has closed the channel, on purpose: in raw mode that is how one ends. */
static void
hang_up (DcChannel *self, const GError *error)
{
  g_mutex_lock (&self->lock);
  self->remote_closed = TRUE;
  if (self->mode == DC_MODE_RAW && self->started)
    error = NULL;
  dc_channel_end_locked (self, dc_channel_is_clean_locked (self) ? NULL : error);
  dc_channel_check_settled_locked (self);
  dc_channel_unlock (self);
}

static void
on_close (GstWebRTCDataChannel *rtc, DcChannel *self)
{
  g_autoptr (GError) error = g_error_new (
      DC_ERROR, DC_ERROR_PEER_GONE, "\"%s\" closed the channel before everything was across", self->remote_id);

  hang_up (self, error);
}

static void
on_error (GstWebRTCDataChannel *rtc, const GError *reason, DcChannel *self)
{
  g_autoptr (GError) error = g_error_new (DC_ERROR, DC_ERROR_PEER_GONE, "the channel to \"%s\" broke: %s",
      self->remote_id, reason != NULL ? reason->message : "no reason given");

  g_mutex_lock (&self->lock);
  dc_channel_end_locked (self, error);
  dc_channel_unlock (self);
}

static void
on_buffered_amount_low (GstWebRTCDataChannel *rtc, DcChannel *self)
{
  g_mutex_lock (&self->lock);
  dc_channel_check_settled_locked (self);
  g_cond_broadcast (&self->cond);
  dc_channel_unlock (self);
}

/* --- The connection's side ----------------------------------------------------------------------------------------------------- */

/* A closure keeps @self alive while a handler runs, which disconnecting alone would not. */
static void
connect_signal (DcChannel *self, const char *name, GCallback callback)
{
  g_signal_connect_data (
      self->rtc, name, callback, g_object_ref (self), (GClosureNotify) (void (*) (void)) g_object_unref, 0);
}

DcChannel *
dc_channel_new (GstWebRTCDataChannel *rtc, DcMode mode, const char *remote_id, const DcChannelCallbacks *callbacks,
    gpointer user_data, GDestroyNotify destroy)
{
  DcChannel *self = g_object_new (DC_TYPE_CHANNEL, NULL);

  self->rtc = g_object_ref (rtc);
  self->mode = mode;
  self->remote_id = g_strdup (remote_id);
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->destroy = destroy;
  g_object_get (rtc, "label", &self->label, NULL);
  if (mode == DC_MODE_RAW)
    g_object_set (rtc, "buffered-amount-low-threshold", (guint64) RAW_LOW_WATER, NULL);
  connect_signal (self, "on-message-data", G_CALLBACK (on_message_data));
  connect_signal (self, "on-message-string", G_CALLBACK (on_message_string));
  connect_signal (self, "on-close", G_CALLBACK (on_close));
  connect_signal (self, "on-error", G_CALLBACK (on_error));
  connect_signal (self, "on-buffered-amount-low", G_CALLBACK (on_buffered_amount_low));
  return self;
}

static void
start_link_locked (DcChannel *self, GMainContext *context)
{
  DcLinkConfig config = {
      .session = ((guint64) g_random_int () << 32) | g_random_int (),
      .max_message = MIN (self->max_message, 65536),
  };

  self->link = dc_link_new (&config, g_get_monotonic_time ());
  dc_channel_start_timer_locked (self, context);
  dc_channel_transmit_locked (self);
}

void
dc_channel_start (DcChannel *self, GMainContext *context, gsize max_message_size)
{
  DcLinkItem *item;

  g_mutex_lock (&self->lock);
  if (self->ended || self->started) {
    g_mutex_unlock (&self->lock);
    return;
  }
  self->max_message = max_message_size;
  if (self->mode == DC_MODE_LINK)
    start_link_locked (self, context);
  else {
    self->ready = TRUE;
    self->pending |= PENDING_READY;
  }
  /* Delivering drops the lock for a moment: what comes meanwhile queues behind what came before. */
  while ((item = g_queue_pop_head (&self->early)) != NULL)
    deliver_locked (self, item);
  self->started = TRUE;
  dc_channel_unlock (self);
}

void
dc_channel_fail (DcChannel *self, const GError *error)
{
  g_mutex_lock (&self->lock);
  dc_channel_end_locked (self, dc_channel_is_clean_locked (self) ? NULL : error);
  dc_channel_unlock (self);
}

gboolean
dc_channel_is_unfinished (DcChannel *self)
{
  gboolean unfinished;

  g_mutex_lock (&self->lock);
  unfinished = self->link != NULL && !self->remote_closed
               && (self->abort_sent || (!self->ended && !dc_channel_is_clean_locked (self)));
  g_mutex_unlock (&self->lock);
  return unfinished;
}

void
dc_channel_close_rtc (DcChannel *self)
{
  g_autoptr (GstWebRTCDataChannel) rtc = NULL;

  g_mutex_lock (&self->lock);
  rtc = self->rtc != NULL ? g_object_ref (self->rtc) : NULL;
  g_mutex_unlock (&self->lock);
  if (rtc != NULL)
    gst_webrtc_data_channel_close (rtc);
}

GError *
dc_channel_dup_error (DcChannel *self)
{
  GError *error;

  g_mutex_lock (&self->lock);
  error = self->error != NULL ? g_error_copy (self->error) : NULL;
  g_mutex_unlock (&self->lock);
  return error;
}

void
dc_channel_detach (DcChannel *self)
{
  g_autoptr (GstWebRTCDataChannel) rtc = NULL;
  g_autoptr (GSource) timer = NULL;
  g_autoptr (GError) error =
      g_error_new (DC_ERROR, DC_ERROR_PEER_GONE, "the connection to \"%s\" was closed", self->remote_id);

  g_mutex_lock (&self->lock);
  rtc = g_steal_pointer (&self->rtc);
  timer = g_steal_pointer (&self->timer);
  dc_channel_end_locked (self, self->closing || dc_channel_is_clean_locked (self) ? NULL : error);
  dc_channel_unlock (self);
  if (timer != NULL)
    g_source_destroy (timer);
  if (rtc != NULL)
    g_signal_handlers_disconnect_by_data (rtc, self);
}
