/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-dtls-farewell.c: the last buffer, through a sink that was stopped already.
 *
 * A pipeline stops from its sinks on: when dtlsenc is told to, and has close_notify to send, the sink that would send it is in READY, and its pad takes
 * nothing any more. What it sends with is still there, though: a sink opens that before READY, and closes it after. So its function for one buffer is
 * called as it would call that itself. */
#include "plugins/transport/gst-dtls-farewell.h"

#include <gst/base/gstbasesink.h>

#define MAX_STEPS 16 /* elements and bins on the way */

/* The pad of an element that @pad, (transfer full) (nullable), stands for, or which stands beyond it. (transfer full) (nullable) */
static GstPad *
look_through (GstPad *pad)
{
  GstPad *next;

  if (GST_IS_GHOST_PAD (pad)) {
    next = gst_ghost_pad_get_target (GST_GHOST_PAD (pad));
  } else {
    g_autoptr (GstProxyPad) ghost = gst_proxy_pad_get_internal (GST_PROXY_PAD (pad));
    next = ghost != NULL ? gst_pad_get_peer (GST_PAD (ghost)) : NULL;
  }
  gst_object_unref (pad);
  return next;
}

/* From a sink pad of an element with one src pad. (transfer full) (nullable) */
static GstPad *
step_over (GstElement *element)
{
  g_autoptr (GstPad) src = gst_element_get_static_pad (element, "src");

  return src != NULL ? gst_pad_get_peer (src) : NULL;
}

static GstBaseSink *
find_sink (GstPad *src)
{
  GstPad *pad = gst_pad_get_peer (src);

  for (guint i = 0; i < MAX_STEPS && pad != NULL; i++) {
    g_autoptr (GstElement) element = NULL;

    if (GST_IS_PROXY_PAD (pad)) {
      pad = look_through (pad);
      continue;
    }
    element = gst_pad_get_parent_element (pad);
    gst_clear_object (&pad);
    if (element != NULL && GST_IS_BASE_SINK (element))
      return GST_BASE_SINK (g_steal_pointer (&element));
    pad = element != NULL ? step_over (element) : NULL;
  }
  gst_clear_object (&pad);
  return NULL;
}

gboolean
gst_dc_dtls_farewell (GstPad *src, GstBuffer *buffer)
{
  g_autoptr (GstBuffer) owned = buffer;
  g_autoptr (GstBaseSink) sink = find_sink (src);
  GstBaseSinkClass *class = sink != NULL ? GST_BASE_SINK_GET_CLASS (sink) : NULL;
  gboolean sent = FALSE;

  if (class == NULL || class->render == NULL)
    return FALSE;
  GST_BASE_SINK_PREROLL_LOCK (sink);
  if (GST_STATE (sink) == GST_STATE_READY)
    sent = class->render (sink, owned) == GST_FLOW_OK;
  GST_BASE_SINK_PREROLL_UNLOCK (sink);
  return sent;
}
