/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-window.c: how much a receiver should grant, after what is consumed and how long the path is. */

/*
 * Goals: the path is full whatever its length, as long as the application keeps up; when it does not, or the source is
 * slow, little waits between the two programs; one burst of a source that sends in bursts crosses in one go.
 *
 * Rate: what the application consumed in a round (as long as the round trip, and not shorter than acknowledgements are delayed),
 * the greatest of the last eight. The round under way counts as well, as if nothing more came in it: so growth is not
 * a round late. A pause ends a round, and with eight of them what was before is forgotten.
 *
 * Target: GAIN x rate x (round trip + delay of acknowledgements). Twice the product would be enough for a window that is too small to double
 * with each round trip until the rate grows no more. It is four times, because SCTP below must never run dry: usrsctp takes each
 * pause of its sender for idleness, cuts its congestion window to four packets, and needs many round trips to open it again. And 8/7 of
 * that, because senders leave an eighth free for other streams.
 *
 * Round trip: the least of the last minute. If the path is full, four times the product means that three products wait in it, and every
 * PONG waits behind them; with the old measurement forgotten the window would then grow, and so on up to the bound. So
 * when the least is not seen again for a minute, the window is drained to about half of what the path holds (but not below the
 * least window), until a PONG has come through the path so emptied: that is the new measurement. This costs some round
 * trips of throughput each minute. What comes within a quarter of the least (and 2 ms) counts as seen again:
 * sources that do not fill the path are never drained.
 *
 * What streams hold that nobody consumes comes on top, as long as others are consumed: those have the rest for themselves,
 * and fill the path. It is bounded all the same, as no stream takes more than seven times what is left.
 */
#include "plugins/link/dc-window.h"

#define LEAST_BYTES (64 * 1024)
#define LEAST_FRAMES 256
#define GAIN (4.0 * 8 / 7)
#define RTT_AGE (60 * G_TIME_SPAN_SECOND)
#define RTT_SLACK (2 * G_TIME_SPAN_MILLISECOND)
#define DRAIN_PART 8

void
dc_window_init (DcWindow *self, guint32 most_bytes, guint32 most_frames, gint64 now)
{
  self->most_bytes = most_bytes;
  self->most_frames = most_frames;
  self->bytes = self->least_bytes = MIN (LEAST_BYTES, most_bytes);
  self->frames = self->least_frames = MIN (LEAST_FRAMES, most_frames);
  self->round_start = now;
  dc_window_forget_path (self);
}

void
dc_window_forget_path (DcWindow *self)
{
  self->rtt_min = self->drained_at = -1;
  self->draining = FALSE;
}

static DcWindowRate
get_round_rate (const DcWindow *self, gint64 duration)
{
  gdouble seconds = (gdouble) duration / G_TIME_SPAN_SECOND;

  return (DcWindowRate){
      .frames = (self->consumed.frames - self->round_from.frames) / seconds,
      .bytes = (self->consumed.bytes - self->round_from.bytes) / seconds,
  };
}

static gint64
get_round_length (const DcWindow *self)
{
  return MAX (self->rtt_min, DC_WINDOW_CREDIT_DELAY);
}

static void
update_target (DcWindow *self, gint64 now)
{
  DcWindowRate rate = get_round_rate (self, MAX (get_round_length (self), now - self->round_start));
  gdouble length = GAIN * (self->rtt_min + DC_WINDOW_CREDIT_DELAY) / G_TIME_SPAN_SECOND;

  for (guint i = 0; i < MIN (self->n_rounds, DC_WINDOW_ROUNDS); i++) {
    rate.bytes = MAX (rate.bytes, self->rates[i].bytes);
    rate.frames = MAX (rate.frames, self->rates[i].frames);
  }
  self->bytes = CLAMP (rate.bytes * length, self->least_bytes, self->most_bytes);
  self->frames = CLAMP (rate.frames * length, self->least_frames, self->most_frames);
}

void
dc_window_consumed (DcWindow *self, const DcPosition *consumed, gint64 now)
{
  if (now - self->round_start >= get_round_length (self)) {
    /* What is consumed now is the first of the next round. */
    self->rates[self->n_rounds++ % DC_WINDOW_ROUNDS] = get_round_rate (self, now - self->round_start);
    self->round_from = self->consumed;
    self->round_start = now;
  }
  self->consumed = *consumed;
}

void
dc_window_take_rtt (DcWindow *self, gint64 sent, gint64 now)
{
  gint64 rtt = MAX (now - sent, 0);
  gboolean drained = self->drained_at >= 0 && sent >= self->drained_at;
  gboolean old = self->rtt_min >= 0 && now - self->rtt_min_at >= RTT_AGE;

  if (self->rtt_min >= 0 && !drained && rtt > self->rtt_min + self->rtt_min / 4 + RTT_SLACK) {
    self->draining |= old;
    return;
  }

  self->rtt_min = self->rtt_min < 0 || drained ? rtt : MIN (self->rtt_min, rtt);
  self->rtt_min_at = now;
  self->draining = FALSE;
  self->drained_at = -1;
}

/* The part of @target that does not fill the path: the delay of acknowledgements is no part of it. */
static guint64
get_drained (const DcWindow *self, guint32 target)
{
  return target * (gdouble) self->rtt_min / (self->rtt_min + DC_WINDOW_CREDIT_DELAY) / DRAIN_PART;
}

void
dc_window_get_target (DcWindow *self, const DcPosition *granted, gint64 now, DcPosition *target)
{
  /* Without a round trip it stays as it is. */
  if (self->rtt_min >= 0)
    update_target (self, now);
  target->bytes = self->bytes;
  target->frames = self->frames;
  if (self->draining) {
    target->bytes = MAX (get_drained (self, self->bytes), self->least_bytes);
    target->frames = MAX (get_drained (self, self->frames), self->least_frames);
  }
  target->bytes = MIN (target->bytes + self->held.bytes, self->most_bytes);
  target->frames = MIN (target->frames + self->held.frames, self->most_frames);
  if (self->draining && self->drained_at < 0 && granted->bytes <= target->bytes && granted->frames <= target->frames)
    self->drained_at = now;
}

gboolean
dc_window_wants_ping (const DcWindow *self, gint64 last_ping)
{
  return self->drained_at >= 0 && last_ping < self->drained_at;
}
