/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelsrc-flush.c: what overtakes the stream that datachannelsrc receives: flushes of the sender's and out-of-band events.
 *
 * Theory of operation
 * -------------------
 * FLUSH_START comes on a stream of its own and is pushed downstream by a thread of GStreamer's pool, which lets a streaming
 * thread go that is blocked there. That thread drops what it pulls until FLUSH_STOP, which comes in its place among the data, and
 * pushes it. Each has the number of its flush, and whichever is seen first begins it: so what was sent before a flush never comes
 * out after it, and an old FLUSH_START does nothing. If another flush has begun before FLUSH_STOP, only the last one's counts.
 *
 * A flushing pad makes the base class's loop stop for good. So FLUSH_START is pushed only while create() runs, and create() takes
 * it back when it must leave before FLUSH_STOP; the dropping goes on when it is entered again.
 *
 * The pool's threads take turns: one is at work at a time, so that events stay in their order. They outlive state changes: what they find
 * on a channel that is no longer the element's is of no interest. */
#include "plugins/dc-gst-event.h"
#include "plugins/gstdatachannelsrc-private.h"

/* --- Out of band: a thread of the pool ------------------------------------------------------------------------------------------ */

/* Numbers wrap. */
static gboolean
is_later (guint32 number, guint32 than)
{
  return (gint32) (number - than) > 0;
}

static gboolean
is_dropping_locked (GstDataChannelSrc *self)
{
  return self->flush_started != self->flush_stopped;
}

/* Whether FLUSH_START is to be pushed. */
static gboolean
note_flush_start (GstDataChannelSrc *self, DcChannel *channel, guint32 number)
{
  gboolean push = FALSE;

  g_mutex_lock (&self->end.lock);
  if (g_ptr_array_find (self->end.channels, channel, NULL) && !self->fin_taken && is_later (number, self->flush_started)
      && is_later (number, self->flush_stopped)) {
    self->flush_started = number;
    push = self->streaming && !self->flush_pushed;
  }
  if (push)
    self->flush_pushed = self->flush_pushing = TRUE;
  g_mutex_unlock (&self->end.lock);
  return push;
}

static void
start_flush (GstDataChannelSrc *self, DcChannel *channel, guint32 number)
{
  if (!note_flush_start (self, channel, number))
    return;
  gst_pad_push_event (GST_BASE_SRC_PAD (self), gst_event_new_flush_start ());
  g_mutex_lock (&self->end.lock);
  self->flush_pushing = FALSE;
  g_cond_broadcast (&self->end.cond);
  g_mutex_unlock (&self->end.lock);
}

/* A sender that sends nonsense here harms nobody. */
static void
take_out_of_band (GstDataChannelSrc *self, DcChannel *channel, const DcLinkItem *item)
{
  g_autoptr (GError) error = NULL;
  GstEvent *event;
  guint32 number;
  gboolean reset_time;

  if (item->kind == DC_LINK_ITEM_EVENT && item->event == DC_LINK_EVENT_FLUSH_START) {
    if (dc_gst_event_parse_flush (item, &number, &reset_time, &error))
      start_flush (self, channel, number);
  } else if (item->kind == DC_LINK_ITEM_EVENT) {
    event = dc_gst_event_from_item (item, &error);
    if (event != NULL)
      gst_pad_push_event (GST_BASE_SRC_PAD (self), event);
  }
  if (error != NULL)
    GST_WARNING_OBJECT (self, "an event of the sender's is ignored: %s", error->message);
}

static void
pull_all (GstDataChannelSrc *self, DcChannel *channel)
{
  DcLinkItem *item;

  while ((item = dc_channel_try_pull (channel, DC_GST_STREAM_OUT_OF_BAND, NULL)) != NULL) {
    take_out_of_band (self, channel, item);
    dc_link_item_free (item);
  }
}

static gboolean
may_end_pulling (GstDataChannelSrc *self)
{
  gboolean end;

  g_mutex_lock (&self->end.lock);
  end = !self->pull_again;
  self->pull_again = FALSE;
  self->pulling = !end;
  g_mutex_unlock (&self->end.lock);
  return end;
}

static void
pull_cb (GstElement *element, gpointer unused)
{
  GstDataChannelSrc *self = GST_DATA_CHANNEL_SRC (element);

  do {
    g_autoptr (DcChannel) channel = gst_data_channel_end_try_channel (&self->end);
    if (channel != NULL)
      pull_all (self, channel);
  } while (!may_end_pulling (self));
}

/* On a thread of the channel's, which must not block. */
static void
readable_cb (DcChannel *channel, guint stream, GstDataChannelEnd *end)
{
  GstDataChannelSrc *self = GST_DATA_CHANNEL_SRC (end->element);
  gboolean begin;

  if (stream != DC_GST_STREAM_OUT_OF_BAND)
    return;
  g_mutex_lock (&end->lock);
  begin = !self->pulling;
  self->pulling = TRUE;
  self->pull_again = !begin;
  g_mutex_unlock (&end->lock);
  if (begin)
    gst_element_call_async (end->element, pull_cb, NULL, NULL);
}

void
gst_data_channel_src_listen (GstDataChannelEnd *end, DcChannel *channel, guint n)
{
  gst_data_channel_end_connect (end, channel, "readable", G_CALLBACK (readable_cb));
}

/* --- In the stream -------------------------------------------------------------------------------------------------------------- */

void
gst_data_channel_src_enter_stream (GstDataChannelSrc *self, DcChannel *channel)
{
  g_mutex_lock (&self->end.lock);
  self->streaming = TRUE;
  g_mutex_unlock (&self->end.lock);
  /* What came before the channel was the element's. */
  readable_cb (channel, DC_GST_STREAM_OUT_OF_BAND, &self->end);
}

/* Whether a FLUSH_START is downstream, for which the caller pushes FLUSH_STOP. */
static gboolean
take_back_flush_locked (GstDataChannelSrc *self)
{
  gboolean pushed;

  while (self->flush_pushing)
    g_cond_wait (&self->end.cond, &self->end.lock);
  pushed = self->flush_pushed;
  self->flush_pushed = FALSE;
  return pushed;
}

void
gst_data_channel_src_leave_stream (GstDataChannelSrc *self)
{
  gboolean pushed;

  g_mutex_lock (&self->end.lock);
  self->streaming = FALSE;
  pushed = take_back_flush_locked (self);
  g_mutex_unlock (&self->end.lock);
  if (pushed)
    gst_pad_push_event (GST_BASE_SRC_PAD (self), gst_event_new_flush_stop (FALSE));
}

gboolean
gst_data_channel_src_is_dropping (GstDataChannelSrc *self)
{
  gboolean dropping;

  g_mutex_lock (&self->end.lock);
  dropping = is_dropping_locked (self);
  g_mutex_unlock (&self->end.lock);
  return dropping;
}

static void
push_flush (GstDataChannelSrc *self, gboolean pushed, gboolean reset_time)
{
  GstPad *pad = GST_BASE_SRC_PAD (self);

  if (!pushed)
    gst_pad_push_event (pad, gst_event_new_flush_start ());
  gst_pad_push_event (pad, gst_event_new_flush_stop (reset_time));
  if (reset_time)
    self->time_mapped = FALSE;
}

static void
stop_flush (GstDataChannelSrc *self, guint32 number, gboolean reset_time)
{
  gboolean last = FALSE, pushed = FALSE;

  g_mutex_lock (&self->end.lock);
  if (is_later (number, self->flush_stopped)) {
    self->flush_stopped = number;
    self->flush_resets_time |= reset_time;
    last = !is_later (self->flush_started, number);
  }
  if (last) {
    self->flush_started = number;
    reset_time = self->flush_resets_time;
    self->flush_resets_time = FALSE;
    pushed = take_back_flush_locked (self);
  }
  g_mutex_unlock (&self->end.lock);
  if (last)
    push_flush (self, pushed, reset_time);
}

GstFlowReturn
gst_data_channel_src_take_flush_stop (GstDataChannelSrc *self, const DcLinkItem *item)
{
  g_autoptr (GError) error = NULL;
  guint32 number;
  gboolean reset_time;

  if (!dc_gst_event_parse_flush (item, &number, &reset_time, &error))
    return gst_data_channel_end_fail_flow (&self->end, error);
  stop_flush (self, number, reset_time);
  return GST_FLOW_OK;
}

void
gst_data_channel_src_end_flushes (GstDataChannelSrc *self)
{
  gboolean dropping, pushed;

  g_mutex_lock (&self->end.lock);
  self->fin_taken = TRUE;
  dropping = is_dropping_locked (self);
  self->flush_stopped = self->flush_started;
  pushed = take_back_flush_locked (self);
  g_mutex_unlock (&self->end.lock);
  if (dropping || pushed)
    push_flush (self, pushed, FALSE);
}
