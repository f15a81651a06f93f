/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-hub.c: the hub in virtual time: limits, re-entrance, and what hostile peers do. The scripts of the vectors are in test-hub-scripts.c. */
#include <string.h>

#include "signaling/protocol/dc-json.h"
#include "tests/hub-world.h"
#include "tests/signaling-vectors.h"

/* ---- Limits ---- */

static void
join (World *world, const char *name)
{
  world_feedf (world, name, "{\"type\":\"hello\",\"room\":\"r\",\"id\":\"%s\"}", name);
}

/* A sender who never stops and a receiver who never acknowledges: what is kept stays below the limits, whatever the sizes are. */
static void
test_mailbox_bytes (void)
{
  g_autoptr (World) world = world_new (&(DcHubConfig){.message_burst = 100000, .max_mailbox_bytes = 100000});
  g_autofree char *filling = g_strnfill (9000, 'v');

  join (world, "a");
  join (world, "b");
  world_get_fake (world, "a")->muted = world_get_fake (world, "b")->muted = TRUE;
  for (guint seq = 1; seq <= 1000; seq++) {
    world_feedf (
        world, "b", "{\"type\":\"offer\",\"seq\":%u,\"to\":\"a\",\"sdp\":\"%.*s\"}", seq, (int) (seq * 9), filling);
    g_assert_cmpuint (world_get_stats (world).mailbox_bytes, <=, 100000 + 1000);
  }
  g_assert_cmpuint (world_get_stats (world).mailbox_bytes, >, 90000);
  g_assert_cmpuint (world_get_stats (world).relayed + world_get_stats (world).refused, ==, 1000);
  /* It can still be told who comes, and reads on where it was. */
  join (world, "c");
  g_assert_cmpuint (world_get_stats (world).peers, ==, 3);
  world_feed (world, "a", "{\"type\":\"ack\",\"seq\":10}");
  g_assert_cmpuint (world_get_stats (world).peers, ==, 3);
}

/* All mailboxes together have a limit too: many receivers do not add up. */
static void
test_mailboxes_bytes (void)
{
  g_autoptr (World) world = world_new (&(DcHubConfig){.max_mailboxes_bytes = 20000, .message_burst = 100000});
  g_autofree char *filling = g_strnfill (900, 'v');

  join (world, "sender");
  world_get_fake (world, "sender")->muted = TRUE;
  for (guint i = 0; i < 10; i++) {
    g_autofree char *name = g_strdup_printf ("p%u", i);
    world_get_fake (world, name)->muted = TRUE;
    join (world, name);
  }
  for (guint seq = 1; seq <= 100; seq++)
    world_feedf (
        world, "sender", "{\"type\":\"offer\",\"seq\":%u,\"to\":\"p%u\",\"sdp\":\"%s\"}", seq, seq % 10, filling);
  g_assert_cmpuint (world_get_stats (world).mailbox_bytes, <=, 20000);
  g_assert_cmpuint (world_get_stats (world).relayed, >, 5);
  g_assert_cmpuint (world_get_stats (world).refused, >, 70);
}

/* However many there are and however much they say of themselves: a welcome stays readable. */
static void
test_welcome_is_bounded (void)
{
  g_autoptr (World) world = world_new (&(DcHubConfig){0});
  g_autofree char *filling = g_strnfill (4000, 'm');
  guint joined = 0;

  for (guint i = 0; i < 400; i++) {
    g_autofree char *name = g_strdup_printf ("p%u", i);
    Fake *fake = world_get_fake (world, name);
    world_feedf (world, name, "{\"type\":\"hello\",\"room\":\"r\",\"meta\":{\"text\":\"%s\"}}", filling);
    if (!fake->base.session) {
      world_expect_error (world, name, DC_CODE_ROOM_FULL, 0);
      world_expect_closed (world, name, DC_CODE_ROOM_FULL);
      continue;
    }
    g_autoptr (DcMessage) welcome = world_next_message (world, name);
    g_assert_cmpuint (welcome->peers->len, ==, joined);
    joined++;
    fake->muted = TRUE;
  }
  g_assert_cmpuint (joined, >, 200);
  g_assert_cmpuint (joined, <, 400);
}

static void
test_too_deep (void)
{
  g_autoptr (World) world = world_new (&(DcHubConfig){.max_message = 1000});
  g_autofree char *brackets = g_strnfill (900, '[');

  join (world, "a");
  world_forget (world, "a");
  world_feed (world, "a", brackets);
  world_expect_error (world, "a", DC_CODE_BAD_MESSAGE, 0);
  world_feedf (world, "a", "{\"type\":\"offer\",\"seq\":1,\"to\":\"b\",\"sdp\":%.33s1%.33s}", brackets,
      "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
  world_expect_error (world, "a", DC_CODE_BAD_MESSAGE, 0);
  world_feed (world, "a", "{\"type\":\"end-of-candidates\",\"seq\":1,\"to\":\"b\"}");
  world_expect_error (world, "a", DC_CODE_UNKNOWN_PEER, 1);
}

/* Bytes that no JSON file can hold, and texts that lie about everything. */
static void
test_garbage (void)
{
  static const struct {
    const char *bytes;
    gsize length;
  } garbage[] = {
      {"", 0},
      {"\0", 1},
      {"\xff\xfe{\"type\":\"bye\"}", 16},
      {"{\"type\":\"bye\xc3\"}", 15},
      {"{\"type\":\"bye\"}\0", 15},
      {"{\"type\":\"offer\",\"seq\":1e999,\"to\":\"b\",\"sdp\":\"v\"}", 47},
      {"{\"type\":\"offer\",\"seq\":-1,\"to\":\"b\",\"sdp\":\"v\"}", 44},
      {"{\"type\":\"offer\",\"seq\":[1],\"to\":{\"b\":1},\"sdp\":7}", 47},
      {"{\"type\":[\"offer\"],\"seq\":null}", 30},
      {"{\"type\":\"ack\",\"seq\":9007199254740991}", 37},
      {"[{\"type\":\"bye\"}]", 16},
      {"null", 4},
      {"\"hello\"", 7},
  };
  g_autoptr (World) world = world_new (&(DcHubConfig){0});

  join (world, "a");
  world_forget (world, "a");
  for (guint i = 0; i < G_N_ELEMENTS (garbage); i++) {
    Fake *stranger = world_get_fake (world, "stranger");
    dc_hub_receive (world->hub, &world_get_fake (world, "a")->base, garbage[i].bytes, garbage[i].length, world->now);
    world_expect_error (world, "a", DC_CODE_BAD_MESSAGE, 0);
    g_assert_cmpuint (world_get_waiting (world, "a"), ==, 0);
    dc_hub_receive (world->hub, &stranger->base, garbage[i].bytes, garbage[i].length, world->now);
    g_assert_true (stranger->base.closed);
    g_hash_table_remove (world->connections, "stranger");
  }
  join (world, "b");
  world_feed (world, "a", "{\"type\":\"bye\",\"seq\":1,\"to\":\"b\"}");
  g_assert_cmpuint (world_get_stats (world).relayed, ==, 1);
}

/* A peer that never stops is shut out, and nobody else notices. */
static void
test_flood (void)
{
  g_autoptr (World) world = world_new (&(DcHubConfig){0});
  guint sent = 0;

  join (world, "a");
  join (world, "b");
  world_get_fake (world, "b")->muted = TRUE;
  world_forget (world, "a");
  while (!world_get_fake (world, "b")->base.closed) {
    world_feed (world, "b", "garbage");
    sent++;
    g_assert_cmpuint (sent, <=, 1000);
  }
  g_assert_cmpuint (sent, ==, 1000);
  world_expect_type (world, "a", DC_MESSAGE_AWAY);
  g_assert_cmpuint (world_get_waiting (world, "a"), ==, 0);
}

/* Acknowledging what was really sent costs nothing, so that a busy receiver is never too fast. */
static void
test_acks_are_free (void)
{
  g_autoptr (World) world = world_new (&(DcHubConfig){.message_burst = 10, .messages_per_second = 1});

  join (world, "a");
  world_get_fake (world, "a")->muted = TRUE;
  for (guint i = 1; i <= 100; i++) {
    g_autofree char *name = g_strdup_printf ("p%u", i);
    world_get_fake (world, name)->muted = TRUE;
    join (world, name);
    world_feedf (world, "a", "{\"type\":\"ack\",\"seq\":%u}", i);
  }
  g_assert_nonnull (world_get_fake (world, "a")->base.session);
  g_assert_cmpuint (world_get_fake (world, "a")->count, ==, 101);
  /* Useless ones do. */
  for (guint i = 0; i < 19; i++)
    world_feed (world, "a", "{\"type\":\"ack\",\"seq\":0}");
  g_assert_false (world_get_fake (world, "a")->base.closed);
  world_feed (world, "a", "{\"type\":\"ack\",\"seq\":0}");
  g_assert_true (world_get_fake (world, "a")->base.closed);
}

/* ---- Odd moments ---- */

/* A socket that breaks while the hub writes to it: its connection is detached in the middle, and everybody else gets everything. */
static void
test_detach_inside_send (void)
{
  g_autoptr (World) world = world_new (&(DcHubConfig){0});

  join (world, "a");
  join (world, "b");
  join (world, "c");
  world_forget (world, "a");
  world_forget (world, "b");
  world_forget (world, "c");
  world_get_fake (world, "a")->detach_on_send = TRUE;
  join (world, "d");
  world_expect_type (world, "a", DC_MESSAGE_JOINED);
  world_expect_type (world, "b", DC_MESSAGE_JOINED);
  world_expect_type (world, "b", DC_MESSAGE_AWAY);
  world_expect_type (world, "c", DC_MESSAGE_JOINED);
  world_expect_type (world, "c", DC_MESSAGE_AWAY);
  world_expect_type (world, "d", DC_MESSAGE_WELCOME);
  world_expect_type (world, "d", DC_MESSAGE_AWAY);
  g_assert_cmpuint (world_get_waiting (world, "a"), ==, 0);
  g_assert_null (world_get_fake (world, "a")->base.session);
  g_assert_cmpuint (world_get_stats (world).away, ==, 1);
}

/* The same while a mailbox is replayed: what was not written is not, and waits for the next connection. */
static void
test_detach_inside_replay (void)
{
  g_autoptr (World) world = world_new (&(DcHubConfig){0});

  join (world, "a");
  g_autoptr (DcMessage) welcome = world_next_message (world, "a");
  dc_hub_detach (world->hub, &world_get_fake (world, "a")->base, world->now);
  join (world, "b");
  join (world, "c");
  world_get_fake (world, "a2")->detach_on_send = TRUE;
  world_feedf (world, "a2", "{\"type\":\"hello\",\"room\":\"r\",\"resume\":\"%s\"}", welcome->resume);
  world_expect_type (world, "a2", DC_MESSAGE_WELCOME);
  g_assert_cmpuint (world_get_waiting (world, "a2"), ==, 0);
  world_feedf (world, "a3", "{\"type\":\"hello\",\"room\":\"r\",\"resume\":\"%s\"}", welcome->resume);
  world_expect_type (world, "a3", DC_MESSAGE_WELCOME);
  world_expect_type (world, "a3", DC_MESSAGE_JOINED);
  world_expect_type (world, "a3", DC_MESSAGE_JOINED);
}

/* Randomness that always says the same: refused, not two sessions under one name. */
static void
test_broken_random (void)
{
  g_autoptr (World) world = world_new (&(DcHubConfig){0});

  world->random_is_broken = TRUE;
  join (world, "a");
  world_expect_type (world, "a", DC_MESSAGE_WELCOME);
  join (world, "b");
  world_expect_error (world, "b", DC_CODE_SERVER_FULL, 0);
  world_expect_closed (world, "b", DC_CODE_SERVER_FULL);
  world_feed (world, "c", "{\"type\":\"hello\",\"room\":\"r\"}");
  world_expect_error (world, "c", DC_CODE_SERVER_FULL, 0);
  g_assert_cmpuint (world_get_stats (world).peers, ==, 1);
}

static void
test_names_are_strong (void)
{
  g_autoptr (World) world = world_new (&(DcHubConfig){0});
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < 200; i++) {
    g_autofree char *name = g_strdup_printf ("conn%u", i);
    world_feed (world, name, "{\"type\":\"hello\",\"room\":\"r\"}");
    g_autoptr (DcMessage) welcome = world_next_message (world, name);
    world_get_fake (world, name)->muted = TRUE;
    g_assert_cmpuint (strlen (welcome->resume), ==, 43);  /* 32 bytes */
    g_assert_cmpuint (strlen (welcome->session), ==, 16); /* 12 bytes */
    g_assert_true (g_hash_table_add (seen, g_strdup (welcome->resume)));
    g_assert_true (g_hash_table_add (seen, g_strdup (welcome->session)));
    g_assert_true (g_hash_table_add (seen, g_strdup (welcome->id)));
    g_assert_null (dc_hub_find_session (world->hub, welcome->session, ""));
    g_assert_null (dc_hub_find_session (world->hub, welcome->session, welcome->session));
    g_assert_nonnull (dc_hub_find_session (world->hub, welcome->session, welcome->resume));
  }
}

/* Each away session has its own end, and the deadline is the first of them. */
static void
test_deadlines (void)
{
  g_autoptr (World) world = world_new (&(DcHubConfig){.resume_time = 10 * SECOND});
  gint64 start = world->now;

  join (world, "a");
  join (world, "b");
  join (world, "c");
  g_assert_cmpint (dc_hub_get_deadline (world->hub), ==, -1);
  dc_hub_detach (world->hub, &world_get_fake (world, "a")->base, world->now);
  world_advance (world, 3 * SECOND);
  dc_hub_detach (world->hub, &world_get_fake (world, "b")->base, world->now);
  g_assert_cmpint (dc_hub_get_deadline (world->hub), ==, start + 10 * SECOND);
  world_advance (world, 7 * SECOND - 1);
  g_assert_cmpuint (world_get_stats (world).peers, ==, 3);
  world_advance (world, 1);
  g_assert_cmpuint (world_get_stats (world).peers, ==, 2);
  g_assert_cmpint (dc_hub_get_deadline (world->hub), ==, start + 13 * SECOND);
  /* A clock that is read late, or backwards, does no harm. */
  dc_hub_detach (world->hub, &world_get_fake (world, "c")->base, start);
  world_advance (world, 100 * SECOND);
  g_assert_cmpuint (world_get_stats (world).peers, ==, 0);
  g_assert_cmpint (dc_hub_get_deadline (world->hub), ==, -1);
}

static void
test_events (void)
{
  g_autoptr (World) world = world_new (&(DcHubConfig){0});

  world->events = g_string_new (NULL);
  join (world, "a");
  join (world, "b");
  world_feed (world, "b", "{\"type\":\"offer\",\"seq\":1,\"to\":\"a\",\"sdp\":\"v\"}");
  world_feed (world, "b", "{\"type\":\"bye\",\"seq\":2,\"to\":\"z\"}");
  g_autoptr (DcMessage) welcome = world_next_message (world, "a");
  dc_hub_detach (world->hub, &world_get_fake (world, "a")->base, world->now);
  world_feedf (world, "a2", "{\"type\":\"hello\",\"room\":\"r\",\"resume\":\"%s\"}", welcome->resume);
  world_feed (world, "a2", "{\"type\":\"bye\"}");
  world_feed (world, "c", "x");
  dc_hub_detach (world->hub, &world_get_fake (world, "b")->base, world->now);
  world_advance (world, 30 * SECOND);
  g_assert_cmpstr (world->events->str, ==,
      "registered a@r origin=a\n"
      "registered b@r origin=b\n"
      "relayed b@r to=a type=offer\n"
      "refused b@r to=z origin=b code=unknown-peer\n"
      "away a@r\n"
      "resumed a@r origin=a2\n"
      "left a@r (it said bye)\n"
      "refused -@- origin=c code=bad-message\n"
      "away b@r\n"
      "left b@r (it did not come back within the resume time)\n");
}

/* ICE servers and limits of the configuration are what a welcome says. */
static void
test_welcome_configuration (void)
{
  g_autoptr (JsonNode) servers = dc_json_parse ("[{\"urls\":[\"stun:h:3478\"]}]", -1, 100, NULL);
  g_autoptr (World) world = world_new (&(DcHubConfig){.ice_servers = servers, .resume_time = 7 * SECOND});

  join (world, "a");
  g_autoptr (DcMessage) welcome = world_next_message (world, "a");
  g_autofree char *text = json_to_text (welcome->ice_servers);
  g_autofree char *limits = json_to_text (welcome->limits);
  g_assert_cmpstr (text, ==, "[{\"urls\":[\"stun:h:3478\"]}]");
  g_assert_cmpstr (limits, ==,
      "{\"max_message\":65536,\"max_meta\":4096,\"max_mailbox_messages\":1024,\"max_mailbox_bytes\":1048576,"
      "\"messages_per_second\":50,\"message_burst\":500,\"resume_seconds\":7}");
}

/* ---- Many ---- */

/* Pairs that talk in rooms of two, under a full house: the work for a message does not grow with the number of peers. Says how fast, checks
 * only that all arrives. */
static void
test_thousands (void)
{
  const guint n = g_test_slow () ? 10000 : 2000;
  g_autoptr (World) world = world_new (&(DcHubConfig){0});
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < n; i++) {
    char *name = g_strdup_printf ("p%u", i);
    g_ptr_array_add (names, name);
    world_get_fake (world, name)->muted = TRUE;
    world_feedf (world, name, "{\"type\":\"hello\",\"room\":\"r%u\",\"id\":\"p%u\"}", i / 2, i);
  }
  g_test_timer_start ();
  for (guint seq = 1; seq <= 5; seq++) {
    for (guint i = 0; i < n; i++)
      world_feedf (world, g_ptr_array_index (names, i),
          "{\"type\":\"candidate\",\"seq\":%u,\"to\":\"p%u\",\"candidate\":\"candidate:1\",\"mline\":0}", seq, i ^ 1);
  }
  g_test_message ("%.1f us a message", g_test_timer_elapsed () * 1e6 / (5 * n));
  g_assert_cmpuint (world_get_stats (world).relayed, ==, 5 * n);
  for (guint i = 0; i < n; i++)
    dc_hub_detach (world->hub, &world_get_fake (world, g_ptr_array_index (names, i))->base, world->now);
  g_assert_cmpuint (world_get_stats (world).away, ==, n);
  world_advance (world, 30 * SECOND);
  g_assert_cmpuint (world_get_stats (world).peers, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/hub/limits/mailbox-bytes", test_mailbox_bytes);
  g_test_add_func ("/hub/limits/mailboxes-bytes", test_mailboxes_bytes);
  g_test_add_func ("/hub/limits/welcome", test_welcome_is_bounded);
  g_test_add_func ("/hub/limits/too-deep", test_too_deep);
  g_test_add_func ("/hub/limits/garbage", test_garbage);
  g_test_add_func ("/hub/limits/flood", test_flood);
  g_test_add_func ("/hub/limits/acks-are-free", test_acks_are_free);
  g_test_add_func ("/hub/detach-inside-send", test_detach_inside_send);
  g_test_add_func ("/hub/detach-inside-replay", test_detach_inside_replay);
  g_test_add_func ("/hub/broken-random", test_broken_random);
  g_test_add_func ("/hub/names-are-strong", test_names_are_strong);
  g_test_add_func ("/hub/deadlines", test_deadlines);
  g_test_add_func ("/hub/events", test_events);
  g_test_add_func ("/hub/welcome-configuration", test_welcome_configuration);
  g_test_add_func ("/hub/thousands", test_thousands);
  return g_test_run ();
}
