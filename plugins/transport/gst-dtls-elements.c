/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-dtls-elements.c: has GStreamer make our dtlsenc and dtlsdec.
 *
 * A feature that is added to the registry takes the place of one of the same name. A plugin adds its own when it is loaded, which would be the next
 * time that someone wants dtlssrtpenc: so it is loaded first. What we add is of no plugin, and never gets into the registry's file. */
#include "plugins/transport/gst-dtls-elements.h"

#include "plugins/transport/gst-dtlsdec.h"
#include "plugins/transport/gst-dtlsenc.h"

#define RANK (GST_RANK_NONE + 1) /* above that of GStreamer's, and still nothing that decodebin would take by itself */

gboolean
dc_dtls_elements_register (void)
{
  static GMutex lock;
  g_autoptr (GstPlugin) stock = gst_plugin_load_by_name ("dtls");
  gboolean registered;

  if (stock == NULL)
    return FALSE;
  g_mutex_lock (&lock);
  registered = gst_element_register (NULL, "dtlsenc", RANK, GST_TYPE_DC_DTLS_ENC)
               && gst_element_register (NULL, "dtlsdec", RANK, GST_TYPE_DC_DTLS_DEC);
  g_mutex_unlock (&lock);
  return registered;
}
