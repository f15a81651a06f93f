/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelreceivers.h: those to whom a sink sends: one, or many of different speed who come and go. */
#pragma once

#include "plugins/gstdatachannelcommon.h"

G_BEGIN_DECLS

/**
 * GstDataChannelSlowConsumer:
 * @GST_DATA_CHANNEL_SLOW_CONSUMER_BLOCK: the slowest receiver's pace is everyone's
 * @GST_DATA_CHANNEL_SLOW_CONSUMER_DROP: a receiver that is too slow misses buffers, up to a key unit
 * @GST_DATA_CHANNEL_SLOW_CONSUMER_DISCONNECT: a receiver that is too slow is disconnected
 */
typedef enum {
  GST_DATA_CHANNEL_SLOW_CONSUMER_BLOCK,
  GST_DATA_CHANNEL_SLOW_CONSUMER_DROP,
  GST_DATA_CHANNEL_SLOW_CONSUMER_DISCONNECT,
} GstDataChannelSlowConsumer;
GType gst_data_channel_slow_consumer_get_type (void);
#define GST_TYPE_DATA_CHANNEL_SLOW_CONSUMER (gst_data_channel_slow_consumer_get_type ())

typedef struct _GstDataChannelReceivers GstDataChannelReceivers;

/* All with the sink's preroll lock held, which is also held while waiting; gst_data_channel_end_set_flushing() ends that. @end must outlive
 * it. @pad: the sink's. */
GstDataChannelReceivers *gst_data_channel_receivers_new (
    GstDataChannelEnd *end, GstPad *pad, GstDataChannelSlowConsumer slow_consumer);
void gst_data_channel_receivers_free (GstDataChannelReceivers *self);

/* A sticky event: whoever gets what comes next gets it before. A flush takes the segment away. */
void gst_data_channel_receivers_note (GstDataChannelReceivers *self, GstEvent *event);
/* Sends a buffer, a GAP or a custom event, or, if @object is NULL, only what was noted. Waits for a first receiver, if it must, and for room.
 * On DC_ERROR_FLUSHING it is to be called again with the same object: no receiver gets it twice. */
gboolean gst_data_channel_receivers_send (GstDataChannelReceivers *self, GstMiniObject *object, GError **error);
/* Ends the stream and waits until the receivers have everything. May be called again after DC_ERROR_FLUSHING, and after it has succeeded. */
gboolean gst_data_channel_receivers_finish (GstDataChannelReceivers *self, GError **error);

/* Takes back what has not left, and tells the receivers. Neither blocks. */
void gst_data_channel_receivers_flush_start (GstDataChannelReceivers *self);
void gst_data_channel_receivers_flush_stop (GstDataChannelReceivers *self, gboolean reset_time);

G_END_DECLS
