/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dc-daemon-core.c: the daemon as its connections see it: the way into the hub, timers, errors, and the end.
 *
 * Theory of operation
 *
 * The hub knows no clock: it is read here, with each call, and the hub's next deadline is one GSource whose ready time is set anew
 * after each call, since any may have changed it.
 *
 * Stopping ends when nothing is open any more, or after STOPPING_TIME_MS. done() is called once, from the main loop, since it may free
 * the daemon, and the last connection ends somewhere in the middle of its own functions.
 */
#include "signaling/daemon/dc-daemon-core.h"

#define STOPPING_TIME_MS 1000

/* ---- The hub ---- */

static gboolean
hub_deadline_cb (gpointer data)
{
  DcDaemon *self = data;

  g_source_set_ready_time (self->hub_timer, -1);
  dc_hub_advance (self->hub, g_get_monotonic_time ());
  g_source_set_ready_time (self->hub_timer, dc_hub_get_deadline (self->hub));
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_deadline (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs deadline_funcs = {.dispatch = dispatch_deadline};

void
dc_daemon_add_hub_timer (DcDaemon *self)
{
  self->hub_timer = g_source_new (&deadline_funcs, sizeof (GSource));
  g_source_set_callback (self->hub_timer, hub_deadline_cb, self, NULL);
  g_source_attach (self->hub_timer, self->context);
}

void
dc_daemon_receive (DcDaemon *self, DcHubConnection *connection, const char *text, gsize length)
{
  dc_hub_receive (self->hub, connection, text, length, g_get_monotonic_time ());
  g_source_set_ready_time (self->hub_timer, dc_hub_get_deadline (self->hub));
}

void
dc_daemon_detach (DcDaemon *self, DcHubConnection *connection)
{
  dc_hub_detach (self->hub, connection, g_get_monotonic_time ());
  g_source_set_ready_time (self->hub_timer, dc_hub_get_deadline (self->hub));
}

void
dc_daemon_attach (DcDaemon *self, DcHubSession *session, DcHubConnection *connection)
{
  dc_hub_attach (self->hub, session, connection, g_get_monotonic_time ());
  g_source_set_ready_time (self->hub_timer, dc_hub_get_deadline (self->hub));
}

/* ---- Timers ---- */

GSource *
dc_daemon_add_timeout (DcDaemon *self, guint ms, GSourceFunc func, gpointer user_data)
{
  GSource *source = g_timeout_source_new (ms);

  g_source_set_callback (source, func, user_data, NULL);
  g_source_attach (source, self->context);
  return source;
}

void
dc_source_clear (GSource **source)
{
  if (!*source)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

/* ---- What is open ---- */

guint
dc_daemon_count_open (const DcDaemon *self)
{
  return g_hash_table_size (self->exchanges) + g_hash_table_size (self->websockets);
}

static gboolean
stopped_cb (gpointer data)
{
  DcDaemon *self = data;
  GSourceFunc done = g_steal_pointer (&self->done);

  dc_source_clear (&self->stop_timer);
  if (done)
    done (self->done_data);
  return G_SOURCE_REMOVE;
}

void
dc_daemon_begin_stopping (DcDaemon *self, GSourceFunc done, gpointer user_data)
{
  self->stopping = TRUE;
  self->done = done;
  self->done_data = user_data;
  self->stop_timer = dc_daemon_add_timeout (self, STOPPING_TIME_MS, stopped_cb, self);
}

void
dc_daemon_check_stopped (DcDaemon *self)
{
  if (!self->stopping || !self->done || dc_daemon_count_open (self) > 0)
    return;
  dc_source_clear (&self->stop_timer);
  self->stop_timer = dc_daemon_add_timeout (self, 0, stopped_cb, self);
}

void
dc_daemon_forget (DcDaemon *self, GHashTable *set, gpointer connection)
{
  g_hash_table_remove (set, connection);
  dc_daemon_check_stopped (self);
}

/* ---- Errors ---- */

void
dc_daemon_respond_error (DcHttpExchange *exchange, guint status, DcCode code, const char *text)
{
  g_autoptr (DcMessage) message = dc_message_new (DC_MESSAGE_ERROR);

  message->code = code;
  message->message = g_strdup (text);
  g_autofree char *body = dc_message_to_json (message);
  dc_http_exchange_respond (exchange, status, "application/json",
      status == 426 ? "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" : NULL, body);
}
