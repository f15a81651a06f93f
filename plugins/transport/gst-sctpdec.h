/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-sctpdec.h: packets of SCTP become messages; in the place of GStreamer's sctpdec. */
#pragma once

#include <gst/gst.h>

#include "plugins/transport/dc-packet.h"

G_BEGIN_DECLS

#define GST_TYPE_DC_SCTP_DEC (gst_dc_sctp_dec_get_type ())
G_DECLARE_FINAL_TYPE (GstDcSctpDec, gst_dc_sctp_dec, GST_DC, SCTP_DEC, GstElement)

/* What is not for pads. Any thread. */

typedef enum {
  GST_DC_SCTP_HOOK_PASS,  /* it is for the pad of its stream */
  GST_DC_SCTP_HOOK_TAKEN, /* nobody else is to have it */
  GST_DC_SCTP_HOOK_FULL, /* it is to be kept, and with it all that follows, until gst_dc_sctpdec_resume(); then it is shown again */
} GstDcSctpHookResult;

/* A message, before any pad is used for it. On the thread that brings packets, as a rule, or one that goes on after a pause; one at a time, and in
 * order. It may send. Nothing of a
 * stream that the far side has closed, and uses again, is shown before the pad of the one before is gone. */
typedef GstDcSctpHookResult (*GstDcSctpHookFunc) (guint16 stream, guint32 ppid, GBytes *message, gpointer user_data);

/* @func: (nullable). What was set before is not called any more once this has returned: not to be called within it. */
void gst_dc_sctpdec_set_hook (GstDcSctpDec *self, GstDcSctpHookFunc func, gpointer user_data);
/* After GST_DC_SCTP_HOOK_FULL: there is room. */
void gst_dc_sctpdec_resume (GstDcSctpDec *self);

/* Sees a packet that has come, before SCTP does, which has not seen those just before it yet. FALSE: it never does. On the thread that brings
 * packets, one at a time. */
typedef gboolean (*GstDcSctpInTap) (const guint8 *packet, gsize size, gpointer user_data);

/* @func: (nullable). As gst_dc_sctpdec_set_hook(). */
void gst_dc_sctpdec_set_tap (GstDcSctpDec *self, GstDcSctpInTap func, gpointer user_data);

/* Packets that come past the sink pad; waits while others come there. They are seen by the tap. Within the tap: SCTP is given those that have passed it
 * before, and then these (there may be none). Not to be called within the hook. */
void gst_dc_sctpdec_input (GstDcSctpDec *self, const DcPacket *packets, guint n);
/* Of the socket that packets come from, bytes; 0: not known. Counts from the next packet on. */
void gst_dc_sctpdec_set_socket_room (GstDcSctpDec *self, guint bytes);

/* The longest message that is taken, 256 KiB if this is not called; before PAUSED. Who sends a longer one ends the association, and the element
 * posts an error. */
void gst_dc_sctpdec_set_max_message_size (GstDcSctpDec *self, guint bytes);
/* Whether that was so. */
gboolean gst_dc_sctpdec_got_too_long (GstDcSctpDec *self);

G_END_DECLS
