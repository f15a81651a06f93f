/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-elements.c: datachannelsink and datachannelsrc over a fake peer: what they send, wait for, post and survive. */
#include <string.h>

#include "plugins/dc-gst-downstream.h"
#include "plugins/dc-gst-item.h"
#include "plugins/gstdatachannelsink.h"
#include "plugins/gstdatachannelsrc.h"
#include "tests/harness/dc-fake-peer.h"
#include "tests/harness/dc-test.h"

/* --- Fixture: a pipeline, and the far side of its data channel element --------------------------------------------------------- */

typedef struct {
  GstElement *pipeline;
  GstBus *bus;
  DcPeer *peer;
  DcChannel *channel;
} Fixture;

static void
fixture_launch (Fixture *f, const char *description)
{
  g_autoptr (GError) error = NULL;

  dc_test_watchdog_start (30);
  f->pipeline = gst_parse_launch (description, &error);
  g_assert_no_error (error);
  f->bus = gst_element_get_bus (f->pipeline);
}

/* Plays @description and opens its element's channel. */
static void
fixture_play (Fixture *f, const char *description)
{
  fixture_launch (f, description);
  gst_element_set_state (f->pipeline, GST_STATE_PLAYING);
  f->peer = dc_fake_wait_peer ();
  f->channel = dc_fake_peer_open (f->peer);
}

static void
fixture_stop (Fixture *f)
{
  if (f->pipeline != NULL)
    g_assert_cmpint (gst_element_set_state (f->pipeline, GST_STATE_NULL), ==, GST_STATE_CHANGE_SUCCESS);
}

static GMutex gone_lock;
static GCond gone_cond;

static void
gone_cb (gpointer gone, GObject *where_it_was)
{
  g_mutex_lock (&gone_lock);
  *(gboolean *) gone = TRUE;
  g_cond_signal (&gone_cond);
  g_mutex_unlock (&gone_lock);
}

/* Nothing keeps the element, no handler and no closure: it goes, if perhaps with the thread that has it last. */
static void
free_pipeline (Fixture *f)
{
  GstElement *element = gst_bin_get_by_name (GST_BIN (f->pipeline), "dc");
  gboolean gone = FALSE;

  g_object_weak_ref (G_OBJECT (element), gone_cb, &gone);
  gst_object_unref (element);
  g_clear_object (&f->pipeline);
  g_mutex_lock (&gone_lock);
  while (!gone)
    g_cond_wait (&gone_cond, &gone_lock);
  g_mutex_unlock (&gone_lock);
}

static void
fixture_clear (Fixture *f)
{
  fixture_stop (f);
  if (f->peer != NULL)
    g_assert_true (dc_fake_peer_is_stopped (f->peer));
  g_clear_object (&f->channel);
  g_clear_object (&f->peer);
  g_clear_object (&f->bus);
  if (f->pipeline != NULL)
    free_pipeline (f);
  dc_test_watchdog_stop ();
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fixture, fixture_clear)

static GstElement *
get_element (Fixture *f, const char *name)
{
  GstElement *element = gst_bin_get_by_name (GST_BIN (f->pipeline), name);

  g_assert_nonnull (element);
  gst_object_unref (element); /* the pipeline has it */
  return element;
}

static GstMessage *
wait_message (Fixture *f, GstMessageType types)
{
  GstMessage *message = gst_bus_timed_pop_filtered (f->bus, GST_CLOCK_TIME_NONE, types);

  g_assert_nonnull (message);
  return message;
}

static void
wait_eos (Fixture *f)
{
  g_autoptr (GstMessage) message = wait_message (f, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);

  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "eos");
}

static void
wait_error (Fixture *f, GstResourceError code, const char *sentence)
{
  g_autoptr (GstMessage) message = wait_message (f, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "error");
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_RESOURCE_ERROR, (int) code);
  g_assert_cmpstr (error->message, ==, sentence);
}

static gboolean
has_message (Fixture *f, GstMessageType types)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (f->bus, types);

  return message != NULL;
}

/* --- The far side of a sink ----------------------------------------------------------------------------------------------------- */

static void
take_kind (Fixture *f, DcLinkItemKind kind)
{
  g_autoptr (DcLinkItem) item = dc_fake_channel_take (f->channel);

  g_assert_cmpint (item->kind, ==, kind);
}

static void
take_any (Fixture *f)
{
  dc_link_item_free (dc_fake_channel_take (f->channel));
}

static void
take_caps (Fixture *f, const char *text)
{
  g_autoptr (DcLinkItem) item = dc_fake_channel_take (f->channel);
  g_autoptr (GstCaps) expected = gst_caps_from_string (text);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstCaps) caps = NULL;

  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_CAPS);
  caps = dc_gst_item_to_caps (item, &error);
  g_assert_no_error (error);
  g_assert_true (gst_caps_is_equal (caps, expected));
}

static void
take_data (Fixture *f, const char *text, guint64 pts)
{
  g_autoptr (DcLinkItem) item = dc_fake_channel_take (f->channel);

  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_DATA);
  g_assert_cmpmem (g_bytes_get_data (item->payload, NULL), g_bytes_get_size (item->payload), text, strlen (text));
  g_assert_cmpuint (item->pts, ==, pts);
}

static void
take_end (Fixture *f)
{
  take_kind (f, DC_LINK_ITEM_EVENT);
  take_kind (f, DC_LINK_ITEM_FIN);
}

/* A stream of no buffers still has a format. */
static void
take_empty_stream (Fixture *f)
{
  take_kind (f, DC_LINK_ITEM_CAPS);
  take_end (f);
}

static void
emit (Fixture *f, const char *signal)
{
  GstFlowReturn flow;

  g_signal_emit_by_name (get_element (f, "in"), signal, &flow);
  g_assert_cmpint (flow, ==, GST_FLOW_OK);
}

static void
push (Fixture *f, const char *text, guint64 pts)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_new_memdup (text, strlen (text));
  GstFlowReturn flow;

  GST_BUFFER_PTS (buffer) = pts;
  g_signal_emit_by_name (get_element (f, "in"), "push-buffer", buffer, &flow);
  g_assert_cmpint (flow, ==, GST_FLOW_OK);
}

#define SINK "appsrc name=in format=time caps=audio/x-a,rate=1 ! datachannelsink name=dc "

static void
test_sink_order (void)
{
  g_auto (Fixture) f = {0};

  fixture_play (&f, SINK);
  push (&f, "one", 10);
  push (&f, "two", GST_CLOCK_TIME_NONE);
  emit (&f, "end-of-stream");
  take_caps (&f, "audio/x-a, rate=1");
  take_kind (&f, DC_LINK_ITEM_SEGMENT);
  take_data (&f, "one", 10);
  take_data (&f, "two", GST_CLOCK_TIME_NONE);
  take_end (&f);
  dc_fake_channel_acknowledge_fin (f.channel);
  wait_eos (&f);
  fixture_stop (&f);
  g_assert_true (dc_fake_channel_is_closed (f.channel));
  g_assert_null (dc_fake_channel_dup_abort (f.channel));
}

static void
test_sink_eos_waits_for_the_far_side (void)
{
  g_auto (Fixture) f = {0};

  fixture_play (&f, SINK);
  push (&f, "one", 0);
  emit (&f, "end-of-stream");
  take_kind (&f, DC_LINK_ITEM_CAPS);
  take_kind (&f, DC_LINK_ITEM_SEGMENT);
  take_data (&f, "one", 0);
  take_end (&f);
  dc_fake_channel_wait_blocked (f.channel);
  g_assert_false (has_message (&f, GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  dc_fake_channel_acknowledge_fin (f.channel);
  wait_eos (&f);
}

static void
test_sink_empty_stream (void)
{
  g_auto (Fixture) f = {0};

  fixture_play (&f, "fakesrc num-buffers=0 ! datachannelsink name=dc");
  take_end (&f);
  dc_fake_channel_acknowledge_fin (f.channel);
  wait_eos (&f);
}

/* The state change does not wait for a channel, and what was said before there was one is said when there is. */
static void
test_sink_channel_comes_late (void)
{
  g_auto (Fixture) f = {0};

  fixture_launch (&f, SINK);
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  push (&f, "one", 0);
  g_assert_cmpint (gst_element_get_state (f.pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), ==, GST_STATE_CHANGE_SUCCESS);
  f.peer = dc_fake_wait_peer ();
  f.channel = dc_fake_peer_open (f.peer);
  take_caps (&f, "audio/x-a, rate=1");
  take_kind (&f, DC_LINK_ITEM_SEGMENT);
  take_data (&f, "one", 0);
}

static void
test_sink_caps_change (void)
{
  g_auto (Fixture) f = {0};
  g_autoptr (GstCaps) other = gst_caps_from_string ("audio/x-a, rate=2");

  fixture_play (&f, SINK);
  push (&f, "one", 0);
  take_caps (&f, "audio/x-a, rate=1");
  take_kind (&f, DC_LINK_ITEM_SEGMENT);
  take_data (&f, "one", 0);
  g_object_set (get_element (&f, "in"), "caps", other, NULL);
  push (&f, "two", 0);
  take_caps (&f, "audio/x-a, rate=2");
  take_data (&f, "two", 0);
}

/* Nothing moves but what is taken. */
static void
test_sink_is_slowed_down (void)
{
  g_auto (Fixture) f = {0};

  fixture_launch (&f, "fakesrc ! datachannelsink name=dc");
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  f.peer = dc_fake_wait_peer ();
  f.channel = dc_fake_peer_open_with_window (f.peer, 5);
  for (guint i = 0; i < 50; i++) {
    dc_fake_channel_wait_blocked (f.channel);
    take_any (&f);
  }
  dc_fake_channel_wait_blocked (f.channel);
  g_assert_cmpuint (dc_fake_channel_count (f.channel), ==, 5);
}

/* PAUSED interrupts a push that waits, PLAYING goes on with the very buffer. */
static void
test_sink_pause_in_push (void)
{
  g_auto (Fixture) f = {0};

  fixture_play (&f, SINK);
  push (&f, "one", 1);
  take_kind (&f, DC_LINK_ITEM_CAPS);
  take_kind (&f, DC_LINK_ITEM_SEGMENT);
  take_data (&f, "one", 1);
  dc_fake_channel_set_window (f.channel, 0);
  push (&f, "two", 2);
  dc_fake_channel_wait_blocked (f.channel);
  gst_element_set_state (f.pipeline, GST_STATE_PAUSED);
  g_assert_cmpint (gst_element_get_state (f.pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), ==, GST_STATE_CHANGE_SUCCESS);
  dc_fake_channel_set_window (f.channel, 10);
  g_assert_cmpuint (dc_fake_channel_count (f.channel), ==, 0);
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  push (&f, "three", 3);
  take_data (&f, "two", 2);
  take_data (&f, "three", 3);
}

static void
test_sink_pause_in_finish (void)
{
  g_auto (Fixture) f = {0};

  fixture_play (&f, SINK);
  push (&f, "one", 1);
  emit (&f, "end-of-stream");
  take_kind (&f, DC_LINK_ITEM_CAPS);
  take_kind (&f, DC_LINK_ITEM_SEGMENT);
  take_data (&f, "one", 1);
  take_end (&f);
  dc_fake_channel_wait_blocked (f.channel);
  gst_element_set_state (f.pipeline, GST_STATE_PAUSED);
  g_assert_cmpint (gst_element_get_state (f.pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), ==, GST_STATE_CHANGE_SUCCESS);
  dc_fake_channel_acknowledge_fin (f.channel);
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  wait_eos (&f);
  g_assert_cmpuint (dc_fake_channel_count (f.channel), ==, 0);
}

static void
assert_aborted (Fixture *f)
{
  g_autofree char *reason = dc_fake_channel_dup_abort (f->channel);

  g_assert_nonnull (reason);
  g_assert_nonnull (strstr (reason, "stopped before"));
}

static void
test_sink_stop_while_alone (void)
{
  g_auto (Fixture) f = {0};

  fixture_launch (&f, SINK);
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  push (&f, "one", 0);
  f.peer = dc_fake_wait_peer ();
  g_assert_cmpint (gst_element_get_state (f.pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), ==, GST_STATE_CHANGE_SUCCESS);
  fixture_stop (&f);
  g_assert_true (dc_fake_peer_is_stopped (f.peer));
}

static void
test_sink_stop_in_push (void)
{
  g_auto (Fixture) f = {0};

  fixture_play (&f, SINK);
  dc_fake_channel_set_window (f.channel, 0);
  push (&f, "one", 0);
  dc_fake_channel_wait_blocked (f.channel);
  fixture_stop (&f);
  assert_aborted (&f);
  g_assert_false (has_message (&f, GST_MESSAGE_ERROR));
}

static void
test_sink_stop_in_finish (void)
{
  g_auto (Fixture) f = {0};

  fixture_play (&f, SINK);
  emit (&f, "end-of-stream");
  take_empty_stream (&f);
  dc_fake_channel_wait_blocked (f.channel);
  fixture_stop (&f);
  assert_aborted (&f);
}

static void
test_sink_plays_again (void)
{
  g_auto (Fixture) f = {0};

  for (guint i = 0; i < 3; i++) {
    g_clear_object (&f.peer);
    g_clear_object (&f.channel);
    if (f.pipeline == NULL)
      fixture_launch (
          &f, "fakesrc num-buffers=1 sizetype=fixed sizemax=5 ! audio/x-a,rate=1 ! datachannelsink name=dc");
    gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
    f.peer = dc_fake_wait_peer ();
    f.channel = dc_fake_peer_open (f.peer);
    take_caps (&f, "audio/x-a, rate=1");
    take_kind (&f, DC_LINK_ITEM_SEGMENT);
    take_kind (&f, DC_LINK_ITEM_DATA);
    take_end (&f);
    dc_fake_channel_acknowledge_fin (f.channel);
    wait_eos (&f);
    gst_element_set_state (f.pipeline, GST_STATE_READY);
  }
}

/* The sink has nothing to push, and still says that the receiver is gone. */
static void
test_sink_far_side_gone_while_idle (void)
{
  g_auto (Fixture) f = {0};

  fixture_play (&f, SINK);
  dc_fake_channel_end (f.channel, "the far side is gone");
  wait_error (&f, GST_RESOURCE_ERROR_WRITE, "the far side is gone");
}

static void
test_sink_far_side_gone_in_push (void)
{
  g_auto (Fixture) f = {0};

  fixture_play (&f, SINK);
  dc_fake_channel_set_window (f.channel, 0);
  push (&f, "one", 0);
  dc_fake_channel_wait_blocked (f.channel);
  dc_fake_channel_end (f.channel, "the far side is gone");
  wait_error (&f, GST_RESOURCE_ERROR_WRITE, "the far side is gone");
}

/* The stream has ended here, and nobody will ever know whether it arrived. */
static void
test_sink_far_side_gone_in_finish (void)
{
  g_auto (Fixture) f = {0};

  fixture_play (&f, SINK);
  emit (&f, "end-of-stream");
  take_empty_stream (&f);
  dc_fake_channel_wait_blocked (f.channel);
  dc_fake_channel_end (f.channel, "the far side is gone");
  wait_error (&f, GST_RESOURCE_ERROR_WRITE, "the far side is gone");
}

static void
test_sink_far_side_leaves_after_the_end (void)
{
  g_auto (Fixture) f = {0};

  fixture_play (&f, SINK);
  emit (&f, "end-of-stream");
  take_empty_stream (&f);
  dc_fake_channel_acknowledge_fin (f.channel);
  wait_eos (&f);
  dc_fake_channel_end (f.channel, NULL);
  g_assert_false (has_message (&f, GST_MESSAGE_ERROR));
}

static void
test_sink_peer_fails (void)
{
  static const struct {
    DcError code;
    GstResourceError posted;
  } cases[] = {
      {DC_ERROR_SIGNALING, GST_RESOURCE_ERROR_OPEN_WRITE},
      {DC_ERROR_CONNECTION, GST_RESOURCE_ERROR_NOT_FOUND},
      {DC_ERROR_IDENTITY, GST_RESOURCE_ERROR_NOT_AUTHORIZED},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (Fixture) f = {0};
    fixture_launch (&f, SINK);
    gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
    f.peer = dc_fake_wait_peer ();
    dc_fake_peer_fail (f.peer, cases[i].code, "it failed");
    wait_error (&f, cases[i].posted, "it failed");
  }
}

static void
test_sink_bad_settings (void)
{
  g_auto (Fixture) f = {0};

  fixture_launch (&f, "fakesrc ! datachannelsink name=dc room=\"\"");
  g_assert_cmpint (gst_element_set_state (f.pipeline, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
  wait_error (&f, GST_RESOURCE_ERROR_SETTINGS, "a room needs a name");
}

/* The base class would drop them without a word. */
static void
test_sink_sends_what_is_outside_the_segment (void)
{
  g_auto (Fixture) f = {0};
  GstSegment segment;
  g_autoptr (GstSample) sample = NULL;
  g_autoptr (GstBuffer) buffer = gst_buffer_new_memdup ("early", 5);
  GstFlowReturn flow;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = 1000;
  GST_BUFFER_PTS (buffer) = 10;
  GST_BUFFER_DURATION (buffer) = 5;
  sample = gst_sample_new (buffer, NULL, &segment, NULL);
  fixture_play (&f, "appsrc name=in format=time handle-segment-change=true ! datachannelsink name=dc");
  g_signal_emit_by_name (get_element (&f, "in"), "push-sample", sample, &flow);
  g_assert_cmpint (flow, ==, GST_FLOW_OK);
  take_kind (&f, DC_LINK_ITEM_SEGMENT);
  take_data (&f, "early", 10);
}

static void
test_sink_refuses_foreign_memory (void)
{
  g_auto (Fixture) f = {0};
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  fixture_play (&f, "appsrc name=in format=time caps=video/x-raw(memory:Card),width=1 ! datachannelsink name=dc");
  push (&f, "one", 0);
  message = wait_message (&f, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
}

static void
test_sink_stream_goes_on_after_its_end (void)
{
  g_auto (Fixture) f = {0};
  GstPad *pad;
  GstSegment segment;

  fixture_play (&f, SINK);
  emit (&f, "end-of-stream");
  take_empty_stream (&f);
  dc_fake_channel_acknowledge_fin (f.channel);
  wait_eos (&f);
  pad = GST_BASE_SINK_PAD (get_element (&f, "dc"));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_send_event (pad, gst_event_new_flush_start ());
  gst_pad_send_event (pad, gst_event_new_flush_stop (TRUE));
  gst_pad_send_event (pad, gst_event_new_segment (&segment));
  g_assert_cmpint (gst_pad_chain (pad, gst_buffer_new_memdup ("x", 1)), ==, GST_FLOW_ERROR);
  g_assert_true (has_message (&f, GST_MESSAGE_ERROR));
}

/* --- Messages ------------------------------------------------------------------------------------------------------------------- */

static void
wait_element_message (Fixture *f, const char *name, const char *field)
{
  g_autoptr (GstMessage) message = wait_message (f, GST_MESSAGE_ELEMENT);

  g_assert_true (gst_message_has_name (message, name));
  g_assert_true (gst_structure_has_field_typed (gst_message_get_structure (message), field, G_TYPE_STRING));
}

static void
test_messages (void)
{
  g_auto (Fixture) f = {0};

  fixture_launch (&f, SINK);
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  f.peer = dc_fake_wait_peer ();
  dc_fake_peer_tell (f.peer, gst_structure_new ("registered", "id", G_TYPE_STRING, "a", NULL));
  dc_fake_peer_tell (f.peer, gst_structure_new ("ice-state", "peer", G_TYPE_STRING, "far", NULL));
  dc_fake_peer_tell (f.peer, gst_structure_new ("called", "peer", G_TYPE_STRING, "far", NULL));
  dc_fake_peer_tell (f.peer, gst_structure_new ("channel-open", "peer", G_TYPE_STRING, "far", NULL));
  dc_fake_peer_tell (f.peer, gst_structure_new ("connection-closed", "peer", G_TYPE_STRING, "far", NULL));
  wait_element_message (&f, "datachannel-registered", "id");
  wait_element_message (&f, "datachannel-connecting", "peer");
  wait_element_message (&f, "datachannel-connected", "peer");
  wait_element_message (&f, "datachannel-peer-left", "peer");
}

static void
test_one_warning_while_the_server_is_away (void)
{
  g_auto (Fixture) f = {0};

  fixture_launch (&f, SINK);
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  f.peer = dc_fake_wait_peer ();
  for (guint i = 0; i < 3; i++)
    dc_fake_peer_tell (f.peer, gst_structure_new ("signaling-lost", "reason", G_TYPE_STRING, "no answer", NULL));
  g_assert_true (has_message (&f, GST_MESSAGE_WARNING));
  g_assert_false (has_message (&f, GST_MESSAGE_WARNING));
  dc_fake_peer_tell (f.peer, gst_structure_new_empty ("registered"));
  dc_fake_peer_tell (f.peer, gst_structure_new ("signaling-lost", "reason", G_TYPE_STRING, "no answer", NULL));
  g_assert_true (has_message (&f, GST_MESSAGE_WARNING));
}

/* --- Properties ----------------------------------------------------------------------------------------------------------------- */

static void
assert_string_property (gpointer object, const char *name, const char *expected)
{
  g_autofree char *value = NULL;

  g_object_get (object, name, &value, NULL);
  g_assert_cmpstr (value, ==, expected);
}

#define ALL_PROPERTIES                                                                                                 \
  "name=dc signaling=ws://h:1 room=r peer-id=me remote-peer=you role=answerer label=l mode=raw "                       \
  "stun-server=stun://s:3478 "                                                                                         \
  "ice-transport-policy=relay connect-timeout=7 tls-ca=/ca.pem polling=true "                                          \
  "turn-servers=<\"turn://u:p@h:3478?transport=tcp\",\"turns://b\"> "

static void
assert_properties_reach_the_peer (const char *description, DcWants expected_wants)
{
  g_auto (Fixture) f = {0};
  g_auto (GStrv) turn = NULL;
  DcRole role;
  DcMode mode;
  DcIcePolicy policy;
  DcWants wants;
  guint timeout;
  gboolean polling;

  fixture_launch (&f, description);
  gst_element_set_state (f.pipeline, GST_STATE_PAUSED);
  f.peer = dc_fake_wait_peer ();
  assert_string_property (f.peer, "signaling", "ws://h:1");
  assert_string_property (f.peer, "room", "r");
  assert_string_property (f.peer, "id", "me");
  assert_string_property (f.peer, "remote-peer", "you");
  assert_string_property (f.peer, "label", "l");
  assert_string_property (f.peer, "stun-server", "stun://s:3478");
  assert_string_property (f.peer, "tls-ca", "/ca.pem");
  g_object_get (f.peer, "role", &role, "mode", &mode, "ice-transport-policy", &policy, "wants", &wants,
      "connect-timeout", &timeout, "polling", &polling, "turn-servers", &turn, NULL);
  g_assert_cmpint (role, ==, DC_ROLE_ANSWERER);
  g_assert_cmpint (mode, ==, DC_MODE_RAW);
  g_assert_cmpint (policy, ==, DC_ICE_POLICY_RELAY);
  g_assert_cmpint (wants, ==, expected_wants);
  g_assert_cmpuint (timeout, ==, 7);
  g_assert_true (polling);
  g_assert_cmpuint (g_strv_length (turn), ==, 2);
  g_assert_cmpstr (turn[0], ==, "turn://u:p@h:3478?transport=tcp");
  g_assert_cmpstr (turn[1], ==, "turns://b");
}

static void
test_properties_reach_the_peer (void)
{
  assert_properties_reach_the_peer ("fakesrc ! datachannelsink " ALL_PROPERTIES, DC_WANTS_SEND);
  assert_properties_reach_the_peer ("datachannelsrc " ALL_PROPERTIES " ! fakesink", DC_WANTS_RECEIVE);
}

/* Every property reads back as it was written. */
static void
test_properties_read_back (void)
{
  g_auto (Fixture) f = {0};
  GValue turn = G_VALUE_INIT;
  GstElement *element;
  guint timeout;

  fixture_launch (&f, "fakesrc ! datachannelsink " ALL_PROPERTIES);
  element = get_element (&f, "dc");
  assert_string_property (element, "signaling", "ws://h:1");
  assert_string_property (element, "peer-id", "me");
  g_object_get (element, "connect-timeout", &timeout, NULL);
  g_assert_cmpuint (timeout, ==, 7);
  g_value_init (&turn, GST_TYPE_ARRAY);
  g_object_get_property (G_OBJECT (element), "turn-servers", &turn);
  g_assert_cmpuint (gst_value_array_get_size (&turn), ==, 2);
  g_assert_cmpstr (g_value_get_string (gst_value_array_get_value (&turn, 1)), ==, "turns://b");
  g_value_unset (&turn);
}

static void
test_properties_default (void)
{
  g_auto (Fixture) f = {0}, g = {0};

  g_unsetenv ("DC_SIGNALING");
  fixture_launch (&f, "fakesrc ! datachannelsink name=dc");
  assert_string_property (get_element (&f, "dc"), "signaling", "ws://127.0.0.1:8443");
  assert_string_property (get_element (&f, "dc"), "room", "default");
  assert_string_property (get_element (&f, "dc"), "label", "data");
  g_setenv ("DC_SIGNALING", "wss://elsewhere", TRUE);
  fixture_launch (&g, "fakesrc ! datachannelsink name=dc");
  assert_string_property (get_element (&g, "dc"), "signaling", "wss://elsewhere");
  g_unsetenv ("DC_SIGNALING");
}

/* --- The far side of a source --------------------------------------------------------------------------------------------------- */

static void
give_caps (Fixture *f, const char *text)
{
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_CAPS);

  item->payload = g_bytes_new (text, strlen (text));
  dc_fake_channel_give (f->channel, item);
}

static void
give_segment (Fixture *f, GstFormat format, guint64 start, guint64 stop)
{
  GstSegment segment;

  gst_segment_init (&segment, format);
  segment.start = segment.time = segment.position = start;
  segment.stop = stop;
  dc_fake_channel_give (f->channel, dc_gst_item_from_segment (&segment));
}

static void
give_data (Fixture *f, const char *text, guint64 pts, guint64 dts)
{
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_DATA);

  item->payload = g_bytes_new (text, strlen (text));
  item->pts = pts;
  item->dts = dts;
  dc_fake_channel_give (f->channel, item);
}

static void
give_end (Fixture *f)
{
  dc_fake_channel_give (f->channel, dc_gst_item_from_eos ());
  dc_fake_channel_give (f->channel, dc_link_item_new (DC_LINK_ITEM_FIN));
}

static GstSample *
pull_sample (Fixture *f)
{
  GstSample *sample = NULL;

  g_signal_emit_by_name (get_element (f, "out"), "pull-sample", &sample);
  return sample;
}

static void
pull_data (Fixture *f, const char *text, guint64 pts, guint64 dts)
{
  g_autoptr (GstSample) sample = pull_sample (f);
  GstBuffer *buffer;

  g_assert_nonnull (sample);
  buffer = gst_sample_get_buffer (sample);
  g_assert_cmpuint (gst_buffer_get_size (buffer), ==, strlen (text));
  g_assert_cmpint (gst_buffer_memcmp (buffer, 0, text, strlen (text)), ==, 0);
  g_assert_cmpuint (GST_BUFFER_PTS (buffer), ==, pts);
  g_assert_cmpuint (GST_BUFFER_DTS (buffer), ==, dts);
}

static void
pull_end (Fixture *f)
{
  g_assert_null (pull_sample (f));
}

#define NONE GST_CLOCK_TIME_NONE
#define SRC "datachannelsrc name=dc ! appsink name=out sync=false max-buffers=1"

/* In PLAYING, with a clock: then the base class would invent what is missing. */
static void
test_src_stream_is_the_senders (void)
{
  g_auto (Fixture) f = {0};
  g_autoptr (GstSample) sample = NULL;
  g_autoptr (GstCaps) expected = gst_caps_from_string ("video/x-v, width=3");
  const GstSegment *segment;

  fixture_play (&f, SRC);
  give_caps (&f, "video/x-v, width=3");
  give_segment (&f, GST_FORMAT_TIME, 100, 900);
  give_data (&f, "one", 100, NONE);
  give_data (&f, "two", NONE, 90);
  give_data (&f, "three", NONE, NONE);
  give_end (&f);
  sample = pull_sample (&f);
  g_assert_true (gst_caps_is_equal (gst_sample_get_caps (sample), expected));
  segment = gst_sample_get_segment (sample);
  g_assert_cmpint (segment->format, ==, GST_FORMAT_TIME);
  g_assert_cmpuint (segment->start, ==, 100);
  g_assert_cmpuint (segment->stop, ==, 900);
  pull_data (&f, "two", NONE, 90);
  pull_data (&f, "three", NONE, NONE);
  pull_end (&f);
  dc_fake_channel_wait_accepted (f.channel);
  wait_eos (&f);
  fixture_stop (&f);
  g_assert_null (dc_fake_channel_dup_abort (f.channel));
}

/* A segment of bytes says where it stops; the base class would end the stream there, and the FIN would never be accepted. */
static void
test_src_segment_of_bytes_with_a_stop (void)
{
  g_auto (Fixture) f = {0};

  fixture_play (&f, SRC);
  give_segment (&f, GST_FORMAT_BYTES, 0, 6);
  give_data (&f, "abcdef", NONE, NONE);
  give_data (&f, "ghi", NONE, NONE);
  give_end (&f);
  pull_data (&f, "abcdef", NONE, NONE);
  pull_data (&f, "ghi", NONE, NONE);
  pull_end (&f);
  dc_fake_channel_wait_accepted (f.channel);
}

static void
test_src_format_changes (void)
{
  g_auto (Fixture) f = {0};
  static const struct {
    const char *caps;
    GstFormat format;
  } parts[] = {{"a/x", GST_FORMAT_BYTES}, {"a/y", GST_FORMAT_TIME}, {"a/z", GST_FORMAT_DEFAULT}};

  fixture_play (&f, SRC);
  for (gsize i = 0; i < G_N_ELEMENTS (parts); i++) {
    g_autoptr (GstSample) sample = NULL;
    g_autoptr (GstCaps) caps = gst_caps_from_string (parts[i].caps);
    give_caps (&f, parts[i].caps);
    give_segment (&f, parts[i].format, 0, DC_LINK_NONE);
    give_data (&f, "x", NONE, NONE);
    sample = pull_sample (&f);
    g_assert_true (gst_caps_is_equal (gst_sample_get_caps (sample), caps));
    g_assert_cmpint (gst_sample_get_segment (sample)->format, ==, parts[i].format);
  }
}

static void
test_src_empty_stream (void)
{
  g_auto (Fixture) f = {0};

  fixture_play (&f, SRC);
  give_end (&f);
  pull_end (&f);
  dc_fake_channel_wait_accepted (f.channel);
  wait_eos (&f);
}

static GstPadProbeReturn
hold_eos_cb (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  return GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_EOS ? GST_PAD_PROBE_OK : GST_PAD_PROBE_PASS;
}

/* The last queue holds the EOS back: the source has long pushed it, and still does not tell the sender that all is well. */
static void
test_src_accepts_when_the_sinks_are_done (void)
{
  g_auto (Fixture) f = {0};
  g_autoptr (GstPad) pad = NULL;
  gulong probe;

  fixture_play (&f, "datachannelsrc name=dc ! queue ! queue2 ! multiqueue name=q ! fakesink name=end sync=false");
  pad = gst_element_get_static_pad (get_element (&f, "q"), "src_0");
  probe =
      gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, hold_eos_cb, NULL, NULL);
  give_segment (&f, GST_FORMAT_BYTES, 0, DC_LINK_NONE);
  give_data (&f, "one", NONE, NONE);
  give_end (&f);
  while (!gst_pad_is_blocking (pad))
    g_thread_yield ();
  g_assert_false (dc_fake_channel_is_accepted (f.channel));
  gst_pad_remove_probe (pad, probe);
  wait_eos (&f);
  dc_fake_channel_wait_accepted (f.channel);
}

/* Whoever sees the pipeline's EOS stops it at once; the sender must have heard that all is well nevertheless. */
static void
test_src_stopped_upon_eos (void)
{
  static const char *const tails[] = {"fakesink", "queue ! fakesink", "tee name=t ! queue ! fakesink t. ! fakesink"};

  for (guint i = 0; i < 60; i++) {
    g_auto (Fixture) f = {0};
    g_autofree char *text = g_strdup_printf ("datachannelsrc name=dc ! %s", tails[i % G_N_ELEMENTS (tails)]);
    fixture_play (&f, text);
    give_data (&f, "one", NONE, NONE);
    give_end (&f);
    wait_eos (&f);
    fixture_stop (&f);
    g_assert_true (dc_fake_channel_is_accepted (f.channel));
    g_assert_null (dc_fake_channel_dup_abort (f.channel));
  }
}

static void
test_src_stopped_before_the_end (void)
{
  g_auto (Fixture) f = {0};

  fixture_play (&f, SRC);
  give_data (&f, "one", NONE, NONE);
  give_data (&f, "two", NONE, NONE);
  pull_data (&f, "one", NONE, NONE);
  fixture_stop (&f);
  assert_aborted (&f);
  g_assert_false (dc_fake_channel_is_accepted (f.channel));
  g_assert_false (has_message (&f, GST_MESSAGE_ERROR));
}

/* EOS was pushed, but the application ends everything while the sink has not handled it. */
static void
test_src_stopped_while_sinks_are_busy (void)
{
  g_auto (Fixture) f = {0};
  g_autoptr (GstPad) pad = NULL;

  fixture_play (&f, "datachannelsrc name=dc ! queue name=q ! fakesink sync=false");
  pad = gst_element_get_static_pad (get_element (&f, "q"), "src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, hold_eos_cb, NULL, NULL);
  give_data (&f, "one", NONE, NONE);
  give_end (&f);
  while (!gst_pad_is_blocking (pad))
    g_thread_yield ();
  fixture_stop (&f);
  assert_aborted (&f);
  g_assert_false (dc_fake_channel_is_accepted (f.channel));
}

static void
test_src_stopped_while_alone (void)
{
  g_auto (Fixture) f = {0};

  fixture_launch (&f, SRC);
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  f.peer = dc_fake_wait_peer ();
  fixture_stop (&f);
  g_assert_true (dc_fake_peer_is_stopped (f.peer));
}

static void
test_src_eos_from_the_application (void)
{
  g_auto (Fixture) f = {0};

  fixture_play (&f, SRC);
  give_data (&f, "one", NONE, NONE);
  pull_data (&f, "one", NONE, NONE);
  gst_element_send_event (f.pipeline, gst_event_new_eos ());
  pull_end (&f);
  wait_eos (&f);
  fixture_stop (&f);
  assert_aborted (&f);
}

/* What came before is delivered, then it is an error. */
static void
test_src_far_side_gone (void)
{
  g_auto (Fixture) f = {0};

  fixture_play (&f, SRC);
  give_data (&f, "one", NONE, NONE);
  give_data (&f, "two", NONE, NONE);
  dc_fake_channel_end (f.channel, "the far side is gone");
  pull_data (&f, "one", NONE, NONE);
  pull_data (&f, "two", NONE, NONE);
  wait_error (&f, GST_RESOURCE_ERROR_READ, "the far side is gone");
}

static void
test_src_peer_fails (void)
{
  g_auto (Fixture) f = {0};

  fixture_launch (&f, SRC);
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  f.peer = dc_fake_wait_peer ();
  dc_fake_peer_fail (f.peer, DC_ERROR_CONNECTION, "nobody came");
  wait_error (&f, GST_RESOURCE_ERROR_NOT_FOUND, "nobody came");
}

static void
test_src_nonsense (void)
{
  for (guint i = 0; i < 2; i++) {
    g_auto (Fixture) f = {0};
    g_autoptr (GstMessage) message = NULL;
    g_autoptr (GError) error = NULL;
    fixture_play (&f, SRC);
    if (i == 0)
      give_caps (&f, "<<<<");
    else
      give_segment (&f, GST_FORMAT_UNDEFINED, 0, 0);
    message = wait_message (&f, GST_MESSAGE_ERROR);
    gst_message_parse_error (message, &error, NULL);
    g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ);
    fixture_stop (&f);
    assert_aborted (&f);
  }
}

static void
test_src_caps_that_downstream_does_not_take (void)
{
  g_auto (Fixture) f = {0};
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  fixture_play (&f, "datachannelsrc name=dc ! audio/x-raw ! fakesink");
  give_caps (&f, "video/x-raw, width=1");
  give_data (&f, "one", NONE, NONE);
  message = wait_message (&f, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
}

static void
test_src_num_buffers (void)
{
  g_auto (Fixture) f = {0};

  fixture_play (&f, "datachannelsrc name=dc num-buffers=2 ! appsink name=out sync=false");
  give_data (&f, "one", NONE, NONE);
  give_data (&f, "two", NONE, NONE);
  give_data (&f, "three", NONE, NONE);
  pull_data (&f, "one", NONE, NONE);
  pull_data (&f, "two", NONE, NONE);
  pull_end (&f);
}

static void
test_src_do_timestamp (void)
{
  g_auto (Fixture) f = {0};
  g_autoptr (GstSample) sample = NULL;

  fixture_play (&f, "datachannelsrc name=dc mode=raw do-timestamp=true ! appsink name=out sync=false async=false");
  g_assert_cmpint (gst_element_get_state (f.pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), !=, GST_STATE_CHANGE_FAILURE);
  give_data (&f, "one", NONE, NONE);
  sample = pull_sample (&f);
  g_assert_true (GST_BUFFER_PTS_IS_VALID (gst_sample_get_buffer (sample)));
  g_assert_cmpint (gst_sample_get_segment (sample)->format, ==, GST_FORMAT_TIME);
}

static void
test_src_raw (void)
{
  g_auto (Fixture) f = {0};
  g_autoptr (GstSample) sample = NULL;
  g_autoptr (GstCaps) caps = gst_caps_from_string ("application/x-mine, a=1");

  fixture_play (&f, "datachannelsrc name=dc mode=raw ! application/x-mine,a=1 ! appsink name=out sync=false");
  give_data (&f, "one", NONE, NONE);
  give_data (&f, "", NONE, NONE);
  sample = pull_sample (&f);
  g_assert_true (gst_caps_is_equal (gst_sample_get_caps (sample), caps));
  g_assert_cmpint (gst_sample_get_segment (sample)->format, ==, GST_FORMAT_BYTES);
  pull_data (&f, "", NONE, NONE);
  dc_fake_channel_give (f.channel, dc_link_item_new (DC_LINK_ITEM_FIN));
  pull_end (&f);
}

/* A demuxer that asks how it may read must not make us connect and leave. */
static void
test_src_scheduling_query (void)
{
  g_auto (Fixture) f = {0};
  g_autoptr (GstQuery) query = gst_query_new_scheduling ();

  fixture_launch (&f, SRC);
  g_assert_true (gst_pad_query (GST_BASE_SRC_PAD (get_element (&f, "dc")), query));
  g_assert_true (gst_query_has_scheduling_mode (query, GST_PAD_MODE_PUSH));
  g_assert_false (gst_query_has_scheduling_mode (query, GST_PAD_MODE_PULL));
  gst_element_set_state (f.pipeline, GST_STATE_PAUSED);
  f.peer = dc_fake_wait_peer ();
  g_assert_false (dc_fake_peer_is_stopped (f.peer));
}

/* A tag that the application sends into the source comes out in front of the next buffer. */
static void
test_src_events_of_the_application (void)
{
  g_auto (Fixture) f = {0};
  g_autoptr (GstMessage) message = NULL;

  fixture_play (&f, SRC);
  give_data (&f, "one", NONE, NONE);
  pull_data (&f, "one", NONE, NONE);
  gst_element_send_event (
      get_element (&f, "dc"), gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, "a title", NULL)));
  give_data (&f, "two", NONE, NONE);
  pull_data (&f, "two", NONE, NONE);
  message = wait_message (&f, GST_MESSAGE_TAG);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (&argc, &argv);
  GST_ELEMENT_REGISTER (datachannelsink, NULL);
  GST_ELEMENT_REGISTER (datachannelsrc, NULL);

  g_test_add_func ("/elements/sink/order", test_sink_order);
  g_test_add_func ("/elements/sink/eos-waits-for-the-far-side", test_sink_eos_waits_for_the_far_side);
  g_test_add_func ("/elements/sink/empty-stream", test_sink_empty_stream);
  g_test_add_func ("/elements/sink/channel-comes-late", test_sink_channel_comes_late);
  g_test_add_func ("/elements/sink/caps-change", test_sink_caps_change);
  g_test_add_func ("/elements/sink/slowed-down", test_sink_is_slowed_down);
  g_test_add_func ("/elements/sink/pause-in-push", test_sink_pause_in_push);
  g_test_add_func ("/elements/sink/pause-in-finish", test_sink_pause_in_finish);
  g_test_add_func ("/elements/sink/stop-while-alone", test_sink_stop_while_alone);
  g_test_add_func ("/elements/sink/stop-in-push", test_sink_stop_in_push);
  g_test_add_func ("/elements/sink/stop-in-finish", test_sink_stop_in_finish);
  g_test_add_func ("/elements/sink/plays-again", test_sink_plays_again);
  g_test_add_func ("/elements/sink/far-side-gone-while-idle", test_sink_far_side_gone_while_idle);
  g_test_add_func ("/elements/sink/far-side-gone-in-push", test_sink_far_side_gone_in_push);
  g_test_add_func ("/elements/sink/far-side-gone-in-finish", test_sink_far_side_gone_in_finish);
  g_test_add_func ("/elements/sink/far-side-leaves-after-the-end", test_sink_far_side_leaves_after_the_end);
  g_test_add_func ("/elements/sink/peer-fails", test_sink_peer_fails);
  g_test_add_func ("/elements/sink/bad-settings", test_sink_bad_settings);
  g_test_add_func ("/elements/sink/outside-the-segment", test_sink_sends_what_is_outside_the_segment);
  g_test_add_func ("/elements/sink/foreign-memory", test_sink_refuses_foreign_memory);
  g_test_add_func ("/elements/sink/goes-on-after-its-end", test_sink_stream_goes_on_after_its_end);
  g_test_add_func ("/elements/messages", test_messages);
  g_test_add_func ("/elements/one-warning", test_one_warning_while_the_server_is_away);
  g_test_add_func ("/elements/properties/reach-the-peer", test_properties_reach_the_peer);
  g_test_add_func ("/elements/properties/read-back", test_properties_read_back);
  g_test_add_func ("/elements/properties/default", test_properties_default);
  g_test_add_func ("/elements/src/stream-is-the-senders", test_src_stream_is_the_senders);
  g_test_add_func ("/elements/src/bytes-with-a-stop", test_src_segment_of_bytes_with_a_stop);
  g_test_add_func ("/elements/src/format-changes", test_src_format_changes);
  g_test_add_func ("/elements/src/empty-stream", test_src_empty_stream);
  g_test_add_func ("/elements/src/accepts-when-sinks-are-done", test_src_accepts_when_the_sinks_are_done);
  g_test_add_func ("/elements/src/stopped-upon-eos", test_src_stopped_upon_eos);
  g_test_add_func ("/elements/src/stopped-before-the-end", test_src_stopped_before_the_end);
  g_test_add_func ("/elements/src/stopped-while-sinks-are-busy", test_src_stopped_while_sinks_are_busy);
  g_test_add_func ("/elements/src/stopped-while-alone", test_src_stopped_while_alone);
  g_test_add_func ("/elements/src/eos-from-the-application", test_src_eos_from_the_application);
  g_test_add_func ("/elements/src/far-side-gone", test_src_far_side_gone);
  g_test_add_func ("/elements/src/peer-fails", test_src_peer_fails);
  g_test_add_func ("/elements/src/nonsense", test_src_nonsense);
  g_test_add_func ("/elements/src/caps-refused-downstream", test_src_caps_that_downstream_does_not_take);
  g_test_add_func ("/elements/src/num-buffers", test_src_num_buffers);
  g_test_add_func ("/elements/src/do-timestamp", test_src_do_timestamp);
  g_test_add_func ("/elements/src/raw", test_src_raw);
  g_test_add_func ("/elements/src/scheduling-query", test_src_scheduling_query);
  g_test_add_func ("/elements/src/application-events", test_src_events_of_the_application);
  return g_test_run ();
}
