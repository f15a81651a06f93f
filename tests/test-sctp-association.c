/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sctp-association.c: what two associations say to each other over good wires and bad ones, and how they hold each other back. */
#include "tests/sctp-pair.h"

#include <string.h>

#define KIB 1024u

static const SctpWire bad_wire = {.delay = 1000, .loss = 0.05, .reordering = 0.05, .repetition = 0.05};

static const gsize sizes[] = {
    1, 2, 3, 4, 1000, 1148, 1164, 1165, 1193, 4 * KIB, 16 * KIB + 1, 64 * KIB, 256 * KIB - 1, 256 * KIB};

/* --- messages --- */

static void
exchange (SctpPair *pair)
{
  for (guint round = 0; round < 3; round++)
    for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
      for (guint from = 0; from < 2; from++)
        sctp_end_send_pattern (&pair->ends[from], (guint16) (from + 1), i, sizes[i]);
  for (guint round = 0; round < 3; round++)
    for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
      for (guint from = 0; from < 2; from++)
        sctp_end_take_pattern (&pair->ends[1 - from], (guint16) (from + 1), i, sizes[i]);
}

static void
test_sizes (void)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, 1);
  DcSctpStats stats;

  sctp_pair_connect (pair);
  exchange (pair);
  for (guint i = 0; i < 2; i++) {
    dc_sctp_association_get_stats (pair->ends[i].association, &stats);
    g_assert_cmpuint (stats.messages_sent, ==, 3 * G_N_ELEMENTS (sizes));
    g_assert_cmpuint (stats.messages_received, ==, 3 * G_N_ELEMENTS (sizes));
    g_assert_cmpuint (stats.bytes_received, ==, stats.bytes_sent);
    g_assert_cmpuint (stats.packets_sent, >, stats.bytes_sent / 1192);
    g_assert_cmpuint (stats.congestion_window, >, 0);
    g_assert_cmpuint (sctp_end_get_figures (&pair->ends[i]).largest, <=, 1192);
    g_assert_cmpuint (sctp_end_get_figures (&pair->ends[i]).largest, >, 1188);
  }
  sctp_pair_free (pair);
}

static void
test_bad_wire (void)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, 2);
  DcSctpStats stats;

  sctp_pair_set_wire (pair, &bad_wire);
  sctp_pair_connect (pair);
  exchange (pair);
  dc_sctp_association_get_stats (pair->ends[0].association, &stats);
  g_assert_cmpuint (stats.packets_retransmitted, >, 0);
  sctp_pair_free (pair);
}

/* What is sent on one stream comes in order, whatever is between. */
static void
test_streams (void)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, 3);
  guint next[8] = {0};

  sctp_pair_set_wire (pair, &bad_wire);
  sctp_pair_connect (pair);
  for (guint i = 0; i < 400; i++)
    sctp_end_send_pattern (&pair->ends[0], (guint16) (i % 8 * 127), i / 8, 1 + i * 37 % 5000);
  for (guint i = 0; i < 400; i++) {
    SctpMessage *message = sctp_end_take (&pair->ends[1]);
    guint stream = message->stream / 127;
    guint number = next[stream]++;
    gsize size = 1 + (number * 8 + stream) * 37 % 5000;
    g_autofree guint8 *bytes = sctp_pattern (number, size);

    g_assert_cmpmem (g_bytes_get_data (message->bytes, NULL), g_bytes_get_size (message->bytes), bytes, size);
    sctp_message_free (message);
  }
  sctp_pair_free (pair);
}

/* All come, with all that was said of them, in whatever order: for which the wire is long and loses. */
static void
test_unordered (void)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, 4);
  gboolean seen[200] = {FALSE};
  guint early = 0, last = 0;

  sctp_pair_set_wire (pair, &bad_wire);
  sctp_pair_connect (pair);
  for (guint i = 0; i < 200; i++) {
    DcSctpSendInfo info = {.stream = 7, .ppid = 1000 + i, .unordered = TRUE};
    g_autofree guint8 *bytes = sctp_pattern (i, 900);

    g_assert_cmpint (
        sctp_end_send_wait (&pair->ends[0], pair->ends[0].association, &info, bytes, 900), ==, DC_SCTP_SENT);
  }
  for (guint i = 0; i < 200; i++) {
    SctpMessage *message = sctp_end_take (&pair->ends[1]);
    guint number = message->ppid - 1000;
    g_autofree guint8 *bytes = sctp_pattern (number, 900);

    g_assert_true (message->unordered);
    g_assert_cmpuint (message->stream, ==, 7);
    g_assert_cmpuint (number, <, 200);
    g_assert_false (seen[number]);
    g_assert_cmpmem (g_bytes_get_data (message->bytes, NULL), g_bytes_get_size (message->bytes), bytes, 900);
    seen[number] = TRUE;
    early += number < last;
    last = MAX (last, number);
    sctp_message_free (message);
  }
  g_assert_cmpuint (early, >, 0);
  sctp_pair_free (pair);
}

/* Small messages that cannot leave at once, since the first have not arrived, share packets. */
static void
test_bundling (void)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, 5);
  guint before;

  sctp_pair_connect (pair);
  sctp_end_hold (&pair->ends[1], TRUE);
  before = sctp_end_get_figures (&pair->ends[0]).packets;
  for (guint i = 0; i < 2000; i++)
    sctp_end_send_pattern (&pair->ends[0], 1, i, 64);
  sctp_end_hold (&pair->ends[1], FALSE);
  for (guint i = 0; i < 2000; i++)
    sctp_end_take_pattern (&pair->ends[1], 1, i, 64);
  g_assert_cmpuint (sctp_end_get_figures (&pair->ends[0]).packets - before, <, 500);
  sctp_pair_free (pair);
}

static gpointer
send_quickly (gpointer data)
{
  for (guint i = 0; i < 20000; i++)
    sctp_end_send_pattern (data, 1, i, 1 + i % 200);
  return NULL;
}

/* Small messages as fast as they can be sent are held for a moment; the last of them, too, leaves all the same, and they keep their order. */
static void
test_quick (void)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, 5);
  GThread *threads[2];

  sctp_pair_connect (pair);
  for (guint from = 0; from < 2; from++)
    threads[from] = g_thread_new ("sender", send_quickly, &pair->ends[from]);
  for (guint i = 0; i < 20000; i++)
    for (guint from = 0; from < 2; from++)
      sctp_end_take_pattern (&pair->ends[1 - from], 1, i, 1 + i % 200);
  for (guint from = 0; from < 2; from++)
    g_thread_join (threads[from]);
  g_test_message ("40000 messages in %u packets",
      sctp_end_get_figures (&pair->ends[0]).packets + sctp_end_get_figures (&pair->ends[1]).packets);
  sctp_pair_free (pair);
}

/* --- partial reliability --- */

/* Sent once and not again: what the wire loses is lost; what follows is not held up by it. */
static void
test_retransmits (void)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, 6);
  const SctpWire wire = {.delay = 1000, .loss = 0.1};
  guint n = 0;

  sctp_pair_connect (pair);
  sctp_pair_set_wire (pair, &wire);
  for (guint i = 0; i < 300; i++) {
    DcSctpSendInfo info = {.stream = 1, .ppid = 53, .reliability = DC_SCTP_RETRANSMITS, .limit = 0};
    guint8 bytes[1100] = {0};

    g_assert_cmpint (
        sctp_end_send_wait (&pair->ends[0], pair->ends[0].association, &info, bytes, sizeof bytes), ==, DC_SCTP_SENT);
  }
  sctp_end_send (&pair->ends[0], 1, "last", 4);
  for (;; n++) {
    SctpMessage *message = sctp_end_take (&pair->ends[1]);
    gboolean last = g_bytes_get_size (message->bytes) == 4;

    sctp_message_free (message);
    if (last)
      break;
  }
  g_assert_cmpuint (n, >, 0);
  g_assert_cmpuint (n, <, 300);
  sctp_pair_free (pair);
}

/* What could not be given in time is not given any more: the wire is cut until everything has been sent again once, after 200 ms at least. */
static void
test_lifetime (void)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, 7);
  DcSctpSendInfo info = {.stream = 1, .ppid = 53, .reliability = DC_SCTP_LIFETIME, .limit = 50};
  SctpMessage *message;

  sctp_pair_connect (pair);
  g_assert_cmpint (dc_sctp_association_send (pair->ends[0].association, &info, "first", 5), ==, DC_SCTP_SENT);
  sctp_end_wait_messages (&pair->ends[1], 1);
  sctp_message_free (sctp_end_take (&pair->ends[1]));

  sctp_end_cut (&pair->ends[0], TRUE);
  for (guint i = 0; i < 20; i++)
    g_assert_cmpint (dc_sctp_association_send (pair->ends[0].association, &info, "late", 4), ==, DC_SCTP_SENT);
  sctp_end_send (&pair->ends[0], 1, "reliable", 8);
  sctp_end_wait_packets (&pair->ends[0], sctp_end_get_figures (&pair->ends[0]).packets + 1);
  sctp_end_cut (&pair->ends[0], FALSE);
  message = sctp_end_take (&pair->ends[1]);
  g_assert_cmpmem (g_bytes_get_data (message->bytes, NULL), g_bytes_get_size (message->bytes), "reliable", 8);
  sctp_message_free (message);
  sctp_pair_free (pair);
}

/* --- back-pressure --- */

/* As much as a window and a buffer hold, and no more; when it is wanted again, everything comes. */
static void
test_held_back (void)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, 8);
  DcSctpSendInfo info = {.stream = 1, .ppid = 53};
  g_autofree guint8 *bytes = g_malloc0 (64 * KIB);
  DcSctpSettings settings;
  DcSctpStats stats;
  guint n = 0, round;

  dc_sctp_settings_init (&settings);
  sctp_pair_connect (pair);
  sctp_end_accept (&pair->ends[1], 3);
  /* Room that comes free while the window fills does not count: until there was no more for a while of virtual time. */
  for (round = 0; round < 2;) {
    while (dc_sctp_association_send (pair->ends[0].association, &info, bytes, 64 * KIB) == DC_SCTP_SENT)
      n++;
    dc_sctp_association_get_stats (pair->ends[0].association, &stats);
    if (stats.remote_window < 64 * KIB)
      round++;
    else
      sctp_end_wait_writable (&pair->ends[0], sctp_end_get_figures (&pair->ends[0]).writable + 1);
  }
  g_assert_cmpuint (sctp_end_get_figures (&pair->ends[1]).messages, ==, 3);
  g_assert_cmpuint (n, >=, 64);
  g_assert_cmpuint (n * 64 * KIB, <=, settings.receive_window + settings.send_buffer + KIB * KIB);

  sctp_end_accept (&pair->ends[1], 5);
  sctp_end_wait_messages (&pair->ends[1], 8);
  sctp_end_accept (&pair->ends[1], -1);
  sctp_end_wait_messages (&pair->ends[1], n);
  sctp_end_send (&pair->ends[0], 1, "more", 4);
  sctp_end_wait_messages (&pair->ends[1], n + 1);
  sctp_pair_free (pair);
}

/* WOULD_BLOCK is followed by one writable(), after which there is room. */
static void
test_writable (void)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, 9);
  DcSctpSendInfo info = {.stream = 1, .ppid = 53};
  g_autofree guint8 *bytes = g_malloc0 (16 * KIB);
  guint n = 0, blocked = 0;

  pair->ends[1].keep = FALSE;
  sctp_pair_connect (pair);
  while (blocked < 20) {
    DcSctpSent sent = dc_sctp_association_send (pair->ends[0].association, &info, bytes, 16 * KIB);

    if (sent == DC_SCTP_SENT) {
      n++;
    } else {
      g_assert_cmpint (sent, ==, DC_SCTP_WOULD_BLOCK);
      sctp_end_wait_writable (&pair->ends[0], ++blocked);
      g_assert_cmpuint (sctp_end_get_figures (&pair->ends[0]).writable, ==, blocked);
      g_assert_cmpint (dc_sctp_association_send (pair->ends[0].association, &info, bytes, 16 * KIB), ==, DC_SCTP_SENT);
      n++;
    }
  }
  sctp_end_wait_messages (&pair->ends[1], n);
  sctp_pair_free (pair);
}

/* Answered from inside the callback. */
static void
echo (gpointer data, gpointer user_data)
{
  SctpMessage *message = data;
  SctpEnd *end = user_data;
  DcSctpSendInfo info = {.stream = message->stream, .ppid = message->ppid};
  gsize size;
  gconstpointer bytes = g_bytes_get_data (message->bytes, &size);

  g_assert_cmpint (dc_sctp_association_send (end->association, &info, bytes, size), ==, DC_SCTP_SENT);
}

static void
test_echo (void)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, 11);

  sctp_pair_connect (pair);
  pair->ends[1].received = echo;
  for (guint i = 0; i < 100; i++) {
    sctp_end_send_pattern (&pair->ends[0], 1, i, 1 + i * 100);
    sctp_end_take_pattern (&pair->ends[0], 1, i, 1 + i * 100);
  }
  sctp_pair_free (pair);
}

/* --- what is refused --- */

static void
test_refused (void)
{
  SctpPair *pair = sctp_pair_new (NULL, NULL, 12);
  DcSctpSendInfo info = {.stream = 1, .ppid = 53}, no_stream = {.stream = 1024, .ppid = 53};
  gsize size = 8 * KIB * KIB;
  g_autofree guint8 *bytes = g_malloc0 (size);
  guint8 garbage[200];
  DcPacket packet = {garbage, sizeof garbage};
  DcSctpStats stats;

  g_assert_cmpint (dc_sctp_association_send (pair->ends[0].association, &info, "x", 1), ==, DC_SCTP_WOULD_BLOCK);
  sctp_pair_connect (pair);
  sctp_end_wait_writable (&pair->ends[0], 1);
  g_assert_cmpint (dc_sctp_association_send (pair->ends[0].association, &info, bytes, size), ==, DC_SCTP_TOO_LONG);
  g_assert_cmpint (dc_sctp_association_send (pair->ends[0].association, &no_stream, "x", 1), ==, DC_SCTP_CLOSED);

  /* While the thread that brings what is real stands still. */
  sctp_end_stop (&pair->ends[0]);
  for (guint i = 0; i < sizeof garbage; i++)
    garbage[i] = (guint8) (i * 13);
  for (packet.size = 0; packet.size <= sizeof garbage; packet.size++)
    dc_sctp_association_input (pair->ends[0].association, &packet, 1);
  dc_sctp_association_get_stats (pair->ends[0].association, &stats);
  g_assert_cmpuint (stats.packets_bad, ==, sizeof garbage);
  g_assert_cmpint (dc_sctp_association_get_state (pair->ends[0].association), ==, DC_SCTP_UP);
  sctp_pair_free (pair);
}

/* Longer than we said that we take. */
static void
test_too_long (void)
{
  DcSctpSettings settings;
  SctpPair *pair;

  dc_sctp_settings_init (&settings);
  settings.max_message_size = 16 * KIB;
  settings.receive_window = 64 * KIB;
  pair = sctp_pair_new (NULL, &settings, 13);
  sctp_pair_connect (pair);
  sctp_end_send_pattern (&pair->ends[0], 1, 1, 16 * KIB);
  sctp_end_take_pattern (&pair->ends[1], 1, 1, 16 * KIB);
  sctp_end_send_pattern (&pair->ends[0], 1, 2, 200 * KIB);
  sctp_end_wait_state (&pair->ends[0], DC_SCTP_ABORTED);
  sctp_end_wait_state (&pair->ends[1], DC_SCTP_ABORTED);
  g_assert_cmpuint (sctp_end_get_figures (&pair->ends[1]).messages, ==, 1);
  sctp_pair_free (pair);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sctp-association/sizes", test_sizes);
  g_test_add_func ("/sctp-association/bad-wire", test_bad_wire);
  g_test_add_func ("/sctp-association/streams", test_streams);
  g_test_add_func ("/sctp-association/unordered", test_unordered);
  g_test_add_func ("/sctp-association/bundling", test_bundling);
  g_test_add_func ("/sctp-association/quick", test_quick);
  g_test_add_func ("/sctp-association/retransmits", test_retransmits);
  g_test_add_func ("/sctp-association/lifetime", test_lifetime);
  g_test_add_func ("/sctp-association/held-back", test_held_back);
  g_test_add_func ("/sctp-association/writable", test_writable);
  g_test_add_func ("/sctp-association/echo", test_echo);
  g_test_add_func ("/sctp-association/refused", test_refused);
  g_test_add_func ("/sctp-association/too-long", test_too_long);
  return g_test_run ();
}
