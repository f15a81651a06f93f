/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sdp.h: session descriptions, made right for webrtcbin and by it. */
#pragma once

#include <gst/webrtc/webrtc.h>

G_BEGIN_DECLS

/* Adds a=max-message-size (RFC 8841, section 6) to the data section: webrtcbin never does, and takes its absence for 65536. More than that
 * must not be said with GStreamer's elements: usrsctp hands out what it has of a message once that is 65536 bytes and the end is missing (half of its receive
 * buffer), and sctpdec ignores MSG_EOR, so that a larger message would arrive in pieces. webrtcbin sends no longer ones than it says here
 * that it takes. */
void dc_sdp_add_max_message_size (GstSDPMessage *sdp, guint max_message_size);

/* Names our certificate @pem by its fingerprint: of one that was given with its key GStreamer's dtlsdec shows both, and webrtcbin takes the fingerprint of the two
 * together. */
void dc_sdp_set_fingerprint (GstSDPMessage *sdp, const char *pem);

/* Parses what signaling brought and checks that it is a description of one data section that webrtcbin can take; repairs what
 * webrtcbin stumbles over. DC_ERROR_DATA with a sentence. (transfer full) */
GstWebRTCSessionDescription *dc_sdp_parse_remote (GstWebRTCSDPType type, const char *text, GError **error);

/* Moves the candidates of the data section into @lines (element-type utf8), "candidate:...". TRUE if they are said to be all (RFC 8840). */
gboolean dc_sdp_take_candidates (GstSDPMessage *sdp, GPtrArray *lines);

G_END_DECLS
