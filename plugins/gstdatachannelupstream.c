/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelupstream.c: events that receivers send back to a sink.
 *
 * A channel tells that there is something on its threads, which must not block, while an event can take its time upstream. So whoever is
 * told only notes the channel, and a thread of GStreamer's pool, one at a time so that events stay in their order, pulls and
 * pushes until nothing is noted. */
#include "plugins/gstdatachannelupstream.h"

#include "plugins/dc-gst-event.h"

struct _GstDataChannelUpstream {
  GstElement *element; /* which holds us */
  GstPad *pad;

  GMutex lock;
  GQueue channels; /* (element-type DcChannel): to pull from */
  gboolean running;
};

GstDataChannelUpstream *
gst_data_channel_upstream_new (GstElement *element, GstPad *pad)
{
  GstDataChannelUpstream *self = g_new0 (GstDataChannelUpstream, 1);

  self->element = element;
  self->pad = gst_object_ref (pad);
  g_mutex_init (&self->lock);
  g_queue_init (&self->channels);
  return self;
}

void
gst_data_channel_upstream_free (GstDataChannelUpstream *self)
{
  g_queue_clear_full (&self->channels, g_object_unref);
  g_mutex_clear (&self->lock);
  gst_object_unref (self->pad);
  g_free (self);
}

static void
push_upstream (GstDataChannelUpstream *self, const DcLinkItem *item)
{
  g_autoptr (GError) error = NULL;
  GstEvent *event = dc_gst_event_from_item (item, &error);

  /* A receiver that sends nonsense here harms nobody; what it gets is not affected. */
  if (event == NULL)
    GST_WARNING_OBJECT (self->element, "an event from a receiver is ignored: %s",
        error != NULL ? error->message : "of a kind that is not known");
  else if (!gst_pad_push_event (self->pad, event))
    GST_DEBUG_OBJECT (self->element, "nobody upstream takes the event from a receiver");
}

static DcChannel *
take_channel (GstDataChannelUpstream *self)
{
  DcChannel *channel;

  g_mutex_lock (&self->lock);
  channel = g_queue_pop_head (&self->channels);
  self->running = channel != NULL;
  g_mutex_unlock (&self->lock);
  return channel;
}

static void
pull_all (GstElement *element, gpointer data)
{
  GstDataChannelUpstream *self = data;
  DcChannel *channel;

  while ((channel = take_channel (self)) != NULL) {
    DcLinkItem *item;
    while ((item = dc_channel_try_pull (channel, DC_GST_STREAM_UPSTREAM, NULL)) != NULL) {
      push_upstream (self, item);
      dc_link_item_free (item);
    }
    g_object_unref (channel);
  }
}

void
gst_data_channel_upstream_pull (GstDataChannelUpstream *self, DcChannel *channel)
{
  gboolean start;

  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->channels, g_object_ref (channel));
  start = !self->running;
  self->running = TRUE;
  g_mutex_unlock (&self->lock);
  if (start)
    gst_element_call_async (self->element, pull_all, self, NULL);
}
