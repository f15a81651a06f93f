/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-message-json.c: messages of the signaling protocol from JSON and to JSON. */

#include "signaling/protocol/dc-message.h"
#include "signaling/protocol/dc-json.h"
#include "signaling/protocol/dc-signaling-error.h"

#include <string.h>

/*
 * Theory of operation: one table, `members`, says which member belongs to which type, where it lives in DcMessage, what it may
 * be and whether it must be there. Reading checks a JSON object against the rows of its type; writing walks the same rows, which
 * fixes the order of the members. The hub counts on `type` and `seq` coming first (see dc_hub_stamp()).
 */

#define T(type) (1u << DC_MESSAGE_##type)
#define PRESENCE (T (JOINED) | T (LEFT) | T (AWAY) | T (BACK))
#define CALLS (T (OFFER) | T (ANSWER) | T (CANDIDATE) | T (END_OF_CANDIDATES))
#define RELAYED (CALLS | T (BYE))

typedef enum {
  KIND_SEQ,    /* guint64: an integer; 0 is not written, except in an ack */
  KIND_INDEX,  /* guint: an integer up to max; always written */
  KIND_NAME,   /* char *: a peer id or a room */
  KIND_STRING, /* char *: at most max bytes, if max is not 0 */
  KIND_TEXT,   /* char *: likewise, and not empty */
  KIND_TOKEN,  /* char *: likewise, and fit for a URL or an HTTP header as it is */
  KIND_FLAG,   /* gboolean; always written */
  KIND_OBJECT, /* JsonNode * */
  KIND_ARRAY,  /* JsonNode * */
  KIND_PEERS,  /* GPtrArray * of DcPeerInfo */
  KIND_CODE,   /* DcCode; always written */
} MemberKind;

typedef struct {
  const char *name;
  MemberKind kind;
  gsize offset;
  guint required, optional; /* sets of types */
  gsize max;
} Member;

#define MEMBER(field) #field, .offset = G_STRUCT_OFFSET(DcMessage, field)

/* hello has its room and id checked by the hub, which has codes for them; everything else that is a name is one. */
static const Member members[] = {
    {MEMBER (seq), .kind = KIND_SEQ, .required = PRESENCE | CALLS | T (ACK), .optional = T (BYE) | T (ERROR)},
    {MEMBER (ack), .kind = KIND_SEQ, .optional = T (HELLO) | T (WELCOME)},
    {MEMBER (to), .kind = KIND_NAME, .optional = RELAYED | T (ERROR)},
    {MEMBER (from), .kind = KIND_NAME, .optional = RELAYED},
    {MEMBER (call), .kind = KIND_TEXT, .optional = RELAYED, .max = DC_MESSAGE_MAX_CALL},
    {MEMBER (continues), .kind = KIND_TEXT, .optional = T (OFFER), .max = DC_MESSAGE_MAX_CALL},
    {MEMBER (sdp), .kind = KIND_TEXT, .required = T (OFFER) | T (ANSWER)},
    {MEMBER (candidate), .kind = KIND_TEXT, .required = T (CANDIDATE), .max = DC_MESSAGE_MAX_CANDIDATE},
    {MEMBER (mid), .kind = KIND_STRING, .optional = T (CANDIDATE), .max = DC_MESSAGE_MAX_MID},
    {MEMBER (mline), .kind = KIND_INDEX, .required = T (CANDIDATE), .max = 65535},
    {MEMBER (nat), .kind = KIND_TEXT, .optional = T (END_OF_CANDIDATES), .max = DC_MESSAGE_MAX_NAT},
    {MEMBER (reason), .kind = KIND_STRING, .optional = T (BYE), .max = DC_MESSAGE_MAX_REASON},
    {MEMBER (code), .kind = KIND_CODE, .required = T (ERROR)},
    {MEMBER (message), .kind = KIND_STRING, .required = T (ERROR)},
    {MEMBER (room), .kind = KIND_STRING, .required = T (HELLO)},
    {MEMBER (room), .kind = KIND_NAME, .required = T (WELCOME)},
    {MEMBER (id), .kind = KIND_STRING, .optional = T (HELLO)},
    {MEMBER (id), .kind = KIND_NAME, .required = T (WELCOME) | PRESENCE},
    {MEMBER (session), .kind = KIND_TOKEN, .required = T (WELCOME), .max = 128},
    {MEMBER (resume), .kind = KIND_TOKEN, .required = T (WELCOME), .optional = T (HELLO), .max = 512},
    {MEMBER (resumed), .kind = KIND_FLAG, .required = T (WELCOME)},
    {MEMBER (token), .kind = KIND_STRING, .optional = T (HELLO)},
    {MEMBER (meta), .kind = KIND_OBJECT, .optional = T (HELLO) | T (JOINED)},
    {MEMBER (peers), .kind = KIND_PEERS, .required = T (WELCOME)},
    {MEMBER (ice_servers), .kind = KIND_ARRAY, .optional = T (WELCOME)},
    {MEMBER (limits), .kind = KIND_OBJECT, .optional = T (WELCOME)},
};

/* ---- Reading ---- */

static gboolean refuse (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
refuse (GError **error, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  if (error)
    *error = g_error_new_valist (DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_MESSAGE, format, args);
  va_end (args);
  return FALSE;
}

static gboolean
read_integer (JsonNode *node, guint64 max, guint64 *value)
{
  if (json_node_get_value_type (node) != G_TYPE_INT64)
    return FALSE;
  gint64 number = json_node_get_int (node);
  *value = (guint64) number;
  return number >= 0 && *value <= max;
}

static gboolean
is_token (const char *string)
{
  return *string && string[strspn (string, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._~-")] == '\0';
}

static gboolean
read_string (const Member *member, const char *type, JsonNode *node, char **field, GError **error)
{
  if (json_node_get_value_type (node) != G_TYPE_STRING)
    return refuse (error, "The member \"%s\" of a message of type \"%s\" should be a string.", member->name, type);

  const char *string = json_node_get_string (node);
  if (member->max > 0 && strlen (string) > member->max)
    return refuse (error, "The member \"%s\" of a message of type \"%s\" has more than %" G_GSIZE_FORMAT " bytes.",
        member->name, type, member->max);
  if (member->kind == KIND_TEXT && *string == '\0')
    return refuse (error, "The member \"%s\" of a message of type \"%s\" is empty.", member->name, type);
  if (member->kind == KIND_NAME && !dc_name_is_valid (string))
    return refuse (error,
        "The member \"%s\" of a message of type \"%s\" should be 1 to 64 letters, digits, dots, dashes and "
        "underscores, not beginning with a dot or a dash.",
        member->name, type);
  if (member->kind == KIND_TOKEN && !is_token (string))
    return refuse (error,
        "The member \"%s\" of a message of type \"%s\" should be letters, digits, dots, dashes, underscores and "
        "tildes.",
        member->name, type);
  *field = g_strdup (string);
  return TRUE;
}

/* (nullable): null is the same as a member that is not there. */
static JsonNode *
get_member (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node && !JSON_NODE_HOLDS_NULL (node) ? node : NULL;
}

static gboolean
read_peer (JsonNode *node, GPtrArray *peers)
{
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return FALSE;
  JsonObject *object = json_node_get_object (node);
  JsonNode *id = get_member (object, "id");
  JsonNode *meta = get_member (object, "meta");
  JsonNode *away = get_member (object, "away");

  if (!id || json_node_get_value_type (id) != G_TYPE_STRING || !dc_name_is_valid (json_node_get_string (id)))
    return FALSE;
  if (meta && !JSON_NODE_HOLDS_OBJECT (meta))
    return FALSE;
  if (away && json_node_get_value_type (away) != G_TYPE_BOOLEAN)
    return FALSE;
  g_ptr_array_add (
      peers, dc_peer_info_new (json_node_get_string (id), meta, away != NULL && json_node_get_boolean (away)));
  return TRUE;
}

static gboolean
read_peers (JsonNode *node, GPtrArray *peers, GError **error)
{
  if (!JSON_NODE_HOLDS_ARRAY (node))
    return refuse (error, "The member \"peers\" of a welcome should be an array.");
  JsonArray *array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++) {
    if (!read_peer (json_array_get_element (array, i), peers))
      return refuse (error, "Element %u of the member \"peers\" of a welcome should be an object with an \"id\".", i);
  }
  return TRUE;
}

static gboolean
read_container (const Member *member, const char *type, JsonNode *node, JsonNode **field, GError **error)
{
  gboolean object = member->kind == KIND_OBJECT;

  if (object ? !JSON_NODE_HOLDS_OBJECT (node) : !JSON_NODE_HOLDS_ARRAY (node))
    return refuse (error, "The member \"%s\" of a message of type \"%s\" should be an %s.", member->name, type,
        object ? "object" : "array");
  if (dc_json_get_depth (node) > DC_MESSAGE_MAX_META_DEPTH)
    return refuse (error, "The member \"%s\" of a message of type \"%s\" is nested more than %d levels deep.",
        member->name, type, DC_MESSAGE_MAX_META_DEPTH);
  *field = json_node_ref (node);
  return TRUE;
}

static gboolean
read_code (JsonNode *node, DcCode *code, GError **error)
{
  if (json_node_get_value_type (node) != G_TYPE_STRING)
    return refuse (error, "The member \"code\" of an error should be a string.");
  if (!dc_code_from_string (json_node_get_string (node), code))
    *code = DC_CODE_UNSUPPORTED;
  return TRUE;
}

static gboolean
read_member (DcMessage *message, const Member *member, JsonNode *node, GError **error)
{
  const char *type = dc_message_type_to_string (message->type);
  gpointer field = G_STRUCT_MEMBER_P (message, member->offset);
  guint64 number;

  switch (member->kind) {
    case KIND_SEQ:
      if (!read_integer (node, DC_MESSAGE_MAX_SEQ, field))
        return refuse (error, "The member \"%s\" of a message of type \"%s\" should be an integer from 0 to 2^53 - 1.",
            member->name, type);
      return TRUE;
    case KIND_INDEX:
      if (!read_integer (node, member->max, &number))
        return refuse (error,
            "The member \"%s\" of a message of type \"%s\" should be an integer from 0 to %" G_GSIZE_FORMAT ".",
            member->name, type, member->max);
      *(guint *) field = (guint) number;
      return TRUE;
    case KIND_FLAG:
      if (json_node_get_value_type (node) != G_TYPE_BOOLEAN)
        return refuse (
            error, "The member \"%s\" of a message of type \"%s\" should be true or false.", member->name, type);
      *(gboolean *) field = json_node_get_boolean (node);
      return TRUE;
    case KIND_OBJECT:
    case KIND_ARRAY:
      return read_container (member, type, node, field, error);
    case KIND_PEERS:
      return read_peers (node, *(GPtrArray **) field, error);
    case KIND_CODE:
      return read_code (node, field, error);
    default:
      return read_string (member, type, node, field, error);
  }
}

static gboolean
read_type (JsonObject *object, DcMessageType *type, GError **error)
{
  JsonNode *node = get_member (object, "type");

  if (!node || json_node_get_value_type (node) != G_TYPE_STRING)
    return refuse (error, "The message has no member \"type\" that is a string.");
  if (!dc_message_type_from_string (json_node_get_string (node), type)) {
    g_autofree char *quoted = dc_signaling_quote (json_node_get_string (node));
    return refuse (error, "There is no message type %s in datachannel.v1.", quoted);
  }
  return TRUE;
}

/* What a single row cannot say. */
static gboolean
check_whole (const DcMessage *message, GError **error)
{
  const char *type = dc_message_type_to_string (message->type);
  gboolean addressed = message->to || message->from;

  if ((1u << message->type & CALLS) && !addressed)
    return refuse (error, "A message of type \"%s\" needs the member \"to\": the id of the peer that it is for.", type);
  if (dc_message_type_is_numbered (message->type) && message->seq == 0
      && (message->type != DC_MESSAGE_BYE || addressed))
    return refuse (error, "A message of type \"%s\" needs a \"seq\" of 1 or more.", type);
  return TRUE;
}

/**
 * dc_message_new_from_node:
 * @node: any JSON
 * @error: DC_SIGNALING_ERROR_MESSAGE with a sentence that names the member
 *
 * Returns: (transfer full) (nullable): the message
 */
DcMessage *
dc_message_new_from_node (JsonNode *node, GError **error)
{
  DcMessageType type;

  if (!JSON_NODE_HOLDS_OBJECT (node)) {
    refuse (error, "A message should be a JSON object.");
    return NULL;
  }
  JsonObject *object = json_node_get_object (node);
  if (!read_type (object, &type, error))
    return NULL;

  g_autoptr (DcMessage) message = dc_message_new (type);
  for (guint i = 0; i < G_N_ELEMENTS (members); i++) {
    const Member *member = &members[i];
    if (!((member->required | member->optional) & 1u << type))
      continue;
    JsonNode *value = get_member (object, member->name);
    if (value) {
      if (!read_member (message, member, value, error))
        return NULL;
    } else if (member->required & 1u << type) {
      refuse (
          error, "A message of type \"%s\" needs the member \"%s\".", dc_message_type_to_string (type), member->name);
      return NULL;
    }
  }
  return check_whole (message, error) ? g_steal_pointer (&message) : NULL;
}

/**
 * dc_message_new_from_json:
 * @text: any bytes
 * @length: how many, or -1 if they end with a NUL
 * @error: DC_SIGNALING_ERROR_MESSAGE with a sentence
 *
 * Returns: (transfer full) (nullable): the message
 */
DcMessage *
dc_message_new_from_json (const char *text, gssize length, GError **error)
{
  g_autoptr (JsonNode) node = dc_json_parse (text, length, DC_MESSAGE_MAX_LENGTH, error);

  return node ? dc_message_new_from_node (node, error) : NULL;
}

/* ---- Writing ---- */

static void
write_name (const char *name, GString *out)
{
  g_string_append_printf (out, ",\"%s\":", name);
}

static void
write_peers (GPtrArray *peers, GString *out)
{
  g_string_append_c (out, '[');
  for (guint i = 0; peers && i < peers->len; i++) {
    const DcPeerInfo *info = g_ptr_array_index (peers, i);
    g_string_append (out, i > 0 ? ",{\"id\":" : "{\"id\":");
    dc_json_write_string (info->id, out);
    if (info->meta) {
      write_name ("meta", out);
      dc_json_write (info->meta, out);
    }
    if (info->away)
      g_string_append (out, ",\"away\":true");
    g_string_append_c (out, '}');
  }
  g_string_append_c (out, ']');
}

static void
write_member (const DcMessage *message, const Member *member, GString *out)
{
  gconstpointer field = G_STRUCT_MEMBER_P (message, member->offset);
  guint64 number;

  switch (member->kind) {
    case KIND_SEQ:
      number = *(const guint64 *) field;
      if (number > 0 || message->type == DC_MESSAGE_ACK)
        g_string_append_printf (out, ",\"%s\":%" G_GUINT64_FORMAT, member->name, number);
      break;
    case KIND_INDEX:
      g_string_append_printf (out, ",\"%s\":%u", member->name, *(const guint *) field);
      break;
    case KIND_FLAG:
      g_string_append_printf (out, ",\"%s\":%s", member->name, *(const gboolean *) field ? "true" : "false");
      break;
    case KIND_CODE:
      g_string_append_printf (out, ",\"%s\":\"%s\"", member->name, dc_code_to_string (*(const DcCode *) field));
      break;
    case KIND_PEERS:
      write_name (member->name, out);
      write_peers (*(GPtrArray *const *) field, out);
      break;
    case KIND_OBJECT:
    case KIND_ARRAY:
      if (*(JsonNode *const *) field) {
        write_name (member->name, out);
        dc_json_write (*(JsonNode *const *) field, out);
      }
      break;
    default:
      if (*(char *const *) field) {
        write_name (member->name, out);
        dc_json_write_string (*(char *const *) field, out);
      }
      break;
  }
}

/**
 * dc_message_to_json:
 * @message: a message
 *
 * Returns: (transfer full): one line of compact JSON
 */
char *
dc_message_to_json (const DcMessage *message)
{
  GString *out = g_string_sized_new (256);

  g_string_append_printf (out, "{\"type\":\"%s\"", dc_message_type_to_string (message->type));
  for (guint i = 0; i < G_N_ELEMENTS (members); i++) {
    if ((members[i].required | members[i].optional) & 1u << message->type)
      write_member (message, &members[i], out);
  }
  g_string_append_c (out, '}');
  return g_string_free (out, FALSE);
}

/**
 * dc_message_to_node:
 * @message: a message
 *
 * Returns: (transfer full) (nullable): the same as a tree; NULL if its meta is nested too deeply to be sent
 */
JsonNode *
dc_message_to_node (const DcMessage *message)
{
  g_autofree char *text = dc_message_to_json (message);

  return dc_json_parse (text, -1, G_MAXSIZE, NULL);
}
