/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plugin.c: the plugin `datachannel`: a data channel as the end and the beginning of a pipeline. */
#include <gst/gst.h>

#include "plugins/gstdatachannelsink.h"
#include "plugins/gstdatachannelsrc.h"

#define PACKAGE "gst-datachannel"

static gboolean
plugin_init (GstPlugin *plugin)
{
  return GST_ELEMENT_REGISTER (datachannelsink, plugin) && GST_ELEMENT_REGISTER (datachannelsrc, plugin);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, datachannel,
    "Streams from one pipeline to another over WebRTC data channels", plugin_init, DC_VERSION, "LGPL", PACKAGE,
    "Unknown package origin")
