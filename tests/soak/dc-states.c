/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-states.c: set_state(NULL) on both elements under every state and fault.
 *
 * Theory of operation
 * -------------------
 * A trial brings a sender and a receiver into a state, most of them with a random moment in it, and then stops both, in random order. Each
 * set_state(NULL) is measured, without the time that a busy machine did not give to us. Behind it the elements must be gone, and threads
 * and descriptors as many as before. Now and then a pipeline is used once more before it goes.
 *
 * Both are in this process, over its own signaling daemon, but where one of them is to be killed or frozen: then the far one is a
 * gst-launch-1.0. The network is cut by dropping the packets of all webrtcbins of this process (dc-test-cut.h).
 *
 * The states (dc-states-reach.c) are shuffled like a pack of cards, so that each run of PACK trials has them all. What takes seconds (a loss must first be noticed)
 * is seldom. */
#include "tests/soak/dc-states-private.h"

#include "tests/harness/dc-test-cut.h"
#include "tests/harness/dc-test-pulse.h"
#include "tests/harness/dc-test.h"
#include "tests/soak/dc-states-census.h"

GQuark
dc_states_error_quark (void)
{
  return g_quark_from_static_string ("dc-states-error-quark");
}

#define MAX_STOP (1 * G_TIME_SPAN_SECOND)
#define STOP_WATCHDOG_S 10
#define TRIAL_WATCHDOG_S 60
#define SETTLE_S 10
#define PACK 40

/* --- A trial ---------------------------------------------------------------------------------------------------------------------- */

static void
stop (DcStatesRun *run, guint end)
{
  gint64 began = g_get_monotonic_time (), pulse_began = dc_test_pulse_get_time (), took;

  dc_test_watchdog_start (STOP_WATCHDOG_S);
  if (gst_element_set_state (run->pipelines[end], GST_STATE_NULL) != GST_STATE_CHANGE_SUCCESS)
    dc_states_fail (run, "set_state(NULL) failed");
  took = dc_test_pulse_get_time () - pulse_began;
  run->result->missed += g_get_monotonic_time () - began - took;
  dc_test_watchdog_start (TRIAL_WATCHDOG_S);
  g_array_append_val (run->times, took);
  if (took > run->result->max) {
    run->result->max = took;
    g_free (run->result->slowest);
    run->result->slowest = g_strdup_printf ("%s, %s", run->state, end == SENDER ? "sender" : "receiver");
  }
  if (took >= MAX_STOP * dc_test_get_slowness ())
    dc_states_fail (
        run, "set_state(NULL) of the %s took %.3f s", end == SENDER ? "sender" : "receiver", (double) took / 1e6);
}

static void
note_gone (gpointer gone, GObject *was)
{
  g_atomic_int_set ((gint *) gone, TRUE);
}

/* The pipeline and what is in it. */
static void
release (DcStatesRun *run, guint end)
{
  GstElement *dc = gst_bin_get_by_name (GST_BIN (run->pipelines[end]), "dc");
  gint64 deadline = g_get_monotonic_time () + SETTLE_S * dc_test_get_slowness () * G_TIME_SPAN_SECOND;
  gint gone = FALSE;

  g_object_weak_ref (G_OBJECT (dc), note_gone, &gone);
  gst_object_unref (dc);
  g_clear_pointer (&run->pipelines[end], gst_object_unref);
  /* Somebody's asynchronous call may still hold it. */
  while (!g_atomic_int_get (&gone) && g_get_monotonic_time () < deadline)
    g_usleep (1000);
  if (g_atomic_int_get (&gone))
    return;
  dc_states_fail (run, "the %s lives on", end == SENDER ? "sender" : "receiver");
  g_object_weak_unref (G_OBJECT (dc), note_gone, &gone);
}

static void
use_once_more (DcStatesRun *run, guint end)
{
  gst_element_set_state (run->pipelines[end], GST_STATE_PLAYING);
  dc_states_wait_at_most (run, 50);
  stop (run, end);
}

static void
stop_both (DcStatesRun *run)
{
  guint first = dc_states_any_end (run);

  for (guint i = 0; i < 2; i++) {
    guint end = i == 0 ? first : !first;
    if (run->pipelines[end] == NULL)
      continue;
    stop (run, end);
    if (g_rand_int_range (run->chance, 0, 8) == 0)
      use_once_more (run, end);
  }
  for (guint end = 0; end < 2; end++) {
    if (run->pipelines[end] != NULL)
      release (run, end);
  }
}

static void
restore (DcStatesRun *run)
{
  if (run->far != NULL) {
    g_subprocess_force_exit (run->far);
    g_subprocess_wait (run->far, NULL, NULL);
    g_clear_object (&run->far);
  }
  dc_test_cut_set (FALSE);
  if (run->daemon_is_away)
    dc_test_daemon_start (run->daemon);
  run->daemon_is_away = FALSE;
  g_clear_pointer (&run->room, g_free);
}

static void
try (DcStatesRun *run, const DcStatesState *state)
{
  run->state = state->name;
  run->room = g_strdup_printf ("states-%u", run->result->trials);
  if (run->verbose)
    g_print ("states: trial %u: %s\n", run->result->trials + 1, run->state);
  dc_test_watchdog_start (TRIAL_WATCHDOG_S);
  state->reach (run);
  stop_both (run);
  restore (run);
}

static void
check_census (DcStatesRun *run, const DcStatesCensus *base, DcStatesCensus *census)
{
  g_autofree char *names = NULL;

  if (dc_states_census_settle (base, SETTLE_S * dc_test_get_slowness (), census))
    return;
  names = dc_states_census_list_threads ();
  dc_states_fail (run, "%u threads instead of %u, and %u descriptors instead of %u, are left; the threads: %s",
      census->threads, base->threads, census->fds, base->fds, names);
}

/* --- A run ------------------------------------------------------------------------------------------------------------------------ */

static void
shuffle (GRand *chance, const DcStatesState **pack)
{
  guint n = 0;

  for (guint i = 0; i < dc_states_get_n (); i++) {
    for (guint j = 0; j < dc_states_get (i)->cards; j++)
      pack[n++] = dc_states_get (i);
  }
  g_assert_cmpuint (n, ==, PACK);
  for (guint i = PACK - 1; i > 0; i--) {
    guint j = (guint) g_rand_int_range (chance, 0, (gint32) i + 1);
    const DcStatesState *card = pack[i];
    pack[i] = pack[j];
    pack[j] = card;
  }
}

/* TRUE if there is a state @name. */
static gboolean
fill (const DcStatesState **pack, const char *name)
{
  const DcStatesState *state = dc_states_find (name);

  for (guint i = 0; i < PACK; i++)
    pack[i] = state;
  return state != NULL;
}

static gint
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 difference = *(const gint64 *) a - *(const gint64 *) b;

  return difference < 0 ? -1 : difference > 0;
}

static void
sum_up (DcStatesRun *run, const DcStatesCensus *base, const DcStatesCensus *census)
{
  DcStatesResult *result = run->result;

  g_array_sort (run->times, compare_times);
  result->stops = run->times->len;
  if (result->stops > 0)
    result->p99 = g_array_index (run->times, gint64, (result->stops * 99 - 1) / 100);
  result->threads[0] = base->threads;
  result->threads[1] = census->threads;
  result->fds[0] = base->fds;
  result->fds[1] = census->fds;
  result->orphans = census->orphans;
}

/* What libraries make for good at their first use is there before anything is counted. */
static void
warm_up (DcStatesRun *run, DcStatesCensus *base)
{
  for (guint i = 0; i < 3 && run->fault == NULL; i++) {
    run->state = "warming up";
    run->room = g_strdup_printf ("warm-%u", i);
    dc_test_watchdog_start (TRIAL_WATCHDOG_S);
    dc_states_find ("transferring")->reach (run);
    stop_both (run);
    restore (run);
  }
  run->result->max = run->result->missed = 0;
  g_array_set_size (run->times, 0);
  /* Nothing of them is left any more when a second has passed without a change. */
  for (gint64 quiet_since = g_get_monotonic_time (); g_get_monotonic_time () < quiet_since + G_TIME_SPAN_SECOND;) {
    DcStatesCensus now;
    dc_states_census_take (&now);
    if (now.threads != base->threads || now.fds != base->fds)
      quiet_since = g_get_monotonic_time ();
    *base = now;
    g_usleep (10000);
  }
}

gboolean
dc_states_run (const DcStatesPlan *plan, DcStatesResult *result, GError **error)
{
  DcStatesRun run = {.result = result, .chance = g_rand_new_with_seed (plan->seed), .verbose = plan->verbose};
  DcStatesCensus base = {0}, census = {0};
  const DcStatesState *pack[PACK];

  *result = (DcStatesResult){0};
  if (plan->only != NULL && !fill (pack, plan->only)) {
    g_set_error (error, DC_STATES_ERROR, 0, "There is no state \"%s\"", plan->only);
    return FALSE;
  }
  dc_test_cut_init ();
  dc_states_census_init ();
  run.daemon = dc_test_daemon_new (NULL);
  run.times = g_array_new (FALSE, FALSE, sizeof (gint64));
  dc_test_pulse_start ();
  warm_up (&run, &base);
  while (result->trials < plan->count && run.fault == NULL) {
    if (result->trials % PACK == 0 && plan->only == NULL)
      shuffle (run.chance, pack);
    try (&run, pack[result->trials % PACK]);
    check_census (&run, &base, &census);
    result->trials++;
  }
  sum_up (&run, &base, &census);
  dc_test_watchdog_stop ();
  dc_test_pulse_stop ();
  dc_test_daemon_free (run.daemon);
  g_array_unref (run.times);
  g_rand_free (run.chance);
  if (run.fault == NULL)
    return TRUE;
  g_propagate_error (error, run.fault);
  return FALSE;
}

void
dc_states_result_clear (DcStatesResult *result)
{
  g_clear_pointer (&result->slowest, g_free);
}
