/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-connection-channels.c: webrtcbin's channels on a connection, made or found for those of the session, and started when they are open
 * and the fingerprint was found right (dc-connection-transport.c).
 *
 * webrtcbin says that a channel which the far side has opened is open, and just then puts the answer to that (DATA_CHANNEL_ACK) into the
 * channel's queue, on another thread. What we send must not overtake it: until it has come, the far side need not know that the channel
 * is open (RFC 8832, section 6). So such a channel is started when it is open and its answer is on its way. */
#include "plugins/peer/dc-channel-private.h"
#include "plugins/peer/dc-connection-private.h"

/* In link mode; and what there is if nothing was said (RFC 8841, 6.1). */
#define LINK_LIMIT 65536
/* dc-sdp.h */
#define STOCK_LIMIT 65536

#define MAX_SHOWN_TEXT 120

/* A far side may put any bytes into a label or a protocol. */
static char *
dup_text (GstWebRTCDataChannel *rtc, const char *property)
{
  g_autofree char *bytes = NULL, *cut = NULL;

  g_object_get (rtc, property, &bytes, NULL);
  cut = g_strndup (bytes != NULL ? bytes : "", MAX_SHOWN_TEXT);
  return g_utf8_make_valid (cut, -1);
}

static void
emit_channel_open (DcConnection *self, DcChannel *channel, GstWebRTCDataChannel *rtc, guint64 max_message_size)
{
  GstStructure *event = dc_connection_event (self, "channel-open");
  g_autofree char *label = dup_text (rtc, "label"), *protocol = dup_text (rtc, "protocol");
  gint id, max_retransmits, max_lifetime;
  gboolean ordered;

  g_object_get (rtc, "id", &id, "ordered", &ordered, "max-retransmits", &max_retransmits, "max-packet-lifetime",
      &max_lifetime, NULL);
  gst_structure_set (event, "label", G_TYPE_STRING, label, "protocol", G_TYPE_STRING, protocol, "id", G_TYPE_INT, id,
      "ordered", G_TYPE_BOOLEAN, ordered, "max-retransmits", G_TYPE_INT, max_retransmits, "max-packet-lifetime",
      G_TYPE_INT, max_lifetime, "mode", G_TYPE_STRING, dc_channel_get_mode (channel) == DC_MODE_LINK ? "link" : "raw",
      "max-message-size", G_TYPE_UINT64, max_message_size, NULL);
  dc_connection_emit (self, event);
}

/* webrtcbin's channel, with ours that it is attached to; (nullable): one that nobody asked for. */
typedef struct {
  DcChannel *channel;
  GstWebRTCDataChannel *rtc;
} Carried;

static void
carried_free (gpointer data)
{
  Carried *carried = data;

  g_clear_object (&carried->channel);
  g_object_unref (carried->rtc);
  g_free (carried);
}

static Carried *
carried_new (DcChannel *channel, GstWebRTCDataChannel *rtc)
{
  Carried carried = {channel != NULL ? g_object_ref (channel) : NULL, g_object_ref (rtc)};

  return g_memdup2 (&carried, sizeof carried);
}

/* What is to be proved on @channel, once DTLS is connected. NULL without @error: nothing. (transfer full) */
static DcProof *
make_proof (DcConnection *self, DcChannel *channel, GError **error)
{
  g_autofree char *ours = NULL, *theirs = NULL, *local = NULL, *remote = NULL;

  if (self->secret == NULL)
    return NULL;
  g_object_get (self->dtls, "certificate", &ours, "remote-certificate", &theirs, NULL);
  local = ours != NULL ? dc_identity_fingerprint (ours, "sha-256") : NULL;
  remote = theirs != NULL ? dc_identity_fingerprint (theirs, "sha-256") : NULL;
  if (local != NULL && remote != NULL)
    return dc_proof_new (self->secret, local, remote, dc_channel_get_label (channel), NULL);
  g_set_error_literal (error, DC_ERROR, DC_ERROR_IDENTITY, "DTLS does not say by which certificates it has connected");
  return NULL;
}

/* The RTC channel is open: no byte goes in or out above it before the identity is known. */
static void
start_channel (DcConnection *self, DcChannel *channel, GstWebRTCDataChannel *rtc)
{
  guint64 max_message_size = LINK_LIMIT;
  g_autoptr (GError) error = NULL;
  DcProof *proof;

  if (self->phase > DC_PHASE_OPEN)
    return;
  dc_connection_watch_transports (self);
  if (!dc_connection_check_identity (self))
    return;
  proof = make_proof (self, channel, &error);
  if (error != NULL) {
    dc_connection_fail (self, DC_ERROR_IDENTITY, "\"%s\": %s", self->remote_id, error->message);
    return;
  }
  g_object_get (self->sctp, "max-message-size", &max_message_size, NULL);
  self->channel_open = TRUE;
  emit_channel_open (self, channel, rtc, max_message_size);
  dc_channel_start (channel, rtc, MIN (max_message_size, dc_connection_get_message_limit (self)), proof);
}

static void
on_open_posted (DcConnection *self, gpointer data)
{
  Carried *carried = data;

  start_channel (self, carried->channel, carried->rtc);
}

static DcChannel *
find_by_label (DcConnection *self, const char *label)
{
  for (guint i = 0; i < self->channels->len; i++)
    if (g_strcmp0 (dc_channel_get_label (g_ptr_array_index (self->channels, i)), label) == 0)
      return g_ptr_array_index (self->channels, i);
  return NULL;
}

/* Ours that a channel which the far side has opened is for. (nullable) */
static DcChannel *
find_wanted (DcConnection *self, const char *label)
{
  DcChannel *channel = find_by_label (self, label);

  for (guint i = 0; channel == NULL && i < self->channels->len; i++) {
    DcChannel *candidate = g_ptr_array_index (self->channels, i);
    if (dc_channel_get_options (candidate)->any_label && !dc_channel_has_carrier (candidate, self))
      channel = candidate;
  }
  return channel;
}

static void
on_open (GstWebRTCDataChannel *rtc, DcConnection *self)
{
  g_autofree char *label = NULL;

  g_object_get (rtc, "label", &label, NULL);
  dc_connection_post (self, on_open_posted, carried_new (find_by_label (self, label), rtc), carried_free);
}

static gboolean
attach (DcConnection *self, DcChannel *channel, GstWebRTCDataChannel *rtc)
{
  DcSctpPath *path = dc_webrtc_get_path (self->webrtc);
  gboolean attached;

  g_mutex_lock (&self->attach_lock);
  attached = !self->gone
             && dc_channel_attach (channel, rtc, self, dc_sctp_path_get_watch (path), dc_sctp_path_get_bypass (path));
  g_mutex_unlock (&self->attach_lock);
  return attached;
}

static gboolean
has_our_protocol (DcConnection *self, const Carried *carried)
{
  g_autofree char *protocol = dup_text (carried->rtc, "protocol");

  if (dc_channel_get_mode (carried->channel) == DC_MODE_RAW || g_str_equal (protocol, DC_LINK_PROTOCOL))
    return TRUE;
  dc_connection_fail (self, DC_ERROR_DATA,
      "\"%s\" opened the channel \"%s\" with the protocol \"%s\", not \"" DC_LINK_PROTOCOL "\"; is it in raw mode?",
      self->remote_id, dc_channel_get_label (carried->channel), protocol);
  return FALSE;
}

/* It is open, and the far side knows it. One that nobody asked for is closed, so that its opener knows; those in use go on. */
static void
take_up (DcConnection *self, const Carried *carried)
{
  if (carried->channel == NULL)
    gst_webrtc_data_channel_close (carried->rtc);
  else if (has_our_protocol (self, carried))
    start_channel (self, carried->channel, carried->rtc);
}

static void
on_announced_posted (DcConnection *self, gpointer stream)
{
  Carried *carried = NULL;

  if (!g_hash_table_steal_extended (self->unannounced, stream, NULL, (gpointer *) &carried)) {
    g_hash_table_add (self->announced, stream);
    return;
  }
  take_up (self, carried);
  carried_free (carried);
}

void
dc_connection_on_announced (guint stream, gpointer user_data)
{
  dc_connection_post (user_data, on_announced_posted, GUINT_TO_POINTER (stream), NULL);
}

/* A channel that had this id before, and was closed before it was announced, has come to nothing. */
static void
on_data_channel_posted (DcConnection *self, gpointer data)
{
  const Carried *carried = data;
  gint id = -1;

  g_object_get (carried->rtc, "id", &id, NULL);
  if (g_hash_table_remove (self->announced, GINT_TO_POINTER (id)))
    take_up (self, carried);
  else
    g_hash_table_insert (self->unannounced, GINT_TO_POINTER (id), carried_new (carried->channel, carried->rtc));
}

void
dc_connection_on_data_channel (GstElement *bin, GstWebRTCDataChannel *rtc, DcConnection *self)
{
  g_autofree char *label = NULL;
  DcChannel *channel;

  g_object_get (rtc, "label", &label, NULL);
  channel = find_wanted (self, label);
  if (channel != NULL && !attach (self, channel, rtc))
    channel = NULL;
  dc_connection_post (self, on_data_channel_posted, carried_new (channel, rtc), carried_free);
}

static void
on_spread_posted (DcConnection *self, gpointer n)
{
  GstStructure *event = dc_connection_event (self, "streams");

  gst_structure_set (event, "count", G_TYPE_UINT, GPOINTER_TO_UINT (n), NULL);
  dc_connection_emit (self, event);
}

void
dc_connection_on_spread (guint n, gpointer user_data)
{
  dc_connection_post (user_data, on_spread_posted, GUINT_TO_POINTER (n), NULL);
}

static GstStructure *
make_channel_options (const DcChannelOptions *from)
{
  const char *protocol = from->mode == DC_MODE_LINK ? DC_LINK_PROTOCOL : from->protocol;
  GstStructure *options = gst_structure_new ("options", "protocol", G_TYPE_STRING, protocol != NULL ? protocol : "",
      "ordered", G_TYPE_BOOLEAN, from->ordered, "negotiated", G_TYPE_BOOLEAN, from->negotiated, NULL);

  if (from->negotiated)
    gst_structure_set (options, "id", G_TYPE_INT, from->id, NULL);
  if (from->max_retransmits >= 0)
    gst_structure_set (options, "max-retransmits", G_TYPE_INT, from->max_retransmits, NULL);
  if (from->max_packet_lifetime >= 0)
    gst_structure_set (options, "max-packet-lifetime", G_TYPE_INT, from->max_packet_lifetime, NULL);
  return options;
}

static gboolean
make_channel (DcConnection *self, DcChannel *channel)
{
  const DcChannelOptions *from = dc_channel_get_options (channel);
  g_autoptr (GstStructure) options = make_channel_options (from);
  g_autoptr (GstWebRTCDataChannel) rtc = NULL;

  g_signal_emit_by_name (dc_webrtc_get_bin (self->webrtc), "create-data-channel", from->label, options, &rtc);
  if (rtc == NULL) {
    dc_connection_fail (
        self, DC_ERROR_CONNECTION, "webrtcbin makes no data channel; is the GStreamer plugin sctp installed?");
    return FALSE;
  }
  if (attach (self, channel, rtc))
    dc_connection_connect (self, rtc, "on-open", G_CALLBACK (on_open));
  return TRUE;
}

gboolean
dc_connection_make_channels (DcConnection *self, gboolean only_negotiated)
{
  for (guint i = 0; i < self->channels->len; i++) {
    DcChannel *channel = g_ptr_array_index (self->channels, i);
    if (dc_channel_is_ended (channel) || (only_negotiated && !dc_channel_get_options (channel)->negotiated))
      continue;
    if (!make_channel (self, channel))
      return FALSE;
  }
  return TRUE;
}

guint
dc_connection_get_message_limit (DcConnection *self)
{
  return dc_webrtc_get_transport (self->webrtc) != NULL ? DC_CHANNEL_MAX_MESSAGE_SIZE : STOCK_LIMIT;
}

guint
dc_connection_get_max_message_size (DcConnection *self)
{
  guint size = 0, limit = dc_connection_get_message_limit (self);

  for (guint i = 0; i < self->channels->len; i++) {
    const DcChannelOptions *options = dc_channel_get_options (g_ptr_array_index (self->channels, i));
    size = MAX (size, options->mode == DC_MODE_LINK ? LINK_LIMIT : MIN (options->max_message_size, limit));
  }
  return size;
}

void
dc_connection_check_delivered (DcConnection *self)
{
  for (guint i = 0; i < self->channels->len; i++) {
    DcChannel *channel = g_ptr_array_index (self->channels, i);
    if (dc_channel_has_carrier (channel, self))
      dc_channel_check_delivered (channel);
  }
}

void
dc_connection_init_channels (DcConnection *self)
{
  self->announced = g_hash_table_new (NULL, NULL);
  self->unannounced = g_hash_table_new_full (NULL, NULL, NULL, carried_free);
}
