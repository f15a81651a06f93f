/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-mdns.c: somebody on the local network who is asked by multicast DNS. */
#include "tests/harness/dc-test-mdns.h"

#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "plugins/peer/dc-mdns-message.h"

#define HEADER_SIZE 12
#define TYPE_AND_CLASS_SIZE 4

struct _DcTestMdns {
  GSocket *socket;
  GSource *source;
  GSocketAddress *group;
  GBytes *query;
  char *name, *address;
  guint asked;
  DcTestMdnsFunc func;
  gpointer user_data;
};

static GInetAddress *
parse (const char *address)
{
  GInetAddress *parsed = g_inet_address_new_from_string (address);

  g_assert_nonnull (parsed);
  return parsed;
}

static gboolean
is_ipv4 (const char *address)
{
  return strchr (address, ':') == NULL;
}

static GSocket *
new_socket (GInetAddress *from, guint port)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketAddress) bound = g_inet_socket_address_new (from, (guint16) port);
  GSocket *socket =
      g_socket_new (g_inet_address_get_family (from), G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, &error);

  g_assert_no_error (error);
  g_socket_bind (socket, bound, TRUE, &error);
  g_assert_no_error (error);
  return socket;
}

static void
send_by (GSocket *socket, GSocketAddress *to, GBytes *message)
{
  g_autoptr (GError) error = NULL;
  gsize size;
  const char *bytes = g_bytes_get_data (message, &size);

  g_socket_send_to (socket, to, bytes, size, NULL, &error);
  g_assert_no_error (error);
}

/* --- Messages ------------------------------------------------------------------------------------------------------------------------ */

static void
add_bytes (GByteArray *message, const char *bytes, gsize size)
{
  g_byte_array_append (message, (const guint8 *) bytes, (guint) size);
}

/* From its TTL on. */
static void
add_rest_of_record (GByteArray *message, const char *ttl, const char *address)
{
  g_autoptr (GInetAddress) parsed = parse (address);
  guint8 size = (guint8) g_inet_address_get_native_size (parsed);

  add_bytes (message, ttl, 4);
  add_bytes (message, "", 1);
  g_byte_array_append (message, &size, 1);
  g_byte_array_append (message, g_inet_address_to_bytes (parsed), size);
}

static GBytes *
make_query (const char *name, const char *address)
{
  return dc_mdns_make_query (name, is_ipv4 (address) ? DC_MDNS_A : DC_MDNS_AAAA);
}

GBytes *
dc_test_mdns_make_answer (const char *name, const char *address)
{
  g_autoptr (GBytes) query = make_query (name, address);
  gsize size;
  const char *bytes = g_bytes_get_data (query, &size);
  GByteArray *message = g_byte_array_new ();

  add_bytes (message, "\0\0\x84\0\0\0\0\1\0\0\0\0", HEADER_SIZE);
  add_bytes (message, bytes + HEADER_SIZE, size - HEADER_SIZE - 2);
  add_bytes (message, "\x80\1", 2);
  add_rest_of_record (message, "\0\0\0\x78", address);
  return g_byte_array_free_to_bytes (message);
}

static GBytes *
make_unicast_answer (const char *name, const char *address)
{
  g_autoptr (GBytes) query = make_query (name, address);
  gsize size;
  const char *bytes = g_bytes_get_data (query, &size);
  GByteArray *message = g_byte_array_new ();

  add_bytes (message, "\0\0\x84\0\0\1\0\1\0\0\0\0", HEADER_SIZE);
  add_bytes (message, bytes + HEADER_SIZE, size - HEADER_SIZE);
  add_bytes (message, "\xc0\x0c", 2);
  add_bytes (message, bytes + size - TYPE_AND_CLASS_SIZE, TYPE_AND_CLASS_SIZE);
  add_rest_of_record (message, "\0\0\0\x0a", address);
  return g_byte_array_free_to_bytes (message);
}

/* --- The responder ------------------------------------------------------------------------------------------------------------------- */

static gboolean
on_message (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  DcTestMdns *self = user_data;
  g_autoptr (GSocketAddress) from = NULL;
  guint8 message[DC_MDNS_MAX_SIZE];
  gssize size = g_socket_receive_from (socket, &from, (char *) message, sizeof message, NULL, NULL);

  if (size == (gssize) g_bytes_get_size (self->query)
      && memcmp (message, g_bytes_get_data (self->query, NULL), (gsize) size) == 0)
    self->func (self, ++self->asked, from, self->user_data);
  return G_SOURCE_CONTINUE;
}

/* Its own answers to the group leave by @interface. */
static void
join (DcTestMdns *self, GInetAddress *group, const char *interface)
{
  struct ip_mreqn way = {.imr_ifindex = (int) if_nametoindex (interface)};
  g_autoptr (GError) error = NULL;

  g_socket_join_multicast_group (self->socket, group, FALSE, interface, &error);
  g_assert_no_error (error);
  if (is_ipv4 (self->address))
    g_assert_cmpint (setsockopt (g_socket_get_fd (self->socket), IPPROTO_IP, IP_MULTICAST_IF, &way, sizeof way), ==, 0);
}

DcTestMdns *
dc_test_mdns_new (const char *interface, const char *name, const char *address, DcTestMdnsFunc func, gpointer user_data)
{
  DcTestMdns *self = g_new0 (DcTestMdns, 1);
  g_autoptr (GInetAddress) group = parse (is_ipv4 (address) ? DC_MDNS_GROUP_4 : DC_MDNS_GROUP_6);
  g_autoptr (GInetAddress) any = g_inet_address_new_any (g_inet_address_get_family (group));

  self->name = g_strdup (name);
  self->address = g_strdup (address);
  self->func = func;
  self->user_data = user_data;
  self->query = make_query (name, address);
  self->group = g_object_new (
      G_TYPE_INET_SOCKET_ADDRESS, "address", group, "port", DC_MDNS_PORT, "scope-id", if_nametoindex (interface), NULL);
  self->socket = new_socket (any, DC_MDNS_PORT);
  join (self, group, interface);
  self->source = g_socket_create_source (self->socket, G_IO_IN, NULL);
  g_source_set_callback (self->source, G_SOURCE_FUNC (on_message), self, NULL);
  g_source_attach (self->source, NULL);
  return self;
}

void
dc_test_mdns_free (DcTestMdns *self)
{
  g_source_destroy (self->source);
  g_source_unref (self->source);
  g_object_unref (self->socket);
  g_object_unref (self->group);
  g_bytes_unref (self->query);
  g_free (self->name);
  g_free (self->address);
  g_free (self);
}

void
dc_test_mdns_answer_group (DcTestMdns *self)
{
  g_autoptr (GBytes) answer = dc_test_mdns_make_answer (self->name, self->address);

  send_by (self->socket, self->group, answer);
}

void
dc_test_mdns_answer_to (DcTestMdns *self, GSocketAddress *to)
{
  g_autoptr (GBytes) answer = make_unicast_answer (self->name, self->address);

  send_by (self->socket, to, answer);
}

void
dc_test_mdns_send (const char *from, guint port, GSocketAddress *to, GBytes *message)
{
  g_autoptr (GInetAddress) local = parse (from), group = parse (DC_MDNS_GROUP_4);
  g_autoptr (GSocketAddress) to_group = g_inet_socket_address_new (group, DC_MDNS_PORT);
  g_autoptr (GSocket) socket = new_socket (local, port);

  send_by (socket, to != NULL ? to : to_group, message);
}
