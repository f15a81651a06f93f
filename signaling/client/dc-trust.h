/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-trust.h: which certificates of servers are trusted, and what is wrong with the others, in words. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The certificates of a PEM file, to be trusted instead of the system's. DC_SIGNALING_ERROR_INVALID with a sentence. */
GTlsDatabase *dc_trust_load (const char *path, GError **error);

/* The end of a sentence: "the certificate of X is ...". */
const char *dc_trust_judge_certificate (GTlsCertificateFlags flags);

G_END_DECLS
