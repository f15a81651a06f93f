/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-udp-vigil.c: when a reader stays awake for a packet. */
#include "plugins/transport/dc-udp-vigil.h"

#define SOON 60 /* µs */
#define LATE 1000

/* Returns the turns until it stays awake; @max: it does not. */
static guint
count_turns (DcUdpVigil *vigil, guint max)
{
  guint n = 0;

  for (; n < max && !dc_udp_vigil_is_worthwhile (vigil); n++)
    dc_udp_vigil_came (vigil, SOON, 64, 1);
  return n;
}

static void
test_conversation (void)
{
  DcUdpVigil vigil;

  dc_udp_vigil_init (&vigil);
  g_assert_false (dc_udp_vigil_is_worthwhile (&vigil));
  g_assert_cmpuint (count_turns (&vigil, 100), ==, 8);
  for (guint i = 0; i < 10000; i++) {
    dc_udp_vigil_came (&vigil, 15, 64, 1 + i % 2);
    g_assert_true (dc_udp_vigil_is_worthwhile (&vigil));
  }
  dc_udp_vigil_came (&vigil, LATE, 64, 1);
  g_assert_false (dc_udp_vigil_is_worthwhile (&vigil));
}

/* What is not a conversation. */
static void
test_others (void)
{
  static const struct {
    gint64 wait_us;
    gsize received;
    guint sent;
  } cases[] = {
      {LATE, 64, 1},    /* a long way */
      {SOON, 64, 0},    /* only they speak */
      {SOON, 64, 64},   /* we send, they acknowledge */
      {SOON, 60000, 1}, /* they send, we acknowledge */
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    DcUdpVigil vigil;

    dc_udp_vigil_init (&vigil);
    for (guint n = 0; n < 1000; n++) {
      dc_udp_vigil_came (&vigil, cases[i].wait_us, cases[i].received, cases[i].sent);
      g_assert_false (dc_udp_vigil_is_worthwhile (&vigil));
    }
    /* And ends one. */
    count_turns (&vigil, 100);
    g_assert_true (dc_udp_vigil_is_worthwhile (&vigil));
    dc_udp_vigil_came (&vigil, cases[i].wait_us, cases[i].received, cases[i].sent);
    g_assert_false (dc_udp_vigil_is_worthwhile (&vigil));
  }
}

/* Answers that always come a little too late. */
static void
test_in_vain (void)
{
  DcUdpVigil vigil;
  guint vain = 0;

  dc_udp_vigil_init (&vigil);
  for (guint n = 0; n < 100000; n++) {
    if (dc_udp_vigil_is_worthwhile (&vigil)) {
      dc_udp_vigil_failed (&vigil);
      vain++;
    }
    dc_udp_vigil_came (&vigil, DC_UDP_VIGIL_US + SOON, 64, 1);
  }
  g_assert_cmpuint (vain, >=, 4);
  g_assert_cmpuint (vain, <=, 30);
}

static void
test_trusted_again (void)
{
  DcUdpVigil vigil;

  dc_udp_vigil_init (&vigil);
  for (guint i = 0; i < 10; i++)
    dc_udp_vigil_failed (&vigil);
  g_assert_cmpuint (count_turns (&vigil, 10000), ==, 4096);
  for (guint i = 0; i < 300; i++)
    dc_udp_vigil_came (&vigil, 15, 64, 1);
  dc_udp_vigil_came (&vigil, LATE, 64, 1);
  g_assert_cmpuint (count_turns (&vigil, 10000), ==, 8);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/udp-vigil/conversation", test_conversation);
  g_test_add_func ("/udp-vigil/others", test_others);
  g_test_add_func ("/udp-vigil/in-vain", test_in_vain);
  g_test_add_func ("/udp-vigil/trusted-again", test_trusted_again);
  return g_test_run ();
}
