/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-bench-say.c: what the programs of the benchmarks need to tell what they measured. */
#include "tests/bench/dc-bench-say.h"

#include <string.h>

char *
dc_bench_quote (const char *text)
{
  GString *quoted = g_string_new ("\"");

  for (; *text; text++)
    if (*text == '"' || *text == '\\')
      g_string_append_printf (quoted, "\\%c", *text);
    else if (g_ascii_iscntrl (*text))
      g_string_append_printf (quoted, "\\u%04x", *text);
    else
      g_string_append_c (quoted, *text);
  g_string_append_c (quoted, '"');
  return g_string_free (quoted, FALSE);
}

gint64
dc_bench_get_memory (const char *name)
{
  g_autofree char *status = NULL, *key = g_strdup_printf ("\n%s:", name);

  if (!g_file_get_contents ("/proc/self/status", &status, NULL, NULL))
    return 0;
  const char *line = strstr (status, key);
  return line ? g_ascii_strtoll (line + strlen (key), NULL, 10) : 0;
}
