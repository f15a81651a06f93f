/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-peer.c: two real peers, a real daemon and real webrtcbins in one process. */
#include <string.h>

#include "plugins/peer/dc-peer.h"
#include "tests/harness/dc-test-daemon.h"
#include "tests/harness/dc-test-peer.h"
#include "tests/harness/dc-test.h"

#define WATCHDOG_S 60

typedef struct {
  DcTestDaemon *daemon;
  const char *url;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  dc_test_watchdog_start (WATCHDOG_S);
  fixture->daemon = dc_test_daemon_new (NULL);
  fixture->url = dc_test_daemon_get_url (fixture->daemon);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  dc_test_daemon_free (fixture->daemon);
  dc_test_watchdog_stop ();
}

static gpointer
finish_thread (gpointer channel)
{
  g_autoptr (GError) error = NULL;

  dc_channel_finish (channel, &error);
  g_assert_no_error (error);
  return NULL;
}

/* A few words each way, then both say that they are done. */
static void
talk (DcChannel *alice, DcChannel *bob)
{
  GThread *finishing[2];

  dc_test_push_text (alice, "hello bob");
  dc_test_expect_text (bob, "hello bob");
  dc_test_push_text (bob, "hello alice");
  dc_test_expect_text (alice, "hello alice");
  finishing[0] = g_thread_new ("finish", finish_thread, alice);
  finishing[1] = g_thread_new ("finish", finish_thread, bob);
  dc_test_expect_fin (alice);
  dc_test_expect_fin (bob);
  g_thread_join (finishing[0]);
  g_thread_join (finishing[1]);
}

static void
assert_closed_cleanly (DcTestPeer *peer)
{
  g_autoptr (GstStructure) closed = NULL;
  gboolean clean = FALSE;
  gdouble duration = 0;

  /* Calls that came to nothing, since the called one was busy, have no duration. */
  while (duration == 0) {
    g_clear_pointer (&closed, gst_structure_free);
    closed = dc_test_peer_wait_event (peer, "connection-closed");
    gst_structure_get_double (closed, "duration", &duration);
  }
  gst_structure_get_boolean (closed, "clean", &clean);
  if (!clean)
    g_error ("not closed cleanly: %s", gst_structure_get_string (closed, "reason"));
}

static void
meet_and_talk (DcTestPeer *alice, DcTestPeer *bob)
{
  g_autoptr (DcChannel) at_alice = dc_test_peer_wait_channel (alice);
  g_autoptr (DcChannel) at_bob = dc_test_peer_wait_channel (bob);

  talk (at_alice, at_bob);
  dc_channel_close (at_alice);
  assert_closed_cleanly (alice);
  assert_closed_cleanly (bob);
}

static void
test_answerer_first (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) bob = dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, NULL);
  g_autoptr (DcTestPeer) alice = NULL;

  gst_structure_free (dc_test_peer_wait_event (bob, "registered"));
  alice = dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, NULL);
  meet_and_talk (alice, bob);
}

static void
test_offerer_first (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) alice = dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, NULL);
  g_autoptr (DcTestPeer) bob = NULL;

  gst_structure_free (dc_test_peer_wait_event (alice, "registered"));
  bob = dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, NULL);
  meet_and_talk (alice, bob);
}

static void
test_at_once (Fixture *fixture, gconstpointer data)
{
  DcRole role = GPOINTER_TO_INT (data);

  for (guint i = 0; i < 5; i++) {
    g_autoptr (DcTestPeer) alice =
        dc_test_peer_new (fixture->url, "id", "alice", "role", role, "remote-peer", "bob", NULL);
    g_autoptr (DcTestPeer) bob =
        dc_test_peer_new (fixture->url, "id", "bob", "role", role, "remote-peer", "alice", NULL);
    meet_and_talk (alice, bob);
  }
}

/* What a person learns from: every step is told, in a sane order. */
static void
test_events (Fixture *fixture, gconstpointer data)
{
  static const char *const told[] = {"signaling-connecting", "registered", "calling", "local-description",
      "local-candidate", "local-candidates-done", "remote-description", "remote-candidate", "remote-candidates-done",
      "gathering-state", "ice-state", "dtls-state", "sctp-state", "identity", "selected-pair", "channel-open"};
  g_autoptr (DcTestPeer) bob = dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, NULL);
  g_autoptr (DcTestPeer) alice = dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, NULL);
  g_autoptr (GstStructure) candidate = dc_test_peer_wait_event (alice, "local-candidate");
  g_autoptr (GstStructure) identity = dc_test_peer_wait_event (alice, "identity");
  gboolean verified = FALSE;

  g_assert_true (gst_structure_has_field_typed (candidate, "t", G_TYPE_DOUBLE));
  g_assert_true (gst_structure_has_field_typed (candidate, "port", G_TYPE_UINT));
  g_assert_cmpstr (gst_structure_get_string (candidate, "type"), ==, "host");
  g_assert_cmpstr (gst_structure_get_string (candidate, "peer"), ==, "bob");
  gst_structure_get_boolean (identity, "verified", &verified);
  g_assert_true (verified);
  g_assert_cmpstr (
      gst_structure_get_string (identity, "expected"), ==, gst_structure_get_string (identity, "presented"));
  meet_and_talk (alice, bob);
  for (guint i = 0; i < G_N_ELEMENTS (told); i++)
    if (dc_test_peer_count_events (alice, told[i]) == 0)
      g_error ("the event %s was never told", told[i]);
  g_assert_cmpuint (dc_test_peer_count_events (bob, "called"), ==, 1);
  g_assert_cmpuint (dc_test_peer_count_events (bob, "remote-candidates-done"), ==, 1);
}

static void
test_serves_the_next (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) bob = dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, NULL);

  for (guint i = 0; i < 3; i++) {
    g_autoptr (DcTestPeer) alice = dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, NULL);
    meet_and_talk (alice, bob);
  }
}

/* A second caller is told, waits, and has its turn when the first has left. */
static void
test_busy (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) bob = dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, NULL);
  g_autoptr (DcTestPeer) alice = dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, NULL);
  g_autoptr (DcChannel) at_alice = dc_test_peer_wait_channel (alice);
  g_autoptr (DcChannel) at_bob = dc_test_peer_wait_channel (bob);
  g_autoptr (DcTestPeer) carol = dc_test_peer_new (fixture->url, "id", "carol", "role", DC_ROLE_OFFERER, NULL);

  gst_structure_free (dc_test_peer_wait_event_with (carol, "busy", "peer", "bob"));
  talk (at_alice, at_bob);
  dc_channel_close (at_alice);
  assert_closed_cleanly (bob);
  meet_and_talk (carol, bob);
}

static void
test_remote_peer (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) wrong = dc_test_peer_new (fixture->url, "id", "wrong", "role", DC_ROLE_ANSWERER, NULL);
  g_autoptr (GstStructure) registered = dc_test_peer_wait_event (wrong, "registered");
  g_autoptr (DcTestPeer) right = dc_test_peer_new (fixture->url, "id", "right", "role", DC_ROLE_ANSWERER, NULL);
  g_autoptr (DcTestPeer) alice =
      dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, "remote-peer", "right", NULL);

  meet_and_talk (alice, right);
  g_assert_cmpuint (dc_test_peer_count_events (wrong, "called"), ==, 0);
}

static void
test_nobody_comes (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) alice = dc_test_peer_new (fixture->url, "connect-timeout", 1u, "room", "empty", NULL);
  g_autoptr (GError) error = dc_test_peer_wait_failed (alice);
  g_autoptr (GError) waiting = NULL;

  g_assert_error (error, DC_ERROR, DC_ERROR_CONNECTION);
  g_assert_cmpstr (error->message, ==, "gave up after 1 s: no other peer came into room \"empty\"");
  g_assert_null (dc_peer_wait_channel (dc_test_peer_get (alice), NULL, &waiting));
  g_assert_error (waiting, DC_ERROR, DC_ERROR_CONNECTION);
}

static void
test_nobody_fits (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) bob = dc_test_peer_new (fixture->url, "mode", DC_MODE_RAW, NULL);
  g_autoptr (GstStructure) registered = dc_test_peer_wait_event (bob, "registered");
  g_autoptr (DcTestPeer) alice = dc_test_peer_new (fixture->url, "connect-timeout", 1u, NULL);
  g_autoptr (GError) error = dc_test_peer_wait_failed (alice);

  g_assert_error (error, DC_ERROR, DC_ERROR_CONNECTION);
  g_assert_nonnull (strstr (error->message, "another label, mode, direction or role"));
}

/* Whom many may reach is there for the next when all have gone, however late that one comes. */
static void
test_nobody_is_left (Fixture *fixture, gconstpointer data)
{
  guint seconds = 2 * dc_test_get_slowness ();
  g_autoptr (DcTestPeer) alice = NULL, lonely = NULL, carol = NULL;
  DcTestPeer *bob;

  alice = dc_test_peer_new (
      fixture->url, "id", "alice", "role", DC_ROLE_ANSWERER, "max-connections", 2u, "connect-timeout", seconds, NULL);
  bob = dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_OFFERER, NULL);
  meet_and_talk (alice, bob);
  dc_test_peer_free (bob);
  lonely = dc_test_peer_new (fixture->url, "room", "empty", "connect-timeout", seconds, NULL);
  g_error_free (dc_test_peer_wait_failed (lonely)); /* by now she would have given up */
  carol = dc_test_peer_new (fixture->url, "id", "carol", "role", DC_ROLE_OFFERER, NULL);
  meet_and_talk (alice, carol);
}

static void
test_dead_daemon (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) alice = NULL;
  g_autoptr (GError) error = NULL;

  dc_test_daemon_stop (fixture->daemon);
  alice = dc_test_peer_new (fixture->url, "connect-timeout", 1u, NULL);
  error = dc_test_peer_wait_failed (alice);
  g_assert_error (error, DC_ERROR, DC_ERROR_SIGNALING);
  g_assert_nonnull (strstr (error->message, "Connection refused"));
}

/* A server that was there and is gone is why nobody comes. */
static void
test_lost_daemon (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) alice = dc_test_peer_new (fixture->url, "connect-timeout", 2u, NULL);
  g_autoptr (GError) error = NULL;

  gst_structure_free (dc_test_peer_wait_event (alice, "registered"));
  dc_test_daemon_stop (fixture->daemon);
  error = dc_test_peer_wait_failed (alice);
  g_assert_error (error, DC_ERROR, DC_ERROR_SIGNALING);
}

static void
test_taken_id (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) first = dc_test_peer_new (fixture->url, "id", "alice", NULL);
  g_autoptr (GstStructure) registered = dc_test_peer_wait_event (first, "registered");
  g_autoptr (DcTestPeer) second = dc_test_peer_new (fixture->url, "id", "alice", NULL);
  g_autoptr (GError) error = dc_test_peer_wait_failed (second);

  g_assert_error (error, DC_ERROR, DC_ERROR_SIGNALING);
  g_assert_nonnull (strstr (error->message, "alice"));
}

static void
test_bad_usage (Fixture *fixture, gconstpointer data)
{
  static const char *const turns[] = {"turns://127.0.0.1:5349", NULL};
  static const struct {
    const char *property, *value, *hint;
  } cases[] = {
      {"signaling", "gopher://x", "gopher"},
      {"id", "not an id", "not an id"},
      {"room", "../etc", "../etc"},
      {"remote-peer", "a b", "a b"},
      {"stun-server", "turn:x", "\"turn:\""},
      {"tls-ca", "/nonexistent.pem", "/nonexistent.pem"},
      {"proxy", "gopher://h:1", "gopher://h:1"},
      {"port-range", "7", "\"7\""},
      {"secret", "", "the secret is empty"},
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (DcPeer) without_password = g_object_new (DC_TYPE_PEER, "turn-servers", turns, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) refused = NULL;
    g_autoptr (DcPeer) peer = g_object_new (DC_TYPE_PEER, cases[i].property, cases[i].value, NULL);
    g_assert_false (dc_peer_start (peer, &refused));
    g_assert_error (refused, DC_ERROR, DC_ERROR_USAGE);
    if (strstr (refused->message, cases[i].hint) == NULL)
      g_error ("%s=%s: the sentence does not name it: %s", cases[i].property, cases[i].value, refused->message);
  }
  g_assert_false (dc_peer_start (without_password, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_USAGE);
}

/* The channel does not need the daemon; when it is back, both are registered again and others find them. */
static void
test_daemon_restart (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) bob = dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, NULL);
  g_autoptr (DcTestPeer) alice = dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, NULL);
  g_autoptr (DcChannel) at_alice = dc_test_peer_wait_channel (alice);
  g_autoptr (DcChannel) at_bob = dc_test_peer_wait_channel (bob);

  gst_structure_free (dc_test_peer_wait_event (alice, "registered"));
  gst_structure_free (dc_test_peer_wait_event (bob, "registered"));
  dc_test_daemon_stop (fixture->daemon);
  gst_structure_free (dc_test_peer_wait_event (alice, "signaling-lost"));
  gst_structure_free (dc_test_peer_wait_event (bob, "signaling-lost"));
  dc_test_push_text (at_alice, "still here");
  dc_test_expect_text (at_bob, "still here");
  dc_test_daemon_start (fixture->daemon);
  gst_structure_free (dc_test_peer_wait_event (alice, "registered"));
  gst_structure_free (dc_test_peer_wait_event (bob, "registered"));
  talk (at_alice, at_bob);
  dc_channel_close (at_bob);
  assert_closed_cleanly (alice);
  assert_closed_cleanly (bob);
}

/* All ports that may be used are taken: that is said at once, and not after the time limit. */
static void
test_port_range_taken (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) taken = g_ptr_array_new_with_free_func (g_object_unref);
  guint16 port = 0;
  static const char *const loopback[] = {"127.0.0.1", "::1"};
  for (guint i = 0; i < G_N_ELEMENTS (loopback); i++) {
    g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string (loopback[i], port), bound = NULL;
    GSocket *socket =
        g_socket_new (g_socket_address_get_family (address), G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, NULL);
    g_ptr_array_add (taken, socket);
    if (!g_socket_bind (socket, address, FALSE, NULL))
      continue; /* there is no IPv6, or somebody else has it */
    bound = g_socket_get_local_address (socket, NULL);
    port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  }
  g_autofree char *range = g_strdup_printf ("%u-%u", port, port);
  g_autoptr (DcTestPeer) bob = dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, NULL);
  g_autoptr (DcTestPeer) alice = dc_test_peer_new (
      fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, "interface", "lo", "port-range", range, NULL);
  g_autoptr (GstStructure) closed = dc_test_peer_wait_event (alice, "connection-closed");

  g_assert_nonnull (strstr (gst_structure_get_string (closed, "reason"), "is free; name a wider range (--port-range)"));
}

/* What came for a peer that was still choosing its STUN server is of no use when the daemon has forgotten all. */
static void
test_daemon_restart_while_choosing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSocket) silent = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, NULL);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new_from_string ("127.0.0.1", 0), bound = NULL;
  g_assert_true (g_socket_bind (silent, any, FALSE, NULL));
  bound = g_socket_get_local_address (silent, NULL);
  guint16 port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  g_autofree char *servers = g_strdup_printf ("stun://127.0.0.1:%u stun://localhost:%u", port, port);
  g_autoptr (DcTestPeer) alice =
      dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_ANSWERER, "stun-server", servers, NULL);
  g_autoptr (GstStructure) called = NULL;

  gst_structure_free (dc_test_peer_wait_event (alice, "registered"));
  g_autoptr (DcTestPeer) bob = dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_OFFERER, NULL);
  gst_structure_free (dc_test_peer_wait_event (bob, "local-description"));
  g_clear_pointer (&bob, dc_test_peer_free);
  dc_test_daemon_stop (fixture->daemon);
  dc_test_daemon_start (fixture->daemon);
  gst_structure_free (dc_test_peer_wait_event (alice, "registered"));
  if (dc_test_peer_count_events (alice, "stun-failed") > 0) {
    g_test_skip ("this machine is too slow: the STUN server was chosen before the daemon was there again");
    return;
  }
  g_autoptr (DcTestPeer) carol =
      dc_test_peer_new (fixture->url, "id", "carol", "role", DC_ROLE_OFFERER, "label", "data", NULL);
  g_autoptr (DcChannel) at_alice = dc_test_peer_wait_channel (alice);
  called = dc_test_peer_wait_event (alice, "called");
  g_assert_cmpstr (gst_structure_get_string (called, "peer"), ==, "carol");
  /* None has answered. */
  g_assert_cmpuint (dc_test_peer_count_events (alice, "stun-chosen"), ==, 0);
}

static void
test_abort (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) bob = dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, NULL);
  g_autoptr (DcTestPeer) alice = dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, NULL);
  g_autoptr (DcChannel) at_alice = dc_test_peer_wait_channel (alice);
  g_autoptr (DcChannel) at_bob = dc_test_peer_wait_channel (bob);
  g_autoptr (GError) error = NULL;

  dc_test_push_text (at_alice, "the first of many");
  dc_test_expect_text (at_bob, "the first of many");
  dc_channel_abort (at_alice, "the user pressed Ctrl-C");
  g_assert_null (dc_channel_pull (at_bob, 0, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_PEER_GONE);
  g_assert_nonnull (strstr (error->message, "the user pressed Ctrl-C"));
}

/* Whoever reads slowly must not have to read it all before the error comes. */
static void
test_abort_slow_reader (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) bob = dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, NULL);
  g_autoptr (DcTestPeer) alice = dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, NULL);
  g_autoptr (DcChannel) at_alice = dc_test_peer_wait_channel (alice);
  g_autoptr (DcChannel) at_bob = dc_test_peer_wait_channel (bob);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 20; i++)
    dc_test_push_text (at_alice, "not read yet");
  dc_test_expect_text (at_bob, "not read yet");
  dc_channel_abort (at_alice, "that is all");
  gst_structure_free (dc_test_peer_wait_event (bob, "connection-closed"));
  g_assert_null (dc_channel_pull (at_bob, 0, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_PEER_GONE);
}

/* Who meets once has left the room before anybody else could be kept waiting by him. */
static void
test_once (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) bob =
      dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, "once", TRUE, NULL);
  g_autoptr (DcTestPeer) alice = dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, NULL);

  meet_and_talk (alice, bob);
  gst_structure_free (dc_test_peer_wait_event_with (alice, "peer-left", "peer", "bob"));
}

static void
test_relay_without_turn (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) alice = dc_test_peer_new (fixture->url, "ice-transport-policy", DC_ICE_POLICY_RELAY, NULL);
  g_autoptr (GError) error = dc_test_peer_wait_failed (alice);
  g_autoptr (DcPeer) contradiction =
      g_object_new (DC_TYPE_PEER, "ice-transport-policy", DC_ICE_POLICY_RELAY, "use-turn", FALSE, NULL);
  g_autoptr (GError) refused = NULL;

  g_assert_error (error, DC_ERROR, DC_ERROR_CONNECTION);
  g_assert_nonnull (strstr (error->message, "TURN server"));
  g_assert_false (dc_peer_start (contradiction, &refused));
  g_assert_error (refused, DC_ERROR, DC_ERROR_USAGE);
}

/* Stopping without a word of the application's is told to the far side too. */
static void
test_stop_in_call (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) bob = dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, NULL);
  g_autoptr (DcTestPeer) alice = dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, NULL);
  g_autoptr (DcChannel) at_bob = dc_test_peer_wait_channel (bob);
  g_autoptr (GError) error = NULL;

  g_object_unref (dc_test_peer_wait_channel (alice));
  g_clear_pointer (&alice, dc_test_peer_free);
  g_assert_null (dc_channel_pull (at_bob, 0, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_PEER_GONE);
}

/* Any moment is a moment to stop. */
static void
test_stop_any_time (Fixture *fixture, gconstpointer data)
{
  static const char *const moments[] = {NULL, "signaling-connecting", "registered", "calling", "local-candidate",
      "remote-description", "ice-state", "dtls-state"};

  for (guint i = 0; i < G_N_ELEMENTS (moments); i++) {
    g_autoptr (DcTestPeer) bob = dc_test_peer_new (fixture->url, "role", DC_ROLE_ANSWERER, NULL);
    g_autoptr (DcTestPeer) alice = dc_test_peer_new (fixture->url, "role", DC_ROLE_OFFERER, NULL);
    if (moments[i] != NULL)
      gst_structure_free (dc_test_peer_wait_event (alice, moments[i]));
  }
}

static void
push_raw (DcChannel *channel, const void *bytes, gsize size, guint32 flags)
{
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_DATA);
  g_autoptr (GError) error = NULL;

  item->flags = flags;
  item->payload = g_bytes_new (bytes, size);
  dc_channel_push (channel, item, FALSE, &error);
  g_assert_no_error (error);
}

static void
expect_raw (DcChannel *channel, const void *bytes, gsize size, guint32 flags)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcLinkItem) item = dc_channel_pull (channel, 0, &error);
  gsize length = 0;
  const void *got;

  g_assert_no_error (error);
  got = item->payload != NULL ? g_bytes_get_data (item->payload, &length) : NULL;
  g_assert_cmpuint (item->flags, ==, flags);
  g_assert_cmpmem (got, length, bytes, size);
}

static void
test_raw (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) bob =
      dc_test_peer_new (fixture->url, "id", "bob", "mode", DC_MODE_RAW, "role", DC_ROLE_ANSWERER, NULL);
  g_autoptr (DcTestPeer) alice =
      dc_test_peer_new (fixture->url, "id", "alice", "mode", DC_MODE_RAW, "role", DC_ROLE_OFFERER, NULL);
  g_autoptr (DcChannel) at_alice = dc_test_peer_wait_channel (alice);
  g_autoptr (DcChannel) at_bob = dc_test_peer_wait_channel (bob);
  g_autofree char *large = g_malloc0 (65536);
  DcLinkItem *too_large = dc_link_item_new (DC_LINK_ITEM_DATA);
  const gsize limit = dc_channel_get_max_message_size (at_alice);
  g_autoptr (GError) error = NULL;

  push_raw (at_alice, "\0binary\0", 8, 0);
  push_raw (at_alice, "", 0, 0);
  push_raw (at_alice, "", 0, DC_LINK_FLAG_TEXT);
  push_raw (at_alice, "text", 4, DC_LINK_FLAG_TEXT);
  push_raw (at_alice, large, 65536, 0);
  expect_raw (at_bob, "\0binary\0", 8, 0);
  expect_raw (at_bob, "", 0, 0);
  expect_raw (at_bob, "", 0, DC_LINK_FLAG_TEXT);
  expect_raw (at_bob, "text", 4, DC_LINK_FLAG_TEXT);
  expect_raw (at_bob, large, 65536, 0);
  too_large->payload = g_bytes_new_take (g_malloc0 (limit + 1), limit + 1);
  g_assert_false (dc_channel_push (at_alice, too_large, FALSE, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_DATA);
  g_clear_error (&error);
  dc_channel_finish (at_alice, &error);
  g_assert_no_error (error);
  dc_channel_close (at_alice);
  dc_test_expect_fin (at_bob);
}

/* More than the window in both directions at once, to a side that reads late. */
static gpointer
push_many (gpointer channel)
{
  for (guint i = 0; i < 400; i++) {
    DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_DATA);
    g_autoptr (GError) error = NULL;
    g_autofree guint8 *bytes = g_malloc (50000);
    memset (bytes, (int) i, 50000);
    item->pts = i;
    item->payload = g_bytes_new_take (g_steal_pointer (&bytes), 50000);
    dc_channel_push (channel, item, FALSE, &error);
    g_assert_no_error (error);
  }
  return finish_thread (channel);
}

static gpointer
pull_many (gpointer channel)
{
  for (guint i = 0; i < 400; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (DcLinkItem) item = dc_channel_pull (channel, 0, &error);
    const guint8 *bytes;
    gsize size;
    g_assert_no_error (error);
    bytes = g_bytes_get_data (item->payload, &size);
    g_assert_cmpuint (item->pts, ==, i);
    g_assert_cmpuint (size, ==, 50000);
    g_assert_cmpuint (bytes[0], ==, i & 0xff);
    g_assert_cmpuint (bytes[size - 1], ==, i & 0xff);
  }
  dc_test_expect_fin (channel);
  return NULL;
}

static void
test_both_ways (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) bob = dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, NULL);
  g_autoptr (DcTestPeer) alice = dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, NULL);
  g_autoptr (DcChannel) at_alice = dc_test_peer_wait_channel (alice);
  g_autoptr (DcChannel) at_bob = dc_test_peer_wait_channel (bob);
  GThread *threads[] = {g_thread_new ("push", push_many, at_alice), g_thread_new ("push", push_many, at_bob),
      g_thread_new ("pull", pull_many, at_alice), g_thread_new ("pull", pull_many, at_bob)};

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

/* A sender may wait for credit, a reader for data: both must let go at once. */
static gpointer
push_until_stopped (gpointer channel)
{
  g_autoptr (GError) error = NULL;
  gboolean pushed = TRUE;

  while (pushed) {
    DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_DATA);
    item->payload = g_bytes_new_take (g_malloc0 (65536), 65536);
    pushed = dc_channel_push (channel, item, FALSE, &error);
  }
  return g_steal_pointer (&error);
}

static void
test_flushing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) bob = dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, NULL);
  g_autoptr (DcTestPeer) alice = dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, NULL);
  g_autoptr (DcChannel) at_alice = dc_test_peer_wait_channel (alice);
  g_autoptr (DcChannel) at_bob = dc_test_peer_wait_channel (bob);
  GThread *thread = g_thread_new ("push", push_until_stopped, at_alice);
  g_autoptr (GError) pushing = NULL, pulling = NULL;
  DcLinkStats stats;

  /* Nobody reads at bob's: the window fills and the sender waits. */
  do
    dc_channel_get_link_stats (at_alice, &stats);
  while (stats.in_flight_bytes + 65536 < stats.window_bytes);
  dc_channel_set_flushing (at_alice, DC_DIRECTION_BOTH, TRUE);
  pushing = g_thread_join (thread);
  g_assert_error (pushing, DC_ERROR, DC_ERROR_FLUSHING);
  g_assert_null (dc_channel_pull (at_alice, 0, &pulling));
  g_assert_error (pulling, DC_ERROR, DC_ERROR_FLUSHING);
  dc_channel_get_link_stats (at_bob, &stats);
  g_assert_cmpuint (stats.queued_bytes, <=, 4 * 1024 * 1024);
}

/* --- The fast path ------------------------------------------------------------------------------------------------------------------ */

/* Of all webrtcbins' elements of SCTP and DTLS that come: how many are ours. */
typedef struct {
  gint ours, stock; /* atomic */
} Parts;

static gboolean
count_part (GSignalInvocationHint *hint, guint n, const GValue *values, gpointer user_data)
{
  Parts *parts = user_data;
  GstElementFactory *factory = gst_element_get_factory (g_value_get_object (&values[2]));
  const char *type = G_OBJECT_TYPE_NAME (g_value_get_object (&values[2]));
  const char *name = factory != NULL ? GST_OBJECT_NAME (factory) : "";

  /* From the outermost bin alone. */
  if (!g_str_equal (G_OBJECT_TYPE_NAME (g_value_get_object (&values[0])), "GstWebRTCBin"))
    return TRUE;
  if (g_str_equal (name, "sctpenc") || g_str_equal (name, "sctpdec") || g_str_equal (name, "dtlsenc")
      || g_str_equal (name, "dtlsdec"))
    g_atomic_int_inc (
        g_str_has_prefix (type, "GstDc") || g_str_has_prefix (type, "DcSctp") ? &parts->ours : &parts->stock);
  return TRUE;
}

typedef struct {
  DcTestPeer *offerer, *answerer;
  DcChannel *channels[2];
} Pair;

static void
pair_clear (Pair *pair)
{
  g_clear_object (&pair->channels[0]);
  g_clear_object (&pair->channels[1]);
  g_clear_pointer (&pair->offerer, dc_test_peer_free);
  g_clear_pointer (&pair->answerer, dc_test_peer_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Pair, pair_clear)

static void
pair_open (Pair *pair, Fixture *fixture, const char *room, DcFast fast, DcFast other)
{
  pair->answerer = dc_test_peer_new (fixture->url, "room", room, "role", DC_ROLE_ANSWERER, "fast", fast, NULL);
  gst_structure_free (dc_test_peer_wait_event (pair->answerer, "registered"));
  pair->offerer = dc_test_peer_new (fixture->url, "room", room, "role", DC_ROLE_OFFERER, "fast", other, NULL);
  pair->channels[0] = dc_test_peer_wait_channel (pair->answerer);
  pair->channels[1] = dc_test_peer_wait_channel (pair->offerer);
}

/* It is told once DTLS is connected, which comes before any channel. */
static void
assert_told (DcTestPeer *peer, gboolean expected)
{
  g_autoptr (GstStructure) event = NULL;
  gboolean fast = FALSE;

  g_assert_cmpuint (dc_test_peer_count_events (peer, "transport"), ==, expected);
  dc_test_peer_look_back (peer);
  event = expected ? dc_test_peer_wait_event (peer, "transport") : NULL;
  g_assert_true (event == NULL || gst_structure_get_boolean (event, "fast", &fast));
  g_assert_true (fast == expected);
}

/* Each peer gets what it asked for, before, beside and after others that asked for something else; also from a far side that did. */
static void
test_fast_and_not (Fixture *fixture, gconstpointer data)
{
  Parts parts = {0};
  guint signal_id = g_signal_lookup ("deep-element-added", GST_TYPE_BIN);
  gulong hook = g_signal_add_emission_hook (signal_id, 0, count_part, &parts, NULL);
  g_auto (Pair) before = {0}, fast = {0}, after = {0}, mixed = {0};

  pair_open (&before, fixture, "before", DC_FAST_OFF, DC_FAST_OFF);
  g_assert_cmpint (parts.ours, ==, 0);
  g_assert_cmpint (parts.stock, ==, 8);
  pair_open (&fast, fixture, "fast", DC_FAST_AUTO, DC_FAST_AUTO);
  g_assert_cmpint (parts.ours, ==, 8);
  pair_open (&after, fixture, "after", DC_FAST_OFF, DC_FAST_OFF);
  pair_open (&mixed, fixture, "mixed", DC_FAST_OFF, DC_FAST_AUTO);
  g_assert_cmpint (parts.ours, ==, 12);
  g_assert_cmpint (parts.stock, ==, 20);
  assert_told (before.offerer, FALSE);
  assert_told (fast.offerer, TRUE);
  assert_told (fast.answerer, TRUE);
  assert_told (after.answerer, FALSE);
  assert_told (mixed.answerer, FALSE);
  assert_told (mixed.offerer, TRUE);
  talk (before.channels[0], before.channels[1]);
  talk (fast.channels[0], fast.channels[1]);
  talk (after.channels[0], after.channels[1]);
  talk (mixed.channels[0], mixed.channels[1]);
  g_signal_remove_emission_hook (signal_id, hook);
}

static void
test_fast_environment (void)
{
  if (g_test_subprocess ()) {
    g_setenv ("DC_FAST", "sometimes", TRUE);
    dc_fast_get_default ();
    return;
  }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*DC_FAST takes auto or off, not \"sometimes\"*");
  g_assert_true ((dc_fast_get_default () == DC_FAST_AUTO) == g_str_equal (g_getenv ("DC_FAST"), "auto"));
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
#define ADD(name, data, func) g_test_add ("/peer/" name, Fixture, data, set_up, func, tear_down)
  ADD ("answerer-first", NULL, test_answerer_first);
  ADD ("offerer-first", NULL, test_offerer_first);
  ADD ("at-once/auto", GINT_TO_POINTER (DC_ROLE_AUTO), test_at_once);
  ADD ("at-once/glare", GINT_TO_POINTER (DC_ROLE_OFFERER), test_at_once);
  ADD ("events", NULL, test_events);
  ADD ("serves-the-next", NULL, test_serves_the_next);
  ADD ("busy", NULL, test_busy);
  ADD ("remote-peer", NULL, test_remote_peer);
  ADD ("nobody-comes", NULL, test_nobody_comes);
  ADD ("nobody-fits", NULL, test_nobody_fits);
  ADD ("nobody-is-left", NULL, test_nobody_is_left);
  ADD ("dead-daemon", NULL, test_dead_daemon);
  ADD ("lost-daemon", NULL, test_lost_daemon);
  ADD ("taken-id", NULL, test_taken_id);
  ADD ("bad-usage", NULL, test_bad_usage);
  ADD ("daemon-restart", NULL, test_daemon_restart);
  ADD ("port-range-taken", NULL, test_port_range_taken);
  ADD ("daemon-restart-while-choosing", NULL, test_daemon_restart_while_choosing);
  ADD ("abort", NULL, test_abort);
  ADD ("abort-slow-reader", NULL, test_abort_slow_reader);
  ADD ("once", NULL, test_once);
  ADD ("relay-without-turn", NULL, test_relay_without_turn);
  ADD ("stop-in-call", NULL, test_stop_in_call);
  ADD ("stop-any-time", NULL, test_stop_any_time);
  ADD ("raw", NULL, test_raw);
  ADD ("both-ways", NULL, test_both_ways);
  ADD ("flushing", NULL, test_flushing);
  ADD ("fast/and-not", NULL, test_fast_and_not);
  g_test_add_func ("/peer/fast/environment", test_fast_environment);
  return g_test_run ();
}
