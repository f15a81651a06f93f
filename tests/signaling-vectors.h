/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* signaling-vectors.h: data/signaling-vectors.json, by the parser and the writer of the protocol itself. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* (transfer full) */
JsonNode *signaling_vectors_load (void);
/* As the protocol writes it. (transfer full) */
char *json_to_text (JsonNode *node);

G_END_DECLS
