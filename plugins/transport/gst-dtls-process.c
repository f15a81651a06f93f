/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-dtls-process.c: what all DTLS connections of a process share: a certificate, and who waits for their timers. */
#include "plugins/transport/gst-dtls-process.h"

#define RENEWAL (10 * G_TIME_SPAN_DAY) /* long before it ends, for who looks at that */

DcDtlsCertificate *
gst_dc_dtls_process_get_certificate (GError **error)
{
  static GMutex lock;
  static DcDtlsCertificate *certificate = NULL;
  static gint64 made = 0;
  DcDtlsCertificate *result;
  gint64 now = g_get_real_time ();

  g_mutex_lock (&lock);
  if (certificate != NULL && ABS (now - made) > RENEWAL)
    g_clear_pointer (&certificate, dc_dtls_certificate_unref);
  if (certificate == NULL) {
    certificate = dc_dtls_certificate_new (error);
    made = now;
  }
  result = certificate != NULL ? dc_dtls_certificate_ref (certificate) : NULL;
  g_mutex_unlock (&lock);
  return result;
}

static gpointer
run (gpointer context)
{
  for (;;)
    g_main_context_iteration (context, TRUE);
  return NULL;
}

static GMainContext *
get_context (void)
{
  static GMainContext *context = NULL;

  if (g_once_init_enter (&context)) {
    GMainContext *made = g_main_context_new ();
    g_thread_unref (g_thread_new ("dc-dtls-timer", run, made));
    g_once_init_leave (&context, made);
  }
  return context;
}

static gboolean
dispatch (GSource *source, GSourceFunc func, gpointer user_data)
{
  g_source_set_ready_time (source, -1);
  return func (user_data);
}

GSource *
gst_dc_dtls_process_new_timer (GSourceFunc func, gpointer user_data, GDestroyNotify destroy)
{
  static GSourceFuncs funcs = {.dispatch = dispatch};
  GSource *source = g_source_new (&funcs, sizeof (GSource));

  g_source_set_callback (source, func, user_data, destroy);
  g_source_attach (source, get_context ());
  return source;
}
