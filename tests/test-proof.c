/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-proof.c: CPace against its draft's vectors, and the proof of a secret between two sides, honest or not. */
#include <string.h>

#include "plugins/peer/dc-cpace.h"
#include "plugins/peer/dc-error.h"
#include "plugins/peer/dc-proof.h"
#include "tests/data-file.h"

#define ALICE "AA:AA"
#define BOB "BB:BB"
#define MALLORY "CC:CC"

static GBytes *
from_hex (const char *hex)
{
  gsize size = strlen (hex) / 2;
  guint8 *bytes = g_malloc (size + 1);

  for (gsize i = 0; i < size; i++)
    bytes[i] = (guint8) (g_ascii_xdigit_value (hex[2 * i]) << 4 | g_ascii_xdigit_value (hex[2 * i + 1]));
  return g_bytes_new_take (bytes, size);
}

static const guint8 *
data_of (GBytes *bytes)
{
  return g_bytes_get_data (bytes, NULL);
}

static void
assert_hex (gconstpointer bytes, gsize size, const char *hex)
{
  g_autoptr (GBytes) expected = from_hex (hex);

  g_assert_cmpmem (bytes, size, data_of (expected), g_bytes_get_size (expected));
}

/* --- CPace ----------------------------------------------------------------------------------------------------------------------- */

/* draft-irtf-cfrg-cpace, appendix "Test vector for CPace using group ristretto255 and hash SHA-512", parallel execution. */
static void
test_vectors (void)
{
  static const char key_hex[] = "544199d71f62f8d9a1fee55727e24fe4a45844593c2b6013c4fa3969d0e5debb"
                                "2244675c0b43397cbb68d342b01fc0f98fc961469a25134de9f0f813c1a57476";
  g_autoptr (GBytes) secret = g_bytes_new_static ("Password", 8);
  g_autoptr (GBytes) channel = from_hex ("0b415f696e69746961746f720b425f726573706f6e646572");
  g_autoptr (GBytes) sid = from_hex ("7e4b4791d6a8ef019b936c79fb7f2c57");
  g_autoptr (GBytes) ya = from_hex ("da3d23700a9e5699258aef94dc060dfda5ebb61f02a5ea77fad53f4ff0976d08");
  g_autoptr (GBytes) yb = from_hex ("d2316b454718c35362d83d69df6320f38578ed5984651435e2949762d900b80d");
  g_autoptr (GBytes) data_a = g_bytes_new_static ("ADa", 3), data_b = g_bytes_new_static ("ADb", 3);
  guint8 key[DC_CPACE_KEY_SIZE];
  DcCpace a, b;

  g_assert_true (dc_cpace_init (&a, secret, channel, sid, data_of (ya)));
  g_assert_true (dc_cpace_init (&b, secret, channel, sid, data_of (yb)));
  assert_hex (a.share, sizeof a.share, "d6bac480f2c386c394efc7c47adb9925dcd2630b64f240c50f8d0eec482b9157");
  assert_hex (b.share, sizeof b.share, "3ea7e0b19560d7c0b0f5734f63b955286dfa8232b5ebe63324e2d9e7433f7258");
  g_assert_true (dc_cpace_derive (&a, data_a, b.share, data_b, key));
  assert_hex (key, sizeof key, key_hex);
  g_assert_true (dc_cpace_derive (&b, data_b, a.share, data_a, key));
  assert_hex (key, sizeof key, key_hex);
  dc_cpace_clear (&a);
  dc_cpace_clear (&b);
}

/* The neutral element, and what is no point at all. */
static void
test_bad_points (void)
{
  static const guint8 neutral[DC_CPACE_SHARE_SIZE];
  guint8 nonsense[DC_CPACE_SHARE_SIZE], key[DC_CPACE_KEY_SIZE];
  g_autoptr (GBytes) secret = g_bytes_new_static ("x", 1), none = g_bytes_new (NULL, 0);
  DcCpace cpace;

  memset (nonsense, 0xff, sizeof nonsense);
  g_assert_true (dc_cpace_init (&cpace, secret, none, none, NULL));
  g_assert_false (dc_cpace_derive (&cpace, NULL, neutral, NULL, key));
  g_assert_false (dc_cpace_derive (&cpace, NULL, nonsense, NULL, key));
  dc_cpace_clear (&cpace);
}

static void
test_lengths (void)
{
  static const guint8 bytes[300];
  static const struct {
    gsize size;
    const char *hex;
  } cases[] = {{0, "00"}, {4, "04"}, {127, "7f"}, {128, "8001"}, {300, "ac02"}};

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GByteArray) array = g_byte_array_new ();
    dc_cpace_append (array, bytes, cases[i].size);
    g_assert_cmpuint (array->len, ==, strlen (cases[i].hex) / 2 + cases[i].size);
    assert_hex (array->data, strlen (cases[i].hex) / 2, cases[i].hex);
  }
}

/* --- Two sides ------------------------------------------------------------------------------------------------------------------ */

/* Carries one message over, if there is one. FALSE with an error: it was refused. */
static gboolean
carry (DcProof *from, DcProof *to, GError **error)
{
  g_autoptr (GBytes) message = dc_proof_poll (from);

  return message == NULL || dc_proof_receive (to, message, error);
}

static void
assert_agree (DcProof *a, DcProof *b)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (carry (a, b, &error));
  g_assert_true (carry (b, a, &error));
  g_assert_false (dc_proof_is_done (a));
  g_assert_true (carry (a, b, &error));
  g_assert_true (dc_proof_is_done (b));
  g_assert_true (carry (b, a, &error));
  g_assert_true (dc_proof_is_done (a));
  g_assert_null (dc_proof_poll (a));
  g_assert_null (dc_proof_poll (b));
}

static void
test_agree (void)
{
  g_autoptr (DcProof) alice = dc_proof_new ("correct horse", ALICE, BOB, "data", NULL);
  g_autoptr (DcProof) bob = dc_proof_new ("correct horse", BOB, ALICE, "data", NULL);

  assert_agree (alice, bob);
}

typedef struct {
  const char *path, *secret, *local, *remote, *label;
} Other;

static const Other others[] = {
    {"secret", "battery staple", BOB, ALICE, "data"},
    {"no-secret-like-it", "correct hors", BOB, ALICE, "data"},
    {"middle", "correct horse", BOB, MALLORY, "data"},
    {"label", "correct horse", BOB, ALICE, "other"},
    {"swapped-parts", "correct horse", BOB ":", "AA:A", "data"},
};

/* Both see it, and neither is done. */
static void
test_differ (gconstpointer data)
{
  const Other *other = data;
  g_autoptr (DcProof) alice = dc_proof_new ("correct horse", ALICE, BOB, "data", NULL);
  g_autoptr (DcProof) bob = dc_proof_new (other->secret, other->local, other->remote, other->label, NULL);
  g_autoptr (GError) at_alice = NULL, at_bob = NULL;

  g_assert_true (carry (alice, bob, NULL));
  g_assert_true (carry (bob, alice, NULL));
  g_assert_false (carry (alice, bob, &at_bob));
  g_assert_false (carry (bob, alice, &at_alice));
  g_assert_error (at_alice, DC_ERROR, DC_ERROR_IDENTITY);
  g_assert_error (at_bob, DC_ERROR, DC_ERROR_IDENTITY);
  g_assert_false (dc_proof_is_done (alice) || dc_proof_is_done (bob));
}

/* What we said ourselves proves nothing. */
static void
test_reflected (void)
{
  g_autoptr (DcProof) alice = dc_proof_new ("correct horse", ALICE, BOB, "data", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (carry (alice, alice, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_IDENTITY);
}

static void
test_out_of_turn (void)
{
  g_autoptr (DcProof) alice = dc_proof_new ("correct horse", ALICE, BOB, "data", NULL);
  g_autoptr (DcProof) bob = dc_proof_new ("correct horse", BOB, ALICE, "data", NULL);
  g_autoptr (GBytes) share = dc_proof_poll (alice);
  g_autoptr (GBytes) confirmation = NULL;

  g_assert_true (carry (bob, alice, NULL));
  confirmation = dc_proof_poll (alice);
  g_assert_false (dc_proof_receive (bob, confirmation, NULL));
  g_assert_true (dc_proof_receive (bob, share, NULL));
  g_assert_false (dc_proof_receive (bob, share, NULL));
  g_assert_true (dc_proof_receive (bob, confirmation, NULL));
  g_assert_true (dc_proof_is_done (bob));
  g_assert_false (dc_proof_receive (bob, confirmation, NULL));
}

static void
test_nonsense (void)
{
  static const char *const messages[] = {"", "44", "44435046", "4443504601010000", "4443504602010000",
      "444350460101000000000000000000000000000000000000000000000000000000000000000000000", "0101000000000000"};
  g_autoptr (DcProof) alice = dc_proof_new ("correct horse", ALICE, BOB, "data", NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (messages); i++) {
    g_autoptr (GBytes) message = from_hex (messages[i]);
    g_autoptr (GError) error = NULL;
    g_assert_false (dc_proof_receive (alice, message, &error));
    g_assert_error (error, DC_ERROR, DC_ERROR_IDENTITY);
  }
}

/* --- The vectors of the specification --------------------------------------------------------------------------------------------- */

static DcProof *
side_from (JsonObject *run, const char *name, const char *far)
{
  JsonObject *side = json_object_get_object_member (run, name);
  JsonObject *other = json_object_get_object_member (run, far);
  g_autoptr (GBytes) scalar = from_hex (json_object_get_string_member (side, "scalar"));

  return dc_proof_new (json_object_get_string_member (run, "secret"),
      json_object_get_string_member (side, "fingerprint"), json_object_get_string_member (other, "fingerprint"),
      json_object_get_string_member (run, "label"), data_of (scalar));
}

/* Takes @from's next message to @to, and it is the one that the specification has. */
static void
carry_vector (DcProof *from, DcProof *to, JsonObject *run, const char *name, const char *member)
{
  g_autoptr (GBytes) message = dc_proof_poll (from);
  g_autoptr (GError) error = NULL;

  assert_hex (data_of (message), g_bytes_get_size (message),
      json_object_get_string_member (json_object_get_object_member (run, name), member));
  dc_proof_receive (to, message, &error);
  g_assert_no_error (error);
}

static void
test_specification (void)
{
  g_autoptr (JsonNode) root = data_file_parse ("link-vectors.json");
  JsonArray *runs = json_object_get_array_member (json_node_get_object (root), "proofs");

  g_assert_cmpuint (json_array_get_length (runs), >, 0);
  for (guint i = 0; i < json_array_get_length (runs); i++) {
    JsonObject *run = json_array_get_object_element (runs, i);
    g_autoptr (DcProof) a = side_from (run, "a", "b"), b = side_from (run, "b", "a");
    carry_vector (a, b, run, "a", "share");
    carry_vector (b, a, run, "b", "share");
    carry_vector (a, b, run, "a", "confirmation");
    carry_vector (b, a, run, "b", "confirmation");
    g_assert_true (dc_proof_is_done (a) && dc_proof_is_done (b));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cpace/vectors", test_vectors);
  g_test_add_func ("/cpace/bad-points", test_bad_points);
  g_test_add_func ("/cpace/lengths", test_lengths);
  g_test_add_func ("/proof/agree", test_agree);
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++) {
    g_autofree char *path = g_strconcat ("/proof/differ/", others[i].path, NULL);
    g_test_add_data_func (path, &others[i], test_differ);
  }
  g_test_add_func ("/proof/reflected", test_reflected);
  g_test_add_func ("/proof/out-of-turn", test_out_of_turn);
  g_test_add_func ("/proof/nonsense", test_nonsense);
  g_test_add_func ("/proof/specification", test_specification);
  return g_test_run ();
}
