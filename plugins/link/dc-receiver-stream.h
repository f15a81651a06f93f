/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-receiver-stream.h: one stream of the receiving half: its items, and the one that is coming in; private to the link. */
#pragma once

#include "plugins/link/dc-frame.h"
#include "plugins/link/dc-item.h"

G_BEGIN_DECLS

typedef struct {
  guint16 number;
  /* Each at or before the next: told to the far side by CREDIT, consumed by the application, popped by it, received */
  DcPosition told, consumed, popped, received;

  GQueue items;       /* whole, not popped */
  gsize popped_bytes; /* payload that was popped and not consumed */
  gboolean popped_ack_now;

  DcLinkItem *partial; /* whose fragments are coming in, or NULL */
  guint8 *buffer;      /* its payload so far */
  gsize filled, capacity;
  gsize total; /* its payload when it is whole */
  gboolean partial_ack_now;

  /* The item that is first in line, of which fragments were acknowledged before the application had it; */
  gboolean early;
  gsize early_bytes; /* what it takes of the memory that the streams share for that */
  guint64 early_end; /* received.frames behind it; G_MAXUINT64: it is not whole */
  gboolean waiting;  /* in DcReceiver.waiting: there is no memory to do that */
  GList waiting_node;

  guint64 round;   /* of DcWindow, in which something was consumed last */
  gboolean untold; /* in DcReceiver.untold: consumption is to be told */
  GList node;
} DcReceiverStream;

DcReceiverStream *dc_receiver_stream_new (guint16 number);
/* Drops every item. */
void dc_receiver_stream_clear (DcReceiverStream *self);
void dc_receiver_stream_free (DcReceiverStream *self);

/* What only this stream can tell of a frame: how it fits what came before it on the stream. */
gboolean dc_receiver_stream_check (const DcReceiverStream *self, const DcFrame *frame, GError **error);
/* A frame that was checked. FALSE also if memory ran out or the item is wrong as a whole. */
gboolean dc_receiver_stream_take (DcReceiverStream *self, const DcFrame *frame, GBytes *message, GError **error);
DcLinkItem *dc_receiver_stream_pop (DcReceiverStream *self);
void dc_receiver_stream_consume (DcReceiverStream *self);

/* With nothing whole in our hands, what has arrived of the next item may count as consumed. */
gboolean dc_receiver_stream_is_due_early (const DcReceiverStream *self);
void dc_receiver_stream_consume_early (DcReceiverStream *self);

G_END_DECLS
