/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-soak-sample.h: what this process holds, as a line for the suites that look whether it grows. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Prints "sample NAME fds=N threads=N rss=BYTES heap=BYTES": descriptors, threads, resident memory, and what malloc() has handed out. What malloc() has
 * free goes back to the kernel first, so that the resident memory is of what is used. */
void dc_soak_sample (const char *name);

G_END_DECLS
