/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-turn.c: the ways to a TURN server: TCP, TLS and proxies, with a real server and a real proxy. */
#include <string.h>

#include "tests/harness/dc-test-daemon.h"
#include "tests/harness/dc-test-peer.h"
#include "tests/harness/dc-test-turn.h"
#include "tests/harness/dc-test.h"

/* Longer than libnice waits for a server unless it is told to. */
#define WAY_TIME (3 * G_TIME_SPAN_SECOND)

/* What a peer of this test is set to, beside the signaling server. */
typedef struct {
  const char *id;
  DcRole role;
  const char *turn_server;
  const char *tls_ca; /* (nullable) */
  const char *proxy;  /* (nullable) */
  DcIcePolicy policy;
} Way;

/* With a server, unless the test is skipped. */
typedef struct {
  DcTestTls *tls;
  DcTestTurn *server;
  DcTestDaemon *daemon;
  char *over_udp, *over_tcp, *over_tls; /* URLs of the server */
} Fixture;

typedef void (*Test) (Fixture *fixture);

static DcTestPeer *
start (DcTestDaemon *daemon, const Way *way)
{
  const char *servers[] = {way->turn_server, NULL};

  return dc_test_peer_new (dc_test_daemon_get_url (daemon), "id", way->id, "role", way->role, "turn-servers", servers,
      "tls-ca", way->tls_ca, "proxy", way->proxy, "ice-transport-policy", way->policy, "connect-timeout",
      20 * dc_test_get_slowness (), NULL);
}

static char *
make_url (const char *scheme, const char *host, guint port, const char *query)
{
  return g_strdup_printf ("%s://" DC_TEST_TURN_USER ":" DC_TEST_TURN_PASSWORD "@%s:%u%s", scheme, host, port, query);
}

static void
with_server (gconstpointer test)
{
  Fixture fixture = {NULL};

  dc_test_watchdog_start (90);
  fixture.tls = dc_test_tls_new ();
  fixture.server = fixture.tls != NULL ? dc_test_turn_new (fixture.tls) : NULL;
  if (fixture.server != NULL) {
    fixture.daemon = dc_test_daemon_new (NULL);
    fixture.over_udp =
        g_strdup_printf ("turn://" DC_TEST_TURN_USER ":" DC_TEST_TURN_PASSWORD "@%s", fixture.server->address);
    fixture.over_tcp = g_strconcat (fixture.over_udp, "?transport=tcp", NULL);
    fixture.over_tls = make_url ("turns", "localhost", fixture.server->tls, "");
    ((Test) test) (&fixture);
  }
  g_clear_pointer (&fixture.daemon, dc_test_daemon_free);
  g_clear_pointer (&fixture.server, dc_test_turn_free);
  g_clear_pointer (&fixture.tls, dc_test_tls_free);
  g_free (fixture.over_udp);
  g_free (fixture.over_tcp);
  g_free (fixture.over_tls);
  dc_test_watchdog_stop ();
}

static void
assert_relayed (DcTestPeer *peer, const char *transport)
{
  g_autoptr (GstStructure) pair = NULL;

  dc_test_peer_look_back (peer);
  pair = dc_test_peer_wait_event (peer, "selected-pair");
  g_assert_cmpstr (gst_structure_get_string (pair, "local-type"), ==, "relay");
  g_assert_cmpstr (gst_structure_get_string (pair, "local-relay"), ==, transport);
}

/* Alice and bob meet, each by the same way, and talk. */
static void
check_way (DcTestDaemon *daemon, const Way *way, const char *transport)
{
  Way answerer = *way;
  answerer.id = "bob";
  answerer.role = DC_ROLE_ANSWERER;
  g_autoptr (DcTestPeer) bob = start (daemon, &answerer), alice = start (daemon, way);
  g_autoptr (DcChannel) at_alice = dc_test_peer_wait_channel (alice), at_bob = dc_test_peer_wait_channel (bob);

  dc_test_push_text (at_alice, "hello bob");
  dc_test_expect_text (at_bob, "hello bob");
  dc_test_push_text (at_bob, "hello alice");
  dc_test_expect_text (at_alice, "hello alice");
  assert_relayed (alice, transport);
  assert_relayed (bob, transport);
}

static void
test_tcp (Fixture *fixture)
{
  check_way (
      fixture->daemon, &(Way){"alice", DC_ROLE_OFFERER, fixture->over_tcp, .policy = DC_ICE_POLICY_RELAY}, "TCP");
}

static void
test_tls (Fixture *fixture)
{
  check_way (fixture->daemon,
      &(Way){"alice", DC_ROLE_OFFERER, fixture->over_tls, fixture->tls->ca, .policy = DC_ICE_POLICY_RELAY}, "TLS");
}

/* The server is asked after the other side has answered, so that a direct pair has a head start; and the end of candidates is said after that. */
static void
test_later (Fixture *fixture)
{
  Way offerer = {"alice", DC_ROLE_OFFERER, fixture->over_udp}, answerer = {"bob", DC_ROLE_ANSWERER, fixture->over_udp};
  g_autoptr (DcTestPeer) bob = start (fixture->daemon, &answerer), alice = start (fixture->daemon, &offerer);

  gst_structure_free (dc_test_peer_wait_event (alice, "remote-description"));
  gst_structure_free (dc_test_peer_wait_event_with (alice, "local-candidate", "type", "relay"));
  gst_structure_free (dc_test_peer_wait_event (alice, "local-candidates-done"));
  gst_structure_free (dc_test_peer_wait_event (bob, "remote-description"));
  gst_structure_free (dc_test_peer_wait_event_with (bob, "remote-candidate", "type", "relay"));
  gst_structure_free (dc_test_peer_wait_event (bob, "remote-candidates-done"));
  dc_test_peer_look_back (alice);
  g_autoptr (GstStructure) pair = dc_test_peer_wait_event (alice, "selected-pair");
  g_assert_cmpstr (gst_structure_get_string (pair, "local-type"), !=, "relay");
}

static void
on_spliced (GObject *source, GAsyncResult *result, gpointer ended)
{
  g_io_stream_splice_finish (result, NULL);
  *(gboolean *) ended = TRUE;
}

/* A long way: what comes on @near gets to the server in the end. In a thread of its own. */
static gboolean
on_slow_connection (GThreadedSocketService *way, GSocketConnection *near, GObject *source, gpointer server)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (g_main_context_new ());
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) far = NULL;
  gboolean ended = FALSE;

  g_usleep (WAY_TIME);
  far = g_socket_client_connect_to_host (client, "127.0.0.1", ((DcTestTurn *) server)->tls, NULL, NULL);
  g_assert_nonnull (far);
  g_io_stream_splice_async (G_IO_STREAM (near), G_IO_STREAM (far),
      G_IO_STREAM_SPLICE_CLOSE_STREAM1 | G_IO_STREAM_SPLICE_CLOSE_STREAM2, G_PRIORITY_DEFAULT, NULL, on_spliced,
      &ended);
  dc_test_wait_until (g_main_context_get_thread_default (), ended);
  return TRUE;
}

/* libnice does not wait as long for an answer by itself: names, a proxy and TLS take their time where the way is long. */
static void
test_slow (Fixture *fixture)
{
  g_autoptr (GSocketService) way = g_threaded_socket_service_new (8);
  guint16 port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (way), NULL, NULL);
  g_autofree char *url = make_url ("turns", "localhost", port, "");
  g_signal_connect (way, "run", G_CALLBACK (on_slow_connection), fixture->server);
  g_autoptr (DcTestPeer) bob = start (fixture->daemon, &(Way){"bob", DC_ROLE_ANSWERER, NULL});
  g_autoptr (DcTestPeer) alice =
      start (fixture->daemon, &(Way){"alice", DC_ROLE_OFFERER, url, fixture->tls->ca, .policy = DC_ICE_POLICY_RELAY});
  for (; dc_test_peer_count_events (alice, "turn-connected") == 0; g_thread_yield ())
    g_main_context_iteration (NULL, FALSE);
  g_autoptr (DcChannel) at_alice = dc_test_peer_wait_channel (alice), at_bob = dc_test_peer_wait_channel (bob);
  assert_relayed (alice, "TLS");
}

/* Fails as it should, and says why. */
static void
check_refused (const char *url, const char *tls_ca, const char *proxy, const char *sentence)
{
  g_autoptr (DcTestDaemon) daemon = dc_test_daemon_new (NULL);
  /* Signaling does not go through a proxy that does not let us through. */
  Way answerer = {"bob", DC_ROLE_ANSWERER, NULL};
  Way offerer = {"alice", DC_ROLE_OFFERER, url, tls_ca, proxy, DC_ICE_POLICY_RELAY};
  g_autoptr (DcTestPeer) bob = start (daemon, &answerer), alice = start (daemon, &offerer);
  g_autoptr (GstStructure) failed = dc_test_peer_wait_event (alice, "turn-failed");

  g_test_message ("%s", gst_structure_get_string (failed, "reason"));
  g_assert_nonnull (strstr (gst_structure_get_string (failed, "reason"), sentence));
  g_assert_null (strstr (gst_structure_get_string (failed, "url"), DC_TEST_TURN_PASSWORD));
  g_assert_cmpuint (dc_test_peer_count_events (alice, "turn-connected"), ==, 0);
}

static void
test_tls_refused (Fixture *fixture)
{
  g_autofree char *good = make_url ("turns", "127.0.0.1", fixture->server->tls, "");
  g_autofree char *other_name = make_url ("turns", "127.0.0.2", fixture->server->tls, "");

  check_refused (good, fixture->tls->other_ca, NULL, "the certificate of 127.0.0.1 is not trusted (unknown CA)");
  check_refused (other_name, fixture->tls->ca, NULL, "the certificate of 127.0.0.2 is made out for another host name");
}

static void
test_unreachable (void)
{
  dc_test_watchdog_start (60);
  g_autofree char *nobody = make_url ("turn", "127.0.0.1", 1, "?transport=tcp");
  g_autofree char *nowhere = make_url ("turns", "no-such-host.invalid", 443, "");
  check_refused (nobody, NULL, NULL, "Connection refused");
  check_refused (nowhere, NULL, NULL, "no-such-host.invalid");
  dc_test_watchdog_stop ();
}

/* Signaling and TURN, in clear text and with TLS. */
static void
test_proxy (Fixture *fixture)
{
  g_autoptr (DcTestTunnel) tunnel = dc_test_tunnel_new ();
  if (tunnel == NULL)
    return;
  DcTestTurn *server = fixture->server;
  g_autofree char *proxy =
      g_strdup_printf ("http://" DC_TEST_TUNNEL_USER ":" DC_TEST_TUNNEL_PASSWORD "@127.0.0.1:%u", tunnel->port);
  Way tls = {"alice", DC_ROLE_OFFERER, fixture->over_tls, fixture->tls->ca, proxy, DC_ICE_POLICY_RELAY};
  Way tcp = {"alice", DC_ROLE_OFFERER, fixture->over_tcp, NULL, proxy, DC_ICE_POLICY_RELAY};
  check_way (fixture->daemon, &tls, "TLS");
  check_way (fixture->daemon, &tcp, "TCP");

  g_autofree char *signaling = g_strdup_printf ("CONNECT 127.0.0.1:%u", dc_test_daemon_get_port (fixture->daemon));
  g_autofree char *turn = g_strdup_printf ("CONNECT localhost:%u", server->tls);
  g_autofree char *turn_tcp = g_strdup_printf ("CONNECT %s", server->address);
  dc_test_process_wait_line (tunnel->process, signaling);
  dc_test_process_wait_line (tunnel->process, turn);
  dc_test_process_wait_line (tunnel->process, turn_tcp);
}

/* Who is left alone in search of a path knows why, too. */
static void
test_given_up (void)
{
  dc_test_watchdog_start (60);
  g_autoptr (DcTestDaemon) daemon = dc_test_daemon_new (NULL);
  g_autofree char *nobody = make_url ("turn", "127.0.0.1", 1, "?transport=tcp");
  const char *servers[] = {nobody, NULL};
  g_autoptr (DcTestPeer) bob =
      dc_test_peer_new (dc_test_daemon_get_url (daemon), "id", "bob", "role", DC_ROLE_ANSWERER, NULL);
  g_autoptr (DcTestPeer) alice = dc_test_peer_new (dc_test_daemon_get_url (daemon), "id", "alice", "role",
      DC_ROLE_OFFERER, "turn-servers", servers, "ice-transport-policy", DC_ICE_POLICY_RELAY, NULL);
  gst_structure_free (dc_test_peer_wait_event (bob, "local-candidates-done"));
  dc_test_peer_look_back (bob);
  gst_structure_free (dc_test_peer_wait_event (bob, "remote-candidates-done"));
  dc_test_peer_free (g_steal_pointer (&alice));
  g_autoptr (GstStructure) closed = dc_test_peer_wait_event (bob, "connection-closed");
  const char *reason = gst_structure_get_string (closed, "reason");

  g_test_message ("%s", reason);
  g_assert_nonnull (strstr (reason, "ICE found no pair of candidates that works"));
  g_assert_nonnull (strstr (reason, "(the other side: it was stopped)"));
  dc_test_watchdog_stop ();
}

/* The first STUN server is silent: nobody calls before that is known, and then all goes on with the second. */
static void
test_stun_in_order (Fixture *fixture)
{
  DcTestDaemon *daemon = fixture->daemon;
  DcTestTurn *server = fixture->server;
  g_autoptr (GSocket) silent = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, NULL);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new_from_string ("127.0.0.1", 0), bound = NULL;
  g_assert_true (g_socket_bind (silent, any, FALSE, NULL));
  bound = g_socket_get_local_address (silent, NULL);
  g_autofree char *servers = g_strdup_printf ("stun://127.0.0.1:%u, stun://%s",
      g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound)), server->address);
  g_autoptr (DcTestPeer) bob =
      dc_test_peer_new (dc_test_daemon_get_url (daemon), "id", "bob", "role", DC_ROLE_ANSWERER, NULL);
  g_autoptr (DcTestPeer) alice = dc_test_peer_new (
      dc_test_daemon_get_url (daemon), "id", "alice", "role", DC_ROLE_OFFERER, "stun-server", servers, NULL);
  g_autoptr (GstStructure) chosen = dc_test_peer_wait_event (alice, "stun-chosen");
  g_autofree char *expected = g_strdup_printf ("stun://%s", server->address);

  g_assert_cmpstr (gst_structure_get_string (chosen, "url"), ==, expected);
  /* Not before. */
  gst_structure_free (dc_test_peer_wait_event (alice, "calling"));
  g_autoptr (DcChannel) at_alice = dc_test_peer_wait_channel (alice), at_bob = dc_test_peer_wait_channel (bob);
  dc_test_push_text (at_alice, "hello");
  dc_test_expect_text (at_bob, "hello");
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  g_test_add_data_func ("/turn/tcp", test_tcp, with_server);
  g_test_add_data_func ("/turn/tls", test_tls, with_server);
  g_test_add_data_func ("/turn/later", test_later, with_server);
  g_test_add_data_func ("/turn/slow", test_slow, with_server);
  g_test_add_data_func ("/turn/tls-refused", test_tls_refused, with_server);
  g_test_add_func ("/turn/unreachable", test_unreachable);
  g_test_add_data_func ("/turn/proxy", test_proxy, with_server);
  g_test_add_func ("/turn/given-up", test_given_up);
  g_test_add_data_func ("/turn/stun-in-order", test_stun_in_order, with_server);
  return g_test_run ();
}
