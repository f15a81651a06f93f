/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-dtls-openssl.c: a DTLS session with the openssl command at the other end, through UDP on 127.0.0.1. */
#include <string.h>

#include "plugins/transport/dc-dtls-session.h"
#include "tests/harness/dc-test-process.h"
#include "tests/harness/dc-test.h"

#define LARGEST 2048
#define CHANGE_CIPHER_SPEC 20
#define SRTP_BYTES 60 /* two keys, two salts */

/* --- Our side -------------------------------------------------------------------------------------------------------------------- */

typedef struct {
  GSocket *socket;
  GSocketAddress *to; /* (nullable): where the last datagram came from */
  DcDtlsSession *session;
  DcDtlsState state;
  GError *error;
  GString *received;
  guint by_callback; /* packets of that */
  guint to_lose;     /* datagrams that begin with ChangeCipherSpec, before one is sent */
} Us;

static void
send_packets (DcPacket *packets, guint n, gpointer user_data)
{
  Us *self = user_data;

  for (guint i = 0; i < n; i++)
    if (packets[i].size > 0 && packets[i].data[0] == CHANGE_CIPHER_SPEC && self->to_lose > 0)
      self->to_lose--;
    else if (packets[i].size > 0)
      g_socket_send_to (self->socket, self->to, (const char *) packets[i].data, packets[i].size, NULL, NULL);
}

static void
take_packets (DcPacket *packets, guint n, gpointer user_data)
{
  Us *self = user_data;

  for (guint i = 0; i < n; i++)
    g_string_append_len (self->received, (const char *) packets[i].data, (gssize) packets[i].size);
  self->by_callback += n;
}

static void
note_state (DcDtlsState state, const GError *error, gpointer user_data)
{
  Us *self = user_data;

  self->state = state;
  if (error != NULL)
    self->error = g_error_copy (error);
}

static Us *
us_new (gboolean is_client, const char *pem)
{
  static const DcDtlsCallbacks callbacks = {send_packets, take_packets, note_state, NULL};
  Us *self = g_new0 (Us, 1);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr (DcDtlsCertificate) certificate = NULL;
  g_autoptr (GError) error = NULL;

  certificate = pem != NULL ? dc_dtls_certificate_new_from_pem (pem, &error) : dc_dtls_certificate_new (&error);
  g_assert_no_error (error);
  self->socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, &error);
  g_assert_no_error (error);
  g_assert_true (g_socket_bind (self->socket, any, FALSE, &error));
  g_socket_set_blocking (self->socket, FALSE);
  self->received = g_string_new (NULL);
  self->session = dc_dtls_session_new (certificate, is_client, &callbacks, self);
  return self;
}

static void
us_free (Us *self)
{
  dc_dtls_session_unref (self->session);
  g_object_unref (self->socket);
  g_clear_object (&self->to);
  g_clear_error (&self->error);
  g_string_free (self->received, TRUE);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Us, us_free)

static guint
us_get_port (Us *self)
{
  g_autoptr (GSocketAddress) address = g_socket_get_local_address (self->socket, NULL);

  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address));
}

static void
open_next (Us *self)
{
  guint8 datagram[LARGEST];
  DcPacket packet = {datagram, 0};
  GSocketAddress *from = NULL;
  gssize size = g_socket_receive_from (self->socket, &from, (char *) datagram, sizeof datagram, NULL, NULL);

  if (size < 0)
    return;
  g_set_object (&self->to, from);
  g_object_unref (from);
  packet.size = (gsize) size;
  dc_dtls_session_open (self->session, &packet, 1);
  if (packet.size > 0)
    g_string_append_len (self->received, (const char *) packet.data, (gssize) packet.size);
}

static void
us_step (Us *self)
{
  gint64 deadline = dc_dtls_session_get_deadline (self->session);
  gint64 left = deadline >= 0 ? MAX (deadline - g_get_monotonic_time (), 0) : G_TIME_SPAN_SECOND;

  if (g_socket_condition_timed_wait (self->socket, G_IO_IN, left, NULL, NULL))
    open_next (self);
  else
    dc_dtls_session_handle_timeout (self->session);
}

/* The watchdog bounds it. */
#define us_run_until(self, condition)                                                                                  \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    while (!(condition))                                                                                               \
      us_step (self);                                                                                                  \
  }                                                                                                                    \
  G_STMT_END

static void
us_say (Us *self, const char *text)
{
  guint8 block[DC_PACKET_HEAD + LARGEST + DC_PACKET_TAIL];
  DcPacket packet = {block + DC_PACKET_HEAD, strlen (text)};

  memcpy (packet.data, text, packet.size);
  g_assert_true (dc_dtls_session_seal (self->session, &packet, 1));
  send_packets (&packet, 1, self);
}

/* --- Their side ------------------------------------------------------------------------------------------------------------------ */

typedef struct {
  gboolean we_are_client;
  const char *key;     /* of their certificate, for `openssl req -newkey` */
  const char *options; /* separated by blanks; NULL: none */
  gboolean ours;       /* it is a suite of AES-GCM */
} Case;

typedef struct {
  char *dir, *pem;
  Us *us;
  DcTestProcess *them;
} Pair;

static void
make_pem (Pair *self, const char *key)
{
  g_autofree char *words = g_strdup_printf (
      "openssl req -x509 -newkey %s -nodes -days 2 -subj /CN=them -keyout them.pem -out cert.pem", key);
  g_auto (GStrv) argv = g_strsplit (words, " ", -1);
  g_autofree char *cert_file = g_build_filename (self->dir, "cert.pem", NULL);
  g_autofree char *cert = NULL, *of_key = NULL, *both = NULL;
  int status = -1;

  self->pem = g_build_filename (self->dir, "them.pem", NULL);
  g_assert_true (g_spawn_sync (self->dir, argv, NULL,
      G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL, NULL, &status,
      NULL));
  g_assert_cmpint (status, ==, 0);
  g_assert_true (g_file_get_contents (cert_file, &cert, NULL, NULL));
  g_assert_true (g_file_get_contents (self->pem, &of_key, NULL, NULL));
  both = g_strconcat (of_key, cert, NULL);
  g_assert_true (g_file_set_contents (self->pem, both, -1, NULL));
}

static DcTestProcess *
spawn (Pair *self, const char *command, const char *options)
{
  g_autofree char *words = g_strdup_printf ("openssl %s -cert %s -key %s -use_srtp SRTP_AES128_CM_SHA1_80 "
                                            "-keymatexport EXTRACTOR-dtls_srtp -keymatexportlen %d %s",
      command, self->pem, self->pem, SRTP_BYTES, options != NULL ? options : "-dtls1_2");
  g_auto (GStrv) argv = g_strsplit (words, " ", -1);

  return dc_test_process_newv ((const char *const *) argv, NULL);
}

static void
be_client (Pair *self, const char *options)
{
  const char *line;
  g_autoptr (GError) error = NULL;

  self->them = spawn (self, "s_server -accept 127.0.0.1:0 -Verify 1", options);
  line = dc_test_process_wait_line (self->them, "ACCEPT ");
  self->us->to =
      g_inet_socket_address_new_from_string ("127.0.0.1", (guint) g_ascii_strtoull (strrchr (line, ':') + 1, NULL, 10));
  dc_dtls_session_start (self->us->session);
}

static void
be_server (Pair *self, const char *options)
{
  g_autofree char *command = g_strdup_printf ("s_client -connect 127.0.0.1:%u", us_get_port (self->us));

  dc_dtls_session_start (self->us->session);
  self->them = spawn (self, command, options);
}

/* NULL: there is no openssl, and the test is skipped. Otherwise a handshake that is about to begin. */
static Pair *
pair_new (const Case *c)
{
  g_autofree char *openssl = g_find_program_in_path ("openssl");
  Pair *self;

  if (openssl == NULL) {
    g_test_skip ("the openssl command is not installed");
    return NULL;
  }
  self = g_new0 (Pair, 1);
  self->dir = dc_test_make_dir ();
  make_pem (self, c->key);
  self->us = us_new (c->we_are_client, NULL);
  if (c->we_are_client)
    be_client (self, c->options);
  else
    be_server (self, c->options);
  return self;
}

static void
pair_free (Pair *self)
{
  us_free (self->us);
  dc_test_process_free (self->them);
  dc_test_remove_dir (self->dir);
  g_free (self->pem);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pair, pair_free)

/* --- Cases ----------------------------------------------------------------------------------------------------------------------- */

static void
assert_same_keys (Pair *pair)
{
  const char *line = dc_test_process_wait_line (pair->them, "Keying material: ");
  guint8 client[30], server[30];
  guint profile = 0;
  GString *hex = g_string_new (NULL);

  g_assert_true (dc_dtls_session_get_srtp_keys (pair->us->session, &profile, client, server));
  g_assert_cmpuint (profile, ==, 1);
  for (guint i = 0; i < SRTP_BYTES; i++) {
    /* The keys, then the salts. */
    const guint8 *from = i < 16 || (i >= 32 && i < 46) ? client : server;
    guint at = i < 32 ? i % 16 : 16 + (i - 32) % 14;
    g_string_append_printf (hex, "%02X", from[at]);
  }
  g_assert_nonnull (strstr (line, hex->str));
  g_string_free (hex, TRUE);
}

static void
assert_talks (Pair *pair, const char *ours, const char *theirs)
{
  g_autofree char *line = g_strconcat (theirs, "\n", NULL);

  us_say (pair->us, ours);
  us_say (pair->us, "\n");
  dc_test_process_wait_line (pair->them, ours);
  dc_test_process_write (pair->them, line);
  us_run_until (pair->us, strstr (pair->us->received->str, line) != NULL);
}

static void
test_talk (gconstpointer data)
{
  const Case *c = data;
  g_autoptr (Pair) pair = pair_new (c);

  if (pair == NULL)
    return;
  dc_test_watchdog_start (60);
  us_run_until (pair->us, pair->us->state >= DC_DTLS_CONNECTED);
  g_assert_no_error (pair->us->error);
  assert_same_keys (pair);
  assert_talks (pair, "how do you do", "thank you");
  assert_talks (pair, "one more line", "and another");
  /* All of what isn't ours comes by the callback. */
  g_assert_true (c->ours == (pair->us->by_callback == 0));
  dc_test_watchdog_stop ();
}

/* The last flight of ours is lost, but not what we say at once, behind it: more than the window of numbers that the command would take late. */
static void
test_early (gconstpointer data)
{
  g_autoptr (Pair) pair = pair_new (data);

  if (pair == NULL)
    return;
  dc_test_watchdog_start (60);
  pair->us->to_lose = 1;
  us_run_until (pair->us, pair->us->state >= DC_DTLS_CONNECTED);
  g_assert_cmpuint (pair->us->to_lose, ==, 0);
  for (guint i = 0; i < 80; i++) {
    g_autofree char *text = g_strdup_printf ("early %u\n", i);
    us_say (pair->us, text);
  }
  dc_test_process_write (pair->them, "there it is\n");
  us_run_until (pair->us, pair->us->received->len > 0);
  dc_test_process_wait_line (pair->them, "early 0"); /* it does not keep all */
  assert_talks (pair, "how do you do", "thank you");
  dc_test_watchdog_stop ();
}

/* Whoever has little memory may ask for small records (RFC 6066, section 4). */
static void
test_small_records (gconstpointer data)
{
  g_autoptr (Pair) pair = pair_new (data);
  guint8 block[DC_PACKET_HEAD + 513 + DC_PACKET_TAIL] = {0};
  DcPacket packet = {block + DC_PACKET_HEAD, 512};

  if (pair == NULL)
    return;
  dc_test_watchdog_start (60);
  us_run_until (pair->us, pair->us->state >= DC_DTLS_CONNECTED);
  assert_talks (pair, "how do you do", "thank you");
  g_assert_true (dc_dtls_session_seal (pair->us->session, &packet, 1));
  g_assert_cmpuint (packet.size, >, 512);
  packet = (DcPacket){block + DC_PACKET_HEAD, 513};
  g_assert_true (dc_dtls_session_seal (pair->us->session, &packet, 1));
  g_assert_cmpuint (packet.size, ==, 0);
  dc_test_watchdog_stop ();
}

/* The word of s_client for: say close_notify, and go. (s_server has none, it closes its socket first.) */
static void
test_close_theirs (gconstpointer data)
{
  g_autoptr (Pair) pair = pair_new (data);

  if (pair == NULL)
    return;
  dc_test_watchdog_start (60);
  us_run_until (pair->us, pair->us->state >= DC_DTLS_CONNECTED);
  assert_talks (pair, "here I am", "and I");
  dc_test_process_write (pair->them, "Q\n");
  us_run_until (pair->us, pair->us->state == DC_DTLS_CLOSED);
  g_assert_no_error (pair->us->error);
  dc_test_watchdog_stop ();
}

static void
test_close_ours (gconstpointer data)
{
  const Case *c = data;
  g_autoptr (Pair) pair = pair_new (c);

  if (pair == NULL)
    return;
  dc_test_watchdog_start (60);
  us_run_until (pair->us, pair->us->state >= DC_DTLS_CONNECTED);
  assert_talks (pair, "here I am", "and I");
  dc_dtls_session_close (pair->us->session);
  us_run_until (pair->us, pair->us->state == DC_DTLS_CLOSED);
  dc_test_process_wait_line (pair->them, c->we_are_client ? "DONE" : "closed");
  dc_test_watchdog_stop ();
}

/* The command's word for: another handshake. */
static void
test_renegotiation (gconstpointer data)
{
  const Case *c = data;
  g_autoptr (Pair) pair = pair_new (c);

  if (pair == NULL)
    return;
  dc_test_watchdog_start (60);
  us_run_until (pair->us, pair->us->state >= DC_DTLS_CONNECTED);
  assert_talks (pair, "here I am", "and I");
  dc_test_process_write (pair->them, c->we_are_client ? "r\n" : "R\n");
  /* What we send is a warning, which the command takes for the end. */
  us_run_until (pair->us, pair->us->state != DC_DTLS_CONNECTED);
  dc_test_process_wait_line (pair->them, "no renegotiation");
  dc_test_watchdog_stop ();
}

/* Before we have said or heard a word, so that it is OpenSSL that refuses. */
static void
test_renegotiation_early (gconstpointer data)
{
  g_autoptr (Pair) pair = pair_new (data);

  if (pair == NULL)
    return;
  dc_test_watchdog_start (60);
  us_run_until (pair->us, pair->us->state >= DC_DTLS_CONNECTED);
  dc_test_process_wait_line (pair->them, "Verify return code");
  dc_test_process_write (pair->them, "R\n");
  us_run_until (pair->us, pair->us->state != DC_DTLS_CONNECTED);
  dc_test_process_wait_line (pair->them, "no renegotiation");
  dc_test_watchdog_stop ();
}

static void
test_refused (gconstpointer data)
{
  g_autoptr (Pair) pair = pair_new (data);

  if (pair == NULL)
    return;
  dc_test_watchdog_start (60);
  us_run_until (pair->us, pair->us->state >= DC_DTLS_CONNECTED);
  g_assert_cmpint (pair->us->state, ==, DC_DTLS_FAILED);
  g_assert_nonnull (pair->us->error);
  g_test_message ("%s", pair->us->error->message);
  g_assert_cmpuint (strlen (pair->us->error->message), >, strlen ("DTLS failed: "));
  dc_test_watchdog_stop ();
}

/* --- All of them ----------------------------------------------------------------------------------------------------------------- */

#define EC "ec -pkeyopt ec_paramgen_curve:P-256"
#define RSA "rsa:2048"

static const struct {
  const char *name;
  Case c;
} talks[] = {
    {"client/ecdsa", {TRUE, EC, NULL, TRUE}},
    {"client/rsa", {TRUE, RSA, NULL, TRUE}},
    {"client/aes256", {TRUE, EC, "-dtls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384", TRUE}},
    {"client/chacha20", {TRUE, RSA, "-dtls1_2 -cipher ECDHE-RSA-CHACHA20-POLY1305", FALSE}},
    {"client/cbc", {TRUE, EC, "-dtls1_2 -cipher ECDHE-ECDSA-AES128-SHA", FALSE}},
    {"client/small-packets", {TRUE, RSA, "-dtls1_2 -mtu 300", TRUE}},
    {"server/ecdsa", {FALSE, EC, NULL, TRUE}},
    {"server/rsa", {FALSE, RSA, NULL, TRUE}},
    {"server/aes256", {FALSE, EC, "-dtls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384", TRUE}},
    {"server/chacha20", {FALSE, EC, "-dtls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305", FALSE}},
    {"server/cbc", {FALSE, EC, "-dtls1_2 -cipher ECDHE-ECDSA-AES256-SHA384", FALSE}},
    {"server/small-packets", {FALSE, RSA, "-dtls1_2 -mtu 300", TRUE}},
};
static const struct {
  const char *name;
  Case c;
} refusals[] = {
    {"client/no-forward-secrecy", {TRUE, RSA, "-dtls1_2 -cipher AES128-SHA"}},
    {"client/dtls1.0", {TRUE, RSA, "-dtls1 -cipher ALL:@SECLEVEL=0"}},
    {"server/no-forward-secrecy", {FALSE, RSA, "-dtls1_2 -cipher AES128-SHA"}},
    {"server/dtls1.0", {FALSE, RSA, "-dtls1 -cipher ALL:@SECLEVEL=0"}},
};

int
main (int argc, char **argv)
{
  static const Case as_client = {TRUE, EC, NULL}, as_server = {FALSE, EC, NULL};
  static const Case small = {FALSE, EC, "-dtls1_2 -maxfraglen 512"};

  dc_test_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (talks); i++) {
    g_autofree char *path = g_strconcat ("/dtls-openssl/", talks[i].name, NULL);
    g_test_add_data_func (path, &talks[i].c, test_talk);
  }
  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++) {
    g_autofree char *path = g_strconcat ("/dtls-openssl/refused/", refusals[i].name, NULL);
    g_test_add_data_func (path, &refusals[i].c, test_refused);
  }
  g_test_add_data_func ("/dtls-openssl/close/ours/client", &as_client, test_close_ours);
  g_test_add_data_func ("/dtls-openssl/close/ours/server", &as_server, test_close_ours);
  g_test_add_data_func ("/dtls-openssl/close/theirs/server", &as_server, test_close_theirs);
  g_test_add_data_func ("/dtls-openssl/renegotiation/client", &as_client, test_renegotiation);
  g_test_add_data_func ("/dtls-openssl/renegotiation/server", &as_server, test_renegotiation);
  g_test_add_data_func ("/dtls-openssl/renegotiation/server-early", &as_server, test_renegotiation_early);
  g_test_add_data_func ("/dtls-openssl/early/server", &as_server, test_early);
  g_test_add_data_func ("/dtls-openssl/small-records", &small, test_small_records);
  return g_test_run ();
}
