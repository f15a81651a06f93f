/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* trace-text-fields.c: the fields of an event as texts and numbers. */
#include "apps/trace-text-private.h"

const char *
dc_trace_string_of (const GstStructure *event, const char *field)
{
  const char *value = gst_structure_get_string (event, field);
  return value != NULL ? value : "?";
}

gboolean
dc_trace_boolean_of (const GstStructure *event, const char *field, gboolean fallback)
{
  gboolean value = fallback;
  gst_structure_get_boolean (event, field, &value);
  return value;
}

guint64
dc_trace_number_of (const GstStructure *event, const char *field)
{
  guint64 wide = 0;
  guint narrow = 0;
  if (gst_structure_get_uint64 (event, field, &wide))
    return wide;
  gst_structure_get_uint (event, field, &narrow);
  return narrow;
}

int
dc_trace_int_of (const GstStructure *event, const char *field, int fallback)
{
  int value = fallback;
  gst_structure_get_int (event, field, &value);
  return value;
}

gdouble
dc_trace_double_of (const GstStructure *event, const char *field)
{
  gdouble value = 0;
  gst_structure_get_double (event, field, &value);
  return value;
}

char *
dc_trace_bytes_of (const GstStructure *event, const char *field)
{
  guint64 bytes = dc_trace_number_of (event, field);
  return g_strdup_printf ("%" G_GUINT64_FORMAT " byte%s", bytes, bytes == 1 ? "" : "s");
}

gboolean
dc_trace_is_local (const GstStructure *event)
{
  return g_str_has_prefix (gst_structure_get_name (event), "local");
}

const char *
dc_trace_explain (DcTraceText *self, const char *explanation)
{
  return explanation != NULL && g_hash_table_add (self->explained, (gpointer) explanation) ? explanation : "";
}
