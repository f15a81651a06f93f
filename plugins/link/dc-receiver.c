/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-receiver.c: frames of many streams to items, and the credit that consuming them gives back. */

/*
 * Each stream has its items and is consumed by itself, see dc-receiver-stream.c. Order and credit are the link's: the far
 * side may have sent as much as the limit says, which is checked here, as is the sequence. The one exception is the
 * reserve: a stream of which everything is acknowledged may bring one small frame although others hold all the credit.
 *
 * The limit is what was told to be consumed, plus the window. The window follows the application, see dc-window.c; the limit
 * never goes back, so the window shrinks only as fast as is consumed.
 *
 * Memory. What is acknowledged only when it was consumed is bounded by the window and the reserves. Fragments that are
 * acknowledged early are beyond that, until their item is consumed: such items together are at most max_item. Who finds
 * too little left of that waits in a queue for its turn, with what it has got in flight; but an item of a 256th of max_item
 * never does, or a large item that nobody takes would hold up those of other streams. All in all: the window, 256 reserves, and
 * twice max_item if the far side uses every stream; the window and max_item if it uses one.
 */
#include "plugins/link/dc-receiver.h"

void
dc_receiver_init (DcReceiver *self, guint32 window_bytes, guint32 window_frames, gsize max_item, gint64 now)
{
  g_queue_init (&self->untold);
  g_queue_init (&self->waiting);
  dc_window_init (&self->window, window_bytes, window_frames, now);
  self->limit.bytes = self->window.bytes;
  self->limit.frames = self->window.frames;
  self->max_item = max_item;
}

void
dc_receiver_clear (DcReceiver *self)
{
  g_queue_init (&self->untold);
  g_queue_init (&self->waiting);
  for (guint i = 0; i < DC_LINK_MAX_STREAMS; i++)
    g_clear_pointer (&self->streams[i], dc_receiver_stream_free);
}

void
dc_receiver_drop (DcReceiver *self)
{
  self->queued_bytes = 0;
  for (guint i = 0; i < DC_LINK_MAX_STREAMS; i++) {
    if (!self->streams[i])
      continue;
    dc_receiver_stream_clear (self->streams[i]);
    self->queued_bytes += self->streams[i]->popped_bytes;
  }
}

void
dc_receiver_open (DcReceiver *self, guint32 first_sequence)
{
  self->next = first_sequence;
}

static void
add_untold (DcReceiver *self, DcReceiverStream *stream)
{
  if (stream->untold || self->fin_accepted)
    return;

  stream->untold = TRUE;
  g_queue_push_tail_link (&self->untold, &stream->node);
}

void
dc_receiver_resume (DcReceiver *self)
{
  dc_window_forget_path (&self->window);
  for (guint i = 0; i < DC_LINK_MAX_STREAMS; i++)
    if (self->streams[i] && self->streams[i]->told.frames > 0)
      add_untold (self, self->streams[i]);
}

/* What the far side may have in flight; what came on the reserve can have used up more than there was. */
static DcPosition
get_window (const DcReceiver *self)
{
  return (DcPosition){
      .frames = MAX (self->limit.frames, self->told.frames) - self->told.frames,
      .bytes = MAX (self->limit.bytes, self->told.bytes) - self->told.bytes,
  };
}

guint64
dc_receiver_get_window_bytes (const DcReceiver *self)
{
  return get_window (self).bytes;
}

static gboolean
is_on_reserve (const DcReceiverStream *stream, const DcFrame *frame)
{
  return frame->length <= DC_FRAME_RESERVE && (!stream || stream->received.frames == stream->told.frames);
}

static gboolean
check_flow (const DcReceiver *self, const DcReceiverStream *stream, const DcFrame *frame, GError **error)
{
  const char *name = dc_frame_type_get_name (frame->type);
  DcPosition received = {self->received.frames + 1, self->received.bytes + frame->length};
  DcPosition window = get_window (self);

  if (self->fin_received)
    return dc_frame_refuse (error, "%s frame %u after FIN", name, frame->sequence);
  if (frame->sequence != self->next)
    return dc_frame_refuse (error, "%s frame with the number %u where %u is due", name, frame->sequence, self->next);
  if ((received.bytes <= self->limit.bytes && received.frames <= self->limit.frames) || is_on_reserve (stream, frame))
    return TRUE;
  return dc_frame_refuse (error,
      "%s frame %u brings %" G_GUINT64_FORMAT " bytes and %" G_GUINT64_FORMAT
      " frames in flight where the window is %" G_GUINT64_FORMAT " bytes and %" G_GUINT64_FORMAT " frames",
      name, frame->sequence, received.bytes - self->told.bytes, received.frames - self->told.frames, window.bytes,
      window.frames);
}

static gboolean
check_total (const DcReceiver *self, const DcFrame *frame, GError **error)
{
  const char *name = dc_frame_type_get_name (frame->type);
  guint64 total = frame->start.total;

  if (!(frame->flags & DC_FRAME_FLAG_START))
    return TRUE;
  if (frame->type == DC_FRAME_FIN && self->n_partial > 0)
    return dc_frame_refuse (error, "FIN frame %u while an item is not whole", frame->sequence);
  if (total > self->max_item)
    return dc_frame_refuse (error,
        "%s frame %u begins an item of %" G_GUINT64_FORMAT " bytes where at most %" G_GSIZE_FORMAT " are taken", name,
        frame->sequence, total, self->max_item);
  return TRUE;
}

static void
count_received (DcReceiver *self, const DcFrame *frame)
{
  gboolean start = (frame->flags & DC_FRAME_FLAG_START) != 0;
  gboolean end = (frame->flags & DC_FRAME_FLAG_END) != 0;

  self->next++;
  self->received.frames++;
  self->received.bytes += frame->length;
  self->queued_bytes += frame->payload_size;
  self->n_partial += start && !end;
  self->n_partial -= !start && end;
  if (frame->type == DC_FRAME_FIN) {
    self->fin_received = TRUE;
    return;
  }
  self->items_received += end;
  if (frame->type == DC_FRAME_DATA) {
    self->buffers_received += end;
    self->payload_received += frame->payload_size;
  }
}

static void
stop_waiting (DcReceiver *self, DcReceiverStream *stream)
{
  if (!stream->waiting)
    return;

  stream->waiting = FALSE;
  g_queue_unlink (&self->waiting, &stream->waiting_node);
}

/* Whether there is memory to acknowledge fragments of the item that comes in on @stream. */
static gboolean
may_be_early (DcReceiver *self, DcReceiverStream *stream)
{
  gboolean first = self->waiting.length == 0 || self->waiting.head->data == stream;

  if (stream->early)
    return TRUE;
  if (stream->total <= self->max_item / DC_LINK_MAX_STREAMS)
    stream->early = TRUE;
  else if (first && stream->total <= self->max_item - self->early_bytes) {
    stream->early = TRUE;
    stream->early_bytes = stream->total;
    self->early_bytes += stream->total;
  }
  if (stream->early)
    stop_waiting (self, stream);
  else if (!stream->waiting) {
    stream->waiting = TRUE;
    g_queue_push_tail_link (&self->waiting, &stream->waiting_node);
  }
  return stream->early;
}

/* What waits on the streams of which nothing was consumed for so long that the rate does not know them. Once a round. */
static void
count_held (DcReceiver *self)
{
  DcWindow *window = &self->window;

  window->held = (DcPosition){0};
  for (guint i = 0; i < self->n_streams; i++) {
    const DcReceiverStream *stream = self->streams[i];

    if (!stream || stream->round + DC_WINDOW_ROUNDS > window->n_rounds)
      continue;
    window->held.frames += stream->received.frames - stream->consumed.frames;
    window->held.bytes += stream->received.bytes - stream->consumed.bytes;
  }
}

/* @stream may have consumed something since it was at @before; what has arrived of an item may count as well. */
static void
note_consumed (DcReceiver *self, DcReceiverStream *stream, const DcPosition *before, gint64 now)
{
  guint64 round;

  if (dc_receiver_stream_is_due_early (stream) && may_be_early (self, stream))
    dc_receiver_stream_consume_early (stream);
  if (stream->consumed.frames == before->frames)
    return;

  self->consumed.frames += stream->consumed.frames - before->frames;
  self->consumed.bytes += stream->consumed.bytes - before->bytes;
  add_untold (self, stream);
  round = self->window.n_rounds;
  dc_window_consumed (&self->window, &self->consumed, now);
  stream->round = self->window.n_rounds;
  if (stream->round != round)
    count_held (self);
}

/* Those that wait for memory for an early item, as far as there is some. */
static void
serve_waiting (DcReceiver *self, gint64 now)
{
  while (self->waiting.length > 0) {
    DcReceiverStream *stream = self->waiting.head->data;
    DcPosition before = stream->consumed;

    note_consumed (self, stream, &before, now);
    if (stream->waiting)
      return;
  }
}

/* The application has the early item. */
static void
release_early (DcReceiver *self, DcReceiverStream *stream)
{
  if (!stream->early || stream->consumed.frames < stream->early_end)
    return;

  self->early_bytes -= stream->early_bytes;
  stream->early = FALSE;
  stream->early_bytes = 0;
}

gboolean
dc_receiver_take (DcReceiver *self, const DcFrame *frame, GBytes *message, gint64 now, GError **error)
{
  DcReceiverStream *stream = self->streams[frame->stream];
  DcPosition before;

  if (!check_flow (self, stream, frame, error))
    return FALSE;
  if (!stream) {
    stream = self->streams[frame->stream] = dc_receiver_stream_new (frame->stream);
    stream->round = self->window.n_rounds;
  }
  if (!dc_receiver_stream_check (stream, frame, error) || !check_total (self, frame, error))
    return FALSE;

  before = stream->consumed;
  if (!dc_receiver_stream_take (stream, frame, message, error))
    return FALSE;
  count_received (self, frame);
  self->n_streams = MAX (self->n_streams, frame->stream + 1u);
  note_consumed (self, stream, &before, now);
  if (!stream->partial && stream->waiting) {
    /* It came whole within its credit. */
    stop_waiting (self, stream);
    serve_waiting (self, now);
  }
  return TRUE;
}

gboolean
dc_receiver_has_item (const DcReceiver *self, guint number)
{
  const DcReceiverStream *stream = self->streams[number];

  return stream && stream->items.length > 0;
}

DcLinkItem *
dc_receiver_pop (DcReceiver *self, guint number)
{
  DcReceiverStream *stream = self->streams[number];
  DcLinkItem *item = stream ? dc_receiver_stream_pop (stream) : NULL;

  if (item)
    self->fin_popped |= item->kind == DC_LINK_ITEM_FIN;
  return item;
}

void
dc_receiver_consume (DcReceiver *self, guint number, gint64 now)
{
  DcReceiverStream *stream = self->streams[number];
  DcPosition before;

  if (!stream)
    return;

  before = stream->consumed;
  self->ack_now |= stream->popped_ack_now;
  self->queued_bytes -= stream->popped_bytes;
  dc_receiver_stream_consume (stream);
  release_early (self, stream);
  note_consumed (self, stream, &before, now);
  serve_waiting (self, now);
}

void
dc_receiver_accept_fin (DcReceiver *self)
{
  GList *node;

  self->fin_accepted = TRUE;
  while ((node = g_queue_pop_head_link (&self->untold)))
    ((DcReceiverStream *) node->data)->untold = FALSE;
}

gboolean
dc_receiver_has_credit (const DcReceiver *self)
{
  return self->untold.length > 0;
}

/* At once if it is a quarter of the credit that the far side has to play with, which is not what waits here to be consumed. A
 * sixteenth of the window is the least, or a consumer who is slow would cause a CREDIT for each frame. */
static gboolean
is_worth_telling (guint64 untold, guint64 unconsumed, guint64 window)
{
  guint64 at_play = window > unconsumed ? window - unconsumed : 0;

  return 4 * untold >= MAX (at_play, window / 4);
}

gboolean
dc_receiver_is_urgent (const DcReceiver *self)
{
  const DcPosition *told = &self->told;
  const DcPosition *consumed = &self->consumed;
  DcPosition window = get_window (self);

  if (!dc_receiver_has_credit (self))
    return FALSE;
  return self->ack_now || self->fin_received
         || is_worth_telling (consumed->bytes - told->bytes, self->received.bytes - consumed->bytes, window.bytes)
         || is_worth_telling (consumed->frames - told->frames, self->received.frames - consumed->frames, window.frames);
}

void
dc_receiver_take_credit (DcReceiver *self, DcFrame *frame, gint64 now)
{
  DcReceiverStream *stream = g_queue_pop_head_link (&self->untold)->data;
  DcPosition granted, target;

  stream->untold = FALSE;
  self->told.frames += stream->consumed.frames - stream->told.frames;
  self->told.bytes += stream->consumed.bytes - stream->told.bytes;
  stream->told = stream->consumed;
  if (self->untold.length == 0)
    self->ack_now = FALSE;

  granted = get_window (self);
  dc_window_get_target (&self->window, &granted, now, &target);
  self->limit.frames = MAX (self->limit.frames, self->told.frames + target.frames);
  self->limit.bytes = MAX (self->limit.bytes, self->told.bytes + target.bytes);

  frame->stream = stream->number;
  frame->credit.acknowledged = (guint32) stream->told.frames;
  frame->credit.limit_frames = (guint32) self->limit.frames;
  frame->credit.limit_bytes = (guint32) self->limit.bytes;
}
