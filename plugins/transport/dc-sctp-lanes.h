/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-lanes.h: the association of a connection, and others beside it on which messages of some of its streams go, too.
 *
 * All functions on any thread, also inside the callbacks, unless said. */
#pragma once

#include "plugins/transport/dc-sctp-association.h"

G_BEGIN_DECLS

typedef struct _DcSctpLanes DcSctpLanes;

#define DC_SCTP_LANES_MAX 8u

/* As dc_sctp_association_new(), for the main one. Callbacks are the same, one message at a time and in order; but output() comes from several threads at once, and
 * writable() more often. */
DcSctpLanes *dc_sctp_lanes_new (
    const DcSctpSettings *settings, const DcSctpCallbacks *callbacks, gpointer user_data, GError **error);
/* No callback comes after it has returned. */
void dc_sctp_lanes_free (DcSctpLanes *self);
/* (transfer none): to be connected, asked and ended. */
DcSctpAssociation *dc_sctp_lanes_get_main (DcSctpLanes *self);
guint16 dc_sctp_lanes_get_remote_port (DcSctpLanes *self);
/* Whether @packet, which has come, is of another lane than the main one. */
gboolean dc_sctp_lanes_is_aside (DcSctpLanes *self, const DcPacket *packet);
void dc_sctp_lanes_abort (DcSctpLanes *self);
/* As dc_sctp_association_got_too_long(). */
gboolean dc_sctp_lanes_got_too_long (DcSctpLanes *self);

/* The far side may open so many lanes, the main one included. */
void dc_sctp_lanes_allow (DcSctpLanes *self, guint n);
/* The far side allows so many: messages on @stream, if they are ordered and reliable, go on as many as is worth it (@fixed: on all). Once for
 * each stream. */
void dc_sctp_lanes_stripe (DcSctpLanes *self, guint16 stream, guint n, gboolean fixed);
/* That are in use for messages to the far side. */
guint dc_sctp_lanes_get_n (DcSctpLanes *self);

/* In the places of dc_sctp_association_input(), _send() and _resume(). */
void dc_sctp_lanes_input (DcSctpLanes *self, const DcPacket *packets, guint n);
DcSctpSent dc_sctp_lanes_send (DcSctpLanes *self, const DcSctpSendInfo *info, gconstpointer data, gsize size);
void dc_sctp_lanes_resume (DcSctpLanes *self);
/* In the place of dc_sctp_association_reset_stream(): the far side is told behind all that was sent, on whatever lane; was_reset() may come before all of
 * that was acknowledged. @stream is striped no more. */
void dc_sctp_lanes_reset_stream (DcSctpLanes *self, guint16 stream);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcSctpLanes, dc_sctp_lanes_free)

G_END_DECLS
