/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-netem.c: one direction of an emulated link. */

/*
 * The way of a packet, each step of which may end it:
 *
 *   push -> fate -> blackhole -> loss -> (duplicate) -> queue -> rate -> flight -> pop
 *
 * Fate: all dice of a packet are cast when it goes in, always the same number of them. So the same seed and the same
 * input give the same output, and one option does not change what another one hits. The generator is splitmix64: small,
 * and good enough for every p that an experiment can tell apart.
 *
 * Loss: without @burst each packet on its own; with it Gilbert's chain of two states, good (nothing is lost) and bad
 * (everything is). It leaves bad with 1 / burst and good with loss / (burst * (1 - loss)), so that the mean length of a
 * loss is @burst and the part lost is @loss.
 *
 * Queue and rate: a packet occupies the line for its bits / rate, one after the other; what waits is bounded and
 * the tail is dropped, as in most routers. An empty queue takes any packet.
 *
 * Flight: a heap by time of arrival. Jitter does not reorder: no packet arrives before its predecessor (floor), as on a
 * real path, where jitter is queues. Packets chosen by @reorder do not hold the floor up; those behind overtake them.
 * A change of @delay resets the floor: it is a change of route, on which the first packets come before the last of the
 * old one.
 */
#include "tests/netem/dc-netem.h"

typedef struct {
  GBytes *bytes;
  guint64 serial; /* in the order of entry; a duplicate has its original's */
  gint64 jitter;  /* its own, added to the delay */
  gint64 due;     /* in flight */
  gboolean held;  /* is overtaken */
} Packet;

struct _DcNetem {
  DcNetemSettings settings;
  DcNetemStats stats;
  guint64 random;
  gboolean bad; /* Gilbert's state */
  guint64 next_serial;
  guint64 seen_serial; /* highest + 1 that came out */

  GQueue queue; /* Packet *; the head is on the line */
  gsize queue_bytes;
  gint64 head_done; /* when the head leaves the line, if there is one */

  GPtrArray *flight; /* Packet *, binary heap */
  gsize flight_bytes;
  gint64 floor;
};

static void
packet_free (Packet *packet)
{
  g_bytes_unref (packet->bytes);
  g_free (packet);
}

/**
 * dc_netem_new:
 * @seed: of all chance
 * @settings: to begin with
 *
 * Returns: (transfer full): a link in one direction with nothing on it
 */
DcNetem *
dc_netem_new (guint64 seed, const DcNetemSettings *settings)
{
  DcNetem *self = g_new0 (DcNetem, 1);

  self->settings = *settings;
  self->random = seed;
  g_queue_init (&self->queue);
  self->flight = g_ptr_array_new ();
  self->floor = G_MININT64;
  return self;
}

/**
 * dc_netem_free:
 * @self: a link, with whatever is on it
 */
void
dc_netem_free (DcNetem *self)
{
  g_queue_clear_full (&self->queue, (GDestroyNotify) packet_free);
  g_ptr_array_foreach (self->flight, (GFunc) (void (*) (void)) packet_free, NULL);
  g_ptr_array_unref (self->flight);
  g_free (self);
}

/* ---- Chance ---- */

/* Uniform in [0, 1). */
static double
cast (DcNetem *self)
{
  guint64 z = self->random += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

  z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  z ^= z >> 31;
  return (double) (z >> 11) / (double) (G_GUINT64_CONSTANT (1) << 53);
}

static gboolean
is_lost (DcNetem *self, double dice)
{
  const DcNetemSettings *s = &self->settings;

  if (s->burst <= 0 || s->loss <= 0 || s->loss >= 1) {
    self->bad = FALSE;
    return dice < s->loss;
  }
  double change = self->bad ? 1 / s->burst : s->loss / (s->burst * (1 - s->loss));
  if (dice < change)
    self->bad = !self->bad;
  return self->bad;
}

/* ---- Flight ---- */

/* Arrives before: by time, and at the same time in the order of entry. */
static gboolean
is_before (const Packet *a, const Packet *b)
{
  return a->due != b->due ? a->due < b->due : a->serial < b->serial;
}

static Packet **
heap_at (DcNetem *self, guint i)
{
  return (Packet **) &g_ptr_array_index (self->flight, i);
}

static void
heap_swap (DcNetem *self, guint i, guint j)
{
  Packet *packet = *heap_at (self, i);

  *heap_at (self, i) = *heap_at (self, j);
  *heap_at (self, j) = packet;
}

static void
heap_insert (DcNetem *self, Packet *packet)
{
  guint i = self->flight->len;

  g_ptr_array_add (self->flight, packet);
  for (; i > 0 && is_before (*heap_at (self, i), *heap_at (self, (i - 1) / 2)); i = (i - 1) / 2)
    heap_swap (self, i, (i - 1) / 2);
}

static Packet *
heap_steal_first (DcNetem *self)
{
  Packet *first = g_ptr_array_remove_index_fast (self->flight, 0);

  for (guint i = 0, child; (child = 2 * i + 1) < self->flight->len; i = child) {
    if (child + 1 < self->flight->len && is_before (*heap_at (self, child + 1), *heap_at (self, child)))
      child++;
    if (!is_before (*heap_at (self, child), *heap_at (self, i)))
      break;
    heap_swap (self, i, child);
  }
  return first;
}

static gint64
get_travel_time (DcNetem *self, const Packet *packet)
{
  return MAX (self->settings.delay + packet->jitter, 0);
}

/* @packet: (transfer full): left the line at @at */
static void
depart (DcNetem *self, Packet *packet, gint64 at)
{
  packet->due = MAX (at + get_travel_time (self, packet), self->floor);
  if (packet->held)
    packet->due += self->settings.reorder_by;
  else
    self->floor = packet->due;
  self->flight_bytes += g_bytes_get_size (packet->bytes);
  heap_insert (self, packet);
}

/* ---- Queue ---- */

static gint64
get_line_time (DcNetem *self, const Packet *packet)
{
  if (self->settings.rate == 0)
    return 0;
  return (gint64) ((double) g_bytes_get_size (packet->bytes) * 8 * DC_NETEM_S / (double) self->settings.rate);
}

static gsize
get_queue_limit (DcNetem *self)
{
  const DcNetemSettings *s = &self->settings;

  return s->queue_bytes > 0 ? s->queue_bytes : (gsize) ((double) s->queue / DC_NETEM_S * (double) s->rate / 8);
}

/* Lets go what has left the line by @now. */
static void
advance (DcNetem *self, gint64 now)
{
  while (self->queue.length > 0 && self->head_done <= now) {
    Packet *packet = g_queue_pop_head (&self->queue);

    self->queue_bytes -= g_bytes_get_size (packet->bytes);
    depart (self, packet, self->head_done);
    if (self->queue.length > 0)
      self->head_done += get_line_time (self, g_queue_peek_head (&self->queue));
  }
}

/* @packet: (transfer full) */
static void
enqueue (DcNetem *self, Packet *packet, gint64 now)
{
  gsize size = g_bytes_get_size (packet->bytes);
  gboolean full = self->queue.length > 0 && self->queue_bytes + size > get_queue_limit (self);

  if (full || self->queue_bytes + self->flight_bytes + size > DC_NETEM_MAX_BYTES) {
    self->stats.overflowed++;
    packet_free (packet);
    return;
  }
  if (self->settings.rate == 0) {
    depart (self, packet, now);
    return;
  }
  if (self->queue.length == 0)
    self->head_done = now + get_line_time (self, packet);
  g_queue_push_tail (&self->queue, packet);
  self->queue_bytes += size;
  self->stats.max_queue_bytes = MAX (self->stats.max_queue_bytes, self->queue_bytes);
}

/* ---- In and out ---- */

/**
 * dc_netem_set:
 * @self: a link
 * @settings: from now on
 * @now: the time
 */
void
dc_netem_set (DcNetem *self, const DcNetemSettings *settings, gint64 now)
{
  advance (self, now);
  if (settings->delay != self->settings.delay)
    self->floor = G_MININT64;
  self->settings = *settings;
  /* Unlimited now: what waited leaves at once, save the head, which leaves when it has left the line. */
  if (settings->rate == 0)
    advance (self, MAX (now, self->head_done));
}

const DcNetemSettings *
dc_netem_get (DcNetem *self)
{
  return &self->settings;
}

/**
 * dc_netem_push:
 * @self: a link
 * @packet: (transfer none): what goes in
 * @now: the time
 */
void
dc_netem_push (DcNetem *self, GBytes *packet, gint64 now)
{
  const DcNetemSettings *s = &self->settings;
  double loss = cast (self), duplicate = cast (self), reorder = cast (self), jitter = cast (self);
  Packet fate = {.bytes = packet,
      .serial = self->next_serial++,
      .held = reorder < s->reorder,
      .jitter = (gint64) ((2 * jitter - 1) * (double) s->jitter)};
  /* Before the blackhole, so that it changes no other packet's fate. */
  gboolean lost = is_lost (self, loss);

  advance (self, now);
  self->stats.packets_in++;
  self->stats.bytes_in += g_bytes_get_size (packet);
  if (s->blackhole) {
    self->stats.blackholed++;
    return;
  }
  if (lost) {
    self->stats.lost++;
    return;
  }
  guint copies = 1;
  if (duplicate < s->duplicate) {
    self->stats.duplicated++;
    copies = 2;
  }
  for (guint i = 0; i < copies; i++) {
    g_bytes_ref (packet);
    enqueue (self, g_memdup2 (&fate, sizeof fate), now);
  }
}

/**
 * dc_netem_pop:
 * @self: a link
 * @now: the time
 *
 * Returns: (transfer full) (nullable): the next packet that has arrived
 */
GBytes *
dc_netem_pop (DcNetem *self, gint64 now)
{
  advance (self, now);
  if (self->flight->len == 0 || (*heap_at (self, 0))->due > now)
    return NULL;

  g_autofree Packet *packet = heap_steal_first (self);
  gsize size = g_bytes_get_size (packet->bytes);
  self->flight_bytes -= size;
  self->stats.packets_out++;
  self->stats.bytes_out += size;
  if (packet->serial + 1 < self->seen_serial)
    self->stats.reordered++;
  self->seen_serial = MAX (self->seen_serial, packet->serial + 1);
  return packet->bytes;
}

/**
 * dc_netem_get_deadline:
 * @self: a link
 *
 * Returns: when to call dc_netem_pop() again, or G_MAXINT64
 */
gint64
dc_netem_get_deadline (DcNetem *self)
{
  gint64 deadline = self->flight->len > 0 ? (*heap_at (self, 0))->due : G_MAXINT64;
  const Packet *head = g_queue_peek_head (&self->queue);

  /* Nothing in the queue arrives before the head does, unless the head is the one that is overtaken. */
  if (head)
    deadline = MIN (deadline, self->head_done + (head->held ? 0 : get_travel_time (self, head)));
  return deadline;
}

const DcNetemStats *
dc_netem_get_stats (DcNetem *self)
{
  return &self->stats;
}
