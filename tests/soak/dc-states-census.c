/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-states-census.c: the threads and descriptors of this process, and whose they are. */
#include "tests/soak/dc-states-census.h"

#include <gst/gst.h>
#include <string.h>

#include "tests/harness/dc-test.h"

#define LOOK_INTERVAL (10 * G_TIME_SPAN_MILLISECOND)
#define MAX_COMM 15 /* what the kernel keeps of a thread's name */

static GMutex lock;
static GHashTable *appsrcs; /* char *: of those that live, what their thread is called */

static char *
name_thread (GstElement *appsrc)
{
  g_autofree char *name = g_strconcat (GST_OBJECT_NAME (appsrc), ":src", NULL);

  return g_strndup (name, MAX_COMM);
}

static void
forget (gpointer name, GObject *was)
{
  g_mutex_lock (&lock);
  g_hash_table_remove (appsrcs, name);
  g_mutex_unlock (&lock);
  g_free (name);
}

static gboolean
on_deep_element_added (GSignalInvocationHint *hint, guint n_values, const GValue *values, gpointer data)
{
  GstElement *element = g_value_get_object (&values[2]);
  GstElementFactory *factory = gst_element_get_factory (element);

  /* Each bin further up tells of it too. */
  if (factory == NULL || strcmp (GST_OBJECT_NAME (factory), "appsrc") != 0
      || g_value_get_object (&values[0]) != g_value_get_object (&values[1])
      || !g_str_has_prefix (G_OBJECT_TYPE_NAME (g_value_get_object (&values[1])), "GstWebRTC"))
    return TRUE;
  g_mutex_lock (&lock);
  g_hash_table_add (appsrcs, name_thread (element));
  g_mutex_unlock (&lock);
  g_object_weak_ref (G_OBJECT (element), forget, name_thread (element));
  return TRUE;
}

void
dc_states_census_init (void)
{
  if (appsrcs != NULL)
    return;
  appsrcs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_type_class_unref (g_type_class_ref (GST_TYPE_BIN));
  g_signal_add_emission_hook (
      g_signal_lookup ("deep-element-added", GST_TYPE_BIN), 0, on_deep_element_added, NULL, NULL);
  /* They would keep the name of the last that they worked for. */
  g_thread_pool_set_max_unused_threads (0);
}

static void
for_each_thread (void (*func) (const char *name, gpointer data), gpointer data)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  const char *id;

  g_assert_nonnull (dir);
  while ((id = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_strdup_printf ("/proc/self/task/%s/comm", id), *name = NULL;
    if (g_file_get_contents (path, &name, NULL, NULL))
      func (g_strchomp (name), data);
  }
}

/* Those that there is one of in a process, from when it is first wanted on, which may be late. */
static const char *const of_process[] = {
    "dc-dtls-timer", "dc-sctp", "dc-sctp-pace", "dc-sctp-push", "SCTP iterator", NULL};

typedef struct {
  DcStatesCensus *census;
  GHashTable *seen; /* (element-type utf8): of those */
} Counting;

static void
count (const char *name, gpointer data)
{
  Counting *counting = data;
  gboolean is_first = g_strv_contains (of_process, name) && g_hash_table_add (counting->seen, g_strdup (name));

  g_mutex_lock (&lock);
  if (g_hash_table_contains (appsrcs, name))
    counting->census->orphans++;
  else if (!is_first && !g_str_has_prefix (name, "pool-"))
    counting->census->threads++;
  g_mutex_unlock (&lock);
}

void
dc_states_census_take (DcStatesCensus *census)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Counting counting = {census, seen};

  *census = (DcStatesCensus){.fds = dc_test_count_fds ()};
  for_each_thread (count, &counting);
}

gboolean
dc_states_census_settle (const DcStatesCensus *base, guint seconds, DcStatesCensus *census)
{
  gint64 deadline = g_get_monotonic_time () + seconds * G_TIME_SPAN_SECOND;

  while (TRUE) {
    dc_states_census_take (census);
    if (census->threads <= base->threads && census->fds <= base->fds)
      return TRUE;
    if (g_get_monotonic_time () >= deadline)
      return FALSE;
    /* Threads and descriptors of others can only be looked at. */
    g_usleep (LOOK_INTERVAL);
  }
}

static void
append (const char *name, gpointer data)
{
  g_string_append_printf (data, "%s%s", ((GString *) data)->len > 0 ? ", " : "", name);
}

char *
dc_states_census_list_threads (void)
{
  GString *names = g_string_new (NULL);

  for_each_thread (append, names);
  return g_string_free (names, FALSE);
}
