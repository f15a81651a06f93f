/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sink-receivers.c: datachannelsink with many receivers, over a fake peer: who comes and goes, and who is slow. */
#include <string.h>

#include "plugins/dc-gst-event.h"
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

static GstFlowReturn
try_push (DcTestElement *f, const char *text, guint64 pts, guint flags)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_new_memdup (text, strlen (text));
  GstFlowReturn flow;

  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_FLAG_SET (buffer, flags);
  g_signal_emit_by_name (dc_test_element_get (f, "in"), "push-buffer", buffer, &flow);
  return flow;
}

static void
push_flagged (DcTestElement *f, const char *text, guint64 pts, guint flags)
{
  g_assert_cmpint (try_push (f, text, pts, flags), ==, GST_FLOW_OK);
}

static void
push (DcTestElement *f, const char *text)
{
  push_flagged (f, text, GST_CLOCK_TIME_NONE, 0);
}

static void
end_of_stream (DcTestElement *f)
{
  GstFlowReturn flow;

  g_signal_emit_by_name (dc_test_element_get (f, "in"), "end-of-stream", &flow);
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
assert_data (DcLinkItem *item, const char *text)
{
  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_DATA);
  g_assert_cmpmem (g_bytes_get_data (item->payload, NULL), g_bytes_get_size (item->payload), text, strlen (text));
}

/* Returns the flags. */
static guint
take_data (DcChannel *channel, const char *text)
{
  g_autoptr (DcLinkItem) item = dc_fake_channel_take (channel);

  assert_data (item, text);
  return item->flags;
}

static void
take_end (DcChannel *channel)
{
  take_kind (channel, DC_LINK_ITEM_EVENT);
  take_kind (channel, DC_LINK_ITEM_FIN);
}

static void
assert_aborted (DcChannel *channel, const char *hint)
{
  g_autofree char *reason = dc_fake_channel_dup_abort (channel);

  g_assert_nonnull (reason);
  g_assert_nonnull (strstr (reason, hint));
}

/* --- Coming and going ------------------------------------------------------------------------------------------------------------- */

/* Everyone gets everything, around the same bytes, and the end is when the last has it. */
static void
test_all_get_everything (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;

  play (&f, SINK (""));
  a = join (&f, "a");
  b = join (&f, "b");
  push (&f, "one");
  take_format (a);
  take_format (b);
  g_autoptr (DcLinkItem) at_a = dc_fake_channel_take (a);
  g_autoptr (DcLinkItem) at_b = dc_fake_channel_take (b);
  assert_data (at_a, "one");
  g_assert_true (at_a->payload == at_b->payload);
  end_of_stream (&f);
  take_end (a);
  take_end (b);
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

  play (&f, SINK (""));
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

  play (&f, SINK (""));
  a = join (&f, "a");
  b = join (&f, "b");
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

  play (&f, SINK (""));
  a = join_with_window (&f, "a", 3);
  b = join (&f, "b");
  push (&f, "one");
  push (&f, "two");
  dc_fake_channel_wait_blocked (a);
  dc_fake_channel_end (a, "gone");
  push (&f, "three");
  take_format (b);
  take_data (b, "one");
  take_data (b, "two");
  take_data (b, "three");
  g_assert_false (dc_test_element_has_message (&f, GST_MESSAGE_ERROR));
}

/* By default the stream waits for the next. */
static void
test_block_waits_for_someone (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;

  play (&f, SINK (""));
  a = join (&f, "a");
  push (&f, "one");
  take_format (a);
  take_data (a, "one");
  dc_fake_channel_end (a, NULL);
  push (&f, "two");
  push (&f, "three");
  b = join (&f, "b");
  take_format (b);
  g_assert_cmpuint (take_data (b, "two") & DC_LINK_FLAG_DISCONT, ==, DC_LINK_FLAG_DISCONT);
  take_data (b, "three");
}

/* With the other policies it goes on without anybody, once there was someone. */
static void
test_drop_passes_nobody (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL;

  play (&f, SINK ("slow-consumer=drop"));
  a = join (&f, "a");
  push (&f, "one");
  take_format (a);
  take_data (a, "one");
  dc_fake_channel_end (a, NULL);
  for (guint i = 0; i < 10; i++)
    push (&f, "two");
  end_of_stream (&f);
  dc_test_element_wait_eos (&f);
}

/* A live stream does not wait for a first one either. */
static void
test_live_passes_nobody (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL;

  play (
      &f, "appsrc name=in format=time is-live=true block=true max-buffers=1 ! datachannelsink name=dc max-receivers=5");
  for (guint i = 0; i < 10; i++)
    push (&f, "nobody");
  end_of_stream (&f);
  dc_test_element_wait_eos (&f);
}

static void
test_peer_fails_with_nobody (void)
{
  g_auto (DcTestElement) f = {0};

  play (&f, SINK (""));
  dc_fake_peer_fail (f.peer, DC_ERROR_SIGNALING, "it failed");
  push (&f, "one");
  dc_test_element_wait_error (&f, GST_RESOURCE_ERROR_OPEN_WRITE, "it failed");
}

/* --- Joining late ------------------------------------------------------------------------------------------------------------------ */

typedef struct {
  GMutex lock;
  GCond cond;
  guint requests;
} Encoder;

static GstPadProbeReturn
count_request (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  Encoder *encoder = data;

  if (!gst_event_has_name (event, "GstForceKeyUnit"))
    return GST_PAD_PROBE_OK;
  g_mutex_lock (&encoder->lock);
  encoder->requests++;
  g_cond_signal (&encoder->cond);
  g_mutex_unlock (&encoder->lock);
  return GST_PAD_PROBE_OK;
}

static void
wait_for_request (Encoder *encoder)
{
  g_mutex_lock (&encoder->lock);
  while (encoder->requests == 0)
    g_cond_wait (&encoder->cond, &encoder->lock);
  g_mutex_unlock (&encoder->lock);
}

static void
watch_requests (DcTestElement *f, Encoder *encoder)
{
  gst_pad_add_probe (GST_BASE_SINK_PAD (dc_test_element_get (f, "dc")), GST_PAD_PROBE_TYPE_EVENT_UPSTREAM,
      count_request, encoder, NULL);
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

/* From the next key unit on, at running time 0, with the format and the headers, and upstream is asked for that key unit. */
static void
test_late_joiner (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;
  Encoder encoder = {0};

  play (&f, "appsrc name=in format=time caps=\"video/x-a,streamheader=<(buffer)aabb,(buffer)cc>\" ! "
            "datachannelsink name=dc max-receivers=5");
  watch_requests (&f, &encoder);
  a = join (&f, "a");
  push_flagged (&f, "head", 0, GST_BUFFER_FLAG_HEADER);
  push_flagged (&f, "key", 10, 0);
  take_format (a);
  take_data (a, "head");
  take_data (a, "key");
  g_assert_cmpuint (encoder.requests, ==, 0);
  b = join (&f, "b");
  push_flagged (&f, "delta", 20, GST_BUFFER_FLAG_DELTA_UNIT);
  wait_for_request (&encoder);
  push_flagged (&f, "head", 30, GST_BUFFER_FLAG_HEADER);
  push_flagged (&f, "key", 30, 0);
  push_flagged (&f, "delta", 40, GST_BUFFER_FLAG_DELTA_UNIT);
  take_kind (b, DC_LINK_ITEM_CAPS);
  take_first_segment (b, 30);
  g_assert_cmpuint (take_data (b, "\xaa\xbb") & DC_LINK_FLAG_HEADER, !=, 0);
  g_assert_cmpuint (take_data (b, "\xcc") & DC_LINK_FLAG_HEADER, !=, 0);
  g_assert_cmpuint (take_data (b, "key") & DC_LINK_FLAG_DISCONT, !=, 0);
  g_assert_cmpuint (take_data (b, "delta"), ==, DC_LINK_FLAG_DELTA_UNIT);
  take_data (a, "delta");
  take_data (a, "head");
  g_assert_cmpuint (take_data (a, "key") & DC_LINK_FLAG_DISCONT, ==, 0);
}

/* As vp8enc does it: headers are in the caps, for whoever makes a file of it, and never in the stream. */
static void
test_late_joiner_without_headers (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;

  play (&f, "appsrc name=in format=time caps=\"video/x-a,streamheader=<(buffer)aabb,(buffer)cc>\" ! "
            "datachannelsink name=dc max-receivers=5");
  a = join (&f, "a");
  push_flagged (&f, "key", 10, 0);
  take_format (a);
  take_data (a, "key");
  b = join (&f, "b");
  push_flagged (&f, "key", 30, 0);
  take_kind (b, DC_LINK_ITEM_CAPS);
  take_first_segment (b, 30);
  g_assert_cmpuint (take_data (b, "key") & DC_LINK_FLAG_DISCONT, !=, 0);
  take_data (a, "key");
}

/* Later segments are in the running time that it began with. */
static void
test_late_joiner_later_segment (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;
  GstSegment segment;

  play (&f, SINK (""));
  a = join (&f, "a");
  push_flagged (&f, "one", 1000, 0);
  take_format (a);
  take_data (a, "one");
  b = join (&f, "b");
  push_flagged (&f, "two", 3000, 0);
  take_kind (b, DC_LINK_ITEM_CAPS);
  take_first_segment (b, 3000);
  take_data (b, "two");
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.base = 5000;
  g_assert_true (
      gst_pad_send_event (GST_BASE_SINK_PAD (dc_test_element_get (&f, "dc")), gst_event_new_segment (&segment)));
  push_flagged (&f, "three", 0, 0);
  g_autoptr (DcLinkItem) item = dc_fake_channel_take (b);
  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_SEGMENT);
  g_assert_cmpuint (item->segment.base, ==, 2000);
}

/* --- block ------------------------------------------------------------------------------------------------------------------------- */

static void
test_block_slowest_governs (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) fast = NULL, slow = NULL;

  play (&f, SINK (""));
  fast = join (&f, "fast");
  slow = join_with_window (&f, "slow", 3);
  for (guint i = 0; i < 5; i++)
    push (&f, "x");
  dc_fake_channel_wait_blocked (slow);
  dc_fake_channel_wait_count (fast, 4); /* the format, the buffer that slow got, and the one that it has no room for */
  take_format (slow);
  for (guint i = 0; i < 5; i++)
    take_data (slow, "x");
  dc_fake_channel_wait_count (fast, 7);
}

/* PAUSED in the middle of a step; no one gets the buffer twice. */
static void
test_block_pause (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) fast = NULL, slow = NULL;

  play (&f, SINK (""));
  fast = join (&f, "fast");
  slow = join_with_window (&f, "slow", 3);
  push (&f, "one");
  push (&f, "two");
  dc_fake_channel_wait_blocked (slow);
  dc_fake_channel_wait_count (fast, 4);
  gst_element_set_state (f.pipeline, GST_STATE_PAUSED);
  dc_fake_channel_set_window (slow, 10);
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  push (&f, "three");
  for (guint i = 0; i < 2; i++) {
    DcChannel *channel = i == 0 ? fast : slow;
    take_format (channel);
    take_data (channel, "one");
    take_data (channel, "two");
    take_data (channel, "three");
  }
}

static void
test_block_stop (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) fast = NULL, slow = NULL;

  play (&f, SINK (""));
  fast = join (&f, "fast");
  slow = join_with_window (&f, "slow", 0);
  push (&f, "one");
  dc_fake_channel_wait_blocked (slow);
  dc_test_element_stop (&f);
  assert_aborted (fast, "stopped before");
  assert_aborted (slow, "stopped before");
}

/* --- drop -------------------------------------------------------------------------------------------------------------------------- */

/* The slow one misses what it has no room for, and comes back with a key unit once half of its window is free. */
static void
test_drop (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) fast = NULL, slow = NULL;
  Encoder encoder = {0};

  play (&f, SINK ("slow-consumer=drop"));
  watch_requests (&f, &encoder);
  fast = join (&f, "fast");
  slow = join_with_window (&f, "slow", 4);
  push (&f, "one");
  push (&f, "two");
  push (&f, "missed");
  dc_fake_channel_wait_count (fast, 5);
  push (&f, "missed");
  dc_fake_channel_wait_count (fast, 6);
  take_kind (slow, DC_LINK_ITEM_CAPS);
  push (&f, "missed"); /* there is some room, but not enough */
  dc_fake_channel_wait_count (fast, 7);
  take_kind (slow, DC_LINK_ITEM_SEGMENT);
  push_flagged (&f, "delta", 0, GST_BUFFER_FLAG_DELTA_UNIT);
  dc_fake_channel_wait_count (fast, 8);
  wait_for_request (&encoder);
  push (&f, "back");
  dc_fake_channel_wait_count (fast, 9);
  take_data (slow, "one");
  take_data (slow, "two");
  g_assert_cmpuint (take_data (slow, "back") & DC_LINK_FLAG_DISCONT, !=, 0);
}

/* The format that changed in the meantime comes with the return. */
static void
test_drop_misses_caps (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) fast = NULL, slow = NULL;
  g_autoptr (GstCaps) caps = gst_caps_from_string ("video/x-a,rate=2");

  play (&f, SINK ("slow-consumer=drop"));
  fast = join (&f, "fast");
  slow = join_with_window (&f, "slow", 3);
  push (&f, "one");
  push (&f, "missed");
  dc_fake_channel_wait_count (fast, 4);
  g_object_set (dc_test_element_get (&f, "in"), "caps", caps, NULL);
  push (&f, "missed");
  dc_fake_channel_wait_count (fast, 6);
  take_format (slow);
  take_data (slow, "one");
  push (&f, "back");
  take_kind (slow, DC_LINK_ITEM_CAPS);
  take_data (slow, "back");
}

/* The only one, or the fastest, is waited for. */
static void
test_drop_fastest_governs (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) only = NULL;

  play (&f, SINK ("slow-consumer=drop"));
  only = join_with_window (&f, "only", 2);
  for (guint i = 0; i < 20; i++)
    push (&f, "x");
  dc_fake_channel_wait_blocked (only);
  take_format (only);
  for (guint i = 0; i < 20; i++)
    take_data (only, "x");
}

/* When the fast one leaves, the one that had dropped sets the pace. */
static void
test_drop_alone_again (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) fast = NULL, slow = NULL;

  play (&f, SINK ("slow-consumer=drop"));
  fast = join (&f, "fast");
  slow = join_with_window (&f, "slow", 3);
  push (&f, "one");
  push (&f, "missed");
  push (&f, "missed"); /* which fast gets when it is settled that slow does not get the first */
  dc_fake_channel_wait_count (fast, 5);
  dc_fake_channel_end (fast, NULL);
  push (&f, "two");
  push (&f, "three");
  take_format (slow);
  take_data (slow, "one");
  take_data (slow, "two");
  take_data (slow, "three");
}

/* Live streams wait for nobody. */
static void
test_drop_live (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) slow = NULL;

  play (&f, "appsrc name=in format=time is-live=true ! datachannelsink name=dc max-receivers=5 slow-consumer=drop");
  slow = join_with_window (&f, "slow", 2);
  for (guint i = 0; i < 20; i++)
    push (&f, "x");
  end_of_stream (&f);
  dc_fake_channel_wait_count (slow, 3);
  take_kind (slow, DC_LINK_ITEM_SEGMENT);
  take_data (slow, "x");
  take_kind (slow, DC_LINK_ITEM_FIN);
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

  play (&f, SINK ("slow-consumer=disconnect"));
  fast = join (&f, "fast");
  slow = join_with_window (&f, "slow", 3);
  push (&f, "one");
  push (&f, "two");
  push (&f, "three");
  take_format (fast);
  take_data (fast, "one");
  take_data (fast, "two");
  dc_fake_channel_wait_closed (slow);
  assert_aborted (slow, "too slow");
  take_data (fast, "three");
  g_assert_false (dc_test_element_has_message (&f, GST_MESSAGE_ERROR));
}

/* The other one, though it has room for more, is busy with what it has got: it loses nothing. So two that are about as fast as each
 * other are both kept, of which the one that happens to be slower is always waited for. */
static void
test_disconnect_others_are_busy (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;

  play (&f, SINK ("slow-consumer=disconnect"));
  a = join (&f, "a");
  b = join_with_window (&f, "b", 3);
  for (guint i = 0; i < 2; i++)
    push (&f, "x");
  dc_fake_channel_wait_blocked (b);
  g_usleep (2400 * 1000); /* for longer than it might hold one up that is idle */
  take_format (b);
  for (guint i = 0; i < 2; i++)
    take_data (b, "x");
}

/* Nobody is to blame while all are slow. */
static void
test_disconnect_nobody_to_blame (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;

  play (&f, SINK ("slow-consumer=disconnect"));
  a = join_with_window (&f, "a", 3);
  b = join_with_window (&f, "b", 3);
  for (guint i = 0; i < 3; i++)
    push (&f, "x");
  dc_fake_channel_wait_blocked (a);
  dc_fake_channel_wait_blocked (b);
  g_usleep (2400 * 1000); /* for longer than either may hold the other up */
  take_format (a);
  take_format (b);
  for (guint i = 0; i < 3; i++) {
    take_data (a, "x");
    take_data (b, "x");
  }
}

static void
test_disconnect_live (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) slow = NULL;

  play (
      &f, "appsrc name=in format=time is-live=true ! datachannelsink name=dc max-receivers=5 slow-consumer=disconnect");
  slow = join_with_window (&f, "slow", 2);
  for (guint i = 0; i < 3; i++)
    push (&f, "x");
  dc_fake_channel_wait_closed (slow);
  assert_aborted (slow, "too slow");
}

/* --- The end of the stream ----------------------------------------------------------------------------------------------------------- */

/* The slow one gets five seconds. */
static void
test_end_is_not_held_up (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) fast = NULL, slow = NULL;

  play (&f, SINK ("slow-consumer=drop"));
  fast = join (&f, "fast");
  slow = join_with_window (&f, "slow", 3);
  push (&f, "one");
  end_of_stream (&f);
  take_format (fast);
  take_data (fast, "one");
  take_end (fast);
  dc_fake_channel_wait_count (slow, 4);
  take_format (slow);
  take_data (slow, "one");
  take_kind (slow, DC_LINK_ITEM_FIN); /* there was no room for anything else */
  dc_fake_channel_acknowledge_fin (fast);
  dc_test_element_wait_eos (&f);
  assert_aborted (slow, "too slow");
  g_assert_null (dc_fake_channel_dup_abort (fast));
}

/* There is nothing left for one that comes now, and it is told so. */
static void
test_end_too_late (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;

  play (&f, SINK (""));
  a = join (&f, "a");
  push (&f, "one");
  end_of_stream (&f);
  take_format (a);
  take_data (a, "one");
  take_end (a);
  b = join (&f, "b");
  dc_fake_channel_wait_closed (b);
  assert_aborted (b, "has ended");
  dc_fake_channel_acknowledge_fin (a);
  dc_test_element_wait_eos (&f);
}

static void
test_end_stop (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) a = NULL, b = NULL;

  play (&f, SINK (""));
  a = join (&f, "a");
  b = join (&f, "b");
  push (&f, "one");
  end_of_stream (&f);
  for (guint i = 0; i < 2; i++) {
    take_format (i == 0 ? a : b);
    take_data (i == 0 ? a : b, "one");
    take_end (i == 0 ? a : b);
  }
  dc_fake_channel_acknowledge_fin (a);
  dc_test_element_stop (&f);
  g_assert_null (dc_fake_channel_dup_abort (a));
  assert_aborted (b, "stopped before");
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

  play (&f, SINK (""));
  pad = GST_BASE_SINK_PAD (dc_test_element_get (&f, "dc"));
  a = join (&f, "a");
  push (&f, "one");
  take_format (a);
  take_data (a, "one");
  /* GStreamer leaves a sink in PAUSED that is flushed while its pipeline is still on its way to PLAYING. */
  g_assert_cmpint (gst_element_get_state (f.pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), ==, GST_STATE_CHANGE_SUCCESS);
  gst_pad_send_event (pad, gst_event_new_flush_start ());
  dc_link_item_free (dc_fake_channel_take_stream (a, DC_GST_STREAM_OUT_OF_BAND));
  b = join (&f, "b");
  gst_pad_send_event (pad, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_send_event (pad, gst_event_new_segment (&segment));
  g_assert_cmpint (gst_pad_chain (pad, gst_buffer_new_memdup ("two", 3)), ==, GST_FLOW_OK);
  g_autoptr (DcLinkItem) item = dc_fake_channel_take (a);
  g_assert_cmpint (item->event, ==, DC_LINK_EVENT_FLUSH_STOP);
  take_format (a);
  take_data (a, "two");
  take_format (b);
  take_data (b, "two");
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
        g_ptr_array_add (channels, join_with_window (f, "x", (guint) g_test_rand_int_range (0, 6)));
      return;
    case 2:
      try_push (f, "delta", 0, GST_BUFFER_FLAG_DELTA_UNIT); /* refused behind an end */
      return;
    case 3:
      end_of_stream (f);
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
      try_push (f, "x", 0, 0);
  }
}

/* NULL from any state at any moment takes less than a second, and the same element begins anew. */
static void
test_stop_at_any_moment (void)
{
  static const char *const policies[] = {"block", "drop", "disconnect"};
  g_auto (DcTestElement) f = {0};
  guint slowness = dc_test_get_slowness ();

  dc_test_element_launch (&f, "appsrc name=in format=time caps=video/x-a,rate=1 ! datachannelsink name=dc");
  for (guint i = 0; i < 300; i++) {
    g_autoptr (GPtrArray) channels = g_ptr_array_new_with_free_func (g_object_unref);
    gint64 began;
    dc_test_watchdog_start (30);
    gst_util_set_object_arg (G_OBJECT (dc_test_element_get (&f, "dc")), "slow-consumer", policies[i % 3]);
    g_object_set (dc_test_element_get (&f, "dc"), "max-receivers", i % 4 == 3 ? 1 : 5, NULL);
    gst_element_set_state (f.pipeline, g_test_rand_bit () ? GST_STATE_PAUSED : GST_STATE_PLAYING);
    g_clear_object (&f.peer);
    f.peer = dc_fake_wait_peer ();
    for (int n = g_test_rand_int_range (0, 30); n > 0; n--)
      do_something (&f, channels);
    began = g_get_monotonic_time ();
    dc_test_element_stop (&f);
    g_assert_cmpint (g_get_monotonic_time () - began, <, G_TIME_SPAN_SECOND * slowness);
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
  g_test_add_func ("/receivers/late", test_late_joiner);
  g_test_add_func ("/receivers/late/no-headers-in-the-stream", test_late_joiner_without_headers);
  g_test_add_func ("/receivers/late/later-segment", test_late_joiner_later_segment);
  g_test_add_func ("/receivers/block/slowest-governs", test_block_slowest_governs);
  g_test_add_func ("/receivers/block/pause", test_block_pause);
  g_test_add_func ("/receivers/block/stop", test_block_stop);
  g_test_add_func ("/receivers/drop", test_drop);
  g_test_add_func ("/receivers/drop/misses-caps", test_drop_misses_caps);
  g_test_add_func ("/receivers/drop/fastest-governs", test_drop_fastest_governs);
  g_test_add_func ("/receivers/drop/alone-again", test_drop_alone_again);
  g_test_add_func ("/receivers/drop/live", test_drop_live);
  g_test_add_func ("/receivers/disconnect", test_disconnect);
  g_test_add_func ("/receivers/disconnect/others-are-busy", test_disconnect_others_are_busy);
  g_test_add_func ("/receivers/disconnect/nobody-to-blame", test_disconnect_nobody_to_blame);
  g_test_add_func ("/receivers/disconnect/live", test_disconnect_live);
  g_test_add_func ("/receivers/end/not-held-up", test_end_is_not_held_up);
  g_test_add_func ("/receivers/end/too-late", test_end_too_late);
  g_test_add_func ("/receivers/end/stop", test_end_stop);
  g_test_add_func ("/receivers/flush", test_flush);
  g_test_add_func ("/receivers/stop-at-any-moment", test_stop_at_any_moment);
  return g_test_run ();
}
