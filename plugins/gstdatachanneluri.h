/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachanneluri.h: datachannel://HOST[:PORT]/ROOM as the properties of an element, and back. */
#pragma once

#include "plugins/gstdatachannelcommon.h"

G_BEGIN_DECLS

/* The GstURIHandler of both elements. To be added with G_IMPLEMENT_INTERFACE; @type says the direction. */
void gst_data_channel_uri_handler_init_sink (gpointer iface, gpointer data);
void gst_data_channel_uri_handler_init_src (gpointer iface, gpointer data);

/* GST_URI_ERROR. Nothing is changed on FALSE. */
gboolean gst_data_channel_uri_set (GstElement *element, const char *uri, GError **error);
/* With everything that is not as by default, but for secrets. (transfer full) */
char *gst_data_channel_uri_dup (GstDataChannelEnd *end);

G_END_DECLS
