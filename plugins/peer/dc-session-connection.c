/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-session-connection.c: the connections of a session: making them, losing them, letting them go. */
#include "plugins/peer/dc-session-private.h"
#include "plugins/peer/dc-source.h"

#define CALL_TIMEOUT_MS 30000
/* A new attempt is cheap, and the path may have come back just after the last one began. */
#define RESUME_CALL_TIMEOUT_MS 10000
#define FIRST_RETRY_MS 500
#define MAX_RETRY_MS 4000

/* --- The connection ------------------------------------------------------------------------------------------------------------ */

void
dc_session_check_closed (DcSession *self)
{
  g_autoptr (GPtrArray) channels = NULL;

  if (self->state != DC_SESSION_CLOSING || self->n_closing > 0)
    return;
  dc_session_set_state (self, DC_SESSION_CLOSED, "closed");
  /* Channels hold the session. */
  g_mutex_lock (&self->lock);
  channels = g_steal_pointer (&self->channels);
  g_mutex_unlock (&self->lock);
  dc_session_take_notices (self);
  for (guint i = 0; i < channels->len; i++)
    dc_channel_retire (g_ptr_array_index (channels, i));
  self->callbacks.closed (self, self->user_data);
}

static void
on_connection_closed (DcConnection *connection, gpointer user_data)
{
  DcSession *self = user_data;

  self->n_closing--;
  if (connection == self->parting)
    self->parting = NULL;
  dc_session_check_closed (self);
  dc_connection_unref (connection);
  dc_session_unref (self);
}

void
dc_session_let_go (DcSession *self, const char *reason)
{
  DcConnection *connection = g_steal_pointer (&self->connection);

  if (connection == NULL)
    return;
  self->n_closing++;
  dc_connection_close (connection, reason);
}

/* Another connection shall carry the channels. While lost that is one attempt of several: the far side, whose channels may have resumed
 * on it, goes back to waiting for the next. */
static void
drop_connection (DcSession *self, const char *reason)
{
  if (self->connection != NULL)
    dc_connection_drop_channels (self->connection);
  dc_session_let_go (self, self->state == DC_SESSION_LOST ? "lost" : reason);
}

static void
on_connection_event (DcConnection *connection, GstStructure *event, gpointer user_data)
{
  DcSession *self = user_data;

  if (gst_structure_has_name (event, "selected-pair")) {
    g_mutex_lock (&self->lock);
    g_clear_pointer (&self->pair, gst_structure_free);
    self->pair = gst_structure_copy (event);
    g_mutex_unlock (&self->lock);
  }
  self->callbacks.event (self, event, self->user_data);
}

static void
on_connection_signal (DcConnection *connection, DcMessage *message, gpointer user_data)
{
  DcSession *self = user_data;

  self->callbacks.signal (self, message, self->user_data);
}

static void
lose_channels (DcSession *self, const GError *why)
{
  for (guint i = 0; i < self->channels->len; i++) {
    DcChannel *channel = g_ptr_array_index (self->channels, i);
    if (dc_channel_is_ready (channel))
      dc_channel_lose (channel, why);
  }
}

static void
emit_lost (DcSession *self, const GError *why)
{
  GstStructure *event = dc_session_new_event (self, "connection-lost");

  gst_structure_set (event, "reason", G_TYPE_STRING, why->message, "timeout", G_TYPE_DOUBLE,
      self->resume_timeout / (gdouble) G_USEC_PER_SEC, NULL);
  self->callbacks.event (self, event, self->user_data);
}

void
dc_session_lose_connection (DcSession *self, const GError *why)
{
  g_autofree char *call = g_strdup (dc_connection_get_call (self->connection));

  lose_channels (self, why);
  if (dc_session_count_live_channels (self) == 0) {
    g_autoptr (GError) error = dc_session_dup_channel_error (self);
    dc_session_end (self, error);
    return;
  }
  self->lost_at = g_get_monotonic_time ();
  self->n_attempts = 0;
  dc_session_set_state (self, DC_SESSION_LOST, "lost");
  emit_lost (self, why);
  drop_connection (self, NULL);
  if (self->is_caller)
    dc_session_call_again (self, 0);
  else
    dc_session_send_bye (self, call, "lost");
}

/* Each time later. */
static void
call_later (DcSession *self)
{
  guint wait = FIRST_RETRY_MS << MIN (self->n_attempts, 10);

  self->n_attempts++;
  dc_session_call_again (self, MIN (wait, MAX_RETRY_MS));
}

static void
on_connection_ended (DcConnection *connection, const GError *error, gpointer user_data)
{
  DcSession *self = user_data;

  /* A channel may have been ready, and given what there was, just before. */
  dc_session_take_notices (self);
  if (connection != self->connection)
    return;
  if (self->state == DC_SESSION_OPEN)
    dc_session_lose_connection (self, error);
  else if (self->state == DC_SESSION_LOST) {
    drop_connection (self, NULL);
    if (self->is_caller)
      call_later (self);
  } else
    dc_session_end (self, error);
}

static const DcConnectionCallbacks connection_callbacks = {
    on_connection_event, on_connection_signal, on_connection_ended, on_connection_closed};

gboolean
dc_session_make_connection (DcSession *self, const char *call)
{
  gboolean again = self->state == DC_SESSION_LOST;
  g_autoptr (GError) error = NULL;
  DcConnectionConfig config = {
      .context = self->context,
      .start = self->start,
      .remote_id = self->remote_id,
      .call = call,
      .continues = again ? self->id : NULL,
      .channels = self->channels,
      .timeout = again ? RESUME_CALL_TIMEOUT_MS : CALL_TIMEOUT_MS,
      .patient = self->patient,
      .secret = self->secret,
      .ice = self->ice,
      .webrtc = self->webrtc_settings,
  };

  drop_connection (self, "it calls again");
  self->connection = dc_connection_new (&config, &connection_callbacks, dc_session_ref (self), &error);
  if (self->connection != NULL)
    return TRUE;
  dc_session_unref (self);
  dc_session_fail (self, error);
  dc_session_end (self, error);
  return FALSE;
}

/* --- Calling ------------------------------------------------------------------------------------------------------------------- */

void
dc_session_emit_call (DcSession *self, const char *name, const char *call)
{
  GstStructure *event = dc_session_new_event (self, name);

  gst_structure_set (
      event, "call", G_TYPE_STRING, call, "resume", G_TYPE_BOOLEAN, self->state == DC_SESSION_LOST, NULL);
  self->callbacks.event (self, event, self->user_data);
}

static gboolean
on_retry (gpointer user_data)
{
  DcSession *self = user_data;
  g_autofree char *call = g_uuid_string_random ();

  dc_source_clear (&self->retry);
  dc_session_emit_call (self, "calling", call);
  if (dc_session_make_connection (self, call))
    dc_connection_call (self->connection);
  return G_SOURCE_REMOVE;
}

void
dc_session_call_again (DcSession *self, guint milliseconds)
{
  dc_source_clear (&self->retry);
  self->retry = g_timeout_source_new (milliseconds);
  g_source_set_callback (self->retry, on_retry, self, NULL);
  g_source_attach (self->retry, self->context);
}
