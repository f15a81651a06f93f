/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-preparation.c: what is ready before the first webrtcbin of a process is made. */
#include <gst/gst.h>

#include "plugins/peer/dc-peer.h"
#include "plugins/peer/dc-preparation.h"
#include "plugins/transport/dc-transport.h"
#include "tests/harness/dc-test.h"

static gboolean
is_loaded (const char *factory_name)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find (factory_name);
  g_autoptr (GstPlugin) plugin = NULL;

  g_assert_nonnull (factory);
  plugin = gst_plugin_feature_get_plugin (GST_PLUGIN_FEATURE (factory));
  /* Ours are of none. */
  return plugin == NULL || gst_plugin_is_loaded (plugin);
}

static gboolean
is_fast (void)
{
  return dc_fast_get_default () == DC_FAST_AUTO;
}

/* Every plugin of which a webrtcbin makes something for a data channel. */
static void
test_plugins (void)
{
  static const char *const factories[] = {"webrtcbin", "rtpbin", "appsrc", "appsink", "queue", "funnel", "nicesrc",
      "nicesink", "rtpfunnel", "dtlssrtpenc", "dtlsdec", "sctpenc", "srtpenc", "srtpdec"};

  g_assert_false (is_loaded ("webrtcbin"));
  g_assert_false (is_loaded ("srtpenc"));
  dc_preparation_begin (is_fast ());
  dc_preparation_begin (is_fast ());
  dc_preparation_end ();
  dc_preparation_end ();
  for (guint i = 0; i < G_N_ELEMENTS (factories); i++)
    if (!is_loaded (factories[i]))
      g_error ("%s is not loaded", factories[i]);
}

static const char *const parts[] = {"sctpenc", "sctpdec", "dtlsenc", "dtlsdec"};

static gboolean
is_ours (GType type)
{
  return g_str_has_prefix (g_type_name (type), "GstDc");
}

static gboolean
is_registered (const char *factory_name)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find (factory_name);

  return is_ours (gst_element_factory_get_element_type (factory));
}

/* The first of GStreamer's own makes a certificate of RSA: with ours there must be none. */
static void
test_parts (void)
{
  gboolean fast = is_fast ();

  g_assert_true (dc_preparation_wait () == fast);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    g_assert_true (is_registered (parts[i]) == fast);
  g_assert_true ((g_type_class_peek (g_type_from_name ("GstDtlsDec")) == NULL) == fast);
}

static void
assert_made (gboolean ours)
{
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++) {
    g_autoptr (GstElement) element = gst_object_ref_sink (gst_element_factory_make (parts[i], "part"));

    g_assert_true (is_ours (G_OBJECT_TYPE (element)) == ours);
    g_assert_cmpstr (GST_OBJECT_NAME (element), ==, "part");
    g_assert_cmpstr (GST_OBJECT_NAME (gst_element_get_factory (element)), ==, parts[i]);
  }
}

/* With properties that ours has, too, which are set after it was made. */
static void
assert_made_with_properties (gboolean ours)
{
  g_autoptr (GstElement) dec = gst_element_factory_make_full (
      "sctpdec", "name", "part", "sctp-association-id", 77u, "local-sctp-port", 9u, NULL);
  g_autoptr (GstElement) enc =
      gst_element_factory_make_full ("dtlsenc", "connection-id", "it", "is-client", TRUE, NULL);
  g_autofree char *connection_id = NULL;
  gboolean is_client;
  guint id, port;

  gst_object_ref_sink (dec);
  gst_object_ref_sink (enc);
  g_assert_true (is_ours (G_OBJECT_TYPE (dec)) == ours);
  g_object_get (dec, "sctp-association-id", &id, "local-sctp-port", &port, NULL);
  g_object_get (enc, "connection-id", &connection_id, "is-client", &is_client, NULL);
  g_assert_cmpuint (id, ==, 77);
  g_assert_cmpuint (port, ==, 9);
  g_assert_cmpstr (connection_id, ==, "it");
  g_assert_true (is_client);
}

static gpointer
make_on_another_thread (gpointer unused)
{
  assert_made (FALSE);
  return NULL;
}

/* Who comes later may still have ours, and nobody else gets them. */
static void
test_choice (void)
{
  dc_preparation_begin (TRUE);
  g_assert_true (dc_preparation_wait ());
  dc_preparation_end ();
  assert_made (FALSE);
  assert_made_with_properties (FALSE);
  dc_transport_choose (TRUE);
  assert_made (TRUE);
  assert_made_with_properties (TRUE);
  g_thread_join (g_thread_new ("other", make_on_another_thread, NULL));
  dc_transport_choose (FALSE);
  assert_made (FALSE);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  g_test_add_func ("/preparation/plugins", test_plugins);
  g_test_add_func ("/preparation/parts", test_parts);
  g_test_add_func ("/preparation/choice", test_choice);
  return g_test_run ();
}
