/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-pulse.h: a sign of life of a connection: counts the packets that come from the far side. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Shared between the thread that receives and those that look; atomically counted and referenced. */
typedef struct {
  gint packets;
} DcPulse;

static inline DcPulse *
dc_pulse_new (void)
{
  return g_atomic_rc_box_new0 (DcPulse);
}

static inline DcPulse *
dc_pulse_ref (DcPulse *self)
{
  return g_atomic_rc_box_acquire (self);
}

static inline void
dc_pulse_unref (gpointer self)
{
  g_atomic_rc_box_release (self);
}

G_END_DECLS
