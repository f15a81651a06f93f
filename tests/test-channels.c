/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-channels.c: several channels on one connection, several remotes of one peer, and what is counted of them. */
#include <string.h>

#include "tests/harness/dc-test-cut.h"
#include "tests/harness/dc-test-meeting.h"
#include "tests/harness/dc-test-transfer.h"
#include "tests/harness/dc-test.h"

#define LARGEST 8192u

static DcTestPeer *
start_with_three (DcTestMeeting *fixture, const char *id, DcRole role)
{
  g_autoptr (GPtrArray) options = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_channel_options_free);

  g_ptr_array_add (options, dc_channel_options_new ("one"));
  g_ptr_array_add (options, dc_channel_options_new ("two"));
  g_ptr_array_add (options, dc_test_raw_options ());
  return dc_test_meeting_start (fixture, id, role, options);
}

static DcChannel *
wait_channel (DcTestPeer *peer, const char *label)
{
  g_autoptr (GError) error = NULL;
  DcChannel *channel = dc_peer_wait_channel (dc_test_peer_get (peer), label, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (dc_channel_get_label (channel), ==, label);
  return channel;
}

/* What one of the two has. */
typedef struct {
  DcChannel *one, *two, *raw;
} Three;

static void
three_wait (Three *three, DcTestPeer *peer)
{
  three->one = wait_channel (peer, "one");
  three->two = wait_channel (peer, "two");
  three->raw = wait_channel (peer, "raw");
}

static void
three_clear (Three *three)
{
  g_clear_object (&three->one);
  g_clear_object (&three->two);
  g_clear_object (&three->raw);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Three, three_clear)

static void
meet_with_three (DcTestMeeting *fixture, Three *alice, Three *bob)
{
  fixture->bob = start_with_three (fixture, "bob", DC_ROLE_ANSWERER);
  gst_structure_free (dc_test_peer_wait_event (fixture->bob, "registered"));
  fixture->alice = start_with_three (fixture, "alice", DC_ROLE_OFFERER);
  three_wait (alice, fixture->alice);
  three_wait (bob, fixture->bob);
}

/* Of three channels on a connection that is lost two go on, and the raw one, which cannot, ends. */
static void
test_several_channels (DcTestMeeting *fixture, gconstpointer data)
{
  g_auto (Three) alice = {0}, bob = {0};
  g_autoptr (GError) error = NULL;
  DcTestTransfer *one, *two;

  meet_with_three (fixture, &alice, &bob);
  dc_test_push_text (alice.raw, "no frames here");
  dc_test_expect_text (bob.raw, "no frames here");
  one = dc_test_transfer_start (alice.one, bob.one, LARGEST);
  two = dc_test_transfer_start (bob.two, alice.two, LARGEST);
  dc_test_transfer_wait (one, 200);
  dc_test_transfer_wait (two, 200);
  dc_test_cut_set (TRUE);
  gst_structure_free (dc_test_peer_wait_event (fixture->alice, "connection-lost"));
  dc_test_cut_set (FALSE);
  gst_structure_free (dc_test_peer_wait_event (fixture->alice, "connection-resumed"));
  g_assert_null (dc_channel_pull (alice.raw, 0, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_PEER_GONE);
  dc_test_transfer_wait (one, 200);
  dc_test_transfer_wait (two, 200);
  dc_test_transfer_stop (one);
  dc_test_transfer_stop (two);
}

static void
wait_ended (DcChannel *channel)
{
  while (!dc_channel_is_ended (channel))
    g_thread_yield ();
}

/* Two close, the third goes on. */
static void
test_close_one (DcTestMeeting *fixture, gconstpointer data)
{
  g_auto (Three) alice = {0}, bob = {0};
  g_autoptr (GError) error = NULL;

  meet_with_three (fixture, &alice, &bob);
  dc_channel_abort (alice.one, "this one is over");
  g_assert_null (dc_channel_pull (bob.one, 0, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_PEER_GONE);
  g_assert_nonnull (strstr (error->message, "this one is over"));
  g_clear_error (&error);
  wait_ended (alice.one); /* nobody at bob's need close it */
  dc_test_push_text (alice.raw, "last words");
  g_assert_true (dc_channel_finish (alice.raw, &error));
  dc_channel_close (alice.raw);
  dc_test_expect_text (bob.raw, "last words");
  dc_test_expect_fin (bob.raw);
  wait_ended (alice.raw);
  dc_test_push_text (alice.two, "and this is not");
  dc_test_expect_text (bob.two, "and this is not");
}

/* One peer serves three; what each is told is told to that one. */
static void
test_several_remotes (DcTestMeeting *fixture, gconstpointer data)
{
  static const char *const ids[] = {"a", "b", "c"};
  DcTestPeer *others[G_N_ELEMENTS (ids)];
  g_autoptr (GstStructure) stats = NULL;

  fixture->bob = dc_test_peer_new (
      fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, "max-connections", (guint) G_N_ELEMENTS (ids), NULL);
  gst_structure_free (dc_test_peer_wait_event (fixture->bob, "registered"));
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    others[i] = dc_test_peer_new (fixture->url, "id", ids[i], "role", DC_ROLE_OFFERER, "remote-peer", "bob", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++) {
    g_autoptr (DcChannel) channel = dc_test_peer_wait_channel (fixture->bob);
    dc_test_push_text (channel, dc_channel_get_remote_id (channel));
  }
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++) {
    g_autoptr (DcChannel) channel = dc_test_peer_wait_channel (others[i]);
    dc_test_expect_text (channel, ids[i]);
  }
  stats = dc_peer_dup_stats (dc_test_peer_get (fixture->bob));
  g_assert_cmpuint (gst_value_list_get_size (gst_structure_get_value (stats, "connections")), ==, 3);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    dc_test_peer_free (others[i]);
}

/* --- Statistics --------------------------------------------------------------------------------------------------------------------- */

static gint told; /* atomic */

static void
on_statistics (DcPeer *peer, const GstStructure *stats, gint *count)
{
  g_assert_true (gst_structure_has_name (stats, "datachannel-statistics"));
  g_atomic_int_inc (count);
}

static void
test_statistics (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (GstStructure) stats = NULL;
  const GstStructure *connection, *channel;
  guint64 bytes = 0;
  gdouble rtt = -1;
  DcPeer *alice;

  dc_test_meeting_meet (fixture, NULL, NULL);
  alice = dc_test_peer_get (fixture->alice);
  dc_test_push_text (fixture->at_alice, "twelve bytes");
  dc_test_expect_text (fixture->at_bob, "twelve bytes");
  g_signal_connect (alice, "statistics", G_CALLBACK (on_statistics), &told);
  g_object_set (alice, "stats-interval", 10, NULL);
  while (g_atomic_int_get (&told) < 3)
    g_thread_yield ();
  g_object_set (alice, "stats-interval", 0, NULL);
  g_object_get (alice, "stats", &stats, NULL);
  g_assert_cmpstr (gst_structure_get_string (stats, "id"), ==, "alice");
  g_assert_true (gst_structure_get_uint64 (stats, "bytes-sent", &bytes));
  g_assert_cmpuint (bytes, ==, strlen ("twelve bytes"));
  connection = gst_value_get_structure (gst_value_list_get_value (gst_structure_get_value (stats, "connections"), 0));
  g_assert_cmpstr (gst_structure_get_string (connection, "peer"), ==, "bob");
  g_assert_cmpstr (gst_structure_get_string (connection, "state"), ==, "open");
  g_assert_cmpstr (gst_structure_get_string (connection, "local-type"), ==, "host");
  channel = gst_value_get_structure (gst_value_list_get_value (gst_structure_get_value (connection, "channels"), 0));
  g_assert_cmpstr (gst_structure_get_string (channel, "label"), ==, "data");
  g_assert_cmpstr (gst_structure_get_string (channel, "mode"), ==, "link");
  g_assert_true (gst_structure_get_double (channel, "rtt", &rtt));
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  dc_test_cut_init ();
  dc_test_meeting_add ("/channels/resume", NULL, test_several_channels);
  dc_test_meeting_add ("/channels/close-one", NULL, test_close_one);
  dc_test_meeting_add ("/channels/several-remotes", NULL, test_several_remotes);
  dc_test_meeting_add ("/channels/statistics", NULL, test_statistics);
  return g_test_run ();
}
