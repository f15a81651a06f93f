/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test.c: what every test program begins with. */
#include "tests/harness/dc-test.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct {
  GMutex mutex;
  GCond cond;
  GThread *thread;
  gint64 deadline;
  guint seconds;
} watchdog;

void
dc_test_init (int *argc, char ***argv)
{
  static const char *const unset[] = {"http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY",
      "ALL_PROXY", "SOUP_SERVER_HTTP2", "DC_SIGNALING", "DC_ROOM", "DC_ID", "DC_STUN", "DC_TURN"};

  g_setenv ("HOME", "/invalid", TRUE);
  g_setenv ("GSETTINGS_BACKEND", "memory", TRUE);
  g_setenv ("GIO_USE_VFS", "local", TRUE);
  g_setenv ("GIO_USE_PROXY_RESOLVER", "dummy", TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (unset); i++)
    g_unsetenv (unset[i]);
  g_test_init (argc, argv, NULL);
}

static gpointer
watch (gpointer data)
{
  g_mutex_lock (&watchdog.mutex);
  while (watchdog.deadline != 0)
    if (!g_cond_wait_until (&watchdog.cond, &watchdog.mutex, watchdog.deadline) && watchdog.deadline != 0
        && g_get_monotonic_time () >= watchdog.deadline) {
      fprintf (stderr, "Bail out! %s: nothing happened for %u s\n", g_test_get_path (), watchdog.seconds);
      abort ();
    }
  g_mutex_unlock (&watchdog.mutex);
  return NULL;
}

guint
dc_test_get_slowness (void)
{
  const char *given = g_getenv ("DC_TEST_SLOWNESS");
  const char *preload = g_getenv ("LD_PRELOAD");

  if (given)
    return (guint) CLAMP (atoi (given), 1, 1000);
  if (preload && g_strrstr (preload, "valgrind"))
    return 20;
#ifdef __SANITIZE_ADDRESS__
  return 4;
#else
  return 1;
#endif
}

void
dc_test_watchdog_start (guint seconds)
{
  dc_test_watchdog_stop ();
  g_mutex_lock (&watchdog.mutex);
  watchdog.seconds = seconds * dc_test_get_slowness ();
  watchdog.deadline = g_get_monotonic_time () + watchdog.seconds * G_USEC_PER_SEC;
  watchdog.thread = g_thread_new ("watchdog", watch, NULL);
  g_mutex_unlock (&watchdog.mutex);
}

void
dc_test_watchdog_stop (void)
{
  g_mutex_lock (&watchdog.mutex);
  watchdog.deadline = 0;
  g_cond_signal (&watchdog.cond);
  g_mutex_unlock (&watchdog.mutex);
  g_clear_pointer (&watchdog.thread, g_thread_join);
}

static guint
count_files (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint count = 0;

  g_assert_nonnull (dir);
  while (g_dir_read_name (dir))
    count++;
  return count;
}

guint
dc_test_count_fds (void)
{
  return count_files ("/proc/self/fd") - 1; /* the directory's own */
}

guint
dc_test_count_threads (void)
{
  return count_files ("/proc/self/task");
}

char *
dc_test_make_dir (void)
{
  g_autoptr (GError) error = NULL;
  char *path = g_dir_make_tmp ("dc-test-XXXXXX", &error);

  g_assert_no_error (error);
  return path;
}

void
dc_test_remove_dir (char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name (dir))) {
    char *file = g_build_filename (path, name, NULL);
    if (g_unlink (file) == 0)
      g_free (file);
    else
      dc_test_remove_dir (file);
  }
  g_rmdir (path);
  g_free (path);
}
