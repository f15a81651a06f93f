/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-sink.c: what is pushed into a datachannelsink behind an appsrc named in, and what its receivers get, over a fake peer. */
#include "tests/harness/dc-test-sink.h"

#include <gst/base/gstbasesink.h>
#include <string.h>

/* --- Into the sink -------------------------------------------------------------------------------------------------------------- */

GstFlowReturn
dc_test_sink_try_push (DcTestElement *f, const char *text, guint64 pts, guint flags)
{
  g_autoptr (GstBuffer) buffer = *text != '\0' ? gst_buffer_new_memdup (text, strlen (text)) : gst_buffer_new ();
  GstFlowReturn flow;

  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_FLAG_SET (buffer, flags);
  g_signal_emit_by_name (dc_test_element_get (f, "in"), "push-buffer", buffer, &flow);
  return flow;
}

void
dc_test_sink_push_flagged (DcTestElement *f, const char *text, guint64 pts, guint flags)
{
  g_assert_cmpint (dc_test_sink_try_push (f, text, pts, flags), ==, GST_FLOW_OK);
}

void
dc_test_sink_push_at (DcTestElement *f, const char *text, guint64 pts)
{
  dc_test_sink_push_flagged (f, text, pts, 0);
}

void
dc_test_sink_push (DcTestElement *f, const char *text)
{
  dc_test_sink_push_at (f, text, GST_CLOCK_TIME_NONE);
}

void
dc_test_sink_end_stream (DcTestElement *f)
{
  GstFlowReturn flow;

  g_signal_emit_by_name (dc_test_element_get (f, "in"), "end-of-stream", &flow);
  g_assert_cmpint (flow, ==, GST_FLOW_OK);
}

static GstPadProbeReturn
count_request (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  DcTestEncoder *encoder = data;

  if (!gst_event_has_name (event, "GstForceKeyUnit"))
    return GST_PAD_PROBE_OK;
  g_mutex_lock (&encoder->lock);
  encoder->requests++;
  g_cond_signal (&encoder->cond);
  g_mutex_unlock (&encoder->lock);
  return GST_PAD_PROBE_OK;
}

void
dc_test_encoder_watch (DcTestEncoder *encoder, DcTestElement *f)
{
  gst_pad_add_probe (GST_BASE_SINK_PAD (dc_test_element_get (f, "dc")), GST_PAD_PROBE_TYPE_EVENT_UPSTREAM,
      count_request, encoder, NULL);
}

void
dc_test_encoder_wait (DcTestEncoder *encoder)
{
  g_mutex_lock (&encoder->lock);
  while (encoder->requests == 0)
    g_cond_wait (&encoder->cond, &encoder->lock);
  g_mutex_unlock (&encoder->lock);
}

/* --- Its receivers -------------------------------------------------------------------------------------------------------------- */

DcChannel *
dc_test_sink_join_with_window (DcTestElement *f, const char *id, guint items)
{
  return dc_fake_peer_open_as (f->peer, 0, id, items);
}

DcChannel *
dc_test_sink_join (DcTestElement *f, const char *id)
{
  return dc_test_sink_join_with_window (f, id, G_MAXUINT);
}

/* --- Out of a channel of it ----------------------------------------------------------------------------------------------------- */

void
dc_test_take_kind (DcChannel *channel, DcLinkItemKind kind)
{
  g_autoptr (DcLinkItem) item = dc_fake_channel_take (channel);

  g_assert_cmpint (item->kind, ==, kind);
}

void
dc_test_take_format (DcChannel *channel)
{
  dc_test_take_kind (channel, DC_LINK_ITEM_CAPS);
  dc_test_take_kind (channel, DC_LINK_ITEM_SEGMENT);
}

void
dc_test_assert_data (const DcLinkItem *item, const char *text)
{
  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_DATA);
  g_assert_cmpmem (g_bytes_get_data (item->payload, NULL), g_bytes_get_size (item->payload), text, strlen (text));
}

guint
dc_test_take_data (DcChannel *channel, const char *text)
{
  g_autoptr (DcLinkItem) item = dc_fake_channel_take (channel);

  dc_test_assert_data (item, text);
  return item->flags;
}

void
dc_test_take_end (DcChannel *channel)
{
  dc_test_take_kind (channel, DC_LINK_ITEM_EVENT);
  dc_test_take_kind (channel, DC_LINK_ITEM_FIN);
}
