/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-signaling-client-base.c: the states of a peer's session with dcsignald: registration, what comes, reconnecting. */
#include "signaling/client/dc-signaling-client-private.h"

/*
 * Theory of operation.
 *
 * Goal: one session that outlives connections. The DcClientSession keeps what belongs to the session (the resume token, the
 * numbers in both directions, what is not yet confirmed); a DcTransport is one connection and is thrown away with it. This
 * file brings the two together. Nothing here depends on which transport it is.
 *
 *   NEW -> CONNECTING -> REGISTERED          start(); the welcome came
 *             ^    |          |
 *             |    v          v
 *             +- WAITING <----+              an attempt failed, the connection was lost: backoff, then again
 *
 *   any of them -> FAILED                    what trying again cannot heal
 *   any of them -> CLOSING -> CLOSED         close(); at most half a second
 *
 * One timer does for all states: the limit on an attempt in CONNECTING, the backoff in WAITING, the limit on the farewell in CLOSING.
 *
 * WebSocket or polling: with AUTO an upgrade that is answered by HTTP, or cut off, leads to polling at once; if that
 * registers, later attempts poll straight away. While nothing has registered yet, silence makes attempts alternate.
 */

/* A connection that stood this long counts as success, and backoff begins anew; otherwise a server that lets us in
 * and throws us out would be asked several times a second for ever. */
#define STABLE_US (5 * G_USEC_PER_SEC)
/* Longer than a hub keeps a lost session (30 s): until then the holder of our id may be our own former self. */
#define ID_LINGER_US (35 * G_USEC_PER_SEC)

/* ---- Transport and timer ---- */

gboolean
dc_signaling_client_is_manual (DcSignalingClient *self)
{
  return self->setup->choice == DC_SIGNALING_TRANSPORT_MANUAL;
}

static void
clear_timer (DcSignalingClient *self)
{
  dc_transport_clear_source (&self->timer);
}

void
dc_signaling_client_set_timer (DcSignalingClient *self, guint milliseconds, GSourceFunc func)
{
  clear_timer (self);
  self->timer = g_timeout_source_new (milliseconds);
  g_source_set_callback (self->timer, func, self, NULL);
  g_source_attach (self->timer, self->context);
}

void
dc_signaling_client_drop_transport (DcSignalingClient *self)
{
  clear_timer (self);
  if (self->transport == NULL)
    return;
  self->may_linger |= self->transport->hello_sent;
  g_clear_pointer (&self->transport, dc_transport_abandon);
}

/* ---- Ways out of a state ---- */

static gboolean
backoff_over_cb (gpointer user_data)
{
  dc_signaling_client_attempt (user_data);
  return G_SOURCE_REMOVE;
}

static void
retry (DcSignalingClient *self, const GError *error)
{
  gint64 now = g_get_monotonic_time ();
  guint delay;

  if (self->state == STATE_REGISTERED && now - self->registered_at >= STABLE_US)
    dc_backoff_reset (&self->backoff);
  dc_signaling_client_drop_transport (self);
  self->state = STATE_WAITING;
  delay = dc_backoff_next (&self->backoff, g_random_int ());
  dc_signaling_client_set_timer (self, delay, backoff_over_cb);
  g_signal_emit_by_name (self, "disconnected", error, delay);
}

static void
fail (DcSignalingClient *self, const GError *error)
{
  dc_signaling_client_drop_transport (self);
  self->state = STATE_FAILED;
  g_signal_emit_by_name (self, "failed", error);
}

gboolean
dc_signaling_client_finish_close_cb (gpointer user_data)
{
  g_autoptr (DcSignalingClient) self = g_object_ref (user_data);

  dc_signaling_client_drop_transport (self);
  self->state = STATE_CLOSED;
  g_signal_emit_by_name (self, "closed");
  return G_SOURCE_REMOVE;
}

static void
end_attempt (DcSignalingClient *self, gboolean fatal, DcSignalingError code, const char *sentence)
{
  g_autoptr (GError) error = g_error_new_literal (DC_SIGNALING_ERROR, code, sentence);

  if (self->state == STATE_CLOSING)
    dc_signaling_client_finish_close_cb (self);
  else if (fatal)
    fail (self, error);
  else
    retry (self, error);
}

static void
end_out_of_place (DcSignalingClient *self, const DcMessage *message)
{
  g_autofree char *sentence = g_strdup_printf (
      "%s sent a message out of place: %s", self->transport->base, dc_message_type_to_string (message->type));

  end_attempt (self, FALSE, DC_SIGNALING_ERROR_MESSAGE, sentence);
}

/* ---- Incoming ---- */

static void
send_text_cb (const char *text, gpointer user_data)
{
  dc_transport_send (((DcSignalingClient *) user_data)->transport, text);
}

void
dc_signaling_client_say_bye (DcSignalingClient *self)
{
  g_autoptr (DcMessage) bye = dc_message_new (DC_MESSAGE_BYE);
  g_autofree char *text = NULL;

  bye->reason = g_strdup (self->farewell);
  text = dc_message_to_json (bye);
  dc_transport_send (self->transport, text);
  dc_transport_close (self->transport);
}

static void
handle_welcome (DcSignalingClient *self, DcMessage *welcome)
{
  if (self->state == STATE_CLOSING) {
    dc_signaling_client_say_bye (self);
    return;
  }
  if (self->state != STATE_CONNECTING) {
    end_out_of_place (self, welcome);
    return;
  }
  clear_timer (self);
  dc_client_session_take_welcome (self->session, welcome);
  self->id_taken_since = 0;
  self->may_linger = FALSE;
  self->state = STATE_REGISTERED;
  self->registered_at = g_get_monotonic_time ();
  self->polling_proven |= self->polling;
  self->transport_name = dc_signaling_client_is_manual (self) ? "copy and paste"
                         : self->polling                      ? "HTTP polling"
                                                              : "WebSocket";
  dc_outbox_foreach (self->session->outbox, send_text_cb, self);
  g_signal_emit_by_name (self, "registered", welcome);
}

static void
handle_id_taken (DcSignalingClient *self)
{
  gint64 now = g_get_monotonic_time ();
  gboolean ours = self->session->hello->id != NULL && g_strcmp0 (self->session->hello->id, self->setup->id) != 0;
  g_autofree char *id = dc_signaling_quote (self->session->hello->id != NULL ? self->session->hello->id : "");
  g_autofree char *sentence = g_strdup_printf ("the id %s is taken in room \"%s\"", id, self->session->hello->room);

  /* An id that the hub once made up for us is not worth insisting on: it may make up another. */
  if (ours)
    g_clear_pointer (&self->session->hello->id, g_free);
  if (self->id_taken_since == 0)
    self->id_taken_since = now;
  end_attempt (self, !ours && (!self->may_linger || now - self->id_taken_since > ID_LINGER_US),
      DC_SIGNALING_ERROR_REFUSED, sentence);
}

/* Is it of no use to say the same hello again? */
static gboolean
is_final (DcCode code)
{
  switch (code) {
    case DC_CODE_BAD_MESSAGE:
    case DC_CODE_UNSUPPORTED:
    case DC_CODE_BAD_ROOM:
    case DC_CODE_BAD_ID:
    case DC_CODE_TOKEN_REFUSED:
    case DC_CODE_TOO_LARGE:
    case DC_CODE_REPLACED:
      return TRUE;
    default:
      return FALSE;
  }
}

/* Does an error without a number end a session that stands? */
static gboolean
ends_session (DcCode code)
{
  return code == DC_CODE_REPLACED || code == DC_CODE_TOKEN_REFUSED || code == DC_CODE_SHUTTING_DOWN
         || code == DC_CODE_SESSION_EXPIRED || code == DC_CODE_NOT_REGISTERED || code == DC_CODE_ID_TAKEN;
}

static void
handle_error (DcSignalingClient *self, DcMessage *message)
{
  if (self->state == STATE_CLOSING && message->seq > 0)
    return; /* too late for it to matter */

  g_autofree char *said = dc_transport_sanitize (message->message);
  g_autofree char *sentence =
      g_strdup_printf ("%s refuses: %s (%s)", self->transport->base, said, dc_code_to_string (message->code));

  if (self->state == STATE_REGISTERED && message->seq > 0)
    dc_outbox_remove (self->session->outbox, message->seq);
  if (self->state == STATE_REGISTERED && (message->seq > 0 || !ends_session (message->code))) {
    g_signal_emit_by_name (self, "message", message);
    return;
  }
  if (self->state == STATE_CONNECTING && message->code == DC_CODE_ID_TAKEN) {
    handle_id_taken (self);
    return;
  }
  if (message->code == DC_CODE_REPLACED) {
    g_free (sentence);
    sentence = g_strdup_printf ("another program took over our session in room \"%s\"", self->session->hello->room);
  }
  if (message->code == DC_CODE_SESSION_EXPIRED)
    g_clear_pointer (&self->session->hello->resume, g_free);
  end_attempt (self, is_final (message->code),
      is_final (message->code) ? DC_SIGNALING_ERROR_REFUSED : DC_SIGNALING_ERROR_UNREACHABLE, sentence);
}

/* A bye that is from nobody in the room is from the hub itself: our session there is over. */
static void
handle_server_bye (DcSignalingClient *self, DcMessage *bye)
{
  g_autofree char *reason = dc_transport_sanitize (bye->reason);
  g_autofree char *sentence = g_strdup_printf ("%s said bye%s%s", self->transport->base, *reason ? ": " : "", reason);

  g_clear_pointer (&self->session->hello->resume, g_free);
  end_attempt (self, FALSE, DC_SIGNALING_ERROR_UNREACHABLE, sentence);
}

static void
handle_event (DcSignalingClient *self, DcMessage *message)
{
  if (message->seq > 0) {
    DcClientNumber number = dc_client_session_take_number (self->session, message->seq);
    if (number == DC_CLIENT_NUMBER_SKIPS) {
      g_autofree char *sentence =
          g_strdup_printf ("%s skipped messages: number %" G_GUINT64_FORMAT " came after %" G_GUINT64_FORMAT,
              self->transport->base, message->seq, self->session->last_seen);
      end_attempt (self, FALSE, DC_SIGNALING_ERROR_MESSAGE, sentence);
      return;
    }
    dc_transport_acknowledge (self->transport, self->session->last_seen);
    if (number == DC_CLIENT_NUMBER_SEEN)
      return;
  }
  if (message->type == DC_MESSAGE_BYE && message->from == NULL)
    handle_server_bye (self, message);
  else
    g_signal_emit_by_name (self, "message", message);
}

static void
transport_message_cb (DcMessage *message, gpointer user_data)
{
  g_autoptr (DcSignalingClient) self = g_object_ref (user_data);

  if (message->type == DC_MESSAGE_WELCOME)
    handle_welcome (self, message);
  else if (message->type == DC_MESSAGE_ERROR)
    handle_error (self, message);
  else if (self->state == STATE_CLOSING)
    return; /* too late */
  else if (self->state != STATE_REGISTERED || message->type == DC_MESSAGE_HELLO)
    end_out_of_place (self, message);
  else if (message->type == DC_MESSAGE_ACK)
    dc_outbox_acknowledge (self->session->outbox, message->seq);
  else
    handle_event (self, message);
}

/* ---- Attempts ---- */

static void
transport_lost_cb (DcTransportLoss loss, const GError *error, gpointer user_data)
{
  g_autoptr (DcSignalingClient) self = g_object_ref (user_data);

  if (self->state == STATE_CLOSING) {
    dc_signaling_client_finish_close_cb (self);
    return;
  }
  if (loss == DC_TRANSPORT_LOSS_UPGRADE_REFUSED && self->setup->choice == DC_SIGNALING_TRANSPORT_AUTO) {
    dc_signaling_client_drop_transport (self);
    self->polling = TRUE;
    dc_signaling_client_attempt (self);
    return;
  }
  /* If it was not the WebSocket alone that did not work, the next attempt begins with it again. */
  self->polling = self->setup->choice == DC_SIGNALING_TRANSPORT_POLLING || self->polling_proven;
  /* See dc-signaling-client.h: what is wrong with the configuration shows before the first registration. */
  if (self->registered_at == 0 && error->code == DC_SIGNALING_ERROR_REFUSED)
    fail (self, error);
  else
    retry (self, error);
}

static void
transport_described_cb (const DcDescription *local, gpointer user_data)
{
  g_autofree char *text = dc_description_to_text (local);

  g_signal_emit_by_name (user_data, "described", text, dc_description_is_complete (local));
}

static const DcTransportCallbacks transport_callbacks = {
    .message = transport_message_cb,
    .lost = transport_lost_cb,
    .described = transport_described_cb,
};

static gboolean
attempt_timeout_cb (gpointer user_data)
{
  g_autoptr (DcSignalingClient) self = g_object_ref (user_data);
  g_autofree char *sentence = g_strdup_printf ("no answer from %s within %.3g s; is it dcsignald?",
      self->transport->base, self->setup->attempt_timeout_ms / 1000.0);

  if (self->setup->choice == DC_SIGNALING_TRANSPORT_AUTO && self->registered_at == 0)
    self->polling = !self->polling;
  end_attempt (self, FALSE, DC_SIGNALING_ERROR_UNREACHABLE, sentence);
  return G_SOURCE_REMOVE;
}

void
dc_signaling_client_attempt (DcSignalingClient *self)
{
  DcTransportOptions options = {
      .uri = self->setup->uri,
      .tls_database = self->setup->tls_database,
      .proxy = self->setup->proxy,
      .keepalive = self->setup->keepalive,
      .answer_timeout_ms = self->setup->attempt_timeout_ms,
      .context = self->context,
  };
  g_autofree char *hello = NULL;

  self->state = STATE_CONNECTING;
  hello = dc_client_session_make_hello (self->session);
  if (dc_signaling_client_is_manual (self))
    self->transport = dc_manual_transport_new (&options, &transport_callbacks, self);
  else if (self->polling)
    self->transport = dc_poll_transport_new (&options, &transport_callbacks, self);
  else
    self->transport = dc_websocket_transport_new (&options, &transport_callbacks, self);
  dc_signaling_client_set_timer (self, self->setup->attempt_timeout_ms, attempt_timeout_cb);
  dc_transport_open (self->transport, hello);
}
