/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-link.c: the link protocol, two ends on a wire in virtual time. */
#include "tests/link-wire.h"

#include <string.h>

/* --- what crosses --- */

static void
test_open (void)
{
  g_autoptr (Wire) wire = wire_new (NULL, NULL, 10 * MS);

  g_assert_false (dc_link_can_send (wire->a.link, 0));
  wire_run (wire, 9 * MS);
  g_assert_false (dc_link_is_open (wire->a.link));
  wire_run (wire, 2 * MS);
  g_assert_true (dc_link_is_open (wire->a.link));
  g_assert_true (dc_link_can_send (wire->b.link, 0));
  g_assert_cmpuint (get_stats (&wire->a).window_bytes, ==, 64 * 1024);
}

static void
test_every_kind (void)
{
  g_autoptr (Wire) wire = wire_new_open (NULL, NULL, MS);
  DcLinkItem *item;

  wire->b.consume = take_all;
  item = new_caps ("audio/x-raw, läyout=(string)interleaved");
  item->stream = 3;
  send_item (&wire->a, item, FALSE);
  item = dc_link_item_new (DC_LINK_ITEM_SEGMENT);
  item->stream = 3;
  item->segment = (DcLinkSegment){1, 3, -2.5, 0.1, 1, 2, 3, DC_LINK_NONE, 5, 6, 7};
  send_item (&wire->a, item, FALSE);
  item = new_data (100);
  item->stream = 3;
  item->flags = DC_LINK_FLAG_DISCONT | DC_LINK_FLAG_TEXT;
  item->pts = 123456789012345;
  item->duration = 20;
  item->offset_end = 0;
  send_item (&wire->a, item, FALSE);
  send_item (&wire->a, dc_link_item_new (DC_LINK_ITEM_DATA), FALSE);
  item = dc_link_item_new (DC_LINK_ITEM_EVENT);
  item->event = DC_LINK_EVENT_EOS;
  item->stream = 255;
  send_item (&wire->a, item, FALSE);
  wire_run (wire, 2 * MS);

  g_assert_cmpuint (wire->b.items->len, ==, 5);
  item = wire->b.items->pdata[1];
  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_CAPS);
  g_assert_cmpmem (
      g_bytes_get_data (item->payload, NULL), item_size (item), "audio/x-raw, läyout=(string)interleaved", 40);
  item = wire->b.items->pdata[2];
  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_SEGMENT);
  g_assert_cmpint (item->stream, ==, 3);
  g_assert_cmpfloat (item->segment.rate, ==, -2.5);
  g_assert_cmpfloat (item->segment.applied_rate, ==, 0.1);
  g_assert_cmpuint (item->segment.stop, ==, DC_LINK_NONE);
  g_assert_cmpuint (item->segment.duration, ==, 7);
  item = wire->b.items->pdata[3];
  assert_data (item, 100);
  g_assert_cmpuint (item->flags, ==, DC_LINK_FLAG_DISCONT | DC_LINK_FLAG_TEXT);
  g_assert_cmpuint (item->pts, ==, 123456789012345);
  g_assert_cmpuint (item->dts, ==, DC_LINK_NONE);
  g_assert_cmpuint (item->duration, ==, 20);
  g_assert_cmpuint (item->offset_end, ==, 0);
  item = wire->b.items->pdata[0];
  g_assert_nonnull (item->payload);
  g_assert_cmpuint (item_size (item), ==, 0);
  item = wire->b.items->pdata[4];
  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_EVENT);
  g_assert_cmpuint (item->event, ==, DC_LINK_EVENT_EOS);
  g_assert_cmpuint (item->stream, ==, 255);

  wire_run (wire, 30 * MS);
  g_assert_cmpuint (get_stats (&wire->a).items_sent, ==, 5);
  g_assert_cmpuint (get_stats (&wire->a).items_acked, ==, 5);
  g_assert_cmpuint (get_stats (&wire->a).bytes_sent, ==, 100);
  g_assert_cmpuint (get_stats (&wire->b).items_received, ==, 5);
  g_assert_cmpuint (get_stats (&wire->b).bytes_received, ==, 100);
}

/* Small items that wait together share a message; one that would not fit whole waits for the next. */
static void
test_coalescing (void)
{
  const DcLinkConfig config = {.max_message = 30000};
  g_autoptr (Wire) wire = wire_new_open (&config, NULL, MS);
  guint64 before = get_stats (&wire->a).messages_sent;

  wire->b.consume = take_all;
  for (guint i = 0; i < 100; i++)
    send_item (&wire->a, new_data (200), FALSE);
  send_item (&wire->a, new_data (16000), FALSE);
  wire_run (wire, 2 * MS);

  g_assert_cmpuint (wire->b.items->len, ==, 101);
  assert_data (wire->b.items->pdata[99], 200);
  assert_data (wire->b.items->pdata[100], 16000);
  g_assert_cmpuint (wire->b.frames[DC_FRAME_DATA], ==, 101);
  g_assert_cmpuint (get_stats (&wire->a).messages_sent - before, ==, 2);
}

/* A payload that is most of its message is not copied. */
static void
test_zero_copy (void)
{
  g_autoptr (Wire) wire = wire_new_open (NULL, NULL, MS);
  g_autoptr (GBytes) message = NULL;
  g_autoptr (DcLinkItem) item = NULL;
  const guint8 *data, *payload;
  gsize size;

  send_item (&wire->a, new_data (5000), FALSE);
  message = dc_link_poll_transmit (wire->a.link, wire->now);
  dc_link_receive (wire->b.link, message, wire->now, NULL);
  item = dc_link_pop (wire->b.link, 0);
  assert_data (item, 5000);
  data = g_bytes_get_data (message, &size);
  payload = g_bytes_get_data (item->payload, NULL);
  g_assert_true (payload > data && payload + 5000 == data + size);
}

static void
test_fragments (void)
{
  static const gsize sizes[] = {65472, 65473, 65536, 200000, 5000000, 1};
  g_autoptr (Wire) wire = wire_new_open (NULL, NULL, MS);
  g_autofree char *text = g_strnfill (300000, 'x');

  wire->b.consume = take_all;
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    send_item (&wire->a, new_data (sizes[i]), FALSE);
    wire_run (wire, SECOND);
  }
  send_item (&wire->a, new_caps (text), FALSE);
  wire_run (wire, SECOND);

  g_assert_cmpuint (wire->b.items->len, ==, G_N_ELEMENTS (sizes) + 1);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    assert_data (wire->b.items->pdata[i], sizes[i]);
  g_assert_cmpuint (item_size (g_ptr_array_index (wire->b.items, G_N_ELEMENTS (sizes))), ==, 300000);
  g_assert_cmpuint (wire->b.max_message_size, <=, 65536);
}

/* The rest of an item that is cut anyway fills up the message: items a little larger than one do not cost two. */
static void
test_fragments_fill_messages (void)
{
  const DcLinkConfig config = {.max_message = 10000};
  g_autoptr (Wire) wire = wire_new_open (&config, NULL, MS);
  guint64 before = get_stats (&wire->a).messages_sent;

  wire->b.consume = take_all;
  for (guint i = 0; i < 5; i++)
    send_item (&wire->a, new_data (10200), FALSE);
  wire_run (wire, 2 * MS);

  g_assert_cmpuint (wire->b.items->len, ==, 5);
  g_assert_cmpuint (get_stats (&wire->a).messages_sent - before, <=, 6);
}

static void
test_max_message_is_the_smaller (void)
{
  const DcLinkConfig small = {.max_message = 2000};
  g_autoptr (Wire) wire = wire_new_open (NULL, &small, MS);

  wire->a.consume = wire->b.consume = take_all;
  send_item (&wire->a, new_data (10000), FALSE);
  send_item (&wire->b, new_data (10000), FALSE);
  wire_run (wire, SECOND);
  assert_data (wire->a.items->pdata[0], 10000);
  assert_data (wire->b.items->pdata[0], 10000);
  g_assert_cmpuint (wire->a.max_message_size, <=, 2000);
  g_assert_cmpuint (wire->b.max_message_size, <=, 2000);
}

static void
test_too_large (void)
{
  const DcLinkConfig small = {.max_item = 1000};
  g_autoptr (Wire) wire = wire_new_open (NULL, &small, MS);
  g_autoptr (GError) error = NULL;

  wire->b.consume = take_all;
  g_assert_false (dc_link_send (wire->a.link, new_data (1001), FALSE, &error));
  g_assert_error (error, DC_LINK_ERROR, DC_LINK_ERROR_TOO_LARGE);
  g_assert_cmpstr (error->message, ==, "an item of 1001 bytes was not sent: the far side takes at most 1000");
  send_item (&wire->a, new_data (1000), FALSE);
  wire_run (wire, 2 * MS);
  g_assert_cmpuint (wire->b.items->len, ==, 1);
  assert_data (wire->b.items->pdata[0], 1000);
}

static void
test_programming_errors (void)
{
  g_autoptr (Wire) wire = wire_new (NULL, NULL, MS);
  DcLinkItem *bad = new_caps ("\xff");

  g_test_expect_message (NULL, G_LOG_LEVEL_CRITICAL, "*dc_link_send*");
  g_assert_false (dc_link_send (wire->a.link, new_data (1), FALSE, NULL));
  g_test_assert_expected_messages ();

  wire_run (wire, 2 * MS);
  g_test_expect_message (NULL, G_LOG_LEVEL_CRITICAL, "*dc_link_send*");
  g_assert_false (dc_link_send (wire->a.link, bad, FALSE, NULL));
  g_test_assert_expected_messages ();
  g_test_expect_message (NULL, G_LOG_LEVEL_CRITICAL, "*fin_popped*");
  dc_link_accept_fin (wire->a.link, wire->now);
  g_test_assert_expected_messages ();

  dc_link_finish (wire->a.link);
  g_test_expect_message (NULL, G_LOG_LEVEL_CRITICAL, "*dc_link_send*");
  g_assert_false (dc_link_send (wire->a.link, new_data (1), FALSE, NULL));
  g_test_assert_expected_messages ();
}

/* --- the end --- */

static void
test_finish (void)
{
  g_autoptr (Wire) wire = wire_new (NULL, NULL, 10 * MS);
  g_autoptr (DcLinkItem) item = NULL;

  dc_link_finish (wire->a.link); /* before it is open */
  wire_run (wire, 50 * MS);
  g_assert_false (dc_link_can_send (wire->a.link, 0));
  item = dc_link_pop (wire->b.link, 0);
  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_FIN);
  dc_link_consume (wire->b.link, 0, wire->now);
  wire_run (wire, SECOND);
  g_assert_false (dc_link_is_finished (wire->a.link));
  dc_link_accept_fin (wire->b.link, wire->now);
  dc_link_accept_fin (wire->b.link, wire->now);
  wire_run (wire, SECOND);
  g_assert_true (dc_link_is_finished (wire->a.link));
  dc_link_accept_fin (wire->b.link, wire->now);
  wire_run (wire, SECOND);
  g_assert_cmpuint (wire->a.frames[DC_FRAME_FIN_ACK], ==, 1);
  g_assert_cmpuint (get_stats (&wire->a).in_flight_frames, ==, 0);
  g_assert_cmpuint (get_stats (&wire->a).items_sent, ==, 0);

  /* The other direction goes on by itself. */
  g_assert_false (dc_link_is_finished (wire->b.link));
  wire->a.consume = take_all;
  send_item (&wire->b, new_data (100000), FALSE);
  dc_link_finish (wire->b.link);
  wire_run (wire, SECOND);
  g_assert_true (dc_link_is_finished (wire->b.link));
  g_assert_cmpuint (wire->a.items->len, ==, 2);

  wire_run (wire, 60 * SECOND);
  g_assert_true (dc_link_is_open (wire->a.link));
}

/* Who has accepted a FIN must not close the channel before it knows that the far side heard of it. */
static void
test_settled (void)
{
  g_autoptr (Wire) wire = wire_new_open (NULL, NULL, 100 * MS);

  wire->b.consume = take_all;
  dc_link_finish (wire->a.link);
  wire_run (wire, 90 * MS);
  g_assert_true (dc_link_is_settled (wire->b.link));
  wire_run (wire, 200 * MS);
  g_assert_true (dc_link_is_finished (wire->a.link));
  g_assert_false (dc_link_is_settled (wire->b.link)); /* the answer is on its way */
  wire_run (wire, 100 * MS);
  g_assert_true (dc_link_is_settled (wire->b.link));

  dc_link_abort (wire->b.link, "no");
  g_assert_false (dc_link_is_settled (wire->b.link));
}

static void
test_finish_comes_last (void)
{
  const DcLinkConfig config = {.window_bytes = 5000};
  g_autoptr (Wire) wire = wire_new_open (NULL, &config, MS);

  for (guint i = 0; i < 4; i++)
    send_item (&wire->a, new_data (1000), FALSE);
  send_item (&wire->a, new_data (3000), FALSE); /* waits for credit */
  dc_link_finish (wire->a.link);
  wire_run (wire, SECOND);
  g_assert_cmpuint (wire->b.frames[DC_FRAME_DATA], ==, 4);
  g_assert_cmpuint (wire->b.frames[DC_FRAME_FIN], ==, 0);
  wire->b.consume = take_all;
  wire_run (wire, SECOND);
  g_assert_cmpuint (wire->b.items->len, ==, 6);
  assert_data (wire->b.items->pdata[4], 3000);
  g_assert_cmpint (((DcLinkItem *) wire->b.items->pdata[5])->kind, ==, DC_LINK_ITEM_FIN);
  g_assert_true (dc_link_is_finished (wire->a.link));
}

static void
test_abort (void)
{
  const DcLinkConfig config = {.window_bytes = 5000};
  g_autoptr (Wire) wire = wire_new_open (NULL, &config, MS);
  g_autofree char *text = g_strnfill (1023, 'x');
  g_autofree char *reason = g_strconcat (text, "ü and more", NULL);

  send_item (&wire->a, new_data (50000), FALSE); /* waits for credit */
  send_item (&wire->b, new_data (10), FALSE);
  wire_run (wire, 2 * MS);
  dc_link_abort (wire->a.link, "the user pressed\033 Ctrl-C");
  dc_link_abort (wire->a.link, "another");
  wire_run (wire, 2 * MS);
  assert_link_error (&wire->a, DC_LINK_ERROR_ABORTED, "aborted on this side: the user pressed");
  assert_link_error (&wire->b, DC_LINK_ERROR_ABORTED, "the user pressed  Ctrl-C");
  g_assert_null (dc_link_pop (wire->a.link, 0));
  g_assert_cmpint (dc_link_get_deadline (wire->b.link), ==, -1);
  g_assert_null (dc_link_poll_transmit (wire->a.link, wire->now + 100 * SECOND));
  g_assert_null (dc_link_poll_transmit (wire->b.link, wire->now + 100 * SECOND));

  /* Before the link is open; and a sentence that is too long is cut between characters. */
  wire_free (g_steal_pointer (&wire));
  wire = wire_new (NULL, NULL, MS);
  dc_link_abort (wire->a.link, reason);
  wire_run (wire, 2 * MS);
  assert_link_error (&wire->b, DC_LINK_ERROR_ABORTED, "xxx");
  g_assert_cmpstr (dc_link_get_error (wire->b.link)->message, ==, text);
}

/* What came whole before the far side gave up is not lost. */
static void
test_pop_after_error (void)
{
  g_autoptr (Wire) wire = wire_new_open (NULL, NULL, MS);
  g_autoptr (DcLinkItem) item = NULL;

  send_item (&wire->a, new_data (10), FALSE);
  wire_run (wire, 2 * MS);
  dc_link_abort (wire->a.link, "no more");
  wire_run (wire, 2 * MS);
  assert_link_error (&wire->b, DC_LINK_ERROR_ABORTED, "no more");
  item = dc_link_pop (wire->b.link, 0);
  assert_data (item, 10);
  dc_link_consume (wire->b.link, 0, wire->now);
  g_assert_null (dc_link_pop (wire->b.link, 0));
}

/* --- heartbeat --- */

static void
test_heartbeat (void)
{
  g_autoptr (Wire) wire = wire_new_open (NULL, NULL, 100 * MS);

  wire_run (wire, 3600 * SECOND);
  g_assert_true (dc_link_is_open (wire->a.link));
  g_assert_cmpint (get_stats (&wire->a).rtt, ==, 200 * MS);
  g_assert_cmpint (get_stats (&wire->a).rtt_smoothed, ==, 200 * MS);
  /* Answers count as sending: one end may do it for both. */
  g_assert_cmpuint (wire->a.frames[DC_FRAME_PING] + wire->b.frames[DC_FRAME_PING], <=, 2 * 3600);
  g_assert_cmpuint (wire->a.frames[DC_FRAME_PING] + wire->b.frames[DC_FRAME_PING], >=, 3000);

  wire->delay = 180 * MS;
  wire_run (wire, 3 * SECOND);
  g_assert_cmpint (get_stats (&wire->a).rtt, ==, 360 * MS);
  g_assert_cmpint (get_stats (&wire->a).rtt_smoothed, >, 200 * MS);
  g_assert_cmpint (get_stats (&wire->a).rtt_smoothed, <, 360 * MS);
}

static gint64
send_steadily (Wire *wire, End *end)
{
  for (guint i = 0; i < 20 && dc_link_can_send (end->link, 0); i++)
    send_item (end, new_data (10), FALSE);
  return wire->now + 50 * MS;
}

/* Whoever sends all the time measures the round trip nevertheless. */
static void
test_ping_while_sending (void)
{
  g_autoptr (Wire) wire = wire_new_open (NULL, NULL, 10 * MS);

  wire->a.consume = send_steadily;
  wire->b.consume = take_all;
  wire_run (wire, 20 * SECOND);
  g_assert_cmpuint (wire->b.frames[DC_FRAME_PING], >=, 18);
  g_assert_cmpuint (wire->b.frames[DC_FRAME_PING], <=, 21);
  g_assert_cmpint (get_stats (&wire->a).rtt, ==, 20 * MS);
  /* b has nothing in flight, but its window depends on how long the path is. */
  g_assert_cmpuint (wire->a.frames[DC_FRAME_PING], >=, 18);
  g_assert_cmpuint (wire->a.frames[DC_FRAME_PING], <=, 21);
}

static void
test_silence (void)
{
  g_autoptr (Wire) wire = wire_new_open (NULL, NULL, 0);
  gint64 start = wire->now;

  wire->cut = TRUE;
  wire_run (wire, 4 * SECOND - 2 * MS);
  g_assert_true (dc_link_is_open (wire->a.link));
  wire_run (wire, 2 * SECOND);
  assert_link_error (&wire->a, DC_LINK_ERROR_TIMEOUT, "nothing was heard from the far side for 5 s");
  assert_link_error (&wire->b, DC_LINK_ERROR_TIMEOUT, "nothing was heard from the far side for 5 s");
  g_assert_cmpint (wire->now - start, <, 7 * SECOND);
}

static void
test_silence_from_the_start (void)
{
  const DcLinkConfig config = {.timeout = 1500 * MS};
  g_autoptr (DcLink) link = dc_link_new (&config, 0);
  g_autoptr (GBytes) hello = dc_link_poll_transmit (link, 0);

  g_assert_nonnull (hello);
  g_assert_null (dc_link_poll_transmit (link, 1400 * MS));
  g_assert_cmpint (dc_link_get_deadline (link), ==, 1500 * MS);
  dc_link_advance (link, 1499 * MS);
  g_assert_null (dc_link_get_error (link));
  dc_link_heard (link, 1499 * MS); /* the HELLO is held up: the transport sends it again */
  dc_link_advance (link, 2998 * MS);
  g_assert_null (dc_link_get_error (link));
  dc_link_advance (link, 2999 * MS);
  g_assert_error (dc_link_get_error (link), DC_LINK_ERROR, DC_LINK_ERROR_TIMEOUT);
  g_assert_cmpstr (dc_link_get_error (link)->message, ==, "nothing was heard from the far side for 1500 ms");
}

/* The far side that still hears us learns why. */
static void
test_silence_is_told (void)
{
  const DcLinkConfig impatient = {.timeout = 100 * MS};
  g_autoptr (Wire) wire = wire_new_open (&impatient, NULL, MS);

  wire_run (wire, SECOND);
  assert_link_error (&wire->a, DC_LINK_ERROR_TIMEOUT, "for 100 ms");
  assert_link_error (&wire->b, DC_LINK_ERROR_ABORTED, "nothing was heard from this side for 100 ms");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/link/open", test_open);
  g_test_add_func ("/link/every-kind", test_every_kind);
  g_test_add_func ("/link/coalescing", test_coalescing);
  g_test_add_func ("/link/zero-copy", test_zero_copy);
  g_test_add_func ("/link/fragments", test_fragments);
  g_test_add_func ("/link/fragments-fill-messages", test_fragments_fill_messages);
  g_test_add_func ("/link/max-message-is-the-smaller", test_max_message_is_the_smaller);
  g_test_add_func ("/link/too-large", test_too_large);
  g_test_add_func ("/link/programming-errors", test_programming_errors);
  g_test_add_func ("/link/end/finish", test_finish);
  g_test_add_func ("/link/end/settled", test_settled);
  g_test_add_func ("/link/end/finish-comes-last", test_finish_comes_last);
  g_test_add_func ("/link/end/abort", test_abort);
  g_test_add_func ("/link/end/pop-after-error", test_pop_after_error);
  g_test_add_func ("/link/heartbeat/idle", test_heartbeat);
  g_test_add_func ("/link/heartbeat/while-sending", test_ping_while_sending);
  g_test_add_func ("/link/heartbeat/silence", test_silence);
  g_test_add_func ("/link/heartbeat/silence-from-the-start", test_silence_from_the_start);
  g_test_add_func ("/link/heartbeat/silence-is-told", test_silence_is_told);
  return g_test_run ();
}
