/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-mdns-message.c: messages of multicast DNS, byte by byte. */
#include "plugins/peer/dc-mdns-message.h"

#include <string.h>

#define NAME "ab.local"
#define WIRE "\2ab\5local\0"
#define HEADER(flags, questions, answers, others, additional)                                                          \
  "\0\0" flags "\0" questions "\0" answers "\0" others "\0" additional
#define ANSWER HEADER ("\x84\0", "\0", "\1", "\0", "\0")
#define A_1 "\0\1\0\1\0\0\0\x78\0\4\xc0\0\2\1"
#define A_2 "\0\1\0\1\0\0\0\x78\0\4\xc0\0\2\2"
/* With the bit for caches, as answers to a group have it. */
#define AAAA "\0\x1c\x80\1\0\0\0\x78\0\x10\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
/* The denial of all but A, beside which Chromium puts the A. */
#define NSEC "\0\x2f\x80\1\0\0\0\x78\0\5\xc0\x0c\0\1\x40"

static char *
read_all (const char *message, gsize size, const char *name)
{
  /* Of its own, so that a step too far is seen. */
  g_autofree guint8 *copy = g_memdup2 (message, size);
  GList *addresses = dc_mdns_read_answer (copy, size, name);
  GString *all = g_string_new (NULL);

  for (GList *each = addresses; each != NULL; each = each->next) {
    g_autofree char *text = g_inet_address_to_string (each->data);
    g_string_append_printf (all, "%s%s", all->len > 0 ? " " : "", text);
  }
  g_list_free_full (addresses, g_object_unref);
  return g_string_free (all, FALSE);
}

static void
test_query (void)
{
  static const char a[] = "\0\0\0\0\0\1\0\0\0\0\0\0" WIRE "\0\1\0\1",
                    aaaa[] = "\0\0\0\0\0\1\0\0\0\0\0\0" WIRE "\0\x1c\0\1";
  g_autoptr (GBytes) for_a = dc_mdns_make_query (NAME, DC_MDNS_A);
  g_autoptr (GBytes) for_aaaa = dc_mdns_make_query (NAME ".", DC_MDNS_AAAA);

  g_assert_cmpmem (g_bytes_get_data (for_a, NULL), g_bytes_get_size (for_a), a, sizeof a - 1);
  g_assert_cmpmem (g_bytes_get_data (for_aaaa, NULL), g_bytes_get_size (for_aaaa), aaaa, sizeof aaaa - 1);
}

static void
test_names (void)
{
  static const char *const bad[] = {
      "", ".", "local", ".local", "local.", "a..local", "a.locale", "example.com", "a.local.."};
  g_autofree char *label = g_strnfill (63, 'x'), *long_label = g_strnfill (64, 'x');
  g_autofree char *good = g_strdup_printf ("%s.%s.%s.%.55s.LOCAL", label, label, label, label);
  g_autofree char *too_long = g_strdup_printf ("%s.%s.%s.%.56s.local", label, label, label, label);
  g_autofree char *long_labelled = g_strconcat (long_label, ".local", NULL);
  g_autoptr (GBytes) longest = dc_mdns_make_query (good, DC_MDNS_A);

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_null (dc_mdns_make_query (bad[i], DC_MDNS_A));
  g_assert_cmpuint (g_bytes_get_size (longest), ==, 12 + 255 + 4);
  g_assert_null (dc_mdns_make_query (too_long, DC_MDNS_A));
  g_assert_null (dc_mdns_make_query (long_labelled, DC_MDNS_A));
}

typedef struct {
  const char *what, *message;
  gsize size;
  const char *addresses;
} Case;

#define CASE(what, message, addresses)                                                                                 \
  {                                                                                                                    \
    what, message, sizeof message - 1, addresses                                                                       \
  }
static const Case cases[] = {
    CASE ("plain", ANSWER WIRE A_1, "192.0.2.1"),
    CASE ("ipv6", ANSWER WIRE AAAA, "2001:db8::1"),
    CASE ("case", ANSWER "\2aB\5LOCAL\0" A_1, "192.0.2.1"),
    CASE ("question", HEADER ("\x84\0", "\1", "\1", "\0", "\0") WIRE "\0\1\0\1\xc0\x0c" A_1, "192.0.2.1"),
    CASE ("both", HEADER ("\x84\0", "\0", "\2", "\0", "\0") WIRE A_1 "\xc0\x0c" AAAA, "192.0.2.1 2001:db8::1"),
    CASE ("additional", HEADER ("\x84\0", "\0", "\1", "\0", "\1") WIRE NSEC "\xc0\x0c" A_2, "192.0.2.2"),
    CASE ("second-half-by-pointer", HEADER ("\x84\0", "\0", "\2", "\0", "\0") "\2xy\5local\0" A_1 "\2ab\xc0\x0f" A_2,
        "192.0.2.2"),
    CASE ("other-name", ANSWER "\2ac\5local\0" A_1, ""),
    CASE ("longer-name", ANSWER "\2ab\5local\1x\0" A_1, ""),
    CASE ("dot-in-label", ANSWER "\10ab.local\0" A_1, ""),
    CASE ("nul-in-label", ANSWER "\3ab\0\5local\0" A_1, ""),
    CASE ("query", HEADER ("\0\0", "\0", "\1", "\0", "\0") WIRE A_1, ""),
    CASE ("opcode", HEADER ("\x8c\0", "\0", "\1", "\0", "\0") WIRE A_1, ""),
    CASE ("rcode", HEADER ("\x84\3", "\0", "\1", "\0", "\0") WIRE A_1, ""),
    CASE ("other-class", ANSWER WIRE "\0\1\0\3\0\0\0\x78\0\4\xc0\0\2\1", ""),
    CASE ("goodbye", ANSWER WIRE "\0\1\0\1\0\0\0\0\0\4\xc0\0\2\1", ""),
    CASE ("size-of-ipv4", ANSWER WIRE "\0\1\0\1\0\0\0\x78\0\5\xc0\0\2\1\0", ""),
    CASE ("size-of-ipv6", ANSWER WIRE "\0\x1c\0\1\0\0\0\x78\0\4\xc0\0\2\1", ""),
    CASE ("any", ANSWER WIRE "\0\1\0\1\0\0\0\x78\0\4\0\0\0\0", ""),
    CASE ("multicast", ANSWER WIRE "\0\1\0\1\0\0\0\x78\0\4\xe0\0\0\xfb", ""),
    CASE ("pointer-to-itself", ANSWER "\xc0\x0c" A_1, ""),
    CASE ("pointer-loop", ANSWER "\2ab\xc0\x0c" A_1, ""),
    CASE ("pointer-ahead", ANSWER "\xc0\x1c" A_1 WIRE, ""),
    CASE ("pointer-outside", ANSWER "\xff\xff" A_1, ""),
    CASE ("kind-of-label",
        ANSWER "\x42"
               "ab\5local\0" A_1,
        ""),
    CASE ("fewer-than-said", HEADER ("\x84\0", "\0", "\2", "\0", "\0") WIRE A_1, ""),
    CASE ("many-said", "\0\0\x84\0\xff\xff\xff\xff\xff\xff\xff\xff" WIRE A_1, ""),
    CASE ("nothing", HEADER ("\x84\0", "\0", "\0", "\0", "\0"), ""),
};

static void
test_answer (gconstpointer data)
{
  const Case *c = data;
  g_autofree char *addresses = read_all (c->message, c->size, NAME);

  g_assert_cmpstr (addresses, ==, c->addresses);
}

static void
test_cut_off (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    for (gsize size = 0; size < cases[i].size; size++) {
      g_autofree char *addresses = read_all (cases[i].message, size, NAME);
      /* Bytes behind the last record mean nothing. */
      if (!g_str_equal (cases[i].what, "pointer-ahead"))
        g_assert_cmpstr (addresses, ==, "");
    }
  }
}

static void
test_many_addresses (void)
{
  g_autoptr (GByteArray) message = g_byte_array_new ();
  g_autofree char *addresses = NULL;

  g_byte_array_append (message, (const guint8 *) "\0\0\x84\0\0\0\0\xc8\0\0\0\0", 12);
  for (guint i = 0; i < 200; i++) {
    g_byte_array_append (message, (const guint8 *) WIRE, 10);
    g_byte_array_append (message, (const guint8 *) A_1, 14);
    message->data[message->len - 1] = (guint8) i;
  }
  addresses = read_all ((const char *) message->data, message->len, NAME);
  g_assert_cmpstr (addresses, ==, "192.0.2.0 192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6 192.0.2.7");
}

/* Each leads to the one before. */
static void
test_chain_of_pointers (void)
{
  g_autoptr (GByteArray) message = g_byte_array_new ();
  g_autofree char *addresses = NULL;

  g_byte_array_append (
      message, (const guint8 *) "\0\0\x84\0\0\0\0\2\0\0\0\0" WIRE "\0\x10\0\1\0\0\0\x78\x10\0", 12 + 10 + 10);
  for (guint at = message->len; at < 32 + 4096; at += 2) {
    guint to = at == 32 ? 12 : at - 2;
    const guint8 pointer[] = {(guint8) (0xc0 | to >> 8), (guint8) to};
    g_byte_array_append (message, pointer, 2);
  }
  g_byte_array_append (message, (const guint8 *) "\xd0\x1e" A_1, 16);
  addresses = read_all ((const char *) message->data, message->len, NAME);
  g_assert_cmpstr (addresses, ==, "");
  /* Few enough are followed. */
  message->data[message->len - 16] = 0xc0;
  message->data[message->len - 15] = 32 + 2 * 100;
  g_free (addresses);
  addresses = read_all ((const char *) message->data, message->len, NAME);
  g_assert_cmpstr (addresses, ==, "192.0.2.1");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mdns-message/query", test_query);
  g_test_add_func ("/mdns-message/names", test_names);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = g_strconcat ("/mdns-message/answer/", cases[i].what, NULL);
    g_test_add_data_func (path, &cases[i], test_answer);
  }
  g_test_add_func ("/mdns-message/cut-off", test_cut_off);
  g_test_add_func ("/mdns-message/many-addresses", test_many_addresses);
  g_test_add_func ("/mdns-message/chain-of-pointers", test_chain_of_pointers);
  return g_test_run ();
}
