/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-calls.h: functions that somebody has set, which are called with no lock held, and not any more once they were changed. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Begins as zeros. All with @lock held, which the functions themselves are called without. */
typedef struct {
  guint under_way[2]; /* of those that are set, and of those that were before */
  guint epoch;        /* which of the two */
  guint waiting; /* for somebody to leave: others sleep on the same condition, and are not to be woken for each call */
} GstDcCalls;

/* What is set now is going to be called. Returns: what to leave with. */
static inline guint
gst_dc_calls_enter (GstDcCalls *self)
{
  self->under_way[self->epoch]++;
  return self->epoch;
}

static inline void
gst_dc_calls_leave (GstDcCalls *self, guint epoch, GCond *changed)
{
  if (--self->under_way[epoch] == 0 && self->waiting > 0)
    g_cond_broadcast (changed);
}

/* Something else was set: waits until nobody is in what was. */
static inline void
gst_dc_calls_change (GstDcCalls *self, GCond *changed, GMutex *lock)
{
  guint before;

  self->waiting++;
  while (self->under_way[!self->epoch] > 0)
    g_cond_wait (changed, lock);
  before = self->epoch;
  self->epoch = !before;
  while (self->under_way[before] > 0)
    g_cond_wait (changed, lock);
  self->waiting--;
}

G_END_DECLS
