/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sctp-lanes.c: messages over several associations at once, on a path that is long, loses, or has a queue; in virtual time. */
#include "plugins/transport/dc-sctp-lanes.h"

#include "plugins/transport/dc-sctp-stack.h"
#include "plugins/transport/dc-stripe.h"

#include <string.h>

#include "tests/virtual-path.h"

#define MESSAGE 65536
#define STREAM 1
#define OTHER_STREAM 2 /* on which messages are not looked at */

typedef struct {
  VirtualPath path;
  DcSctpLanes *lanes[2];
  guint told[2];                /* that messages go on so many */
  guint64 received;             /* bytes, by the second end */
  guint32 n_sent, n_received;   /* messages */
  guint n_resets, n_were_reset; /* of the stream, told to the second end, and to the first */
  gint accepting; /* messages that the second end takes before it says that it wants no more; -1: any number */
} Run;

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
  VirtualEnd *end = user_data;
  Run *run = end->path->user_data;
  gsize size;
  const guint8 *bytes = g_bytes_get_data (message, &size);
  guint32 number;

  if (stream == OTHER_STREAM) {
    g_bytes_unref (message);
    return TRUE;
  }
  g_assert_cmpuint (end->i, ==, 1);
  g_assert_cmpuint (stream, ==, STREAM);
  g_assert_cmpuint (ppid, ==, 53);
  g_assert_cmpuint (size, >=, sizeof number);
  memcpy (&number, bytes, sizeof number);
  g_assert_cmpuint (number, ==, run->n_received++);
  g_assert_cmpuint (size, ==, size_of (number));
  run->received += size;
  g_bytes_unref (message);
  if (run->accepting > 0)
    run->accepting--;
  return run->accepting != 0;
}

static void
input (guint to, const DcPacket *packets, guint n, gpointer user_data)
{
  Run *run = user_data;

  dc_sctp_lanes_input (run->lanes[to], packets, n);
}

/* Each change, once. */
static void
spread_cb (guint lanes, gpointer user_data)
{
  VirtualEnd *end = user_data;
  Run *run = end->path->user_data;

  g_assert_cmpuint (lanes, !=, run->told[end->i]);
  run->told[end->i] = lanes;
}

/* All that was sent before has come before. */
static void
reset_cb (guint16 stream, gpointer user_data)
{
  VirtualEnd *end = user_data;
  Run *run = end->path->user_data;

  g_assert_cmpuint (end->i, ==, 1);
  g_assert_cmpuint (stream, ==, STREAM);
  g_assert_cmpuint (run->n_received, ==, run->n_sent);
  run->n_resets++;
}

static void
was_reset_cb (guint16 stream, gpointer user_data)
{
  VirtualEnd *end = user_data;
  Run *run = end->path->user_data;

  g_assert_cmpuint (end->i, ==, 0);
  g_assert_cmpuint (stream, ==, STREAM);
  run->n_were_reset++;
}

static void
begin (Run *run, const PathKind *kind, guint32 seed)
{
  DcSctpCallbacks callbacks = virtual_path_callbacks ();
  DcSctpSettings settings;

  callbacks.message = message_cb;
  callbacks.reset = reset_cb;
  callbacks.was_reset = was_reset_cb;
  callbacks.spread = spread_cb;
  dc_sctp_settings_init (&settings);
  *run = (Run){.accepting = -1};
  virtual_path_begin (&run->path, kind, seed, input, run);
  for (guint i = 0; i < 2; i++) {
    run->told[i] = 1;
    run->lanes[i] = dc_sctp_lanes_new (&settings, &callbacks, &run->path.ends[i], NULL);
    g_assert_nonnull (run->lanes[i]);
  }
  for (guint i = 0; i < 2; i++)
    dc_sctp_association_connect (dc_sctp_lanes_get_main (run->lanes[i]));
}

static void
send_all (Run *run)
{
  static guint8 message[MESSAGE];
  DcSctpSendInfo info = {.stream = STREAM, .ppid = 53};

  run->path.writable = FALSE;
  for (;;) {
    memcpy (message, &run->n_sent, sizeof run->n_sent);
    if (dc_sctp_lanes_send (run->lanes[0], &info, message, size_of (run->n_sent)) != DC_SCTP_SENT)
      return;
    run->n_sent++;
  }
}

/* As much as it takes, for @seconds. Returns: MB a second that have come. */
static gdouble
transfer (Run *run, guint seconds)
{
  gint64 end = virtual_path_now () + seconds * G_USEC_PER_SEC;
  guint64 before = run->received;

  send_all (run);
  while (virtual_path_now () < end && virtual_path_is_up (&run->path)) {
    if (run->path.writable)
      send_all (run);
    virtual_path_step (&run->path);
  }
  return (gdouble) (run->received - before) / seconds / 1e6;
}

static void
drain (Run *run)
{
  while (run->n_received < run->n_sent)
    virtual_path_step (&run->path);
}

static void
end_run (Run *run)
{
  for (guint i = 0; i < 2; i++) {
    g_assert_cmpuint (dc_sctp_lanes_get_n (run->lanes[i]), ==, run->told[i]);
    dc_sctp_lanes_free (run->lanes[i]);
  }
  virtual_path_end (&run->path);
}

static void
begin_on (Run *run, const PathKind *kind, guint32 seed)
{
  begin (run, kind, seed);
  virtual_path_come_up (&run->path, kind);
}

static void
stripe (Run *run, guint n, gboolean fixed)
{
  for (guint i = 0; i < 2; i++)
    dc_sctp_lanes_allow (run->lanes[i], n);
  dc_sctp_lanes_stripe (run->lanes[0], STREAM, n, fixed);
}

/* --- tests --- */

/* Each lane adds what one has; all is in order. */
static void
test_loss (void)
{
  static const gdouble losses[] = {0.001, 0.01};

  for (guint i = 0; i < G_N_ELEMENTS (losses); i++) {
    const PathKind path = {.delay = 25 * MS, .loss = losses[i]};
    gdouble rates[3];

    for (guint kind = 0; kind < 3; kind++) {
      Run run;

      begin_on (&run, &path, 1);
      if (kind > 0)
        stripe (&run, 8, kind == 1);
      transfer (&run, 20);
      rates[kind] = transfer (&run, 20);
      g_assert_cmpuint (dc_sctp_lanes_get_n (run.lanes[0]), ==, kind == 0 ? 1 : 8);
      drain (&run);
      end_run (&run);
    }
    g_test_message ("%.1f %% loss: %.2f MB/s by one lane, %.2f by eight, %.2f by as many as help", losses[i] * 100,
        rates[0], rates[1], rates[2]);
    g_assert_cmpfloat (rates[1], >, 3.5 * rates[0]);
    g_assert_cmpfloat (rates[2], >, 2.5 * rates[0]);
  }
}

/* Where nothing is lost there is one lane, and it loses nothing by that. */
static void
test_long (void)
{
  const PathKind path = {.delay = 25 * MS};
  Run run;

  begin_on (&run, &path, 1);
  stripe (&run, 8, FALSE);
  transfer (&run, 2);
  g_assert_cmpfloat (transfer (&run, 5), >, 60);
  g_assert_cmpuint (dc_sctp_lanes_get_n (run.lanes[0]), ==, 1);
  end_run (&run);
}

/* Where a path is full, others would only be pushed aside: more lanes do not stay. */
static void
test_full (void)
{
  const PathKind path = {.delay = 25 * MS, .rate = 10 / 8.0, .queue = 60000};
  guint n = 0;
  Run run;

  begin_on (&run, &path, 1);
  stripe (&run, 8, FALSE);
  g_test_message ("%.2f MB/s", transfer (&run, 20));
  for (guint i = 0; i < 20; i++) {
    transfer (&run, 1);
    n += dc_sctp_lanes_get_n (run.lanes[0]) > 1;
  }
  g_assert_cmpuint (n, <=, 8);
  end_run (&run);
}

/* Reordered across lanes of very different luck. */
static void
test_jitter (void)
{
  const PathKind path = {.delay = 20 * MS, .jitter = 60 * MS, .loss = 0.02};
  Run run;

  begin_on (&run, &path, 3);
  stripe (&run, 5, TRUE);
  transfer (&run, 20);
  drain (&run);
  g_assert_cmpint (run.path.ends[0].state, ==, DC_SCTP_UP);
  end_run (&run);
}

/* A lane that stands still for a while holds up what is behind, and no more than fits is under way. */
static void
test_stall (void)
{
  const PathKind path = {.delay = 25 * MS};
  guint32 n_received, n_sent;
  Run run;

  begin_on (&run, &path, 1);
  stripe (&run, 4, TRUE);
  transfer (&run, 2);
  run.path.cut_port = 5002;
  transfer (&run, 1);
  n_received = run.n_received;
  n_sent = run.n_sent;
  transfer (&run, 2);
  g_assert_cmpuint (run.n_received, ==, n_received);
  g_assert_cmpuint (run.n_sent - n_sent, <, 32 * 1024 * 1024 / MESSAGE);
  run.path.cut_port = 0;
  transfer (&run, 10);
  drain (&run);
  g_assert_cmpint (run.path.ends[0].state, ==, DC_SCTP_UP);
  end_run (&run);
}

/* Who takes no more stops all lanes, and loses nothing. */
static void
test_back_pressure (void)
{
  const PathKind path = {.delay = 25 * MS, .loss = 0.001};
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
  dc_sctp_lanes_resume (run.lanes[1]);
  transfer (&run, 3);
  drain (&run);
  g_assert_cmpuint (run.n_sent, >, n_sent);
  end_run (&run);
}

static DcSctpSent
send_one (Run *run)
{
  DcSctpSendInfo info = {.stream = STREAM, .ppid = 53};
  static guint8 message[MESSAGE];
  DcSctpSent sent;

  memcpy (message, &run->n_sent, sizeof run->n_sent);
  sent = dc_sctp_lanes_send (run->lanes[0], &info, message, size_of (run->n_sent));
  run->n_sent += sent == DC_SCTP_SENT;
  return sent;
}

/* Of the main lane: to the last byte. */
static void
fill (Run *run)
{
  static const guint8 message[MESSAGE];
  DcSctpSendInfo info = {.stream = OTHER_STREAM, .ppid = 53};

  run->path.writable = FALSE;
  for (gsize size = MESSAGE; size > 0; size /= 256)
    while (dc_sctp_lanes_send (run->lanes[0], &info, message, size) == DC_SCTP_SENT)
      continue;
}

static void
wait_resets (Run *run, guint n)
{
  while (run->n_resets < n || run->n_were_reset < n)
    virtual_path_step (&run->path);
}

/* The end of a stream comes after all that was sent before, on whatever lane; then it can be used once more. */
static void
test_reset (void)
{
  const PathKind path = {.delay = 25 * MS};
  Run run;

  begin_on (&run, &path, 1);
  for (guint round = 1; round <= 3; round++) {
    stripe (&run, 4, TRUE);
    transfer (&run, 2);
    drain (&run);
    run.path.cut_port = 5000 + (gint) round;
    for (guint i = 0; i < 8; i++)
      g_assert_cmpint (send_one (&run), ==, DC_SCTP_SENT);
    dc_sctp_lanes_reset_stream (run.lanes[0], STREAM);
    g_assert_cmpint (send_one (&run), ==, DC_SCTP_CLOSED);
    virtual_path_run_until (&run.path, virtual_path_now () + 2 * G_USEC_PER_SEC);
    g_assert_cmpuint (run.n_received, <, run.n_sent);
    run.path.cut_port = 0;
    wait_resets (&run, round);
  }
  g_assert_cmpint (send_one (&run), ==, DC_SCTP_SENT);
  drain (&run);
  end_run (&run);
}

/* Likewise where there is no room for another message, though others take all that there comes to be. */
static void
test_reset_full (void)
{
  const PathKind path = {.delay = 25 * MS, .loss = 0.001};
  Run run;

  begin_on (&run, &path, 1);
  stripe (&run, 4, TRUE);
  transfer (&run, 2);
  fill (&run);
  dc_sctp_lanes_reset_stream (run.lanes[0], STREAM);
  g_assert_cmpint (send_one (&run), ==, DC_SCTP_CLOSED);
  while (run.n_resets == 0 || run.n_were_reset == 0) {
    virtual_path_step (&run.path);
    if (run.path.writable)
      fill (&run);
  }
  end_run (&run);
}

/* Who does not allow lanes has the one, and everything comes by it. */
static void
test_refused (void)
{
  const PathKind path = {.delay = 25 * MS, .loss = 0.01};
  Run run;

  begin_on (&run, &path, 1);
  dc_sctp_lanes_stripe (run.lanes[0], STREAM, 4, TRUE);
  transfer (&run, 5);
  g_assert_cmpuint (dc_sctp_lanes_get_n (run.lanes[0]), ==, 1);
  drain (&run);
  g_assert_cmpint (run.path.ends[0].state, ==, DC_SCTP_UP);
  end_run (&run);
}

/* What a lane that is lost has had with it is lost: that is the end of all. */
static void
test_lost (void)
{
  const PathKind path = {.delay = 25 * MS};
  Run run;

  begin_on (&run, &path, 1);
  stripe (&run, 4, TRUE);
  transfer (&run, 2);
  g_assert_cmpuint (dc_sctp_lanes_get_n (run.lanes[0]), ==, 4);
  run.path.cut_port = 5003;
  transfer (&run, 300);
  g_assert_cmpint (run.path.ends[0].state, ==, DC_SCTP_ABORTED);
  end_run (&run);
}

/* Who sends numbers that make no sense is shown out. */
static void
test_hostile (void)
{
  const PathKind path = {.delay = 25 * MS};
  DcSctpSendInfo info = {.stream = STREAM, .ppid = DC_STRIPE_PPID};
  const DcStripeHeader header = {.sequence = 77, .stream = STREAM, .ppid = 53, .is_last = TRUE};
  guint8 piece[DC_STRIPE_HEADER + 1] = {0};
  Run run;

  begin_on (&run, &path, 1);
  dc_stripe_write_header (piece, &header);
  g_assert_cmpint (
      dc_sctp_association_send (dc_sctp_lanes_get_main (run.lanes[0]), &info, piece, sizeof piece), ==, DC_SCTP_SENT);
  while (run.path.ends[0].state == DC_SCTP_UP)
    virtual_path_step (&run.path);
  g_assert_cmpint (run.path.ends[0].state, ==, DC_SCTP_ABORTED);
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
  g_test_add_func ("/sctp-lanes/reset", test_reset);
  g_test_add_func ("/sctp-lanes/reset/full", test_reset_full);
  g_test_add_func ("/sctp-lanes/refused", test_refused);
  g_test_add_func ("/sctp-lanes/lost", test_lost);
  g_test_add_func ("/sctp-lanes/hostile", test_hostile);
  return g_test_run ();
}
