/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* link-wire.c: two ends of a link on a wire in virtual time, and one end against a forger. */
#include "tests/link-wire.h"

#include <string.h>

typedef struct {
  gint64 at;
  guint channel;
  GBytes *message;
} Flight;

static void
flight_free (Flight *flight)
{
  g_bytes_unref (flight->message);
  g_free (flight);
}

void
end_init (End *end, const DcLinkConfig *config, gint64 now)
{
  end->link = dc_link_new (config, now);
  end->incoming = g_queue_new ();
  end->items = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_link_item_free);
}

void
end_clear (End *end)
{
  dc_link_free (end->link);
  g_queue_free_full (end->incoming, (GDestroyNotify) flight_free);
  g_ptr_array_unref (end->items);
}

Wire *
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

void
wire_free (Wire *wire)
{
  end_clear (&wire->a);
  end_clear (&wire->b);
  g_free (wire);
}

End *
wire_other (Wire *wire, End *end)
{
  return end == &wire->a ? &wire->b : &wire->a;
}

static void
drop_flights (End *end, guint n)
{
  while (end->incoming->length > n)
    flight_free (g_queue_pop_tail (end->incoming));
}

void
wire_kill_channel (Wire *wire, guint to_a, guint to_b)
{
  drop_flights (&wire->a, to_a);
  drop_flights (&wire->b, to_b);
  wire->dead = MAX (wire->a.channel, wire->b.channel) + 1;
}

void
wire_lose_channel (Wire *wire)
{
  wire_kill_channel (wire, 0, 0);
  dc_link_suspend (wire->a.link, wire->now, "the cable was cut");
  dc_link_suspend (wire->b.link, wire->now, "the cable was cut");
}

void
wire_next_channel (Wire *wire)
{
  wire->a.channel = wire->b.channel = MAX (wire->a.channel, wire->b.channel) + 1;
  dc_link_resume (wire->a.link, wire->now);
  dc_link_resume (wire->b.link, wire->now);
}

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
    gint64 duration = wire->rate > 0 ? (gint64) g_bytes_get_size (message) * SECOND / wire->rate : 0;

    to->free_at = MAX (to->free_at, wire->now) + duration;
    *flight = (Flight){to->free_at + wire->delay, from->channel, message};
    if (from->channel < wire->dead)
      flight_free (flight);
    else
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

  while ((flight = g_queue_peek_head (end->incoming)) && flight->at <= wire->now && flight->channel <= end->channel) {
    g_queue_pop_head (end->incoming);
    if (!wire->cut && flight->channel == end->channel) {
      look (wire, end, flight->message);
      dc_link_receive (end->link, flight->message, wire->now, NULL);
    }
    flight_free (flight);
  }
  dc_link_advance (end->link, wire->now);
}

/* When the next message is due here; -1: none, or it waits for the end to get to its channel. */
static gint64
get_arrival (const End *end)
{
  const Flight *flight = g_queue_peek_head (end->incoming);

  return flight && flight->channel <= end->channel ? flight->at : -1;
}

/* One moment at one end; when it wants the next, or -1. */
static gint64
step (Wire *wire, End *end)
{
  gint64 next = -1;

  deliver (wire, end);
  if (end->consume)
    next = end->consume (wire, end);
  transmit (wire, end, wire_other (wire, end));

  next = earlier (next, dc_link_get_deadline (end->link));
  return earlier (next, get_arrival (end));
}

void
wire_run (Wire *wire, gint64 duration)
{
  gint64 end = wire->now + duration;

  for (;;) {
    gint64 next = step (wire, &wire->a);

    next = earlier (next, step (wire, &wire->b));
    next = earlier (next, get_arrival (&wire->a));
    if (next > wire->now + 1000 * SECOND || next < 0 || next > end)
      break;
    wire->now = MAX (next, wire->now);
  }
  wire->now = end;
}

gint64
take_all (Wire *wire, End *end)
{
  for (guint stream = 0; stream < DC_LINK_MAX_STREAMS; stream++)
    while (dc_link_has_item (end->link, stream)) {
      DcLinkItem *item = dc_link_pop (end->link, stream);

      g_ptr_array_add (end->items, item);
      dc_link_consume (end->link, stream, wire->now);
      if (item->kind == DC_LINK_ITEM_FIN)
        dc_link_accept_fin (end->link, wire->now);
    }
  return -1;
}

Wire *
wire_new_open (const DcLinkConfig *a, const DcLinkConfig *b, gint64 delay)
{
  Wire *wire = wire_new (a, b, delay);

  wire_run (wire, delay + MS);
  g_assert_true (dc_link_is_open (wire->a.link));
  g_assert_true (dc_link_is_open (wire->b.link));
  return wire;
}

GBytes *
new_pattern (gsize size, guint8 first)
{
  guint8 *data = g_malloc (MAX (size, 1));

  for (gsize i = 0; i < size; i++)
    data[i] = first + i + (i >> 8) * 7;
  return g_bytes_new_take (data, size);
}

DcLinkItem *
new_data (gsize size)
{
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_DATA);

  item->payload = new_pattern (size, size);
  return item;
}

DcLinkItem *
new_data_on (guint stream, gsize size)
{
  DcLinkItem *item = new_data (size);

  item->stream = stream;
  return item;
}

DcLinkItem *
new_caps (const char *caps)
{
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_CAPS);

  item->payload = g_bytes_new (caps, strlen (caps));
  return item;
}

void
send_item (End *end, DcLinkItem *item, gboolean ack_now)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (dc_link_can_send (end->link, item->stream));
  dc_link_send (end->link, item, ack_now, &error);
  g_assert_no_error (error);
}

gsize
item_size (const DcLinkItem *item)
{
  return item->payload ? g_bytes_get_size (item->payload) : 0;
}

void
assert_payload (const DcLinkItem *item, GBytes *payload)
{
  g_assert_cmpmem (g_bytes_get_data (item->payload, NULL), item_size (item), g_bytes_get_data (payload, NULL),
      g_bytes_get_size (payload));
}

void
assert_data (const DcLinkItem *item, gsize size)
{
  g_autoptr (GBytes) payload = new_pattern (size, size);

  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_DATA);
  assert_payload (item, payload);
}

DcLinkStats
get_stats (const End *end)
{
  DcLinkStats stats;

  dc_link_get_stats (end->link, &stats);
  return stats;
}

void
assert_link_error (const End *end, DcLinkError code, const char *part)
{
  const GError *error = dc_link_get_error (end->link);

  g_assert_error (error, DC_LINK_ERROR, (int) code);
  g_test_message ("%s", error->message);
  if (!strstr (error->message, part))
    g_error ("\"%s\" is not in \"%s\"", part, error->message);
  g_assert_null (strchr (error->message, '\n'));
  g_assert_false (dc_link_is_open (end->link));
  g_assert_false (dc_link_can_send (end->link, 0));
}

DcFrame
make_hello (void)
{
  return (DcFrame){
      .type = DC_FRAME_HELLO,
      .hello =
          {
              .version_min = 1,
              .version_max = 1,
              .session = FORGER_SESSION,
              .first_sequence = FIRST,
              .window_bytes = 100000,
              .window_frames = 100,
              .max_message = 65536,
              .max_item = 100000,
          },
  };
}

DcFrame
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

DcFrame
make_whole (DcFrameType type, guint32 sequence, const char *payload)
{
  gsize size = strlen (payload);

  return make_item (type, DC_FRAME_FLAG_WHOLE, sequence, size, payload, size);
}

DcFrame
make_credit (guint stream, guint32 acknowledged, guint32 bytes, guint32 frames)
{
  return (DcFrame){.type = DC_FRAME_CREDIT, .stream = stream, .credit = {acknowledged, bytes, frames}};
}

void
forge_add (Forge *forge, DcFrame frame)
{
  dc_frame_write (forge->message, &frame);
}

gboolean
forge_deliver (Forge *forge)
{
  g_autoptr (GBytes) message = g_byte_array_free_to_bytes (forge->message);
  gboolean ok = dc_link_receive (forge->end.link, message, 0, NULL);

  g_assert_true (ok == (dc_link_get_error (forge->end.link) == NULL));
  forge->message = g_byte_array_new ();
  return ok;
}

void
forge_drain (Forge *forge)
{
  GBytes *message;

  while ((message = dc_link_poll_transmit (forge->end.link, 0)))
    g_bytes_unref (message);
}

Forge *
forge_new (gboolean open)
{
  const DcLinkConfig config = {.window_bytes = 4096,
      .window_frames = 16,
      .max_item = 10000,
      .max_message = 8192,
      .first_sequence = 50,
      .session = FORGED_SESSION,
      .resume_timeout = SECOND};
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

void
forge_free (Forge *forge)
{
  end_clear (&forge->end);
  g_byte_array_unref (forge->message);
  g_free (forge);
}

void
forge_assert_ended (Forge *forge, DcLinkError code, const char *part)
{
  g_autoptr (GBytes) message = NULL;
  g_autofree char *told = NULL;
  const char *said;
  gsize position = 0;
  DcFrame frame;

  g_assert_false (forge_deliver (forge));
  assert_link_error (&forge->end, code, part);
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

void
forge_assert_refused (Forge *forge, const char *part)
{
  forge_assert_ended (forge, DC_LINK_ERROR_PROTOCOL, part);
}
