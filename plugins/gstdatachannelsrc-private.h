/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelsrc-private.h: what the parts of datachannelsrc share. */
#pragma once

#include "plugins/gstdatachannelcommon.h"
#include "plugins/gstdatachannelsrc.h"

G_BEGIN_DECLS

/* What the caps of raw messages say. */
typedef enum {
  GST_DATA_CHANNEL_RAW_CAPS_NONE,  /* nothing yet */
  GST_DATA_CHANNEL_RAW_CAPS_FIXED, /* what downstream wants */
  GST_DATA_CHANNEL_RAW_CAPS_TEXT,
  GST_DATA_CHANNEL_RAW_CAPS_BINARY,
} GstDataChannelRawCaps;

struct _GstDataChannelSrc {
  GstPushSrc parent_instance;

  GstDataChannelEnd end;

  /* end.lock */
  gboolean pipeline_is_eos;
  gboolean fin_taken;                   /* the channel gave its FIN, and gives nothing more */
  gboolean streaming;                   /* create() runs: there is somebody to end a flush that begins now */
  guint32 flush_started, flush_stopped; /* the numbers of the last; 0: none. Different: what comes is dropped */
  gboolean flush_resets_time;           /* of those that are not over */
  gboolean flush_pushing;               /* FLUSH_START is on its way downstream */
  gboolean flush_pushed;                /* it is there, and no FLUSH_STOP yet */
  gboolean pulling, pull_again;         /* a thread of the pool takes what overtakes; there is more */

  GMutex upstream_lock; /* nothing else is taken under it but the channel's: one event upstream at a time */

  /* Streaming thread */
  DcMode mode;
  gboolean stamping; /* do-timestamp */
  GstDataChannelRawCaps raw_caps;
  GstSegment segment;   /* the stream's; written with the object lock */
  gboolean time_mapped; /* live: the stream's time is that of the pipeline, by the pad's offset */

  /* Object lock */
  GQueue events; /* (element-type GstEvent): the application's, for the next buffer */
  guint latency; /* milliseconds */
};

/* All on the streaming thread, but for _listen(). */

/* --- gstdatachannelsrc-stream.c: what comes on the stream of data goes downstream ----------------------------------------------- */

/* There is no segment before the sender's first, in raw mode, and after a flush. */
void gst_data_channel_src_ensure_segment (GstDataChannelSrc *self);
void gst_data_channel_src_push_application_events (GstDataChannelSrc *self);
/* Everything but FLUSH_STOP and FIN. */
GstFlowReturn gst_data_channel_src_take_item (GstDataChannelSrc *self, const DcLinkItem *item);
gboolean gst_data_channel_src_negotiate (GstBaseSrc *src);

/* --- gstdatachannelsrc-flush.c: flushes of the sender's, and what else overtakes ------------------------------------------------ */

/* On any thread: from now on what overtakes on @channel is taken. */
void gst_data_channel_src_listen (GstDataChannelEnd *end, DcChannel *channel, guint n);
/* create() begins to pull from @channel, and ends. */
void gst_data_channel_src_enter_stream (GstDataChannelSrc *self, DcChannel *channel);
void gst_data_channel_src_leave_stream (GstDataChannelSrc *self);
/* TRUE between FLUSH_START and its FLUSH_STOP. */
gboolean gst_data_channel_src_is_dropping (GstDataChannelSrc *self);
GstFlowReturn gst_data_channel_src_take_flush_stop (GstDataChannelSrc *self, const DcLinkItem *item);
/* The stream ends: whatever flush goes on is over, and no other begins. */
void gst_data_channel_src_end_flushes (GstDataChannelSrc *self);

/* --- gstdatachannelsrc-end.c: the end of the stream ----------------------------------------------------------------------------- */

/* FIN came, or was there already when a flush of the pipeline's own ended the wait for its sinks. */
GstFlowReturn gst_data_channel_src_take_fin (GstDataChannelSrc *self, DcChannel *channel);

G_END_DECLS
