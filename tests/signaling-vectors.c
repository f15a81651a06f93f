/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* signaling-vectors.c: data/signaling-vectors.json, by the parser and the writer of the protocol itself. */
#include "tests/signaling-vectors.h"

#include "signaling/protocol/dc-json.h"
#include "tests/data-file.h"

JsonNode *
signaling_vectors_load (void)
{
  g_autofree char *text = data_file_read ("signaling-vectors.json");
  g_autoptr (GError) error = NULL;
  JsonNode *node = dc_json_parse (text, -1, G_MAXSIZE, &error);

  g_assert_no_error (error);
  return node;
}

char *
json_to_text (JsonNode *node)
{
  GString *out = g_string_new (NULL);

  dc_json_write (node, out);
  return g_string_free (out, FALSE);
}
