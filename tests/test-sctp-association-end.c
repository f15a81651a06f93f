/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sctp-association-end.c: how associations and their streams begin and end, in order, by force, and under the hands of other threads. */
#include "plugins/transport/dc-sctp-stack.h"
#include "tests/sctp-pair.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIB 1024u

static const SctpWire bad_wire = {.delay = 1000, .loss = 0.03, .reordering = 0.05, .repetition = 0.05};

static DcSctpSent
send_now (SctpEnd *end, guint16 stream, const char *text)
{
  DcSctpSendInfo info = {.stream = stream, .ppid = 51};

  return dc_sctp_association_send (end->association, &info, text, strlen (text));
}

/* --- beginnings --- */

/* Both at once, over a wire so long that the INITs meet; and one long after the other, whose INIT was dropped. */
static void
test_both_connect (void)
{
  const SctpWire wire = {.delay = 5000};

  for (guint late = 0; late < 2; late++) {
    SctpPair *pair = sctp_pair_new (NULL, NULL, 1);

    sctp_pair_set_wire (pair, &wire);
    dc_sctp_association_connect (pair->ends[0].association);
    sctp_end_wait_state (&pair->ends[0], DC_SCTP_CONNECTING);
    if (late)
      sctp_end_wait_packets (&pair->ends[0], 2);
    sctp_pair_connect (pair);
    sctp_end_send_pattern (&pair->ends[0], 1, 1, 1000);
    sctp_end_send_pattern (&pair->ends[1], 1, 2, 1000);
    sctp_end_take_pattern (&pair->ends[1], 1, 1, 1000);
    sctp_end_take_pattern (&pair->ends[0], 1, 2, 1000);
    sctp_pair_free (pair);
  }
}

/* Time passes; no packet does. */
static void
advance_until (SctpEnd *end, DcSctpState state)
{
  for (guint ms = 0; dc_sctp_association_get_state (end->association) != state; ms += 10) {
    g_assert_cmpuint (ms, <, 300 * 1000);
    dc_sctp_stack_advance (10);
  }
  sctp_end_wait_state (end, state);
}

static void
test_nobody_there (void)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, 2);

  dc_sctp_association_connect (pair->ends[0].association);
  advance_until (&pair->ends[0], DC_SCTP_ABORTED);
  g_assert_cmpint (send_now (&pair->ends[0], 1, "hello"), ==, DC_SCTP_CLOSED);
  g_assert_cmpuint (sctp_end_get_figures (&pair->ends[0]).packets, >, 5);
  sctp_pair_free (pair);
}

/* --- streams --- */

static guint16
reset_at (GArray *resets, guint i)
{
  return g_array_index (resets, guint16, i);
}

/* What was sent before comes before; when it is over, the stream can be used once more. */
static void
reset_rounds (const SctpWire *wire, guint rounds)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, 3);

  sctp_pair_set_wire (pair, wire);
  sctp_pair_connect (pair);
  for (guint round = 0; round < rounds; round++) {
    for (guint i = 0; i < 30; i++)
      for (guint from = 0; from < 2; from++)
        sctp_end_send_pattern (&pair->ends[from], 3, i, 3000);
    sctp_end_send_pattern (&pair->ends[0], 4, round, 3000);
    for (guint from = 0; from < 2; from++) {
      dc_sctp_association_reset_stream (pair->ends[from].association, 3);
      g_assert_cmpint (send_now (&pair->ends[from], 5, "another"), ==, DC_SCTP_SENT);
    }
    for (guint from = 0; from < 2; from++) {
      sctp_end_wait_reset (&pair->ends[from], round + 1);
      g_assert_cmpuint (sctp_end_get_figures (&pair->ends[from]).messages, >=, (round + 1) * 30 + round);
      sctp_end_wait_was_reset (&pair->ends[from], round + 1);
    }
    sctp_end_wait_messages (&pair->ends[0], (round + 1) * 31);
    sctp_end_wait_messages (&pair->ends[1], (round + 1) * 32);
  }
  for (guint i = 0; i < rounds; i++)
    for (guint from = 0; from < 2; from++) {
      g_assert_cmpuint (reset_at (pair->ends[from].resets, i), ==, 3);
      g_assert_cmpuint (reset_at (pair->ends[from].were_reset, i), ==, 3);
    }
  sctp_pair_free (pair);
}

static void
test_reset (void)
{
  const SctpWire good_wire = {0};

  reset_rounds (&good_wire, 20);
}

static void
test_reset_bad_wire (void)
{
  reset_rounds (&bad_wire, 5);
}

/* Nothing goes on a stream that is being reset, which for want of an answer goes on; other streams do not mind. */
static void
test_reset_closes (void)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, 4);

  sctp_pair_connect (pair);
  sctp_end_cut (&pair->ends[1], TRUE);
  g_assert_cmpint (send_now (&pair->ends[0], 3, "last words"), ==, DC_SCTP_SENT);
  dc_sctp_association_reset_stream (pair->ends[0].association, 3);
  g_assert_cmpint (send_now (&pair->ends[0], 3, "too late"), ==, DC_SCTP_CLOSED);
  g_assert_cmpint (send_now (&pair->ends[0], 4, "another"), ==, DC_SCTP_SENT);
  sctp_end_cut (&pair->ends[1], FALSE);
  sctp_end_wait_was_reset (&pair->ends[0], 1);
  g_assert_cmpint (send_now (&pair->ends[0], 3, "once more"), ==, DC_SCTP_SENT);
  sctp_end_wait_messages (&pair->ends[1], 3);
  sctp_pair_free (pair);
}

/* The messages are held back by the application: the reset is told after the last. */
static void
test_reset_held_back (void)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, 4);

  sctp_pair_connect (pair);
  sctp_end_accept (&pair->ends[1], 1);
  for (guint i = 0; i < 10; i++)
    sctp_end_send_pattern (&pair->ends[0], 9, i, 1000);
  dc_sctp_association_reset_stream (pair->ends[0].association, 9);
  sctp_end_wait_was_reset (&pair->ends[0], 1);
  for (guint n = 1; n <= 10; n++) {
    sctp_end_wait_messages (&pair->ends[1], n);
    g_mutex_lock (&pair->ends[1].lock);
    g_assert_cmpuint (pair->ends[1].resets->len, ==, 0);
    g_mutex_unlock (&pair->ends[1].lock);
    sctp_end_accept (&pair->ends[1], 1);
  }
  sctp_end_wait_reset (&pair->ends[1], 1);
  sctp_pair_free (pair);
}

/* Whether our reset of a stream was answered, rather than sent again and again. */
static gboolean
wait_answered (SctpEnd *end, guint n)
{
  guint packets = sctp_end_get_figures (end).packets;
  gboolean answered;

  g_mutex_lock (&end->lock);
  while (end->were_reset->len < n && end->figures.packets < packets + 3)
    g_cond_wait (&end->changed, &end->lock);
  answered = end->were_reset->len >= n;
  g_mutex_unlock (&end->lock);
  return answered;
}

/* Whoever resets streams of somebody whose messages are held back finds an end to it: each takes some memory. */
static void
test_reset_flood (void)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, 5);
  guint n = 0;

  sctp_pair_connect (pair);
  sctp_end_accept (&pair->ends[1], 1);
  sctp_end_send_pattern (&pair->ends[0], 1, 1, 1000);
  sctp_end_wait_messages (&pair->ends[1], 1);
  do {
    g_assert_cmpuint (n, <, 1100);
    dc_sctp_association_reset_stream (pair->ends[0].association, 2);
  } while (wait_answered (&pair->ends[0], ++n));
  sctp_end_accept (&pair->ends[1], -1);
  sctp_end_wait_was_reset (&pair->ends[0], n);
  sctp_end_wait_reset (&pair->ends[1], n);
  sctp_pair_free (pair);
}

/* Many at a time, of which some were to be before there was an association. */
static void
test_reset_many (void)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, 5);
  gboolean seen[1000] = {FALSE};

  for (guint16 stream = 0; stream < 10; stream++)
    dc_sctp_association_reset_stream (pair->ends[0].association, stream);
  sctp_pair_connect (pair);
  sctp_end_cut (&pair->ends[0], TRUE);
  for (guint16 stream = 10; stream < 1000; stream++) {
    g_assert_cmpint (send_now (&pair->ends[0], stream, "last words"), ==, DC_SCTP_SENT);
    dc_sctp_association_reset_stream (pair->ends[0].association, stream);
    dc_sctp_association_reset_stream (pair->ends[0].association, stream); /* once more does nothing */
  }
  sctp_end_cut (&pair->ends[0], FALSE);
  sctp_end_wait_reset (&pair->ends[1], 1000);
  sctp_end_wait_was_reset (&pair->ends[0], 1000);
  for (guint i = 0; i < 1000; i++) {
    g_assert_false (seen[reset_at (pair->ends[1].resets, i)]);
    seen[reset_at (pair->ends[1].resets, i)] = TRUE;
  }
  g_assert_cmpuint (sctp_end_get_figures (&pair->ends[1]).messages, ==, 990);
  sctp_pair_free (pair);
}

/* --- ends --- */

static void
test_shut (void)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, 6);

  sctp_pair_set_wire (pair, &bad_wire);
  sctp_pair_connect (pair);
  for (guint i = 0; i < 20; i++)
    for (guint from = 0; from < 2; from++)
      sctp_end_send_pattern (&pair->ends[from], 1, i, 20 * KIB);
  dc_sctp_association_shut (pair->ends[0].association);
  g_assert_cmpint (send_now (&pair->ends[0], 1, "too late"), ==, DC_SCTP_CLOSED);
  for (guint i = 0; i < 20; i++)
    for (guint from = 0; from < 2; from++)
      sctp_end_take_pattern (&pair->ends[1 - from], 1, i, 20 * KIB);
  for (guint from = 0; from < 2; from++) {
    sctp_end_wait_state (&pair->ends[from], DC_SCTP_SHUT);
    g_assert_cmpint (send_now (&pair->ends[from], 1, "too late"), ==, DC_SCTP_CLOSED);
  }
  sctp_pair_free (pair);
}

static void
test_abort (void)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, 7);

  sctp_pair_connect (pair);
  dc_sctp_association_abort (pair->ends[0].association);
  sctp_end_wait_state (&pair->ends[0], DC_SCTP_ABORTED);
  sctp_end_wait_state (&pair->ends[1], DC_SCTP_ABORTED);
  for (guint from = 0; from < 2; from++)
    g_assert_cmpint (send_now (&pair->ends[from], 1, "too late"), ==, DC_SCTP_CLOSED);
  sctp_pair_free (pair);
}

/* The ABORT is lost: the next packet of the far side's is answered with another. */
static void
test_abort_lost (void)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, 8);

  sctp_pair_connect (pair);
  sctp_end_cut (&pair->ends[0], TRUE);
  dc_sctp_association_abort (pair->ends[0].association);
  sctp_end_wait_state (&pair->ends[0], DC_SCTP_ABORTED);
  sctp_end_cut (&pair->ends[0], FALSE);
  g_assert_cmpint (send_now (&pair->ends[1], 1, "are you there?"), ==, DC_SCTP_SENT);
  sctp_end_wait_state (&pair->ends[1], DC_SCTP_ABORTED);
  sctp_pair_free (pair);
}

/* What came before the ABORT, and is held back, is given still; the ABORT is known at once. */
static void
test_abort_held_back (void)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, 9);

  sctp_pair_connect (pair);
  sctp_end_accept (&pair->ends[1], 1);
  for (guint i = 0; i < 5; i++)
    sctp_end_send_pattern (&pair->ends[0], 1, i, 1000);
  for (DcSctpStats stats = {.buffered = 1}; stats.buffered > 0;)
    dc_sctp_association_get_stats (pair->ends[0].association, &stats);
  dc_sctp_association_abort (pair->ends[0].association);
  sctp_end_wait_state (&pair->ends[1], DC_SCTP_ABORTED);
  g_assert_cmpuint (sctp_end_get_figures (&pair->ends[1]).messages, ==, 1);
  sctp_end_accept (&pair->ends[1], -1);
  for (guint i = 0; i < 5; i++)
    sctp_end_take_pattern (&pair->ends[1], 1, i, 1000);
  sctp_pair_free (pair);
}

static gpointer
abort_now (gpointer data)
{
  dc_sctp_association_abort (data);
  return NULL;
}

static void
abort_elsewhere_when_up (gpointer state, gpointer data)
{
  SctpEnd *end = data;

  if (GPOINTER_TO_INT (state) == DC_SCTP_UP)
    g_thread_join (g_thread_new ("abort", abort_now, end->association));
}

/* Nobody is told of the end, on another thread, before the beginning, though that takes a while: states go up only. */
static void
test_abort_when_up (void)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, 9);

  pair->ends[0].told = abort_elsewhere_when_up;
  for (guint i = 0; i < 2; i++)
    dc_sctp_association_connect (pair->ends[i].association);
  sctp_end_wait_state (&pair->ends[0], DC_SCTP_ABORTED);
  sctp_pair_free (pair);
}

static gpointer
send_until_closed (gpointer data)
{
  SctpEnd *end = data;
  DcSctpSendInfo info = {.stream = 1, .ppid = 53};
  g_autofree guint8 *bytes = g_malloc0 (64 * KIB);

  while (sctp_end_send_wait (end, end->association, &info, bytes, 64 * KIB) == DC_SCTP_SENT)
    ;
  return NULL;
}

/* The far side is gone: who waits for it gets to know. */
static void
test_gone (void)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, 10);
  GThread *thread;

  sctp_pair_connect (pair);
  for (guint i = 0; i < 2; i++)
    sctp_end_cut (&pair->ends[i], TRUE);
  thread = g_thread_new ("sender", send_until_closed, &pair->ends[0]);
  for (DcSctpStats stats = {0}; stats.buffered < 3 * KIB * KIB;)
    dc_sctp_association_get_stats (pair->ends[0].association, &stats);
  advance_until (&pair->ends[0], DC_SCTP_ABORTED);
  g_thread_join (thread);
  sctp_pair_free (pair);
}

/* --- under the hands of other threads --- */

static gpointer
use_up (gpointer data)
{
  SctpEnd *end = data;
  g_autoptr (DcSctpAssociation) association = end->association;
  DcSctpSendInfo info = {.stream = 1, .ppid = 53};
  g_autofree guint8 *bytes = g_malloc0 (20 * KIB);

  while (sctp_end_send_wait (end, association, &info, bytes, 20 * KIB) == DC_SCTP_SENT)
    ;
  return NULL;
}

/* Aborted by us, by the far side, or let go of, while packets come and threads send. */
static void
test_races (void)
{
  for (guint round = 0; round < 30; round++) {
    SctpPair *pair = sctp_pair_new (NULL, NULL, round);
    GThread *threads[4];

    sctp_pair_connect (pair);
    for (guint i = 0; i < 2; i++)
      pair->ends[i].keep = FALSE;
    for (guint i = 0; i < 4; i++) {
      dc_sctp_association_ref (pair->ends[i % 2].association);
      threads[i] = g_thread_new ("sender", use_up, &pair->ends[i % 2]);
    }
    sctp_end_wait_messages (&pair->ends[1], 1 + round * 10);
    switch (round % 3) {
      case 0:
        dc_sctp_association_abort (pair->ends[0].association);
        break;
      case 1:
        dc_sctp_association_abort (pair->ends[0].association);
        dc_sctp_association_abort (pair->ends[1].association);
        break;
      default:
        sctp_end_hurry (&pair->ends[0]);
        sctp_end_hurry (&pair->ends[1]);
        break;
    }
    if (round % 3 == 2) {
      for (guint i = 0; i < 2; i++) {
        sctp_end_stop (&pair->ends[i]);
        sctp_end_drop_association (&pair->ends[i]);
      }
    }
    for (guint i = 0; i < 4; i++)
      g_thread_join (threads[i]);
    sctp_pair_free (pair);
  }
}

/* A callback on our own thread, as when the far side is gone, lets go of the association. */
static void
drop_on_abort (DcSctpState state, gpointer user_data)
{
  DcSctpAssociation **association = user_data;

  if (state == DC_SCTP_ABORTED)
    g_clear_pointer (association, dc_sctp_association_unref);
}

static void
no_output (DcPacket *packets, guint n, gpointer user_data)
{
}

static void
test_dropped_by_timer (void)
{
  const DcSctpCallbacks callbacks = {.output = no_output, .state = drop_on_abort};
  DcSctpAssociation *association;
  DcSctpSettings settings;

  dc_sctp_settings_init (&settings);
  association = dc_sctp_association_new (&settings, &callbacks, &association, NULL);
  dc_sctp_association_connect (association);
  for (guint ms = 0; g_atomic_pointer_get (&association) != NULL; ms += 10) {
    g_assert_cmpuint (ms, <, 300 * 1000);
    dc_sctp_stack_advance (10);
  }
}

/* --- one after the other --- */

static guint
count_threads (void)
{
  g_autofree char *status = NULL;
  const char *line;

  g_assert_true (g_file_get_contents ("/proc/self/status", &status, NULL, NULL));
  line = strstr (status, "\nThreads:");
  return line != NULL ? (guint) strtoul (line + strlen ("\nThreads:"), NULL, 10) : 0;
}

static void
one_life (guint i)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, i);

  sctp_pair_connect (pair);
  sctp_end_send_pattern (&pair->ends[0], 1, i, 100 * KIB);
  sctp_end_take_pattern (&pair->ends[1], 1, i, 100 * KIB);
  if (i % 3 == 0) {
    dc_sctp_association_shut (pair->ends[0].association);
    sctp_end_wait_state (&pair->ends[1], DC_SCTP_SHUT);
  } else if (i % 3 == 1) {
    dc_sctp_association_abort (pair->ends[0].association);
    sctp_end_wait_state (&pair->ends[1], DC_SCTP_ABORTED);
  }
  sctp_pair_free (pair);
  dc_sctp_stack_advance (1000);
}

static void
test_many_lives (void)
{
  guint threads;
  gsize memory;

  for (guint i = 0; i < 50; i++)
    one_life (i);
  threads = count_threads ();
  memory = mallinfo2 ().uordblks;
  for (guint i = 0; i < 200; i++)
    one_life (i);
  /* The pusher and the pacer of the process may have come late. */
  g_assert_cmpuint (count_threads (), <=, threads + 2);
  /* A lost association would be 200 KiB at least. */
  g_assert_cmpuint (mallinfo2 ().uordblks, <, memory + 400 * KIB);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sctp-association-end/both-connect", test_both_connect);
  g_test_add_func ("/sctp-association-end/nobody-there", test_nobody_there);
  g_test_add_func ("/sctp-association-end/reset", test_reset);
  g_test_add_func ("/sctp-association-end/reset-bad-wire", test_reset_bad_wire);
  g_test_add_func ("/sctp-association-end/reset-closes", test_reset_closes);
  g_test_add_func ("/sctp-association-end/reset-held-back", test_reset_held_back);
  g_test_add_func ("/sctp-association-end/reset-flood", test_reset_flood);
  g_test_add_func ("/sctp-association-end/reset-many", test_reset_many);
  g_test_add_func ("/sctp-association-end/shut", test_shut);
  g_test_add_func ("/sctp-association-end/abort", test_abort);
  g_test_add_func ("/sctp-association-end/abort-lost", test_abort_lost);
  g_test_add_func ("/sctp-association-end/abort-held-back", test_abort_held_back);
  g_test_add_func ("/sctp-association-end/abort-when-up", test_abort_when_up);
  g_test_add_func ("/sctp-association-end/gone", test_gone);
  g_test_add_func ("/sctp-association-end/races", test_races);
  g_test_add_func ("/sctp-association-end/dropped-by-timer", test_dropped_by_timer);
  g_test_add_func ("/sctp-association-end/many-lives", test_many_lives);
  return g_test_run ();
}
