/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sender-stream.h: one stream of the sending half: what waits, and what is in flight; private to the link. */
#pragma once

#include "plugins/link/dc-frame.h"
#include "plugins/link/dc-item.h"

G_BEGIN_DECLS

/* A sequenced frame that was sent and not acknowledged: where its bytes are in the item, to be sent again */
typedef struct {
  DcLinkItem *item; /* owned by the record of the last frame of the item, until then by the queue */
  gsize offset;     /* in the payload */
  guint64 sequence; /* not wrapped: a frame can stay unacknowledged while others go round the 32 bits */
  guint32 size;     /* of the payload in this frame */
  guint8 flags;
} DcSent;

typedef struct {
  guint16 number;
  GQueue items;    /* not yet, or not wholly cut, in order */
  gsize offset;    /* of the first of them: payload already cut */
  guint64 backlog; /* body bytes of all of them that are still to be cut */

  gsize deficit; /* bytes that it may still send in its turn */
  GList node;    /* in DcSender.active while something waits */

  DcSent *sent; /* ring */
  guint head, capacity;
  guint n_sent;      /* records in the ring */
  guint n_out;       /* the first so many are out on this channel, or are known to have arrived */
  guint64 in_flight; /* body bytes of all records */
  guint32 n_acked;   /* frames ever acknowledged */
  GList resend_node; /* in DcSender.resend while n_out < n_sent */
} DcSenderStream;

/* What an acknowledgement did. */
typedef struct {
  guint64 bytes;
  guint64 items; /* FIN does not count */
  guint64 next;  /* the sequence behind the last frame */
} DcAcknowledged;

DcSenderStream *dc_sender_stream_new (guint16 number);
void dc_sender_stream_free (DcSenderStream *self);

void dc_sender_stream_queue (DcSenderStream *self, DcLinkItem *item, gboolean ack_now);
/* Drops what waits and was not begun. Returns the number of items. */
guint dc_sender_stream_discard (DcSenderStream *self);

/* The body that the next frame would have if nothing limited it; 0: nothing waits. */
gsize dc_sender_stream_get_left (const DcSenderStream *self);
/* Makes the record of the next frame, with a body of @body bytes, and takes what it covers off the queue. */
const DcSent *dc_sender_stream_cut (DcSenderStream *self, gsize body, guint64 sequence);
/* The record of the next frame to be sent again. */
const DcSent *dc_sender_stream_peek_resend (const DcSenderStream *self);
/* A new channel: what is not before @sequence must be sent again. Returns the number of frames. */
guint dc_sender_stream_rewind (DcSenderStream *self, guint64 sequence);
/* @n: not more than are out. */
void dc_sender_stream_acknowledge (DcSenderStream *self, guint n, DcAcknowledged *done);

gsize dc_sent_get_body_size (const DcSent *sent);
void dc_sent_write (const DcSent *sent, GByteArray *message);

G_END_DECLS
