/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-ice-config.c: how a peer looks for a path: servers, those it was given and those the signaling server names, and what it may use. */
#include "plugins/peer/dc-ice-config.h"

#include <gio/gio.h>
#include <string.h>

#include "plugins/peer/dc-error.h"
#include "plugins/peer/dc-event.h"
#include "plugins/peer/dc-local-addresses.h"
#include "signaling/client/dc-proxy.h"
#include "signaling/client/dc-trust.h"
#include "signaling/protocol/dc-ice-server.h"
#include "signaling/protocol/dc-signaling-error.h"

/* libnice takes eight a component. */
#define MAX_TURN_SERVERS 8

/* Why webrtcbin cannot use the server, or NULL. */
static const char *
objection (const DcIceServer *server)
{
  if (server->kind == DC_ICE_SERVER_STUN)
    return NULL;
  if (server->username == NULL || server->credential == NULL)
    return "a TURN server needs a user name and a password: turn://USER:PASSWORD@HOST:PORT";
  return NULL;
}

static gboolean
add_given (DcIceConfig *self, const char *text, DcIceServerKind kind, GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (DcIceServer) server = dc_ice_server_parse (text, kind, &problem);
  const char *why = server != NULL ? objection (server) : problem->message;

  if (why != NULL) {
    g_autofree char *display = server != NULL ? dc_ice_server_to_display (server) : NULL;
    g_set_error (
        error, DC_ERROR, DC_ERROR_USAGE, "%s%s%s", display != NULL ? display : "", display != NULL ? ": " : "", why);
    return FALSE;
  }
  g_ptr_array_add (self->given, g_steal_pointer (&server));
  return TRUE;
}

void
dc_ice_settings_clear (DcIceSettings *settings)
{
  g_clear_pointer (&settings->stun_servers, g_free);
  g_clear_pointer (&settings->turn_servers, g_strfreev);
  g_clear_pointer (&settings->interfaces, g_free);
  g_clear_pointer (&settings->port_range, g_free);
  g_clear_pointer (&settings->tls_ca, g_free);
  g_clear_pointer (&settings->proxy, g_free);
}

/* The words of a list whose separators are blanks and commas. (nullable) */
static GStrv
split_list (const char *text)
{
  g_auto (GStrv) parts = text != NULL ? g_strsplit_set (text, " \t\n,", -1) : NULL;
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();
  gboolean some = FALSE;

  for (guint i = 0; parts != NULL && parts[i] != NULL; i++) {
    if (*parts[i] == '\0')
      continue;
    g_strv_builder_add (words, parts[i]);
    some = TRUE;
  }
  return some ? g_strv_builder_end (words) : NULL;
}

static gboolean
add_all_given (DcIceConfig *self, const DcIceSettings *settings, GError **error)
{
  g_auto (GStrv) stun_servers = split_list (settings->stun_servers);

  for (guint i = 0; stun_servers != NULL && stun_servers[i] != NULL; i++)
    if (!add_given (self, stun_servers[i], DC_ICE_SERVER_STUN, error))
      return FALSE;
  for (guint i = 0; settings->turn_servers != NULL && settings->turn_servers[i] != NULL; i++)
    if (!add_given (self, settings->turn_servers[i], DC_ICE_SERVER_TURN, error))
      return FALSE;
  return TRUE;
}

static gboolean
parse_port_range (DcIceConfig *self, const char *text, GError **error)
{
  g_auto (GStrv) ends = text != NULL ? g_strsplit (text, "-", 2) : NULL;
  guint64 min, max;

  if (text == NULL)
    return TRUE;
  if (g_strv_length (ends) == 2 && g_ascii_string_to_unsigned (ends[0], 10, 1, G_MAXUINT16, &min, NULL)
      && g_ascii_string_to_unsigned (ends[1], 10, min, G_MAXUINT16, &max, NULL)) {
    self->min_port = (guint16) min;
    self->max_port = (guint16) max;
    return TRUE;
  }
  g_autofree char *quoted = dc_signaling_quote (text);
  g_set_error (error, DC_ERROR, DC_ERROR_USAGE,
      "the port range %s is none; write the least and the greatest port, such as 50000-50100", quoted);
  return FALSE;
}

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
dc_ice_config_new (const DcIceSettings *settings, GMainContext *context, gint64 start, DcIceConfigEventFunc event_func,
    gpointer user_data, GError **error)
{
  g_autoptr (DcIceConfig) self = g_new0 (DcIceConfig, 1);

  self->context = g_main_context_ref (context);
  self->start = start;
  self->event_func = event_func;
  self->user_data = user_data;
  self->given = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_ice_server_free);
  self->turn_servers = g_ptr_array_new_with_free_func (g_free);
  self->use_turn = settings->use_turn;
  self->policy = settings->policy;
  self->tcp = settings->tcp;
  self->interfaces = split_list (settings->interfaces);
  if (!parse_port_range (self, settings->port_range, error) || !add_all_given (self, settings, error)
      || !take_way (self, settings, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
dc_ice_config_free (DcIceConfig *self)
{
  g_clear_pointer (&self->tunnels, dc_turn_tunnels_free);
  g_clear_object (&self->trust);
  g_clear_object (&self->proxy);
  g_main_context_unref (self->context);
  g_strfreev (self->interfaces);
  g_ptr_array_unref (self->given);
  g_ptr_array_unref (self->turn_servers);
  g_free (self->stun_server);
  g_free (self);
}

static gboolean
is_loopback (const char *host)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);

  return address != NULL ? g_inet_address_get_is_loopback (address) : g_str_equal (host, "localhost");
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

/* Has webrtcbin go to a server over TCP by a tunnel. */
static const char *
use_tunnel (DcIceConfig *self, const DcIceServer *server)
{
  g_autoptr (DcIceServer) local = NULL;

  if (self->tunnels == NULL)
    self->tunnels =
        dc_turn_tunnels_new (self->context, self->trust, self->proxy, self->start, self->event_func, self->user_data);
  local = dc_turn_tunnels_open (self->tunnels, server, has_ipv6_only (self), NULL);
  if (local == NULL)
    return "there is no free port on the loopback interface for the way there";
  g_ptr_array_add (self->turn_servers, dc_ice_server_to_gst_uri (local));
  return NULL;
}

/* Uses the server, or says why not. */
static const char *
use (DcIceConfig *self, const DcIceServer *server)
{
  const char *why = objection (server);

  if (why != NULL)
    return why;
  if (server->kind == DC_ICE_SERVER_STUN) {
    if (self->stun_server != NULL)
      return "webrtcbin takes one STUN server";
    self->stun_server = dc_ice_server_to_gst_uri (server);
    self->loopback |= is_loopback (server->host);
    return NULL;
  }
  if (!self->use_turn)
    return "TURN is switched off";
  if (self->turn_servers->len == MAX_TURN_SERVERS)
    return "libnice takes eight TURN servers";
  if (server->transport != DC_ICE_TRANSPORT_UDP)
    return use_tunnel (self, server);
  g_ptr_array_add (self->turn_servers, dc_ice_server_to_gst_uri (server));
  self->loopback |= is_loopback (server->host);
  return NULL;
}

static void
consider (DcIceConfig *self, const DcIceServer *server, const char *source)
{
  const char *why = use (self, server);
  GstStructure *event = dc_event_new ("ice-server", self->start);
  g_autofree char *url = dc_ice_server_to_display (server);

  gst_structure_set (event, "kind", G_TYPE_STRING, server->kind == DC_ICE_SERVER_STUN ? "stun" : "turn", "url",
      G_TYPE_STRING, url, "source", G_TYPE_STRING, source, "used", G_TYPE_BOOLEAN, why == NULL, NULL);
  if (why != NULL)
    gst_structure_set (event, "reason", G_TYPE_STRING, why, NULL);
  self->event_func (event, self->user_data);
}

void
dc_ice_config_choose (DcIceConfig *self, JsonNode *named)
{
  guint skipped = 0;
  g_autoptr (GPtrArray) servers = named != NULL ? dc_ice_servers_from_node (named, &skipped) : NULL;

  g_clear_pointer (&self->stun_server, g_free);
  g_ptr_array_set_size (self->turn_servers, 0);
  self->loopback = FALSE;
  for (guint i = 0; i < self->given->len; i++)
    consider (self, g_ptr_array_index (self->given, i), "given");
  for (guint i = 0; servers != NULL && i < servers->len; i++)
    consider (self, g_ptr_array_index (servers, i), "signaling server");
}

DcIceTransport
dc_ice_config_get_turn_transport (const DcIceConfig *self, const char *address, guint port)
{
  return self->tunnels != NULL && is_loopback (address) ? dc_turn_tunnels_get_transport (self->tunnels, port)
                                                        : DC_ICE_TRANSPORT_UDP;
}
