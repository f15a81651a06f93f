/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-trust.c: which certificates of servers are trusted, and what is wrong with the others, in words. */
#include "signaling/client/dc-trust.h"

#include "signaling/protocol/dc-signaling-error.h"

/**
 * dc_trust_load:
 * @path: a PEM file
 * @error: DC_SIGNALING_ERROR_INVALID with a sentence
 *
 * Returns: (transfer full) (nullable): its certificates
 */
GTlsDatabase *
dc_trust_load (const char *path, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autofree char *absolute = g_canonicalize_filename (path, NULL);
  /* A database is also made, silently, of a file without a certificate in it; then nobody would be trusted. */
  GList *certificates = g_tls_certificate_list_new_from_file (path, &cause);
  GTlsDatabase *trust = NULL;

  if (cause == NULL && certificates == NULL) {
    g_set_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_INVALID,
        "there is no PEM certificate in the file \"%s\"; check --tls-ca", path);
    return NULL;
  }
  g_list_free_full (certificates, g_object_unref);
  if (cause == NULL)
    trust = g_tls_file_database_new (absolute, &cause);
  if (trust == NULL)
    g_set_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_INVALID,
        "cannot read the certificates in \"%s\": %s; check --tls-ca", path, cause->message);
  return trust;
}

/**
 * dc_trust_judge_certificate:
 * @flags: what is wrong with it
 *
 * Returns: the most telling in words: a self-signed certificate of another host is first of all not trusted
 */
const char *
dc_trust_judge_certificate (GTlsCertificateFlags flags)
{
  if (flags & G_TLS_CERTIFICATE_UNKNOWN_CA)
    return "not trusted (unknown CA); use --tls-ca";
  if (flags & G_TLS_CERTIFICATE_BAD_IDENTITY)
    return "made out for another host name; use the name that is in it";
  if (flags & G_TLS_CERTIFICATE_EXPIRED)
    return "out of date (expired); renew it at the server";
  if (flags & G_TLS_CERTIFICATE_NOT_ACTIVATED)
    return "not valid yet; check the clocks";
  if (flags & G_TLS_CERTIFICATE_REVOKED)
    return "revoked";
  if (flags & G_TLS_CERTIFICATE_INSECURE)
    return "made with an insecure algorithm; renew it at the server";
  return "not acceptable; use --tls-ca";
}
