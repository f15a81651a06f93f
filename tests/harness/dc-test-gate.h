/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-gate.h: holds up threads until it is opened. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Begins as zeros, closed. Any thread. */
typedef struct {
  GMutex lock;
  GCond opened;
  gboolean is_open;
} DcTestGate;

void dc_test_gate_open (DcTestGate *self);
void dc_test_gate_close (DcTestGate *self);
void dc_test_gate_wait (DcTestGate *self);

G_END_DECLS
