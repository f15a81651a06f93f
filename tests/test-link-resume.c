/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-link-resume.c: a link that outlives its channel, and what it says when it cannot. */
#include "plugins/link/dc-receiver.h"
#include "plugins/link/dc-sender.h"
#include "tests/link-wire.h"

#include <string.h>

static const DcLinkConfig alice = {
    .session = 0xa11ce, .resume_timeout = 30 * SECOND, .first_sequence = G_MAXUINT32 - 10};
static const DcLinkConfig bob = {.session = 0xb0b, .resume_timeout = 30 * SECOND, .first_sequence = 5};

static Wire *
new_pair (gint64 delay)
{
  return wire_new_open (&alice, &bob, delay);
}

static void
assert_items (const End *end, guint n)
{
  g_assert_cmpuint (end->items->len, ==, n);
  for (guint i = 0; i < n; i++)
    assert_data (end->items->pdata[i], 100 + i);
}

static void
send_range (Wire *wire, guint from, guint to)
{
  for (guint i = from; i < to; i++)
    send_item (&wire->a, new_data (100 + i), FALSE);
}

/* What was received, consumed, acknowledged or none of these when the channel died arrives once. */
static void
test_nothing_lost (void)
{
  g_autoptr (Wire) wire = new_pair (10 * MS);
  DcLinkStats stats;

  wire->b.consume = take_all;
  send_range (wire, 0, 5);
  wire_run (wire, 100 * MS); /* acknowledged; the numbers go round after six more */
  send_range (wire, 5, 8);
  wire_run (wire, 15 * MS); /* consumed */
  send_range (wire, 8, 12);
  wire_run (wire, 5 * MS); /* on the way */
  wire_lose_channel (wire);
  g_assert_true (dc_link_is_suspended (wire->a.link) && dc_link_is_open (wire->a.link));
  g_assert_true (dc_link_needs_channel (wire->a.link));
  send_range (wire, 12, 15); /* as ever */
  g_assert_null (dc_link_poll_transmit (wire->a.link, wire->now));
  wire_run (wire, 20 * SECOND);
  assert_items (&wire->b, 8);
  g_assert_cmpuint (get_stats (&wire->a).items_acked, ==, 5);

  wire_next_channel (wire);
  g_assert_true (dc_link_is_suspended (wire->a.link));
  g_assert_false (dc_link_needs_channel (wire->a.link));
  wire_run (wire, 25 * MS);
  g_assert_false (dc_link_is_suspended (wire->a.link));
  assert_items (&wire->b, 15);
  wire_run (wire, 100 * MS);
  stats = get_stats (&wire->a);
  g_assert_cmpuint (stats.items_acked, ==, 15);
  g_assert_cmpuint (stats.items_sent, ==, 15);
  g_assert_cmpuint (stats.frames_resent, ==, 4);
  g_assert_cmpuint (stats.resumes, ==, 1);
  g_assert_cmpuint (stats.in_flight_frames, ==, 0);
  g_assert_cmpuint (get_stats (&wire->b).items_received, ==, 15);

  send_range (wire, 15, 16);
  dc_link_finish (wire->a.link);
  wire_run (wire, SECOND);
  g_assert_true (dc_link_is_finished (wire->a.link));
}

/* Received and not consumed is not sent again, and stays in flight; part of an item is enough to go on with. */
static void
test_partial_item (void)
{
  g_autoptr (Wire) wire = new_pair (10 * MS);
  guint64 resent;

  wire->rate = 1000 * 1000;
  send_item (&wire->a, new_data_on (2, 50), FALSE);
  send_item (&wire->a, new_data_on (1, 300000), FALSE);
  wire_run (wire, 200 * MS);
  wire_lose_channel (wire);
  g_assert_cmpuint (get_stats (&wire->b).queued_bytes, >, 50000);
  g_assert_cmpuint (get_stats (&wire->b).queued_bytes, <, 300000);
  wire_next_channel (wire);
  wire_run (wire, SECOND);
  resent = get_stats (&wire->a).frames_resent;
  g_assert_cmpuint (resent, >, 0);
  g_assert_cmpuint (resent, <, 10);
  g_assert_cmpuint (get_stats (&wire->b).queued_bytes, ==, 300050);
  g_assert_cmpuint (get_stats (&wire->a).in_flight_frames, >=, 2);

  wire_lose_channel (wire);
  wire_next_channel (wire);
  wire->b.consume = take_all;
  wire_run (wire, SECOND);
  g_assert_cmpuint (get_stats (&wire->a).frames_resent, ==, resent);
  g_assert_cmpuint (wire->b.items->len, ==, 2);
  assert_data (wire->b.items->pdata[0], 300000);
  g_assert_cmpuint (get_stats (&wire->a).items_acked, ==, 2);
}

static gint64
send_wrapping (Wire *wire, End *end)
{
  guint *n = end->data;

  for (; *n < 3000 && dc_link_can_send (end->link, *n % 3); ++*n)
    send_item (end, new_data_on (*n % 3, *n), FALSE);
  return -1;
}

/* The numbers go round while channels die, with a stream that stands still all the time. */
static void
test_wraps (void)
{
  DcLinkConfig config = alice;
  g_autoptr (Wire) wire = NULL;
  guint n = 0, next[3] = {0, 1, 2};

  config.first_sequence = G_MAXUINT32 - 1500;
  wire = wire_new_open (&config, &bob, 7 * MS);
  send_item (&wire->a, new_data_on (3, 9), FALSE);
  wire->a.consume = send_wrapping;
  wire->a.data = &n;
  for (guint i = 0; i < 400; i++) {
    wire_run (wire, 4 * MS + i % 5 * 3 * MS);
    for (guint stream = 0; stream < 3; stream++)
      while (dc_link_has_item (wire->b.link, stream)) {
        g_autoptr (DcLinkItem) item = dc_link_pop (wire->b.link, stream);

        assert_data (item, next[stream]);
        next[stream] += 3;
        dc_link_consume (wire->b.link, stream, wire->now);
      }
    if (i % 7 == 0) {
      wire_lose_channel (wire);
      wire_next_channel (wire);
    }
  }
  wire_run (wire, SECOND);
  g_assert_cmpuint (n, ==, 3000);
  g_assert_cmpuint (get_stats (&wire->a).items_acked, ==, 3000);
  g_assert_cmpuint (get_stats (&wire->a).in_flight_frames, ==, 1);
  dc_link_item_free (dc_link_pop (wire->b.link, 3));
  dc_link_consume (wire->b.link, 3, wire->now);
  wire_run (wire, SECOND);
  g_assert_cmpuint (get_stats (&wire->a).in_flight_frames, ==, 0);
}

/* FIN-ACK lost with the channel is said again; one that arrived twice is no fault. */
static void
test_fin_ack (void)
{
  g_autoptr (Wire) wire = new_pair (10 * MS);

  wire->b.consume = take_all;
  send_range (wire, 0, 1);
  dc_link_finish (wire->a.link);
  wire_run (wire, 15 * MS);
  wire_lose_channel (wire);
  g_assert_false (dc_link_is_finished (wire->a.link));
  g_assert_false (dc_link_is_settled (wire->b.link));
  wire_next_channel (wire);
  wire_run (wire, 25 * MS);
  g_assert_true (dc_link_is_finished (wire->a.link));
  g_assert_false (dc_link_is_settled (wire->b.link));

  wire_lose_channel (wire); /* the proof that it arrived is lost */
  wire_next_channel (wire);
  wire_run (wire, 25 * MS);
  g_assert_false (dc_link_is_settled (wire->b.link));
  wire_run (wire, 30 * MS);
  g_assert_true (dc_link_is_settled (wire->b.link));
  g_assert_cmpuint (wire->a.frames[DC_FRAME_FIN_ACK], ==, 2);
  wire_lose_channel (wire);
  g_assert_true (dc_link_is_settled (wire->b.link));
  wire_next_channel (wire);
  wire_run (wire, SECOND);
  g_assert_cmpuint (wire->a.frames[DC_FRAME_FIN_ACK], ==, 2);
  g_assert_true (dc_link_is_open (wire->a.link));
}

/* Silence suspends; a HELLO that does not come suspends again; the resume timeout counts from the first loss. */
static void
test_silence (void)
{
  g_autoptr (Wire) wire = new_pair (10 * MS);
  gint64 start;

  send_range (wire, 0, 2);
  dc_link_finish (wire->a.link);
  wire_run (wire, SECOND);
  wire->cut = TRUE;
  wire_run (wire, 3900 * MS);
  g_assert_false (dc_link_is_suspended (wire->a.link));
  wire_run (wire, 1200 * MS);
  g_assert_true (dc_link_needs_channel (wire->a.link) && dc_link_needs_channel (wire->b.link));
  start = wire->now;

  wire_next_channel (wire);
  g_assert_false (dc_link_needs_channel (wire->a.link));
  wire_run (wire, 4900 * MS);
  g_assert_false (dc_link_needs_channel (wire->a.link));
  wire_run (wire, 200 * MS);
  g_assert_true (dc_link_needs_channel (wire->a.link));
  g_assert_null (dc_link_poll_transmit (wire->a.link, wire->now));

  g_assert_cmpint (dc_link_get_deadline (wire->a.link), >, start + 29 * SECOND - 500 * MS);
  g_assert_cmpint (dc_link_get_deadline (wire->a.link), <=, start + 30 * SECOND);
  wire_run (wire, 40 * SECOND);
  assert_link_error (&wire->a, DC_LINK_ERROR_RESUME,
      "the connection was lost (nothing was heard from the far side for 5 s) and did not come back within 30 s; 2 "
      "items were "
      "not acknowledged");
  assert_link_error (&wire->b, DC_LINK_ERROR_RESUME, "; everything sent was acknowledged");
  g_assert_cmpint (dc_link_get_deadline (wire->a.link), ==, -1);
  dc_link_suspend (wire->a.link, wire->now, "more");
  dc_link_resume (wire->a.link, wire->now);
  g_assert_null (dc_link_poll_transmit (wire->a.link, wire->now));
}

static void
test_not_resumable (void)
{
  const DcLinkConfig config = {.session = 3};
  g_autoptr (Wire) wire = wire_new_open (&config, NULL, MS);
  g_autoptr (Wire) early = wire_new (&alice, &bob, MS);

  dc_link_suspend (wire->a.link, wire->now, "the modem burned");
  assert_link_error (&wire->a, DC_LINK_ERROR_TIMEOUT, "the connection was lost: the modem burned");
  g_assert_null (dc_link_poll_transmit (wire->a.link, wire->now));
  dc_link_suspend (early->a.link, early->now, "it never worked");
  assert_link_error (&early->a, DC_LINK_ERROR_TIMEOUT, "the connection was lost: it never worked");
  g_test_expect_message (NULL, G_LOG_LEVEL_CRITICAL, "*opened*");
  dc_link_resume (early->b.link, early->now);
  g_test_assert_expected_messages ();
}

/* One end goes on, the other has begun a new link. Both learn it. */
static void
test_started_anew (void)
{
  DcLinkConfig other = bob;
  g_autoptr (Wire) wire = new_pair (10 * MS);

  send_range (wire, 0, 1);
  wire_lose_channel (wire);
  other.session = 0xb0b2;
  dc_link_free (wire->b.link);
  wire->b.link = dc_link_new (&other, wire->now);
  wire->b.channel = wire->a.channel = 1;
  dc_link_resume (wire->a.link, wire->now);
  wire_run (wire, SECOND);
  assert_link_error (&wire->a, DC_LINK_ERROR_RESUME,
      "the far side has started anew and cannot go on with this link; 1 item was not acknowledged");
  assert_link_error (&wire->b, DC_LINK_ERROR_RESUME,
      "wants to go on with session 0000000000000b0b from frame 5, but this is a new link");
}

/* dc_link_abort() without a channel ends this end; with one that is not yet taken up, the far end too. */
static void
test_abort (void)
{
  g_autoptr (Wire) wire = new_pair (10 * MS);
  g_autoptr (Wire) other = new_pair (10 * MS);

  wire_lose_channel (wire);
  dc_link_abort (wire->a.link, "enough");
  assert_link_error (&wire->a, DC_LINK_ERROR_ABORTED, "enough");
  g_assert_null (dc_link_poll_transmit (wire->a.link, wire->now));

  wire_lose_channel (other);
  wire_next_channel (other);
  dc_link_abort (other->a.link, "enough");
  wire_run (other, SECOND);
  assert_link_error (&other->b, DC_LINK_ERROR_ABORTED, "enough");
}

/* A new channel can come before the old one is known to be lost, and what still comes on none is ignored. */
static void
test_unnoticed (void)
{
  g_autoptr (Wire) wire = new_pair (10 * MS);
  g_autoptr (GBytes) stray = g_bytes_new_static ("nonsense", 8);

  wire->b.consume = take_all;
  send_range (wire, 0, 3);
  wire_kill_channel (wire, 0, 0);
  dc_link_suspend (wire->b.link, wire->now, "gone");
  g_assert_true (dc_link_receive (wire->b.link, stray, wire->now, NULL));
  wire_next_channel (wire);
  wire_run (wire, SECOND);
  assert_items (&wire->b, 3);
  g_assert_cmpuint (get_stats (&wire->b).resumes, ==, 1);
}

static void
see_pings (End *end, const DcFrame *frame)
{
  GArray *pings = end->data;

  if (frame->type == DC_FRAME_PING)
    g_array_append_val (pings, frame->ping);
}

/* The new path is measured at once, by a PING of its own; its length does not count that of the old one. */
static void
test_new_path (void)
{
  g_autoptr (Wire) wire = new_pair (10 * MS);
  g_autoptr (GArray) pings = g_array_new (FALSE, FALSE, sizeof (guint64));

  wire_run (wire, 10 * SECOND);
  g_assert_cmpint (get_stats (&wire->a).rtt_min, ==, 20 * MS);
  wire_lose_channel (wire);
  wire_next_channel (wire);
  wire->delay = 150 * MS;
  wire->b.data = pings;
  wire->b.see = see_pings;
  wire_run (wire, 460 * MS);
  g_assert_cmpint (get_stats (&wire->a).rtt_min, ==, 300 * MS);
  g_assert_cmpint (get_stats (&wire->a).rtt, ==, 300 * MS);
  g_assert_cmpuint (pings->len, ==, 1);
}

/* The halves of a link, which have sent and consumed nearly 2^32 frames and bytes on every count that there is. */
typedef struct {
  DcSender sender;
  DcReceiver receiver;
  gint64 now;
  guint n_taken;
} Halves;

static Halves *
new_worn_halves (void)
{
  const DcPosition worn = {G_MAXUINT32 - 1000, G_MAXUINT32 - 50000};
  const DcFrameHello hello = {.window_bytes = 65536, .window_frames = 256, .max_item = 65536, .max_message = 65536};
  Halves *halves = g_new0 (Halves, 1);
  DcSender *sender = &halves->sender;
  DcReceiver *receiver = &halves->receiver;

  dc_sender_init (sender, 0);
  dc_sender_open (sender, &hello, 65536);
  dc_receiver_init (receiver, 1 << 20, 4096, 65536, 0);
  sender->sent = sender->acked = worn;
  receiver->told = receiver->consumed = receiver->received = receiver->window.consumed = worn;
  sender->limit = receiver->limit = (DcPosition){worn.frames + 256, worn.bytes + 65536};
  sender->next = sender->arrived = receiver->next = (guint32) worn.frames;
  sender->streams[0] = dc_sender_stream_new (0);
  sender->streams[0]->n_acked = (guint32) worn.frames;
  receiver->streams[0] = dc_receiver_stream_new (0);
  receiver->streams[0]->told = receiver->streams[0]->consumed = worn;
  receiver->streams[0]->popped = receiver->streams[0]->received = worn;
  return halves;
}

static void
halves_free (Halves *halves)
{
  dc_sender_clear (&halves->sender);
  dc_receiver_clear (&halves->receiver);
  g_free (halves);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Halves, halves_free)

/* What the sender has to say to the receiver, or is lost. */
static void
pass_frames (Halves *halves, gboolean lost)
{
  GByteArray *bytes = g_byte_array_new ();
  g_autoptr (GBytes) message = NULL;
  gsize size, position = 0;
  const guint8 *data;

  dc_sender_fill (&halves->sender, bytes);
  message = g_byte_array_free_to_bytes (bytes);
  data = g_bytes_get_data (message, &size);
  while (!lost && position < size) {
    g_autoptr (GError) error = NULL;
    DcFrame frame;

    g_assert_true (dc_frame_parse (data, size, &position, &frame, &error));
    dc_receiver_take (&halves->receiver, &frame, message, halves->now, &error);
    g_assert_no_error (error);
  }
}

static void
consume_and_tell (Halves *halves, gboolean lost)
{
  g_autoptr (GError) error = NULL;
  DcLinkItem *item;
  DcFrame frame;

  while ((item = dc_receiver_pop (&halves->receiver, 0))) {
    assert_data (item, 100 + halves->n_taken++ % 200);
    dc_link_item_free (item);
    dc_receiver_consume (&halves->receiver, 0, halves->now);
  }
  if (!dc_receiver_has_credit (&halves->receiver))
    return;
  dc_receiver_take_credit (&halves->receiver, &frame, halves->now);
  if (!lost)
    dc_sender_credit (&halves->sender, frame.stream, &frame.credit, &error);
  g_assert_no_error (error);
}

static void
change_channel (Halves *halves)
{
  const DcFrameHello hello = {.next_expected = halves->receiver.next, .max_item = 65536};
  g_autoptr (GError) error = NULL;

  dc_sender_resume (&halves->sender, &hello, 65536, &error);
  g_assert_no_error (error);
  dc_receiver_resume (&halves->receiver);
}

/* All counts of frames and bytes go round, in channels that lose their last frames and CREDITs. */
static void
test_counts_wrap (void)
{
  g_autoptr (Halves) halves = new_worn_halves ();
  guint n_sent = 0;

  for (guint round = 0; round < 500; round++) {
    gboolean lost = round % 5 == 4;

    for (guint i = 0; i < 10 && dc_sender_has_room (&halves->sender, 0); i++)
      dc_sender_queue (&halves->sender, new_data (100 + n_sent++ % 200), FALSE);
    pass_frames (halves, lost && round % 2);
    consume_and_tell (halves, lost);
    halves->now += 10 * MS;
    if (lost)
      change_channel (halves);
  }
  for (guint i = 0; i < 10; i++) {
    pass_frames (halves, FALSE);
    consume_and_tell (halves, FALSE);
  }
  g_assert_cmpuint (n_sent, >, 4000);
  g_assert_cmpuint (halves->n_taken, ==, n_sent);
  g_assert_cmpuint (halves->sender.items_acked, ==, n_sent);
  g_assert_cmpuint (halves->sender.acked.frames, >, G_MAXUINT32);
  g_assert_cmpuint (halves->sender.acked.bytes, >, G_MAXUINT32);
  g_assert_cmpuint (dc_sender_get_bytes_in_flight (&halves->sender), ==, 0);
}

/* Sends one message; its frames must go on at *@next. */
static void
expect_message (DcSender *sender, guint32 *next)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  gsize position = 0;
  DcFrame frame;

  dc_sender_fill (sender, bytes);
  g_assert_cmpuint (bytes->len, >, 0);
  while (position < bytes->len) {
    g_assert_true (dc_frame_parse (bytes->data, bytes->len, &position, &frame, NULL));
    g_assert_cmpuint (frame.sequence, ==, *next);
    ++*next;
  }
}

/* The next channel dies too, when a part has been sent again. */
static void
test_lost_while_resending (void)
{
  DcFrameHello hello = {.window_bytes = 65536, .window_frames = 256, .max_item = 65536, .max_message = 4096};
  DcSender sender = {0};
  guint32 next = 0;

  dc_sender_init (&sender, 0);
  dc_sender_open (&sender, &hello, hello.max_message);
  for (guint i = 0; i < 12; i++)
    dc_sender_queue (&sender, new_data_on (i % 3, 1500), FALSE);
  for (guint first = 0; first < 3; first++) {
    hello.next_expected = next = first;
    g_assert_true (dc_sender_resume (&sender, &hello, hello.max_message, NULL));
    expect_message (&sender, &next);
    g_assert_cmpuint (next, <, 12);
    if (first == 0)
      while (next < 12)
        expect_message (&sender, &next);
  }
  while (next < 12)
    expect_message (&sender, &next);
  g_assert_cmpuint (sender.resend.length, ==, 0);
  dc_sender_clear (&sender);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/link/resume/nothing-lost", test_nothing_lost);
  g_test_add_func ("/link/resume/partial-item", test_partial_item);
  g_test_add_func ("/link/resume/wraps", test_wraps);
  g_test_add_func ("/link/resume/counts-wrap", test_counts_wrap);
  g_test_add_func ("/link/resume/lost-while-resending", test_lost_while_resending);
  g_test_add_func ("/link/resume/fin-ack", test_fin_ack);
  g_test_add_func ("/link/resume/silence", test_silence);
  g_test_add_func ("/link/resume/not-resumable", test_not_resumable);
  g_test_add_func ("/link/resume/started-anew", test_started_anew);
  g_test_add_func ("/link/resume/abort", test_abort);
  g_test_add_func ("/link/resume/unnoticed", test_unnoticed);
  g_test_add_func ("/link/resume/new-path", test_new_path);
  return g_test_run ();
}
