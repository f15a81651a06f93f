/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-transfer.h: numbered items of all sizes on a link, one way, as fast as it goes, each checked where it arrives. */
#pragma once

#include "plugins/peer/dc-peer.h"

G_BEGIN_DECLS

/* For the test's thread; it has two threads of its own. */
typedef struct _DcTestTransfer DcTestTransfer;

/* Items of up to @largest bytes. */
DcTestTransfer *dc_test_transfer_start (DcChannel *from, DcChannel *to, gsize largest);
/* Until @n more have come. */
void dc_test_transfer_wait (DcTestTransfer *self, gint n);
/* Ends both directions of it: all that was sent must have come, once and in order. (transfer full) */
void dc_test_transfer_stop (DcTestTransfer *self);

G_END_DECLS
