/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-udp-vigil.c: whether a thread that waits for packets had better stay awake.
 *
 * Theory of operation
 * -------------------
 * Where the network is short, two programs that ask and answer in turn spend most of a round trip falling asleep and being woken: some 25 µs a
 * side, more than all the rest together. Who looks again and again instead has the answer at once, and with less work for the processor.
 *
 * It pays only where the answer comes soon, so we look at what was: a turn is a packet that came within TURN_US, sleep included, after one or two that had gone
 * out. (More in either direction is a transfer, where whoever stays awake takes the processor from those that have something to do.) So many turns in a row
 * that nobody gets there by chance, and it stays awake for the next. The first time that it did so in vain, because the conversation is over, slower now,
 * or the processor has others to serve, it needs more turns, and so on, up to NEEDED_MAX: what is spent in vain stays below a hundredth of the time. A
 * conversation that goes on well is trusted again.
 *
 * No clock and no socket in here: whoever waits says how it went. */
#include "plugins/transport/dc-udp-vigil.h"

#define TURN_US 250
#define NEEDED_MIN 8
#define NEEDED_MAX 4096
/* That were waited for awake, behind those that were needed. */
#define TRUSTED 256
/* Bytes: a packet, or what little there is of several. */
#define RECEIVED_MAX 1500
/* An acknowledgement may go before the answer. */
#define SENT_MAX 2

void
dc_udp_vigil_init (DcUdpVigil *self)
{
  self->turns = 0;
  self->needed = NEEDED_MIN;
}

gboolean
dc_udp_vigil_is_worthwhile (const DcUdpVigil *self)
{
  return self->turns >= self->needed;
}

void
dc_udp_vigil_came (DcUdpVigil *self, gint64 wait_us, gsize received, guint sent)
{
  gboolean turn = received <= RECEIVED_MAX && sent >= 1 && sent <= SENT_MAX && wait_us <= TURN_US;

  if (!turn)
    self->turns = 0;
  else if (self->turns < self->needed + TRUSTED)
    self->turns++;
  else
    self->needed = NEEDED_MIN;
}

void
dc_udp_vigil_failed (DcUdpVigil *self)
{
  self->turns = 0;
  self->needed = MIN (self->needed * 4, NEEDED_MAX);
}
