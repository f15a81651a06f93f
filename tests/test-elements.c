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
  dc_fake_peer_tell (f.peer, gst_structure_new ("connection-closed", "peer", G_TYPE_STRING, "far", NULL));
  wait_element_message (&f, "datachannel-registered", "id");
  wait_element_message (&f, "datachannel-connecting", "peer");
  wait_element_message (&f, "datachannel-connected", "peer");
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
  "stun-server=stun://s:3478 "                                                                                         \
  "ice-transport-policy=relay connect-timeout=7 tls-ca=/ca.pem polling=true "                                          \
  "turn-servers=<\"turn://u:p@h:3478?transport=tcp\",\"turn://b\"> "

static void
assert_properties_reach_the_peer (const char *description, DcWants expected_wants)
{
  g_auto (DcTestElement) f = {0};
  g_auto (GStrv) turn = NULL;
  DcRole role;
  DcMode mode;
  DcIcePolicy policy;
  DcWants wants;
  guint timeout;
  gboolean polling;

  dc_test_element_launch (&f, description);
  gst_element_set_state (f.pipeline, GST_STATE_PAUSED);
  f.peer = dc_fake_wait_peer ();
  assert_string_property (f.peer, "signaling", "ws://h:1");
  assert_string_property (f.peer, "room", "r");
  assert_string_property (f.peer, "id", "me");
  assert_string_property (f.peer, "remote-peer", "you");
  assert_string_property (f.peer, "label", "l");
  assert_string_property (f.peer, "stun-server", "stun://s:3478");
  assert_string_property (f.peer, "tls-ca", "/ca.pem");
  g_object_get (f.peer, "role", &role, "mode", &mode, "ice-transport-policy", &policy, "wants", &wants,
      "connect-timeout", &timeout, "polling", &polling, "turn-servers", &turn, NULL);
  g_assert_cmpint (role, ==, DC_ROLE_ANSWERER);
  g_assert_cmpint (mode, ==, DC_MODE_RAW);
  g_assert_cmpint (policy, ==, DC_ICE_POLICY_RELAY);
  g_assert_cmpint (wants, ==, expected_wants);
  g_assert_cmpuint (timeout, ==, 7);
  g_assert_true (polling);
  g_assert_cmpuint (g_strv_length (turn), ==, 2);
  g_assert_cmpstr (turn[0], ==, "turn://u:p@h:3478?transport=tcp");
  g_assert_cmpstr (turn[1], ==, "turn://b");
}

static void
test_properties_reach_the_peer (void)
{
  assert_properties_reach_the_peer ("fakesrc ! datachannelsink " ALL_PROPERTIES, DC_WANTS_SEND);
  assert_properties_reach_the_peer ("datachannelsrc " ALL_PROPERTIES " ! fakesink", DC_WANTS_RECEIVE);
}

/* Every property reads back as it was written. */
static void
test_properties_read_back (void)
{
  g_auto (DcTestElement) f = {0};
  GValue turn = G_VALUE_INIT;
  GstElement *element;
  guint timeout;

  dc_test_element_launch (&f, "fakesrc ! datachannelsink " ALL_PROPERTIES);
  element = dc_test_element_get (&f, "dc");
  assert_string_property (element, "signaling", "ws://h:1");
  assert_string_property (element, "peer-id", "me");
  g_object_get (element, "connect-timeout", &timeout, NULL);
  g_assert_cmpuint (timeout, ==, 7);
  g_value_init (&turn, GST_TYPE_ARRAY);
  g_object_get_property (G_OBJECT (element), "turn-servers", &turn);
  g_assert_cmpuint (gst_value_array_get_size (&turn), ==, 2);
  g_assert_cmpstr (g_value_get_string (gst_value_array_get_value (&turn, 1)), ==, "turn://b");
  g_value_unset (&turn);
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
  return g_test_run ();
}
