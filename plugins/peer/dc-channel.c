/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-channel.c: one data channel, as the threads that move data see it.
 *
 * Theory of operation
 * -------------------
 * A channel joins three kinds of threads: webrtcbin's own (messages arrive there, with webrtcbin's lock held), the worker of the DcPeer
 * (the link's timer), and the application's (push, pull, finish block there). One mutex guards everything; nobody calls out
 * with it held. What an event makes necessary to tell others (ready, ended, ...) is noted in `pending` while locked, and told by
 * unlock_and_notify().
 *
 * Life:  made -> started (fingerprint checked, open) -> ready (link mode: the far HELLO came) -> ended -> detached.
 * Before `started` nothing is sent, and what comes waits in `early`: nobody is trusted yet. After `ended` what had been received can
 * still be pulled; then pull returns the error.
 *
 * Link mode: every path that may have given the link something to say ends in transmit_locked(). Only one thread transmits at a
 * time, without the lock, and takes along what others queue meanwhile, so messages leave in the order in which the link made them, and a
 * thread that holds webrtcbin's lock never waits for one that wants it. webrtcbin's send queue has no bound of its own: the far
 * side's credit is what bounds it.
 *
 * Raw mode has no frames: what came waits in `inbox`. There is no way to slow a raw sender down, so a full inbox ends the channel
 * with an error rather than losing a message. A sender waits while more than RAW_HIGH_WATER bytes are buffered. */
#include "plugins/peer/dc-channel.h"

#include <string.h>

#include "plugins/peer/dc-channel-private.h"

#define RAW_HIGH_WATER (1024 * 1024)
#define RAW_LOW_WATER (256 * 1024)
#define RAW_INBOX_LIMIT (64 * 1024 * 1024)
/* Nobody honest says more than a HELLO before ours. */
#define EARLY_LIMIT (256 * 1024)

enum {
  PENDING_READY = 1 << 0,
  PENDING_ACKNOWLEDGED = 1 << 1,
  PENDING_WANTS_CLOSE = 1 << 2,
  PENDING_SETTLED = 1 << 3,
  PENDING_ENDED = 1 << 4,
};

struct _DcChannel {
  GObject parent_instance;

  DcMode mode;
  char *remote_id;
  char *label;
  DcChannelCallbacks callbacks;
  gpointer user_data;
  GDestroyNotify destroy;

  GMutex lock;
  GCond cond;                /* anything below changed */
  GstWebRTCDataChannel *rtc; /* NULL once detached */
  DcLink *link;              /* link mode, from start on */
  GSource *timer;            /* its deadline, on the worker */
  gsize max_message;
  GQueue early; /* (element-type DcLinkItem): messages that came before start */
  gsize early_bytes;
  GQueue inbox; /* (element-type DcLinkItem): raw mode */
  DcLinkStats raw_stats;
  guint64 acknowledged;
  guint pending;
  gboolean started, ready, flushing, transmitting;
  gboolean finishing;    /* dc_channel_finish() was called: no more pushes */
  gboolean fin_accepted; /* dc_channel_accept_fin() was called */
  gboolean closing;      /* dc_channel_close() or _abort() was called */
  gboolean settled;      /* closing, and nothing is on its way that the far side still must get */
  gboolean ended;        /* error says why; NULL: as agreed */
  GError *error;
};

G_DEFINE_FINAL_TYPE (DcChannel, dc_channel, G_TYPE_OBJECT)

enum { SIGNAL_ACKNOWLEDGED, SIGNAL_CLOSED, N_SIGNALS };
static guint signals[N_SIGNALS];

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

/* --- Telling others, without the lock ------------------------------------------------------------------------------------------ */

static void
unlock_and_notify (DcChannel *self)
{
  guint pending = self->pending;
  guint64 acknowledged = self->acknowledged;
  g_autoptr (GError) error = self->error != NULL ? g_error_copy (self->error) : NULL;

  self->pending = 0;
  g_mutex_unlock (&self->lock);
  if (pending & PENDING_READY)
    self->callbacks.ready (self, self->user_data);
  if (pending & PENDING_ACKNOWLEDGED)
    g_signal_emit (self, signals[SIGNAL_ACKNOWLEDGED], 0, acknowledged);
  if (pending & PENDING_WANTS_CLOSE)
    self->callbacks.wants_close (self, self->user_data);
  if (pending & PENDING_SETTLED)
    self->callbacks.settled (self, self->user_data);
  if (pending & PENDING_ENDED) {
    g_signal_emit (self, signals[SIGNAL_CLOSED], 0, error);
    self->callbacks.ended (self, error, self->user_data);
  }
}

/* TRUE if each direction that was used has been ended by FIN and FIN-ACK: then the far side's leaving is no fault. */
static gboolean
clean_locked (DcChannel *self)
{
  gboolean fin_acked;
  DcLinkStats stats;

  if (self->link == NULL)
    return self->mode == DC_MODE_RAW && self->started;
  fin_acked = dc_link_is_finished (self->link);
  dc_link_get_stats (self->link, &stats);
  return (fin_acked || self->fin_accepted) && (fin_acked || stats.items_sent == 0)
         && (self->fin_accepted || stats.items_received == 0);
}

static guint64
buffered_amount (DcChannel *self)
{
  guint64 buffered = 0;

  if (self->rtc != NULL)
    g_object_get (self->rtc, "buffered-amount", &buffered, NULL);
  return buffered;
}

static void
check_settled_locked (DcChannel *self)
{
  gboolean idle;

  if (!self->closing || self->settled)
    return;
  idle = self->link != NULL ? dc_link_is_settled (self->link) : buffered_amount (self) == 0;
  if (!idle && !self->ended)
    return;
  self->settled = TRUE;
  self->pending |= PENDING_SETTLED;
}

static void
end_locked (DcChannel *self, const GError *error)
{
  if (self->ended)
    return;
  self->ended = TRUE;
  /* An abort of our own has said why already. */
  if (self->error == NULL && error != NULL)
    self->error = g_error_copy (error);
  self->pending |= PENDING_ENDED;
  check_settled_locked (self);
  g_cond_broadcast (&self->cond);
}

/* A link error in the words and codes of this library. */
static void
end_by_link_locked (DcChannel *self)
{
  const GError *reason = dc_link_get_error (self->link);
  g_autoptr (GError) error = NULL;

  if (g_error_matches (reason, DC_LINK_ERROR, DC_LINK_ERROR_ABORTED))
    error = g_error_new (DC_ERROR, DC_ERROR_PEER_GONE, "\"%s\" broke off: %s", self->remote_id, reason->message);
  else if (g_error_matches (reason, DC_LINK_ERROR, DC_LINK_ERROR_TIMEOUT))
    error = g_error_new (
        DC_ERROR, DC_ERROR_PEER_GONE, "the connection to \"%s\" is dead: %s", self->remote_id, reason->message);
  else
    error = g_error_new (
        DC_ERROR, DC_ERROR_DATA, "\"%s\" sent what is not the link protocol: %s", self->remote_id, reason->message);
  end_locked (self, error);
}

/* --- Sending ------------------------------------------------------------------------------------------------------------------- */

static gboolean
send_unlocked (GstWebRTCDataChannel *rtc, GBytes *message, GError **error)
{
  return gst_webrtc_data_channel_send_data_full (rtc, message, error);
}

static void
update_timer_locked (DcChannel *self)
{
  if (self->timer != NULL)
    g_source_set_ready_time (self->timer, self->ended ? -1 : dc_link_get_deadline (self->link));
}

/* Drops the lock while it sends; see the theory of operation. */
static void
transmit_locked (DcChannel *self)
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
    sent = send_unlocked (rtc, message, &error);
    g_bytes_unref (message);
    g_mutex_lock (&self->lock);
    if (!sent) {
      g_autoptr (GError) lost = g_error_new (DC_ERROR, DC_ERROR_PEER_GONE, "cannot send to \"%s\" any more: %s",
          self->remote_id, error != NULL ? error->message : "the channel is closed");
      end_locked (self, lost);
      break;
    }
  }
  self->transmitting = FALSE;
  update_timer_locked (self);
  g_cond_broadcast (&self->cond);
}

/* After the link was given something: notes what has changed, and sends what it wants to say. */
static void
after_link_locked (DcChannel *self)
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
  transmit_locked (self);
  /* After an abort of our own the link is in error too, but the ABORT is still on its way: it is the far side's closing that ends the
   * channel, or the connection's patience. */
  if (dc_link_get_error (self->link) != NULL && !self->closing)
    end_by_link_locked (self);
  check_settled_locked (self);
  g_cond_broadcast (&self->cond);
}

static gboolean
timer_cb (gpointer user_data)
{
  DcChannel *self = user_data;

  g_mutex_lock (&self->lock);
  if (!self->ended) {
    dc_link_advance (self->link, g_get_monotonic_time ());
    after_link_locked (self);
  }
  unlock_and_notify (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
timer_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  g_source_set_ready_time (source, -1);
  return callback (user_data);
}

static GSourceFuncs timer_funcs = {.dispatch = timer_dispatch};

/* --- Receiving: webrtcbin's thread, its lock held ------------------------------------------------------------------------------ */

static void
take_raw_locked (DcChannel *self, DcLinkItem *item)
{
  gsize size = item->payload != NULL ? g_bytes_get_size (item->payload) : 0;

  if (self->raw_stats.queued_bytes + size > RAW_INBOX_LIMIT) {
    g_autoptr (GError) error = g_error_new (DC_ERROR, DC_ERROR_DATA,
        "\"%s\" sends faster than its messages are taken here, and a raw channel has no way to slow it down: %d MiB "
        "are waiting",
        self->remote_id, RAW_INBOX_LIMIT >> 20);
    dc_link_item_free (item);
    end_locked (self, error);
    return;
  }
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
    dc_link_abort (self->link, "a text message came, which the link protocol has not");
    transmit_locked (self);
    end_locked (self, error);
  } else {
    g_autoptr (GBytes) message = item->payload != NULL ? g_bytes_ref (item->payload) : g_bytes_new (NULL, 0);
    dc_link_receive (self->link, message, g_get_monotonic_time (), NULL);
    after_link_locked (self);
  }
  dc_link_item_free (item);
}

static void
take_early_locked (DcChannel *self, DcLinkItem *item)
{
  self->early_bytes += item->payload != NULL ? g_bytes_get_size (item->payload) : 0;
  g_queue_push_tail (&self->early, item);
  if (self->early_bytes > EARLY_LIMIT) {
    g_autoptr (GError) error = g_error_new (DC_ERROR, DC_ERROR_DATA,
        "\"%s\" sent more than %d KiB before its identity could be checked", self->remote_id, EARLY_LIMIT >> 10);
    end_locked (self, error);
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
  if (self->started)
    deliver_locked (self, item);
  else
    take_early_locked (self, item);
  unlock_and_notify (self);
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

static void
on_close (GstWebRTCDataChannel *rtc, DcChannel *self)
{
  g_autoptr (GError) error = NULL;

  g_mutex_lock (&self->lock);
  if (!clean_locked (self))
    error = g_error_new (
        DC_ERROR, DC_ERROR_PEER_GONE, "\"%s\" closed the channel before everything was across", self->remote_id);
  end_locked (self, error);
  unlock_and_notify (self);
}

static void
on_error (GstWebRTCDataChannel *rtc, const GError *reason, DcChannel *self)
{
  g_autoptr (GError) error = g_error_new (DC_ERROR, DC_ERROR_PEER_GONE, "the channel to \"%s\" broke: %s",
      self->remote_id, reason != NULL ? reason->message : "no reason given");

  g_mutex_lock (&self->lock);
  end_locked (self, error);
  unlock_and_notify (self);
}

static void
on_buffered_amount_low (GstWebRTCDataChannel *rtc, DcChannel *self)
{
  g_mutex_lock (&self->lock);
  check_settled_locked (self);
  g_cond_broadcast (&self->cond);
  unlock_and_notify (self);
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
  self->timer = g_source_new (&timer_funcs, sizeof (GSource));
  g_source_set_static_name (self->timer, "dc-channel-timer");
  g_source_set_callback (self->timer, timer_cb, g_object_ref (self), g_object_unref);
  g_source_attach (self->timer, context);
  transmit_locked (self);
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
  unlock_and_notify (self);
}

void
dc_channel_fail (DcChannel *self, const GError *error)
{
  g_mutex_lock (&self->lock);
  end_locked (self, clean_locked (self) ? NULL : error);
  unlock_and_notify (self);
}

gboolean
dc_channel_is_unfinished (DcChannel *self)
{
  gboolean unfinished;

  g_mutex_lock (&self->lock);
  unfinished = !self->ended && !clean_locked (self);
  g_mutex_unlock (&self->lock);
  return unfinished;
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
  end_locked (self, clean_locked (self) ? NULL : error);
  unlock_and_notify (self);
  if (timer != NULL)
    g_source_destroy (timer);
  if (rtc != NULL)
    g_signal_handlers_disconnect_by_data (rtc, self);
}

/* --- The application's side ---------------------------------------------------------------------------------------------------- */

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
  after_link_locked (self);
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
  while (!interrupted_locked (self, error) && buffered_amount (self) > RAW_HIGH_WATER)
    g_cond_wait (&self->cond, &self->lock);
  if (self->flushing || self->ended || self->closing)
    return FALSE;
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

  g_return_val_if_fail (DC_IS_CHANNEL (self) && !self->finishing, FALSE);
  g_mutex_lock (&self->lock);
  if (self->mode == DC_MODE_LINK)
    pushed = push_link_locked (self, item, ack_now, error);
  else
    pushed = push_raw_locked (self, item, error);
  unlock_and_notify (self);
  return pushed;
}

static DcLinkItem *
next_item_locked (DcChannel *self)
{
  DcLinkItem *item;

  if (self->mode == DC_MODE_LINK)
    return dc_link_pop (self->link);
  item = g_queue_pop_head (&self->inbox);
  if (item != NULL && item->payload != NULL)
    self->raw_stats.queued_bytes -= g_bytes_get_size (item->payload);
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
    after_link_locked (self);
  }
  while (self->flushing || (item = next_item_locked (self)) == NULL) {
    if (interrupted_locked (self, error))
      break;
    g_cond_wait (&self->cond, &self->lock);
  }
  unlock_and_notify (self);
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
    after_link_locked (self);
  }
  unlock_and_notify (self);
}

static gboolean
finish_link_locked (DcChannel *self, GError **error)
{
  if (!self->finishing && !self->ended) {
    dc_link_finish (self->link);
    after_link_locked (self);
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
  while (buffered_amount (self) > 0) {
    if (interrupted_locked (self, error))
      return FALSE;
    g_cond_wait (&self->cond, &self->lock);
  }
  return TRUE;
}

gboolean
dc_channel_finish (DcChannel *self, GError **error)
{
  gboolean finished;

  g_return_val_if_fail (DC_IS_CHANNEL (self), FALSE);
  g_mutex_lock (&self->lock);
  finished = self->mode == DC_MODE_LINK ? finish_link_locked (self, error) : finish_raw_locked (self, error);
  unlock_and_notify (self);
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
    if (self->link != NULL && !self->ended && !clean_locked (self)) {
      self->error = g_error_new (DC_ERROR, DC_ERROR_PEER_GONE, "broken off at this end: %s", reason);
      dc_link_abort (self->link, reason);
      transmit_locked (self);
    }
    check_settled_locked (self);
    g_cond_broadcast (&self->cond);
  }
  unlock_and_notify (self);
}

void
dc_channel_close (DcChannel *self)
{
  dc_channel_abort (self, "it closed the channel");
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
  signals[SIGNAL_ACKNOWLEDGED] = g_signal_new (
      "acknowledged", DC_TYPE_CHANNEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT64);
  /**
   * DcChannel::closed:
   * @self: the channel
   * @error: (nullable): why, or %NULL if both sides had finished
   *
   * Once, on an internal thread, no lock held; handlers must not block.
   */
  signals[SIGNAL_CLOSED] =
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
