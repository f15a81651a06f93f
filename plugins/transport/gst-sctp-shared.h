/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-sctp-shared.h: the association that a sctpenc and a sctpdec have in common. */
#pragma once

#include <gst/gst.h>

#include "plugins/transport/dc-sctp-lanes.h"

G_BEGIN_DECLS

/* Atomically referenced; every function may be called from any thread. */
typedef struct _GstDcSctpShared GstDcSctpShared;

typedef enum { GST_DC_SCTP_ROLE_ENC, GST_DC_SCTP_ROLE_DEC } GstDcSctpRole;
#define GST_DC_SCTP_ROLES 2u

/* @element takes part in the association @id: with the element of the other role that has said the same and has no partner yet, and
 * rather with one of the same bin, if there are several. @callbacks: of the association, those that @element wants to hear of; they come with
 * @element, which is kept until it leaves. (transfer full) */
GstDcSctpShared *gst_dc_sctp_shared_join (
    GstElement *element, GstDcSctpRole role, guint id, guint port, const DcSctpCallbacks *callbacks);
/* The longest message that is taken, rather than what dc_sctp_settings_init() says; before the association has begun. */
void gst_dc_sctp_shared_set_max_message_size (GstDcSctpShared *self, guint bytes);
/* @role is ready for callbacks. The association begins once both are, and both ports are known. */
void gst_dc_sctp_shared_begin (GstDcSctpShared *self, GstDcSctpRole role);
/* The association ends, by an ABORT if nothing else has ended it. If sctpdec leaves first, sctpenc is told DC_SCTP_SHUT, and nothing after that; sctpdec is told nothing
 * any more, whoever leaves: no stream has come to its end by that. @self goes on to be the caller's. */
void gst_dc_sctp_shared_leave (GstDcSctpShared *self, GstDcSctpRole role);
/* Once the association has begun, this does not count any more. */
void gst_dc_sctp_shared_set_port (GstDcSctpShared *self, GstDcSctpRole role, guint port);
/* (nullable) (transfer none): once it has begun; lives as long as @self. */
DcSctpLanes *gst_dc_sctp_shared_get_lanes (GstDcSctpShared *self);
/* The main one of the lanes. */
DcSctpAssociation *gst_dc_sctp_shared_get_association (GstDcSctpShared *self);

GstDcSctpShared *gst_dc_sctp_shared_ref (GstDcSctpShared *self);
/* What is there just now, under @lock. (nullable) (transfer full) */
GstDcSctpShared *gst_dc_sctp_shared_dup (GstDcSctpShared *const *of, GMutex *lock);
void gst_dc_sctp_shared_unref (GstDcSctpShared *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstDcSctpShared, gst_dc_sctp_shared_unref)

/* webrtcbin has the PPIDs of empty text and empty binary messages the wrong way round (RFC 8831, section 8): turns them for an @element in one. */
guint32 gst_dc_sctp_turn_ppid (gboolean in_webrtcbin, guint32 ppid);
gboolean gst_dc_sctp_is_in_webrtcbin (GstElement *element);

G_END_DECLS
