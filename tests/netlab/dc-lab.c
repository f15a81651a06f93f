/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-lab.c: two namespaces, the link between them and the commands in them, from beginning to end. */

/*
 * One thread in one loop (inside the container) carries packets, prints what the commands say, follows the schedule and
 * watches the clock. What waits for nothing has priority: packets are carried in each turn.
 *
 *   STARTING  the daemons run; until each has said a line, or has ended, or 5 s are over (a daemon may be silent)
 *   RUNNING   the main commands run, time counts from here; until all of them have ended
 *   ENDING    whatever still runs was sent SIGTERM; until all has ended and all was printed, or 2 s are over.
 *
 * A timeout, or a signal to us, leads to ENDING from anywhere. What is left at the end the container takes along.
 */
#include "tests/netlab/dc-lab.h"

#include "tests/netlab/dc-lab-link.h"
#include "tests/netlab/dc-lab-container.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define DAEMON_PATIENCE (5 * DC_NETEM_S)
#define END_PATIENCE (2 * DC_NETEM_S)

typedef enum { STARTING, RUNNING, ENDING } State;

typedef struct {
  DcLabPlan *plan;
  DcLabSide sides[2];
  DcLabLink link;
  char **environment;
  int signals; /* signalfd */
  int parent;
  State state;
  gint64 begin;    /* zero of the printed times: of the state RUNNING, once it is reached */
  gint64 deadline; /* of this state */
  int status;
} Lab;

#define FOREACH_COMMAND(lab, command)                                                                                  \
  for (guint i_ = 0; i_ < (lab)->plan->commands->len; i_++)                                                            \
    for (DcLabCommand *command = g_ptr_array_index ((lab)->plan->commands, i_); command; command = NULL)

/* ---- Set-up ---- */

/* For programs that want to be on both sides: nsenter --net=$NETLAB_NS_B. Outside names count where /proc is outside's. */
static char **
make_environment (Lab *self)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *pid = g_file_read_link ("/proc/self", NULL);

  for (guint i = 0; i < 2; i++) {
    const DcLabSide *side = &self->sides[i];
    char name = (char) ('A' + i);
    g_autofree char *ipv4 = g_strdup_printf ("NETLAB_%c=%s", name, side->ipv4);
    g_autofree char *ipv6 = g_strdup_printf ("NETLAB_%c6=%s", name, side->ipv6 ? side->ipv6 : "");
    g_autofree char *path = g_strdup_printf ("NETLAB_NS_%c=/proc/%s/fd/%d", name, pid ? pid : "1", side->namespace);
    g_strv_builder_add_many (builder, ipv4, ipv6, path, NULL);
  }
  return g_strv_builder_end (builder);
}

static gboolean
open_sides (Lab *self, GError **error)
{
  gboolean ipv6 = self->plan->ipv6;
  guint mtu = self->plan->mtu;

  return dc_lab_side_open (&self->sides[0], "10.99.0.1", ipv6 ? "fd99::1" : NULL, mtu, error)
         && dc_lab_side_open (&self->sides[1], "10.99.0.2", ipv6 ? "fd99::2" : NULL, mtu, error);
}

static int
open_signals (void)
{
  sigset_t signals;

  sigemptyset (&signals);
  sigaddset (&signals, SIGCHLD);
  sigaddset (&signals, SIGINT);
  sigaddset (&signals, SIGTERM);
  sigaddset (&signals, SIGHUP);
  return signalfd (-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* A link that is late because others compute is a link with jitter that nobody asked for. */
static void
become_punctual (void)
{
  signal (SIGTTOU, SIG_IGN);
  signal (SIGPIPE, SIG_IGN);
  prctl (PR_SET_TIMERSLACK, 1);
  /* Only root may; it is not essential. */
  setpriority (PRIO_PROCESS, 0, -10);
}

/* ---- States ---- */

static void
start_commands (Lab *self, gboolean daemons, gint64 now)
{
  FOREACH_COMMAND (self, command)
  {
    g_autoptr (GError) error = NULL;
    if ((command->role == DC_LAB_DAEMON) != daemons)
      continue;
    if (!dc_lab_command_start (command, &self->sides[command->side], self->environment, now, &error)) {
      g_printerr ("netlab: %s: %s\n", command->name, error->message);
      command->status = 127;
    }
  }
}

static void
begin_running (Lab *self, gint64 now)
{
  self->state = RUNNING;
  self->begin = now;
  self->deadline = self->plan->timeout > 0 ? now + self->plan->timeout : G_MAXINT64;
  dc_lab_link_start_schedule (&self->link, now);
  start_commands (self, FALSE, now);
}

static void
begin_ending (Lab *self, gint64 now, int status)
{
  if (self->state == ENDING)
    return;
  self->state = ENDING;
  self->status = status;
  self->deadline = now + END_PATIENCE;
  FOREACH_COMMAND (self, command)
  {
    dc_lab_command_signal (command, SIGTERM);
    dc_lab_command_signal (command, SIGCONT); /* one that is stopped does not hear of it otherwise */
  }
}

static gboolean
have_daemons_spoken (Lab *self)
{
  FOREACH_COMMAND (self, command)
  {
    if (command->running && !command->spoke)
      return FALSE;
  }
  return TRUE;
}

static gboolean
are_main_ended (Lab *self)
{
  FOREACH_COMMAND (self, command)
  {
    if (command->running && command->role != DC_LAB_DAEMON)
      return FALSE;
  }
  return TRUE;
}

static gboolean
are_all_ended (Lab *self)
{
  FOREACH_COMMAND (self, command)
  {
    if (command->running || command->output >= 0)
      return FALSE;
  }
  return TRUE;
}

static int
get_main_status (Lab *self)
{
  FOREACH_COMMAND (self, command)
  {
    if (command->role != DC_LAB_DAEMON && command->status != 0)
      return DC_LAB_EXIT_FAILED;
  }
  return DC_LAB_EXIT_DONE;
}

/* Follows from one state into the next. FALSE at the end. */
static gboolean
step (Lab *self, gint64 now)
{
  gboolean late = now >= self->deadline;

  if (self->state == STARTING && (late || have_daemons_spoken (self)))
    begin_running (self, now);
  else if (self->state == RUNNING && are_main_ended (self))
    begin_ending (self, now, get_main_status (self));
  else if (self->state == RUNNING && late) {
    g_printerr ("netlab: the time of %g s is over\n", (double) self->plan->timeout / DC_NETEM_S);
    begin_ending (self, now, DC_LAB_EXIT_TIMEOUT);
  }
  return self->state != ENDING || (!are_all_ended (self) && now < self->deadline);
}

/* ---- Events ---- */

static void
report_end (Lab *self, DcLabCommand *command)
{
  double begin = (double) (command->ended - self->begin) / DC_NETEM_S;
  double lasted = (double) (command->ended - command->started) / DC_NETEM_S;

  if (command->role == DC_LAB_MAIN && self->state == RUNNING)
    printf ("%7.3f netlab: %s ended after %.3f s with exit status %d\n", begin, command->name, lasted, command->status);
  else if (command->role == DC_LAB_DAEMON && self->state != ENDING)
    printf ("%7.3f netlab: the daemon %s ended by itself after %.3f s with exit status %d\n", begin, command->name,
        lasted, command->status);
  fflush (stdout);
}

/* Also of those whose parents have died: the first process of a PID namespace inherits them. */
static void
reap (Lab *self, gint64 now)
{
  pid_t pid;
  int status;

  while ((pid = waitpid (-1, &status, WNOHANG)) > 0)
    FOREACH_COMMAND (self, command)
    {
      if (command->pid != pid || !command->running)
        continue;
      dc_lab_command_set_ended (command, status, now);
      report_end (self, command);
    }
}

/* FALSE: at once. */
static gboolean
take_signals (Lab *self, gint64 now)
{
  struct signalfd_siginfo info;

  while (read (self->signals, &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGCHLD)
      continue;
    if (self->state == ENDING)
      return FALSE;
    begin_ending (self, now, 128 + (int) info.ssi_signo);
  }
  reap (self, now);
  return TRUE;
}

static void
wait_for_something (struct pollfd *fds, guint n, gint64 deadline)
{
  gint64 wait = MAX (deadline - dc_lab_now (), 0);
  struct timespec limit = {.tv_sec = (time_t) (wait / DC_NETEM_S), .tv_nsec = (long) (wait % DC_NETEM_S)};

  if (ppoll (fds, n, deadline == G_MAXINT64 ? NULL : &limit, NULL) < 0)
    for (guint i = 0; i < n; i++)
      fds[i].revents = 0;
}

enum { FD_TUN_A, FD_TUN_B, FD_SIGNALS, FD_PARENT, FD_OUTPUTS };

/* One turn. FALSE: it is over. */
static gboolean
iterate (Lab *self, struct pollfd *fds)
{
  guint n = FD_OUTPUTS + self->plan->commands->len;

  if (!step (self, dc_lab_now ()))
    return FALSE;
  for (guint i = FD_OUTPUTS; i < n; i++)
    fds[i].fd = ((DcLabCommand *) g_ptr_array_index (self->plan->commands, i - FD_OUTPUTS))->output;
  wait_for_something (fds, n, MIN (self->deadline, dc_lab_link_get_deadline (&self->link)));

  gint64 now = dc_lab_now ();
  dc_lab_link_run (&self->link, now);
  for (guint i = FD_OUTPUTS; i < n; i++)
    if (fds[i].revents)
      dc_lab_command_read (g_ptr_array_index (self->plan->commands, i - FD_OUTPUTS), now - self->begin);
  if (fds[FD_PARENT].revents)
    return FALSE;
  return !fds[FD_SIGNALS].revents || take_signals (self, now);
}

static void
loop (Lab *self)
{
  g_autofree struct pollfd *fds = g_new0 (struct pollfd, FD_OUTPUTS + self->plan->commands->len);

  for (guint i = 0; i < FD_OUTPUTS + self->plan->commands->len; i++)
    fds[i].events = POLLIN;
  fds[FD_TUN_A].fd = self->sides[0].tun;
  fds[FD_TUN_B].fd = self->sides[1].tun;
  fds[FD_SIGNALS].fd = self->signals;
  fds[FD_PARENT].fd = self->parent;

  self->begin = dc_lab_now ();
  self->deadline = self->begin + DAEMON_PATIENCE;
  start_commands (self, TRUE, self->begin);
  while (iterate (self, fds))
    continue;
}

static int
run_in_container (int parent, gpointer data)
{
  Lab self = {.plan = data, .parent = parent, .signals = open_signals (), .status = DC_LAB_EXIT_FAILED};
  DcLabPlan *plan = data;
  g_autoptr (GError) error = NULL;

  become_punctual ();
  if (open_sides (&self, &error)
      && dc_lab_link_init (&self.link, self.sides, plan->seed, plan->settings, plan->events, &error)) {
    self.environment = make_environment (&self);
    loop (&self);
    dc_lab_link_print_stats (&self.link);
    dc_lab_link_clear (&self.link);
    g_strfreev (self.environment);
  } else {
    g_printerr ("netlab: %s\n", error->message);
    self.status = error->domain == G_OPTION_ERROR                                   ? DC_LAB_EXIT_USAGE
                  : g_error_matches (error, DC_LAB_ERROR, DC_LAB_ERROR_UNAVAILABLE) ? DC_LAB_EXIT_UNAVAILABLE
                                                                                    : DC_LAB_EXIT_FAILED;
  }
  dc_lab_side_close (&self.sides[0]);
  dc_lab_side_close (&self.sides[1]);
  close (self.signals);
  return self.status;
}

/**
 * dc_lab_run:
 * @plan: what happens
 *
 * Returns: the exit status
 */
int
dc_lab_run (DcLabPlan *plan)
{
  g_autoptr (GError) error = NULL;
  int status = dc_lab_container_run (run_in_container, plan, &error);

  if (status >= 0)
    return status;
  g_printerr ("netlab: %s\n", error->message);
  return g_error_matches (error, DC_LAB_ERROR, DC_LAB_ERROR_UNAVAILABLE) ? DC_LAB_EXIT_UNAVAILABLE : DC_LAB_EXIT_FAILED;
}
