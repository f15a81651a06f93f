/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-peer-room.c: who is in the room, whom to call, and our sessions with them. All on the worker.
 *
 * Theory of operation
 * -------------------
 * `remotes` follows the room. After each change, and when a waiting time is over, dc_peer_look_around() calls everybody whom the rules
 * of dc-pairing.h give to us, as long as there are fewer than max-connections.
 *
 * By hand (manual) there is one call, as nobody would carry the descriptions of a second.
 *
 * A call that comes to nothing is tried again, later each time, since the reason may pass (the peer restarts, the network comes
 * back); connect-timeout bounds it all, but no more once one of many was served. A remote whose channels were open and ended is not called
 * again before it joins or comes back: whether to go on with the same one is the application's decision. A connection that is lost is its
 * session's business. */
#include "plugins/peer/dc-event.h"
#include "plugins/peer/dc-peer-private.h"
#include "plugins/peer/dc-source.h"

#define FIRST_RETRY_MS 500
#define MAX_RETRY_MS 15000
#define MAX_BUSY_RETRY_MS 4000 /* who is busy now may be free soon */

/* --- Remotes ------------------------------------------------------------------------------------------------------------------- */

void
dc_remote_free (gpointer data)
{
  DcRemote *remote = data;

  g_free (remote->id);
  dc_profile_free (remote->profile);
  g_free (remote);
}

DcRemote *
dc_peer_add_remote (DcPeer *self, const char *id, JsonNode *meta, gboolean away, gboolean was_first)
{
  DcRemote *remote = dc_peer_find_remote (self, id);

  if (remote != NULL)
    g_ptr_array_remove (self->remotes, remote);
  remote = g_new0 (DcRemote, 1);
  remote->id = g_strdup (id);
  remote->profile = dc_profile_from_meta (meta);
  remote->away = away;
  remote->was_first = was_first;
  g_ptr_array_add (self->remotes, remote);
  return remote;
}

/* A new session: the welcome says who is there, all of them before us. What is known of a remote's calls stays. */
void
dc_peer_meet_room (DcPeer *self, const DcMessage *welcome)
{
  g_autoptr (GPtrArray) before = g_steal_pointer (&self->remotes);

  self->remotes = g_ptr_array_new_with_free_func (dc_remote_free);
  for (guint i = 0; welcome->peers != NULL && i < welcome->peers->len; i++) {
    const DcPeerInfo *info = g_ptr_array_index (welcome->peers, i);
    DcRemote *remote = dc_peer_add_remote (self, info->id, info->meta, info->away, TRUE);
    for (guint j = 0; j < before->len; j++) {
      const DcRemote *known = g_ptr_array_index (before, j);
      if (g_str_equal (known->id, remote->id))
        remote->retry_at = known->retry_at;
    }
  }
}

/* --- Sessions ------------------------------------------------------------------------------------------------------------------ */

DcSession *
dc_peer_find_session (DcPeer *self, const char *remote_id)
{
  for (guint i = 0; i < self->sessions->len; i++) {
    DcSession *session = g_ptr_array_index (self->sessions, i);
    if (g_str_equal (dc_session_get_remote_id (session), remote_id))
      return session;
  }
  return NULL;
}

static void
on_session_event (DcSession *session, GstStructure *event, gpointer user_data)
{
  dc_peer_emit (user_data, event);
}

static void
on_session_signal (DcSession *session, DcMessage *message, gpointer user_data)
{
  DcPeer *self = user_data;
  g_autoptr (GError) error = NULL;

  if (!self->signaling_closed && !dc_signaling_client_send (self->client, message, &error)
      && message->type != DC_MESSAGE_BYE)
    dc_session_refuse (session, error->message);
}

static void
on_session_channel (DcSession *session, DcChannel *channel, gpointer user_data)
{
  DcPeer *self = user_data;
  DcRemote *remote = dc_peer_find_remote (self, dc_session_get_remote_id (session));

  if (remote != NULL)
    remote->failures = 0;
  g_clear_error (&self->call_error);
  self->served = TRUE;
  dc_peer_disarm_deadline (self);
  dc_peer_hand_out (self, channel);
}

void
dc_peer_emit_closed (DcPeer *self, DcSession *session, const GError *error)
{
  GstStructure *event = dc_event_new ("connection-closed", self->start);
  guint64 sent, received;

  dc_session_get_bytes (session, &sent, &received);
  gst_structure_set (event, "peer", G_TYPE_STRING, dc_session_get_remote_id (session), "reason", G_TYPE_STRING,
      error != NULL ? error->message : "both sides were done", "clean", G_TYPE_BOOLEAN, error == NULL, "code",
      G_TYPE_INT, error != NULL ? error->code : -1, "duration", G_TYPE_DOUBLE, dc_session_get_duration (session),
      "bytes-sent", G_TYPE_UINT64, sent, "bytes-received", G_TYPE_UINT64, received, NULL);
  dc_peer_emit (self, event);
}

/* A call came to nothing: when may the remote be called again? */
static void
note_failure (DcPeer *self, DcSession *session, const GError *error)
{
  DcRemote *remote = dc_peer_find_remote (self, dc_session_get_remote_id (session));
  gint64 wait;

  g_clear_error (&self->call_error);
  self->call_error = g_error_copy (error);
  if (remote == NULL)
    return;
  wait = FIRST_RETRY_MS << MIN (remote->failures, 10);
  remote->failures++;
  remote->retry_at =
      g_get_monotonic_time () + MIN (wait, remote->busy ? MAX_BUSY_RETRY_MS : MAX_RETRY_MS) * G_TIME_SPAN_MILLISECOND;
  remote->busy = FALSE;
}

/* Whom we called is somebody else: no use going on. But anybody may call us: a caller of false identity must not end us, nor may one end what
 * others have. */
static gboolean
is_fatal (DcPeer *self, DcSession *session, const GError *error)
{
  return error->code == DC_ERROR_IDENTITY && dc_session_is_caller (session) && !dc_session_was_open (session)
         && !dc_peer_has_open_session (self);
}

/* Where many come and go there may be nobody for a while, but somebody must come at all. */
static gboolean
may_be_alone (DcPeer *self)
{
  return dc_peer_has_open_session (self) || (self->served && self->max_connections > 1);
}

/* `once`, or by hand: nobody shall call us any more, or wait for our call. */
static void
leave_room (DcPeer *self)
{
  self->left = TRUE;
  if (!self->signaling_closed)
    dc_signaling_client_close (self->client, NULL);
}

static void
on_session_ended (DcSession *session, const GError *error, gpointer user_data)
{
  DcPeer *self = user_data;
  DcRemote *remote = dc_peer_find_remote (self, dc_session_get_remote_id (session));
  gboolean fatal = error != NULL && is_fatal (self, session, error);

  dc_peer_emit_closed (self, session, error);
  if (!dc_session_was_open (session))
    note_failure (self, session, error);
  else if (remote != NULL)
    remote->retry_at = G_MAXINT64;
  dc_peer_let_go (self, session, "it gave up this call");
  if (self->stopping)
    return;
  if ((self->once || self->manual) && dc_session_was_open (session)) {
    leave_room (self);
    return;
  }
  if (fatal || self->manual)
    dc_peer_give_up (self, g_error_copy (error));
  else if (self->signaling_dead && !dc_peer_has_open_session (self))
    dc_peer_give_up (self, g_error_copy (self->signaling_error));
  else {
    if (!may_be_alone (self))
      dc_peer_arm_deadline (self);
    dc_peer_look_around (self);
  }
}

static void
on_session_closed (DcSession *session, gpointer user_data)
{
  DcPeer *self = user_data;

  g_ptr_array_remove (self->closing, session);
  dc_peer_check_stopped (self);
}

static const DcSessionCallbacks session_callbacks = {
    on_session_event, on_session_signal, on_session_channel, on_session_ended, on_session_closed};

/* Those of our channels that the remote takes; of a caller that is not known to be in the room, all. */
static GPtrArray *
choose_channels (DcPeer *self, const DcRemote *remote)
{
  GPtrArray *chosen = g_ptr_array_new ();

  for (guint i = 0; i < self->profile.channels->len; i++) {
    DcChannelOptions *options = g_ptr_array_index (self->profile.channels, i);
    if (dc_profile_takes (remote != NULL ? remote->profile : NULL, options))
      g_ptr_array_add (chosen, options);
  }
  return chosen;
}

DcSession *
dc_peer_add_session (DcPeer *self, const char *remote_id, const char *call)
{
  g_autoptr (GPtrArray) options = choose_channels (self, dc_peer_find_remote (self, remote_id));
  DcSessionConfig config = {
      .context = self->context,
      .start = self->start,
      .remote_id = remote_id,
      .call = call,
      .options = options,
      .resume_timeout = self->manual ? 0 : self->resume_timeout * G_TIME_SPAN_SECOND,
      .patient = self->manual,
      .secret = self->secret,
      .ice = self->ice,
      .webrtc = &self->webrtc_settings,
  };
  DcSession *session = dc_session_new (&config, &session_callbacks, self);

  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->sessions, session);
  g_mutex_unlock (&self->lock);
  return session;
}

void
dc_peer_emit_call (DcPeer *self, const char *name, const char *remote_id, const char *call)
{
  GstStructure *event = dc_event_new (name, self->start);

  gst_structure_set (event, "peer", G_TYPE_STRING, remote_id, NULL);
  if (call != NULL)
    gst_structure_set (event, "call", G_TYPE_STRING, call, NULL);
  dc_peer_emit (self, event);
}

/* --- Calling ------------------------------------------------------------------------------------------------------------------- */

static void
call_remote (DcPeer *self, DcRemote *remote)
{
  g_autofree char *call = g_uuid_string_random ();

  dc_session_call (dc_peer_add_session (self, remote->id, call));
}

static gboolean
on_retry (gpointer user_data)
{
  dc_peer_look_around (user_data);
  return G_SOURCE_REMOVE;
}

static void
arm_retry (DcPeer *self, gint64 at)
{
  dc_source_clear (&self->retry);
  if (at == G_MAXINT64)
    return;
  self->retry = g_timeout_source_new (0);
  g_source_set_ready_time (self->retry, at);
  g_source_set_callback (self->retry, on_retry, self, NULL);
  g_source_attach (self->retry, self->context);
}

static gboolean
may_call (DcPeer *self, const DcRemote *remote)
{
  return !remote->away && dc_peer_wants (self, remote->id) && dc_peer_find_session (self, remote->id) == NULL
         && dc_profile_should_call (&self->profile, remote->profile, self->remote_peer != NULL, remote->was_first);
}

void
dc_peer_look_around (DcPeer *self)
{
  gint64 now = g_get_monotonic_time (), next = G_MAXINT64;

  if (self->stopping || self->left || !self->registered || !self->ice->ready || self->error != NULL)
    return;
  for (guint i = 0; i < self->remotes->len && self->sessions->len < self->max_connections; i++) {
    DcRemote *remote = g_ptr_array_index (self->remotes, i);
    if (!may_call (self, remote))
      continue;
    if (remote->retry_at <= now)
      call_remote (self, remote);
    else
      next = MIN (next, remote->retry_at);
  }
  arm_retry (self, next);
}
