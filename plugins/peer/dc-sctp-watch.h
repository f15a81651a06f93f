/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-watch.h: what the packets of an SCTP association tell who reads along: that the far side lives, and what has arrived there. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Atomically referenced; every function may be called from any thread, none blocks or calls out. */
typedef struct _DcSctpWatch DcSctpWatch;

DcSctpWatch *dc_sctp_watch_new (void);
DcSctpWatch *dc_sctp_watch_ref (DcSctpWatch *self);
void dc_sctp_watch_unref (DcSctpWatch *self);

/* A packet that leaves. */
void dc_sctp_watch_sent (DcSctpWatch *self, gconstpointer packet, gsize size);
/* A packet that came. TRUE if something has newly arrived at the far side and dc_sctp_watch_has_delivered() has said no: ask it again. */
gboolean dc_sctp_watch_received (DcSctpWatch *self, gconstpointer packet, gsize size);

/* How many have come; wraps. */
guint dc_sctp_watch_get_received (DcSctpWatch *self);
/* TRUE if @n messages have left on this stream of the association, whole or until they were given up (those of DCEP do not count), and the
 * far SCTP has acknowledged all that have, or been told to do without (RFC 3758). */
gboolean dc_sctp_watch_has_delivered (DcSctpWatch *self, guint16 stream, guint64 n);

G_END_DECLS
