/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-ice-agent.h: libnice's agent inside a webrtcbin, set up as DcIceConfig says. */
#pragma once

#include <gst/gst.h>
#include <agent.h>

#include "plugins/peer/dc-ice-config.h"

G_BEGIN_DECLS

/* Of @bin, which must not have left NULL. It has no TURN servers yet. NULL: DC_ERROR_CONNECTION with a sentence, see dc_ice_config_list_addresses().
 * (transfer full) */
NiceAgent *dc_ice_agent_set_up (GstElement *bin, const DcIceConfig *config, GError **error);
/* Names the TURN servers, once, at any time: if that is when candidates have been gathered, relays are gathered then. @asks: there is a server to
 * ask, so that "candidate-gathering-done" comes (again). FALSE: DC_ERROR_CONNECTION, one is refused. */
gboolean dc_ice_agent_add_relays (
    NiceAgent *agent, GstElement *bin, const DcIceConfig *config, gboolean *asks, GError **error);

G_END_DECLS
