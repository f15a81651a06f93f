/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-local-addresses.h: the addresses of this machine that can be offered to others. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* (element-type utf8) (transfer full): as texts, without loopback and IPv6's link-local ones, which mean nothing elsewhere. @interfaces: (nullable):
 * only those of these, of which loopback may be one. */
GPtrArray *dc_local_addresses_list (const char *const *interfaces);

/* Whether a UDP port from @min to @max is free on one of @addresses. */
gboolean dc_local_addresses_have_port (const GPtrArray *addresses, guint16 min, guint16 max);

/* Whether it means the same host everywhere: neither loopback, link-local, multicast nor of a private network (RFC 1918, RFC 4193), and not behind a
 * carrier's NAT (RFC 6598). */
gboolean dc_address_is_public (GInetAddress *address);

G_END_DECLS
