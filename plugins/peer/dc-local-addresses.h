/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-local-addresses.h: the addresses of this machine that can be offered to others. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* (element-type utf8) (transfer full): as texts, without loopback and IPv6's link-local ones, which mean nothing elsewhere. @interfaces: (nullable):
 * only those of these. */
GPtrArray *dc_local_addresses_list (const char *const *interfaces);

G_END_DECLS
