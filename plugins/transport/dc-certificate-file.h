/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-certificate-file.h: a certificate with its private key that is kept, so that a peer is known again. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The certificate and the key of the file, in PEM. One that does not exist is made, with a new certificate that does not expire, for nobody else to read. On
 * any thread, and in several processes at a time. (transfer full); NULL and @error, whose sentence names the file. */
char *dc_certificate_file_load (const char *path, GError **error);

G_END_DECLS
