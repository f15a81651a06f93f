/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-dtls-session.c: the handshake of two DTLS sessions, on wires of every kind, and how it fails. */
#include <openssl/pem.h>
#include <string.h>

#include "tests/dtls-wire.h"

/* --- Certificates ---------------------------------------------------------------------------------------------------------------- */

static void
test_certificate (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcDtlsCertificate) one = dc_dtls_certificate_new (&error);
  g_autoptr (DcDtlsCertificate) other = dc_dtls_certificate_new (&error);
  g_autofree char *fingerprint = dc_dtls_certificate_get_fingerprint (one);
  g_autofree char *other_fingerprint = dc_dtls_certificate_get_fingerprint (other);

  g_assert_no_error (error);
  g_assert_true (g_regex_match_simple ("^([0-9A-F]{2}:){31}[0-9A-F]{2}$", fingerprint, 0, 0));
  g_assert_cmpstr (fingerprint, !=, other_fingerprint);
}

static void
test_certificate_pem (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcDtlsCertificate) made = dc_dtls_certificate_new (&error);
  g_autofree char *whole = dc_dtls_certificate_to_pem (made, TRUE);
  g_autofree char *without_key = dc_dtls_certificate_to_pem (made, FALSE);
  g_autoptr (DcDtlsCertificate) read = dc_dtls_certificate_new_from_pem (whole, &error);
  g_autofree char *again = dc_dtls_certificate_to_pem (read, TRUE);
  g_autofree char *fingerprint = dc_dtls_certificate_get_fingerprint (made);
  g_autofree char *read_fingerprint = dc_dtls_certificate_get_fingerprint (read);
  g_autofree char *key_first = g_strconcat (whole + strlen (without_key), without_key, NULL);
  g_autoptr (DcDtlsCertificate) turned = dc_dtls_certificate_new_from_pem (key_first, &error);

  g_assert_no_error (error);
  g_assert_true (g_str_has_prefix (whole, without_key));
  g_assert_null (strstr (without_key, "PRIVATE"));
  g_assert_nonnull (strstr (whole, "PRIVATE"));
  g_assert_cmpstr (again, ==, whole);
  g_assert_cmpstr (read_fingerprint, ==, fingerprint);
  g_assert_nonnull (turned);
}

static void
assert_no_certificate (const char *pem, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (dc_dtls_certificate_new_from_pem (pem, &error));
  g_assert_error (error, DC_DTLS_ERROR, DC_DTLS_ERROR_CERTIFICATE);
  g_assert_nonnull (strstr (error->message, words));
}

static void
test_certificate_bad (void)
{
  g_autoptr (DcDtlsCertificate) one = dc_dtls_certificate_new (NULL);
  g_autoptr (DcDtlsCertificate) other = dc_dtls_certificate_new (NULL);
  g_autofree char *whole = dc_dtls_certificate_to_pem (one, TRUE);
  g_autofree char *without_key = dc_dtls_certificate_to_pem (one, FALSE);
  g_autofree char *of_other = dc_dtls_certificate_to_pem (other, FALSE);
  g_autofree char *mixed = g_strconcat (of_other, whole + strlen (without_key), NULL);

  assert_no_certificate ("", "no certificate");
  assert_no_certificate ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no certificate");
  assert_no_certificate (whole + strlen (without_key), "no certificate");
  assert_no_certificate (without_key, "no private key");
  assert_no_certificate (mixed, "is not the certificate's");
}

/* --- The handshake --------------------------------------------------------------------------------------------------------------- */

static void
assert_states (DtlsEnd *end, DcDtlsState last)
{
  g_assert_cmpuint (end->states->len, ==, last == DC_DTLS_CONNECTING ? 1 : 2);
  g_assert_cmpint (g_array_index (end->states, DcDtlsState, 0), ==, DC_DTLS_CONNECTING);
  g_assert_cmpint (g_array_index (end->states, DcDtlsState, end->states->len - 1), ==, last);
}

/* Data both ways, of which all must arrive. */
static void
assert_talks (DtlsWire *wire)
{
  guint at_server = wire->server.received->len, at_client = wire->client.received->len;
  g_autofree char *said = NULL, *answered = NULL;

  g_assert_true (dtls_end_send (&wire->client, "hello", 3));
  dtls_wire_pass (wire);
  g_assert_cmpuint (wire->server.received->len, ==, at_server + 3);
  g_assert_true (dtls_end_send (&wire->server, "welcome", 2));
  dtls_wire_pass (wire);
  g_assert_cmpuint (wire->client.received->len, ==, at_client + 2);
  said = dtls_end_get_last (&wire->server);
  answered = dtls_end_get_last (&wire->client);
  g_assert_cmpstr (said, ==, "hello 2");
  g_assert_cmpstr (answered, ==, "welcome 1");
}

static void
assert_connected (DtlsWire *wire)
{
  assert_states (&wire->client, DC_DTLS_CONNECTED);
  assert_states (&wire->server, DC_DTLS_CONNECTED);
  wire->lost_percent = wire->doubled_percent = 0;
  wire->lost_early = 0;
  wire->shuffles = FALSE;
  assert_talks (wire);
}

static void
test_handshake (void)
{
  g_autoptr (DcDtlsCertificate) ours = dc_dtls_certificate_new (NULL);
  g_autoptr (DcDtlsCertificate) theirs = dc_dtls_certificate_new (NULL);
  g_autoptr (DtlsWire) wire = dtls_wire_new (ours, theirs);
  g_autofree char *our_pem = dc_dtls_certificate_to_pem (ours, FALSE);
  g_autofree char *their_pem = dc_dtls_certificate_to_pem (theirs, FALSE);

  g_assert_true (dtls_end_is (&wire->client, DC_DTLS_NEW));
  g_assert_null (wire->client.seen_pem);
  dtls_wire_connect (wire);
  g_assert_cmpstr (wire->client.seen_pem, ==, their_pem);
  g_assert_cmpstr (wire->server.seen_pem, ==, our_pem);
  g_assert_cmpint (dc_dtls_session_get_deadline (wire->client.session), ==, -1);
  g_assert_cmpint (dc_dtls_session_get_deadline (wire->server.session), ==, -1);
  /* Two flights each, a datagram a flight. */
  g_assert_cmpuint (wire->client.sent, ==, 2);
  g_assert_cmpuint (wire->server.sent, ==, 2);
  assert_connected (wire);
}

/* As applications may bring them. */
static char *
make_rsa_pem (void)
{
  EVP_PKEY *key = EVP_RSA_gen (2048);
  X509 *x509 = X509_new ();
  BIO *bio = BIO_new (BIO_s_mem ());
  char *text, *pem;
  long size;

  X509_gmtime_adj (X509_getm_notBefore (x509), 0);
  X509_gmtime_adj (X509_getm_notAfter (x509), 3600);
  for (guint i = 0; i < 20; i++)
    X509_NAME_add_entry_by_txt (X509_get_subject_name (x509), "OU", MBSTRING_ASC,
        (const guint8 *) "a name that makes the certificate larger than a datagram", -1, -1, 0);
  X509_set_pubkey (x509, key);
  g_assert_cmpint (X509_sign (x509, key, EVP_sha256 ()), >, 0);
  PEM_write_bio_X509 (bio, x509);
  PEM_write_bio_PrivateKey (bio, key, NULL, NULL, 0, NULL, NULL);
  size = BIO_get_mem_data (bio, &text);
  pem = g_strndup (text, (gsize) size);
  BIO_free (bio);
  X509_free (x509);
  EVP_PKEY_free (key);
  return pem;
}

static gboolean
assert_small (DtlsWire *wire, DtlsEnd *to, const guint8 *data, gsize size)
{
  g_assert_cmpuint (size, <=, 1200);
  return FALSE;
}

/* Flights that are larger than a datagram. */
static void
test_handshake_rsa (void)
{
  g_autofree char *pem = make_rsa_pem ();
  g_autoptr (GError) error = NULL;
  g_autoptr (DcDtlsCertificate) certificate = dc_dtls_certificate_new_from_pem (pem, &error);
  g_autoptr (DtlsWire) wire = NULL;

  g_assert_no_error (error);
  wire = dtls_wire_new (certificate, certificate);
  wire->meddle = assert_small;
  dtls_wire_connect (wire);
  g_assert_cmpuint (wire->server.sent, >, 2);
  g_assert_cmpuint (wire->client.sent, >, 2);
  assert_connected (wire);
}

/* The client's first datagrams may come before the server was told to begin. */
static void
test_handshake_server_late (void)
{
  g_autoptr (DtlsWire) wire = dtls_wire_new (NULL, NULL);

  dc_dtls_session_start (wire->client.session);
  dtls_wire_pass (wire);
  g_assert_true (dtls_end_is (&wire->server, DC_DTLS_NEW));
  g_assert_cmpuint (wire->server.sent, ==, 0);
  dc_dtls_session_start (wire->server.session);
  dtls_wire_pass (wire);
  assert_connected (wire);
}

/* Each set of the first six datagrams is lost once. */
static void
test_handshake_each_lost (void)
{
  for (guint64 lost = 1; lost < 64; lost++) {
    g_autoptr (DtlsWire) wire = dtls_wire_new (NULL, NULL);
    wire->lost_early = lost;
    dtls_wire_start (wire);
    dtls_wire_run (wire);
    /* A server may have sent its last flight in vain: the client asks once more. */
    assert_connected (wire);
  }
}

typedef struct {
  guint lost, doubled;
  gboolean splits, shuffles;
} Weather;

static void
test_handshake_weather (gconstpointer data)
{
  const Weather *weather = data;

  for (guint32 seed = 0; seed < 60; seed++) {
    g_autoptr (DtlsWire) wire = dtls_wire_new (NULL, NULL);
    g_rand_set_seed (wire->rand, seed);
    wire->lost_percent = weather->lost;
    wire->doubled_percent = weather->doubled;
    wire->splits = weather->splits;
    wire->shuffles = weather->shuffles;
    dtls_wire_start (wire);
    dtls_wire_run (wire);
    assert_connected (wire);
  }
}

static void
test_handshake_nobody (void)
{
  g_autoptr (DtlsWire) wire = dtls_wire_new (NULL, NULL);
  gdouble begin = dtls_wire_get_time ();

  wire->lost_percent = 100;
  dtls_wire_start (wire);
  dtls_wire_run (wire);
  assert_states (&wire->client, DC_DTLS_FAILED);
  g_assert_error (wire->client.error, DC_DTLS_ERROR, DC_DTLS_ERROR_TIMEOUT);
  assert_states (&wire->server, DC_DTLS_CONNECTING);
  g_assert_cmpuint (wire->client.sent, ==, 13);
  g_assert_cmpfloat (dtls_wire_get_time () - begin, >, 60);
  g_assert_cmpfloat (dtls_wire_get_time () - begin, <, 90);
}

/* --- Who is refused -------------------------------------------------------------------------------------------------------------- */

static void
test_refused_by_client (void)
{
  g_autoptr (DtlsWire) wire = dtls_wire_new (NULL, NULL);

  wire->client.refuses = TRUE;
  dtls_wire_start (wire);
  dtls_wire_pass (wire);
  assert_states (&wire->client, DC_DTLS_FAILED);
  assert_states (&wire->server, DC_DTLS_FAILED);
  g_assert_error (wire->client.error, DC_DTLS_ERROR, DC_DTLS_ERROR_REFUSED);
  g_assert_error (wire->server.error, DC_DTLS_ERROR, DC_DTLS_ERROR_ALERT);
  g_assert_nonnull (strstr (wire->server.error->message, "bad certificate"));
  g_assert_false (dtls_end_send (&wire->client, "no", 1));
}

static void
test_refused_by_server (void)
{
  g_autoptr (DtlsWire) wire = dtls_wire_new (NULL, NULL);

  wire->server.refuses = TRUE;
  dtls_wire_start (wire);
  dtls_wire_pass (wire);
  assert_states (&wire->client, DC_DTLS_FAILED);
  assert_states (&wire->server, DC_DTLS_FAILED);
  g_assert_error (wire->server.error, DC_DTLS_ERROR, DC_DTLS_ERROR_REFUSED);
  g_assert_error (wire->client.error, DC_DTLS_ERROR, DC_DTLS_ERROR_ALERT);
}

/* --- SRTP ------------------------------------------------------------------------------------------------------------------------ */

static void
test_srtp (void)
{
  g_autoptr (DtlsWire) wire = dtls_wire_new (NULL, NULL);
  guint profiles[2] = {0, 0};
  guint8 keys[4][30];

  g_assert_false (dc_dtls_session_get_srtp_keys (wire->client.session, &profiles[0], keys[0], keys[1]));
  dtls_wire_connect (wire);
  g_assert_true (dc_dtls_session_get_srtp_keys (wire->client.session, &profiles[0], keys[0], keys[1]));
  g_assert_true (dc_dtls_session_get_srtp_keys (wire->server.session, &profiles[1], keys[2], keys[3]));
  g_assert_cmpuint (profiles[0], ==, 1);
  g_assert_cmpuint (profiles[1], ==, 1);
  g_assert_cmpmem (keys[0], 30, keys[2], 30);
  g_assert_cmpmem (keys[1], 30, keys[3], 30);
  g_assert_false (memcmp (keys[0], keys[1], 30) == 0);
  /* For as long as there is a session. */
  dc_dtls_session_close (wire->client.session);
  g_assert_true (dc_dtls_session_get_srtp_keys (wire->client.session, &profiles[0], keys[0], keys[1]));
}

int
main (int argc, char **argv)
{
  static const Weather rain = {30, 0, FALSE, FALSE}, wind = {0, 30, TRUE, TRUE}, storm = {20, 20, TRUE, TRUE};

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dtls/certificate/new", test_certificate);
  g_test_add_func ("/dtls/certificate/pem", test_certificate_pem);
  g_test_add_func ("/dtls/certificate/bad", test_certificate_bad);
  g_test_add_func ("/dtls/handshake/plain", test_handshake);
  g_test_add_func ("/dtls/handshake/rsa", test_handshake_rsa);
  g_test_add_func ("/dtls/handshake/server-late", test_handshake_server_late);
  g_test_add_func ("/dtls/handshake/each-lost", test_handshake_each_lost);
  g_test_add_data_func ("/dtls/handshake/lost", &rain, test_handshake_weather);
  g_test_add_data_func ("/dtls/handshake/shuffled", &wind, test_handshake_weather);
  g_test_add_data_func ("/dtls/handshake/storm", &storm, test_handshake_weather);
  g_test_add_func ("/dtls/handshake/nobody", test_handshake_nobody);
  g_test_add_func ("/dtls/refused/by-client", test_refused_by_client);
  g_test_add_func ("/dtls/refused/by-server", test_refused_by_server);
  g_test_add_func ("/dtls/srtp", test_srtp);
  return g_test_run ();
}
