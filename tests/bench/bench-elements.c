/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bench-elements.c: one end of a measurement; elements.py starts two of them and reads what they print. */
#include "tests/bench/bench-elements.h"
#include "tests/bench/dc-bench-record.h"

#include <string.h>

static const char description[] =
    "Prints \"ready PORT\" when it plays, \"complete\" when it has sent or received everything, and after the end of "
    "standard\n"
    "input what it has measured, as a line of JSON.\n\n"
    "  bench-elements send --length 65536 --records 1000 'tcpserversink name=element port=0 sync=false'\n"
    "  bench-elements receive --length 65536 --records 1000 'tcpclientsrc name=element port=PORT'";

static gboolean
parse_options (BenchOptions *o, int *argc, char ***argv, GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("send|receive ELEMENT");
  const GOptionEntry entries[] = {
      {"length", 0, 0, G_OPTION_ARG_INT, &o->length, "of a record (1024)", "BYTES"},
      {"records", 0, 0, G_OPTION_ARG_INT64, &o->n_records, "how many (1000)", "N"},
      {"interval", 0, 0, G_OPTION_ARG_INT, &o->interval, "between two; 0 (the default): none", "MICROSECONDS"},
      {"skip", 0, 0, G_OPTION_ARG_INT, &o->n_skipped, "records whose latency is not reported (0)", "N"},
      {"receivers", 0, 0, G_OPTION_ARG_INT, &o->n_receivers, "send: wait for as many (1)", "N"},
      {NULL},
  };

  g_option_context_set_description (context, description);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (*argc == 3 && o->length > DC_BENCH_RECORD_HEADER_LENGTH && o->length <= DC_BENCH_RECORD_MAX_LENGTH
      && o->n_records > 0 && o->n_records <= G_MAXINT && o->interval >= 0 && o->n_skipped >= 0 && o->n_receivers > 0) {
    o->element = (*argv)[2];
    return TRUE;
  }
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
      "send or receive, an element and numbers that make sense are needed; see bench-elements --help");
  return FALSE;
}

int
main (int argc, char **argv)
{
  BenchOptions options = {.length = 1024, .n_records = 1000, .n_receivers = 1};
  g_autoptr (GError) error = NULL;
  int status = -1;

  if (parse_options (&options, &argc, &argv, &error)) {
    if (strcmp (argv[1], "send") == 0)
      status = bench_send (&options, &error);
    else if (strcmp (argv[1], "receive") == 0)
      status = bench_receive (&options, &error);
    else
      g_set_error (&error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "\"%s\" is neither send nor receive", argv[1]);
  }
  if (status >= 0)
    return status;
  g_printerr ("bench-elements: %s\n", error->message);
  return 2;
}
