/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-turn-tunnels.c: the way to TURN servers over TCP: TLS, which libnice does not do, and proxies.
 *
 * Theory of operation
 * -------------------
 * libnice speaks TURN over TCP (RFC 8656, section 3.1) in clear text, also where it is told "turns:", and never through a proxy of the system's. So
 * for each server that is not reached by UDP there is a tunnel: a port on the loopback interface, to which libnice connects. For each
 * connection that comes there, one is made to the server, by GSocketClient: by name, through the proxy that the resolver names, and with TLS, whose
 * certificate is checked for the server's name. From then on bytes are handed on both ways; when one side closes, both are closed. Nothing is
 * kept but what is under way in one step, so each side's pace is the other's.
 *
 * Anybody on this machine can connect to the port, and comes to that TURN server, without knowing its password, as anywhere; and through the proxy, if
 * there is one, to it alone. There are at most MAX_CONNECTIONS at a time.
 *
 * Where the server cannot be reached, libnice would wait for its answer all the same, for as long as a packet may be lost, and meanwhile no end of
 * the candidates could be told. So what it asks is answered here, with an error.
 *
 * libnice makes a connection for each of its host candidates and each webrtcbin, so that what became of it is told only when it is another
 * than the last time.
 *
 * Servers of worse transports are dialed later than others, and not at all once there is a relay: libnice keeps one for each address, so that the next would
 * be let go of at once; and it does not see that the server has done so (0.1.21), and has a leak if its agent goes before it has given up asking.
 *
 * Threads: all connections live in one thread of ours, with a main context of its own, so that neither the worker nor a connection on it waits for the
 * other. A tunnel stays when its server is no longer named, and connections that were made go on; but a signaling server may name others each time,
 * so only the MAX_TUNNELS used last are listened at. Who holds a tunnel: the list, its connections, and what waits for the next of them. */
#include "plugins/peer/dc-turn-tunnels.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "plugins/peer/dc-event.h"
#include "plugins/peer/dc-turn-refusal.h"
#include "signaling/client/dc-trust.h"

/* Of all tunnels together: eight servers for some interfaces of some webrtcbins. */
#define MAX_CONNECTIONS 128
/* Peers use eight at most at a time. */
#define MAX_TUNNELS 32
/* Until a connection to the server stands; it has no limit afterwards. */
#define DIAL_TIMEOUT_S 10
/* After none could be accepted, as this process may have no descriptor left. */
#define ACCEPT_AGAIN_MS 500

/* Whom to tell, in the context of whoever made us; it may be gone by then. */
typedef struct {
  gatomicrefcount refs;
  GMainContext *context;
  DcTurnTunnelsFunc func; /* NULL: nobody any more. Of that context. */
  gpointer user_data;
} Listener;

struct _DcTurnTunnels {
  GTlsDatabase *trust;
  GProxyResolver *proxy;
  gint64 start;
  Listener *listener;
  GPtrArray *tunnels; /* (element-type Tunnel): of whoever made us; in the order in which they were used */

  gint delays[DC_ICE_TRANSPORT_TLS + 1]; /* atomic: milliseconds, by transport */

  GThread *thread;
  GMainContext *context;
  GCancellable *cancellable; /* of connections */

  /* Of the thread. */
  gboolean ending;
  GCancellable *waiting; /* of dials that have not begun */
  guint pending;         /* operations whose completion is still to come */
  guint connections;     /* of them, those that somebody has made to us */
};

typedef struct {
  gatomicrefcount refs;
  DcTurnTunnels *owner;
  DcIceTransport transport;
  char *host;
  char *uri;     /* where to */
  char *display; /* in events */
  guint16 port, local_port;
  gboolean ipv6;
  GSocketListener *socket;
  GCancellable *cancellable; /* of the listening */
  char *outcome;             /* (nullable): what was told last. Of the thread. */
} Tunnel;

/* Somebody's connection to us, and the one to the server. */
typedef struct {
  Tunnel *tunnel;
  GSocketClient *client;
  GCancellable *waiting; /* when it is not to begin any more */
  GIOStream *near, *far;
  GTlsConnection *tls; /* (nullable) */
} Dial;

static Tunnel *
tunnel_ref (Tunnel *tunnel)
{
  g_atomic_ref_count_inc (&tunnel->refs);
  return tunnel;
}

static void
tunnel_unref (gpointer data)
{
  Tunnel *tunnel = data;

  if (!g_atomic_ref_count_dec (&tunnel->refs))
    return;
  g_object_unref (tunnel->socket);
  g_object_unref (tunnel->cancellable);
  g_free (tunnel->host);
  g_free (tunnel->uri);
  g_free (tunnel->display);
  g_free (tunnel->outcome);
  g_free (tunnel);
}

/* --- Telling ------------------------------------------------------------------------------------------------------------------- */

static void
listener_unref (Listener *listener)
{
  if (!g_atomic_ref_count_dec (&listener->refs))
    return;
  g_main_context_unref (listener->context);
  g_free (listener);
}

typedef struct {
  Listener *listener;
  GstStructure *event;
} News;

static gboolean
deliver (gpointer user_data)
{
  News *news = user_data;

  if (news->listener->func != NULL)
    news->listener->func (g_steal_pointer (&news->event), news->listener->user_data);
  return G_SOURCE_REMOVE;
}

static void
news_free (gpointer user_data)
{
  News *news = user_data;

  listener_unref (news->listener);
  g_clear_pointer (&news->event, gst_structure_free);
  g_free (news);
}

/* @field: "tls" or "reason"; @value: (nullable) */
static void
tell (Tunnel *tunnel, const char *name, const char *field, const char *value)
{
  DcTurnTunnels *self = tunnel->owner;
  g_autofree char *outcome = g_strdup_printf ("%s %s", name, value != NULL ? value : "");
  News news = {self->listener};
  GSource *source;

  if (g_strcmp0 (outcome, tunnel->outcome) == 0 || self->ending)
    return;
  g_free (tunnel->outcome);
  tunnel->outcome = g_steal_pointer (&outcome);
  news.event = dc_event_new (name, self->start);
  gst_structure_set (news.event, "url", G_TYPE_STRING, tunnel->display, NULL);
  if (value != NULL)
    gst_structure_set (news.event, field, G_TYPE_STRING, value, NULL);
  g_atomic_ref_count_inc (&self->listener->refs);
  source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, deliver, g_memdup2 (&news, sizeof news), news_free);
  g_source_attach (source, self->listener->context);
  g_source_unref (source);
}

static void
tell_connected (Dial *dial)
{
  g_autofree char *version = NULL;

  if (dial->tls != NULL) {
    GTlsProtocolVersion number = g_tls_connection_get_protocol_version (dial->tls);
    version = g_strdup (number == G_TLS_PROTOCOL_VERSION_TLS_1_3   ? "TLS 1.3"
                        : number == G_TLS_PROTOCOL_VERSION_TLS_1_2 ? "TLS 1.2"
                                                                   : "TLS");
  }
  tell (dial->tunnel, "turn-connected", "tls", version);
}

static void
tell_failed (Dial *dial, const GError *error)
{
  g_autofree char *reason = NULL;

  if (g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE) && dial->tls != NULL)
    reason = g_strdup_printf ("the certificate of %s is %s", dial->tunnel->host,
        dc_trust_judge_certificate (g_tls_connection_get_peer_certificate_errors (dial->tls)));
  else
    reason = g_utf8_make_valid (error->message, -1);
  tell (dial->tunnel, "turn-failed", "reason", reason);
}

/* Has our thread call @func. */
static void
invoke (DcTurnTunnels *self, guint milliseconds, GSourceFunc func, gpointer data, GDestroyNotify destroy)
{
  GSource *source = g_timeout_source_new (milliseconds);

  g_source_set_callback (source, func, data, destroy);
  g_source_attach (source, self->context);
  g_source_unref (source);
}

/* --- Connections --------------------------------------------------------------------------------------------------------------- */

static void
dial_free (gpointer data)
{
  Dial *dial = data;

  dial->tunnel->owner->pending--;
  dial->tunnel->owner->connections--;
  g_signal_handlers_disconnect_by_data (dial->client, dial);
  g_object_unref (dial->client);
  g_object_unref (dial->waiting);
  g_object_unref (dial->near);
  g_clear_object (&dial->far);
  g_clear_object (&dial->tls);
  tunnel_unref (dial->tunnel);
  g_free (dial);
}

static void
on_spliced (GObject *source, GAsyncResult *result, gpointer user_data)
{
  /* How a connection ended libnice sees for itself. */
  g_io_stream_splice_finish (result, NULL);
  dial_free (user_data);
}

/* Small packets of which each is waited for. */
static void
set_no_delay (GIOStream *stream)
{
  GIOStream *base = stream;
  g_autoptr (GIOStream) inner = NULL;

  if (G_IS_TCP_WRAPPER_CONNECTION (base))
    base = g_tcp_wrapper_connection_get_base_io_stream (G_TCP_WRAPPER_CONNECTION (base));
  if (G_IS_TLS_CONNECTION (base)) {
    g_object_get (base, "base-io-stream", &inner, NULL);
    base = inner;
  }
  if (G_IS_SOCKET_CONNECTION (base))
    g_socket_set_option (
        g_socket_connection_get_socket (G_SOCKET_CONNECTION (base)), IPPROTO_TCP, TCP_NODELAY, 1, NULL);
}

static void
refuse (Dial *dial)
{
  dc_turn_refuse (dial->near, dial->tunnel->owner->cancellable, dial_free, dial);
}

static void
on_dialed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Dial *dial = user_data;
  g_autoptr (GError) error = NULL;
  GSocketConnection *connection = g_socket_client_connect_to_uri_finish (dial->client, result, &error);

  if (connection == NULL) {
    tell_failed (dial, error);
    refuse (dial);
    return;
  }
  dial->far = G_IO_STREAM (connection);
  g_socket_set_timeout (g_socket_connection_get_socket (connection), 0);
  set_no_delay (dial->near);
  set_no_delay (dial->far);
  tell_connected (dial);
  g_io_stream_splice_async (dial->near, dial->far, G_IO_STREAM_SPLICE_CLOSE_STREAM1 | G_IO_STREAM_SPLICE_CLOSE_STREAM2,
      G_PRIORITY_DEFAULT, dial->tunnel->owner->cancellable, on_spliced, dial);
}

/* Before the handshake the connection can be told whom to trust; after it failed, only it knows why. */
static void
on_event (
    GSocketClient *client, GSocketClientEvent event, GSocketConnectable *connectable, GIOStream *stream, Dial *dial)
{
  if (event != G_SOCKET_CLIENT_TLS_HANDSHAKING)
    return;
  g_set_object (&dial->tls, G_TLS_CONNECTION (stream));
  if (dial->tunnel->owner->trust != NULL)
    g_tls_connection_set_database (dial->tls, dial->tunnel->owner->trust);
}

static gboolean
dial_server (gpointer user_data)
{
  Dial *dial = user_data;
  Tunnel *tunnel = dial->tunnel;

  if (g_cancellable_is_cancelled (dial->waiting))
    refuse (dial);
  else
    g_socket_client_connect_to_uri_async (
        dial->client, tunnel->uri, tunnel->port, tunnel->owner->cancellable, on_dialed, dial);
  return G_SOURCE_REMOVE;
}

/* After the delay of such servers. */
static void
dial_later (Dial *dial)
{
  DcTurnTunnels *self = dial->tunnel->owner;
  g_autoptr (GSource) delay = g_timeout_source_new ((guint) g_atomic_int_get (&self->delays[dial->tunnel->transport]));
  g_autoptr (GSource) unneeded = g_cancellable_source_new (dial->waiting);

  g_source_set_dummy_callback (unneeded);
  g_source_add_child_source (delay, unneeded);
  g_source_set_callback (delay, dial_server, dial, NULL);
  g_source_attach (delay, self->context);
}

static void
dial (Tunnel *tunnel, GSocketConnection *near)
{
  DcTurnTunnels *self = tunnel->owner;
  Dial *dial = g_new0 (Dial, 1);

  dial->tunnel = tunnel_ref (tunnel);
  dial->near = g_object_ref (G_IO_STREAM (near));
  dial->waiting = g_object_ref (self->waiting);
  dial->client = g_socket_client_new ();
  g_socket_client_set_timeout (dial->client, DIAL_TIMEOUT_S);
  g_socket_client_set_tls (dial->client, tunnel->transport == DC_ICE_TRANSPORT_TLS);
  g_socket_client_set_proxy_resolver (dial->client, self->proxy);
  g_signal_connect (dial->client, "event", G_CALLBACK (on_event), dial);
  self->pending++;
  self->connections++;
  dial_later (dial);
}

static gboolean accept_next (gpointer user_data);

/* One after the other. @user_data: (transfer full): the tunnel */
static void
on_accepted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Tunnel *tunnel = user_data;
  DcTurnTunnels *self = tunnel->owner;
  g_autoptr (GSocketConnection) near = g_socket_listener_accept_finish (tunnel->socket, result, NULL, NULL);

  self->pending--;
  if (g_cancellable_is_cancelled (tunnel->cancellable)) {
    tunnel_unref (tunnel);
    return;
  }
  if (near != NULL && self->connections < MAX_CONNECTIONS)
    dial (tunnel, near);
  invoke (self, near != NULL ? 0 : ACCEPT_AGAIN_MS, accept_next, tunnel, tunnel_unref);
}

static gboolean
accept_next (gpointer user_data)
{
  Tunnel *tunnel = user_data;

  tunnel->owner->pending++;
  g_socket_listener_accept_async (tunnel->socket, tunnel->cancellable, on_accepted, tunnel_ref (tunnel));
  return G_SOURCE_REMOVE;
}

/* Nobody gets in any more. */
static gboolean
retire (gpointer user_data)
{
  Tunnel *tunnel = user_data;

  g_cancellable_cancel (tunnel->cancellable);
  g_socket_listener_close (tunnel->socket);
  return G_SOURCE_REMOVE;
}

/* --- The thread ---------------------------------------------------------------------------------------------------------------- */

static gpointer
run (gpointer user_data)
{
  DcTurnTunnels *self = user_data;

  g_main_context_push_thread_default (self->context);
  while (!self->ending || self->pending > 0)
    g_main_context_iteration (self->context, TRUE);
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

static gboolean
end (gpointer user_data)
{
  DcTurnTunnels *self = user_data;

  self->ending = TRUE;
  for (guint i = 0; i < self->tunnels->len; i++)
    retire (g_ptr_array_index (self->tunnels, i));
  g_cancellable_cancel (self->cancellable);
  g_cancellable_cancel (self->waiting);
  return G_SOURCE_REMOVE;
}

static gboolean
give_up_waiting (gpointer user_data)
{
  DcTurnTunnels *self = user_data;

  g_cancellable_cancel (self->waiting);
  g_object_unref (self->waiting);
  self->waiting = g_cancellable_new ();
  return G_SOURCE_REMOVE;
}

/* --- Tunnels ------------------------------------------------------------------------------------------------------------------- */

DcTurnTunnels *
dc_turn_tunnels_new (GMainContext *context, GTlsDatabase *trust, GProxyResolver *proxy, gint64 start,
    DcTurnTunnelsFunc func, gpointer user_data)
{
  DcTurnTunnels *self = g_new0 (DcTurnTunnels, 1);

  g_set_object (&self->trust, trust);
  self->proxy = g_object_ref (proxy);
  self->start = start;
  self->listener = g_new0 (Listener, 1);
  g_atomic_ref_count_init (&self->listener->refs);
  self->listener->context = g_main_context_ref (context);
  self->listener->func = func;
  self->listener->user_data = user_data;
  self->tunnels = g_ptr_array_new_with_free_func (tunnel_unref);
  self->context = g_main_context_new ();
  self->cancellable = g_cancellable_new ();
  self->waiting = g_cancellable_new ();
  self->thread = g_thread_new ("dc-turn-tunnels", run, self);
  return self;
}

void
dc_turn_tunnels_free (DcTurnTunnels *self)
{
  invoke (self, 0, end, self, NULL);
  g_thread_join (self->thread);
  self->listener->func = NULL;
  listener_unref (self->listener);
  g_main_context_unref (self->context);
  g_ptr_array_unref (self->tunnels);
  g_object_unref (self->cancellable);
  g_object_unref (self->waiting);
  g_clear_object (&self->trust);
  g_object_unref (self->proxy);
  g_free (self);
}

/* Off the list. (transfer full) (nullable) */
static Tunnel *
take (DcTurnTunnels *self, const DcIceServer *server, gboolean ipv6)
{
  for (guint i = 0; i < self->tunnels->len; i++) {
    Tunnel *tunnel = g_ptr_array_index (self->tunnels, i);
    if (g_str_equal (tunnel->host, server->host) && tunnel->port == server->port
        && tunnel->transport == server->transport && tunnel->ipv6 == ipv6)
      return g_ptr_array_steal_index (self->tunnels, i);
  }
  return NULL;
}

/* A port of the loopback interface; 0: there is none. */
static guint16
listen_on_loopback (GSocketListener *socket, gboolean ipv6, GError **error)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (ipv6 ? G_SOCKET_FAMILY_IPV6 : G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) effective = NULL;

  if (!g_socket_listener_add_address (
          socket, address, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL, &effective, error))
    return 0;
  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (effective));
}

/* (transfer full) (nullable) */
static Tunnel *
add (DcTurnTunnels *self, const DcIceServer *server, gboolean ipv6, GError **error)
{
  g_autoptr (GSocketListener) socket = g_socket_listener_new ();
  guint16 port = listen_on_loopback (socket, ipv6, error);
  Tunnel *tunnel;

  if (port == 0)
    return NULL;
  tunnel = g_new0 (Tunnel, 1);
  g_atomic_ref_count_init (&tunnel->refs);
  tunnel->owner = self;
  tunnel->transport = server->transport;
  tunnel->host = g_strdup (server->host);
  tunnel->port = server->port;
  tunnel->ipv6 = ipv6;
  tunnel->local_port = port;
  tunnel->socket = g_steal_pointer (&socket);
  tunnel->cancellable = g_cancellable_new ();
  tunnel->display = dc_ice_server_to_display (server);
  /* The scheme is what the proxy resolver goes by: to it, this is TCP to somewhere, as HTTPS is. */
  tunnel->uri = g_uri_join (G_URI_FLAGS_NONE, "https", NULL, server->host, server->port, "", NULL, NULL);
  invoke (self, 0, accept_next, tunnel_ref (tunnel), tunnel_unref);
  return tunnel;
}

/* The last one used is the last to go. @tunnel: (transfer full) */
static void
keep (DcTurnTunnels *self, Tunnel *tunnel)
{
  g_ptr_array_add (self->tunnels, tunnel);
  if (self->tunnels->len > MAX_TUNNELS)
    invoke (self, 0, retire, g_ptr_array_steal_index (self->tunnels, 0), tunnel_unref);
}

DcIceServer *
dc_turn_tunnels_open (DcTurnTunnels *self, const DcIceServer *server, gboolean ipv6, GError **error)
{
  Tunnel *tunnel = take (self, server, ipv6);
  DcIceServer *local;

  if (tunnel == NULL)
    tunnel = add (self, server, ipv6, error);
  if (tunnel == NULL)
    return NULL;
  keep (self, tunnel);
  local = dc_ice_server_copy (server);
  local->transport = DC_ICE_TRANSPORT_TCP;
  g_free (local->host);
  local->host = g_strdup (ipv6 ? "::1" : "127.0.0.1");
  local->port = tunnel->local_port;
  return local;
}

void
dc_turn_tunnels_have_relay (DcTurnTunnels *self)
{
  invoke (self, 0, give_up_waiting, self, NULL);
}

void
dc_turn_tunnels_set_delay (DcTurnTunnels *self, DcIceTransport transport, guint milliseconds)
{
  g_atomic_int_set (&self->delays[transport], (gint) milliseconds);
}

DcIceTransport
dc_turn_tunnels_get_transport (DcTurnTunnels *self, guint port)
{
  for (guint i = 0; i < self->tunnels->len; i++) {
    Tunnel *tunnel = g_ptr_array_index (self->tunnels, i);
    if (tunnel->local_port == port)
      return tunnel->transport;
  }
  return DC_ICE_TRANSPORT_UDP;
}
