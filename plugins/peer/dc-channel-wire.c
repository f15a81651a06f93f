/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-channel-wire.c: a data channel's two ends inside: webrtcbin, where messages arrive, and the session, which starts and ends it. */
#include "plugins/peer/dc-channel-base.h"

/* In link mode nobody honest says more than a HELLO before ours. */
#define EARLY_LIMIT (256 * 1024)

/* --- Receiving: on the wire's threads ------------------------------------------------------------------------------------------- */

static void
take_raw_locked (DcChannel *self, DcLinkItem *item)
{
  gsize size = item->payload != NULL ? g_bytes_get_size (item->payload) : 0;

  if (size > self->options->max_message_size) {
    g_autoptr (GError) error = g_error_new (DC_ERROR, DC_ERROR_DATA,
        "\"%s\" sent a message of %" G_GSIZE_FORMAT " bytes, where at most %u are taken", self->remote_id, size,
        self->options->max_message_size);
    dc_link_item_free (item);
    dc_channel_end_locked (self, error);
    return;
  }
  if (self->inbox_cost + dc_channel_cost_of (item) > DC_CHANNEL_RAW_INBOX_LIMIT) {
    g_autoptr (GError) error = g_error_new (DC_ERROR, DC_ERROR_DATA,
        "\"%s\" sends faster than its messages are taken here, and a raw channel has no way to slow it down: %d MiB "
        "are waiting",
        self->remote_id, DC_CHANNEL_RAW_INBOX_LIMIT >> 20);
    dc_link_item_free (item);
    dc_channel_end_locked (self, error);
    return;
  }
  self->inbox_cost += dc_channel_cost_of (item);
  self->raw_stats.queued_bytes += size;
  self->raw_stats.bytes_received += size;
  self->raw_stats.items_received++;
  self->raw_stats.buffers_received++;
  self->raw_stats.messages_received++;
  dc_rate_update (&self->receive_rate, self->raw_stats.bytes_received, g_get_monotonic_time ());
  g_queue_push_tail (&self->inbox, item);
  dc_channel_check_items_locked (self);
  g_cond_broadcast (&self->cond);
}

/* @error: (transfer full): what we say; @told: what the far side hears. */
static void
break_off_locked (DcChannel *self, GError *error, const char *told)
{
  self->abort_sent = TRUE;
  dc_link_abort (self->link, told);
  dc_channel_transmit_locked (self);
  dc_channel_end_locked (self, error);
  g_error_free (error);
}

static void
take_proof_locked (DcChannel *self, GBytes *message)
{
  g_autoptr (GError) reason = NULL;

  if (dc_proof_receive (self->proof, message, &reason))
    dc_channel_transmit_locked (self);
  else
    break_off_locked (self, g_error_new (DC_ERROR, DC_ERROR_IDENTITY, "\"%s\" %s", self->remote_id, reason->message),
        "the proof of the secret has failed");
}

static void
take_message_locked (DcChannel *self, GBytes *message)
{
  /* Who gives up may say so before. */
  if (self->proof != NULL && !dc_proof_is_done (self->proof) && !dc_link_is_abort (message)) {
    take_proof_locked (self, message);
  } else if (dc_proof_is_message (message)) {
    break_off_locked (self,
        g_error_new (DC_ERROR, DC_ERROR_IDENTITY, "\"%s\" wants a secret proved: give the same to both sides (secret)",
            self->remote_id),
        "it was given no secret to prove");
  } else {
    dc_link_receive (self->link, message, g_get_monotonic_time (), NULL);
    dc_channel_after_link_locked (self);
  }
}

static void
take_link_locked (DcChannel *self, DcLinkItem *item)
{
  if (item->flags & DC_LINK_FLAG_TEXT) {
    break_off_locked (self,
        g_error_new (DC_ERROR, DC_ERROR_DATA,
            "\"%s\" sent a text message, which the link protocol has not; is it in raw mode?", self->remote_id),
        "a text message came, which the link protocol has not");
  } else {
    g_autoptr (GBytes) message = item->payload != NULL ? g_bytes_ref (item->payload) : g_bytes_new (NULL, 0);
    take_message_locked (self, message);
  }
  dc_link_item_free (item);
}

static void
take_early_locked (DcChannel *self, DcLinkItem *item)
{
  /* Who has heard our HELLO may go on at once, while we are just about to hear them. */
  gsize limit = self->options->mode == DC_MODE_RAW || self->started ? DC_CHANNEL_RAW_INBOX_LIMIT : EARLY_LIMIT;

  self->early_cost += dc_channel_cost_of (item);
  g_queue_push_tail (&self->early, item);
  if (self->early_cost > limit) {
    g_autoptr (GError) error = g_error_new (DC_ERROR, DC_ERROR_DATA,
        "\"%s\" sent more than %" G_GSIZE_FORMAT " KiB before its identity could be checked", self->remote_id,
        limit >> 10);
    dc_channel_end_locked (self, error);
  }
}

static void
deliver_locked (DcChannel *self, DcLinkItem *item)
{
  if (self->ended)
    dc_link_item_free (item);
  else if (self->options->mode == DC_MODE_RAW)
    take_raw_locked (self, item);
  else
    take_link_locked (self, item);
}

static void
receive_locked (DcChannel *self, GBytes *payload, gboolean is_text)
{
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_DATA);

  item->payload = payload != NULL ? g_bytes_ref (payload) : NULL;
  item->flags = is_text ? DC_LINK_FLAG_TEXT : 0;
  if (self->started && !self->starting)
    deliver_locked (self, item);
  else
    take_early_locked (self, item);
}

/* What comes when nobody is to read it is dropped: else it would hold up the end, or grow. */
static gboolean
on_message (DcWire *wire, GBytes *payload, gboolean is_text, gboolean must, gpointer user_data)
{
  DcChannel *self = user_data;
  gboolean ours, full, taken;

  g_mutex_lock (&self->lock);
  ours = !self->ended && wire == self->wire; /* it may be a late one of a connection that was given up */
  full = ours && !must && dc_channel_is_full_locked (self);
  taken = !full || self->closing;
  if (!taken)
    self->held = TRUE;
  else if (ours && !full)
    receive_locked (self, payload, is_text);
  dc_channel_unlock (self);
  return taken;
}

/* There is no more to come. In raw mode that is how a channel ends, when what has come is in the inbox: start() sees to it where that is not yet so. */
static void
take_end_locked (DcChannel *self, const GError *error)
{
  if (self->options->mode != DC_MODE_RAW)
    dc_channel_end_locked (self, error);
  else if (self->started && !self->starting)
    dc_channel_end_locked (self, NULL);
}

/* The far side has closed the channel, on purpose. */
static void
on_close (DcWire *wire, gpointer user_data)
{
  DcChannel *self = user_data;
  g_autoptr (GError) error = g_error_new (
      DC_ERROR, DC_ERROR_PEER_GONE, "\"%s\" closed the channel before everything was across", self->remote_id);

  g_mutex_lock (&self->lock);
  if (wire == self->wire) {
    self->remote_closed = TRUE;
    /* It may close as soon as it has everything. */
    dc_channel_check_finished_locked (self);
    take_end_locked (self, dc_channel_is_clean_locked (self) ? NULL : error);
    dc_channel_check_settled_locked (self);
  }
  dc_channel_unlock (self);
}

static void
on_error (DcWire *wire, const GError *reason, gpointer user_data)
{
  DcChannel *self = user_data;
  g_autoptr (GError) error = g_error_new (DC_ERROR, DC_ERROR_PEER_GONE, "the channel to \"%s\" broke: %s",
      self->remote_id, reason != NULL ? reason->message : "no reason given");

  g_mutex_lock (&self->lock);
  /* Whose association was aborted hears of it by dc_channel_far_side_left(), when all that came before was given. */
  if (wire == self->wire && !dc_sctp_watch_is_aborted (self->watch))
    dc_channel_suspend_locked (self, error, TRUE);
  dc_channel_unlock (self);
}

static void
on_low (DcWire *wire, gpointer user_data)
{
  DcChannel *self = user_data;

  g_mutex_lock (&self->lock);
  dc_channel_check_finished_locked (self);
  dc_channel_check_settled_locked (self);
  dc_channel_check_room_locked (self);
  g_cond_broadcast (&self->cond);
  dc_channel_unlock (self);
}

/* --- The session's side ----------------------------------------------------------------------------------------------------- */

DcChannel *
dc_channel_new (const DcChannelOptions *options, const char *remote_id, gint64 resume_timeout, GMainContext *context,
    const DcChannelCallbacks *callbacks, gpointer user_data, GDestroyNotify destroy)
{
  DcChannel *self = g_object_new (DC_TYPE_CHANNEL, NULL);

  self->options = dc_channel_options_copy (options);
  self->remote_id = g_strdup (remote_id);
  self->resume_timeout = options->mode == DC_MODE_LINK ? resume_timeout : 0;
  self->context = g_main_context_ref (context);
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->destroy = destroy;
  return self;
}

const DcChannelOptions *
dc_channel_get_options (DcChannel *self)
{
  return self->options;
}

gboolean
dc_channel_attach (
    DcChannel *self, GstWebRTCDataChannel *rtc, gconstpointer carrier, DcSctpWatch *watch, DcSctpBypass *bypass)
{
  static const DcWireCallbacks callbacks = {on_message, on_low, on_close, on_error};
  gboolean attached = FALSE;

  g_mutex_lock (&self->lock);
  if (self->wire == NULL && !self->ended) {
    attached = TRUE;
    self->wire = dc_wire_new (rtc, watch, bypass, &callbacks, G_OBJECT (self));
    self->carrier = carrier;
    g_clear_pointer (&self->watch, dc_sctp_watch_unref);
    self->watch = dc_sctp_watch_ref (watch);
    self->received_seen = dc_sctp_watch_get_received (watch);
    if (self->options->mode == DC_MODE_RAW)
      dc_wire_set_low_threshold (self->wire, DC_CHANNEL_RAW_LOW_WATER);
  }
  dc_channel_unlock (self);
  return attached;
}

gboolean
dc_channel_has_carrier (DcChannel *self, gconstpointer carrier)
{
  gboolean has;

  g_mutex_lock (&self->lock);
  has = self->wire != NULL && self->carrier == carrier;
  g_mutex_unlock (&self->lock);
  return has;
}

gboolean
dc_channel_had_carrier (DcChannel *self, gconstpointer carrier)
{
  gboolean had;

  g_mutex_lock (&self->lock);
  had = self->carrier == carrier;
  g_mutex_unlock (&self->lock);
  return had;
}

/* What the far side may be told. */
static guint
allow_lanes_locked (DcChannel *self)
{
  guint lanes = dc_channel_get_max_lanes (self);

  self->striped = FALSE;
  return dc_wire_allow_lanes (self->wire, lanes) ? lanes - 1 : 0;
}

static void
start_link_locked (DcChannel *self)
{
  gint64 now = g_get_monotonic_time ();
  DcLinkConfig config = {
      .session = ((guint64) g_random_int () << 32) | g_random_int () | 1,
      .max_message = MIN (self->max_message, 65536),
      .window_bytes = self->options->window,
      .resume_timeout = self->resume_timeout,
      .lanes = allow_lanes_locked (self),
  };

  if (self->link != NULL) {
    dc_link_set_lanes (self->link, config.lanes);
    dc_link_resume (self->link, now);
  } else {
    self->link = dc_link_new (&config, now);
    dc_channel_start_timer_locked (self);
  }
  dc_channel_transmit_locked (self);
}

void
dc_channel_start (DcChannel *self, GstWebRTCDataChannel *rtc, gsize max_message_size, DcProof *proof)
{
  g_autoptr (DcProof) given = proof;
  g_autoptr (DcWire) wire = NULL;
  DcLinkItem *item;

  g_mutex_lock (&self->lock);
  if (self->ended || self->started || self->wire == NULL || dc_wire_get_rtc (self->wire) != rtc) {
    g_mutex_unlock (&self->lock);
    return;
  }
  self->max_message = max_message_size;
  self->proof = g_steal_pointer (&given);
  self->started = self->starting = TRUE;
  wire = dc_wire_ref (self->wire);
  dc_wire_start (wire);
  if (self->options->mode == DC_MODE_LINK)
    start_link_locked (self);
  else if (!self->ready) {
    self->ready = TRUE;
    self->pending |= PENDING_READY;
  }
  /* Sending and delivering drop the lock for a moment: what comes meanwhile queues behind what came before. */
  while (self->wire == wire && (item = g_queue_pop_head (&self->early)) != NULL)
    deliver_locked (self, item);
  self->starting = FALSE;
  if (self->remote_closed && !self->ended)
    take_end_locked (self, NULL);
  dc_channel_unlock (self);
}

void
dc_channel_lose (DcChannel *self, const GError *why)
{
  g_mutex_lock (&self->lock);
  if (!self->ended)
    dc_channel_suspend_locked (self, why, FALSE);
  dc_channel_unlock (self);
}

void
dc_channel_fail (DcChannel *self, const GError *error)
{
  g_mutex_lock (&self->lock);
  dc_channel_end_locked (self, dc_channel_is_clean_locked (self) ? NULL : error);
  dc_channel_unlock (self);
}

void
dc_channel_check_delivered (DcChannel *self)
{
  g_mutex_lock (&self->lock);
  if (!self->ended) {
    dc_channel_check_finished_locked (self);
    dc_channel_check_settled_locked (self);
    g_cond_broadcast (&self->cond);
  }
  dc_channel_unlock (self);
}

void
dc_channel_far_side_left (DcChannel *self)
{
  g_mutex_lock (&self->lock);
  if (dc_channel_is_clean_locked (self) || (self->options->mode == DC_MODE_RAW && self->started)) {
    self->remote_closed = TRUE;
    dc_channel_check_finished_locked (self);
    dc_channel_end_locked (self, NULL);
  }
  dc_channel_unlock (self);
}

gboolean
dc_channel_is_ready (DcChannel *self)
{
  gboolean ready;

  g_mutex_lock (&self->lock);
  ready = self->ready;
  g_mutex_unlock (&self->lock);
  return ready;
}

gboolean
dc_channel_is_unfinished (DcChannel *self)
{
  gboolean unfinished;

  g_mutex_lock (&self->lock);
  unfinished = self->link != NULL && self->wire != NULL && !self->remote_closed
               && (self->abort_sent || (!self->ended && !dc_channel_is_clean_locked (self)));
  g_mutex_unlock (&self->lock);
  return unfinished;
}

gboolean
dc_channel_is_closing (DcChannel *self)
{
  gboolean closing;

  g_mutex_lock (&self->lock);
  closing = self->closing;
  g_mutex_unlock (&self->lock);
  return closing;
}

gboolean
dc_channel_is_settled (DcChannel *self)
{
  gboolean settled;

  g_mutex_lock (&self->lock);
  settled = self->settled;
  g_mutex_unlock (&self->lock);
  return settled;
}

void
dc_channel_close_rtc (DcChannel *self)
{
  g_autoptr (DcWire) wire = NULL;

  g_mutex_lock (&self->lock);
  wire = self->wire != NULL ? dc_wire_ref (self->wire) : NULL;
  g_mutex_unlock (&self->lock);
  if (wire != NULL)
    dc_wire_close (wire);
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

/* A link without a far HELLO has nothing to go on with: the next connection gets a new one. One that is in error is another thread's, which
 * ends the channel. */
static void
forget_link_locked (DcChannel *self)
{
  g_autoptr (GSource) timer = g_steal_pointer (&self->timer);

  if (timer != NULL)
    g_source_destroy (timer);
  g_clear_pointer (&self->link, dc_link_free);
}

void
dc_channel_detach (DcChannel *self, gconstpointer carrier)
{
  g_mutex_lock (&self->lock);
  if (self->carrier == carrier) {
    dc_channel_drop_wire_locked (self);
    if (self->suspended && !self->ended)
      dc_link_suspend (self->link, g_get_monotonic_time (), "the attempt to go on was given up");
    else if (!self->ready && !self->ended && self->link != NULL && dc_link_get_error (self->link) == NULL)
      forget_link_locked (self);
    dc_channel_check_settled_locked (self);
  }
  dc_channel_unlock (self);
}

void
dc_channel_retire (DcChannel *self)
{
  g_autoptr (GSource) timer = NULL;
  g_autoptr (GError) error =
      g_error_new (DC_ERROR, DC_ERROR_PEER_GONE, "the connection to \"%s\" was closed", self->remote_id);

  g_mutex_lock (&self->lock);
  dc_channel_drop_wire_locked (self);
  dc_channel_end_locked (self, self->closing || dc_channel_is_clean_locked (self) ? NULL : error);
  timer = g_steal_pointer (&self->timer);
  dc_channel_unlock (self);
  if (timer != NULL)
    g_source_destroy (timer);
}
