/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-interop.h: our DcPeer and a program of another stack, which meet through a real daemon. */
#pragma once

#include "plugins/peer/dc-peer.h"
#include "tests/harness/dc-test-daemon.h"
#include "tests/harness/dc-test-peer.h"
#include "tests/harness/dc-test-process.h"

G_BEGIN_DECLS

typedef struct {
  const char *name;
  const char *words; /* the command, to which %s is the directory of this file; URL, room and so on follow */
} DcInteropStack;

typedef struct {
  const DcInteropStack *stack;
  gboolean we_call;
} DcInteropCase;

/* A fixture of g_test_add(), whose data is a DcInteropCase. */
typedef struct {
  DcTestDaemon *daemon;
  DcTestProcess *them;
  char *dir; /* for what they leave, such as a browser's profile */
  DcTestPeer *us;
  GPtrArray *channels; /* (element-type DcChannelOptions) */
} DcInterop;

void dc_interop_set_up (DcInterop *fixture, gconstpointer data);
void dc_interop_tear_down (DcInterop *fixture, gconstpointer data);

/* One more raw channel for the two to have, which may be changed before they meet. (transfer none) */
DcChannelOptions *dc_interop_add_channel (DcInterop *fixture, const char *label);
void dc_interop_meet (DcInterop *fixture, gconstpointer data);
/* Until it is open. (transfer full) */
DcChannel *dc_interop_get_channel (DcInterop *fixture, const char *label);
/* They have one channel. (transfer full) */
DcChannel *dc_interop_meet_on_one (DcInterop *fixture, gconstpointer data);

G_END_DECLS
