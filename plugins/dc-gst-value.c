/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-gst-value.c: single values in GStreamer's notation that the network wrote. */
#include "plugins/dc-gst-value.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* GStreamer's own reader is made for texts of one's own: it loads plugins for type names that it does not know, uses a buffer's
 * memory after a wrong digit, and answers some numbers with assertions. Of its functions only those are called here that do nothing of this. */

/* The caps of most encoded video have a field of it, and who receives them has perhaps not met the type yet. */
static GType
lookup_multiview_flags (void)
{
  static const char name[] = "GstVideoMultiviewFlagsSet";

  if (g_type_from_name (name) == 0)
    gst_dynamic_type_factory_load (name);
  return g_type_from_name (name) != 0 ? g_type_from_name (name) : GST_TYPE_FLAG_SET;
}

static const struct {
  const char *name;
  GType (*get_type) (void); /* NULL: `type` */
  GType type;
} short_names[] = {
    {"int", NULL, G_TYPE_INT},
    {"i", NULL, G_TYPE_INT},
    {"uint", NULL, G_TYPE_UINT},
    {"u", NULL, G_TYPE_UINT},
    {"float", NULL, G_TYPE_FLOAT},
    {"f", NULL, G_TYPE_FLOAT},
    {"double", NULL, G_TYPE_DOUBLE},
    {"d", NULL, G_TYPE_DOUBLE},
    {"boolean", NULL, G_TYPE_BOOLEAN},
    {"bool", NULL, G_TYPE_BOOLEAN},
    {"b", NULL, G_TYPE_BOOLEAN},
    {"string", NULL, G_TYPE_STRING},
    {"str", NULL, G_TYPE_STRING},
    {"s", NULL, G_TYPE_STRING},
    {"buffer", gst_buffer_get_type, 0},
    {"fraction", gst_fraction_get_type, 0},
    {"structure", gst_structure_get_type, 0},
    {"bitmask", gst_bitmask_get_type, 0},
    {"sample", gst_sample_get_type, 0},
    {"date", g_date_get_type, 0},
    {"datetime", gst_date_time_get_type, 0},
    {"GstVideoMultiviewFlagsSet", lookup_multiview_flags, 0},
};

/* --- Numbers -------------------------------------------------------------------------------------------------------------------- */

static gboolean
read_signed (const char *word, gint64 min, gint64 max, gint64 *number)
{
  char *end;

  errno = 0;
  *number = g_ascii_strtoll (word, &end, 0);
  return *word != '\0' && *end == '\0' && errno == 0 && *number >= min && *number <= max;
}

static gboolean
read_unsigned (const char *word, guint64 max, int base, guint64 *number)
{
  char *end;

  errno = 0;
  *number = g_ascii_strtoull (word, &end, base);
  return g_ascii_isxdigit (*word) && *end == '\0' && errno == 0 && *number <= max;
}

static gboolean
read_real (const char *word, gdouble *number)
{
  char *end;

  *number = g_ascii_strtod (word, &end);
  return *word != '\0' && *end == '\0' && isfinite (*number);
}

static gboolean
read_boolean (const char *word, gboolean *truth)
{
  static const char *const yes[] = {"true", "yes", "t", "1", NULL}, *const no[] = {"false", "no", "f", "0", NULL};
  g_autofree char *lower = g_ascii_strdown (word, -1);

  *truth = g_strv_contains (yes, lower);
  return *truth || g_strv_contains (no, lower);
}

static gboolean
read_fraction (const char *word, gint64 *numerator, gint64 *denominator)
{
  const char *slash = strchr (word, '/');
  g_autofree char *head = slash != NULL ? g_strndup (word, slash - word) : NULL;

  return slash != NULL && read_signed (head, -G_MAXINT, G_MAXINT, numerator)
         && read_signed (slash + 1, 1, G_MAXINT, denominator);
}

/* --- Types ---------------------------------------------------------------------------------------------------------------------- */

static gboolean
set_signed (GValue *value, GType type, const char *word)
{
  gint64 number;
  gboolean is_int = type == G_TYPE_INT;

  if (!read_signed (word, is_int ? G_MININT : G_MININT64, is_int ? G_MAXINT : G_MAXINT64, &number))
    return FALSE;
  g_value_init (value, type);
  if (is_int)
    g_value_set_int (value, (gint) number);
  else
    g_value_set_int64 (value, number);
  return TRUE;
}

static gboolean
set_unsigned (GValue *value, GType type, const char *word)
{
  guint64 number;
  gboolean is_uint = type == G_TYPE_UINT;

  if (!read_unsigned (word, is_uint ? G_MAXUINT : G_MAXUINT64, 0, &number))
    return FALSE;
  g_value_init (value, type);
  if (is_uint)
    g_value_set_uint (value, (guint) number);
  else
    g_value_set_uint64 (value, number);
  return TRUE;
}

static gboolean
set_real (GValue *value, GType type, const char *word)
{
  gdouble number;

  if (!read_real (word, &number) || (type == G_TYPE_FLOAT && fabs (number) > G_MAXFLOAT))
    return FALSE;
  g_value_init (value, type);
  if (type == G_TYPE_FLOAT)
    g_value_set_float (value, (gfloat) number);
  else
    g_value_set_double (value, number);
  return TRUE;
}

static gboolean
set_boolean (GValue *value, GType type, const char *word)
{
  gboolean truth;

  if (!read_boolean (word, &truth))
    return FALSE;
  g_value_init (value, type);
  g_value_set_boolean (value, truth);
  return TRUE;
}

static gboolean
set_string (GValue *value, GType type, const char *word)
{
  g_value_init (value, type);
  g_value_set_string (value, word);
  return TRUE;
}

static gboolean
set_fraction (GValue *value, GType type, const char *word)
{
  gint64 numerator, denominator;

  if (!read_fraction (word, &numerator, &denominator))
    return FALSE;
  g_value_init (value, type);
  gst_value_set_fraction (value, (gint) numerator, (gint) denominator);
  return TRUE;
}

static gboolean
set_bitmask (GValue *value, GType type, const char *word)
{
  guint64 number;

  if (!read_unsigned (word, G_MAXUINT64, 16, &number))
    return FALSE;
  g_value_init (value, type);
  gst_value_set_bitmask (value, number);
  return TRUE;
}

static gboolean
set_buffer (GValue *value, GType type, const char *word)
{
  gsize size = strlen (word) / 2;
  g_autofree guint8 *data = NULL;

  if (strlen (word) % 2 != 0 || strspn (word, "0123456789abcdefABCDEF") != 2 * size)
    return FALSE;
  data = g_malloc (size);
  for (gsize i = 0; i < size; i++)
    data[i] = (guint8) (g_ascii_xdigit_value (word[2 * i]) << 4 | g_ascii_xdigit_value (word[2 * i + 1]));
  g_value_init (value, type);
  gst_value_take_buffer (value, size > 0 ? gst_buffer_new_wrapped (g_steal_pointer (&data), size) : gst_buffer_new ());
  return TRUE;
}

/* What is set and what is looked at, in hexadecimal, and then names for the same. */
static gboolean
set_flag_set (GValue *value, GType type, const char *word)
{
  g_auto (GStrv) parts = g_strsplit (word, ":", 3);
  guint64 flags, mask;

  if (g_strv_length (parts) < 2 || !read_unsigned (parts[0], G_MAXUINT, 16, &flags)
      || !read_unsigned (parts[1], G_MAXUINT, 16, &mask))
    return FALSE;
  g_value_init (value, type);
  gst_value_set_flagset (value, (guint) flags, (guint) mask);
  return TRUE;
}

/* Dates, enumerations and flags: there GStreamer's reader checks everything. */
static gboolean
set_as_gstreamer (GValue *value, GType type, const char *word)
{
  g_value_init (value, type);
  if (gst_value_deserialize (value, word))
    return TRUE;
  g_value_unset (value);
  return FALSE;
}

typedef gboolean (*SetFunc) (GValue *value, GType type, const char *word);

/* NULL: not by one word. */
static SetFunc
get_set_func (GType type)
{
  switch (type) {
    case G_TYPE_INT:
    case G_TYPE_INT64:
      return set_signed;
    case G_TYPE_UINT:
    case G_TYPE_UINT64:
      return set_unsigned;
    case G_TYPE_FLOAT:
    case G_TYPE_DOUBLE:
      return set_real;
    case G_TYPE_BOOLEAN:
      return set_boolean;
    case G_TYPE_STRING:
      return set_string;
    default:
      break;
  }
  if (type == GST_TYPE_FRACTION)
    return set_fraction;
  if (type == GST_TYPE_BITMASK)
    return set_bitmask;
  if (type == GST_TYPE_BUFFER)
    return set_buffer;
  if (g_type_is_a (type, GST_TYPE_FLAG_SET))
    return set_flag_set;
  if (type == G_TYPE_DATE || type == GST_TYPE_DATE_TIME || G_TYPE_IS_ENUM (type) || G_TYPE_IS_FLAGS (type))
    return set_as_gstreamer;
  return NULL;
}

static gboolean
is_made_of_a_structure (GType type)
{
  return type == GST_TYPE_STRUCTURE || type == GST_TYPE_CAPS || type == GST_TYPE_SAMPLE;
}

GType
dc_gst_value_lookup_type (const char *name)
{
  GType type;

  for (gsize i = 0; i < G_N_ELEMENTS (short_names); i++) {
    if (strcmp (name, short_names[i].name) == 0)
      return short_names[i].get_type != NULL ? short_names[i].get_type () : short_names[i].type;
  }
  type = g_type_from_name (name);
  if (type == 0 || G_TYPE_IS_VALUE_ABSTRACT (type) || (get_set_func (type) == NULL && !is_made_of_a_structure (type)))
    return G_TYPE_NONE;
  return type;
}

gboolean
dc_gst_value_read (GValue *value, GType type, const char *word)
{
  SetFunc set = get_set_func (type);

  return set != NULL && set (value, type, word);
}

void
dc_gst_value_guess (GValue *value, const char *word)
{
  if (set_signed (value, G_TYPE_INT, word) || set_real (value, G_TYPE_DOUBLE, word)
      || set_fraction (value, GST_TYPE_FRACTION, word) || set_boolean (value, G_TYPE_BOOLEAN, word))
    return;
  set_string (value, G_TYPE_STRING, word);
}
