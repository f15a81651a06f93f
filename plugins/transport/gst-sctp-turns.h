/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-sctp-turns.h: messages of many streams that wait for room in one association, in their order. */
#pragma once

#include <gst/gst.h>

#include "plugins/transport/dc-sctp-lanes.h"

G_BEGIN_DECLS

/* One stream, of who sends on it, one message at a time. Its fields belong to the functions below. */
typedef struct {
  guint16 stream;
  gboolean flushing; /* nobody waits, and nothing is taken */
  gboolean closing;  /* nobody waits, and all is taken */
  gboolean bereft;   /* likewise: the message that was waited for goes on without its sender */
  gboolean drained;  /* nothing more comes */
  guint64 bytes_sent;
  GCond changed;
} GstDcSctpGate;

/* Any thread. Nothing waits but gst_dc_sctp_turns_send(). */
typedef struct {
  GMutex lock;           /* of all fields, and of the gates; nothing is called with it */
  GQueue queue;          /* (element-type GstDcSctpTurn) */
  gboolean sending;      /* the first is being given to SCTP */
  gboolean blocked;      /* SCTP has no room for it */
  guint room_generation; /* there was room once more */
  gboolean stopped;
  gboolean over;         /* the association is: no stream is reset any more */
  gboolean wanted;       /* somebody was told that a message waits on its stream */
  GHashTable *resetting; /* (element-type guint16): streams that are being reset */
  GCond reset_done;      /* one of them was; or who waits is to look again */
} GstDcSctpTurns;

/* Stopped. */
void gst_dc_sctp_turns_init (GstDcSctpTurns *self);
void gst_dc_sctp_turns_clear (GstDcSctpTurns *self);
void gst_dc_sctp_gate_init (GstDcSctpGate *gate, guint16 stream);
void gst_dc_sctp_gate_clear (GstDcSctpGate *gate);

/* Nobody waits any more, and what was left to be sent is dropped, until it begins anew. */
void gst_dc_sctp_turns_stop (GstDcSctpTurns *self);
void gst_dc_sctp_turns_begin (GstDcSctpTurns *self);
/* Who waits at @gate returns, and who comes, until it is FALSE. */
void gst_dc_sctp_turns_flush (GstDcSctpTurns *self, GstDcSctpGate *gate, gboolean flushing);
/* From now on, senders at @gate do not wait until their messages were sent. */
void gst_dc_sctp_turns_begin_close (GstDcSctpTurns *self, GstDcSctpGate *gate);
/* Waits until gst_dc_sctp_turns_drained(), but not for long. */
void gst_dc_sctp_turns_wait_drained (GstDcSctpTurns *self, GstDcSctpGate *gate);
void gst_dc_sctp_turns_drained (GstDcSctpTurns *self, GstDcSctpGate *gate);
/* Nothing more is taken at @gate, and its stream is reset when all that was taken has been sent. @lanes: (nullable) */
void gst_dc_sctp_turns_close (GstDcSctpTurns *self, GstDcSctpGate *gate, DcSctpLanes *lanes);

/* Waits until it is @gate's turn, and there is room for @buffer (transfer full), unless it is closing. FALSE: flushed. */
gboolean gst_dc_sctp_turns_send (GstDcSctpTurns *self, GstDcSctpGate *gate, DcSctpLanes *lanes,
    const DcSctpSendInfo *info, GstBuffer *buffer, DcSctpSent *sent);
/* Whether a message waits on @stream, which others must not overtake: gst_dc_sctp_turns_is_wanted() will say when to look again. */
gboolean gst_dc_sctp_turns_has (GstDcSctpTurns *self, guint16 stream);
/* Whether somebody is to look again; says so once. To be asked after each message. */
gboolean gst_dc_sctp_turns_is_wanted (GstDcSctpTurns *self);
guint64 gst_dc_sctp_turns_get_bytes_sent (GstDcSctpTurns *self, GstDcSctpGate *gate);

/* What the association says. */
void gst_dc_sctp_turns_writable (GstDcSctpTurns *self, DcSctpLanes *lanes);
void gst_dc_sctp_turns_was_reset (GstDcSctpTurns *self, guint16 stream);
void gst_dc_sctp_turns_over (GstDcSctpTurns *self);

G_END_DECLS
