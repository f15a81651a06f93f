/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-ice-config.c: which STUN and TURN servers a peer uses: those it was given and those the signaling server names. */
#include "plugins/peer/dc-ice-config.h"

#include <gio/gio.h>

#include "plugins/peer/dc-error.h"
#include "plugins/peer/dc-event.h"
#include "signaling/protocol/dc-ice-server.h"

/* libnice takes eight a component. */
#define MAX_TURN_SERVERS 8

/* Why webrtcbin cannot use the server, or NULL. */
static const char *
objection (const DcIceServer *server)
{
  if (server->kind == DC_ICE_SERVER_STUN)
    return NULL;
  /* libnice connects to a turns: server without TLS: a password in clear text where the user asked for secrecy. */
  if (server->transport == DC_ICE_TRANSPORT_TLS)
    return "TURN over TLS is not supported yet; use turn: with ?transport=tcp";
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

DcIceConfig *
dc_ice_config_new (const char *stun_server, const char *const *turn_servers, gboolean use_turn, GError **error)
{
  g_autoptr (DcIceConfig) self = g_new0 (DcIceConfig, 1);

  self->given = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_ice_server_free);
  self->turn_servers = g_ptr_array_new_with_free_func (g_free);
  self->use_turn = use_turn;
  if (stun_server != NULL && *stun_server != '\0' && !add_given (self, stun_server, DC_ICE_SERVER_STUN, error))
    return NULL;
  for (guint i = 0; turn_servers != NULL && turn_servers[i] != NULL; i++)
    if (!add_given (self, turn_servers[i], DC_ICE_SERVER_TURN, error))
      return NULL;
  return g_steal_pointer (&self);
}

void
dc_ice_config_free (DcIceConfig *self)
{
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
  g_ptr_array_add (self->turn_servers, dc_ice_server_to_gst_uri (server));
  self->loopback |= is_loopback (server->host);
  return NULL;
}

static GstStructure *
describe (const DcIceServer *server, const char *source, const char *why, gint64 start)
{
  GstStructure *event = dc_event_new ("ice-server", start);
  g_autofree char *url = dc_ice_server_to_display (server);

  gst_structure_set (event, "kind", G_TYPE_STRING, server->kind == DC_ICE_SERVER_STUN ? "stun" : "turn", "url",
      G_TYPE_STRING, url, "source", G_TYPE_STRING, source, "used", G_TYPE_BOOLEAN, why == NULL, NULL);
  if (why != NULL)
    gst_structure_set (event, "reason", G_TYPE_STRING, why, NULL);
  return event;
}

void
dc_ice_config_choose (
    DcIceConfig *self, JsonNode *named, gint64 start, DcIceConfigEventFunc event_func, gpointer user_data)
{
  guint skipped = 0;
  g_autoptr (GPtrArray) servers = named != NULL ? dc_ice_servers_from_node (named, &skipped) : NULL;

  g_clear_pointer (&self->stun_server, g_free);
  g_ptr_array_set_size (self->turn_servers, 0);
  self->loopback = FALSE;
  for (guint i = 0; i < self->given->len; i++) {
    const DcIceServer *server = g_ptr_array_index (self->given, i);
    event_func (describe (server, "given", use (self, server), start), user_data);
  }
  for (guint i = 0; servers != NULL && i < servers->len; i++) {
    const DcIceServer *server = g_ptr_array_index (servers, i);
    event_func (describe (server, "signaling server", use (self, server), start), user_data);
  }
}
