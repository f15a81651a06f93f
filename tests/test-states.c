/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-states.c: set_state(NULL) under every state and fault: the short form of `./dev soak states`. */
#include <gst/gst.h>

#include "tests/harness/dc-test.h"
#include "tests/soak/dc-states.h"

/* One pack: each state at least once. */
#define TRIALS 40

static void
test_states (void)
{
  g_autoptr (GError) error = NULL;
  DcStatesPlan plan = {.count = TRIALS, .seed = (guint32) g_test_rand_int ()};
  DcStatesResult result;

  dc_states_run (&plan, &result, &error);
  g_test_message ("set_state(NULL) %u times: p99 %.0f ms, max %.0f ms (%s); %u threads of webrtcbin's closed channels",
      result.stops, (double) result.p99 / 1e3, (double) result.max / 1e3, result.slowest, result.orphans);
  dc_states_result_clear (&result);
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (&argc, &argv);
  g_test_add_func ("/states/null", test_states);
  return g_test_run ();
}
