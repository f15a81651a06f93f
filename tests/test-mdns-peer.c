/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-mdns-peer.c: a far side that hides its addresses behind names of multicast DNS, as browsers do, on a machine without Avahi. */
#include <string.h>
#include <unistd.h>

#include "plugins/peer/dc-peer.h"
#include "tests/harness/dc-test-mdns.h"
#include "tests/harness/dc-test-network.h"
#include "tests/harness/dc-test-peer.h"
#include "tests/harness/dc-test.h"

#define INTERFACE "mdns-test"
#define ADDRESS "10.77.0.1"
#define NAME "9b36eaac-bb79-4fe8-8df0-2f7d61e9ff33.local"
#define UNKNOWN_NAME "00000000-bb79-4fe8-8df0-2f7d61e9ff33.local"

static gboolean entered;

static void
answer (DcTestMdns *responder, guint n, GSocketAddress *from, gpointer user_data)
{
  dc_test_mdns_answer_group (responder);
}

/* Who answers does so beside the test, which waits. */
static gpointer
run_loop (gpointer loop)
{
  g_main_loop_run (loop);
  return NULL;
}

typedef struct {
  DcPeer *to;
  const char *name; /* what stands for our address; (nullable): it is told */
} Carrier;

static void
carry (DcPeer *from, const char *text, gboolean complete, gpointer user_data)
{
  const Carrier *carrier = user_data;
  g_auto (GStrv) parts = g_strsplit (text, " " ADDRESS " ", -1);
  g_autofree char *between = g_strdup_printf (" %s ", carrier->name != NULL ? carrier->name : ADDRESS);
  g_autofree char *hidden = g_strjoinv (between, parts);
  g_autoptr (GError) error = NULL;

  if (!complete)
    return;
  g_assert_cmpuint (g_strv_length (parts), >, 1);
  dc_peer_take_description (carrier->to, hidden, &error);
  g_assert_no_error (error);
}

/* With the one address of that interface. */
static DcPeer *
make_peer (DcRole role)
{
  return g_object_new (
      DC_TYPE_PEER, "signaling", "manual:", "role", role, "interface", INTERFACE, "connect-timeout", 30u, NULL);
}

typedef struct {
  DcTestPeer *alice, *bob; /* alice offers */
  Carrier to_bob, to_alice;
} Pair;

static void
pair_start (Pair *pair, const char *alices_name, const char *bobs_name)
{
  DcPeer *alice = make_peer (DC_ROLE_OFFERER), *bob = make_peer (DC_ROLE_ANSWERER);

  pair->to_bob = (Carrier){bob, alices_name};
  pair->to_alice = (Carrier){alice, bobs_name};
  g_signal_connect (alice, "description", G_CALLBACK (carry), &pair->to_bob);
  g_signal_connect (bob, "description", G_CALLBACK (carry), &pair->to_alice);
  pair->bob = dc_test_peer_start (bob);
  pair->alice = dc_test_peer_start (alice);
}

static void
pair_stop (Pair *pair)
{
  dc_test_peer_free (pair->alice);
  dc_test_peer_free (pair->bob);
}

static void
assert_resolved (DcTestPeer *peer)
{
  g_autoptr (GstStructure) candidate = NULL;

  dc_test_peer_look_back (peer);
  candidate = dc_test_peer_wait_event (peer, "remote-candidate");
  g_assert_cmpstr (gst_structure_get_string (candidate, "address"), ==, ADDRESS);
}

/* Both hide: each finds the other. */
static void
test_both_hidden (void)
{
  Pair pair;

  pair_start (&pair, NAME, NAME);
  g_autoptr (DcChannel) at_alice = dc_test_peer_wait_channel (pair.alice);
  g_autoptr (DcChannel) at_bob = dc_test_peer_wait_channel (pair.bob);
  dc_test_push_text (at_alice, "hello");
  dc_test_expect_text (at_bob, "hello");
  assert_resolved (pair.alice);
  assert_resolved (pair.bob);
  pair_stop (&pair);
}

/* A name that nobody knows costs nothing but that candidate: the other side's checks show its address. */
static void
test_unknown (void)
{
  Pair pair;

  pair_start (&pair, UNKNOWN_NAME, NULL);
  g_autoptr (GstStructure) candidate = dc_test_peer_wait_event (pair.bob, "remote-candidate");
  gboolean used = TRUE;
  g_assert_true (gst_structure_get_boolean (candidate, "used", &used) && !used);
  g_assert_nonnull (strstr (gst_structure_get_string (candidate, "reason"), "multicast DNS"));
  g_autoptr (DcChannel) at_alice = dc_test_peer_wait_channel (pair.alice);
  g_autoptr (DcChannel) at_bob = dc_test_peer_wait_channel (pair.bob);
  dc_test_push_text (at_alice, "hello");
  dc_test_expect_text (at_bob, "hello");
  pair_stop (&pair);
}

static void
test_in_network (gconstpointer data)
{
  void (*test) (void) = (void (*) (void)) data;
  int interface = entered ? dc_test_network_add (INTERFACE, ADDRESS) : -1;

  if (interface < 0) {
    g_test_skip ("this machine allows no network namespaces or TAP devices");
    return;
  }
  dc_test_watchdog_start (60);
  g_autoptr (DcTestMdns) responder = dc_test_mdns_new (INTERFACE, NAME, ADDRESS, answer, NULL);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  GThread *thread = g_thread_new ("responder", run_loop, loop);
  test ();
  g_main_loop_quit (loop);
  g_thread_join (thread);
  close (interface);
  dc_test_watchdog_stop ();
}

int
main (int argc, char **argv)
{
  entered = dc_test_network_enter ();
  dc_test_init (&argc, &argv);
  g_test_add_data_func ("/mdns-peer/both-hidden", test_both_hidden, test_in_network);
  g_test_add_data_func ("/mdns-peer/unknown", test_unknown, test_in_network);
  return g_test_run ();
}
