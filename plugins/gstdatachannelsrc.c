/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelsrc.c: the element that makes a data channel the beginning of a pipeline. */

/**
 * SECTION:element-datachannelsrc
 * @title: datachannelsrc
 * @see_also: datachannelsink
 *
 * Receives the stream that a datachannelsink in the same room of the same signaling server sends over a WebRTC data channel.
 * Either side may start first.
 *
 * In link mode caps, segments, tags, gaps, custom events, flushes, timestamps and flags are those of the sender's stream. The sender goes no
 * faster than this pipeline takes its buffers, and is told that all went well when everything downstream has handled EOS. Events that go
 * upstream here (force-key-unit, navigation, custom ones) reach the sender's pipeline, until a datachannelsink of the same session has ended its
 * stream. When the connection is lost, another is made within
 * #GstDataChannelSrc:resume-timeout, and the stream goes on as if nothing had been.
 *
 * In raw mode each message is a buffer in a segment of bytes, without timestamps unless #GstBaseSrc:do-timestamp is set. Downstream may name
 * fixed caps; otherwise text messages have the caps text/x-raw, format=utf8, and binary ones none (so that decodebin finds out what they
 * are), or application/octet-stream once there has been text. The stream ends when the far side closes the channel
 * or the connection.
 *
 * With #GstBaseSrc:do-timestamp buffers have the running time of their arrival, in link mode too, and nothing of the sender's times is left.
 *
 * With #GstDataChannelSrc:is-live the stream is played as it comes: its first buffer is for now (and #GstDataChannelSrc:latency), however long it
 * has been running, and nothing is produced in PAUSED: the sender is held up, and goes on where it was. Without, the pipeline prerolls, and
 * takes the stream as fast as it likes.
 *
 * The element is in error when the sender leaves before its stream has ended.
 *
 * It posts the element messages of datachannelsink, but for `datachannel-peer-joined`.
 *
 * ## Example
 * |[
 * gst-launch-1.0 filesrc location=some.bin ! datachannelsink room=copy
 * gst-launch-1.0 datachannelsrc room=copy ! filesink location=same.bin
 * ]|
 *
 * ## By its address
 * |[
 * gst-launch-1.0 playbin uri=datachannel://127.0.0.1:8443/cam
 * ]|
 */

/*
 * Theory of operation
 * -------------------
 * create() is entered once and stays, but for flushes of the pipeline's own: it pulls items and pushes each downstream itself, until
 * the stream ends. Handing buffers to the base class instead would change the stream: GstBaseSrc has one format for its life, makes its own
 * segment, ends a stream of bytes at the segment's stop, and fills in timestamps that the sender left out. What the base class would
 * have done for each buffer is done here and in the other parts: `num-buffers`, `do-timestamp`, events that the application
 * sends, and that a live source waits with its data while it is in PAUSED.
 *
 *   gstdatachannelsrc-stream.c  items that go downstream: format, time, data and events
 *   gstdatachannelsrc-flush.c   flushes of the sender's
 *   gstdatachannelsrc-end.c     FIN, and when it is accepted
 */
#include "plugins/gstdatachannelsrc.h"

#include "plugins/dc-gst-event.h"
#include "plugins/gstdatachannelsrc-private.h"
#include "plugins/gstdatachanneluri.h"

GST_DEBUG_CATEGORY_STATIC (datachannelsrc_debug);
#define GST_CAT_DEFAULT datachannelsrc_debug

#define DEFAULT_LATENCY_MS 100

enum {
  PROP_IS_LIVE = GST_DATA_CHANNEL_PROP_OWN,
  PROP_LATENCY,
};

G_DEFINE_FINAL_TYPE_WITH_CODE (GstDataChannelSrc, gst_data_channel_src, GST_TYPE_PUSH_SRC,
    G_IMPLEMENT_INTERFACE (GST_TYPE_URI_HANDLER, gst_data_channel_uri_handler_init_src))
GST_ELEMENT_REGISTER_DEFINE (datachannelsrc, "datachannelsrc", GST_RANK_PRIMARY, GST_TYPE_DATA_CHANNEL_SRC)

static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

/* --- Receiving ----------------------------------------------------------------------------------------------------------------- */

/* The base class has counted the buffer for which it called create(); this counts those after it. */
static gboolean
may_push_another (GstDataChannelSrc *self)
{
  GstBaseSrc *src = GST_BASE_SRC (self);

  if (src->num_buffers_left > 0)
    src->num_buffers_left--;
  else if (src->num_buffers_left == 0)
    return FALSE;
  return TRUE;
}

static GstFlowReturn
take_data_or_event (GstDataChannelSrc *self, const DcLinkItem *item)
{
  GstBaseSrc *src = GST_BASE_SRC (self);
  GstFlowReturn flow = GST_FLOW_OK;

  /* In PAUSED a live source waits with what it has. */
  if (gst_base_src_is_live (src))
    flow = gst_base_src_wait_playing (src);
  if (flow != GST_FLOW_OK || gst_data_channel_src_is_dropping (self))
    return flow;
  flow = gst_data_channel_src_take_item (self, item);
  if (flow == GST_FLOW_OK && item->kind == DC_LINK_ITEM_DATA && !may_push_another (self))
    return GST_FLOW_EOS;
  /* Downstream is flushed by the sender, and by nobody else. */
  return flow == GST_FLOW_FLUSHING && gst_data_channel_src_is_dropping (self) ? GST_FLOW_OK : flow;
}

static GstFlowReturn
take_item (GstDataChannelSrc *self, DcChannel *channel, const DcLinkItem *item)
{
  if (item->kind == DC_LINK_ITEM_FIN)
    return gst_data_channel_src_take_fin (self, channel);
  if (item->kind == DC_LINK_ITEM_EVENT && item->event == DC_LINK_EVENT_FLUSH_STOP)
    return gst_data_channel_src_take_flush_stop (self, item);
  return take_data_or_event (self, item);
}

static GstFlowReturn
take_next (GstDataChannelSrc *self, DcChannel *channel)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcLinkItem) item = dc_channel_pull (channel, DC_GST_STREAM_DATA, &error);

  return item != NULL ? take_item (self, channel, item) : gst_data_channel_end_fail_flow (&self->end, error);
}

static gboolean
had_fin (GstDataChannelSrc *self)
{
  gboolean had;

  g_mutex_lock (&self->end.lock);
  had = self->fin_taken;
  g_mutex_unlock (&self->end.lock);
  return had;
}

static GstFlowReturn
gst_data_channel_src_create (GstPushSrc *src, GstBuffer **unused)
{
  GstDataChannelSrc *self = GST_DATA_CHANNEL_SRC (src);
  g_autoptr (GError) error = NULL;
  g_autoptr (DcChannel) channel = gst_data_channel_end_get_channel (&self->end, &error);
  GstFlowReturn flow = GST_FLOW_OK;

  if (channel == NULL)
    return gst_data_channel_end_fail_flow (&self->end, error);
  gst_data_channel_src_enter_stream (self, channel);
  if (had_fin (self))
    flow = gst_data_channel_src_take_fin (self, channel);
  while (flow == GST_FLOW_OK)
    flow = take_next (self, channel);
  gst_data_channel_src_leave_stream (self);
  return flow;
}

/* --- Events and queries -------------------------------------------------------------------------------------------------------- */

/* To the sender's pipeline. Never waits: an event that has no room is of no use later. */
static gboolean
send_upstream (GstDataChannelSrc *self, GstEvent *event)
{
  g_autoptr (DcChannel) channel = gst_data_channel_end_try_channel (&self->end);
  g_autoptr (DcLinkItem) item = dc_gst_event_to_item (event, DC_GST_STREAM_UPSTREAM);
  gboolean sent = FALSE;

  /* Nobody else takes room between the two. */
  g_mutex_lock (&self->upstream_lock);
  if (item != NULL && channel != NULL && dc_channel_get_mode (channel) == DC_MODE_LINK
      && dc_channel_can_push (channel, DC_GST_STREAM_UPSTREAM))
    sent = dc_channel_push (channel, g_steal_pointer (&item), FALSE, NULL);
  g_mutex_unlock (&self->upstream_lock);
  if (!sent)
    GST_DEBUG_OBJECT (self, "no way to the sender for %" GST_PTR_FORMAT, event);
  return sent;
}

static gboolean
gst_data_channel_src_event (GstBaseSrc *src, GstEvent *event)
{
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CUSTOM_UPSTREAM:
    case GST_EVENT_CUSTOM_BOTH:
    case GST_EVENT_CUSTOM_BOTH_OOB:
    case GST_EVENT_NAVIGATION:
      return send_upstream (GST_DATA_CHANNEL_SRC (src), event);
    default:
      return GST_BASE_SRC_CLASS (gst_data_channel_src_parent_class)->event (src, event);
  }
}

static gboolean
gst_data_channel_src_send_event (GstElement *element, GstEvent *event)
{
  GstDataChannelSrc *self = GST_DATA_CHANNEL_SRC (element);
  gboolean sent;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CUSTOM_UPSTREAM:
    case GST_EVENT_NAVIGATION:
      sent = send_upstream (self, event);
      gst_event_unref (event);
      return sent;
    case GST_EVENT_TAG:
    case GST_EVENT_SINK_MESSAGE:
    case GST_EVENT_CUSTOM_DOWNSTREAM:
    case GST_EVENT_CUSTOM_BOTH:
    case GST_EVENT_PROTECTION:
      GST_OBJECT_LOCK (self);
      g_queue_push_tail (&self->events, event);
      GST_OBJECT_UNLOCK (self);
      return TRUE;
    default:
      return GST_ELEMENT_CLASS (gst_data_channel_src_parent_class)->send_event (element, event);
  }
}

/* The base class knows nothing of the sender's segment. */
static gboolean
query_duration (GstDataChannelSrc *self, GstQuery *query)
{
  GstFormat format;
  gboolean known;

  gst_query_parse_duration (query, &format, NULL);
  GST_OBJECT_LOCK (self);
  known = self->segment.format == format && self->segment.duration != GST_CLOCK_TIME_NONE;
  if (known)
    gst_query_set_duration (query, format, (gint64) self->segment.duration);
  GST_OBJECT_UNLOCK (self);
  return known;
}

static gboolean
query_latency (GstDataChannelSrc *self, GstQuery *query)
{
  gboolean live = gst_base_src_is_live (GST_BASE_SRC (self));
  GstClockTime latency;

  GST_OBJECT_LOCK (self);
  latency = live ? self->latency * GST_MSECOND : 0;
  GST_OBJECT_UNLOCK (self);
  /* What we do not take waits at the sender. */
  gst_query_set_latency (query, live, latency, GST_CLOCK_TIME_NONE);
  return TRUE;
}

static gboolean
gst_data_channel_src_query (GstBaseSrc *src, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) == GST_QUERY_DURATION)
    return query_duration (GST_DATA_CHANNEL_SRC (src), query);
  if (GST_QUERY_TYPE (query) == GST_QUERY_LATENCY)
    return query_latency (GST_DATA_CHANNEL_SRC (src), query);
  return GST_BASE_SRC_CLASS (gst_data_channel_src_parent_class)->query (src, query);
}

static gboolean
gst_data_channel_src_is_seekable (GstBaseSrc *src)
{
  return FALSE;
}

/* --- Life ---------------------------------------------------------------------------------------------------------------------- */

static void
reset (GstDataChannelSrc *self, GstFormat format)
{
  GST_OBJECT_LOCK (self);
  gst_segment_init (&self->segment, format);
  g_queue_clear_full (&self->events, (GDestroyNotify) gst_event_unref);
  GST_OBJECT_UNLOCK (self);
  g_mutex_lock (&self->end.lock);
  self->flush_started = self->flush_stopped = 0;
  self->fin_taken = self->flush_resets_time = FALSE;
  g_mutex_unlock (&self->end.lock);
  self->time_mapped = FALSE;
  self->raw_caps = GST_DATA_CHANNEL_RAW_CAPS_NONE;
  gst_pad_set_offset (GST_BASE_SRC_PAD (self), 0);
}

static gboolean
gst_data_channel_src_start (GstBaseSrc *src)
{
  GstDataChannelSrc *self = GST_DATA_CHANNEL_SRC (src);

  self->mode = gst_data_channel_end_get_mode (&self->end);
  self->stamping = gst_base_src_get_do_timestamp (src);
  reset (self, self->stamping ? GST_FORMAT_TIME : GST_FORMAT_BYTES);
  return gst_data_channel_end_start (&self->end);
}

static gboolean
gst_data_channel_src_stop (GstBaseSrc *src)
{
  GstDataChannelSrc *self = GST_DATA_CHANNEL_SRC (src);

  gst_data_channel_end_stop (&self->end, "the receiving pipeline was stopped before the stream had ended");
  reset (self, GST_FORMAT_BYTES);
  return TRUE;
}

static gboolean
gst_data_channel_src_unlock (GstBaseSrc *src)
{
  gst_data_channel_end_set_flushing (&GST_DATA_CHANNEL_SRC (src)->end, TRUE);
  return TRUE;
}

static gboolean
gst_data_channel_src_unlock_stop (GstBaseSrc *src)
{
  gst_data_channel_end_set_flushing (&GST_DATA_CHANNEL_SRC (src)->end, FALSE);
  return TRUE;
}

/* An element is one of its session from READY on, so that the peer knows all its channels when the first starts it. */
static GstStateChangeReturn
gst_data_channel_src_change_state (GstElement *element, GstStateChange transition)
{
  GstDataChannelSrc *self = GST_DATA_CHANNEL_SRC (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_NULL_TO_READY)
    gst_data_channel_end_join (&self->end);
  result = GST_ELEMENT_CLASS (gst_data_channel_src_parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_READY_TO_NULL)
    gst_data_channel_end_leave (&self->end);
  return result;
}

static void
gst_data_channel_src_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstDataChannelSrc *self = GST_DATA_CHANNEL_SRC (object);

  if (id < GST_DATA_CHANNEL_PROP_OWN)
    gst_data_channel_end_set_property (&self->end, id, value, pspec);
  else if (id == PROP_IS_LIVE)
    gst_base_src_set_live (GST_BASE_SRC (self), g_value_get_boolean (value));
  else if (id == PROP_LATENCY) {
    GST_OBJECT_LOCK (self);
    self->latency = g_value_get_uint (value);
    GST_OBJECT_UNLOCK (self);
    gst_element_post_message (GST_ELEMENT (self), gst_message_new_latency (GST_OBJECT (self)));
  } else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_data_channel_src_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstDataChannelSrc *self = GST_DATA_CHANNEL_SRC (object);

  if (id < GST_DATA_CHANNEL_PROP_OWN)
    gst_data_channel_end_get_property (&self->end, id, value, pspec);
  else if (id == PROP_IS_LIVE)
    g_value_set_boolean (value, gst_base_src_is_live (GST_BASE_SRC (self)));
  else if (id == PROP_LATENCY) {
    GST_OBJECT_LOCK (self);
    g_value_set_uint (value, self->latency);
    GST_OBJECT_UNLOCK (self);
  } else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_data_channel_src_finalize (GObject *object)
{
  GstDataChannelSrc *self = GST_DATA_CHANNEL_SRC (object);

  g_queue_clear_full (&self->events, (GDestroyNotify) gst_event_unref);
  g_mutex_clear (&self->upstream_lock);
  gst_data_channel_end_clear (&self->end);
  G_OBJECT_CLASS (gst_data_channel_src_parent_class)->finalize (object);
}

static void
gst_data_channel_src_init (GstDataChannelSrc *self)
{
  gst_data_channel_end_init (&self->end, GST_ELEMENT (self), DC_DIRECTION_RECEIVE);
  self->end.opened = gst_data_channel_src_listen;
  g_mutex_init (&self->upstream_lock);
  self->latency = DEFAULT_LATENCY_MS;
  gst_segment_init (&self->segment, GST_FORMAT_BYTES);
  /* Whatever the stream's: the base class's own segment is never used, and this one has no end at which it would stop. */
  gst_base_src_set_format (GST_BASE_SRC (self), GST_FORMAT_TIME);
}

static void
install_properties (GObjectClass *klass)
{
  gst_data_channel_install_properties (klass);
  g_object_class_install_property (klass, PROP_IS_LIVE,
      g_param_spec_boolean ("is-live", "Is live",
          "Play the stream as it comes: its first buffer is for now, however long it has been running", FALSE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (klass, PROP_LATENCY,
      g_param_spec_uint ("latency", "Latency",
          "With is-live: milliseconds by which sinks play later, so that what the network holds up is still in time", 0,
          G_MAXINT, DEFAULT_LATENCY_MS, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
}

static void
gst_data_channel_src_class_init (GstDataChannelSrcClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseSrcClass *src_class = GST_BASE_SRC_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (datachannelsrc_debug, "datachannelsrc", 0, "data channel source");

  object_class->set_property = gst_data_channel_src_set_property;
  object_class->get_property = gst_data_channel_src_get_property;
  object_class->finalize = gst_data_channel_src_finalize;
  install_properties (object_class);

  element_class->change_state = gst_data_channel_src_change_state;
  element_class->send_event = gst_data_channel_src_send_event;
  src_class->start = gst_data_channel_src_start;
  src_class->stop = gst_data_channel_src_stop;
  src_class->unlock = gst_data_channel_src_unlock;
  src_class->unlock_stop = gst_data_channel_src_unlock_stop;
  src_class->negotiate = gst_data_channel_src_negotiate;
  src_class->event = gst_data_channel_src_event;
  src_class->query = gst_data_channel_src_query;
  src_class->is_seekable = gst_data_channel_src_is_seekable;
  GST_PUSH_SRC_CLASS (klass)->create = gst_data_channel_src_create;

  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "WebRTC data channel source", "Source/Network",
      "Receives the stream that a datachannelsink in the same room sends over a WebRTC data channel",
      "gst-datachannel developers");
}
