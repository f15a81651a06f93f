/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-bypass.h: messages that go straight between SCTP and the channels of a connection, past webrtcbin. */
#pragma once

#include "plugins/transport/gst-sctpdec.h"
#include "plugins/transport/gst-sctpenc.h"

G_BEGIN_DECLS

/* Of one webrtcbin. Atomically referenced; any thread, no lock held by who calls unless said. */
typedef struct _DcSctpBypass DcSctpBypass;

/* Who has a stream. On the thread that has brought a packet, or on any that has made room; nothing must block there. */
typedef struct {
  /* What has come, in order; (transfer none). FALSE: there is no room, and it is shown again after dc_sctp_bypass_resume(). @must: that is no answer, since
   * nothing will follow. */
  gboolean (*message) (guint32 ppid, GBytes *message, gboolean must, gpointer user_data);
  /* After DC_SCTP_WOULD_BLOCK: it is worth trying again. */
  void (*writable) (gpointer user_data);
  gpointer (*ref) (gpointer user_data);
  void (*unref) (gpointer user_data);
} DcSctpBypassUser;

DcSctpBypass *dc_sctp_bypass_new (void);
DcSctpBypass *dc_sctp_bypass_ref (DcSctpBypass *self);
void dc_sctp_bypass_unref (DcSctpBypass *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcSctpBypass, dc_sctp_bypass_unref)

/* --- For who has the elements --- */

void dc_sctp_bypass_set_enc (DcSctpBypass *self, GstDcSctpEnc *enc);
void dc_sctp_bypass_set_dec (DcSctpBypass *self, GstDcSctpDec *dec);
/* The elements are about to stop: nothing is sent any more. */
void dc_sctp_bypass_stop (DcSctpBypass *self);
/* sctpdec's hook, and sctpenc's word that there is room. */
GstDcSctpHookResult dc_sctp_bypass_take (DcSctpBypass *self, guint16 stream, guint32 ppid, GBytes *message);
void dc_sctp_bypass_wake (DcSctpBypass *self);
/* A message that was passed on has come out of webrtcbin. */
void dc_sctp_bypass_given (DcSctpBypass *self, guint16 stream);
/* SCTP was given a message of DCEP (RFC 8832): what is sent on @stream from now on comes after it. */
void dc_sctp_bypass_announced (DcSctpBypass *self, guint16 stream);
/* The far side has closed @stream: what comes on it is another channel's. */
void dc_sctp_bypass_forget (DcSctpBypass *self, guint16 stream);
/* The far side has left: who has a stream must take what is still there. */
void dc_sctp_bypass_drain (DcSctpBypass *self);

/* --- For who has a stream; other locks may be held --- */

/* FALSE: GStreamer's own elements are at work. @negotiated: without DCEP. What is on its way through webrtcbin comes from there, and nothing overtakes it. */
gboolean dc_sctp_bypass_open (
    DcSctpBypass *self, guint16 stream, gboolean negotiated, const DcSctpBypassUser *user, gpointer user_data);
/* A call on another thread may still be under way. */
void dc_sctp_bypass_close (DcSctpBypass *self, guint16 stream, gpointer user_data);
/* Lanes, as gst_dc_sctpenc_allow_lanes() and the others have it. */
void dc_sctp_bypass_allow_lanes (DcSctpBypass *self, guint n);
void dc_sctp_bypass_stripe (DcSctpBypass *self, guint16 stream, guint n, gboolean fixed);
guint dc_sctp_bypass_get_n_lanes (DcSctpBypass *self);
/* How many streams somebody has. */
guint dc_sctp_bypass_count (DcSctpBypass *self);
/* There is room again. */
void dc_sctp_bypass_resume (DcSctpBypass *self);
/* No other locks: it may call back. */
DcSctpSent dc_sctp_bypass_send (DcSctpBypass *self, const DcSctpSendInfo *info, gconstpointer data, gsize size);

G_END_DECLS
