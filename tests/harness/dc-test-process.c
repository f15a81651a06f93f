/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-process.c: a child process whose lines can be waited for.
 *
 * A thread reads all that the child prints as it comes: a child whose output nobody reads stops when the pipe is full, in the midst of what is tested. */
#include "tests/harness/dc-test-process.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

struct _DcTestProcess {
  GSubprocess *process;
  GThread *reader;
  GCancellable *over; /* nobody wants to hear any more: what the child has started may have its output still */
  guint next;         /* the first line that no wait has returned */

  GMutex lock;
  GCond changed;
  GPtrArray *lines; /* char *, kept until the process is freed */
  gboolean ended;   /* the output */
};

/* A child does not outlive a test that dies. */
static void
end_with_parent (gpointer data)
{
  prctl (PR_SET_PDEATHSIG, SIGTERM);
}

static void
take_line (DcTestProcess *self, char *line)
{
  g_mutex_lock (&self->lock);
  if (line != NULL)
    g_ptr_array_add (self->lines, line);
  self->ended = line == NULL;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

static gpointer
read_output (gpointer user_data)
{
  DcTestProcess *self = user_data;
  g_autoptr (GDataInputStream) output = g_data_input_stream_new (g_subprocess_get_stdout_pipe (self->process));
  char *line;

  while ((line = g_data_input_stream_read_line (output, NULL, self->over, NULL)) != NULL)
    take_line (self, line);
  take_line (self, NULL);
  return NULL;
}

static DcTestProcess *
spawn (const char *const *argv, const char *const *env)
{
  DcTestProcess *self = g_new0 (DcTestProcess, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE);

  g_subprocess_launcher_set_child_setup (launcher, end_with_parent, NULL, NULL);
  for (guint i = 0; env && env[i]; i++) {
    g_auto (GStrv) pair = g_strsplit (env[i], "=", 2);
    g_subprocess_launcher_setenv (launcher, pair[0], pair[1], TRUE);
  }
  self->process = g_subprocess_launcher_spawnv (launcher, argv, &error);
  g_assert_no_error (error);
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->lines = g_ptr_array_new_with_free_func (g_free);
  self->over = g_cancellable_new ();
  self->reader = g_thread_new ("output", read_output, self);
  return self;
}

DcTestProcess *
dc_test_process_newv (const char *const *argv, const char *const *env)
{
  return spawn (argv, env);
}

DcTestProcess *
dc_test_process_new (const char *program, ...)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  va_list arguments;

  va_start (arguments, program);
  for (const char *word = program; word; word = va_arg (arguments, const char *))
    g_ptr_array_add (argv, (char *) word);
  va_end (arguments);
  g_ptr_array_add (argv, NULL);
  return spawn ((const char *const *) argv->pdata, NULL);
}

/* NULL at the end. */
static const char *
next_line (DcTestProcess *self)
{
  const char *line = NULL;

  g_mutex_lock (&self->lock);
  while (self->next == self->lines->len && !self->ended)
    g_cond_wait (&self->changed, &self->lock);
  if (self->next < self->lines->len)
    line = g_ptr_array_index (self->lines, self->next++);
  g_mutex_unlock (&self->lock);
  return line;
}

const char *
dc_test_process_wait_line (DcTestProcess *self, const char *substring)
{
  const char *line;

  while ((line = next_line (self)) != NULL)
    if (strstr (line, substring))
      return line;
  g_autofree char *output = dc_test_process_get_output (self);
  g_error ("The process ended without a line with \"%s\". It said:\n%s", substring, output);
}

void
dc_test_process_signal (DcTestProcess *self, int number)
{
  g_subprocess_send_signal (self->process, number);
}

/* The parent of @pid; 0 if there is none, or it has gone. */
static pid_t
get_parent (const char *pid)
{
  g_autofree char *path = g_build_filename ("/proc", pid, "stat", NULL), *content = NULL;
  const char *behind_name;
  int parent = 0;

  if (!g_file_get_contents (path, &content, NULL, NULL) || (behind_name = strrchr (content, ')')) == NULL)
    return 0;
  return sscanf (behind_name, ") %*c %d", &parent) == 1 ? parent : 0;
}

/* Stopped first, so that nobody sees another end and says goodbye. */
static void
stop_family (pid_t pid, GArray *family)
{
  g_autoptr (GDir) processes = g_dir_open ("/proc", 0, NULL);
  const char *name;

  kill (pid, SIGSTOP);
  g_array_append_val (family, pid);
  while ((name = g_dir_read_name (processes)) != NULL)
    if (g_ascii_isdigit (*name) && get_parent (name) == pid)
      stop_family ((pid_t) g_ascii_strtoll (name, NULL, 10), family);
}

void
dc_test_process_kill_all (DcTestProcess *self)
{
  const char *identifier = g_subprocess_get_identifier (self->process);
  g_autoptr (GArray) family = g_array_new (FALSE, FALSE, sizeof (pid_t));

  if (identifier == NULL)
    return;
  stop_family ((pid_t) g_ascii_strtoll (identifier, NULL, 10), family);
  for (guint i = 0; i < family->len; i++)
    kill (g_array_index (family, pid_t, i), SIGKILL);
}

/* Of what it, and all it has started, prints. */
static void
wait_for_end (DcTestProcess *self)
{
  g_mutex_lock (&self->lock);
  while (!self->ended)
    g_cond_wait (&self->changed, &self->lock);
  g_mutex_unlock (&self->lock);
}

int
dc_test_process_wait_exit (DcTestProcess *self)
{
  g_autoptr (GError) error = NULL;

  g_subprocess_wait (self->process, NULL, &error);
  g_assert_no_error (error);
  wait_for_end (self);
  return g_subprocess_get_if_exited (self->process) ? g_subprocess_get_exit_status (self->process)
                                                    : 128 + g_subprocess_get_term_sig (self->process);
}

char *
dc_test_process_get_output (DcTestProcess *self)
{
  GString *text = g_string_new (NULL);

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->lines->len; i++)
    g_string_append_printf (text, "%s\n", (const char *) g_ptr_array_index (self->lines, i));
  g_mutex_unlock (&self->lock);
  return g_string_free (text, FALSE);
}

void
dc_test_process_assert_exit (DcTestProcess *self, int status)
{
  int actual = dc_test_process_wait_exit (self);
  g_autofree char *output = dc_test_process_get_output (self);

  if (actual != status)
    g_error ("exit status %d and not %d. The process said:\n%s", actual, status, output);
}

void
dc_test_process_assert_said (DcTestProcess *self, const char *text)
{
  g_autofree char *output = dc_test_process_get_output (self);

  if (strstr (output, text) == NULL)
    g_error ("there is no \"%s\" in:\n%s", text, output);
}

void
dc_test_process_assert_not_said (DcTestProcess *self, const char *text)
{
  g_autofree char *output = dc_test_process_get_output (self);

  if (strstr (output, text) != NULL)
    g_error ("there is \"%s\" in:\n%s", text, output);
}

void
dc_test_process_write (DcTestProcess *self, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_output_stream_write_all (g_subprocess_get_stdin_pipe (self->process), text, strlen (text), NULL, NULL, &error);
  g_assert_no_error (error);
}

void
dc_test_process_end_input (DcTestProcess *self)
{
  g_output_stream_close (g_subprocess_get_stdin_pipe (self->process), NULL, NULL);
}

void
dc_test_process_free (DcTestProcess *self)
{
  g_subprocess_force_exit (self->process);
  g_subprocess_wait (self->process, NULL, NULL);
  g_cancellable_cancel (self->over);
  g_thread_join (self->reader);
  g_object_unref (self->over);
  g_object_unref (self->process);
  g_ptr_array_unref (self->lines);
  g_cond_clear (&self->changed);
  g_mutex_clear (&self->lock);
  g_free (self);
}
