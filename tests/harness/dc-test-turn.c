/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-turn.c: a real TURN server, and a real proxy. */
#include "tests/harness/dc-test-turn.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include "tests/harness/dc-test.h"

/* An IPv4 address of this machine, not 127.0.0.1 if there is another: libnice binds each socket to its interface, and what leaves by Ethernet does
 * not reach 127.0.0.1. */
static char *
get_own_address (void)
{
  struct ifaddrs *first = NULL;
  char *address = NULL;

  g_assert_cmpint (getifaddrs (&first), ==, 0);
  for (struct ifaddrs *i = first; i != NULL && address == NULL; i = i->ifa_next)
    if (i->ifa_addr != NULL && i->ifa_addr->sa_family == AF_INET && (i->ifa_flags & IFF_UP)
        && !(i->ifa_flags & IFF_LOOPBACK)) {
      g_autoptr (GSocketAddress) native = g_socket_address_new_from_native (i->ifa_addr, sizeof (struct sockaddr_in));
      address = g_inet_address_to_string (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (native)));
    }
  freeifaddrs (first);
  return address != NULL ? address : g_strdup ("127.0.0.1");
}

/* Below those that the kernel hands out: of these somebody may have one when the server binds it, and coturn then tries again for ever. */
#define FIRST_PORT 10000
#define LAST_PORT 32000

static gboolean
is_free (GSocketType type, guint16 port)
{
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV4, type, G_SOCKET_PROTOCOL_DEFAULT, NULL);
  g_autoptr (GSocketAddress) all = g_inet_socket_address_new_from_string ("0.0.0.0", port);

  return g_socket_bind (socket, all, FALSE, NULL);
}

/* The first of @n in a row that are free on all addresses. */
static guint16
find_free_ports (guint n)
{
  guint16 first = (guint16) g_random_int_range (FIRST_PORT, LAST_PORT);

  for (guint16 port = first; port < first + n; port++)
    if (!is_free (G_SOCKET_TYPE_STREAM, port) || !is_free (G_SOCKET_TYPE_DATAGRAM, port))
      return find_free_ports (n);
  return first;
}

static char *
find_program (const char *name, const char *package)
{
  char *path = g_find_program_in_path (name);

  if (path == NULL)
    g_test_skip (package);
  return path;
}

/* --- TURN ---------------------------------------------------------------------------------------------------------------------- */

static char *
make_turn_settings (const DcTestTurn *self, const char *host, guint16 port, const DcTestTls *tls)
{
  GString *text = g_string_new ("lt-cred-mech\nrealm=test\nallow-loopback-peers\nno-dtls\nno-cli\nverbose\n"
                                "log-file=stdout\nuser=" DC_TEST_TURN_USER ":" DC_TEST_TURN_PASSWORD "\n");

  g_string_append_printf (text, "relay-ip=%s\nlistening-ip=%s\nlistening-port=%u\npidfile=%s/pid\nuserdb=%s/db\n", host,
      host, port, self->dir, self->dir);
  if (tls == NULL)
    g_string_append (text, "no-tls\n");
  else
    g_string_append_printf (text,
        "listening-ip=127.0.0.1\nlistening-ip=127.0.0.2\ntls-listening-port=%u\ncert=%s\npkey=%s\n", self->tls,
        tls->cert, tls->key);
  return g_string_free (text, FALSE);
}

DcTestTurn *
dc_test_turn_new (const DcTestTls *tls)
{
  g_autofree char *path = find_program ("turnserver", "there is no turnserver (Debian: coturn)");
  g_autofree char *host = NULL, *settings = NULL, *file = NULL, *ready = NULL;
  DcTestTurn *self;

  if (path == NULL)
    return NULL;
  self = g_new0 (DcTestTurn, 1);
  self->dir = dc_test_make_dir ();
  host = get_own_address ();
  /* It takes the next one, too, of each that it listens on (RFC 5780). */
  guint16 port = find_free_ports (4);
  self->tls = tls != NULL ? port + 2 : 0;
  self->address = g_strdup_printf ("%s:%u", host, port);
  settings = make_turn_settings (self, host, port, tls);
  file = g_build_filename (self->dir, "turnserver.conf", NULL);
  g_assert_true (g_file_set_contents (file, settings, -1, NULL));
  self->process = dc_test_process_new (path, "-c", file, NULL);
  ready = g_strdup_printf ("UDP listener opened on: %s", self->address);
  dc_test_process_wait_line (self->process, ready);
  return self;
}

void
dc_test_turn_free (DcTestTurn *self)
{
  dc_test_process_free (self->process);
  dc_test_remove_dir (self->dir);
  g_free (self->address);
  g_free (self);
}

/* --- The proxy ----------------------------------------------------------------------------------------------------------------- */

DcTestTunnel *
dc_test_tunnel_new (void)
{
  g_autofree char *path = find_program ("tinyproxy", "there is no tinyproxy");
  g_autofree char *settings = NULL, *file = NULL;
  DcTestTunnel *self;

  if (path == NULL)
    return NULL;
  self = g_new0 (DcTestTunnel, 1);
  self->dir = dc_test_make_dir ();
  self->port = find_free_ports (1);
  settings = g_strdup_printf ("Port %u\nListen 127.0.0.1\nTimeout 60\nMaxClients 100\nLogLevel Info\n"
                              "BasicAuth " DC_TEST_TUNNEL_USER " " DC_TEST_TUNNEL_PASSWORD "\n",
      self->port);
  file = g_build_filename (self->dir, "tinyproxy.conf", NULL);
  g_assert_true (g_file_set_contents (file, settings, -1, NULL));
  self->process = dc_test_process_new (path, "-d", "-c", file, NULL);
  dc_test_process_wait_line (self->process, "Starting main loop");
  return self;
}

void
dc_test_tunnel_free (DcTestTunnel *self)
{
  dc_test_process_free (self->process);
  dc_test_remove_dir (self->dir);
  g_free (self);
}
