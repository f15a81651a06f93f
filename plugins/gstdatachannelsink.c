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
 * In link mode caps, segments, tags, gaps, custom events, flushes, timestamps and flags cross with the buffers, the receiver's pace is the
 * sender's, and the EOS message is posted when the receiving pipeline has handled everything, its own EOS included. When the connection is
 * lost, another is made within #GstDataChannelSink:resume-timeout, and the stream goes on as if nothing had been. What the receiver sends
 * upstream (force-key-unit, navigation and custom events) goes upstream here.
 *
 * In raw mode a buffer is a message and nothing else crosses; with caps text/x-raw (or any text/...) it is a string message, else a binary
 * one. A buffer must fit into one message. The EOS message is posted when the far machine has acknowledged everything, though the application there
 * may not have read it yet; what is partially reliable may have been given up.
 *
 * Buffers go out as fast as the receiver takes them unless #GstBaseSink:sync is set.
 *
 * With #GstDataChannelSink:max-receivers of 1 the element is in error when the receiver leaves before the stream has ended. With more, receivers
 * come and go. Those who come late begin at a key unit, which is asked for upstream, with caps and stream headers in front.
 * #GstDataChannelSink:slow-consumer says what happens when one is slower than the stream.
 *
 * Element messages, each with `t`, the seconds since PAUSED (gdouble), and, but for the first and the last, with `peer`, the remote's id:
 *
 * * `datachannel-registered`: `id`, `room`, `url` (strings): the signaling server knows us
 * * `datachannel-connecting`: `call` (string): a call is on its way
 * * `datachannel-connected`: `label`, `mode` (strings), `max-message-size` (guint64): the channel is open
 * * `datachannel-peer-joined`: `receivers` (guint): a receiver is served, the so manyth at the moment; without `t`
 * * `datachannel-suspended`: `reason` (string), `timeout` (gdouble, seconds): the connection is lost and looked for anew
 * * `datachannel-resumed`: `after` (gdouble, seconds), `reconnects` (guint): it was found, nothing was lost
 * * `datachannel-peer-left`: `reason` (string), `clean` (gboolean), `duration` (gdouble), `bytes-sent`, `bytes-received` (guint64): the
 *   connection has ended
 * * `datachannel-statistics`: every #GstDataChannelSink:stats-interval, what #GstDataChannelSink:stats says
 *
 * ## Example
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=300 ! vp8enc deadline=1 ! matroskamux ! datachannelsink room=cam
 * gst-launch-1.0 datachannelsrc room=cam ! matroskademux ! vp8dec ! videoconvert ! autovideosink
 * ]|
 *
 * ## Two ways over one channel
 * |[
 * gst-launch-1.0 audiotestsrc is-live=true ! opusenc ! datachannelsink session=talk room=talk \
 *   datachannelsrc session=talk ! opusdec ! audioconvert ! alsasink async=false
 * ]|
 *
 * A pipeline plays only when all its sinks have data, and the far side's does too: so the sink behind the source needs async=false.
 *
 * ## To whoever comes
 * |[
 * gst-launch-1.0 videotestsrc is-live=true ! vp8enc deadline=1 ! datachannelsink room=cam max-receivers=10 slow-consumer=drop
 * ]|
 */

/*
 * Theory of operation
 * -------------------
 * Sticky events are only noted when they come, and sent in front of the next buffer or EOS: so they never wait for a channel, and what is
 * sent first on a channel is the format. While the pipeline plays they are also sent at once, as are custom events. Those that come
 * before the pipeline has prerolled are pending until it has: they must not hold it up.
 *
 * render() and the waits for GAP and EOS block in the receivers, with the preroll lock held as GstBaseSink wants it. unlock() makes them return
 * FLUSHING; they then wait in gst_base_sink_wait_preroll() for PLAYING and begin the same item again, or leave if it is a
 * flush or the end. An item is either sent whole or not at all, so beginning again doubles nothing. The preroll lock is also what
 * guards the receivers.
 *
 * EOS: after the base class has waited for its time, EOS and FIN go out and FIN-ACK is waited for; only then does the base class post EOS.
 * The receiver is told once and for good: behind a flush another EOS waits for the same FIN-ACK, and a buffer is an error.
 */
#include "plugins/gstdatachannelsink.h"

#include "plugins/dc-gst-event.h"
#include "plugins/gstdatachannelcaps.h"
#include "plugins/gstdatachannelreceivers.h"
#include "plugins/gstdatachannelupstream.h"
#include "plugins/gstdatachanneluri.h"

GST_DEBUG_CATEGORY_STATIC (datachannelsink_debug);
#define GST_CAT_DEFAULT datachannelsink_debug

/* The base class's name for it. */
#define GST_FLOW_STEP GST_FLOW_CUSTOM_ERROR

struct _GstDataChannelSink {
  GstBaseSink parent_instance;

  GstDataChannelEnd end;
  GstDataChannelUpstream *upstream;

  guint max_receivers;                      /* object lock */
  GstDataChannelSlowConsumer slow_consumer; /* object lock */

  /* Preroll lock */
  GstDataChannelReceivers *receivers; /* from PAUSED to READY */
  GQueue pending;                     /* (element-type GstEvent): custom events that came before preroll */
};

enum {
  PROP_MAX_RECEIVERS = GST_DATA_CHANNEL_PROP_OWN,
  PROP_SLOW_CONSUMER,
};

G_DEFINE_FINAL_TYPE_WITH_CODE (GstDataChannelSink, gst_data_channel_sink, GST_TYPE_BASE_SINK,
    G_IMPLEMENT_INTERFACE (GST_TYPE_URI_HANDLER, gst_data_channel_uri_handler_init_sink))
GST_ELEMENT_REGISTER_DEFINE (datachannelsink, "datachannelsink", GST_RANK_PRIMARY, GST_TYPE_DATA_CHANNEL_SINK)

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

/* --- Sending ------------------------------------------------------------------------------------------------------------------- */

static gboolean
send_pending (GstDataChannelSink *self, GError **error)
{
  GstEvent *event;

  while ((event = g_queue_peek_head (&self->pending)) != NULL) {
    if (!gst_data_channel_receivers_send (self->receivers, GST_MINI_OBJECT_CAST (event), error))
      return FALSE;
    gst_event_unref (g_queue_pop_head (&self->pending));
  }
  return TRUE;
}

/* One attempt at @object: a buffer or an event, EOS among them, or NULL. */
typedef gboolean (*Attempt) (GstDataChannelSink *self, GstMiniObject *object, GError **error);

static gboolean
try_send (GstDataChannelSink *self, GstMiniObject *object, GError **error)
{
  return send_pending (self, error) && gst_data_channel_receivers_send (self->receivers, object, error);
}

static gboolean
try_finish (GstDataChannelSink *self, GstMiniObject *eos, GError **error)
{
  if (!gst_data_channel_end_is_ending (&self->end) && !send_pending (self, error))
    return FALSE;
  return gst_data_channel_receivers_finish (self->receivers, error);
}

/* Until it is done, or the wait for PLAYING says otherwise: that may be a step. */
static GstFlowReturn
attempt_or_wait (GstDataChannelSink *self, Attempt attempt, GstMiniObject *object)
{
  GstFlowReturn flow = GST_FLOW_OK;

  while (flow == GST_FLOW_OK) {
    g_autoptr (GError) error = NULL;

    if (attempt (self, object, &error))
      return GST_FLOW_OK;
    if (!g_error_matches (error, DC_ERROR, DC_ERROR_FLUSHING)) {
      gst_data_channel_end_fail (&self->end, error);
      return GST_FLOW_ERROR;
    }
    flow = gst_base_sink_wait_preroll (GST_BASE_SINK (self));
  }
  return flow;
}

/* A step skips what follows: of this the receivers may have a part. */
static GstFlowReturn
send_whole (GstDataChannelSink *self, GstMiniObject *object)
{
  GstFlowReturn flow;

  do {
    flow = attempt_or_wait (self, try_send, object);
  } while (flow == GST_FLOW_STEP);
  return flow;
}

static GstFlowReturn
gst_data_channel_sink_render (GstBaseSink *sink, GstBuffer *buffer)
{
  return send_whole (GST_DATA_CHANNEL_SINK (sink), GST_MINI_OBJECT_CAST (buffer));
}

static GstFlowReturn
gst_data_channel_sink_render_list (GstBaseSink *sink, GstBufferList *list)
{
  GstFlowReturn flow = GST_FLOW_OK;

  for (guint i = 0; flow == GST_FLOW_OK && i < gst_buffer_list_length (list); i++)
    flow = gst_data_channel_sink_render (sink, gst_buffer_list_get (list, i));
  return flow;
}

static GstFlowReturn
gst_data_channel_sink_wait_event (GstBaseSink *sink, GstEvent *event)
{
  GstDataChannelSink *self = GST_DATA_CHANNEL_SINK (sink);
  GstFlowReturn flow;

  /* Behind a step the base class prerolls anew. */
  do {
    flow = GST_BASE_SINK_CLASS (gst_data_channel_sink_parent_class)->wait_event (sink, event);
    if (flow != GST_FLOW_OK)
      return flow;
    if (GST_EVENT_TYPE (event) == GST_EVENT_GAP)
      return send_whole (self, GST_MINI_OBJECT_CAST (event));
    if (GST_EVENT_TYPE (event) != GST_EVENT_EOS)
      return flow;
    GST_INFO_OBJECT (self, "end of stream: waiting until the receiver has everything");
    flow = attempt_or_wait (self, try_finish, NULL);
  } while (flow == GST_FLOW_STEP);
  return flow;
}

/* --- Events -------------------------------------------------------------------------------------------------------------------- */

/* Who asks what we take of something learns what we can send. Any caps are accepted all the same, for set_caps says what is wrong with them. */
static GstCaps *
gst_data_channel_sink_get_caps (GstBaseSink *sink, GstCaps *filter)
{
  return gst_data_channel_caps_filter (filter);
}

static gboolean
gst_data_channel_sink_set_caps (GstBaseSink *sink, GstCaps *caps)
{
  return gst_data_channel_caps_check (GST_ELEMENT (sink), caps);
}

/* Whether the streaming thread may wait here: before preroll that would hold the pipeline up. */
static gboolean
may_wait (GstDataChannelSink *self)
{
  return !GST_BASE_SINK (self)->need_preroll;
}

static gboolean
take_sticky (GstDataChannelSink *self, GstEvent *event)
{
  gst_data_channel_receivers_note (self->receivers, event);
  /* Caps and segments are of no use without what follows. */
  if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS || GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT || !may_wait (self))
    return TRUE;
  return send_whole (self, NULL) == GST_FLOW_OK;
}

static gboolean
take_custom (GstDataChannelSink *self, GstEvent *event)
{
  if (may_wait (self))
    return send_whole (self, GST_MINI_OBJECT_CAST (event)) == GST_FLOW_OK;
  g_queue_push_tail (&self->pending, gst_event_ref (event));
  return TRUE;
}

/* Overtakes everything, on a stream of its own, and never waits. */
static gboolean
take_out_of_band (GstDataChannelSink *self, GstEvent *event)
{
  g_autoptr (GPtrArray) channels = gst_data_channel_end_copy_channels (&self->end);
  gboolean sent = FALSE;

  for (guint i = 0; i < channels->len; i++) {
    DcChannel *channel = g_ptr_array_index (channels, i);
    DcLinkItem *item = dc_gst_event_to_item (event, DC_GST_STREAM_OUT_OF_BAND);
    if (item == NULL || dc_channel_get_mode (channel) == DC_MODE_RAW
        || !dc_channel_can_push (channel, DC_GST_STREAM_OUT_OF_BAND))
      g_clear_pointer (&item, dc_link_item_free);
    else
      sent = dc_channel_push (channel, item, FALSE, NULL) || sent;
  }
  return sent;
}

static void
start_flush (GstDataChannelSink *self)
{
  GST_BASE_SINK_PREROLL_LOCK (self);
  g_queue_clear_full (&self->pending, (GDestroyNotify) gst_event_unref);
  if (self->receivers != NULL)
    gst_data_channel_receivers_flush_start (self->receivers);
  GST_BASE_SINK_PREROLL_UNLOCK (self);
}

static void
stop_flush (GstDataChannelSink *self, gboolean reset_time)
{
  GST_BASE_SINK_PREROLL_LOCK (self);
  if (self->receivers != NULL)
    gst_data_channel_receivers_flush_stop (self->receivers, reset_time);
  GST_BASE_SINK_PREROLL_UNLOCK (self);
}

/* What was handled by the base class. The preroll lock is held for serialized events but FLUSH_STOP. */
static gboolean
take_event (GstDataChannelSink *self, GstEvent *event)
{
  gboolean reset_time;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
    case GST_EVENT_SEGMENT:
    case GST_EVENT_TAG:
    case GST_EVENT_CUSTOM_DOWNSTREAM_STICKY:
      return take_sticky (self, event);
    case GST_EVENT_CUSTOM_DOWNSTREAM:
    case GST_EVENT_CUSTOM_BOTH:
      return take_custom (self, event);
    case GST_EVENT_CUSTOM_DOWNSTREAM_OOB:
    case GST_EVENT_CUSTOM_BOTH_OOB:
      return take_out_of_band (self, event);
    case GST_EVENT_FLUSH_START:
      start_flush (self);
      return TRUE;
    case GST_EVENT_FLUSH_STOP:
      gst_event_parse_flush_stop (event, &reset_time);
      stop_flush (self, reset_time);
      return TRUE;
    default:
      return TRUE;
  }
}

static gboolean
gst_data_channel_sink_event (GstBaseSink *sink, GstEvent *event)
{
  g_autoptr (GstEvent) kept = gst_event_ref (event);

  return GST_BASE_SINK_CLASS (gst_data_channel_sink_parent_class)->event (sink, event)
         && take_event (GST_DATA_CHANNEL_SINK (sink), kept);
}

/* --- Channels ------------------------------------------------------------------------------------------------------------------ */

static void
readable_cb (DcChannel *channel, guint stream, GstDataChannelEnd *end)
{
  if (stream == DC_GST_STREAM_UPSTREAM)
    gst_data_channel_upstream_pull (GST_DATA_CHANNEL_SINK (end->element)->upstream, channel);
}

static void
changed_cb (DcChannel *channel, GstDataChannelEnd *end)
{
  gst_data_channel_end_note_change (end);
}

static void
closed_cb (DcChannel *channel, const GError *error, GstDataChannelEnd *end)
{
  gst_data_channel_end_drop_arrived (end, channel);
  gst_data_channel_end_note_change (end);
}

static void
opened (GstDataChannelEnd *end, DcChannel *channel, guint n)
{
  gst_data_channel_end_connect (end, channel, "readable", G_CALLBACK (readable_cb));
  gst_data_channel_end_connect (end, channel, "writable", G_CALLBACK (changed_cb));
  gst_data_channel_end_connect (end, channel, "finished", G_CALLBACK (changed_cb));
  gst_data_channel_end_connect (end, channel, "closed", G_CALLBACK (closed_cb));
  /* What has come before we listened. */
  gst_data_channel_upstream_pull (GST_DATA_CHANNEL_SINK (end->element)->upstream, channel);
}

/* --- Life ---------------------------------------------------------------------------------------------------------------------- */

static gboolean
open_end (GstDataChannelSink *self)
{
  GstDataChannelSlowConsumer slow_consumer;

  GST_OBJECT_LOCK (self);
  self->end.max_channels = self->max_receivers;
  slow_consumer = self->slow_consumer;
  GST_OBJECT_UNLOCK (self);
  GST_BASE_SINK_PREROLL_LOCK (self);
  self->receivers = gst_data_channel_receivers_new (&self->end, GST_BASE_SINK_PAD (self), slow_consumer);
  GST_BASE_SINK_PREROLL_UNLOCK (self);
  return gst_data_channel_end_start (&self->end);
}

static void
close_end (GstDataChannelSink *self)
{
  gst_data_channel_end_stop (&self->end, "the sending pipeline was stopped before its stream had ended");
  GST_BASE_SINK_PREROLL_LOCK (self);
  g_clear_pointer (&self->receivers, gst_data_channel_receivers_free);
  g_queue_clear_full (&self->pending, (GDestroyNotify) gst_event_unref);
  GST_BASE_SINK_PREROLL_UNLOCK (self);
}

/* A pipeline that was to play as soon as it has prerolled plays by itself, and render() may block in it. If the application says PLAYING at that
 * very moment, the base class wants the preroll lock, which is held there: so render() must give it up, and begin again. */
static GstStateChangeReturn
play (GstDataChannelSink *self)
{
  GstBaseSink *sink = GST_BASE_SINK (self);
  GstStateChangeReturn result;

  gst_data_channel_end_set_interrupted (&self->end, TRUE);
  result = GST_ELEMENT_CLASS (gst_data_channel_sink_parent_class)
               ->change_state (GST_ELEMENT (self), GST_STATE_CHANGE_PAUSED_TO_PLAYING);
  GST_BASE_SINK_PREROLL_LOCK (sink);
  gst_data_channel_end_set_interrupted (&self->end, FALSE);
  if (!sink->need_preroll)
    GST_BASE_SINK_PREROLL_SIGNAL (sink);
  GST_BASE_SINK_PREROLL_UNLOCK (sink);
  return result;
}

/* GstBaseSink starts in READY already; we connect in PAUSED, as the source does, so that the properties may be set in READY. */
static GstStateChangeReturn
gst_data_channel_sink_change_state (GstElement *element, GstStateChange transition)
{
  GstDataChannelSink *self = GST_DATA_CHANNEL_SINK (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_NULL_TO_READY)
    gst_data_channel_end_join (&self->end);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !open_end (self)) {
    close_end (self);
    return GST_STATE_CHANGE_FAILURE;
  }
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING)
    return play (self);
  result = GST_ELEMENT_CLASS (gst_data_channel_sink_parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY
      || (transition == GST_STATE_CHANGE_READY_TO_PAUSED && result == GST_STATE_CHANGE_FAILURE))
    close_end (self);
  if (transition == GST_STATE_CHANGE_READY_TO_NULL)
    gst_data_channel_end_leave (&self->end);
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
  GstDataChannelSink *self = GST_DATA_CHANNEL_SINK (object);

  if (id < GST_DATA_CHANNEL_PROP_OWN) {
    gst_data_channel_end_set_property (&self->end, id, value, pspec);
    return;
  }
  GST_OBJECT_LOCK (self);
  if (id == PROP_MAX_RECEIVERS)
    self->max_receivers = g_value_get_uint (value);
  else if (id == PROP_SLOW_CONSUMER)
    self->slow_consumer = (GstDataChannelSlowConsumer) g_value_get_enum (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  GST_OBJECT_UNLOCK (self);
}

static void
gst_data_channel_sink_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstDataChannelSink *self = GST_DATA_CHANNEL_SINK (object);

  if (id < GST_DATA_CHANNEL_PROP_OWN) {
    gst_data_channel_end_get_property (&self->end, id, value, pspec);
    return;
  }
  GST_OBJECT_LOCK (self);
  if (id == PROP_MAX_RECEIVERS)
    g_value_set_uint (value, self->max_receivers);
  else if (id == PROP_SLOW_CONSUMER)
    g_value_set_enum (value, self->slow_consumer);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  GST_OBJECT_UNLOCK (self);
}

static void
gst_data_channel_sink_finalize (GObject *object)
{
  GstDataChannelSink *self = GST_DATA_CHANNEL_SINK (object);

  gst_data_channel_upstream_free (self->upstream);
  gst_data_channel_end_clear (&self->end);
  G_OBJECT_CLASS (gst_data_channel_sink_parent_class)->finalize (object);
}

static void
gst_data_channel_sink_init (GstDataChannelSink *self)
{
  GstBaseSink *sink = GST_BASE_SINK (self);

  gst_data_channel_end_init (&self->end, GST_ELEMENT (self), DC_DIRECTION_SEND);
  self->end.opened = opened;
  self->upstream = gst_data_channel_upstream_new (GST_ELEMENT (self), GST_BASE_SINK_PAD (self));
  self->max_receivers = 1;
  self->slow_consumer = GST_DATA_CHANNEL_SLOW_CONSUMER_BLOCK;
  g_queue_init (&self->pending);
  gst_base_sink_set_sync (sink, FALSE);
  /* What is outside of its segment is the receiver's to drop: it gets the segment too. */
  gst_base_sink_set_drop_out_of_segment (sink, FALSE);
  gst_base_sink_set_last_sample_enabled (sink, FALSE);
}

static void
install_properties (GObjectClass *klass)
{
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  gst_data_channel_install_properties (klass);
  g_object_class_install_property (klass, PROP_MAX_RECEIVERS,
      g_param_spec_uint ("max-receivers", "Receivers at most",
          "How many receivers are served at a time. 1: one, and its leaving before the end is an error. More: they "
          "come and go",
          1, 1000, 1, flags));
  g_object_class_install_property (klass, PROP_SLOW_CONSUMER,
      g_param_spec_enum ("slow-consumer", "Slow consumer",
          "With several receivers: what happens when one is slower than the stream",
          GST_TYPE_DATA_CHANNEL_SLOW_CONSUMER, GST_DATA_CHANNEL_SLOW_CONSUMER_BLOCK, flags));
  gst_type_mark_as_plugin_api (GST_TYPE_DATA_CHANNEL_SLOW_CONSUMER, 0);
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
  install_properties (object_class);

  element_class->change_state = gst_data_channel_sink_change_state;
  sink_class->unlock = gst_data_channel_sink_unlock;
  sink_class->unlock_stop = gst_data_channel_sink_unlock_stop;
  sink_class->get_caps = gst_data_channel_sink_get_caps;
  sink_class->set_caps = gst_data_channel_sink_set_caps;
  sink_class->event = gst_data_channel_sink_event;
  sink_class->wait_event = gst_data_channel_sink_wait_event;
  sink_class->render = gst_data_channel_sink_render;
  sink_class->render_list = gst_data_channel_sink_render_list;

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_set_static_metadata (element_class, "WebRTC data channel sink", "Sink/Network",
      "Sends a stream over a WebRTC data channel to a datachannelsrc in the same room", "gst-datachannel developers");
}
