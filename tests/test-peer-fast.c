/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-peer-fast.c: each peer of a process is on the fast path, or not, as it asked for. */
#include "tests/harness/dc-test-cut.h"
#include "tests/harness/dc-test-meeting.h"
#include "tests/harness/dc-test.h"

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
    g_atomic_int_inc (g_str_has_prefix (type, "GstDc") ? &parts->ours : &parts->stock);
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
pair_open (Pair *pair, DcTestMeeting *fixture, const char *room, DcFast fast, DcFast other)
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
test_fast_and_not (DcTestMeeting *fixture, gconstpointer data)
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
  dc_test_talk (before.channels[0], before.channels[1]);
  dc_test_talk (fast.channels[0], fast.channels[1]);
  dc_test_talk (after.channels[0], after.channels[1]);
  dc_test_talk (mixed.channels[0], mixed.channels[1]);
  g_signal_remove_emission_hook (signal_id, hook);
}

/* One side's socket dies under a connection: it goes on without, losing nothing, and says so, once. */
static void
test_fast_broken (DcTestMeeting *fixture, gconstpointer data)
{
  g_auto (Pair) pair = {0};
  g_autoptr (GstStructure) event = NULL;
  DcTestPeer *broken;

  pair_open (&pair, fixture, "broken", DC_FAST_OFF, DC_FAST_AUTO);
  broken = pair.offerer;
  assert_told (broken, TRUE);
  dc_test_cut_break_socket ();
  dc_test_push_text (pair.channels[0], "on a socket that is dead");
  event = dc_test_peer_wait_event (broken, "transport");
  g_assert_cmpstr (
      gst_structure_get_string (event, "reason"), ==, "a UDP socket cannot be read: Software caused connection abort");
  dc_test_expect_text (pair.channels[1], "on a socket that is dead");
  dc_test_talk (pair.channels[1], pair.channels[0]);
  g_assert_cmpuint (dc_test_peer_count_events (broken, "transport"), ==, 2);
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
  dc_test_meeting_add ("/peer/fast/and-not", NULL, test_fast_and_not);
  dc_test_meeting_add ("/peer/fast/broken", NULL, test_fast_broken);
  g_test_add_func ("/peer/fast/environment", test_fast_environment);
  return g_test_run ();
}
