/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sender.h: the sending half of a link; private to the link. */
#pragma once

#include "plugins/link/dc-frame.h"
#include "plugins/link/dc-item.h"

G_BEGIN_DECLS

/* A sequenced frame that was sent and not acknowledged: where its bytes are in the item, to be sent again */
typedef struct {
  DcLinkItem *item; /* owned by the record of the last frame of the item, until then by the queue */
  gsize offset;     /* in the payload */
  guint32 size;     /* of the payload in this frame */
  guint32 body;     /* length of the body: what counts against the window */
  guint8 flags;
} DcSent;

typedef struct {
  guint32 window_bytes, window_frames; /* as granted; 0 before the far HELLO */
  gsize max_message;                   /* both sides considered */
  guint64 max_item;                    /* of the far side */

  GQueue items;        /* not yet, or not wholly sent, in order */
  gsize offset;        /* of the first of them: payload already sent */
  guint64 backlog;     /* body bytes of all of them that are still to be sent */
  gboolean fin_queued; /* FIN is in the queue or sent: nothing more is taken */
  gboolean fin_sent;   /* FIN was in a message */
  gboolean fin_acked;  /* and the far side accepted it */

  DcSent *sent; /* ring */
  guint sent_head, sent_capacity;

  guint32 next;                      /* the sequence of the next frame */
  guint32 unacknowledged;            /* of the oldest frame in the ring, or next */
  guint64 sent_bytes;                /* body bytes ever sent */
  guint64 acked_bytes, acked_frames; /* ever acknowledged */

  guint64 items_sent, items_acked, payload_sent;
} DcSender;

void dc_sender_init (DcSender *self, guint32 first_sequence);
void dc_sender_clear (DcSender *self);
/* What the far HELLO says. */
void dc_sender_open (DcSender *self, const DcFrameHello *hello, gsize max_message);

gboolean dc_sender_has_room (const DcSender *self);
void dc_sender_queue (DcSender *self, DcLinkItem *item, gboolean ack_now);
void dc_sender_finish (DcSender *self);

/* Something can be put in a message now: there is an item and the credit for a frame of it. */
gboolean dc_sender_is_ready (const DcSender *self);
/* How long a message would be that took everything that waits, in one frame an item. */
guint64 dc_sender_get_backlog_size (const DcSender *self);
/* Fills @message with what credit and its room allow. Returns the number of frames. */
guint dc_sender_fill (DcSender *self, GByteArray *message);

/* An acknowledgement came. */
gboolean dc_sender_credit (DcSender *self, const DcFrameCredit *credit, GError **error);
gboolean dc_sender_fin_ack (DcSender *self, GError **error);

guint dc_sender_get_frames_in_flight (const DcSender *self);
guint64 dc_sender_get_bytes_in_flight (const DcSender *self);

G_END_DECLS
