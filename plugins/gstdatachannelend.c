/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelend.c: an element's end of a connection: its life, its channel, its errors.
 *
 * Theory of operation
 * -------------------
 * READY -> PAUSED starts the session's peer; nobody waits, so that either side may start first. The streaming thread waits for the channel
 * when it first needs it. PAUSED -> READY closes the channel, with a reason for the far side if the stream did not end, and stops the peer.
 *
 * An element serves one channel from start to stop. When that ends before the stream did, the element is in error.
 * A receiver learns of it where it pulls, behind the last of what had arrived. A sender may have nothing to push for a long time,
 * so it also listens to the peer and to the channel, and posts the error from their threads. Whoever comes first posts; the
 * other's sentence would be the same.
 *
 * A sender with many channels takes each as it opens and cares for them itself: one that ends is no fault.
 *
 * Here are its life and its errors; those channels that there are, are in gstdatachannelend-channels.c. */
#include "plugins/gstdatachannelsession.h"

/* --- Life ---------------------------------------------------------------------------------------------------------------------- */

void
gst_data_channel_end_init (GstDataChannelEnd *end, GstElement *element, DcDirection wants)
{
  end->element = element;
  end->wants = wants;
  end->max_channels = 1;
  g_mutex_init (&end->lock);
  g_cond_init (&end->cond);
  g_mutex_init (&end->flush_lock);
  g_queue_init (&end->arrived);
  end->channels = g_ptr_array_new_with_free_func (g_object_unref);
  gst_data_channel_settings_init (end);
}

void
gst_data_channel_end_clear (GstDataChannelEnd *end)
{
  gst_data_channel_end_leave (end);
  gst_data_channel_settings_clear (end);
  g_clear_pointer (&end->stats, gst_structure_free);
  g_clear_error (&end->fault);
  g_ptr_array_unref (end->channels);
  g_mutex_clear (&end->flush_lock);
  g_mutex_clear (&end->lock);
  g_cond_clear (&end->cond);
}

void
gst_data_channel_end_leave (GstDataChannelEnd *end)
{
  GstDataChannelSession *session;

  g_mutex_lock (&end->lock);
  session = g_steal_pointer (&end->session);
  g_mutex_unlock (&end->lock);
  if (session != NULL)
    gst_data_channel_session_leave (session, end);
}

static void
reset (GstDataChannelEnd *end)
{
  g_mutex_lock (&end->lock);
  end->ending = end->delivered = end->failed = end->told = end->warned_about = FALSE;
  g_clear_error (&end->fault);
  g_mutex_unlock (&end->lock);
}

static gboolean
check_uri (GstDataChannelEnd *end, GError **error)
{
  GError *fault;

  GST_OBJECT_LOCK (end->element);
  fault = end->settings.uri_fault != NULL ? g_error_copy (end->settings.uri_fault) : NULL;
  GST_OBJECT_UNLOCK (end->element);
  if (fault != NULL)
    g_propagate_error (error, g_error_new_literal (DC_ERROR, DC_ERROR_USAGE, fault->message));
  g_clear_error (&fault);
  return error == NULL || *error == NULL;
}

gboolean
gst_data_channel_end_start (GstDataChannelEnd *end)
{
  g_autoptr (GError) error = NULL;

  gst_data_channel_end_join (end);
  reset (end);
  if (check_uri (end, &error) && gst_data_channel_session_start (end->session, end, &error))
    return TRUE;
  gst_data_channel_end_fail (end, error);
  return FALSE;
}

static void
release_channel (GstDataChannelEnd *end, DcChannel *channel, gboolean delivered, const char *reason)
{
  if (!delivered && !dc_channel_is_finished (channel))
    dc_channel_abort (channel, reason);
  else if (!gst_data_channel_session_is_shared (end->session, end))
    dc_channel_close (channel);
  g_signal_handlers_disconnect_by_data (channel, end);
}

/* Each, though it may have been released before. */
static void
release_channels (GstDataChannelEnd *end, const char *reason)
{
  g_autoptr (GPtrArray) channels = gst_data_channel_end_copy_channels (end);
  gboolean delivered = gst_data_channel_end_is_delivered (end);

  for (guint i = 0; i < channels->len; i++)
    release_channel (end, g_ptr_array_index (channels, i), delivered, reason);
}

static void
forget_channels (GstDataChannelEnd *end)
{
  g_autoptr (GPtrArray) channels = NULL;

  g_mutex_lock (&end->lock);
  channels = g_steal_pointer (&end->channels);
  end->channels = g_ptr_array_new_with_free_func (g_object_unref);
  g_queue_clear_full (&end->arrived, g_object_unref);
  g_mutex_unlock (&end->lock);
}

void
gst_data_channel_end_stop (GstDataChannelEnd *end, const char *reason)
{
  GstStructure *stats = gst_data_channel_end_dup_stats (end);

  g_mutex_lock (&end->lock);
  end->ending = TRUE;
  g_clear_pointer (&end->stats, gst_structure_free);
  end->stats = stats;
  g_mutex_unlock (&end->lock);
  release_channels (end, reason);
  gst_data_channel_session_stop (end->session, end);
  /* The peer may have been handing one over: what is connected to it since would keep the element. */
  release_channels (end, reason);
  forget_channels (end);
}

/* --- The end of the stream ------------------------------------------------------------------------------------------------------ */

static gboolean
get_flag (GstDataChannelEnd *end, const gboolean *flag)
{
  gboolean value;

  g_mutex_lock (&end->lock);
  value = *flag;
  g_mutex_unlock (&end->lock);
  return value;
}

static void
raise_flag (GstDataChannelEnd *end, gboolean *flag)
{
  g_mutex_lock (&end->lock);
  *flag = TRUE;
  g_mutex_unlock (&end->lock);
}

void
gst_data_channel_end_set_ending (GstDataChannelEnd *end)
{
  raise_flag (end, &end->ending);
}

gboolean
gst_data_channel_end_is_ending (GstDataChannelEnd *end)
{
  return get_flag (end, &end->ending);
}

void
gst_data_channel_end_set_delivered (GstDataChannelEnd *end)
{
  raise_flag (end, &end->delivered);
}

gboolean
gst_data_channel_end_is_delivered (GstDataChannelEnd *end)
{
  return get_flag (end, &end->delivered);
}

/* --- Errors -------------------------------------------------------------------------------------------------------------------- */

static GstResourceError
resource_error (DcDirection wants, const GError *error)
{
  gboolean send = wants == DC_DIRECTION_SEND;

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
begin_to_fail (GstDataChannelEnd *end)
{
  gboolean first;

  g_mutex_lock (&end->lock);
  first = !end->failed;
  end->failed = TRUE;
  while (!first && !end->told)
    g_cond_wait (&end->cond, &end->lock);
  g_mutex_unlock (&end->lock);
  return first;
}

void
gst_data_channel_end_fail (GstDataChannelEnd *end, const GError *error)
{
  g_autoptr (GPtrArray) channels = NULL;

  if (!begin_to_fail (end))
    return;
  gst_element_message_full (end->element, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR, resource_error (end->wants, error),
      g_strdup (error->message), NULL, __FILE__, G_STRFUNC, __LINE__);
  g_mutex_lock (&end->lock);
  end->told = TRUE;
  g_cond_broadcast (&end->cond);
  g_mutex_unlock (&end->lock);
  /* The end of stream that upstream sends after an error must not look like the end of the stream to the other side. */
  channels = gst_data_channel_end_copy_channels (end);
  for (guint i = 0; i < channels->len; i++)
    dc_channel_abort (g_ptr_array_index (channels, i), error->message);
}

GstFlowReturn
gst_data_channel_end_fail_flow (GstDataChannelEnd *end, const GError *error)
{
  if (g_error_matches (error, DC_ERROR, DC_ERROR_FLUSHING))
    return GST_FLOW_FLUSHING;
  gst_data_channel_end_fail (end, error);
  return GST_FLOW_ERROR;
}

gboolean
gst_data_channel_end_has_failed (GstDataChannelEnd *end)
{
  return get_flag (end, &end->failed);
}

/* --- A channel that opens --------------------------------------------------------------------------------------------------------- */

static void
release_element (gpointer end, GClosure *closure)
{
  gst_object_unref (((GstDataChannelEnd *) end)->element);
}

void
gst_data_channel_end_connect (GstDataChannelEnd *end, gpointer object, const char *signal, GCallback callback)
{
  gst_object_ref (end->element);
  g_signal_connect_data (object, signal, callback, end, release_element, (GConnectFlags) 0);
}

static void
channel_closed_cb (DcChannel *channel, const GError *error, GstDataChannelEnd *end)
{
  g_autoptr (GError) left = NULL;

  if (gst_data_channel_end_is_ending (end))
    return;
  if (error == NULL)
    left = g_error_new (DC_ERROR, DC_ERROR_PEER_GONE, "The receiver \"%s\" closed the channel before the stream ended",
        dc_channel_get_remote_id (channel));
  gst_data_channel_end_fail (end, error != NULL ? error : left);
}

static void
listen_to_channel (GstDataChannelEnd *end, DcChannel *channel)
{
  g_autoptr (GError) error = NULL;

  gst_data_channel_end_connect (end, channel, "closed", G_CALLBACK (channel_closed_cb));
  /* The channel ends on another thread than this, perhaps before we listened. If we are told twice, only the first is posted. */
  if (!dc_channel_is_ended (channel))
    return;
  error = g_error_new (DC_ERROR, DC_ERROR_PEER_GONE,
      "The channel to the receiver \"%s\" closed right after it was open, before the stream ended",
      dc_channel_get_remote_id (channel));
  channel_closed_cb (channel, error, end);
}

/* Those that have ended may not have been dropped yet. */
static guint
count_open (GstDataChannelEnd *end)
{
  g_autoptr (GPtrArray) channels = gst_data_channel_end_copy_channels (end);
  guint n = 0;

  for (guint i = 0; i < channels->len; i++)
    n += dc_channel_is_ended (g_ptr_array_index (channels, i)) ? 0 : 1;
  return n;
}

/* Says whether @channel is of any use: one that comes when the stream has ended is told so. A second one for somebody who wants only one is
 * not possible, but for a channel that is told twice. */
static gboolean
may_take_channel (GstDataChannelEnd *end, DcChannel *channel)
{
  gboolean wanted, late;

  g_mutex_lock (&end->lock);
  wanted = end->max_channels > 1 || end->channels->len == 0;
  late = end->max_channels > 1 && end->ending;
  g_mutex_unlock (&end->lock);
  if (late)
    dc_channel_abort (channel, GST_DATA_CHANNEL_TOO_LATE);
  return wanted && !late;
}

static void
handle_channel (GstDataChannelEnd *end, DcChannel *channel)
{
  guint n;

  if (!may_take_channel (end, channel))
    return;
  n = count_open (end) + 1;
  /* Who gets the channel may wait for its signals at once. */
  if (end->opened != NULL)
    end->opened (end, channel, n);
  gst_data_channel_end_publish_channel (end, channel);
  if (dc_channel_is_ended (channel))
    gst_data_channel_end_drop_arrived (end, channel);
  /* Not before: who starts its stream on this message wants it to reach the receiver from its beginning. */
  if (end->wants == DC_DIRECTION_SEND)
    gst_data_channel_end_post (end, gst_structure_new ("datachannel-peer-joined", "peer", G_TYPE_STRING,
                                        dc_channel_get_remote_id (channel), "receivers", G_TYPE_UINT, n, NULL));
  if (end->wants == DC_DIRECTION_SEND && end->max_channels == 1)
    listen_to_channel (end, channel);
}

/* --- The session --------------------------------------------------------------------------------------------------------------- */

static void
handle_failure (GstDataChannelEnd *end, const GError *error)
{
  gboolean fault;

  g_mutex_lock (&end->lock);
  if (end->fault == NULL)
    end->fault = g_error_copy (error);
  /* An open channel lives on without its peer's signaling, and tells by itself when it ends. */
  fault = end->wants == DC_DIRECTION_SEND && end->max_channels == 1 && end->channels->len == 0 && !end->ending;
  end->changes++;
  g_cond_broadcast (&end->cond);
  g_mutex_unlock (&end->lock);
  if (fault)
    gst_data_channel_end_fail (end, error);
}

static const GstDataChannelMemberFuncs member_funcs = {
    .event = gst_data_channel_end_handle_event,
    .statistics = gst_data_channel_end_handle_statistics,
    .channel = handle_channel,
    .failure = handle_failure,
};

void
gst_data_channel_end_join (GstDataChannelEnd *end)
{
  GstDataChannelSession *session;

  if (end->session != NULL)
    return;
  session = gst_data_channel_session_join (end, &member_funcs);
  g_mutex_lock (&end->lock);
  end->session = session;
  g_mutex_unlock (&end->lock);
}

static DcPeer *
dup_peer (GstDataChannelEnd *end)
{
  DcPeer *peer = NULL;

  g_mutex_lock (&end->lock);
  if (end->session != NULL)
    peer = gst_data_channel_session_dup_peer (end->session);
  g_mutex_unlock (&end->lock);
  return peer;
}

GstStructure *
gst_data_channel_end_dup_stats (GstDataChannelEnd *end)
{
  g_autoptr (DcPeer) peer = dup_peer (end);
  GstStructure *stats;

  if (peer != NULL)
    return dc_peer_dup_stats (peer);
  g_mutex_lock (&end->lock);
  stats = end->stats != NULL ? gst_structure_copy (end->stats) : NULL;
  g_mutex_unlock (&end->lock);
  return stats;
}

void
gst_data_channel_end_set_stats_interval (GstDataChannelEnd *end, guint milliseconds)
{
  g_autoptr (DcPeer) peer = dup_peer (end);

  if (peer != NULL)
    g_object_set (peer, "stats-interval", milliseconds, NULL);
}
