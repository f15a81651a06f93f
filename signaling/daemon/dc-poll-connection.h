/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-poll-connection.h: a hub connection over HTTP long polling. */
#pragma once

#include "signaling/daemon/dc-daemon-core.h"

G_BEGIN_DECLS

/* POST /v1/peers: hello */
void dc_poll_handle_hello (DcDaemon *daemon, DcHttpExchange *exchange);
/* GET and POST /v1/peers/SESSION/messages */
void dc_poll_handle_get (DcDaemon *daemon, DcHttpExchange *exchange, const char *session);
void dc_poll_handle_post (DcDaemon *daemon, DcHttpExchange *exchange, const char *session);
/* Closes at once; the hub no longer knows it. For dc_daemon_free(). */
void dc_poll_connection_free (DcPollConnection *connection);

G_END_DECLS
