/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-daemon-wire.c: the daemon over real sockets, byte by byte: WebSocket, HTTP, limits, hostile clients. */
#include <string.h>

#include "tests/daemon-fixture.h"
#include "tests/harness/dc-test.h"

/* The following: short deadlines, for tests of what happens when they pass. */
static void
set_up_request_timeout (DaemonFixture *fixture, gconstpointer data)
{
  DcDaemonConfig config;

  dc_daemon_config_init (&config);
  config.request_timeout = 200;
  daemon_set_up_config (fixture, data, &config);
}

static void
set_up_hello_timeout (DaemonFixture *fixture, gconstpointer data)
{
  DcDaemonConfig config;

  dc_daemon_config_init (&config);
  config.hello_timeout = 200;
  daemon_set_up_config (fixture, data, &config);
}

static void
set_up_pings (DaemonFixture *fixture, gconstpointer data)
{
  DcDaemonConfig config;

  dc_daemon_config_init (&config);
  config.ping_interval = dc_test_get_slowness ();
  daemon_set_up_config (fixture, data, &config);
}

/* No limit on the rate of messages. */
static void
set_up_fast (DaemonFixture *fixture, gconstpointer data)
{
  DcDaemonConfig config;

  dc_daemon_config_init (&config);
  config.hub.message_burst = 100000;
  config.hub.messages_per_second = 100000;
  daemon_set_up_config (fixture, data, &config);
}

/* ---- WebSocket ---- */

static void
test_handshake (DaemonFixture *fixture, gconstpointer data)
{
  guint status = 0;
  g_autofree char *plain =
      dc_test_http (dc_test_daemon_get_url (fixture->daemon), "GET", "/v1/ws", NULL, NULL, &status);
  g_assert_cmpuint (status, ==, 426);
  g_assert_nonnull (strstr (plain, "WebSocket"));

  g_autofree char *protocol = raw_exchange (fixture->daemon, RAW_HANDSHAKE "Sec-WebSocket-Protocol: chat\r\n\r\n");
  assert_begins (protocol, "HTTP/1.1 400 ");
  g_autofree char *key =
      raw_exchange (fixture->daemon, "GET /v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                                     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n");
  assert_begins (key, "HTTP/1.1 400 ");
  g_autofree char *early = raw_exchange (fixture->daemon, RAW_HANDSHAKE "\r\n\x81\x82");
  assert_begins (early, "HTTP/1.1 400 ");
  g_autoptr (GSocketConnection) good = raw_connect_websocket (fixture->daemon);
}

static void
test_binary (DaemonFixture *fixture, gconstpointer data)
{
  g_autoptr (GSocketConnection) connection = raw_connect_websocket (fixture->daemon);

  raw_write_frame (connection, 0x82, "{}", 2);
  g_assert_cmpuint (raw_find_close_code (connection), ==, 1003);
}

static void
test_large_frame (DaemonFixture *fixture, gconstpointer data)
{
  g_autoptr (GSocketConnection) connection = raw_connect_websocket (fixture->daemon);
  g_autofree char *payload = g_strnfill (1024 * 1024, ' ');

  raw_write_frame (connection, 0x81, payload, strlen (payload));
  /* The header alone ends it, so perhaps with a reset. */
  g_autofree char *rest = raw_read (connection);
  g_assert_cmpuint (strlen (rest), <, 1000);
}

/* libsoup bounds each frame only: without the guard this would be one message of 256 MiB. */
static void
test_endless_message (DaemonFixture *fixture, gconstpointer data)
{
  g_autoptr (GSocketConnection) connection = raw_connect_websocket (fixture->daemon);
  g_autofree char *payload = g_strnfill (65536, ' ');
  guint count = 0;

  raw_write_frame (connection, 0x01, payload, 65536);
  while (count < 4096 && raw_write_frame (connection, 0x00, payload, 65536))
    count++;
  g_assert_cmpuint (count, <, 4096);
}

static void
test_many_fragments (DaemonFixture *fixture, gconstpointer data)
{
  g_autoptr (GSocketConnection) connection = raw_connect_websocket (fixture->daemon);
  guint count = 0;

  raw_write_frame (connection, 0x01, "", 0);
  while (count < 1000000 && raw_write_frame (connection, 0x00, "", 0))
    count++;
  g_assert_cmpuint (count, <, 1000000);
}

/* Of a peer in good standing otherwise. */
static void
test_ping_flood (DaemonFixture *fixture, gconstpointer data)
{
  static const char hello[] = "{\"type\":\"hello\",\"room\":\"cam\"}";
  g_autoptr (GSocketConnection) connection = raw_connect_websocket (fixture->daemon);

  raw_write_frame (connection, 0x81, hello, strlen (hello));
  for (guint i = 0; i < 500; i++)
    raw_write_frame (connection, 0x89, "ping", 4);
  /* It ends, perhaps with a reset that takes the close frame away, as the pings were not all read. */
  g_free (raw_read (connection));
}

static void
test_no_hello (DaemonFixture *fixture, gconstpointer data)
{
  g_autoptr (GSocketConnection) connection = raw_connect_websocket (fixture->daemon);

  g_assert_cmpuint (raw_find_close_code (connection), ==, 1008);
}

/* A peer that answers no pings is away after two intervals; one that does stays. */
static void
test_silent_peer (DaemonFixture *fixture, gconstpointer data)
{
  static const char hello[] = "{\"type\":\"hello\",\"room\":\"cam\",\"id\":\"ghost\"}";
  g_autoptr (GSocketConnection) connection = raw_connect_websocket (fixture->daemon);

  dc_test_client_register (fixture->alice, "cam", "alice");
  raw_write_frame (connection, 0x81, hello, strlen (hello));
  g_autoptr (DcMessage) away = dc_test_client_wait (fixture->alice, DC_MESSAGE_AWAY);
  g_assert_cmpstr (away->id, ==, "ghost");
  dc_test_client_register (fixture->bob, "cam", "bob");
}

/* A peer that acknowledges without reading: the mailbox stays empty, the output queue would grow. */
static void
test_slow_consumer (DaemonFixture *fixture, gconstpointer data)
{
  static const char hello[] = "{\"type\":\"hello\",\"room\":\"cam\",\"id\":\"slow\"}";
  g_autofree char *filling = g_strnfill (60000, 'x');
  g_autofree char *members = g_strdup_printf ("\"sdp\":\"%s\"", filling);
  g_autoptr (GSocketConnection) connection = raw_connect_websocket (fixture->daemon);
  gboolean away = FALSE;
  guint n_stored = 0;

  dc_test_client_register (fixture->alice, "cam", "alice");
  raw_write_frame (connection, 0x81, hello, strlen (hello));
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
    raw_write_frame (connection, 0x81, ack, strlen (ack));
  }
}

/* ---- HTTP ---- */

static void
test_pages (DaemonFixture *fixture, gconstpointer data)
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
  g_autofree char *head = raw_exchange (fixture->daemon, "HEAD /healthz HTTP/1.0\r\n\r\n");
  assert_begins (head, "HTTP/1.1 200 ");
  g_assert_true (g_str_has_suffix (head, "\r\n\r\n"));
  g_autofree char *preflight = raw_exchange (fixture->daemon,
      "OPTIONS /v1/peers HTTP/1.1\r\nHost: x\r\nOrigin: http://y\r\nAccess-Control-Request-Method: POST\r\n\r\n");
  assert_begins (preflight, "HTTP/1.1 204 ");
  g_assert_nonnull (strstr (preflight, "Access-Control-Allow-Origin: *\r\n"));
  g_assert_nonnull (strstr (preflight, "Access-Control-Allow-Methods: POST, OPTIONS\r\n"));
  g_assert_nonnull (strstr (preflight, "Access-Control-Allow-Headers: Authorization, Content-Type\r\n"));
}

static void
test_bad_requests (DaemonFixture *fixture, gconstpointer data)
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
    g_autofree char *answer = raw_exchange (fixture->daemon, cases[i].request);
    assert_begins (answer, cases[i].answer);
  }
  /* The answer must reach a client that is still sending. */
  g_autofree char *filling = g_strnfill (300000, 'x');
  g_autofree char *head = g_strconcat ("GET /", filling, " HTTP/1.1\r\nHost: x\r\n\r\n", NULL);
  g_autofree char *answer = raw_exchange (fixture->daemon, head);
  assert_begins (answer, "HTTP/1.1 431 ");
}

static void
test_expect_continue (DaemonFixture *fixture, gconstpointer data)
{
  static const char body[] = "{\"type\":\"hello\",\"room\":\"cam\"}";
  g_autofree char *head = g_strdup_printf (
      "POST /v1/peers HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %zu\r\n\r\n", strlen (body));
  g_autoptr (GSocketConnection) connection = raw_connect (fixture->daemon);
  char interim[25] = "";

  raw_write (connection, head, strlen (head));
  g_input_stream_read_all (
      g_io_stream_get_input_stream (G_IO_STREAM (connection)), interim, sizeof interim, NULL, NULL, NULL);
  assert_begins (interim, "HTTP/1.1 100 Continue\r\n\r\n");
  raw_write (connection, body, strlen (body));
  g_autofree char *answer = raw_read (connection);
  assert_begins (answer, "HTTP/1.1 201 ");
}

/* Registers over HTTP without polling. (transfer full) */
static char *
hello_http (DaemonFixture *fixture, char **resume)
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
test_poll_tokens (DaemonFixture *fixture, gconstpointer data)
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
test_post_batch (DaemonFixture *fixture, gconstpointer data)
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
test_parked_polls (DaemonFixture *fixture, gconstpointer data)
{
  g_autofree char *resume = NULL;
  g_autofree char *path = hello_http (fixture, &resume);
  g_autofree char *request =
      g_strdup_printf ("GET %s?wait=60&after=1 HTTP/1.1\r\nHost: x\r\nAuthorization: bearer %s\r\n\r\n", path, resume);
  g_autoptr (GSocketConnection) first = raw_connect (fixture->daemon);
  g_autoptr (GSocketConnection) second = raw_connect (fixture->daemon);

  dc_test_client_register (fixture->alice, "cam", "alice");
  /* That alice joined is acknowledged: nothing is to be told. */
  raw_write (first, request, strlen (request));
  daemon_wait_parked (fixture, 1);
  raw_write (second, request, strlen (request));
  g_autofree char *answer = raw_read (first);
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
test_garbage (DaemonFixture *fixture, gconstpointer data)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (42);

  daemon_register_both (fixture);
  for (guint i = 0; i < 100; i++) {
    g_autoptr (GSocketConnection) connection = raw_connect (fixture->daemon);
    guint8 noise[512];
    for (guint j = 0; j < sizeof noise; j++)
      noise[j] = g_rand_int (random);
    raw_write (connection, noise, g_rand_int_range (random, 1, sizeof noise));
    if (i % 2)
      g_free (raw_read (connection));
  }
  for (guint i = 0; i < 50; i++) {
    g_autoptr (GSocketConnection) connection = raw_connect_websocket (fixture->daemon);
    guint8 noise[512];
    for (guint j = 0; j < sizeof noise; j++)
      noise[j] = g_rand_int (random);
    raw_write (connection, noise, sizeof noise);
  }
  dc_test_client_send (fixture->alice, "offer", "bob", "\"sdp\":\"v=0\"");
  dc_message_unref (dc_test_client_wait (fixture->bob, DC_MESSAGE_OFFER));
}

static void
test_slowloris (DaemonFixture *fixture, gconstpointer data)
{
  static const char *const halves[] = {
      "", "G", "GET / HTTP/1.1\r\nHost: x\r\n", "POST /v1/peers HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"};

  for (guint i = 0; i < G_N_ELEMENTS (halves); i++) {
    g_autofree char *answer = raw_exchange (fixture->daemon, halves[i]);
    g_assert_cmpstr (answer, ==, "");
  }
}

static void
test_fds (DaemonFixture *fixture, gconstpointer data)
{
  /* What libraries open once is open now. */
  g_object_unref (raw_connect_websocket (fixture->daemon));
  guint before = dc_test_count_fds ();

  for (guint i = 0; i < 200; i++) {
    g_object_unref (raw_connect (fixture->daemon));
    if (i % 4 == 0)
      g_free (raw_exchange (fixture->daemon, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    if (i % 4 == 1)
      g_object_unref (raw_connect_websocket (fixture->daemon));
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

#define ADD(path, up, test) g_test_add ("/daemon/" path, DaemonFixture, NULL, up, test, daemon_tear_down)

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  ADD ("websocket/handshake", daemon_set_up, test_handshake);
  ADD ("websocket/binary", daemon_set_up, test_binary);
  ADD ("websocket/large-frame", daemon_set_up, test_large_frame);
  ADD ("websocket/endless-message", daemon_set_up, test_endless_message);
  ADD ("websocket/many-fragments", daemon_set_up, test_many_fragments);
  ADD ("websocket/ping-flood", daemon_set_up, test_ping_flood);
  ADD ("websocket/no-hello", set_up_hello_timeout, test_no_hello);
  ADD ("websocket/silent-peer", set_up_pings, test_silent_peer);
  ADD ("websocket/slow-consumer", set_up_fast, test_slow_consumer);
  ADD ("http/pages", daemon_set_up, test_pages);
  ADD ("http/bad-requests", daemon_set_up, test_bad_requests);
  ADD ("http/expect-continue", daemon_set_up, test_expect_continue);
  ADD ("http/tokens", daemon_set_up, test_poll_tokens);
  ADD ("http/batch", daemon_set_up, test_post_batch);
  ADD ("http/parked-polls", daemon_set_up_poll_timeout, test_parked_polls);
  ADD ("hostile/garbage", daemon_set_up, test_garbage);
  ADD ("hostile/slowloris", set_up_request_timeout, test_slowloris);
  ADD ("hostile/fds", daemon_set_up, test_fds);
  return g_test_run ();
}
