/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sink.c: datachannelsink over a fake peer: what it sends, waits for, posts and survives. */
#include <string.h>

#include "plugins/dc-gst-item.h"
#include "plugins/gstdatachannelsink.h"
#include "tests/harness/dc-test-sink.h"
#include "tests/harness/dc-test.h"

/* --- The far side of a sink ----------------------------------------------------------------------------------------------------- */

static void
take_any (DcTestElement *f)
{
  dc_link_item_free (dc_fake_channel_take (f->channel));
}

static void
take_caps (DcTestElement *f, const char *text)
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
take_data (DcTestElement *f, const char *text, guint64 pts)
{
  g_autoptr (DcLinkItem) item = dc_fake_channel_take (f->channel);

  dc_test_assert_data (item, text);
  g_assert_cmpuint (item->pts, ==, pts);
}

/* A stream of no buffers still has a format. */
static void
take_empty_stream (DcTestElement *f)
{
  dc_test_take_kind (f->channel, DC_LINK_ITEM_CAPS);
  dc_test_take_end (f->channel);
}

#define SINK "appsrc name=in format=time caps=audio/x-a,rate=1 ! datachannelsink name=dc "

static void
test_sink_order (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_play (&f, SINK);
  dc_test_sink_push_at (&f, "one", 10);
  dc_test_sink_push (&f, "two");
  dc_test_sink_end_stream (&f);
  take_caps (&f, "audio/x-a, rate=1");
  dc_test_take_kind (f.channel, DC_LINK_ITEM_SEGMENT);
  take_data (&f, "one", 10);
  take_data (&f, "two", GST_CLOCK_TIME_NONE);
  dc_test_take_end (f.channel);
  dc_fake_channel_acknowledge_fin (f.channel);
  dc_test_element_wait_eos (&f);
  dc_test_element_stop (&f);
  g_assert_true (dc_fake_channel_is_closed (f.channel));
  g_assert_null (dc_fake_channel_dup_abort (f.channel));
}

static void
test_sink_eos_waits_for_the_far_side (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_play (&f, SINK);
  dc_test_sink_push_at (&f, "one", 0);
  dc_test_sink_end_stream (&f);
  dc_test_take_kind (f.channel, DC_LINK_ITEM_CAPS);
  dc_test_take_kind (f.channel, DC_LINK_ITEM_SEGMENT);
  take_data (&f, "one", 0);
  dc_test_take_end (f.channel);
  dc_fake_channel_wait_blocked (f.channel);
  g_assert_false (dc_test_element_has_message (&f, GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  dc_fake_channel_acknowledge_fin (f.channel);
  dc_test_element_wait_eos (&f);
}

static void
test_sink_empty_stream (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_play (&f, "fakesrc num-buffers=0 ! datachannelsink name=dc");
  dc_test_take_end (f.channel);
  dc_fake_channel_acknowledge_fin (f.channel);
  dc_test_element_wait_eos (&f);
}

/* The state change does not wait for a channel, and what was said before there was one is said when there is. */
static void
test_sink_channel_comes_late (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_launch (&f, SINK);
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  dc_test_sink_push_at (&f, "one", 0);
  g_assert_cmpint (gst_element_get_state (f.pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), ==, GST_STATE_CHANGE_SUCCESS);
  f.peer = dc_fake_wait_peer ();
  f.channel = dc_fake_peer_open (f.peer);
  take_caps (&f, "audio/x-a, rate=1");
  dc_test_take_kind (f.channel, DC_LINK_ITEM_SEGMENT);
  take_data (&f, "one", 0);
}

static void
test_sink_caps_change (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (GstCaps) other = gst_caps_from_string ("audio/x-a, rate=2");

  dc_test_element_play (&f, SINK);
  dc_test_sink_push_at (&f, "one", 0);
  take_caps (&f, "audio/x-a, rate=1");
  dc_test_take_kind (f.channel, DC_LINK_ITEM_SEGMENT);
  take_data (&f, "one", 0);
  g_object_set (dc_test_element_get (&f, "in"), "caps", other, NULL);
  dc_test_sink_push_at (&f, "two", 0);
  take_caps (&f, "audio/x-a, rate=2");
  take_data (&f, "two", 0);
}

/* Nothing moves but what is taken. */
static void
test_sink_is_slowed_down (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_launch (&f, "fakesrc ! datachannelsink name=dc");
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
  g_auto (DcTestElement) f = {0};

  dc_test_element_play (&f, SINK);
  dc_test_sink_push_at (&f, "one", 1);
  dc_test_take_kind (f.channel, DC_LINK_ITEM_CAPS);
  dc_test_take_kind (f.channel, DC_LINK_ITEM_SEGMENT);
  take_data (&f, "one", 1);
  dc_fake_channel_set_window (f.channel, 0);
  dc_test_sink_push_at (&f, "two", 2);
  dc_fake_channel_wait_blocked (f.channel);
  gst_element_set_state (f.pipeline, GST_STATE_PAUSED);
  g_assert_cmpint (gst_element_get_state (f.pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), ==, GST_STATE_CHANGE_SUCCESS);
  dc_fake_channel_set_window (f.channel, 10);
  g_assert_cmpuint (dc_fake_channel_count (f.channel), ==, 0);
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  dc_test_sink_push_at (&f, "three", 3);
  take_data (&f, "two", 2);
  take_data (&f, "three", 3);
}

static void
step (DcTestElement *f)
{
  g_assert_true (gst_element_send_event (
      dc_test_element_get (f, "dc"), gst_event_new_step (GST_FORMAT_BUFFERS, 1, 1, TRUE, FALSE)));
}

/* A step skips what comes next, not what the receiver may have in part. */
static void
test_sink_step_in_push (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_play (&f, SINK);
  dc_test_sink_push_at (&f, "one", 1);
  dc_test_take_kind (f.channel, DC_LINK_ITEM_CAPS);
  dc_test_take_kind (f.channel, DC_LINK_ITEM_SEGMENT);
  take_data (&f, "one", 1);
  g_assert_cmpint (gst_element_get_state (f.pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), ==, GST_STATE_CHANGE_SUCCESS);
  dc_fake_channel_set_window (f.channel, 0);
  dc_test_sink_push_at (&f, "two", 2);
  dc_fake_channel_wait_blocked (f.channel);
  step (&f);
  dc_fake_channel_set_window (f.channel, 10);
  take_data (&f, "two", 2);
  dc_test_sink_push_at (&f, "skipped", 3);
  dc_test_sink_push_at (&f, "four", 4);
  take_data (&f, "four", 4);
}

static void
test_sink_step_in_finish (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_play (&f, SINK);
  dc_test_sink_push_at (&f, "one", 1);
  g_assert_cmpint (gst_element_get_state (f.pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), ==, GST_STATE_CHANGE_SUCCESS);
  dc_test_sink_end_stream (&f);
  dc_test_take_kind (f.channel, DC_LINK_ITEM_CAPS);
  dc_test_take_kind (f.channel, DC_LINK_ITEM_SEGMENT);
  take_data (&f, "one", 1);
  dc_test_take_kind (f.channel, DC_LINK_ITEM_EVENT);
  dc_test_take_kind (f.channel, DC_LINK_ITEM_FIN);
  dc_fake_channel_wait_blocked (f.channel);
  step (&f);
  dc_fake_channel_acknowledge_fin (f.channel);
  dc_test_element_wait_eos (&f);
}

static void
test_sink_pause_in_finish (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_play (&f, SINK);
  dc_test_sink_push_at (&f, "one", 1);
  dc_test_sink_end_stream (&f);
  dc_test_take_kind (f.channel, DC_LINK_ITEM_CAPS);
  dc_test_take_kind (f.channel, DC_LINK_ITEM_SEGMENT);
  take_data (&f, "one", 1);
  dc_test_take_end (f.channel);
  dc_fake_channel_wait_blocked (f.channel);
  gst_element_set_state (f.pipeline, GST_STATE_PAUSED);
  g_assert_cmpint (gst_element_get_state (f.pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), ==, GST_STATE_CHANGE_SUCCESS);
  dc_fake_channel_acknowledge_fin (f.channel);
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  dc_test_element_wait_eos (&f);
  g_assert_cmpuint (dc_fake_channel_count (f.channel), ==, 0);
}

static void
test_sink_stop_while_alone (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_launch (&f, SINK);
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  dc_test_sink_push_at (&f, "one", 0);
  f.peer = dc_fake_wait_peer ();
  g_assert_cmpint (gst_element_get_state (f.pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), ==, GST_STATE_CHANGE_SUCCESS);
  dc_test_element_stop (&f);
  g_assert_true (dc_fake_peer_is_stopped (f.peer));
}

static void
test_sink_stop_in_push (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_play (&f, SINK);
  dc_fake_channel_set_window (f.channel, 0);
  dc_test_sink_push_at (&f, "one", 0);
  dc_fake_channel_wait_blocked (f.channel);
  dc_test_element_stop (&f);
  dc_test_assert_aborted (f.channel, "stopped before");
  g_assert_false (dc_test_element_has_message (&f, GST_MESSAGE_ERROR));
}

static void
test_sink_stop_in_finish (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_play (&f, SINK);
  dc_test_sink_end_stream (&f);
  take_empty_stream (&f);
  dc_fake_channel_wait_blocked (f.channel);
  dc_test_element_stop (&f);
  dc_test_assert_aborted (f.channel, "stopped before");
}

static void
test_sink_plays_again (void)
{
  g_auto (DcTestElement) f = {0};

  for (guint i = 0; i < 3; i++) {
    g_clear_object (&f.peer);
    g_clear_object (&f.channel);
    if (f.pipeline == NULL)
      dc_test_element_launch (
          &f, "fakesrc num-buffers=1 sizetype=fixed sizemax=5 ! audio/x-a,rate=1 ! datachannelsink name=dc");
    gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
    f.peer = dc_fake_wait_peer ();
    f.channel = dc_fake_peer_open (f.peer);
    take_caps (&f, "audio/x-a, rate=1");
    dc_test_take_kind (f.channel, DC_LINK_ITEM_SEGMENT);
    dc_test_take_kind (f.channel, DC_LINK_ITEM_DATA);
    dc_test_take_end (f.channel);
    dc_fake_channel_acknowledge_fin (f.channel);
    dc_test_element_wait_eos (&f);
    gst_element_set_state (f.pipeline, GST_STATE_READY);
  }
}

/* The sink has nothing to push, and still says that the receiver is gone. */
static void
test_sink_far_side_gone_while_idle (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_play (&f, SINK);
  dc_fake_channel_end (f.channel, "the far side is gone");
  dc_test_element_wait_error (&f, GST_RESOURCE_ERROR_WRITE, "the far side is gone");
}

static void
test_sink_far_side_gone_in_push (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_play (&f, SINK);
  dc_fake_channel_set_window (f.channel, 0);
  dc_test_sink_push_at (&f, "one", 0);
  dc_fake_channel_wait_blocked (f.channel);
  dc_fake_channel_end (f.channel, "the far side is gone");
  dc_test_element_wait_error (&f, GST_RESOURCE_ERROR_WRITE, "the far side is gone");
}

/* The stream has ended here, and nobody will ever know whether it arrived. */
static void
test_sink_far_side_gone_in_finish (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_play (&f, SINK);
  dc_test_sink_end_stream (&f);
  take_empty_stream (&f);
  dc_fake_channel_wait_blocked (f.channel);
  dc_fake_channel_end (f.channel, "the far side is gone");
  dc_test_element_wait_error (&f, GST_RESOURCE_ERROR_WRITE, "the far side is gone");
}

static void
test_sink_far_side_leaves_after_the_end (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_play (&f, SINK);
  dc_test_sink_end_stream (&f);
  take_empty_stream (&f);
  dc_fake_channel_acknowledge_fin (f.channel);
  dc_test_element_wait_eos (&f);
  dc_fake_channel_end (f.channel, NULL);
  g_assert_false (dc_test_element_has_message (&f, GST_MESSAGE_ERROR));
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
    g_auto (DcTestElement) f = {0};
    dc_test_element_launch (&f, SINK);
    gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
    f.peer = dc_fake_wait_peer ();
    dc_fake_peer_fail (f.peer, cases[i].code, "it failed");
    dc_test_element_wait_error (&f, cases[i].posted, "it failed");
  }
}

static void
test_sink_bad_settings (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_launch (&f, "fakesrc ! datachannelsink name=dc room=\"\"");
  g_assert_cmpint (gst_element_set_state (f.pipeline, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
  dc_test_element_wait_error (&f, GST_RESOURCE_ERROR_SETTINGS, "a room needs a name");
}

/* The base class would drop them without a word. */
static void
test_sink_sends_what_is_outside_the_segment (void)
{
  g_auto (DcTestElement) f = {0};
  GstSegment segment;
  g_autoptr (GstSample) sample = NULL;
  g_autoptr (GstBuffer) buffer = gst_buffer_new_memdup ("early", 5);
  GstFlowReturn flow;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = 1000;
  GST_BUFFER_PTS (buffer) = 10;
  GST_BUFFER_DURATION (buffer) = 5;
  sample = gst_sample_new (buffer, NULL, &segment, NULL);
  dc_test_element_play (&f, "appsrc name=in format=time handle-segment-change=true ! datachannelsink name=dc");
  g_signal_emit_by_name (dc_test_element_get (&f, "in"), "push-sample", sample, &flow);
  g_assert_cmpint (flow, ==, GST_FLOW_OK);
  dc_test_take_kind (f.channel, DC_LINK_ITEM_SEGMENT);
  take_data (&f, "early", 10);
}

static void
assert_caps_refused (const char *caps, const char *hint)
{
  g_auto (DcTestElement) f = {0};
  g_autofree char *description = g_strdup_printf ("appsrc name=in format=time caps=%s ! datachannelsink name=dc", caps);
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  dc_test_element_play (&f, description);
  dc_test_sink_push_at (&f, "one", 0);
  message = dc_test_element_wait_message (&f, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, hint));
}

static void
test_sink_refuses_foreign_memory (void)
{
  assert_caps_refused ("video/x-raw(memory:Card),width=1", "not memory:Card: download");
  assert_caps_refused ("video/x-raw(meta:Sticker),width=1", "Caps with meta:Sticker cannot be sent");
}

/* As overlays ask, before they leave their drawing to whoever comes behind them. */
static void
test_sink_takes_no_features (void)
{
  static const struct {
    const char *asked, *taken;
  } cases[] = {
      {"ANY", "ANY"},
      {"video/x-raw", "video/x-raw"},
      {"video/x-raw(ANY)", "video/x-raw"},
      {"video/x-raw(memory:SystemMemory, meta:GstVideoOverlayComposition)", "EMPTY"},
      {"video/x-raw(format:Interlaced)", "EMPTY"},
      {"video/x-raw(memory:GLMemory); video/x-raw, format=I420; audio/x-raw", "video/x-raw, format=I420; audio/x-raw"},
  };
  g_autoptr (GstElement) sink = gst_object_ref_sink (gst_element_factory_make ("datachannelsink", NULL));

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstCaps) asked = gst_caps_from_string (cases[i].asked);
    g_autoptr (GstCaps) expected = gst_caps_from_string (cases[i].taken);
    g_autoptr (GstCaps) taken = gst_pad_query_caps (GST_BASE_SINK_PAD (sink), asked);
    g_assert_true (gst_caps_is_strictly_equal (taken, expected));
  }
}

/* Before the signal could be connected; no push tells it either. */
static void
test_sink_far_side_gone_at_once (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_launch (&f, SINK);
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  f.peer = dc_fake_wait_peer ();
  f.channel = dc_fake_peer_open_ended (f.peer, "the far side is gone");
  dc_test_element_wait_error (&f, GST_RESOURCE_ERROR_WRITE,
      "The channel to the receiver \"far\" closed right after it was open, before the stream ended");
  g_assert_false (dc_test_element_has_message (&f, GST_MESSAGE_ERROR));
}

/* Flushes the sink, so that upstream may begin anew, and begins. */
static GstPad *
flush (DcTestElement *f)
{
  GstPad *pad = GST_BASE_SINK_PAD (dc_test_element_get (f, "dc"));
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_send_event (pad, gst_event_new_flush_start ());
  gst_pad_send_event (pad, gst_event_new_flush_stop (TRUE));
  gst_pad_send_event (pad, gst_event_new_segment (&segment));
  return pad;
}

/* Nothing came after the flush, so the end that the receiver has been told is still the end. */
static void
test_sink_ends_again (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_play (&f, SINK);
  dc_test_sink_end_stream (&f);
  take_empty_stream (&f);
  dc_fake_channel_acknowledge_fin (f.channel);
  dc_test_element_wait_eos (&f);
  g_assert_true (gst_pad_send_event (flush (&f), gst_event_new_eos ()));
  dc_fake_channel_end (f.channel, NULL);
  g_assert_true (gst_pad_send_event (flush (&f), gst_event_new_eos ()));
  g_assert_cmpuint (dc_fake_channel_count (f.channel), ==, 0);
  g_assert_false (dc_test_element_has_message (&f, GST_MESSAGE_ERROR));
}

static void
test_sink_ends_again_after_flush_in_finish (void)
{
  g_auto (DcTestElement) f = {0};
  GstPad *pad;

  dc_test_element_play (&f, SINK);
  dc_test_sink_end_stream (&f);
  take_empty_stream (&f);
  dc_fake_channel_wait_blocked (f.channel);
  g_assert_cmpint (gst_element_get_state (f.pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), ==, GST_STATE_CHANGE_SUCCESS);
  pad = flush (&f);
  dc_fake_channel_acknowledge_fin (f.channel);
  g_assert_true (gst_pad_send_event (pad, gst_event_new_eos ()));
  dc_test_element_wait_eos (&f);
  g_assert_cmpuint (dc_fake_channel_count (f.channel), ==, 0);
}

static void
test_sink_stream_goes_on_after_its_end (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_play (&f, SINK);
  dc_test_sink_end_stream (&f);
  take_empty_stream (&f);
  dc_fake_channel_acknowledge_fin (f.channel);
  dc_test_element_wait_eos (&f);
  g_assert_cmpint (gst_pad_chain (flush (&f), gst_buffer_new_memdup ("x", 1)), ==, GST_FLOW_ERROR);
  g_assert_true (dc_test_element_has_message (&f, GST_MESSAGE_ERROR));
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (&argc, &argv);
  GST_ELEMENT_REGISTER (datachannelsink, NULL);

  g_test_add_func ("/sink/order", test_sink_order);
  g_test_add_func ("/sink/eos-waits-for-the-far-side", test_sink_eos_waits_for_the_far_side);
  g_test_add_func ("/sink/empty-stream", test_sink_empty_stream);
  g_test_add_func ("/sink/channel-comes-late", test_sink_channel_comes_late);
  g_test_add_func ("/sink/caps-change", test_sink_caps_change);
  g_test_add_func ("/sink/slowed-down", test_sink_is_slowed_down);
  g_test_add_func ("/sink/pause-in-push", test_sink_pause_in_push);
  g_test_add_func ("/sink/step-in-push", test_sink_step_in_push);
  g_test_add_func ("/sink/step-in-finish", test_sink_step_in_finish);
  g_test_add_func ("/sink/pause-in-finish", test_sink_pause_in_finish);
  g_test_add_func ("/sink/stop-while-alone", test_sink_stop_while_alone);
  g_test_add_func ("/sink/stop-in-push", test_sink_stop_in_push);
  g_test_add_func ("/sink/stop-in-finish", test_sink_stop_in_finish);
  g_test_add_func ("/sink/plays-again", test_sink_plays_again);
  g_test_add_func ("/sink/far-side-gone-while-idle", test_sink_far_side_gone_while_idle);
  g_test_add_func ("/sink/far-side-gone-at-once", test_sink_far_side_gone_at_once);
  g_test_add_func ("/sink/far-side-gone-in-push", test_sink_far_side_gone_in_push);
  g_test_add_func ("/sink/far-side-gone-in-finish", test_sink_far_side_gone_in_finish);
  g_test_add_func ("/sink/far-side-leaves-after-the-end", test_sink_far_side_leaves_after_the_end);
  g_test_add_func ("/sink/peer-fails", test_sink_peer_fails);
  g_test_add_func ("/sink/bad-settings", test_sink_bad_settings);
  g_test_add_func ("/sink/outside-the-segment", test_sink_sends_what_is_outside_the_segment);
  g_test_add_func ("/sink/foreign-memory", test_sink_refuses_foreign_memory);
  g_test_add_func ("/sink/no-features", test_sink_takes_no_features);
  g_test_add_func ("/sink/ends-again", test_sink_ends_again);
  g_test_add_func ("/sink/ends-again-after-flush-in-finish", test_sink_ends_again_after_flush_in_finish);
  g_test_add_func ("/sink/goes-on-after-its-end", test_sink_stream_goes_on_after_its_end);
  return g_test_run ();
}
