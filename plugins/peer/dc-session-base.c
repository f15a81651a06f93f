/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-session-base.c: what the parts of a session stand on: state, telling, ending, statistics. */
#include "plugins/peer/dc-event.h"
#include "plugins/peer/dc-session-private.h"
#include "plugins/peer/dc-source.h"

/* --- Small things -------------------------------------------------------------------------------------------------------------- */

void
dc_session_set_state (DcSession *self, DcSessionState state, const char *name)
{
  self->state = state;
  g_mutex_lock (&self->lock);
  self->state_name = name;
  g_mutex_unlock (&self->lock);
}

GstStructure *
dc_session_new_event (DcSession *self, const char *name)
{
  GstStructure *event = dc_event_new (name, self->start);

  gst_structure_set (event, "peer", G_TYPE_STRING, self->remote_id, NULL);
  return event;
}

void
dc_session_send_bye (DcSession *self, const char *call, const char *reason)
{
  g_autoptr (DcMessage) bye = dc_message_new (DC_MESSAGE_BYE);

  bye->to = g_strdup (self->remote_id);
  bye->call = g_strdup (call);
  bye->reason = g_strdup (reason);
  self->callbacks.signal (self, bye, self->user_data);
}

guint
dc_session_count_live_channels (DcSession *self)
{
  guint n = 0;

  for (guint i = 0; i < self->channels->len; i++) {
    DcChannel *channel = g_ptr_array_index (self->channels, i);
    n += dc_channel_is_ready (channel) && !dc_channel_is_ended (channel);
  }
  return n;
}

GError *
dc_session_dup_channel_error (DcSession *self)
{
  GError *error = NULL;

  for (guint i = 0; error == NULL && i < self->channels->len; i++) {
    DcChannel *channel = g_ptr_array_index (self->channels, i);
    if (dc_channel_is_ready (channel))
      error = dc_channel_dup_error (channel);
  }
  return error;
}

void
dc_session_end (DcSession *self, const GError *error)
{
  if (self->state >= DC_SESSION_ENDED)
    return;
  dc_source_clear (&self->retry);
  self->ended_lost = self->state == DC_SESSION_LOST;
  dc_session_set_state (self, DC_SESSION_ENDED, "closed");
  self->callbacks.ended (self, error, self->user_data);
}

/* --- What the channels tell, on any thread ------------------------------------------------------------------------------------------ */

typedef struct {
  DcChannel *channel;
  GError *error;
  DcSessionNoticeFunc func;
} Notice;

static void
notice_free (gpointer data)
{
  Notice *notice = data;

  g_object_unref (notice->channel);
  g_clear_error (&notice->error);
  g_free (notice);
}

static Notice *
take_notice (DcSession *self)
{
  Notice *notice;

  g_mutex_lock (&self->lock);
  notice = g_queue_pop_head (&self->notices);
  g_mutex_unlock (&self->lock);
  return notice;
}

void
dc_session_take_notices (DcSession *self)
{
  Notice *notice;

  while ((notice = take_notice (self)) != NULL) {
    notice->func (self, notice->channel, notice->error);
    notice_free (notice);
  }
}

static gboolean
dispatch (gpointer user_data)
{
  dc_session_take_notices (user_data);
  return G_SOURCE_REMOVE;
}

static void
release (gpointer user_data)
{
  dc_session_unref (user_data);
}

/* Takes @notice over. FALSE: the session is closed, and nobody comes round to it any more. */
static gboolean
queue_notice (DcSession *self, Notice *notice)
{
  gboolean open;

  g_mutex_lock (&self->lock);
  open = self->channels != NULL;
  if (open)
    g_queue_push_tail (&self->notices, notice);
  g_mutex_unlock (&self->lock);
  if (!open)
    notice_free (notice);
  return open;
}

void
dc_session_post (DcSession *self, DcChannel *channel, const GError *error, DcSessionNoticeFunc func)
{
  g_autoptr (GSource) source = NULL;
  Notice *notice = g_new (Notice, 1);

  *notice = (Notice){g_object_ref (channel), error != NULL ? g_error_copy (error) : NULL, func};
  if (!queue_notice (self, notice))
    return;
  source = g_idle_source_new ();
  g_source_set_priority (source, DC_SOURCE_PRIORITY_NEWS);
  g_source_set_callback (source, dispatch, dc_session_ref (self), release);
  g_source_attach (source, self->context);
}

/* --- What it is ------------------------------------------------------------------------------------------------------------------ */

const char *
dc_session_get_remote_id (DcSession *self)
{
  return self->remote_id;
}

gboolean
dc_session_is_caller (DcSession *self)
{
  return self->is_caller;
}

gboolean
dc_session_was_open (DcSession *self)
{
  return self->opened_at != 0;
}

gboolean
dc_session_is_open (DcSession *self)
{
  return self->state == DC_SESSION_OPEN;
}

gboolean
dc_session_has_call (DcSession *self, const char *call)
{
  return call == NULL || g_str_equal (call, self->id)
         || (self->connection != NULL && g_str_equal (call, dc_connection_get_call (self->connection)));
}

gboolean
dc_session_is_calling (DcSession *self)
{
  return self->state == DC_SESSION_CALLING && self->is_caller && !dc_connection_is_answered (self->connection);
}

gboolean
dc_session_needs_signaling (DcSession *self)
{
  return self->state == DC_SESSION_CALLING && dc_connection_needs_signaling (self->connection);
}

gdouble
dc_session_get_duration (DcSession *self)
{
  return self->opened_at != 0 ? (g_get_monotonic_time () - self->opened_at) / (gdouble) G_USEC_PER_SEC : 0;
}

void
dc_session_get_bytes (DcSession *self, guint64 *sent, guint64 *received)
{
  g_autoptr (GPtrArray) channels = NULL;

  *sent = *received = 0;
  g_mutex_lock (&self->lock);
  channels = self->channels != NULL ? g_ptr_array_ref (self->channels) : NULL;
  g_mutex_unlock (&self->lock);
  for (guint i = 0; channels != NULL && i < channels->len; i++) {
    DcLinkStats stats;
    dc_channel_get_link_stats (g_ptr_array_index (channels, i), &stats);
    *sent += stats.bytes_sent;
    *received += stats.bytes_received;
  }
}

guint
dc_session_get_reconnects (DcSession *self)
{
  guint reconnects;

  g_mutex_lock (&self->lock);
  reconnects = self->reconnects;
  g_mutex_unlock (&self->lock);
  return reconnects;
}

char *
dc_session_describe_progress (DcSession *self)
{
  return self->connection != NULL ? dc_connection_describe_progress (self->connection)
                                  : g_strdup ("the connection is lost");
}

static gboolean
copy_field (GQuark field, const GValue *value, gpointer structure)
{
  if (!gst_structure_id_has_field (structure, field))
    gst_structure_id_set_value (structure, field, value);
  return TRUE;
}

static void
take_channel_stats (GstStructure *structure, GPtrArray *channels)
{
  GValue list = G_VALUE_INIT;

  g_value_init (&list, GST_TYPE_LIST);
  for (guint i = 0; i < channels->len; i++) {
    GValue value = G_VALUE_INIT;
    if (!dc_channel_is_ready (g_ptr_array_index (channels, i)))
      continue;
    g_value_init (&value, GST_TYPE_STRUCTURE);
    g_value_take_boxed (&value, dc_channel_dup_stats (g_ptr_array_index (channels, i)));
    gst_value_list_append_and_take_value (&list, &value);
  }
  gst_structure_take_value (structure, "channels", &list);
}

GstStructure *
dc_session_dup_stats (DcSession *self)
{
  g_autoptr (GPtrArray) channels = NULL;
  GstStructure *structure;

  g_mutex_lock (&self->lock);
  channels = self->channels != NULL ? g_ptr_array_ref (self->channels) : g_ptr_array_new ();
  structure = gst_structure_new ("connection", "peer", G_TYPE_STRING, self->remote_id, "state", G_TYPE_STRING,
      self->state_name, "since", G_TYPE_DOUBLE,
      self->opened_at != 0 ? (self->opened_at - self->start) / (gdouble) G_USEC_PER_SEC : -1.0, "reconnects",
      G_TYPE_UINT, self->reconnects, NULL);
  if (self->pair != NULL) {
    gst_structure_foreach (self->pair, copy_field, structure);
    gst_structure_remove_field (structure, "t");
  }
  g_mutex_unlock (&self->lock);
  take_channel_stats (structure, channels);
  return structure;
}

void
dc_session_fail (DcSession *self, const GError *error)
{
  for (guint i = 0; i < self->channels->len; i++)
    dc_channel_fail (g_ptr_array_index (self->channels, i), error);
}

DcSession *
dc_session_ref (DcSession *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
dc_session_unref (DcSession *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_clear_pointer (&self->channels, g_ptr_array_unref);
  g_clear_pointer (&self->pair, gst_structure_free);
  g_mutex_clear (&self->lock);
  g_main_context_unref (self->context);
  g_free (self->remote_id);
  g_free (self->id);
  g_free (self->secret);
  g_free (self);
}
