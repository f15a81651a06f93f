/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-lab-command.c: a command line that runs on one side of a lab, and what it says. */
#include "tests/netlab/dc-lab-command.h"

#include "tests/netem/dc-netem.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* A longer line is printed in pieces. */
#define LONGEST_LINE 8192

DcLabCommand *
dc_lab_command_new (DcLabRole role, guint side, guint number, const char *line)
{
  DcLabCommand *self = g_new0 (DcLabCommand, 1);

  self->name = g_strdup_printf ("%c%u", 'a' + side, number);
  self->line = g_strdup (line);
  self->role = role;
  self->side = side;
  self->output = -1;
  self->rest = g_string_new (NULL);
  return self;
}

void
dc_lab_command_free (DcLabCommand *self)
{
  if (self->output >= 0)
    close (self->output);
  g_string_free (self->rest, TRUE);
  g_free (self->name);
  g_free (self->line);
  g_free (self);
}

/* ---- Start ---- */

static void
redirect (int output)
{
  int nothing = open ("/dev/null", O_RDONLY);

  dup2 (nothing, STDIN_FILENO);
  dup2 (output, STDOUT_FILENO);
  dup2 (output, STDERR_FILENO);
}

static void G_GNUC_NORETURN
become (DcLabCommand *self, DcLabSide *side, int output, char **environment)
{
  sigset_t none;

  setpgid (0, 0);
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
  signal (SIGPIPE, SIG_DFL);
  setpriority (PRIO_PROCESS, 0, 0);
  if (self->role == DC_LAB_INTERACTIVE)
    tcsetpgrp (STDIN_FILENO, getpid ()); /* SIGTTOU, which would stop us for that, is still ignored */
  else
    redirect (output);
  signal (SIGTTOU, SIG_DFL);
  for (guint i = 0; environment[i]; i++)
    putenv (environment[i]);
  if (setns (side->namespace, CLONE_NEWNET) == 0)
    execl ("/bin/sh", "sh", "-c", self->line, NULL);
  fprintf (stderr, "netlab: %s cannot be started: %s\n", self->name, g_strerror (errno));
  _exit (127);
}

/**
 * dc_lab_command_start:
 * @self: a command
 * @side: where it runs
 * @environment: NAME=VALUE to be set for it
 * @now: the time
 * @error: DC_LAB_ERROR
 *
 * Returns: whether there is a process for it
 */
gboolean
dc_lab_command_start (DcLabCommand *self, DcLabSide *side, char **environment, gint64 now, GError **error)
{
  int ends[2];

  if (pipe2 (ends, O_CLOEXEC) != 0)
    return dc_lab_set_errno (error, "no pipe");
  fflush (NULL);
  self->pid = fork ();
  if (self->pid == 0)
    become (self, side, ends[1], environment);
  close (ends[1]);
  self->output = ends[0];
  if (self->pid < 0) {
    self->pid = 0;
    return dc_lab_set_errno (error, "no process");
  }
  setpgid (self->pid, self->pid); /* both do it: none has to wait for the other */
  fcntl (self->output, F_SETFL, O_NONBLOCK);
  self->started = now;
  self->running = TRUE;
  return TRUE;
}

/* ---- Output ---- */

static void
print_line (DcLabCommand *self, gint64 time, gsize length)
{
  printf ("%7.3f %s: ", (double) time / DC_NETEM_S, self->name);
  fwrite (self->rest->str, 1, length, stdout);
  putchar ('\n');
  self->spoke = TRUE;
}

static void
print_lines (DcLabCommand *self, gint64 time)
{
  char *newline;

  while ((newline = memchr (self->rest->str, '\n', self->rest->len))) {
    gsize length = (gsize) (newline - self->rest->str);
    print_line (self, time, length);
    g_string_erase (self->rest, 0, (gssize) length + 1);
  }
}

void
dc_lab_command_read (DcLabCommand *self, gint64 time)
{
  char buffer[4096];
  gssize size = read (self->output, buffer, sizeof buffer);

  if (size < 0)
    return;
  g_string_append_len (self->rest, buffer, size);
  print_lines (self, time);
  if (self->rest->len > (size == 0 ? 0 : LONGEST_LINE)) {
    print_line (self, time, self->rest->len);
    g_string_truncate (self->rest, 0);
  }
  fflush (stdout);
  if (size == 0) {
    close (self->output);
    self->output = -1;
  }
}

/* ---- End ---- */

void
dc_lab_command_signal (DcLabCommand *self, int number)
{
  if (self->pid > 0)
    kill (-self->pid, number);
}

void
dc_lab_command_set_ended (DcLabCommand *self, int status, gint64 now)
{
  self->status = WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
  self->running = FALSE;
  self->ended = now;
}
