/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* states.c: dc_states_run() as a program, for `./dev soak states`. */
#include <gst/gst.h>
#include <locale.h>

#include "tests/harness/dc-test.h"
#include "tests/soak/dc-states.h"

static void
print_result (const DcStatesResult *result)
{
  g_print (
      "states: %u trials; set_state(NULL) %u times: p99 %.0f ms, max %.0f ms (%s); not counted, since the machine was "
      "busy: %.0f ms of all\n",
      result->trials, result->stops, (double) result->p99 / 1e3, (double) result->max / 1e3,
      result->slowest != NULL ? result->slowest : "-", (double) result->missed / 1e3);
  g_print ("states: threads %u before, %u after, beside %u of webrtcbin's closed channels; descriptors %u and %u\n",
      result->threads[0], result->threads[1], result->orphans, result->fds[0], result->fds[1]);
}

int
main (int argc, char **argv)
{
  int count = 1000;
  gint64 seed = 1;
  gboolean verbose = FALSE;
  g_autofree char *only = NULL;
  const GOptionEntry entries[] = {
      {"count", 0, 0, G_OPTION_ARG_INT, &count, "Of trials (1000)", "N"},
      {"seed", 0, 0, G_OPTION_ARG_INT64, &seed, "Of their order and moments (1)", "N"},
      {"only", 0, 0, G_OPTION_ARG_STRING, &only, "This state each time, such as connecting", "STATE"},
      {"verbose", 0, 0, G_OPTION_ARG_NONE, &verbose, "Say what each trial is", NULL},
      {NULL},
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  DcStatesResult result;
  gboolean ok;

  setlocale (LC_CTYPE, "");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error)) {
    g_printerr ("states: %s\n", error->message);
    return 2;
  }
  gst_init (&argc, &argv);
  ok = dc_states_run (&(DcStatesPlan){.count = (guint) count, .seed = (guint32) seed, .verbose = verbose, .only = only},
      &result, &error);
  print_result (&result);
  dc_states_result_clear (&result);
  if (!ok)
    g_print ("states: FAULT: %s\n", error->message);
  gst_deinit ();
  return ok ? 0 : 1;
}
