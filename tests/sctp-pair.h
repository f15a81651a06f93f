/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sctp-pair.h: two associations with a wire of memory between them, which delays, loses, reorders and repeats packets as told. */
#pragma once

#include "plugins/transport/dc-sctp-lanes.h"

G_BEGIN_DECLS

typedef struct _SctpEnd SctpEnd;
typedef struct _SctpPair SctpPair;

/* Of one direction. */
typedef struct {
  gint64 delay; /* microseconds */
  gdouble loss, reordering, repetition;
  gsize room; /* bytes that may be under way, as in the buffer of a socket; 0: any */
} SctpWire;

typedef struct {
  guint16 stream;
  guint32 ppid;
  gboolean unordered;
  GBytes *bytes;
} SctpMessage;

typedef struct {
  guint packets; /* that have left */
  guint largest, largest_batch;
  guint messages; /* that came */
  guint64 bytes;
  guint writable;
} SctpFigures;

struct _SctpEnd {
  SctpPair *pair;
  SctpEnd *far;
  DcSctpAssociation *association;
  DcSctpLanes *lanes; /* (nullable): whose main one that is */
  GThread *thread;    /* gives to our association what has come */

  GMutex lock; /* of what follows */
  GCond changed;
  SctpWire wire;    /* from us */
  gboolean cut;     /* nothing leaves */
  gboolean held;    /* what is under way to us stays there */
  GQueue under_way; /* to us, by time */
  gsize bytes_under_way;
  gboolean stopping;
  gboolean hurried; /* nobody waits for room */
  SctpFigures figures;
  DcSctpState state;
  GQueue messages;             /* (element-type SctpMessage): not yet taken */
  gint accepting;              /* messages that are taken before the callback says FALSE; -1: any number */
  GArray *resets, *were_reset; /* (element-type guint16) */
  gboolean keep;               /* messages */
  GFunc received;              /* (nullable): in the place of keeping them, with @message and the end */
  GFunc told;                  /* (nullable): before a state is taken, with it and the end */
};

struct _SctpPair {
  SctpEnd ends[2];
  GRand *random; /* under the lock of ends[0] */
};

/* Not connected yet. @first, @second: (nullable): their settings */
SctpPair *sctp_pair_new (const DcSctpSettings *first, const DcSctpSettings *second, guint32 seed);
DcSctpLanes *sctp_end_make_lanes (SctpEnd *self); /* before it is connected */
void sctp_pair_connect (SctpPair *pair);
void sctp_pair_set_wire (SctpPair *pair, const SctpWire *wire); /* both directions */
void sctp_end_hold (SctpEnd *self, gboolean held);              /* what is under way to @self */
void sctp_pair_free (SctpPair *pair);

SctpFigures sctp_end_get_figures (SctpEnd *end);
void sctp_end_wait_state (SctpEnd *end, DcSctpState state);
void sctp_end_wait_packets (SctpEnd *end, guint n); /* that have left */
void sctp_end_wait_writable (SctpEnd *end, guint n);
void sctp_end_wait_messages (SctpEnd *end, guint n); /* all that came since the beginning */
void sctp_end_wait_reset (SctpEnd *end, guint n);
void sctp_end_wait_was_reset (SctpEnd *end, guint n);
SctpMessage *sctp_end_take (SctpEnd *end); /* the next one */
void sctp_message_free (SctpMessage *message);
void sctp_end_cut (SctpEnd *end, gboolean cut);
void sctp_end_accept (SctpEnd *end, gint n); /* and resumes */
void sctp_end_stop (SctpEnd *end);           /* its thread */
void sctp_end_drop_association (SctpEnd *end);

/* Waits for room. DC_SCTP_WOULD_BLOCK: the end is hurried. @association: the end's, of which the caller may have a reference. */
DcSctpSent sctp_end_send_wait (
    SctpEnd *end, DcSctpAssociation *association, const DcSctpSendInfo *info, gconstpointer data, gsize size);
void sctp_end_hurry (SctpEnd *end);
/* Waits for room; on a reliable, ordered stream. */
void sctp_end_send (SctpEnd *end, guint16 stream, gconstpointer data, gsize size);
/* Bytes that a number, and their place, make; and whether these are the next ones that have come. */
void sctp_end_send_pattern (SctpEnd *end, guint16 stream, guint number, gsize size);
void sctp_end_take_pattern (SctpEnd *end, guint16 stream, guint number, gsize size);
guint8 *sctp_pattern (guint number, gsize size);

G_END_DECLS
