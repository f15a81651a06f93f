/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-signaling-client.c: the signaling client against the real daemon, over both transports. How it finds its way is in test-signaling-ways.c. */
#include <string.h>

#include "signaling/client/dc-outbox.h"
#include "signaling/client/dc-proxy.h"
#include "tests/harness/dc-test-daemon.h"
#include "tests/harness/dc-test-proxy.h"
#include "tests/harness/dc-test-recorder.h"
#include "tests/harness/dc-test.h"

#define WEBSOCKET DC_SIGNALING_TRANSPORT_WEBSOCKET
#define POLLING DC_SIGNALING_TRANSPORT_POLLING

typedef struct {
  DcSignalingTransport transport;
  DcTestDaemon *daemon;
  char *url;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  DcDaemonConfig config;

  dc_test_recorder_begin ();
  f->transport = GPOINTER_TO_INT (data);
  dc_daemon_config_init (&config);
  config.hub.messages_per_second = 100000;
  config.hub.message_burst = 100000;
  f->daemon = dc_test_daemon_new (&config);
  dc_daemon_config_clear (&config);
  f->url = g_strdup (dc_test_daemon_get_url (f->daemon));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  dc_test_daemon_free (f->daemon);
  g_free (f->url);
  dc_test_recorder_end ();
}

static DcTestRecorder *
join (Fixture *f, const char *id)
{
  DcTestRecorder *client = dc_test_recorder_new_simple (f->url, "room", id, f->transport);

  dc_test_recorder_wait (client->is_registered);
  return client;
}

static DcTestRecorder *
join_via (Fixture *f, DcTestProxy *proxy, const char *id)
{
  g_autofree char *url = dc_test_proxy_dup_url (proxy, "ws");
  DcTestRecorder *client = dc_test_recorder_new_simple (url, "room", id, f->transport);

  dc_test_recorder_wait (client->is_registered);
  return client;
}

static gboolean
tick_cb (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

/* Keeps the context from sleeping for good where a test counts iterations or time. */
static GSource *
start_ticks (guint milliseconds)
{
  GSource *source = g_timeout_source_new (milliseconds);

  g_source_set_callback (source, tick_cb, NULL, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  return source;
}

static void
stop_ticks (GSource *source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

/* ---- Proxies ---- */

static char *
look_up_proxy (const char *given, GError **error)
{
  g_autoptr (GProxyResolver) resolver = dc_proxy_resolver_new (given, error);
  g_auto (GStrv) proxies = resolver != NULL ? g_proxy_resolver_lookup (resolver, "ws://h:1", NULL, error) : NULL;

  return proxies != NULL ? g_strdup (proxies[0]) : NULL;
}

static void
test_proxy_urls (void)
{
  static const char *const good[][2] = {{"u:secret@h:1", "datachannel-connect://u:secret@h:1"},
      {"HTTP://u:secret@H:1", "datachannel-connect://u:secret@H:1"}, {"Socks5://h:1/", "socks5://h:1/"},
      {"https://[2001:db8::1]:1", "https://[2001:db8::1]:1"},
      {"http://u%40x:s%25cret@h:1", "datachannel-connect://u%40x:s%25cret@h:1"}};
  static const char *const bad[] = {"", "h", "gopher://u:secret@h:1", "http://u:secret%zz@h:1", "u:secret@h",
      "u:secret@", "http://u:secret@h:1/path", "http://u:secret@[fe80::1%eth0]:1"};

  for (guint i = 0; i < G_N_ELEMENTS (good); i++) {
    g_autofree char *proxy = look_up_proxy (good[i][0], NULL);
    g_assert_cmpstr (proxy, ==, good[i][1]);
  }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (look_up_proxy (bad[i], &error));
    g_assert_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_INVALID);
    g_assert_null (strstr (error->message, "secret"));
  }
}

/* It is the proxy that nobody listens at, and not the daemon. */
static void
test_proxy_unreachable (Fixture *f, gconstpointer data)
{
  static const char *const proxies[][2] = {{"http://u:secret@127.0.0.1:1", "through the proxy: "},
      {"http://u:secret@no-such-host.invalid:1", "no-such-host.invalid"}};

  for (guint i = 0; i < G_N_ELEMENTS (proxies); i++) {
    DcSignalingConfig config = {.uri = f->url, .room = "room", .transport = f->transport, .proxy = proxies[i][0]};
    g_autoptr (DcTestRecorder) client = dc_test_recorder_new (&config);
    dc_test_recorder_wait (client->disconnected != NULL);
    dc_test_assert_says (client->disconnected, DC_SIGNALING_ERROR_UNREACHABLE, proxies[i][1]);
    dc_test_assert_says (client->disconnected, DC_SIGNALING_ERROR_UNREACHABLE, "check --proxy");
    g_assert_null (strstr (client->disconnected->message, "secret"));
  }
}

/* ---- Register, discover, relay ---- */

static void
test_register (Fixture *f, gconstpointer data)
{
  g_autoptr (DcTestRecorder) client = join (f, NULL);
  g_autofree char *scheme = g_strdup (f->transport == POLLING ? "http://" : "ws://");

  g_assert_cmpuint (client->welcome->peers->len, ==, 0);
  g_assert_false (client->welcome->resumed);
  g_assert_true (dc_name_is_valid (client->welcome->id));
  g_assert_cmpstr (dc_signaling_client_get_transport_name (client->client), ==,
      f->transport == POLLING ? "HTTP polling" : "WebSocket");
  g_assert_true (g_str_has_prefix (dc_signaling_client_get_uri (client->client), scheme));
}

static void
test_discover (Fixture *f, gconstpointer data)
{
  g_autoptr (DcTestRecorder) first = join (f, "first");
  g_autoptr (JsonNode) meta = json_from_string ("{\"wants\":\"send\"}", NULL);
  DcSignalingConfig config = {.uri = f->url, .room = "room", .id = "second", .transport = f->transport, .meta = meta};
  DcTestRecorder *second = dc_test_recorder_new (&config);
  g_autoptr (DcMessage) joined = dc_test_recorder_take (first, DC_MESSAGE_JOINED);

  g_assert_cmpstr (joined->id, ==, "second");
  g_assert_true (json_node_equal (joined->meta, meta));
  dc_test_recorder_wait (second->is_registered);
  g_assert_cmpuint (second->welcome->peers->len, ==, 1);
  g_assert_cmpstr (((DcPeerInfo *) second->welcome->peers->pdata[0])->id, ==, "first");
  dc_test_recorder_free (second);
  g_autoptr (DcMessage) left = dc_test_recorder_take (first, DC_MESSAGE_LEFT);
  g_assert_cmpstr (left->id, ==, "second");
}

static void
test_call (Fixture *f, gconstpointer data)
{
  g_autoptr (DcTestRecorder) a = join (f, "a");
  g_autoptr (DcTestRecorder) b = join (f, "b");

  dc_test_recorder_send (a, DC_MESSAGE_OFFER, "b", "v=0 offer");
  g_autoptr (DcMessage) offer = dc_test_recorder_take (b, DC_MESSAGE_OFFER);
  g_assert_cmpstr (offer->from, ==, "a");
  g_assert_cmpstr (offer->sdp, ==, "v=0 offer");
  dc_test_recorder_send (b, DC_MESSAGE_ANSWER, "a", "v=0 answer");
  g_autoptr (DcMessage) answer = dc_test_recorder_take (a, DC_MESSAGE_ANSWER);
  g_assert_cmpstr (answer->sdp, ==, "v=0 answer");
  dc_test_recorder_send (b, DC_MESSAGE_END_OF_CANDIDATES, "a", NULL);
  g_autoptr (DcMessage) end = dc_test_recorder_take (a, DC_MESSAGE_END_OF_CANDIDATES);
  dc_test_recorder_send (a, DC_MESSAGE_BYE, "b", NULL);
  g_autoptr (DcMessage) bye = dc_test_recorder_take (b, DC_MESSAGE_BYE);
  g_assert_cmpstr (bye->from, ==, "a");
}

/* Sends candidates first .. first + count - 1. */
static void
send_candidates (DcTestRecorder *from, const char *to, guint first, guint count)
{
  for (guint i = first; i < first + count; i++) {
    g_autofree char *text = g_strdup_printf ("candidate:%u", i);
    dc_test_recorder_send (from, DC_MESSAGE_CANDIDATE, to, text);
  }
}

static void
take_candidates (DcTestRecorder *at, guint first, guint count)
{
  for (guint i = first; i < first + count; i++) {
    g_autoptr (DcMessage) message = dc_test_recorder_take (at, DC_MESSAGE_CANDIDATE);
    g_autofree char *text = g_strdup_printf ("candidate:%u", i);
    g_assert_cmpstr (message->candidate, ==, text);
  }
}

static void
test_order (Fixture *f, gconstpointer data)
{
  g_autoptr (DcTestRecorder) a = join (f, "a");
  g_autoptr (DcTestRecorder) b = join (f, "b");

  for (guint round = 0; round < 10; round++) {
    send_candidates (a, "b", round * 100, 100);
    send_candidates (b, "a", round * 100, 100);
    take_candidates (b, round * 100, 100);
    take_candidates (a, round * 100, 100);
  }
}

static void
test_refused_message (Fixture *f, gconstpointer data)
{
  g_autoptr (DcTestRecorder) a = join (f, "a");
  g_autoptr (DcTestRecorder) b = join (f, "b");

  dc_test_recorder_send (a, DC_MESSAGE_OFFER, "nobody", "v=0");
  dc_test_recorder_send (a, DC_MESSAGE_OFFER, "b", "v=0");
  g_autoptr (DcMessage) error = dc_test_recorder_take (a, DC_MESSAGE_ERROR);
  g_assert_cmpint (error->code, ==, DC_CODE_UNKNOWN_PEER);
  g_assert_cmpuint (error->seq, ==, 1);
  g_assert_cmpstr (error->to, ==, "nobody");
  g_autoptr (DcMessage) offer = dc_test_recorder_take (b, DC_MESSAGE_OFFER);
  g_assert_cmpuint (a->n_disconnected, ==, 0);
}

static void
test_id_taken (Fixture *f, gconstpointer data)
{
  g_autoptr (DcTestRecorder) holder = join (f, "x");
  g_autoptr (DcTestRecorder) other = dc_test_recorder_new_simple (f->url, "room", "x", f->transport);

  dc_test_recorder_wait (other->failed != NULL);
  dc_test_assert_says (other->failed, DC_SIGNALING_ERROR_REFUSED, "the id \"x\" is taken in room \"room\"");
  g_assert_cmpuint (other->n_disconnected, ==, 0);
  g_assert_cmpuint (holder->n_disconnected, ==, 0);
}

/* ---- Lost connections ---- */

static void
test_resume (Fixture *f, gconstpointer data)
{
  g_autoptr (DcTestProxy) proxy = dc_test_proxy_new (dc_test_daemon_get_port (f->daemon));
  g_autoptr (DcTestRecorder) a = join_via (f, proxy, "a");
  g_autoptr (DcTestRecorder) b = join (f, "b");

  for (guint round = 0; round < 3; round++) {
    /* Some on the way when it is cut, some while there is nothing, and all both ways. */
    send_candidates (a, "b", round * 40, 20);
    send_candidates (b, "a", round * 40, 20);
    dc_test_proxy_set_refuse (proxy, TRUE);
    dc_test_proxy_cut (proxy);
    dc_test_recorder_wait (!a->is_registered);
    send_candidates (a, "b", round * 40 + 20, 20);
    send_candidates (b, "a", round * 40 + 20, 20);
    dc_test_proxy_set_refuse (proxy, FALSE);
    take_candidates (b, round * 40, 40);
    take_candidates (a, round * 40, 40);
  }
  g_assert_cmpuint (a->n_resumed, ==, 3);
  g_assert_cmpuint (b->n_registered, ==, 1);
  dc_test_assert_says (a->disconnected, DC_SIGNALING_ERROR_UNREACHABLE, "127.0.0.1");
}

/* The hub's answer is lost with the connection: what it has already is not delivered twice. */
static void
test_lost_acknowledgement (Fixture *f, gconstpointer data)
{
  g_autoptr (DcTestProxy) proxy = dc_test_proxy_new (dc_test_daemon_get_port (f->daemon));
  g_autoptr (DcTestRecorder) a = join_via (f, proxy, "a");
  g_autoptr (DcTestRecorder) b = join (f, "b");

  for (guint round = 0; round < 3; round++) {
    send_candidates (a, "b", round * 10, 10);
    take_candidates (b, round * 10, 5);
    dc_test_proxy_cut (proxy);
    take_candidates (b, round * 10 + 5, 5);
    dc_test_recorder_send (b, DC_MESSAGE_OFFER, "a", "v=0");
    g_autoptr (DcMessage) offer = dc_test_recorder_take (a, DC_MESSAGE_OFFER);
  }
  g_assert_cmpuint (a->n_resumed, ==, a->n_registered - 1);
  for (guint i = 0; i < b->messages->len; i++)
    g_assert_cmpint (((DcMessage *) b->messages->pdata[i])->type, !=, DC_MESSAGE_CANDIDATE);
}

static void
test_restart (Fixture *f, gconstpointer data)
{
  g_autoptr (DcTestProxy) proxy = dc_test_proxy_new (dc_test_daemon_get_port (f->daemon));
  g_autoptr (DcTestRecorder) a = join_via (f, proxy, "a");
  g_autoptr (DcTestRecorder) b = join (f, "b");

  if (f->transport == WEBSOCKET) {
    /* Numbers used up before do not matter in the new session. The ack for these comes before the answer. */
    send_candidates (a, "b", 0, 5);
    take_candidates (b, 0, 5);
    dc_test_recorder_send (b, DC_MESSAGE_ANSWER, "a", "v=0");
    g_autoptr (DcMessage) answer = dc_test_recorder_take (a, DC_MESSAGE_ANSWER);
  }
  dc_test_proxy_set_refuse (proxy, TRUE);
  dc_test_daemon_stop (f->daemon);
  dc_test_recorder_wait (!a->is_registered && !b->is_registered);
  send_candidates (a, "b", 0, 10);
  dc_test_daemon_start (f->daemon);
  dc_test_recorder_wait (b->is_registered);
  dc_test_proxy_set_refuse (proxy, FALSE);
  take_candidates (b, 0, 10);
  g_assert_cmpuint (a->n_resumed + b->n_resumed, ==, 0);
  g_assert_cmpstr (a->welcome->id, ==, "a");
  send_candidates (b, "a", 0, 10);
  take_candidates (a, 0, 10);
}

/* The server says bye: no error for the application's eyes, but a reconnect. */
static void
test_shut_down (Fixture *f, gconstpointer data)
{
  g_autoptr (DcTestRecorder) client = join (f, "a");

  dc_test_daemon_shut_down (f->daemon);
  dc_test_recorder_wait (client->n_disconnected > 0);
  /* A poll that is not parked just then hears nothing more. */
  dc_test_assert_says (client->disconnected, DC_SIGNALING_ERROR_UNREACHABLE,
      f->transport == POLLING ? "127.0.0.1" : "said bye: The server is shutting down");
  g_assert_cmpuint (client->messages->len, ==, 0);
  dc_test_daemon_start (f->daemon);
  dc_test_recorder_wait (client->is_registered);
  g_assert_false (client->welcome->resumed);
}

/* An id that the hub made up stays ours over a restart. */
static void
test_restart_keeps_id (Fixture *f, gconstpointer data)
{
  g_autoptr (DcTestRecorder) client = join (f, NULL);
  g_autofree char *id = g_strdup (client->welcome->id);

  dc_test_daemon_stop (f->daemon);
  dc_test_recorder_wait (client->n_disconnected > 0);
  dc_test_daemon_start (f->daemon);
  dc_test_recorder_wait (client->is_registered);
  g_assert_cmpstr (client->welcome->id, ==, id);
}

static void
test_dead_daemon (Fixture *f, gconstpointer data)
{
  dc_test_daemon_stop (f->daemon);
  g_autoptr (DcTestRecorder) client = dc_test_recorder_new_simple (f->url, "room", "a", f->transport);

  dc_test_recorder_wait (client->n_disconnected == 2);
  dc_test_assert_says (
      client->disconnected, DC_SIGNALING_ERROR_UNREACHABLE, "Connection refused; is dcsignald running there?");
  dc_test_assert_says (client->disconnected, DC_SIGNALING_ERROR_UNREACHABLE, "cannot reach ");
  dc_test_daemon_start (f->daemon);
  dc_test_recorder_wait (client->is_registered);
}

static void
test_dead_network (Fixture *f, gconstpointer data)
{
  g_autoptr (DcTestProxy) proxy = dc_test_proxy_new (dc_test_daemon_get_port (f->daemon));
  g_autofree char *url = dc_test_proxy_dup_url (proxy, "ws");
  DcSignalingConfig config = {
      .uri = url, .room = "room", .id = "a", .transport = f->transport, .keepalive = 1, .attempt_timeout_ms = 1000};
  g_autoptr (DcTestRecorder) client = dc_test_recorder_new (&config);

  dc_test_recorder_wait (client->is_registered);
  dc_test_proxy_set_frozen (proxy, TRUE);
  dc_test_recorder_wait (client->n_disconnected > 0);
  dc_test_assert_says (client->disconnected, DC_SIGNALING_ERROR_UNREACHABLE,
      f->transport == POLLING ? "no answer from" : "nothing came for 3 s");
  dc_test_proxy_set_frozen (proxy, FALSE);
  dc_test_recorder_wait (client->is_registered);
  g_assert_true (client->welcome->resumed);
}

/* A quiet connection is not a dead one. */
static void
test_quiet (Fixture *f, gconstpointer data)
{
  DcSignalingConfig config = {.uri = f->url, .room = "room", .id = "a", .transport = f->transport, .keepalive = 1};
  g_autoptr (DcTestRecorder) client = dc_test_recorder_new (&config);
  GSource *ticks;
  gint64 end;

  if (!g_test_slow ()) {
    g_test_skip ("takes 5 s");
    return;
  }
  dc_test_recorder_wait (client->is_registered);
  ticks = start_ticks (500);
  end = g_get_monotonic_time () + 5 * G_USEC_PER_SEC;
  dc_test_recorder_wait (g_get_monotonic_time () > end);
  stop_ticks (ticks);
  g_assert_cmpuint (client->n_disconnected, ==, 0);
}

/* ---- Closing ---- */

static void
test_close_registered (Fixture *f, gconstpointer data)
{
  g_autoptr (DcTestRecorder) watcher = join (f, "watcher");
  g_autoptr (DcTestRecorder) client = join (f, "a");
  g_autoptr (DcMessage) joined = dc_test_recorder_take (watcher, DC_MESSAGE_JOINED);
  g_autoptr (DcMessage) message = dc_message_new (DC_MESSAGE_END_OF_CANDIDATES);
  g_autoptr (GError) error = NULL;

  /* What was sent before goes out before. */
  dc_test_recorder_send (client, DC_MESSAGE_OFFER, "watcher", "v=0");
  dc_signaling_client_close (client->client, "enough");
  dc_signaling_client_close (client->client, "really");
  g_assert_false (client->closed);
  message->to = g_strdup ("watcher");
  g_assert_false (dc_signaling_client_send (client->client, message, &error));
  dc_test_assert_says (error, DC_SIGNALING_ERROR_REFUSED, "has ended");
  g_autoptr (DcMessage) offer = dc_test_recorder_take (watcher, DC_MESSAGE_OFFER);
  g_autoptr (DcMessage) left = dc_test_recorder_take (watcher, DC_MESSAGE_LEFT);
  dc_test_recorder_wait (client->closed);
  dc_signaling_client_close (client->client, NULL);
}

static void
close_cb (DcSignalingClient *signaling, gpointer unused, gpointer user_data)
{
  dc_signaling_client_close (signaling, NULL);
}

/* In a handler of each signal. */
static void
test_close_inside (Fixture *f, gconstpointer data)
{
  g_autoptr (DcTestRecorder) a = dc_test_recorder_new_simple (f->url, "room", "a", f->transport);
  g_signal_connect (a->client, "registered", G_CALLBACK (close_cb), NULL);
  dc_test_recorder_wait (a->closed);

  g_autoptr (DcTestRecorder) b = join (f, "b");
  g_signal_connect (b->client, "message", G_CALLBACK (close_cb), NULL);
  g_autoptr (DcTestRecorder) c = join (f, "c");
  dc_test_recorder_wait (b->closed);

  g_signal_connect (c->client, "disconnected", G_CALLBACK (close_cb), NULL);
  dc_test_daemon_stop (f->daemon);
  dc_test_recorder_wait (c->closed);
}

/* Closed, or just dropped, after each number of iterations from the start on: whatever it is doing then. */
static void
test_close_any_time (Fixture *f, gconstpointer data)
{
  GSource *ticks = start_ticks (1);

  for (guint iterations = 0; iterations < 60; iterations++) {
    DcTestRecorder *client = dc_test_recorder_new_simple (f->url, "room", NULL, f->transport);
    for (guint i = 0; i < iterations && !client->is_registered; i++)
      g_main_context_iteration (g_main_context_get_thread_default (), TRUE);
    dc_test_recorder_free (client);
  }
  stop_ticks (ticks);
}

static void
test_drop_any_time (Fixture *f, gconstpointer data)
{
  DcSignalingConfig config = {.uri = f->url, .room = "room", .transport = f->transport};
  GSource *ticks = start_ticks (1);

  for (guint iterations = 0; iterations < 60; iterations++) {
    DcSignalingClient *client = dc_signaling_client_new (&config, NULL);
    dc_signaling_client_start (client);
    for (guint i = 0; i < iterations; i++)
      g_main_context_iteration (g_main_context_get_thread_default (), TRUE);
    g_assert_finalize_object (client);
  }
  stop_ticks (ticks);
  while (g_main_context_iteration (g_main_context_get_thread_default (), FALSE))
    ;
}

/* ---- What send() and new() refuse ---- */

static void
test_bounds (Fixture *f, gconstpointer data)
{
  g_autoptr (DcTestProxy) proxy = dc_test_proxy_new (dc_test_daemon_get_port (f->daemon));
  g_autoptr (DcTestRecorder) a = join_via (f, proxy, "a");
  g_autoptr (DcTestRecorder) b = join (f, "b");
  g_autoptr (DcMessage) message = dc_message_new (DC_MESSAGE_OFFER);
  g_autoptr (GError) error = NULL;

  dc_test_proxy_set_refuse (proxy, TRUE);
  dc_test_proxy_cut (proxy);
  dc_test_recorder_wait (!a->is_registered);
  send_candidates (a, "b", 0, DC_OUTBOX_MAX_MESSAGES);
  message->to = g_strdup ("b");
  message->sdp = g_strdup ("v=0");
  g_assert_false (dc_signaling_client_send (a->client, message, &error));
  dc_test_assert_says (error, DC_SIGNALING_ERROR_UNREACHABLE, "has not taken the last 512 messages");
  dc_test_proxy_set_refuse (proxy, FALSE);
  take_candidates (b, 0, DC_OUTBOX_MAX_MESSAGES);

  g_clear_error (&error);
  g_free (message->sdp);
  message->sdp = g_strnfill (65536, 'x');
  g_assert_false (dc_signaling_client_send (a->client, message, &error));
  dc_test_assert_says (error, DC_SIGNALING_ERROR_INVALID, "is too long");
  g_clear_error (&error);
  g_clear_pointer (&message->sdp, g_free);
  g_assert_false (dc_signaling_client_send (a->client, message, &error));
  dc_test_assert_says (error, DC_SIGNALING_ERROR_INVALID, "sdp");
  g_clear_error (&error);
  g_clear_pointer (&message->to, g_free);
  g_assert_false (dc_signaling_client_send (a->client, message, &error));
  dc_test_assert_says (error, DC_SIGNALING_ERROR_INVALID, "to another peer");
}

static void
test_config (void)
{
  static const struct {
    DcSignalingConfig config;
    const char *says;
  } cases[] = {
      {{.uri = "ftp://x", .room = "room"}, "ftp://"},
      {{.uri = "ws://x", .room = NULL}, "the room"},
      {{.uri = "ws://x", .room = "a room"}, "the room"},
      {{.uri = "ws://x", .room = "room", .id = "-id"}, "the id"},
      {{.uri = "wss://x", .room = "room", .tls_ca = "/nonexistent/ca.pem"}, "/nonexistent/ca.pem"},
      {{.uri = "wss://x", .room = "room", .tls_ca = "/dev/null"}, "no PEM certificate"},
      {{.uri = "wss://x", .room = "room", .proxy = "proxy.example"}, "the proxy \"proxy.example\" cannot be used"},
      {{.uri = "wss://x", .room = "room", .proxy = "ftp://a:word@h:1"}, "the proxy \"...@h:1\" cannot be used"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (dc_signaling_client_new (&cases[i].config, &error));
    dc_test_assert_says (error, DC_SIGNALING_ERROR_INVALID, cases[i].says);
  }
}

#define ADD(name, transport, func)                                                                                     \
  g_test_add ("/signaling-client/" name, Fixture, GINT_TO_POINTER (transport), set_up, func, tear_down)
#define ADD_BOTH(name, func)                                                                                           \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    ADD ("websocket/" name, WEBSOCKET, func);                                                                          \
    ADD ("polling/" name, POLLING, func);                                                                              \
  }                                                                                                                    \
  G_STMT_END

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  ADD_BOTH ("register", test_register);
  ADD_BOTH ("discover", test_discover);
  ADD_BOTH ("call", test_call);
  ADD_BOTH ("order", test_order);
  ADD_BOTH ("refused-message", test_refused_message);
  ADD_BOTH ("proxy-unreachable", test_proxy_unreachable);
  g_test_add_func ("/signaling-client/proxy-urls", test_proxy_urls);
  ADD_BOTH ("id-taken", test_id_taken);
  ADD_BOTH ("resume", test_resume);
  ADD_BOTH ("lost-acknowledgement", test_lost_acknowledgement);
  ADD_BOTH ("restart", test_restart);
  ADD_BOTH ("shut-down", test_shut_down);
  ADD_BOTH ("restart-keeps-id", test_restart_keeps_id);
  ADD_BOTH ("dead-daemon", test_dead_daemon);
  ADD_BOTH ("dead-network", test_dead_network);
  ADD_BOTH ("quiet", test_quiet);
  ADD_BOTH ("close-registered", test_close_registered);
  ADD_BOTH ("close-inside", test_close_inside);
  ADD_BOTH ("close-any-time", test_close_any_time);
  ADD_BOTH ("drop-any-time", test_drop_any_time);
  ADD_BOTH ("bounds", test_bounds);
  g_test_add_func ("/signaling-client/config", test_config);
  return g_test_run ();
}
