/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-daemon-routes.h: which path is answered by whom. */
#pragma once

#include "signaling/daemon/dc-daemon-core.h"

G_BEGIN_DECLS

/* Answers a complete request, or hands it on. */
void dc_daemon_handle_request (DcDaemon *daemon, DcHttpExchange *exchange);

G_END_DECLS
