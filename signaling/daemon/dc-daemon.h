/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-daemon.h: the signaling daemon as an object: listeners, HTTP, WebSocket and polling over one hub. */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include "signaling/hub/dc-hub.h"

G_BEGIN_DECLS

typedef enum { DC_DAEMON_LOG_TEXT, DC_DAEMON_LOG_JSON, DC_DAEMON_LOG_NONE } DcDaemonLog;

/* Everything that the command line and the configuration file can say, and a few limits more. Strings are owned. */
typedef struct {
  GStrv listen;           /* HOST:PORT, [IPV6]:PORT; port 0: any; NULL: 127.0.0.1:8443 */
  char *tls_cert;         /* (nullable): PEM files */
  char *tls_key;          /* (nullable) */
  GPtrArray *ice_servers; /* (element-type DcIceServer) (nullable) */
  DcDaemonLog log;
  guint ping_interval; /* seconds between WebSocket pings; 0: 25 */
  guint
      request_timeout; /* ms for a TLS handshake and a request's head, again for its body, again for our answer; 0: 10000 */
  guint hello_timeout;     /* ms that a WebSocket may stay without hello; 0: 10000 */
  guint poll_idle_timeout; /* ms between two requests of a polling peer before it counts as away; 0: 15000 */
  guint max_connections;   /* more are closed at once; 0: what the process's file limit allows, at most 65536 */
  DcHubConfig hub;         /* its ice_servers is filled in from ice_servers */
} DcDaemonConfig;

void dc_daemon_config_init (DcDaemonConfig *config);
void dc_daemon_config_clear (DcDaemonConfig *config);
/* @copy: uninitialized. */
void dc_daemon_config_copy (const DcDaemonConfig *config, DcDaemonConfig *copy);
/* Sets the option @name ("listen", "port", "tls-cert", "tls-key", "stun-server", "turn-server", "log") as the command line
 * and the configuration file do. The three that may be repeated add up. */
gboolean dc_daemon_config_set (DcDaemonConfig *config, const char *name, const char *value, GError **error);
/* Sets from group [dcsignald] of the key file @path all options but those in @but (nullable), a set of names. */
gboolean dc_daemon_config_load (DcDaemonConfig *config, const char *path, GHashTable *but, GError **error);

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
