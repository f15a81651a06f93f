/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-webrtc.h: one webrtcbin in a pipeline of its own, set up right and taken down without hanging. */
#pragma once

#include <gst/gst.h>
#include <agent.h>

#include "plugins/peer/dc-ice-config.h"
#include "plugins/peer/dc-sctp-watch.h"

G_BEGIN_DECLS

/* On any thread; may be called until dc_webrtc_free() returns. */
typedef struct {
  /* An element reports an error. */
  void (*error) (const char *sentence, gpointer user_data);
  /* More of what was sent has arrived, and dc_sctp_watch_has_delivered() has said no before. */
  void (*delivered) (gpointer user_data);
  /* Channels were given all messages that have come, and dc_sctp_watch_is_drained() has said no before. */
  void (*drained) (gpointer user_data);
  /* The far side was told that we know of all channels that it has closed, and dc_sctp_watch_owes_answer() has said yes before. */
  void (*answered) (gpointer user_data);
  /* The far side has begun its @n-th channel, if perhaps only with some bytes on a stream of SCTP. webrtcbin may hold locks. */
  void (*begun) (guint n, gpointer user_data);
  /* A message of DCEP (RFC 8832) is on its way on @stream: that a channel of ours is opened, or that one of the far side's is known. */
  void (*announced) (guint stream, gpointer user_data);
} DcWebrtcCallbacks;

typedef struct _DcWebrtc DcWebrtc;

/* Begins in a thread what takes long the first time in a process, to have it done when there is somebody to call. */
void dc_webrtc_prepare (void);
/* Nothing of that is under way any more: OpenSSL must not work when the process ends. */
void dc_webrtc_wait_prepared (void);
/* DC_ERROR_CONNECTION if a plugin is missing, a server is refused, or an interface that is to be used has no address. */
DcWebrtc *dc_webrtc_new (
    const DcIceConfig *config, const DcWebrtcCallbacks *callbacks, gpointer user_data, GError **error);
GstElement *dc_webrtc_get_bin (DcWebrtc *self);
NiceAgent *dc_webrtc_get_agent (DcWebrtc *self);
/* It sees what comes out of DTLS, which nobody else than the far side can have sent, and what goes in. */
DcSctpWatch *dc_webrtc_get_sctp_watch (DcWebrtc *self);
/* A promise to give to webrtcbin, with which it stays: one that is not answered by then is interrupted by
 * dc_webrtc_free(). Worker. */
GstPromise *dc_webrtc_new_promise (
    DcWebrtc *self, GstPromiseChangeFunc func, gpointer user_data, GDestroyNotify destroy);
/* Asks the far side's SCTP for a sign of life, once there is an association; any packet that comes is one (dc_sctp_watch_get_received()). */
void dc_webrtc_ask_for_life (DcWebrtc *self);
/* Tells the far side that the connection ends (DTLS close_notify), if it got that far. It leaves within some 50 ms. */
void dc_webrtc_say_goodbye (DcWebrtc *self);
/* Not on a thread of webrtcbin's. Channels must have been let go of. */
void dc_webrtc_free (DcWebrtc *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcWebrtc, dc_webrtc_free)

G_END_DECLS
