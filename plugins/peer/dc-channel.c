/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-channel.c: one data channel, as the threads that move data see it.
 *
 * Theory of operation
 * -------------------
 * A channel joins three kinds of threads: webrtcbin's own (messages arrive there, with webrtcbin's lock held), the worker of the DcPeer
 * (the link's timer), and the application's (push, pull, finish block there). One mutex guards everything; nobody calls out
 * with it held (reading a property of webrtcbin's channel apart, whose own lock is a leaf). What an event makes necessary to tell others (ready, ended, ...) is noted in `pending` while locked, and told by
 * dc_channel_unlock().
 *
 * Life:  made -> started (fingerprint checked, open) -> ready (link mode: the far HELLO came) -> ended -> detached.
 * Before `started` nothing is sent, and what comes waits in `early`: nobody is trusted yet. After an end as
 * agreed what had been received can still be pulled; an error is returned at once.
 *
 * Link mode: every path that may have given the link something to say ends in dc_channel_transmit_locked(). Only one thread transmits at a
 * time, without the lock, and takes along what others queue meanwhile, so messages leave in the order in which the link made them, and a
 * thread that holds webrtcbin's lock never waits for one that wants it. webrtcbin's send queue has no bound of its own: the far
 * side's credit is what bounds it.
 *
 * Raw mode has no frames: what came waits in `inbox`. There is no way to slow a raw sender down, so a full inbox ends the channel
 * with an error rather than losing a message. A sender waits while more than RAW_HIGH_WATER bytes are buffered. */
#include "plugins/peer/dc-channel.h"

#include "plugins/peer/dc-channel-base.h"

#define RAW_HIGH_WATER (1024 * 1024)

G_DEFINE_FINAL_TYPE (DcChannel, dc_channel, G_TYPE_OBJECT)

GType
dc_mode_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
      {DC_MODE_LINK, "Frames of the link protocol: nothing lost, back-pressure, caps and timestamps cross", "link"},
      {DC_MODE_RAW, "A message is a buffer, for browsers and other WebRTC stacks", "raw"},
      {0, NULL, NULL},
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("DcMode", values));
  return type;
}

/* --- The application's side ---------------------------------------------------------------------------------------------------- */

/* As with a TCP reset, what an end in error has overtaken is not handed out any more: whoever reads slowly hears of it now. */
static gboolean
is_broken_locked (DcChannel *self)
{
  return self->ended && self->error != NULL;
}

/* TRUE if the wait is over for another reason than the one waited for. */
static gboolean
interrupted_locked (DcChannel *self, GError **error)
{
  if (self->flushing) {
    g_set_error_literal (error, DC_ERROR, DC_ERROR_FLUSHING, "interrupted");
    return TRUE;
  }
  if (!self->ended && !self->closing)
    return FALSE;
  if (self->error != NULL)
    g_propagate_error (error, g_error_copy (self->error));
  else
    g_set_error (error, DC_ERROR, DC_ERROR_PEER_GONE, "the channel to \"%s\" is closed", self->remote_id);
  return TRUE;
}

static gboolean
push_link_locked (DcChannel *self, DcLinkItem *item, gboolean ack_now, GError **error)
{
  g_autoptr (DcLinkItem) owned = item;
  g_autoptr (GError) reason = NULL;

  while (!dc_link_can_send (self->link)) {
    if (interrupted_locked (self, error))
      return FALSE;
    g_cond_wait (&self->cond, &self->lock);
  }
  if (interrupted_locked (self, error))
    return FALSE;
  if (!dc_link_send (self->link, g_steal_pointer (&owned), ack_now, &reason)) {
    g_set_error (error, DC_ERROR, DC_ERROR_DATA, "cannot send to \"%s\": %s", self->remote_id, reason->message);
    return FALSE;
  }
  dc_channel_after_link_locked (self);
  return TRUE;
}

static gboolean
check_raw (DcChannel *self, const DcLinkItem *item, gsize size, GError **error)
{
  if (size <= self->max_message)
    return TRUE;
  g_set_error (error, DC_ERROR, DC_ERROR_DATA,
      "a message of %" G_GSIZE_FORMAT " bytes is larger than the %" G_GSIZE_FORMAT " that \"%s\" takes", size,
      self->max_message, self->remote_id);
  return FALSE;
}

/* An empty payload goes as NULL: RFC 8831 has a PPID of its own for empty messages. */
static gboolean
send_raw_unlocked (GstWebRTCDataChannel *rtc, const DcLinkItem *item, gsize size, GError **error)
{
  if (item->flags & DC_LINK_FLAG_TEXT) {
    g_autofree char *text = size > 0 ? g_strndup (g_bytes_get_data (item->payload, NULL), size) : NULL;
    return gst_webrtc_data_channel_send_string_full (rtc, text, error);
  }
  return gst_webrtc_data_channel_send_data_full (rtc, size > 0 ? item->payload : NULL, error);
}

/* FALSE: no more than @limit bytes are buffered; TRUE: something changed meanwhile, look again. */
static gboolean
wait_for_buffer_locked (DcChannel *self, guint64 limit)
{
  if (dc_channel_get_buffered_amount_locked (self) <= limit)
    return FALSE;
  g_cond_wait (&self->cond, &self->lock);
  return TRUE;
}

static gboolean
push_raw_locked (DcChannel *self, DcLinkItem *item, GError **error)
{
  g_autoptr (DcLinkItem) owned = item;
  g_autoptr (GstWebRTCDataChannel) rtc = NULL;
  gsize size = item->payload != NULL ? g_bytes_get_size (item->payload) : 0;
  gboolean sent;

  if (item->kind != DC_LINK_ITEM_DATA)
    return TRUE; /* caps, segments and events have no place in a raw channel */
  if (!check_raw (self, item, size, error))
    return FALSE;
  do {
    if (interrupted_locked (self, error))
      return FALSE;
  } while (wait_for_buffer_locked (self, RAW_HIGH_WATER));
  rtc = g_object_ref (self->rtc);
  g_mutex_unlock (&self->lock);
  sent = send_raw_unlocked (rtc, item, size, error);
  g_mutex_lock (&self->lock);
  if (sent) {
    self->raw_stats.items_sent++;
    self->raw_stats.messages_sent++;
    self->raw_stats.bytes_sent += size;
  }
  return sent;
}

gboolean
dc_channel_push (DcChannel *self, DcLinkItem *item, gboolean ack_now, GError **error)
{
  gboolean pushed;

  g_return_val_if_fail (DC_IS_CHANNEL (self), FALSE);
  g_mutex_lock (&self->lock);
  if (self->finishing) {
    dc_link_item_free (item);
    g_set_error (
        error, DC_ERROR, DC_ERROR_DATA, "nothing more can be sent to \"%s\": its end was announced", self->remote_id);
    pushed = FALSE;
  } else if (self->mode == DC_MODE_LINK)
    pushed = push_link_locked (self, item, ack_now, error);
  else
    pushed = push_raw_locked (self, item, error);
  dc_channel_unlock (self);
  return pushed;
}

static DcLinkItem *
next_item_locked (DcChannel *self)
{
  DcLinkItem *item;

  if (self->mode == DC_MODE_LINK)
    return dc_link_pop (self->link);
  item = g_queue_pop_head (&self->inbox);
  if (item != NULL) {
    self->inbox_cost -= dc_channel_cost_of (item);
    self->raw_stats.queued_bytes -= item->payload != NULL ? g_bytes_get_size (item->payload) : 0;
  }
  if (item == NULL && self->ended && self->error == NULL && !self->flushing)
    return dc_link_item_new (DC_LINK_ITEM_FIN);
  return item;
}

DcLinkItem *
dc_channel_pull (DcChannel *self, GError **error)
{
  DcLinkItem *item = NULL;

  g_return_val_if_fail (DC_IS_CHANNEL (self), NULL);
  g_mutex_lock (&self->lock);
  if (self->mode == DC_MODE_LINK && !self->ended) {
    dc_link_consume (self->link, g_get_monotonic_time ());
    dc_channel_after_link_locked (self);
  }
  while (self->flushing || is_broken_locked (self) || (item = next_item_locked (self)) == NULL) {
    if (interrupted_locked (self, error))
      break;
    g_cond_wait (&self->cond, &self->lock);
  }
  dc_channel_unlock (self);
  return item;
}

void
dc_channel_accept_fin (DcChannel *self)
{
  g_return_if_fail (DC_IS_CHANNEL (self));
  g_mutex_lock (&self->lock);
  if (self->mode == DC_MODE_LINK && !self->ended) {
    dc_link_consume (self->link, g_get_monotonic_time ());
    dc_link_accept_fin (self->link, g_get_monotonic_time ());
    self->fin_accepted = TRUE;
    dc_channel_after_link_locked (self);
  }
  dc_channel_unlock (self);
}

static gboolean
finish_link_locked (DcChannel *self, GError **error)
{
  if (!self->finishing && !self->ended) {
    dc_link_finish (self->link);
    dc_channel_after_link_locked (self);
  }
  self->finishing = TRUE;
  while (!dc_link_is_finished (self->link)) {
    if (interrupted_locked (self, error))
      return FALSE;
    g_cond_wait (&self->cond, &self->lock);
  }
  return TRUE;
}

/* bufferedAmount falls when SCTP takes a message, not when it has arrived: a raw channel can promise no more. */
static gboolean
finish_raw_locked (DcChannel *self, GError **error)
{
  self->finishing = TRUE;
  if (self->rtc != NULL)
    g_object_set (self->rtc, "buffered-amount-low-threshold", (guint64) 0, NULL);
  do {
    if (interrupted_locked (self, error))
      return FALSE;
  } while (wait_for_buffer_locked (self, 0));
  return TRUE;
}

gboolean
dc_channel_finish (DcChannel *self, GError **error)
{
  gboolean finished;

  g_return_val_if_fail (DC_IS_CHANNEL (self), FALSE);
  g_mutex_lock (&self->lock);
  finished = self->mode == DC_MODE_LINK ? finish_link_locked (self, error) : finish_raw_locked (self, error);
  dc_channel_unlock (self);
  return finished;
}

void
dc_channel_set_flushing (DcChannel *self, gboolean flushing)
{
  g_return_if_fail (DC_IS_CHANNEL (self));
  g_mutex_lock (&self->lock);
  self->flushing = flushing;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

void
dc_channel_abort (DcChannel *self, const char *reason)
{
  g_return_if_fail (DC_IS_CHANNEL (self));
  g_mutex_lock (&self->lock);
  if (!self->closing) {
    self->closing = TRUE;
    self->pending |= PENDING_WANTS_CLOSE;
    if (self->link != NULL && !self->ended && !dc_channel_is_clean_locked (self)) {
      self->abort_sent = TRUE;
      self->error = g_error_new (DC_ERROR, DC_ERROR_PEER_GONE, "broken off at this end: %s", reason);
      dc_link_abort (self->link, reason);
      dc_channel_transmit_locked (self);
    }
    dc_channel_check_settled_locked (self);
    g_cond_broadcast (&self->cond);
  }
  dc_channel_unlock (self);
}

void
dc_channel_close (DcChannel *self)
{
  dc_channel_abort (self, "it closed the channel");
}

gboolean
dc_channel_is_ended (DcChannel *self)
{
  gboolean ended;

  g_return_val_if_fail (DC_IS_CHANNEL (self), TRUE);
  g_mutex_lock (&self->lock);
  ended = self->ended;
  g_mutex_unlock (&self->lock);
  return ended;
}

const char *
dc_channel_get_remote_id (DcChannel *self)
{
  return self->remote_id;
}

const char *
dc_channel_get_label (DcChannel *self)
{
  return self->label;
}

DcMode
dc_channel_get_mode (DcChannel *self)
{
  return self->mode;
}

gsize
dc_channel_get_max_message_size (DcChannel *self)
{
  return self->max_message;
}

void
dc_channel_get_stats (DcChannel *self, DcLinkStats *stats)
{
  g_return_if_fail (DC_IS_CHANNEL (self));
  g_mutex_lock (&self->lock);
  if (self->link != NULL)
    dc_link_get_stats (self->link, stats);
  else
    *stats = self->raw_stats;
  g_mutex_unlock (&self->lock);
}

static void
dc_channel_finalize (GObject *object)
{
  DcChannel *self = DC_CHANNEL (object);

  g_queue_clear_full (&self->early, (GDestroyNotify) dc_link_item_free);
  g_queue_clear_full (&self->inbox, (GDestroyNotify) dc_link_item_free);
  g_clear_pointer (&self->link, dc_link_free);
  g_clear_error (&self->error);
  g_free (self->remote_id);
  g_free (self->label);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
  if (self->destroy != NULL)
    self->destroy (self->user_data);
  G_OBJECT_CLASS (dc_channel_parent_class)->finalize (object);
}

static void
dc_channel_class_init (DcChannelClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = dc_channel_finalize;

  /**
   * DcChannel::acknowledged:
   * @self: the channel
   * @n: how many of the items pushed here the far application has consumed
   *
   * Link mode. On an internal thread, no lock held; handlers must not block.
   */
  g_signal_new ("acknowledged", DC_TYPE_CHANNEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT64);
  /**
   * DcChannel::closed:
   * @self: the channel
   * @error: (nullable): why, or %NULL if both sides had finished
   *
   * Once, on an internal thread, no lock held; handlers must not block.
   */
  g_signal_new ("closed", DC_TYPE_CHANNEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
}

static void
dc_channel_init (DcChannel *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  g_queue_init (&self->early);
  g_queue_init (&self->inbox);
}
