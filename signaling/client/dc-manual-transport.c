/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-manual-transport.c: the signaling session without a server: people carry the descriptions from one side to the other. */
#include "signaling/client/dc-signaling-transport.h"
#include <string.h>

/*
 * Theory of operation.
 *
 * It plays the server of a room in which there is one other peer, DC_TRANSPORT_MANUAL_REMOTE, whoever that is: it says welcome, confirms
 * what is sent, and numbers what it brings. Nothing above it knows the difference.
 *
 *   out   our offer or answer becomes a description, which our candidates are added to as they come; each time it is told, to be shown
 *   in    dc_manual_transport_take(): the description of the other side, as an offer or an answer; if it comes again with more candidates,
 *         those alone
 *
 * What it says is queued and delivered by a source of its own, as from a socket: never inside of a call.
 */

#define MANUAL_CALL "manual"

typedef struct {
  DcTransport parent;
  GSource *delivery;     /* (nullable): there is something in `queue`, or it is closing */
  GQueue queue;          /* (element-type utf8): JSON, to be delivered */
  guint64 seq;           /* of the last numbered message in it */
  char *call;            /* as our offer, or theirs, has it */
  DcDescription *local;  /* (nullable) */
  DcDescription *remote; /* (nullable): the last that was taken */
  GHashTable *known;     /* (element-type utf8): their candidates */
} ManualTransport;

static gboolean
deliver_cb (gpointer user_data)
{
  ManualTransport *self = user_data;
  DcTransport *transport = dc_transport_ref (&self->parent);
  gboolean live = TRUE;

  while (live && !g_queue_is_empty (&self->queue)) {
    g_autofree char *text = g_queue_pop_head (&self->queue);
    live = text != NULL ? dc_transport_deliver (transport, text, strlen (text)) : FALSE;
    if (text == NULL)
      dc_transport_lose (transport, DC_TRANSPORT_LOSS_CLOSED, NULL);
  }
  if (live)
    dc_transport_clear_source (&self->delivery);
  dc_transport_unref (transport);
  return G_SOURCE_REMOVE;
}

/* @text: (transfer full) (nullable): NULL closes. */
static void
deliver_later (ManualTransport *self, char *text)
{
  g_queue_push_tail (&self->queue, text);
  if (self->delivery == NULL)
    self->delivery = dc_transport_add_timeout (&self->parent, 0, deliver_cb);
}

static void
say (ManualTransport *self, DcMessage *message)
{
  if (dc_message_type_is_numbered (message->type))
    message->seq = ++self->seq;
  deliver_later (self, dc_message_to_json (message));
}

/* @message: offer, answer, candidate or end-of-candidates */
static void
say_as_remote (ManualTransport *self, DcMessage *message)
{
  message->from = g_strdup (DC_TRANSPORT_MANUAL_REMOTE);
  message->call = g_strdup (self->call);
  say (self, message);
}

static void
manual_open (DcTransport *transport, const char *hello_text)
{
  ManualTransport *self = (ManualTransport *) transport;
  g_autoptr (DcMessage) hello = dc_message_new_from_json (hello_text, -1, NULL);
  g_autoptr (DcMessage) welcome = dc_message_new (DC_MESSAGE_WELCOME);

  transport->hello_sent = TRUE;
  welcome->id = g_strdup (hello->id != NULL ? hello->id : DC_TRANSPORT_MANUAL_LOCAL);
  welcome->room = g_strdup (hello->room);
  welcome->session = g_strdup (MANUAL_CALL);
  welcome->resume = g_strdup (MANUAL_CALL);
  g_ptr_array_add (welcome->peers, dc_peer_info_new (DC_TRANSPORT_MANUAL_REMOTE, NULL, FALSE));
  say (self, welcome);
}

static void
tell_description (ManualTransport *self)
{
  DcTransport *transport = &self->parent;

  if (dc_transport_is_live (transport))
    transport->callbacks->described (self->local, transport->user_data);
}

static void
take_own (ManualTransport *self, const DcMessage *message)
{
  switch (message->type) {
    case DC_MESSAGE_OFFER:
    case DC_MESSAGE_ANSWER:
      g_clear_pointer (&self->local, dc_description_free);
      self->local = dc_description_new (message->type == DC_MESSAGE_OFFER, message->sdp);
      g_free (self->call);
      self->call = g_strdup (message->call);
      tell_description (self);
      break;
    case DC_MESSAGE_CANDIDATE:
      if (self->local != NULL && dc_description_add_attribute (self->local, message->mline, message->candidate))
        tell_description (self);
      break;
    case DC_MESSAGE_END_OF_CANDIDATES:
      if (self->local != NULL && dc_description_add_attribute (self->local, 0, "end-of-candidates"))
        tell_description (self);
      break;
    default: /* nobody can be told of a bye */
      break;
  }
}

static void
manual_send (DcTransport *transport, const char *text)
{
  ManualTransport *self = (ManualTransport *) transport;
  g_autoptr (DcMessage) message = dc_message_new_from_json (text, -1, NULL);
  g_autoptr (DcMessage) ack = dc_message_new (DC_MESSAGE_ACK);

  ack->seq = message->seq;
  if (ack->seq > 0)
    say (self, ack);
  take_own (self, message);
}

static void
manual_acknowledge (DcTransport *transport, guint64 seq)
{
}

static void
manual_close (DcTransport *transport)
{
  deliver_later ((ManualTransport *) transport, NULL);
}

static void
manual_abandon (DcTransport *transport)
{
  dc_transport_clear_source (&((ManualTransport *) transport)->delivery);
}

static void
manual_finalize (DcTransport *transport)
{
  ManualTransport *self = (ManualTransport *) transport;

  dc_transport_clear_source (&self->delivery);
  g_queue_clear_full (&self->queue, g_free);
  g_clear_pointer (&self->local, dc_description_free);
  g_clear_pointer (&self->remote, dc_description_free);
  g_hash_table_unref (self->known);
  g_free (self->call);
}

static const DcTransportClass manual_class = {
    manual_open, manual_send, manual_acknowledge, manual_close, manual_abandon, manual_finalize};

DcTransport *
dc_manual_transport_new (const DcTransportOptions *options, const DcTransportCallbacks *callbacks, gpointer user_data)
{
  ManualTransport *self = g_new0 (ManualTransport, 1);

  dc_transport_init (&self->parent, &manual_class, options, FALSE, callbacks, user_data);
  self->call = g_strdup (MANUAL_CALL);
  self->known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_queue_init (&self->queue);
  return &self->parent;
}

/* --- What people bring ----------------------------------------------------------------------------------------------------------- */

static gboolean
refuse (GError **error, const char *sentence)
{
  g_set_error_literal (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_REFUSED, sentence);
  return FALSE;
}

static gboolean
check_fits (ManualTransport *self, const DcDescription *remote, GError **error)
{
  gboolean offering = self->local != NULL && self->local->is_offer;

  if (self->local != NULL && dc_description_is_same (self->local, remote))
    return refuse (error, "this is our own description; paste the one that the other side printed");
  if (self->remote != NULL)
    return dc_description_is_same (self->remote, remote)
           || refuse (error, "another description was taken already; start both sides anew for another call");
  if (offering && remote->is_offer)
    return refuse (error, "this is an offer, and so is ours: one of the two sides must answer");
  if (!offering && !remote->is_offer)
    return refuse (error, "this is an answer, but nothing was offered here; paste an offer");
  return TRUE;
}

static void
note_candidate (guint mline, const char *candidate, gsize length, gpointer user_data)
{
  g_hash_table_add (user_data, g_strndup (candidate, length));
}

static void
say_new_candidate (guint mline, const char *candidate, gsize length, gpointer user_data)
{
  ManualTransport *self = user_data;
  g_autoptr (DcMessage) message = dc_message_new (DC_MESSAGE_CANDIDATE);

  message->candidate = g_strndup (candidate, length);
  message->mline = mline;
  if (g_hash_table_add (self->known, g_strdup (message->candidate)))
    say_as_remote (self, message);
}

/* What is new in it since it was taken before. */
static void
say_rest (ManualTransport *self, const DcDescription *remote)
{
  g_autoptr (DcMessage) end = dc_message_new (DC_MESSAGE_END_OF_CANDIDATES);

  dc_description_foreach_candidate (remote, say_new_candidate, self);
  if (dc_description_is_complete (remote) && !dc_description_is_complete (self->remote))
    say_as_remote (self, end);
}

static void
say_first (ManualTransport *self, const DcDescription *remote)
{
  g_autoptr (DcMessage) message = dc_message_new (remote->is_offer ? DC_MESSAGE_OFFER : DC_MESSAGE_ANSWER);

  message->sdp = g_strdup (remote->sdp);
  dc_description_foreach_candidate (remote, note_candidate, self->known);
  say_as_remote (self, message);
}

gboolean
dc_manual_transport_take (DcTransport *transport, const DcDescription *remote, GError **error)
{
  ManualTransport *self = (ManualTransport *) transport;

  if (!check_fits (self, remote, error))
    return FALSE;
  if (self->remote != NULL)
    say_rest (self, remote);
  else
    say_first (self, remote);
  g_clear_pointer (&self->remote, dc_description_free);
  self->remote = dc_description_new (remote->is_offer, remote->sdp);
  return TRUE;
}
