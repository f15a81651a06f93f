/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-channel-private.h: what DcConnection does with a channel; not for applications. */
#pragma once

#include <gst/webrtc/webrtc.h>

#include "plugins/peer/dc-channel.h"

G_BEGIN_DECLS

typedef struct {
  /* The channel may be handed out: open, and in link mode the far HELLO came. On an internal thread. */
  void (*ready) (DcChannel *channel, gpointer user_data);
  /* It ended; (nullable) @error: why. Once. On an internal or the application's thread. */
  void (*ended) (DcChannel *channel, const GError *error, gpointer user_data);
  /* The application wants it closed (dc_channel_close, dc_channel_abort). Once. On the application's thread. */
  void (*wants_close) (DcChannel *channel, gpointer user_data);
  /* After that: nothing is on its way any more that the far side still must get (FIN-ACK), or the channel has ended. Once. */
  void (*settled) (DcChannel *channel, gpointer user_data);
} DcChannelCallbacks;

/* Wraps @rtc, which may not be open yet, and connects its signals at once, so that it may be called inside "on-data-channel".
 * @user_data is let go of with @destroy when the channel is finalized. */
DcChannel *dc_channel_new (GstWebRTCDataChannel *rtc, DcMode mode, const char *remote_id,
    const DcChannelCallbacks *callbacks, gpointer user_data, GDestroyNotify destroy);
/* The channel is open and the peer's fingerprint was checked: says HELLO. Until then nothing is sent, and what comes is held back. The
 * link's timer runs in @context. */
void dc_channel_start (DcChannel *self, GMainContext *context, gsize max_message_size);
/* The connection is lost: everything blocked returns @error, unless both sides had finished. */
void dc_channel_fail (DcChannel *self, const GError *error);
/* Raw mode: closes webrtcbin's channel, which the far side sees as its end; its answer makes this channel settled. */
void dc_channel_close_rtc (DcChannel *self);
/* TRUE if the far side would miss something if the connection ended now. */
gboolean dc_channel_is_unfinished (DcChannel *self);
/* (nullable) (transfer full): why it ended or is being closed; NULL: as agreed. */
GError *dc_channel_dup_error (DcChannel *self);
/* Lets go of webrtcbin's channel; to be called before webrtcbin is unreferenced. */
void dc_channel_detach (DcChannel *self);

G_END_DECLS
