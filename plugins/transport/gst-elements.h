/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-elements.h: has GStreamer make our elements by the names of its own. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* From now on whoever in this process makes a sctpenc or a sctpdec by name, or a dtlsenc or a dtlsdec, as webrtcbin does, gets ours. After gst_init(); any thread;
 * again does no harm, and mends it if GStreamer's plugin was loaded meanwhile. FALSE: some other element has a name for good; or GStreamer's plugin for DTLS is
 * missing, of which webrtcbin needs more than these two. */
gboolean gst_dc_sctp_elements_register (void);
gboolean gst_dc_dtls_elements_register (void);

G_END_DECLS
