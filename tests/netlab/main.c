/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* main.c: netlab's dispatch table. */
#include "tests/netlab/netlab.h"

#include <locale.h>

static const struct {
  const char *name;
  int (*func) (int argc, char **argv);
  const char *summary; /* NULL: not for people */
} commands[] = {
    {"run", netlab_run, "commands in two network namespaces with an emulated link between them"},
    {"shell", netlab_shell, "a shell in such a lab"},
    {"join", netlab_join, "an emulated link between two namespaces that are there"},
    {"speed", netlab_speed, "what one TCP connection gets through the link"},
    {"speed-server", netlab_speed_server, NULL},
    {"speed-client", netlab_speed_client, NULL},
};

static int
print_help (void)
{
  g_print ("Usage: netlab COMMAND [OPTION...]\n\n"
           "Programs under fault: two network namespaces and a link that delays, loses, repeats, reorders and cuts, "
           "the same\n"
           "way each time for the same seed. Nothing of it is left behind.\n\nCommands:\n");
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    if (commands[i].summary)
      g_print ("  %-8s %s\n", commands[i].name, commands[i].summary);
  g_print ("  matrix   (only of ./dev netlab) the data channel elements under every fault, with their goodput\n\n"
           "`netlab run --help` explains links and schedules.\n");
  return DC_LAB_EXIT_DONE;
}

int
main (int argc, char **argv)
{
  const char *name = argc > 1 ? argv[1] : "";

  setlocale (LC_CTYPE, "");
  g_set_prgname ("netlab");
  if (g_str_equal (name, "--help") || g_str_equal (name, "-h") || g_str_equal (name, "help"))
    return print_help ();
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    if (g_str_equal (name, commands[i].name))
      return commands[i].func (argc - 1, argv + 1);
  return netlab_report_usage ("a command is missing: run, shell, join or speed");
}
