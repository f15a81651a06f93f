/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-identity.c: is the certificate that DTLS saw the one that the SDP promised? (RFC 8122, RFC 8827 section 5.6)
 *
 * webrtcbin before 1.28.5 accepts any certificate in the DTLS handshake, so whoever sits on the path could answer
 * in the peer's place. This check is all that ties the connection to the offer or answer that signaling brought. */
#include "plugins/peer/dc-identity.h"

#include <string.h>

#include "plugins/peer/dc-error.h"

/* Strongest first; SHA-1 and MD5 can be forged and count as no fingerprint. */
static const struct {
  const char *name;
  GChecksumType type;
} algorithms[] = {
    {"sha-512", G_CHECKSUM_SHA512},
    {"sha-384", G_CHECKSUM_SHA384},
    {"sha-256", G_CHECKSUM_SHA256},
};

static void
collect (GPtrArray *fingerprints, const GstSDPAttribute *attribute, const char *algorithm)
{
  g_auto (GStrv) words = NULL;

  if (!g_str_equal (attribute->key, "fingerprint") || attribute->value == NULL)
    return;
  words = g_strsplit (attribute->value, " ", 2);
  if (g_strv_length (words) == 2 && g_ascii_strcasecmp (words[0], algorithm) == 0)
    g_ptr_array_add (fingerprints, g_ascii_strup (g_strstrip (words[1]), -1));
}

static GPtrArray *
fingerprints_of (const GstSDPMessage *sdp, const char *algorithm)
{
  GPtrArray *fingerprints = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < gst_sdp_message_medias_len (sdp) && fingerprints->len == 0; i++) {
    const GstSDPMedia *media = gst_sdp_message_get_media (sdp, i);
    if (g_strcmp0 (gst_sdp_media_get_media (media), "application") != 0)
      continue;
    for (guint j = 0; j < gst_sdp_media_attributes_len (media); j++)
      collect (fingerprints, gst_sdp_media_get_attribute (media, j), algorithm);
  }
  for (guint i = 0; i < gst_sdp_message_attributes_len (sdp) && fingerprints->len == 0; i++)
    collect (fingerprints, gst_sdp_message_get_attribute (sdp, i), algorithm);
  return fingerprints;
}

DcIdentity *
dc_identity_new_from_sdp (const GstSDPMessage *sdp, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (algorithms); i++) {
    g_autoptr (GPtrArray) fingerprints = fingerprints_of (sdp, algorithms[i].name);
    if (fingerprints->len > 0) {
      DcIdentity *identity = g_new0 (DcIdentity, 1);
      identity->algorithm = g_strdup (algorithms[i].name);
      g_ptr_array_add (fingerprints, NULL);
      identity->fingerprints = (GStrv) g_ptr_array_steal (fingerprints, NULL);
      return identity;
    }
  }
  g_set_error_literal (error, DC_ERROR, DC_ERROR_IDENTITY,
      "the remote description promises no certificate fingerprint (a=fingerprint:sha-256) to check the peer by");
  return NULL;
}

void
dc_identity_free (DcIdentity *identity)
{
  g_free (identity->algorithm);
  g_strfreev (identity->fingerprints);
  g_free (identity);
}

static guchar *
pem_to_der (const char *pem, gsize *length)
{
  static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
  const char *mark = strstr (pem, begin);
  const char *from = mark != NULL ? mark + strlen (begin) : NULL;
  const char *to = from != NULL ? strstr (from, end) : NULL;
  g_autofree char *base64 = NULL;

  if (to == NULL)
    return NULL;
  base64 = g_strndup (from, to - from);
  return g_base64_decode (base64, length);
}

char *
dc_identity_fingerprint (const char *pem, const char *algorithm)
{
  gsize length = 0;
  g_autofree guchar *der = pem_to_der (pem, &length);
  g_autofree char *hex = NULL;
  GString *fingerprint;
  guint i = 0;

  while (i < G_N_ELEMENTS (algorithms) && !g_str_equal (algorithms[i].name, algorithm))
    i++;
  if (der == NULL || length == 0 || i == G_N_ELEMENTS (algorithms))
    return NULL;
  hex = g_compute_checksum_for_data (algorithms[i].type, der, length);
  fingerprint = g_string_new (NULL);
  for (const char *digit = hex; *digit != '\0'; digit++) {
    if (digit != hex && (digit - hex) % 2 == 0)
      g_string_append_c (fingerprint, ':');
    g_string_append_c (fingerprint, g_ascii_toupper (*digit));
  }
  return g_string_free (fingerprint, FALSE);
}

gboolean
dc_identity_check (const DcIdentity *identity, const char *pem, char **presented, GError **error)
{
  g_autofree char *fingerprint = pem != NULL ? dc_identity_fingerprint (pem, identity->algorithm) : NULL;
  gboolean same = fingerprint != NULL && g_strv_contains ((const char *const *) identity->fingerprints, fingerprint);

  if (!same)
    g_set_error (error, DC_ERROR, DC_ERROR_IDENTITY,
        "the certificate of the far end (%s %s) is not the one that signaling promised (%s): somebody may sit between",
        identity->algorithm, fingerprint != NULL ? fingerprint : "unknown", identity->fingerprints[0]);
  *presented = g_steal_pointer (&fingerprint);
  return same;
}
