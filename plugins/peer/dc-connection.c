/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-connection.c: one call to one remote peer, from the first description to the last goodbye.
 *
 * Theory of operation
 * -------------------
 * Offerer:  make the channel (before the offer, or there is no data section) -> create-offer -> send it -> set-local-description
 *           -> the answer comes -> set-remote-description.
 * Answerer: the offer comes -> set-remote-description -> create-answer -> send it -> set-local-description -> "on-data-channel".
 * Candidates trickle both ways meanwhile, each side ends its own with end-of-candidates; without that ICE never fails.
 *
 * webrtcbin answers each step by a promise on a thread of its own, where most calls into it would deadlock. So every step, signal and
 * state change is posted to the worker, in order, and everything here but the handlers themselves runs there.
 *
 * The channel is handed out when it is open, the fingerprint was found right (dc-connection-transport.c) and, in link mode, the far HELLO
 * came. Until then every failure is the connection's; afterwards failures go through the channel, which knows whether both sides had
 * finished, and come back as its `ended`.
 * There is no ICE restart in webrtcbin: a lost connection is never mended, only replaced. */
#include "plugins/peer/dc-connection.h"

#include "plugins/peer/dc-channel-private.h"
#include "plugins/peer/dc-connection-private.h"
#include "plugins/peer/dc-sdp.h"
#include "plugins/peer/dc-source.h"

#define MAX_SHOWN_TEXT 120

/* --- Ending -------------------------------------------------------------------------------------------------------------------- */

static void
on_pipeline_error_posted (DcConnection *self, gpointer sentence)
{
  dc_connection_fail (self, self->phase == DC_PHASE_OPEN ? DC_ERROR_PEER_GONE : DC_ERROR_CONNECTION,
      "the connection to \"%s\" broke: %s", self->remote_id, (const char *) sentence);
}

static void
on_pipeline_error (const char *sentence, gpointer user_data)
{
  dc_connection_post (user_data, on_pipeline_error_posted, g_strdup (sentence), g_free);
}

/* --- The channel --------------------------------------------------------------------------------------------------------------- */

/* What a channel tells, with the channel: one that was replaced or refused may still speak. */
typedef struct {
  DcChannel *channel;
  GError *error;
} Notice;

static void
notice_free (gpointer data)
{
  Notice *notice = data;

  g_object_unref (notice->channel);
  g_clear_error (&notice->error);
  g_free (notice);
}

static void
post_notice (DcConnection *self, DcChannel *channel, const GError *error, DcConnectionFunc func)
{
  Notice notice = {g_object_ref (channel), error != NULL ? g_error_copy (error) : NULL};

  dc_connection_post (self, func, g_memdup2 (&notice, sizeof notice), notice_free);
}

static void
on_channel_ready_posted (DcConnection *self, gpointer data)
{
  Notice *notice = data;

  if (self->phase != DC_PHASE_NEGOTIATING || notice->channel != self->channel)
    return;
  dc_source_clear (&self->timeout);
  self->phase = DC_PHASE_OPEN;
  self->opened_at = g_get_monotonic_time ();
  self->callbacks.channel (self, self->channel, self->user_data);
}

static void
on_channel_ended_posted (DcConnection *self, gpointer data)
{
  Notice *notice = data;

  if (notice->channel == self->channel)
    dc_connection_end (self, notice->error);
}

static void
on_channel_wants_close_posted (DcConnection *self, gpointer data)
{
  Notice *notice = data;
  g_autoptr (GError) error = dc_channel_dup_error (notice->channel);

  if (notice->channel == self->channel)
    dc_connection_end (self, error);
}

static void
on_channel_settled_posted (DcConnection *self, gpointer data)
{
  Notice *notice = data;

  if (notice->channel == self->channel)
    dc_connection_hurry (self);
}

static void
on_channel_ready (DcChannel *channel, gpointer user_data)
{
  post_notice (user_data, channel, NULL, on_channel_ready_posted);
}

static void
on_channel_ended (DcChannel *channel, const GError *error, gpointer user_data)
{
  post_notice (user_data, channel, error, on_channel_ended_posted);
}

static void
on_channel_wants_close (DcChannel *channel, gpointer user_data)
{
  post_notice (user_data, channel, NULL, on_channel_wants_close_posted);
}

static void
on_channel_settled (DcChannel *channel, gpointer user_data)
{
  post_notice (user_data, channel, NULL, on_channel_settled_posted);
}

static const DcChannelCallbacks channel_callbacks = {
    on_channel_ready, on_channel_ended, on_channel_wants_close, on_channel_settled};

static DcChannel *
wrap_channel (DcConnection *self, GstWebRTCDataChannel *rtc)
{
  return dc_channel_new (rtc, self->mode, self->remote_id, &channel_callbacks, dc_connection_ref (self),
      (GDestroyNotify) dc_connection_unref);
}

/* A far side may put any bytes into a label or a protocol. */
static char *
dup_text (GstWebRTCDataChannel *rtc, const char *property)
{
  g_autofree char *bytes = NULL, *cut = NULL;

  g_object_get (rtc, property, &bytes, NULL);
  cut = g_strndup (bytes != NULL ? bytes : "", MAX_SHOWN_TEXT);
  return g_utf8_make_valid (cut, -1);
}

static void
emit_channel_open (DcConnection *self, GstWebRTCDataChannel *rtc, guint64 max_message_size)
{
  GstStructure *event = dc_connection_event (self, "channel-open");
  g_autofree char *label = dup_text (rtc, "label"), *protocol = dup_text (rtc, "protocol");
  gint id, max_retransmits, max_lifetime;
  gboolean ordered;

  g_object_get (rtc, "id", &id, "ordered", &ordered, "max-retransmits", &max_retransmits, "max-packet-lifetime",
      &max_lifetime, NULL);
  gst_structure_set (event, "label", G_TYPE_STRING, label, "protocol", G_TYPE_STRING, protocol, "id", G_TYPE_INT, id,
      "ordered", G_TYPE_BOOLEAN, ordered, "max-retransmits", G_TYPE_INT, max_retransmits, "max-packet-lifetime",
      G_TYPE_INT, max_lifetime, "mode", G_TYPE_STRING, self->mode == DC_MODE_LINK ? "link" : "raw", "max-message-size",
      G_TYPE_UINT64, max_message_size, NULL);
  dc_connection_emit (self, event);
}

/* The RTC channel is open: no byte goes in or out above it before the identity is known. */
static void
start_channel (DcConnection *self, GstWebRTCDataChannel *rtc)
{
  guint64 max_message_size = 65536;

  if (self->phase != DC_PHASE_NEGOTIATING)
    return;
  dc_connection_watch_transports (self);
  if (!dc_connection_check_identity (self))
    return;
  g_object_get (self->sctp, "max-message-size", &max_message_size, NULL);
  self->channel_open = TRUE;
  emit_channel_open (self, rtc, max_message_size);
  dc_channel_start (self->channel, self->context, MIN (max_message_size, DC_SDP_MAX_MESSAGE_SIZE));
}

static void
on_open_posted (DcConnection *self, gpointer rtc)
{
  start_channel (self, rtc);
}

static void
on_open (GstWebRTCDataChannel *rtc, DcConnection *self)
{
  dc_connection_post (self, on_open_posted, g_object_ref (rtc), g_object_unref);
}

/* Answerer. webrtcbin emits this when a channel is open, with its lock held; wrapping the channel here loses no message. */
typedef struct {
  DcChannel *channel;
  GstWebRTCDataChannel *rtc;
} Arrival;

static void
arrival_free (gpointer data)
{
  Arrival *arrival = data;

  g_clear_object (&arrival->channel);
  g_object_unref (arrival->rtc);
  g_free (arrival);
}

static gboolean
has_our_label (DcConnection *self, GstWebRTCDataChannel *rtc)
{
  g_autofree char *label = NULL;

  g_object_get (rtc, "label", &label, NULL);
  return g_strcmp0 (label, self->label) == 0;
}

static gboolean
has_our_protocol (DcConnection *self, GstWebRTCDataChannel *rtc)
{
  g_autofree char *protocol = dup_text (rtc, "protocol");

  if (self->mode == DC_MODE_RAW || g_str_equal (protocol, DC_LINK_PROTOCOL))
    return TRUE;
  dc_connection_fail (self, DC_ERROR_DATA,
      "\"%s\" opened the channel \"%s\" with the protocol \"%s\", not \"" DC_LINK_PROTOCOL "\"; is it in raw mode?",
      self->remote_id, self->label, protocol);
  return FALSE;
}

/* A channel that nobody asked for is closed, so that its opener knows; the one in use goes on. */
static void
on_data_channel_posted (DcConnection *self, gpointer data)
{
  Arrival *arrival = data;

  if (self->phase == DC_PHASE_NEGOTIATING && self->channel == NULL && arrival->channel != NULL
      && has_our_protocol (self, arrival->rtc)) {
    self->channel = g_object_ref (arrival->channel);
    start_channel (self, arrival->rtc);
    return;
  }
  if (arrival->channel != NULL)
    dc_channel_detach (arrival->channel);
  gst_webrtc_data_channel_close (arrival->rtc);
}

static void
on_data_channel (GstElement *bin, GstWebRTCDataChannel *rtc, DcConnection *self)
{
  Arrival arrival = {has_our_label (self, rtc) ? wrap_channel (self, rtc) : NULL, g_object_ref (rtc)};

  dc_connection_post (self, on_data_channel_posted, g_memdup2 (&arrival, sizeof arrival), arrival_free);
}

/* --- Negotiation: one step after the other ------------------------------------------------------------------------------------- */

typedef struct {
  DcConnection *self;
  DcConnectionFunc next; /* gets the reply: (nullable) GstStructure */
} Step;

static void
on_promise (GstPromise *promise, gpointer user_data)
{
  Step *step = user_data;
  GstPromiseResult result = gst_promise_wait (promise);
  const GstStructure *reply = result == GST_PROMISE_RESULT_REPLIED ? gst_promise_get_reply (promise) : NULL;

  if (result == GST_PROMISE_RESULT_REPLIED)
    dc_connection_post (step->self, step->next, reply != NULL ? gst_structure_copy (reply) : NULL,
        reply != NULL ? (GDestroyNotify) gst_structure_free : NULL);
  gst_promise_unref (promise);
}

static void
step_free (gpointer data)
{
  Step *step = data;

  dc_connection_unref (step->self);
  g_free (step);
}

/* The promise that runs @next on the worker; the reference is dropped when it has been answered. */
static GstPromise *
then (DcConnection *self, DcConnectionFunc next)
{
  Step step = {dc_connection_ref (self), next};

  return gst_promise_new_with_change_func (on_promise, g_memdup2 (&step, sizeof step), step_free);
}

/* TRUE, and the connection failed, if webrtcbin answered with an error. */
static gboolean
step_failed (DcConnection *self, const GstStructure *reply, const char *what)
{
  g_autoptr (GError) error = NULL;

  if (self->phase != DC_PHASE_NEGOTIATING)
    return TRUE;
  if (reply == NULL || !gst_structure_get (reply, "error", G_TYPE_ERROR, &error, NULL))
    return FALSE;
  dc_connection_fail (self, DC_ERROR_CONNECTION, "webrtcbin cannot %s: %s", what, error->message);
  return TRUE;
}

static void
emit_description (DcConnection *self, const char *name, const char *type, const char *sdp)
{
  GstStructure *event = dc_connection_event (self, name);

  gst_structure_set (event, "type", G_TYPE_STRING, type, "sdp", G_TYPE_STRING, sdp, NULL);
  dc_connection_emit (self, event);
}

static void
on_local_set (DcConnection *self, gpointer reply)
{
  if (!step_failed (self, reply, "use its own description"))
    dc_connection_watch_transports (self);
}

/* Sends the description before it is set: candidates come from then on, and must not overtake it. */
static void
use_local_description (DcConnection *self, const GstStructure *reply, DcMessageType type)
{
  const char *name = dc_message_type_to_string (type);
  g_autoptr (GstWebRTCSessionDescription) description = NULL;
  DcMessage *message;

  if (reply == NULL || !gst_structure_get (reply, name, GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &description, NULL)) {
    dc_connection_fail (self, DC_ERROR_CONNECTION, "webrtcbin made no %s", name);
    return;
  }
  dc_sdp_add_max_message_size (description->sdp);
  message = dc_message_new (type);
  message->sdp = gst_sdp_message_as_text (description->sdp);
  emit_description (self, "local-description", name, message->sdp);
  dc_connection_send (self, message);
  dc_connection_watch_transports (self);
  g_signal_emit_by_name (
      dc_webrtc_get_bin (self->webrtc), "set-local-description", description, then (self, on_local_set));
}

static void
on_offer_made (DcConnection *self, gpointer reply)
{
  if (!step_failed (self, reply, "make an offer"))
    use_local_description (self, reply, DC_MESSAGE_OFFER);
}

static void
on_answer_made (DcConnection *self, gpointer reply)
{
  if (!step_failed (self, reply, "answer the offer"))
    use_local_description (self, reply, DC_MESSAGE_ANSWER);
}

static void
on_remote_answer_set (DcConnection *self, gpointer reply)
{
  if (!step_failed (self, reply, "use the answer"))
    dc_connection_flush_candidates (self);
}

static void
on_remote_offer_set (DcConnection *self, gpointer reply)
{
  if (step_failed (self, reply, "use the offer"))
    return;
  dc_connection_flush_candidates (self);
  g_signal_emit_by_name (dc_webrtc_get_bin (self->webrtc), "create-answer", NULL, then (self, on_answer_made));
}

void
dc_connection_call (DcConnection *self)
{
  GstElement *bin = dc_webrtc_get_bin (self->webrtc);
  g_autoptr (GstWebRTCDataChannel) rtc = NULL;
  g_autoptr (GstStructure) options = gst_structure_new (
      "options", "protocol", G_TYPE_STRING, self->mode == DC_MODE_LINK ? DC_LINK_PROTOCOL : "", NULL);

  self->is_caller = TRUE;
  g_signal_emit_by_name (bin, "create-data-channel", self->label, options, &rtc);
  if (rtc == NULL) {
    dc_connection_fail (
        self, DC_ERROR_CONNECTION, "webrtcbin makes no data channel; is the GStreamer plugin sctp installed?");
    return;
  }
  self->channel = wrap_channel (self, rtc);
  dc_connection_connect (self, rtc, "on-open", G_CALLBACK (on_open));
  g_signal_emit_by_name (bin, "create-offer", NULL, then (self, on_offer_made));
}

static void
use_remote_description (DcConnection *self, GstWebRTCSDPType type, const char *sdp, DcConnectionFunc next)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstWebRTCSessionDescription) description = NULL;
  DcIdentity *identity;

  if (self->phase != DC_PHASE_NEGOTIATING || self->remote_known)
    return;
  self->remote_known = TRUE;
  emit_description (self, "remote-description", gst_webrtc_sdp_type_to_string (type), sdp);
  description = dc_sdp_parse_remote (type, sdp, &error);
  identity = description != NULL ? dc_identity_new_from_sdp (description->sdp, &error) : NULL;
  if (identity == NULL) {
    dc_connection_fail (self, error->code, "\"%s\": %s", self->remote_id, error->message);
    return;
  }
  g_mutex_lock (&self->identity_lock);
  self->identity = identity;
  g_mutex_unlock (&self->identity_lock);
  g_signal_emit_by_name (dc_webrtc_get_bin (self->webrtc), "set-remote-description", description, then (self, next));
}

void
dc_connection_take_offer (DcConnection *self, const char *sdp)
{
  use_remote_description (self, GST_WEBRTC_SDP_TYPE_OFFER, sdp, on_remote_offer_set);
}

void
dc_connection_take_answer (DcConnection *self, const char *sdp)
{
  use_remote_description (self, GST_WEBRTC_SDP_TYPE_ANSWER, sdp, on_remote_answer_set);
}

static gboolean
on_timeout (gpointer user_data)
{
  DcConnection *self = user_data;
  g_autofree char *progress = dc_connection_describe_progress (self);

  dc_connection_fail (self, DC_ERROR_CONNECTION, "no connection to \"%s\": %s", self->remote_id, progress);
  return G_SOURCE_REMOVE;
}

void
dc_connection_refuse (DcConnection *self, const char *reason)
{
  if (self->phase == DC_PHASE_OPEN)
    dc_connection_fail (self, DC_ERROR_PEER_GONE, "\"%s\" broke off: %s", self->remote_id, reason);
  else
    dc_connection_fail (self, DC_ERROR_CONNECTION, "no connection to \"%s\": %s", self->remote_id, reason);
}

/* --- Life ---------------------------------------------------------------------------------------------------------------------- */

DcConnection *
dc_connection_new (
    const DcConnectionConfig *config, const DcConnectionCallbacks *callbacks, gpointer user_data, GError **error)
{
  DcConnection *self = g_new0 (DcConnection, 1);

  g_atomic_ref_count_init (&self->refs);
  g_mutex_init (&self->identity_lock);
  g_queue_init (&self->early_candidates);
  self->context = g_main_context_ref (config->context);
  self->start = config->start;
  self->remote_id = g_strdup (config->remote_id);
  self->call = g_strdup (config->call);
  self->label = g_strdup (config->label);
  self->mode = config->mode;
  self->ice_policy = config->webrtc.ice_policy;
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->cancellable = g_cancellable_new ();
  self->webrtc = dc_webrtc_new (&config->webrtc, on_pipeline_error, self, error);
  if (self->webrtc == NULL) {
    dc_connection_unref (self);
    return NULL;
  }
  dc_connection_connect (
      self, dc_webrtc_get_bin (self->webrtc), "on-ice-candidate", G_CALLBACK (dc_connection_on_local_candidate));
  dc_connection_connect (self, dc_webrtc_get_bin (self->webrtc), "on-data-channel", G_CALLBACK (on_data_channel));
  self->timeout = g_timeout_source_new (config->timeout);
  g_source_set_callback (self->timeout, on_timeout, self, NULL);
  g_source_attach (self->timeout, self->context);
  return self;
}

const char *
dc_connection_get_remote_id (DcConnection *self)
{
  return self->remote_id;
}

const char *
dc_connection_get_call (DcConnection *self)
{
  return self->call;
}

DcChannel *
dc_connection_get_channel (DcConnection *self)
{
  return self->opened_at != 0 ? self->channel : NULL;
}

gdouble
dc_connection_get_duration (DcConnection *self)
{
  return self->opened_at != 0 ? (g_get_monotonic_time () - self->opened_at) / (gdouble) G_USEC_PER_SEC : 0;
}

gboolean
dc_connection_is_caller (DcConnection *self)
{
  return self->is_caller;
}

gboolean
dc_connection_is_answered (DcConnection *self)
{
  return self->remote_known;
}

gboolean
dc_connection_was_open (DcConnection *self)
{
  return self->opened_at != 0;
}

char *
dc_connection_describe_progress (DcConnection *self)
{
  if (!self->remote_known)
    return g_strdup ("it has not answered the offer");
  if (self->ice_state != GST_WEBRTC_ICE_CONNECTION_STATE_CONNECTED
      && self->ice_state != GST_WEBRTC_ICE_CONNECTION_STATE_COMPLETED)
    return dc_connection_describe_ice (self);
  if (self->dtls_state != GST_WEBRTC_DTLS_TRANSPORT_STATE_CONNECTED)
    return g_strdup ("ICE connected, but the DTLS handshake did not come to its end");
  if (self->sctp_state != GST_WEBRTC_SCTP_TRANSPORT_STATE_CONNECTED)
    return g_strdup ("DTLS connected, but the SCTP association did not");
  if (self->channel_open)
    return g_strdup ("the channel is open, but the program there does not say hello on it");
  return g_strdup_printf ("the connection stands, but no channel \"%s\" was opened on it", self->label);
}
