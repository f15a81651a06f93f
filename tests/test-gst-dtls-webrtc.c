/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-gst-dtls-webrtc.c: our dtlsenc and dtlsdec inside of real webrtcbins: data, audio and video. (With GStreamer's own in another
 * process: test-interop-gst-dtls.) */
#include <string.h>

#include "plugins/peer/dc-identity.h"
#include "plugins/transport/gst-elements.h"
#include "plugins/transport/gst-dtlsdec.h"
#include "plugins/transport/gst-dtlsenc.h"
#include "tests/harness/dc-test.h"
#include "tests/media-call.h"

#define WATCHDOG_S 60
#define ENOUGH 25 /* frames */

/* --- What is inside ---------------------------------------------------------------------------------------------------------------- */

static GstElement *
find (MediaSide *self, GType type)
{
  g_autoptr (GstIterator) all = gst_bin_iterate_all_by_element_factory_name (
      GST_BIN (self->bin), type == GST_TYPE_DC_DTLS_ENC ? "dtlsenc" : "dtlsdec");
  g_auto (GValue) value = G_VALUE_INIT;
  GstElement *element;

  g_assert_cmpint (gst_iterator_next (all, &value), ==, GST_ITERATOR_OK);
  element = g_value_dup_object (&value);
  g_assert_cmpuint (G_OBJECT_TYPE (element), ==, type);
  return element;
}

/* Each promised what the other sees. */
static void
assert_fingerprint (MediaSide *self)
{
  g_autoptr (GstElement) dec = find (self, GST_TYPE_DC_DTLS_DEC);
  g_autoptr (GstElement) of_other = find (self->other, GST_TYPE_DC_DTLS_DEC);
  g_autofree char *pem = NULL, *seen = NULL, *fingerprint = NULL, *line = NULL;

  g_object_get (dec, "pem", &pem, NULL);
  g_object_get (of_other, "peer-pem", &seen, NULL);
  fingerprint = dc_identity_fingerprint (seen, "sha-256");
  line = g_strdup_printf ("a=fingerprint:sha-256 %s\r\n", fingerprint);
  g_assert_cmpstr (seen, ==, pem);
  g_assert_nonnull (strstr (self->sdp, line));
}

static void
test_data (void)
{
  g_autoptr (MediaCall) call = NULL;
  g_autoptr (GstElement) enc = NULL;

  dc_test_watchdog_start (WATCHDOG_S);
  call = media_call_new ("");
  media_call_talk (call);
  enc = find (&call->caller, GST_TYPE_DC_DTLS_ENC);
  assert_fingerprint (&call->caller);
  assert_fingerprint (&call->called);
  dc_test_watchdog_stop ();
}

static void
on_state (GObject *dec, GParamSpec *spec, gpointer user_data)
{
  g_main_context_wakeup (NULL);
}

static gint
get_state (GstElement *dec)
{
  gint state;

  g_object_get (dec, "connection-state", &state, NULL);
  return state;
}

/* The sink that would send close_notify is stopped before the dtlsenc that has it; the far side hears of it all the same. */
static void
test_stop (void)
{
  g_autoptr (MediaCall) call = NULL;
  g_autoptr (GstElement) dec = NULL;

  dc_test_watchdog_start (WATCHDOG_S);
  call = media_call_new ("");
  media_call_talk (call);
  dec = find (&call->called, GST_TYPE_DC_DTLS_DEC);
  g_signal_connect (dec, "notify::connection-state", G_CALLBACK (on_state), NULL);
  gst_element_set_state (call->caller.pipeline, GST_STATE_NULL);
  dc_test_wait_until (NULL, get_state (dec) == 1);
  dc_test_watchdog_stop ();
}

static void
test_media (void)
{
  const char *missing = media_call_missing ();
  g_autoptr (MediaCall) call = NULL;

  if (missing != NULL) {
    g_autofree char *reason = g_strdup_printf ("there is no %s", missing);
    g_test_skip (reason);
    return;
  }
  dc_test_watchdog_start (WATCHDOG_S);
  call = media_call_new (MEDIA_AUDIO MEDIA_VIDEO);
  dc_test_wait_until (NULL,
      g_atomic_int_get (&call->caller.audio) >= ENOUGH && g_atomic_int_get (&call->caller.video) >= ENOUGH
          && g_atomic_int_get (&call->called.audio) >= ENOUGH && g_atomic_int_get (&call->called.video) >= ENOUGH);
  media_call_talk (call);
  assert_fingerprint (&call->caller);
  dc_test_watchdog_stop ();
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  g_assert_true (gst_dc_dtls_elements_register ());
  g_test_add_func ("/gst-dtls-webrtc/data", test_data);
  g_test_add_func ("/gst-dtls-webrtc/stop", test_stop);
  g_test_add_func ("/gst-dtls-webrtc/media", test_media);
  return g_test_run ();
}
