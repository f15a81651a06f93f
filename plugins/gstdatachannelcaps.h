/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelcaps.h: which caps can be sent. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* What can be sent of @filter (nullable: of anything). (transfer full) */
GstCaps *gst_data_channel_caps_filter (const GstCaps *filter);
/* FALSE: they cannot be sent, and @element has said why. */
gboolean gst_data_channel_caps_check (GstElement *element, const GstCaps *caps);

G_END_DECLS
