/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-turn-tunnels.h: the way to TURN servers over TCP: TLS, which libnice does not do, and proxies. */
#pragma once

#include <gio/gio.h>
#include <gst/gst.h>

#include "signaling/protocol/dc-ice-server.h"

G_BEGIN_DECLS

typedef struct _DcTurnTunnels DcTurnTunnels;

/* "turn-connected" and "turn-failed" (see dc-event.h), transfer full. */
typedef void (*DcTurnTunnelsFunc) (GstStructure *event, gpointer user_data);

/* @trust: (nullable): the system's. @func is called in the main context @context, until dc_turn_tunnels_free(). @start: that events
 * count from. Made, used and freed on one thread. */
DcTurnTunnels *dc_turn_tunnels_new (GMainContext *context, GTlsDatabase *trust, GProxyResolver *proxy, gint64 start,
    DcTurnTunnelsFunc func, gpointer user_data);
/* Ends all that goes through them. */
void dc_turn_tunnels_free (DcTurnTunnels *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcTurnTunnels, dc_turn_tunnels_free)

/* A server that is on the loopback interface and speaks TCP, behind which is @server. The same for the same server as before, unless many others
 * were opened since. NULL: there is no free port. */
DcIceServer *dc_turn_tunnels_open (DcTurnTunnels *self, const DcIceServer *server, gboolean ipv6, GError **error);
/* How long libnice is made to wait for servers of that transport, so that a faster one is there first: it keeps one relay for each address. Counts from the
 * next connection on. */
void dc_turn_tunnels_set_delay (DcTurnTunnels *self, DcIceTransport transport, guint milliseconds);
/* Some connection has got a relay: servers whose time has not come need not be asked. */
void dc_turn_tunnels_have_relay (DcTurnTunnels *self);
/* The transport to the server behind a port of ours; UDP: it is none of ours. */
DcIceTransport dc_turn_tunnels_get_transport (DcTurnTunnels *self, guint port);

G_END_DECLS
