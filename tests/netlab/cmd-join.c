/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cmd-join.c: netlab join: an emulated link between two namespaces that somebody else has made and fills. */
#include "tests/netlab/dc-lab-link.h"
#include "tests/netlab/netlab.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const char summary[] =
    "Makes a device in each of two network namespaces and carries packets between them, until a signal ends it. Says\n"
    "\"joined\" once both are there. An END is PATH:DEVICE, such as /run/netns/home:wan; links are those of netlab "
    "run.";

typedef struct {
  char *ends[2]; /* PATH:DEVICE */
  char *link, *schedule;
  gint64 seed;
} Options;

static void
options_clear (Options *options)
{
  g_free (options->ends[0]);
  g_free (options->ends[1]);
  g_free (options->link);
  g_free (options->schedule);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static gboolean
parse (Options *o, int argc, char **argv, GError **error)
{
  const GOptionEntry entries[] = {
      {"a", 'a', 0, G_OPTION_ARG_STRING, &o->ends[0], "One end", "END"},
      {"b", 'b', 0, G_OPTION_ARG_STRING, &o->ends[1], "The other", "END"},
      {"link", 'l', 0, G_OPTION_ARG_STRING, &o->link, "The link in both directions", "LINK"},
      {"schedule", 's', 0, G_OPTION_ARG_STRING, &o->schedule, "What changes, and when; no addresses", "SCHEDULE"},
      {"seed", 0, 0, G_OPTION_ARG_INT64, &o->seed, "Of all chance in the link (1)", "N"},
      {NULL},
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_set_prgname ("netlab join");
  g_option_context_set_summary (context, summary);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  for (guint i = 0; i < 2; i++)
    if (!o->ends[i] || !strchr (o->ends[i], ':')) {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--a and --b take PATH:DEVICE");
      return FALSE;
    }
  return TRUE;
}

static GPtrArray *
parse_schedule (const char *schedule, GError **error)
{
  g_autoptr (GPtrArray) events = schedule ? dc_netem_schedule_parse (schedule, error) : g_ptr_array_new ();

  for (guint i = 0; events && i < events->len; i++)
    if (!((const DcNetemEvent *) g_ptr_array_index (events, i))->settings) {
      g_set_error (
          error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "join has no addresses that a schedule could change");
      return NULL;
    }
  return g_steal_pointer (&events);
}

static gboolean
open_side (DcLabSide *side, const char *end, GError **error)
{
  g_auto (GStrv) words = g_strsplit (end, ":", 2);

  return dc_lab_side_join (side, words[0], words[1], 1500, error);
}

static int
open_signals (void)
{
  sigset_t signals;

  sigemptyset (&signals);
  sigaddset (&signals, SIGINT);
  sigaddset (&signals, SIGTERM);
  sigaddset (&signals, SIGHUP);
  sigprocmask (SIG_BLOCK, &signals, NULL);
  return signalfd (-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Until a signal. */
static void
carry (DcLabLink *link, DcLabSide *sides)
{
  int signals = open_signals ();
  struct pollfd fds[] = {{sides[0].tun, POLLIN, 0}, {sides[1].tun, POLLIN, 0}, {signals, POLLIN, 0}};

  prctl (PR_SET_PDEATHSIG, SIGTERM);
  prctl (PR_SET_TIMERSLACK, 1);
  dc_lab_link_start_schedule (link, dc_lab_now ());
  while (!(fds[2].revents & POLLIN)) {
    gint64 deadline = dc_lab_link_get_deadline (link), wait = MAX (deadline - dc_lab_now (), 0);
    struct timespec limit = {.tv_sec = (time_t) (wait / DC_NETEM_S), .tv_nsec = (long) (wait % DC_NETEM_S)};

    if (ppoll (fds, G_N_ELEMENTS (fds), deadline == G_MAXINT64 ? NULL : &limit, NULL) < 0)
      fds[2].revents = 0;
    dc_lab_link_run (link, dc_lab_now ());
  }
  close (signals);
}

static gboolean
join (const Options *o, DcLabSide *sides, GError **error)
{
  DcNetemSettings settings[2] = {DC_NETEM_SETTINGS_INIT, DC_NETEM_SETTINGS_INIT};
  g_autoptr (GPtrArray) events = NULL;
  DcLabLink link;

  for (guint i = 0; i < 2; i++)
    if (o->link && !dc_netem_settings_parse (&settings[i], o->link, error))
      return FALSE;
  events = parse_schedule (o->schedule, error);
  if (!events || !open_side (&sides[0], o->ends[0], error) || !open_side (&sides[1], o->ends[1], error)
      || !dc_lab_link_init (&link, sides, (guint64) o->seed, settings, events, error))
    return FALSE;
  printf ("joined\n");
  fflush (stdout);
  carry (&link, sides);
  dc_lab_link_clear (&link);
  return TRUE;
}

int
netlab_join (int argc, char **argv)
{
  g_auto (Options) options = {.seed = 1};
  DcLabSide sides[2] = {{.namespace = -1, .tun = -1}, {.namespace = -1, .tun = -1}};
  g_autoptr (GError) error = NULL;

  if (!parse (&options, argc, argv, &error))
    return netlab_report_usage (error->message);
  gboolean good = join (&options, sides, &error);
  dc_lab_side_close (&sides[0]);
  dc_lab_side_close (&sides[1]);
  if (good)
    return DC_LAB_EXIT_DONE;
  if (error->domain == G_OPTION_ERROR)
    return netlab_report_usage (error->message);
  g_printerr ("netlab: %s\n", error->message);
  return g_error_matches (error, DC_LAB_ERROR, DC_LAB_ERROR_UNAVAILABLE) ? DC_LAB_EXIT_UNAVAILABLE : DC_LAB_EXIT_FAILED;
}
