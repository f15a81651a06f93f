/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-client-session.c: what a client keeps from one connection to the next: its names, and the numbers in both directions. */
#include "signaling/client/dc-client-session.h"
#include <string.h>

/*
 * Theory of operation.
 *
 * Outgoing: push() numbers a message and puts it into the outbox, where it stays until the hub's `ack` covers it or an `error` names
 * it. A welcome that resumes says what the hub has already; the rest is sent again. In a new session it is all numbered anew.
 * Incoming: what has a number is handed on if it is the next one; an older one is a replay and dropped; a gap means that something is
 * missing, and a reconnect makes the hub send it again.
 */

#define MAX_MESSAGE_BYTES 65536 /* until a server says what it takes */

DcClientSession *
dc_client_session_new (const DcSignalingSetup *setup)
{
  DcClientSession *self = g_new0 (DcClientSession, 1);

  self->setup = setup;
  self->hello = dc_message_new (DC_MESSAGE_HELLO);
  self->hello->room = g_strdup (setup->room);
  self->hello->id = g_strdup (setup->id);
  self->hello->meta = setup->meta != NULL ? json_node_ref (setup->meta) : NULL;
  self->hello->token = g_strdup (setup->token);
  self->outbox = dc_outbox_new ();
  self->max_message = MAX_MESSAGE_BYTES;
  return self;
}

void
dc_client_session_free (DcClientSession *self)
{
  dc_message_unref (self->hello);
  dc_outbox_free (self->outbox);
  g_free (self);
}

char *
dc_client_session_make_hello (DcClientSession *self)
{
  self->hello->ack = self->hello->resume != NULL ? self->last_seen : 0;
  return dc_message_to_json (self->hello);
}

static void
take_limits (DcClientSession *self, JsonNode *limits)
{
  gint64 max_message = 0;

  if (limits != NULL)
    max_message = json_object_get_int_member_with_default (json_node_get_object (limits), "max_message", 0);
  self->max_message = max_message > 0 ? (gsize) MIN (max_message, DC_OUTBOX_MAX_BYTES) : MAX_MESSAGE_BYTES;
}

void
dc_client_session_take_welcome (DcClientSession *self, const DcMessage *welcome)
{
  gboolean resumed = welcome->resumed && self->hello->resume != NULL;

  if (resumed) {
    dc_outbox_acknowledge (self->outbox, welcome->ack);
  } else {
    dc_outbox_renumber (self->outbox);
    self->last_seen = 0;
  }
  g_free (self->hello->resume);
  self->hello->resume = g_strdup (welcome->resume);
  g_free (self->hello->id);
  self->hello->id = g_strdup (welcome->id);
  take_limits (self, welcome->limits);
}

DcClientNumber
dc_client_session_take_number (DcClientSession *self, guint64 seq)
{
  if (seq > self->last_seen + 1)
    return DC_CLIENT_NUMBER_SKIPS;
  if (seq <= self->last_seen)
    return DC_CLIENT_NUMBER_SEEN;
  self->last_seen = seq;
  return DC_CLIENT_NUMBER_NEXT;
}

/* ---- Outgoing ---- */

/* A copy with a number of its own, by way of its JSON, which checks it as the hub will. @size: of the JSON, at most. */
static DcMessage *
copy_message (DcMessage *message, gsize *size, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autofree char *text = NULL;
  guint64 seq = message->seq;
  DcMessage *copy;

  if (!dc_message_type_is_relayed (message->type) || message->to == NULL) {
    g_set_error_literal (
        error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_INVALID, "only messages to another peer can be sent");
    return NULL;
  }
  message->seq = DC_MESSAGE_MAX_SEQ;
  text = dc_message_to_json (message);
  message->seq = seq;
  *size = strlen (text);
  copy = dc_message_new_from_json (text, -1, &cause);
  if (copy == NULL)
    g_set_error (
        error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_INVALID, "this message cannot be sent: %s", cause->message);
  return copy;
}

static gboolean
check_room (const DcClientSession *self, gsize size, GError **error)
{
  if (size > self->max_message)
    g_set_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_INVALID,
        "the message of %" G_GSIZE_FORMAT " bytes is too long; %s takes %" G_GSIZE_FORMAT, size,
        self->setup->display_uri, self->max_message);
  else if (dc_outbox_is_full (self->outbox, size))
    g_set_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_UNREACHABLE,
        "%s has not taken the last %u messages yet; there is no room for more", self->setup->display_uri,
        dc_outbox_get_length (self->outbox));
  else
    return TRUE;
  return FALSE;
}

char *
dc_client_session_push (DcClientSession *self, DcMessage *message, GError **error)
{
  gsize size;
  g_autoptr (DcMessage) copy = copy_message (message, &size, error);

  if (copy == NULL || !check_room (self, size, error))
    return NULL;
  return dc_outbox_push (self->outbox, g_steal_pointer (&copy));
}
