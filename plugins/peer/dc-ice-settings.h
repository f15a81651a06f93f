/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-ice-settings.h: what the user says of how a peer looks for a path, read and checked. */
#pragma once

#include <gio/gio.h>

#include "plugins/peer/dc-peer.h"
#include "signaling/protocol/dc-ice-server.h"

G_BEGIN_DECLS

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

/* For DcIceServers. (transfer full) */
GPtrArray *dc_ice_settings_new_servers (void);
/* Why webrtcbin cannot use the server, or NULL. */
const char *dc_ice_settings_object (const DcIceServer *server);
/* What follows says in @error, DC_ERROR_USAGE, what cannot be used. The STUN and TURN servers: */
gboolean dc_ice_settings_add_servers (const DcIceSettings *settings, GPtrArray *servers, GError **error);
/* 0: any */
gboolean dc_ice_settings_get_ports (
    const DcIceSettings *settings, guint16 *min_port, guint16 *max_port, GError **error);
/* NULL: any. (transfer full) */
gboolean dc_ice_settings_get_interfaces (const DcIceSettings *settings, GStrv *interfaces, GError **error);

G_END_DECLS
