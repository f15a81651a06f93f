/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-identity.c: a man in the middle who swaps certificates is refused, whichever side he stands at. */
#include <string.h>

#include "plugins/peer/dc-peer.h"
#include "tests/harness/dc-test-daemon.h"
#include "tests/harness/dc-test-peer.h"
#include "tests/harness/dc-test-process.h"
#include "tests/harness/dc-test-proxy.h"
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

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  g_test_add ("/identity/at-the-offerer", Fixture, NULL, set_up, test_at_the_offerer, tear_down);
  g_test_add ("/identity/at-the-answerer", Fixture, NULL, set_up, test_at_the_answerer, tear_down);
  g_test_add ("/identity/command-line", Fixture, NULL, set_up, test_command_line, tear_down);
  return g_test_run ();
}
