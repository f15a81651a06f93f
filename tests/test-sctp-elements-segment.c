/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sctp-elements-segment.c: the segments of sctpdec's streams, whenever that of the packets comes or goes. */
#include "tests/harness/dc-test.h"
#include "tests/sctp-element-pair.h"

enum { BINARY = 53 };

/* (nullable): is stopped when a stream begins. */
static GstPad *to_stop;

static void
on_event (GObject *hooks, GstClockTime time, GstPad *pad, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START && g_str_has_prefix (GST_PAD_NAME (pad), "src_")
      && to_stop != NULL)
    gst_pad_set_active (to_stop, FALSE);
}

/* While there is no other thread: GStreamer notes without a lock that there are hooks. */
static void
watch_events (void)
{
  GType type = g_type_register_static_simple (
      GST_TYPE_TRACER, "Hooks", sizeof (GstTracerClass), NULL, sizeof (GstTracer), NULL, 0);
  g_autoptr (GstTracer) hooks = gst_object_ref_sink (g_object_new (type, NULL));

  gst_tracing_register_hook (hooks, "pad-push-event-pre", G_CALLBACK (on_event));
}

/* What comes last has a pad that knows its segment, though the element is stopped while that is made. */
static void
test_stop (Pair *pair, gconstpointer data)
{
  g_autoptr (GstPad) pad = NULL;

  pair_play (pair);
  to_stop = gst_element_get_static_pad (GST_ELEMENT (pair->ends[1].dec), "sink");
  pad = pair_open (&pair->ends[0], 9);
  g_assert_cmpint (pair_push (pad, "last"), ==, GST_FLOW_OK);
  pair_expect (&pair->ends[1], 9, BINARY, "last");
  g_assert_false (gst_pad_is_active (to_stop));
  gst_clear_object (&to_stop);
}

static void
assert_segment (GstPad *pad, guint64 start)
{
  g_autoptr (GstEvent) event = gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  const GstSegment *segment;

  g_assert_nonnull (event);
  gst_event_parse_segment (event, &segment);
  g_assert_cmpuint (segment->start, ==, start);
}

static void
send_segment (GstPad *pad, guint64 start)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_BYTES);
  segment.start = start;
  g_assert_true (gst_pad_send_event (pad, gst_event_new_segment (&segment)));
}

/* Of the packets, which may come late: a stream in use keeps its own, until it is flushed. */
static void
test_late (Pair *pair, gconstpointer data)
{
  GstElement *dec = GST_ELEMENT (pair->ends[1].dec);
  g_autoptr (GstPad) pad = NULL, sink = gst_element_get_static_pad (dec, "sink"), src = NULL;

  pair_play (pair);
  pad = pair_open (&pair->ends[0], 4);
  g_assert_cmpint (pair_push (pad, "first"), ==, GST_FLOW_OK);
  pair_expect (&pair->ends[1], 4, BINARY, "first");
  src = gst_element_get_static_pad (dec, "src_4");
  send_segment (sink, 7);
  assert_segment (src, 0);
  gst_pad_send_event (sink, gst_event_new_flush_start ());
  gst_pad_send_event (sink, gst_event_new_flush_stop (TRUE));
  send_segment (sink, 9);
  assert_segment (src, 9);
  g_assert_cmpint (pair_push (pad, "second"), ==, GST_FLOW_OK);
  pair_expect (&pair->ends[1], 4, BINARY, "second");
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  watch_events ();
  pair_add ("/sctp-elements-segment/stop", test_stop);
  pair_add ("/sctp-elements-segment/late", test_late);
  return g_test_run ();
}
