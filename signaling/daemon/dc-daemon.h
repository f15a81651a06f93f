/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-daemon.h: the signaling daemon as an object: listeners, HTTP, WebSocket and polling over one hub. */
#pragma once

#include "signaling/daemon/dc-daemon-config.h"

G_BEGIN_DECLS

typedef struct _DcDaemon DcDaemon;

/* Runs in the thread-default main context of the caller, and all functions are called in its thread.
 * Errors, each a sentence: DC_SIGNALING_ERROR_INVALID (configuration), DC_SIGNALING_ERROR_UNREACHABLE (cannot listen). */
DcDaemon *dc_daemon_new (const DcDaemonConfig *config, GError **error);
/* The URLs it listens on, "ws://127.0.0.1:41234". (transfer none) */
const char *const *dc_daemon_get_urls (DcDaemon *daemon);
/* TRUE if it speaks without TLS to others than this machine. */
gboolean dc_daemon_is_exposed (DcDaemon *daemon);
DcHub *dc_daemon_get_hub (DcDaemon *daemon);
/* Accepted connections that are open: requests, waiting polls and WebSockets. */
guint dc_daemon_get_n_connections (DcDaemon *daemon);
/* Polls that wait for something to happen. */
guint dc_daemon_get_n_waiting (DcDaemon *daemon);
/* Says bye to everyone, closes the listeners, waits for the connections to flush, at most a second, then calls @done. */
void dc_daemon_shut_down (DcDaemon *daemon, const char *reason, GSourceFunc done, gpointer user_data);
/* Closes at once whatever is open. */
void dc_daemon_free (DcDaemon *daemon);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcDaemon, dc_daemon_free)

G_END_DECLS
