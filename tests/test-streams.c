/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-streams.c: links on several associations; without the fast path, on one. */
#include "tests/harness/dc-test-cut.h"
#include "tests/harness/dc-test-meeting.h"
#include "tests/harness/dc-test-transfer.h"
#include "tests/harness/dc-test.h"

#define LARGEST 100000u

static DcChannelOptions *
options_for (guint streams)
{
  DcChannelOptions *options = dc_channel_options_new (NULL);

  options->streams = streams;
  return options;
}

static void
meet (DcTestMeeting *fixture, guint at_alice, guint at_bob)
{
  g_autoptr (DcChannelOptions) alice = options_for (at_alice), bob = options_for (at_bob);

  dc_test_meeting_meet (fixture, alice, bob);
}

static guint
get_streams (DcChannel *channel)
{
  g_autoptr (GstStructure) stats = dc_channel_dup_stats (channel);
  guint streams = 0;

  g_assert_true (gst_structure_get_uint (stats, "streams", &streams));
  return streams;
}

static guint
expected (guint streams)
{
  return dc_test_is_fast () ? streams : 1;
}

static void
wait_streams (DcChannel *channel, guint streams)
{
  while (get_streams (channel) != streams)
    g_thread_yield ();
}

/* What a person reads: so many times, the last time with that number. Without the fast path, nothing. */
static void
assert_told (DcTestPeer *peer, guint times, guint streams)
{
  guint count = 0;

  if (expected (streams) == 1)
    times = 0;
  dc_test_peer_look_back (peer);
  for (guint i = 0; i < times; i++) {
    g_autoptr (GstStructure) event = dc_test_peer_wait_event (peer, "streams");

    g_assert_true (gst_structure_get_uint (event, "count", &count));
    g_assert_cmpuint (count, ==, streams);
  }
  g_assert_cmpuint (dc_test_peer_count_events (peer, "streams"), ==, times);
}

/* --- Tests ------------------------------------------------------------------------------------------------------------------------ */

/* Both ways at once; each side has as many as both allow. */
static void
test_both_ways (DcTestMeeting *fixture, gconstpointer data)
{
  DcTestTransfer *there, *back;

  meet (fixture, 4, 3);
  there = dc_test_transfer_start (fixture->at_alice, fixture->at_bob, LARGEST);
  back = dc_test_transfer_start (fixture->at_bob, fixture->at_alice, LARGEST);
  dc_test_transfer_wait (there, 500);
  dc_test_transfer_wait (back, 500);
  wait_streams (fixture->at_alice, expected (3));
  wait_streams (fixture->at_bob, expected (3));
  dc_test_transfer_wait (there, 200);
  dc_test_transfer_wait (back, 200);
  dc_test_transfer_stop (there);
  dc_test_transfer_stop (back);
  assert_told (fixture->alice, 1, 3);
  assert_told (fixture->bob, 1, 3);
}

/* The connection is cut in the middle: the link goes on with another, which has as many again. */
static void
test_cut (DcTestMeeting *fixture, gconstpointer data)
{
  DcTestTransfer *there;

  meet (fixture, 8, 8);
  there = dc_test_transfer_start (fixture->at_alice, fixture->at_bob, LARGEST);
  for (guint i = 0; i < 2; i++) {
    dc_test_transfer_wait (there, 500);
    wait_streams (fixture->at_alice, expected (8));
    dc_test_cut_set (TRUE);
    gst_structure_free (dc_test_peer_wait_event (fixture->alice, "connection-lost"));
    dc_test_cut_set (FALSE);
    gst_structure_free (dc_test_peer_wait_event (fixture->alice, "connection-resumed"));
    gst_structure_free (dc_test_peer_wait_event (fixture->bob, "connection-resumed"));
  }
  dc_test_transfer_wait (there, 500);
  wait_streams (fixture->at_alice, expected (8));
  dc_test_transfer_stop (there);
  assert_told (fixture->alice, 3, 8);
}

/* A far side that says nothing of lanes, as one that is older does, gets all on one. */
static void
test_far_side_has_one (DcTestMeeting *fixture, gconstpointer data)
{
  DcTestTransfer *there;

  meet (fixture, 4, 1);
  there = dc_test_transfer_start (fixture->at_alice, fixture->at_bob, LARGEST);
  dc_test_transfer_wait (there, 1000);
  g_assert_cmpuint (get_streams (fixture->at_alice), ==, 1);
  dc_test_transfer_stop (there);
  assert_told (fixture->alice, 0, 1);
}

/* On a path without fault nobody wants more. */
static void
test_auto (DcTestMeeting *fixture, gconstpointer data)
{
  DcTestTransfer *there;

  meet (fixture, DC_CHANNEL_STREAMS_AUTO, DC_CHANNEL_STREAMS_AUTO);
  there = dc_test_transfer_start (fixture->at_alice, fixture->at_bob, LARGEST);
  dc_test_transfer_wait (there, 1000);
  g_assert_cmpuint (get_streams (fixture->at_alice), ==, 1);
  dc_test_transfer_stop (there);
  assert_told (fixture->alice, 0, 1);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  dc_test_cut_init ();
  dc_test_meeting_add ("/streams/both-ways", NULL, test_both_ways);
  dc_test_meeting_add ("/streams/cut", NULL, test_cut);
  dc_test_meeting_add ("/streams/far-side-has-one", NULL, test_far_side_has_one);
  dc_test_meeting_add ("/streams/auto", NULL, test_auto);
  return g_test_run ();
}
