/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* trace-json.c: any GstStructure as a JSON line.
 *
 * Written here and not by json-glib because that prints 0.05 as 0.050000000000000003.
 */
#include "apps/trace.h"

#include <math.h>

static void append_value (GString *out, const GValue *value);

static void
append_string (GString *out, const char *string)
{
  if (string == NULL) {
    g_string_append (out, "null");
    return;
  }
  g_autofree char *valid = g_utf8_make_valid (string, -1);
  g_string_append_c (out, '"');
  for (const char *p = valid; *p != '\0'; p++) {
    if (*p == '"' || *p == '\\')
      g_string_append_printf (out, "\\%c", *p);
    else if (*p == '\r')
      g_string_append (out, "\\r");
    else if (*p == '\n')
      g_string_append (out, "\\n");
    else if ((guchar) *p < 0x20 || *p == 0x7f)
      g_string_append_printf (out, "\\u%04x", (guchar) *p);
    else
      g_string_append_c (out, *p);
  }
  g_string_append_c (out, '"');
}

/* The shorter form that reads back as the same number; JSON has no infinity and no NaN. */
static void
append_double (GString *out, gdouble number)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];
  if (!isfinite (number)) {
    g_string_append (out, "null");
    return;
  }
  g_ascii_formatd (buffer, sizeof buffer, "%.15g", number);
  if (g_ascii_strtod (buffer, NULL) != number)
    g_ascii_dtostr (buffer, sizeof buffer, number);
  g_string_append (out, buffer);
}

static void
append_bytes (GString *out, GBytes *bytes)
{
  gsize size = 0;
  const guchar *data = bytes != NULL ? g_bytes_get_data (bytes, &size) : NULL;
  g_autofree char *base64 = g_base64_encode (data, size);
  append_string (out, base64);
}

static void
append_member (GString *out, const char *name, const GValue *value)
{
  g_string_append_c (out, ',');
  append_string (out, name);
  g_string_append_c (out, ':');
  append_value (out, value);
}

static gboolean
append_field (GQuark field, const GValue *value, gpointer user_data)
{
  if (field != g_quark_from_static_string ("t"))
    append_member (user_data, g_quark_to_string (field), value);
  return TRUE;
}

/* The name as @key, then `t`, where a reader looks for it, then the fields. */
static void
append_structure (GString *out, const char *key, const GstStructure *structure)
{
  const GValue *t = gst_structure_get_value (structure, "t");
  g_string_append_printf (out, "{\"%s\":", key);
  append_string (out, gst_structure_get_name (structure));
  if (t != NULL)
    append_member (out, "t", t);
  gst_structure_foreach (structure, append_field, out);
  g_string_append_c (out, '}');
}

static void
append_list (GString *out, const GValue *list)
{
  g_string_append_c (out, '[');
  for (guint i = 0; i < gst_value_list_get_size (list); i++) {
    if (i > 0)
      g_string_append_c (out, ',');
    append_value (out, gst_value_list_get_value (list, i));
  }
  g_string_append_c (out, ']');
}

static void
append_other (GString *out, const GValue *value)
{
  g_autofree char *text = gst_value_serialize (value);
  append_string (out, text);
}

static void
append_value (GString *out, const GValue *value)
{
  if (G_VALUE_HOLDS_STRING (value))
    append_string (out, g_value_get_string (value));
  else if (G_VALUE_HOLDS_BOOLEAN (value))
    g_string_append (out, g_value_get_boolean (value) ? "true" : "false");
  else if (G_VALUE_HOLDS_INT (value))
    g_string_append_printf (out, "%d", g_value_get_int (value));
  else if (G_VALUE_HOLDS_UINT (value))
    g_string_append_printf (out, "%u", g_value_get_uint (value));
  else if (G_VALUE_HOLDS_INT64 (value))
    g_string_append_printf (out, "%" G_GINT64_FORMAT, g_value_get_int64 (value));
  else if (G_VALUE_HOLDS_UINT64 (value))
    g_string_append_printf (out, "%" G_GUINT64_FORMAT, g_value_get_uint64 (value));
  else if (G_VALUE_HOLDS_DOUBLE (value))
    append_double (out, g_value_get_double (value));
  else if (G_VALUE_HOLDS (value, G_TYPE_BYTES))
    append_bytes (out, g_value_get_boxed (value));
  else if (G_VALUE_HOLDS (value, GST_TYPE_STRUCTURE))
    append_structure (out, "name", gst_value_get_structure (value));
  else if (GST_VALUE_HOLDS_LIST (value))
    append_list (out, value);
  else
    append_other (out, value);
}

char *
dc_trace_json_format (const GstStructure *event)
{
  GString *out = g_string_new (NULL);
  append_structure (out, "event", event);
  g_string_append_c (out, '\n');
  return g_string_free (out, FALSE);
}
