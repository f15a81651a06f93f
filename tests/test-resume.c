/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-resume.c: connections that are lost and made anew under channels that go on. */
#include <string.h>

#include "tests/harness/dc-test-client.h"
#include "tests/harness/dc-test-cut.h"
#include "tests/harness/dc-test-meeting.h"
#include "tests/harness/dc-test-proxy.h"
#include "tests/harness/dc-test-transfer.h"
#include "tests/harness/dc-test.h"

#define LARGEST 8192u

static void
meet (DcTestMeeting *fixture, guint resume_timeout)
{
  fixture->bob =
      dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, "resume-timeout", resume_timeout, NULL);
  gst_structure_free (dc_test_peer_wait_event (fixture->bob, "registered"));
  fixture->alice =
      dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, "resume-timeout", resume_timeout, NULL);
  dc_test_meeting_wait_channels (fixture);
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

/* How often the worker has told so; atomic. */
static gint suspended, resumed;

static void
on_count (gint *count)
{
  g_atomic_int_inc (count);
}

/* Two cuts in the middle of transfers in both directions. */
static void
test_cut (DcTestMeeting *fixture, gconstpointer data)
{
  DcTestTransfer *there, *back;

  meet (fixture, 30);
  g_signal_connect_swapped (fixture->at_alice, "suspended", G_CALLBACK (on_count), &suspended);
  g_signal_connect_swapped (fixture->at_alice, "resumed", G_CALLBACK (on_count), &resumed);
  there = dc_test_transfer_start (fixture->at_alice, fixture->at_bob, LARGEST);
  back = dc_test_transfer_start (fixture->at_bob, fixture->at_alice, LARGEST);
  for (guint i = 0; i < 2; i++) {
    dc_test_transfer_wait (there, 500);
    dc_test_transfer_wait (back, 500);
    dc_test_cut_set (TRUE);
    wait_lost_and_resumed (fixture->alice);
    gst_structure_free (dc_test_peer_wait_event (fixture->bob, "connection-resumed"));
  }
  dc_test_transfer_wait (there, 500);
  dc_test_transfer_stop (there);
  dc_test_transfer_stop (back);
  g_assert_cmpint (g_atomic_int_get (&suspended), ==, 2);
  g_assert_cmpint (g_atomic_int_get (&resumed), ==, 2);
  g_assert_false (dc_channel_is_suspended (fixture->at_alice));
}

/* The server starts anew while the connection is lost. */
static void
test_daemon_restart (DcTestMeeting *fixture, gconstpointer data)
{
  DcTestTransfer *there;

  meet (fixture, 60);
  there = dc_test_transfer_start (fixture->at_alice, fixture->at_bob, LARGEST);
  dc_test_transfer_wait (there, 500);
  dc_test_daemon_stop (fixture->daemon);
  dc_test_transfer_wait (there, 500); /* what is connected needs no server */
  dc_test_cut_set (TRUE);
  gst_structure_free (dc_test_peer_wait_event (fixture->alice, "connection-lost"));
  dc_test_daemon_start (fixture->daemon);
  dc_test_cut_set (FALSE);
  gst_structure_free (dc_test_peer_wait_event (fixture->alice, "connection-resumed"));
  dc_test_transfer_wait (there, 500);
  dc_test_transfer_stop (there);
}

/* Of what the server says: the byes that give up one attempt, and those that end all. */
typedef struct {
  gint lost, final; /* atomic */
} Byes;

static void
count_byes (guint8 *data, gsize length, gpointer user_data)
{
  Byes *byes = user_data;

  if (g_strstr_len ((const char *) data, (gssize) length, "\"bye\"") == NULL)
    return;
  if (g_strstr_len ((const char *) data, (gssize) length, "\"lost\"") != NULL)
    g_atomic_int_inc (&byes->lost);
  else
    g_atomic_int_inc (&byes->final);
}

/* Bob's messages come through @proxy, and what it tells him is counted. */
static void
meet_through_proxy (DcTestMeeting *fixture, DcTestProxy *proxy, Byes *byes)
{
  g_autofree char *url = dc_test_proxy_dup_url (proxy, "ws");

  dc_test_proxy_set_filter (proxy, count_byes, byes);
  fixture->bob = dc_test_peer_new (url, "id", "bob", "role", DC_ROLE_ANSWERER, NULL);
  gst_structure_free (dc_test_peer_wait_event (fixture->bob, "registered"));
  fixture->alice = dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, NULL);
}

/* An attempt that is given up is no end for a far side whose channels may have resumed on it. */
static void
test_attempt_given_up (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcTestProxy) proxy = dc_test_proxy_new (dc_test_daemon_get_port (fixture->daemon));
  Byes byes = {0};

  meet_through_proxy (fixture, proxy, &byes);
  dc_test_meeting_wait_channels (fixture);
  dc_test_cut_set (TRUE);
  gst_structure_free (dc_test_peer_wait_event (fixture->bob, "connection-lost"));
  gst_structure_free (dc_test_peer_wait_event (fixture->alice, "connection-lost"));
  dc_test_proxy_cut (proxy); /* that he is back has her call at once, and the earlier attempt is over */
  gst_structure_free (dc_test_peer_wait_event (fixture->alice, "peer-back"));
  while (g_atomic_int_get (&byes.lost) + g_atomic_int_get (&byes.final) == 0)
    g_thread_yield ();
  g_assert_cmpint (g_atomic_int_get (&byes.final), ==, 0);
  dc_test_cut_set (FALSE);
  gst_structure_free (dc_test_peer_wait_event (fixture->alice, "connection-resumed"));
  dc_test_push_text (fixture->at_alice, "again");
  dc_test_expect_text (fixture->at_bob, "again");
}

/* --- What a server has forgotten --------------------------------------------------------------------------------------------------- */

/* Alice calls, and the offer comes to bob, who is only a client. */
static DcMessage *
take_call (DcTestMeeting *fixture, DcTestClient *client)
{
  dc_test_client_register (client, DC_PEER_DEFAULT_ROOM, "bob");
  fixture->alice = dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, NULL);
  return dc_test_client_wait (client, DC_MESSAGE_OFFER);
}

/* Bob comes in earnest, and is called anew. */
static void
expect_new_call (DcTestMeeting *fixture)
{
  g_autoptr (GstStructure) closed = NULL;

  fixture->bob = dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, NULL);
  closed = dc_test_peer_wait_event (fixture->alice, "connection-closed");
  g_assert_nonnull (strstr (gst_structure_get_string (closed, "reason"), "has forgotten the call"));
  dc_test_meeting_wait_channels (fixture);
  dc_test_push_text (fixture->at_alice, "again");
  dc_test_expect_text (fixture->at_bob, "again");
  g_assert_cmpuint (dc_test_peer_count_events (fixture->alice, "calling"), ==, 2);
}

/* The answer to an offer that is lost with the server will not come. */
static void
test_forgotten_offer (DcTestMeeting *fixture, gconstpointer data)
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
test_forgotten_candidates (DcTestMeeting *fixture, gconstpointer data)
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
test_timeout (DcTestMeeting *fixture, gconstpointer data)
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
test_no_resume (DcTestMeeting *fixture, gconstpointer data)
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
test_abort_while_lost (DcTestMeeting *fixture, gconstpointer data)
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
test_other_comes_back (DcTestMeeting *fixture, gconstpointer data)
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
ask (DcTestMeeting *fixture)
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
test_half_closed (DcTestMeeting *fixture, gconstpointer data)
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
test_no_goodbye (DcTestMeeting *fixture, gconstpointer data)
{
  guint before = dc_test_cut_count_alerts ();

  meet (fixture, 30);
  dc_test_cut_set (TRUE);
  wait_lost_and_resumed (fixture->alice);
  dc_test_push_text (fixture->at_bob, "an answer");
  dc_test_expect_text (fixture->at_alice, "an answer");
  dc_test_meeting_part (fixture);
  g_assert_cmpuint (dc_test_cut_count_alerts (), <=, before + 2);
}

/* FIN-ACK is lost with the connection: it is said again, though nothing else is to be said. */
static void
test_lost_fin_ack (DcTestMeeting *fixture, gconstpointer data)
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
test_clean_timeout (DcTestMeeting *fixture, gconstpointer data)
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

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  dc_test_cut_init ();
  dc_test_meeting_add ("/resume/cut", NULL, test_cut);
  dc_test_meeting_add ("/resume/daemon-restart", NULL, test_daemon_restart);
  dc_test_meeting_add ("/resume/attempt-given-up", NULL, test_attempt_given_up);
  dc_test_meeting_add ("/resume/forgotten-offer", NULL, test_forgotten_offer);
  dc_test_meeting_add ("/resume/forgotten-candidates", NULL, test_forgotten_candidates);
  dc_test_meeting_add ("/resume/timeout", NULL, test_timeout);
  dc_test_meeting_add ("/resume/none", NULL, test_no_resume);
  dc_test_meeting_add ("/resume/abort-while-lost", NULL, test_abort_while_lost);
  dc_test_meeting_add ("/resume/other-comes-back", NULL, test_other_comes_back);
  dc_test_meeting_add ("/resume/half-closed", NULL, test_half_closed);
  dc_test_meeting_add ("/resume/no-goodbye", NULL, test_no_goodbye);
  dc_test_meeting_add ("/resume/lost-fin-ack", NULL, test_lost_fin_ack);
  dc_test_meeting_add ("/resume/clean-timeout", NULL, test_clean_timeout);
  return g_test_run ();
}
