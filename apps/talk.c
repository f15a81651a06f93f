/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* talk.c: the exchange of messages on one open channel.
 *
 * Two threads: dc_talk_run()'s own receives, a second one sends, since dc_channel_push() and dc_channel_pull() both block.
 *
 *   sender    waits for the interval, pushes, says "sent"; after its count dc_channel_finish(): FIN, until FIN-ACK
 *   receiver  pulls, says "received"; at the far FIN dc_channel_accept_fin()
 *   "acknowledged" signal, on an internal thread: takes the round-trip time, says "acknowledged"
 *
 * A raw channel has no acknowledgement of the far application and no FIN: finish waits until the far machine has it all, and its end is
 * that one side closes it, we with --hang-up or when we are interrupted then.
 *
 * The talk is complete when both have ended without an error. The first error of any of them is the talk's; it aborts the
 * channel and sets it flushing, which ends the other one. So does an interruption.
 *
 * Round trips are measured from the return of the push: what a push waits for credit is the speed of the far side and not
 * the way to it. An acknowledgement can overtake the return of the push that it is for; it is then kept until the sender has
 * said "sent", and measured from the beginning of the push.
 */
#include "apps/talk.h"

#include <string.h>
#include "apps/round-trips.h"

/* A message that is not acknowledged yet. */
typedef struct {
  gint64 pushed;   /* before the push */
  gint64 returned; /* after it */
} Pending;

struct _DcTalk {
  DcChannel *channel;
  const DcOptions *options;
  DcTrace *trace;
  char *own_id;
  gulong acknowledged_id;
  gint64 begin, end;

  GMutex lock; /* for all below */
  GCond stopped_cond;
  gboolean delivered;     /* raw: all that we had to send */
  gboolean hung_up;       /* raw: closed by us, as agreed */
  gboolean stopped;       /* an error or an interruption: nothing more is to be done */
  GError *error;          /* the first */
  GQueue pending;         /* of Pending: sent and not acknowledged, oldest first */
  guint64 acknowledged;   /* as the far side said; may be past `sent` by the push under way */
  gint64 acknowledged_at; /* when it last said so */
  guint64 sent, told, received;
  guint64 bytes_sent, bytes_received;
  DcRoundTrips trips;
};

/* Says "acknowledged" for what was said to be sent and is acknowledged by now. */
static void
report_acknowledged_locked (DcTalk *talk)
{
  while (talk->told < MIN (talk->acknowledged, talk->sent)) {
    Pending *pending = g_queue_pop_head (&talk->pending);
    gint64 from = pending->returned <= talk->acknowledged_at ? pending->returned : pending->pushed;
    gdouble seconds = (talk->acknowledged_at - from) / (gdouble) G_USEC_PER_SEC;
    g_free (pending);
    talk->told++;
    dc_round_trips_add (&talk->trips, seconds);
    dc_trace_event (talk->trace,
        gst_structure_new ("acknowledged", "peer", G_TYPE_STRING, dc_channel_get_remote_id (talk->channel), "label",
            G_TYPE_STRING, dc_channel_get_label (talk->channel), "n", G_TYPE_UINT64, talk->told, "round-trip",
            G_TYPE_DOUBLE, seconds, NULL),
        DC_TRACE_NO_WAIT);
  }
}

static void
acknowledged_cb (DcChannel *channel, guint64 n, gpointer user_data)
{
  DcTalk *talk = user_data;
  g_mutex_lock (&talk->lock);
  if (n > talk->acknowledged) {
    talk->acknowledged = n;
    talk->acknowledged_at = g_get_monotonic_time ();
    report_acknowledged_locked (talk);
  }
  g_mutex_unlock (&talk->lock);
}

DcTalk *
dc_talk_ref (DcTalk *talk)
{
  return g_atomic_rc_box_acquire (talk);
}

static void
talk_clear (gpointer data)
{
  DcTalk *talk = data;
  g_object_unref (talk->channel);
  g_queue_clear_full (&talk->pending, g_free);
  g_clear_error (&talk->error);
  g_cond_clear (&talk->stopped_cond);
  g_mutex_clear (&talk->lock);
  g_free (talk->own_id);
}

void
dc_talk_unref (DcTalk *talk)
{
  g_atomic_rc_box_release_full (talk, talk_clear);
}

static void
unref_closure_data (gpointer data, GClosure *closure)
{
  dc_talk_unref (data);
}

DcTalk *
dc_talk_new (DcChannel *channel, const char *own_id, const DcOptions *options, DcTrace *trace)
{
  DcTalk *talk = g_atomic_rc_box_new0 (DcTalk);
  talk->channel = g_object_ref (channel);
  talk->own_id = g_strdup (own_id);
  talk->options = options;
  talk->trace = trace;
  g_mutex_init (&talk->lock);
  g_cond_init (&talk->stopped_cond);
  g_queue_init (&talk->pending);
  /* The closure holds a reference: a handler can still run on an internal thread while this one disconnects it. */
  talk->acknowledged_id = g_signal_connect_data (
      channel, "acknowledged", G_CALLBACK (acknowledged_cb), dc_talk_ref (talk), unref_closure_data, 0);
  return talk;
}

/* Ends both threads. @error (nullable) (transfer full). */
static void
stop (DcTalk *talk, GError *error, const char *reason)
{
  g_mutex_lock (&talk->lock);
  gboolean first = !talk->stopped;
  talk->stopped = TRUE;
  if (first)
    talk->error = g_steal_pointer (&error);
  g_cond_broadcast (&talk->stopped_cond);
  g_mutex_unlock (&talk->lock);

  g_clear_error (&error);
  if (!first)
    return;
  dc_channel_abort (talk->channel, reason);
  dc_channel_set_flushing (talk->channel, DC_DIRECTION_BOTH, TRUE);
}

static void
hang_up (DcTalk *talk)
{
  g_mutex_lock (&talk->lock);
  talk->hung_up = TRUE;
  g_mutex_unlock (&talk->lock);
  dc_channel_close (talk->channel);
}

/* Raw, and only the far side's end is missing: then ours is as good. */
static gboolean
only_waits (DcTalk *talk)
{
  g_mutex_lock (&talk->lock);
  gboolean only_waits = talk->delivered && !talk->stopped;
  g_mutex_unlock (&talk->lock);
  return only_waits;
}

void
dc_talk_interrupt (DcTalk *talk, const char *reason)
{
  if (only_waits (talk)) {
    hang_up (talk);
    return;
  }
  stop (talk, g_error_new_literal (DC_ERROR, DC_ERROR_FLUSHING, "interrupted"), reason);
}

/* FALSE: stopped. */
static gboolean
wait_until (DcTalk *talk, gint64 when)
{
  g_mutex_lock (&talk->lock);
  while (!talk->stopped && when > g_get_monotonic_time ())
    g_cond_wait_until (&talk->stopped_cond, &talk->lock, when);
  gboolean go_on = !talk->stopped;
  g_mutex_unlock (&talk->lock);
  return go_on;
}

static char *
compose_message (DcTalk *talk, guint64 n)
{
  if (talk->options->message != NULL)
    return g_strdup (talk->options->message);
  return g_strdup_printf ("Hello %" G_GUINT64_FORMAT " from %s", n, talk->own_id);
}

static GstStructure *
message_event (const char *name, DcTalk *talk, guint64 n, guint64 bytes)
{
  return gst_structure_new (name, "peer", G_TYPE_STRING, dc_channel_get_remote_id (talk->channel), "label",
      G_TYPE_STRING, dc_channel_get_label (talk->channel), "n", G_TYPE_UINT64, n, "bytes", G_TYPE_UINT64, bytes, NULL);
}

static gboolean
push_text (DcTalk *talk, const char *text, GError **error)
{
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_DATA);
  item->flags = DC_LINK_FLAG_TEXT;
  item->payload = g_bytes_new (text, strlen (text));
  return dc_channel_push (talk->channel, item, TRUE, error);
}

static void
record_sent (DcTalk *talk, const char *text, gint64 pushed)
{
  GstStructure *event = message_event ("sent", talk, talk->sent + 1, strlen (text));
  gst_structure_set (event, "text", G_TYPE_STRING, text, NULL);
  Pending *pending = g_new (Pending, 1);
  *pending = (Pending){pushed, g_get_monotonic_time ()};

  /* Said before it counts as sent, so that "acknowledged" comes after it. Only this thread changes `sent`. */
  dc_trace_event (talk->trace, event, DC_TRACE_MAY_WAIT);
  g_mutex_lock (&talk->lock);
  g_queue_push_tail (&talk->pending, pending);
  talk->sent++;
  talk->bytes_sent += strlen (text);
  report_acknowledged_locked (talk);
  g_mutex_unlock (&talk->lock);
}

static void
note_delivered (DcTalk *talk)
{
  g_mutex_lock (&talk->lock);
  talk->delivered = TRUE;
  g_mutex_unlock (&talk->lock);
  dc_trace_event (talk->trace,
      gst_structure_new ("delivered", "peer", G_TYPE_STRING, dc_channel_get_remote_id (talk->channel), "label",
          G_TYPE_STRING, dc_channel_get_label (talk->channel), "n", G_TYPE_UINT64, talk->sent, "hang-up",
          G_TYPE_BOOLEAN, talk->options->hang_up, NULL),
      DC_TRACE_NO_WAIT);
  if (talk->options->hang_up)
    hang_up (talk);
}

static gboolean
has_hung_up (DcTalk *talk)
{
  g_mutex_lock (&talk->lock);
  gboolean hung_up = talk->hung_up;
  g_mutex_unlock (&talk->lock);
  return hung_up;
}

static gboolean
send_all (DcTalk *talk, GError **error)
{
  guint64 count = talk->options->count;
  gint64 next = g_get_monotonic_time ();
  for (guint64 n = 1; count == 0 || n <= count; n++) {
    if (!wait_until (talk, next))
      return TRUE; /* whoever stopped us has set the error */
    g_autofree char *text = compose_message (talk, n);
    gint64 pushed = g_get_monotonic_time ();
    if (!push_text (talk, text, error))
      return FALSE;
    record_sent (talk, text, pushed);
    /* Time lost waiting for credit is not made up for by a burst. */
    next = MAX (next, pushed) + talk->options->interval;
  }
  if (!dc_channel_finish (talk->channel, error))
    return FALSE;
  if (dc_channel_get_mode (talk->channel) == DC_MODE_RAW) {
    note_delivered (talk);
    return TRUE;
  }
  /* Everything is acknowledged now, though the signal that says so may still be on its way on another thread. */
  acknowledged_cb (talk->channel, talk->sent, talk);
  return TRUE;
}

static gpointer
sender_thread (gpointer data)
{
  DcTalk *talk = data;
  GError *error = NULL;
  if (!send_all (talk, &error))
    stop (talk, error, error->message);
  return NULL;
}

static void
record_received (DcTalk *talk, const DcLinkItem *item)
{
  gsize size = item->payload != NULL ? g_bytes_get_size (item->payload) : 0;
  const char *data = size > 0 ? g_bytes_get_data (item->payload, NULL) : "";
  g_mutex_lock (&talk->lock);
  guint64 n = ++talk->received;
  talk->bytes_received += size;
  g_mutex_unlock (&talk->lock);

  GstStructure *event = message_event ("received", talk, n, size);
  /* What says to be text need not be; and a string cannot hold a NUL. */
  if ((item->flags & DC_LINK_FLAG_TEXT) != 0 && g_utf8_validate_len (data, size, NULL)) {
    g_autofree char *text = g_strndup (data, size);
    gst_structure_set (event, "text", G_TYPE_STRING, text, NULL);
  } else if (size > 0) {
    gst_structure_set (event, "data", G_TYPE_BYTES, item->payload, NULL);
  }
  dc_trace_event (talk->trace, event, DC_TRACE_MAY_WAIT);
}

static gboolean
receive_all (DcTalk *talk, GError **error)
{
  for (;;) {
    g_autoptr (GError) problem = NULL;
    g_autoptr (DcLinkItem) item = dc_channel_pull (talk->channel, 0, &problem);
    if (item == NULL && has_hung_up (talk))
      return TRUE;
    if (item == NULL) {
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
    if (item->kind == DC_LINK_ITEM_FIN)
      break;
    /* Caps, segments and EOS are for pipelines; there is nothing to do about them here. */
    if (item->kind == DC_LINK_ITEM_DATA)
      record_received (talk, item);
  }
  dc_channel_accept_fin (talk->channel);
  return TRUE;
}

gboolean
dc_talk_run (DcTalk *talk, GError **error)
{
  talk->begin = g_get_monotonic_time ();
  GThread *sender = g_thread_new ("sender", sender_thread, talk);
  GError *receive_error = NULL;
  if (!receive_all (talk, &receive_error))
    stop (talk, receive_error, receive_error->message);
  g_thread_join (sender);
  talk->end = g_get_monotonic_time ();
  g_signal_handler_disconnect (talk->channel, talk->acknowledged_id);

  g_mutex_lock (&talk->lock);
  GError *first = g_steal_pointer (&talk->error);
  g_mutex_unlock (&talk->lock);
  if (first != NULL) {
    g_propagate_error (error, first);
    return FALSE;
  }
  dc_channel_close (talk->channel);
  return TRUE;
}

GstStructure *
dc_talk_summarize (DcTalk *talk)
{
  GstStructure *event = gst_structure_new ("summary", "peer", G_TYPE_STRING, dc_channel_get_remote_id (talk->channel),
      "label", G_TYPE_STRING, dc_channel_get_label (talk->channel), "complete", G_TYPE_BOOLEAN, !talk->stopped, "sent",
      G_TYPE_UINT64, talk->sent, "received", G_TYPE_UINT64, talk->received, "bytes-sent", G_TYPE_UINT64,
      talk->bytes_sent, "bytes-received", G_TYPE_UINT64, talk->bytes_received, "duration", G_TYPE_DOUBLE,
      (talk->end - talk->begin) / (gdouble) G_USEC_PER_SEC, NULL);
  if (dc_channel_get_mode (talk->channel) == DC_MODE_LINK)
    gst_structure_set (event, "acknowledged", G_TYPE_UINT64, talk->told, NULL);
  if (talk->trips.count > 0)
    gst_structure_set (event, "rtt-min", G_TYPE_DOUBLE, talk->trips.min, "rtt-median", G_TYPE_DOUBLE,
        dc_round_trips_median (&talk->trips), "rtt-max", G_TYPE_DOUBLE, talk->trips.max, NULL);
  return event;
}
