/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-watch.h: what the packets of an SCTP association tell who reads along: that the far side lives, what has
 * arrived there, and what has come from there. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Atomically referenced; every function may be called from any thread, none blocks or calls out. */
typedef struct _DcSctpWatch DcSctpWatch;

DcSctpWatch *dc_sctp_watch_new (void);
DcSctpWatch *dc_sctp_watch_ref (DcSctpWatch *self);
void dc_sctp_watch_unref (DcSctpWatch *self);

/* A packet that leaves. TRUE if it is the answer that is owed: then dc_sctp_watch_answered() is to be called when it has left. */
gboolean dc_sctp_watch_sent (DcSctpWatch *self, gconstpointer packet, gsize size);

/* What a packet that came is, beside others. */
typedef enum {
  DC_SCTP_PACKET_DELIVERED = 1 << 0, /* dc_sctp_watch_has_delivered() has said no, and may say yes now */
  DC_SCTP_PACKET_RESETS = 1 << 1,    /* the far side ends streams (RFC 6525) */
  DC_SCTP_PACKET_EARLY = 1 << 2, /* it ends streams on which data is still missing: nothing of it was counted, it is to
                                      * come again later */
} DcSctpPacket;

/* A packet that came, and that SCTP has not seen yet. */
DcSctpPacket dc_sctp_watch_received (DcSctpWatch *self, gconstpointer packet, gsize size);
/* TRUE: it would be early still. */
gboolean dc_sctp_watch_is_early (DcSctpWatch *self, gconstpointer packet, gsize size);
/* DCEP is about to tell the far side what @stream is for. */
void dc_sctp_watch_opens (DcSctpWatch *self, guint16 stream);
/* TRUE if so, and nothing has come on it since: the far side may not have heard yet. */
gboolean dc_sctp_watch_is_opening (DcSctpWatch *self, guint16 stream);
/* A packet for the far side's SCTP that it must answer at once (HEARTBEAT, RFC 9260, section 8.3): so who cannot be heard of is gone. Our own
 * SCTP takes no notice of the answer. (nullable) (transfer full): NULL: there is no association yet. */
GBytes *dc_sctp_watch_make_heartbeat (DcSctpWatch *self);
/* TRUE once the far side has ended the association by an ABORT, as a browser's page that is closed does. */
gboolean dc_sctp_watch_is_aborted (DcSctpWatch *self);
/* TRUE if the far side has ended streams, and our SCTP has not answered that yet. */
gboolean dc_sctp_watch_owes_answer (DcSctpWatch *self);
/* The answer has left. TRUE if dc_sctp_watch_owes_answer() has said yes before, and says no now. */
gboolean dc_sctp_watch_answered (DcSctpWatch *self);
/* How many have come; wraps. */
guint dc_sctp_watch_get_received (DcSctpWatch *self);
/* A channel begins to use @stream, where others may have been before: what has left so far was theirs. */
void dc_sctp_watch_begin (DcSctpWatch *self, guint16 stream);
/* TRUE if @n messages have left on this stream since then, whole or until they were given up (those of DCEP do not count), and the
 * far SCTP has acknowledged all that have, or been told to do without (RFC 3758). */
gboolean dc_sctp_watch_has_delivered (DcSctpWatch *self, guint16 stream, guint64 n);

/* The application was given a message of @stream, or nothing that waits on @stream will be given any more (it was reset). TRUE if
 * dc_sctp_watch_is_drained() has said no before, and says yes now. */
gboolean dc_sctp_watch_given (DcSctpWatch *self, guint16 stream);
gboolean dc_sctp_watch_forget (DcSctpWatch *self, guint16 stream);
/* TRUE if the application was given all messages that have come: those that are whole, and before which nothing is missing. */
gboolean dc_sctp_watch_is_drained (DcSctpWatch *self);
/* How many of these it was not given yet. */
guint dc_sctp_watch_get_waiting (DcSctpWatch *self);

G_END_DECLS
