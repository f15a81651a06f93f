/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pads.c: pads of a test's own, linked to an element's. */
#include "tests/pads.h"

static GstPad *
get_pad (GstElement *element, const char *name)
{
  GstPad *pad = gst_element_get_static_pad (element, name);

  return pad != NULL ? pad : gst_element_request_pad_simple (element, name);
}

GstPad *
pads_make_src (GstElement *element, const char *name)
{
  GstPad *pad = gst_pad_new (NULL, GST_PAD_SRC);
  g_autoptr (GstPad) peer = get_pad (element, name);

  gst_pad_set_active (pad, TRUE);
  g_assert_cmpint (gst_pad_link (pad, peer), ==, GST_PAD_LINK_OK);
  return pad;
}

GstPad *
pads_make_sink (GstElement *element, const char *name, GstPadChainFunction chain, GstPadChainListFunction chain_list,
    GstPadEventFunction event, gpointer user_data)
{
  GstPad *pad = gst_pad_new (NULL, GST_PAD_SINK);
  g_autoptr (GstPad) peer = get_pad (element, name);

  gst_pad_set_element_private (pad, user_data);
  gst_pad_set_chain_function (pad, chain);
  if (chain_list != NULL)
    gst_pad_set_chain_list_function (pad, chain_list);
  gst_pad_set_event_function (pad, event);
  gst_pad_set_active (pad, TRUE);
  g_assert_cmpint (gst_pad_link (peer, pad), ==, GST_PAD_LINK_OK);
  return pad;
}

void
pads_begin_stream (GstPad *src)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_BYTES);
  gst_pad_push_event (src, gst_event_new_stream_start ("test"));
  gst_pad_push_event (src, gst_event_new_segment (&segment));
}

void
pads_drop (GstPad *pad)
{
  gst_pad_set_active (pad, FALSE);
  gst_object_unref (pad);
}
