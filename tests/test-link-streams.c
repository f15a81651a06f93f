/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-link-streams.c: several streams on one link: none starves another, whatever stands still. */
#include "tests/link-wire.h"

#include <string.h>

/* Takes from the streams that @end->data has a bit for. */
static gint64
take_some (Wire *wire, End *end)
{
  guint running = GPOINTER_TO_UINT (end->data);

  for (guint stream = 0; stream < 32; stream++) {
    while ((running & (1u << stream)) && dc_link_has_item (end->link, stream)) {
      g_ptr_array_add (end->items, dc_link_pop (end->link, stream));
      dc_link_consume (end->link, stream, wire->now);
    }
  }
  return -1;
}

static void
set_running (End *end, guint streams)
{
  end->data = GUINT_TO_POINTER (streams);
  end->consume = take_some;
}

/* Until the far side takes no more of it. */
static guint
fill_stream (Wire *wire, guint stream, gsize size)
{
  guint n = 0;

  for (; dc_link_can_send (wire->a.link, stream); n++) {
    send_item (&wire->a, new_data_on (stream, size), FALSE);
    wire_run (wire, 50 * MS);
  }
  return n;
}

static void
test_each_by_itself (void)
{
  g_autoptr (Wire) wire = wire_new_open (NULL, NULL, MS);
  g_autoptr (DcLinkItem) item = NULL;

  send_item (&wire->a, new_data_on (3, 30), FALSE);
  send_item (&wire->a, new_data_on (255, 40), FALSE);
  send_item (&wire->a, new_data_on (3, 31), FALSE);
  wire_run (wire, 2 * MS);
  g_assert_false (dc_link_has_item (wire->b.link, 0));
  g_assert_null (dc_link_pop (wire->b.link, 0));
  item = dc_link_pop (wire->b.link, 255);
  assert_data (item, 40);
  g_assert_cmpuint (item->stream, ==, 255);
  dc_link_consume (wire->b.link, 255, wire->now);
  wire_run (wire, 30 * MS);
  g_assert_cmpuint (get_stats (&wire->a).items_acked, ==, 1);
  g_assert_cmpuint (get_stats (&wire->a).in_flight_frames, ==, 2);
  dc_link_item_free (dc_link_pop (wire->b.link, 3));
  dc_link_consume (wire->b.link, 255, wire->now);
  wire_run (wire, 30 * MS);
  g_assert_cmpuint (get_stats (&wire->a).items_acked, ==, 1);
  dc_link_consume (wire->b.link, 3, wire->now);
  wire_run (wire, 30 * MS);
  g_assert_cmpuint (get_stats (&wire->a).items_acked, ==, 2);
  g_assert_cmpuint (wire->a.frames[DC_FRAME_CREDIT], ==, 2);
}

static void
test_stream_numbers (void)
{
  g_autoptr (Wire) wire = wire_new_open (NULL, NULL, MS);

  g_assert_true (dc_link_can_send (wire->a.link, DC_LINK_MAX_STREAMS - 1));
  g_assert_false (dc_link_can_send (wire->a.link, DC_LINK_MAX_STREAMS));
  g_assert_false (dc_link_has_item (wire->a.link, DC_LINK_MAX_STREAMS));
  g_test_expect_message (NULL, G_LOG_LEVEL_CRITICAL, "*dc_link_send*");
  g_assert_false (dc_link_send (wire->a.link, new_data_on (DC_LINK_MAX_STREAMS, 1), FALSE, NULL));
  g_test_assert_expected_messages ();
}

/* Seven streams that stand still one after the other never leave the eighth without credit. */
static void
test_stalled_streams (void)
{
  static const guint32 windows[] = {1024, 5000, 65536, 1000000};

  for (guint i = 0; i < G_N_ELEMENTS (windows); i++) {
    const DcLinkConfig config = {.session = 1, .window_bytes = windows[i], .max_item = 1000000};
    g_autoptr (Wire) wire = wire_new_open (NULL, &config, MS);

    set_running (&wire->b, 1u << 7);
    for (guint stream = 0; stream < 7; stream++)
      g_assert_cmpuint (fill_stream (wire, stream, 900), >, 0);
    g_assert_cmpuint (get_stats (&wire->a).in_flight_bytes, <=, windows[i] + 7 * DC_FRAME_RESERVE);
    g_assert_cmpuint (wire->b.items->len, ==, 0);

    for (guint n = 0; n < 20; n++) {
      send_item (&wire->a, new_data_on (7, n * 500), FALSE);
      wire_run (wire, SECOND);
      g_assert_cmpuint (wire->b.items->len, ==, n + 1);
      assert_data (wire->b.items->pdata[n], n * 500);
    }

    set_running (&wire->b, 0xff);
    wire_run (wire, SECOND);
    g_assert_cmpuint (get_stats (&wire->a).in_flight_bytes, ==, 0);
  }
}

/* A stream that stands still leaves the others an eighth of the window, not only a frame. */
static void
test_share (void)
{
  g_autoptr (Wire) wire = wire_new_open (NULL, NULL, MS);
  DcLinkStats stats;

  fill_stream (wire, 0, 1000);
  stats = get_stats (&wire->a);
  g_assert_cmpuint (stats.in_flight_bytes, <=, stats.window_bytes / 8 * 7);
  g_assert_cmpuint (stats.in_flight_bytes, >, stats.window_bytes / 8 * 7 - 1100);
  fill_stream (wire, 1, 1000);
  g_assert_cmpuint (
      get_stats (&wire->a).in_flight_bytes - stats.in_flight_bytes, >, stats.window_bytes / 64 * 7 - 1100);
}

static gint64
keep_sending (Wire *wire, End *end)
{
  guint64 *n_left = end->data;

  while (*n_left > 0 && dc_link_can_send (end->link, 1)) {
    send_item (end, new_data_on (1, 10), FALSE);
    --*n_left;
  }
  return -1;
}

/* A million frames pass one that stands still: nothing that is kept grows, and its number is still known. */
static void
test_long_stall (void)
{
  g_autoptr (Wire) wire = wire_new_open (NULL, NULL, MS);
  guint64 n_left = g_test_slow () ? 10000000 : 1000000, n = n_left;
  guint in_flight;

  set_running (&wire->b, 1u << 1);
  g_ptr_array_set_free_func (wire->b.items, (GDestroyNotify) dc_link_item_free);
  send_item (&wire->a, new_data (77), FALSE);
  wire_run (wire, 50 * MS);
  wire->a.data = &n_left;
  wire->a.consume = keep_sending;
  while (n_left > 0 || get_stats (&wire->a).in_flight_frames > 1) {
    wire_run (wire, SECOND);
    g_ptr_array_set_size (wire->b.items, 0);
    in_flight = get_stats (&wire->a).in_flight_frames;
    g_assert_cmpuint (in_flight, <=, 4 * 1024 * 1024 / 256);
  }

  wire->a.consume = NULL;
  wire_lose_channel (wire);
  wire_next_channel (wire);
  g_assert_cmpuint (get_stats (&wire->a).items_acked, ==, n);
}

typedef struct {
  guint64 bulk;      /* bytes of stream 0 since the last of stream 1 */
  guint64 bulk_most; /* the most between two */
} Order;

static void
see_order (End *end, const DcFrame *frame)
{
  Order *order = end->data;

  if (frame->type != DC_FRAME_DATA)
    return;
  if (frame->stream == 0)
    order->bulk += frame->length;
  else {
    order->bulk_most = MAX (order->bulk_most, order->bulk);
    order->bulk = 0;
  }
}

static gint64
send_small (Wire *wire, End *end)
{
  while (dc_link_can_send (end->link, 1))
    send_item (end, new_data_on (1, 200), FALSE);
  return -1;
}

/* An item of 64 MiB, and small ones beside it: each gets in between a few frames of the large one. */
static void
test_fairness (void)
{
  g_autoptr (Wire) wire = wire_new_open (NULL, NULL, 5 * MS);
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_DATA);
  Order order = {0};

  wire->rate = 50 * 1000 * 1000;
  item->payload = g_bytes_new_take (g_malloc0 (64 << 20), 64 << 20);
  send_item (&wire->a, item, FALSE);
  wire->a.consume = send_small;
  wire->b.consume = take_all;
  wire->b.see = see_order;
  wire->b.data = &order;
  /* While the window grows, the large item has something to fill it at once, and the small ones are yet to be made. */
  wire_run (wire, SECOND / 2);
  order.bulk_most = 0;
  wire_run (wire, SECOND / 2);
  g_assert_cmpuint (order.bulk_most, <=, 4 * 65536);
  g_assert_cmpuint (wire->b.items->len, >, 1000);
  /* Bytes, not frames, are what is shared: half each. */
  g_assert_cmpuint (wire->b.items->len * 252u, >, 15 * 1000 * 1000);
  g_assert_cmpuint (get_stats (&wire->b).bytes_received, >, 30 * 1000 * 1000);
}

/* Large items on two streams, whose consumer of the first is away: the second gets through, memory stays within bounds. */
static void
test_fragments_on_streams (void)
{
  const DcLinkConfig config = {.session = 1, .window_bytes = 20000, .max_item = 1000000};
  g_autoptr (Wire) wire = wire_new_open (NULL, &config, MS);

  set_running (&wire->b, 1u << 1);
  send_item (&wire->a, new_data_on (0, 600000), FALSE);
  wire_run (wire, 10 * SECOND);
  g_assert_cmpuint (get_stats (&wire->b).queued_bytes, ==, 600000);
  send_item (&wire->a, new_data_on (1, 400000), FALSE);
  wire_run (wire, 10 * SECOND);
  g_assert_cmpuint (wire->b.items->len, ==, 1);

  /* This one finds no memory as long as the first is not consumed. A small one always does. */
  send_item (&wire->a, new_data_on (1, 400001), FALSE);
  send_item (&wire->a, new_data_on (2, 3900), FALSE);
  set_running (&wire->b, 1u << 1 | 1u << 2);
  wire_run (wire, 10 * SECOND);
  g_assert_cmpuint (wire->b.items->len, ==, 2);
  assert_data (wire->b.items->pdata[1], 3900);
  g_assert_cmpuint (get_stats (&wire->b).queued_bytes, <=, 620000);

  set_running (&wire->b, 7);
  wire_run (wire, 20 * SECOND);
  g_assert_cmpuint (wire->b.items->len, ==, 4);
  g_assert_cmpuint (get_stats (&wire->b).queued_bytes, ==, 0);
}

/* FIN is of the link: it waits for what is queued on every stream, and its FIN-ACK acknowledges all. */
static void
test_finish (void)
{
  g_autoptr (Wire) wire = wire_new_open (NULL, NULL, MS);

  fill_stream (wire, 5, 5000);
  send_item (&wire->a, new_data_on (2, 10), FALSE);
  dc_link_finish (wire->a.link);
  g_assert_false (dc_link_can_send (wire->a.link, 9));
  wire_run (wire, SECOND);
  g_assert_cmpuint (wire->b.frames[DC_FRAME_FIN], ==, 0);
  set_running (&wire->b, 1u << 5);
  wire_run (wire, SECOND);
  g_assert_cmpuint (wire->b.frames[DC_FRAME_FIN], ==, 1);
  g_assert_cmpuint (get_stats (&wire->a).in_flight_frames, ==, 2);
  wire->b.consume = NULL;
  dc_link_item_free (dc_link_pop (wire->b.link, 0));
  dc_link_accept_fin (wire->b.link, wire->now);
  wire_run (wire, SECOND);
  g_assert_true (dc_link_is_finished (wire->a.link));
  g_assert_cmpuint (get_stats (&wire->a).in_flight_frames, ==, 0);

  /* What was not popped is there, and consuming it later tells nothing that is not known. */
  dc_link_item_free (dc_link_pop (wire->b.link, 2));
  dc_link_consume (wire->b.link, 2, wire->now);
  wire_run (wire, SECOND);
  g_assert_true (dc_link_is_open (wire->a.link));
  g_assert_cmpuint (get_stats (&wire->b).queued_bytes, ==, 0);
}

static void
test_discard (void)
{
  const DcLinkConfig config = {.session = 1, .window_bytes = 8000};
  g_autoptr (Wire) wire = wire_new_open (NULL, &config, MS);
  guint n;

  g_assert_cmpuint (dc_link_discard (wire->a.link, 4), ==, 0);
  send_item (&wire->a, new_data_on (4, 20000), FALSE);
  wire_run (wire, 50 * MS);
  fill_stream (wire, 3, 100);
  send_item (&wire->a, new_data_on (6, 100), FALSE);
  for (n = 0; dc_link_can_send (wire->a.link, 6); n++)
    send_item (&wire->a, new_data_on (6, 100), FALSE);
  g_assert_cmpuint (n, >, 0);
  g_assert_cmpuint (dc_link_discard (wire->a.link, 6), ==, n + 1);
  g_assert_cmpuint (dc_link_discard (wire->a.link, 6), ==, 0);
  g_assert_cmpuint (dc_link_discard (wire->a.link, 4), ==, 0); /* begun */

  wire->b.consume = take_all;
  wire_run (wire, SECOND);
  g_assert_cmpuint (get_stats (&wire->a).waiting_bytes, ==, 0);
  g_assert_cmpuint (item_size (wire->b.items->pdata[wire->b.items->len - 1]), ==, 20000);
  dc_link_finish (wire->a.link);
  wire_run (wire, SECOND);
  g_assert_true (dc_link_is_finished (wire->a.link));
}

/* --- one end against a forger --- */

/* A far side that touches every stream costs little, and each can be told. */
static void
test_every_stream (void)
{
  g_autoptr (Forge) forge = forge_new (TRUE);
  GBytes *message;
  guint n_credits = 0;

  for (guint i = 0; i < DC_LINK_MAX_STREAMS; i++) {
    DcFrame frame = make_whole (DC_FRAME_EVENT, FIRST + i, "");

    frame.stream = i;
    forge_add (forge, frame);
  }
  g_assert_true (forge_deliver (forge));
  for (guint i = 0; i < DC_LINK_MAX_STREAMS; i++) {
    dc_link_item_free (dc_link_pop (forge->end.link, i));
    dc_link_consume (forge->end.link, i, 0);
  }
  while ((message = dc_link_poll_transmit (forge->end.link, 0))) {
    gsize size, position = 0;
    const guint8 *data = g_bytes_get_data (message, &size);
    DcFrame frame;

    g_assert_cmpuint (size, <=, 8192);
    while (position < size && dc_frame_parse (data, size, &position, &frame, NULL))
      n_credits += frame.type == DC_FRAME_CREDIT;
    g_bytes_unref (message);
  }
  g_assert_cmpuint (n_credits, ==, DC_LINK_MAX_STREAMS);
}

static void
test_reserve (void)
{
  g_autofree char *text = g_strnfill (4096, 'x');
  g_autoptr (Forge) forge = forge_new (TRUE);
  DcFrame first = make_item (DC_FRAME_DATA, DC_FRAME_FLAG_WHOLE, FIRST, 4044, text, 4044);
  DcFrame second = make_item (DC_FRAME_DATA, DC_FRAME_FLAG_WHOLE, FIRST + 1, 1024 - 52, text, 1024 - 52);
  DcFrame third = make_whole (DC_FRAME_DATA, FIRST + 2, "x");

  second.stream = third.stream = 1;
  forge_add (forge, first);
  forge_add (forge, second);
  g_assert_true (forge_deliver (forge));
  forge_add (forge, third);
  forge_assert_refused (forge, "brings 5173 bytes and 3 frames in flight where the window is 4096 bytes and 16 frames");

  g_clear_pointer (&forge, forge_free);
  forge = forge_new (TRUE);
  second = make_item (DC_FRAME_DATA, DC_FRAME_FLAG_WHOLE, FIRST + 1, 1025 - 52, text, 1025 - 52);
  second.stream = 1;
  forge_add (forge, first);
  forge_add (forge, second);
  forge_assert_refused (forge, "brings 5121 bytes");
}

/* When the reserve has gone beyond the limit, FIN waits for credit too, if its stream has something in flight. */
static void
test_fin_behind_reserve (void)
{
  const DcLinkConfig tight = {.session = 2, .window_bytes = 4096};
  g_autoptr (Wire) wire = wire_new_open (NULL, &tight, MS);

  for (guint stream = 0; stream < 9; stream++)
    send_item (&wire->a, new_data_on (stream, 900), FALSE);
  dc_link_finish (wire->a.link);
  wire_run (wire, SECOND);
  g_assert_null (dc_link_get_error (wire->b.link));
  g_assert_cmpuint (get_stats (&wire->a).in_flight_bytes, >, 4096);
  g_assert_cmpuint (wire->b.frames[DC_FRAME_FIN], ==, 0);
  wire->b.consume = take_all;
  wire_run (wire, SECOND);
  g_assert_true (dc_link_is_finished (wire->a.link));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/link/streams/each-by-itself", test_each_by_itself);
  g_test_add_func ("/link/streams/numbers", test_stream_numbers);
  g_test_add_func ("/link/streams/stalled", test_stalled_streams);
  g_test_add_func ("/link/streams/share", test_share);
  g_test_add_func ("/link/streams/long-stall", test_long_stall);
  g_test_add_func ("/link/streams/fairness", test_fairness);
  g_test_add_func ("/link/streams/fragments", test_fragments_on_streams);
  g_test_add_func ("/link/streams/finish", test_finish);
  g_test_add_func ("/link/streams/discard", test_discard);
  g_test_add_func ("/link/streams/every-one", test_every_stream);
  g_test_add_func ("/link/streams/reserve", test_reserve);
  g_test_add_func ("/link/streams/fin-behind-reserve", test_fin_behind_reserve);
  return g_test_run ();
}
