/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelupstream.h: events that receivers send back to a sink. */
#pragma once

#include "plugins/gstdatachannelcommon.h"

G_BEGIN_DECLS

/* Pushes the events that come on a channel upstream, from a thread of its own. From any thread; made and freed with the sink. */
typedef struct _GstDataChannelUpstream GstDataChannelUpstream;

/* @pad: the sink's. */
GstDataChannelUpstream *gst_data_channel_upstream_new (GstElement *element, GstPad *pad);
/* No event of the sink's may be under way: each holds the element. */
void gst_data_channel_upstream_free (GstDataChannelUpstream *self);
/* There may be something to pull on @channel. */
void gst_data_channel_upstream_pull (GstDataChannelUpstream *self, DcChannel *channel);

G_END_DECLS
