/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-peer-base.c: what the parts of a peer stand on: telling the application, letting sessions go, giving up and saying why. */
#include "plugins/peer/dc-peer-private.h"
#include "plugins/peer/dc-source.h"

/* Without connect-timeout a peer waits for others as long as it takes, but not for a server that was never there. */
#define SIGNALING_TIMEOUT_S 10

/* --- The application --------------------------------------------------------------------------------------------------------- */

void
dc_peer_emit (DcPeer *self, GstStructure *event)
{
  g_signal_emit_by_name (self, "event", event);
  gst_structure_free (event);
}

void
dc_peer_hand_out (DcPeer *self, DcChannel *channel)
{
  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->channels, g_object_ref (channel));
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  g_signal_emit_by_name (self, "channel", channel);
}

/* --- The worker -------------------------------------------------------------------------------------------------------------- */

void
dc_peer_invoke (DcPeer *self, GSourceFunc func, gpointer data, GDestroyNotify destroy)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, func, data, destroy);
  g_source_attach (source, self->context);
}

/* --- Remotes and sessions ---------------------------------------------------------------------------------------------------- */

DcRemote *
dc_peer_find_remote (DcPeer *self, const char *id)
{
  for (guint i = 0; i < self->remotes->len; i++) {
    DcRemote *remote = g_ptr_array_index (self->remotes, i);
    if (g_str_equal (remote->id, id))
      return remote;
  }
  return NULL;
}

gboolean
dc_peer_wants (DcPeer *self, const char *id)
{
  return self->remote_peer == NULL || g_str_equal (self->remote_peer, id);
}

gboolean
dc_peer_has_open_session (DcPeer *self)
{
  for (guint i = 0; i < self->sessions->len; i++)
    if (dc_session_was_open (g_ptr_array_index (self->sessions, i)))
      return TRUE;
  return FALSE;
}

void
dc_peer_let_go (DcPeer *self, DcSession *session, const char *reason)
{
  guint64 sent, received;

  dc_session_get_bytes (session, &sent, &received);
  g_ptr_array_add (self->closing, dc_session_ref (session));
  g_mutex_lock (&self->lock);
  self->past_bytes_sent += sent;
  self->past_bytes_received += received;
  self->past_reconnects += dc_session_get_reconnects (session);
  g_ptr_array_remove (self->sessions, session);
  g_mutex_unlock (&self->lock);
  dc_session_close (session, reason);
}

void
dc_peer_end_calls (DcPeer *self, const char *reason)
{
  dc_source_clear (&self->retry);
  while (self->sessions->len > 0)
    dc_peer_let_go (self, g_ptr_array_index (self->sessions, 0), reason);
}

void
dc_peer_check_stopped (DcPeer *self)
{
  if (self->stopping && self->signaling_closed && self->closing->len == 0)
    g_main_loop_quit (self->loop);
}

/* --- Explaining -------------------------------------------------------------------------------------------------------------- */

static GError *
explain_nobody (DcPeer *self)
{
  guint others = 0;

  if (self->remote_peer != NULL && dc_peer_find_remote (self, self->remote_peer) == NULL)
    return g_error_new (
        DC_ERROR, DC_ERROR_CONNECTION, "no peer \"%s\" came into room \"%s\"", self->remote_peer, self->room);
  for (guint i = 0; i < self->remotes->len; i++) {
    const DcRemote *remote = g_ptr_array_index (self->remotes, i);
    others += dc_peer_wants (self, remote->id)
              && !dc_profile_matches (&self->profile, remote->profile, self->remote_peer != NULL);
  }
  if (others > 0)
    return g_error_new (DC_ERROR, DC_ERROR_CONNECTION,
        "nobody in room \"%s\" fits: %u of those there want another label, mode, direction or role", self->room,
        others);
  return g_error_new (DC_ERROR, DC_ERROR_CONNECTION, "no other peer came into room \"%s\"", self->room);
}

static GError *
explain (DcPeer *self)
{
  if (self->signaling_error != NULL && self->sessions->len == 0)
    return g_error_copy (self->signaling_error);
  if (!self->registered)
    return g_error_new (DC_ERROR, DC_ERROR_SIGNALING, "the signaling server at %s does not answer",
        dc_signaling_client_get_uri (self->client));
  if (self->sessions->len > 0) {
    DcSession *session = g_ptr_array_index (self->sessions, 0);
    g_autofree char *progress = dc_session_describe_progress (session);
    return g_error_new (
        DC_ERROR, DC_ERROR_CONNECTION, "no connection to \"%s\": %s", dc_session_get_remote_id (session), progress);
  }
  if (self->call_error != NULL)
    return g_error_new_literal (DC_ERROR, DC_ERROR_CONNECTION, self->call_error->message);
  return explain_nobody (self);
}

/* --- Giving up --------------------------------------------------------------------------------------------------------------- */

void
dc_peer_give_up (DcPeer *self, GError *error)
{
  g_autoptr (GError) owned = error;

  if (self->error != NULL || self->stopping)
    return;
  g_mutex_lock (&self->lock);
  self->error = g_error_copy (owned);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  dc_peer_disarm_deadline (self);
  dc_peer_end_calls (self, "it gave up");
  if (!self->signaling_closed)
    dc_signaling_client_close (self->client, owned->message);
  g_signal_emit_by_name (self, "failed", owned);
}

static gboolean
on_deadline (gpointer user_data)
{
  DcPeer *self = user_data;
  g_autoptr (GError) why = explain (self);
  guint seconds = self->connect_timeout > 0 ? self->connect_timeout : SIGNALING_TIMEOUT_S;

  dc_peer_give_up (self, g_error_new (why->domain, why->code, "gave up after %u s: %s", seconds, why->message));
  return G_SOURCE_REMOVE;
}

void
dc_peer_arm_deadline (DcPeer *self)
{
  guint seconds = self->connect_timeout;

  if (!self->registered && seconds == 0)
    seconds = SIGNALING_TIMEOUT_S;
  if (seconds == 0 || self->deadline != NULL)
    return;
  self->deadline = g_timeout_source_new (seconds * 1000);
  g_source_set_callback (self->deadline, on_deadline, self, NULL);
  g_source_attach (self->deadline, self->context);
}

void
dc_peer_disarm_deadline (DcPeer *self)
{
  dc_source_clear (&self->deadline);
}
