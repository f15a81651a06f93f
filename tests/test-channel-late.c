/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-channel-late.c: a channel tells its session something when that is closed, and its worker gone; nothing is left of either when all have let go of them. */
#include "tests/harness/dc-test-cut.h"
#include "tests/harness/dc-test-meeting.h"
#include "tests/harness/dc-test.h"

static void
test_caller (DcTestMeeting *fixture, gconstpointer data)
{
  do {
    dc_test_meeting_part (fixture);
    dc_test_meeting_meet (fixture, NULL, NULL);
  } while (!dc_test_close_late (fixture->at_alice, &fixture->alice));
}

static void
test_called (DcTestMeeting *fixture, gconstpointer data)
{
  do {
    dc_test_meeting_part (fixture);
    dc_test_meeting_meet (fixture, NULL, NULL);
  } while (!dc_test_close_late (fixture->at_bob, &fixture->bob));
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  dc_test_cut_init ();
  dc_test_meeting_add ("/channel-late/caller", NULL, test_caller);
  dc_test_meeting_add ("/channel-late/called", NULL, test_called);
  return g_test_run ();
}
