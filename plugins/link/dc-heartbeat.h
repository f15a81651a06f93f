/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-heartbeat.h: PING and PONG, and the round trip that they measure; private to the link. */
#pragma once

#include "plugins/link/dc-frame.h"

G_BEGIN_DECLS

/* PINGs of ours that can still be answered, PONGs of ours that can wait to be sent. */
#define DC_HEARTBEAT_PINGS 16
#define DC_HEARTBEAT_PONGS 4

typedef struct {
  gint64 last_ping;
  guint64 n_pings;                   /* sent; the number in the latest */
  guint64 n_old;                     /* of them on channels that are gone */
  gint64 pings[DC_HEARTBEAT_PINGS];  /* when each was sent, by number modulo; -1: answered */
  guint64 pongs[DC_HEARTBEAT_PONGS]; /* to be sent: a ring */
  guint64 n_pongs, n_ponged;         /* ever asked for and ever answered or given up */
  gint64 rtt, rtt_smoothed;          /* -1 before the first PONG */
} DcHeartbeat;

void dc_heartbeat_init (DcHeartbeat *self);
/* Another channel: nothing of the old one is answered, here or there. */
void dc_heartbeat_restart (DcHeartbeat *self);

/* The number for a PING that is sent now. */
guint64 dc_heartbeat_ping (DcHeartbeat *self, gint64 now);
void dc_heartbeat_take_ping (DcHeartbeat *self, guint64 ping);
gboolean dc_heartbeat_has_pong (const DcHeartbeat *self);
guint64 dc_heartbeat_next_pong (DcHeartbeat *self);
/* *@sent: when its PING was sent, or -1 if that is no longer known. */
gboolean dc_heartbeat_take_pong (DcHeartbeat *self, guint64 ping, gint64 now, gint64 *sent, GError **error);

G_END_DECLS
