/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-lanes-spread.c: messages to the far side, whole on the main lane or in pieces on as many as are worth it. */
#include <string.h>

#include "plugins/transport/dc-ppid.h"
#include "plugins/transport/dc-sctp-lanes-private.h"

#define LANE_WINDOW (DC_SCTP_LANE_BUFFER / 4)
/* How often the need for lanes is looked at; microseconds. */
#define LOOK_EVERY 20000

/* --- spreading: of who has set busy --- */

typedef struct {
  DcStripeLane lanes[DC_STRIPE_LANES];
  guint n;
  DcStripeSample sample;
} Look;

static guint
count_lanes (DcSctpLanes *self)
{
  return MIN (self->growth.lanes, (guint) g_atomic_int_get (&self->usable));
}

/* Congestion windows and what is under way, of all lanes that are up. */
static void
look (DcSctpLanes *self, Look *all)
{
  *all = (Look){.n = count_lanes (self), .sample = {.time = g_get_monotonic_time ()}};
  for (guint i = 0; i < DC_SCTP_LANES_MAX; i++) {
    DcSctpAssociation *association = g_atomic_pointer_get (&self->lanes[i].association);
    DcStripeLane *lane = &all->lanes[i];
    DcSctpStats stats;

    if (association == NULL)
      continue;
    dc_sctp_association_get_stats (association, &stats);
    *lane = (DcStripeLane){
        .up = dc_sctp_association_get_state (association) == DC_SCTP_UP,
        .buffered = stats.buffered,
        .window = self->spreading ? MIN (stats.congestion_window, LANE_WINDOW) : stats.congestion_window,
    };
    all->sample.is_full |= lane->up && i < MAX (all->n, 1) && lane->buffered >= lane->window;
    all->sample.rtt = MAX (all->sample.rtt, (gint64) stats.rtt * 1000);
    all->sample.lost += stats.packets_retransmitted;
    all->sample.delivered += stats.bytes_sent - MIN (stats.buffered, stats.bytes_sent);
  }
  self->looked = all->sample.time;
}

/* Makes the lanes that are wanted. */
static void
grow (DcSctpLanes *self, const Look *all)
{
  guint n = MIN (dc_stripe_growth_update (&self->growth, &all->sample), (guint) g_atomic_int_get (&self->usable));
  gint before = g_atomic_int_get (&self->in_use), after;

  for (guint i = 1; i < n; i++) {
    dc_sctp_lanes_ensure (self, i);
    self->spreading |= all->lanes[i].up;
  }
  after = self->spreading ? (gint) n : 1;
  g_atomic_int_set (&self->in_use, after);
  if (after != before && self->callbacks.spread != NULL)
    self->callbacks.spread ((guint) after, self->user_data);
}

static void
ask_for_room (DcSctpLanes *self, const Look *all, guint n)
{
  for (guint i = 0; i < n; i++)
    if (all->lanes[i].up)
      dc_sctp_association_want_room (self->lanes[i].association, dc_stripe_get_low (&all->lanes[i]));
}

/* @header: filled in but for the sequence, which is counted. */
static DcSctpSent
send_piece (DcSctpLanes *self, guint lane, DcStripeHeader *header, const guint8 *data, gsize size)
{
  guint8 piece[DC_STRIPE_HEADER + DC_STRIPE_PIECE];
  DcSctpSendInfo info = {.stream = lane == 0 ? header->stream : 0, .ppid = DC_STRIPE_PPID};
  DcSctpSent sent;

  header->sequence = self->sequence;
  dc_stripe_write_header (piece, header);
  memcpy (piece + DC_STRIPE_HEADER, data, size);
  sent = dc_sctp_association_send (self->lanes[lane].association, &info, piece, DC_STRIPE_HEADER + size);
  self->sequence += sent == DC_SCTP_SENT;
  return sent;
}

/* On lane @best, or else where it is taken. */
static gboolean
send_piece_anywhere (DcSctpLanes *self, Look *all, guint best, DcStripeHeader *header, const guint8 *data, gsize size)
{
  /* The very first piece stays on the main lane, behind what is there. */
  guint n = self->begun ? MAX (all->n, 1) : 1;

  for (guint i = 0; i < n; i++) {
    guint lane = (best + i) % n;

    if (!all->lanes[lane].up || send_piece (self, lane, header, data, size) != DC_SCTP_SENT)
      continue;
    all->lanes[lane].buffered += (guint32) size;
    self->begun = TRUE;
    return TRUE;
  }
  return FALSE;
}

/* There is room for a piece; so the message is taken whole, and what goes beyond waits in buffers, which are much larger. */
static DcSctpSent
spread (DcSctpLanes *self, Look *all, const DcSctpSendInfo *info, const guint8 *data, gsize size)
{
  DcStripeHeader header = {.stream = info->stream, .ppid = info->ppid};

  for (gsize at = 0; at < size; at += DC_STRIPE_PIECE) {
    gsize n = MIN (size - at, DC_STRIPE_PIECE);
    gint best = dc_stripe_choose (all->lanes, all->n);

    header.is_last = at + n == size;
    if (send_piece_anywhere (self, all, (guint) MAX (best, 0), &header, data + at, n))
      continue;
    if (at == 0 && dc_sctp_association_get_state (self->lanes[0].association) == DC_SCTP_UP)
      return DC_SCTP_WOULD_BLOCK;
    dc_sctp_lanes_fail (self, "a piece of a message finds no room");
    return DC_SCTP_CLOSED;
  }
  return DC_SCTP_SENT;
}

static DcSctpSent
send_whole (DcSctpLanes *self, const DcSctpSendInfo *info, gconstpointer data, gsize size)
{
  self->allowance -= MIN (self->allowance, size);
  return dc_sctp_association_send (self->lanes[0].association, info, data, size);
}

/* On a short path, where one lane is all that there will be, SCTP's own buffer is the limit. */
static gboolean
is_short (DcSctpLanes *self, const Look *all)
{
  return !self->spreading && !self->growth.fixed && all->sample.rtt < DC_STRIPE_MIN_RTT;
}

static DcSctpSent
send_striped (DcSctpLanes *self, const DcSctpSendInfo *info, gconstpointer data, gsize size)
{
  guint n;
  Look all;

  if (self->allowance >= size && !self->spreading && g_get_monotonic_time () - self->looked < LOOK_EVERY)
    return send_whole (self, info, data, size);
  look (self, &all);
  grow (self, &all);
  self->allowance = is_short (self, &all) ? G_MAXSIZE : 0;
  if (self->allowance > 0 || !all.lanes[0].up)
    return send_whole (self, info, data, size);
  n = self->begun ? MAX (all.n, 1) : 1;
  if (dc_stripe_choose (all.lanes, n) < 0) {
    ask_for_room (self, &all, n);
    return DC_SCTP_WOULD_BLOCK;
  }
  if (self->spreading)
    return spread (self, &all, info, data, size);
  self->allowance = dc_stripe_get_limit (&all.lanes[0]) - all.lanes[0].buffered;
  return send_whole (self, info, data, size);
}

/* --- sending --- */

void
dc_sctp_lanes_stripe (DcSctpLanes *self, guint16 stream, guint n, gboolean fixed)
{
  n = MIN (n, DC_SCTP_LANES_MAX);
  if (n < 2)
    return;
  g_mutex_lock (&self->lock);
  g_hash_table_add (self->streams, GUINT_TO_POINTER (stream));
  if (self->growth.max < n && !self->busy)
    dc_stripe_growth_init (&self->growth, n, fixed);
  g_mutex_unlock (&self->lock);
  g_atomic_int_set (&self->striping, TRUE);
}

guint
dc_sctp_lanes_get_n (DcSctpLanes *self)
{
  return (guint) g_atomic_int_get (&self->in_use);
}

static gboolean
may_be_striped (const DcSctpSendInfo *info)
{
  return !info->unordered && info->reliability == DC_SCTP_RELIABLE && dc_ppid_is_message (info->ppid);
}

typedef enum { ENTERED, IS_BUSY, IS_PLAIN, IS_ENDING } Entered;

static Entered
enter (DcSctpLanes *self, const DcSctpSendInfo *info)
{
  Entered entered = IS_PLAIN;

  g_mutex_lock (&self->lock);
  if (g_queue_find (&self->ending, GUINT_TO_POINTER (info->stream)) != NULL) {
    entered = IS_ENDING;
  } else if (!self->failed && g_hash_table_contains (self->streams, GUINT_TO_POINTER (info->stream))) {
    entered = self->busy ? IS_BUSY : ENTERED;
    self->told_busy |= self->busy;
    self->busy = TRUE;
  }
  g_mutex_unlock (&self->lock);
  return entered;
}

/* Returns: whether it is ended; if not, there will be room. */
static gboolean
end_stream (DcSctpLanes *self, guint16 stream)
{
  DcStripeHeader header = {.stream = stream, .is_last = TRUE};

  if (self->begun && send_piece (self, 0, &header, (const guint8 *) "", 0) == DC_SCTP_WOULD_BLOCK)
    return FALSE;
  dc_sctp_association_reset_stream (self->lanes[0].association, stream);
  return TRUE;
}

/* Of who has set busy. Lets go of the lock meanwhile. */
static void
end_streams_locked (DcSctpLanes *self)
{
  gboolean ended = TRUE;

  while (ended && !g_queue_is_empty (&self->ending)) {
    guint16 stream = (guint16) GPOINTER_TO_UINT (g_queue_peek_head (&self->ending));

    g_mutex_unlock (&self->lock);
    ended = end_stream (self, stream);
    g_mutex_lock (&self->lock);
    if (ended)
      g_queue_pop_head (&self->ending);
  }
}

static void
leave (DcSctpLanes *self)
{
  gboolean tell;

  g_mutex_lock (&self->lock);
  end_streams_locked (self);
  self->busy = FALSE;
  tell = self->told_busy;
  self->told_busy = FALSE;
  g_mutex_unlock (&self->lock);
  if (tell)
    dc_sctp_lanes_tell_room (self);
}

void
dc_sctp_lanes_tell_room (DcSctpLanes *self)
{
  gboolean was_busy, ends;

  g_mutex_lock (&self->lock);
  was_busy = self->busy;
  ends = !was_busy && !g_queue_is_empty (&self->ending);
  self->told_busy |= was_busy;
  self->busy |= ends;
  g_mutex_unlock (&self->lock);
  if (ends)
    leave (self);
  if (!was_busy)
    self->callbacks.writable (self->user_data);
}

DcSctpSent
dc_sctp_lanes_send (DcSctpLanes *self, const DcSctpSendInfo *info, gconstpointer data, gsize size)
{
  Entered entered = g_atomic_int_get (&self->striping) && may_be_striped (info) ? enter (self, info) : IS_PLAIN;
  DcSctpSent sent;

  if (entered == IS_BUSY)
    return DC_SCTP_WOULD_BLOCK;
  if (entered == IS_ENDING)
    return DC_SCTP_CLOSED;
  if (entered == IS_PLAIN)
    return dc_sctp_association_send (self->lanes[0].association, info, data, size);
  sent = send_striped (self, info, data, size);
  leave (self);
  return sent;
}

void
dc_sctp_lanes_reset_stream (DcSctpLanes *self, guint16 stream)
{
  gboolean striped, enter;

  g_mutex_lock (&self->lock);
  striped = g_hash_table_remove (self->streams, GUINT_TO_POINTER (stream));
  enter = striped && !self->busy;
  self->busy |= enter;
  if (striped)
    g_queue_push_tail (&self->ending, GUINT_TO_POINTER (stream));
  g_mutex_unlock (&self->lock);
  if (enter)
    leave (self);
  else if (!striped)
    dc_sctp_association_reset_stream (self->lanes[0].association, stream);
}
