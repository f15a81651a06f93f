/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sctp-lanes.c: messages over several associations at once, on a path that is long, loses, or has a queue; in virtual time. */

/*
 * Packets are events in a list by time. usrsctp reads the clock by gettimeofday (), which is ours here, and its timers get their ticks from
 * us. So a minute takes a second, and is the same on any machine, but for the numbers that usrsctp draws.
 */
#include "plugins/transport/dc-sctp-lanes.h"

#include "plugins/transport/dc-sctp-stack.h"
#include "plugins/transport/dc-stripe.h"

#include <math.h>
#include <string.h>
#include <sys/time.h>

#define TICK 1000
#define MS 1000
#define MESSAGE 65536
#define STREAM 1

typedef struct {
  gint64 delay;  /* one way, microseconds */
  gint64 jitter; /* added to it, up to this, changing slowly */
  gdouble loss;
  gdouble rate; /* bytes a microsecond; 0: any */
  gsize queue;  /* bytes that wait for that, the rest is lost */
} Path;

typedef struct {
  gint64 due;
  guint to;
  gsize size;
  guint8 data[];
} Packet;

typedef struct _Run Run;

typedef struct {
  Run *run;
  guint i;
  DcSctpLanes *lanes;
  gint64 free_at; /* when what is in the queue has left */
  DcSctpState state;
} End;

struct _Run {
  Path path;
  GRand *random;
  GSequence *packets;
  gint64 next_tick;
  End ends[2];
  gboolean writable;
  guint64 received;           /* bytes, by the second end */
  guint32 n_sent, n_received; /* messages */
  gint accepting; /* messages that the second end takes before it says that it wants no more; -1: any number */
  gint cut_port;  /* what goes there is lost; 0: none */
};

static gint64 now = G_GINT64_CONSTANT (1700000000) * G_USEC_PER_SEC;

/* In the place of libc's. */
int
gettimeofday (struct timeval *restrict time, void *restrict zone)
{
  time->tv_sec = now / G_USEC_PER_SEC;
  time->tv_usec = now % G_USEC_PER_SEC;
  return 0;
}

/* Of which the growth of lanes and holding are. */
gint64
g_get_monotonic_time (void)
{
  return now;
}

/* --- the path --- */

static gint
by_time (gconstpointer a, gconstpointer b, gpointer data)
{
  const Packet *first = a, *second = b;

  return first->due < second->due ? -1 : first->due > second->due;
}

/* Returns: when the last bit of it has left; -1: it finds no place in the queue. */
static gint64
queue_packet (Run *run, End *end, gsize size)
{
  gint64 begin = MAX (now, end->free_at);

  if (run->path.rate <= 0)
    return now;
  if ((gdouble) (begin - now) * run->path.rate > (gdouble) run->path.queue)
    return -1;
  end->free_at = begin + (gint64) ((gdouble) (size + 65) / run->path.rate);
  return end->free_at;
}

static gint64
delay_now (const Path *path)
{
  return path->delay
         + (gint64) ((gdouble) path->jitter * (0.5 + 0.5 * sin ((gdouble) (now % (G_USEC_PER_SEC * 100)) / 300e3)));
}

static void
output_cb (DcPacket *packets, guint n, gpointer user_data)
{
  End *end = user_data;
  Run *run = end->run;

  for (guint i = 0; i < n; i++) {
    gint64 left = queue_packet (run, end, packets[i].size);
    Packet *packet;

    if (run->cut_port != 0 && (packets[i].data[2] << 8 | packets[i].data[3]) == run->cut_port)
      continue;
    if (left < 0 || g_rand_double (run->random) < run->path.loss)
      continue;
    packet = g_malloc (sizeof *packet + packets[i].size);
    packet->due = left + delay_now (&run->path);
    packet->to = 1 - end->i;
    packet->size = packets[i].size;
    memcpy (packet->data, packets[i].data, packets[i].size);
    g_sequence_insert_sorted (run->packets, packet, by_time, NULL);
  }
}

/* --- the ends --- */

/* Each message is the next one, and its size says which. */
static gsize
size_of (guint32 number)
{
  return number % 16 == 0 ? 4 + number % 50 : MESSAGE - number % 9973;
}

static gboolean
message_cb (guint16 stream, guint32 ppid, gboolean unordered, GBytes *message, gpointer user_data)
{
  End *end = user_data;
  gsize size;
  const guint8 *bytes = g_bytes_get_data (message, &size);
  guint32 number;

  g_assert_cmpuint (end->i, ==, 1);
  g_assert_cmpuint (stream, ==, STREAM);
  g_assert_cmpuint (ppid, ==, 53);
  g_assert_cmpuint (size, >=, sizeof number);
  memcpy (&number, bytes, sizeof number);
  g_assert_cmpuint (number, ==, end->run->n_received++);
  g_assert_cmpuint (size, ==, size_of (number));
  end->run->received += size;
  g_bytes_unref (message);
  if (end->run->accepting > 0)
    end->run->accepting--;
  return end->run->accepting != 0;
}

static void
reset_cb (guint16 stream, gpointer user_data)
{
}

static void
state_cb (DcSctpState state, gpointer user_data)
{
  End *end = user_data;

  end->state = state;
}

static void
writable_cb (gpointer user_data)
{
  End *end = user_data;

  end->run->writable = TRUE;
}

static void
begin (Run *run, const Path *path, guint32 seed)
{
  static const DcSctpCallbacks callbacks = {output_cb, message_cb, reset_cb, reset_cb, state_cb, writable_cb};
  DcSctpSettings settings;

  dc_sctp_settings_init (&settings);
  *run = (Run){.path = {.delay = path->delay}, .next_tick = now + TICK, .accepting = -1};
  run->random = g_rand_new_with_seed (seed);
  run->packets = g_sequence_new (NULL);
  for (guint i = 0; i < 2; i++) {
    run->ends[i] = (End){.run = run, .i = i};
    run->ends[i].lanes = dc_sctp_lanes_new (&settings, &callbacks, &run->ends[i], NULL);
    g_assert_nonnull (run->ends[i].lanes);
  }
  for (guint i = 0; i < 2; i++)
    dc_sctp_association_connect (dc_sctp_lanes_get_main (run->ends[i].lanes));
}

/* All that are due at one end, and no others between them. */
static void
give_packets (Run *run, guint to)
{
  Packet *packets[DC_PACKETS_MAX];
  DcPacket given[DC_PACKETS_MAX];
  guint n = 0;

  while (n < DC_PACKETS_MAX && !g_sequence_is_empty (run->packets)) {
    GSequenceIter *first = g_sequence_get_begin_iter (run->packets);

    packets[n] = g_sequence_get (first);
    if (packets[n]->due > now || packets[n]->to != to)
      break;
    given[n] = (DcPacket){packets[n]->data, packets[n]->size};
    g_sequence_remove (first);
    n++;
  }
  dc_sctp_lanes_input (run->ends[to].lanes, given, n);
  for (guint i = 0; i < n; i++)
    g_free (packets[i]);
}

static void
step (Run *run)
{
  GSequenceIter *first = g_sequence_get_begin_iter (run->packets);
  Packet *packet = g_sequence_iter_is_end (first) ? NULL : g_sequence_get (first);

  if (packet != NULL && packet->due <= run->next_tick) {
    now = MAX (now, packet->due);
    give_packets (run, packet->to);
  } else {
    now = run->next_tick;
    run->next_tick += TICK;
    dc_sctp_stack_advance (TICK / MS);
  }
}

static void
send_all (Run *run)
{
  static guint8 message[MESSAGE];
  DcSctpSendInfo info = {.stream = STREAM, .ppid = 53};

  run->writable = FALSE;
  for (;;) {
    memcpy (message, &run->n_sent, sizeof run->n_sent);
    if (dc_sctp_lanes_send (run->ends[0].lanes, &info, message, size_of (run->n_sent)) != DC_SCTP_SENT)
      return;
    run->n_sent++;
  }
}

/* As much as it takes, for @seconds. Returns: MB a second that have come. */
static gdouble
transfer (Run *run, guint seconds)
{
  gint64 end = now + seconds * G_USEC_PER_SEC;
  guint64 before = run->received;

  send_all (run);
  while (now < end && run->ends[0].state == DC_SCTP_UP && run->ends[1].state == DC_SCTP_UP) {
    if (run->writable)
      send_all (run);
    step (run);
  }
  return (gdouble) (run->received - before) / seconds / 1e6;
}

static void
drain (Run *run)
{
  while (run->n_received < run->n_sent)
    step (run);
}

static void
end_run (Run *run)
{
  for (guint i = 0; i < 2; i++)
    dc_sctp_lanes_free (run->ends[i].lanes);
  g_sequence_foreach (run->packets, (GFunc) g_free, NULL);
  g_sequence_free (run->packets);
  g_rand_free (run->random);
}

/* Up over a path that is only long; then it becomes @path. */
static void
begin_on (Run *run, const Path *path, guint32 seed)
{
  begin (run, path, seed);
  while (run->ends[0].state != DC_SCTP_UP || run->ends[1].state != DC_SCTP_UP)
    step (run);
  run->path = *path;
}

static void
stripe (Run *run, guint n, gboolean fixed)
{
  for (guint i = 0; i < 2; i++)
    dc_sctp_lanes_allow (run->ends[i].lanes, n);
  dc_sctp_lanes_stripe (run->ends[0].lanes, STREAM, n, fixed);
}

/* --- tests --- */

/* Each lane adds what one has; all is in order. */
static void
test_loss (void)
{
  static const gdouble losses[] = {0.001, 0.01};

  for (guint i = 0; i < G_N_ELEMENTS (losses); i++) {
    const Path path = {.delay = 25 * MS, .loss = losses[i]};
    gdouble rates[3];

    for (guint kind = 0; kind < 3; kind++) {
      Run run;

      begin_on (&run, &path, 1);
      if (kind > 0)
        stripe (&run, 8, kind == 1);
      transfer (&run, 20);
      rates[kind] = transfer (&run, 20);
      g_assert_cmpuint (dc_sctp_lanes_get_n (run.ends[0].lanes), ==, kind == 0 ? 1 : 8);
      drain (&run);
      end_run (&run);
    }
    g_test_message ("%.1f %% loss: %.2f MB/s by one lane, %.2f by eight, %.2f by as many as help", losses[i] * 100,
        rates[0], rates[1], rates[2]);
    g_assert_cmpfloat (rates[1], >, 4 * rates[0]);
    g_assert_cmpfloat (rates[2], >, 3 * rates[0]);
  }
}

/* Where nothing is lost there is one lane, and it loses nothing by that. */
static void
test_long (void)
{
  const Path path = {.delay = 25 * MS};
  Run run;

  begin_on (&run, &path, 1);
  stripe (&run, 8, FALSE);
  transfer (&run, 2);
  g_assert_cmpfloat (transfer (&run, 5), >, 60);
  g_assert_cmpuint (dc_sctp_lanes_get_n (run.ends[0].lanes), ==, 1);
  end_run (&run);
}

/* Where a path is full, others would only be pushed aside: more lanes do not stay. */
static void
test_full (void)
{
  const Path path = {.delay = 25 * MS, .rate = 10 / 8.0, .queue = 60000};
  guint n = 0;
  Run run;

  begin_on (&run, &path, 1);
  stripe (&run, 8, FALSE);
  g_test_message ("%.2f MB/s", transfer (&run, 20));
  for (guint i = 0; i < 20; i++) {
    transfer (&run, 1);
    n += dc_sctp_lanes_get_n (run.ends[0].lanes) > 1;
  }
  g_assert_cmpuint (n, <=, 8);
  end_run (&run);
}

/* Reordered across lanes of very different luck. */
static void
test_jitter (void)
{
  const Path path = {.delay = 20 * MS, .jitter = 60 * MS, .loss = 0.02};
  Run run;

  begin_on (&run, &path, 3);
  stripe (&run, 5, TRUE);
  transfer (&run, 20);
  drain (&run);
  g_assert_cmpint (run.ends[0].state, ==, DC_SCTP_UP);
  end_run (&run);
}

/* A lane that stands still for a while holds up what is behind, and no more than fits is under way. */
static void
test_stall (void)
{
  const Path path = {.delay = 25 * MS};
  guint32 n_received, n_sent;
  Run run;

  begin_on (&run, &path, 1);
  stripe (&run, 4, TRUE);
  transfer (&run, 2);
  run.cut_port = 5002;
  transfer (&run, 1);
  n_received = run.n_received;
  n_sent = run.n_sent;
  transfer (&run, 2);
  g_assert_cmpuint (run.n_received, ==, n_received);
  g_assert_cmpuint (run.n_sent - n_sent, <, 32 * 1024 * 1024 / MESSAGE);
  run.cut_port = 0;
  transfer (&run, 10);
  drain (&run);
  g_assert_cmpint (run.ends[0].state, ==, DC_SCTP_UP);
  end_run (&run);
}

/* Who takes no more stops all lanes, and loses nothing. */
static void
test_back_pressure (void)
{
  const Path path = {.delay = 25 * MS, .loss = 0.001};
  guint32 n_sent;
  Run run;

  begin_on (&run, &path, 1);
  stripe (&run, 4, TRUE);
  transfer (&run, 3);
  run.accepting = 1;
  transfer (&run, 90);
  n_sent = run.n_sent;
  transfer (&run, 5);
  g_assert_cmpuint (run.n_sent, ==, n_sent);
  run.accepting = -1;
  dc_sctp_lanes_resume (run.ends[1].lanes);
  transfer (&run, 3);
  drain (&run);
  g_assert_cmpuint (run.n_sent, >, n_sent);
  end_run (&run);
}

/* Who does not allow lanes has the one, and everything comes by it. */
static void
test_refused (void)
{
  const Path path = {.delay = 25 * MS, .loss = 0.01};
  Run run;

  begin_on (&run, &path, 1);
  dc_sctp_lanes_stripe (run.ends[0].lanes, STREAM, 4, TRUE);
  transfer (&run, 5);
  g_assert_cmpuint (dc_sctp_lanes_get_n (run.ends[0].lanes), ==, 1);
  drain (&run);
  g_assert_cmpint (run.ends[0].state, ==, DC_SCTP_UP);
  end_run (&run);
}

/* What a lane that is lost has had with it is lost: that is the end of all. */
static void
test_lost (void)
{
  const Path path = {.delay = 25 * MS};
  Run run;

  begin_on (&run, &path, 1);
  stripe (&run, 4, TRUE);
  transfer (&run, 2);
  g_assert_cmpuint (dc_sctp_lanes_get_n (run.ends[0].lanes), ==, 4);
  run.cut_port = 5003;
  transfer (&run, 300);
  g_assert_cmpint (run.ends[0].state, ==, DC_SCTP_ABORTED);
  end_run (&run);
}

/* Who sends numbers that make no sense is shown out. */
static void
test_hostile (void)
{
  const Path path = {.delay = 25 * MS};
  DcSctpSendInfo info = {.stream = STREAM, .ppid = DC_STRIPE_PPID};
  const DcStripeHeader header = {.sequence = 77, .stream = STREAM, .ppid = 53, .is_last = TRUE};
  guint8 piece[DC_STRIPE_HEADER + 1] = {0};
  Run run;

  begin_on (&run, &path, 1);
  dc_stripe_write_header (piece, &header);
  g_assert_cmpint (dc_sctp_association_send (dc_sctp_lanes_get_main (run.ends[0].lanes), &info, piece, sizeof piece),
      ==, DC_SCTP_SENT);
  while (run.ends[0].state == DC_SCTP_UP)
    step (&run);
  g_assert_cmpint (run.ends[0].state, ==, DC_SCTP_ABORTED);
  g_assert_cmpuint (run.n_received, ==, 0);
  end_run (&run);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  dc_sctp_stack_stop_clock ();
  g_test_add_func ("/sctp-lanes/loss", test_loss);
  g_test_add_func ("/sctp-lanes/long", test_long);
  g_test_add_func ("/sctp-lanes/full", test_full);
  g_test_add_func ("/sctp-lanes/jitter", test_jitter);
  g_test_add_func ("/sctp-lanes/stall", test_stall);
  g_test_add_func ("/sctp-lanes/back-pressure", test_back_pressure);
  g_test_add_func ("/sctp-lanes/refused", test_refused);
  g_test_add_func ("/sctp-lanes/lost", test_lost);
  g_test_add_func ("/sctp-lanes/hostile", test_hostile);
  return g_test_run ();
}
