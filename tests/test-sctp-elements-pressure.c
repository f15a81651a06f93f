/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sctp-elements-pressure.c: sctpenc and sctpdec of ours whose far side, or whose pads, take nothing for a while. */
#include <string.h>

#include "plugins/transport/gst-sctpdec-private.h"
#include "tests/harness/dc-test.h"
#include "tests/sctp-element-pair.h"

enum { BINARY = 53 };

typedef struct {
  GstPad *pad;
  guint n;
  GstFlowReturn flow; /* of the last */
} Burst;

static gpointer
push_burst (gpointer user_data)
{
  static const DcSctpSendInfo info = {.ppid = BINARY};
  g_autofree guint32 *bytes = g_new0 (guint32, 16384);
  Burst *burst = user_data;

  for (guint i = 0; i < burst->n && burst->flow == GST_FLOW_OK; i++) {
    bytes[0] = i;
    burst->flow = pair_push_with (burst->pad, bytes, 65536, &info);
  }
  return NULL;
}

static void
test_slow (Pair *pair, gconstpointer data)
{
  PairEnd *a = &pair->ends[0], *b = &pair->ends[1];
  Burst burst = {.n = 500};
  GThread *thread;

  pair_play (pair);
  burst.pad = pair_open (a, 0);
  pair_hold (b, TRUE);
  thread = g_thread_new ("burst", push_burst, &burst);
  /* As long as nobody takes it, it does not all fit. */
  g_assert_cmpuint (pair_fill (a, 1), <, 200);
  pair_hold (b, FALSE);
  for (guint next = 0; next < burst.n;) {
    g_autoptr (PairEvent) event = pair_wait (b, PAIR_MESSAGE);

    if (event->stream != 0)
      continue;
    g_assert_cmpuint (*(const guint32 *) g_bytes_get_data (event->bytes, NULL), ==, next);
    next++;
  }
  g_thread_join (thread);
  g_assert_cmpint (burst.flow, ==, GST_FLOW_OK);
  gst_object_unref (burst.pad);
}

static gboolean
is_paused (GstDcSctpDec *dec)
{
  gboolean paused;

  g_mutex_lock (&dec->lock);
  paused = dec->paused;
  g_mutex_unlock (&dec->lock);
  return paused;
}

/* Nobody takes anything: what the far side says on many streams does not add up. */
static void
test_slow_streams (Pair *pair, gconstpointer data)
{
  PairEnd *a = &pair->ends[0], *b = &pair->ends[1];
  g_autofree char *text = g_strnfill (200 * 1024, 'x');
  DcSctpSendInfo info = {.ppid = BINARY};
  guint n = 0;

  pair_play (pair);
  pair_hold (b, TRUE);
  while (!is_paused (b->dec)) {
    info.stream = (guint16) (n % 100);
    n += gst_dc_sctpenc_send (a->enc, &info, text, 200 * 1024) == DC_SCTP_SENT;
    g_assert_cmpuint (n, <, 300); /* of 600 that there would be room for, if each stream had its own */
  }
  pair_hold (b, FALSE);
  for (guint i = 0; i < n; i++)
    pair_event_free (pair_wait (b, PAIR_MESSAGE));
  g_assert_cmpint (g_atomic_int_get (&b->dec->queued), ==, 0);
}

static void
test_flush (Pair *pair, gconstpointer data)
{
  PairEnd *a = &pair->ends[0], *b = &pair->ends[1];
  Burst burst = {.n = G_MAXUINT};
  g_autoptr (GstPad) other = NULL, sink = NULL;
  GstSegment segment;
  GThread *thread;

  pair_play (pair);
  burst.pad = pair_open (a, 0);
  other = pair_open (a, 1);
  sink = gst_pad_get_peer (burst.pad);
  pair_hold (b, TRUE);
  thread = g_thread_new ("burst", push_burst, &burst);
  pair_fill (a, 2);
  gst_pad_send_event (sink, gst_event_new_flush_start ());
  g_thread_join (thread);
  g_assert_cmpint (burst.flow, ==, GST_FLOW_FLUSHING);
  pair_hold (b, FALSE);
  /* The others go on, and this one, too, in the end. */
  g_assert_cmpint (pair_push (other, "x"), ==, GST_FLOW_OK);
  gst_pad_send_event (sink, gst_event_new_flush_stop (FALSE));
  gst_pad_push_event (burst.pad, gst_event_new_stream_start ("again"));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (burst.pad, gst_event_new_segment (&segment));
  g_assert_cmpint (pair_push (burst.pad, "y"), ==, GST_FLOW_OK);
  gst_object_unref (burst.pad);
}

/* Whatever waits, state changes do not. */
static void
test_stop_blocked (Pair *pair, gconstpointer data)
{
  Burst burst = {.n = G_MAXUINT};
  GThread *thread;

  pair_play (pair);
  burst.pad = pair_open (&pair->ends[0], 0);
  pair_hold (&pair->ends[1], TRUE);
  thread = g_thread_new ("burst", push_burst, &burst);
  pair_fill (&pair->ends[0], 1);
  gst_element_set_state (pair->ends[0].pipeline, GST_STATE_NULL);
  g_thread_join (thread);
  g_assert_cmpint (burst.flow, >=, GST_FLOW_EOS); /* no error */
  pair_hold (&pair->ends[1], FALSE);
  gst_object_unref (burst.pad);
}

/* A pad that takes no packets holds nobody who brings some: what the far side sends arrives. */
static void
test_blocked_pad (Pair *pair, gconstpointer data)
{
  PairEnd *a = &pair->ends[0], *b = &pair->ends[1];
  g_autoptr (GstPad) pad = NULL;

  pair_play (pair);
  pad = pair_open (b, 0);
  pair_block (a);
  for (guint i = 0; i < 5; i++) {
    pair_push (pad, "x");
    pair_expect (a, 0, BINARY, "x");
  }
  pair_unblock (a);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  pair_add ("/sctp-elements/slow", test_slow);
  pair_add ("/sctp-elements/slow-streams", test_slow_streams);
  pair_add ("/sctp-elements/flush", test_flush);
  pair_add ("/sctp-elements/stop-blocked", test_stop_blocked);
  pair_add ("/sctp-elements/blocked-pad", test_blocked_pad);
  return g_test_run ();
}
