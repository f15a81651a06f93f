/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* round-trips.h: statistics of round-trip times in bounded memory. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Minimum and maximum are exact; the median is that of a random sample once there are more than DC_ROUND_TRIPS_KEPT. */
#define DC_ROUND_TRIPS_KEPT 4096
typedef struct {
  guint64 count;
  gdouble min, max;
  gdouble kept[DC_ROUND_TRIPS_KEPT];
} DcRoundTrips;

void dc_round_trips_add (DcRoundTrips *trips, gdouble seconds);
/* Sorts what is kept. 0 without any. */
gdouble dc_round_trips_median (DcRoundTrips *trips);

G_END_DECLS
