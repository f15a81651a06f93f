/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-dtls-error.h: why there is no DTLS association, or no certificate for one. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define DC_DTLS_ERROR (dc_dtls_error_quark ())
GQuark dc_dtls_error_quark (void);

typedef enum {
  DC_DTLS_ERROR_CERTIFICATE, /* ours: it cannot be made, read or used */
  DC_DTLS_ERROR_REFUSED,     /* we refused the far side's certificate */
  DC_DTLS_ERROR_TIMEOUT,     /* nobody answers */
  DC_DTLS_ERROR_ALERT,       /* the far side gave up, and said why */
  DC_DTLS_ERROR_FAILED,      /* anything else, in words */
} DcDtlsError;

/* Sets an error of @code whose message is @what, and OpenSSL's reason behind it; empties OpenSSL's queue of errors. */
void dc_dtls_error_set (GError **error, DcDtlsError code, const char *what);

G_END_DECLS
