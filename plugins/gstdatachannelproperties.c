/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelproperties.c: the properties that datachannelsink and datachannelsrc share. */
#include "plugins/gstdatachanneluri.h"

/* --- Installing ---------------------------------------------------------------------------------------------------------------- */

#define PROPERTY_FLAGS (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)

static void
install_string (GObjectClass *klass, guint id, const char *nick, const char *blurb, const char *value)
{
  g_object_class_install_property (
      klass, id, g_param_spec_string (gst_data_channel_get_setting_name (id), nick, blurb, value, PROPERTY_FLAGS));
}

static void
install_enum (GObjectClass *klass, guint id, const char *nick, const char *blurb, GType type, int value)
{
  g_object_class_install_property (
      klass, id, g_param_spec_enum (gst_data_channel_get_setting_name (id), nick, blurb, type, value, PROPERTY_FLAGS));
}

static void
install_boolean (GObjectClass *klass, guint id, const char *nick, const char *blurb, gboolean value)
{
  g_object_class_install_property (
      klass, id, g_param_spec_boolean (gst_data_channel_get_setting_name (id), nick, blurb, value, PROPERTY_FLAGS));
}

static void
install_uint (GObjectClass *klass, guint id, const char *nick, const char *blurb, guint min, guint max, guint value)
{
  g_object_class_install_property (klass, id,
      g_param_spec_uint (gst_data_channel_get_setting_name (id), nick, blurb, min, max, value, PROPERTY_FLAGS));
}

static void
install_int (GObjectClass *klass, guint id, const char *nick, const char *blurb, int max)
{
  g_object_class_install_property (
      klass, id, g_param_spec_int (gst_data_channel_get_setting_name (id), nick, blurb, -1, max, -1, PROPERTY_FLAGS));
}

static void
install_room_properties (GObjectClass *klass)
{
  install_string (klass, GST_DATA_CHANNEL_PROP_SIGNALING, "Signaling server",
      "URL of the signaling server: ws://, wss://, http:// or https://, or HOST[:PORT], which means ws:// and port "
      "8443. "
      "The environment variable DC_SIGNALING changes the default",
      DC_PEER_DEFAULT_SIGNALING);
  install_string (klass, GST_DATA_CHANNEL_PROP_ROOM, "Room",
      "Room in which the two sides meet: 1 to 64 of A-Z a-z 0-9 . _ -", DC_PEER_DEFAULT_ROOM);
  install_string (klass, GST_DATA_CHANNEL_PROP_PEER_ID, "Peer id",
      "Our id in the room, which must be free there; NULL: the server makes one up", NULL);
  install_string (klass, GST_DATA_CHANNEL_PROP_REMOTE_PEER, "Remote peer",
      "Id of the only peer to connect to; NULL: whoever matches", NULL);
  install_enum (klass, GST_DATA_CHANNEL_PROP_ROLE, "Role",
      "Who calls whom: with auto the one who came into the room later", DC_TYPE_ROLE, DC_ROLE_AUTO);
  install_string (klass, GST_DATA_CHANNEL_PROP_TOKEN, "Admission token",
      "What the signaling server wants to see before it lets us in; NULL: nothing", NULL);
  /* Not readable: pictures of pipelines and traces show what is. */
  g_object_class_install_property (klass, GST_DATA_CHANNEL_PROP_SECRET,
      g_param_spec_string (gst_data_channel_get_setting_name (GST_DATA_CHANNEL_PROP_SECRET), "Secret",
          "Passphrase that both sides know and prove to each other before anything else crosses, so that no hostile "
          "signaling server can sit in the middle; it is not sent. NULL: none, at both sides. Link mode only",
          NULL, PROPERTY_FLAGS & ~G_PARAM_READABLE));
  install_string (klass, GST_DATA_CHANNEL_PROP_CERTIFICATE, "Certificate file",
      "PEM file with our certificate and its private key, by whose fingerprint others may know us again; made if it is "
      "not there. NULL: a certificate for this process alone",
      NULL);
  install_string (klass, GST_DATA_CHANNEL_PROP_TLS_CA, "TLS CA file",
      "PEM file with the certificates to trust for wss://, https:// and turns:// instead of the system's", NULL);
  /* Not readable either: it may have a password in it. */
  g_object_class_install_property (klass, GST_DATA_CHANNEL_PROP_PROXY,
      g_param_spec_string (gst_data_channel_get_setting_name (GST_DATA_CHANNEL_PROP_PROXY), "Proxy",
          "By which proxy the signaling server, and TURN servers over TCP or TLS, are reached: "
          "[http://][USER:PASSWORD@]HOST:PORT, also https:// and socks5://; NULL: as the environment variables "
          "https_proxy, http_proxy and no_proxy say",
          NULL, PROPERTY_FLAGS & ~G_PARAM_READABLE));
  install_boolean (klass, GST_DATA_CHANNEL_PROP_POLLING, "HTTP polling",
      "Reach the signaling server by plain HTTP requests, where WebSockets do not get through", FALSE);
}

static void
install_connection_properties (GObjectClass *klass)
{
  install_string (klass, GST_DATA_CHANNEL_PROP_STUN_SERVER, "STUN server",
      "STUN server, stun://HOST:PORT, or several separated by blanks, before those that the signaling server names",
      NULL);
  /**
   * GstDataChannelSink:turn-servers:
   *
   * TURN servers as turn://USER:PASSWORD@HOST:PORT URLs, beside those that the signaling server names. In a pipeline
   * description each needs quotes: `turn-servers='<"turn://user:password@turn.example:3478">'`.
   */
  g_object_class_install_property (klass, GST_DATA_CHANNEL_PROP_TURN_SERVERS,
      gst_param_spec_array (gst_data_channel_get_setting_name (GST_DATA_CHANNEL_PROP_TURN_SERVERS), "TURN servers",
          "TURN servers before those that the signaling server names, as "
          "'<\"turn://USER:PASSWORD@HOST:PORT\", ...>', with ?transport=tcp behind PORT to reach one over TCP, or "
          "turns:// over TLS",
          g_param_spec_string (
              "turn-server", "TURN server", "URL of a TURN server", NULL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS),
          PROPERTY_FLAGS));
  install_enum (klass, GST_DATA_CHANNEL_PROP_ICE_TRANSPORT_POLICY, "ICE transport policy",
      "Which candidates may be used; relay: only those of a TURN server", DC_TYPE_ICE_POLICY, DC_ICE_POLICY_ALL);
  install_boolean (klass, GST_DATA_CHANNEL_PROP_ICE_TCP, "ICE-TCP", "Use TCP candidates beside those of UDP", FALSE);
  install_string (klass, GST_DATA_CHANNEL_PROP_INTERFACE, "Network interface",
      "The only network interface to use, or several separated by blanks; NULL: all but loopback", NULL);
  install_string (klass, GST_DATA_CHANNEL_PROP_PORT_RANGE, "Port range",
      "Local ports to use for the data, MIN-MAX; NULL: any", NULL);
  install_enum (klass, GST_DATA_CHANNEL_PROP_FAST, "Fast path",
      "Whether packets go past GStreamer's elements, in batches, which is several times as fast; auto: wherever the "
      "path is one of UDP without a TURN server. The environment variable DC_FAST changes the default",
      DC_TYPE_FAST, (int) dc_fast_get_default ());
  install_uint (klass, GST_DATA_CHANNEL_PROP_CONNECT_TIMEOUT, "Connect timeout",
      "Seconds from PAUSED until a channel must be open, else an error; 0: wait as long as it takes", 0,
      G_MAXUINT / 1000, 0);
  install_uint (klass, GST_DATA_CHANNEL_PROP_RESUME_TIMEOUT, "Resume timeout",
      "Seconds for which a lost connection is made anew, with nothing lost of the stream (link mode), until it is an "
      "error; 0: an error at once",
      0, G_MAXUINT / 1000, DC_PEER_DEFAULT_RESUME_TIMEOUT);
}

/* Numbers, and a word for the one that is none. */
static GType
get_streams_type (void)
{
  static const GEnumValue values[] = {
      {DC_CHANNEL_STREAMS_AUTO, "As many as help", "auto"},
      {1, "1", "1"},
      {2, "2", "2"},
      {3, "3", "3"},
      {4, "4", "4"},
      {5, "5", "5"},
      {6, "6", "6"},
      {7, "7", "7"},
      {DC_CHANNEL_MAX_STREAMS, "8", "8"},
      {0, NULL, NULL},
  };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstDataChannelStreams", values));
  return type;
}

static void
install_channel_properties (GObjectClass *klass)
{
  install_string (klass, GST_DATA_CHANNEL_PROP_LABEL, "Channel label",
      "Label of the data channel, 1 to 128 bytes; the same on both sides", DC_CHANNEL_DEFAULT_LABEL);
  install_enum (klass, GST_DATA_CHANNEL_PROP_MODE, "Mode", "What a message on the channel is; the same on both sides",
      DC_TYPE_MODE, DC_MODE_LINK);
  install_string (klass, GST_DATA_CHANNEL_PROP_PROTOCOL, "Subprotocol",
      "Raw mode: name of what is spoken on the channel, told to the other side when it is opened; NULL: none", NULL);
  install_boolean (klass, GST_DATA_CHANNEL_PROP_ORDERED, "Ordered",
      "Raw mode: messages arrive in the order in which they were sent", TRUE);
  install_int (klass, GST_DATA_CHANNEL_PROP_MAX_RETRANSMITS, "Retransmissions at most",
      "Raw mode: a message is given up after so many retransmissions; -1: never", G_MAXUINT16);
  install_int (klass, GST_DATA_CHANNEL_PROP_MAX_PACKET_LIFETIME, "Packet lifetime at most",
      "Raw mode: a message is given up after so many milliseconds; -1: never. Not together with max-retransmits",
      G_MAXUINT16);
  install_boolean (klass, GST_DATA_CHANNEL_PROP_NEGOTIATED, "Negotiated",
      "Raw mode: both sides know the channel by its channel-id, and nothing is announced", FALSE);
  install_int (klass, GST_DATA_CHANNEL_PROP_CHANNEL_ID, "Channel id",
      "Raw mode: number of a negotiated channel, the same on both sides; -1: the channel is not negotiated", 1023);
  install_uint (klass, GST_DATA_CHANNEL_PROP_MAX_MESSAGE_SIZE, "Longest message",
      "Raw mode: the longest message that we take, in bytes, and send if the other side takes it, too; with fast=off "
      "65536 at most",
      1, DC_CHANNEL_MAX_MESSAGE_SIZE, DC_CHANNEL_DEFAULT_MAX_MESSAGE_SIZE);
  install_uint (klass, GST_DATA_CHANNEL_PROP_WINDOW, "Window",
      "Link mode: the most bytes that the sender may have on their way and waiting at the receiver; what is really "
      "used "
      "follows rate and round-trip time. The receiver's counts",
      DC_CHANNEL_MIN_WINDOW, G_MAXINT, DC_CHANNEL_DEFAULT_WINDOW);
  install_enum (klass, GST_DATA_CHANNEL_PROP_STREAMS, "SCTP associations",
      "Link mode: on how many SCTP associations the data goes, where both sides have the fast path; each has a "
      "congestion window of its own, which helps on paths that lose packets. auto: on as many as help",
      get_streams_type (), DC_CHANNEL_STREAMS_AUTO);
}

static void
install_element_properties (GObjectClass *klass)
{
  /**
   * GstDataChannelSink:session:
   *
   * Elements of one process that name the same session share one connection, and a sink and a src with the same label one
   * channel, in both directions. Put all of them in READY before the first goes to PAUSED.
   */
  install_string (klass, GST_DATA_CHANNEL_PROP_SESSION, "Session",
      "Elements of this process with the same session share one connection, and a sink and a src with the same label "
      "one channel; to be set before READY. NULL: a connection of its own",
      NULL);
  g_object_class_install_property (klass, GST_DATA_CHANNEL_PROP_STATS_INTERVAL,
      g_param_spec_uint (gst_data_channel_get_setting_name (GST_DATA_CHANNEL_PROP_STATS_INTERVAL),
          "Statistics interval", "Milliseconds between two element messages datachannel-statistics; 0: none", 0,
          G_MAXUINT, 0, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  g_object_class_install_property (klass, GST_DATA_CHANNEL_PROP_STATS,
      g_param_spec_boxed (gst_data_channel_get_setting_name (GST_DATA_CHANNEL_PROP_STATS), "Statistics",
          "A structure datachannel-statistics: bytes, rates (bytes a second), round-trip times (seconds), windows, "
          "reconnects and addresses of each connection and channel. NULL before the first PAUSED",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_property (klass, GST_DATA_CHANNEL_PROP_URI,
      g_param_spec_string (gst_data_channel_get_setting_name (GST_DATA_CHANNEL_PROP_URI), "URI",
          "datachannel://HOST[:PORT]/ROOM, or datachannels:// for TLS, with further properties as query parameters: "
          "?remote-peer=cam&label=x. Sets signaling, room and those named",
          NULL, PROPERTY_FLAGS));
}

void
gst_data_channel_install_properties (GObjectClass *klass)
{
  install_room_properties (klass);
  install_connection_properties (klass);
  install_channel_properties (klass);
  install_element_properties (klass);
  gst_type_mark_as_plugin_api (DC_TYPE_ROLE, 0);
  gst_type_mark_as_plugin_api (DC_TYPE_MODE, 0);
  gst_type_mark_as_plugin_api (DC_TYPE_ICE_POLICY, 0);
  gst_type_mark_as_plugin_api (DC_TYPE_FAST, 0);
}

/* --- Values -------------------------------------------------------------------------------------------------------------------- */

static void
set_uri (GstDataChannelEnd *end, const char *uri)
{
  GError *fault = NULL;

  if (uri != NULL)
    gst_data_channel_uri_set (end->element, uri, &fault);
  GST_OBJECT_LOCK (end->element);
  g_clear_error (&end->settings.uri_fault);
  end->settings.uri_fault = fault;
  GST_OBJECT_UNLOCK (end->element);
}

static void
set_setting (GstDataChannelEnd *end, guint id, const GValue *value)
{
  gst_data_channel_end_set_setting (end, id, value);
  if (id == GST_DATA_CHANNEL_PROP_STATS_INTERVAL)
    gst_data_channel_end_set_stats_interval (end, g_value_get_uint (value));
}

void
gst_data_channel_end_set_property (GstDataChannelEnd *end, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == GST_DATA_CHANNEL_PROP_URI)
    set_uri (end, g_value_get_string (value));
  else if (id > GST_DATA_CHANNEL_PROP_0 && id < GST_DATA_CHANNEL_N_SETTINGS)
    set_setting (end, id, value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (end->element, id, pspec);
}

void
gst_data_channel_end_get_property (GstDataChannelEnd *end, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == GST_DATA_CHANNEL_PROP_URI) {
    g_value_take_string (value, gst_data_channel_uri_dup (end));
  } else if (id == GST_DATA_CHANNEL_PROP_STATS) {
    g_value_take_boxed (value, gst_data_channel_end_dup_stats (end));
  } else if (id > GST_DATA_CHANNEL_PROP_0 && id < GST_DATA_CHANNEL_N_SETTINGS) {
    GST_OBJECT_LOCK (end->element);
    g_value_copy (&end->settings.values[id], value);
    GST_OBJECT_UNLOCK (end->element);
  } else {
    G_OBJECT_WARN_INVALID_PROPERTY_ID (end->element, id, pspec);
  }
}
