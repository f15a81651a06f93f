/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tape.h: what passes a pad, a line each: for comparing what was sent with what came. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* One line for each buffer and gap, with the sum of its bytes, its times, offsets and flags, and the caps and running time that it had there. */
typedef struct {
  GMutex lock;
  GCond cond;
  GPtrArray *lines;  /* (element-type char) */
  GPtrArray *sums;   /* (element-type char): of the bytes of each buffer alone */
  char *tags[2];     /* the last, by scope */
  guint n_key_units; /* buffers without DELTA_UNIT or HEADER */
  guint n_flushes;
  gint64 last; /* monotonic time of the last buffer */
} Tape;

/* At the pad where a data channel element has its stream. (transfer full) */
Tape *tape_of (GstElement *element);
void tape_free (Tape *tape);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Tape, tape_free)
void tape_wait (Tape *tape, guint n_buffers);

void tape_assert_same (Tape *sent, Tape *received);
void tape_assert_same_lines (GPtrArray *sent, GPtrArray *received);
/* What came late ends as the whole does. */
void tape_assert_tail (Tape *sent, Tape *received, guint at_least);

G_END_DECLS
