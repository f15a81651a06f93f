/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-hub-room.c: rooms: who comes, who goes, and who is told. */

#include "signaling/hub/dc-hub-private.h"
#include "signaling/protocol/dc-json.h"
#include "signaling/protocol/dc-signaling-error.h"

#include <string.h>

/*
 * Theory of operation. A room is there while somebody is in it. A session is in its room from its hello until it ends:
 *
 *                hello                     connection lost
 *   (nothing) ----------> connected ---------------------------> away
 *              `joined`    |     ^            `away`             |  |
 *                          |     |                               |  |
 *                          |     +--- hello with resume token ---+  |  resume time over, mailbox overflowed,
 *                     bye, |                  `back`                |  id taken by a fresh hello
 *       does not read, ... |                                        |
 *                          v                                        v
 *                        ended `left`                             ended `left`
 *
 * What stands in `` is told to the others in the room. A hello with the token of a connected session moves it to the new connection
 * without a word to the others: nobody waits for a connection that is dead and does not know it yet.
 */

/* What all members of a room may be together in a welcome: keeps the welcome well below DC_MESSAGE_MAX_LENGTH. */
#define MAX_ROOM_BYTES (DC_MESSAGE_MAX_LENGTH / 2)
/* {"id":"","meta":,"away":true}, and the comma */
#define MEMBER_OVERHEAD 32
/* A resume costs the others an away and a back, and us a replay. */
#define RESUME_COST 10

static DcHubRoom *
room_new (const char *name)
{
  DcHubRoom *room = g_new0 (DcHubRoom, 1);

  room->name = g_strdup (name);
  room->sessions = g_hash_table_new (g_str_hash, g_str_equal);
  return room;
}

void
dc_hub_room_free (DcHubRoom *room)
{
  g_hash_table_unref (room->sessions);
  g_free (room->name);
  g_free (room);
}

/* ---- Presence ---- */

static void
tell_others (DcHubSession *about, DcMessageType type)
{
  g_autoptr (DcMessage) message = dc_message_new (type);

  if (about->room->members.length <= 1)
    return;
  message->id = g_strdup (about->id);
  if (type == DC_MESSAGE_JOINED && about->meta)
    message->meta = json_node_ref (about->meta);
  g_autofree char *json = dc_message_to_json (message);
  char *text = g_ref_string_new (json);
  for (GList *l = about->room->members.head; l; l = l->next) {
    DcHubSession *other = l->data;
    if (other == about || other->doomed || dc_hub_session_post (other, text))
      continue;
    /* Ending it here would tell others in the middle of telling others. */
    other->doomed = TRUE;
    g_queue_push_tail (&about->hub->doomed, other);
  }
  g_ref_string_release (text);
}

static void
detach_connection (DcHubSession *session)
{
  if (session->connection)
    session->connection->session = NULL;
  session->connection = NULL;
}

void
dc_hub_session_go_away (DcHubSession *session)
{
  DcHub *hub = session->hub;

  detach_connection (session);
  session->expires = hub->now + hub->config.resume_time;
  g_queue_push_tail_link (&hub->away, &session->away_link);
  tell_others (session, DC_MESSAGE_AWAY);
  dc_hub_emit (hub, DC_HUB_EVENT_AWAY, session, NULL, NULL);
}

void
dc_hub_session_bind (DcHubSession *session, DcHubConnection *connection)
{
  DcHub *hub = session->hub;
  DcHubConnection *old = session->connection;

  if (old) {
    static const char reason[] = "Another connection has taken this session over.";
    detach_connection (session);
    dc_hub_refuse (hub, old, &(DcRefusal){.code = DC_CODE_REPLACED}, reason);
    dc_hub_queue_close (hub, old, DC_CODE_REPLACED, reason);
  } else {
    g_queue_unlink (&hub->away, &session->away_link);
  }
  session->connection = connection;
  connection->session = session;
  if (!old)
    tell_others (session, DC_MESSAGE_BACK);
}

void
dc_hub_session_end (DcHubSession *session, DcCode code, gboolean tell, const char *detail)
{
  DcHub *hub = session->hub;
  DcHubRoom *room = session->room;
  DcHubConnection *connection = session->connection;

  if (connection) {
    detach_connection (session);
    if (tell)
      dc_hub_refuse (hub, connection, &(DcRefusal){.code = code}, "%s", detail);
    dc_hub_queue_close (hub, connection, code, detail);
  } else {
    g_queue_unlink (&hub->away, &session->away_link);
  }
  if (session->doomed)
    g_queue_remove (&hub->doomed, session);
  tell_others (session, DC_MESSAGE_LEFT);
  dc_hub_emit (hub, DC_HUB_EVENT_LEFT, session, NULL, detail);

  g_queue_unlink (&room->members, &session->room_link);
  g_hash_table_remove (room->sessions, session->id);
  room->bytes -= session->bytes;
  g_hash_table_remove (hub->resumes, session->resume_key);
  g_hash_table_remove (hub->sessions, session->name);
  if (room->members.length == 0)
    g_hash_table_remove (hub->rooms, room->name);
}

/* ---- Hello ---- */

static void
send_welcome (DcHubSession *session, gboolean resumed)
{
  DcHub *hub = session->hub;
  g_autoptr (DcMessage) welcome = dc_message_new (DC_MESSAGE_WELCOME);

  welcome->ack = session->received;
  welcome->room = g_strdup (session->room->name);
  welcome->id = g_strdup (session->id);
  welcome->session = g_strdup (session->name);
  welcome->resume = g_strdup (session->resume);
  welcome->resumed = resumed;
  for (GList *l = session->room->members.head; l; l = l->next) {
    const DcHubSession *other = l->data;
    if (other != session)
      g_ptr_array_add (welcome->peers, dc_peer_info_new (other->id, other->meta, other->connection == NULL));
  }
  welcome->ice_servers = hub->config.ice_servers ? json_node_ref (hub->config.ice_servers) : NULL;
  welcome->limits = json_node_ref (hub->limits);
  dc_hub_queue_message (hub, session->connection, welcome);
}

static void refuse_hello (DcHub *hub, DcHubConnection *connection, DcCode code, const char *format, ...)
    G_GNUC_PRINTF (4, 5);

static void
refuse_hello (DcHub *hub, DcHubConnection *connection, DcCode code, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree char *reason = g_strdup_vprintf (format, args);
  va_end (args);
  dc_hub_refuse (hub, connection, &(DcRefusal){.code = code}, "%s", reason);
  dc_hub_queue_close (hub, connection, code, reason);
}

static void
resume (DcHubSession *session, DcHubConnection *connection, const DcMessage *hello)
{
  DcHub *hub = session->hub;

  if (!dc_hub_session_charge (session, RESUME_COST)) {
    refuse_hello (hub, connection, DC_CODE_RATE_LIMITED, "This session is resumed too often; wait a few seconds.");
    return;
  }
  if (!dc_hub_session_acknowledge (session, hello->ack, NULL)) {
    refuse_hello (hub, connection, DC_CODE_BAD_MESSAGE,
        "The hello acknowledges message %" G_GUINT64_FORMAT ", but only %" G_GUINT64_FORMAT " were sent.", hello->ack,
        session->sent);
    return;
  }
  session->strikes = 0;
  dc_hub_session_bind (session, connection);
  send_welcome (session, TRUE);
  dc_hub_session_replay (session);
  dc_hub_emit (hub, DC_HUB_EVENT_RESUMED, session, connection, NULL);
}

/* (nullable): the session that a hello goes on with. A token for another room or id is a hello of its own. */
static DcHubSession *
find_resumed (DcHub *hub, const DcMessage *hello)
{
  if (!hello->resume)
    return NULL;
  g_autofree char *key = dc_hub_make_resume_key (hello->resume);
  DcHubSession *session = g_hash_table_lookup (hub->resumes, key);
  if (!session || !dc_hub_session_check_resume (session, hello->resume))
    return NULL;
  if (!g_str_equal (session->room->name, hello->room) || (hello->id && !g_str_equal (session->id, hello->id)))
    return NULL;
  return session;
}

static gsize
measure_meta (JsonNode *meta)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (meta)
    dc_json_write (meta, text);
  return text->len;
}

static gboolean
check_hello (DcHub *hub, DcHubConnection *connection, const DcMessage *hello, gsize meta_size)
{
  static const char rule[] =
      "1 to 64 letters, digits, dots, dashes and underscores, not beginning with a dot or a dash";

  if (!dc_name_is_valid (hello->room)) {
    g_autofree char *quoted = dc_signaling_quote (hello->room);
    refuse_hello (hub, connection, DC_CODE_BAD_ROOM, "The room %s cannot be used; a room is %s.", quoted, rule);
    return FALSE;
  }
  if (hello->id && !dc_name_is_valid (hello->id)) {
    g_autofree char *quoted = dc_signaling_quote (hello->id);
    refuse_hello (hub, connection, DC_CODE_BAD_ID, "The id %s cannot be used; an id is %s.", quoted, rule);
    return FALSE;
  }
  if (meta_size > hub->config.max_meta) {
    refuse_hello (hub, connection, DC_CODE_TOO_LARGE,
        "The meta has %" G_GSIZE_FORMAT " bytes, more than the %" G_GSIZE_FORMAT " that this server takes.", meta_size,
        hub->config.max_meta);
    return FALSE;
  }
  return TRUE;
}

/* Whether the wanted id can be had. An away session that holds it gives way: its owner may have lost the token. */
static gboolean
check_id (DcHub *hub, DcHubConnection *connection, const DcMessage *hello)
{
  DcHubRoom *room = g_hash_table_lookup (hub->rooms, hello->room);
  DcHubSession *holder = room && hello->id ? g_hash_table_lookup (room->sessions, hello->id) : NULL;

  if (holder && holder->connection) {
    refuse_hello (hub, connection, DC_CODE_ID_TAKEN,
        "The id \"%s\" is taken in room \"%s\"; choose another, or leave it out and be given one.", hello->id,
        hello->room);
    return FALSE;
  }
  if (holder)
    dc_hub_session_end (holder, DC_CODE_REPLACED, FALSE, "another peer has taken its id while it was away");
  return TRUE;
}

static gboolean
check_space (DcHub *hub, DcHubConnection *connection, const char *name, gsize bytes)
{
  const DcHubRoom *room = g_hash_table_lookup (hub->rooms, name);

  if (g_hash_table_size (hub->sessions) >= hub->config.max_peers) {
    refuse_hello (
        hub, connection, DC_CODE_SERVER_FULL, "This server has its %u peers; try again later.", hub->config.max_peers);
    return FALSE;
  }
  if (room && (room->members.length >= hub->config.max_room_peers || room->bytes + bytes > MAX_ROOM_BYTES)) {
    refuse_hello (
        hub, connection, DC_CODE_ROOM_FULL, "The room \"%s\" is full; try again later, or use another.", name);
    return FALSE;
  }
  return TRUE;
}

/* (nullable): one that nobody in the room has. Among 32^8 a few attempts are plenty, unless the randomness is broken. */
static char *
find_free_id (DcHub *hub, const char *room_name)
{
  const DcHubRoom *room = g_hash_table_lookup (hub->rooms, room_name);

  for (guint attempt = 0; attempt < 8; attempt++) {
    g_autofree char *id = dc_hub_make_id (hub);
    if (!room || !g_hash_table_contains (room->sessions, id))
      return g_steal_pointer (&id);
  }
  return NULL;
}

static void
enter_room (DcHubSession *session, const char *name)
{
  DcHub *hub = session->hub;
  DcHubRoom *room = g_hash_table_lookup (hub->rooms, name);

  if (!room) {
    room = room_new (name);
    g_hash_table_insert (hub->rooms, room->name, room);
  }
  session->room = room;
  room->bytes += session->bytes;
  g_hash_table_insert (room->sessions, session->id, session);
  g_queue_push_tail_link (&room->members, &session->room_link);
  g_hash_table_insert (hub->sessions, session->name, session);
  g_hash_table_insert (hub->resumes, session->resume_key, session);
}

static void
join (DcHub *hub, DcHubConnection *connection, const DcMessage *hello, gsize meta_size)
{
  g_autofree char *id = hello->id ? g_strdup (hello->id) : find_free_id (hub, hello->room);
  DcHubSession *session = id ? dc_hub_session_new (hub, id, hello->meta) : NULL;

  if (!session || g_hash_table_contains (hub->sessions, session->name)
      || g_hash_table_contains (hub->resumes, session->resume_key)) {
    g_clear_pointer (&session, dc_hub_session_free);
    refuse_hello (hub, connection, DC_CODE_SERVER_FULL, "This server finds no free name for the session; try again.");
    return;
  }
  session->bytes = meta_size + strlen (id) + MEMBER_OVERHEAD;
  enter_room (session, hello->room);
  session->connection = connection;
  connection->session = session;
  hub->stats.registered++;
  send_welcome (session, FALSE);
  tell_others (session, DC_MESSAGE_JOINED);
  dc_hub_emit (hub, DC_HUB_EVENT_REGISTERED, session, connection, NULL);
}

void
dc_hub_hello (DcHub *hub, DcHubConnection *connection, const DcMessage *hello)
{
  gsize meta_size = measure_meta (hello->meta);

  if (!check_hello (hub, connection, hello, meta_size))
    return;
  DcHubSession *session = find_resumed (hub, hello);
  if (session) {
    resume (session, connection, hello);
    return;
  }
  gsize bytes = meta_size + (hello->id ? strlen (hello->id) : 16) + MEMBER_OVERHEAD;
  if (check_id (hub, connection, hello) && check_space (hub, connection, hello->room, bytes))
    join (hub, connection, hello, meta_size);
}
