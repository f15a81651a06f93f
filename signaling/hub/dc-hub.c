/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-hub.c: the signaling hub: takes messages from peers, hands them on, and keeps them until they have arrived. */

#include "signaling/hub/dc-hub-private.h"

/*
 * Theory of operation.
 *
 * Goals: what the hub has acknowledged arrives, or its receiver's session ends, which everybody in the room learns; nothing a peer
 * sends can disturb others or make the hub grow beyond its configuration; each message costs about the same however many peers there are.
 *
 * In: dc_hub_receive(), see dc-hub-intake.c. Out: see dc-hub-outbox.c: nothing is called from the middle of anything. Each public
 * function that may cause a call stands between enter() and leave(); the outermost leave() has the calls made. The functions that the
 * connections have called come in again, one level deeper.
 *
 * Deadlines: only sessions that are away have one, and it is the same span for all, so a plain queue is in order.
 */

static void
fill_config (DcHubConfig *config)
{
#define DEFAULT(field, value) config->field = config->field ? config->field : (value)
  DEFAULT (max_message, 64 * 1024);
  DEFAULT (max_meta, 4096);
  DEFAULT (max_mailbox_messages, 1024);
  DEFAULT (max_mailbox_bytes, 1024 * 1024);
  DEFAULT (max_mailboxes_bytes, 256 * 1024 * 1024);
  DEFAULT (max_room_peers, 1024);
  DEFAULT (max_peers, 10000);
  DEFAULT (messages_per_second, 50);
  DEFAULT (message_burst, 500);
  DEFAULT (resume_time, 30 * G_USEC_PER_SEC);
#undef DEFAULT
}

static JsonNode *
make_limits (const DcHubConfig *config)
{
  JsonObject *object = json_object_new ();
  JsonNode *node = json_node_init_object (json_node_alloc (), object);

  json_object_set_int_member (object, "max_message", (gint64) config->max_message);
  json_object_set_int_member (object, "max_meta", (gint64) config->max_meta);
  json_object_set_int_member (object, "max_mailbox_messages", config->max_mailbox_messages);
  json_object_set_int_member (object, "max_mailbox_bytes", (gint64) config->max_mailbox_bytes);
  json_object_set_int_member (object, "messages_per_second", config->messages_per_second);
  json_object_set_int_member (object, "message_burst", config->message_burst);
  json_object_set_int_member (object, "resume_seconds", config->resume_time / G_USEC_PER_SEC);
  json_object_unref (object);
  return node;
}

/**
 * dc_hub_new:
 * @config: limits; copied
 * @random_func: where names and tokens come from
 * @event_func: (nullable): is told what happens
 * @user_data: for both
 *
 * Returns: (transfer full): a hub without anybody
 */
DcHub *
dc_hub_new (const DcHubConfig *config, DcHubRandomFunc random_func, DcHubEventFunc event_func, gpointer user_data)
{
  DcHub *hub = g_new0 (DcHub, 1);

  hub->config = *config;
  fill_config (&hub->config);
  if (hub->config.ice_servers)
    json_node_ref (hub->config.ice_servers);
  hub->limits = make_limits (&hub->config);
  hub->random_func = random_func;
  hub->event_func = event_func;
  hub->user_data = user_data;
  hub->rooms = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) dc_hub_room_free);
  hub->sessions = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) dc_hub_session_free);
  hub->resumes = g_hash_table_new (g_str_hash, g_str_equal);
  hub->scratch = g_string_new (NULL);
  hub->now = G_MININT64;
  return hub;
}

void
dc_hub_free (DcHub *hub)
{
  g_return_if_fail (hub->depth == 0 && hub->outbox.length == 0);

  g_hash_table_unref (hub->resumes);
  g_hash_table_unref (hub->sessions);
  g_hash_table_unref (hub->rooms);
  g_clear_pointer (&hub->config.ice_servers, json_node_unref);
  json_node_unref (hub->limits);
  g_string_free (hub->scratch, TRUE);
  g_free (hub);
}

static void
enter (DcHub *hub, gint64 now)
{
  hub->depth++;
  hub->now = MAX (hub->now, now);
}

static void
end_doomed (DcHub *hub)
{
  DcHubSession *session;

  while ((session = g_queue_peek_head (&hub->doomed)))
    dc_hub_session_end (
        session, DC_CODE_MAILBOX_FULL, TRUE, "Its mailbox is full; it does not acknowledge what it gets.");
}

static void
leave (DcHub *hub)
{
  end_doomed (hub);
  if (hub->depth == 1)
    dc_hub_deliver_posts (hub);
  hub->depth--;
}

void
dc_hub_receive (DcHub *hub, DcHubConnection *connection, const char *text, gsize length, gint64 now)
{
  if (connection->closed)
    return;
  enter (hub, now);
  dc_hub_take_text (hub, connection, text, length);
  leave (hub);
}

void
dc_hub_detach (DcHub *hub, DcHubConnection *connection, gint64 now)
{
  enter (hub, now);
  dc_hub_forget_posts (hub, connection);
  if (connection->session)
    dc_hub_session_go_away (connection->session);
  leave (hub);
}

/**
 * dc_hub_find_session:
 * @hub: the hub
 * @session: its public name
 * @resume: its secret
 *
 * Returns: (transfer none) (nullable): the session
 */
DcHubSession *
dc_hub_find_session (DcHub *hub, const char *session, const char *resume)
{
  DcHubSession *found = g_hash_table_lookup (hub->sessions, session);

  return found && dc_hub_session_check_resume (found, resume) ? found : NULL;
}

void
dc_hub_attach (DcHub *hub, DcHubSession *session, DcHubConnection *connection, gint64 now)
{
  if (session->connection == connection)
    return;
  g_return_if_fail (!connection->session && !connection->closed);

  enter (hub, now);
  dc_hub_session_bind (session, connection);
  dc_hub_emit (hub, DC_HUB_EVENT_RESUMED, session, connection, NULL);
  leave (hub);
}

gint64
dc_hub_get_deadline (const DcHub *hub)
{
  const GList *first = hub->away.head;

  return first ? ((const DcHubSession *) first->data)->expires : -1;
}

void
dc_hub_advance (DcHub *hub, gint64 now)
{
  enter (hub, now);
  while (hub->away.head && ((DcHubSession *) hub->away.head->data)->expires <= hub->now)
    dc_hub_session_end (
        hub->away.head->data, DC_CODE_SESSION_EXPIRED, FALSE, "it did not come back within the resume time");
  leave (hub);
}

void
dc_hub_shut_down (DcHub *hub, const char *reason)
{
  g_autoptr (DcMessage) bye = dc_message_new (DC_MESSAGE_BYE);
  GHashTableIter iter;
  DcHubSession *session;

  bye->reason = g_strdup (reason);
  enter (hub, hub->now);
  hub->shut_down = TRUE;
  g_hash_table_iter_init (&iter, hub->sessions);
  /* Nobody is told that the others leave: all do. */
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &session)) {
    DcHubConnection *connection = session->connection;
    if (connection) {
      connection->session = NULL;
      dc_hub_queue_message (hub, connection, bye);
      dc_hub_queue_close (hub, connection, DC_CODE_SHUTTING_DOWN, reason);
    }
    dc_hub_emit (hub, DC_HUB_EVENT_LEFT, session, NULL, "the server is shutting down");
  }
  g_queue_init (&hub->away);
  g_queue_clear (&hub->doomed);
  g_hash_table_remove_all (hub->resumes);
  g_hash_table_remove_all (hub->rooms);
  g_hash_table_remove_all (hub->sessions);
  leave (hub);
}

void
dc_hub_get_stats (const DcHub *hub, DcHubStats *stats)
{
  *stats = hub->stats;
  stats->peers = g_hash_table_size (hub->sessions);
  stats->away = hub->away.length;
  stats->rooms = g_hash_table_size (hub->rooms);
}
