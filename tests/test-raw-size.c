/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-raw-size.c: messages on raw channels as long as both sides say that they take them, and no longer. The descriptions are carried by the test, which can have
 * a side say what it does not mean. */
#include <string.h>

#include "plugins/peer/dc-peer.h"
#include "tests/harness/dc-test-peer.h"
#include "tests/harness/dc-test.h"

#define WATCHDOG_S 60
#define KIB 1024u
#define MIB (1024u * 1024)
#define ATTRIBUTE "a=max-message-size:"

typedef struct {
  DcTestPeer *alice, *bob; /* alice offers */
  DcChannel *at_alice, *at_bob;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  dc_test_watchdog_start (WATCHDOG_S);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_clear_object (&fixture->at_alice);
  g_clear_object (&fixture->at_bob);
  g_clear_pointer (&fixture->alice, dc_test_peer_free);
  g_clear_pointer (&fixture->bob, dc_test_peer_free);
  dc_test_wait_no_channel ();
  dc_test_watchdog_stop ();
}

static DcPeer *
make_peer (DcRole role, DcFast fast, guint max_message_size)
{
  g_autoptr (DcChannelOptions) options = dc_channel_options_new ("raw");
  DcPeer *peer = g_object_new (DC_TYPE_PEER, "signaling", "manual:", "role", role, "fast", fast, NULL);
  g_autoptr (GError) error = NULL;

  options->mode = DC_MODE_RAW;
  options->max_message_size = max_message_size;
  dc_peer_add_channel (peer, options, &error);
  g_assert_no_error (error);
  return peer;
}

typedef struct {
  DcPeer *to;
  char *says; /* (nullable): in the place of the size that @to is told; empty: nothing is */
} Carrier;

static void
carrier_free (gpointer data, GClosure *closure)
{
  Carrier *carrier = data;

  g_free (carrier->says);
  g_free (carrier);
}

/* A line of SDP, in JSON. */
static char *
forge (const char *text, const char *says)
{
  const char *line = strstr (text, ATTRIBUTE), *end;
  g_autofree char *replacement = NULL;

  g_assert_nonnull (line);
  end = strstr (line, "\\r\\n");
  g_assert_nonnull (end);
  replacement = *says != '\0' ? g_strdup_printf (ATTRIBUTE "%s\\r\\n", says) : g_strdup ("");
  return g_strdup_printf ("%.*s%s%s", (int) (line - text), text, replacement, end + strlen ("\\r\\n"));
}

static void
carry (DcPeer *from, const char *text, gboolean complete, gpointer user_data)
{
  const Carrier *carrier = user_data;
  g_autofree char *carried = carrier->says != NULL ? forge (text, carrier->says) : g_strdup (text);
  g_autoptr (GError) error = NULL;

  if (!complete)
    return;
  dc_peer_take_description (carrier->to, carried, &error);
  g_assert_no_error (error);
}

static void
carry_between (DcPeer *from, DcPeer *to, const char *says)
{
  Carrier carrier = {to, g_strdup (says)};

  g_signal_connect_data (
      from, "description", G_CALLBACK (carry), g_memdup2 (&carrier, sizeof carrier), carrier_free, 0);
}

/* @bob_says: what alice is told that he takes; (nullable): the truth. */
static void
meet (Fixture *fixture, DcFast fast, guint alice_takes, guint bob_takes, const char *bob_says)
{
  DcPeer *alice = make_peer (DC_ROLE_OFFERER, fast, alice_takes);
  DcPeer *bob = make_peer (DC_ROLE_ANSWERER, fast, bob_takes);

  carry_between (alice, bob, NULL);
  carry_between (bob, alice, bob_says);
  fixture->bob = dc_test_peer_start (bob);
  fixture->alice = dc_test_peer_start (alice);
  fixture->at_alice = dc_test_peer_wait_channel (fixture->alice);
  fixture->at_bob = dc_test_peer_wait_channel (fixture->bob);
}

static guint8
pattern (gsize i)
{
  return (guint8) (i * 31 + (i >> 8) + (i >> 16));
}

static gboolean
send (DcChannel *channel, gsize size, GError **error)
{
  guint8 *data = g_malloc (size);
  g_autoptr (GBytes) bytes = g_bytes_new_take (data, size);

  for (gsize i = 0; i < size; i++)
    data[i] = pattern (i);
  return dc_channel_send (channel, bytes, FALSE, error);
}

static void
assert_sends (DcChannel *channel, gsize size)
{
  g_autoptr (GError) error = NULL;

  send (channel, size, &error);
  g_assert_no_error (error);
}

static void
assert_receives (DcChannel *channel, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = dc_channel_receive (channel, NULL, &error);
  const guint8 *data;
  gsize got;

  g_assert_no_error (error);
  g_assert_nonnull (bytes);
  data = g_bytes_get_data (bytes, &got);
  g_assert_cmpuint (got, ==, size);
  for (gsize i = 0; i < size; i++)
    if (data[i] != pattern (i))
      g_error ("byte %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " is not what was sent", i, size);
}

/* Nothing of it is sent, and the channel goes on. */
static void
assert_refused (DcChannel *from, DcChannel *to, gsize size)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (send (from, size, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_DATA);
  g_assert_nonnull (strstr (error->message, "larger than"));
  assert_sends (from, 10);
  assert_receives (to, 10);
}

static void
test_both_say_so (Fixture *fixture, gconstpointer data)
{
  const gsize size = GPOINTER_TO_SIZE (data);

  meet (fixture, DC_FAST_AUTO, size, size, NULL);
  g_assert_cmpuint (dc_channel_get_max_message_size (fixture->at_alice), ==, size);
  for (guint i = 0; i < 3; i++) {
    assert_sends (fixture->at_alice, size - i);
    assert_sends (fixture->at_bob, size - i);
  }
  for (guint i = 0; i < 3; i++) {
    assert_receives (fixture->at_bob, size - i);
    assert_receives (fixture->at_alice, size - i);
  }
  assert_refused (fixture->at_alice, fixture->at_bob, size + 1);
}

/* The lesser counts, either way. */
static void
test_one_does_not (Fixture *fixture, gconstpointer data)
{
  meet (fixture, DC_FAST_AUTO, MIB, 256 * KIB, NULL);
  g_assert_cmpuint (dc_channel_get_max_message_size (fixture->at_alice), ==, 256 * KIB);
  g_assert_cmpuint (dc_channel_get_max_message_size (fixture->at_bob), ==, 256 * KIB);
  assert_refused (fixture->at_alice, fixture->at_bob, MIB);
  assert_refused (fixture->at_bob, fixture->at_alice, 256 * KIB + 1);
}

/* RFC 8841, section 6.1: then it is 64 KiB. */
static void
test_nothing_said (Fixture *fixture, gconstpointer data)
{
  meet (fixture, DC_FAST_AUTO, MIB, MIB, "");
  g_assert_cmpuint (dc_channel_get_max_message_size (fixture->at_alice), ==, 64 * KIB);
  g_assert_cmpuint (dc_channel_get_max_message_size (fixture->at_bob), ==, MIB);
}

/* Who takes any size gets what we are to send at most. */
static void
test_any_size (Fixture *fixture, gconstpointer data)
{
  meet (fixture, DC_FAST_AUTO, MIB, MIB, "0");
  g_assert_cmpuint (dc_channel_get_max_message_size (fixture->at_alice), ==, MIB);
  assert_sends (fixture->at_alice, MIB);
  assert_receives (fixture->at_bob, MIB);
}

/* Bob takes 256 KiB, and what alice sends is longer: he ends it, and says why, and she hears that it was him. */
static void
test_too_long (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) at_bob = NULL, at_alice = NULL;
  g_autoptr (GBytes) bytes = NULL;

  meet (fixture, DC_FAST_AUTO, 4 * MIB, 256 * KIB, "4194304");
  assert_sends (fixture->at_alice, 256 * KIB);
  assert_receives (fixture->at_bob, 256 * KIB);
  assert_sends (fixture->at_alice, 4 * MIB);
  bytes = dc_channel_receive (fixture->at_bob, NULL, &at_bob);
  g_assert_null (bytes);
  g_assert_error (at_bob, DC_ERROR, DC_ERROR_DATA);
  g_assert_nonnull (strstr (at_bob->message, "a longer message than the 262144 bytes"));
  bytes = dc_channel_receive (fixture->at_alice, NULL, &at_alice);
  g_assert_null (bytes);
}

/* GStreamer's elements would cut it. */
static void
test_without_the_fast_path (void)
{
  g_autoptr (DcPeer) usual = make_peer (DC_ROLE_OFFERER, DC_FAST_OFF, 256 * KIB);
  g_autoptr (DcPeer) more = make_peer (DC_ROLE_OFFERER, DC_FAST_OFF, 256 * KIB + 1);
  g_autoptr (GError) error = NULL;

  carry_between (usual, more, NULL);
  carry_between (more, usual, NULL);
  g_assert_false (dc_peer_start (more, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_USAGE);
  g_assert_nonnull (strstr (error->message, "the fast path"));
  g_clear_error (&error);
  g_assert_true (dc_peer_start (usual, &error));
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
#define ADD(name, data, func) g_test_add ("/raw-size/" name, Fixture, data, set_up, func, tear_down)
  ADD ("both-say-so/1-mib", GSIZE_TO_POINTER (MIB), test_both_say_so);
  ADD ("both-say-so/4-mib", GSIZE_TO_POINTER (4 * MIB), test_both_say_so);
  ADD ("one-does-not", NULL, test_one_does_not);
  ADD ("nothing-said", NULL, test_nothing_said);
  ADD ("any-size", NULL, test_any_size);
  ADD ("too-long", NULL, test_too_long);
  g_test_add_func ("/raw-size/without-the-fast-path", test_without_the_fast_path);
  return g_test_run ();
}
