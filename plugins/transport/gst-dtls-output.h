/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-dtls-output.h: application data on its way out of dtlsdec, by its pad or past it, and EOS behind all of it. */
#pragma once

#include <gst/gst.h>

#include "plugins/transport/dc-packet.h"
#include "plugins/transport/gst-calls.h"

G_BEGIN_DECLS

/* Its fields belong to the functions below. */
typedef struct {
  GstElement *element; /* whose it is */
  GMutex events_lock;  /* of being the first at the pad; taken before `lock', if both are */
  GMutex lock;         /* of what follows; nothing is called with it */
  GstPad *pad;         /* (nullable) */
  DcPacketFunc divert; /* (nullable) */
  gpointer divert_data;
  GstDcCalls calls; /* of divert */
  GCond called;
  GQueue late; /* (element-type GstBuffer) */
  gsize late_size;
  gboolean late_wanted; /* a thread is on its way */
  guint busy;
  gboolean is_over, said_eos;
} GstDcDtlsOutput;

void gst_dc_dtls_output_init (GstDcDtlsOutput *self, GstElement *element);
void gst_dc_dtls_output_clear (GstDcDtlsOutput *self);

/* Any thread. */

/* @pad gets no reference. FALSE: there is one already. */
gboolean gst_dc_dtls_output_set_pad (GstDcDtlsOutput *self, GstPad *pad);
void gst_dc_dtls_output_forget_pad (GstDcDtlsOutput *self, GstPad *pad);
/* Packets go to @func, up to DC_PACKETS_MAX, in place of the pad; NULL: to the pad again. Waits until the @func of before is not called any more: not to be
 * called within it. */
void gst_dc_dtls_output_divert (GstDcDtlsOutput *self, DcPacketFunc func, gpointer user_data);

/* After an end, there is going to be data again. */
void gst_dc_dtls_output_begin (GstDcDtlsOutput *self);
/* Nothing more comes: EOS is pushed behind what there is, by another thread. */
void gst_dc_dtls_output_end (GstDcDtlsOutput *self);

/* Around having data in hand, until it was given. */
void gst_dc_dtls_output_enter (GstDcDtlsOutput *self);
void gst_dc_dtls_output_leave (GstDcDtlsOutput *self);
/* @buffers: (element-type GstBuffer): is empty afterwards. */
GstFlowReturn gst_dc_dtls_output_give (GstDcDtlsOutput *self, GPtrArray *buffers);
/* Those of a size: to @func at once, or else into @buffers. */
void gst_dc_dtls_output_give_packets (GstDcDtlsOutput *self, DcPacket *packets, guint n, GPtrArray *buffers);
/* They are copied, and given by another thread; too many are dropped. */
void gst_dc_dtls_output_give_late (GstDcDtlsOutput *self, const DcPacket *packets, guint n);

G_END_DECLS
