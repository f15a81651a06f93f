/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sctp-webrtcbin.c: webrtcbins over sctpenc and sctpdec of ours, among themselves and with one that has GStreamer's own. */
#include <stdio.h>
#include <string.h>

#include "plugins/transport/gst-elements.h"
#include "plugins/transport/gst-sctpenc.h"
#include "tests/harness/dc-test-client.h"
#include "tests/harness/dc-test-daemon.h"
#include "tests/harness/dc-test-process.h"
#include "tests/harness/dc-test.h"
#include "tests/sctp-webrtcbin.h"

#define LONGEST 262144u

static guint8 *
make_bytes (gsize size, guint seed)
{
  guint8 *bytes = g_malloc (size);

  for (gsize i = 0; i < size; i++)
    bytes[i] = (guint8) (i * 13 + i / 251 + seed);
  return bytes;
}

/* --- two of this process --- */

typedef struct {
  WbSide *sides[2];
  GstWebRTCDataChannel *channels[2]; /* the first one, of each */
} Two;

static void
meet (Two *two, const char *options)
{
  dc_test_watchdog_start (60);
  two->sides[0] = wb_side_new (TRUE);
  two->sides[1] = wb_side_new (TRUE);
  two->channels[0] = wb_side_add (two->sides[0], "first", options);
  wb_connect (two->sides[0], two->sides[1]);
  wb_wait_open (two->sides[0], two->channels[0]);
  two->channels[1] = wb_wait_channel (two->sides[1]);
}

static void
set_up (Two *two, gconstpointer options)
{
  g_assert_true (gst_dc_sctp_elements_register ());
  meet (two, options);
  g_assert_cmpuint (two->sides[0]->elements->len, ==, 2);
  for (guint i = 0; i < 2; i++)
    g_assert_true (g_str_has_prefix (G_OBJECT_TYPE_NAME (two->sides[0]->elements->pdata[i]), "GstDcSctp"));
}

static void
tear_down (Two *two, gconstpointer options)
{
  wb_side_free (two->sides[0]);
  wb_side_free (two->sides[1]);
  dc_test_watchdog_stop ();
}

static void
test_messages (Two *two, gconstpointer options)
{
  static const gsize sizes[] = {1, 1200, 65536, 131072, LONGEST};

  for (guint from = 0; from < 2; from++) {
    guint to = !from;

    gst_webrtc_data_channel_send_string (two->channels[from], "gr\xc3\xbc\xc3\x9f dich");
    wb_expect_text (two->sides[to], two->channels[to], "gr\xc3\xbc\xc3\x9f dich");
    for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
      g_autofree guint8 *bytes = make_bytes (sizes[i], i);

      wb_send_data (two->channels[from], bytes, sizes[i]);
      wb_expect_data (two->sides[to], two->channels[to], bytes, sizes[i]);
    }
  }
}

static void
test_empty (Two *two, gconstpointer options)
{
  for (guint from = 0; from < 2; from++) {
    guint to = !from;

    gst_webrtc_data_channel_send_data (two->channels[from], NULL);
    wb_expect_data (two->sides[to], two->channels[to], NULL, 0);
    gst_webrtc_data_channel_send_string (two->channels[from], NULL);
    wb_expect_text (two->sides[to], two->channels[to], NULL);
    gst_webrtc_data_channel_send_string (two->channels[from], "");
    wb_expect_text (two->sides[to], two->channels[to], NULL);
    gst_webrtc_data_channel_send_string (two->channels[from], "x");
    wb_expect_text (two->sides[to], two->channels[to], "x");
  }
}

static void
test_many (Two *two, gconstpointer options)
{
  for (guint from = 0; from < 2; from++) {
    for (guint i = 0; i < 20000; i++) {
      g_autofree char *text = g_strdup_printf ("message %u", i);
      gst_webrtc_data_channel_send_string (two->channels[from], text);
    }
    for (guint i = 0; i < 20000; i++) {
      g_autofree char *text = g_strdup_printf ("message %u", i);
      wb_expect_text (two->sides[!from], two->channels[!from], text);
    }
  }
}

static void
test_bulk (Two *two, gconstpointer options)
{
  g_autofree guint8 *bytes = make_bytes (65536, 1);

  for (guint i = 0; i < 500; i++)
    wb_send_data (two->channels[0], bytes, 65536);
  for (guint i = 0; i < 500; i++)
    wb_expect_data (two->sides[1], two->channels[1], bytes, 65536);
}

/* All arrives on loopback, where nothing is lost; in what order, nobody promises. */
static void
test_unordered (Two *two, gconstpointer options)
{
  guint64 sum = 0;

  wb_send_data (two->channels[1], "open", 4);
  wb_expect_data (two->sides[0], two->channels[0], "open", 4);
  for (guint i = 0; i < 100; i++)
    wb_send_data (two->channels[0], &i, sizeof i);
  for (guint i = 0; i < 100; i++) {
    g_autoptr (WbEvent) event = wb_wait (two->sides[1], WB_DATA, two->channels[1]);

    g_assert_cmpuint (event->size, ==, sizeof i);
    sum += *(const guint *) event->bytes;
  }
  g_assert_cmpuint (sum, ==, 99 * 100 / 2);
}

/* By the caller, and by the called one; with what was sent just before, however full it is. */
static void
test_close (Two *two, gconstpointer options)
{
  g_autofree guint8 *bytes = make_bytes (65536, 2);

  for (guint by = 0; by < 2; by++) {
    GstWebRTCDataChannel *channels[2];

    channels[0] = wb_side_open (two->sides[0], "more", NULL);
    channels[1] = wb_wait_channel (two->sides[1]);
    wb_send_data (channels[0], "hello", 5);
    wb_expect_data (two->sides[1], channels[1], "hello", 5);
    wb_send_data (channels[1], "hello", 5);
    wb_expect_data (two->sides[0], channels[0], "hello", 5);
    wb_send_data (channels[by], bytes, 65536);
    gst_webrtc_data_channel_close (channels[by]);
    wb_expect_data (two->sides[!by], channels[!by], bytes, 65536);
    wb_wait_closed (two->sides[!by], channels[!by]);
    wb_wait_closed (two->sides[by], channels[by]);
  }
}

/* Numbers of streams are used again. */
static void
test_reopen (Two *two, gconstpointer options)
{
  for (guint i = 0; i < 20; i++) {
    GstWebRTCDataChannel *here = wb_side_open (two->sides[0], "again", NULL), *there = wb_wait_channel (two->sides[1]);

    gst_webrtc_data_channel_send_string (here, "there?");
    wb_expect_text (two->sides[1], there, "there?");
    gst_webrtc_data_channel_send_string (there, "here");
    wb_expect_text (two->sides[0], here, "here");
    gst_webrtc_data_channel_close (here);
    wb_wait_closed (two->sides[1], there);
    wb_wait_closed (two->sides[0], here);
  }
}

/* What webrtcbin has made for its channels. */
static guint
count_bins (WbSide *side)
{
  guint n = 0;

  GST_OBJECT_LOCK (side->bin);
  for (GList *child = GST_BIN_CHILDREN (side->bin); child != NULL; child = child->next)
    n += g_str_equal (G_OBJECT_TYPE_NAME (child->data), "WebRTCErrorIgnoreBin");
  GST_OBJECT_UNLOCK (side->bin);
  return n;
}

static void
on_removed (GstBin *bin, GstElement *element, gpointer user_data)
{
  g_main_context_wakeup (NULL);
}

static void
on_bin_gone (gpointer left, GObject *bin)
{
  g_atomic_int_add ((gint *) left, -1);
  g_main_context_wakeup (NULL);
}

static void
watch_bins (WbSide *side, gint *left)
{
  GST_OBJECT_LOCK (side->bin);
  for (GList *child = GST_BIN_CHILDREN (side->bin); child != NULL; child = child->next)
    if (g_str_equal (G_OBJECT_TYPE_NAME (child->data), "WebRTCErrorIgnoreBin")) {
      g_atomic_int_inc (left);
      g_object_weak_ref (child->data, on_bin_gone, left);
    }
  GST_OBJECT_UNLOCK (side->bin);
}

/* A channel that is closed takes along what webrtcbin has made for it: out of webrtcbin at once, and for good with itself. */
static void
test_leaves_nothing (Two *two, gconstpointer options)
{
  static gint left[2]; /* which the first channel's come to when all ends */
  GstWebRTCDataChannel *channels[2];

  channels[0] = wb_side_open (two->sides[0], "short", NULL);
  channels[1] = wb_wait_channel (two->sides[1]);
  for (guint i = 0; i < 2; i++) {
    g_signal_connect (two->sides[i]->bin, "element-removed", G_CALLBACK (on_removed), NULL);
    g_assert_cmpuint (count_bins (two->sides[i]), ==, 4);
    watch_bins (two->sides[i], &left[i]);
  }
  gst_webrtc_data_channel_close (channels[1]);
  for (guint i = 0; i < 2; i++) {
    wb_wait_closed (two->sides[i], channels[i]);
    dc_test_wait_until (NULL, count_bins (two->sides[i]) == 2);
    wb_side_forget (two->sides[i], channels[i]);
    dc_test_wait_until (NULL, g_atomic_int_get (&left[i]) == 2);
  }
  gst_webrtc_data_channel_send_string (two->channels[0], "still here");
  wb_expect_text (two->sides[1], two->channels[1], "still here");
}

static void
test_hundred (Two *two, gconstpointer options)
{
  GstWebRTCDataChannel *channels[100];

  for (guint i = 0; i < G_N_ELEMENTS (channels); i++) {
    g_autofree char *label = g_strdup_printf ("channel %u", i);

    channels[i] = wb_side_open (two->sides[0], label, NULL);
    gst_webrtc_data_channel_send_string (channels[i], label);
  }
  for (guint i = 0; i < G_N_ELEMENTS (channels); i++) {
    g_autoptr (WbEvent) event = wb_wait (two->sides[1], WB_TEXT, NULL);
    g_autofree char *label = NULL;

    g_object_get (event->channel, "label", &label, NULL);
    g_assert_cmpstr (event->bytes, ==, label);
    gst_webrtc_data_channel_send_string (event->channel, label);
  }
  for (guint i = 0; i < G_N_ELEMENTS (channels); i++)
    wb_event_free (wb_wait (two->sides[0], WB_TEXT, NULL));
}

/* Whoever sends as fast as it goes is stopped at any time. */
static void
test_stop_busy (Two *two, gconstpointer options)
{
  g_autofree guint8 *bytes = make_bytes (LONGEST, 3);

  for (guint side = 0; side < 2; side++)
    for (guint i = 0; i < 100; i++)
      wb_send_data (two->channels[side], bytes, LONGEST);
  wb_event_free (wb_wait (two->sides[1], WB_DATA, NULL));
}

/* --- many, one after the other --- */

static void
test_one_after_the_other (void)
{
  guint n_threads = 0, n_fds = 0;

  g_assert_true (gst_dc_sctp_elements_register ());
  for (guint i = 0; i < 100; i++) {
    Two two;

    meet (&two, NULL);
    gst_webrtc_data_channel_send_string (two.channels[0], "x");
    wb_expect_text (two.sides[1], two.channels[1], "x");
    tear_down (&two, NULL);
    if (i == 20) {
      n_threads = dc_test_count_threads ();
      n_fds = dc_test_count_fds ();
    }
  }
  g_test_message (
      "threads %u, then %u; descriptors %u, then %u", n_threads, dc_test_count_threads (), n_fds, dc_test_count_fds ());
  /* GLib would keep some threads for a while, and others are about to end. */
  dc_test_watchdog_start (30);
  g_thread_pool_set_max_unused_threads (0);
  while (dc_test_count_threads () > n_threads + 4)
    g_thread_yield ();
  dc_test_watchdog_stop ();
  g_assert_cmpuint (dc_test_count_fds (), <=, n_fds + 4);
}

/* --- with GStreamer's own --- */

typedef struct {
  DcTestDaemon *daemon;
  DcTestProcess *them;
  DcTestClient *client;
  WbSide *us;
  GstWebRTCDataChannel *channel;
} Meeting;

typedef struct {
  Meeting *meeting;
  guint mline;
  char *line;
} Candidate;

static gboolean
send_candidate (gpointer user_data)
{
  Candidate *candidate = user_data;
  g_autofree char *members = g_strdup_printf ("\"candidate\":\"%s\",\"mline\":%u", candidate->line, candidate->mline);

  dc_test_client_send (candidate->meeting->client, "candidate", "them", members);
  g_free (candidate->line);
  g_free (candidate);
  return G_SOURCE_REMOVE;
}

static void
on_candidate (guint mline, const char *line, gpointer user_data)
{
  const Candidate candidate = {user_data, mline, g_strdup (line)};

  g_idle_add (send_candidate, g_memdup2 (&candidate, sizeof candidate));
}

static void
send_description (Meeting *meeting, const char *type)
{
  g_autofree char *sdp = wb_side_describe (meeting->us, type), *escaped = g_strescape (sdp, NULL);
  g_autofree char *members = g_strdup_printf ("\"call\":\"call\",\"sdp\":\"%s\"", escaped);

  dc_test_client_send (meeting->client, type, "them", members);
}

static void
take_message (Meeting *meeting, const DcMessage *message)
{
  if (message->type == DC_MESSAGE_CANDIDATE)
    g_signal_emit_by_name (meeting->us->bin, "add-ice-candidate", message->mline, message->candidate);
  if (message->type == DC_MESSAGE_ANSWER)
    wb_side_take (meeting->us, "answer", message->sdp);
  if (message->type == DC_MESSAGE_OFFER) {
    wb_side_take (meeting->us, "offer", message->sdp);
    send_description (meeting, "answer");
  }
}

static void
pump (gpointer user_data)
{
  Meeting *meeting = user_data;

  while (dc_test_client_get_pending (meeting->client) > 0) {
    g_autoptr (DcMessage) message = dc_test_client_wait_any (meeting->client);

    take_message (meeting, message);
  }
}

static void
start_them (Meeting *meeting, const char *role)
{
  g_autofree char *program = g_test_build_filename (G_TEST_DIST, "interop", "webrtcbin.py", NULL);
  g_autofree char *registry = g_test_build_filename (G_TEST_BUILT, "interop-registry.bin", NULL);
  g_autofree char *own_registry = g_strconcat ("GST_REGISTRY=", registry, NULL);
  const char *const argv[] = {"/usr/bin/python3", program, dc_test_daemon_get_url (meeting->daemon), "room", "them",
      role, "[{\"label\":\"first\"}]", NULL};
  const char *const env[] = {"GST_PLUGIN_PATH=", "LD_LIBRARY_PATH=", own_registry, NULL};

  meeting->them = dc_test_process_newv (argv, env);
}

static void
set_up_meeting (Meeting *meeting, gconstpointer we_call)
{
  dc_test_watchdog_start (60);
  g_assert_true (gst_dc_sctp_elements_register ());
  meeting->daemon = dc_test_daemon_new (NULL);
  meeting->client = dc_test_client_new (dc_test_daemon_get_url (meeting->daemon), DC_TEST_WEBSOCKET, NULL);
  meeting->us = wb_side_new (FALSE);
  meeting->us->candidate = on_candidate;
  meeting->us->candidate_data = meeting->us->pump_data = meeting;
  meeting->us->pump = pump;
  if (we_call == NULL)
    dc_test_client_register (meeting->client, "room", "us");
  start_them (meeting, we_call != NULL ? "answer" : "offer");
  dc_test_process_wait_line (meeting->them, "registered");
  if (we_call != NULL) {
    dc_test_client_register (meeting->client, "room", "us");
    meeting->channel = wb_side_add (meeting->us, "first", NULL);
    send_description (meeting, "offer");
    wb_wait_open (meeting->us, meeting->channel);
  } else {
    meeting->channel = wb_wait_channel (meeting->us);
  }
}

static void
tear_down_meeting (Meeting *meeting, gconstpointer we_call)
{
  wb_side_free (meeting->us);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  dc_test_process_free (meeting->them);
  dc_test_client_free (meeting->client);
  dc_test_daemon_free (meeting->daemon);
  dc_test_watchdog_stop ();
}

static void
echo_text (Meeting *meeting, GstWebRTCDataChannel *channel, const char *text)
{
  gst_webrtc_data_channel_send_string (channel, text);
  wb_expect_text (meeting->us, channel, text);
}

static void
test_stock_messages (Meeting *meeting, gconstpointer we_call)
{
  static const gsize sizes[] = {1, 1200, 16384, 65536};

  echo_text (meeting, meeting->channel, "gr\xc3\xbc\xc3\x9f dich");
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autofree guint8 *bytes = make_bytes (sizes[i], i);

    wb_send_data (meeting->channel, bytes, sizes[i]);
    wb_expect_data (meeting->us, meeting->channel, bytes, sizes[i]);
  }
}

static void
test_stock_many (Meeting *meeting, gconstpointer we_call)
{
  for (guint i = 0; i < 5000; i++) {
    g_autofree char *text = g_strdup_printf ("message %u", i);
    gst_webrtc_data_channel_send_string (meeting->channel, text);
  }
  for (guint i = 0; i < 5000; i++) {
    g_autofree char *text = g_strdup_printf ("message %u", i);
    wb_expect_text (meeting->us, meeting->channel, text);
  }
}

static void
test_stock_kinds (Meeting *meeting, gconstpointer we_call)
{
  static const char *const kinds[] = {"ordered=(boolean)false", "ordered=(boolean)false,max-retransmits=10",
      "ordered=(boolean)true,max-packet-lifetime=5000", "negotiated=(boolean)false,protocol=(string)chat"};

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    GstWebRTCDataChannel *channel = wb_side_open (meeting->us, "kind", kinds[i]);

    echo_text (meeting, channel, "there?");
  }
}

static void
test_stock_close (Meeting *meeting, gconstpointer we_call)
{
  for (guint i = 0; i < 5; i++) {
    GstWebRTCDataChannel *ours = wb_side_open (meeting->us, "ours", NULL), *theirs;

    echo_text (meeting, ours, "there?");
    gst_webrtc_data_channel_close (ours);
    wb_wait_closed (meeting->us, ours);
    dc_test_process_wait_line (meeting->them, "closed ours");
    theirs = wb_side_open (meeting->us, "theirs", NULL);
    gst_webrtc_data_channel_send_string (theirs, "last words");
    gst_webrtc_data_channel_send_string (theirs, "!close");
    wb_expect_text (meeting->us, theirs, "last words");
    wb_wait_closed (meeting->us, theirs);
    dc_test_process_wait_line (meeting->them, "closed theirs"); /* it cannot have the next one of this number before */
  }
}

static void
test_stock_hundred (Meeting *meeting, gconstpointer we_call)
{
  GstWebRTCDataChannel *channels[100];

  for (guint i = 0; i < G_N_ELEMENTS (channels); i++) {
    g_autofree char *label = g_strdup_printf ("channel %u", i);

    channels[i] = wb_side_open (meeting->us, label, NULL);
  }
  for (guint i = 0; i < G_N_ELEMENTS (channels); i++) {
    g_autofree char *label = NULL;

    g_object_get (channels[i], "label", &label, NULL);
    echo_text (meeting, channels[i], label);
  }
}

static void
add (const char *name, void (*test) (Two *two, gconstpointer options), const char *options)
{
  g_autofree char *path = g_strconcat ("/sctp-webrtcbin/ours/", name, NULL);

  g_test_add (path, Two, options, set_up, test, tear_down);
}

static void
add_meeting (const char *name, void (*test) (Meeting *meeting, gconstpointer we_call))
{
  g_autofree char *calls = g_strconcat ("/sctp-webrtcbin/stock-answers/", name, NULL);
  g_autofree char *called = g_strconcat ("/sctp-webrtcbin/stock-offers/", name, NULL);

  g_test_add (calls, Meeting, GINT_TO_POINTER (TRUE), set_up_meeting, test, tear_down_meeting);
  g_test_add (called, Meeting, NULL, set_up_meeting, test, tear_down_meeting);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  add ("messages", test_messages, NULL);
  add ("empty", test_empty, NULL);
  add ("many", test_many, NULL);
  add ("bulk", test_bulk, NULL);
  add ("unordered", test_unordered, "ordered=(boolean)false");
  add ("retransmits", test_unordered, "ordered=(boolean)false,max-retransmits=0");
  add ("lifetime", test_unordered, "ordered=(boolean)true,max-packet-lifetime=30000");
  add ("close", test_close, NULL);
  add ("reopen", test_reopen, NULL);
  add ("leaves-nothing", test_leaves_nothing, NULL);
  add ("hundred", test_hundred, NULL);
  add ("stop-busy", test_stop_busy, NULL);
  g_test_add_func ("/sctp-webrtcbin/ours/one-after-the-other", test_one_after_the_other);
  add_meeting ("messages", test_stock_messages);
  add_meeting ("many", test_stock_many);
  add_meeting ("kinds", test_stock_kinds);
  add_meeting ("close", test_stock_close);
  add_meeting ("hundred", test_stock_hundred);
  return g_test_run ();
}
