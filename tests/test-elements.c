/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-elements.c: what datachannelsink and datachannelsrc share: their properties and their messages. */
#include <string.h>

#include "plugins/gstdatachannelsink.h"
#include "plugins/gstdatachannelsrc.h"
#include "tests/harness/dc-test-element.h"
#include "tests/harness/dc-test.h"

#define SINK "fakesrc ! datachannelsink name=dc"

/* --- Messages ------------------------------------------------------------------------------------------------------------------- */

static void
wait_element_message (DcTestElement *f, const char *name, const char *field)
{
  g_autoptr (GstMessage) message = dc_test_element_wait_message (f, GST_MESSAGE_ELEMENT);

  g_assert_true (gst_message_has_name (message, name));
  g_assert_true (gst_structure_has_field_typed (gst_message_get_structure (message), field, G_TYPE_STRING));
}

static void
test_messages (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_launch (&f, SINK);
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  f.peer = dc_fake_wait_peer ();
  dc_fake_peer_tell (f.peer, gst_structure_new ("registered", "id", G_TYPE_STRING, "a", NULL));
  dc_fake_peer_tell (f.peer, gst_structure_new ("ice-state", "peer", G_TYPE_STRING, "far", NULL));
  dc_fake_peer_tell (f.peer, gst_structure_new ("called", "peer", G_TYPE_STRING, "far", NULL));
  dc_fake_peer_tell (f.peer, gst_structure_new ("channel-open", "peer", G_TYPE_STRING, "far", NULL));
  dc_fake_peer_tell (f.peer, gst_structure_new ("connection-lost", "peer", G_TYPE_STRING, "far", NULL));
  dc_fake_peer_tell (f.peer, gst_structure_new ("connection-resumed", "peer", G_TYPE_STRING, "far", NULL));
  dc_fake_peer_tell (f.peer, gst_structure_new ("connection-closed", "peer", G_TYPE_STRING, "far", NULL));
  wait_element_message (&f, "datachannel-registered", "id");
  wait_element_message (&f, "datachannel-connecting", "peer");
  wait_element_message (&f, "datachannel-connected", "peer");
  wait_element_message (&f, "datachannel-suspended", "peer");
  wait_element_message (&f, "datachannel-resumed", "peer");
  wait_element_message (&f, "datachannel-peer-left", "peer");
}

static void
test_one_warning_while_the_server_is_away (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_launch (&f, SINK);
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  f.peer = dc_fake_wait_peer ();
  for (guint i = 0; i < 3; i++)
    dc_fake_peer_tell (f.peer, gst_structure_new ("signaling-lost", "reason", G_TYPE_STRING, "no answer", NULL));
  g_assert_true (dc_test_element_has_message (&f, GST_MESSAGE_WARNING));
  g_assert_false (dc_test_element_has_message (&f, GST_MESSAGE_WARNING));
  dc_fake_peer_tell (f.peer, gst_structure_new_empty ("registered"));
  dc_fake_peer_tell (f.peer, gst_structure_new ("signaling-lost", "reason", G_TYPE_STRING, "no answer", NULL));
  g_assert_true (dc_test_element_has_message (&f, GST_MESSAGE_WARNING));
}

/* --- Properties ----------------------------------------------------------------------------------------------------------------- */

static void
assert_string_property (gpointer object, const char *name, const char *expected)
{
  g_autofree char *value = NULL;

  g_object_get (object, name, &value, NULL);
  g_assert_cmpstr (value, ==, expected);
}

#define ALL_PROPERTIES                                                                                                 \
  "name=dc signaling=ws://h:1 room=r peer-id=me remote-peer=you role=answerer label=l mode=raw "                       \
  "stun-server=stun://s:3478 ice-transport-policy=relay connect-timeout=7 resume-timeout=8 tls-ca=/ca.pem "            \
  "proxy=h:2 ice-tcp=true interface=eth0 port-range=5-6 fast=auto certificate=/own.pem polling=true token=ticket "     \
  "secret=horse "                                                                                                      \
  "stats-interval=9 "                                                                                                  \
  "protocol=chat ordered=false max-retransmits=3 "                                                                     \
  "negotiated=true "                                                                                                   \
  "channel-id=5 max-message-size=1000 window=70000 streams=6 "                                                         \
  "turn-servers=<\"turn://u:p@h:3478?transport=tcp\",\"turn://b\"> "

static void
assert_uint_property (gpointer object, const char *name, guint expected)
{
  guint value;

  g_object_get (object, name, &value, NULL);
  g_assert_cmpuint (value, ==, expected);
}

static void
assert_connection_properties (DcPeer *peer)
{
  g_auto (GStrv) turn = NULL;
  DcRole role;
  DcIcePolicy policy;
  DcFast fast;
  gboolean polling, once, tcp;

  assert_string_property (peer, "signaling", "ws://h:1");
  assert_string_property (peer, "room", "r");
  assert_string_property (peer, "id", "me");
  assert_string_property (peer, "remote-peer", "you");
  assert_string_property (peer, "stun-server", "stun://s:3478");
  assert_string_property (peer, "tls-ca", "/ca.pem");
  assert_string_property (peer, "proxy", "h:2");
  assert_string_property (peer, "certificate", "/own.pem");
  assert_string_property (peer, "interface", "eth0");
  assert_string_property (peer, "port-range", "5-6");
  assert_string_property (peer, "token", "ticket");
  assert_string_property (peer, "secret", "horse");
  assert_uint_property (peer, "connect-timeout", 7);
  assert_uint_property (peer, "resume-timeout", 8);
  assert_uint_property (peer, "stats-interval", 9);
  assert_uint_property (peer, "max-connections", 1);
  g_object_get (peer, "role", &role, "ice-transport-policy", &policy, "polling", &polling, "once", &once, "ice-tcp",
      &tcp, "turn-servers", &turn, "fast", &fast, NULL);
  g_assert_cmpint (role, ==, DC_ROLE_ANSWERER);
  g_assert_cmpint (policy, ==, DC_ICE_POLICY_RELAY);
  g_assert_cmpint (fast, ==, DC_FAST_AUTO);
  g_assert_true (polling);
  g_assert_true (once);
  g_assert_true (tcp);
  g_assert_cmpuint (g_strv_length (turn), ==, 2);
  g_assert_cmpstr (turn[0], ==, "turn://u:p@h:3478?transport=tcp");
  g_assert_cmpstr (turn[1], ==, "turn://b");
}

static void
assert_channel_properties (const DcChannelOptions *options, DcDirection expected_wants)
{
  g_assert_cmpstr (options->label, ==, "l");
  g_assert_cmpint (options->mode, ==, DC_MODE_RAW);
  g_assert_cmpint (options->wants, ==, expected_wants);
  g_assert_cmpstr (options->protocol, ==, "chat");
  g_assert_false (options->ordered);
  g_assert_cmpint (options->max_retransmits, ==, 3);
  g_assert_cmpint (options->max_packet_lifetime, ==, -1);
  g_assert_true (options->negotiated);
  g_assert_cmpint (options->id, ==, 5);
  g_assert_cmpuint (options->max_message_size, ==, 1000);
  g_assert_cmpuint (options->window, ==, 70000);
  g_assert_cmpuint (options->streams, ==, 6);
}

static void
assert_properties_reach_the_peer (const char *description, DcDirection expected_wants)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_launch (&f, description);
  gst_element_set_state (f.pipeline, GST_STATE_PAUSED);
  f.peer = dc_fake_wait_peer ();
  assert_connection_properties (f.peer);
  g_assert_cmpuint (dc_fake_peer_count_options (f.peer), ==, 1);
  assert_channel_properties (dc_fake_peer_get_options (f.peer, 0), expected_wants);
}

static void
test_properties_reach_the_peer (void)
{
  assert_properties_reach_the_peer ("fakesrc ! datachannelsink " ALL_PROPERTIES, DC_DIRECTION_SEND);
  assert_properties_reach_the_peer ("datachannelsrc " ALL_PROPERTIES " ! fakesink", DC_DIRECTION_RECEIVE);
}

/* Every property reads back as it was written. */
static void
test_properties_read_back (void)
{
  g_auto (DcTestElement) f = {0};
  GValue turn = G_VALUE_INIT;
  GstElement *element;
  int id;

  dc_test_element_launch (&f, "fakesrc ! datachannelsink session=s " ALL_PROPERTIES);
  element = dc_test_element_get (&f, "dc");
  assert_string_property (element, "signaling", "ws://h:1");
  assert_string_property (element, "peer-id", "me");
  assert_string_property (element, "protocol", "chat");
  assert_string_property (element, "session", "s");
  assert_uint_property (element, "connect-timeout", 7);
  assert_uint_property (element, "window", 70000);
  assert_uint_property (element, "stats-interval", 9);
  g_object_get (element, "channel-id", &id, NULL);
  g_assert_cmpint (id, ==, 5);
  g_value_init (&turn, GST_TYPE_ARRAY);
  g_object_get_property (G_OBJECT (element), "turn-servers", &turn);
  g_assert_cmpuint (gst_value_array_get_size (&turn), ==, 2);
  g_assert_cmpstr (g_value_get_string (gst_value_array_get_value (&turn, 1)), ==, "turn://b");
  g_value_unset (&turn);
}

/* Both elements have the same ones, with the same defaults. */
static void
test_properties_are_alike (void)
{
  g_autoptr (GTypeClass) sink = g_type_class_ref (GST_TYPE_DATA_CHANNEL_SINK);
  g_autoptr (GTypeClass) src = g_type_class_ref (GST_TYPE_DATA_CHANNEL_SRC);
  static const char *const names[] = {"signaling", "room", "peer-id", "remote-peer", "role", "stun-server",
      "turn-servers", "ice-transport-policy", "label", "protocol", "mode", "ordered", "max-retransmits",
      "max-packet-lifetime", "negotiated", "channel-id", "max-message-size", "window", "streams", "connect-timeout",
      "resume-timeout", "session", "token", "secret", "stats", "stats-interval", "tls-ca", "proxy", "polling",
      "ice-tcp", "interface", "port-range", "fast", "certificate", "uri"};

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    GParamSpec *a = g_object_class_find_property (G_OBJECT_CLASS (sink), names[i]);
    GParamSpec *b = g_object_class_find_property (G_OBJECT_CLASS (src), names[i]);
    g_assert_nonnull (a);
    g_assert_nonnull (b);
    g_assert_cmpint (a->flags, ==, b->flags);
    g_assert_cmpstr (g_param_spec_get_blurb (a), ==, g_param_spec_get_blurb (b));
    g_assert_true (g_param_values_cmp (a, g_param_spec_get_default_value (a), g_param_spec_get_default_value (b)) == 0);
  }
}

/* Whoever can look at a pipeline need not learn it. */
static void
test_secret_is_not_shown (void)
{
  g_auto (DcTestElement) f = {0};
  GParamSpec *spec;

  dc_test_element_launch (&f, "fakesrc ! datachannelsink name=dc secret=horse uri=datachannel://h/r?token=ticket");
  spec = g_object_class_find_property (G_OBJECT_GET_CLASS (dc_test_element_get (&f, "dc")), "secret");
  g_assert_false (spec->flags & G_PARAM_READABLE);
  assert_string_property (dc_test_element_get (&f, "dc"), "uri", "datachannel://h:8443/r");
}

/* The names in the first column of README.md's table of properties. (transfer full) */
static GHashTable *
read_documented (void)
{
  g_autofree char *path = g_build_filename (g_getenv ("DC_SRCDIR"), "README.md", NULL), *text = NULL;
  g_autoptr (GRegex) row = g_regex_new ("^\\| (`[^|]*) \\|", G_REGEX_MULTILINE, 0, NULL);
  GHashTable *names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  const char *table;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  table = strstr (text, "| Property |");
  g_assert_nonnull (table);
  *strstr (table, "\n\n") = '\0';
  for (g_regex_match (row, table, 0, &match); g_match_info_matches (match); g_match_info_next (match, NULL)) {
    g_autofree char *cell = g_match_info_fetch (match, 1);
    g_auto (GStrv) parts = g_strsplit (cell, "`", -1);
    for (guint i = 1; i < g_strv_length (parts); i += 2)
      g_hash_table_add (names, g_strdup (parts[i]));
  }
  return names;
}

/* Each of our properties, once. */
static void
assert_documented (GType type, GHashTable *documented, GHashTable *known)
{
  g_autoptr (GTypeClass) klass = g_type_class_ref (type);
  guint n;
  g_autofree GParamSpec **specs = g_object_class_list_properties (G_OBJECT_CLASS (klass), &n);

  for (guint i = 0; i < n; i++) {
    if (specs[i]->owner_type != type)
      continue;
    if (!g_hash_table_contains (documented, specs[i]->name))
      g_error ("README.md does not name the property %s of %s", specs[i]->name, g_type_name (type));
    g_hash_table_add (known, g_strdup (specs[i]->name));
  }
}

static void
test_properties_documented (void)
{
  g_autoptr (GHashTable) documented = read_documented ();
  g_autoptr (GHashTable) known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GHashTableIter iter;
  gpointer name;

  assert_documented (GST_TYPE_DATA_CHANNEL_SINK, documented, known);
  assert_documented (GST_TYPE_DATA_CHANNEL_SRC, documented, known);
  g_hash_table_iter_init (&iter, documented);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    if (!g_hash_table_contains (known, name))
      g_error ("README.md names the property %s, which no element has", (char *) name);
}

static void
test_contradictions (void)
{
  static const struct {
    const char *properties, *sentence;
  } cases[] = {
      {"mode=raw max-retransmits=1 max-packet-lifetime=1",
          "the channel \"data\": a limit on retransmissions and one on the lifetime of packets exclude each other"},
      {"ordered=false",
          "the channel \"data\": the link protocol needs an ordered, reliable channel of its own protocol that is "
          "announced in band; other kinds are for raw mode"},
      {"mode=raw negotiated=true",
          "the channel \"data\": an id, 0 to 1023, is for negotiated channels, and they need one"},
      {"uri=nonsense://h/r",
          "The address \"nonsense://h/r\" cannot be used: it must begin with datachannel:// or, for TLS, "
          "datachannels://"},
      {"session=s max-receivers=2",
          "In the session \"s\" a sink can have only one receiver: set max-receivers to 1, or no session"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (DcTestElement) f = {0};
    g_autofree char *description = g_strdup_printf ("fakesrc ! datachannelsink name=dc %s", cases[i].properties);
    dc_test_element_launch (&f, description);
    g_assert_cmpint (gst_element_set_state (f.pipeline, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
    dc_test_element_wait_error (&f, GST_RESOURCE_ERROR_SETTINGS, cases[i].sentence);
  }
}

/* As made, and again when NULL takes the place of something else. */
static void
assert_defaults (const char *signaling)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_launch (&f, SINK);
  for (guint i = 0; i < 2; i++) {
    GstElement *element = dc_test_element_get (&f, "dc");
    assert_string_property (element, "signaling", signaling);
    assert_string_property (element, "room", "default");
    assert_string_property (element, "label", "data");
    assert_string_property (element, "peer-id", NULL);
    g_object_set (element, "signaling", "ws://h:1", "room", "r", "label", "l", "peer-id", "me", NULL);
    g_object_set (element, "signaling", NULL, "room", NULL, "label", NULL, "peer-id", NULL, NULL);
  }
  gst_element_set_state (f.pipeline, GST_STATE_PAUSED);
  f.peer = dc_fake_wait_peer ();
  assert_string_property (f.peer, "signaling", signaling);
}

static void
test_properties_default (void)
{
  g_unsetenv ("DC_SIGNALING");
  assert_defaults (DC_PEER_DEFAULT_SIGNALING);
  g_setenv ("DC_SIGNALING", "", TRUE);
  assert_defaults (DC_PEER_DEFAULT_SIGNALING);
  g_setenv ("DC_SIGNALING", "wss://elsewhere", TRUE);
  assert_defaults ("wss://elsewhere");
  g_unsetenv ("DC_SIGNALING");
}

/* --- URIs ------------------------------------------------------------------------------------------------------------------------ */

static GstElement *
make_from_uri (GstURIType type, const char *uri)
{
  g_autoptr (GError) error = NULL;
  GstElement *element = gst_element_make_from_uri (type, uri, NULL, &error);

  g_assert_no_error (error);
  return gst_object_ref_sink (element);
}

static void
test_uri_sets_properties (void)
{
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GstElement) element =
        make_from_uri (i == 0 ? GST_URI_SINK : GST_URI_SRC, "datachannel://h:1/cam?remote-peer=a%26b&role=offerer&"
                                                            "mode=raw&label=x%20y&turn-servers=%3Cturn%3A%2F%2Fa%3E");
    GValue turn = G_VALUE_INIT;
    DcRole role;
    DcMode mode;
    g_assert_cmpstr (G_OBJECT_TYPE_NAME (element), ==, i == 0 ? "GstDataChannelSink" : "GstDataChannelSrc");
    assert_string_property (element, "signaling", "ws://h:1");
    assert_string_property (element, "room", "cam");
    assert_string_property (element, "remote-peer", "a&b");
    assert_string_property (element, "label", "x y");
    g_object_get (element, "role", &role, "mode", &mode, NULL);
    g_assert_cmpint (role, ==, DC_ROLE_OFFERER);
    g_assert_cmpint (mode, ==, DC_MODE_RAW);
    g_value_init (&turn, GST_TYPE_ARRAY);
    g_object_get_property (G_OBJECT (element), "turn-servers", &turn);
    g_assert_cmpuint (gst_value_array_get_size (&turn), ==, 1);
    g_assert_cmpstr (g_value_get_string (gst_value_array_get_value (&turn, 0)), ==, "turn://a");
    g_value_unset (&turn);
  }
}

static void
test_uri_servers (void)
{
  static const struct {
    const char *uri, *signaling, *room;
  } cases[] = {
      {"datachannel://127.0.0.1:9000/r", "ws://127.0.0.1:9000", "r"},
      {"datachannel://host", "ws://host:8443", "default"},
      {"datachannel://host/", "ws://host:8443", "default"},
      {"datachannels://host/r", "wss://host:8443", "r"},
      {"datachannel://[::1]:9000/r", "ws://[::1]:9000", "r"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstElement) element = make_from_uri (GST_URI_SINK, cases[i].uri);
    assert_string_property (element, "signaling", cases[i].signaling);
    assert_string_property (element, "room", cases[i].room);
  }
}

/* What it reads as sets another element to the same; secrets stay where they are. */
static void
test_uri_reads_back (void)
{
  g_auto (DcTestElement) f = {0};
  g_autofree char *uri = NULL, *again = NULL;
  g_autoptr (GstElement) other = NULL;

  dc_test_element_launch (&f, "fakesrc ! datachannelsink session=s " ALL_PROPERTIES);
  g_object_get (dc_test_element_get (&f, "dc"), "uri", &uri, NULL);
  g_assert_true (g_str_has_prefix (uri, "datachannel://h:1/r?peer-id=me&"));
  g_assert_null (strstr (uri, "secret"));
  other = make_from_uri (GST_URI_SINK, uri);
  g_object_get (other, "uri", &again, NULL);
  g_assert_cmpstr (again, ==, uri);
  assert_string_property (other, "protocol", "chat");
  assert_uint_property (other, "window", 70000);
  g_object_set (other, "uri", "datachannels://x/y", NULL);
  assert_string_property (other, "signaling", "wss://x:8443");
}

static void
test_uri_refused (void)
{
  static const struct {
    const char *uri;
    GstURIError code;
  } cases[] = {
      {"http://h/r", GST_URI_ERROR_UNSUPPORTED_PROTOCOL},
      {"datachannel:///r", GST_URI_ERROR_BAD_URI},
      {"datachannel://h/r/s", GST_URI_ERROR_BAD_URI},
      {"datachannel://user@h/r", GST_URI_ERROR_BAD_URI},
      {"datachannel://h:70000/r", GST_URI_ERROR_BAD_URI},
      {"datachannel://h/r?color=red", GST_URI_ERROR_BAD_REFERENCE},
      {"datachannel://h/r?role=king", GST_URI_ERROR_BAD_REFERENCE},
      {"datachannel://h/r?window=1", GST_URI_ERROR_BAD_REFERENCE},
      {"datachannel://h/r?streams=9", GST_URI_ERROR_BAD_REFERENCE},
      {"datachannel://h/r?name=x", GST_URI_ERROR_BAD_REFERENCE},
      {"datachannel://h/r?stats=x", GST_URI_ERROR_BAD_REFERENCE},
  };
  g_autoptr (GstElement) element = make_from_uri (GST_URI_SINK, "datachannel://first/r");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_false (gst_uri_handler_set_uri (GST_URI_HANDLER (element), cases[i].uri, &error));
    g_assert_error (error, GST_URI_ERROR, (int) cases[i].code);
    assert_string_property (element, "signaling", "ws://first:8443");
  }
}

/* A good one makes up for a bad one, whichever way they come. */
static void
test_uri_set_anew (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (GError) error = NULL;

  dc_test_element_launch (&f, "fakesrc ! datachannelsink name=dc uri=nonsense://h/r");
  g_assert_true (
      gst_uri_handler_set_uri (GST_URI_HANDLER (dc_test_element_get (&f, "dc")), "datachannel://second/r", &error));
  g_assert_no_error (error);
  assert_string_property (dc_test_element_get (&f, "dc"), "signaling", "ws://second:8443");
  g_assert_cmpint (gst_element_set_state (f.pipeline, GST_STATE_PAUSED), !=, GST_STATE_CHANGE_FAILURE);
  f.peer = dc_fake_wait_peer ();
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (&argc, &argv);
  GST_ELEMENT_REGISTER (datachannelsink, NULL);
  GST_ELEMENT_REGISTER (datachannelsrc, NULL);

  g_test_add_func ("/messages", test_messages);
  g_test_add_func ("/one-warning", test_one_warning_while_the_server_is_away);
  g_test_add_func ("/properties/reach-the-peer", test_properties_reach_the_peer);
  g_test_add_func ("/properties/read-back", test_properties_read_back);
  g_test_add_func ("/properties/default", test_properties_default);
  g_test_add_func ("/properties/documented", test_properties_documented);
  g_test_add_func ("/properties/alike", test_properties_are_alike);
  g_test_add_func ("/properties/contradictions", test_contradictions);
  g_test_add_func ("/uri/sets-properties", test_uri_sets_properties);
  g_test_add_func ("/uri/servers", test_uri_servers);
  g_test_add_func ("/uri/reads-back", test_uri_reads_back);
  g_test_add_func ("/uri/refused", test_uri_refused);
  g_test_add_func ("/uri/set-anew", test_uri_set_anew);
  g_test_add_func ("/properties/secret-is-not-shown", test_secret_is_not_shown);
  return g_test_run ();
}
