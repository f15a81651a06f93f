/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sctp-turns.c: messages of several streams that wait for room in one association.
 *
 * An association that is not up yet takes nothing: so it is known who waits. */
#include "plugins/transport/gst-sctp-turns.h"

#include <string.h>

#include "tests/harness/dc-test.h"
#include "tests/sctp-pair.h"

#define GATES 3u

typedef struct {
  SctpPair *pair;
  DcSctpLanes *lanes; /* of the first end */
  GstDcSctpTurns turns;
  GstDcSctpGate gates[GATES]; /* of the streams 0, 1, 2 */
  GThread *threads[GATES];
} Fixture;

typedef struct {
  Fixture *f;
  GstDcSctpGate *gate;
  char *text;
  gboolean taken;
  DcSctpSent sent;
} Sender;

static gpointer
send_text (gpointer user_data)
{
  Sender *sender = user_data;
  DcSctpSendInfo info = {.stream = sender->gate->stream, .ppid = 53};
  gsize size = strlen (sender->text);

  sender->taken = gst_dc_sctp_turns_send (&sender->f->turns, sender->gate, sender->f->lanes, &info,
      gst_buffer_new_wrapped (g_steal_pointer (&sender->text), size), &sender->sent);
  return sender;
}

/* Returns once it waits. */
static void
begin_send (Fixture *f, guint stream, const char *text)
{
  const Sender sender = {.f = f, .gate = &f->gates[stream], .text = g_strdup (text)};

  f->threads[stream] = g_thread_new ("send", send_text, g_memdup2 (&sender, sizeof sender));
  while (!gst_dc_sctp_turns_has (&f->turns, (guint16) stream))
    g_thread_yield ();
}

static gboolean
end_send (Fixture *f, guint stream, DcSctpSent *sent)
{
  g_autofree Sender *sender = g_thread_join (f->threads[stream]);

  *sent = sender->sent;
  return sender->taken;
}

static void
assert_sent (Fixture *f, guint stream)
{
  DcSctpSent sent;

  g_assert_true (end_send (f, stream, &sent));
  g_assert_cmpint (sent, ==, DC_SCTP_SENT);
}

static void
assert_flushed (Fixture *f, guint stream)
{
  DcSctpSent sent;

  g_assert_false (end_send (f, stream, &sent));
}

/* It is up, and says so to those who wait. */
static void
open_up (Fixture *f)
{
  sctp_pair_connect (f->pair);
  sctp_end_wait_writable (&f->pair->ends[0], 1);
  gst_dc_sctp_turns_writable (&f->turns, f->lanes);
}

static void
expect (Fixture *f, guint stream, const char *text)
{
  SctpMessage *message = sctp_end_take (&f->pair->ends[1]);

  g_assert_cmpuint (message->stream, ==, stream);
  g_assert_cmpmem (g_bytes_get_data (message->bytes, NULL), g_bytes_get_size (message->bytes), text, strlen (text));
  sctp_message_free (message);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  dc_test_watchdog_start (30);
  f->pair = sctp_pair_new (NULL, NULL, 1);
  f->pair->ends[1].keep = TRUE;
  f->lanes = sctp_end_make_lanes (&f->pair->ends[0]);
  gst_dc_sctp_turns_init (&f->turns);
  gst_dc_sctp_turns_begin (&f->turns);
  for (guint i = 0; i < GATES; i++)
    gst_dc_sctp_gate_init (&f->gates[i], (guint16) i);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  gst_dc_sctp_turns_stop (&f->turns);
  for (guint i = 0; i < GATES; i++)
    gst_dc_sctp_gate_clear (&f->gates[i]);
  sctp_pair_free (f->pair);
  gst_dc_sctp_turns_clear (&f->turns);
  dc_test_watchdog_stop ();
}

/* --- Tests --- */

static void
test_order (Fixture *f, gconstpointer data)
{
  static const guint order[] = {2, 0, 1};

  for (guint i = 0; i < GATES; i++)
    begin_send (f, order[i], "x");
  open_up (f);
  for (guint i = 0; i < GATES; i++) {
    assert_sent (f, order[i]);
    expect (f, order[i], "x");
  }
  g_assert_cmpuint (gst_dc_sctp_turns_get_bytes_sent (&f->turns, &f->gates[0]), ==, 1);
}

/* The first one goes, and the others have their turns. */
static void
test_flush (Fixture *f, gconstpointer data)
{
  begin_send (f, 0, "x");
  begin_send (f, 1, "y");
  gst_dc_sctp_turns_flush (&f->turns, &f->gates[0], TRUE);
  assert_flushed (f, 0);
  open_up (f);
  assert_sent (f, 1);
  expect (f, 1, "y");
}

static void
test_stop (Fixture *f, gconstpointer data)
{
  begin_send (f, 0, "x");
  begin_send (f, 1, "y");
  gst_dc_sctp_turns_stop (&f->turns);
  assert_flushed (f, 0);
  assert_flushed (f, 1);
}

/* The sender does not wait any more; its message arrives, and then the end of the stream. */
static void
test_close (Fixture *f, gconstpointer data)
{
  begin_send (f, 0, "first");
  begin_send (f, 1, "last words");
  gst_dc_sctp_turns_close (&f->turns, &f->gates[1], f->lanes);
  assert_sent (f, 1);
  open_up (f);
  assert_sent (f, 0);
  expect (f, 0, "first");
  sctp_end_wait_reset (&f->pair->ends[1], 1);
  expect (f, 1, "last words");
}

/* What comes between the two steps of closing is taken, too. */
static void
test_close_slowly (Fixture *f, gconstpointer data)
{
  DcSctpSendInfo info = {.stream = 1, .ppid = 53};
  DcSctpSent sent;

  begin_send (f, 1, "waited");
  gst_dc_sctp_turns_begin_close (&f->turns, &f->gates[1]);
  assert_sent (f, 1);
  g_assert_true (
      gst_dc_sctp_turns_send (&f->turns, &f->gates[1], f->lanes, &info, gst_buffer_new_memdup ("late", 4), &sent));
  g_assert_cmpint (sent, ==, DC_SCTP_SENT);
  gst_dc_sctp_turns_close (&f->turns, &f->gates[1], f->lanes);
  g_assert_false (
      gst_dc_sctp_turns_send (&f->turns, &f->gates[1], f->lanes, &info, gst_buffer_new_memdup ("too late", 8), &sent));
  open_up (f);
  sctp_end_wait_reset (&f->pair->ends[1], 1);
  expect (f, 1, "waited");
  expect (f, 1, "late");
}

static void
test_close_idle (Fixture *f, gconstpointer data)
{
  sctp_pair_connect (f->pair);
  gst_dc_sctp_turns_close (&f->turns, &f->gates[2], f->lanes);
  sctp_end_wait_reset (&f->pair->ends[1], 1);
}

/* Whoever does not take turns does not come before one that waits, and is told when to look again. */
static void
test_wanted (Fixture *f, gconstpointer data)
{
  begin_send (f, 1, "x");
  g_assert_false (gst_dc_sctp_turns_has (&f->turns, 0));
  g_assert_true (gst_dc_sctp_turns_has (&f->turns, 1));
  open_up (f);
  assert_sent (f, 1);
  g_assert_false (gst_dc_sctp_turns_has (&f->turns, 1));
  g_assert_true (gst_dc_sctp_turns_is_wanted (&f->turns));
  g_assert_false (gst_dc_sctp_turns_is_wanted (&f->turns));
}

static void
test_no_more (Fixture *f, gconstpointer data)
{
  DcSctpSent sent;

  begin_send (f, 0, "x");
  dc_sctp_lanes_abort (f->lanes);
  sctp_end_wait_writable (&f->pair->ends[0], 1);
  gst_dc_sctp_turns_over (&f->turns);
  gst_dc_sctp_turns_writable (&f->turns, f->lanes);
  g_assert_true (end_send (f, 0, &sent));
  g_assert_cmpint (sent, ==, DC_SCTP_CLOSED);
}

static void
add (const char *path, void (*test) (Fixture *f, gconstpointer data))
{
  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  add ("/sctp-turns/order", test_order);
  add ("/sctp-turns/flush", test_flush);
  add ("/sctp-turns/stop", test_stop);
  add ("/sctp-turns/close", test_close);
  add ("/sctp-turns/close-slowly", test_close_slowly);
  add ("/sctp-turns/close-idle", test_close_idle);
  add ("/sctp-turns/wanted", test_wanted);
  add ("/sctp-turns/no-more", test_no_more);
  return g_test_run ();
}
