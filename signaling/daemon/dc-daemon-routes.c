/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-daemon-routes.c: which path is answered by whom. */
#include "signaling/daemon/dc-daemon-routes.h"

#include <string.h>

#include "signaling/daemon/dc-poll-connection.h"
#include "signaling/daemon/dc-websocket-connection.h"

#define PEERS "/v1/peers"
#define MESSAGES "/messages"

static const char about[] =
    "This is dcsignald " DC_VERSION
    ", the signaling server of gst-datachannel: peers meet here to open WebRTC data channels.\n"
    "\n"
    "  GET  /v1/ws                          the WebSocket, subprotocol " DC_DAEMON_SUBPROTOCOL "\n"
    "  POST /v1/peers                       the same protocol over HTTP polling: hello\n"
    "  GET  /v1/peers/SESSION/messages      receive (?after=SEQ&wait=SECONDS)\n"
    "  POST /v1/peers/SESSION/messages      send\n"
    "  GET  /healthz                        is it well?\n"
    "\n"
    "Try: dcpeer answer --signaling URL --room ROOM. The protocol is specified in data/signaling-protocol.md of "
    "gst-datachannel.\n";

static void
respond_not_found (DcHttpExchange *exchange)
{
  dc_daemon_respond_error (exchange, 404, DC_CODE_UNSUPPORTED,
      "Nothing lives at this path; the WebSocket is at /v1/ws, HTTP polling at /v1/peers, and / tells more.");
}

static void
respond_health (DcDaemon *daemon, DcHttpExchange *exchange)
{
  DcHubStats stats;
  gint64 uptime = (g_get_monotonic_time () - daemon->started) / G_USEC_PER_SEC;

  dc_hub_get_stats (daemon->hub, &stats);
  g_autofree char *body = g_strdup_printf (
      "{\"status\":\"%s\",\"peers\":%u,\"away\":%u,\"rooms\":%u,\"connections\":%u,\"waiting\":%u,\"registered\":"
      "%" G_GUINT64_FORMAT ",\"relayed\":%" G_GUINT64_FORMAT ",\"refused\":%" G_GUINT64_FORMAT
      ",\"mailbox_bytes\":%" G_GSIZE_FORMAT ",\"uptime\":%" G_GINT64_FORMAT ",\"version\":\"%s\"}\n",
      daemon->stopping ? "stopping" : "ok", stats.peers, stats.away, stats.rooms, dc_daemon_count_open (daemon),
      daemon->waiting, stats.registered, stats.relayed, stats.refused, stats.mailbox_bytes, uptime, DC_VERSION);
  dc_http_exchange_respond (exchange, daemon->stopping ? 503 : 200, "application/json", NULL, body);
}

/* "/v1/peers/SESSION/messages" -> "SESSION", or NULL. (transfer full) */
static char *
parse_session_path (const char *path)
{
  if (!g_str_has_prefix (path, PEERS "/") || !g_str_has_suffix (path, MESSAGES))
    return NULL;

  const char *begin = path + strlen (PEERS "/");
  const char *end = path + strlen (path) - strlen (MESSAGES);
  if (end <= begin || memchr (begin, '/', end - begin))
    return NULL;
  return g_strndup (begin, end - begin);
}

/* The methods that @path knows, or NULL. */
static const char *
get_methods (const char *path, const char *session)
{
  if (g_str_equal (path, "/") || g_str_equal (path, "/healthz"))
    return "GET, HEAD, OPTIONS";
  if (g_str_equal (path, "/v1/ws"))
    return "GET, OPTIONS";
  if (g_str_equal (path, PEERS))
    return "POST, OPTIONS";
  return session ? "GET, POST, OPTIONS" : NULL;
}

static gboolean
lists_method (const char *methods, const char *method)
{
  g_auto (GStrv) list = g_strsplit (methods, ", ", -1);

  return g_strv_contains ((const char *const *) list, method);
}

/* A browser asks before it posts JSON or sends Authorization from another origin's page. */
static void
respond_preflight (DcHttpExchange *exchange, const char *methods)
{
  g_autofree char *headers = g_strdup_printf ("Allow: %s\r\nAccess-Control-Allow-Methods: %s\r\n"
                                              "Access-Control-Allow-Headers: Authorization, Content-Type\r\n"
                                              "Access-Control-Max-Age: 86400\r\n",
      methods, methods);

  dc_http_exchange_respond (exchange, 204, NULL, headers, NULL);
}

static void
respond_wrong_method (DcHttpExchange *exchange, const char *methods)
{
  g_autofree char *headers = g_strdup_printf ("Allow: %s\r\n", methods);
  g_autofree char *body = g_strdup_printf (
      "{\"type\":\"error\",\"code\":\"unsupported\",\"message\":\"This path takes only %s.\"}\n", methods);

  dc_http_exchange_respond (exchange, 405, "application/json", headers, body);
}

static void
dispatch (DcDaemon *daemon, DcHttpExchange *exchange, const char *session)
{
  const DcHttpRequest *request = dc_http_exchange_get_request (exchange);

  if (g_str_equal (request->path, "/"))
    dc_http_exchange_respond (exchange, 200, "text/plain; charset=utf-8", NULL, about);
  else if (g_str_equal (request->path, "/healthz"))
    respond_health (daemon, exchange);
  else if (daemon->stopping)
    dc_daemon_respond_error (exchange, 503, DC_CODE_SHUTTING_DOWN, "The server is shutting down.");
  else if (g_str_equal (request->path, "/v1/ws"))
    dc_websocket_handle_request (daemon, exchange);
  else if (g_str_equal (request->path, PEERS))
    dc_poll_handle_hello (daemon, exchange);
  else if (g_str_equal (request->method, "GET"))
    dc_poll_handle_get (daemon, exchange, session);
  else
    dc_poll_handle_post (daemon, exchange, session);
}

void
dc_daemon_handle_request (DcDaemon *daemon, DcHttpExchange *exchange)
{
  const DcHttpRequest *request = dc_http_exchange_get_request (exchange);
  g_autofree char *session = parse_session_path (request->path);
  const char *methods = get_methods (request->path, session);

  if (g_str_equal (request->method, "OPTIONS"))
    respond_preflight (exchange, methods ? methods : "GET, POST, OPTIONS");
  else if (!methods)
    respond_not_found (exchange);
  else if (!lists_method (methods, request->method))
    respond_wrong_method (exchange, methods);
  else
    dispatch (daemon, exchange, session);
}
