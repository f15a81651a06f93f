/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-tls-identity.h: the server's certificate and key, read and tried. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Reads both PEM files (the certificate may be followed by its chain) and makes a handshake with itself, so that a key
 * that does not belong to the certificate is found now and not by the first client. Blocks for some milliseconds. */
GTlsCertificate *dc_tls_identity_load (const char *cert, const char *key, GError **error);

G_END_DECLS
