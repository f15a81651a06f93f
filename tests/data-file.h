/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* data-file.h: the specifications' vectors and pages, as they lie in data/. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* (transfer full) */
char *data_file_read (const char *name);
/* By json-glib's own parser. (transfer full) */
JsonNode *data_file_parse (const char *name);

G_END_DECLS
