/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-udp-address.c: an address as a socket of a family takes and gives it. */
#include "plugins/transport/dc-udp-address.h"

#include <string.h>

/* A socket of IPv6 that is not of it alone sees IPv4 as ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2). */
static void
map (DcUdpAddress *self)
{
  struct sockaddr_in v4 = self->v4;

  memset (self, 0, sizeof *self);
  self->v6.sin6_family = AF_INET6;
  self->v6.sin6_port = v4.sin_port;
  memset (&self->v6.sin6_addr.s6_addr[10], 0xff, 2);
  memcpy (&self->v6.sin6_addr.s6_addr[12], &v4.sin_addr, sizeof v4.sin_addr);
  self->size = sizeof self->v6;
}

gboolean
dc_udp_address_set (DcUdpAddress *self, int family, GSocketAddress *address)
{
  gssize size = g_socket_address_get_native_size (address);

  memset (self, 0, sizeof *self);
  if (size <= 0 || (gsize) size > sizeof self->v6
      || !g_socket_address_to_native (address, &self->any, sizeof self->v6, NULL))
    return FALSE;
  self->size = (socklen_t) size;
  if (self->any.sa_family == AF_INET && family == AF_INET6)
    map (self);
  return self->any.sa_family == family;
}

/* The scope of a link-local address is left out: who names one need not, as the socket has it. */
gboolean
dc_udp_address_equal (const DcUdpAddress *self, const DcUdpAddress *other)
{
  if (self->size != other->size || self->any.sa_family != other->any.sa_family)
    return FALSE;
  if (self->any.sa_family == AF_INET)
    return self->v4.sin_port == other->v4.sin_port && self->v4.sin_addr.s_addr == other->v4.sin_addr.s_addr;
  return self->v6.sin6_port == other->v6.sin6_port
         && memcmp (&self->v6.sin6_addr, &other->v6.sin6_addr, sizeof self->v6.sin6_addr) == 0;
}

GSocketAddress *
dc_udp_address_get (const DcUdpAddress *self)
{
  return g_socket_address_new_from_native ((gpointer) &self->any, self->size);
}
