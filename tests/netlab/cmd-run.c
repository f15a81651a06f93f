/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cmd-run.c: netlab run and netlab shell. */
#include "tests/netlab/netlab.h"

int
netlab_run (int argc, char **argv)
{
  int status;
  g_autoptr (DcLabPlan) plan = netlab_plan_new ("run", argc, argv, &status);
  gboolean any = FALSE;

  if (!plan)
    return status;
  for (guint i = 0; i < plan->commands->len; i++)
    any = any || ((DcLabCommand *) g_ptr_array_index (plan->commands, i))->role == DC_LAB_MAIN;
  if (!any)
    return netlab_report_usage ("there is nothing to run; give at least one --a or --b");
  return dc_lab_run (plan);
}

/* A shell in a, which the lab lasts as long as. */
int
netlab_shell (int argc, char **argv)
{
  const char *shell = g_getenv ("SHELL");
  int status;
  g_autoptr (DcLabPlan) plan = netlab_plan_new ("shell", argc, argv, &status);
  g_autofree char *line = NULL;

  if (!plan)
    return status;
  line =
      g_strdup_printf ("echo \"This is a, $NETLAB_A. For b, $NETLAB_B: nsenter --net=\\$NETLAB_NS_B COMMAND\"; exec %s",
          shell ? shell : "/bin/sh");
  for (guint i = 0; i < plan->commands->len; i++)
    ((DcLabCommand *) g_ptr_array_index (plan->commands, i))->role = DC_LAB_DAEMON;
  netlab_plan_add (plan, DC_LAB_INTERACTIVE, 0, line);
  return dc_lab_run (plan);
}
