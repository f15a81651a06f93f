/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sctp-webrtcbin.c: webrtcbins as they are, for tests of what is put under them. */
#include "tests/sctp-webrtcbin.h"

#include <gst/sdp/sdp.h>
#include <string.h>

/* --- events --- */

/* @bytes: (transfer full) (nullable) */
static void
note (WbSide *side, WbKind kind, GstWebRTCDataChannel *channel, char *bytes, gsize size)
{
  const WbEvent event = {kind, g_object_ref (channel), size, bytes};

  g_async_queue_push (side->events, g_memdup2 (&event, sizeof event));
  g_main_context_wakeup (NULL);
}

void
wb_event_free (WbEvent *event)
{
  g_object_unref (event->channel);
  g_free (event->bytes);
  g_free (event);
}

WbEvent *
wb_wait (WbSide *side, WbKind kind, GstWebRTCDataChannel *channel)
{
  for (;;) {
    WbEvent *event = g_async_queue_try_pop (side->events);

    if (event == NULL && side->pump != NULL)
      side->pump (side->pump_data);
    if (event == NULL)
      g_main_context_iteration (NULL, TRUE);
    else if (event->kind == kind && (channel == NULL || event->channel == channel))
      return event;
    else
      wb_event_free (event);
  }
}

GstWebRTCDataChannel *
wb_wait_channel (WbSide *side)
{
  g_autoptr (WbEvent) event = wb_wait (side, WB_CHANNEL, NULL);

  return event->channel;
}

void
wb_wait_open (WbSide *side, GstWebRTCDataChannel *channel)
{
  wb_event_free (wb_wait (side, WB_OPEN, channel));
}

void
wb_wait_closed (WbSide *side, GstWebRTCDataChannel *channel)
{
  wb_event_free (wb_wait (side, WB_CLOSED, channel));
}

void
wb_expect_text (WbSide *side, GstWebRTCDataChannel *channel, const char *text)
{
  g_autoptr (WbEvent) event = wb_wait (side, WB_TEXT, channel);

  g_assert_cmpstr (event->bytes, ==, text);
}

void
wb_expect_data (WbSide *side, GstWebRTCDataChannel *channel, gconstpointer bytes, gsize size)
{
  g_autoptr (WbEvent) event = wb_wait (side, WB_DATA, channel);

  g_assert_cmpmem (event->bytes, event->size, bytes, size);
}

/* --- channels --- */

static void
on_open (GstWebRTCDataChannel *channel, WbSide *side)
{
  note (side, WB_OPEN, channel, NULL, 0);
}

static void
on_close (GstWebRTCDataChannel *channel, WbSide *side)
{
  note (side, WB_CLOSED, channel, NULL, 0);
}

static void
on_text (GstWebRTCDataChannel *channel, const char *text, WbSide *side)
{
  note (side, WB_TEXT, channel, g_strdup (text), text != NULL ? strlen (text) : 0);
}

static void
on_data (GstWebRTCDataChannel *channel, GBytes *data, WbSide *side)
{
  gsize size = data != NULL ? g_bytes_get_size (data) : 0;
  char *bytes = data != NULL ? g_malloc0 (size + 1) : NULL;

  if (size > 0)
    memcpy (bytes, g_bytes_get_data (data, NULL), size);
  note (side, WB_DATA, channel, bytes, size);
}

/* @channel: (transfer full) */
static void
keep_channel (WbSide *side, GstWebRTCDataChannel *channel)
{
  g_signal_connect (channel, "on-open", G_CALLBACK (on_open), side);
  g_signal_connect (channel, "on-close", G_CALLBACK (on_close), side);
  g_signal_connect (channel, "on-message-string", G_CALLBACK (on_text), side);
  g_signal_connect (channel, "on-message-data", G_CALLBACK (on_data), side);
  g_mutex_lock (&side->lock);
  g_ptr_array_add (side->channels, channel);
  g_mutex_unlock (&side->lock);
}

static void
on_data_channel (GstElement *bin, GstWebRTCDataChannel *channel, WbSide *side)
{
  keep_channel (side, g_object_ref (channel));
  note (side, WB_CHANNEL, channel, NULL, 0);
}

GstWebRTCDataChannel *
wb_side_add (WbSide *side, const char *label, const char *options)
{
  g_autofree char *text = options != NULL ? g_strconcat ("options,", options, NULL) : NULL;
  g_autoptr (GstStructure) structure = text != NULL ? gst_structure_from_string (text, NULL) : NULL;
  GstWebRTCDataChannel *channel;

  g_signal_emit_by_name (side->bin, "create-data-channel", label, structure, &channel);
  g_assert_nonnull (channel);
  keep_channel (side, channel);
  return channel;
}

GstWebRTCDataChannel *
wb_side_open (WbSide *side, const char *label, const char *options)
{
  GstWebRTCDataChannel *channel = wb_side_add (side, label, options);
  GstWebRTCDataChannelState state;

  g_object_get (channel, "ready-state", &state, NULL);
  if (state != GST_WEBRTC_DATA_CHANNEL_STATE_OPEN)
    wb_wait_open (side, channel);
  return channel;
}

void
wb_side_forget (WbSide *side, GstWebRTCDataChannel *channel)
{
  g_signal_handlers_disconnect_by_data (channel, side);
  g_mutex_lock (&side->lock);
  g_ptr_array_remove (side->channels, channel);
  g_mutex_unlock (&side->lock);
}

void
wb_send_data (GstWebRTCDataChannel *channel, gconstpointer bytes, gsize size)
{
  g_autoptr (GBytes) data = g_bytes_new (bytes, size);

  gst_webrtc_data_channel_send_data (channel, data);
}

/* --- descriptions --- */

static void
on_candidate (GstElement *bin, guint mline, const char *line, WbSide *side)
{
  side->candidate (mline, line, side->candidate_data);
}

static void
set_description (WbSide *side, const char *signal, GstWebRTCSessionDescription *description)
{
  GstPromise *promise = gst_promise_new ();

  g_signal_emit_by_name (side->bin, signal, description, promise);
  g_assert_cmpint (gst_promise_wait (promise), ==, GST_PROMISE_RESULT_REPLIED);
  gst_promise_unref (promise);
}

static void
allow_long_messages (GstSDPMessage *sdp)
{
  for (guint i = 0; i < gst_sdp_message_medias_len (sdp); i++)
    gst_sdp_media_add_attribute ((GstSDPMedia *) gst_sdp_message_get_media (sdp, i), "max-message-size", "262144");
}

char *
wb_side_describe (WbSide *side, const char *type)
{
  g_autofree char *signal = g_strconcat ("create-", type, NULL);
  GstPromise *promise = gst_promise_new ();
  GstWebRTCSessionDescription *description = NULL;
  char *text;

  g_signal_emit_by_name (side->bin, signal, NULL, promise);
  g_assert_cmpint (gst_promise_wait (promise), ==, GST_PROMISE_RESULT_REPLIED);
  gst_structure_get (gst_promise_get_reply (promise), type, GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &description, NULL);
  g_assert_nonnull (description);
  gst_promise_unref (promise);
  allow_long_messages (description->sdp);
  set_description (side, "set-local-description", description);
  text = gst_sdp_message_as_text (description->sdp);
  gst_webrtc_session_description_free (description);
  return text;
}

void
wb_side_take (WbSide *side, const char *type, const char *text)
{
  GstWebRTCSessionDescription *description;
  GstSDPMessage *sdp;

  g_assert_cmpint (gst_sdp_message_new_from_text (text, &sdp), ==, GST_SDP_OK);
  description = gst_webrtc_session_description_new (
      g_str_equal (type, "offer") ? GST_WEBRTC_SDP_TYPE_OFFER : GST_WEBRTC_SDP_TYPE_ANSWER, sdp);
  set_description (side, "set-remote-description", description);
  gst_webrtc_session_description_free (description);
}

static void
give_candidate (guint mline, const char *line, gpointer bin)
{
  g_signal_emit_by_name (bin, "add-ice-candidate", mline, line);
}

void
wb_connect (WbSide *caller, WbSide *called)
{
  g_autofree char *offer = NULL, *answer = NULL;

  caller->candidate = called->candidate = give_candidate;
  caller->candidate_data = called->bin;
  called->candidate_data = caller->bin;
  offer = wb_side_describe (caller, "offer");
  wb_side_take (called, "offer", offer);
  answer = wb_side_describe (called, "answer");
  wb_side_take (caller, "answer", answer);
}

/* --- life --- */

static void
on_element (GstBin *bin, GstBin *sub_bin, GstElement *element, WbSide *side)
{
  GstElementFactory *factory = gst_element_get_factory (element);
  const char *name = factory != NULL ? GST_OBJECT_NAME (factory) : NULL;

  if (g_strcmp0 (name, "sctpenc") != 0 && g_strcmp0 (name, "sctpdec") != 0)
    return;
  g_mutex_lock (&side->lock);
  g_ptr_array_add (side->elements, gst_object_ref (element));
  g_mutex_unlock (&side->lock);
}

static void
set_ice (WbSide *side, gboolean loopback)
{
  g_autoptr (GObject) ice = NULL, agent = NULL;
  gboolean added = TRUE;

  g_object_get (side->bin, "ice-agent", &ice, NULL);
  g_object_get (ice, "agent", &agent, NULL);
  g_object_set (agent, "upnp", FALSE, NULL);
  if (loopback)
    g_signal_emit_by_name (ice, "add-local-ip-address", "127.0.0.1", &added);
  g_assert_true (added);
}

/* Nobody reads the bus. */
static GstBusSyncReply
drop_message (GstBus *bus, GstMessage *message, gpointer user_data)
{
  gst_message_unref (message);
  return GST_BUS_DROP;
}

WbSide *
wb_side_new (gboolean loopback)
{
  WbSide *side = g_new0 (WbSide, 1);
  g_autoptr (GstBus) bus = NULL;

  g_mutex_init (&side->lock);
  side->events = g_async_queue_new_full ((GDestroyNotify) wb_event_free);
  side->channels = g_ptr_array_new_with_free_func (g_object_unref);
  side->elements = g_ptr_array_new_with_free_func (gst_object_unref);
  side->pipeline = gst_pipeline_new (NULL);
  bus = gst_element_get_bus (side->pipeline);
  gst_bus_set_sync_handler (bus, drop_message, NULL, NULL);
  side->bin = gst_element_factory_make ("webrtcbin", NULL);
  g_object_set (side->bin, "bundle-policy", GST_WEBRTC_BUNDLE_POLICY_MAX_BUNDLE, NULL);
  g_signal_connect (side->bin, "deep-element-added", G_CALLBACK (on_element), side);
  g_signal_connect (side->bin, "on-data-channel", G_CALLBACK (on_data_channel), side);
  g_signal_connect (side->bin, "on-ice-candidate", G_CALLBACK (on_candidate), side);
  gst_bin_add (GST_BIN (side->pipeline), side->bin);
  set_ice (side, loopback);
  gst_element_set_state (side->pipeline, GST_STATE_PLAYING);
  return side;
}

static GMutex gone_lock;
static GCond gone_changed;

static void
on_gone (gpointer left, GObject *element)
{
  g_mutex_lock (&gone_lock);
  (*(guint *) left)--;
  g_cond_broadcast (&gone_changed);
  g_mutex_unlock (&gone_lock);
}

/* Elements that some thread may still be at the end of something with. */
static void
release_elements (GPtrArray *elements)
{
  guint left = elements->len;

  for (guint i = 0; i < elements->len; i++)
    g_object_weak_ref (elements->pdata[i], on_gone, &left);
  g_ptr_array_unref (elements);
  g_mutex_lock (&gone_lock);
  while (left > 0)
    g_cond_wait (&gone_changed, &gone_lock);
  g_mutex_unlock (&gone_lock);
}

void
wb_side_free (WbSide *side)
{
  gst_element_set_state (side->pipeline, GST_STATE_NULL);
  for (guint i = 0; i < side->channels->len; i++)
    g_signal_handlers_disconnect_by_data (side->channels->pdata[i], side);
  g_async_queue_unref (side->events);
  g_ptr_array_unref (side->channels);
  gst_object_unref (side->pipeline);
  release_elements (side->elements);
  g_mutex_clear (&side->lock);
  g_free (side);
}
