/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dc-http-exchange.c: one accepted connection: TLS, one HTTP request, one response or an upgrade.
 *
 * Theory of operation
 *
 *   HANDSHAKE -> HEAD -> BODY -> HANDLING -> WRITING -> DRAINING -> CLOSED
 *
 * What faces the internet here is small on purpose. libsoup's server is not: it has no deadline for a handshake, a head or a
 * body, keeps a connection that closed before its first request, and does not notice a client that leaves during a
 * long poll. So a connection carries exactly one request ("Connection: close"), and every state has a bound:
 *
 *   HANDSHAKE, HEAD   one deadline for both, DC_HTTP_MAX_HEAD bytes; bytes that cannot be HTTP are answered at the first read
 *   BODY              a deadline, max_body bytes; a longer Content-Length is refused before anything is read
 *   HANDLING          the handler's: a long poll waits here. One read is pending, so that a client's leaving is noticed;
 *                     bytes that come meanwhile are thrown away (once, then nobody looks any more).
 *   WRITING           a deadline for the whole answer
 *   DRAINING          only after an answer to a request that was not read to its end: closing at once would make the kernel
 *                     send a reset, which takes the answer away from the client. A second, or 1 MiB.
 *
 * Every asynchronous operation holds a reference and the one cancellable. Closing means to cancel; the socket is closed when
 * the last operation has returned (a TLS handshake runs in a thread, which must not lose its file descriptor).
 */
#include "signaling/daemon/dc-http-exchange.h"

#include <string.h>

#define READ_SIZE 4096
#define DRAIN_TIME_MS 1000
#define DRAIN_BYTES (1024 * 1024)

typedef enum {
  STATE_HANDSHAKE,
  STATE_HEAD,
  STATE_BODY,
  STATE_HANDLING, /* respond, upgrade and watch are allowed */
  STATE_WRITING,
  STATE_DRAINING,
  STATE_CLOSED, /* ended() was called */
} State;

struct _DcHttpExchange {
  gatomicrefcount refs;
  State state;
  GSocketConnection *connection;
  GIOStream *stream; /* the connection, or TLS over it */
  char *remote;
  DcHttpLimits limits;
  const DcHttpExchangeClass *klass;
  gpointer user_data;
  GCancellable *cancellable;
  GSource *deadline;

  char buffer[READ_SIZE];
  gboolean reading;  /* a read into buffer is pending */
  GByteArray *input; /* what was read: the head, later the body */
  gboolean unread;   /* the request was not read to its end */
  gsize drained;
  DcHttpRequest *request;

  DcHttpGoneFunc gone;
  gpointer gone_data;
  GString *output;
  DcHttpUpgradeFunc upgrade;
  gpointer upgrade_data;
};

static void read_more (DcHttpExchange *self);
static void write_output (DcHttpExchange *self);

static DcHttpExchange *
exchange_ref (DcHttpExchange *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

static void
exchange_unref (DcHttpExchange *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  /* First the socket: a TLS stream that is disposed of says goodbye on it and would wait for a client that does not read. */
  if (self->connection)
    g_socket_close (g_socket_connection_get_socket (self->connection), NULL);
  g_clear_object (&self->stream);
  g_clear_object (&self->connection);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->request, dc_http_request_free);
  g_byte_array_unref (self->input);
  g_string_free (self->output, TRUE);
  g_free (self->remote);
  self->klass->freed (self->user_data);
  g_free (self);
}

static void
stop_deadline (DcHttpExchange *self)
{
  if (!self->deadline)
    return;
  g_source_destroy (self->deadline);
  g_clear_pointer (&self->deadline, g_source_unref);
}

static void
close_exchange (DcHttpExchange *self)
{
  if (self->state == STATE_CLOSED)
    return;
  self->state = STATE_CLOSED;
  stop_deadline (self);
  g_cancellable_cancel (self->cancellable);
  self->klass->ended (self, self->user_data);
  exchange_unref (self);
}

static gboolean
deadline_cb (gpointer data)
{
  close_exchange (data);
  return G_SOURCE_REMOVE;
}

static void
start_deadline (DcHttpExchange *self, guint ms)
{
  stop_deadline (self);
  self->deadline = g_timeout_source_new (ms);
  g_source_set_callback (self->deadline, deadline_cb, self, NULL);
  g_source_attach (self->deadline, g_main_context_get_thread_default ());
}

/* The connection is gone, or nothing can be understood from it any more. */
static void
lose (DcHttpExchange *self)
{
  DcHttpGoneFunc gone = g_steal_pointer (&self->gone);

  if (gone && self->state == STATE_HANDLING)
    gone (self, self->gone_data);
  close_exchange (self);
}

/* Answers a request that cannot be read on. */
static void
refuse (DcHttpExchange *self, guint status, const char *why)
{
  g_autofree char *body = g_strdup_printf (
      "{\"type\":\"error\",\"code\":\"%s\",\"message\":\"%s\"}\n", status == 413 ? "too-large" : "bad-message", why);

  self->unread = TRUE;
  self->state = STATE_HANDLING;
  dc_http_exchange_respond (self, status, "application/json", NULL, body);
}

static void
handle (DcHttpExchange *self)
{
  stop_deadline (self);
  g_byte_array_append (self->input, (const guint8 *) "", 1);
  self->input->len--;
  self->state = STATE_HANDLING;
  self->klass->request (self, self->user_data);
}

static void
begin_body (DcHttpExchange *self)
{
  if (self->request->content_length > self->limits.max_body) {
    refuse (self, 413, "The body of the request is too large.");
    return;
  }
  if (self->input->len >= self->request->content_length) {
    /* More than the request is a second one, which we answer by closing. */
    self->unread = self->input->len > self->request->content_length;
    g_byte_array_set_size (self->input, self->request->content_length);
    handle (self);
    return;
  }
  self->state = STATE_BODY;
  start_deadline (self, self->limits.timeout);
  if (self->input->len == 0 && dc_http_request_has_token (self->request, "expect", "100-continue")) {
    g_string_assign (self->output, "HTTP/1.1 100 Continue\r\n\r\n");
    write_output (self);
    return;
  }
  read_more (self);
}

static void
take_head (DcHttpExchange *self)
{
  const char *bytes = (const char *) self->input->data;
  gsize length = dc_http_request_find_end (bytes, self->input->len);
  const char *why = NULL;
  guint status = 0;

  if (!dc_http_request_is_plausible (bytes, self->input->len)) {
    refuse (self, 400, "This is no HTTP request.");
    return;
  }
  if (length > DC_HTTP_MAX_HEAD || (length == 0 && self->input->len > DC_HTTP_MAX_HEAD)) {
    refuse (self, 431, "The head of the request is too large.");
    return;
  }
  if (length == 0) {
    read_more (self);
    return;
  }
  self->request = dc_http_request_parse (bytes, length, &status, &why);
  if (!self->request) {
    refuse (self, status, why);
    return;
  }
  g_byte_array_remove_range (self->input, 0, length);
  begin_body (self);
}

static void
take_input (DcHttpExchange *self, gsize length)
{
  switch (self->state) {
    case STATE_HEAD:
      g_byte_array_append (self->input, (const guint8 *) self->buffer, length);
      take_head (self);
      break;
    case STATE_BODY: {
      gsize missing = self->request->content_length - self->input->len;
      self->unread = length > missing;
      g_byte_array_append (self->input, (const guint8 *) self->buffer, MIN (length, missing));
      if (self->input->len < self->request->content_length)
        read_more (self);
      else
        handle (self);
      break;
    }
    case STATE_HANDLING:
      self->unread = TRUE;
      break;
    case STATE_DRAINING:
      self->drained += length;
      if (self->drained < DRAIN_BYTES)
        read_more (self);
      else
        close_exchange (self);
      break;
    default:
      break;
  }
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  DcHttpExchange *self = data;
  gssize length = g_input_stream_read_finish (G_INPUT_STREAM (source), result, NULL);

  self->reading = FALSE;
  if (self->state == STATE_WRITING) {
    /* The read that watched for the client's leaving came back while the answer is on its way: the answer decides. */
    self->unread = self->unread || length > 0;
  } else if (self->state != STATE_CLOSED) {
    if (length > 0)
      take_input (self, length);
    else
      lose (self);
  }
  exchange_unref (self);
}

static void
read_more (DcHttpExchange *self)
{
  if (self->reading)
    return;
  self->reading = TRUE;
  g_input_stream_read_async (g_io_stream_get_input_stream (self->stream), self->buffer, sizeof self->buffer,
      G_PRIORITY_DEFAULT, self->cancellable, read_cb, exchange_ref (self));
}

static void
handshake_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  DcHttpExchange *self = data;
  gboolean done = g_tls_connection_handshake_finish (G_TLS_CONNECTION (source), result, NULL);

  if (self->state == STATE_HANDSHAKE) {
    self->state = STATE_HEAD;
    if (done)
      read_more (self);
    else
      close_exchange (self);
  }
  exchange_unref (self);
}

static gboolean
start_tls (DcHttpExchange *self, GTlsCertificate *certificate)
{
  static const char *const protocols[] = {"http/1.1", NULL};
  GIOStream *tls = g_tls_server_connection_new (G_IO_STREAM (self->connection), certificate, NULL);

  if (!tls)
    return FALSE;
  g_object_unref (self->stream);
  self->stream = tls;
  g_tls_connection_set_require_close_notify (G_TLS_CONNECTION (tls), FALSE);
  g_tls_connection_set_advertised_protocols (G_TLS_CONNECTION (tls), protocols);
  g_tls_connection_handshake_async (
      G_TLS_CONNECTION (tls), G_PRIORITY_DEFAULT, self->cancellable, handshake_cb, exchange_ref (self));
  return TRUE;
}

static char *
describe_remote (GSocketConnection *connection)
{
  g_autoptr (GSocketAddress) address = g_socket_connection_get_remote_address (connection, NULL);

  /* It may have been closed before we came to look. */
  if (!address || !G_IS_INET_SOCKET_ADDRESS (address))
    return g_strdup ("unknown address");
  return g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (address));
}

/* Not from the constructor: the caller does not know the exchange yet, and ended() may come at once. */
static gboolean
begin_cb (gpointer data)
{
  DcHttpExchange *self = data;

  if (self->state == STATE_HEAD)
    read_more (self);
  else if (self->state == STATE_HANDSHAKE)
    close_exchange (self);
  exchange_unref (self);
  return G_SOURCE_REMOVE;
}

DcHttpExchange *
dc_http_exchange_new (GSocketConnection *connection, GTlsCertificate *tls, const DcHttpLimits *limits,
    const DcHttpExchangeClass *klass, gpointer user_data)
{
  DcHttpExchange *self = g_new0 (DcHttpExchange, 1);

  g_atomic_ref_count_init (&self->refs);
  self->connection = g_object_ref (connection);
  self->stream = g_object_ref (G_IO_STREAM (connection));
  self->remote = describe_remote (connection);
  self->limits = *limits;
  self->klass = klass;
  self->user_data = user_data;
  self->cancellable = g_cancellable_new ();
  self->input = g_byte_array_new ();
  self->output = g_string_new (NULL);
  self->state = tls ? STATE_HANDSHAKE : STATE_HEAD;
  start_deadline (self, limits->timeout);
  if (tls && start_tls (self, tls))
    return self;

  GSource *begin = g_idle_source_new ();
  g_source_set_priority (begin, G_PRIORITY_DEFAULT);
  g_source_set_callback (begin, begin_cb, exchange_ref (self), NULL);
  g_source_attach (begin, g_main_context_get_thread_default ());
  g_source_unref (begin);
  return self;
}

const DcHttpRequest *
dc_http_exchange_get_request (DcHttpExchange *self)
{
  return self->request;
}

const char *
dc_http_exchange_get_body (DcHttpExchange *self, gsize *length)
{
  *length = self->input->len;
  return (const char *) self->input->data;
}

const char *
dc_http_exchange_get_remote (DcHttpExchange *self)
{
  return self->remote;
}

gboolean
dc_http_exchange_is_answering (DcHttpExchange *self)
{
  return self->state >= STATE_HANDLING && self->state < STATE_CLOSED;
}

void
dc_http_exchange_watch (DcHttpExchange *self, DcHttpGoneFunc gone, gpointer user_data)
{
  g_return_if_fail (self->state == STATE_HANDLING);
  self->gone = gone;
  self->gone_data = user_data;
  read_more (self);
}

static void
begin_draining (DcHttpExchange *self)
{
  self->state = STATE_DRAINING;
  g_socket_shutdown (g_socket_connection_get_socket (self->connection), FALSE, TRUE, NULL);
  start_deadline (self, DRAIN_TIME_MS);
  read_more (self);
}

static void
finish_upgrade (DcHttpExchange *self)
{
  g_autoptr (GSocketConnection) connection = g_steal_pointer (&self->connection);

  self->upgrade (
      self, g_steal_pointer (&self->stream), g_socket_connection_get_socket (connection), self->upgrade_data);
  close_exchange (self);
}

static void
written (DcHttpExchange *self)
{
  g_string_truncate (self->output, 0);
  if (self->state == STATE_BODY)
    read_more (self);
  else if (self->upgrade)
    finish_upgrade (self);
  else if (self->unread)
    begin_draining (self);
  else
    close_exchange (self);
}

static void
write_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  DcHttpExchange *self = data;
  gboolean done = g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, NULL);

  if (self->state != STATE_CLOSED) {
    if (done)
      written (self);
    else
      close_exchange (self);
  }
  exchange_unref (self);
}

static void
write_output (DcHttpExchange *self)
{
  g_output_stream_write_all_async (g_io_stream_get_output_stream (self->stream), self->output->str, self->output->len,
      G_PRIORITY_DEFAULT, self->cancellable, write_cb, exchange_ref (self));
}

static const char *
reason_phrase (guint status)
{
  static const struct {
    guint status;
    const char *phrase;
  } phrases[] = {
      {101, "Switching Protocols"},
      {200, "OK"},
      {201, "Created"},
      {204, "No Content"},
      {400, "Bad Request"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {409, "Conflict"},
      {411, "Length Required"},
      {413, "Content Too Large"},
      {426, "Upgrade Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {503, "Service Unavailable"},
      {505, "HTTP Version Not Supported"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (phrases); i++)
    if (phrases[i].status == status)
      return phrases[i].phrase;
  return "Unknown";
}

/* RFC 9110, 5.6.7; not g_date_time_format(), which follows the locale. */
static void
append_date (GString *output)
{
  static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  static const char *const months[] = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();

  g_string_append_printf (output, "Date: %s, %02d %s %d %02d:%02d:%02d GMT\r\n",
      days[g_date_time_get_day_of_week (now) - 1], g_date_time_get_day_of_month (now),
      months[g_date_time_get_month (now) - 1], g_date_time_get_year (now), g_date_time_get_hour (now),
      g_date_time_get_minute (now), g_date_time_get_second (now));
}

static void
begin_writing (DcHttpExchange *self)
{
  self->gone = NULL;
  self->state = STATE_WRITING;
  start_deadline (self, self->limits.timeout);
  write_output (self);
}

void
dc_http_exchange_respond (DcHttpExchange *self, guint status, const char *type, const char *headers, const char *body)
{
  gsize length = body ? strlen (body) : 0;

  g_return_if_fail (self->state == STATE_HANDLING);
  g_string_printf (self->output, "HTTP/1.1 %u %s\r\nConnection: close\r\n", status, reason_phrase (status));
  append_date (self->output);
  if (status != 204)
    g_string_append_printf (self->output, "Content-Length: %" G_GSIZE_FORMAT "\r\n", length);
  if (type)
    g_string_append_printf (self->output, "Content-Type: %s\r\n", type);
  /* Any page may speak to a signaling server that lets it: there are no cookies here, the resume token is the key. */
  g_string_append (
      self->output, "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nAccess-Control-Allow-Origin: *\r\n");
  g_string_append (self->output, headers ? headers : "");
  g_string_append (self->output, "\r\n");
  if (body && !(self->request && g_str_equal (self->request->method, "HEAD")))
    g_string_append_len (self->output, body, length);
  begin_writing (self);
}

void
dc_http_exchange_upgrade (DcHttpExchange *self, const char *headers, DcHttpUpgradeFunc func, gpointer user_data)
{
  g_return_if_fail (self->state == STATE_HANDLING && !self->reading);
  if (self->unread) {
    refuse (self, 400, "The client sent data before the upgrade was answered.");
    return;
  }
  self->upgrade = func;
  self->upgrade_data = user_data;
  g_string_printf (self->output, "HTTP/1.1 101 %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n%s\r\n",
      reason_phrase (101), headers);
  begin_writing (self);
}

void
dc_http_exchange_abort (DcHttpExchange *self)
{
  close_exchange (self);
}
