/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* text.c: text from elsewhere, made fit for a terminal. */
#include "apps/text.h"

/* Formatting characters (bidirectional overrides among them) can make a line read as another. */
static gboolean
is_printable (gunichar c)
{
  return c == ' ' || (g_unichar_isprint (c) && g_unichar_type (c) != G_UNICODE_FORMAT);
}

static void
append_escaped (GString *out, gunichar c)
{
  if (c == '\n')
    g_string_append (out, "\\n");
  else if (c == '\r')
    g_string_append (out, "\\r");
  else if (c == '\t')
    g_string_append (out, "\\t");
  else if (c < 0x80)
    g_string_append_printf (out, "\\x%02x", c);
  else
    g_string_append_printf (out, "\\u{%x}", c);
}

char *
dc_text_escape (const char *text, gsize max_chars)
{
  GString *out = g_string_new (NULL);
  for (gsize n = 0; *text != '\0'; n++) {
    if (n == max_chars) {
      g_string_append (out, "...");
      break;
    }
    gunichar c = g_utf8_get_char_validated (text, -1);
    if (c >= (gunichar) -2) {
      g_string_append_printf (out, "\\x%02x", (guint8) *text);
      text++;
      continue;
    }
    if (is_printable (c))
      g_string_append_unichar (out, c);
    else
      append_escaped (out, c);
    text = g_utf8_next_char (text);
  }
  return g_string_free (out, FALSE);
}

char *
dc_text_hex (GBytes *bytes, gsize max_bytes)
{
  gsize size = 0;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  GString *out = g_string_new (NULL);
  for (gsize i = 0; i < size && i < max_bytes; i++)
    g_string_append_printf (out, i > 0 ? " %02x" : "%02x", data[i]);
  if (size > max_bytes)
    g_string_append (out, " ...");
  return g_string_free (out, FALSE);
}
