/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-gst-downstream.h: whether everything behind a pad has handled the end of the stream. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* TRUE if every pad at which a way downstream of @srcpad ends has handled EOS: each sink behind queues, demuxers and tees.
 * A look at the moment: pads may still be added. From any thread. */
gboolean dc_gst_downstream_is_eos (GstPad *srcpad);

G_END_DECLS
