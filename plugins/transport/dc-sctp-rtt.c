/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-rtt.c: the round trip time of a path on which the first INIT was lost.
 *
 * usrsctp 0.9.5 takes for a first RTT what has passed since the first INIT, also if that was repeated (RFC 9260, 6.3.1, C5, forbids that): so 0.3 s or 0.9 s
 * longer, and its time-out is three times as much. Each later sample takes an eighth of the error away, but who sends little has few: what is lost at
 * such a time comes again seconds later. So when we have repeated it, we measure a number of times at once, by heartbeats, each of which knows its time.
 */
#include "plugins/transport/dc-sctp-association-private.h"

#include <string.h>

/* After which 0.014 of the error is left. */
#define SAMPLES 32u

void
dc_sctp_rtt_measure_locked (DcSctpAssociation *self)
{
  struct sctp_paddrparams params = {.spp_flags = SPP_HB_DEMAND};
  struct sockaddr_conn address = dc_sctp_address_of (self, self->settings.remote_port);

  memcpy (&params.spp_address, &address, sizeof address);
  for (guint i = 0; self->n_inits > 1 && i < SAMPLES; i++)
    usrsctp_setsockopt (self->socket, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &params, sizeof params);
}
