/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-media.c: other webrtcbins of the process, with audio, video and a data channel both ways, beside peers at full rate. (For longer:
 * `./dev soak media`.) */
#include "tests/harness/dc-test-daemon.h"
#include "tests/harness/dc-test.h"
#include "tests/media-call.h"
#include "tests/soak/dc-soak-pair.h"

#define WATCHDOG_S 60
#define FRAMES 50
#define DATA_MIB 16

static gboolean
has_more (MediaCall *call, gint than)
{
  return g_atomic_int_get (&call->caller.audio) > than && g_atomic_int_get (&call->caller.video) > than
         && g_atomic_int_get (&call->called.audio) > than && g_atomic_int_get (&call->called.video) > than;
}

static gboolean
skips (void)
{
  const char *missing = media_call_missing ();
  g_autofree char *reason = missing != NULL ? g_strdup_printf ("there is no %s", missing) : NULL;

  if (reason != NULL)
    g_test_skip (reason);
  return reason != NULL;
}

/* Frames come before, beside and after. */
static void
test_beside_peers (void)
{
  g_autoptr (DcTestDaemon) daemon = NULL;
  g_autoptr (DcSoakPair) pair = NULL;
  g_autoptr (MediaCall) call = NULL;
  g_autofree char *error = NULL;
  gint moved, most;

  if (skips ())
    return;
  dc_test_watchdog_start (WATCHDOG_S);
  daemon = dc_test_daemon_new (NULL);
  pair = dc_soak_pair_new (dc_test_daemon_get_url (daemon));
  if (g_strcmp0 (g_getenv ("DC_FAST"), "auto") == 0)
    dc_soak_pair_expect_fast (pair);
  call = media_call_new (MEDIA_AUDIO MEDIA_VIDEO);
  dc_test_wait_until (NULL, has_more (call, 0));
  moved = g_atomic_int_get (&pair->moved_mib);
  dc_test_wait_until (NULL, has_more (call, FRAMES) && g_atomic_int_get (&pair->moved_mib) > moved + DATA_MIB);
  media_call_talk (call);
  g_assert_true (dc_soak_pair_finish (pair));
  most = MAX (g_atomic_int_get (&call->caller.audio), g_atomic_int_get (&call->called.audio));
  dc_test_wait_until (NULL, has_more (call, most));
  error = media_call_dup_error (call);
  g_assert_cmpstr (error, ==, NULL);
  dc_test_watchdog_stop ();
}

/* The peers leave first, or the others do. */
static void
test_leave (void)
{
  g_autoptr (DcTestDaemon) daemon = NULL;
  DcSoakPair *pair;
  MediaCall *call;

  if (skips ())
    return;
  dc_test_watchdog_start (WATCHDOG_S);
  daemon = dc_test_daemon_new (NULL);
  pair = dc_soak_pair_new (dc_test_daemon_get_url (daemon));
  call = media_call_new (MEDIA_AUDIO MEDIA_VIDEO);
  dc_test_wait_until (NULL, has_more (call, 0));
  media_call_free (call);
  call = media_call_new (MEDIA_AUDIO MEDIA_VIDEO);
  dc_test_wait_until (NULL, has_more (call, 0));
  g_assert_true (dc_soak_pair_finish (pair));
  dc_soak_pair_free (pair);
  media_call_talk (call);
  media_call_free (call);
  dc_test_watchdog_stop ();
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  g_test_add_func ("/media/beside-peers", test_beside_peers);
  g_test_add_func ("/media/leave", test_leave);
  return g_test_run ();
}
