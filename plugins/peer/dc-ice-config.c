/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-ice-config.c: how a peer looks for a path: servers, those it was given and those the signaling server names, and what it may use. */
#include "plugins/peer/dc-ice-config.h"

#include <gio/gio.h>
#include <string.h>

#include "plugins/peer/dc-error.h"
#include "plugins/peer/dc-event.h"
#include "plugins/peer/dc-local-addresses.h"
#include "plugins/peer/dc-source.h"
#include "signaling/client/dc-proxy.h"
#include "signaling/client/dc-trust.h"
#include "signaling/protocol/dc-ice-server.h"
#include "signaling/protocol/dc-signaling-error.h"

/* libnice takes eight a component. */
#define MAX_TURN_SERVERS 8
/* For names that nobody answers for, of STUN servers too. */
#define READY_TIMEOUT_MS 2000
/* A way to a TURN server that is worse than another has to wait for so long. */
#define TURN_STEP_MS 200
/* They are all asked at once. */
#define MAX_STUN_SERVERS 8

/* How servers are reached over TCP. */
static gboolean
take_way (DcIceConfig *self, const DcIceSettings *settings, GError **error)
{
  g_autoptr (GError) problem = NULL;

  if (settings->tls_ca != NULL)
    self->trust = dc_trust_load (settings->tls_ca, &problem);
  if (problem == NULL)
    self->proxy = dc_proxy_resolver_new (settings->proxy, &problem);
  if (problem != NULL)
    g_set_error_literal (error, DC_ERROR, DC_ERROR_USAGE, problem->message);
  return problem == NULL;
}

DcIceConfig *
dc_ice_config_new (const DcIceSettings *settings, GMainContext *context, gint64 start,
    const DcIceConfigCallbacks *callbacks, gpointer user_data, GError **error)
{
  g_autoptr (DcIceConfig) self = g_new0 (DcIceConfig, 1);

  self->context = g_main_context_ref (context);
  self->start = start;
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->given = dc_ice_settings_new_servers ();
  self->turn_servers = g_ptr_array_new_with_free_func (g_free);
  self->stun_servers = dc_ice_settings_new_servers ();
  self->used = g_ptr_array_new_with_free_func (g_free);
  self->use_turn = settings->use_turn;
  self->policy = settings->policy;
  self->tcp = settings->tcp;
  if (!dc_ice_settings_get_interfaces (settings, &self->interfaces, error)
      || !dc_ice_settings_get_ports (settings, &self->min_port, &self->max_port, error)
      || !dc_ice_settings_add_servers (settings, self->given, error) || !take_way (self, settings, error))
    return NULL;
  return g_steal_pointer (&self);
}

static gboolean
is_loopback (const char *host)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);

  return address != NULL ? g_inet_address_get_is_loopback (address) : g_ascii_strcasecmp (host, "localhost") == 0;
}

/* libnice goes to a TURN server only from addresses of its family. */
static gboolean
has_ipv6_only (const DcIceConfig *self)
{
  g_autoptr (GPtrArray) addresses = dc_local_addresses_list ((const char *const *) self->interfaces);

  for (guint i = 0; i < addresses->len; i++)
    if (strchr (g_ptr_array_index (addresses, i), ':') == NULL)
      return FALSE;
  return addresses->len > 0;
}

static void
on_tunnel_event (GstStructure *event, gpointer user_data)
{
  DcIceConfig *self = user_data;

  g_free (self->turn_problem);
  self->turn_problem = g_strdup (gst_structure_get_string (event, "reason"));
  self->callbacks.event (event, self->user_data);
}

/* Has webrtcbin go to a server over TCP by a tunnel. */
static const char *
use_tunnel (DcIceConfig *self, const DcIceServer *server)
{
  g_autoptr (DcIceServer) local = NULL;

  if (self->tunnels == NULL)
    self->tunnels = dc_turn_tunnels_new (self->context, self->trust, self->proxy, self->start, on_tunnel_event, self);
  local = dc_turn_tunnels_open (self->tunnels, server, has_ipv6_only (self), NULL);
  if (local == NULL)
    return "there is no free port on the loopback interface for the way there";
  g_ptr_array_add (self->turn_servers, dc_ice_server_to_gst_uri (local));
  return NULL;
}

/* --- Names --------------------------------------------------------------------------------------------------------------------- */

/* libnice goes astray where a name has addresses of both families: it asks the second at port 0, and takes answers of one server for another's. So it
 * is given addresses. */
typedef struct {
  DcIceConfig *self;
  DcIceServer *server;
} Lookup;

static void
add_turn_address (DcIceConfig *self, const DcIceServer *server, GInetAddress *address)
{
  g_autoptr (DcIceServer) numeric = dc_ice_server_copy (server);

  g_free (numeric->host);
  numeric->host = g_inet_address_to_string (address);
  g_ptr_array_add (self->turn_servers, dc_ice_server_to_gst_uri (numeric));
}

/* The first address of each family in which we can go there. */
static void
add_turn_addresses (DcIceConfig *self, const DcIceServer *server, GList *addresses)
{
  g_autoptr (GPtrArray) ours = dc_local_addresses_list ((const char *const *) self->interfaces);
  gboolean ipv6 = FALSE, ipv4 = ours->len == 0;

  for (guint i = 0; i < ours->len; i++)
    *(strchr (g_ptr_array_index (ours, i), ':') != NULL ? &ipv6 : &ipv4) = TRUE;
  for (GList *item = addresses; item != NULL && self->turn_servers->len < MAX_TURN_SERVERS; item = item->next) {
    gboolean *wanted = g_inet_address_get_family (item->data) == G_SOCKET_FAMILY_IPV6 ? &ipv6 : &ipv4;
    if (*wanted)
      add_turn_address (self, server, item->data);
    *wanted = FALSE;
  }
}

void
dc_ice_config_set_ready (DcIceConfig *self)
{
  if (self->ready)
    return;
  self->ready = TRUE;
  self->callbacks.ready (self->user_data);
}

static void
check_ready (DcIceConfig *self)
{
  if (self->decided && self->lookups == 0)
    dc_ice_config_set_ready (self);
}

static void
on_looked_up (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Lookup *lookup = user_data;
  DcIceConfig *self = lookup->self;
  g_autoptr (DcIceServer) server = lookup->server;
  g_autoptr (GError) error = NULL;
  GList *addresses = g_resolver_lookup_by_name_finish (G_RESOLVER (source), result, &error);

  g_free (lookup);
  /* Then there is no such choice any more, perhaps nothing of all this. */
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  add_turn_addresses (self, server, addresses);
  g_resolver_free_addresses (addresses);
  if (error != NULL) {
    GstStructure *event = dc_event_new ("turn-failed", self->start);
    g_autofree char *url = dc_ice_server_to_display (server);
    gst_structure_set (event, "url", G_TYPE_STRING, url, "reason", G_TYPE_STRING, error->message, NULL);
    on_tunnel_event (event, self);
  }
  self->lookups--;
  check_ready (self);
}

static void
look_up (DcIceConfig *self, const DcIceServer *server)
{
  g_autoptr (GResolver) resolver = g_resolver_get_default ();
  Lookup lookup = {self, dc_ice_server_copy (server)};

  self->lookups++;
  g_resolver_lookup_by_name_async (
      resolver, server->host, self->cancellable, on_looked_up, g_memdup2 (&lookup, sizeof lookup));
}

static gboolean
on_ready_timeout (gpointer user_data)
{
  DcIceConfig *self = user_data;

  dc_source_clear (&self->ready_timer);
  dc_ice_config_set_ready (self);
  return G_SOURCE_REMOVE;
}

static void
stop_looking_up (DcIceConfig *self)
{
  dc_source_clear (&self->ready_timer);
  g_cancellable_cancel (self->cancellable);
  g_set_object (&self->cancellable, NULL);
  self->lookups = 0;
}

static void
wait_until_ready (DcIceConfig *self)
{
  self->ready = self->decided && self->lookups == 0;
  if (self->ready)
    return;
  self->ready_timer = g_timeout_source_new (READY_TIMEOUT_MS);
  g_source_set_callback (self->ready_timer, on_ready_timeout, self, NULL);
  g_source_attach (self->ready_timer, self->context);
}

/* --- Choosing ------------------------------------------------------------------------------------------------------------------ */

/* The signaling server often names what the user names too. */
static gboolean
is_used (const DcIceConfig *self, const DcIceServer *server)
{
  g_autofree char *url = dc_ice_server_to_gst_uri (server);

  return g_ptr_array_find_with_equal_func (self->used, url, g_str_equal, NULL);
}

static void
use_turn_by_udp (DcIceConfig *self, const DcIceServer *server)
{
  if (g_hostname_is_ip_address (server->host))
    g_ptr_array_add (self->turn_servers, dc_ice_server_to_gst_uri (server));
  else
    look_up (self, server);
  self->loopback |= is_loopback (server->host);
}

/* Uses the server, or says why not. */
static const char *
use (DcIceConfig *self, const DcIceServer *server)
{
  const char *why = dc_ice_settings_object (server);

  if (why != NULL)
    return why;
  if (is_used (self, server))
    return "it has been named before";
  if (server->kind == DC_ICE_SERVER_STUN) {
    if (self->stun_servers->len == MAX_STUN_SERVERS)
      return "eight STUN servers are enough";
    g_ptr_array_add (self->stun_servers, dc_ice_server_copy (server));
    self->loopback |= is_loopback (server->host);
    return NULL;
  }
  if (!self->use_turn)
    return "TURN is switched off";
  if (self->n_turn_servers == MAX_TURN_SERVERS)
    return "libnice takes eight TURN servers";
  if (server->transport != DC_ICE_TRANSPORT_UDP)
    why = use_tunnel (self, server);
  else
    use_turn_by_udp (self, server);
  self->n_turn_servers += why == NULL;
  self->n_turn[server->transport] += why == NULL;
  return why;
}

static void
consider (DcIceConfig *self, const DcIceServer *server, const char *source)
{
  const char *why = use (self, server);
  GstStructure *event = dc_event_new ("ice-server", self->start);
  g_autofree char *url = dc_ice_server_to_display (server);

  if (why == NULL)
    g_ptr_array_add (self->used, dc_ice_server_to_gst_uri (server));
  gst_structure_set (event, "kind", G_TYPE_STRING, server->kind == DC_ICE_SERVER_STUN ? "stun" : "turn", "url",
      G_TYPE_STRING, url, "source", G_TYPE_STRING, source, "used", G_TYPE_BOOLEAN, why == NULL, NULL);
  if (why != NULL)
    gst_structure_set (event, "reason", G_TYPE_STRING, why, NULL);
  self->callbacks.event (event, self->user_data);
}

/* --- The first STUN server that answers ----------------------------------------------------------------------------------------- */

static void
take_stun_server (DcIceConfig *self, guint number)
{
  g_autoptr (DcIceServer) server = dc_ice_server_copy (g_ptr_array_index (self->stun_servers, number));
  GInetAddress *address = self->probe != NULL ? dc_stun_probe_get_address (self->probe, number) : NULL;

  if (address != NULL) {
    g_free (server->host);
    server->host = g_inet_address_to_string (address);
  }
  g_free (self->stun_server);
  self->stun_server = dc_ice_server_to_gst_uri (server);
}

static void
on_decided (guint number, gpointer user_data)
{
  DcIceConfig *self = user_data;

  take_stun_server (self, number);
  if (self->stun_servers->len > 1 && self->stun_answers) {
    GstStructure *event = dc_event_new ("stun-chosen", self->start);
    g_autofree char *url = dc_ice_server_to_display (g_ptr_array_index (self->stun_servers, number));
    gst_structure_set (event, "url", G_TYPE_STRING, url, NULL);
    self->callbacks.event (event, self->user_data);
  }
  self->decided = TRUE;
  check_ready (self);
}

static void
on_mapped (DcNatMapping mapping, gpointer user_data)
{
  ((DcIceConfig *) user_data)->mapping = mapping;
}

static void
on_probe_event (GstStructure *event, gpointer user_data)
{
  DcIceConfig *self = user_data;

  self->stun_answers |= gst_structure_has_name (event, "stun-answered");
  self->callbacks.event (event, self->user_data);
}

static void
probe (DcIceConfig *self)
{
  static const DcStunProbeCallbacks callbacks = {on_probe_event, on_decided, on_mapped};
  g_autoptr (GPtrArray) sources =
      self->interfaces != NULL ? dc_local_addresses_list ((const char *const *) self->interfaces) : NULL;

  g_clear_pointer (&self->probe, dc_stun_probe_free);
  self->mapping = DC_NAT_MAPPING_UNKNOWN;
  self->stun_answers = FALSE;
  if (self->stun_servers->len > 0)
    self->probe = dc_stun_probe_new (self->stun_servers, sources, self->start, &callbacks, self);
}

void
dc_ice_config_network_changed (DcIceConfig *self)
{
  if (self->probe != NULL)
    probe (self);
}

static void
choose_stun_server (DcIceConfig *self)
{
  g_clear_pointer (&self->stun_server, g_free);
  if (self->stun_servers->len > 0)
    take_stun_server (self, 0);
  self->decided = self->stun_servers->len == 0 || self->policy == DC_ICE_POLICY_RELAY;
  probe (self);
}

/* UDP is the better way, and TCP without TLS the shorter one. */
static void
set_turn_delays (DcIceConfig *self)
{
  guint tcp = self->n_turn[DC_ICE_TRANSPORT_UDP] > 0 ? TURN_STEP_MS : 0;

  if (self->tunnels == NULL)
    return;
  dc_turn_tunnels_set_delay (self->tunnels, DC_ICE_TRANSPORT_TCP, tcp);
  dc_turn_tunnels_set_delay (
      self->tunnels, DC_ICE_TRANSPORT_TLS, tcp + (self->n_turn[DC_ICE_TRANSPORT_TCP] > 0 ? TURN_STEP_MS : 0));
}

void
dc_ice_config_choose (DcIceConfig *self, JsonNode *named)
{
  guint skipped = 0;
  g_autoptr (GPtrArray) servers = named != NULL ? dc_ice_servers_from_node (named, &skipped) : NULL;

  g_clear_pointer (&self->probe, dc_stun_probe_free);
  stop_looking_up (self);
  self->cancellable = g_cancellable_new ();
  self->n_turn_servers = 0;
  memset (self->n_turn, 0, sizeof self->n_turn);
  g_ptr_array_set_size (self->used, 0);
  g_ptr_array_set_size (self->stun_servers, 0);
  g_ptr_array_set_size (self->turn_servers, 0);
  self->loopback = FALSE;
  for (guint i = 0; i < self->given->len; i++)
    consider (self, g_ptr_array_index (self->given, i), "given");
  for (guint i = 0; servers != NULL && i < servers->len; i++)
    consider (self, g_ptr_array_index (servers, i), "signaling server");
  set_turn_delays (self);
  choose_stun_server (self);
  wait_until_ready (self);
}

/* Of several interfaces one may be without an address, such as that of a modem. Where no port is free, libnice would find no candidate, and say
 * nothing of it. */
GPtrArray *
dc_ice_config_list_addresses (const DcIceConfig *self, GError **error)
{
  g_autoptr (GPtrArray) addresses = dc_local_addresses_list ((const char *const *) self->interfaces);

  if (self->interfaces != NULL && addresses->len == 0) {
    g_autofree char *names = g_strjoinv (", ", self->interfaces);
    g_autofree char *quoted = dc_signaling_quote (names);
    g_set_error (error, DC_ERROR, DC_ERROR_CONNECTION,
        "the network interface %s is not there, or has no address; \"ip addr\" shows what there is", quoted);
    return NULL;
  }
  if (self->max_port > 0 && addresses->len > 0
      && !dc_local_addresses_have_port (addresses, self->min_port, self->max_port)) {
    g_set_error (error, DC_ERROR, DC_ERROR_CONNECTION,
        "no UDP port from %u to %u is free; name a wider range (--port-range)", self->min_port, self->max_port);
    return NULL;
  }
  return g_steal_pointer (&addresses);
}

void
dc_ice_config_describe (const DcIceConfig *self, DcIceSituation *situation)
{
  situation->our_nat = self->mapping;
  situation->asks_stun = self->stun_server != NULL;
  situation->stun_answers = self->stun_answers;
  situation->asks_turn = self->n_turn_servers > 0;
  situation->turn_problem = self->turn_problem;
  situation->relay_only = self->policy == DC_ICE_POLICY_RELAY;
}

DcIceTransport
dc_ice_config_get_turn_transport (const DcIceConfig *self, const char *address, guint port)
{
  return self->tunnels != NULL && is_loopback (address) ? dc_turn_tunnels_get_transport (self->tunnels, port)
                                                        : DC_ICE_TRANSPORT_UDP;
}

void
dc_ice_config_free (DcIceConfig *self)
{
  stop_looking_up (self);
  g_clear_pointer (&self->probe, dc_stun_probe_free);
  g_clear_pointer (&self->tunnels, dc_turn_tunnels_free);
  g_ptr_array_unref (self->stun_servers);
  g_ptr_array_unref (self->used);
  g_clear_object (&self->trust);
  g_clear_object (&self->proxy);
  g_main_context_unref (self->context);
  g_strfreev (self->interfaces);
  g_ptr_array_unref (self->given);
  g_ptr_array_unref (self->turn_servers);
  g_free (self->stun_server);
  g_free (self->turn_problem);
  g_free (self);
}
