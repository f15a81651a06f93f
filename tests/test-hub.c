/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-hub.c: the hub in virtual time: the scripts of the vectors, limits, re-entrance, and what hostile peers do. */

#include "signaling/hub/dc-hub.h"
#include "signaling/protocol/dc-json.h"

#include <string.h>

#define SECOND ((gint64) G_USEC_PER_SEC)

/* ---- A world of connections around one hub ---- */

typedef struct _World World;

typedef struct {
  char *text; /* NULL: closed */
  guint64 seq;
  DcCode code;
} Output;

typedef struct {
  DcHubConnection base;
  World *world;
  GQueue outputs;
  gboolean muted;          /* counts what comes and forgets it */
  guint64 count, bytes;    /* of texts, muted or not */
  gboolean detach_on_send; /* a socket that turns out to be broken in the middle of a write */
  guint inside;            /* vfuncs of this connection that are running */
} Fake;

struct _World {
  DcHub *hub;
  gint64 now;
  guint64 random;
  gboolean random_is_broken;
  GHashTable *connections; /* name -> Fake */
  GHashTable *variables;   /* "$name" -> string */
  GString *events;
};

static void
output_free (Output *output)
{
  g_free (output->text);
  g_free (output);
}

static void
fake_send (DcHubConnection *connection, const char *text, gsize length, guint64 seq)
{
  Fake *fake = (Fake *) connection;

  g_assert_cmpuint (fake->inside, ==, 0);
  fake->inside++;
  g_assert_cmpuint (strlen (text), ==, length);
  fake->count++;
  fake->bytes += length;
  if (!fake->muted) {
    Output *output = g_new0 (Output, 1);
    output->text = g_strdup (text);
    output->seq = seq;
    g_queue_push_tail (&fake->outputs, output);
  }
  if (fake->detach_on_send)
    dc_hub_detach (fake->world->hub, connection, fake->world->now);
  fake->inside--;
}

static void
fake_close (DcHubConnection *connection, DcCode code, const char *reason)
{
  Fake *fake = (Fake *) connection;
  Output *output = g_new0 (Output, 1);

  g_assert_null (connection->session);
  g_assert_nonnull (reason);
  output->code = code;
  g_queue_push_tail (&fake->outputs, output);
}

static const DcHubConnectionClass fake_class = {fake_send, fake_close};

static void
fake_free (Fake *fake)
{
  g_queue_clear_full (&fake->outputs, (GDestroyNotify) output_free);
  g_free (fake->base.origin);
  g_free (fake);
}

/* xorshift64* */
static void
world_random (guint8 *buffer, gsize length, gpointer user_data)
{
  World *world = user_data;

  for (gsize i = 0; i < length; i++) {
    if (world->random_is_broken) {
      buffer[i] = 7;
      continue;
    }
    world->random ^= world->random >> 12;
    world->random ^= world->random << 25;
    world->random ^= world->random >> 27;
    buffer[i] = (guint8) (world->random * G_GUINT64_CONSTANT (2685821657736338717) >> 56);
  }
}

static void
world_event (const DcHubEvent *event, gpointer user_data)
{
  static const char *const names[] = {"registered", "resumed", "away", "left", "relayed", "refused"};
  World *world = user_data;

  if (!world->events)
    return;
  g_string_append_printf (
      world->events, "%s %s@%s", names[event->kind], event->peer ? event->peer : "-", event->room ? event->room : "-");
  if (event->to)
    g_string_append_printf (world->events, " to=%s", event->to);
  if (event->origin)
    g_string_append_printf (world->events, " origin=%s", event->origin);
  if (event->kind == DC_HUB_EVENT_RELAYED)
    g_string_append_printf (world->events, " type=%s", dc_message_type_to_string (event->type));
  if (event->kind == DC_HUB_EVENT_REFUSED)
    g_string_append_printf (world->events, " code=%s", dc_code_to_string (event->code));
  if (event->kind == DC_HUB_EVENT_LEFT)
    g_string_append_printf (world->events, " (%s)", event->detail);
  g_string_append_c (world->events, '\n');
}

static World *
world_new (const DcHubConfig *config)
{
  World *world = g_new0 (World, 1);

  world->now = 1000 * SECOND;
  world->random = 88172645463325252;
  world->connections = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) fake_free);
  world->variables = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  world->hub = dc_hub_new (config, world_random, world_event, world);
  return world;
}

/* Everybody goes; nothing may be left of them. */
static void
world_free (World *world)
{
  DcHubStats stats;

  dc_hub_shut_down (world->hub, "The test is over.");
  dc_hub_get_stats (world->hub, &stats);
  g_assert_cmpuint (stats.peers + stats.away + stats.rooms, ==, 0);
  g_assert_cmpuint (stats.mailbox_bytes, ==, 0);
  g_assert_cmpint (dc_hub_get_deadline (world->hub), ==, -1);
  dc_hub_free (world->hub);
  g_hash_table_unref (world->connections);
  g_hash_table_unref (world->variables);
  if (world->events)
    g_string_free (world->events, TRUE);
  g_free (world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (World, world_free)

static Fake *
get_fake (World *world, const char *name)
{
  Fake *fake = g_hash_table_lookup (world->connections, name);

  if (!fake) {
    fake = g_new0 (Fake, 1);
    fake->base.klass = &fake_class;
    fake->base.origin = g_strdup (name);
    fake->world = world;
    g_hash_table_insert (world->connections, g_strdup (name), fake);
  }
  return fake;
}

static void
feed (World *world, const char *name, const char *text)
{
  dc_hub_receive (world->hub, &get_fake (world, name)->base, text, strlen (text), world->now);
}

static void feedf (World *world, const char *name, const char *format, ...) G_GNUC_PRINTF (3, 4);

static void
feedf (World *world, const char *name, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  feed (world, name, text);
}

static void
advance (World *world, gint64 span)
{
  world->now += span;
  dc_hub_advance (world->hub, world->now);
}

/* (transfer full): the next text that @name got. */
static char *
next_text (World *world, const char *name)
{
  Output *output = g_queue_pop_head (&get_fake (world, name)->outputs);

  g_assert_nonnull (output);
  g_assert_nonnull (output->text);
  char *text = g_steal_pointer (&output->text);
  output_free (output);
  return text;
}

static DcMessage *
next_message (World *world, const char *name)
{
  g_autofree char *text = next_text (world, name);
  g_autoptr (GError) error = NULL;
  DcMessage *message = dc_message_new_from_json (text, -1, &error);

  g_assert_no_error (error);
  return message;
}

static void
expect_error (World *world, const char *name, DcCode code, guint64 seq)
{
  g_autoptr (DcMessage) message = next_message (world, name);

  g_assert_cmpint (message->type, ==, DC_MESSAGE_ERROR);
  g_assert_cmpstr (dc_code_to_string (message->code), ==, dc_code_to_string (code));
  g_assert_cmpuint (message->seq, ==, seq);
}

static void
expect_type (World *world, const char *name, DcMessageType type)
{
  g_autoptr (DcMessage) message = next_message (world, name);

  g_assert_cmpstr (dc_message_type_to_string (message->type), ==, dc_message_type_to_string (type));
}

static void
expect_closed (World *world, const char *name, DcCode code)
{
  Output *output = g_queue_pop_head (&get_fake (world, name)->outputs);

  g_assert_nonnull (output);
  g_assert_cmpstr (output->text, ==, NULL);
  g_assert_cmpstr (dc_code_to_string (output->code), ==, dc_code_to_string (code));
  output_free (output);
}

static void
forget (World *world, const char *name)
{
  g_queue_clear_full (&get_fake (world, name)->outputs, (GDestroyNotify) output_free);
}

static guint
get_waiting (World *world, const char *name)
{
  return get_fake (world, name)->outputs.length;
}

static DcHubStats
get_stats (World *world)
{
  DcHubStats stats;

  dc_hub_get_stats (world->hub, &stats);
  return stats;
}

/* ---- The scripts of the vectors ---- */

static JsonNode *
load_vectors (void)
{
  const char *root = g_getenv ("DC_SRCDIR");
  g_autofree char *path = g_build_filename (root ? root : ".", "data", "signaling-vectors.json", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  JsonNode *node = dc_json_parse (text, -1, G_MAXSIZE, &error);
  g_assert_no_error (error);
  return node;
}

static char *
to_text (JsonNode *node)
{
  GString *out = g_string_new (NULL);

  dc_json_write (node, out);
  return g_string_free (out, FALSE);
}

/* "$name" is what it was bound to; everything else is itself. */
static const char *
substitute (World *world, const char *string)
{
  const char *value = g_hash_table_lookup (world->variables, string);

  return value ? value : string;
}

static char *
make_text (World *world, JsonObject *step)
{
  if (json_object_has_member (step, "text"))
    return g_strdup (json_object_get_string_member (step, "text"));
  g_autoptr (JsonNode) copy = json_node_copy (json_object_get_member (step, "message"));
  g_autoptr (GList) names = json_object_get_members (json_node_get_object (copy));
  for (GList *l = names; l; l = l->next) {
    JsonNode *value = json_object_get_member (json_node_get_object (copy), l->data);
    if (json_node_get_value_type (value) == G_TYPE_STRING) {
      g_autofree char *string = g_strdup (substitute (world, json_node_get_string (value)));
      json_object_set_string_member (json_node_get_object (copy), l->data, string);
    }
  }
  return to_text (copy);
}

/* Binds a "$name" that is seen for the first time. */
static gboolean
match_string (World *world, const char *expected, JsonNode *actual)
{
  if (g_str_equal (expected, "*"))
    return TRUE;
  if (json_node_get_value_type (actual) != G_TYPE_STRING)
    return FALSE;
  if (expected[0] == '$' && !g_hash_table_contains (world->variables, expected)) {
    g_hash_table_insert (world->variables, g_strdup (expected), json_node_dup_string (actual));
    return TRUE;
  }
  return g_str_equal (substitute (world, expected), json_node_get_string (actual));
}

static gboolean match (World *world, JsonNode *expected, JsonNode *actual);

static gboolean
match_array (World *world, JsonArray *expected, JsonArray *actual)
{
  if (json_array_get_length (expected) != json_array_get_length (actual))
    return FALSE;
  for (guint i = 0; i < json_array_get_length (expected); i++) {
    if (!match (world, json_array_get_element (expected, i), json_array_get_element (actual, i)))
      return FALSE;
  }
  return TRUE;
}

static gboolean
match (World *world, JsonNode *expected, JsonNode *actual)
{
  if (json_node_get_value_type (expected) == G_TYPE_STRING)
    return match_string (world, json_node_get_string (expected), actual);
  if (json_node_get_node_type (expected) != json_node_get_node_type (actual))
    return FALSE;
  if (JSON_NODE_HOLDS_ARRAY (expected))
    return match_array (world, json_node_get_array (expected), json_node_get_array (actual));
  if (!JSON_NODE_HOLDS_OBJECT (expected))
    return json_node_equal (expected, actual);

  JsonObject *wanted = json_node_get_object (expected), *got = json_node_get_object (actual);
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;
  if (json_object_get_size (wanted) != json_object_get_size (got))
    return FALSE;
  json_object_iter_init_ordered (&iter, wanted);
  while (json_object_iter_next_ordered (&iter, &name, &value)) {
    if (!json_object_has_member (got, name) || !match (world, value, json_object_get_member (got, name)))
      return FALSE;
  }
  return TRUE;
}

static void
step_from (World *world, JsonObject *step)
{
  g_autofree char *text = make_text (world, step);

  feed (world, json_object_get_string_member (step, "from"), text);
}

static void
step_expect (World *world, JsonObject *step)
{
  g_autofree char *text = next_text (world, json_object_get_string_member (step, "expect"));
  g_autoptr (JsonNode) actual = dc_json_parse (text, -1, G_MAXSIZE, NULL);
  JsonNode *expected = json_object_get_member (step, "message");
  g_autofree char *expected_text = to_text (expected);
  g_autoptr (DcMessage) message = dc_message_new_from_json (text, -1, NULL);

  g_test_message ("got %s", text);
  g_assert_nonnull (message);
  if (!match (world, expected, actual))
    g_assert_cmpstr (text, ==, expected_text);
}

static void
step_closed (World *world, JsonObject *step)
{
  DcCode code;

  g_assert_true (dc_code_from_string (json_object_get_string_member (step, "code"), &code));
  expect_closed (world, json_object_get_string_member (step, "closed"), code);
}

static void
step_detach (World *world, JsonObject *step)
{
  dc_hub_detach (world->hub, &get_fake (world, json_object_get_string_member (step, "detach"))->base, world->now);
}

static void
step_advance (World *world, JsonObject *step)
{
  advance (world, (gint64) (json_object_get_double_member (step, "advance") * (double) SECOND + 0.5));
}

static DcHubSession *
find_session (World *world, JsonObject *step, const char *member)
{
  return dc_hub_find_session (world->hub, substitute (world, json_object_get_string_member (step, member)),
      substitute (world, json_object_get_string_member (step, "resume")));
}

static void
step_attach (World *world, JsonObject *step)
{
  Fake *fake = get_fake (world, json_object_get_string_member (step, "attach"));
  DcHubSession *session = find_session (world, step, "session");

  g_assert_nonnull (session);
  dc_hub_attach (world->hub, session, &fake->base, world->now);
  g_assert_true (dc_hub_session_get_connection (session) == &fake->base);
}

static void
step_collect (World *world, JsonObject *step)
{
  DcHubSession *session = find_session (world, step, "collect");

  g_assert_cmpint (session != NULL, ==, json_object_get_boolean_member_with_default (step, "found", TRUE));
  if (!session)
    return;
  g_autofree char *text =
      dc_hub_session_collect (session, (guint64) json_object_get_int_member_with_default (step, "after", 0));
  g_autofree char *expected =
      json_object_has_member (step, "messages") ? to_text (json_object_get_member (step, "messages")) : NULL;
  g_assert_cmpstr (text, ==, expected);
}

static void
step_shut_down (World *world, JsonObject *step)
{
  dc_hub_shut_down (world->hub, json_object_get_string_member (step, "shut-down"));
}

static void
step_stats (World *world, JsonObject *step)
{
  JsonObject *expected = json_object_get_object_member (step, "stats");
  DcHubStats stats = get_stats (world);
  const struct {
    const char *name;
    guint64 value;
  } values[] = {{"peers", stats.peers}, {"away", stats.away}, {"rooms", stats.rooms}, {"registered", stats.registered},
      {"relayed", stats.relayed}, {"refused", stats.refused}, {"mailbox_bytes", stats.mailbox_bytes}};

  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    if (json_object_has_member (expected, values[i].name))
      g_assert_cmpuint (values[i].value, ==, (guint64) json_object_get_int_member (expected, values[i].name));
  }
}

static const struct {
  const char *name;
  void (*run) (World *world, JsonObject *step);
} steps[] = {
    {"from", step_from},
    {"expect", step_expect},
    {"closed", step_closed},
    {"detach", step_detach},
    {"advance", step_advance},
    {"attach", step_attach},
    {"collect", step_collect},
    {"shut-down", step_shut_down},
    {"stats", step_stats},
};

static void
run_step (World *world, JsonNode *node)
{
  g_autofree char *text = to_text (node);

  g_test_message ("%s", text);
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    if (json_object_has_member (json_node_get_object (node), steps[i].name)) {
      steps[i].run (world, json_node_get_object (node));
      return;
    }
  }
  g_error ("No such step: %s", text);
}

static void
read_config (DcHubConfig *config, JsonObject *object)
{
  config->max_message = (gsize) json_object_get_int_member_with_default (object, "max_message", 0);
  config->max_meta = (gsize) json_object_get_int_member_with_default (object, "max_meta", 0);
  config->max_mailbox_messages = (guint) json_object_get_int_member_with_default (object, "max_mailbox_messages", 0);
  config->max_room_peers = (guint) json_object_get_int_member_with_default (object, "max_room_peers", 0);
  config->max_peers = (guint) json_object_get_int_member_with_default (object, "max_peers", 0);
  config->messages_per_second = (guint) json_object_get_int_member_with_default (object, "messages_per_second", 0);
  config->message_burst = (guint) json_object_get_int_member_with_default (object, "message_burst", 0);
}

static void
test_script (gconstpointer data)
{
  JsonObject *script = (JsonObject *) data;
  JsonArray *list = json_object_get_array_member (script, "steps");
  DcHubConfig config = {0};
  GHashTableIter iter;
  const char *name;

  if (json_object_has_member (script, "config"))
    read_config (&config, json_object_get_object_member (script, "config"));
  g_autoptr (World) world = world_new (&config);
  for (guint i = 0; i < json_array_get_length (list); i++)
    run_step (world, json_array_get_element (list, i));

  /* Nobody was told anything that the script does not say. */
  g_hash_table_iter_init (&iter, world->connections);
  while (g_hash_table_iter_next (&iter, (gpointer *) &name, NULL)) {
    if (get_waiting (world, name) > 0) {
      g_autofree char *text = next_text (world, name);
      g_error ("%s got more than the script says: %s", name, text);
    }
  }
}

/* ---- Limits ---- */

static void
join (World *world, const char *name)
{
  feedf (world, name, "{\"type\":\"hello\",\"room\":\"r\",\"id\":\"%s\"}", name);
}

/* A sender who never stops and a receiver who never acknowledges: what is kept stays below the limits, whatever the sizes are. */
static void
test_mailbox_bytes (void)
{
  g_autoptr (World) world = world_new (&(DcHubConfig){.message_burst = 100000, .max_mailbox_bytes = 100000});
  g_autofree char *filling = g_strnfill (9000, 'v');

  join (world, "a");
  join (world, "b");
  get_fake (world, "a")->muted = get_fake (world, "b")->muted = TRUE;
  for (guint seq = 1; seq <= 1000; seq++) {
    feedf (world, "b", "{\"type\":\"offer\",\"seq\":%u,\"to\":\"a\",\"sdp\":\"%.*s\"}", seq, (int) (seq * 9), filling);
    g_assert_cmpuint (get_stats (world).mailbox_bytes, <=, 100000 + 1000);
  }
  g_assert_cmpuint (get_stats (world).mailbox_bytes, >, 90000);
  g_assert_cmpuint (get_stats (world).relayed + get_stats (world).refused, ==, 1000);
  /* It can still be told who comes, and reads on where it was. */
  join (world, "c");
  g_assert_cmpuint (get_stats (world).peers, ==, 3);
  feed (world, "a", "{\"type\":\"ack\",\"seq\":10}");
  g_assert_cmpuint (get_stats (world).peers, ==, 3);
}

/* All mailboxes together have a limit too: many receivers do not add up. */
static void
test_mailboxes_bytes (void)
{
  g_autoptr (World) world = world_new (&(DcHubConfig){.max_mailboxes_bytes = 20000, .message_burst = 100000});
  g_autofree char *filling = g_strnfill (900, 'v');

  join (world, "sender");
  get_fake (world, "sender")->muted = TRUE;
  for (guint i = 0; i < 10; i++) {
    g_autofree char *name = g_strdup_printf ("p%u", i);
    get_fake (world, name)->muted = TRUE;
    join (world, name);
  }
  for (guint seq = 1; seq <= 100; seq++)
    feedf (world, "sender", "{\"type\":\"offer\",\"seq\":%u,\"to\":\"p%u\",\"sdp\":\"%s\"}", seq, seq % 10, filling);
  g_assert_cmpuint (get_stats (world).mailbox_bytes, <=, 20000);
  g_assert_cmpuint (get_stats (world).relayed, >, 5);
  g_assert_cmpuint (get_stats (world).refused, >, 70);
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
    Fake *fake = get_fake (world, name);
    feedf (world, name, "{\"type\":\"hello\",\"room\":\"r\",\"meta\":{\"text\":\"%s\"}}", filling);
    if (!fake->base.session) {
      expect_error (world, name, DC_CODE_ROOM_FULL, 0);
      expect_closed (world, name, DC_CODE_ROOM_FULL);
      continue;
    }
    g_autoptr (DcMessage) welcome = next_message (world, name);
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
  forget (world, "a");
  feed (world, "a", brackets);
  expect_error (world, "a", DC_CODE_BAD_MESSAGE, 0);
  feedf (world, "a", "{\"type\":\"offer\",\"seq\":1,\"to\":\"b\",\"sdp\":%.33s1%.33s}", brackets,
      "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
  expect_error (world, "a", DC_CODE_BAD_MESSAGE, 0);
  feed (world, "a", "{\"type\":\"end-of-candidates\",\"seq\":1,\"to\":\"b\"}");
  expect_error (world, "a", DC_CODE_UNKNOWN_PEER, 1);
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
  forget (world, "a");
  for (guint i = 0; i < G_N_ELEMENTS (garbage); i++) {
    Fake *stranger = get_fake (world, "stranger");
    dc_hub_receive (world->hub, &get_fake (world, "a")->base, garbage[i].bytes, garbage[i].length, world->now);
    expect_error (world, "a", DC_CODE_BAD_MESSAGE, 0);
    g_assert_cmpuint (get_waiting (world, "a"), ==, 0);
    dc_hub_receive (world->hub, &stranger->base, garbage[i].bytes, garbage[i].length, world->now);
    g_assert_true (stranger->base.closed);
    g_hash_table_remove (world->connections, "stranger");
  }
  join (world, "b");
  feed (world, "a", "{\"type\":\"bye\",\"seq\":1,\"to\":\"b\"}");
  g_assert_cmpuint (get_stats (world).relayed, ==, 1);
}

/* A peer that never stops is shut out, and nobody else notices. */
static void
test_flood (void)
{
  g_autoptr (World) world = world_new (&(DcHubConfig){0});
  guint sent = 0;

  join (world, "a");
  join (world, "b");
  get_fake (world, "b")->muted = TRUE;
  forget (world, "a");
  while (!get_fake (world, "b")->base.closed) {
    feed (world, "b", "garbage");
    sent++;
    g_assert_cmpuint (sent, <=, 1000);
  }
  g_assert_cmpuint (sent, ==, 1000);
  expect_type (world, "a", DC_MESSAGE_AWAY);
  g_assert_cmpuint (get_waiting (world, "a"), ==, 0);
}

/* Acknowledging what was really sent costs nothing, so that a busy receiver is never too fast. */
static void
test_acks_are_free (void)
{
  g_autoptr (World) world = world_new (&(DcHubConfig){.message_burst = 10, .messages_per_second = 1});

  join (world, "a");
  get_fake (world, "a")->muted = TRUE;
  for (guint i = 1; i <= 100; i++) {
    g_autofree char *name = g_strdup_printf ("p%u", i);
    get_fake (world, name)->muted = TRUE;
    join (world, name);
    feedf (world, "a", "{\"type\":\"ack\",\"seq\":%u}", i);
  }
  g_assert_nonnull (get_fake (world, "a")->base.session);
  g_assert_cmpuint (get_fake (world, "a")->count, ==, 101);
  /* Useless ones do. */
  for (guint i = 0; i < 19; i++)
    feed (world, "a", "{\"type\":\"ack\",\"seq\":0}");
  g_assert_false (get_fake (world, "a")->base.closed);
  feed (world, "a", "{\"type\":\"ack\",\"seq\":0}");
  g_assert_true (get_fake (world, "a")->base.closed);
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
  forget (world, "a");
  forget (world, "b");
  forget (world, "c");
  get_fake (world, "a")->detach_on_send = TRUE;
  join (world, "d");
  expect_type (world, "a", DC_MESSAGE_JOINED);
  expect_type (world, "b", DC_MESSAGE_JOINED);
  expect_type (world, "b", DC_MESSAGE_AWAY);
  expect_type (world, "c", DC_MESSAGE_JOINED);
  expect_type (world, "c", DC_MESSAGE_AWAY);
  expect_type (world, "d", DC_MESSAGE_WELCOME);
  expect_type (world, "d", DC_MESSAGE_AWAY);
  g_assert_cmpuint (get_waiting (world, "a"), ==, 0);
  g_assert_null (get_fake (world, "a")->base.session);
  g_assert_cmpuint (get_stats (world).away, ==, 1);
}

/* The same while a mailbox is replayed: what was not written is not, and waits for the next connection. */
static void
test_detach_inside_replay (void)
{
  g_autoptr (World) world = world_new (&(DcHubConfig){0});

  join (world, "a");
  g_autoptr (DcMessage) welcome = next_message (world, "a");
  dc_hub_detach (world->hub, &get_fake (world, "a")->base, world->now);
  join (world, "b");
  join (world, "c");
  get_fake (world, "a2")->detach_on_send = TRUE;
  feedf (world, "a2", "{\"type\":\"hello\",\"room\":\"r\",\"resume\":\"%s\"}", welcome->resume);
  expect_type (world, "a2", DC_MESSAGE_WELCOME);
  g_assert_cmpuint (get_waiting (world, "a2"), ==, 0);
  feedf (world, "a3", "{\"type\":\"hello\",\"room\":\"r\",\"resume\":\"%s\"}", welcome->resume);
  expect_type (world, "a3", DC_MESSAGE_WELCOME);
  expect_type (world, "a3", DC_MESSAGE_JOINED);
  expect_type (world, "a3", DC_MESSAGE_JOINED);
}

/* Randomness that always says the same: refused, not two sessions under one name. */
static void
test_broken_random (void)
{
  g_autoptr (World) world = world_new (&(DcHubConfig){0});

  world->random_is_broken = TRUE;
  join (world, "a");
  expect_type (world, "a", DC_MESSAGE_WELCOME);
  join (world, "b");
  expect_error (world, "b", DC_CODE_SERVER_FULL, 0);
  expect_closed (world, "b", DC_CODE_SERVER_FULL);
  feed (world, "c", "{\"type\":\"hello\",\"room\":\"r\"}");
  expect_error (world, "c", DC_CODE_SERVER_FULL, 0);
  g_assert_cmpuint (get_stats (world).peers, ==, 1);
}

static void
test_names_are_strong (void)
{
  g_autoptr (World) world = world_new (&(DcHubConfig){0});
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < 200; i++) {
    g_autofree char *name = g_strdup_printf ("conn%u", i);
    feed (world, name, "{\"type\":\"hello\",\"room\":\"r\"}");
    g_autoptr (DcMessage) welcome = next_message (world, name);
    get_fake (world, name)->muted = TRUE;
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
  dc_hub_detach (world->hub, &get_fake (world, "a")->base, world->now);
  advance (world, 3 * SECOND);
  dc_hub_detach (world->hub, &get_fake (world, "b")->base, world->now);
  g_assert_cmpint (dc_hub_get_deadline (world->hub), ==, start + 10 * SECOND);
  advance (world, 7 * SECOND - 1);
  g_assert_cmpuint (get_stats (world).peers, ==, 3);
  advance (world, 1);
  g_assert_cmpuint (get_stats (world).peers, ==, 2);
  g_assert_cmpint (dc_hub_get_deadline (world->hub), ==, start + 13 * SECOND);
  /* A clock that is read late, or backwards, does no harm. */
  dc_hub_detach (world->hub, &get_fake (world, "c")->base, start);
  advance (world, 100 * SECOND);
  g_assert_cmpuint (get_stats (world).peers, ==, 0);
  g_assert_cmpint (dc_hub_get_deadline (world->hub), ==, -1);
}

static void
test_events (void)
{
  g_autoptr (World) world = world_new (&(DcHubConfig){0});

  world->events = g_string_new (NULL);
  join (world, "a");
  join (world, "b");
  feed (world, "b", "{\"type\":\"offer\",\"seq\":1,\"to\":\"a\",\"sdp\":\"v\"}");
  feed (world, "b", "{\"type\":\"bye\",\"seq\":2,\"to\":\"z\"}");
  g_autoptr (DcMessage) welcome = next_message (world, "a");
  dc_hub_detach (world->hub, &get_fake (world, "a")->base, world->now);
  feedf (world, "a2", "{\"type\":\"hello\",\"room\":\"r\",\"resume\":\"%s\"}", welcome->resume);
  feed (world, "a2", "{\"type\":\"bye\"}");
  feed (world, "c", "x");
  dc_hub_detach (world->hub, &get_fake (world, "b")->base, world->now);
  advance (world, 30 * SECOND);
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
  g_autoptr (DcMessage) welcome = next_message (world, "a");
  g_autofree char *text = to_text (welcome->ice_servers);
  g_autofree char *limits = to_text (welcome->limits);
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
    get_fake (world, name)->muted = TRUE;
    feedf (world, name, "{\"type\":\"hello\",\"room\":\"r%u\",\"id\":\"p%u\"}", i / 2, i);
  }
  g_test_timer_start ();
  for (guint seq = 1; seq <= 5; seq++) {
    for (guint i = 0; i < n; i++)
      feedf (world, g_ptr_array_index (names, i),
          "{\"type\":\"candidate\",\"seq\":%u,\"to\":\"p%u\",\"candidate\":\"candidate:1\",\"mline\":0}", seq, i ^ 1);
  }
  g_test_message ("%.1f us a message", g_test_timer_elapsed () * 1e6 / (5 * n));
  g_assert_cmpuint (get_stats (world).relayed, ==, 5 * n);
  for (guint i = 0; i < n; i++)
    dc_hub_detach (world->hub, &get_fake (world, g_ptr_array_index (names, i))->base, world->now);
  g_assert_cmpuint (get_stats (world).away, ==, n);
  advance (world, 30 * SECOND);
  g_assert_cmpuint (get_stats (world).peers, ==, 0);
}

static void
add_scripts (JsonArray *scripts)
{
  g_assert_cmpuint (json_array_get_length (scripts), >, 20);
  for (guint i = 0; i < json_array_get_length (scripts); i++) {
    JsonObject *script = json_array_get_object_element (scripts, i);
    g_autofree char *path = g_strdup_printf ("/hub/vectors/%s", json_object_get_string_member (script, "name"));
    g_test_add_data_func (path, script, test_script);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_autoptr (JsonNode) vectors = load_vectors ();
  add_scripts (json_object_get_array_member (json_node_get_object (vectors), "hub"));
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
