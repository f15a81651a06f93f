/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-dtls-divert.h: a place where packets leave an element, which someone else may take for a while. */
#pragma once

#include "plugins/transport/dc-packet.h"

G_BEGIN_DECLS

/* Takes up to DC_PACKETS_MAX packets, in memory that is the caller's for the time of the call. May come on several threads at once. */
typedef void (*GstDcDtlsFunc) (DcPacket *packets, guint n, gpointer user_data);

typedef struct _GstDcDtlsTaker GstDcDtlsTaker;
typedef struct {
  GMutex lock;
  GCond left;
  GstDcDtlsTaker *taker; /* (nullable): packets go their ordinary way */
} GstDcDtlsDivert;

void gst_dc_dtls_divert_init (GstDcDtlsDivert *self);
void gst_dc_dtls_divert_clear (GstDcDtlsDivert *self);
/* @func: (nullable). When this returns, whoever was there before is not called any more; so not on a thread that is in the old @func. */
void gst_dc_dtls_divert_set (GstDcDtlsDivert *self, GstDcDtlsFunc func, gpointer user_data);

/* Who takes packets now; NULL: nobody. It stays for as long as it isn't left. */
GstDcDtlsTaker *gst_dc_dtls_divert_enter (GstDcDtlsDivert *self);
void gst_dc_dtls_divert_leave (GstDcDtlsDivert *self, GstDcDtlsTaker *taker);
void gst_dc_dtls_taker_take (GstDcDtlsTaker *taker, DcPacket *packets, guint n);

G_END_DECLS
