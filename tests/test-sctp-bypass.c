/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sctp-bypass.c: what goes past the pads of sctpenc and sctpdec: hooks, taps, packets. */
#include <string.h>

#include "tests/harness/dc-test.h"
#include "tests/sctp-element-pair.h"

enum { BINARY = 53, DCEP = 50 };

static DcSctpSent
send_text (PairEnd *end, guint16 stream, guint32 ppid, const char *text)
{
  DcSctpSendInfo info = {.stream = stream, .ppid = ppid};

  return gst_dc_sctpenc_send (end->enc, &info, text, strlen (text));
}

/* --- the hook --- */

typedef struct {
  GMutex lock;
  GCond changed;
  gboolean full;
  GPtrArray *taken; /* (element-type utf8): as "STREAM PPID TEXT" */
  guint shown;
} Hook;

static void
hook_init (Hook *hook)
{
  memset (hook, 0, sizeof *hook);
  g_mutex_init (&hook->lock);
  g_cond_init (&hook->changed);
  hook->taken = g_ptr_array_new_with_free_func (g_free);
}

static void
hook_clear (Hook *hook)
{
  g_ptr_array_unref (hook->taken);
  g_cond_clear (&hook->changed);
  g_mutex_clear (&hook->lock);
}

/* DCEP is for the pads. */
static GstDcSctpHookResult
on_message (guint16 stream, guint32 ppid, GBytes *message, gpointer user_data)
{
  Hook *hook = user_data;
  GstDcSctpHookResult result = GST_DC_SCTP_HOOK_TAKEN;
  gsize size;
  const char *bytes = g_bytes_get_data (message, &size);

  if (ppid == DCEP)
    return GST_DC_SCTP_HOOK_PASS;
  g_mutex_lock (&hook->lock);
  hook->shown++;
  if (hook->full)
    result = GST_DC_SCTP_HOOK_FULL;
  else
    g_ptr_array_add (hook->taken, g_strdup_printf ("%u %u %.*s", stream, ppid, (int) MIN (size, 40), bytes));
  g_cond_broadcast (&hook->changed);
  g_mutex_unlock (&hook->lock);
  return result;
}

static void
wait_taken (Hook *hook, guint n)
{
  g_mutex_lock (&hook->lock);
  while (hook->taken->len < n)
    g_cond_wait (&hook->changed, &hook->lock);
  g_mutex_unlock (&hook->lock);
}

static void
wait_shown (Hook *hook)
{
  g_mutex_lock (&hook->lock);
  while (hook->shown == 0)
    g_cond_wait (&hook->changed, &hook->lock);
  g_mutex_unlock (&hook->lock);
}

static void
set_full (Hook *hook, gboolean full)
{
  g_mutex_lock (&hook->lock);
  hook->full = full;
  g_mutex_unlock (&hook->lock);
}

static void
test_hook (Pair *pair, gconstpointer data)
{
  PairEnd *a = &pair->ends[0], *b = &pair->ends[1];
  Hook hook;

  hook_init (&hook);
  gst_dc_sctpdec_set_hook (b->dec, on_message, &hook);
  pair_play (pair);
  g_assert_cmpint (send_text (a, 5, BINARY, "to the hook"), ==, DC_SCTP_SENT);
  g_assert_cmpint (send_text (a, 5, DCEP, "to the pad"), ==, DC_SCTP_SENT);
  pair_expect (b, 5, DCEP, "to the pad");
  wait_taken (&hook, 1);
  g_assert_cmpstr (hook.taken->pdata[0], ==, "5 53 to the hook");
  gst_dc_sctpdec_set_hook (b->dec, NULL, NULL);
  send_text (a, 5, BINARY, "to the pad, too");
  pair_expect (b, 5, BINARY, "to the pad, too");
  g_assert_cmpuint (hook.taken->len, ==, 1);
  hook_clear (&hook);
}

/* What it does not take it is shown again, and what follows waits, in the far side as well. */
static void
test_hook_full (Pair *pair, gconstpointer data)
{
  PairEnd *a = &pair->ends[0], *b = &pair->ends[1];
  Hook hook;
  guint n;

  hook_init (&hook);
  hook.full = TRUE;
  gst_dc_sctpdec_set_hook (b->dec, on_message, &hook);
  pair_play (pair);
  send_text (a, 0, BINARY, "first");
  wait_shown (&hook);
  n = pair_fill (a, 0);
  g_assert_cmpuint (n, <, 200);
  g_assert_cmpuint (hook.taken->len, ==, 0);
  gst_dc_sctpdec_resume (b->dec); /* too early: it is shown in vain */
  set_full (&hook, FALSE);
  gst_dc_sctpdec_resume (b->dec);
  wait_taken (&hook, n + 1);
  g_assert_cmpstr (hook.taken->pdata[0], ==, "0 53 first");
  gst_dc_sctpdec_set_hook (b->dec, NULL, NULL);
  hook_clear (&hook);
}

/* Stopping with a message that nobody took. */
static void
test_hook_stop (Pair *pair, gconstpointer data)
{
  Hook hook;

  hook_init (&hook);
  hook.full = TRUE;
  gst_dc_sctpdec_set_hook (pair->ends[1].dec, on_message, &hook);
  pair_play (pair);
  send_text (&pair->ends[0], 0, BINARY, "first");
  wait_shown (&hook);
  for (guint i = 0; i < 2; i++)
    gst_element_set_state (pair->ends[i].pipeline, GST_STATE_READY);
  gst_dc_sctpdec_resume (pair->ends[1].dec);
  gst_dc_sctpdec_set_hook (pair->ends[1].dec, NULL, NULL);
  hook_clear (&hook);
}

typedef struct {
  Hook *hook;
  gint n_data;  /* atomic: packets that have come */
  gint removed; /* atomic: the pad is gone, and all know */
} Removal;

static gboolean
count_data (const guint8 *packet, gsize size, gpointer user_data)
{
  Removal *removal = user_data;

  if (size > 12 && packet[12] == 0)
    g_atomic_int_inc (&removal->n_data);
  return TRUE;
}

/* Until what was sent on the stream anew is there. */
static void
on_pad_removed (GstElement *dec, GstPad *pad, Removal *removal)
{
  while (g_atomic_int_get (&removal->n_data) < 2)
    g_thread_yield ();
  for (guint i = 0; i < 1000; i++)
    g_thread_yield ();
  g_atomic_int_set (&removal->removed, TRUE);
}

static GstDcSctpHookResult
take_unless_removing (guint16 stream, guint32 ppid, GBytes *message, gpointer user_data)
{
  Removal *removal = user_data;

  if (g_bytes_get_size (message) == strlen ("new"))
    g_assert_true (g_atomic_int_get (&removal->removed));
  return on_message (stream, ppid, message, removal->hook);
}

/* What is sent on a stream that was closed is not shown before all know that it was. */
static void
test_hook_reused (Pair *pair, gconstpointer data)
{
  PairEnd *a = &pair->ends[0], *b = &pair->ends[1];
  Hook hook;
  Removal removal = {.hook = &hook};
  g_autoptr (GstPad) pad = NULL;

  hook_init (&hook);
  gst_dc_sctpdec_set_hook (b->dec, take_unless_removing, &removal);
  gst_dc_sctpdec_set_tap (b->dec, count_data, &removal);
  g_signal_connect (b->dec, "pad-removed", G_CALLBACK (on_pad_removed), &removal);
  pair_play (pair);
  send_text (a, 1, BINARY, "before");
  wait_taken (&hook, 1);
  pair_close (a, pair_open (a, 1));
  pad = pair_open (a, 1);
  pair_push (pad, "new");
  wait_taken (&hook, 2);
  gst_dc_sctpdec_set_tap (b->dec, NULL, NULL);
  gst_dc_sctpdec_set_hook (b->dec, NULL, NULL);
  g_signal_handlers_disconnect_by_data (b->dec, &removal);
  hook_clear (&hook);
}

/* From within the hook, back to the sender; and on from there until it was a hundred times. */
static GstDcSctpHookResult
throw_back (guint16 stream, guint32 ppid, GBytes *message, gpointer user_data)
{
  PairEnd *end = user_data;
  guint8 n = *(const guint8 *) g_bytes_get_data (message, NULL) + 1;
  DcSctpSendInfo info = {.stream = stream, .ppid = ppid};

  if (n > 100)
    return GST_DC_SCTP_HOOK_PASS;
  g_assert_cmpint (gst_dc_sctpenc_send (end->enc, &info, &n, 1), ==, DC_SCTP_SENT);
  return GST_DC_SCTP_HOOK_TAKEN;
}

static void
test_ping_pong (Pair *pair, gconstpointer data)
{
  for (guint i = 0; i < 2; i++)
    gst_dc_sctpdec_set_hook (pair->ends[i].dec, throw_back, &pair->ends[i]);
  pair_play (pair);
  send_text (&pair->ends[0], 0, BINARY, "\1");
  pair_expect (&pair->ends[0], 0, BINARY, "d");
  for (guint i = 0; i < 2; i++)
    gst_dc_sctpdec_set_hook (pair->ends[i].dec, NULL, NULL);
}

/* --- room --- */

/* What is below may take nothing for as long as it likes. */
static void
test_blocked_below (Pair *pair, gconstpointer data)
{
  PairEnd *a = &pair->ends[0], *b = &pair->ends[1];

  pair_play (pair);
  pair_block (a);
  g_assert_cmpint (send_text (a, 0, BINARY, "one"), ==, DC_SCTP_SENT);
  g_assert_cmpint (send_text (a, 0, BINARY, "two"), ==, DC_SCTP_SENT);
  pair_unblock (a);
  pair_expect (b, 0, BINARY, "one");
  pair_expect (b, 0, BINARY, "two");
}

typedef struct {
  GMutex lock;
  GCond changed;
  guint n;
} Room;

static void
on_writable (gpointer user_data)
{
  Room *room = user_data;

  g_mutex_lock (&room->lock);
  room->n++;
  g_cond_broadcast (&room->changed);
  g_mutex_unlock (&room->lock);
}

static void
wait_room (Room *room, guint n)
{
  g_mutex_lock (&room->lock);
  while (room->n <= n)
    g_cond_wait (&room->changed, &room->lock);
  g_mutex_unlock (&room->lock);
}

static guint
count_room (Room *room)
{
  guint n;

  g_mutex_lock (&room->lock);
  n = room->n;
  g_mutex_unlock (&room->lock);
  return n;
}

static void
test_writable (Pair *pair, gconstpointer data)
{
  PairEnd *a = &pair->ends[0], *b = &pair->ends[1];
  DcSctpSendInfo info = {.ppid = BINARY};
  g_autofree char *bytes = g_strnfill (65536, 'x');
  Room room = {0};
  guint sent = 0;

  pair_play (pair);
  gst_dc_sctpenc_set_writable (a->enc, on_writable, &room);
  while (sent < 500) {
    guint n = count_room (&room);

    if (gst_dc_sctpenc_send (a->enc, &info, bytes, 65536) == DC_SCTP_SENT)
      sent++;
    else
      wait_room (&room, n);
  }
  for (guint i = 0; i < sent; i++)
    pair_event_free (pair_wait (b, PAIR_MESSAGE));
  gst_dc_sctpenc_set_writable (a->enc, NULL, NULL);
}

static gpointer
push_in_thread (gpointer pad)
{
  static const DcSctpSendInfo info = {.ppid = BINARY};
  g_autofree char *bytes = g_strnfill (200000, 'y');

  g_assert_cmpint (pair_push_with (pad, bytes, 200000, &info), ==, GST_FLOW_OK);
  return NULL;
}

static gsize
next_size_of_0 (PairEnd *end)
{
  for (;;) {
    g_autoptr (PairEvent) event = pair_wait (end, PAIR_MESSAGE);

    if (event->stream == 0)
      return g_bytes_get_size (event->bytes);
  }
}

/* Who waits at the pad is not overtaken on its stream. */
static void
test_no_overtaking (Pair *pair, gconstpointer data)
{
  PairEnd *a = &pair->ends[0], *b = &pair->ends[1];
  g_autoptr (GstPad) pad = NULL;
  Room room = {0};
  GThread *thread;
  guint n = 0;

  pair_play (pair);
  pad = pair_open (a, 0);
  gst_dc_sctpenc_set_writable (a->enc, on_writable, &room);
  pair_hold (b, TRUE);
  pair_fill (a, 1);
  thread = g_thread_new ("push", push_in_thread, pad);
  pair_hold (b, FALSE);
  do {
    n = count_room (&room);
    if (send_text (a, 0, BINARY, "behind") == DC_SCTP_SENT)
      break;
    wait_room (&room, n);
  } while (TRUE);
  g_thread_join (thread);
  gst_dc_sctpenc_set_writable (a->enc, NULL, NULL);
  /* Unless the pad's thread came after us. */
  if (next_size_of_0 (b) == 200000)
    g_assert_cmpuint (next_size_of_0 (b), ==, strlen ("behind"));
}

/* --- taps --- */

typedef struct {
  GstDcSctpDec *dec;
  gint n_in, n_leaving, n_left; /* atomic */
  gint deaf;                    /* atomic */
  GByteArray *kept;             /* (nullable): a packet that is to come later */
  gboolean keep, passing;
} Taps;

static gboolean
carries_data (const guint8 *packet, gsize size)
{
  return size > 12 && packet[12] == 0;
}

static gboolean
on_in (const guint8 *packet, gsize size, gpointer user_data)
{
  Taps *taps = user_data;

  g_atomic_int_inc (&taps->n_in);
  return !g_atomic_int_get (&taps->deaf) || !carries_data (packet, size);
}

static gboolean
on_leaving (const guint8 *packet, gsize size, gpointer user_data)
{
  Taps *taps = user_data;

  g_assert_cmpint (g_atomic_int_get (&taps->n_leaving), ==, g_atomic_int_get (&taps->n_left));
  g_atomic_int_inc (&taps->n_leaving);
  return TRUE;
}

static void
on_left (gpointer user_data)
{
  Taps *taps = user_data;

  g_atomic_int_inc (&taps->n_left);
}

static void
test_taps (Pair *pair, gconstpointer data)
{
  PairEnd *a = &pair->ends[0], *b = &pair->ends[1];
  const GstDcSctpOutTaps out = {on_leaving, on_left};
  Taps taps = {0};

  gst_dc_sctpdec_set_tap (b->dec, on_in, &taps);
  gst_dc_sctpenc_set_taps (a->enc, &out, &taps);
  pair_play (pair);
  send_text (a, 0, BINARY, "x");
  pair_expect (b, 0, BINARY, "x");
  g_assert_cmpint (g_atomic_int_get (&taps.n_in), >, 0);
  g_assert_cmpint (g_atomic_int_get (&taps.n_leaving), >=, g_atomic_int_get (&taps.n_in));
  gst_dc_sctpenc_set_taps (a->enc, NULL, NULL);
  gst_dc_sctpdec_set_tap (b->dec, NULL, NULL);
}

/* What it does not let through SCTP repeats. */
static void
test_veto (Pair *pair, gconstpointer data)
{
  PairEnd *a = &pair->ends[0], *b = &pair->ends[1];
  Taps taps = {0};
  gint before;

  gst_dc_sctpdec_set_tap (b->dec, on_in, &taps);
  pair_play (pair);
  g_atomic_int_set (&taps.deaf, TRUE);
  before = g_atomic_int_get (&taps.n_in);
  send_text (a, 0, BINARY, "x");
  while (g_atomic_int_get (&taps.n_in) < before + 2) /* it has come, and has come again */
    g_thread_yield ();
  g_assert_null (g_async_queue_try_pop (b->events));
  g_atomic_int_set (&taps.deaf, FALSE);
  pair_expect (b, 0, BINARY, "x");
  gst_dc_sctpdec_set_tap (b->dec, NULL, NULL);
}

/* A packet is kept back, and comes from within the tap, behind the next one, which it lets through itself. */
static gboolean
swap (const guint8 *packet, gsize size, gpointer user_data)
{
  Taps *taps = user_data;
  DcPacket packets[2] = {{(guint8 *) packet, size}};

  if (taps->passing || !carries_data (packet, size))
    return TRUE;
  if (taps->keep) {
    taps->keep = FALSE;
    taps->kept = g_byte_array_append (g_byte_array_new (), packet, (guint) size);
    return FALSE;
  }
  if (taps->kept == NULL)
    return TRUE;
  packets[1] = (DcPacket){taps->kept->data, taps->kept->len};
  taps->passing = TRUE;
  gst_dc_sctpdec_input (taps->dec, packets, 2);
  taps->passing = FALSE;
  g_clear_pointer (&taps->kept, g_byte_array_unref);
  return FALSE;
}

static void
test_swap (Pair *pair, gconstpointer data)
{
  PairEnd *a = &pair->ends[0], *b = &pair->ends[1];
  Taps taps = {.dec = b->dec, .keep = TRUE};

  gst_dc_sctpdec_set_tap (b->dec, swap, &taps);
  pair_play (pair);
  send_text (a, 0, BINARY, "one");
  send_text (a, 0, BINARY, "two");
  pair_expect (b, 0, BINARY, "one");
  pair_expect (b, 0, BINARY, "two");
  gst_dc_sctpdec_set_tap (b->dec, NULL, NULL); /* nobody is in it any more */
  g_assert_null (taps.kept);
}

/* --- packets past the pads --- */

typedef struct {
  PairEnd *far;
  gint n; /* atomic */
} Wire;

static void
carry (DcPacket *packets, guint n, gpointer user_data)
{
  Wire *wire = user_data;

  g_atomic_int_add (&wire->n, (gint) n);
  gst_dc_sctpdec_input (wire->far->dec, packets, n);
}

static GstPadProbeReturn
count (GstPad *pad, GstPadProbeInfo *info, gpointer n)
{
  g_atomic_int_inc ((gint *) n);
  return GST_PAD_PROBE_OK;
}

static gint by_pad; /* atomic */

/* A thread each would do it as a network does; here one side's sender brings to the other, and hears the answer in there. */
static void
test_divert (Pair *pair, gconstpointer data)
{
  PairEnd *a = &pair->ends[0], *b = &pair->ends[1];
  g_autoptr (GstPad) src = gst_element_get_static_pad (GST_ELEMENT (a->enc), "src"), pad = NULL;
  Wire wire = {.far = b};
  gint before;

  gst_pad_add_probe (src, GST_PAD_PROBE_TYPE_BUFFER, count, &by_pad, NULL);
  pair_play (pair);
  pad = pair_open (a, 0);
  gst_dc_sctpenc_divert (a->enc, carry, &wire);
  before = g_atomic_int_get (&by_pad);
  for (guint i = 0; i < 200; i++) {
    pair_push (pad, "past the pad");
    pair_expect (b, 0, BINARY, "past the pad");
  }
  g_assert_cmpint (g_atomic_int_get (&by_pad), <, before + 20); /* those that were in its queue */
  gst_dc_sctpenc_divert (a->enc, NULL, NULL);
  before = g_atomic_int_get (&wire.n);
  g_assert_cmpint (before, >=, 200);
  pair_push (pad, "by the pad");
  pair_expect (b, 0, BINARY, "by the pad");
  g_assert_cmpint (g_atomic_int_get (&wire.n), ==, before);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  pair_add ("/sctp-bypass/hook", test_hook);
  pair_add ("/sctp-bypass/hook-full", test_hook_full);
  pair_add ("/sctp-bypass/hook-stop", test_hook_stop);
  pair_add ("/sctp-bypass/hook-reused", test_hook_reused);
  pair_add ("/sctp-bypass/ping-pong", test_ping_pong);
  pair_add ("/sctp-bypass/blocked-below", test_blocked_below);
  pair_add ("/sctp-bypass/writable", test_writable);
  pair_add ("/sctp-bypass/no-overtaking", test_no_overtaking);
  pair_add ("/sctp-bypass/taps", test_taps);
  pair_add ("/sctp-bypass/veto", test_veto);
  pair_add ("/sctp-bypass/swap", test_swap);
  pair_add ("/sctp-bypass/divert", test_divert);
  return g_test_run ();
}
