/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sink-events.c: datachannelsink over a fake peer: events in both directions, flushes, raw mode, statistics. */
#include <string.h>

#include "plugins/dc-gst-event.h"
#include "plugins/gstdatachannelsink.h"
#include "tests/harness/dc-test-sink.h"
#include "tests/harness/dc-test.h"

#define SOURCE "appsrc name=in format=time caps=audio/x-a,rate=1 ! "
#define SINK SOURCE "datachannelsink name=dc "

/* --- Helpers -------------------------------------------------------------------------------------------------------------------- */

/* The sink plays and has sent one buffer. */
static void
play_one (DcTestElement *f)
{
  dc_test_element_play (f, SINK);
  dc_test_sink_push (f, "one");
  dc_test_take_kind (f->channel, DC_LINK_ITEM_CAPS);
  dc_test_take_kind (f->channel, DC_LINK_ITEM_SEGMENT);
  dc_test_take_data (f->channel, "one");
  g_assert_cmpint (gst_element_get_state (f->pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), ==, GST_STATE_CHANGE_SUCCESS);
}

static GstPad *
get_pad (DcTestElement *f)
{
  return GST_BASE_SINK_PAD (dc_test_element_get (f, "dc"));
}

static GstEvent *
new_custom (GstEventType type)
{
  return gst_event_new_custom (type, gst_structure_new ("my-event", "n", G_TYPE_INT, 7, NULL));
}

static GstEvent *
event_from (DcLinkItem *item)
{
  g_autoptr (DcLinkItem) owned = item;
  g_autoptr (GError) error = NULL;
  GstEvent *event = dc_gst_event_from_item (owned, &error);

  g_assert_no_error (error);
  g_assert_nonnull (event);
  return event;
}

static void
take_custom (DcTestElement *f, guint stream, GstEventType type)
{
  g_autoptr (GstEvent) event = event_from (dc_fake_channel_take_stream (f->channel, stream));
  int n = 0;

  g_assert_cmpint (GST_EVENT_TYPE (event), ==, type);
  g_assert_true (gst_event_has_name (event, "my-event"));
  g_assert_true (gst_structure_get_int (gst_event_get_structure (event), "n", &n));
  g_assert_cmpint (n, ==, 7);
}

static void
take_flush (DcTestElement *f, guint stream, DcLinkEvent kind, guint32 expected)
{
  g_autoptr (DcLinkItem) item = dc_fake_channel_take_stream (f->channel, stream);
  g_autoptr (GError) error = NULL;
  gboolean reset = FALSE;
  guint32 number = 0;

  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_EVENT);
  g_assert_cmpint (item->event, ==, kind);
  g_assert_true (dc_gst_event_parse_flush (item, &number, &reset, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (number, ==, expected);
  g_assert_cmpint (reset, ==, kind == DC_LINK_EVENT_FLUSH_STOP);
}

/* --- Downstream ------------------------------------------------------------------------------------------------------------------ */

/* No buffer has to come for them. */
static void
test_events_cross_at_once (void)
{
  g_auto (DcTestElement) f = {0};

  play_one (&f);
  g_assert_true (
      gst_pad_send_event (get_pad (&f), gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, "a song", NULL))));
  g_autoptr (GstEvent) event = event_from (dc_fake_channel_take (f.channel));
  GstTagList *tags;
  g_autofree char *title = NULL;
  gst_event_parse_tag (event, &tags);
  g_assert_true (gst_tag_list_get_string (tags, GST_TAG_TITLE, &title));
  g_assert_cmpstr (title, ==, "a song");

  g_assert_true (gst_pad_send_event (get_pad (&f), new_custom (GST_EVENT_CUSTOM_DOWNSTREAM)));
  take_custom (&f, 0, GST_EVENT_CUSTOM_DOWNSTREAM);
  g_assert_true (gst_pad_send_event (get_pad (&f), new_custom (GST_EVENT_CUSTOM_DOWNSTREAM_STICKY)));
  take_custom (&f, 0, GST_EVENT_CUSTOM_DOWNSTREAM_STICKY);
  g_assert_true (gst_pad_send_event (get_pad (&f), new_custom (GST_EVENT_CUSTOM_BOTH)));
  take_custom (&f, 0, GST_EVENT_CUSTOM_BOTH);
}

static void
test_events_gap (void)
{
  g_auto (DcTestElement) f = {0};
  GstClockTime timestamp, duration;

  play_one (&f);
  g_assert_true (gst_pad_send_event (get_pad (&f), gst_event_new_gap (5, 6)));
  g_autoptr (GstEvent) event = event_from (dc_fake_channel_take (f.channel));
  g_assert_cmpint (GST_EVENT_TYPE (event), ==, GST_EVENT_GAP);
  gst_event_parse_gap (event, &timestamp, &duration);
  g_assert_cmpuint (timestamp, ==, 5);
  g_assert_cmpuint (duration, ==, 6);
}

/* Events must not hold up the preroll, nor get lost by that. */
static void
test_events_before_preroll (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_launch (&f, SINK);
  gst_element_set_state (f.pipeline, GST_STATE_PAUSED);
  f.peer = dc_fake_wait_peer ();
  g_assert_true (gst_pad_send_event (get_pad (&f), new_custom (GST_EVENT_CUSTOM_DOWNSTREAM)));
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  dc_test_sink_push (&f, "one");
  f.channel = dc_fake_peer_open (f.peer);
  dc_test_take_kind (f.channel, DC_LINK_ITEM_CAPS);
  dc_test_take_kind (f.channel, DC_LINK_ITEM_SEGMENT);
  take_custom (&f, 0, GST_EVENT_CUSTOM_DOWNSTREAM);
  dc_test_take_data (f.channel, "one");
}

/* It passes a buffer that waits for room. */
static void
test_events_out_of_band (void)
{
  g_auto (DcTestElement) f = {0};

  play_one (&f);
  dc_fake_channel_set_window (f.channel, 0);
  dc_test_sink_push (&f, "two");
  dc_fake_channel_wait_blocked (f.channel);
  g_assert_true (gst_pad_send_event (get_pad (&f), new_custom (GST_EVENT_CUSTOM_DOWNSTREAM_OOB)));
  take_custom (&f, DC_GST_STREAM_OUT_OF_BAND, GST_EVENT_CUSTOM_DOWNSTREAM_OOB);
}

static void
test_buffer_list (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (GstBufferList) list = gst_buffer_list_new ();
  GstFlowReturn flow;

  play_one (&f);
  gst_buffer_list_add (list, gst_buffer_new_memdup ("two", 3));
  gst_buffer_list_add (list, gst_buffer_new_memdup ("three", 5));
  g_signal_emit_by_name (dc_test_element_get (&f, "in"), "push-buffer-list", list, &flow);
  g_assert_cmpint (flow, ==, GST_FLOW_OK);
  dc_test_take_data (f.channel, "two");
  dc_test_take_data (f.channel, "three");
}

/* --- Upstream --------------------------------------------------------------------------------------------------------------------- */

typedef struct {
  GMutex lock;
  GCond cond;
  GQueue names; /* (element-type utf8) */
} Seen;

static GstPadProbeReturn
see (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  Seen *seen = data;

  if (GST_EVENT_TYPE (event) != GST_EVENT_CUSTOM_UPSTREAM)
    return GST_PAD_PROBE_OK;
  g_mutex_lock (&seen->lock);
  g_queue_push_tail (&seen->names, g_strdup (gst_structure_get_name (gst_event_get_structure (event))));
  g_cond_signal (&seen->cond);
  g_mutex_unlock (&seen->lock);
  return GST_PAD_PROBE_OK;
}

static void
give_upstream (DcTestElement *f, const char *name)
{
  g_autoptr (GstEvent) event = gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM, gst_structure_new_empty (name));

  dc_fake_channel_give (f->channel, dc_gst_event_to_item (event, DC_GST_STREAM_UPSTREAM));
}

/* With no buffer under way; nonsense is passed over. */
static void
test_events_upstream (void)
{
  g_auto (DcTestElement) f = {0};
  Seen seen = {.names = G_QUEUE_INIT};
  DcLinkItem *nonsense = dc_link_item_new (DC_LINK_ITEM_EVENT);

  dc_test_element_play (&f, SINK);
  gst_pad_add_probe (get_pad (&f), GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, see, &seen, NULL);
  give_upstream (&f, "GstForceKeyUnit");
  nonsense->stream = DC_GST_STREAM_UPSTREAM;
  nonsense->event = DC_LINK_EVENT_CUSTOM;
  nonsense->payload = g_bytes_new_static ("nonsense", 8);
  dc_fake_channel_give (f.channel, nonsense);
  give_upstream (&f, "mine");
  g_mutex_lock (&seen.lock);
  while (seen.names.length < 2)
    g_cond_wait (&seen.cond, &seen.lock);
  g_assert_cmpstr (g_queue_peek_nth (&seen.names, 0), ==, "GstForceKeyUnit");
  g_assert_cmpstr (g_queue_peek_nth (&seen.names, 1), ==, "mine");
  g_mutex_unlock (&seen.lock);
  g_queue_clear_full (&seen.names, g_free);
}

/* --- Flushes ---------------------------------------------------------------------------------------------------------------------- */

/* What waits is not sent, the receiver is told out of band and in place, and the format comes again. */
static void
test_flush (void)
{
  g_auto (DcTestElement) f = {0};
  GstSegment segment;

  play_one (&f);
  dc_test_sink_push (&f, "left behind");
  dc_fake_channel_wait_count (f.channel, 1);
  dc_fake_channel_set_window (f.channel, 0);
  dc_test_sink_push (&f, "waiting");
  dc_fake_channel_wait_blocked (f.channel);
  g_assert_true (gst_pad_send_event (get_pad (&f), gst_event_new_flush_start ()));
  take_flush (&f, DC_GST_STREAM_OUT_OF_BAND, DC_LINK_EVENT_FLUSH_START, 1);
  g_assert_cmpuint (dc_fake_channel_count (f.channel), ==, 0);
  dc_fake_channel_set_window (f.channel, 100);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  g_assert_true (gst_pad_send_event (get_pad (&f), gst_event_new_flush_stop (TRUE)));
  g_assert_true (gst_pad_send_event (get_pad (&f), gst_event_new_segment (&segment)));
  g_assert_cmpint (gst_pad_chain (get_pad (&f), gst_buffer_new_memdup ("after", 5)), ==, GST_FLOW_OK);
  take_flush (&f, 0, DC_LINK_EVENT_FLUSH_STOP, 1);
  dc_test_take_kind (f.channel, DC_LINK_ITEM_CAPS);
  dc_test_take_kind (f.channel, DC_LINK_ITEM_SEGMENT);
  dc_test_take_data (f.channel, "after");
}

static void
test_flush_twice (void)
{
  g_auto (DcTestElement) f = {0};
  GstSegment segment;

  play_one (&f);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  for (guint i = 1; i <= 2; i++) {
    gst_pad_send_event (get_pad (&f), gst_event_new_flush_start ());
    take_flush (&f, DC_GST_STREAM_OUT_OF_BAND, DC_LINK_EVENT_FLUSH_START, i);
    gst_pad_send_event (get_pad (&f), gst_event_new_flush_stop (TRUE));
  }
  gst_pad_send_event (get_pad (&f), gst_event_new_segment (&segment));
  g_assert_cmpint (gst_pad_chain (get_pad (&f), gst_buffer_new_memdup ("after", 5)), ==, GST_FLOW_OK);
  take_flush (&f, 0, DC_LINK_EVENT_FLUSH_STOP, 2);
  dc_test_take_kind (f.channel, DC_LINK_ITEM_CAPS);
}

/* However often it is interrupted, a buffer goes out once. */
static void
test_pause_again_and_again (void)
{
  g_auto (DcTestElement) f = {0};

  play_one (&f);
  dc_fake_channel_set_window (f.channel, 0);
  dc_test_sink_push (&f, "two");
  for (guint i = 0; i < 50; i++) {
    gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
    dc_fake_channel_wait_blocked (f.channel);
    gst_element_set_state (f.pipeline, GST_STATE_PAUSED);
  }
  dc_fake_channel_set_window (f.channel, 10);
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  dc_test_sink_push (&f, "three");
  dc_test_take_data (f.channel, "two");
  dc_test_take_data (f.channel, "three");
  g_assert_cmpuint (dc_fake_channel_count (f.channel), ==, 0);
}

/* --- Raw mode --------------------------------------------------------------------------------------------------------------------- */

static void
play_raw (DcTestElement *f, const char *caps, const char *more)
{
  g_autofree char *description =
      g_strdup_printf ("appsrc name=in format=time caps=\"%s\" ! datachannelsink name=dc mode=raw %s", caps, more);

  dc_test_element_play (f, description);
}

static void
take_message (DcTestElement *f, const char *text, gboolean is_text)
{
  g_autoptr (DcLinkItem) item = dc_fake_channel_take (f->channel);

  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_DATA);
  g_assert_cmpuint (item->payload != NULL ? g_bytes_get_size (item->payload) : 0, ==, strlen (text));
  g_assert_cmpint ((item->flags & DC_LINK_FLAG_TEXT) != 0, ==, is_text);
}

/* Messages and nothing else. */
static void
test_raw (void)
{
  static const struct {
    const char *caps;
    gboolean text;
  } cases[] = {{"text/x-raw,format=utf8", TRUE}, {"text/plain", TRUE}, {"application/octet-stream", FALSE},
      {"audio/x-a", FALSE}};

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (DcTestElement) f = {0};
    play_raw (&f, cases[i].caps, "");
    dc_test_sink_push (&f, "hello");
    dc_test_sink_push (&f, "");
    dc_test_sink_end_stream (&f);
    take_message (&f, "hello", cases[i].text);
    take_message (&f, "", cases[i].text);
    dc_test_take_kind (f.channel, DC_LINK_ITEM_FIN);
    dc_fake_channel_acknowledge_fin (f.channel);
    dc_test_element_wait_eos (&f);
  }
}

static void
test_raw_not_utf8 (void)
{
  g_auto (DcTestElement) f = {0};

  play_raw (&f, "text/x-raw,format=utf8", "");
  dc_test_sink_push (&f, "\xff\xfe");
  dc_test_element_wait_error (&f, GST_RESOURCE_ERROR_WRITE,
      "A buffer of 2 bytes cannot be sent as a text message: its caps say text, but it is not UTF-8");
}

static void
test_raw_too_large (void)
{
  g_auto (DcTestElement) f = {0};

  play_raw (&f, "audio/x-a", "max-message-size=4");
  dc_test_sink_push (&f, "fits");
  take_message (&f, "fits", FALSE);
  dc_test_sink_push (&f, "larger");
  dc_test_element_wait_error (&f, GST_RESOURCE_ERROR_WRITE,
      "A buffer of 6 bytes cannot be sent in raw mode: a message to \"far\" may have at most 4 bytes; make the buffers "
      "smaller before this element");
}

/* --- Statistics -------------------------------------------------------------------------------------------------------------------- */

static gboolean
has_stats (DcTestElement *f)
{
  g_autoptr (GstStructure) stats = NULL;

  g_object_get (dc_test_element_get (f, "dc"), "stats", &stats, NULL);
  g_assert_true (stats == NULL || gst_structure_has_name (stats, "datachannel-statistics"));
  return stats != NULL;
}

static void
test_stats (void)
{
  g_auto (DcTestElement) f = {0};
  guint interval;

  dc_test_element_launch (&f, SINK);
  g_assert_false (has_stats (&f));
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  f.peer = dc_fake_wait_peer ();
  g_assert_true (has_stats (&f));
  g_object_set (dc_test_element_get (&f, "dc"), "stats-interval", 250, NULL);
  g_object_get (f.peer, "stats-interval", &interval, NULL);
  g_assert_cmpuint (interval, ==, 250);
  dc_fake_peer_tell_statistics (f.peer);
  g_autoptr (GstMessage) message = dc_test_element_wait_message (&f, GST_MESSAGE_ELEMENT);
  g_assert_true (gst_message_has_name (message, "datachannel-statistics"));
  /* Those of the last run stay. */
  gst_element_set_state (f.pipeline, GST_STATE_READY);
  g_assert_true (has_stats (&f));
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (&argc, &argv);
  GST_ELEMENT_REGISTER (datachannelsink, NULL);

  g_test_add_func ("/sink/events/at-once", test_events_cross_at_once);
  g_test_add_func ("/sink/events/gap", test_events_gap);
  g_test_add_func ("/sink/events/before-preroll", test_events_before_preroll);
  g_test_add_func ("/sink/events/out-of-band", test_events_out_of_band);
  g_test_add_func ("/sink/events/upstream", test_events_upstream);
  g_test_add_func ("/sink/buffer-list", test_buffer_list);
  g_test_add_func ("/sink/flush", test_flush);
  g_test_add_func ("/sink/flush/twice", test_flush_twice);
  g_test_add_func ("/sink/pause-again-and-again", test_pause_again_and_again);
  g_test_add_func ("/sink/raw", test_raw);
  g_test_add_func ("/sink/raw/not-utf8", test_raw_not_utf8);
  g_test_add_func ("/sink/raw/too-large", test_raw_too_large);
  g_test_add_func ("/sink/stats", test_stats);
  return g_test_run ();
}
