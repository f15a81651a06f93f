/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-message.c: signaling messages and their JSON, by the vectors and the examples of the specification. */

#include "signaling/protocol/dc-json.h"
#include "signaling/protocol/dc-message.h"
#include "signaling/protocol/dc-signaling-error.h"

#include <math.h>
#include <string.h>

#include "tests/data-file.h"
#include "tests/signaling-vectors.h"

/* (nullable): member @name as it stands there, or member @name_text, which is JSON in a string. */
static char *
get_json (JsonObject *vector, const char *name, const char *name_text)
{
  if (json_object_has_member (vector, name))
    return json_to_text (json_object_get_member (vector, name));
  return g_strdup (json_object_get_string_member_with_default (vector, name_text, NULL));
}

static void
test_valid (void)
{
  g_autoptr (JsonNode) root = signaling_vectors_load ();
  JsonArray *vectors = json_object_get_array_member (json_node_get_object (root), "valid");

  g_assert_cmpuint (json_array_get_length (vectors), >, 40);
  for (guint i = 0; i < json_array_get_length (vectors); i++) {
    JsonObject *vector = json_array_get_object_element (vectors, i);
    g_autofree char *text = get_json (vector, "message", "text");
    g_autofree char *other = get_json (vector, "canonical", "canonical-text");
    g_autoptr (GError) error = NULL;

    g_test_message ("%s", json_object_get_string_member (vector, "name"));
    g_autoptr (DcMessage) message = dc_message_new_from_json (text, -1, &error);
    g_assert_no_error (error);
    g_autofree char *written = dc_message_to_json (message);
    g_assert_cmpstr (written, ==, other ? other : text);
    g_autoptr (JsonNode) node = dc_message_to_node (message);
    g_autoptr (DcMessage) again = dc_message_new_from_node (node, &error);
    g_assert_no_error (error);
    g_autofree char *written_again = dc_message_to_json (again);
    g_assert_cmpstr (written_again, ==, written);
  }
}

static void
test_invalid (void)
{
  g_autoptr (JsonNode) root = signaling_vectors_load ();
  JsonArray *vectors = json_object_get_array_member (json_node_get_object (root), "invalid");

  g_assert_cmpuint (json_array_get_length (vectors), >, 40);
  for (guint i = 0; i < json_array_get_length (vectors); i++) {
    JsonObject *vector = json_array_get_object_element (vectors, i);
    g_autofree char *text = get_json (vector, "message", "text");
    g_autoptr (GError) error = NULL;

    g_test_message ("%s", json_object_get_string_member (vector, "name"));
    g_assert_null (dc_message_new_from_json (text, -1, &error));
    g_assert_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_MESSAGE);
    g_assert_cmpstr (error->message, ==, json_object_get_string_member (vector, "error"));
  }
}

/* The vectors are examples of every type and of every error code. */
static void
test_complete (void)
{
  g_autoptr (JsonNode) root = signaling_vectors_load ();
  JsonArray *vectors = json_object_get_array_member (json_node_get_object (root), "valid");
  guint types = 0, codes = 0;

  for (guint i = 0; i < json_array_get_length (vectors); i++) {
    g_autofree char *text = get_json (json_array_get_object_element (vectors, i), "message", "text");
    g_autoptr (DcMessage) message = dc_message_new_from_json (text, -1, NULL);
    types |= 1u << message->type;
    if (message->type == DC_MESSAGE_ERROR)
      codes |= 1u << message->code;
  }
  g_assert_cmphex (types, ==, (1u << (DC_MESSAGE_ERROR + 1)) - 1);
  g_assert_cmphex (codes, ==, (1u << (DC_CODE_SHUTTING_DOWN + 1)) - 1);
}

static GHashTable *
collect_vectors (void)
{
  g_autoptr (JsonNode) root = signaling_vectors_load ();
  JsonArray *vectors = json_object_get_array_member (json_node_get_object (root), "valid");
  GHashTable *set = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < json_array_get_length (vectors); i++)
    g_hash_table_add (set, get_json (json_array_get_object_element (vectors, i), "message", "text"));
  return set;
}

/* Each example of the specification is a message as the code writes it, and one of the vectors. */
static void
test_specification (void)
{
  g_autofree char *page = data_file_read ("signaling-protocol.md");
  g_autoptr (GHashTable) vectors = collect_vectors ();
  g_auto (GStrv) parts = g_strsplit (page, "```", -1);
  guint examples = 0, types = 0, codes = 0;

  for (guint i = 1; parts[i]; i += 2) {
    if (!g_str_has_prefix (parts[i], "json\n"))
      continue;
    const char *text = parts[i] + strlen ("json\n");
    g_autoptr (GError) error = NULL;
    g_test_message ("%s", text);
    g_autoptr (DcMessage) message = dc_message_new_from_json (text, -1, &error);
    g_assert_no_error (error);
    g_autofree char *written = dc_message_to_json (message);
    g_assert_true (g_hash_table_contains (vectors, written));
    types |= 1u << message->type;
    if (message->type == DC_MESSAGE_ERROR)
      codes |= 1u << message->code;
    examples++;
  }
  g_assert_cmpuint (examples, >, 30);
  g_assert_cmphex (types, ==, (1u << (DC_MESSAGE_ERROR + 1)) - 1);
  g_assert_cmphex (codes, ==, (1u << (DC_CODE_SHUTTING_DOWN + 1)) - 1);
}

static void
assert_refused (const char *text, gssize length)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (dc_message_new_from_json (text, length, &error));
  g_assert_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_MESSAGE);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_cmpuint (strlen (error->message), <, 512);
}

/* What cannot stand in a JSON file. */
static void
test_bytes (void)
{
  static const char nul[] = "{\"type\":\"bye\"\0}";

  assert_refused ("{\"type\":\"bye\xff\"}", -1);
  assert_refused ("{\"type\":\"\xc0\xaf\"}", -1);
  assert_refused ("{\"type\":\"\xed\xa0\x80\"}", -1);
  assert_refused ("\xef\xbb\xbf{\"type\":\"bye\"}", -1);
  assert_refused (nul, sizeof nul - 1);
  assert_refused ("", 0);
  /* A length that ends before the text does. */
  assert_refused ("{\"type\":\"bye\"}", 13);
}

static void
test_too_much (void)
{
  const gsize length = DC_MESSAGE_MAX_LENGTH;
  g_autofree char *brackets = g_malloc (length + 1), *spaces = g_malloc (length + 1);

  memset (brackets, '[', length);
  assert_refused (brackets, (gssize) length);
  for (gsize i = 0; i + 5 <= length; i += 5)
    memcpy (brackets + i, "{\"a\":", 5);
  assert_refused (brackets, (gssize) length);

  memset (spaces, ' ', length + 1);
  memcpy (spaces, "{\"type\":\"bye\"}", 14);
  g_autoptr (DcMessage) message = dc_message_new_from_json (spaces, (gssize) length, NULL);
  g_assert_nonnull (message);
  assert_refused (spaces, (gssize) length + 1);
}

/* An unknown type's name is quoted in the sentence: shortened, on one line, without control characters. */
static void
test_quote (void)
{
  g_autofree char *quoted = dc_signaling_quote ("a\nb\x1b[31m\"\xff"
                                                "c");
  g_autofree char *letters = g_strnfill (1000, 'x');
  g_autofree char *cut = dc_signaling_quote (letters);

  g_assert_cmpstr (quoted, ==,
      "\"a?b?[31m?\xef\xbf\xbd"
      "c\"");
  g_assert_cmpuint (strlen (cut), <, 80);
  g_assert_true (g_str_has_suffix (cut, "...\""));
}

static void
test_names (void)
{
  DcMessageType type;
  DcCode code;

  for (guint i = 0; i <= DC_MESSAGE_ERROR; i++) {
    g_assert_true (dc_message_type_from_string (dc_message_type_to_string ((DcMessageType) i), &type));
    g_assert_cmpint (type, ==, i);
  }
  for (guint i = 0; i <= DC_CODE_SHUTTING_DOWN; i++) {
    g_assert_true (dc_code_from_string (dc_code_to_string ((DcCode) i), &code));
    g_assert_cmpint (code, ==, i);
  }
  g_assert_cmpstr (dc_message_type_to_string (DC_MESSAGE_END_OF_CANDIDATES), ==, "end-of-candidates");
  g_assert_cmpstr (dc_code_to_string (DC_CODE_SHUTTING_DOWN), ==, "shutting-down");
  g_assert_false (dc_message_type_from_string ("Offer", &type));
  g_assert_false (dc_code_from_string ("", &code));
  g_assert_true (dc_message_type_is_numbered (DC_MESSAGE_AWAY));
  g_assert_true (dc_message_type_is_numbered (DC_MESSAGE_BYE));
  g_assert_false (dc_message_type_is_numbered (DC_MESSAGE_ACK));
  g_assert_false (dc_message_type_is_numbered (DC_MESSAGE_WELCOME));
  g_assert_true (dc_message_type_is_relayed (DC_MESSAGE_END_OF_CANDIDATES));
  g_assert_false (dc_message_type_is_relayed (DC_MESSAGE_JOINED));
}

static void
test_peer_names (void)
{
  static const char *const good[] = {"a", "A.b_c-9", "_x", "0", "peer-k7m2p9xa", "x."};
  static const char *const bad[] = {"", ".", "-a", ".a", "a b", "a/b", "\xc3\xa9", "a\n", "a\"", "a\x7f", "a:b", "<a>"};
  g_autofree char *longest = g_strnfill (64, 'a'), *longer = g_strnfill (65, 'a');

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (dc_name_is_valid (good[i]));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (dc_name_is_valid (bad[i]));
  g_assert_true (dc_name_is_valid (longest));
  g_assert_false (dc_name_is_valid (longer));
}

/* Our own callers may hand over what is not UTF-8 (a reason from a C library): the others can still read the message. */
static void
test_writing_bad_text (void)
{
  g_autoptr (DcMessage) message = dc_message_new (DC_MESSAGE_BYE);

  message->reason = g_strdup ("caf\xe9");
  g_autofree char *text = dc_message_to_json (message);
  g_assert_cmpstr (text, ==, "{\"type\":\"bye\",\"reason\":\"caf\xef\xbf\xbd\"}");
}

static void
test_numbers (void)
{
  static const double values[] = {0.1, 1.0 / 3, 1e20, 1e308, 5e-324, -2.5, 123456789.123456789, 9007199254740993.0};
  static const double infinite[] = {INFINITY, -INFINITY, NAN};

  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    g_autoptr (JsonNode) node = json_node_init_double (json_node_alloc (), values[i]);
    g_autofree char *text = json_to_text (node);
    g_autoptr (JsonNode) again = dc_json_parse (text, -1, 64, NULL);
    g_assert_nonnull (again);
    g_assert_true (json_node_get_double (again) == values[i]);
    g_assert_true (signbit (json_node_get_double (again)) == signbit (values[i]));
  }
  for (guint i = 0; i < G_N_ELEMENTS (infinite); i++) {
    g_autoptr (JsonNode) node = json_node_init_double (json_node_alloc (), infinite[i]);
    g_autofree char *text = json_to_text (node);
    g_assert_cmpstr (text, ==, "null");
  }
}

static void
test_depth (void)
{
  static const struct {
    const char *text;
    guint depth;
  } cases[] = {{"1", 0}, {"[]", 1}, {"{}", 1}, {"[1,{\"a\":[]},[]]", 3}, {"{\"a\":1,\"b\":{}}", 2}};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (JsonNode) node = dc_json_parse (cases[i].text, -1, 64, NULL);
    g_assert_cmpuint (dc_json_get_depth (node), ==, cases[i].depth);
  }
}

static void
test_boxed (void)
{
  g_autoptr (DcMessage) message = dc_message_new (DC_MESSAGE_WELCOME);
  GValue value = G_VALUE_INIT;

  g_assert_nonnull (message->peers);
  g_value_init (&value, DC_TYPE_MESSAGE);
  g_value_set_boxed (&value, message);
  g_assert_true (g_value_get_boxed (&value) == message);
  g_value_unset (&value);
  g_assert_cmpint (message->type, ==, DC_MESSAGE_WELCOME);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/message/vectors/valid", test_valid);
  g_test_add_func ("/message/vectors/invalid", test_invalid);
  g_test_add_func ("/message/vectors/complete", test_complete);
  g_test_add_func ("/message/specification", test_specification);
  g_test_add_func ("/message/bytes", test_bytes);
  g_test_add_func ("/message/too-much", test_too_much);
  g_test_add_func ("/message/quote", test_quote);
  g_test_add_func ("/message/names", test_names);
  g_test_add_func ("/message/peer-names", test_peer_names);
  g_test_add_func ("/message/writing-bad-text", test_writing_bad_text);
  g_test_add_func ("/message/boxed", test_boxed);
  g_test_add_func ("/json/numbers", test_numbers);
  g_test_add_func ("/json/depth", test_depth);
  return g_test_run ();
}
