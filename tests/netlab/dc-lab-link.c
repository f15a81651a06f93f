/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-lab-link.c: the wire between two sides. */
#include "tests/netlab/dc-lab-link.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define MAX_PACKET 65536
/* From one device before the other gets its turn. */
#define BATCH 64

gint64
dc_lab_now (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (gint64) now.tv_sec * DC_NETEM_S + now.tv_nsec;
}

static gboolean
apply_settings (const DcNetemEvent *event, DcNetemSettings *settings, GError **error)
{
  return (!(event->directions & DC_NETEM_AB) || dc_netem_settings_parse (&settings[0], event->settings, error))
         && (!(event->directions & DC_NETEM_BA) || dc_netem_settings_parse (&settings[1], event->settings, error));
}

/* Better now than in the middle. */
static gboolean
rehearse (GPtrArray *events, const DcNetemSettings *settings, GError **error)
{
  DcNetemSettings both[2] = {settings[0], settings[1]};

  for (guint i = 0; i < events->len; i++) {
    const DcNetemEvent *event = g_ptr_array_index (events, i);
    if (event->settings && !apply_settings (event, both, error))
      return FALSE;
  }
  return TRUE;
}

/**
 * dc_lab_link_init:
 * @self: (out): the link
 * @sides: (array fixed-size=2): what it joins; they live longer
 * @seed: of all chance
 * @settings: (array fixed-size=2): from a to b, from b to a
 * @events: (nullable): the schedule
 * @error: G_OPTION_ERROR_BAD_VALUE
 *
 * Returns: whether the schedule makes sense
 */
gboolean
dc_lab_link_init (
    DcLabLink *self, DcLabSide *sides, guint64 seed, const DcNetemSettings *settings, GPtrArray *events, GError **error)
{
  *self = (DcLabLink){.sides = sides, .start = G_MAXINT64};
  if (events && !rehearse (events, settings, error))
    return FALSE;
  self->events = events ? g_ptr_array_ref (events) : g_ptr_array_new ();
  for (guint i = 0; i < 2; i++)
    /* Two seeds far apart, so that the directions have nothing in common. */
    self->netem[i] = dc_netem_new (seed ^ (i * G_GUINT64_CONSTANT (0xd1b54a32d192ed03)), &settings[i]);
  return TRUE;
}

void
dc_lab_link_clear (DcLabLink *self)
{
  for (guint i = 0; i < 2; i++)
    g_clear_pointer (&self->netem[i], dc_netem_free);
  g_clear_pointer (&self->events, g_ptr_array_unref);
}

/* ---- Schedule ---- */

void
dc_lab_link_start_schedule (DcLabLink *self, gint64 now)
{
  self->start = now;
}

static const DcNetemEvent *
get_next_event (DcLabLink *self)
{
  gboolean any = self->start != G_MAXINT64 && self->next_event < self->events->len;

  return any ? g_ptr_array_index (self->events, self->next_event) : NULL;
}

static gboolean
do_event (DcLabLink *self, const DcNetemEvent *event, gint64 now, GError **error)
{
  DcNetemSettings settings[2] = {*dc_netem_get (self->netem[0]), *dc_netem_get (self->netem[1])};

  if (event->address)
    return dc_lab_side_set_address (&self->sides[event->side - 'a'], event->address, error);
  if (!apply_settings (event, settings, error))
    return FALSE;
  for (guint i = 0; i < 2; i++)
    dc_netem_set (self->netem[i], &settings[i], now);
  return TRUE;
}

static void
report_event (const DcNetemEvent *event, gint64 time)
{
  static const char *const names[] = {"", "ab ", "ba ", ""};

  printf ("%7.3f netlab: ", (double) time / DC_NETEM_S);
  if (event->address)
    printf ("address %c %s\n", event->side, event->address);
  else
    printf ("%s%s\n", names[event->directions], event->settings);
  fflush (stdout);
}

static void
run_schedule (DcLabLink *self, gint64 now)
{
  const DcNetemEvent *event;

  while ((event = get_next_event (self)) && self->start + event->at <= now) {
    g_autoptr (GError) error = NULL;
    self->next_event++;
    report_event (event, now - self->start);
    if (!do_event (self, event, now, &error))
      g_printerr ("netlab: %s\n", error->message);
  }
}

/* ---- Packets ---- */

static void
take_in (DcLabLink *self, guint direction, gint64 now)
{
  static guint8 buffer[MAX_PACKET];
  gssize size;

  for (guint i = 0; i < BATCH && (size = read (self->sides[direction].tun, buffer, sizeof buffer)) > 0; i++) {
    g_autoptr (GBytes) packet = g_bytes_new (buffer, (gsize) size);
    dc_netem_push (self->netem[direction], packet, now);
  }
}

static void
hand_out (DcLabLink *self, guint direction, gint64 now)
{
  for (GBytes *packet; (packet = dc_netem_pop (self->netem[direction], now)); g_bytes_unref (packet)) {
    gsize size;
    gconstpointer data = g_bytes_get_data (packet, &size);
    /* A device that is down, or has no buffer, loses packets as a cable does. */
    if (write (self->sides[!direction].tun, data, size) < 0)
      self->refused[direction]++;
  }
}

void
dc_lab_link_run (DcLabLink *self, gint64 now)
{
  run_schedule (self, now);
  for (guint i = 0; i < 2; i++) {
    take_in (self, i, now);
    hand_out (self, i, now);
  }
}

gint64
dc_lab_link_get_deadline (DcLabLink *self)
{
  const DcNetemEvent *event = get_next_event (self);
  gint64 deadline = event ? self->start + event->at : G_MAXINT64;

  for (guint i = 0; i < 2; i++)
    deadline = MIN (deadline, dc_netem_get_deadline (self->netem[i]));
  return deadline;
}

/* ---- Statistics ---- */

static void
print_direction (DcLabLink *self, guint direction)
{
  const DcNetemStats *s = dc_netem_get_stats (self->netem[direction]);
  guint64 overruns = dc_lab_side_get_overruns (&self->sides[direction]);

  printf ("netlab: %s: %" G_GUINT64_FORMAT " packets, %" G_GUINT64_FORMAT " bytes in; %" G_GUINT64_FORMAT
          " packets, %" G_GUINT64_FORMAT " bytes out; lost %" G_GUINT64_FORMAT ", blackholed %" G_GUINT64_FORMAT
          ", queue full %" G_GUINT64_FORMAT ", duplicated %" G_GUINT64_FORMAT ", reordered %" G_GUINT64_FORMAT
          "; longest queue %" G_GSIZE_FORMAT " bytes\n",
      direction == 0 ? "a to b" : "b to a", s->packets_in, s->bytes_in, s->packets_out, s->bytes_out, s->lost,
      s->blackholed, s->overflowed, s->duplicated, s->reordered, s->max_queue_bytes);
  /* Not the experiment's doing: a machine too busy. */
  if (overruns + self->refused[direction] > 0)
    printf ("netlab: %s: the lab itself lost %" G_GUINT64_FORMAT " packets before and %" G_GUINT64_FORMAT
            " after the link\n",
        direction == 0 ? "a to b" : "b to a", overruns, self->refused[direction]);
}

void
dc_lab_link_print_stats (DcLabLink *self)
{
  for (guint i = 0; i < 2; i++)
    print_direction (self, i);
  fflush (stdout);
}
