/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sender.c: items to frames, within the far side's credit. */

/*
 * An item waits in a queue, whole, until a message is wanted. Only then frames are cut from it, as many as the message
 * holds and the credit covers, so that small items share a message. A cut frame gets its sequence and a record in a
 * ring: item, offset and size, no bytes. The item stays until its last frame is acknowledged; a later session can thus
 * write the same frames again.
 *
 * In flight (cut and not acknowledged) never exceeds the window. No deadlock can come of that: a frame's body is at
 * most a quarter of the window, so that with nothing in flight one can always be sent, and the far side acknowledges
 * all that is in flight once its application has consumed the items that are whole. A quarter and not the whole, so
 * that frames and acknowledgements overlap.
 *
 * Items that are not larger than a frame are not cut (the receiver can then hand out a slice of the message); they wait
 * for the next message when this one has too little room. Larger ones fill up what room there is.
 */
#include "plugins/link/dc-sender.h"

/* However much the far side grants, our memory is ours: more than this is not kept for it. */
#define MAX_BYTES_IN_FLIGHT (64 * 1024 * 1024)
#define MAX_FRAMES_IN_FLIGHT 65536

void
dc_sender_init (DcSender *self, guint32 first_sequence)
{
  g_queue_init (&self->items);
  self->next = self->unacknowledged = first_sequence;
}

static DcSent *
sent_at (const DcSender *self, guint i)
{
  return &self->sent[(self->sent_head + i) & (self->sent_capacity - 1)];
}

void
dc_sender_clear (DcSender *self)
{
  guint n = dc_sender_get_frames_in_flight (self);

  for (guint i = 0; i < n; i++) {
    DcSent *sent = sent_at (self, i);

    if (sent->flags & DC_FRAME_FLAG_END)
      dc_link_item_free (sent->item);
  }
  g_clear_pointer (&self->sent, g_free);
  dc_item_queue_clear (&self->items);
}

void
dc_sender_open (DcSender *self, const DcFrameHello *hello, gsize max_message)
{
  self->window_bytes = hello->window_bytes;
  self->window_frames = hello->window_frames;
  self->max_item = hello->max_item;
  self->max_message = max_message;
}

guint
dc_sender_get_frames_in_flight (const DcSender *self)
{
  return self->next - self->unacknowledged;
}

guint64
dc_sender_get_bytes_in_flight (const DcSender *self)
{
  return self->sent_bytes - self->acked_bytes;
}

static guint64
get_window_bytes (const DcSender *self)
{
  return MIN (self->window_bytes, MAX_BYTES_IN_FLIGHT);
}

static guint
get_window_frames (const DcSender *self)
{
  return MIN (self->window_frames, MAX_FRAMES_IN_FLIGHT);
}

gboolean
dc_sender_has_room (const DcSender *self)
{
  return !self->fin_queued && dc_sender_get_bytes_in_flight (self) + self->backlog < get_window_bytes (self)
         && dc_sender_get_frames_in_flight (self) + self->items.length < get_window_frames (self);
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
dc_sender_queue (DcSender *self, DcLinkItem *item, gboolean ack_now)
{
  ((DcItem *) item)->ack_now = ack_now;
  self->backlog += get_body_size (item);
  dc_item_queue_push (&self->items, item);
}

void
dc_sender_finish (DcSender *self)
{
  if (self->fin_queued)
    return;

  dc_sender_queue (self, dc_link_item_new (DC_LINK_ITEM_FIN), TRUE);
  self->fin_queued = TRUE;
}

static gsize
get_max_body (const DcSender *self)
{
  gsize by_window = get_window_bytes (self) / 4;

  return MIN (self->max_message - DC_FRAME_HEADER_SIZE, by_window);
}

/* The body of the frame that is next to be cut, in a message with @room bytes left; FALSE: none. */
static gboolean
get_next_body (const DcSender *self, gsize room, gsize *body)
{
  const DcLinkItem *item = self->items.head ? self->items.head->data : NULL;
  gsize max = get_max_body (self);
  gsize left;

  if (!item || room <= DC_FRAME_HEADER_SIZE || dc_sender_get_frames_in_flight (self) >= get_window_frames (self))
    return FALSE;
  room -= DC_FRAME_HEADER_SIZE;

  left = self->offset > 0 ? dc_item_get_size (item) - self->offset : get_body_size (item);
  *body = MIN (left, max);
  if (*body > room) {
    /* Fill up, unless the item fits the next message in one piece, or the piece would be too small to be worth it. */
    if (left <= max || room < max / 4)
      return FALSE;
    *body = room;
  }

  return dc_sender_get_bytes_in_flight (self) + *body <= get_window_bytes (self);
}

gboolean
dc_sender_is_ready (const DcSender *self)
{
  gsize body;

  return get_next_body (self, self->max_message, &body);
}

guint64
dc_sender_get_backlog_size (const DcSender *self)
{
  return self->backlog + (guint64) self->items.length * DC_FRAME_HEADER_SIZE;
}

static void
grow_ring (DcSender *self)
{
  guint n = dc_sender_get_frames_in_flight (self);
  guint capacity = self->sent_capacity ? self->sent_capacity * 2 : 16;
  DcSent *sent = g_new (DcSent, capacity);

  for (guint i = 0; i < n; i++)
    sent[i] = *sent_at (self, i);
  g_free (self->sent);
  self->sent = sent;
  self->sent_head = 0;
  self->sent_capacity = capacity;
}

static void
write_sent (GByteArray *message, const DcSent *sent, guint32 sequence)
{
  DcFrame frame = {
      .type = get_frame_type (sent->item),
      .flags = sent->flags,
      .stream = sent->item->stream,
      .sequence = sequence,
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

/* Makes the record of the next frame, with a body of @body bytes, and takes what it covers off the queue. */
static const DcSent *
cut_frame (DcSender *self, gsize body)
{
  DcLinkItem *item = g_queue_peek_head (&self->items);
  guint in_flight = dc_sender_get_frames_in_flight (self);
  DcSent *sent;

  if (in_flight == self->sent_capacity)
    grow_ring (self);
  sent = sent_at (self, in_flight);
  sent->item = item;
  sent->offset = self->offset;
  sent->body = body;
  sent->flags = self->offset == 0 ? DC_FRAME_FLAG_START : 0;
  sent->size = body - dc_frame_get_head_size (get_frame_type (item), sent->flags);
  if (((DcItem *) item)->ack_now)
    sent->flags |= DC_FRAME_FLAG_ACK_NOW;

  self->offset += sent->size;
  self->backlog -= body;
  self->sent_bytes += body;
  self->next++;
  if (self->offset == dc_item_get_size (item)) {
    sent->flags |= DC_FRAME_FLAG_END;
    self->offset = 0;
    dc_item_queue_pop (&self->items);
  }
  return sent;
}

static void
count_sent (DcSender *self, const DcSent *sent)
{
  if (sent->item->kind == DC_LINK_ITEM_FIN) {
    self->fin_sent = TRUE;
    return;
  }
  if (sent->item->kind == DC_LINK_ITEM_DATA)
    self->payload_sent += sent->size;
  if (sent->flags & DC_FRAME_FLAG_END)
    self->items_sent++;
}

guint
dc_sender_fill (DcSender *self, GByteArray *message)
{
  guint n = 0;
  gsize body;

  while (get_next_body (self, self->max_message - message->len, &body)) {
    guint32 sequence = self->next;
    const DcSent *sent = cut_frame (self, body);

    write_sent (message, sent, sequence);
    count_sent (self, sent);
    n++;
  }
  return n;
}

static void
acknowledge (DcSender *self, guint n)
{
  self->unacknowledged += n;
  self->acked_frames += n;

  for (; n > 0; n--) {
    DcSent *sent = sent_at (self, 0);

    self->sent_head++;
    self->acked_bytes += sent->body;
    if (!(sent->flags & DC_FRAME_FLAG_END))
      continue;
    if (sent->item->kind != DC_LINK_ITEM_FIN)
      self->items_acked++;
    dc_link_item_free (sent->item);
  }
}

gboolean
dc_sender_credit (DcSender *self, const DcFrameCredit *credit, GError **error)
{
  guint64 edge_bytes = self->acked_bytes + self->window_bytes;
  guint64 edge_frames = self->acked_frames + self->window_frames;
  guint32 n = credit->acknowledged - self->unacknowledged;

  /* Serial numbers: one of the past is a large step forward. */
  if (n > dc_sender_get_frames_in_flight (self))
    return dc_frame_refuse (error, "CREDIT frame for the number %u where %u to %u are due", credit->acknowledged,
        self->unacknowledged, self->next);

  acknowledge (self, n);
  if (self->acked_bytes + credit->window_bytes < edge_bytes || self->acked_frames + credit->window_frames < edge_frames)
    return dc_frame_refuse (error,
        "CREDIT frame that takes back credit: a window of %u bytes and %u frames at the number %u",
        credit->window_bytes, credit->window_frames, credit->acknowledged);
  self->window_bytes = credit->window_bytes;
  self->window_frames = credit->window_frames;
  return TRUE;
}

gboolean
dc_sender_fin_ack (DcSender *self, GError **error)
{
  if (!self->fin_sent)
    return dc_frame_refuse (error, "FIN-ACK frame where no FIN was sent");
  if (self->fin_acked)
    return dc_frame_refuse (error, "FIN-ACK frame for the second time");

  self->fin_acked = TRUE;
  acknowledge (self, dc_sender_get_frames_in_flight (self));
  return TRUE;
}
