/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* data-file.c: the specifications' vectors and pages, as they lie in data/. */
#include "tests/data-file.h"

char *
data_file_read (const char *name)
{
  const char *root = g_getenv ("DC_SRCDIR");
  g_autofree char *path = g_build_filename (root != NULL ? root : ".", "data", name, NULL);
  g_autoptr (GError) error = NULL;
  char *text = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

JsonNode *
data_file_parse (const char *name)
{
  g_autofree char *text = data_file_read (name);
  g_autoptr (GError) error = NULL;
  JsonNode *node = json_from_string (text, &error);

  g_assert_no_error (error);
  return node;
}
