/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-daemon.c: a signaling daemon in a thread of this process. */
#include "tests/harness/dc-test-daemon.h"

struct _DcTestDaemon {
  DcDaemonConfig config;
  char *url;
  guint16 port;
  GMainContext *context; /* the daemon's; NULL while stopped */
  GThread *thread;
  DcDaemon *daemon; /* the thread's */

  GMutex mutex;
  GCond cond;
  gboolean ready; /* the last call was carried out */
  gboolean quit;  /* the thread's */
};

typedef void (*CallFunc) (DcTestDaemon *self, gpointer data);

typedef struct {
  DcTestDaemon *self;
  CallFunc func;
  gpointer data;
} Call;

static void
signal_ready (DcTestDaemon *self)
{
  g_mutex_lock (&self->mutex);
  self->ready = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->mutex);
}

static void
wait_ready (DcTestDaemon *self)
{
  g_mutex_lock (&self->mutex);
  while (!self->ready)
    g_cond_wait (&self->cond, &self->mutex);
  self->ready = FALSE;
  g_mutex_unlock (&self->mutex);
}

static gboolean
call_cb (gpointer data)
{
  Call *call = data;

  call->func (call->self, call->data);
  signal_ready (call->self);
  return G_SOURCE_REMOVE;
}

/* Runs @func in the daemon's thread. */
static void
call_daemon (DcTestDaemon *self, CallFunc func, gpointer data)
{
  Call call = {self, func, data};
  g_autoptr (GSource) source = g_idle_source_new ();

  g_assert_nonnull (self->context);
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, call_cb, &call, NULL);
  g_source_attach (source, self->context);
  wait_ready (self);
}

static gpointer
run (gpointer data)
{
  DcTestDaemon *self = data;
  g_autoptr (GError) error = NULL;

  g_main_context_push_thread_default (self->context);
  self->daemon = dc_daemon_new (&self->config, &error);
  g_assert_no_error (error);
  signal_ready (self);
  while (!self->quit)
    g_main_context_iteration (self->context, TRUE);
  g_clear_pointer (&self->daemon, dc_daemon_free);
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

void
dc_test_daemon_start (DcTestDaemon *self)
{
  const char *address[] = {NULL, NULL};
  g_autofree char *name = g_strdup_printf ("127.0.0.1:%u", self->port);

  g_assert_null (self->thread);
  address[0] = name;
  g_strfreev (self->config.listen);
  self->config.listen = g_strdupv ((GStrv) address);
  self->quit = FALSE;
  self->context = g_main_context_new ();
  self->thread = g_thread_new ("dcsignald", run, self);
  wait_ready (self);

  /* Whoever asked for it has it still when the daemon is started anew: it is the same. */
  if (self->url == NULL)
    self->url = g_strdup (dc_daemon_get_urls (self->daemon)[0]);
  g_assert_cmpstr (self->url, ==, dc_daemon_get_urls (self->daemon)[0]);
  self->port = (guint16) g_ascii_strtoull (strrchr (self->url, ':') + 1, NULL, 10);
}

DcTestDaemon *
dc_test_daemon_new (const DcDaemonConfig *overrides)
{
  DcTestDaemon *self = g_new0 (DcTestDaemon, 1);

  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  if (overrides)
    dc_daemon_config_copy (overrides, &self->config);
  else
    dc_daemon_config_init (&self->config);
  self->config.log = DC_DAEMON_LOG_NONE;
  dc_test_daemon_start (self);
  return self;
}

const char *
dc_test_daemon_get_url (DcTestDaemon *self)
{
  return self->url;
}

guint16
dc_test_daemon_get_port (DcTestDaemon *self)
{
  return self->port;
}

static void
quit (DcTestDaemon *self, gpointer data)
{
  self->quit = TRUE;
}

void
dc_test_daemon_stop (DcTestDaemon *self)
{
  if (!self->thread)
    return;
  call_daemon (self, quit, NULL);
  g_clear_pointer (&self->thread, g_thread_join);
  g_clear_pointer (&self->context, g_main_context_unref);
}

static gboolean
shut_down_cb (gpointer data)
{
  DcTestDaemon *self = data;

  self->quit = TRUE;
  return G_SOURCE_REMOVE;
}

static void
shut_down (DcTestDaemon *self, gpointer data)
{
  dc_daemon_shut_down (self->daemon, "The server is shutting down.", shut_down_cb, self);
}

void
dc_test_daemon_shut_down (DcTestDaemon *self)
{
  call_daemon (self, shut_down, NULL);
  g_clear_pointer (&self->thread, g_thread_join);
  g_clear_pointer (&self->context, g_main_context_unref);
}

static void
get_stats (DcTestDaemon *self, gpointer data)
{
  dc_hub_get_stats (dc_daemon_get_hub (self->daemon), data);
}

void
dc_test_daemon_get_stats (DcTestDaemon *self, DcHubStats *stats)
{
  call_daemon (self, get_stats, stats);
}

static void
get_n_connections (DcTestDaemon *self, gpointer data)
{
  *(guint *) data = dc_daemon_get_n_connections (self->daemon);
}

guint
dc_test_daemon_get_n_connections (DcTestDaemon *self)
{
  guint count = 0;

  call_daemon (self, get_n_connections, &count);
  return count;
}

static void
get_n_waiting (DcTestDaemon *self, gpointer data)
{
  *(guint *) data = dc_daemon_get_n_waiting (self->daemon);
}

guint
dc_test_daemon_get_n_waiting (DcTestDaemon *self)
{
  guint count = 0;

  call_daemon (self, get_n_waiting, &count);
  return count;
}

void
dc_test_daemon_free (DcTestDaemon *self)
{
  dc_test_daemon_stop (self);
  dc_daemon_config_clear (&self->config);
  g_free (self->url);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
  g_free (self);
}
