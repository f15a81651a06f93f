/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-lab-command.h: a command line that runs on one side of a lab, and what it says. */
#pragma once

#include "tests/netlab/dc-lab-side.h"

#include <sys/types.h>

G_BEGIN_DECLS

typedef enum {
  DC_LAB_MAIN,        /* the lab lasts until all of these have ended */
  DC_LAB_DAEMON,      /* is started before them, and ended after them */
  DC_LAB_INTERACTIVE, /* a main one, with the terminal */
} DcLabRole;

typedef struct {
  char *name; /* its side and a number: "a1" */
  char *line; /* for /bin/sh */
  DcLabRole role;
  guint side; /* 0: a, 1: b */
  pid_t pid;  /* of its process group, too; 0: not started */
  gint64 started, ended;
  gboolean running;
  int status;     /* once it has ended: exit status, or 128 and the signal */
  int output;     /* our end of its standard output and error; -1: none, or it has ended */
  gboolean spoke; /* at least a line */
  GString *rest;  /* of what it said, without a newline so far */
} DcLabCommand;

DcLabCommand *dc_lab_command_new (DcLabRole role, guint side, guint number, const char *line);
void dc_lab_command_free (DcLabCommand *command);
/* @environment: what is set for it. */
gboolean dc_lab_command_start (DcLabCommand *command, DcLabSide *side, char **environment, gint64 now, GError **error);
/* Prints the lines that it said, with @time and its name before them. */
void dc_lab_command_read (DcLabCommand *command, gint64 time);
/* It and what it started in its process group. */
void dc_lab_command_signal (DcLabCommand *command, int number);
/* @status: of waitpid() */
void dc_lab_command_set_ended (DcLabCommand *command, int status, gint64 now);

G_END_DECLS
