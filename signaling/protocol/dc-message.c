/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-message.c: one message of the signaling protocol datachannel.v1, and the names of its types and codes. */

#include "signaling/protocol/dc-message.h"

#include <string.h>

static const char *const type_names[] = {
    "hello",
    "welcome",
    "joined",
    "left",
    "away",
    "back",
    "offer",
    "answer",
    "candidate",
    "end-of-candidates",
    "bye",
    "ack",
    "error",
};
G_STATIC_ASSERT (G_N_ELEMENTS (type_names) == DC_MESSAGE_ERROR + 1);

static const char *const code_names[] = {
    "bad-message",
    "unsupported",
    "not-registered",
    "session-expired",
    "bad-room",
    "bad-id",
    "id-taken",
    "token-refused",
    "unknown-peer",
    "mailbox-full",
    "too-large",
    "rate-limited",
    "room-full",
    "server-full",
    "replaced",
    "shutting-down",
};
G_STATIC_ASSERT (G_N_ELEMENTS (code_names) == DC_CODE_SHUTTING_DOWN + 1);

/* ---- The object ---- */

G_DEFINE_BOXED_TYPE (DcMessage, dc_message, dc_message_ref, dc_message_unref)

DcMessage *
dc_message_new (DcMessageType type)
{
  DcMessage *message = g_new0 (DcMessage, 1);

  g_atomic_ref_count_init (&message->refs);
  message->type = type;
  if (type == DC_MESSAGE_WELCOME)
    message->peers = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_peer_info_free);
  return message;
}

DcMessage *
dc_message_ref (DcMessage *message)
{
  g_atomic_ref_count_inc (&message->refs);
  return message;
}

void
dc_message_unref (DcMessage *message)
{
  if (!g_atomic_ref_count_dec (&message->refs))
    return;
  g_free (message->to);
  g_free (message->from);
  g_free (message->call);
  g_free (message->continues);
  g_free (message->sdp);
  g_free (message->candidate);
  g_free (message->mid);
  g_free (message->nat);
  g_free (message->reason);
  g_free (message->room);
  g_free (message->id);
  g_clear_pointer (&message->meta, json_node_unref);
  g_free (message->token);
  g_free (message->resume);
  g_free (message->session);
  g_clear_pointer (&message->peers, g_ptr_array_unref);
  g_clear_pointer (&message->ice_servers, json_node_unref);
  g_clear_pointer (&message->limits, json_node_unref);
  g_free (message->message);
  g_free (message);
}

/**
 * dc_peer_info_new:
 * @id: the peer
 * @meta: (nullable): what it says of itself, an object; a reference is taken
 * @away: whether its connection is lost now
 */
DcPeerInfo *
dc_peer_info_new (const char *id, JsonNode *meta, gboolean away)
{
  DcPeerInfo *info = g_new0 (DcPeerInfo, 1);

  info->id = g_strdup (id);
  info->meta = meta ? json_node_ref (meta) : NULL;
  info->away = away;
  return info;
}

void
dc_peer_info_free (DcPeerInfo *info)
{
  g_free (info->id);
  g_clear_pointer (&info->meta, json_node_unref);
  g_free (info);
}

/* ---- Names ---- */

static gboolean
name_to_index (const char *const *names, guint n_names, const char *string, guint *index)
{
  for (guint i = 0; i < n_names; i++) {
    if (g_str_equal (names[i], string)) {
      *index = i;
      return TRUE;
    }
  }
  return FALSE;
}

const char *
dc_message_type_to_string (DcMessageType type)
{
  g_return_val_if_fail ((guint) type < G_N_ELEMENTS (type_names), "");
  return type_names[type];
}

gboolean
dc_message_type_from_string (const char *string, DcMessageType *type)
{
  guint index;

  if (!name_to_index (type_names, G_N_ELEMENTS (type_names), string, &index))
    return FALSE;
  *type = (DcMessageType) index;
  return TRUE;
}

gboolean
dc_message_type_is_numbered (DcMessageType type)
{
  /* joined, left, away, back and those from peer to peer. */
  return type >= DC_MESSAGE_JOINED && type <= DC_MESSAGE_BYE;
}

gboolean
dc_message_type_is_relayed (DcMessageType type)
{
  return type >= DC_MESSAGE_OFFER && type <= DC_MESSAGE_BYE;
}

const char *
dc_code_to_string (DcCode code)
{
  g_return_val_if_fail ((guint) code < G_N_ELEMENTS (code_names), "");
  return code_names[code];
}

gboolean
dc_code_from_string (const char *string, DcCode *code)
{
  guint index;

  if (!name_to_index (code_names, G_N_ELEMENTS (code_names), string, &index))
    return FALSE;
  *code = (DcCode) index;
  return TRUE;
}

gboolean
dc_name_is_valid (const char *name)
{
  gsize length = strspn (name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-");

  return length >= 1 && length <= 64 && name[length] == '\0' && name[0] != '.' && name[0] != '-';
}
