/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* process.c: the ways into and out of dcpeer: start of GStreamer, errors as exit statuses, interruptions, usage errors. */
#include "apps/dcpeer.h"

#include <glib-unix.h>
#include <gst/gst.h>
#include <signal.h>
#include "apps/text.h"
#include "plugins/peer/dc-error.h"

/* dc-error.h promises this order. */
G_STATIC_ASSERT (DC_EXIT_USAGE == DC_ERROR_USAGE + 2);
G_STATIC_ASSERT (DC_EXIT_SIGNALING == DC_ERROR_SIGNALING + 2);
G_STATIC_ASSERT (DC_EXIT_CONNECTION == DC_ERROR_CONNECTION + 2);
G_STATIC_ASSERT (DC_EXIT_IDENTITY == DC_ERROR_IDENTITY + 2);
G_STATIC_ASSERT (DC_EXIT_PEER_GONE == DC_ERROR_PEER_GONE + 2);
G_STATIC_ASSERT (DC_EXIT_DATA == DC_ERROR_DATA + 2);

int
dc_exit_from_error (const GError *error)
{
  if (error == NULL)
    return DC_EXIT_DONE;
  if (error->domain == DC_ERROR && error->code >= DC_ERROR_USAGE && error->code <= DC_ERROR_DATA)
    return error->code + 2;
  return DC_EXIT_FAULT;
}

int
dc_report_usage (const char *command, const char *sentence)
{
  g_autofree char *clean = dc_text_escape (sentence, DC_TEXT_WHOLE);
  g_printerr ("dcpeer: %s; see dcpeer %s%s--help\n", clean, command != NULL ? command : "", command != NULL ? " " : "");
  return DC_EXIT_USAGE;
}

gboolean
dc_prepare (GError **error)
{
  signal (SIGPIPE, SIG_IGN);
  /* What OpenSSL frees at exit, a thread that ends at that very moment still looks at. GStreamer's run in GLib's pool, which ends those that it
   * does not need, unless it is told to keep them. */
  g_thread_pool_set_max_unused_threads (-1);
  g_thread_pool_set_max_idle_time (0);
  return gst_init_check (NULL, NULL, error);
}

static struct {
  DcInterruptFunc func;
  gpointer user_data;
} interrupt;

void
dc_interrupt_unwatch (void)
{
  signal (SIGINT, SIG_DFL);
  signal (SIGTERM, SIG_DFL);
}

static gboolean
interrupted (int number)
{
  /* Whoever presses Ctrl-C twice wants out, whatever a clean leave-taking still waits for: the kernel sees to it, since the
   * main loop may be gone by then. */
  dc_interrupt_unwatch ();
  interrupt.func (number, interrupt.user_data);
  return G_SOURCE_CONTINUE;
}

static gboolean
sigint_cb (gpointer user_data)
{
  return interrupted (SIGINT);
}

static gboolean
sigterm_cb (gpointer user_data)
{
  return interrupted (SIGTERM);
}

void
dc_interrupt_watch (DcInterruptFunc func, gpointer user_data)
{
  interrupt.func = func;
  interrupt.user_data = user_data;
  g_unix_signal_add (SIGINT, sigint_cb, NULL);
  g_unix_signal_add (SIGTERM, sigterm_cb, NULL);
}
