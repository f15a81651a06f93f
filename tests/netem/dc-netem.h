/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-netem.h: one direction of an emulated link: delay, loss, rate and the other misfortunes of a packet; sans-IO. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* All times are nanoseconds of one clock that never goes back, chosen by the caller: the real one, or a virtual one. */
#define DC_NETEM_MS (G_GINT64_CONSTANT (1000000))
#define DC_NETEM_S (1000 * DC_NETEM_MS)

/* What queue and flight hold together at the most; more is dropped as overflow. */
#define DC_NETEM_MAX_BYTES (64 * 1024 * 1024)

typedef struct {
  gint64 delay;      /* one way */
  gint64 jitter;     /* uniform in delay +- jitter; keeps the order */
  double loss;       /* part of the packets, 0 to 1 */
  double burst;      /* mean length of a loss in packets (Gilbert); 0: each packet on its own */
  double duplicate;  /* part of the packets */
  double reorder;    /* part of the packets that is held back, so that those behind overtake */
  gint64 reorder_by; /* for how long they are held back */
  guint64 rate;      /* bits a second, headers of IP included; 0: unlimited */
  gint64 queue;      /* what may wait for the rate, as a time */
  gsize queue_bytes; /* the same in bytes; 0: @queue counts */
  gboolean blackhole;
} DcNetemSettings;

/* A perfect link, and the queue (100 ms) and hold (5 ms) that rate and reorder use where nothing is said of them. */
#define DC_NETEM_SETTINGS_INIT                                                                                         \
  {                                                                                                                    \
    .queue = 100 * DC_NETEM_MS, .reorder_by = 5 * DC_NETEM_MS                                                          \
  }

typedef struct {
  guint64 packets_in, bytes_in;
  guint64 packets_out, bytes_out;
  guint64 lost, blackholed, overflowed; /* packets */
  guint64 duplicated;                   /* packets */
  guint64 reordered;                    /* packets that came out after one that went in later */
  gsize max_queue_bytes;                /* most that waited for the rate */
} DcNetemStats;

/* For one thread. */
typedef struct _DcNetem DcNetem;

DcNetem *dc_netem_new (guint64 seed, const DcNetemSettings *settings);
void dc_netem_free (DcNetem *netem);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcNetem, dc_netem_free)

/* What is under way keeps its time of arrival; a new delay is a new path, on which packets may overtake it. */
void dc_netem_set (DcNetem *netem, const DcNetemSettings *settings, gint64 now);
const DcNetemSettings *dc_netem_get (DcNetem *netem);
void dc_netem_push (DcNetem *netem, GBytes *packet, gint64 now);
/* The next packet that has arrived by @now, or NULL. (transfer full) */
GBytes *dc_netem_pop (DcNetem *netem, gint64 now);
/* When dc_netem_pop() is worth a call again; G_MAXINT64: not before a push. */
gint64 dc_netem_get_deadline (DcNetem *netem);
const DcNetemStats *dc_netem_get_stats (DcNetem *netem);

G_END_DECLS
