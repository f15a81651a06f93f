/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-soak-pair.h: two peers of this process with a link that is busy one way, beside whatever else goes on. */
#pragma once

#include "tests/harness/dc-test-peer.h"
#include "tests/soak/dc-soak-data.h"

G_BEGIN_DECLS

typedef struct {
  DcTestPeer *receiver, *sender;
  DcChannel *at_receiver, *at_sender;
  DcSoakData sent, received;
  GThread *threads[2];
  gint stop;      /* atomic */
  gint moved_mib; /* atomic: have come */
} DcSoakPair;

/* Connected, and the sender sends as fast as it goes. Under the watchdog. */
DcSoakPair *dc_soak_pair_new (const char *signaling);
/* Each of the two has told that it is on the fast path. Waits for it. */
void dc_soak_pair_expect_fast (DcSoakPair *pair);
/* Ends it. Returns: whether all that was sent has come as it was. */
gboolean dc_soak_pair_finish (DcSoakPair *pair);
void dc_soak_pair_free (DcSoakPair *pair);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcSoakPair, dc_soak_pair_free)

G_END_DECLS
