/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-daemon.c: the daemon over real sockets: both transports, limits, hostile clients. */
#include <gio/gio.h>
#include <string.h>

#include "tests/harness/dc-test-client.h"
#include "tests/harness/dc-test-daemon.h"
#include "tests/harness/dc-test.h"

#define SECONDS 30

typedef struct {
  DcTestTransport first, second;
} Transports;

static const Transports transports[] = {
    {DC_TEST_WEBSOCKET, DC_TEST_WEBSOCKET},
    {DC_TEST_WEBSOCKET, DC_TEST_POLLING},
    {DC_TEST_POLLING, DC_TEST_WEBSOCKET},
    {DC_TEST_POLLING, DC_TEST_POLLING},
};
static const char *const transport_names[] = {"ws-ws", "ws-poll", "poll-ws", "poll-poll"};

typedef struct {
  DcTestDaemon *daemon;
  DcTestClient *alice, *bob;
} Fixture;

static void
set_up_config (Fixture *fixture, const Transports *with, const DcDaemonConfig *config)
{
  dc_test_watchdog_start (SECONDS);
  fixture->daemon = dc_test_daemon_new (config);
  const char *url = dc_test_daemon_get_url (fixture->daemon);
  fixture->alice = dc_test_client_new (url, with ? with->first : DC_TEST_WEBSOCKET, NULL);
  fixture->bob = dc_test_client_new (url, with ? with->second : DC_TEST_WEBSOCKET, NULL);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  set_up_config (fixture, data, NULL);
}

/* The following: short deadlines, for tests of what happens when they pass. */
static void
set_up_request_timeout (Fixture *fixture, gconstpointer data)
{
  DcDaemonConfig config;

  dc_daemon_config_init (&config);
  config.request_timeout = 200;
  set_up_config (fixture, data, &config);
}

static void
set_up_hello_timeout (Fixture *fixture, gconstpointer data)
{
  DcDaemonConfig config;

  dc_daemon_config_init (&config);
  config.hello_timeout = 200;
  set_up_config (fixture, data, &config);
}

static void
set_up_pings (Fixture *fixture, gconstpointer data)
{
  DcDaemonConfig config;

  dc_daemon_config_init (&config);
  config.ping_interval = dc_test_get_slowness ();
  set_up_config (fixture, data, &config);
}

/* Long enough for a client to come with its next poll. */
static void
set_up_poll_timeout (Fixture *fixture, gconstpointer data)
{
  DcDaemonConfig config;

  dc_daemon_config_init (&config);
  config.poll_idle_timeout = 500 * dc_test_get_slowness ();
  set_up_config (fixture, data, &config);
}

/* No limit on the rate of messages. */
static void
set_up_fast (Fixture *fixture, gconstpointer data)
{
  DcDaemonConfig config;

  dc_daemon_config_init (&config);
  config.hub.message_burst = 100000;
  config.hub.messages_per_second = 100000;
  set_up_config (fixture, data, &config);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  dc_test_client_free (fixture->alice);
  dc_test_client_free (fixture->bob);
  dc_test_daemon_free (fixture->daemon);
  dc_test_watchdog_stop ();
}

static void
register_both (Fixture *fixture)
{
  dc_test_client_register (fixture->alice, "cam", "alice");
  dc_test_client_register (fixture->bob, "cam", "bob");
  dc_message_unref (dc_test_client_wait (fixture->alice, DC_MESSAGE_JOINED));
}

/* Until each polling client's poll has arrived. */
static void
wait_parked (Fixture *fixture, guint polls)
{
  while (dc_test_daemon_get_n_waiting (fixture->daemon) < polls)
    g_main_context_iteration (NULL, FALSE);
}

/* ---- The protocol, over both transports ---- */

static void
test_presence (Fixture *fixture, gconstpointer data)
{
  dc_test_client_register (fixture->alice, "cam", "alice");
  dc_test_client_hello (fixture->bob, "cam", NULL, FALSE);
  g_autoptr (DcMessage) welcome = dc_test_client_wait (fixture->bob, DC_MESSAGE_WELCOME);
  g_assert_cmpuint (welcome->peers->len, ==, 1);
  DcPeerInfo *info = g_ptr_array_index (welcome->peers, 0);
  g_assert_cmpstr (info->id, ==, "alice");

  g_autoptr (DcMessage) joined = dc_test_client_wait (fixture->alice, DC_MESSAGE_JOINED);
  g_assert_cmpstr (joined->id, ==, welcome->id);

  dc_test_client_send_text (fixture->bob, "{\"type\":\"bye\",\"seq\":1}");
  g_autoptr (DcMessage) left = dc_test_client_wait (fixture->alice, DC_MESSAGE_LEFT);
  g_assert_cmpstr (left->id, ==, welcome->id);
}

static void
test_relay (Fixture *fixture, gconstpointer data)
{
  register_both (fixture);
  dc_test_client_send (fixture->alice, "offer", "bob", "\"sdp\":\"v=0 grüße\",\"call\":\"c1\"");
  g_autoptr (DcMessage) ack = dc_test_client_wait (fixture->alice, DC_MESSAGE_ACK);
  g_assert_cmpuint (ack->seq, ==, 1);
  g_autoptr (DcMessage) offer = dc_test_client_wait (fixture->bob, DC_MESSAGE_OFFER);
  g_assert_cmpstr (offer->from, ==, "alice");
  g_assert_cmpstr (offer->sdp, ==, "v=0 grüße");
  g_assert_cmpstr (offer->call, ==, "c1");

  dc_test_client_send (fixture->bob, "answer", "alice", "\"sdp\":\"v=0\",\"call\":\"c1\"");
  for (guint i = 0; i < 20; i++)
    dc_test_client_send (fixture->bob, "candidate", "alice", "\"candidate\":\"candidate:1\",\"mline\":0");
  dc_message_unref (dc_test_client_wait (fixture->alice, DC_MESSAGE_ANSWER));
  /* In order and each once: the client asserts the numbers. */
  for (guint i = 0; i < 20; i++)
    dc_message_unref (dc_test_client_wait (fixture->alice, DC_MESSAGE_CANDIDATE));
}

static void
test_refusals (Fixture *fixture, gconstpointer data)
{
  gboolean polling = ((const Transports *) data)->second == DC_TEST_POLLING;

  dc_test_client_register (fixture->alice, "cam", "alice");
  dc_test_client_send (fixture->alice, "offer", "nobody", "\"sdp\":\"v=0\"");
  g_autoptr (DcMessage) unknown = dc_test_client_wait_error (fixture->alice, DC_CODE_UNKNOWN_PEER);
  g_assert_cmpstr (unknown->to, ==, "nobody");

  dc_test_client_hello (fixture->bob, "cam", "alice", FALSE);
  dc_message_unref (dc_test_client_wait_error (fixture->bob, DC_CODE_ID_TAKEN));
  if (polling)
    g_assert_cmpuint (dc_test_client_get_status (fixture->bob), ==, 409);
  dc_test_client_cut (fixture->bob);
  dc_test_client_hello (fixture->bob, "../etc", "bob", FALSE);
  dc_message_unref (dc_test_client_wait_error (fixture->bob, DC_CODE_BAD_ROOM));
  dc_test_client_cut (fixture->bob);
  dc_test_client_send_text (fixture->bob, "[[[[");
  dc_message_unref (dc_test_client_wait_error (fixture->bob, DC_CODE_BAD_MESSAGE));
  if (polling)
    g_assert_cmpuint (dc_test_client_get_status (fixture->bob), ==, 400);
}

static void
test_too_large (Fixture *fixture, gconstpointer data)
{
  g_autofree char *filling = g_strnfill (80000, 'x');
  g_autofree char *members = g_strdup_printf ("\"sdp\":\"%s\"", filling);

  register_both (fixture);
  dc_test_client_send (fixture->alice, "offer", "bob", members);
  g_autoptr (DcMessage) error = dc_test_client_wait_error (fixture->alice, DC_CODE_TOO_LARGE);
  g_assert_cmpuint (error->seq, ==, 1);
  /* The session goes on. */
  dc_test_client_send (fixture->alice, "offer", "bob", "\"sdp\":\"v=0\"");
  dc_message_unref (dc_test_client_wait (fixture->bob, DC_MESSAGE_OFFER));
}

static void
test_resume (Fixture *fixture, gconstpointer data)
{
  register_both (fixture);
  dc_test_client_send (fixture->bob, "offer", "alice", "\"sdp\":\"one\"");
  dc_message_unref (dc_test_client_wait (fixture->alice, DC_MESSAGE_OFFER));
  dc_test_client_cut (fixture->alice);
  dc_message_unref (dc_test_client_wait (fixture->bob, DC_MESSAGE_AWAY));
  dc_test_client_send (fixture->bob, "offer", "alice", "\"sdp\":\"two\"");
  dc_message_unref (dc_test_client_wait (fixture->bob, DC_MESSAGE_ACK));

  dc_test_client_hello (fixture->alice, "cam", "alice", TRUE);
  g_autoptr (DcMessage) welcome = dc_test_client_wait (fixture->alice, DC_MESSAGE_WELCOME);
  g_assert_true (welcome->resumed);
  g_autoptr (DcMessage) offer = dc_test_client_wait (fixture->alice, DC_MESSAGE_OFFER);
  g_assert_cmpstr (offer->sdp, ==, "two");
  dc_message_unref (dc_test_client_wait (fixture->bob, DC_MESSAGE_BACK));
}

/* A session whose connection is lost goes on polling without a hello. */
static void
test_change_of_transport (Fixture *fixture, gconstpointer data)
{
  const char *url = dc_test_daemon_get_url (fixture->daemon);
  guint status = 0;

  register_both (fixture);
  dc_test_client_cut (fixture->alice);
  /* Whoever takes over a connection that the daemon has not missed yet was never away, and is not told to be back. */
  dc_message_unref (dc_test_client_wait (fixture->bob, DC_MESSAGE_AWAY));
  dc_test_client_send (fixture->bob, "offer", "alice", "\"sdp\":\"v=0\"");
  dc_message_unref (dc_test_client_wait (fixture->bob, DC_MESSAGE_ACK));

  g_autofree char *path =
      g_strdup_printf ("/v1/peers/%s/messages?after=1", dc_test_client_get_session (fixture->alice));
  g_autofree char *answer = dc_test_http (url, "GET", path, dc_test_client_get_resume (fixture->alice), NULL, &status);
  g_assert_cmpuint (status, ==, 200);
  g_assert_nonnull (strstr (answer, "\"offer\""));
  dc_message_unref (dc_test_client_wait (fixture->bob, DC_MESSAGE_BACK));
}

static void
test_shut_down (Fixture *fixture, gconstpointer data)
{
  const Transports *with = data;

  register_both (fixture);
  wait_parked (fixture, (with->first == DC_TEST_POLLING) + (with->second == DC_TEST_POLLING));
  dc_test_daemon_shut_down (fixture->daemon);
  for (guint i = 0; i < 2; i++) {
    DcTestClient *client = i ? fixture->bob : fixture->alice;
    g_autoptr (DcMessage) bye = dc_test_client_wait (client, DC_MESSAGE_BYE);
    g_assert_null (bye->from);
    g_assert_cmpstr (bye->reason, !=, NULL);
    dc_test_client_wait_closed (client);
  }
}

static void
test_stop_and_start (Fixture *fixture, gconstpointer data)
{
  guint16 port = dc_test_daemon_get_port (fixture->daemon);

  register_both (fixture);
  dc_test_daemon_stop (fixture->daemon);
  dc_test_client_wait_closed (fixture->alice);
  dc_test_client_wait_closed (fixture->bob);
  dc_test_client_cut (fixture->alice);
  dc_test_client_cut (fixture->bob);
  dc_test_daemon_start (fixture->daemon);
  g_assert_cmpuint (dc_test_daemon_get_port (fixture->daemon), ==, port);
  register_both (fixture);
}

/* ---- WebSocket ---- */

static GSocketConnection *
connect_raw (DcTestDaemon *daemon)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;
  GSocketConnection *connection =
      g_socket_client_connect_to_host (client, "127.0.0.1", dc_test_daemon_get_port (daemon), NULL, &error);

  g_assert_no_error (error);
  return connection;
}

/* FALSE if the other side closed. */
static gboolean
write_raw (GSocketConnection *connection, const void *bytes, gsize length)
{
  GOutputStream *output = g_io_stream_get_output_stream (G_IO_STREAM (connection));

  return g_output_stream_write_all (output, bytes, length, NULL, NULL, NULL);
}

/* Everything until the other side closes. (transfer full) */
static char *
read_raw (GSocketConnection *connection)
{
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  GString *text = g_string_new (NULL);
  char buffer[4096];
  gssize length;

  while ((length = g_input_stream_read (input, buffer, sizeof buffer, NULL, NULL)) > 0)
    g_string_append_len (text, buffer, length);
  return g_string_free (text, FALSE);
}

static char *
exchange_raw (DcTestDaemon *daemon, const char *text)
{
  g_autoptr (GSocketConnection) connection = connect_raw (daemon);

  write_raw (connection, text, strlen (text));
  return read_raw (connection);
}

static void
assert_begins (const char *text, const char *beginning)
{
  if (!g_str_has_prefix (text, beginning))
    g_error ("Expected \"%s\" and got: %s", beginning, text);
}

#define HANDSHAKE                                                                                                      \
  "GET /v1/ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"                        \
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

/* A WebSocket without libsoup, after its handshake. */
static GSocketConnection *
connect_raw_websocket (DcTestDaemon *daemon)
{
  GSocketConnection *connection = connect_raw (daemon);
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  g_autoptr (GString) head = g_string_new (NULL);
  char c;

  g_assert_true (write_raw (connection, HANDSHAKE "\r\n", strlen (HANDSHAKE "\r\n")));
  while (!g_str_has_suffix (head->str, "\r\n\r\n") && g_input_stream_read (input, &c, 1, NULL, NULL) == 1)
    g_string_append_c (head, c);
  assert_begins (head->str, "HTTP/1.1 101 ");
  /* RFC 6455, 1.3 */
  g_assert_nonnull (strstr (head->str, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  return connection;
}

/* @first: FIN and opcode. Masked with zeros. */
static gboolean
write_frame (GSocketConnection *connection, guint8 first, const char *payload, gsize length)
{
  g_autoptr (GByteArray) frame = g_byte_array_new ();
  guint8 header[14] = {first, 0x80};
  gsize size = 2;

  if (length < 126) {
    header[1] |= length;
  } else if (length < 65536) {
    header[1] |= 126;
    header[2] = length >> 8;
    header[3] = length;
    size = 4;
  } else {
    header[1] |= 127;
    for (guint i = 0; i < 8; i++)
      header[2 + i] = (guint64) length >> (56 - 8 * i);
    size = 10;
  }
  g_byte_array_append (frame, header, size + 4);
  g_byte_array_append (frame, (const guint8 *) payload, length);
  return write_raw (connection, frame->data, frame->len);
}

/* The code in the close frame that ends @output, or 0. */
static guint
find_close_code (GSocketConnection *connection)
{
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  guint8 buffer[4096];
  gssize length;

  while ((length = g_input_stream_read (input, buffer, sizeof buffer, NULL, NULL)) > 0)
    g_byte_array_append (bytes, buffer, length);
  for (guint i = 0; i + 3 < bytes->len;) {
    const guint8 *header = bytes->data + i;
    if (header[0] == 0x88)
      return header[2] << 8 | header[3];
    i += (header[1] == 126) ? 4 + (header[2] << 8 | header[3]) : 2 + header[1];
  }
  return 0;
}

static void
test_handshake (Fixture *fixture, gconstpointer data)
{
  guint status = 0;
  g_autofree char *plain =
      dc_test_http (dc_test_daemon_get_url (fixture->daemon), "GET", "/v1/ws", NULL, NULL, &status);
  g_assert_cmpuint (status, ==, 426);
  g_assert_nonnull (strstr (plain, "WebSocket"));

  g_autofree char *protocol = exchange_raw (fixture->daemon, HANDSHAKE "Sec-WebSocket-Protocol: chat\r\n\r\n");
  assert_begins (protocol, "HTTP/1.1 400 ");
  g_autofree char *key =
      exchange_raw (fixture->daemon, "GET /v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                                     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n");
  assert_begins (key, "HTTP/1.1 400 ");
  g_autofree char *early = exchange_raw (fixture->daemon, HANDSHAKE "\r\n\x81\x82");
  assert_begins (early, "HTTP/1.1 400 ");
  g_autoptr (GSocketConnection) good = connect_raw_websocket (fixture->daemon);
}

static void
test_binary (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSocketConnection) connection = connect_raw_websocket (fixture->daemon);

  write_frame (connection, 0x82, "{}", 2);
  g_assert_cmpuint (find_close_code (connection), ==, 1003);
}

static void
test_large_frame (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSocketConnection) connection = connect_raw_websocket (fixture->daemon);
  g_autofree char *payload = g_strnfill (1024 * 1024, ' ');

  write_frame (connection, 0x81, payload, strlen (payload));
  /* The header alone ends it, so perhaps with a reset. */
  g_autofree char *rest = read_raw (connection);
  g_assert_cmpuint (strlen (rest), <, 1000);
}

/* libsoup bounds each frame only: without the guard this would be one message of 256 MiB. */
static void
test_endless_message (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSocketConnection) connection = connect_raw_websocket (fixture->daemon);
  g_autofree char *payload = g_strnfill (65536, ' ');
  guint count = 0;

  write_frame (connection, 0x01, payload, 65536);
  while (count < 4096 && write_frame (connection, 0x00, payload, 65536))
    count++;
  g_assert_cmpuint (count, <, 4096);
}

static void
test_many_fragments (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSocketConnection) connection = connect_raw_websocket (fixture->daemon);
  guint count = 0;

  write_frame (connection, 0x01, "", 0);
  while (count < 1000000 && write_frame (connection, 0x00, "", 0))
    count++;
  g_assert_cmpuint (count, <, 1000000);
}

/* Of a peer in good standing otherwise. */
static void
test_ping_flood (Fixture *fixture, gconstpointer data)
{
  static const char hello[] = "{\"type\":\"hello\",\"room\":\"cam\"}";
  g_autoptr (GSocketConnection) connection = connect_raw_websocket (fixture->daemon);

  write_frame (connection, 0x81, hello, strlen (hello));
  for (guint i = 0; i < 500; i++)
    write_frame (connection, 0x89, "ping", 4);
  /* It ends, perhaps with a reset that takes the close frame away, as the pings were not all read. */
  g_free (read_raw (connection));
}

static void
test_no_hello (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSocketConnection) connection = connect_raw_websocket (fixture->daemon);

  g_assert_cmpuint (find_close_code (connection), ==, 1008);
}

/* A peer that answers no pings is away after two intervals; one that does stays. */
static void
test_silent_peer (Fixture *fixture, gconstpointer data)
{
  static const char hello[] = "{\"type\":\"hello\",\"room\":\"cam\",\"id\":\"ghost\"}";
  g_autoptr (GSocketConnection) connection = connect_raw_websocket (fixture->daemon);

  dc_test_client_register (fixture->alice, "cam", "alice");
  write_frame (connection, 0x81, hello, strlen (hello));
  g_autoptr (DcMessage) away = dc_test_client_wait (fixture->alice, DC_MESSAGE_AWAY);
  g_assert_cmpstr (away->id, ==, "ghost");
  dc_test_client_register (fixture->bob, "cam", "bob");
}

/* A peer that acknowledges without reading: the mailbox stays empty, the output queue would grow. */
static void
test_slow_consumer (Fixture *fixture, gconstpointer data)
{
  static const char hello[] = "{\"type\":\"hello\",\"room\":\"cam\",\"id\":\"slow\"}";
  g_autofree char *filling = g_strnfill (60000, 'x');
  g_autofree char *members = g_strdup_printf ("\"sdp\":\"%s\"", filling);
  g_autoptr (GSocketConnection) connection = connect_raw_websocket (fixture->daemon);
  gboolean away = FALSE;
  guint n_stored = 0;

  dc_test_client_register (fixture->alice, "cam", "alice");
  write_frame (connection, 0x81, hello, strlen (hello));
  dc_message_unref (dc_test_client_wait (fixture->alice, DC_MESSAGE_JOINED));
  while (!away) {
    g_autofree char *ack = NULL;
    dc_test_client_send (fixture->alice, "offer", "slow", members);
    for (gboolean answered = FALSE; !answered && !away;) {
      g_autoptr (DcMessage) next = dc_test_client_wait_any (fixture->alice);
      /* Refused: an earlier acknowledgement is still on its way, or we are too fast. */
      answered = next->type == DC_MESSAGE_ACK || next->type == DC_MESSAGE_ERROR;
      n_stored += next->type == DC_MESSAGE_ACK;
      away = next->type == DC_MESSAGE_AWAY;
    }
    ack = g_strdup_printf ("{\"type\":\"ack\",\"seq\":%u}", n_stored);
    write_frame (connection, 0x81, ack, strlen (ack));
  }
}

/* ---- HTTP ---- */

static void
test_pages (Fixture *fixture, gconstpointer data)
{
  const char *url = dc_test_daemon_get_url (fixture->daemon);
  guint status = 0;

  dc_test_client_register (fixture->alice, "cam", "alice");
  g_autofree char *health = dc_test_http (url, "GET", "/healthz", NULL, NULL, &status);
  g_assert_cmpuint (status, ==, 200);
  g_assert_nonnull (strstr (health, "\"status\":\"ok\",\"peers\":1,"));
  g_assert_nonnull (strstr (health, "\"rooms\":1,"));
  g_autofree char *about = dc_test_http (url, "GET", "/", NULL, NULL, &status);
  g_assert_cmpuint (status, ==, 200);
  g_assert_nonnull (strstr (about, "dcsignald"));
  g_autofree char *nothing = dc_test_http (url, "GET", "/v1/nothing?x=y", NULL, NULL, &status);
  g_assert_cmpuint (status, ==, 404);
  g_assert_nonnull (strstr (nothing, "/v1/ws"));
  g_autofree char *method = dc_test_http (url, "PUT", "/v1/peers", NULL, "{}", &status);
  g_assert_cmpuint (status, ==, 405);
  g_autofree char *head = exchange_raw (fixture->daemon, "HEAD /healthz HTTP/1.0\r\n\r\n");
  assert_begins (head, "HTTP/1.1 200 ");
  g_assert_true (g_str_has_suffix (head, "\r\n\r\n"));
  g_autofree char *preflight = exchange_raw (fixture->daemon,
      "OPTIONS /v1/peers HTTP/1.1\r\nHost: x\r\nOrigin: http://y\r\nAccess-Control-Request-Method: POST\r\n\r\n");
  assert_begins (preflight, "HTTP/1.1 204 ");
  g_assert_nonnull (strstr (preflight, "Access-Control-Allow-Origin: *\r\n"));
  g_assert_nonnull (strstr (preflight, "Access-Control-Allow-Methods: POST, OPTIONS\r\n"));
  g_assert_nonnull (strstr (preflight, "Access-Control-Allow-Headers: Authorization, Content-Type\r\n"));
}

static void
test_bad_requests (Fixture *fixture, gconstpointer data)
{
  static const struct {
    const char *request, *answer;
  } cases[] = {
      {"POST /v1/peers HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n", "HTTP/1.1 413 "},
      {"POST /v1/peers HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", "HTTP/1.1 400 "},
      {"POST /v1/peers HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "HTTP/1.1 400 "},
      {"POST /v1/peers HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "HTTP/1.1 411 "},
      {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
      {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", "HTTP/1.1 505 "},
      {"GET / HTTP/1.1\r\nHost : x\r\n\r\n", "HTTP/1.1 400 "},
      {"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", "HTTP/1.1 400 "},
      {"hello\r\n\r\n", "HTTP/1.1 400 "},
      {"\x16\x03\x01\x02", "HTTP/1.1 400 "},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *answer = exchange_raw (fixture->daemon, cases[i].request);
    assert_begins (answer, cases[i].answer);
  }
  /* The answer must reach a client that is still sending. */
  g_autofree char *filling = g_strnfill (300000, 'x');
  g_autofree char *head = g_strconcat ("GET /", filling, " HTTP/1.1\r\nHost: x\r\n\r\n", NULL);
  g_autofree char *answer = exchange_raw (fixture->daemon, head);
  assert_begins (answer, "HTTP/1.1 431 ");
}

static void
test_expect_continue (Fixture *fixture, gconstpointer data)
{
  static const char body[] = "{\"type\":\"hello\",\"room\":\"cam\"}";
  g_autofree char *head = g_strdup_printf (
      "POST /v1/peers HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %zu\r\n\r\n", strlen (body));
  g_autoptr (GSocketConnection) connection = connect_raw (fixture->daemon);
  char interim[25] = "";

  write_raw (connection, head, strlen (head));
  g_input_stream_read_all (
      g_io_stream_get_input_stream (G_IO_STREAM (connection)), interim, sizeof interim, NULL, NULL, NULL);
  assert_begins (interim, "HTTP/1.1 100 Continue\r\n\r\n");
  write_raw (connection, body, strlen (body));
  g_autofree char *answer = read_raw (connection);
  assert_begins (answer, "HTTP/1.1 201 ");
}

/* Registers over HTTP without polling. (transfer full) */
static char *
hello_http (Fixture *fixture, char **resume)
{
  guint status = 0;
  g_autofree char *answer = dc_test_http (dc_test_daemon_get_url (fixture->daemon), "POST", "/v1/peers", NULL,
      "{\"type\":\"hello\",\"room\":\"cam\",\"id\":\"carol\"}", &status);
  g_autoptr (DcMessage) welcome = dc_message_new_from_json (answer, -1, NULL);

  g_assert_cmpuint (status, ==, 201);
  *resume = g_strdup (welcome->resume);
  return g_strdup_printf ("/v1/peers/%s/messages", welcome->session);
}

static void
test_poll_tokens (Fixture *fixture, gconstpointer data)
{
  const char *url = dc_test_daemon_get_url (fixture->daemon);
  g_autofree char *resume = NULL;
  g_autofree char *path = hello_http (fixture, &resume);
  g_autofree char *bad_number = g_strconcat (path, "?wait=soon", NULL);
  guint status = 0;

  g_autofree char *without = dc_test_http (url, "GET", path, NULL, NULL, &status);
  g_assert_cmpuint (status, ==, 404);
  g_assert_nonnull (strstr (without, "session-expired"));
  g_autofree char *wrong = dc_test_http (url, "POST", path, "guess", "{}", &status);
  g_assert_cmpuint (status, ==, 404);
  g_autofree char *unknown = dc_test_http (url, "GET", "/v1/peers/nobody/messages", resume, NULL, &status);
  g_assert_cmpuint (status, ==, 404);
  g_autofree char *number = dc_test_http (url, "GET", bad_number, resume, NULL, &status);
  g_assert_cmpuint (status, ==, 400);
  g_autofree char *empty = dc_test_http (url, "GET", path, resume, NULL, &status);
  g_assert_cmpuint (status, ==, 200);
  g_assert_cmpstr (empty, ==, "[]");
}

static void
test_post_batch (Fixture *fixture, gconstpointer data)
{
  const char *url = dc_test_daemon_get_url (fixture->daemon);
  g_autofree char *resume = NULL;
  g_autofree char *path = hello_http (fixture, &resume);
  g_autoptr (GString) many = g_string_new ("[1");
  guint status = 0;

  dc_test_client_register (fixture->alice, "cam", "alice");
  g_autofree char *acks = dc_test_http (url, "POST", path, resume,
      " [ {\"type\":\"offer\",\"to\":\"alice\",\"seq\":1,\"sdp\":\"a ] \\\" [\"} ,\n"
      "{\"type\":\"candidate\",\"to\":\"alice\",\"seq\":2,\"candidate\":\"candidate:1\",\"mline\":0}]",
      &status);
  g_assert_cmpuint (status, ==, 200);
  g_assert_cmpstr (acks, ==, "[{\"type\":\"ack\",\"seq\":1},{\"type\":\"ack\",\"seq\":2}]");
  g_autoptr (DcMessage) offer = dc_test_client_wait (fixture->alice, DC_MESSAGE_OFFER);
  g_assert_cmpstr (offer->sdp, ==, "a ] \" [");
  dc_message_unref (dc_test_client_wait (fixture->alice, DC_MESSAGE_CANDIDATE));

  for (guint i = 0; i < 1000; i++)
    g_string_append (many, ",1");
  g_string_append_c (many, ']');
  g_autofree char *errors = dc_test_http (url, "POST", path, resume, many->str, &status);
  g_assert_cmpuint (strlen (errors), <, 65536);
}

/* A second poll ends the first; one whose client leaves is noticed, although nothing is to be sent. */
static void
test_parked_polls (Fixture *fixture, gconstpointer data)
{
  g_autofree char *resume = NULL;
  g_autofree char *path = hello_http (fixture, &resume);
  g_autofree char *request =
      g_strdup_printf ("GET %s?wait=60&after=1 HTTP/1.1\r\nHost: x\r\nAuthorization: bearer %s\r\n\r\n", path, resume);
  g_autoptr (GSocketConnection) first = connect_raw (fixture->daemon);
  g_autoptr (GSocketConnection) second = connect_raw (fixture->daemon);

  dc_test_client_register (fixture->alice, "cam", "alice");
  /* That alice joined is acknowledged: nothing is to be told. */
  write_raw (first, request, strlen (request));
  wait_parked (fixture, 1);
  write_raw (second, request, strlen (request));
  g_autofree char *answer = read_raw (first);
  assert_begins (answer, "HTTP/1.1 200 ");
  g_assert_true (g_str_has_suffix (answer, "\r\n\r\n[]"));
  g_io_stream_close (G_IO_STREAM (second), NULL, NULL);
  g_autoptr (DcMessage) away = dc_test_client_wait (fixture->alice, DC_MESSAGE_AWAY);
  g_assert_cmpstr (away->id, ==, "carol");
  /* Only alice is left. */
  g_assert_cmpuint (dc_test_daemon_get_n_connections (fixture->daemon), ==, 1);
}

/* ---- Hostile clients ---- */

static void
test_garbage (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (42);

  register_both (fixture);
  for (guint i = 0; i < 100; i++) {
    g_autoptr (GSocketConnection) connection = connect_raw (fixture->daemon);
    guint8 noise[512];
    for (guint j = 0; j < sizeof noise; j++)
      noise[j] = g_rand_int (random);
    write_raw (connection, noise, g_rand_int_range (random, 1, sizeof noise));
    if (i % 2)
      g_free (read_raw (connection));
  }
  for (guint i = 0; i < 50; i++) {
    g_autoptr (GSocketConnection) connection = connect_raw_websocket (fixture->daemon);
    guint8 noise[512];
    for (guint j = 0; j < sizeof noise; j++)
      noise[j] = g_rand_int (random);
    write_raw (connection, noise, sizeof noise);
  }
  dc_test_client_send (fixture->alice, "offer", "bob", "\"sdp\":\"v=0\"");
  dc_message_unref (dc_test_client_wait (fixture->bob, DC_MESSAGE_OFFER));
}

static void
test_slowloris (Fixture *fixture, gconstpointer data)
{
  static const char *const halves[] = {
      "", "G", "GET / HTTP/1.1\r\nHost: x\r\n", "POST /v1/peers HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"};

  for (guint i = 0; i < G_N_ELEMENTS (halves); i++) {
    g_autofree char *answer = exchange_raw (fixture->daemon, halves[i]);
    g_assert_cmpstr (answer, ==, "");
  }
}

static void
test_fds (Fixture *fixture, gconstpointer data)
{
  /* What libraries open once is open now. */
  g_object_unref (connect_raw_websocket (fixture->daemon));
  guint before = dc_test_count_fds ();

  for (guint i = 0; i < 200; i++) {
    g_object_unref (connect_raw (fixture->daemon));
    if (i % 4 == 0)
      g_free (exchange_raw (fixture->daemon, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    if (i % 4 == 1)
      g_object_unref (connect_raw_websocket (fixture->daemon));
  }
  while (dc_test_daemon_get_n_connections (fixture->daemon) > 0)
    g_thread_yield ();
  /* Stopping frees what is still on its way through the main loop. */
  dc_test_daemon_stop (fixture->daemon);
  guint stopped = dc_test_count_fds ();
  dc_test_daemon_start (fixture->daemon);
  g_assert_cmpuint (dc_test_count_fds (), <=, before);
  g_assert_cmpuint (stopped, <, before);
}

/* ---- TLS ---- */

/* NULL: the test is skipped. @timeout: for requests, in ms; 0: as usual */
static DcTestDaemon *
start_tls (const DcTestTls *tls, guint timeout)
{
  DcDaemonConfig config;

  if (!tls) {
    g_test_skip ("there is no openssl command");
    return NULL;
  }
  dc_daemon_config_init (&config);
  config.tls_cert = tls->cert;
  config.tls_key = tls->key;
  config.request_timeout = timeout;
  DcTestDaemon *daemon = dc_test_daemon_new (&config);
  assert_begins (dc_test_daemon_get_url (daemon), "wss://127.0.0.1:");
  return daemon;
}

static void
test_tls (void)
{
  g_autoptr (DcTestTls) tls = dc_test_tls_new ();
  g_autoptr (DcTestDaemon) daemon = start_tls (tls, 0);
  if (!daemon)
    return;

  const char *url = dc_test_daemon_get_url (daemon);
  g_autoptr (DcTestClient) alice = dc_test_client_new (url, DC_TEST_WEBSOCKET, tls->ca);
  g_autoptr (DcTestClient) bob = dc_test_client_new (url, DC_TEST_POLLING, tls->ca);
  g_autoptr (DcTestClient) carol = dc_test_client_new (url, DC_TEST_WEBSOCKET, tls->other_ca);
  dc_test_watchdog_start (SECONDS);
  dc_test_client_register (alice, "cam", "alice");
  dc_test_client_register (bob, "cam", "bob");
  dc_test_client_send (alice, "offer", "bob", "\"sdp\":\"v=0\"");
  dc_message_unref (dc_test_client_wait (bob, DC_MESSAGE_OFFER));
  g_assert_false (dc_test_client_connect (carol));

  g_autofree char *plain = exchange_raw (daemon, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  g_assert_null (strstr (plain, "HTTP"));
  dc_test_client_send (bob, "answer", "alice", "\"sdp\":\"v=0\"");
  dc_message_unref (dc_test_client_wait (alice, DC_MESSAGE_ANSWER));
  dc_test_watchdog_stop ();
}

/* Handshakes that never begin or never end. */
static void
test_tls_stall (void)
{
  g_autoptr (DcTestTls) tls = dc_test_tls_new ();
  g_autoptr (DcTestDaemon) daemon = start_tls (tls, 200);
  if (!daemon)
    return;

  dc_test_watchdog_start (SECONDS);
  g_autofree char *nothing = exchange_raw (daemon, "");
  g_assert_cmpstr (nothing, ==, "");
  g_autofree char *half = exchange_raw (daemon, "\x16\x03\x01\x02");
  g_assert_cmpstr (half, ==, "");
  dc_test_watchdog_stop ();
}

static void
add_for_transports (
    const char *name, void (*test_set_up) (Fixture *, gconstpointer), void (*test) (Fixture *, gconstpointer))
{
  for (guint i = 0; i < G_N_ELEMENTS (transports); i++) {
    g_autofree char *path = g_strdup_printf ("/daemon/%s/%s", transport_names[i], name);
    g_test_add (path, Fixture, &transports[i], test_set_up, test, tear_down);
  }
}

#define ADD(path, up, test) g_test_add ("/daemon/" path, Fixture, NULL, up, test, tear_down)

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  add_for_transports ("presence", set_up, test_presence);
  add_for_transports ("relay", set_up, test_relay);
  add_for_transports ("refusals", set_up, test_refusals);
  add_for_transports ("too-large", set_up, test_too_large);
  add_for_transports ("resume", set_up_poll_timeout, test_resume);
  add_for_transports ("shut-down", set_up, test_shut_down);
  add_for_transports ("stop-and-start", set_up, test_stop_and_start);
  ADD ("change-of-transport", set_up, test_change_of_transport);
  ADD ("websocket/handshake", set_up, test_handshake);
  ADD ("websocket/binary", set_up, test_binary);
  ADD ("websocket/large-frame", set_up, test_large_frame);
  ADD ("websocket/endless-message", set_up, test_endless_message);
  ADD ("websocket/many-fragments", set_up, test_many_fragments);
  ADD ("websocket/ping-flood", set_up, test_ping_flood);
  ADD ("websocket/no-hello", set_up_hello_timeout, test_no_hello);
  ADD ("websocket/silent-peer", set_up_pings, test_silent_peer);
  ADD ("websocket/slow-consumer", set_up_fast, test_slow_consumer);
  ADD ("http/pages", set_up, test_pages);
  ADD ("http/bad-requests", set_up, test_bad_requests);
  ADD ("http/expect-continue", set_up, test_expect_continue);
  ADD ("http/tokens", set_up, test_poll_tokens);
  ADD ("http/batch", set_up, test_post_batch);
  ADD ("http/parked-polls", set_up_poll_timeout, test_parked_polls);
  ADD ("hostile/garbage", set_up, test_garbage);
  ADD ("hostile/slowloris", set_up_request_timeout, test_slowloris);
  ADD ("hostile/fds", set_up, test_fds);
  g_test_add_func ("/daemon/tls/both-transports", test_tls);
  g_test_add_func ("/daemon/tls/stall", test_tls_stall);
  return g_test_run ();
}
