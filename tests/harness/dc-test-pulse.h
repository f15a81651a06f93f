/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-pulse.h: a clock of the time that the machine gives to this process, for limits that hold on a busy machine too. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Starts the clock's thread. Once, before anything counts threads. */
void dc_test_pulse_start (void);
void dc_test_pulse_stop (void);
/* Microseconds: as g_get_monotonic_time(), without what passed while the machine did not run us. */
gint64 dc_test_pulse_get_time (void);

G_END_DECLS
