/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-stack.h: libusrsctp, which there is one of in a process; for DcSctpAssociation, and for tests that have time pass. */
#pragma once

#include "plugins/transport/dc-sctp-association.h"

G_BEGIN_DECLS

/* Packets that leave at once, for one acknowledgement. */
#define DC_SCTP_BURST 10u

void dc_sctp_stack_add (DcSctpAssociation *self);
/* Returns: whether the caller frees it. */
gboolean dc_sctp_stack_remove (DcSctpAssociation *self);
/* What the timer thread does each time. Tests call it to have time pass. */
void dc_sctp_stack_advance (guint milliseconds);
/* From now on nothing else has time pass; before the first association. */
void dc_sctp_stack_stop_clock (void);
/* Has the pusher call dc_sctp_push () in a moment; where the clock is stopped, the next advance (). No lock is held. */
void dc_sctp_stack_push_soon (DcSctpAssociation *self);
/* Has the pacer call dc_sctp_packets_pace () every now and then, as long as it wants. No lock is held. */
void dc_sctp_stack_pace (DcSctpAssociation *self);
/* Takes the lock, and the right to call usrsctp. */
void dc_sctp_enter (DcSctpAssociation *self);
/* Gives both back, puts out what was collected and tells what has to be told at once. */
void dc_sctp_leave (DcSctpAssociation *self);
/* The same; but puts nothing out unless there are so many @packets. */
void dc_sctp_leave_with (DcSctpAssociation *self, guint packets);
/* Does nothing of that. */
void dc_sctp_leave_silently (DcSctpAssociation *self);

G_END_DECLS
