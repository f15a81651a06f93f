/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-peer-room.c: who is in the room, whom to call, and which session a message is for. All on the worker.
 *
 * Theory of operation
 * -------------------
 * `remotes` follows the room: welcome, joined, left, away, back. After each change, and when a waiting time is over, look_around()
 * calls everybody whom the rules of dc-pairing.h give to us, as long as there are fewer than max-connections.
 *
 * A call that comes to nothing is tried again, later each time, since the reason may pass (the peer restarts, the network comes
 * back); connect-timeout bounds it all, but no more once one of many was served. A remote whose channels were open and ended is not called
 * again before it joins or comes back: whether to go on with the same one is the application's decision. A connection that is lost is its
 * session's business.
 *
 * Glare: when two call each other at once, the offer of the smaller id stands; its sender ignores the other, whose sender drops its own
 * call and answers. Answers and candidates carry the name of their call, so what belongs to a dropped one is recognised.
 *
 * A server that was started anew has forgotten what it was to deliver, so with our own new session there, or the remote's, a call that still
 * needs the server is dropped and made anew by whom the rules give it to.
 *
 * When this machine's addresses change, the sessions are told, and the client asks the server for a new connection at once. */
#include <string.h>

#include "plugins/peer/dc-event.h"
#include "plugins/peer/dc-peer-private.h"
#include "plugins/peer/dc-source.h"

#define FIRST_RETRY_MS 500
#define MAX_RETRY_MS 15000
#define MAX_BUSY_RETRY_MS 4000 /* who is busy now may be free soon */

static void look_around (DcPeer *self);

/* --- Remotes ------------------------------------------------------------------------------------------------------------------- */

void
dc_remote_free (gpointer data)
{
  DcRemote *remote = data;

  g_free (remote->id);
  dc_profile_free (remote->profile);
  g_free (remote);
}

static DcRemote *
add_remote (DcPeer *self, const char *id, JsonNode *meta, gboolean away, gboolean was_first)
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

/* --- Sessions ------------------------------------------------------------------------------------------------------------------ */

static DcSession *
find_session (DcPeer *self, const char *remote_id)
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

static void
emit_closed (DcPeer *self, DcSession *session, const GError *error)
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

/* `once`: nobody shall call us any more, or wait for our call. */
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

  emit_closed (self, session, error);
  if (!dc_session_was_open (session))
    note_failure (self, session, error);
  else if (remote != NULL)
    remote->retry_at = G_MAXINT64;
  dc_peer_let_go (self, session, "it gave up this call");
  if (self->stopping)
    return;
  if (self->once && dc_session_was_open (session)) {
    leave_room (self);
    return;
  }
  if (fatal)
    dc_peer_give_up (self, g_error_copy (error));
  else if (self->signaling_dead && !dc_peer_has_open_session (self))
    dc_peer_give_up (self, g_error_copy (self->signaling_error));
  else {
    if (!may_be_alone (self))
      dc_peer_arm_deadline (self);
    look_around (self);
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

static DcSession *
add_session (DcPeer *self, const char *remote_id, const char *call)
{
  g_autoptr (GPtrArray) options = choose_channels (self, dc_peer_find_remote (self, remote_id));
  DcSessionConfig config = {
      .context = self->context,
      .start = self->start,
      .remote_id = remote_id,
      .call = call,
      .options = options,
      .resume_timeout = self->resume_timeout * G_TIME_SPAN_SECOND,
      .secret = self->secret,
      .ice = self->ice,
      .ice_policy = self->ice_policy,
  };
  DcSession *session = dc_session_new (&config, &session_callbacks, self);

  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->sessions, session);
  g_mutex_unlock (&self->lock);
  return session;
}

static void
emit_call (DcPeer *self, const char *name, const char *remote_id, const char *call)
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

  dc_session_call (add_session (self, remote->id, call));
}

static gboolean
on_retry (gpointer user_data)
{
  look_around (user_data);
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
  return !remote->away && dc_peer_wants (self, remote->id) && find_session (self, remote->id) == NULL
         && dc_profile_should_call (&self->profile, remote->profile, self->remote_peer != NULL, remote->was_first);
}

static void
look_around (DcPeer *self)
{
  gint64 now = g_get_monotonic_time (), next = G_MAXINT64;

  if (self->stopping || self->left || !self->registered || self->error != NULL)
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

/* --- Messages ------------------------------------------------------------------------------------------------------------------ */

static void
send_bye (DcPeer *self, const DcMessage *offer, const char *reason)
{
  g_autoptr (DcMessage) bye = dc_message_new (DC_MESSAGE_BYE);

  bye->to = g_strdup (offer->from);
  bye->call = g_strdup (offer->call);
  bye->reason = g_strdup (reason);
  dc_signaling_client_send (self->client, bye, NULL);
}

/* TRUE if our own call to the same peer, made at the same time, stands. */
static gboolean
wins_glare (DcPeer *self, DcSession *ours)
{
  return ours != NULL && dc_session_is_calling (ours) && strcmp (self->id, dc_session_get_remote_id (ours)) < 0;
}

/* The caller knows best that an earlier call is over: it lost its own in glare, or it has started anew. */
static void
replace (DcPeer *self, DcSession *earlier)
{
  g_autoptr (GError) error = NULL;

  if (dc_session_was_open (earlier)) {
    error = g_error_new (DC_ERROR, DC_ERROR_PEER_GONE, "\"%s\" has started anew", dc_session_get_remote_id (earlier));
    emit_closed (self, earlier, error);
    dc_session_fail (earlier, error);
  }
  dc_peer_let_go (self, earlier, NULL);
}

/* The remote is told if it is @present. */
static void
drop_forgotten (DcPeer *self, DcSession *session, gboolean present)
{
  g_autoptr (GError) error = NULL;

  if (session == NULL || !dc_session_needs_signaling (session))
    return;
  error = g_error_new (DC_ERROR, DC_ERROR_SIGNALING,
      "the signaling server has forgotten the call between us and \"%s\"", dc_session_get_remote_id (session));
  emit_closed (self, session, error);
  dc_peer_let_go (self, session, present ? "the signaling server has forgotten it" : NULL);
}

static void
take_offer (DcPeer *self, const DcMessage *offer)
{
  DcSession *earlier = find_session (self, offer->from);
  const char *call = offer->call != NULL ? offer->call : "";

  if (earlier != NULL && offer->continues != NULL && dc_session_is_continued_by (earlier, offer->continues)) {
    dc_session_take_offer (earlier, call, offer->sdp);
    return;
  }
  if (wins_glare (self, earlier))
    return;
  if (!dc_peer_wants (self, offer->from)) {
    emit_call (self, "called", offer->from, offer->call);
    send_bye (self, offer, "it waits for another peer");
    return;
  }
  if (earlier != NULL)
    replace (self, earlier);
  if (self->sessions->len >= self->max_connections) {
    emit_call (self, "called", offer->from, offer->call);
    emit_call (self, "busy", offer->from, NULL);
    send_bye (self, offer, "busy");
    return;
  }
  dc_session_take_offer (add_session (self, offer->from, call), call, offer->sdp);
}

/* The session that a message of a call is for; NULL if that call is over. */
static DcSession *
find_call (DcPeer *self, const DcMessage *message)
{
  DcSession *session = find_session (self, message->from);

  return session != NULL && dc_session_has_call (session, message->call) ? session : NULL;
}

static void
take_bye (DcPeer *self, const DcMessage *bye)
{
  DcSession *session = find_call (self, bye);
  DcRemote *remote = dc_peer_find_remote (self, bye->from);

  if (session == NULL)
    return;
  if (g_strcmp0 (bye->reason, "busy") == 0 && remote != NULL) {
    emit_call (self, "busy", bye->from, NULL);
    remote->busy = TRUE;
  }
  dc_session_take_message (session, bye);
}

static void
emit_presence (DcPeer *self, const char *name, const DcMessage *message)
{
  emit_call (self, name, message->id, NULL);
}

/* Who is there again may answer a call that goes on with a lost connection. */
static void
hurry (DcPeer *self, const char *remote_id)
{
  DcSession *session = find_session (self, remote_id);

  if (session != NULL)
    dc_session_hurry (session);
}

static void
take_joined (DcPeer *self, const DcMessage *message)
{
  add_remote (self, message->id, message->meta, FALSE, FALSE);
  emit_presence (self, "peer-joined", message);
  drop_forgotten (self, find_session (self, message->id), TRUE);
  hurry (self, message->id);
}

static void
take_left (DcPeer *self, const DcMessage *message)
{
  DcRemote *remote = dc_peer_find_remote (self, message->id);
  DcSession *session = find_session (self, message->id);

  emit_presence (self, "peer-left", message);
  if (remote != NULL)
    g_ptr_array_remove (self->remotes, remote);
  /* Neither open channels need the server, nor those that are about to open: who has all it wants leaves at once, perhaps before we see the
   * channel open. Who gives up a call says bye to it. */
  if (session != NULL && dc_session_is_calling (session))
    dc_session_refuse (session, "it left the room");
}

static void
take_away (DcPeer *self, const DcMessage *message, gboolean away)
{
  DcRemote *remote = dc_peer_find_remote (self, message->id);

  emit_presence (self, away ? "peer-away" : "peer-back", message);
  if (remote == NULL)
    return;
  remote->away = away;
  if (away)
    return;
  remote->retry_at = 0;
  hurry (self, message->id);
}

/* A message of ours could not be delivered; while a connection stands that does not matter. */
static void
take_error (DcPeer *self, const DcMessage *message)
{
  DcSession *session = message->to != NULL ? find_session (self, message->to) : NULL;

  if (session != NULL && !dc_session_is_open (session))
    dc_session_refuse (session, message->message != NULL ? message->message : dc_code_to_string (message->code));
}

static void
take_call_message (DcPeer *self, const DcMessage *message)
{
  DcSession *session = find_call (self, message);

  if (session != NULL)
    dc_session_take_message (session, message);
}

static void
on_message (DcSignalingClient *client, DcMessage *message, DcPeer *self)
{
  if (self->stopping || self->left || self->error != NULL)
    return;
  switch (message->type) {
    case DC_MESSAGE_JOINED:
      take_joined (self, message);
      break;
    case DC_MESSAGE_LEFT:
      take_left (self, message);
      break;
    case DC_MESSAGE_AWAY:
    case DC_MESSAGE_BACK:
      take_away (self, message, message->type == DC_MESSAGE_AWAY);
      break;
    case DC_MESSAGE_OFFER:
      take_offer (self, message);
      break;
    case DC_MESSAGE_ANSWER:
    case DC_MESSAGE_CANDIDATE:
    case DC_MESSAGE_END_OF_CANDIDATES:
      take_call_message (self, message);
      break;
    case DC_MESSAGE_BYE:
      if (message->from != NULL)
        take_bye (self, message);
      break;
    case DC_MESSAGE_ERROR:
      take_error (self, message);
      break;
    default:
      break;
  }
  look_around (self);
}

/* --- The server ---------------------------------------------------------------------------------------------------------------- */

static void
emit_registered (DcPeer *self, const DcMessage *welcome)
{
  GstStructure *event = dc_event_new ("registered", self->start);
  g_autoptr (GPtrArray) ids = g_ptr_array_new ();
  g_autofree char *list = NULL;

  for (guint i = 0; i < self->remotes->len; i++)
    g_ptr_array_add (ids, ((DcRemote *) g_ptr_array_index (self->remotes, i))->id);
  g_ptr_array_add (ids, NULL);
  list = g_strjoinv (", ", (char **) ids->pdata);
  gst_structure_set (event, "id", G_TYPE_STRING, self->id, "room", G_TYPE_STRING, self->room, "url", G_TYPE_STRING,
      dc_signaling_client_get_uri (self->client), "transport", G_TYPE_STRING,
      dc_signaling_client_get_transport_name (self->client), "resumed", G_TYPE_BOOLEAN, welcome->resumed, "peers",
      G_TYPE_UINT, self->remotes->len, "peer-ids", G_TYPE_STRING, list, NULL);
  dc_peer_emit (self, event);
}

/* A new session: the welcome says who is there, all of them before us. What is known of a remote's calls stays. */
static void
meet_room (DcPeer *self, const DcMessage *welcome)
{
  g_autoptr (GPtrArray) before = g_steal_pointer (&self->remotes);

  self->remotes = g_ptr_array_new_with_free_func (dc_remote_free);
  for (guint i = 0; welcome->peers != NULL && i < welcome->peers->len; i++) {
    const DcPeerInfo *info = g_ptr_array_index (welcome->peers, i);
    DcRemote *remote = add_remote (self, info->id, info->meta, info->away, TRUE);
    for (guint j = 0; j < before->len; j++) {
      const DcRemote *known = g_ptr_array_index (before, j);
      if (g_str_equal (known->id, remote->id))
        remote->retry_at = known->retry_at;
    }
  }
}

/* Calls that the server had no time to bring about. Those who are not there yet will find out when they come. */
static void
drop_forgotten_calls (DcPeer *self)
{
  for (guint i = self->sessions->len; i > 0; i--) {
    DcSession *session = g_ptr_array_index (self->sessions, i - 1);
    DcRemote *remote = dc_peer_find_remote (self, dc_session_get_remote_id (session));
    drop_forgotten (self, session, remote != NULL);
  }
}

static void
on_ice_event (GstStructure *event, gpointer user_data)
{
  dc_peer_emit (user_data, event);
}

static void
on_registered (DcSignalingClient *client, DcMessage *welcome, DcPeer *self)
{
  if (self->stopping || self->left || self->error != NULL)
    return;
  g_clear_error (&self->signaling_error);
  g_mutex_lock (&self->lock);
  g_free (self->id);
  self->id = g_strdup (welcome->id);
  self->connected = TRUE;
  g_mutex_unlock (&self->lock);
  if (!welcome->resumed)
    meet_room (self, welcome);
  emit_registered (self, welcome);
  if (!self->registered && self->connect_timeout == 0)
    dc_peer_disarm_deadline (self);
  if (!welcome->resumed) {
    dc_ice_config_choose (self->ice, welcome->ice_servers, self->start, on_ice_event, self);
    drop_forgotten_calls (self);
  }
  self->registered = TRUE;
  if (self->ice_policy == DC_ICE_POLICY_RELAY && self->ice->turn_servers->len == 0)
    dc_peer_give_up (self, g_error_new_literal (DC_ERROR, DC_ERROR_CONNECTION,
                               "the ICE policy \"relay\" needs a TURN server, and neither we nor the signaling server "
                               "name one that can be used"));
  look_around (self);
}

static void
note_signaling_error (DcPeer *self, const GError *error, gdouble retry)
{
  GstStructure *event = dc_event_new ("signaling-lost", self->start);

  g_mutex_lock (&self->lock);
  self->connected = FALSE;
  g_mutex_unlock (&self->lock);
  g_clear_error (&self->signaling_error);
  self->signaling_error = g_error_new_literal (DC_ERROR,
      g_error_matches (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_INVALID) ? DC_ERROR_USAGE : DC_ERROR_SIGNALING,
      error->message);
  gst_structure_set (event, "reason", G_TYPE_STRING, error->message, "retry", G_TYPE_DOUBLE, retry, NULL);
  dc_peer_emit (self, event);
}

static void
on_disconnected (DcSignalingClient *client, const GError *error, guint retry_ms, DcPeer *self)
{
  if (!self->stopping && !self->left)
    note_signaling_error (self, error, retry_ms / 1000.0);
}

/* What is connected stays so: it does not need the server. */
static void
on_failed (DcSignalingClient *client, const GError *error, DcPeer *self)
{
  self->signaling_dead = TRUE;
  self->signaling_closed = TRUE;
  if (self->stopping || self->left) {
    dc_peer_check_stopped (self);
    return;
  }
  note_signaling_error (self, error, -1);
  if (!dc_peer_has_open_session (self))
    dc_peer_give_up (self, g_error_copy (self->signaling_error));
}

static void
on_closed (DcSignalingClient *client, DcPeer *self)
{
  self->signaling_closed = TRUE;
  dc_peer_check_stopped (self);
}

void
dc_peer_connect_client (DcPeer *self)
{
  g_signal_connect (self->client, "registered", G_CALLBACK (on_registered), self);
  g_signal_connect (self->client, "message", G_CALLBACK (on_message), self);
  g_signal_connect (self->client, "disconnected", G_CALLBACK (on_disconnected), self);
  g_signal_connect (self->client, "failed", G_CALLBACK (on_failed), self);
  g_signal_connect (self->client, "closed", G_CALLBACK (on_closed), self);
}

/* --- The network --------------------------------------------------------------------------------------------------------------- */

void
dc_peer_on_network_changed (GList *addresses, gpointer user_data)
{
  DcPeer *self = user_data;
  g_autoptr (GPtrArray) sessions = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_session_unref);

  if (self->stopping || self->left || self->error != NULL)
    return;
  if (!self->signaling_closed)
    dc_signaling_client_reconnect (self->client);
  for (guint i = 0; i < self->sessions->len; i++)
    g_ptr_array_add (sessions, dc_session_ref (g_ptr_array_index (self->sessions, i)));
  for (guint i = 0; i < sessions->len; i++)
    dc_session_network_changed (g_ptr_array_index (sessions, i), addresses);
}
