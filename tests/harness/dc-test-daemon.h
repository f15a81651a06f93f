/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-daemon.h: a signaling daemon in a thread of this process. */
#pragma once

#include "signaling/daemon/dc-daemon.h"
#include "tests/harness/dc-test-certificates.h"

G_BEGIN_DECLS

/* A DcDaemon with a thread and a main context of its own, on 127.0.0.1 and a free port. All functions are for one other thread. */
typedef struct _DcTestDaemon DcTestDaemon;

/* @overrides: (nullable): a configuration to begin with; listen and log are set here. Started when this returns. */
DcTestDaemon *dc_test_daemon_new (const DcDaemonConfig *overrides);
/* "ws://127.0.0.1:41234", or wss:// */
const char *dc_test_daemon_get_url (DcTestDaemon *daemon);
guint16 dc_test_daemon_get_port (DcTestDaemon *daemon);
/* As if it had been killed: everything is closed at once, and nobody is told. Blocks until it is done. */
void dc_test_daemon_stop (DcTestDaemon *daemon);
/* As SIGTERM does: bye to everyone, then stopped. */
void dc_test_daemon_shut_down (DcTestDaemon *daemon);
/* Again, on the same port, with nothing known. */
void dc_test_daemon_start (DcTestDaemon *daemon);
void dc_test_daemon_get_stats (DcTestDaemon *daemon, DcHubStats *stats);
guint dc_test_daemon_get_n_connections (DcTestDaemon *daemon);
guint dc_test_daemon_get_n_waiting (DcTestDaemon *daemon);
void dc_test_daemon_free (DcTestDaemon *daemon);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcTestDaemon, dc_test_daemon_free)

G_END_DECLS
