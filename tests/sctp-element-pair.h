/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sctp-element-pair.h: two ends of an association, each a sctpenc and a sctpdec of ours, joined by their pads. */
#pragma once

#include "plugins/transport/gst-sctpdec.h"
#include "plugins/transport/gst-sctpenc.h"

G_BEGIN_DECLS

typedef enum { PAIR_UP, PAIR_DOWN, PAIR_ADDED, PAIR_MESSAGE, PAIR_EOS, PAIR_REMOVED } PairKind;

/* What has happened at an end, in its order for each stream. */
typedef struct {
  PairKind kind;
  guint stream;
  guint32 ppid;
  GBytes *bytes; /* (nullable): a message's */
} PairEvent;

typedef struct {
  GstElement *pipeline;
  GstDcSctpEnc *enc;
  GstDcSctpDec *dec;
  GAsyncQueue *events; /* (element-type PairEvent) */
  GQueue kept;         /* likewise: those that were not waited for yet */
  GMutex lock;
  GCond changed;
  gboolean held;  /* messages are not taken by who is behind the pads */
  gulong blocked; /* the probe that blocks our sctpenc's pad src; 0: none */
} PairEnd;

/* A fixture. */
typedef struct {
  PairEnd ends[2];
} Pair;

/* Two pipelines, linked across; nothing begins yet. */
void pair_set_up (Pair *pair, gconstpointer data);
void pair_tear_down (Pair *pair, gconstpointer data);
#define pair_add(path, test) g_test_add (path, Pair, NULL, pair_set_up, test, pair_tear_down)
/* Until both are up. */
void pair_play (Pair *pair);

/* The next event of one kind. (transfer full) */
PairEvent *pair_wait (PairEnd *end, PairKind kind);
void pair_event_free (PairEvent *event);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PairEvent, pair_event_free)
/* The next message has this text. */
void pair_expect (PairEnd *end, guint stream, guint32 ppid, const char *text);
/* Whoever is behind the pads takes nothing, until it is FALSE. */
void pair_hold (PairEnd *end, gboolean held);
/* No packets leave by the pad. */
void pair_block (PairEnd *end);
void pair_unblock (PairEnd *end);

/* A pad that is linked to sink_@stream, which is requested. (transfer full) */
GstPad *pair_open (PairEnd *end, guint stream);
GstPad *pair_open_with_caps (PairEnd *end, guint stream, const char *caps);
/* Releases what it is linked to. @pad: (transfer full) */
void pair_close (PairEnd *end, GstPad *pad);
/* A message with a meta. */
GstFlowReturn pair_push_with (GstPad *pad, gconstpointer data, gsize size, const DcSctpSendInfo *info);
/* A binary one. */
GstFlowReturn pair_push (GstPad *pad, const char *text);
/* Messages of 64 KiB, past the pads, until SCTP takes no more: the far side's window is closed. Returns: how many it took. */
guint pair_fill (PairEnd *end, guint16 stream);

G_END_DECLS
