/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sctp-packets.h: packets of SCTP, chunk by chunk, that pass a watch by; for the tests of the watch. */
#pragma once

#include "plugins/peer/dc-sctp-watch.h"

G_BEGIN_DECLS

enum { SCTP_MIDDLE = 0, SCTP_END = 1, SCTP_BEGINNING = 2, SCTP_WHOLE = 3 };
enum { SCTP_BINARY = 53, SCTP_DCEP = 50 };

/* A fixture. */
typedef struct {
  DcSctpWatch *watch;
  GByteArray *packet; /* that is being made */
} SctpPackets;

void sctp_set_up (SctpPackets *f, gconstpointer data);
void sctp_tear_down (SctpPackets *f, gconstpointer data);

/* A new packet, of a header alone. */
void sctp_begin (SctpPackets *f);
void sctp_add_16 (SctpPackets *f, guint value);
void sctp_add_32 (SctpPackets *f, guint32 value);
/* With a payload of @payload bytes, which is padded. */
void sctp_add_data (SctpPackets *f, guint flags, guint32 tsn, guint stream, guint32 ppid, gsize payload);
void sctp_add_sack (SctpPackets *f, guint32 tsn);
void sctp_add_forward_tsn (SctpPackets *f, guint chunk, guint32 tsn);
/* The packet leaves (TRUE: it answers the far side), or has come; the next is begun. */
gboolean sctp_leave (SctpPackets *f);
DcSctpPacket sctp_come (SctpPackets *f);

G_END_DECLS
