/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-bench-say.h: what the programs of the benchmarks need to tell what they measured. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* In JSON's notation, with its quotation marks. */
char *dc_bench_quote (const char *text);
/* A line of /proc/self/status, in KiB: "VmRSS", or "VmHWM" for its peak. Not ru_maxrss, which remembers the program that started us. */
gint64 dc_bench_get_memory (const char *name);

G_END_DECLS
