/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-turn.h: a real TURN server, and a real proxy. */
#pragma once

#include "tests/harness/dc-test-certificates.h"
#include "tests/harness/dc-test-process.h"

G_BEGIN_DECLS

#define DC_TEST_TURN_USER "user"
#define DC_TEST_TURN_PASSWORD "pass-word"

typedef struct {
  DcTestProcess *process;
  char *dir;
  char *address; /* "HOST:PORT" for UDP and TCP: of this machine in its network, if it has one */
  guint16 tls;   /* port for TLS, on 127.0.0.1, which its certificate is for, and on 127.0.0.2; 0: none */
} DcTestTurn;

/* coturn, which relays on the host of `address`. @tls: (nullable): its certificate. NULL: it is not installed, and the test is skipped. */
DcTestTurn *dc_test_turn_new (const DcTestTls *tls);
void dc_test_turn_free (DcTestTurn *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcTestTurn, dc_test_turn_free)

#define DC_TEST_TUNNEL_USER "guest"
#define DC_TEST_TUNNEL_PASSWORD "open-sesame"

typedef struct {
  DcTestProcess *process;
  char *dir;
  guint16 port; /* on 127.0.0.1 */
} DcTestTunnel;

/* tinyproxy, an HTTP proxy that allows CONNECT to whom knows the password. NULL: it is not installed, and the test is skipped. */
DcTestTunnel *dc_test_tunnel_new (void);
void dc_test_tunnel_free (DcTestTunnel *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcTestTunnel, dc_test_tunnel_free)

G_END_DECLS
