/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-raw.c: raw channels of every kind between two real peers: unordered, partially reliable, negotiated, limited; and their first messages. */
#include <string.h>

#include "tests/harness/dc-test-cut.h"
#include "tests/harness/dc-test-meeting.h"
#include "tests/harness/dc-test.h"

static void
test_kind (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) ours = dc_test_raw_options (), theirs = dc_test_raw_options ();
  g_autoptr (GstStructure) open = NULL;
  gboolean ordered = TRUE;
  int retransmits = -1;

  ours->ordered = FALSE;
  ours->max_retransmits = 3;
  ours->protocol = g_strdup ("chat");
  dc_test_meeting_meet (fixture, ours, theirs);
  open = dc_test_peer_wait_event (fixture->bob, "channel-open");
  g_assert_cmpstr (gst_structure_get_string (open, "protocol"), ==, "chat");
  g_assert_true (
      gst_structure_get (open, "ordered", G_TYPE_BOOLEAN, &ordered, "max-retransmits", G_TYPE_INT, &retransmits, NULL));
  g_assert_false (ordered);
  g_assert_cmpint (retransmits, ==, 3);
  dc_test_push_text (fixture->at_alice, "hello");
  dc_test_expect_text (fixture->at_bob, "hello");
}

static guint64
get_rate (DcChannel *channel, const char *field)
{
  g_autoptr (GstStructure) stats = dc_channel_dup_stats (channel);
  guint64 rate = 0;

  g_assert_true (gst_structure_get_uint64 (stats, field, &rate));
  return rate;
}

static void
test_rates (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();

  dc_test_meeting_meet (fixture, options, options);
  do {
    dc_test_push_text (fixture->at_alice, "hello");
    dc_test_expect_text (fixture->at_bob, "hello");
  } while (get_rate (fixture->at_alice, "send-rate") == 0 || get_rate (fixture->at_bob, "receive-rate") == 0);
}

static void
test_negotiated (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();
  g_autoptr (GstStructure) open = NULL;
  int id = -1;

  options->negotiated = TRUE;
  options->id = 7;
  dc_test_meeting_meet (fixture, options, options);
  open = dc_test_peer_wait_event (fixture->bob, "channel-open");
  g_assert_true (gst_structure_get_int (open, "id", &id));
  g_assert_cmpint (id, ==, 7);
  dc_test_push_text (fixture->at_alice, "hello");
  dc_test_expect_text (fixture->at_bob, "hello");
  dc_test_push_text (fixture->at_bob, "and back");
  dc_test_expect_text (fixture->at_alice, "and back");
}

static gboolean
push_bytes (DcChannel *channel, gsize size, GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new_take (g_malloc0 (size), size);

  return dc_channel_send (channel, bytes, FALSE, error);
}

static void
assert_receives (DcChannel *channel, gsize size)
{
  g_autoptr (GError) error = NULL;
  gboolean text = TRUE;
  g_autoptr (GBytes) bytes = dc_channel_receive (channel, &text, &error);

  g_assert_no_error (error);
  g_assert_false (text);
  g_assert_cmpuint (g_bytes_get_size (bytes), ==, size);
}

/* A message of just the agreed size passes, a larger one is refused with a sentence, and the channel goes on. */
static void
test_max_message_size (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) ours = dc_test_raw_options (), theirs = dc_test_raw_options ();
  g_autoptr (GError) error = NULL;

  theirs->max_message_size = 1000;
  dc_test_meeting_meet (fixture, ours, theirs);
  g_assert_cmpuint (dc_channel_get_max_message_size (fixture->at_alice), ==, 1000);
  g_assert_false (push_bytes (fixture->at_alice, 1001, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_DATA);
  g_assert_nonnull (strstr (error->message, "1001"));
  g_clear_error (&error);
  g_assert_true (push_bytes (fixture->at_alice, 1000, &error));
  g_assert_true (push_bytes (fixture->at_alice, 0, &error));
  assert_receives (fixture->at_bob, 1000);
  assert_receives (fixture->at_bob, 0);
}

/* 64 KiB through GStreamer's elements, 256 KiB through ours, whole; one byte more is refused, and nothing of it is sent. */
static void
test_largest (DcTestMeeting *fixture, gconstpointer data)
{
  const gsize largest = dc_test_is_fast () ? 262144 : 65536;
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();
  g_autoptr (GError) error = NULL;

  dc_test_meeting_meet (fixture, options, options);
  g_assert_cmpuint (dc_channel_get_max_message_size (fixture->at_alice), ==, largest);
  for (guint i = 0; i < 8; i++)
    g_assert_true (push_bytes (fixture->at_alice, largest - i, &error));
  g_assert_false (push_bytes (fixture->at_alice, largest + 1, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_DATA);
  g_clear_error (&error);
  g_assert_true (push_bytes (fixture->at_alice, 0, &error));
  g_assert_true (push_bytes (fixture->at_alice, 1, &error));
  for (guint i = 0; i < 8; i++)
    assert_receives (fixture->at_bob, largest - i);
  assert_receives (fixture->at_bob, 0);
  assert_receives (fixture->at_bob, 1);
}

static gboolean
time_is_up (gpointer flag)
{
  *(gboolean *) flag = TRUE;
  return G_SOURCE_REMOVE;
}

/* How many of ten messages that were sent into a dead network arrive once it lives again. usrsctp sends what is lost again after 1 s, then 2 s
 * later: so time itself is what is waited for here. */
static guint
count_survivors (DcTestMeeting *fixture)
{
  gboolean up = FALSE;
  guint n = 0;

  dc_test_cut_set (TRUE);
  for (guint i = 0; i < 10; i++)
    dc_test_push_text (fixture->at_alice, "into the dark");
  g_timeout_add (4000, time_is_up, &up);
  dc_test_wait_until (NULL, up);
  dc_test_cut_set (FALSE);
  dc_test_push_text (fixture->at_alice, "light");
  while (TRUE) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) bytes = dc_channel_receive (fixture->at_bob, NULL, &error);
    g_assert_no_error (error);
    if (g_bytes_get_size (bytes) == strlen ("light"))
      return n;
    n++;
  }
}

static void
test_retransmits (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();

  options->max_retransmits = 1;
  dc_test_meeting_meet (fixture, options, options);
  g_assert_cmpuint (count_survivors (fixture), ==, 0);
}

static void
test_lifetime (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();

  options->max_packet_lifetime = 500;
  dc_test_meeting_meet (fixture, options, options);
  g_assert_cmpuint (count_survivors (fixture), ==, 0);
}

static void
test_reliable (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();

  dc_test_meeting_meet (fixture, options, options);
  g_assert_cmpuint (count_survivors (fixture), ==, 10);
}

/* --- The beginning --------------------------------------------------------------------------------------------------------------- */

/* A caller who sends as soon as it may, before our worker has come round to the channel. */
static void
test_first_messages (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();
  g_autoptr (GError) error = NULL;
  DcTestGate sent = {0};
  gulong hold;

  dc_test_meeting_start_bob (fixture, options);
  hold = dc_test_peer_hold (fixture->bob, "channel-open", &sent);
  dc_test_meeting_start_alice (fixture, options);
  fixture->at_alice = dc_test_peer_wait_channel (fixture->alice);
  for (guint i = 0; i < 2000; i++)
    dc_test_push_text (fixture->at_alice, "one of many");
  g_assert_true (dc_channel_finish (fixture->at_alice, &error));
  g_assert_no_error (error);
  dc_test_gate_open (&sent);
  fixture->at_bob = dc_test_peer_wait_channel (fixture->bob);
  for (guint i = 0; i < 2000; i++)
    dc_test_expect_text (fixture->at_bob, "one of many");
  g_signal_handler_disconnect (dc_test_peer_get (fixture->bob), hold);
}

#define HOLD (200 * G_TIME_SPAN_MILLISECOND)

/* What webrtcbin is about to say to the far side about its channel. */
typedef struct {
  GMutex lock;
  GCond cond;
  gboolean told; /* bob was, that the channel is open */
  gboolean held;
  gboolean late; /* bob was told before it left */
} Answer;

static void
hold_answer (GstDebugCategory *category, GstDebugLevel level, const char *file, const char *function, int line,
    GObject *object, GstDebugMessage *message, gpointer user_data)
{
  gint64 deadline = g_get_monotonic_time () + HOLD * dc_test_get_slowness ();
  gboolean in_time = TRUE;
  Answer *answer = user_data;

  if (!g_str_equal (gst_debug_message_get (message), "Sending channel ack"))
    return;
  g_mutex_lock (&answer->lock);
  answer->held = TRUE;
  while (!answer->told && in_time)
    in_time = g_cond_wait_until (&answer->cond, &answer->lock, deadline);
  answer->late = answer->told;
  g_mutex_unlock (&answer->lock);
}

static void
note_open (DcPeer *peer, const GstStructure *event, Answer *answer)
{
  if (!gst_structure_has_name (event, "channel-open"))
    return;
  g_mutex_lock (&answer->lock);
  answer->told = TRUE;
  g_cond_signal (&answer->cond);
  g_mutex_unlock (&answer->lock);
}

/* webrtcbin says that a channel is open before it answers the far side, which must hear the answer before anything else. */
static void
test_answer_first (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();
  Answer answer = {0};

  gst_debug_add_log_function (hold_answer, &answer, NULL);
  dc_test_meeting_start_bob (fixture, options);
  g_signal_connect (dc_test_peer_get (fixture->bob), "event", G_CALLBACK (note_open), &answer);
  dc_test_meeting_start_alice (fixture, options);
  fixture->at_bob = dc_test_peer_wait_channel (fixture->bob);
  gst_debug_remove_log_function (hold_answer);
  g_signal_handlers_disconnect_by_data (dc_test_peer_get (fixture->bob), &answer);
  g_assert_false (answer.late);
  if (!answer.held)
    g_test_skip ("this webrtcbin does not tell when it answers");
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  /* For test_answer_first(); GStreamer's threads look at it without a lock. */
  gst_debug_remove_log_function (gst_debug_log_default);
  gst_debug_set_threshold_for_name ("webrtcdatachannel", GST_LEVEL_INFO);
  dc_test_cut_init ();
  dc_test_meeting_add ("/raw/kind", NULL, test_kind);
  dc_test_meeting_add ("/raw/rates", NULL, test_rates);
  dc_test_meeting_add ("/raw/negotiated", NULL, test_negotiated);
  dc_test_meeting_add ("/raw/max-message-size", NULL, test_max_message_size);
  dc_test_meeting_add ("/raw/largest", NULL, test_largest);
  dc_test_meeting_add ("/raw/retransmits", NULL, test_retransmits);
  dc_test_meeting_add ("/raw/lifetime", NULL, test_lifetime);
  dc_test_meeting_add ("/raw/reliable", NULL, test_reliable);
  dc_test_meeting_add ("/raw/first-messages", NULL, test_first_messages);
  dc_test_meeting_add ("/raw/answer-first", NULL, test_answer_first);
  return g_test_run ();
}
