/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-sctp-elements.c: has this process use our sctpenc and sctpdec.
 *
 * GStreamer's registry has one feature of a name, and a plugin that is loaded puts its own in again: so GStreamer's plugin is loaded first, and what
 * the registry says is looked at afterwards. Nothing of this is written to the registry's file.
 */
#include "plugins/transport/gst-sctp-elements.h"

#include "plugins/transport/gst-sctpdec.h"
#include "plugins/transport/gst-sctpenc.h"

static gboolean
is_ours (const char *name, GType type)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find (name);

  return factory != NULL && gst_element_factory_get_element_type (factory) == type;
}

static gboolean
register_one (const char *name, GType type)
{
  return is_ours (name, type) || (gst_element_register (NULL, name, GST_RANK_PRIMARY, type) && is_ours (name, type));
}

gboolean
dc_sctp_elements_register (void)
{
  static GMutex lock;
  g_autoptr (GstPlugin) stock = gst_plugin_load_by_name ("sctp");
  gboolean enc, dec;

  g_mutex_lock (&lock);
  enc = register_one ("sctpenc", DC_TYPE_SCTPENC);
  dec = register_one ("sctpdec", DC_TYPE_SCTPDEC);
  g_mutex_unlock (&lock);
  return enc && dec;
}
