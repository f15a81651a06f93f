/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-soak-data.h: bytes that do not repeat themselves, and the sum by which the other end knows that it has the same. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* {0} at first, but for a @state, which any number will do for. Of one thread. */
typedef struct {
  guint64 state;
  guint64 bytes, sum;
} DcSoakData;

/* The next @size bytes, a multiple of 8, and counted. (transfer full) */
GBytes *dc_soak_data_make (DcSoakData *data, gsize size);
/* Counts what has come. In one piece or another: the sum is of blocks as they were made. */
void dc_soak_data_count (DcSoakData *data, GBytes *bytes);

G_END_DECLS
