/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-source.c: the far side of a datachannelsrc over a fake peer, and one alone in a GstHarness. */
#include "tests/harness/dc-test-source.h"

#include <string.h>

#include "plugins/dc-gst-event.h"
#include "tests/harness/dc-test.h"

/* --- What a sender sends ------------------------------------------------------------------------------------------------------- */

void
dc_test_give_caps (DcChannel *channel, const char *text)
{
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_CAPS);

  item->payload = g_bytes_new (text, strlen (text));
  dc_fake_channel_give (channel, item);
}

void
dc_test_give_segment (DcChannel *channel, GstFormat format, guint64 start, guint64 stop)
{
  GstSegment segment;

  gst_segment_init (&segment, format);
  segment.start = segment.time = segment.position = start;
  segment.stop = stop;
  dc_fake_channel_give (channel, dc_gst_item_from_segment (&segment));
}

static DcLinkItem *
new_data (const char *text)
{
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_DATA);

  item->payload = g_bytes_new (text, strlen (text));
  return item;
}

void
dc_test_give_data (DcChannel *channel, const char *text, guint64 pts, guint64 dts)
{
  DcLinkItem *item = new_data (text);

  item->pts = pts;
  item->dts = dts;
  dc_fake_channel_give (channel, item);
}

void
dc_test_give_text (DcChannel *channel, const char *text)
{
  DcLinkItem *item = new_data (text);

  item->flags = DC_LINK_FLAG_TEXT;
  dc_fake_channel_give (channel, item);
}

void
dc_test_give_event (DcChannel *channel, guint stream, GstEvent *event)
{
  DcLinkItem *item = dc_gst_event_to_item (event, (DcGstStream) stream);

  g_assert_nonnull (item);
  dc_fake_channel_give (channel, item);
  gst_event_unref (event);
}

void
dc_test_give_flush_start (DcChannel *channel, guint32 number)
{
  dc_fake_channel_give (channel, dc_gst_event_new_flush_start (number));
}

void
dc_test_give_flush_stop (DcChannel *channel, guint32 number, gboolean reset_time)
{
  dc_fake_channel_give (channel, dc_gst_event_new_flush_stop (number, reset_time));
}

void
dc_test_give_end (DcChannel *channel)
{
  dc_fake_channel_give (channel, dc_gst_item_from_eos ());
  dc_fake_channel_give (channel, dc_link_item_new (DC_LINK_ITEM_FIN));
}

/* --- A source alone -------------------------------------------------------------------------------------------------------------- */

void
dc_test_source_make (DcTestSource *f, const char *description)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) element = NULL;

  dc_test_watchdog_start (30);
  element = gst_parse_launch (description, &error);
  g_assert_no_error (error);
  gst_object_ref_sink (element);
  f->harness = gst_harness_new_with_element (element, NULL, "src");
}

void
dc_test_source_play (DcTestSource *f, const char *description)
{
  dc_test_source_make (f, description);
  gst_harness_play (f->harness);
  f->peer = dc_fake_wait_peer ();
  f->channel = dc_fake_peer_open (f->peer);
}

void
dc_test_source_clear (DcTestSource *f)
{
  g_clear_pointer (&f->harness, gst_harness_teardown);
  if (f->peer != NULL)
    g_assert_true (dc_fake_peer_is_stopped (f->peer));
  g_clear_object (&f->channel);
  g_clear_object (&f->peer);
  dc_test_watchdog_stop ();
}

GstEvent *
dc_test_source_pull_event (DcTestSource *f, GstEventType type)
{
  GstEvent *event = gst_harness_pull_event (f->harness);

  while (event != NULL && GST_EVENT_TYPE (event) != type) {
    gst_event_unref (event);
    event = gst_harness_pull_event (f->harness);
  }
  g_assert_nonnull (event);
  return event;
}

GstBuffer *
dc_test_source_pull_data (DcTestSource *f, const char *text)
{
  GstBuffer *buffer = gst_harness_pull (f->harness);

  g_assert_nonnull (buffer);
  g_assert_cmpuint (gst_buffer_get_size (buffer), ==, strlen (text));
  g_assert_cmpint (gst_buffer_memcmp (buffer, 0, text, strlen (text)), ==, 0);
  return buffer;
}

GstClockTime
dc_test_source_get_running_time (DcTestSource *f, GstClockTime time)
{
  g_autoptr (GstEvent) event = gst_pad_get_sticky_event (f->harness->sinkpad, GST_EVENT_SEGMENT, 0);
  const GstSegment *segment;

  g_assert_nonnull (event);
  gst_event_parse_segment (event, &segment);
  return gst_segment_to_running_time (segment, GST_FORMAT_TIME, time);
}
