/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-signaling-faults.c: the signaling client against servers that are broken, hostile or something else altogether. */
#include "tests/harness/dc-test.h"
#include "tests/harness/dc-test-recorder.h"
#include "tests/harness/dc-test-resolver.h"
#include <libsoup/soup.h>
#include <string.h>

#define AUTO DC_SIGNALING_TRANSPORT_AUTO
#define WEBSOCKET DC_SIGNALING_TRANSPORT_WEBSOCKET
#define POLLING DC_SIGNALING_TRANSPORT_POLLING

#define WELCOME                                                                                                        \
  "{\"type\":\"welcome\",\"room\":\"room\",\"id\":\"a\",\"session\":\"s\",\"resume\":\"r\",\"resumed\":false,"         \
  "\"peers\":[]}"
#define RESUMED                                                                                                        \
  "{\"type\":\"welcome\",\"room\":\"room\",\"id\":\"a\",\"session\":\"s\",\"resume\":\"r\",\"resumed\":true,"          \
  "\"ack\":0,\"peers\":[]}"
#define OFFER(seq) "{\"type\":\"offer\",\"seq\":" #seq ",\"from\":\"b\",\"sdp\":\"v=0 " #seq "\"}"
#define ERROR(code) "{\"type\":\"error\",\"code\":\"" code "\",\"message\":\"Because.\"}"

/* ---- Servers that speak no HTTP ---- */

typedef struct {
  GSocketService *service;
  const char *says;   /* to everyone who comes; NULL: nothing */
  gboolean hangs_up;  /* after that */
  GPtrArray *callers; /* kept open */
  char *url;
} RawServer;

/* On 127.0.0.1 and any port. */
static guint16
listen_anywhere (GSocketService *service)
{
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr (GSocketAddress) effective = NULL;
  g_autoptr (GError) error = NULL;

  g_socket_listener_add_address (
      G_SOCKET_LISTENER (service), address, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL, &effective, &error);
  g_assert_no_error (error);
  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (effective));
}

static void
stop_listening (GSocketService *service)
{
  g_socket_service_stop (service);
  g_socket_listener_close (G_SOCKET_LISTENER (service));
  g_object_unref (service);
}

static gboolean
raw_incoming_cb (GSocketService *service, GSocketConnection *connection, GObject *source, RawServer *server)
{
  GIOStream *stream = G_IO_STREAM (connection);

  if (server->says != NULL)
    g_output_stream_write_all (
        g_io_stream_get_output_stream (stream), server->says, strlen (server->says), NULL, NULL, NULL);
  if (server->hangs_up)
    g_io_stream_close (stream, NULL, NULL);
  else
    g_ptr_array_add (server->callers, g_object_ref (stream));
  return TRUE;
}

static void
raw_server_init (RawServer *server, const char *says, gboolean hangs_up)
{
  server->says = says;
  server->hangs_up = hangs_up;
  server->callers = g_ptr_array_new_with_free_func (g_object_unref);
  server->service = g_socket_service_new ();
  server->url = g_strdup_printf ("ws://127.0.0.1:%u", listen_anywhere (server->service));
  g_signal_connect (server->service, "incoming", G_CALLBACK (raw_incoming_cb), server);
}

static void
raw_server_clear (RawServer *server)
{
  stop_listening (server->service);
  g_ptr_array_unref (server->callers);
  g_free (server->url);
}

static void
test_silent (void)
{
  RawServer server;
  DcSignalingConfig config = {.room = "room", .attempt_timeout_ms = 100};

  dc_test_recorder_begin ();
  raw_server_init (&server, NULL, FALSE);
  config.uri = server.url;
  DcTestRecorder *client = dc_test_recorder_new (&config);
  dc_test_recorder_wait (client->n_disconnected == 1);
  dc_test_assert_says (client->disconnected, DC_SIGNALING_ERROR_UNREACHABLE, "no answer from ws://127.0.0.1");
  dc_test_assert_says (client->disconnected, DC_SIGNALING_ERROR_UNREACHABLE, "within 0.1 s; is it dcsignald?");
  /* Perhaps something on the way swallows the WebSocket alone. */
  dc_test_recorder_wait (client->n_disconnected == 2);
  dc_test_assert_says (client->disconnected, DC_SIGNALING_ERROR_UNREACHABLE, "no answer from http://127.0.0.1");
  dc_test_recorder_wait (client->n_disconnected == 3);
  dc_test_assert_says (client->disconnected, DC_SIGNALING_ERROR_UNREACHABLE, "no answer from ws://127.0.0.1");
  dc_test_recorder_free (client);
  raw_server_clear (&server);
  dc_test_recorder_end ();
}

/* A server that says nothing does not keep us from closing. */
static void
test_close_silent (void)
{
  const DcSignalingTransport transports[] = {WEBSOCKET, POLLING};
  RawServer server;

  dc_test_recorder_begin ();
  raw_server_init (&server, NULL, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (transports); i++) {
    DcTestRecorder *client = dc_test_recorder_new_simple (server.url, "room", NULL, transports[i]);
    dc_test_recorder_wait (server.callers->len > i);
    dc_test_recorder_free (client);
  }
  raw_server_clear (&server);
  dc_test_recorder_end ();
}

static void
check_raw (const char *says, gboolean hangs_up, DcSignalingTransport transport, DcSignalingError code, const char *part)
{
  RawServer server;
  DcSignalingConfig config = {.room = "room", .transport = transport, .attempt_timeout_ms = 500};

  raw_server_init (&server, says, hangs_up);
  config.uri = server.url;
  DcTestRecorder *client = dc_test_recorder_new (&config);
  dc_test_recorder_wait (client->failed != NULL || client->disconnected != NULL);
  dc_test_assert_says (client->failed != NULL ? client->failed : client->disconnected, code, part);
  g_assert_true ((client->failed != NULL) == (code == DC_SIGNALING_ERROR_REFUSED));
  dc_test_recorder_free (client);
  raw_server_clear (&server);
}

static void
test_no_http (void)
{
  static const DcSignalingTransport transports[] = {AUTO, WEBSOCKET, POLLING};
  g_autofree char *long_line = g_strnfill (200000, 'x');

  dc_test_recorder_begin ();
  for (guint i = 0; i < G_N_ELEMENTS (transports); i++) {
    check_raw ("SSH-2.0-OpenSSH_9.2\r\n\r\n", FALSE, transports[i], DC_SIGNALING_ERROR_REFUSED, "does not speak HTTP");
    check_raw (
        "\x16\x03\x01\x02garbage\r\n\r\n", FALSE, transports[i], DC_SIGNALING_ERROR_REFUSED, "does not speak HTTP");
    check_raw (NULL, TRUE, transports[i], DC_SIGNALING_ERROR_UNREACHABLE, "127.0.0.1");
    check_raw (long_line, FALSE, transports[i], DC_SIGNALING_ERROR_UNREACHABLE, "127.0.0.1");
  }
  dc_test_recorder_end ();
}

static void
test_other_http (void)
{
#define ANSWER(status, type, length, body)                                                                             \
  "HTTP/1.1 " status "\r\nContent-Type: " type "\r\nContent-Length: " length "\r\nConnection: close\r\n\r\n" body
  dc_test_recorder_begin ();
  check_raw (ANSWER ("404 Not Found", "text/html", "6", "<html>"), FALSE, AUTO, DC_SIGNALING_ERROR_REFUSED,
      "/ answers, but is no dcsignald (HTTP 404 Not Found at /v1/peers); check the signaling URL");
  check_raw (ANSWER ("404 Not Found", "application/json", "14", "{\"detail\":\"x\"}"), FALSE, AUTO,
      DC_SIGNALING_ERROR_REFUSED, "is no dcsignald (HTTP 404");
  check_raw (ANSWER ("200 OK", "application/json", "2", "{}"), FALSE, AUTO, DC_SIGNALING_ERROR_REFUSED,
      "is no dcsignald (HTTP 200 OK");
  check_raw (ANSWER ("302 Found\r\nLocation: http://192.0.2.1/", "text/html", "0", ""), FALSE, AUTO,
      DC_SIGNALING_ERROR_REFUSED, "is no dcsignald (HTTP 302 Found");
  check_raw (ANSWER ("401 Unauthorized\r\nWWW-Authenticate: Basic realm=x", "text/html", "0", ""), FALSE, AUTO,
      DC_SIGNALING_ERROR_REFUSED, "is no dcsignald (HTTP 401 Unauthorized");
  check_raw (ANSWER ("502 Bad Gateway", "text/html", "0", ""), FALSE, AUTO, DC_SIGNALING_ERROR_UNREACHABLE,
      "cannot serve us now (HTTP 502 Bad Gateway)");
  check_raw (ANSWER ("429 Slow\x1b[31m", "text/html", "0", ""), FALSE, POLLING, DC_SIGNALING_ERROR_UNREACHABLE,
      "cannot serve us now (HTTP 429 Slow?[31m)");
  dc_test_recorder_end ();
#undef ANSWER
}

/* ---- Servers that speak WebSocket ---- */

/* SoupServer's own listener leaks an address, and a socket for each caller. */
static gboolean
soup_incoming_cb (GSocketService *service, GSocketConnection *connection, GObject *source, SoupServer *server)
{
  g_autoptr (GSocketAddress) local = g_socket_connection_get_local_address (connection, NULL);
  g_autoptr (GSocketAddress) remote = g_socket_connection_get_remote_address (connection, NULL);

  if (local != NULL && remote != NULL)
    soup_server_accept_iostream (server, G_IO_STREAM (connection), local, remote, NULL);
  return TRUE;
}

static GSocketService *
serve (SoupServer *server, guint16 *port)
{
  GSocketService *service = g_socket_service_new ();

  *port = listen_anywhere (service);
  g_signal_connect (service, "incoming", G_CALLBACK (soup_incoming_cb), server);
  return service;
}

/* Says its lines to a hello; the next ones to the next hello. */
typedef struct {
  SoupServer *server;
  GSocketService *service;
  const char *const *const *scripts; /* NULL-terminated list of NULL-terminated lists; the last one is repeated */
  gboolean hangs_up;                 /* after each but the last */
  GPtrArray *connections;
  GPtrArray *received; /* of char *: what came after the hellos */
  GPtrArray *hellos;
  char *url;
  gsize flooded; /* bytes */
  gboolean flood_over;
} ScriptServer;

static void
script_message_cb (SoupWebsocketConnection *connection, gint type, GBytes *bytes, ScriptServer *script)
{
  char *text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  const char *const *lines = script->scripts[0];

  if (strstr (text, "\"hello\"") == NULL) {
    g_ptr_array_add (script->received, text);
    return;
  }
  g_ptr_array_add (script->hellos, text);
  for (; *lines != NULL; lines++) {
    if (g_str_equal (*lines, "BINARY"))
      soup_websocket_connection_send_binary (connection, "x", 1);
    else
      soup_websocket_connection_send_text (connection, *lines);
  }
  if (script->scripts[1] != NULL) {
    script->scripts++;
    if (script->hangs_up)
      soup_websocket_connection_close (connection, SOUP_WEBSOCKET_CLOSE_GOING_AWAY, "tired");
  }
}

static void
script_websocket_cb (SoupServer *server, SoupServerMessage *msg, const char *path, SoupWebsocketConnection *connection,
    gpointer user_data)
{
  ScriptServer *script = user_data;

  g_signal_connect (connection, "message", G_CALLBACK (script_message_cb), script);
  g_ptr_array_add (script->connections, g_object_ref (connection));
}

static void
script_server_init (ScriptServer *script, const char *protocol, const char *const *const *scripts)
{
  char *protocols[] = {(char *) protocol, NULL};
  guint16 port;

  memset (script, 0, sizeof *script);
  script->scripts = scripts;
  script->connections = g_ptr_array_new_with_free_func (g_object_unref);
  script->received = g_ptr_array_new_with_free_func (g_free);
  script->hellos = g_ptr_array_new_with_free_func (g_free);
  script->server = soup_server_new (NULL, NULL);
  soup_server_add_websocket_handler (
      script->server, "/v1/ws", NULL, protocol != NULL ? protocols : NULL, script_websocket_cb, script, NULL);
  script->service = serve (script->server, &port);
  script->url = g_strdup_printf ("ws://127.0.0.1:%u", port);
}

static void
script_server_clear (ScriptServer *script)
{
  for (guint i = 0; i < script->connections->len; i++)
    g_signal_handlers_disconnect_by_data (script->connections->pdata[i], script);
  stop_listening (script->service);
  soup_server_disconnect (script->server);
  g_object_unref (script->server);
  g_ptr_array_unref (script->connections);
  g_ptr_array_unref (script->received);
  g_ptr_array_unref (script->hellos);
  g_free (script->url);
}

/* To hello the server says @first and perhaps @second: what comes of it? */
static void
check_script (const char *first, const char *second, DcSignalingError code, const char *part)
{
  const char *lines[] = {first, second, NULL};
  const char *const *scripts[] = {lines, NULL};
  ScriptServer script;

  script_server_init (&script, "datachannel.v1", scripts);
  DcTestRecorder *client = dc_test_recorder_new_simple (script.url, "room", "a", WEBSOCKET);
  dc_test_recorder_wait (client->failed != NULL || client->disconnected != NULL);
  dc_test_assert_says (client->failed != NULL ? client->failed : client->disconnected, code, part);
  g_assert_true ((client->failed != NULL) == (code == DC_SIGNALING_ERROR_REFUSED));
  dc_test_recorder_free (client);
  script_server_clear (&script);
}

static void
test_bad_messages (void)
{
  dc_test_recorder_begin ();
  check_script ("garbage", NULL, DC_SIGNALING_ERROR_MESSAGE, "sent what is no message of ours");
  check_script ("", NULL, DC_SIGNALING_ERROR_MESSAGE, "sent what is no message of ours");
  check_script ("{\"type\":\"welcome\"}", NULL, DC_SIGNALING_ERROR_MESSAGE, "sent what is no message of ours");
  check_script ("BINARY", NULL, DC_SIGNALING_ERROR_MESSAGE, "binary");
  check_script (OFFER (1), NULL, DC_SIGNALING_ERROR_MESSAGE, "sent a message out of place");
  check_script (WELCOME, WELCOME, DC_SIGNALING_ERROR_MESSAGE, "out of place: welcome");
  check_script (WELCOME, "garbage", DC_SIGNALING_ERROR_MESSAGE, "sent what is no message of ours");
  check_script (
      WELCOME, "{\"type\":\"hello\",\"room\":\"room\"}", DC_SIGNALING_ERROR_MESSAGE, "sent a message out of place");
  check_script (WELCOME, OFFER (2), DC_SIGNALING_ERROR_MESSAGE, "number 2 came after 0");
  dc_test_recorder_end ();
}

static void
test_errors (void)
{
  dc_test_recorder_begin ();
  check_script (ERROR ("id-taken"), NULL, DC_SIGNALING_ERROR_REFUSED, "the id \"a\" is taken in room \"room\"");
  check_script (ERROR ("token-refused"), NULL, DC_SIGNALING_ERROR_REFUSED, "refuses: Because (token-refused)");
  check_script (ERROR ("bad-room"), NULL, DC_SIGNALING_ERROR_REFUSED, "bad-room");
  check_script (ERROR ("unsupported"), NULL, DC_SIGNALING_ERROR_REFUSED, "unsupported");
  check_script (ERROR ("room-full"), NULL, DC_SIGNALING_ERROR_UNREACHABLE, "Because (room-full)");
  check_script (ERROR ("server-full"), NULL, DC_SIGNALING_ERROR_UNREACHABLE, "server-full");
  check_script (ERROR ("rate-limited"), NULL, DC_SIGNALING_ERROR_UNREACHABLE, "rate-limited");
  check_script (ERROR ("shutting-down"), NULL, DC_SIGNALING_ERROR_UNREACHABLE, "shutting-down");
  check_script (WELCOME, ERROR ("shutting-down"), DC_SIGNALING_ERROR_UNREACHABLE, "shutting-down");
  check_script (WELCOME, ERROR ("replaced"), DC_SIGNALING_ERROR_REFUSED, "another program took over our session");
  check_script (WELCOME, "{\"type\":\"bye\",\"reason\":\"Maintenance.\"}", DC_SIGNALING_ERROR_UNREACHABLE,
      "said bye: Maintenance");
  dc_test_recorder_end ();
}

static void
test_wrong_subprotocol (void)
{
  static const char *const lines[] = {NULL};
  static const char *const *const scripts[] = {lines, NULL};
  ScriptServer script;

  dc_test_recorder_begin ();
  script_server_init (&script, NULL, scripts);
  DcTestRecorder *client = dc_test_recorder_new_simple (script.url, "room", "a", AUTO);
  dc_test_recorder_wait (client->failed != NULL);
  dc_test_assert_says (client->failed, DC_SIGNALING_ERROR_REFUSED, "does not speak datachannel.v1");
  g_assert_cmpuint (script.hellos->len, ==, 0);
  dc_test_recorder_free (client);
  script_server_clear (&script);
  dc_test_recorder_end ();
}

/* A replay overlaps with what came before: each message once, acknowledged with the highest number. */
static void
test_replay (void)
{
  static const char *const first[] = {WELCOME, OFFER (1), OFFER (2), OFFER (1), OFFER (3), NULL};
  static const char *const second[] = {RESUMED, OFFER (2), OFFER (3), OFFER (4), NULL};
  static const char *const *const scripts[] = {first, second, NULL};
  ScriptServer script;

  dc_test_recorder_begin ();
  script_server_init (&script, "datachannel.v1", scripts);
  script.hangs_up = TRUE;
  DcTestRecorder *client = dc_test_recorder_new_simple (script.url, "room", "a", WEBSOCKET);
  for (guint i = 1; i <= 4; i++) {
    g_autoptr (DcMessage) offer = dc_test_recorder_take (client, DC_MESSAGE_OFFER);
    g_assert_cmpuint (offer->seq, ==, i);
  }
  dc_test_assert_says (client->disconnected, DC_SIGNALING_ERROR_UNREACHABLE, "closed the connection: tired");
  dc_test_recorder_wait (
      script.received->len > 0
      && g_str_equal (script.received->pdata[script.received->len - 1], "{\"type\":\"ack\",\"seq\":4}"));
  g_assert_cmpuint (script.received->len, <=, 4); /* coalesced */
  g_assert_nonnull (strstr (script.hellos->pdata[1], "\"ack\":3"));
  g_assert_nonnull (strstr (script.hellos->pdata[1], "\"resume\":\"r\""));
  g_assert_cmpuint (client->messages->len, ==, 0);
  dc_test_recorder_free (client);
  script_server_clear (&script);
  dc_test_recorder_end ();
}

/* After a session was lost, our own old one may hold the id for a while. */
static void
test_own_ghost (void)
{
  static const char *const welcome[] = {WELCOME, NULL};
  static const char *const taken[] = {ERROR ("id-taken"), NULL};
  static const char *const *const scripts[] = {welcome, taken, taken, welcome, NULL};
  ScriptServer script;

  dc_test_recorder_begin ();
  script_server_init (&script, "datachannel.v1", scripts);
  script.hangs_up = TRUE;
  DcTestRecorder *client = dc_test_recorder_new_simple (script.url, "room", "a", WEBSOCKET);
  dc_test_recorder_wait (client->n_registered == 2);
  g_assert_cmpuint (client->n_disconnected, ==, 3);
  dc_test_recorder_free (client);
  script_server_clear (&script);
  dc_test_recorder_end ();
}

/* What the server refuses is not sent again. */
static void
test_refused_not_repeated (void)
{
  static const char *const first[] = {WELCOME, NULL};
  static const char *const second[] = {RESUMED, NULL};
  static const char *const *const scripts[] = {first, second, NULL};
  static const char refusal[] = "{\"type\":\"error\",\"seq\":1,\"code\":\"rate-limited\",\"message\":\"No.\"}";
  ScriptServer script;

  dc_test_recorder_begin ();
  script_server_init (&script, "datachannel.v1", scripts);
  DcTestRecorder *client = dc_test_recorder_new_simple (script.url, "room", "a", WEBSOCKET);
  dc_test_recorder_wait (client->is_registered);
  dc_test_recorder_send (client, DC_MESSAGE_OFFER, "b", "v=0 one");
  dc_test_recorder_send (client, DC_MESSAGE_OFFER, "b", "v=0 two");
  dc_test_recorder_wait (script.received->len == 2);
  soup_websocket_connection_send_text (script.connections->pdata[0], refusal);
  g_autoptr (DcMessage) error = dc_test_recorder_take (client, DC_MESSAGE_ERROR);
  g_assert_cmpint (error->code, ==, DC_CODE_RATE_LIMITED);
  soup_websocket_connection_close (script.connections->pdata[0], SOUP_WEBSOCKET_CLOSE_NORMAL, NULL);
  dc_test_recorder_wait (client->n_resumed == 1 && script.received->len == 3);
  g_assert_nonnull (strstr (script.received->pdata[2], "v=0 two"));
  g_assert_nonnull (strstr (script.received->pdata[2], "\"seq\":2"));
  dc_test_recorder_free (client);
  script_server_clear (&script);
  dc_test_recorder_end ();
}

/* ---- Floods ---- */

static guint8 fragment[65536 + 10];

static void
flood_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ScriptServer *script = user_data;
  gsize written = 0;

  if (result != NULL && !g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, &written, NULL)) {
    script->flood_over = TRUE;
    return;
  }
  if (result != NULL)
    fragment[0] = 0x00; /* the first was text, these continue it; none is the last */
  script->flooded += written;
  g_output_stream_write_all_async (
      G_OUTPUT_STREAM (source), fragment, sizeof fragment, G_PRIORITY_DEFAULT, NULL, flood_cb, script);
}

/* A message of fragments without end: libsoup itself would collect them all. */
static void
test_fragments_without_end (void)
{
  static const char *const lines[] = {WELCOME, NULL};
  static const char *const *const scripts[] = {lines, NULL};
  static const guint8 head[] = {0x01, 127, 0, 0, 0, 0, 0, 1, 0, 0};
  ScriptServer script;

  dc_test_recorder_begin ();
  script_server_init (&script, "datachannel.v1", scripts);
  DcTestRecorder *client = dc_test_recorder_new_simple (script.url, "room", "a", WEBSOCKET);
  dc_test_recorder_wait (client->is_registered);
  memset (fragment, 'x', sizeof fragment);
  memcpy (fragment, head, sizeof head);
  GIOStream *stream = soup_websocket_connection_get_io_stream (script.connections->pdata[0]);
  flood_cb (G_OBJECT (g_io_stream_get_output_stream (stream)), NULL, &script);
  dc_test_recorder_wait (client->n_disconnected > 0);
  dc_test_assert_says (client->disconnected, DC_SIGNALING_ERROR_UNREACHABLE, "a message is too large");
  dc_test_recorder_wait (script.flood_over);
  /* Besides what we took there is what sockets hold. */
  g_assert_cmpuint (script.flooded, <, 16 * 1024 * 1024);
  dc_test_recorder_free (client);
  script_server_clear (&script);
  dc_test_recorder_end ();
}

/* ---- A polling server that does not park ---- */

static void
eager_cb (SoupServer *server, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer user_data)
{
  guint *polls = user_data;
  gboolean hello = g_str_equal (path, "/v1/peers");
  const char *body = hello ? WELCOME : "[]";

  *polls += g_str_equal (soup_server_message_get_method (msg), "GET") ? 1 : 0;
  soup_server_message_set_status (msg, hello ? 201 : 200, NULL);
  soup_server_message_set_response (msg, "application/json", SOUP_MEMORY_STATIC, body, strlen (body));
}

static gboolean
set_flag_cb (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_REMOVE;
}

static void
test_eager_polls (void)
{
  guint polls = 0;
  guint16 port;
  gboolean over = FALSE;

  dc_test_recorder_begin ();
  g_autoptr (SoupServer) server = soup_server_new (NULL, NULL);
  soup_server_add_handler (server, NULL, eager_cb, &polls, NULL);
  GSocketService *service = serve (server, &port);
  g_autofree char *url = g_strdup_printf ("http://127.0.0.1:%u", port);
  DcTestRecorder *client = dc_test_recorder_new_simple (url, "room", "a", AUTO);
  dc_test_recorder_wait (client->is_registered);
  g_autoptr (GSource) second = g_timeout_source_new (1000);
  g_source_set_callback (second, set_flag_cb, &over, NULL);
  g_source_attach (second, g_main_context_get_thread_default ());
  dc_test_recorder_wait (over);
  g_assert_cmpuint (polls, >=, 1);
  g_assert_cmpuint (polls, <=, 4);
  dc_test_recorder_free (client);
  stop_listening (service);
  soup_server_disconnect (server);
  dc_test_recorder_end ();
}

/* ---- Names ---- */

static void
test_names (void)
{
  static const char *const lines[] = {WELCOME, NULL};
  static const char *const *const scripts[] = {lines, lines, NULL};
  DcTestResolver *resolver = dc_test_resolver_new ();
  ScriptServer script;

  dc_test_recorder_begin ();
  script_server_init (&script, "datachannel.v1", scripts);
  g_autofree char *url = g_strdup_printf ("signaling.example%s", strrchr (script.url, ':'));

  resolver->fails = TRUE;
  resolver->failure = G_RESOLVER_ERROR_NOT_FOUND;
  DcTestRecorder *unknown = dc_test_recorder_new_simple (url, "room", "a", AUTO);
  dc_test_recorder_wait (unknown->failed != NULL);
  dc_test_assert_says (
      unknown->failed, DC_SIGNALING_ERROR_REFUSED, "there is no host of that name; check the signaling URL");
  dc_test_recorder_free (unknown);

  resolver->failure = G_RESOLVER_ERROR_TEMPORARY_FAILURE;
  DcTestRecorder *client = dc_test_recorder_new_simple (url, "room", "a", AUTO);
  dc_test_recorder_wait (client->disconnected != NULL);
  dc_test_assert_says (client->disconnected, DC_SIGNALING_ERROR_UNREACHABLE, "cannot reach ws://signaling.example");
  resolver->fails = FALSE;
  dc_test_recorder_wait (client->is_registered);

  /* Once registered, a name that is gone may come back: the network was changed. */
  resolver->fails = TRUE;
  resolver->failure = G_RESOLVER_ERROR_NOT_FOUND;
  soup_websocket_connection_close (script.connections->pdata[0], SOUP_WEBSOCKET_CLOSE_NORMAL, NULL);
  dc_test_recorder_wait (client->n_disconnected >= 3);
  resolver->fails = FALSE;
  dc_test_recorder_wait (client->is_registered);
  dc_test_recorder_free (client);
  script_server_clear (&script);
  dc_test_resolver_free (resolver);
  dc_test_recorder_end ();
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  g_test_add_func ("/signaling-faults/silent", test_silent);
  g_test_add_func ("/signaling-faults/close-silent", test_close_silent);
  g_test_add_func ("/signaling-faults/no-http", test_no_http);
  g_test_add_func ("/signaling-faults/other-http", test_other_http);
  g_test_add_func ("/signaling-faults/bad-messages", test_bad_messages);
  g_test_add_func ("/signaling-faults/errors", test_errors);
  g_test_add_func ("/signaling-faults/wrong-subprotocol", test_wrong_subprotocol);
  g_test_add_func ("/signaling-faults/replay", test_replay);
  g_test_add_func ("/signaling-faults/own-ghost", test_own_ghost);
  g_test_add_func ("/signaling-faults/refused-not-repeated", test_refused_not_repeated);
  g_test_add_func ("/signaling-faults/fragments-without-end", test_fragments_without_end);
  g_test_add_func ("/signaling-faults/eager-polls", test_eager_polls);
  g_test_add_func ("/signaling-faults/names", test_names);
  return g_test_run ();
}
