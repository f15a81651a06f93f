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
 * state change is posted to the worker, in order, and everything here but the handlers themselves runs there. That thread does one thing after the other: so
 * what follows from a remote description, its candidates and the answer, is asked for at once, and comes to nothing if it is refused.
 *
 * The channels are the session's (dc-session.h), which outlive us; webrtcbin's are made or found for them (dc-connection-channels.c). The
 * session says when one is in use. Every failure ends the connection; what that means for the channels is the session's business.
 *
 * There is no ICE restart in webrtcbin: a lost connection is never mended, only replaced. */
#include "plugins/peer/dc-connection.h"

#include "plugins/peer/dc-channel-private.h"
#include "plugins/peer/dc-connection-private.h"
#include "plugins/peer/dc-sdp.h"
#include "plugins/peer/dc-source.h"

/* Beside those that we know of. Each costs webrtcbin some elements and a thread, which it keeps. */
#define MAX_STRANGE_CHANNELS 16

/* --- Ending -------------------------------------------------------------------------------------------------------------------- */

static void
on_pipeline_error_posted (DcConnection *self, gpointer sentence)
{
  DcTransport *transport = dc_webrtc_get_transport (self->webrtc);

  if (transport != NULL && dc_transport_got_too_long (transport)) {
    dc_connection_fail (self, DC_ERROR_DATA,
        "\"%s\" sent a longer message than the %u bytes that it was told are taken here (max-message-size)",
        self->remote_id, dc_connection_get_max_message_size (self));
    return;
  }
  /* For sctpenc that is an error. */
  if (dc_sctp_watch_is_aborted (dc_sctp_path_get_watch (dc_webrtc_get_path (self->webrtc)))) {
    dc_connection_far_side_left (self, "ended the SCTP association");
    return;
  }
  dc_connection_fail (self, self->phase == DC_PHASE_OPEN ? DC_ERROR_PEER_GONE : DC_ERROR_CONNECTION,
      "the connection to \"%s\" broke: %s", self->remote_id, (const char *) sentence);
}

static void
on_pipeline_error (const char *sentence, gpointer user_data)
{
  dc_connection_post (user_data, on_pipeline_error_posted, g_strdup (sentence), g_free);
}

/* More has arrived there, was given here or is answered, and somebody waits for it. */
static void
on_progress_posted (DcConnection *self, gpointer data)
{
  dc_connection_check_delivered (self);
  dc_connection_check_left (self);
  dc_connection_check_settled (self);
}

static void
on_progress (gpointer user_data)
{
  dc_connection_post (user_data, on_progress_posted, NULL, NULL);
}

static void
on_too_many_posted (DcConnection *self, gpointer data)
{
  dc_connection_fail (self, DC_ERROR_DATA, "\"%s\" opened more than %d channels that nobody asked for", self->remote_id,
      MAX_STRANGE_CHANNELS);
}

static void
on_begun (guint n, gpointer user_data)
{
  DcConnection *self = user_data;

  if (n == self->channels->len + MAX_STRANGE_CHANNELS + 1)
    dc_connection_post (self, on_too_many_posted, NULL, NULL);
}

static const DcSctpPathCallbacks webrtc_callbacks = {on_pipeline_error, on_progress, on_progress, on_progress, on_begun,
    dc_connection_on_announced, dc_connection_on_spread};

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
}

static void
step_free (gpointer data)
{
  Step *step = data;

  dc_connection_unref (step->self);
  g_free (step);
}

/* The promise that runs @next on the worker. */
static GstPromise *
then (DcConnection *self, DcConnectionFunc next)
{
  Step step = {dc_connection_ref (self), next};

  return dc_webrtc_new_promise (self->webrtc, on_promise, g_memdup2 (&step, sizeof step), step_free);
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
  dc_sdp_add_max_message_size (description->sdp, dc_connection_get_max_message_size (self));
  if (self->webrtc_settings->pem != NULL)
    dc_sdp_set_fingerprint (description->sdp, self->webrtc_settings->pem);
  message = dc_message_new (type);
  message->sdp = gst_sdp_message_as_text (description->sdp);
  message->continues = type == DC_MESSAGE_OFFER ? g_strdup (self->continues) : NULL;
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
  step_failed (self, reply, "use the answer");
}

static void
on_remote_offer_set (DcConnection *self, gpointer reply)
{
  step_failed (self, reply, "use the offer");
}

void
dc_connection_call (DcConnection *self)
{
  self->is_caller = TRUE;
  if (dc_connection_make_channels (self, FALSE))
    g_signal_emit_by_name (dc_webrtc_get_bin (self->webrtc), "create-offer", NULL, then (self, on_offer_made));
}

/* A far side that does not trickle has them in its description. webrtcbin would take them too, but look up names in a way of its own: see
 * dc-connection-ice.c. */
static void
take_candidates (DcConnection *self, GstSDPMessage *sdp)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  gboolean complete = dc_sdp_take_candidates (sdp, lines);

  for (guint i = 0; i < lines->len; i++)
    dc_connection_take_candidate (self, g_ptr_array_index (lines, i));
  if (complete)
    dc_connection_take_end_of_candidates (self, NULL);
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
  take_candidates (self, description->sdp);
  g_signal_emit_by_name (dc_webrtc_get_bin (self->webrtc), "set-remote-description", description, then (self, next));
  dc_connection_flush_candidates (self);
  if (type == GST_WEBRTC_SDP_TYPE_OFFER)
    g_signal_emit_by_name (dc_webrtc_get_bin (self->webrtc), "create-answer", NULL, then (self, on_answer_made));
}

static gboolean
on_timeout (gpointer user_data)
{
  DcConnection *self = user_data;
  g_autofree char *progress = dc_connection_describe_progress (self);

  dc_connection_fail (self, DC_ERROR_CONNECTION, "no connection to \"%s\": %s", self->remote_id, progress);
  return G_SOURCE_REMOVE;
}

static void
start_timeout (DcConnection *self)
{
  self->timeout = g_timeout_source_new (self->timeout_ms);
  g_source_set_callback (self->timeout, on_timeout, self, NULL);
  g_source_attach (self->timeout, self->context);
}

void
dc_connection_take_offer (DcConnection *self, const char *sdp)
{
  /* Now: once webrtcbin has an SCTP transport that is not connected, it takes no ids. */
  if (dc_connection_make_channels (self, TRUE))
    use_remote_description (self, GST_WEBRTC_SDP_TYPE_OFFER, sdp, on_remote_offer_set);
}

void
dc_connection_take_answer (DcConnection *self, const char *sdp)
{
  if (self->patient && self->timeout == NULL && self->phase == DC_PHASE_NEGOTIATING)
    start_timeout (self);
  use_remote_description (self, GST_WEBRTC_SDP_TYPE_ANSWER, sdp, on_remote_answer_set);
}

/* Where no candidate of ours fits one of theirs, ICE does not even begin to check. */
static gboolean
is_looking_for_path (DcConnection *self)
{
  return self->ice_state == GST_WEBRTC_ICE_CONNECTION_STATE_CHECKING
         || self->ice_state == GST_WEBRTC_ICE_CONNECTION_STATE_FAILED
         || (self->ice_state == GST_WEBRTC_ICE_CONNECTION_STATE_NEW && self->local.done && self->remote.done);
}

/* The far side may be the first of the two to see that there is no path. */
void
dc_connection_refuse (DcConnection *self, const char *reason)
{
  g_autofree char *progress = is_looking_for_path (self) ? dc_connection_describe_progress (self) : NULL;

  if (self->phase == DC_PHASE_OPEN)
    dc_connection_fail (self, DC_ERROR_PEER_GONE, "\"%s\" broke off: %s", self->remote_id, reason);
  else if (progress != NULL)
    dc_connection_fail (self, DC_ERROR_CONNECTION, "no connection to \"%s\": %s (the other side: %s)", self->remote_id,
        progress, reason);
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
  g_mutex_init (&self->attach_lock);
  g_queue_init (&self->early_candidates);
  g_queue_init (&self->held_remote);
  dc_connection_init_channels (self);
  self->context = g_main_context_ref (config->context);
  self->start = config->start;
  self->remote_id = g_strdup (config->remote_id);
  self->call = g_strdup (config->call);
  self->continues = g_strdup (config->continues);
  self->secret = g_strdup (config->secret);
  self->channels = g_ptr_array_ref (config->channels);
  self->ice_config = config->ice;
  self->webrtc_settings = config->webrtc;
  self->timeout_ms = config->timeout;
  self->patient = config->patient;
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->cancellable = g_cancellable_new ();
  self->webrtc = dc_webrtc_new (config->webrtc, config->ice, &webrtc_callbacks, self, error);
  if (self->webrtc == NULL || !dc_connection_begin_candidates (self, error)) {
    g_clear_pointer (&self->webrtc, dc_webrtc_free);
    dc_connection_unref (self);
    return NULL;
  }
  dc_connection_connect (
      self, dc_webrtc_get_bin (self->webrtc), "on-ice-candidate", G_CALLBACK (dc_connection_on_local_candidate));
  dc_connection_connect (
      self, dc_webrtc_get_bin (self->webrtc), "on-data-channel", G_CALLBACK (dc_connection_on_data_channel));
  if (!self->patient)
    start_timeout (self);
  return self;
}

const char *
dc_connection_get_call (DcConnection *self)
{
  return self->call;
}

gboolean
dc_connection_is_answered (DcConnection *self)
{
  return self->remote_known;
}

gboolean
dc_connection_needs_signaling (DcConnection *self)
{
  return self->phase == DC_PHASE_NEGOTIATING && self->ice_state != GST_WEBRTC_ICE_CONNECTION_STATE_CONNECTED
         && self->ice_state != GST_WEBRTC_ICE_CONNECTION_STATE_COMPLETED;
}

void
dc_connection_set_open (DcConnection *self)
{
  if (self->phase != DC_PHASE_NEGOTIATING)
    return;
  dc_source_clear (&self->timeout);
  self->phase = DC_PHASE_OPEN;
  self->opened_at = g_get_monotonic_time ();
  dc_connection_watch_life (self);
}

void
dc_connection_give_up (DcConnection *self, const char *why)
{
  dc_connection_fail (self, self->phase == DC_PHASE_OPEN ? DC_ERROR_PEER_GONE : DC_ERROR_CONNECTION,
      "the connection to \"%s\" is lost: %s", self->remote_id, why);
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
  if (g_hash_table_size (self->unannounced) > 0)
    return g_strdup ("a channel was opened on the connection, but our answer to that did not leave");
  return g_strdup ("the connection stands, but no channel that we know was opened on it");
}
