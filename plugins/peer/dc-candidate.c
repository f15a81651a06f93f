/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-candidate.c: an ICE candidate line taken apart (RFC 8839, section 5.1). */
#include "plugins/peer/dc-candidate.h"

#include <string.h>

#include "plugins/peer/dc-error.h"

/* Words of the line by position; behind them come pairs of a name and a value. */
enum {
  WORD_FOUNDATION,
  WORD_COMPONENT,
  WORD_PROTOCOL,
  WORD_PRIORITY,
  WORD_ADDRESS,
  WORD_PORT,
  WORD_TYP,
  WORD_TYPE,
  N_WORDS
};

static const char *
skip_prefix (const char *text)
{
  if (g_str_has_prefix (text, "a="))
    text += 2;
  return g_str_has_prefix (text, "candidate:") ? text + strlen ("candidate:") : NULL;
}

static gboolean
parse_number (const char *word, guint64 max, guint *number)
{
  guint64 value;

  if (!g_ascii_string_to_unsigned (word, 10, 0, max, &value, NULL))
    return FALSE;
  *number = (guint) value;
  return TRUE;
}

static void
replace_string (char **string, const char *value)
{
  g_free (*string);
  *string = g_strdup (value);
}

static gboolean
parse_extensions (DcCandidate *candidate, char **words, guint n_words)
{
  for (guint i = N_WORDS; i + 1 < n_words; i += 2) {
    if (g_str_equal (words[i], "raddr"))
      replace_string (&candidate->base_address, words[i + 1]);
    else if (g_str_equal (words[i], "rport")) {
      if (!parse_number (words[i + 1], G_MAXUINT16, &candidate->base_port))
        return FALSE;
    } else if (g_str_equal (words[i], "tcptype"))
      replace_string (&candidate->tcptype, words[i + 1]);
  }
  return TRUE;
}

static gboolean
parse_words (DcCandidate *candidate, char **words, guint n_words)
{
  static const char *const types[] = {"host", "srflx", "prflx", "relay", NULL};

  if (n_words < N_WORDS || !g_str_equal (words[WORD_TYP], "typ") || !g_strv_contains (types, words[WORD_TYPE])
      || !parse_number (words[WORD_COMPONENT], 256, &candidate->component)
      || !parse_number (words[WORD_PRIORITY], G_MAXUINT32, &candidate->priority)
      || !parse_number (words[WORD_PORT], G_MAXUINT16, &candidate->port))
    return FALSE;
  candidate->foundation = g_strdup (words[WORD_FOUNDATION]);
  candidate->protocol = g_ascii_strup (words[WORD_PROTOCOL], -1);
  candidate->address = g_strdup (words[WORD_ADDRESS]);
  candidate->type = g_strdup (words[WORD_TYPE]);
  return parse_extensions (candidate, words, n_words);
}

DcCandidate *
dc_candidate_parse (const char *text, GError **error)
{
  g_autoptr (DcCandidate) candidate = g_new0 (DcCandidate, 1);
  const char *rest = skip_prefix (text);
  g_auto (GStrv) words = rest != NULL ? g_strsplit (rest, " ", 64) : NULL;

  if (words == NULL || !parse_words (candidate, words, g_strv_length (words))) {
    g_autofree char *shown = g_strndup (text, 120);
    g_autofree char *valid = g_utf8_make_valid (shown, -1);
    g_set_error (error, DC_ERROR, DC_ERROR_DATA, "\"%s\" is no ICE candidate (RFC 8839)", valid);
    return NULL;
  }
  return g_steal_pointer (&candidate);
}

void
dc_candidate_free (DcCandidate *candidate)
{
  g_free (candidate->foundation);
  g_free (candidate->protocol);
  g_free (candidate->address);
  g_free (candidate->type);
  g_free (candidate->base_address);
  g_free (candidate->tcptype);
  g_free (candidate);
}

gboolean
dc_candidate_is_mdns (const DcCandidate *candidate)
{
  return g_str_has_suffix (candidate->address, ".local");
}

char *
dc_candidate_line_with_address (const char *text, const char *address)
{
  g_auto (GStrv) words = g_strsplit (skip_prefix (text), " ", 64);
  g_autofree char *line = NULL;

  g_free (words[WORD_ADDRESS]);
  words[WORD_ADDRESS] = g_strdup (address);
  line = g_strjoinv (" ", words);
  return g_strconcat ("candidate:", line, NULL);
}

void
dc_candidate_to_structure (const DcCandidate *candidate, GstStructure *structure)
{
  gst_structure_set (structure, "foundation", G_TYPE_STRING, candidate->foundation, "component", G_TYPE_UINT,
      candidate->component, "protocol", G_TYPE_STRING, candidate->protocol, "priority", G_TYPE_UINT,
      candidate->priority, "address", G_TYPE_STRING, candidate->address, "port", G_TYPE_UINT, candidate->port, "type",
      G_TYPE_STRING, candidate->type, NULL);
  if (candidate->tcptype != NULL)
    gst_structure_set (structure, "tcptype", G_TYPE_STRING, candidate->tcptype, NULL);
  if (candidate->base_address != NULL)
    gst_structure_set (structure, "base-address", G_TYPE_STRING, candidate->base_address, "base-port", G_TYPE_UINT,
        candidate->base_port, NULL);
}
