/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* media-call.c: two webrtcbins of this process with audio and video both ways, and a data channel. */
#include "tests/media-call.h"

#include <gst/sdp/sdp.h>
#include <gst/webrtc/webrtc.h>
#include <string.h>

#include "tests/harness/dc-test.h"

/* --- Two webrtcbins ---------------------------------------------------------------------------------------------------------------- */

static void
on_frame (GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer counter)
{
  g_atomic_int_inc ((gint *) counter);
  g_main_context_wakeup (NULL);
}

/* @pad: of RTP, whose frames are decoded and counted. */
static void
take_media (MediaSide *self, GstPad *pad, const char *decoder, gint *counter)
{
  g_autofree char *description = g_strconcat (decoder, " ! fakesink name=frames sync=false async=false", NULL);
  g_autoptr (GError) error = NULL;
  GstElement *bin = gst_parse_bin_from_description (description, TRUE, &error);
  g_autoptr (GstElement) sink = NULL;
  g_autoptr (GstPad) peer = NULL;

  g_assert_no_error (error);
  sink = gst_bin_get_by_name (GST_BIN (bin), "frames");
  g_object_set (sink, "signal-handoffs", TRUE, NULL);
  g_signal_connect (sink, "handoff", G_CALLBACK (on_frame), counter);
  /* Beside webrtcbin. */
  gst_bin_add (GST_BIN (GST_OBJECT_PARENT (self->bin)), bin);
  gst_element_sync_state_with_parent (bin);
  peer = gst_element_get_static_pad (bin, "sink");
  g_assert_cmpint (gst_pad_link (pad, peer), ==, GST_PAD_LINK_OK);
}

static void
on_pad (GstElement *bin, GstPad *pad, gpointer user_data)
{
  MediaSide *self = user_data;
  g_autoptr (GstCaps) caps = NULL;

  if (GST_PAD_DIRECTION (pad) != GST_PAD_SRC)
    return;
  caps = gst_pad_get_current_caps (pad);
  if (g_strcmp0 (gst_structure_get_string (gst_caps_get_structure (caps, 0), "media"), "audio") == 0)
    take_media (self, pad, "rtpopusdepay ! opusdec", &self->audio);
  else
    take_media (self, pad, "rtpvp8depay ! vp8dec", &self->video);
}

static void
on_candidate (GstElement *bin, guint mline, const char *candidate, gpointer user_data)
{
  MediaSide *self = user_data;

  g_signal_emit_by_name (self->other->bin, "add-ice-candidate", mline, candidate);
}

static void
on_string (GObject *channel, const char *text, gpointer user_data)
{
  MediaSide *self = user_data;

  g_mutex_lock (&self->lock);
  g_string_append_printf (self->received, "%s;", text);
  g_mutex_unlock (&self->lock);
  g_main_context_wakeup (NULL);
}

static void
on_open (GObject *channel, gpointer user_data)
{
  MediaSide *self = user_data;

  g_atomic_int_set (&self->is_open, TRUE);
  g_main_context_wakeup (NULL);
}

static void
take_channel (MediaSide *self, GObject *channel)
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

static GstBusSyncReply
on_message (GstBus *bus, GstMessage *message, gpointer user_data)
{
  MediaSide *self = user_data;
  g_autoptr (GError) error = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, &error, NULL);
    g_mutex_lock (&self->lock);
    if (self->error == NULL)
      self->error = g_strdup_printf ("%s: %s", GST_MESSAGE_SRC_NAME (message), error->message);
    g_mutex_unlock (&self->lock);
  }
  gst_message_unref (message);
  return GST_BUS_DROP;
}

static void
init_side (MediaSide *self, MediaSide *other, const char *media)
{
  g_autofree char *description = g_strconcat ("webrtcbin name=w bundle-policy=max-bundle", media, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstBus) bus = NULL;

  self->other = other;
  g_mutex_init (&self->lock);
  self->received = g_string_new (NULL);
  self->pipeline = gst_pipeline_new (NULL);
  bus = gst_element_get_bus (self->pipeline);
  gst_bus_set_sync_handler (bus, on_message, self, NULL);
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
clear_side (MediaSide *self)
{
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  if (self->channel != NULL)
    g_signal_handlers_disconnect_by_data (self->channel, self);
  g_clear_object (&self->channel);
  gst_object_unref (self->bin);
  gst_object_unref (self->pipeline);
  g_string_free (self->received, TRUE);
  g_free (self->sdp);
  g_free (self->error);
  g_mutex_clear (&self->lock);
}

/* --- Their call -------------------------------------------------------------------------------------------------------------------- */

static GstWebRTCSessionDescription *
describe (MediaSide *self, const char *signal, const char *field)
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
hear (MediaSide *self, GstWebRTCSessionDescription *description)
{
  g_autoptr (GstPromise) set = gst_promise_new ();

  g_signal_emit_by_name (self->bin, "set-remote-description", description, set);
  g_assert_cmpint (gst_promise_wait (set), ==, GST_PROMISE_RESULT_REPLIED);
}

/* The thread that makes RTCP goes through GStreamer's table of sources (rtpmanager 1.22) without its lock now and then, and complains when one has
 * come meanwhile. */
static gboolean
is_fatal (const char *domain, GLogLevelFlags level, const char *message, gpointer user_data)
{
  return strstr (message, "g_hash_table_foreach: assertion 'version == hash_table->version' failed") == NULL;
}

/* GLib's own for tests says "Bail out!" before it asks whether to. */
static void
log_message (const char *domain, GLogLevelFlags level, const char *message, gpointer user_data)
{
  if (is_fatal (domain, level, message, NULL))
    g_log_default_handler (domain, level, message, NULL);
}

MediaCall *
media_call_new (const char *media)
{
  MediaCall *call = g_new0 (MediaCall, 1);
  g_autoptr (GstWebRTCSessionDescription) offer = NULL;
  g_autoptr (GstWebRTCSessionDescription) answer = NULL;
  GObject *channel = NULL;

  g_test_log_set_fatal_handler (is_fatal, NULL);
  call->log_handler = g_log_set_handler ("GLib", G_LOG_LEVEL_CRITICAL | G_LOG_FLAG_FATAL, log_message, NULL);
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

void
media_call_free (MediaCall *call)
{
  clear_side (&call->caller);
  clear_side (&call->called);
  g_log_remove_handler ("GLib", call->log_handler);
  g_free (call);
}

static gboolean
has_received (MediaSide *self, const char *text)
{
  gboolean found;

  g_mutex_lock (&self->lock);
  found = strstr (self->received->str, text) != NULL;
  g_mutex_unlock (&self->lock);
  return found;
}

void
media_call_talk (MediaCall *call)
{
  dc_test_wait_until (NULL, g_atomic_int_get (&call->caller.is_open) && g_atomic_int_get (&call->called.is_open));
  for (guint i = 0; i < 100; i++) {
    g_autofree char *text = g_strdup_printf ("message %u", i);
    g_signal_emit_by_name (call->caller.channel, "send-string", text);
    g_signal_emit_by_name (call->called.channel, "send-string", text);
  }
  dc_test_wait_until (NULL, has_received (&call->caller, "message 99;") && has_received (&call->called, "message 99;"));
}

/* --- What may be wrong ------------------------------------------------------------------------------------------------------------- */

const char *
media_call_missing (void)
{
  static const char *const needed[] = {
      "opusenc", "opusdec", "vp8enc", "vp8dec", "rtpopuspay", "rtpvp8pay", "audiotestsrc", "videotestsrc"};

  for (guint i = 0; i < G_N_ELEMENTS (needed); i++) {
    g_autoptr (GstElementFactory) factory = gst_element_factory_find (needed[i]);

    if (factory == NULL)
      return needed[i];
  }
  return NULL;
}

static char *
dup_error (MediaSide *self)
{
  char *error;

  g_mutex_lock (&self->lock);
  error = g_strdup (self->error);
  g_mutex_unlock (&self->lock);
  return error;
}

char *
media_call_dup_error (MediaCall *call)
{
  char *error = dup_error (&call->caller);

  return error != NULL ? error : dup_error (&call->called);
}
