/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-gst-dtls-webrtc.c: our dtlsenc and dtlsdec inside of real webrtcbins: data, audio and video. (With GStreamer's own in another
 * process: test-interop-gst-dtls.) */
#include <gst/sdp/sdp.h>
#include <gst/webrtc/webrtc.h>
#include <string.h>

#include "plugins/peer/dc-identity.h"
#include "plugins/transport/gst-dtls-elements.h"
#include "plugins/transport/gst-dtlsdec.h"
#include "plugins/transport/gst-dtlsenc.h"
#include "tests/harness/dc-test.h"

#define WATCHDOG_S 60
#define ENOUGH 25 /* RTP packets */

#define AUDIO                                                                                                          \
  " audiotestsrc is-live=true ! opusenc ! rtpopuspay pt=97 !"                                                          \
  " application/x-rtp,media=audio,encoding-name=OPUS,payload=97,clock-rate=48000 ! w."
#define VIDEO                                                                                                          \
  " videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=30/1 ! vp8enc deadline=1 ! rtpvp8pay pt=96" \
  " ! application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000 ! w."

/* --- Two webrtcbins ---------------------------------------------------------------------------------------------------------------- */

typedef struct _Side Side;
struct _Side {
  Side *other;
  GstElement *pipeline, *bin;
  GObject *channel; /* (nullable) */
  char *sdp;        /* (nullable): what it said */
  GMutex lock;
  GString *received;  /* on the channel */
  guint audio, video; /* RTP packets */
  gboolean is_open;
};

typedef struct {
  Side caller, called;
} Call;

static void
on_rtp (GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer counter)
{
  g_atomic_int_inc ((gint *) counter);
  g_main_context_wakeup (NULL);
}

static void
on_pad (GstElement *bin, GstPad *pad, gpointer user_data)
{
  Side *self = user_data;
  g_autoptr (GstCaps) caps = NULL;
  g_autoptr (GstPad) peer = NULL;
  GstElement *sink;
  const char *media;

  if (GST_PAD_DIRECTION (pad) != GST_PAD_SRC)
    return;
  caps = gst_pad_get_current_caps (pad);
  media = gst_structure_get_string (gst_caps_get_structure (caps, 0), "media");
  sink = gst_element_factory_make ("fakesink", NULL);
  g_object_set (sink, "sync", FALSE, "async", FALSE, "signal-handoffs", TRUE, NULL);
  g_signal_connect (sink, "handoff", G_CALLBACK (on_rtp), g_str_equal (media, "audio") ? &self->audio : &self->video);
  /* Beside webrtcbin. */
  gst_bin_add (GST_BIN (GST_OBJECT_PARENT (bin)), sink);
  gst_element_sync_state_with_parent (sink);
  peer = gst_element_get_static_pad (sink, "sink");
  g_assert_cmpint (gst_pad_link (pad, peer), ==, GST_PAD_LINK_OK);
}

static void
on_candidate (GstElement *bin, guint mline, const char *candidate, gpointer user_data)
{
  Side *self = user_data;

  g_signal_emit_by_name (self->other->bin, "add-ice-candidate", mline, candidate);
}

static void
on_string (GObject *channel, const char *text, gpointer user_data)
{
  Side *self = user_data;

  g_mutex_lock (&self->lock);
  g_string_append_printf (self->received, "%s;", text);
  g_mutex_unlock (&self->lock);
  g_main_context_wakeup (NULL);
}

static void
on_open (GObject *channel, gpointer user_data)
{
  Side *self = user_data;

  g_atomic_int_set (&self->is_open, TRUE);
  g_main_context_wakeup (NULL);
}

static void
take_channel (Side *self, GObject *channel)
{
  GstWebRTCDataChannelState state;

  self->channel = g_object_ref (channel);
  g_signal_connect (channel, "on-message-string", G_CALLBACK (on_string), self);
  g_signal_connect (channel, "on-open", G_CALLBACK (on_open), self);
  g_object_get (channel, "ready-state", &state, NULL);
  if (state == GST_WEBRTC_DATA_CHANNEL_STATE_OPEN)
    on_open (channel, self);
}

static void
on_channel (GstElement *bin, GObject *channel, gpointer user_data)
{
  take_channel (user_data, channel);
}

/* Neither beyond this machine, nor a word to its network's router. */
static void
stay_here (GstElement *bin)
{
  g_autoptr (GObject) ice = NULL;
  g_autoptr (GObject) agent = NULL;
  gboolean added = FALSE;

  g_object_get (bin, "ice-agent", &ice, NULL);
  g_object_get (ice, "agent", &agent, NULL);
  g_object_set (agent, "upnp", FALSE, "ice-tcp", FALSE, NULL);
  g_signal_emit_by_name (ice, "add-local-ip-address", "127.0.0.1", &added);
  g_assert_true (added);
}

static void
init_side (Side *self, Side *other, const char *media)
{
  g_autofree char *description = g_strconcat ("webrtcbin name=w bundle-policy=max-bundle", media, NULL);
  g_autoptr (GError) error = NULL;

  self->other = other;
  g_mutex_init (&self->lock);
  self->received = g_string_new (NULL);
  self->pipeline = gst_pipeline_new (NULL);
  gst_bin_add (GST_BIN (self->pipeline), gst_parse_bin_from_description (description, FALSE, &error));
  g_assert_no_error (error);
  self->bin = gst_bin_get_by_name (GST_BIN (self->pipeline), "w");
  stay_here (self->bin);
  g_signal_connect (self->bin, "pad-added", G_CALLBACK (on_pad), self);
  g_signal_connect (self->bin, "on-ice-candidate", G_CALLBACK (on_candidate), self);
  g_signal_connect (self->bin, "on-data-channel", G_CALLBACK (on_channel), self);
  gst_element_set_state (self->pipeline, GST_STATE_PLAYING);
}

static void
clear_side (Side *self)
{
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  if (self->channel != NULL)
    g_signal_handlers_disconnect_by_data (self->channel, self);
  g_clear_object (&self->channel);
  gst_object_unref (self->bin);
  gst_object_unref (self->pipeline);
  g_string_free (self->received, TRUE);
  g_free (self->sdp);
  g_mutex_clear (&self->lock);
}

/* --- Their call -------------------------------------------------------------------------------------------------------------------- */

static GstWebRTCSessionDescription *
describe (Side *self, const char *signal, const char *field)
{
  g_autoptr (GstPromise) promise = gst_promise_new ();
  g_autoptr (GstPromise) set = gst_promise_new ();
  GstWebRTCSessionDescription *description = NULL;

  g_signal_emit_by_name (self->bin, signal, NULL, promise);
  g_assert_cmpint (gst_promise_wait (promise), ==, GST_PROMISE_RESULT_REPLIED);
  gst_structure_get (gst_promise_get_reply (promise), field, GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &description, NULL);
  g_assert_nonnull (description);
  g_signal_emit_by_name (self->bin, "set-local-description", description, set);
  gst_promise_wait (set);
  self->sdp = gst_sdp_message_as_text (description->sdp);
  return description;
}

static void
hear (Side *self, GstWebRTCSessionDescription *description)
{
  g_autoptr (GstPromise) set = gst_promise_new ();

  g_signal_emit_by_name (self->bin, "set-remote-description", description, set);
  g_assert_cmpint (gst_promise_wait (set), ==, GST_PROMISE_RESULT_REPLIED);
}

/* @media: of both. */
static Call *
call_new (const char *media)
{
  Call *call = g_new0 (Call, 1);
  g_autoptr (GstWebRTCSessionDescription) offer = NULL;
  g_autoptr (GstWebRTCSessionDescription) answer = NULL;
  GObject *channel = NULL;

  init_side (&call->caller, &call->called, media);
  init_side (&call->called, &call->caller, media);
  g_signal_emit_by_name (call->caller.bin, "create-data-channel", "data", NULL, &channel);
  take_channel (&call->caller, channel);
  g_object_unref (channel);
  offer = describe (&call->caller, "create-offer", "offer");
  hear (&call->called, offer);
  answer = describe (&call->called, "create-answer", "answer");
  hear (&call->caller, answer);
  return call;
}

static void
call_free (Call *call)
{
  clear_side (&call->caller);
  clear_side (&call->called);
  g_free (call);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Call, call_free)

static gboolean
has_received (Side *self, const char *text)
{
  gboolean found;

  g_mutex_lock (&self->lock);
  found = strstr (self->received->str, text) != NULL;
  g_mutex_unlock (&self->lock);
  return found;
}

static void
assert_channel (Call *call)
{
  dc_test_wait_until (NULL, g_atomic_int_get (&call->caller.is_open) && g_atomic_int_get (&call->called.is_open));
  for (guint i = 0; i < 100; i++) {
    g_autofree char *text = g_strdup_printf ("message %u", i);
    g_signal_emit_by_name (call->caller.channel, "send-string", text);
    g_signal_emit_by_name (call->called.channel, "send-string", text);
  }
  dc_test_wait_until (NULL, has_received (&call->caller, "message 99;") && has_received (&call->called, "message 99;"));
}

/* --- What is inside ---------------------------------------------------------------------------------------------------------------- */

static GstElement *
find (Side *self, GType type)
{
  g_autoptr (GstIterator) all = gst_bin_iterate_all_by_element_factory_name (
      GST_BIN (self->bin), type == GST_TYPE_DC_DTLS_ENC ? "dtlsenc" : "dtlsdec");
  g_auto (GValue) value = G_VALUE_INIT;
  GstElement *element;

  g_assert_cmpint (gst_iterator_next (all, &value), ==, GST_ITERATOR_OK);
  element = g_value_dup_object (&value);
  g_assert_cmpuint (G_OBJECT_TYPE (element), ==, type);
  return element;
}

/* Each promised what the other sees. */
static void
assert_fingerprint (Side *self)
{
  g_autoptr (GstElement) dec = find (self, GST_TYPE_DC_DTLS_DEC);
  g_autoptr (GstElement) of_other = find (self->other, GST_TYPE_DC_DTLS_DEC);
  g_autofree char *pem = NULL, *seen = NULL, *fingerprint = NULL, *line = NULL;

  g_object_get (dec, "pem", &pem, NULL);
  g_object_get (of_other, "peer-pem", &seen, NULL);
  fingerprint = dc_identity_fingerprint (seen, "sha-256");
  line = g_strdup_printf ("a=fingerprint:sha-256 %s\r\n", fingerprint);
  g_assert_cmpstr (seen, ==, pem);
  g_assert_nonnull (strstr (self->sdp, line));
}

static void
test_data (void)
{
  g_autoptr (Call) call = NULL;
  g_autoptr (GstElement) enc = NULL;

  dc_test_watchdog_start (WATCHDOG_S);
  call = call_new ("");
  assert_channel (call);
  enc = find (&call->caller, GST_TYPE_DC_DTLS_ENC);
  assert_fingerprint (&call->caller);
  assert_fingerprint (&call->called);
  dc_test_watchdog_stop ();
}

static void
on_state (GObject *dec, GParamSpec *spec, gpointer user_data)
{
  g_main_context_wakeup (NULL);
}

static gint
get_state (GstElement *dec)
{
  gint state;

  g_object_get (dec, "connection-state", &state, NULL);
  return state;
}

/* The sink that would send close_notify is stopped before the dtlsenc that has it; the far side hears of it all the same. */
static void
test_stop (void)
{
  g_autoptr (Call) call = NULL;
  g_autoptr (GstElement) dec = NULL;

  dc_test_watchdog_start (WATCHDOG_S);
  call = call_new ("");
  assert_channel (call);
  dec = find (&call->called, GST_TYPE_DC_DTLS_DEC);
  g_signal_connect (dec, "notify::connection-state", G_CALLBACK (on_state), NULL);
  gst_element_set_state (call->caller.pipeline, GST_STATE_NULL);
  dc_test_wait_until (NULL, get_state (dec) == 1);
  dc_test_watchdog_stop ();
}

static gboolean
is_missing (const char *name)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find (name);

  return factory == NULL;
}

static void
test_media (void)
{
  static const char *const needed[] = {"opusenc", "vp8enc", "rtpopuspay", "rtpvp8pay", "audiotestsrc", "videotestsrc"};
  g_autoptr (Call) call = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (needed); i++)
    if (is_missing (needed[i])) {
      g_autofree char *reason = g_strdup_printf ("there is no %s", needed[i]);
      g_test_skip (reason);
      return;
    }
  dc_test_watchdog_start (WATCHDOG_S);
  call = call_new (AUDIO VIDEO);
  dc_test_wait_until (NULL,
      g_atomic_int_get (&call->caller.audio) >= ENOUGH && g_atomic_int_get (&call->caller.video) >= ENOUGH
          && g_atomic_int_get (&call->called.audio) >= ENOUGH && g_atomic_int_get (&call->called.video) >= ENOUGH);
  assert_channel (call);
  assert_fingerprint (&call->caller);
  dc_test_watchdog_stop ();
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  g_assert_true (dc_dtls_elements_register ());
  g_test_add_func ("/gst-dtls-webrtc/data", test_data);
  g_test_add_func ("/gst-dtls-webrtc/stop", test_stop);
  g_test_add_func ("/gst-dtls-webrtc/media", test_media);
  return g_test_run ();
}
