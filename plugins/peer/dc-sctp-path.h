/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-path.h: what goes through SCTP under a webrtcbin: watched, mended, and ended in order. */
#pragma once

#include <gst/gst.h>

#include "plugins/peer/dc-sctp-bypass.h"
#include "plugins/peer/dc-sctp-watch.h"

G_BEGIN_DECLS

/* On any thread; may be called until webrtcbin is gone. */
typedef struct {
  /* The far side ends the association; of a DcWebrtc: any element reports an error. */
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
  /* Messages of striped streams go on @n lanes from now on (dc-sctp-lanes.h). */
  void (*spread) (guint n, gpointer user_data);
} DcSctpPathCallbacks;

typedef struct _DcSctpPath DcSctpPath;

/* Of @bin, a webrtcbin that must not have left NULL. */
DcSctpPath *dc_sctp_path_new (GstElement *bin, const DcSctpPathCallbacks *callbacks, gpointer user_data);
/* It sees what comes out of DTLS, which nobody else than the far side can have sent, and what goes in. */
DcSctpWatch *dc_sctp_path_get_watch (DcSctpPath *self);
/* By which messages go past webrtcbin, where SCTP's elements are ours. */
DcSctpBypass *dc_sctp_path_get_bypass (DcSctpPath *self);
/* Asks the far side's SCTP for a sign of life, once there is an association; any packet that comes is one (dc_sctp_watch_get_received()). */
void dc_sctp_path_ask_for_life (DcSctpPath *self);
/* Tells the far side that the connection ends (DTLS close_notify), if it got that far. It leaves within some 50 ms. */
void dc_sctp_path_say_goodbye (DcSctpPath *self);
/* The end begins: nothing comes in any more, and what was on its way in is through. */
void dc_sctp_path_deafen (DcSctpPath *self);
/* Lets go who waits to send, and waits for them. */
void dc_sctp_path_flush (DcSctpPath *self);
/* Once @bin has stopped, and its signals are disconnected. Channels must have been let go of. */
void dc_sctp_path_free (DcSctpPath *self);

G_END_DECLS
