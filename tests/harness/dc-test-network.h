/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-network.h: a network of the test's own, in which nobody else is. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Leaves the machine's network for one in which there is only "lo". Before there is any thread. FALSE: this machine does not
 * allow it. */
gboolean dc_test_network_enter (void);
/* An interface that takes multicast, with @address (IPv4) in a network of 256, and an address of IPv6 where the kernel has it. Nobody is at its
 * other end. Closing the descriptor removes it; below zero: this machine does not allow it. */
int dc_test_network_add (const char *name, const char *address);
/* Whether @name has an address of IPv6 that can be used, or has none and never will. */
gboolean dc_test_network_has_ipv6 (const char *name);

G_END_DECLS
