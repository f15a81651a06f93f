/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-gst-text.c: reads structures in GStreamer's notation that the network wrote.
 *
 * Theory of operation
 * -------------------
 * gst_structure_from_string() is not for texts of strangers: it overruns its stack on some ten thousand brackets (which may hide in octal
 * escapes, and in base64 within a sample), takes quadratic time for many fields, loads plugins that a type's name asks for, and
 * makes a quark of each field's name, which stays for the life of the process. So here is a reader of the same notation that is bounded in each of
 * these:
 *
 *   structure  name *("," field "=" value) [";"]
 *   value      ["(" type ")"] (word | quoted | "<" values ">" | "{" values "}" | "[" structure "]")
 *
 * It makes one pass, by recursion of at most MAX_DEPTH. A text has at most MAX_VALUES values, a structure MAX_FIELDS fields. Names
 * that this process has not met before are counted, over all texts: after MAX_NEW_NAMES no more are taken. Types are a fixed
 * list (dc-gst-value.c); ranges are read and left out, for caps that cross are fixed. */
#include "plugins/dc-gst-text.h"

#include <string.h>

#include "plugins/dc-gst-value.h"

#define MAX_DEPTH 8
#define MAX_FIELDS 512
#define MAX_VALUES 16384
#define MAX_NAME_LENGTH 128
#define MAX_NEW_NAMES 65536

typedef enum {
  READ_DONE,     /* there is a value */
  READ_LEFT_OUT, /* it was read, and is not wanted */
  READ_FAULT,    /* Reader.fault says why */
} ReadResult;

typedef struct {
  const char *at; /* the next character of a text that ends with NUL */
  DcGstTextMode mode;
  guint depth;
  guint *n_values; /* of the whole text, texts within it included */
  const char *fault;
} Reader;

static ReadResult read_value (Reader *reader, GType type, GValue *value);

/* --- Words ---------------------------------------------------------------------------------------------------------------------- */

static gboolean
refuse (Reader *reader, const char *fault)
{
  if (reader->fault == NULL)
    reader->fault = fault;
  return FALSE;
}

static ReadResult
stop (Reader *reader, const char *fault)
{
  refuse (reader, fault);
  return READ_FAULT;
}

static ReadResult
leave_out (Reader *reader)
{
  if (reader->mode == DC_GST_TEXT_STRICT)
    return stop (reader, "a value is not of the type that it claims to be, or of one that is not known here");
  return READ_LEFT_OUT;
}

static void
skip_space (Reader *reader)
{
  while (g_ascii_isspace (*reader->at))
    reader->at++;
}

/* Skips @c, and space around it. */
static gboolean
take (Reader *reader, char c)
{
  skip_space (reader);
  if (*reader->at != c)
    return FALSE;
  reader->at++;
  skip_space (reader);
  return TRUE;
}

static gboolean
is_word_char (char c)
{
  return g_ascii_isalnum (c) || (c != '\0' && strchr ("_-+/:.", c) != NULL);
}

/* May be empty. */
static char *
read_word (Reader *reader)
{
  const char *begin = reader->at;

  while (is_word_char (*reader->at))
    reader->at++;
  return g_strndup (begin, reader->at - begin);
}

/* Behind a backslash: three octal digits are a byte, anything else is itself. */
static void
read_escape (Reader *reader, GString *text)
{
  const char *s = reader->at;

  if (s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' && s[2] <= '7') {
    g_string_append_c (text, (char) ((s[0] - '0') << 6 | (s[1] - '0') << 3 | (s[2] - '0')));
    reader->at += 3;
  } else if (*s != '\0') {
    g_string_append_c (text, *s);
    reader->at++;
  }
}

/* From quote to quote. NULL: a fault. */
static char *
read_quoted (Reader *reader)
{
  g_autoptr (GString) text = g_string_new (NULL);

  reader->at++;
  while (*reader->at != '"' && *reader->at != '\0') {
    if (*reader->at++ == '\\')
      read_escape (reader, text);
    else
      g_string_append_c (text, reader->at[-1]);
  }
  if (*reader->at != '"' || !g_utf8_validate_len (text->str, text->len, NULL)) {
    refuse (reader, "a quoted string has no end, or is no UTF-8");
    return NULL;
  }
  reader->at++;
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* Of a structure or a field. GStreamer keeps each for good, so there is an end to new ones. */
static char *
read_name (Reader *reader)
{
  static gint n_new_names;
  g_autofree char *name = read_word (reader);

  if (*name == '\0' || strlen (name) > MAX_NAME_LENGTH) {
    refuse (reader, "a name is missing or too long");
    return NULL;
  }
  if (g_quark_try_string (name) == 0) {
    if (g_atomic_int_get (&n_new_names) >= MAX_NEW_NAMES) {
      refuse (reader, "there have been too many new names of fields");
      return NULL;
    }
    g_atomic_int_inc (&n_new_names);
  }
  return g_steal_pointer (&name);
}

/* --- Structures ----------------------------------------------------------------------------------------------------------------- */

static gboolean
read_field (Reader *reader, GstStructure *structure)
{
  g_autofree char *name = read_name (reader);
  GValue value = G_VALUE_INIT;
  ReadResult result;

  if (name == NULL)
    return FALSE;
  if (!take (reader, '='))
    return refuse (reader, "a field has no value");
  result = read_value (reader, G_TYPE_INVALID, &value);
  if (result == READ_DONE && gst_structure_n_fields (structure) >= MAX_FIELDS) {
    g_value_unset (&value);
    result = stop (reader, "a structure has too many fields");
  }
  if (result == READ_DONE)
    gst_structure_take_value (structure, name, &value);
  return result != READ_FAULT;
}

static GstStructure *
read_structure_name (Reader *reader)
{
  g_autofree char *name = NULL;

  skip_space (reader);
  name = read_name (reader);
  if (name == NULL)
    return NULL;
  /* GStreamer warns of the latter two: raw formats of its version 0.10. */
  if (!g_ascii_isalpha (*name) || g_str_has_prefix (name, "video/x-raw-") || g_str_has_prefix (name, "audio/x-raw-")) {
    refuse (reader, "a structure has no proper name");
    return NULL;
  }
  return gst_structure_new_empty (name);
}

/* Up to @closing, which is left to be read. */
static GstStructure *
read_structure (Reader *reader, char closing)
{
  g_autoptr (GstStructure) structure = read_structure_name (reader);

  if (structure == NULL)
    return NULL;
  while (take (reader, ',')) {
    if (*reader->at == closing || *reader->at == ';')
      break;
    if (!read_field (reader, structure))
      return NULL;
  }
  take (reader, ';');
  if (*reader->at != closing) {
    refuse (reader, "something follows that does not belong there");
    return NULL;
  }
  return g_steal_pointer (&structure);
}

static gboolean
is_special_in_caps (const GstStructure *structure)
{
  static const char *const names[] = {"ANY", "EMPTY", "NONE", NULL};

  return g_strv_contains (names, gst_structure_get_name (structure));
}

GstCaps *
dc_gst_text_structure_to_caps (GstStructure *structure)
{
  if (is_special_in_caps (structure)) {
    gst_structure_free (structure);
    return NULL;
  }
  return gst_caps_new_full (structure, NULL);
}

/* As a value of @type: a structure or caps. */
static ReadResult
take_structure (Reader *reader, GstStructure *structure, GType type, GValue *value)
{
  GstCaps *caps;

  if (structure == NULL)
    return READ_FAULT;
  if (type == GST_TYPE_STRUCTURE) {
    g_value_init (value, type);
    g_value_take_boxed (value, structure);
    return READ_DONE;
  }
  if ((caps = dc_gst_text_structure_to_caps (structure)) == NULL)
    return leave_out (reader);
  g_value_init (value, type);
  g_value_take_boxed (value, caps);
  return READ_DONE;
}

/* A whole text of its own that is a value of this one. */
static GstStructure *
read_inner_text (Reader *reader, const char *text)
{
  Reader inner = *reader;
  GstStructure *structure;

  inner.at = text;
  if (++inner.depth > MAX_DEPTH) {
    refuse (reader, "structures are nested too deeply");
    return NULL;
  }
  structure = read_structure (&inner, '\0');
  if (structure == NULL)
    refuse (reader, inner.fault);
  return structure;
}

/* --- Samples: the pictures among tags --------------------------------------------------------------------------------------------- */

/* Base64 whose padding is written as underscores; "None" is nothing. FALSE: a fault. */
static gboolean
read_sample_part (Reader *reader, char *part, GstStructure **structure)
{
  gsize size;

  if (strcmp (part, "None") == 0)
    return TRUE;
  if (strlen (part) < 4)
    return refuse (reader, "a sample's text is too short");
  g_strdelimit (part, "_", '=');
  g_base64_decode_inplace (part, &size);
  part[size] = '\0'; /* base64 is longer than what it says */
  if (!g_utf8_validate (part, -1, NULL))
    return refuse (reader, "a sample's text is no UTF-8");
  *structure = read_inner_text (reader, part);
  return *structure != NULL;
}

/* Hexadecimal data, caps, a segment (which means nothing here) and a structure, with colons between them. */
static ReadResult
read_sample (Reader *reader, const char *word, GValue *value)
{
  g_auto (GStrv) parts = g_strsplit (word, ":", 5);
  g_auto (GValue) data = G_VALUE_INIT;
  g_autoptr (GstStructure) format = NULL, info = NULL;
  g_autoptr (GstCaps) caps = NULL;

  if (g_strv_length (parts) != 4 || !dc_gst_value_read (&data, GST_TYPE_BUFFER, parts[0]))
    return leave_out (reader);
  if (!read_sample_part (reader, parts[1], &format) || !read_sample_part (reader, parts[3], &info))
    return READ_FAULT;
  if (format != NULL && (caps = dc_gst_text_structure_to_caps (g_steal_pointer (&format))) == NULL)
    return leave_out (reader);
  g_value_init (value, GST_TYPE_SAMPLE);
  g_value_take_boxed (value, gst_sample_new (gst_value_get_buffer (&data), caps, NULL, g_steal_pointer (&info)));
  return READ_DONE;
}

/* --- Values --------------------------------------------------------------------------------------------------------------------- */

static gboolean
read_type (Reader *reader, GType *type)
{
  g_autofree char *name = NULL;

  take (reader, '(');
  name = read_word (reader);
  *type = dc_gst_value_lookup_type (name);
  return take (reader, ')') || refuse (reader, "a type's name has no end");
}

static ReadResult
read_scalar (Reader *reader, GType type, GValue *value)
{
  gboolean quoted = *reader->at == '"';
  g_autofree char *word = quoted ? read_quoted (reader) : read_word (reader);

  if (word == NULL)
    return READ_FAULT;
  if (type == G_TYPE_NONE)
    return leave_out (reader);
  if (!quoted && strcmp (word, "NULL") == 0)
    return READ_LEFT_OUT;
  if (type == GST_TYPE_STRUCTURE || type == GST_TYPE_CAPS)
    return take_structure (reader, read_inner_text (reader, word), type, value);
  if (type == GST_TYPE_SAMPLE)
    return read_sample (reader, word, value);
  if (type != G_TYPE_INVALID)
    return dc_gst_value_read (value, type, word) ? READ_DONE : leave_out (reader);
  if (quoted)
    dc_gst_value_read (value, G_TYPE_STRING, word);
  else
    dc_gst_value_guess (value, word);
  return READ_DONE;
}

/* Lists and arrays hold one type. */
static ReadResult
append (Reader *reader, GValue *list, GValue *item)
{
  gboolean is_list = GST_VALUE_HOLDS_LIST (list);
  const GValue *first = NULL;

  if (is_list && gst_value_list_get_size (list) > 0)
    first = gst_value_list_get_value (list, 0);
  else if (!is_list && gst_value_array_get_size (list) > 0)
    first = gst_value_array_get_value (list, 0);
  if (first != NULL && G_VALUE_TYPE (first) != G_VALUE_TYPE (item)) {
    g_value_unset (item);
    return leave_out (reader);
  }
  if (is_list)
    gst_value_list_append_and_take_value (list, item);
  else
    gst_value_array_append_and_take_value (list, item);
  return READ_DONE;
}

/* Values with commas between them, up to and with @closing, appended to @list or, if that is NULL, forgotten. */
static ReadResult
read_values (Reader *reader, char closing, GType type, GValue *list)
{
  reader->at++;
  skip_space (reader);
  while (*reader->at != closing) {
    GValue item = G_VALUE_INIT;
    ReadResult result = read_value (reader, type, &item);

    if (result == READ_DONE && list != NULL)
      result = append (reader, list, &item);
    else if (result == READ_DONE)
      g_value_unset (&item);
    if (result == READ_FAULT)
      return result;
    if (!take (reader, ',') && *reader->at != closing)
      return stop (reader, "a list has no end");
  }
  reader->at++;
  return READ_DONE;
}

static ReadResult
read_list (Reader *reader, GType list_type, char closing, GType type, GValue *value)
{
  ReadResult result;

  g_value_init (value, list_type);
  result = read_values (reader, closing, type, value);
  if (result == READ_DONE && type == G_TYPE_NONE)
    result = leave_out (reader);
  if (result != READ_DONE)
    g_value_unset (value);
  return result;
}

/* A structure, caps, or a range. */
static ReadResult
read_bracket (Reader *reader, GType type, GValue *value)
{
  const char *opening = reader->at;
  g_autoptr (GstStructure) structure = NULL;

  take (reader, '[');
  if (!g_ascii_isalpha (*reader->at)) {
    reader->at = opening;
    return read_values (reader, ']', type, NULL) == READ_FAULT ? READ_FAULT : leave_out (reader);
  }
  structure = read_structure (reader, ']');
  if (structure == NULL)
    return READ_FAULT;
  reader->at++;
  if (type != G_TYPE_INVALID && type != GST_TYPE_STRUCTURE && type != GST_TYPE_CAPS)
    return leave_out (reader);
  return take_structure (
      reader, g_steal_pointer (&structure), type == GST_TYPE_CAPS ? type : GST_TYPE_STRUCTURE, value);
}

/* What begins with a bracket. */
static ReadResult
read_compound (Reader *reader, GType type, GValue *value)
{
  ReadResult result;

  if (reader->depth >= MAX_DEPTH)
    return stop (reader, "values are nested too deeply");
  reader->depth++;
  if (*reader->at == '<')
    result = read_list (reader, GST_TYPE_ARRAY, '>', type, value);
  else if (*reader->at == '{')
    result = read_list (reader, GST_TYPE_LIST, '}', type, value);
  else
    result = read_bracket (reader, type, value);
  reader->depth--;
  return result;
}

/* @type: what it is if the value itself does not say; G_TYPE_INVALID: to be guessed. */
static ReadResult
read_value (Reader *reader, GType type, GValue *value)
{
  if (++*reader->n_values > MAX_VALUES)
    return stop (reader, "there are too many values");
  skip_space (reader);
  if (*reader->at == '(' && !read_type (reader, &type))
    return READ_FAULT;
  if (*reader->at == '<' || *reader->at == '{' || *reader->at == '[')
    return read_compound (reader, type, value);
  return read_scalar (reader, type, value);
}

GstStructure *
dc_gst_text_read_structure (const char *text, gsize length, DcGstTextMode mode, char **fault)
{
  guint n_values = 0;
  g_autofree char *copy = NULL;
  Reader reader = {.mode = mode, .n_values = &n_values};
  GstStructure *structure;

  if (!g_utf8_validate_len (text, length, NULL)) {
    *fault = g_strdup ("it is no UTF-8");
    return NULL;
  }
  reader.at = copy = g_strndup (text, length);
  structure = read_structure (&reader, '\0');
  if (structure == NULL)
    *fault = g_strdup_printf ("%s, at byte %" G_GSIZE_FORMAT, reader.fault, (gsize) (reader.at - copy));
  return structure;
}
