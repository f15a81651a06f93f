/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* options.c: the options of all subcommands that make a lab. */
#include "tests/netlab/netlab.h"

static const char summary[] =
    "Runs commands in two network namespaces, a and b, with an emulated link between them. Each side has a device\n"
    "lab0: a is 10.99.0.1 (with --ipv6 also fd99::1), b is 10.99.0.2 (fd99::2). There is no other network in there.\n"
    "Nothing of it is left when netlab ends, however it ends.";

static const char description[] =
    "Links:\n"
    "  A LINK is words in any order, separated by spaces or commas. What is not named is perfect.\n"
    "    delay TIME       one way; rtt TIME is a delay of half of it in each direction\n"
    "    jitter TIME      the delay varies by as much up and down; does not reorder\n"
    "    loss N%          of the packets; burst N: in bursts of N packets in the mean\n"
    "    duplicate N%     of the packets\n"
    "    reorder N%       of the packets is held back, so that those behind overtake; by TIME: for how long (5ms)\n"
    "    rate N           such as 500kbit, 10mbit, 1gbit or unlimited, headers of IP included\n"
    "    queue TIME|SIZE  what may wait for the rate: 100ms if not given, or a time, or 64KiB; what is too much is "
    "lost\n"
    "    blackhole on|off everything is lost\n"
    "  TIME: a number and us, ms, s or min.\n"
    "\n"
    "Schedules:\n"
    "  Entries separated by semicolons; times count from the start of the commands of --a and --b.\n"
    "    3s: LINK                   in both directions; what is not named stays as it is\n"
    "    3s: ab LINK                only from a to b; ba from b to a\n"
    "    3s: blackhole 10s          for 10 seconds\n"
    "    3s: address b 10.99.0.3    b's device loses its address and gets this one, in the same /24 (IPv6: /64)\n"
    "  A new delay is a new route: its packets may overtake those that are under way on the old one.\n"
    "\n"
    "Commands:\n"
    "  Each is a line for /bin/sh, without a terminal. What it prints is printed with the time and its name before "
    "it:\n"
    "  its side and a number, the daemons' before the others'. The daemons are started first, the others once each\n"
    "  daemon has printed a line (or 5 s are over). When the others have ended, the daemons and whatever else still "
    "runs\n"
    "  get SIGTERM, and SIGKILL after 2 s. At the end there are two lines of statistics of the link.\n"
    "  In their environment: NETLAB_A, NETLAB_B (addresses), NETLAB_A6, NETLAB_B6, NETLAB_NS_A, NETLAB_NS_B\n"
    "  (nsenter --net=$NETLAB_NS_B COMMAND runs it on the other side).\n"
    "\n"
    "Exit status:\n"
    "  0 each command of --a and --b exited with 0; 1 one did not; 2 the command line is wrong; 77 this machine allows "
    "no\n"
    "  such lab (it takes root, or user namespaces, and /dev/net/tun); 124 the timeout was over; 128 and a signal's "
    "number\n"
    "  if one ended netlab.\n"
    "\n"
    "Examples:\n"
    "  netlab run --link 'rtt 50ms loss 1% rate 10mbit' --daemon-a 'dcsignald --listen 10.99.0.1:8443' \\\n"
    "    --a 'dcpeer answer --signaling ws://10.99.0.1:8443 --once' --b 'dcpeer offer --signaling "
    "ws://10.99.0.1:8443'\n"
    "  netlab run --schedule '3s: blackhole 5s; 12s: address b 10.99.0.3' --a ... --b ...\n"
    "  netlab speed --link 'rtt 20ms'\n";

typedef struct {
  char *link, *ab, *ba, *schedule;
  gint64 seed;
  int mtu;
  gboolean ipv6;
  double timeout;
  char **lines[2], **daemons[2];
} Options;

static void
options_clear (Options *options)
{
  g_free (options->link);
  g_free (options->ab);
  g_free (options->ba);
  g_free (options->schedule);
  for (guint i = 0; i < 2; i++) {
    g_strfreev (options->lines[i]);
    g_strfreev (options->daemons[i]);
  }
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static gboolean
parse_options (Options *o, const char *name, int argc, char **argv, GError **error)
{
  const GOptionEntry entries[] = {
      {"link", 'l', 0, G_OPTION_ARG_STRING, &o->link, "The link in both directions, see below", "LINK"},
      {"ab", 0, 0, G_OPTION_ARG_STRING, &o->ab, "What is different from a to b", "LINK"},
      {"ba", 0, 0, G_OPTION_ARG_STRING, &o->ba, "What is different from b to a", "LINK"},
      {"schedule", 's', 0, G_OPTION_ARG_STRING, &o->schedule, "What changes, and when, see below", "SCHEDULE"},
      {"seed", 0, 0, G_OPTION_ARG_INT64, &o->seed, "Of all chance in the link (1)", "N"},
      {"mtu", 0, 0, G_OPTION_ARG_INT, &o->mtu, "Largest packet in bytes, 1280 to 65535 (1500)", "N"},
      {"ipv6", '6', 0, G_OPTION_ARG_NONE, &o->ipv6, "IPv6 beside IPv4", NULL},
      {"timeout", 't', 0, G_OPTION_ARG_DOUBLE, &o->timeout, "End it after this time, 0 is never (run: 600)", "SECONDS"},
      {NULL},
  };
  const GOptionEntry commands[] = {
      {"a", 'a', 0, G_OPTION_ARG_STRING_ARRAY, &o->lines[0], "Run this in a; may be given more than once", "COMMAND"},
      {"b", 'b', 0, G_OPTION_ARG_STRING_ARRAY, &o->lines[1], "Run this in b; may be given more than once", "COMMAND"},
      {"daemon-a", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->daemons[0], "Run this in a as long as the others run",
          "COMMAND"},
      {"daemon-b", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->daemons[1], "Run this in b as long as the others run",
          "COMMAND"},
      {NULL},
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autofree char *program = g_strconcat ("netlab ", name, NULL);

  g_set_prgname (program); /* for the usage line of --help */
  g_option_context_set_summary (context, summary);
  g_option_context_set_description (context, description);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_str_equal (name, "speed"))
    g_option_context_add_main_entries (context, commands, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  if (argc > 1)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
        "\"%s\" stands alone; commands are given with --a and --b, in quotes", argv[1]);
  else if (o->mtu < 1280 || o->mtu > 65535)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--mtu takes 1280 to 65535");
  else if (!(o->timeout >= 0 && o->timeout <= 1e6))
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--timeout takes 0 to 1000000 seconds");
  return argc <= 1 && o->mtu >= 1280 && o->mtu <= 65535 && o->timeout >= 0 && o->timeout <= 1e6;
}

/* ---- Plan ---- */

void
netlab_plan_add (DcLabPlan *plan, DcLabRole role, guint side, const char *line)
{
  guint number = 1;

  for (guint i = 0; i < plan->commands->len; i++)
    number += ((DcLabCommand *) g_ptr_array_index (plan->commands, i))->side == side;
  g_ptr_array_add (plan->commands, dc_lab_command_new (role, side, number, line));
}

static gboolean
parse_links (DcLabPlan *plan, const Options *o, GError **error)
{
  const char *own[] = {o->ab, o->ba};

  for (guint i = 0; i < 2; i++)
    if ((o->link && !dc_netem_settings_parse (&plan->settings[i], o->link, error))
        || (own[i] && !dc_netem_settings_parse (&plan->settings[i], own[i], error)))
      return FALSE;
  plan->events = o->schedule ? dc_netem_schedule_parse (o->schedule, error) : g_ptr_array_new ();
  return plan->events != NULL;
}

static void
add_commands (DcLabPlan *plan, const Options *o)
{
  for (guint side = 0; side < 2; side++) {
    for (guint i = 0; o->daemons[side] && o->daemons[side][i]; i++)
      netlab_plan_add (plan, DC_LAB_DAEMON, side, o->daemons[side][i]);
    for (guint i = 0; o->lines[side] && o->lines[side][i]; i++)
      netlab_plan_add (plan, DC_LAB_MAIN, side, o->lines[side][i]);
  }
}

int
netlab_report_usage (const char *sentence)
{
  g_printerr ("netlab: %s; see netlab --help\n", sentence);
  return DC_LAB_EXIT_USAGE;
}

DcLabPlan *
netlab_plan_new (const char *name, int argc, char **argv, int *status)
{
  static const DcNetemSettings perfect = DC_NETEM_SETTINGS_INIT;
  g_auto (Options) options = {.seed = 1, .mtu = 1500, .timeout = g_str_equal (name, "run") ? 600 : 0};
  g_autoptr (DcLabPlan) plan = g_new0 (DcLabPlan, 1);
  g_autoptr (GError) error = NULL;

  plan->settings[0] = plan->settings[1] = perfect;
  plan->commands = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_lab_command_free);
  if (!parse_options (&options, name, argc, argv, &error) || !parse_links (plan, &options, &error)) {
    *status = netlab_report_usage (error->message);
    return NULL;
  }
  plan->seed = (guint64) options.seed;
  plan->mtu = (guint) options.mtu;
  plan->ipv6 = options.ipv6;
  plan->timeout = (gint64) (options.timeout * DC_NETEM_S);
  add_commands (plan, &options);
  return g_steal_pointer (&plan);
}

void
netlab_plan_free (DcLabPlan *plan)
{
  g_clear_pointer (&plan->events, g_ptr_array_unref);
  g_ptr_array_unref (plan->commands);
  g_free (plan);
}
