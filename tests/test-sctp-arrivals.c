/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sctp-arrivals.c: packets of SCTP that pass by, and what they tell of what has come here. */
#include "tests/sctp-packets.h"

#define FIRST_TSN 100u

/* The far side says which TSN is its first. */
static void
add_init (SctpPackets *f, guint chunk)
{
  sctp_add_16 (f, chunk << 8);
  sctp_add_16 (f, 20);
  sctp_add_32 (f, 1);
  sctp_add_32 (f, 65536);
  sctp_add_32 (f, 0);
  sctp_add_32 (f, FIRST_TSN);
}

static void
set_up_far (SctpPackets *f, gconstpointer data)
{
  sctp_set_up (f, data);
  sctp_begin (f);
  add_init (f, 1);
  sctp_come (f);
}

static void
come_data (SctpPackets *f, guint flags, guint32 tsn, guint stream, guint32 ppid)
{
  sctp_begin (f);
  sctp_add_data (f, flags, tsn, stream, ppid, 3);
  g_assert_cmpint (sctp_come (f), ==, 0);
}

static void
come_message (SctpPackets *f, guint32 tsn, guint stream)
{
  come_data (f, SCTP_WHOLE, tsn, stream, SCTP_BINARY);
}

static void
assert_waiting (SctpPackets *f, guint stream, guint n)
{
  for (guint i = 0; i < n; i++) {
    g_assert_false (dc_sctp_watch_is_drained (f->watch));
    g_assert_true (dc_sctp_watch_given (f->watch, (guint16) stream) == (i == n - 1));
  }
  g_assert_true (dc_sctp_watch_is_drained (f->watch));
}

static void
test_given (SctpPackets *f, gconstpointer data)
{
  static const guint32 ppids[] = {51, 53, 56, 57};

  g_assert_true (dc_sctp_watch_is_drained (f->watch));
  for (guint i = 0; i < G_N_ELEMENTS (ppids); i++)
    come_data (f, SCTP_WHOLE, FIRST_TSN + i, 1, ppids[i]);
  come_data (f, SCTP_WHOLE, FIRST_TSN + 4, 1, SCTP_DCEP);
  assert_waiting (f, 1, 4);
  /* Nobody asks: no news. */
  come_message (f, FIRST_TSN + 5, 1);
  g_assert_false (dc_sctp_watch_given (f->watch, 1));
}

/* INIT-ACK says it too, and our acknowledgement of what has come before. */
static void
test_first (SctpPackets *f, gconstpointer data)
{
  come_message (f, FIRST_TSN, 1);
  g_assert_true (dc_sctp_watch_is_drained (f->watch));
  sctp_begin (f);
  if (GPOINTER_TO_UINT (data) == 3) {
    sctp_add_sack (f, FIRST_TSN - 1);
    sctp_leave (f);
  } else {
    add_init (f, GPOINTER_TO_UINT (data));
    sctp_come (f);
  }
  come_message (f, FIRST_TSN, 1);
  assert_waiting (f, 1, 1);
}

static void
test_out_of_order (SctpPackets *f, gconstpointer data)
{
  come_data (f, SCTP_END, FIRST_TSN + 2, 1, SCTP_BINARY);
  come_message (f, FIRST_TSN + 3, 2);
  come_data (f, SCTP_MIDDLE, FIRST_TSN + 1, 1, SCTP_BINARY);
  come_message (f, FIRST_TSN + 3, 2);
  g_assert_true (dc_sctp_watch_is_drained (f->watch));
  come_data (f, SCTP_BEGINNING, FIRST_TSN, 1, SCTP_BINARY);
  come_data (f, SCTP_BEGINNING, FIRST_TSN, 1, SCTP_BINARY);
  g_assert_false (dc_sctp_watch_is_drained (f->watch));
  g_assert_false (dc_sctp_watch_given (f->watch, 1));
  assert_waiting (f, 2, 1);
}

/* SCTP gives an unordered one before what is missing has come. */
static void
test_given_early (SctpPackets *f, gconstpointer data)
{
  come_message (f, FIRST_TSN + 1, 1);
  g_assert_false (dc_sctp_watch_given (f->watch, 1));
  g_assert_true (dc_sctp_watch_is_drained (f->watch));
  come_message (f, FIRST_TSN, 2);
  assert_waiting (f, 2, 1);
}

/* Of a message that the far side has given up, something may have come. */
static void
test_skipped (SctpPackets *f, gconstpointer data)
{
  come_data (f, SCTP_BEGINNING, FIRST_TSN, 1, SCTP_BINARY);
  come_data (f, SCTP_END, FIRST_TSN + 2, 1, SCTP_BINARY);
  come_message (f, FIRST_TSN + 3, 2);
  come_message (f, FIRST_TSN + 5, 2);
  sctp_begin (f);
  sctp_add_forward_tsn (f, 192, FIRST_TSN + 4);
  sctp_come (f);
  assert_waiting (f, 2, 2);
}

/* Farther ahead than SCTP takes anything. */
static void
test_far_ahead (SctpPackets *f, gconstpointer data)
{
  come_message (f, FIRST_TSN + 4096, 1);
  come_message (f, FIRST_TSN - 1, 1);
  sctp_begin (f);
  sctp_add_forward_tsn (f, 192, FIRST_TSN + 100000);
  sctp_come (f);
  g_assert_true (dc_sctp_watch_is_drained (f->watch));
  come_message (f, FIRST_TSN + 100001, 1);
  assert_waiting (f, 1, 1);
}

/* What our SCTP has it has, whatever we have seen. */
static void
test_acknowledged (SctpPackets *f, gconstpointer data)
{
  sctp_begin (f);
  sctp_add_sack (f, FIRST_TSN + 9);
  sctp_leave (f);
  come_message (f, FIRST_TSN + 9, 1);
  come_message (f, FIRST_TSN + 10, 1);
  assert_waiting (f, 1, 1);
}

static void
test_forgotten (SctpPackets *f, gconstpointer data)
{
  come_message (f, FIRST_TSN, 1);
  come_message (f, FIRST_TSN + 1, 2);
  come_message (f, FIRST_TSN + 2, 2);
  g_assert_false (dc_sctp_watch_is_drained (f->watch));
  g_assert_false (dc_sctp_watch_forget (f->watch, 1));
  g_assert_true (dc_sctp_watch_forget (f->watch, 2));
  g_assert_true (dc_sctp_watch_is_drained (f->watch));
  /* A new one on the same stream. */
  come_message (f, FIRST_TSN + 3, 2);
  assert_waiting (f, 2, 1);
}

/* With one stream, which is padded; behind a response to a request of ours. */
static void
add_reset_with (SctpPackets *f, guint32 last_tsn, guint32 number)
{
  sctp_add_16 (f, 130 << 8);
  sctp_add_16 (f, 4 + 12 + 18);
  sctp_add_16 (f, 16);
  sctp_add_16 (f, 12);
  sctp_add_32 (f, 1);
  sctp_add_32 (f, 1);
  sctp_add_16 (f, 13);
  sctp_add_16 (f, 18);
  sctp_add_32 (f, number);
  sctp_add_32 (f, 8);
  sctp_add_32 (f, last_tsn);
  sctp_add_16 (f, 1);
  sctp_add_16 (f, 0);
}

static void
add_reset (SctpPackets *f, guint32 last_tsn)
{
  add_reset_with (f, last_tsn, 7);
}

static void
test_reset (SctpPackets *f, gconstpointer data)
{
  come_message (f, FIRST_TSN, 1);
  sctp_begin (f);
  add_reset (f, FIRST_TSN);
  g_assert_cmpint (sctp_come (f), ==, DC_SCTP_PACKET_RESETS);
}

/* A reset that has overtaken data does not count, with all that comes with it, until it comes again. */
static void
test_reset_early (SctpPackets *f, gconstpointer data)
{
  for (guint i = 0; i < 2; i++) {
    sctp_begin (f);
    add_reset (f, FIRST_TSN);
    sctp_add_data (f, SCTP_WHOLE, FIRST_TSN + 1, 1, SCTP_BINARY, 1);
    g_assert_true (dc_sctp_watch_is_early (f->watch, f->packet->data, f->packet->len) == (i == 0));
    if (i == 0) {
      g_assert_cmpint (sctp_come (f), ==, DC_SCTP_PACKET_RESETS | DC_SCTP_PACKET_EARLY);
      come_message (f, FIRST_TSN, 1);
      assert_waiting (f, 1, 1);
    } else
      g_assert_cmpint (sctp_come (f), ==, DC_SCTP_PACKET_RESETS);
  }
  assert_waiting (f, 1, 1);
}

static gboolean
answer (SctpPackets *f, guint32 number)
{
  sctp_begin (f);
  sctp_add_16 (f, 130 << 8);
  sctp_add_16 (f, 4 + 12);
  sctp_add_16 (f, 16);
  sctp_add_16 (f, 12);
  sctp_add_32 (f, number);
  sctp_add_32 (f, 1);
  return sctp_leave (f);
}

static void
come_reset (SctpPackets *f, guint32 last_tsn, guint32 number)
{
  sctp_begin (f);
  add_reset_with (f, last_tsn, number);
  sctp_come (f);
}

/* Who hangs up before the far side has its answer leaves it with a channel that is neither open nor closed. */
static void
test_reset_answered (SctpPackets *f, gconstpointer data)
{
  come_reset (f, FIRST_TSN, 7);
  g_assert_false (dc_sctp_watch_owes_answer (f->watch)); /* it was early */
  come_message (f, FIRST_TSN, 1);
  come_reset (f, FIRST_TSN, 7);
  g_assert_true (dc_sctp_watch_owes_answer (f->watch));
  g_assert_false (answer (f, 6));
  g_assert_true (dc_sctp_watch_owes_answer (f->watch));
  g_assert_true (answer (f, 7));
  /* It is on its way. */
  g_assert_true (dc_sctp_watch_owes_answer (f->watch));
  g_assert_true (dc_sctp_watch_answered (f->watch));
  g_assert_false (dc_sctp_watch_owes_answer (f->watch));
  g_assert_false (answer (f, 7));
  /* Another comes while the answer leaves. */
  come_reset (f, FIRST_TSN, 7);
  g_assert_true (answer (f, 7));
  come_reset (f, FIRST_TSN, 8);
  g_assert_true (dc_sctp_watch_owes_answer (f->watch));
  g_assert_false (dc_sctp_watch_answered (f->watch));
  g_assert_true (answer (f, 8));
  g_assert_true (dc_sctp_watch_answered (f->watch));
  /* Nobody asks: no news. */
  come_reset (f, FIRST_TSN, 7);
  g_assert_true (answer (f, 7));
  g_assert_false (dc_sctp_watch_answered (f->watch));
  g_assert_false (dc_sctp_watch_owes_answer (f->watch));
}

/* Other parameters, and one that is cut off. */
static void
test_no_reset (SctpPackets *f, gconstpointer data)
{
  sctp_begin (f);
  add_reset (f, FIRST_TSN + 5);
  f->packet->data[12 + 4 + 12 + 3] = 15;
  g_assert_cmpint (sctp_come (f), ==, 0);
  add_reset (f, FIRST_TSN + 5);
  f->packet->data[12 + 4 + 12 + 1] = 14;
  g_assert_cmpint (sctp_come (f), ==, 0);
}

#define ADD(path, function) g_test_add (path, SctpPackets, NULL, set_up_far, function, sctp_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/sctp-arrivals/given", test_given);
  g_test_add ("/sctp-arrivals/first/init", SctpPackets, GUINT_TO_POINTER (1), sctp_set_up, test_first, sctp_tear_down);
  g_test_add (
      "/sctp-arrivals/first/init-ack", SctpPackets, GUINT_TO_POINTER (2), sctp_set_up, test_first, sctp_tear_down);
  g_test_add ("/sctp-arrivals/first/sack", SctpPackets, GUINT_TO_POINTER (3), sctp_set_up, test_first, sctp_tear_down);
  ADD ("/sctp-arrivals/out-of-order", test_out_of_order);
  ADD ("/sctp-arrivals/given-early", test_given_early);
  ADD ("/sctp-arrivals/skipped", test_skipped);
  ADD ("/sctp-arrivals/far-ahead", test_far_ahead);
  ADD ("/sctp-arrivals/acknowledged", test_acknowledged);
  ADD ("/sctp-arrivals/forgotten", test_forgotten);
  ADD ("/sctp-arrivals/reset", test_reset);
  ADD ("/sctp-arrivals/reset/early", test_reset_early);
  ADD ("/sctp-arrivals/reset/answered", test_reset_answered);
  ADD ("/sctp-arrivals/reset/none", test_no_reset);
  return g_test_run ();
}
