/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-gate.c: holds up threads until it is opened. */
#include "tests/harness/dc-test-gate.h"

void
dc_test_gate_open (DcTestGate *self)
{
  g_mutex_lock (&self->lock);
  self->is_open = TRUE;
  g_cond_broadcast (&self->opened);
  g_mutex_unlock (&self->lock);
}

void
dc_test_gate_close (DcTestGate *self)
{
  g_mutex_lock (&self->lock);
  self->is_open = FALSE;
  g_mutex_unlock (&self->lock);
}

void
dc_test_gate_wait (DcTestGate *self)
{
  g_mutex_lock (&self->lock);
  while (!self->is_open)
    g_cond_wait (&self->opened, &self->lock);
  g_mutex_unlock (&self->lock);
}
