/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bench-sctp.c: how fast messages go between two associations of SCTP, with nothing but memory between them; by size: bench-sctp [BYTES...] */
#include "tests/sctp-pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define SECONDS 2
#define LARGEST 262144u

static gdouble
cpu_seconds (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (gdouble) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
         + (gdouble) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void
measure (gsize size)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, 1);
  g_autofree guint8 *message = g_malloc0 (size);
  gint64 beginning, now;
  gdouble cpu, megabytes, seconds;

  pair->ends[1].keep = FALSE;
  sctp_pair_connect (pair);
  cpu = cpu_seconds ();
  beginning = now = g_get_monotonic_time ();
  for (; now < beginning + SECONDS * G_USEC_PER_SEC; now = g_get_monotonic_time ())
    sctp_end_send (&pair->ends[0], 1, message, size);
  seconds = (gdouble) (now - beginning) / G_USEC_PER_SEC;
  megabytes = (gdouble) sctp_end_get_figures (&pair->ends[1]).bytes / 1e6;
  printf ("%7" G_GSIZE_FORMAT " B: %6.1f MB/s, %8.0f messages/s, %6.2f s of CPU a GB\n", size, megabytes / seconds,
      megabytes * 1e6 / (gdouble) size / seconds, (cpu_seconds () - cpu) / megabytes * 1e3);
  sctp_pair_free (pair);
}

int
main (int argc, char **argv)
{
  static const gsize sizes[] = {64, 1024, 16384, 65536, 262144};

  for (int i = 1; i < argc; i++)
    measure (CLAMP ((gsize) strtoul (argv[i], NULL, 10), 1, LARGEST));
  for (guint i = 0; argc < 2 && i < G_N_ELEMENTS (sizes); i++)
    measure (sizes[i]);
  return 0;
}
