/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-link.c: one end of a link: the two halves, HELLO, heartbeat, errors and what goes into a message. */

/*
 * Goals: what one application hands over reaches the other, in order and whole, or both learn that it did not; a slow
 * consumer slows its producer; memory is bounded at both ends, whatever the far side does; a silent far side is
 * noticed.
 *
 * States:
 *
 *   new    our HELLO is to be sent, theirs has not come. dc_link_finish() and dc_link_abort() are allowed.
 *   open   their HELLO has come: items cross, both ways. Each direction ends by itself with FIN and FIN-ACK, and the
 *          link stays open: heartbeats go on until the owner closes the channel.
 *   ended  with an error that stays: ours (their frame was wrong, they were silent), theirs (ABORT), or the
 *          application's. An ABORT tells the far side, unless it was they who aborted. Nothing else is sent or taken;
 *          what came whole before can still be popped, unless it was our application that aborted.
 *
 * Data flow: dc_link_send() queues in DcSender; dc_link_poll_transmit() writes control frames first, then has DcSender
 * fill the message. dc_link_receive() passes sequenced frames to DcReceiver, from which dc_link_pop() takes items;
 * dc_link_consume() is what gives credit back.
 *
 * Deadlines: CREDIT at once when the far side may be waiting for it, else with the next message, at most 20 ms after
 * consumption. A PING after a heartbeat without sending, and every heartbeat while something is in flight, to measure
 * the round trip. An error after the timeout without receiving, counted from dc_link_new() on.
 *
 * Work and memory per received byte are bounded: a frame costs O(1); of many PINGs only the latest few are answered.
 */
#include "plugins/link/dc-receiver.h"
#include "plugins/link/dc-sender.h"

#include <string.h>

#define DEFAULT_MAX_MESSAGE 65536
#define DEFAULT_WINDOW_BYTES (4 * 1024 * 1024)
#define DEFAULT_WINDOW_FRAMES 4096
#define DEFAULT_MAX_ITEM (64 * 1024 * 1024)
#define DEFAULT_HEARTBEAT G_TIME_SPAN_SECOND
#define DEFAULT_TIMEOUT (5 * G_TIME_SPAN_SECOND)

#define CREDIT_DELAY (20 * G_TIME_SPAN_MILLISECOND)

/* PINGs of ours that can still be answered, PONGs of ours that can wait to be sent. */
#define MAX_PINGS 16
#define MAX_PONGS 4

/* HELLO, or every other control frame together, ABORT apart: what a message is allocated for beside the items. */
#define CONTROL_SIZE 256

struct _DcLink {
  DcLinkConfig config; /* defaults filled in */
  DcSender sender;
  DcReceiver receiver;

  gboolean hello_sent, hello_received;
  GError *error;      /* set: ended */
  char *abort_reason; /* to be sent, or NULL */
  DcFrameAbortCode abort_code;

  gint64 last_sent, last_received;
  gint64 credit_deadline; /* or -1 */
  gboolean fin_ack_queued;
  guint64 fin_ack_ping; /* the PING sent right behind our FIN-ACK; 0: none yet, or answered */

  gint64 last_ping;
  guint64 n_pings;           /* sent; the number in the latest */
  gint64 pings[MAX_PINGS];   /* when each was sent, by number modulo; -1: answered */
  guint64 pongs[MAX_PONGS];  /* to be sent: a ring */
  guint64 n_pongs, n_ponged; /* ever asked for and ever answered or given up */
  gint64 rtt, rtt_smoothed;

  guint64 frames_sent, frames_received, messages_sent, messages_received;
};

static void
fill_in_defaults (DcLinkConfig *config)
{
  if (config->max_message == 0)
    config->max_message = DEFAULT_MAX_MESSAGE;
  if (config->window_bytes == 0)
    config->window_bytes = DEFAULT_WINDOW_BYTES;
  if (config->window_frames == 0)
    config->window_frames = DEFAULT_WINDOW_FRAMES;
  if (config->max_item == 0)
    config->max_item = DEFAULT_MAX_ITEM;
  if (config->heartbeat == 0)
    config->heartbeat = DEFAULT_HEARTBEAT;
  if (config->timeout == 0)
    config->timeout = DEFAULT_TIMEOUT;

  config->max_message = CLAMP (config->max_message, DC_FRAME_MIN_MESSAGE, G_MAXINT32);
  config->window_bytes = MAX (config->window_bytes, DC_FRAME_MIN_WINDOW_BYTES);
  config->window_frames = MIN (config->window_frames, DC_FRAME_MAX_WINDOW_FRAMES);
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
  dc_receiver_init (&self->receiver, self->config.window_bytes, self->config.window_frames, self->config.max_item);
  self->last_sent = self->last_received = self->last_ping = now;
  self->credit_deadline = -1;
  self->rtt = self->rtt_smoothed = -1;

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
  g_free (self->abort_reason);
  g_free (self);
}

gboolean
dc_link_is_open (const DcLink *self)
{
  return self->hello_received && !self->error;
}

const GError *
dc_link_get_error (const DcLink *self)
{
  return self->error;
}

/* The longest start of @reason that an ABORT can carry. */
static char *
fit_reason (const char *reason)
{
  g_autofree char *valid = g_utf8_make_valid (reason, -1);
  gsize size = strlen (valid);
  const char *end;

  if (size > DC_FRAME_MAX_REASON) {
    end = g_utf8_find_prev_char (valid, valid + DC_FRAME_MAX_REASON + 1);
    size = end - valid;
  }
  return g_strndup (valid, size);
}

/* Ends the link with @error (transfer full); @reason: what the far side is told, or NULL. */
static void
end_link (DcLink *self, GError *error, DcFrameAbortCode code, const char *reason)
{
  self->error = error;
  self->credit_deadline = -1;
  if (reason) {
    self->abort_code = code;
    self->abort_reason = fit_reason (reason);
  }
}

/* @fault (transfer full): what was wrong with a frame. */
static void
end_for_fault (DcLink *self, GError *fault)
{
  g_autofree char *reason = g_steal_pointer (&fault->message);

  if (fault->code == DC_LINK_ERROR_VERSION) {
    fault->message = g_strdup (reason);
    end_link (self, fault, DC_FRAME_ABORT_VERSION, reason);
    return;
  }
  fault->message = g_strdup_printf ("the far side broke the link protocol: %s", reason);
  end_link (self, fault, DC_FRAME_ABORT_PROTOCOL, reason);
}

/**
 * dc_link_abort:
 * @self: a link; one that has ended already stays as it is
 * @reason: a sentence for the far side; what is over 1024 bytes is cut off
 */
void
dc_link_abort (DcLink *self, const char *reason)
{
  g_return_if_fail (reason != NULL);

  if (self->error)
    return;

  end_link (self, g_error_new (DC_LINK_ERROR, DC_LINK_ERROR_ABORTED, "the link was aborted on this side: %s", reason),
      DC_FRAME_ABORT_APPLICATION, reason);
  dc_receiver_clear (&self->receiver);
}

gboolean
dc_link_can_send (const DcLink *self)
{
  return dc_link_is_open (self) && dc_sender_has_room (&self->sender);
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
 * @self: a link with dc_link_can_send()
 * @item: (transfer full): anything but a FIN; caps must be UTF-8
 * @ack_now: ask the far side to acknowledge as soon as its application has consumed the item
 * @error: %DC_LINK_ERROR_TOO_LARGE, after which the link goes on without the item
 */
gboolean
dc_link_send (DcLink *self, DcLinkItem *item, gboolean ack_now, GError **error)
{
  gsize size = dc_item_get_size (item);

  if (!dc_link_can_send (self) || item->kind == DC_LINK_ITEM_FIN || !is_caps_text (item)) {
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

static void
schedule_credit (DcLink *self, gint64 now)
{
  if (self->error || !dc_receiver_has_credit (&self->receiver))
    return;

  if (dc_receiver_is_urgent (&self->receiver))
    self->credit_deadline = now;
  else if (self->credit_deadline < 0)
    self->credit_deadline = now + CREDIT_DELAY;
}

static gboolean
take_hello (DcLink *self, const DcFrameHello *hello, gint64 now)
{
  gsize max_message = MIN (self->config.max_message, hello->max_message);

  if (hello->resume != 0) {
    g_autofree char *reason = g_strdup_printf ("the HELLO wants to go on with session %016" G_GINT64_MODIFIER
                                               "x from frame %u, but this is a new link; start both sides anew",
        hello->resume, hello->next_expected);

    end_link (self, g_error_new (DC_LINK_ERROR, DC_LINK_ERROR_PROTOCOL, "the far side cannot be served: %s", reason),
        DC_FRAME_ABORT_SESSION, reason);
    return FALSE;
  }

  dc_sender_open (&self->sender, hello, max_message);
  dc_receiver_open (&self->receiver, hello->first_sequence);
  self->hello_received = TRUE;
  self->last_ping = now;
  return TRUE;
}

static void
take_ping (DcLink *self, guint64 ping)
{
  self->pongs[self->n_pongs++ % MAX_PONGS] = ping;
  if (self->n_pongs - self->n_ponged > MAX_PONGS)
    self->n_ponged = self->n_pongs - MAX_PONGS;
}

static gboolean
take_pong (DcLink *self, guint64 ping, gint64 now, GError **error)
{
  gint64 *sent = &self->pings[ping % MAX_PINGS];

  if (ping == 0 || ping > self->n_pings)
    return dc_frame_refuse (error, "PONG frame for a PING that was not sent");
  if (self->n_pings - ping >= MAX_PINGS || *sent < 0)
    return TRUE;

  self->rtt = MAX (now - *sent, 0);
  self->rtt_smoothed = self->rtt_smoothed < 0 ? self->rtt : (7 * self->rtt_smoothed + self->rtt) / 8;
  *sent = -1;
  if (ping >= self->fin_ack_ping)
    self->fin_ack_ping = 0;
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
  int code = frame->code == DC_FRAME_ABORT_VERSION ? DC_LINK_ERROR_VERSION : DC_LINK_ERROR_ABORTED;

  end_link (self, g_error_new_literal (DC_LINK_ERROR, code, reason), 0, NULL);
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
      return take_hello (self, &frame->hello, now);
    case DC_FRAME_CREDIT:
      return dc_sender_credit (&self->sender, &frame->credit, fault);
    case DC_FRAME_PING:
      take_ping (self, frame->ping);
      return TRUE;
    case DC_FRAME_PONG:
      return take_pong (self, frame->ping, now, fault);
    case DC_FRAME_FIN_ACK:
      return dc_sender_fin_ack (&self->sender, fault);
    default:
      return dc_receiver_take (&self->receiver, frame, message, fault);
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

gboolean
dc_link_receive (DcLink *self, GBytes *message, gint64 now, GError **error)
{
  GError *fault = NULL;

  if (!self->error) {
    self->last_received = now;
    self->messages_received++;
    take_message (self, message, now, &fault);
    if (fault)
      end_for_fault (self, fault);
    schedule_credit (self, now);
  }

  if (self->error && error)
    *error = g_error_copy (self->error);
  return self->error == NULL;
}

/**
 * dc_link_pop:
 *
 * After an error that came from outside, what was received whole before it is still handed out; after dc_link_abort()
 * nothing is.
 *
 * Returns: (transfer full) (nullable): the next item
 */
DcLinkItem *
dc_link_pop (DcLink *self)
{
  return dc_receiver_pop (&self->receiver);
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
  return self->error == NULL && !self->fin_ack_queued && self->fin_ack_ping == 0;
}

void
dc_link_consume (DcLink *self, gint64 now)
{
  dc_receiver_consume (&self->receiver);
  schedule_credit (self, now);
}

void
dc_link_accept_fin (DcLink *self, gint64 now)
{
  g_return_if_fail (self->receiver.fin_popped);

  if (self->receiver.fin_accepted)
    return;

  self->receiver.fin_accepted = TRUE;
  self->fin_ack_queued = TRUE;
  dc_link_consume (self, now);
}

static gint64
get_ping_deadline (const DcLink *self)
{
  gboolean in_flight = dc_sender_get_frames_in_flight (&self->sender) > 0;

  return (in_flight ? self->last_ping : self->last_sent) + self->config.heartbeat;
}

static gint64
get_silence_deadline (const DcLink *self)
{
  return self->last_received + self->config.timeout;
}

static void
write_frame (DcLink *self, GByteArray *message, const DcFrame *frame)
{
  dc_frame_write (message, frame);
  self->frames_sent++;
}

static void
write_hello (DcLink *self, GByteArray *message)
{
  const DcLinkConfig *config = &self->config;
  DcFrame frame = {
      .type = DC_FRAME_HELLO,
      .hello =
          {
              .version_min = DC_FRAME_VERSION_MIN,
              .version_max = DC_FRAME_VERSION_MAX,
              .session = config->session,
              .first_sequence = config->first_sequence,
              .window_bytes = config->window_bytes,
              .window_frames = config->window_frames,
              .max_message = config->max_message,
              .max_item = config->max_item,
              .heartbeat = MIN (config->heartbeat / G_TIME_SPAN_MILLISECOND, G_MAXUINT32),
          },
  };

  write_frame (self, message, &frame);
  self->hello_sent = TRUE;
}

static void
write_abort (DcLink *self, GByteArray *message)
{
  g_autofree char *reason = g_steal_pointer (&self->abort_reason);
  DcFrame frame = {
      .type = DC_FRAME_ABORT,
      .code = self->abort_code,
      .payload = (const guint8 *) reason,
      .payload_size = strlen (reason),
  };

  write_frame (self, message, &frame);
}

static void
write_ping (DcLink *self, GByteArray *message, gint64 now)
{
  DcFrame frame = {.type = DC_FRAME_PING, .ping = ++self->n_pings};

  self->pings[self->n_pings % MAX_PINGS] = now;
  self->last_ping = now;
  write_frame (self, message, &frame);
}

static void
write_pongs (DcLink *self, GByteArray *message)
{
  for (; self->n_ponged < self->n_pongs; self->n_ponged++) {
    DcFrame frame = {.type = DC_FRAME_PONG, .ping = self->pongs[self->n_ponged % MAX_PONGS]};

    write_frame (self, message, &frame);
  }
}

static void
write_fin_ack (DcLink *self, GByteArray *message, gint64 now)
{
  DcFrame frame = {.type = DC_FRAME_FIN_ACK};

  write_frame (self, message, &frame);
  self->fin_ack_queued = FALSE;
  /* The channel is ordered: the answer to this PING proves that the FIN-ACK arrived. */
  write_ping (self, message, now);
  self->fin_ack_ping = self->n_pings;
}

static void
write_credit (DcLink *self, GByteArray *message)
{
  DcFrame frame = {.type = DC_FRAME_CREDIT};

  dc_receiver_take_credit (&self->receiver, &frame.credit);
  write_frame (self, message, &frame);
  self->credit_deadline = -1;
}

/* Something must go out now; while the far HELLO is missing, nothing but ours. */
static gboolean
is_ready (const DcLink *self, gint64 now)
{
  if (self->error)
    return self->abort_reason != NULL;
  if (!self->hello_sent || !self->hello_received)
    return !self->hello_sent;
  return self->n_ponged < self->n_pongs || self->fin_ack_queued || now >= get_ping_deadline (self)
         || (self->credit_deadline >= 0 && now >= self->credit_deadline) || dc_sender_is_ready (&self->sender);
}

static void
write_message (DcLink *self, GByteArray *message, gint64 now)
{
  if (self->error) {
    write_abort (self, message);
    return;
  }
  if (!self->hello_sent) {
    write_hello (self, message);
    return;
  }

  write_pongs (self, message);
  if (now >= get_ping_deadline (self))
    write_ping (self, message, now);
  /* There will be a message, so an acknowledgement that could wait costs next to nothing in it. */
  if (dc_receiver_has_credit (&self->receiver))
    write_credit (self, message);
  if (self->fin_ack_queued)
    write_fin_ack (self, message, now);
  self->frames_sent += dc_sender_fill (&self->sender, message);
}

GBytes *
dc_link_poll_transmit (DcLink *self, gint64 now)
{
  guint64 size = CONTROL_SIZE + dc_sender_get_backlog_size (&self->sender);
  GByteArray *message;

  if (!is_ready (self, now))
    return NULL;

  message = g_byte_array_sized_new (MIN (size, self->config.max_message));
  write_message (self, message, now);
  self->last_sent = now;
  self->messages_sent++;
  return g_byte_array_free_to_bytes (message);
}

gint64
dc_link_get_deadline (const DcLink *self)
{
  gint64 deadline = get_silence_deadline (self);

  if (self->error)
    return -1;
  if (self->hello_received)
    deadline = MIN (deadline, get_ping_deadline (self));
  if (self->credit_deadline >= 0)
    deadline = MIN (deadline, self->credit_deadline);
  return deadline;
}

static char *
describe_span (gint64 span)
{
  if (span % G_TIME_SPAN_SECOND == 0)
    return g_strdup_printf ("%" G_GINT64_FORMAT " s", span / G_TIME_SPAN_SECOND);
  return g_strdup_printf ("%" G_GINT64_FORMAT " ms", span / G_TIME_SPAN_MILLISECOND);
}

/**
 * dc_link_advance:
 * @now: the time; messages that came before it must have been passed to dc_link_receive()
 *
 * Ends the link when the far side was silent for too long. What else is due is sent by dc_link_poll_transmit().
 */
void
dc_link_advance (DcLink *self, gint64 now)
{
  g_autofree char *span = NULL;
  g_autofree char *reason = NULL;

  if (self->error || now < get_silence_deadline (self))
    return;

  span = describe_span (self->config.timeout);
  reason = g_strdup_printf ("nothing was heard from this side for %s", span);
  end_link (self,
      g_error_new (DC_LINK_ERROR, DC_LINK_ERROR_TIMEOUT, "nothing was heard from the far side for %s", span),
      DC_FRAME_ABORT_TIMEOUT, reason);
}

void
dc_link_get_stats (const DcLink *self, DcLinkStats *stats)
{
  *stats = (DcLinkStats){
      .items_sent = self->sender.items_sent,
      .items_acked = self->sender.items_acked,
      .items_received = self->receiver.items_received,
      .bytes_sent = self->sender.payload_sent,
      .bytes_received = self->receiver.payload_received,
      .frames_sent = self->frames_sent,
      .frames_received = self->frames_received,
      .messages_sent = self->messages_sent,
      .messages_received = self->messages_received,
      .in_flight_bytes = dc_sender_get_bytes_in_flight (&self->sender),
      .in_flight_frames = dc_sender_get_frames_in_flight (&self->sender),
      .window_bytes = self->sender.window_bytes,
      .queued_bytes = self->receiver.queued_bytes,
      .rtt = self->rtt,
      .rtt_smoothed = self->rtt_smoothed,
  };
}
