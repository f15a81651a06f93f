/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelsink.c: the element that makes a data channel the end of a pipeline. */

/**
 * SECTION:element-datachannelsink
 * @title: datachannelsink
 * @see_also: datachannelsrc
 *
 * Sends a stream over a WebRTC data channel to a datachannelsrc in the same room of the same signaling server. Either side may
 * start first.
 *
 * In link mode caps, segments, timestamps and flags cross with the buffers, the receiver's pace is the sender's, and the EOS message
 * is posted when the receiving pipeline has handled everything, its own EOS included. In raw mode a buffer is a message and nothing else crosses.
 * Buffers go out as fast as the receiver takes them unless #GstBaseSink:sync is set.
 *
 * The element is in error when the receiver leaves before the stream has ended.
 *
 * Element messages, each with `t`, the seconds since PAUSED (gdouble), and with `peer`, the remote's id, but for the first:
 *
 * * `datachannel-registered`: `id`, `room`, `url`: the signaling server knows us
 * * `datachannel-connecting`: `call`: a call is on its way
 * * `datachannel-connected`: `label`, `mode`, `max-message-size`: the channel is open
 * * `datachannel-peer-left`: `reason`, `clean`, `duration`, `bytes-sent`, `bytes-received`: the connection has ended
 *
 * ## Example
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=300 ! vp8enc deadline=1 ! matroskamux ! datachannelsink room=cam
 * gst-launch-1.0 datachannelsrc room=cam ! matroskademux ! vp8dec ! videoconvert ! autovideosink
 * ]|
 */

/*
 * Theory of operation
 * -------------------
 * Caps and segment events are only noted when they come, and sent in front of the next buffer or EOS: so they never wait for a channel,
 * and what is sent first on a channel is the format.
 *
 * render() and the wait for EOS block in the channel, with the preroll lock held as GstBaseSink wants it. unlock() makes them return
 * FLUSHING; they then wait in gst_base_sink_wait_preroll() for PLAYING and begin the same item again, or leave if it is a
 * flush or the end. An item is either sent whole or not at all, so beginning again doubles nothing.
 *
 * EOS: after the base class has waited for its time, EOS and FIN go out and FIN-ACK is waited for; only then does the base class post EOS.
 * The receiver is told once and for good: behind a flush another EOS waits for the same FIN-ACK, and a buffer is an error.
 */
#include "plugins/gstdatachannelsink.h"

#include "plugins/dc-gst-item.h"
#include "plugins/gstdatachannelcommon.h"

GST_DEBUG_CATEGORY_STATIC (datachannelsink_debug);
#define GST_CAT_DEFAULT datachannelsink_debug

struct _GstDataChannelSink {
  GstBaseSink parent_instance;

  GstDataChannelEnd end;

  /* Streaming thread */
  GstCaps *caps;      /* (nullable) */
  GstSegment segment; /* undefined format: none yet */
  gboolean caps_pending, segment_pending;
};

G_DEFINE_FINAL_TYPE (GstDataChannelSink, gst_data_channel_sink, GST_TYPE_BASE_SINK)
GST_ELEMENT_REGISTER_DEFINE (datachannelsink, "datachannelsink", GST_RANK_NONE, GST_TYPE_DATA_CHANNEL_SINK)

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

/* --- Sending ------------------------------------------------------------------------------------------------------------------- */

/* Sends @item (transfer full) and notes that it is not pending any more. */
static gboolean
push_pending (DcChannel *channel, DcLinkItem *item, gboolean *pending, GError **error)
{
  if (!dc_channel_push (channel, item, FALSE, error))
    return FALSE;
  *pending = FALSE;
  return TRUE;
}

static gboolean
push_format (GstDataChannelSink *self, DcChannel *channel, GError **error)
{
  if (self->caps_pending && !push_pending (channel, dc_gst_item_from_caps (self->caps), &self->caps_pending, error))
    return FALSE;
  return !self->segment_pending
         || push_pending (channel, dc_gst_item_from_segment (&self->segment), &self->segment_pending, error);
}

static gboolean
push_buffer (DcChannel *channel, GstBuffer *buffer, GError **error)
{
  DcLinkItem *item = dc_gst_item_from_buffer (buffer, error);

  return item != NULL && dc_channel_push (channel, item, FALSE, error);
}

/* May be called again after it was interrupted at any point, and for another EOS. */
static gboolean
push_end (GstDataChannelSink *self, DcChannel *channel, GError **error)
{
  if (gst_data_channel_end_is_delivered (&self->end))
    return TRUE; /* what the channel came to since then does not matter */
  if (!gst_data_channel_end_is_ending (&self->end)) {
    if (!push_format (self, channel, error) || !dc_channel_push (channel, dc_gst_item_from_eos (), FALSE, error))
      return FALSE;
    gst_data_channel_end_set_ending (&self->end);
  }
  if (!dc_channel_finish (channel, error))
    return FALSE;
  gst_data_channel_end_set_delivered (&self->end);
  return TRUE;
}

/* After a flush upstream may begin anew; a channel cannot. */
static gboolean
check_may_go_on (GstDataChannelSink *self, GError **error)
{
  if (!gst_data_channel_end_is_ending (&self->end))
    return TRUE;
  g_set_error_literal (error, DC_ERROR, DC_ERROR_DATA,
      "The stream goes on after its end, which the receiver has been told: start the pipeline anew");
  return FALSE;
}

/* One attempt at @buffer, or at the end of the stream if it is NULL. */
static gboolean
try_send (GstDataChannelSink *self, GstBuffer *buffer, GError **error)
{
  g_autoptr (DcChannel) channel = gst_data_channel_end_get_channel (&self->end, error);

  if (channel == NULL)
    return FALSE;
  if (buffer == NULL)
    return push_end (self, channel, error);
  return check_may_go_on (self, error) && push_format (self, channel, error) && push_buffer (channel, buffer, error);
}

static GstFlowReturn
send_or_wait (GstDataChannelSink *self, GstBuffer *buffer)
{
  GstFlowReturn flow = GST_FLOW_OK;

  while (flow == GST_FLOW_OK) {
    g_autoptr (GError) error = NULL;

    if (try_send (self, buffer, &error))
      return GST_FLOW_OK;
    if (!g_error_matches (error, DC_ERROR, DC_ERROR_FLUSHING)) {
      gst_data_channel_end_fail (&self->end, error);
      return GST_FLOW_ERROR;
    }
    flow = gst_base_sink_wait_preroll (GST_BASE_SINK (self));
  }
  return flow;
}

static GstFlowReturn
gst_data_channel_sink_render (GstBaseSink *sink, GstBuffer *buffer)
{
  return send_or_wait (GST_DATA_CHANNEL_SINK (sink), buffer);
}

static GstFlowReturn
gst_data_channel_sink_render_list (GstBaseSink *sink, GstBufferList *list)
{
  GstFlowReturn flow = GST_FLOW_OK;

  for (guint i = 0; flow == GST_FLOW_OK && i < gst_buffer_list_length (list); i++)
    flow = send_or_wait (GST_DATA_CHANNEL_SINK (sink), gst_buffer_list_get (list, i));
  return flow;
}

static GstFlowReturn
gst_data_channel_sink_wait_event (GstBaseSink *sink, GstEvent *event)
{
  GstDataChannelSink *self = GST_DATA_CHANNEL_SINK (sink);
  GstFlowReturn flow = GST_BASE_SINK_CLASS (gst_data_channel_sink_parent_class)->wait_event (sink, event);

  if (flow != GST_FLOW_OK || GST_EVENT_TYPE (event) != GST_EVENT_EOS)
    return flow;
  GST_INFO_OBJECT (self, "end of stream: waiting until the receiver has everything");
  return send_or_wait (self, NULL);
}

/* --- The format ---------------------------------------------------------------------------------------------------------------- */

/* Other memory than the system's does not exist on the far machine. */
static gboolean
is_system_memory (GstCaps *caps)
{
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    GstCapsFeatures *features = gst_caps_get_features (caps, i);
    if (features != NULL && !gst_caps_features_is_equal (features, GST_CAPS_FEATURES_MEMORY_SYSTEM_MEMORY))
      return FALSE;
  }
  return TRUE;
}

static gboolean
gst_data_channel_sink_set_caps (GstBaseSink *sink, GstCaps *caps)
{
  GstDataChannelSink *self = GST_DATA_CHANNEL_SINK (sink);

  if (!is_system_memory (caps)) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("Only system memory can be sent: download the frames before this element, for example with gldownload."),
        ("caps are %" GST_PTR_FORMAT, caps));
    return FALSE;
  }
  gst_caps_replace (&self->caps, caps);
  self->caps_pending = TRUE;
  return TRUE;
}

static gboolean
gst_data_channel_sink_event (GstBaseSink *sink, GstEvent *event)
{
  GstDataChannelSink *self = GST_DATA_CHANNEL_SINK (sink);

  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT) {
    gst_event_copy_segment (event, &self->segment);
    self->segment_pending = TRUE;
  }
  return GST_BASE_SINK_CLASS (gst_data_channel_sink_parent_class)->event (sink, event);
}

/* --- Life ---------------------------------------------------------------------------------------------------------------------- */

static void
close_end (GstDataChannelSink *self)
{
  gst_data_channel_end_stop (&self->end, "the sending pipeline was stopped before its stream had ended");
  gst_caps_replace (&self->caps, NULL);
  gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);
  self->caps_pending = self->segment_pending = FALSE;
}

/* GstBaseSink starts in READY already; we connect in PAUSED, as the source does, so that the properties may be set in READY. */
static GstStateChangeReturn
gst_data_channel_sink_change_state (GstElement *element, GstStateChange transition)
{
  GstDataChannelSink *self = GST_DATA_CHANNEL_SINK (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !gst_data_channel_end_start (&self->end))
    return GST_STATE_CHANGE_FAILURE;
  result = GST_ELEMENT_CLASS (gst_data_channel_sink_parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY
      || (transition == GST_STATE_CHANGE_READY_TO_PAUSED && result == GST_STATE_CHANGE_FAILURE))
    close_end (self);
  return result;
}

static gboolean
gst_data_channel_sink_unlock (GstBaseSink *sink)
{
  gst_data_channel_end_set_flushing (&GST_DATA_CHANNEL_SINK (sink)->end, TRUE);
  return TRUE;
}

static gboolean
gst_data_channel_sink_unlock_stop (GstBaseSink *sink)
{
  gst_data_channel_end_set_flushing (&GST_DATA_CHANNEL_SINK (sink)->end, FALSE);
  return TRUE;
}

static void
gst_data_channel_sink_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  gst_data_channel_end_set_property (&GST_DATA_CHANNEL_SINK (object)->end, id, value, pspec);
}

static void
gst_data_channel_sink_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  gst_data_channel_end_get_property (&GST_DATA_CHANNEL_SINK (object)->end, id, value, pspec);
}

static void
gst_data_channel_sink_finalize (GObject *object)
{
  GstDataChannelSink *self = GST_DATA_CHANNEL_SINK (object);

  gst_caps_replace (&self->caps, NULL);
  gst_data_channel_end_clear (&self->end);
  G_OBJECT_CLASS (gst_data_channel_sink_parent_class)->finalize (object);
}

static void
gst_data_channel_sink_init (GstDataChannelSink *self)
{
  GstBaseSink *sink = GST_BASE_SINK (self);

  gst_data_channel_end_init (&self->end, GST_ELEMENT (self), DC_WANTS_SEND);
  gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);
  gst_base_sink_set_sync (sink, FALSE);
  /* What is outside of its segment is the receiver's to drop: it gets the segment too. */
  gst_base_sink_set_drop_out_of_segment (sink, FALSE);
  gst_base_sink_set_last_sample_enabled (sink, FALSE);
}

static void
gst_data_channel_sink_class_init (GstDataChannelSinkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseSinkClass *sink_class = GST_BASE_SINK_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (datachannelsink_debug, "datachannelsink", 0, "data channel sink");

  object_class->set_property = gst_data_channel_sink_set_property;
  object_class->get_property = gst_data_channel_sink_get_property;
  object_class->finalize = gst_data_channel_sink_finalize;
  gst_data_channel_install_properties (object_class);

  element_class->change_state = gst_data_channel_sink_change_state;
  sink_class->unlock = gst_data_channel_sink_unlock;
  sink_class->unlock_stop = gst_data_channel_sink_unlock_stop;
  sink_class->set_caps = gst_data_channel_sink_set_caps;
  sink_class->event = gst_data_channel_sink_event;
  sink_class->wait_event = gst_data_channel_sink_wait_event;
  sink_class->render = gst_data_channel_sink_render;
  sink_class->render_list = gst_data_channel_sink_render_list;

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_set_static_metadata (element_class, "WebRTC data channel sink", "Sink/Network",
      "Sends a stream over a WebRTC data channel to a datachannelsrc in the same room", "gst-datachannel developers");
}
