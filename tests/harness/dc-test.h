/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test.h: what every test program begins with: a hermetic environment, a watchdog, waiting for a condition. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* g_test_init(), after cutting off the user's home, proxies and settings. */
void dc_test_init (int *argc, char ***argv);

/* Ends the program with a message that names the test case if dc_test_watchdog_stop() does not come in time. A second start begins
 * anew. Under valgrind the time is longer. */
void dc_test_watchdog_start (guint seconds);
void dc_test_watchdog_stop (void);
/* How many times as long as usual things may take: more than 1 under valgrind or a sanitizer, or what DC_TEST_SLOWNESS says. */
guint dc_test_get_slowness (void);

/* Runs @context (NULL: the default one) until @condition holds. The watchdog bounds it. */
#define dc_test_wait_until(context, condition)                                                                         \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    while (!(condition))                                                                                               \
      g_main_context_iteration ((context), TRUE);                                                                      \
  }                                                                                                                    \
  G_STMT_END

/* What this process has open, and its threads. */
guint dc_test_count_fds (void);
guint dc_test_count_threads (void);

/* A temporary directory, removed with all it holds by dc_test_remove_dir(). (transfer full) */
char *dc_test_make_dir (void);
void dc_test_remove_dir (char *path);

G_END_DECLS
