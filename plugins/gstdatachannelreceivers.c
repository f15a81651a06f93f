/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelreceivers.c: those to whom a sink sends: one, or many of different speed who come and go.
 *
 * Theory of operation
 * -------------------
 * The sink hands over one object at a time: a buffer or an event. A step is what it takes to give that to everyone: offer() puts it, and what
 * a receiver must have before it, into each receiver's queue, pump() empties the queues into the channels. A step that is interrupted goes
 * on where it was. Payloads are not copied: the items of all receivers hold the same bytes.
 *
 * What is sticky (CAPS, SEGMENT, TAG, custom sticky events) is kept with rising serials. Each receiver has seen them up to one, and gets
 * the others before whatever comes next; after a flush, that is all of them.
 *
 * A receiver that is there before the first buffer gets the stream as it is. A later one is JOINING: upstream is asked for a key unit,
 * and from the next key unit on it gets everything, with the format and the stream headers in front and a segment in which its running time
 * begins at 0.
 *
 * With room for one receiver only (max-receivers=1) pushing blocks in its channel, and its leaving is an error, which the end posts. With
 * more, one that leaves is forgotten, and nobody blocks in a channel: whoever has room is served, and then what happens is up to
 * gstdatachannelpace.c, by the policy for slow receivers. What may be waited for raises the end's `changes`: a channel is writable, finished,
 * closed, or new.
 *
 * With nobody there buffers pass if upstream is live, and, once there was somebody, unless the policy is to block. */
#include "plugins/gstdatachannelreceivers.h"

#include "plugins/dc-gst-event.h"
#include "plugins/gstdatachannelreceivers-private.h"

GType
gst_data_channel_slow_consumer_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
      {GST_DATA_CHANNEL_SLOW_CONSUMER_BLOCK, "The slowest receiver's pace is everyone's", "block"},
      {GST_DATA_CHANNEL_SLOW_CONSUMER_DROP, "A receiver that is too slow misses buffers, up to a key unit", "drop"},
      {GST_DATA_CHANNEL_SLOW_CONSUMER_DISCONNECT, "A receiver that is too slow is disconnected", "disconnect"},
      {0, NULL, NULL},
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstDataChannelSlowConsumer", values));
  return type;
}

static void
clear_queue (GstDataChannelReceiver *receiver)
{
  g_queue_clear_full (&receiver->queue, (GDestroyNotify) dc_link_item_free);
}

static void
receiver_free (gpointer data)
{
  GstDataChannelReceiver *receiver = data;

  clear_queue (receiver);
  g_object_unref (receiver->channel);
  g_free (receiver);
}

GstDataChannelReceivers *
gst_data_channel_receivers_new (GstDataChannelEnd *end, GstPad *pad, GstDataChannelSlowConsumer slow_consumer)
{
  GstDataChannelReceivers *self = g_new0 (GstDataChannelReceivers, 1);

  self->end = end;
  self->pad = gst_object_ref (pad);
  self->slow_consumer = slow_consumer;
  self->sole = end->max_channels == 1;
  self->mode = gst_data_channel_end_get_mode (end);
  self->max_size = gst_data_channel_end_get_max_size (end);
  self->list = g_ptr_array_new_with_free_func (receiver_free);
  gst_data_channel_format_init (self);
  return self;
}

void
gst_data_channel_receivers_free (GstDataChannelReceivers *self)
{
  g_ptr_array_unref (self->list);
  gst_data_channel_format_clear (self);
  gst_object_unref (self->pad);
  g_free (self);
}

/* --- Joining --------------------------------------------------------------------------------------------------------------------- */

static void
push_key_unit_request (GstElement *element, gpointer pad)
{
  GstStructure *structure = gst_structure_new ("GstForceKeyUnit", "running-time", GST_TYPE_CLOCK_TIME,
      GST_CLOCK_TIME_NONE, "all-headers", G_TYPE_BOOLEAN, TRUE, "count", G_TYPE_UINT, 0, NULL);

  gst_pad_push_event (pad, gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM, structure));
}

/* From another thread than ours, which holds the stream up. */
static void
request_key_unit (GstDataChannelReceivers *self)
{
  gst_element_call_async (self->end->element, push_key_unit_request, gst_object_ref (self->pad), gst_object_unref);
}

static void
add (GstDataChannelReceivers *self, DcChannel *channel)
{
  GstDataChannelReceiver *receiver = g_new0 (GstDataChannelReceiver, 1);

  receiver->channel = channel;
  receiver->stage = self->begun ? GST_DATA_CHANNEL_STAGE_WAITING : GST_DATA_CHANNEL_STAGE_RUNNING;
  receiver->joined = !self->begun;
  g_ptr_array_add (self->list, receiver);
  self->had_any = TRUE;
  if (self->begun)
    request_key_unit (self);
}

/* Takes those that have come since, and lets go those that have left. With nobody left and nobody to come: the peer's @error. */
static gboolean
update (GstDataChannelReceivers *self, GError **error)
{
  g_autoptr (GError) fault = NULL;
  DcChannel *channel;

  gst_data_channel_receivers_sweep (self);
  while ((channel = gst_data_channel_end_take_channel (self->end, &fault)) != NULL)
    add (self, channel);
  if (fault == NULL || self->list->len > 0)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&fault));
  return FALSE;
}

static gboolean
may_pass_nobody (GstDataChannelReceivers *self)
{
  if (self->live)
    return TRUE;
  return self->had_any && self->slow_consumer != GST_DATA_CHANNEL_SLOW_CONSUMER_BLOCK;
}

static gboolean
wait_for_first (GstDataChannelReceivers *self, GError **error)
{
  guint seen;

  do {
    seen = gst_data_channel_end_get_changes (self->end);
    if (!update (self, error))
      return FALSE;
  } while (
      self->list->len == 0 && !may_pass_nobody (self) && gst_data_channel_end_wait_change (self->end, seen, -1, error));
  return self->list->len > 0 || may_pass_nobody (self);
}

/* The only one comes once. */
static gboolean
wait_for_only (GstDataChannelReceivers *self, GError **error)
{
  DcChannel *channel;

  if (self->list->len > 0)
    return TRUE;
  channel = gst_data_channel_end_get_channel (self->end, error);
  if (channel == NULL)
    return FALSE;
  add (self, channel);
  return TRUE;
}

static gboolean
wait_for_receivers (GstDataChannelReceivers *self, GError **error)
{
  return self->sole ? wait_for_only (self, error) : wait_for_first (self, error);
}

/* Those that are there already. */
static gboolean
look_for_receivers (GstDataChannelReceivers *self, GError **error)
{
  DcChannel *channel;

  if (!self->sole)
    return update (self, error);
  if (self->list->len == 0 && (channel = gst_data_channel_end_try_channel (self->end)) != NULL)
    add (self, channel);
  return TRUE;
}

/* --- A step ---------------------------------------------------------------------------------------------------------------------- */

static gboolean
is_key_unit (GstBuffer *buffer)
{
  return !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT)
         && !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_HEADER);
}

/* @item: (nullable) */
static void
offer_running (GstDataChannelReceivers *self, GstDataChannelReceiver *receiver, const DcLinkItem *item)
{
  gst_data_channel_receiver_enqueue_format (self, receiver);
  if (item != NULL)
    gst_data_channel_receiver_enqueue (receiver, gst_data_channel_copy_item (item));
}

/* From a key unit on it takes part (again). */
static void
offer_waiting (
    GstDataChannelReceivers *self, GstDataChannelReceiver *receiver, GstMiniObject *object, const DcLinkItem *item)
{
  DcLinkItem *first;

  if (!GST_IS_BUFFER (object) || !is_key_unit (GST_BUFFER_CAST (object)))
    return;
  if (receiver->joined)
    gst_data_channel_receiver_enqueue_format (self, receiver);
  else
    gst_data_channel_receiver_enqueue_first (self, receiver, GST_BUFFER_CAST (object));
  first = gst_data_channel_copy_item (item);
  first->flags |= DC_LINK_FLAG_DISCONT;
  gst_data_channel_receiver_enqueue (receiver, first);
  receiver->stage = GST_DATA_CHANNEL_STAGE_RUNNING;
}

static void
offer_to (
    GstDataChannelReceivers *self, GstDataChannelReceiver *receiver, GstMiniObject *object, const DcLinkItem *item)
{
  if (receiver->stage == GST_DATA_CHANNEL_STAGE_DROPPING && gst_data_channel_receiver_has_room_again (receiver)) {
    receiver->stage = GST_DATA_CHANNEL_STAGE_WAITING;
    request_key_unit (self);
  }
  if (receiver->stage == GST_DATA_CHANNEL_STAGE_RUNNING)
    offer_running (self, receiver, item);
  else if (receiver->stage == GST_DATA_CHANNEL_STAGE_WAITING && object != NULL)
    offer_waiting (self, receiver, object, item);
  receiver->seen_next = self->serial;
}

static gboolean
make_item (GstDataChannelReceivers *self, GstMiniObject *object, DcLinkItem **item, GError **error)
{
  if (object != NULL && GST_IS_BUFFER (object))
    *item = gst_data_channel_format_make_item (self, GST_BUFFER_CAST (object), error);
  else if (object != NULL && self->mode == DC_MODE_LINK)
    *item = dc_gst_event_to_item (GST_EVENT_CAST (object), DC_GST_STREAM_DATA);
  return *item != NULL || object == NULL || !GST_IS_BUFFER (object);
}

static gboolean
offer (GstDataChannelReceivers *self, GstMiniObject *object, GError **error)
{
  g_autoptr (DcLinkItem) item = NULL;

  if (!make_item (self, object, &item, error))
    return FALSE;
  for (guint i = 0; i < self->list->len; i++)
    offer_to (self, g_ptr_array_index (self->list, i), object, item);
  if (object != NULL && GST_IS_BUFFER (object)) {
    self->begun = TRUE;
    self->headers = self->headers || GST_BUFFER_FLAG_IS_SET (GST_BUFFER_CAST (object), GST_BUFFER_FLAG_HEADER);
  }
  return TRUE;
}

static gboolean
is_live (GstPad *pad)
{
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  gboolean live = FALSE;

  if (gst_pad_peer_query (pad, query))
    gst_query_parse_latency (query, &live, NULL, NULL);
  return live;
}

static gboolean
check_may_go_on (GstDataChannelReceivers *self, GError **error)
{
  if (!gst_data_channel_end_is_ending (self->end))
    return TRUE;
  g_set_error_literal (error, DC_ERROR, DC_ERROR_DATA,
      "The stream goes on after its end, which the receiver has been told: start the pipeline anew");
  return FALSE;
}

/* The beginning of a step; not repeated when that is interrupted. */
static gboolean
begin_step (GstDataChannelReceivers *self, GstMiniObject *object, GError **error)
{
  if (object != NULL && !self->sole && !self->begun)
    self->live = is_live (self->pad);
  if (object != NULL && (!wait_for_receivers (self, error) || !gst_data_channel_receivers_wait_for_pace (self, error)))
    return FALSE;
  return look_for_receivers (self, error) && offer (self, object, error);
}

gboolean
gst_data_channel_receivers_send (GstDataChannelReceivers *self, GstMiniObject *object, GError **error)
{
  if (!check_may_go_on (self, error))
    return FALSE;
  if (!self->offered && !begin_step (self, object, error))
    return FALSE;
  self->offered = TRUE;
  if (!gst_data_channel_receivers_pump (self, error))
    return FALSE;
  self->offered = FALSE;
  return TRUE;
}

/* --- The end ---------------------------------------------------------------------------------------------------------------------- */

/* A receiver without room is told the end by the FIN alone. */
static void
begin_finish (GstDataChannelReceiver *receiver, DcMode mode)
{
  if (mode == DC_MODE_LINK && !receiver->finishing && dc_channel_can_push (receiver->channel, DC_GST_STREAM_DATA))
    dc_channel_push (receiver->channel, dc_gst_item_from_eos (), FALSE, NULL);
  receiver->finishing = TRUE;
  dc_channel_begin_finish (receiver->channel);
}

static gboolean
finish_only (GstDataChannelReceivers *self, GError **error)
{
  GstDataChannelReceiver *receiver = g_ptr_array_index (self->list, 0);

  if (!gst_data_channel_end_is_ending (self->end)) {
    if (self->mode == DC_MODE_LINK && !dc_channel_push (receiver->channel, dc_gst_item_from_eos (), FALSE, error))
      return FALSE;
    gst_data_channel_end_set_ending (self->end);
  }
  return dc_channel_finish (receiver->channel, error);
}

static gboolean
finish_all (GstDataChannelReceivers *self, GError **error)
{
  gst_data_channel_end_set_ending (self->end);
  for (guint i = 0; i < self->list->len; i++)
    begin_finish (g_ptr_array_index (self->list, i), self->mode);
  return gst_data_channel_receivers_wait_finished (self, error);
}

gboolean
gst_data_channel_receivers_finish (GstDataChannelReceivers *self, GError **error)
{
  if (gst_data_channel_end_is_delivered (self->end))
    return TRUE; /* what the channels came to since then does not matter */
  if (gst_data_channel_end_has_failed (self->end)) {
    g_set_error_literal (error, DC_ERROR, DC_ERROR_DATA, "The stream has failed before its end");
    return FALSE;
  }
  if (!gst_data_channel_end_is_ending (self->end)
      && ((!self->had_any && !wait_for_receivers (self, error))
          || !gst_data_channel_receivers_send (self, NULL, error)))
    return FALSE;
  if (self->sole ? !finish_only (self, error) : !finish_all (self, error))
    return FALSE;
  gst_data_channel_end_set_delivered (self->end);
  return TRUE;
}

/* --- Flushing --------------------------------------------------------------------------------------------------------------------- */

void
gst_data_channel_receivers_flush_start (GstDataChannelReceivers *self)
{
  self->flushes++;
  self->offered = FALSE;
  look_for_receivers (self, NULL);
  for (guint i = 0; i < self->list->len; i++) {
    GstDataChannelReceiver *receiver = g_ptr_array_index (self->list, i);
    clear_queue (receiver);
    if (self->mode == DC_MODE_RAW || !receiver->joined || gst_data_channel_end_is_ending (self->end))
      continue;
    dc_channel_discard (receiver->channel, DC_GST_STREAM_DATA);
    receiver->flushed = TRUE;
    receiver->seen = 0;
    /* If it does not go out at once, the FLUSH_STOP says the same. */
    if (dc_channel_can_push (receiver->channel, DC_GST_STREAM_OUT_OF_BAND))
      dc_channel_push (receiver->channel, dc_gst_event_new_flush_start (self->flushes), FALSE, NULL);
  }
}

void
gst_data_channel_receivers_flush_stop (GstDataChannelReceivers *self, gboolean reset_time)
{
  self->flush_resets_time = reset_time;
  gst_data_channel_format_forget (self, GST_EVENT_SEGMENT);
  for (guint i = 0; reset_time && i < self->list->len; i++)
    ((GstDataChannelReceiver *) g_ptr_array_index (self->list, i))->origin = 0;
}
