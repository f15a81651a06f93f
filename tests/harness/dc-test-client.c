/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-client.c: a peer of the signaling protocol that knows only libsoup, for tests of the daemon. */
#include "tests/harness/dc-test-client.h"

#include <libsoup/soup.h>
#include <string.h>

#include "tests/harness/dc-test.h"

struct _DcTestClient {
  DcTestTransport transport;
  char *base; /* "http://127.0.0.1:41234" */
  SoupSession *http;
  SoupWebsocketConnection *socket;
  GCancellable *cancellable; /* of everything that is under way */
  guint pending;             /* operations that will call back */
  GQueue messages;           /* DcMessage, received */
  char *session, *resume;
  guint64 sent, received; /* seq */
  guint status;
  gboolean polling, posting, closed;
  GQueue outgoing; /* texts: one POST after the other, or the hub would see them out of order */
};

typedef struct {
  DcTestClient *self;
  gboolean poll;
  SoupMessage *message;
} Request;

static void start_poll (DcTestClient *self);
static void start_post (DcTestClient *self);

static char *
http_url (const char *url)
{
  g_assert_true (g_str_has_prefix (url, "ws"));
  return g_strconcat ("http", url + 2, NULL);
}

static SoupSession *
new_session (const char *ca)
{
  SoupSession *session = soup_session_new ();

  if (ca) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GTlsDatabase) database = g_tls_file_database_new (ca, &error);
    g_assert_no_error (error);
    soup_session_set_tls_database (session, database);
  }
  return session;
}

DcTestClient *
dc_test_client_new (const char *url, DcTestTransport transport, const char *ca)
{
  DcTestClient *self = g_new0 (DcTestClient, 1);

  self->transport = transport;
  self->base = http_url (url);
  self->http = new_session (ca);
  self->cancellable = g_cancellable_new ();
  g_queue_init (&self->messages);
  g_queue_init (&self->outgoing);
  return self;
}

static void
take_message (DcTestClient *self, DcMessage *message)
{
  if (message->type == DC_MESSAGE_WELCOME) {
    g_free (self->session);
    g_free (self->resume);
    self->session = g_strdup (message->session);
    self->resume = g_strdup (message->resume);
    if (!message->resumed)
      self->sent = self->received = 0;
  }
  if (message->seq > 0 && dc_message_type_is_numbered (message->type)) {
    g_assert_cmpuint (message->seq, ==, self->received + 1);
    self->received = message->seq;
  }
  g_queue_push_tail (&self->messages, message);
}

static void
take_text (DcTestClient *self, const char *text, gsize length)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonParser) parser = json_parser_new ();

  json_parser_load_from_data (parser, text, length, &error);
  g_assert_no_error (error);
  JsonNode *root = json_parser_get_root (parser);
  if (JSON_NODE_HOLDS_OBJECT (root)) {
    DcMessage *message = dc_message_new_from_node (root, &error);
    g_assert_no_error (error);
    take_message (self, message);
    return;
  }
  JsonArray *array = json_node_get_array (root);
  for (guint i = 0; i < json_array_get_length (array); i++) {
    DcMessage *message = dc_message_new_from_node (json_array_get_element (array, i), &error);
    g_assert_no_error (error);
    take_message (self, message);
  }
}

/* ---- WebSocket ---- */

static void
message_cb (SoupWebsocketConnection *socket, int type, GBytes *message, DcTestClient *self)
{
  gsize length = 0;
  const char *text = g_bytes_get_data (message, &length);

  take_text (self, text, length);
}

static void
closed_cb (SoupWebsocketConnection *socket, DcTestClient *self)
{
  self->status = soup_websocket_connection_get_close_code (socket);
  self->closed = TRUE;
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  DcTestClient *self = data;
  g_autoptr (GError) error = NULL;

  self->socket = soup_session_websocket_connect_finish (SOUP_SESSION (source), result, &error);
  self->pending--;
  if (!self->socket) {
    self->closed = TRUE;
    return;
  }
  soup_websocket_connection_set_max_incoming_payload_size (self->socket, 8 * 1024 * 1024);
  g_signal_connect (self->socket, "message", G_CALLBACK (message_cb), self);
  g_signal_connect (self->socket, "closed", G_CALLBACK (closed_cb), self);
}

gboolean
dc_test_client_connect (DcTestClient *self)
{
  static char *protocols[] = {"datachannel.v1", NULL};
  g_autofree char *url = g_strdup_printf ("%s/v1/ws", self->base);
  g_autoptr (SoupMessage) message = soup_message_new ("GET", url);

  if (self->socket)
    return TRUE;
  self->closed = FALSE;
  self->pending++;
  soup_session_websocket_connect_async (
      self->http, message, NULL, protocols, G_PRIORITY_DEFAULT, self->cancellable, connected_cb, self);
  dc_test_wait_until (NULL, self->socket || self->closed);
  return self->socket != NULL;
}

/* ---- Polling ---- */

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Request *request = data;
  DcTestClient *self = request->self;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) body = soup_session_send_and_read_finish (SOUP_SESSION (source), result, &error);
  guint status = body ? soup_message_get_status (request->message) : 0;
  gsize length = 0;

  self->pending--;
  if (!request->poll || status != 200)
    self->status = status;
  if (body) {
    const char *text = g_bytes_get_data (body, &length);
    take_text (self, text, length);
  }
  if (request->poll && status != 200)
    self->closed = TRUE;
  *(request->poll ? &self->polling : &self->posting) = FALSE;
  if (self->resume && (request->poll ? status == 200 : status == 201))
    start_poll (self);
  start_post (self);
  g_object_unref (request->message);
  g_free (request);
}

static void
send_request (DcTestClient *self, const char *method, const char *path, const char *body, gboolean poll)
{
  g_autofree char *url = g_strconcat (self->base, path, NULL);
  Request *request = g_new0 (Request, 1);

  request->self = self;
  request->poll = poll;
  request->message = soup_message_new (method, url);
  if (self->resume && !g_str_equal (path, "/v1/peers")) {
    g_autofree char *bearer = g_strdup_printf ("Bearer %s", self->resume);
    soup_message_headers_append (soup_message_get_request_headers (request->message), "Authorization", bearer);
  }
  if (body) {
    g_autoptr (GBytes) bytes = g_bytes_new (body, strlen (body));
    soup_message_set_request_body_from_bytes (request->message, "application/json", bytes);
  }
  self->pending++;
  soup_session_send_and_read_async (
      self->http, request->message, G_PRIORITY_DEFAULT, self->cancellable, answered_cb, request);
}

static void
start_poll (DcTestClient *self)
{
  if (self->polling || g_cancellable_is_cancelled (self->cancellable))
    return;
  g_autofree char *path =
      g_strdup_printf ("/v1/peers/%s/messages?after=%" G_GUINT64_FORMAT "&wait=20", self->session, self->received);
  self->polling = TRUE;
  send_request (self, "GET", path, NULL, TRUE);
}

static void
start_post (DcTestClient *self)
{
  if (self->posting || g_queue_is_empty (&self->outgoing) || g_cancellable_is_cancelled (self->cancellable))
    return;
  g_autofree char *text = g_queue_pop_head (&self->outgoing);
  g_autofree char *path =
      self->session ? g_strdup_printf ("/v1/peers/%s/messages", self->session) : g_strdup ("/v1/peers");
  self->posting = TRUE;
  send_request (self, "POST", path, text, FALSE);
}

/* ---- Both ---- */

void
dc_test_client_send_text (DcTestClient *self, const char *text)
{
  if (self->transport == DC_TEST_WEBSOCKET) {
    g_assert_true (dc_test_client_connect (self));
    soup_websocket_connection_send_text (self->socket, text);
  } else {
    g_queue_push_tail (&self->outgoing, g_strdup (text));
    start_post (self);
  }
}

void
dc_test_client_hello (DcTestClient *self, const char *room, const char *id, gboolean resume)
{
  g_autofree char *wanted = id ? g_strdup_printf (",\"id\":\"%s\"", id) : g_strdup ("");
  g_autofree char *with =
      resume ? g_strdup_printf (",\"resume\":\"%s\",\"ack\":%" G_GUINT64_FORMAT, self->resume, self->received)
             : g_strdup ("");
  g_autofree char *text = g_strdup_printf ("{\"type\":\"hello\",\"room\":\"%s\"%s%s}", room, wanted, with);

  g_clear_pointer (&self->session, g_free);
  g_clear_pointer (&self->resume, g_free);
  dc_test_client_send_text (self, text);
}

void
dc_test_client_send (DcTestClient *self, const char *type, const char *to, const char *members)
{
  g_autofree char *text = g_strdup_printf ("{\"type\":\"%s\",\"to\":\"%s\",\"seq\":%" G_GUINT64_FORMAT "%s%s}", type,
      to, ++self->sent, members ? "," : "", members ? members : "");

  dc_test_client_send_text (self, text);
}

void
dc_test_client_ack (DcTestClient *self)
{
  g_autofree char *text = g_strdup_printf ("{\"type\":\"ack\",\"seq\":%" G_GUINT64_FORMAT "}", self->received);

  dc_test_client_send_text (self, text);
}

DcMessage *
dc_test_client_wait_any (DcTestClient *self)
{
  dc_test_wait_until (NULL, !g_queue_is_empty (&self->messages));
  return g_queue_pop_head (&self->messages);
}

DcMessage *
dc_test_client_wait (DcTestClient *self, DcMessageType type)
{
  for (;;) {
    DcMessage *message = dc_test_client_wait_any (self);
    if (message->type == type)
      return message;
    dc_message_unref (message);
  }
}

DcMessage *
dc_test_client_wait_error (DcTestClient *self, DcCode code)
{
  DcMessage *message = dc_test_client_wait (self, DC_MESSAGE_ERROR);

  g_assert_cmpstr (dc_code_to_string (message->code), ==, dc_code_to_string (code));
  g_assert_cmpuint (strlen (message->message), >, 10);
  return message;
}

void
dc_test_client_register (DcTestClient *self, const char *room, const char *id)
{
  g_autoptr (DcMessage) welcome = NULL;

  dc_test_client_hello (self, room, id, FALSE);
  welcome = dc_test_client_wait (self, DC_MESSAGE_WELCOME);
  g_assert_cmpstr (welcome->room, ==, room);
  if (id)
    g_assert_cmpstr (welcome->id, ==, id);
}

guint
dc_test_client_wait_closed (DcTestClient *self)
{
  dc_test_wait_until (NULL, self->closed);
  return self->status;
}

void
dc_test_client_cut (DcTestClient *self)
{
  if (self->socket) {
    g_signal_handlers_disconnect_by_data (self->socket, self);
    g_clear_object (&self->socket);
  }
  g_cancellable_cancel (self->cancellable);
  dc_test_wait_until (NULL, self->pending == 0);
  g_object_unref (self->cancellable);
  self->cancellable = g_cancellable_new ();
  g_queue_clear_full (&self->outgoing, g_free);
  soup_session_abort (self->http);
}

guint
dc_test_client_get_status (DcTestClient *self)
{
  return self->status;
}

guint
dc_test_client_get_pending (DcTestClient *self)
{
  return self->messages.length;
}

const char *
dc_test_client_get_resume (DcTestClient *self)
{
  return self->resume;
}

const char *
dc_test_client_get_session (DcTestClient *self)
{
  return self->session;
}

void
dc_test_client_free (DcTestClient *self)
{
  dc_test_client_cut (self);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  g_queue_clear_full (&self->messages, (GDestroyNotify) dc_message_unref);
  g_object_unref (self->cancellable);
  g_object_unref (self->http);
  g_free (self->session);
  g_free (self->resume);
  g_free (self->base);
  g_free (self);
}

char *
dc_test_http (
    const char *url, const char *method, const char *path, const char *bearer, const char *body, guint *status)
{
  g_autofree char *base = http_url (url);
  g_autofree char *whole = g_strconcat (base, path, NULL);
  g_autoptr (SoupSession) session = soup_session_new ();
  g_autoptr (SoupMessage) message = soup_message_new (method, whole);

  if (bearer) {
    g_autofree char *value = g_strdup_printf ("Bearer %s", bearer);
    soup_message_headers_append (soup_message_get_request_headers (message), "Authorization", value);
  }
  if (body) {
    g_autoptr (GBytes) bytes = g_bytes_new (body, strlen (body));
    soup_message_set_request_body_from_bytes (message, "application/json", bytes);
  }
  g_autoptr (GBytes) answer = soup_session_send_and_read (session, message, NULL, NULL);
  *status = answer ? soup_message_get_status (message) : 0;
  return answer ? g_strndup (g_bytes_get_data (answer, NULL), g_bytes_get_size (answer)) : NULL;
}
