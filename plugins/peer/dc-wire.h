/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-wire.h: the way of a channel's messages: through webrtcbin's channel, or past it. */
#pragma once

#include <gst/webrtc/webrtc.h>

#include "plugins/peer/dc-sctp-bypass.h"
#include "plugins/peer/dc-sctp-watch.h"

G_BEGIN_DECLS

/* Atomically referenced; any thread. */
typedef struct _DcWire DcWire;

/* On a thread of webrtcbin's, with its lock held, or on those that DcSctpBypassUser names. They may still come just after dc_wire_detach(). */
typedef struct {
  /* (nullable) @payload: an empty message. FALSE: there is no room, and it comes again after dc_wire_resume(); not to be said if @must. */
  gboolean (*message) (DcWire *wire, GBytes *payload, gboolean is_text, gboolean must, gpointer user_data);
  /* No more is buffered than dc_wire_set_low_threshold() said, where there was more. */
  void (*low) (DcWire *wire, gpointer user_data);
  void (*closed) (DcWire *wire, gpointer user_data);
  void (*failed) (DcWire *wire, const GError *error, gpointer user_data);
} DcWireCallbacks;

/* Other locks may be held in all of these but dc_wire_send() and dc_wire_close(). */

/* Through webrtcbin to begin with. @user_data, an object, is kept for as long as the wire. */
DcWire *dc_wire_new (GstWebRTCDataChannel *rtc, DcSctpWatch *watch, DcSctpBypass *bypass,
    const DcWireCallbacks *callbacks, GObject *user_data);
DcWire *dc_wire_ref (DcWire *self);
void dc_wire_unref (DcWire *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcWire, dc_wire_unref)
/* The channel is open: from now on past webrtcbin, where that is possible. */
void dc_wire_start (DcWire *self);
/* It is let go of, without a word to the far side. */
void dc_wire_detach (DcWire *self);

GstWebRTCDataChannel *dc_wire_get_rtc (DcWire *self);
guint16 dc_wire_get_stream (DcWire *self);
/* FALSE: who has no room for messages holds up those of others. */
gboolean dc_wire_is_alone (DcWire *self);
void dc_wire_resume (DcWire *self);
/* Bytes that SCTP has not taken yet. */
guint64 dc_wire_get_buffered_amount (DcWire *self);
void dc_wire_set_low_threshold (DcWire *self, guint64 bytes);

/* Does not wait; messages stay in order. (nullable) @message: an empty one. */
gboolean dc_wire_send (DcWire *self, GBytes *message, gboolean is_text, GError **error);
/* The channel closes, when SCTP has taken all. */
void dc_wire_close (DcWire *self);

/* Lanes (dc-sctp-lanes.h), past webrtcbin: the far side may have so many. FALSE: there is only the one, here. */
gboolean dc_wire_allow_lanes (DcWire *self, guint n);
/* The far side allows so many: messages go on as many of them as help, or, if @fixed, on all. */
void dc_wire_stripe (DcWire *self, guint n, gboolean fixed);
/* That messages go on now. */
guint dc_wire_get_n_lanes (DcWire *self);

G_END_DECLS
