/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-json.h: JSON from the network into json-glib's nodes and back, strictly and within bounds. */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/*
 * Why not json-glib's own parser and generator: its parser recurses as deep as the text says, takes comments, octal numbers and missing
 * commas, lets integers overflow and cuts strings at \u0000; its generator writes "1e+20.0". Its tree is fine.
 *
 * Taken: RFC 8259 and nothing else, in UTF-8, and of that what C strings and JavaScript's neighbours can carry: integers fit 64
 * bits, other numbers a double, no \u0000, no half surrogates, no member twice in one object, DC_JSON_MAX_DEPTH levels.
 */
#define DC_JSON_MAX_DEPTH 32

JsonNode *dc_json_parse (const char *text, gssize length, gsize max_length, GError **error);
/* Compact: no white space, members in the order of the object. */
void dc_json_write (JsonNode *node, GString *out);
void dc_json_write_string (const char *string, GString *out);
/* Levels of objects and arrays: 0 for a scalar. Does not go deeper than DC_JSON_MAX_DEPTH + 1. */
guint dc_json_get_depth (JsonNode *node);

G_END_DECLS
