/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-arrivals.h: which messages have come whole on an SCTP association, and which of them nobody was given yet. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Not locked. */
typedef struct _DcSctpArrivals DcSctpArrivals;

DcSctpArrivals *dc_sctp_arrivals_new (void);
void dc_sctp_arrivals_free (DcSctpArrivals *self);

/* The far side will begin with @tsn. Nothing that comes before this is known counts. */
void dc_sctp_arrivals_begin (DcSctpArrivals *self, guint32 tsn);
/* A chunk of data. @flags: DC_SCTP_BEGINNING, DC_SCTP_END. @counts: its message is one that the application is given. */
void dc_sctp_arrivals_take (DcSctpArrivals *self, guint32 tsn, guint16 stream, guint flags, gboolean counts);
/* Nothing up to @tsn is missing any more: the far side has given it up (RFC 3758), or our SCTP says that it has it. */
void dc_sctp_arrivals_skip (DcSctpArrivals *self, guint32 tsn);
/* TRUE if nothing up to @tsn is missing. */
gboolean dc_sctp_arrivals_have_all (const DcSctpArrivals *self, guint32 tsn);

/* The application was given a message of @stream. */
void dc_sctp_arrivals_given (DcSctpArrivals *self, guint16 stream);
/* What it was not given of @stream it will never be. */
void dc_sctp_arrivals_forget (DcSctpArrivals *self, guint16 stream);
/* How many messages have come, with all that was sent before them, and wait to be given. */
guint dc_sctp_arrivals_get_waiting (const DcSctpArrivals *self);

G_END_DECLS
