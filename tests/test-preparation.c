/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-preparation.c: what is ready before the first webrtcbin of a process is made. */
#include <gst/gst.h>

#include "plugins/peer/dc-preparation.h"
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

/* Every plugin of which a webrtcbin makes something for a data channel. */
static void
test_plugins (void)
{
  static const char *const factories[] = {"webrtcbin", "rtpbin", "appsrc", "appsink", "queue", "funnel", "nicesrc",
      "nicesink", "rtpfunnel", "dtlssrtpenc", "dtlsdec", "sctpenc", "srtpenc", "srtpdec"};

  g_assert_false (is_loaded ("webrtcbin"));
  g_assert_false (is_loaded ("srtpenc"));
  dc_preparation_begin ();
  dc_preparation_begin ();
  dc_preparation_end ();
  dc_preparation_end ();
  for (guint i = 0; i < G_N_ELEMENTS (factories); i++)
    if (!is_loaded (factories[i]))
      g_error ("%s is not loaded", factories[i]);
}

static gboolean
is_ours (const char *factory_name)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find (factory_name);

  return g_str_has_prefix (g_type_name (gst_element_factory_get_element_type (factory)), "GstDc")
         || g_str_has_prefix (g_type_name (gst_element_factory_get_element_type (factory)), "DcSctp");
}

/* The first of GStreamer's own makes a certificate of RSA: with ours there must be none. */
static void
test_parts (void)
{
  static const char *const factories[] = {"sctpenc", "sctpdec", "dtlsenc", "dtlsdec"};
  gboolean fast = g_strcmp0 (g_getenv ("DC_FAST"), "auto") == 0;

  g_assert_true (dc_preparation_wait () == fast);
  for (guint i = 0; i < G_N_ELEMENTS (factories); i++)
    g_assert_true (is_ours (factories[i]) == fast);
  g_assert_true ((g_type_class_peek (g_type_from_name ("GstDtlsDec")) == NULL) == fast);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  g_test_add_func ("/preparation/plugins", test_plugins);
  g_test_add_func ("/preparation/parts", test_parts);
  return g_test_run ();
}
