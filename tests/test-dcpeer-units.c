/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-dcpeer-units.c: dcpeer's parts without a network: .env files, options, lines of text and of JSON, round-trip statistics. */
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>

#include "apps/dcpeer.h"
#include "apps/dotenv.h"
#include "apps/options.h"
#include "apps/round-trips.h"
#include "apps/text.h"
#include "apps/trace.h"
#include "plugins/peer/dc-error.h"

/* .env files */

typedef struct {
  const char *name, *contents, *key, *value; /* value NULL: not set */
} DotenvCase;

static const DotenvCase dotenv_cases[] = {
    {"plain", "A=b\n", "A", "b"},
    {"no newline at the end", "A=b", "A", "b"},
    {"CRLF", "A=b\r\nB=c\r\n", "B", "c"},
    {"CRLF leaves no CR", "A=b\r\nB=c\r\n", "A", "b"},
    {"byte order mark",
        "\xef\xbb\xbf"
        "A=b\r\n",
        "A", "b"},
    {"blanks", "  A =  b c \t\n", "A", "b c"},
    {"export", "export A=b\n", "A", "b"},
    {"export with a tab", "export\tA=b\n", "A", "b"},
    {"key that begins with export", "exported=b\n", "exported", "b"},
    {"comments and empty lines", "# A=x\n\n   # y\nA=b\n", "A", "b"},
    {"comment after", "A=b # c\n", "A", "b"},
    {"hash in a value", "A=b#c\n", "A", "b#c"},
    {"only a comment", "A= # c\n", "A", ""},
    {"empty", "A=\n", "A", ""},
    {"single quotes", "A='b # \\n \"c\"' # d\n", "A", "b # \\n \"c\""},
    {"double quotes", "A=\"b\\n\\\"c\\\" \\$d \\\\ #\"\n", "A", "b\n\"c\" $d \\ #"},
    {"unknown escape stays", "A=\"\\q\"\n", "A", "\\q"},
    {"equals in a value", "A=b=c\n", "A", "b=c"},
    {"the last counts", "A=b\nA=c\n", "A", "c"},
    {"UTF-8", "A=gr\xc3\xbc\xc3\x9f\n", "A", "gr\xc3\xbc\xc3\x9f"},
    {"nothing", "", "A", NULL},
};

static void
test_dotenv_good (gconstpointer data)
{
  const DotenvCase *test = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) table = dc_dotenv_parse (test->contents, strlen (test->contents), ".env", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_hash_table_lookup (table, test->key), ==, test->value);
}

static void
test_dotenv_bad (void)
{
  static const struct {
    const char *contents;
    gsize length;
    const char *sentence;
  } cases[] = {
      {"A=b\nnonsense\n", 13, "my.env, line 2: it is not KEY=VALUE"},
      {"=b", 2, "my.env, line 1: it is not KEY=VALUE"},
      {"1A=b", 4, "my.env, line 1: it is not KEY=VALUE"},
      {"A B=c", 5, "my.env, line 1: it is not KEY=VALUE"},
      {"\r\nA='b\r\n", 9, "my.env, line 2: the closing ' is missing"},
      {"A=\"b", 4, "my.env, line 1: the closing \" is missing"},
      {"A=\"b\\\"", 6, "my.env, line 1: the closing \" is missing"},
      {"A='b'c", 6, "my.env, line 1: there is something after the closing quote"},
      {"A=\xff", 3, "my.env, line 1: the value is not UTF-8"},
      {"A=b\0c", 5, "my.env, line 1: it has a NUL byte"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (dc_dotenv_parse (cases[i].contents, cases[i].length, "my.env", &error));
    g_assert_nonnull (error);
    g_assert_cmpstr (error->message, ==, cases[i].sentence);
  }
}

static void
test_dotenv_files (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) none = dc_dotenv_load ("/nonexistent/.env", TRUE, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_hash_table_size (none), ==, 0);
  g_autoptr (GHashTable) directory = dc_dotenv_load ("/", TRUE, &error);
  g_assert_no_error (error);

  g_assert_null (dc_dotenv_load ("/nonexistent/.env", FALSE, &error));
  g_assert_true (g_str_has_prefix (error->message, "/nonexistent/.env cannot be read"));
  g_clear_error (&error);
  /* An endless file ends. */
  g_assert_null (dc_dotenv_load ("/dev/zero", FALSE, &error));
  g_assert_true (g_str_has_suffix (error->message, "larger than a .env file can be"));
}

/* Options */

static GHashTable *environment;

static const char *
fake_getenv (const char *name)
{
  return environment != NULL ? g_hash_table_lookup (environment, name) : NULL;
}

static DcOptions *
parse_words (DcCommand command, const char *words, GError **error)
{
  g_auto (GStrv) argv = NULL;
  int argc = 0;
  g_assert_true (g_shell_parse_argv (words, &argc, &argv, NULL));
  g_autofree char **copy = g_memdup2 (argv, sizeof (char *) * (argc + 1)); /* GOption reorders it */
  return dc_options_parse (command, argc, copy, fake_getenv, error);
}

static DcOptions *
parse_good (DcCommand command, const char *words)
{
  g_autoptr (GError) error = NULL;
  DcOptions *options = parse_words (command, words, &error);
  g_assert_no_error (error);
  return options;
}

static void
test_options_defaults (void)
{
  g_autoptr (DcOptions) offer = parse_good (DC_COMMAND_OFFER, "offer --env-file /dev/null");
  g_assert_cmpstr (offer->signaling, ==, "ws://127.0.0.1:8443");
  g_assert_cmpstr (offer->room, ==, "default");
  g_assert_null (offer->id);
  g_assert_null (offer->to);
  g_assert_null (offer->stun_servers);
  g_assert_cmpuint (g_strv_length (offer->turn_servers), ==, 0);
  g_assert_cmpuint (offer->count, ==, 5);
  g_assert_cmpint (offer->interval, ==, G_USEC_PER_SEC);
  g_assert_cmpuint (offer->timeout, ==, 30);
  g_assert_false (
      offer->ice_tcp || offer->json || offer->polling || offer->no_turn || offer->relay_only || offer->once);

  g_autoptr (DcOptions) answer = parse_good (DC_COMMAND_ANSWER, "answer --env-file /dev/null");
  g_assert_cmpuint (answer->timeout, ==, 0);
}

static void
test_options_given (void)
{
  g_autoptr (DcOptions) options = parse_good (DC_COMMAND_ANSWER,
      "answer --env-file /dev/null --signaling wss://h:1 --room r --id me --to you --stun-server stun://s "
      "--stun-server t"
      " --turn-server turn://a:b@c --turn-server turn://d:e@f --no-turn --ice-policy relay --count 0 --interval .25"
      " --message 'a b' --json --timeout 2 --tls-ca ca.pem --polling --once"
      " --ice-tcp --interface eth0 --interface tun0 --port-range 1-2 --proxy http://p:1");
  g_assert_cmpstr (options->signaling, ==, "wss://h:1");
  g_assert_cmpstr (options->room, ==, "r");
  g_assert_cmpstr (options->id, ==, "me");
  g_assert_cmpstr (options->to, ==, "you");
  g_assert_cmpstr (options->stun_servers, ==, "stun://s t");
  g_assert_cmpstr (options->interfaces, ==, "eth0 tun0");
  g_assert_cmpstr (options->port_range, ==, "1-2");
  g_assert_cmpstr (options->proxy, ==, "http://p:1");
  g_assert_true (options->ice_tcp);
  g_assert_cmpstr (options->turn_servers[0], ==, "turn://a:b@c");
  g_assert_cmpstr (options->turn_servers[1], ==, "turn://d:e@f");
  g_assert_cmpuint (options->count, ==, 0);
  g_assert_cmpint (options->interval, ==, G_USEC_PER_SEC / 4);
  g_assert_cmpstr (options->message, ==, "a b");
  g_assert_cmpuint (options->timeout, ==, 2);
  g_assert_cmpstr (options->tls_ca, ==, "ca.pem");
  g_assert_true (options->json && options->polling && options->no_turn && options->relay_only && options->once);
}

static void
test_options_channels (void)
{
  g_autoptr (DcOptions) usual = parse_good (DC_COMMAND_ANSWER, "answer --env-file /dev/null");
  g_assert_cmpuint (g_strv_length (usual->labels), ==, 1);
  g_assert_cmpstr (usual->labels[0], ==, "data");
  g_assert_false (usual->any_label || usual->raw || usual->unordered || usual->hang_up);
  g_assert_cmpint (usual->max_retransmits, ==, -1);
  g_assert_cmpint (usual->max_lifetime, ==, -1);
  g_assert_cmpint (usual->negotiated, ==, -1);

  g_autoptr (DcOptions) raw =
      parse_good (DC_COMMAND_OFFER, "offer --env-file /dev/null --raw --label a --label b --protocol p --unordered "
                                    "--max-retransmits 0 --negotiated 1023"
                                    " --hang-up");
  g_assert_cmpstr (raw->labels[1], ==, "b");
  g_assert_cmpstr (raw->protocol, ==, "p");
  g_assert_true (raw->raw && raw->unordered && raw->hang_up && !raw->any_label);
  g_assert_cmpint (raw->max_retransmits, ==, 0);
  g_assert_cmpint (raw->negotiated, ==, 1023);

  g_autoptr (DcOptions) any = parse_good (DC_COMMAND_ANSWER, "answer --env-file /dev/null --raw --max-lifetime 65535");
  g_assert_true (any->any_label);
  g_assert_cmpint (any->max_lifetime, ==, 65535);
}

static void
test_options_manual (void)
{
  g_autoptr (DcOptions) options =
      parse_good (DC_COMMAND_OFFER, "offer --env-file /dev/null --manual --remote f --trickle-print --base64");
  g_assert_cmpstr (options->signaling, ==, "manual:");
  g_assert_cmpstr (options->id, ==, "offerer");
  g_assert_cmpstr (options->remote_file, ==, "f");
  g_assert_cmpuint (options->timeout, ==, 0);
  g_assert_true (options->manual && options->raw && options->print_again && options->base64);
}

static void
test_options_bad (void)
{
  static const struct {
    const char *words, *part;
  } cases[] = {
      {"--frobnicate", "--frobnicate"},
      {"extra", "\"extra\" is one argument too many"},
      {"--count -1", "--count takes a whole number"},
      {"--count 1x", "--count takes a whole number"},
      {"--count ''", "--count takes a whole number"},
      {"--timeout 1.5", "--timeout takes a whole number"},
      {"--timeout 86401", "--timeout takes a whole number from 0 to 86400, not \"86401\""},
      {"--interval -1", "--interval takes seconds"},
      {"--interval nan", "--interval takes seconds"},
      {"--interval inf", "--interval takes seconds"},
      {"--interval 1s", "--interval takes seconds"},
      {"--interval .", "--interval takes seconds"},
      {"--interval 86401", "--interval takes seconds"},
      {"--ice-policy some", "--ice-policy takes all or relay, not \"some\""},
      {"--message \xff", "--message takes UTF-8"},
      {"--once", "--once"}, /* offer has none */
      {"--env-file /nonexistent", "/nonexistent cannot be read"},
      {"--unordered", "--unordered goes with --raw only"},
      {"--max-lifetime 1", "--max-lifetime goes with --raw only"},
      {"--raw --max-retransmits 65536", "--max-retransmits takes a whole number from 0 to 65535"},
      {"--raw --negotiated 1024", "--negotiated takes a whole number from 0 to 1023"},
      {"--base64", "--base64 goes with --manual only"},
      {"--remote f", "--remote goes with --manual only"},
      {"--manual --room r", "--room has to do with a signaling server"},
      {"--manual -s ws://h", "--signaling has to do with a signaling server"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *words = g_strconcat ("offer --env-file /dev/null ", cases[i].words, NULL);
    g_autoptr (GError) error = NULL;
    g_assert_null (parse_words (DC_COMMAND_OFFER, words, &error));
    g_assert_nonnull (error);
    g_test_message ("%s", error->message);
    g_assert_nonnull (strstr (error->message, cases[i].part));
  }
}

static void
test_options_precedence (void)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("dcpeer-XXXXXX.env", &path, NULL);
  g_assert_cmpint (fd, >=, 0);
  close (fd);
  const char *contents = "DC_ROOM=file-room\r\nDC_ID=file-id\r\nDC_STUN=stun://file\r\nUNKNOWN=x\r\n"
                         "DC_TURN=\"turn://a:b@c, turn://d:e@f\tturn://g:h@i\"\r\nDC_TOKEN=t\r\nDC_SECRET=s\r\n";
  g_assert_true (g_file_set_contents (path, contents, -1, NULL));
  environment = g_hash_table_new (g_str_hash, g_str_equal);
  g_hash_table_insert (environment, (gpointer) "DC_ROOM", (gpointer) "environment-room");
  g_hash_table_insert (environment, (gpointer) "DC_ID", (gpointer) "environment-id");
  g_hash_table_insert (environment, (gpointer) "DC_SIGNALING", (gpointer) ""); /* counts as unset */

  g_autofree char *words = g_strdup_printf ("offer --env-file %s --id line-id", path);
  g_autoptr (DcOptions) options = parse_good (DC_COMMAND_OFFER, words);
  g_assert_cmpstr (options->signaling, ==, "ws://127.0.0.1:8443");
  g_assert_cmpstr (options->room, ==, "environment-room");
  g_assert_cmpstr (options->id, ==, "line-id");
  g_assert_cmpstr (options->stun_servers, ==, "stun://file");
  g_assert_cmpstr (options->token, ==, "t");
  g_assert_cmpstr (options->secret, ==, "s");
  g_assert_cmpuint (g_strv_length (options->turn_servers), ==, 3);
  g_assert_cmpstr (options->turn_servers[2], ==, "turn://g:h@i");

  g_clear_pointer (&environment, g_hash_table_unref);
  g_unlink (path);
}

static void
test_options_older_pair (void)
{
  static const struct {
    const char *addr, *port, *url; /* url NULL: an error */
  } cases[] = {
      {"192.0.2.1", "9000", "ws://192.0.2.1:9000"},
      {"example.org", NULL, "ws://example.org:8443"},
      {NULL, "9000", "ws://127.0.0.1:9000"},
      {"::1", "9000", "ws://[::1]:9000"},
      {"[::1]", "9000", "ws://[::1]:9000"},
      {"example.org:1", "9000", "ws://example.org:1"},
      {"http://example.org", "9000", "http://example.org:9000"},
      {"https://example.org", NULL, "https://example.org"},
      {"wss://example.org/path", "9000", "wss://example.org:9000/path"},
      {"example.org", "0", NULL},
      {"example.org", "65536", NULL},
      {"example.org", "http", NULL},
      {"two words", "9000", NULL},
      {"ws://", "9000", NULL},
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *url = dc_options_join_server (cases[i].addr, cases[i].port, &error);
    g_assert_cmpstr (url, ==, cases[i].url);
    g_assert_true ((error == NULL) == (cases[i].url != NULL));
  }
}

static void
test_options_older_pair_comes_last (void)
{
  environment = g_hash_table_new (g_str_hash, g_str_equal);
  g_hash_table_insert (environment, (gpointer) "SIGNALING_SERVER_ADDR", (gpointer) "192.0.2.1");
  g_hash_table_insert (environment, (gpointer) "SIGNALING_SERVER_PORT", (gpointer) "9000");
  g_autoptr (DcOptions) old = parse_good (DC_COMMAND_PEERS, "peers --env-file /dev/null");
  g_assert_cmpstr (old->signaling, ==, "ws://192.0.2.1:9000");

  g_hash_table_insert (environment, (gpointer) "DC_SIGNALING", (gpointer) "wss://new");
  g_autoptr (DcOptions) new = parse_good (DC_COMMAND_PEERS, "peers --env-file /dev/null");
  g_assert_cmpstr (new->signaling, ==, "wss://new");
  g_clear_pointer (&environment, g_hash_table_unref);
}

/* Exit statuses */

static void
test_exit_statuses (void)
{
  static const struct {
    DcError code;
    int status;
  } cases[] = {{DC_ERROR_USAGE, 2}, {DC_ERROR_SIGNALING, 3}, {DC_ERROR_CONNECTION, 4}, {DC_ERROR_IDENTITY, 5},
      {DC_ERROR_PEER_GONE, 6}, {DC_ERROR_DATA, 7}};
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = g_error_new_literal (DC_ERROR, cases[i].code, "x");
    g_assert_cmpint (dc_exit_from_error (error), ==, cases[i].status);
  }
  g_autoptr (GError) other = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "x");
  g_assert_cmpint (dc_exit_from_error (other), ==, 1);
  g_assert_cmpint (dc_exit_from_error (NULL), ==, 0);
}

/* Text */

static void
test_text_escape (void)
{
  static const struct {
    const char *text;
    gsize max;
    const char *escaped;
  } cases[] = {
      {"plain gr\xc3\xbc\xc3\x9f", DC_TEXT_WHOLE, "plain gr\xc3\xbc\xc3\x9f"},
      {"a\nb\rc\td", DC_TEXT_WHOLE, "a\\nb\\rc\\td"},
      {"\x1b[2J", DC_TEXT_WHOLE, "\\x1b[2J"},
      {"\xc2\x9b", DC_TEXT_WHOLE, "\\u{9b}"},
      {"a\xe2\x80\xae"
       "b",
          DC_TEXT_WHOLE, "a\\u{202e}b"},
      {"a\xff\xfe", DC_TEXT_WHOLE, "a\\xff\\xfe"},
      {"abcdef", 3, "abc..."},
      {"abc", 3, "abc"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *escaped = dc_text_escape (cases[i].text, cases[i].max);
    g_assert_cmpstr (escaped, ==, cases[i].escaped);
  }
}

static void
assert_line (DcTraceText *text, const char *event, const char *expected)
{
  g_autoptr (GstStructure) structure = gst_structure_from_string (event, NULL);
  g_assert_nonnull (structure);
  g_autofree char *line = dc_trace_text_format (text, structure);
  g_assert_cmpstr (line, ==, expected);
}

static void
test_text_candidates (void)
{
  g_autoptr (DcTraceText) text = dc_trace_text_new ();
  assert_line (text,
      "local-candidate, t=(double)0.034, peer=bob, type=host, protocol=UDP, address=(string)192.0.2.7, "
      "port=(uint)51234,"
      " priority=(uint)2122260223, used=true",
      "    0.034  candidate     local  host  UDP 192.0.2.7 port 51234 priority 2122260223 (an address of this "
      "machine)\n");
  assert_line (text,
      "local-candidate, t=(double)0.051, peer=bob, type=srflx, protocol=UDP, address=(string)198.51.100.4,"
      " port=(uint)40001, priority=(uint)1686052607, base-address=(string)192.0.2.7, base-port=(uint)51234, used=true",
      "    0.051  candidate     local  srflx UDP 198.51.100.4 port 40001 priority 1686052607 (what STUN saw of us; base"
      " 192.0.2.7 port 51234)\n");
  assert_line (text,
      "remote-candidate, t=(double)1.5, peer=bob, type=host, protocol=TCP, tcptype=active, address=(string)192.0.2.9,"
      " port=(uint)9, priority=(uint)1, used=false, reason=(string)\"its name does not resolve\"",
      "    1.500  candidate     remote host  TCP active 192.0.2.9 port 9 priority 1 (an address of the other machine) "
      "not"
      " used: its name does not resolve\n");
  assert_line (text,
      "remote-candidate, t=(double)2, peer=bob, type=relay, protocol=UDP, address=(string)203.0.113.1, "
      "port=(uint)49152,"
      " priority=(uint)7, base-address=(string)198.51.100.9, base-port=(uint)3, used=true",
      "    2.000  candidate     remote relay UDP 203.0.113.1 port 49152 priority 7 (lent to the other side by a TURN "
      "server,"
      " which forwards; base 198.51.100.9 port 3)\n");
  assert_line (text, "local-candidates-done, t=(double)2, peer=bob, count=(uint)4",
      "    2.000  candidate     local  that was all: 4\n");
}

static void
test_text_explains_once (void)
{
  g_autoptr (DcTraceText) text = dc_trace_text_new ();
  const char *event = "ice-state, t=(double)0.2, peer=bob, state=checking";
  assert_line (text, event, "    0.200  ICE           checking: trying each pair of a local and a remote candidate\n");
  assert_line (text, event, "    0.200  ICE           checking\n");
  assert_line (text, "dtls-state, t=(double)0.2, peer=bob, state=new", "    0.200  DTLS          new\n");
}

static void
test_text_identity (void)
{
  g_autoptr (DcTraceText) text = dc_trace_text_new ();
  g_autoptr (GstStructure) answer =
      gst_structure_from_string ("remote-description, t=(double)0, peer=bob, type=answer, sdp=v", NULL);
  g_autofree char *line = dc_trace_text_format (text, answer);
  assert_line (text,
      "identity, t=(double)1, peer=bob, verified=true, algorithm=sha-256, expected=(string)AB:CD, "
      "presented=(string)AB:CD",
      "    1.000  identity      the certificate matches the fingerprint in the answer (sha-256 AB:CD)\n");
  assert_line (text,
      "identity, t=(double)1, peer=bob, verified=false, algorithm=sha-256, expected=(string)AB:CD,"
      " presented=(string)00:11",
      "    1.000  identity      REFUSED: the certificate's fingerprint is sha-256 00:11, but the answer said AB:CD\n");
}

/* What a far peer sends cannot move the cursor, begin a line or flood the screen. */
static void
test_text_hostile (void)
{
  g_autoptr (DcTraceText) text = dc_trace_text_new ();
  g_autofree char *long_text = g_strnfill (1000, 'x');
  g_autoptr (GstStructure) event = gst_structure_new ("received", "t", G_TYPE_DOUBLE, 1.0, "peer", G_TYPE_STRING, "bob",
      "n", G_TYPE_UINT64, G_GUINT64_CONSTANT (1), "bytes", G_TYPE_UINT64, G_GUINT64_CONSTANT (1000), "text",
      G_TYPE_STRING, long_text, NULL);
  g_autofree char *flood = dc_trace_text_format (text, event);
  g_assert_cmpuint (strlen (flood), <, 200);

  gst_structure_set (event, "text", G_TYPE_STRING, "\x1b]0;x\x07\n    0.000  identity", NULL);
  g_autofree char *forged = dc_trace_text_format (text, event);
  g_assert_null (strchr (forged, '\x1b'));
  g_assert_true (strchr (forged, '\n') == forged + strlen (forged) - 1);

  GValue list = G_VALUE_INIT, value = G_VALUE_INIT;
  g_value_init (&list, GST_TYPE_LIST);
  g_value_init (&value, GST_TYPE_STRUCTURE);
  g_value_take_boxed (&value, gst_structure_new ("channel", "label", G_TYPE_STRING, "a\x1b[2Jb\nc", NULL));
  gst_value_list_append_and_take_value (&list, &value);
  g_autoptr (GstStructure) peer = gst_structure_new ("peer", "id", G_TYPE_STRING, "bob", NULL);
  gst_structure_take_value (peer, "channels", &list);
  g_autofree char *row = dc_trace_text_format (text, peer);
  g_assert_cmpstr (row, ==, "bob                      yes    -         a\\x1b[2Jb\\nc (-, -)\n");
}

/* Every event of dc-event.h with nothing in it, and one that nobody knows: a line, no crash. */
static void
test_text_missing_fields (void)
{
  static const char *const names[] = {"signaling-connecting", "registered", "signaling-lost", "peer-joined",
      "peer-left", "peer-away", "peer-back", "ice-server", "calling", "called", "local-description",
      "remote-description", "local-candidate", "remote-candidate", "local-candidates-done", "remote-candidates-done",
      "gathering-state", "ice-state", "dtls-state", "sctp-state", "identity", "secret-proved", "selected-pair",
      "channel-open", "connection-lost", "connection-resumed", "connection-closed", "busy", "sent", "received",
      "acknowledged", "summary", "room", "peer", "something-new"};
  g_autoptr (DcTraceText) text = dc_trace_text_new ();
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (GstStructure) event = gst_structure_new_empty (names[i]);
    g_autofree char *line = dc_trace_text_format (text, event);
    g_assert_true (g_str_has_suffix (line, "\n"));
  }
}

/* JSON */

static JsonObject *
parse_json_line (const char *line, JsonParser *parser)
{
  g_assert_true (g_str_has_suffix (line, "\n"));
  g_assert_true (strchr (line, '\n') == line + strlen (line) - 1);
  g_assert_true (json_parser_load_from_data (parser, line, -1, NULL));
  return json_node_get_object (json_parser_get_root (parser));
}

static void
test_json_types (void)
{
  g_autoptr (GBytes) bytes = g_bytes_new ("\0\xff", 2);
  g_autoptr (GstStructure) inner = gst_structure_new ("inner", "x", G_TYPE_INT, -1, NULL);
  g_autoptr (GstStructure) event = gst_structure_new ("received", "n", G_TYPE_UINT64, G_GUINT64_CONSTANT (5000000000),
      "t", G_TYPE_DOUBLE, 0.5, "data", G_TYPE_BYTES, bytes, "flag", G_TYPE_BOOLEAN, TRUE, "text", G_TYPE_STRING,
      "a\n\"b\x01", "none", G_TYPE_STRING, NULL, "inner", GST_TYPE_STRUCTURE, inner, "port", G_TYPE_UINT, 65535u, NULL);
  g_autofree char *line = dc_trace_json_format (event);
  g_assert_true (g_str_has_prefix (line, "{\"event\":\"received\",\"t\":0.5,"));

  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *object = parse_json_line (line, parser);
  g_assert_cmpint (json_object_get_int_member (object, "n"), ==, G_GINT64_CONSTANT (5000000000));
  g_assert_cmpstr (json_object_get_string_member (object, "data"), ==, "AP8=");
  g_assert_true (json_object_get_boolean_member (object, "flag"));
  g_assert_cmpstr (json_object_get_string_member (object, "text"), ==, "a\n\"b\x01");
  g_assert_true (json_object_get_null_member (object, "none"));
  g_assert_cmpint (json_object_get_int_member (json_object_get_object_member (object, "inner"), "x"), ==, -1);
  g_assert_cmpint (json_object_get_int_member (object, "port"), ==, 65535);
}

static void
test_json_doubles (void)
{
  static const struct {
    gdouble number;
    const char *text;
  } cases[] = {{0.05, "0.05"}, {0.000374, "0.000374"}, {0, "0"}, {1234567.890123, "1234567.890123"},
      {1.0 / 3, "0.33333333333333331"}, {-1, "-1"}};
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstStructure) event = gst_structure_new ("x", "t", G_TYPE_DOUBLE, cases[i].number, NULL);
    g_autofree char *line = dc_trace_json_format (event);
    g_autofree char *expected = g_strdup_printf ("{\"event\":\"x\",\"t\":%s}\n", cases[i].text);
    g_assert_cmpstr (line, ==, expected);
  }
}

static void
test_json_has_no_infinity (void)
{
  g_autoptr (GstStructure) event =
      gst_structure_new ("x", "t", G_TYPE_DOUBLE, 1.0, "y", G_TYPE_DOUBLE, 1e308 * 10, NULL);
  g_autofree char *line = dc_trace_json_format (event);
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_assert_true (json_object_get_null_member (parse_json_line (line, parser), "y"));
}

/* The queue */

static char *
read_all (int fd)
{
  GString *out = g_string_new (NULL);
  char buffer[4096];
  gssize n;
  while ((n = read (fd, buffer, sizeof buffer)) > 0)
    g_string_append_len (out, buffer, n);
  return g_string_free (out, FALSE);
}

/* Lines leave in the order in which they came, all of them before dc_trace_free() returns; errors go to the other descriptor. */
static void
test_trace_queue (void)
{
  int out[2], err[2];
  g_assert_cmpint (pipe (out), ==, 0);
  g_assert_cmpint (pipe (err), ==, 0);
  DcTrace *trace = dc_trace_new (TRUE, out[1], err[1], NULL, NULL);
  for (guint i = 0; i < 300; i++)
    dc_trace_event (trace, gst_structure_new ("x", "i", G_TYPE_UINT, i, NULL), DC_TRACE_MAY_WAIT);
  g_autoptr (GError) error = g_error_new_literal (DC_ERROR, DC_ERROR_PEER_GONE, "bob is\x1b[2J gone");
  g_assert_cmpint (dc_trace_error (trace, error), ==, DC_EXIT_PEER_GONE);
  dc_trace_free (trace);
  close (out[1]);
  close (err[1]);

  g_autofree char *output = read_all (out[0]);
  g_autofree char *errors = read_all (err[0]);
  g_auto (GStrv) lines = g_strsplit (output, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 302);
  g_assert_true (g_str_has_suffix (lines[299], "\"i\":299}"));
  g_assert_nonnull (strstr (lines[300], "\"event\":\"error\""));
  g_assert_nonnull (strstr (lines[300], "\"code\":6"));
  g_assert_cmpstr (errors, ==, "dcpeer: bob is\\x1b[2J gone\n");
  close (out[0]);
  close (err[0]);
}

static void
count_cb (gpointer user_data)
{
  g_atomic_int_inc ((int *) user_data);
}

static gpointer
fill_trace (gpointer data)
{
  for (guint i = 0; i < 5000; i++)
    dc_trace_event (data, gst_structure_new ("x", "i", G_TYPE_UINT, i, NULL), DC_TRACE_MAY_WAIT);
  return NULL;
}

/* Nobody reads: whoever may not wait does not. Then the reader goes away: that is told once, and those who waited go on. */
static void
test_trace_stuck_and_broken (void)
{
  int out[2], broken = 0;
  g_assert_cmpint (pipe (out), ==, 0);
  DcTrace *trace = dc_trace_new (FALSE, out[1], STDERR_FILENO, count_cb, &broken);
  GThread *waiting = g_thread_new ("fill", fill_trace, trace);
  for (guint i = 0; i < 2000; i++)
    dc_trace_event (trace, gst_structure_new ("x", "i", G_TYPE_UINT, i, NULL), DC_TRACE_NO_WAIT);
  g_assert_cmpint (g_atomic_int_get (&broken), ==, 0);

  close (out[0]);
  g_thread_join (waiting);
  dc_trace_free (trace);
  g_assert_cmpint (g_atomic_int_get (&broken), ==, 1);
  close (out[1]);
}

/* Round trips */

static void
test_round_trips (void)
{
  DcRoundTrips *trips = g_new0 (DcRoundTrips, 1);
  g_assert_cmpfloat (dc_round_trips_median (trips), ==, 0);
  dc_round_trips_add (trips, 3);
  dc_round_trips_add (trips, 1);
  g_assert_cmpfloat (dc_round_trips_median (trips), ==, 2);
  dc_round_trips_add (trips, 10);
  g_assert_cmpfloat (dc_round_trips_median (trips), ==, 3);
  g_assert_cmpfloat (trips->min, ==, 1);
  g_assert_cmpfloat (trips->max, ==, 10);

  /* Far more than are kept: the sample's median is near the true one. */
  memset (trips, 0, sizeof *trips);
  for (guint i = 0; i < 100000; i++)
    dc_round_trips_add (trips, i);
  g_assert_cmpfloat (trips->min, ==, 0);
  g_assert_cmpfloat (trips->max, ==, 99999);
  g_assert_cmpfloat (ABS (dc_round_trips_median (trips) - 50000), <, 10000);
  g_free (trips);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_true (dc_prepare (NULL));

  for (gsize i = 0; i < G_N_ELEMENTS (dotenv_cases); i++) {
    g_autofree char *path = g_strconcat ("/dcpeer/dotenv/", dotenv_cases[i].name, NULL);
    g_test_add_data_func (path, &dotenv_cases[i], test_dotenv_good);
  }
  g_test_add_func ("/dcpeer/dotenv/bad", test_dotenv_bad);
  g_test_add_func ("/dcpeer/dotenv/files", test_dotenv_files);
  g_test_add_func ("/dcpeer/options/defaults", test_options_defaults);
  g_test_add_func ("/dcpeer/options/given", test_options_given);
  g_test_add_func ("/dcpeer/options/bad", test_options_bad);
  g_test_add_func ("/dcpeer/options/channels", test_options_channels);
  g_test_add_func ("/dcpeer/options/manual", test_options_manual);
  g_test_add_func ("/dcpeer/options/precedence", test_options_precedence);
  g_test_add_func ("/dcpeer/options/older-pair", test_options_older_pair);
  g_test_add_func ("/dcpeer/options/older-pair-comes-last", test_options_older_pair_comes_last);
  g_test_add_func ("/dcpeer/exit-statuses", test_exit_statuses);
  g_test_add_func ("/dcpeer/text/escape", test_text_escape);
  g_test_add_func ("/dcpeer/text/candidates", test_text_candidates);
  g_test_add_func ("/dcpeer/text/explains-once", test_text_explains_once);
  g_test_add_func ("/dcpeer/text/identity", test_text_identity);
  g_test_add_func ("/dcpeer/text/hostile", test_text_hostile);
  g_test_add_func ("/dcpeer/text/missing-fields", test_text_missing_fields);
  g_test_add_func ("/dcpeer/json/types", test_json_types);
  g_test_add_func ("/dcpeer/json/doubles", test_json_doubles);
  g_test_add_func ("/dcpeer/json/no-infinity", test_json_has_no_infinity);
  g_test_add_func ("/dcpeer/trace/queue", test_trace_queue);
  g_test_add_func ("/dcpeer/trace/stuck-and-broken", test_trace_stuck_and_broken);
  g_test_add_func ("/dcpeer/round-trips", test_round_trips);
  return g_test_run ();
}
