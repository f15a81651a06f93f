/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-dtls-handshake.c: the handshake of DTLS 1.2 by OpenSSL, records in, datagrams out; and records of suites that are not ours.
 *
 * Theory of operation
 * -------------------
 * OpenSSL reads and writes a BIO of our own, in which a read is one record and a write is one datagram. It keeps what it has sent until it is answered, and
 * repeats that when its timer says so: 0.2 s at first, since that is longer than most ways there and back, then twice as long each time, up to
 * 10 s; after a good minute of silence it gives up. (It reads the time itself, from the wall clock: a clock that is set back while something is lost
 * makes that wait.)
 *
 * It asks the far side for a certificate, and takes any for which @verify answers; what else is in a certificate nobody has vouched for. Suites are
 * those of forward secrecy: AES-GCM, which everybody has, first, so that the records need no OpenSSL, and the rest for who has no other. There is no
 * session to be resumed, no ticket, no compression, and no second handshake.
 *
 * The keys of the records are those that OpenSSL has, derived once more (RFC 5246, section 6.3). Since it and we seal with the same key, if not at the same
 * time, we read in its output up to where it has used numbers and nonces. */
#include "plugins/transport/dc-dtls-handshake.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/srtp.h>
#include <string.h>
#include <sys/time.h>

#include "plugins/transport/dc-dtls-error.h"

#define MTU 1200
#define FIRST_TIMEOUT (200 * 1000u)
#define LONGEST_TIMEOUT (10 * 1000 * 1000u)
#define MAX_CERTIFICATES (32 * 1024) /* bytes, of the far side's chain */

#define SUITES                                                                                                         \
  "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                                                         \
  "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                                                         \
  "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"                                                         \
  "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:"               \
  "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA"
#define GROUPS "X25519:P-256:P-384"
#define SRTP_PROFILES "SRTP_AES128_CM_SHA1_80:SRTP_AES128_CM_SHA1_32"
#define SRTP_LABEL "EXTRACTOR-dtls_srtp"
#define SRTP_KEY 16u
#define SRTP_SALT 14u
G_STATIC_ASSERT (SRTP_KEY + SRTP_SALT == DC_DTLS_SRTP_KEY_SIZE);

#define KEY_LABEL "key expansion"
#define KEY_LABEL_SIZE (sizeof KEY_LABEL - 1)
#define SALT_SIZE (sizeof ((DcDtlsKey *) NULL)->salt)
#define MAX_KEY_BLOCK (2 * (sizeof ((DcDtlsKey *) NULL)->key + SALT_SIZE))

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SSL_CTX, SSL_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_KDF, EVP_KDF_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_KDF_CTX, EVP_KDF_CTX_free)

struct _DcDtlsHandshake {
  SSL *ssl;
  DcDtlsVerify verify;
  gpointer user_data;
  gboolean is_client, done;
  gboolean refused;    /* the far side's certificate, by @verify */
  const guint8 *input; /* (nullable): the record that OpenSSL is to read */
  gsize input_size;
  GQueue output;                     /* (element-type GBytes): datagrams */
  guint64 next_sequence, next_nonce; /* of OpenSSL, in epoch 1 */
};

/* --- The BIO --------------------------------------------------------------------------------------------------------------------- */

static int
read_bio (BIO *bio, char *data, int size)
{
  DcDtlsHandshake *self = BIO_get_data (bio);
  gsize n = MIN (self->input_size, (gsize) MAX (size, 0));

  BIO_clear_retry_flags (bio);
  if (self->input == NULL) {
    BIO_set_retry_read (bio);
    return -1;
  }
  memcpy (data, self->input, n);
  self->input = NULL;
  return (int) n;
}

/* The nonce of a sealed record is there to be read by all. */
static void
note_records (DcDtlsHandshake *self, guint8 *data, gsize size)
{
  DcPacket rest = {data, size};
  DcDtlsRecord record;

  while (dc_dtls_record_next (&rest, &record)) {
    guint64 nonce;
    if (record.epoch == 0 || record.size < DC_DTLS_HEADER_SIZE + DC_DTLS_NONCE_SIZE)
      continue;
    memcpy (&nonce, record.data + DC_DTLS_HEADER_SIZE, sizeof nonce);
    self->next_sequence = record.sequence + 1;
    self->next_nonce = GUINT64_FROM_BE (nonce) + 1;
  }
}

static int
write_bio (BIO *bio, const char *data, int size)
{
  DcDtlsHandshake *self = BIO_get_data (bio);
  guint8 *copy = g_memdup2 (data, (gsize) size);

  note_records (self, copy, (gsize) size);
  g_queue_push_tail (&self->output, g_bytes_new_take (copy, (gsize) size));
  return size;
}

static long
control_bio (BIO *bio, int command, long number, void *pointer)
{
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *
get_bio_method (void)
{
  static BIO_METHOD *method = NULL;

  if (g_once_init_enter (&method)) {
    BIO_METHOD *made = BIO_meth_new (BIO_get_new_index () | BIO_TYPE_SOURCE_SINK, "datagrams");

    BIO_meth_set_read (made, read_bio);
    BIO_meth_set_write (made, write_bio);
    BIO_meth_set_ctrl (made, control_bio);
    g_once_init_leave (&method, made);
  }
  return method;
}

/* --- Making ---------------------------------------------------------------------------------------------------------------------- */

static guint
choose_timeout (SSL *ssl, guint last)
{
  return last == 0 ? FIRST_TIMEOUT : MIN (2 * last, LONGEST_TIMEOUT);
}

/* In place of the check of a chain of certificates. */
static int
verify_certificate (X509_STORE_CTX *store, void *user_data)
{
  const SSL *ssl = X509_STORE_CTX_get_ex_data (store, SSL_get_ex_data_X509_STORE_CTX_idx ());
  DcDtlsHandshake *self = SSL_get_app_data (ssl);
  X509 *x509 = X509_STORE_CTX_get0_cert (store);
  g_autofree char *pem = x509 != NULL ? dc_dtls_x509_to_pem (x509) : NULL;

  self->refused = pem == NULL || !self->verify (pem, self->user_data);
  X509_STORE_CTX_set_error (store, self->refused ? X509_V_ERR_CERT_REJECTED : X509_V_OK);
  return !self->refused;
}

static SSL_CTX *
make_context (DcDtlsCertificate *certificate, GError **error)
{
  g_autoptr (SSL_CTX) context = SSL_CTX_new (DTLS_method ());

  if (context == NULL || SSL_CTX_set_min_proto_version (context, DTLS1_2_VERSION) != 1
      || SSL_CTX_set_max_proto_version (context, DTLS1_2_VERSION) != 1 || SSL_CTX_set_cipher_list (context, SUITES) != 1
      || SSL_CTX_set_tlsext_use_srtp (context, SRTP_PROFILES) != 0) {
    dc_dtls_error_set (error, DC_DTLS_ERROR_FAILED, "OpenSSL does not do what DTLS needs");
    return NULL;
  }
  if (!dc_dtls_certificate_use (certificate, context, error))
    return NULL;
  SSL_CTX_set_options (context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION
                                    | SSL_OP_CIPHER_SERVER_PREFERENCE);
  /* An OpenSSL that lacks one of these keeps its own. */
  SSL_CTX_set1_groups_list (context, GROUPS);
  SSL_CTX_set_session_cache_mode (context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list (context, MAX_CERTIFICATES);
  SSL_CTX_set_verify (context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  SSL_CTX_set_cert_verify_callback (context, verify_certificate, NULL);
  return g_steal_pointer (&context);
}

static gboolean
make_ssl (DcDtlsHandshake *self, SSL_CTX *context)
{
  BIO *bio;

  self->ssl = SSL_new (context);
  bio = self->ssl != NULL ? BIO_new (get_bio_method ()) : NULL;
  if (bio == NULL)
    return FALSE;
  BIO_set_data (bio, self);
  BIO_set_init (bio, 1);
  SSL_set_bio (self->ssl, bio, bio);
  SSL_set_app_data (self->ssl, self);
  SSL_set_mtu (self->ssl, MTU);
  DTLS_set_timer_cb (self->ssl, choose_timeout);
  if (self->is_client)
    SSL_set_connect_state (self->ssl);
  else
    SSL_set_accept_state (self->ssl);
  return TRUE;
}

DcDtlsHandshake *
dc_dtls_handshake_new (
    DcDtlsCertificate *certificate, gboolean is_client, DcDtlsVerify verify, gpointer user_data, GError **error)
{
  g_autoptr (DcDtlsHandshake) self = g_new0 (DcDtlsHandshake, 1);
  g_autoptr (SSL_CTX) context = make_context (certificate, error);

  if (context == NULL)
    return NULL;
  self->is_client = is_client;
  self->verify = verify;
  self->user_data = user_data;
  if (make_ssl (self, context))
    return g_steal_pointer (&self);
  dc_dtls_error_set (error, DC_DTLS_ERROR_FAILED, "OpenSSL does not do what DTLS needs");
  return NULL;
}

void
dc_dtls_handshake_free (DcDtlsHandshake *self)
{
  SSL_free (self->ssl);
  g_queue_clear_full (&self->output, (GDestroyNotify) g_bytes_unref);
  g_free (self);
}

/* --- The handshake --------------------------------------------------------------------------------------------------------------- */

static void
set_error (DcDtlsHandshake *self, GError **error)
{
  unsigned long first = ERR_peek_error ();
  int reason = ERR_GET_LIB (first) == ERR_LIB_SSL ? ERR_GET_REASON (first) : 0;

  if (self->refused)
    g_set_error_literal (error, DC_DTLS_ERROR, DC_DTLS_ERROR_REFUSED, "the far side's certificate was refused");
  else if (reason == SSL_R_READ_TIMEOUT_EXPIRED)
    g_set_error_literal (error, DC_DTLS_ERROR, DC_DTLS_ERROR_TIMEOUT, "the far side does not answer in DTLS");
  else if (reason > SSL_AD_REASON_OFFSET)
    g_set_error (error, DC_DTLS_ERROR, DC_DTLS_ERROR_ALERT, "the far side ended DTLS: %s",
        SSL_alert_desc_string_long (reason - SSL_AD_REASON_OFFSET));
  else
    dc_dtls_error_set (error, DC_DTLS_ERROR_FAILED, "DTLS failed");
  ERR_clear_error ();
}

/* @result: what OpenSSL returned. */
static gboolean
check (DcDtlsHandshake *self, int result, GError **error)
{
  int what = SSL_get_error (self->ssl, result);

  if (what == SSL_ERROR_NONE || what == SSL_ERROR_WANT_READ || what == SSL_ERROR_WANT_WRITE
      || what == SSL_ERROR_ZERO_RETURN)
    return TRUE;
  set_error (self, error);
  return FALSE;
}

gboolean
dc_dtls_handshake_step (DcDtlsHandshake *self, const guint8 *record, gsize size, GError **error)
{
  guint8 nothing;
  int result;

  ERR_clear_error ();
  self->input = record;
  self->input_size = size;
  if (self->done) {
    /* Looks at the record, and leaves application data for dc_dtls_handshake_read(). */
    result = SSL_peek (self->ssl, &nothing, 1);
  } else {
    result = SSL_do_handshake (self->ssl);
    self->done = result == 1;
  }
  self->input = NULL;
  return check (self, result, error);
}

gboolean
dc_dtls_handshake_repeat (DcDtlsHandshake *self, GError **error)
{
  ERR_clear_error ();
  if (DTLSv1_handle_timeout (self->ssl) >= 0)
    return TRUE;
  set_error (self, error);
  return FALSE;
}

gint64
dc_dtls_handshake_get_time_left (DcDtlsHandshake *self)
{
  struct timeval left;

  if (DTLSv1_get_timeout (self->ssl, &left) != 1)
    return -1;
  return left.tv_sec * G_TIME_SPAN_SECOND + left.tv_usec;
}

GBytes *
dc_dtls_handshake_take_output (DcDtlsHandshake *self)
{
  return g_queue_pop_head (&self->output);
}

gboolean
dc_dtls_handshake_is_done (DcDtlsHandshake *self)
{
  return self->done;
}

/* --- Keys ------------------------------------------------------------------------------------------------------------------------ */

static gboolean
derive (DcDtlsHandshake *self, const EVP_MD *digest, guint8 *block, gsize size)
{
  guint8 seed[KEY_LABEL_SIZE + 2 * SSL3_RANDOM_SIZE];
  guint8 secret[SSL_MAX_MASTER_KEY_LENGTH];
  g_autoptr (EVP_KDF) kdf = EVP_KDF_fetch (NULL, "TLS1-PRF", NULL);
  g_autoptr (EVP_KDF_CTX) context = kdf != NULL ? EVP_KDF_CTX_new (kdf) : NULL;
  gsize secret_size = SSL_SESSION_get_master_key (SSL_get_session (self->ssl), secret, sizeof secret);
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string (OSSL_KDF_PARAM_DIGEST, (char *) EVP_MD_get0_name (digest), 0),
      OSSL_PARAM_construct_octet_string (OSSL_KDF_PARAM_SECRET, secret, secret_size),
      OSSL_PARAM_construct_octet_string (OSSL_KDF_PARAM_SEED, seed, sizeof seed),
      OSSL_PARAM_construct_end (),
  };
  gboolean derived;

  memcpy (seed, KEY_LABEL, KEY_LABEL_SIZE);
  SSL_get_server_random (self->ssl, seed + KEY_LABEL_SIZE, SSL3_RANDOM_SIZE);
  SSL_get_client_random (self->ssl, seed + KEY_LABEL_SIZE + SSL3_RANDOM_SIZE, SSL3_RANDOM_SIZE);
  derived = context != NULL && EVP_KDF_derive (context, block, size, parameters) == 1;
  OPENSSL_cleanse (secret, sizeof secret);
  ERR_clear_error ();
  return derived;
}

static guint
get_key_size (const SSL_CIPHER *cipher)
{
  switch (SSL_CIPHER_get_cipher_nid (cipher)) {
    case NID_aes_128_gcm:
      return 16;
    case NID_aes_256_gcm:
      return 32;
    default:
      return 0;
  }
}

static gsize
get_max_plain (DcDtlsHandshake *self)
{
  guint8 code = SSL_SESSION_get_max_fragment_length (SSL_get_session (self->ssl));

  /* RFC 6066, section 4: 1 is 2^9, up to 4. */
  return code == 0 ? DC_DTLS_MAX_PLAIN : (gsize) 256 << code;
}

gboolean
dc_dtls_handshake_get_keys (DcDtlsHandshake *self, DcDtlsKeys *keys)
{
  const SSL_CIPHER *cipher = SSL_get_current_cipher (self->ssl);
  guint size = get_key_size (cipher);
  DcDtlsKey *client = self->is_client ? &keys->ours : &keys->theirs;
  DcDtlsKey *server = self->is_client ? &keys->theirs : &keys->ours;
  guint8 block[MAX_KEY_BLOCK];

  if (size == 0 || !derive (self, SSL_CIPHER_get_handshake_digest (cipher), block, 2 * (size + SALT_SIZE)))
    return FALSE;
  client->size = server->size = size;
  memcpy (client->key, block, size);
  memcpy (server->key, block + size, size);
  memcpy (client->salt, block + 2 * (gsize) size, SALT_SIZE);
  memcpy (server->salt, block + 2 * (gsize) size + SALT_SIZE, SALT_SIZE);
  keys->max_plain = get_max_plain (self);
  OPENSSL_cleanse (block, sizeof block);
  return TRUE;
}

void
dc_dtls_handshake_get_next (DcDtlsHandshake *self, guint64 *sequence, guint64 *nonce)
{
  *sequence = self->next_sequence;
  *nonce = self->next_nonce;
}

guint
dc_dtls_handshake_get_srtp (
    DcDtlsHandshake *self, guint8 client_key[DC_DTLS_SRTP_KEY_SIZE], guint8 server_key[DC_DTLS_SRTP_KEY_SIZE])
{
  const SRTP_PROTECTION_PROFILE *profile = SSL_get_selected_srtp_profile (self->ssl);
  guint8 block[2 * DC_DTLS_SRTP_KEY_SIZE];

  if (profile == NULL
      || SSL_export_keying_material (self->ssl, block, sizeof block, SRTP_LABEL, strlen (SRTP_LABEL), NULL, 0, 0)
             != 1) {
    ERR_clear_error ();
    return 0;
  }
  memcpy (client_key, block, SRTP_KEY);
  memcpy (client_key + SRTP_KEY, block + 2 * SRTP_KEY, SRTP_SALT);
  memcpy (server_key, block + SRTP_KEY, SRTP_KEY);
  memcpy (server_key + SRTP_KEY, block + 2 * SRTP_KEY + SRTP_SALT, SRTP_SALT);
  OPENSSL_cleanse (block, sizeof block);
  return profile->id == SRTP_AES128_CM_SHA1_80 ? 1 : 2;
}

/* --- Records through OpenSSL ----------------------------------------------------------------------------------------------------- */

gboolean
dc_dtls_handshake_write (DcDtlsHandshake *self, const guint8 *data, gsize size)
{
  gboolean written;

  ERR_clear_error ();
  written = size <= get_max_plain (self) && SSL_write (self->ssl, data, (int) size) > 0;
  ERR_clear_error ();
  return written;
}

gsize
dc_dtls_handshake_read (DcDtlsHandshake *self, guint8 *data)
{
  int size;

  ERR_clear_error ();
  size = SSL_read (self->ssl, data, DC_DTLS_MAX_PLAIN);
  ERR_clear_error ();
  return (gsize) MAX (size, 0);
}

gboolean
dc_dtls_handshake_is_closed (DcDtlsHandshake *self)
{
  return (SSL_get_shutdown (self->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}

void
dc_dtls_handshake_close (DcDtlsHandshake *self)
{
  ERR_clear_error ();
  SSL_shutdown (self->ssl);
  ERR_clear_error ();
}
