/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-pipelines.c: pipelines across a real data channel: gst-launch-1.0 as people type it, and streams compared item by item. */
#include <signal.h>
#include <string.h>

#include <glib/gstdio.h>
#include <gst/gst.h>

#include "tests/harness/dc-test-daemon.h"
#include "tests/harness/dc-test-process.h"
#include "tests/harness/dc-test.h"

typedef struct {
  DcTestDaemon *daemon;
  char *dir;
} Fixture;

static void
fixture_set_up (Fixture *f, gconstpointer data)
{
  dc_test_watchdog_start (90);
  f->daemon = dc_test_daemon_new (NULL);
  f->dir = dc_test_make_dir ();
}

static void
fixture_tear_down (Fixture *f, gconstpointer data)
{
  dc_test_daemon_free (f->daemon);
  dc_test_remove_dir (f->dir);
  dc_test_watchdog_stop ();
}

/* --- gst-launch-1.0 ------------------------------------------------------------------------------------------------------------ */

static DcTestProcess *
launch (Fixture *f, const char *pipeline)
{
  g_autofree char *command = g_strconcat ("gst-launch-1.0 ", pipeline, NULL);
  g_autofree char *signaling = g_strconcat ("DC_SIGNALING=", dc_test_daemon_get_url (f->daemon), NULL);
  const char *const env[] = {signaling, NULL};
  g_auto (GStrv) argv = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_shell_parse_argv (command, NULL, &argv, &error));
  g_assert_no_error (error);
  return dc_test_process_newv ((const char *const *) argv, env);
}

static void
assert_exit (DcTestProcess *process, int expected)
{
  int status = dc_test_process_wait_exit (process);

  if (status != expected) {
    g_autofree char *output = dc_test_process_get_output (process);
    g_error ("exit status %d instead of %d; it said:\n%s", status, expected, output);
  }
}

/* The element itself says @sentence, and the process fails. */
static void
assert_fails (DcTestProcess *process, const char *sentence)
{
  while (strstr (dc_test_process_wait_line (process, "ERROR: from element"), sentence) == NULL)
    ;
  g_assert_cmpint (dc_test_process_wait_exit (process), !=, 0);
}

static gboolean
skip_without (const char *first, ...)
{
  va_list names;
  gboolean skip = FALSE;

  va_start (names, first);
  for (const char *name = first; name != NULL && !skip; name = va_arg (names, const char *)) {
    g_autoptr (GstElementFactory) factory = gst_element_factory_find (name);
    skip = factory == NULL;
    if (skip)
      g_test_skip_printf ("there is no element %s", name);
  }
  va_end (names);
  return skip;
}

static void
write_noise (const char *path, gsize size)
{
  g_autofree guint32 *words = g_new (guint32, size / 4);
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < size / 4; i++)
    words[i] = g_test_rand_int ();
  g_file_set_contents (path, (const char *) words, size, &error);
  g_assert_no_error (error);
}

static void
assert_same_file (const char *a, const char *b)
{
  g_autoptr (GMappedFile) mapped_a = g_mapped_file_new (a, FALSE, NULL);
  g_autoptr (GMappedFile) mapped_b = g_mapped_file_new (b, FALSE, NULL);

  g_assert_nonnull (mapped_a);
  g_assert_nonnull (mapped_b);
  g_assert_cmpmem (g_mapped_file_get_contents (mapped_a), g_mapped_file_get_length (mapped_a),
      g_mapped_file_get_contents (mapped_b), g_mapped_file_get_length (mapped_b));
}

/* Copies a file; the one that @first names is in the room before the other starts. */
static void
copy_file (Fixture *f, const char *first, const char *options)
{
  g_autofree char *in = g_build_filename (f->dir, "in", NULL), *out = g_build_filename (f->dir, "out", NULL);
  g_autofree char *send = g_strdup_printf ("-m filesrc location=%s ! datachannelsink room=copy %s", in, options);
  g_autofree char *receive = g_strdup_printf ("-m datachannelsrc room=copy %s ! filesink location=%s", options, out);
  gboolean sender_first = g_str_equal (first, "sender");
  g_autoptr (DcTestProcess) early = NULL, late = NULL;

  write_noise (in, 5 * 1000 * 1000);
  early = launch (f, sender_first ? send : receive);
  dc_test_process_wait_line (early, "datachannel-registered");
  late = launch (f, sender_first ? receive : send);
  dc_test_process_wait_line (early, "datachannel-connected");
  assert_exit (sender_first ? early : late, 0);
  /* The sender has gone with success, so the receiver has it all; it need not have left. */
  assert_same_file (in, out);
  assert_exit (sender_first ? late : early, 0);
}

static void
test_file_sender_first (Fixture *f, gconstpointer data)
{
  copy_file (f, "sender", "");
}

static void
test_file_receiver_first (Fixture *f, gconstpointer data)
{
  copy_file (f, "receiver", "");
}

static void
test_file_polling (Fixture *f, gconstpointer data)
{
  copy_file (f, "receiver", "polling=true");
}

static void
test_file_empty (Fixture *f, gconstpointer data)
{
  g_autofree char *in = g_build_filename (f->dir, "in", NULL), *out = g_build_filename (f->dir, "out", NULL);
  g_autofree char *send = g_strdup_printf ("filesrc location=%s ! datachannelsink", in);
  g_autofree char *receive = g_strdup_printf ("datachannelsrc ! filesink location=%s", out);
  g_autoptr (DcTestProcess) sender = NULL, receiver = NULL;

  g_assert_true (g_file_set_contents (in, "", 0, NULL));
  receiver = launch (f, receive);
  sender = launch (f, send);
  assert_exit (sender, 0);
  assert_exit (receiver, 0);
  assert_same_file (in, out);
}

static guint
count_lines (DcTestProcess *process, const char *part)
{
  g_autofree char *output = dc_test_process_get_output (process);
  g_auto (GStrv) lines = g_strsplit (output, "\n", -1);
  guint count = 0;

  for (guint i = 0; lines[i] != NULL; i++)
    count += strstr (lines[i], part) != NULL;
  return count;
}

static void
test_video (Fixture *f, gconstpointer data)
{
  g_autoptr (DcTestProcess) sender = NULL, receiver = NULL;

  if (skip_without ("videotestsrc", "vp8enc", "vp8dec", "matroskamux", "matroskademux", NULL))
    return;
  receiver = launch (f, "-v -e datachannelsrc room=cam ! matroskademux ! vp8dec ! fakesink silent=false");
  sender = launch (f, "videotestsrc num-buffers=300 ! vp8enc deadline=1 ! matroskamux ! datachannelsink room=cam");
  assert_exit (receiver, 0);
  assert_exit (sender, 0);
  g_assert_cmpuint (count_lines (receiver, "last-message = chain"), ==, 300);
}

/* Nobody tells the receiver the format: it crosses. */
static void
test_audio (Fixture *f, gconstpointer data)
{
  g_autofree char *out = g_build_filename (f->dir, "a.wav", NULL), *wav = NULL;
  g_autofree char *receive =
      g_strdup_printf ("datachannelsrc room=a ! audioconvert ! wavenc ! filesink location=%s", out);
  g_autoptr (DcTestProcess) sender = NULL, receiver = NULL;
  gsize size;

  if (skip_without ("audiotestsrc", "audioconvert", "wavenc", NULL))
    return;
  receiver = launch (f, receive);
  sender = launch (f, "audiotestsrc num-buffers=500 ! audio/x-raw,rate=48000 ! datachannelsink room=a");
  assert_exit (receiver, 0);
  assert_exit (sender, 0);
  g_assert_true (g_file_get_contents (out, &wav, &size, NULL));
  g_assert_cmpmem (wav, 4, "RIFF", 4);
  g_assert_cmpmem (wav + 36, 4, "data", 4);
  g_assert_cmpuint (GST_READ_UINT32_LE (wav + 40), ==, 500 * 1024 * 2); /* buffers of 1024 samples, 16 bit, mono */
  g_assert_cmpuint (size, >=, 44 + 500 * 1024 * 2);                     /* the sender's tags come behind */
  g_assert_cmpuint (GST_READ_UINT32_LE (wav + 24), ==, 48000);
}

/* --- Ends that are not the stream's --------------------------------------------------------------------------------------------- */

#define ENDLESS "fakesrc sizetype=fixed sizemax=10000 ! datachannelsink resume-timeout=1"
#define DRAIN "datachannelsrc resume-timeout=1 ! fakesink"

/* @signal to one side; the other fails with a sentence of its own. */
static void
end_one_side (Fixture *f, gboolean end_sender, int signal, const char *sentence)
{
  g_autoptr (DcTestProcess) sender = launch (f, ENDLESS), receiver = launch (f, DRAIN);
  DcTestProcess *gone = end_sender ? sender : receiver, *left = end_sender ? receiver : sender;

  dc_test_process_wait_line (receiver, "Pipeline is PREROLLED"); /* the first buffer is across */
  dc_test_process_signal (gone, signal);
  assert_exit (gone, signal == SIGKILL ? 128 + SIGKILL : 0);
  assert_fails (left, sentence);
}

static void
test_interrupt_sender (Fixture *f, gconstpointer data)
{
  end_one_side (f, TRUE, SIGINT, "GstDataChannelSrc");
}

static void
test_interrupt_receiver (Fixture *f, gconstpointer data)
{
  end_one_side (f, FALSE, SIGINT, "GstDataChannelSink");
}

static void
test_kill_sender (Fixture *f, gconstpointer data)
{
  end_one_side (f, TRUE, SIGKILL, "GstDataChannelSrc");
}

static void
test_kill_receiver (Fixture *f, gconstpointer data)
{
  end_one_side (f, FALSE, SIGKILL, "GstDataChannelSink");
}

static void
test_nobody_comes (Fixture *f, gconstpointer data)
{
  g_autoptr (DcTestProcess) sender = launch (f, "fakesrc ! datachannelsink connect-timeout=1");
  g_autoptr (DcTestProcess) receiver = launch (f, "datachannelsrc room=other connect-timeout=1 ! fakesink");

  assert_fails (sender, "no other peer");
  assert_fails (receiver, "no other peer");
}

static void
test_no_daemon (Fixture *f, gconstpointer data)
{
  g_autoptr (DcTestProcess) sender = NULL;

  dc_test_daemon_stop (f->daemon);
  sender = launch (f, "fakesrc ! datachannelsink connect-timeout=2");
  dc_test_process_wait_line (sender, "WARNING: from element");
  assert_fails (sender, dc_test_daemon_get_url (f->daemon));
}

static void
test_wrong_url (Fixture *f, gconstpointer data)
{
  g_autoptr (DcTestProcess) sender = launch (f, "fakesrc ! datachannelsink signaling=gopher://there");

  assert_fails (sender, "gopher");
}

static void
test_id_taken (Fixture *f, gconstpointer data)
{
  g_autoptr (DcTestProcess) first = launch (f, "-m datachannelsrc peer-id=me ! fakesink");
  g_autoptr (DcTestProcess) second = NULL;

  dc_test_process_wait_line (first, "datachannel-registered");
  second = launch (f, "datachannelsrc peer-id=me ! fakesink");
  assert_fails (second, "\"me\"");
}

/* The stream needs the daemon for the meeting only. */
static void
test_daemon_dies_in_mid_stream (Fixture *f, gconstpointer data)
{
  g_autoptr (DcTestProcess) receiver = launch (f, "datachannelsrc ! identity sleep-time=1000 ! fakesink");
  g_autoptr (DcTestProcess) sender =
      launch (f, "fakesrc num-buffers=1500 sizetype=fixed sizemax=10000 ! datachannelsink");

  dc_test_process_wait_line (receiver, "Pipeline is PREROLLED");
  dc_test_daemon_stop (f->daemon);
  assert_exit (sender, 0);
  assert_exit (receiver, 0);
}

/* --- Both ends in this process --------------------------------------------------------------------------------------------------- */

static GstElement *
get_element (GstElement *pipeline, const char *name)
{
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), name);

  g_assert_nonnull (element);
  gst_object_unref (element); /* the pipeline has it */
  return element;
}

/* The data channel element is named dc. */
static GstElement *
parse (Fixture *f, const char *format, ...)
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
  g_object_set (get_element (pipeline, "dc"), "signaling", dc_test_daemon_get_url (f->daemon), NULL);
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
wait_element_message (GstElement *pipeline, const char *name)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  gboolean came = FALSE;

  while (!came) {
    g_autoptr (GstMessage) message =
        gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR);
    g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_ELEMENT);
    came = gst_message_has_name (message, name);
  }
}

static void
stop (GstElement *pipeline)
{
  g_assert_cmpint (gst_element_set_state (pipeline, GST_STATE_NULL), ==, GST_STATE_CHANGE_SUCCESS);
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
  g_signal_emit_by_name (get_element (pipeline, "in"), "push-buffer", buffer, &flow);
  g_assert_cmpint (flow, ==, GST_FLOW_OK);
}

static void
push_end (GstElement *pipeline)
{
  GstFlowReturn flow;

  g_signal_emit_by_name (get_element (pipeline, "in"), "end-of-stream", &flow);
}

/* Checks what push() made; returns its sample. */
static GstSample *
pull (GstElement *pipeline, gsize size, guint64 pts, GstBufferFlags flags)
{
  GstSample *sample;
  GstBuffer *buffer;
  GstMapInfo map;

  g_signal_emit_by_name (get_element (pipeline, "out"), "pull-sample", &sample);
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
test_stream_is_the_same (Fixture *f, gconstpointer data)
{
  static const gsize sizes[] = {1, 0, 100, 65535, 65536, 65537, 3 * 1024 * 1024, 7};
  g_autoptr (GstElement) sender =
      parse (f, "appsrc name=in format=time caps=video/x-v,width=5,title=\"a\\ b\" ! datachannelsink name=dc");
  g_autoptr (GstElement) receiver = parse (f, "datachannelsrc name=dc ! appsink name=out sync=false");
  g_autoptr (GstCaps) caps = NULL;

  g_object_get (get_element (sender, "in"), "caps", &caps, NULL);
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
  stop (sender);
  stop (receiver);
}

/* A sink that fails is followed by an end of stream from upstream: the receiver must not take that for the end. */
static void
test_failing_sink (Fixture *f, gconstpointer data)
{
  g_autoptr (GstElement) sender = parse (f, "appsrc name=in format=time ! datachannelsink name=dc");
  g_autoptr (GstElement) receiver = parse (f, "datachannelsrc name=dc ! fakesink");

  gst_element_set_state (receiver, GST_STATE_PLAYING);
  gst_element_set_state (sender, GST_STATE_PLAYING);
  push (sender, 5, 0, 0);
  wait_element_message (receiver, "datachannel-connected");
  push (sender, 70000000, 1, 0);
  push_end (sender);
  wait_message (sender, GST_MESSAGE_ERROR);
  wait_message (receiver, GST_MESSAGE_ERROR);
  stop (sender);
  stop (receiver);
}

/* A message each, its bounds kept; the end of the sender is the end of the stream. */
static void
test_raw (Fixture *f, gconstpointer data)
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
    g_signal_emit_by_name (get_element (receiver, "out"), "pull-sample", &sample);
    g_assert_nonnull (sample);
    g_assert_cmpuint (gst_buffer_get_size (gst_sample_get_buffer (sample)), ==, sizes[i]);
  }
  wait_message (sender, GST_MESSAGE_EOS);
  stop (sender);
  wait_message (receiver, GST_MESSAGE_EOS);
  stop (receiver);
}

/* One short message, and the sender is gone, perhaps before the receiver has seen the channel open. */
static void
test_raw_short (Fixture *f, gconstpointer data)
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
    stop (sender);
    g_signal_emit_by_name (get_element (receiver, "out"), "pull-sample", &sample);
    g_assert_nonnull (sample);
    wait_message (receiver, GST_MESSAGE_EOS);
    stop (receiver);
  }
}

/* A raw receiver may leave as soon as it has everything; another EOS of the sender, behind a flush, is none the worse for it. */
static void
test_raw_ends_again (Fixture *f, gconstpointer data)
{
  g_autoptr (GstElement) sender = parse (f, "appsrc name=in format=time ! datachannelsink name=dc mode=raw");
  g_autoptr (GstElement) receiver = parse (f, "datachannelsrc name=dc mode=raw ! fakesink");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (get_element (sender, "dc"), "sink");
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_element_set_state (receiver, GST_STATE_PLAYING);
  gst_element_set_state (sender, GST_STATE_PLAYING);
  push (sender, 5, 0, 0);
  push_end (sender);
  wait_message (sender, GST_MESSAGE_EOS);
  stop (receiver);
  wait_element_message (sender, "datachannel-peer-left");
  gst_pad_send_event (pad, gst_event_new_flush_start ());
  gst_pad_send_event (pad, gst_event_new_flush_stop (TRUE));
  gst_pad_send_event (pad, gst_event_new_segment (&segment));
  g_assert_true (gst_pad_send_event (pad, gst_event_new_eos ()));
  stop (sender);
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
test_slow_consumer (Fixture *f, gconstpointer data)
{
  Race race = {0};
  g_autoptr (GstElement) sender = parse (f, "fakesrc num-buffers=600 sizetype=fixed sizemax=65536 filltype=zero "
                                            "! identity name=in signal-handoffs=true ! datachannelsink name=dc");
  g_autoptr (GstElement) receiver =
      parse (f, "datachannelsrc name=dc ! identity sleep-time=4000 ! fakesink name=out signal-handoffs=true");

  g_signal_connect (get_element (sender, "in"), "handoff", G_CALLBACK (on_sent), &race);
  g_signal_connect (get_element (receiver, "out"), "handoff", G_CALLBACK (on_received), &race);
  gst_element_set_state (receiver, GST_STATE_PLAYING);
  gst_element_set_state (sender, GST_STATE_PLAYING);
  wait_message (receiver, GST_MESSAGE_EOS);
  wait_message (sender, GST_MESSAGE_EOS);
  g_assert_cmpint (race.received, ==, 600);
  g_test_message ("the producer was %d KiB ahead", race.lead * 64);
  g_assert_cmpint (race.lead * 64, <=, 12 * 1024);
  stop (sender);
  stop (receiver);
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
test_eos_waits_for_the_far_sink (Fixture *f, gconstpointer data)
{
  g_autoptr (GstElement) sender = parse (f, "fakesrc num-buffers=10 ! datachannelsink name=dc");
  g_autoptr (GstElement) receiver = parse (f, "datachannelsrc name=dc ! queue name=q ! fakesink");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (get_element (receiver, "q"), "src");
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
  stop (sender);
  stop (receiver);
}

/* At whatever moment, NULL is reached, and the other side says what happened. */
static void
test_stop_at_any_time (Fixture *f, gconstpointer data)
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
      wait_element_message (sender, "datachannel-connected");
    if (moment > 2) { /* in the middle, with both blocked: nobody takes more than this */
      g_autoptr (GstSample) sample = NULL;
      g_signal_emit_by_name (get_element (receiver, "out"), "pull-sample", &sample);
    }
    stop (sender);
    stop (receiver);
  }
}

/* The same two pipelines, one run after the other: nothing of the first is left. */
static void
test_play_again (Fixture *f, gconstpointer data)
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
  stop (sender);
  stop (receiver);
}

#define ADD(name, function) g_test_add ("/pipelines/" name, Fixture, NULL, fixture_set_up, function, fixture_tear_down)

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (&argc, &argv);
  ADD ("file/sender-first", test_file_sender_first);
  ADD ("file/receiver-first", test_file_receiver_first);
  ADD ("file/polling", test_file_polling);
  ADD ("file/empty", test_file_empty);
  ADD ("media/video", test_video);
  ADD ("media/audio", test_audio);
  ADD ("end/interrupt-sender", test_interrupt_sender);
  ADD ("end/interrupt-receiver", test_interrupt_receiver);
  ADD ("end/kill-sender", test_kill_sender);
  ADD ("end/kill-receiver", test_kill_receiver);
  ADD ("end/nobody-comes", test_nobody_comes);
  ADD ("end/no-daemon", test_no_daemon);
  ADD ("end/wrong-url", test_wrong_url);
  ADD ("end/id-taken", test_id_taken);
  ADD ("end/daemon-dies-in-mid-stream", test_daemon_dies_in_mid_stream);
  ADD ("stream/same", test_stream_is_the_same);
  ADD ("stream/raw", test_raw);
  ADD ("stream/failing-sink", test_failing_sink);
  ADD ("stream/raw-short", test_raw_short);
  ADD ("stream/raw-ends-again", test_raw_ends_again);
  ADD ("stream/slow-consumer", test_slow_consumer);
  ADD ("stream/eos-waits-for-the-far-sink", test_eos_waits_for_the_far_sink);
  ADD ("stream/stop-at-any-time", test_stop_at_any_time);
  ADD ("stream/play-again", test_play_again);
  return g_test_run ();
}
