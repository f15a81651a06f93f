/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-peer-class.c: what a DcPeer shows: its properties and signals. */
#include "plugins/peer/dc-peer-private.h"

#include "plugins/peer/dc-channel.h"
#include "plugins/peer/dc-peer.h"

enum {
  PROP_0,
  PROP_SIGNALING,
  PROP_ROOM,
  PROP_ID,
  PROP_REMOTE_PEER,
  PROP_ROLE,
  PROP_STUN_SERVER,
  PROP_TURN_SERVERS,
  PROP_USE_TURN,
  PROP_ICE_TRANSPORT_POLICY,
  PROP_ICE_TCP,
  PROP_INTERFACE,
  PROP_PORT_RANGE,
  PROP_FAST,
  PROP_CONNECT_TIMEOUT,
  PROP_RESUME_TIMEOUT,
  PROP_TLS_CA,
  PROP_PROXY,
  PROP_POLLING,
  PROP_TOKEN,
  PROP_SECRET,
  PROP_CERTIFICATE,
  PROP_ONCE,
  PROP_MAX_CONNECTIONS,
  PROP_STATS,
  PROP_STATS_INTERVAL,
  N_PROPS,
};
static GParamSpec *properties[N_PROPS];

static char *
dup_string (const GValue *value, const char *fallback)
{
  const char *string = g_value_get_string (value);

  return g_strdup (string != NULL && *string != '\0' ? string : fallback);
}

/* The property's place, with its default, or NULL if it is no string. */
static char **
string_of (DcPeer *self, guint id, const char **fallback)
{
  *fallback = NULL;
  switch (id) {
    case PROP_SIGNALING:
      *fallback = DC_PEER_DEFAULT_SIGNALING;
      return &self->signaling;
    case PROP_ROOM:
      *fallback = DC_PEER_DEFAULT_ROOM;
      return &self->room;
    case PROP_ID:
      return &self->wanted_id;
    case PROP_REMOTE_PEER:
      return &self->remote_peer;
    case PROP_STUN_SERVER:
      return &self->ice_settings.stun_servers;
    case PROP_INTERFACE:
      return &self->ice_settings.interfaces;
    case PROP_PORT_RANGE:
      return &self->ice_settings.port_range;
    case PROP_TLS_CA:
      return &self->ice_settings.tls_ca;
    case PROP_PROXY:
      return &self->ice_settings.proxy;
    case PROP_TOKEN:
      return &self->token;
    case PROP_SECRET:
      return &self->secret;
    case PROP_CERTIFICATE:
      return &self->certificate;
    default:
      return NULL;
  }
}

static gboolean
on_stats_interval (gpointer user_data)
{
  dc_peer_start_stats (user_data);
  return G_SOURCE_REMOVE;
}

static void
set_stats_interval (DcPeer *self, guint interval)
{
  g_mutex_lock (&self->lock);
  self->stats_interval = interval;
  g_mutex_unlock (&self->lock);
  if (self->thread != NULL)
    dc_peer_invoke (self, on_stats_interval, self, NULL);
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  DcPeer *self = DC_PEER (object);
  const char *fallback;
  char **string = string_of (self, id, &fallback);

  if (id == PROP_SECRET)
    *string = g_value_dup_string (value); /* an empty one is not none: dc_peer_start() refuses it */
  else if (string != NULL)
    *string = dup_string (value, fallback);
  else if (id == PROP_ROLE)
    self->profile.role = g_value_get_enum (value);
  else if (id == PROP_TURN_SERVERS)
    self->ice_settings.turn_servers = g_value_dup_boxed (value);
  else if (id == PROP_USE_TURN)
    self->ice_settings.use_turn = g_value_get_boolean (value);
  else if (id == PROP_ICE_TRANSPORT_POLICY)
    self->ice_settings.policy = g_value_get_enum (value);
  else if (id == PROP_ICE_TCP)
    self->ice_settings.tcp = g_value_get_boolean (value);
  else if (id == PROP_FAST)
    self->webrtc_settings.fast = g_value_get_enum (value);
  else if (id == PROP_CONNECT_TIMEOUT)
    self->connect_timeout = g_value_get_uint (value);
  else if (id == PROP_RESUME_TIMEOUT)
    self->resume_timeout = g_value_get_uint (value);
  else if (id == PROP_POLLING)
    self->polling = g_value_get_boolean (value);
  else if (id == PROP_ONCE)
    self->once = g_value_get_boolean (value);
  else if (id == PROP_MAX_CONNECTIONS)
    self->max_connections = g_value_get_uint (value);
  else if (id == PROP_STATS_INTERVAL)
    set_stats_interval (self, g_value_get_uint (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  DcPeer *self = DC_PEER (object);
  const char *fallback;
  char **string = string_of (self, id, &fallback);

  if (string != NULL)
    g_value_set_string (value, *string);
  else if (id == PROP_ROLE)
    g_value_set_enum (value, self->profile.role);
  else if (id == PROP_TURN_SERVERS)
    g_value_set_boxed (value, self->ice_settings.turn_servers);
  else if (id == PROP_USE_TURN)
    g_value_set_boolean (value, self->ice_settings.use_turn);
  else if (id == PROP_ICE_TRANSPORT_POLICY)
    g_value_set_enum (value, self->ice_settings.policy);
  else if (id == PROP_ICE_TCP)
    g_value_set_boolean (value, self->ice_settings.tcp);
  else if (id == PROP_FAST)
    g_value_set_enum (value, self->webrtc_settings.fast);
  else if (id == PROP_CONNECT_TIMEOUT)
    g_value_set_uint (value, self->connect_timeout);
  else if (id == PROP_RESUME_TIMEOUT)
    g_value_set_uint (value, self->resume_timeout);
  else if (id == PROP_POLLING)
    g_value_set_boolean (value, self->polling);
  else if (id == PROP_ONCE)
    g_value_set_boolean (value, self->once);
  else if (id == PROP_MAX_CONNECTIONS)
    g_value_set_uint (value, self->max_connections);
  else if (id == PROP_STATS)
    g_value_take_boxed (value, dc_peer_dup_stats (self));
  else if (id == PROP_STATS_INTERVAL)
    g_value_set_uint (value, self->stats_interval);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

#define CONSTRUCT_FLAGS (G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS)

/* Whom to meet, and where. */
static void
define_meeting (void)
{
  /**
   * DcPeer:signaling:
   * URL of the signaling server: `ws://`, `wss://`, `http://` or `https://` (the latter two: HTTP long polling only), or
   * `HOST[:PORT]`. %NULL: `ws://127.0.0.1:8443`.
   *
   * `manual:` means that there is none, and people carry the session descriptions from one side to the other: see [signal@Peer::description] and
   * [method@Peer.take_description]. There is one call then, no [property@Peer:resume-timeout], and the time until the other side has
   * answered is only limited by [property@Peer:connect-timeout].
   */
  properties[PROP_SIGNALING] = g_param_spec_string (
      "signaling", NULL, "URL of the signaling server; NULL: " DC_PEER_DEFAULT_SIGNALING, NULL, CONSTRUCT_FLAGS);
  /**
   * DcPeer:room:
   * Room in which the peers meet. %NULL: `default`.
   */
  properties[PROP_ROOM] = g_param_spec_string (
      "room", NULL, "Room in which the peers meet; NULL: " DC_PEER_DEFAULT_ROOM, NULL, CONSTRUCT_FLAGS);
  /**
   * DcPeer:id:
   * Our id in the room: 1 to 64 letters, digits, dots, dashes and underscores. %NULL: the server makes one up, which
   * [method@Peer.dup_id] tells.
   */
  properties[PROP_ID] =
      g_param_spec_string ("id", NULL, "Our id in the room; NULL: the server makes one up", NULL, CONSTRUCT_FLAGS);
  /**
   * DcPeer:remote-peer:
   * The only peer to connect to. %NULL: whoever matches.
   */
  properties[PROP_REMOTE_PEER] = g_param_spec_string (
      "remote-peer", NULL, "The only peer to connect to; NULL: whoever matches", NULL, CONSTRUCT_FLAGS);
  /**
   * DcPeer:role:
   * Who calls whom.
   */
  properties[PROP_ROLE] =
      g_param_spec_enum ("role", NULL, "Who calls whom", DC_TYPE_ROLE, DC_ROLE_AUTO, CONSTRUCT_FLAGS);
  /**
   * DcPeer:once:
   * Whether the peer leaves the room after the first remote's channels have ended, and then calls and answers nobody any more.
   */
  properties[PROP_ONCE] = g_param_spec_boolean (
      "once", NULL, "Leave the room after the first remote's channels have ended", FALSE, CONSTRUCT_FLAGS);
  /**
   * DcPeer:max-connections:
   * Remote peers served at a time. A further caller is told that we are busy.
   */
  properties[PROP_MAX_CONNECTIONS] =
      g_param_spec_uint ("max-connections", NULL, "Remote peers served at a time", 1, G_MAXUINT, 1, CONSTRUCT_FLAGS);
}

/* How to talk to the signaling server. */
static void
define_server (void)
{
  /**
   * DcPeer:tls-ca:
   * PEM file of the certificates that are trusted for `wss://`, `https://` and `turns:`. %NULL: the system's.
   */
  properties[PROP_TLS_CA] = g_param_spec_string ("tls-ca", NULL,
      "PEM file trusted for wss://, https:// and turns: instead of the system's", NULL, CONSTRUCT_FLAGS);
  /**
   * DcPeer:proxy:
   * By which proxy the signaling server and, over TCP or TLS, TURN servers are reached: `[http://][USER:PASSWORD@]HOST:PORT`, also `https://` and
   * `socks5://`. An HTTP proxy must allow CONNECT. %NULL: as the environment variables https_proxy, http_proxy and no_proxy say.
   * It cannot be read back.
   */
  properties[PROP_PROXY] = g_param_spec_string ("proxy", NULL,
      "Proxy to the signaling server and TURN servers over TCP; NULL: the environment's", NULL,
      CONSTRUCT_FLAGS & ~G_PARAM_READABLE);
  /**
   * DcPeer:polling:
   * Whether HTTP long polling is used from the start. Otherwise it is what a WebSocket that does not get through is replaced by.
   */
  properties[PROP_POLLING] = g_param_spec_boolean ("polling", NULL, "HTTP long polling only", FALSE, CONSTRUCT_FLAGS);
  /**
   * DcPeer:token:
   * Admission token for the signaling server.
   */
  properties[PROP_TOKEN] =
      g_param_spec_string ("token", NULL, "Admission token for the signaling server", NULL, CONSTRUCT_FLAGS);
  /**
   * DcPeer:secret:
   * A passphrase that both sides know. They prove it to each other, and that they see the same two certificates, on each channel before
   * anything else crosses it (CPace), so that a hostile signaling server cannot sit in the middle. It is not sent, and each attempt to connect
   * is worth one guess at it. %NULL: none; the far side must have none either. Channels in link mode only.
   * It cannot be read back.
   */
  properties[PROP_SECRET] = g_param_spec_string ("secret", NULL,
      "Passphrase that both sides prove to each other; NULL: none", NULL, CONSTRUCT_FLAGS & ~G_PARAM_READABLE);
}

static void
define_certificate (void)
{
  /**
   * DcPeer:certificate:
   * PEM file with our certificate and its private key, without a passphrase, by whose fingerprint others may know us again. If there is none it
   * is made when the peer starts, with a new key (ECDSA, P-256) that nobody else may read. %NULL: a certificate for this process alone.
   */
  properties[PROP_CERTIFICATE] = g_param_spec_string ("certificate", NULL,
      "PEM file with our certificate and its key, made if it is not there; NULL: one for this process", NULL,
      CONSTRUCT_FLAGS);
}

/* Who helps to find a path. */
static void
define_ice_servers (void)
{
  /**
   * DcPeer:stun-server:
   * STUN server (RFC 8489), `stun://HOST[:PORT]`, or several separated by blanks or commas, before those that the signaling server names.
   */
  properties[PROP_STUN_SERVER] = g_param_spec_string (
      "stun-server", NULL, "STUN servers before those that the signaling server names", NULL, CONSTRUCT_FLAGS);
  /**
   * DcPeer:turn-servers:
   * TURN servers (RFC 8656), each `turn://USER:PASSWORD@HOST[:PORT]`, with `?transport=tcp` for TCP, or `turns://` for TLS, before those that
   * the signaling server names.
   */
  properties[PROP_TURN_SERVERS] = g_param_spec_boxed (
      "turn-servers", NULL, "TURN servers beside those that the signaling server names", G_TYPE_STRV, CONSTRUCT_FLAGS);
  /**
   * DcPeer:use-turn:
   * Whether TURN servers are used. %FALSE ignores them, whoever names them.
   */
  properties[PROP_USE_TURN] =
      g_param_spec_boolean ("use-turn", NULL, "FALSE ignores TURN servers, whoever names them", TRUE, CONSTRUCT_FLAGS);
}

/* Which candidates there are. */
static void
define_candidates (void)
{
  /**
   * DcPeer:ice-transport-policy:
   * Which candidates may be used (RFC 8829, section 4.1.1).
   */
  properties[PROP_ICE_TRANSPORT_POLICY] = g_param_spec_enum ("ice-transport-policy", NULL,
      "Which candidates may be used", DC_TYPE_ICE_POLICY, DC_ICE_POLICY_ALL, CONSTRUCT_FLAGS);
  /**
   * DcPeer:ice-tcp:
   * Whether TCP candidates (RFC 6544) are used beside those of UDP: for networks without UDP and without a TURN server, whose far side can
   * be reached by TCP.
   */
  properties[PROP_ICE_TCP] =
      g_param_spec_boolean ("ice-tcp", NULL, "Use TCP candidates beside those of UDP", FALSE, CONSTRUCT_FLAGS);
  /**
   * DcPeer:interface:
   * Name of the only network interface whose addresses are used, or several separated by blanks or commas. %NULL: all but loopback.
   */
  properties[PROP_INTERFACE] = g_param_spec_string (
      "interface", NULL, "Names of the network interfaces to use; NULL: all but loopback", NULL, CONSTRUCT_FLAGS);
  /**
   * DcPeer:port-range:
   * The least and the greatest port of our host candidates, `MIN-MAX`, for a firewall that lets these through. %NULL: any.
   */
  properties[PROP_PORT_RANGE] = g_param_spec_string (
      "port-range", NULL, "Ports of our host candidates, MIN-MAX; NULL: any", NULL, CONSTRUCT_FLAGS);
}

/* How connections are made, and for how long that is tried. */
static void
define_connections (void)
{
  /**
   * DcPeer:fast:
   * Whether packets and messages go past GStreamer's elements, in batches, which is several times as fast. %DC_FAST_AUTO does so for each
   * connection while its path is one of UDP without a TURN server, on systems that can, and follows when the path changes; the event `transport`
   * tells. %DC_FAST_OFF never does.
   *
   * It is for this peer alone: others of the process with %DC_FAST_OFF are made of GStreamer's elements alone, and so are other webrtcbins.
   *
   * What it is unless set: [func@Fast.get_default].
   */
  properties[PROP_FAST] = g_param_spec_enum ("fast", NULL, "Whether packets go past GStreamer's elements", DC_TYPE_FAST,
      (int) dc_fast_get_default (), CONSTRUCT_FLAGS);
  /**
   * DcPeer:connect-timeout:
   * Seconds from the start, or from the end of the last channel, until a channel must be open; then the peer gives up, see
   * [signal@Peer::failed]. 0: as long as it takes, but for a server that was never reached 10 seconds.
   */
  properties[PROP_CONNECT_TIMEOUT] = g_param_spec_uint ("connect-timeout", NULL,
      "Seconds until a channel must be open; 0: as long as it takes", 0, G_MAXUINT / 1000, 0, CONSTRUCT_FLAGS);
  /**
   * DcPeer:resume-timeout:
   * Seconds for which a lost connection is made anew before its channels end with an error. 0: they end at once.
   */
  properties[PROP_RESUME_TIMEOUT] = g_param_spec_uint ("resume-timeout", NULL,
      "Seconds for which a lost connection is made anew before its channels end; 0: they end at once", 0,
      G_MAXUINT / 1000, DC_PEER_DEFAULT_RESUME_TIMEOUT, CONSTRUCT_FLAGS);
}

static void
define_statistics (void)
{
  /**
   * DcPeer:stats:
   * The statistics, as dc_peer_dup_stats() tells them. May be read on any thread.
   */
  properties[PROP_STATS] = g_param_spec_boxed (
      "stats", NULL, "Statistics: what went on so far", GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  /**
   * DcPeer:stats-interval:
   * Milliseconds between two [signal@Peer::statistics] signals; 0: none. May be set at any time, on any thread.
   */
  properties[PROP_STATS_INTERVAL] =
      g_param_spec_uint ("stats-interval", NULL, "Milliseconds between two \"statistics\" signals; 0: none", 0,
          G_MAXUINT, 0, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
}

static void
install_signals (void)
{
  /**
   * DcPeer::event:
   * @self: the peer
   * @event: what it was
   *
   * What goes on, for people and logs: the structures that [Events and statistics](events.html) lists.
   * [func@event_to_variant] makes a dictionary of one.
   *
   * On the worker thread, no lock held; handlers must not block.
   */
  g_signal_new ("event", DC_TYPE_PEER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, GST_TYPE_STRUCTURE);
  /**
   * DcPeer::channel:
   * @self: the peer
   * @channel: a channel that is open and may be used
   *
   * The same channel is also handed out by dc_peer_wait_channel().
   *
   * On the worker thread, no lock held; handlers must not block.
   */
  g_signal_new ("channel", DC_TYPE_PEER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, DC_TYPE_CHANNEL);
  /**
   * DcPeer::description:
   * @self: the peer
   * @text: the description, `{"type":"offer","sdp":"..."}` in one line
   * @complete: whether all of our candidates are in it
   *
   * Without a signaling server: what is to be brought to the other side, first without candidates, then again with each. One that is
   * complete is all that the other side needs.
   *
   * On the worker thread, no lock held; handlers must not block.
   */
  g_signal_new ("description", DC_TYPE_PEER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_STRING,
      G_TYPE_BOOLEAN);
  /**
   * DcPeer::statistics:
   * @self: the peer
   * @stats: as dc_peer_dup_stats() tells
   *
   * Every [property@Peer:stats-interval].
   *
   * On the worker thread, no lock held; handlers must not block.
   */
  g_signal_new ("statistics", DC_TYPE_PEER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, GST_TYPE_STRUCTURE);
  /**
   * DcPeer::failed:
   * @self: the peer
   * @error: why
   *
   * The peer has given up; nothing follows but the end of its channels. Once.
   *
   * %DC_ERROR_SIGNALING: the signaling server cannot be reached or refused us; %DC_ERROR_CONNECTION: no channel was
   * open within [property@Peer:connect-timeout]; %DC_ERROR_IDENTITY: the remote peer is not who the signaling said.
   *
   * On the worker thread, no lock held; handlers must not block.
   */
  g_signal_new ("failed", DC_TYPE_PEER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
}

void
dc_peer_class_install (GObjectClass *object_class)
{
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  define_meeting ();
  define_server ();
  define_certificate ();
  define_ice_servers ();
  define_candidates ();
  define_connections ();
  define_statistics ();
  g_object_class_install_properties (object_class, N_PROPS, properties);
  install_signals ();
}
