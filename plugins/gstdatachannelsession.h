/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelsession.h: elements that share one peer. */
#pragma once

#include "plugins/gstdatachannelcommon.h"

G_BEGIN_DECLS

/* What a session tells its members, on the peer's thread. */
typedef struct {
  void (*event) (GstDataChannelEnd *end, const GstStructure *event);
  void (*statistics) (GstDataChannelEnd *end, const GstStructure *statistics);
  void (*channel) (GstDataChannelEnd *end, DcChannel *channel);
  void (*failure) (GstDataChannelEnd *end, const GError *error);
} GstDataChannelMemberFuncs;

/* The session that the end's property names, or one for it alone if that is empty. The end is a member until it leaves. @funcs: static. */
GstDataChannelSession *gst_data_channel_session_join (GstDataChannelEnd *end, const GstDataChannelMemberFuncs *funcs);
void gst_data_channel_session_leave (GstDataChannelSession *session, GstDataChannelEnd *end);

/* The first to start starts the peer, with the channels of all members. A channel that is open already is told at once. */
gboolean gst_data_channel_session_start (GstDataChannelSession *session, GstDataChannelEnd *end, GError **error);
/* The last to stop stops the peer; blocks for as long as that does. */
void gst_data_channel_session_stop (GstDataChannelSession *session, GstDataChannelEnd *end);

/* Whether another member uses the same channel, started and not stopped. */
gboolean gst_data_channel_session_is_shared (GstDataChannelSession *session, GstDataChannelEnd *end);
/* (transfer full) (nullable) */
DcPeer *gst_data_channel_session_dup_peer (GstDataChannelSession *session);

G_END_DECLS
