/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-json-split.c: the elements of a JSON array as texts. */
#include "signaling/daemon/dc-json-split.h"

/*
 * No parser builds a tree of a body here: each element is a message, which the hub parses by itself, with its own limits on length
 * and depth. This only has to find where elements end; an element that is no JSON is refused by the hub.
 */
typedef struct {
  guint depth;
  gboolean string, escaped;
} Scanner;

/* TRUE if @c stands outside of strings, arrays and objects. */
static gboolean
scan (Scanner *scanner, char c)
{
  if (scanner->string) {
    if (scanner->escaped)
      scanner->escaped = FALSE;
    else if (c == '\\')
      scanner->escaped = TRUE;
    else if (c == '"')
      scanner->string = FALSE;
    return FALSE;
  }
  if (c == '"')
    scanner->string = TRUE;
  else if (c == '[' || c == '{')
    scanner->depth++;
  else if ((c == ']' || c == '}') && scanner->depth > 0)
    scanner->depth--;
  else
    return scanner->depth == 0;
  return FALSE;
}

static gboolean
is_blank (const char *text, gsize length)
{
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isspace (text[i]))
      return FALSE;
  return TRUE;
}

gboolean
dc_json_split (const char *text, gsize length, guint max, DcJsonElementFunc func, gpointer user_data)
{
  Scanner scanner = {0};
  guint count = 0;
  gsize begin = 0;

  while (begin < length && g_ascii_isspace (text[begin]))
    begin++;
  if (begin == length || text[begin] != '[') {
    func (text, length, user_data);
    return TRUE;
  }
  begin++;
  for (gsize i = begin; i < length; i++) {
    gboolean ends = scan (&scanner, text[i]) && (text[i] == ',' || text[i] == ']');
    if (!ends)
      continue;
    if (text[i] == ']' && count == 0 && is_blank (text + begin, i - begin))
      return is_blank (text + i + 1, length - i - 1);
    if (++count > max)
      return FALSE;
    func (text + begin, i - begin, user_data);
    if (text[i] == ']')
      return is_blank (text + i + 1, length - i - 1);
    begin = i + 1;
  }
  return FALSE;
}
