/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-packet.h: packets on their way through the transport, without copies.
 *
 * One packet of SCTP on its way down, one datagram on its way up. The memory is the maker's, for the time of the call. Who makes a packet
 * that goes down leaves DC_PACKET_HEAD bytes before @data and DC_PACKET_TAIL behind @data + @size: DTLS seals in place, and widens the packet.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define DC_PACKET_HEAD 24  /* a record's header 13, explicit nonce 8; aligned */
#define DC_PACKET_TAIL 16  /* GCM's tag */
#define DC_PACKETS_MAX 64u /* in one call */

typedef struct {
  guint8 *data;
  gsize size; /* 0: dropped on the way */
} DcPacket;

/* Takes up to DC_PACKETS_MAX of them. */
typedef void (*DcPacketFunc) (DcPacket *packets, guint n, gpointer user_data);

G_END_DECLS
