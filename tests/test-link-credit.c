/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-link-credit.c: what may be under way on a link, and when the receiver grants more. */
#include "tests/link-wire.h"

#include <string.h>

static void
test_consumer_that_waits (void)
{
  const DcLinkConfig config = {.window_bytes = 10000, .window_frames = 1000};
  g_autoptr (Wire) wire = wire_new_open (NULL, &config, MS);
  guint n = 0;

  for (; dc_link_can_send (wire->a.link, 0); n++) {
    send_item (&wire->a, new_data (1000), FALSE);
    wire_run (wire, 2 * MS);
  }
  g_assert_cmpuint (n, ==, 9);
  wire_run (wire, 60 * SECOND);
  g_assert_false (dc_link_can_send (wire->a.link, 0));
  g_assert_cmpuint (get_stats (&wire->a).in_flight_bytes, ==, 8 * 1052);
  g_assert_cmpuint (get_stats (&wire->a).items_sent, ==, 8);
  g_assert_cmpuint (get_stats (&wire->b).queued_bytes, ==, 8000);

  wire->b.consume = take_all;
  wire_run (wire, 3 * MS);
  g_assert_true (dc_link_can_send (wire->a.link, 0));
  wire_run (wire, 30 * MS);
  g_assert_cmpuint (wire->b.items->len, ==, 9);
  g_assert_cmpuint (get_stats (&wire->a).in_flight_bytes, ==, 0);
  g_assert_cmpuint (get_stats (&wire->a).items_acked, ==, 9);
  g_assert_cmpuint (get_stats (&wire->b).queued_bytes, ==, 0);
}

static void
test_window_of_frames (void)
{
  const DcLinkConfig config = {.window_frames = 4};
  g_autoptr (Wire) wire = wire_new_open (NULL, &config, MS);

  for (guint i = 0; i < 4; i++)
    send_item (&wire->a, new_data (1), FALSE);
  g_assert_false (dc_link_can_send (wire->a.link, 0));
  wire_run (wire, SECOND);
  g_assert_cmpuint (get_stats (&wire->a).in_flight_frames, ==, 4);
  g_assert_false (dc_link_can_send (wire->a.link, 0));
}

/* Popped is not consumed. */
static void
test_consume_acknowledges (void)
{
  g_autoptr (Wire) wire = wire_new_open (NULL, NULL, MS);
  g_autoptr (DcLinkItem) first = NULL;
  g_autoptr (DcLinkItem) second = NULL;

  send_item (&wire->a, new_data (10), FALSE);
  send_item (&wire->a, new_data (20), FALSE);
  wire_run (wire, 2 * MS);
  first = dc_link_pop (wire->b.link, 0);
  wire_run (wire, 2 * SECOND);
  g_assert_cmpuint (get_stats (&wire->a).items_acked, ==, 0);
  g_assert_cmpuint (get_stats (&wire->b).queued_bytes, ==, 30);
  dc_link_consume (wire->b.link, 0, wire->now);
  second = dc_link_pop (wire->b.link, 0);
  wire_run (wire, 25 * MS);
  g_assert_cmpuint (get_stats (&wire->a).items_acked, ==, 1);
  g_assert_cmpuint (get_stats (&wire->b).queued_bytes, ==, 20);
}

static void
test_credit_timing (void)
{
  const DcLinkConfig config = {.window_bytes = 40000, .window_frames = 40};
  g_autoptr (Wire) wire = wire_new_open (NULL, &config, 0);
  gint64 start = wire->now;

  wire->b.consume = take_all;
  send_item (&wire->a, new_data (100), FALSE);
  wire_run (wire, 0);
  g_assert_cmpint (dc_link_get_deadline (wire->b.link), ==, start + 20 * MS);
  wire_run (wire, 100 * MS);
  g_assert_cmpint (wire->a.last_seen[DC_FRAME_CREDIT], ==, start + 20 * MS);

  start = wire->now;
  send_item (&wire->a, new_data (100), TRUE);
  wire_run (wire, 100 * MS);
  g_assert_cmpint (wire->a.last_seen[DC_FRAME_CREDIT], ==, start);

  start = wire->now;
  send_item (&wire->a, new_data (9948), FALSE); /* 10000 with its head: a quarter */
  wire_run (wire, 100 * MS);
  g_assert_cmpint (wire->a.last_seen[DC_FRAME_CREDIT], ==, start);

  start = wire->now;
  for (guint i = 0; i < 10; i++)
    send_item (&wire->a, new_data (1), FALSE);
  wire_run (wire, 100 * MS);
  g_assert_cmpint (wire->a.last_seen[DC_FRAME_CREDIT], ==, start);
  g_assert_cmpuint (wire->a.frames[DC_FRAME_CREDIT], ==, 4);

  /* One that could wait goes along with what is sent anyway. */
  start = wire->now;
  send_item (&wire->a, new_data (1), FALSE);
  wire_run (wire, 5 * MS);
  send_item (&wire->b, new_data (1), FALSE);
  wire_run (wire, 100 * MS);
  g_assert_cmpint (wire->a.last_seen[DC_FRAME_CREDIT], ==, start + 5 * MS);

  start = wire->now;
  send_item (&wire->a, new_data (100), FALSE);
  dc_link_finish (wire->a.link);
  wire_run (wire, 100 * MS);
  g_assert_cmpint (wire->a.last_seen[DC_FRAME_FIN_ACK], ==, start);
}

typedef struct {
  gsize max_queued, max_in_flight;
  guint max_frames;
} Peaks;

static gint64
take_all_and_watch (Wire *wire, End *end)
{
  Peaks *peaks = end->data;
  DcLinkStats far = get_stats (end == &wire->b ? &wire->a : &wire->b);

  peaks->max_queued = MAX (peaks->max_queued, get_stats (end).queued_bytes);
  peaks->max_in_flight = MAX (peaks->max_in_flight, far.in_flight_bytes);
  peaks->max_frames = MAX (peaks->max_frames, far.in_flight_frames);
  return take_all (wire, end);
}

/* However small the window, the largest item crosses, the window is kept, and the rest does not accumulate. */
static void
test_item_larger_than_window (void)
{
  static const struct {
    guint32 bytes, frames;
  } windows[] = {{1024, 1}, {1024, 1000}, {1100, 2}, {65536, 3}, {100000, 4096}};

  for (guint i = 0; i < G_N_ELEMENTS (windows); i++) {
    const DcLinkConfig config = {.window_bytes = windows[i].bytes, .window_frames = windows[i].frames};
    g_autoptr (Wire) wire = wire_new_open (NULL, &config, MS);
    Peaks peaks = {0};

    wire->b.consume = take_all_and_watch;
    wire->b.data = &peaks;
    send_item (&wire->a, new_data (3), FALSE);
    wire_run (wire, 50 * MS);
    send_item (&wire->a, new_data (500000), FALSE);
    dc_link_finish (wire->a.link);
    wire_run (wire, 100 * SECOND);

    g_assert_cmpuint (wire->b.items->len, ==, 3);
    assert_data (wire->b.items->pdata[1], 500000);
    g_assert_true (dc_link_is_finished (wire->a.link));
    g_assert_cmpuint (peaks.max_in_flight, <=, windows[i].bytes);
    g_assert_cmpuint (peaks.max_frames, <=, windows[i].frames);
    g_assert_cmpuint (peaks.max_queued, <=, windows[i].bytes + 500000);
  }
}

/* Fragments behind items that nobody takes are not acknowledged: memory stays within window and one item. */
static void
test_fragments_behind_a_slow_consumer (void)
{
  const DcLinkConfig config = {.window_bytes = 20000, .max_item = 400000};
  g_autoptr (Wire) wire = wire_new_open (NULL, &config, MS);
  guint n = 0;

  for (; n < 10 && dc_link_can_send (wire->a.link, 0); n++) {
    send_item (&wire->a, new_data (100000), FALSE);
    wire_run (wire, 10 * SECOND);
  }
  g_assert_cmpuint (n, ==, 2);
  g_assert_cmpuint (get_stats (&wire->b).queued_bytes, >, 100000);
  g_assert_cmpuint (get_stats (&wire->b).queued_bytes, <=, 120000);
  g_assert_cmpuint (get_stats (&wire->b).items_received, ==, 1);

  wire->b.consume = take_all;
  wire_run (wire, 10 * SECOND);
  g_assert_cmpuint (wire->b.items->len, ==, 2);
}

static void
test_sequence_wraps (void)
{
  const DcLinkConfig config = {.window_frames = 8, .first_sequence = G_MAXUINT32 - 20};
  g_autoptr (Wire) wire = wire_new_open (&config, &config, MS);

  wire->a.consume = wire->b.consume = take_all;
  for (guint i = 0; i < 100; i++) {
    send_item (&wire->a, new_data (i), FALSE);
    send_item (&wire->b, new_data (i), FALSE);
    wire_run (wire, 10 * MS);
  }
  dc_link_finish (wire->a.link);
  wire_run (wire, SECOND);
  g_assert_cmpuint (wire->b.items->len, ==, 101);
  for (guint i = 0; i < 100; i++)
    assert_data (wire->b.items->pdata[i], i);
  g_assert_cmpuint (get_stats (&wire->a).items_acked, ==, 100);
  g_assert_true (dc_link_is_finished (wire->a.link));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/link/credit/consumer-that-waits", test_consumer_that_waits);
  g_test_add_func ("/link/credit/window-of-frames", test_window_of_frames);
  g_test_add_func ("/link/credit/consume-acknowledges", test_consume_acknowledges);
  g_test_add_func ("/link/credit/timing", test_credit_timing);
  g_test_add_func ("/link/credit/item-larger-than-window", test_item_larger_than_window);
  g_test_add_func ("/link/credit/fragments-behind-a-slow-consumer", test_fragments_behind_a_slow_consumer);
  g_test_add_func ("/link/credit/sequence-wraps", test_sequence_wraps);
  return g_test_run ();
}
