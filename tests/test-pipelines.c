/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-pipelines.c: pipelines across a real data channel, both ends in this process: streams compared item by item, and their ends. */
#include <string.h>

#include "tests/harness/dc-test.h"
#include "tests/pipelines.h"

/* The data channel element is named dc. */
static GstElement *
parse (PipelinesFixture *f, const char *format, ...)
{
  va_list arguments;
  g_autofree char *description = NULL;
  g_autoptr (GError) error = NULL;
  GstElement *pipeline;

  va_start (arguments, format);
  description = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  pipeline = gst_parse_launch (description, &error);
  g_assert_no_error (error);
  g_object_set (pipeline_get (pipeline, "dc"), "signaling", dc_test_daemon_get_url (f->daemon), NULL);
  return pipeline;
}

static void
wait_message (GstElement *pipeline, GstMessageType type)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE, type | GST_MESSAGE_EOS | GST_MESSAGE_ERROR);

  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, gst_message_type_get_name (type));
}

static void
push (GstElement *pipeline, gsize size, guint64 pts, GstBufferFlags flags)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_new_allocate (NULL, size, NULL);
  GstFlowReturn flow;

  gst_buffer_memset (buffer, 0, (guint8) (pts + 1), size);
  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_OFFSET (buffer) = pts + 7;
  GST_BUFFER_FLAG_SET (buffer, flags);
  g_signal_emit_by_name (pipeline_get (pipeline, "in"), "push-buffer", buffer, &flow);
  g_assert_cmpint (flow, ==, GST_FLOW_OK);
}

static void
push_end (GstElement *pipeline)
{
  GstFlowReturn flow;

  g_signal_emit_by_name (pipeline_get (pipeline, "in"), "end-of-stream", &flow);
}

/* Checks what push() made; returns its sample. */
static GstSample *
pull (GstElement *pipeline, gsize size, guint64 pts, GstBufferFlags flags)
{
  GstSample *sample;
  GstBuffer *buffer;
  GstMapInfo map;

  g_signal_emit_by_name (pipeline_get (pipeline, "out"), "pull-sample", &sample);
  g_assert_nonnull (sample);
  buffer = gst_sample_get_buffer (sample);
  g_assert_cmpuint (gst_buffer_get_size (buffer), ==, size);
  g_assert_cmpuint (GST_BUFFER_PTS (buffer), ==, pts);
  g_assert_cmpuint (GST_BUFFER_OFFSET (buffer), ==, pts + 7);
  g_assert_cmpuint (GST_BUFFER_FLAGS (buffer) & ~(GST_BUFFER_FLAG_TAG_MEMORY | GST_BUFFER_FLAG_DISCONT), ==, flags);
  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  for (gsize i = 0; i < size; i++)
    g_assert_cmpuint (map.data[i], ==, (guint8) (pts + 1));
  gst_buffer_unmap (buffer, &map);
  return sample;
}

/* Caps, segment, times, flags and sizes, from nothing to many messages, are on the far side what they were here. */
static void
test_stream_is_the_same (PipelinesFixture *f, gconstpointer data)
{
  static const gsize sizes[] = {1, 0, 100, 65535, 65536, 65537, 3 * 1024 * 1024, 7};
  g_autoptr (GstElement) sender =
      parse (f, "appsrc name=in format=time caps=video/x-v,width=5,title=\"a\\ b\" ! datachannelsink name=dc");
  g_autoptr (GstElement) receiver = parse (f, "datachannelsrc name=dc ! appsink name=out sync=false");
  g_autoptr (GstCaps) caps = NULL;

  g_object_get (pipeline_get (sender, "in"), "caps", &caps, NULL);
  gst_element_set_state (receiver, GST_STATE_PLAYING);
  gst_element_set_state (sender, GST_STATE_PLAYING);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    push (sender, sizes[i], i * 1000, i % 2 ? GST_BUFFER_FLAG_DELTA_UNIT : GST_BUFFER_FLAG_HEADER);
  push_end (sender);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (GstSample) sample =
        pull (receiver, sizes[i], i * 1000, i % 2 ? GST_BUFFER_FLAG_DELTA_UNIT : GST_BUFFER_FLAG_HEADER);
    g_assert_true (gst_caps_is_equal (gst_sample_get_caps (sample), caps));
    g_assert_cmpint (gst_sample_get_segment (sample)->format, ==, GST_FORMAT_TIME);
  }
  wait_message (receiver, GST_MESSAGE_EOS);
  wait_message (sender, GST_MESSAGE_EOS);
  pipeline_stop (sender);
  pipeline_stop (receiver);
}

/* A sink that fails is followed by an end of stream from upstream: the receiver must not take that for the end. */
static void
test_failing_sink (PipelinesFixture *f, gconstpointer data)
{
  g_autoptr (GstElement) sender = parse (f, "appsrc name=in format=time ! datachannelsink name=dc");
  g_autoptr (GstElement) receiver = parse (f, "datachannelsrc name=dc ! fakesink");

  gst_element_set_state (receiver, GST_STATE_PLAYING);
  gst_element_set_state (sender, GST_STATE_PLAYING);
  push (sender, 5, 0, 0);
  pipeline_wait_message (receiver, "datachannel-connected", 1);
  push (sender, 70000000, 1, 0);
  push_end (sender);
  wait_message (sender, GST_MESSAGE_ERROR);
  wait_message (receiver, GST_MESSAGE_ERROR);
  pipeline_stop (sender);
  pipeline_stop (receiver);
}

/* A message each, its bounds kept; the end of the sender is the end of the stream. */
static void
test_raw (PipelinesFixture *f, gconstpointer data)
{
  static const gsize sizes[] = {5, 1, 60000, 9};
  g_autoptr (GstElement) sender = parse (f, "appsrc name=in format=time ! datachannelsink name=dc mode=raw");
  g_autoptr (GstElement) receiver = parse (f, "datachannelsrc name=dc mode=raw ! appsink name=out sync=false");

  gst_element_set_state (receiver, GST_STATE_PLAYING);
  gst_element_set_state (sender, GST_STATE_PLAYING);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    push (sender, sizes[i], i, 0);
  push_end (sender);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (GstSample) sample = NULL;
    g_signal_emit_by_name (pipeline_get (receiver, "out"), "pull-sample", &sample);
    g_assert_nonnull (sample);
    g_assert_cmpuint (gst_buffer_get_size (gst_sample_get_buffer (sample)), ==, sizes[i]);
  }
  wait_message (sender, GST_MESSAGE_EOS);
  pipeline_stop (sender);
  wait_message (receiver, GST_MESSAGE_EOS);
  pipeline_stop (receiver);
}

/* One short message, and the sender is gone, perhaps before the receiver has seen the channel open. */
static void
test_raw_short (PipelinesFixture *f, gconstpointer data)
{
  for (guint i = 0; i < 5; i++) {
    g_autoptr (GstElement) receiver = parse (f, "datachannelsrc name=dc mode=raw ! appsink name=out sync=false");
    g_autoptr (GstElement) sender = parse (f, "appsrc name=in format=time ! datachannelsink name=dc mode=raw");
    g_autoptr (GstSample) sample = NULL;

    gst_element_set_state (receiver, GST_STATE_PLAYING);
    gst_element_set_state (sender, GST_STATE_PLAYING);
    push (sender, 5, 0, 0);
    push_end (sender);
    wait_message (sender, GST_MESSAGE_EOS);
    pipeline_stop (sender);
    g_signal_emit_by_name (pipeline_get (receiver, "out"), "pull-sample", &sample);
    g_assert_nonnull (sample);
    wait_message (receiver, GST_MESSAGE_EOS);
    pipeline_stop (receiver);
  }
}

/* A raw receiver may leave as soon as it has everything; another EOS of the sender, behind a flush, is none the worse for it. */
static void
test_raw_ends_again (PipelinesFixture *f, gconstpointer data)
{
  g_autoptr (GstElement) sender = parse (f, "appsrc name=in format=time ! datachannelsink name=dc mode=raw");
  g_autoptr (GstElement) receiver = parse (f, "datachannelsrc name=dc mode=raw ! fakesink");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (pipeline_get (sender, "dc"), "sink");
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_element_set_state (receiver, GST_STATE_PLAYING);
  gst_element_set_state (sender, GST_STATE_PLAYING);
  push (sender, 5, 0, 0);
  push_end (sender);
  wait_message (sender, GST_MESSAGE_EOS);
  pipeline_stop (receiver);
  pipeline_wait_message (sender, "datachannel-peer-left", 1);
  gst_pad_send_event (pad, gst_event_new_flush_start ());
  gst_pad_send_event (pad, gst_event_new_flush_stop (TRUE));
  gst_pad_send_event (pad, gst_event_new_segment (&segment));
  g_assert_true (gst_pad_send_event (pad, gst_event_new_eos ()));
  pipeline_stop (sender);
}

typedef struct {
  gint sent, received;
  gint lead; /* the largest */
} Race;

static void
on_sent (GstElement *identity, GstBuffer *buffer, Race *race)
{
  g_atomic_int_inc (&race->sent);
}

static void
on_received (GstElement *sink, GstBuffer *buffer, GstPad *pad, Race *race)
{
  int lead = g_atomic_int_get (&race->sent) - g_atomic_int_add (&race->received, 1);

  race->lead = MAX (race->lead, lead);
}

/* The consumer takes 64 KiB each 4 ms; the producer could do many times that. It is never more than some windows ahead. */
static void
test_slow_consumer (PipelinesFixture *f, gconstpointer data)
{
  Race race = {0};
  g_autoptr (GstElement) sender = parse (f, "fakesrc num-buffers=600 sizetype=fixed sizemax=65536 filltype=zero "
                                            "! identity name=in signal-handoffs=true ! datachannelsink name=dc");
  g_autoptr (GstElement) receiver =
      parse (f, "datachannelsrc name=dc ! identity sleep-time=4000 ! fakesink name=out signal-handoffs=true");

  g_signal_connect (pipeline_get (sender, "in"), "handoff", G_CALLBACK (on_sent), &race);
  g_signal_connect (pipeline_get (receiver, "out"), "handoff", G_CALLBACK (on_received), &race);
  gst_element_set_state (receiver, GST_STATE_PLAYING);
  gst_element_set_state (sender, GST_STATE_PLAYING);
  wait_message (receiver, GST_MESSAGE_EOS);
  wait_message (sender, GST_MESSAGE_EOS);
  g_assert_cmpint (race.received, ==, 600);
  g_test_message ("the producer was %d KiB ahead", race.lead * 64);
  g_assert_cmpint (race.lead * 64, <=, 12 * 1024);
  pipeline_stop (sender);
  pipeline_stop (receiver);
}

static GstPadProbeReturn
hold_eos_cb (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  return GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_EOS ? GST_PAD_PROBE_OK : GST_PAD_PROBE_PASS;
}

static GstBusSyncReply
check_eos_cb (GstBus *bus, GstMessage *message, gpointer released)
{
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
    g_assert_true (g_atomic_int_get ((int *) released));
  return GST_BUS_PASS;
}

/* The far sink has not handled the end of the stream: the sender has not ended. */
static void
test_eos_waits_for_the_far_sink (PipelinesFixture *f, gconstpointer data)
{
  g_autoptr (GstElement) sender = parse (f, "fakesrc num-buffers=10 ! datachannelsink name=dc");
  g_autoptr (GstElement) receiver = parse (f, "datachannelsrc name=dc ! queue name=q ! fakesink");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (pipeline_get (receiver, "q"), "src");
  g_autoptr (GstBus) bus = gst_element_get_bus (sender);
  int released = FALSE;
  gulong probe =
      gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, hold_eos_cb, NULL, NULL);

  gst_bus_set_sync_handler (bus, check_eos_cb, &released, NULL);
  gst_element_set_state (receiver, GST_STATE_PLAYING);
  gst_element_set_state (sender, GST_STATE_PLAYING);
  while (!gst_pad_is_blocking (pad))
    g_thread_yield ();
  g_atomic_int_set (&released, TRUE);
  gst_pad_remove_probe (pad, probe);
  wait_message (receiver, GST_MESSAGE_EOS);
  wait_message (sender, GST_MESSAGE_EOS);
  pipeline_stop (sender);
  pipeline_stop (receiver);
}

/* At whatever moment, NULL is reached, and the other side says what happened. */
static void
test_stop_at_any_time (PipelinesFixture *f, gconstpointer data)
{
  for (guint moment = 0; moment < 4; moment++) {
    g_autoptr (GstElement) sender =
        parse (f, "fakesrc sizetype=fixed sizemax=20000 filltype=zero ! datachannelsink name=dc room=r%u", moment);
    g_autoptr (GstElement) receiver =
        parse (f, "datachannelsrc name=dc room=r%u ! appsink name=out max-buffers=1 sync=false", moment);
    gst_element_set_state (sender, GST_STATE_PLAYING);
    if (moment > 0)
      gst_element_set_state (receiver, GST_STATE_PLAYING);
    if (moment > 1)
      pipeline_wait_message (sender, "datachannel-connected", 1);
    if (moment > 2) { /* in the middle, with both blocked: nobody takes more than this */
      g_autoptr (GstSample) sample = NULL;
      g_signal_emit_by_name (pipeline_get (receiver, "out"), "pull-sample", &sample);
    }
    pipeline_stop (sender);
    pipeline_stop (receiver);
  }
}

/* The same two pipelines, one run after the other: nothing of the first is left. */
static void
test_play_again (PipelinesFixture *f, gconstpointer data)
{
  g_autoptr (GstElement) sender =
      parse (f, "fakesrc num-buffers=10 sizetype=fixed sizemax=1000 filltype=zero ! datachannelsink name=dc");
  g_autoptr (GstElement) receiver = parse (f, "datachannelsrc name=dc ! fakesink");

  for (guint i = 0; i < 3; i++) {
    gst_element_set_state (sender, GST_STATE_PLAYING);
    gst_element_set_state (receiver, GST_STATE_PLAYING);
    wait_message (receiver, GST_MESSAGE_EOS);
    wait_message (sender, GST_MESSAGE_EOS);
    gst_element_set_state (sender, GST_STATE_READY);
    gst_element_set_state (receiver, GST_STATE_READY);
  }
  pipeline_stop (sender);
  pipeline_stop (receiver);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (&argc, &argv);
  pipelines_add ("/pipelines/stream/same", test_stream_is_the_same);
  pipelines_add ("/pipelines/stream/raw", test_raw);
  pipelines_add ("/pipelines/stream/failing-sink", test_failing_sink);
  pipelines_add ("/pipelines/stream/raw-short", test_raw_short);
  pipelines_add ("/pipelines/stream/raw-ends-again", test_raw_ends_again);
  pipelines_add ("/pipelines/stream/slow-consumer", test_slow_consumer);
  pipelines_add ("/pipelines/stream/eos-waits-for-the-far-sink", test_eos_waits_for_the_far_sink);
  pipelines_add ("/pipelines/stream/stop-at-any-time", test_stop_at_any_time);
  pipelines_add ("/pipelines/stream/play-again", test_play_again);
  return g_test_run ();
}
