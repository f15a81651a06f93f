/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelformat.c: buffers and events as a receiver's items: what it must have, in its own running time.
 *
 * What is sticky is kept here with rising serials, and each receiver has seen the events up to one of them; see
 * gstdatachannelreceivers.c. */
#include "plugins/dc-gst-event.h"
#include "plugins/gstdatachannelreceivers-private.h"

typedef struct {
  GstEvent *event;
  guint serial;
} Sticky;

static void
sticky_clear (gpointer data)
{
  gst_event_unref (((Sticky *) data)->event);
}

void
gst_data_channel_format_init (GstDataChannelReceivers *self)
{
  self->sticky = g_array_new (FALSE, FALSE, sizeof (Sticky));
  g_array_set_clear_func (self->sticky, sticky_clear);
}

void
gst_data_channel_format_clear (GstDataChannelReceivers *self)
{
  g_array_unref (self->sticky);
}

/* --- What is sticky ------------------------------------------------------------------------------------------------------------- */

static gboolean
takes_the_place_of (GstEvent *event, GstEvent *old)
{
  if (GST_EVENT_TYPE (event) != GST_EVENT_TYPE (old))
    return FALSE;
  return !(GST_EVENT_TYPE (event) & GST_EVENT_TYPE_STICKY_MULTI)
         || gst_event_has_name (old, gst_structure_get_name (gst_event_get_structure (event)));
}

void
gst_data_channel_format_forget (GstDataChannelReceivers *self, GstEventType type)
{
  for (guint i = self->sticky->len; i > 0; i--) {
    if (GST_EVENT_TYPE (g_array_index (self->sticky, Sticky, i - 1).event) == type)
      g_array_remove_index (self->sticky, i - 1);
  }
}

/* In the order of their types, as pads keep them: who comes late gets them in it, and caps must come before a segment. */
void
gst_data_channel_receivers_note (GstDataChannelReceivers *self, GstEvent *event)
{
  Sticky sticky = {gst_event_ref (event), ++self->serial};
  guint place = 0;

  for (guint i = self->sticky->len; i > 0; i--) {
    if (takes_the_place_of (event, g_array_index (self->sticky, Sticky, i - 1).event))
      g_array_remove_index (self->sticky, i - 1);
  }
  while (place < self->sticky->len
         && GST_EVENT_TYPE (g_array_index (self->sticky, Sticky, place).event) <= GST_EVENT_TYPE (event))
    place++;
  g_array_insert_val (self->sticky, place, sticky);
}

static GstEvent *
get_sticky (GstDataChannelReceivers *self, GstEventType type)
{
  for (guint i = 0; i < self->sticky->len; i++) {
    GstEvent *event = g_array_index (self->sticky, Sticky, i).event;
    if (GST_EVENT_TYPE (event) == type)
      return event;
  }
  return NULL;
}

static GstCaps *
get_caps (GstDataChannelReceivers *self)
{
  GstEvent *event = get_sticky (self, GST_EVENT_CAPS);
  GstCaps *caps = NULL;

  if (event != NULL)
    gst_event_parse_caps (event, &caps);
  return caps;
}

/* --- Items ---------------------------------------------------------------------------------------------------------------------- */

DcLinkItem *
gst_data_channel_copy_item (const DcLinkItem *item)
{
  DcLinkItem *copy = dc_link_item_new (item->kind);

  *copy = *item;
  if (copy->payload != NULL)
    g_bytes_ref (copy->payload);
  return copy;
}

/* In raw mode a string message is one whose caps say text. */
static gboolean
mark_text (GstDataChannelReceivers *self, DcLinkItem *item, GError **error)
{
  GstCaps *caps = get_caps (self);
  gsize size = 0;
  const char *text = item->payload != NULL ? g_bytes_get_data (item->payload, &size) : NULL;

  if (caps == NULL || !g_str_has_prefix (gst_structure_get_name (gst_caps_get_structure (caps, 0)), "text/"))
    return TRUE;
  item->flags |= DC_LINK_FLAG_TEXT;
  if (text == NULL || g_utf8_validate_len (text, size, NULL))
    return TRUE;
  g_set_error (error, DC_ERROR, DC_ERROR_DATA,
      "A buffer of %" G_GSIZE_FORMAT " bytes cannot be sent as a text message: its caps say text, but it is not UTF-8",
      size);
  return FALSE;
}

/* Larger is nothing that a receiver takes, of whatever kind; some take less. */
static gboolean
check_size (GstDataChannelReceivers *self, const DcLinkItem *item, GError **error)
{
  gsize size = item->payload != NULL ? g_bytes_get_size (item->payload) : 0;

  if (size <= self->max_size)
    return TRUE;
  g_set_error (error, DC_ERROR, DC_ERROR_DATA,
      "A buffer of %" G_GSIZE_FORMAT " bytes cannot be sent: in %s mode it may have at most %" G_GSIZE_FORMAT
      " bytes; make the buffers smaller before this element",
      size, self->mode == DC_MODE_RAW ? "raw" : "link", self->max_size);
  return FALSE;
}

DcLinkItem *
gst_data_channel_format_make_item (GstDataChannelReceivers *self, GstBuffer *buffer, GError **error)
{
  g_autoptr (DcLinkItem) item = dc_gst_item_from_buffer (buffer, error);

  if (item == NULL || !check_size (self, item, error) || (self->mode == DC_MODE_RAW && !mark_text (self, item, error)))
    return NULL;
  return g_steal_pointer (&item);
}

/* In the running time of a receiver that came at @origin. What of it is before that comes before its segment. */
static DcLinkItem *
item_from_segment (const GstSegment *segment, guint64 origin)
{
  GstSegment moved = *segment;

  gst_segment_offset_running_time (&moved, moved.format, -(gint64) origin);
  return dc_gst_item_from_segment (&moved);
}

static DcLinkItem *
item_from_event (GstDataChannelReceiver *receiver, GstEvent *event)
{
  const GstSegment *segment;
  GstCaps *caps;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      return dc_gst_item_from_caps (caps);
    case GST_EVENT_SEGMENT:
      gst_event_parse_segment (event, &segment);
      return item_from_segment (segment, receiver->origin);
    default:
      return dc_gst_event_to_item (event, DC_GST_STREAM_DATA);
  }
}

void
gst_data_channel_receiver_enqueue (GstDataChannelReceiver *receiver, DcLinkItem *item)
{
  if (item != NULL)
    g_queue_push_tail (&receiver->queue, item);
}

static void
enqueue_sticky (GstDataChannelReceivers *self, GstDataChannelReceiver *receiver)
{
  for (guint i = 0; i < self->sticky->len; i++) {
    const Sticky *sticky = &g_array_index (self->sticky, Sticky, i);
    if (sticky->serial > receiver->seen)
      gst_data_channel_receiver_enqueue (receiver, item_from_event (receiver, sticky->event));
  }
}

/* What a receiver must have before whatever comes next. */
void
gst_data_channel_receiver_enqueue_format (GstDataChannelReceivers *self, GstDataChannelReceiver *receiver)
{
  if (self->mode == DC_MODE_RAW)
    return;
  if (receiver->flushed)
    gst_data_channel_receiver_enqueue (receiver, dc_gst_event_new_flush_stop (self->flushes, self->flush_resets_time));
  enqueue_sticky (self, receiver);
}

/* --- What comes first --------------------------------------------------------------------------------------------------------------------- */

/* A segment in which running time begins at @buffer. */
static DcLinkItem *
make_first_segment (const GstSegment *segment, GstBuffer *buffer, guint64 *origin)
{
  GstClockTime start = GST_BUFFER_DTS_OR_PTS (buffer), running;
  GstSegment first = *segment;

  if (GST_BUFFER_PTS_IS_VALID (buffer))
    start = GST_BUFFER_PTS (buffer);
  running = gst_segment_to_running_time (segment, segment->format, start);
  if (segment->format != GST_FORMAT_TIME || segment->rate < 0 || running == GST_CLOCK_TIME_NONE)
    return dc_gst_item_from_segment (segment);
  first.time = gst_segment_to_stream_time (segment, GST_FORMAT_TIME, start);
  first.start = first.position = start;
  first.base = first.offset = 0;
  *origin = running;
  return dc_gst_item_from_segment (&first);
}

/* The stream headers that the caps hold: they went out long ago. Caps of VP8 and Opus hold some that are not of the stream: they are for
 * files, and what decodes the stream cannot read them. */
static void
enqueue_headers (GstDataChannelReceivers *self, GstDataChannelReceiver *receiver)
{
  GstCaps *caps = get_caps (self);
  const GValue *headers =
      caps != NULL ? gst_structure_get_value (gst_caps_get_structure (caps, 0), "streamheader") : NULL;

  if (!self->headers || headers == NULL || !GST_VALUE_HOLDS_ARRAY (headers))
    return;
  for (guint i = 0; i < gst_value_array_get_size (headers); i++) {
    const GValue *header = gst_value_array_get_value (headers, i);
    GstBuffer *buffer = GST_VALUE_HOLDS_BUFFER (header) ? gst_value_get_buffer (header) : NULL;
    DcLinkItem *item = buffer != NULL ? gst_data_channel_format_make_item (self, buffer, NULL) : NULL;
    if (item != NULL)
      item->flags |= DC_LINK_FLAG_HEADER;
    gst_data_channel_receiver_enqueue (receiver, item);
  }
}

void
gst_data_channel_receiver_enqueue_first (
    GstDataChannelReceivers *self, GstDataChannelReceiver *receiver, GstBuffer *buffer)
{
  for (guint i = 0; self->mode == DC_MODE_LINK && i < self->sticky->len; i++) {
    GstEvent *event = g_array_index (self->sticky, Sticky, i).event;
    const GstSegment *segment;
    if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT) {
      gst_event_parse_segment (event, &segment);
      gst_data_channel_receiver_enqueue (receiver, make_first_segment (segment, buffer, &receiver->origin));
    } else {
      gst_data_channel_receiver_enqueue (receiver, item_from_event (receiver, event));
    }
  }
  enqueue_headers (self, receiver);
}
