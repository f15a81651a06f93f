/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-netem-schedule.h: what a link is and when it changes, as text. */
#pragma once

#include "tests/netem/dc-netem.h"

G_BEGIN_DECLS

/*
 * SETTINGS, words in any order, separated by spaces or commas; what is not named stays:
 *   delay TIME (one way)   rtt TIME (delay of half of it)   jitter TIME
 *   loss N%   burst PACKETS (mean; 0: none)   duplicate N%   reorder N%   by TIME
 *   rate N[k|m|g]bit|unlimited   queue TIME|SIZE   blackhole on|off
 * TIME: a number and us, ms, s or min. SIZE: a number and B, kB, MB, KiB or MiB.
 *
 * SCHEDULE: entries separated by semicolons:
 *   TIME: [ab|ba] SETTINGS
 *   TIME: [ab|ba] blackhole TIME   (off again after that)
 *   TIME: address a|b ADDRESS
 * ab is the direction from a to b; without it both change.
 */

typedef enum {
  DC_NETEM_AB = 1 << 0,
  DC_NETEM_BA = 1 << 1,
  DC_NETEM_BOTH = DC_NETEM_AB | DC_NETEM_BA
} DcNetemDirections;

typedef struct {
  gint64 at; /* after the start */
  DcNetemDirections directions;
  char *settings; /* (nullable): valid, but for a burst that the loss of that time may not allow */
  char side;      /* 'a' or 'b', where @settings is NULL */
  char *address;  /* IPv4 or IPv6, valid */
} DcNetemEvent;

/* Changes @settings by @text, or not at all. The errors are G_OPTION_ERROR_BAD_VALUE. */
gboolean dc_netem_settings_parse (DcNetemSettings *settings, const char *text, GError **error);
/* DcNetemEvent in order of time. (transfer full) */
GPtrArray *dc_netem_schedule_parse (const char *text, GError **error);

G_END_DECLS
