/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-mdns.h: asks the local network for the addresses of a name, "SOMETHING.local", by multicast DNS. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Threads: in the main context that is thread-default when it begins; @callback comes there, and never from inside, unless nobody runs
 * it any more: so who leaves it cancels, and runs it until nothing is left to do. */
void dc_mdns_lookup_async (
    const char *name, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
/* The addresses that were answered first, in the answer's order, at most DC_MDNS_MAX_ADDRESSES, at least one. G_IO_ERROR with a sentence:
 * TIMED_OUT: nobody answered within three seconds; NETWORK_UNREACHABLE: nobody could be asked; INVALID_ARGUMENT: it is no such name; CANCELLED.
 * (transfer full) (element-type GInetAddress) */
GList *dc_mdns_lookup_finish (GAsyncResult *result, GError **error);

G_END_DECLS
