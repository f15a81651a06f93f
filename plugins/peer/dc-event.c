/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-event.c: makes the structures of DcPeer's "event" signal, and dictionaries of them. */
#include "plugins/peer/dc-event.h"

static GVariant *structure_to_variant (const GstStructure *structure, gboolean with_name);

/**
 * dc_event_new: (skip)
 * @name: name of the event
 * @start: monotonic time of dc_peer_start(), microseconds
 *
 * Makes an event, for who makes them.
 *
 * Returns: (transfer full): a structure with `t` filled in
 */
GstStructure *
dc_event_new (const char *name, gint64 start)
{
  return gst_structure_new (
      name, "t", G_TYPE_DOUBLE, (g_get_monotonic_time () - start) / (gdouble) G_USEC_PER_SEC, NULL);
}

static GVariant *
list_to_variant (const GValue *list)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (guint i = 0; i < gst_value_list_get_size (list); i++) {
    const GValue *member = gst_value_list_get_value (list, i);
    if (GST_VALUE_HOLDS_STRUCTURE (member))
      g_variant_builder_add_value (&builder, structure_to_variant (gst_value_get_structure (member), FALSE));
  }
  return g_variant_builder_end (&builder);
}

static GVariant *
text_to_variant (char *text)
{
  g_autofree char *owned = text;

  return g_variant_new_take_string (g_utf8_make_valid (owned != NULL ? owned : "", -1));
}

static GVariant *
value_to_variant (const GValue *value)
{
  switch (G_VALUE_TYPE (value)) {
    case G_TYPE_STRING:
      return text_to_variant (g_value_dup_string (value));
    case G_TYPE_BOOLEAN:
      return g_variant_new_boolean (g_value_get_boolean (value));
    case G_TYPE_INT:
      return g_variant_new_int32 (g_value_get_int (value));
    case G_TYPE_UINT:
      return g_variant_new_uint32 (g_value_get_uint (value));
    case G_TYPE_INT64:
      return g_variant_new_int64 (g_value_get_int64 (value));
    case G_TYPE_UINT64:
      return g_variant_new_uint64 (g_value_get_uint64 (value));
    case G_TYPE_DOUBLE:
      return g_variant_new_double (g_value_get_double (value));
    default:
      return GST_VALUE_HOLDS_LIST (value) ? list_to_variant (value) : text_to_variant (gst_value_serialize (value));
  }
}

static gboolean
add_field (GQuark field, const GValue *value, gpointer user_data)
{
  g_variant_builder_add (user_data, "{sv}", g_quark_to_string (field), value_to_variant (value));
  return TRUE;
}

static GVariant *
structure_to_variant (const GstStructure *structure, gboolean with_name)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  if (with_name)
    g_variant_builder_add (&builder, "{sv}", "event", g_variant_new_string (gst_structure_get_name (structure)));
  gst_structure_foreach (structure, add_field, &builder);
  return g_variant_builder_end (&builder);
}

/**
 * dc_event_to_variant:
 * @event: what [signal@Peer::event] brought, or statistics
 *
 * Makes a dictionary (`a{sv}`) of a structure: its name as `event`, and its fields. A list of structures becomes an array of
 * dictionaries (`aa{sv}`). So a language that has dictionaries needs to know nothing of GStreamer's structures; in Python:
 *
 * ```python
 * GstDataChannel.event_to_variant(peer.dup_stats()).unpack()['connections']
 * ```
 *
 * Returns: (transfer none): the dictionary, floating
 */
GVariant *
dc_event_to_variant (const GstStructure *event)
{
  g_return_val_if_fail (event != NULL, NULL);
  return structure_to_variant (event, TRUE);
}
