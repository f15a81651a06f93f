/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sink-slow.c: datachannelsink with receivers of which one is slow: block, drop, disconnect. (For how long: test-sink-patience.c.) */
#include "plugins/gstdatachannelsink.h"
#include "tests/harness/dc-test-sink.h"
#include "tests/harness/dc-test.h"

#define SINK(more) "appsrc name=in format=time caps=video/x-a,rate=1 ! datachannelsink name=dc max-receivers=5 " more

/* --- block ------------------------------------------------------------------------------------------------------------------------- */

static void
test_block_slowest_governs (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) fast = NULL, slow = NULL;

  dc_test_element_start (&f, SINK (""));
  fast = dc_test_sink_join (&f, "fast");
  slow = dc_test_sink_join_with_window (&f, "slow", 3);
  for (guint i = 0; i < 5; i++)
    dc_test_sink_push (&f, "x");
  dc_fake_channel_wait_blocked (slow);
  dc_fake_channel_wait_count (fast, 4); /* the format, the buffer that slow got, and the one that it has no room for */
  dc_test_take_format (slow);
  for (guint i = 0; i < 5; i++)
    dc_test_take_data (slow, "x");
  dc_fake_channel_wait_count (fast, 7);
}

/* PAUSED in the middle of a step; no one gets the buffer twice. */
static void
test_block_pause (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) fast = NULL, slow = NULL;

  dc_test_element_start (&f, SINK (""));
  fast = dc_test_sink_join (&f, "fast");
  slow = dc_test_sink_join_with_window (&f, "slow", 3);
  dc_test_sink_push (&f, "one");
  dc_test_sink_push (&f, "two");
  dc_fake_channel_wait_blocked (slow);
  dc_fake_channel_wait_count (fast, 4);
  gst_element_set_state (f.pipeline, GST_STATE_PAUSED);
  dc_fake_channel_set_window (slow, 10);
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  dc_test_sink_push (&f, "three");
  for (guint i = 0; i < 2; i++) {
    DcChannel *channel = i == 0 ? fast : slow;
    dc_test_take_format (channel);
    dc_test_take_data (channel, "one");
    dc_test_take_data (channel, "two");
    dc_test_take_data (channel, "three");
  }
}

static void
test_block_stop (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) fast = NULL, slow = NULL;

  dc_test_element_start (&f, SINK (""));
  fast = dc_test_sink_join (&f, "fast");
  slow = dc_test_sink_join_with_window (&f, "slow", 0);
  dc_test_sink_push (&f, "one");
  dc_fake_channel_wait_blocked (slow);
  dc_test_element_stop (&f);
  dc_test_assert_aborted (fast, "stopped before");
  dc_test_assert_aborted (slow, "stopped before");
}

/* --- drop -------------------------------------------------------------------------------------------------------------------------- */

/* The slow one misses what it has no room for, and comes back with a key unit once half of its window is free. */
static void
test_drop (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) fast = NULL, slow = NULL;
  DcTestEncoder encoder = {0};

  dc_test_element_start (&f, SINK ("slow-consumer=drop"));
  dc_test_encoder_watch (&encoder, &f);
  fast = dc_test_sink_join (&f, "fast");
  slow = dc_test_sink_join_with_window (&f, "slow", 4);
  dc_test_sink_push (&f, "one");
  dc_test_sink_push (&f, "two");
  dc_test_sink_push (&f, "missed");
  dc_fake_channel_wait_count (fast, 5);
  dc_test_sink_push (&f, "missed");
  dc_fake_channel_wait_count (fast, 6);
  dc_test_take_kind (slow, DC_LINK_ITEM_CAPS);
  dc_test_sink_push (&f, "missed"); /* there is some room, but not enough */
  dc_fake_channel_wait_count (fast, 7);
  dc_test_take_kind (slow, DC_LINK_ITEM_SEGMENT);
  dc_test_sink_push_flagged (&f, "delta", 0, GST_BUFFER_FLAG_DELTA_UNIT);
  dc_fake_channel_wait_count (fast, 8);
  dc_test_encoder_wait (&encoder);
  dc_test_sink_push (&f, "back");
  dc_fake_channel_wait_count (fast, 9);
  dc_test_take_data (slow, "one");
  dc_test_take_data (slow, "two");
  g_assert_cmpuint (dc_test_take_data (slow, "back") & DC_LINK_FLAG_DISCONT, !=, 0);
}

/* The format that changed in the meantime comes with the return. */
static void
test_drop_misses_caps (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) fast = NULL, slow = NULL;
  g_autoptr (GstCaps) caps = gst_caps_from_string ("video/x-a,rate=2");

  dc_test_element_start (&f, SINK ("slow-consumer=drop"));
  fast = dc_test_sink_join (&f, "fast");
  slow = dc_test_sink_join_with_window (&f, "slow", 3);
  dc_test_sink_push (&f, "one");
  dc_test_sink_push (&f, "missed");
  dc_fake_channel_wait_count (fast, 4);
  g_object_set (dc_test_element_get (&f, "in"), "caps", caps, NULL);
  dc_test_sink_push (&f, "missed");
  dc_fake_channel_wait_count (fast, 6);
  dc_test_take_format (slow);
  dc_test_take_data (slow, "one");
  dc_test_sink_push (&f, "back");
  dc_test_take_kind (slow, DC_LINK_ITEM_CAPS);
  dc_test_take_data (slow, "back");
}

/* The only one, or the fastest, is waited for. */
static void
test_drop_fastest_governs (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) only = NULL;

  dc_test_element_start (&f, SINK ("slow-consumer=drop"));
  only = dc_test_sink_join_with_window (&f, "only", 2);
  for (guint i = 0; i < 20; i++)
    dc_test_sink_push (&f, "x");
  dc_fake_channel_wait_blocked (only);
  dc_test_take_format (only);
  for (guint i = 0; i < 20; i++)
    dc_test_take_data (only, "x");
}

/* When the fast one leaves, the one that had dropped sets the pace. */
static void
test_drop_alone_again (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) fast = NULL, slow = NULL;

  dc_test_element_start (&f, SINK ("slow-consumer=drop"));
  fast = dc_test_sink_join (&f, "fast");
  slow = dc_test_sink_join_with_window (&f, "slow", 3);
  dc_test_sink_push (&f, "one");
  dc_test_sink_push (&f, "missed");
  dc_test_sink_push (&f, "missed"); /* which fast gets when it is settled that slow does not get the first */
  dc_fake_channel_wait_count (fast, 5);
  dc_fake_channel_end (fast, NULL);
  dc_test_sink_push (&f, "two");
  dc_test_sink_push (&f, "three");
  dc_test_take_format (slow);
  dc_test_take_data (slow, "one");
  dc_test_take_data (slow, "two");
  dc_test_take_data (slow, "three");
}

/* Live streams wait for nobody. */
static void
test_drop_live (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) slow = NULL;

  dc_test_element_start (
      &f, "appsrc name=in format=time is-live=true ! datachannelsink name=dc max-receivers=5 slow-consumer=drop");
  slow = dc_test_sink_join_with_window (&f, "slow", 2);
  for (guint i = 0; i < 20; i++)
    dc_test_sink_push (&f, "x");
  dc_test_sink_end_stream (&f);
  dc_fake_channel_wait_count (slow, 3);
  dc_test_take_kind (slow, DC_LINK_ITEM_SEGMENT);
  dc_test_take_data (slow, "x");
  dc_test_take_kind (slow, DC_LINK_ITEM_FIN);
  dc_fake_channel_acknowledge_fin (slow);
  dc_test_element_wait_eos (&f);
}

/* --- disconnect --------------------------------------------------------------------------------------------------------------------- */

/* It holds another up that has nothing to do, and that is it. */
static void
test_disconnect (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) fast = NULL, slow = NULL;

  dc_test_element_start (&f, SINK ("slow-consumer=disconnect"));
  fast = dc_test_sink_join (&f, "fast");
  slow = dc_test_sink_join_with_window (&f, "slow", 3);
  dc_test_sink_push (&f, "one");
  dc_test_sink_push (&f, "two");
  dc_test_sink_push (&f, "three");
  dc_test_take_format (fast);
  dc_test_take_data (fast, "one");
  dc_test_take_data (fast, "two");
  dc_fake_channel_wait_closed (slow);
  dc_test_assert_aborted (slow, "too slow");
  dc_test_take_data (fast, "three");
  g_assert_false (dc_test_element_has_message (&f, GST_MESSAGE_ERROR));
}

static void
test_disconnect_live (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) slow = NULL;

  dc_test_element_start (
      &f, "appsrc name=in format=time is-live=true ! datachannelsink name=dc max-receivers=5 slow-consumer=disconnect");
  slow = dc_test_sink_join_with_window (&f, "slow", 2);
  for (guint i = 0; i < 3; i++)
    dc_test_sink_push (&f, "x");
  dc_fake_channel_wait_closed (slow);
  dc_test_assert_aborted (slow, "too slow");
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (&argc, &argv);
  GST_ELEMENT_REGISTER (datachannelsink, NULL);

  g_test_add_func ("/receivers/block/slowest-governs", test_block_slowest_governs);
  g_test_add_func ("/receivers/block/pause", test_block_pause);
  g_test_add_func ("/receivers/block/stop", test_block_stop);
  g_test_add_func ("/receivers/drop", test_drop);
  g_test_add_func ("/receivers/drop/misses-caps", test_drop_misses_caps);
  g_test_add_func ("/receivers/drop/fastest-governs", test_drop_fastest_governs);
  g_test_add_func ("/receivers/drop/alone-again", test_drop_alone_again);
  g_test_add_func ("/receivers/drop/live", test_drop_live);
  g_test_add_func ("/receivers/disconnect", test_disconnect);
  g_test_add_func ("/receivers/disconnect/live", test_disconnect_live);
  return g_test_run ();
}
