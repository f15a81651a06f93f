/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sctp-association-size.c: messages of up to the size that was agreed come whole, and longer ones end the association before they have come. */
#include "tests/sctp-pair.h"

#define KIB 1024u
#define MIB (1024u * 1024)
#define MTU 1172u

static SctpPair *
new_pair (guint32 first, guint32 second, guint32 seed)
{
  DcSctpSettings settings[2];

  for (guint i = 0; i < 2; i++)
    dc_sctp_settings_init (&settings[i]);
  settings[0].max_message_size = first;
  settings[1].max_message_size = second;
  return sctp_pair_new (&settings[0], &settings[1], seed);
}

/* Both ways at once, and short ones between. */
static void
exchange (SctpPair *pair, const gsize *sizes, guint n)
{
  for (guint i = 0; i < n; i++)
    for (guint end = 0; end < 2; end++)
      sctp_end_send_pattern (&pair->ends[end], 1, i, sizes[i]);
  for (guint i = 0; i < n; i++)
    for (guint end = 0; end < 2; end++)
      sctp_end_take_pattern (&pair->ends[end], 1, i, sizes[i]);
}

static void
test_largest (void)
{
  static const gsize sizes[] = {4 * MIB, 1, 4 * MIB - 1, 1 * MIB, 4 * MIB};
  SctpPair *pair = new_pair (4 * MIB, 4 * MIB, 1);

  sctp_pair_connect (pair);
  exchange (pair, sizes, G_N_ELEMENTS (sizes));
  sctp_pair_free (pair);
}

static void
test_bad_wire (void)
{
  static const SctpWire wire = {.delay = 1000, .loss = 0.01, .reordering = 0.02, .repetition = 0.01};
  static const gsize sizes[] = {2 * MIB, 100, 2 * MIB, 1 * MIB};
  SctpPair *pair = new_pair (2 * MIB, 2 * MIB, 2);

  sctp_pair_set_wire (pair, &wire);
  sctp_pair_connect (pair);
  exchange (pair, sizes, G_N_ELEMENTS (sizes));
  sctp_pair_free (pair);
}

/* One takes more than the other. */
static void
test_one_way (void)
{
  SctpPair *pair = new_pair (256 * KIB, 4 * MIB, 3);

  sctp_pair_connect (pair);
  sctp_end_send_pattern (&pair->ends[0], 1, 1, 4 * MIB);
  sctp_end_take_pattern (&pair->ends[1], 1, 1, 4 * MIB);
  sctp_end_send_pattern (&pair->ends[1], 1, 2, 256 * KIB);
  sctp_end_take_pattern (&pair->ends[0], 1, 2, 256 * KIB);
  sctp_pair_free (pair);
}

/* @size: longer than @limit, which the far side does not know. What is before it is given. */
static void
check_refused (guint32 limit, gsize size)
{
  SctpPair *pair = new_pair (16 * MIB, limit, 4);

  sctp_pair_connect (pair);
  sctp_end_send_pattern (&pair->ends[0], 1, 1, limit);
  sctp_end_send_pattern (&pair->ends[0], 1, 2, size);
  sctp_end_wait_state (&pair->ends[1], DC_SCTP_ABORTED);
  sctp_end_wait_state (&pair->ends[0], DC_SCTP_ABORTED);
  sctp_end_take_pattern (&pair->ends[1], 1, 1, limit);
  g_assert_cmpuint (sctp_end_get_figures (&pair->ends[1]).messages, ==, 1);
  g_assert_true (dc_sctp_association_got_too_long (pair->ends[1].association));
  g_assert_false (dc_sctp_association_got_too_long (pair->ends[0].association));
  sctp_pair_free (pair);
}

static void
test_refused (void)
{
  check_refused (64 * KIB, 64 * KIB + 1);
  check_refused (256 * KIB, 256 * KIB + 1);
  check_refused (256 * KIB, 300 * KIB);
  check_refused (1 * MIB, 1 * MIB + 1);
}

/* It need not have come whole: the window alone would let 6 MiB in. */
static void
test_refused_early (void)
{
  SctpPair *pair = new_pair (16 * MIB, 256 * KIB, 5);

  sctp_pair_connect (pair);
  sctp_end_send_pattern (&pair->ends[0], 1, 1, 16 * MIB);
  sctp_end_wait_state (&pair->ends[1], DC_SCTP_ABORTED);
  sctp_end_wait_state (&pair->ends[0], DC_SCTP_ABORTED);
  g_assert_true (dc_sctp_association_got_too_long (pair->ends[1].association));
  g_assert_cmpuint (sctp_end_get_figures (&pair->ends[1]).messages, ==, 0);
  g_assert_cmpuint (sctp_end_get_figures (&pair->ends[0]).packets, <, 8 * MIB / MTU);
  sctp_pair_free (pair);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sctp-association-size/largest", test_largest);
  g_test_add_func ("/sctp-association-size/bad-wire", test_bad_wire);
  g_test_add_func ("/sctp-association-size/one-way", test_one_way);
  g_test_add_func ("/sctp-association-size/refused", test_refused);
  g_test_add_func ("/sctp-association-size/refused-early", test_refused_early);
  return g_test_run ();
}
