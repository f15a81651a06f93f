/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sender.h: the sending half of a link; private to the link. */
#pragma once

#include "plugins/link/dc-sender-stream.h"

G_BEGIN_DECLS

typedef struct {
  DcSenderStream *streams[DC_LINK_MAX_STREAMS]; /* NULL: never used */
  GQueue active;                                /* of streams with something that waits; the head has its turn */
  GQueue resend;                                /* of streams with frames to be sent again */

  gsize max_message; /* both sides considered */
  guint64 max_item;  /* of the far side */

  DcPosition sent, acked; /* of all streams, since the link began */
  DcPosition limit;       /* what may have been sent, as the far side grants it; 0 before its HELLO */
  guint64 next;           /* the sequence of the next new frame, not wrapped */
  guint64 arrived;        /* the far side is known to have got every frame before this one */

  gboolean fin_queued;    /* nothing more is taken */
  gboolean fin_sent;      /* FIN was in a message */
  gboolean fin_acked;     /* and the far side accepted it */
  gboolean fin_ack_taken; /* a FIN-ACK came on this channel */

  guint64 backlog;                    /* body bytes that wait, of all streams */
  guint64 n_waiting;                  /* items that wait, likewise */
  guint64 items_sent, items_acked;    /* FIN apart */
  guint64 buffers_sent, payload_sent; /* DATA */
  guint64 frames_resent;
} DcSender;

void dc_sender_init (DcSender *self, guint32 first_sequence);
void dc_sender_clear (DcSender *self);
/* What the first far HELLO says. */
void dc_sender_open (DcSender *self, const DcFrameHello *hello, gsize max_message);
/* What the far HELLO on another channel says. */
gboolean dc_sender_resume (DcSender *self, const DcFrameHello *hello, gsize max_message, GError **error);

gboolean dc_sender_has_room (const DcSender *self, guint stream);
void dc_sender_queue (DcSender *self, DcLinkItem *item, gboolean ack_now);
guint dc_sender_discard (DcSender *self, guint stream);
void dc_sender_finish (DcSender *self);
/* Items that were taken and neither discarded nor acknowledged. */
guint64 dc_sender_get_unacknowledged (const DcSender *self);

/* Something can be put in a message now: there is an item and the credit for a frame of it. */
gboolean dc_sender_is_ready (const DcSender *self);
/* How long a message would be that took everything that waits, in one frame an item. */
guint64 dc_sender_get_backlog_size (const DcSender *self);
/* Fills @message with what credit and its room allow. Returns the number of frames. */
guint dc_sender_fill (DcSender *self, GByteArray *message);

/* An acknowledgement came. */
gboolean dc_sender_credit (DcSender *self, guint stream, const DcFrameCredit *credit, GError **error);
gboolean dc_sender_fin_ack (DcSender *self, GError **error);

guint64 dc_sender_get_frames_in_flight (const DcSender *self);
guint64 dc_sender_get_bytes_in_flight (const DcSender *self);
/* Granted by the far side, counted from what is acknowledged. */
guint64 dc_sender_get_window_bytes (const DcSender *self);

G_END_DECLS
