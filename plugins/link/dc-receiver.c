/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-receiver.c: frames to items, and the credit that consuming them gives back. */

/*
 * The far side may have as much in flight as the window, counted from the last CREDIT; that is checked here, as are the
 * sequence and the order of fragments. Memory is bounded by the far side's credit plus one item:
 *
 *  - Whole items wait in a queue and are acknowledged when the application has consumed them.
 *  - Fragments of an item that is not whole are acknowledged when they arrive (once everything before them is
 *    consumed), or an item larger than the window would never get through. They gather in one buffer, of at most
 *    max_item bytes, which grows with what arrives and not with what was announced. The last fragment is acknowledged
 *    with the item.
 */
#include "plugins/link/dc-receiver.h"

#include <string.h>

/* A payload that is a smaller part of its message is copied: as a slice it would keep the whole message in memory. */
#define SLICE_MIN_PART 8

void
dc_receiver_init (DcReceiver *self, guint32 window_bytes, guint32 window_frames, gsize max_item)
{
  g_queue_init (&self->items);
  self->window_bytes = window_bytes;
  self->window_frames = window_frames;
  self->max_item = max_item;
}

void
dc_receiver_clear (DcReceiver *self)
{
  dc_item_queue_clear (&self->items);
  g_clear_pointer (&self->partial, dc_link_item_free);
  g_clear_pointer (&self->buffer, g_free);
  self->filled = self->capacity = 0;
  self->queued_bytes = self->popped_bytes;
}

void
dc_receiver_open (DcReceiver *self, guint32 first_sequence)
{
  self->told.sequence = first_sequence;
  self->consumed = self->popped = self->received = self->told;
}

static gboolean
check_flow (const DcReceiver *self, const DcFrame *frame, GError **error)
{
  const char *name = dc_frame_type_get_name (frame->type);
  guint64 bytes = self->received.bytes + frame->length - self->told.bytes;
  guint32 frames = self->received.sequence - self->told.sequence + 1;

  if (self->fin_received)
    return dc_frame_refuse (error, "%s frame %u after FIN", name, frame->sequence);
  if (frame->sequence != self->received.sequence)
    return dc_frame_refuse (
        error, "%s frame with the number %u where %u is due", name, frame->sequence, self->received.sequence);
  if (bytes > self->window_bytes || frames > self->window_frames)
    return dc_frame_refuse (error,
        "%s frame %u brings %" G_GUINT64_FORMAT
        " bytes and %u frames in flight where the window is %u bytes and %u frames",
        name, frame->sequence, bytes, frames, self->window_bytes, self->window_frames);
  return TRUE;
}

static gboolean
check_start (const DcReceiver *self, const DcFrame *frame, GError **error)
{
  const char *name = dc_frame_type_get_name (frame->type);

  if (self->partial)
    return dc_frame_refuse (error, "%s frame %u begins an item while another is not whole", name, frame->sequence);
  if (frame->start.total > self->max_item)
    return dc_frame_refuse (error,
        "%s frame %u begins an item of %" G_GUINT64_FORMAT " bytes where at most %" G_GSIZE_FORMAT " are taken", name,
        frame->sequence, frame->start.total, self->max_item);
  return TRUE;
}

static gboolean
check_continuation (const DcReceiver *self, const DcFrame *frame, GError **error)
{
  const char *name = dc_frame_type_get_name (frame->type);
  gsize filled = self->filled + frame->payload_size;
  gboolean last = (frame->flags & DC_FRAME_FLAG_END) != 0;

  if (!self->partial)
    return dc_frame_refuse (error, "%s frame %u goes on with an item that was not begun", name, frame->sequence);
  if (self->partial->kind != frame->start.item.kind || self->partial->stream != frame->stream)
    return dc_frame_refuse (error, "%s frame %u of the stream %u comes inside an item of another kind or stream", name,
        frame->sequence, frame->stream);
  if (filled > self->total || last != (filled == self->total))
    return dc_frame_refuse (error, "%s frame %u %s an item of %" G_GSIZE_FORMAT " bytes with byte %" G_GSIZE_FORMAT,
        name, frame->sequence, last ? "ends" : "goes on with", self->total, filled);
  return TRUE;
}

static gboolean
grow_buffer (DcReceiver *self, gsize size)
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
append_fragment (DcReceiver *self, const DcFrame *frame, GError **error)
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
end_partial (DcReceiver *self)
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

/* @item (transfer full) is whole. */
static gboolean
queue_item (DcReceiver *self, DcLinkItem *item, gboolean ack_now, GError **error)
{
  if (!is_caps_text (item)) {
    dc_link_item_free (item);
    return dc_frame_refuse (error, "CAPS frame %u ends caps that are not UTF-8", self->received.sequence - 1);
  }

  if (item->kind == DC_LINK_ITEM_FIN)
    self->fin_received = TRUE;
  else
    self->items_received++;
  ((DcItem *) item)->end = self->received;
  ((DcItem *) item)->ack_now = ack_now;
  dc_item_queue_push (&self->items, item);
  return TRUE;
}

/* With nothing whole in our hands, what has arrived of the next item counts as consumed. */
static void
settle (DcReceiver *self)
{
  if (self->partial && self->items.length == 0 && self->consumed.sequence == self->popped.sequence)
    self->consumed = self->popped = self->received;
}

static void
count_received (DcReceiver *self, const DcFrame *frame)
{
  self->received.sequence++;
  self->received.bytes += frame->length;
  self->queued_bytes += frame->payload_size;
  if (frame->type == DC_FRAME_DATA)
    self->payload_received += frame->payload_size;
}

static gboolean
take_fragment (DcReceiver *self, const DcFrame *frame, GError **error)
{
  if (!append_fragment (self, frame, error))
    return FALSE;
  self->partial_ack_now |= (frame->flags & DC_FRAME_FLAG_ACK_NOW) != 0;
  count_received (self, frame);

  if (frame->flags & DC_FRAME_FLAG_END)
    return queue_item (self, end_partial (self), self->partial_ack_now, error);
  settle (self);
  return TRUE;
}

gboolean
dc_receiver_take (DcReceiver *self, const DcFrame *frame, GBytes *message, GError **error)
{
  gboolean start = (frame->flags & DC_FRAME_FLAG_START) != 0;
  DcLinkItem *item;

  if (!check_flow (self, frame, error))
    return FALSE;
  if (start ? !check_start (self, frame, error) : !check_continuation (self, frame, error))
    return FALSE;
  if (!start)
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
  return queue_item (self, item, (frame->flags & DC_FRAME_FLAG_ACK_NOW) != 0, error);
}

DcLinkItem *
dc_receiver_pop (DcReceiver *self)
{
  DcLinkItem *item = dc_item_queue_pop (&self->items);

  if (!item)
    return NULL;

  self->popped = ((DcItem *) item)->end;
  self->popped_bytes += dc_item_get_size (item);
  self->popped_ack_now |= ((DcItem *) item)->ack_now;
  self->fin_popped |= item->kind == DC_LINK_ITEM_FIN;
  return item;
}

void
dc_receiver_consume (DcReceiver *self)
{
  self->consumed = self->popped;
  self->queued_bytes -= self->popped_bytes;
  self->popped_bytes = 0;
  self->consumed_ack_now |= self->popped_ack_now;
  self->popped_ack_now = FALSE;
  settle (self);
}

gboolean
dc_receiver_has_credit (const DcReceiver *self)
{
  return self->consumed.sequence != self->told.sequence;
}

gboolean
dc_receiver_is_urgent (const DcReceiver *self)
{
  guint64 bytes = self->consumed.bytes - self->told.bytes;
  guint64 frames = self->consumed.sequence - self->told.sequence;

  return frames > 0
         && (self->consumed_ack_now || self->fin_received || bytes * 4 >= self->window_bytes
             || frames * 4 >= self->window_frames);
}

void
dc_receiver_take_credit (DcReceiver *self, DcFrameCredit *credit)
{
  self->told = self->consumed;
  self->consumed_ack_now = FALSE;

  credit->acknowledged = self->told.sequence;
  credit->window_bytes = self->window_bytes;
  credit->window_frames = self->window_frames;
}
