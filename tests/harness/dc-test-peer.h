/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-peer.h: a real DcPeer whose events can be waited for. */
#pragma once

#include "plugins/peer/dc-peer.h"

G_BEGIN_DECLS

/* All functions block under the watchdog and are for the test's thread. */
typedef struct _DcTestPeer DcTestPeer;

/* Properties of DcPeer as for g_object_new(), and label, mode and wants of its one channel. Started when this returns; must be startable. */
DcTestPeer *dc_test_peer_new (const char *signaling, const char *first_property, ...) G_GNUC_NULL_TERMINATED;
/* Starts a peer that was made otherwise (transfer full). */
DcTestPeer *dc_test_peer_start (DcPeer *peer);
void dc_test_peer_free (DcTestPeer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcTestPeer, dc_test_peer_free)

DcPeer *dc_test_peer_get (DcTestPeer *self);
/* The next event of that name, of those not returned before; other names before it are skipped. Fails when the peer has given up. (transfer full) */
GstStructure *dc_test_peer_wait_event (DcTestPeer *self, const char *name);
/* The same, and the field @field has the value @value. (transfer full) */
GstStructure *dc_test_peer_wait_event_with (DcTestPeer *self, const char *name, const char *field, const char *value);
/* From now on those that were returned, or skipped, are looked at again. */
void dc_test_peer_look_back (DcTestPeer *self);
/* How many events of that name there have been. */
guint dc_test_peer_count_events (DcTestPeer *self, const char *name);
/* The next open channel; fails the test if the peer gives up. (transfer full) */
DcChannel *dc_test_peer_wait_channel (DcTestPeer *self);
/* Of those that were returned so far, by any peer, and that somebody still has a reference to: GStreamer's tracer of leaks does not see them. */
guint dc_test_count_channels (void);
/* Waits until there is none. */
void dc_test_wait_no_channel (void);
/* Waits until the peer gives up. (transfer full) */
GError *dc_test_peer_wait_failed (DcTestPeer *self);

/* Closes @channel, a link, and has its @peer stop in between: when the session is told, nobody hears it any more. @peer becomes NULL then; FALSE if there was
 * no such moment, which is rare: once more, with another channel. (dc-test-cut.h) */
gboolean dc_test_close_late (DcChannel *channel, DcTestPeer **peer);

/* A text message, and the next one, which must be text. */
void dc_test_push_text (DcChannel *channel, const char *text);
void dc_test_expect_text (DcChannel *channel, const char *text);
/* The next item must be FIN; accepts it. */
void dc_test_expect_fin (DcChannel *channel);

G_END_DECLS
