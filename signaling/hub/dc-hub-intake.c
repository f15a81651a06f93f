/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-hub-intake.c: what comes in from peers: read, checked, relayed or refused. */

#include "signaling/hub/dc-hub-private.h"
#include "signaling/protocol/dc-json.h"
#include "signaling/protocol/dc-signaling-error.h"

/*
 * Theory of operation. A text is read into an Incoming, also where it cannot be understood: its seq must be known to answer it, and
 * a message that was refused is as done with as one that was stored (otherwise one bad message would hold up all that follow).
 * A connection without a session has one try at a hello, see dc-hub-room.c. For a session, in this order:
 *
 *   ack with news        free; it can come only as often as we send
 *   bye without `to`     ends the session
 *   seq seen already     acknowledged again: the first acknowledgement was lost with a connection
 *   seq with a gap       refused; the sender has lost count
 *   too fast             refused; after a burst of those the connection is closed
 *   not understood       refused
 *   relayed              into the mailbox of its receiver, then acknowledged; or refused
 */

/* A text of a peer's, as far as it was understood. */
typedef struct {
  DcMessage *message; /* NULL: not understood, see problem */
  guint64 seq;        /* 0: none, or the type has none */
  char *to;           /* (nullable): a peer id, for the error message */
  DcCode code;
  GError *problem;
} Incoming;

static void
incoming_clear (Incoming *in)
{
  g_clear_pointer (&in->message, dc_message_unref);
  g_free (in->to);
  g_clear_error (&in->problem);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Incoming, incoming_clear)

/* Whatever `seq` and `to` can be made out, also of messages with faults and of types that we do not know. */
static void
read_address (Incoming *in, JsonObject *object)
{
  JsonNode *seq = json_object_get_member (object, "seq");
  JsonNode *to = json_object_get_member (object, "to");

  if (seq && json_node_get_value_type (seq) == G_TYPE_INT64) {
    gint64 number = json_node_get_int (seq);
    if (number > 0 && (guint64) number <= DC_MESSAGE_MAX_SEQ)
      in->seq = (guint64) number;
  }
  if (to && json_node_get_value_type (to) == G_TYPE_STRING && dc_name_is_valid (json_node_get_string (to)))
    in->to = json_node_dup_string (to);
}

static void
read_incoming (Incoming *in, const char *text, gsize length, gsize max_length)
{
  g_autoptr (JsonNode) node = dc_json_parse (text, (gssize) length, G_MAXSIZE, &in->problem);
  DcMessageType type = DC_MESSAGE_OFFER;
  gboolean known = TRUE;

  in->code = DC_CODE_BAD_MESSAGE;
  if (!node)
    return;
  if (JSON_NODE_HOLDS_OBJECT (node)) {
    JsonObject *object = json_node_get_object (node);
    JsonNode *name = json_object_get_member (object, "type");
    read_address (in, object);
    if (name && json_node_get_value_type (name) == G_TYPE_STRING)
      known = dc_message_type_from_string (json_node_get_string (name), &type);
  }
  if (!known)
    in->code = DC_CODE_UNSUPPORTED;
  else if (!dc_message_type_is_numbered (type))
    in->seq = 0; /* an ack's seq is not its own */
  if (length > max_length) {
    in->code = DC_CODE_TOO_LARGE;
    in->problem = g_error_new (DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_MESSAGE,
        "The message has %" G_GSIZE_FORMAT " bytes, more than the %" G_GSIZE_FORMAT " that this server takes.", length,
        max_length);
    return;
  }
  in->message = dc_message_new_from_node (node, &in->problem);
}

static void
send_ack (DcHubSession *session)
{
  g_autoptr (DcMessage) ack = dc_message_new (DC_MESSAGE_ACK);

  ack->seq = session->received;
  dc_hub_queue_message (session->hub, session->connection, ack);
}

static void
refuse_incoming (DcHubSession *session, const Incoming *in, DcCode code, const char *reason)
{
  DcRefusal refusal = {code, in->seq, in->to};

  dc_hub_refuse (session->hub, session->connection, &refusal, "%s", reason);
}

/* A peer that goes on sending while it is told that it is too fast is not worth answering. */
static void
strike (DcHubSession *session)
{
  static const char reason[] = "Far too many messages were sent too fast.";
  DcHubConnection *connection = session->connection;

  if (++session->strikes < session->hub->config.message_burst)
    return;
  session->strikes = 0;
  dc_hub_session_go_away (session);
  dc_hub_queue_close (session->hub, connection, DC_CODE_RATE_LIMITED, reason);
}

/* ---- Relaying ---- */

/* (nullable): a GRefString for the receiver's mailbox. Only what the types have is handed on. */
static char *
make_relayed (DcHubSession *session, DcMessage *message)
{
  g_autofree char *to = g_steal_pointer (&message->to);

  g_free (message->from);
  message->from = g_strdup (session->id);
  message->seq = 0;
  g_autofree char *json = dc_message_to_json (message);
  return g_ref_string_new (json);
}

static void
relay (DcHubSession *session, const Incoming *in)
{
  DcHub *hub = session->hub;
  DcHubSession *receiver = in->to ? g_hash_table_lookup (session->room->sessions, in->to) : NULL;

  if (!receiver || receiver == session || receiver->doomed) {
    g_autofree char *reason =
        g_strdup_printf ("There is no other peer \"%s\" in room \"%s\".", in->to ? in->to : "", session->room->name);
    refuse_incoming (session, in, DC_CODE_UNKNOWN_PEER, reason);
    return;
  }
  char *text = make_relayed (session, in->message);
  gsize length = g_ref_string_length (text);
  if (length > hub->config.max_message) {
    /* Writing it our way made it longer, or the sender's id did; the receiver must be able to count on the limit. */
    refuse_incoming (session, in, DC_CODE_TOO_LARGE, "The message is larger than this server takes.");
  } else if (!dc_hub_session_has_room (receiver, length)) {
    g_autofree char *reason = g_strdup_printf (
        "The mailbox of peer \"%s\" is full: it does not read what is sent to it; try again later.", receiver->id);
    refuse_incoming (session, in, DC_CODE_MAILBOX_FULL, reason);
  } else {
    DcHubEvent event = {
        .kind = DC_HUB_EVENT_RELAYED,
        .peer = session->id,
        .room = session->room->name,
        .to = receiver->id,
        .type = in->message->type,
    };
    dc_hub_session_post (receiver, text);
    send_ack (session);
    hub->stats.relayed++;
    if (hub->event_func)
      hub->event_func (&event, hub->user_data);
  }
  g_ref_string_release (text);
}

static void
take_ack (DcHubSession *session, guint64 seq)
{
  gboolean news = FALSE;

  if (dc_hub_session_acknowledge (session, seq, &news)) {
    if (news || dc_hub_session_charge (session, 1))
      return;
    strike (session);
    return;
  }
  if (!dc_hub_session_charge (session, 1)) {
    strike (session);
    return;
  }
  g_autofree char *reason = g_strdup_printf (
      "The ack is for message %" G_GUINT64_FORMAT ", but only %" G_GUINT64_FORMAT " were sent.", seq, session->sent);
  refuse_incoming (session, &(Incoming){0}, DC_CODE_BAD_MESSAGE, reason);
}

static void
take_bye (DcHubSession *session, const Incoming *in)
{
  if (in->seq > session->received) {
    session->received = in->seq;
    send_ack (session);
  }
  dc_hub_session_end (session, DC_CODE_SESSION_EXPIRED, FALSE, "it said bye");
}

/* TRUE: @in is the next one, and counted. Otherwise it is dealt with. */
static gboolean
take_seq (DcHubSession *session, const Incoming *in, gboolean allowed)
{
  if (in->seq == 0 || in->seq == session->received + 1) {
    session->received += in->seq ? 1 : 0;
    return TRUE;
  }
  if (!allowed) {
    strike (session);
  } else if (in->seq <= session->received) {
    send_ack (session);
  } else {
    g_autofree char *reason = g_strdup_printf ("Message %" G_GUINT64_FORMAT " came, but %" G_GUINT64_FORMAT
                                               " is the next; number messages from 1 without gaps.",
        in->seq, session->received + 1);
    refuse_incoming (session, in, DC_CODE_BAD_MESSAGE, reason);
  }
  return FALSE;
}

static void
take_message (DcHubSession *session, const Incoming *in)
{
  DcMessageType type = in->message->type;

  if (dc_message_type_is_relayed (type)) {
    if (in->to)
      relay (session, in);
    else
      refuse_incoming (session, in, DC_CODE_BAD_MESSAGE, "The message needs the member \"to\": the id of a peer.");
  } else if (type == DC_MESSAGE_HELLO) {
    refuse_incoming (session, in, DC_CODE_BAD_MESSAGE, "This connection has said hello already.");
  } else {
    g_autofree char *reason =
        g_strdup_printf ("A message of type \"%s\" is not for the server.", dc_message_type_to_string (type));
    refuse_incoming (session, in, DC_CODE_UNSUPPORTED, reason);
  }
}

static void
take_from_session (DcHubSession *session, const Incoming *in)
{
  const DcMessage *message = in->message;

  if (message && message->type == DC_MESSAGE_ACK) {
    take_ack (session, message->seq);
    return;
  }
  if (message && message->type == DC_MESSAGE_BYE && !message->to && !message->from) {
    take_bye (session, in);
    return;
  }
  gboolean allowed = dc_hub_session_charge (session, 1);
  if (!take_seq (session, in, allowed))
    return;
  if (!allowed) {
    refuse_incoming (session, in, DC_CODE_RATE_LIMITED, "Messages are sent too fast; this one was dropped.");
    strike (session);
    return;
  }
  session->strikes = 0;
  if (message)
    take_message (session, in);
  else
    refuse_incoming (session, in, in->code, in->problem->message);
}

static void
refuse_connection (DcHub *hub, DcHubConnection *connection, DcCode code, const char *reason)
{
  dc_hub_refuse (hub, connection, &(DcRefusal){.code = code}, "%s", reason);
  if (connection->session)
    dc_hub_session_go_away (connection->session);
  dc_hub_queue_close (hub, connection, code, reason);
}

void
dc_hub_take_text (DcHub *hub, DcHubConnection *connection, const char *text, gsize length)
{
  g_auto (Incoming) in = {0};

  if (hub->shut_down) {
    refuse_connection (hub, connection, DC_CODE_SHUTTING_DOWN, "The server is shutting down.");
    return;
  }
  if (length / DC_HUB_READ_FACTOR > hub->config.max_message) {
    refuse_connection (hub, connection, DC_CODE_TOO_LARGE, "The message is far larger than this server takes.");
    return;
  }
  read_incoming (&in, text, length, hub->config.max_message);
  if (connection->session)
    take_from_session (connection->session, &in);
  else if (!in.message)
    refuse_connection (hub, connection, in.code, in.problem->message);
  else if (in.message->type == DC_MESSAGE_HELLO)
    dc_hub_hello (hub, connection, in.message);
  else
    refuse_connection (hub, connection, DC_CODE_NOT_REGISTERED, "The first message must be a hello.");
}
