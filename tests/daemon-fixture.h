/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* daemon-fixture.h: a daemon with two clients, and raw bytes to it. */
#pragma once

#include <gio/gio.h>

#include "tests/harness/dc-test-client.h"
#include "tests/harness/dc-test-daemon.h"

G_BEGIN_DECLS

#define DAEMON_WATCHDOG_S 30

typedef struct {
  DcTestTransport first, second;
} DaemonTransports;

typedef struct {
  DcTestDaemon *daemon;
  DcTestClient *alice, *bob;
} DaemonFixture;

/* @data, @with: (nullable): DaemonTransports; NULL: WebSockets. @config: (nullable) */
void daemon_set_up_config (DaemonFixture *fixture, const DaemonTransports *with, const DcDaemonConfig *config);
void daemon_set_up (DaemonFixture *fixture, gconstpointer data);
/* Long enough for a client to come with its next poll. */
void daemon_set_up_poll_timeout (DaemonFixture *fixture, gconstpointer data);
void daemon_tear_down (DaemonFixture *fixture, gconstpointer data);
void daemon_register_both (DaemonFixture *fixture);
/* Until each polling client's poll has arrived. */
void daemon_wait_parked (DaemonFixture *fixture, guint polls);

GSocketConnection *raw_connect (DcTestDaemon *daemon);
/* FALSE if the other side closed. */
gboolean raw_write (GSocketConnection *connection, const void *bytes, gsize length);
/* Everything until the other side closes. (transfer full) */
char *raw_read (GSocketConnection *connection);
/* Likewise, after @text. */
char *raw_exchange (DcTestDaemon *daemon, const char *text);
void assert_begins (const char *text, const char *beginning);

/* All but the empty line. */
#define RAW_HANDSHAKE                                                                                                  \
  "GET /v1/ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"                        \
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

/* A WebSocket without libsoup, after its handshake. */
GSocketConnection *raw_connect_websocket (DcTestDaemon *daemon);
/* @first: FIN and opcode. Masked with zeros. */
gboolean raw_write_frame (GSocketConnection *connection, guint8 first, const char *payload, gsize length);
/* The code in the close frame that ends the connection, or 0. */
guint raw_find_close_code (GSocketConnection *connection);

G_END_DECLS
