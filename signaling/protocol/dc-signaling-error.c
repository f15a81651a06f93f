/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-signaling-error.c: the one GError domain of signaling/. */

#include "signaling/protocol/dc-signaling-error.h"

/* Not G_DEFINE_QUARK: two threads may be the first to ask, and its cache is a plain variable. */
GQuark
dc_signaling_error_quark (void)
{
  return g_quark_from_static_string ("dc-signaling-error-quark");
}

#define QUOTE_LENGTH 64

/**
 * dc_signaling_quote:
 * @text: any string, also one that came from the network
 *
 * Returns: (transfer full): @text in double quotes, fit for one line of a log or a terminal
 */
char *
dc_signaling_quote (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  GString *out = g_string_new ("\"");
  const char *p;

  for (p = valid; *p && out->len <= QUOTE_LENGTH; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    g_string_append_unichar (out, g_unichar_isprint (c) && c != '"' ? c : '?');
  }
  g_string_append (out, *p ? "...\"" : "\"");
  return g_string_free (out, FALSE);
}
