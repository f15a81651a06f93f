/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-meeting.c: two real peers that meet through a daemon of their own, and a channel between them. */
#include "tests/harness/dc-test-meeting.h"

#include "tests/harness/dc-test-cut.h"
#include "tests/harness/dc-test.h"

#define WATCHDOG_S 90

void
dc_test_meeting_set_up (DcTestMeeting *self, gconstpointer unused)
{
  dc_test_watchdog_start (WATCHDOG_S);
  dc_test_cut_set (FALSE);
  self->daemon = dc_test_daemon_new (NULL);
  self->url = dc_test_daemon_get_url (self->daemon);
}

void
dc_test_meeting_drop_alice (DcTestMeeting *self)
{
  g_clear_object (&self->at_alice);
  g_clear_pointer (&self->alice, dc_test_peer_free);
}

void
dc_test_meeting_part (DcTestMeeting *self)
{
  g_clear_object (&self->at_alice);
  g_clear_object (&self->at_bob);
  g_clear_pointer (&self->alice, dc_test_peer_free);
  g_clear_pointer (&self->bob, dc_test_peer_free);
}

void
dc_test_meeting_tear_down (DcTestMeeting *self, gconstpointer unused)
{
  dc_test_cut_set (FALSE);
  dc_test_meeting_part (self);
  dc_test_wait_no_channel ();
  dc_test_daemon_free (self->daemon);
  dc_test_watchdog_stop ();
}

DcTestPeer *
dc_test_meeting_start (DcTestMeeting *self, const char *id, DcRole role, GPtrArray *options)
{
  DcPeer *peer = g_object_new (DC_TYPE_PEER, "signaling", self->url, "id", id, "role", role, NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < options->len; i++) {
    dc_peer_add_channel (peer, options->pdata[i], &error);
    g_assert_no_error (error);
  }
  return dc_test_peer_start (peer);
}

static DcTestPeer *
start (DcTestMeeting *self, const char *id, DcRole role, const DcChannelOptions *options)
{
  g_autoptr (GPtrArray) one = NULL;

  if (options == NULL)
    return dc_test_peer_new (self->url, "id", id, "role", role, NULL);
  one = g_ptr_array_new ();
  g_ptr_array_add (one, (gpointer) options);
  return dc_test_meeting_start (self, id, role, one);
}

void
dc_test_meeting_start_bob (DcTestMeeting *self, const DcChannelOptions *options)
{
  self->bob = start (self, "bob", DC_ROLE_ANSWERER, options);
  gst_structure_free (dc_test_peer_wait_event (self->bob, "registered"));
}

void
dc_test_meeting_start_alice (DcTestMeeting *self, const DcChannelOptions *options)
{
  self->alice = start (self, "alice", DC_ROLE_OFFERER, options);
}

void
dc_test_meeting_wait_channels (DcTestMeeting *self)
{
  self->at_alice = dc_test_peer_wait_channel (self->alice);
  self->at_bob = dc_test_peer_wait_channel (self->bob);
}

void
dc_test_meeting_meet (DcTestMeeting *self, const DcChannelOptions *alice, const DcChannelOptions *bob)
{
  dc_test_meeting_start_bob (self, bob);
  dc_test_meeting_start_alice (self, alice);
  dc_test_meeting_wait_channels (self);
}

DcChannelOptions *
dc_test_raw_options (void)
{
  DcChannelOptions *options = dc_channel_options_new ("raw");

  options->mode = DC_MODE_RAW;
  return options;
}

gboolean
dc_test_is_fast (void)
{
  return dc_fast_get_default () == DC_FAST_AUTO;
}

/* --- Holding up the worker ------------------------------------------------------------------------------------------------------- */

typedef struct {
  char *event;
  DcTestGate *gate;
} Hold;

static void
hold_free (gpointer data, GClosure *closure)
{
  Hold *hold = data;

  g_free (hold->event);
  g_free (hold);
}

static void
on_event (DcPeer *peer, const GstStructure *event, Hold *hold)
{
  if (gst_structure_has_name (event, hold->event))
    dc_test_gate_wait (hold->gate);
}

gulong
dc_test_peer_hold (DcTestPeer *peer, const char *event, DcTestGate *gate)
{
  const Hold hold = {g_strdup (event), gate};

  return g_signal_connect_data (dc_test_peer_get (peer), "event", G_CALLBACK (on_event), g_memdup2 (&hold, sizeof hold),
      hold_free, G_CONNECT_DEFAULT);
}

/* --- Talking --------------------------------------------------------------------------------------------------------------------- */

static gpointer
finish_thread (gpointer channel)
{
  g_autoptr (GError) error = NULL;

  dc_channel_finish (channel, &error);
  g_assert_no_error (error);
  return NULL;
}

void
dc_test_talk (DcChannel *alice, DcChannel *bob)
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
