/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelsrc-end.c: the end of the stream that datachannelsrc receives.
 *
 * Theory of operation
 * -------------------
 * FIN comes behind the last item. EOS goes downstream, and FIN is accepted, which releases the sender, when every sink behind us has
 * handled it. Two things tell so. dc_gst_downstream_is_eos() sees it, but looks only now and then. And the pipeline posts EOS, upon which the
 * application may stop it at once: so that message is caught on the bus, before the application gets it. If the pipeline is
 * stopped before either, the sender learns that not everything arrived. If it is flushed, which takes the EOS away from the sinks,
 * all this begins again; the channel gives its FIN only once. */
#include "plugins/dc-gst-downstream.h"
#include "plugins/gstdatachannelsrc-private.h"

/* How often is looked whether the sinks are done: only at the end of a stream, and behind queues. */
#define LOOK_INTERVAL (10 * G_TIME_SPAN_MILLISECOND)

static void
pipeline_eos_cb (GstBus *bus, GstMessage *message, GstDataChannelSrc *self)
{
  /* Bins keep the EOS of what they hold to themselves; this is the pipeline's own. */
  g_mutex_lock (&self->end.lock);
  self->pipeline_is_eos = TRUE;
  g_cond_broadcast (&self->end.cond);
  g_mutex_unlock (&self->end.lock);
}

/* The bus of the pipeline that we are in, or NULL. */
static GstBus *
watch_pipeline (GstDataChannelSrc *self)
{
  GstObject *top = gst_object_ref (GST_OBJECT (self)), *parent;
  GstBus *bus = NULL;

  while ((parent = gst_object_get_parent (top)) != NULL) {
    gst_object_unref (top);
    top = parent;
  }
  if (GST_IS_PIPELINE (top))
    bus = gst_element_get_bus (GST_ELEMENT (top));
  gst_object_unref (top);
  if (bus != NULL) {
    gst_bus_enable_sync_message_emission (bus);
    g_signal_connect_data (bus, "sync-message::eos", G_CALLBACK (pipeline_eos_cb), gst_object_ref (self),
        (GClosureNotify) (void (*) (void)) gst_object_unref, 0);
  }
  return bus;
}

static void
unwatch_pipeline (GstDataChannelSrc *self, GstBus *bus)
{
  if (bus == NULL)
    return;
  g_signal_handlers_disconnect_by_data (bus, self);
  gst_bus_disable_sync_message_emission (bus);
  gst_object_unref (bus);
}

/* FALSE: the pipeline is stopped or flushed first. */
static gboolean
wait_for_sinks (GstDataChannelSrc *self)
{
  gboolean done, flushing;

  g_mutex_lock (&self->end.lock);
  do {
    g_mutex_unlock (&self->end.lock);
    done = dc_gst_downstream_is_eos (GST_BASE_SRC_PAD (self));
    g_mutex_lock (&self->end.lock);
    if (!done && !self->pipeline_is_eos && !self->end.flushing)
      g_cond_wait_until (&self->end.cond, &self->end.lock, g_get_monotonic_time () + LOOK_INTERVAL);
    done = done || self->pipeline_is_eos;
    flushing = self->end.flushing;
  } while (!done && !flushing);
  g_mutex_unlock (&self->end.lock);
  return done;
}

static GstBus *
begin_to_end (GstDataChannelSrc *self)
{
  gst_data_channel_src_end_flushes (self);
  gst_data_channel_end_set_ending (&self->end);
  g_mutex_lock (&self->end.lock);
  self->pipeline_is_eos = FALSE;
  g_mutex_unlock (&self->end.lock);
  return watch_pipeline (self);
}

GstFlowReturn
gst_data_channel_src_take_fin (GstDataChannelSrc *self, DcChannel *channel)
{
  GstBus *bus = begin_to_end (self);
  gboolean done;

  GST_INFO_OBJECT (self, "end of stream: waiting until downstream has handled it");
  gst_data_channel_src_ensure_segment (self);
  gst_data_channel_src_push_application_events (self);
  gst_pad_push_event (GST_BASE_SRC_PAD (self), gst_event_new_eos ());
  done = wait_for_sinks (self);
  unwatch_pipeline (self, bus);
  if (!done)
    return GST_FLOW_FLUSHING;
  gst_data_channel_end_set_delivered (&self->end);
  dc_channel_accept_fin (channel);
  /* The base class pushes an EOS too, which the pad drops as its second. */
  return GST_FLOW_EOS;
}
