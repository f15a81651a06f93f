/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-going-over.c: raw channels whose messages begin to go past webrtcbin while they are under way, and those who do not take them. */
#include <stdlib.h>
#include <string.h>

#include "tests/harness/dc-test-meeting.h"
#include "tests/harness/dc-test.h"

#define MESSAGE (64 * 1024)
#define MIB (1024 * 1024)
/* Of what waits for the application, and a message more. */
#define MOST_WAITING (4 * MIB + 2 * MESSAGE)

/* --- Going over ------------------------------------------------------------------------------------------------------------------- */

static GBytes *
number_of (guint i)
{
  g_autofree char *text = g_strdup_printf ("%u", i);

  return g_bytes_new (text, strlen (text));
}

static void
send_numbers (DcChannel *channel, guint from, guint to)
{
  g_autoptr (GError) error = NULL;

  for (guint i = from; i < to; i++) {
    g_autoptr (GBytes) number = number_of (i);
    g_assert_true (dc_channel_send (channel, number, FALSE, &error));
    g_assert_no_error (error);
  }
}

static guint
next_number (DcChannel *channel)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) message = dc_channel_receive (channel, NULL, &error);
  char text[16] = "";

  g_assert_no_error (error);
  g_assert_nonnull (message);
  memcpy (text, g_bytes_get_data (message, NULL), MIN (g_bytes_get_size (message), sizeof text - 1));
  return (guint) strtoul (text, NULL, 10);
}

#define NUMBERS 4000u

/* Sends as soon as it may, while the far side begins. */
static gpointer
send_thread (gpointer user_data)
{
  DcTestMeeting *fixture = user_data;

  fixture->at_alice = dc_test_peer_wait_channel (fixture->alice);
  send_numbers (fixture->at_alice, 0, NUMBERS);
  return NULL;
}

/* A thread sends while the far side's worker has yet to begin with the channel: some messages come by webrtcbin, the others past it. */
static void
send_at_once (DcTestMeeting *fixture, const DcChannelOptions *options, void (*expect) (DcChannel *channel))
{
  g_autoptr (GThread) sender = NULL;

  dc_test_meeting_start_bob (fixture, options);
  dc_test_meeting_start_alice (fixture, options);
  sender = g_thread_new ("sender", send_thread, fixture);
  fixture->at_bob = dc_test_peer_wait_channel (fixture->bob);
  send_numbers (fixture->at_bob, 0, 100);
  expect (fixture->at_bob);
  g_thread_join (g_steal_pointer (&sender));
  for (guint i = 0; i < 100; i++)
    g_assert_cmpuint (next_number (fixture->at_alice), <, 100);
}

static void
expect_in_order (DcChannel *channel)
{
  for (guint i = 0; i < NUMBERS; i++)
    g_assert_cmpuint (next_number (channel), ==, i);
}

static void
expect_each_once (DcChannel *channel)
{
  g_autofree gboolean *came = g_new0 (gboolean, NUMBERS);

  for (guint i = 0; i < NUMBERS; i++) {
    guint number = next_number (channel);

    g_assert_cmpuint (number, <, NUMBERS);
    g_assert_false (came[number]);
    came[number] = TRUE;
  }
}

static void
test_ordered (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();

  send_at_once (fixture, options, expect_in_order);
}

/* What an unordered channel sends first does not overtake what opens it. */
static void
test_unordered (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();

  options->ordered = FALSE;
  send_at_once (fixture, options, expect_each_once);
}

static void
test_negotiated (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();

  options->negotiated = TRUE;
  options->id = 5;
  dc_test_meeting_meet (fixture, options, options);
  send_numbers (fixture->at_alice, 0, NUMBERS);
  expect_in_order (fixture->at_bob);
}

static void
expect_message (DcChannel *channel, const char *text, gboolean is_text)
{
  g_autoptr (GError) error = NULL;
  gboolean came_as_text = !is_text;
  g_autoptr (GBytes) message = dc_channel_receive (channel, &came_as_text, &error), expected = NULL;

  g_assert_no_error (error);
  expected = g_bytes_new (text, strlen (text));
  g_assert_true (g_bytes_equal (message, expected));
  g_assert_cmpint (came_as_text, ==, is_text);
}

/* Text and binary are told apart, empty or not. */
static void
test_empty (DcTestMeeting *fixture, gconstpointer data)
{
  static const char *const texts[] = {"", "a", "", "b"};
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();
  g_autoptr (GError) error = NULL;

  dc_test_meeting_meet (fixture, options, options);
  for (guint i = 0; i < 2 * G_N_ELEMENTS (texts); i++) {
    g_autoptr (GBytes) bytes = g_bytes_new (texts[i / 2], strlen (texts[i / 2]));
    g_assert_true (dc_channel_send (fixture->at_alice, bytes, i % 2 == 0, &error));
  }
  for (guint i = 0; i < 2 * G_N_ELEMENTS (texts); i++)
    expect_message (fixture->at_bob, texts[i / 2], i % 2 == 0);
}

static DcTestPeer *
start_with_two (DcTestMeeting *fixture, const char *id, DcRole role)
{
  g_autoptr (GPtrArray) options = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_channel_options_free);
  DcChannelOptions *other = dc_test_raw_options ();

  g_free (other->label);
  other->label = g_strdup ("other");
  g_ptr_array_add (options, dc_test_raw_options ());
  g_ptr_array_add (options, other);
  return dc_test_meeting_start (fixture, id, role, options);
}

static void
expect_ten_and_the_end (DcChannel *channel)
{
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 10; i++)
    g_assert_cmpuint (next_number (channel), ==, i);
  g_assert_null (dc_channel_receive (channel, NULL, &error));
  g_assert_no_error (error);
}

/* A channel on which all was said, and that was closed, before our worker has come round to it. */
static void
test_short (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  DcTestGate gate = {0};
  gulong hold;

  fixture->bob = start_with_two (fixture, "bob", DC_ROLE_ANSWERER);
  gst_structure_free (dc_test_peer_wait_event (fixture->bob, "registered"));
  hold = dc_test_peer_hold (fixture->bob, "channel-open", &gate);
  fixture->alice = start_with_two (fixture, "alice", DC_ROLE_OFFERER);
  fixture->at_alice = dc_peer_wait_channel (dc_test_peer_get (fixture->alice), "raw", &error);
  g_object_unref (dc_peer_wait_channel (dc_test_peer_get (fixture->alice), "other", &error));
  send_numbers (fixture->at_alice, 0, 10);
  g_assert_true (dc_channel_finish (fixture->at_alice, &error));
  dc_channel_close (fixture->at_alice);
  while (!dc_channel_is_ended (fixture->at_alice))
    g_thread_yield ();
  dc_test_gate_open (&gate);
  fixture->at_bob = dc_peer_wait_channel (dc_test_peer_get (fixture->bob), "raw", &error);
  expect_ten_and_the_end (fixture->at_bob);
  g_signal_handler_disconnect (dc_test_peer_get (fixture->bob), hold);
}

/* A caller who has said it all, and has left. */
static void
test_short_left (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();
  g_autoptr (GError) error = NULL;
  DcTestGate gate = {0};
  gulong hold;

  dc_test_meeting_start_bob (fixture, options);
  hold = dc_test_peer_hold (fixture->bob, "channel-open", &gate);
  dc_test_meeting_start_alice (fixture, options);
  fixture->at_alice = dc_test_peer_wait_channel (fixture->alice);
  send_numbers (fixture->at_alice, 0, 10);
  g_assert_true (dc_channel_finish (fixture->at_alice, &error));
  dc_test_meeting_drop_alice (fixture);
  dc_test_gate_open (&gate);
  fixture->at_bob = dc_test_peer_wait_channel (fixture->bob);
  expect_ten_and_the_end (fixture->at_bob);
  g_signal_handler_disconnect (dc_test_peer_get (fixture->bob), hold);
}

/* --- Those who do not take them ---------------------------------------------------------------------------------------------------- */

typedef struct {
  DcChannel *channel;
  guint n;
} Flood;

static gpointer
send_flood (gpointer user_data)
{
  Flood *flood = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) message = g_bytes_new_take (g_malloc0 (MESSAGE), MESSAGE);

  for (guint i = 0; i < flood->n; i++)
    g_assert_true (dc_channel_send (flood->channel, message, FALSE, &error));
  g_assert_true (dc_channel_finish (flood->channel, &error));
  return NULL;
}

static guint64
get_waiting (DcChannel *channel)
{
  DcLinkStats stats;

  dc_channel_get_link_stats (channel, &stats);
  return stats.queued_bytes;
}

static void
expect_flood (DcChannel *channel, guint n)
{
  for (guint i = 0; i < n; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) message = dc_channel_receive (channel, NULL, &error);

    g_assert_no_error (error);
    g_assert_cmpuint (g_bytes_get_size (message), ==, MESSAGE);
  }
}

/* More than may ever wait here: the sender is held up, and nothing is lost. */
static void
test_slow (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();
  Flood flood = {.n = 80 * MIB / MESSAGE};
  GThread *sender;

  if (!dc_test_is_fast ()) {
    g_test_skip ("webrtcbin has no way to slow a sender down");
    return;
  }
  dc_test_meeting_meet (fixture, options, options);
  flood.channel = fixture->at_alice;
  sender = g_thread_new ("sender", send_flood, &flood);
  while (get_waiting (fixture->at_bob) < 4 * MIB - MESSAGE * 2 || dc_channel_can_push (fixture->at_alice, 0))
    g_thread_yield ();
  for (guint i = 0; i < flood.n; i++) {
    g_assert_cmpuint (get_waiting (fixture->at_bob), <=, MOST_WAITING);
    expect_flood (fixture->at_bob, 1);
  }
  g_thread_join (sender);
}

/* Who closes a channel that is full does not wait for who does not read it. */
static void
test_slow_closes (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) message = g_bytes_new_take (g_malloc0 (MESSAGE), MESSAGE);

  dc_test_meeting_meet (fixture, options, options);
  for (guint i = 0; i < 6 * MIB / MESSAGE; i++)
    g_assert_true (dc_channel_send (fixture->at_alice, message, FALSE, &error));
  g_assert_true (dc_channel_finish (fixture->at_alice, &error));
  dc_channel_close (fixture->at_bob);
  while (!dc_channel_is_ended (fixture->at_alice))
    g_main_context_iteration (NULL, FALSE);
}

/* Who leaves once all has arrived has not lost what waits in SCTP because the application has not come to it. */
static void
test_slow_left (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();
  Flood flood = {.n = 6 * MIB / MESSAGE};

  dc_test_meeting_meet (fixture, options, options);
  flood.channel = fixture->at_alice;
  send_flood (&flood);
  dc_test_meeting_drop_alice (fixture);
  gst_structure_free (dc_test_peer_wait_event (fixture->bob, "connection-closed"));
  expect_flood (fixture->at_bob, flood.n);
}

static void
add (const char *path, void (*test) (DcTestMeeting *fixture, gconstpointer data))
{
  dc_test_meeting_add (path, NULL, test);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  add ("/going-over/ordered", test_ordered);
  add ("/going-over/unordered", test_unordered);
  add ("/going-over/negotiated", test_negotiated);
  add ("/going-over/empty", test_empty);
  add ("/going-over/short", test_short);
  add ("/going-over/short/left", test_short_left);
  add ("/going-over/slow", test_slow);
  add ("/going-over/slow/closes", test_slow_closes);
  add ("/going-over/slow/left", test_slow_left);
  return g_test_run ();
}
