/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-rate.c: how fast a count has grown over the last second or so: the count at the end of each eighth of a second. */
#include "plugins/link/dc-rate.h"

#define SLOT (G_TIME_SPAN_SECOND / DC_RATE_SLOTS)

void
dc_rate_init (DcRate *self, gint64 now)
{
  self->now = now;
  self->slot = self->first = now / SLOT;
}

void
dc_rate_update (DcRate *self, guint64 count, gint64 now)
{
  gint64 slot = now / SLOT;

  if (slot - self->slot > DC_RATE_SLOTS)
    self->slot = slot - DC_RATE_SLOTS;
  for (; self->slot < slot; self->slot++)
    self->counts[self->slot % DC_RATE_SLOTS] = self->count;
  self->first = MAX (self->first, slot - DC_RATE_SLOTS + 1);
  self->count = count;
  self->now = MAX (self->now, now);
}

guint64
dc_rate_get (const DcRate *self)
{
  gint64 duration = self->now - self->first * SLOT;
  /* The slot before the oldest ended where that began. */
  guint64 before = self->first > 0 ? self->counts[(self->first - 1) % DC_RATE_SLOTS] : 0;

  /* So soon after the start, a rate would say little. */
  if (duration < SLOT)
    return 0;
  return (gdouble) (self->count - before) * G_TIME_SPAN_SECOND / duration;
}
