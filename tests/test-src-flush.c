/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-src-flush.c: datachannelsrc over a fake peer: flushes of the sender's, in every order in which they may come. */
#include <string.h>

#include "plugins/link/dc-link.h"
#include "plugins/gstdatachannelsrc.h"
#include "tests/harness/dc-test-element.h"
#include "tests/harness/dc-test-source.h"
#include "tests/harness/dc-test.h"

#define NONE GST_CLOCK_TIME_NONE
#define SRC "datachannelsrc name=dc ! appsink name=out sync=false async=false max-buffers=1"

/* --- What came out -------------------------------------------------------------------------------------------------------------- */

/* A word for each buffer and event behind the source; caps, segments and what starts the stream are left out. */
typedef struct {
  GMutex lock;
  GCond cond;
  GString *words;
} Log;

static void
log_clear (Log *log)
{
  g_string_free (log->words, TRUE);
  g_mutex_clear (&log->lock);
  g_cond_clear (&log->cond);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Log, log_clear)

static char *
describe (GstPadProbeInfo *info)
{
  GstEvent *event;
  gboolean reset_time;
  GstMapInfo map;
  char *text;

  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    g_assert_true (gst_buffer_map (GST_PAD_PROBE_INFO_BUFFER (info), &map, GST_MAP_READ));
    text = g_strndup ((const char *) map.data, map.size);
    gst_buffer_unmap (GST_PAD_PROBE_INFO_BUFFER (info), &map);
    return text;
  }
  event = GST_PAD_PROBE_INFO_EVENT (info);
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_FLUSH_START:
      return g_strdup ("[");
    case GST_EVENT_FLUSH_STOP:
      gst_event_parse_flush_stop (event, &reset_time);
      return g_strdup (reset_time ? "]reset" : "]");
    case GST_EVENT_EOS:
      return g_strdup ("eos");
    default:
      return NULL;
  }
}

static GstPadProbeReturn
log_cb (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  g_autofree char *word = describe (info);
  Log *log = data;

  if (word == NULL)
    return GST_PAD_PROBE_OK;
  g_mutex_lock (&log->lock);
  g_string_append_printf (log->words, "%s%s", log->words->len > 0 ? " " : "", word);
  g_cond_broadcast (&log->cond);
  g_mutex_unlock (&log->lock);
  return GST_PAD_PROBE_OK;
}

static void
log_begin (Log *log, DcTestElement *f)
{
  g_mutex_init (&log->lock);
  g_cond_init (&log->cond);
  log->words = g_string_new (NULL);
  gst_pad_add_probe (GST_BASE_SRC_PAD (dc_test_element_get (f, "dc")),
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM | GST_PAD_PROBE_TYPE_EVENT_FLUSH, log_cb, log,
      NULL);
}

/* Until it is exactly this. */
static void
log_wait (Log *log, const char *words)
{
  g_mutex_lock (&log->lock);
  while (strcmp (log->words->str, words) != 0) {
    if (!g_str_has_prefix (words, log->words->str))
      g_error ("not \"%s\" but \"%s\"", words, log->words->str);
    g_cond_wait (&log->cond, &log->lock);
  }
  g_mutex_unlock (&log->lock);
}

/* --- Helpers -------------------------------------------------------------------------------------------------------------------- */

static void
launch (DcTestElement *f, Log *log, const char *description)
{
  dc_test_element_launch (f, description);
  log_begin (log, f);
  gst_element_set_state (f->pipeline, GST_STATE_PLAYING);
  f->peer = dc_fake_wait_peer ();
  f->channel = dc_fake_peer_open (f->peer);
}

static void
give (DcTestElement *f, const char *text)
{
  dc_test_give_data (f->channel, text, NONE, NONE);
}

/* As a sender does behind a flush. */
static void
give_format (DcTestElement *f)
{
  dc_test_give_caps (f->channel, "video/x-v, width=3");
  dc_test_give_segment (f->channel, GST_FORMAT_TIME, 0, NONE);
}

static void
pull (DcTestElement *f, const char *text)
{
  g_autoptr (GstSample) sample = NULL;

  g_signal_emit_by_name (dc_test_element_get (f, "out"), "pull-sample", &sample);
  g_assert_nonnull (sample);
  g_assert_cmpuint (gst_buffer_get_size (gst_sample_get_buffer (sample)), ==, strlen (text));
  g_assert_cmpint (gst_buffer_memcmp (gst_sample_get_buffer (sample), 0, text, strlen (text)), ==, 0);
}

/* --- The cases ------------------------------------------------------------------------------------------------------------------- */

/* The streaming thread is blocked in the full sink, and let go. */
static void
test_while_blocked (void)
{
  g_auto (DcTestElement) f = {0};
  g_auto (Log) log = {0};

  launch (&f, &log, SRC);
  give_format (&f);
  give (&f, "one");
  give (&f, "two");
  log_wait (&log, "one two");
  dc_test_give_flush_start (f.channel, 1);
  log_wait (&log, "one two [");
  give (&f, "old");
  dc_test_give_flush_stop (f.channel, 1, TRUE);
  give_format (&f);
  give (&f, "new");
  log_wait (&log, "one two [ ]reset new");
  pull (&f, "new");
  dc_test_give_end (f.channel);
  dc_test_element_wait_eos (&f);
  dc_fake_channel_wait_accepted (f.channel);
}

/* The format is what the sender says behind the flush. */
static void
test_format_behind (void)
{
  g_auto (DcTestElement) f = {0};
  g_auto (Log) log = {0};
  g_autoptr (GstSample) sample = NULL;
  const GstSegment *segment;

  launch (&f, &log, SRC);
  give_format (&f);
  give (&f, "one");
  pull (&f, "one");
  dc_test_give_flush_start (f.channel, 1);
  log_wait (&log, "one [");
  dc_test_give_segment (f.channel, GST_FORMAT_BYTES, 1, 2); /* of before the flush */
  dc_test_give_flush_stop (f.channel, 1, FALSE);
  dc_test_give_caps (f.channel, "audio/x-a, rate=(int)1");
  dc_test_give_segment (f.channel, GST_FORMAT_TIME, 77, NONE);
  give (&f, "new");
  g_signal_emit_by_name (dc_test_element_get (&f, "out"), "pull-sample", &sample);
  segment = gst_sample_get_segment (sample);
  g_assert_cmpint (segment->format, ==, GST_FORMAT_TIME);
  g_assert_cmpuint (segment->start, ==, 77);
  g_assert_true (gst_structure_has_name (gst_caps_get_structure (gst_sample_get_caps (sample), 0), "audio/x-a"));
}

/* Two seeks, one right behind the other: for us they are one. */
static void
test_twice (void)
{
  g_auto (DcTestElement) f = {0};
  g_auto (Log) log = {0};

  launch (&f, &log, SRC);
  give_format (&f);
  give (&f, "one");
  log_wait (&log, "one");
  dc_test_give_flush_start (f.channel, 1);
  dc_test_give_flush_start (f.channel, 2);
  dc_fake_channel_wait_drained (f.channel, 1);
  give (&f, "old");
  dc_test_give_flush_stop (f.channel, 1, TRUE);
  give_format (&f);
  give (&f, "old");
  dc_test_give_flush_stop (f.channel, 2, FALSE);
  give_format (&f);
  give (&f, "new");
  log_wait (&log, "one [ ]reset new");
}

/* FLUSH_START was held up; when it comes it is of no use any more. */
static void
test_start_comes_late (void)
{
  g_auto (DcTestElement) f = {0};
  g_auto (Log) log = {0};

  launch (&f, &log, SRC);
  give_format (&f);
  give (&f, "one");
  dc_test_give_flush_stop (f.channel, 1, TRUE);
  give_format (&f);
  give (&f, "two");
  log_wait (&log, "one [ ]reset two");
  dc_test_give_flush_start (f.channel, 1);
  dc_fake_channel_wait_drained (f.channel, 1);
  pull (&f, "two");
  give (&f, "three");
  log_wait (&log, "one [ ]reset two three");
}

/* The same FLUSH_STOP again is none. */
static void
test_stop_again (void)
{
  g_auto (DcTestElement) f = {0};
  g_auto (Log) log = {0};

  launch (&f, &log, SRC);
  give_format (&f);
  for (guint i = 0; i < 3; i++)
    dc_test_give_flush_stop (f.channel, 5, FALSE);
  dc_test_give_flush_stop (f.channel, 4, FALSE);
  give (&f, "one");
  log_wait (&log, "[ ] one");
}

static void
test_numbers_wrap (void)
{
  static const guint32 numbers[] = {1, 0x70000000, 0xe0000000, 0xffffffff, 3};
  g_auto (DcTestElement) f = {0};
  g_auto (Log) log = {0};
  g_autoptr (GString) expected = g_string_new ("one");

  launch (&f, &log, "datachannelsrc name=dc ! fakesink async=false");
  give (&f, "one");
  log_wait (&log, expected->str);
  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++) {
    g_string_append (expected, " [");
    dc_test_give_flush_start (f.channel, numbers[i]);
    log_wait (&log, expected->str);
    dc_test_give_flush_stop (f.channel, numbers[i], FALSE);
    give_format (&f);
    give (&f, "x");
    g_string_append (expected, " ] x");
    log_wait (&log, expected->str);
  }
}

/* The sender ends in the middle: the end is heard all the same. */
static void
test_end_inside (void)
{
  g_auto (DcTestElement) f = {0};
  g_auto (Log) log = {0};

  launch (&f, &log, SRC);
  give_format (&f);
  give (&f, "one");
  log_wait (&log, "one");
  dc_test_give_flush_start (f.channel, 1);
  log_wait (&log, "one [");
  give (&f, "old");
  dc_test_give_end (f.channel);
  log_wait (&log, "one [ ] eos");
  dc_fake_channel_wait_accepted (f.channel);
  dc_test_element_wait_eos (&f);
}

static GstPadProbeReturn
hold_eos_cb (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  return GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_EOS ? GST_PAD_PROBE_OK : GST_PAD_PROBE_PASS;
}

/* Behind FIN nobody would end the flush. */
static void
test_start_behind_the_end (void)
{
  g_auto (DcTestElement) f = {0};
  g_auto (Log) log = {0};
  g_autoptr (GstPad) pad = NULL;
  gulong probe;

  launch (&f, &log, "datachannelsrc name=dc ! queue name=q ! fakesink sync=false async=false");
  pad = gst_element_get_static_pad (dc_test_element_get (&f, "q"), "src");
  probe =
      gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, hold_eos_cb, NULL, NULL);
  give (&f, "one");
  dc_test_give_end (f.channel);
  log_wait (&log, "one eos");
  dc_test_give_flush_start (f.channel, 1);
  dc_fake_channel_wait_drained (f.channel, 1);
  log_wait (&log, "one eos");
  gst_pad_remove_probe (pad, probe);
  dc_test_element_wait_eos (&f);
  dc_fake_channel_wait_accepted (f.channel);
}

/* NULL in the middle, and the next run knows nothing of it. */
static void
test_stopped_inside (void)
{
  g_auto (DcTestElement) f = {0};
  g_auto (Log) log = {0};

  launch (&f, &log, SRC);
  give_format (&f);
  give (&f, "one");
  log_wait (&log, "one");
  dc_test_give_flush_start (f.channel, 1);
  log_wait (&log, "one [");
  dc_test_element_stop (&f);
  dc_test_assert_aborted (f.channel, "stopped before");
  g_clear_object (&f.peer);
  g_clear_object (&f.channel);
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  f.peer = dc_fake_wait_peer ();
  f.channel = dc_fake_peer_open (f.peer);
  give_format (&f);
  give (&f, "two");
  pull (&f, "two");
}

/* A flush of the pipeline's own in the middle of one of the sender's. */
static void
test_flushed_inside (void)
{
  g_auto (DcTestElement) f = {0};
  g_auto (Log) log = {0};
  GstElement *element;

  launch (&f, &log, SRC);
  element = dc_test_element_get (&f, "dc");
  give_format (&f);
  give (&f, "one");
  pull (&f, "one");
  dc_test_give_flush_start (f.channel, 1);
  log_wait (&log, "one [");
  gst_element_send_event (element, gst_event_new_flush_start ());
  gst_element_send_event (element, gst_event_new_flush_stop (FALSE));
  give (&f, "old");
  dc_test_give_flush_stop (f.channel, 1, FALSE);
  give_format (&f);
  give (&f, "new");
  pull (&f, "new");
}

/* The application ends the stream while the sender flushes: EOS goes out. */
static void
test_eos_from_the_application_inside (void)
{
  g_auto (DcTestElement) f = {0};
  g_auto (Log) log = {0};

  launch (&f, &log, SRC);
  give_format (&f);
  give (&f, "one");
  pull (&f, "one");
  dc_test_give_flush_start (f.channel, 1);
  log_wait (&log, "one [");
  gst_element_send_event (f.pipeline, gst_event_new_eos ());
  dc_test_element_wait_eos (&f);
}

static void
test_nonsense (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_EVENT);

  dc_test_element_play (&f, SRC);
  item->event = DC_LINK_EVENT_FLUSH_STOP;
  item->payload = g_bytes_new_static ("flush-stop", 10);
  dc_fake_channel_give (f.channel, item);
  message = dc_test_element_wait_message (&f, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ);
  g_assert_nonnull (strstr (error->message, "no number"));
}

static void
log_wait_last (Log *log, const char *word)
{
  g_mutex_lock (&log->lock);
  while (!g_str_has_suffix (log->words->str, word))
    g_cond_wait (&log->cond, &log->lock);
  g_mutex_unlock (&log->lock);
}

/* Many, while data flow: nothing hangs, and the last flush's data arrive. Not into an appsink: who holds a sample of it during a flush runs
 * into an assertion of GStreamer's 1.22. */
static void
test_many (void)
{
  g_auto (DcTestElement) f = {0};
  g_auto (Log) log = {0};

  launch (&f, &log, "datachannelsrc name=dc ! fakesink sync=false async=false");
  for (guint32 i = 1; i <= 500; i++) {
    give_format (&f);
    give (&f, "old");
    give (&f, "old");
    if (i % 3 != 0)
      dc_test_give_flush_start (f.channel, i);
    dc_test_give_flush_stop (f.channel, i, i % 2 == 0);
  }
  give_format (&f);
  give (&f, "new");
  log_wait_last (&log, "new");
  dc_test_give_end (f.channel);
  dc_test_element_wait_eos (&f);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (&argc, &argv);
  GST_ELEMENT_REGISTER (datachannelsrc, NULL);

  g_test_add_func ("/src-flush/while-blocked", test_while_blocked);
  g_test_add_func ("/src-flush/format-behind", test_format_behind);
  g_test_add_func ("/src-flush/twice", test_twice);
  g_test_add_func ("/src-flush/start-comes-late", test_start_comes_late);
  g_test_add_func ("/src-flush/stop-again", test_stop_again);
  g_test_add_func ("/src-flush/numbers-wrap", test_numbers_wrap);
  g_test_add_func ("/src-flush/end-inside", test_end_inside);
  g_test_add_func ("/src-flush/start-behind-the-end", test_start_behind_the_end);
  g_test_add_func ("/src-flush/stopped-inside", test_stopped_inside);
  g_test_add_func ("/src-flush/flushed-inside", test_flushed_inside);
  g_test_add_func ("/src-flush/eos-from-the-application-inside", test_eos_from_the_application_inside);
  g_test_add_func ("/src-flush/nonsense", test_nonsense);
  g_test_add_func ("/src-flush/many", test_many);
  return g_test_run ();
}
