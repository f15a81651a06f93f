/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-netlab.c: the lab of two namespaces, as a program. */

/*
 * The commands in the lab are this program, called with the name of one of the helpers below. Where the machine allows no
 * lab (exit status 77), all cases that need one are skipped.
 */
#include "tests/harness/dc-test-process.h"
#include "tests/harness/dc-test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT 4000

static char *self_path;

/* ---- Helpers that run in the lab ---- */

static int
udp_socket (const char *bound)
{
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons (PORT)};
  int fd = socket (AF_INET, SOCK_DGRAM, 0);

  if (bound) {
    inet_pton (AF_INET, bound, &address.sin_addr);
    g_assert_no_errno (bind (fd, (struct sockaddr *) &address, sizeof address));
  }
  return fd;
}

static void
send_to_a (int fd, const char *text)
{
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons (PORT)};

  inet_pton (AF_INET, "10.99.0.1", &address.sin_addr);
  /* While the address changes there is no way there. */
  if (sendto (fd, text, strlen (text), 0, (struct sockaddr *) &address, sizeof address) < 0)
    g_assert_true (errno == ENETUNREACH || errno == EINVAL || errno == EADDRNOTAVAIL);
}

/* Answers with the address from which it was asked. */
static int
help_echo (void)
{
  int fd = udp_socket ("10.99.0.1");
  struct sockaddr_in from;
  socklen_t size = sizeof from;
  char text[64];

  puts ("ready");
  fflush (stdout);
  while (recvfrom (fd, text, sizeof text, 0, (struct sockaddr *) &from, &size) > 0) {
    inet_ntop (AF_INET, &from.sin_addr, text, sizeof text);
    sendto (fd, text, strlen (text), 0, (struct sockaddr *) &from, size);
  }
  return 1;
}

/* Asks until there is an answer; returns how long that took in ms. @answer: 64 bytes */
static double
ask (int fd, char *answer)
{
  gint64 begin = g_get_monotonic_time ();
  struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

  do
    send_to_a (fd, "?");
  while (poll (&poll_fd, 1, 20) == 0);
  gssize n = recv (fd, answer, 63, 0);
  g_assert_cmpint (n, >, 0);
  answer[n] = '\0';
  return (double) (g_get_monotonic_time () - begin) / 1000;
}

/* One question after the other, 20 ms of silence at most between them. Says each new answer, and each long wait. */
static int
help_ask (void)
{
  char last[64] = "", answer[64];
  int fd = udp_socket (NULL);

  while (fd >= 0) {
    double wait = ask (fd, answer);
    if (wait > 400)
      printf ("silence of %.0f ms\n", wait);
    if (!g_str_equal (answer, last))
      printf ("I am %s\n", answer);
    fflush (stdout);
    g_strlcpy (last, answer, sizeof last);
  }
  return 1;
}

/* The smallest of five round trips. */
static int
help_round_trip (void)
{
  char answer[64];
  int fd = udp_socket (NULL);
  double least = G_MAXDOUBLE;

  for (guint i = 0; i < 5; i++) {
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    gint64 begin = g_get_monotonic_time ();
    send_to_a (fd, "?");
    g_assert_cmpint (poll (&poll_fd, 1, 10000), ==, 1);
    g_assert_cmpint (recv (fd, answer, sizeof answer, 0), >, 0);
    least = MIN (least, (double) (g_get_monotonic_time () - begin) / 1000);
  }
  printf ("round trip %.1f ms\n", least);
  return 0;
}

/* 200 numbered packets, and then the end, until it is answered. */
static int
help_count (void)
{
  char answer[64];
  int fd = udp_socket (NULL);

  for (guint i = 0; i < 200; i++) {
    g_autofree char *text = g_strdup_printf ("%u", i);
    send_to_a (fd, text);
  }
  ask (fd, answer);
  return 0;
}

/* Prints which of them arrived. */
static int
help_list (void)
{
  int fd = udp_socket ("10.99.0.1");
  g_autoptr (GString) list = g_string_new ("got");
  struct sockaddr_in from;
  socklen_t size = sizeof from;
  char text[64];
  gssize n;

  puts ("ready");
  fflush (stdout);
  while ((n = recvfrom (fd, text, sizeof text - 1, 0, (struct sockaddr *) &from, &size)) > 0) {
    text[n] = '\0';
    if (!g_str_equal (text, "?")) {
      g_string_append_printf (list, " %s", text);
      continue;
    }
    puts (list->str);
    fflush (stdout);
    sendto (fd, text, (gsize) n, 0, (struct sockaddr *) &from, size);
  }
  return 1;
}

static const struct {
  const char *name;
  int (*func) (void);
} helpers[] = {{"echo", help_echo}, {"ask", help_ask}, {"round-trip", help_round_trip}, {"count", help_count},
    {"list", help_list}};

/* ---- The lab ---- */

static const char *
get_netlab (void)
{
  const char *path = g_getenv ("NETLAB");

  return path ? path : "netlab";
}

/* "SELF NAME", for a shell. */
static char *
helper (const char *name)
{
  g_autofree char *quoted = g_shell_quote (self_path);

  return g_strdup_printf ("exec %s %s", quoted, name);
}

static gboolean
is_lab_missing (void)
{
  static int missing = -1;

  if (missing < 0) {
    g_autoptr (DcTestProcess) process = dc_test_process_new (get_netlab (), "run", "--a", "true", NULL);
    missing = dc_test_process_wait_exit (process) == 77;
  }
  if (missing)
    g_test_skip ("this machine allows no network namespaces or TUN devices");
  return missing == 1;
}

static double
find_number (const char *line, const char *before)
{
  const char *place = strstr (line, before);

  g_assert_nonnull (place);
  return g_ascii_strtod (place + strlen (before), NULL);
}

static void
test_usage (void)
{
  static const struct {
    const char *option, *value, *says;
  } cases[] = {
      {"--a", NULL, "Missing argument"},
      {"--nonsense", NULL, "Unknown option"},
      {"word", NULL, "\"word\" stands alone"},
      {"--link", "delay fast", "delay takes a time"},
      {"--ab", "loss", "followed by nothing"},
      {"--schedule", "blackhole 3s", "a time and a colon"},
      {"--schedule", "1s: loss 90%; 2s: burst 2", "make the bursts longer"},
      {"--mtu", "500", "--mtu takes"},
      {"--timeout", "-1", "--timeout takes"},
      {"--ipv6", NULL, "nothing to run"},
      {"--daemon-a", "true", "nothing to run"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    gboolean rehearsed = strstr (cases[i].says, "bursts") != NULL; /* only where there is a lab */
    const char *argv[] = {
        get_netlab (), "run", cases[i].option, cases[i].value, rehearsed ? "--a" : NULL, "true", NULL};
    if (rehearsed && is_lab_missing ())
      return;
    g_autoptr (DcTestProcess) process = dc_test_process_newv (argv, NULL);
    dc_test_process_wait_line (process, cases[i].says);
    g_assert_cmpint (dc_test_process_wait_exit (process), ==, 2);
  }
}

static void
test_status (void)
{
  static const struct {
    const char *a, *b;
    int status;
    const char *says;
  } cases[] = {
      {"echo one", "echo two >&2", 0, "b1: two"},
      {"exit 3", "true", 1, "a1 ended after"},
      {"true", "kill -9 $$", 1, "with exit status 137"},
      {"printf unfinished", "true", 0, "a1: unfinished"},
      {"head -c 20000 /dev/zero | tr '\\0' x", "true", 0, "xxx"},
      {"test $NETLAB_A = 10.99.0.1", "test $NETLAB_B = 10.99.0.2 -a -z \"$NETLAB_B6\"", 0, "a1 ended after"},
  };

  if (is_lab_missing ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (DcTestProcess) process =
        dc_test_process_new (get_netlab (), "run", "--a", cases[i].a, "--b", cases[i].b, NULL);
    dc_test_process_wait_line (process, cases[i].says);
    g_assert_cmpint (dc_test_process_wait_exit (process), ==, cases[i].status);
  }
}

/* Nothing but the other side, and that in both directions late. */
static void
test_round_trip (void)
{
  g_autofree char *echo = helper ("echo"), *round_trip = helper ("round-trip");

  if (is_lab_missing ())
    return;
  g_autoptr (DcTestProcess) process = dc_test_process_new (
      get_netlab (), "run", "--link", "rtt 40ms", "--ba", "delay 60ms", "--daemon-a", echo, "--b", round_trip, NULL);
  const char *line = dc_test_process_wait_line (process, "b1: round trip");
  double ms = find_number (line, "round trip ");
  g_assert_cmpfloat (ms, >=, 80);
  g_assert_cmpfloat (ms, <, 80 + 100 * dc_test_get_slowness ());
  g_assert_cmpint (dc_test_process_wait_exit (process), ==, 0);
}

static char *
run_count (const char *seed)
{
  g_autofree char *list = helper ("list"), *count = helper ("count");
  g_autoptr (DcTestProcess) process = dc_test_process_new (
      get_netlab (), "run", "--link", "loss 20% duplicate 5%", "--seed", seed, "--daemon-a", list, "--b", count, NULL);
  const char *line = dc_test_process_wait_line (process, ": got");
  char *got = g_strdup (strstr (line, "got"));

  g_assert_cmpfloat (find_number (dc_test_process_wait_line (process, "b to a: "), "lost "), >, 20);
  dc_test_process_wait_exit (process);
  return got;
}

/* The same packets are hit whenever the same are sent, also in real time. */
static void
test_seed (void)
{
  if (is_lab_missing ())
    return;
  g_autofree char *one = run_count ("1"), *again = run_count ("1"), *other = run_count ("2");
  g_assert_cmpstr (one, ==, again);
  g_assert_cmpstr (one, !=, other);
  g_assert_cmpuint (strlen (one), >, 300);
}

static void
test_schedule (void)
{
  g_autofree char *echo = helper ("echo"), *ask_line = helper ("ask");

  if (is_lab_missing ())
    return;
  g_autoptr (DcTestProcess) process = dc_test_process_new (get_netlab (), "run", "--daemon-a", echo, "--b", ask_line,
      "--schedule", "1s: blackhole 700ms; 3s: address b 10.99.0.77", NULL);
  dc_test_process_wait_line (process, "b1: I am 10.99.0.2");
  dc_test_process_wait_line (process, "netlab: blackhole on");
  dc_test_process_wait_line (process, "netlab: blackhole off");
  g_assert_cmpfloat (find_number (dc_test_process_wait_line (process, "silence of "), "silence of "), >=, 600);
  dc_test_process_wait_line (process, "netlab: address b 10.99.0.77");
  dc_test_process_wait_line (process, "b1: I am 10.99.0.77");
  dc_test_process_signal (process, SIGTERM);
  g_assert_cmpint (dc_test_process_wait_exit (process), ==, 128 + SIGTERM);
}

static void
test_ipv6 (void)
{
  if (is_lab_missing ())
    return;
  if (!g_file_test ("/proc/net/if_inet6", G_FILE_TEST_EXISTS)) {
    g_test_skip ("this machine has no IPv6");
    return;
  }
  /* Removed, and given: programs see it as it is at any moment. */
  g_autoptr (DcTestProcess) process =
      dc_test_process_new (get_netlab (), "run", "--ipv6", "--schedule", "1s: address a fd99::7", "--a",
          "cat /proc/net/if_inet6; until grep ^fd99.*7 /proc/net/if_inet6; do :; done; echo $NETLAB_A6", NULL);
  dc_test_process_wait_line (process, "a1: fd990000000000000000000000000001");
  dc_test_process_wait_line (process, "a1: fd990000000000000000000000000007");
  dc_test_process_wait_line (process, "a1: fd99::1");
  g_assert_cmpint (dc_test_process_wait_exit (process), ==, 0);
}

static void
test_timeout (void)
{
  if (is_lab_missing ())
    return;
  g_autoptr (DcTestProcess) process = dc_test_process_new (get_netlab (), "run", "--timeout", "0.2", "--a",
      "trap '' TERM; echo deaf; while :; do sleep 100; done", "--b", "sleep 100", NULL);
  dc_test_process_wait_line (process, "a1: deaf");
  dc_test_process_wait_line (process, "the time of 0.2 s is over");
  g_assert_cmpint (dc_test_process_wait_exit (process), ==, 124);
}

/* ---- Nothing is left ---- */

/* Processes in the network namespace @name, "net:[...]". */
static guint
count_inhabitants (const char *name)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc", 0, NULL);
  guint count = 0;
  const char *entry;

  while ((entry = g_dir_read_name (dir))) {
    g_autofree char *path = g_build_filename ("/proc", entry, "ns/net", NULL);
    g_autofree char *there = g_file_read_link (path, NULL);
    count += g_strcmp0 (there, name) == 0;
  }
  return count;
}

/* A lab with processes of several kinds in it, one of which has left its session. */
static DcTestProcess *
start_crowd (char **namespace)
{
  static const char line[] = "trap '' HUP; setsid sleep 1000 & sleep 1000 & readlink /proc/self/ns/net; wait";
  DcTestProcess *process = dc_test_process_new (
      get_netlab (), "run", "--a", "sleep 1000", "--b", line, "--daemon-b", "echo up; sleep 1000", NULL);

  *namespace = g_strdup (strstr (dc_test_process_wait_line (process, "net:["), "net:["));
  return process;
}

static void
check_end (int number, int status)
{
  g_autofree char *namespace = NULL;

  if (is_lab_missing ())
    return;
  g_autoptr (DcTestProcess) process = start_crowd (&namespace);
  g_assert_cmpuint (count_inhabitants (namespace), >=, 3);
  dc_test_process_signal (process, number);
  g_assert_cmpint (dc_test_process_wait_exit (process), ==, status);
  /* We inherit what it left, see main(). */
  while (waitpid (-1, NULL, 0) > 0)
    continue;
  g_assert_cmpuint (count_inhabitants (namespace), ==, 0);
}

static void
test_killed (void)
{
  check_end (SIGKILL, 128 + SIGKILL);
}

static void
test_interrupted (void)
{
  check_end (SIGINT, 128 + SIGINT);
}

static void
test_hung_up (void)
{
  check_end (SIGHUP, 128 + SIGHUP);
}

/* Each with a watchdog. */
static void
run_case (gconstpointer data)
{
  dc_test_watchdog_start (30);
  ((void (*) (void)) data) ();
  dc_test_watchdog_stop ();
}

int
main (int argc, char **argv)
{
  for (guint i = 0; argc == 2 && i < G_N_ELEMENTS (helpers); i++)
    if (g_str_equal (argv[1], helpers[i].name))
      return helpers[i].func ();

  dc_test_init (&argc, &argv);
  prctl (PR_SET_CHILD_SUBREAPER, 1);
  self_path = g_file_read_link ("/proc/self/exe", NULL);
  g_test_add_data_func ("/netlab/usage", test_usage, run_case);
  g_test_add_data_func ("/netlab/status", test_status, run_case);
  g_test_add_data_func ("/netlab/round-trip", test_round_trip, run_case);
  g_test_add_data_func ("/netlab/seed", test_seed, run_case);
  g_test_add_data_func ("/netlab/schedule", test_schedule, run_case);
  g_test_add_data_func ("/netlab/ipv6", test_ipv6, run_case);
  g_test_add_data_func ("/netlab/timeout", test_timeout, run_case);
  g_test_add_data_func ("/netlab/killed", test_killed, run_case);
  g_test_add_data_func ("/netlab/interrupted", test_interrupted, run_case);
  g_test_add_data_func ("/netlab/hung-up", test_hung_up, run_case);
  int status = g_test_run ();
  g_free (self_path);
  return status;
}
