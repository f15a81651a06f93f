/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-sctp-output.h: packets of an association on their way out of sctpenc, by its pad or past it. */
#pragma once

#include <gst/gst.h>

#include "plugins/transport/dc-packet.h"
#include "plugins/transport/gst-calls.h"

G_BEGIN_DECLS

/* Sees what leaves. Any thread; each may be NULL. */
typedef struct {
  /* @packet is about to leave. TRUE: left() is wanted. */
  gboolean (*leaving) (const guint8 *packet, gsize size, gpointer user_data);
  /* What was wanted to be told has been given to what is below. */
  void (*left) (gpointer user_data);
  /* SCTP has taken a message that came by the pad of its stream. */
  void (*taken) (guint16 stream, guint32 ppid, gpointer user_data);
} GstDcSctpOutTaps;

typedef struct {
  GstPad *pad;
  GMutex lock; /* of what follows; nothing is called with it */
  GCond changed;
  GQueue packets; /* (element-type GstBuffer): for the pad */
  gboolean running;
  gboolean pushing;   /* a packet */
  gboolean begun;     /* of the pad's thread: the pad has had the events that come first */
  GstFlowReturn flow; /* that the pad has said last, if it says so for good */
  DcPacketFunc divert;
  gpointer divert_data;
  GstDcSctpOutTaps taps;
  gpointer taps_data;
  GstDcCalls calls; /* of divert and taps */
  GMutex diverting; /* held in divert: lanes come at once, and DTLS numbers what leaves */
  gint port;        /* atomic: which packets go to, that taps see; 0: all */
} GstDcSctpOutput;

void gst_dc_sctp_output_init (GstDcSctpOutput *self, GstPad *pad);
void gst_dc_sctp_output_clear (GstDcSctpOutput *self);

void gst_dc_sctp_output_begin (GstDcSctpOutput *self);
/* Of the pad, when it is active; @user_data: the output. It pauses itself after the end. */
void gst_dc_sctp_output_task (gpointer user_data);
/* Waits for what is there to leave, but not for long; nothing more does. */
void gst_dc_sctp_output_end (GstDcSctpOutput *self);
/* TRUE: what waits is dropped, and what comes. FALSE: as if nothing had happened. */
void gst_dc_sctp_output_flush (GstDcSctpOutput *self, gboolean flushing);
GstFlowReturn gst_dc_sctp_output_get_flow (GstDcSctpOutput *self);

/* Only what goes to @port is for the taps. */
void gst_dc_sctp_output_set_port (GstDcSctpOutput *self, guint16 port);
/* The callback of associations, and so one at a time of each. Does not wait for the pad. */
void gst_dc_sctp_output_put (GstDcSctpOutput *self, DcPacket *packets, guint n);

/* Both wait until what was set before is not called any more: not to be called within. @func: (nullable): gets packets as DcSctpAssociation puts them out, on any
 * thread, one call at a time. */
void gst_dc_sctp_output_divert (GstDcSctpOutput *self, DcPacketFunc func, gpointer user_data);
void gst_dc_sctp_output_set_taps (GstDcSctpOutput *self, const GstDcSctpOutTaps *taps, gpointer user_data);
/* To the tap. */
void gst_dc_sctp_output_tell_taken (GstDcSctpOutput *self, guint16 stream, guint32 ppid);

G_END_DECLS
