/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-link-window.c: the window follows what the application consumes and how long the path is. */
#include "tests/link-wire.h"

#define KIB 1024u
#define MIB (1024u * 1024)

/* A source and a consumer. */
typedef struct {
  gsize size;      /* of an item */
  gint64 interval; /* between items that are sent; 0: as fast as it goes */
  gint64 rate;     /* bytes a second that are consumed; 0: any */
  gint64 next;
  guint64 bytes; /* consumed */
  guint n_late;  /* bursts that did not cross in one go */
} Load;

static gint64
source (Wire *wire, End *end)
{
  Load *load = end->data;

  while (dc_link_can_send (end->link, 0) && (load->interval == 0 || wire->now >= load->next)) {
    DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_DATA);

    item->payload = g_bytes_new_take (g_malloc0 (load->size), load->size);
    item->pts = wire->now;
    send_item (end, item, FALSE);
    load->next = wire->now + load->interval;
  }
  return load->interval > 0 && load->next > wire->now ? load->next : -1;
}

static gint64
consumer (Wire *wire, End *end)
{
  Load *load = end->data;

  while (dc_link_has_item (end->link, 0) && wire->now >= load->next) {
    g_autoptr (DcLinkItem) item = dc_link_pop (end->link, 0);

    load->bytes += item_size (item);
    if (wire->now - (gint64) item->pts > wire->delay + 5 * MS)
      load->n_late++;
    dc_link_consume (end->link, 0, wire->now);
    if (load->rate > 0)
      load->next = wire->now + (gint64) item_size (item) * SECOND / load->rate;
  }
  return dc_link_has_item (end->link, 0) ? load->next : -1;
}

static Wire *
new_loaded (Load *from, Load *to, gint64 delay, gint64 rate)
{
  const DcLinkConfig config = {.session = 1, .window_bytes = 16 * MIB};
  Wire *wire = wire_new_open (&config, &config, delay);

  wire->rate = rate;
  wire->a.consume = source;
  wire->a.data = from;
  wire->b.consume = consumer;
  wire->b.data = to;
  return wire;
}

static guint32
get_window (const Wire *wire)
{
  return get_stats (&wire->b).receive_window_bytes;
}

static guint64
run_and_count (Wire *wire, gint64 duration)
{
  Load *load = wire->b.data;
  guint64 before = load->bytes;

  wire_run (wire, duration);
  return load->bytes - before;
}

/* 300 ms, as fast as both ends can: it doubles with nearly each round trip until the bound. */
static void
test_long_path (void)
{
  Load from = {.size = 30000}, to = {0};
  g_autoptr (Wire) wire = new_loaded (&from, &to, 150 * MS, 0);
  guint32 last = get_window (wire);

  g_assert_cmpuint (last, ==, 64 * KIB);
  for (guint round = 0; round < 9; round++) {
    wire_run (wire, 310 * MS);
    g_test_message ("round %u: %u KiB", round, get_window (wire) / KIB);
    if (round > 0)
      g_assert_cmpuint (get_window (wire), >=, MIN (last * 1.7, 16 * MIB));
    last = get_window (wire);
  }
  g_assert_cmpuint (last, ==, 16 * MIB);
}

/* Paths of a certain rate are full, with a window in proportion to what they hold, a few messages apart; also after the round trip had to be
 * measured again because what waits in the path made it longer. */
static void
test_path_is_full (void)
{
  static const struct {
    gint64 delay, rate;
  } paths[] = {{1 * MS, 10 * MIB}, {10 * MS, 20 * MIB}, {50 * MS, 2 * MIB}, {150 * MS, 5 * MIB}, {20 * MS, MIB}};

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    Load from = {.size = 30000}, to = {0};
    g_autoptr (Wire) wire = new_loaded (&from, &to, paths[i].delay, paths[i].rate);
    guint64 product = (2 * paths[i].delay + 20 * MS) * paths[i].rate / SECOND, total = 0;

    wire_run (wire, 5 * SECOND);
    for (guint n = 0; n < 30; n++) {
      guint64 bytes = run_and_count (wire, 5 * SECOND);

      g_test_message ("%d ms, %d KiB/s: window %u KiB, product %u KiB, used %.1f %%", (int) (paths[i].delay / MS),
          (int) (paths[i].rate / KIB), get_window (wire) / KIB, (guint) (product / KIB),
          bytes * 100.0 / (5 * paths[i].rate));
      g_assert_cmpuint (bytes, >, 5 * paths[i].rate * 80 / 100);
      g_assert_cmpuint (get_window (wire), <=, 5 * 64 * KIB + product * 6);
      total += bytes;
    }
    g_assert_cmpuint (total, >, 30 * 5 * paths[i].rate * 97 / 100);
  }
}

/* Whoever reads slowly lets little wait: the window comes down again. */
static void
test_slow_consumer (void)
{
  Load from = {.size = 16000}, to = {0};
  g_autoptr (Wire) wire = new_loaded (&from, &to, 5 * MS, 0);

  wire_run (wire, 3 * SECOND);
  g_assert_cmpuint (get_window (wire), >, MIB);
  to.rate = 500 * 1000;
  wire_run (wire, 60 * SECOND);
  g_test_message ("window %u, queued %" G_GSIZE_FORMAT, get_window (wire), get_stats (&wire->b).queued_bytes);
  g_assert_cmpuint (get_window (wire), <=, 128 * KIB);
  g_assert_cmpuint (get_stats (&wire->b).queued_bytes, <=, 128 * KIB);
  g_assert_cmpuint (run_and_count (wire, 10 * SECOND), >, 10 * 500 * 1000 * 98 / 100);
}

/* 30 items of 100 KiB a second: after the first few each crosses in one go. */
static void
test_bursts (void)
{
  static const gint64 delays[] = {MS, 20 * MS, 150 * MS};

  for (guint i = 0; i < G_N_ELEMENTS (delays); i++) {
    Load from = {.size = 100 * KIB, .interval = SECOND / 30}, to = {0};
    g_autoptr (Wire) wire = new_loaded (&from, &to, delays[i], 0);

    wire_run (wire, 4 * SECOND);
    g_test_message (
        "%d ms: %u late at first, window %u KiB", (int) (delays[i] / MS), to.n_late, get_window (wire) / KIB);
    to.n_late = 0;
    wire_run (wire, 60 * SECOND);
    g_test_message ("%d ms: %u late, window %u KiB", (int) (delays[i] / MS), to.n_late, get_window (wire) / KIB);
    g_assert_cmpuint (to.n_late, ==, 0);
    g_assert_cmpuint (to.bytes, >, 60 * 30 * 100 * KIB);
  }
}

/* Many small items: the frames are what counts. */
static void
test_small_items (void)
{
  Load from = {.size = 10}, to = {0};
  g_autoptr (Wire) wire = new_loaded (&from, &to, 50 * MS, 2 * 1000 * 1000);

  wire_run (wire, 5 * SECOND);
  /* 74 bytes each on the wire. */
  g_assert_cmpuint (run_and_count (wire, 10 * SECOND) / 10, >, 10 * 2000000 / 74 * 93 / 100);
}

static gint64
two_sources (Wire *wire, End *end)
{
  while (dc_link_can_send (end->link, 1))
    send_item (end, new_data_on (1, 30000), FALSE);
  return source (wire, end);
}

static gint64
second_consumer (Wire *wire, End *end)
{
  Load *load = end->data;

  while (dc_link_has_item (end->link, 1)) {
    g_autoptr (DcLinkItem) item = dc_link_pop (end->link, 1);

    load->bytes += item_size (item);
    dc_link_consume (end->link, 1, wire->now);
  }
  return -1;
}

/* A stream beside one that stands still fills the path nevertheless: what stands still does not count against it. */
static void
test_beside_a_stalled_stream (void)
{
  Load from = {.size = 30000}, to = {0};
  g_autoptr (Wire) wire = new_loaded (&from, &to, 50 * MS, 10 * MIB);

  wire->b.consume = NULL;
  wire_run (wire, SECOND);
  wire->a.consume = two_sources;
  wire->b.consume = second_consumer;
  wire_run (wire, 10 * SECOND);
  g_test_message ("window %u KiB", get_window (wire) / KIB);
  g_assert_cmpuint (run_and_count (wire, 10 * SECOND), >, 10 * 10 * MIB * 90 / 100);
  g_assert_cmpuint (get_window (wire), <, 15 * MIB);
}

static void
test_rates (void)
{
  Load from = {.size = 10000, .interval = 10 * MS}, to = {0};
  g_autoptr (Wire) wire = new_loaded (&from, &to, 10 * MS, 0);
  DcLinkStats a, b;

  g_assert_cmpuint (get_stats (&wire->a).send_rate, ==, 0);
  wire_run (wire, 5 * SECOND);
  a = get_stats (&wire->a);
  b = get_stats (&wire->b);
  g_assert_cmpuint (a.send_rate, >, 980 * 1000);
  g_assert_cmpuint (a.send_rate, <, 1020 * 1000);
  g_assert_cmpuint (b.receive_rate, >, 980 * 1000);
  g_assert_cmpuint (b.receive_rate, <, 1020 * 1000);
  g_assert_cmpuint (b.send_rate, ==, 0);
  g_assert_cmpuint (a.buffers_sent, ==, a.items_sent);
  g_assert_cmpint (a.rtt_min, ==, 20 * MS);
  wire->a.consume = NULL;
  wire_run (wire, 5 * SECOND);
  g_assert_cmpuint (get_stats (&wire->a).send_rate, ==, 0);
  g_assert_cmpuint (get_stats (&wire->b).receive_rate, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/link/window/long-path", test_long_path);
  g_test_add_func ("/link/window/path-is-full", test_path_is_full);
  g_test_add_func ("/link/window/slow-consumer", test_slow_consumer);
  g_test_add_func ("/link/window/bursts", test_bursts);
  g_test_add_func ("/link/window/small-items", test_small_items);
  g_test_add_func ("/link/window/beside-a-stalled-stream", test_beside_a_stalled_stream);
  g_test_add_func ("/link/window/rates", test_rates);
  return g_test_run ();
}
