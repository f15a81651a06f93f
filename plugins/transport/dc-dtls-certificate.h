/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-dtls-certificate.h: a certificate with its private key, by which a peer is known in DTLS. */
#pragma once

#include <glib.h>
#include <openssl/ssl.h>

G_BEGIN_DECLS

/* Atomically referenced and immutable: every function may be called from any thread. */
typedef struct _DcDtlsCertificate DcDtlsCertificate;

/* ECDSA on P-256, signed by itself, with a random name and serial number, good for 30 days (RFC 8827, section 6.5). Takes less than
 * a millisecond. NULL and @error: there are no random numbers, or no memory. */
DcDtlsCertificate *dc_dtls_certificate_new (GError **error);
/* The same, but it does not expire: for one that is kept. */
DcDtlsCertificate *dc_dtls_certificate_new_lasting (GError **error);
/* @pem: a certificate and its private key without a passphrase, in whichever order and of whichever kind OpenSSL has. */
DcDtlsCertificate *dc_dtls_certificate_new_from_pem (const char *pem, GError **error);
DcDtlsCertificate *dc_dtls_certificate_ref (DcDtlsCertificate *self);
void dc_dtls_certificate_unref (DcDtlsCertificate *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcDtlsCertificate, dc_dtls_certificate_unref)

/* (transfer full) */
char *dc_dtls_certificate_to_pem (DcDtlsCertificate *self, gboolean with_key);
/* SHA-256 as an SDP has it: "AB:CD:..." (RFC 8122). (transfer full) */
char *dc_dtls_certificate_get_fingerprint (DcDtlsCertificate *self);

/* For this room. */
gboolean dc_dtls_certificate_use (DcDtlsCertificate *self, SSL_CTX *context, GError **error);
/* (transfer full) */
char *dc_dtls_x509_to_pem (X509 *certificate);

G_END_DECLS
