/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-dtls-certificate.c: a certificate with its private key, by which a peer is known in DTLS.
 *
 * Nobody signs certificates of WebRTC, and nothing in them is read but the key: signaling says by a fingerprint which one is right. So name and
 * serial number are random, and tell nothing of who we are. The beginning lies a day back for clocks that are slow. */
#include "plugins/transport/dc-dtls-certificate.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <string.h>

#include "plugins/transport/dc-dtls-error.h"

#define DAY (24 * 60 * 60)
#define VALID_DAYS 30
#define NAME_BYTES 8
#define SERIAL_BYTES 8

G_DEFINE_AUTOPTR_CLEANUP_FUNC (BIO, BIO_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_PKEY, EVP_PKEY_free)

struct _DcDtlsCertificate {
  X509 *x509;
  EVP_PKEY *key;
};

/* OpenSSL must not free what it has when the process ends, while a thread is still at it. */
static void
ensure_openssl (void)
{
  static gsize done = 0;

  if (g_once_init_enter (&done)) {
    OPENSSL_init_ssl (OPENSSL_INIT_NO_ATEXIT, NULL);
    g_once_init_leave (&done, 1);
  }
}

static DcDtlsCertificate *
take (X509 *x509, EVP_PKEY *key)
{
  DcDtlsCertificate *self = g_atomic_rc_box_new0 (DcDtlsCertificate);

  self->x509 = x509;
  self->key = key;
  return self;
}

DcDtlsCertificate *
dc_dtls_certificate_ref (DcDtlsCertificate *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
clear (gpointer data)
{
  DcDtlsCertificate *self = data;

  X509_free (self->x509);
  EVP_PKEY_free (self->key);
}

void
dc_dtls_certificate_unref (DcDtlsCertificate *self)
{
  g_atomic_rc_box_release_full (self, clear);
}

/* --- Making ---------------------------------------------------------------------------------------------------------------------- */

static gboolean
set_serial (X509 *x509)
{
  guint8 bytes[SERIAL_BYTES];
  guint64 serial = 0;

  if (RAND_bytes (bytes, sizeof bytes) != 1)
    return FALSE;
  memcpy (&serial, bytes, sizeof serial);
  /* Positive, and never zero (RFC 5280, section 4.1.2.2). */
  return ASN1_INTEGER_set_uint64 (X509_get_serialNumber (x509), (serial & G_MAXINT64) | 1) == 1;
}

static gboolean
set_name (X509 *x509)
{
  guint8 bytes[NAME_BYTES];
  char text[2 * NAME_BYTES + 1];
  X509_NAME *name = X509_get_subject_name (x509);

  if (RAND_bytes (bytes, sizeof bytes) != 1)
    return FALSE;
  for (guint i = 0; i < NAME_BYTES; i++)
    g_snprintf (text + 2 * (gsize) i, 3, "%02x", bytes[i]);
  return X509_NAME_add_entry_by_txt (name, "CN", MBSTRING_ASC, (const guint8 *) text, -1, -1, 0) == 1
         && X509_set_issuer_name (x509, name) == 1;
}

static gboolean
fill_in (X509 *x509, EVP_PKEY *key)
{
  return X509_set_version (x509, X509_VERSION_3) == 1 && set_serial (x509) && set_name (x509)
         && X509_gmtime_adj (X509_getm_notBefore (x509), -DAY) != NULL
         && X509_gmtime_adj (X509_getm_notAfter (x509), VALID_DAYS * DAY) != NULL && X509_set_pubkey (x509, key) == 1
         && X509_sign (x509, key, EVP_sha256 ()) > 0;
}

DcDtlsCertificate *
dc_dtls_certificate_new (GError **error)
{
  g_autoptr (EVP_PKEY) key = NULL;
  g_autoptr (X509) x509 = NULL;

  ensure_openssl ();
  key = EVP_EC_gen ("P-256");
  x509 = X509_new ();
  if (key == NULL || x509 == NULL || !fill_in (x509, key)) {
    dc_dtls_error_set (error, DC_DTLS_ERROR_CERTIFICATE, "no certificate can be made");
    return NULL;
  }
  return take (g_steal_pointer (&x509), g_steal_pointer (&key));
}

/* --- PEM ------------------------------------------------------------------------------------------------------------------------- */

/* Without this OpenSSL would ask at the terminal. */
static int
have_no_passphrase (char *buffer, int size, int writing, void *user_data)
{
  return -1;
}

DcDtlsCertificate *
dc_dtls_certificate_new_from_pem (const char *pem, GError **error)
{
  gsize size = strlen (pem);
  /* Two readers, since each skips what it does not look for. */
  g_autoptr (BIO) for_x509 = NULL;
  g_autoptr (BIO) for_key = NULL;
  g_autoptr (X509) x509 = NULL;
  g_autoptr (EVP_PKEY) key = NULL;

  ensure_openssl ();
  for_x509 = BIO_new_mem_buf (pem, (int) MIN (size, G_MAXINT));
  for_key = BIO_new_mem_buf (pem, (int) MIN (size, G_MAXINT));
  x509 = PEM_read_bio_X509 (for_x509, NULL, have_no_passphrase, NULL);
  key = x509 != NULL ? PEM_read_bio_PrivateKey (for_key, NULL, have_no_passphrase, NULL) : NULL;
  if (x509 == NULL)
    dc_dtls_error_set (error, DC_DTLS_ERROR_CERTIFICATE, "no certificate can be read from the PEM text");
  else if (key == NULL)
    dc_dtls_error_set (error, DC_DTLS_ERROR_CERTIFICATE, "no private key can be read from the PEM text");
  else if (X509_check_private_key (x509, key) != 1)
    dc_dtls_error_set (error, DC_DTLS_ERROR_CERTIFICATE, "the private key in the PEM text is not the certificate's");
  else
    return take (g_steal_pointer (&x509), g_steal_pointer (&key));
  return NULL;
}

static char *
read_out (BIO *bio)
{
  char *text = NULL;
  long size = BIO_get_mem_data (bio, &text);

  return g_strndup (text, (gsize) MAX (size, 0));
}

char *
dc_dtls_x509_to_pem (X509 *certificate)
{
  g_autoptr (BIO) bio = BIO_new (BIO_s_mem ());

  PEM_write_bio_X509 (bio, certificate);
  return read_out (bio);
}

char *
dc_dtls_certificate_to_pem (DcDtlsCertificate *self, gboolean with_key)
{
  g_autoptr (BIO) bio = BIO_new (BIO_s_mem ());

  PEM_write_bio_X509 (bio, self->x509);
  if (with_key)
    PEM_write_bio_PrivateKey (bio, self->key, NULL, NULL, 0, NULL, NULL);
  return read_out (bio);
}

char *
dc_dtls_certificate_get_fingerprint (DcDtlsCertificate *self)
{
  guint8 digest[EVP_MAX_MD_SIZE];
  guint size = 0;
  GString *text = g_string_new (NULL);

  X509_digest (self->x509, EVP_sha256 (), digest, &size);
  for (guint i = 0; i < size; i++)
    g_string_append_printf (text, i == 0 ? "%02X" : ":%02X", digest[i]);
  return g_string_free (text, FALSE);
}

gboolean
dc_dtls_certificate_use (DcDtlsCertificate *self, SSL_CTX *context, GError **error)
{
  if (SSL_CTX_use_certificate (context, self->x509) == 1 && SSL_CTX_use_PrivateKey (context, self->key) == 1)
    return TRUE;
  dc_dtls_error_set (error, DC_DTLS_ERROR_CERTIFICATE, "our certificate is of no use for DTLS");
  return FALSE;
}
