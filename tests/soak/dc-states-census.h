/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-states-census.h: the threads and descriptors of this process, and whose they are. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Orphans: webrtcbin before 1.24.9 keeps the appsrc of each channel that was closed, with its thread. A thread counts as one only
 * if it has the name of an appsrc that some webrtcbin made and that still lives though its bin is gone. */
typedef struct {
  guint threads; /* but for orphans, idle ones of GLib's pools, and those that there is one of in a process */
  guint orphans;
  guint fds;
} DcStatesCensus;

/* After gst_init(), before the first webrtcbin. Threads that GLib's pools do not need end at once from now on. */
void dc_states_census_init (void);
void dc_states_census_take (DcStatesCensus *census);
/* Waits until there are no more threads and descriptors than in @base. FALSE after @seconds. */
gboolean dc_states_census_settle (const DcStatesCensus *base, guint seconds, DcStatesCensus *census);
/* The names of all threads. (transfer full) */
char *dc_states_census_list_threads (void);

G_END_DECLS
