/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-interop.c: our DcPeer and a program of another stack, which meet through a real daemon. */
#include "tests/interop/dc-interop.h"

#include "tests/harness/dc-test-cut.h"
#include "tests/harness/dc-test.h"

#define WATCHDOG_S 90

void
dc_interop_set_up (DcInterop *fixture, gconstpointer data)
{
  dc_test_watchdog_start (WATCHDOG_S);
  fixture->daemon = dc_test_daemon_new (NULL);
  fixture->dir = dc_test_make_dir ();
  fixture->channels = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_channel_options_free);
}

void
dc_interop_tear_down (DcInterop *fixture, gconstpointer data)
{
  dc_test_cut_set (FALSE);
  g_clear_pointer (&fixture->us, dc_test_peer_free);
  /* With their browsers, which Firefox is for itself alone. */
  if (fixture->them != NULL)
    dc_test_process_kill_all (fixture->them);
  g_clear_pointer (&fixture->them, dc_test_process_free);
  dc_test_remove_dir (fixture->dir);
  g_ptr_array_unref (fixture->channels);
  dc_test_daemon_free (fixture->daemon);
  dc_test_watchdog_stop ();
}

DcChannelOptions *
dc_interop_add_channel (DcInterop *fixture, const char *label)
{
  DcChannelOptions *options = dc_channel_options_new (label);

  options->mode = DC_MODE_RAW;
  g_ptr_array_add (fixture->channels, options);
  return options;
}

/* As for createDataChannel() in a browser. */
static char *
describe_channels (DcInterop *fixture)
{
  GString *json = g_string_new ("[");

  for (guint i = 0; i < fixture->channels->len; i++) {
    const DcChannelOptions *options = g_ptr_array_index (fixture->channels, i);
    g_string_append_printf (json, "%s{\"label\":\"%s\",\"ordered\":%s", i > 0 ? "," : "", options->label,
        options->ordered ? "true" : "false");
    if (options->max_retransmits >= 0)
      g_string_append_printf (json, ",\"maxRetransmits\":%d", options->max_retransmits);
    if (options->max_packet_lifetime >= 0)
      g_string_append_printf (json, ",\"maxPacketLifeTime\":%d", options->max_packet_lifetime);
    if (options->protocol != NULL)
      g_string_append_printf (json, ",\"protocol\":\"%s\"", options->protocol);
    if (options->negotiated)
      g_string_append_printf (json, ",\"negotiated\":true,\"id\":%d", options->id);
    g_string_append_c (json, '}');
  }
  g_string_append_c (json, ']');
  return g_string_free (json, FALSE);
}

static DcTestProcess *
start_them (DcInterop *fixture, const DcInteropCase *test)
{
  g_autofree char *directory = g_test_build_filename (G_TEST_DIST, "interop", NULL);
  g_auto (GStrv) parts = g_strsplit (test->stack->words, "%s", -1);
  g_autofree char *words = g_strjoinv (directory, parts), *channels = describe_channels (fixture);
  g_auto (GStrv) command = g_strsplit (words, " ", -1);
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  /* Nothing of ours: neither our plugin, nor the sanitizer that it may bring. */
  g_autofree char *registry = g_test_build_filename (G_TEST_BUILT, "interop-registry.bin", NULL);
  g_autofree char *own_registry = g_strconcat ("GST_REGISTRY=", registry, NULL);
  g_autofree char *own_dir = g_strconcat ("TMPDIR=", fixture->dir, NULL);
  const char *const env[] = {"GST_PLUGIN_PATH=", "LD_LIBRARY_PATH=", own_registry, own_dir, NULL};

  for (char **word = command; *word != NULL; word++)
    g_ptr_array_add (argv, *word);
  g_ptr_array_add (argv, (char *) dc_test_daemon_get_url (fixture->daemon));
  g_ptr_array_add (argv, (char *) "room");
  g_ptr_array_add (argv, (char *) "them");
  g_ptr_array_add (argv, (char *) (test->we_call ? "answer" : "offer"));
  g_ptr_array_add (argv, channels);
  g_ptr_array_add (argv, NULL);
  return dc_test_process_newv ((const char *const *) argv->pdata, env);
}

static void
start_us (DcInterop *fixture, const DcInteropCase *test)
{
  DcPeer *peer = g_object_new (DC_TYPE_PEER, "signaling", dc_test_daemon_get_url (fixture->daemon), "room", "room",
      "id", "us", "role", test->we_call ? DC_ROLE_OFFERER : DC_ROLE_ANSWERER, NULL);

  for (guint i = 0; i < fixture->channels->len; i++)
    g_assert_true (dc_peer_add_channel (peer, g_ptr_array_index (fixture->channels, i), NULL));
  fixture->us = dc_test_peer_start (peer);
}

void
dc_interop_meet (DcInterop *fixture, gconstpointer data)
{
  fixture->them = start_them (fixture, data);
  dc_test_process_wait_line (fixture->them, "registered");
  start_us (fixture, data);
}

DcChannel *
dc_interop_get_channel (DcInterop *fixture, const char *label)
{
  g_autoptr (GError) error = NULL;
  DcChannel *channel = dc_peer_wait_channel (dc_test_peer_get (fixture->us), label, &error);

  g_assert_no_error (error);
  return channel;
}

DcChannel *
dc_interop_meet_on_one (DcInterop *fixture, gconstpointer data)
{
  dc_interop_add_channel (fixture, "data");
  dc_interop_meet (fixture, data);
  return dc_interop_get_channel (fixture, "data");
}
