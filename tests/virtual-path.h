/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtual-path.h: packets of SCTP between two ends, on a path that is long, loses, or has a queue; in virtual time.
 *
 * Packets are events in a list by time. usrsctp reads the clock by gettimeofday () and we by g_get_monotonic_time (), which are those of this file in a program that
 * links it, and its timers get their ticks from here. So a minute takes a second, and is the same on any machine, but for the numbers that usrsctp draws.
 *
 * All on one thread. */
#pragma once

#include "plugins/transport/dc-sctp-association.h"

G_BEGIN_DECLS

#define MS 1000 /* in the microseconds of all times here */

typedef struct {
  gint64 delay;  /* one way */
  gint64 jitter; /* added to it, up to this, changing slowly */
  gdouble loss;
  gdouble rate; /* bytes a microsecond; 0: any */
  gsize queue;  /* bytes that wait for that, the rest is lost */
} PathKind;

typedef struct _VirtualPath VirtualPath;
typedef void (*VirtualPathInput) (guint to, const DcPacket *packets, guint n, gpointer user_data);

/* An association's callbacks have this as their user_data; virtual_path_callbacks() are all but that for messages. */
typedef struct {
  VirtualPath *path;
  guint i;
  DcSctpState state;
} VirtualEnd;

struct _VirtualPath {
  PathKind kind; /* may be changed */
  gint cut_port; /* likewise: what goes there is lost; 0: none */
  guint n_sent;  /* packets, by either end */
  VirtualEnd ends[2];
  gboolean writable; /* either end has said so */

  VirtualPathInput input;
  gpointer user_data;
  GThread *thread; /* that all happens on */
  GRand *random;
  GSequence *packets;
  gint64 free_at[2]; /* when what an end has in the queue will have left */
  gint64 next_tick;
};

gint64 virtual_path_now (void);

/* dc_sctp_stack_stop_clock() comes before. At first the path is only as long as @kind. @input takes what arrives. */
void virtual_path_begin (
    VirtualPath *self, const PathKind *kind, guint32 seed, VirtualPathInput input, gpointer user_data);
void virtual_path_end (VirtualPath *self);
/* All but message(). */
DcSctpCallbacks virtual_path_callbacks (void);
gboolean virtual_path_is_up (const VirtualPath *self);
/* Until it is; then it becomes @kind. */
void virtual_path_come_up (VirtualPath *self, const PathKind *kind);

/* To when the next thing happens, which is packets that arrive, or a tick. */
void virtual_path_step (VirtualPath *self);
void virtual_path_run_until (VirtualPath *self, gint64 time);
/* Time passes, and nothing happens meanwhile. */
void virtual_path_skip (gint64 time);
gboolean virtual_path_is_empty (VirtualPath *self);
/* No time passes: the first that are due, at one end. */
void virtual_path_give (VirtualPath *self);
/* What is under way does not arrive. */
void virtual_path_drop (VirtualPath *self);

G_END_DECLS
