/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelcommon.h: what datachannelsink and datachannelsrc share: their properties, and their end of a connection. */
#pragma once

#include <gst/gst.h>
#include "plugins/peer/dc-peer.h"

G_BEGIN_DECLS

/* --- Properties ---------------------------------------------------------------------------------------------------------------- */

/* An element's own properties have the ids from GST_DATA_CHANNEL_PROP_OWN on. */
enum {
  GST_DATA_CHANNEL_PROP_0,
  /* of the connection: alike in all elements of a session */
  GST_DATA_CHANNEL_PROP_SIGNALING,
  GST_DATA_CHANNEL_PROP_ROOM,
  GST_DATA_CHANNEL_PROP_PEER_ID,
  GST_DATA_CHANNEL_PROP_REMOTE_PEER,
  GST_DATA_CHANNEL_PROP_ROLE,
  GST_DATA_CHANNEL_PROP_TOKEN,
  GST_DATA_CHANNEL_PROP_SECRET,
  GST_DATA_CHANNEL_PROP_CERTIFICATE,
  GST_DATA_CHANNEL_PROP_TLS_CA,
  GST_DATA_CHANNEL_PROP_PROXY,
  GST_DATA_CHANNEL_PROP_POLLING,
  GST_DATA_CHANNEL_PROP_STUN_SERVER,
  GST_DATA_CHANNEL_PROP_TURN_SERVERS,
  GST_DATA_CHANNEL_PROP_ICE_TRANSPORT_POLICY,
  GST_DATA_CHANNEL_PROP_ICE_TCP,
  GST_DATA_CHANNEL_PROP_INTERFACE,
  GST_DATA_CHANNEL_PROP_PORT_RANGE,
  GST_DATA_CHANNEL_PROP_FAST,
  GST_DATA_CHANNEL_PROP_CONNECT_TIMEOUT,
  GST_DATA_CHANNEL_PROP_RESUME_TIMEOUT,
  GST_DATA_CHANNEL_PROP_STATS_INTERVAL,
  /* of the channel: alike in the elements of a session that share one */
  GST_DATA_CHANNEL_PROP_LABEL,
  GST_DATA_CHANNEL_PROP_PROTOCOL,
  GST_DATA_CHANNEL_PROP_MODE,
  GST_DATA_CHANNEL_PROP_ORDERED,
  GST_DATA_CHANNEL_PROP_MAX_RETRANSMITS,
  GST_DATA_CHANNEL_PROP_MAX_PACKET_LIFETIME,
  GST_DATA_CHANNEL_PROP_NEGOTIATED,
  GST_DATA_CHANNEL_PROP_CHANNEL_ID,
  GST_DATA_CHANNEL_PROP_MAX_MESSAGE_SIZE,
  GST_DATA_CHANNEL_PROP_WINDOW,
  GST_DATA_CHANNEL_PROP_STREAMS,
  /* of the element */
  GST_DATA_CHANNEL_PROP_SESSION,
  GST_DATA_CHANNEL_N_SETTINGS,
  /* made of other things when asked for */
  GST_DATA_CHANNEL_PROP_STATS = GST_DATA_CHANNEL_N_SETTINGS,
  GST_DATA_CHANNEL_PROP_URI,
  GST_DATA_CHANNEL_PROP_OWN,
};

typedef struct {
  GValue values[GST_DATA_CHANNEL_N_SETTINGS]; /* by the ids above; [0] is not used */
  GError *uri_fault;                          /* (nullable): why the last `uri` could not be used; start tells */
} GstDataChannelSettings;

/* What one is told that comes when there is nothing left to send. */
#define GST_DATA_CHANNEL_TOO_LATE "the stream has ended"

/* --- An end of a connection ----------------------------------------------------------------------------------------------------- */

typedef struct _GstDataChannelSession GstDataChannelSession;

/*
 * An element's end of a connection. It lies inside the element and is made and freed with it.
 *
 * Threads: join, leave, start and stop are for the state change; get_channel for the streaming thread; the others for any.
 * `lock` guards what is below it and is never held while calling the peer, a channel or the element.
 */
typedef struct _GstDataChannelEnd GstDataChannelEnd;
struct _GstDataChannelEnd {
  GstElement *element; /* which holds us */
  DcDirection wants;
  GstDataChannelSettings settings; /* the element's object lock */
  guint max_channels;              /* before start, default 1: more: many remotes at a time, each with its channel */
  GstDataChannelSession *session;  /* (nullable): from join to leave */
  /* (nullable): told of a channel that has opened, before anybody gets it, on the peer's thread; may connect to its signals. @n: how many there
   * are with it. Set it after init. */
  void (*opened) (GstDataChannelEnd *end, DcChannel *channel, guint n);
  GMutex flush_lock; /* so that a channel is told of one `flushing` after the other */

  GMutex lock;
  GCond cond;          /* anything below, or whatever the element says, changed */
  GPtrArray *channels; /* (element-type DcChannel): from when they are open until stop, or dropped */
  GQueue arrived;      /* (element-type DcChannel): with max_channels > 1: those that were not taken yet */
  GError *fault;       /* (nullable): the peer has given up */
  GstStructure *stats; /* (nullable): the last before stop */
  guint changes;       /* counts what a sender of many may wait for: see gst_data_channel_end_wait_change() */
  gboolean flushing;
  gboolean interrupted;  /* like flushing, for a moment, see gst_data_channel_end_set_interrupted() */
  gboolean ending;       /* our side has said its last: the far side may leave */
  gboolean delivered;    /* both sides know that everything is across */
  gboolean failed;       /* an element error is being posted; one says it all */
  gboolean told;         /* it was posted */
  gboolean warned_about; /* the signaling server's absence */
};

void gst_data_channel_end_init (GstDataChannelEnd *end, GstElement *element, DcDirection wants);
void gst_data_channel_end_clear (GstDataChannelEnd *end);

/* gstdatachannelproperties.c: ids below GST_DATA_CHANNEL_PROP_OWN. */
void gst_data_channel_install_properties (GObjectClass *klass);
void gst_data_channel_end_set_property (GstDataChannelEnd *end, guint id, const GValue *value, GParamSpec *pspec);
void gst_data_channel_end_get_property (GstDataChannelEnd *end, guint id, GValue *value, GParamSpec *pspec);

/* gstdatachannelsettings.c: ids below GST_DATA_CHANNEL_N_SETTINGS. */
void gst_data_channel_settings_init (GstDataChannelEnd *end);
void gst_data_channel_settings_clear (GstDataChannelEnd *end);
/* Also of `stats` and `uri`. */
const char *gst_data_channel_get_setting_name (guint id);
/* A string that is NULL becomes the default. */
void gst_data_channel_end_set_setting (GstDataChannelEnd *end, guint id, const GValue *value);
/* @value: not initialized; becomes a copy. */
void gst_data_channel_end_copy_setting (GstDataChannelEnd *end, guint id, GValue *value);
/* TRUE if it is not the default. */
gboolean gst_data_channel_end_has_setting (GstDataChannelEnd *end, guint id);
gboolean gst_data_channel_end_shares_setting (GstDataChannelEnd *end, guint id, const GValue *other);
DcMode gst_data_channel_end_get_mode (GstDataChannelEnd *end);
/* Of a buffer to be sent, at most; some receivers take less. */
gsize gst_data_channel_end_get_max_size (GstDataChannelEnd *end);
/* (transfer full) (nullable) */
char *gst_data_channel_end_dup_string (GstDataChannelEnd *end, guint id);
/* (transfer full) */
DcChannelOptions *gst_data_channel_end_make_options (GstDataChannelEnd *end);

/* NULL -> READY, and back: the element is one of its session. (start does the first if nobody did.) */
void gst_data_channel_end_join (GstDataChannelEnd *end);
void gst_data_channel_end_leave (GstDataChannelEnd *end);
/* Does not wait for a connection. On FALSE an element error was posted. */
gboolean gst_data_channel_end_start (GstDataChannelEnd *end);
/* @reason: what the far side is told if not everything is across. */
void gst_data_channel_end_stop (GstDataChannelEnd *end, const char *reason);

/* gstdatachannelend-channels.c */

/* Blocks until the channel is open, DC_ERROR_FLUSHING or another error. (transfer full) */
DcChannel *gst_data_channel_end_get_channel (GstDataChannelEnd *end, GError **error);
/* The channel if it is open, without waiting. (transfer full) (nullable) */
DcChannel *gst_data_channel_end_try_channel (GstDataChannelEnd *end);
/* With max_channels > 1: the next that has opened. NULL without @error: there is none; with: there will be none. (transfer full) (nullable) */
DcChannel *gst_data_channel_end_take_channel (GstDataChannelEnd *end, GError **error);
/* TRUE if there is one to take. */
gboolean gst_data_channel_end_has_arrived (GstDataChannelEnd *end);
/* All that are open. (transfer full) (element-type DcChannel) */
GPtrArray *gst_data_channel_end_copy_channels (GstDataChannelEnd *end);
/* Aborts one of those with @reason (nullable: it has ended by itself), and forgets it. */
void gst_data_channel_end_drop_channel (GstDataChannelEnd *end, DcChannel *channel, const char *reason);
/* One that has ended: the same if it was not taken yet. With a stream that stands still nobody else would, however many come and go. */
void gst_data_channel_end_drop_arrived (GstDataChannelEnd *end, DcChannel *channel);
void gst_data_channel_end_set_flushing (GstDataChannelEnd *end, gboolean flushing);
/* The same, for another reason, which must not end the first one. */
void gst_data_channel_end_set_interrupted (GstDataChannelEnd *end, gboolean interrupted);

/* @channel has opened, and is there for whoever waits. */
void gst_data_channel_end_publish_channel (GstDataChannelEnd *end, DcChannel *channel);

/* Something has happened to a channel: raises `changes`. */
void gst_data_channel_end_note_change (GstDataChannelEnd *end);
guint gst_data_channel_end_get_changes (GstDataChannelEnd *end);
/* Waits while `changes` is @seen, until @deadline (monotonic time, -1: none). DC_ERROR_FLUSHING. */
gboolean gst_data_channel_end_wait_change (GstDataChannelEnd *end, guint seen, gint64 deadline, GError **error);

/* The channel's closing is no fault any more. */
void gst_data_channel_end_set_ending (GstDataChannelEnd *end);
gboolean gst_data_channel_end_is_ending (GstDataChannelEnd *end);
/* Everything is across. */
void gst_data_channel_end_set_delivered (GstDataChannelEnd *end);
gboolean gst_data_channel_end_is_delivered (GstDataChannelEnd *end);

/* Posts @error as the element's, unless one was posted before. */
void gst_data_channel_end_fail (GstDataChannelEnd *end, const GError *error);
/* The same, unless it is DC_ERROR_FLUSHING; the flow that is to be returned. */
GstFlowReturn gst_data_channel_end_fail_flow (GstDataChannelEnd *end, const GError *error);
gboolean gst_data_channel_end_has_failed (GstDataChannelEnd *end);
/* As the property `stats`. (transfer full) (nullable) */
GstStructure *gst_data_channel_end_dup_stats (GstDataChannelEnd *end);
void gst_data_channel_end_set_stats_interval (GstDataChannelEnd *end, guint milliseconds);

/* gstdatachannelmessages.c */
/* Posts an element message. @structure: transfer full */
void gst_data_channel_end_post (GstDataChannelEnd *end, GstStructure *structure);
/* Posts what the peer tells of: as element messages, and as a warning when the server is away. */
void gst_data_channel_end_handle_event (GstDataChannelEnd *end, const GstStructure *event);
void gst_data_channel_end_handle_statistics (GstDataChannelEnd *end, const GstStructure *statistics);

/* Connects @callback (object, ..., end) to a signal of the peer or of a channel: the closure keeps the element, for a handler may still run
 * on another thread when it is disconnected. */
void gst_data_channel_end_connect (GstDataChannelEnd *end, gpointer object, const char *signal, GCallback callback);

G_END_DECLS
