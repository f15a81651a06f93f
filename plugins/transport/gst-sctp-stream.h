/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-sctp-stream.h: a source pad of sctpdec: the messages of one stream, a bounded queue of them, and a thread. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_DC_SCTP_STREAM (gst_dc_sctp_stream_get_type ())
G_DECLARE_FINAL_TYPE (GstDcSctpStream, gst_dc_sctp_stream, GST_DC, SCTP_STREAM, GstPad)

/* On the pad's thread; not after it was deactivated. */
typedef struct {
  /* After gst_dc_sctp_stream_push() has said FALSE; maybe of another stream with the same @total. */
  void (*room) (gpointer user_data);
  /* All messages were pushed, and the end of the stream. The pad is idle, and to be removed by another thread. */
  void (*ended) (GstDcSctpStream *self, gpointer user_data);
} GstDcSctpStreamFuncs;

/* @total: what all streams that have it hold together; 0 at first, lives as long as any of them is active. (transfer floating) */
GstDcSctpStream *gst_dc_sctp_stream_new (const char *name, guint16 number, GstPadTemplate *template,
    const GstDcSctpStreamFuncs *funcs, gpointer user_data, gint *total);
guint16 gst_dc_sctp_stream_get_number (GstDcSctpStream *self);

/* Any thread. None waits. */

/* @message: (transfer full). FALSE: that is enough for now, though this one was taken, too. */
gboolean gst_dc_sctp_stream_push (GstDcSctpStream *self, GstBuffer *message);
/* Nothing more will come. */
void gst_dc_sctp_stream_end (GstDcSctpStream *self);
gboolean gst_dc_sctp_stream_is_ending (GstDcSctpStream *self);
/* TRUE for the one who calls this first, and who is to remove the pad. */
gboolean gst_dc_sctp_stream_claim (GstDcSctpStream *self);
gboolean gst_dc_sctp_stream_is_claimed (GstDcSctpStream *self);
/* TRUE: what waits is dropped, and what comes. */
void gst_dc_sctp_stream_flush (GstDcSctpStream *self, gboolean flushing);

G_END_DECLS
