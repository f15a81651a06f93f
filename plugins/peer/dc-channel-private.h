/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-channel-private.h: what sessions and connections do with a channel; not for applications. */
#pragma once

#include <gst/webrtc/webrtc.h>

#include "plugins/peer/dc-channel.h"
#include "plugins/peer/dc-proof.h"
#include "plugins/peer/dc-sctp-bypass.h"
#include "plugins/peer/dc-sctp-watch.h"

G_BEGIN_DECLS

/* To the session, on an internal thread or the application's. */
typedef struct {
  /* The channel may be handed out: open, and in link mode the far HELLO came. Once. */
  void (*ready) (DcChannel *channel, gpointer user_data);
  /* Its connection is dead, as the channel itself has noticed; (@why): what it saw. It looks forward to dc_channel_attach(). */
  void (*suspended) (DcChannel *channel, const GError *why, gpointer user_data);
  void (*resumed) (DcChannel *channel, gpointer user_data);
  /* It ended; (nullable) @error: why. Once. */
  void (*ended) (DcChannel *channel, const GError *error, gpointer user_data);
  /* The application wants it closed (dc_channel_close, dc_channel_abort). Once. */
  void (*wants_close) (DcChannel *channel, gpointer user_data);
  /* After that: nothing is on its way any more that the far side still must get (FIN-ACK, what a raw channel has sent), or the channel has
   * ended. Once. */
  void (*settled) (DcChannel *channel, gpointer user_data);
} DcChannelCallbacks;

/* A channel to @remote_id without a connection. Its timer runs in @context. @resume_timeout: microseconds for which it outlives a
 * connection. @user_data is let go of with @destroy when the channel is finalized. */
DcChannel *dc_channel_new (const DcChannelOptions *options, const char *remote_id, gint64 resume_timeout,
    GMainContext *context, const DcChannelCallbacks *callbacks, gpointer user_data, GDestroyNotify destroy);
const DcChannelOptions *dc_channel_get_options (DcChannel *self);

/* Gives it webrtcbin's channel, which may not be open yet, and connects its signals at once, so that it may be called inside
 * "on-data-channel". @carrier: the connection, not looked into; @watch, @bypass: its. FALSE if it has one, or has ended. */
gboolean dc_channel_attach (
    DcChannel *self, GstWebRTCDataChannel *rtc, gconstpointer carrier, DcSctpWatch *watch, DcSctpBypass *bypass);
gboolean dc_channel_has_carrier (DcChannel *self, gconstpointer carrier);
/* The same, or it had @carrier last. */
gboolean dc_channel_had_carrier (DcChannel *self, gconstpointer carrier);
/* @rtc, which was attached, is open and the peer's fingerprint was checked: says HELLO, after the @proof (nullable) (transfer full). Until
 * then nothing is sent, and what comes is held back. */
void dc_channel_start (DcChannel *self, GstWebRTCDataChannel *rtc, gsize max_message_size, DcProof *proof);

/* The connection is lost, and webrtcbin's channel is let go of: everything blocked returns @why, unless both sides had finished. In link
 * mode, if it was open, there is a resume timeout, and anything can still be said, it goes on waiting for another instead. */
void dc_channel_lose (DcChannel *self, const GError *why);
/* The same, but it cannot go on: a fault, or nobody is there to go on with. */
void dc_channel_fail (DcChannel *self, const GError *error);
/* More of what was sent on the connection has arrived. */
void dc_channel_check_delivered (DcChannel *self);
/* The far side has ended the connection, on purpose: an end like another in raw mode (W3C: its close() closes the channels), and in link mode
 * if each direction that was used has been ended. */
void dc_channel_far_side_left (DcChannel *self);
/* Closes webrtcbin's channel, which in raw mode the far side sees as its end; its answer makes this channel settled. */
void dc_channel_close_rtc (DcChannel *self);
/* Lets go of webrtcbin's channel, if it is @carrier's, before webrtcbin is unreferenced, without another word. */
void dc_channel_detach (DcChannel *self, gconstpointer carrier);
/* Nobody looks after it any more: it ends if it has not, and its timer stops. */
void dc_channel_retire (DcChannel *self);

/* TRUE if it was handed out, or is about to be. */
gboolean dc_channel_is_ready (DcChannel *self);
/* TRUE if the far side would miss something if the connection ended now. */
gboolean dc_channel_is_unfinished (DcChannel *self);
/* TRUE after dc_channel_close() or _abort(). */
gboolean dc_channel_is_closing (DcChannel *self);
gboolean dc_channel_is_settled (DcChannel *self);
/* (nullable) (transfer full): why it ended or is being closed; NULL: as agreed. */
GError *dc_channel_dup_error (DcChannel *self);

G_END_DECLS
