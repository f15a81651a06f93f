/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-src-live.c: datachannelsrc over a fake peer, in a GstHarness with a test clock: live or not, whose time it is. */
#include "plugins/dc-gst-event.h"
#include "plugins/gstdatachannelsrc.h"
#include "tests/harness/dc-test-source.h"
#include "tests/harness/dc-test.h"

#define NONE GST_CLOCK_TIME_NONE
#define HOUR (3600 * GST_SECOND)

/* The next buffer says @text; it is for @running_time. */
static void
pull_at (DcTestSource *f, const char *text, GstClockTime running_time)
{
  g_autoptr (GstBuffer) buffer = dc_test_source_pull_data (f, text);

  g_assert_cmpuint (dc_test_source_get_running_time (f, GST_BUFFER_PTS (buffer)), ==, running_time);
}

/* --- The time of the stream ------------------------------------------------------------------------------------------------------- */

/* The stream has been running for an hour, and we for seven seconds. */
static void
test_plays_at_once (void)
{
  g_auto (DcTestSource) f = {0};

  dc_test_source_play (&f, "datachannelsrc is-live=true");
  gst_harness_set_time (f.harness, 7 * GST_SECOND);
  dc_test_give_segment (f.channel, GST_FORMAT_TIME, 0, NONE);
  dc_test_give_data (f.channel, "one", HOUR, NONE);
  pull_at (&f, "one", 7 * GST_SECOND);
  /* From there on the distances are the sender's. */
  gst_harness_set_time (f.harness, 20 * GST_SECOND);
  dc_test_give_data (f.channel, "two", HOUR + GST_SECOND, NONE);
  pull_at (&f, "two", 8 * GST_SECOND);
}

/* We were first, and wait for the sender. */
static void
test_starts_late (void)
{
  g_auto (DcTestSource) f = {0};

  dc_test_source_play (&f, "datachannelsrc is-live=true");
  gst_harness_set_time (f.harness, HOUR);
  dc_test_give_segment (f.channel, GST_FORMAT_TIME, 500, NONE);
  dc_test_give_data (f.channel, "one", 500, NONE);
  pull_at (&f, "one", HOUR);
}

/* As encoders make it: what is decoded first comes before the segment. */
static void
test_decoded_before_the_segment (void)
{
  g_auto (DcTestSource) f = {0};

  dc_test_source_play (&f, "datachannelsrc is-live=true");
  gst_harness_set_time (f.harness, GST_SECOND);
  dc_test_give_segment (f.channel, GST_FORMAT_TIME, 1000 * HOUR, NONE);
  dc_test_give_data (f.channel, "one", 1000 * HOUR, 1000 * HOUR - 80 * GST_MSECOND);
  pull_at (&f, "one", GST_SECOND);
}

static void
test_gap_comes_first (void)
{
  g_auto (DcTestSource) f = {0};
  g_autoptr (GstEvent) gap = NULL;

  dc_test_source_play (&f, "datachannelsrc is-live=true");
  gst_harness_set_time (f.harness, 7 * GST_SECOND);
  dc_test_give_segment (f.channel, GST_FORMAT_TIME, 0, NONE);
  dc_test_give_event (f.channel, 0, gst_event_new_gap (HOUR, GST_SECOND));
  gap = dc_test_source_pull_event (&f, GST_EVENT_GAP);
  g_assert_cmpuint (dc_test_source_get_running_time (&f, HOUR), ==, 7 * GST_SECOND);
  dc_test_give_data (f.channel, "one", HOUR + GST_SECOND, NONE);
  pull_at (&f, "one", 8 * GST_SECOND);
}

/* A flush that begins time anew, and one that does not. */
static void
test_flush (void)
{
  g_auto (DcTestSource) f = {0};

  dc_test_source_play (&f, "datachannelsrc is-live=true");
  gst_harness_set_time (f.harness, 7 * GST_SECOND);
  dc_test_give_segment (f.channel, GST_FORMAT_TIME, 0, NONE);
  dc_test_give_data (f.channel, "one", HOUR, NONE);
  pull_at (&f, "one", 7 * GST_SECOND);
  gst_harness_set_time (f.harness, 9 * GST_SECOND);
  dc_test_give_flush_stop (f.channel, 1, FALSE);
  dc_test_give_segment (f.channel, GST_FORMAT_TIME, 0, NONE);
  dc_test_give_data (f.channel, "two", HOUR + GST_SECOND, NONE);
  pull_at (&f, "two", 8 * GST_SECOND);
  dc_test_give_flush_stop (f.channel, 2, TRUE);
  dc_test_give_segment (f.channel, GST_FORMAT_TIME, 0, NONE);
  dc_test_give_data (f.channel, "three", 0, NONE);
  pull_at (&f, "three", 9 * GST_SECOND);
}

static void
test_not_live (void)
{
  g_auto (DcTestSource) f = {0};

  dc_test_source_play (&f, "datachannelsrc");
  gst_harness_set_time (f.harness, 7 * GST_SECOND);
  dc_test_give_segment (f.channel, GST_FORMAT_TIME, 0, NONE);
  dc_test_give_data (f.channel, "one", HOUR, NONE);
  pull_at (&f, "one", HOUR);
}

/* Nothing of the sender's time is left. */
static void
test_do_timestamp (void)
{
  static const char *const descriptions[] = {
      "datachannelsrc do-timestamp=true", "datachannelsrc do-timestamp=true is-live=true"};

  for (gsize i = 0; i < G_N_ELEMENTS (descriptions); i++) {
    g_auto (DcTestSource) f = {0};
    g_autoptr (GstEvent) gap = NULL;
    GstClockTime timestamp, duration;
    dc_test_source_play (&f, descriptions[i]);
    gst_harness_set_time (f.harness, 7 * GST_SECOND);
    dc_test_give_segment (f.channel, i == 0 ? GST_FORMAT_BYTES : GST_FORMAT_TIME, 50, NONE);
    dc_test_give_data (f.channel, "one", HOUR, HOUR);
    pull_at (&f, "one", 7 * GST_SECOND);
    dc_test_give_event (f.channel, 0, gst_event_new_gap (HOUR, GST_SECOND));
    gap = dc_test_source_pull_event (&f, GST_EVENT_GAP);
    gst_event_parse_gap (gap, &timestamp, &duration);
    g_assert_cmpuint (dc_test_source_get_running_time (&f, timestamp), ==, 7 * GST_SECOND);
    g_assert_cmpuint (duration, ==, GST_SECOND);
  }
}

/* --- Latency ---------------------------------------------------------------------------------------------------------------------- */

static void
assert_latency (DcTestSource *f, gboolean live, GstClockTime latency)
{
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  GstClockTime min, max;
  gboolean is_live;

  g_assert_true (gst_pad_peer_query (f->harness->sinkpad, query));
  gst_query_parse_latency (query, &is_live, &min, &max);
  g_assert_cmpint (is_live, ==, live);
  g_assert_cmpuint (min, ==, latency);
  g_assert_cmpuint (max, ==, NONE);
}

static void
test_latency (void)
{
  g_auto (DcTestSource) f = {0};
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;

  dc_test_source_play (&f, "datachannelsrc is-live=true");
  assert_latency (&f, TRUE, 100 * GST_MSECOND);
  gst_element_set_bus (f.harness->element, bus);
  g_object_set (f.harness->element, "latency", 250, NULL);
  message = gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_LATENCY);
  g_assert_nonnull (message);
  assert_latency (&f, TRUE, 250 * GST_MSECOND);
  gst_element_set_bus (f.harness->element, NULL);
}

static void
test_latency_not_live (void)
{
  g_auto (DcTestSource) f = {0};

  dc_test_source_play (&f, "datachannelsrc latency=500");
  assert_latency (&f, FALSE, 0);
}

/* --- States ----------------------------------------------------------------------------------------------------------------------- */

static void
make_paused (DcTestSource *f, const char *description)
{
  dc_test_source_make (f, description);
  g_assert_cmpint (gst_element_set_state (f->harness->element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_NO_PREROLL);
  f->peer = dc_fake_wait_peer ();
  f->channel = dc_fake_peer_open (f->peer);
}

/* An event that overtakes says that the source is at work; its data wait for PLAYING. */
static void
test_nothing_in_paused (void)
{
  g_auto (DcTestSource) f = {0};
  g_autoptr (GstEvent) event = NULL;

  make_paused (&f, "datachannelsrc is-live=true");
  dc_test_give_data (f.channel, "one", NONE, NONE);
  dc_test_give_event (
      f.channel, 1, gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM_OOB, gst_structure_new_empty ("x")));
  event = dc_test_source_pull_event (&f, GST_EVENT_CUSTOM_DOWNSTREAM_OOB);
  g_assert_cmpuint (gst_harness_buffers_received (f.harness), ==, 0);
  g_assert_cmpint (gst_element_set_state (f.harness->element, GST_STATE_PLAYING), ==, GST_STATE_CHANGE_SUCCESS);
  gst_buffer_unref (dc_test_source_pull_data (&f, "one"));
}

static void
test_stopped_in_paused (void)
{
  for (guint i = 0; i < 50; i++) {
    g_auto (DcTestSource) f = {0};
    make_paused (&f, "datachannelsrc is-live=true");
    dc_test_give_data (f.channel, "one", NONE, NONE);
    if (i % 2 == 0)
      dc_test_give_end (f.channel);
    gst_element_set_state (f.harness->element, GST_STATE_NULL);
    g_assert_cmpuint (gst_harness_buffers_received (f.harness), ==, 0);
  }
}

/* Pausing again and again loses nothing, and at most what was on its way comes out behind. */
static void
test_paused_again_and_again (void)
{
  g_auto (DcTestSource) f = {0};

  make_paused (&f, "datachannelsrc is-live=true");
  for (guint i = 0; i < 300; i++) {
    g_autofree char *text = g_strdup_printf ("buffer %u", i);
    guint received;
    gst_element_set_state (f.harness->element, GST_STATE_PLAYING);
    dc_test_give_data (f.channel, text, NONE, NONE);
    if (i % 2 == 0)
      gst_buffer_unref (dc_test_source_pull_data (&f, text));
    g_assert_cmpint (gst_element_set_state (f.harness->element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_NO_PREROLL);
    received = gst_harness_buffers_received (f.harness);
    g_assert_cmpuint (received, <=, i + 1);
    gst_element_set_state (f.harness->element, GST_STATE_PLAYING);
    if (i % 2 != 0)
      gst_buffer_unref (dc_test_source_pull_data (&f, text));
  }
  dc_test_give_end (f.channel);
  dc_fake_channel_wait_accepted (f.channel);
}

static void
test_eos_from_the_application (void)
{
  static const GstState states[] = {GST_STATE_PLAYING, GST_STATE_PAUSED};

  for (guint i = 0; i < 40; i++) {
    g_auto (DcTestSource) f = {0};
    g_autoptr (GstEvent) eos = NULL;
    make_paused (&f, "datachannelsrc is-live=true");
    gst_element_set_state (f.harness->element, states[i % 2]);
    dc_test_give_data (f.channel, "one", NONE, NONE);
    gst_element_send_event (f.harness->element, gst_event_new_eos ());
    gst_element_set_state (f.harness->element, GST_STATE_PLAYING);
    eos = dc_test_source_pull_event (&f, GST_EVENT_EOS);
  }
}

/* PLAYING, READY, PLAYING: another channel, and nothing of the first. */
static void
test_played_again (void)
{
  g_auto (DcTestSource) f = {0};

  dc_test_source_play (&f, "datachannelsrc is-live=true");
  for (guint i = 0; i < 5; i++) {
    gst_harness_set_time (f.harness, (i + 1) * GST_SECOND);
    dc_test_give_segment (f.channel, GST_FORMAT_TIME, 0, NONE);
    dc_test_give_data (f.channel, "one", HOUR * (5 - i), NONE);
    dc_test_give_data (f.channel, "not any more", HOUR * (5 - i), NONE);
    pull_at (&f, "one", (i + 1) * GST_SECOND);
    gst_element_set_state (f.harness->element, GST_STATE_READY);
    g_assert_true (dc_fake_peer_is_stopped (f.peer));
    while (gst_harness_buffers_in_queue (f.harness) > 0)
      gst_buffer_unref (gst_harness_pull (f.harness));
    g_clear_object (&f.peer);
    g_clear_object (&f.channel);
    gst_element_set_state (f.harness->element, GST_STATE_PLAYING);
    f.peer = dc_fake_wait_peer ();
    f.channel = dc_fake_peer_open (f.peer);
  }
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (&argc, &argv);
  GST_ELEMENT_REGISTER (datachannelsrc, NULL);

  g_test_add_func ("/src-live/time/plays-at-once", test_plays_at_once);
  g_test_add_func ("/src-live/time/starts-late", test_starts_late);
  g_test_add_func ("/src-live/time/decoded-before-the-segment", test_decoded_before_the_segment);
  g_test_add_func ("/src-live/time/gap-first", test_gap_comes_first);
  g_test_add_func ("/src-live/time/flush", test_flush);
  g_test_add_func ("/src-live/time/not-live", test_not_live);
  g_test_add_func ("/src-live/time/do-timestamp", test_do_timestamp);
  g_test_add_func ("/src-live/latency/live", test_latency);
  g_test_add_func ("/src-live/latency/not-live", test_latency_not_live);
  g_test_add_func ("/src-live/state/nothing-in-paused", test_nothing_in_paused);
  g_test_add_func ("/src-live/state/stopped-in-paused", test_stopped_in_paused);
  g_test_add_func ("/src-live/state/paused-again-and-again", test_paused_again_and_again);
  g_test_add_func ("/src-live/state/eos-from-the-application", test_eos_from_the_application);
  g_test_add_func ("/src-live/state/played-again", test_played_again);
  return g_test_run ();
}
