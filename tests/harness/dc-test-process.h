/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-process.h: a child process whose lines can be waited for. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Everything is for one thread and blocks; the watchdog bounds it. What the child printed (standard output and error, together, in
 * order) is shown when an expectation fails. */
typedef struct _DcTestProcess DcTestProcess;

/* @program and its arguments, ended by NULL. */
DcTestProcess *dc_test_process_new (const char *program, ...) G_GNUC_NULL_TERMINATED;
/* @argv: ends in NULL. @env: (nullable): further NAME=VALUE, ends in NULL. */
DcTestProcess *dc_test_process_newv (const char *const *argv, const char *const *env);
/* The next line, of those not returned before, that contains @substring. Fails if the output ends first. (transfer none) */
const char *dc_test_process_wait_line (DcTestProcess *process, const char *substring);
void dc_test_process_signal (DcTestProcess *process, int signal);
/* Kills it with all that it has started, at once: none of them can say anything. */
void dc_test_process_kill_all (DcTestProcess *process);
/* The exit status, or 128 plus the number of the signal that killed it. */
int dc_test_process_wait_exit (DcTestProcess *process);
/* Waits for its end, which must be with @status. */
void dc_test_process_assert_exit (DcTestProcess *process, int status);
/* Whether @text is in what it has printed so far. */
void dc_test_process_assert_said (DcTestProcess *process, const char *text);
void dc_test_process_assert_not_said (DcTestProcess *process, const char *text);
/* All lines so far. (transfer full) */
char *dc_test_process_get_output (DcTestProcess *process);
/* To its standard input. */
void dc_test_process_write (DcTestProcess *process, const char *text);
/* Nothing more will be written. */
void dc_test_process_end_input (DcTestProcess *process);
/* Kills it if it still runs. */
void dc_test_process_free (DcTestProcess *process);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcTestProcess, dc_test_process_free)

G_END_DECLS
