/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-webrtc.c: one webrtcbin, and how it is let go of. */
#include "plugins/peer/dc-webrtc.h"
#include "tests/harness/dc-test.h"

/* --- Gate: holds webrtcbin's thread -------------------------------------------------------------------------------------------- */

typedef struct {
  GMutex lock;
  GCond cond;
  gboolean reached, open;
} Gate;

static void
gate_set (Gate *gate, gboolean *flag)
{
  g_mutex_lock (&gate->lock);
  *flag = TRUE;
  g_cond_broadcast (&gate->cond);
  g_mutex_unlock (&gate->lock);
}

static void
gate_wait (Gate *gate, const gboolean *flag)
{
  g_mutex_lock (&gate->lock);
  while (!*flag)
    g_cond_wait (&gate->cond, &gate->lock);
  g_mutex_unlock (&gate->lock);
}

static void
hold_cb (GstPromise *promise, gpointer user_data)
{
  Gate *gate = user_data;

  gate_set (gate, &gate->reached);
  gate_wait (gate, &gate->open);
}

/* In place of DcWebrtc's: once the pipeline is being stopped, nobody waits for webrtcbin's thread any more. */
static GstBusSyncReply
open_when_stopping (GstBus *bus, GstMessage *message, gpointer user_data)
{
  Gate *gate = user_data;
  GstState state = GST_STATE_PLAYING;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_STATE_CHANGED)
    gst_message_parse_state_changed (message, NULL, &state, NULL);
  if (state < GST_STATE_PLAYING)
    gate_set (gate, &gate->open);
  gst_message_unref (message);
  return GST_BUS_DROP;
}

static void
open_late (Gate *gate, DcWebrtc *webrtc)
{
  g_autoptr (GstObject) pipeline = gst_object_get_parent (GST_OBJECT (dc_webrtc_get_bin (webrtc)));
  g_autoptr (GstBus) bus = gst_element_get_bus (GST_ELEMENT (pipeline));

  gst_bus_set_sync_handler (bus, open_when_stopping, gate, NULL);
}

/* --- Tests --------------------------------------------------------------------------------------------------------------------- */

static void
error_cb (const char *sentence, gpointer user_data)
{
  g_error ("%s", sentence);
}

static void
progress_cb (gpointer user_data)
{
}

static void
number_cb (guint n, gpointer user_data)
{
}

static DcWebrtc *
make (void)
{
  static const DcSctpPathCallbacks callbacks = {
      error_cb, progress_cb, progress_cb, progress_cb, number_cb, number_cb, number_cb};
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  DcIceConfig config = {.loopback = TRUE, .turn_servers = none};
  g_autoptr (GError) error = NULL;
  DcWebrtcSettings settings = {.fast = DC_FAST_OFF};
  DcWebrtc *webrtc = dc_webrtc_new (&settings, &config, &callbacks, NULL, &error);

  g_assert_no_error (error);
  return webrtc;
}

static void
ask (DcWebrtc *webrtc, GstPromiseChangeFunc func, gpointer user_data, GDestroyNotify destroy)
{
  GstPromise *promise = dc_webrtc_new_promise (webrtc, func, user_data, destroy);

  g_signal_emit_by_name (dc_webrtc_get_bin (webrtc), "get-stats", NULL, promise);
}

static void
ignore_cb (GstPromise *promise, gpointer user_data)
{
}

static void
count_cb (gpointer n)
{
  g_atomic_int_inc ((gint *) n);
}

/* Nothing that waits for an answer is left, though webrtcbin never comes to it; and GStreamer warns of nothing, which would end us here. */
static void
test_unanswered (void)
{
  DcWebrtc *webrtc = make ();
  Gate gate = {0};
  gint n = 0;

  dc_test_watchdog_start (30);
  ask (webrtc, hold_cb, &gate, NULL);
  gate_wait (&gate, &gate.reached);
  for (guint i = 0; i < 3; i++)
    ask (webrtc, ignore_cb, &n, count_cb);
  open_late (&gate, webrtc);
  dc_webrtc_free (webrtc);
  g_assert_cmpint (g_atomic_int_get (&n), ==, 3);
  dc_test_watchdog_stop ();
}

static void
test_answered (void)
{
  DcWebrtc *webrtc = make ();
  gint n = 0;

  ask (webrtc, ignore_cb, &n, count_cb);
  dc_webrtc_free (webrtc);
  g_assert_cmpint (g_atomic_int_get (&n), ==, 1);
}

/* Connecting waits for nothing but the network: libnice's own settings cost tenths of a second. */
static void
test_agent (void)
{
  DcWebrtc *webrtc = make ();
  gboolean upnp, tcp;
  guint pacing;
  gint nomination;

  g_object_get (dc_webrtc_get_agent (webrtc), "upnp", &upnp, "ice-tcp", &tcp, "stun-pacing-timer", &pacing,
      "nomination-mode", &nomination, NULL);
  g_assert_false (upnp);
  g_assert_false (tcp);
  g_assert_cmpuint (pacing, ==, 5);
  g_assert_cmpint (nomination, ==, NICE_NOMINATION_MODE_AGGRESSIVE);
  dc_webrtc_free (webrtc);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  g_test_add_func ("/webrtc/unanswered", test_unanswered);
  g_test_add_func ("/webrtc/answered", test_answered);
  g_test_add_func ("/webrtc/agent", test_agent);
  return g_test_run ();
}
