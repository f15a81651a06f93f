/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelsink.h: the element that makes a data channel the end of a pipeline. */
#pragma once

#include <gst/base/gstbasesink.h>

G_BEGIN_DECLS

#define GST_TYPE_DATA_CHANNEL_SINK (gst_data_channel_sink_get_type ())
G_DECLARE_FINAL_TYPE (GstDataChannelSink, gst_data_channel_sink, GST, DATA_CHANNEL_SINK, GstBaseSink)

GST_ELEMENT_REGISTER_DECLARE (datachannelsink)

G_END_DECLS
