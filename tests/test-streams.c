/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-streams.c: links on several associations; without the fast path, on one. */
#include <string.h>

#include "plugins/peer/dc-peer.h"
#include "tests/harness/dc-test-cut.h"
#include "tests/harness/dc-test-daemon.h"
#include "tests/harness/dc-test-peer.h"
#include "tests/harness/dc-test.h"

#define WATCHDOG_S 90
#define LARGEST 100000u

typedef struct {
  DcTestDaemon *daemon;
  DcTestPeer *alice, *bob;      /* alice calls */
  DcChannel *at_alice, *at_bob; /* (nullable) */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  dc_test_watchdog_start (WATCHDOG_S);
  dc_test_cut_set (FALSE);
  fixture->daemon = dc_test_daemon_new (NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  dc_test_cut_set (FALSE);
  g_clear_object (&fixture->at_alice);
  g_clear_object (&fixture->at_bob);
  g_clear_pointer (&fixture->alice, dc_test_peer_free);
  g_clear_pointer (&fixture->bob, dc_test_peer_free);
  dc_test_daemon_free (fixture->daemon);
  dc_test_watchdog_stop ();
}

static DcTestPeer *
start_peer (Fixture *fixture, const char *id, DcRole role, guint streams)
{
  DcPeer *peer =
      g_object_new (DC_TYPE_PEER, "signaling", dc_test_daemon_get_url (fixture->daemon), "id", id, "role", role, NULL);
  g_autoptr (DcChannelOptions) options = dc_channel_options_new (NULL);
  g_autoptr (GError) error = NULL;

  options->streams = streams;
  dc_peer_add_channel (peer, options, &error);
  g_assert_no_error (error);
  return dc_test_peer_start (peer);
}

static void
meet (Fixture *fixture, guint at_alice, guint at_bob)
{
  fixture->bob = start_peer (fixture, "bob", DC_ROLE_ANSWERER, at_bob);
  gst_structure_free (dc_test_peer_wait_event (fixture->bob, "registered"));
  fixture->alice = start_peer (fixture, "alice", DC_ROLE_OFFERER, at_alice);
  fixture->at_alice = dc_test_peer_wait_channel (fixture->alice);
  fixture->at_bob = dc_test_peer_wait_channel (fixture->bob);
}

static guint
get_streams (DcChannel *channel)
{
  g_autoptr (GstStructure) stats = dc_channel_dup_stats (channel);
  guint streams = 0;

  g_assert_true (gst_structure_get_uint (stats, "streams", &streams));
  return streams;
}

static guint
expected (guint streams)
{
  return g_strcmp0 (g_getenv ("DC_FAST"), "auto") == 0 ? streams : 1;
}

/* --- One direction: items of all sizes, with what both sides make of them -------------------------------------------------------- */

typedef struct {
  DcChannel *from, *to;
  GThread *sending, *receiving;
  GChecksum *sent, *received;
  gint n_received; /* atomic */
  gint stop;       /* atomic */
} Transfer;

static gpointer
send_thread (gpointer data)
{
  Transfer *transfer = data;
  g_autoptr (GRand) random = g_rand_new_with_seed (7);
  g_autoptr (GError) error = NULL;

  while (!g_atomic_int_get (&transfer->stop)) {
    DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_DATA);
    gsize size = (gsize) g_rand_int_range (random, 1, g_rand_int_range (random, 2, LARGEST));
    guint8 *bytes = g_malloc (size);

    memset (bytes, g_rand_int_range (random, 0, 256), size);
    g_checksum_update (transfer->sent, bytes, (gssize) size);
    item->payload = g_bytes_new_take (bytes, size);
    dc_channel_push (transfer->from, item, FALSE, &error);
    g_assert_no_error (error);
  }
  dc_channel_finish (transfer->from, &error);
  g_assert_no_error (error);
  return NULL;
}

static gpointer
receive_thread (gpointer data)
{
  Transfer *transfer = data;
  g_autoptr (GError) error = NULL;

  for (;;) {
    g_autoptr (DcLinkItem) item = dc_channel_pull (transfer->to, 0, &error);
    gsize size;
    const guint8 *bytes;

    g_assert_no_error (error);
    if (item->kind == DC_LINK_ITEM_FIN)
      break;
    bytes = g_bytes_get_data (item->payload, &size);
    g_checksum_update (transfer->received, bytes, (gssize) size);
    g_atomic_int_inc (&transfer->n_received);
  }
  dc_channel_accept_fin (transfer->to);
  return NULL;
}

static void
transfer_start (Transfer *transfer, DcChannel *from, DcChannel *to)
{
  *transfer = (Transfer){.from = from, .to = to};
  transfer->sent = g_checksum_new (G_CHECKSUM_SHA256);
  transfer->received = g_checksum_new (G_CHECKSUM_SHA256);
  transfer->sending = g_thread_new ("send", send_thread, transfer);
  transfer->receiving = g_thread_new ("receive", receive_thread, transfer);
}

static void
transfer_wait (Transfer *transfer, gint n)
{
  gint until = g_atomic_int_get (&transfer->n_received) + n;

  while (g_atomic_int_get (&transfer->n_received) < until)
    g_thread_yield ();
}

static void
transfer_stop (Transfer *transfer)
{
  g_atomic_int_set (&transfer->stop, TRUE);
  g_thread_join (transfer->sending);
  g_thread_join (transfer->receiving);
  g_assert_cmpstr (g_checksum_get_string (transfer->sent), ==, g_checksum_get_string (transfer->received));
  g_checksum_free (transfer->sent);
  g_checksum_free (transfer->received);
}

static void
wait_streams (DcChannel *channel, guint streams)
{
  while (get_streams (channel) != streams)
    g_thread_yield ();
}

/* What a person reads: so many times, the last time with that number. Without the fast path, nothing. */
static void
assert_told (DcTestPeer *peer, guint times, guint streams)
{
  guint count = 0;

  if (expected (streams) == 1)
    times = 0;
  dc_test_peer_look_back (peer);
  for (guint i = 0; i < times; i++) {
    g_autoptr (GstStructure) event = dc_test_peer_wait_event (peer, "streams");

    g_assert_true (gst_structure_get_uint (event, "count", &count));
    g_assert_cmpuint (count, ==, streams);
  }
  g_assert_cmpuint (dc_test_peer_count_events (peer, "streams"), ==, times);
}

/* --- Tests ------------------------------------------------------------------------------------------------------------------------ */

/* Both ways at once; each side has as many as both allow. */
static void
test_both_ways (Fixture *fixture, gconstpointer data)
{
  Transfer there, back;

  meet (fixture, 4, 3);
  transfer_start (&there, fixture->at_alice, fixture->at_bob);
  transfer_start (&back, fixture->at_bob, fixture->at_alice);
  transfer_wait (&there, 500);
  transfer_wait (&back, 500);
  wait_streams (fixture->at_alice, expected (3));
  wait_streams (fixture->at_bob, expected (3));
  transfer_wait (&there, 200);
  transfer_wait (&back, 200);
  transfer_stop (&there);
  transfer_stop (&back);
  assert_told (fixture->alice, 1, 3);
  assert_told (fixture->bob, 1, 3);
}

/* The connection is cut in the middle: the link goes on with another, which has as many again. */
static void
test_cut (Fixture *fixture, gconstpointer data)
{
  Transfer there;

  meet (fixture, 8, 8);
  transfer_start (&there, fixture->at_alice, fixture->at_bob);
  for (guint i = 0; i < 2; i++) {
    transfer_wait (&there, 500);
    wait_streams (fixture->at_alice, expected (8));
    dc_test_cut_set (TRUE);
    gst_structure_free (dc_test_peer_wait_event (fixture->alice, "connection-lost"));
    dc_test_cut_set (FALSE);
    gst_structure_free (dc_test_peer_wait_event (fixture->alice, "connection-resumed"));
    gst_structure_free (dc_test_peer_wait_event (fixture->bob, "connection-resumed"));
  }
  transfer_wait (&there, 500);
  wait_streams (fixture->at_alice, expected (8));
  transfer_stop (&there);
  assert_told (fixture->alice, 3, 8);
}

/* A far side that says nothing of lanes, as one that is older does, gets all on one. */
static void
test_far_side_has_one (Fixture *fixture, gconstpointer data)
{
  Transfer there;

  meet (fixture, 4, 1);
  transfer_start (&there, fixture->at_alice, fixture->at_bob);
  transfer_wait (&there, 1000);
  g_assert_cmpuint (get_streams (fixture->at_alice), ==, 1);
  transfer_stop (&there);
  assert_told (fixture->alice, 0, 1);
}

/* On a path without fault nobody wants more. */
static void
test_auto (Fixture *fixture, gconstpointer data)
{
  Transfer there;

  meet (fixture, DC_CHANNEL_STREAMS_AUTO, DC_CHANNEL_STREAMS_AUTO);
  transfer_start (&there, fixture->at_alice, fixture->at_bob);
  transfer_wait (&there, 1000);
  g_assert_cmpuint (get_streams (fixture->at_alice), ==, 1);
  transfer_stop (&there);
  assert_told (fixture->alice, 0, 1);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  dc_test_cut_init ();
  g_test_add ("/streams/both-ways", Fixture, NULL, set_up, test_both_ways, tear_down);
  g_test_add ("/streams/cut", Fixture, NULL, set_up, test_cut, tear_down);
  g_test_add ("/streams/far-side-has-one", Fixture, NULL, set_up, test_far_side_has_one, tear_down);
  g_test_add ("/streams/auto", Fixture, NULL, set_up, test_auto, tear_down);
  return g_test_run ();
}
