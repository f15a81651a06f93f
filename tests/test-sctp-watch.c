/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sctp-watch.c: packets of SCTP that pass by, and what they tell of the far side and of what has arrived there. */
#include <string.h>

#include "tests/sctp-packets.h"

static void
add_i_data (SctpPackets *f, guint flags, guint32 tsn, guint stream, guint32 ppid_or_number)
{
  sctp_add_16 (f, 64 << 8 | flags);
  sctp_add_16 (f, 20);
  sctp_add_32 (f, tsn);
  sctp_add_16 (f, stream);
  sctp_add_16 (f, 0);
  sctp_add_32 (f, 0);
  sctp_add_32 (f, ppid_or_number);
}

static void
send_message (SctpPackets *f, guint32 tsn, guint stream)
{
  sctp_begin (f);
  sctp_add_data (f, SCTP_WHOLE, tsn, stream, SCTP_BINARY, 1);
  sctp_leave (f);
}

/* TRUE if that is news. */
static gboolean
acknowledge (SctpPackets *f, guint32 tsn)
{
  sctp_begin (f);
  sctp_add_sack (f, tsn);
  return sctp_come (f) == DC_SCTP_PACKET_DELIVERED;
}

static void
test_nothing (SctpPackets *f, gconstpointer data)
{
  g_assert_true (dc_sctp_watch_has_delivered (f->watch, 7, 0));
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 7, 1));
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, G_MAXUINT16, 1));
}

static void
test_delivered (SctpPackets *f, gconstpointer data)
{
  send_message (f, 10, 1);
  send_message (f, 11, 1);
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 1, 2));
  acknowledge (f, 10);
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 1, 2));
  acknowledge (f, 11);
  g_assert_true (dc_sctp_watch_has_delivered (f->watch, 1, 2));
  /* One that has not left yet. */
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 1, 3));
}

/* What the channel before has sent on that stream says nothing of this one's. */
static void
test_begin (SctpPackets *f, gconstpointer data)
{
  send_message (f, 10, 1);
  acknowledge (f, 10);
  dc_sctp_watch_begin (f->watch, 1);
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 1, 1));
  send_message (f, 10, 1);
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 1, 1));
  send_message (f, 11, 1);
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 1, 1));
  acknowledge (f, 11);
  g_assert_true (dc_sctp_watch_has_delivered (f->watch, 1, 1));
}

/* What waits for its turn in SCTP is not forgotten because all that has left was acknowledged. */
static void
test_fragments (SctpPackets *f, gconstpointer data)
{
  sctp_begin (f);
  sctp_add_data (f, SCTP_BEGINNING, 10, 0, SCTP_BINARY, 5);
  sctp_add_data (f, SCTP_MIDDLE, 11, 0, SCTP_BINARY, 7);
  sctp_leave (f);
  acknowledge (f, 11);
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 0, 1));
  sctp_add_data (f, SCTP_END, 12, 0, SCTP_BINARY, 1);
  sctp_add_data (f, SCTP_WHOLE, 13, 0, SCTP_BINARY, 1);
  sctp_leave (f);
  acknowledge (f, 13);
  g_assert_true (dc_sctp_watch_has_delivered (f->watch, 0, 2));
}

static void
begin_message (SctpPackets *f, guint32 tsn, guint stream)
{
  sctp_begin (f);
  sctp_add_data (f, SCTP_BEGINNING, tsn, stream, SCTP_BINARY, 4);
  sctp_add_data (f, SCTP_MIDDLE, tsn + 1, stream, SCTP_BINARY, 4);
  sctp_leave (f);
}

static void
forward (SctpPackets *f, guint chunk, guint32 tsn)
{
  sctp_begin (f);
  sctp_add_forward_tsn (f, chunk, tsn);
  sctp_leave (f);
}

/* The rest of a message that is given up never leaves; usrsctp takes one TSN in its stead, which nobody sees. */
static void
test_given_up (SctpPackets *f, gconstpointer data)
{
  guint chunk = GPOINTER_TO_UINT (data);

  send_message (f, 9, 0);
  begin_message (f, 10, 0);
  begin_message (f, 12, 1);
  acknowledge (f, 10);
  /* What was passed before it has begun is not its own. */
  forward (f, chunk, 10);
  acknowledge (f, 13);
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 0, 2));
  forward (f, chunk, 12);
  g_assert_true (dc_sctp_watch_has_delivered (f->watch, 0, 2));
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 0, 3));
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 1, 1));
  forward (f, chunk, 14);
  g_assert_true (dc_sctp_watch_has_delivered (f->watch, 1, 1));
  /* Told again, it is one message still. */
  forward (f, chunk, 14);
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 1, 2));
}

/* It has arrived when the far side has been told, and has said so. */
static void
test_given_up_at_the_end (SctpPackets *f, gconstpointer data)
{
  begin_message (f, 10, 0);
  acknowledge (f, 9);
  forward (f, 192, 12);
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 0, 1));
  g_assert_true (acknowledge (f, 12));
  g_assert_true (dc_sctp_watch_has_delivered (f->watch, 0, 1));
}

/* A message begins on a stream when the one before it is over, however it ended. */
static void
test_given_up_before (SctpPackets *f, gconstpointer data)
{
  begin_message (f, 10, 0);
  send_message (f, 13, 0);
  acknowledge (f, 13);
  g_assert_true (dc_sctp_watch_has_delivered (f->watch, 0, 2));
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 0, 3));
}

static void
test_sent_again (SctpPackets *f, gconstpointer data)
{
  send_message (f, 10, 0);
  send_message (f, 11, 0);
  send_message (f, 10, 0);
  send_message (f, 11, 0);
  acknowledge (f, 11);
  g_assert_true (dc_sctp_watch_has_delivered (f->watch, 0, 2));
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 0, 3));
}

static void
test_old_sack (SctpPackets *f, gconstpointer data)
{
  send_message (f, 10, 0);
  acknowledge (f, 10);
  acknowledge (f, 9);
  g_assert_true (dc_sctp_watch_has_delivered (f->watch, 0, 1));
}

static void
test_wraps (SctpPackets *f, gconstpointer data)
{
  send_message (f, G_MAXUINT32, 0);
  send_message (f, 0, 0);
  acknowledge (f, G_MAXUINT32);
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 0, 2));
  acknowledge (f, 0);
  g_assert_true (dc_sctp_watch_has_delivered (f->watch, 0, 2));
}

static void
test_streams (SctpPackets *f, gconstpointer data)
{
  send_message (f, 10, 2);
  send_message (f, 11, 1023);
  acknowledge (f, 10);
  g_assert_true (dc_sctp_watch_has_delivered (f->watch, 2, 1));
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 1023, 1));
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 3, 1));
}

/* DATA_CHANNEL_OPEN is a message on the channel's stream, and not the channel's. */
static void
test_dcep (SctpPackets *f, gconstpointer data)
{
  sctp_begin (f);
  sctp_add_data (f, SCTP_WHOLE, 10, 0, SCTP_DCEP, 12);
  sctp_leave (f);
  acknowledge (f, 10);
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 0, 1));
}

/* I-DATA has its PPID in the first chunk of a message only: later there is a number, which may look like one. */
static void
test_interleaved (SctpPackets *f, gconstpointer data)
{
  sctp_begin (f);
  add_i_data (f, SCTP_WHOLE, 10, 0, SCTP_DCEP);
  add_i_data (f, SCTP_BEGINNING, 11, 0, SCTP_BINARY);
  add_i_data (f, SCTP_END, 12, 0, SCTP_DCEP);
  sctp_leave (f);
  acknowledge (f, 12);
  g_assert_true (dc_sctp_watch_has_delivered (f->watch, 0, 1));
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 0, 2));
}

/* News only for who has asked. */
static void
test_news (SctpPackets *f, gconstpointer data)
{
  for (guint32 tsn = 1; tsn <= 4; tsn++)
    send_message (f, tsn, 0);
  g_assert_false (acknowledge (f, 1));
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 0, 4));
  g_assert_false (acknowledge (f, 1));
  g_assert_true (acknowledge (f, 2));
  g_assert_false (acknowledge (f, 3));
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 0, 4));
  /* Behind data, as it often comes. */
  sctp_begin (f);
  sctp_add_data (f, SCTP_WHOLE, 77, 0, SCTP_BINARY, 3);
  sctp_add_sack (f, 4);
  g_assert_cmpint (sctp_come (f), ==, DC_SCTP_PACKET_DELIVERED);
  g_assert_true (dc_sctp_watch_has_delivered (f->watch, 0, 4));
  g_assert_cmpuint (dc_sctp_watch_get_received (f->watch), ==, 5);
}

/* Every length at which a packet may be cut off. What is whole in front counts. */
static void
test_cut_off (SctpPackets *f, gconstpointer data)
{
  send_message (f, 10, 0);
  send_message (f, 11, 1);
  sctp_begin (f);
  sctp_add_sack (f, 10);
  sctp_add_sack (f, 11);
  for (guint size = 0; size < f->packet->len; size++) {
    g_autofree guint8 *cut = g_memdup2 (f->packet->data, size);
    dc_sctp_watch_received (f->watch, cut, size);
    dc_sctp_watch_sent (f->watch, cut, size);
    g_assert_false (dc_sctp_watch_has_delivered (f->watch, 1, 1));
    g_assert_true (dc_sctp_watch_has_delivered (f->watch, 0, 1) == (size >= 12 + 16));
  }
  sctp_come (f);
  g_assert_true (dc_sctp_watch_has_delivered (f->watch, 1, 1));
}

/* Chunks whose length is nonsense end the packet. */
static void
test_nonsense (SctpPackets *f, gconstpointer data)
{
  static const guint lengths[] = {0, 3, 4, 15, 17, G_MAXUINT16};

  send_message (f, 10, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (lengths); i++) {
    guint16 length = g_htons ((guint16) lengths[i]);
    sctp_begin (f);
    sctp_add_sack (f, 10);
    memcpy (f->packet->data + 14, &length, sizeof length);
    sctp_come (f);
    g_assert_false (dc_sctp_watch_has_delivered (f->watch, 0, 1));
  }
}

#define OUR_TAG 0x22222222u
#define FAR_TAG 0x11111111u

/* @chunk: INIT or INIT ACK. */
static void
say_tag (SctpPackets *f, guint chunk, guint32 tag)
{
  sctp_begin (f);
  sctp_add_16 (f, chunk << 8);
  sctp_add_16 (f, 20);
  sctp_add_32 (f, tag);
  for (guint i = 0; i < 3; i++)
    sctp_add_32 (f, 65536);
  sctp_leave (f);
}

/* Returns: whether it was believed. */
static gboolean
come_abort (SctpPackets *f, guint flags, guint32 tag)
{
  sctp_begin (f);
  tag = g_htonl (tag);
  memcpy (f->packet->data + 4, &tag, sizeof tag);
  sctp_add_16 (f, 6 << 8 | flags);
  sctp_add_16 (f, 4);
  sctp_come (f);
  return dc_sctp_watch_is_aborted (f->watch);
}

/* The far side knows our tag, or says that it has no association, by its own (RFC 9260, section 8.5.1); who knows neither means another one. */
static void
test_abort (SctpPackets *f, gconstpointer data)
{
  gboolean without = GPOINTER_TO_UINT (data) != 0;

  g_assert_false (come_abort (f, 0, 0));
  g_assert_false (come_abort (f, 1, 0));
  g_assert_false (come_abort (f, 0, OUR_TAG));
  say_tag (f, without ? 1 : 2, OUR_TAG);
  say_tag (f, 2, 0x33333333); /* for an INIT that was repeated */
  g_assert_false (come_abort (f, 0, 0));
  g_assert_false (come_abort (f, 1, 0));
  g_assert_false (come_abort (f, 0, FAR_TAG));
  g_assert_false (come_abort (f, 1, OUR_TAG));
  g_assert_false (come_abort (f, 0, 0x33333333));
  g_assert_false (come_abort (f, 1, 0x33333333));
  if (without)
    g_assert_true (come_abort (f, 1, FAR_TAG));
  else
    g_assert_true (come_abort (f, 0, OUR_TAG));
}

/* To the far side's tag, and with the right checksum, as another implementation has it. */
static void
test_heartbeat (SctpPackets *f, gconstpointer data)
{
  static const guint8 expected[] = {0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0xd0, 0xce, 0xf0, 0x3c, 4, 0, 0, 12,
      0, 1, 0, 8, 'd', 'a', 't', 'a'};
  g_autoptr (GBytes) heartbeat = NULL;

  send_message (f, 1, 0);
  g_assert_null (dc_sctp_watch_make_heartbeat (f->watch));
  acknowledge (f, 1);
  heartbeat = dc_sctp_watch_make_heartbeat (f->watch);
  g_assert_cmpmem (g_bytes_get_data (heartbeat, NULL), g_bytes_get_size (heartbeat), expected, sizeof expected);
}

#define ADD(path, function) g_test_add (path, SctpPackets, NULL, sctp_set_up, function, sctp_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/sctp-watch/nothing", test_nothing);
  ADD ("/sctp-watch/delivered", test_delivered);
  ADD ("/sctp-watch/begin", test_begin);
  ADD ("/sctp-watch/fragments", test_fragments);
  g_test_add (
      "/sctp-watch/given-up/plain", SctpPackets, GUINT_TO_POINTER (192), sctp_set_up, test_given_up, sctp_tear_down);
  g_test_add ("/sctp-watch/given-up/interleaved", SctpPackets, GUINT_TO_POINTER (194), sctp_set_up, test_given_up,
      sctp_tear_down);
  ADD ("/sctp-watch/given-up/at-the-end", test_given_up_at_the_end);
  ADD ("/sctp-watch/given-up/before", test_given_up_before);
  ADD ("/sctp-watch/sent-again", test_sent_again);
  ADD ("/sctp-watch/old-sack", test_old_sack);
  ADD ("/sctp-watch/wraps", test_wraps);
  ADD ("/sctp-watch/streams", test_streams);
  ADD ("/sctp-watch/dcep", test_dcep);
  ADD ("/sctp-watch/interleaved", test_interleaved);
  ADD ("/sctp-watch/news", test_news);
  ADD ("/sctp-watch/cut-off", test_cut_off);
  ADD ("/sctp-watch/nonsense", test_nonsense);
  ADD ("/sctp-watch/abort", test_abort);
  g_test_add ("/sctp-watch/abort/without-association", SctpPackets, GUINT_TO_POINTER (1), sctp_set_up, test_abort,
      sctp_tear_down);
  ADD ("/sctp-watch/heartbeat", test_heartbeat);
  return g_test_run ();
}
