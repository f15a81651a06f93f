/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-link.c: the link protocol, two ends on a wire in virtual time, and one end against forged frames. */
#include "plugins/link/dc-frame.h"
#include "plugins/link/dc-link.h"

#include <string.h>

#define MS G_TIME_SPAN_MILLISECOND
#define SECOND G_TIME_SPAN_SECOND

/*
 * The wire: what one end transmits arrives at the other `delay` later, in order. Time jumps from one arrival or
 * deadline to the next. `consume` of an end is its application: it is called after every step and says when it wants to
 * be called again.
 */
typedef struct {
  gint64 at;
  GBytes *message;
} Flight;

typedef struct _Wire Wire;
typedef struct _End End;
struct _End {
  DcLink *link;
  GQueue *incoming;                             /* of Flight */
  gint64 (*consume) (Wire *wire, End *end);     /* or NULL */
  void (*see) (End *end, const DcFrame *frame); /* every frame that arrives here */
  guint frames[DC_FRAME_FIN + 1];               /* seen, by type */
  gint64 last_seen[DC_FRAME_FIN + 1];
  GPtrArray *items; /* popped, by take_all() */
  gsize max_message_size;
  gpointer data;
};

struct _Wire {
  gint64 now, delay;
  End a, b;
  gboolean cut; /* nothing arrives */
};

static void
flight_free (Flight *flight)
{
  g_bytes_unref (flight->message);
  g_free (flight);
}

static void
end_init (End *end, const DcLinkConfig *config, gint64 now)
{
  end->link = dc_link_new (config, now);
  end->incoming = g_queue_new ();
  end->items = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_link_item_free);
}

static void
end_clear (End *end)
{
  dc_link_free (end->link);
  g_queue_free_full (end->incoming, (GDestroyNotify) flight_free);
  g_ptr_array_unref (end->items);
}

static Wire *
wire_new (const DcLinkConfig *a, const DcLinkConfig *b, gint64 delay)
{
  static const DcLinkConfig defaults = {.session = 1};
  Wire *wire = g_new0 (Wire, 1);

  wire->now = 1000 * SECOND;
  wire->delay = delay;
  end_init (&wire->a, a ? a : &defaults, wire->now);
  end_init (&wire->b, b ? b : &defaults, wire->now);
  return wire;
}

static void
wire_free (Wire *wire)
{
  end_clear (&wire->a);
  end_clear (&wire->b);
  g_free (wire);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Wire, wire_free)

static void
look (Wire *wire, End *end, GBytes *message)
{
  gsize size, position = 0;
  const guint8 *data = g_bytes_get_data (message, &size);

  end->max_message_size = MAX (end->max_message_size, size);
  while (position < size) {
    g_autoptr (GError) error = NULL;
    DcFrame frame;

    dc_frame_parse (data, size, &position, &frame, &error);
    g_assert_no_error (error);
    end->frames[frame.type]++;
    end->last_seen[frame.type] = wire->now;
    if (end->see)
      end->see (end, &frame);
  }
}

static void
transmit (Wire *wire, End *from, End *to)
{
  GBytes *message;

  while ((message = dc_link_poll_transmit (from->link, wire->now))) {
    Flight *flight = g_new (Flight, 1);

    *flight = (Flight){wire->now + wire->delay, message};
    g_queue_push_tail (to->incoming, flight);
  }
}

static gint64
earlier (gint64 a, gint64 b)
{
  if (a < 0 || b < 0)
    return MAX (a, b);
  return MIN (a, b);
}

static void
deliver (Wire *wire, End *end)
{
  Flight *flight;

  while ((flight = g_queue_peek_head (end->incoming)) && flight->at <= wire->now) {
    g_queue_pop_head (end->incoming);
    if (!wire->cut) {
      look (wire, end, flight->message);
      dc_link_receive (end->link, flight->message, wire->now, NULL);
    }
    flight_free (flight);
  }
  dc_link_advance (end->link, wire->now);
}

/* One moment at one end; when it wants the next, or -1. */
static gint64
step (Wire *wire, End *end, End *other)
{
  gint64 next = -1;
  Flight *flight;

  deliver (wire, end);
  if (end->consume)
    next = end->consume (wire, end);
  transmit (wire, end, other);

  next = earlier (next, dc_link_get_deadline (end->link));
  if ((flight = g_queue_peek_head (end->incoming)))
    next = earlier (next, flight->at);
  return next;
}

static void
wire_run (Wire *wire, gint64 duration)
{
  gint64 end = wire->now + duration;

  for (;;) {
    gint64 next = step (wire, &wire->a, &wire->b);

    next = earlier (next, step (wire, &wire->b, &wire->a));
    next = earlier (next, g_queue_is_empty (wire->a.incoming) ? -1 : ((Flight *) wire->a.incoming->head->data)->at);
    if (next > wire->now + 1000 * SECOND || next < 0 || next > end)
      break;
    wire->now = MAX (next, wire->now);
  }
  wire->now = end;
}

/* The application that takes everything at once. */
static gint64
take_all (Wire *wire, End *end)
{
  DcLinkItem *item;

  while ((item = dc_link_pop (end->link))) {
    g_ptr_array_add (end->items, item);
    dc_link_consume (end->link, wire->now);
    if (item->kind == DC_LINK_ITEM_FIN)
      dc_link_accept_fin (end->link, wire->now);
  }
  return -1;
}

static Wire *
wire_new_open (const DcLinkConfig *a, const DcLinkConfig *b, gint64 delay)
{
  Wire *wire = wire_new (a, b, delay);

  wire_run (wire, delay + MS);
  g_assert_true (dc_link_is_open (wire->a.link));
  g_assert_true (dc_link_is_open (wire->b.link));
  return wire;
}

static GBytes *
new_pattern (gsize size, guint8 first)
{
  guint8 *data = g_malloc (MAX (size, 1));

  for (gsize i = 0; i < size; i++)
    data[i] = first + i + (i >> 8) * 7;
  return g_bytes_new_take (data, size);
}

static DcLinkItem *
new_data (gsize size)
{
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_DATA);

  item->payload = new_pattern (size, size);
  return item;
}

static DcLinkItem *
new_caps (const char *caps)
{
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_CAPS);

  item->payload = g_bytes_new (caps, strlen (caps));
  return item;
}

static void
send_item (End *end, DcLinkItem *item, gboolean ack_now)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (dc_link_can_send (end->link));
  dc_link_send (end->link, item, ack_now, &error);
  g_assert_no_error (error);
}

static gsize
item_size (const DcLinkItem *item)
{
  return item->payload ? g_bytes_get_size (item->payload) : 0;
}

static void
assert_payload (const DcLinkItem *item, GBytes *payload)
{
  g_assert_cmpmem (g_bytes_get_data (item->payload, NULL), item_size (item), g_bytes_get_data (payload, NULL),
      g_bytes_get_size (payload));
}

static void
assert_data (const DcLinkItem *item, gsize size)
{
  g_autoptr (GBytes) payload = new_pattern (size, size);

  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_DATA);
  assert_payload (item, payload);
}

static DcLinkStats
get_stats (const End *end)
{
  DcLinkStats stats;

  dc_link_get_stats (end->link, &stats);
  return stats;
}

static void
assert_link_error (const End *end, DcLinkError code, const char *part)
{
  const GError *error = dc_link_get_error (end->link);

  g_assert_error (error, DC_LINK_ERROR, (int) code);
  g_test_message ("%s", error->message);
  if (!strstr (error->message, part))
    g_error ("\"%s\" is not in \"%s\"", part, error->message);
  g_assert_null (strchr (error->message, '\n'));
  g_assert_false (dc_link_is_open (end->link));
  g_assert_false (dc_link_can_send (end->link));
}

/* --- what crosses --- */

static void
test_open (void)
{
  g_autoptr (Wire) wire = wire_new (NULL, NULL, 10 * MS);

  g_assert_false (dc_link_can_send (wire->a.link));
  wire_run (wire, 9 * MS);
  g_assert_false (dc_link_is_open (wire->a.link));
  wire_run (wire, 2 * MS);
  g_assert_true (dc_link_is_open (wire->a.link));
  g_assert_true (dc_link_can_send (wire->b.link));
  g_assert_cmpuint (get_stats (&wire->a).window_bytes, ==, 4 * 1024 * 1024);
}

static void
test_every_kind (void)
{
  g_autoptr (Wire) wire = wire_new_open (NULL, NULL, MS);
  DcLinkItem *item;

  wire->b.consume = take_all;
  item = new_caps ("audio/x-raw, läyout=(string)interleaved");
  item->stream = 3;
  send_item (&wire->a, item, FALSE);
  item = dc_link_item_new (DC_LINK_ITEM_SEGMENT);
  item->stream = 3;
  item->segment = (DcLinkSegment){1, 3, -2.5, 0.1, 1, 2, 3, DC_LINK_NONE, 5, 6, 7};
  send_item (&wire->a, item, FALSE);
  item = new_data (100);
  item->stream = 3;
  item->flags = DC_LINK_FLAG_DISCONT | DC_LINK_FLAG_TEXT;
  item->pts = 123456789012345;
  item->duration = 20;
  item->offset_end = 0;
  send_item (&wire->a, item, FALSE);
  send_item (&wire->a, dc_link_item_new (DC_LINK_ITEM_DATA), FALSE);
  item = dc_link_item_new (DC_LINK_ITEM_EVENT);
  item->event = DC_LINK_EVENT_EOS;
  item->stream = 65535;
  send_item (&wire->a, item, FALSE);
  wire_run (wire, 2 * MS);

  g_assert_cmpuint (wire->b.items->len, ==, 5);
  item = wire->b.items->pdata[0];
  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_CAPS);
  g_assert_cmpmem (
      g_bytes_get_data (item->payload, NULL), item_size (item), "audio/x-raw, läyout=(string)interleaved", 40);
  item = wire->b.items->pdata[1];
  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_SEGMENT);
  g_assert_cmpint (item->stream, ==, 3);
  g_assert_cmpfloat (item->segment.rate, ==, -2.5);
  g_assert_cmpfloat (item->segment.applied_rate, ==, 0.1);
  g_assert_cmpuint (item->segment.stop, ==, DC_LINK_NONE);
  g_assert_cmpuint (item->segment.duration, ==, 7);
  item = wire->b.items->pdata[2];
  assert_data (item, 100);
  g_assert_cmpuint (item->flags, ==, DC_LINK_FLAG_DISCONT | DC_LINK_FLAG_TEXT);
  g_assert_cmpuint (item->pts, ==, 123456789012345);
  g_assert_cmpuint (item->dts, ==, DC_LINK_NONE);
  g_assert_cmpuint (item->duration, ==, 20);
  g_assert_cmpuint (item->offset_end, ==, 0);
  item = wire->b.items->pdata[3];
  g_assert_nonnull (item->payload);
  g_assert_cmpuint (item_size (item), ==, 0);
  item = wire->b.items->pdata[4];
  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_EVENT);
  g_assert_cmpuint (item->event, ==, DC_LINK_EVENT_EOS);
  g_assert_cmpuint (item->stream, ==, 65535);

  wire_run (wire, 30 * MS);
  g_assert_cmpuint (get_stats (&wire->a).items_sent, ==, 5);
  g_assert_cmpuint (get_stats (&wire->a).items_acked, ==, 5);
  g_assert_cmpuint (get_stats (&wire->a).bytes_sent, ==, 100);
  g_assert_cmpuint (get_stats (&wire->b).items_received, ==, 5);
  g_assert_cmpuint (get_stats (&wire->b).bytes_received, ==, 100);
}

/* Small items that wait together share a message; one that would not fit whole waits for the next. */
static void
test_coalescing (void)
{
  g_autoptr (Wire) wire = wire_new_open (NULL, NULL, MS);
  guint64 before = get_stats (&wire->a).messages_sent;

  wire->b.consume = take_all;
  for (guint i = 0; i < 100; i++)
    send_item (&wire->a, new_data (200), FALSE);
  send_item (&wire->a, new_data (60000), FALSE);
  wire_run (wire, 2 * MS);

  g_assert_cmpuint (wire->b.items->len, ==, 101);
  assert_data (wire->b.items->pdata[99], 200);
  assert_data (wire->b.items->pdata[100], 60000);
  g_assert_cmpuint (wire->b.frames[DC_FRAME_DATA], ==, 101);
  g_assert_cmpuint (get_stats (&wire->a).messages_sent - before, ==, 2);
}

/* A payload that is most of its message is not copied. */
static void
test_zero_copy (void)
{
  g_autoptr (Wire) wire = wire_new_open (NULL, NULL, MS);
  g_autoptr (GBytes) message = NULL;
  g_autoptr (DcLinkItem) item = NULL;
  const guint8 *data, *payload;
  gsize size;

  send_item (&wire->a, new_data (5000), FALSE);
  message = dc_link_poll_transmit (wire->a.link, wire->now);
  dc_link_receive (wire->b.link, message, wire->now, NULL);
  item = dc_link_pop (wire->b.link);
  assert_data (item, 5000);
  data = g_bytes_get_data (message, &size);
  payload = g_bytes_get_data (item->payload, NULL);
  g_assert_true (payload > data && payload + 5000 == data + size);
}

static void
test_fragments (void)
{
  static const gsize sizes[] = {65472, 65473, 65536, 200000, 5000000, 1};
  g_autoptr (Wire) wire = wire_new_open (NULL, NULL, MS);
  g_autofree char *text = g_strnfill (300000, 'x');

  wire->b.consume = take_all;
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    send_item (&wire->a, new_data (sizes[i]), FALSE);
    wire_run (wire, SECOND);
  }
  send_item (&wire->a, new_caps (text), FALSE);
  wire_run (wire, SECOND);

  g_assert_cmpuint (wire->b.items->len, ==, G_N_ELEMENTS (sizes) + 1);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    assert_data (wire->b.items->pdata[i], sizes[i]);
  g_assert_cmpuint (item_size (g_ptr_array_index (wire->b.items, G_N_ELEMENTS (sizes))), ==, 300000);
  g_assert_cmpuint (wire->b.max_message_size, <=, 65536);
}

/* The rest of an item that is cut anyway fills up the message: items a little larger than one do not cost two. */
static void
test_fragments_fill_messages (void)
{
  g_autoptr (Wire) wire = wire_new_open (NULL, NULL, MS);
  guint64 before = get_stats (&wire->a).messages_sent;

  wire->b.consume = take_all;
  for (guint i = 0; i < 50; i++)
    send_item (&wire->a, new_data (65536), FALSE);
  wire_run (wire, 2 * MS);

  g_assert_cmpuint (wire->b.items->len, ==, 50);
  g_assert_cmpuint (get_stats (&wire->a).messages_sent - before, <=, 52);
}

static void
test_max_message_is_the_smaller (void)
{
  const DcLinkConfig small = {.max_message = 2000};
  g_autoptr (Wire) wire = wire_new_open (NULL, &small, MS);

  wire->a.consume = wire->b.consume = take_all;
  send_item (&wire->a, new_data (10000), FALSE);
  send_item (&wire->b, new_data (10000), FALSE);
  wire_run (wire, SECOND);
  assert_data (wire->a.items->pdata[0], 10000);
  assert_data (wire->b.items->pdata[0], 10000);
  g_assert_cmpuint (wire->a.max_message_size, <=, 2000);
  g_assert_cmpuint (wire->b.max_message_size, <=, 2000);
}

static void
test_too_large (void)
{
  const DcLinkConfig small = {.max_item = 1000};
  g_autoptr (Wire) wire = wire_new_open (NULL, &small, MS);
  g_autoptr (GError) error = NULL;

  wire->b.consume = take_all;
  g_assert_false (dc_link_send (wire->a.link, new_data (1001), FALSE, &error));
  g_assert_error (error, DC_LINK_ERROR, DC_LINK_ERROR_TOO_LARGE);
  g_assert_cmpstr (error->message, ==, "an item of 1001 bytes was not sent: the far side takes at most 1000");
  send_item (&wire->a, new_data (1000), FALSE);
  wire_run (wire, 2 * MS);
  g_assert_cmpuint (wire->b.items->len, ==, 1);
  assert_data (wire->b.items->pdata[0], 1000);
}

static void
test_programming_errors (void)
{
  g_autoptr (Wire) wire = wire_new (NULL, NULL, MS);
  DcLinkItem *bad = new_caps ("\xff");

  g_test_expect_message (NULL, G_LOG_LEVEL_CRITICAL, "*dc_link_send*");
  g_assert_false (dc_link_send (wire->a.link, new_data (1), FALSE, NULL));
  g_test_assert_expected_messages ();

  wire_run (wire, 2 * MS);
  g_test_expect_message (NULL, G_LOG_LEVEL_CRITICAL, "*dc_link_send*");
  g_assert_false (dc_link_send (wire->a.link, bad, FALSE, NULL));
  g_test_assert_expected_messages ();
  g_test_expect_message (NULL, G_LOG_LEVEL_CRITICAL, "*fin_popped*");
  dc_link_accept_fin (wire->a.link, wire->now);
  g_test_assert_expected_messages ();

  dc_link_finish (wire->a.link);
  g_test_expect_message (NULL, G_LOG_LEVEL_CRITICAL, "*dc_link_send*");
  g_assert_false (dc_link_send (wire->a.link, new_data (1), FALSE, NULL));
  g_test_assert_expected_messages ();
}

/* --- credit --- */

static void
test_consumer_that_waits (void)
{
  const DcLinkConfig config = {.window_bytes = 10000, .window_frames = 1000};
  g_autoptr (Wire) wire = wire_new_open (NULL, &config, MS);
  guint n = 0;

  for (; dc_link_can_send (wire->a.link); n++) {
    send_item (&wire->a, new_data (1000), FALSE);
    wire_run (wire, 2 * MS);
  }
  g_assert_cmpuint (n, ==, 10);
  wire_run (wire, 60 * SECOND);
  g_assert_false (dc_link_can_send (wire->a.link));
  g_assert_cmpuint (get_stats (&wire->a).in_flight_bytes, ==, 9 * 1052);
  g_assert_cmpuint (get_stats (&wire->a).items_sent, ==, 9);
  g_assert_cmpuint (get_stats (&wire->b).queued_bytes, ==, 9000);

  wire->b.consume = take_all;
  wire_run (wire, 3 * MS);
  g_assert_true (dc_link_can_send (wire->a.link));
  wire_run (wire, 30 * MS);
  g_assert_cmpuint (wire->b.items->len, ==, 10);
  g_assert_cmpuint (get_stats (&wire->a).in_flight_bytes, ==, 0);
  g_assert_cmpuint (get_stats (&wire->a).items_acked, ==, 10);
  g_assert_cmpuint (get_stats (&wire->b).queued_bytes, ==, 0);
}

static void
test_window_of_frames (void)
{
  const DcLinkConfig config = {.window_frames = 4};
  g_autoptr (Wire) wire = wire_new_open (NULL, &config, MS);

  for (guint i = 0; i < 4; i++)
    send_item (&wire->a, new_data (1), FALSE);
  g_assert_false (dc_link_can_send (wire->a.link));
  wire_run (wire, SECOND);
  g_assert_cmpuint (get_stats (&wire->a).in_flight_frames, ==, 4);
  g_assert_false (dc_link_can_send (wire->a.link));
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
  first = dc_link_pop (wire->b.link);
  wire_run (wire, 2 * SECOND);
  g_assert_cmpuint (get_stats (&wire->a).items_acked, ==, 0);
  g_assert_cmpuint (get_stats (&wire->b).queued_bytes, ==, 30);
  dc_link_consume (wire->b.link, wire->now);
  second = dc_link_pop (wire->b.link);
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
  g_assert_cmpint (wire->a.last_seen[DC_FRAME_CREDIT], ==, start);
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
  const DcLinkConfig config = {.window_bytes = 20000, .max_item = 100000};
  g_autoptr (Wire) wire = wire_new_open (NULL, &config, MS);
  guint n = 0;

  for (; n < 10 && dc_link_can_send (wire->a.link); n++) {
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

/* --- the end --- */

static void
test_finish (void)
{
  g_autoptr (Wire) wire = wire_new (NULL, NULL, 10 * MS);
  g_autoptr (DcLinkItem) item = NULL;

  dc_link_finish (wire->a.link); /* before it is open */
  wire_run (wire, 50 * MS);
  g_assert_false (dc_link_can_send (wire->a.link));
  item = dc_link_pop (wire->b.link);
  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_FIN);
  dc_link_consume (wire->b.link, wire->now);
  wire_run (wire, SECOND);
  g_assert_false (dc_link_is_finished (wire->a.link));
  dc_link_accept_fin (wire->b.link, wire->now);
  dc_link_accept_fin (wire->b.link, wire->now);
  wire_run (wire, SECOND);
  g_assert_true (dc_link_is_finished (wire->a.link));
  dc_link_accept_fin (wire->b.link, wire->now);
  wire_run (wire, SECOND);
  g_assert_cmpuint (wire->a.frames[DC_FRAME_FIN_ACK], ==, 1);
  g_assert_cmpuint (get_stats (&wire->a).in_flight_frames, ==, 0);
  g_assert_cmpuint (get_stats (&wire->a).items_sent, ==, 0);

  /* The other direction goes on by itself. */
  g_assert_false (dc_link_is_finished (wire->b.link));
  wire->a.consume = take_all;
  send_item (&wire->b, new_data (100000), FALSE);
  dc_link_finish (wire->b.link);
  wire_run (wire, SECOND);
  g_assert_true (dc_link_is_finished (wire->b.link));
  g_assert_cmpuint (wire->a.items->len, ==, 2);

  wire_run (wire, 60 * SECOND);
  g_assert_true (dc_link_is_open (wire->a.link));
}

/* Who has accepted a FIN must not close the channel before it knows that the far side heard of it. */
static void
test_settled (void)
{
  g_autoptr (Wire) wire = wire_new_open (NULL, NULL, 100 * MS);

  wire->b.consume = take_all;
  dc_link_finish (wire->a.link);
  wire_run (wire, 90 * MS);
  g_assert_true (dc_link_is_settled (wire->b.link));
  wire_run (wire, 200 * MS);
  g_assert_true (dc_link_is_finished (wire->a.link));
  g_assert_false (dc_link_is_settled (wire->b.link)); /* the answer is on its way */
  wire_run (wire, 100 * MS);
  g_assert_true (dc_link_is_settled (wire->b.link));

  dc_link_abort (wire->b.link, "no");
  g_assert_false (dc_link_is_settled (wire->b.link));
}

static void
test_finish_comes_last (void)
{
  const DcLinkConfig config = {.window_bytes = 5000};
  g_autoptr (Wire) wire = wire_new_open (NULL, &config, MS);

  for (guint i = 0; i < 4; i++)
    send_item (&wire->a, new_data (1000), FALSE);
  send_item (&wire->a, new_data (3000), FALSE); /* waits for credit */
  dc_link_finish (wire->a.link);
  wire_run (wire, SECOND);
  g_assert_cmpuint (wire->b.frames[DC_FRAME_DATA], ==, 4);
  g_assert_cmpuint (wire->b.frames[DC_FRAME_FIN], ==, 0);
  wire->b.consume = take_all;
  wire_run (wire, SECOND);
  g_assert_cmpuint (wire->b.items->len, ==, 6);
  assert_data (wire->b.items->pdata[4], 3000);
  g_assert_cmpint (((DcLinkItem *) wire->b.items->pdata[5])->kind, ==, DC_LINK_ITEM_FIN);
  g_assert_true (dc_link_is_finished (wire->a.link));
}

static void
test_abort (void)
{
  const DcLinkConfig config = {.window_bytes = 5000};
  g_autoptr (Wire) wire = wire_new_open (NULL, &config, MS);
  g_autofree char *text = g_strnfill (1023, 'x');
  g_autofree char *reason = g_strconcat (text, "ü and more", NULL);

  send_item (&wire->a, new_data (50000), FALSE); /* waits for credit */
  send_item (&wire->b, new_data (10), FALSE);
  wire_run (wire, 2 * MS);
  dc_link_abort (wire->a.link, "the user pressed\033 Ctrl-C");
  dc_link_abort (wire->a.link, "another");
  wire_run (wire, 2 * MS);
  assert_link_error (&wire->a, DC_LINK_ERROR_ABORTED, "aborted on this side: the user pressed");
  assert_link_error (&wire->b, DC_LINK_ERROR_ABORTED, "the user pressed  Ctrl-C");
  g_assert_null (dc_link_pop (wire->a.link));
  g_assert_cmpint (dc_link_get_deadline (wire->b.link), ==, -1);
  g_assert_null (dc_link_poll_transmit (wire->a.link, wire->now + 100 * SECOND));
  g_assert_null (dc_link_poll_transmit (wire->b.link, wire->now + 100 * SECOND));

  /* Before the link is open; and a sentence that is too long is cut between characters. */
  wire_free (g_steal_pointer (&wire));
  wire = wire_new (NULL, NULL, MS);
  dc_link_abort (wire->a.link, reason);
  wire_run (wire, 2 * MS);
  assert_link_error (&wire->b, DC_LINK_ERROR_ABORTED, "xxx");
  g_assert_cmpstr (dc_link_get_error (wire->b.link)->message, ==, text);
}

/* What came whole before the far side gave up is not lost. */
static void
test_pop_after_error (void)
{
  g_autoptr (Wire) wire = wire_new_open (NULL, NULL, MS);
  g_autoptr (DcLinkItem) item = NULL;

  send_item (&wire->a, new_data (10), FALSE);
  wire_run (wire, 2 * MS);
  dc_link_abort (wire->a.link, "no more");
  wire_run (wire, 2 * MS);
  assert_link_error (&wire->b, DC_LINK_ERROR_ABORTED, "no more");
  item = dc_link_pop (wire->b.link);
  assert_data (item, 10);
  dc_link_consume (wire->b.link, wire->now);
  g_assert_null (dc_link_pop (wire->b.link));
}

/* --- heartbeat --- */

static void
test_heartbeat (void)
{
  g_autoptr (Wire) wire = wire_new_open (NULL, NULL, 100 * MS);

  wire_run (wire, 3600 * SECOND);
  g_assert_true (dc_link_is_open (wire->a.link));
  g_assert_cmpint (get_stats (&wire->a).rtt, ==, 200 * MS);
  g_assert_cmpint (get_stats (&wire->a).rtt_smoothed, ==, 200 * MS);
  /* Answers count as sending: one end may do it for both. */
  g_assert_cmpuint (wire->a.frames[DC_FRAME_PING] + wire->b.frames[DC_FRAME_PING], <=, 2 * 3600);
  g_assert_cmpuint (wire->a.frames[DC_FRAME_PING] + wire->b.frames[DC_FRAME_PING], >=, 3000);

  wire->delay = 180 * MS;
  wire_run (wire, 3 * SECOND);
  g_assert_cmpint (get_stats (&wire->a).rtt, ==, 360 * MS);
  g_assert_cmpint (get_stats (&wire->a).rtt_smoothed, >, 200 * MS);
  g_assert_cmpint (get_stats (&wire->a).rtt_smoothed, <, 360 * MS);
}

static gint64
send_steadily (Wire *wire, End *end)
{
  while (dc_link_can_send (end->link) && get_stats (end).in_flight_frames < 100
         && !g_queue_peek_nth (wire->b.incoming, 100)) {
    send_item (end, new_data (10), FALSE);
    transmit (wire, end, &wire->b);
  }
  return wire->now + 50 * MS;
}

/* Whoever sends all the time measures the round trip nevertheless. */
static void
test_ping_while_sending (void)
{
  g_autoptr (Wire) wire = wire_new_open (NULL, NULL, 10 * MS);

  wire->a.consume = send_steadily;
  wire->b.consume = take_all;
  wire_run (wire, 20 * SECOND);
  g_assert_cmpuint (wire->b.frames[DC_FRAME_PING], >=, 18);
  g_assert_cmpuint (wire->b.frames[DC_FRAME_PING], <=, 21);
  g_assert_cmpint (get_stats (&wire->a).rtt, ==, 20 * MS);
  g_assert_cmpuint (wire->a.frames[DC_FRAME_PING], ==, 0); /* b's acknowledgements are signs of life enough */
}

static void
test_silence (void)
{
  g_autoptr (Wire) wire = wire_new_open (NULL, NULL, 0);
  gint64 start = wire->now;

  wire->cut = TRUE;
  wire_run (wire, 4 * SECOND - 2 * MS);
  g_assert_true (dc_link_is_open (wire->a.link));
  wire_run (wire, 2 * SECOND);
  assert_link_error (&wire->a, DC_LINK_ERROR_TIMEOUT, "nothing was heard from the far side for 5 s");
  assert_link_error (&wire->b, DC_LINK_ERROR_TIMEOUT, "nothing was heard from the far side for 5 s");
  g_assert_cmpint (wire->now - start, <, 7 * SECOND);
}

static void
test_silence_from_the_start (void)
{
  const DcLinkConfig config = {.timeout = 1500 * MS};
  g_autoptr (DcLink) link = dc_link_new (&config, 0);
  g_autoptr (GBytes) hello = dc_link_poll_transmit (link, 0);

  g_assert_nonnull (hello);
  g_assert_null (dc_link_poll_transmit (link, 1400 * MS));
  g_assert_cmpint (dc_link_get_deadline (link), ==, 1500 * MS);
  dc_link_advance (link, 1499 * MS);
  g_assert_null (dc_link_get_error (link));
  dc_link_advance (link, 1500 * MS);
  g_assert_error (dc_link_get_error (link), DC_LINK_ERROR, DC_LINK_ERROR_TIMEOUT);
  g_assert_cmpstr (dc_link_get_error (link)->message, ==, "nothing was heard from the far side for 1500 ms");
}

/* The far side that still hears us learns why. */
static void
test_silence_is_told (void)
{
  const DcLinkConfig impatient = {.timeout = 100 * MS};
  g_autoptr (Wire) wire = wire_new_open (&impatient, NULL, MS);

  wire_run (wire, SECOND);
  assert_link_error (&wire->a, DC_LINK_ERROR_TIMEOUT, "for 100 ms");
  assert_link_error (&wire->b, DC_LINK_ERROR_ABORTED, "nothing was heard from this side for 100 ms");
}

/* --- one end against a forger --- */

#define FIRST 1000u /* the forger's first number */

typedef struct {
  End end;
  GByteArray *message;
} Forge;

static DcFrame
make_hello (void)
{
  return (DcFrame){
      .type = DC_FRAME_HELLO,
      .hello =
          {
              .version_min = 1,
              .version_max = 1,
              .session = 7,
              .first_sequence = FIRST,
              .window_bytes = 100000,
              .window_frames = 100,
              .max_message = 65536,
              .max_item = 100000,
          },
  };
}

static DcFrame
make_item (DcFrameType type, guint8 flags, guint32 sequence, gsize total, const char *payload, gsize size)
{
  return (DcFrame){
      .type = type,
      .flags = flags,
      .sequence = sequence,
      .start = {.total = total, .item = {.kind = type & ~DC_FRAME_SEQUENCED}},
      .payload = (const guint8 *) payload,
      .payload_size = size,
  };
}

static DcFrame
make_whole (DcFrameType type, guint32 sequence, const char *payload)
{
  gsize size = strlen (payload);

  return make_item (type, DC_FRAME_FLAG_WHOLE, sequence, size, payload, size);
}

static DcFrame
make_credit (guint32 acknowledged, guint32 bytes, guint32 frames)
{
  return (DcFrame){.type = DC_FRAME_CREDIT, .credit = {acknowledged, bytes, frames}};
}

static void
forge_add (Forge *forge, DcFrame frame)
{
  dc_frame_write (forge->message, &frame);
}

static gboolean
forge_deliver (Forge *forge)
{
  g_autoptr (GBytes) message = g_byte_array_free_to_bytes (forge->message);
  gboolean ok = dc_link_receive (forge->end.link, message, 0, NULL);

  g_assert_true (ok == (dc_link_get_error (forge->end.link) == NULL));
  forge->message = g_byte_array_new ();
  return ok;
}

static void
forge_drain (Forge *forge)
{
  GBytes *message;

  while ((message = dc_link_poll_transmit (forge->end.link, 0)))
    g_bytes_unref (message);
}

/* An end that takes little. */
static Forge *
forge_new (gboolean open)
{
  const DcLinkConfig config = {
      .window_bytes = 4096, .window_frames = 16, .max_item = 10000, .max_message = 8192, .first_sequence = 50};
  Forge *forge = g_new0 (Forge, 1);

  end_init (&forge->end, &config, 0);
  forge->message = g_byte_array_new ();
  if (open) {
    forge_add (forge, make_hello ());
    g_assert_true (forge_deliver (forge));
    forge_drain (forge);
  }
  return forge;
}

static void
forge_free (Forge *forge)
{
  end_clear (&forge->end);
  g_byte_array_unref (forge->message);
  g_free (forge);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Forge, forge_free)

/* What was added must end the link with a sentence that has @part in it; the far side must be told the same. */
static void
forge_assert_refused (Forge *forge, const char *part)
{
  g_autoptr (GBytes) message = NULL;
  g_autofree char *told = NULL;
  const char *said;
  gsize position = 0;
  DcFrame frame;

  g_assert_false (forge_deliver (forge));
  assert_link_error (&forge->end, DC_LINK_ERROR_PROTOCOL, part);
  said = dc_link_get_error (forge->end.link)->message;

  message = dc_link_poll_transmit (forge->end.link, 0);
  g_assert_true (
      dc_frame_parse (g_bytes_get_data (message, NULL), g_bytes_get_size (message), &position, &frame, NULL));
  g_assert_cmpuint (position, ==, g_bytes_get_size (message));
  g_assert_cmpint (frame.type, ==, DC_FRAME_ABORT);
  told = g_strndup ((const char *) frame.payload, frame.payload_size);
  g_assert_true (g_str_has_suffix (said, told));
  g_assert_null (dc_link_poll_transmit (forge->end.link, 0));
}

static void
assert_refused_after_hello (const char *part, guint n, ...)
{
  g_autoptr (Forge) forge = forge_new (TRUE);
  va_list args;

  va_start (args, n);
  for (; n > 0; n--)
    forge_add (forge, va_arg (args, DcFrame));
  va_end (args);
  forge_assert_refused (forge, part);
}

static void
test_refuses_order (void)
{
  g_autoptr (Forge) early = forge_new (FALSE);
  DcFrame fin = make_whole (DC_FRAME_FIN, FIRST, "");

  forge_add (early, make_whole (DC_FRAME_DATA, 0, "x"));
  forge_assert_refused (early, "the far side broke the link protocol: DATA frame before the HELLO");
  assert_refused_after_hello ("HELLO frame for the second time", 1, make_hello ());
  assert_refused_after_hello (
      "DATA frame with the number 1001 where 1000 is due", 1, make_whole (DC_FRAME_DATA, FIRST + 1, "x"));
  assert_refused_after_hello ("DATA frame with the number 1000 where 1001 is due", 2,
      make_whole (DC_FRAME_DATA, FIRST, "x"), make_whole (DC_FRAME_DATA, FIRST, "x"));
  assert_refused_after_hello ("DATA frame 1001 after FIN", 2, fin, make_whole (DC_FRAME_DATA, FIRST + 1, "x"));
  assert_refused_after_hello ("FIN-ACK frame where no FIN was sent", 1, (DcFrame){.type = DC_FRAME_FIN_ACK});
  assert_refused_after_hello (
      "PONG frame for a PING that was not sent", 1, (DcFrame){.type = DC_FRAME_PONG, .ping = 1});
  assert_refused_after_hello (
      "PONG frame for a PING that was not sent", 1, (DcFrame){.type = DC_FRAME_PONG, .ping = 0});
}

static void
test_refuses_fragments (void)
{
  const guint8 S = DC_FRAME_FLAG_START, E = DC_FRAME_FLAG_END, D = DC_FRAME_DATA;
  DcFrame begin = make_item (D, S, FIRST, 4, "ab", 2);
  DcFrame caps = make_item (DC_FRAME_CAPS, S, FIRST, 4, "ab", 2);
  DcFrame other = make_item (D, E, FIRST + 1, 0, "cd", 2);

  other.stream = 1;
  assert_refused_after_hello ("goes on with an item that was not begun", 1, make_item (D, E, FIRST, 0, "a", 1));
  assert_refused_after_hello (
      "DATA frame 1001 begins an item while another is not whole", 2, begin, make_whole (D, FIRST + 1, "x"));
  assert_refused_after_hello (
      "FIN frame 1001 begins an item while another", 2, begin, make_whole (DC_FRAME_FIN, FIRST + 1, ""));
  assert_refused_after_hello ("inside an item of another kind or stream", 2, begin, other);
  assert_refused_after_hello ("inside an item of another kind", 2, caps, make_item (D, E, FIRST + 1, 0, "cd", 2));
  assert_refused_after_hello ("ends an item of 4 bytes with byte 3", 2, begin, make_item (D, E, FIRST + 1, 0, "c", 1));
  assert_refused_after_hello (
      "ends an item of 4 bytes with byte 5", 2, begin, make_item (D, E, FIRST + 1, 0, "cde", 3));
  assert_refused_after_hello (
      "goes on with an item of 4 bytes with byte 4", 2, begin, make_item (D, 0, FIRST + 1, 0, "cd", 2));
  assert_refused_after_hello (
      "CAPS frame 1001 ends caps that are not UTF-8", 2, caps, make_item (DC_FRAME_CAPS, E, FIRST + 1, 0, "c\xff", 2));
  assert_refused_after_hello ("caps that are not UTF-8", 1, make_whole (DC_FRAME_CAPS, FIRST, "\xff"));
  assert_refused_after_hello (
      "caps that are not UTF-8", 1, make_item (DC_FRAME_CAPS, DC_FRAME_FLAG_WHOLE, FIRST, 3, "a\0b", 3));
}

static void
test_refuses_size (void)
{
  g_autofree char *text = g_strnfill (9000, 'x');
  g_autoptr (Forge) forge = forge_new (TRUE);
  g_autoptr (Forge) empty = forge_new (TRUE);

  assert_refused_after_hello ("begins an item of 10001 bytes where at most 10000 are taken", 1,
      make_item (DC_FRAME_DATA, DC_FRAME_FLAG_START, FIRST, 10001, "x", 1));
  assert_refused_after_hello ("begins an item of 18446744073709551615 bytes", 1,
      make_item (DC_FRAME_DATA, DC_FRAME_FLAG_START, FIRST, G_MAXUINT64, "x", 1));
  assert_refused_after_hello ("brings 4097 bytes and 1 frames in flight where the window is 4096 bytes and 16 frames",
      1, make_item (DC_FRAME_DATA, DC_FRAME_FLAG_WHOLE, FIRST, 4097 - 52, text, 4097 - 52));
  forge_add (forge, make_item (DC_FRAME_DATA, DC_FRAME_FLAG_WHOLE, FIRST, 9000, text, 9000));
  forge_assert_refused (forge, "message of 9064 bytes where at most 8192 are due");
  forge_assert_refused (empty, "message without a frame");
}

static void
test_refuses_frames_beyond_window (void)
{
  g_autoptr (Forge) forge = forge_new (TRUE);

  for (guint i = 0; i < 16; i++)
    forge_add (forge, make_whole (DC_FRAME_EVENT, FIRST + i, ""));
  g_assert_true (forge_deliver (forge));
  forge_add (forge, make_whole (DC_FRAME_EVENT, FIRST + 16, ""));
  forge_assert_refused (forge, "17 frames in flight");
}

/* Credit counts from when it was given back, not from when it could have been. */
static void
test_window_counts_from_credit (void)
{
  g_autoptr (Forge) forge = forge_new (TRUE);
  g_autoptr (DcLinkItem) item = NULL;

  for (guint i = 0; i < 16; i++)
    forge_add (forge, make_whole (DC_FRAME_DATA, FIRST + i, "x"));
  g_assert_true (forge_deliver (forge));
  item = dc_link_pop (forge->end.link);
  dc_link_consume (forge->end.link, 0);
  forge_drain (forge); /* one of sixteen is not worth a CREDIT yet */
  forge_add (forge, make_whole (DC_FRAME_DATA, FIRST + 16, "x"));
  forge_assert_refused (forge, "17 frames in flight");
}

static void
test_refuses_credit (void)
{
  g_autoptr (Forge) forge = forge_new (TRUE);
  g_autoptr (Forge) back = forge_new (TRUE);

  assert_refused_after_hello (
      "CREDIT frame for the number 51 where 50 to 50 are due", 1, make_credit (51, 100000, 100));
  assert_refused_after_hello (
      "takes back credit: a window of 99999 bytes and 100 frames", 1, make_credit (50, 99999, 100));
  assert_refused_after_hello ("takes back credit", 1, make_credit (50, 100000, 99));
  assert_refused_after_hello ("CREDIT frame with a window of 0 bytes", 1, make_credit (50, 0, 0));

  send_item (&forge->end, new_data (48), FALSE);
  send_item (&forge->end, new_data (48), FALSE);
  forge_drain (forge);
  forge_add (forge, make_credit (51, 99900, 99)); /* the same edge */
  g_assert_true (forge_deliver (forge));
  g_assert_cmpuint (get_stats (&forge->end).items_acked, ==, 1);
  forge_add (forge, make_credit (52, 200000, 1000)); /* more */
  g_assert_true (forge_deliver (forge));
  g_assert_cmpuint (get_stats (&forge->end).window_bytes, ==, 200000);
  forge_add (forge, make_credit (51, 300000, 1000));
  forge_assert_refused (forge, "CREDIT frame for the number 51 where 52 to 52 are due");

  dc_link_finish (back->end.link);
  forge_drain (back);
  forge_add (back, (DcFrame){.type = DC_FRAME_FIN_ACK});
  g_assert_true (forge_deliver (back));
  g_assert_true (dc_link_is_finished (back->end.link));
  forge_add (back, (DcFrame){.type = DC_FRAME_FIN_ACK});
  forge_assert_refused (back, "FIN-ACK frame for the second time");
}

static void
test_refuses_hello (void)
{
  g_autoptr (Forge) zero = forge_new (FALSE);
  g_autoptr (Forge) resume = forge_new (FALSE);
  g_autoptr (Forge) version = forge_new (FALSE);
  g_autoptr (Forge) far = forge_new (FALSE);
  g_autoptr (GBytes) abort_message = NULL;
  DcFrame hello = make_hello ();

  hello.hello.window_bytes = 0;
  forge_add (zero, hello);
  forge_assert_refused (zero, "HELLO frame with a window of 0 bytes");

  hello = make_hello ();
  hello.hello.resume = 0xabc;
  hello.hello.next_expected = 12;
  forge_add (resume, hello);
  forge_assert_refused (resume, "wants to go on with session 0000000000000abc from frame 12, but this is a new link");

  hello = make_hello ();
  hello.hello.version_min = 2;
  hello.hello.version_max = 4;
  forge_add (version, hello);
  g_assert_false (forge_deliver (version));
  assert_link_error (&version->end, DC_LINK_ERROR_VERSION, "a HELLO for version 2 to 4, the other speaks version 1");

  /* The far side of it learns the same, and that it is the version. */
  abort_message = dc_link_poll_transmit (version->end.link, 0);
  g_assert_false (dc_link_receive (far->end.link, abort_message, 0, NULL));
  assert_link_error (&far->end, DC_LINK_ERROR_VERSION, "a HELLO for version 2 to 4, the other speaks version 1");
}

static void
test_malformed_frame_ends_link (void)
{
  g_autoptr (Forge) forge = forge_new (TRUE);
  g_autoptr (DcLinkItem) item = NULL;

  forge_add (forge, make_whole (DC_FRAME_DATA, FIRST, "good"));
  g_byte_array_append (forge->message, (const guint8 *) "GET / HTTP/1.1", 14);
  forge_assert_refused (forge, "frame of the unknown type 71");
  item = dc_link_pop (forge->end.link);
  g_assert_cmpmem (g_bytes_get_data (item->payload, NULL), 4, "good", 4);

  forge_add (forge, make_whole (DC_FRAME_DATA, FIRST + 1, "more"));
  g_assert_false (forge_deliver (forge));
  g_assert_null (dc_link_pop (forge->end.link));
}

static gboolean
has_message (Forge *forge, gint64 now)
{
  g_autoptr (GBytes) message = dc_link_poll_transmit (forge->end.link, now);

  return message != NULL;
}

/* What comes behind an item that was popped and not consumed is not acknowledged, neither are its fragments. */
static void
test_fragment_behind_popped (void)
{
  g_autoptr (Forge) forge = forge_new (TRUE);
  g_autofree char *text = g_strnfill (1100, 'x');
  g_autoptr (DcLinkItem) item = NULL;

  forge_add (forge, make_whole (DC_FRAME_DATA, FIRST, "x"));
  g_assert_true (forge_deliver (forge));
  item = dc_link_pop (forge->end.link);
  forge_add (forge, make_item (DC_FRAME_DATA, DC_FRAME_FLAG_START, FIRST + 1, 5000, text, 1100));
  g_assert_true (forge_deliver (forge));
  g_assert_false (has_message (forge, 500 * MS));
  dc_link_consume (forge->end.link, 0);
  g_assert_true (has_message (forge, 0)); /* more than a quarter of the window */
}

/* Whoever waits for us is not made to wait, whatever else was consumed along with it. */
static void
test_credit_at_once (void)
{
  g_autoptr (Forge) forge = forge_new (TRUE);
  g_autoptr (Forge) fin = forge_new (TRUE);
  DcFrame urgent = make_whole (DC_FRAME_EVENT, FIRST, "");

  urgent.flags |= DC_FRAME_FLAG_ACK_NOW;
  forge_add (forge, urgent);
  g_assert_true (forge_deliver (forge));
  dc_link_item_free (dc_link_pop (forge->end.link));
  forge_add (forge, make_item (DC_FRAME_DATA, DC_FRAME_FLAG_WHOLE, FIRST + 1, 0, NULL, 0));
  g_assert_true (forge_deliver (forge));
  dc_link_item_free (dc_link_pop (forge->end.link));
  g_assert_false (has_message (forge, 0));
  dc_link_consume (forge->end.link, 0);
  g_assert_true (has_message (forge, 0));

  forge_add (fin, make_whole (DC_FRAME_DATA, FIRST, "x"));
  forge_add (fin, make_whole (DC_FRAME_FIN, FIRST + 1, ""));
  g_assert_true (forge_deliver (fin));
  dc_link_item_free (dc_link_pop (fin->end.link));
  dc_link_consume (fin->end.link, 0);
  g_assert_true (has_message (fin, 0));
}

/* A flood costs the sender more than us. */
static void
test_floods (void)
{
  g_autoptr (Forge) forge = forge_new (TRUE);
  g_autoptr (GBytes) answer = NULL;
  gsize position = 0;
  DcFrame frame;

  for (guint i = 1; i <= 8192 / 20; i++)
    forge_add (forge, (DcFrame){.type = DC_FRAME_PING, .ping = i});
  g_assert_true (forge_deliver (forge));
  answer = dc_link_poll_transmit (forge->end.link, 0);
  g_assert_cmpuint (g_bytes_get_size (answer), ==, 4 * 20);
  g_assert_null (dc_link_poll_transmit (forge->end.link, 0));
  for (guint i = 0; i < 4; i++) {
    dc_frame_parse (g_bytes_get_data (answer, NULL), g_bytes_get_size (answer), &position, &frame, NULL);
    g_assert_cmpint (frame.type, ==, DC_FRAME_PONG);
    g_assert_cmpuint (frame.ping, ==, 8192 / 20 - 3 + i);
  }

  for (guint i = 0; i < 8192 / 24; i++)
    forge_add (forge, make_credit (50, 100000 + i, 100));
  g_assert_true (forge_deliver (forge));
  g_assert_null (dc_link_poll_transmit (forge->end.link, 0));
}

/* A tiny payload in a large message must not keep the message. */
static void
test_tiny_payload_is_copied (void)
{
  g_autoptr (Forge) forge = forge_new (TRUE);
  g_autoptr (GBytes) message = NULL;
  g_autoptr (DcLinkItem) item = NULL;
  const guint8 *data, *payload;
  gsize size;

  forge_add (forge, make_whole (DC_FRAME_DATA, FIRST, "x"));
  for (guint i = 0; i < 100; i++)
    forge_add (forge, (DcFrame){.type = DC_FRAME_PING, .ping = i});
  message = g_byte_array_free_to_bytes (g_steal_pointer (&forge->message));
  forge->message = g_byte_array_new ();
  g_assert_true (dc_link_receive (forge->end.link, message, 0, NULL));
  item = dc_link_pop (forge->end.link);
  data = g_bytes_get_data (message, &size);
  payload = g_bytes_get_data (item->payload, NULL);
  g_assert_true (payload < data || payload >= data + size);
}

/* --- all at once, by chance --- */

typedef struct {
  GRand *rand;
  guint n_sent, n_taken, n_items; /* n_items: to be sent */
  GQueue *expected;               /* of items that the far side sent */
  gsize window_bytes, max_item;
  guint window_frames;
  gint64 next;
  gboolean holding; /* popped and not consumed */
  gboolean got_fin;
} Chance;

static DcLinkItem *
new_random_item (Chance *chance)
{
  DcLinkItem *item = dc_link_item_new (g_rand_int_range (chance->rand, 0, 10) ? DC_LINK_ITEM_DATA : DC_LINK_ITEM_EVENT);
  gsize size = 0;

  switch (g_rand_int_range (chance->rand, 0, 6)) {
    case 0:
      break;
    case 1:
      size = g_rand_int_range (chance->rand, 0, chance->max_item + 1);
      break;
    case 2:
      size = g_rand_int_range (chance->rand, 0, MIN (chance->max_item, 3000) + 1);
      break;
    default:
      size = g_rand_int_range (chance->rand, 0, 100);
  }
  item->stream = g_rand_int_range (chance->rand, 0, 3);
  item->event = g_rand_int (chance->rand);
  item->pts = g_rand_int (chance->rand);
  item->payload = new_pattern (size, g_rand_int (chance->rand));
  return item;
}

static DcLinkItem *
copy_item (const DcLinkItem *item)
{
  DcLinkItem *copy = dc_link_item_new (item->kind);

  copy->stream = item->stream;
  copy->event = item->event;
  copy->pts = item->pts;
  copy->payload = g_bytes_ref (item->payload);
  return copy;
}

static void
send_some (End *end, Chance *chance, Chance *far)
{
  while (chance->n_sent < chance->n_items && dc_link_can_send (end->link) && g_rand_int_range (chance->rand, 0, 8)) {
    DcLinkItem *item = new_random_item (chance);

    g_queue_push_tail (far->expected, copy_item (item));
    send_item (end, item, g_rand_int_range (chance->rand, 0, 20) == 0);
    chance->n_sent++;
  }
  if (chance->n_sent == chance->n_items)
    dc_link_finish (end->link);
}

static void
take_one (Wire *wire, End *end, Chance *chance)
{
  g_autoptr (DcLinkItem) item = dc_link_pop (end->link);
  g_autoptr (DcLinkItem) expected = NULL;

  if (!item)
    return;
  g_assert_false (chance->got_fin);
  if (item->kind == DC_LINK_ITEM_FIN) {
    g_assert_true (g_queue_is_empty (chance->expected));
    chance->got_fin = TRUE;
    dc_link_accept_fin (end->link, wire->now);
    return;
  }

  expected = g_queue_pop_head (chance->expected);
  g_assert_nonnull (expected);
  g_assert_cmpint (item->kind, ==, expected->kind);
  g_assert_cmpint (item->stream, ==, expected->stream);
  if (item->kind == DC_LINK_ITEM_DATA)
    g_assert_cmpuint (item->pts, ==, expected->pts);
  else
    g_assert_cmpuint (item->event, ==, expected->event);
  assert_payload (item, expected->payload);
  chance->n_taken++;
}

static gint64
act_by_chance (Wire *wire, End *end)
{
  Chance *chance = end->data;
  End *other = end == &wire->a ? &wire->b : &wire->a;
  Chance *far = other->data;
  DcLinkStats stats = get_stats (end);

  g_assert_no_error (dc_link_get_error (end->link));
  g_assert_cmpuint (stats.queued_bytes, <=, chance->window_bytes + chance->max_item);
  g_assert_cmpuint (stats.in_flight_bytes, <=, far->window_bytes);
  g_assert_cmpuint (stats.in_flight_frames, <=, far->window_frames);
  if (wire->now < chance->next)
    return chance->next;

  if (dc_link_is_open (end->link))
    send_some (end, chance, far);
  for (guint i = g_rand_int_range (chance->rand, 0, 5); i > 0; i--) {
    take_one (wire, end, chance);
    if (g_rand_boolean (chance->rand))
      dc_link_consume (end->link, wire->now);
  }
  if (g_rand_int_range (chance->rand, 0, 4) == 0)
    dc_link_consume (end->link, wire->now);
  chance->next = wire->now + g_rand_int_range (chance->rand, 0, 30 * MS);
  if (chance->got_fin && dc_link_is_finished (end->link))
    return -1;
  return chance->next;
}

static void
random_config (GRand *rand, DcLinkConfig *config, Chance *chance)
{
  *config = (DcLinkConfig){
      .window_bytes = g_rand_int_range (rand, 1024, g_rand_boolean (rand) ? 3000 : 200000),
      .window_frames = g_rand_int_range (rand, 1, g_rand_boolean (rand) ? 10 : 500),
      .max_message = g_rand_int_range (rand, 1200, g_rand_boolean (rand) ? 2000 : 65536),
      .max_item = g_rand_int_range (rand, 100, 50000),
      .first_sequence = G_MAXUINT32 - g_rand_int_range (rand, 0, 300),
  };
  chance->rand = rand;
  chance->n_items = g_rand_int_range (rand, 0, 120);
  chance->window_bytes = config->window_bytes;
  chance->window_frames = config->window_frames;
  chance->expected = g_queue_new ();
}

static void
run_by_chance (GRand *rand)
{
  DcLinkConfig configs[2];
  Chance a = {0}, b = {0};
  g_autoptr (Wire) wire = NULL;

  random_config (rand, &configs[0], &a);
  random_config (rand, &configs[1], &b);
  configs[0].max_item = configs[1].max_item;
  a.max_item = b.max_item = configs[0].max_item;

  wire = wire_new (&configs[0], &configs[1], g_rand_int_range (rand, 0, 200 * MS));
  wire->a.data = &a;
  wire->b.data = &b;
  wire->a.consume = wire->b.consume = act_by_chance;
  for (guint i = 0;
       i < 10000
       && !(a.got_fin && b.got_fin && dc_link_is_finished (wire->a.link) && dc_link_is_finished (wire->b.link));
       i++)
    wire_run (wire, SECOND);

  g_assert_true (dc_link_is_finished (wire->a.link) && dc_link_is_finished (wire->b.link));
  g_assert_cmpuint (a.n_taken, ==, b.n_items);
  g_assert_cmpuint (b.n_taken, ==, a.n_items);
  g_assert_cmpuint (get_stats (&wire->a).items_acked, ==, a.n_items);
  g_assert_cmpuint (get_stats (&wire->b).items_acked, ==, b.n_items);
  g_assert_cmpuint (get_stats (&wire->a).queued_bytes, ==, 0);
  g_assert_cmpuint (wire->a.max_message_size, <=, MIN (configs[0].max_message, configs[1].max_message));
  g_queue_free (a.expected);
  g_queue_free (b.expected);
}

static void
test_chance (void)
{
  guint n = g_test_slow () ? 1000 : 60;

  for (guint seed = 0; seed < n; seed++) {
    g_autoptr (GRand) rand = g_rand_new_with_seed (seed);

    g_test_message ("seed %u", seed);
    run_by_chance (rand);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/link/open", test_open);
  g_test_add_func ("/link/every-kind", test_every_kind);
  g_test_add_func ("/link/coalescing", test_coalescing);
  g_test_add_func ("/link/zero-copy", test_zero_copy);
  g_test_add_func ("/link/fragments", test_fragments);
  g_test_add_func ("/link/fragments-fill-messages", test_fragments_fill_messages);
  g_test_add_func ("/link/max-message-is-the-smaller", test_max_message_is_the_smaller);
  g_test_add_func ("/link/too-large", test_too_large);
  g_test_add_func ("/link/programming-errors", test_programming_errors);
  g_test_add_func ("/link/credit/consumer-that-waits", test_consumer_that_waits);
  g_test_add_func ("/link/credit/window-of-frames", test_window_of_frames);
  g_test_add_func ("/link/credit/consume-acknowledges", test_consume_acknowledges);
  g_test_add_func ("/link/credit/timing", test_credit_timing);
  g_test_add_func ("/link/credit/item-larger-than-window", test_item_larger_than_window);
  g_test_add_func ("/link/credit/fragments-behind-a-slow-consumer", test_fragments_behind_a_slow_consumer);
  g_test_add_func ("/link/credit/sequence-wraps", test_sequence_wraps);
  g_test_add_func ("/link/credit/fragment-behind-popped", test_fragment_behind_popped);
  g_test_add_func ("/link/credit/at-once", test_credit_at_once);
  g_test_add_func ("/link/end/finish", test_finish);
  g_test_add_func ("/link/end/settled", test_settled);
  g_test_add_func ("/link/end/finish-comes-last", test_finish_comes_last);
  g_test_add_func ("/link/end/abort", test_abort);
  g_test_add_func ("/link/end/pop-after-error", test_pop_after_error);
  g_test_add_func ("/link/heartbeat/idle", test_heartbeat);
  g_test_add_func ("/link/heartbeat/while-sending", test_ping_while_sending);
  g_test_add_func ("/link/heartbeat/silence", test_silence);
  g_test_add_func ("/link/heartbeat/silence-from-the-start", test_silence_from_the_start);
  g_test_add_func ("/link/heartbeat/silence-is-told", test_silence_is_told);
  g_test_add_func ("/link/refuses/order", test_refuses_order);
  g_test_add_func ("/link/refuses/fragments", test_refuses_fragments);
  g_test_add_func ("/link/refuses/size", test_refuses_size);
  g_test_add_func ("/link/refuses/frames-beyond-window", test_refuses_frames_beyond_window);
  g_test_add_func ("/link/refuses/window-counts-from-credit", test_window_counts_from_credit);
  g_test_add_func ("/link/refuses/credit", test_refuses_credit);
  g_test_add_func ("/link/refuses/hello", test_refuses_hello);
  g_test_add_func ("/link/refuses/malformed", test_malformed_frame_ends_link);
  g_test_add_func ("/link/refuses/floods", test_floods);
  g_test_add_func ("/link/refuses/tiny-payload-is-copied", test_tiny_payload_is_copied);
  g_test_add_func ("/link/chance", test_chance);
  return g_test_run ();
}
