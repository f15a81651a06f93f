/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-dcpeer-units.c: dcpeer's parts without a network: .env files, options, exit statuses, round-trip statistics. */
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "apps/dcpeer.h"
#include "apps/dotenv.h"
#include "apps/options.h"
#include "plugins/peer/dc-channel-options.h"
#include "apps/round-trips.h"
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
      " --streams 8 --ice-tcp --interface eth0 --interface tun0 --port-range 1-2 --proxy http://p:1 --fast auto"
      " --certificate own.pem");
  g_assert_cmpstr (options->signaling, ==, "wss://h:1");
  g_assert_cmpstr (options->room, ==, "r");
  g_assert_cmpstr (options->id, ==, "me");
  g_assert_cmpstr (options->to, ==, "you");
  g_assert_cmpstr (options->stun_servers, ==, "stun://s t");
  g_assert_cmpstr (options->interfaces, ==, "eth0 tun0");
  g_assert_cmpstr (options->port_range, ==, "1-2");
  g_assert_cmpstr (options->proxy, ==, "http://p:1");
  g_assert_cmpstr (options->certificate, ==, "own.pem");
  g_assert_true (options->ice_tcp);
  g_assert_cmpint (options->fast, ==, DC_FAST_AUTO);
  g_assert_cmpstr (options->turn_servers[0], ==, "turn://a:b@c");
  g_assert_cmpstr (options->turn_servers[1], ==, "turn://d:e@f");
  g_assert_cmpuint (options->count, ==, 0);
  g_assert_cmpint (options->interval, ==, G_USEC_PER_SEC / 4);
  g_assert_cmpstr (options->message, ==, "a b");
  g_assert_cmpuint (options->timeout, ==, 2);
  g_assert_cmpuint (options->streams, ==, 8);
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
  g_assert_cmpuint (usual->streams, ==, DC_CHANNEL_STREAMS_AUTO);
  g_assert_cmpuint (usual->max_message_size, ==, 262144);

  g_autoptr (DcOptions) raw =
      parse_good (DC_COMMAND_OFFER, "offer --env-file /dev/null --raw --label a --label b --protocol p --unordered "
                                    "--max-retransmits 0 --negotiated 1023"
                                    " --max-message-size 4194304 --hang-up");
  g_assert_cmpstr (raw->labels[1], ==, "b");
  g_assert_cmpstr (raw->protocol, ==, "p");
  g_assert_true (raw->raw && raw->unordered && raw->hang_up && !raw->any_label);
  g_assert_cmpint (raw->max_retransmits, ==, 0);
  g_assert_cmpint (raw->negotiated, ==, 1023);
  g_assert_cmpuint (raw->max_message_size, ==, 4194304);

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
      {"--streams 9", "--streams takes auto or a number from 1 to 8"},
      {"--streams 0", "--streams takes auto or a number from 1 to 8"},
      {"--interval -1", "--interval takes seconds"},
      {"--interval nan", "--interval takes seconds"},
      {"--interval inf", "--interval takes seconds"},
      {"--interval 1s", "--interval takes seconds"},
      {"--interval .", "--interval takes seconds"},
      {"--interval 86401", "--interval takes seconds"},
      {"--fast on", "--fast takes auto or off, not \"on\""},
      {"--ice-policy some", "--ice-policy takes all or relay, not \"some\""},
      {"--message \xff", "--message takes UTF-8"},
      {"--once", "--once"}, /* offer has none */
      {"--env-file /nonexistent", "/nonexistent cannot be read"},
      {"--unordered", "--unordered goes with --raw only"},
      {"--max-lifetime 1", "--max-lifetime goes with --raw only"},
      {"--raw --max-retransmits 65536", "--max-retransmits takes a whole number from 0 to 65535"},
      {"--raw --negotiated 1024", "--negotiated takes a whole number from 0 to 1023"},
      {"--max-message-size 1000", "--max-message-size goes with --raw only"},
      {"--raw --max-message-size 4194305", "--max-message-size takes a whole number from 1 to 4194304"},
      {"--raw --max-message-size 0", "--max-message-size takes a whole number from 1 to 4194304"},
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
  const char *contents =
      "DC_ROOM=file-room\r\nDC_ID=file-id\r\nDC_STUN=stun://file\r\nUNKNOWN=x\r\n"
      "DC_TURN=\"turn://a:b@c, turn://d:e@f\tturn://g:h@i\"\r\nDC_TOKEN=t\r\nDC_SECRET=s\r\nDC_FAST=auto\r\n";
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
  g_assert_cmpint (options->fast, ==, DC_FAST_AUTO);
  g_assert_cmpuint (g_strv_length (options->turn_servers), ==, 3);
  g_assert_cmpstr (options->turn_servers[2], ==, "turn://g:h@i");

  g_hash_table_insert (environment, (gpointer) "DC_FAST", (gpointer) "off");
  g_autoptr (DcOptions) other = parse_good (DC_COMMAND_OFFER, words);
  g_assert_cmpint (other->fast, ==, DC_FAST_OFF);
  g_hash_table_insert (environment, (gpointer) "DC_FAST", (gpointer) "yes");
  g_autoptr (GError) error = NULL;
  g_assert_null (parse_words (DC_COMMAND_OFFER, words, &error));
  g_assert_cmpstr (error->message, ==, "DC_FAST takes auto or off, not \"yes\"");

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
  g_test_add_func ("/dcpeer/round-trips", test_round_trips);
  return g_test_run ();
}
