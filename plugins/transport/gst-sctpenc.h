/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-sctpenc.h: messages become packets of SCTP; in the place of GStreamer's sctpenc. */
#pragma once

#include <gst/gst.h>

#include "plugins/transport/dc-sctp-association.h"
#include "plugins/transport/gst-sctp-output.h"

G_BEGIN_DECLS

#define GST_TYPE_DC_SCTP_ENC (gst_dc_sctp_enc_get_type ())
G_DECLARE_FINAL_TYPE (GstDcSctpEnc, gst_dc_sctp_enc, GST_DC, SCTP_ENC, GstElement)

/* What is not for pads. Any thread. */

/* A message past the pads, if there is room for it now; never waits, not for what is below the source pad either. It does not overtake one that waits at the pad of
 * its stream. An empty one goes as RFC 8831, section 6.6, wants it: @info->ppid may be that of text or binary messages. */
DcSctpSent gst_dc_sctpenc_send (GstDcSctpEnc *self, const DcSctpSendInfo *info, gconstpointer data, gsize size);
/* @func is called after each time that gst_dc_sctpenc_send() said DC_SCTP_WOULD_BLOCK, when it is worth trying again; NULL: not any more, once this
 * has returned. Not to be set within. */
void gst_dc_sctpenc_set_writable (GstDcSctpEnc *self, void (*func) (gpointer user_data), gpointer user_data);

/* Lanes (dc-sctp-lanes.h), once the association has begun: so many the far side may have; on so many go messages of @stream, those that come past its pad; and
 * how many are in use. */
void gst_dc_sctpenc_allow_lanes (GstDcSctpEnc *self, guint n);
void gst_dc_sctpenc_stripe (GstDcSctpEnc *self, guint16 stream, guint n, gboolean fixed);
guint gst_dc_sctpenc_get_n_lanes (GstDcSctpEnc *self);
/* @func is called each time that this changes, on the thread that sends; otherwise as gst_dc_sctpenc_set_writable(). */
void gst_dc_sctpenc_set_spread (GstDcSctpEnc *self, void (*func) (guint lanes, gpointer user_data), gpointer user_data);

/* Packets go to @func instead of the source pad; NULL: to the pad again. Not to be called within @func, which is not called any more
 * once this has returned. */
void gst_dc_sctpenc_divert (GstDcSctpEnc *self, DcPacketFunc func, gpointer user_data);
/* Wherever packets go. @taps: (nullable). Not to be called within one. */
void gst_dc_sctpenc_set_taps (GstDcSctpEnc *self, const GstDcSctpOutTaps *taps, gpointer user_data);

G_END_DECLS
