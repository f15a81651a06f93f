/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-hub-session.c: one session of a peer's: its names, its mailbox, its rate. */

#include "signaling/hub/dc-hub-private.h"

#include <string.h>

/*
 * Theory of operation.
 *
 * The mailbox is the list of all that was numbered for this peer and that the peer has not acknowledged, sent or not. A text is
 * kept without its number and shared between all who get it (a `joined` in a room of a thousand is one string); dc_hub_stamp() puts
 * the number in when it goes out.
 *
 * Relayed messages fill the mailbox up to its limits and are then refused, which their sender is told. Presence cannot be refused to
 * anybody, so it may use a quarter more; a peer that has not even read that does not know who is there, and its session ends.
 *
 * The rate is a token bucket in the form of the virtual scheduling algorithm (ITU-T I.371): each message makes the session busy for
 * 1/rate seconds; what would keep it busy for longer than burst/rate from now on is refused.
 */

/* What an entry costs beside its text: the list, this struct, the digits of the number. */
#define LETTER_OVERHEAD 96

typedef struct {
  guint64 seq;
  char *text; /* GRefString */
} Letter;

static void
letter_free (Letter *letter)
{
  g_ref_string_release (letter->text);
  g_free (letter);
}

/* ---- Names ---- */

static char *
make_base64url (DcHub *hub, gsize n_bytes)
{
  guint8 bytes[32];

  g_assert (n_bytes <= sizeof bytes);
  hub->random_func (bytes, n_bytes, hub->user_data);
  char *text = g_base64_encode (bytes, n_bytes);
  g_strdelimit (text, "+", '-');
  g_strdelimit (text, "/", '_');
  text[strcspn (text, "=")] = '\0';
  return text;
}

/* An id that people can read aloud. */
char *
dc_hub_make_id (DcHub *hub)
{
  static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
  char name[] = "peer-xxxxxxxx";
  guint8 bytes[8];

  G_STATIC_ASSERT (sizeof letters == 32 + 1);
  hub->random_func (bytes, sizeof bytes, hub->user_data);
  for (guint i = 0; i < sizeof bytes; i++)
    name[5 + i] = letters[bytes[i] % 32];
  return g_strdup (name);
}

char *
dc_hub_make_resume_key (const char *resume)
{
  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, resume, -1);
}

/* In a time that does not tell how much of a guess is right. */
gboolean
dc_hub_session_check_resume (const DcHubSession *session, const char *resume)
{
  gsize length = strlen (session->resume);
  volatile guint8 difference = strlen (resume) != length;

  if (difference)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    difference |= (guint8) (session->resume[i] ^ resume[i]);
  return difference == 0;
}

DcHubSession *
dc_hub_session_new (DcHub *hub, const char *id, JsonNode *meta)
{
  DcHubSession *session = g_new0 (DcHubSession, 1);

  session->hub = hub;
  session->id = g_strdup (id);
  session->name = make_base64url (hub, 12);
  session->resume = make_base64url (hub, 32);
  session->resume_key = dc_hub_make_resume_key (session->resume);
  session->meta = meta ? json_node_ref (meta) : NULL;
  session->busy_until = hub->now;
  session->room_link.data = session;
  session->away_link.data = session;
  return session;
}

static void
drop_oldest (DcHubSession *session)
{
  Letter *letter = g_queue_pop_head (&session->mailbox);
  gsize cost = g_ref_string_length (letter->text) + LETTER_OVERHEAD;

  session->mailbox_bytes -= cost;
  session->hub->stats.mailbox_bytes -= cost;
  letter_free (letter);
}

void
dc_hub_session_free (DcHubSession *session)
{
  while (session->mailbox.length > 0)
    drop_oldest (session);
  g_free (session->id);
  g_free (session->name);
  g_free (session->resume);
  g_free (session->resume_key);
  g_clear_pointer (&session->meta, json_node_unref);
  g_free (session);
}

/* ---- Mailbox ---- */

gboolean
dc_hub_session_has_room (const DcHubSession *session, gsize length)
{
  const DcHubConfig *config = &session->hub->config;
  gsize cost = length + LETTER_OVERHEAD;

  return session->mailbox.length < config->max_mailbox_messages
         && session->mailbox_bytes + cost <= config->max_mailbox_bytes
         && session->hub->stats.mailbox_bytes + cost <= config->max_mailboxes_bytes;
}

gboolean
dc_hub_session_post (DcHubSession *session, const char *text)
{
  const DcHubConfig *config = &session->hub->config;
  gsize cost = g_ref_string_length ((char *) text) + LETTER_OVERHEAD;

  if (session->mailbox.length >= config->max_mailbox_messages + config->max_mailbox_messages / 4 + 1
      || session->mailbox_bytes + cost > config->max_mailbox_bytes + config->max_mailbox_bytes / 4)
    return FALSE;

  Letter *letter = g_new (Letter, 1);
  letter->seq = ++session->sent;
  letter->text = g_ref_string_acquire ((char *) text);
  g_queue_push_tail (&session->mailbox, letter);
  session->mailbox_bytes += cost;
  session->hub->stats.mailbox_bytes += cost;
  if (session->connection)
    dc_hub_queue_text (session->hub, session->connection, letter->text, letter->seq);
  return TRUE;
}

void
dc_hub_session_replay (DcHubSession *session)
{
  for (GList *l = session->mailbox.head; l; l = l->next) {
    const Letter *letter = l->data;
    dc_hub_queue_text (session->hub, session->connection, letter->text, letter->seq);
  }
}

gboolean
dc_hub_session_acknowledge (DcHubSession *session, guint64 seq, gboolean *news)
{
  guint before = session->mailbox.length;

  if (seq > session->sent)
    return FALSE;
  while (session->mailbox.length > 0 && ((const Letter *) session->mailbox.head->data)->seq <= seq)
    drop_oldest (session);
  if (news)
    *news = session->mailbox.length < before;
  return TRUE;
}

/**
 * dc_hub_session_collect:
 * @session: a session
 * @after: the last seq that the peer has
 *
 * Returns: (transfer full) (nullable): a JSON array, or %NULL where nothing is waiting
 */
char *
dc_hub_session_collect (DcHubSession *session, guint64 after)
{
  g_autoptr (GString) text = g_string_new (NULL);

  dc_hub_session_acknowledge (session, after, NULL);
  if (session->mailbox.length == 0)
    return NULL;
  GString *out = g_string_sized_new (session->mailbox_bytes);
  for (GList *l = session->mailbox.head; l; l = l->next) {
    const Letter *letter = l->data;
    dc_hub_stamp (letter->text, letter->seq, text);
    g_string_append_c (out, l->prev ? ',' : '[');
    g_string_append_len (out, text->str, (gssize) text->len);
  }
  g_string_append_c (out, ']');
  return g_string_free (out, FALSE);
}

DcHubConnection *
dc_hub_session_get_connection (DcHubSession *session)
{
  return session->connection;
}

/* ---- Rate ---- */

gboolean
dc_hub_session_charge (DcHubSession *session, guint messages)
{
  const DcHubConfig *config = &session->hub->config;
  gint64 interval = MAX (1, G_USEC_PER_SEC / (gint64) config->messages_per_second);
  gint64 busy_until =
      MAX (session->busy_until, session->hub->now) + interval * (gint64) MIN (messages, config->message_burst);

  if (busy_until - session->hub->now > interval * (gint64) config->message_burst)
    return FALSE;
  session->busy_until = busy_until;
  return TRUE;
}
