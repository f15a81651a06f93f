/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-dtlsenc.h: seals datagrams by DTLS; takes the place of GStreamer's dtlsenc. */
#pragma once

#include <gst/gst.h>

#include "plugins/transport/dc-dtls-session.h"
#include "plugins/transport/gst-dtls-divert.h"

G_BEGIN_DECLS

#define GST_TYPE_DC_DTLS_ENC (gst_dc_dtls_enc_get_type ())
G_DECLARE_FINAL_TYPE (GstDcDtlsEnc, gst_dc_dtls_enc, GST_DC, DTLS_ENC, GstElement)

/* --- For who goes past the pads; on any thread --- */

/* Datagrams of the session itself (handshake, alerts, and what dc_dtls_session_seal() gives back empty) go to @func in place of the src pad; NULL: to the
 * pad again. What comes by the sink pad keeps going to the src pad. When this returns nothing is given to the @func of before any more: not for
 * a thread that is in it. */
void gst_dc_dtlsenc_divert (GstDcDtlsEnc *self, GstDcDtlsFunc func, gpointer user_data);
/* Sends close_notify: best before the elements that it goes through are stopped. FALSE: another thread is about to. */
gboolean gst_dc_dtlsenc_close (GstDcDtlsEnc *self);
/* Nothing leaves it any more, no goodbye either. Any thread. */
void gst_dc_dtlsenc_silence (GstDcDtlsEnc *self);
/* As gst_dc_dtlsdec_get_session(). */
DcDtlsSession *gst_dc_dtlsenc_get_session (GstDcDtlsEnc *self);

G_END_DECLS
