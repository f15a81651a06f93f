/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-meeting.h: two real peers that meet through a daemon of their own, and a channel between them. */
#pragma once

#include "tests/harness/dc-test-daemon.h"
#include "tests/harness/dc-test-gate.h"
#include "tests/harness/dc-test-peer.h"

G_BEGIN_DECLS

/* For the test's thread. Who makes peers or takes channels otherwise puts them here, to be let go of at the end. */
typedef struct {
  DcTestDaemon *daemon;
  const char *url;              /* the daemon's */
  DcTestPeer *alice, *bob;      /* (nullable): alice calls */
  DcChannel *at_alice, *at_bob; /* (nullable) */
} DcTestMeeting;

/* A fixture: the watchdog, a network that is not cut, and the daemon; and their end, with all that is left, which must be the last that
 * somebody has of the channels. */
void dc_test_meeting_set_up (DcTestMeeting *self, gconstpointer unused);
void dc_test_meeting_tear_down (DcTestMeeting *self, gconstpointer unused);
#define dc_test_meeting_add(path, data, test)                                                                          \
  g_test_add (path, DcTestMeeting, data, dc_test_meeting_set_up, test, dc_test_meeting_tear_down)

/* bob, then alice, then both channels, which are of these @options; NULL: ordinary ones. (Who is called learns of the kind of a raw channel from the channel
 * itself, but for negotiated ones.) */
void dc_test_meeting_meet (DcTestMeeting *self, const DcChannelOptions *alice, const DcChannelOptions *bob);
/* The same in steps. bob is registered after the first. */
void dc_test_meeting_start_bob (DcTestMeeting *self, const DcChannelOptions *options);
void dc_test_meeting_start_alice (DcTestMeeting *self, const DcChannelOptions *options);
void dc_test_meeting_wait_channels (DcTestMeeting *self);
/* A peer with several channels: @options (element-type DcChannelOptions). (transfer full) */
DcTestPeer *dc_test_meeting_start (DcTestMeeting *self, const char *id, DcRole role, GPtrArray *options);

/* Alice leaves; or both do. */
void dc_test_meeting_drop_alice (DcTestMeeting *self);
void dc_test_meeting_part (DcTestMeeting *self);

/* A raw channel's. (transfer full) */
DcChannelOptions *dc_test_raw_options (void);
/* Whether peers take the fast path, unless they are told otherwise. */
gboolean dc_test_is_fast (void);

/* From now on the worker of @peer waits at @gate each time that it tells of @event; until the signal's handler, which is returned, is disconnected. */
gulong dc_test_peer_hold (DcTestPeer *peer, const char *event, DcTestGate *gate);

/* A few words each way, then both say that they are done. */
void dc_test_talk (DcChannel *alice, DcChannel *bob);

G_END_DECLS
