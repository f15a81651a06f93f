/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dcpeer.h: what dcpeer's subcommands share: their signature, the exit codes and how an error becomes one. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * DcExit:
 * @DC_EXIT_DONE: done
 * @DC_EXIT_FAULT: nothing the others stand for: GStreamer does not start, for example
 * @DC_EXIT_USAGE: a wrong option, variable, URL, file
 * @DC_EXIT_SIGNALING: the signaling server cannot be reached or refused us
 * @DC_EXIT_CONNECTION: no connection to the other peer came about
 * @DC_EXIT_IDENTITY: the other peer is not who the signaling said
 * @DC_EXIT_PEER_GONE: the other peer left, died or aborted in mid-call
 * @DC_EXIT_DATA: data could not be sent or understood
 * @DC_EXIT_SIGNAL: plus the number of the signal: interrupted
 *
 * The only place where exit statuses are defined; data/man/dcpeer.1 documents them.
 */
typedef enum {
  DC_EXIT_DONE = 0,
  DC_EXIT_FAULT = 1,
  DC_EXIT_USAGE = 2,
  DC_EXIT_SIGNALING = 3,
  DC_EXIT_CONNECTION = 4,
  DC_EXIT_IDENTITY = 5,
  DC_EXIT_PEER_GONE = 6,
  DC_EXIT_DATA = 7,
  DC_EXIT_SIGNAL = 128,
} DcExit;

/* The exit status that @error stands for. */
int dc_exit_from_error (const GError *error);

/* A subcommand: argv[0] is its name. Returns the exit status. */
typedef int (*DcCommandFunc) (int argc, char **argv);

int dc_cmd_offer (int argc, char **argv);
int dc_cmd_answer (int argc, char **argv);
int dc_cmd_peers (int argc, char **argv);

/* @func hears of the first SIGINT or SIGTERM, in the default main context. The second ends the process at once. */
typedef void (*DcInterruptFunc) (int signal, gpointer user_data);
void dc_interrupt_watch (DcInterruptFunc func, gpointer user_data);
/* From now on the first ends it. */
void dc_interrupt_unwatch (void);

/* Before any call of GStreamer: starts it, and makes a closed stdout an error of write() rather than the end. */
gboolean dc_prepare (GError **error);

/* A usage error in one line on stderr that names the help of @command (nullable). Returns DC_EXIT_USAGE. */
int dc_report_usage (const char *command, const char *sentence);

G_END_DECLS
