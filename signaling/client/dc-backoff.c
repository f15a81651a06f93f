/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-backoff.c: how long to wait before the next attempt. */
#include "signaling/client/dc-backoff.h"

/**
 * dc_backoff_init:
 * @backoff: what to set up
 * @base_ms: the longest first wait, in milliseconds
 * @cap_ms: no wait is longer than this
 */
void
dc_backoff_init (DcBackoff *backoff, guint base_ms, guint cap_ms)
{
  backoff->base_ms = base_ms;
  backoff->cap_ms = cap_ms;
  backoff->attempt = 0;
}

/**
 * dc_backoff_reset:
 * @backoff: the backoff
 *
 * Begins again with short waits, after something worked.
 */
void
dc_backoff_reset (DcBackoff *backoff)
{
  backoff->attempt = 0;
}

/**
 * dc_backoff_get_limit:
 * @backoff: the backoff
 *
 * Returns: the upper end of the range of the next wait, in milliseconds
 */
guint
dc_backoff_get_limit (const DcBackoff *backoff)
{
  /* 31 doublings of any base are beyond every cap; more would shift bits out. */
  guint64 limit = (guint64) backoff->base_ms << MIN (backoff->attempt, 31);

  return (guint) MIN (limit, backoff->cap_ms);
}

/**
 * dc_backoff_next:
 * @backoff: the backoff
 * @random: 32 random bits
 *
 * Returns: how long to wait, in milliseconds; the next answer comes from a range twice as long, up to the cap
 */
guint
dc_backoff_next (DcBackoff *backoff, guint32 random)
{
  guint64 range = (guint64) dc_backoff_get_limit (backoff) + 1;

  if (backoff->attempt < G_MAXUINT)
    backoff->attempt++;
  /* Scaled by multiplication: unlike a remainder it does not favour the small values. */
  return (guint) (((guint64) random * range) >> 32);
}
