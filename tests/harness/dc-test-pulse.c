/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-pulse.c: a clock of the time that the machine gives to this process.
 *
 * Theory of operation
 * -------------------
 * What is to be done within a second takes longer where other programs have the processors, or where the whole machine stands still: each
 * time that one thread of ours wakes up another, that one first waits for its turn. So does the thread here, which only sleeps for PULSE_US at a
 * time: what it oversleeps by more than LATE_US is time that the machine did not give to us. Whatever holds our threads for another reason
 * (a lock, a time limit, a peer) does not hold this one, and counts. */
#include "tests/harness/dc-test-pulse.h"

#define PULSE_US 1000
#define LATE_US 1000

static GMutex lock;
static GThread *thread;
static gboolean stopping;
static gint64 last;   /* when the thread last woke up */
static gint64 missed; /* what was not given to us until then */

static gpointer
beat (gpointer data)
{
  g_mutex_lock (&lock);
  while (!stopping) {
    gint64 now;
    g_mutex_unlock (&lock);
    g_usleep (PULSE_US);
    g_mutex_lock (&lock);
    now = g_get_monotonic_time ();
    missed += MAX (now - last - PULSE_US - LATE_US, 0);
    last = now;
  }
  g_mutex_unlock (&lock);
  return NULL;
}

void
dc_test_pulse_start (void)
{
  g_assert_null (thread);
  stopping = FALSE;
  last = g_get_monotonic_time ();
  thread = g_thread_new ("pulse", beat, NULL);
}

void
dc_test_pulse_stop (void)
{
  g_mutex_lock (&lock);
  stopping = TRUE;
  g_mutex_unlock (&lock);
  g_clear_pointer (&thread, g_thread_join);
}

gint64
dc_test_pulse_get_time (void)
{
  gint64 time;

  g_mutex_lock (&lock);
  g_assert_nonnull (thread);
  /* While it oversleeps, the clock stands. */
  time = MIN (g_get_monotonic_time (), last + PULSE_US + LATE_US) - missed;
  g_mutex_unlock (&lock);
  return time;
}
