/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-certificate.c: any bytes as the certificate of a far side, and any text as one of ours. */
#include <openssl/err.h>
#include <stdint.h>
#include <string.h>

#include "plugins/peer/dc-identity.h"
#include "plugins/transport/dc-dtls-certificate.h"
#include "plugins/transport/dc-dtls-error.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* What DTLS has let pass is known by the same fingerprint to DTLS and to who reads the PEM. */
static void
try_theirs (const uint8_t *data, size_t size)
{
  const uint8_t *at = data;
  X509 *certificate = d2i_X509 (NULL, &at, (long) size);
  g_autofree char *pem = NULL, *fingerprint = NULL, *digits = NULL, *digest = NULL;
  g_auto (GStrv) bytes = NULL;
  uint8_t *der = NULL;
  int der_size;

  ERR_clear_error ();
  if (certificate == NULL)
    return;
  pem = dc_dtls_x509_to_pem (certificate);
  fingerprint = dc_identity_fingerprint (pem, "sha-256");
  der_size = i2d_X509 (certificate, &der);
  X509_free (certificate);
  g_assert_cmpint (der_size, >, 0);
  g_assert_nonnull (fingerprint);
  bytes = g_strsplit (fingerprint, ":", -1);
  digits = g_strjoinv ("", bytes);
  digest = g_compute_checksum_for_data (G_CHECKSUM_SHA256, der, (gsize) der_size);
  g_assert_cmpint (g_ascii_strcasecmp (digits, digest), ==, 0);
  OPENSSL_free (der);
}

static void
try_text (const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcDtlsCertificate) certificate = dc_dtls_certificate_new_from_pem (text, &error);
  g_autofree char *fingerprint = dc_identity_fingerprint (text, "sha-256");
  g_autofree char *ours = NULL;

  if (certificate == NULL) {
    g_assert_error (error, DC_DTLS_ERROR, DC_DTLS_ERROR_CERTIFICATE);
    return;
  }
  ours = dc_dtls_certificate_get_fingerprint (certificate);
  g_assert_cmpuint (strlen (ours), ==, 32 * 3 - 1);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup (size > 0 ? (const char *) data : "", size);

  try_theirs (data, size);
  try_text (text);
  return 0;
}
