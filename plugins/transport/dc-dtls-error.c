/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-dtls-error.c: OpenSSL's errors as ours. */
#include "plugins/transport/dc-dtls-error.h"

#include <openssl/err.h>

G_DEFINE_QUARK (dc - dtls - error - quark, dc_dtls_error)

void
dc_dtls_error_set (GError **error, DcDtlsError code, const char *what)
{
  const char *reason = ERR_reason_error_string (ERR_peek_error ());

  if (reason != NULL)
    g_set_error (error, DC_DTLS_ERROR, code, "%s: %s", what, reason);
  else
    g_set_error_literal (error, DC_DTLS_ERROR, code, what);
  ERR_clear_error ();
}
