/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dc-poll-connection.c: a hub connection over HTTP long polling.
 *
 * Theory of operation
 *
 *   POST /v1/peers                                 hello            -> 201 welcome, or 4xx/503 error
 *   GET  /v1/peers/SESSION/messages?after=&wait=                    -> 200 [message, ...]
 *   POST /v1/peers/SESSION/messages                message or [..]  -> 200 [ack or error, ...]
 *
 * The last two carry "Authorization: Bearer RESUME", the welcome's resume token.
 *
 * One DcPollConnection stands for all requests of a session. It is made by the hello, or by the first request of a session that is
 * away or was on a WebSocket, and stays the session's connection from request to request. When none came for poll_idle_timeout it is
 * detached and freed, and the session is away.
 *
 * What the hub sends is of two kinds. Numbered messages are in the session's mailbox: send() only wakes the poll that waits, and its
 * answer is collected from there, in the next turn of the main loop, so that a burst of candidates makes one answer. Those without
 * a number (welcome, ack, error) answer a POST and are captured while it is handled; any other is kept for the next poll.
 *
 * At most one GET waits. A second one ends it with an empty array. When the client leaves, the exchange tells us and nothing waits
 * any more; after close() by the hub the poll is answered with what it sent last, since the mailbox is gone then.
 */
#include "signaling/daemon/dc-poll-connection.h"

#include "signaling/daemon/dc-json-split.h"

#define MAX_WAIT 60   /* seconds */
#define MAX_BATCH 256 /* messages in a POST: each is answered, so this also bounds the answer */
#define MAX_EXTRA 64  /* unnumbered messages kept for the next poll */

struct _DcPollConnection {
  DcHubConnection parent;
  DcDaemon *daemon;
  GPtrArray *captured;  /* unnumbered texts that answer the POST being handled, or NULL */
  GPtrArray *extra;     /* unnumbered texts for the next poll */
  GPtrArray *fresh;     /* numbered texts since the poll waits, for close() */
  DcHttpExchange *poll; /* the GET that waits, or NULL */
  guint64 after;        /* what it acknowledged */
  GSource *wait_timer;  /* ends the poll */
  GSource *wake;        /* will answer the poll */
  GSource *idle_timer;  /* runs while no poll waits */
  gboolean closed;      /* by the hub */
};

void
dc_poll_connection_free (DcPollConnection *self)
{
  dc_source_clear (&self->wait_timer);
  dc_source_clear (&self->wake);
  dc_source_clear (&self->idle_timer);
  g_ptr_array_unref (self->extra);
  g_ptr_array_unref (self->fresh);
  g_free (self->parent.origin);
  g_free (self);
}

/* "[text,text,array's elements]"; empties @texts. */
static char *
join_texts (GPtrArray *texts, const char *array)
{
  GString *json = g_string_new ("[");

  for (guint i = 0; i < texts->len; i++)
    g_string_append_printf (json, "%s%s", i ? "," : "", (const char *) g_ptr_array_index (texts, i));
  if (array && !g_str_equal (array, "[]")) {
    g_string_append (json, texts->len ? "," : "");
    g_string_append (json, array + 1);
  } else {
    g_string_append_c (json, ']');
  }
  g_ptr_array_set_size (texts, 0);
  return g_string_free (json, FALSE);
}

static gboolean
idle_cb (gpointer data)
{
  DcPollConnection *self = data;
  DcDaemon *daemon = self->daemon;

  if (self->parent.session)
    dc_daemon_detach (daemon, &self->parent);
  dc_daemon_forget (daemon, daemon->polls, self);
  return G_SOURCE_REMOVE;
}

static void
start_idle_timer (DcPollConnection *self)
{
  dc_source_clear (&self->idle_timer);
  /* After close() nobody comes back: only the stack has to be left. */
  self->idle_timer =
      dc_daemon_add_timeout (self->daemon, self->closed ? 0 : self->daemon->config.poll_idle_timeout, idle_cb, self);
}

/* From here on @exchange is parked, until end_waiting(). */
static void
begin_waiting (DcPollConnection *self, DcHttpExchange *exchange)
{
  dc_source_clear (&self->idle_timer);
  self->poll = exchange;
  self->daemon->waiting++;
}

static DcHttpExchange *
end_waiting (DcPollConnection *self)
{
  dc_source_clear (&self->wait_timer);
  dc_source_clear (&self->wake);
  g_ptr_array_set_size (self->fresh, 0);
  start_idle_timer (self);
  self->daemon->waiting--;
  return g_steal_pointer (&self->poll);
}

/* Answers the poll that waits. @array: (nullable): numbered messages. */
static void
answer_poll (DcPollConnection *self, const char *array)
{
  DcHttpExchange *exchange = end_waiting (self);
  g_autofree char *body = join_texts (self->extra, array);

  dc_http_exchange_respond (exchange, 200, "application/json", NULL, body);
}

static gboolean
wake_cb (gpointer data)
{
  DcPollConnection *self = data;

  dc_source_clear (&self->wake);
  if (self->poll) {
    g_autofree char *array = self->parent.session ? dc_hub_session_collect (self->parent.session, self->after) : NULL;
    answer_poll (self, array);
  }
  return G_SOURCE_REMOVE;
}

static void
wake (DcPollConnection *self)
{
  if (self->poll && !self->wake)
    self->wake = dc_daemon_add_timeout (self->daemon, 0, wake_cb, self);
}

static void
poll_send (DcHubConnection *connection, const char *text, gsize length, guint64 seq)
{
  DcPollConnection *self = (DcPollConnection *) connection;

  if (seq == 0 && self->captured)
    g_ptr_array_add (self->captured, g_strndup (text, length));
  else if (seq == 0 && self->extra->len < MAX_EXTRA)
    g_ptr_array_add (self->extra, g_strndup (text, length));
  else if (seq != 0 && self->poll)
    g_ptr_array_add (self->fresh, g_strndup (text, length));
  wake (self);
}

static void
poll_close (DcHubConnection *connection, DcCode code, const char *reason)
{
  DcPollConnection *self = (DcPollConnection *) connection;

  self->closed = TRUE;
  if (self->poll) {
    g_autofree char *array = join_texts (self->fresh, NULL);
    answer_poll (self, array);
  } else {
    start_idle_timer (self);
  }
}

static const DcHubConnectionClass poll_class = {poll_send, poll_close};

static DcPollConnection *
poll_connection_new (DcDaemon *daemon, DcHttpExchange *exchange)
{
  DcPollConnection *self = g_new0 (DcPollConnection, 1);

  self->parent.klass = &poll_class;
  self->parent.origin = g_strdup_printf ("HTTP polling %s", dc_http_exchange_get_remote (exchange));
  self->daemon = daemon;
  self->extra = g_ptr_array_new_with_free_func (g_free);
  self->fresh = g_ptr_array_new_with_free_func (g_free);
  g_hash_table_add (daemon->polls, self);
  return self;
}

static guint
status_from_code (DcCode code)
{
  switch (code) {
    case DC_CODE_ID_TAKEN:
    case DC_CODE_REPLACED:
      return 409;
    case DC_CODE_TOKEN_REFUSED:
      return 403;
    case DC_CODE_SESSION_EXPIRED:
    case DC_CODE_UNKNOWN_PEER:
      return 404;
    case DC_CODE_TOO_LARGE:
      return 413;
    case DC_CODE_RATE_LIMITED:
      return 429;
    case DC_CODE_MAILBOX_FULL:
    case DC_CODE_ROOM_FULL:
    case DC_CODE_SERVER_FULL:
    case DC_CODE_SHUTTING_DOWN:
      return 503;
    default:
      return 400;
  }
}

static guint
status_from_answer (const char *text)
{
  g_autoptr (DcMessage) message = dc_message_new_from_json (text, -1, NULL);

  if (!message || message->type == DC_MESSAGE_WELCOME)
    return 201;
  return status_from_code (message->code);
}

static void
respond_expired (DcHttpExchange *exchange)
{
  dc_daemon_respond_error (exchange, 404, DC_CODE_SESSION_EXPIRED,
      "There is no such session, or its resume token is another: say hello anew.");
}

void
dc_poll_handle_hello (DcDaemon *daemon, DcHttpExchange *exchange)
{
  DcPollConnection *self = poll_connection_new (daemon, exchange);
  g_autoptr (GPtrArray) captured = g_ptr_array_new_with_free_func (g_free);
  gsize length = 0;
  const char *body = dc_http_exchange_get_body (exchange, &length);

  self->captured = captured;
  dc_daemon_receive (daemon, &self->parent, body, length);
  self->captured = NULL;
  if (captured->len > 0) {
    const char *answer = g_ptr_array_index (captured, 0);
    dc_http_exchange_respond (exchange, status_from_answer (answer), "application/json", NULL, answer);
  } else {
    dc_daemon_respond_error (exchange, 400, DC_CODE_NOT_REGISTERED, "The first message must be a hello.");
  }
  /* A refused hello leaves no session behind, whether the hub closed the connection or not. */
  self->closed = self->closed || !self->parent.session;
  start_idle_timer (self);
}

/* The poll connection of the session that the request names and holds the token of; if there is none, the request was answered. */
static DcPollConnection *
find_connection (DcDaemon *daemon, DcHttpExchange *exchange, const char *session_name)
{
  const char *resume = dc_http_request_get_bearer (dc_http_exchange_get_request (exchange));
  DcHubSession *session = resume ? dc_hub_find_session (daemon->hub, session_name, resume) : NULL;

  if (!session) {
    respond_expired (exchange);
    return NULL;
  }
  DcHubConnection *connection = dc_hub_session_get_connection (session);
  if (connection && connection->klass == &poll_class)
    return (DcPollConnection *) connection;
  DcPollConnection *self = poll_connection_new (daemon, exchange);
  dc_daemon_attach (daemon, session, &self->parent);
  return self;
}

static void
poll_gone_cb (DcHttpExchange *exchange, gpointer data)
{
  end_waiting (data);
}

static gboolean
wait_over_cb (gpointer data)
{
  answer_poll (data, NULL);
  return G_SOURCE_REMOVE;
}

void
dc_poll_handle_get (DcDaemon *daemon, DcHttpExchange *exchange, const char *session_name)
{
  const DcHttpRequest *request = dc_http_exchange_get_request (exchange);
  guint64 after = 0, wait = 0;

  if (!dc_http_request_get_number (request, "after", 0, &after)
      || !dc_http_request_get_number (request, "wait", 0, &wait)) {
    dc_daemon_respond_error (exchange, 400, DC_CODE_BAD_MESSAGE, "The parameters after and wait are whole numbers.");
    return;
  }
  DcPollConnection *self = find_connection (daemon, exchange, session_name);
  if (!self)
    return;
  if (self->poll)
    answer_poll (self, NULL);
  g_autofree char *array = dc_hub_session_collect (self->parent.session, after);
  begin_waiting (self, exchange);
  self->after = after;
  if (array || self->extra->len > 0 || wait == 0) {
    answer_poll (self, array);
    return;
  }
  self->wait_timer = dc_daemon_add_timeout (daemon, MIN (wait, MAX_WAIT) * 1000, wait_over_cb, self);
  dc_http_exchange_watch (exchange, poll_gone_cb, self);
}

static void
receive_element (const char *text, gsize length, gpointer data)
{
  DcPollConnection *self = data;

  /* A bye, or something that cannot go on, ended the session: what follows it goes nowhere. */
  if (self->parent.session)
    dc_daemon_receive (self->daemon, &self->parent, text, length);
}

void
dc_poll_handle_post (DcDaemon *daemon, DcHttpExchange *exchange, const char *session_name)
{
  g_autoptr (GPtrArray) captured = g_ptr_array_new_with_free_func (g_free);
  gsize length = 0;
  const char *body = dc_http_exchange_get_body (exchange, &length);
  DcPollConnection *self = find_connection (daemon, exchange, session_name);

  if (!self)
    return;
  self->captured = captured;
  gboolean whole = dc_json_split (body, length, MAX_BATCH, receive_element, self);
  self->captured = NULL;
  if (!self->poll)
    start_idle_timer (self);
  if (!whole && captured->len == 0) {
    dc_daemon_respond_error (
        exchange, 400, DC_CODE_BAD_MESSAGE, "The body is neither a message nor an array of at most 256 messages.");
    return;
  }
  g_autofree char *answer = join_texts (captured, NULL);
  dc_http_exchange_respond (exchange, 200, "application/json", NULL, answer);
}
