/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sink-crowd.c: datachannelsink with many receivers, over a fake peer: who comes at a bad moment, and what cannot be sent to all. */
#include "plugins/dc-gst-item.h"
#include "plugins/gstdatachannelsink.h"
#include "tests/harness/dc-test-sink.h"
#include "tests/harness/dc-test.h"

#define SINK(more) "appsrc name=in format=time caps=video/x-a,rate=1 ! datachannelsink name=dc max-receivers=5 " more

/* --- While one stands still ------------------------------------------------------------------------------------------------------ */

/* It has room for the format and a buffer, and then stands still with the next. */
static DcChannel *
join_and_stall (DcTestElement *f)
{
  DcChannel *stalled = dc_test_sink_join_with_window (f, "stalled", 3);

  dc_test_sink_push (f, "one");
  dc_test_sink_push (f, "two");
  dc_test_sink_push (f, "three");
  dc_fake_channel_wait_blocked (stalled);
  return stalled;
}

static void
test_stalled_drop (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) stalled = NULL, late = NULL;

  dc_test_element_start (&f, SINK ("slow-consumer=drop"));
  stalled = join_and_stall (&f);
  late = dc_test_sink_join (&f, "late");
  dc_test_take_format (late);
  dc_test_take_data (late, "three");
  g_assert_cmpuint (dc_fake_channel_count (stalled), ==, 3);
}

static void
test_stalled_disconnect (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) stalled = NULL, late = NULL;

  dc_test_element_start (&f, SINK ("slow-consumer=disconnect"));
  stalled = join_and_stall (&f);
  late = dc_test_sink_join (&f, "late");
  dc_test_take_format (late);
  dc_test_take_data (late, "three");
  dc_test_assert_aborted (stalled, "too slow");
}

/* One that had dropped has taken everything meanwhile. */
static void
test_stalled_one_comes_back (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;

  dc_test_element_start (&f, SINK ("slow-consumer=drop"));
  a = dc_test_sink_join_with_window (&f, "a", 5);
  b = dc_test_sink_join_with_window (&f, "b", 3);
  dc_test_sink_push (&f, "one");
  dc_test_sink_push (&f, "missed");
  dc_test_sink_push (&f, "missed");
  dc_fake_channel_wait_count (a, 5);
  dc_test_sink_push (&f, "four");
  dc_test_sink_push (&f, "five");
  dc_fake_channel_wait_blocked (a);
  dc_test_take_format (b);
  dc_test_take_data (b, "one");
  dc_test_take_data (b, "five");
}

/* All have dropped and have no room: there is nothing to wait for when another comes. */
static void
test_dropped_all (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) fast = NULL, slow = NULL, late = NULL;

  dc_test_element_start (&f, SINK ("slow-consumer=drop"));
  fast = dc_test_sink_join (&f, "fast");
  slow = dc_test_sink_join_with_window (&f, "slow", 3);
  dc_test_sink_push (&f, "one");
  dc_test_sink_push (&f, "missed");
  dc_test_sink_push (&f, "missed");
  dc_fake_channel_wait_count (fast, 5);
  dc_fake_channel_end (fast, NULL);
  dc_fake_channel_set_window (slow, 3); /* nothing new, but it is looked at again */
  dc_test_sink_push (&f, "two");
  dc_fake_channel_wait_blocked (slow);
  late = dc_test_sink_join (&f, "late");
  dc_test_take_format (late);
  dc_test_take_data (late, "two");
  g_assert_cmpuint (dc_fake_channel_count (slow), ==, 3);
}

/* --- While nothing is sent ------------------------------------------------------------------------------------------------------- */

static void
wait_joined (DcTestElement *f, guint expected)
{
  g_autoptr (GstMessage) message = dc_test_element_wait_message (f, GST_MESSAGE_ELEMENT);
  const GstStructure *structure = gst_message_get_structure (message);
  guint receivers = 0;

  g_assert_true (gst_structure_has_name (structure, "datachannel-peer-joined"));
  g_assert_true (gst_structure_get_uint (structure, "receivers", &receivers));
  g_assert_cmpuint (receivers, ==, expected);
}

/* Those that come and go do not pile up. */
static void
test_idle (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, last = NULL;

  dc_test_element_start (&f, SINK (""));
  a = dc_test_sink_join (&f, "a");
  wait_joined (&f, 1);
  for (guint i = 0; i < 10; i++) {
    DcChannel *b = dc_test_sink_join (&f, "b");
    wait_joined (&f, 2);
    dc_fake_channel_end (b, "gone");
    dc_test_unref_last (b);
  }
  last = dc_test_sink_join (&f, "last");
  wait_joined (&f, 2);
  dc_test_sink_push (&f, "one");
  dc_test_take_format (a);
  dc_test_take_data (a, "one");
  dc_test_take_format (last);
  dc_test_take_data (last, "one");
}

/* It has been taken, but nobody has looked since whether it is still there. */
static void
test_idle_left_behind (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;

  dc_test_element_start (&f, SINK (""));
  a = dc_test_sink_join (&f, "a");
  wait_joined (&f, 1);
  dc_test_sink_push (&f, "one");
  dc_test_take_format (a);
  dc_test_take_data (a, "one");
  dc_fake_channel_end (a, NULL);
  b = dc_test_sink_join (&f, "b");
  wait_joined (&f, 1);
}

/* --- What one that comes late is given ------------------------------------------------------------------------------------------ */

/* Without a new segment. */
static void
test_late_after_caps_change (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;
  g_autoptr (GstCaps) caps = gst_caps_from_string ("video/x-a,rate=2");

  dc_test_element_start (&f, SINK (""));
  a = dc_test_sink_join (&f, "a");
  dc_test_sink_push (&f, "one");
  dc_test_take_format (a);
  dc_test_take_data (a, "one");
  g_object_set (dc_test_element_get (&f, "in"), "caps", caps, NULL);
  dc_test_sink_push (&f, "two");
  dc_test_take_kind (a, DC_LINK_ITEM_CAPS);
  dc_test_take_data (a, "two");
  b = dc_test_sink_join (&f, "b");
  dc_test_sink_push (&f, "three");
  dc_test_take_format (b);
  dc_test_take_data (b, "three");
}

static void
take_first_segment (DcChannel *channel, guint64 pts)
{
  g_autoptr (DcLinkItem) item = dc_fake_channel_take (channel);

  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_SEGMENT);
  g_assert_cmpuint (item->segment.start, ==, pts);
  g_assert_cmpuint (item->segment.time, ==, pts);
  g_assert_cmpuint (item->segment.base, ==, 0);
}

/* @a is there from 1000 on, @b from 3000 on. */
static void
meet_late (DcTestElement *f, DcChannel **a, DcChannel **b)
{
  dc_test_element_start (f, SINK (""));
  *a = dc_test_sink_join (f, "a");
  dc_test_sink_push_at (f, "one", 1000);
  dc_test_take_format (*a);
  dc_test_take_data (*a, "one");
  *b = dc_test_sink_join (f, "b");
  dc_test_sink_push_at (f, "two", 3000);
  dc_test_take_kind (*b, DC_LINK_ITEM_CAPS);
  take_first_segment (*b, 3000);
  dc_test_take_data (*b, "two");
}

/* Returns the running time of @time in the segment that comes next. */
static guint64
take_running_time (DcChannel *channel, guint64 time)
{
  g_autoptr (DcLinkItem) item = dc_fake_channel_take (channel);
  g_autoptr (GError) error = NULL;
  GstSegment segment;

  g_assert_true (dc_gst_item_to_segment (item, &segment, &error));
  g_assert_no_error (error);
  return gst_segment_to_running_time (&segment, GST_FORMAT_TIME, time);
}

/* As when upstream changes to another source that counts from the beginning too. */
static void
test_late_before_its_origin (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;
  GstSegment segment;

  meet_late (&f, &a, &b);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.base = 500;
  g_assert_true (
      gst_pad_send_event (GST_BASE_SINK_PAD (dc_test_element_get (&f, "dc")), gst_event_new_segment (&segment)));
  dc_test_sink_push_at (&f, "three", 2700);
  g_assert_cmpuint (take_running_time (b, 2700), ==, 200);
  dc_test_take_data (b, "three");
  dc_test_take_data (a, "two");
  g_assert_cmpuint (take_running_time (a, 2700), ==, 3200);
}

/* From the next key unit on, at running time 0, with the format and the headers, and upstream is asked for that key unit. */
static void
test_late_joiner (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;
  DcTestEncoder encoder = {0};

  dc_test_element_start (&f, "appsrc name=in format=time caps=\"video/x-a,streamheader=<(buffer)aabb,(buffer)cc>\" ! "
                             "datachannelsink name=dc max-receivers=5");
  dc_test_encoder_watch (&encoder, &f);
  a = dc_test_sink_join (&f, "a");
  dc_test_sink_push_flagged (&f, "head", 0, GST_BUFFER_FLAG_HEADER);
  dc_test_sink_push_flagged (&f, "key", 10, 0);
  dc_test_take_format (a);
  dc_test_take_data (a, "head");
  dc_test_take_data (a, "key");
  g_assert_cmpuint (encoder.requests, ==, 0);
  b = dc_test_sink_join (&f, "b");
  dc_test_sink_push_flagged (&f, "delta", 20, GST_BUFFER_FLAG_DELTA_UNIT);
  dc_test_encoder_wait (&encoder);
  dc_test_sink_push_flagged (&f, "head", 30, GST_BUFFER_FLAG_HEADER);
  dc_test_sink_push_flagged (&f, "key", 30, 0);
  dc_test_sink_push_flagged (&f, "delta", 40, GST_BUFFER_FLAG_DELTA_UNIT);
  dc_test_take_kind (b, DC_LINK_ITEM_CAPS);
  take_first_segment (b, 30);
  g_assert_cmpuint (dc_test_take_data (b, "\xaa\xbb") & DC_LINK_FLAG_HEADER, !=, 0);
  g_assert_cmpuint (dc_test_take_data (b, "\xcc") & DC_LINK_FLAG_HEADER, !=, 0);
  g_assert_cmpuint (dc_test_take_data (b, "key") & DC_LINK_FLAG_DISCONT, !=, 0);
  g_assert_cmpuint (dc_test_take_data (b, "delta"), ==, DC_LINK_FLAG_DELTA_UNIT);
  dc_test_take_data (a, "delta");
  dc_test_take_data (a, "head");
  g_assert_cmpuint (dc_test_take_data (a, "key") & DC_LINK_FLAG_DISCONT, ==, 0);
}

/* As vp8enc does it: headers are in the caps, for whoever makes a file of it, and never in the stream. */
static void
test_late_joiner_without_headers (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;

  dc_test_element_start (&f, "appsrc name=in format=time caps=\"video/x-a,streamheader=<(buffer)aabb,(buffer)cc>\" ! "
                             "datachannelsink name=dc max-receivers=5");
  a = dc_test_sink_join (&f, "a");
  dc_test_sink_push_flagged (&f, "key", 10, 0);
  dc_test_take_format (a);
  dc_test_take_data (a, "key");
  b = dc_test_sink_join (&f, "b");
  dc_test_sink_push_flagged (&f, "key", 30, 0);
  dc_test_take_kind (b, DC_LINK_ITEM_CAPS);
  take_first_segment (b, 30);
  g_assert_cmpuint (dc_test_take_data (b, "key") & DC_LINK_FLAG_DISCONT, !=, 0);
  dc_test_take_data (a, "key");
}

/* Later segments are in the running time that it began with. */
static void
test_late_joiner_later_segment (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;
  GstSegment segment;

  meet_late (&f, &a, &b);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.base = 5000;
  g_assert_true (
      gst_pad_send_event (GST_BASE_SINK_PAD (dc_test_element_get (&f, "dc")), gst_event_new_segment (&segment)));
  dc_test_sink_push_flagged (&f, "three", 0, 0);
  g_autoptr (DcLinkItem) item = dc_fake_channel_take (b);
  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_SEGMENT);
  g_assert_cmpuint (item->segment.base, ==, 2000);
}

/* --- What cannot be sent --------------------------------------------------------------------------------------------------------- */

static void
push_large (DcTestElement *f, gsize size)
{
  g_autofree char *text = g_strnfill (size, 'x');

  dc_test_sink_push (f, text);
}

/* Nobody is let go as if it were their fault, and then the stream goes on without anybody. */
static void
test_too_large_raw (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;

  dc_test_element_start (&f, SINK ("mode=raw"));
  a = dc_test_sink_join (&f, "a");
  b = dc_test_sink_join (&f, "b");
  push_large (&f, 262145);
  dc_test_element_wait_error (&f, GST_RESOURCE_ERROR_WRITE,
      "A buffer of 262145 bytes cannot be sent: in raw mode it may have at most 262144 bytes; make the buffers smaller "
      "before this element");
}

/* What was asked for counts, where it is more. */
static void
test_larger_raw (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL;

  dc_test_element_start (&f, SINK ("mode=raw max-message-size=1048576"));
  a = dc_test_sink_join (&f, "a");
  push_large (&f, 1048576);
  push_large (&f, 1048577);
  dc_test_element_wait_error (&f, GST_RESOURCE_ERROR_WRITE,
      "A buffer of 1048577 bytes cannot be sent: in raw mode it may have at most 1048576 bytes; make the buffers "
      "smaller before this element");
}

static void
test_too_large_link (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL;

  dc_test_element_start (&f, SINK (""));
  a = dc_test_sink_join (&f, "a");
  push_large (&f, 64 * 1024 * 1024 + 1);
  dc_test_element_wait_error (&f, GST_RESOURCE_ERROR_WRITE,
      "A buffer of 67108865 bytes cannot be sent: in link mode it may have at most 67108864 bytes; make the buffers "
      "smaller before this element");
}

/* One that says it takes less than others is its own fault. */
static void
test_too_large_for_one (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) warning = NULL;

  dc_test_element_start (&f, SINK ("mode=raw"));
  a = dc_test_sink_join (&f, "a");
  b = dc_test_sink_join (&f, "b");
  dc_fake_channel_set_max_message (b, 4);
  dc_test_sink_push (&f, "larger");
  message = dc_test_element_wait_message (&f, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_WARNING);
  gst_message_parse_warning (message, &warning, NULL);
  g_assert_cmpstr (warning->message, ==,
      "A buffer of 6 bytes cannot be sent in raw mode: a message to \"b\" may have at most 4 bytes; make the buffers "
      "smaller before this element");
  dc_fake_channel_wait_closed (b);
  dc_test_sink_push (&f, "on");
  dc_test_take_data (a, "larger");
  dc_test_take_data (a, "on");
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (&argc, &argv);
  GST_ELEMENT_REGISTER (datachannelsink, NULL);

  g_test_add_func ("/receivers/late", test_late_joiner);
  g_test_add_func ("/receivers/late/no-headers-in-the-stream", test_late_joiner_without_headers);
  g_test_add_func ("/receivers/late/later-segment", test_late_joiner_later_segment);
  g_test_add_func ("/crowd/stalled/drop", test_stalled_drop);
  g_test_add_func ("/crowd/stalled/disconnect", test_stalled_disconnect);
  g_test_add_func ("/crowd/stalled/one-comes-back", test_stalled_one_comes_back);
  g_test_add_func ("/crowd/dropped-all", test_dropped_all);
  g_test_add_func ("/crowd/idle", test_idle);
  g_test_add_func ("/crowd/idle/left-behind", test_idle_left_behind);
  g_test_add_func ("/crowd/late/after-caps-change", test_late_after_caps_change);
  g_test_add_func ("/crowd/late/before-its-origin", test_late_before_its_origin);
  g_test_add_func ("/crowd/too-large/raw", test_too_large_raw);
  g_test_add_func ("/crowd/larger/raw", test_larger_raw);
  g_test_add_func ("/crowd/too-large/link", test_too_large_link);
  g_test_add_func ("/crowd/too-large/for-one", test_too_large_for_one);
  return g_test_run ();
}
