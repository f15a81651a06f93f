/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-receiver-stream.c: one stream of the receiving half: frames to items. */

/*
 * Whole items wait in a queue and are acknowledged when the application has consumed them.
 *
 * Fragments of an item that is not whole are acknowledged early, when they arrive (once everything before them on the stream
 * is consumed), or an item larger than the window would never get through. DcReceiver says whether there is
 * memory for that. They gather in one buffer, which grows with what arrives and not with what was announced. The last
 * fragment is acknowledged with the item.
 */
#include "plugins/link/dc-receiver-stream.h"

#include <string.h>

/* A payload that is a smaller part of its message is copied: as a slice it would keep the whole message in memory. */
#define SLICE_MIN_PART 8

DcReceiverStream *
dc_receiver_stream_new (guint16 number)
{
  DcReceiverStream *self = g_new0 (DcReceiverStream, 1);

  self->number = number;
  self->node.data = self;
  self->waiting_node.data = self;
  g_queue_init (&self->items);
  return self;
}

void
dc_receiver_stream_clear (DcReceiverStream *self)
{
  dc_item_queue_clear (&self->items);
  g_clear_pointer (&self->partial, dc_link_item_free);
  g_clear_pointer (&self->buffer, g_free);
  self->filled = self->capacity = 0;
}

void
dc_receiver_stream_free (DcReceiverStream *self)
{
  dc_receiver_stream_clear (self);
  g_free (self);
}

gboolean
dc_receiver_stream_check (const DcReceiverStream *self, const DcFrame *frame, GError **error)
{
  const char *name = dc_frame_type_get_name (frame->type);
  gsize filled = self->filled + frame->payload_size;
  gboolean last = (frame->flags & DC_FRAME_FLAG_END) != 0;

  if ((frame->flags & DC_FRAME_FLAG_START) && !self->partial)
    return TRUE;
  if (frame->flags & DC_FRAME_FLAG_START)
    return dc_frame_refuse (error, "%s frame %u begins an item while another of the stream %u is not whole", name,
        frame->sequence, frame->stream);
  if (!self->partial)
    return dc_frame_refuse (error, "%s frame %u goes on with an item that was not begun on the stream %u", name,
        frame->sequence, frame->stream);
  if (self->partial->kind != frame->start.item.kind)
    return dc_frame_refuse (error, "%s frame %u of the stream %u comes inside an item of another kind", name,
        frame->sequence, frame->stream);
  if (filled > self->total || last != (filled == self->total))
    return dc_frame_refuse (error, "%s frame %u %s an item of %" G_GSIZE_FORMAT " bytes with byte %" G_GSIZE_FORMAT,
        name, frame->sequence, last ? "ends" : "goes on with", self->total, filled);
  return TRUE;
}

static gboolean
grow_buffer (DcReceiverStream *self, gsize size)
{
  gsize capacity = MIN (self->total, 2 * size);
  guint8 *buffer;

  if (size <= self->capacity)
    return TRUE;

  buffer = g_try_realloc (self->buffer, capacity);
  if (!buffer)
    return FALSE;
  self->buffer = buffer;
  self->capacity = capacity;
  return TRUE;
}

static gboolean
append_fragment (DcReceiverStream *self, const DcFrame *frame, GError **error)
{
  gsize filled = self->filled + frame->payload_size;

  if (!grow_buffer (self, filled))
    return dc_frame_refuse (error, "%s frame %u: no memory left for an item of %" G_GSIZE_FORMAT " bytes",
        dc_frame_type_get_name (frame->type), frame->sequence, self->total);
  memcpy (self->buffer + self->filled, frame->payload, frame->payload_size);
  self->filled = filled;
  return TRUE;
}

/* The payload of a frame that is a whole item, as a slice of the message where that wastes little. */
static GBytes *
get_payload (const DcFrame *frame, GBytes *message)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (message, &size);

  if (frame->payload_size == 0 || frame->payload_size < size / SLICE_MIN_PART)
    return g_bytes_new (frame->payload, frame->payload_size);
  return g_bytes_new_from_bytes (message, frame->payload - data, frame->payload_size);
}

static gboolean
has_payload (const DcLinkItem *item)
{
  return item->kind != DC_LINK_ITEM_SEGMENT && item->kind != DC_LINK_ITEM_FIN;
}

static DcLinkItem *
new_item (const DcFrame *frame)
{
  DcLinkItem *item = dc_link_item_new (frame->start.item.kind);

  *item = frame->start.item;
  return item;
}

static DcLinkItem *
end_partial (DcReceiverStream *self)
{
  DcLinkItem *item = g_steal_pointer (&self->partial);

  item->payload = g_bytes_new_take (g_steal_pointer (&self->buffer), self->filled);
  self->filled = self->capacity = 0;
  return item;
}

static gboolean
is_caps_text (const DcLinkItem *item)
{
  gsize size;
  const char *data;

  if (item->kind != DC_LINK_ITEM_CAPS)
    return TRUE;
  data = g_bytes_get_data (item->payload, &size);
  return size == 0 || g_utf8_validate_len (data, size, NULL);
}

/* @item (transfer full) is whole with @frame. */
static gboolean
queue_item (DcReceiverStream *self, DcLinkItem *item, const DcFrame *frame, gboolean ack_now, GError **error)
{
  if (!is_caps_text (item)) {
    dc_link_item_free (item);
    return dc_frame_refuse (error, "CAPS frame %u ends caps that are not UTF-8", frame->sequence);
  }

  ((DcItem *) item)->end = self->received;
  ((DcItem *) item)->ack_now = ack_now;
  dc_item_queue_push (&self->items, item);
  return TRUE;
}

gboolean
dc_receiver_stream_is_due_early (const DcReceiverStream *self)
{
  return self->partial && self->items.length == 0 && self->consumed.frames == self->popped.frames;
}

void
dc_receiver_stream_consume_early (DcReceiverStream *self)
{
  self->early_end = G_MAXUINT64;
  self->consumed = self->popped = self->received;
}

static void
count_received (DcReceiverStream *self, const DcFrame *frame)
{
  self->received.frames++;
  self->received.bytes += frame->length;
}

static gboolean
take_fragment (DcReceiverStream *self, const DcFrame *frame, GError **error)
{
  if (!append_fragment (self, frame, error))
    return FALSE;
  self->partial_ack_now |= (frame->flags & DC_FRAME_FLAG_ACK_NOW) != 0;
  count_received (self, frame);

  if (!(frame->flags & DC_FRAME_FLAG_END))
    return TRUE;
  if (self->early)
    self->early_end = MIN (self->early_end, self->received.frames);
  return queue_item (self, end_partial (self), frame, self->partial_ack_now, error);
}

gboolean
dc_receiver_stream_take (DcReceiverStream *self, const DcFrame *frame, GBytes *message, GError **error)
{
  DcLinkItem *item;

  if (!(frame->flags & DC_FRAME_FLAG_START))
    return take_fragment (self, frame, error);

  item = new_item (frame);
  if (!(frame->flags & DC_FRAME_FLAG_END)) {
    self->partial = item;
    self->total = frame->start.total;
    self->partial_ack_now = FALSE;
    return take_fragment (self, frame, error);
  }
  if (has_payload (item))
    item->payload = get_payload (frame, message);
  count_received (self, frame);
  return queue_item (self, item, frame, (frame->flags & DC_FRAME_FLAG_ACK_NOW) != 0, error);
}

DcLinkItem *
dc_receiver_stream_pop (DcReceiverStream *self)
{
  DcLinkItem *item = dc_item_queue_pop (&self->items);

  if (!item)
    return NULL;

  self->popped = ((DcItem *) item)->end;
  self->popped_bytes += dc_item_get_size (item);
  self->popped_ack_now |= ((DcItem *) item)->ack_now;
  return item;
}

void
dc_receiver_stream_consume (DcReceiverStream *self)
{
  self->consumed = self->popped;
  self->popped_bytes = 0;
  self->popped_ack_now = FALSE;
}
