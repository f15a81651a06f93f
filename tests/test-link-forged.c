/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-link-forged.c: one end of a link against frames made by hand: what breaks the rules, and what just keeps to them. */
#include "tests/link-wire.h"

#include <string.h>

static void
assert_refused_after_hello (const char *part, guint n, ...)
{
  g_autoptr (Forge) forge = forge_new (TRUE);
  va_list args;

  va_start (args, n);
  for (; n > 0; n--)
    forge_add (forge, va_arg (args, DcFrame));
  va_end (args);
  forge_assert_refused (forge, part);
}

static void
test_refuses_order (void)
{
  g_autoptr (Forge) early = forge_new (FALSE);
  DcFrame fin = make_whole (DC_FRAME_FIN, FIRST, "");

  forge_add (early, make_whole (DC_FRAME_DATA, 0, "x"));
  forge_assert_refused (early, "the far side broke the link protocol: DATA frame before the HELLO");
  assert_refused_after_hello ("HELLO frame for the second time", 1, make_hello ());
  assert_refused_after_hello (
      "DATA frame with the number 1001 where 1000 is due", 1, make_whole (DC_FRAME_DATA, FIRST + 1, "x"));
  assert_refused_after_hello ("DATA frame with the number 1000 where 1001 is due", 2,
      make_whole (DC_FRAME_DATA, FIRST, "x"), make_whole (DC_FRAME_DATA, FIRST, "x"));
  assert_refused_after_hello ("DATA frame 1001 after FIN", 2, fin, make_whole (DC_FRAME_DATA, FIRST + 1, "x"));
  assert_refused_after_hello ("FIN-ACK frame where no FIN was sent", 1, (DcFrame){.type = DC_FRAME_FIN_ACK});
  assert_refused_after_hello (
      "PONG frame for a PING that was not sent", 1, (DcFrame){.type = DC_FRAME_PONG, .ping = 2});
  assert_refused_after_hello (
      "PONG frame for a PING that was not sent", 1, (DcFrame){.type = DC_FRAME_PONG, .ping = 0});
}

static void
test_refuses_fragments (void)
{
  const guint8 S = DC_FRAME_FLAG_START, E = DC_FRAME_FLAG_END, D = DC_FRAME_DATA;
  DcFrame begin = make_item (D, S, FIRST, 4, "ab", 2);
  DcFrame caps = make_item (DC_FRAME_CAPS, S, FIRST, 4, "ab", 2);
  DcFrame other = make_item (D, E, FIRST + 1, 0, "cd", 2);

  other.stream = 1;
  assert_refused_after_hello ("goes on with an item that was not begun", 1, make_item (D, E, FIRST, 0, "a", 1));
  assert_refused_after_hello ("DATA frame 1001 begins an item while another of the stream 0 is not whole", 2, begin,
      make_whole (D, FIRST + 1, "x"));
  assert_refused_after_hello (
      "FIN frame 1001 begins an item while another", 2, begin, make_whole (DC_FRAME_FIN, FIRST + 1, ""));
  assert_refused_after_hello ("goes on with an item that was not begun on the stream 1", 2, begin, other);
  assert_refused_after_hello ("inside an item of another kind", 2, caps, make_item (D, E, FIRST + 1, 0, "cd", 2));
  assert_refused_after_hello ("ends an item of 4 bytes with byte 3", 2, begin, make_item (D, E, FIRST + 1, 0, "c", 1));
  assert_refused_after_hello (
      "ends an item of 4 bytes with byte 5", 2, begin, make_item (D, E, FIRST + 1, 0, "cde", 3));
  assert_refused_after_hello (
      "goes on with an item of 4 bytes with byte 4", 2, begin, make_item (D, 0, FIRST + 1, 0, "cd", 2));
  assert_refused_after_hello (
      "CAPS frame 1001 ends caps that are not UTF-8", 2, caps, make_item (DC_FRAME_CAPS, E, FIRST + 1, 0, "c\xff", 2));
  assert_refused_after_hello ("caps that are not UTF-8", 1, make_whole (DC_FRAME_CAPS, FIRST, "\xff"));
  assert_refused_after_hello (
      "caps that are not UTF-8", 1, make_item (DC_FRAME_CAPS, DC_FRAME_FLAG_WHOLE, FIRST, 3, "a\0b", 3));
}

static void
test_refuses_size (void)
{
  g_autofree char *text = g_strnfill (9000, 'x');
  g_autoptr (Forge) forge = forge_new (TRUE);
  g_autoptr (Forge) empty = forge_new (TRUE);

  assert_refused_after_hello ("begins an item of 10001 bytes where at most 10000 are taken", 1,
      make_item (DC_FRAME_DATA, DC_FRAME_FLAG_START, FIRST, 10001, "x", 1));
  assert_refused_after_hello ("begins an item of 18446744073709551615 bytes", 1,
      make_item (DC_FRAME_DATA, DC_FRAME_FLAG_START, FIRST, G_MAXUINT64, "x", 1));
  assert_refused_after_hello ("brings 4097 bytes and 1 frames in flight where the window is 4096 bytes and 16 frames",
      1, make_item (DC_FRAME_DATA, DC_FRAME_FLAG_WHOLE, FIRST, 4097 - 52, text, 4097 - 52));
  forge_add (forge, make_item (DC_FRAME_DATA, DC_FRAME_FLAG_WHOLE, FIRST, 9000, text, 9000));
  forge_assert_refused (forge, "message of 9064 bytes where at most 8192 are due");
  forge_assert_refused (empty, "message without a frame");
}

static void
test_refuses_frames_beyond_window (void)
{
  g_autoptr (Forge) forge = forge_new (TRUE);

  for (guint i = 0; i < 16; i++)
    forge_add (forge, make_whole (DC_FRAME_EVENT, FIRST + i, ""));
  g_assert_true (forge_deliver (forge));
  forge_add (forge, make_whole (DC_FRAME_EVENT, FIRST + 16, ""));
  forge_assert_refused (forge, "17 frames in flight");
}

/* Credit counts from when it was given back, not from when it could have been. */
static void
test_window_counts_from_credit (void)
{
  g_autoptr (Forge) forge = forge_new (TRUE);
  g_autoptr (DcLinkItem) item = NULL;

  for (guint i = 0; i < 16; i++)
    forge_add (forge, make_whole (DC_FRAME_DATA, FIRST + i, "x"));
  g_assert_true (forge_deliver (forge));
  item = dc_link_pop (forge->end.link, 0);
  dc_link_consume (forge->end.link, 0, 0);
  /* The CREDIT is due, and not sent. */
  forge_add (forge, make_whole (DC_FRAME_DATA, FIRST + 16, "x"));
  forge_assert_refused (forge, "17 frames in flight");
}

static void
test_refuses_credit (void)
{
  g_autoptr (Forge) forge = forge_new (TRUE);
  g_autoptr (Forge) back = forge_new (TRUE);

  assert_refused_after_hello (
      "CREDIT frame for 1 frames of the stream 0 where 0 to 0 are due", 1, make_credit (0, 1, 100000, 100));
  assert_refused_after_hello (
      "CREDIT frame for 1 frames of the stream 9 where 0 to 0", 1, make_credit (9, 1, 100000, 100));
  assert_refused_after_hello ("takes back credit: limits of 99999 bytes and 100 frames where 100000 and 100 stand", 1,
      make_credit (0, 0, 99999, 100));
  assert_refused_after_hello ("takes back credit", 1, make_credit (0, 0, 100000, 99));
  assert_refused_after_hello (
      "makes the window 1073841824 bytes and 100 frames", 1, make_credit (0, 0, 100000 + (1u << 30), 100));

  send_item (&forge->end, new_data (48), FALSE);
  send_item (&forge->end, new_data (48), FALSE);
  forge_drain (forge);
  forge_add (forge, make_credit (0, 1, 100000, 100)); /* the same limits: a smaller window */
  g_assert_true (forge_deliver (forge));
  g_assert_cmpuint (get_stats (&forge->end).items_acked, ==, 1);
  g_assert_cmpuint (get_stats (&forge->end).window_bytes, ==, 99900);
  forge_add (forge, make_credit (0, 2, 200200, 1000)); /* more */
  g_assert_true (forge_deliver (forge));
  g_assert_cmpuint (get_stats (&forge->end).window_bytes, ==, 200000);
  forge_add (forge, make_credit (0, 1, 300000, 1000));
  forge_assert_refused (forge, "CREDIT frame for 1 frames of the stream 0 where 2 to 2 are due");

  dc_link_finish (back->end.link);
  forge_drain (back);
  forge_add (back, (DcFrame){.type = DC_FRAME_FIN_ACK});
  g_assert_true (forge_deliver (back));
  g_assert_true (dc_link_is_finished (back->end.link));
  forge_add (back, (DcFrame){.type = DC_FRAME_FIN_ACK});
  forge_assert_refused (back, "FIN-ACK frame for the second time");
}

static void
test_refuses_hello (void)
{
  g_autoptr (Forge) zero = forge_new (FALSE);
  g_autoptr (Forge) resume = forge_new (FALSE);
  g_autoptr (Forge) version = forge_new (FALSE);
  g_autoptr (Forge) far = forge_new (FALSE);
  g_autoptr (GBytes) abort_message = NULL;
  DcFrame hello = make_hello ();

  hello.hello.window_bytes = 0;
  forge_add (zero, hello);
  forge_assert_refused (zero, "HELLO frame with a window of 0 bytes");

  hello = make_hello ();
  hello.hello.resume = 0xabc;
  hello.hello.next_expected = 12;
  forge_add (resume, hello);
  forge_assert_ended (resume, DC_LINK_ERROR_RESUME,
      "wants to go on with session 0000000000000abc from frame 12, but this is a new link");

  hello = make_hello ();
  hello.hello.version_min = 2;
  hello.hello.version_max = 4;
  forge_add (version, hello);
  g_assert_false (forge_deliver (version));
  assert_link_error (&version->end, DC_LINK_ERROR_VERSION, "a HELLO for version 2 to 4, the other speaks version 1");

  /* The far side of it learns the same, and that it is the version. */
  abort_message = dc_link_poll_transmit (version->end.link, 0);
  g_assert_false (dc_link_receive (far->end.link, abort_message, 0, NULL));
  assert_link_error (&far->end, DC_LINK_ERROR_VERSION, "a HELLO for version 2 to 4, the other speaks version 1");
}

/* An older or a newer far side is served if it speaks our version, and refused in words otherwise. */
static void
test_versions (void)
{
  static const struct {
    guint16 min, max;
    const char *part; /* NULL: served */
  } cases[] = {
      {1, 2, NULL},
      {0, 1, NULL},
      {0, 65535, NULL},
      {2, 3, "a HELLO for version 2 to 3, the other speaks version 1; update the older program"},
      {0, 0, "a HELLO for version 0, the other speaks version 1; update the older program"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (Forge) forge = forge_new (FALSE);
    DcFrame hello = make_hello ();

    hello.hello.version_min = cases[i].min;
    hello.hello.version_max = cases[i].max;
    hello.hello.capabilities = 0xdeadbeef; /* for whom it may concern */
    forge_add (forge, hello);
    if (cases[i].part)
      forge_assert_ended (forge, DC_LINK_ERROR_VERSION, cases[i].part);
    else
      g_assert_true (forge_deliver (forge) && dc_link_can_send (forge->end.link, 0));
  }
}

static void
test_malformed_frame_ends_link (void)
{
  g_autoptr (Forge) forge = forge_new (TRUE);
  g_autoptr (DcLinkItem) item = NULL;

  forge_add (forge, make_whole (DC_FRAME_DATA, FIRST, "good"));
  g_byte_array_append (forge->message, (const guint8 *) "GET / HTTP/1.1", 14);
  forge_assert_refused (forge, "frame of the unknown type 71");
  item = dc_link_pop (forge->end.link, 0);
  g_assert_cmpmem (g_bytes_get_data (item->payload, NULL), 4, "good", 4);

  forge_add (forge, make_whole (DC_FRAME_DATA, FIRST + 1, "more"));
  g_assert_false (forge_deliver (forge));
  g_assert_null (dc_link_pop (forge->end.link, 0));
}

static gboolean
has_message (Forge *forge, gint64 now)
{
  g_autoptr (GBytes) message = dc_link_poll_transmit (forge->end.link, now);

  return message != NULL;
}

/* What comes behind an item that was popped and not consumed is not acknowledged, neither are its fragments. */
static void
test_fragment_behind_popped (void)
{
  g_autoptr (Forge) forge = forge_new (TRUE);
  g_autofree char *text = g_strnfill (1100, 'x');
  g_autoptr (DcLinkItem) item = NULL;

  forge_add (forge, make_whole (DC_FRAME_DATA, FIRST, "x"));
  g_assert_true (forge_deliver (forge));
  item = dc_link_pop (forge->end.link, 0);
  forge_add (forge, make_item (DC_FRAME_DATA, DC_FRAME_FLAG_START, FIRST + 1, 5000, text, 1100));
  g_assert_true (forge_deliver (forge));
  g_assert_false (has_message (forge, 500 * MS));
  dc_link_consume (forge->end.link, 0, 0);
  g_assert_true (has_message (forge, 0)); /* more than a quarter of the window */
}

/* Whoever waits for us is not made to wait, whatever else was consumed along with it. */
static void
test_credit_at_once (void)
{
  g_autoptr (Forge) forge = forge_new (TRUE);
  g_autoptr (Forge) fin = forge_new (TRUE);
  DcFrame urgent = make_whole (DC_FRAME_EVENT, FIRST, "");

  urgent.flags |= DC_FRAME_FLAG_ACK_NOW;
  forge_add (forge, urgent);
  g_assert_true (forge_deliver (forge));
  dc_link_item_free (dc_link_pop (forge->end.link, 0));
  forge_add (forge, make_item (DC_FRAME_DATA, DC_FRAME_FLAG_WHOLE, FIRST + 1, 0, NULL, 0));
  g_assert_true (forge_deliver (forge));
  dc_link_item_free (dc_link_pop (forge->end.link, 0));
  g_assert_false (has_message (forge, 0));
  dc_link_consume (forge->end.link, 0, 0);
  g_assert_true (has_message (forge, 0));

  forge_add (fin, make_whole (DC_FRAME_DATA, FIRST, "x"));
  forge_add (fin, make_whole (DC_FRAME_FIN, FIRST + 1, ""));
  g_assert_true (forge_deliver (fin));
  dc_link_item_free (dc_link_pop (fin->end.link, 0));
  dc_link_consume (fin->end.link, 0, 0);
  g_assert_true (has_message (fin, 0));
}

/* A flood costs the sender more than us. */
static void
test_floods (void)
{
  g_autoptr (Forge) forge = forge_new (TRUE);
  g_autoptr (GBytes) answer = NULL;
  gsize position = 0;
  DcFrame frame;

  for (guint i = 1; i <= 8192 / 20; i++)
    forge_add (forge, (DcFrame){.type = DC_FRAME_PING, .ping = i});
  g_assert_true (forge_deliver (forge));
  answer = dc_link_poll_transmit (forge->end.link, 0);
  g_assert_cmpuint (g_bytes_get_size (answer), ==, 4 * 20);
  g_assert_null (dc_link_poll_transmit (forge->end.link, 0));
  for (guint i = 0; i < 4; i++) {
    dc_frame_parse (g_bytes_get_data (answer, NULL), g_bytes_get_size (answer), &position, &frame, NULL);
    g_assert_cmpint (frame.type, ==, DC_FRAME_PONG);
    g_assert_cmpuint (frame.ping, ==, 8192 / 20 - 3 + i);
  }

  for (guint i = 0; i < 8192 / 24; i++)
    forge_add (forge, make_credit (0, 0, 100000 + i, 100));
  g_assert_true (forge_deliver (forge));
  g_assert_null (dc_link_poll_transmit (forge->end.link, 0));
}

/* A tiny payload in a large message must not keep the message. */
static void
test_tiny_payload_is_copied (void)
{
  g_autoptr (Forge) forge = forge_new (TRUE);
  g_autoptr (GBytes) message = NULL;
  g_autoptr (DcLinkItem) item = NULL;
  const guint8 *data, *payload;
  gsize size;

  forge_add (forge, make_whole (DC_FRAME_DATA, FIRST, "x"));
  for (guint i = 0; i < 100; i++)
    forge_add (forge, (DcFrame){.type = DC_FRAME_PING, .ping = i});
  message = g_byte_array_free_to_bytes (g_steal_pointer (&forge->message));
  forge->message = g_byte_array_new ();
  g_assert_true (dc_link_receive (forge->end.link, message, 0, NULL));
  item = dc_link_pop (forge->end.link, 0);
  data = g_bytes_get_data (message, &size);
  payload = g_bytes_get_data (item->payload, NULL);
  g_assert_true (payload < data || payload >= data + size);
}

/* --- one end that was suspended --- */

/* Open, with five frames out, of which two are acknowledged: 50 and 51 of 50 to 54. */
static Forge *
new_suspended (void)
{
  Forge *forge = forge_new (TRUE);

  for (guint i = 0; i < 5; i++) {
    send_item (&forge->end, new_data_on (i % 2, 10), FALSE);
    forge_drain (forge);
  }
  forge_add (forge, make_credit (0, 1, 100000, 100));
  forge_add (forge, make_credit (1, 1, 100000, 100));
  g_assert_true (forge_deliver (forge));
  dc_link_resume (forge->end.link, 0);
  forge_drain (forge);
  return forge;
}

static DcFrame
make_resume (guint32 next_expected)
{
  DcFrame frame = make_hello ();

  frame.hello.resume = FORGED_SESSION;
  frame.hello.next_expected = next_expected;
  return frame;
}

static guint
count_resent (Forge *forge, guint32 first)
{
  g_autoptr (GBytes) message = dc_link_poll_transmit (forge->end.link, 0);
  gsize size, position = 0;
  const guint8 *data = g_bytes_get_data (message, &size);
  DcFrame frame;
  guint n = 0;

  while (position < size && dc_frame_parse (data, size, &position, &frame, NULL))
    if (frame.type & DC_FRAME_SEQUENCED) {
      g_assert_cmpuint (frame.sequence, ==, first + n);
      n++;
    }
  return n;
}

static void
test_next_expected (void)
{
  for (guint32 expected = 45; expected < 60; expected++) {
    g_autoptr (Forge) forge = new_suspended ();

    forge_add (forge, make_resume (expected));
    if (expected < 52 || expected > 55) {
      g_autofree char *part = g_strdup_printf ("HELLO frame that expects frame %u where 52 to 55 are due", expected);

      forge_assert_refused (forge, part);
      continue;
    }
    g_assert_true (forge_deliver (forge));
    g_assert_cmpuint (count_resent (forge, expected), ==, 55 - expected);
  }
}

static void
test_refused_hellos (void)
{
  g_autoptr (Forge) lower = new_suspended ();
  g_autoptr (Forge) smaller = new_suspended ();
  g_autoptr (Forge) other = new_suspended ();
  g_autoptr (Forge) behind = new_suspended ();
  g_autoptr (Forge) anew = new_suspended ();
  g_autoptr (Forge) version = new_suspended ();
  DcFrame hello = make_resume (52);

  hello.hello.max_message = 8191;
  forge_add (lower, hello);
  forge_assert_refused (lower, "resumes with a lower limit: messages of 8191 bytes where 8192 are due");
  hello = make_resume (52);
  hello.hello.max_item = 99999;
  forge_add (smaller, hello);
  forge_assert_refused (smaller, "items of 99999 where 100000 are");
  hello = make_resume (52);
  hello.hello.session++;
  forge_add (other, hello);
  g_assert_false (forge_deliver (other));
  assert_link_error (
      &other->end, DC_LINK_ERROR_RESUME, "started anew and cannot go on with this link; 3 items were not");
  hello = make_resume (52);
  hello.hello.first_sequence = FIRST - 1;
  forge_add (behind, hello);
  forge_assert_refused (behind, "HELLO frame that has sent up to frame 999 where 1000 was received");
  forge_add (anew, make_hello ());
  g_assert_false (forge_deliver (anew));
  assert_link_error (&anew->end, DC_LINK_ERROR_RESUME, "started anew");
  hello = make_resume (52);
  hello.hello.version_min = hello.hello.version_max = 2;
  forge_add (version, hello);
  g_assert_false (forge_deliver (version));
  assert_link_error (&version->end, DC_LINK_ERROR_VERSION, "a HELLO for version 2, the other speaks version 1");
}

/* What must be sent again cannot have been consumed; answers to PINGs of the old channel cannot come on the new. */
static void
test_refused_afterwards (void)
{
  g_autoptr (Forge) early = new_suspended ();
  g_autoptr (Forge) pong = new_suspended ();
  g_autoptr (Forge) twice = new_suspended ();

  forge_add (early, make_resume (52));
  forge_add (early, make_credit (0, 2, 100000, 100));
  forge_assert_refused (early, "CREDIT frame for 2 frames of the stream 0 where 1 to 1 are due");
  forge_add (pong, make_resume (52));
  forge_add (pong, (DcFrame){.type = DC_FRAME_PONG, .ping = 1});
  forge_assert_refused (pong, "PONG frame for a PING that was not sent");
  forge_add (twice, make_resume (52));
  forge_add (twice, make_resume (52));
  forge_assert_refused (twice, "HELLO frame for the second time");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/link/credit/fragment-behind-popped", test_fragment_behind_popped);
  g_test_add_func ("/link/credit/at-once", test_credit_at_once);
  g_test_add_func ("/link/refuses/order", test_refuses_order);
  g_test_add_func ("/link/refuses/fragments", test_refuses_fragments);
  g_test_add_func ("/link/refuses/size", test_refuses_size);
  g_test_add_func ("/link/refuses/frames-beyond-window", test_refuses_frames_beyond_window);
  g_test_add_func ("/link/refuses/window-counts-from-credit", test_window_counts_from_credit);
  g_test_add_func ("/link/refuses/credit", test_refuses_credit);
  g_test_add_func ("/link/refuses/hello", test_refuses_hello);
  g_test_add_func ("/link/refuses/versions", test_versions);
  g_test_add_func ("/link/refuses/malformed", test_malformed_frame_ends_link);
  g_test_add_func ("/link/refuses/floods", test_floods);
  g_test_add_func ("/link/refuses/tiny-payload-is-copied", test_tiny_payload_is_copied);
  g_test_add_func ("/link/resume/next-expected", test_next_expected);
  g_test_add_func ("/link/resume/refused-hellos", test_refused_hellos);
  g_test_add_func ("/link/resume/refused-afterwards", test_refused_afterwards);
  return g_test_run ();
}
