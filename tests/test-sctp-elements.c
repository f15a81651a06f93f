/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sctp-elements.c: sctpenc and sctpdec of ours, two of each, joined by their pads. */
#include <string.h>

#include "plugins/transport/gst-elements.h"
#include "plugins/transport/gst-sctpdec-private.h"
#include "tests/harness/dc-test.h"
#include "tests/sctp-element-pair.h"

enum { BINARY = 53, TEXT = 51, TEXT_EMPTY = 56, BINARY_EMPTY = 57 };

static void
open_and_close (Pair *pair, guint stream)
{
  PairEnd *a = &pair->ends[0], *b = &pair->ends[1];
  GstPad *pad = pair_open (a, stream);

  g_assert_cmpint (pair_push (pad, "first"), ==, GST_FLOW_OK);
  g_assert_cmpint (pair_push (pad, "last"), ==, GST_FLOW_OK);
  pair_close (a, pad);
  pair_event_free (pair_wait (b, PAIR_ADDED));
  pair_expect (b, stream, BINARY, "first");
  pair_expect (b, stream, BINARY, "last");
  pair_event_free (pair_wait (b, PAIR_EOS));
  pair_event_free (pair_wait (b, PAIR_REMOVED));
}

/* --- messages --- */

static void
test_both_ways (Pair *pair, gconstpointer data)
{
  g_autoptr (GstPad) there = NULL, back = NULL;

  pair_play (pair);
  there = pair_open (&pair->ends[0], 4);
  back = pair_open (&pair->ends[1], 4);
  g_assert_cmpint (pair_push (there, "ping"), ==, GST_FLOW_OK);
  pair_expect (&pair->ends[1], 4, BINARY, "ping");
  g_assert_cmpint (pair_push (back, "pong"), ==, GST_FLOW_OK);
  pair_expect (&pair->ends[0], 4, BINARY, "pong");
}

static void
test_sizes (Pair *pair, gconstpointer data)
{
  static const gsize sizes[] = {1, 1172, 1173, 65536, 131072, 200000, 262144};
  static const DcSctpSendInfo info = {.ppid = BINARY};
  g_autoptr (GstPad) pad = NULL;

  pair_play (pair);
  pad = pair_open (&pair->ends[0], 0);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autofree guint8 *bytes = g_malloc (sizes[i]);
    g_autoptr (PairEvent) event = NULL;

    for (gsize at = 0; at < sizes[i]; at++)
      bytes[at] = (guint8) (at * 7 + i);
    g_assert_cmpint (pair_push_with (pad, bytes, sizes[i], &info), ==, GST_FLOW_OK);
    event = pair_wait (&pair->ends[1], PAIR_MESSAGE);
    g_assert_cmpmem (g_bytes_get_data (event->bytes, NULL), g_bytes_get_size (event->bytes), bytes, sizes[i]);
  }
}

static void
expect_zero (PairEnd *end, guint32 ppid)
{
  g_autoptr (PairEvent) event = pair_wait (end, PAIR_MESSAGE);

  g_assert_cmpuint (event->ppid, ==, ppid);
  g_assert_cmpmem (g_bytes_get_data (event->bytes, NULL), g_bytes_get_size (event->bytes), "", 1);
}

static void
test_empty (Pair *pair, gconstpointer data)
{
  static const guint32 ppids[][2] = {
      {TEXT, TEXT_EMPTY}, {BINARY, BINARY_EMPTY}, {TEXT_EMPTY, TEXT_EMPTY}, {BINARY_EMPTY, BINARY_EMPTY}};
  g_autoptr (GstPad) pad = NULL;

  pair_play (pair);
  pad = pair_open (&pair->ends[0], 0);
  for (guint i = 0; i < G_N_ELEMENTS (ppids); i++) {
    DcSctpSendInfo info = {.ppid = ppids[i][0]};

    g_assert_cmpint (pair_push_with (pad, NULL, 0, &info), ==, GST_FLOW_OK);
    expect_zero (&pair->ends[1], ppids[i][1]);
    g_assert_cmpint (gst_dc_sctpenc_send (pair->ends[0].enc, &info, NULL, 0), ==, DC_SCTP_SENT);
    expect_zero (&pair->ends[1], ppids[i][1]);
  }
}

/* Without a meta. */
static void
test_caps (Pair *pair, gconstpointer data)
{
  g_autoptr (GstPad) pad = NULL;

  pair_play (pair);
  pad = pair_open_with_caps (&pair->ends[0], 0, "application/data,ordered=(boolean)false,ppid=(uint)99");
  g_assert_cmpint (gst_pad_push (pad, gst_buffer_new_memdup ("x", 1)), ==, GST_FLOW_OK);
  pair_expect (&pair->ends[1], 0, 99, "x");
}

static void
test_bytes_sent (Pair *pair, gconstpointer data)
{
  g_autoptr (GstPad) pad = NULL;
  guint64 bytes_sent;

  pair_play (pair);
  pad = pair_open (&pair->ends[0], 7);
  pair_push (pad, "twelve bytes");
  g_signal_emit_by_name (pair->ends[0].enc, "bytes-sent", 7, &bytes_sent);
  g_assert_cmpuint (bytes_sent, ==, 12);
  g_signal_emit_by_name (pair->ends[0].enc, "bytes-sent", 8, &bytes_sent);
  g_assert_cmpuint (bytes_sent, ==, 0);
}

enum { LOSSY = 99 };

static gint to_lose; /* atomic */

/* The first packets that begin with a message that may be lost do not arrive. */
static GstPadProbeReturn
lose_data (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  guint8 chunk[16] = {0};

  gst_buffer_extract (GST_PAD_PROBE_INFO_BUFFER (info), 12, chunk, sizeof chunk);
  if (chunk[0] != 0 || chunk[15] != LOSSY || g_atomic_int_get (&to_lose) == 0)
    return GST_PAD_PROBE_OK;
  g_atomic_int_add (&to_lose, -1);
  return GST_PAD_PROBE_DROP;
}

/* One that may be sent again once, and is lost twice, never comes; one that is lost once does. */
static void
test_limit (Pair *pair, gconstpointer data)
{
  g_autoptr (GstPad) src = gst_element_get_static_pad (GST_ELEMENT (pair->ends[0].enc), "src"), pad = NULL;
  DcSctpSendInfo info = {.ppid = LOSSY, .reliability = DC_SCTP_RETRANSMITS, .limit = 1};

  pair_play (pair);
  pad = pair_open (&pair->ends[0], 0);
  g_atomic_int_set (&to_lose, 2);
  gst_pad_add_probe (src, GST_PAD_PROBE_TYPE_BUFFER, lose_data, NULL, NULL);
  pair_push_with (pad, "given up", 8, &info);
  pair_push (pad, "behind");
  pair_expect (&pair->ends[1], 0, BINARY, "behind");
  g_assert_cmpint (g_atomic_int_get (&to_lose), ==, 0);
  g_atomic_int_set (&to_lose, 1);
  pair_push_with (pad, "sent again", 10, &info);
  pair_expect (&pair->ends[1], 0, LOSSY, "sent again");
}

/* --- streams --- */

static void
test_close (Pair *pair, gconstpointer data)
{
  pair_play (pair);
  open_and_close (pair, 3);
}

static void
test_reopen (Pair *pair, gconstpointer data)
{
  pair_play (pair);
  for (guint i = 0; i < 10; i++)
    open_and_close (pair, 3);
}

/* What is behind the pad is slow: the new stream of the same number waits for the end of the old one. */
static void
test_reopen_slow (Pair *pair, gconstpointer data)
{
  PairEnd *a = &pair->ends[0], *b = &pair->ends[1];
  GstPad *pad;

  pair_play (pair);
  pair_hold (b, TRUE);
  pad = pair_open (a, 3);
  pair_push (pad, "old");
  pair_close (a, pad);
  pad = pair_open (a, 3);
  pair_push (pad, "new");
  pair_hold (b, FALSE);
  pair_expect (b, 3, BINARY, "old");
  pair_event_free (pair_wait (b, PAIR_REMOVED));
  pair_event_free (pair_wait (b, PAIR_ADDED));
  pair_expect (b, 3, BINARY, "new");
  gst_object_unref (pad);
}

/* Somebody has to learn of it. */
static void
test_close_unused (Pair *pair, gconstpointer data)
{
  g_autoptr (PairEvent) event = NULL;

  pair_play (pair);
  pair_close (&pair->ends[0], pair_open (&pair->ends[0], 9));
  event = pair_wait (&pair->ends[1], PAIR_REMOVED);
  g_assert_cmpuint (event->stream, ==, 9);
}

static void
test_reset_stream (Pair *pair, gconstpointer data)
{
  PairEnd *a = &pair->ends[0], *b = &pair->ends[1];
  g_autoptr (GstPad) pad = NULL;

  pair_play (pair);
  pad = pair_open (a, 3);
  pair_push (pad, "x");
  pair_expect (b, 3, BINARY, "x");
  g_signal_emit_by_name (b->dec, "reset-stream", 3);
  pair_event_free (pair_wait (b, PAIR_REMOVED));
  pair_event_free (pair_wait (a, PAIR_REMOVED));
}

typedef struct {
  guint n_ended, n_removed;
} Ends;

static void
on_ended (GstElement *dec, guint stream, Ends *ends)
{
  g_assert_cmpuint (stream, ==, 9);
  ends->n_ended++;
}

static void
on_removed (GstElement *dec, GstPad *pad, Ends *ends)
{
  ends->n_removed++;
  g_assert_cmpuint (ends->n_ended, ==, ends->n_removed);
}

/* Who connects last hears of the end before the first hears that the pad is gone, and may use the stream again. */
static void
test_ended_first (Pair *pair, gconstpointer data)
{
  GstElement *dec = GST_ELEMENT (pair->ends[1].dec);
  Ends ends = {0};

  g_signal_connect (dec, "pad-removed", G_CALLBACK (on_removed), &ends);
  g_signal_connect (dec, "stream-ended", G_CALLBACK (on_ended), &ends);
  pair_play (pair);
  for (guint i = 0; i < 3; i++)
    open_and_close (pair, 9);
  gst_element_set_state (dec, GST_STATE_NULL);
  g_assert_cmpuint (ends.n_removed, ==, 3);
  g_signal_handlers_disconnect_by_data (dec, &ends);
}

static gint removing, stopped, removed;

/* As long as it takes to see whether somebody waits for it. */
static void
remove_slowly (GstElement *dec, GstPad *pad, gpointer unused)
{
  gint64 end = g_get_monotonic_time () + 100 * G_TIME_SPAN_MILLISECOND;

  g_atomic_int_set (&removing, TRUE);
  while (g_get_monotonic_time () < end && !g_atomic_int_get (&stopped))
    g_thread_yield ();
  g_atomic_int_set (&removed, TRUE);
}

/* Who is told of a pad may be gone once the element has stopped. */
static void
test_remove_stop (Pair *pair, gconstpointer data)
{
  GstElement *dec;

  pair_play (pair);
  dec = GST_ELEMENT (pair->ends[1].dec);
  g_signal_connect (dec, "pad-removed", G_CALLBACK (remove_slowly), NULL);
  pair_close (&pair->ends[0], pair_open (&pair->ends[0], 9));
  while (!g_atomic_int_get (&removing))
    g_thread_yield ();
  gst_element_set_state (dec, GST_STATE_NULL);
  g_atomic_int_set (&stopped, TRUE);
  g_assert_true (g_atomic_int_get (&removed));
}

static void
test_hundred (Pair *pair, gconstpointer data)
{
  GstPad *pads[100];

  pair_play (pair);
  for (guint i = 0; i < G_N_ELEMENTS (pads); i++)
    pads[i] = pair_open (&pair->ends[0], i);
  for (guint i = 0; i < G_N_ELEMENTS (pads); i++) {
    pair_push (pads[i], "x");
    pair_expect (&pair->ends[1], i, BINARY, "x");
  }
  for (guint i = 0; i < G_N_ELEMENTS (pads); i++)
    pair_close (&pair->ends[0], pads[i]);
  for (guint i = 0; i < G_N_ELEMENTS (pads); i++)
    pair_event_free (pair_wait (&pair->ends[1], PAIR_REMOVED));
}

/* Of @n messages, on as many streams, so in any order. */
static gboolean
is_among (PairEnd *end, guint n, guint stream, const char *text)
{
  gboolean found = FALSE;

  for (guint i = 0; i < n; i++) {
    g_autoptr (PairEvent) event = pair_wait (end, PAIR_MESSAGE);
    g_autoptr (GBytes) wanted = g_bytes_new_static (text, strlen (text));

    found |= event->stream == stream && g_bytes_equal (event->bytes, wanted);
  }
  return found;
}

/* The far side does not say how many threads we have. */
static void
test_too_many (Pair *pair, gconstpointer data)
{
  DcSctpSendInfo info = {.ppid = BINARY};

  pair_play (pair);
  for (info.stream = 0; info.stream < 1010; info.stream++)
    g_assert_cmpint (gst_dc_sctpenc_send (pair->ends[0].enc, &info, "x", 1), ==, DC_SCTP_SENT);
  /* It is told so. */
  for (guint i = 0; i < 10; i++)
    pair_event_free (pair_wait (&pair->ends[0], PAIR_REMOVED));
  info.stream = 0;
  gst_dc_sctpenc_send (pair->ends[0].enc, &info, "behind", 6);
  g_assert_true (is_among (&pair->ends[1], 1001, 0, "behind"));
  g_assert_cmpuint (GST_ELEMENT (pair->ends[1].dec)->numsrcpads, ==, 1000);
}

/* --- life --- */

static void
test_again (Pair *pair, gconstpointer data)
{
  for (guint i = 0; i < 5; i++) {
    pair_play (pair);
    open_and_close (pair, i);
    for (guint end = 0; end < 2; end++)
      gst_element_set_state (pair->ends[end].pipeline, i % 2 == 0 ? GST_STATE_READY : GST_STATE_NULL);
  }
}

/* No stream is reset any more, so nobody is to wait for that. */
static void
test_reopen_after (Pair *pair, gconstpointer data)
{
  PairEnd *a = &pair->ends[0], *b = &pair->ends[1];
  GstPad *pad;

  pair_play (pair);
  pad = pair_open (a, 3);
  pair_push (pad, "x");
  pair_expect (b, 3, BINARY, "x");
  gst_element_set_state (b->pipeline, GST_STATE_NULL);
  pair_event_free (pair_wait (a, PAIR_DOWN));
  pair_close (a, pad);
  pad = pair_open (a, 3);
  g_assert_cmpint (pair_push (pad, "y"), ==, GST_FLOW_EOS);
  gst_object_unref (pad);
}

/* Who stops tells the far side, which says so, and whose streams end. */
static void
test_stop (Pair *pair, gconstpointer data)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pair->ends[1].pipeline);
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GstPad) pad = NULL;

  pair_play (pair);
  pad = pair_open (&pair->ends[0], 0);
  pair_push (pad, "x");
  pair_expect (&pair->ends[1], 0, BINARY, "x");
  gst_element_set_state (pair->ends[0].pipeline, GST_STATE_NULL);
  pair_event_free (pair_wait (&pair->ends[1], PAIR_DOWN));
  message = gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_ERROR);
  g_assert_true (GST_MESSAGE_SRC (message) == GST_OBJECT (pair->ends[1].enc));
  pair_event_free (pair_wait (&pair->ends[1], PAIR_REMOVED));
}

/* The dec alone; and nothing can be sent any more. */
static void
test_stop_dec (Pair *pair, gconstpointer data)
{
  g_autoptr (GstPad) pad = NULL;

  pair_play (pair);
  pad = pair_open (&pair->ends[0], 0);
  gst_element_set_locked_state (GST_ELEMENT (pair->ends[0].dec), TRUE);
  gst_element_set_state (GST_ELEMENT (pair->ends[0].dec), GST_STATE_NULL);
  pair_event_free (pair_wait (&pair->ends[0], PAIR_DOWN));
  g_assert_cmpint (pair_push (pad, "x"), ==, GST_FLOW_EOS);
  gst_element_set_locked_state (GST_ELEMENT (pair->ends[0].dec), FALSE);
}

static void
test_no_stream (Pair *pair, gconstpointer data)
{
  GstElement *enc = GST_ELEMENT (pair->ends[0].enc);
  g_autoptr (GstPad) pad = NULL;

  g_assert_null (gst_element_request_pad_simple (enc, "sink_0")); /* not up yet */
  pair_play (pair);
  pad = pair_open (&pair->ends[0], 0);
  g_assert_null (gst_element_request_pad_simple (enc, "sink_65535"));
  g_assert_null (gst_element_request_pad_simple (enc, "sink_%u"));
}

/* Two connections of one process that have drawn the same number. */
static void
test_same_number (Pair *pair, gconstpointer data)
{
  g_autoptr (GstPad) pad = NULL;

  for (guint i = 0; i < 2; i++) {
    g_object_set (pair->ends[i].enc, "sctp-association-id", 5, NULL);
    g_object_set (pair->ends[i].dec, "sctp-association-id", 5, NULL);
  }
  for (guint i = 0; i < 2; i++)
    gst_element_set_state (GST_ELEMENT (pair->ends[i].dec), GST_STATE_PLAYING);
  pair_play (pair);
  pad = pair_open (&pair->ends[0], 0);
  pair_push (pad, "x");
  pair_expect (&pair->ends[1], 0, BINARY, "x");
}

/* One of a third connection, which has drawn the number of the first, waits for its own. */
static void
test_number_of_another (Pair *pair, gconstpointer data)
{
  g_autoptr (GstElement) other = gst_object_ref_sink (gst_pipeline_new (NULL));
  GstElement *enc = gst_element_factory_make ("sctpenc", NULL);
  g_autoptr (GstPad) pad = NULL;

  g_object_set (enc, "sctp-association-id", 1, "remote-sctp-port", 5000, NULL);
  gst_bin_add (GST_BIN (other), enc);
  gst_element_set_state (other, GST_STATE_PLAYING);
  gst_element_set_state (GST_ELEMENT (pair->ends[0].dec), GST_STATE_PLAYING);
  pair_play (pair);
  pad = pair_open (&pair->ends[0], 0);
  pair_push (pad, "x");
  pair_expect (&pair->ends[1], 0, BINARY, "x");
  gst_element_set_state (other, GST_STATE_NULL);
}

static void
test_late_port (Pair *pair, gconstpointer data)
{
  g_object_set (pair->ends[0].enc, "remote-sctp-port", 0, NULL);
  g_object_set (pair->ends[0].dec, "local-sctp-port", 0, NULL);
  gst_element_set_state (pair->ends[0].pipeline, GST_STATE_PLAYING);
  g_object_set (pair->ends[0].enc, "remote-sctp-port", 5000, NULL);
  g_object_set (pair->ends[0].dec, "local-sctp-port", 5000, NULL);
  pair_play (pair);
}

static void
assert_ours (const char *name, GType type)
{
  g_autoptr (GstElement) element = gst_object_ref_sink (gst_element_factory_make (name, NULL));

  g_assert_true (G_OBJECT_TYPE (element) == type);
}

/* Also after somebody has loaded GStreamer's plugin once more. */
static void
test_registered (void)
{
  g_autoptr (GstPlugin) plugin = NULL, again = NULL;

  g_assert_true (gst_dc_sctp_elements_register ());
  g_assert_true (gst_dc_sctp_elements_register ());
  assert_ours ("sctpenc", GST_TYPE_DC_SCTP_ENC);
  assert_ours ("sctpdec", GST_TYPE_DC_SCTP_DEC);
  plugin = gst_registry_find_plugin (gst_registry_get (), "sctp");
  g_assert_nonnull (plugin);
  again = gst_plugin_load_file (gst_plugin_get_filename (plugin), NULL);
  g_assert_true (gst_dc_sctp_elements_register ());
  assert_ours ("sctpenc", GST_TYPE_DC_SCTP_ENC);
  assert_ours ("sctpdec", GST_TYPE_DC_SCTP_DEC);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  g_test_add_func ("/sctp-elements/registered", test_registered);
  pair_add ("/sctp-elements/both-ways", test_both_ways);
  pair_add ("/sctp-elements/sizes", test_sizes);
  pair_add ("/sctp-elements/empty", test_empty);
  pair_add ("/sctp-elements/caps", test_caps);
  pair_add ("/sctp-elements/bytes-sent", test_bytes_sent);
  pair_add ("/sctp-elements/limit", test_limit);
  pair_add ("/sctp-elements/close", test_close);
  pair_add ("/sctp-elements/close-unused", test_close_unused);
  pair_add ("/sctp-elements/reopen", test_reopen);
  pair_add ("/sctp-elements/reopen-slow", test_reopen_slow);
  pair_add ("/sctp-elements/reset-stream", test_reset_stream);
  pair_add ("/sctp-elements/ended-first", test_ended_first);
  pair_add ("/sctp-elements/remove-stop", test_remove_stop);
  pair_add ("/sctp-elements/hundred", test_hundred);
  pair_add ("/sctp-elements/too-many", test_too_many);
  pair_add ("/sctp-elements/again", test_again);
  pair_add ("/sctp-elements/reopen-after", test_reopen_after);
  pair_add ("/sctp-elements/stop", test_stop);
  pair_add ("/sctp-elements/stop-dec", test_stop_dec);
  pair_add ("/sctp-elements/no-stream", test_no_stream);
  pair_add ("/sctp-elements/same-number", test_same_number);
  pair_add ("/sctp-elements/number-of-another", test_number_of_another);
  pair_add ("/sctp-elements/late-port", test_late_port);
  return g_test_run ();
}
