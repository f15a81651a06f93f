/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sender.c: items of many streams to frames, within the far side's credit. */

/*
 * Each stream has its queue and its ring, see dc-sender-stream.c. A message is filled from the streams in turns, by
 * deficit round robin: each turn is good for as many bytes as the largest frame has, so that an item of a gigabyte on
 * one stream delays a small one on another by a frame or two.
 *
 * Credit. In flight (cut and not acknowledged), all streams together, never exceeds the window, with one exception. Three
 * rules see to it that no stream waits for another's consumer:
 *
 *  - Share. A stream grows in flight only up to seven times what it leaves free (the dynamic threshold of shared
 *    switch buffers): alone it gets 7/8 of the window, and the second, third ... that is not consumed 7/8 of what is
 *    then left. n streams that all run get equal parts.
 *  - Reserve, the exception: what is left so gets small. A stream with nothing in flight may always send one frame of
 *    up to DC_FRAME_RESERVE bytes.
 *  - Size. A body is at most a quarter of the window, so that frames and acknowledgements overlap.
 *
 * No deadlock: with nothing in flight on a stream a frame of it can be sent; and what is in flight is acknowledged
 * once the far application has consumed the items that are whole, which needs nothing further from us.
 *
 * Items that are not larger than a frame are not cut (the receiver can then hand out a slice of the message), unless the
 * stream has nothing in flight and there is no credit for the whole; they wait for the next message when this one has too
 * little room. Larger ones fill up what room there is.
 *
 * On another channel everything that the far side has not got goes first, the same frames in the same order.
 */
#include "plugins/link/dc-sender.h"

/* However much the far side grants, our memory is ours: more than this is not kept for it, reserves apart. */
#define MAX_BYTES_IN_FLIGHT (64 * 1024 * 1024)
#define MAX_FRAMES_IN_FLIGHT 65536

/* In flight of a stream : free, at most. */
#define SHARE 7
/* Frames are not made smaller than a quarter of the largest, just to use up credit or room. */
#define MIN_PIECE 4

void
dc_sender_init (DcSender *self, guint32 first_sequence)
{
  g_queue_init (&self->active);
  g_queue_init (&self->resend);
  self->next = self->arrived = first_sequence;
}

void
dc_sender_clear (DcSender *self)
{
  for (guint i = 0; i < DC_LINK_MAX_STREAMS; i++)
    g_clear_pointer (&self->streams[i], dc_sender_stream_free);
  g_queue_init (&self->active);
  g_queue_init (&self->resend);
}

void
dc_sender_open (DcSender *self, const DcFrameHello *hello, gsize max_message)
{
  self->limit.bytes = hello->window_bytes;
  self->limit.frames = hello->window_frames;
  self->max_item = hello->max_item;
  self->max_message = max_message;
}

static void
rewind_streams (DcSender *self)
{
  /* What the last channel did not get round to. Each link must be free before it is pushed again. */
  while (g_queue_pop_head_link (&self->resend))
    ;
  for (guint i = 0; i < DC_LINK_MAX_STREAMS; i++) {
    DcSenderStream *stream = self->streams[i];

    if (stream && dc_sender_stream_rewind (stream, self->arrived) > 0)
      g_queue_push_tail_link (&self->resend, &stream->resend_node);
  }
}

gboolean
dc_sender_resume (DcSender *self, const DcFrameHello *hello, gsize max_message, GError **error)
{
  guint32 missing = (guint32) self->next - hello->next_expected;

  if (missing > self->next - self->arrived)
    return dc_frame_refuse (error, "HELLO frame that expects frame %u where %u to %u are due", hello->next_expected,
        (guint32) self->arrived, (guint32) self->next);
  if (max_message < self->max_message || hello->max_item < self->max_item)
    return dc_frame_refuse (error,
        "HELLO frame that resumes with a lower limit: messages of %" G_GSIZE_FORMAT " bytes where %" G_GSIZE_FORMAT
        " are due, items of %" G_GUINT64_FORMAT " where %" G_GUINT64_FORMAT " are",
        max_message, self->max_message, hello->max_item, self->max_item);

  self->arrived = self->next - missing;
  self->fin_ack_taken = FALSE;
  rewind_streams (self);
  return TRUE;
}

guint64
dc_sender_get_frames_in_flight (const DcSender *self)
{
  return self->sent.frames - self->acked.frames;
}

guint64
dc_sender_get_bytes_in_flight (const DcSender *self)
{
  return self->sent.bytes - self->acked.bytes;
}

guint64
dc_sender_get_window_bytes (const DcSender *self)
{
  return MAX (self->limit.bytes, self->acked.bytes) - self->acked.bytes;
}

static gint64
get_usable_bytes (const DcSender *self)
{
  return MIN (dc_sender_get_window_bytes (self), MAX_BYTES_IN_FLIGHT);
}

static gint64
get_usable_frames (const DcSender *self)
{
  return MIN (MAX (self->limit.frames, self->acked.frames) - self->acked.frames, MAX_FRAMES_IN_FLIGHT);
}

/* How far @stream could fill the window if the others stayed as they are. */
gboolean
dc_sender_has_room (const DcSender *self, guint number)
{
  const DcSenderStream *stream = self->streams[number];
  gint64 bytes, frames, free_bytes, free_frames;

  if (self->fin_queued)
    return FALSE;
  if (!stream || (stream->n_sent == 0 && stream->items.length == 0))
    return TRUE;

  free_bytes = get_usable_bytes (self) - (gint64) dc_sender_get_bytes_in_flight (self) + (gint64) stream->in_flight;
  free_frames = get_usable_frames (self) - (gint64) dc_sender_get_frames_in_flight (self) + stream->n_sent;
  bytes = stream->in_flight + stream->backlog;
  frames = (gint64) stream->n_sent + stream->items.length;
  return (SHARE + 1) * bytes < SHARE * free_bytes && (SHARE + 1) * frames < SHARE * free_frames;
}

static gsize
get_max_body (const DcSender *self)
{
  gsize by_window = MAX (get_usable_bytes (self), DC_FRAME_MIN_WINDOW_BYTES) / 4;

  return MIN (self->max_message - DC_FRAME_HEADER_SIZE, by_window);
}

static DcSenderStream *
get_stream (DcSender *self, guint number)
{
  if (!self->streams[number])
    self->streams[number] = dc_sender_stream_new (number);
  return self->streams[number];
}

void
dc_sender_queue (DcSender *self, DcLinkItem *item, gboolean ack_now)
{
  DcSenderStream *stream = get_stream (self, item->stream);
  guint64 before = stream->backlog;

  if (stream->items.length == 0) {
    stream->deficit = get_max_body (self);
    g_queue_push_tail_link (&self->active, &stream->node);
  }
  dc_sender_stream_queue (stream, item, ack_now);
  self->backlog += stream->backlog - before;
  self->n_waiting++;
}

guint
dc_sender_discard (DcSender *self, guint number)
{
  DcSenderStream *stream = self->streams[number];
  guint64 before;
  guint n;

  if (!stream || stream->items.length == 0)
    return 0;

  before = stream->backlog;
  n = dc_sender_stream_discard (stream);
  self->backlog -= before - stream->backlog;
  self->n_waiting -= n;
  if (stream->items.length == 0)
    g_queue_unlink (&self->active, &stream->node);
  return n;
}

void
dc_sender_finish (DcSender *self)
{
  self->fin_queued = TRUE;
}

guint64
dc_sender_get_unacknowledged (const DcSender *self)
{
  return self->items_sent + self->n_waiting - self->items_acked;
}

/* What credit there is for a frame of @stream, in bytes of its body. */
static gsize
get_credit (const DcSender *self, const DcSenderStream *stream)
{
  gint64 free_bytes = get_usable_bytes (self) - (gint64) dc_sender_get_bytes_in_flight (self);
  gint64 free_frames = get_usable_frames (self) - (gint64) dc_sender_get_frames_in_flight (self);
  gint64 credit = (SHARE * free_bytes - (gint64) stream->in_flight) / (SHARE + 1);

  if (stream->n_sent >= SHARE * free_frames)
    credit = 0;
  if (stream->n_sent == 0)
    credit = MAX (credit, DC_FRAME_RESERVE);
  return CLAMP (credit, 0, (gint64) get_max_body (self));
}

/* The body of the frame that @stream could send next in an empty message; 0: it has to wait for something. */
static gsize
get_next_body (const DcSender *self, const DcSenderStream *stream)
{
  gsize left = dc_sender_stream_get_left (stream);
  gsize max = get_max_body (self);
  gsize credit = get_credit (self, stream);

  if (left <= credit)
    return left;
  if (stream->n_sent > 0 && (left <= max || credit < max / MIN_PIECE))
    return 0;
  return credit;
}

/* Makes *@body fit into @room; FALSE: the next message is better. */
static gboolean
fit (const DcSender *self, const DcSenderStream *stream, gsize room, gsize *body)
{
  gsize max = get_max_body (self);

  if (*body + DC_FRAME_HEADER_SIZE <= room)
    return TRUE;
  if (dc_sender_stream_get_left (stream) <= max || room < DC_FRAME_HEADER_SIZE + max / MIN_PIECE)
    return FALSE;
  *body = room - DC_FRAME_HEADER_SIZE;
  return TRUE;
}

/* The stream whose frame is next; it becomes the head of the active ones. NULL: the message is full, or all must wait. */
static DcSenderStream *
pick (DcSender *self, gsize room, gsize *body)
{
  gsize quantum = get_max_body (self);

  /* Twice round: whoever can send something has enough for it at the second visit. */
  for (guint n = 2 * self->active.length; n > 0; n--) {
    DcSenderStream *stream = self->active.head->data;

    *body = get_next_body (self, stream);
    if (*body > 0 && *body <= stream->deficit)
      return fit (self, stream, room, body) ? stream : NULL;

    stream->deficit = *body > 0 ? stream->deficit + quantum : quantum;
    g_queue_push_tail_link (&self->active, g_queue_pop_head_link (&self->active));
  }
  return NULL;
}

/* FIN is of the whole link: it comes behind what waits on any stream. It has no body, but the reserve may have gone beyond the limit. */
static gboolean
can_send_fin (const DcSender *self)
{
  gboolean has_credit = self->sent.bytes <= self->limit.bytes
                        && (gint64) dc_sender_get_frames_in_flight (self) < get_usable_frames (self);

  if (!self->fin_queued || self->fin_sent || self->active.length > 0)
    return FALSE;
  return has_credit || !self->streams[0] || self->streams[0]->n_sent == 0;
}

gboolean
dc_sender_is_ready (const DcSender *self)
{
  if (self->resend.length > 0 || can_send_fin (self))
    return TRUE;
  for (const GList *node = self->active.head; node; node = node->next)
    if (get_next_body (self, node->data) > 0)
      return TRUE;
  return FALSE;
}

guint64
dc_sender_get_backlog_size (const DcSender *self)
{
  return self->backlog + self->n_waiting * DC_FRAME_HEADER_SIZE;
}

static void
count_sent (DcSender *self, const DcSent *sent)
{
  const DcLinkItem *item = sent->item;
  gboolean last = (sent->flags & DC_FRAME_FLAG_END) != 0;

  self->sent.frames++;
  self->sent.bytes += dc_sent_get_body_size (sent);
  self->next++;
  if (item->kind == DC_LINK_ITEM_FIN)
    return;

  if (item->kind == DC_LINK_ITEM_DATA)
    self->payload_sent += sent->size;
  if (last) {
    self->n_waiting--;
    self->items_sent++;
    self->buffers_sent += item->kind == DC_LINK_ITEM_DATA;
  }
}

static void
send_frame (DcSender *self, DcSenderStream *stream, gsize body, GByteArray *message)
{
  const DcSent *sent = dc_sender_stream_cut (stream, body, self->next);

  stream->deficit -= MIN (body, stream->deficit);
  self->backlog -= body;
  if (stream->items.length == 0)
    g_queue_unlink (&self->active, &stream->node);
  dc_sent_write (sent, message);
  count_sent (self, sent);
}

static void
send_fin (DcSender *self, GByteArray *message)
{
  DcSenderStream *stream = get_stream (self, 0);
  const DcSent *sent;

  dc_sender_stream_queue (stream, dc_link_item_new (DC_LINK_ITEM_FIN), TRUE);
  sent = dc_sender_stream_cut (stream, 0, self->next);
  dc_sent_write (sent, message);
  count_sent (self, sent);
  self->fin_sent = TRUE;
}

/* The stream that has the oldest of the frames to be sent again: they must come in their order. */
static DcSenderStream *
pick_resend (const DcSender *self)
{
  DcSenderStream *oldest = self->resend.head->data;

  for (const GList *node = self->resend.head->next; node; node = node->next) {
    DcSenderStream *stream = node->data;

    if (dc_sender_stream_peek_resend (stream)->sequence < dc_sender_stream_peek_resend (oldest)->sequence)
      oldest = stream;
  }
  return oldest;
}

static guint
fill_with_old (DcSender *self, GByteArray *message)
{
  guint n = 0;

  while (self->resend.length > 0) {
    DcSenderStream *stream = pick_resend (self);
    const DcSent *sent = dc_sender_stream_peek_resend (stream);

    if (message->len + DC_FRAME_HEADER_SIZE + dc_sent_get_body_size (sent) > self->max_message)
      break;
    dc_sent_write (sent, message);
    if (++stream->n_out == stream->n_sent)
      g_queue_unlink (&self->resend, &stream->resend_node);
    n++;
  }
  self->frames_resent += n;
  return n;
}

guint
dc_sender_fill (DcSender *self, GByteArray *message)
{
  guint n = fill_with_old (self, message);
  DcSenderStream *stream;
  gsize body;

  if (self->resend.length > 0)
    return n;

  while ((stream = pick (self, self->max_message - message->len, &body))) {
    send_frame (self, stream, body, message);
    n++;
  }
  if (can_send_fin (self) && message->len + DC_FRAME_HEADER_SIZE <= self->max_message) {
    send_fin (self, message);
    n++;
  }
  return n;
}

static void
acknowledge (DcSender *self, DcSenderStream *stream, guint n)
{
  DcAcknowledged done = {.next = self->arrived};

  dc_sender_stream_acknowledge (stream, n, &done);
  self->acked.frames += n;
  self->acked.bytes += done.bytes;
  self->items_acked += done.items;
  self->arrived = MAX (self->arrived, done.next);
}

static gboolean
raise_limit (DcSender *self, const DcFrameCredit *credit, GError **error)
{
  guint32 bytes = credit->limit_bytes - (guint32) self->limit.bytes;
  guint32 frames = credit->limit_frames - (guint32) self->limit.frames;
  DcPosition limit = {self->limit.frames + frames, self->limit.bytes + bytes};

  /* Serial numbers: one of the past is a large step forward. */
  if (bytes > DC_FRAME_MAX_WINDOW || frames > DC_FRAME_MAX_WINDOW)
    return dc_frame_refuse (error,
        "CREDIT frame that takes back credit: limits of %u bytes and %u frames where %u and %u stand",
        credit->limit_bytes, credit->limit_frames, (guint32) self->limit.bytes, (guint32) self->limit.frames);
  bytes = MIN (limit.bytes - self->acked.bytes, G_MAXUINT32);
  frames = MIN (limit.frames - self->acked.frames, G_MAXUINT32);
  if (bytes < DC_FRAME_MIN_WINDOW_BYTES || bytes > DC_FRAME_MAX_WINDOW || frames < DC_FRAME_MIN_WINDOW_FRAMES
      || frames > DC_FRAME_MAX_WINDOW)
    return dc_frame_refuse (error,
        "CREDIT frame that makes the window %u bytes and %u frames where from %u bytes and %u frames to %u of each are "
        "due",
        bytes, frames, DC_FRAME_MIN_WINDOW_BYTES, DC_FRAME_MIN_WINDOW_FRAMES, DC_FRAME_MAX_WINDOW);

  self->limit = limit;
  return TRUE;
}

gboolean
dc_sender_credit (DcSender *self, guint number, const DcFrameCredit *credit, GError **error)
{
  DcSenderStream *stream = self->streams[number];
  guint32 acked = stream ? stream->n_acked : 0;
  guint n_out = stream ? stream->n_out : 0;
  guint32 n = credit->acknowledged - acked;

  if (n > n_out)
    return dc_frame_refuse (error, "CREDIT frame for %u frames of the stream %u where %u to %u are due",
        credit->acknowledged, number, acked, acked + n_out);
  if (n > 0)
    acknowledge (self, stream, n);
  return raise_limit (self, credit, error);
}

gboolean
dc_sender_fin_ack (DcSender *self, GError **error)
{
  if (!self->fin_sent || self->resend.length > 0)
    return dc_frame_refuse (error, "FIN-ACK frame where no FIN was sent");
  if (self->fin_ack_taken)
    return dc_frame_refuse (error, "FIN-ACK frame for the second time");

  self->fin_ack_taken = self->fin_acked = TRUE;
  for (guint i = 0; i < DC_LINK_MAX_STREAMS; i++)
    if (self->streams[i])
      acknowledge (self, self->streams[i], self->streams[i]->n_sent);
  return TRUE;
}
