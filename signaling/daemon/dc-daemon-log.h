/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-daemon-log.h: log lines on standard output, for people or for machines. */
#pragma once

#include "signaling/daemon/dc-daemon-config.h"

G_BEGIN_DECLS

/* Tokens, SDP and candidates never get here. Texts that come from the network are made printable. */
void dc_daemon_log_hub_event (DcDaemonLog log, const DcHubEvent *event);
/* "listening on ws://127.0.0.1:8443 (WebSocket and HTTP polling)" */
void dc_daemon_log_listening (DcDaemonLog log, const char *url);
void dc_daemon_log_warning (DcDaemonLog log, const char *text);
void dc_daemon_log_stopping (DcDaemonLog log, const char *reason);

/* The lines without their time and line end, for tests. (transfer full) */
char *dc_daemon_format_hub_event (const DcHubEvent *event);

G_END_DECLS
