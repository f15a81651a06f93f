/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cmd-speed.c: netlab speed: what one TCP connection gets through the link. */
#include "tests/netlab/netlab.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* The namespace is ours alone, so no port is taken. */
#define PORT 5001
#define SECONDS 5
#define DEFAULT_TIMEOUT 30

static guint8 buffer[256 * 1024];

static struct sockaddr_in
get_server_address (void)
{
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons (PORT)};
  const char *text = g_getenv ("NETLAB_A");

  inet_pton (AF_INET, text ? text : "127.0.0.1", &address.sin_addr);
  return address;
}

static int
fail (const char *what)
{
  g_printerr ("%s: %s\n", what, g_strerror (errno));
  return DC_LAB_EXIT_FAILED;
}

/* From the first byte to the last. */
static void
receive (int connection)
{
  guint64 total = 0;
  gint64 first = 0;

  for (gssize n; (n = read (connection, buffer, sizeof buffer)) > 0; total += (guint64) n)
    first = first ? first : g_get_monotonic_time ();
  double seconds = (double) (g_get_monotonic_time () - first) / G_USEC_PER_SEC;
  printf ("%.1f MB in %.2f s: %.1f Mbit/s\n", (double) total / 1e6, seconds, (double) total * 8 / seconds / 1e6);
  fflush (stdout);
}

/* -1: errno says why not. */
static int
open_listener (void)
{
  struct sockaddr_in address = get_server_address ();
  int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (bind (listener, (struct sockaddr *) &address, sizeof address) == 0 && listen (listener, 1) == 0)
    return listener;
  int number = errno;
  close (listener);
  errno = number;
  return -1;
}

int
netlab_speed_server (int argc, char **argv)
{
  int listener = open_listener ();

  if (listener < 0)
    return fail ("cannot listen");
  printf ("listening\n");
  fflush (stdout);
  /* Until the lab ends it. */
  for (int connection; (connection = accept (listener, NULL, NULL)) >= 0; close (connection))
    receive (connection);
  return fail ("cannot accept");
}

int
netlab_speed_client (int argc, char **argv)
{
  struct sockaddr_in address = get_server_address ();
  int connection = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (connect (connection, (struct sockaddr *) &address, sizeof address) != 0)
    return fail ("cannot connect");
  gint64 end = g_get_monotonic_time () + SECONDS * G_USEC_PER_SEC;
  while (g_get_monotonic_time () < end)
    if (write (connection, buffer, sizeof buffer) < 0)
      return fail ("cannot write");
  shutdown (connection, SHUT_WR);
  /* The server closes when it has all and has said so. */
  return read (connection, buffer, 1) == 0 ? DC_LAB_EXIT_DONE : fail ("the connection broke");
}

int
netlab_speed (int argc, char **argv)
{
  int status;
  g_autoptr (DcLabPlan) plan = netlab_plan_new ("speed", argc, argv, &status);
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);

  if (!plan || !program)
    return plan ? fail ("/proc/self/exe") : status;
  g_autofree char *quoted = g_shell_quote (program);
  g_autofree char *server = g_strconcat ("exec ", quoted, " speed-server", NULL);
  g_autofree char *client = g_strconcat ("exec ", quoted, " speed-client", NULL);
  if (plan->timeout == 0)
    plan->timeout = DEFAULT_TIMEOUT * DC_NETEM_S;
  netlab_plan_add (plan, DC_LAB_DAEMON, 0, server);
  netlab_plan_add (plan, DC_LAB_MAIN, 1, client);
  return dc_lab_run (plan);
}
