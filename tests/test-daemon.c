/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-daemon.c: the daemon over real sockets: the protocol, by both transports, and TLS. The bytes are in test-daemon-wire.c. */
#include <string.h>

#include "tests/daemon-fixture.h"
#include "tests/harness/dc-test.h"

static const DaemonTransports transports[] = {
    {DC_TEST_WEBSOCKET, DC_TEST_WEBSOCKET},
    {DC_TEST_WEBSOCKET, DC_TEST_POLLING},
    {DC_TEST_POLLING, DC_TEST_WEBSOCKET},
    {DC_TEST_POLLING, DC_TEST_POLLING},
};
static const char *const transport_names[] = {"ws-ws", "ws-poll", "poll-ws", "poll-poll"};

/* ---- The protocol, over both transports ---- */

static void
test_presence (DaemonFixture *fixture, gconstpointer data)
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
test_relay (DaemonFixture *fixture, gconstpointer data)
{
  daemon_register_both (fixture);
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
test_refusals (DaemonFixture *fixture, gconstpointer data)
{
  gboolean polling = ((const DaemonTransports *) data)->second == DC_TEST_POLLING;

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
test_too_large (DaemonFixture *fixture, gconstpointer data)
{
  g_autofree char *filling = g_strnfill (80000, 'x');
  g_autofree char *members = g_strdup_printf ("\"sdp\":\"%s\"", filling);

  daemon_register_both (fixture);
  dc_test_client_send (fixture->alice, "offer", "bob", members);
  g_autoptr (DcMessage) error = dc_test_client_wait_error (fixture->alice, DC_CODE_TOO_LARGE);
  g_assert_cmpuint (error->seq, ==, 1);
  /* The session goes on. */
  dc_test_client_send (fixture->alice, "offer", "bob", "\"sdp\":\"v=0\"");
  dc_message_unref (dc_test_client_wait (fixture->bob, DC_MESSAGE_OFFER));
}

static void
test_resume (DaemonFixture *fixture, gconstpointer data)
{
  daemon_register_both (fixture);
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
test_change_of_transport (DaemonFixture *fixture, gconstpointer data)
{
  const char *url = dc_test_daemon_get_url (fixture->daemon);
  guint status = 0;

  daemon_register_both (fixture);
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
test_shut_down (DaemonFixture *fixture, gconstpointer data)
{
  const DaemonTransports *with = data;

  daemon_register_both (fixture);
  daemon_wait_parked (fixture, (with->first == DC_TEST_POLLING) + (with->second == DC_TEST_POLLING));
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
test_stop_and_start (DaemonFixture *fixture, gconstpointer data)
{
  guint16 port = dc_test_daemon_get_port (fixture->daemon);

  daemon_register_both (fixture);
  dc_test_daemon_stop (fixture->daemon);
  dc_test_client_wait_closed (fixture->alice);
  dc_test_client_wait_closed (fixture->bob);
  dc_test_client_cut (fixture->alice);
  dc_test_client_cut (fixture->bob);
  dc_test_daemon_start (fixture->daemon);
  g_assert_cmpuint (dc_test_daemon_get_port (fixture->daemon), ==, port);
  daemon_register_both (fixture);
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
  dc_test_watchdog_start (DAEMON_WATCHDOG_S);
  dc_test_client_register (alice, "cam", "alice");
  dc_test_client_register (bob, "cam", "bob");
  dc_test_client_send (alice, "offer", "bob", "\"sdp\":\"v=0\"");
  dc_message_unref (dc_test_client_wait (bob, DC_MESSAGE_OFFER));
  g_assert_false (dc_test_client_connect (carol));

  g_autofree char *plain = raw_exchange (daemon, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
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

  dc_test_watchdog_start (DAEMON_WATCHDOG_S);
  g_autofree char *nothing = raw_exchange (daemon, "");
  g_assert_cmpstr (nothing, ==, "");
  g_autofree char *half = raw_exchange (daemon, "\x16\x03\x01\x02");
  g_assert_cmpstr (half, ==, "");
  dc_test_watchdog_stop ();
}

static void
add_for_transports (const char *name, void (*test_set_up) (DaemonFixture *, gconstpointer),
    void (*test) (DaemonFixture *, gconstpointer))
{
  for (guint i = 0; i < G_N_ELEMENTS (transports); i++) {
    g_autofree char *path = g_strdup_printf ("/daemon/%s/%s", transport_names[i], name);
    g_test_add (path, DaemonFixture, &transports[i], test_set_up, test, daemon_tear_down);
  }
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  add_for_transports ("presence", daemon_set_up, test_presence);
  add_for_transports ("relay", daemon_set_up, test_relay);
  add_for_transports ("refusals", daemon_set_up, test_refusals);
  add_for_transports ("too-large", daemon_set_up, test_too_large);
  add_for_transports ("resume", daemon_set_up_poll_timeout, test_resume);
  add_for_transports ("shut-down", daemon_set_up, test_shut_down);
  add_for_transports ("stop-and-start", daemon_set_up, test_stop_and_start);
  g_test_add (
      "/daemon/change-of-transport", DaemonFixture, NULL, daemon_set_up, test_change_of_transport, daemon_tear_down);
  g_test_add_func ("/daemon/tls/both-transports", test_tls);
  g_test_add_func ("/daemon/tls/stall", test_tls_stall);
  return g_test_run ();
}
