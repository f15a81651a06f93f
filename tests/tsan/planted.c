/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* planted.c: two faults that ThreadSanitizer must find here, and a hand-over that it must not take for one.
 *
 * planted race: two threads count without a lock.
 * planted order: two locks, taken in one order and later in the other.
 * planted clean: a thread fills a block and hands it over through GLib alone: queue, reference count, join. */
#include <glib.h>
#include <string.h>

/* Each step is one access: two at the very same moment are not seen. */
static volatile guint counter;

static gpointer
count (gpointer data)
{
  for (guint i = 0; i < 1000; i++)
    counter++;
  return NULL;
}

static void
plant_race (void)
{
  GThread *thread = g_thread_new ("count", count, NULL);

  count (NULL);
  g_thread_join (thread);
}

static GMutex first, second;

static gpointer
take_both (gpointer inverted)
{
  GMutex *outer = inverted ? &second : &first;
  GMutex *inner = inverted ? &first : &second;

  g_mutex_lock (outer);
  g_mutex_lock (inner);
  g_mutex_unlock (inner);
  g_mutex_unlock (outer);
  return NULL;
}

/* One after the other: it does not hang, and is wrong all the same. */
static void
plant_order (void)
{
  g_thread_join (g_thread_new ("first", take_both, NULL));
  g_thread_join (g_thread_new ("second", take_both, GINT_TO_POINTER (TRUE)));
}

static gpointer
produce (gpointer data)
{
  char *block = g_rc_box_alloc0 (64);

  memset (block, 'x', 63);
  g_async_queue_push (data, block);
  counter = 1;
  return NULL;
}

static void
hand_over (void)
{
  g_autoptr (GAsyncQueue) queue = g_async_queue_new ();
  GThread *thread = g_thread_new ("produce", produce, queue);
  char *block = g_async_queue_pop (queue);

  g_assert_cmpuint (strlen (block), ==, 63);
  memset (block, 'y', 63);
  g_rc_box_release (block);
  g_thread_join (thread);
  g_assert_cmpuint (counter, ==, 1);
}

int
main (int argc, char **argv)
{
  g_assert_cmpint (argc, ==, 2);
  if (g_str_equal (argv[1], "race"))
    plant_race ();
  else if (g_str_equal (argv[1], "order"))
    plant_order ();
  else
    hand_over ();
  return 0;
}
