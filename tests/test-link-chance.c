/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-link-chance.c: two links by chance: items on several streams, slow consumers, and channels that die at any moment. */

/*
 * A seed decides everything. Both ends send items of all sizes on a few streams, take and consume when they like, and
 * finish. The channel dies every so often, also while HELLOs are on their way: of the messages in flight some
 * still arrive, each end notices at a time of its own (some only by the silence), and goes to the next channel at a
 * time of its own. Everything must arrive exactly once, in order on its stream, within the bounds of memory.
 */
#include "tests/link-wire.h"

#define N_STREAMS 4

typedef struct {
  GRand *rand;
  guint n_sent, n_taken, n_items; /* n_items: to be sent */
  GQueue expected[N_STREAMS];     /* of items that the far side sent */
  gsize window_bytes, max_item;
  guint window_frames;
  gint64 next;
  gboolean got_fin;
  gint64 suspend_at, rejoin_at; /* when it notices that its channel is dead (G_MAXINT64: by silence), and has another */
} Chance;

typedef struct {
  GRand *rand;
  Wire *wire;
  guint n_kills; /* still to come */
  gint64 next;
} Killer;

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
  item->stream = g_rand_int_range (chance->rand, 0, N_STREAMS);
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
  while (chance->n_sent < chance->n_items && g_rand_int_range (chance->rand, 0, 8)) {
    DcLinkItem *item = new_random_item (chance);

    if (!dc_link_can_send (end->link, item->stream)) {
      dc_link_item_free (item);
      continue;
    }
    g_queue_push_tail (&far->expected[item->stream], copy_item (item));
    send_item (end, item, g_rand_int_range (chance->rand, 0, 20) == 0);
    chance->n_sent++;
  }
  if (chance->n_sent == chance->n_items)
    dc_link_finish (end->link);
}

static gboolean
has_expected (const Chance *chance)
{
  for (guint i = 0; i < N_STREAMS; i++)
    if (!g_queue_is_empty ((GQueue *) &chance->expected[i]))
      return TRUE;
  return FALSE;
}

static void
check_item (Chance *chance, const DcLinkItem *item)
{
  g_autoptr (DcLinkItem) expected = g_queue_pop_head (&chance->expected[item->stream]);

  g_assert_nonnull (expected);
  g_assert_cmpint (item->kind, ==, expected->kind);
  if (item->kind == DC_LINK_ITEM_DATA)
    g_assert_cmpuint (item->pts, ==, expected->pts);
  else
    g_assert_cmpuint (item->event, ==, expected->event);
  assert_payload (item, expected->payload);
  chance->n_taken++;
}

/* FIN comes behind everything, on every stream: what waits there is taken before it is accepted. */
static void
take_fin (Wire *wire, End *end, Chance *chance)
{
  g_assert_false (chance->got_fin);
  g_assert_false (dc_link_is_finished (wire_other (wire, end)->link));
  for (guint i = 0; i < N_STREAMS; i++) {
    while (dc_link_has_item (end->link, i)) {
      g_autoptr (DcLinkItem) item = dc_link_pop (end->link, i);

      check_item (chance, item);
    }
    dc_link_consume (end->link, i, wire->now);
  }
  g_assert_false (has_expected (chance));
  chance->got_fin = TRUE;
  dc_link_accept_fin (end->link, wire->now);
}

static void
take_one (Wire *wire, End *end, Chance *chance)
{
  guint stream = g_rand_int_range (chance->rand, 0, N_STREAMS);
  g_autoptr (DcLinkItem) item = dc_link_pop (end->link, stream);

  if (item && item->kind == DC_LINK_ITEM_FIN)
    take_fin (wire, end, chance);
  else if (item)
    check_item (chance, item);
  if (g_rand_boolean (chance->rand))
    dc_link_consume (end->link, stream, wire->now);
}

static void
check_bounds (End *end, const Chance *chance, const Chance *far)
{
  DcLinkStats stats = get_stats (end);

  g_assert_no_error (dc_link_get_error (end->link));
  g_assert_cmpuint (stats.queued_bytes, <=,
      chance->window_bytes + chance->max_item
          + N_STREAMS * (DC_FRAME_RESERVE + chance->max_item / DC_LINK_MAX_STREAMS));
  g_assert_cmpuint (stats.in_flight_bytes, <=, far->window_bytes + N_STREAMS * DC_FRAME_RESERVE);
  g_assert_cmpuint (stats.in_flight_frames, <=, far->window_frames + N_STREAMS);
}

/* When @end notices that its channel is dead, and when it gets to another. */
static void
follow_channel (Wire *wire, End *end, Chance *chance)
{
  if (end->channel >= wire->dead)
    return;

  if (wire->now >= chance->suspend_at)
    dc_link_suspend (end->link, wire->now, "by chance");
  if (wire->now < chance->rejoin_at || (chance->suspend_at == G_MAXINT64 && !dc_link_needs_channel (end->link)))
    return;
  end->channel = wire->dead;
  dc_link_resume (end->link, wire->now);
}

static gint64
act_by_chance (Wire *wire, End *end)
{
  Chance *chance = end->data;
  Chance *far = wire_other (wire, end)->data;

  check_bounds (end, chance, far);
  if (wire->now < chance->next)
    return chance->next;

  follow_channel (wire, end, chance);
  if (dc_link_is_open (end->link))
    send_some (end, chance, far);
  for (guint i = g_rand_int_range (chance->rand, 0, 8); i > 0; i--)
    take_one (wire, end, chance);
  if (g_rand_int_range (chance->rand, 0, 4) == 0)
    for (guint i = 0; i < N_STREAMS; i++)
      dc_link_consume (end->link, i, wire->now);
  chance->next = wire->now + g_rand_int_range (chance->rand, 0, 30 * MS);
  return chance->next;
}

static void
random_config (GRand *rand, DcLinkConfig *config, Chance *chance)
{
  *config = (DcLinkConfig){
      .session = 1 + g_rand_int (rand),
      .window_bytes = g_rand_int_range (rand, 1024, g_rand_boolean (rand) ? 3000 : 200000),
      .window_frames = g_rand_int_range (rand, 1, g_rand_boolean (rand) ? 10 : 500),
      .max_message = g_rand_int_range (rand, 1200, g_rand_boolean (rand) ? 2000 : 65536),
      .resume_timeout = 1000 * SECOND,
      .first_sequence = G_MAXUINT32 - g_rand_int_range (rand, 0, 300),
  };
  chance->rand = rand;
  chance->n_items = g_rand_int_range (rand, 0, 160);
  chance->window_bytes = config->window_bytes;
  chance->window_frames = config->window_frames;
  for (guint i = 0; i < N_STREAMS; i++)
    g_queue_init (&chance->expected[i]);
}

static void
plan_rejoin (GRand *rand, const Wire *wire, Chance *chance)
{
  chance->suspend_at = wire->now + g_rand_int_range (rand, 0, 200 * MS);
  if (g_rand_int_range (rand, 0, 10) == 0)
    chance->suspend_at = G_MAXINT64;
  chance->rejoin_at = wire->now + g_rand_int_range (rand, 0, 400 * MS);
}

static guint
random_part (GRand *rand, const End *end)
{
  return g_rand_int_range (rand, 0, end->incoming->length + 1);
}

/* The first channel must open; after it any may die, sometimes soon enough to meet the HELLOs. One that an end has given up
 * because the other did not come in time is dead too. */
static void
kill_by_chance (Killer *killer)
{
  Wire *wire = killer->wire;
  gboolean given_up = (dc_link_needs_channel (wire->a.link) && wire->a.channel >= wire->dead)
                      || (dc_link_needs_channel (wire->b.link) && wire->b.channel >= wire->dead);
  gboolean due = killer->n_kills > 0 && wire->now >= killer->next;

  if (!dc_link_is_open (wire->a.link) || !dc_link_is_open (wire->b.link) || (!due && !given_up))
    return;

  killer->n_kills -= due;
  wire_kill_channel (wire, random_part (killer->rand, &wire->a), random_part (killer->rand, &wire->b));
  plan_rejoin (killer->rand, wire, wire->a.data);
  plan_rejoin (killer->rand, wire, wire->b.data);
  killer->next = wire->now + g_rand_int_range (killer->rand, 0, g_rand_boolean (killer->rand) ? SECOND : 5 * SECOND);
}

static gboolean
is_over (const Wire *wire)
{
  const Chance *a = wire->a.data, *b = wire->b.data;

  return a->got_fin && b->got_fin && dc_link_is_finished (wire->a.link) && dc_link_is_finished (wire->b.link)
         && dc_link_is_settled (wire->a.link) && dc_link_is_settled (wire->b.link);
}

static void
check_end (const End *end, const Chance *chance, const Chance *far)
{
  DcLinkStats stats = get_stats (end);

  g_assert_cmpuint (chance->n_taken, ==, far->n_items);
  g_assert_cmpuint (stats.items_sent, ==, chance->n_items);
  g_assert_cmpuint (stats.items_acked, ==, chance->n_items);
  g_assert_cmpuint (stats.items_received, ==, far->n_items);
  g_assert_cmpuint (stats.queued_bytes, ==, 0);
  g_assert_cmpuint (stats.in_flight_bytes, ==, 0);
  g_assert_cmpuint (stats.waiting_bytes, ==, 0);
}

static guint
run_by_chance (GRand *rand, guint n_kills)
{
  DcLinkConfig configs[2];
  Chance a = {0}, b = {0};
  g_autoptr (Wire) wire = NULL;
  Killer killer = {.rand = rand, .n_kills = n_kills};

  random_config (rand, &configs[0], &a);
  random_config (rand, &configs[1], &b);
  configs[0].max_item = configs[1].max_item = a.max_item = b.max_item = g_rand_int_range (rand, 100, 50000);

  wire = wire_new (&configs[0], &configs[1], g_rand_int_range (rand, 0, 200 * MS));
  killer.wire = wire;
  wire->a.data = &a;
  wire->b.data = &b;
  wire->a.consume = wire->b.consume = act_by_chance;
  for (guint i = 0; i < 200000 && !is_over (wire); i++) {
    wire_run (wire, 50 * MS);
    kill_by_chance (&killer);
  }

  g_assert_true (is_over (wire));
  check_end (&wire->a, &a, &b);
  check_end (&wire->b, &b, &a);
  g_assert_cmpuint (wire->a.max_message_size, <=, MIN (configs[0].max_message, configs[1].max_message));
  return get_stats (&wire->a).frames_resent + get_stats (&wire->b).frames_resent;
}

static void
test_without_cuts (void)
{
  guint n = g_test_slow () ? 1000 : 30;

  for (guint seed = 0; seed < n; seed++) {
    g_autoptr (GRand) rand = g_rand_new_with_seed (seed);

    g_test_message ("seed %u", seed);
    g_assert_cmpuint (run_by_chance (rand, 0), ==, 0);
  }
}

static void
test_with_cuts (void)
{
  guint n = g_test_slow () ? 3000 : 50;
  guint resent = 0;

  for (guint seed = 0; seed < n; seed++) {
    g_autoptr (GRand) rand = g_rand_new_with_seed (seed);

    g_test_message ("seed %u", seed);
    resent += run_by_chance (rand, g_rand_int_range (rand, 1, 30));
  }
  g_assert_cmpuint (resent, >, 20 * n);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/link/chance/without-cuts", test_without_cuts);
  g_test_add_func ("/link/chance/with-cuts", test_with_cuts);
  return g_test_run ();
}
