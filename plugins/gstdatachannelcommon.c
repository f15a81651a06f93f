/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelcommon.c: what datachannelsink and datachannelsrc share: their properties, and one peer with its one channel.
 *
 * Theory of operation
 * -------------------
 * READY -> PAUSED makes a DcPeer from the properties and starts it; nobody waits, so that either side may start first. The streaming
 * thread waits for the channel when it first needs it. PAUSED -> READY closes the channel, with a reason for the far side if the
 * stream did not end, and stops the peer.
 *
 * An element serves one channel from start to stop. When that ends before the stream did, the element is in error.
 * A receiver learns of it where it pulls, behind the last of what had arrived. A sender may have nothing to push for a long time,
 * so it also listens to the peer and to the channel, and posts the error from their threads. Whoever comes first posts; the
 * other's sentence would be the same. */
#include "plugins/gstdatachannelcommon.h"

enum {
  PROP_0,
  PROP_SIGNALING,
  PROP_ROOM,
  PROP_PEER_ID,
  PROP_REMOTE_PEER,
  PROP_ROLE,
  PROP_LABEL,
  PROP_MODE,
  PROP_STUN_SERVER,
  PROP_TURN_SERVERS,
  PROP_ICE_TRANSPORT_POLICY,
  PROP_CONNECT_TIMEOUT,
  PROP_TLS_CA,
  PROP_POLLING,
};

/* --- Properties ---------------------------------------------------------------------------------------------------------------- */

#define PROPERTY_FLAGS (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)

static void
install_string (GObjectClass *klass, guint id, const char *name, const char *nick, const char *blurb, const char *value)
{
  g_object_class_install_property (klass, id, g_param_spec_string (name, nick, blurb, value, PROPERTY_FLAGS));
}

static void
install_enum (
    GObjectClass *klass, guint id, const char *name, const char *nick, const char *blurb, GType type, int value)
{
  g_object_class_install_property (klass, id, g_param_spec_enum (name, nick, blurb, type, value, PROPERTY_FLAGS));
}

static void
install_room_properties (GObjectClass *klass)
{
  install_string (klass, PROP_SIGNALING, "signaling", "Signaling server",
      "URL of the signaling server: ws://, wss://, http:// or https://, or HOST[:PORT], which means ws:// and port "
      "8443. "
      "The environment variable DC_SIGNALING changes the default",
      DC_PEER_DEFAULT_SIGNALING);
  install_string (klass, PROP_ROOM, "room", "Room", "Room in which the two sides meet: 1 to 64 of A-Z a-z 0-9 . _ -",
      DC_PEER_DEFAULT_ROOM);
  install_string (klass, PROP_PEER_ID, "peer-id", "Peer id",
      "Our id in the room, which must be free there; NULL: the server makes one up", NULL);
  install_string (klass, PROP_REMOTE_PEER, "remote-peer", "Remote peer",
      "Id of the only peer to connect to; NULL: whoever matches", NULL);
  install_enum (klass, PROP_ROLE, "role", "Role", "Who calls whom: with auto the one who came into the room later",
      DC_TYPE_ROLE, DC_ROLE_AUTO);
  install_string (klass, PROP_LABEL, "label", "Channel label", "Label of the data channel; the same on both sides",
      DC_PEER_DEFAULT_LABEL);
  install_enum (klass, PROP_MODE, "mode", "Mode", "What a message on the channel is; the same on both sides",
      DC_TYPE_MODE, DC_MODE_LINK);
  install_string (klass, PROP_TLS_CA, "tls-ca", "TLS CA file",
      "PEM file with the certificates to trust for wss:// and https:// instead of the system's", NULL);
  g_object_class_install_property (klass, PROP_POLLING,
      g_param_spec_boolean ("polling", "HTTP polling",
          "Reach the signaling server by plain HTTP requests, where WebSockets do not get through", FALSE,
          PROPERTY_FLAGS));
}

static void
install_connection_properties (GObjectClass *klass)
{
  install_string (klass, PROP_STUN_SERVER, "stun-server", "STUN server",
      "STUN server, stun://HOST:PORT, beside those that the signaling server names", NULL);
  /**
   * GstDataChannelSink:turn-servers:
   *
   * TURN servers as turn://USER:PASSWORD@HOST:PORT URLs, beside those that the signaling server names. In a pipeline
   * description each needs quotes: `turn-servers='<"turn://user:password@turn.example:3478">'`.
   */
  g_object_class_install_property (klass, PROP_TURN_SERVERS,
      gst_param_spec_array ("turn-servers", "TURN servers",
          "TURN servers beside those that the signaling server names, as "
          "'<\"turn://USER:PASSWORD@HOST:PORT\", ...>', with ?transport=tcp behind PORT to reach one over TCP",
          g_param_spec_string (
              "turn-server", "TURN server", "URL of a TURN server", NULL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS),
          PROPERTY_FLAGS));
  install_enum (klass, PROP_ICE_TRANSPORT_POLICY, "ice-transport-policy", "ICE transport policy",
      "Which candidates may be used; relay: only those of a TURN server", DC_TYPE_ICE_POLICY, DC_ICE_POLICY_ALL);
  g_object_class_install_property (klass, PROP_CONNECT_TIMEOUT,
      g_param_spec_uint ("connect-timeout", "Connect timeout",
          "Seconds from PAUSED until the channel must be open, else an error; 0: wait as long as it takes", 0,
          G_MAXUINT / 1000, 0, PROPERTY_FLAGS));
}

void
gst_data_channel_install_properties (GObjectClass *klass)
{
  install_room_properties (klass);
  install_connection_properties (klass);
  gst_type_mark_as_plugin_api (DC_TYPE_ROLE, 0);
  gst_type_mark_as_plugin_api (DC_TYPE_MODE, 0);
  gst_type_mark_as_plugin_api (DC_TYPE_ICE_POLICY, 0);
}

static char **
string_setting (GstDataChannelSettings *settings, guint id)
{
  switch (id) {
    case PROP_SIGNALING:
      return &settings->signaling;
    case PROP_ROOM:
      return &settings->room;
    case PROP_PEER_ID:
      return &settings->peer_id;
    case PROP_REMOTE_PEER:
      return &settings->remote_peer;
    case PROP_LABEL:
      return &settings->label;
    case PROP_STUN_SERVER:
      return &settings->stun_server;
    case PROP_TLS_CA:
      return &settings->tls_ca;
    default:
      return NULL;
  }
}

/* What a string property is when nobody sets it, or sets it to NULL. */
static const char *
default_string (guint id)
{
  const char *signaling = g_getenv ("DC_SIGNALING");

  switch (id) {
    case PROP_SIGNALING:
      return signaling != NULL && *signaling != '\0' ? signaling : DC_PEER_DEFAULT_SIGNALING;
    case PROP_ROOM:
      return DC_PEER_DEFAULT_ROOM;
    case PROP_LABEL:
      return DC_PEER_DEFAULT_LABEL;
    default:
      return NULL;
  }
}

static GStrv
strings_from_array (const GValue *array)
{
  guint n = gst_value_array_get_size (array);
  GStrv strings = g_new0 (char *, n + 1);

  for (guint i = 0; i < n; i++)
    strings[i] = g_strdup (g_value_get_string (gst_value_array_get_value (array, i)));
  return strings;
}

static void
strings_to_array (GStrv strings, GValue *array)
{
  for (guint i = 0; strings != NULL && strings[i] != NULL; i++) {
    GValue value = G_VALUE_INIT;
    g_value_init (&value, G_TYPE_STRING);
    g_value_set_string (&value, strings[i]);
    gst_value_array_append_and_take_value (array, &value);
  }
}

void
gst_data_channel_end_set_property (GstDataChannelEnd *end, guint id, const GValue *value, GParamSpec *pspec)
{
  GstDataChannelSettings *settings = &end->settings;
  char **string = string_setting (settings, id);

  GST_OBJECT_LOCK (end->element);
  if (string != NULL) {
    g_free (*string);
    *string = g_strdup (g_value_get_string (value) != NULL ? g_value_get_string (value) : default_string (id));
  } else if (id == PROP_ROLE) {
    settings->role = (DcRole) g_value_get_enum (value);
  } else if (id == PROP_MODE) {
    settings->mode = (DcMode) g_value_get_enum (value);
  } else if (id == PROP_ICE_TRANSPORT_POLICY) {
    settings->ice_transport_policy = (DcIcePolicy) g_value_get_enum (value);
  } else if (id == PROP_TURN_SERVERS) {
    g_strfreev (settings->turn_servers);
    settings->turn_servers = strings_from_array (value);
  } else if (id == PROP_CONNECT_TIMEOUT) {
    settings->connect_timeout = g_value_get_uint (value);
  } else if (id == PROP_POLLING) {
    settings->polling = g_value_get_boolean (value);
  } else {
    G_OBJECT_WARN_INVALID_PROPERTY_ID (end->element, id, pspec);
  }
  GST_OBJECT_UNLOCK (end->element);
}

void
gst_data_channel_end_get_property (GstDataChannelEnd *end, guint id, GValue *value, GParamSpec *pspec)
{
  GstDataChannelSettings *settings = &end->settings;
  char **string = string_setting (settings, id);

  GST_OBJECT_LOCK (end->element);
  if (string != NULL)
    g_value_set_string (value, *string);
  else if (id == PROP_ROLE)
    g_value_set_enum (value, settings->role);
  else if (id == PROP_MODE)
    g_value_set_enum (value, settings->mode);
  else if (id == PROP_ICE_TRANSPORT_POLICY)
    g_value_set_enum (value, settings->ice_transport_policy);
  else if (id == PROP_TURN_SERVERS)
    strings_to_array (settings->turn_servers, value);
  else if (id == PROP_CONNECT_TIMEOUT)
    g_value_set_uint (value, settings->connect_timeout);
  else if (id == PROP_POLLING)
    g_value_set_boolean (value, settings->polling);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (end->element, id, pspec);
  GST_OBJECT_UNLOCK (end->element);
}

DcMode
gst_data_channel_end_get_mode (GstDataChannelEnd *end)
{
  DcMode mode;

  GST_OBJECT_LOCK (end->element);
  mode = end->settings.mode;
  GST_OBJECT_UNLOCK (end->element);
  return mode;
}

/* --- Life ---------------------------------------------------------------------------------------------------------------------- */

void
gst_data_channel_end_init (GstDataChannelEnd *end, GstElement *element, DcWants wants)
{
  end->element = element;
  end->wants = wants;
  g_mutex_init (&end->lock);
  g_cond_init (&end->cond);
  for (guint id = PROP_SIGNALING; id <= PROP_POLLING; id++) {
    char **string = string_setting (&end->settings, id);
    if (string != NULL)
      *string = g_strdup (default_string (id));
  }
}

void
gst_data_channel_end_clear (GstDataChannelEnd *end)
{
  for (guint id = PROP_SIGNALING; id <= PROP_POLLING; id++) {
    char **string = string_setting (&end->settings, id);
    if (string != NULL)
      g_clear_pointer (string, g_free);
  }
  g_clear_pointer (&end->settings.turn_servers, g_strfreev);
  g_mutex_clear (&end->lock);
  g_cond_clear (&end->cond);
}

static DcPeer *
new_peer (GstDataChannelEnd *end)
{
  GstDataChannelSettings *settings = &end->settings;
  DcPeer *peer;

  GST_OBJECT_LOCK (end->element);
  peer = g_object_new (DC_TYPE_PEER, "signaling", settings->signaling, "room", settings->room, "id", settings->peer_id,
      "remote-peer", settings->remote_peer, "role", settings->role, "wants", end->wants, "label", settings->label,
      "mode", settings->mode, "stun-server", settings->stun_server, "turn-servers", settings->turn_servers,
      "ice-transport-policy", settings->ice_transport_policy, "connect-timeout", settings->connect_timeout, "tls-ca",
      settings->tls_ca, "polling", settings->polling, "once", TRUE, NULL);
  GST_OBJECT_UNLOCK (end->element);
  return peer;
}

static void
release_element (gpointer end, GClosure *closure)
{
  gst_object_unref (((GstDataChannelEnd *) end)->element);
}

/* A handler may still run on the other's thread when it is disconnected: its closure keeps the element until then. */
static void
connect_to (GstDataChannelEnd *end, gpointer object, const char *signal, GCallback callback)
{
  gst_object_ref (end->element);
  g_signal_connect_data (object, signal, callback, end, release_element, 0);
}

static void
peer_event_cb (DcPeer *peer, const GstStructure *event, GstDataChannelEnd *end)
{
  /* The fields are those of the event, see dc-event.h. */
  static const struct {
    const char *event, *message;
  } map[] = {
      {"registered", "datachannel-registered"},
      {"calling", "datachannel-connecting"},
      {"called", "datachannel-connecting"},
      {"channel-open", "datachannel-connected"},
      {"connection-closed", "datachannel-peer-left"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (map); i++) {
    if (gst_structure_has_name (event, map[i].event)) {
      GstStructure *structure = gst_structure_copy (event);
      gst_structure_set_name (structure, map[i].message);
      gst_element_post_message (end->element, gst_message_new_element (GST_OBJECT (end->element), structure));
    }
  }
}

/* Once for each time that the server is away: the peer keeps trying, which can take long, and someone should know why. */
static void
peer_signaling_cb (DcPeer *peer, const GstStructure *event, GstDataChannelEnd *end)
{
  gboolean lost = gst_structure_has_name (event, "signaling-lost");
  gdouble retry = 0;
  gboolean warn;

  if (!lost && !gst_structure_has_name (event, "registered"))
    return;
  /* What is given up (no retry) comes as an error. */
  gst_structure_get_double (event, "retry", &retry);
  g_mutex_lock (&end->lock);
  warn = lost && retry >= 0 && !end->warned_about;
  end->warned_about = lost;
  g_mutex_unlock (&end->lock);
  if (warn) {
    const char *reason = gst_structure_get_string (event, "reason");
    GST_ELEMENT_WARNING (end->element, RESOURCE, FAILED, ("%s (trying again)", reason), (NULL));
  }
}

static gboolean
is_idle_fault (GstDataChannelEnd *end, gboolean only_without_channel)
{
  gboolean fault;

  g_mutex_lock (&end->lock);
  fault = !end->ending && !(only_without_channel && end->channel != NULL);
  g_mutex_unlock (&end->lock);
  return fault;
}

static void
peer_failed_cb (DcPeer *peer, const GError *error, GstDataChannelEnd *end)
{
  /* An open channel lives on without its peer's signaling, and tells by itself when it ends. */
  if (is_idle_fault (end, TRUE))
    gst_data_channel_end_fail (end, error);
}

static void
channel_closed_cb (DcChannel *channel, const GError *error, GstDataChannelEnd *end)
{
  g_autoptr (GError) left = NULL;

  if (!is_idle_fault (end, FALSE))
    return;
  if (error == NULL)
    left = g_error_new (DC_ERROR, DC_ERROR_PEER_GONE, "The receiver \"%s\" closed the channel before the stream ended",
        dc_channel_get_remote_id (channel));
  gst_data_channel_end_fail (end, error != NULL ? error : left);
}

static void
peer_channel_cb (DcPeer *peer, DcChannel *channel, GstDataChannelEnd *end)
{
  g_autoptr (GError) error = NULL;

  connect_to (end, channel, "closed", G_CALLBACK (channel_closed_cb));
  /* The channel ends on another thread than this, perhaps before we listened. If we are told twice, only the first is posted. */
  if (!dc_channel_is_ended (channel))
    return;
  error = g_error_new (DC_ERROR, DC_ERROR_PEER_GONE,
      "The channel to the receiver \"%s\" closed right after it was open, before the stream ended",
      dc_channel_get_remote_id (channel));
  channel_closed_cb (channel, error, end);
}

gboolean
gst_data_channel_end_start (GstDataChannelEnd *end)
{
  g_autoptr (DcPeer) peer = new_peer (end);
  g_autoptr (GError) error = NULL;
  gboolean flushing;

  connect_to (end, peer, "event", G_CALLBACK (peer_event_cb));
  connect_to (end, peer, "event", G_CALLBACK (peer_signaling_cb));
  if (end->wants == DC_WANTS_SEND) {
    connect_to (end, peer, "channel", G_CALLBACK (peer_channel_cb));
    connect_to (end, peer, "failed", G_CALLBACK (peer_failed_cb));
  }
  g_mutex_lock (&end->lock);
  end->ending = end->delivered = end->failed = end->told = end->warned_about = FALSE;
  end->peer = g_object_ref (peer);
  flushing = end->flushing;
  g_mutex_unlock (&end->lock);

  dc_peer_set_flushing (peer, flushing);
  if (dc_peer_start (peer, &error))
    return TRUE;
  gst_data_channel_end_fail (end, error);
  gst_data_channel_end_stop (end, error->message);
  return FALSE;
}

void
gst_data_channel_end_stop (GstDataChannelEnd *end, const char *reason)
{
  g_autoptr (DcPeer) peer = NULL;
  g_autoptr (DcChannel) channel = NULL;
  gboolean delivered;

  g_mutex_lock (&end->lock);
  peer = g_steal_pointer (&end->peer);
  channel = g_steal_pointer (&end->channel);
  delivered = end->delivered;
  end->ending = TRUE;
  g_mutex_unlock (&end->lock);

  if (channel != NULL && delivered)
    dc_channel_close (channel);
  else if (channel != NULL)
    dc_channel_abort (channel, reason);
  if (channel != NULL)
    g_signal_handlers_disconnect_by_data (channel, end);
  if (peer != NULL) {
    dc_peer_stop (peer);
    g_signal_handlers_disconnect_by_data (peer, end);
  }
}

/* --- The channel --------------------------------------------------------------------------------------------------------------- */

DcChannel *
gst_data_channel_end_get_channel (GstDataChannelEnd *end, GError **error)
{
  g_autoptr (DcPeer) peer = NULL;
  DcChannel *channel;
  gboolean flushing;

  g_mutex_lock (&end->lock);
  channel = end->channel != NULL ? g_object_ref (end->channel) : NULL;
  peer = g_object_ref (end->peer);
  g_mutex_unlock (&end->lock);
  if (channel != NULL || (channel = dc_peer_wait_channel (peer, error)) == NULL)
    return channel;

  g_mutex_lock (&end->lock);
  end->channel = g_object_ref (channel);
  flushing = end->flushing;
  g_mutex_unlock (&end->lock);
  if (flushing)
    dc_channel_set_flushing (channel, TRUE);
  return channel;
}

void
gst_data_channel_end_set_flushing (GstDataChannelEnd *end, gboolean flushing)
{
  g_autoptr (DcPeer) peer = NULL;
  g_autoptr (DcChannel) channel = NULL;

  g_mutex_lock (&end->lock);
  end->flushing = flushing;
  peer = end->peer != NULL ? g_object_ref (end->peer) : NULL;
  channel = end->channel != NULL ? g_object_ref (end->channel) : NULL;
  g_cond_broadcast (&end->cond);
  g_mutex_unlock (&end->lock);
  if (peer != NULL)
    dc_peer_set_flushing (peer, flushing);
  if (channel != NULL)
    dc_channel_set_flushing (channel, flushing);
}

void
gst_data_channel_end_set_ending (GstDataChannelEnd *end)
{
  g_mutex_lock (&end->lock);
  end->ending = TRUE;
  g_mutex_unlock (&end->lock);
}

gboolean
gst_data_channel_end_is_ending (GstDataChannelEnd *end)
{
  gboolean ending;

  g_mutex_lock (&end->lock);
  ending = end->ending;
  g_mutex_unlock (&end->lock);
  return ending;
}

void
gst_data_channel_end_set_delivered (GstDataChannelEnd *end)
{
  g_mutex_lock (&end->lock);
  end->delivered = TRUE;
  g_mutex_unlock (&end->lock);
}

gboolean
gst_data_channel_end_is_delivered (GstDataChannelEnd *end)
{
  gboolean delivered;

  g_mutex_lock (&end->lock);
  delivered = end->delivered;
  g_mutex_unlock (&end->lock);
  return delivered;
}

/* --- Errors -------------------------------------------------------------------------------------------------------------------- */

static GstResourceError
resource_error (DcWants wants, const GError *error)
{
  gboolean send = wants == DC_WANTS_SEND;

  switch (error->domain == DC_ERROR ? error->code : DC_ERROR_DATA) {
    case DC_ERROR_USAGE:
      return GST_RESOURCE_ERROR_SETTINGS;
    case DC_ERROR_SIGNALING:
      return send ? GST_RESOURCE_ERROR_OPEN_WRITE : GST_RESOURCE_ERROR_OPEN_READ;
    case DC_ERROR_CONNECTION:
      return GST_RESOURCE_ERROR_NOT_FOUND;
    case DC_ERROR_IDENTITY:
      return GST_RESOURCE_ERROR_NOT_AUTHORIZED;
    default:
      return send ? GST_RESOURCE_ERROR_WRITE : GST_RESOURCE_ERROR_READ;
  }
}

/* TRUE for the first; the others wait until it has posted: their flow error makes upstream post one that says nothing, which must come
 * second. */
static gboolean
begin_to_fail (GstDataChannelEnd *end, DcChannel **channel)
{
  gboolean first;

  g_mutex_lock (&end->lock);
  first = !end->failed;
  end->failed = TRUE;
  while (!first && !end->told)
    g_cond_wait (&end->cond, &end->lock);
  g_set_object (channel, end->channel);
  g_mutex_unlock (&end->lock);
  return first;
}

void
gst_data_channel_end_fail (GstDataChannelEnd *end, const GError *error)
{
  g_autoptr (DcChannel) channel = NULL;

  if (!begin_to_fail (end, &channel))
    return;
  gst_element_message_full (end->element, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR, resource_error (end->wants, error),
      g_strdup (error->message), NULL, __FILE__, G_STRFUNC, __LINE__);
  g_mutex_lock (&end->lock);
  end->told = TRUE;
  g_cond_broadcast (&end->cond);
  g_mutex_unlock (&end->lock);
  /* The end of stream that upstream sends after an error must not look like the end of the stream to the other side. */
  if (channel != NULL)
    dc_channel_abort (channel, error->message);
}
