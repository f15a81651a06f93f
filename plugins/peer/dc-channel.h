/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-channel.h: one open data channel to one remote peer, for the threads that move data. */
#pragma once

#include <gst/gst.h>
#include "plugins/link/dc-link.h"
#include "plugins/peer/dc-channel-options.h"
#include "plugins/peer/dc-error.h"

G_BEGIN_DECLS

#define DC_TYPE_CHANNEL (dc_channel_get_type ())
G_DECLARE_FINAL_TYPE (DcChannel, dc_channel, DC, CHANNEL, GObject)

/*
 * Threads: every function may be called from any thread. On each stream one thread at a time may push, and one at a time may pull (all at once
 * is well). A channel is handed out only when it is open, its peer's fingerprint was checked and, in link mode, the far HELLO
 * came.
 *
 * A link-mode channel outlives its connection: when that is lost, the peer makes another, up to its resume-timeout. Meanwhile pushing goes
 * on as far as the credit goes and then blocks, pulling blocks; nothing is lost, doubled or reordered. "suspended" and "resumed" tell.
 *
 * Errors: DC_ERROR_FLUSHING after dc_channel_set_flushing (.., TRUE); DC_ERROR_PEER_GONE when the far side left, died (for longer than the
 * resume-timeout) or aborted; DC_ERROR_DATA when the far side sent what cannot be understood, or the item cannot be sent.
 *
 * Signals, on an internal thread, no lock held; handlers must not block. On the fast path it may be the one that reads the network: until they
 * return nothing is received, nor acknowledged, on the connection. They may pull with dc_channel_try_pull(), and push where dc_channel_can_push() says
 * that it does not wait: who answers there does so without a change of threads.
 *   "acknowledged" (guint64 n)  link mode: the far application has consumed n of the items pushed here, of all streams together
 *   "writable" ()               there is room again on a stream for which dc_channel_can_push() said that there is none
 *   "readable" (guint stream)   there is something to pull on a stream which dc_channel_try_pull() found empty, or which is new
 *   "suspended" (GError *why)   link mode: the connection is lost, another is looked for
 *   "resumed" ()                it was found: everything goes on
 *   "finished" ()               what dc_channel_finish() waits for has happened
 *   "closed" (GError *error)    (nullable) once: the channel ended; NULL: both sides had finished
 */

/* Blocks until @item (transfer full, also on failure) may be sent on its stream: link mode by credit of the far side, raw mode by
 * bufferedAmount. @ack_now asks the far side to acknowledge without waiting for more (for measuring round trips). */
gboolean dc_channel_push (DcChannel *self, DcLinkItem *item, gboolean ack_now, GError **error);
/* TRUE if dc_channel_push() on @stream would not block now, be it because it would fail. FALSE: "writable" will follow. */
gboolean dc_channel_can_push (DcChannel *self, guint stream);
/* Link mode, for flushing: takes back what was pushed on @stream and has not left yet. Returns the number of items. */
guint dc_channel_discard (DcChannel *self, guint stream);

/* Blocks for the next item of @stream. Says at the same time that the application is done with those pulled from it before. On stream 0 a
 * FIN item comes last. In raw mode everything comes on stream 0. (transfer full) */
DcLinkItem *dc_channel_pull (DcChannel *self, guint stream, GError **error);
/* The same without blocking: NULL without @error if there is nothing; "readable" will follow. (transfer full) (nullable) */
DcLinkItem *dc_channel_try_pull (DcChannel *self, guint stream, GError **error);

/* After a pulled FIN: everything before it has reached its destination; the far side's dc_channel_finish() returns. */
void dc_channel_accept_fin (DcChannel *self);

/* Says that nothing more will be pushed and, in link mode, waits until the far application has accepted it all;
 * in raw mode until everything has left. */
gboolean dc_channel_finish (DcChannel *self, GError **error);
/* The same without waiting, for who serves many: "finished" or "closed" follows. dc_channel_finish() may follow too, and then only waits. */
void dc_channel_begin_finish (DcChannel *self);
/* TRUE once dc_channel_finish() would return TRUE at once, whatever became of the channel since. */
gboolean dc_channel_is_finished (DcChannel *self);

/* TRUE: every blocked and later push and finish (DC_DIRECTION_SEND) or pull (DC_DIRECTION_RECEIVE) returns DC_ERROR_FLUSHING at
 * once. FALSE: as before. */
void dc_channel_set_flushing (DcChannel *self, DcDirection direction, gboolean flushing);

/* Tells the far side the reason (link mode) and closes. Harmless on a closed channel. Does not block. */
void dc_channel_abort (DcChannel *self, const char *reason);
/* Closes after both sides finished, or without a reason. Does not block. */
void dc_channel_close (DcChannel *self);

/* The simple way to move bytes, for applications without GStreamer pipelines; on stream 0. Both block like push and pull.
 * @text: as a string message; then @bytes must be UTF-8. */
gboolean dc_channel_send (DcChannel *self, GBytes *bytes, gboolean text, GError **error);
/* NULL without @error: the far side has finished, which is acknowledged to it. @text: (out) (optional). (transfer full) (nullable) */
GBytes *dc_channel_receive (DcChannel *self, gboolean *text, GError **error);

/* TRUE once "closed" was emitted, or is about to be. */
gboolean dc_channel_is_ended (DcChannel *self);
gboolean dc_channel_is_suspended (DcChannel *self);
const char *dc_channel_get_remote_id (DcChannel *self);
const char *dc_channel_get_label (DcChannel *self);
DcMode dc_channel_get_mode (DcChannel *self);
/* Bytes that one message may have, both sides' limits considered. */
gsize dc_channel_get_max_message_size (DcChannel *self);
/* Link mode; in raw mode only the counters of items, bytes and messages, the rates and waiting_bytes are filled. */
void dc_channel_get_link_stats (DcChannel *self, DcLinkStats *stats);
/* The same for people: see dc-event.h, "channel" in the statistics. (transfer full) */
GstStructure *dc_channel_dup_stats (DcChannel *self);

G_END_DECLS
