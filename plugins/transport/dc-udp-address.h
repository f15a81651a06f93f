/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-udp-address.h: an address as a socket of a family takes and gives it. */
#pragma once

#include <gio/gio.h>
#include <netinet/in.h>
#include <sys/socket.h>

G_BEGIN_DECLS

typedef struct {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  };
  socklen_t size;
} DcUdpAddress;

/* FALSE: a socket of @family cannot send there. */
gboolean dc_udp_address_set (DcUdpAddress *self, int family, GSocketAddress *address);
/* @size is what the kernel gave. */
gboolean dc_udp_address_equal (const DcUdpAddress *self, const DcUdpAddress *other);
/* (nullable): a new one. */
GSocketAddress *dc_udp_address_get (const DcUdpAddress *self);

G_END_DECLS
