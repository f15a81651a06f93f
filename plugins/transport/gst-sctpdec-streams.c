/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-sctpdec-streams.c: the messages of sctpdec, and the pads that they go to. */
#include "plugins/transport/gst-sctpdec-private.h"

#include <gst/sctp/sctpreceivemeta.h>

#include "plugins/transport/gst-sctp-stream.h"

/* At once: each has a thread, and the far side says how many there are. */
#define MAX_STREAMS 1000u
/* Who is told of a pad may be a webrtcbin, which must not be gone by then; but might wait for a lock that is held by who stops. */
#define CHANGE_LIMIT (2 * G_TIME_SPAN_SECOND)

/* --- pads of streams --- */

/* (nullable) (transfer full) */
static GstDcSctpStream *
find_stream (GstDcSctpDec *self, guint16 number)
{
  GstDcSctpStream *stream;

  g_mutex_lock (&self->lock);
  stream = g_hash_table_lookup (self->streams, GUINT_TO_POINTER (number));
  if (stream != NULL)
    gst_object_ref (stream);
  g_mutex_unlock (&self->lock);
  return stream;
}

static void
remove_pad (GstDcSctpDec *self, GstDcSctpStream *stream)
{
  GstPad *pad = GST_PAD (stream);

  gst_pad_set_active (pad, FALSE);
  if (gst_object_has_as_parent (GST_OBJECT (pad), GST_OBJECT (self)))
    gst_element_remove_pad (GST_ELEMENT (self), pad);
}

static void
end_change (GstDcSctpDec *self)
{
  g_mutex_lock (&self->lock);
  if (--self->changing == 0)
    g_cond_broadcast (&self->called);
  g_mutex_unlock (&self->lock);
}

static void
wait_for_changes (GstDcSctpDec *self)
{
  gint64 limit = g_get_monotonic_time () + CHANGE_LIMIT;

  g_mutex_lock (&self->lock);
  while (self->changing > 0 && g_cond_wait_until (&self->called, &self->lock, limit))
    ;
  g_mutex_unlock (&self->lock);
}

/* The stream's number is taken until its pad is gone. */
static void
remove_claimed (GstDcSctpDec *self, GstDcSctpStream *stream)
{
  guint16 number = gst_dc_sctp_stream_get_number (stream);

  gst_dc_sctpdec_tell_ended (self, number);
  remove_pad (self, stream);
  g_mutex_lock (&self->lock);
  g_hash_table_remove (self->streams, GUINT_TO_POINTER (number));
  g_mutex_unlock (&self->lock);
  gst_dc_sctpdec_resume (self);
}

static void
remove_stream (GstDcSctpDec *self, GstDcSctpStream *stream)
{
  g_mutex_lock (&self->lock);
  self->changing++;
  g_mutex_unlock (&self->lock);
  if (gst_dc_sctp_stream_claim (stream))
    remove_claimed (self, stream);
  end_change (self);
}

/* A thread of GStreamer's. */
static void
remove_ended (GstElement *element, gpointer user_data)
{
  remove_stream (GST_DC_SCTP_DEC (element), user_data);
}

static void
remove_later (GstDcSctpStream *stream, gpointer user_data)
{
  gst_element_call_async (GST_ELEMENT (user_data), remove_ended, gst_object_ref (stream), gst_object_unref);
}

static void
room_cb (gpointer user_data)
{
  gst_dc_sctpdec_resume (user_data);
}

static gboolean
copy_event (GstPad *sink, GstEvent **event, gpointer pad)
{
  switch (GST_EVENT_TYPE (*event)) {
    case GST_EVENT_STREAM_START:
    case GST_EVENT_CAPS:
    case GST_EVENT_EOS:
      break;
    default:
      gst_pad_store_sticky_event (pad, *event);
      break;
  }
  return TRUE;
}

/* The sink pad may be stopped meanwhile, and have no segment any more. */
static void
give_first_events (GstDcSctpDec *self, GstPad *pad, guint16 number)
{
  g_autofree char *upstream_id = gst_pad_get_stream_id (self->sink);
  g_autofree char *id = g_strdup_printf ("%s/%u", upstream_id != NULL ? upstream_id : GST_OBJECT_NAME (self), number);
  g_autoptr (GstEvent) segment_event = NULL;
  GstSegment segment;

  gst_pad_push_event (pad, gst_event_new_stream_start (id));
  gst_pad_sticky_events_foreach (self->sink, copy_event, pad);
  segment_event = gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  if (segment_event != NULL)
    return;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (pad, gst_event_new_segment (&segment));
}

/* (nullable) (transfer full): not while the element stops, nor if there are too many. */
static GstDcSctpStream *
make_stream_locked (GstDcSctpDec *self, guint16 number)
{
  static const GstDcSctpStreamFuncs funcs = {room_cb, remove_later};
  GstPadTemplate *template = gst_element_class_get_pad_template (GST_ELEMENT_GET_CLASS (self), "src_%u");
  g_autofree char *name = g_strdup_printf ("src_%u", number);
  GstDcSctpStream *stream;

  if (self->shared == NULL || g_hash_table_size (self->streams) >= MAX_STREAMS)
    return NULL;
  stream = gst_object_ref_sink (gst_dc_sctp_stream_new (name, number, template, &funcs, self, &self->queued));
  g_hash_table_insert (self->streams, GUINT_TO_POINTER (number), gst_object_ref (stream));
  self->changing++;
  return stream;
}

/* (nullable) (transfer full): as make_stream_locked(). */
static GstDcSctpStream *
add_stream (GstDcSctpDec *self, guint16 number)
{
  g_autoptr (GstDcSctpStream) stream = NULL;

  g_mutex_lock (&self->lock);
  stream = make_stream_locked (self, number);
  g_mutex_unlock (&self->lock);
  if (stream == NULL)
    return NULL;
  gst_pad_set_active (GST_PAD (stream), TRUE);
  give_first_events (self, GST_PAD (stream), number);
  gst_element_add_pad (GST_ELEMENT (self), GST_PAD (stream));
  /* Who has stopped the element meanwhile could not remove it. */
  if (gst_dc_sctp_stream_is_claimed (stream))
    remove_pad (self, stream);
  end_change (self);
  return g_steal_pointer (&stream);
}

/* (nullable) (transfer full) */
static GstDcSctpStream *
ensure_stream (GstDcSctpDec *self, guint16 number)
{
  GstDcSctpStream *stream = find_stream (self, number);

  return stream != NULL ? stream : add_stream (self, number);
}

/* --- messages --- */

typedef enum {
  OFFER_TAKEN,
  OFFER_ENOUGH, /* taken, but there is no room for the next */
  OFFER_REFUSED,
} Offer;

static GstDcSctpHookResult
call_hook (GstDcSctpDec *self, const GstDcSctpDecMessage *message)
{
  GstDcSctpHookResult result = GST_DC_SCTP_HOOK_PASS;
  GstDcSctpHookFunc hook;
  gpointer hook_data;
  guint epoch;

  g_mutex_lock (&self->lock);
  hook = self->hook;
  hook_data = self->hook_data;
  epoch = gst_dc_calls_enter (&self->calls);
  g_mutex_unlock (&self->lock);
  if (hook != NULL)
    result = hook (message->stream, message->ppid, message->bytes, hook_data);
  g_mutex_lock (&self->lock);
  gst_dc_calls_leave (&self->calls, epoch, &self->called);
  g_mutex_unlock (&self->lock);
  return result;
}

/* There is no pad for it. The far side is told, by our direction's end, that the stream is no good. */
static void
refuse_stream (GstDcSctpDec *self, guint16 number)
{
  g_autoptr (GstDcSctpShared) shared = gst_dc_sctpdec_dup_shared (self);

  if (shared == NULL)
    return;
  GST_WARNING_OBJECT (self, "there are too many streams; %u is refused", number);
  dc_sctp_lanes_reset_stream (gst_dc_sctp_shared_get_lanes (shared), number);
}

static Offer
offer_to_pad (GstDcSctpDec *self, const GstDcSctpDecMessage *message)
{
  g_autoptr (GstDcSctpStream) stream = ensure_stream (self, message->stream);
  GstBuffer *buffer;

  if (stream == NULL) {
    refuse_stream (self, message->stream);
    return OFFER_TAKEN;
  }
  if (gst_dc_sctp_stream_is_ending (stream) || gst_dc_sctp_stream_is_claimed (stream))
    return OFFER_REFUSED;
  buffer = gst_buffer_new_wrapped_bytes (message->bytes);
  gst_sctp_buffer_add_receive_meta (buffer, gst_dc_sctp_turn_ppid (self->in_webrtcbin, message->ppid));
  return gst_dc_sctp_stream_push (stream, buffer) ? OFFER_TAKEN : OFFER_ENOUGH;
}

/* What comes on a stream whose number is used again waits until all know that the one before has ended. */
static gboolean
is_ending (GstDcSctpDec *self, guint16 number)
{
  GstDcSctpStream *stream;
  gboolean ending;

  g_mutex_lock (&self->lock);
  stream = g_hash_table_lookup (self->streams, GUINT_TO_POINTER (number));
  ending = stream != NULL && (gst_dc_sctp_stream_is_ending (stream) || gst_dc_sctp_stream_is_claimed (stream));
  g_mutex_unlock (&self->lock);
  return ending;
}

static Offer
offer (GstDcSctpDec *self, GstDcSctpDecMessage *message)
{
  GstDcSctpHookResult result;

  if (is_ending (self, message->stream))
    return OFFER_REFUSED;
  result = message->passed ? GST_DC_SCTP_HOOK_PASS : call_hook (self, message);
  if (result == GST_DC_SCTP_HOOK_TAKEN)
    return OFFER_TAKEN;
  if (result == GST_DC_SCTP_HOOK_FULL)
    return OFFER_REFUSED;
  message->passed = TRUE;
  return offer_to_pad (self, message);
}

/* Returns: how often there was room once more. */
static guint
look (GstDcSctpDec *self, const GstDcSctpShared **shared)
{
  guint resumes;

  g_mutex_lock (&self->lock);
  resumes = self->resumes;
  *shared = self->shared;
  g_mutex_unlock (&self->lock);
  return resumes;
}

/* @message: its bytes are the callee's. Returns: whether more may come; if not, resume() is going to be called. */
static gboolean
take (GstDcSctpDec *self, GstDcSctpDecMessage *message)
{
  gboolean again, paused;

  do {
    const GstDcSctpShared *shared;
    guint before = look (self, &shared);
    Offer offered = offer (self, message);
    gboolean stopped, resumed;

    g_mutex_lock (&self->lock);
    stopped = shared == NULL || self->shared != shared;
    resumed = self->resumes != before;
    again = offered == OFFER_REFUSED && resumed && !stopped;
    paused = offered != OFFER_TAKEN && !resumed && !stopped;
    if (!again && !stopped) {
      self->paused = paused;
      self->retrying = FALSE;
    }
    if (paused && offered == OFFER_REFUSED)
      self->held =
          (GstDcSctpDecMessage){message->stream, message->ppid, g_steal_pointer (&message->bytes), message->passed};
    g_mutex_unlock (&self->lock);
  } while (again);
  g_clear_pointer (&message->bytes, g_bytes_unref);
  return !paused;
}

void
gst_dc_sctpdec_resume (GstDcSctpDec *self)
{
  g_autoptr (GstDcSctpShared) shared = gst_dc_sctpdec_dup_shared (self);
  GstDcSctpDecMessage held = {0};
  gboolean ours;

  g_mutex_lock (&self->lock);
  self->resumes++;
  ours = shared != NULL && self->shared == shared && self->paused && !self->retrying;
  if (ours) {
    held = self->held;
    self->held = (GstDcSctpDecMessage){0};
    self->retrying = self->paused = held.bytes != NULL;
  }
  g_mutex_unlock (&self->lock);
  if (ours && (held.bytes == NULL || take (self, &held)))
    dc_sctp_lanes_resume (gst_dc_sctp_shared_get_lanes (shared));
}

/* --- the association's callbacks --- */

static gboolean
message_cb (guint16 stream, guint32 ppid, gboolean unordered, GBytes *bytes, gpointer user_data)
{
  GstDcSctpDecMessage message = {stream, ppid, bytes};

  return take (user_data, &message);
}

static void
reset_cb (guint16 number, gpointer user_data)
{
  g_autoptr (GstDcSctpStream) stream = ensure_stream (user_data, number);

  GST_DEBUG_OBJECT (user_data, "stream %u has ended", number);
  if (stream != NULL)
    gst_dc_sctp_stream_end (stream);
}

static void
end_streams (GstDcSctpDec *self)
{
  GHashTableIter iter;
  gpointer stream;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, NULL, &stream))
    gst_dc_sctp_stream_end (stream);
  g_mutex_unlock (&self->lock);
}

static void
state_cb (DcSctpState state, gpointer user_data)
{
  /* No stream has come to its end by that. */
  if (state == DC_SCTP_ABORTED && gst_dc_sctpdec_got_too_long (user_data))
    GST_ELEMENT_ERROR (user_data, STREAM, DECODE,
        ("The far side sent a message that is longer than was agreed; the SCTP association is ended"), (NULL));
  else if (state >= DC_SCTP_SHUT)
    end_streams (user_data);
}

const DcSctpCallbacks *
gst_dc_sctpdec_get_callbacks (void)
{
  static const DcSctpCallbacks callbacks = {.message = message_cb, .reset = reset_cb, .state = state_cb};

  return &callbacks;
}

/* --- the element's --- */

void
gst_dc_sctpdec_remove_all (GstDcSctpDec *self)
{
  g_autoptr (GPtrArray) streams = g_ptr_array_new_with_free_func (gst_object_unref);
  GHashTableIter iter;
  gpointer stream;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, NULL, &stream))
    g_ptr_array_add (streams, gst_object_ref (stream));
  g_mutex_unlock (&self->lock);
  for (guint i = 0; i < streams->len; i++)
    remove_stream (self, streams->pdata[i]);
  wait_for_changes (self);
}

void
gst_dc_sctpdec_reset_stream (GstDcSctpDec *self, guint number)
{
  g_autoptr (GstDcSctpShared) shared = gst_dc_sctpdec_dup_shared (self);
  DcSctpLanes *lanes = shared != NULL ? gst_dc_sctp_shared_get_lanes (shared) : NULL;
  g_autoptr (GstDcSctpStream) stream = find_stream (self, (guint16) number);

  if (lanes != NULL)
    dc_sctp_lanes_reset_stream (lanes, (guint16) number);
  if (stream == NULL)
    return;
  gst_dc_sctp_stream_flush (stream, TRUE);
  gst_dc_sctp_stream_end (stream);
}
