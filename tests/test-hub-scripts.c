/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-hub-scripts.c: the hub by the scripts of data/signaling-vectors.json, in virtual time. */
#include <string.h>

#include "signaling/protocol/dc-json.h"
#include "tests/hub-world.h"
#include "tests/signaling-vectors.h"

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
  return json_to_text (copy);
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

  world_feed (world, json_object_get_string_member (step, "from"), text);
}

static void
step_expect (World *world, JsonObject *step)
{
  g_autofree char *text = world_next_text (world, json_object_get_string_member (step, "expect"));
  g_autoptr (JsonNode) actual = dc_json_parse (text, -1, G_MAXSIZE, NULL);
  JsonNode *expected = json_object_get_member (step, "message");
  g_autofree char *expected_text = json_to_text (expected);
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
  world_expect_closed (world, json_object_get_string_member (step, "closed"), code);
}

static void
step_detach (World *world, JsonObject *step)
{
  dc_hub_detach (world->hub, &world_get_fake (world, json_object_get_string_member (step, "detach"))->base, world->now);
}

static void
step_advance (World *world, JsonObject *step)
{
  world_advance (world, (gint64) (json_object_get_double_member (step, "advance") * (double) SECOND + 0.5));
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
  Fake *fake = world_get_fake (world, json_object_get_string_member (step, "attach"));
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
      json_object_has_member (step, "messages") ? json_to_text (json_object_get_member (step, "messages")) : NULL;
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
  DcHubStats stats = world_get_stats (world);
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
  g_autofree char *text = json_to_text (node);

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
    if (world_get_waiting (world, name) > 0) {
      g_autofree char *text = world_next_text (world, name);
      g_error ("%s got more than the script says: %s", name, text);
    }
  }
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
  g_autoptr (JsonNode) vectors = signaling_vectors_load ();
  add_scripts (json_object_get_array_member (json_node_get_object (vectors), "hub"));
  return g_test_run ();
}
