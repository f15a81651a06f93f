/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelsettings.c: what an element was set to.
 *
 * It is kept as GValues, by property id: so that settings can be compared between the elements of a session, and written into a URI, without
 * a line for each. */
#include "plugins/gstdatachannelcommon.h"

static const char *const names[GST_DATA_CHANNEL_PROP_OWN] = {
    [GST_DATA_CHANNEL_PROP_SIGNALING] = "signaling",
    [GST_DATA_CHANNEL_PROP_ROOM] = "room",
    [GST_DATA_CHANNEL_PROP_PEER_ID] = "peer-id",
    [GST_DATA_CHANNEL_PROP_REMOTE_PEER] = "remote-peer",
    [GST_DATA_CHANNEL_PROP_ROLE] = "role",
    [GST_DATA_CHANNEL_PROP_TOKEN] = "token",
    [GST_DATA_CHANNEL_PROP_SECRET] = "secret",
    [GST_DATA_CHANNEL_PROP_CERTIFICATE] = "certificate",
    [GST_DATA_CHANNEL_PROP_TLS_CA] = "tls-ca",
    [GST_DATA_CHANNEL_PROP_PROXY] = "proxy",
    [GST_DATA_CHANNEL_PROP_POLLING] = "polling",
    [GST_DATA_CHANNEL_PROP_STUN_SERVER] = "stun-server",
    [GST_DATA_CHANNEL_PROP_TURN_SERVERS] = "turn-servers",
    [GST_DATA_CHANNEL_PROP_ICE_TRANSPORT_POLICY] = "ice-transport-policy",
    [GST_DATA_CHANNEL_PROP_ICE_TCP] = "ice-tcp",
    [GST_DATA_CHANNEL_PROP_INTERFACE] = "interface",
    [GST_DATA_CHANNEL_PROP_PORT_RANGE] = "port-range",
    [GST_DATA_CHANNEL_PROP_FAST] = "fast",
    [GST_DATA_CHANNEL_PROP_CONNECT_TIMEOUT] = "connect-timeout",
    [GST_DATA_CHANNEL_PROP_RESUME_TIMEOUT] = "resume-timeout",
    [GST_DATA_CHANNEL_PROP_STATS_INTERVAL] = "stats-interval",
    [GST_DATA_CHANNEL_PROP_LABEL] = "label",
    [GST_DATA_CHANNEL_PROP_PROTOCOL] = "protocol",
    [GST_DATA_CHANNEL_PROP_MODE] = "mode",
    [GST_DATA_CHANNEL_PROP_ORDERED] = "ordered",
    [GST_DATA_CHANNEL_PROP_MAX_RETRANSMITS] = "max-retransmits",
    [GST_DATA_CHANNEL_PROP_MAX_PACKET_LIFETIME] = "max-packet-lifetime",
    [GST_DATA_CHANNEL_PROP_NEGOTIATED] = "negotiated",
    [GST_DATA_CHANNEL_PROP_CHANNEL_ID] = "channel-id",
    [GST_DATA_CHANNEL_PROP_MAX_MESSAGE_SIZE] = "max-message-size",
    [GST_DATA_CHANNEL_PROP_WINDOW] = "window",
    [GST_DATA_CHANNEL_PROP_STREAMS] = "streams",
    [GST_DATA_CHANNEL_PROP_SESSION] = "session",
    [GST_DATA_CHANNEL_PROP_STATS] = "stats",
    [GST_DATA_CHANNEL_PROP_URI] = "uri",
};

const char *
gst_data_channel_get_setting_name (guint id)
{
  return names[id];
}

static GParamSpec *
find_setting (GstDataChannelEnd *end, guint id)
{
  return g_object_class_find_property (G_OBJECT_GET_CLASS (end->element), names[id]);
}

/* What the setting is when nobody sets it, or sets a string to NULL. */
static void
set_default (GstDataChannelEnd *end, guint id, GValue *value)
{
  const char *signaling = g_getenv ("DC_SIGNALING");

  g_param_value_set_default (find_setting (end, id), value);
  if (id == GST_DATA_CHANNEL_PROP_SIGNALING && signaling != NULL && *signaling != '\0')
    g_value_set_string (value, signaling);
}

void
gst_data_channel_settings_init (GstDataChannelEnd *end)
{
  for (guint id = 1; id < GST_DATA_CHANNEL_N_SETTINGS; id++) {
    g_value_init (&end->settings.values[id], G_PARAM_SPEC_VALUE_TYPE (find_setting (end, id)));
    set_default (end, id, &end->settings.values[id]);
  }
}

void
gst_data_channel_settings_clear (GstDataChannelEnd *end)
{
  for (guint id = 1; id < GST_DATA_CHANNEL_N_SETTINGS; id++)
    g_value_unset (&end->settings.values[id]);
  g_clear_error (&end->settings.uri_fault);
}

void
gst_data_channel_end_set_setting (GstDataChannelEnd *end, guint id, const GValue *value)
{
  GValue *setting = &end->settings.values[id];

  GST_OBJECT_LOCK (end->element);
  g_value_copy (value, setting);
  if (G_VALUE_HOLDS_STRING (setting) && g_value_get_string (setting) == NULL)
    set_default (end, id, setting);
  GST_OBJECT_UNLOCK (end->element);
}

void
gst_data_channel_end_copy_setting (GstDataChannelEnd *end, guint id, GValue *value)
{
  const GValue *setting = &end->settings.values[id];

  GST_OBJECT_LOCK (end->element);
  g_value_init (value, G_VALUE_TYPE (setting));
  g_value_copy (setting, value);
  GST_OBJECT_UNLOCK (end->element);
}

static gboolean
is_same (const GValue *a, const GValue *b)
{
  return gst_value_compare (a, b) == GST_VALUE_EQUAL;
}

gboolean
gst_data_channel_end_has_setting (GstDataChannelEnd *end, guint id)
{
  GValue value = G_VALUE_INIT, unset = G_VALUE_INIT;
  gboolean same;

  gst_data_channel_end_copy_setting (end, id, &value);
  g_value_init (&unset, G_VALUE_TYPE (&value));
  set_default (end, id, &unset);
  same = is_same (&value, &unset);
  g_value_unset (&value);
  g_value_unset (&unset);
  return !same;
}

gboolean
gst_data_channel_end_shares_setting (GstDataChannelEnd *end, guint id, const GValue *other)
{
  gboolean same;

  GST_OBJECT_LOCK (end->element);
  same = is_same (&end->settings.values[id], other);
  GST_OBJECT_UNLOCK (end->element);
  return same;
}

DcMode
gst_data_channel_end_get_mode (GstDataChannelEnd *end)
{
  DcMode mode;

  GST_OBJECT_LOCK (end->element);
  mode = (DcMode) g_value_get_enum (&end->settings.values[GST_DATA_CHANNEL_PROP_MODE]);
  GST_OBJECT_UNLOCK (end->element);
  return mode;
}

gsize
gst_data_channel_end_get_max_size (GstDataChannelEnd *end)
{
  gsize size = DC_LINK_DEFAULT_MAX_ITEM;

  GST_OBJECT_LOCK (end->element);
  if (g_value_get_enum (&end->settings.values[GST_DATA_CHANNEL_PROP_MODE]) == DC_MODE_RAW)
    size = MAX (DC_CHANNEL_DEFAULT_MAX_MESSAGE_SIZE,
        g_value_get_uint (&end->settings.values[GST_DATA_CHANNEL_PROP_MAX_MESSAGE_SIZE]));
  GST_OBJECT_UNLOCK (end->element);
  return size;
}

char *
gst_data_channel_end_dup_string (GstDataChannelEnd *end, guint id)
{
  char *string;

  GST_OBJECT_LOCK (end->element);
  string = g_value_dup_string (&end->settings.values[id]);
  GST_OBJECT_UNLOCK (end->element);
  return string;
}

DcChannelOptions *
gst_data_channel_end_make_options (GstDataChannelEnd *end)
{
  const GValue *values = end->settings.values;
  DcChannelOptions *options;

  GST_OBJECT_LOCK (end->element);
  options = dc_channel_options_new (g_value_get_string (&values[GST_DATA_CHANNEL_PROP_LABEL]));
  options->mode = (DcMode) g_value_get_enum (&values[GST_DATA_CHANNEL_PROP_MODE]);
  options->protocol = g_value_dup_string (&values[GST_DATA_CHANNEL_PROP_PROTOCOL]);
  options->ordered = g_value_get_boolean (&values[GST_DATA_CHANNEL_PROP_ORDERED]);
  options->max_retransmits = g_value_get_int (&values[GST_DATA_CHANNEL_PROP_MAX_RETRANSMITS]);
  options->max_packet_lifetime = g_value_get_int (&values[GST_DATA_CHANNEL_PROP_MAX_PACKET_LIFETIME]);
  options->negotiated = g_value_get_boolean (&values[GST_DATA_CHANNEL_PROP_NEGOTIATED]);
  options->id = g_value_get_int (&values[GST_DATA_CHANNEL_PROP_CHANNEL_ID]);
  options->max_message_size = g_value_get_uint (&values[GST_DATA_CHANNEL_PROP_MAX_MESSAGE_SIZE]);
  options->window = g_value_get_uint (&values[GST_DATA_CHANNEL_PROP_WINDOW]);
  options->streams = (guint) g_value_get_enum (&values[GST_DATA_CHANNEL_PROP_STREAMS]);
  options->wants = end->wants;
  GST_OBJECT_UNLOCK (end->element);
  return options;
}
