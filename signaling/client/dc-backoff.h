/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-backoff.h: how long to wait before the next attempt: exponential, full jitter; sans-IO. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define DC_BACKOFF_BASE_MS 250
#define DC_BACKOFF_CAP_MS 10000

/* Full jitter: the n-th wait is uniform in [0, min (cap, base * 2^n)]. After a restart of the server its many
 * clients then come back spread over the time instead of all at once. */
typedef struct {
  guint base_ms;
  guint cap_ms;
  guint attempt; /* waits given since the last reset */
} DcBackoff;

void dc_backoff_init (DcBackoff *backoff, guint base_ms, guint cap_ms);
void dc_backoff_reset (DcBackoff *backoff);
/* The longest that dc_backoff_next() may answer now. */
guint dc_backoff_get_limit (const DcBackoff *backoff);
/* @random: any 32 unpredictable bits. */
guint dc_backoff_next (DcBackoff *backoff, guint32 random);

G_END_DECLS
