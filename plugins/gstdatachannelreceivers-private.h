/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelreceivers-private.h: what the files of the receivers share:
 *   gstdatachannelreceivers.c  who is there, and the steps
 *   gstdatachannelformat.c     what each must be given
 *   gstdatachannelpace.c       how they get it, when some are slow */
#pragma once

#include "plugins/gstdatachannelreceivers.h"

G_BEGIN_DECLS

typedef enum {
  GST_DATA_CHANNEL_STAGE_WAITING, /* gets nothing until the next key unit, then everything */
  GST_DATA_CHANNEL_STAGE_RUNNING, /* gets everything */
  GST_DATA_CHANNEL_STAGE_DROPPING, /* had no room; gets nothing until it has a good part of its window again, and then waits */
} GstDataChannelStage;

typedef struct {
  DcChannel *channel;
  GstDataChannelStage stage;
  GQueue queue;     /* (element-type DcLinkItem): what it has not got of this step */
  guint seen;       /* serial of the sticky events that it has got */
  guint seen_next;  /* will be that when the queue is empty */
  gboolean joined;  /* it has the beginning of its stream: format, headers and a key unit */
  gboolean flushed; /* a FLUSH_STOP must come before anything else */
  gboolean finishing;
  guint64 origin;   /* running time of the stream when its own began, if it came late */
  gint64 blame;     /* for how long others have waited for it lately, microseconds; see gstdatachannelpace.c */
  gint64 blamed_at; /* when that was so */
} GstDataChannelReceiver;

struct _GstDataChannelReceivers {
  GstDataChannelEnd *end;
  GstPad *pad;
  GstDataChannelSlowConsumer slow_consumer;
  gboolean sole; /* there is never but one */
  DcMode mode;
  gsize max_size;   /* of a buffer */
  gboolean live;    /* upstream is */
  GPtrArray *list;  /* (element-type GstDataChannelReceiver) */
  gboolean had_any; /* ever */
  gboolean begun;   /* a buffer went out, or past nobody */
  gboolean headers; /* one of them was a stream header */
  GArray *sticky;   /* (element-type Sticky) */
  guint serial;     /* of the last sticky event */
  gboolean offered; /* a step was interrupted: it is in the queues */
  guint32 flushes;  /* number of the last */
  gboolean flush_resets_time;
  gint64 finish_deadline; /* for the slow at the end of the stream, 0: not yet */
};

/* The format: what is sticky. */
void gst_data_channel_format_init (GstDataChannelReceivers *self);
void gst_data_channel_format_clear (GstDataChannelReceivers *self);
void gst_data_channel_format_forget (GstDataChannelReceivers *self, GstEventType type);
/* In raw mode a string message if the caps say text. DC_ERROR_DATA: nobody can be sent that. (transfer full) */
DcLinkItem *gst_data_channel_format_make_item (GstDataChannelReceivers *self, GstBuffer *buffer, GError **error);
/* With the same payload. (transfer full) */
DcLinkItem *gst_data_channel_copy_item (const DcLinkItem *item);
/* @item: transfer full, (nullable) */
void gst_data_channel_receiver_enqueue (GstDataChannelReceiver *receiver, DcLinkItem *item);
/* What it must have before whatever comes next. */
void gst_data_channel_receiver_enqueue_format (GstDataChannelReceivers *self, GstDataChannelReceiver *receiver);
/* What one that came late must have before @buffer, its first: running time begins there. */
void gst_data_channel_receiver_enqueue_first (
    GstDataChannelReceivers *self, GstDataChannelReceiver *receiver, GstBuffer *buffer);

/* The pace. */

/* Lets go those whose channel has ended. */
void gst_data_channel_receivers_sweep (GstDataChannelReceivers *self);
/* TRUE if a receiver that has dropped may come back. */
gboolean gst_data_channel_receiver_has_room_again (GstDataChannelReceiver *receiver);
/* Before a step: blocks while there are only such as have dropped, unless upstream is live. */
gboolean gst_data_channel_receivers_wait_for_pace (GstDataChannelReceivers *self, GError **error);
/* Gives all what they have room for. TRUE if everyone has everything. */
gboolean gst_data_channel_receivers_push (GstDataChannelReceivers *self);

/* What is known of a step, or of its going on, for which somebody has no room. Begins as zeros but for `began`. */
typedef struct {
  gint64 began;
  gint64 since;       /* when the wait has begun that is under way */
  gint64 grace_began; /* drop: 0: not yet */
  gboolean counts;    /* disconnect: this wait is someone's fault */
} GstDataChannelWait;

/* Before and after each wait for a change: until when to wait (-1: as long as it takes), and what comes of having waited. Neither looks at a
 * clock: @now is monotonic time, or a test's. */
gint64 gst_data_channel_receivers_begin_wait (GstDataChannelReceivers *self, GstDataChannelWait *wait, gint64 now);
void gst_data_channel_receivers_end_wait (GstDataChannelReceivers *self, GstDataChannelWait *wait, gint64 now);
/* Empties the queues, or does with those that are slow as the policy wants. */
gboolean gst_data_channel_receivers_pump (GstDataChannelReceivers *self, GError **error);
/* After dc_channel_begin_finish() on each. */
gboolean gst_data_channel_receivers_wait_finished (GstDataChannelReceivers *self, GError **error);

G_END_DECLS
