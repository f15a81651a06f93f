/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-lab.h: two namespaces, the link between them and the commands in them, from beginning to end. */
#pragma once

#include "tests/netem/dc-netem-schedule.h"
#include "tests/netlab/dc-lab-command.h"

G_BEGIN_DECLS

/* Exit statuses of netlab; 128 and a signal's number if one ended it. */
enum {
  DC_LAB_EXIT_DONE = 0,
  DC_LAB_EXIT_FAILED = 1, /* a main command did */
  DC_LAB_EXIT_USAGE = 2,
  DC_LAB_EXIT_UNAVAILABLE = 77,
  DC_LAB_EXIT_TIMEOUT = 124,
};

typedef struct {
  DcNetemSettings settings[2]; /* from a to b, from b to a */
  GPtrArray *events;           /* DcNetemEvent */
  guint64 seed;
  guint mtu;
  gboolean ipv6;
  gint64 timeout;      /* nanoseconds since the main commands began; 0: none */
  GPtrArray *commands; /* DcLabCommand */
} DcLabPlan;

/* Runs all of it in a container. Returns the exit status. */
int dc_lab_run (DcLabPlan *plan);

G_END_DECLS
