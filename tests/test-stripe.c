/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-stripe.c: pieces of messages put in order, hostile ones included; and how many lanes are taken to be worth it. */
#include "plugins/transport/dc-stripe.h"

#include <string.h>

#include "tests/data-file.h"

#define MAX_MESSAGE 100000u
#define SECOND G_USEC_PER_SEC

/* --- merging --- */

static GBytes *
make_piece (guint32 sequence, const char *text, gboolean is_last)
{
  const DcStripeHeader header = {.sequence = sequence, .stream = 3, .ppid = 51, .is_last = is_last};
  GByteArray *bytes = g_byte_array_new ();

  g_byte_array_set_size (bytes, DC_STRIPE_HEADER);
  dc_stripe_write_header (bytes->data, &header);
  g_byte_array_append (bytes, (const guint8 *) text, (guint) strlen (text));
  return g_byte_array_free_to_bytes (bytes);
}

static gboolean
push_item (DcStripeMerge *merge, guint lane, guint32 ppid, GBytes *bytes)
{
  DcStripeItem item = {.stream = lane == 0 ? 3 : 0, .ppid = ppid, .bytes = bytes};
  g_autoptr (GError) error = NULL;
  gboolean taken = dc_stripe_merge_push (merge, lane, &item, &error);

  g_assert_true (taken == (error == NULL));
  return taken;
}

static gboolean
push (DcStripeMerge *merge, guint lane, guint32 sequence, const char *text, gboolean is_last)
{
  return push_item (merge, lane, DC_STRIPE_PPID, make_piece (sequence, text, is_last));
}

/* @text: (nullable): nothing is due. */
static void
expect (DcStripeMerge *merge, const char *text)
{
  DcStripeItem item;
  gsize size;

  if (text == NULL) {
    g_assert_false (dc_stripe_merge_pop (merge, &item));
    return;
  }
  g_assert_true (dc_stripe_merge_pop (merge, &item));
  g_assert_cmpuint (item.stream, ==, 3);
  g_assert_cmpuint (item.ppid, ==, 51);
  g_bytes_get_data (item.bytes, &size);
  g_assert_cmpmem (g_bytes_get_data (item.bytes, NULL), size, text, strlen (text));
  g_bytes_unref (item.bytes);
}

static void
begin (DcStripeMerge *merge, guint lanes)
{
  dc_stripe_merge_init (merge, MAX_MESSAGE);
  for (guint i = 1; i < lanes; i++)
    dc_stripe_merge_open (merge, i);
}

static void
test_order (void)
{
  DcStripeMerge merge;

  begin (&merge, 3);
  g_assert_true (push (&merge, 1, 1, "one", TRUE));
  g_assert_true (push (&merge, 2, 3, "de", TRUE));
  expect (&merge, NULL);
  g_assert_true (push (&merge, 0, 0, "zero", TRUE));
  expect (&merge, "zero");
  expect (&merge, "one");
  expect (&merge, NULL);
  g_assert_true (push (&merge, 1, 2, "abc", FALSE));
  expect (&merge, "abcde");
  expect (&merge, NULL);
  dc_stripe_merge_clear (&merge);
}

/* What is no piece keeps its place on the main lane: before the first piece, and the end of a stream behind the last. */
static void
test_whole (void)
{
  DcStripeItem reset = {.kind = DC_STRIPE_RESET, .stream = 3}, item;
  DcStripeMerge merge;

  begin (&merge, 2);
  g_assert_true (push (&merge, 1, 1, "second", TRUE));
  g_assert_true (push_item (&merge, 0, 51, g_bytes_new_static ("whole", 5)));
  g_assert_true (push (&merge, 0, 0, "first", TRUE));
  g_assert_true (push (&merge, 0, 3, "fourth", TRUE));
  g_assert_true (dc_stripe_merge_push (&merge, 0, &reset, NULL));
  expect (&merge, "whole");
  expect (&merge, "first");
  expect (&merge, "second");
  expect (&merge, NULL);
  g_assert_true (push (&merge, 1, 2, "third", TRUE));
  expect (&merge, "third");
  expect (&merge, "fourth");
  g_assert_true (dc_stripe_merge_pop (&merge, &item));
  g_assert_cmpint (item.kind, ==, DC_STRIPE_RESET);
  dc_stripe_merge_clear (&merge);
}

/* The end of a stream waits for what has its place before it on other lanes, by a piece that has nothing but its place. */
static void
test_place (void)
{
  DcStripeItem reset = {.kind = DC_STRIPE_RESET, .stream = 3}, item;
  DcStripeMerge merge;

  begin (&merge, 3);
  g_assert_true (push (&merge, 0, 2, "", TRUE));
  g_assert_true (dc_stripe_merge_push (&merge, 0, &reset, NULL));
  expect (&merge, NULL);
  g_assert_true (push (&merge, 2, 1, "last", TRUE));
  expect (&merge, NULL);
  g_assert_true (push (&merge, 1, 0, "first", TRUE));
  expect (&merge, "first");
  expect (&merge, "last");
  g_assert_true (dc_stripe_merge_pop (&merge, &item));
  g_assert_cmpint (item.kind, ==, DC_STRIPE_RESET);
  g_assert_true (push (&merge, 1, 3, "next", TRUE));
  expect (&merge, "next");
  expect (&merge, NULL);
  dc_stripe_merge_clear (&merge);
}

/* Numbers go round. */
static void
test_wrap (void)
{
  DcStripeMerge merge;

  begin (&merge, 2);
  merge.next = G_MAXUINT32;
  g_assert_true (push (&merge, 1, 0, "b", TRUE));
  g_assert_true (push (&merge, 0, G_MAXUINT32, "a", TRUE));
  expect (&merge, "a");
  expect (&merge, "b");
  g_assert_true (push (&merge, 0, 1, "c", TRUE));
  expect (&merge, "c");
  dc_stripe_merge_clear (&merge);
}

static void
test_refused (void)
{
  static const guint8 short_piece[DC_STRIPE_HEADER - 1], bits[DC_STRIPE_HEADER + 1] = {[7] = 2};
  DcStripeMerge merge;

  /* One that came already. */
  begin (&merge, 2);
  g_assert_true (push (&merge, 0, 0, "a", TRUE));
  expect (&merge, "a");
  g_assert_false (push (&merge, 1, 0, "a", TRUE));
  /* Backwards on its lane. */
  g_assert_true (push (&merge, 1, 5, "f", TRUE));
  g_assert_false (push (&merge, 1, 4, "e", TRUE));
  /* Absurd. */
  g_assert_false (push (&merge, 0, 1 << 21, "x", TRUE));
  g_assert_false (push (&merge, 0, G_MAXUINT32 - 5, "x", TRUE));
  /* No pieces. */
  g_assert_false (push_item (&merge, 0, DC_STRIPE_PPID, g_bytes_new_static (short_piece, sizeof short_piece)));
  g_assert_false (push_item (&merge, 0, DC_STRIPE_PPID, g_bytes_new_static (bits, sizeof bits)));
  g_assert_false (push_item (&merge, 0, DC_STRIPE_PPID, NULL));
  g_assert_false (push_item (&merge, 1, 51, g_bytes_new_static ("whole", 5)));
  dc_stripe_merge_clear (&merge);

  /* Left out, which shows when every lane waits. */
  begin (&merge, 3);
  g_assert_true (push (&merge, 0, 1, "b", TRUE));
  g_assert_true (push (&merge, 1, 2, "c", TRUE));
  g_assert_false (push (&merge, 2, 3, "d", TRUE));
  dc_stripe_merge_clear (&merge);
}

/* A message without end comes to one. */
static void
test_too_long (void)
{
  g_autofree char *text = g_strnfill (DC_STRIPE_PIECE, 'x');
  DcStripeMerge merge;
  guint32 sequence = 0;

  begin (&merge, 1);
  while (!merge.is_broken) {
    g_assert_cmpuint (sequence, <, MAX_MESSAGE / DC_STRIPE_PIECE + 2);
    g_assert_true (push (&merge, 0, sequence, text, FALSE));
    sequence++;
    expect (&merge, NULL);
  }
  dc_stripe_merge_clear (&merge);
}

/* Who is ahead is told to wait, and the one that is due never is. */
static void
test_full (void)
{
  g_autofree char *text = g_strnfill (DC_STRIPE_PIECE, 'x');
  DcStripeMerge merge;
  guint32 sequence = 1;
  DcStripeItem item;

  begin (&merge, 2);
  while (!dc_stripe_merge_is_full (&merge, 1)) {
    g_assert_cmpuint (sequence, <, 100);
    g_assert_true (push (&merge, 1, sequence, text, TRUE));
    sequence++;
  }
  g_assert_false (dc_stripe_merge_is_full (&merge, 0));
  g_assert_true (push (&merge, 0, 0, "a", TRUE));
  for (guint n = sequence; n > 0; n--) {
    g_assert_true (dc_stripe_merge_pop (&merge, &item));
    g_bytes_unref (item.bytes);
  }
  g_assert_false (dc_stripe_merge_is_full (&merge, 1));
  expect (&merge, NULL);
  dc_stripe_merge_clear (&merge);
}

/* --- the specification --- */

static GBytes *
from_hex (const char *hex)
{
  GByteArray *bytes = g_byte_array_new ();

  for (; hex[0] != '\0'; hex += 2) {
    guint8 byte = (guint8) (g_ascii_xdigit_value (hex[0]) << 4 | g_ascii_xdigit_value (hex[1]));
    g_byte_array_append (bytes, &byte, 1);
  }
  return g_byte_array_free_to_bytes (bytes);
}

static void
check_vector (JsonObject *vector)
{
  JsonArray *pieces = json_object_get_array_member (vector, "pieces");
  g_autoptr (GBytes) message = from_hex (json_object_get_string_member (vector, "message"));
  DcStripeMerge merge;
  DcStripeItem item;

  begin (&merge, DC_STRIPE_LANES);
  for (guint i = 0; i < json_array_get_length (pieces); i++) {
    JsonObject *piece = json_array_get_object_element (pieces, i);
    guint lane = (guint) json_object_get_int_member (piece, "lane");

    g_assert_false (dc_stripe_merge_pop (&merge, &item));
    g_assert_true (push_item (&merge, lane, DC_STRIPE_PPID, from_hex (json_object_get_string_member (piece, "bytes"))));
  }
  g_assert_true (dc_stripe_merge_pop (&merge, &item));
  g_assert_true (g_bytes_equal (item.bytes, message));
  g_assert_cmpint (item.stream, ==, json_object_get_int_member (vector, "stream"));
  g_assert_cmpint (item.ppid, ==, json_object_get_int_member (vector, "ppid"));
  g_bytes_unref (item.bytes);
  dc_stripe_merge_clear (&merge);
}

static void
test_specification (void)
{
  g_autoptr (JsonNode) root = data_file_parse ("link-vectors.json");
  JsonArray *vectors = json_object_get_array_member (json_node_get_object (root), "pieces");

  g_assert_cmpuint (json_array_get_length (vectors), >, 0);
  for (guint i = 0; i < json_array_get_length (vectors); i++)
    check_vector (json_array_get_object_element (vectors, i));
}

/* --- choosing and growing --- */

static void
test_choose (void)
{
  DcStripeLane lanes[] = {{TRUE, 20000, 12000}, {TRUE, 0, 12000}, {TRUE, 0, 5000}, {FALSE, 0, 90000}};

  g_assert_cmpint (dc_stripe_choose (lanes, 4), ==, 1);
  lanes[1].buffered = 24000;
  g_assert_cmpint (dc_stripe_choose (lanes, 4), ==, 2);
  lanes[2].buffered = 10000;
  g_assert_cmpint (dc_stripe_choose (lanes, 4), ==, 0);
  g_assert_cmpint (dc_stripe_choose (lanes + 1, 2), ==, -1);
}

typedef struct {
  gint64 rtt;
  gdouble losses;     /* a second and lane */
  gdouble rate;       /* bytes a second and lane */
  gdouble bottleneck; /* bytes a second */
  gboolean is_full;
} Model;

/* Returns: in how many of the seconds there was more than one lane; the last number of lanes in @lanes. */
static guint
grow (DcStripeGrowth *growth, const Model *model, guint seconds, guint *lanes)
{
  DcStripeSample sample = {.time = SECOND, .rtt = model->rtt, .is_full = model->is_full};
  gdouble lost = 0, delivered = 0;
  guint n = 1, several = 0;

  for (guint i = 0; i < seconds * 50; i++) {
    sample.time += SECOND / 50;
    lost += model->losses * n / 50;
    delivered += MIN (model->rate * n, model->bottleneck) / 50;
    sample.lost = (guint64) lost;
    sample.delivered = (guint64) delivered;
    n = dc_stripe_growth_update (growth, &sample);
    several += i % 50 == 0 && n > 1;
  }
  *lanes = n;
  return several;
}

static void
test_growth (void)
{
  const Model lossy = {50000, 2.5, 3e5, 1e9, TRUE}, full = {50000, 1, 1e6, 1.1e6, TRUE};
  const Model still[] = {{50000, 0, 3e5, 1e9, TRUE}, {5000, 3, 3e5, 1e9, TRUE}, {50000, 3, 3e5, 1e9, FALSE}};
  DcStripeGrowth growth;
  guint lanes;

  dc_stripe_growth_init (&growth, 8, FALSE);
  grow (&growth, &lossy, 10, &lanes);
  g_assert_cmpuint (lanes, ==, 8);
  dc_stripe_growth_init (&growth, 3, FALSE);
  grow (&growth, &lossy, 10, &lanes);
  g_assert_cmpuint (lanes, ==, 3);
  /* What does not help is tried less and less. */
  dc_stripe_growth_init (&growth, 8, FALSE);
  g_assert_cmpuint (grow (&growth, &full, 600, &lanes), <, 30);
  for (guint i = 0; i < G_N_ELEMENTS (still); i++) {
    dc_stripe_growth_init (&growth, 8, FALSE);
    g_assert_cmpuint (grow (&growth, &still[i], 30, &lanes), ==, 0);
  }
  dc_stripe_growth_init (&growth, 5, TRUE);
  grow (&growth, &still[0], 1, &lanes);
  g_assert_cmpuint (lanes, ==, 5);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stripe/order", test_order);
  g_test_add_func ("/stripe/whole", test_whole);
  g_test_add_func ("/stripe/place", test_place);
  g_test_add_func ("/stripe/wrap", test_wrap);
  g_test_add_func ("/stripe/refused", test_refused);
  g_test_add_func ("/stripe/too-long", test_too_long);
  g_test_add_func ("/stripe/full", test_full);
  g_test_add_func ("/stripe/specification", test_specification);
  g_test_add_func ("/stripe/choose", test_choose);
  g_test_add_func ("/stripe/growth", test_growth);
  return g_test_run ();
}
