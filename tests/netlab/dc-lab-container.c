/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-lab-container.c: a child that takes all its descendants along when it ends, and that ends when we do. */

/*
 * Nothing may be left behind, not even after SIGKILL, and no clean-up of ours runs then. So the kernel does it: the child
 * is the first process of a PID namespace, and when that ends, the kernel kills all others in it, daemons that went into
 * the background included. The child dies with us by PR_SET_PDEATHSIG; a pipe closes the moment in which we could die
 * before it asked for that. Network namespaces and TUN devices have no names and vanish with their last process.
 *
 * Without privileges all of it happens in a user namespace in which the caller is root.
 */
#include "tests/netlab/dc-lab-container.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

GQuark
dc_lab_error_quark (void)
{
  return g_quark_from_static_string ("dc-lab-error-quark");
}

gboolean
dc_lab_set_errno (GError **error, const char *what)
{
  int number = errno;
  gboolean unavailable = number == EPERM || number == EACCES || number == ENOSYS || number == ENOENT || number == ENODEV
                         || number == ENXIO || number == ENOSPC || number == EINVAL;

  g_set_error (error, DC_LAB_ERROR, unavailable ? DC_LAB_ERROR_UNAVAILABLE : DC_LAB_ERROR_FAILED, "%s: %s", what,
      g_strerror (number));
  return FALSE;
}

static gboolean
write_file (const char *path, const char *text)
{
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  gboolean good = fd >= 0 && write (fd, text, strlen (text)) == (gssize) strlen (text);

  if (fd >= 0)
    close (fd);
  return good;
}

/* In which the user that we are is root. */
static gboolean
enter_user_namespace (GError **error)
{
  g_autofree char *users = g_strdup_printf ("0 %u 1", (guint) geteuid ());
  g_autofree char *groups = g_strdup_printf ("0 %u 1", (guint) getegid ());

  if (unshare (CLONE_NEWUSER) != 0)
    return dc_lab_set_errno (error, "neither root nor allowed to make a user namespace; run it as root");
  /* A kernel without the file has no need of the word. */
  if ((!write_file ("/proc/self/setgroups", "deny") && errno != ENOENT) || !write_file ("/proc/self/uid_map", users)
      || !write_file ("/proc/self/gid_map", groups))
    return dc_lab_set_errno (error, "the user namespace takes no root; run it as root");
  return TRUE;
}

static gboolean
enter_pid_namespace (GError **error)
{
  if (unshare (CLONE_NEWPID) == 0)
    return TRUE;
  if (errno != EPERM)
    return dc_lab_set_errno (error, "no PID namespace");
  return enter_user_namespace (error)
         && (unshare (CLONE_NEWPID) == 0 || dc_lab_set_errno (error, "no PID namespace, not even in a user namespace"));
}

/* So that /proc/PID, ps and $! agree inside. Where that is forbidden, /proc shows the numbers of outside, and all else works. */
static void
mount_proc (void)
{
  if (unshare (CLONE_NEWNS) == 0 && mount ("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0)
    mount ("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

static void
block_signals (sigset_t *signals)
{
  sigemptyset (signals);
  sigaddset (signals, SIGINT);
  sigaddset (signals, SIGTERM);
  sigaddset (signals, SIGHUP);
  sigaddset (signals, SIGCHLD);
  sigprocmask (SIG_BLOCK, signals, NULL);
}

/* Once the namespace of our children is dead, we can have none any more, and LeakSanitizer, for one, wants one. Only root can
 * have that back. */
static void
restore_pid_namespace (void)
{
  int own = open ("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);

  if (own < 0)
    return;
  if (setns (own, CLONE_NEWPID) != 0)
    g_debug ("no children any more: %s", g_strerror (errno));
  close (own);
}

static int
wait_for (pid_t child, const sigset_t *signals)
{
  int status, number;

  while (waitpid (child, &status, WNOHANG) == 0)
    if ((number = sigwaitinfo (signals, NULL)) > 0 && number != SIGCHLD)
      kill (child, number);
  if (WIFEXITED (status))
    return WEXITSTATUS (status);
  g_printerr ("netlab: killed by signal %d\n", WTERMSIG (status));
  return 128 + WTERMSIG (status);
}

/**
 * dc_lab_container_run:
 * @func: what the child does
 * @data: for @func
 * @error: DC_LAB_ERROR
 *
 * Returns: the exit status of the child, or -1
 */
int
dc_lab_container_run (DcLabContainerFunc func, gpointer data, GError **error)
{
  sigset_t signals;
  int ends[2];

  if (!enter_pid_namespace (error))
    return -1;
  if (pipe2 (ends, O_CLOEXEC) != 0) {
    dc_lab_set_errno (error, "no pipe");
    return -1;
  }
  block_signals (&signals);
  fflush (NULL);
  pid_t child = fork ();
  if (child < 0) {
    dc_lab_set_errno (error, "no process");
    return -1;
  }
  if (child == 0) {
    close (ends[1]);
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    mount_proc ();
    exit (func (ends[0], data));
  }
  close (ends[0]);
  restore_pid_namespace ();
  return wait_for (child, &signals);
}
