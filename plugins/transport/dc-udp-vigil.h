/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-udp-vigil.h: whether a thread that waits for packets had better stay awake. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How long it stays awake for a packet, at most. */
#define DC_UDP_VIGIL_US 100

typedef struct {
  guint turns;  /* in a row */
  guint needed; /* before it stays awake */
} DcUdpVigil;

void dc_udp_vigil_init (DcUdpVigil *self);
gboolean dc_udp_vigil_is_worthwhile (const DcUdpVigil *self);
/* @received bytes came after @wait_us; @sent: how many packets went out since the time before. */
void dc_udp_vigil_came (DcUdpVigil *self, gint64 wait_us, gsize received, guint sent);
/* It stayed awake, and nothing came, or something else needed the processor. */
void dc_udp_vigil_failed (DcUdpVigil *self);

G_END_DECLS
