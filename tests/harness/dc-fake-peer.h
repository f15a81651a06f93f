/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-fake-peer.h: a DcPeer and a DcChannel without a network, whose far side is the test. */
#pragma once

#include "plugins/peer/dc-peer.h"

G_BEGIN_DECLS

/*
 * Links in place of plugins/peer. An element under test makes and starts the peer; the test waits for it, opens a channel
 * and plays the far side: it takes what the element pushes, gives what it pulls, and ends the channel as it likes.
 * All functions are the test's, from any thread; those called wait block until what they wait for happens.
 */

/* The peer that was started last and was not waited for before. (transfer full) */
DcPeer *dc_fake_wait_peer (void);
/* Whether there is one to wait for. */
gboolean dc_fake_has_peer (void);
gboolean dc_fake_peer_is_stopped (DcPeer *peer);
/* What the element asked for with dc_peer_add_channel(). */
guint dc_fake_peer_count_options (DcPeer *peer);
const DcChannelOptions *dc_fake_peer_get_options (DcPeer *peer, guint index);
/* Opens a channel and tells the element. (transfer full) */
DcChannel *dc_fake_peer_open (DcPeer *peer);
/* The same; pushes block while @items wait to be taken. */
DcChannel *dc_fake_peer_open_with_window (DcPeer *peer, guint items);
/* The same with the remote peer @remote_id, and the channel that was asked for as number @index. */
DcChannel *dc_fake_peer_open_as (DcPeer *peer, guint index, const char *remote_id, guint items);
/* The same as dc_fake_peer_open() with a channel that the far side has left, with @message, before anyone could listen. */
DcChannel *dc_fake_peer_open_ended (DcPeer *peer, const char *message);
/* Gives up with an error of DC_ERROR. */
void dc_fake_peer_fail (DcPeer *peer, DcError code, const char *message);
/* @event: transfer full */
void dc_fake_peer_tell (DcPeer *peer, GstStructure *event);
void dc_fake_peer_tell_statistics (DcPeer *peer);

/* One that no peer has; @items as above. (transfer full) */
DcChannel *dc_fake_channel_new (const DcChannelOptions *options, const char *remote_id, guint items);
void dc_fake_channel_set_window (DcChannel *channel, guint items);
/* Raw mode: the far side takes no longer messages. */
void dc_fake_channel_set_max_message (DcChannel *channel, gsize size);
/* Blocks until a push or a finish of the element's waits for us, or it was told that it cannot push. */
void dc_fake_channel_wait_blocked (DcChannel *channel);
/* The next item that the element pushed; its finishing is a FIN item. (transfer full) */
DcLinkItem *dc_fake_channel_take (DcChannel *channel);
/* The same of another stream than 0; there is always room on those. */
DcLinkItem *dc_fake_channel_take_stream (DcChannel *channel, guint stream);
/* How many wait to be taken, of stream 0. */
guint dc_fake_channel_count (DcChannel *channel);
void dc_fake_channel_wait_count (DcChannel *channel, guint items);
/* Lets the element's finish return. */
void dc_fake_channel_acknowledge_fin (DcChannel *channel);

/* On the stream that it names. @item: transfer full */
void dc_fake_channel_give (DcChannel *channel, DcLinkItem *item);
/* Blocks until the element has handled all that it was given on @stream, and has asked for more. */
void dc_fake_channel_wait_drained (DcChannel *channel, guint stream);
gboolean dc_fake_channel_is_accepted (DcChannel *channel);
void dc_fake_channel_wait_accepted (DcChannel *channel);

/* The far side goes: with an error of DC_ERROR_PEER_GONE, or without if @message is NULL. */
void dc_fake_channel_end (DcChannel *channel, const char *message);
/* The reason of the element's dc_channel_abort(), or NULL. */
char *dc_fake_channel_dup_abort (DcChannel *channel);
gboolean dc_fake_channel_is_closed (DcChannel *channel);
void dc_fake_channel_wait_closed (DcChannel *channel);

G_END_DECLS
