/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelsrc.h: the element that makes a data channel the beginning of a pipeline. */
#pragma once

#include <gst/base/gstpushsrc.h>

G_BEGIN_DECLS

#define GST_TYPE_DATA_CHANNEL_SRC (gst_data_channel_src_get_type ())
G_DECLARE_FINAL_TYPE (GstDataChannelSrc, gst_data_channel_src, GST, DATA_CHANNEL_SRC, GstPushSrc)

GST_ELEMENT_REGISTER_DECLARE (datachannelsrc)

G_END_DECLS
