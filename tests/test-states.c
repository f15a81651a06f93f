/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-states.c: set_state(NULL) under every state and fault: the short form of `./dev soak states`. */
#include <gst/gst.h>

#include "tests/harness/dc-test-pulse.h"
#include "tests/harness/dc-test.h"
#include "tests/soak/dc-states.h"

/* One pack: each state at least once. */
#define TRIALS 40

/* The clock that measures goes on, and never faster than time does. */
static void
test_clock (void)
{
  gint64 began = g_get_monotonic_time (), pulse_began, passed;

  dc_test_watchdog_start (30);
  dc_test_pulse_start ();
  pulse_began = dc_test_pulse_get_time ();
  do {
    g_thread_yield ();
    passed = dc_test_pulse_get_time () - pulse_began;
    g_assert_cmpint (passed, <=, g_get_monotonic_time () - began);
  } while (passed < 50 * G_TIME_SPAN_MILLISECOND);
  dc_test_pulse_stop ();
  dc_test_watchdog_stop ();
}

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
  g_test_add_func ("/states/clock", test_clock);
  g_test_add_func ("/states/null", test_states);
  return g_test_run ();
}
