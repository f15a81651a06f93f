/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-link-transmit.c: what goes into a message, and when. */

/*
 * Deadlines: CREDIT at once when the far side may be waiting for it, else with the next message, at most 20 ms after
 * consumption. A PING right after the far HELLO, after a heartbeat without sending, and every heartbeat while something is
 * in flight in either direction, to measure the round trip. What else is due goes at once.
 */
#include "plugins/link/dc-link-private.h"

#include <string.h>

/* HELLO, or every other control frame together, ABORT and CREDIT apart: what a message is allocated for beside the items. */
#define CONTROL_SIZE 256
#define CREDIT_SIZE (DC_FRAME_HEADER_SIZE + 12)

#define PROBE_INTERVAL (30 * G_TIME_SPAN_MILLISECOND)
#define N_PROBES 8

gint64
dc_link_get_ping_deadline (const DcLink *self)
{
  const DcHeartbeat *heartbeat = &self->heartbeat;
  gboolean busy =
      dc_sender_get_frames_in_flight (&self->sender) > 0 || self->receiver.received.frames != self->received_at_ping;

  if (heartbeat->n_pings == heartbeat->n_old || dc_window_wants_ping (&self->receiver.window, heartbeat->last_ping))
    return 0;
  if (self->n_probes > 0)
    return heartbeat->last_ping + PROBE_INTERVAL;
  return (busy ? heartbeat->last_ping : self->last_sent) + self->config.heartbeat;
}

static void
write_frame (DcLink *self, GByteArray *message, const DcFrame *frame)
{
  dc_frame_write (message, frame);
  self->frames_sent++;
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

/* A transport that loses the last packet of all notices after a second or more, since nothing behind it shows the gap. So
 * FIN and FIN-ACK, which are last, are followed by some PINGs, a few of which are enough for it to send what is missing at once. */
static void
write_ping (DcLink *self, GByteArray *message, gint64 now)
{
  DcFrame frame = {.type = DC_FRAME_PING, .ping = dc_heartbeat_ping (&self->heartbeat, now)};

  self->received_at_ping = self->receiver.received.frames;
  if (self->n_probes > 0)
    self->n_probes--;
  write_frame (self, message, &frame);
}

static void
start_probes (DcLink *self)
{
  self->n_probes = N_PROBES;
  self->probes_from = self->heartbeat.n_pings + 1;
}

static void
write_pongs (DcLink *self, GByteArray *message)
{
  while (dc_heartbeat_has_pong (&self->heartbeat)) {
    DcFrame frame = {.type = DC_FRAME_PONG, .ping = dc_heartbeat_next_pong (&self->heartbeat)};

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
  self->fin_ack_ping = self->heartbeat.n_pings;
  start_probes (self);
}

/* One for each stream that has something to tell, as far as there is room; the rest goes into the next message. */
static void
write_credit (DcLink *self, GByteArray *message, gint64 now)
{
  while (dc_receiver_has_credit (&self->receiver) && message->len + CREDIT_SIZE <= self->sender.max_message) {
    DcFrame frame = {.type = DC_FRAME_CREDIT};

    dc_receiver_take_credit (&self->receiver, &frame, now);
    write_frame (self, message, &frame);
  }
  if (!dc_receiver_has_credit (&self->receiver))
    self->credit_deadline = -1;
}

/* Something must go out now; while the far HELLO is missing, nothing but ours. */
static gboolean
is_ready (const DcLink *self, gint64 now)
{
  if (!self->has_channel)
    return FALSE;
  if (self->error)
    return self->abort_reason != NULL;
  if (!self->hello_sent || !self->hello_received)
    return !self->hello_sent;
  return dc_heartbeat_has_pong (&self->heartbeat) || self->fin_ack_queued || now >= dc_link_get_ping_deadline (self)
         || (self->credit_deadline >= 0 && now >= self->credit_deadline) || dc_sender_is_ready (&self->sender);
}

static void
write_message (DcLink *self, GByteArray *message, gint64 now)
{
  gboolean fin_sent;

  if (self->error) {
    write_abort (self, message);
    return;
  }
  if (!self->hello_sent) {
    dc_link_write_hello (self, message);
    self->frames_sent++;
    return;
  }

  write_pongs (self, message);
  if (now >= dc_link_get_ping_deadline (self))
    write_ping (self, message, now);
  if (self->fin_ack_queued)
    write_fin_ack (self, message, now);
  /* There will be a message, so an acknowledgement that could wait costs next to nothing in it. */
  write_credit (self, message, now);
  fin_sent = self->sender.fin_sent;
  self->frames_sent += dc_sender_fill (&self->sender, message);
  if (self->sender.fin_sent && !fin_sent)
    start_probes (self);
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
  dc_rate_update (&self->send_rate, self->sender.payload_sent, now);
  return g_byte_array_free_to_bytes (message);
}

gint64
dc_link_get_deadline (const DcLink *self)
{
  gint64 deadline = dc_link_get_session_deadline (self);

  if (self->error)
    return -1;
  if (!self->has_channel || !self->hello_received)
    return deadline;
  deadline = MIN (deadline, dc_link_get_ping_deadline (self));
  if (self->credit_deadline >= 0)
    deadline = MIN (deadline, self->credit_deadline);
  return deadline;
}
