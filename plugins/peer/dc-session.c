/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-session.c: what we have with one remote peer: its channels, carried by one connection after another.
 *
 * Theory of operation
 * -------------------
 * A session owns the channels and has at most one connection at a time. The first connection is made by a call; who made that call is the
 * caller for good. When a channel is in use on it the session is open.
 *
 * Losing a connection: it ends with an error, or a channel's heartbeat finds it dead, or this machine has lost the address that it used. All
 * channels lose it. Those that cannot go on (raw, no resume timeout) or need not (both sides have finished) end; if any can, the session is
 * lost, and the caller calls again, at once and then every few seconds, with `continues` in the offer. The called peer, which may not have
 * noticed, drops what it had and answers; if it is the one who noticed, it sends a bye with the reason "lost", and waits. When a channel has
 * resumed the session is open again.
 * How long that may take is the links' business: each ends its channel after the resume timeout.
 *
 *   calling --channel ready--> open --connection lost--> lost --channel resumed--> open
 *      |                        |                         |
 *      +--- no connection ------+---- all channels have ended, or are closed by the application ---> ended -> closing -> closed
 *
 * Connections that were given up say goodbye by themselves meanwhile; `closed` waits for the last. */
#include "plugins/peer/dc-session.h"

#include "plugins/peer/dc-session-private.h"
#include "plugins/peer/dc-source.h"

/* --- Calling --------------------------------------------------------------------------------------------------------------------- */

void
dc_session_call (DcSession *self)
{
  g_return_if_fail (self->state == DC_SESSION_NEW);

  self->is_caller = TRUE;
  dc_session_set_state (self, DC_SESSION_CALLING, "connecting");
  dc_session_emit_call (self, "calling", self->id);
  if (dc_session_make_connection (self, self->id))
    dc_connection_call (self->connection);
}

void
dc_session_take_offer (DcSession *self, const char *call, const char *sdp)
{
  if (self->state == DC_SESSION_OPEN) {
    g_autoptr (GError) why =
        g_error_new (DC_ERROR, DC_ERROR_PEER_GONE, "\"%s\" has lost the connection and calls again", self->remote_id);
    dc_session_lose_connection (self, why);
  }
  if (self->state >= DC_SESSION_ENDED)
    return;
  if (self->state == DC_SESSION_NEW)
    dc_session_set_state (self, DC_SESSION_CALLING, "connecting");
  dc_session_emit_call (self, "called", call);
  if (dc_session_make_connection (self, call))
    dc_connection_take_offer (self->connection, sdp);
}

gboolean
dc_session_is_continued_by (DcSession *self, const char *call)
{
  return !self->is_caller && (self->state == DC_SESSION_OPEN || self->state == DC_SESSION_LOST)
         && g_strcmp0 (self->id, call) == 0;
}

/* --- Messages ------------------------------------------------------------------------------------------------------------------ */

/* Open or lost: it is over for all channels. */
static void
break_off (DcSession *self, const char *reason)
{
  g_autoptr (GError) error =
      g_error_new (DC_ERROR, DC_ERROR_PEER_GONE, "\"%s\" broke off: %s", self->remote_id, reason);
  g_autoptr (GError) why = NULL;

  dc_session_fail (self, error);
  /* A channel may just have ended for a reason of its own. */
  why = dc_session_dup_channel_error (self);
  dc_session_end (self, why);
}

void
dc_session_refuse (DcSession *self, const char *reason)
{
  if (self->state == DC_SESSION_CALLING)
    dc_connection_refuse (self->connection, reason);
  else if (self->state == DC_SESSION_LOST && self->connection != NULL)
    dc_connection_refuse (self->connection, reason);
  else if (self->state == DC_SESSION_OPEN)
    break_off (self, reason);
}

static void
take_bye (DcSession *self, const DcMessage *bye)
{
  const char *reason = bye->reason != NULL ? bye->reason : "it ended the call";

  if (g_strcmp0 (bye->reason, "lost") == 0) {
    /* It may be late: we may have noticed ourselves, and have called again. */
    if (self->connection != NULL && g_strcmp0 (bye->call, dc_connection_get_call (self->connection)) == 0)
      dc_connection_give_up (self->connection, "the other side has lost it");
  } else if (self->state == DC_SESSION_OPEN)
    break_off (self, reason);
  else if (self->state == DC_SESSION_LOST && g_strcmp0 (bye->call, self->id) == 0)
    break_off (self, reason);
  else
    dc_session_refuse (self, reason);
}

void
dc_session_take_message (DcSession *self, const DcMessage *message)
{
  if (message->type == DC_MESSAGE_BYE) {
    take_bye (self, message);
    return;
  }
  if (self->connection == NULL
      || (message->call != NULL && !g_str_equal (message->call, dc_connection_get_call (self->connection))))
    return;
  if (message->type == DC_MESSAGE_ANSWER)
    dc_connection_take_answer (self->connection, message->sdp);
  else if (message->type == DC_MESSAGE_CANDIDATE)
    dc_connection_take_candidate (self->connection, message->candidate);
  else if (message->type == DC_MESSAGE_END_OF_CANDIDATES)
    dc_connection_take_end_of_candidates (self->connection, message->nat);
}

void
dc_session_network_changed (DcSession *self, GList *addresses)
{
  g_autofree char *lost =
      self->connection != NULL ? dc_connection_find_lost_address (self->connection, addresses) : NULL;

  if (self->state == DC_SESSION_OPEN && lost != NULL) {
    g_autofree char *why = g_strdup_printf ("this machine's address %s is gone", lost);
    dc_connection_give_up (self->connection, why);
  } else
    dc_session_hurry (self);
}

void
dc_session_hurry (DcSession *self)
{
  if (self->state == DC_SESSION_LOST && self->is_caller)
    dc_session_call_again (self, 0);
}

/* --- Life ---------------------------------------------------------------------------------------------------------------------- */

DcSession *
dc_session_new (const DcSessionConfig *config, const DcSessionCallbacks *callbacks, gpointer user_data)
{
  DcSession *self = g_new0 (DcSession, 1);

  g_atomic_ref_count_init (&self->refs);
  g_mutex_init (&self->lock);
  self->context = g_main_context_ref (config->context);
  self->start = config->start;
  self->resume_timeout = config->resume_timeout;
  self->patient = config->patient;
  self->remote_id = g_strdup (config->remote_id);
  self->id = g_strdup (config->call);
  self->secret = g_strdup (config->secret);
  self->ice = config->ice;
  self->webrtc_settings = config->webrtc;
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->state_name = "connecting";
  self->channels = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < config->options->len; i++)
    g_ptr_array_add (self->channels,
        dc_channel_new (g_ptr_array_index (config->options, i), self->remote_id, self->resume_timeout, self->context,
            &dc_session_channel_callbacks, dc_session_ref (self), (GDestroyNotify) dc_session_unref));
  return self;
}

static void
abort_channels (DcSession *self, const char *reason)
{
  for (guint i = 0; i < self->channels->len; i++)
    dc_channel_abort (g_ptr_array_index (self->channels, i), reason != NULL ? reason : "it ended the call");
}

void
dc_session_close (DcSession *self, const char *reason)
{
  if (self->state >= DC_SESSION_CLOSING)
    return;
  if (self->ended_lost || self->state == DC_SESSION_LOST)
    dc_session_send_bye (self, self->id, reason);
  dc_source_clear (&self->retry);
  dc_session_set_state (self, DC_SESSION_CLOSING, "closed");
  abort_channels (self, reason);
  self->parting = self->connection;
  dc_session_let_go (self, reason);
  if (self->parting != NULL)
    dc_connection_check_settled (self->parting);
  dc_session_check_closed (self);
}
