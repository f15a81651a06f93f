/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-channel-late.c: a channel tells its session something when that is closed, and its worker gone; nothing is left of either when all have let go of them. */
#include "tests/harness/dc-test-cut.h"
#include "tests/harness/dc-test-meeting.h"
#include "tests/harness/dc-test.h"

#define WATCHDOG_S 60

static void
set_up (DcTestMeeting *fixture, gconstpointer data)
{
  dc_test_meeting_begin (fixture, WATCHDOG_S);
}

/* Which waits for the last channel to go. */
static void
tear_down (DcTestMeeting *fixture, gconstpointer data)
{
  dc_test_meeting_end (fixture);
}

static void
test_caller (DcTestMeeting *fixture, gconstpointer data)
{
  dc_test_meeting_meet (fixture, NULL, NULL);
  dc_test_close_late (fixture->at_alice, &fixture->alice);
}

static void
test_called (DcTestMeeting *fixture, gconstpointer data)
{
  dc_test_meeting_meet (fixture, NULL, NULL);
  dc_test_close_late (fixture->at_bob, &fixture->bob);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  dc_test_cut_init ();
  g_test_add ("/channel-late/caller", DcTestMeeting, NULL, set_up, test_caller, tear_down);
  g_test_add ("/channel-late/called", DcTestMeeting, NULL, set_up, test_called, tear_down);
  return g_test_run ();
}
