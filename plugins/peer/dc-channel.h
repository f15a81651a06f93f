/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-channel.h: one open data channel to one remote peer, for the threads that move data. */
#pragma once

#include <gst/gst.h>
#include "plugins/link/dc-link.h"
#include "plugins/peer/dc-error.h"

G_BEGIN_DECLS

/**
 * DcMode:
 * @DC_MODE_LINK: items cross as the link protocol's frames: nothing lost, back-pressure by credit
 * @DC_MODE_RAW: a message is a DATA item and nothing else crosses; for browsers and other stacks
 */
typedef enum { DC_MODE_LINK, DC_MODE_RAW } DcMode;
GType dc_mode_get_type (void);
#define DC_TYPE_MODE (dc_mode_get_type ())

#define DC_TYPE_CHANNEL (dc_channel_get_type ())
G_DECLARE_FINAL_TYPE (DcChannel, dc_channel, DC, CHANNEL, GObject)

/*
 * Threads: every function may be called from any thread. One thread at a time may push, one at a time may pull (both at once is
 * well). A channel is handed out only when it is open, its peer's fingerprint was checked and, in link mode, the far HELLO came.
 *
 * Errors: DC_ERROR_FLUSHING after dc_channel_set_flushing (TRUE); DC_ERROR_PEER_GONE when the far side left, died or
 * aborted; DC_ERROR_DATA when the far side sent what cannot be understood, or the item cannot be sent.
 *
 * Signals:
 *   "acknowledged" (guint64 n)  link mode: the far application has consumed the first n items pushed here. On an
 *                               internal thread, no lock held; must not block.
 *   "closed" (GError *error)    (nullable) once: the channel ended; NULL: both sides had finished. On an internal thread; must not block.
 */

/* Blocks until @item (transfer full, also on failure) may be sent: link mode by credit of the far side, raw mode by bufferedAmount.
 * @ack_now asks the far side to acknowledge without waiting for more (for measuring round trips). */
gboolean dc_channel_push (DcChannel *self, DcLinkItem *item, gboolean ack_now, GError **error);

/* Blocks for the next item. Says at the same time that the application is done with those pulled before. A FIN item comes last. (transfer full) */
DcLinkItem *dc_channel_pull (DcChannel *self, GError **error);

/* After a pulled FIN: everything before it has reached its destination; the far side's dc_channel_finish() returns. */
void dc_channel_accept_fin (DcChannel *self);

/* Says that nothing more will be pushed and, in link mode, waits until the far application has accepted it all;
 * in raw mode until everything has left. */
gboolean dc_channel_finish (DcChannel *self, GError **error);

/* TRUE: every blocked and later push, pull and finish returns DC_ERROR_FLUSHING at once. FALSE: as before. */
void dc_channel_set_flushing (DcChannel *self, gboolean flushing);

/* Tells the far side the reason (link mode) and closes. Harmless on a closed channel. Does not block. */
void dc_channel_abort (DcChannel *self, const char *reason);
/* Closes after both sides finished, or without a reason. Does not block. */
void dc_channel_close (DcChannel *self);

/* TRUE once "closed" was emitted, or is about to be. */
gboolean dc_channel_is_ended (DcChannel *self);
const char *dc_channel_get_remote_id (DcChannel *self);
const char *dc_channel_get_label (DcChannel *self);
DcMode dc_channel_get_mode (DcChannel *self);
/* Bytes that one message may have, both sides' limits considered. */
gsize dc_channel_get_max_message_size (DcChannel *self);
/* Link mode; in raw mode only the counters of items, bytes and messages are filled. */
void dc_channel_get_stats (DcChannel *self, DcLinkStats *stats);

G_END_DECLS
