/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-http-exchange.h: one accepted connection: TLS, one HTTP request, one response or an upgrade. */
#pragma once

#include <gio/gio.h>
#include "signaling/daemon/dc-http-request.h"

G_BEGIN_DECLS

typedef struct _DcHttpExchange DcHttpExchange;

typedef struct {
  gsize max_body; /* bytes */
  guint timeout;  /* ms for each of: TLS handshake and head, body, response */
} DcHttpLimits;

typedef struct {
  /* The request is complete. To be answered now or later with exactly one of respond and upgrade. */
  void (*request) (DcHttpExchange *exchange, gpointer user_data);
  /* The connection is closed or was given away. The exchange must not be used afterwards. */
  void (*ended) (DcHttpExchange *exchange, gpointer user_data);
  /* The last call, once no operation is pending any more. */
  void (*freed) (gpointer user_data);
} DcHttpExchangeClass;

/* Begins at once. @tls: (nullable). It lives until ended(). */
DcHttpExchange *dc_http_exchange_new (GSocketConnection *connection, GTlsCertificate *tls, const DcHttpLimits *limits,
    const DcHttpExchangeClass *klass, gpointer user_data);

const DcHttpRequest *dc_http_exchange_get_request (DcHttpExchange *exchange);
/* Ends in a NUL that is not counted. */
const char *dc_http_exchange_get_body (DcHttpExchange *exchange, gsize *length);
/* "192.0.2.1:4711" */
const char *dc_http_exchange_get_remote (DcHttpExchange *exchange);
/* TRUE while somebody waits for an answer of ours or is reading it. */
gboolean dc_http_exchange_is_answering (DcHttpExchange *exchange);

/* For a request that is not answered at once: @gone is called if the client leaves before the answer; ended() follows. */
typedef void (*DcHttpGoneFunc) (DcHttpExchange *exchange, gpointer user_data);
void dc_http_exchange_watch (DcHttpExchange *exchange, DcHttpGoneFunc gone, gpointer user_data);

/* @headers: (nullable): further header lines, each ended by CR LF, nothing of the request in them. @body: (nullable): a NUL-terminated text. */
void dc_http_exchange_respond (
    DcHttpExchange *exchange, guint status, const char *type, const char *headers, const char *body);

/* Sends 101 with @headers, then hands the stream (transfer full) and its socket (transfer none) over; ended() follows. */
typedef void (*DcHttpUpgradeFunc) (DcHttpExchange *exchange, GIOStream *stream, GSocket *socket, gpointer user_data);
void dc_http_exchange_upgrade (
    DcHttpExchange *exchange, const char *headers, DcHttpUpgradeFunc func, gpointer user_data);

/* Closes without an answer; ended() is called within. */
void dc_http_exchange_abort (DcHttpExchange *exchange);

G_END_DECLS
