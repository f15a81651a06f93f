/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-dcpeer-fails.c: dcpeer when something goes wrong: exit statuses, sentences, and what the other side learns. */
#include <signal.h>

#include "tests/harness/dc-test-daemon.h"
#include "tests/harness/dc-test-dcpeer.h"
#include "tests/harness/dc-test.h"

static void
test_usage (void)
{
  dc_test_watchdog_start (60);
  dc_test_dcpeer_assert_fails ("", NULL, 2, "a command is missing: offer, answer or peers; see dcpeer --help");
  dc_test_dcpeer_assert_fails ("call", NULL, 2, "\"call\" is not a command");
  dc_test_dcpeer_assert_fails ("offer --frobnicate", NULL, 2, "--frobnicate; see dcpeer offer --help");
  dc_test_dcpeer_assert_fails ("answer extra", NULL, 2, "\"extra\" is one argument too many; see dcpeer answer --help");
  dc_test_dcpeer_assert_fails ("offer --count many", NULL, 2, "--count takes a whole number");
  dc_test_dcpeer_assert_fails ("offer --signaling gopher://127.0.0.1", NULL, 2, "gopher://");
  dc_test_dcpeer_assert_fails ("answer --signaling ws://127.0.0.1:99999", NULL, 2, "99999");
  dc_test_dcpeer_assert_fails ("peers --signaling gopher://127.0.0.1", NULL, 2, "gopher://");
  dc_test_dcpeer_assert_fails ("offer --room 'a b'", NULL, 2, "a b");
  dc_test_dcpeer_assert_fails ("offer --to 'a b'", NULL, 2, "a b");
  dc_test_dcpeer_assert_fails ("offer --turn-server http://u:secret@h", NULL, 2, "turn");
  g_autoptr (DcTestProcess) turn = dc_test_dcpeer_run ("offer --turn-server http://u:secret@h", NULL);
  dc_test_process_assert_exit (turn, 2);
  dc_test_process_assert_not_said (turn, "secret");
  g_autoptr (DcTestProcess) help = dc_test_dcpeer_run ("offer --help", NULL);
  dc_test_process_assert_exit (help, 0);
  dc_test_process_assert_said (help, "--ice-policy");
  dc_test_watchdog_stop ();
}

static void
test_dead_daemon (void)
{
  dc_test_watchdog_start (60);
  g_autoptr (DcTestDaemon) daemon = dc_test_daemon_new (NULL);
  g_autofree char *url = g_strdup (dc_test_daemon_get_url (daemon));
  dc_test_daemon_stop (daemon);
  dc_test_dcpeer_assert_fails ("offer -s %s --timeout 2", url, 3, "dcsignald");
  dc_test_dcpeer_assert_fails ("answer -s %s --timeout 2", url, 3, "dcsignald");
  dc_test_dcpeer_assert_fails ("peers -s %s --timeout 2", url, 3, "dcsignald");
  dc_test_watchdog_stop ();
}

static void
test_taken_id (void)
{
  dc_test_watchdog_start (60);
  g_autoptr (DcTestDaemon) daemon = dc_test_daemon_new (NULL);
  const char *url = dc_test_daemon_get_url (daemon);
  g_autoptr (DcTestProcess) answer = dc_test_dcpeer_run ("answer -s %s --id alice", url);
  dc_test_process_wait_line (answer, "registered");
  dc_test_dcpeer_assert_fails ("offer -s %s --id alice", url, 3, "alice");
  dc_test_process_signal (answer, SIGINT);
  dc_test_process_assert_exit (answer, 0);
  dc_test_watchdog_stop ();
}

static void
test_nobody_comes (void)
{
  dc_test_watchdog_start (60);
  g_autoptr (DcTestDaemon) daemon = dc_test_daemon_new (NULL);
  const char *url = dc_test_daemon_get_url (daemon);
  dc_test_dcpeer_assert_fails (
      "offer -s %s --room empty --timeout 1", url, 4, "no other peer came into room \"empty\"");
  dc_test_dcpeer_assert_fails (
      "answer -s %s --room empty --timeout 1", url, 4, "no other peer came into room \"empty\"");
  dc_test_dcpeer_assert_fails ("offer -s %s --room empty --to carol --timeout 1", url, 4, "carol");
  dc_test_watchdog_stop ();
}

/* A call that goes on until something happens to it. */
typedef struct {
  DcTestDaemon *daemon;
  DcTestProcess *answer, *offer;
} Call;

static void
begin_call (Call *call, const char *answer_words, const char *offer_words)
{
  dc_test_watchdog_start (60);
  call->daemon = dc_test_daemon_new (NULL);
  call->answer = dc_test_dcpeer_run (answer_words, dc_test_daemon_get_url (call->daemon));
  dc_test_process_wait_line (call->answer, "registered");
  call->offer = dc_test_dcpeer_run (offer_words, dc_test_daemon_get_url (call->daemon));
  dc_test_process_wait_line (call->offer, "received      #2");
  dc_test_process_wait_line (call->answer, "received      #2");
}

static void
end_call (Call *call)
{
  dc_test_process_free (call->offer);
  dc_test_process_free (call->answer);
  dc_test_daemon_free (call->daemon);
  dc_test_watchdog_stop ();
}

#define ENDLESS_ANSWER "answer -s %s --id alice --count 0 --interval 0.1"
#define ENDLESS_OFFER "offer -s %s --id bob --count 0 --interval 0.1"

static void
test_killed (void)
{
  Call call;
  begin_call (&call, ENDLESS_ANSWER, ENDLESS_OFFER " --resume-timeout 0");
  dc_test_process_signal (call.answer, SIGKILL);
  dc_test_process_assert_exit (call.offer, 6);
  dc_test_process_assert_said (call.offer, "dcpeer: ");
  dc_test_process_assert_said (call.offer, "alice");
  dc_test_process_assert_said (call.offer, "broken off with alice");
  end_call (&call);
}

/* He is looked for again, in vain. */
static void
test_killed_for_good (void)
{
  Call call;
  begin_call (&call, ENDLESS_ANSWER, ENDLESS_OFFER " --resume-timeout 1");
  dc_test_process_signal (call.answer, SIGKILL);
  dc_test_process_assert_exit (call.offer, 6);
  dc_test_process_assert_said (call.offer, "to alice is lost: ");
  dc_test_process_assert_said (call.offer, "did not come back");
  dc_test_process_assert_said (call.offer, "broken off with alice");
  end_call (&call);
}

/* A process that stands still for longer than the heartbeat allows, as on a laptop that sleeps, goes on afterwards. */
static void
test_frozen (void)
{
  Call call;
  begin_call (&call, "answer -s %s --id alice --once --count 70 --interval 0.1",
      "offer -s %s --id bob --count 70 --interval 0.1");
  dc_test_process_signal (call.answer, SIGSTOP);
  dc_test_process_wait_line (call.offer, "to alice is lost: ");
  dc_test_process_signal (call.answer, SIGCONT);
  dc_test_process_wait_line (call.offer, "to alice stands again");
  dc_test_process_wait_line (call.offer, "received      #70");
  dc_test_process_assert_exit (call.offer, 0);
  dc_test_process_assert_exit (call.answer, 0);
  dc_test_process_assert_said (call.answer, "received      #70");
  end_call (&call);
}

/* The offerer dies: a waiting answerer says so and serves the next. */
static void
test_answerer_survives (void)
{
  Call call;
  begin_call (&call, ENDLESS_ANSWER " --resume-timeout 0", ENDLESS_OFFER);
  dc_test_process_signal (call.offer, SIGKILL);
  dc_test_process_wait_line (call.answer, "dcpeer: ");
  g_autoptr (DcTestProcess) other =
      dc_test_dcpeer_run ("offer -s %s --id other --count 1 --timeout 40", dc_test_daemon_get_url (call.daemon));
  dc_test_process_wait_line (call.answer, "received      #1 from other");
  dc_test_process_signal (call.answer, SIGTERM);
  dc_test_process_assert_exit (call.answer, 143); /* in a call */
  dc_test_process_assert_exit (other, 6);
  end_call (&call);
}

static void
test_interrupted (void)
{
  Call call;
  begin_call (&call, "answer -s %s --id alice --once --count 0 --interval 0.1", ENDLESS_OFFER);
  dc_test_process_signal (call.offer, SIGINT);
  dc_test_process_assert_exit (call.offer, 130);
  dc_test_process_assert_exit (call.answer, 6);
  dc_test_process_assert_said (call.answer, "dcpeer: ");
  dc_test_process_assert_said (call.answer, "interrupted by the user");
  dc_test_process_assert_not_said (call.offer, "dcpeer: ");
  end_call (&call);
}

static void
test_interrupted_while_calling (void)
{
  dc_test_watchdog_start (60);
  g_autoptr (DcTestDaemon) daemon = dc_test_daemon_new (NULL);
  g_autoptr (DcTestProcess) offer = dc_test_dcpeer_run ("offer -s %s", dc_test_daemon_get_url (daemon));
  dc_test_process_wait_line (offer, "registered");
  dc_test_process_signal (offer, SIGTERM);
  dc_test_process_assert_exit (offer, 143);
  dc_test_watchdog_stop ();
}

static void
test_daemon_restarted (void)
{
  Call call;
  begin_call (&call, "answer -s %s --id alice --once --count 20 --interval 0.1",
      "offer -s %s --id bob --count 20 --interval 0.1");
  dc_test_daemon_stop (call.daemon);
  dc_test_process_wait_line (call.offer, "signaling     not connected: ");
  dc_test_daemon_start (call.daemon);
  dc_test_process_assert_exit (call.offer, 0);
  dc_test_process_assert_exit (call.answer, 0);
  dc_test_process_assert_said (call.offer, "done with alice: 20 sent");
  dc_test_process_assert_said (call.offer, "20 acknowledged, 20 received");
  end_call (&call);
}

/* Whoever reads our output goes away: we do too, without a word. */
static void
test_output_closed (void)
{
  dc_test_watchdog_start (60);
  g_autoptr (DcTestDaemon) daemon = dc_test_daemon_new (NULL);
  const char *url = dc_test_daemon_get_url (daemon);
  /* There is nothing more to be printed, either. */
  g_autoptr (DcTestProcess) shell = dc_test_process_new ("/bin/sh", "-c",
      "{ \"$DCPEER\" answer -s \"$0\" --id alice; echo \"status $?\" >&2; } | sed '/nobody else/q'", url, NULL);
  dc_test_process_assert_exit (shell, 0);
  dc_test_process_assert_said (shell, "status ");
  dc_test_process_assert_not_said (shell, "dcpeer: ");
  dc_test_watchdog_stop ();
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  g_test_add_func ("/dcpeer-fails/usage", test_usage);
  g_test_add_func ("/dcpeer-fails/dead-daemon", test_dead_daemon);
  g_test_add_func ("/dcpeer-fails/taken-id", test_taken_id);
  g_test_add_func ("/dcpeer-fails/nobody-comes", test_nobody_comes);
  g_test_add_func ("/dcpeer-fails/killed", test_killed);
  g_test_add_func ("/dcpeer-fails/killed-for-good", test_killed_for_good);
  g_test_add_func ("/dcpeer-fails/frozen", test_frozen);
  g_test_add_func ("/dcpeer-fails/answerer-survives", test_answerer_survives);
  g_test_add_func ("/dcpeer-fails/interrupted", test_interrupted);
  g_test_add_func ("/dcpeer-fails/interrupted-while-calling", test_interrupted_while_calling);
  g_test_add_func ("/dcpeer-fails/daemon-restarted", test_daemon_restarted);
  g_test_add_func ("/dcpeer-fails/output-closed", test_output_closed);
  return dc_test_dcpeer_run_tests ();
}
