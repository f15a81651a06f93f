/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-peer-signaling.c: what comes from the server, and what a change of this machine's network means. All on the worker.
 *
 * Theory of operation
 * -------------------
 * What the server says of who is there goes to the room; what it brings from another peer goes to the session that it is for. After
 * each message the room looks whether there is somebody to call.
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

/* Messages between the server's welcome and the choice of the ICE servers. */
#define MAX_HELD 64

/* --- Calls --------------------------------------------------------------------------------------------------------------------- */

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
    dc_peer_emit_closed (self, earlier, error);
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
  dc_peer_emit_closed (self, session, error);
  dc_peer_let_go (self, session, present ? "the signaling server has forgotten it" : NULL);
}

static void
take_offer (DcPeer *self, const DcMessage *offer)
{
  DcSession *earlier = dc_peer_find_session (self, offer->from);
  const char *call = offer->call != NULL ? offer->call : "";

  if (earlier != NULL && offer->continues != NULL && dc_session_is_continued_by (earlier, offer->continues)) {
    dc_session_take_offer (earlier, call, offer->sdp);
    return;
  }
  if (wins_glare (self, earlier))
    return;
  if (!dc_peer_wants (self, offer->from)) {
    dc_peer_emit_call (self, "called", offer->from, offer->call);
    send_bye (self, offer, "it waits for another peer");
    return;
  }
  if (earlier != NULL)
    replace (self, earlier);
  if (self->sessions->len >= self->max_connections) {
    dc_peer_emit_call (self, "called", offer->from, offer->call);
    dc_peer_emit_call (self, "busy", offer->from, NULL);
    send_bye (self, offer, "busy");
    return;
  }
  dc_session_take_offer (dc_peer_add_session (self, offer->from, call), call, offer->sdp);
}

/* The session that a message of a call is for; NULL if that call is over. */
static DcSession *
find_call (DcPeer *self, const DcMessage *message)
{
  DcSession *session = dc_peer_find_session (self, message->from);

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
    dc_peer_emit_call (self, "busy", bye->from, NULL);
    remote->busy = TRUE;
  }
  dc_session_take_message (session, bye);
}

/* A message of ours could not be delivered; while a connection stands that does not matter. */
static void
take_error (DcPeer *self, const DcMessage *message)
{
  DcSession *session = message->to != NULL ? dc_peer_find_session (self, message->to) : NULL;

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

/* --- The room ------------------------------------------------------------------------------------------------------------------ */

static void
emit_presence (DcPeer *self, const char *name, const DcMessage *message)
{
  dc_peer_emit_call (self, name, message->id, NULL);
}

/* Who is there again may answer a call that goes on with a lost connection. */
static void
hurry (DcPeer *self, const char *remote_id)
{
  DcSession *session = dc_peer_find_session (self, remote_id);

  if (session != NULL)
    dc_session_hurry (session);
}

static void
take_joined (DcPeer *self, const DcMessage *message)
{
  dc_peer_add_remote (self, message->id, message->meta, FALSE, FALSE);
  emit_presence (self, "peer-joined", message);
  drop_forgotten (self, dc_peer_find_session (self, message->id), TRUE);
  hurry (self, message->id);
}

static void
take_left (DcPeer *self, const DcMessage *message)
{
  DcRemote *remote = dc_peer_find_remote (self, message->id);
  DcSession *session = dc_peer_find_session (self, message->id);

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

/* --- Messages ------------------------------------------------------------------------------------------------------------------ */

/* TRUE if the message waits until it is known which ICE servers are used. */
static gboolean
hold (DcPeer *self, DcMessage *message)
{
  if (self->ice->ready)
    return FALSE;
  g_queue_push_tail (&self->held, dc_message_ref (message));
  /* Nobody has that much to say in a second: it is time to go on, with the first server there is. */
  if (self->held.length == MAX_HELD)
    dc_ice_config_set_ready (self->ice);
  return TRUE;
}

static void
on_message (DcSignalingClient *client, DcMessage *message, DcPeer *self)
{
  if (self->stopping || self->left || self->error != NULL || hold (self, message))
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
  dc_peer_look_around (self);
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

typedef struct {
  DcPeer *self;
  DcDescription *description;
} Brought;

static void
brought_free (gpointer data)
{
  Brought *brought = data;

  g_clear_pointer (&brought->description, dc_description_free);
  g_free (brought);
}

/* An offerer's is judged beside its own offer. */
static void
take_brought (DcPeer *self)
{
  gboolean ready = self->registered && self->ice->ready && (self->profile.role == DC_ROLE_ANSWERER || self->described);
  DcDescription *description;

  while (ready && (description = g_queue_pop_head (&self->brought)) != NULL) {
    g_autoptr (GError) error = NULL;
    GstStructure *event;
    gboolean taken = dc_signaling_client_take_description (self->client, description, &error);
    dc_description_free (description);
    if (taken)
      continue;
    event = dc_event_new ("description-refused", self->start);
    gst_structure_set (event, "reason", G_TYPE_STRING, error->message, NULL);
    dc_peer_emit (self, event);
  }
}

static gboolean
on_brought (gpointer user_data)
{
  Brought *brought = user_data;
  DcPeer *self = brought->self;

  if (self->stopping)
    return G_SOURCE_REMOVE;
  g_queue_push_tail (&self->brought, g_steal_pointer (&brought->description));
  take_brought (self);
  return G_SOURCE_REMOVE;
}

void
dc_peer_bring (DcPeer *self, DcDescription *description)
{
  Brought brought = {self, description};

  dc_peer_invoke (self, on_brought, g_memdup2 (&brought, sizeof brought), brought_free);
}

void
dc_peer_on_ice_ready (gpointer user_data)
{
  DcPeer *self = user_data;
  DcMessage *message;

  while ((message = g_queue_pop_head (&self->held)) != NULL) {
    on_message (self->client, message, self);
    dc_message_unref (message);
  }
  if (self->stopping || self->left || self->error != NULL)
    return;
  take_brought (self);
  dc_peer_look_around (self);
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
  if (!welcome->resumed) {
    /* What was held is of a time that the server has forgotten. */
    g_queue_clear_full (&self->held, (GDestroyNotify) dc_message_unref);
    dc_peer_meet_room (self, welcome);
  }
  if (!self->manual)
    emit_registered (self, welcome);
  if (!self->registered && self->connect_timeout == 0)
    dc_peer_disarm_deadline (self);
  if (!welcome->resumed) {
    dc_ice_config_choose (self->ice, welcome->ice_servers);
    drop_forgotten_calls (self);
  }
  self->registered = TRUE;
  take_brought (self);
  if (self->ice->policy == DC_ICE_POLICY_RELAY && self->ice->n_turn_servers == 0)
    dc_peer_give_up (self, g_error_new_literal (DC_ERROR, DC_ERROR_CONNECTION,
                               "the ICE policy \"relay\" needs a TURN server, and neither we nor the signaling server "
                               "name one that can be used"));
  dc_peer_look_around (self);
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

static void
on_described (DcSignalingClient *client, const char *text, gboolean complete, DcPeer *self)
{
  if (self->stopping || self->left || self->error != NULL)
    return;
  g_signal_emit_by_name (self, "description", text, complete);
  self->described = TRUE;
  take_brought (self);
}

void
dc_peer_connect_client (DcPeer *self)
{
  g_signal_connect (self->client, "registered", G_CALLBACK (on_registered), self);
  g_signal_connect (self->client, "message", G_CALLBACK (on_message), self);
  g_signal_connect (self->client, "disconnected", G_CALLBACK (on_disconnected), self);
  g_signal_connect (self->client, "failed", G_CALLBACK (on_failed), self);
  g_signal_connect (self->client, "described", G_CALLBACK (on_described), self);
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
  dc_ice_config_network_changed (self->ice);
  for (guint i = 0; i < self->sessions->len; i++)
    g_ptr_array_add (sessions, dc_session_ref (g_ptr_array_index (self->sessions, i)));
  for (guint i = 0; i < sessions->len; i++)
    dc_session_network_changed (g_ptr_array_index (sessions, i), addresses);
}
