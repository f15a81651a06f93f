/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-dtls-elements.h: has GStreamer make our dtlsenc and dtlsdec. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* From here on whoever in this process makes a dtlsenc or a dtlsdec by name, webrtcbin, too, gets ours. After gst_init(); on any thread; again does no
 * harm. FALSE: GStreamer's plugin is missing, of which webrtcbin needs more than these two. */
gboolean dc_dtls_elements_register (void);

G_END_DECLS
