/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dotenv.c: .env files: KEY=VALUE lines. */
#include "apps/dotenv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Far more than any .env; a wrong --env-file (a video, /dev/zero) must not fill the memory. */
#define MAX_FILE_BYTES (1024 * 1024)

static const char *
skip_blanks (const char *p)
{
  return p + strspn (p, " \t");
}

/* What may follow a value: blanks and a comment. */
static const char *
check_rest (const char *p)
{
  p = skip_blanks (p);
  return *p == '\0' || *p == '#' ? NULL : "there is something after the closing quote";
}

static const char *
parse_single_quoted (const char *p, GString *value)
{
  const char *end = strchr (p, '\'');
  if (end == NULL)
    return "the closing ' is missing";
  g_string_append_len (value, p, end - p);
  return check_rest (end + 1);
}

static char
unescape (char c)
{
  return c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
}

static const char *
parse_double_quoted (const char *p, GString *value)
{
  for (; *p != '\0' && *p != '"'; p++) {
    if (*p == '\\' && p[1] != '\0' && strchr ("ntr\"\\$", p[1]) != NULL)
      g_string_append_c (value, unescape (*++p));
    else
      g_string_append_c (value, *p);
  }
  return *p == '"' ? check_rest (p + 1) : "the closing \" is missing";
}

static void
parse_bare (const char *p, GString *value)
{
  const char *end = p;
  while (*end != '\0' && !(*end == '#' && (end == p || g_ascii_isspace (end[-1]))))
    end++;
  while (end > p && g_ascii_isspace (end[-1]))
    end--;
  g_string_append_len (value, p, end - p);
}

/* Returns what is wrong, or NULL. */
static const char *
parse_value (const char *p, GString *value)
{
  if (*p == '\'')
    return parse_single_quoted (p + 1, value);
  if (*p == '"')
    return parse_double_quoted (p + 1, value);
  parse_bare (p, value);
  return NULL;
}

static gsize
key_length (const char *p)
{
  gsize n = 0;
  while (g_ascii_isalnum (p[n]) || p[n] == '_' || p[n] == '.' || p[n] == '-')
    n++;
  return g_ascii_isdigit (*p) ? 0 : n;
}

/* One line without its end. Returns what is wrong, or NULL. */
static const char *
parse_line (const char *line, GHashTable *table)
{
  const char *p = skip_blanks (line);
  if (*p == '\0' || *p == '#')
    return NULL;
  if (g_str_has_prefix (p, "export") && (p[6] == ' ' || p[6] == '\t'))
    p = skip_blanks (p + 6);

  gsize n = key_length (p);
  const char *equals = skip_blanks (p + n);
  if (n == 0 || *equals != '=')
    return "it is not KEY=VALUE";

  g_autoptr (GString) value = g_string_new (NULL);
  const char *wrong = parse_value (skip_blanks (equals + 1), value);
  if (wrong != NULL)
    return wrong;
  if (!g_utf8_validate_len (value->str, value->len, NULL))
    return "the value is not UTF-8";
  g_hash_table_replace (table, g_strndup (p, n), g_strdup (value->str));
  return NULL;
}

GHashTable *
dc_dotenv_parse (const char *contents, gsize length, const char *name, GError **error)
{
  g_autoptr (GHashTable) table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  const char *p = contents, *end = contents + length;
  if (length >= 3 && memcmp (p, "\xef\xbb\xbf", 3) == 0)
    p += 3;

  for (guint number = 1; p < end; number++) {
    const char *newline = memchr (p, '\n', end - p);
    const char *stop = newline != NULL ? newline : end;
    gsize size = stop - p;
    if (size > 0 && p[size - 1] == '\r')
      size--;
    g_autofree char *line = g_strndup (p, size);
    const char *wrong = strlen (line) == size ? parse_line (line, table) : "it has a NUL byte";
    if (wrong != NULL) {
      g_set_error (error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_PARSE, "%s, line %u: %s", name, number, wrong);
      return NULL;
    }
    p = stop + 1;
  }
  return g_steal_pointer (&table);
}

/* At most MAX_FILE_BYTES + 1 bytes, so that the caller can tell too many. FALSE with errno. */
static gboolean
read_bounded (const char *path, GString *contents)
{
  FILE *file = fopen (path, "re");
  if (file == NULL)
    return FALSE;
  g_string_set_size (contents, MAX_FILE_BYTES + 1);
  errno = 0;
  g_string_set_size (contents, fread (contents->str, 1, MAX_FILE_BYTES + 1, file));
  gboolean ok = ferror (file) == 0;
  int number = errno;
  fclose (file);
  errno = number;
  return ok;
}

GHashTable *
dc_dotenv_load (const char *path, gboolean optional, GError **error)
{
  g_autoptr (GString) contents = g_string_new (NULL);
  if (!read_bounded (path, contents)) {
    int number = errno;
    /* A directory .env is somebody's Python environment. */
    if (optional && (number == ENOENT || number == EISDIR))
      return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
    g_set_error (
        error, G_FILE_ERROR, g_file_error_from_errno (number), "%s cannot be read: %s", path, g_strerror (number));
    return NULL;
  }
  if (contents->len > MAX_FILE_BYTES) {
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s is larger than a .env file can be", path);
    return NULL;
  }
  return dc_dotenv_parse (contents->str, contents->len, path, error);
}
