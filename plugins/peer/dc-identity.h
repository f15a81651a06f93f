/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-identity.h: is the certificate that DTLS saw the one that the SDP promised? (RFC 8122, RFC 8827 section 5.6) */
#pragma once

#include <gst/sdp/sdp.h>

G_BEGIN_DECLS

/* What the remote description promised: a set of fingerprints of one algorithm, the strongest that both know. */
typedef struct {
  char *algorithm;    /* "sha-256", "sha-384" or "sha-512" */
  GStrv fingerprints; /* upper case, "AB:CD:..": any one of them is enough (RFC 8122, section 5) */
} DcIdentity;

/* Reads the a=fingerprint lines of the data section, or else of the session. DC_ERROR_IDENTITY if there is none that can be checked. */
DcIdentity *dc_identity_new_from_sdp (const GstSDPMessage *sdp, GError **error);
void dc_identity_free (DcIdentity *identity);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcIdentity, dc_identity_free)

/* The fingerprint of a certificate in PEM by @algorithm, or NULL if that is no certificate. (transfer full) */
char *dc_identity_fingerprint (const char *pem, const char *algorithm);
/* DC_ERROR_IDENTITY if the certificate is another one. @presented: (out) (nullable): its fingerprint. */
gboolean dc_identity_check (const DcIdentity *identity, const char *pem, char **presented, GError **error);

G_END_DECLS
