/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-identity.c: a man in the middle who swaps certificates is refused, whichever side he stands at. */
#include <glib/gstdio.h>
#include <string.h>

#include "plugins/peer/dc-peer.h"
#include "tests/harness/dc-test-cut.h"
#include "tests/harness/dc-test-daemon.h"
#include "tests/harness/dc-test-peer.h"
#include "tests/harness/dc-test-process.h"
#include "tests/harness/dc-test-proxy.h"
#include "tests/harness/dc-test-stranger.h"
#include "tests/harness/dc-test.h"

#define WATCHDOG_S 60
#define PROMISE "a=fingerprint:sha-256 "

typedef struct {
  DcTestDaemon *daemon;
  DcTestProxy *proxy;
  const char *direct_url;
  char *hostile_url;
} Fixture;

/* What is promised to the victim is another certificate than the one that it will see. */
static void
swap_certificate (guint8 *data, gsize length, gpointer user_data)
{
  guint8 *promise = memmem (data, length, PROMISE, strlen (PROMISE));

  if (promise != NULL && promise + strlen (PROMISE) < data + length) {
    guint8 *digit = promise + strlen (PROMISE);
    *digit = *digit == '0' ? '1' : '0';
  }
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  dc_test_watchdog_start (WATCHDOG_S);
  fixture->daemon = dc_test_daemon_new (NULL);
  fixture->direct_url = dc_test_daemon_get_url (fixture->daemon);
  fixture->proxy = dc_test_proxy_new (dc_test_daemon_get_port (fixture->daemon));
  fixture->hostile_url = dc_test_proxy_dup_url (fixture->proxy, "ws");
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  dc_test_proxy_free (fixture->proxy);
  dc_test_daemon_free (fixture->daemon);
  g_free (fixture->hostile_url);
  dc_test_watchdog_stop ();
}

static void
assert_refused (DcTestPeer *peer)
{
  g_autoptr (GstStructure) identity = dc_test_peer_wait_event (peer, "identity");
  gboolean verified = TRUE;

  gst_structure_get_boolean (identity, "verified", &verified);
  g_assert_false (verified);
  g_assert_cmpstr (
      gst_structure_get_string (identity, "expected"), !=, gst_structure_get_string (identity, "presented"));
}

static void
test_at_the_offerer (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) bob = NULL;
  g_autoptr (DcTestPeer) alice = NULL;
  g_autoptr (GError) error = NULL;

  dc_test_proxy_set_filter (fixture->proxy, swap_certificate, NULL);
  bob = dc_test_peer_new (fixture->direct_url, "id", "bob", "role", DC_ROLE_ANSWERER, NULL);
  alice = dc_test_peer_new (fixture->hostile_url, "id", "alice", "role", DC_ROLE_OFFERER, NULL);
  assert_refused (alice);
  error = dc_test_peer_wait_failed (alice);
  g_assert_error (error, DC_ERROR, DC_ERROR_IDENTITY);
  g_assert_cmpuint (dc_test_peer_count_events (alice, "channel-open"), ==, 0);
}

/* A waiting answerer turns him away and serves the next, who is honest. */
static void
test_at_the_answerer (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) bob = dc_test_peer_new (fixture->hostile_url, "id", "bob", "role", DC_ROLE_ANSWERER, NULL);
  g_autoptr (DcTestPeer) alice = NULL;
  g_autoptr (GstStructure) closed = NULL;
  g_autoptr (DcChannel) channel = NULL;
  gint code = 0;

  dc_test_proxy_set_filter (fixture->proxy, swap_certificate, NULL);
  alice = dc_test_peer_new (fixture->direct_url, "id", "alice", "role", DC_ROLE_OFFERER, NULL);
  assert_refused (bob);
  closed = dc_test_peer_wait_event (bob, "connection-closed");
  gst_structure_get_int (closed, "code", &code);
  g_assert_cmpint (code, ==, DC_ERROR_IDENTITY);
  g_assert_cmpuint (dc_test_peer_count_events (bob, "channel-open"), ==, 0);
  dc_test_proxy_set_filter (fixture->proxy, NULL, NULL);
  channel = dc_test_peer_wait_channel (alice);
  dc_channel_close (channel);
}

static void
test_command_line (Fixture *fixture, gconstpointer data)
{
  const char *dcpeer = g_getenv ("DCPEER");
  g_autoptr (DcTestProcess) answer = NULL, offer = NULL;

  dc_test_proxy_set_filter (fixture->proxy, swap_certificate, NULL);
  answer = dc_test_process_new (dcpeer, "answer", "--signaling", fixture->direct_url, "--id", "bob", NULL);
  dc_test_process_wait_line (answer, "registered");
  offer = dc_test_process_new (dcpeer, "offer", "--signaling", fixture->hostile_url, NULL);
  dc_test_process_wait_line (offer, "is not the one that signaling promised");
  g_assert_cmpint (dc_test_process_wait_exit (offer), ==, 5);
}

/* --- A secret ------------------------------------------------------------------------------------------------------------------- */

static DcTestPeer *
answerer (Fixture *fixture, const char *secret)
{
  DcTestPeer *bob =
      dc_test_peer_new (fixture->direct_url, "id", "bob", "role", DC_ROLE_ANSWERER, "secret", secret, NULL);

  gst_structure_free (dc_test_peer_wait_event (bob, "registered"));
  return bob;
}

static DcTestPeer *
offerer (Fixture *fixture, const char *secret)
{
  return dc_test_peer_new (fixture->direct_url, "id", "alice", "role", DC_ROLE_OFFERER, "secret", secret, NULL);
}

static void
test_same_secret (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) bob = answerer (fixture, "correct horse");
  g_autoptr (DcTestPeer) alice = offerer (fixture, "correct horse");
  g_autoptr (DcChannel) at_alice = dc_test_peer_wait_channel (alice), at_bob = dc_test_peer_wait_channel (bob);

  dc_test_push_text (at_alice, "hello");
  dc_test_expect_text (at_bob, "hello");
  gst_structure_free (dc_test_peer_wait_event_with (alice, "secret-proved", "peer", "bob"));
  gst_structure_free (dc_test_peer_wait_event_with (bob, "secret-proved", "peer", "alice"));
}

/* Each connection has certificates of its own to be sure of. */
static void
test_secret_resumed (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) bob = answerer (fixture, "correct horse");
  g_autoptr (DcTestPeer) alice = offerer (fixture, "correct horse");
  g_autoptr (DcChannel) at_alice = dc_test_peer_wait_channel (alice), at_bob = dc_test_peer_wait_channel (bob);

  dc_test_cut_set (TRUE);
  gst_structure_free (dc_test_peer_wait_event (alice, "connection-lost"));
  dc_test_cut_set (FALSE);
  gst_structure_free (dc_test_peer_wait_event (alice, "connection-resumed"));
  dc_test_push_text (at_alice, "still you");
  dc_test_expect_text (at_bob, "still you");
  g_assert_cmpuint (dc_test_peer_count_events (alice, "secret-proved"), ==, 2);
}

typedef struct {
  const char *path, *at_alice, *at_bob, *alice_says, *bob_says;
} Secrets;

static const Secrets secrets[] = {
    {"other", "correct horse", "battery staple", "has another secret than we", "has another secret than we"},
    {"only-caller", "correct horse", NULL, "it was given none", "wants a secret proved"},
    {"only-called", NULL, "correct horse", "wants a secret proved", "it was given none"},
};

/* The caller gives up; who was called turns it away, and waits for another. Nobody is handed a channel. */
static void
test_other_secret (Fixture *fixture, gconstpointer data)
{
  const Secrets *with = data;
  g_autoptr (DcTestPeer) bob = answerer (fixture, with->at_bob);
  g_autoptr (DcTestPeer) alice = offerer (fixture, with->at_alice);
  g_autoptr (GError) error = dc_test_peer_wait_failed (alice);
  g_autoptr (GstStructure) closed = dc_test_peer_wait_event (bob, "connection-closed");
  gint code = 0;

  g_assert_error (error, DC_ERROR, DC_ERROR_IDENTITY);
  g_assert_nonnull (strstr (error->message, with->alice_says));
  gst_structure_get_int (closed, "code", &code);
  g_assert_cmpint (code, ==, DC_ERROR_IDENTITY);
  g_assert_nonnull (strstr (gst_structure_get_string (closed, "reason"), with->bob_says));
  g_assert_cmpuint (dc_test_peer_count_events (alice, "secret-proved"), ==, 0);
}

/* One who owns the signaling server sits between: each of the two has a connection to him, with a certificate that the description promised,
 * and he carries over what they say. Alice is a process of her own, as all of a process have one certificate; his is bob's, then. */
typedef struct {
  DcTestDaemon *daemon; /* bob's; alice's is the fixture's */
  DcTestProcess *alice;
  DcTestPeer *bob;
  DcTestStranger *at_alice, *at_bob;
} Middle;

static void
middle_set_up (Middle *middle, Fixture *fixture, const char *secret)
{
  const char *const argv[] = {g_getenv ("DCPEER"), "answer", "--signaling", fixture->direct_url, "--id", "alice", NULL};
  g_autofree char *variable = g_strconcat ("DC_SECRET=", secret, NULL);
  const char *const environment[] = {variable, NULL};

  middle->daemon = dc_test_daemon_new (NULL);
  middle->at_alice = dc_test_stranger_new (fixture->direct_url, "alice", "data", DC_LINK_PROTOCOL);
  middle->at_bob = dc_test_stranger_new (dc_test_daemon_get_url (middle->daemon), "bob", "data", DC_LINK_PROTOCOL);
  middle->alice = dc_test_process_newv (argv, environment);
  middle->bob = dc_test_peer_new (
      dc_test_daemon_get_url (middle->daemon), "id", "bob", "role", DC_ROLE_ANSWERER, "secret", secret, NULL);
  dc_test_stranger_wait_open (middle->at_alice);
  dc_test_stranger_wait_open (middle->at_bob);
  dc_test_stranger_relay (middle->at_alice, middle->at_bob);
}

static void
middle_tear_down (Middle *middle)
{
  dc_test_stranger_free (middle->at_alice);
  dc_test_stranger_free (middle->at_bob);
  dc_test_peer_free (middle->bob);
  dc_test_process_free (middle->alice);
  dc_test_daemon_free (middle->daemon);
}

/* Without a secret nobody sees him. */
static void
test_middle_unseen (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannel) at_bob = NULL;
  Middle middle;

  middle_set_up (&middle, fixture, NULL);
  at_bob = dc_test_peer_wait_channel (middle.bob);
  dc_test_push_text (at_bob, "for you only");
  dc_test_process_wait_line (middle.alice, "for you only");
  middle_tear_down (&middle);
}

static void
test_middle_seen (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GstStructure) closed = NULL;
  gint code = 0;
  Middle middle;

  middle_set_up (&middle, fixture, "correct horse");
  dc_test_process_wait_line (middle.alice, "somebody sits between");
  closed = dc_test_peer_wait_event (middle.bob, "connection-closed");
  gst_structure_get_int (closed, "code", &code);
  g_assert_cmpint (code, ==, DC_ERROR_IDENTITY);
  g_assert_nonnull (strstr (gst_structure_get_string (closed, "reason"), "somebody sits between"));
  g_assert_cmpuint (dc_test_peer_count_events (middle.bob, "secret-proved"), ==, 0);
  middle_tear_down (&middle);
}

static void
test_secret_command_line (Fixture *fixture, gconstpointer data)
{
  const char *dcpeer = g_getenv ("DCPEER");
  const char *const answer_argv[] = {dcpeer, "answer", "--signaling", fixture->direct_url, "--id", "bob", NULL};
  const char *const offer_argv[] = {dcpeer, "offer", "--signaling", fixture->direct_url, "-n", "3", NULL};
  static const char *const ours[] = {"DC_SECRET=correct horse", NULL}, *const other[] = {"DC_SECRET=staple", NULL};
  g_autoptr (DcTestProcess) answer = dc_test_process_newv (answer_argv, ours);
  g_autoptr (DcTestProcess) stranger = NULL, friend = NULL;

  dc_test_process_wait_line (answer, "registered");
  stranger = dc_test_process_newv (offer_argv, other);
  dc_test_process_wait_line (stranger, "has another secret than we");
  g_assert_cmpint (dc_test_process_wait_exit (stranger), ==, 5);
  friend = dc_test_process_newv (offer_argv, ours);
  dc_test_process_wait_line (friend, "has proved that it knows the secret");
  g_assert_cmpint (dc_test_process_wait_exit (friend), ==, 0);
}

/* --- A certificate that is kept ------------------------------------------------------------------------------------------------- */

/* The fingerprint that bob shows to alice, who knows him by nothing else. (transfer full) */
static char *
show (Fixture *fixture, const char *certificate, DcFast fast)
{
  g_autoptr (DcTestPeer) bob = dc_test_peer_new (
      fixture->direct_url, "id", "bob", "role", DC_ROLE_ANSWERER, "certificate", certificate, "fast", fast, NULL);
  g_autoptr (DcTestPeer) alice = NULL;
  g_autoptr (GstStructure) identity = NULL;
  g_autoptr (DcChannel) channel = NULL;

  gst_structure_free (dc_test_peer_wait_event (bob, "registered"));
  alice = dc_test_peer_new (
      fixture->direct_url, "id", "alice", "role", DC_ROLE_OFFERER, "certificate", certificate, "fast", fast, NULL);
  identity = dc_test_peer_wait_event (alice, "identity");
  channel = dc_test_peer_wait_channel (alice);
  return g_strdup (gst_structure_get_string (identity, "presented"));
}

/* In each run, whoever's elements show it. */
static void
test_kept (Fixture *fixture, gconstpointer data)
{
  g_autofree char *directory = g_dir_make_tmp ("dc-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "own.pem", NULL);
  g_autofree char *first = show (fixture, path, DC_FAST_OFF), *second = show (fixture, path, DC_FAST_AUTO),
                  *third = show (fixture, path, DC_FAST_OFF), *none = show (fixture, NULL, DC_FAST_OFF),
                  *fast_none = show (fixture, NULL, DC_FAST_AUTO);
  GStatBuf status;

  g_assert_nonnull (first);
  g_assert_cmpstr (first, ==, second);
  g_assert_cmpstr (first, ==, third);
  g_assert_cmpstr (first, !=, none);
  g_assert_cmpstr (first, !=, fast_none);
  g_assert_cmpint (g_stat (path, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 0777, ==, 0600);
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (g_rmdir (directory), ==, 0); /* nothing else is left in it */
}

static void
assert_no_certificate (const char *path, const char *part)
{
  g_autoptr (DcPeer) peer = g_object_new (DC_TYPE_PEER, "certificate", path, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (dc_peer_start (peer, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_USAGE);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_nonnull (strstr (error->message, part));
}

static void
test_no_certificate (void)
{
  const char *dcpeer = g_getenv ("DCPEER");
  g_autofree char *directory = g_dir_make_tmp ("dc-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "own.pem", NULL),
                  *below = g_build_filename (path, "own.pem", NULL);
  g_autoptr (DcTestProcess) process = NULL;

  assert_no_certificate (directory, "cannot be read: Is a directory");
  assert_no_certificate ("/nonexistent/own.pem", "cannot be made: No such file or directory");
  assert_no_certificate ("/dev/zero", "cannot be read: File too large");
  g_assert_true (g_file_set_contents (path, "-----BEGIN CERTIFICATE-----\n", -1, NULL));
  assert_no_certificate (path, "is of no use: no certificate can be read");
  assert_no_certificate (below, "cannot be read: Not a directory");
  process = dc_test_process_new (dcpeer, "answer", "--certificate", path, NULL);
  dc_test_process_wait_line (process, "is of no use: no certificate can be read");
  g_assert_cmpint (dc_test_process_wait_exit (process), ==, 2);
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  dc_test_cut_init ();
  g_test_add ("/identity/at-the-offerer", Fixture, NULL, set_up, test_at_the_offerer, tear_down);
  g_test_add ("/identity/at-the-answerer", Fixture, NULL, set_up, test_at_the_answerer, tear_down);
  g_test_add ("/identity/command-line", Fixture, NULL, set_up, test_command_line, tear_down);
  g_test_add ("/identity/secret/same", Fixture, NULL, set_up, test_same_secret, tear_down);
  for (gsize i = 0; i < G_N_ELEMENTS (secrets); i++) {
    g_autofree char *path = g_strconcat ("/identity/secret/", secrets[i].path, NULL);
    g_test_add (path, Fixture, &secrets[i], set_up, test_other_secret, tear_down);
  }
  g_test_add ("/identity/secret/resumed", Fixture, NULL, set_up, test_secret_resumed, tear_down);
  g_test_add ("/identity/secret/middle-unseen", Fixture, NULL, set_up, test_middle_unseen, tear_down);
  g_test_add ("/identity/secret/middle-seen", Fixture, NULL, set_up, test_middle_seen, tear_down);
  g_test_add ("/identity/secret/command-line", Fixture, NULL, set_up, test_secret_command_line, tear_down);
  g_test_add ("/identity/certificate/kept", Fixture, NULL, set_up, test_kept, tear_down);
  g_test_add_func ("/identity/certificate/none", test_no_certificate);
  return g_test_run ();
}
