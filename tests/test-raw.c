/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-raw.c: raw channels of every kind between two real peers: unordered, partially reliable, negotiated, limited. */
#include <string.h>

#include "plugins/peer/dc-peer.h"
#include "tests/harness/dc-test-cut.h"
#include "tests/harness/dc-test-daemon.h"
#include "tests/harness/dc-test-peer.h"
#include "tests/harness/dc-test.h"

#define WATCHDOG_S 60

/* Holds up a thread. */
typedef struct {
  GMutex lock;
  GCond cond;
  gboolean open;
} Gate;

typedef struct {
  DcTestDaemon *daemon;
  DcTestPeer *alice, *bob; /* alice calls */
  DcChannel *at_alice, *at_bob;
  Gate goodbye; /* opens when bob hears that alice leaves */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  dc_test_watchdog_start (WATCHDOG_S);
  dc_test_cut_set (FALSE);
  fixture->daemon = dc_test_daemon_new (NULL);
}

static void
part (Fixture *fixture)
{
  g_clear_object (&fixture->at_alice);
  g_clear_object (&fixture->at_bob);
  g_clear_pointer (&fixture->alice, dc_test_peer_free);
  g_clear_pointer (&fixture->bob, dc_test_peer_free);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  dc_test_cut_set (FALSE);
  part (fixture);
  dc_test_daemon_free (fixture->daemon);
  dc_test_watchdog_stop ();
}

static DcTestPeer *
new_peer (Fixture *fixture, const char *id, DcRole role, const DcChannelOptions *options)
{
  DcPeer *peer =
      g_object_new (DC_TYPE_PEER, "signaling", dc_test_daemon_get_url (fixture->daemon), "id", id, "role", role, NULL);
  g_autoptr (GError) error = NULL;

  dc_peer_add_channel (peer, options, &error);
  g_assert_no_error (error);
  return dc_test_peer_start (peer);
}

static DcChannelOptions *
raw_options (void)
{
  DcChannelOptions *options = dc_channel_options_new ("raw");

  options->mode = DC_MODE_RAW;
  return options;
}

/* Bob, who is called, learns of the kind of channel from the channel itself, but for negotiated ones. */
static void
meet (Fixture *fixture, const DcChannelOptions *alice, const DcChannelOptions *bob)
{
  fixture->bob = new_peer (fixture, "bob", DC_ROLE_ANSWERER, bob);
  gst_structure_free (dc_test_peer_wait_event (fixture->bob, "registered"));
  fixture->alice = new_peer (fixture, "alice", DC_ROLE_OFFERER, alice);
  fixture->at_alice = dc_test_peer_wait_channel (fixture->alice);
  fixture->at_bob = dc_test_peer_wait_channel (fixture->bob);
}

static void
test_kind (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) ours = raw_options (), theirs = raw_options ();
  g_autoptr (GstStructure) open = NULL;
  gboolean ordered = TRUE;
  int retransmits = -1;

  ours->ordered = FALSE;
  ours->max_retransmits = 3;
  ours->protocol = g_strdup ("chat");
  meet (fixture, ours, theirs);
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
test_rates (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = raw_options ();

  meet (fixture, options, options);
  do {
    dc_test_push_text (fixture->at_alice, "hello");
    dc_test_expect_text (fixture->at_bob, "hello");
  } while (get_rate (fixture->at_alice, "send-rate") == 0 || get_rate (fixture->at_bob, "receive-rate") == 0);
}

static void
test_negotiated (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = raw_options ();
  g_autoptr (GstStructure) open = NULL;
  int id = -1;

  options->negotiated = TRUE;
  options->id = 7;
  meet (fixture, options, options);
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
test_max_message_size (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) ours = raw_options (), theirs = raw_options ();
  g_autoptr (GError) error = NULL;

  theirs->max_message_size = 1000;
  meet (fixture, ours, theirs);
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

static void
test_largest (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = raw_options ();
  g_autoptr (GError) error = NULL;

  meet (fixture, options, options);
  g_assert_true (push_bytes (fixture->at_alice, 65536, &error));
  g_assert_true (push_bytes (fixture->at_alice, 1, &error));
  assert_receives (fixture->at_bob, 65536);
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
count_survivors (Fixture *fixture)
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
test_retransmits (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = raw_options ();

  options->max_retransmits = 1;
  meet (fixture, options, options);
  g_assert_cmpuint (count_survivors (fixture), ==, 0);
}

static void
test_lifetime (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = raw_options ();

  options->max_packet_lifetime = 500;
  meet (fixture, options, options);
  g_assert_cmpuint (count_survivors (fixture), ==, 0);
}

static void
test_reliable (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = raw_options ();

  meet (fixture, options, options);
  g_assert_cmpuint (count_survivors (fixture), ==, 10);
}

/* --- Ends ----------------------------------------------------------------------------------------------------------------------- */

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
send_last_words (Fixture *fixture)
{
  guint ticks = g_timeout_add (10, keep_looking, NULL);

  dc_test_cut_set (TRUE);
  dc_test_push_text (fixture->at_alice, "last words");
  dc_channel_begin_finish (fixture->at_alice);
  dc_test_wait_until (NULL, count_waiting (fixture->at_alice) == 0);
  g_source_remove (ticks);
}

static void
finish_and_leave (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (dc_channel_finish (fixture->at_alice, &error));
  g_assert_no_error (error);
  g_clear_object (&fixture->at_alice);
  g_clear_pointer (&fixture->alice, dc_test_peer_free);
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
test_finished_when_delivered (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = raw_options ();

  meet (fixture, options, options);
  send_last_words (fixture);
  g_assert_false (dc_channel_is_finished (fixture->at_alice));
  dc_test_cut_set (FALSE);
  finish_and_leave (fixture);
  dc_test_expect_text (fixture->at_bob, "last words");
  assert_end (fixture->at_bob);
}

/* What is given up need not be waited for, but the far side must be told. */
static void
test_finished_when_given_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = raw_options ();
  g_autoptr (GError) error = NULL;
  GBytes *bytes;

  options->max_retransmits = 0;
  meet (fixture, options, options);
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
test_finished_when_expired (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = raw_options ();
  g_autoptr (GError) error = NULL;

  options->max_packet_lifetime = 50;
  meet (fixture, options, options);
  send_last_words (fixture);
  g_assert_true (dc_channel_finish (fixture->at_alice, &error));
}

static gboolean
is_fast (void)
{
  return g_strcmp0 (g_getenv ("DC_FAST"), "auto") == 0;
}

static void
open_gate (Gate *gate)
{
  g_mutex_lock (&gate->lock);
  gate->open = TRUE;
  g_cond_broadcast (&gate->cond);
  g_mutex_unlock (&gate->lock);
}

static void
wait_for_gate (Gate *gate)
{
  g_mutex_lock (&gate->lock);
  while (!gate->open)
    g_cond_wait (&gate->cond, &gate->lock);
  g_mutex_unlock (&gate->lock);
}

static gboolean
is_goodbye (const GstStructure *event)
{
  return gst_structure_has_name (event, "dtls-state")
         && g_str_equal (gst_structure_get_string (event, "state"), "closed");
}

static void
open_at_goodbye (DcPeer *peer, const GstStructure *event, Gate *gate)
{
  if (is_goodbye (event))
    open_gate (gate);
}

/* Whose own DTLS is closed ends at once, if need be before the goodbye has left. */
static void
wait_at_goodbye (DcPeer *peer, const GstStructure *event, Gate *gate)
{
  if (is_goodbye (event))
    wait_for_gate (gate);
}

/* alice leaves by a goodbye of DTLS only, as a browser's page that is closed. */
static void
leave (Fixture *fixture)
{
  g_signal_connect (dc_test_peer_get (fixture->bob), "event", G_CALLBACK (open_at_goodbye), &fixture->goodbye);
  g_signal_connect (dc_test_peer_get (fixture->alice), "event", G_CALLBACK (wait_at_goodbye), &fixture->goodbye);
  dc_test_cut_end_oldest ();
}

/* A far side that ends the connection ends its channels. */
static void
test_far_side_leaves (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = raw_options ();

  meet (fixture, options, options);
  dc_test_push_text (fixture->at_alice, "bye");
  dc_test_expect_text (fixture->at_bob, "bye");
  leave (fixture);
  assert_end (fixture->at_bob);
}

/* Each side says close_notify, so that nobody has to wait for silence. (GStreamer's own elements: who leaves first.) */
static void
test_farewell (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = raw_options ();
  guint before = dc_test_cut_count_alerts (), least = g_strcmp0 (g_getenv ("DC_FAST"), "auto") == 0 ? 2 : 1;

  meet (fixture, options, options);
  dc_test_push_text (fixture->at_alice, "bye");
  dc_test_expect_text (fixture->at_bob, "bye");
  g_assert_cmpuint (dc_test_cut_count_alerts (), ==, before);
  g_clear_object (&fixture->at_alice);
  g_clear_pointer (&fixture->alice, dc_test_peer_free);
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
test_last_messages (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = raw_options ();

  meet (fixture, options, options);
  /* On webrtcbin's thread, which delivers one message after the other. On the fast path it would be the one that acknowledges them. */
  if (!is_fast ())
    g_signal_connect_swapped (fixture->at_bob, "readable", G_CALLBACK (wait_for_gate), &fixture->goodbye);
  send_many (fixture->at_alice, 1000);
  leave (fixture);
  expect_many (fixture->at_bob, 1000);
}

/* How alice leaves after her @n last messages. */
typedef struct {
  guint n;
  void (*leave) (Fixture *fixture);
} LastMessages;

/* This is how a browser leaves: sctpenc takes that for an error. */
static void
abort_association (Fixture *fixture)
{
  dc_test_cut_abort_oldest ();
}

/* SCTP resets the stream when all has come, which need not have been given to bob yet. */
static void
close_channel (Fixture *fixture)
{
  dc_channel_close (fixture->at_alice);
}

static const LastMessages before_abort = {1000, abort_association}, before_close = {3000, close_channel};

/* Nor does an abort of the association, nor the end of a channel. */
static void
test_last_messages_before (Fixture *fixture, gconstpointer data)
{
  const LastMessages *last = data;
  g_autoptr (DcChannelOptions) options = raw_options ();

  meet (fixture, options, options);
  send_many (fixture->at_alice, last->n);
  last->leave (fixture);
  expect_many (fixture->at_bob, last->n);
}

/* A far side says that it closes the channel before all that it has sent has come, and does not say it again, as aiortc does. */
static void
test_last_message_late (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = raw_options ();
  g_autoptr (GstStructure) open = NULL;
  gint id = -1;

  if (is_fast ()) {
    g_test_skip ("dc-test-cut reads the numbers of what goes through the elements");
    return;
  }
  meet (fixture, options, options);
  open = dc_test_peer_wait_event (fixture->bob, "channel-open");
  g_assert_true (gst_structure_get_int (open, "id", &id));
  dc_test_cut_reset_oldest ((guint) id);
  dc_test_push_text (fixture->at_alice, "last words");
  dc_test_expect_text (fixture->at_bob, "last words");
  assert_end (fixture->at_bob);
}

/* Nobody is there any more, who could not say so. */
static void
test_silence (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = raw_options ();
  g_autoptr (GError) error = NULL;

  meet (fixture, options, options);
  dc_test_cut_set (TRUE);
  g_assert_null (dc_channel_receive (fixture->at_bob, NULL, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_PEER_GONE);
  g_assert_nonnull (strstr (error->message, "has not been heard of"));
}

static void
wait_when_open (DcPeer *peer, const GstStructure *event, Gate *gate)
{
  if (gst_structure_has_name (event, "channel-open"))
    wait_for_gate (gate);
}

static void
wait_when_selected (DcPeer *peer, const GstStructure *event, Gate *gate)
{
  if (gst_structure_has_name (event, "selected-pair"))
    wait_for_gate (gate);
}

/* A caller who says something and leaves, all before our worker has come round to the channel: when it is about to take it up, and when it has not
 * even heard of it, but at once hears of it and, from the server, of the far side's leave. */
static void
test_gone_already (Fixture *fixture, gconstpointer wait)
{
  g_autoptr (DcChannelOptions) options = raw_options ();
  Gate gone = {0};

  fixture->bob = new_peer (fixture, "bob", DC_ROLE_ANSWERER, options);
  g_signal_connect (dc_test_peer_get (fixture->bob), "event", (GCallback) wait, &gone);
  gst_structure_free (dc_test_peer_wait_event (fixture->bob, "registered"));
  fixture->alice = new_peer (fixture, "alice", DC_ROLE_OFFERER, options);
  fixture->at_alice = dc_test_peer_wait_channel (fixture->alice);
  send_many (fixture->at_alice, 10);
  dc_channel_close (fixture->at_alice);
  g_clear_object (&fixture->at_alice);
  g_clear_pointer (&fixture->alice, dc_test_peer_free);
  open_gate (&gone);
  fixture->at_bob = dc_test_peer_wait_channel (fixture->bob);
  expect_many (fixture->at_bob, 10);
  g_signal_handlers_disconnect_by_data (dc_test_peer_get (fixture->bob), &gone);
}

/* A caller who sends as soon as it may, before our worker has come round to the channel. */
static void
test_first_messages (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = raw_options ();
  g_autoptr (GError) error = NULL;
  Gate sent = {0};

  fixture->bob = new_peer (fixture, "bob", DC_ROLE_ANSWERER, options);
  g_signal_connect (dc_test_peer_get (fixture->bob), "event", G_CALLBACK (wait_when_open), &sent);
  gst_structure_free (dc_test_peer_wait_event (fixture->bob, "registered"));
  fixture->alice = new_peer (fixture, "alice", DC_ROLE_OFFERER, options);
  fixture->at_alice = dc_test_peer_wait_channel (fixture->alice);
  for (guint i = 0; i < 2000; i++)
    dc_test_push_text (fixture->at_alice, "one of many");
  g_assert_true (dc_channel_finish (fixture->at_alice, &error));
  g_assert_no_error (error);
  open_gate (&sent);
  fixture->at_bob = dc_test_peer_wait_channel (fixture->bob);
  for (guint i = 0; i < 2000; i++)
    dc_test_expect_text (fixture->at_bob, "one of many");
  g_signal_handlers_disconnect_by_data (dc_test_peer_get (fixture->bob), &sent);
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
test_answer_first (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = raw_options ();
  Answer answer = {0};

  gst_debug_add_log_function (hold_answer, &answer, NULL);
  fixture->bob = new_peer (fixture, "bob", DC_ROLE_ANSWERER, options);
  g_signal_connect (dc_test_peer_get (fixture->bob), "event", G_CALLBACK (note_open), &answer);
  gst_structure_free (dc_test_peer_wait_event (fixture->bob, "registered"));
  fixture->alice = new_peer (fixture, "alice", DC_ROLE_OFFERER, options);
  fixture->at_bob = dc_test_peer_wait_channel (fixture->bob);
  gst_debug_remove_log_function (hold_answer);
  g_signal_handlers_disconnect_by_data (dc_test_peer_get (fixture->bob), &answer);
  g_assert_false (answer.late);
  if (!answer.held)
    g_test_skip ("this webrtcbin does not tell when it answers");
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
test_usrsctp_stays (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = raw_options ();
  guint64 timer;

  if (is_fast ()) {
    g_test_skip ("it has an SCTP of its own");
    return;
  }
  meet (fixture, options, options);
  timer = find_sctp_timer ();
  g_assert_cmpuint (timer, !=, 0);
  send_last_words (fixture);
  part (fixture);
  g_assert_cmpuint (find_sctp_timer (), ==, timer);
  dc_test_cut_set (FALSE);
  meet (fixture, options, options);
  g_assert_cmpuint (find_sctp_timer (), ==, timer);
}

#define ADD_WITH(path, function, data) g_test_add (path, Fixture, data, set_up, function, tear_down)
#define ADD(path, function) ADD_WITH (path, function, NULL)

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  /* For test_answer_first(); GStreamer's threads look at it without a lock. */
  gst_debug_remove_log_function (gst_debug_log_default);
  gst_debug_set_threshold_for_name ("webrtcdatachannel", GST_LEVEL_INFO);
  dc_test_cut_init ();
  ADD ("/raw/kind", test_kind);
  ADD ("/raw/rates", test_rates);
  ADD ("/raw/negotiated", test_negotiated);
  ADD ("/raw/max-message-size", test_max_message_size);
  ADD ("/raw/largest", test_largest);
  ADD ("/raw/retransmits", test_retransmits);
  ADD ("/raw/lifetime", test_lifetime);
  ADD ("/raw/reliable", test_reliable);
  ADD ("/raw/finished-when-delivered", test_finished_when_delivered);
  ADD ("/raw/finished-when-given-up", test_finished_when_given_up);
  ADD ("/raw/finished-when-expired", test_finished_when_expired);
  ADD ("/raw/far-side-leaves", test_far_side_leaves);
  ADD ("/raw/farewell", test_farewell);
  ADD ("/raw/first-messages", test_first_messages);
  ADD_WITH ("/raw/gone-already/when-open", test_gone_already, wait_when_open);
  ADD_WITH ("/raw/gone-already/when-selected", test_gone_already, wait_when_selected);
  ADD ("/raw/answer-first", test_answer_first);
  ADD ("/raw/silence", test_silence);
  ADD ("/raw/last-messages", test_last_messages);
  ADD_WITH ("/raw/last-messages/before-abort", test_last_messages_before, &before_abort);
  ADD_WITH ("/raw/last-messages/before-close", test_last_messages_before, &before_close);
  ADD ("/raw/last-messages/late", test_last_message_late);
  ADD ("/raw/usrsctp-stays", test_usrsctp_stays);
  return g_test_run ();
}
