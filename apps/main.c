/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* main.c: dcpeer's dispatch table. */
#include "apps/dcpeer.h"

#include <locale.h>

static const struct {
  const char *name;
  DcCommandFunc func;
  const char *summary;
} commands[] = {
    {"offer", dc_cmd_offer, "call the answering peer of a room and exchange messages"},
    {"answer", dc_cmd_answer, "wait in a room for peers that call, and exchange messages with each"},
    {"peers", dc_cmd_peers, "list who is in a room"},
};

static int
print_help (void)
{
  g_print (
      "Usage: dcpeer COMMAND [OPTION...]\n\n"
      "Two peers find each other through a signaling server (dcsignald) and talk over a WebRTC data channel, straight\n"
      "from one to the other.\n\nCommands:\n");
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    g_print ("  %-8s %s\n", commands[i].name, commands[i].summary);
  g_print ("\nTry `dcpeer answer` in one terminal and `dcpeer offer` in another.\n"
           "`dcpeer COMMAND --help` lists the options of a command; `dcpeer --version` tells the version.\n");
  return DC_EXIT_DONE;
}

int
main (int argc, char **argv)
{
  setlocale (LC_CTYPE, "");
  g_set_prgname ("dcpeer");
  if (argc < 2)
    return dc_report_usage (NULL, "a command is missing: offer, answer or peers");

  const char *name = argv[1];
  if (g_str_equal (name, "--help") || g_str_equal (name, "-h") || g_str_equal (name, "help"))
    return print_help ();
  if (g_str_equal (name, "--version")) {
    g_print ("dcpeer %s\n", DC_VERSION);
    return DC_EXIT_DONE;
  }
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++) {
    if (!g_str_equal (name, commands[i].name))
      continue;
    g_autofree char *full_name = g_strconcat ("dcpeer ", name, NULL);
    g_set_prgname (full_name); /* for the usage line of --help */
    return commands[i].func (argc - 1, argv + 1);
  }

  g_autofree char *sentence = g_strdup_printf ("\"%s\" is not a command; there are offer, answer and peers", name);
  return dc_report_usage (NULL, sentence);
}
