/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelcommon.h: what datachannelsink and datachannelsrc share: their properties, and one peer with its one channel. */
#pragma once

#include <gst/gst.h>
#include "plugins/peer/dc-peer.h"

G_BEGIN_DECLS

typedef struct {
  char *signaling;
  char *room;
  char *peer_id;
  char *remote_peer;
  char *label;
  char *stun_server;
  GStrv turn_servers;
  char *tls_ca;
  DcRole role;
  DcIcePolicy ice_transport_policy;
  DcMode mode;
  guint connect_timeout;
  gboolean polling;
} GstDataChannelSettings;

/*
 * An element's end of the connection. It lies inside the element and is made and freed with it.
 *
 * Threads: start and stop are for the state change; get_channel for the streaming thread; set_flushing and fail for any.
 * `lock` guards what is below it and is never held while calling the peer, the channel or the element.
 */
typedef struct {
  GstElement *element; /* which holds us */
  DcWants wants;
  GstDataChannelSettings settings; /* the element's object lock */

  GMutex lock;
  GCond cond;         /* `flushing` or whatever the element says changed */
  DcPeer *peer;       /* from start to stop */
  DcChannel *channel; /* from the first get_channel on */
  gboolean flushing;
  gboolean ending;       /* our side has said its last: the far side may leave */
  gboolean delivered;    /* both sides know that everything is across */
  gboolean failed;       /* an element error is being posted; one says it all */
  gboolean told;         /* it was posted */
  gboolean warned_about; /* the signaling server's absence */
} GstDataChannelEnd;

void gst_data_channel_end_init (GstDataChannelEnd *end, GstElement *element, DcWants wants);
void gst_data_channel_end_clear (GstDataChannelEnd *end);

/* Ids 1 and up are taken. */
void gst_data_channel_install_properties (GObjectClass *klass);
void gst_data_channel_end_set_property (GstDataChannelEnd *end, guint id, const GValue *value, GParamSpec *pspec);
void gst_data_channel_end_get_property (GstDataChannelEnd *end, guint id, GValue *value, GParamSpec *pspec);

/* Does not wait for a connection. On FALSE an element error was posted. */
gboolean gst_data_channel_end_start (GstDataChannelEnd *end);
/* @reason: what the far side is told if not everything is across. */
void gst_data_channel_end_stop (GstDataChannelEnd *end, const char *reason);

/* Blocks until the channel is open, DC_ERROR_FLUSHING or another error. (transfer full) */
DcChannel *gst_data_channel_end_get_channel (GstDataChannelEnd *end, GError **error);
void gst_data_channel_end_set_flushing (GstDataChannelEnd *end, gboolean flushing);

/* The channel's closing is no fault any more. */
void gst_data_channel_end_set_ending (GstDataChannelEnd *end);
gboolean gst_data_channel_end_is_ending (GstDataChannelEnd *end);
/* Everything is across. */
void gst_data_channel_end_set_delivered (GstDataChannelEnd *end);
gboolean gst_data_channel_end_is_delivered (GstDataChannelEnd *end);

/* Posts @error as the element's, unless one was posted before. */
void gst_data_channel_end_fail (GstDataChannelEnd *end, const GError *error);

DcMode gst_data_channel_end_get_mode (GstDataChannelEnd *end);

G_END_DECLS
