/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-link.c: one end of a link: the two halves, what arrives, and how it ends. */

/*
 * Goals: what one application hands over reaches the other, in order and whole, or both learn that it did not; a slow
 * consumer slows its producer, and no other; memory is bounded at both ends, whatever the far side does; the link
 * outlives the channel that it runs on.
 *
 * States:
 *
 *   new        our HELLO is to be sent, theirs has not come. dc_link_finish() and dc_link_abort() are allowed.
 *   open       their HELLO has come: items cross, both ways. Each direction ends by itself with FIN and FIN-ACK, and the
 *              link stays open: heartbeats go on until the owner closes the channel.
 *   suspended  an open link whose channel is lost, see dc-link-session.c. Items are queued, popped and consumed as before.
 *   ended      with an error that stays: ours (their frame was wrong, they were silent), theirs (ABORT), or the
 *              application's. An ABORT tells the far side, unless it was they who aborted. Nothing else is sent or taken;
 *              what came whole before can still be popped, unless it was our application that aborted.
 *
 * Data flow: dc_link_send() queues in DcSender; dc_link_poll_transmit() (dc-link-transmit.c) writes control frames first,
 * then has DcSender fill the message. dc_link_receive() passes sequenced frames to DcReceiver, from which dc_link_pop()
 * takes items; dc_link_consume() is what gives credit back.
 *
 * Work and memory per received byte are bounded: a frame costs O(1); of many PINGs only the latest few are answered.
 */
#include "plugins/link/dc-link-private.h"

#include <string.h>

#define DEFAULT_MAX_MESSAGE 65536
#define DEFAULT_WINDOW_BYTES (4 * 1024 * 1024)
#define BYTES_PER_FRAME 256 /* of the window, when its frames are not configured */
#define DEFAULT_HEARTBEAT G_TIME_SPAN_SECOND
#define DEFAULT_TIMEOUT (5 * G_TIME_SPAN_SECOND)

static void
fill_in_defaults (DcLinkConfig *config)
{
  if (config->session == 0)
    config->session = 1;
  if (config->max_message == 0)
    config->max_message = DEFAULT_MAX_MESSAGE;
  if (config->window_bytes == 0)
    config->window_bytes = DEFAULT_WINDOW_BYTES;
  if (config->window_frames == 0)
    config->window_frames = MAX (config->window_bytes / BYTES_PER_FRAME, 1);
  if (config->max_item == 0)
    config->max_item = DC_LINK_DEFAULT_MAX_ITEM;
  if (config->heartbeat == 0)
    config->heartbeat = DEFAULT_HEARTBEAT;
  if (config->timeout == 0)
    config->timeout = DEFAULT_TIMEOUT;

  config->max_message = CLAMP (config->max_message, DC_FRAME_MIN_MESSAGE, G_MAXINT32);
  config->window_bytes = CLAMP (config->window_bytes, DC_FRAME_MIN_WINDOW_BYTES, DC_FRAME_MAX_WINDOW);
  config->window_frames = MIN (config->window_frames, DC_FRAME_MAX_WINDOW);
}

/**
 * dc_link_new:
 * @config: zeros are the defaults; numbers that the protocol does not allow are moved to the nearest that it does
 * @now: from here on the far side has @config's timeout to say HELLO
 *
 * Returns: (transfer full): a link whose HELLO is ready to be transmitted
 */
DcLink *
dc_link_new (const DcLinkConfig *config, gint64 now)
{
  DcLink *self = g_new0 (DcLink, 1);

  self->config = *config;
  fill_in_defaults (&self->config);
  dc_sender_init (&self->sender, self->config.first_sequence);
  dc_receiver_init (&self->receiver, self->config.window_bytes, self->config.window_frames, self->config.max_item, now);
  dc_heartbeat_init (&self->heartbeat);
  dc_rate_init (&self->send_rate, now);
  dc_rate_init (&self->receive_rate, now);
  self->has_channel = TRUE;
  self->suspended_at = -1;
  self->last_sent = self->last_received = now;
  self->credit_deadline = -1;

  return self;
}

void
dc_link_free (DcLink *self)
{
  if (!self)
    return;

  dc_sender_clear (&self->sender);
  dc_receiver_clear (&self->receiver);
  g_clear_error (&self->error);
  g_free (self->lost_reason);
  g_free (self->abort_reason);
  g_free (self);
}

gboolean
dc_link_is_open (const DcLink *self)
{
  return self->opened && !self->error;
}

const GError *
dc_link_get_error (const DcLink *self)
{
  return self->error;
}

/* @fault (transfer full): what was wrong with a frame. */
static void
end_for_fault (DcLink *self, GError *fault)
{
  g_autofree char *reason = g_steal_pointer (&fault->message);

  if (fault->code == DC_LINK_ERROR_VERSION) {
    fault->message = g_strdup (reason);
    dc_link_end (self, fault, DC_FRAME_ABORT_VERSION, reason);
    return;
  }
  fault->message = g_strdup_printf ("the far side broke the link protocol: %s", reason);
  dc_link_end (self, fault, DC_FRAME_ABORT_PROTOCOL, reason);
}

/**
 * dc_link_abort:
 * @self: a link; one that has ended already stays as it is
 * @reason: a sentence for the far side; what is over 1024 bytes is cut off. It hears nothing if there is no channel
 */
void
dc_link_abort (DcLink *self, const char *reason)
{
  g_return_if_fail (reason != NULL);

  if (self->error)
    return;

  dc_link_end (self,
      g_error_new (DC_LINK_ERROR, DC_LINK_ERROR_ABORTED, "the link was aborted on this side: %s", reason),
      DC_FRAME_ABORT_APPLICATION, reason);
  dc_receiver_drop (&self->receiver);
}

/* --- sending --- */

gboolean
dc_link_can_send (const DcLink *self, guint stream)
{
  return stream < DC_LINK_MAX_STREAMS && dc_link_is_open (self) && dc_sender_has_room (&self->sender, stream);
}

static gboolean
is_caps_text (const DcLinkItem *item)
{
  gsize size = dc_item_get_size (item);

  return item->kind != DC_LINK_ITEM_CAPS || size == 0
         || g_utf8_validate_len (g_bytes_get_data (item->payload, NULL), size, NULL);
}

/**
 * dc_link_send:
 * @self: a link with dc_link_can_send() for the stream of @item
 * @item: (transfer full): anything but a FIN; caps must be UTF-8
 * @ack_now: ask the far side to acknowledge as soon as its application has consumed the item
 * @error: %DC_LINK_ERROR_TOO_LARGE, after which the link goes on without the item
 */
gboolean
dc_link_send (DcLink *self, DcLinkItem *item, gboolean ack_now, GError **error)
{
  gsize size = dc_item_get_size (item);

  if (!dc_link_can_send (self, item->stream) || item->kind == DC_LINK_ITEM_FIN || !is_caps_text (item)) {
    dc_link_item_free (item);
    g_return_val_if_reached (FALSE);
  }

  if (size > self->sender.max_item) {
    g_set_error (error, DC_LINK_ERROR, DC_LINK_ERROR_TOO_LARGE,
        "an item of %" G_GSIZE_FORMAT " bytes was not sent: the far side takes at most %" G_GUINT64_FORMAT, size,
        self->sender.max_item);
    dc_link_item_free (item);
    return FALSE;
  }
  dc_sender_queue (&self->sender, item, ack_now);
  return TRUE;
}

/**
 * dc_link_discard:
 *
 * Returns: the number of items of @stream that were taken back; one of which a part was already sent goes on
 */
guint
dc_link_discard (DcLink *self, guint stream)
{
  g_return_val_if_fail (stream < DC_LINK_MAX_STREAMS, 0);

  return dc_sender_discard (&self->sender, stream);
}

void
dc_link_finish (DcLink *self)
{
  if (!self->error)
    dc_sender_finish (&self->sender);
}

gboolean
dc_link_is_finished (const DcLink *self)
{
  return self->sender.fin_acked;
}

/* --- receiving --- */

void
dc_link_schedule_credit (DcLink *self, gint64 now)
{
  if (self->error || !dc_receiver_has_credit (&self->receiver))
    return;

  if (dc_receiver_is_urgent (&self->receiver))
    self->credit_deadline = now;
  else if (self->credit_deadline < 0)
    self->credit_deadline = now + DC_WINDOW_CREDIT_DELAY;
}

static gboolean
take_pong (DcLink *self, guint64 ping, gint64 now, GError **error)
{
  gint64 sent;

  if (!dc_heartbeat_take_pong (&self->heartbeat, ping, now, &sent, error))
    return FALSE;
  if (sent >= 0)
    dc_window_take_rtt (&self->receiver.window, sent, now);
  if (self->fin_ack_ping > 0 && ping >= self->fin_ack_ping)
    self->fin_ack_arrived = TRUE;
  if (ping >= self->probes_from)
    self->n_probes = 0;
  return TRUE;
}

/* Control characters would reach the terminal of whoever reads the error. */
static char *
get_printable_reason (const DcFrame *frame)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const char *p = (const char *) frame->payload;
  const char *end = p + frame->payload_size;

  for (; p < end; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    g_string_append_unichar (text, g_unichar_isprint (c) ? c : ' ');
  }
  g_strstrip (text->str);
  return g_strdup (*text->str ? text->str : "the far side aborted and gave no reason");
}

static gboolean
take_abort (DcLink *self, const DcFrame *frame)
{
  g_autofree char *reason = get_printable_reason (frame);
  DcLinkError code = DC_LINK_ERROR_ABORTED;

  if (frame->code == DC_FRAME_ABORT_VERSION)
    code = DC_LINK_ERROR_VERSION;
  else if (frame->code == DC_FRAME_ABORT_SESSION)
    code = DC_LINK_ERROR_RESUME;
  dc_link_end (self, g_error_new_literal (DC_LINK_ERROR, code, reason), 0, NULL);
  return FALSE;
}

/* FALSE: @fault says what was wrong with the frame, or the link has ended for another reason. */
static gboolean
take_frame (DcLink *self, const DcFrame *frame, GBytes *message, gint64 now, GError **fault)
{
  const char *name = dc_frame_type_get_name (frame->type);

  if (frame->type == DC_FRAME_ABORT)
    return take_abort (self, frame);
  if (frame->type == DC_FRAME_HELLO && self->hello_received)
    return dc_frame_refuse (fault, "HELLO frame for the second time");
  if (frame->type != DC_FRAME_HELLO && !self->hello_received)
    return dc_frame_refuse (fault, "%s frame before the HELLO", name);

  switch (frame->type) {
    case DC_FRAME_HELLO:
      return dc_link_take_hello (self, &frame->hello, now, fault);
    case DC_FRAME_CREDIT:
      return dc_sender_credit (&self->sender, frame->stream, &frame->credit, fault);
    case DC_FRAME_PING:
      dc_heartbeat_take_ping (&self->heartbeat, frame->ping);
      return TRUE;
    case DC_FRAME_PONG:
      return take_pong (self, frame->ping, now, fault);
    case DC_FRAME_FIN_ACK:
      return dc_sender_fin_ack (&self->sender, fault);
    default:
      return dc_receiver_take (&self->receiver, frame, message, now, fault);
  }
}

static gboolean
take_message (DcLink *self, GBytes *message, gint64 now, GError **fault)
{
  gsize size, position = 0;
  const guint8 *data = g_bytes_get_data (message, &size);
  DcFrame frame;

  if (size == 0)
    return dc_frame_refuse (fault, "message without a frame");
  if (size > self->config.max_message)
    return dc_frame_refuse (fault, "message of %" G_GSIZE_FORMAT " bytes where at most %" G_GSIZE_FORMAT " are due",
        size, self->config.max_message);

  while (position < size) {
    if (!dc_frame_parse (data, size, &position, &frame, fault))
      return FALSE;
    self->frames_received++;
    if (!take_frame (self, &frame, message, now, fault))
      return FALSE;
  }
  return TRUE;
}

/**
 * dc_link_is_abort:
 * @message: a message that came
 *
 * Looks at the first frame, for who wants to know it before a link may have the message.
 *
 * Returns: %TRUE if it is an ABORT
 */
gboolean
dc_link_is_abort (GBytes *message)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (message, &size);

  return size > 0 && data[0] == DC_FRAME_ABORT;
}

/**
 * dc_link_receive:
 * @message: of the channel as it is now; without one it is ignored
 */
/**
 * dc_link_heard:
 * @self: a link
 * @now: when
 *
 * Under heavy loss the retransmissions of a transport can hold messages up for longer than the timeout; what it receives shows that the far
 * side is there.
 */
void
dc_link_heard (DcLink *self, gint64 now)
{
  if (!self->error && self->has_channel)
    self->last_received = MAX (self->last_received, now);
}

gboolean
dc_link_receive (DcLink *self, GBytes *message, gint64 now, GError **error)
{
  GError *fault = NULL;

  if (!self->error && self->has_channel) {
    self->last_received = now;
    self->messages_received++;
    take_message (self, message, now, &fault);
    if (fault)
      end_for_fault (self, fault);
    dc_link_schedule_credit (self, now);
    dc_rate_update (&self->receive_rate, self->receiver.payload_received, now);
  }

  if (self->error && error)
    *error = g_error_copy (self->error);
  return self->error == NULL;
}

guint
dc_link_get_n_streams (const DcLink *self)
{
  return self->receiver.n_streams;
}

gboolean
dc_link_has_item (const DcLink *self, guint stream)
{
  return stream < DC_LINK_MAX_STREAMS && dc_receiver_has_item (&self->receiver, stream);
}

/**
 * dc_link_pop:
 *
 * After an error that came from outside, what was received whole before it is still handed out; after dc_link_abort()
 * nothing is.
 *
 * Returns: (transfer full) (nullable): the next item of @stream
 */
DcLinkItem *
dc_link_pop (DcLink *self, guint stream)
{
  g_return_val_if_fail (stream < DC_LINK_MAX_STREAMS, NULL);

  return dc_receiver_pop (&self->receiver, stream);
}

void
dc_link_consume (DcLink *self, guint stream, gint64 now)
{
  g_return_if_fail (stream < DC_LINK_MAX_STREAMS);

  dc_receiver_consume (&self->receiver, stream, now);
  dc_link_schedule_credit (self, now);
}

/**
 * dc_link_accept_fin:
 *
 * FIN-ACK acknowledges what came on every stream, whether it was popped or not.
 */
void
dc_link_accept_fin (DcLink *self, gint64 now)
{
  g_return_if_fail (self->receiver.fin_popped);

  if (self->receiver.fin_accepted)
    return;

  dc_link_consume (self, 0, now);
  dc_receiver_accept_fin (&self->receiver);
  self->credit_deadline = -1;
  self->fin_ack_queued = TRUE;
}

/**
 * dc_link_is_settled:
 *
 * Returns: %TRUE if the channel may be closed without the far side missing anything: our FIN-ACK, if one was due, is
 *   known to have arrived. After an error never: whether an ABORT arrived cannot be known
 */
gboolean
dc_link_is_settled (const DcLink *self)
{
  return self->error == NULL && (!self->receiver.fin_accepted || self->fin_ack_arrived);
}

void
dc_link_get_stats (const DcLink *self, DcLinkStats *stats)
{
  const DcSender *sender = &self->sender;
  const DcReceiver *receiver = &self->receiver;

  *stats = (DcLinkStats){
      .items_sent = sender->items_sent,
      .items_acked = sender->items_acked,
      .items_received = receiver->items_received,
      .buffers_sent = sender->buffers_sent,
      .buffers_received = receiver->buffers_received,
      .bytes_sent = sender->payload_sent,
      .bytes_received = receiver->payload_received,
      .send_rate = dc_rate_get (&self->send_rate),
      .receive_rate = dc_rate_get (&self->receive_rate),
      .frames_sent = self->frames_sent,
      .frames_received = self->frames_received,
      .messages_sent = self->messages_sent,
      .messages_received = self->messages_received,
      .in_flight_bytes = dc_sender_get_bytes_in_flight (sender),
      .in_flight_frames = dc_sender_get_frames_in_flight (sender),
      .waiting_bytes = sender->backlog,
      .window_bytes = dc_sender_get_window_bytes (sender),
      .receive_window_bytes = dc_receiver_get_window_bytes (receiver),
      .queued_bytes = receiver->queued_bytes,
      .rtt = self->heartbeat.rtt,
      .rtt_smoothed = self->heartbeat.rtt_smoothed,
      .rtt_min = receiver->window.rtt_min,
      .resumes = self->resumes,
      .frames_resent = sender->frames_resent,
  };
}
