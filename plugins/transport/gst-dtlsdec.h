/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-dtlsdec.h: opens datagrams of DTLS; takes the place of GStreamer's dtlsdec. */
#pragma once

#include "plugins/transport/gst-dtls-base.h"

G_BEGIN_DECLS

#define GST_TYPE_DC_DTLS_DEC (gst_dc_dtls_dec_get_type ())
G_DECLARE_FINAL_TYPE (GstDcDtlsDec, gst_dc_dtls_dec, GST_DC, DTLS_DEC, GstDcDtlsBase)

/* --- For who goes past the pads; on any thread --- */

/* Application data of what comes by the pad, and by gst_dc_dtlsdec_input(), goes to @func in place of the src pad, as whole SCTP packets if that is what
 * it is; NULL: to the pad again. When this returns nothing is given to the @func of before any more: not for a thread that is in it. */
void gst_dc_dtlsdec_divert (GstDcDtlsDec *self, DcPacketFunc func, gpointer user_data);
/* Datagrams, any number, as if they had come by the pad; they are opened in place. */
void gst_dc_dtlsdec_input (GstDcDtlsDec *self, DcPacket *packets, guint n);
/* NULL: it isn't started. Who calls the session has a reference on the element, too. What such calls bring that is not in place goes where data of the
 * pad goes. (transfer full) (nullable) */
DcDtlsSession *gst_dc_dtlsdec_get_session (GstDcDtlsDec *self);

G_END_DECLS
