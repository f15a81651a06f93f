/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-daemon-core.h: the daemon as its connections see it: what is open, the way into the hub, timers, errors. One thread, one main context. */
#pragma once

#include "signaling/daemon/dc-daemon-config.h"
#include "signaling/daemon/dc-http-exchange.h"

G_BEGIN_DECLS

#define DC_DAEMON_MAX_BODY (1024 * 1024)
#define DC_DAEMON_SUBPROTOCOL "datachannel.v1"

typedef struct _DcDaemon DcDaemon;
typedef struct _DcWebsocketConnection DcWebsocketConnection;
typedef struct _DcPollConnection DcPollConnection;

struct _DcDaemon {
  DcDaemonConfig config; /* a copy, defaults filled in */
  GMainContext *context;
  DcHub *hub;
  GSource *hub_timer;           /* ready at the hub's deadline */
  GTlsCertificate *tls;         /* (nullable) */
  struct _DcListener *listener; /* NULL once stopping */
  GPtrArray *urls;              /* char *, ends in NULL */
  gboolean exposed;
  gint64 started; /* monotonic */

  /* Sets of what is open. Whoever ends takes itself out with dc_daemon_forget(). */
  GHashTable *exchanges;
  GHashTable *websockets;
  GHashTable *polls;
  guint waiting;   /* polls that wait */
  guint lingering; /* exchanges and WebSocket streams that the main loop has still to free */

  gboolean stopping; /* dc_daemon_shut_down() was called */
  GSource *stop_timer;
  GSourceFunc done;
  gpointer done_data;
};

/* The only way into the hub for the connections: the clock is read here and the hub's deadline armed anew. */
void dc_daemon_receive (DcDaemon *daemon, DcHubConnection *connection, const char *text, gsize length);
void dc_daemon_detach (DcDaemon *daemon, DcHubConnection *connection);
void dc_daemon_attach (DcDaemon *daemon, DcHubSession *session, DcHubConnection *connection);
/* The GSource of the hub's deadline; for dc_daemon_new(). */
void dc_daemon_add_hub_timer (DcDaemon *daemon);

/* Requests, waiting polls and WebSockets. */
guint dc_daemon_count_open (const DcDaemon *daemon);
/* Takes @connection out of @set; while stopping, this may have been the last. */
void dc_daemon_forget (DcDaemon *daemon, GHashTable *set, gpointer connection);
/* From here on @done is called once nothing is open any more, or after a second. */
void dc_daemon_begin_stopping (DcDaemon *daemon, GSourceFunc done, gpointer user_data);
/* Is it so far? To be asked also where nothing was open to begin with. */
void dc_daemon_check_stopped (DcDaemon *daemon);

/* Calls @func once in the daemon's context after @ms milliseconds. (transfer full) */
GSource *dc_daemon_add_timeout (DcDaemon *daemon, guint ms, GSourceFunc func, gpointer user_data);
void dc_source_clear (GSource **source);

/* Answers with an error message of the signaling protocol. */
void dc_daemon_respond_error (DcHttpExchange *exchange, guint status, DcCode code, const char *message);

G_END_DECLS
