/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-mdns.c: asks the local network for the addresses of a name by multicast DNS (RFC 6762), where the system's resolver does not.
 *
 * Theory of operation
 * -------------------
 * A one-shot query (section 5.1), with listening in: it goes out of every interface that takes multicast, from a port of its own, at once, after
 * 250 ms, and after one and two seconds. Packets are lost; a responder says the same at most once a second; and Firefox knows its own
 * names only once it has both descriptions, of which ours may still be on its way. The first answer that has an address ends it.
 *
 * Two ways back:
 *   unicast    a responder that sees a query from another port than 5353 answers there (section 6.7), as Avahi does. From another machine it
 *              must come from a network that we have an interface on (section 11).
 *   multicast  to the group and port 5353, where browsers answer, and nowhere else. So that is listened to as well: bound to the group's address,
 *              not to any, because others on this machine (Avahi, browsers) share the port and must not miss what is sent to them alone.
 * On both, answers come from port 5353, or are none (section 6).
 *
 * For IPv6 a group's address needs an interface to be bound to, so there each has a socket. What cannot be had (a port that somebody does
 * not share, a family that is switched off) is done without, as long as something could be sent.
 *
 * The sources hold the lookup, and it lets go of them when it ends. */
#include "plugins/peer/dc-mdns.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "plugins/peer/dc-mdns-message.h"
#include "plugins/peer/dc-source.h"

/* From one query to the next, and then to the end. */
static const guint waits_ms[] = {250, 750, 1000, 1000};
static const DcMdnsType types[] = {DC_MDNS_A, DC_MDNS_AAAA};

/* Of each family. */
#define MAX_INTERFACES 16
/* RFC 6762, section 11: so that it is seen to have crossed no router. */
#define TTL 255

/* An address of an interface that takes multicast. */
typedef struct {
  GSocketFamily family;
  guint index;
  char name[IF_NAMESIZE];
  guint8 address[sizeof (struct in6_addr)], mask[sizeof (struct in6_addr)];
  gboolean asks; /* by the first one that it has of the family */
} Interface;

typedef struct {
  GTask *task; /* NULL: it has ended */
  char *name;
  GBytes *queries[G_N_ELEMENTS (types)];
  GArray *interfaces;   /* (element-type Interface) */
  GSocket *ipv4, *ipv6; /* (nullable): that ask */
  GPtrArray *sources;   /* (element-type GSource): that listen */
  GSource *timer;
  guint asked; /* so often */
} Lookup;

static void
lookup_clear (gpointer data)
{
  Lookup *self = data;

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    g_clear_pointer (&self->queries[i], g_bytes_unref);
  g_clear_object (&self->task);
  g_clear_object (&self->ipv4);
  g_clear_object (&self->ipv6);
  g_array_unref (self->interfaces);
  g_ptr_array_unref (self->sources);
  g_free (self->name);
}

static void
lookup_unref (gpointer data)
{
  g_atomic_rc_box_release_full (data, lookup_clear);
}

static Lookup *
lookup_new (GTask *task, const char *name)
{
  Lookup *self = g_atomic_rc_box_new0 (Lookup);

  self->task = g_object_ref (task);
  self->name = g_strdup (name);
  self->interfaces = g_array_new (FALSE, TRUE, sizeof (Interface));
  self->sources = g_ptr_array_new_with_free_func ((GDestroyNotify) g_source_unref);
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    self->queries[i] = dc_mdns_make_query (name, types[i]);
  return self;
}

/* --- Sources ------------------------------------------------------------------------------------------------------------------------- */

static void
attach (Lookup *self, GSource *source, GSourceFunc func)
{
  g_source_set_callback (source, func, g_atomic_rc_box_acquire (self), lookup_unref);
  g_source_attach (source, g_task_get_context (self->task));
}

/* @source: (transfer full) */
static void
listen_by (Lookup *self, GSource *source, GSourceFunc func)
{
  attach (self, source, func);
  g_ptr_array_add (self->sources, source);
}

/* No source comes any more. (transfer full): to be answered. */
static GTask *
end (Lookup *self)
{
  dc_source_clear (&self->timer);
  for (guint i = 0; i < self->sources->len; i++)
    g_source_destroy (g_ptr_array_index (self->sources, i));
  return g_steal_pointer (&self->task);
}

static void
fail (Lookup *self, GIOErrorEnum code, const char *what)
{
  g_autoptr (GTask) task = end (self);

  g_task_return_new_error (task, G_IO_ERROR, (gint) code, "%s \"%s\"", what, self->name);
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  g_autoptr (GTask) task = end (user_data);

  g_task_return_error_if_cancelled (task);
  return G_SOURCE_REMOVE;
}

/* --- Interfaces ---------------------------------------------------------------------------------------------------------------------- */

static gsize
get_address_size (GSocketFamily family)
{
  return family == G_SOCKET_FAMILY_IPV4 ? sizeof (struct in_addr) : sizeof (struct in6_addr);
}

static void
copy_address (guint8 *to, const struct sockaddr *address)
{
  if (address->sa_family == AF_INET)
    memcpy (to, &((const struct sockaddr_in *) (gconstpointer) address)->sin_addr, sizeof (struct in_addr));
  else
    memcpy (to, &((const struct sockaddr_in6 *) (gconstpointer) address)->sin6_addr, sizeof (struct in6_addr));
}

static gboolean
may_ask (const Lookup *self, const Interface *candidate)
{
  guint n = 0;

  for (guint i = 0; i < self->interfaces->len; i++) {
    const Interface *other = &g_array_index (self->interfaces, Interface, i);
    if (other->family != candidate->family || !other->asks)
      continue;
    n++;
    if (other->index == candidate->index)
      return FALSE;
  }
  return n < MAX_INTERFACES;
}

static void
add_interface (Lookup *self, const struct ifaddrs *from)
{
  gboolean usable = (from->ifa_flags & IFF_UP) && (from->ifa_flags & IFF_MULTICAST);
  Interface interface = {0};

  if (!usable || from->ifa_addr == NULL || from->ifa_netmask == NULL)
    return;
  if (from->ifa_addr->sa_family != AF_INET && from->ifa_addr->sa_family != AF_INET6)
    return;
  interface.family = (GSocketFamily) from->ifa_addr->sa_family;
  interface.index = if_nametoindex (from->ifa_name);
  g_strlcpy (interface.name, from->ifa_name, sizeof interface.name);
  copy_address (interface.address, from->ifa_addr);
  copy_address (interface.mask, from->ifa_netmask);
  interface.asks = may_ask (self, &interface);
  g_array_append_val (self->interfaces, interface);
}

static void
find_interfaces (Lookup *self)
{
  struct ifaddrs *all = NULL;

  if (getifaddrs (&all) != 0)
    return;
  for (const struct ifaddrs *each = all; each != NULL; each = each->ifa_next)
    add_interface (self, each);
  freeifaddrs (all);
}

static gboolean
is_on (const Interface *interface, GInetAddress *address)
{
  const guint8 *bytes = g_inet_address_to_bytes (address);

  if (g_inet_address_get_family (address) != interface->family)
    return FALSE;
  for (gsize i = 0; i < get_address_size (interface->family); i++)
    if (((bytes[i] ^ interface->address[i]) & interface->mask[i]) != 0)
      return FALSE;
  return TRUE;
}

static gboolean
is_near (const Lookup *self, GInetAddress *address)
{
  for (guint i = 0; i < self->interfaces->len; i++)
    if (is_on (&g_array_index (self->interfaces, Interface, i), address))
      return TRUE;
  return FALSE;
}

/* --- Answers ------------------------------------------------------------------------------------------------------------------------- */

static void
free_addresses (gpointer addresses)
{
  g_list_free_full (addresses, g_object_unref);
}

/* @anybody: what crosses no router by itself. */
static gboolean
take (Lookup *self, GSocket *socket, gboolean anybody)
{
  guint8 message[DC_MDNS_MAX_SIZE];
  g_autoptr (GSocketAddress) from = NULL;
  gssize size = g_socket_receive_from (socket, &from, (char *) message, sizeof message, NULL, NULL);
  GInetSocketAddress *sender = size > 0 && G_IS_INET_SOCKET_ADDRESS (from) ? G_INET_SOCKET_ADDRESS (from) : NULL;
  g_autoptr (GTask) task = NULL;
  GList *addresses;

  if (sender == NULL || g_inet_socket_address_get_port (sender) != DC_MDNS_PORT
      || (!anybody && !is_near (self, g_inet_socket_address_get_address (sender))))
    return G_SOURCE_CONTINUE;
  addresses = dc_mdns_read_answer (message, (gsize) size, self->name);
  if (addresses == NULL)
    return G_SOURCE_CONTINUE;
  task = end (self);
  g_task_return_pointer (task, addresses, free_addresses);
  return G_SOURCE_REMOVE;
}

static gboolean
on_unicast (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  return take (user_data, socket, FALSE);
}

static gboolean
on_multicast (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  return take (user_data, socket, TRUE);
}

/* --- Sockets ------------------------------------------------------------------------------------------------------------------------- */

/* (nullable) (transfer full) */
static GSocket *
new_socket (GSocketFamily family)
{
  GSocket *socket = g_socket_new (family, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, NULL);

  if (socket == NULL)
    return NULL;
  g_socket_set_blocking (socket, FALSE);
  g_socket_set_multicast_ttl (socket, TTL);
  return socket;
}

/* @index: of the interface, for IPv6. */
static GSocketAddress *
new_group_address (GSocketFamily family, guint index)
{
  g_autoptr (GInetAddress) group =
      g_inet_address_new_from_string (family == G_SOCKET_FAMILY_IPV4 ? DC_MDNS_GROUP_4 : DC_MDNS_GROUP_6);

  return g_object_new (G_TYPE_INET_SOCKET_ADDRESS, "address", group, "port", DC_MDNS_PORT, "scope-id", index, NULL);
}

/* (nullable) (transfer full) */
static GSocket *
new_group_socket (GSocketFamily family, guint index)
{
  g_autoptr (GSocket) socket = new_socket (family);
  g_autoptr (GSocketAddress) address = new_group_address (family, index);

  return socket != NULL && g_socket_bind (socket, address, TRUE, NULL) ? g_steal_pointer (&socket) : NULL;
}

static void
join (GSocket *socket, const Interface *interface)
{
  g_autoptr (GSocketAddress) address = new_group_address (interface->family, interface->index);
  GInetAddress *group = g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address));

  g_socket_join_multicast_group (socket, group, FALSE, interface->name, NULL);
}

static void
listen_to_groups (Lookup *self)
{
  g_autoptr (GSocket) ipv4 = new_group_socket (G_SOCKET_FAMILY_IPV4, 0);

  for (guint i = 0; i < self->interfaces->len; i++) {
    const Interface *interface = &g_array_index (self->interfaces, Interface, i);
    gboolean is_4 = interface->family == G_SOCKET_FAMILY_IPV4;
    g_autoptr (GSocket) ipv6 =
        interface->asks && !is_4 ? new_group_socket (G_SOCKET_FAMILY_IPV6, interface->index) : NULL;
    if (interface->asks && is_4 && ipv4 != NULL)
      join (ipv4, interface);
    if (ipv6 == NULL)
      continue;
    join (ipv6, interface);
    listen_by (self, g_socket_create_source (ipv6, G_IO_IN, NULL), G_SOURCE_FUNC (on_multicast));
  }
  if (ipv4 != NULL)
    listen_by (self, g_socket_create_source (ipv4, G_IO_IN, NULL), G_SOURCE_FUNC (on_multicast));
}

static GSocket *
new_asking_socket (Lookup *self, GSocketFamily family)
{
  GSocket *socket = new_socket (family);

  if (socket != NULL)
    listen_by (self, g_socket_create_source (socket, G_IO_IN, NULL), G_SOURCE_FUNC (on_unicast));
  return socket;
}

/* --- Questions ----------------------------------------------------------------------------------------------------------------------- */

/* TRUE if it has left. */
static gboolean
ask_by (Lookup *self, const Interface *interface)
{
  GSocket *socket = interface->family == G_SOCKET_FAMILY_IPV4 ? self->ipv4 : self->ipv6;
  g_autoptr (GSocketAddress) group = new_group_address (interface->family, interface->index);
  struct ip_mreqn way = {.imr_ifindex = (int) interface->index};
  gboolean left = FALSE;

  if (socket == NULL || !interface->asks)
    return FALSE;
  /* For IPv6 it is in the group's address. */
  if (interface->family == G_SOCKET_FAMILY_IPV4
      && setsockopt (g_socket_get_fd (socket), IPPROTO_IP, IP_MULTICAST_IF, &way, sizeof way) != 0)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
    gsize size;
    const char *query = g_bytes_get_data (self->queries[i], &size);
    left = g_socket_send_to (socket, group, query, size, NULL, NULL) > 0 || left;
  }
  return left;
}

static void ask (Lookup *self);

static gboolean
on_wait_over (gpointer user_data)
{
  Lookup *self = user_data;

  if (self->asked < G_N_ELEMENTS (waits_ms))
    ask (self);
  else
    fail (self, G_IO_ERROR_TIMED_OUT, "nobody on the local network has answered for");
  return G_SOURCE_REMOVE;
}

static void
ask (Lookup *self)
{
  gboolean left = FALSE;

  for (guint i = 0; i < self->interfaces->len; i++)
    left = ask_by (self, &g_array_index (self->interfaces, Interface, i)) || left;
  if (!left && self->asked == 0) {
    fail (self, G_IO_ERROR_NETWORK_UNREACHABLE, "no interface of this machine can ask a local network for");
    return;
  }
  dc_source_clear (&self->timer);
  self->timer = g_timeout_source_new (waits_ms[self->asked++]);
  attach (self, self->timer, on_wait_over);
}

void
dc_mdns_lookup_async (const char *name, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Lookup *self = lookup_new (task, name);

  g_task_set_source_tag (task, dc_mdns_lookup_async);
  if (self->queries[0] == NULL)
    fail (self, G_IO_ERROR_INVALID_ARGUMENT, "multicast DNS has no such name as");
  else if (!g_task_return_error_if_cancelled (task)) {
    find_interfaces (self);
    listen_to_groups (self);
    self->ipv4 = new_asking_socket (self, G_SOCKET_FAMILY_IPV4);
    self->ipv6 = new_asking_socket (self, G_SOCKET_FAMILY_IPV6);
    if (cancellable != NULL)
      listen_by (self, g_cancellable_source_new (cancellable), G_SOURCE_FUNC (on_cancelled));
    ask (self);
  }
  lookup_unref (self);
}

GList *
dc_mdns_lookup_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, dc_mdns_lookup_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
