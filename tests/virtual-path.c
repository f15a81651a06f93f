/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtual-path.c: packets of SCTP between two ends, on a path that is long, loses, or has a queue; in virtual time. */
#include "tests/virtual-path.h"

#include <math.h>
#include <string.h>
#include <sys/time.h>

#include "plugins/transport/dc-sctp-stack.h"

#define TICK 1000

typedef struct {
  gint64 due;
  guint to;
  gsize size;
  guint8 data[];
} Packet;

static gint64 now = G_GINT64_CONSTANT (1700000000) * G_USEC_PER_SEC;

/* In the place of libc's. */
int
gettimeofday (struct timeval *restrict time, void *restrict zone)
{
  time->tv_sec = now / G_USEC_PER_SEC;
  time->tv_usec = now % G_USEC_PER_SEC;
  return 0;
}

/* In the place of GLib's. */
gint64
g_get_monotonic_time (void)
{
  return now;
}

gint64
virtual_path_now (void)
{
  return now;
}

/* --- On its way ------------------------------------------------------------------------------------------------------------------ */

static gint
by_time (gconstpointer a, gconstpointer b, gpointer data)
{
  const Packet *first = a, *second = b;

  return first->due < second->due ? -1 : first->due > second->due;
}

/* Returns: when the last bit of it has left; -1: it finds no place in the queue. */
static gint64
queue_packet (VirtualPath *self, guint from, gsize size)
{
  gint64 begin = MAX (now, self->free_at[from]);

  if (self->kind.rate <= 0)
    return now;
  if ((gdouble) (begin - now) * self->kind.rate > (gdouble) self->kind.queue)
    return -1;
  self->free_at[from] = begin + (gint64) ((gdouble) (size + 65) / self->kind.rate);
  return self->free_at[from];
}

static gint64
delay_now (const PathKind *kind)
{
  return kind->delay
         + (gint64) ((gdouble) kind->jitter * (0.5 + 0.5 * sin ((gdouble) (now % (G_USEC_PER_SEC * 100)) / 300e3)));
}

static gboolean
is_cut (const VirtualPath *self, const DcPacket *packet)
{
  return self->cut_port != 0 && (packet->data[2] << 8 | packet->data[3]) == self->cut_port;
}

static void
put (VirtualPath *self, guint from, const DcPacket *packet)
{
  gint64 left = queue_packet (self, from, packet->size);
  Packet *copy;

  if (left < 0 || is_cut (self, packet) || g_rand_double (self->random) < self->kind.loss)
    return;
  copy = g_malloc (sizeof *copy + packet->size);
  copy->due = left + delay_now (&self->kind);
  copy->to = 1 - from;
  copy->size = packet->size;
  memcpy (copy->data, packet->data, packet->size);
  g_sequence_insert_sorted (self->packets, copy, by_time, NULL);
}

/* --- The ends -------------------------------------------------------------------------------------------------------------------- */

static void
output_cb (DcPacket *packets, guint n, gpointer user_data)
{
  VirtualEnd *end = user_data;

  g_assert_true (g_thread_self () == end->path->thread);
  end->path->n_sent += n;
  for (guint i = 0; i < n; i++)
    put (end->path, end->i, &packets[i]);
}

static void
reset_cb (guint16 stream, gpointer user_data)
{
}

static void
state_cb (DcSctpState state, gpointer user_data)
{
  VirtualEnd *end = user_data;

  end->state = state;
}

static void
writable_cb (gpointer user_data)
{
  VirtualEnd *end = user_data;

  end->path->writable = TRUE;
}

DcSctpCallbacks
virtual_path_callbacks (void)
{
  return (DcSctpCallbacks){
      .output = output_cb, .reset = reset_cb, .was_reset = reset_cb, .state = state_cb, .writable = writable_cb};
}

gboolean
virtual_path_is_up (const VirtualPath *self)
{
  return self->ends[0].state == DC_SCTP_UP && self->ends[1].state == DC_SCTP_UP;
}

void
virtual_path_come_up (VirtualPath *self, const PathKind *kind)
{
  while (!virtual_path_is_up (self))
    virtual_path_step (self);
  self->kind = *kind;
}

/* --- Arriving -------------------------------------------------------------------------------------------------------------------- */

/* (nullable) */
static Packet *
get_first (VirtualPath *self)
{
  GSequenceIter *first = g_sequence_get_begin_iter (self->packets);

  return g_sequence_iter_is_end (first) ? NULL : g_sequence_get (first);
}

/* All that are due at one end, and no others between them. */
static void
give_to (VirtualPath *self, guint to)
{
  Packet *packets[DC_PACKETS_MAX];
  DcPacket given[DC_PACKETS_MAX];
  guint n = 0;

  while (
      n < DC_PACKETS_MAX && (packets[n] = get_first (self)) != NULL && packets[n]->due <= now && packets[n]->to == to) {
    given[n] = (DcPacket){packets[n]->data, packets[n]->size};
    g_sequence_remove (g_sequence_get_begin_iter (self->packets));
    n++;
  }
  self->input (to, given, n, self->user_data);
  for (guint i = 0; i < n; i++)
    g_free (packets[i]);
}

void
virtual_path_give (VirtualPath *self)
{
  give_to (self, get_first (self)->to);
}

void
virtual_path_step (VirtualPath *self)
{
  Packet *first = get_first (self);

  if (first != NULL && first->due <= self->next_tick) {
    now = MAX (now, first->due);
    give_to (self, first->to);
  } else {
    now = self->next_tick;
    self->next_tick += TICK;
    dc_sctp_stack_advance (TICK / MS);
  }
}

void
virtual_path_run_until (VirtualPath *self, gint64 time)
{
  for (;;) {
    Packet *first = get_first (self);

    if (MIN (self->next_tick, first != NULL ? first->due : self->next_tick) > time)
      break;
    virtual_path_step (self);
  }
  now = MAX (now, time);
}

void
virtual_path_skip (gint64 time)
{
  now += time;
}

gboolean
virtual_path_is_empty (VirtualPath *self)
{
  return g_sequence_is_empty (self->packets);
}

void
virtual_path_drop (VirtualPath *self)
{
  g_sequence_foreach (self->packets, (GFunc) g_free, NULL);
  g_sequence_remove_range (g_sequence_get_begin_iter (self->packets), g_sequence_get_end_iter (self->packets));
}

/* --- Life ------------------------------------------------------------------------------------------------------------------------ */

void
virtual_path_begin (VirtualPath *self, const PathKind *kind, guint32 seed, VirtualPathInput input, gpointer user_data)
{
  *self = (VirtualPath){.kind.delay = kind->delay, .input = input, .user_data = user_data, .next_tick = now + TICK};
  for (guint i = 0; i < 2; i++)
    self->ends[i] = (VirtualEnd){.path = self, .i = i};
  self->thread = g_thread_self ();
  self->random = g_rand_new_with_seed (seed);
  self->packets = g_sequence_new (NULL);
}

void
virtual_path_end (VirtualPath *self)
{
  virtual_path_drop (self);
  g_sequence_free (self->packets);
  g_rand_free (self->random);
}
