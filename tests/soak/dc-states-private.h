/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-states-private.h: a run of dc_states_run(), for the file that brings both elements into a state (dc-states-reach.c). */
#pragma once

#include <gio/gio.h>
#include <gst/gst.h>

#include "tests/harness/dc-test-daemon.h"
#include "tests/soak/dc-states.h"

G_BEGIN_DECLS

enum { SENDER, RECEIVER };

typedef struct {
  DcStatesResult *result;
  GRand *chance;
  DcTestDaemon *daemon;
  gboolean daemon_is_away;
  GArray *times; /* gint64: of each set_state(NULL) */
  gboolean verbose;

  /* of a trial */
  const char *state;
  char *room;
  GstElement *pipelines[2]; /* (nullable) */
  GSubprocess *far;         /* (nullable) */
  GError *fault;            /* (nullable): the first */
} DcStatesRun;

/* The first fault counts. */
void dc_states_fail (DcStatesRun *run, const char *format, ...) G_GNUC_PRINTF (2, 3);
guint dc_states_any_end (DcStatesRun *run);
/* Until some moment. */
void dc_states_wait_at_most (DcStatesRun *run, guint milliseconds);

typedef struct {
  const char *name;
  void (*reach) (DcStatesRun *run);
  guint cards; /* of a pack */
} DcStatesState;

guint dc_states_get_n (void);
const DcStatesState *dc_states_get (guint which);
/* (nullable) */
const DcStatesState *dc_states_find (const char *name);

G_END_DECLS
