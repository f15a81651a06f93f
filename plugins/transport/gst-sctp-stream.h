/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-sctp-stream.h: a source pad of sctpdec: the messages of one stream, a bounded queue of them, and a thread. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define DC_TYPE_SCTP_STREAM (gst_dc_sctp_stream_get_type ())
G_DECLARE_FINAL_TYPE (DcSctpStream, gst_dc_sctp_stream, DC, SCTP_STREAM, GstPad)

/* On the pad's thread; not after it was deactivated. */
typedef struct {
  /* After dc_sctp_stream_push() has said FALSE; maybe of another stream with the same @total. */
  void (*room) (gpointer user_data);
  /* All messages were pushed, and the end of the stream. The pad is idle, and to be removed by another thread. */
  void (*ended) (DcSctpStream *self, gpointer user_data);
} DcSctpStreamFuncs;

/* @total: what all streams that have it hold together; 0 at first, lives as long as any of them is active. (transfer floating) */
DcSctpStream *dc_sctp_stream_new (const char *name, guint16 number, GstPadTemplate *template,
    const DcSctpStreamFuncs *funcs, gpointer user_data, gint *total);
guint16 dc_sctp_stream_get_number (DcSctpStream *self);

/* Any thread. None waits. */

/* @message: (transfer full). FALSE: that is enough for now, though this one was taken, too. */
gboolean dc_sctp_stream_push (DcSctpStream *self, GstBuffer *message);
/* Nothing more will come. */
void dc_sctp_stream_end (DcSctpStream *self);
gboolean dc_sctp_stream_is_ending (DcSctpStream *self);
/* TRUE for the one who calls this first, and who is to remove the pad. */
gboolean dc_sctp_stream_claim (DcSctpStream *self);
gboolean dc_sctp_stream_is_claimed (DcSctpStream *self);
/* TRUE: what waits is dropped, and what comes. */
void dc_sctp_stream_flush (DcSctpStream *self, gboolean flushing);

G_END_DECLS
