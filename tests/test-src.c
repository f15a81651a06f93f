/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-src.c: datachannelsrc over a fake peer: what it pushes, when it tells the sender that all is well, what it survives. */
#include <string.h>

#include "plugins/gstdatachannelsrc.h"
#include "tests/harness/dc-test-element.h"
#include "tests/harness/dc-test-source.h"
#include "tests/harness/dc-test.h"

static GstSample *
pull_sample (DcTestElement *f)
{
  GstSample *sample = NULL;

  g_signal_emit_by_name (dc_test_element_get (f, "out"), "pull-sample", &sample);
  return sample;
}

static void
pull_data (DcTestElement *f, const char *text, guint64 pts, guint64 dts)
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
pull_end (DcTestElement *f)
{
  g_assert_null (pull_sample (f));
}

#define NONE GST_CLOCK_TIME_NONE
#define SRC "datachannelsrc name=dc ! appsink name=out sync=false max-buffers=1"

/* In PLAYING, with a clock: then the base class would invent what is missing. */
static void
test_src_stream_is_the_senders (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (GstSample) sample = NULL;
  g_autoptr (GstCaps) expected = gst_caps_from_string ("video/x-v, width=3");
  const GstSegment *segment;

  dc_test_element_play (&f, SRC);
  dc_test_give_caps (f.channel, "video/x-v, width=3");
  dc_test_give_segment (f.channel, GST_FORMAT_TIME, 100, 900);
  dc_test_give_data (f.channel, "one", 100, NONE);
  dc_test_give_data (f.channel, "two", NONE, 90);
  dc_test_give_data (f.channel, "three", NONE, NONE);
  dc_test_give_end (f.channel);
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
  dc_test_element_wait_eos (&f);
  dc_test_element_stop (&f);
  g_assert_null (dc_fake_channel_dup_abort (f.channel));
}

/* A segment of bytes says where it stops; the base class would end the stream there, and the FIN would never be accepted. */
static void
test_src_segment_of_bytes_with_a_stop (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_play (&f, SRC);
  dc_test_give_segment (f.channel, GST_FORMAT_BYTES, 0, 6);
  dc_test_give_data (f.channel, "abcdef", NONE, NONE);
  dc_test_give_data (f.channel, "ghi", NONE, NONE);
  dc_test_give_end (f.channel);
  pull_data (&f, "abcdef", NONE, NONE);
  pull_data (&f, "ghi", NONE, NONE);
  pull_end (&f);
  dc_fake_channel_wait_accepted (f.channel);
}

static void
test_src_format_changes (void)
{
  g_auto (DcTestElement) f = {0};
  static const struct {
    const char *caps;
    GstFormat format;
  } parts[] = {{"a/x", GST_FORMAT_BYTES}, {"a/y", GST_FORMAT_TIME}, {"a/z", GST_FORMAT_DEFAULT}};

  dc_test_element_play (&f, SRC);
  for (gsize i = 0; i < G_N_ELEMENTS (parts); i++) {
    g_autoptr (GstSample) sample = NULL;
    g_autoptr (GstCaps) caps = gst_caps_from_string (parts[i].caps);
    dc_test_give_caps (f.channel, parts[i].caps);
    dc_test_give_segment (f.channel, parts[i].format, 0, DC_LINK_NONE);
    dc_test_give_data (f.channel, "x", NONE, NONE);
    sample = pull_sample (&f);
    g_assert_true (gst_caps_is_equal (gst_sample_get_caps (sample), caps));
    g_assert_cmpint (gst_sample_get_segment (sample)->format, ==, parts[i].format);
  }
}

static void
test_src_empty_stream (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_play (&f, SRC);
  dc_test_give_end (f.channel);
  pull_end (&f);
  dc_fake_channel_wait_accepted (f.channel);
  dc_test_element_wait_eos (&f);
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
  g_auto (DcTestElement) f = {0};
  g_autoptr (GstPad) pad = NULL;
  gulong probe;

  dc_test_element_play (
      &f, "datachannelsrc name=dc ! queue ! queue2 ! multiqueue name=q ! fakesink name=end sync=false");
  pad = gst_element_get_static_pad (dc_test_element_get (&f, "q"), "src_0");
  probe =
      gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, hold_eos_cb, NULL, NULL);
  dc_test_give_segment (f.channel, GST_FORMAT_BYTES, 0, DC_LINK_NONE);
  dc_test_give_data (f.channel, "one", NONE, NONE);
  dc_test_give_end (f.channel);
  while (!gst_pad_is_blocking (pad))
    g_thread_yield ();
  g_assert_false (dc_fake_channel_is_accepted (f.channel));
  gst_pad_remove_probe (pad, probe);
  dc_test_element_wait_eos (&f);
  dc_fake_channel_wait_accepted (f.channel);
}

/* Whoever sees the pipeline's EOS stops it at once; the sender must have heard that all is well nevertheless. */
static void
test_src_stopped_upon_eos (void)
{
  static const char *const tails[] = {"fakesink", "queue ! fakesink", "tee name=t ! queue ! fakesink t. ! fakesink"};

  for (guint i = 0; i < 60; i++) {
    g_auto (DcTestElement) f = {0};
    g_autofree char *text = g_strdup_printf ("datachannelsrc name=dc ! %s", tails[i % G_N_ELEMENTS (tails)]);
    dc_test_element_play (&f, text);
    dc_test_give_data (f.channel, "one", NONE, NONE);
    dc_test_give_end (f.channel);
    dc_test_element_wait_eos (&f);
    dc_test_element_stop (&f);
    g_assert_true (dc_fake_channel_is_accepted (f.channel));
    g_assert_null (dc_fake_channel_dup_abort (f.channel));
  }
}

static void
test_src_stopped_before_the_end (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_play (&f, SRC);
  dc_test_give_data (f.channel, "one", NONE, NONE);
  dc_test_give_data (f.channel, "two", NONE, NONE);
  pull_data (&f, "one", NONE, NONE);
  dc_test_element_stop (&f);
  dc_test_assert_aborted (f.channel, "stopped before");
  g_assert_false (dc_fake_channel_is_accepted (f.channel));
  g_assert_false (dc_test_element_has_message (&f, GST_MESSAGE_ERROR));
}

/* EOS was pushed, but the application ends everything while the sink has not handled it. */
static void
test_src_stopped_while_sinks_are_busy (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (GstPad) pad = NULL;

  dc_test_element_play (&f, "datachannelsrc name=dc ! queue name=q ! fakesink sync=false");
  pad = gst_element_get_static_pad (dc_test_element_get (&f, "q"), "src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, hold_eos_cb, NULL, NULL);
  dc_test_give_data (f.channel, "one", NONE, NONE);
  dc_test_give_end (f.channel);
  while (!gst_pad_is_blocking (pad))
    g_thread_yield ();
  dc_test_element_stop (&f);
  dc_test_assert_aborted (f.channel, "stopped before");
  g_assert_false (dc_fake_channel_is_accepted (f.channel));
}

/* The flush takes the EOS away from the sinks; the channel does not give its FIN again. */
static void
test_src_flushed_while_sinks_are_busy (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (GstPad) pad = NULL;
  GstElement *element;
  gulong probe;

  dc_test_element_play (&f, "datachannelsrc name=dc ! queue name=q ! fakesink sync=false");
  element = dc_test_element_get (&f, "dc");
  pad = gst_element_get_static_pad (dc_test_element_get (&f, "q"), "src");
  probe =
      gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, hold_eos_cb, NULL, NULL);
  dc_test_give_data (f.channel, "one", NONE, NONE);
  dc_test_give_end (f.channel);
  while (!gst_pad_is_blocking (pad))
    g_thread_yield ();
  /* A sink that a flush meets on its way to PLAYING does not always get there. */
  g_assert_cmpint (gst_element_get_state (f.pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), ==, GST_STATE_CHANGE_SUCCESS);
  gst_element_send_event (element, gst_event_new_flush_start ());
  gst_pad_remove_probe (pad, probe);
  g_assert_false (dc_fake_channel_is_accepted (f.channel));
  gst_element_send_event (element, gst_event_new_flush_stop (TRUE));
  dc_test_element_wait_eos (&f);
  dc_fake_channel_wait_accepted (f.channel);
}

static void
test_src_stopped_while_alone (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_launch (&f, SRC);
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  f.peer = dc_fake_wait_peer ();
  dc_test_element_stop (&f);
  g_assert_true (dc_fake_peer_is_stopped (f.peer));
}

static void
test_src_eos_from_the_application (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_play (&f, SRC);
  dc_test_give_data (f.channel, "one", NONE, NONE);
  pull_data (&f, "one", NONE, NONE);
  gst_element_send_event (f.pipeline, gst_event_new_eos ());
  pull_end (&f);
  dc_test_element_wait_eos (&f);
  dc_test_element_stop (&f);
  dc_test_assert_aborted (f.channel, "stopped before");
}

/* What came before is delivered, then it is an error. */
static void
test_src_far_side_gone (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_play (&f, SRC);
  dc_test_give_data (f.channel, "one", NONE, NONE);
  dc_test_give_data (f.channel, "two", NONE, NONE);
  dc_fake_channel_end (f.channel, "the far side is gone");
  pull_data (&f, "one", NONE, NONE);
  pull_data (&f, "two", NONE, NONE);
  dc_test_element_wait_error (&f, GST_RESOURCE_ERROR_READ, "the far side is gone");
}

static void
test_src_peer_fails (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_launch (&f, SRC);
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  f.peer = dc_fake_wait_peer ();
  dc_fake_peer_fail (f.peer, DC_ERROR_CONNECTION, "nobody came");
  dc_test_element_wait_error (&f, GST_RESOURCE_ERROR_NOT_FOUND, "nobody came");
}

static void
test_src_nonsense (void)
{
  for (guint i = 0; i < 2; i++) {
    g_auto (DcTestElement) f = {0};
    g_autoptr (GstMessage) message = NULL;
    g_autoptr (GError) error = NULL;
    dc_test_element_play (&f, SRC);
    if (i == 0)
      dc_test_give_caps (f.channel, "<<<<");
    else
      dc_test_give_segment (f.channel, GST_FORMAT_UNDEFINED, 0, 0);
    message = dc_test_element_wait_message (&f, GST_MESSAGE_ERROR);
    gst_message_parse_error (message, &error, NULL);
    g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ);
    dc_test_element_stop (&f);
    dc_test_assert_aborted (f.channel, error->message);
  }
}

static void
test_src_caps_that_downstream_does_not_take (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  dc_test_element_play (&f, "datachannelsrc name=dc ! audio/x-raw ! fakesink");
  dc_test_give_caps (f.channel, "video/x-raw, width=1");
  dc_test_give_data (f.channel, "one", NONE, NONE);
  message = dc_test_element_wait_message (&f, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
}

static void
test_src_num_buffers (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_play (&f, "datachannelsrc name=dc num-buffers=2 ! appsink name=out sync=false");
  dc_test_give_data (f.channel, "one", NONE, NONE);
  dc_test_give_data (f.channel, "two", NONE, NONE);
  dc_test_give_data (f.channel, "three", NONE, NONE);
  pull_data (&f, "one", NONE, NONE);
  pull_data (&f, "two", NONE, NONE);
  pull_end (&f);
}

static void
test_src_do_timestamp (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (GstSample) sample = NULL;

  dc_test_element_play (
      &f, "datachannelsrc name=dc mode=raw do-timestamp=true ! appsink name=out sync=false async=false");
  g_assert_cmpint (gst_element_get_state (f.pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), !=, GST_STATE_CHANGE_FAILURE);
  dc_test_give_data (f.channel, "one", NONE, NONE);
  sample = pull_sample (&f);
  g_assert_true (GST_BUFFER_PTS_IS_VALID (gst_sample_get_buffer (sample)));
  g_assert_cmpint (gst_sample_get_segment (sample)->format, ==, GST_FORMAT_TIME);
}

static void
test_src_raw (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (GstSample) sample = NULL;
  g_autoptr (GstCaps) caps = gst_caps_from_string ("application/x-mine, a=1");

  dc_test_element_play (&f, "datachannelsrc name=dc mode=raw ! application/x-mine,a=1 ! appsink name=out sync=false");
  dc_test_give_data (f.channel, "one", NONE, NONE);
  dc_test_give_data (f.channel, "", NONE, NONE);
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
  g_auto (DcTestElement) f = {0};
  g_autoptr (GstQuery) query = gst_query_new_scheduling ();

  dc_test_element_launch (&f, SRC);
  g_assert_true (gst_pad_query (GST_BASE_SRC_PAD (dc_test_element_get (&f, "dc")), query));
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
  g_auto (DcTestElement) f = {0};
  g_autoptr (GstMessage) message = NULL;

  dc_test_element_play (&f, SRC);
  dc_test_give_data (f.channel, "one", NONE, NONE);
  pull_data (&f, "one", NONE, NONE);
  gst_element_send_event (
      dc_test_element_get (&f, "dc"), gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, "a title", NULL)));
  dc_test_give_data (f.channel, "two", NONE, NONE);
  pull_data (&f, "two", NONE, NONE);
  message = dc_test_element_wait_message (&f, GST_MESSAGE_TAG);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (&argc, &argv);
  GST_ELEMENT_REGISTER (datachannelsrc, NULL);

  g_test_add_func ("/src/stream-is-the-senders", test_src_stream_is_the_senders);
  g_test_add_func ("/src/bytes-with-a-stop", test_src_segment_of_bytes_with_a_stop);
  g_test_add_func ("/src/format-changes", test_src_format_changes);
  g_test_add_func ("/src/empty-stream", test_src_empty_stream);
  g_test_add_func ("/src/accepts-when-sinks-are-done", test_src_accepts_when_the_sinks_are_done);
  g_test_add_func ("/src/stopped-upon-eos", test_src_stopped_upon_eos);
  g_test_add_func ("/src/stopped-before-the-end", test_src_stopped_before_the_end);
  g_test_add_func ("/src/stopped-while-sinks-are-busy", test_src_stopped_while_sinks_are_busy);
  g_test_add_func ("/src/flushed-while-sinks-are-busy", test_src_flushed_while_sinks_are_busy);
  g_test_add_func ("/src/stopped-while-alone", test_src_stopped_while_alone);
  g_test_add_func ("/src/eos-from-the-application", test_src_eos_from_the_application);
  g_test_add_func ("/src/far-side-gone", test_src_far_side_gone);
  g_test_add_func ("/src/peer-fails", test_src_peer_fails);
  g_test_add_func ("/src/nonsense", test_src_nonsense);
  g_test_add_func ("/src/caps-refused-downstream", test_src_caps_that_downstream_does_not_take);
  g_test_add_func ("/src/num-buffers", test_src_num_buffers);
  g_test_add_func ("/src/do-timestamp", test_src_do_timestamp);
  g_test_add_func ("/src/raw", test_src_raw);
  g_test_add_func ("/src/scheduling-query", test_src_scheduling_query);
  g_test_add_func ("/src/application-events", test_src_events_of_the_application);
  return g_test_run ();
}
