/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-gst-event.c: events as the link's items, and back. */
#include "plugins/dc-gst-event.h"

#include <string.h>

#include "plugins/dc-gst-text.h"
#include "plugins/peer/dc-error.h"

#define TAGS_NAME "taglist" /* as GStreamer writes it */
#define GLOBAL_TAGS_NAME "taglist-global"

/* How a name for the wire belongs to a type of event, and on which stream that travels; CUSTOM_BOTH on two of them. */
static const struct {
  GstEventType type;
  const char *name;
  DcGstStream stream;
} custom_types[] = {
    {GST_EVENT_CUSTOM_DOWNSTREAM, "custom-downstream", DC_GST_STREAM_DATA},
    {GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, "custom-downstream-sticky", DC_GST_STREAM_DATA},
    {GST_EVENT_CUSTOM_BOTH, "custom-both", DC_GST_STREAM_DATA},
    {GST_EVENT_CUSTOM_DOWNSTREAM_OOB, "custom-downstream-oob", DC_GST_STREAM_OUT_OF_BAND},
    {GST_EVENT_CUSTOM_BOTH_OOB, "custom-both-oob", DC_GST_STREAM_OUT_OF_BAND},
    {GST_EVENT_CUSTOM_UPSTREAM, "custom-upstream", DC_GST_STREAM_UPSTREAM},
    {GST_EVENT_CUSTOM_BOTH, "custom-both", DC_GST_STREAM_UPSTREAM},
    {GST_EVENT_CUSTOM_BOTH_OOB, "custom-both-oob", DC_GST_STREAM_UPSTREAM},
    {GST_EVENT_NAVIGATION, "navigation", DC_GST_STREAM_UPSTREAM},
};

/* --- To items ------------------------------------------------------------------------------------------------------------------- */

static DcLinkItem *
new_item (DcGstStream stream, DcLinkEvent event, char *text)
{
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_EVENT);

  item->stream = (guint16) stream;
  item->event = event;
  item->payload = g_bytes_new_take (text, strlen (text));
  return item;
}

/* @structure: transfer full */
static DcLinkItem *
item_from_structure (DcGstStream stream, DcLinkEvent event, GstStructure *structure)
{
  DcLinkItem *item = new_item (stream, event, gst_structure_serialize (structure, GST_SERIALIZE_FLAG_NONE));

  gst_structure_free (structure);
  return item;
}

static DcLinkItem *
item_from_gap (GstEvent *event)
{
  GstClockTime timestamp, duration;
  GstGapFlags flags = 0;

  gst_event_parse_gap (event, &timestamp, &duration);
  gst_event_parse_gap_flags (event, &flags);
  return item_from_structure (DC_GST_STREAM_DATA, DC_LINK_EVENT_GAP,
      gst_structure_new ("gap", "timestamp", G_TYPE_UINT64, timestamp, "duration", G_TYPE_UINT64, duration, "flags",
          G_TYPE_UINT, (guint) flags, NULL));
}

static char *
tags_to_text (const GstTagList *tags)
{
  g_autofree char *text = gst_tag_list_to_string (tags);

  g_assert (g_str_has_prefix (text, TAGS_NAME));
  return g_strconcat (gst_tag_list_get_scope (tags) == GST_TAG_SCOPE_GLOBAL ? GLOBAL_TAGS_NAME : TAGS_NAME,
      text + strlen (TAGS_NAME), NULL);
}

static void
remove_pictures (GstTagList *tags)
{
  for (gint i = gst_tag_list_n_tags (tags) - 1; i >= 0; i--) {
    const char *name = gst_tag_list_nth_tag_name (tags, (guint) i);
    if (gst_tag_get_type (name) == GST_TYPE_SAMPLE)
      gst_tag_list_remove_tag (tags, name);
  }
}

static DcLinkItem *
item_from_tags (GstEvent *event)
{
  GstTagList *tags;
  g_autofree char *text = NULL;

  gst_event_parse_tag (event, &tags);
  text = tags_to_text (tags);
  if (strlen (text) > DC_GST_EVENT_MAX_TAGS_LENGTH) {
    g_autoptr (GstTagList) small = gst_tag_list_copy (tags);
    remove_pictures (small);
    g_free (text);
    text = tags_to_text (small);
  }
  return new_item (DC_GST_STREAM_DATA, DC_LINK_EVENT_TAGS, g_steal_pointer (&text));
}

static const char *
get_custom_name (GstEventType type, DcGstStream stream)
{
  for (gsize i = 0; i < G_N_ELEMENTS (custom_types); i++) {
    if (custom_types[i].type == type && custom_types[i].stream == stream)
      return custom_types[i].name;
  }
  return NULL;
}

/* A request for a key unit names a running time, to which the offsets of the pads that it passed belong; they are nothing that crosses. */
static void
apply_running_time_offset (GstStructure *structure, gint64 offset)
{
  guint64 time;

  if (offset == 0 || !gst_structure_has_name (structure, "GstForceKeyUnit")
      || !gst_structure_get_uint64 (structure, "running-time", &time) || time == GST_CLOCK_TIME_NONE)
    return;
  time = offset < 0 && time < (guint64) -offset ? 0 : time + (guint64) offset;
  gst_structure_set (structure, "running-time", G_TYPE_UINT64, time, NULL);
}

static DcLinkItem *
item_from_custom (GstEvent *event, DcGstStream stream)
{
  const char *name = get_custom_name (GST_EVENT_TYPE (event), stream);
  const GstStructure *inner = gst_event_get_structure (event);
  GstStructure *structure;

  if (name == NULL)
    return NULL;
  structure = gst_structure_new ("custom", "type", G_TYPE_STRING, name, NULL);
  if (inner != NULL) {
    g_autoptr (GstStructure) copy = gst_structure_copy (inner);
    apply_running_time_offset (copy, gst_event_get_running_time_offset (event));
    gst_structure_set (structure, "structure", GST_TYPE_STRUCTURE, copy, NULL);
  }
  return item_from_structure (stream, DC_LINK_EVENT_CUSTOM, structure);
}

static DcLinkItem *
item_from_event (GstEvent *event, DcGstStream stream)
{
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_GAP:
      return stream == DC_GST_STREAM_DATA ? item_from_gap (event) : NULL;
    case GST_EVENT_TAG:
      return stream == DC_GST_STREAM_DATA ? item_from_tags (event) : NULL;
    default:
      return item_from_custom (event, stream);
  }
}

DcLinkItem *
dc_gst_event_to_item (GstEvent *event, DcGstStream stream)
{
  g_autoptr (DcLinkItem) item = item_from_event (event, stream);
  g_autoptr (GstEvent) back = NULL;

  /* What the far side would refuse ends its stream: so we read it first. */
  if (item != NULL)
    back = dc_gst_event_from_item (item, NULL);
  return back != NULL ? g_steal_pointer (&item) : NULL;
}

DcLinkItem *
dc_gst_event_new_flush_start (guint32 number)
{
  return item_from_structure (DC_GST_STREAM_OUT_OF_BAND, DC_LINK_EVENT_FLUSH_START,
      gst_structure_new ("flush-start", "number", G_TYPE_UINT, number, NULL));
}

DcLinkItem *
dc_gst_event_new_flush_stop (guint32 number, gboolean reset_time)
{
  return item_from_structure (DC_GST_STREAM_DATA, DC_LINK_EVENT_FLUSH_STOP,
      gst_structure_new ("flush-stop", "number", G_TYPE_UINT, number, "reset-time", G_TYPE_BOOLEAN, reset_time, NULL));
}

/* --- To events ------------------------------------------------------------------------------------------------------------------ */

static void
set_fault (GError **error, const DcLinkItem *item, const char *fault)
{
  static const char *const names[] = {
      [DC_LINK_EVENT_GAP] = "gap",
      [DC_LINK_EVENT_TAGS] = "tags",
      [DC_LINK_EVENT_CUSTOM] = "custom",
      [DC_LINK_EVENT_FLUSH_START] = "flush-start",
      [DC_LINK_EVENT_FLUSH_STOP] = "flush-stop",
  };

  g_set_error (error, DC_ERROR, DC_ERROR_DATA, "The far side sent a \"%s\" event that cannot be understood: %s",
      item->event < G_N_ELEMENTS (names) ? names[item->event] : "?", fault);
}

static GstStructure *
read_payload (const DcLinkItem *item, GError **error)
{
  gsize limit = item->event == DC_LINK_EVENT_TAGS ? DC_GST_EVENT_MAX_TAGS_LENGTH : DC_GST_EVENT_MAX_LENGTH;
  gsize length = 0;
  const char *text = item->payload != NULL ? g_bytes_get_data (item->payload, &length) : NULL;
  g_autofree char *fault = NULL;
  GstStructure *structure = NULL;

  if (length == 0)
    fault = g_strdup ("it is empty");
  else if (length > limit)
    fault = g_strdup_printf ("it is longer than %" G_GSIZE_FORMAT " bytes", limit);
  else
    structure = dc_gst_text_read_structure (text, length, DC_GST_TEXT_LENIENT, &fault);
  if (structure == NULL)
    set_fault (error, item, fault);
  return structure;
}

static GstEvent *
event_from_gap (const DcLinkItem *item, const GstStructure *structure, GError **error)
{
  guint64 timestamp = DC_LINK_NONE, duration = DC_LINK_NONE;
  guint flags = 0;
  GstEvent *event;

  gst_structure_get_uint64 (structure, "timestamp", &timestamp);
  gst_structure_get_uint64 (structure, "duration", &duration);
  gst_structure_get_uint (structure, "flags", &flags);
  if (timestamp == DC_LINK_NONE) {
    set_fault (error, item, "it does not say when");
    return NULL;
  }
  event = gst_event_new_gap (timestamp, duration);
  gst_event_set_gap_flags (event, (GstGapFlags) (flags & GST_GAP_FLAG_MISSING_DATA));
  return event;
}

static gboolean
add_tag (GQuark field, const GValue *value, gpointer tags)
{
  const char *name = g_quark_to_string (field);
  const GValue *one = value;

  if (GST_VALUE_HOLDS_LIST (value))
    one = gst_value_list_get_size (value) > 0 ? gst_value_list_get_value (value, 0) : NULL;
  /* Whoever asks for a tag takes its type for granted. */
  if (gst_tag_exists (name) && one != NULL && G_VALUE_HOLDS (one, gst_tag_get_type (name)))
    gst_tag_list_add_value (tags, GST_TAG_MERGE_REPLACE, name, value);
  return TRUE;
}

static GstEvent *
event_from_tags (const DcLinkItem *item, const GstStructure *structure, GError **error)
{
  GstTagList *tags;

  if (!gst_structure_has_name (structure, TAGS_NAME) && !gst_structure_has_name (structure, GLOBAL_TAGS_NAME)) {
    set_fault (error, item, "it is no list of tags");
    return NULL;
  }
  tags = gst_tag_list_new_empty ();
  if (gst_structure_has_name (structure, GLOBAL_TAGS_NAME))
    gst_tag_list_set_scope (tags, GST_TAG_SCOPE_GLOBAL);
  gst_structure_foreach (structure, add_tag, tags);
  return gst_event_new_tag (tags);
}

static GstEvent *
event_from_custom (const DcLinkItem *item, const GstStructure *structure, GError **error)
{
  const char *name = gst_structure_get_string (structure, "type");
  const GValue *inner = gst_structure_get_value (structure, "structure");

  for (gsize i = 0; i < G_N_ELEMENTS (custom_types); i++) {
    if (g_strcmp0 (custom_types[i].name, name) != 0 || custom_types[i].stream != item->stream)
      continue;
    return gst_event_new_custom (custom_types[i].type, inner != NULL && GST_VALUE_HOLDS_STRUCTURE (inner)
                                                           ? gst_structure_copy (gst_value_get_structure (inner))
                                                           : NULL);
  }
  set_fault (error, item, "its type is none that may come this way");
  return NULL;
}

GstEvent *
dc_gst_event_from_item (const DcLinkItem *item, GError **error)
{
  g_autoptr (GstStructure) structure = NULL;

  if (item->event != DC_LINK_EVENT_GAP && item->event != DC_LINK_EVENT_TAGS && item->event != DC_LINK_EVENT_CUSTOM)
    return NULL;
  structure = read_payload (item, error);
  if (structure == NULL)
    return NULL;
  if (item->event == DC_LINK_EVENT_CUSTOM)
    return event_from_custom (item, structure, error);
  if (item->stream != DC_GST_STREAM_DATA) {
    set_fault (error, item, "it does not belong on the stream on which it came");
    return NULL;
  }
  return item->event == DC_LINK_EVENT_GAP ? event_from_gap (item, structure, error)
                                          : event_from_tags (item, structure, error);
}

gboolean
dc_gst_event_parse_flush (const DcLinkItem *item, guint32 *number, gboolean *reset_time, GError **error)
{
  g_autoptr (GstStructure) structure = read_payload (item, error);

  if (structure == NULL)
    return FALSE;
  *reset_time = FALSE;
  gst_structure_get_boolean (structure, "reset-time", reset_time);
  if (gst_structure_get_uint (structure, "number", number))
    return TRUE;
  set_fault (error, item, "it has no number");
  return FALSE;
}
