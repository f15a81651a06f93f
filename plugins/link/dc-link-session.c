/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-link-session.c: HELLO, and the link outliving its channel. */

/*
 *               dc_link_suspend(),                dc_link_resume()                far HELLO fits
 *   on a channel ----------------> no channel ---------------------> HELLOs cross -------------> on a channel
 *               silence              ^                                |
 *                                    +--------------------------------+
 *                                     dc_link_suspend(), silence
 *
 * From the loss on the resume timeout runs, and only the far HELLO stops it; when it is over the link ends with what was not
 * acknowledged.
 *
 * Each side's HELLO names the far session that it takes up, and the first frame that it has not got. From there on the
 * far side sends its frames again, the same with the same numbers: since every frame has a number, nothing is lost or doubled
 * whatever was on its way when the channel died. What was acknowledged may have been lost too: the last CREDIT of each
 * stream and the FIN-ACK are told once more. They repeat totals, so hearing them twice changes nothing.
 *
 * A far side that comes with another session, or for another session of ours, has lost its end of the link: it was
 * started anew. Nothing can be taken up then, and both sides end.
 */
#include "plugins/link/dc-link-private.h"

static char *
describe_span (gint64 span)
{
  if (span % G_TIME_SPAN_SECOND == 0)
    return g_strdup_printf ("%" G_GINT64_FORMAT " s", span / G_TIME_SPAN_SECOND);
  return g_strdup_printf ("%" G_GINT64_FORMAT " ms", span / G_TIME_SPAN_MILLISECOND);
}

/* What of ours may be lost. */
static char *
describe_loss (const DcLink *self)
{
  guint64 n = dc_sender_get_unacknowledged (&self->sender);

  if (n == 0)
    return g_strdup ("everything sent was acknowledged");
  if (n == 1)
    return g_strdup ("1 item was not acknowledged");
  return g_strdup_printf ("%" G_GUINT64_FORMAT " items were not acknowledged", n);
}

void
dc_link_set_lanes (DcLink *self, guint lanes)
{
  self->config.lanes = lanes;
}

guint
dc_link_get_far_lanes (const DcLink *self)
{
  return self->hello_received ? self->far_lanes : 0;
}

gboolean
dc_link_is_suspended (const DcLink *self)
{
  return !self->error && self->suspended_at >= 0;
}

gboolean
dc_link_needs_channel (const DcLink *self)
{
  return dc_link_is_suspended (self) && !self->has_channel;
}

/**
 * dc_link_suspend:
 * @reason: what happened to the channel, to follow "the connection was lost: "
 */
void
dc_link_suspend (DcLink *self, gint64 now, const char *reason)
{
  g_return_if_fail (reason != NULL);

  if (self->error)
    return;

  self->has_channel = FALSE;
  if (!self->opened || self->config.resume_timeout <= 0) {
    dc_link_end (
        self, g_error_new (DC_LINK_ERROR, DC_LINK_ERROR_TIMEOUT, "the connection was lost: %s", reason), 0, NULL);
    return;
  }
  if (self->suspended_at >= 0)
    return;
  self->suspended_at = now;
  self->lost_reason = g_strdup (reason);
}

/**
 * dc_link_resume:
 * @self: a link that was open; one that has ended stays so. If it is not suspended, the channel that it is on is given up
 */
void
dc_link_resume (DcLink *self, gint64 now)
{
  g_return_if_fail (self->opened || self->error);

  dc_link_suspend (self, now, "another channel took its place");
  if (self->error)
    return;

  self->has_channel = self->resuming = TRUE;
  self->hello_sent = self->hello_received = FALSE;
  self->last_sent = self->last_received = now;
  dc_heartbeat_restart (&self->heartbeat);
}

void
dc_link_write_hello (DcLink *self, GByteArray *message)
{
  const DcLinkConfig *config = &self->config;
  DcFrame frame = {
      .type = DC_FRAME_HELLO,
      .hello =
          {
              .version_min = DC_FRAME_VERSION_MIN,
              .version_max = DC_FRAME_VERSION_MAX,
              .session = config->session,
              .resume = self->resuming ? self->far_session : 0,
              .first_sequence = (guint32) self->sender.next,
              .next_expected = self->resuming ? self->receiver.next : 0,
              .window_bytes = self->receiver.window.least_bytes,
              .window_frames = self->receiver.window.least_frames,
              .max_message = config->max_message,
              .capabilities = MIN (config->lanes, DC_LINK_MAX_LANES),
              .max_item = config->max_item,
              .heartbeat = MIN (config->heartbeat / G_TIME_SPAN_MILLISECOND, G_MAXUINT32),
          },
  };

  dc_frame_write (message, &frame);
  self->hello_sent = TRUE;
}

/* The two HELLOs are not of one link. @reason: what the far side is told. */
static gboolean
refuse_session (DcLink *self, const char *reason, const char *message)
{
  dc_link_end (
      self, g_error_new_literal (DC_LINK_ERROR, DC_LINK_ERROR_RESUME, message), DC_FRAME_ABORT_SESSION, reason);
  return FALSE;
}

static gboolean
take_first_hello (DcLink *self, const DcFrameHello *hello)
{
  if (hello->resume != 0) {
    g_autofree char *reason = g_strdup_printf ("the HELLO wants to go on with session %016" G_GINT64_MODIFIER
                                               "x from frame %u, but this is a new link; start both sides anew",
        hello->resume, hello->next_expected);
    g_autofree char *message = g_strconcat ("the far side cannot be served: ", reason, NULL);

    return refuse_session (self, reason, message);
  }

  dc_sender_open (&self->sender, hello, MIN (self->config.max_message, hello->max_message));
  dc_receiver_open (&self->receiver, hello->first_sequence);
  self->far_session = hello->session;
  self->opened = TRUE;
  return TRUE;
}

static gboolean
take_another_hello (DcLink *self, const DcFrameHello *hello, GError **fault)
{
  gsize max_message = MIN (self->config.max_message, hello->max_message);

  if (hello->session != self->far_session || hello->resume != self->config.session) {
    g_autofree char *loss = describe_loss (self);
    g_autofree char *message =
        g_strdup_printf ("the far side has started anew and cannot go on with this link; %s", loss);

    return refuse_session (
        self, "the HELLO does not go on with the link that this side has; start both sides anew", message);
  }
  if (hello->first_sequence - self->receiver.next > DC_FRAME_MAX_WINDOW)
    return dc_frame_refuse (fault, "HELLO frame that has sent up to frame %u where %u was received",
        hello->first_sequence, self->receiver.next);
  if (!dc_sender_resume (&self->sender, hello, max_message, fault))
    return FALSE;

  dc_receiver_resume (&self->receiver);
  self->fin_ack_queued = self->receiver.fin_accepted && !self->fin_ack_arrived;
  self->resumes++;
  return TRUE;
}

gboolean
dc_link_take_hello (DcLink *self, const DcFrameHello *hello, gint64 now, GError **fault)
{
  if (self->resuming ? !take_another_hello (self, hello, fault) : !take_first_hello (self, hello))
    return FALSE;

  self->hello_received = TRUE;
  self->far_lanes = hello->capabilities & DC_FRAME_LANES;
  self->suspended_at = -1;
  g_clear_pointer (&self->lost_reason, g_free);
  if (dc_receiver_has_credit (&self->receiver))
    self->credit_deadline = now;
  return TRUE;
}

static gint64
get_silence_deadline (const DcLink *self)
{
  return self->last_received + self->config.timeout;
}

gint64
dc_link_get_session_deadline (const DcLink *self)
{
  gint64 deadline = self->has_channel ? get_silence_deadline (self) : G_MAXINT64;

  if (self->suspended_at >= 0)
    deadline = MIN (deadline, self->suspended_at + self->config.resume_timeout);
  return deadline;
}

static void
act_on_silence (DcLink *self, gint64 now)
{
  g_autofree char *span = describe_span (self->config.timeout);
  g_autofree char *message = g_strdup_printf ("nothing was heard from the far side for %s", span);
  g_autofree char *reason = g_strdup_printf ("nothing was heard from this side for %s", span);

  if (self->opened && self->config.resume_timeout > 0)
    dc_link_suspend (self, now, message);
  else
    dc_link_end (
        self, g_error_new_literal (DC_LINK_ERROR, DC_LINK_ERROR_TIMEOUT, message), DC_FRAME_ABORT_TIMEOUT, reason);
}

static void
give_up (DcLink *self)
{
  g_autofree char *span = describe_span (self->config.resume_timeout);
  g_autofree char *loss = describe_loss (self);
  g_autofree char *reason = g_strdup_printf ("the link was not taken up again within %s", span);

  dc_link_end (self,
      g_error_new (DC_LINK_ERROR, DC_LINK_ERROR_RESUME,
          "the connection was lost (%s) and did not come back within %s; %s", self->lost_reason, span, loss),
      DC_FRAME_ABORT_TIMEOUT, reason);
}

/**
 * dc_link_advance:
 * @now: the time; messages that came before it must have been passed to dc_link_receive()
 *
 * Suspends or ends the link when the far side was silent for too long, and ends it when no channel came in time. What
 * else is due is sent by dc_link_poll_transmit().
 */
void
dc_link_advance (DcLink *self, gint64 now)
{
  if (!self->error && self->has_channel && now >= get_silence_deadline (self))
    act_on_silence (self, now);
  if (!self->error && self->suspended_at >= 0 && now >= self->suspended_at + self->config.resume_timeout)
    give_up (self);
  dc_rate_update (&self->send_rate, self->sender.payload_sent, now);
  dc_rate_update (&self->receive_rate, self->receiver.payload_received, now);
}
