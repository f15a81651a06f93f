/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-preparation.c: what takes long the first time that a process makes a connection, done before somebody waits for it.
 *
 * Theory of operation
 * -------------------
 * A peer begins with this as it starts, and meanwhile connects to its signaling server:
 *
 *  - Our parts are registered in the place of GStreamer's, whose plugins must be loaded for that. Nothing may be made by name before.
 *  - All other plugins are loaded of which webrtcbin will make something, those first which it wants first. Who wants one that is not yet there waits
 *    for it, by GStreamer's own lock.
 *  - srtp comes last: as it is loaded, libsrtp tests itself, and with NSS under it (Debian) that takes longer than all else, for in each of a
 *    dozen tests NSS loads two libraries and lets go of them. So we have them loaded meanwhile.
 *  - A certificate is made. GStreamer's is one of RSA for the whole process, which takes some tenths of a second; ours takes none, but
 *    OpenSSL begins with it.
 *
 * A plugin that is missing is not told here: who makes a webrtcbin will say so. */
#include "plugins/peer/dc-preparation.h"

#include <gmodule.h>
#include <gst/gst.h>

#include "plugins/transport/dc-transport.h"

static GMutex lock;
static GCond cond;
static gboolean has_begun, is_ready, is_fast;

static GMutex end_lock;
static GThread *thread; /* (nullable): until somebody has joined it */

static gpointer
make_certificate (gpointer unused)
{
  g_autoptr (GstElement) dtlsdec = gst_element_factory_make ("dtlsdec", NULL);
  g_autofree char *pem = NULL;

  if (dtlsdec == NULL)
    return NULL;
  gst_object_ref_sink (dtlsdec);
  g_object_get (dtlsdec, "pem", &pem, NULL);
  return NULL;
}

static void
load_plugin (const char *name)
{
  g_autoptr (GstPlugin) plugin = gst_plugin_load_by_name (name);

  if (plugin == NULL)
    GST_INFO ("there is no plugin \"%s\"", name);
}

/* (nullable) */
static GModule *
open_module (const char *name)
{
  return g_module_open (name, G_MODULE_BIND_LAZY | G_MODULE_BIND_LOCAL);
}

/* Whether it has NSS under it: a symbol is looked for in what a module depends on, too. */
static gboolean
needs_nss (GModule *libsrtp)
{
  gpointer symbol;

  return libsrtp != NULL && g_module_symbol (libsrtp, "NSS_InitContext", &symbol);
}

/* Nothing of NSS is called: it must be by one thread at first, which GStreamer's lock sees to for libsrtp. */
static void
load_srtp (void)
{
  GModule *modules[] = {open_module ("libsrtp2.so.1"), NULL, NULL};

  if (needs_nss (modules[0])) {
    modules[1] = open_module ("libsoftokn3.so");
    modules[2] = open_module ("libfreeblpriv3.so");
  }
  load_plugin ("srtp");
  for (guint i = G_N_ELEMENTS (modules); i-- > 0;)
    g_clear_pointer (&modules[i], g_module_close);
}

static void
tell_ready (gboolean fast)
{
  g_mutex_lock (&lock);
  is_fast = fast;
  is_ready = TRUE;
  g_cond_broadcast (&cond);
  g_mutex_unlock (&lock);
}

static gpointer
prepare (gpointer unused)
{
  static const char *const plugins[] = {"webrtc", "rtpmanager", "app", "sctp", "dtls", "coreelements", "nice", "rtp"};
  gboolean fast = g_strcmp0 (g_getenv ("DC_FAST"), "auto") == 0 && dc_transport_register ();
  g_autoptr (GThread) certificate = g_thread_new ("dc-certificate", make_certificate, NULL);

  tell_ready (fast);
  for (guint i = 0; i < G_N_ELEMENTS (plugins); i++)
    load_plugin (plugins[i]);
  load_srtp ();
  g_thread_join (g_steal_pointer (&certificate));
  return NULL;
}

void
dc_preparation_begin (void)
{
  gboolean begun;

  g_mutex_lock (&lock);
  begun = has_begun;
  has_begun = TRUE;
  g_mutex_unlock (&lock);
  if (begun)
    return;
  g_mutex_lock (&end_lock);
  thread = g_thread_new ("dc-preparation", prepare, NULL);
  g_mutex_unlock (&end_lock);
}

gboolean
dc_preparation_wait (void)
{
  gboolean fast;

  g_mutex_lock (&lock);
  while (has_begun && !is_ready)
    g_cond_wait (&cond, &lock);
  fast = is_fast;
  g_mutex_unlock (&lock);
  return fast;
}

void
dc_preparation_end (void)
{
  g_mutex_lock (&end_lock);
  g_clear_pointer (&thread, g_thread_join);
  g_mutex_unlock (&end_lock);
}
