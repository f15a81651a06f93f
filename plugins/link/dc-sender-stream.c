/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sender-stream.c: one stream of the sending half: a queue of items, and a ring of the frames cut from them. */

/*
 * An item waits in the queue, whole, until a message is wanted. A frame cut from it gets a record in the ring: item,
 * offset and size, no bytes. The item stays until its last frame is acknowledged; so the same frames can be written
 * again on another channel.
 *
 * Frames of a stream are acknowledged in order, each stream by itself; so a record's place in the ring says nothing of
 * its sequence, which counts the frames of all streams.
 *
 *   ring:  | out: on this channel, or known to have arrived | to be sent again |
 *          0                                                n_out             n_sent
 */
#include "plugins/link/dc-sender-stream.h"

#define FIRST_CAPACITY 16

DcSenderStream *
dc_sender_stream_new (guint16 number)
{
  DcSenderStream *self = g_new0 (DcSenderStream, 1);

  self->number = number;
  self->node.data = self;
  self->resend_node.data = self;
  g_queue_init (&self->items);
  return self;
}

static DcSent *
sent_at (const DcSenderStream *self, guint i)
{
  return &self->sent[(self->head + i) & (self->capacity - 1)];
}

void
dc_sender_stream_free (DcSenderStream *self)
{
  for (guint i = 0; i < self->n_sent; i++) {
    DcSent *sent = sent_at (self, i);

    if (sent->flags & DC_FRAME_FLAG_END)
      dc_link_item_free (sent->item);
  }
  dc_item_queue_clear (&self->items);
  g_free (self->sent);
  g_free (self);
}

static DcFrameType
get_frame_type (const DcLinkItem *item)
{
  return DC_FRAME_SEQUENCED | item->kind;
}

/* Of the whole item, fragmented or not: only its first frame has a head. */
static gsize
get_body_size (const DcLinkItem *item)
{
  return dc_frame_get_head_size (get_frame_type (item), DC_FRAME_FLAG_START) + dc_item_get_size (item);
}

void
dc_sender_stream_queue (DcSenderStream *self, DcLinkItem *item, gboolean ack_now)
{
  ((DcItem *) item)->ack_now = ack_now;
  self->backlog += get_body_size (item);
  dc_item_queue_push (&self->items, item);
}

guint
dc_sender_stream_discard (DcSenderStream *self)
{
  DcLinkItem *begun = self->offset > 0 ? dc_item_queue_pop (&self->items) : NULL;
  guint n = self->items.length;

  dc_item_queue_clear (&self->items);
  self->backlog = 0;
  if (begun) {
    self->backlog = dc_item_get_size (begun) - self->offset;
    dc_item_queue_push (&self->items, begun);
  }
  return n;
}

gsize
dc_sender_stream_get_left (const DcSenderStream *self)
{
  const DcLinkItem *item = self->items.head ? self->items.head->data : NULL;

  if (!item)
    return 0;
  return self->offset > 0 ? dc_item_get_size (item) - self->offset : get_body_size (item);
}

static DcSent *
append_record (DcSenderStream *self)
{
  guint capacity = self->capacity ? self->capacity * 2 : FIRST_CAPACITY;
  DcSent *sent;

  if (self->n_sent == self->capacity) {
    sent = g_new (DcSent, capacity);
    for (guint i = 0; i < self->n_sent; i++)
      sent[i] = *sent_at (self, i);
    g_free (self->sent);
    self->sent = sent;
    self->head = 0;
    self->capacity = capacity;
  }
  self->n_out++;
  return sent_at (self, self->n_sent++);
}

const DcSent *
dc_sender_stream_cut (DcSenderStream *self, gsize body, guint64 sequence)
{
  DcLinkItem *item = g_queue_peek_head (&self->items);
  DcSent *sent = append_record (self);

  sent->item = item;
  sent->sequence = sequence;
  sent->offset = self->offset;
  sent->flags = self->offset == 0 ? DC_FRAME_FLAG_START : 0;
  sent->size = body - dc_frame_get_head_size (get_frame_type (item), sent->flags);
  if (((DcItem *) item)->ack_now)
    sent->flags |= DC_FRAME_FLAG_ACK_NOW;

  self->offset += sent->size;
  self->backlog -= body;
  self->in_flight += body;
  if (self->offset == dc_item_get_size (item)) {
    sent->flags |= DC_FRAME_FLAG_END;
    self->offset = 0;
    dc_item_queue_pop (&self->items);
  }
  return sent;
}

const DcSent *
dc_sender_stream_peek_resend (const DcSenderStream *self)
{
  return sent_at (self, self->n_out);
}

guint
dc_sender_stream_rewind (DcSenderStream *self, guint64 sequence)
{
  self->n_out = self->n_sent;
  while (self->n_out > 0 && sent_at (self, self->n_out - 1)->sequence >= sequence)
    self->n_out--;
  return self->n_sent - self->n_out;
}

void
dc_sender_stream_acknowledge (DcSenderStream *self, guint n, DcAcknowledged *done)
{
  self->n_sent -= n;
  self->n_out -= n;
  self->n_acked += n;

  for (; n > 0; n--) {
    DcSent *sent = sent_at (self, 0);
    gsize body = dc_sent_get_body_size (sent);

    self->head++;
    self->in_flight -= body;
    done->bytes += body;
    done->next = sent->sequence + 1;
    if (!(sent->flags & DC_FRAME_FLAG_END))
      continue;
    done->items += sent->item->kind != DC_LINK_ITEM_FIN;
    dc_link_item_free (sent->item);
  }
}

gsize
dc_sent_get_body_size (const DcSent *sent)
{
  return dc_frame_get_head_size (get_frame_type (sent->item), sent->flags) + sent->size;
}

void
dc_sent_write (const DcSent *sent, GByteArray *message)
{
  DcFrame frame = {
      .type = get_frame_type (sent->item),
      .flags = sent->flags,
      .stream = sent->item->stream,
      .sequence = (guint32) sent->sequence,
      .payload_size = sent->size,
  };

  if (sent->flags & DC_FRAME_FLAG_START) {
    frame.start.total = dc_item_get_size (sent->item);
    frame.start.item = *sent->item;
  }
  if (sent->size > 0)
    frame.payload = (const guint8 *) g_bytes_get_data (sent->item->payload, NULL) + sent->offset;
  dc_frame_write (message, &frame);
}
