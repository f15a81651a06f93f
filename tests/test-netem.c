/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-netem.c: the link emulator, in virtual time. */
#include "tests/netem/dc-netem-schedule.h"

#include <string.h>

#define SIZE 1000 /* of a packet */

typedef struct {
  guint number; /* of the packet, in the order of sending */
  gint64 at;
} Arrival;

static DcNetem *
new_link (guint64 seed, const char *settings)
{
  g_autoptr (GError) error = NULL;
  DcNetemSettings s = DC_NETEM_SETTINGS_INIT;

  dc_netem_settings_parse (&s, settings, &error);
  g_assert_no_error (error);
  return dc_netem_new (seed, &s);
}

static void
change (DcNetem *link, const char *settings, gint64 now)
{
  g_autoptr (GError) error = NULL;
  DcNetemSettings s = *dc_netem_get (link);

  dc_netem_settings_parse (&s, settings, &error);
  g_assert_no_error (error);
  dc_netem_set (link, &s, now);
}

static void
push (DcNetem *link, guint number, gsize size, gint64 now)
{
  g_autofree guint8 *data = g_malloc0 (size);
  g_autoptr (GBytes) packet = NULL;

  memcpy (data, &number, sizeof number);
  packet = g_bytes_new (data, size);
  dc_netem_push (link, packet, now);
}

static void
take (DcNetem *link, gint64 now, GArray *arrivals)
{
  for (GBytes *packet; (packet = dc_netem_pop (link, now)); g_bytes_unref (packet)) {
    Arrival arrival = {.at = now};
    memcpy (&arrival.number, g_bytes_get_data (packet, NULL), sizeof arrival.number);
    g_array_append_val (arrivals, arrival);
  }
}

/* Lets time pass until @now, by deadlines alone. */
static void
run_until (DcNetem *link, gint64 now, GArray *arrivals)
{
  gint64 deadline;

  while ((deadline = dc_netem_get_deadline (link)) <= now && deadline != G_MAXINT64)
    take (link, deadline, arrivals);
}

/* @n packets, one each @interval, and what came of them. */
static GArray *
send (DcNetem *link, guint n, gint64 interval)
{
  GArray *arrivals = g_array_new (FALSE, FALSE, sizeof (Arrival));

  for (guint i = 0; i < n; i++) {
    run_until (link, i * interval, arrivals);
    push (link, i, SIZE, i * interval);
    g_assert_cmpint (dc_netem_get_deadline (link), >=, i * interval);
    take (link, i * interval, arrivals);
  }
  run_until (link, G_MAXINT64, arrivals);
  return arrivals;
}

#define AT(arrivals, i) (&g_array_index ((arrivals), Arrival, (i)))

/* Within five standard deviations of a binomial: one seed in a million fails, and the seed is fixed. */
static void
assert_part (guint64 hits, guint64 n, double p)
{
  double difference = (double) hits - (double) n * p, variance = (double) n * p * (1 - p);

  g_test_message ("%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT ", expected %g", hits, n, (double) n * p);
  g_assert_cmpfloat (difference * difference, <=, 25 * variance);
}

static void
test_perfect (void)
{
  g_autoptr (DcNetem) link = new_link (1, "");
  g_autoptr (GArray) arrivals = send (link, 100, DC_NETEM_MS);
  const DcNetemStats *stats = dc_netem_get_stats (link);

  g_assert_cmpuint (arrivals->len, ==, 100);
  for (guint i = 0; i < 100; i++) {
    g_assert_cmpuint (AT (arrivals, i)->number, ==, i);
    g_assert_cmpint (AT (arrivals, i)->at, ==, i * DC_NETEM_MS);
  }
  g_assert_cmpuint (stats->packets_in, ==, 100);
  g_assert_cmpuint (stats->packets_out, ==, 100);
  g_assert_cmpuint (stats->bytes_out, ==, 100 * SIZE);
  g_assert_cmpuint (stats->lost + stats->overflowed + stats->duplicated + stats->reordered + stats->blackholed, ==, 0);
  g_assert_true (dc_netem_get_deadline (link) == G_MAXINT64);
}

static gboolean
is_same (GArray *a, GArray *b)
{
  if (a->len != b->len)
    return FALSE;
  for (guint i = 0; i < a->len; i++)
    if (AT (a, i)->number != AT (b, i)->number || AT (a, i)->at != AT (b, i)->at)
      return FALSE;
  return TRUE;
}

static void
test_seed (void)
{
  static const char text[] = "delay 10ms jitter 3ms loss 2% burst 3 duplicate 2% reorder 5% rate 8mbit queue 20ms";
  g_autoptr (DcNetem) link = new_link (7, text), again = new_link (7, text), other = new_link (8, text);
  g_autoptr (GArray) a = send (link, 5000, DC_NETEM_MS), b = send (again, 5000, DC_NETEM_MS);
  g_autoptr (GArray) c = send (other, 5000, DC_NETEM_MS);

  g_assert_true (is_same (a, b));
  g_assert_false (is_same (a, c));
  g_assert_cmpmem (dc_netem_get_stats (link), sizeof (DcNetemStats), dc_netem_get_stats (again), sizeof (DcNetemStats));
}

/* A further misfortune does not change which packets another one hits. */
static void
test_independent (void)
{
  g_autoptr (DcNetem) link = new_link (3, "loss 10%"), delayed = new_link (3, "loss 10% delay 5ms jitter 4ms");
  g_autoptr (GArray) a = send (link, 2000, 20 * DC_NETEM_MS), b = send (delayed, 2000, 20 * DC_NETEM_MS);

  g_assert_cmpuint (a->len, ==, b->len);
  for (guint i = 0; i < a->len; i++)
    g_assert_cmpuint (AT (a, i)->number, ==, AT (b, i)->number);

  /* Nor does a blackhole. */
  g_autoptr (DcNetem) cut = new_link (3, "loss 10% blackhole on");
  g_autoptr (GArray) none = send (cut, 1000, 0);
  g_assert_cmpuint (none->len, ==, 0);
  change (cut, "blackhole off", 0);
  g_autoptr (GArray) second = send (cut, 1000, 0);
  guint skipped = a->len - second->len;
  g_assert_cmpuint (AT (a, skipped)->number, >=, 1000);
  for (guint i = 0; i < second->len; i++)
    g_assert_cmpuint (AT (a, skipped + i)->number, ==, 1000 + AT (second, i)->number);
}

/* @n packets at once, seen at the deadlines and at steps of the clock. */
static void
compare_late (guint64 seed, guint n)
{
  static const char text[] = "rate 8mbit queue 1s delay 20ms jitter 15ms reorder 30% by 5ms duplicate 5%";
  const gint64 step = DC_NETEM_MS / 10;
  g_autoptr (DcNetem) link = new_link (seed, text), late = new_link (seed, text);
  g_autoptr (GArray) a = g_array_new (FALSE, FALSE, sizeof (Arrival)), b = g_array_new (FALSE, FALSE, sizeof (Arrival));

  for (guint i = 0; i < n; i++) {
    push (link, i, SIZE, 0);
    push (late, i, SIZE, 0);
  }
  run_until (link, G_MAXINT64, a);
  for (gint64 now = 0; b->len < a->len; now += step)
    take (late, now, b);
  for (guint i = 0; i < a->len; i++) {
    g_assert_cmpuint (AT (a, i)->number, ==, AT (b, i)->number);
    g_assert_cmpint (AT (b, i)->at - AT (a, i)->at, >=, 0);
    g_assert_cmpint (AT (b, i)->at - AT (a, i)->at, <, step);
  }
}

/* Who looks late finds the same as who looks in time, and the deadlines are early enough. */
static void
test_late (void)
{
  compare_late (9, 500);
  for (guint64 seed = 0; seed < 200; seed++)
    compare_late (seed, 3);
}

static void
test_delay (void)
{
  g_autoptr (DcNetem) link = new_link (1, "rtt 50ms");
  g_autoptr (GArray) arrivals = send (link, 100, DC_NETEM_MS);

  for (guint i = 0; i < 100; i++)
    g_assert_cmpint (AT (arrivals, i)->at, ==, (i + 25) * DC_NETEM_MS);
}

/* Uniform, symmetric, and never a reordering, though packets are sent much closer than the jitter. */
static void
test_jitter (void)
{
  g_autoptr (DcNetem) rare = new_link (1, "delay 20ms jitter 5ms"), dense = new_link (1, "delay 20ms jitter 5ms");
  g_autoptr (GArray) arrivals = send (rare, 4000, 100 * DC_NETEM_MS), close = send (dense, 4000, DC_NETEM_MS / 10);
  double sum = 0;
  gint64 least = G_MAXINT64, most = 0;

  for (guint i = 0; i < arrivals->len; i++) {
    gint64 delay = AT (arrivals, i)->at - i * 100 * DC_NETEM_MS;
    sum += (double) delay / DC_NETEM_MS;
    least = MIN (least, delay);
    most = MAX (most, delay);
  }
  g_assert_cmpint (least, >=, 15 * DC_NETEM_MS);
  g_assert_cmpint (least, <, 15 * DC_NETEM_MS + DC_NETEM_MS / 50);
  g_assert_cmpint (most, <=, 25 * DC_NETEM_MS);
  g_assert_cmpint (most, >, 25 * DC_NETEM_MS - DC_NETEM_MS / 50);
  g_assert_cmpfloat (ABS (sum / arrivals->len - 20), <, 0.25);
  g_assert_cmpuint (dc_netem_get_stats (dense)->reordered, ==, 0);
  for (guint i = 0; i < close->len; i++)
    g_assert_cmpuint (AT (close, i)->number, ==, i);
}

/* More jitter than delay: nothing arrives before it was sent. */
static void
test_jitter_without_delay (void)
{
  g_autoptr (DcNetem) link = new_link (1, "jitter 5ms");
  g_autoptr (GArray) arrivals = send (link, 1000, 100 * DC_NETEM_MS);
  guint at_once = 0;

  for (guint i = 0; i < arrivals->len; i++) {
    gint64 delay = AT (arrivals, i)->at - i * 100 * DC_NETEM_MS;
    g_assert_cmpint (delay, >=, 0);
    at_once += delay == 0;
  }
  assert_part (at_once, 1000, 0.5);
}

static void
test_loss (void)
{
  static const struct {
    const char *text;
    double p;
  } cases[] = {{"loss 0.1%", 0.001}, {"loss 1%", 0.01}, {"loss 10%", 0.1}, {"loss 50%", 0.5}, {"loss 100%", 1}};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (DcNetem) link = new_link (11, cases[i].text);
    g_autoptr (GArray) arrivals = send (link, 100000, DC_NETEM_MS);
    assert_part (dc_netem_get_stats (link)->lost, 100000, cases[i].p);
    g_assert_cmpuint (arrivals->len, ==, 100000 - dc_netem_get_stats (link)->lost);
  }
}

static void
test_burst (void)
{
  static const guint n = 400000;
  g_autoptr (DcNetem) link = new_link (11, "loss 2% burst 8");
  g_autoptr (GArray) arrivals = send (link, n, DC_NETEM_MS);
  guint64 lost = dc_netem_get_stats (link)->lost;
  guint bursts = 0;

  for (guint i = 1; i < arrivals->len; i++)
    bursts += AT (arrivals, i)->number != AT (arrivals, i - 1)->number + 1;
  g_test_message ("%" G_GUINT64_FORMAT " lost in %u bursts", lost, bursts);
  g_assert_cmpfloat (ABS ((double) lost / n - 0.02), <, 0.002);
  g_assert_cmpfloat (ABS ((double) lost / bursts - 8), <, 0.8);
}

static void
test_duplicate (void)
{
  g_autoptr (DcNetem) link = new_link (5, "duplicate 3% delay 10ms");
  g_autoptr (GArray) arrivals = send (link, 20000, DC_NETEM_MS);
  const DcNetemStats *stats = dc_netem_get_stats (link);
  guint doubles = 0;

  for (guint i = 1; i < arrivals->len; i++)
    doubles += AT (arrivals, i)->number == AT (arrivals, i - 1)->number;
  assert_part (doubles, 20000, 0.03);
  g_assert_cmpuint (stats->duplicated, ==, doubles);
  g_assert_cmpuint (arrivals->len, ==, 20000 + doubles);
  g_assert_cmpuint (stats->packets_out, ==, arrivals->len);
  g_assert_cmpuint (stats->reordered, ==, 0);
}

/* Held back by 5 ms among packets 1 ms apart: five overtake, and nothing is lost. */
static void
test_reorder (void)
{
  g_autoptr (DcNetem) link = new_link (5, "reorder 2% by 5ms delay 1ms");
  g_autoptr (GArray) arrivals = send (link, 50000, DC_NETEM_MS);
  guint late = 0, last = 0;

  g_assert_cmpuint (arrivals->len, ==, 50000);
  for (guint i = 0; i < arrivals->len; i++) {
    gint64 delay = AT (arrivals, i)->at - AT (arrivals, i)->number * DC_NETEM_MS;
    g_assert_true (delay == DC_NETEM_MS || delay == 6 * DC_NETEM_MS);
    late += AT (arrivals, i)->number < last;
    last = MAX (last, AT (arrivals, i)->number);
  }
  /* Of a few, all that should overtake are held back as well. */
  assert_part (late, 50000, 0.02);
  g_assert_cmpuint (dc_netem_get_stats (link)->reordered, ==, late);
}

/* 1000 bytes at 8 Mbit/s take a millisecond each, whenever they come. */
static void
test_rate (void)
{
  g_autoptr (DcNetem) link = new_link (1, "rate 8mbit queue 10s delay 7ms");
  g_autoptr (GArray) arrivals = send (link, 500, DC_NETEM_MS / 10);
  g_autoptr (DcNetem) idle = new_link (1, "rate 8mbit");
  g_autoptr (GArray) slow = send (idle, 500, 2 * DC_NETEM_MS);

  g_assert_cmpuint (arrivals->len, ==, 500);
  for (guint i = 0; i < 500; i++) {
    g_assert_cmpint (AT (arrivals, i)->at, ==, (i + 1 + 7) * DC_NETEM_MS);
    g_assert_cmpint (AT (slow, i)->at, ==, (2 * i + 1) * DC_NETEM_MS);
  }
}

static void
test_queue (void)
{
  static const char *const same[] = {"rate 8mbit queue 10ms", "rate 8mbit queue 10kB"};

  for (guint i = 0; i < G_N_ELEMENTS (same); i++) {
    g_autoptr (DcNetem) link = new_link (1, same[i]);
    /* All at once: ten wait, the first of them on the line. */
    g_autoptr (GArray) arrivals = send (link, 50, 0);
    const DcNetemStats *stats = dc_netem_get_stats (link);
    g_assert_cmpuint (arrivals->len, ==, 10);
    g_assert_cmpuint (AT (arrivals, 9)->number, ==, 9);
    g_assert_cmpuint (stats->overflowed, ==, 40);
    g_assert_cmpuint (stats->max_queue_bytes, ==, 10 * SIZE);
    /* And as many once it is empty. */
    for (guint n = 0; n < 50; n++)
      push (link, n, SIZE, DC_NETEM_S);
    run_until (link, G_MAXINT64, arrivals);
    g_assert_cmpuint (arrivals->len, ==, 20);
  }
  /* An empty queue takes what is larger than it. */
  g_autoptr (DcNetem) tiny = new_link (1, "rate 8mbit queue 1B");
  g_autoptr (GArray) arrivals = send (tiny, 10, DC_NETEM_MS);
  g_assert_cmpuint (arrivals->len, ==, 10);
}

/* What waits keeps waiting; the new rate counts from the next packet on. */
static void
test_rate_change (void)
{
  g_autoptr (DcNetem) link = new_link (1, "rate 8mbit queue 1s");
  g_autoptr (GArray) arrivals = g_array_new (FALSE, FALSE, sizeof (Arrival));

  for (guint i = 0; i < 4; i++)
    push (link, i, SIZE, 0);
  run_until (link, DC_NETEM_MS, arrivals);
  change (link, "rate 800kbit", DC_NETEM_MS);
  run_until (link, 11 * DC_NETEM_MS, arrivals);
  g_assert_cmpuint (arrivals->len, ==, 2);
  g_assert_cmpint (AT (arrivals, 1)->at, ==, 2 * DC_NETEM_MS);
  change (link, "rate unlimited", 11 * DC_NETEM_MS);
  push (link, 4, SIZE, 11 * DC_NETEM_MS);
  run_until (link, G_MAXINT64, arrivals);
  g_assert_cmpuint (arrivals->len, ==, 5);
  g_assert_cmpuint (AT (arrivals, 4)->number, ==, 4); /* behind what waited */
  g_assert_cmpint (AT (arrivals, 2)->at, ==, 12 * DC_NETEM_MS);
  g_assert_cmpint (AT (arrivals, 3)->at, ==, 12 * DC_NETEM_MS);
}

static void
test_blackhole (void)
{
  g_autoptr (DcNetem) link = new_link (1, "delay 10ms");
  g_autoptr (GArray) arrivals = g_array_new (FALSE, FALSE, sizeof (Arrival));

  push (link, 0, SIZE, 0);
  change (link, "blackhole on", 1);
  push (link, 1, SIZE, 2);
  change (link, "blackhole off", 3);
  push (link, 2, SIZE, 4);
  run_until (link, G_MAXINT64, arrivals);
  g_assert_cmpuint (arrivals->len, ==, 2); /* what was under way arrives */
  g_assert_cmpuint (AT (arrivals, 0)->number, ==, 0);
  g_assert_cmpuint (AT (arrivals, 1)->number, ==, 2);
  g_assert_cmpuint (dc_netem_get_stats (link)->blackholed, ==, 1);
}

/* A shorter path: its first packet overtakes the last of the longer one. */
static void
test_step_down (void)
{
  g_autoptr (DcNetem) link = new_link (1, "delay 50ms");
  g_autoptr (GArray) arrivals = g_array_new (FALSE, FALSE, sizeof (Arrival));

  push (link, 0, SIZE, 0);
  change (link, "delay 10ms", DC_NETEM_MS);
  push (link, 1, SIZE, DC_NETEM_MS);
  run_until (link, G_MAXINT64, arrivals);
  g_assert_cmpuint (AT (arrivals, 0)->number, ==, 1);
  g_assert_cmpint (AT (arrivals, 0)->at, ==, 11 * DC_NETEM_MS);
  g_assert_cmpuint (AT (arrivals, 1)->number, ==, 0);
  g_assert_cmpuint (dc_netem_get_stats (link)->reordered, ==, 1);
}

static void
test_bounded (void)
{
  g_autoptr (DcNetem) link = new_link (1, "delay 1min");
  guint n = 2 * DC_NETEM_MAX_BYTES / 65536;

  for (guint i = 0; i < n; i++)
    push (link, i, 65536, 0);
  g_assert_cmpuint (dc_netem_get_stats (link)->overflowed, ==, n / 2);
  /* And is freed with all that is still under way. */
}

static void
test_settings_good (void)
{
  g_autoptr (GError) error = NULL;
  DcNetemSettings s = DC_NETEM_SETTINGS_INIT;

  dc_netem_settings_parse (&s,
      " delay 1.5ms, jitter 20us\tloss 0.5% burst 4 duplicate 1%,reorder 2% by 3ms rate 10Mbit/s queue 64KiB blackhole "
      "on ",
      &error);
  g_assert_no_error (error);
  g_assert_cmpint (s.delay, ==, 1500000);
  g_assert_cmpint (s.jitter, ==, 20000);
  g_assert_cmpfloat (s.loss, ==, 0.005);
  g_assert_cmpfloat (s.burst, ==, 4);
  g_assert_cmpfloat (s.duplicate, ==, 0.01);
  g_assert_cmpfloat (s.reorder, ==, 0.02);
  g_assert_cmpint (s.reorder_by, ==, 3 * DC_NETEM_MS);
  g_assert_cmpuint (s.rate, ==, 10000000);
  g_assert_cmpuint (s.queue_bytes, ==, 65536);
  g_assert_true (s.blackhole);
  dc_netem_settings_parse (&s, "rtt 1min queue 2s rate unlimited blackhole off loss 0% burst 0", &error);
  g_assert_no_error (error);
  g_assert_cmpint (s.delay, ==, 30 * DC_NETEM_S);
  g_assert_cmpint (s.queue, ==, 2 * DC_NETEM_S);
  g_assert_cmpuint (s.queue_bytes, ==, 0);
  g_assert_cmpuint (s.rate, ==, 0);
  g_assert_false (s.blackhole);
  g_assert_cmpint (s.jitter, ==, 20000);
}

static void
test_settings_bad (void)
{
  static const struct {
    const char *text, *says;
  } cases[] = {
      {"latency 5ms", "no property of a link"},
      {"delay", "followed by nothing"},
      {"delay 5", "a time such as"},
      {"delay -5ms", "a time such as"},
      {"delay 0x5ms", "a time such as"},
      {"delay infs", "a time such as"},
      {"delay 25h", "a time such as"},
      {"delay 1e9s", "a time such as"},
      {"rtt fast", "rtt takes"},
      {"loss 5", "a percentage"},
      {"loss 101%", "a percentage"},
      {"burst 0.5", "mean number"},
      {"rate 0bit", "a rate"},
      {"rate 5", "a rate"},
      {"queue 0B", "a time such as"},
      {"queue 100GB", "a time such as"},
      {"blackhole 10s", "on or off"},
      {"loss 90% burst 2", "make the bursts longer"},
      {"delay 1ms delay", "followed by nothing"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    DcNetemSettings s = DC_NETEM_SETTINGS_INIT;
    g_assert_false (dc_netem_settings_parse (&s, cases[i].text, &error));
    g_assert_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE);
    g_test_message ("%s", error->message);
    g_assert_nonnull (strstr (error->message, cases[i].says));
    g_assert_cmpint (s.delay, ==, 0);
  }
}

static void
test_schedule_good (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) events = dc_netem_schedule_parse ("20s: ab delay 10ms; 3s: blackhole 10s;; 13s: ba loss 1%, "
                                                          "burst 2 ; 500ms:address b 10.99.0.3; 1s: address a fd99::3;",
      &error);
  static const struct {
    gint64 at;
    guint directions;
    char side;
    const char *text;
  } wanted[] = {
      {DC_NETEM_S / 2, 0, 'b', "10.99.0.3"},
      {DC_NETEM_S, 0, 'a', "fd99::3"},
      {3 * DC_NETEM_S, DC_NETEM_BOTH, 0, "blackhole on"},
      {13 * DC_NETEM_S, DC_NETEM_BOTH, 0, "blackhole off"},
      {13 * DC_NETEM_S, DC_NETEM_BA, 0, "loss 1% burst 2"},
      {20 * DC_NETEM_S, DC_NETEM_AB, 0, "delay 10ms"},
  };

  g_assert_no_error (error);
  g_assert_cmpuint (events->len, ==, G_N_ELEMENTS (wanted));
  for (guint i = 0; i < events->len; i++) {
    const DcNetemEvent *event = g_ptr_array_index (events, i);
    g_assert_cmpint (event->at, ==, wanted[i].at);
    g_assert_cmpuint (event->directions, ==, wanted[i].directions);
    g_assert_cmpint (event->side, ==, wanted[i].side);
    g_assert_cmpstr (event->settings ? event->settings : event->address, ==, wanted[i].text);
  }
  g_autoptr (GPtrArray) none = dc_netem_schedule_parse ("", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (none->len, ==, 0);
}

static void
test_schedule_bad (void)
{
  static const struct {
    const char *text, *says;
  } cases[] = {
      {"blackhole 10s", "begin with a time and a colon"},
      {"3: blackhole 10s", "begin with a time and a colon"},
      {"3s:", "nothing to do"},
      {"3s: ab", "nothing to do"},
      {"3s: ab ba delay 1ms", "no property of a link"},
      {"3s: address", "takes a side"},
      {"3s: address c 10.0.0.1", "takes a side"},
      {"3s: address a host.example", "takes a side"},
      {"3s: address a 10.0.0.1 10.0.0.2", "takes a side"},
      {"3s: delay 1ms; 4s: delay", "followed by nothing"},
      {"3s: blackhole 1s delay 5ms", "on or off"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (dc_netem_schedule_parse (cases[i].text, &error));
    g_assert_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE);
    g_test_message ("%s", error->message);
    g_assert_nonnull (strstr (error->message, cases[i].says));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/netem/perfect", test_perfect);
  g_test_add_func ("/netem/seed", test_seed);
  g_test_add_func ("/netem/independent", test_independent);
  g_test_add_func ("/netem/late", test_late);
  g_test_add_func ("/netem/delay", test_delay);
  g_test_add_func ("/netem/jitter", test_jitter);
  g_test_add_func ("/netem/jitter-without-delay", test_jitter_without_delay);
  g_test_add_func ("/netem/loss", test_loss);
  g_test_add_func ("/netem/burst", test_burst);
  g_test_add_func ("/netem/duplicate", test_duplicate);
  g_test_add_func ("/netem/reorder", test_reorder);
  g_test_add_func ("/netem/rate", test_rate);
  g_test_add_func ("/netem/queue", test_queue);
  g_test_add_func ("/netem/rate-change", test_rate_change);
  g_test_add_func ("/netem/blackhole", test_blackhole);
  g_test_add_func ("/netem/step-down", test_step_down);
  g_test_add_func ("/netem/bounded", test_bounded);
  g_test_add_func ("/netem/settings/good", test_settings_good);
  g_test_add_func ("/netem/settings/bad", test_settings_bad);
  g_test_add_func ("/netem/schedule/good", test_schedule_good);
  g_test_add_func ("/netem/schedule/bad", test_schedule_bad);
  return g_test_run ();
}
