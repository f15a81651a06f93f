/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* peer.c: the commands, the counters and the round trips of a peer in C. */

/*
 * Theory of operation
 * -------------------
 * The main thread reads a command, does it and prints one line of JSON (see README.md). "send" starts a thread for each end that is to send,
 * "stop" ends them. What comes, comes on a thread of the stack: it counts, and while `echoing` is set, the answering end sends it back and
 * the offering end notes the time; where pings follow each other, it sends the next at once, as an event loop would.
 */
#include "tests/bench/peers/peer.h"

#include "tests/bench/dc-bench-say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define PING_PATIENCE (10 * G_TIME_SPAN_SECOND) /* for what is under way when the time is over */

typedef struct {
  PeerEnd *end;
  GBytes *message;
  gint64 interval; /* ns; 0: each when the one before is back */
  gint64 until;    /* ns */
  GMutex lock;
  GCond done;
  gboolean more;
  GArray *sent_at; /* gint64, ns */
  GArray *times;   /* gint64, ns: of the first so many of them */
} Ping;

typedef struct {
  const PeerStack *stack;
  const char *url, *room;
  GPtrArray *ends;
  gboolean roles[2]; /* whether ends that answer, and that offer, are here */
  gint echoing;      /* atomic */
  gint stopping;     /* atomic */
  GBytes *message;   /* that is sent */
  Ping ping;
} Peer;

static Peer peer;

/* --- What is said ---------------------------------------------------------------------------------------------------- */

static gint64
now_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec;
}

static void
say (const char *line)
{
  puts (line);
  fflush (stdout);
}

void
peer_fail (const GError *error)
{
  g_autofree char *text = dc_bench_quote (error->message);

  printf ("{\"error\": %s}\n", text);
  fflush (stdout);
  _Exit (1);
}

static void
count (void)
{
  struct rusage usage;
  guint64 bytes = 0, messages = 0, sent = 0;

  for (guint i = 0; i < peer.ends->len; i++) {
    PeerEnd *end = g_ptr_array_index (peer.ends, i);
    bytes += __atomic_load_n (&end->bytes, __ATOMIC_RELAXED);
    messages += __atomic_load_n (&end->messages, __ATOMIC_RELAXED);
    sent += __atomic_load_n (&end->sent, __ATOMIC_RELAXED);
  }
  getrusage (RUSAGE_SELF, &usage);
  g_autofree char *line = g_strdup_printf ("{\"at\": %" G_GINT64_FORMAT ", \"bytes\": %" G_GUINT64_FORMAT
                                           ", \"messages\": %" G_GUINT64_FORMAT ", \"sent\": %" G_GUINT64_FORMAT
                                           ", \"cpu\": %" G_GINT64_FORMAT ", \"rss\": %" G_GINT64_FORMAT "}",
      now_ns (), bytes, messages, sent,
      (gint64) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * G_USEC_PER_SEC + usage.ru_utime.tv_usec
          + usage.ru_stime.tv_usec,
      dc_bench_get_memory ("VmRSS"));
  say (line);
}

/* --- Connections ----------------------------------------------------------------------------------------------------- */

/* So many more in each role that is ours. */
static gboolean
open_ends (guint n, GError **error)
{
  guint first = peer.ends->len, begin = first / (peer.roles[0] + peer.roles[1]);

  for (guint i = begin; i < begin + n; i++)
    for (guint offers = 0; offers < 2; offers++) {
      g_autofree char *room = g_strdup_printf ("%s-%u", peer.room, i);
      PeerEnd *end = peer.roles[offers] ? peer.stack->make (peer.url, room, offers == 1, error) : NULL;

      if (peer.roles[offers] && !end)
        return FALSE;
      if (end)
        g_ptr_array_add (peer.ends, end);
    }
  for (guint i = first; i < peer.ends->len; i++)
    if (!peer.stack->wait (g_ptr_array_index (peer.ends, i), error))
      return FALSE;

  g_autofree char *more = peer.stack->describe ? peer.stack->describe () : g_strdup ("");
  g_autofree char *line = g_strdup_printf ("{\"open\": %u%s}", peer.ends->len, more);
  say (line);
  return TRUE;
}

/* --- As fast as it goes ---------------------------------------------------------------------------------------------- */

static gpointer
send_thread (gpointer data)
{
  PeerEnd *end = data;
  gsize size = g_bytes_get_size (peer.message);
  g_autoptr (GError) error = NULL;

  while (!g_atomic_int_get (&peer.stopping)) {
    if (!peer.stack->send (end, peer.message, &error)) {
      if (!g_atomic_int_get (&peer.stopping))
        peer_fail (error);
      break;
    }
    __atomic_fetch_add (&end->sent, size, __ATOMIC_RELAXED);
  }
  return NULL;
}

static GBytes *
make_message (gsize length)
{
  guint8 *data = g_malloc (length);

  memset (data, 1, length);
  return g_bytes_new_take (data, length);
}

static gboolean
start_sending (gsize length, const char *who, GError **error)
{
  for (guint i = 0; i < peer.ends->len && peer.stack->get_limit; i++)
    if (peer.stack->get_limit (g_ptr_array_index (peer.ends, i)) < length) {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "a message may have %" G_GSIZE_FORMAT " bytes at most",
          peer.stack->get_limit (g_ptr_array_index (peer.ends, i)));
      return FALSE;
    }
  g_clear_pointer (&peer.message, g_bytes_unref);
  peer.message = make_message (length);
  g_atomic_int_set (&peer.stopping, FALSE);
  for (guint i = 0; i < peer.ends->len; i++) {
    PeerEnd *end = g_ptr_array_index (peer.ends, i);

    if (g_str_equal (who, "both") || g_str_equal (who, end->offers ? "offer" : "answer"))
      end->sender = g_thread_new ("sender", send_thread, end);
  }
  say ("{\"sending\": true}");
  return TRUE;
}

static void
stop_sending (void)
{
  g_atomic_int_set (&peer.stopping, TRUE);
  for (guint i = 0; i < peer.ends->len; i++)
    peer.stack->interrupt (g_ptr_array_index (peer.ends, i), TRUE);
  for (guint i = 0; i < peer.ends->len; i++) {
    PeerEnd *end = g_ptr_array_index (peer.ends, i);

    g_clear_pointer (&end->sender, g_thread_join);
    peer.stack->interrupt (end, FALSE);
  }
  count ();
}

/* --- Round trips ----------------------------------------------------------------------------------------------------- */

static void
send_or_fail (PeerEnd *end, GBytes *message)
{
  g_autoptr (GError) error = NULL;

  if (!peer.stack->send (end, message, &error))
    peer_fail (error);
}

static void
send_ping (Ping *self, gboolean more)
{
  g_mutex_lock (&self->lock);
  gint64 now = now_ns ();
  g_array_append_val (self->sent_at, now);
  self->more = more;
  g_mutex_unlock (&self->lock);
  send_or_fail (self->end, self->message);
}

static void
take_pong (Ping *self)
{
  gint64 now = now_ns ();
  gboolean next = FALSE;

  g_mutex_lock (&self->lock);
  if (self->times->len < self->sent_at->len) {
    gint64 time = now - g_array_index (self->sent_at, gint64, self->times->len);

    g_array_append_val (self->times, time);
    if (self->interval == 0)
      self->more = next = now < self->until;
    if (!self->more && self->times->len == self->sent_at->len)
      g_cond_signal (&self->done);
  }
  g_mutex_unlock (&self->lock);
  if (next)
    send_ping (self, TRUE);
}

static void
send_pings (Ping *self)
{
  gint64 due = now_ns ();

  send_ping (self, TRUE);
  while (self->interval > 0 && due < self->until) {
    due += self->interval;
    struct timespec at = {.tv_sec = due / 1000000000, .tv_nsec = due % 1000000000};
    clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
    send_ping (self, due < self->until);
  }
}

static gboolean
wait_for_pongs (Ping *self, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + MAX (self->until - now_ns (), 0) / 1000 + PING_PATIENCE;
  gboolean in_time = TRUE;

  g_mutex_lock (&self->lock);
  while (in_time && (self->more || self->times->len < self->sent_at->len))
    in_time = g_cond_wait_until (&self->done, &self->lock, deadline);
  g_mutex_unlock (&self->lock);
  if (!in_time)
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%u of %u round trips do not end",
        self->sent_at->len - self->times->len, self->sent_at->len);
  return in_time;
}

static void
say_times (const Ping *self)
{
  g_autoptr (GString) line = g_string_new ("{\"rtt\": [");

  for (guint i = 0; i < self->times->len; i++)
    g_string_append_printf (line, "%s%.1f", i > 0 ? "," : "", (double) g_array_index (self->times, gint64, i) / 1000.0);
  g_string_append (line, "]}");
  say (line->str);
}

static gboolean
ping (gsize length, gint64 interval_us, gint64 duration_ms, GError **error)
{
  Ping *self = &peer.ping;

  self->end = NULL;
  for (guint i = 0; i < peer.ends->len && !self->end; i++)
    if (((PeerEnd *) g_ptr_array_index (peer.ends, i))->offers)
      self->end = g_ptr_array_index (peer.ends, i);
  self->message = make_message (length);
  self->interval = interval_us * 1000;
  self->until = now_ns () + duration_ms * 1000000;
  self->sent_at = g_array_new (FALSE, FALSE, sizeof (gint64));
  self->times = g_array_new (FALSE, FALSE, sizeof (gint64));
  send_pings (self);
  if (!wait_for_pongs (self, error))
    return FALSE;
  say_times (self);
  g_bytes_unref (self->message);
  g_array_unref (self->sent_at);
  g_array_unref (self->times);
  return TRUE;
}

void
peer_received (PeerEnd *end, GBytes *message)
{
  __atomic_fetch_add (&end->bytes, g_bytes_get_size (message), __ATOMIC_RELAXED);
  __atomic_fetch_add (&end->messages, 1, __ATOMIC_RELAXED);
  if (!g_atomic_int_get (&peer.echoing))
    return;
  if (end->offers)
    take_pong (&peer.ping);
  else
    send_or_fail (end, message);
}

/* --- Commands -------------------------------------------------------------------------------------------------------- */

static gint64
number (char **words, guint i)
{
  return i < g_strv_length (words) ? g_ascii_strtoll (words[i], NULL, 10) : 0;
}

static gboolean
obey (char **words, GError **error)
{
  const char *command = words[0] ? words[0] : "";

  if (g_str_equal (command, "open"))
    return open_ends ((guint) number (words, 1), error);
  if (g_str_equal (command, "send"))
    return start_sending ((gsize) number (words, 1), g_strv_length (words) > 2 ? words[2] : "both", error);
  if (g_str_equal (command, "ping"))
    return ping ((gsize) number (words, 1), number (words, 2), number (words, 3), error);
  if (g_str_equal (command, "stop"))
    stop_sending ();
  else if (g_str_equal (command, "count"))
    count ();
  else if (g_str_equal (command, "echo")) {
    g_atomic_int_set (&peer.echoing, number (words, 1) == 1);
    say ("{\"echo\": true}");
  } else {
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "no command %s", command);
    return FALSE;
  }
  return TRUE;
}

int
peer_main (const PeerStack *stack, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  char line[256];

  if (argc != 5) {
    g_printerr ("usage: %s URL ROOM offer|answer|both N\n", argv[0]);
    return 2;
  }
  peer.stack = stack;
  peer.url = argv[1];
  peer.room = argv[2];
  peer.roles[0] = !g_str_equal (argv[3], "offer");
  peer.roles[1] = !g_str_equal (argv[3], "answer");
  peer.ends = g_ptr_array_new ();
  g_mutex_init (&peer.ping.lock);
  g_cond_init (&peer.ping.done);
  if (!open_ends ((guint) g_ascii_strtoull (argv[4], NULL, 10), &error))
    peer_fail (error);
  while (fgets (line, sizeof line, stdin)) {
    g_auto (GStrv) words = g_strsplit (g_strchomp (line), " ", -1);
    if (!obey (words, &error))
      peer_fail (error);
  }
  /* To take everything down in order is not what is measured. */
  _Exit (0);
}
