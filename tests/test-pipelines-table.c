/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-pipelines-table.c: real cases across a real data channel, frame by frame: what leaves the sender's pipeline is what the receiver's gets.
 *
 * Both pipelines are in this process, with a tape (tape.h) at either end. The two must be the same, but for what a
 * case is about. gst-launch-1.0 with a process for each side is tried in test-pipelines-launch.c. A case whose plugins are not installed is skipped. */
#include <string.h>

#include <gst/gst.h>

#include "tests/harness/dc-test-daemon.h"
#include "tests/harness/dc-test.h"
#include "tests/pipelines.h"
#include "tests/tape.h"

static DcTestDaemon *the_daemon;

/* --- Pipelines ------------------------------------------------------------------------------------------------------------------- */

static void
set_signaling_cb (const GValue *item, gpointer url)
{
  GObject *element = g_value_get_object (item);

  if (g_object_class_find_property (G_OBJECT_GET_CLASS (element), "signaling") != NULL)
    g_object_set (element, "signaling", url, NULL);
}

/* @text with @value in place of each "@". */
static char *
fill_in (const char *text, const char *value)
{
  g_auto (GStrv) parts = g_strsplit (text, "@", -1);

  return g_strjoinv (value, parts);
}

/* NULL: an element is missing, and the case is skipped. */
static GstElement *
parse (const char *description)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstParseContext) context = gst_parse_context_new ();
  GstElement *pipeline = gst_parse_launch_full (description, context, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  GstIterator *elements;

  if (g_error_matches (error, GST_PARSE_ERROR, GST_PARSE_ERROR_NO_SUCH_ELEMENT)) {
    g_test_skip (error->message);
    return NULL;
  }
  g_assert_no_error (error);
  elements = gst_bin_iterate_recurse (GST_BIN (pipeline));
  gst_iterator_foreach (elements, set_signaling_cb, (gpointer) dc_test_daemon_get_url (the_daemon));
  gst_iterator_free (elements);
  return pipeline;
}

static void
play (GstElement *pipeline)
{
  g_assert_cmpint (gst_element_set_state (pipeline, GST_STATE_PLAYING), !=, GST_STATE_CHANGE_FAILURE);
}

static void
wait_eos (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;
  g_autofree char *debug = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, &debug);
  g_test_message ("%s: %s", GST_MESSAGE_SRC_NAME (message), debug);
  g_assert_no_error (error);
}

/* --- What appsrc is fed ---------------------------------------------------------------------------------------------------------- */

static GstBuffer *
new_buffer (gsize size, GstClockTime pts, GstClockTime duration)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);

  gst_buffer_memset (buffer, 0, (guint8) g_test_rand_int (), size);
  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DURATION (buffer) = duration;
  return buffer;
}

static void
push (GstElement *in, GstBuffer *buffer)
{
  GstFlowReturn flow;

  g_signal_emit_by_name (in, "push-buffer", buffer, &flow);
  gst_buffer_unref (buffer);
  g_assert_cmpint (flow, ==, GST_FLOW_OK);
}

static void
push_text (GstElement *in, const char *text, GstClockTime pts, GstClockTime duration)
{
  GstBuffer *buffer = gst_buffer_new_memdup (text, strlen (text));

  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DURATION (buffer) = duration;
  push (in, buffer);
}

/* As who knows that there will be nothing for a while. */
static GstPadProbeReturn
precede_by_gap_cb (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstClockTime pts = GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info));

  if (pts > 0)
    g_assert_true (gst_pad_push_event (pad, gst_event_new_gap (pts - GST_MSECOND, GST_MSECOND)));
  return GST_PAD_PROBE_OK;
}

static void
push_end (GstElement *in)
{
  GstFlowReturn flow;

  g_signal_emit_by_name (in, "end-of-stream", &flow);
}

/* With gaps between: now and then a packet, as a drone's telemetry. */
static void
feed_klv (GstElement *in)
{
  static const guint8 key[16] = {
      0x06, 0x0e, 0x2b, 0x34, 0x02, 0x0b, 0x01, 0x01, 0x0e, 0x01, 0x03, 0x01, 0x01, 0x00, 0x00, 0x00};

  g_autoptr (GstPad) pad = gst_element_get_static_pad (in, "src");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, precede_by_gap_cb, NULL, NULL);
  for (guint i = 0; i < 30; i++) {
    GstBuffer *buffer = new_buffer (16 + 1 + i, i * i * GST_SECOND, GST_CLOCK_TIME_NONE);
    guint8 length = (guint8) i;
    gst_buffer_fill (buffer, 0, key, sizeof key);
    gst_buffer_fill (buffer, sizeof key, &length, 1);
    push (in, buffer);
  }
}

static void
feed_subtitles (GstElement *in)
{
  push_text (in, "Good morning.", 500 * GST_MSECOND, 2 * GST_SECOND);
  push_text (in, "\xc3\x84 \xe2\x82\xac \xf0\x9f\x98\x80\nof two lines", 4 * GST_SECOND, GST_SECOND);
  push_text (in, "much later", 3600 * GST_SECOND, 40 * GST_MSECOND);
}

static void
feed_odd (GstElement *in)
{
  static const gsize sizes[] = {1, 0, 65535, 65536, 65537, 5 * 1024 * 1024, 0, 3, 1000003};
  static const GstClockTime times[] = {5, GST_CLOCK_TIME_NONE, 0, 4, 4, 1000 * GST_SECOND, 7, 8, 9};

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++) {
    GstBuffer *buffer = new_buffer (sizes[i], times[i], i % 2 == 0 ? GST_CLOCK_TIME_NONE : i);
    GST_BUFFER_DTS (buffer) = i % 3 == 0 ? GST_CLOCK_TIME_NONE : times[i];
    GST_BUFFER_OFFSET (buffer) = 10 * i;
    GST_BUFFER_OFFSET_END (buffer) = 10 * i + 5;
    GST_BUFFER_FLAG_SET (buffer, i % 2 == 0 ? GST_BUFFER_FLAG_DELTA_UNIT : GST_BUFFER_FLAG_MARKER);
    push (in, buffer);
  }
}

static void
feed_lists (GstElement *in)
{
  for (guint i = 0; i < 20; i++) {
    g_autoptr (GstBufferList) list = gst_buffer_list_new ();
    GstFlowReturn flow;
    for (guint j = 0; j < i; j++)
      gst_buffer_list_add (list, new_buffer (100 * j, i * GST_SECOND + j, j));
    g_signal_emit_by_name (in, "push-buffer-list", list, &flow);
    g_assert_cmpint (flow, ==, GST_FLOW_OK);
  }
}

/* Frames that grow, each with caps of its own. */
static void
feed_changing_caps (GstElement *in)
{
  for (int i = 1; i <= 10; i++) {
    g_autoptr (GstCaps) caps = gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING, "GRAY8", "width",
        G_TYPE_INT, 4 * i, "height", G_TYPE_INT, 4, "framerate", GST_TYPE_FRACTION, 25, 1, NULL);
    g_object_set (in, "caps", caps, NULL);
    push (in, new_buffer (16 * i, i * 40 * GST_MSECOND, 40 * GST_MSECOND));
    push (in, new_buffer (16 * i, i * 40 * GST_MSECOND + 20 * GST_MSECOND, 40 * GST_MSECOND));
  }
}

/* --- One sender, one receiver ---------------------------------------------------------------------------------------------------- */

typedef struct {
  const char *name;
  const char *send, *receive;
  guint n_buffers;               /* 0: as many as there were */
  void (*feed) (GstElement *in); /* (nullable): what appsrc `in` sends */
  gboolean bytes_only;           /* nothing else crosses */
} Row;

#define IN "appsrc name=in format=time max-bytes=0 "

static const Row rows[] = {
    {"video/raw", "videotestsrc num-buffers=50 pattern=ball ! video/x-raw,width=64,height=48,framerate=25/1",
        "videoconvert ! fakesink", 50},
    {"video/vp8",
        "videotestsrc num-buffers=60 ! video/x-raw,width=64,height=48 ! vp8enc deadline=1 keyframe-max-dist=20",
        "vp8dec ! fakesink", 60},
    {"video/jpeg", "videotestsrc num-buffers=30 ! video/x-raw,width=64,height=48 ! jpegenc", "jpegdec ! fakesink", 30},
    {"video/matroska", "videotestsrc num-buffers=30 ! vp8enc deadline=1 ! matroskamux streamable=true",
        "matroskademux ! vp8dec ! fakesink"},
    {"audio/raw", "audiotestsrc num-buffers=200 ! audio/x-raw,rate=48000,channels=2", "audioconvert ! fakesink", 200},
    {"audio/vorbis", "audiotestsrc num-buffers=100 ! audioconvert ! vorbisenc", "vorbisdec ! fakesink"},
    {"audio/opus", "audiotestsrc num-buffers=100 ! audio/x-raw,rate=48000 ! opusenc", "opusdec ! fakesink"},
    {"audio/flac", "audiotestsrc num-buffers=50 ! flacenc", "flacparse ! flacdec ! fakesink"},
    {"metadata/klv", IN "caps=meta/x-klv,parsed=(boolean)true", "fakesink", 30, feed_klv},
    {"text/subtitles", IN "caps=text/x-raw,format=(string)utf8", "fakesink", 3, feed_subtitles},
    {"text/subparse", IN "caps=text/x-raw,format=(string)utf8", "queue ! fakesink", 3, feed_subtitles},
    {"app/odd", IN "caps=application/x-mine", "fakesink", 9, feed_odd},
    {"app/lists", IN "caps=application/x-mine", "fakesink", 190, feed_lists},
    {"app/bytes", "fakesrc num-buffers=100 sizetype=random sizemax=100000 filltype=random format=bytes", "fakesink",
        100},
    {"app/do-timestamp",
        "fakesrc num-buffers=100 sizetype=random sizemax=1000 filltype=random do-timestamp=true format=time",
        "fakesink", 100},
    {"caps-change", IN, "fakesink", 20, feed_changing_caps},
    {"tags", "audiotestsrc num-buffers=20 ! taginject tags=\"title=a\\ title,artist=somebody,bitrate=(uint)5\"",
        "fakesink", 20},
    {"raw/rtp",
        "videotestsrc num-buffers=30 ! video/x-raw,width=320,height=240 ! vp8enc deadline=1 ! rtpvp8pay mtu=1200",
        "application/x-rtp,media=video,clock-rate=90000,encoding-name=VP8,payload=96 ! rtpvp8depay ! vp8dec ! fakesink",
        0, NULL, TRUE},
};

static gboolean
play_pair (const Row *row, GstElement *sender, GstElement *receiver)
{
  play (receiver);
  play (sender);
  if (row->feed != NULL) {
    row->feed (pipeline_get (sender, "in"));
    push_end (pipeline_get (sender, "in"));
  }
  /* A raw sender's end is the channel's. */
  if (row->bytes_only) {
    wait_eos (sender);
    pipeline_stop (sender);
    wait_eos (receiver);
  } else {
    wait_eos (receiver);
    wait_eos (sender);
    pipeline_stop (sender);
  }
  pipeline_stop (receiver);
  return TRUE;
}

static void
test_row (gconstpointer data)
{
  const Row *row = data;
  const char *send_mode = row->bytes_only ? "mode=raw" : "";
  const char *receive_mode = row->bytes_only ? "mode=raw do-timestamp=true" : "";
  g_autofree char *send = g_strdup_printf ("%s ! datachannelsink name=dc %s", row->send, send_mode);
  g_autofree char *receive = g_strdup_printf ("datachannelsrc name=dc %s ! %s", receive_mode, row->receive);
  g_autoptr (GstElement) sender = parse (send), receiver = sender != NULL ? parse (receive) : NULL;
  g_autoptr (Tape) sent = NULL, received = NULL;

  if (receiver == NULL)
    return;
  dc_test_watchdog_start (60);
  sent = tape_of (pipeline_get (sender, "dc"));
  received = tape_of (pipeline_get (receiver, "dc"));
  play_pair (row, sender, receiver);
  if (row->n_buffers > 0)
    g_assert_cmpuint (received->sums->len, ==, row->n_buffers);
  g_assert_cmpuint (received->sums->len, >, 0);
  if (row->bytes_only)
    tape_assert_same_lines (sent->sums, received->sums);
  else
    tape_assert_same (sent, received);
  dc_test_watchdog_stop ();
}

/* --- Cases with more to them ------------------------------------------------------------------------------------------------------ */

/* Sender, receivers, and their tapes; made of descriptions in which the elements are named dc. */
typedef struct {
  GstElement *sender, *receivers[3];
  Tape *sent, *received[3];
} Fan;

static void
fan_clear (Fan *fan)
{
  g_clear_object (&fan->sender);
  g_clear_pointer (&fan->sent, tape_free);
  for (guint i = 0; i < G_N_ELEMENTS (fan->receivers); i++) {
    g_clear_object (&fan->receivers[i]);
    g_clear_pointer (&fan->received[i], tape_free);
  }
  dc_test_watchdog_stop ();
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fan, fan_clear)

static gboolean
fan_make (Fan *fan, const char *send, const char *receive, guint n)
{
  dc_test_watchdog_start (60);
  if ((fan->sender = parse (send)) == NULL)
    return FALSE;
  fan->sent = tape_of (pipeline_get (fan->sender, "dc"));
  for (guint i = 0; i < n; i++) {
    const char digits[] = {(char) ('0' + i), '\0'};
    g_autofree char *description = fill_in (receive, digits);
    if ((fan->receivers[i] = parse (description)) == NULL)
      return FALSE;
    fan->received[i] = tape_of (pipeline_get (fan->receivers[i], "dc"));
  }
  return TRUE;
}

static void
fan_end (Fan *fan, guint n)
{
  for (guint i = 0; i < n; i++)
    wait_eos (fan->receivers[i]);
  wait_eos (fan->sender);
  for (guint i = 0; i < n; i++)
    pipeline_stop (fan->receivers[i]);
  pipeline_stop (fan->sender);
}

static void
test_tee (void)
{
  g_auto (Fan) fan = {0};

  if (!fan_make (&fan,
          "videotestsrc num-buffers=50 ! video/x-raw,width=64,height=48 ! tee name=t "
          "t. ! queue ! datachannelsink room=r0 name=dc t. ! queue ! datachannelsink room=r1 "
          "t. ! queue ! datachannelsink room=r2",
          "datachannelsrc name=dc room=r@ ! fakesink", 3))
    return;
  for (guint i = 0; i < 3; i++)
    play (fan.receivers[i]);
  play (fan.sender);
  fan_end (&fan, 3);
  g_assert_cmpuint (fan.sent->sums->len, ==, 50);
  for (guint i = 0; i < 3; i++)
    tape_assert_same (fan.sent, fan.received[i]);
}

/* All three are there when it begins. */
static void
test_three_receivers (void)
{
  g_auto (Fan) fan = {0};

  if (!fan_make (&fan, IN "caps=application/x-mine ! datachannelsink name=dc max-receivers=3",
          "datachannelsrc name=dc peer-id=receiver-@ ! fakesink", 3))
    return;
  for (guint i = 0; i < 3; i++)
    play (fan.receivers[i]);
  play (fan.sender);
  pipeline_wait_message (fan.sender, "datachannel-peer-joined", 3);
  feed_odd (pipeline_get (fan.sender, "in"));
  feed_lists (pipeline_get (fan.sender, "in"));
  push_end (pipeline_get (fan.sender, "in"));
  fan_end (&fan, 3);
  for (guint i = 0; i < 3; i++)
    tape_assert_same (fan.sent, fan.received[i]);
}

/* Whoever comes while it runs gets it from a key unit on, which is asked for: the encoder would have made one only. */
static void
test_late_joiner (void)
{
  g_auto (Fan) fan = {0};

  if (!fan_make (&fan,
          "videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=60/1 ! "
          "vp8enc deadline=1 keyframe-max-dist=100000 ! datachannelsink name=dc max-receivers=2",
          "datachannelsrc name=dc peer-id=receiver-@ ! vp8dec ! fakesink sync=false", 2))
    return;
  play (fan.sender);
  play (fan.receivers[0]);
  tape_wait (fan.received[0], 20);
  play (fan.receivers[1]);
  tape_wait (fan.received[1], 20);
  gst_element_send_event (fan.sender, gst_event_new_eos ());
  fan_end (&fan, 2);
  tape_assert_tail (fan.sent, fan.received[0], 40);
  tape_assert_tail (fan.sent, fan.received[1], 20);
  g_assert_cmpuint (fan.received[1]->sums->len, <, fan.received[0]->sums->len);
  g_assert_cmpuint (fan.sent->n_key_units, >=, 2);
}

/* Paced by the sender's clock: 1.2 seconds of sound take that. */
static void
test_transport_stream (void)
{
  g_auto (Fan) fan = {0};
  gint64 begin;

  if (!fan_make (&fan,
          "audiotestsrc num-buffers=60 samplesperbuffer=960 ! audio/x-raw,rate=48000 ! opusenc ! "
          "mpegtsmux ! datachannelsink name=dc sync=true",
          "datachannelsrc name=dc is-live=true ! tsdemux ! opusdec ! fakesink", 1))
    return;
  play (fan.receivers[0]);
  begin = g_get_monotonic_time ();
  play (fan.sender);
  fan_end (&fan, 1);
  tape_assert_same_lines (fan.sent->sums, fan.received[0]->sums);
  g_assert_cmpint (fan.received[0]->last - begin, >, G_TIME_SPAN_SECOND);
}

/* Nothing of before the flush comes behind it; time begins where the application wanted. */
static void
test_seek (void)
{
  g_auto (Fan) fan = {0};

  if (!fan_make (&fan, "videotestsrc ! video/x-raw,width=64,height=48,framerate=25/1 ! datachannelsink name=dc",
          "datachannelsrc name=dc ! fakesink", 1))
    return;
  play (fan.receivers[0]);
  play (fan.sender);
  tape_wait (fan.received[0], 50);
  g_assert_true (gst_element_seek (fan.sender, 1.0, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET,
      1000 * GST_SECOND, GST_SEEK_TYPE_SET, 1004 * GST_SECOND));
  fan_end (&fan, 1);
  g_assert_cmpuint (fan.received[0]->n_flushes, ==, 1);
  g_assert_cmpuint (fan.received[0]->lines->len, ==, 100);
  tape_assert_same (fan.sent, fan.received[0]);
}

/* From the receiver's sink through its decoder, to the sender's encoder. */
static void
test_force_key_unit (void)
{
  g_auto (Fan) fan = {0};
  GstStructure *request = gst_structure_new ("GstForceKeyUnit", "running-time", GST_TYPE_CLOCK_TIME,
      GST_CLOCK_TIME_NONE, "all-headers", G_TYPE_BOOLEAN, FALSE, "count", G_TYPE_UINT, 0, NULL);
  g_autoptr (GstPad) pad = NULL;
  gboolean asked = FALSE;
  guint n_key_units;

  if (!fan_make (&fan,
          "videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=60/1 ! vp8enc deadline=1 "
          "keyframe-max-dist=100000 ! datachannelsink name=dc",
          "datachannelsrc name=dc is-live=true ! fakesink name=out", 1)) {
    gst_structure_free (request);
    return;
  }
  play (fan.receivers[0]);
  play (fan.sender);
  tape_wait (fan.received[0], 10);
  pad = gst_element_get_static_pad (pipeline_get (fan.receivers[0], "out"), "sink");
  asked = gst_pad_push_event (pad, gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM, request));
  g_assert_true (asked);
  g_mutex_lock (&fan.received[0]->lock);
  while ((n_key_units = fan.received[0]->n_key_units) < 2)
    g_cond_wait (&fan.received[0]->cond, &fan.received[0]->lock);
  g_mutex_unlock (&fan.received[0]->lock);
  gst_element_send_event (fan.sender, gst_event_new_eos ());
  fan_end (&fan, 1);
}

/* playbin knows its sink only as a property. */
static GstElement *
get_counter (GstElement *receiver)
{
  g_autoptr (GstElement) sink = NULL;

  if (g_object_class_find_property (G_OBJECT_GET_CLASS (receiver), "video-sink") == NULL)
    return pipeline_get (receiver, "count");
  g_object_get (receiver, "video-sink", &sink, NULL);
  return pipeline_get (sink, "count");
}

static void
count_cb (GstElement *identity, GstBuffer *buffer, guint *count)
{
  (*count)++;
}

/* @receive: with the address of the room in place of @, and an identity named count. */
static void
test_uri (gconstpointer receive)
{
  g_autofree char *uri =
      g_strdup_printf ("datachannel://127.0.0.1:%u/cam?peer-id=viewer", (guint) dc_test_daemon_get_port (the_daemon));
  g_autofree char *description = fill_in (receive, uri);
  g_autoptr (GstElement) sender =
      parse ("videotestsrc num-buffers=50 ! video/x-raw,width=64,height=48 ! vp8enc deadline=1 ! "
             "datachannelsink name=dc room=cam");
  g_autoptr (GstElement) receiver = sender != NULL ? parse (description) : NULL;
  guint count = 0;

  if (receiver == NULL)
    return;
  dc_test_watchdog_start (60);
  g_signal_connect (get_counter (receiver), "handoff", G_CALLBACK (count_cb), &count);
  play (receiver);
  play (sender);
  wait_eos (receiver);
  wait_eos (sender);
  g_assert_cmpuint (count, ==, 50);
  pipeline_stop (receiver);
  pipeline_stop (sender);
  dc_test_watchdog_stop ();
}

/* Two elements on each side, one connection between them. */
static void
test_two_ways (void)
{
  g_autoptr (GstElement) a = parse ("videotestsrc num-buffers=50 ! video/x-raw,width=64,height=48 ! "
                                    "datachannelsink name=to session=a peer-id=a room=talk "
                                    "datachannelsrc name=from session=a ! fakesink async=false");
  g_autoptr (GstElement) b = parse ("audiotestsrc num-buffers=100 ! audio/x-raw,rate=48000 ! "
                                    "datachannelsink name=to session=b peer-id=b room=talk "
                                    "datachannelsrc name=from session=b ! fakesink async=false");
  g_autoptr (Tape) a_sent = NULL, a_received = NULL, b_sent = NULL, b_received = NULL;

  if (a == NULL || b == NULL)
    return;
  dc_test_watchdog_start (60);
  a_sent = tape_of (pipeline_get (a, "to"));
  a_received = tape_of (pipeline_get (a, "from"));
  b_sent = tape_of (pipeline_get (b, "to"));
  b_received = tape_of (pipeline_get (b, "from"));
  play (a);
  play (b);
  wait_eos (a);
  wait_eos (b);
  tape_assert_same (a_sent, b_received);
  tape_assert_same (b_sent, a_received);
  g_assert_cmpuint (a_received->sums->len, ==, 100);
  pipeline_stop (a);
  pipeline_stop (b);
  dc_test_watchdog_stop ();
}

int
main (int argc, char **argv)
{
  int result;

  dc_test_init (&argc, &argv);
  gst_init (&argc, &argv);
  the_daemon = dc_test_daemon_new (NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *path = g_strconcat ("/table/", rows[i].name, NULL);
    g_test_add_data_func (path, &rows[i], test_row);
  }
  g_test_add_func ("/table/fan/tee", test_tee);
  g_test_add_func ("/table/fan/three-receivers", test_three_receivers);
  g_test_add_func ("/table/fan/late-joiner", test_late_joiner);
  g_test_add_func ("/table/transport-stream", test_transport_stream);
  g_test_add_func ("/table/seek", test_seek);
  g_test_add_func ("/table/force-key-unit", test_force_key_unit);
  g_test_add_data_func (
      "/table/uri/uridecodebin", "uridecodebin uri=@ ! identity name=count signal-handoffs=true ! fakesink", test_uri);
  g_test_add_data_func ("/table/uri/playbin",
      "playbin uri=@ video-sink=\"identity name=count signal-handoffs=true ! fakesink\"", test_uri);
  g_test_add_func ("/table/two-ways", test_two_ways);
  result = g_test_run ();
  dc_test_daemon_free (the_daemon);
  return result;
}
