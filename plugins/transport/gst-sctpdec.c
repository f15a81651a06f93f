/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-sctpdec.c: packets of SCTP become messages; in the place of GStreamer's sctpdec.
 *
 * Theory of operation
 * -------------------
 * Packets come by the pad sink, or past it; its stream lock sees to it that one thread at a time brings them. Each may be looked at (the tap) before the
 * association has it (gst-sctp-shared.c).
 *
 * A message is offered to the hook, if there is one, and goes to the pad src_%u of its stream otherwise, which is added when something comes on a new
 * stream (gst-sctp-stream.c). A pad whose queue is full, and a hook that says so, hold the association up: it gives no more messages, and the window of
 * the far side closes, until there is room. What was offered and not taken is held here meanwhile.
 *
 *     packets --> tap --> association --> hook --> queue and thread of a stream --> src_%u
 *                              ^------- resume ------------'
 *
 * A stream that the far side closes pushes what it has, then EOS, and its pad is removed, by another thread than its own. What comes
 * on a new stream of that number waits until then. A stream is closed even if nothing has come on it: its pad is added, and removed.
 * What becomes of one stream downstream does not concern the others: packets are taken whatever pads return.
 */
#include "plugins/transport/gst-sctpdec.h"

#include <gst/sctp/sctpreceivemeta.h>

#include "plugins/transport/gst-sctp-calls.h"
#include "plugins/transport/gst-sctp-shared.h"
#include "plugins/transport/gst-sctp-stream.h"

GST_DEBUG_CATEGORY_STATIC (dc_sctpdec_debug);
#define GST_CAT_DEFAULT dc_sctpdec_debug

enum { PROP_0, PROP_ASSOCIATION_ID, PROP_LOCAL_PORT, PROP_AUTOMATIC_ID };

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS ("application/x-sctp"));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS_ANY);

typedef struct {
  guint16 stream;
  guint32 ppid;
  GBytes *bytes; /* (nullable): there is none */
} Message;

/* Packets that have passed the tap, and that SCTP has not got yet. */
typedef struct {
  DcPacket packets[DC_PACKETS_MAX];
  guint n;
} Run;

struct _DcSctpDec {
  GstElement parent;
  GstPad *sink;
  Run *run; /* (nullable): of the sink pad's stream lock */

  GMutex lock; /* of what follows; nothing is called with it */
  GCond called;
  guint association_id, local_port;
  gboolean automatic_id;
  gboolean in_webrtcbin;
  DcSctpShared *shared; /* (nullable): from PAUSED on */
  GHashTable *streams;  /* (element-type guint16 DcSctpStream): those that have a pad */
  GHashTable *removing; /* (element-type guint16): those whose pad is being removed */
  gboolean paused;      /* the association waits to be resumed */
  guint resumes;        /* there was room once more */
  gboolean retrying;    /* what is held is being offered again */
  Message held;
  DcSctpHookFunc hook;
  DcSctpInTap tap;
  gpointer hook_data, tap_data;
  DcSctpCalls calls; /* of hook and tap */
};

G_DEFINE_TYPE (DcSctpDec, gst_dc_sctpdec, GST_TYPE_ELEMENT)

static void resume (DcSctpDec *self);

/* (nullable) (transfer full) */
static DcSctpShared *
dup_shared (DcSctpDec *self)
{
  DcSctpShared *shared;

  g_mutex_lock (&self->lock);
  shared = self->shared != NULL ? dc_sctp_shared_ref (self->shared) : NULL;
  g_mutex_unlock (&self->lock);
  return shared;
}

/* --- pads of streams --- */

/* (nullable) (transfer full) */
static DcSctpStream *
find_stream (DcSctpDec *self, guint16 number)
{
  DcSctpStream *stream;

  g_mutex_lock (&self->lock);
  stream = g_hash_table_lookup (self->streams, GUINT_TO_POINTER (number));
  if (stream != NULL)
    gst_object_ref (stream);
  g_mutex_unlock (&self->lock);
  return stream;
}

/* Whoever gets it removes its pad. */
static gboolean
steal_stream (DcSctpDec *self, DcSctpStream *stream)
{
  gpointer key = GUINT_TO_POINTER (dc_sctp_stream_get_number (stream));
  gboolean stolen;

  g_mutex_lock (&self->lock);
  stolen = g_hash_table_lookup (self->streams, key) == stream;
  if (stolen) {
    g_hash_table_add (self->removing, key);
    g_hash_table_remove (self->streams, key);
  }
  g_mutex_unlock (&self->lock);
  return stolen;
}

static void
remove_pad (DcSctpDec *self, DcSctpStream *stream)
{
  GstPad *pad = GST_PAD (stream);

  gst_pad_set_active (pad, FALSE);
  if (gst_object_has_as_parent (GST_OBJECT (pad), GST_OBJECT (self)))
    gst_element_remove_pad (GST_ELEMENT (self), pad);
}

/* A thread of GStreamer's. */
static void
remove_ended (GstElement *element, gpointer user_data)
{
  DcSctpDec *self = DC_SCTPDEC (element);
  guint16 number = dc_sctp_stream_get_number (user_data);

  if (!steal_stream (self, user_data))
    return;
  remove_pad (self, user_data);
  g_mutex_lock (&self->lock);
  g_hash_table_remove (self->removing, GUINT_TO_POINTER (number));
  g_mutex_unlock (&self->lock);
  resume (self);
}

static void
remove_later (DcSctpStream *stream, gpointer user_data)
{
  gst_element_call_async (GST_ELEMENT (user_data), remove_ended, gst_object_ref (stream), gst_object_unref);
}

static void
room_cb (gpointer user_data)
{
  resume (user_data);
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

static void
give_first_events (DcSctpDec *self, GstPad *pad, guint16 number)
{
  g_autofree char *id = gst_pad_create_stream_id_printf (pad, GST_ELEMENT (self), "%u", number);
  GstEvent *segment_event = gst_pad_get_sticky_event (self->sink, GST_EVENT_SEGMENT, 0);
  GstSegment segment;

  gst_pad_push_event (pad, gst_event_new_stream_start (id));
  gst_pad_sticky_events_foreach (self->sink, copy_event, pad);
  if (segment_event != NULL) {
    gst_event_unref (segment_event);
    return;
  }
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (pad, gst_event_new_segment (&segment));
}

/* (nullable) (transfer full): not while the element stops. */
static DcSctpStream *
add_stream (DcSctpDec *self, guint16 number)
{
  static const DcSctpStreamFuncs funcs = {room_cb, remove_later};
  GstPadTemplate *template = gst_element_class_get_pad_template (GST_ELEMENT_GET_CLASS (self), "src_%u");
  g_autofree char *name = g_strdup_printf ("src_%u", number);
  g_autoptr (DcSctpStream) stream = gst_object_ref_sink (dc_sctp_stream_new (name, number, template, &funcs, self));
  gboolean running;

  g_mutex_lock (&self->lock);
  running = self->shared != NULL;
  if (running)
    g_hash_table_insert (self->streams, GUINT_TO_POINTER (number), gst_object_ref (stream));
  g_mutex_unlock (&self->lock);
  if (!running)
    return NULL;
  gst_pad_set_active (GST_PAD (stream), TRUE);
  give_first_events (self, GST_PAD (stream), number);
  gst_element_add_pad (GST_ELEMENT (self), GST_PAD (stream));
  /* Who has stopped the element meanwhile could not remove it. */
  g_mutex_lock (&self->lock);
  running = g_hash_table_lookup (self->streams, GUINT_TO_POINTER (number)) == stream;
  g_mutex_unlock (&self->lock);
  if (!running)
    remove_pad (self, stream);
  return g_steal_pointer (&stream);
}

/* (nullable) (transfer full) */
static DcSctpStream *
ensure_stream (DcSctpDec *self, guint16 number)
{
  DcSctpStream *stream = find_stream (self, number);

  return stream != NULL ? stream : add_stream (self, number);
}

/* --- messages --- */

typedef enum {
  OFFER_TAKEN,
  OFFER_ENOUGH, /* taken, but there is no room for the next */
  OFFER_REFUSED,
} Offer;

static DcSctpHookResult
call_hook (DcSctpDec *self, const Message *message)
{
  DcSctpHookResult result = DC_SCTP_HOOK_PASS;
  DcSctpHookFunc hook;
  gpointer hook_data;
  guint epoch;

  g_mutex_lock (&self->lock);
  hook = self->hook;
  hook_data = self->hook_data;
  epoch = dc_sctp_calls_enter (&self->calls);
  g_mutex_unlock (&self->lock);
  if (hook != NULL)
    result = hook (message->stream, message->ppid, message->bytes, hook_data);
  g_mutex_lock (&self->lock);
  dc_sctp_calls_leave (&self->calls, epoch, &self->called);
  g_mutex_unlock (&self->lock);
  return result;
}

static Offer
offer_to_pad (DcSctpDec *self, const Message *message)
{
  g_autoptr (DcSctpStream) stream = ensure_stream (self, message->stream);
  GstBuffer *buffer;

  if (stream == NULL)
    return OFFER_TAKEN;
  if (dc_sctp_stream_is_ending (stream))
    return OFFER_REFUSED;
  buffer = gst_buffer_new_wrapped_bytes (message->bytes);
  gst_sctp_buffer_add_receive_meta (buffer, dc_sctp_turn_ppid (self->in_webrtcbin, message->ppid));
  return dc_sctp_stream_push (stream, buffer) ? OFFER_TAKEN : OFFER_ENOUGH;
}

/* What comes on a stream whose number is used again waits until all know that the one before has ended. */
static gboolean
is_ending (DcSctpDec *self, guint16 number)
{
  gpointer key = GUINT_TO_POINTER (number);
  DcSctpStream *stream;
  gboolean ending;

  g_mutex_lock (&self->lock);
  stream = g_hash_table_lookup (self->streams, key);
  ending = g_hash_table_contains (self->removing, key) || (stream != NULL && dc_sctp_stream_is_ending (stream));
  g_mutex_unlock (&self->lock);
  return ending;
}

static Offer
offer (DcSctpDec *self, const Message *message)
{
  if (is_ending (self, message->stream))
    return OFFER_REFUSED;
  switch (call_hook (self, message)) {
    case DC_SCTP_HOOK_TAKEN:
      return OFFER_TAKEN;
    case DC_SCTP_HOOK_FULL:
      return OFFER_REFUSED;
    case DC_SCTP_HOOK_PASS:
      break;
  }
  return offer_to_pad (self, message);
}

static guint
get_resumes (DcSctpDec *self)
{
  guint resumes;

  g_mutex_lock (&self->lock);
  resumes = self->resumes;
  g_mutex_unlock (&self->lock);
  return resumes;
}

/* @message: its bytes are the callee's. Returns: whether more may come; if not, resume() is going to be called. */
static gboolean
take (DcSctpDec *self, Message *message)
{
  gboolean again, paused;

  do {
    guint before = get_resumes (self);
    Offer offered = offer (self, message);

    g_mutex_lock (&self->lock);
    again = offered == OFFER_REFUSED && self->resumes != before && self->shared != NULL;
    paused = offered != OFFER_TAKEN && self->resumes == before && self->shared != NULL;
    if (!again) {
      self->paused = paused;
      self->retrying = FALSE;
    }
    if (paused && offered == OFFER_REFUSED)
      self->held = (Message){message->stream, message->ppid, g_steal_pointer (&message->bytes)};
    g_mutex_unlock (&self->lock);
  } while (again);
  g_clear_pointer (&message->bytes, g_bytes_unref);
  return !paused;
}

static void
resume (DcSctpDec *self)
{
  g_autoptr (DcSctpShared) shared = dup_shared (self);
  Message held = {0};
  gboolean ours;

  g_mutex_lock (&self->lock);
  self->resumes++;
  ours = self->paused && !self->retrying && self->shared != NULL;
  if (ours) {
    held = self->held;
    self->held = (Message){0};
    self->retrying = self->paused = held.bytes != NULL;
  }
  g_mutex_unlock (&self->lock);
  if (ours && (held.bytes == NULL || take (self, &held)) && shared != NULL)
    dc_sctp_lanes_resume (dc_sctp_shared_get_lanes (shared));
}

/* --- the association's callbacks --- */

static gboolean
message_cb (guint16 stream, guint32 ppid, gboolean unordered, GBytes *bytes, gpointer user_data)
{
  Message message = {stream, ppid, bytes};

  return take (user_data, &message);
}

static void
reset_cb (guint16 number, gpointer user_data)
{
  g_autoptr (DcSctpStream) stream = ensure_stream (user_data, number);

  GST_DEBUG_OBJECT (user_data, "stream %u has ended", number);
  if (stream != NULL)
    dc_sctp_stream_end (stream);
}

static void
end_streams (DcSctpDec *self)
{
  GHashTableIter iter;
  gpointer stream;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, NULL, &stream))
    dc_sctp_stream_end (stream);
  g_mutex_unlock (&self->lock);
}

static void
state_cb (DcSctpState state, gpointer user_data)
{
  if (state >= DC_SCTP_SHUT)
    end_streams (user_data);
}

static const DcSctpCallbacks callbacks = {.message = message_cb, .reset = reset_cb, .state = state_cb};

/* --- packets --- */

/* @shared: (nullable). Before there is one, what comes is dropped: the far side will repeat it. */
static gboolean
has_association (DcSctpShared *shared)
{
  return shared != NULL && dc_sctp_shared_get_association (shared) != NULL;
}

/* SCTP is given what has passed the tap. */
static void
settle (DcSctpShared *shared, Run *run)
{
  guint n = run != NULL ? run->n : 0;

  if (n == 0)
    return;
  run->n = 0;
  dc_sctp_shared_input (shared, run->packets, n);
}

static void
pass_tap (DcSctpDec *self, DcSctpShared *shared, DcSctpInTap tap, gpointer tap_data, const DcPacket *packets, guint n)
{
  Run *outer = self->run, run = {.n = 0};

  settle (shared, outer);
  self->run = &run;
  for (guint i = 0; i < n; i++) {
    if (dc_sctp_lanes_is_aside (dc_sctp_shared_get_lanes (shared), &packets[i])
        || tap (packets[i].data, packets[i].size, tap_data))
      run.packets[run.n++] = packets[i];
    if (run.n == DC_PACKETS_MAX)
      settle (shared, &run);
  }
  settle (shared, &run);
  self->run = outer;
}

/* With the sink pad's stream lock, and an association. */
static void
input (DcSctpDec *self, DcSctpShared *shared, const DcPacket *packets, guint n)
{
  gpointer tap_data;
  DcSctpInTap tap;
  guint epoch;

  g_mutex_lock (&self->lock);
  tap = self->tap;
  tap_data = self->tap_data;
  epoch = dc_sctp_calls_enter (&self->calls);
  g_mutex_unlock (&self->lock);
  if (tap != NULL)
    pass_tap (self, shared, tap, tap_data, packets, n);
  else
    dc_sctp_shared_input (shared, packets, n);
  g_mutex_lock (&self->lock);
  dc_sctp_calls_leave (&self->calls, epoch, &self->called);
  g_mutex_unlock (&self->lock);
}

void
gst_dc_sctpdec_input (DcSctpDec *self, const DcPacket *packets, guint n)
{
  g_autoptr (DcSctpShared) shared = dup_shared (self);

  if (!has_association (shared))
    return;
  GST_PAD_STREAM_LOCK (self->sink);
  if (!GST_PAD_IS_FLUSHING (self->sink))
    input (self, shared, packets, n);
  GST_PAD_STREAM_UNLOCK (self->sink);
}

/* --- the sink pad --- */

static GstFlowReturn
chain_some (DcSctpDec *self, DcSctpShared *shared, GstBuffer *const *buffers, guint n)
{
  DcPacket packets[DC_PACKETS_MAX];
  GstMapInfo maps[DC_PACKETS_MAX];
  guint mapped = 0;

  while (mapped < n && gst_buffer_map (buffers[mapped], &maps[mapped], GST_MAP_READ)) {
    packets[mapped] = (DcPacket){maps[mapped].data, maps[mapped].size};
    mapped++;
  }
  if (mapped > 0)
    input (self, shared, packets, mapped);
  for (guint i = 0; i < mapped; i++)
    gst_buffer_unmap (buffers[i], &maps[i]);
  return mapped == n ? GST_FLOW_OK : GST_FLOW_ERROR;
}

static GstFlowReturn
chain (GstPad *pad, GstObject *parent, GstBuffer *packet)
{
  DcSctpDec *self = DC_SCTPDEC (parent);
  g_autoptr (DcSctpShared) shared = dup_shared (self);
  GstFlowReturn flow = shared != NULL ? GST_FLOW_OK : GST_FLOW_FLUSHING;

  if (has_association (shared))
    flow = chain_some (self, shared, &packet, 1);
  gst_buffer_unref (packet);
  return flow;
}

static GstFlowReturn
chain_list (GstPad *pad, GstObject *parent, GstBufferList *list)
{
  DcSctpDec *self = DC_SCTPDEC (parent);
  g_autoptr (DcSctpShared) shared = dup_shared (self);
  GstFlowReturn flow = shared != NULL ? GST_FLOW_OK : GST_FLOW_FLUSHING;
  guint length = has_association (shared) ? gst_buffer_list_length (list) : 0;

  for (guint at = 0; at < length && flow == GST_FLOW_OK;) {
    GstBuffer *packets[DC_PACKETS_MAX];
    guint n = 0;

    while (n < DC_PACKETS_MAX && at < length)
      packets[n++] = gst_buffer_list_get (list, at++);
    flow = chain_some (self, shared, packets, n);
  }
  gst_buffer_list_unref (list);
  return flow;
}

static gboolean
flush_stream (GstElement *element, GstPad *pad, gpointer flushing)
{
  dc_sctp_stream_flush (DC_SCTP_STREAM (pad), flushing != NULL);
  return TRUE;
}

static gboolean
sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
    case GST_EVENT_CAPS:
    case GST_EVENT_EOS: /* streams end when the association says so */
      gst_event_unref (event);
      return TRUE;
    case GST_EVENT_FLUSH_START:
      gst_element_foreach_src_pad (GST_ELEMENT (parent), flush_stream, pad);
      break;
    case GST_EVENT_FLUSH_STOP:
      gst_element_foreach_src_pad (GST_ELEMENT (parent), flush_stream, NULL);
      break;
    default:
      break;
  }
  return gst_pad_event_default (pad, parent, event);
}

/* --- states --- */

static void
join (DcSctpDec *self)
{
  gboolean in_webrtcbin = dc_sctp_is_in_webrtcbin (GST_ELEMENT (self));
  g_autoptr (DcSctpShared) shared = NULL;
  guint id, port;

  g_mutex_lock (&self->lock);
  self->in_webrtcbin = in_webrtcbin;
  id = self->association_id;
  port = self->local_port;
  g_mutex_unlock (&self->lock);
  shared = dc_sctp_shared_join (GST_ELEMENT (self), DC_SCTP_DEC, id, port, &callbacks);
  g_mutex_lock (&self->lock);
  self->shared = dc_sctp_shared_ref (shared);
  self->paused = self->retrying = FALSE;
  g_mutex_unlock (&self->lock);
  dc_sctp_shared_begin (shared, DC_SCTP_DEC);
}

static void
leave (DcSctpDec *self)
{
  DcSctpShared *shared;
  GBytes *held;

  g_mutex_lock (&self->lock);
  shared = g_steal_pointer (&self->shared);
  held = g_steal_pointer (&self->held.bytes);
  g_mutex_unlock (&self->lock);
  g_clear_pointer (&held, g_bytes_unref);
  if (shared != NULL)
    dc_sctp_shared_leave (shared, DC_SCTP_DEC);
  g_clear_pointer (&shared, dc_sctp_shared_unref);
}

/* (nullable) (transfer full) */
static DcSctpStream *
steal_any_stream (DcSctpDec *self)
{
  DcSctpStream *stream = NULL;
  GHashTableIter iter;
  gpointer value;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->streams);
  if (g_hash_table_iter_next (&iter, NULL, &value)) {
    stream = gst_object_ref (value);
    g_hash_table_iter_remove (&iter);
  }
  g_mutex_unlock (&self->lock);
  return stream;
}

static void
remove_all (DcSctpDec *self)
{
  DcSctpStream *stream;

  while ((stream = steal_any_stream (self)) != NULL) {
    remove_pad (self, stream);
    gst_object_unref (stream);
  }
}

static GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition)
{
  DcSctpDec *self = DC_SCTPDEC (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    join (self);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    leave (self);
  result = GST_ELEMENT_CLASS (gst_dc_sctpdec_parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && result == GST_STATE_CHANGE_FAILURE)
    leave (self);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    remove_all (self);
  return result;
}

/* --- what is not for pads --- */

void
gst_dc_sctpdec_set_hook (DcSctpDec *self, DcSctpHookFunc func, gpointer user_data)
{
  g_mutex_lock (&self->lock);
  self->hook = func;
  self->hook_data = user_data;
  dc_sctp_calls_change (&self->calls, &self->called, &self->lock);
  g_mutex_unlock (&self->lock);
}

void
gst_dc_sctpdec_resume (DcSctpDec *self)
{
  resume (self);
}

void
gst_dc_sctpdec_set_tap (DcSctpDec *self, DcSctpInTap func, gpointer user_data)
{
  g_mutex_lock (&self->lock);
  self->tap = func;
  self->tap_data = user_data;
  dc_sctp_calls_change (&self->calls, &self->called, &self->lock);
  g_mutex_unlock (&self->lock);
}

/* --- the class --- */

/* Of the application, which wants no more of it: what waits is dropped. */
static void
reset_stream (DcSctpDec *self, guint number)
{
  g_autoptr (DcSctpShared) shared = dup_shared (self);
  DcSctpAssociation *association = shared != NULL ? dc_sctp_shared_get_association (shared) : NULL;
  g_autoptr (DcSctpStream) stream = find_stream (self, (guint16) number);

  if (association != NULL)
    dc_sctp_association_reset_stream (association, (guint16) number);
  if (stream == NULL)
    return;
  dc_sctp_stream_flush (stream, TRUE);
  dc_sctp_stream_end (stream);
}

static void
set_local_port (DcSctpDec *self, guint port)
{
  g_autoptr (DcSctpShared) shared = dup_shared (self);

  g_mutex_lock (&self->lock);
  self->local_port = port;
  g_mutex_unlock (&self->lock);
  if (shared != NULL)
    dc_sctp_shared_set_port (shared, DC_SCTP_DEC, port);
}

static void
set_automatic_id (DcSctpDec *self, gboolean automatic)
{
  static gint counter = 0;

  g_mutex_lock (&self->lock);
  if (automatic && !self->automatic_id)
    self->association_id = (guint) g_atomic_int_add (&counter, 1) % G_MAXUINT16 + 1;
  self->automatic_id = automatic;
  g_mutex_unlock (&self->lock);
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  DcSctpDec *self = DC_SCTPDEC (object);

  switch (id) {
    case PROP_ASSOCIATION_ID:
      g_mutex_lock (&self->lock);
      if (!self->automatic_id)
        self->association_id = g_value_get_uint (value);
      g_mutex_unlock (&self->lock);
      break;
    case PROP_LOCAL_PORT:
      set_local_port (self, g_value_get_uint (value));
      break;
    case PROP_AUTOMATIC_ID:
      set_automatic_id (self, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  DcSctpDec *self = DC_SCTPDEC (object);

  g_mutex_lock (&self->lock);
  switch (id) {
    case PROP_ASSOCIATION_ID:
      g_value_set_uint (value, self->association_id);
      break;
    case PROP_LOCAL_PORT:
      g_value_set_uint (value, self->local_port);
      break;
    case PROP_AUTOMATIC_ID:
      g_value_set_boolean (value, self->automatic_id);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  g_mutex_unlock (&self->lock);
}

static void
gst_dc_sctpdec_finalize (GObject *object)
{
  DcSctpDec *self = DC_SCTPDEC (object);

  g_hash_table_unref (self->streams);
  g_hash_table_unref (self->removing);
  g_cond_clear (&self->called);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (gst_dc_sctpdec_parent_class)->finalize (object);
}

static void
gst_dc_sctpdec_init (DcSctpDec *self)
{
  self->association_id = 1;
  g_mutex_init (&self->lock);
  g_cond_init (&self->called);
  self->streams = g_hash_table_new_full (NULL, NULL, NULL, gst_object_unref);
  self->removing = g_hash_table_new (NULL, NULL);
  self->sink = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sink, chain);
  gst_pad_set_chain_list_function (self->sink, chain_list);
  gst_pad_set_event_function (self->sink, sink_event);
  gst_element_add_pad (GST_ELEMENT (self), self->sink);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  g_object_class_install_property (object_class, PROP_ASSOCIATION_ID,
      g_param_spec_uint ("sctp-association-id", "SCTP association ID",
          "Number that sctpenc and sctpdec of one association have in common; to be set before PAUSED", 0, G_MAXUINT16,
          1, flags));
  g_object_class_install_property (object_class, PROP_LOCAL_PORT,
      g_param_spec_uint ("local-sctp-port", "Local SCTP port",
          "Port of this side; the association begins once it and sctpenc's remote-sctp-port are set", 0, G_MAXUINT16, 0,
          flags));
  g_object_class_install_property (object_class, PROP_AUTOMATIC_ID,
      g_param_spec_boolean ("automatic-association-id", "Automatic SCTP association ID",
          "Whether sctp-association-id is chosen here, for sctpenc to be given the same", FALSE, flags));
}

static void
gst_dc_sctpdec_class_init (DcSctpDecClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (dc_sctpdec_debug, "dcsctpdec", 0, "SCTP: messages of packets");
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = gst_dc_sctpdec_finalize;
  install_properties (object_class);
  /* Closes our direction of a stream, and removes its pad. */
  g_signal_new_class_handler ("reset-stream", DC_TYPE_SCTPDEC, G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
      G_CALLBACK (reset_stream), NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT);
  element_class->change_state = change_state;
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_set_static_metadata (element_class, "SCTP decoder", "Decoder/Network/SCTP",
      "Makes messages of many streams of packets of SCTP", "gst-datachannel");
}
