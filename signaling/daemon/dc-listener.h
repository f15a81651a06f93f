/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-listener.h: listening sockets and the accept loop. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _DcListener DcListener;

/* A new connection. (transfer none) */
typedef void (*DcListenerFunc) (GSocketConnection *connection, gpointer user_data);
/* Listens on all of @addresses ("HOST:PORT", "[IPV6]:PORT"), or on none and fails. Accepts in the thread-default main context. */
DcListener *dc_listener_new (const char *const *addresses, DcListenerFunc func, gpointer user_data, GError **error);
/* "127.0.0.1:8443", with the port that was given for 0. */
const char *const *dc_listener_get_addresses (DcListener *listener);
/* TRUE if one of the addresses can be reached from other machines. */
gboolean dc_listener_is_exposed (DcListener *listener);
void dc_listener_free (DcListener *listener);

/* Takes "HOST:PORT" apart. DC_SIGNALING_ERROR_INVALID with a sentence. */
gboolean dc_listener_parse_address (const char *address, char **host, guint16 *port, GError **error);

G_END_DECLS
