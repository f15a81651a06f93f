/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-states-reach.c: the states of both elements, and how they get there. */
#include "tests/soak/dc-states-private.h"

#include <signal.h>

#include "tests/harness/dc-test-cut.h"

void
dc_states_fail (DcStatesRun *run, const char *format, ...)
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
describe (DcStatesRun *run, guint end, const char *format)
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
show_messages (DcStatesRun *run, guint end)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (run->pipelines[end]);

  gst_bus_set_sync_handler (bus, show_message, (gpointer) (end == SENDER ? "sender" : "receiver"), NULL);
}

/* @other: what is at the other end of the element. */
static void
begin (DcStatesRun *run, guint end, const char *other, GstState state)
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
begin_far (DcStatesRun *run, guint end, const char *other)
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
wait_message (DcStatesRun *run, guint end, const char *name)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (run->pipelines[end]);
  gboolean found = FALSE;

  while (!found && run->fault == NULL) {
    g_autoptr (GstMessage) message =
        gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR);
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
      g_autoptr (GError) error = NULL;
      gst_message_parse_error (message, &error, NULL);
      dc_states_fail (run, "instead of %s: %s", name, error->message);
    } else {
      found = gst_message_has_name (message, name);
    }
  }
}

/* Something has come across: each side has heard of the other. */
static void
wait_preroll (DcStatesRun *run)
{
  if (run->fault == NULL
      && gst_element_get_state (run->pipelines[RECEIVER], NULL, NULL, GST_CLOCK_TIME_NONE) != GST_STATE_CHANGE_SUCCESS)
    dc_states_fail (run, "nothing comes across");
}

void
dc_states_wait_at_most (DcStatesRun *run, guint milliseconds)
{
  g_usleep ((gulong) g_rand_int_range (run->chance, 0, (gint32) milliseconds * 1000));
}

guint
dc_states_any_end (DcStatesRun *run)
{
  return g_rand_boolean (run->chance) ? SENDER : RECEIVER;
}

static void
connect_both (DcStatesRun *run, const char *source, const char *target, GstState receiver_state)
{
  guint first = dc_states_any_end (run);

  for (guint i = 0; i < 2; i++) {
    guint end = i == 0 ? first : !first;
    begin (run, end, end == SENDER ? source : target, end == SENDER ? GST_STATE_PLAYING : receiver_state);
  }
  wait_message (run, SENDER, "datachannel-connected");
  wait_message (run, RECEIVER, "datachannel-connected");
}

/* One in this process, the other in its own. */
static guint
connect_far (DcStatesRun *run)
{
  guint near = dc_states_any_end (run);

  begin (run, near, near == SENDER ? ENDLESS : DRAIN, GST_STATE_PLAYING);
  begin_far (run, !near, near == SENDER ? DRAIN : ENDLESS);
  wait_message (run, near, "datachannel-connected");
  return near;
}

static void
stop_daemon (DcStatesRun *run)
{
  dc_test_daemon_stop (run->daemon);
  run->daemon_is_away = TRUE;
}

/* --- The states ------------------------------------------------------------------------------------------------------------------- */

static void
reach_ready (DcStatesRun *run)
{
  guint end = dc_states_any_end (run);

  begin (run, end, end == SENDER ? ENDLESS : DRAIN, GST_STATE_READY);
}

static void
reach_paused (DcStatesRun *run)
{
  guint end = dc_states_any_end (run);

  begin (run, end, end == SENDER ? ENDLESS : DRAIN, GST_STATE_PAUSED);
  dc_states_wait_at_most (run, 50);
}

static void
reach_nobody_there (DcStatesRun *run)
{
  guint end = dc_states_any_end (run);

  begin (run, end, end == SENDER ? ENDLESS : DRAIN, GST_STATE_PLAYING);
  wait_message (run, end, "datachannel-registered");
  dc_states_wait_at_most (run, 50);
}

static void
reach_connecting (DcStatesRun *run)
{
  begin (run, SENDER, ENDLESS, GST_STATE_PLAYING);
  begin (run, RECEIVER, DRAIN, GST_STATE_PLAYING);
  dc_states_wait_at_most (run, 300);
}

static void
reach_without_daemon (DcStatesRun *run)
{
  stop_daemon (run);
  begin (run, SENDER, ENDLESS, GST_STATE_PLAYING);
  begin (run, RECEIVER, DRAIN, GST_STATE_PLAYING);
  dc_states_wait_at_most (run, 200);
}

static void
reach_daemon_gone (DcStatesRun *run)
{
  connect_both (run, ENDLESS, DRAIN, GST_STATE_PLAYING);
  stop_daemon (run);
  dc_states_wait_at_most (run, 200);
}

static void
reach_idle (DcStatesRun *run)
{
  connect_both (run, SILENT, DRAIN, GST_STATE_PLAYING);
  dc_states_wait_at_most (run, 100);
}

static void
reach_transferring (DcStatesRun *run)
{
  connect_both (run, ENDLESS, DRAIN, GST_STATE_PLAYING);
  dc_states_wait_at_most (run, 300);
}

/* The receiver has prerolled and takes no more, so render() waits. */
static void
reach_blocked (DcStatesRun *run)
{
  connect_both (run, ENDLESS, DRAIN, GST_STATE_PAUSED);
  dc_states_wait_at_most (run, 300);
}

static void
reach_far_killed (DcStatesRun *run)
{
  connect_far (run);
  dc_states_wait_at_most (run, 200);
  g_subprocess_send_signal (run->far, SIGKILL);
  dc_states_wait_at_most (run, 1000);
}

static void
reach_far_frozen (DcStatesRun *run)
{
  connect_far (run);
  dc_states_wait_at_most (run, 200);
  g_subprocess_send_signal (run->far, SIGSTOP);
  dc_states_wait_at_most (run, 1000);
}

/* Until that is noticed; and then maybe a new connection is under way. */
static void
reach_lost (DcStatesRun *run)
{
  connect_both (run, ENDLESS, DRAIN, GST_STATE_PLAYING);
  wait_preroll (run);
  dc_test_cut_set (TRUE);
  wait_message (run, dc_states_any_end (run), "datachannel-suspended");
  if (g_rand_boolean (run->chance))
    dc_test_cut_set (FALSE);
  dc_states_wait_at_most (run, 1000);
}

/* Everything is sent, but not taken: the sender waits for the FIN-ACK. */
static void
reach_finishing (DcStatesRun *run)
{
  connect_both (run, SHORT, DRAIN, GST_STATE_PAUSED);
  dc_states_wait_at_most (run, 200);
}

/* The whole stream is across, or just about. */
static void
reach_finished (DcStatesRun *run)
{
  connect_both (run, SHORT, DRAIN, GST_STATE_PLAYING);
  dc_states_wait_at_most (run, 200);
}

static void
reach_paused_again (DcStatesRun *run)
{
  connect_both (run, ENDLESS, DRAIN, GST_STATE_PLAYING);
  dc_states_wait_at_most (run, 100);
  gst_element_set_state (run->pipelines[dc_states_any_end (run)], GST_STATE_PAUSED);
  dc_states_wait_at_most (run, 100);
}

static const DcStatesState states[] = {
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

guint
dc_states_get_n (void)
{
  return G_N_ELEMENTS (states);
}

const DcStatesState *
dc_states_get (guint which)
{
  return &states[which];
}

const DcStatesState *
dc_states_find (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (states); i++) {
    if (g_str_equal (states[i].name, name))
      return &states[i];
  }
  return NULL;
}
