/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hub-world.c: a hub in virtual time, and connections to it that remember what they are told. */
#include "tests/hub-world.h"

#include <string.h>

typedef struct {
  char *text; /* NULL: closed */
  guint64 seq;
  DcCode code;
} Output;

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

World *
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

void
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

Fake *
world_get_fake (World *world, const char *name)
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

void
world_feed (World *world, const char *name, const char *text)
{
  dc_hub_receive (world->hub, &world_get_fake (world, name)->base, text, strlen (text), world->now);
}

void
world_feedf (World *world, const char *name, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  world_feed (world, name, text);
}

void
world_advance (World *world, gint64 span)
{
  world->now += span;
  dc_hub_advance (world->hub, world->now);
}

char *
world_next_text (World *world, const char *name)
{
  Output *output = g_queue_pop_head (&world_get_fake (world, name)->outputs);

  g_assert_nonnull (output);
  g_assert_nonnull (output->text);
  char *text = g_steal_pointer (&output->text);
  output_free (output);
  return text;
}

DcMessage *
world_next_message (World *world, const char *name)
{
  g_autofree char *text = world_next_text (world, name);
  g_autoptr (GError) error = NULL;
  DcMessage *message = dc_message_new_from_json (text, -1, &error);

  g_assert_no_error (error);
  return message;
}

void
world_expect_error (World *world, const char *name, DcCode code, guint64 seq)
{
  g_autoptr (DcMessage) message = world_next_message (world, name);

  g_assert_cmpint (message->type, ==, DC_MESSAGE_ERROR);
  g_assert_cmpstr (dc_code_to_string (message->code), ==, dc_code_to_string (code));
  g_assert_cmpuint (message->seq, ==, seq);
}

void
world_expect_type (World *world, const char *name, DcMessageType type)
{
  g_autoptr (DcMessage) message = world_next_message (world, name);

  g_assert_cmpstr (dc_message_type_to_string (message->type), ==, dc_message_type_to_string (type));
}

void
world_expect_closed (World *world, const char *name, DcCode code)
{
  Output *output = g_queue_pop_head (&world_get_fake (world, name)->outputs);

  g_assert_nonnull (output);
  g_assert_cmpstr (output->text, ==, NULL);
  g_assert_cmpstr (dc_code_to_string (output->code), ==, dc_code_to_string (code));
  output_free (output);
}

void
world_forget (World *world, const char *name)
{
  g_queue_clear_full (&world_get_fake (world, name)->outputs, (GDestroyNotify) output_free);
}

guint
world_get_waiting (World *world, const char *name)
{
  return world_get_fake (world, name)->outputs.length;
}

DcHubStats
world_get_stats (World *world)
{
  DcHubStats stats;

  dc_hub_get_stats (world->hub, &stats);
  return stats;
}
