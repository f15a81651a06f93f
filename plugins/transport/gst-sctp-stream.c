/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-sctp-stream.c: a source pad of sctpdec: the messages of one stream, a bounded queue of them, and a thread.
 *
 * Theory of operation
 * -------------------
 * As long as the pad is active its thread pushes what is queued. A queue that has come to its bound says so, once, and says that there is room again when it
 * has come down to half of that. So do all the streams of an association together, of which the far side says how many there are. What is downstream may refuse a message for good (an error, the end, no link): then it is given no more, and
 * messages are dropped rather than to hold up all streams, until it is linked anew or flushed. When the stream has ended, EOS follows its
 * last message.
 */
#include "plugins/transport/gst-sctp-stream.h"

/* A few of the longest messages. */
#define MAX_BYTES (1024u * 1024)
#define MAX_MESSAGES 1024u
/* Of all streams. */
#define MAX_TOTAL (16 * 1024 * 1024)
#define MESSAGE_COST 512 /* beside its bytes */

struct _GstDcSctpStream {
  GstPad parent;
  guint16 number;
  GstDcSctpStreamFuncs funcs;
  gpointer user_data;
  gint *total;  /* atomic: what waits in all streams costs so much; not ours */
  gint claimed; /* atomic */

  GMutex lock; /* of what follows; nothing is called with it */
  GCond changed;
  GQueue messages; /* (element-type GstBuffer) */
  gsize bytes;
  gboolean active;
  gboolean was_active; /* and is to take nothing more */
  gboolean room_due;   /* in all streams together: to be told by the thread */
  gboolean full;       /* and said so */
  gboolean ending;
  gboolean refused; /* by what is downstream, or flushed */
};

G_DEFINE_TYPE (GstDcSctpStream, gst_dc_sctp_stream, GST_TYPE_PAD)

/* --- the queue --- */

/* Returns: whether there is room in all streams together again. */
static gboolean
give_back (GstDcSctpStream *self, gsize cost)
{
  gint before = g_atomic_int_add (self->total, -(gint) cost);

  return before > MAX_TOTAL / 2 && before - (gint) cost <= MAX_TOTAL / 2;
}

static gsize
cost_of (GstBuffer *message)
{
  return gst_buffer_get_size (message) + MESSAGE_COST;
}

static void
drop_locked (GstDcSctpStream *self)
{
  gsize cost = self->bytes + self->messages.length * MESSAGE_COST;

  g_queue_clear_full (&self->messages, (GDestroyNotify) gst_buffer_unref);
  self->bytes = 0;
  self->room_due |= cost > 0 && give_back (self, cost);
}

/* Returns: whether that is to be told. */
static gboolean
check_room_locked (GstDcSctpStream *self)
{
  gboolean room = self->full && self->bytes <= MAX_BYTES / 2 && self->messages.length <= MAX_MESSAGES / 2;

  self->full &= !room;
  return room;
}

gboolean
gst_dc_sctp_stream_push (GstDcSctpStream *self, GstBuffer *message)
{
  gboolean full;

  g_mutex_lock (&self->lock);
  if (self->refused || self->ending || self->was_active) {
    gst_buffer_unref (message);
  } else {
    g_atomic_int_add (self->total, (gint) cost_of (message));
    self->bytes += gst_buffer_get_size (message);
    g_queue_push_tail (&self->messages, message);
    self->full |= self->bytes >= MAX_BYTES || self->messages.length >= MAX_MESSAGES;
    g_cond_broadcast (&self->changed);
  }
  full = self->full || g_atomic_int_get (self->total) >= MAX_TOTAL;
  g_mutex_unlock (&self->lock);
  return !full;
}

void
gst_dc_sctp_stream_end (GstDcSctpStream *self)
{
  g_mutex_lock (&self->lock);
  self->ending = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

gboolean
gst_dc_sctp_stream_is_ending (GstDcSctpStream *self)
{
  gboolean ending;

  g_mutex_lock (&self->lock);
  ending = self->ending;
  g_mutex_unlock (&self->lock);
  return ending;
}

void
gst_dc_sctp_stream_flush (GstDcSctpStream *self, gboolean flushing)
{
  g_mutex_lock (&self->lock);
  self->refused = flushing;
  if (flushing)
    drop_locked (self);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

/* --- the thread --- */

static void
push_message (GstDcSctpStream *self, GstBuffer *message)
{
  GstFlowReturn flow = gst_pad_push (GST_PAD (self), message);

  if (flow == GST_FLOW_OK)
    return;
  GST_DEBUG_OBJECT (self, "no more is given: %s", gst_flow_get_name (flow));
  gst_dc_sctp_stream_flush (self, TRUE);
}

static void
task (gpointer user_data)
{
  GstDcSctpStream *self = user_data;
  GstBuffer *message;
  gboolean room, ended;

  g_mutex_lock (&self->lock);
  while (self->active && g_queue_is_empty (&self->messages) && !self->ending && !(self->full && self->refused)
         && !self->room_due)
    g_cond_wait (&self->changed, &self->lock);
  message = self->active ? g_queue_pop_head (&self->messages) : NULL;
  if (message != NULL) {
    self->bytes -= gst_buffer_get_size (message);
    self->room_due |= give_back (self, cost_of (message));
  }
  room = (check_room_locked (self) || self->room_due) && self->active;
  self->room_due &= !self->active;
  ended = message == NULL && self->ending && self->active;
  if (!self->active || ended)
    gst_pad_pause_task (GST_PAD (self));
  g_mutex_unlock (&self->lock);

  if (room)
    self->funcs.room (self->user_data);
  if (message != NULL)
    push_message (self, message);
  if (!ended)
    return;
  gst_pad_push_event (GST_PAD (self), gst_event_new_eos ());
  self->funcs.ended (self, self->user_data);
}

static gboolean
activate_mode (GstPad *pad, GstObject *parent, GstPadMode mode, gboolean active)
{
  GstDcSctpStream *self = GST_DC_SCTP_STREAM (pad);

  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  g_mutex_lock (&self->lock);
  self->active = active;
  self->was_active = !active;
  if (!active)
    drop_locked (self);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  return active ? gst_pad_start_task (pad, task, pad, NULL) : gst_pad_stop_task (pad);
}

static gboolean
event (GstPad *pad, GstObject *parent, GstEvent *from_below)
{
  GstDcSctpStream *self = GST_DC_SCTP_STREAM (pad);

  switch (GST_EVENT_TYPE (from_below)) {
    case GST_EVENT_FLUSH_START:
      gst_dc_sctp_stream_flush (self, TRUE);
      break;
    case GST_EVENT_FLUSH_STOP:
    case GST_EVENT_RECONFIGURE:
      gst_dc_sctp_stream_flush (self, FALSE);
      break;
    default:
      break;
  }
  return gst_pad_event_default (pad, parent, from_below);
}

/* --- life --- */

GstDcSctpStream *
gst_dc_sctp_stream_new (const char *name, guint16 number, GstPadTemplate *template, const GstDcSctpStreamFuncs *funcs,
    gpointer user_data, gint *total)
{
  GstDcSctpStream *self =
      g_object_new (GST_TYPE_DC_SCTP_STREAM, "name", name, "direction", GST_PAD_SRC, "template", template, NULL);

  self->number = number;
  self->funcs = *funcs;
  self->user_data = user_data;
  self->total = total;
  gst_pad_set_activatemode_function (GST_PAD (self), activate_mode);
  gst_pad_set_event_function (GST_PAD (self), event);
  return self;
}

guint16
gst_dc_sctp_stream_get_number (GstDcSctpStream *self)
{
  return self->number;
}

gboolean
gst_dc_sctp_stream_claim (GstDcSctpStream *self)
{
  return g_atomic_int_compare_and_exchange (&self->claimed, FALSE, TRUE);
}

gboolean
gst_dc_sctp_stream_is_claimed (GstDcSctpStream *self)
{
  return g_atomic_int_get (&self->claimed);
}

static void
gst_dc_sctp_stream_finalize (GObject *object)
{
  GstDcSctpStream *self = GST_DC_SCTP_STREAM (object);

  /* What came before it was ever active; else there is nothing, and @total may be gone. */
  g_queue_clear_full (&self->messages, (GDestroyNotify) gst_buffer_unref);
  g_cond_clear (&self->changed);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (gst_dc_sctp_stream_parent_class)->finalize (object);
}

static void
gst_dc_sctp_stream_init (GstDcSctpStream *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  g_queue_init (&self->messages);
}

static void
gst_dc_sctp_stream_class_init (GstDcSctpStreamClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = gst_dc_sctp_stream_finalize;
}
