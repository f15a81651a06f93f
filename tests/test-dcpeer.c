/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-dcpeer.c: dcpeer as people use it: real processes, a real daemon, real data channels. */
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <signal.h>
#include <string.h>

#include "tests/harness/dc-test-certificates.h"
#include "tests/harness/dc-test-daemon.h"
#include "tests/harness/dc-test-dcpeer.h"
#include "tests/harness/dc-test-turn.h"
#include "tests/harness/dc-test.h"

/* A shell command in which $0 is @url. */
static DcTestProcess *
run_shell (const char *command, const char *url)
{
  return dc_test_process_new ("/bin/sh", "-c", command, url, NULL);
}

/* JSON lines */

/* Each line of @process but those of stderr. */
static GPtrArray *
parse_events (DcTestProcess *process)
{
  g_autofree char *output = dc_test_process_get_output (process);
  g_auto (GStrv) lines = g_strsplit (output, "\n", -1);
  GPtrArray *events = g_ptr_array_new_with_free_func ((GDestroyNotify) json_object_unref);
  for (char **line = lines; *line != NULL; line++) {
    if (**line == '\0' || g_str_has_prefix (*line, "dcpeer: "))
      continue;
    g_autoptr (GError) error = NULL;
    g_autoptr (JsonNode) node = json_from_string (*line, &error);
    if (node == NULL)
      g_error ("\"%s\" is no JSON: %s", *line, error->message);
    JsonObject *object = json_node_get_object (node);
    g_assert_nonnull (json_object_get_string_member (object, "event"));
    g_assert_cmpfloat (json_object_get_double_member (object, "t"), >=, 0);
    g_ptr_array_add (events, json_object_ref (object));
  }
  return events;
}

/* The first event @name with @field = @value (both nullable), or -1. */
static int
find_event (GPtrArray *events, const char *name, const char *field, const char *value)
{
  for (guint i = 0; i < events->len; i++) {
    JsonObject *object = g_ptr_array_index (events, i);
    if (!g_str_equal (json_object_get_string_member (object, "event"), name))
      continue;
    if (field == NULL || g_strcmp0 (json_object_get_string_member_with_default (object, field, NULL), value) == 0)
      return i;
  }
  return -1;
}

static JsonObject *
get_event (GPtrArray *events, const char *name, const char *field, const char *value)
{
  int index = find_event (events, name, field, value);
  if (index < 0)
    g_error ("there is no event %s with %s %s", name, field, value);
  return g_ptr_array_index (events, index);
}

static void
assert_in_order (GPtrArray *events, const char *const *names)
{
  for (guint i = 0; names[i] != NULL; i++)
    if (find_event (events, names[i], NULL, NULL) < 0)
      g_error ("there is no event %s", names[i]);
  for (guint i = 1; names[i] != NULL; i++)
    if (find_event (events, names[i], NULL, NULL) < find_event (events, names[i - 1], NULL, NULL))
      g_error ("event %s came before %s", names[i], names[i - 1]);
}

/* What every good call tells; "calling" and the offer first, or "called". */
static void
check_trace (GPtrArray *events, gboolean offerer)
{
  static const char *const common[] = {
      "signaling-connecting", "registered", "local-candidate", "channel-open", "sent", "acknowledged", "summary", NULL};
  static const char *const secure[] = {"registered", "ice-state", "dtls-state", "identity", "channel-open", NULL};
  /* A check of the far side's may be there before signaling has said where it comes from. */
  static const char *const remote[] = {"remote-description", "remote-candidate", NULL};
  static const char *const path[] = {"remote-description", "selected-pair", "channel-open", NULL};
  static const char *const calling[] = {"calling", "local-description", "remote-description", NULL};
  static const char *const called[] = {"called", "remote-description", "local-description", NULL};
  assert_in_order (events, common);
  assert_in_order (events, secure);
  assert_in_order (events, remote);
  assert_in_order (events, path);
  assert_in_order (events, offerer ? calling : called);
  get_event (events, "gathering-state", "state", "complete");
  get_event (events, "local-candidates-done", NULL, NULL);
  get_event (events, "ice-state", "state", "connected");
  get_event (events, "dtls-state", "state", "connected");
  get_event (events, "sctp-state", "state", "connected");
  get_event (events, "connection-closed", NULL, NULL);
  g_assert_true (json_object_get_boolean_member (get_event (events, "identity", NULL, NULL), "verified"));
}

static void
check_messages (GPtrArray *events, const char *us, const char *them, guint count)
{
  for (guint n = 1; n <= count; n++) {
    g_autofree char *ours = g_strdup_printf ("Hello %u from %s", n, us);
    g_autofree char *theirs = g_strdup_printf ("Hello %u from %s", n, them);
    g_assert_cmpint (json_object_get_int_member (get_event (events, "sent", "text", ours), "n"), ==, n);
    g_assert_cmpint (json_object_get_int_member (get_event (events, "received", "text", theirs), "n"), ==, n);
  }
  JsonObject *summary = get_event (events, "summary", "peer", them);
  g_assert_true (json_object_get_boolean_member (summary, "complete"));
  g_assert_cmpint (json_object_get_int_member (summary, "sent"), ==, count);
  g_assert_cmpint (json_object_get_int_member (summary, "acknowledged"), ==, count);
  g_assert_cmpint (json_object_get_int_member (summary, "received"), ==, count);
  g_assert_cmpfloat (json_object_get_double_member (summary, "rtt-median"), >, 0);
  g_assert_true (g_str_has_prefix (json_object_get_string_member (summary, "pair"), "direct"));
}

/* Ways to the server */

typedef struct {
  const char *name, *scheme, *options, *transport;
} Way;

static const Way ways[] = {
    {"ws", "ws", "", "WebSocket"},
    {"wss", "wss", "", "WebSocket"},
    {"http", "http", "", "HTTP polling"},
    {"polling", "ws", "--polling", "HTTP polling"},
};

static void
exchange (const char *url, const char *options, const char *transport)
{
  g_autofree char *answer_words =
      g_strdup_printf ("answer -s %%s --id alice --once --json --count 3 --interval 0.05 %s", options);
  g_autofree char *offer_words = g_strdup_printf ("offer -s %%s --id bob --json --count 3 --interval 0.05 %s", options);
  g_autoptr (DcTestProcess) answer = dc_test_dcpeer_run (answer_words, url);
  dc_test_process_wait_line (answer, "\"registered\"");
  g_autoptr (DcTestProcess) offer = dc_test_dcpeer_run (offer_words, url);
  dc_test_process_assert_exit (offer, 0);
  dc_test_process_assert_exit (answer, 0);

  g_autoptr (GPtrArray) offer_events = parse_events (offer);
  g_autoptr (GPtrArray) answer_events = parse_events (answer);
  JsonObject *registered = get_event (offer_events, "registered", "id", "bob");
  g_assert_cmpstr (json_object_get_string_member (registered, "transport"), ==, transport);
  g_assert_cmpstr (json_object_get_string_member (registered, "room"), ==, "default");
  check_trace (offer_events, TRUE);
  check_trace (answer_events, FALSE);
  check_messages (offer_events, "bob", "alice", 3);
  check_messages (answer_events, "alice", "bob", 3);
}

static void
test_way (gconstpointer data)
{
  const Way *way = data;
  dc_test_watchdog_start (60);
  DcDaemonConfig config;
  dc_daemon_config_init (&config);
  g_autoptr (DcTestTls) tls = NULL;
  g_autofree char *options = g_strdup (way->options);
  if (g_str_equal (way->scheme, "wss")) {
    tls = dc_test_tls_new ();
    if (tls == NULL) {
      dc_daemon_config_clear (&config);
      g_test_skip ("there is no openssl");
      return;
    }
    config.tls_cert = g_strdup (tls->cert);
    config.tls_key = g_strdup (tls->key);
    g_free (options);
    options = g_strdup_printf ("--tls-ca %s", tls->ca);
  }
  g_autoptr (DcTestDaemon) daemon = dc_test_daemon_new (&config);
  dc_daemon_config_clear (&config);
  g_autofree char *url = g_strdup_printf ("%s://127.0.0.1:%u", way->scheme, dc_test_daemon_get_port (daemon));
  exchange (url, options, way->transport);
  if (tls != NULL)
    dc_test_dcpeer_assert_fails ("peers -s %s", url, 3, "certificate");
  dc_test_watchdog_stop ();
}

/* Text, and who begins */

static void
test_text (void)
{
  dc_test_watchdog_start (60);
  g_autoptr (DcTestDaemon) daemon = dc_test_daemon_new (NULL);
  const char *url = dc_test_daemon_get_url (daemon);
  g_autoptr (DcTestProcess) offer = dc_test_dcpeer_run ("offer -s %s --id bob --count 1 --message 'good day'", url);
  dc_test_process_wait_line (offer, "registered as \"bob\" in room \"default\"");
  g_autoptr (DcTestProcess) answer = dc_test_dcpeer_run ("answer -s %s --id alice --once --count 1", url);
  dc_test_process_wait_line (answer, "1 peer there: bob");
  dc_test_process_wait_line (offer, "calling alice");
  dc_test_process_wait_line (offer, "candidate     local");
  dc_test_process_wait_line (offer, "ICE           checking: trying each pair");
  dc_test_process_wait_line (offer, "DTLS          connected: ");
  dc_test_process_wait_line (offer, "identity      the certificate matches the fingerprint in the answer (sha-256 ");
  dc_test_process_wait_line (offer, "channel       open to alice: label \"data\", protocol \"datachannel.link.v1\"");
  dc_test_process_wait_line (offer, "sent          #1 to alice, 8 bytes: \"good day\"");
  dc_test_process_wait_line (offer, "acknowledged  #1 by alice, round trip ");
  dc_test_process_wait_line (offer, "summary       done with alice: 1 sent (8 bytes), 1 acknowledged, 1 received");
  dc_test_process_assert_exit (offer, 0);
  dc_test_process_assert_exit (answer, 0);
  dc_test_process_assert_said (answer, "received      #1 from bob, 8 bytes: \"good day\"");
  dc_test_process_assert_said (offer, "received      #1 from alice, 18 bytes: \"Hello 1 from alice\"");
  dc_test_process_assert_not_said (offer, "dcpeer: ");
  dc_test_watchdog_stop ();
}

static void
test_one_after_the_other (void)
{
  dc_test_watchdog_start (90);
  g_autoptr (DcTestDaemon) daemon = dc_test_daemon_new (NULL);
  const char *url = dc_test_daemon_get_url (daemon);
  g_autoptr (DcTestProcess) answer = dc_test_dcpeer_run ("answer -s %s --id alice --count 2 --interval 0.05", url);
  for (guint i = 0; i < 2; i++) {
    g_autoptr (DcTestProcess) offer = dc_test_dcpeer_run ("offer -s %s --count 2 --interval 0.05", url);
    dc_test_process_assert_exit (offer, 0);
    dc_test_process_wait_line (answer, "summary       done with ");
  }
  dc_test_process_signal (answer, SIGTERM);
  dc_test_process_assert_exit (answer, 0); /* it was only waiting */
  dc_test_process_assert_not_said (answer, "dcpeer: ");
  dc_test_watchdog_stop ();
}

/* The second calls while the first has the answerer: it waits for its turn. */
static void
test_busy (void)
{
  dc_test_watchdog_start (90);
  g_autoptr (DcTestDaemon) daemon = dc_test_daemon_new (NULL);
  const char *url = dc_test_daemon_get_url (daemon);
  g_autoptr (DcTestProcess) answer = dc_test_dcpeer_run ("answer -s %s --id alice --count 1", url);
  g_autoptr (DcTestProcess) first = dc_test_dcpeer_run ("offer -s %s --id first --count 0 --interval 0.1", url);
  dc_test_process_wait_line (first, "received ");
  g_autoptr (DcTestProcess) second = dc_test_dcpeer_run ("offer -s %s --id second --count 1", url);
  dc_test_process_wait_line (second, "busy with another call");
  dc_test_process_signal (first, SIGINT);
  dc_test_process_assert_exit (first, 130);
  dc_test_process_assert_exit (second, 0);
  dc_test_process_signal (answer, SIGINT);
  dc_test_process_assert_exit (answer, 0);
  g_autofree char *output = dc_test_process_get_output (answer);
  g_auto (GStrv) complaints = g_strsplit (output, "dcpeer: ", -1);
  g_assert_cmpuint (g_strv_length (complaints), ==, 2); /* the first broke off, and nothing else */
  dc_test_watchdog_stop ();
}

/* Nothing is lost, and the credit of the far side is all that holds the sender. Each side takes the path that it was told. */
static void
test_fast (void)
{
  dc_test_watchdog_start (90);
  g_autoptr (DcTestDaemon) daemon = dc_test_daemon_new (NULL);
  const char *url = dc_test_daemon_get_url (daemon);
  /* Into files: nobody here reads both outputs at the same time. */
  g_autoptr (DcTestProcess) answer =
      run_shell ("exec \"$DCPEER\" answer -s \"$0\" --id alice --once --json --count 1 --fast auto >answer.log", url);
  g_autoptr (DcTestProcess) offer = run_shell (
      "exec \"$DCPEER\" offer -s \"$0\" --timeout 0 --id bob --json --count 5000 --interval 0 --fast off >offer.log",
      url);
  dc_test_process_assert_exit (offer, 0);
  dc_test_process_assert_exit (answer, 0);
  g_autofree char *log = NULL, *other_log = NULL;
  g_assert_true (g_file_get_contents ("answer.log", &log, NULL, NULL));
  g_assert_nonnull (strstr (log, "\"n\":5000,\"bytes\":19,\"text\":\"Hello 5000 from bob\""));
  g_assert_nonnull (strstr (log, "\"received\":5000"));
  g_assert_nonnull (strstr (log, "{\"event\":\"transport\""));
  g_assert_nonnull (strstr (log, "\"fast\":true"));
  g_assert_true (g_file_get_contents ("offer.log", &other_log, NULL, NULL));
  g_assert_null (strstr (other_log, "{\"event\":\"transport\""));
  g_assert_cmpint (g_unlink ("answer.log") | g_unlink ("offer.log"), ==, 0);
  dc_test_watchdog_stop ();
}

/* Defaults from a file */

static void
test_dotenv (void)
{
  dc_test_watchdog_start (60);
  g_autoptr (DcTestDaemon) daemon = dc_test_daemon_new (NULL);
  g_autofree char *contents =
      g_strdup_printf ("\xef\xbb\xbf# the server\r\nexport DC_SIGNALING=\"%s\"\r\nDC_ROOM=from-file # "
                       "here\r\nDC_ID='carol'\r\nOTHER=x\r\n",
          dc_test_daemon_get_url (daemon));
  g_assert_true (g_file_set_contents (".env", contents, -1, NULL));
  g_autoptr (DcTestProcess) answer = dc_test_dcpeer_run ("answer --once --count 1", NULL);
  dc_test_process_wait_line (answer, "registered as \"carol\" in room \"from-file\"");
  g_autoptr (DcTestProcess) offer = dc_test_dcpeer_run ("offer --id bob --count 1", NULL);
  dc_test_process_assert_exit (offer, 0);
  dc_test_process_assert_exit (answer, 0);

  /* The older pair. */
  g_autofree char *older = g_strdup_printf (
      "SIGNALING_SERVER_ADDR=127.0.0.1\r\nSIGNALING_SERVER_PORT=%u\r\n", dc_test_daemon_get_port (daemon));
  g_assert_true (g_file_set_contents (".env", older, -1, NULL));
  g_autoptr (DcTestProcess) peers = dc_test_dcpeer_run ("peers --room older", NULL);
  dc_test_process_assert_exit (peers, 0);
  dc_test_process_assert_said (peers, "Nobody is in room \"older\"");

  g_assert_true (g_file_set_contents (".env", "DC_ROOM=x\r\nwhat is this\r\n", -1, NULL));
  dc_test_dcpeer_assert_fails ("peers", NULL, 2, ".env, line 2: it is not KEY=VALUE; see dcpeer peers --help");
  g_assert_cmpint (g_unlink (".env"), ==, 0);
  dc_test_watchdog_stop ();
}

/* Who is there */

static void
test_peers (void)
{
  dc_test_watchdog_start (60);
  g_autoptr (DcTestDaemon) daemon = dc_test_daemon_new (NULL);
  const char *url = dc_test_daemon_get_url (daemon);
  g_autoptr (DcTestProcess) empty = dc_test_dcpeer_run ("peers -s %s --room r", url);
  dc_test_process_assert_exit (empty, 0);
  dc_test_process_assert_said (empty, "Nobody is in room \"r\" at ");

  g_autoptr (DcTestProcess) answer = dc_test_dcpeer_run ("answer -s %s --id alice --room r", url);
  dc_test_process_wait_line (answer, "registered");
  g_autoptr (DcTestProcess) text = dc_test_dcpeer_run ("peers -s %s --room r", url);
  dc_test_process_assert_exit (text, 0);
  dc_test_process_assert_said (text, "1 peer in room \"r\" at ");
  dc_test_process_assert_said (text, "alice                    yes    answerer  data (link, both)");

  g_autoptr (DcTestProcess) json = dc_test_dcpeer_run ("peers -s %s --room r --json --polling", url);
  dc_test_process_assert_exit (json, 0);
  g_autoptr (GPtrArray) events = parse_events (json);
  g_assert_cmpint (json_object_get_int_member (get_event (events, "room", "room", "r"), "peers"), ==, 1);
  JsonObject *peer = get_event (events, "peer", "id", "alice");
  g_assert_cmpstr (json_object_get_string_member (peer, "role"), ==, "answerer");
  g_assert_false (json_object_get_boolean_member (peer, "away"));
  JsonObject *channel = json_array_get_object_element (json_object_get_array_member (peer, "channels"), 0);
  g_assert_cmpstr (json_object_get_string_member (channel, "label"), ==, "data");
  g_assert_cmpstr (json_object_get_string_member (channel, "wants"), ==, "both");
  dc_test_watchdog_stop ();
}

/* Through a TURN server */

static void
test_relay (void)
{
  dc_test_watchdog_start (60);
  g_autoptr (DcTestTurn) server = dc_test_turn_new (NULL);
  if (server == NULL)
    return;
  g_autoptr (DcTestDaemon) daemon = dc_test_daemon_new (NULL);
  g_autofree char *answer_words = g_strdup_printf ("answer -s %%s --id alice --once --json --count 1 --ice-policy "
                                                   "relay --turn-server turn://user:pass-word@%s",
      server->address);
  g_autofree char *offer_words = g_strdup_printf (
      "offer -s %%s --id bob --json --count 1 --ice-policy relay --turn-server turn://user:pass-word@%s",
      server->address);
  g_autoptr (DcTestProcess) answer = dc_test_dcpeer_run (answer_words, dc_test_daemon_get_url (daemon));
  g_autoptr (DcTestProcess) offer = dc_test_dcpeer_run (offer_words, dc_test_daemon_get_url (daemon));
  dc_test_process_assert_exit (offer, 0);
  dc_test_process_assert_exit (answer, 0);

  g_autoptr (GPtrArray) events = parse_events (offer);
  JsonObject *pair = get_event (events, "selected-pair", NULL, NULL);
  g_assert_cmpstr (json_object_get_string_member (pair, "local-type"), ==, "relay");
  JsonObject *candidate = get_event (events, "local-candidate", "type", "relay");
  g_assert_true (json_object_has_member (candidate, "base-address"));
  JsonObject *summary = get_event (events, "summary", NULL, NULL);
  g_assert_true (g_str_has_prefix (json_object_get_string_member (summary, "pair"), "relayed"));
  get_event (events, "ice-server", "kind", "turn");
  dc_test_process_assert_not_said (offer, "pass-word");
  dc_test_process_assert_not_said (answer, "pass-word");
  dc_test_watchdog_stop ();
}

static void
test_relay_refused (void)
{
  dc_test_watchdog_start (60);
  g_autoptr (DcTestTurn) server = dc_test_turn_new (NULL);
  if (server == NULL)
    return;
  g_autoptr (DcTestDaemon) daemon = dc_test_daemon_new (NULL);
  g_autofree char *offer_words = g_strdup_printf (
      "offer -s %%s --timeout 5 --ice-policy relay --turn-server turn://user:wrong-word@%s", server->address);
  g_autoptr (DcTestProcess) answer =
      dc_test_dcpeer_run ("answer -s %s --id alice --no-turn", dc_test_daemon_get_url (daemon));
  dc_test_process_wait_line (answer, "registered");
  dc_test_dcpeer_assert_fails (offer_words, dc_test_daemon_get_url (daemon), 4, "no connection to \"alice\"");
  dc_test_process_signal (answer, SIGTERM);
  dc_test_process_assert_exit (answer, 0);
  dc_test_watchdog_stop ();
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  for (gsize i = 0; i < G_N_ELEMENTS (ways); i++) {
    g_autofree char *path = g_strconcat ("/dcpeer/way/", ways[i].name, NULL);
    g_test_add_data_func (path, &ways[i], test_way);
  }
  g_test_add_func ("/dcpeer/text", test_text);
  g_test_add_func ("/dcpeer/one-after-the-other", test_one_after_the_other);
  g_test_add_func ("/dcpeer/busy", test_busy);
  g_test_add_func ("/dcpeer/fast", test_fast);
  g_test_add_func ("/dcpeer/dotenv", test_dotenv);
  g_test_add_func ("/dcpeer/peers", test_peers);
  g_test_add_func ("/dcpeer/relay/works", test_relay);
  g_test_add_func ("/dcpeer/relay/refused", test_relay_refused);
  return dc_test_dcpeer_run_tests ();
}
