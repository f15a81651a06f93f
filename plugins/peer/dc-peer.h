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
 *
 * Who calls whom.
 */
typedef enum { DC_ROLE_AUTO, DC_ROLE_OFFERER, DC_ROLE_ANSWERER } DcRole;
GType dc_role_get_type (void);
#define DC_TYPE_ROLE (dc_role_get_type ())

/**
 * DcIcePolicy:
 * @DC_ICE_POLICY_ALL: every kind of candidate
 * @DC_ICE_POLICY_RELAY: only candidates of TURN servers
 *
 * Which candidates may be used (RFC 8829, section 4.1.1).
 */
typedef enum { DC_ICE_POLICY_ALL, DC_ICE_POLICY_RELAY } DcIcePolicy;
GType dc_ice_policy_get_type (void);
#define DC_TYPE_ICE_POLICY (dc_ice_policy_get_type ())

/**
 * DcFast:
 * @DC_FAST_AUTO: wherever the path allows it, and through GStreamer's way everywhere else
 * @DC_FAST_OFF: never
 *
 * Whether packets and messages go past GStreamer's elements, in batches.
 */
typedef enum { DC_FAST_AUTO, DC_FAST_OFF } DcFast;
GType dc_fast_get_type (void);
#define DC_TYPE_FAST (dc_fast_get_type ())
/* As the environment variable DC_FAST says, or else as the library was built. Any thread. */
DcFast dc_fast_get_default (void);

/**
 * DC_PEER_DEFAULT_SIGNALING:
 *
 * URL of the signaling server, unless another is named.
 */
#define DC_PEER_DEFAULT_SIGNALING "ws://127.0.0.1:8443"
/**
 * DC_PEER_DEFAULT_ROOM:
 *
 * The room, unless another is named.
 */
#define DC_PEER_DEFAULT_ROOM "default"
/**
 * DC_PEER_DEFAULT_RESUME_TIMEOUT:
 *
 * Seconds for which a lost connection is made anew, unless told otherwise.
 */
#define DC_PEER_DEFAULT_RESUME_TIMEOUT 30

#define DC_TYPE_PEER (dc_peer_get_type ())
G_DECLARE_FINAL_TYPE (DcPeer, dc_peer, DC, PEER, GObject)

/*
 * Making the first peer initializes GStreamer, if the application has not.
 *
 * Properties, construct-only but for `stats` and `stats-interval`; NULL and 0 are the defaults where nothing else is said:
 *   "signaling" string       URL, see DcSignalingConfig; default ws://127.0.0.1:8443; "manual:": no server, people carry "description"
 *   "room" string            default "default"
 *   "id" string              default: made up by the server
 *   "remote-peer" string     connect to this peer only
 *   "role" DcRole
 *   "stun-server" string     beside those that the signaling server names
 *   "turn-servers" GStrv
 *   "use-turn" boolean       default TRUE; FALSE ignores TURN servers, the signaling server's too
 *   "ice-transport-policy" DcIcePolicy
 *   "fast" DcFast            default: dc_fast_get_default()
 *   "connect-timeout" uint   seconds from the start until a channel must be open, and with max-connections of 1 also from the end of one
 *                            until the next; 0: no limit
 *   "resume-timeout" uint    seconds for which a lost connection is made anew before its channels end; default 30; 0: they end at once
 *   "tls-ca" string          PEM file trusted for wss:// and https:// instead of the system's
 *   "polling" boolean        HTTP long polling only
 *   "token" string           admission token for the server
 *   "secret" string          passphrase that both sides prove to each other; link mode only
 *   "certificate" string     PEM file with our certificate and its key, made if it is not there; default: one for this process
 *   "once" boolean           after the first remote's channels have ended, leave the room and call and answer nobody any more
 *   "max-connections" uint   remote peers served at a time, default 1; a further caller is told "busy"
 *   "stats" GstStructure     (read-only) the statistics, see dc-event.h
 *   "stats-interval" uint    milliseconds between two "statistics" signals, 0: none
 *
 * Signals, on the peer's worker thread, no lock held; handlers must not block and must not call dc_peer_stop():
 *   "event" (GstStructure *)  what goes on, for people and logs; see dc-event.h for names and fields
 *   "channel" (DcChannel *)   a channel is open and may be used
 *   "description" (char *text, gboolean complete)   manual: what is to be brought to the other side
 *   "statistics" (GstStructure *)
 *   "failed" (GError *)       the peer has given up; nothing follows. The sentence says why.
 *
 * After a remote's channels have ended the peer looks for the next remote again (offerer and auto: calls again who matches and is new or
 * back; answerer: waits), until dc_peer_stop().
 */

/* A channel to have with each remote; before dc_peer_start(). Without one it is the default of dc_channel_options_new (NULL). DC_ERROR_USAGE. */
gboolean dc_peer_add_channel (DcPeer *self, const DcChannelOptions *options, GError **error);
/* Checks the properties and starts the worker: DC_ERROR_USAGE with a sentence. Returns at once. */
gboolean dc_peer_start (DcPeer *self, GError **error);
/* Ends every connection and the session with the server, in an order that cannot hang; blocks for at most about a second, typically 0.1 s.
 * Not from a signal handler. The peer cannot be started again. */
void dc_peer_stop (DcPeer *self);
/* Manual: takes what was brought from the other side. DC_ERROR_USAGE, DC_ERROR_DATA. */
gboolean dc_peer_take_description (DcPeer *self, const char *text, GError **error);
/* Blocks until a channel called @label (nullable: any) is open that was not waited for before, the peer failed, or dc_peer_set_flushing().
 * (transfer full) */
DcChannel *dc_peer_wait_channel (DcPeer *self, const char *label, GError **error);
/* The same without blocking: NULL without @error if there is none. (transfer full) (nullable) */
DcChannel *dc_peer_try_channel (DcPeer *self, const char *label, GError **error);
void dc_peer_set_flushing (DcPeer *self, gboolean flushing);

/* (nullable) (transfer full): the id that the server gave, once registered. */
char *dc_peer_dup_id (DcPeer *self);
/* (transfer full): as the property; from any thread. */
GstStructure *dc_peer_dup_stats (DcPeer *self);

G_END_DECLS
