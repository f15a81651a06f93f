/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sctp-watch.c: packets of SCTP that pass by, and what they tell of what has arrived there and here. */
#include "plugins/peer/dc-sctp-watch.h"

#include <string.h>

enum { MIDDLE = 0, END = 1, BEGINNING = 2, WHOLE = 3 };
enum { BINARY = 53, DCEP = 50 };

typedef struct {
  DcSctpWatch *watch;
  GByteArray *packet;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->watch = dc_sctp_watch_new ();
  f->packet = g_byte_array_new ();
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_byte_array_unref (f->packet);
  dc_sctp_watch_unref (f->watch);
}

static void
add_16 (Fixture *f, guint value)
{
  guint16 bytes = g_htons ((guint16) value);

  g_byte_array_append (f->packet, (const guint8 *) &bytes, sizeof bytes);
}

static void
add_32 (Fixture *f, guint32 value)
{
  guint32 bytes = g_htonl (value);

  g_byte_array_append (f->packet, (const guint8 *) &bytes, sizeof bytes);
}

static void
begin (Fixture *f)
{
  g_byte_array_set_size (f->packet, 0);
  for (guint i = 0; i < 3; i++)
    add_32 (f, 0x11111111);
}

/* With a payload of @payload bytes, which is padded. */
static void
add_data (Fixture *f, guint flags, guint32 tsn, guint stream, guint32 ppid, gsize payload)
{
  static const guint8 zeros[16];

  add_16 (f, flags);
  add_16 (f, (guint) (16 + payload));
  add_32 (f, tsn);
  add_16 (f, stream);
  add_16 (f, 0);
  add_32 (f, ppid);
  g_byte_array_append (f->packet, zeros, (guint) (payload + 3) & ~3u);
}

static void
add_i_data (Fixture *f, guint flags, guint32 tsn, guint stream, guint32 ppid_or_number)
{
  add_16 (f, 64 << 8 | flags);
  add_16 (f, 20);
  add_32 (f, tsn);
  add_16 (f, stream);
  add_16 (f, 0);
  add_32 (f, 0);
  add_32 (f, ppid_or_number);
}

static void
add_sack (Fixture *f, guint32 tsn)
{
  add_16 (f, 3 << 8);
  add_16 (f, 16);
  add_32 (f, tsn);
  add_32 (f, 65536);
  add_32 (f, 0);
}

static void
add_forward_tsn (Fixture *f, guint chunk, guint32 tsn)
{
  add_16 (f, chunk << 8);
  add_16 (f, 12);
  add_32 (f, tsn);
  add_32 (f, 0); /* a stream and what it goes on with */
}

static void
leave (Fixture *f)
{
  dc_sctp_watch_sent (f->watch, f->packet->data, f->packet->len);
  begin (f);
}

static DcSctpPacket
come (Fixture *f)
{
  DcSctpPacket packet = dc_sctp_watch_received (f->watch, f->packet->data, f->packet->len);

  begin (f);
  return packet;
}

static void
send_message (Fixture *f, guint32 tsn, guint stream)
{
  begin (f);
  add_data (f, WHOLE, tsn, stream, BINARY, 1);
  leave (f);
}

/* TRUE if that is news. */
static gboolean
acknowledge (Fixture *f, guint32 tsn)
{
  begin (f);
  add_sack (f, tsn);
  return come (f) == DC_SCTP_PACKET_DELIVERED;
}

static void
test_nothing (Fixture *f, gconstpointer data)
{
  g_assert_true (dc_sctp_watch_has_delivered (f->watch, 7, 0));
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 7, 1));
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, G_MAXUINT16, 1));
}

static void
test_delivered (Fixture *f, gconstpointer data)
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

/* What waits for its turn in SCTP is not forgotten because all that has left was acknowledged. */
static void
test_fragments (Fixture *f, gconstpointer data)
{
  begin (f);
  add_data (f, BEGINNING, 10, 0, BINARY, 5);
  add_data (f, MIDDLE, 11, 0, BINARY, 7);
  leave (f);
  acknowledge (f, 11);
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 0, 1));
  add_data (f, END, 12, 0, BINARY, 1);
  add_data (f, WHOLE, 13, 0, BINARY, 1);
  leave (f);
  acknowledge (f, 13);
  g_assert_true (dc_sctp_watch_has_delivered (f->watch, 0, 2));
}

static void
begin_message (Fixture *f, guint32 tsn, guint stream)
{
  begin (f);
  add_data (f, BEGINNING, tsn, stream, BINARY, 4);
  add_data (f, MIDDLE, tsn + 1, stream, BINARY, 4);
  leave (f);
}

static void
forward (Fixture *f, guint chunk, guint32 tsn)
{
  begin (f);
  add_forward_tsn (f, chunk, tsn);
  leave (f);
}

/* The rest of a message that is given up never leaves; usrsctp takes one TSN in its stead, which nobody sees. */
static void
test_given_up (Fixture *f, gconstpointer data)
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
test_given_up_at_the_end (Fixture *f, gconstpointer data)
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
test_given_up_before (Fixture *f, gconstpointer data)
{
  begin_message (f, 10, 0);
  send_message (f, 13, 0);
  acknowledge (f, 13);
  g_assert_true (dc_sctp_watch_has_delivered (f->watch, 0, 2));
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 0, 3));
}

static void
test_sent_again (Fixture *f, gconstpointer data)
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
test_old_sack (Fixture *f, gconstpointer data)
{
  send_message (f, 10, 0);
  acknowledge (f, 10);
  acknowledge (f, 9);
  g_assert_true (dc_sctp_watch_has_delivered (f->watch, 0, 1));
}

static void
test_wraps (Fixture *f, gconstpointer data)
{
  send_message (f, G_MAXUINT32, 0);
  send_message (f, 0, 0);
  acknowledge (f, G_MAXUINT32);
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 0, 2));
  acknowledge (f, 0);
  g_assert_true (dc_sctp_watch_has_delivered (f->watch, 0, 2));
}

static void
test_streams (Fixture *f, gconstpointer data)
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
test_dcep (Fixture *f, gconstpointer data)
{
  begin (f);
  add_data (f, WHOLE, 10, 0, DCEP, 12);
  leave (f);
  acknowledge (f, 10);
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 0, 1));
}

/* I-DATA has its PPID in the first chunk of a message only: later there is a number, which may look like one. */
static void
test_interleaved (Fixture *f, gconstpointer data)
{
  begin (f);
  add_i_data (f, WHOLE, 10, 0, DCEP);
  add_i_data (f, BEGINNING, 11, 0, BINARY);
  add_i_data (f, END, 12, 0, DCEP);
  leave (f);
  acknowledge (f, 12);
  g_assert_true (dc_sctp_watch_has_delivered (f->watch, 0, 1));
  g_assert_false (dc_sctp_watch_has_delivered (f->watch, 0, 2));
}

/* News only for who has asked. */
static void
test_news (Fixture *f, gconstpointer data)
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
  begin (f);
  add_data (f, WHOLE, 77, 0, BINARY, 3);
  add_sack (f, 4);
  g_assert_cmpint (come (f), ==, DC_SCTP_PACKET_DELIVERED);
  g_assert_true (dc_sctp_watch_has_delivered (f->watch, 0, 4));
  g_assert_cmpuint (dc_sctp_watch_get_received (f->watch), ==, 5);
}

/* Every length at which a packet may be cut off. What is whole in front counts. */
static void
test_cut_off (Fixture *f, gconstpointer data)
{
  send_message (f, 10, 0);
  send_message (f, 11, 1);
  begin (f);
  add_sack (f, 10);
  add_sack (f, 11);
  for (guint size = 0; size < f->packet->len; size++) {
    g_autofree guint8 *cut = g_memdup2 (f->packet->data, size);
    dc_sctp_watch_received (f->watch, cut, size);
    dc_sctp_watch_sent (f->watch, cut, size);
    g_assert_false (dc_sctp_watch_has_delivered (f->watch, 1, 1));
    g_assert_true (dc_sctp_watch_has_delivered (f->watch, 0, 1) == (size >= 12 + 16));
  }
  come (f);
  g_assert_true (dc_sctp_watch_has_delivered (f->watch, 1, 1));
}

/* Chunks whose length is nonsense end the packet. */
static void
test_nonsense (Fixture *f, gconstpointer data)
{
  static const guint lengths[] = {0, 3, 4, 15, 17, G_MAXUINT16};

  send_message (f, 10, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (lengths); i++) {
    guint16 length = g_htons ((guint16) lengths[i]);
    begin (f);
    add_sack (f, 10);
    memcpy (f->packet->data + 14, &length, sizeof length);
    come (f);
    g_assert_false (dc_sctp_watch_has_delivered (f->watch, 0, 1));
  }
}

/* --- What has come --------------------------------------------------------------------------------------------------------------- */

#define FIRST_TSN 100u

/* The far side says which TSN is its first. */
static void
add_init (Fixture *f, guint chunk)
{
  add_16 (f, chunk << 8);
  add_16 (f, 20);
  add_32 (f, 1);
  add_32 (f, 65536);
  add_32 (f, 0);
  add_32 (f, FIRST_TSN);
}

static void
set_up_far (Fixture *f, gconstpointer data)
{
  set_up (f, data);
  begin (f);
  add_init (f, 1);
  come (f);
}

static void
come_data (Fixture *f, guint flags, guint32 tsn, guint stream, guint32 ppid)
{
  begin (f);
  add_data (f, flags, tsn, stream, ppid, 3);
  g_assert_cmpint (come (f), ==, 0);
}

static void
come_message (Fixture *f, guint32 tsn, guint stream)
{
  come_data (f, WHOLE, tsn, stream, BINARY);
}

static void
assert_waiting (Fixture *f, guint stream, guint n)
{
  for (guint i = 0; i < n; i++) {
    g_assert_false (dc_sctp_watch_is_drained (f->watch));
    g_assert_true (dc_sctp_watch_given (f->watch, (guint16) stream) == (i == n - 1));
  }
  g_assert_true (dc_sctp_watch_is_drained (f->watch));
}

static void
test_given (Fixture *f, gconstpointer data)
{
  static const guint32 ppids[] = {51, 53, 56, 57};

  g_assert_true (dc_sctp_watch_is_drained (f->watch));
  for (guint i = 0; i < G_N_ELEMENTS (ppids); i++)
    come_data (f, WHOLE, FIRST_TSN + i, 1, ppids[i]);
  come_data (f, WHOLE, FIRST_TSN + 4, 1, DCEP);
  assert_waiting (f, 1, 4);
  /* Nobody asks: no news. */
  come_message (f, FIRST_TSN + 5, 1);
  g_assert_false (dc_sctp_watch_given (f->watch, 1));
}

/* INIT-ACK says it too, and our acknowledgement of what has come before. */
static void
test_first (Fixture *f, gconstpointer data)
{
  come_message (f, FIRST_TSN, 1);
  g_assert_true (dc_sctp_watch_is_drained (f->watch));
  begin (f);
  if (GPOINTER_TO_UINT (data) == 3) {
    add_sack (f, FIRST_TSN - 1);
    leave (f);
  } else {
    add_init (f, GPOINTER_TO_UINT (data));
    come (f);
  }
  come_message (f, FIRST_TSN, 1);
  assert_waiting (f, 1, 1);
}

static void
test_out_of_order (Fixture *f, gconstpointer data)
{
  come_data (f, END, FIRST_TSN + 2, 1, BINARY);
  come_message (f, FIRST_TSN + 3, 2);
  come_data (f, MIDDLE, FIRST_TSN + 1, 1, BINARY);
  come_message (f, FIRST_TSN + 3, 2);
  g_assert_true (dc_sctp_watch_is_drained (f->watch));
  come_data (f, BEGINNING, FIRST_TSN, 1, BINARY);
  come_data (f, BEGINNING, FIRST_TSN, 1, BINARY);
  g_assert_false (dc_sctp_watch_is_drained (f->watch));
  g_assert_false (dc_sctp_watch_given (f->watch, 1));
  assert_waiting (f, 2, 1);
}

/* SCTP gives an unordered one before what is missing has come. */
static void
test_given_early (Fixture *f, gconstpointer data)
{
  come_message (f, FIRST_TSN + 1, 1);
  g_assert_false (dc_sctp_watch_given (f->watch, 1));
  g_assert_true (dc_sctp_watch_is_drained (f->watch));
  come_message (f, FIRST_TSN, 2);
  assert_waiting (f, 2, 1);
}

/* Of a message that the far side has given up, something may have come. */
static void
test_skipped (Fixture *f, gconstpointer data)
{
  come_data (f, BEGINNING, FIRST_TSN, 1, BINARY);
  come_data (f, END, FIRST_TSN + 2, 1, BINARY);
  come_message (f, FIRST_TSN + 3, 2);
  come_message (f, FIRST_TSN + 5, 2);
  begin (f);
  add_forward_tsn (f, 192, FIRST_TSN + 4);
  come (f);
  assert_waiting (f, 2, 2);
}

/* Farther ahead than SCTP takes anything. */
static void
test_far_ahead (Fixture *f, gconstpointer data)
{
  come_message (f, FIRST_TSN + 4096, 1);
  come_message (f, FIRST_TSN - 1, 1);
  begin (f);
  add_forward_tsn (f, 192, FIRST_TSN + 100000);
  come (f);
  g_assert_true (dc_sctp_watch_is_drained (f->watch));
  come_message (f, FIRST_TSN + 100001, 1);
  assert_waiting (f, 1, 1);
}

/* What our SCTP has it has, whatever we have seen. */
static void
test_acknowledged (Fixture *f, gconstpointer data)
{
  begin (f);
  add_sack (f, FIRST_TSN + 9);
  leave (f);
  come_message (f, FIRST_TSN + 9, 1);
  come_message (f, FIRST_TSN + 10, 1);
  assert_waiting (f, 1, 1);
}

static void
test_forgotten (Fixture *f, gconstpointer data)
{
  come_message (f, FIRST_TSN, 1);
  come_message (f, FIRST_TSN + 1, 2);
  come_message (f, FIRST_TSN + 2, 2);
  g_assert_false (dc_sctp_watch_is_drained (f->watch));
  g_assert_false (dc_sctp_watch_forget (f->watch, 1));
  g_assert_true (dc_sctp_watch_forget (f->watch, 2));
  g_assert_true (dc_sctp_watch_is_drained (f->watch));
  /* A new one on the same stream. */
  come_message (f, FIRST_TSN + 3, 2);
  assert_waiting (f, 2, 1);
}

/* With one stream, which is padded; behind a response to a request of ours. */
static void
add_reset (Fixture *f, guint32 last_tsn)
{
  add_16 (f, 130 << 8);
  add_16 (f, 4 + 12 + 18);
  add_16 (f, 16);
  add_16 (f, 12);
  add_32 (f, 1);
  add_32 (f, 1);
  add_16 (f, 13);
  add_16 (f, 18);
  add_32 (f, 7);
  add_32 (f, 8);
  add_32 (f, last_tsn);
  add_16 (f, 1);
  add_16 (f, 0);
}

static void
test_reset (Fixture *f, gconstpointer data)
{
  come_message (f, FIRST_TSN, 1);
  begin (f);
  add_reset (f, FIRST_TSN);
  g_assert_cmpint (come (f), ==, DC_SCTP_PACKET_RESETS);
}

/* A reset that has overtaken data is lost, with all that comes with it, and comes again. */
static void
test_reset_early (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 2; i++) {
    begin (f);
    add_reset (f, FIRST_TSN);
    add_data (f, WHOLE, FIRST_TSN + 1, 1, BINARY, 1);
    if (i == 0) {
      g_assert_cmpint (come (f), ==, DC_SCTP_PACKET_RESETS | DC_SCTP_PACKET_EARLY);
      come_message (f, FIRST_TSN, 1);
      assert_waiting (f, 1, 1);
    } else
      g_assert_cmpint (come (f), ==, DC_SCTP_PACKET_RESETS);
  }
  assert_waiting (f, 1, 1);
}

static void
test_abort (Fixture *f, gconstpointer data)
{
  come_message (f, FIRST_TSN, 1);
  g_assert_false (dc_sctp_watch_is_aborted (f->watch));
  begin (f);
  add_16 (f, 6 << 8);
  add_16 (f, 4);
  come (f);
  g_assert_true (dc_sctp_watch_is_aborted (f->watch));
}

/* To the far side's tag, and with the right checksum, as another implementation has it. */
static void
test_heartbeat (Fixture *f, gconstpointer data)
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

/* Other parameters, and one that is cut off. */
static void
test_no_reset (Fixture *f, gconstpointer data)
{
  begin (f);
  add_reset (f, FIRST_TSN + 5);
  f->packet->data[12 + 4 + 12 + 3] = 15;
  g_assert_cmpint (come (f), ==, 0);
  add_reset (f, FIRST_TSN + 5);
  f->packet->data[12 + 4 + 12 + 1] = 14;
  g_assert_cmpint (come (f), ==, 0);
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)
#define ADD_FAR(path, function) g_test_add (path, Fixture, NULL, set_up_far, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/sctp-watch/nothing", test_nothing);
  ADD ("/sctp-watch/delivered", test_delivered);
  ADD ("/sctp-watch/fragments", test_fragments);
  g_test_add ("/sctp-watch/given-up/plain", Fixture, GUINT_TO_POINTER (192), set_up, test_given_up, tear_down);
  g_test_add ("/sctp-watch/given-up/interleaved", Fixture, GUINT_TO_POINTER (194), set_up, test_given_up, tear_down);
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
  ADD_FAR ("/sctp-watch/given", test_given);
  g_test_add ("/sctp-watch/first/init", Fixture, GUINT_TO_POINTER (1), set_up, test_first, tear_down);
  g_test_add ("/sctp-watch/first/init-ack", Fixture, GUINT_TO_POINTER (2), set_up, test_first, tear_down);
  g_test_add ("/sctp-watch/first/sack", Fixture, GUINT_TO_POINTER (3), set_up, test_first, tear_down);
  ADD_FAR ("/sctp-watch/out-of-order", test_out_of_order);
  ADD_FAR ("/sctp-watch/given-early", test_given_early);
  ADD_FAR ("/sctp-watch/skipped", test_skipped);
  ADD_FAR ("/sctp-watch/far-ahead", test_far_ahead);
  ADD_FAR ("/sctp-watch/acknowledged", test_acknowledged);
  ADD_FAR ("/sctp-watch/forgotten", test_forgotten);
  ADD_FAR ("/sctp-watch/abort", test_abort);
  ADD ("/sctp-watch/heartbeat", test_heartbeat);
  ADD_FAR ("/sctp-watch/reset", test_reset);
  ADD_FAR ("/sctp-watch/reset/early", test_reset_early);
  ADD_FAR ("/sctp-watch/reset/none", test_no_reset);
  return g_test_run ();
}
