/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-daemon-cli.c: dcsignald as a process: options, configuration file, signals, exit statuses, log. DCSIGNALD names the program. */
#include <gio/gio.h>
#include <signal.h>
#include <string.h>

#include "tests/harness/dc-test-certificates.h"
#include "tests/harness/dc-test-client.h"
#include "tests/harness/dc-test-process.h"
#include "tests/harness/dc-test.h"

#define SECONDS 30

static const char *dcsignald;

static DcTestProcess *
start (const char *first, const char *second, const char *third, const char *fourth)
{
  return dc_test_process_new (dcsignald, first, second, third, fourth, NULL);
}

/* On a free port of 127.0.0.1. @url: (out) (transfer full) */
static DcTestProcess *
start_listening (const char *option, const char *value, char **url)
{
  DcTestProcess *process = start ("--listen", "127.0.0.1:0", option, value);
  const char *line = dc_test_process_wait_line (process, "ws://127.0.0.1:");
  g_auto (GStrv) words = g_strsplit (strstr (line, "ws://"), " ", 2);

  words[0][strcspn (words[0], "\"")] = '\0';
  *url = g_strdup (words[0]);
  return process;
}

/* It must end with @status and say @sentence, in one line. */
static void
assert_ends (DcTestProcess *process, int status, const char *sentence)
{
  int got = dc_test_process_wait_exit (process);
  g_autofree char *output = dc_test_process_get_output (process);

  if (got != status || !strstr (output, sentence))
    g_error ("Expected exit status %d and \"%s\", got %d and: %s", status, sentence, got, output);
  dc_test_process_free (process);
}

static void
assert_fails (
    const char *first, const char *second, const char *third, const char *fourth, int status, const char *sentence)
{
  DcTestProcess *process = start (first, second, third, fourth);
  int got = dc_test_process_wait_exit (process);
  g_autofree char *output = dc_test_process_get_output (process);

  if (got != status || !strstr (output, sentence) || strchr (output, '\n') != output + strlen (output) - 1)
    g_error ("Expected exit status %d and the line \"%s\", got %d and: %s", status, sentence, got, output);
  g_assert_true (g_str_has_prefix (output, "dcsignald: "));
  dc_test_process_free (process);
}

static void
test_help (void)
{
  assert_ends (start ("--help", NULL, NULL, NULL), 0, "--listen=HOST:PORT");
  assert_ends (start ("--version", NULL, NULL, NULL), 0, "dcsignald " DC_VERSION);
}

static void
test_bad_options (void)
{
  assert_fails ("--bogus", NULL, NULL, NULL, 2, "Unknown option --bogus");
  assert_fails ("word", NULL, NULL, NULL, 2, "\"word\" is no option.");
  assert_fails ("--listen", "8443", NULL, NULL, 2, "\"8443\" is no address to listen on");
  assert_fails ("--listen", "::1:0", NULL, NULL, 2, "\"::1:0\" is no address to listen on");
  assert_fails ("--port", "70000", NULL, NULL, 2, "\"70000\" is no port");
  assert_fails ("--log", "xml", NULL, NULL, 2, "text or json");
  assert_fails ("--stun-server", "http://x", NULL, NULL, 2, "unknown scheme \"http\"");
  assert_fails ("--turn-server", "turn://127.0.0.1", NULL, NULL, 2, "without a user name and a password");
  assert_fails ("--tls-cert", "/nonexistent.pem", NULL, NULL, 2, "--tls-key is missing");
  assert_fails ("--tls-cert", "/nonexistent.pem", "--tls-key", "/nonexistent.pem", 2, "/nonexistent.pem");
  assert_fails ("--config", "/nonexistent.conf", NULL, NULL, 2, "/nonexistent.conf");
}

static void
test_port_in_use (void)
{
  g_autofree char *url = NULL;
  g_autoptr (DcTestProcess) first = start_listening (NULL, NULL, &url);

  assert_fails ("--listen", strstr (url, "127"), NULL, NULL, 3, "another program uses this port");
  /* 192.0.2.1 (RFC 5737) is no address of this machine. */
  assert_fails ("--listen", "192.0.2.1:0", NULL, NULL, 3, "Cannot listen on 192.0.2.1:0");
  dc_test_process_signal (first, SIGTERM);
  g_assert_cmpint (dc_test_process_wait_exit (first), ==, 0);
}

static void
test_all_addresses (void)
{
  g_autoptr (DcTestProcess) process = start ("--port", "0", NULL, NULL);

  dc_test_process_wait_line (process, "listening on ws://0.0.0.0:");
  dc_test_process_wait_line (process, "warning: other machines can connect");
}

static void
write_file (const char *dir, const char *name, const char *content, char **path)
{
  *path = g_build_filename (dir, name, NULL);
  g_assert_true (g_file_set_contents (*path, content, -1, NULL));
}

static void
test_config (void)
{
  char *dir = dc_test_make_dir ();
  g_autofree char *good = NULL, *key = NULL, *group = NULL, *value = NULL, *noise = NULL;

  write_file (dir, "good.conf",
      "# comment\n[dcsignald]\nlisten = 127.0.0.1:0; localhost:0\nstun-server = stun:192.0.2.1\nlog = json\n", &good);
  write_file (dir, "key.conf", "[dcsignald]\nlissten = 127.0.0.1:0\n", &key);
  write_file (dir, "group.conf", "[dcsignal]\nlisten = 127.0.0.1:0\n", &group);
  write_file (dir, "value.conf", "[dcsignald]\nlisten = here\n", &value);
  write_file (dir, "noise.conf", "listen 127.0.0.1:0\n", &noise);

  g_autoptr (DcTestProcess) from_file = start ("--config", good, NULL, NULL);
  dc_test_process_wait_line (from_file, "{\"event\":\"listening\"");
  dc_test_process_wait_line (from_file, "{\"event\":\"listening\"");
  /* The command line wins. */
  g_autoptr (DcTestProcess) overridden = start ("--config", good, "--log", "text");
  dc_test_process_wait_line (overridden, " listening on ws://127.0.0.1:");
  assert_fails ("--config", key, NULL, NULL, 2, "key.conf: there is no setting \"lissten\"");
  assert_fails ("--config", group, NULL, NULL, 2, "group.conf: there is no group [dcsignal]");
  assert_fails ("--config", value, NULL, NULL, 2, "value.conf: listen: \"here\" is no address");
  assert_fails ("--config", noise, NULL, NULL, 2, "noise.conf");
  /* The example must be one. */
  g_autofree char *example =
      g_build_filename (g_getenv ("DC_SRCDIR") ? g_getenv ("DC_SRCDIR") : ".", "data", "dcsignald.conf.example", NULL);
  g_autoptr (DcTestProcess) as_shown = start ("--config", example, "--listen", "127.0.0.1:0");
  dc_test_process_wait_line (as_shown, "listening on ws://127.0.0.1:");
  dc_test_remove_dir (dir);
}

static void
test_tls (void)
{
  g_autoptr (DcTestTls) tls = dc_test_tls_new ();

  if (!tls) {
    g_test_skip ("there is no openssl command");
    return;
  }
  assert_fails ("--tls-cert", tls->cert, "--tls-key", tls->other_key, 2, "does not belong to the certificate");
  assert_fails ("--tls-cert", tls->key, "--tls-key", tls->key, 2, "cannot be used");
  const char *argv[] = {dcsignald, "--listen", "127.0.0.1:0", "--tls-cert", tls->cert, "--tls-key", tls->key, NULL};
  g_autoptr (DcTestProcess) process = dc_test_process_newv (argv, NULL);
  dc_test_process_wait_line (process, "listening on wss://127.0.0.1:");
}

/* A connected peer hears bye, the daemon ends with 0, and the log tells of it all in the meantime. */
static void
test_sigterm (void)
{
  g_autofree char *url = NULL;
  g_autoptr (DcTestProcess) process = start_listening ("--turn-server", "turn://user:secret@192.0.2.1", &url);
  g_autoptr (DcTestClient) alice = dc_test_client_new (url, DC_TEST_WEBSOCKET, NULL);
  g_autoptr (DcTestClient) bob = dc_test_client_new (url, DC_TEST_WEBSOCKET, NULL);

  dc_test_client_register (alice, "cam", "alice");
  dc_test_process_wait_line (process, " room cam: alice joined (WebSocket 127.0.0.1:");
  dc_test_client_hello (bob, "cam", "bob", FALSE);
  g_autoptr (DcMessage) welcome = dc_test_client_wait (bob, DC_MESSAGE_WELCOME);
  g_assert_nonnull (welcome->ice_servers);
  dc_test_client_send (bob, "offer", "alice", "\"sdp\":\"very private\"");
  dc_test_process_wait_line (process, "room cam: bob -> alice: offer");

  dc_test_process_signal (process, SIGTERM);
  g_autoptr (DcMessage) bye = dc_test_client_wait (alice, DC_MESSAGE_BYE);
  g_assert_cmpstr (bye->reason, !=, NULL);
  g_assert_cmpuint (dc_test_client_wait_closed (alice), ==, 1001);
  g_assert_cmpuint (dc_test_client_wait_closed (bob), ==, 1001);
  g_assert_cmpint (dc_test_process_wait_exit (process), ==, 0);
  g_autofree char *output = dc_test_process_get_output (process);
  g_assert_null (strstr (output, "private"));
  g_assert_null (strstr (output, "secret"));
  g_assert_null (strstr (output, dc_test_client_get_resume (alice)));
}

/* A peer that does not answer the goodbye cannot hold it up, and neither can a half request. */
static void
test_stubborn_peer (void)
{
  g_autofree char *url = NULL;
  g_autoptr (DcTestProcess) process = start_listening (NULL, NULL, &url);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) connection =
      g_socket_client_connect_to_host (client, strstr (url, "127"), 80, NULL, &error);

  g_assert_no_error (error);
  static const char request[] = "GET /v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  char answer[12];
  g_output_stream_write_all (
      g_io_stream_get_output_stream (G_IO_STREAM (connection)), request, strlen (request), NULL, NULL, &error);
  g_assert_no_error (error);
  g_input_stream_read_all (
      g_io_stream_get_input_stream (G_IO_STREAM (connection)), answer, sizeof answer, NULL, NULL, &error);
  g_assert_no_error (error);
  dc_test_process_signal (process, SIGINT);
  g_assert_cmpint (dc_test_process_wait_exit (process), ==, 0);
}

static void
test_json_log (void)
{
  g_autofree char *url = NULL;
  g_autoptr (DcTestProcess) process = start_listening ("--log", "json", &url);
  g_autoptr (DcTestClient) alice = dc_test_client_new (url, DC_TEST_POLLING, NULL);
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) error = NULL;

  dc_test_client_register (alice, "cam", "alice");
  const char *line = dc_test_process_wait_line (process, "\"registered\"");
  json_parser_load_from_data (parser, line, -1, &error);
  g_assert_no_error (error);
  JsonObject *object = json_node_get_object (json_parser_get_root (parser));
  g_assert_cmpstr (json_object_get_string_member (object, "event"), ==, "registered");
  g_assert_cmpstr (json_object_get_string_member (object, "room"), ==, "cam");
  g_assert_cmpstr (json_object_get_string_member (object, "peer"), ==, "alice");
  g_assert_true (g_str_has_prefix (json_object_get_string_member (object, "origin"), "HTTP polling 127.0.0.1:"));
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (json_object_get_string_member (object, "t"), NULL);
  g_assert_nonnull (time);
}

static GSocketConnection *
connect_to (const char *url)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();

  return g_socket_client_connect_to_host (client, strstr (url, "127"), 80, NULL, NULL);
}

static gboolean
is_answered (const char *url)
{
  static const char request[] = "GET / HTTP/1.0\r\n\r\n";
  g_autoptr (GSocketConnection) connection = connect_to (url);
  char byte;

  g_output_stream_write_all (
      g_io_stream_get_output_stream (G_IO_STREAM (connection)), request, strlen (request), NULL, NULL, NULL);
  return g_input_stream_read (g_io_stream_get_input_stream (G_IO_STREAM (connection)), &byte, 1, NULL, NULL) == 1;
}

/* Out of file descriptors: those that are too many are closed, and when the others go it serves on. */
static void
test_file_shortage (void)
{
  const char *argv[] = {"sh", "-c", "ulimit -n 40; exec \"$0\" --listen 127.0.0.1:0", dcsignald, NULL};
  g_autoptr (DcTestProcess) process = dc_test_process_newv (argv, NULL);
  const char *line = dc_test_process_wait_line (process, "listening on ws://127.0.0.1:");
  g_auto (GStrv) words = g_strsplit (strstr (line, "ws://"), " ", 2);
  g_autoptr (GPtrArray) connections = g_ptr_array_new_with_free_func (g_object_unref);
  char byte;

  for (guint i = 0; i < 100; i++)
    g_ptr_array_add (connections, connect_to (words[0]));
  /* The last one came when there was no descriptor left. */
  g_input_stream_read (
      g_io_stream_get_input_stream (G_IO_STREAM (g_ptr_array_index (connections, 99))), &byte, 1, NULL, NULL);
  g_ptr_array_set_size (connections, 0);
  /* Until it has noticed that they are gone, it closes the next ones too. */
  while (!is_answered (words[0]))
    ;
  g_autoptr (DcTestClient) alice = dc_test_client_new (words[0], DC_TEST_POLLING, NULL);
  dc_test_client_register (alice, "cam", "alice");
}

/* Each test under a watchdog of its own. */
static void
run (gconstpointer data)
{
  GTestFunc test = (GTestFunc) data;

  dc_test_watchdog_start (SECONDS);
  test ();
  dc_test_watchdog_stop ();
}

static void
add (const char *path, GTestFunc test)
{
  g_test_add_data_func (path, (gconstpointer) test, run);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  dcsignald = g_getenv ("DCSIGNALD");
  if (!dcsignald) {
    g_test_message ("DCSIGNALD must name the program to test");
    return 77;
  }
  add ("/dcsignald/help", test_help);
  add ("/dcsignald/bad-options", test_bad_options);
  add ("/dcsignald/port-in-use", test_port_in_use);
  add ("/dcsignald/all-addresses", test_all_addresses);
  add ("/dcsignald/config", test_config);
  add ("/dcsignald/tls", test_tls);
  add ("/dcsignald/sigterm", test_sigterm);
  add ("/dcsignald/stubborn-peer", test_stubborn_peer);
  add ("/dcsignald/json-log", test_json_log);
  add ("/dcsignald/file-shortage", test_file_shortage);
  return g_test_run ();
}
