/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-soak-sample.c: what this process holds, as a line for the suites that look whether it grows. */
#include "tests/soak/dc-soak-sample.h"

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/harness/dc-test.h"

static gsize
get_rss (void)
{
  g_autofree char *text = NULL;
  gsize pages = 0;

  if (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL))
    sscanf (text, "%*u %zu", &pages);
  return pages * (gsize) sysconf (_SC_PAGESIZE);
}

void
dc_soak_sample (const char *name)
{
  struct mallinfo2 heap;

  malloc_trim (0);
  heap = mallinfo2 ();
  g_print ("sample %s fds=%u threads=%u rss=%zu heap=%zu\n", name, dc_test_count_fds (), dc_test_count_threads (),
      get_rss (), heap.uordblks + heap.hblkhd);
}
