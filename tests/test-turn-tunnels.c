/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-turn-tunnels.c: tunnels to servers and proxies that stop half-way, and many of them. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "plugins/peer/dc-turn-tunnels.h"
#include "signaling/client/dc-proxy.h"
#include "signaling/client/dc-trust.h"
#include "tests/harness/dc-test-certificates.h"
#include "tests/harness/dc-test.h"

static void
count_event (GstStructure *event, gpointer counts)
{
  GHashTable *table = counts;
  const char *name = gst_structure_get_name (event);
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (table, name)) + 1;

  g_hash_table_insert (table, g_strdup (name), GUINT_TO_POINTER (n));
  gst_structure_free (event);
}

typedef struct {
  GHashTable *events;      /* how many of each name */
  GSocketListener *server; /* accepts what the test takes off it */
  guint16 port;
  DcTurnTunnels *tunnels;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  dc_test_watchdog_start (30);
  f->events = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  f->server = g_socket_listener_new ();
  f->port = g_socket_listener_add_any_inet_port (f->server, NULL, &error);
  g_assert_no_error (error);
}

static void
open_tunnels (Fixture *f, const char *proxy, GTlsDatabase *trust)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GProxyResolver) resolver = dc_proxy_resolver_new (proxy, &error);

  g_assert_no_error (error);
  f->tunnels = dc_turn_tunnels_new (g_main_context_default (), trust, resolver, 0, count_event, f->events);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->tunnels, dc_turn_tunnels_free);
  /* Nothing comes any more. */
  g_hash_table_remove_all (f->events);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  g_assert_cmpuint (g_hash_table_size (f->events), ==, 0);
  g_object_unref (f->server);
  g_hash_table_unref (f->events);
  dc_test_watchdog_stop ();
}

/* The tunnel's port on the loopback interface. */
static guint16
open_tunnel (Fixture *f, const char *scheme, const char *host, guint port)
{
  g_autofree char *url = g_strdup_printf ("%s://u:p@%s:%u?transport=tcp", scheme, host, port);
  g_autoptr (GError) error = NULL;
  g_autoptr (DcIceServer) server = dc_ice_server_parse (url, DC_ICE_SERVER_TURN, &error), local = NULL;

  g_assert_no_error (error);
  local = dc_turn_tunnels_open (f->tunnels, server, FALSE, &error);
  g_assert_no_error (error);
  return local->port;
}

/* (nullable) (transfer full) */
static GSocketConnection *
connect_to (guint16 port)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();

  return g_socket_client_connect_to_host (client, "127.0.0.1", port, NULL, NULL);
}

static GSocketConnection *
accept_far (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  GSocketConnection *far = g_socket_listener_accept (f->server, NULL, NULL, &error);

  g_assert_no_error (error);
  return far;
}

/* Until nobody has taken anything for half a second. */
static void
fill (GSocketConnection *connection)
{
  GSocket *socket = g_socket_connection_get_socket (connection);
  static const char block[65536];

  do
    while (g_socket_send_with_blocking (socket, block, sizeof block, FALSE, NULL, NULL) > 0)
      continue;
  while (g_socket_condition_timed_wait (socket, G_IO_OUT, G_USEC_PER_SEC / 2, NULL, NULL));
}

static void
wait_event (Fixture *f, const char *name)
{
  dc_test_wait_until (NULL, g_hash_table_contains (f->events, name));
}

/* --- Ended half-way ------------------------------------------------------------------------------------------------------------ */

/* The server has been connected to, and does not speak TLS. */
static void
test_freed_in_handshake (Fixture *f, gconstpointer data)
{
  open_tunnels (f, NULL, NULL);
  g_autoptr (GSocketConnection) near = connect_to (open_tunnel (f, "turns", "localhost", f->port));
  g_autoptr (GSocketConnection) far = accept_far (f);
  char first;

  g_assert_cmpint (g_socket_receive (g_socket_connection_get_socket (far), &first, 1, NULL, NULL), ==, 1);
  g_clear_pointer (&f->tunnels, dc_turn_tunnels_free);
}

/* The proxy has been asked, and does not answer. */
static void
test_freed_at_proxy (Fixture *f, gconstpointer data)
{
  g_autofree char *proxy = g_strdup_printf ("http://127.0.0.1:%u", f->port);
  open_tunnels (f, proxy, NULL);
  g_autoptr (GSocketConnection) near = connect_to (open_tunnel (f, "turns", "turn.invalid", 443));
  g_autoptr (GSocketConnection) far = accept_far (f);
  char request[8];

  g_assert_cmpint (g_socket_receive (g_socket_connection_get_socket (far), request, 8, NULL, NULL), ==, 8);
  g_assert_cmpmem (request, 8, "CONNECT ", 8);
  g_clear_pointer (&f->tunnels, dc_turn_tunnels_free);
}

/* The server reads nothing, and there is more. */
static void
test_freed_full (Fixture *f, gconstpointer data)
{
  open_tunnels (f, NULL, NULL);
  g_autoptr (GSocketConnection) near = connect_to (open_tunnel (f, "turn", "localhost", f->port));
  g_autoptr (GSocketConnection) far = accept_far (f);

  wait_event (f, "turn-connected");
  fill (near);
  g_clear_pointer (&f->tunnels, dc_turn_tunnels_free);
}

/* A worse way that has not begun, and is to wait for an hour; its connection came before the one that is through. */
static void
test_freed_in_delay (Fixture *f, gconstpointer data)
{
  open_tunnels (f, NULL, NULL);
  dc_turn_tunnels_set_delay (f->tunnels, DC_ICE_TRANSPORT_TLS, 3600 * 1000);
  g_autoptr (GSocketConnection) worse = connect_to (open_tunnel (f, "turns", "localhost", f->port));
  g_autoptr (GSocketConnection) near = connect_to (open_tunnel (f, "turn", "localhost", f->port));
  g_autoptr (GSocketConnection) far = accept_far (f);

  g_clear_pointer (&f->tunnels, dc_turn_tunnels_free);
}

/* --- Not needed ------------------------------------------------------------------------------------------------------------------- */

/* Its turn never comes, since another is there: what asks is refused, and nothing is told. */
static void
test_unneeded (Fixture *f, gconstpointer data)
{
  static const char allocate[20] = {0, 3, 0, 0, 0x21, 0x12, (char) 0xa4, 0x42, 'i', 'd'};
  char answer[28];
  gsize size = 0;

  open_tunnels (f, NULL, NULL);
  dc_turn_tunnels_set_delay (f->tunnels, DC_ICE_TRANSPORT_TLS, 3600 * 1000);
  g_autoptr (GSocketConnection) worse = connect_to (open_tunnel (f, "turns", "localhost", f->port));
  g_autoptr (GSocketConnection) near = connect_to (open_tunnel (f, "turn", "localhost", f->port));
  g_autoptr (GSocketConnection) far = accept_far (f);

  wait_event (f, "turn-connected");
  dc_turn_tunnels_have_relay (f->tunnels);
  g_assert_true (g_output_stream_write_all (
      g_io_stream_get_output_stream (G_IO_STREAM (worse)), allocate, sizeof allocate, NULL, NULL, NULL));
  g_assert_true (g_input_stream_read_all (
      g_io_stream_get_input_stream (G_IO_STREAM (worse)), answer, sizeof answer, &size, NULL, NULL));
  g_assert_cmpuint (size, ==, sizeof answer);
  g_assert_cmpmem (answer, 2, "\x01\x13", 2);
  g_assert_cmpmem (answer + 4, 16, allocate + 4, 16);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  g_assert_false (g_hash_table_contains (f->events, "turn-failed"));
}

/* --- A server that reads nothing -------------------------------------------------------------------------------------------------- */

/* As long as somebody takes it. */
static gpointer
talk (gpointer stream)
{
  GOutputStream *out = g_io_stream_get_output_stream (stream);

  while (g_output_stream_write (out, "x", 1, NULL, NULL) == 1)
    continue;
  return NULL;
}

static GIOStream *
start_tls (GSocketConnection *far, const DcTestTls *tls)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GTlsCertificate) certificate = g_tls_certificate_new_from_files (tls->cert, tls->key, &error);
  GIOStream *stream = g_tls_server_connection_new (G_IO_STREAM (far), certificate, &error);

  g_assert_no_error (error);
  g_tls_connection_handshake (G_TLS_CONNECTION (stream), NULL, &error);
  g_assert_no_error (error);
  return stream;
}

/* Closed at our side, the connection goes at last, though TLS's goodbye does not get through. */
static void
test_stuck_server (Fixture *f, gconstpointer data)
{
  g_autoptr (DcTestTls) tls = dc_test_tls_new ();
  if (tls == NULL)
    return;
  g_autoptr (GTlsDatabase) trust = dc_trust_load (tls->ca, NULL);
  open_tunnels (f, NULL, trust);
  g_autoptr (GSocketConnection) near = connect_to (open_tunnel (f, "turns", "localhost", f->port));
  g_autoptr (GSocketConnection) far = accept_far (f);
  g_autoptr (GIOStream) stream = start_tls (far, tls);

  wait_event (f, "turn-connected");
  fill (near);
  GThread *talker = g_thread_new ("talker", talk, stream);
  g_io_stream_close (G_IO_STREAM (near), NULL, NULL);
  g_thread_join (talker);
}

/* --- Addresses -------------------------------------------------------------------------------------------------------------------- */

/* A zone's "%" is an escape in URIs. */
static void
test_zone (Fixture *f, gconstpointer data)
{
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string ("::1", 0);
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV6, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);

  if (socket == NULL || !g_socket_bind (socket, address, FALSE, NULL)) {
    g_test_skip ("this machine has no IPv6");
    return;
  }
  open_tunnels (f, NULL, NULL);
  g_autoptr (GSocketConnection) near = connect_to (open_tunnel (f, "turn", "[::1%1]", f->port));
  g_autoptr (GSocketConnection) far = accept_far (f);
  wait_event (f, "turn-connected");
}

/* --- Many ------------------------------------------------------------------------------------------------------------------------ */

/* A signaling server that names others each time. */
static void
test_many (Fixture *f, gconstpointer data)
{
  open_tunnels (f, NULL, NULL);
  guint16 first = open_tunnel (f, "turn", "localhost", f->port), again;
  guint before;

  for (guint i = 1; i < 32; i++)
    open_tunnel (f, "turn", "192.0.2.1", 1000 + i);
  g_assert_cmpuint (open_tunnel (f, "turn", "localhost", f->port), ==, first);
  before = dc_test_count_fds ();
  for (guint i = 0; i < 31; i++)
    open_tunnel (f, "turn", "192.0.2.1", 2000 + i);
  g_assert_cmpint (
      dc_turn_tunnels_get_transport (f->tunnels, first), ==, DC_ICE_TRANSPORT_TCP); /* used later than the others */
  open_tunnel (f, "turn", "192.0.2.1", 3000);
  g_assert_cmpint (dc_turn_tunnels_get_transport (f->tunnels, first), ==, DC_ICE_TRANSPORT_UDP);
  while (dc_test_count_fds () > before)
    g_thread_yield ();

  again = open_tunnel (f, "turn", "localhost", f->port);
  g_autoptr (GSocketConnection) near = connect_to (again), far = accept_far (f);
  wait_event (f, "turn-connected");
}

#define TEST(path, func) g_test_add ("/turn-tunnels/" path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  TEST ("freed-in-handshake", test_freed_in_handshake);
  TEST ("freed-at-proxy", test_freed_at_proxy);
  TEST ("freed-full", test_freed_full);
  TEST ("freed-in-delay", test_freed_in_delay);
  TEST ("unneeded", test_unneeded);
  TEST ("stuck-server", test_stuck_server);
  TEST ("zone", test_zone);
  TEST ("many", test_many);
  return g_test_run ();
}
