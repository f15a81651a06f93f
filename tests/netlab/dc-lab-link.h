/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-lab-link.h: the wire between two sides: packets from one TUN device through the emulator into the other. */
#pragma once

#include "tests/netem/dc-netem-schedule.h"
#include "tests/netlab/dc-lab-side.h"

G_BEGIN_DECLS

typedef struct {
  DcLabSide *sides;  /* two: a, b */
  DcNetem *netem[2]; /* from a to b, from b to a */
  GPtrArray *events; /* DcNetemEvent */
  guint next_event;
  gint64 start;       /* of the schedule; G_MAXINT64: it has not begun */
  guint64 refused[2]; /* packets that the kernel did not take, of each direction */
} DcLabLink;

/* @settings: two, as the directions; @events: (nullable) (transfer none). Fails if an event does not fit those before. */
gboolean dc_lab_link_init (DcLabLink *link, DcLabSide *sides, guint64 seed, const DcNetemSettings *settings,
    GPtrArray *events, GError **error);
void dc_lab_link_clear (DcLabLink *link);
void dc_lab_link_start_schedule (DcLabLink *link, gint64 now);
/* Takes what the devices have, delivers what has arrived, does what the schedule says. Returns in bounded time. */
void dc_lab_link_run (DcLabLink *link, gint64 now);
/* When dc_lab_link_run() is due again, if no device becomes readable before. */
gint64 dc_lab_link_get_deadline (DcLabLink *link);
/* To standard output, two lines. */
void dc_lab_link_print_stats (DcLabLink *link);

/* The clock of all this, in nanoseconds. */
gint64 dc_lab_now (void);

G_END_DECLS
