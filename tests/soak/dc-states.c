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
 * The states are shuffled like a pack of cards, so that each run of PACK trials has them all. What takes seconds (a loss must first be noticed)
 * is seldom. */
#include "tests/soak/dc-states.h"

#include <gio/gio.h>
#include <gst/gst.h>
#include <signal.h>

#include "tests/harness/dc-test-cut.h"
#include "tests/harness/dc-test-daemon.h"
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

enum { SENDER, RECEIVER };

typedef struct {
  DcStatesResult *result;
  GRand *chance;
  DcTestDaemon *daemon;
  gboolean daemon_is_away;
  GArray *times; /* gint64: of each set_state(NULL) */
  gboolean verbose;

  /* of a trial */
  const char *state;
  char *room;
  GstElement *pipelines[2]; /* (nullable) */
  GSubprocess *far;         /* (nullable) */
  GError *fault;            /* (nullable): the first */
} Run;

static void fail (Run *run, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
fail (Run *run, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  if (run->fault != NULL)
    return;
  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  run->fault = g_error_new (DC_STATES_ERROR, 0, "Trial %u, state %s: %s", run->result->trials + 1, run->state, text);
}

/* --- What the states are made of -------------------------------------------------------------------------------------------------- */

static char *
describe (Run *run, guint end, const char *format)
{
  g_autofree char *element = g_strdup_printf ("datachannel%s name=dc signaling=%s room=%s",
      end == SENDER ? "sink" : "src", dc_test_daemon_get_url (run->daemon), run->room);

  return end == SENDER ? g_strconcat (format, " ! ", element, NULL) : g_strconcat (element, " ! ", format, NULL);
}

/* Filled: valgrind would tell of each packet otherwise. */
#define ENDLESS "fakesrc sizetype=fixed sizemax=16384 filltype=zero"
#define SHORT ENDLESS " num-buffers=4"
#define SILENT "appsrc"
#define DRAIN "fakesink"

/* Any thread. */
static GstBusSyncReply
show_message (GstBus *bus, GstMessage *message, gpointer data)
{
  if (GST_MESSAGE_TYPE (message) & (GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR)) {
    g_autofree char *text = gst_structure_to_string (gst_message_get_structure (message));
    g_print ("states:   %s: %s\n", (const char *) data, text);
  }
  return GST_BUS_PASS;
}

static void
show_messages (Run *run, guint end)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (run->pipelines[end]);

  gst_bus_set_sync_handler (bus, show_message, (gpointer) (end == SENDER ? "sender" : "receiver"), NULL);
}

/* @other: what is at the other end of the element. */
static void
begin (Run *run, guint end, const char *other, GstState state)
{
  g_autofree char *description = describe (run, end, other);
  g_autoptr (GError) error = NULL;

  run->pipelines[end] = gst_parse_launch (description, &error);
  g_assert_no_error (error);
  if (run->verbose)
    show_messages (run, end);
  gst_element_set_state (run->pipelines[end], state);
}

/* The same as a process of its own. */
static void
begin_far (Run *run, guint end, const char *other)
{
  g_autofree char *description = describe (run, end, other);
  g_autofree char *command = g_strconcat ("gst-launch-1.0 -q ", description, NULL);
  g_auto (GStrv) argv = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_shell_parse_argv (command, NULL, &argv, NULL));
  run->far = g_subprocess_newv (
      (const char *const *) argv, G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, &error);
  g_assert_no_error (error);
}

static void
wait_message (Run *run, guint end, const char *name)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (run->pipelines[end]);
  gboolean found = FALSE;

  while (!found && run->fault == NULL) {
    g_autoptr (GstMessage) message =
        gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR);
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
      g_autoptr (GError) error = NULL;
      gst_message_parse_error (message, &error, NULL);
      fail (run, "instead of %s: %s", name, error->message);
    } else {
      found = gst_message_has_name (message, name);
    }
  }
}

/* Something has come across: each side has heard of the other. */
static void
wait_preroll (Run *run)
{
  if (run->fault == NULL
      && gst_element_get_state (run->pipelines[RECEIVER], NULL, NULL, GST_CLOCK_TIME_NONE) != GST_STATE_CHANGE_SUCCESS)
    fail (run, "nothing comes across");
}

/* Until some moment. */
static void
wait_at_most (Run *run, guint milliseconds)
{
  g_usleep ((gulong) g_rand_int_range (run->chance, 0, (gint32) milliseconds * 1000));
}

static guint
any_end (Run *run)
{
  return g_rand_boolean (run->chance) ? SENDER : RECEIVER;
}

static void
connect_both (Run *run, const char *source, const char *target, GstState receiver_state)
{
  guint first = any_end (run);

  for (guint i = 0; i < 2; i++) {
    guint end = i == 0 ? first : !first;
    begin (run, end, end == SENDER ? source : target, end == SENDER ? GST_STATE_PLAYING : receiver_state);
  }
  wait_message (run, SENDER, "datachannel-connected");
  wait_message (run, RECEIVER, "datachannel-connected");
}

/* One in this process, the other in its own. */
static guint
connect_far (Run *run)
{
  guint near = any_end (run);

  begin (run, near, near == SENDER ? ENDLESS : DRAIN, GST_STATE_PLAYING);
  begin_far (run, !near, near == SENDER ? DRAIN : ENDLESS);
  wait_message (run, near, "datachannel-connected");
  return near;
}

static void
stop_daemon (Run *run)
{
  dc_test_daemon_stop (run->daemon);
  run->daemon_is_away = TRUE;
}

/* --- The states ------------------------------------------------------------------------------------------------------------------- */

static void
reach_ready (Run *run)
{
  guint end = any_end (run);

  begin (run, end, end == SENDER ? ENDLESS : DRAIN, GST_STATE_READY);
}

static void
reach_paused (Run *run)
{
  guint end = any_end (run);

  begin (run, end, end == SENDER ? ENDLESS : DRAIN, GST_STATE_PAUSED);
  wait_at_most (run, 50);
}

static void
reach_nobody_there (Run *run)
{
  guint end = any_end (run);

  begin (run, end, end == SENDER ? ENDLESS : DRAIN, GST_STATE_PLAYING);
  wait_message (run, end, "datachannel-registered");
  wait_at_most (run, 50);
}

static void
reach_connecting (Run *run)
{
  begin (run, SENDER, ENDLESS, GST_STATE_PLAYING);
  begin (run, RECEIVER, DRAIN, GST_STATE_PLAYING);
  wait_at_most (run, 300);
}

static void
reach_without_daemon (Run *run)
{
  stop_daemon (run);
  begin (run, SENDER, ENDLESS, GST_STATE_PLAYING);
  begin (run, RECEIVER, DRAIN, GST_STATE_PLAYING);
  wait_at_most (run, 200);
}

static void
reach_daemon_gone (Run *run)
{
  connect_both (run, ENDLESS, DRAIN, GST_STATE_PLAYING);
  stop_daemon (run);
  wait_at_most (run, 200);
}

static void
reach_idle (Run *run)
{
  connect_both (run, SILENT, DRAIN, GST_STATE_PLAYING);
  wait_at_most (run, 100);
}

static void
reach_transferring (Run *run)
{
  connect_both (run, ENDLESS, DRAIN, GST_STATE_PLAYING);
  wait_at_most (run, 300);
}

/* The receiver has prerolled and takes no more, so render() waits. */
static void
reach_blocked (Run *run)
{
  connect_both (run, ENDLESS, DRAIN, GST_STATE_PAUSED);
  wait_at_most (run, 300);
}

static void
reach_far_killed (Run *run)
{
  connect_far (run);
  wait_at_most (run, 200);
  g_subprocess_send_signal (run->far, SIGKILL);
  wait_at_most (run, 1000);
}

static void
reach_far_frozen (Run *run)
{
  connect_far (run);
  wait_at_most (run, 200);
  g_subprocess_send_signal (run->far, SIGSTOP);
  wait_at_most (run, 1000);
}

/* Until that is noticed; and then maybe a new connection is under way. */
static void
reach_lost (Run *run)
{
  connect_both (run, ENDLESS, DRAIN, GST_STATE_PLAYING);
  wait_preroll (run);
  dc_test_cut_set (TRUE);
  wait_message (run, any_end (run), "datachannel-suspended");
  if (g_rand_boolean (run->chance))
    dc_test_cut_set (FALSE);
  wait_at_most (run, 1000);
}

/* Everything is sent, but not taken: the sender waits for the FIN-ACK. */
static void
reach_finishing (Run *run)
{
  connect_both (run, SHORT, DRAIN, GST_STATE_PAUSED);
  wait_at_most (run, 200);
}

/* The whole stream is across, or just about. */
static void
reach_finished (Run *run)
{
  connect_both (run, SHORT, DRAIN, GST_STATE_PLAYING);
  wait_at_most (run, 200);
}

static void
reach_paused_again (Run *run)
{
  connect_both (run, ENDLESS, DRAIN, GST_STATE_PLAYING);
  wait_at_most (run, 100);
  gst_element_set_state (run->pipelines[any_end (run)], GST_STATE_PAUSED);
  wait_at_most (run, 100);
}

static const struct {
  const char *name;
  void (*reach) (Run *run);
  guint cards;
} states[] = {
    {"ready", reach_ready, 2},
    {"paused", reach_paused, 3},
    {"nobody there", reach_nobody_there, 3},
    {"connecting", reach_connecting, 6},
    {"without daemon", reach_without_daemon, 3},
    {"daemon gone", reach_daemon_gone, 2},
    {"idle", reach_idle, 2},
    {"transferring", reach_transferring, 4},
    {"blocked", reach_blocked, 4},
    {"far side killed", reach_far_killed, 2},
    {"far side frozen", reach_far_frozen, 2},
    {"connection lost", reach_lost, 1},
    {"finishing", reach_finishing, 2},
    {"finished", reach_finished, 2},
    {"paused again", reach_paused_again, 2},
};

/* --- A trial ---------------------------------------------------------------------------------------------------------------------- */

static void
stop (Run *run, guint end)
{
  gint64 began = g_get_monotonic_time (), pulse_began = dc_test_pulse_get_time (), took;

  dc_test_watchdog_start (STOP_WATCHDOG_S);
  if (gst_element_set_state (run->pipelines[end], GST_STATE_NULL) != GST_STATE_CHANGE_SUCCESS)
    fail (run, "set_state(NULL) failed");
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
    fail (run, "set_state(NULL) of the %s took %.3f s", end == SENDER ? "sender" : "receiver", (double) took / 1e6);
}

static void
note_gone (gpointer gone, GObject *was)
{
  g_atomic_int_set ((gint *) gone, TRUE);
}

/* The pipeline and what is in it. */
static void
release (Run *run, guint end)
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
  fail (run, "the %s lives on", end == SENDER ? "sender" : "receiver");
  g_object_weak_unref (G_OBJECT (dc), note_gone, &gone);
}

static void
use_once_more (Run *run, guint end)
{
  gst_element_set_state (run->pipelines[end], GST_STATE_PLAYING);
  wait_at_most (run, 50);
  stop (run, end);
}

static void
stop_both (Run *run)
{
  guint first = any_end (run);

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
restore (Run *run)
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
try (Run *run, guint which)
{
  run->state = states[which].name;
  run->room = g_strdup_printf ("states-%u", run->result->trials);
  if (run->verbose)
    g_print ("states: trial %u: %s\n", run->result->trials + 1, run->state);
  dc_test_watchdog_start (TRIAL_WATCHDOG_S);
  states[which].reach (run);
  stop_both (run);
  restore (run);
}

static void
check_census (Run *run, const DcStatesCensus *base, DcStatesCensus *census)
{
  g_autofree char *names = NULL;

  if (dc_states_census_settle (base, SETTLE_S * dc_test_get_slowness (), census))
    return;
  names = dc_states_census_list_threads ();
  fail (run, "%u threads instead of %u, and %u descriptors instead of %u, are left; the threads: %s", census->threads,
      base->threads, census->fds, base->fds, names);
}

/* --- A run ------------------------------------------------------------------------------------------------------------------------ */

static void
shuffle (GRand *chance, guint *pack)
{
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (states); i++) {
    for (guint j = 0; j < states[i].cards; j++)
      pack[n++] = i;
  }
  g_assert_cmpuint (n, ==, PACK);
  for (guint i = PACK - 1; i > 0; i--) {
    guint j = (guint) g_rand_int_range (chance, 0, (gint32) i + 1), card = pack[i];
    pack[i] = pack[j];
    pack[j] = card;
  }
}

/* TRUE if there is a state @name. */
static gboolean
fill (guint *pack, const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (states); i++) {
    if (g_str_equal (states[i].name, name)) {
      for (guint j = 0; j < PACK; j++)
        pack[j] = i;
      return TRUE;
    }
  }
  return FALSE;
}

static gint
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 difference = *(const gint64 *) a - *(const gint64 *) b;

  return difference < 0 ? -1 : difference > 0;
}

static void
sum_up (Run *run, const DcStatesCensus *base, const DcStatesCensus *census)
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
warm_up (Run *run, DcStatesCensus *base)
{
  for (guint i = 0; i < 3 && run->fault == NULL; i++) {
    run->state = "warming up";
    run->room = g_strdup_printf ("warm-%u", i);
    dc_test_watchdog_start (TRIAL_WATCHDOG_S);
    reach_transferring (run);
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
  Run run = {.result = result, .chance = g_rand_new_with_seed (plan->seed), .verbose = plan->verbose};
  DcStatesCensus base = {0}, census = {0};
  guint pack[PACK];

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
