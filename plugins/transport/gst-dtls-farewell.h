/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-dtls-farewell.h: the last buffer, through a sink that was stopped already. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Has the sink behind @src send @buffer, (transfer full), although its pads are closed. FALSE: there is none, or it isn't stopped. */
gboolean gst_dc_dtls_farewell (GstPad *src, GstBuffer *buffer);

G_END_DECLS
