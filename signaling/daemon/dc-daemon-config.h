/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-daemon-config.h: the daemon's options, from the command line or a key file. */
#pragma once

#include <glib.h>
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

G_END_DECLS
