/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-closed-channels.h: what webrtcbin leaves of a channel that was closed. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* From now on @webrtcbin gives up what it has made for a channel, with its thread, once the channel is closed, as it does by itself from 1.24.9 on. Concerns
 * channels that are made later. Any thread; a second time changes nothing. */
void dc_closed_channels_watch (GstElement *webrtcbin);

G_END_DECLS
