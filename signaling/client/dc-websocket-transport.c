/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-websocket-transport.c: the signaling session over a WebSocket. */
#include "signaling/client/dc-signaling-transport.h"
#include <string.h>

/*
 * States: connecting (msg, no connection), open (connection), closing (our close frame is on its way), over (callbacks are NULL).
 *
 * Timeouts: the caller bounds the time until the welcome. From then on we ping every `keepalive` seconds; a live server
 * answers with a pong, so the connection is dead when no frame at all came for three times that long.
 *
 * DcClientFrameGuard, below, sees every frame. It is needed for two things: libsoup bounds a frame but not a message of many
 * fragments, and it emits "pong" with a GByteArray that it declares as a GBytes, which had better not be copied.
 */

#define DC_TYPE_CLIENT_FRAME_GUARD (dc_client_frame_guard_get_type ())
G_DECLARE_FINAL_TYPE (DcClientFrameGuard, dc_client_frame_guard, DC, CLIENT_FRAME_GUARD, SoupWebsocketExtension)

/* A WebSocket extension that exists on this side only: it is neither offered to the server nor accepted by it (see
 * got_informational_cb()). */
struct _DcClientFrameGuard {
  SoupWebsocketExtension parent_instance;
  gsize total;       /* bytes of the message so far */
  gint64 last_heard; /* monotonic, microseconds */
};

G_DEFINE_FINAL_TYPE (DcClientFrameGuard, dc_client_frame_guard, SOUP_TYPE_WEBSOCKET_EXTENSION)
#define CLIENT_FRAME_GUARD_NAME "x-datachannel-frame-guard"

static GBytes *
dc_client_frame_guard_process_incoming (
    SoupWebsocketExtension *extension, guint8 *header, GBytes *payload, GError **error)
{
  DcClientFrameGuard *self = DC_CLIENT_FRAME_GUARD (extension);
  guint opcode = header[0] & 0x0f;

  self->last_heard = g_get_monotonic_time ();
  if (opcode & 0x08)
    return payload; /* control frames stand between fragments, are short and are not kept */
  if (opcode != 0)
    self->total = 0;
  self->total += g_bytes_get_size (payload);
  if (self->total <= DC_TRANSPORT_MAX_INCOMING)
    return payload;
  g_bytes_unref (payload);
  g_set_error_literal (error, SOUP_WEBSOCKET_ERROR, SOUP_WEBSOCKET_CLOSE_TOO_BIG, "a message is too large");
  return NULL;
}

static void
dc_client_frame_guard_class_init (DcClientFrameGuardClass *klass)
{
  SoupWebsocketExtensionClass *extension_class = SOUP_WEBSOCKET_EXTENSION_CLASS (klass);

  extension_class->name = CLIENT_FRAME_GUARD_NAME;
  extension_class->process_incoming_message = dc_client_frame_guard_process_incoming;
}

static void
dc_client_frame_guard_init (DcClientFrameGuard *self)
{
  self->last_heard = g_get_monotonic_time ();
}

typedef struct {
  DcTransport base;
  char *url;
  char *hello;
  SoupMessage *msg;
  SoupWebsocketConnection *connection;
  guint64 acknowledge; /* told with the next iteration of the main loop, if not 0 */
  GSource *acknowledge_source;
  GSource *watch;
  DcClientFrameGuard *guard; /* (transfer none): the connection's */
  gboolean closing;
} WebsocketTransport;

static void
let_go (WebsocketTransport *self)
{
  dc_transport_clear_source (&self->watch);
  dc_transport_clear_source (&self->acknowledge_source);
  if (self->msg != NULL)
    g_signal_handlers_disconnect_by_data (self->msg, self);
  if (self->connection == NULL)
    return;
  g_signal_handlers_disconnect_by_data (self->connection, self);
  g_clear_object (&self->connection);
}

static void
connection_closed_cb (SoupWebsocketConnection *connection, gpointer user_data)
{
  WebsocketTransport *self = user_data;
  const char *reason = soup_websocket_connection_get_close_data (connection);
  guint code = soup_websocket_connection_get_close_code (connection);
  g_autofree char *clean = dc_transport_sanitize (reason);

  if (self->closing)
    dc_transport_lose (&self->base, DC_TRANSPORT_LOSS_CLOSED, NULL);
  else if (code != 0 && *clean != '\0')
    dc_transport_lose_printf (&self->base, DC_TRANSPORT_LOSS_CONNECTION, DC_SIGNALING_ERROR_UNREACHABLE,
        "%s closed the connection: %s", self->base.base, clean);
  else
    dc_transport_lose_printf (&self->base, DC_TRANSPORT_LOSS_CONNECTION, DC_SIGNALING_ERROR_UNREACHABLE,
        "%s closed the connection", self->base.base);
}

/* The server's close frame came, or ours goes: what it wanted to say, it has said. libsoup then waits up to 5 s for the end of the
 * stream; we need not. */
static void
connection_closing_cb (SoupWebsocketConnection *connection, gpointer user_data)
{
  WebsocketTransport *self = user_data;

  if (!self->closing)
    connection_closed_cb (connection, self);
}

static void
connection_error_cb (SoupWebsocketConnection *connection, GError *error, gpointer user_data)
{
  WebsocketTransport *self = user_data;

  dc_transport_lose_io (&self->base, NULL, error);
}

static void
connection_message_cb (SoupWebsocketConnection *connection, gint type, GBytes *data, gpointer user_data)
{
  WebsocketTransport *self = user_data;
  DcTransport *hold = dc_transport_ref (&self->base);
  gsize length;
  const char *text = g_bytes_get_data (data, &length);

  if (type == SOUP_WEBSOCKET_DATA_TEXT)
    dc_transport_deliver (&self->base, text != NULL ? text : "", length);
  else
    dc_transport_lose_printf (&self->base, DC_TRANSPORT_LOSS_CONNECTION, DC_SIGNALING_ERROR_MESSAGE,
        "%s sent a binary message; the protocol has only text", self->base.base);
  dc_transport_unref (hold);
}

static gboolean
watch_cb (gpointer user_data)
{
  WebsocketTransport *self = user_data;
  gint64 limit = 3 * (gint64) self->base.keepalive * G_USEC_PER_SEC;

  if (g_get_monotonic_time () - self->guard->last_heard < limit)
    return G_SOURCE_CONTINUE;
  dc_transport_lose_printf (&self->base, DC_TRANSPORT_LOSS_CONNECTION, DC_SIGNALING_ERROR_UNREACHABLE,
      "the connection to %s is dead: nothing came for %u s", self->base.base, 3 * self->base.keepalive);
  return G_SOURCE_REMOVE;
}

static void
take_connection (WebsocketTransport *self, SoupWebsocketConnection *connection)
{
  self->connection = connection;
  soup_websocket_connection_set_max_incoming_payload_size (connection, DC_TRANSPORT_MAX_INCOMING);
  soup_websocket_connection_set_keepalive_interval (connection, self->base.keepalive);
  g_signal_connect (connection, "message", G_CALLBACK (connection_message_cb), self);
  g_signal_connect (connection, "error", G_CALLBACK (connection_error_cb), self);
  g_signal_connect (connection, "closing", G_CALLBACK (connection_closing_cb), self);
  g_signal_connect (connection, "closed", G_CALLBACK (connection_closed_cb), self);
  self->guard = soup_websocket_connection_get_extensions (connection)->data;
  self->watch = dc_transport_add_timeout (&self->base, self->base.keepalive * 1000, watch_cb);
  self->base.hello_sent = TRUE;
  soup_websocket_connection_send_text (connection, self->hello);
}

/* HTTP answered instead of 101, or the connection was closed in mid-upgrade: a proxy that knows no WebSocket does either. */
static void
upgrade_failed (WebsocketTransport *self, const GError *error)
{
  guint status = soup_message_get_status (self->msg);
  const char *phrase = soup_message_get_reason_phrase (self->msg);
  g_autofree char *clean = dc_transport_sanitize (phrase);

  if (status == SOUP_STATUS_SWITCHING_PROTOCOLS)
    dc_transport_lose_printf (&self->base, DC_TRANSPORT_LOSS_UPGRADE_REFUSED, DC_SIGNALING_ERROR_REFUSED,
        "%s upgrades to something else than our WebSocket; check the signaling URL", self->base.base);
  else if (status != 0)
    dc_transport_lose_printf (&self->base, DC_TRANSPORT_LOSS_UPGRADE_REFUSED, dc_transport_judge_status (status),
        "%s refuses the WebSocket (HTTP %u %s at /v1/ws); check the signaling URL, or use HTTP polling",
        self->base.base, status, clean);
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT)
           || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED))
    dc_transport_lose_printf (&self->base, DC_TRANSPORT_LOSS_UPGRADE_REFUSED, DC_SIGNALING_ERROR_UNREACHABLE,
        "%s closed the connection instead of upgrading it to a WebSocket", self->base.base);
  else
    dc_transport_lose_io (&self->base, self->msg, error);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  WebsocketTransport *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SoupWebsocketConnection) connection =
      soup_session_websocket_connect_finish (SOUP_SESSION (source), result, &error);

  if (!dc_transport_is_live (&self->base))
    (void) 0; /* abandoned meanwhile: dropping the connection closes it */
  else if (connection == NULL)
    upgrade_failed (self, error);
  else if (g_strcmp0 (soup_websocket_connection_get_protocol (connection), "datachannel.v1") != 0)
    dc_transport_lose_printf (&self->base, DC_TRANSPORT_LOSS_CONNECTION, DC_SIGNALING_ERROR_REFUSED,
        "%s has a WebSocket, but does not speak datachannel.v1; check the signaling URL", self->base.base);
  else
    take_connection (self, g_steal_pointer (&connection));
  dc_transport_unref (&self->base);
}

/* The server switches protocols; libsoup has not looked at the answer yet. It instantiates extensions only if both sides named
 * them, so DcClientFrameGuard is written into our copies of both headers now, after they have crossed the wire. An extension
 * that the server itself named stays in the list and is refused by libsoup, for we offered none. */
static void
got_informational_cb (SoupMessage *msg, gpointer user_data)
{
  WebsocketTransport *self = user_data;

  if (soup_message_get_status (msg) != SOUP_STATUS_SWITCHING_PROTOCOLS)
    return;
  soup_session_add_feature_by_type (self->base.session, DC_TYPE_CLIENT_FRAME_GUARD);
  soup_message_headers_append (
      soup_message_get_request_headers (msg), "Sec-WebSocket-Extensions", CLIENT_FRAME_GUARD_NAME);
  soup_message_headers_append (
      soup_message_get_response_headers (msg), "Sec-WebSocket-Extensions", CLIENT_FRAME_GUARD_NAME);
}

static void
websocket_open (DcTransport *transport, const char *hello)
{
  WebsocketTransport *self = (WebsocketTransport *) transport;
  char *protocols[] = {(char *) "datachannel.v1", NULL};

  /* The manager must be there before the message is queued (libsoup 3.2 unrefs each feature once a message has left the queue, whether
   * or not it was there when it came), and compression must not be offered: a small message could unpack to anything. */
  soup_session_add_feature_by_type (transport->session, SOUP_TYPE_WEBSOCKET_EXTENSION_MANAGER);
  soup_session_remove_feature_by_type (transport->session, SOUP_TYPE_WEBSOCKET_EXTENSION_DEFLATE);
  self->hello = g_strdup (hello);
  /* Not SOUP_METHOD_GET: two threads may be the first to ask, and it is read plainly. */
  self->msg = soup_message_new ("GET", self->url);
  soup_message_add_flags (self->msg, SOUP_MESSAGE_NO_REDIRECT); /* we talk to the host that the user named */
  g_signal_connect (self->msg, "got-informational", G_CALLBACK (got_informational_cb), self);
  soup_session_websocket_connect_async (transport->session, self->msg, NULL, protocols, G_PRIORITY_DEFAULT,
      transport->cancellable, connected_cb, dc_transport_ref (transport));
}

static void
websocket_send (DcTransport *transport, const char *text)
{
  WebsocketTransport *self = (WebsocketTransport *) transport;

  if (self->connection != NULL && soup_websocket_connection_get_state (self->connection) == SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_send_text (self->connection, text);
}

static void
flush_acknowledge (WebsocketTransport *self)
{
  g_autofree char *text = NULL;

  if (self->acknowledge_source == NULL)
    return;
  dc_transport_clear_source (&self->acknowledge_source);
  text = g_strdup_printf ("{\"type\":\"ack\",\"seq\":%" G_GUINT64_FORMAT "}", self->acknowledge);
  websocket_send (&self->base, text);
}

static gboolean
acknowledge_cb (gpointer user_data)
{
  flush_acknowledge (user_data);
  return G_SOURCE_REMOVE;
}

static void
websocket_acknowledge (DcTransport *transport, guint64 seq)
{
  WebsocketTransport *self = (WebsocketTransport *) transport;

  self->acknowledge = seq;
  if (self->acknowledge_source != NULL)
    return;
  self->acknowledge_source = g_idle_source_new ();
  /* Not at idle priority: a steady stream of messages would starve it until our mailbox at the server is full. */
  g_source_set_priority (self->acknowledge_source, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->acknowledge_source, acknowledge_cb, self, NULL);
  g_source_attach (self->acknowledge_source, transport->context);
}

static void
websocket_close (DcTransport *transport)
{
  WebsocketTransport *self = (WebsocketTransport *) transport;

  flush_acknowledge (self);
  self->closing = TRUE;
  if (soup_websocket_connection_get_state (self->connection) == SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_close (self->connection, SOUP_WEBSOCKET_CLOSE_NORMAL, NULL);
}

static void
websocket_abandon (DcTransport *transport)
{
  let_go ((WebsocketTransport *) transport);
}

static void
websocket_finalize (DcTransport *transport)
{
  WebsocketTransport *self = (WebsocketTransport *) transport;

  let_go (self);
  g_clear_object (&self->msg);
  g_free (self->hello);
  g_free (self->url);
}

static const DcTransportClass websocket_transport_class = {
    .open = websocket_open,
    .send = websocket_send,
    .acknowledge = websocket_acknowledge,
    .close = websocket_close,
    .abandon = websocket_abandon,
    .finalize = websocket_finalize,
};

DcTransport *
dc_websocket_transport_new (
    const DcTransportOptions *options, const DcTransportCallbacks *callbacks, gpointer user_data)
{
  WebsocketTransport *self = g_new0 (WebsocketTransport, 1);

  dc_transport_init (&self->base, &websocket_transport_class, options, FALSE, callbacks, user_data);
  self->url = dc_signaling_uri_build (options->uri, FALSE, "/v1/ws");
  return &self->base;
}
