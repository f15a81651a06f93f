/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-webrtc.h: one webrtcbin in a pipeline of its own, set up right and taken down without hanging. */
#pragma once

#include <gst/gst.h>
#include <agent.h>

#include "plugins/peer/dc-ice-config.h"
#include "plugins/peer/dc-peer.h"
#include "plugins/peer/dc-sctp-path.h"
#include "plugins/transport/dc-transport.h"

G_BEGIN_DECLS

typedef struct _DcWebrtc DcWebrtc;

/* What the user says of how a webrtcbin is made. */
typedef struct {
  DcFast fast;
  char *pem;              /* (nullable): our certificate and its key; one that is made for the process */
  guint max_message_size; /* the longest that is taken, where SCTP is ours; 0: as ever */
} DcWebrtcSettings;

/* Without TURN servers, which dc_ice_agent_add_relays() names. DC_ERROR_CONNECTION if a plugin is missing, or an interface that is to be used has no address. */
DcWebrtc *dc_webrtc_new (const DcWebrtcSettings *settings, const DcIceConfig *config,
    const DcSctpPathCallbacks *callbacks, gpointer user_data, GError **error);
GstElement *dc_webrtc_get_bin (DcWebrtc *self);
NiceAgent *dc_webrtc_get_agent (DcWebrtc *self);
DcSctpPath *dc_webrtc_get_path (DcWebrtc *self);
/* (nullable): packets go by GStreamer's way, since that is what was asked for */
DcTransport *dc_webrtc_get_transport (DcWebrtc *self);
/* A promise to give to webrtcbin, with which it stays: one that is not answered by then is interrupted by
 * dc_webrtc_free(). Worker. */
GstPromise *dc_webrtc_new_promise (
    DcWebrtc *self, GstPromiseChangeFunc func, gpointer user_data, GDestroyNotify destroy);
/* Not on a thread of webrtcbin's. Channels must have been let go of. */
void dc_webrtc_free (DcWebrtc *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcWebrtc, dc_webrtc_free)

G_END_DECLS
