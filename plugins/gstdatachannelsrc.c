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
 * upstream here (force-key-unit, navigation, custom ones) reach the sender's pipeline. When the connection is lost, another is made within
 * #GstDataChannelSrc:resume-timeout, and the stream goes on as if nothing had been.
 *
 * In raw mode each message is a buffer in a segment of bytes, without timestamps unless #GstBaseSrc:do-timestamp is set. Downstream may name
 * fixed caps; otherwise text messages have the caps text/x-raw, format=utf8, and binary ones application/octet-stream. The stream ends when
 * the far side closes the channel.
 *
 * With #GstDataChannelSrc:is-live the stream is played as it comes: its first buffer is for now (and #GstDataChannelSrc:latency), however long it
 * has been running, and nothing is produced in PAUSED. Without, the pipeline prerolls, and takes the stream as fast as it likes.
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
 * create() is entered once and stays, but for flushes: it pulls items and pushes each downstream itself, until the stream ends. Handing
 * buffers to the base class instead would change the stream: GstBaseSrc has one format for its life, makes its own segment, ends a stream of
 * bytes at the segment's stop, and fills in timestamps that the sender left out. What the base class would have done for
 * each buffer is done here: `num-buffers`, `do-timestamp`, events that the application sends.
 *
 * The end: FIN comes behind the last item. EOS goes downstream, and FIN is accepted, which releases the sender, when every sink
 * behind us has handled it. Two things tell so. dc_gst_downstream_is_eos() sees it, but looks only now and then. And the pipeline
 * posts EOS, upon which the application may stop it at once: so that message is caught on the bus, before the application gets it.
 * If the pipeline is stopped before either, the sender learns that not everything arrived. If it is flushed, which takes the EOS away
 * from the sinks, all this begins again; the channel gives its FIN only once.
 *
 * A flush of the sender's: FLUSH_START overtakes on a stream of its own and is pushed downstream by a thread of GStreamer's pool, which lets
 * a blocked create() go; that drops what it pulls until FLUSH_STOP, in its place in the stream. Each has the number of its
 * flush, and whichever is seen first begins it.
 *
 * A live source must not produce in PAUSED: the base class unlocks create() then, which waits for PLAYING.
 */
#include "plugins/gstdatachannelsrc.h"

#include "plugins/dc-gst-downstream.h"
#include "plugins/dc-gst-event.h"
#include "plugins/gstdatachannelcommon.h"
#include "plugins/gstdatachanneluri.h"

GST_DEBUG_CATEGORY_STATIC (datachannelsrc_debug);
#define GST_CAT_DEFAULT datachannelsrc_debug

/* How often is looked whether the sinks are done: only at the end of a stream, and behind queues. */
#define LOOK_INTERVAL (10 * G_TIME_SPAN_MILLISECOND)

#define DEFAULT_LATENCY_MS 100

/* What the caps of raw messages say. */
typedef enum {
  RAW_CAPS_NONE,  /* nothing yet */
  RAW_CAPS_FIXED, /* what downstream wants */
  RAW_CAPS_TEXT,
  RAW_CAPS_BINARY,
} RawCaps;

struct _GstDataChannelSrc {
  GstPushSrc parent_instance;

  GstDataChannelEnd end;

  /* end.lock */
  gboolean pipeline_is_eos;
  guint32 flush_started, flush_stopped; /* the numbers of the last; 0: none */
  gboolean flush_starting;              /* the event is on its way downstream */

  /* Streaming thread */
  DcMode mode;
  RawCaps raw_caps;
  GstSegment segment;   /* the stream's */
  gboolean fin_taken;   /* the channel gave its FIN, and gives nothing more */
  gboolean time_mapped; /* live: the stream's time is that of the pipeline, by the pad's offset */

  /* Object lock */
  GQueue events; /* (element-type GstEvent): the application's, for the next buffer */
  guint latency; /* milliseconds */
};

enum {
  PROP_IS_LIVE = GST_DATA_CHANNEL_PROP_OWN,
  PROP_LATENCY,
};

G_DEFINE_FINAL_TYPE_WITH_CODE (GstDataChannelSrc, gst_data_channel_src, GST_TYPE_PUSH_SRC,
    G_IMPLEMENT_INTERFACE (GST_TYPE_URI_HANDLER, gst_data_channel_uri_handler_init_src))
GST_ELEMENT_REGISTER_DEFINE (datachannelsrc, "datachannelsrc", GST_RANK_PRIMARY, GST_TYPE_DATA_CHANNEL_SRC)

static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

/* --- Pushing ------------------------------------------------------------------------------------------------------------------- */

static GstFlowReturn
fail (GstDataChannelSrc *self, const GError *error)
{
  if (g_error_matches (error, DC_ERROR, DC_ERROR_FLUSHING))
    return GST_FLOW_FLUSHING;
  gst_data_channel_end_fail (&self->end, error);
  return GST_FLOW_ERROR;
}

static void
push_segment (GstDataChannelSrc *self)
{
  gst_pad_push_event (GST_BASE_SRC_PAD (self), gst_event_new_segment (&self->segment));
}

/* There is none before the sender's first, in raw mode, and after a flush. */
static void
ensure_segment (GstDataChannelSrc *self)
{
  g_autoptr (GstEvent) event = gst_pad_get_sticky_event (GST_BASE_SRC_PAD (self), GST_EVENT_SEGMENT, 0);

  if (event == NULL)
    push_segment (self);
}

static GstFlowReturn
take_caps (GstDataChannelSrc *self, const DcLinkItem *item)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstCaps) caps = dc_gst_item_to_caps (item, &error);

  if (caps == NULL)
    return fail (self, error);
  /* A pad keeps caps that are refused and offers them again with the next buffer: then we learn of it. */
  gst_base_src_set_caps (GST_BASE_SRC (self), caps);
  return GST_FLOW_OK;
}

static GstFlowReturn
take_segment (GstDataChannelSrc *self, const DcLinkItem *item)
{
  g_autoptr (GError) error = NULL;
  GstSegment segment;

  if (!dc_gst_item_to_segment (item, &segment, &error))
    return fail (self, error);
  GST_OBJECT_LOCK (self);
  self->segment = segment;
  GST_OBJECT_UNLOCK (self);
  push_segment (self);
  return GST_FLOW_OK;
}

static void
push_application_events (GstDataChannelSrc *self)
{
  GstEvent *event;

  do {
    GST_OBJECT_LOCK (self);
    event = g_queue_pop_head (&self->events);
    GST_OBJECT_UNLOCK (self);
    if (event != NULL)
      gst_pad_push_event (GST_BASE_SRC_PAD (self), event);
  } while (event != NULL);
}

static void
stamp (GstDataChannelSrc *self, GstBuffer *buffer)
{
  GstClockTime now = gst_element_get_current_running_time (GST_ELEMENT (self));

  GST_BUFFER_PTS (buffer) = now;
  GST_BUFFER_DTS (buffer) = now;
}

/* The sender's running time of the first buffer becomes ours of this moment. */
static void
map_time (GstDataChannelSrc *self, GstBuffer *buffer)
{
  GstClockTime now = gst_element_get_current_running_time (GST_ELEMENT (self));
  GstClockTime time = GST_BUFFER_DTS_OR_PTS (buffer), running;

  if (self->time_mapped || !gst_base_src_is_live (GST_BASE_SRC (self)) || self->segment.format != GST_FORMAT_TIME)
    return;
  running = gst_segment_to_running_time (&self->segment, GST_FORMAT_TIME, time);
  if (!GST_CLOCK_TIME_IS_VALID (now) || !GST_CLOCK_TIME_IS_VALID (running))
    return;
  self->time_mapped = TRUE;
  gst_pad_set_offset (GST_BASE_SRC_PAD (self), GST_CLOCK_DIFF (running, now));
}

/* Text and binary messages are told apart by their caps, unless downstream wants fixed ones. */
static void
set_raw_caps (GstDataChannelSrc *self, const DcLinkItem *item)
{
  RawCaps wanted = item->flags & DC_LINK_FLAG_TEXT ? RAW_CAPS_TEXT : RAW_CAPS_BINARY;
  g_autoptr (GstCaps) caps = NULL;

  if (self->mode != DC_MODE_RAW || self->raw_caps == RAW_CAPS_FIXED || self->raw_caps == wanted)
    return;
  caps = wanted == RAW_CAPS_TEXT ? gst_caps_new_simple ("text/x-raw", "format", G_TYPE_STRING, "utf8", NULL)
                                 : gst_caps_new_empty_simple ("application/octet-stream");
  self->raw_caps = wanted;
  if (gst_pad_peer_query_accept_caps (GST_BASE_SRC_PAD (self), caps))
    gst_base_src_set_caps (GST_BASE_SRC (self), caps);
}

static GstFlowReturn
take_data (GstDataChannelSrc *self, const DcLinkItem *item)
{
  GstBuffer *buffer = dc_gst_item_to_buffer (item);
  GstFlowReturn flow;

  set_raw_caps (self, item);
  ensure_segment (self);
  push_application_events (self);
  if (gst_base_src_get_do_timestamp (GST_BASE_SRC (self)))
    stamp (self, buffer);
  else
    map_time (self, buffer);
  flow = gst_pad_push (GST_BASE_SRC_PAD (self), buffer);
  if (flow == GST_FLOW_NOT_NEGOTIATED)
    GST_ELEMENT_ERROR (
        self, STREAM, FORMAT, ("What follows datachannelsrc does not take the sender's format."), (NULL));
  return flow;
}

/* GAP, tags, custom ones. */
static GstFlowReturn
take_other_event (GstDataChannelSrc *self, const DcLinkItem *item)
{
  g_autoptr (GError) error = NULL;
  GstEvent *event = dc_gst_event_from_item (item, &error);

  if (error != NULL)
    return fail (self, error);
  if (event == NULL)
    return GST_FLOW_OK; /* of a later version */
  if (GST_EVENT_TYPE (event) != GST_EVENT_TAG)
    ensure_segment (self);
  gst_pad_push_event (GST_BASE_SRC_PAD (self), event);
  return GST_FLOW_OK;
}

/* --- Flushes of the sender's --------------------------------------------------------------------------------------------------- */

/* Numbers wrap. */
static gboolean
is_later (guint32 number, guint32 than)
{
  return (gint32) (number - than) > 0;
}

/* A thread of the pool, while the streaming thread may be blocked downstream. */
static void
start_flush (GstDataChannelSrc *self, guint32 number)
{
  gboolean begin;

  g_mutex_lock (&self->end.lock);
  begin = is_later (number, self->flush_started) && is_later (number, self->flush_stopped);
  if (begin) {
    self->flush_started = number;
    self->flush_starting = TRUE;
  }
  g_mutex_unlock (&self->end.lock);
  if (!begin)
    return;
  gst_pad_push_event (GST_BASE_SRC_PAD (self), gst_event_new_flush_start ());
  g_mutex_lock (&self->end.lock);
  self->flush_starting = FALSE;
  g_cond_broadcast (&self->end.cond);
  g_mutex_unlock (&self->end.lock);
}

/* TRUE between FLUSH_START and its FLUSH_STOP. */
static gboolean
is_dropping (GstDataChannelSrc *self)
{
  gboolean dropping;

  g_mutex_lock (&self->end.lock);
  dropping = self->flush_started != self->flush_stopped;
  g_mutex_unlock (&self->end.lock);
  return dropping;
}

/* The flush with that number is over; 0: whichever goes on. Returns whether it had begun downstream. */
static gboolean
note_flush_stopped (GstDataChannelSrc *self, guint32 number)
{
  gboolean begun;

  g_mutex_lock (&self->end.lock);
  while (self->flush_starting)
    g_cond_wait (&self->end.cond, &self->end.lock);
  begun = self->flush_started != self->flush_stopped;
  if (number == 0)
    number = self->flush_started;
  self->flush_stopped = number;
  if (!is_later (self->flush_started, number))
    self->flush_started = number;
  g_mutex_unlock (&self->end.lock);
  return begun;
}

static void
stop_flush (GstDataChannelSrc *self, guint32 number, gboolean reset_time)
{
  GstPad *pad = GST_BASE_SRC_PAD (self);

  if (!note_flush_stopped (self, number))
    gst_pad_push_event (pad, gst_event_new_flush_start ());
  gst_pad_push_event (pad, gst_event_new_flush_stop (reset_time));
  if (reset_time)
    self->time_mapped = FALSE;
}

static GstFlowReturn
take_flush_stop (GstDataChannelSrc *self, const DcLinkItem *item)
{
  g_autoptr (GError) error = NULL;
  guint32 number;
  gboolean reset_time;

  if (!dc_gst_event_parse_flush (item, &number, &reset_time, &error))
    return fail (self, error);
  stop_flush (self, number, reset_time);
  return GST_FLOW_OK;
}

/* What overtakes the stream; a sender that sends nonsense here harms nobody. */
static void
take_out_of_band (GstDataChannelSrc *self, const DcLinkItem *item)
{
  g_autoptr (GError) error = NULL;
  GstEvent *event;
  guint32 number;
  gboolean reset_time;

  if (item->kind == DC_LINK_ITEM_EVENT && item->event == DC_LINK_EVENT_FLUSH_START) {
    if (dc_gst_event_parse_flush (item, &number, &reset_time, &error))
      start_flush (self, number);
  } else if (item->kind == DC_LINK_ITEM_EVENT) {
    event = dc_gst_event_from_item (item, &error);
    if (event != NULL)
      gst_pad_push_event (GST_BASE_SRC_PAD (self), event);
  }
  if (error != NULL)
    GST_WARNING_OBJECT (self, "an event of the sender's is ignored: %s", error->message);
}

static void
pull_out_of_band (GstElement *element, gpointer channel)
{
  DcLinkItem *item;

  while ((item = dc_channel_try_pull (channel, DC_GST_STREAM_OUT_OF_BAND, NULL)) != NULL) {
    take_out_of_band (GST_DATA_CHANNEL_SRC (element), item);
    dc_link_item_free (item);
  }
}

/* On a thread of the channel's, which must not block. */
static void
readable_cb (DcChannel *channel, guint stream, GstDataChannelEnd *end)
{
  if (stream == DC_GST_STREAM_OUT_OF_BAND)
    gst_element_call_async (end->element, pull_out_of_band, g_object_ref (channel), g_object_unref);
}

static void
opened (GstDataChannelEnd *end, DcChannel *channel, guint n)
{
  gst_data_channel_end_connect (end, channel, "readable", G_CALLBACK (readable_cb));
  /* What has come before we listened. */
  readable_cb (channel, DC_GST_STREAM_OUT_OF_BAND, end);
}

/* --- The end of the stream ----------------------------------------------------------------------------------------------------- */

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

static GstFlowReturn
take_fin (GstDataChannelSrc *self, DcChannel *channel)
{
  GstBus *bus;
  gboolean done;

  GST_INFO_OBJECT (self, "end of stream: waiting until downstream has handled it");
  if (is_dropping (self))
    stop_flush (self, 0, FALSE);
  self->fin_taken = TRUE;
  gst_data_channel_end_set_ending (&self->end);
  self->pipeline_is_eos = FALSE;
  bus = watch_pipeline (self);
  ensure_segment (self);
  push_application_events (self);
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

/* --- Receiving ----------------------------------------------------------------------------------------------------------------- */

static GstFlowReturn
take_event (GstDataChannelSrc *self, const DcLinkItem *item)
{
  switch (item->event) {
    case DC_LINK_EVENT_EOS: /* what counts is the FIN behind it */
      return GST_FLOW_OK;
    case DC_LINK_EVENT_FLUSH_STOP:
      return take_flush_stop (self, item);
    default:
      return take_other_event (self, item);
  }
}

static gboolean
ends_dropping (const DcLinkItem *item)
{
  return item->kind == DC_LINK_ITEM_FIN
         || (item->kind == DC_LINK_ITEM_EVENT && item->event == DC_LINK_EVENT_FLUSH_STOP);
}

static GstFlowReturn
take_item (GstDataChannelSrc *self, DcChannel *channel, const DcLinkItem *item)
{
  if (is_dropping (self) && !ends_dropping (item))
    return GST_FLOW_OK;
  switch (item->kind) {
    case DC_LINK_ITEM_CAPS:
      return take_caps (self, item);
    case DC_LINK_ITEM_SEGMENT:
      return take_segment (self, item);
    case DC_LINK_ITEM_DATA:
      return take_data (self, item);
    case DC_LINK_ITEM_FIN:
      return take_fin (self, channel);
    case DC_LINK_ITEM_EVENT:
      return take_event (self, item);
  }
  return GST_FLOW_OK;
}

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

/* @flow is what an item, or the wait for one, has come to. OK: on with the next. */
static GstFlowReturn
go_on (GstDataChannelSrc *self, GstFlowReturn flow)
{
  gboolean flushing;

  if (flow != GST_FLOW_FLUSHING)
    return flow;
  g_mutex_lock (&self->end.lock);
  flushing = self->end.flushing;
  g_mutex_unlock (&self->end.lock);
  /* Downstream is flushed by the sender, not by us. */
  if (!flushing && is_dropping (self))
    return GST_FLOW_OK;
  return gst_base_src_is_live (GST_BASE_SRC (self)) ? gst_base_src_wait_playing (GST_BASE_SRC (self)) : flow;
}

static GstFlowReturn
take_next (GstDataChannelSrc *self, DcChannel *channel)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcLinkItem) item = dc_channel_pull (channel, DC_GST_STREAM_DATA, &error);
  GstFlowReturn flow = item != NULL ? take_item (self, channel, item) : fail (self, error);

  if (flow == GST_FLOW_OK && item->kind == DC_LINK_ITEM_DATA && !may_push_another (self))
    return GST_FLOW_EOS;
  return flow;
}

static GstFlowReturn
gst_data_channel_src_create (GstPushSrc *src, GstBuffer **unused)
{
  GstDataChannelSrc *self = GST_DATA_CHANNEL_SRC (src);
  g_autoptr (DcChannel) channel = NULL;
  GstFlowReturn flow = GST_FLOW_OK;

  while (flow == GST_FLOW_OK && channel == NULL) {
    g_autoptr (GError) error = NULL;
    channel = gst_data_channel_end_get_channel (&self->end, &error);
    flow = channel != NULL ? GST_FLOW_OK : go_on (self, fail (self, error));
  }
  while (flow == GST_FLOW_OK)
    flow = go_on (self, self->fin_taken ? take_fin (self, channel) : take_next (self, channel));
  return flow;
}

/* In link mode the format is the sender's. In raw mode nobody names it, unless what follows takes exactly one. */
static gboolean
gst_data_channel_src_negotiate (GstBaseSrc *src)
{
  GstDataChannelSrc *self = GST_DATA_CHANNEL_SRC (src);
  g_autoptr (GstCaps) caps = NULL;

  if (self->mode == DC_MODE_LINK)
    return TRUE;
  caps = gst_pad_peer_query_caps (GST_BASE_SRC_PAD (src), NULL);
  if (caps == NULL || !gst_caps_is_fixed (caps))
    return TRUE;
  self->raw_caps = RAW_CAPS_FIXED;
  return gst_base_src_set_caps (src, caps);
}

/* --- Events and queries -------------------------------------------------------------------------------------------------------- */

/* To the sender's pipeline. Never waits: an event that has no room is of no use later. */
static gboolean
send_upstream (GstDataChannelSrc *self, GstEvent *event)
{
  g_autoptr (DcChannel) channel = gst_data_channel_end_try_channel (&self->end);
  g_autoptr (DcLinkItem) item = NULL;

  if (channel == NULL || dc_channel_get_mode (channel) == DC_MODE_RAW
      || !dc_channel_can_push (channel, DC_GST_STREAM_UPSTREAM)) {
    GST_DEBUG_OBJECT (self, "no way to the sender for %" GST_PTR_FORMAT, event);
    return FALSE;
  }
  item = dc_gst_event_to_item (event, DC_GST_STREAM_UPSTREAM);
  return item != NULL && dc_channel_push (channel, g_steal_pointer (&item), FALSE, NULL);
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
  g_mutex_unlock (&self->end.lock);
  self->fin_taken = self->time_mapped = FALSE;
  self->raw_caps = RAW_CAPS_NONE;
  gst_pad_set_offset (GST_BASE_SRC_PAD (self), 0);
}

static gboolean
gst_data_channel_src_start (GstBaseSrc *src)
{
  GstDataChannelSrc *self = GST_DATA_CHANNEL_SRC (src);

  self->mode = gst_data_channel_end_get_mode (&self->end);
  reset (self, gst_base_src_get_do_timestamp (src) ? GST_FORMAT_TIME : GST_FORMAT_BYTES);
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
  gst_data_channel_end_clear (&self->end);
  G_OBJECT_CLASS (gst_data_channel_src_parent_class)->finalize (object);
}

static void
gst_data_channel_src_init (GstDataChannelSrc *self)
{
  gst_data_channel_end_init (&self->end, GST_ELEMENT (self), DC_DIRECTION_RECEIVE);
  self->end.opened = opened;
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
