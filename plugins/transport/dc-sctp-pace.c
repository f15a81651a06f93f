/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-pace.c: how fast what SCTP puts out may leave, on a path that is long.
 *
 * Theory of operation
 * -------------------
 * SCTP sends when acknowledgements come. While its window grows by doubling, all that is under way is one bunch, since the first packets were,
 * and the next bunch is twice as long, at whatever rate our processor sends. A socket of Linux's default holds 160 KiB; so it overflows before the
 * window has reached what the path carries, some hundred packets are lost at once, and the window, which is halved several times for that, takes
 * minutes to get there.
 *
 * So what is put out leaves at no more than two windows in a round trip. That is more than SCTP's mean rate, even while it doubles; so it
 * makes bunches wider, and nothing slower. Who has sent less for a moment may send as much more at once as BURST_MS bring, or BURST_LEAST. What waits is at
 * most a window, in the order of SCTP's packets; but those without data do not wait.
 *
 * After losses usrsctp sends again four packets for each acknowledgement, whatever its window is: that fills the queue again which has just overflowed,
 * and what is sent again is lost again, until a time-out. So as long as it does that, and a little longer, one window in a round trip is all.
 *
 * On short paths nothing is paced: bunches are small, and timers too coarse.
 */
#include "plugins/transport/dc-sctp-association-private.h"

#define LEAST_RTT 5u /* milliseconds */
#define GAIN 2u
#define BURST_MS 2
#define BURST_LEAST 12000
/* Packets that come, between two looks: while it is paced, and while it is not. */
#define LOOK_AFTER 16u
#define LOOK_AFTER_UNPACED 256u

/* Since less than one and a half round trips of @rtt milliseconds. */
static gboolean
is_recovering_locked (DcSctpAssociation *self, guint32 rtt)
{
  gint64 now = g_get_monotonic_time ();

  if (self->stats.packets_retransmitted != self->retransmitted)
    self->recovering_until = now + (gint64) rtt * 1500;
  self->retransmitted = self->stats.packets_retransmitted;
  return now < self->recovering_until;
}

static guint
find_pace_locked (DcSctpAssociation *self)
{
  struct sctp_status status = {0};
  socklen_t size = sizeof status;
  guint32 rtt;

  if (self->state != DC_SCTP_UP || self->socket == NULL
      || usrsctp_getsockopt (self->socket, IPPROTO_SCTP, SCTP_STATUS, &status, &size) != 0)
    return 0;
  rtt = status.sstat_primary.spinfo_srtt;
  if (rtt < LEAST_RTT)
    return 0;
  return status.sstat_primary.spinfo_cwnd / rtt * (is_recovering_locked (self, rtt) ? 1 : GAIN) + 1;
}

void
dc_sctp_pace_note_locked (DcSctpAssociation *self, guint packets)
{
  guint pace;

  self->packets_unpaced += packets;
  if (self->has_pace && self->packets_unpaced < (self->pace > 0 ? LOOK_AFTER : LOOK_AFTER_UNPACED))
    return;
  self->packets_unpaced = 0;
  self->has_pace = self->state == DC_SCTP_UP;
  pace = find_pace_locked (self);
  g_mutex_lock (&self->output_lock);
  self->pace = pace;
  g_mutex_unlock (&self->output_lock);
}

gsize
dc_sctp_pace_get_credit (DcSctpAssociation *self)
{
  gint64 now, most;

  if (self->pace == 0)
    return G_MAXSIZE;
  now = g_get_monotonic_time ();
  most = MAX ((gint64) self->pace * BURST_MS, BURST_LEAST);
  self->credit = MIN (self->credit + MIN (now - self->paced_at, G_USEC_PER_SEC) * self->pace / 1000, most);
  self->paced_at = now;
  return (gsize) MAX (self->credit, 0);
}

void
dc_sctp_pace_take (DcSctpAssociation *self, gsize bytes)
{
  if (self->pace > 0)
    self->credit -= (gint64) bytes;
}
