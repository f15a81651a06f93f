/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-session-channels.c: what the channels of a session tell, on any thread, and what it does about it, on the worker. */
#include "plugins/peer/dc-session-private.h"
#include "plugins/peer/dc-source.h"

/* --- The channels: what they tell on any thread ---------------------------------------------------------------------------------- */

/* A channel speaks only when the far side has proved the secret, so that it does is proof enough. */
static void
emit_proved (DcSession *self, DcChannel *channel)
{
  GstStructure *event;

  if (self->secret == NULL)
    return;
  event = dc_session_new_event (self, "secret-proved");
  gst_structure_set (event, "label", G_TYPE_STRING, dc_channel_get_label (channel), NULL);
  self->callbacks.event (self, event, self->user_data);
}

static void
on_ready_posted (DcSession *self, DcChannel *channel, const GError *error)
{
  if (self->state >= DC_SESSION_ENDED || self->connection == NULL)
    return;
  if (self->state == DC_SESSION_CALLING) {
    dc_session_set_state (self, DC_SESSION_OPEN, "open");
    g_mutex_lock (&self->lock);
    self->opened_at = g_get_monotonic_time ();
    g_mutex_unlock (&self->lock);
  }
  dc_connection_set_open (self->connection);
  emit_proved (self, channel);
  self->callbacks.channel (self, channel, self->user_data);
}

static void
on_suspended_posted (DcSession *self, DcChannel *channel, const GError *why)
{
  /* It may have been given another connection since. */
  if (self->connection == NULL || !dc_channel_is_suspended (channel)
      || !dc_channel_had_carrier (channel, self->connection))
    return;
  if (self->state == DC_SESSION_OPEN)
    dc_session_lose_connection (self, why);
  else if (self->state == DC_SESSION_LOST)
    dc_connection_give_up (self->connection, "the other side does not go on");
}

static void
emit_resumed (DcSession *self)
{
  GstStructure *event = dc_session_new_event (self, "connection-resumed");

  gst_structure_set (event, "after", G_TYPE_DOUBLE,
      (g_get_monotonic_time () - self->lost_at) / (gdouble) G_USEC_PER_SEC, "reconnects", G_TYPE_UINT, self->reconnects,
      NULL);
  self->callbacks.event (self, event, self->user_data);
}

static void
on_resumed_posted (DcSession *self, DcChannel *channel, const GError *error)
{
  if (self->state != DC_SESSION_LOST || self->connection == NULL)
    return;
  dc_source_clear (&self->retry);
  dc_session_set_state (self, DC_SESSION_OPEN, "open");
  g_mutex_lock (&self->lock);
  self->reconnects++;
  g_mutex_unlock (&self->lock);
  dc_connection_set_open (self->connection);
  emit_proved (self, channel);
  emit_resumed (self);
}

static gboolean
all_are_closing (DcSession *self)
{
  for (guint i = 0; i < self->channels->len; i++) {
    DcChannel *channel = g_ptr_array_index (self->channels, i);
    if (dc_channel_is_ready (channel) && !dc_channel_is_ended (channel) && !dc_channel_is_closing (channel))
      return FALSE;
  }
  return TRUE;
}

static void
on_ended_posted (DcSession *self, DcChannel *channel, const GError *error)
{
  if (self->state >= DC_SESSION_ENDED) {
    if (self->parting != NULL)
      dc_connection_check_settled (self->parting);
    return;
  }
  if (!dc_channel_is_ready (channel)) {
    /* Refused before it was in use: that is all of the call, unless another channel is. */
    g_autoptr (GError) closed =
        g_error_new (DC_ERROR, DC_ERROR_CONNECTION, "\"%s\" closed the channel before it was in use", self->remote_id);
    if (self->state == DC_SESSION_CALLING)
      dc_session_end (self, error != NULL ? error : closed);
  } else if (all_are_closing (self))
    dc_session_end (self, error);
  else if (!dc_channel_is_unfinished (channel))
    dc_channel_close_rtc (channel); /* others go on; the far side, which may have broken it off, waits for that */
}

static void
on_wants_close_posted (DcSession *self, DcChannel *channel, const GError *error)
{
  g_autoptr (GError) why = dc_channel_dup_error (channel);

  if (self->state < DC_SESSION_ENDED && all_are_closing (self))
    dc_session_end (self, why);
}

static void
on_settled_posted (DcSession *self, DcChannel *channel, const GError *error)
{
  /* Others go on: this one alone is closed. */
  if (self->state == DC_SESSION_OPEN)
    dc_channel_close_rtc (channel);
  else if (self->parting != NULL)
    dc_connection_check_settled (self->parting);
}

/* A raw channel is, as soon as the worker takes it up: who has left since was posted before this would be. */
static void
on_ready (DcChannel *channel, gpointer user_data)
{
  dc_session_post (user_data, channel, NULL, on_ready_posted);
}

static void
on_suspended (DcChannel *channel, const GError *why, gpointer user_data)
{
  dc_session_post (user_data, channel, why, on_suspended_posted);
}

static void
on_resumed (DcChannel *channel, gpointer user_data)
{
  dc_session_post (user_data, channel, NULL, on_resumed_posted);
}

static void
on_ended (DcChannel *channel, const GError *error, gpointer user_data)
{
  dc_session_post (user_data, channel, error, on_ended_posted);
}

static void
on_wants_close (DcChannel *channel, gpointer user_data)
{
  dc_session_post (user_data, channel, NULL, on_wants_close_posted);
}

static void
on_settled (DcChannel *channel, gpointer user_data)
{
  dc_session_post (user_data, channel, NULL, on_settled_posted);
}

const DcChannelCallbacks dc_session_channel_callbacks = {
    on_ready, on_suspended, on_resumed, on_ended, on_wants_close, on_settled};
