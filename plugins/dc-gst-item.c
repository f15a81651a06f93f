/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-gst-item.c: buffers, caps and segments as the link's items, and back. */
#include "plugins/dc-gst-item.h"

#include <math.h>
#include <string.h>

#include "plugins/dc-gst-text.h"
#include "plugins/peer/dc-error.h"

/* Stream headers are in it. */
#define MAX_CAPS_LENGTH (4 * 1024 * 1024)

static const struct {
  GstBufferFlags gst;
  DcLinkFlags link;
} flag_map[] = {
    {GST_BUFFER_FLAG_DISCONT, DC_LINK_FLAG_DISCONT},
    {GST_BUFFER_FLAG_DELTA_UNIT, DC_LINK_FLAG_DELTA_UNIT},
    {GST_BUFFER_FLAG_HEADER, DC_LINK_FLAG_HEADER},
    {GST_BUFFER_FLAG_GAP, DC_LINK_FLAG_GAP},
    {GST_BUFFER_FLAG_MARKER, DC_LINK_FLAG_MARKER},
    {GST_BUFFER_FLAG_RESYNC, DC_LINK_FLAG_RESYNC},
    {GST_BUFFER_FLAG_DROPPABLE, DC_LINK_FLAG_DROPPABLE},
    {GST_BUFFER_FLAG_CORRUPTED, DC_LINK_FLAG_CORRUPTED},
};

/* Times and offsets cross as they are, "none" included. */
G_STATIC_ASSERT (DC_LINK_NONE == GST_CLOCK_TIME_NONE);
G_STATIC_ASSERT (DC_LINK_NONE == GST_BUFFER_OFFSET_NONE);

typedef struct {
  GstBuffer *buffer;
  GstMapInfo map;
} MappedBuffer;

static void
mapped_buffer_free (gpointer data)
{
  MappedBuffer *mapped = data;

  gst_buffer_unmap (mapped->buffer, &mapped->map);
  gst_buffer_unref (mapped->buffer);
  g_free (mapped);
}

static void
set_unreadable (GError **error)
{
  g_set_error_literal (error, DC_ERROR, DC_ERROR_DATA,
      "A buffer's memory cannot be read by the processor: download it to system memory before it is sent");
}

static GBytes *
bytes_from_one_memory (GstBuffer *buffer, GError **error)
{
  MappedBuffer *mapped = g_new0 (MappedBuffer, 1);

  if (!gst_buffer_map (buffer, &mapped->map, GST_MAP_READ)) {
    g_free (mapped);
    set_unreadable (error);
    return NULL;
  }
  mapped->buffer = gst_buffer_ref (buffer);
  return g_bytes_new_with_free_func (mapped->map.data, mapped->map.size, mapped_buffer_free, mapped);
}

static GBytes *
bytes_from_many_memories (GstBuffer *buffer, GError **error)
{
  gsize size = gst_buffer_get_size (buffer);
  guint8 *data = g_malloc (size);

  if (gst_buffer_extract (buffer, 0, data, size) != size) {
    g_free (data);
    set_unreadable (error);
    return NULL;
  }
  return g_bytes_new_take (data, size);
}

DcLinkItem *
dc_gst_item_from_buffer (GstBuffer *buffer, GError **error)
{
  g_autoptr (DcLinkItem) item = dc_link_item_new (DC_LINK_ITEM_DATA);

  if (gst_buffer_get_size (buffer) > 0) {
    item->payload = gst_buffer_n_memory (buffer) == 1 ? bytes_from_one_memory (buffer, error)
                                                      : bytes_from_many_memories (buffer, error);
    if (item->payload == NULL)
      return NULL;
  }
  item->pts = GST_BUFFER_PTS (buffer);
  item->dts = GST_BUFFER_DTS (buffer);
  item->duration = GST_BUFFER_DURATION (buffer);
  item->offset = GST_BUFFER_OFFSET (buffer);
  item->offset_end = GST_BUFFER_OFFSET_END (buffer);
  for (gsize i = 0; i < G_N_ELEMENTS (flag_map); i++) {
    if (GST_BUFFER_FLAG_IS_SET (buffer, flag_map[i].gst))
      item->flags |= flag_map[i].link;
  }
  return g_steal_pointer (&item);
}

GstBuffer *
dc_gst_item_to_buffer (const DcLinkItem *item)
{
  gboolean empty = item->payload == NULL || g_bytes_get_size (item->payload) == 0;
  GstBuffer *buffer = empty ? gst_buffer_new () : gst_buffer_new_wrapped_bytes (item->payload);

  GST_BUFFER_PTS (buffer) = item->pts;
  GST_BUFFER_DTS (buffer) = item->dts;
  GST_BUFFER_DURATION (buffer) = item->duration;
  GST_BUFFER_OFFSET (buffer) = item->offset;
  GST_BUFFER_OFFSET_END (buffer) = item->offset_end;
  for (gsize i = 0; i < G_N_ELEMENTS (flag_map); i++) {
    if (item->flags & flag_map[i].link)
      GST_BUFFER_FLAG_SET (buffer, flag_map[i].gst);
  }
  return buffer;
}

DcLinkItem *
dc_gst_item_from_caps (const GstCaps *caps)
{
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_CAPS);
  char *text = gst_caps_serialize (caps, GST_SERIALIZE_FLAG_NONE);

  item->payload = g_bytes_new_take (text, strlen (text));
  return item;
}

static GstCaps *
read_caps (const DcLinkItem *item, char **fault)
{
  gsize length = 0;
  const char *text = item->payload != NULL ? g_bytes_get_data (item->payload, &length) : NULL;
  GstStructure *structure;
  GstCaps *caps;

  if (length == 0 || length > MAX_CAPS_LENGTH) {
    *fault = g_strdup (length == 0 ? "they are empty" : "they are too long");
    return NULL;
  }
  structure = dc_gst_text_read_structure (text, length, DC_GST_TEXT_STRICT, fault);
  if (structure == NULL)
    return NULL;
  caps = dc_gst_text_structure_to_caps (structure);
  if (caps != NULL && gst_caps_is_fixed (caps))
    return caps;
  g_clear_pointer (&caps, gst_caps_unref);
  *fault = g_strdup ("they leave something open");
  return NULL;
}

GstCaps *
dc_gst_item_to_caps (const DcLinkItem *item, GError **error)
{
  g_autofree char *fault = NULL;
  GstCaps *caps = read_caps (item, &fault);

  if (caps == NULL)
    g_set_error (
        error, DC_ERROR, DC_ERROR_DATA, "The sender named a format (caps) that cannot be understood: %s", fault);
  return caps;
}

DcLinkItem *
dc_gst_item_from_segment (const GstSegment *segment)
{
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_SEGMENT);

  item->segment = (DcLinkSegment){
      .flags = segment->flags,
      .format = segment->format,
      .rate = segment->rate,
      .applied_rate = segment->applied_rate,
      .base = segment->base,
      .offset = segment->offset,
      .start = segment->start,
      .stop = segment->stop,
      .time = segment->time,
      .position = segment->position,
      .duration = segment->duration,
  };
  return item;
}

static gboolean
rate_is_sound (gdouble rate)
{
  return isfinite (rate) && rate != 0.0;
}

gboolean
dc_gst_item_to_segment (const DcLinkItem *item, GstSegment *segment, GError **error)
{
  const DcLinkSegment *from = &item->segment;

  if (from->format <= GST_FORMAT_UNDEFINED || from->format > GST_FORMAT_PERCENT || !rate_is_sound (from->rate)
      || !rate_is_sound (from->applied_rate) || (from->stop != DC_LINK_NONE && from->start > from->stop)) {
    g_set_error (error, DC_ERROR, DC_ERROR_DATA,
        "The sender's segment cannot be used: format %u, rate %g, applied rate %g, start %" G_GUINT64_FORMAT
        ", stop %" G_GUINT64_FORMAT,
        from->format, from->rate, from->applied_rate, from->start, from->stop);
    return FALSE;
  }
  gst_segment_init (segment, (GstFormat) from->format);
  segment->flags = (GstSegmentFlags) from->flags;
  segment->rate = from->rate;
  segment->applied_rate = from->applied_rate;
  segment->base = from->base;
  segment->offset = from->offset;
  segment->start = from->start;
  segment->stop = from->stop;
  segment->time = from->time;
  segment->position = from->position;
  segment->duration = from->duration;
  return TRUE;
}

DcLinkItem *
dc_gst_item_from_eos (void)
{
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_EVENT);

  item->event = DC_LINK_EVENT_EOS;
  return item;
}
