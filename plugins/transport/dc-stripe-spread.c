/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-stripe-spread.c: on which lane a piece goes, and how many lanes there are to be.
 *
 * Theory of operation
 * -------------------
 * A piece is put on a lane no sooner than that can send it, more or less: what is behind a lane's congestion window would wait there for what that has lost, and
 * everything else with it, far away.
 *
 * More lanes than one are for paths that lose packets for reasons of their own: there the congestion window of one stays small whatever the path could carry,
 * and each other adds as much. Where packets are lost because the path is full, more lanes only take from others. So more of them are tried
 * only while one is limited by its window, on a path of some length, and has lost something several times within seconds; and are given up for a while, each time a longer one, if they
 * do not carry clearly more than the one did.
 */
#include "plugins/transport/dc-stripe.h"

/* A lane is sent so much beyond its window, to go on with while acknowledgements come. */
#define AHEAD (1024 * 1024)

/* Losses of one cause come together. */
#define SAME_CAUSE_RTTS 4
#define SAME_CAUSE_MIN (150 * G_TIME_SPAN_MILLISECOND)
#define ENOUGH_LOSSES 4u
/* They are seen within about this, or forgotten. */
#define LONGEST_STEP (8 * G_TIME_SPAN_SECOND)
/* What more lanes bring is measured for so long, */
#define MEASURE (2 * G_TIME_SPAN_SECOND)
#define MEASURE_RTTS 20
/* and must be so many times what one did. */
#define WORTH 1.4
#define FIRST_STEP 4u
#define PATIENCE (4 * G_TIME_SPAN_SECOND)
#define MAX_PATIENCE (10 * G_TIME_SPAN_MINUTE)

/* --- choosing --- */

guint32
dc_stripe_get_limit (const DcStripeLane *lane)
{
  return MIN (lane->window, G_MAXUINT32 - AHEAD) + MIN (lane->window, AHEAD);
}

guint32
dc_stripe_get_low (const DcStripeLane *lane)
{
  return lane->window + (dc_stripe_get_limit (lane) - lane->window) / 2;
}

gint
dc_stripe_choose (const DcStripeLane *lanes, guint n)
{
  guint32 most = 0;
  gint best = -1;

  for (guint i = 0; i < n; i++) {
    guint32 limit = dc_stripe_get_limit (&lanes[i]);

    if (lanes[i].up && lanes[i].buffered < limit && limit - lanes[i].buffered > most) {
      most = limit - lanes[i].buffered;
      best = (gint) i;
    }
  }
  return best;
}

/* --- growing --- */

void
dc_stripe_growth_init (DcStripeGrowth *self, guint max, gboolean fixed)
{
  *self = (DcStripeGrowth){.max = max, .fixed = fixed, .lanes = fixed ? max : 1, .patience = PATIENCE};
}

static void
begin_step (DcStripeGrowth *self, const DcStripeSample *sample)
{
  self->measuring = TRUE;
  self->from = *sample;
  self->n_samples = self->n_full = self->n_losses = 0;
  self->lost = sample->lost;
  self->lost_at = 0;
}

static void
count (DcStripeGrowth *self, const DcStripeSample *sample)
{
  gint64 apart = MAX (SAME_CAUSE_RTTS * sample->rtt, SAME_CAUSE_MIN);

  self->n_samples++;
  self->n_full += sample->is_full ? 1 : 0;
  if (sample->lost == self->lost)
    return;
  self->lost = sample->lost;
  if (self->n_losses > 0 && sample->time - self->lost_at < apart)
    return;
  self->n_losses++;
  self->lost_at = sample->time;
  /* What went before was the window being found out, which takes some. */
  if (self->lanes == 1 && self->n_losses < ENOUGH_LOSSES)
    self->from = *sample;
}

static gdouble
rate_of (const DcStripeGrowth *self, const DcStripeSample *sample)
{
  return (gdouble) (sample->delivered - self->from.delivered) / (gdouble) MAX (sample->time - self->from.time, 1);
}

static void
try_more (DcStripeGrowth *self, const DcStripeSample *sample)
{
  gboolean is_limited = self->n_full * 2 >= self->n_samples && sample->rtt >= DC_STRIPE_MIN_RTT;

  if (self->n_losses >= ENOUGH_LOSSES && is_limited && sample->time >= self->not_before) {
    self->alone = rate_of (self, sample);
    self->lanes = MIN (self->max, FIRST_STEP);
    begin_step (self, sample);
  } else if (sample->time - self->from.time > LONGEST_STEP) {
    begin_step (self, sample);
  }
}

/* Of several lanes, while there was enough to send on them. */
static void
judge (DcStripeGrowth *self, const DcStripeSample *sample)
{
  if (sample->time - self->from.time < MAX (MEASURE, MEASURE_RTTS * sample->rtt))
    return;
  if (self->n_full * 2 >= self->n_samples) {
    if (rate_of (self, sample) >= WORTH * self->alone) {
      self->lanes = self->max;
    } else {
      self->lanes = 1;
      self->not_before = sample->time + self->patience;
      self->patience = MIN (self->patience * 2, MAX_PATIENCE);
    }
  }
  begin_step (self, sample);
}

guint
dc_stripe_growth_update (DcStripeGrowth *self, const DcStripeSample *sample)
{
  if (self->fixed || self->max < 2)
    return self->lanes;
  if (!self->measuring)
    begin_step (self, sample);
  count (self, sample);
  if (self->lanes == 1)
    try_more (self, sample);
  else
    judge (self, sample);
  return self->lanes;
}
