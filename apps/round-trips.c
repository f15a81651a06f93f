/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* round-trips.c: statistics of round-trip times in bounded memory. */
#include "apps/round-trips.h"

#include <stdlib.h>

void
dc_round_trips_add (DcRoundTrips *trips, gdouble seconds)
{
  trips->min = trips->count == 0 ? seconds : MIN (trips->min, seconds);
  trips->max = trips->count == 0 ? seconds : MAX (trips->max, seconds);
  trips->count++;
  if (trips->count <= DC_ROUND_TRIPS_KEPT) {
    trips->kept[trips->count - 1] = seconds;
    return;
  }
  /* Reservoir sampling: each of all so far is kept with the same probability. */
  guint64 slot = (guint64) (g_random_double () * trips->count);
  if (slot < DC_ROUND_TRIPS_KEPT)
    trips->kept[slot] = seconds;
}

static int
compare_doubles (const void *a, const void *b)
{
  gdouble x = *(const gdouble *) a, y = *(const gdouble *) b;
  return (x > y) - (x < y);
}

gdouble
dc_round_trips_median (DcRoundTrips *trips)
{
  gsize n = MIN (trips->count, DC_ROUND_TRIPS_KEPT);
  if (n == 0)
    return 0;
  qsort (trips->kept, n, sizeof trips->kept[0], compare_doubles);
  return (trips->kept[(n - 1) / 2] + trips->kept[n / 2]) / 2;
}
