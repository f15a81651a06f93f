/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-ice-config.h: how a peer looks for a path: servers, those it was given and those the signaling server names, and what it may use. */
#pragma once

#include <gst/gst.h>
#include <json-glib/json-glib.h>

#include "plugins/peer/dc-ice-advice.h"
#include "plugins/peer/dc-ice-settings.h"
#include "plugins/peer/dc-stun-probe.h"
#include "plugins/peer/dc-turn-tunnels.h"

G_BEGIN_DECLS

/* In the main context that was given. */
typedef struct {
  /* "ice-server", "turn-connected", "turn-failed", "stun-answered", "stun-failed", "stun-chosen" and "nat" (see dc-event.h), transfer full */
  void (*event) (GstStructure *event, gpointer user_data);
  /* It was decided which STUN server is used, and the addresses of the others are known; until then no connection shall be made. */
  void (*ready) (gpointer user_data);
} DcIceConfigCallbacks;

typedef struct {
  GPtrArray *given; /* (element-type DcIceServer) */
  gboolean use_turn;
  gint64 start;
  DcIceConfigCallbacks callbacks;
  gpointer user_data;
  GTlsDatabase *trust; /* (nullable) */
  GProxyResolver *proxy;
  GMainContext *context;                  /* where the tunnels tell */
  DcTurnTunnels *tunnels;                 /* (nullable): none was needed yet */
  GPtrArray *used;                        /* (element-type utf8): the URLs of all that are */
  GPtrArray *stun_servers;                /* (element-type DcIceServer): those there are to choose from */
  DcStunProbe *probe;                     /* (nullable) */
  guint n_turn[DC_ICE_TRANSPORT_TLS + 1]; /* TURN servers that are used, by transport */
  guint n_turn_servers;                   /* that are used, or will be */
  GCancellable *cancellable;              /* of the look-ups of their names */
  guint lookups;
  GSource *ready_timer; /* until they are not waited for any more */
  gboolean decided;     /* which STUN server is used */

  DcIcePolicy policy;
  gboolean tcp;
  GStrv interfaces;           /* (nullable) */
  guint16 min_port, max_port; /* 0: any */
  char *stun_server;          /* (nullable): as webrtcbin takes it */
  GPtrArray *turn_servers;    /* (element-type utf8): likewise */
  gboolean loopback;          /* one of them is on this machine's loopback interface */
  gboolean ready;             /* see DcIceConfigCallbacks */
  DcNatMapping mapping;       /* of the NAT before us */
  gboolean stun_answers;      /* one of them, at least */
  char *turn_problem;         /* (nullable): why a TURN server cannot be reached */
} DcIceConfig;

/* DC_ERROR_USAGE with a sentence if something of @settings cannot be used. @context: thread-default where dc_ice_config_choose() is called. @start: that
 * events count from. */
DcIceConfig *dc_ice_config_new (const DcIceSettings *settings, GMainContext *context, gint64 start,
    const DcIceConfigCallbacks *callbacks, gpointer user_data, GError **error);
void dc_ice_config_free (DcIceConfig *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcIceConfig, dc_ice_config_free)
/* Chooses anew, with what the signaling server names (nullable). */
void dc_ice_config_choose (DcIceConfig *self, JsonNode *named);
/* Goes on without waiting for the STUN servers any more. */
void dc_ice_config_set_ready (DcIceConfig *self);
/* Another network: STUN servers are asked again, and meanwhile everything stays as it is. */
void dc_ice_config_network_changed (DcIceConfig *self);
/* Fills in what is known of our side: the mapping, and what the servers do. */
void dc_ice_config_describe (const DcIceConfig *self, DcIceSituation *situation);
/* The addresses of ours that may be used, without loopback unless that was named. NULL: DC_ERROR_CONNECTION with a sentence: there is none on the
 * interfaces that were named, or no free port. (element-type utf8) (transfer full) */
GPtrArray *dc_ice_config_list_addresses (const DcIceConfig *self, GError **error);
/* How the TURN server is reached that has this address and port for webrtcbin. */
DcIceTransport dc_ice_config_get_turn_transport (const DcIceConfig *self, const char *address, guint port);

G_END_DECLS
