/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-receiver.h: the receiving half of a link; private to the link. */
#pragma once

#include "plugins/link/dc-receiver-stream.h"
#include "plugins/link/dc-window.h"

G_BEGIN_DECLS

typedef struct {
  DcReceiverStream *streams[DC_LINK_MAX_STREAMS]; /* NULL: never used */
  guint n_streams;                                /* one more than the highest used */
  gsize max_item;
  guint32 next; /* the sequence that is due */

  /* Of all streams, since the link began. Each at or before the next, but what came on the reserve may be beyond the limit */
  DcPosition told, consumed, received, limit;
  GQueue untold; /* of streams with consumption to be told */
  gboolean ack_now;
  DcWindow window;

  guint n_partial;    /* streams with an item that is not whole */
  gsize early_bytes;  /* payload of the items of which fragments were acknowledged early, when they are whole */
  GQueue waiting;     /* of streams that have no memory for that yet */
  gsize queued_bytes; /* payload that was received and not consumed */

  gboolean fin_received, fin_popped, fin_accepted;

  guint64 items_received, buffers_received, payload_received; /* FIN apart */
} DcReceiver;

void dc_receiver_init (DcReceiver *self, guint32 window_bytes, guint32 window_frames, gsize max_item, gint64 now);
void dc_receiver_clear (DcReceiver *self);
/* Drops every item. */
void dc_receiver_drop (DcReceiver *self);
/* The first far HELLO says with which number it begins. */
void dc_receiver_open (DcReceiver *self, guint32 first_sequence);
/* Another channel: what CREDIT told last may have been lost with the old one. */
void dc_receiver_resume (DcReceiver *self);

/* A sequenced frame of @message. */
gboolean dc_receiver_take (DcReceiver *self, const DcFrame *frame, GBytes *message, gint64 now, GError **error);
gboolean dc_receiver_has_item (const DcReceiver *self, guint stream);
DcLinkItem *dc_receiver_pop (DcReceiver *self, guint stream);
void dc_receiver_consume (DcReceiver *self, guint stream, gint64 now);
/* Everything counts as consumed, on every stream; FIN-ACK tells it and no CREDIT follows. */
void dc_receiver_accept_fin (DcReceiver *self);

/* What the far side may have in flight. */
guint64 dc_receiver_get_window_bytes (const DcReceiver *self);
/* Credit that could be given back, and whether it should be at once. */
gboolean dc_receiver_has_credit (const DcReceiver *self);
gboolean dc_receiver_is_urgent (const DcReceiver *self);
/* The CREDIT that tells everything consumed of one stream, its number in @frame; the caller sends it. */
void dc_receiver_take_credit (DcReceiver *self, DcFrame *frame, gint64 now);

G_END_DECLS
