/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sink-crowd.c: datachannelsink with many receivers, over a fake peer: who comes at a bad moment, and what cannot be sent to all. */
#include <string.h>

#include "plugins/dc-gst-item.h"
#include "plugins/gstdatachannelsink.h"
#include "tests/harness/dc-test-element.h"
#include "tests/harness/dc-test.h"

#define SINK(more) "appsrc name=in format=time caps=video/x-a,rate=1 ! datachannelsink name=dc max-receivers=5 " more

/* --- Helpers -------------------------------------------------------------------------------------------------------------------- */

static void
play (DcTestElement *f, const char *description)
{
  dc_test_element_launch (f, description);
  gst_element_set_state (f->pipeline, GST_STATE_PLAYING);
  f->peer = dc_fake_wait_peer ();
}

static DcChannel *
join_with_window (DcTestElement *f, const char *id, guint items)
{
  return dc_fake_peer_open_as (f->peer, 0, id, items);
}

static DcChannel *
join (DcTestElement *f, const char *id)
{
  return join_with_window (f, id, G_MAXUINT);
}

static void
push_bytes (DcTestElement *f, const char *data, gsize size, guint flags)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_new_memdup (data, size);
  GstFlowReturn flow;

  GST_BUFFER_FLAG_SET (buffer, flags);
  g_signal_emit_by_name (dc_test_element_get (f, "in"), "push-buffer", buffer, &flow);
  g_assert_cmpint (flow, ==, GST_FLOW_OK);
}

static void
push (DcTestElement *f, const char *text)
{
  push_bytes (f, text, strlen (text), 0);
}

static void
take_kind (DcChannel *channel, DcLinkItemKind kind)
{
  g_autoptr (DcLinkItem) item = dc_fake_channel_take (channel);

  g_assert_cmpint (item->kind, ==, kind);
}

static void
take_format (DcChannel *channel)
{
  take_kind (channel, DC_LINK_ITEM_CAPS);
  take_kind (channel, DC_LINK_ITEM_SEGMENT);
}

static void
take_data (DcChannel *channel, const char *text)
{
  g_autoptr (DcLinkItem) item = dc_fake_channel_take (channel);

  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_DATA);
  g_assert_cmpmem (g_bytes_get_data (item->payload, NULL), g_bytes_get_size (item->payload), text, strlen (text));
}

static void
assert_aborted (DcChannel *channel, const char *hint)
{
  g_autofree char *reason = dc_fake_channel_dup_abort (channel);

  g_assert_nonnull (reason);
  g_assert_nonnull (strstr (reason, hint));
}

/* --- While one stands still ------------------------------------------------------------------------------------------------------ */

/* It has room for the format and a buffer, and then stands still with the next. */
static DcChannel *
join_and_stall (DcTestElement *f)
{
  DcChannel *stalled = join_with_window (f, "stalled", 3);

  push (f, "one");
  push (f, "two");
  push (f, "three");
  dc_fake_channel_wait_blocked (stalled);
  return stalled;
}

static void
test_stalled_drop (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) stalled = NULL, late = NULL;

  play (&f, SINK ("slow-consumer=drop"));
  stalled = join_and_stall (&f);
  late = join (&f, "late");
  take_format (late);
  take_data (late, "three");
  g_assert_cmpuint (dc_fake_channel_count (stalled), ==, 3);
}

static void
test_stalled_disconnect (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) stalled = NULL, late = NULL;

  play (&f, SINK ("slow-consumer=disconnect"));
  stalled = join_and_stall (&f);
  late = join (&f, "late");
  take_format (late);
  take_data (late, "three");
  assert_aborted (stalled, "too slow");
}

/* One that had dropped has taken everything meanwhile. */
static void
test_stalled_one_comes_back (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;

  play (&f, SINK ("slow-consumer=drop"));
  a = join_with_window (&f, "a", 5);
  b = join_with_window (&f, "b", 3);
  push (&f, "one");
  push (&f, "missed");
  push (&f, "missed");
  dc_fake_channel_wait_count (a, 5);
  push (&f, "four");
  push (&f, "five");
  dc_fake_channel_wait_blocked (a);
  take_format (b);
  take_data (b, "one");
  take_data (b, "five");
}

/* All have dropped and have no room: there is nothing to wait for when another comes. */
static void
test_dropped_all (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) fast = NULL, slow = NULL, late = NULL;

  play (&f, SINK ("slow-consumer=drop"));
  fast = join (&f, "fast");
  slow = join_with_window (&f, "slow", 3);
  push (&f, "one");
  push (&f, "missed");
  push (&f, "missed");
  dc_fake_channel_wait_count (fast, 5);
  dc_fake_channel_end (fast, NULL);
  dc_fake_channel_set_window (slow, 3); /* nothing new, but it is looked at again */
  push (&f, "two");
  dc_fake_channel_wait_blocked (slow);
  late = join (&f, "late");
  take_format (late);
  take_data (late, "two");
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

/* Nobody keeps it, but for what may be running at the moment. */
static void
unref_last (DcChannel *channel)
{
  gboolean gone = FALSE;

  g_object_weak_ref (G_OBJECT (channel), gone_cb, &gone);
  g_object_unref (channel);
  g_mutex_lock (&gone_lock);
  while (!gone)
    g_cond_wait (&gone_cond, &gone_lock);
  g_mutex_unlock (&gone_lock);
}

/* Those that come and go do not pile up. */
static void
test_idle (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, last = NULL;

  play (&f, SINK (""));
  a = join (&f, "a");
  wait_joined (&f, 1);
  for (guint i = 0; i < 10; i++) {
    DcChannel *b = join (&f, "b");
    wait_joined (&f, 2);
    dc_fake_channel_end (b, "gone");
    unref_last (b);
  }
  last = join (&f, "last");
  wait_joined (&f, 2);
  push (&f, "one");
  take_format (a);
  take_data (a, "one");
  take_format (last);
  take_data (last, "one");
}

/* It has been taken, but nobody has looked since whether it is still there. */
static void
test_idle_left_behind (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;

  play (&f, SINK (""));
  a = join (&f, "a");
  wait_joined (&f, 1);
  push (&f, "one");
  take_format (a);
  take_data (a, "one");
  dc_fake_channel_end (a, NULL);
  b = join (&f, "b");
  wait_joined (&f, 1);
}

/* --- What one that comes late is given ------------------------------------------------------------------------------------------ */

static void
push_at (DcTestElement *f, const char *text, guint64 pts)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_new_memdup (text, strlen (text));
  GstFlowReturn flow;

  GST_BUFFER_PTS (buffer) = pts;
  g_signal_emit_by_name (dc_test_element_get (f, "in"), "push-buffer", buffer, &flow);
  g_assert_cmpint (flow, ==, GST_FLOW_OK);
}

/* Without a new segment. */
static void
test_late_after_caps_change (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;
  g_autoptr (GstCaps) caps = gst_caps_from_string ("video/x-a,rate=2");

  play (&f, SINK (""));
  a = join (&f, "a");
  push (&f, "one");
  take_format (a);
  take_data (a, "one");
  g_object_set (dc_test_element_get (&f, "in"), "caps", caps, NULL);
  push (&f, "two");
  take_kind (a, DC_LINK_ITEM_CAPS);
  take_data (a, "two");
  b = join (&f, "b");
  push (&f, "three");
  take_format (b);
  take_data (b, "three");
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

  play (&f, SINK (""));
  a = join (&f, "a");
  push_at (&f, "one", 1000);
  take_format (a);
  take_data (a, "one");
  b = join (&f, "b");
  push_at (&f, "two", 3000);
  take_kind (b, DC_LINK_ITEM_CAPS);
  g_assert_cmpuint (take_running_time (b, 3000), ==, 0);
  take_data (b, "two");
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.base = 500;
  g_assert_true (
      gst_pad_send_event (GST_BASE_SINK_PAD (dc_test_element_get (&f, "dc")), gst_event_new_segment (&segment)));
  push_at (&f, "three", 2700);
  g_assert_cmpuint (take_running_time (b, 2700), ==, 200);
  take_data (b, "three");
  take_data (a, "two");
  g_assert_cmpuint (take_running_time (a, 2700), ==, 3200);
}

/* --- What cannot be sent --------------------------------------------------------------------------------------------------------- */

static void
push_large (DcTestElement *f, gsize size)
{
  g_autofree char *data = g_malloc0 (size);

  push_bytes (f, data, size, 0);
}

/* Nobody is let go as if it were their fault, and then the stream goes on without anybody. */
static void
test_too_large_raw (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;

  play (&f, SINK ("mode=raw"));
  a = join (&f, "a");
  b = join (&f, "b");
  push_large (&f, 65537);
  dc_test_element_wait_error (&f, GST_RESOURCE_ERROR_WRITE,
      "A buffer of 65537 bytes cannot be sent: in raw mode it may have at most 65536 bytes; make the buffers smaller "
      "before this element");
}

static void
test_too_large_link (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL;

  play (&f, SINK (""));
  a = join (&f, "a");
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

  play (&f, SINK ("mode=raw"));
  a = join (&f, "a");
  b = join (&f, "b");
  dc_fake_channel_set_max_message (b, 4);
  push (&f, "larger");
  message = dc_test_element_wait_message (&f, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_WARNING);
  gst_message_parse_warning (message, &warning, NULL);
  g_assert_cmpstr (warning->message, ==,
      "A buffer of 6 bytes cannot be sent in raw mode: a message to \"b\" may have at most 4 bytes; make the buffers "
      "smaller before this element");
  dc_fake_channel_wait_closed (b);
  push (&f, "on");
  take_data (a, "larger");
  take_data (a, "on");
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (&argc, &argv);
  GST_ELEMENT_REGISTER (datachannelsink, NULL);

  g_test_add_func ("/crowd/stalled/drop", test_stalled_drop);
  g_test_add_func ("/crowd/stalled/disconnect", test_stalled_disconnect);
  g_test_add_func ("/crowd/stalled/one-comes-back", test_stalled_one_comes_back);
  g_test_add_func ("/crowd/dropped-all", test_dropped_all);
  g_test_add_func ("/crowd/idle", test_idle);
  g_test_add_func ("/crowd/idle/left-behind", test_idle_left_behind);
  g_test_add_func ("/crowd/late/after-caps-change", test_late_after_caps_change);
  g_test_add_func ("/crowd/late/before-its-origin", test_late_before_its_origin);
  g_test_add_func ("/crowd/too-large/raw", test_too_large_raw);
  g_test_add_func ("/crowd/too-large/link", test_too_large_link);
  g_test_add_func ("/crowd/too-large/for-one", test_too_large_for_one);
  return g_test_run ();
}
