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
 * In link mode caps, segments, timestamps and flags are those of the sender's stream. The sender goes no faster than this pipeline takes
 * its buffers, and is told that all went well when everything downstream has handled EOS. In raw mode each message is a buffer in a
 * segment of bytes, without timestamps unless #GstBaseSrc:do-timestamp is set and without caps unless downstream names fixed ones; the stream
 * ends when the far side closes the channel.
 *
 * The element is in error when the sender leaves before its stream has ended.
 *
 * It posts the element messages of datachannelsink.
 *
 * ## Example
 * |[
 * gst-launch-1.0 filesrc location=some.bin ! datachannelsink room=copy
 * gst-launch-1.0 datachannelsrc room=copy ! filesink location=same.bin
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
 */
#include "plugins/gstdatachannelsrc.h"

#include "plugins/dc-gst-downstream.h"
#include "plugins/dc-gst-item.h"
#include "plugins/gstdatachannelcommon.h"

GST_DEBUG_CATEGORY_STATIC (datachannelsrc_debug);
#define GST_CAT_DEFAULT datachannelsrc_debug

/* How often is looked whether the sinks are done: only at the end of a stream, and behind queues. */
#define LOOK_INTERVAL (10 * G_TIME_SPAN_MILLISECOND)

struct _GstDataChannelSrc {
  GstPushSrc parent_instance;

  GstDataChannelEnd end;
  gboolean pipeline_is_eos; /* end.lock */

  /* Streaming thread */
  DcMode mode;
  GstSegment segment; /* the stream's */
  gboolean fin_taken; /* the channel gave its FIN, and gives nothing more */

  GQueue events; /* (element-type GstEvent): the application's, for the next buffer; object lock */
};

G_DEFINE_FINAL_TYPE (GstDataChannelSrc, gst_data_channel_src, GST_TYPE_PUSH_SRC)
GST_ELEMENT_REGISTER_DEFINE (datachannelsrc, "datachannelsrc", GST_RANK_NONE, GST_TYPE_DATA_CHANNEL_SRC)

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

static GstFlowReturn
take_data (GstDataChannelSrc *self, const DcLinkItem *item)
{
  GstBuffer *buffer = dc_gst_item_to_buffer (item);
  GstFlowReturn flow;

  ensure_segment (self);
  push_application_events (self);
  if (gst_base_src_get_do_timestamp (GST_BASE_SRC (self)))
    stamp (self, buffer);
  flow = gst_pad_push (GST_BASE_SRC_PAD (self), buffer);
  if (flow == GST_FLOW_NOT_NEGOTIATED)
    GST_ELEMENT_ERROR (
        self, STREAM, FORMAT, ("What follows datachannelsrc does not take the sender's format."), (NULL));
  return flow;
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
take_item (GstDataChannelSrc *self, DcChannel *channel, const DcLinkItem *item)
{
  switch (item->kind) {
    case DC_LINK_ITEM_CAPS:
      return take_caps (self, item);
    case DC_LINK_ITEM_SEGMENT:
      return take_segment (self, item);
    case DC_LINK_ITEM_DATA:
      return take_data (self, item);
    case DC_LINK_ITEM_FIN:
      return take_fin (self, channel);
    case DC_LINK_ITEM_EVENT: /* EOS: what counts is the FIN behind it */
      return GST_FLOW_OK;
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

static GstFlowReturn
gst_data_channel_src_create (GstPushSrc *src, GstBuffer **unused)
{
  GstDataChannelSrc *self = GST_DATA_CHANNEL_SRC (src);
  g_autoptr (GError) error = NULL;
  g_autoptr (DcChannel) channel = gst_data_channel_end_get_channel (&self->end, &error);
  GstFlowReturn flow = channel != NULL ? GST_FLOW_OK : fail (self, error);

  if (flow == GST_FLOW_OK && self->fin_taken)
    return take_fin (self, channel);
  while (flow == GST_FLOW_OK) {
    g_autoptr (DcLinkItem) item = dc_channel_pull (channel, &error);

    if (item == NULL)
      return fail (self, error);
    flow = take_item (self, channel, item);
    if (flow == GST_FLOW_OK && item->kind == DC_LINK_ITEM_DATA && !may_push_another (self))
      flow = GST_FLOW_EOS;
  }
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
  return caps == NULL || !gst_caps_is_fixed (caps) || gst_base_src_set_caps (src, caps);
}

/* --- Events and queries -------------------------------------------------------------------------------------------------------- */

static gboolean
gst_data_channel_src_send_event (GstElement *element, GstEvent *event)
{
  GstDataChannelSrc *self = GST_DATA_CHANNEL_SRC (element);

  switch (GST_EVENT_TYPE (event)) {
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
gst_data_channel_src_query (GstBaseSrc *src, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) == GST_QUERY_DURATION)
    return query_duration (GST_DATA_CHANNEL_SRC (src), query);
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
  self->fin_taken = FALSE;
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

static void
gst_data_channel_src_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  gst_data_channel_end_set_property (&GST_DATA_CHANNEL_SRC (object)->end, id, value, pspec);
}

static void
gst_data_channel_src_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  gst_data_channel_end_get_property (&GST_DATA_CHANNEL_SRC (object)->end, id, value, pspec);
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
  gst_data_channel_end_init (&self->end, GST_ELEMENT (self), DC_WANTS_RECEIVE);
  gst_segment_init (&self->segment, GST_FORMAT_BYTES);
  /* Whatever the stream's: the base class's own segment is never used, and this one has no end at which it would stop. */
  gst_base_src_set_format (GST_BASE_SRC (self), GST_FORMAT_TIME);
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
  gst_data_channel_install_properties (object_class);

  element_class->send_event = gst_data_channel_src_send_event;
  src_class->start = gst_data_channel_src_start;
  src_class->stop = gst_data_channel_src_stop;
  src_class->unlock = gst_data_channel_src_unlock;
  src_class->unlock_stop = gst_data_channel_src_unlock_stop;
  src_class->negotiate = gst_data_channel_src_negotiate;
  src_class->query = gst_data_channel_src_query;
  src_class->is_seekable = gst_data_channel_src_is_seekable;
  GST_PUSH_SRC_CLASS (klass)->create = gst_data_channel_src_create;

  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "WebRTC data channel source", "Source/Network",
      "Receives the stream that a datachannelsink in the same room sends over a WebRTC data channel",
      "gst-datachannel developers");
}
