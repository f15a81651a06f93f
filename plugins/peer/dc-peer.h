/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-peer.h: a peer in a room: signaling, pairing and its connections. */
#pragma once

#include "plugins/peer/dc-channel.h"
#include "plugins/peer/dc-error.h"

G_BEGIN_DECLS

/**
 * DcRole:
 * @DC_ROLE_AUTO: of two peers that match, the one who came later calls
 * @DC_ROLE_OFFERER: calls
 * @DC_ROLE_ANSWERER: waits to be called
 */
typedef enum { DC_ROLE_AUTO, DC_ROLE_OFFERER, DC_ROLE_ANSWERER } DcRole;
GType dc_role_get_type (void);
#define DC_TYPE_ROLE (dc_role_get_type ())

/* What a peer wants of the room: who only sends matches who receives, and so on. */
typedef enum { DC_WANTS_SEND = 1, DC_WANTS_RECEIVE = 2, DC_WANTS_BOTH = 3 } DcWants;
GType dc_wants_get_type (void);
#define DC_TYPE_WANTS (dc_wants_get_type ())

typedef enum { DC_ICE_POLICY_ALL, DC_ICE_POLICY_RELAY } DcIcePolicy;
GType dc_ice_policy_get_type (void);
#define DC_TYPE_ICE_POLICY (dc_ice_policy_get_type ())

#define DC_PEER_DEFAULT_SIGNALING "ws://127.0.0.1:8443"
#define DC_PEER_DEFAULT_ROOM "default"
#define DC_PEER_DEFAULT_LABEL "data"

#define DC_TYPE_PEER (dc_peer_get_type ())
G_DECLARE_FINAL_TYPE (DcPeer, dc_peer, DC, PEER, GObject)

/*
 * Properties, all construct-only; NULL and 0 are the defaults:
 *   "signaling" string       URL, see DcSignalingConfig; default ws://127.0.0.1:8443
 *   "room" string            default "default"
 *   "id" string              default: made up by the server
 *   "remote-peer" string     connect to this peer only
 *   "role" DcRole
 *   "wants" DcWants          default BOTH
 *   "label" string           channel label, default "data"; both sides must agree
 *   "mode" DcMode            both sides must agree
 *   "stun-server" string     beside those that the signaling server names
 *   "turn-servers" GStrv
 *   "use-turn" boolean       default TRUE; FALSE ignores TURN servers, the signaling server's too
 *   "ice-transport-policy" DcIcePolicy
 *   "connect-timeout" uint   seconds from the start (or from the loss of the last remote) until a channel must be open; 0: no limit.
 *   "tls-ca" string          PEM file trusted for wss:// and https:// instead of the system's
 *   "polling" boolean        HTTP long polling only
 *   "token" string           admission token for the server
 *   "once" boolean           after the first channel has ended, leave the room and call and answer nobody any more
 *   "max-connections" uint   remote peers served at a time, default 1; a further caller is told "busy"
 *
 * Signals, on the peer's worker thread, no lock held; handlers must not block and must not call dc_peer_stop():
 *   "event" (GstStructure *)  what goes on, for people and logs; see dc-event.h for names and fields
 *   "channel" (DcChannel *)   a channel is open and may be used
 *   "failed" (GError *)       the peer has given up; nothing follows. The sentence says why.
 *
 * After a channel has closed the peer looks for the next remote again (offerer and auto: calls again who matches and is new or back;
 * answerer: waits), until dc_peer_stop().
 */
/* Checks the properties and starts the worker: DC_ERROR_USAGE with a sentence. Returns at once. */
gboolean dc_peer_start (DcPeer *self, GError **error);
/* Ends every connection and the session with the server, in an order that cannot hang; blocks for at most about 2 s, typically 0.1 s.
 * Not from a signal handler. The peer cannot be started again. */
void dc_peer_stop (DcPeer *self);
/* Blocks until a channel is open that was not waited for before, the peer failed, or dc_peer_set_flushing(). (transfer full) */
DcChannel *dc_peer_wait_channel (DcPeer *self, GError **error);
void dc_peer_set_flushing (DcPeer *self, gboolean flushing);

/* (nullable) (transfer full): the id that the server gave, once registered. */
char *dc_peer_dup_id (DcPeer *self);

G_END_DECLS
