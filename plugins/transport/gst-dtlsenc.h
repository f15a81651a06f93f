/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-dtlsenc.h: seals datagrams by DTLS; takes the place of GStreamer's dtlsenc. */
#pragma once

#include "plugins/transport/gst-dtls-base.h"

G_BEGIN_DECLS

#define GST_TYPE_DC_DTLS_ENC (gst_dc_dtls_enc_get_type ())
G_DECLARE_FINAL_TYPE (GstDcDtlsEnc, gst_dc_dtls_enc, GST_DC, DTLS_ENC, GstDcDtlsBase)

/* Nothing leaves it any more, no goodbye either. Any thread. */
void gst_dc_dtlsenc_silence (GstDcDtlsEnc *self);

G_END_DECLS
