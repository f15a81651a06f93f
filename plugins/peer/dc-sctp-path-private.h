/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-path-private.h: what the files of DcSctpPath share:
 *   dc-sctp-path.c       any elements
 *   dc-sctp-path-fast.c  what is done by taps and hooks where they are ours */
#pragma once

#include "plugins/peer/dc-sctp-path.h"

G_BEGIN_DECLS

struct _DcSctpPath {
  DcSctpWatch *watch;
  DcSctpBypass *bypass;
  guint association_id;
  DcSctpPathCallbacks callbacks;
  gpointer user_data;
  gint deaf; /* atomic: what comes in does not count any more */
  GstBuffer *
      early; /* (nullable): a packet with a reset, before which something is missing; of the thread that receives, as is: */
  gboolean passing; /* a packet is given to SCTP that was looked at before */

  GMutex lock;
  GCond drained;
  GstElement *sctpenc, *sctpdec; /* once webrtcbin has made them */
  GPtrArray *channels;           /* (element-type GstWebRTCDataChannel): all there were */
  guint n_begun;                 /* of them, by the far side */
};

/* A packet has come. */
DcSctpPacket dc_sctp_path_look (DcSctpPath *self, gconstpointer data, gsize size);
/* TRUE if what was missing before the one that came early has come. */
gboolean dc_sctp_path_is_early_due (DcSctpPath *self);
void dc_sctp_path_tell_drained (DcSctpPath *self);

/* @element: sctpenc or sctpdec of ours. */
void dc_sctp_path_tap (DcSctpPath *self, GstElement *element);
void dc_sctp_path_untap (GstElement *element);
/* Nothing comes in any more, and who was at it is waited for. */
void dc_sctp_path_deafen_ours (DcSctpPath *self, GstDcSctpDec *sctpdec);

G_END_DECLS
