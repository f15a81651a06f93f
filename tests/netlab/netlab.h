/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* netlab.h: the subcommands of netlab. */
#pragma once

#include "tests/netlab/dc-lab.h"

G_BEGIN_DECLS

/* Prints "netlab: " and the sentence. Returns the exit status. */
int netlab_report_usage (const char *sentence);
/* A plan from the options of `netlab @name`, with nothing to run in it but what --a, --b, --daemon-a and --daemon-b say. NULL:
 * *@status is the exit status; --help was asked for, or something is wrong. */
DcLabPlan *netlab_plan_new (const char *name, int argc, char **argv, int *status);
void netlab_plan_free (DcLabPlan *plan);
void netlab_plan_add (DcLabPlan *plan, DcLabRole role, guint side, const char *line);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcLabPlan, netlab_plan_free)

/* Each takes its own name as argv[0] and returns the exit status. */
int netlab_run (int argc, char **argv);
int netlab_shell (int argc, char **argv);
int netlab_join (int argc, char **argv);
int netlab_speed (int argc, char **argv);
/* The two programs that `netlab speed` runs in its lab. */
int netlab_speed_server (int argc, char **argv);
int netlab_speed_client (int argc, char **argv);

G_END_DECLS
