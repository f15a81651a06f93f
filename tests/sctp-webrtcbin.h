/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sctp-webrtcbin.h: webrtcbins as they are, for tests of what is put under them. */
#pragma once

#include <gst/gst.h>

#include <gst/webrtc/webrtc.h>

G_BEGIN_DECLS

typedef enum { WB_CHANNEL, WB_OPEN, WB_TEXT, WB_DATA, WB_CLOSED } WbKind;

typedef struct {
  WbKind kind;
  GstWebRTCDataChannel *channel;
  gsize size;
  char *bytes; /* (nullable): of an empty message; ends in a zero that does not count */
} WbEvent;

/* For one thread. */
typedef struct {
  GstElement *pipeline, *bin;
  GAsyncQueue *events; /* (element-type WbEvent) */
  GPtrArray *channels; /* (element-type GstWebRTCDataChannel): all there were */
  GPtrArray *elements; /* (element-type GstElement): sctpenc and sctpdec */
  GMutex lock;         /* of the arrays */
  void (*candidate) (guint mline, const char *line, gpointer user_data); /* any thread */
  gpointer candidate_data;
  void (*pump) (gpointer user_data); /* (nullable): called while one waits */
  gpointer pump_data;
} WbSide;

/* @loopback: nobody outside of this machine is to be reached. */
WbSide *wb_side_new (gboolean loopback);
/* Returns when nothing of it is left. */
void wb_side_free (WbSide *side);
/* Before an offer, one at least. @options: (nullable): as of a GstStructure's fields; the channel is the side's. */
GstWebRTCDataChannel *wb_side_add (WbSide *side, const char *label, const char *options);
/* It is the side's no more. */
void wb_side_forget (WbSide *side, GstWebRTCDataChannel *channel);
/* Once the two are connected; until it is open here. */
GstWebRTCDataChannel *wb_side_open (WbSide *side, const char *label, const char *options);

/* It is set here. @type: "offer" or "answer". (transfer full): SDP */
char *wb_side_describe (WbSide *side, const char *type);
void wb_side_take (WbSide *side, const char *type, const char *sdp);
/* Two of this process. */
void wb_connect (WbSide *caller, WbSide *called);

/* The next event of the kind of @channel (nullable), of those not returned; others before it are dropped. Runs the main context. */
WbEvent *wb_wait (WbSide *side, WbKind kind, GstWebRTCDataChannel *channel);
void wb_event_free (WbEvent *event);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WbEvent, wb_event_free)
/* Likewise. (transfer none) */
GstWebRTCDataChannel *wb_wait_channel (WbSide *side);
void wb_wait_open (WbSide *side, GstWebRTCDataChannel *channel);
void wb_wait_closed (WbSide *side, GstWebRTCDataChannel *channel);
void wb_expect_text (WbSide *side, GstWebRTCDataChannel *channel, const char *text);
/* @bytes: (nullable): an empty one */
void wb_expect_data (WbSide *side, GstWebRTCDataChannel *channel, gconstpointer bytes, gsize size);

void wb_send_data (GstWebRTCDataChannel *channel, gconstpointer bytes, gsize size);

G_END_DECLS
