/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sctp-association-path.c: what an association makes of a path that is long, loses, or has a queue; in virtual time. */

/*
 * Packets are events in a list by time. usrsctp reads the clock by gettimeofday () and we by g_get_monotonic_time (), which are ours here, and
 * its timers get their ticks from us. So a minute takes a second, and is the same on any machine, but for the numbers that usrsctp draws.
 */
#include "plugins/transport/dc-sctp-stack.h"

#include <math.h>
#include <string.h>
#include <sys/time.h>

#define TICK 1000
#define MS 1000
#define MESSAGE 65536
#define MTU 1192.0

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
  DcSctpAssociation *association;
  gint64 free_at; /* when what is in the queue has left */
  DcSctpState state;
} End;

struct _Run {
  Path path;
  GRand *random;
  GSequence *packets;
  gint64 next_tick;
  End ends[2];
  GThread *thread; /* that all happens on */
  gboolean writable;
  guint64 received;   /* bytes, by the second end */
  guint packets_sent; /* by either */
  GArray *asked;      /* (nullable) (element-type gint64): the second end answers, and these are when it was asked; */
  guint n_answered;   /* of them */
  guint n_in_time;    /* a round trip of the path later, at most */
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

/* In the place of GLib's. */
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

  g_assert_true (g_thread_self () == run->thread);
  run->packets_sent += n;
  for (guint i = 0; i < n; i++) {
    gint64 left = queue_packet (run, end, packets[i].size);
    Packet *packet;

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

static void
send_small (End *end)
{
  static const guint8 message[64];
  const DcSctpSendInfo info = {.stream = 1, .ppid = 53};

  g_assert_cmpint (dc_sctp_association_send (end->association, &info, message, sizeof message), ==, DC_SCTP_SENT);
}

static void
take_answer (Run *run)
{
  gint64 took = now - g_array_index (run->asked, gint64, run->n_answered++);

  if (took <= 2 * run->path.delay + MS)
    run->n_in_time++;
}

static gboolean
message_cb (guint16 stream, guint32 ppid, gboolean unordered, GBytes *message, gpointer user_data)
{
  End *end = user_data;

  end->run->received += g_bytes_get_size (message);
  if (end->run->asked != NULL && end->i == 1)
    send_small (end);
  else if (end->run->asked != NULL)
    take_answer (end->run);
  g_bytes_unref (message);
  return TRUE;
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
  *run = (Run){.path = {.delay = path->delay}, .next_tick = now + TICK, .thread = g_thread_self ()};
  run->random = g_rand_new_with_seed (seed);
  run->packets = g_sequence_new (NULL);
  for (guint i = 0; i < 2; i++) {
    run->ends[i] = (End){.run = run, .i = i};
    run->ends[i].association = dc_sctp_association_new (&settings, &callbacks, &run->ends[i], NULL);
    g_assert_nonnull (run->ends[i].association);
  }
  for (guint i = 0; i < 2; i++)
    dc_sctp_association_connect (run->ends[i].association);
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
  dc_sctp_association_input (run->ends[to].association, given, n);
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
run_until (Run *run, gint64 time)
{
  for (;;) {
    GSequenceIter *first = g_sequence_get_begin_iter (run->packets);
    Packet *packet = g_sequence_iter_is_end (first) ? NULL : g_sequence_get (first);

    if (MIN (run->next_tick, packet != NULL ? packet->due : run->next_tick) > time)
      break;
    step (run);
  }
  now = MAX (now, time);
}

static void
send_all (Run *run)
{
  static const guint8 message[MESSAGE];
  DcSctpSendInfo info = {.stream = 1, .ppid = 53};

  run->writable = FALSE;
  while (dc_sctp_association_send (run->ends[0].association, &info, message, sizeof message) == DC_SCTP_SENT)
    ;
}

/* As much as it takes, for @seconds; the first @pause of each second nothing. Returns: MB a second that have come. */
static gdouble
transfer (Run *run, guint seconds, gint64 pause)
{
  gint64 beginning = now, end = now + seconds * G_USEC_PER_SEC;
  guint64 before = run->received;

  run->writable = TRUE;
  while (now < end) {
    if (run->writable && (now - beginning) % G_USEC_PER_SEC >= pause)
      send_all (run);
    step (run);
  }
  return (gdouble) (run->received - before) / seconds / 1e6;
}

static void
clear_wire (Run *run)
{
  g_sequence_foreach (run->packets, (GFunc) g_free, NULL);
  g_sequence_remove_range (g_sequence_get_begin_iter (run->packets), g_sequence_get_end_iter (run->packets));
}

static void
clear (Run *run)
{
  g_sequence_foreach (run->packets, (GFunc) g_free, NULL);
  g_sequence_free (run->packets);
  g_rand_free (run->random);
}

static guint64
end_run (Run *run)
{
  DcSctpStats stats;

  dc_sctp_association_get_stats (run->ends[0].association, &stats);
  for (guint i = 0; i < 2; i++) {
    g_assert_cmpint (run->ends[i].state, ==, DC_SCTP_UP);
    dc_sctp_association_unref (run->ends[i].association);
  }
  clear (run);
  return stats.packets_retransmitted;
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

/* --- tests --- */

/* 50 ms: the window, which the far side's is the bound of, is full and stays full; nothing is sent twice. */
static void
test_long (void)
{
  const Path path = {.delay = 25 * MS};
  Run run;

  begin_on (&run, &path, 1);
  transfer (&run, 2, 0);
  g_assert_cmpfloat (transfer (&run, 5, 0), >, 60);
  g_assert_cmpuint (end_run (&run), ==, 0);
}

/* The socket's room is the window on a short path; on a long one the path's is added to it. */
static void
test_socket_room (void)
{
  static const struct {
    gint64 delay;
    guint32 room;
    guint32 least, most; /* of the window, KiB */
  } cases[] = {{0, 600, 590, 600}, {0, 3000, 2990, 3000}, {25 * MS, 160, 2000, 2160}, {25 * MS, 4000, 5900, 6144},
      {5 * MS, 160, 500, 560}};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const Path path = {.delay = cases[i].delay};
    DcSctpStats stats;
    Run run;

    begin_on (&run, &path, 1);
    dc_sctp_association_set_socket_room (run.ends[1].association, cases[i].room * 1024);
    send_all (&run);
    for (gint64 end = now + 2 * G_USEC_PER_SEC; now < end;)
      step (&run);
    dc_sctp_association_get_stats (run.ends[0].association, &stats);
    g_test_message ("%u KiB: window %u", cases[i].room, stats.remote_window);
    g_assert_cmpuint (stats.remote_window, >=, cases[i].least * 1024);
    g_assert_cmpuint (stats.remote_window, <=, cases[i].most * 1024);
    g_assert_cmpuint (end_run (&run), ==, 0);
  }
}

/* A room of Linux's default, read at 200 MB/s: what is under way on a long path comes spread over time, and little of it is lost. */
static void
test_small_room (void)
{
  static const gint64 delays[] = {200, 25 * MS};
  static const gdouble least[] = {100, 20};
  static const guint seconds[] = {2, 4};

  for (guint i = 0; i < G_N_ELEMENTS (delays); i++) {
    const Path path = {.delay = delays[i], .rate = 200, .queue = 160 * 1024};
    gdouble rate;
    Run run;

    begin_on (&run, &path, 1);
    dc_sctp_association_set_socket_room (run.ends[1].association, 160 * 1024);
    rate = transfer (&run, seconds[i], 0);
    end_run (&run);
    g_test_message ("%d ms: %.1f MB/s", (int) (delays[i] / MS), rate);
    g_assert_cmpfloat (rate, >, least[i]);
  }
}

/* An application that pauses now and then does not lose what it has found out about the path. */
static void
test_pauses (void)
{
  const Path path = {.delay = 25 * MS};
  Run run;

  begin_on (&run, &path, 1);
  transfer (&run, 2, 0);
  g_assert_cmpfloat (transfer (&run, 5, 200 * MS), >, 45);
  g_assert_cmpuint (end_run (&run), ==, 0);
}

/* A delay that comes and goes is no loss. */
static void
test_jitter (void)
{
  const Path path = {.delay = 20 * MS, .jitter = 60 * MS};
  Run run;

  begin_on (&run, &path, 1);
  transfer (&run, 2, 0);
  g_assert_cmpfloat (transfer (&run, 6, 0), >, 25);
  g_assert_cmpuint (end_run (&run), ==, 0);
}

/* Not much below what Reno's congestion avoidance can do (Mathis et al.: 1.22 packets a round trip by the root of the loss). */
static void
test_loss (void)
{
  static const gdouble losses[] = {0.001, 0.01};

  for (guint i = 0; i < G_N_ELEMENTS (losses); i++) {
    const Path path = {.delay = 25 * MS, .loss = losses[i]};
    gdouble reno = 1.22 * MTU / 0.05 / sqrt (losses[i]) / 1e6, rate = 0;

    for (guint32 seed = 1; seed <= 4; seed++) {
      Run run;

      begin_on (&run, &path, seed);
      rate += transfer (&run, 20, 0) / 4;
      g_assert_cmpuint (end_run (&run), >, 0);
    }
    g_test_message ("%.1f %% loss: %.2f MB/s, Reno's formula %.2f", losses[i] * 100, rate, reno);
    g_assert_cmpfloat (rate, >, 0.8 * reno);
  }
}

/* A queue before the narrowest place: kept full where it is as long as the path, and not given up where it is short. */
static void
test_queue (void)
{
  static const struct {
    gdouble mbit;
    gsize queue;
    gdouble at_least; /* of the rate */
  } cases[] = {{20, 125000, 0.85}, {20, 30000, 0.7}, {100, 625000, 0.85}, {100, 150000, 0.7}, {500, 625000, 0.4}};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const Path path = {.delay = 25 * MS, .rate = cases[i].mbit / 8, .queue = cases[i].queue};
    gdouble rate;
    Run run;

    begin_on (&run, &path, 1);
    rate = transfer (&run, 12, 0);
    end_run (&run);
    g_test_message ("%.0f Mbit/s, queue %" G_GSIZE_FORMAT ": %.2f MB/s", cases[i].mbit, cases[i].queue, rate);
    g_assert_cmpfloat (rate, >, cases[i].at_least * path.rate);
  }
}

/* What ends an association does not wait behind what waits for its time. */
static void
test_end (void)
{
  const Path path = {.delay = 25 * MS};
  Run run;

  begin_on (&run, &path, 1);
  transfer (&run, 1, 0);
  while (!g_sequence_is_empty (run.packets))
    step (&run);
  send_all (&run);
  dc_sctp_association_abort (run.ends[0].association);
  dc_sctp_association_unref (run.ends[0].association);
  while (run.ends[1].state == DC_SCTP_UP)
    step (&run);
  g_assert_cmpint (run.ends[1].state, ==, DC_SCTP_ABORTED);
  dc_sctp_association_unref (run.ends[1].association);
  clear (&run);
}

/* What has left so far does not come. What comes again soon lets the association begin all the same. */
static void
test_first (void)
{
  const Path path = {.delay = 10 * MS};
  gint64 beginning = now;
  Run run;

  begin (&run, &path, 1);
  clear_wire (&run);
  while (run.ends[0].state != DC_SCTP_UP || run.ends[1].state != DC_SCTP_UP)
    step (&run);
  g_assert_cmpint (now - beginning, <, 400 * MS);
  end_run (&run);
}

static gint64
send_one (Run *run, gdouble loss)
{
  static const guint8 message[1000];
  const DcSctpSendInfo info = {.stream = 1, .ppid = 53};
  const guint64 before = run->received;
  const gint64 beginning = now;

  run->path.loss = loss;
  g_assert_cmpint (
      dc_sctp_association_send (run->ends[0].association, &info, message, sizeof message), ==, DC_SCTP_SENT);
  run->path.loss = 0;
  while (run->received == before)
    step (run);
  return now - beginning;
}

/* What is lost after that does not pay for it. */
static void
test_after_first (void)
{
  const Path path = {.delay = 10 * MS};

  for (guint lost = 1; lost <= 2; lost++) {
    gint64 took;
    Run run;

    begin (&run, &path, 1);
    run.path.loss = 1;
    run_until (&run, now + (lost == 1 ? 200 : 600) * MS);
    clear_wire (&run);
    run.path.loss = 0;
    while (run.ends[0].state != DC_SCTP_UP || run.ends[1].state != DC_SCTP_UP)
      step (&run);
    run_until (&run, now + 50 * MS);
    took = send_one (&run, 1);
    g_test_message ("after %u INITs: %d ms", lost, (int) (took / MS));
    g_assert_cmpint (took, <, 500 * MS);
    end_run (&run);
  }
}

/* The last packet of all, after which nothing shows that it is lost, does not cost a second. */
static void
test_tail (void)
{
  const Path path = {.delay = 10 * MS};
  Run run;

  begin_on (&run, &path, 1);
  for (guint lost = 0; lost < 20; lost++) {
    gint64 took = send_one (&run, 1);

    g_test_message ("%d ms", (int) (took / MS));
    g_assert_cmpint (took, <, G_USEC_PER_SEC / 2);
    for (guint i = 0; i < 3; i++)
      g_assert_cmpint (send_one (&run, 0), <, 100 * MS);
  }
  end_run (&run);
}

/* Questions and answers as fast as two ends can make them: none waits to be sent with others. */
static void
test_ping_pong (void)
{
  static const guint8 message[64];
  const Path path = {.delay = 0};
  const DcSctpSendInfo info = {.stream = 1, .ppid = 53};
  Run run;

  begin_on (&run, &path, 1);
  while (!g_sequence_is_empty (run.packets))
    step (&run);
  for (guint i = 0; i < 2000; i++) {
    End *from = &run.ends[i % 2];

    g_assert_cmpint (dc_sctp_association_send (from->association, &info, message, sizeof message), ==, DC_SCTP_SENT);
    g_assert_false (g_sequence_is_empty (run.packets));
    while (!g_sequence_is_empty (run.packets))
      give_packets (&run, ((Packet *) g_sequence_get (g_sequence_get_begin_iter (run.packets)))->to);
  }
  g_assert_cmpuint (run.received, ==, 2000 * sizeof message);
  end_run (&run);
}

/* What waits behind a lost packet comes at once, and is answered by few packets: the first answer, and the others together. */
static void
test_answers (void)
{
  const Path path = {.delay = 10 * MS};
  Run run;

  begin_on (&run, &path, 1);
  while (!g_sequence_is_empty (run.packets))
    step (&run);
  run.asked = g_array_new (FALSE, FALSE, sizeof (gint64));
  for (guint i = 0; i < 12; i++) {
    send_small (&run.ends[0]);
    g_array_append_val (run.asked, now);
  }
  run.packets_sent = 0;
  now += path.delay;
  give_packets (&run, 1);
  g_assert_cmpuint (run.received, ==, 12 * 64);
  /* And an acknowledgement of each two packets. */
  g_assert_cmpuint (run.packets_sent, <=, 6 + 2);
  while (run.n_answered < run.asked->len)
    step (&run);
  g_assert_cmpuint (run.n_in_time, ==, 12);
  g_array_unref (run.asked);
  end_run (&run);
}

/* Of questions that are asked every 2 ms, 28 wait for each that is lost, and as many answers: those that are sent until the third one behind it is
 * known to have come, and it was sent again. So with 1 % of loss each way 0.57 of them are back in time, unless some wait for something else, too. */
static void
test_questions (void)
{
  const Path path = {.delay = 25 * MS, .loss = 0.01};
  gdouble in_time;
  gint64 due;
  Run run;

  begin_on (&run, &path, 1);
  run.asked = g_array_new (FALSE, FALSE, sizeof (gint64));
  for (due = now; run.asked->len < 100000; due += 2 * MS) {
    run_until (&run, due);
    g_array_append_val (run.asked, now);
    send_small (&run.ends[0]);
  }
  while (run.n_answered < run.asked->len)
    step (&run);
  in_time = (gdouble) run.n_in_time / run.n_answered;
  g_test_message ("%.3f in time", in_time);
  g_assert_cmpfloat (in_time, >, 0.53);
  g_array_unref (run.asked);
  end_run (&run);
}

/* Small messages, as fast as they can be sent, are held for a moment; that is one of the test's time, and no thread's. */
static void
test_quick (void)
{
  static const guint8 message[64];
  const Path path = {.delay = 10 * MS};
  const DcSctpSendInfo info = {.stream = 1, .ppid = 53};
  const guint n = 60;
  Run run;

  begin_on (&run, &path, 1);
  send_one (&run, 0);
  while (!g_sequence_is_empty (run.packets))
    step (&run);
  for (guint i = 0; i < n; i++)
    g_assert_cmpint (
        dc_sctp_association_send (run.ends[0].association, &info, message, sizeof message), ==, DC_SCTP_SENT);
  while (run.received < 1000 + n * sizeof message)
    step (&run);
  end_run (&run);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  dc_sctp_stack_stop_clock ();
  g_test_add_func ("/sctp-association-path/long", test_long);
  g_test_add_func ("/sctp-association-path/socket-room", test_socket_room);
  g_test_add_func ("/sctp-association-path/small-room", test_small_room);
  g_test_add_func ("/sctp-association-path/pauses", test_pauses);
  g_test_add_func ("/sctp-association-path/jitter", test_jitter);
  g_test_add_func ("/sctp-association-path/loss", test_loss);
  g_test_add_func ("/sctp-association-path/queue", test_queue);
  g_test_add_func ("/sctp-association-path/end", test_end);
  g_test_add_func ("/sctp-association-path/first", test_first);
  g_test_add_func ("/sctp-association-path/after-first", test_after_first);
  g_test_add_func ("/sctp-association-path/tail", test_tail);
  g_test_add_func ("/sctp-association-path/ping-pong", test_ping_pong);
  g_test_add_func ("/sctp-association-path/answers", test_answers);
  g_test_add_func ("/sctp-association-path/questions", test_questions);
  g_test_add_func ("/sctp-association-path/quick", test_quick);
  return g_test_run ();
}
