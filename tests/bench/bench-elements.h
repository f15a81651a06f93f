/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bench-elements.h: what the two ends of a measurement are asked for, and the life they have in common. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct {
  int length; /* of a record, in bytes */
  gint64 n_records;
  int interval;    /* µs from one record to the next; 0: as fast as they are taken */
  int n_skipped;   /* records at the beginning whose latency is not reported */
  int n_receivers; /* the sender waits for as many, if its element tells of them */
  char *element;   /* in gst-launch-1.0's notation, with "name=element" */
} BenchOptions;

/* What the process has used by now. */
typedef struct {
  gint64 time; /* ns of CLOCK_MONOTONIC, which the processes of a machine share */
  gint64 cpu;  /* µs, user and system, of all threads */
} BenchMoment;

gint64 bench_now (void);
BenchMoment bench_get_moment (void);

/* A pipeline from its start to its report. All but the streaming threads' probes happens on the main thread. */
typedef struct {
  GstElement *pipeline, *element;
  GMainLoop *loop;
  GSource *input;
  BenchMoment playing, ended;
  gboolean is_dismissed; /* standard input has ended: nobody wants more of us */
  gboolean eos;
  GError *error; /* (nullable): of the pipeline */
} BenchEnd;

/* @description: of a pipeline in which one element is called "element". */
gboolean bench_end_init (BenchEnd *self, const char *description, GError **error);
/* Plays, says "ready PORT" (0: the element listens nowhere, or does not tell) and stays until standard input has ended, also through EOS.
 * @needs_eos: waits for EOS then, 3 seconds at most. An error ends it at once. The pipeline goes on: only bench_end_clear() stops it, after the
 * report, since some elements do not come back from that. */
void bench_end_run (BenchEnd *self, gboolean needs_eos);
/* Says "complete", once. From any thread. */
void bench_say_complete (void);
/* Prints a JSON object in one line: what both ends tell and @fields (each with a comma before it). @connected: where set-up ends and
 * work begins; zeros: it never did. Returns the exit status. */
int bench_end_report (BenchEnd *self, const BenchMoment *connected, const char *fields);
void bench_end_clear (BenchEnd *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (BenchEnd, bench_end_clear)

/* The two ends. Both return the exit status; -1 with @error: it could not begin. */
int bench_send (const BenchOptions *options, GError **error);
int bench_receive (const BenchOptions *options, GError **error);

G_END_DECLS
