/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-peer.c: two real peers, a real daemon and real webrtcbins in one process. */
#include <agent.h>
#include <gst/webrtc/webrtc.h>
#include <string.h>

#include "tests/harness/dc-test-meeting.h"
#include "tests/harness/dc-test.h"

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

  dc_test_talk (at_alice, at_bob);
  dc_channel_close (at_alice);
  assert_closed_cleanly (alice);
  assert_closed_cleanly (bob);
}

static void
test_answerer_first (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) bob = dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, NULL);
  g_autoptr (DcTestPeer) alice = NULL;

  gst_structure_free (dc_test_peer_wait_event (bob, "registered"));
  alice = dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, NULL);
  meet_and_talk (alice, bob);
}

static void
test_offerer_first (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) alice = dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, NULL);
  g_autoptr (DcTestPeer) bob = NULL;

  gst_structure_free (dc_test_peer_wait_event (alice, "registered"));
  bob = dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, NULL);
  meet_and_talk (alice, bob);
}

static void
test_at_once (DcTestMeeting *fixture, gconstpointer data)
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
test_events (DcTestMeeting *fixture, gconstpointer data)
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

static gboolean
keep_ice (GSignalInvocationHint *hint, guint n, const GValue *values, gpointer ices)
{
  g_async_queue_push (ices, g_value_dup_object (&values[0]));
  return TRUE;
}

/* ICE may say more than once what is selected; a person reads it once. */
static void
test_same_pair (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (GAsyncQueue) ices = g_async_queue_new_full (g_object_unref);
  g_autoptr (GTypeClass) ice_class = g_type_class_ref (GST_TYPE_WEBRTC_ICE_TRANSPORT);
  guint signal_id = g_signal_lookup ("on-selected-candidate-pair-change", G_TYPE_FROM_CLASS (ice_class));
  guint told;
  gulong hook;

  hook = g_signal_add_emission_hook (
      signal_id, 0, keep_ice, g_async_queue_ref (ices), (GDestroyNotify) g_async_queue_unref);
  dc_test_meeting_meet (fixture, NULL, NULL);
  g_signal_remove_emission_hook (signal_id, hook);
  g_assert_cmpint (g_async_queue_length (ices), >=, 2);
  told = dc_test_peer_count_events (fixture->alice, "selected-pair");
  for (GObject *ice; (ice = g_async_queue_try_pop (ices)) != NULL; g_object_unref (ice))
    g_signal_emit (ice, signal_id, 0);
  dc_test_talk (fixture->at_alice, fixture->at_bob);
  g_assert_cmpuint (dc_test_peer_count_events (fixture->alice, "selected-pair"), ==, told);
}

typedef struct {
  GObject *agent;
  guint stream_id, component_id;
} Component;

static void
component_clear (gpointer data)
{
  g_object_unref (((Component *) data)->agent);
}

static gboolean
keep_component (GSignalInvocationHint *hint, guint n, const GValue *values, gpointer components)
{
  Component component = {g_value_dup_object (&values[0]), g_value_get_uint (&values[1]), g_value_get_uint (&values[2])};

  if (g_value_get_uint (&values[3]) == NICE_COMPONENT_STATE_READY)
    g_array_append_val (components, component);
  else
    component_clear (&component);
  return TRUE;
}

static void
wait_ice_state (DcTestPeer *peer, const char *state)
{
  gst_structure_free (dc_test_peer_wait_event_with (peer, "ice-state", "state", state));
}

/* libnice may tell a state that is over after the one that is. */
static void
test_state_told_late (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (GTypeClass) agent_class = g_type_class_ref (NICE_TYPE_AGENT);
  guint signal_id = g_signal_lookup ("component-state-changed", G_TYPE_FROM_CLASS (agent_class));
  g_autoptr (GArray) components = g_array_new (FALSE, FALSE, sizeof (Component));
  gulong hook;

  g_array_set_clear_func (components, component_clear);
  hook = g_signal_add_emission_hook (signal_id, 0, keep_component, components, NULL);
  dc_test_meeting_meet (fixture, NULL, NULL);
  wait_ice_state (fixture->alice, "completed");
  wait_ice_state (fixture->bob, "completed");
  g_signal_remove_emission_hook (signal_id, hook);
  for (guint i = 0; i < components->len; i++) {
    Component *component = &g_array_index (components, Component, i);
    g_signal_emit (
        component->agent, signal_id, 0, component->stream_id, component->component_id, NICE_COMPONENT_STATE_CONNECTING);
  }
  wait_ice_state (fixture->alice, "checking");
  wait_ice_state (fixture->bob, "checking");
  wait_ice_state (fixture->alice, "completed");
  wait_ice_state (fixture->bob, "completed");
  dc_test_talk (fixture->at_alice, fixture->at_bob);
}

static void
test_serves_the_next (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) bob = dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, NULL);

  for (guint i = 0; i < 3; i++) {
    g_autoptr (DcTestPeer) alice = dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, NULL);
    meet_and_talk (alice, bob);
  }
}

/* A second caller is told, waits, and has its turn when the first has left. */
static void
test_busy (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) bob = dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, NULL);
  g_autoptr (DcTestPeer) alice = dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, NULL);
  g_autoptr (DcChannel) at_alice = dc_test_peer_wait_channel (alice);
  g_autoptr (DcChannel) at_bob = dc_test_peer_wait_channel (bob);
  g_autoptr (DcTestPeer) carol = dc_test_peer_new (fixture->url, "id", "carol", "role", DC_ROLE_OFFERER, NULL);

  gst_structure_free (dc_test_peer_wait_event_with (carol, "busy", "peer", "bob"));
  dc_test_talk (at_alice, at_bob);
  dc_channel_close (at_alice);
  assert_closed_cleanly (bob);
  meet_and_talk (carol, bob);
}

static void
test_remote_peer (DcTestMeeting *fixture, gconstpointer data)
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
test_nobody_comes (DcTestMeeting *fixture, gconstpointer data)
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
test_nobody_fits (DcTestMeeting *fixture, gconstpointer data)
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
test_nobody_is_left (DcTestMeeting *fixture, gconstpointer data)
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
test_dead_daemon (DcTestMeeting *fixture, gconstpointer data)
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
test_lost_daemon (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) alice = dc_test_peer_new (fixture->url, "connect-timeout", 2u, NULL);
  g_autoptr (GError) error = NULL;

  gst_structure_free (dc_test_peer_wait_event (alice, "registered"));
  dc_test_daemon_stop (fixture->daemon);
  error = dc_test_peer_wait_failed (alice);
  g_assert_error (error, DC_ERROR, DC_ERROR_SIGNALING);
}

static void
test_taken_id (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) first = dc_test_peer_new (fixture->url, "id", "alice", NULL);
  g_autoptr (GstStructure) registered = dc_test_peer_wait_event (first, "registered");
  g_autoptr (DcTestPeer) second = dc_test_peer_new (fixture->url, "id", "alice", NULL);
  g_autoptr (GError) error = dc_test_peer_wait_failed (second);

  g_assert_error (error, DC_ERROR, DC_ERROR_SIGNALING);
  g_assert_nonnull (strstr (error->message, "alice"));
}

static void
test_bad_usage (DcTestMeeting *fixture, gconstpointer data)
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
test_daemon_restart (DcTestMeeting *fixture, gconstpointer data)
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
  dc_test_talk (at_alice, at_bob);
  dc_channel_close (at_bob);
  assert_closed_cleanly (alice);
  assert_closed_cleanly (bob);
}

/* All ports that may be used are taken: that is said at once, and not after the time limit. */
static void
test_port_range_taken (DcTestMeeting *fixture, gconstpointer data)
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
test_daemon_restart_while_choosing (DcTestMeeting *fixture, gconstpointer data)
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

/* Who meets once has left the room before anybody else could be kept waiting by him. */
static void
test_once (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) bob =
      dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, "once", TRUE, NULL);
  g_autoptr (DcTestPeer) alice = dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, NULL);

  meet_and_talk (alice, bob);
  gst_structure_free (dc_test_peer_wait_event_with (alice, "peer-left", "peer", "bob"));
}

static void
test_relay_without_turn (DcTestMeeting *fixture, gconstpointer data)
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
test_stop_in_call (DcTestMeeting *fixture, gconstpointer data)
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
test_stop_any_time (DcTestMeeting *fixture, gconstpointer data)
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

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  dc_test_meeting_add ("/peer/answerer-first", NULL, test_answerer_first);
  dc_test_meeting_add ("/peer/offerer-first", NULL, test_offerer_first);
  dc_test_meeting_add ("/peer/at-once/auto", GINT_TO_POINTER (DC_ROLE_AUTO), test_at_once);
  dc_test_meeting_add ("/peer/at-once/glare", GINT_TO_POINTER (DC_ROLE_OFFERER), test_at_once);
  dc_test_meeting_add ("/peer/events", NULL, test_events);
  dc_test_meeting_add ("/peer/same-pair", NULL, test_same_pair);
  dc_test_meeting_add ("/peer/state-told-late", NULL, test_state_told_late);
  dc_test_meeting_add ("/peer/serves-the-next", NULL, test_serves_the_next);
  dc_test_meeting_add ("/peer/busy", NULL, test_busy);
  dc_test_meeting_add ("/peer/remote-peer", NULL, test_remote_peer);
  dc_test_meeting_add ("/peer/nobody-comes", NULL, test_nobody_comes);
  dc_test_meeting_add ("/peer/nobody-fits", NULL, test_nobody_fits);
  dc_test_meeting_add ("/peer/nobody-is-left", NULL, test_nobody_is_left);
  dc_test_meeting_add ("/peer/dead-daemon", NULL, test_dead_daemon);
  dc_test_meeting_add ("/peer/lost-daemon", NULL, test_lost_daemon);
  dc_test_meeting_add ("/peer/taken-id", NULL, test_taken_id);
  dc_test_meeting_add ("/peer/bad-usage", NULL, test_bad_usage);
  dc_test_meeting_add ("/peer/daemon-restart", NULL, test_daemon_restart);
  dc_test_meeting_add ("/peer/port-range-taken", NULL, test_port_range_taken);
  dc_test_meeting_add ("/peer/daemon-restart-while-choosing", NULL, test_daemon_restart_while_choosing);
  dc_test_meeting_add ("/peer/once", NULL, test_once);
  dc_test_meeting_add ("/peer/relay-without-turn", NULL, test_relay_without_turn);
  dc_test_meeting_add ("/peer/stop-in-call", NULL, test_stop_in_call);
  dc_test_meeting_add ("/peer/stop-any-time", NULL, test_stop_any_time);
  return g_test_run ();
}
