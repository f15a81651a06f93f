/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-resume.c: connections that are lost and made anew under channels that go on. */
#include <string.h>

#include "plugins/peer/dc-peer.h"
#include "tests/harness/dc-test-client.h"
#include "tests/harness/dc-test-cut.h"
#include "tests/harness/dc-test-daemon.h"
#include "tests/harness/dc-test-peer.h"
#include "tests/harness/dc-test-proxy.h"
#include "tests/harness/dc-test.h"

#define WATCHDOG_S 90
#define ITEM_SIZE 4096

typedef struct {
  DcTestDaemon *daemon;
  const char *url;
  DcTestPeer *alice, *bob;      /* alice calls */
  DcChannel *at_alice, *at_bob; /* (nullable) */
  /* How often the worker has told so; atomic. */
  gint suspended, resumed, statistics;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  dc_test_watchdog_start (WATCHDOG_S);
  dc_test_cut_set (FALSE);
  fixture->daemon = dc_test_daemon_new (NULL);
  fixture->url = dc_test_daemon_get_url (fixture->daemon);
}

static void
part (Fixture *fixture)
{
  g_clear_object (&fixture->at_alice);
  g_clear_object (&fixture->at_bob);
  g_clear_pointer (&fixture->alice, dc_test_peer_free);
  g_clear_pointer (&fixture->bob, dc_test_peer_free);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  dc_test_cut_set (FALSE);
  part (fixture);
  dc_test_daemon_free (fixture->daemon);
  dc_test_watchdog_stop ();
}

static void
wait_channels (Fixture *fixture)
{
  fixture->at_alice = dc_test_peer_wait_channel (fixture->alice);
  fixture->at_bob = dc_test_peer_wait_channel (fixture->bob);
}

static void
meet (Fixture *fixture, guint resume_timeout)
{
  fixture->bob =
      dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, "resume-timeout", resume_timeout, NULL);
  gst_structure_free (dc_test_peer_wait_event (fixture->bob, "registered"));
  fixture->alice =
      dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, "resume-timeout", resume_timeout, NULL);
  wait_channels (fixture);
}

/* --- Numbered items, one direction of a channel ------------------------------------------------------------------------------------ */

typedef struct {
  DcChannel *from, *to;
  GThread *sending, *receiving;
  gint stop;     /* atomic */
  gint sent;     /* atomic */
  gint received; /* atomic */
} Stream;

static gpointer
send_thread (gpointer data)
{
  Stream *stream = data;
  g_autoptr (GError) error = NULL;

  while (!g_atomic_int_get (&stream->stop)) {
    DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_DATA);
    item->offset = (guint64) g_atomic_int_add (&stream->sent, 1);
    item->payload = g_bytes_new_take (g_malloc0 (ITEM_SIZE), ITEM_SIZE);
    dc_channel_push (stream->from, item, FALSE, &error);
    g_assert_no_error (error);
  }
  dc_channel_finish (stream->from, &error);
  g_assert_no_error (error);
  return NULL;
}

static gpointer
receive_thread (gpointer data)
{
  Stream *stream = data;
  g_autoptr (GError) error = NULL;

  while (TRUE) {
    g_autoptr (DcLinkItem) item = dc_channel_pull (stream->to, 0, &error);
    g_assert_no_error (error);
    if (item->kind == DC_LINK_ITEM_FIN)
      break;
    g_assert_cmpuint (item->offset, ==, (guint64) g_atomic_int_add (&stream->received, 1));
    g_assert_cmpuint (g_bytes_get_size (item->payload), ==, ITEM_SIZE);
  }
  dc_channel_accept_fin (stream->to);
  return NULL;
}

static Stream *
stream_start (DcChannel *from, DcChannel *to)
{
  Stream *stream = g_new0 (Stream, 1);

  stream->from = from;
  stream->to = to;
  stream->sending = g_thread_new ("send", send_thread, stream);
  stream->receiving = g_thread_new ("receive", receive_thread, stream);
  return stream;
}

/* Waits until @n more have come. */
static void
stream_wait (Stream *stream, gint n)
{
  gint until = g_atomic_int_get (&stream->received) + n;

  while (g_atomic_int_get (&stream->received) < until)
    g_thread_yield ();
}

/* Everything that was sent has come, once and in order. */
static void
stream_stop (Stream *stream)
{
  g_atomic_int_set (&stream->stop, TRUE);
  g_thread_join (stream->sending);
  g_thread_join (stream->receiving);
  g_assert_cmpint (stream->sent, ==, stream->received);
  g_free (stream);
}

static void
wait_lost_and_resumed (DcTestPeer *peer)
{
  g_autoptr (GstStructure) lost = dc_test_peer_wait_event (peer, "connection-lost");
  g_autoptr (GstStructure) resumed = NULL;
  guint reconnects = 0;

  dc_test_cut_set (FALSE);
  resumed = dc_test_peer_wait_event (peer, "connection-resumed");
  gst_structure_get_uint (resumed, "reconnects", &reconnects);
  g_assert_cmpuint (reconnects, >, 0);
}

static void
on_count (gint *count)
{
  g_atomic_int_inc (count);
}

/* Two cuts in the middle of transfers in both directions. */
static void
test_cut (Fixture *fixture, gconstpointer data)
{
  Stream *there, *back;

  meet (fixture, 30);
  g_signal_connect_swapped (fixture->at_alice, "suspended", G_CALLBACK (on_count), &fixture->suspended);
  g_signal_connect_swapped (fixture->at_alice, "resumed", G_CALLBACK (on_count), &fixture->resumed);
  there = stream_start (fixture->at_alice, fixture->at_bob);
  back = stream_start (fixture->at_bob, fixture->at_alice);
  for (guint i = 0; i < 2; i++) {
    stream_wait (there, 500);
    stream_wait (back, 500);
    dc_test_cut_set (TRUE);
    wait_lost_and_resumed (fixture->alice);
    gst_structure_free (dc_test_peer_wait_event (fixture->bob, "connection-resumed"));
  }
  stream_wait (there, 500);
  stream_stop (there);
  stream_stop (back);
  g_assert_cmpint (g_atomic_int_get (&fixture->suspended), ==, 2);
  g_assert_cmpint (g_atomic_int_get (&fixture->resumed), ==, 2);
  g_assert_false (dc_channel_is_suspended (fixture->at_alice));
}

/* The server starts anew while the connection is lost. */
static void
test_daemon_restart (Fixture *fixture, gconstpointer data)
{
  Stream *there;

  meet (fixture, 60);
  there = stream_start (fixture->at_alice, fixture->at_bob);
  stream_wait (there, 500);
  dc_test_daemon_stop (fixture->daemon);
  stream_wait (there, 500); /* what is connected needs no server */
  dc_test_cut_set (TRUE);
  gst_structure_free (dc_test_peer_wait_event (fixture->alice, "connection-lost"));
  dc_test_daemon_start (fixture->daemon);
  dc_test_cut_set (FALSE);
  gst_structure_free (dc_test_peer_wait_event (fixture->alice, "connection-resumed"));
  stream_wait (there, 500);
  stream_stop (there);
}

/* Of what the server says: the byes, and those of them that give up one attempt and not all. */
typedef struct {
  gint all, lost; /* atomic */
} Byes;

static void
count_byes (guint8 *data, gsize length, gpointer user_data)
{
  Byes *byes = user_data;

  if (g_strstr_len ((const char *) data, (gssize) length, "\"bye\"") == NULL)
    return;
  g_atomic_int_inc (&byes->all);
  if (g_strstr_len ((const char *) data, (gssize) length, "\"lost\"") != NULL)
    g_atomic_int_inc (&byes->lost);
}

/* Bob's messages come through @proxy, and what it tells him is counted. */
static void
meet_through_proxy (Fixture *fixture, DcTestProxy *proxy, Byes *byes)
{
  g_autofree char *url = dc_test_proxy_dup_url (proxy, "ws");

  dc_test_proxy_set_filter (proxy, count_byes, byes);
  fixture->bob = dc_test_peer_new (url, "id", "bob", "role", DC_ROLE_ANSWERER, NULL);
  gst_structure_free (dc_test_peer_wait_event (fixture->bob, "registered"));
  fixture->alice = dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, NULL);
}

/* An attempt that is given up is no end for a far side whose channels may have resumed on it. */
static void
test_attempt_given_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestProxy) proxy = dc_test_proxy_new (dc_test_daemon_get_port (fixture->daemon));
  Byes byes = {0};

  meet_through_proxy (fixture, proxy, &byes);
  wait_channels (fixture);
  dc_test_cut_set (TRUE);
  gst_structure_free (dc_test_peer_wait_event (fixture->bob, "connection-lost"));
  gst_structure_free (dc_test_peer_wait_event (fixture->alice, "connection-lost"));
  dc_test_proxy_cut (proxy); /* that he is back has her call at once, and the earlier attempt is over */
  gst_structure_free (dc_test_peer_wait_event (fixture->alice, "peer-back"));
  while (g_atomic_int_get (&byes.all) == 0)
    g_thread_yield ();
  g_assert_cmpint (g_atomic_int_get (&byes.lost), ==, g_atomic_int_get (&byes.all));
  dc_test_cut_set (FALSE);
  gst_structure_free (dc_test_peer_wait_event (fixture->alice, "connection-resumed"));
  dc_test_push_text (fixture->at_alice, "again");
  dc_test_expect_text (fixture->at_bob, "again");
}

/* --- What a server has forgotten --------------------------------------------------------------------------------------------------- */

/* Alice calls, and the offer comes to bob, who is only a client. */
static DcMessage *
take_call (Fixture *fixture, DcTestClient *client)
{
  dc_test_client_register (client, DC_PEER_DEFAULT_ROOM, "bob");
  fixture->alice = dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, NULL);
  return dc_test_client_wait (client, DC_MESSAGE_OFFER);
}

/* Bob comes in earnest, and is called anew. */
static void
expect_new_call (Fixture *fixture)
{
  g_autoptr (GstStructure) closed = NULL;

  fixture->bob = dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, NULL);
  closed = dc_test_peer_wait_event (fixture->alice, "connection-closed");
  g_assert_nonnull (strstr (gst_structure_get_string (closed, "reason"), "has forgotten the call"));
  wait_channels (fixture);
  dc_test_push_text (fixture->at_alice, "again");
  dc_test_expect_text (fixture->at_bob, "again");
  g_assert_cmpuint (dc_test_peer_count_events (fixture->alice, "calling"), ==, 2);
}

/* The answer to an offer that is lost with the server will not come. */
static void
test_forgotten_offer (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestClient) client = dc_test_client_new (fixture->url, DC_TEST_WEBSOCKET, NULL);
  g_autoptr (DcMessage) offer = take_call (fixture, client);

  dc_test_daemon_stop (fixture->daemon);
  dc_test_client_cut (client);
  dc_test_daemon_start (fixture->daemon);
  expect_new_call (fixture);
}

/* Nor will the candidates of who has answered and come anew. */
static void
test_forgotten_candidates (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestClient) client = dc_test_client_new (fixture->url, DC_TEST_WEBSOCKET, NULL);
  g_autoptr (DcMessage) offer = take_call (fixture, client);
  g_autoptr (DcMessage) answer = dc_message_new (DC_MESSAGE_ANSWER);
  g_auto (GStrv) parts = g_strsplit (offer->sdp, "a=setup:actpass", 2);
  g_autofree char *text = NULL;

  answer->seq = 1;
  answer->to = g_strdup ("alice");
  answer->call = g_strdup (offer->call);
  answer->sdp = g_strjoinv ("a=setup:active", parts);
  text = dc_message_to_json (answer);
  dc_test_client_send_text (client, text);
  gst_structure_free (dc_test_peer_wait_event (fixture->alice, "remote-description"));
  dc_message_unref (dc_test_client_wait (client, DC_MESSAGE_END_OF_CANDIDATES));
  dc_test_client_send_text (client, "{\"type\":\"bye\",\"seq\":2}");
  gst_structure_free (dc_test_peer_wait_event (fixture->alice, "peer-left"));
  expect_new_call (fixture);
}

/* Nobody comes back: an error after the resume timeout, which says what happened. */
static void
test_timeout (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstStructure) closed = NULL;

  meet (fixture, 1);
  dc_test_cut_set (TRUE);
  g_assert_null (dc_channel_pull (fixture->at_alice, 0, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_PEER_GONE);
  g_assert_nonnull (strstr (error->message, "bob"));
  g_assert_cmpuint (dc_test_peer_count_events (fixture->alice, "connection-lost"), ==, 1);
  closed = dc_test_peer_wait_event (fixture->alice, "connection-closed");
  g_assert_cmpstr (gst_structure_get_string (closed, "reason"), ==, error->message);
}

/* Without a resume timeout the loss is the end. */
static void
test_no_resume (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  meet (fixture, 0);
  dc_test_cut_set (TRUE);
  g_assert_null (dc_channel_pull (fixture->at_alice, 0, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_PEER_GONE);
  g_assert_cmpuint (dc_test_peer_count_events (fixture->alice, "connection-lost"), ==, 0);
}

/* The application gives up while the connection is lost: the far side learns of it through the server. */
static void
test_abort_while_lost (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  meet (fixture, 60);
  dc_test_cut_set (TRUE);
  gst_structure_free (dc_test_peer_wait_event (fixture->bob, "connection-lost"));
  gst_structure_free (dc_test_peer_wait_event (fixture->alice, "connection-lost"));
  dc_channel_abort (fixture->at_alice, "enough is enough");
  g_assert_null (dc_channel_pull (fixture->at_bob, 0, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_PEER_GONE);
}

/* Who comes back is not the one that was lost: an error now, and what was not acknowledged is named. */
static void
test_other_comes_back (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  meet (fixture, 60);
  g_clear_object (&fixture->at_bob);
  dc_test_cut_set (TRUE);
  gst_structure_free (dc_test_peer_wait_event (fixture->alice, "connection-lost"));
  g_clear_pointer (&fixture->bob, dc_test_peer_free);
  dc_test_cut_set (FALSE);
  fixture->bob = dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, NULL);
  g_assert_null (dc_channel_pull (fixture->at_alice, 0, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_PEER_GONE);
}

/* --- After FIN ------------------------------------------------------------------------------------------------------------------- */

static void
pull_fin (DcChannel *channel)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcLinkItem) item = dc_channel_pull (channel, 0, &error);

  g_assert_no_error (error);
  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_FIN);
}

/* Alice has asked, and finished; the far side has all of it. */
static void
ask (Fixture *fixture)
{
  dc_test_push_text (fixture->at_alice, "a question");
  dc_channel_begin_finish (fixture->at_alice);
  dc_test_expect_text (fixture->at_bob, "a question");
  pull_fin (fixture->at_bob);
}

static void
finish (DcChannel *channel)
{
  g_autoptr (GError) error = NULL;

  dc_channel_finish (channel, &error);
  g_assert_no_error (error);
}

/* The cut comes between a question that is finished and acknowledged, and its answer. */
static void
test_half_closed (Fixture *fixture, gconstpointer data)
{
  meet (fixture, 30);
  ask (fixture);
  dc_channel_accept_fin (fixture->at_bob);
  finish (fixture->at_alice);
  dc_test_cut_set (TRUE);
  wait_lost_and_resumed (fixture->alice);
  dc_test_push_text (fixture->at_bob, "an answer");
  dc_test_expect_text (fixture->at_alice, "an answer");
}

/* Who gives a connection up for the next says no goodbye on it: it might be heard after all, and before the call, and end what is to go on. */
static void
test_no_goodbye (Fixture *fixture, gconstpointer data)
{
  guint before = dc_test_cut_count_alerts ();

  meet (fixture, 30);
  dc_test_cut_set (TRUE);
  wait_lost_and_resumed (fixture->alice);
  dc_test_push_text (fixture->at_bob, "an answer");
  dc_test_expect_text (fixture->at_alice, "an answer");
  part (fixture);
  g_assert_cmpuint (dc_test_cut_count_alerts (), <=, before + 2);
}

/* FIN-ACK is lost with the connection: it is said again, though nothing else is to be said. */
static void
test_lost_fin_ack (Fixture *fixture, gconstpointer data)
{
  meet (fixture, 30);
  ask (fixture);
  dc_test_cut_set (TRUE);
  dc_channel_accept_fin (fixture->at_bob);
  wait_lost_and_resumed (fixture->alice);
  finish (fixture->at_alice);
}

/* Nobody comes back to a channel on which nothing was under way: that is no fault, but only the resume timeout shows it. */
static void
test_clean_timeout (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GstStructure) closed = NULL;
  gboolean clean = FALSE;

  meet (fixture, 1);
  ask (fixture);
  dc_channel_accept_fin (fixture->at_bob);
  finish (fixture->at_alice);
  dc_test_cut_set (TRUE);
  closed = dc_test_peer_wait_event (fixture->bob, "connection-closed");
  gst_structure_get_boolean (closed, "clean", &clean);
  g_assert_true (clean);
  g_assert_cmpuint (dc_test_peer_count_events (fixture->bob, "connection-lost"), ==, 1);
}

/* --- Several channels, several remotes -------------------------------------------------------------------------------------------- */

static DcTestPeer *
new_peer_with_three (Fixture *fixture, const char *id, DcRole role)
{
  static const struct {
    const char *label;
    DcMode mode;
  } specs[] = {{"one", DC_MODE_LINK}, {"two", DC_MODE_LINK}, {"plain", DC_MODE_RAW}};
  DcPeer *peer = g_object_new (DC_TYPE_PEER, "signaling", fixture->url, "id", id, "role", role, NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (specs); i++) {
    g_autoptr (DcChannelOptions) options = dc_channel_options_new (specs[i].label);
    options->mode = specs[i].mode;
    dc_peer_add_channel (peer, options, &error);
    g_assert_no_error (error);
  }
  return dc_test_peer_start (peer);
}

static DcChannel *
wait_channel (DcTestPeer *peer, const char *label)
{
  g_autoptr (GError) error = NULL;
  DcChannel *channel = dc_peer_wait_channel (dc_test_peer_get (peer), label, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (dc_channel_get_label (channel), ==, label);
  return channel;
}

/* Of three channels on a connection that is lost two go on, and the raw one, which cannot, ends. */
static void
test_several_channels (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannel) one_a = NULL, two_a = NULL, plain_a = NULL, one_b = NULL, two_b = NULL, plain_b = NULL;
  g_autoptr (GError) error = NULL;
  Stream *one, *two;

  fixture->bob = new_peer_with_three (fixture, "bob", DC_ROLE_ANSWERER);
  gst_structure_free (dc_test_peer_wait_event (fixture->bob, "registered"));
  fixture->alice = new_peer_with_three (fixture, "alice", DC_ROLE_OFFERER);
  two_a = wait_channel (fixture->alice, "two");
  one_a = wait_channel (fixture->alice, "one");
  plain_a = wait_channel (fixture->alice, "plain");
  one_b = wait_channel (fixture->bob, "one");
  two_b = wait_channel (fixture->bob, "two");
  plain_b = wait_channel (fixture->bob, "plain");
  dc_test_push_text (plain_a, "no frames here");
  dc_test_expect_text (plain_b, "no frames here");
  one = stream_start (one_a, one_b);
  two = stream_start (two_b, two_a);
  stream_wait (one, 200);
  stream_wait (two, 200);
  dc_test_cut_set (TRUE);
  wait_lost_and_resumed (fixture->alice);
  g_assert_null (dc_channel_pull (plain_a, 0, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_PEER_GONE);
  stream_wait (one, 200);
  stream_wait (two, 200);
  stream_stop (one);
  stream_stop (two);
}

static void
wait_ended (DcChannel *channel)
{
  while (!dc_channel_is_ended (channel))
    g_thread_yield ();
}

/* Two close, the third goes on. */
static void
test_close_one (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannel) one_a = NULL, one_b = NULL, two_a = NULL, two_b = NULL, plain_a = NULL, plain_b = NULL;
  g_autoptr (GError) error = NULL;

  fixture->bob = new_peer_with_three (fixture, "bob", DC_ROLE_ANSWERER);
  gst_structure_free (dc_test_peer_wait_event (fixture->bob, "registered"));
  fixture->alice = new_peer_with_three (fixture, "alice", DC_ROLE_OFFERER);
  one_a = wait_channel (fixture->alice, "one");
  one_b = wait_channel (fixture->bob, "one");
  two_a = wait_channel (fixture->alice, "two");
  two_b = wait_channel (fixture->bob, "two");
  plain_a = wait_channel (fixture->alice, "plain");
  plain_b = wait_channel (fixture->bob, "plain");
  dc_channel_abort (one_a, "this one is over");
  g_assert_null (dc_channel_pull (one_b, 0, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_PEER_GONE);
  g_assert_nonnull (strstr (error->message, "this one is over"));
  wait_ended (one_a); /* nobody at bob's need close it */
  dc_test_push_text (plain_a, "last words");
  finish (plain_a);
  dc_channel_close (plain_a);
  dc_test_expect_text (plain_b, "last words");
  pull_fin (plain_b);
  wait_ended (plain_a);
  dc_test_push_text (two_a, "and this is not");
  dc_test_expect_text (two_b, "and this is not");
}

/* One peer serves three; what each is told is told to that one. */
static void
test_several_remotes (Fixture *fixture, gconstpointer data)
{
  static const char *const ids[] = {"a", "b", "c"};
  DcTestPeer *others[G_N_ELEMENTS (ids)];
  g_autoptr (GstStructure) stats = NULL;

  fixture->bob = dc_test_peer_new (
      fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, "max-connections", (guint) G_N_ELEMENTS (ids), NULL);
  gst_structure_free (dc_test_peer_wait_event (fixture->bob, "registered"));
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    others[i] = dc_test_peer_new (fixture->url, "id", ids[i], "role", DC_ROLE_OFFERER, "remote-peer", "bob", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++) {
    g_autoptr (DcChannel) channel = dc_test_peer_wait_channel (fixture->bob);
    dc_test_push_text (channel, dc_channel_get_remote_id (channel));
  }
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++) {
    g_autoptr (DcChannel) channel = dc_test_peer_wait_channel (others[i]);
    dc_test_expect_text (channel, ids[i]);
  }
  stats = dc_peer_dup_stats (dc_test_peer_get (fixture->bob));
  g_assert_cmpuint (gst_value_list_get_size (gst_structure_get_value (stats, "connections")), ==, 3);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    dc_test_peer_free (others[i]);
}

/* --- Statistics --------------------------------------------------------------------------------------------------------------------- */

static void
on_statistics (DcPeer *peer, const GstStructure *stats, gint *count)
{
  g_assert_true (gst_structure_has_name (stats, "datachannel-statistics"));
  g_atomic_int_inc (count);
}

static void
test_statistics (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GstStructure) stats = NULL;
  const GstStructure *connection, *channel;
  guint64 bytes = 0;
  gdouble rtt = -1;
  DcPeer *alice;

  meet (fixture, 30);
  alice = dc_test_peer_get (fixture->alice);
  dc_test_push_text (fixture->at_alice, "twelve bytes");
  dc_test_expect_text (fixture->at_bob, "twelve bytes");
  g_signal_connect (alice, "statistics", G_CALLBACK (on_statistics), &fixture->statistics);
  g_object_set (alice, "stats-interval", 10, NULL);
  while (g_atomic_int_get (&fixture->statistics) < 3)
    g_thread_yield ();
  g_object_set (alice, "stats-interval", 0, NULL);
  g_object_get (alice, "stats", &stats, NULL);
  g_assert_cmpstr (gst_structure_get_string (stats, "id"), ==, "alice");
  g_assert_true (gst_structure_get_uint64 (stats, "bytes-sent", &bytes));
  g_assert_cmpuint (bytes, ==, strlen ("twelve bytes"));
  connection = gst_value_get_structure (gst_value_list_get_value (gst_structure_get_value (stats, "connections"), 0));
  g_assert_cmpstr (gst_structure_get_string (connection, "peer"), ==, "bob");
  g_assert_cmpstr (gst_structure_get_string (connection, "state"), ==, "open");
  g_assert_cmpstr (gst_structure_get_string (connection, "local-type"), ==, "host");
  channel = gst_value_get_structure (gst_value_list_get_value (gst_structure_get_value (connection, "channels"), 0));
  g_assert_cmpstr (gst_structure_get_string (channel, "label"), ==, "data");
  g_assert_cmpstr (gst_structure_get_string (channel, "mode"), ==, "link");
  g_assert_true (gst_structure_get_double (channel, "rtt", &rtt));
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  dc_test_cut_init ();
  ADD ("/resume/cut", test_cut);
  ADD ("/resume/daemon-restart", test_daemon_restart);
  ADD ("/resume/attempt-given-up", test_attempt_given_up);
  ADD ("/resume/forgotten-offer", test_forgotten_offer);
  ADD ("/resume/forgotten-candidates", test_forgotten_candidates);
  ADD ("/resume/timeout", test_timeout);
  ADD ("/resume/none", test_no_resume);
  ADD ("/resume/abort-while-lost", test_abort_while_lost);
  ADD ("/resume/other-comes-back", test_other_comes_back);
  ADD ("/resume/half-closed", test_half_closed);
  ADD ("/resume/no-goodbye", test_no_goodbye);
  ADD ("/resume/lost-fin-ack", test_lost_fin_ack);
  ADD ("/resume/clean-timeout", test_clean_timeout);
  ADD ("/resume/several-channels", test_several_channels);
  ADD ("/channels/close-one", test_close_one);
  ADD ("/peer/several-remotes", test_several_remotes);
  ADD ("/peer/statistics", test_statistics);
  return g_test_run ();
}
