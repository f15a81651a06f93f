/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-rate.h: how fast a count has grown over the last second or so. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define DC_RATE_SLOTS 8

typedef struct {
  guint64 counts[DC_RATE_SLOTS]; /* at the end of each slot, by number modulo */
  gint64 slot;                   /* the number of the one under way: time / length of a slot */
  gint64 first;                  /* the number of the oldest that counts */
  gint64 now;                    /* as last told */
  guint64 count;
} DcRate;

void dc_rate_init (DcRate *self, gint64 now);
/* Call often: what came since the last call is taken to have come now. */
void dc_rate_update (DcRate *self, guint64 count, gint64 now);
/* A second. */
guint64 dc_rate_get (const DcRate *self);

G_END_DECLS
