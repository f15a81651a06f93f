/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-sctpenc-private.h: what the files of sctpenc share. The theory of operation is in gst-sctpenc.c. */
#pragma once

#include "plugins/transport/gst-sctp-shared.h"
#include "plugins/transport/gst-sctp-turns.h"
#include "plugins/transport/gst-sctpenc.h"

G_BEGIN_DECLS

struct _GstDcSctpEnc {
  GstElement parent;
  GstPad *src;
  GstDcSctpTurns turns;
  GstDcSctpOutput output;

  GMutex lock; /* of what follows; nothing is called with it */
  GCond called;
  guint association_id, remote_port;
  gboolean use_sock_stream;
  gboolean in_webrtcbin;
  gint was_up;             /* atomic: since PAUSED */
  GstDcSctpShared *shared; /* (nullable): from PAUSED on */
  void (*writable) (gpointer user_data);
  gpointer writable_data;
  void (*spread) (guint lanes, gpointer user_data);
  gpointer spread_data;
  GstDcCalls calls; /* of these two */
};

/* --- gst-sctpenc-base.c --- */

/* (nullable) (transfer full) */
GstDcSctpShared *gst_dc_sctpenc_dup_shared (GstDcSctpEnc *self);
/* Who has sent past the pads may look again. */
void gst_dc_sctpenc_tell_writable (GstDcSctpEnc *self);

/* --- gst-sctpenc-pads.c --- */

GstPad *gst_dc_sctpenc_request_pad (
    GstElement *element, GstPadTemplate *template, const char *name, const GstCaps *caps);
void gst_dc_sctpenc_release_pad (GstElement *element, GstPad *pad);
void gst_dc_sctpenc_flush_pads (GstDcSctpEnc *self, gboolean flushing);
guint64 gst_dc_sctpenc_get_bytes_sent (GstDcSctpEnc *self, guint stream);

G_END_DECLS
