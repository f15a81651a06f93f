/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-udp-filter.h: which of two sockets on one address gets a datagram. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* By the first byte of a datagram's payload (RFC 7983, section 7). */
#define DC_UDP_FILTER_DTLS_FIRST 20
#define DC_UDP_FILTER_DTLS_LAST 63

/* @fd is bound, and has shared its address (SO_REUSEPORT) since. FALSE: errno says why. */
gboolean dc_udp_filter_split (int fd);  /* DTLS goes to the second, everything else to the first */
gboolean dc_udp_filter_direct (int fd); /* everything goes to the first */
/* Whether the kernel knows such programs at all, found out on a socket that nobody uses. */
gboolean dc_udp_filter_is_known (int family);

G_END_DECLS
