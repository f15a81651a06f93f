/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-dcpeer.c: dcpeer, run as people run it. */
#include "tests/harness/dc-test-dcpeer.h"

#include <glib/gstdio.h>

#include "tests/harness/dc-test.h"

int
dc_test_dcpeer_run_tests (void)
{
  char *dir = dc_test_make_dir ();
  int status;

  g_unsetenv ("DC_SECRET");
  g_unsetenv ("DC_TOKEN");
  g_unsetenv ("SIGNALING_SERVER_ADDR");
  g_unsetenv ("SIGNALING_SERVER_PORT");
  g_assert_cmpint (g_chdir (dir), ==, 0);
  status = g_test_run ();
  g_assert_cmpint (g_chdir ("/"), ==, 0);
  dc_test_remove_dir (dir);
  return status;
}

const char *
dc_test_dcpeer_get_path (void)
{
  const char *path = g_getenv ("DCPEER");
  g_assert_nonnull (path);
  return path;
}

/* Those with a time limit of their own have none here, unless words give one: the test's watchdog knows how slow things may be. */
static gboolean
is_impatient (const char *command)
{
  return g_str_equal (command, "offer") || g_str_equal (command, "peers");
}

DcTestProcess *
dc_test_dcpeer_run (const char *words, const char *url)
{
  g_auto (GStrv) parts = g_strsplit (words, "%s", -1);
  g_autofree char *arguments_line = g_strjoinv (url != NULL ? url : "", parts);
  g_autofree char *line = g_strconcat ("dcpeer ", arguments_line, NULL);
  g_auto (GStrv) arguments = NULL;
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_assert_true (g_shell_parse_argv (line, NULL, &arguments, NULL));
  g_ptr_array_add (argv, (char *) dc_test_dcpeer_get_path ());
  for (char **argument = arguments + 1; *argument != NULL; argument++) {
    g_ptr_array_add (argv, *argument);
    if (argument == arguments + 1 && is_impatient (*argument)) {
      g_ptr_array_add (argv, "--timeout");
      g_ptr_array_add (argv, "0");
    }
  }
  g_ptr_array_add (argv, NULL);
  return dc_test_process_newv ((const char *const *) argv->pdata, NULL);
}

void
dc_test_dcpeer_assert_fails (const char *words, const char *url, int status, const char *sentence)
{
  g_test_message ("dcpeer %s", words);
  g_autoptr (DcTestProcess) process = dc_test_dcpeer_run (words, url);
  dc_test_process_assert_exit (process, status);
  dc_test_process_assert_said (process, "dcpeer: ");
  dc_test_process_assert_said (process, sentence);
}
