/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-fake-peer-private.h: what the fake peer and the fake channel share. */
#pragma once

#include "tests/harness/dc-fake-peer.h"

G_BEGIN_DECLS

/* One lock and one condition for everything: there are few threads, and the order of what happens is what is tested. */
extern GMutex dc_fake_lock;
extern GCond dc_fake_cond;

G_END_DECLS
