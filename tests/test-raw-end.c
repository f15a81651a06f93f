/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-raw-end.c: how raw channels between two real peers end: finished, left, aborted, closed, silent; and what has come by then. */
#include <string.h>

#include "tests/harness/dc-test-cut.h"
#include "tests/harness/dc-test-meeting.h"
#include "tests/harness/dc-test.h"

/* Opens when bob hears that alice leaves. */
static DcTestGate goodbye;

static gboolean
keep_looking (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

static guint64
count_waiting (DcChannel *channel)
{
  g_autoptr (GstStructure) stats = dc_channel_dup_stats (channel);
  guint64 waiting = G_MAXUINT64;

  g_assert_true (gst_structure_get_uint64 (stats, "waiting", &waiting));
  return waiting;
}

/* Sends into a dead network until SCTP has taken it, and says that this is all. */
static void
send_last_words (DcTestMeeting *fixture)
{
  guint ticks = g_timeout_add (10, keep_looking, NULL);

  dc_test_cut_set (TRUE);
  dc_test_push_text (fixture->at_alice, "last words");
  dc_channel_begin_finish (fixture->at_alice);
  dc_test_wait_until (NULL, count_waiting (fixture->at_alice) == 0);
  g_source_remove (ticks);
}

static void
finish_and_leave (DcTestMeeting *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (dc_channel_finish (fixture->at_alice, &error));
  g_assert_no_error (error);
  dc_test_meeting_drop_alice (fixture);
}

static void
assert_end (DcChannel *channel)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = dc_channel_receive (channel, NULL, &error);

  g_assert_no_error (error);
  g_assert_null (bytes);
}

/* Who has finished may leave at once. */
static void
test_finished_when_delivered (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();

  dc_test_meeting_meet (fixture, options, options);
  send_last_words (fixture);
  g_assert_false (dc_channel_is_finished (fixture->at_alice));
  dc_test_cut_set (FALSE);
  finish_and_leave (fixture);
  dc_test_expect_text (fixture->at_bob, "last words");
  assert_end (fixture->at_bob);
}

/* What is given up need not be waited for, but the far side must be told. */
static void
test_finished_when_given_up (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();
  g_autoptr (GError) error = NULL;
  GBytes *bytes;

  options->max_retransmits = 0;
  dc_test_meeting_meet (fixture, options, options);
  send_last_words (fixture);
  g_assert_false (dc_channel_is_finished (fixture->at_alice));
  dc_test_cut_set (FALSE);
  finish_and_leave (fixture);
  /* Unless its only packet had not come to where the network is cut. */
  while ((bytes = dc_channel_receive (fixture->at_bob, NULL, &error)) != NULL)
    g_bytes_unref (bytes);
  g_assert_no_error (error);
}

/* What is too late anyway is not waited for. */
static void
test_finished_when_expired (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();
  g_autoptr (GError) error = NULL;

  options->max_packet_lifetime = 50;
  dc_test_meeting_meet (fixture, options, options);
  send_last_words (fixture);
  g_assert_true (dc_channel_finish (fixture->at_alice, &error));
}

static gboolean
is_goodbye (const GstStructure *event)
{
  return gst_structure_has_name (event, "dtls-state")
         && g_str_equal (gst_structure_get_string (event, "state"), "closed");
}

static void
open_at_goodbye (DcPeer *peer, const GstStructure *event, DcTestGate *gate)
{
  if (is_goodbye (event))
    dc_test_gate_open (gate);
}

/* Whose own DTLS is closed ends at once, if need be before the goodbye has left. */
static void
wait_at_goodbye (DcPeer *peer, const GstStructure *event, DcTestGate *gate)
{
  if (is_goodbye (event))
    dc_test_gate_wait (gate);
}

/* alice leaves by a goodbye of DTLS only, as a browser's page that is closed. */
static void
leave (DcTestMeeting *fixture)
{
  g_signal_connect (dc_test_peer_get (fixture->bob), "event", G_CALLBACK (open_at_goodbye), &goodbye);
  g_signal_connect (dc_test_peer_get (fixture->alice), "event", G_CALLBACK (wait_at_goodbye), &goodbye);
  dc_test_cut_end_oldest ();
}

/* A far side that ends the connection ends its channels. */
static void
test_far_side_leaves (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();

  dc_test_gate_close (&goodbye);
  dc_test_meeting_meet (fixture, options, options);
  dc_test_push_text (fixture->at_alice, "bye");
  dc_test_expect_text (fixture->at_bob, "bye");
  leave (fixture);
  assert_end (fixture->at_bob);
}

/* Each side says close_notify, so that nobody has to wait for silence. (GStreamer's own elements: who leaves first.) */
static void
test_farewell (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();
  guint before = dc_test_cut_count_alerts (), least = dc_test_is_fast () ? 2 : 1;

  dc_test_meeting_meet (fixture, options, options);
  dc_test_push_text (fixture->at_alice, "bye");
  dc_test_expect_text (fixture->at_bob, "bye");
  g_assert_cmpuint (dc_test_cut_count_alerts (), ==, before);
  dc_test_meeting_drop_alice (fixture);
  assert_end (fixture->at_bob);
  g_clear_object (&fixture->at_bob);
  g_clear_pointer (&fixture->bob, dc_test_peer_free);
  g_assert_cmpuint (dc_test_cut_count_alerts (), >=, before + least);
}

static void
send_many (DcChannel *channel, guint n)
{
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < n; i++)
    dc_test_push_text (channel, "one of many");
  g_assert_true (dc_channel_finish (channel, &error));
  g_assert_no_error (error);
}

static void
expect_many (DcChannel *channel, guint n)
{
  for (guint i = 0; i < n; i++)
    dc_test_expect_text (channel, "one of many");
  assert_end (channel);
}

/* A far side that leaves right after its last messages, while we are slow: the goodbye does not overtake them. */
static void
test_last_messages (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();

  dc_test_gate_close (&goodbye);
  dc_test_meeting_meet (fixture, options, options);
  /* On webrtcbin's thread, which delivers one message after the other. On the fast path it would be the one that acknowledges them. */
  if (!dc_test_is_fast ())
    g_signal_connect_swapped (fixture->at_bob, "readable", G_CALLBACK (dc_test_gate_wait), &goodbye);
  send_many (fixture->at_alice, 1000);
  leave (fixture);
  expect_many (fixture->at_bob, 1000);
}

/* How alice leaves after her @n last messages. */
typedef struct {
  guint n;
  void (*leave) (DcTestMeeting *fixture);
} LastMessages;

/* This is how a browser leaves: sctpenc takes that for an error. */
static void
abort_association (DcTestMeeting *fixture)
{
  dc_test_cut_abort_oldest ();
}

/* SCTP resets the stream when all has come, which need not have been given to bob yet. */
static void
close_channel (DcTestMeeting *fixture)
{
  dc_channel_close (fixture->at_alice);
}

static const LastMessages before_abort = {1000, abort_association}, before_close = {3000, close_channel};

/* Nor does an abort of the association, nor the end of a channel. */
static void
test_last_messages_before (DcTestMeeting *fixture, gconstpointer data)
{
  const LastMessages *last = data;
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();

  dc_test_meeting_meet (fixture, options, options);
  send_many (fixture->at_alice, last->n);
  last->leave (fixture);
  expect_many (fixture->at_bob, last->n);
}

/* A far side says that it closes the channel before all that it has sent has come, and does not say it again, as aiortc does. */
static void
test_last_message_late (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();
  g_autoptr (GstStructure) open = NULL;
  gint id = -1;

  if (dc_test_is_fast ()) {
    g_test_skip ("dc-test-cut reads the numbers of what goes through the elements");
    return;
  }
  dc_test_meeting_meet (fixture, options, options);
  open = dc_test_peer_wait_event (fixture->bob, "channel-open");
  g_assert_true (gst_structure_get_int (open, "id", &id));
  dc_test_cut_reset_oldest ((guint) id);
  dc_test_push_text (fixture->at_alice, "last words");
  dc_test_expect_text (fixture->at_bob, "last words");
  assert_end (fixture->at_bob);
}

/* Nobody is there any more, who could not say so. */
static void
test_silence (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();
  g_autoptr (GError) error = NULL;

  dc_test_meeting_meet (fixture, options, options);
  dc_test_cut_set (TRUE);
  g_assert_null (dc_channel_receive (fixture->at_bob, NULL, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_PEER_GONE);
  g_assert_nonnull (strstr (error->message, "has not been heard of"));
}

/* A caller who says something and leaves, all before our worker has come round to the channel: when it is about to take it up, and when it has not
 * even heard of it, but at once hears of it and, from the server, of the far side's leave. */
static void
test_gone_already (DcTestMeeting *fixture, gconstpointer event)
{
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();
  DcTestGate gone = {0};
  gulong hold;

  dc_test_meeting_start_bob (fixture, options);
  hold = dc_test_peer_hold (fixture->bob, event, &gone);
  dc_test_meeting_start_alice (fixture, options);
  fixture->at_alice = dc_test_peer_wait_channel (fixture->alice);
  send_many (fixture->at_alice, 10);
  dc_channel_close (fixture->at_alice);
  dc_test_meeting_drop_alice (fixture);
  dc_test_gate_open (&gone);
  fixture->at_bob = dc_test_peer_wait_channel (fixture->bob);
  expect_many (fixture->at_bob, 10);
  g_signal_handler_disconnect (dc_test_peer_get (fixture->bob), hold);
}

/* --- usrsctp -------------------------------------------------------------------------------------------------------------------- */

/* Its id. 0: there is none; there must not be two. */
static guint64
find_sctp_timer (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  guint64 found = 0;
  const char *id;

  while ((id = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename ("/proc/self/task", id, "comm", NULL), *name = NULL;
    if (!g_file_get_contents (path, &name, NULL, NULL) || !g_str_equal (g_strchomp (name), "SCTP timer"))
      continue;
    g_assert_cmpuint (found, ==, 0);
    found = g_ascii_strtoull (id, NULL, 10);
  }
  return found;
}

/* It is not ended with the last connection, and begun anew over what a dead one has left, with the next. */
static void
test_usrsctp_stays (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();
  guint64 timer;

  if (dc_test_is_fast ()) {
    g_test_skip ("it has an SCTP of its own");
    return;
  }
  dc_test_meeting_meet (fixture, options, options);
  timer = find_sctp_timer ();
  g_assert_cmpuint (timer, !=, 0);
  send_last_words (fixture);
  dc_test_meeting_part (fixture);
  g_assert_cmpuint (find_sctp_timer (), ==, timer);
  dc_test_cut_set (FALSE);
  dc_test_meeting_meet (fixture, options, options);
  g_assert_cmpuint (find_sctp_timer (), ==, timer);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  dc_test_cut_init ();
  dc_test_meeting_add ("/raw/finished-when-delivered", NULL, test_finished_when_delivered);
  dc_test_meeting_add ("/raw/finished-when-given-up", NULL, test_finished_when_given_up);
  dc_test_meeting_add ("/raw/finished-when-expired", NULL, test_finished_when_expired);
  dc_test_meeting_add ("/raw/far-side-leaves", NULL, test_far_side_leaves);
  dc_test_meeting_add ("/raw/farewell", NULL, test_farewell);
  dc_test_meeting_add ("/raw/gone-already/when-open", "channel-open", test_gone_already);
  dc_test_meeting_add ("/raw/gone-already/when-selected", "selected-pair", test_gone_already);
  dc_test_meeting_add ("/raw/silence", NULL, test_silence);
  dc_test_meeting_add ("/raw/last-messages", NULL, test_last_messages);
  dc_test_meeting_add ("/raw/last-messages/before-abort", &before_abort, test_last_messages_before);
  dc_test_meeting_add ("/raw/last-messages/before-close", &before_close, test_last_messages_before);
  dc_test_meeting_add ("/raw/last-messages/late", NULL, test_last_message_late);
  dc_test_meeting_add ("/raw/usrsctp-stays", NULL, test_usrsctp_stays);
  return g_test_run ();
}
