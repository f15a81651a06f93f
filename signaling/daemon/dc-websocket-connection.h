/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-websocket-connection.h: a hub connection over a WebSocket. Its .c is the only file that knows SoupWebsocketConnection. */
#pragma once

#include "signaling/daemon/dc-daemon-core.h"

G_BEGIN_DECLS

/* Answers GET /v1/ws: upgrades, or says what is wrong with the handshake. */
void dc_websocket_handle_request (DcDaemon *daemon, DcHttpExchange *exchange);
/* Says goodbye to those that the hub does not know, having had no hello. */
void dc_websocket_connections_close (DcDaemon *daemon);
/* Closes at once; the hub no longer knows it. For dc_daemon_free(). */
void dc_websocket_connection_free (DcWebsocketConnection *connection);

G_END_DECLS
