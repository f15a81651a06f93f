/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-sctp-elements.h: has this process use our sctpenc and sctpdec. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* From now on whoever makes a sctpenc or a sctpdec, as webrtcbin does, gets ours; who does not call this has GStreamer's. Any thread; may be called again, and
 * mends it if GStreamer's plugin was loaded meanwhile. FALSE: some other element has the name for good. */
gboolean dc_sctp_elements_register (void);

G_END_DECLS
