/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-lab-container.h: a child that takes all its descendants along when it ends, and that ends when we do. */
#pragma once

#include "tests/netlab/dc-lab-error.h"

G_BEGIN_DECLS

/* @parent: readable once the parent is dead. Returns the exit status. */
typedef int (*DcLabContainerFunc) (int parent, gpointer data);

/* Runs @func in a child with signals SIGINT, SIGTERM, SIGHUP and SIGCHLD blocked, hands the first three on to it and waits
 * for it. Its exit status, or -1 with @error. The calling process keeps only what is left of it: it may have another
 * user namespace afterwards. Single-threaded programs only. */
int dc_lab_container_run (DcLabContainerFunc func, gpointer data, GError **error);

G_END_DECLS
