/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sctp-going-over.c: how streams go over from webrtcbin to who has them, and back: nothing lost, doubled or turned round. */
#include "plugins/peer/dc-sctp-bypass.h"

#include <string.h>

#include "tests/harness/dc-test.h"
#include "tests/sctp-element-pair.h"

enum { DCEP = 50, BINARY = 53, UNKNOWN = 99 };

/* Who has a stream. */
typedef struct {
  gatomicrefcount references;
  GMutex lock;
  GCond changed;
  GString *taken; /* texts, one behind the other */
  gboolean full;
  guint n_must, n_writable;
} User;

static gboolean
take (guint32 ppid, GBytes *message, gboolean must, gpointer user_data)
{
  User *user = user_data;
  gboolean taken;

  g_mutex_lock (&user->lock);
  taken = !user->full || must;
  user->n_must += must;
  if (taken)
    g_string_append_len (user->taken, g_bytes_get_data (message, NULL), (gssize) g_bytes_get_size (message));
  g_cond_broadcast (&user->changed);
  g_mutex_unlock (&user->lock);
  return taken;
}

static void
note_writable (gpointer user_data)
{
  User *user = user_data;

  g_mutex_lock (&user->lock);
  user->n_writable++;
  g_cond_broadcast (&user->changed);
  g_mutex_unlock (&user->lock);
}

static gpointer
ref (gpointer user_data)
{
  g_atomic_ref_count_inc (&((User *) user_data)->references);
  return user_data;
}

static void
unref (gpointer user_data)
{
  g_assert_false (g_atomic_ref_count_dec (&((User *) user_data)->references));
}

static const DcSctpBypassUser funcs = {take, note_writable, ref, unref};

typedef struct {
  Pair pair;
  DcSctpBypass *bypass; /* of the second end */
  User user;
} Fixture;

static GstDcSctpHookResult
hook (guint16 stream, guint32 ppid, GBytes *message, gpointer user_data)
{
  return dc_sctp_bypass_take (user_data, stream, ppid, message);
}

static void
wake (gpointer user_data)
{
  dc_sctp_bypass_wake (user_data);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  PairEnd *b = &f->pair.ends[1];

  pair_set_up (&f->pair, data);
  f->bypass = dc_sctp_bypass_new ();
  dc_sctp_bypass_set_enc (f->bypass, b->enc);
  dc_sctp_bypass_set_dec (f->bypass, b->dec);
  gst_dc_sctpdec_set_hook (b->dec, hook, f->bypass);
  gst_dc_sctpenc_set_writable (b->enc, wake, f->bypass);
  g_atomic_ref_count_init (&f->user.references);
  f->user.taken = g_string_new (NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  PairEnd *b = &f->pair.ends[1];

  dc_sctp_bypass_stop (f->bypass);
  gst_dc_sctpdec_set_hook (b->dec, NULL, NULL);
  gst_dc_sctpenc_set_writable (b->enc, NULL, NULL);
  pair_tear_down (&f->pair, data);
  dc_sctp_bypass_unref (f->bypass);
  g_assert_true (g_atomic_ref_count_compare (&f->user.references, 1));
  g_string_free (f->user.taken, TRUE);
}

static GstDcSctpHookResult
show (Fixture *f, guint16 stream, guint32 ppid, const char *text)
{
  g_autoptr (GBytes) message = g_bytes_new (text, strlen (text));

  return dc_sctp_bypass_take (f->bypass, stream, ppid, message);
}

static void
send_text (PairEnd *end, guint16 stream, const char *text)
{
  DcSctpSendInfo info = {.stream = stream, .ppid = BINARY};

  g_assert_cmpint (gst_dc_sctpenc_send (end->enc, &info, text, strlen (text)), ==, DC_SCTP_SENT);
}

static void
wait_taken (User *user, const char *all)
{
  g_mutex_lock (&user->lock);
  while (user->taken->len < strlen (all))
    g_cond_wait (&user->changed, &user->lock);
  g_assert_cmpstr (user->taken->str, ==, all);
  g_mutex_unlock (&user->lock);
}

/* --- receiving --- */

static void
test_in_transit (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (show (f, 3, BINARY, "a"), ==, GST_DC_SCTP_HOOK_PASS);
  g_assert_cmpint (show (f, 3, BINARY, "b"), ==, GST_DC_SCTP_HOOK_PASS);
  g_assert_true (dc_sctp_bypass_open (f->bypass, 3, FALSE, &funcs, &f->user));
  g_assert_cmpint (show (f, 3, BINARY, "c"), ==, GST_DC_SCTP_HOOK_FULL);
  dc_sctp_bypass_given (f->bypass, 3);
  g_assert_cmpint (show (f, 3, BINARY, "c"), ==, GST_DC_SCTP_HOOK_FULL);
  dc_sctp_bypass_given (f->bypass, 3);
  g_assert_cmpint (show (f, 3, BINARY, "c"), ==, GST_DC_SCTP_HOOK_TAKEN);
  g_assert_cmpstr (f->user.taken->str, ==, "c");
  g_assert_cmpint (show (f, 4, BINARY, "another's"), ==, GST_DC_SCTP_HOOK_PASS);
  dc_sctp_bypass_close (f->bypass, 3, &f->user);
  g_assert_cmpint (show (f, 3, BINARY, "d"), ==, GST_DC_SCTP_HOOK_PASS);
}

/* DCEP, and what is no message, is webrtcbin's. */
static void
test_control (Fixture *f, gconstpointer data)
{
  dc_sctp_bypass_open (f->bypass, 3, FALSE, &funcs, &f->user);
  g_assert_cmpint (show (f, 3, DCEP, "\3"), ==, GST_DC_SCTP_HOOK_PASS);
  g_assert_cmpint (show (f, 3, UNKNOWN, "?"), ==, GST_DC_SCTP_HOOK_PASS);
  g_assert_cmpint (show (f, 3, BINARY, "a"), ==, GST_DC_SCTP_HOOK_TAKEN);
  dc_sctp_bypass_close (f->bypass, 3, &f->user);
}

/* What is held up goes on when the last message has come out of webrtcbin. */
static void
test_over (Fixture *f, gconstpointer data)
{
  PairEnd *a = &f->pair.ends[0], *b = &f->pair.ends[1];

  pair_play (&f->pair);
  send_text (a, 1, "by the pad");
  pair_expect (b, 1, BINARY, "by the pad");
  dc_sctp_bypass_open (f->bypass, 1, FALSE, &funcs, &f->user);
  send_text (a, 1, "past ");
  send_text (a, 1, "it");
  dc_sctp_bypass_given (f->bypass, 1);
  wait_taken (&f->user, "past it");
  g_assert_null (g_async_queue_try_pop (b->events));
  dc_sctp_bypass_close (f->bypass, 1, &f->user);
}

/* Of streams 1 and 2, whose pads have a thread each. */
static void
expect_both (PairEnd *end, const char *first, const char *second)
{
  const char *texts[] = {NULL, first, second};

  for (guint i = 0; i < 2; i++) {
    g_autoptr (PairEvent) event = pair_wait (end, PAIR_MESSAGE);
    const char *text;

    g_assert_cmpuint (event->stream, <, G_N_ELEMENTS (texts));
    text = g_steal_pointer (&texts[event->stream]);
    g_assert_nonnull (text);
    g_assert_cmpmem (g_bytes_get_data (event->bytes, NULL), g_bytes_get_size (event->bytes), text, strlen (text));
  }
}

/* A channel that breaks while it is held up does not hold up the others for good. */
static void
test_over_never (Fixture *f, gconstpointer data)
{
  PairEnd *a = &f->pair.ends[0], *b = &f->pair.ends[1];

  pair_play (&f->pair);
  send_text (a, 1, "by the pad");
  pair_expect (b, 1, BINARY, "by the pad");
  dc_sctp_bypass_open (f->bypass, 1, FALSE, &funcs, &f->user);
  send_text (a, 1, "nobody's");
  send_text (a, 2, "another's");
  dc_sctp_bypass_close (f->bypass, 1, &f->user);
  expect_both (b, "nobody's", "another's");
}

/* Nor does one without room, once somebody says that there is some. */
static void
test_no_room (Fixture *f, gconstpointer data)
{
  PairEnd *a = &f->pair.ends[0];

  f->user.full = TRUE;
  dc_sctp_bypass_open (f->bypass, 1, FALSE, &funcs, &f->user);
  g_assert_cmpint (show (f, 1, BINARY, "0"), ==, GST_DC_SCTP_HOOK_FULL);
  pair_play (&f->pair);
  send_text (a, 1, "a");
  send_text (a, 1, "b");
  g_mutex_lock (&f->user.lock);
  f->user.full = FALSE;
  g_mutex_unlock (&f->user.lock);
  dc_sctp_bypass_resume (f->bypass);
  wait_taken (&f->user, "ab");
  g_assert_cmpuint (f->user.n_must, ==, 0);
  dc_sctp_bypass_close (f->bypass, 1, &f->user);
}

/* When the far side has left there must be. */
static void
test_drain (Fixture *f, gconstpointer data)
{
  PairEnd *a = &f->pair.ends[0];

  f->user.full = TRUE;
  dc_sctp_bypass_open (f->bypass, 1, FALSE, &funcs, &f->user);
  pair_play (&f->pair);
  send_text (a, 1, "a");
  send_text (a, 1, "b");
  dc_sctp_bypass_drain (f->bypass);
  wait_taken (&f->user, "ab");
  dc_sctp_bypass_close (f->bypass, 1, &f->user);
}

/* What the far side sends on a stream that it has closed is not for who had that. */
static void
test_reused (Fixture *f, gconstpointer data)
{
  PairEnd *a = &f->pair.ends[0], *b = &f->pair.ends[1];
  g_autoptr (PairEvent) removed = NULL;

  dc_sctp_bypass_open (f->bypass, 1, FALSE, &funcs, &f->user);
  pair_play (&f->pair);
  send_text (a, 1, "old");
  wait_taken (&f->user, "old");
  pair_close (a, pair_open (a, 1));
  removed = pair_wait (b, PAIR_REMOVED);
  dc_sctp_bypass_forget (f->bypass, 1);
  g_assert_cmpint (show (f, 1, BINARY, "new"), ==, GST_DC_SCTP_HOOK_PASS);
  g_assert_cmpstr (f->user.taken->str, ==, "old");
  dc_sctp_bypass_close (f->bypass, 1, &f->user);
}

/* --- sending --- */

static DcSctpSent
send_back (Fixture *f, const char *text)
{
  DcSctpSendInfo info = {.stream = 1, .ppid = BINARY};

  return dc_sctp_bypass_send (f->bypass, &info, text, strlen (text));
}

/* Not before DCEP. */
static void
test_announced (Fixture *f, gconstpointer data)
{
  pair_play (&f->pair);
  dc_sctp_bypass_open (f->bypass, 1, FALSE, &funcs, &f->user);
  g_assert_cmpint (send_back (f, "early"), ==, DC_SCTP_WOULD_BLOCK);
  g_assert_cmpuint (f->user.n_writable, ==, 0);
  dc_sctp_bypass_announced (f->bypass, 1);
  g_assert_cmpuint (f->user.n_writable, ==, 1);
  g_assert_cmpint (send_back (f, "now"), ==, DC_SCTP_SENT);
  pair_expect (&f->pair.ends[0], 1, BINARY, "now");
  dc_sctp_bypass_close (f->bypass, 1, &f->user);
  /* The next channel on that stream says so anew. */
  dc_sctp_bypass_open (f->bypass, 1, FALSE, &funcs, &f->user);
  g_assert_cmpint (send_back (f, "early"), ==, DC_SCTP_WOULD_BLOCK);
  dc_sctp_bypass_close (f->bypass, 1, &f->user);
}

typedef struct {
  gint n; /* atomic */
} Taken;

static void
note_taken (guint16 stream, guint32 ppid, gpointer user_data)
{
  Taken *taken = user_data;

  g_assert_cmpuint (stream, ==, 1);
  g_assert_cmpuint (ppid, ==, DCEP);
  g_atomic_int_inc (&taken->n);
}

/* sctpenc says when SCTP has taken it. */
static void
test_taken (Fixture *f, gconstpointer data)
{
  static const DcSctpSendInfo dcep = {.ppid = DCEP};
  const GstDcSctpOutTaps taps = {.taken = note_taken};
  PairEnd *b = &f->pair.ends[1];
  g_autoptr (GstPad) pad = NULL;
  Taken taken = {0};

  gst_dc_sctpenc_set_taps (b->enc, &taps, &taken);
  pair_play (&f->pair);
  pad = pair_open (b, 1);
  g_assert_cmpint (pair_push_with (pad, "\3", 1, &dcep), ==, GST_FLOW_OK);
  g_assert_cmpint (g_atomic_int_get (&taken.n), ==, 1);
  pair_expect (&f->pair.ends[0], 1, DCEP, "\3");
  gst_dc_sctpenc_set_taps (b->enc, NULL, NULL);
}

/* Without DCEP there is nothing to wait for; nor is there anything to send by when all has stopped. */
static void
test_negotiated (Fixture *f, gconstpointer data)
{
  pair_play (&f->pair);
  dc_sctp_bypass_open (f->bypass, 1, TRUE, &funcs, &f->user);
  g_assert_cmpint (send_back (f, "at once"), ==, DC_SCTP_SENT);
  pair_expect (&f->pair.ends[0], 1, BINARY, "at once");
  dc_sctp_bypass_close (f->bypass, 1, &f->user);
  dc_sctp_bypass_stop (f->bypass);
  g_assert_cmpint (send_back (f, "too late"), ==, DC_SCTP_CLOSED);
  g_assert_false (dc_sctp_bypass_open (f->bypass, 1, TRUE, &funcs, &f->user));
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
  add ("/sctp-going-over/in-transit", test_in_transit);
  add ("/sctp-going-over/control", test_control);
  add ("/sctp-going-over/over", test_over);
  add ("/sctp-going-over/over-never", test_over_never);
  add ("/sctp-going-over/no-room", test_no_room);
  add ("/sctp-going-over/drain", test_drain);
  add ("/sctp-going-over/reused", test_reused);
  add ("/sctp-going-over/announced", test_announced);
  add ("/sctp-going-over/taken", test_taken);
  add ("/sctp-going-over/negotiated", test_negotiated);
  return g_test_run ();
}
