/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-local-addresses.c: the addresses of this machine that can be offered to others. */
#include "plugins/peer/dc-local-addresses.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

static gboolean
is_wanted (const struct ifaddrs *item, const char *const *interfaces)
{
  if (item->ifa_addr == NULL || !(item->ifa_flags & IFF_UP))
    return FALSE;
  return interfaces != NULL ? g_strv_contains (interfaces, item->ifa_name) : !(item->ifa_flags & IFF_LOOPBACK);
}

/* (nullable): NULL if it is of no use to others, or not of the internet. */
static char *
to_text (const struct sockaddr *native)
{
  gsize size = native->sa_family == AF_INET    ? sizeof (struct sockaddr_in)
               : native->sa_family == AF_INET6 ? sizeof (struct sockaddr_in6)
                                               : 0;
  g_autoptr (GSocketAddress) socket = size > 0 ? g_socket_address_new_from_native ((gpointer) native, size) : NULL;
  GInetAddress *address = socket != NULL ? g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (socket)) : NULL;

  if (address == NULL || (native->sa_family == AF_INET6 && g_inet_address_get_is_link_local (address)))
    return NULL;
  return g_inet_address_to_string (address);
}

static gboolean
is_free (const char *text, guint16 port)
{
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string (text, port);
  g_autoptr (GSocket) socket =
      g_socket_new (g_socket_address_get_family (address), G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, NULL);

  return socket != NULL && g_socket_bind (socket, address, FALSE, NULL);
}

gboolean
dc_local_addresses_have_port (const GPtrArray *addresses, guint16 min, guint16 max)
{
  for (guint i = 0; i < addresses->len; i++)
    for (guint port = min; port <= max; port++)
      if (is_free (g_ptr_array_index (addresses, i), (guint16) port))
        return TRUE;
  return FALSE;
}

gboolean
dc_address_is_public (GInetAddress *address)
{
  static const char *const others[] = {"100.64.0.0/10", "fc00::/7"};

  for (guint i = 0; i < G_N_ELEMENTS (others); i++) {
    g_autoptr (GInetAddressMask) mask = g_inet_address_mask_new_from_string (others[i], NULL);
    if (g_inet_address_mask_matches (mask, address))
      return FALSE;
  }
  return !g_inet_address_get_is_site_local (address) && !g_inet_address_get_is_link_local (address)
         && !g_inet_address_get_is_loopback (address) && !g_inet_address_get_is_any (address)
         && !g_inet_address_get_is_multicast (address);
}

GPtrArray *
dc_local_addresses_list (const char *const *interfaces)
{
  GPtrArray *texts = g_ptr_array_new_with_free_func (g_free);
  struct ifaddrs *addresses = NULL;

  if (getifaddrs (&addresses) != 0)
    return texts;
  for (const struct ifaddrs *item = addresses; item != NULL; item = item->ifa_next) {
    char *text = is_wanted (item, interfaces) ? to_text (item->ifa_addr) : NULL;
    if (text != NULL)
      g_ptr_array_add (texts, text);
  }
  freeifaddrs (addresses);
  return texts;
}
