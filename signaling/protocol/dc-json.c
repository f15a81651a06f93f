/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-json.c: a strict JSON reader into json-glib's nodes, and a compact writer. */

#include "signaling/protocol/dc-json.h"
#include "signaling/protocol/dc-signaling-error.h"

#include <math.h>
#include <string.h>

/*
 * Theory of operation: recursive descent over one text that is known to be UTF-8 without NUL bytes (checked first), at most
 * DC_JSON_MAX_DEPTH deep, so the stack is bounded. Each read_* function starts at the first byte of its construct, leaves the cursor
 * behind the last one, and on failure sets the reader's error, which names the byte, and returns NULL or FALSE.
 */
typedef struct {
  const char *start, *cursor, *end;
  guint depth;
  GError *error;
} Reader;

static JsonNode *read_value (Reader *reader);

static void
fail (Reader *reader, const char *what)
{
  if (!reader->error)
    g_set_error (&reader->error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_MESSAGE,
        "This is not JSON: at byte %" G_GSIZE_FORMAT " %s.", (gsize) (reader->cursor - reader->start), what);
}

static int
peek (const Reader *reader)
{
  return reader->cursor < reader->end ? (guchar) *reader->cursor : -1;
}

static void
skip_space (Reader *reader)
{
  while (reader->cursor < reader->end && memchr (" \t\r\n", *reader->cursor, 4))
    reader->cursor++;
}

/* The next byte that is no white space, or -1. */
static int
peek_token (Reader *reader)
{
  skip_space (reader);
  return peek (reader);
}

static gboolean
read_hex4 (Reader *reader, gunichar *value)
{
  *value = 0;
  for (guint i = 0; i < 4; i++) {
    int digit = reader->cursor < reader->end ? g_ascii_xdigit_value (*reader->cursor) : -1;
    if (digit < 0) {
      fail (reader, "there should be a hexadecimal digit after \"\\u\"");
      return FALSE;
    }
    *value = *value << 4 | (gunichar) digit;
    reader->cursor++;
  }
  return TRUE;
}

/* Behind "\u". Two halves of a surrogate pair become the one character that they stand for. */
static gboolean
read_unicode_escape (Reader *reader, GString *out)
{
  gunichar c, low;

  if (!read_hex4 (reader, &c))
    return FALSE;
  if (c >= 0xD800 && c < 0xDC00) {
    if (reader->end - reader->cursor < 2 || reader->cursor[0] != '\\' || reader->cursor[1] != 'u') {
      fail (reader, "the second half of a surrogate pair is missing");
      return FALSE;
    }
    reader->cursor += 2;
    if (!read_hex4 (reader, &low))
      return FALSE;
    if (low < 0xDC00 || low > 0xDFFF) {
      fail (reader, "the second half of a surrogate pair is missing");
      return FALSE;
    }
    c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
  } else if (c == 0 || (c >= 0xDC00 && c <= 0xDFFF)) {
    fail (reader, "there is an escaped NUL or half a surrogate pair, which is no text");
    return FALSE;
  }
  g_string_append_unichar (out, c);
  return TRUE;
}

static gboolean
read_escape (Reader *reader, GString *out)
{
  static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  int c = peek (reader);
  const char *name = c > 0 ? strchr (names, c) : NULL;

  if (name) {
    g_string_append_c (out, meanings[name - names]);
    reader->cursor++;
    return TRUE;
  }
  if (c != 'u') {
    fail (reader, "there is no such escape in a string");
    return FALSE;
  }
  reader->cursor++;
  return read_unicode_escape (reader, out);
}

/* At the opening quote. */
static char *
read_string (Reader *reader)
{
  g_autoptr (GString) out = g_string_new (NULL);

  for (reader->cursor++;;) {
    const char *run = reader->cursor;
    while (reader->cursor < reader->end && (guchar) *reader->cursor >= 0x20 && *reader->cursor != '"'
           && *reader->cursor != '\\')
      reader->cursor++;
    g_string_append_len (out, run, reader->cursor - run);
    switch (peek (reader)) {
      case '"':
        reader->cursor++;
        return g_string_free (g_steal_pointer (&out), FALSE);
      case '\\':
        reader->cursor++;
        if (!read_escape (reader, out))
          return NULL;
        break;
      case -1:
        fail (reader, "a string is not closed");
        return NULL;
      default:
        fail (reader, "there is a control character in a string, which must be escaped");
        return NULL;
    }
  }
}

static gboolean
skip_digits (Reader *reader)
{
  const char *first = reader->cursor;

  while (reader->cursor < reader->end && g_ascii_isdigit (*reader->cursor))
    reader->cursor++;
  if (reader->cursor == first)
    fail (reader, "there should be a digit");
  return reader->cursor > first;
}

/* Moves behind a number; @integer: it has neither fraction nor exponent. */
static gboolean
skip_number (Reader *reader, gboolean *integer)
{
  *integer = TRUE;
  if (peek (reader) == '-')
    reader->cursor++;
  if (peek (reader) == '0')
    reader->cursor++;
  else if (!skip_digits (reader))
    return FALSE;
  if (peek (reader) == '.') {
    *integer = FALSE;
    reader->cursor++;
    if (!skip_digits (reader))
      return FALSE;
  }
  if (peek (reader) == 'e' || peek (reader) == 'E') {
    *integer = FALSE;
    reader->cursor++;
    if (peek (reader) == '+' || peek (reader) == '-')
      reader->cursor++;
    if (!skip_digits (reader))
      return FALSE;
  }
  return TRUE;
}

static JsonNode *
read_number (Reader *reader)
{
  const char *first = reader->cursor;
  gboolean integer;

  if (!skip_number (reader, &integer))
    return NULL;
  g_autofree char *digits = g_strndup (first, (gsize) (reader->cursor - first));
  if (integer) {
    gint64 value;
    if (!g_ascii_string_to_signed (digits, 10, G_MININT64, G_MAXINT64, &value, NULL)) {
      fail (reader, "a number ends that is too large");
      return NULL;
    }
    return json_node_init_int (json_node_alloc (), value);
  }
  double value = g_ascii_strtod (digits, NULL);
  if (!isfinite (value)) {
    fail (reader, "a number ends that is too large");
    return NULL;
  }
  return json_node_init_double (json_node_alloc (), value);
}

static JsonNode *
read_word (Reader *reader)
{
  static const char *const words[] = {"null", "false", "true"};

  for (guint i = 0; i < G_N_ELEMENTS (words); i++) {
    gsize length = strlen (words[i]);
    if ((gsize) (reader->end - reader->cursor) >= length && memcmp (reader->cursor, words[i], length) == 0) {
      reader->cursor += length;
      return i == 0 ? json_node_init_null (json_node_alloc ()) : json_node_init_boolean (json_node_alloc (), i == 2);
    }
  }
  fail (reader, "there should be a value");
  return NULL;
}

/* Behind an element: TRUE if another follows, FALSE at the end, which is passed, and on failure. */
static gboolean
read_separator (Reader *reader, char close, const char *what)
{
  int c = peek_token (reader);

  if (c != ',' && c != close) {
    fail (reader, what);
    return FALSE;
  }
  reader->cursor++;
  return c == ',';
}

static JsonNode *
read_array (Reader *reader)
{
  JsonArray *array = json_array_new ();
  g_autoptr (JsonNode) node = json_node_init_array (json_node_alloc (), array);

  json_array_unref (array);
  reader->cursor++;
  if (peek_token (reader) == ']') {
    reader->cursor++;
    return g_steal_pointer (&node);
  }
  do {
    JsonNode *element = read_value (reader);
    if (!element)
      return NULL;
    json_array_add_element (array, element);
  } while (read_separator (reader, ']', "there should be a \",\" or a \"]\" after an element of an array"));
  return reader->error ? NULL : g_steal_pointer (&node);
}

static gboolean
read_member (Reader *reader, JsonObject *object)
{
  if (peek_token (reader) != '"') {
    fail (reader, "there should be a member's name in double quotes");
    return FALSE;
  }
  g_autofree char *name = read_string (reader);
  if (!name)
    return FALSE;
  if (json_object_has_member (object, name)) {
    fail (reader, "a name ends that its object has already");
    return FALSE;
  }
  if (peek_token (reader) != ':') {
    fail (reader, "there should be a \":\" after a member's name");
    return FALSE;
  }
  reader->cursor++;
  JsonNode *value = read_value (reader);
  if (!value)
    return FALSE;
  json_object_set_member (object, name, value);
  return TRUE;
}

static JsonNode *
read_object (Reader *reader)
{
  JsonObject *object = json_object_new ();
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), object);

  json_object_unref (object);
  reader->cursor++;
  if (peek_token (reader) == '}') {
    reader->cursor++;
    return g_steal_pointer (&node);
  }
  do {
    if (!read_member (reader, object))
      return NULL;
  } while (read_separator (reader, '}', "there should be a \",\" or a \"}\" after a member of an object"));
  return reader->error ? NULL : g_steal_pointer (&node);
}

static JsonNode *
read_string_node (Reader *reader)
{
  g_autofree char *string = read_string (reader);

  return string ? json_node_init_string (json_node_alloc (), string) : NULL;
}

static JsonNode *
read_nested (Reader *reader)
{
  JsonNode *node;

  if (reader->depth == DC_JSON_MAX_DEPTH) {
    fail (reader, "objects and arrays are nested too deeply");
    return NULL;
  }
  reader->depth++;
  node = peek (reader) == '{' ? read_object (reader) : read_array (reader);
  reader->depth--;
  return node;
}

static JsonNode *
read_value (Reader *reader)
{
  int c = peek_token (reader);

  if (c == '{' || c == '[')
    return read_nested (reader);
  if (c == '"')
    return read_string_node (reader);
  if (c == '-' || (c >= '0' && c <= '9'))
    return read_number (reader);
  return read_word (reader);
}

/**
 * dc_json_parse:
 * @text: what came
 * @length: its length, or -1 if it ends with a NUL
 * @max_length: how long it may be
 * @error: DC_SIGNALING_ERROR_MESSAGE with a sentence that names the byte
 *
 * Returns: (transfer full) (nullable): the value
 */
JsonNode *
dc_json_parse (const char *text, gssize length, gsize max_length, GError **error)
{
  gsize size = length < 0 ? strlen (text) : (gsize) length;
  Reader reader = {text, text, text + size};

  if (size > max_length) {
    g_set_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_MESSAGE,
        "The message has %" G_GSIZE_FORMAT " bytes, more than the %" G_GSIZE_FORMAT " that are allowed.", size,
        max_length);
    return NULL;
  }
  if (!g_utf8_validate_len (text, size, &reader.cursor)) {
    fail (&reader, "the text stops being UTF-8");
    g_propagate_error (error, reader.error);
    return NULL;
  }
  reader.cursor = text;
  g_autoptr (JsonNode) node = read_value (&reader);
  if (node && peek_token (&reader) >= 0)
    fail (&reader, "something follows the value");
  if (reader.error) {
    g_propagate_error (error, reader.error);
    return NULL;
  }
  return g_steal_pointer (&node);
}

/* Strings of our own callers that are not UTF-8 are made so: nobody downstream could read the message otherwise. */
void
dc_json_write_string (const char *string, GString *out)
{
  g_autofree char *valid = g_utf8_validate (string, -1, NULL) ? NULL : g_utf8_make_valid (string, -1);

  g_string_append_c (out, '"');
  for (const char *p = valid ? valid : string; *p;) {
    gsize run = 0;
    while ((guchar) p[run] >= 0x20 && p[run] != '"' && p[run] != '\\')
      run++;
    g_string_append_len (out, p, (gssize) run);
    p += run;
    if (*p == '\0')
      break;
    switch (*p) {
      case '"':
        g_string_append (out, "\\\"");
        break;
      case '\\':
        g_string_append (out, "\\\\");
        break;
      case '\n':
        g_string_append (out, "\\n");
        break;
      case '\r':
        g_string_append (out, "\\r");
        break;
      case '\t':
        g_string_append (out, "\\t");
        break;
      default:
        g_string_append_printf (out, "\\u%04x", (guint) *p);
        break;
    }
    p++;
  }
  g_string_append_c (out, '"');
}

/* As few digits as give the same number again; -0 would be read as an integer, which has no sign then. What JSON has no word for
 * (infinities) becomes null, as in JavaScript. */
static void
write_double (double value, GString *out)
{
  static const char *const formats[] = {"%.15g", "%.16g", "%.17g"};
  char digits[G_ASCII_DTOSTR_BUF_SIZE] = "null";

  for (guint i = 0; isfinite (value) && i < G_N_ELEMENTS (formats); i++) {
    g_ascii_formatd (digits, sizeof digits, formats[i], value);
    if (g_ascii_strtod (digits, NULL) == value)
      break;
  }
  g_string_append (out, g_str_equal (digits, "-0") ? "-0.0" : digits);
}

static void
write_value (JsonNode *node, GString *out)
{
  GType type = json_node_get_value_type (node);

  if (type == G_TYPE_STRING)
    dc_json_write_string (json_node_get_string (node), out);
  else if (type == G_TYPE_BOOLEAN)
    g_string_append (out, json_node_get_boolean (node) ? "true" : "false");
  else if (type == G_TYPE_DOUBLE)
    write_double (json_node_get_double (node), out);
  else
    g_string_append_printf (out, "%" G_GINT64_FORMAT, json_node_get_int (node));
}

static void
write_object (JsonObject *object, GString *out)
{
  JsonObjectIter iter;
  const char *name, *separator = "";
  JsonNode *value;

  g_string_append_c (out, '{');
  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &name, &value)) {
    g_string_append (out, separator);
    dc_json_write_string (name, out);
    g_string_append_c (out, ':');
    dc_json_write (value, out);
    separator = ",";
  }
  g_string_append_c (out, '}');
}

static void
write_array (JsonArray *array, GString *out)
{
  g_string_append_c (out, '[');
  for (guint i = 0; i < json_array_get_length (array); i++) {
    if (i > 0)
      g_string_append_c (out, ',');
    dc_json_write (json_array_get_element (array, i), out);
  }
  g_string_append_c (out, ']');
}

void
dc_json_write (JsonNode *node, GString *out)
{
  switch (json_node_get_node_type (node)) {
    case JSON_NODE_OBJECT:
      write_object (json_node_get_object (node), out);
      break;
    case JSON_NODE_ARRAY:
      write_array (json_node_get_array (node), out);
      break;
    case JSON_NODE_VALUE:
      write_value (node, out);
      break;
    case JSON_NODE_NULL:
      g_string_append (out, "null");
      break;
  }
}

static guint
get_depth (JsonNode *node, guint limit)
{
  JsonObjectIter iter;
  JsonNode *value;
  guint deepest = 0;

  if (limit == 0 || (!JSON_NODE_HOLDS_OBJECT (node) && !JSON_NODE_HOLDS_ARRAY (node)))
    return 0;
  if (JSON_NODE_HOLDS_OBJECT (node)) {
    json_object_iter_init (&iter, json_node_get_object (node));
    while (json_object_iter_next (&iter, NULL, &value))
      deepest = MAX (deepest, get_depth (value, limit - 1));
    return deepest + 1;
  }
  JsonArray *array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++)
    deepest = MAX (deepest, get_depth (json_array_get_element (array, i), limit - 1));
  return deepest + 1;
}

guint
dc_json_get_depth (JsonNode *node)
{
  return get_depth (node, DC_JSON_MAX_DEPTH + 1);
}
