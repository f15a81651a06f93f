/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-channel.c: what a stranger may say on a channel: a clear error each time, and the next caller is served. */
#include <string.h>

#include "plugins/link/dc-frame.h"
#include "plugins/peer/dc-peer.h"
#include "tests/harness/dc-test-daemon.h"
#include "tests/harness/dc-test-peer.h"
#include "tests/harness/dc-test-stranger.h"
#include "tests/harness/dc-test.h"

#define WATCHDOG_S 60

typedef struct {
  DcTestDaemon *daemon;
  const char *url;
  DcTestPeer *bob;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  dc_test_watchdog_start (WATCHDOG_S);
  fixture->daemon = dc_test_daemon_new (NULL);
  fixture->url = dc_test_daemon_get_url (fixture->daemon);
  fixture->bob = dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  dc_test_peer_free (fixture->bob);
  dc_test_daemon_free (fixture->daemon);
  dc_test_watchdog_stop ();
}

static void
expect_refused (DcTestPeer *bob, DcError code, const char *hint)
{
  g_autoptr (GstStructure) closed = dc_test_peer_wait_event (bob, "connection-closed");
  gint told = -1;

  gst_structure_get_int (closed, "code", &told);
  g_assert_cmpint (told, ==, code);
  if (strstr (gst_structure_get_string (closed, "reason"), hint) == NULL)
    g_error ("\"%s\" does not say \"%s\"", gst_structure_get_string (closed, "reason"), hint);
}

/* As a page that is closed: in raw mode there is no other end. */
static void
expect_left (DcTestPeer *bob)
{
  g_autoptr (GstStructure) closed = dc_test_peer_wait_event (bob, "connection-closed");
  gboolean clean = FALSE;

  g_assert_true (gst_structure_get_boolean (closed, "clean", &clean));
  g_assert_true (clean);
}

static void
expect_served (Fixture *fixture)
{
  g_autoptr (DcTestPeer) alice = dc_test_peer_new (fixture->url, "id", "alice", "role", DC_ROLE_OFFERER, NULL);
  g_autoptr (DcChannel) at_alice = dc_test_peer_wait_channel (alice);
  g_autoptr (DcChannel) at_bob = NULL;

  do {
    g_clear_object (&at_bob);
    at_bob = dc_test_peer_wait_channel (fixture->bob);
  } while (!g_str_equal (dc_channel_get_remote_id (at_bob), "alice"));
  dc_test_push_text (at_alice, "still serving");
  dc_test_expect_text (at_bob, "still serving");
}

static void
test_garbage_first (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestStranger) stranger = dc_test_stranger_new (fixture->url, "bob", "data", DC_LINK_PROTOCOL);

  dc_test_stranger_wait_open (stranger);
  dc_test_stranger_send (stranger, "this is no frame of the link protocol", 37);
  expect_refused (fixture->bob, DC_ERROR_DATA, "\"stranger\"");
  dc_test_stranger_wait_closed (stranger);
  expect_served (fixture);
}

static void
test_text (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestStranger) stranger = dc_test_stranger_new (fixture->url, "bob", "data", DC_LINK_PROTOCOL);

  dc_test_stranger_wait_open (stranger);
  dc_test_stranger_send_text (stranger, "hello?");
  expect_refused (fixture->bob, DC_ERROR_DATA, "text message");
  dc_test_stranger_wait_closed (stranger);
  expect_served (fixture);
}

static void
send_hello (DcTestStranger *stranger, guint16 version)
{
  g_autoptr (GByteArray) message = g_byte_array_new ();
  DcFrame frame = {
      .type = DC_FRAME_HELLO,
      .hello = {.version_min = version,
          .version_max = version,
          .session = 1,
          .window_bytes = 65536,
          .window_frames = 64,
          .max_message = 65536,
          .max_item = 65536,
          .heartbeat = 1000},
  };

  dc_frame_write (message, &frame);
  dc_test_stranger_send (stranger, message->data, message->len);
}

/* After a proper HELLO the application has the channel: it is the one that gets the error. */
static void
test_garbage_later (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestStranger) stranger = dc_test_stranger_new (fixture->url, "bob", "data", DC_LINK_PROTOCOL);
  g_autoptr (DcChannel) channel = NULL;
  g_autoptr (GError) error = NULL;

  dc_test_stranger_wait_open (stranger);
  send_hello (stranger, DC_FRAME_VERSION_MAX);
  channel = dc_test_peer_wait_channel (fixture->bob);
  dc_test_stranger_send (stranger, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 14);
  g_assert_null (dc_channel_pull (channel, 0, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_DATA);
  dc_test_stranger_wait_closed (stranger);
  expect_served (fixture);
}

static void
test_other_version (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestStranger) stranger = dc_test_stranger_new (fixture->url, "bob", "data", DC_LINK_PROTOCOL);

  dc_test_stranger_wait_open (stranger);
  send_hello (stranger, DC_FRAME_VERSION_MAX + 7);
  expect_refused (fixture->bob, DC_ERROR_DATA, "version");
  expect_served (fixture);
}

/* Nobody home behind the channel: the heartbeat notices. */
static void
test_silence (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestStranger) stranger = dc_test_stranger_new (fixture->url, "bob", "data", DC_LINK_PROTOCOL);

  dc_test_stranger_wait_open (stranger);
  expect_refused (fixture->bob, DC_ERROR_PEER_GONE, "nothing was heard");
  expect_served (fixture);
}

static void
test_no_link (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestStranger) stranger = dc_test_stranger_new (fixture->url, "bob", "data", "chat");

  dc_test_stranger_wait_open (stranger);
  expect_refused (fixture->bob, DC_ERROR_DATA, "raw mode");
  expect_served (fixture);
}

/* Before the identity is checked and HELLO said, a stranger cannot make us hold much. */
static void
test_flood (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestStranger) stranger = dc_test_stranger_new (fixture->url, "bob", "data", DC_LINK_PROTOCOL);
  g_autofree char *zeros = g_malloc0 (60000);

  dc_test_stranger_wait_open (stranger);
  for (guint i = 0; i < 100; i++)
    dc_test_stranger_send (stranger, zeros, 60000);
  expect_refused (fixture->bob, DC_ERROR_DATA, "\"stranger\"");
  expect_served (fixture);
}

/* A browser may open as many as it likes: the one in use goes on, the others are closed. */
static void
test_second_channel (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestStranger) stranger = dc_test_stranger_new (fixture->url, "bob", "data", DC_LINK_PROTOCOL);
  g_autoptr (DcChannel) channel = NULL;

  dc_test_stranger_wait_open (stranger);
  send_hello (stranger, DC_FRAME_VERSION_MAX);
  channel = dc_test_peer_wait_channel (fixture->bob);
  dc_test_stranger_open_another (stranger, "chat");
  dc_test_stranger_wait_another_closed (stranger);
  g_assert_false (dc_channel_is_ended (channel));
  g_assert_cmpuint (dc_test_peer_count_events (fixture->bob, "connection-closed"), ==, 0);
}

/* But not without end: each costs us something. */
static void
test_many_channels (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestStranger) stranger = dc_test_stranger_new (fixture->url, "bob", "data", DC_LINK_PROTOCOL);
  g_autoptr (DcChannel) channel = NULL;
  g_autoptr (GstStructure) lost = NULL;

  dc_test_stranger_wait_open (stranger);
  send_hello (stranger, DC_FRAME_VERSION_MAX);
  channel = dc_test_peer_wait_channel (fixture->bob);
  for (guint i = 0; i < 20; i++)
    dc_test_stranger_open_another (stranger, "chat");
  lost = dc_test_peer_wait_event (fixture->bob, "connection-lost");
  g_assert_nonnull (strstr (gst_structure_get_string (lost, "reason"), "more than 16 channels"));
  dc_test_stranger_wait_closed (stranger);
}

/* Nor streams without a channel. */
static void
test_many_streams (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestStranger) stranger = dc_test_stranger_new (fixture->url, "bob", "data", DC_LINK_PROTOCOL);

  dc_test_stranger_use_streams (stranger, 20);
  dc_test_stranger_wait_closed (stranger);
  expect_refused (fixture->bob, DC_ERROR_DATA, "more than 16 channels");
  expect_served (fixture);
}

/* Nobody may end what others have: bob is called by somebody without identity while he talks to alice. */
static void
test_no_fingerprint (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestPeer) alice = NULL;
  g_autoptr (DcTestPeer) auto_bob = NULL;
  g_autoptr (DcChannel) at_alice = NULL, at_bob = NULL;
  g_autoptr (DcTestStranger) stranger = NULL;

  auto_bob = dc_test_peer_new (fixture->url, "id", "auto-bob", "remote-peer", NULL, "max-connections", 2u, NULL);
  alice = dc_test_peer_new (fixture->url, "id", "alice", "remote-peer", "auto-bob", NULL);
  at_alice = dc_test_peer_wait_channel (alice);
  do {
    g_clear_object (&at_bob);
    at_bob = dc_test_peer_wait_channel (auto_bob);
  } while (!g_str_equal (dc_channel_get_remote_id (at_bob), "alice"));
  stranger = dc_test_stranger_new (fixture->url, "auto-bob", "data", DC_LINK_PROTOCOL);
  dc_test_stranger_hide (stranger, "a=fingerprint:");
  dc_test_stranger_wait_closed (stranger);
  dc_test_push_text (at_alice, "undisturbed");
  dc_test_expect_text (at_bob, "undisturbed");
}

/* An answer is asked for together with what webrtcbin is to answer, and it refuses that. */
static void
test_refused_offer (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestStranger) stranger = dc_test_stranger_new (fixture->url, "bob", "data", DC_LINK_PROTOCOL);

  dc_test_stranger_hide (stranger, "a=mid:");
  dc_test_stranger_wait_closed (stranger);
  expect_refused (fixture->bob, DC_ERROR_CONNECTION, "webrtcbin cannot use the offer");
  expect_served (fixture);
}

static void
make_bob_raw (Fixture *fixture)
{
  dc_test_peer_free (fixture->bob);
  fixture->bob = dc_test_peer_new (fixture->url, "id", "bob", "role", DC_ROLE_ANSWERER, "mode", DC_MODE_RAW, NULL);
}

static void
expect_all (DcChannel *channel, guint n)
{
  for (guint i = 0; i < n; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) message = dc_channel_receive (channel, NULL, &error);

    g_assert_no_error (error);
    g_assert_nonnull (message);
  }
}

/* Messages that nobody takes do not fill the memory, empty ones neither. Through webrtcbin their sender cannot be slowed down, and the channel ends; past it
 * they wait at the sender. */
static void
test_raw_flood (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestStranger) stranger = NULL;
  g_autoptr (DcChannel) channel = NULL;

  make_bob_raw (fixture);
  stranger = dc_test_stranger_new (fixture->url, "bob", "data", "");
  dc_test_stranger_wait_open (stranger);
  channel = dc_test_peer_wait_channel (fixture->bob);
  for (guint i = 0; i < 80000; i++)
    dc_test_stranger_send (stranger, "x", 1);
  if (g_strcmp0 (g_getenv ("DC_FAST"), "auto") == 0)
    expect_all (channel, 80000);
  else
    expect_refused (fixture->bob, DC_ERROR_DATA, "no way to slow it down");
}

static void
test_raw_finish_after_the_end (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcTestStranger) stranger = NULL;
  g_autoptr (DcChannel) channel = NULL;
  g_autoptr (GError) error = NULL;

  make_bob_raw (fixture);
  stranger = dc_test_stranger_new (fixture->url, "bob", "data", "");
  dc_test_stranger_wait_open (stranger);
  channel = dc_test_peer_wait_channel (fixture->bob);
  dc_test_stranger_leave (stranger);
  expect_left (fixture->bob);
  g_assert_false (dc_channel_finish (channel, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_PEER_GONE);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
#define ADD(name, func) g_test_add ("/channel/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("garbage-first", test_garbage_first);
  ADD ("garbage-later", test_garbage_later);
  ADD ("text", test_text);
  ADD ("other-version", test_other_version);
  ADD ("silence", test_silence);
  ADD ("no-link", test_no_link);
  ADD ("flood", test_flood);
  ADD ("second-channel", test_second_channel);
  ADD ("many-channels", test_many_channels);
  ADD ("many-streams", test_many_streams);
  ADD ("no-fingerprint", test_no_fingerprint);
  ADD ("refused-offer", test_refused_offer);
  ADD ("raw/flood", test_raw_flood);
  ADD ("raw/finish-after-the-end", test_raw_finish_after_the_end);
  return g_test_run ();
}
