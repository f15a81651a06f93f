/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-stranger.c: a peer made of nothing but the signaling client and webrtcbin, which says on its channel what it is told to. */
#include "tests/harness/dc-test-stranger.h"

#include <gst/webrtc/webrtc.h>
#include <string.h>

#include "signaling/client/dc-signaling-client.h"
#include "tests/harness/dc-test.h"

struct _DcTestStranger {
  DcSignalingClient *client;
  char *remote_id, *label, *protocol;
  GstElement *pipeline, *bin;
  GstWebRTCDataChannel *channel, *another;
  GstWebRTCDTLSTransport *dtls;
  gboolean called, said_bye;
  const char *hidden;                /* (nullable): how a line of the offer begins */
  guint n_streams;                   /* beside those of channels */
  gint open, closed, another_closed; /* atomic: set on webrtcbin's threads */

  GMutex lock;                 /* webrtcbin's thread against the test's */
  GQueue heard;                /* (element-type GBytes): until there is somebody to pass it on to */
  GstWebRTCDataChannel *relay; /* (nullable) */
};

static void
send_message (DcTestStranger *self, DcMessage *message)
{
  g_autoptr (DcMessage) owned = message;

  owned->to = g_strdup (self->remote_id);
  owned->call = g_strdup ("strange");
  dc_signaling_client_send (self->client, owned, NULL);
}

typedef struct {
  DcTestStranger *self;
  char *candidate;
} Candidate;

static gboolean
send_candidate (gpointer data)
{
  Candidate *candidate = data;
  DcMessage *message = dc_message_new (DC_MESSAGE_CANDIDATE);

  message->candidate = candidate->candidate;
  send_message (candidate->self, message);
  g_free (candidate);
  return G_SOURCE_REMOVE;
}

static void
on_candidate (GstElement *bin, guint mline, const char *line, DcTestStranger *self)
{
  Candidate candidate = {self, g_strdup (line)};

  g_idle_add_full (G_PRIORITY_DEFAULT, send_candidate, g_memdup2 (&candidate, sizeof candidate), NULL);
}

static void
on_open (GstWebRTCDataChannel *channel, DcTestStranger *self)
{
  g_atomic_int_set (&self->open, TRUE);
  g_main_context_wakeup (NULL);
}

static void
on_close (GstWebRTCDataChannel *channel, DcTestStranger *self)
{
  g_atomic_int_set (&self->closed, TRUE);
  g_main_context_wakeup (NULL);
}

static void
pass_on_locked (DcTestStranger *self)
{
  while (self->relay != NULL && !g_queue_is_empty (&self->heard)) {
    g_autoptr (GBytes) message = g_queue_pop_head (&self->heard);
    gst_webrtc_data_channel_send_data_full (self->relay, message, NULL);
  }
}

static void
on_heard (GstWebRTCDataChannel *channel, GBytes *message, DcTestStranger *self)
{
  g_mutex_lock (&self->lock);
  if (message != NULL)
    g_queue_push_tail (&self->heard, g_bytes_ref (message));
  pass_on_locked (self);
  g_mutex_unlock (&self->lock);
}

static void
on_another_close (GstWebRTCDataChannel *channel, DcTestStranger *self)
{
  g_atomic_int_set (&self->another_closed, TRUE);
  g_main_context_wakeup (NULL);
}

static void
forget_another (DcTestStranger *self)
{
  if (self->another != NULL)
    g_signal_handlers_disconnect_by_data (self->another, self);
  g_clear_object (&self->another);
}

static void
on_dtls_state (GstWebRTCDTLSTransport *dtls, GParamSpec *spec, DcTestStranger *self)
{
  GstWebRTCDTLSTransportState state;

  g_object_get (dtls, "state", &state, NULL);
  if (state == GST_WEBRTC_DTLS_TRANSPORT_STATE_CLOSED)
    on_close (NULL, self);
}

static GstWebRTCSessionDescription *
make_offer (DcTestStranger *self)
{
  GstWebRTCSessionDescription *offer = NULL;
  GstPromise *promise = gst_promise_new ();

  g_signal_emit_by_name (self->bin, "create-offer", NULL, promise);
  gst_promise_wait (promise);
  gst_structure_get (gst_promise_get_reply (promise), "offer", GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &offer, NULL);
  gst_promise_unref (promise);
  return offer;
}

static void
watch_dtls (DcTestStranger *self)
{
  g_autoptr (GObject) sctp = NULL;

  g_object_get (self->bin, "sctp-transport", &sctp, NULL);
  g_object_get (sctp, "transport", &self->dtls, NULL);
  g_signal_connect (self->dtls, "notify::state", G_CALLBACK (on_dtls_state), self);
}

/* UPnP is slow, and libnice leaks its threads. */
static void
switch_upnp_off (GstElement *bin)
{
  g_autoptr (GObject) ice = NULL, agent = NULL;

  g_object_get (bin, "ice-agent", &ice, NULL);
  g_object_get (ice, "agent", &agent, NULL);
  g_object_set (agent, "upnp", FALSE, NULL);
}

static void
send_something (GstWebRTCDataChannel *channel, gpointer user_data)
{
  gst_webrtc_data_channel_send_string_full (channel, "?", NULL);
}

/* A channel that both sides know of by other means is not announced. */
static void
make_unannounced (DcTestStranger *self, int id)
{
  g_autoptr (GstStructure) options =
      gst_structure_new ("options", "negotiated", G_TYPE_BOOLEAN, TRUE, "id", G_TYPE_INT, id, NULL);
  g_autoptr (GstWebRTCDataChannel) channel = NULL;

  g_signal_emit_by_name (self->bin, "create-data-channel", "unannounced", options, &channel);
  g_signal_connect (channel, "on-open", G_CALLBACK (send_something), NULL);
}

static void
call (DcTestStranger *self)
{
  g_autoptr (GstStructure) options = gst_structure_new ("options", "protocol", G_TYPE_STRING, self->protocol, NULL);
  g_autoptr (GstWebRTCSessionDescription) offer = NULL;
  DcMessage *message = dc_message_new (DC_MESSAGE_OFFER);

  self->called = TRUE;
  self->pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
  self->bin = gst_object_ref_sink (gst_element_factory_make ("webrtcbin", NULL));
  gst_util_set_object_arg (G_OBJECT (self->bin), "bundle-policy", "max-bundle");
  gst_bin_add (GST_BIN (self->pipeline), self->bin);
  switch_upnp_off (self->bin);
  g_signal_connect (self->bin, "on-ice-candidate", G_CALLBACK (on_candidate), self);
  gst_element_set_state (self->pipeline, GST_STATE_PLAYING);
  g_signal_emit_by_name (self->bin, "create-data-channel", self->label, options, &self->channel);
  for (guint i = 0; i < self->n_streams; i++)
    make_unannounced (self, (int) i + 100);
  g_signal_connect (self->channel, "on-open", G_CALLBACK (on_open), self);
  g_signal_connect (self->channel, "on-close", G_CALLBACK (on_close), self);
  g_signal_connect (self->channel, "on-message-data", G_CALLBACK (on_heard), self);
  offer = make_offer (self);
  message->sdp = gst_sdp_message_as_text (offer->sdp);
  if (self->hidden != NULL)
    *(strstr (message->sdp, self->hidden) + strlen ("a=")) = 'x';
  send_message (self, message);
  g_signal_emit_by_name (self->bin, "set-local-description", offer, NULL);
  watch_dtls (self);
}

static void
take_answer (DcTestStranger *self, const char *text)
{
  GstSDPMessage *sdp;
  g_autoptr (GstWebRTCSessionDescription) answer = NULL;

  gst_sdp_message_new_from_text (text, &sdp);
  answer = gst_webrtc_session_description_new (GST_WEBRTC_SDP_TYPE_ANSWER, sdp);
  g_signal_emit_by_name (self->bin, "set-remote-description", answer, NULL);
}

static void
on_message (DcSignalingClient *client, DcMessage *message, DcTestStranger *self)
{
  if (message->type == DC_MESSAGE_JOINED && g_str_equal (message->id, self->remote_id) && !self->called)
    call (self);
  else if (message->type == DC_MESSAGE_ANSWER)
    take_answer (self, message->sdp);
  else if (message->type == DC_MESSAGE_CANDIDATE)
    g_signal_emit_by_name (self->bin, "add-ice-candidate", 0, message->candidate);
  else if (message->type == DC_MESSAGE_BYE)
    self->said_bye = TRUE;
}

static void
on_registered (DcSignalingClient *client, DcMessage *welcome, DcTestStranger *self)
{
  for (guint i = 0; i < welcome->peers->len && !self->called; i++)
    if (g_str_equal (((DcPeerInfo *) g_ptr_array_index (welcome->peers, i))->id, self->remote_id))
      call (self);
}

DcTestStranger *
dc_test_stranger_new (const char *signaling, const char *remote_id, const char *label, const char *protocol)
{
  DcTestStranger *self = g_new0 (DcTestStranger, 1);
  g_autoptr (JsonNode) meta = json_from_string ("{\"role\": \"offerer\"}", NULL);
  DcSignalingConfig config = {.uri = signaling, .room = "default", .id = "stranger", .meta = meta};

  g_mutex_init (&self->lock);
  g_queue_init (&self->heard);
  self->remote_id = g_strdup (remote_id);
  self->label = g_strdup (label);
  self->protocol = g_strdup (protocol);
  self->client = dc_signaling_client_new (&config, NULL);
  g_signal_connect (self->client, "registered", G_CALLBACK (on_registered), self);
  g_signal_connect (self->client, "message", G_CALLBACK (on_message), self);
  dc_signaling_client_start (self->client);
  return self;
}

static gboolean
flush_pad (GstElement *element, GstPad *pad, gpointer user_data)
{
  gst_pad_send_event (pad, gst_event_new_flush_start ());
  return TRUE; /* the next one too, whatever became of this */
}

/* A sctpenc that waits for a far side that is gone would hold set_state (NULL) for ever. */
static void
stop_pipeline (DcTestStranger *self)
{
  GstIterator *iterator = gst_bin_iterate_all_by_element_factory_name (GST_BIN (self->pipeline), "sctpenc");
  GValue item = G_VALUE_INIT;

  while (gst_iterator_next (iterator, &item) == GST_ITERATOR_OK) {
    gst_element_foreach_sink_pad (g_value_get_object (&item), flush_pad, NULL);
    g_value_reset (&item);
  }
  g_value_unset (&item);
  gst_iterator_free (iterator);
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
}

void
dc_test_stranger_free (DcTestStranger *self)
{
  g_signal_handlers_disconnect_by_data (self->client, self);
  if (self->channel != NULL)
    g_signal_handlers_disconnect_by_data (self->channel, self);
  if (self->dtls != NULL)
    g_signal_handlers_disconnect_by_data (self->dtls, self);
  forget_another (self);
  g_clear_object (&self->channel);
  g_clear_object (&self->dtls);
  if (self->pipeline != NULL)
    stop_pipeline (self);
  /* Candidates may be waiting to be sent. */
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_object_unref (self->client);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  gst_clear_object (&self->bin);
  gst_clear_object (&self->pipeline);
  g_free (self->remote_id);
  g_free (self->label);
  g_clear_object (&self->relay);
  g_queue_clear_full (&self->heard, (GDestroyNotify) g_bytes_unref);
  g_mutex_clear (&self->lock);
  g_free (self->protocol);
  g_free (self);
}

void
dc_test_stranger_hide (DcTestStranger *self, const char *attribute)
{
  g_assert_false (self->called);
  self->hidden = attribute;
}

void
dc_test_stranger_use_streams (DcTestStranger *self, guint n)
{
  g_assert_false (self->called);
  self->n_streams = n;
}

void
dc_test_stranger_open_another (DcTestStranger *self, const char *label)
{
  forget_another (self);
  g_signal_emit_by_name (self->bin, "create-data-channel", label, NULL, &self->another);
  g_signal_connect (self->another, "on-close", G_CALLBACK (on_another_close), self);
}

void
dc_test_stranger_wait_another_closed (DcTestStranger *self)
{
  dc_test_wait_until (NULL, g_atomic_int_get (&self->another_closed));
}

void
dc_test_stranger_leave (DcTestStranger *self)
{
  GstIterator *iterator = gst_bin_iterate_all_by_element_factory_name (GST_BIN (self->pipeline), "sctpenc");
  GValue item = G_VALUE_INIT;

  while (gst_iterator_next (iterator, &item) == GST_ITERATOR_OK) {
    g_autoptr (GstPad) pad = gst_element_get_static_pad (g_value_get_object (&item), "src");
    gst_pad_push_event (pad, gst_event_new_eos ());
    g_value_reset (&item);
  }
  g_value_unset (&item);
  gst_iterator_free (iterator);
}

void
dc_test_stranger_wait_open (DcTestStranger *self)
{
  dc_test_wait_until (NULL, g_atomic_int_get (&self->open));
}

void
dc_test_stranger_wait_closed (DcTestStranger *self)
{
  dc_test_wait_until (NULL, g_atomic_int_get (&self->closed) || self->said_bye);
}

void
dc_test_stranger_send (DcTestStranger *self, const void *bytes, gsize length)
{
  g_autoptr (GBytes) message = length > 0 ? g_bytes_new (bytes, length) : NULL;

  gst_webrtc_data_channel_send_data_full (self->channel, message, NULL);
}

static void
relay_to (DcTestStranger *self, GstWebRTCDataChannel *other)
{
  g_mutex_lock (&self->lock);
  self->relay = g_object_ref (other);
  pass_on_locked (self);
  g_mutex_unlock (&self->lock);
}

void
dc_test_stranger_relay (DcTestStranger *self, DcTestStranger *other)
{
  relay_to (self, other->channel);
  relay_to (other, self->channel);
}

void
dc_test_stranger_send_text (DcTestStranger *self, const char *text)
{
  gst_webrtc_data_channel_send_string_full (self->channel, text, NULL);
}
