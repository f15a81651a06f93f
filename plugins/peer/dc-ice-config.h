/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-ice-config.h: how a peer looks for a path: servers, those it was given and those the signaling server names, and what it may use. */
#pragma once

#include <gst/gst.h>
#include <json-glib/json-glib.h>

#include "plugins/peer/dc-peer.h"
#include "plugins/peer/dc-turn-tunnels.h"

G_BEGIN_DECLS

/* What the user says of it. */
typedef struct {
  char *stun_servers; /* (nullable): one, or several separated by blanks or commas */
  GStrv turn_servers; /* (nullable) */
  gboolean use_turn;
  DcIcePolicy policy;
  gboolean tcp;     /* TCP candidates (RFC 6544) beside those of UDP */
  char *interfaces; /* (nullable): the names of those that may be used, separated by blanks or commas; all */
  char *port_range; /* (nullable): "MIN-MAX", of host candidates; any */
  char *tls_ca;     /* (nullable): a PEM file, to be trusted for turns: instead of the system's */
  char *proxy;      /* (nullable): by which TURN servers are reached over TCP; the environment's */
} DcIceSettings;

void dc_ice_settings_clear (DcIceSettings *settings);

typedef void (*DcIceConfigEventFunc) (GstStructure *event, gpointer user_data);

typedef struct {
  GPtrArray *given; /* (element-type DcIceServer) */
  gboolean use_turn;
  gint64 start;
  DcIceConfigEventFunc event_func;
  gpointer user_data;
  GTlsDatabase *trust; /* (nullable) */
  GProxyResolver *proxy;
  GMainContext *context;  /* where the tunnels tell */
  DcTurnTunnels *tunnels; /* (nullable): none was needed yet */

  DcIcePolicy policy;
  gboolean tcp;
  GStrv interfaces;           /* (nullable) */
  guint16 min_port, max_port; /* 0: any */
  char *stun_server;          /* (nullable): as webrtcbin takes it */
  GPtrArray *turn_servers;    /* (element-type utf8): likewise */
  gboolean loopback;          /* one of them is on this machine's loopback interface */
} DcIceConfig;

/* DC_ERROR_USAGE with a sentence if something of @settings cannot be used. @event_func is called in @context, with (transfer full) "ice-server" events
 * of dc_ice_config_choose(), and later "turn-connected" and "turn-failed". @start: that they count from. */
DcIceConfig *dc_ice_config_new (const DcIceSettings *settings, GMainContext *context, gint64 start,
    DcIceConfigEventFunc event_func, gpointer user_data, GError **error);
void dc_ice_config_free (DcIceConfig *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcIceConfig, dc_ice_config_free)
/* Chooses anew, with what the signaling server names (nullable). */
void dc_ice_config_choose (DcIceConfig *self, JsonNode *named);
/* How the TURN server is reached that has this address and port for webrtcbin. */
DcIceTransport dc_ice_config_get_turn_transport (const DcIceConfig *self, const char *address, guint port);

G_END_DECLS
