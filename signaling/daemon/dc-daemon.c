/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dc-daemon.c: the signaling daemon as an object.
 *
 * Theory of operation
 *
 *   dc-listener ---> dc-http-exchange ---> routes ---> dc-websocket-connection ---> dc-hub
 *   (accept)         (TLS, one request)           \--> dc-poll-connection ------/
 *
 * One thread, one main context. The listener accepts; each connection becomes an exchange, which reads one request and is answered by
 * the routes. A WebSocket goes on from there on its own; a polling peer is a sequence of exchanges. Both are connections to the hub,
 * which knows peers, rooms and mailboxes and neither sockets nor clocks: their way there is dc-daemon-core, which reads the clock and
 * keeps the hub's deadline. Arrows point one way in this room too:
 *
 *   dc-daemon -> dc-daemon-routes -> the two connections -> dc-daemon-core -> dc-http-exchange -> dc-http-request
 *
 * Bounds: accepted connections (max_connections), and for each the time to a complete request, the sizes of head and body, the time to
 * say hello, the output queue; see the files named above. What a peer may do in the hub is bounded there.
 *
 * Shutting down: the listener closes, the hub says bye to everyone and closes their connections, exchanges that nobody waits for are
 * closed. When the last connection has ended, or after STOPPING_TIME_MS, the caller's function is called; dc_daemon_free() then
 * cuts off what is left.
 */
#include "signaling/daemon/dc-daemon.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/resource.h>

#include "signaling/daemon/dc-daemon-core.h"
#include "signaling/daemon/dc-daemon-log.h"
#include "signaling/daemon/dc-daemon-routes.h"
#include "signaling/daemon/dc-listener.h"
#include "signaling/daemon/dc-poll-connection.h"
#include "signaling/daemon/dc-tls-identity.h"
#include "signaling/daemon/dc-websocket-connection.h"
#include "signaling/protocol/dc-ice-server.h"

#define SPARE_FILES 64 /* for listeners, logs, libraries */

static void
request_cb (DcHttpExchange *exchange, gpointer data)
{
  dc_daemon_handle_request (data, exchange);
}

static void
ended_cb (DcHttpExchange *exchange, gpointer data)
{
  DcDaemon *self = data;

  dc_daemon_forget (self, self->exchanges, exchange);
}

static void
freed_cb (gpointer data)
{
  DcDaemon *self = data;

  self->lingering--;
}

static const DcHttpExchangeClass exchange_class = {request_cb, ended_cb, freed_cb};

static void
accepted_cb (GSocketConnection *connection, gpointer data)
{
  DcDaemon *self = data;
  DcHttpLimits limits = {.max_body = DC_DAEMON_MAX_BODY, .timeout = self->config.request_timeout};

  /* The connection is closed with its last reference. */
  if (dc_daemon_count_open (self) >= self->config.max_connections)
    return;
  self->lingering++;
  g_hash_table_add (self->exchanges, dc_http_exchange_new (connection, self->tls, &limits, &exchange_class, self));
}

static void
fill_random (guint8 *buffer, gsize length, gpointer user_data)
{
  while (length > 0) {
    gssize count = getrandom (buffer, length, 0);
    if (count < 0 && errno == EINTR)
      continue;
    /* Tokens that can be guessed must not be given out. */
    if (count <= 0)
      g_error ("The system gives no random bytes: %s", g_strerror (errno));
    buffer += count;
    length -= count;
  }
}

static void
hub_event_cb (const DcHubEvent *event, gpointer data)
{
  DcDaemon *self = data;

  dc_daemon_log_hub_event (self->config.log, event);
}

static guint
get_default_max_connections (void)
{
  struct rlimit files;

  if (getrlimit (RLIMIT_NOFILE, &files) != 0 || files.rlim_cur > 65536 + SPARE_FILES)
    return 65536;
  return files.rlim_cur > 2 * SPARE_FILES ? files.rlim_cur - SPARE_FILES : SPARE_FILES;
}

static guint
or_default (guint value, guint fallback)
{
  return value ? value : fallback;
}

static void
fill_in_defaults (DcDaemonConfig *config)
{
  config->ping_interval = or_default (config->ping_interval, 25);
  config->request_timeout = or_default (config->request_timeout, 10000);
  config->hello_timeout = or_default (config->hello_timeout, 10000);
  config->poll_idle_timeout = or_default (config->poll_idle_timeout, 15000);
  config->max_connections = or_default (config->max_connections, get_default_max_connections ());
  /* The hub's own defaults, which the WebSocket's limits follow. */
  config->hub.max_message = config->hub.max_message ? config->hub.max_message : 65536;
  config->hub.max_mailbox_bytes = config->hub.max_mailbox_bytes ? config->hub.max_mailbox_bytes : 1024 * 1024;
  if (!config->listen)
    dc_daemon_config_set (config, "listen", "127.0.0.1:8443", NULL);
  g_clear_pointer (&config->hub.ice_servers, json_node_unref);
  if (config->ice_servers)
    config->hub.ice_servers = dc_ice_servers_to_node (config->ice_servers);
}

static gboolean
start_listening (DcDaemon *self, GError **error)
{
  const DcDaemonConfig *config = &self->config;

  if (config->tls_cert || config->tls_key) {
    self->tls = dc_tls_identity_load (config->tls_cert, config->tls_key, error);
    if (!self->tls)
      return FALSE;
  }
  self->listener = dc_listener_new ((const char *const *) config->listen, accepted_cb, self, error);
  if (!self->listener)
    return FALSE;
  const char *const *addresses = dc_listener_get_addresses (self->listener);
  for (guint i = 0; addresses[i]; i++)
    g_ptr_array_add (self->urls, g_strdup_printf ("%s://%s", self->tls ? "wss" : "ws", addresses[i]));
  g_ptr_array_add (self->urls, NULL);
  self->exposed = !self->tls && dc_listener_is_exposed (self->listener);
  return TRUE;
}

DcDaemon *
dc_daemon_new (const DcDaemonConfig *config, GError **error)
{
  g_autoptr (DcDaemon) self = g_new0 (DcDaemon, 1);

  self->context = g_main_context_ref_thread_default ();
  self->exchanges = g_hash_table_new (NULL, NULL);
  self->websockets = g_hash_table_new_full (NULL, NULL, (GDestroyNotify) dc_websocket_connection_free, NULL);
  self->polls = g_hash_table_new_full (NULL, NULL, (GDestroyNotify) dc_poll_connection_free, NULL);
  self->urls = g_ptr_array_new_with_free_func (g_free);
  self->started = g_get_monotonic_time ();
  dc_daemon_config_copy (config, &self->config);
  fill_in_defaults (&self->config);
  dc_daemon_add_hub_timer (self);
  self->hub = dc_hub_new (&self->config.hub, fill_random, hub_event_cb, self);
  if (!start_listening (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

const char *const *
dc_daemon_get_urls (DcDaemon *self)
{
  return (const char *const *) self->urls->pdata;
}

gboolean
dc_daemon_is_exposed (DcDaemon *self)
{
  return self->exposed;
}

DcHub *
dc_daemon_get_hub (DcDaemon *self)
{
  return self->hub;
}

guint
dc_daemon_get_n_connections (DcDaemon *self)
{
  return dc_daemon_count_open (self);
}

guint
dc_daemon_get_n_waiting (DcDaemon *self)
{
  return self->waiting;
}

static void
abort_exchanges (DcDaemon *self, gboolean also_answering)
{
  g_autoptr (GList) exchanges = g_hash_table_get_keys (self->exchanges);

  for (GList *l = exchanges; l; l = l->next)
    if (also_answering || !dc_http_exchange_is_answering (l->data))
      dc_http_exchange_abort (l->data);
}

void
dc_daemon_shut_down (DcDaemon *self, const char *reason, GSourceFunc done, gpointer user_data)
{
  if (self->stopping)
    return;
  dc_daemon_begin_stopping (self, done, user_data);
  g_clear_pointer (&self->listener, dc_listener_free);
  dc_hub_shut_down (self->hub, reason);
  dc_websocket_connections_close (self);
  abort_exchanges (self, FALSE);
  dc_daemon_check_stopped (self);
}

static void
detach_all (DcDaemon *self, GHashTable *set)
{
  g_autoptr (GList) connections = g_hash_table_get_keys (set);

  for (GList *l = connections; l; l = l->next) {
    DcHubConnection *connection = l->data;
    if (connection->session)
      dc_daemon_detach (self, connection);
  }
}

void
dc_daemon_free (DcDaemon *self)
{
  self->stopping = TRUE;
  self->done = NULL;
  g_clear_pointer (&self->listener, dc_listener_free);
  abort_exchanges (self, TRUE);
  detach_all (self, self->websockets);
  detach_all (self, self->polls);
  g_hash_table_unref (self->websockets);
  g_hash_table_unref (self->polls);
  g_hash_table_unref (self->exchanges);
  /* What is cancelled and closed returns through the main loop. */
  while (self->lingering > 0)
    g_main_context_iteration (self->context, TRUE);
  g_clear_pointer (&self->hub, dc_hub_free);
  dc_source_clear (&self->hub_timer);
  dc_source_clear (&self->stop_timer);
  g_clear_object (&self->tls);
  g_ptr_array_unref (self->urls);
  dc_daemon_config_clear (&self->config);
  g_main_context_unref (self->context);
  g_free (self);
}
