/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sink-receivers.c: datachannelsink with many receivers, over a fake peer: who comes and goes, and how the stream ends. Slow ones are in test-sink-slow.c. */
#include "plugins/dc-gst-event.h"
#include "plugins/gstdatachannelsink.h"
#include "tests/harness/dc-test-sink.h"
#include "tests/harness/dc-test.h"

#define SINK(more) "appsrc name=in format=time caps=video/x-a,rate=1 ! datachannelsink name=dc max-receivers=5 " more

/* --- Coming and going ------------------------------------------------------------------------------------------------------------- */

/* Everyone gets everything, around the same bytes, and the end is when the last has it. */
static void
test_all_get_everything (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;

  dc_test_element_start (&f, SINK (""));
  a = dc_test_sink_join (&f, "a");
  b = dc_test_sink_join (&f, "b");
  dc_test_sink_push (&f, "one");
  dc_test_take_format (a);
  dc_test_take_format (b);
  g_autoptr (DcLinkItem) at_a = dc_fake_channel_take (a);
  g_autoptr (DcLinkItem) at_b = dc_fake_channel_take (b);
  dc_test_assert_data (at_a, "one");
  g_assert_true (at_a->payload == at_b->payload);
  dc_test_sink_end_stream (&f);
  dc_test_take_end (a);
  dc_test_take_end (b);
  dc_fake_channel_acknowledge_fin (a);
  g_assert_false (dc_test_element_has_message (&f, GST_MESSAGE_EOS));
  dc_fake_channel_acknowledge_fin (b);
  dc_test_element_wait_eos (&f);
  dc_test_element_stop (&f);
  g_assert_null (dc_fake_channel_dup_abort (a));
  g_assert_true (dc_fake_channel_is_closed (b));
}

static void
test_the_peer_is_told (void)
{
  g_auto (DcTestElement) f = {0};
  gboolean once;
  guint max;

  dc_test_element_start (&f, SINK (""));
  g_object_get (f.peer, "once", &once, "max-connections", &max, NULL);
  g_assert_false (once);
  g_assert_cmpuint (max, ==, 5);
}

static void
test_joined_message (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;
  guint receivers = 0;

  dc_test_element_start (&f, SINK (""));
  a = dc_test_sink_join (&f, "a");
  b = dc_test_sink_join (&f, "b");
  for (guint i = 1; i <= 2; i++) {
    g_autoptr (GstMessage) message = dc_test_element_wait_message (&f, GST_MESSAGE_ELEMENT);
    const GstStructure *structure = gst_message_get_structure (message);
    g_assert_true (gst_structure_has_name (structure, "datachannel-peer-joined"));
    g_assert_cmpstr (gst_structure_get_string (structure, "peer"), ==, i == 1 ? "a" : "b");
    g_assert_true (gst_structure_get_uint (structure, "receivers", &receivers));
    g_assert_cmpuint (receivers, ==, i);
  }
}

/* One that goes takes nobody along, idle or not. */
static void
test_leaving_is_no_fault (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;

  dc_test_element_start (&f, SINK (""));
  a = dc_test_sink_join_with_window (&f, "a", 3);
  b = dc_test_sink_join (&f, "b");
  dc_test_sink_push (&f, "one");
  dc_test_sink_push (&f, "two");
  dc_fake_channel_wait_blocked (a);
  dc_fake_channel_end (a, "gone");
  dc_test_sink_push (&f, "three");
  dc_test_take_format (b);
  dc_test_take_data (b, "one");
  dc_test_take_data (b, "two");
  dc_test_take_data (b, "three");
  g_assert_false (dc_test_element_has_message (&f, GST_MESSAGE_ERROR));
}

/* By default the stream waits for the next. */
static void
test_block_waits_for_someone (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;

  dc_test_element_start (&f, SINK (""));
  a = dc_test_sink_join (&f, "a");
  dc_test_sink_push (&f, "one");
  dc_test_take_format (a);
  dc_test_take_data (a, "one");
  dc_fake_channel_end (a, NULL);
  dc_test_sink_push (&f, "two");
  dc_test_sink_push (&f, "three");
  b = dc_test_sink_join (&f, "b");
  dc_test_take_format (b);
  g_assert_cmpuint (dc_test_take_data (b, "two") & DC_LINK_FLAG_DISCONT, ==, DC_LINK_FLAG_DISCONT);
  dc_test_take_data (b, "three");
}

/* With the other policies it goes on without anybody, once there was someone. */
static void
test_drop_passes_nobody (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL;

  dc_test_element_start (&f, SINK ("slow-consumer=drop"));
  a = dc_test_sink_join (&f, "a");
  dc_test_sink_push (&f, "one");
  dc_test_take_format (a);
  dc_test_take_data (a, "one");
  dc_fake_channel_end (a, NULL);
  for (guint i = 0; i < 10; i++)
    dc_test_sink_push (&f, "two");
  dc_test_sink_end_stream (&f);
  dc_test_element_wait_eos (&f);
}

/* A live stream does not wait for a first one either. */
static void
test_live_passes_nobody (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL;

  dc_test_element_start (
      &f, "appsrc name=in format=time is-live=true block=true max-buffers=1 ! datachannelsink name=dc max-receivers=5");
  for (guint i = 0; i < 10; i++)
    dc_test_sink_push (&f, "nobody");
  dc_test_sink_end_stream (&f);
  dc_test_element_wait_eos (&f);
}

static void
test_peer_fails_with_nobody (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_start (&f, SINK (""));
  dc_fake_peer_fail (f.peer, DC_ERROR_SIGNALING, "it failed");
  dc_test_sink_push (&f, "one");
  dc_test_element_wait_error (&f, GST_RESOURCE_ERROR_OPEN_WRITE, "it failed");
}

/* --- The end of the stream ----------------------------------------------------------------------------------------------------------- */

/* The slow one gets five seconds. */
static void
test_end_is_not_held_up (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) fast = NULL, slow = NULL;

  dc_test_element_start (&f, SINK ("slow-consumer=drop"));
  fast = dc_test_sink_join (&f, "fast");
  slow = dc_test_sink_join_with_window (&f, "slow", 3);
  dc_test_sink_push (&f, "one");
  dc_test_sink_end_stream (&f);
  dc_test_take_format (fast);
  dc_test_take_data (fast, "one");
  dc_test_take_end (fast);
  dc_fake_channel_wait_count (slow, 4);
  dc_test_take_format (slow);
  dc_test_take_data (slow, "one");
  dc_test_take_kind (slow, DC_LINK_ITEM_FIN); /* there was no room for anything else */
  dc_fake_channel_acknowledge_fin (fast);
  dc_test_element_wait_eos (&f);
  dc_test_assert_aborted (slow, "too slow");
  g_assert_null (dc_fake_channel_dup_abort (fast));
}

/* There is nothing left for one that comes now, and it is told so. */
static void
test_end_too_late (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;

  dc_test_element_start (&f, SINK (""));
  a = dc_test_sink_join (&f, "a");
  dc_test_sink_push (&f, "one");
  dc_test_sink_end_stream (&f);
  dc_test_take_format (a);
  dc_test_take_data (a, "one");
  dc_test_take_end (a);
  b = dc_test_sink_join (&f, "b");
  dc_fake_channel_wait_closed (b);
  dc_test_assert_aborted (b, "has ended");
  dc_fake_channel_acknowledge_fin (a);
  dc_test_element_wait_eos (&f);
}

static void
test_end_stop (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;

  dc_test_element_start (&f, SINK (""));
  a = dc_test_sink_join (&f, "a");
  b = dc_test_sink_join (&f, "b");
  dc_test_sink_push (&f, "one");
  dc_test_sink_end_stream (&f);
  for (guint i = 0; i < 2; i++) {
    dc_test_take_format (i == 0 ? a : b);
    dc_test_take_data (i == 0 ? a : b, "one");
    dc_test_take_end (i == 0 ? a : b);
  }
  dc_fake_channel_acknowledge_fin (a);
  dc_test_element_stop (&f);
  g_assert_null (dc_fake_channel_dup_abort (a));
  dc_test_assert_aborted (b, "stopped before");
}

/* --- Flushes -------------------------------------------------------------------------------------------------------------------------- */

/* One that joins after the flush knows nothing of it. */
static void
test_flush (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;
  GstSegment segment;
  GstPad *pad;

  dc_test_element_start (&f, SINK (""));
  pad = GST_BASE_SINK_PAD (dc_test_element_get (&f, "dc"));
  a = dc_test_sink_join (&f, "a");
  dc_test_sink_push (&f, "one");
  dc_test_take_format (a);
  dc_test_take_data (a, "one");
  /* GStreamer leaves a sink in PAUSED that is flushed while its pipeline is still on its way to PLAYING. */
  g_assert_cmpint (gst_element_get_state (f.pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), ==, GST_STATE_CHANGE_SUCCESS);
  gst_pad_send_event (pad, gst_event_new_flush_start ());
  dc_link_item_free (dc_fake_channel_take_stream (a, DC_GST_STREAM_OUT_OF_BAND));
  b = dc_test_sink_join (&f, "b");
  gst_pad_send_event (pad, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_send_event (pad, gst_event_new_segment (&segment));
  g_assert_cmpint (gst_pad_chain (pad, gst_buffer_new_memdup ("two", 3)), ==, GST_FLOW_OK);
  g_autoptr (DcLinkItem) item = dc_fake_channel_take (a);
  g_assert_cmpint (item->event, ==, DC_LINK_EVENT_FLUSH_STOP);
  dc_test_take_format (a);
  dc_test_take_data (a, "two");
  dc_test_take_format (b);
  dc_test_take_data (b, "two");
}

/* --- Stopping -------------------------------------------------------------------------------------------------------------------------- */

static void
do_something (DcTestElement *f, GPtrArray *channels)
{
  GstElement *in = dc_test_element_get (f, "in");
  DcChannel *some =
      channels->len > 0 ? g_ptr_array_index (channels, (guint) g_test_rand_int_range (0, (int) channels->len)) : NULL;

  switch (g_test_rand_int_range (0, 9)) {
    case 0:
    case 1:
      if (channels->len < 5)
        g_ptr_array_add (channels, dc_test_sink_join_with_window (f, "x", (guint) g_test_rand_int_range (0, 6)));
      return;
    case 2:
      dc_test_sink_try_push (f, "delta", 0, GST_BUFFER_FLAG_DELTA_UNIT); /* refused behind an end */
      return;
    case 3:
      dc_test_sink_end_stream (f);
      return;
    case 4:
      gst_element_set_state (f->pipeline, g_test_rand_bit () ? GST_STATE_PAUSED : GST_STATE_PLAYING);
      return;
    case 5:
      gst_element_send_event (in, gst_event_new_flush_start ());
      gst_element_send_event (in, gst_event_new_flush_stop (TRUE));
      return;
    case 6:
      if (some != NULL)
        dc_fake_channel_end (some, "gone");
      return;
    case 7:
      if (some != NULL)
        dc_fake_channel_set_window (some, (guint) g_test_rand_int_range (0, 20));
      return;
    default:
      dc_test_sink_try_push (f, "x", 0, 0);
  }
}

/* NULL is reached from any state at any moment, and the same element begins anew. (How fast: tests/soak, states.) */
static void
test_stop_at_any_moment (void)
{
  static const char *const policies[] = {"block", "drop", "disconnect"};
  g_auto (DcTestElement) f = {0};

  dc_test_element_launch (&f, "appsrc name=in format=time caps=video/x-a,rate=1 ! datachannelsink name=dc");
  for (guint i = 0; i < 300; i++) {
    g_autoptr (GPtrArray) channels = g_ptr_array_new_with_free_func (g_object_unref);
    dc_test_watchdog_start (30);
    gst_util_set_object_arg (G_OBJECT (dc_test_element_get (&f, "dc")), "slow-consumer", policies[i % 3]);
    g_object_set (dc_test_element_get (&f, "dc"), "max-receivers", i % 4 == 3 ? 1 : 5, NULL);
    gst_element_set_state (f.pipeline, g_test_rand_bit () ? GST_STATE_PAUSED : GST_STATE_PLAYING);
    g_clear_object (&f.peer);
    f.peer = dc_fake_wait_peer ();
    for (int n = g_test_rand_int_range (0, 30); n > 0; n--)
      do_something (&f, channels);
    dc_test_element_stop (&f);
  }
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (&argc, &argv);
  GST_ELEMENT_REGISTER (datachannelsink, NULL);

  g_test_add_func ("/receivers/all-get-everything", test_all_get_everything);
  g_test_add_func ("/receivers/the-peer-is-told", test_the_peer_is_told);
  g_test_add_func ("/receivers/joined-message", test_joined_message);
  g_test_add_func ("/receivers/leaving-is-no-fault", test_leaving_is_no_fault);
  g_test_add_func ("/receivers/peer-fails-with-nobody", test_peer_fails_with_nobody);
  g_test_add_func ("/receivers/nobody/block", test_block_waits_for_someone);
  g_test_add_func ("/receivers/nobody/drop", test_drop_passes_nobody);
  g_test_add_func ("/receivers/nobody/live", test_live_passes_nobody);
  g_test_add_func ("/receivers/end/not-held-up", test_end_is_not_held_up);
  g_test_add_func ("/receivers/end/too-late", test_end_too_late);
  g_test_add_func ("/receivers/end/stop", test_end_stop);
  g_test_add_func ("/receivers/flush", test_flush);
  g_test_add_func ("/receivers/stop-at-any-moment", test_stop_at_any_moment);
  return g_test_run ();
}
