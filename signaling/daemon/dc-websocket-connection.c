/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dc-websocket-connection.c: a hub connection over a WebSocket.
 *
 * Theory of operation
 *
 * dc_websocket_handle_request() checks the handshake and answers it; the stream then goes to a SoupWebsocketConnection,
 * which this file wraps and alone knows. Each text message goes into the hub; what the hub sends goes out.
 *
 * What libsoup 3.2 lacks for clients that we cannot trust is put around it:
 *  - permessage-deflate is never offered (a few bytes would inflate to gigabytes). In its place stands a private extension that
 *    is not advertised either: it sees the header of each frame, in both directions, before messages are put together,
 *    and asks the DcFrameGuard. Its error makes libsoup close with the right code.
 *  - libsoup's output queue has neither a bound nor a length. The guard counts what enters it, pongs too, and the DcStream
 *    below counts what left: the difference is the queue. It may hold a full mailbox, a welcome and OUTPUT_SLACK of answers and pongs;
 *    beyond that the client is too slow and is cut off. Its session stays: it may resume and read on.
 *  - pings go out each ping interval; if nothing at all came for two of them the connection is lost.
 *  - a connection that does not say hello in time is closed.
 *  - after any error the connection is dropped in the next turn of the main loop. libsoup would read on until its own close
 *    timeout, into a buffer that it cannot empty any more.
 *
 * Ends: by the hub (close(): a close frame, then CLOSE_TIME_MS for the client's), by the client or the network ("closed"), or by us
 * (doom()). libsoup's own 5 s for the closing handshake must not pass: it leaks the timer then. The hub may be further up on the
 * stack when something ends: so a connection is only doomed then, and detached and freed from the main loop.
 */
#include "signaling/daemon/dc-websocket-connection.h"

#include <libsoup/soup.h>
#include <string.h>

#include "signaling/daemon/dc-frame-guard.h"
#include "signaling/daemon/dc-stream.h"

#define WEBSOCKET_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455, 1.3 */
#define OUTPUT_SLACK (256 * 1024)
#define CLOSE_TIME_MS 2000

struct _DcWebsocketConnection {
  DcHubConnection parent;
  DcDaemon *daemon;
  SoupWebsocketConnection *socket;
  DcStream *stream;
  DcFrameGuard guard;
  gsize largest; /* of the messages that are in no mailbox: the welcome */
  GSource *hello_timer;
  GSource *heard_timer;
  GSource *close_timer; /* runs during the closing handshake */
  GSource *doom;        /* will detach and free us */
};

/* The extension: hands the frames' headers to the guard. */
#define DC_TYPE_GUARD_EXTENSION (dc_guard_extension_get_type ())
G_DECLARE_FINAL_TYPE (DcGuardExtension, dc_guard_extension, DC, GUARD_EXTENSION, SoupWebsocketExtension)

struct _DcGuardExtension {
  SoupWebsocketExtension parent;
  DcWebsocketConnection *connection; /* NULL once it is freed; libsoup may outlive it */
};

G_DEFINE_TYPE (DcGuardExtension, dc_guard_extension, SOUP_TYPE_WEBSOCKET_EXTENSION)

static gsize
get_queued (DcWebsocketConnection *self)
{
  return self->guard.outgoing - dc_stream_get_written (self->stream);
}

static gsize
get_queue_limit (DcWebsocketConnection *self)
{
  /* Presence may fill a mailbox a quarter beyond its limit. */
  return self->daemon->config.hub.max_mailbox_bytes / 4 * 5 + self->largest + OUTPUT_SLACK;
}

static GBytes *
guard_incoming (SoupWebsocketExtension *extension, guint8 *header, GBytes *payload, GError **error)
{
  DcWebsocketConnection *self = DC_GUARD_EXTENSION (extension)->connection;
  DcFrameVerdict verdict = DC_FRAME_TOO_MANY;

  if (self)
    verdict = dc_frame_guard_incoming (&self->guard, header[0], g_bytes_get_size (payload), g_get_monotonic_time ());
  /* Each ping queues a pong, whether the client reads or not. */
  if (verdict == DC_FRAME_OK && get_queued (self) > get_queue_limit (self))
    verdict = DC_FRAME_TOO_MANY;

  switch (verdict) {
    case DC_FRAME_OK:
      return payload;
    case DC_FRAME_TOO_LARGE:
      g_set_error_literal (error, SOUP_WEBSOCKET_ERROR, SOUP_WEBSOCKET_CLOSE_TOO_BIG, "The message is too large.");
      break;
    case DC_FRAME_BINARY:
      g_set_error_literal (
          error, SOUP_WEBSOCKET_ERROR, SOUP_WEBSOCKET_CLOSE_UNSUPPORTED_DATA, "Only text messages are taken.");
      break;
    case DC_FRAME_TOO_MANY:
      g_set_error_literal (error, SOUP_WEBSOCKET_ERROR, SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION, "Too many frames.");
      break;
  }
  g_bytes_unref (payload);
  return NULL;
}

static GBytes *
guard_outgoing (SoupWebsocketExtension *extension, guint8 *header, GBytes *payload, GError **error)
{
  DcWebsocketConnection *self = DC_GUARD_EXTENSION (extension)->connection;

  if (self)
    dc_frame_guard_outgoing (&self->guard, g_bytes_get_size (payload));
  return payload;
}

static void
dc_guard_extension_class_init (DcGuardExtensionClass *klass)
{
  SoupWebsocketExtensionClass *extension_class = SOUP_WEBSOCKET_EXTENSION_CLASS (klass);

  extension_class->process_incoming_message = guard_incoming;
  extension_class->process_outgoing_message = guard_outgoing;
}

static void
dc_guard_extension_init (DcGuardExtension *self)
{
}

/* The stream is closed, perhaps after the connection was freed: libsoup closes it asynchronously. */
static void
stream_gone_cb (gpointer data, GObject *where_the_object_was)
{
  DcDaemon *daemon = data;

  daemon->lingering--;
}

void
dc_websocket_connection_free (DcWebsocketConnection *self)
{
  GList *extensions = soup_websocket_connection_get_extensions (self->socket);

  DC_GUARD_EXTENSION (extensions->data)->connection = NULL;
  dc_source_clear (&self->hello_timer);
  dc_source_clear (&self->heard_timer);
  dc_source_clear (&self->close_timer);
  dc_source_clear (&self->doom);
  g_signal_handlers_disconnect_by_data (self->socket, self);
  g_object_unref (self->socket); /* closes the stream */
  g_object_unref (self->stream);
  g_free (self->parent.origin);
  g_free (self);
}

static gboolean
doom_cb (gpointer data)
{
  DcWebsocketConnection *self = data;
  DcDaemon *daemon = self->daemon;

  if (self->parent.session)
    dc_daemon_detach (daemon, &self->parent);
  dc_daemon_forget (daemon, daemon->websockets, self);
  return G_SOURCE_REMOVE;
}

/* The end of the connection, in the next turn of the main loop. */
static void
doom (DcWebsocketConnection *self)
{
  if (!self->doom)
    self->doom = dc_daemon_add_timeout (self->daemon, 0, doom_cb, self);
}

static gboolean
close_time_over_cb (gpointer data)
{
  doom (data);
  return G_SOURCE_REMOVE;
}

/* Whoever began it. */
static void
closing_cb (SoupWebsocketConnection *socket, DcWebsocketConnection *self)
{
  if (!self->close_timer)
    self->close_timer = dc_daemon_add_timeout (self->daemon, CLOSE_TIME_MS, close_time_over_cb, self);
}

static void
closed_cb (SoupWebsocketConnection *socket, DcWebsocketConnection *self)
{
  doom (self);
}

static void
error_cb (SoupWebsocketConnection *socket, GError *error, DcWebsocketConnection *self)
{
  doom (self);
}

static void
message_cb (SoupWebsocketConnection *socket, int type, GBytes *message, DcWebsocketConnection *self)
{
  gsize length = 0;
  const char *text = g_bytes_get_data (message, &length);

  /* Once we said goodbye nothing more is taken. */
  if (self->doom || soup_websocket_connection_get_state (socket) != SOUP_WEBSOCKET_STATE_OPEN)
    return;
  dc_daemon_receive (self->daemon, &self->parent, text, length);
  if (self->parent.session)
    dc_source_clear (&self->hello_timer);
}

static void
websocket_send (DcHubConnection *connection, const char *text, gsize length, guint64 seq)
{
  DcWebsocketConnection *self = (DcWebsocketConnection *) connection;
  g_autoptr (GBytes) message = NULL;

  if (self->doom || soup_websocket_connection_get_state (self->socket) != SOUP_WEBSOCKET_STATE_OPEN)
    return;
  if (seq == 0)
    self->largest = MAX (self->largest, length);
  if (get_queued (self) + length > get_queue_limit (self)) {
    doom (self);
    return;
  }
  message = g_bytes_new (text, length);
  soup_websocket_connection_send_message (self->socket, SOUP_WEBSOCKET_DATA_TEXT, message);
}

/* Closes after what was sent; "closed" follows when the client has answered. */
static void
say_goodbye (DcWebsocketConnection *self, gushort code, const char *reason)
{
  if (!self->doom && soup_websocket_connection_get_state (self->socket) == SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_close (self->socket, code, reason);
}

static void
websocket_close (DcHubConnection *connection, DcCode code, const char *reason)
{
  DcWebsocketConnection *self = (DcWebsocketConnection *) connection;
  /* A close frame carries 123 bytes of UTF-8 text: the code's name always fits, a sentence might be cut within a character. */
  gboolean going = code == DC_CODE_SHUTTING_DOWN;

  say_goodbye (
      self, going ? SOUP_WEBSOCKET_CLOSE_GOING_AWAY : SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION, dc_code_to_string (code));
}

static const DcHubConnectionClass websocket_class = {websocket_send, websocket_close};

static gboolean
no_hello_cb (gpointer data)
{
  DcWebsocketConnection *self = data;

  dc_source_clear (&self->hello_timer);
  say_goodbye (self, SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION, "no hello came");
  return G_SOURCE_REMOVE;
}

/* Runs each ping interval, which libsoup keeps too. */
static gboolean
check_heard_cb (gpointer data)
{
  DcWebsocketConnection *self = data;
  gint64 silence = g_get_monotonic_time () - self->guard.last_heard;

  if (silence > 2 * (gint64) self->daemon->config.ping_interval * G_USEC_PER_SEC)
    doom (self);
  return G_SOURCE_CONTINUE;
}

static SoupWebsocketConnection *
new_socket (DcWebsocketConnection *self)
{
  g_autoptr (GUri) uri = g_uri_build (G_URI_FLAGS_NONE, "ws", NULL, "localhost", -1, "/v1/ws", NULL, NULL);
  DcGuardExtension *extension = g_object_new (DC_TYPE_GUARD_EXTENSION, NULL);
  SoupWebsocketConnection *socket;

  extension->connection = self;
  socket = soup_websocket_connection_new (G_IO_STREAM (self->stream), uri, SOUP_WEBSOCKET_CONNECTION_SERVER, NULL,
      DC_DAEMON_SUBPROTOCOL, g_list_prepend (NULL, extension));
  soup_websocket_connection_set_max_incoming_payload_size (socket, self->guard.max_message);
  soup_websocket_connection_set_keepalive_interval (socket, self->daemon->config.ping_interval);
  g_signal_connect (socket, "message", G_CALLBACK (message_cb), self);
  g_signal_connect (socket, "error", G_CALLBACK (error_cb), self);
  g_signal_connect (socket, "closing", G_CALLBACK (closing_cb), self);
  g_signal_connect (socket, "closed", G_CALLBACK (closed_cb), self);
  return socket;
}

static void
upgraded_cb (DcHttpExchange *exchange, GIOStream *base, GSocket *base_socket, gpointer user_data)
{
  DcDaemon *daemon = user_data;
  DcWebsocketConnection *self = g_new0 (DcWebsocketConnection, 1);
  GIOStream *stream = dc_stream_new (base, base_socket);

  g_object_unref (base);
  g_object_weak_ref (G_OBJECT (stream), stream_gone_cb, daemon);
  daemon->lingering++;
  self->parent.klass = &websocket_class;
  self->parent.origin = g_strdup_printf ("WebSocket %s", dc_http_exchange_get_remote (exchange));
  self->daemon = daemon;
  self->stream = DC_STREAM (stream);
  /* More than the hub takes: up to here it answers with an error, and the session goes on. */
  dc_frame_guard_init (&self->guard, DC_HUB_READ_FACTOR * daemon->config.hub.max_message, g_get_monotonic_time ());
  self->socket = new_socket (self);
  self->hello_timer = dc_daemon_add_timeout (daemon, daemon->config.hello_timeout, no_hello_cb, self);
  self->heard_timer = dc_daemon_add_timeout (daemon, daemon->config.ping_interval * 1000, check_heard_cb, self);
  g_hash_table_add (daemon->websockets, self);
  if (daemon->stopping)
    say_goodbye (self, SOUP_WEBSOCKET_CLOSE_GOING_AWAY, dc_code_to_string (DC_CODE_SHUTTING_DOWN));
}

void
dc_websocket_connections_close (DcDaemon *daemon)
{
  g_autoptr (GList) connections = g_hash_table_get_keys (daemon->websockets);

  for (GList *l = connections; l; l = l->next)
    say_goodbye (l->data, SOUP_WEBSOCKET_CLOSE_GOING_AWAY, dc_code_to_string (DC_CODE_SHUTTING_DOWN));
}

/* The value of Sec-WebSocket-Accept (RFC 6455, 4.2.2), or NULL if the key is not 16 bytes in base64. */
static char *
compute_accept (const char *key)
{
  guint8 digest[20];
  gsize length = sizeof digest;

  if (!key || strlen (key) != 24)
    return NULL;
  g_autofree guchar *nonce = g_base64_decode (key, &length);
  if (length != 16)
    return NULL;
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA1);
  g_checksum_update (checksum, (const guchar *) key, -1);
  g_checksum_update (checksum, (const guchar *) WEBSOCKET_GUID, -1);
  length = sizeof digest;
  g_checksum_get_digest (checksum, digest, &length);
  return g_base64_encode (digest, length);
}

void
dc_websocket_handle_request (DcDaemon *daemon, DcHttpExchange *exchange)
{
  const DcHttpRequest *request = dc_http_exchange_get_request (exchange);
  const char *version = dc_http_request_get_header (request, "sec-websocket-version");
  const char *protocols = dc_http_request_get_header (request, "sec-websocket-protocol");
  g_autofree char *accept = compute_accept (dc_http_request_get_header (request, "sec-websocket-key"));

  if (!dc_http_request_has_token (request, "connection", "upgrade")
      || !dc_http_request_has_token (request, "upgrade", "websocket") || g_strcmp0 (version, "13") != 0) {
    dc_daemon_respond_error (exchange, 426, DC_CODE_UNSUPPORTED,
        "This is a WebSocket: connect to it with a WebSocket client (version 13), or use HTTP polling at /v1/peers.");
    return;
  }
  if (!accept || request->minor < 1 || request->content_length > 0) {
    dc_daemon_respond_error (exchange, 400, DC_CODE_BAD_MESSAGE, "The WebSocket handshake is malformed.");
    return;
  }
  if (protocols && !dc_http_request_has_token (request, "sec-websocket-protocol", DC_DAEMON_SUBPROTOCOL)) {
    dc_daemon_respond_error (
        exchange, 400, DC_CODE_UNSUPPORTED, "The only WebSocket subprotocol spoken here is " DC_DAEMON_SUBPROTOCOL ".");
    return;
  }
  /* A client that names no subprotocol, typed by hand perhaps, is taken; it must not be told one then (RFC 6455, 4.1). */
  g_autofree char *headers = g_strdup_printf ("Sec-WebSocket-Accept: %s\r\n%s", accept,
      protocols ? "Sec-WebSocket-Protocol: " DC_DAEMON_SUBPROTOCOL "\r\n" : "");
  dc_http_exchange_upgrade (exchange, headers, upgraded_cb, daemon);
}
