/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-heartbeat.c: PING and PONG, and the round trip that they measure. */

/*
 * PINGs are numbered from 1, over all channels of a link, so that the answer to one says how old it is. The times of the
 * latest few are kept. A far side that floods us with PINGs gets the latest few answered.
 */
#include "plugins/link/dc-heartbeat.h"

void
dc_heartbeat_init (DcHeartbeat *self)
{
  self->rtt = self->rtt_smoothed = -1;
}

void
dc_heartbeat_restart (DcHeartbeat *self)
{
  self->n_old = self->n_pings;
  self->n_ponged = self->n_pongs;
}

guint64
dc_heartbeat_ping (DcHeartbeat *self, gint64 now)
{
  self->n_pings++;
  self->pings[self->n_pings % DC_HEARTBEAT_PINGS] = now;
  self->last_ping = now;
  return self->n_pings;
}

void
dc_heartbeat_take_ping (DcHeartbeat *self, guint64 ping)
{
  self->pongs[self->n_pongs++ % DC_HEARTBEAT_PONGS] = ping;
  if (self->n_pongs - self->n_ponged > DC_HEARTBEAT_PONGS)
    self->n_ponged = self->n_pongs - DC_HEARTBEAT_PONGS;
}

gboolean
dc_heartbeat_has_pong (const DcHeartbeat *self)
{
  return self->n_ponged < self->n_pongs;
}

guint64
dc_heartbeat_next_pong (DcHeartbeat *self)
{
  return self->pongs[self->n_ponged++ % DC_HEARTBEAT_PONGS];
}

gboolean
dc_heartbeat_take_pong (DcHeartbeat *self, guint64 ping, gint64 now, gint64 *sent, GError **error)
{
  gint64 *slot = &self->pings[ping % DC_HEARTBEAT_PINGS];

  *sent = -1;
  if (ping <= self->n_old || ping > self->n_pings)
    return dc_frame_refuse (error, "PONG frame for a PING that was not sent");
  if (self->n_pings - ping >= DC_HEARTBEAT_PINGS || *slot < 0)
    return TRUE;

  *sent = *slot;
  *slot = -1;
  self->rtt = MAX (now - *sent, 0);
  self->rtt_smoothed = self->rtt_smoothed < 0 ? self->rtt : (7 * self->rtt_smoothed + self->rtt) / 8;
  return TRUE;
}
