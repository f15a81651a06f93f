/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-network-watch.h: tells when the addresses of this machine have changed. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _DcNetworkWatch DcNetworkWatch;

/* @addresses (element-type utf8): all of this machine, loopback's too. In the main context in which the watch was made. */
typedef void (*DcNetworkWatchFunc) (GList *addresses, gpointer user_data);

/* Watches in the thread-default main context. Where the system cannot tell, the function is never called. */
DcNetworkWatch *dc_network_watch_new (DcNetworkWatchFunc func, gpointer user_data);
void dc_network_watch_free (DcNetworkWatch *self);

G_END_DECLS
