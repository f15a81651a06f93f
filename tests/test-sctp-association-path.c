/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sctp-association-path.c: what an association makes of a path that is long, loses, or has a queue; in virtual time. */
#include "plugins/transport/dc-sctp-stack.h"

#include <math.h>
#include <string.h>

#include "tests/virtual-path.h"

#define MESSAGE 65536
#define MTU 1192.0

typedef struct {
  VirtualPath path;
  DcSctpAssociation *associations[2];
  guint64 received;   /* bytes, by the second end */
  gboolean answering; /* that does */
  GArray *asked;      /* (nullable) (element-type gint64): and these are when it was asked; */
  guint n_answered;   /* of them */
  guint n_in_time;    /* a round trip of the path later, at most */
} Run;

/* --- the ends --- */

static void
send_small (DcSctpAssociation *association)
{
  static const guint8 message[64];
  const DcSctpSendInfo info = {.stream = 1, .ppid = 53};

  g_assert_cmpint (dc_sctp_association_send (association, &info, message, sizeof message), ==, DC_SCTP_SENT);
}

static void
note_asked (Run *run)
{
  gint64 now = virtual_path_now ();

  g_array_append_val (run->asked, now);
}

static void
take_answer (Run *run)
{
  guint i = run->n_answered++;
  gint64 took = run->asked != NULL ? virtual_path_now () - g_array_index (run->asked, gint64, i) : G_MAXINT64;

  if (took <= 2 * run->path.kind.delay + MS)
    run->n_in_time++;
}

static gboolean
message_cb (guint16 stream, guint32 ppid, gboolean unordered, GBytes *message, gpointer user_data)
{
  VirtualEnd *end = user_data;
  Run *run = end->path->user_data;

  if (end->i == 0)
    take_answer (run);
  else
    run->received += g_bytes_get_size (message);
  if (end->i == 1 && run->answering)
    send_small (run->associations[1]);
  g_bytes_unref (message);
  return TRUE;
}

static void
input (guint to, const DcPacket *packets, guint n, gpointer user_data)
{
  Run *run = user_data;

  dc_sctp_association_input (run->associations[to], packets, n);
}

static void
begin (Run *run, const PathKind *kind, guint32 seed)
{
  DcSctpCallbacks callbacks = virtual_path_callbacks ();
  DcSctpSettings settings;

  callbacks.message = message_cb;
  dc_sctp_settings_init (&settings);
  *run = (Run){.received = 0};
  virtual_path_begin (&run->path, kind, seed, input, run);
  for (guint i = 0; i < 2; i++) {
    run->associations[i] = dc_sctp_association_new (&settings, &callbacks, &run->path.ends[i], NULL);
    g_assert_nonnull (run->associations[i]);
  }
  for (guint i = 0; i < 2; i++)
    dc_sctp_association_connect (run->associations[i]);
}

static void
send_all (Run *run)
{
  static const guint8 message[MESSAGE];
  DcSctpSendInfo info = {.stream = 1, .ppid = 53};

  run->path.writable = FALSE;
  while (dc_sctp_association_send (run->associations[0], &info, message, sizeof message) == DC_SCTP_SENT)
    ;
}

/* As much as it takes, for @seconds; the first @pause of each second nothing. Returns: MB a second that have come. */
static gdouble
transfer (Run *run, guint seconds, gint64 pause)
{
  gint64 beginning = virtual_path_now (), end = virtual_path_now () + seconds * G_USEC_PER_SEC;
  guint64 before = run->received;

  run->path.writable = TRUE;
  while (virtual_path_now () < end) {
    if (run->path.writable && (virtual_path_now () - beginning) % G_USEC_PER_SEC >= pause)
      send_all (run);
    virtual_path_step (&run->path);
  }
  return (gdouble) (run->received - before) / seconds / 1e6;
}

static guint64
end_run (Run *run)
{
  DcSctpStats stats;

  dc_sctp_association_get_stats (run->associations[0], &stats);
  for (guint i = 0; i < 2; i++) {
    g_assert_cmpint (run->path.ends[i].state, ==, DC_SCTP_UP);
    dc_sctp_association_unref (run->associations[i]);
  }
  virtual_path_end (&run->path);
  return stats.packets_retransmitted;
}

static void
begin_on (Run *run, const PathKind *kind, guint32 seed)
{
  begin (run, kind, seed);
  virtual_path_come_up (&run->path, kind);
}

/* --- tests --- */

/* 50 ms: the window, which the far side's is the bound of, is full and stays full; nothing is sent twice. */
static void
test_long (void)
{
  const PathKind path = {.delay = 25 * MS};
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
    const PathKind path = {.delay = cases[i].delay};
    DcSctpStats stats;
    Run run;

    begin_on (&run, &path, 1);
    dc_sctp_association_set_socket_room (run.associations[1], cases[i].room * 1024);
    send_all (&run);
    for (gint64 end = virtual_path_now () + 2 * G_USEC_PER_SEC; virtual_path_now () < end;)
      virtual_path_step (&run.path);
    dc_sctp_association_get_stats (run.associations[0], &stats);
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
  static const guint seconds[] = {2, 3};

  for (guint i = 0; i < G_N_ELEMENTS (delays); i++) {
    const PathKind path = {.delay = delays[i], .rate = 200, .queue = 160 * 1024};
    gdouble rate;
    Run run;

    begin_on (&run, &path, 1);
    dc_sctp_association_set_socket_room (run.associations[1], 160 * 1024);
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
  const PathKind path = {.delay = 25 * MS};
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
  const PathKind path = {.delay = 20 * MS, .jitter = 60 * MS};
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
    const PathKind path = {.delay = 25 * MS, .loss = losses[i]};
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
    const PathKind path = {.delay = 25 * MS, .rate = cases[i].mbit / 8, .queue = cases[i].queue};
    gdouble rate;
    Run run;

    begin_on (&run, &path, 1);
    rate = transfer (&run, 12, 0);
    end_run (&run);
    g_test_message ("%.0f Mbit/s, queue %" G_GSIZE_FORMAT ": %.2f MB/s", cases[i].mbit, cases[i].queue, rate);
    g_assert_cmpfloat (rate, >, cases[i].at_least * path.rate);
  }
}

/* The answers to what comes fast leave beside its acknowledgements, which are far more than they. */
static void
test_answers_leave (void)
{
  const PathKind path = {.delay = 25 * MS};
  guint n;
  Run run;

  begin_on (&run, &path, 1);
  run.answering = TRUE;
  transfer (&run, 4, 0);
  n = (guint) (run.received / MESSAGE);
  g_test_message ("%u of %u answers", run.n_answered, n);
  g_assert_cmpuint (run.n_answered, >=, n * 9 / 10);
  g_assert_cmpuint (end_run (&run), ==, 0);
}

/* What ends an association does not wait behind what waits for its time. */
static void
test_end (void)
{
  const PathKind path = {.delay = 25 * MS};
  gint64 beginning;
  Run run;

  begin_on (&run, &path, 1);
  transfer (&run, 1, 0);
  while (!virtual_path_is_empty (&run.path))
    virtual_path_step (&run.path);
  send_all (&run);
  beginning = virtual_path_now ();
  dc_sctp_association_abort (run.associations[0]);
  dc_sctp_association_unref (run.associations[0]);
  while (run.path.ends[1].state == DC_SCTP_UP)
    virtual_path_step (&run.path);
  g_assert_cmpint (run.path.ends[1].state, ==, DC_SCTP_ABORTED);
  g_assert_cmpint (virtual_path_now () - beginning, <=, path.delay + 2 * MS);
  dc_sctp_association_unref (run.associations[1]);
  virtual_path_end (&run.path);
}

/* What has left so far does not come. What comes again soon lets the association begin all the same. */
static void
test_first (void)
{
  const PathKind path = {.delay = 10 * MS};
  gint64 beginning = virtual_path_now ();
  Run run;

  begin (&run, &path, 1);
  virtual_path_drop (&run.path);
  while (!virtual_path_is_up (&run.path))
    virtual_path_step (&run.path);
  g_assert_cmpint (virtual_path_now () - beginning, <, 400 * MS);
  end_run (&run);
}

static gint64
send_one (Run *run, gdouble loss)
{
  static const guint8 message[1000];
  const DcSctpSendInfo info = {.stream = 1, .ppid = 53};
  const guint64 before = run->received;
  const gint64 beginning = virtual_path_now ();

  run->path.kind.loss = loss;
  g_assert_cmpint (dc_sctp_association_send (run->associations[0], &info, message, sizeof message), ==, DC_SCTP_SENT);
  run->path.kind.loss = 0;
  while (run->received == before)
    virtual_path_step (&run->path);
  return virtual_path_now () - beginning;
}

/* What is lost after that does not pay for it. */
static void
test_after_first (void)
{
  const PathKind path = {.delay = 10 * MS};

  for (guint lost = 1; lost <= 2; lost++) {
    gint64 took;
    Run run;

    begin (&run, &path, 1);
    run.path.kind.loss = 1;
    virtual_path_run_until (&run.path, virtual_path_now () + (lost == 1 ? 200 : 600) * MS);
    virtual_path_drop (&run.path);
    run.path.kind.loss = 0;
    while (!virtual_path_is_up (&run.path))
      virtual_path_step (&run.path);
    virtual_path_run_until (&run.path, virtual_path_now () + 50 * MS);
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
  const PathKind path = {.delay = 10 * MS};
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
  const PathKind path = {.delay = 0};
  Run run;

  begin_on (&run, &path, 1);
  while (!virtual_path_is_empty (&run.path))
    virtual_path_step (&run.path);
  for (guint i = 0; i < 2000; i++) {
    send_small (run.associations[i % 2]);
    g_assert_false (virtual_path_is_empty (&run.path));
    while (!virtual_path_is_empty (&run.path))
      virtual_path_give (&run.path);
  }
  g_assert_cmpuint (run.received, ==, 1000 * 64);
  g_assert_cmpuint (run.n_answered, ==, 1000);
  end_run (&run);
}

/* What waits behind a lost packet comes at once, and is answered by few packets: the first answer, and the others together. */
static void
test_answers (void)
{
  const PathKind path = {.delay = 10 * MS};
  Run run;

  begin_on (&run, &path, 1);
  while (!virtual_path_is_empty (&run.path))
    virtual_path_step (&run.path);
  run.asked = g_array_new (FALSE, FALSE, sizeof (gint64));
  run.answering = TRUE;
  for (guint i = 0; i < 12; i++) {
    send_small (run.associations[0]);
    note_asked (&run);
  }
  run.path.n_sent = 0;
  virtual_path_skip (path.delay);
  virtual_path_give (&run.path);
  g_assert_cmpuint (run.received, ==, 12 * 64);
  /* And an acknowledgement of each two packets. */
  g_assert_cmpuint (run.path.n_sent, <=, 6 + 2);
  while (run.n_answered < run.asked->len)
    virtual_path_step (&run.path);
  g_assert_cmpuint (run.n_in_time, ==, 12);
  g_array_unref (run.asked);
  end_run (&run);
}

/* Of questions that are asked every 2 ms, 28 wait for each that is lost, and as many answers: those that are sent until the third one behind it is
 * known to have come, and it was sent again. So with 1 % of loss each way 0.57 of them are back in time, unless some wait for something else, too. */
static void
test_questions (void)
{
  const PathKind path = {.delay = 25 * MS, .loss = 0.01};
  gdouble in_time;
  gint64 due;
  Run run;

  begin_on (&run, &path, 1);
  run.asked = g_array_new (FALSE, FALSE, sizeof (gint64));
  run.answering = TRUE;
  for (due = virtual_path_now (); run.asked->len < 100000; due += 2 * MS) {
    virtual_path_run_until (&run.path, due);
    note_asked (&run);
    send_small (run.associations[0]);
  }
  while (run.n_answered < run.asked->len)
    virtual_path_step (&run.path);
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
  const PathKind path = {.delay = 10 * MS};
  const DcSctpSendInfo info = {.stream = 1, .ppid = 53};
  const guint n = 60;
  Run run;

  begin_on (&run, &path, 1);
  send_one (&run, 0);
  while (!virtual_path_is_empty (&run.path))
    virtual_path_step (&run.path);
  for (guint i = 0; i < n; i++)
    g_assert_cmpint (dc_sctp_association_send (run.associations[0], &info, message, sizeof message), ==, DC_SCTP_SENT);
  while (run.received < 1000 + n * sizeof message)
    virtual_path_step (&run.path);
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
  g_test_add_func ("/sctp-association-path/answers-leave", test_answers_leave);
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
