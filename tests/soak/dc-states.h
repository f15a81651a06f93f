/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-states.h: set_state(NULL) on both elements under every state and fault, in random order and at random moments. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  guint count;  /* of trials */
  guint32 seed; /* of their order and moments */
  gboolean verbose;
  const char *only; /* (nullable): this state, such as "connecting", each time */
} DcStatesPlan;

typedef struct {
  guint trials;
  guint stops;      /* how often set_state(NULL) was called */
  gint64 max, p99;  /* how long it took, in microseconds that the machine gave to us (dc-test-pulse.h) */
  gint64 missed;    /* what it did not give to us, during all of them */
  char *slowest;    /* (nullable): the state in which `max` was */
  guint threads[2]; /* before and after, without those of webrtcbin's closed channels */
  guint orphans;    /* threads of webrtcbin's closed channels */
  guint fds[2];
} DcStatesResult;

/* After dc_test_init() and gst_init(). The watchdog bounds every step. DC_STATES_ERROR says what did not hold: the first of it. */
gboolean dc_states_run (const DcStatesPlan *plan, DcStatesResult *result, GError **error);
void dc_states_result_clear (DcStatesResult *result);

#define DC_STATES_ERROR (dc_states_error_quark ())
GQuark dc_states_error_quark (void);

G_END_DECLS
