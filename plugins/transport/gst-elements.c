/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-elements.c: has GStreamer make our elements by the names of its own.
 *
 * A feature that is added to the registry takes the place of one of the same name, and a plugin adds its own when it is loaded, which might be the next
 * time that someone wants another of its elements: so GStreamer's plugin is loaded first, and what the registry says is looked at afterwards. What we add
 * is of no plugin, and never gets into the registry's file. */
#include "plugins/transport/gst-elements.h"

#include "plugins/transport/gst-dtlsdec.h"
#include "plugins/transport/gst-dtlsenc.h"
#include "plugins/transport/gst-sctpdec.h"
#include "plugins/transport/gst-sctpenc.h"

#define RANK (GST_RANK_NONE + 1) /* above that of GStreamer's, and still nothing that decodebin would take by itself */

static gboolean
is_ours (const char *name, GType type)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find (name);

  return factory != NULL && gst_element_factory_get_element_type (factory) == type;
}

static gboolean
register_one (const char *name, GType type)
{
  return is_ours (name, type) || (gst_element_register (NULL, name, RANK, type) && is_ours (name, type));
}

static gboolean
register_both (const char *enc, GType enc_type, const char *dec, GType dec_type)
{
  static GMutex lock;
  gboolean registered;

  g_mutex_lock (&lock);
  registered = register_one (enc, enc_type) && register_one (dec, dec_type);
  g_mutex_unlock (&lock);
  return registered;
}

gboolean
gst_dc_sctp_elements_register (void)
{
  g_autoptr (GstPlugin) stock = gst_plugin_load_by_name ("sctp");

  return register_both ("sctpenc", GST_TYPE_DC_SCTP_ENC, "sctpdec", GST_TYPE_DC_SCTP_DEC);
}

gboolean
gst_dc_dtls_elements_register (void)
{
  g_autoptr (GstPlugin) stock = gst_plugin_load_by_name ("dtls");

  return stock != NULL && register_both ("dtlsenc", GST_TYPE_DC_DTLS_ENC, "dtlsdec", GST_TYPE_DC_DTLS_DEC);
}
