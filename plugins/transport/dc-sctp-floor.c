/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-floor.c: a congestion window that losses have made smaller than it need be, made larger again for who sends little.
 *
 * RFC 9260, 7.2.3: after a loss that acknowledgements show, the window is half of what it was, but four packets at least. usrsctp 0.9.5 goes down to
 * two. Who sends small messages now and then never fills his window, so it does not grow again; but when some come together, as answers
 * to all that waited behind a lost packet do, the last of them wait for acknowledgements: another round trip.
 *
 * usrsctp lets nobody set the window, but begins anew with it when it is given its congestion control again: at as many packets as may leave in one
 * burst. The slow start threshold is then as at the beginning, which is why this is not for those who send much: who has more
 * to send than these four packets gets none of it. Nor is it after a time-out, whose window of one packet is RFC 9260's.
 */
#include "plugins/transport/dc-sctp-association-private.h"

/* As in FreeBSD's <netinet/sctp.h>, whose code this is; usrsctp.h lacks them. */
#define PLUGGABLE_CC 0x00001202
#define CC_RFC2581 0x00000000

#define FLOOR 4u  /* packets */
#define HALVED 2u /* what usrsctp goes down to */
#define COMMON_HEADER 12

static void
set_value_locked (DcSctpAssociation *self, int name, guint32 value)
{
  struct sctp_assoc_value option = {.assoc_id = SCTP_CURRENT_ASSOC, .assoc_value = value};

  usrsctp_setsockopt (self->socket, IPPROTO_SCTP, name, &option, sizeof option);
}

void
dc_sctp_floor_locked (DcSctpAssociation *self)
{
  const guint32 packet = self->settings.mtu - COMMON_HEADER;
  struct sctp_status status = {0};
  socklen_t size = sizeof status;
  guint32 window;

  if (self->nagle || !self->has_tag || dc_sctp_buffered_locked (self) > FLOOR * packet
      || usrsctp_getsockopt (self->socket, IPPROTO_SCTP, SCTP_STATUS, &status, &size) != 0)
    return;
  window = status.sstat_primary.spinfo_cwnd;
  if (window < HALVED * (packet - COMMON_HEADER) || window >= FLOOR * (packet - COMMON_HEADER)
      || status.sstat_rwnd == 0)
    return;
  set_value_locked (self, SCTP_MAX_BURST, FLOOR);
  set_value_locked (self, PLUGGABLE_CC, CC_RFC2581);
  set_value_locked (self, SCTP_MAX_BURST, DC_SCTP_BURST);
  dc_sctp_give_padding_locked (self);
}
