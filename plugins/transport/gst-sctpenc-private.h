/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-sctpenc-private.h: what the files of sctpenc share. The theory of operation is in gst-sctpenc.c. */
#pragma once

#include "plugins/transport/gst-sctp-shared.h"
#include "plugins/transport/gst-sctp-turns.h"
#include "plugins/transport/gst-sctpenc.h"

G_BEGIN_DECLS

struct _DcSctpEnc {
  GstElement parent;
  GstPad *src;
  DcSctpTurns turns;
  DcSctpOutput output;

  GMutex lock; /* of what follows; nothing is called with it */
  GCond called;
  guint association_id, remote_port;
  gboolean use_sock_stream;
  gboolean in_webrtcbin;
  gint was_up;          /* atomic: since PAUSED */
  DcSctpShared *shared; /* (nullable): from PAUSED on */
  void (*writable) (gpointer user_data);
  gpointer writable_data;
  void (*spread) (guint lanes, gpointer user_data);
  gpointer spread_data;
  GstDcCalls calls; /* of these two */
};

/* (nullable) (transfer full) */
DcSctpShared *dc_sctpenc_dup_shared (DcSctpEnc *self);
/* Who has sent past the pads may look again. */
void dc_sctpenc_tell_writable (DcSctpEnc *self);

/* --- gst-sctpenc-pads.c --- */

GstPad *dc_sctpenc_request_pad (GstElement *element, GstPadTemplate *template, const char *name, const GstCaps *caps);
void dc_sctpenc_release_pad (GstElement *element, GstPad *pad);
void dc_sctpenc_flush_pads (DcSctpEnc *self, gboolean flushing);
guint64 dc_sctpenc_get_bytes_sent (DcSctpEnc *self, guint stream);

G_END_DECLS
