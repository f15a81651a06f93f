/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-ice-config.h: which STUN and TURN servers a peer uses: those it was given and those the signaling server names. */
#pragma once

#include <gst/gst.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct {
  GPtrArray *given; /* (element-type DcIceServer) */
  gboolean use_turn;
  char *stun_server;       /* (nullable): as webrtcbin takes it */
  GPtrArray *turn_servers; /* (element-type utf8): likewise */
  gboolean loopback;       /* one of them is on this machine's loopback interface */
} DcIceConfig;

typedef void (*DcIceConfigEventFunc) (GstStructure *event, gpointer user_data);

/* DC_ERROR_USAGE with a sentence if a server given cannot be used. */
DcIceConfig *dc_ice_config_new (
    const char *stun_server, const char *const *turn_servers, gboolean use_turn, GError **error);
void dc_ice_config_free (DcIceConfig *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcIceConfig, dc_ice_config_free)
/* Chooses anew, with what the signaling server names (nullable). Tells of each server by an "ice-server" event (transfer full). */
void dc_ice_config_choose (
    DcIceConfig *self, JsonNode *named, gint64 start, DcIceConfigEventFunc event_func, gpointer user_data);

G_END_DECLS
