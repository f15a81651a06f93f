/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelsrc-stream.c: what comes on datachannelsrc's stream of data goes downstream.
 *
 * Theory of operation
 * -------------------
 * Caps, segments and events are pushed as they come; those of a later version are left out.
 *
 * Time is the sender's, with two exceptions. A live source plays what comes first at once: its pad has an offset, by which running
 * times change on their way out and nothing else does; after a flush that began time anew it is found again. With do-timestamp nothing
 * of the sender's time is used: the segment is our own, and the sender's are only looked at.
 *
 * In raw mode text and binary messages are told apart by their caps, unless downstream wants one format only, or does not take these. While
 * there has been no text, there are no caps: bytes may be anything, and a typefind downstream would take application/octet-stream for its
 * answer. */
#include "plugins/dc-gst-event.h"
#include "plugins/gstdatachannelsrc-private.h"

#define MAX_STICKY_NAMES 32u

/* --- Format --------------------------------------------------------------------------------------------------------------------- */

static void
push_segment (GstDataChannelSrc *self)
{
  gst_pad_push_event (GST_BASE_SRC_PAD (self), gst_event_new_segment (&self->segment));
}

void
gst_data_channel_src_ensure_segment (GstDataChannelSrc *self)
{
  g_autoptr (GstEvent) event = gst_pad_get_sticky_event (GST_BASE_SRC_PAD (self), GST_EVENT_SEGMENT, 0);

  if (event == NULL)
    push_segment (self);
}

static GstFlowReturn
take_caps (GstDataChannelSrc *self, const DcLinkItem *item)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstCaps) caps = dc_gst_item_to_caps (item, &error);

  if (caps == NULL)
    return gst_data_channel_end_fail_flow (&self->end, error);
  /* A pad keeps caps that are refused and offers them again with the next buffer: then we learn of it. */
  gst_base_src_set_caps (GST_BASE_SRC (self), caps);
  return GST_FLOW_OK;
}

static GstFlowReturn
take_segment (GstDataChannelSrc *self, const DcLinkItem *item)
{
  g_autoptr (GError) error = NULL;
  GstSegment segment;

  if (!dc_gst_item_to_segment (item, &segment, &error))
    return gst_data_channel_end_fail_flow (&self->end, error);
  if (self->stamping)
    return GST_FLOW_OK;
  GST_OBJECT_LOCK (self);
  self->segment = segment;
  GST_OBJECT_UNLOCK (self);
  push_segment (self);
  return GST_FLOW_OK;
}

/* In link mode the format is the sender's. In raw mode nobody names it, unless what follows takes exactly one. */
gboolean
gst_data_channel_src_negotiate (GstBaseSrc *src)
{
  GstDataChannelSrc *self = GST_DATA_CHANNEL_SRC (src);
  g_autoptr (GstCaps) caps = NULL;

  if (self->mode == DC_MODE_LINK)
    return TRUE;
  self->raw_caps = GST_DATA_CHANNEL_RAW_CAPS_NONE;
  caps = gst_pad_peer_query_caps (GST_BASE_SRC_PAD (src), NULL);
  if (caps == NULL || !gst_caps_is_fixed (caps))
    return TRUE;
  self->raw_caps = GST_DATA_CHANNEL_RAW_CAPS_FIXED;
  return gst_base_src_set_caps (src, caps);
}

static void
set_raw_caps (GstDataChannelSrc *self, const DcLinkItem *item)
{
  gboolean text = (item->flags & DC_LINK_FLAG_TEXT) != 0;
  GstDataChannelRawCaps wanted = text ? GST_DATA_CHANNEL_RAW_CAPS_TEXT : GST_DATA_CHANNEL_RAW_CAPS_BINARY;
  GstPad *pad = GST_BASE_SRC_PAD (self);
  g_autoptr (GstCaps) caps = NULL;

  if (self->mode != DC_MODE_RAW)
    return;
  /* The base class looks only before create(). */
  if (gst_pad_check_reconfigure (pad))
    gst_data_channel_src_negotiate (GST_BASE_SRC (self));
  if (self->raw_caps == GST_DATA_CHANNEL_RAW_CAPS_FIXED || self->raw_caps == wanted
      || (!text && self->raw_caps == GST_DATA_CHANNEL_RAW_CAPS_NONE && !gst_pad_has_current_caps (pad)))
    return;
  caps = text ? gst_caps_new_simple ("text/x-raw", "format", G_TYPE_STRING, "utf8", NULL)
              : gst_caps_new_empty_simple ("application/octet-stream");
  self->raw_caps = wanted;
  if (gst_pad_peer_query_accept_caps (pad, caps))
    gst_base_src_set_caps (GST_BASE_SRC (self), caps);
}

/* --- Time ----------------------------------------------------------------------------------------------------------------------- */

/* Running time of a time in the stream, in which one may come before the segment: then the other counts. */
static GstClockTime
to_running_time (GstDataChannelSrc *self, GstClockTime dts, GstClockTime pts)
{
  GstClockTime running = gst_segment_to_running_time (&self->segment, GST_FORMAT_TIME, dts);

  return GST_CLOCK_TIME_IS_VALID (running) ? running
                                           : gst_segment_to_running_time (&self->segment, GST_FORMAT_TIME, pts);
}

/* What the sender does at this time in its stream is for now. */
static void
map_time (GstDataChannelSrc *self, GstClockTime dts, GstClockTime pts)
{
  GstClockTime now, running;

  if (self->time_mapped || !gst_base_src_is_live (GST_BASE_SRC (self)) || self->segment.format != GST_FORMAT_TIME)
    return;
  now = gst_element_get_current_running_time (GST_ELEMENT (self));
  running = to_running_time (self, dts, pts);
  if (!GST_CLOCK_TIME_IS_VALID (now) || !GST_CLOCK_TIME_IS_VALID (running))
    return;
  self->time_mapped = TRUE;
  gst_pad_set_offset (GST_BASE_SRC_PAD (self), GST_CLOCK_DIFF (running, now));
}

static void
set_time (GstDataChannelSrc *self, GstBuffer *buffer)
{
  if (self->stamping)
    GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer) = gst_element_get_current_running_time (GST_ELEMENT (self));
  else
    map_time (self, GST_BUFFER_DTS (buffer), GST_BUFFER_PTS (buffer));
}

/* @event: transfer full. (transfer full) */
static GstEvent *
set_gap_time (GstDataChannelSrc *self, GstEvent *event)
{
  GstClockTime timestamp, duration;

  gst_event_parse_gap (event, &timestamp, &duration);
  if (!self->stamping) {
    map_time (self, timestamp, timestamp);
    return event;
  }
  gst_event_unref (event);
  timestamp = gst_element_get_current_running_time (GST_ELEMENT (self));
  return gst_event_new_gap (GST_CLOCK_TIME_IS_VALID (timestamp) ? timestamp : 0, duration);
}

/* --- Data and events ------------------------------------------------------------------------------------------------------------ */

void
gst_data_channel_src_push_application_events (GstDataChannelSrc *self)
{
  GstEvent *event;

  do {
    GST_OBJECT_LOCK (self);
    event = g_queue_pop_head (&self->events);
    GST_OBJECT_UNLOCK (self);
    if (event != NULL)
      gst_pad_push_event (GST_BASE_SRC_PAD (self), event);
  } while (event != NULL);
}

static GstFlowReturn
take_data (GstDataChannelSrc *self, const DcLinkItem *item)
{
  GstBuffer *buffer = dc_gst_item_to_buffer (item);
  GstFlowReturn flow;

  set_raw_caps (self, item);
  gst_data_channel_src_ensure_segment (self);
  gst_data_channel_src_push_application_events (self);
  set_time (self, buffer);
  flow = gst_pad_push (GST_BASE_SRC_PAD (self), buffer);
  if (flow == GST_FLOW_NOT_NEGOTIATED)
    GST_ELEMENT_ERROR (
        self, STREAM, FORMAT, ("What follows datachannelsrc does not take the sender's format."), (NULL));
  return flow;
}

/* A pad keeps one sticky event of each name, and a stranger can think of many names. */
static gboolean
check_sticky (GstDataChannelSrc *self, GstEvent *event, GError **error)
{
  const GstStructure *structure = gst_event_get_structure (event);
  GstPad *pad = GST_BASE_SRC_PAD (self);

  if (GST_EVENT_TYPE (event) != GST_EVENT_CUSTOM_DOWNSTREAM_STICKY)
    return TRUE;
  for (guint i = 0; i < MAX_STICKY_NAMES; i++) {
    g_autoptr (GstEvent) kept = gst_pad_get_sticky_event (pad, GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, i);
    if (kept == NULL || structure == NULL || gst_event_has_name (kept, gst_structure_get_name (structure)))
      return TRUE;
  }
  g_set_error (error, DC_ERROR, DC_ERROR_DATA,
      "The sender sent more than %u kinds of sticky custom events, which are kept: the last one is \"%s\"",
      MAX_STICKY_NAMES, gst_structure_get_name (structure));
  return FALSE;
}

/* GAP, tags, custom ones. EOS is nothing: what counts is the FIN behind it. */
static GstFlowReturn
take_event (GstDataChannelSrc *self, const DcLinkItem *item)
{
  g_autoptr (GError) error = NULL;
  GstEvent *event = dc_gst_event_from_item (item, &error);

  if (error != NULL)
    return gst_data_channel_end_fail_flow (&self->end, error);
  if (event == NULL)
    return GST_FLOW_OK; /* EOS, or of a later version */
  if (!check_sticky (self, event, &error)) {
    gst_event_unref (event);
    return gst_data_channel_end_fail_flow (&self->end, error);
  }
  if (GST_EVENT_TYPE (event) != GST_EVENT_TAG)
    gst_data_channel_src_ensure_segment (self);
  if (GST_EVENT_TYPE (event) == GST_EVENT_GAP)
    event = set_gap_time (self, event);
  gst_pad_push_event (GST_BASE_SRC_PAD (self), event);
  return GST_FLOW_OK;
}

GstFlowReturn
gst_data_channel_src_take_item (GstDataChannelSrc *self, const DcLinkItem *item)
{
  switch (item->kind) {
    case DC_LINK_ITEM_CAPS:
      return take_caps (self, item);
    case DC_LINK_ITEM_SEGMENT:
      return take_segment (self, item);
    case DC_LINK_ITEM_DATA:
      return take_data (self, item);
    case DC_LINK_ITEM_EVENT:
      return take_event (self, item);
    case DC_LINK_ITEM_FIN:
      break;
  }
  return GST_FLOW_OK;
}
