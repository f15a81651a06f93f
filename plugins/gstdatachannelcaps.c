/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelcaps.c: which caps can be sent. */
#include "plugins/gstdatachannelcaps.h"

/* What stands for other memory than the system's, or beside it, does not exist on the far machine. */
static gboolean
is_plain (const GstCaps *caps, guint i)
{
  GstCapsFeatures *features = gst_caps_get_features (caps, i);

  return features == NULL || gst_caps_features_is_equal (features, GST_CAPS_FEATURES_MEMORY_SYSTEM_MEMORY);
}

GstCaps *
gst_data_channel_caps_filter (const GstCaps *filter)
{
  GstCaps *caps;

  if (filter == NULL || gst_caps_is_any (filter))
    return gst_caps_new_any ();
  caps = gst_caps_new_empty ();
  for (guint i = 0; i < gst_caps_get_size (filter); i++) {
    if (is_plain (filter, i))
      gst_caps_append_structure (caps, gst_structure_copy (gst_caps_get_structure (filter, i)));
  }
  return caps;
}

static const char *
find_feature (const GstCaps *caps, const char *prefix)
{
  GstCapsFeatures *features = gst_caps_get_features (caps, 0);

  for (guint i = 0; i < gst_caps_features_get_size (features); i++) {
    const char *feature = gst_caps_features_get_nth (features, i);
    if (g_str_has_prefix (feature, prefix) && !g_str_equal (feature, GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY))
      return feature;
  }
  return NULL;
}

gboolean
gst_data_channel_caps_check (GstElement *element, const GstCaps *caps)
{
  const char *memory;

  if (is_plain (caps, 0))
    return TRUE;
  memory = find_feature (caps, "memory:");
  if (memory != NULL)
    GST_ELEMENT_ERROR (element, STREAM, FORMAT,
        ("Only system memory can be sent, not %s: download the frames before this element, for example with "
         "gldownload.",
            memory),
        ("caps are %" GST_PTR_FORMAT, caps));
  else
    GST_ELEMENT_ERROR (element, STREAM, FORMAT,
        ("Caps with %s cannot be sent: only what is in the bytes of a buffer crosses; put an element before this one "
         "that does without.",
            find_feature (caps, "")),
        ("caps are %" GST_PTR_FORMAT, caps));
  return FALSE;
}
