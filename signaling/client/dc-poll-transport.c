/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-poll-transport.c: the signaling session over plain HTTP requests. */
#include "signaling/client/dc-signaling-transport.h"
#include <string.h>

/*
 * Data flow:
 *   POST {prefix}/v1/peers                                  hello; answered with the welcome (201) or an error message
 *   GET  {prefix}/v1/peers/SESSION/messages?after=&wait=    parked at the server until there is something for us; one at a time,
 *                                                           the next as soon as the last was answered; `after` acknowledges
 *   POST {prefix}/v1/peers/SESSION/messages                 what we have to say, as an array; one at a time, which keeps the
 *                                                           order; what comes up meanwhile waits in `queue`
 *
 * So at most two requests are under way. A session of libsoup keeps two connections to a host alive, which is what this needs.
 *
 * Timeouts: a request must be answered within `answer_timeout_ms`, the parked one within that and its own waiting time.
 *
 * Any answer whose body is JSON messages is handed over as such, errors too; the client knows what they mean. Any
 * other answer than success comes from something that is not our server.
 */

#define MAX_WAIT_SECONDS 25
/* A body of several messages stays below what servers, and proxies in front of them, are known to take. */
#define MAX_BATCH_BYTES (32 * 1024)
#define MAX_BATCH_MESSAGES 64
/* The pause after an empty answer that came at once: a server that does not park us must not make us spin. */
#define EMPTY_PAUSE_MS 500

typedef enum { REQUEST_HELLO, REQUEST_FETCH, REQUEST_SEND, N_REQUESTS } RequestKind;

typedef struct {
  DcTransport base;
  char *peers_url;
  char *messages_url;  /* NULL before the welcome */
  char *authorization; /* "Bearer ..." */
  guint64 acknowledged;
  GQueue queue;                  /* of char *: messages not yet sent */
  GCancellable *fetch;           /* ends the parked request alone, for closing */
  GSource *timeouts[N_REQUESTS]; /* of the request of each kind that is under way */
  GSource *pause;
  gint64 fetch_started;
  gboolean sending;
  gboolean closing;
} PollTransport;

typedef struct {
  PollTransport *transport; /* a reference */
  RequestKind kind;
  SoupMessage *msg;
  GCancellable *cancellable;
  GByteArray *body;
} Request;

static void send_queue (PollTransport *self);
static void fetch_next (PollTransport *self);

static void
request_free (Request *request)
{
  g_signal_handlers_disconnect_by_data (request->msg, request->transport);
  g_object_unref (request->msg);
  dc_transport_unref (&request->transport->base);
  g_object_unref (request->cancellable);
  g_byte_array_unref (request->body);
  g_free (request);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Request, request_free)

/* The end of the element of a JSON array that begins at @text: the comma or bracket behind it, or @end if there is none. Only strings and
 * brackets are looked at; whether it is JSON, the parser of messages says. */
static const char *
find_element_end (const char *text, const char *end)
{
  gsize depth = 0;
  gboolean in_string = FALSE;

  for (; text < end; text++) {
    if (in_string) {
      if (*text == '\\')
        text++;
      else if (*text == '"')
        in_string = FALSE;
    } else if (*text == '"') {
      in_string = TRUE;
    } else if (*text == '{' || *text == '[') {
      depth++;
    } else if (*text == '}' || *text == ']') {
      if (depth == 0)
        return text;
      depth--;
    } else if (*text == ',' && depth == 0) {
      return text;
    }
  }
  return end;
}

static const char *
skip_space (const char *text, const char *end)
{
  while (text < end && g_ascii_isspace (*text))
    text++;
  return text;
}

/* One message or an array of them. The array is cut up without a parser, because each message is then parsed
 * under the limits that hold for a message. FALSE: no longer live. */
static gboolean
deliver_body (PollTransport *self, const char *text, gsize length, guint *count)
{
  const char *end = text + length;

  *count = 0;
  text = skip_space (text, end);
  if (text == end || *text != '[') {
    *count = 1;
    return dc_transport_deliver (&self->base, text, end - text);
  }
  text = skip_space (text + 1, end);
  if (text < end && *text == ']')
    return TRUE;
  do {
    const char *stop = find_element_end (text, end);
    ++*count;
    if (!dc_transport_deliver (&self->base, text, stop - text))
      return FALSE;
    text = stop;
  } while (text < end && *text++ == ',');
  return TRUE;
}

/* The parser lets only such names and tokens through as can stand in a URL and in a header. */
static void
take_welcome (PollTransport *self, const DcMessage *welcome)
{
  self->messages_url = g_strconcat (self->peers_url, "/", welcome->session, "/messages", NULL);
  self->authorization = g_strconcat ("Bearer ", welcome->resume, NULL);
}

static void
lose_status (PollTransport *self, Request *request)
{
  guint status = soup_message_get_status (request->msg);
  g_autofree char *phrase = dc_transport_sanitize (soup_message_get_reason_phrase (request->msg));

  if (dc_transport_judge_status (status) == DC_SIGNALING_ERROR_UNREACHABLE)
    dc_transport_lose_printf (&self->base, DC_TRANSPORT_LOSS_CONNECTION, DC_SIGNALING_ERROR_UNREACHABLE,
        "%s cannot serve us now (HTTP %u %s)", self->base.base, status, phrase);
  else if (request->kind == REQUEST_HELLO)
    dc_transport_lose_printf (&self->base, DC_TRANSPORT_LOSS_CONNECTION, DC_SIGNALING_ERROR_REFUSED,
        "%s/ answers, but is no dcsignald (HTTP %u %s at /v1/peers); check the signaling URL", self->base.base, status,
        phrase);
  else
    dc_transport_lose_printf (&self->base, DC_TRANSPORT_LOSS_CONNECTION, DC_SIGNALING_ERROR_UNREACHABLE,
        "%s has lost our session (HTTP %u %s)", self->base.base, status, phrase);
}

static void
send_done (PollTransport *self)
{
  self->sending = FALSE;
  send_queue (self);
  if (self->closing && !self->sending)
    dc_transport_lose (&self->base, DC_TRANSPORT_LOSS_CLOSED, NULL);
}

static gboolean
pause_cb (gpointer user_data)
{
  PollTransport *self = user_data;

  dc_transport_clear_source (&self->pause);
  fetch_next (self);
  return G_SOURCE_REMOVE;
}

static void
fetch_done (PollTransport *self, guint count)
{
  gint64 elapsed = g_get_monotonic_time () - self->fetch_started;

  if (count > 0 || elapsed > EMPTY_PAUSE_MS * 1000)
    fetch_next (self);
  else
    self->pause = dc_transport_add_timeout (&self->base, EMPTY_PAUSE_MS, pause_cb);
}

/* Is the body what our server answers to such a request? Loses the transport if not. */
static gboolean
check_body (PollTransport *self, Request *request, gboolean success)
{
  g_autoptr (DcMessage) message = NULL;

  if (success && request->kind != REQUEST_HELLO)
    return TRUE;
  message = dc_message_new_from_json ((const char *) request->body->data, request->body->len, NULL);
  if (message == NULL || message->type != (success ? DC_MESSAGE_WELCOME : DC_MESSAGE_ERROR)) {
    lose_status (self, request);
    return FALSE;
  }
  if (success)
    take_welcome (self, message);
  return TRUE;
}

/* The whole body is there. */
static void
request_done (Request *request)
{
  PollTransport *self = request->transport;
  gboolean success = SOUP_STATUS_IS_SUCCESSFUL (soup_message_get_status (request->msg));
  guint count = 0;

  dc_transport_clear_source (&self->timeouts[request->kind]);
  if (!dc_transport_is_live (&self->base) || !check_body (self, request, success)
      || !deliver_body (self, (const char *) request->body->data, request->body->len, &count))
    return;
  if (!success)
    lose_status (self, request); /* the client did not mind the message, but the request failed */
  else if (request->kind == REQUEST_SEND)
    send_done (self);
  else if (!self->closing)
    fetch_done (self, count);
}

static void
request_failed (Request *request, const GError *error)
{
  PollTransport *self = request->transport;

  dc_transport_clear_source (&self->timeouts[request->kind]);
  if (self->closing && request->kind == REQUEST_FETCH)
    return; /* by ourselves */
  dc_transport_lose_io (&self->base, request->msg, error);
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Request) request = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, &error);

  if (bytes == NULL) {
    request_failed (request, error);
    return;
  }
  if (g_bytes_get_size (bytes) == 0) {
    request_done (request);
    return;
  }
  g_byte_array_append (request->body, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  if (request->body->len > DC_TRANSPORT_MAX_INCOMING) {
    dc_transport_lose_printf (&request->transport->base, DC_TRANSPORT_LOSS_CONNECTION, DC_SIGNALING_ERROR_MESSAGE,
        "%s sent an answer that is too large", request->transport->base.base);
    return;
  }
  GCancellable *cancellable = request->cancellable;
  g_input_stream_read_bytes_async (
      G_INPUT_STREAM (source), 32 * 1024, G_PRIORITY_DEFAULT, cancellable, read_cb, g_steal_pointer (&request));
}

static void
sent_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Request) request = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) stream = soup_session_send_finish (SOUP_SESSION (source), result, &error);
  GCancellable *cancellable = request->cancellable;

  if (stream == NULL)
    request_failed (request, error);
  else
    g_input_stream_read_bytes_async (
        stream, 32 * 1024, G_PRIORITY_DEFAULT, cancellable, read_cb, g_steal_pointer (&request));
}

static gboolean
timeout_cb (gpointer user_data)
{
  PollTransport *self = user_data;

  dc_transport_lose_printf (
      &self->base, DC_TRANSPORT_LOSS_CONNECTION, DC_SIGNALING_ERROR_UNREACHABLE, "no answer from %s", self->base.base);
  return G_SOURCE_REMOVE;
}

static void
hello_written_cb (SoupMessage *msg, gpointer user_data)
{
  ((PollTransport *) user_data)->base.hello_sent = TRUE;
}

/* @body: transfer full, NULL for a GET. */
static void
start_request (PollTransport *self, RequestKind kind, const char *url, char *body, guint timeout_ms)
{
  Request *request = g_new0 (Request, 1);

  request->transport = (PollTransport *) dc_transport_ref (&self->base);
  request->kind = kind;
  request->body = g_byte_array_sized_new (1024); /* never NULL inside */
  request->cancellable = g_object_ref (kind == REQUEST_FETCH ? self->fetch : self->base.cancellable);
  request->msg = soup_message_new (body != NULL ? "POST" : "GET", url);
  soup_message_add_flags (request->msg, SOUP_MESSAGE_NO_REDIRECT); /* we talk to the host that the user named */
  if (body != NULL) {
    g_autoptr (GBytes) bytes = g_bytes_new_take (body, strlen (body));
    soup_message_set_request_body_from_bytes (request->msg, "application/json", bytes);
  }
  if (self->authorization != NULL)
    soup_message_headers_replace (
        soup_message_get_request_headers (request->msg), "Authorization", self->authorization);
  if (kind == REQUEST_HELLO)
    g_signal_connect (request->msg, "wrote-body", G_CALLBACK (hello_written_cb), self);
  self->timeouts[kind] = dc_transport_add_timeout (&self->base, timeout_ms, timeout_cb);
  soup_session_send_async (
      self->base.session, request->msg, G_PRIORITY_DEFAULT, request->cancellable, sent_cb, request);
}

static void
fetch_next (PollTransport *self)
{
  guint wait = MIN (MAX_WAIT_SECONDS, self->base.keepalive);
  g_autofree char *url =
      g_strdup_printf ("%s?after=%" G_GUINT64_FORMAT "&wait=%u", self->messages_url, self->acknowledged, wait);

  self->fetch_started = g_get_monotonic_time ();
  start_request (self, REQUEST_FETCH, url, NULL, wait * 1000 + self->base.answer_timeout_ms);
}

/* As many as fit into one body; at least one. */
static void
send_queue (PollTransport *self)
{
  GString *body;
  guint count = 0;

  if (self->sending || g_queue_is_empty (&self->queue))
    return;
  body = g_string_new ("[");
  while (!g_queue_is_empty (&self->queue)) {
    const char *next = g_queue_peek_head (&self->queue);
    if (count > 0 && (count == MAX_BATCH_MESSAGES || body->len + strlen (next) > MAX_BATCH_BYTES))
      break;
    g_autofree char *text = g_queue_pop_head (&self->queue);
    g_string_append_printf (body, "%s%s", count++ > 0 ? "," : "", text);
  }
  g_string_append_c (body, ']');
  self->sending = TRUE;
  start_request (self, REQUEST_SEND, self->messages_url, g_string_free (body, FALSE), self->base.answer_timeout_ms);
}

static void
poll_open (DcTransport *transport, const char *hello)
{
  PollTransport *self = (PollTransport *) transport;

  start_request (self, REQUEST_HELLO, self->peers_url, g_strdup (hello), transport->answer_timeout_ms);
}

static void
poll_send (DcTransport *transport, const char *text)
{
  PollTransport *self = (PollTransport *) transport;

  g_queue_push_tail (&self->queue, g_strdup (text));
  send_queue (self);
}

static void
poll_acknowledge (DcTransport *transport, guint64 seq)
{
  /* Goes with the next fetch, which begins as soon as the messages of the last one are handed over. */
  ((PollTransport *) transport)->acknowledged = seq;
}

static void
let_go (PollTransport *self)
{
  for (guint i = 0; i < N_REQUESTS; i++)
    dc_transport_clear_source (&self->timeouts[i]);
  dc_transport_clear_source (&self->pause);
}

static gboolean
closed_cb (gpointer user_data)
{
  dc_transport_lose (user_data, DC_TRANSPORT_LOSS_CLOSED, NULL);
  return G_SOURCE_REMOVE;
}

static void
poll_close (DcTransport *transport)
{
  PollTransport *self = (PollTransport *) transport;

  self->closing = TRUE;
  dc_transport_clear_source (&self->timeouts[REQUEST_FETCH]);
  dc_transport_clear_source (&self->pause);
  g_cancellable_cancel (self->fetch);
  if (!self->sending)
    self->pause = dc_transport_add_timeout (transport, 0, closed_cb);
}

static void
poll_abandon (DcTransport *transport)
{
  PollTransport *self = (PollTransport *) transport;

  let_go (self);
  g_cancellable_cancel (self->fetch);
}

static void
poll_finalize (DcTransport *transport)
{
  PollTransport *self = (PollTransport *) transport;

  let_go (self);
  g_queue_clear_full (&self->queue, g_free);
  g_object_unref (self->fetch);
  g_free (self->peers_url);
  g_free (self->messages_url);
  g_free (self->authorization);
}

static const DcTransportClass poll_transport_class = {
    .open = poll_open,
    .send = poll_send,
    .acknowledge = poll_acknowledge,
    .close = poll_close,
    .abandon = poll_abandon,
    .finalize = poll_finalize,
};

DcTransport *
dc_poll_transport_new (const DcTransportOptions *options, const DcTransportCallbacks *callbacks, gpointer user_data)
{
  PollTransport *self = g_new0 (PollTransport, 1);

  dc_transport_init (&self->base, &poll_transport_class, options, TRUE, callbacks, user_data);
  g_queue_init (&self->queue);
  self->fetch = g_cancellable_new ();
  self->peers_url = dc_signaling_uri_build (options->uri, TRUE, "/v1/peers");
  return &self->base;
}
