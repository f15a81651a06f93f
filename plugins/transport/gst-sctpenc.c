/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-sctpenc.c: messages become packets of SCTP; in the place of GStreamer's sctpenc.
 *
 * Theory of operation
 * -------------------
 * A request pad sink_%u is a stream: each buffer is a message, whose GstSctpSendMeta says how it is sent. Where there is no meta, the
 * caps of the pad say it (ordered, partially-reliability, reliability-parameter, ppid). Messages wait for their turn and for room
 * (gst-sctp-turns.c); packets leave by the pad src, or past it (gst-sctp-output.c). The association is shared with the sctpdec of the same
 * sctp-association-id (gst-sctp-shared.c), from PAUSED on. Streams can be had once it is up.
 *
 * A pad that is released closes its stream after its last message. The far side's ABORT, or its silence, is an element error, as those that use
 * GStreamer's element expect; and, before that, the signal that the association is no longer established.
 *
 * What concerns one stream alone (it is not one that the far side takes, a message is too long) ends that stream: its pad returns GST_FLOW_ERROR. A flush
 * of one stream is not passed on: all the others go on.
 */
#include "plugins/transport/gst-sctpenc.h"

#include <gst/sctp/sctpsendmeta.h>
#include <stdio.h>

#include "plugins/transport/gst-sctp-shared.h"
#include "plugins/transport/gst-sctp-turns.h"

GST_DEBUG_CATEGORY_STATIC (dc_sctpenc_debug);
#define GST_CAT_DEFAULT dc_sctpenc_debug

#define MAX_STREAM 65534u
#define LAST_MARK "dc-sctp-last"

enum { PROP_0, PROP_ASSOCIATION_ID, PROP_REMOTE_PORT, PROP_USE_SOCK_STREAM };
enum { SIGNAL_ESTABLISHED, SIGNAL_BYTES_SENT, N_SIGNALS };

static guint signals[N_SIGNALS];

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS ("application/x-sctp"));

/* --- the pad of a stream --- */

#define DC_TYPE_SCTPENC_PAD (gst_dc_sctpenc_pad_get_type ())
G_DECLARE_FINAL_TYPE (DcSctpEncPad, gst_dc_sctpenc_pad, DC, SCTPENC_PAD, GstPad)

struct _DcSctpEncPad {
  GstPad parent;
  DcSctpGate gate;
  gint released;       /* atomic: somebody does it */
  DcSctpSendInfo info; /* of its streaming thread: where there is no meta */
};

G_DEFINE_TYPE (DcSctpEncPad, gst_dc_sctpenc_pad, GST_TYPE_PAD)

static void
gst_dc_sctpenc_pad_init (DcSctpEncPad *pad)
{
  pad->info.ppid = 1;
}

static void
gst_dc_sctpenc_pad_finalize (GObject *object)
{
  dc_sctp_gate_clear (&DC_SCTPENC_PAD (object)->gate);
  G_OBJECT_CLASS (gst_dc_sctpenc_pad_parent_class)->finalize (object);
}

static void
gst_dc_sctpenc_pad_class_init (DcSctpEncPadClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = gst_dc_sctpenc_pad_finalize;
}

/* --- the element --- */

struct _DcSctpEnc {
  GstElement parent;
  GstPad *src;
  DcSctpTurns turns;
  DcSctpOutput output;

  GMutex lock; /* of what follows; nothing is called with it */
  GCond called;
  guint association_id, remote_port;
  gboolean use_sock_stream;
  gboolean in_webrtcbin;
  gint was_up;          /* atomic: since PAUSED */
  DcSctpShared *shared; /* (nullable): from PAUSED on */
  void (*writable) (gpointer user_data);
  gpointer writable_data;
  DcSctpCalls calls; /* of writable */
};

G_DEFINE_TYPE (DcSctpEnc, gst_dc_sctpenc, GST_TYPE_ELEMENT)

/* Of this thread: it is sending, and may be held by the pad. */
static __thread gboolean sending;

/* (nullable) (transfer full) */
static DcSctpShared *
dup_shared (DcSctpEnc *self)
{
  DcSctpShared *shared;

  g_mutex_lock (&self->lock);
  shared = self->shared != NULL ? dc_sctp_shared_ref (self->shared) : NULL;
  g_mutex_unlock (&self->lock);
  return shared;
}

static void
tell_writable (DcSctpEnc *self)
{
  void (*func) (gpointer user_data);
  gpointer user_data;
  guint epoch;

  g_mutex_lock (&self->lock);
  func = self->writable;
  user_data = self->writable_data;
  epoch = dc_sctp_calls_enter (&self->calls);
  g_mutex_unlock (&self->lock);
  if (func != NULL)
    func (user_data);
  g_mutex_lock (&self->lock);
  dc_sctp_calls_leave (&self->calls, epoch, &self->called);
  g_mutex_unlock (&self->lock);
}

/* --- the association's callbacks --- */

static void
output_cb (DcPacket *packets, guint n, gpointer user_data)
{
  DcSctpEnc *self = user_data;

  dc_sctp_output_put (&self->output, packets, n, sending && !dc_sctp_shared_is_bringing ());
}

static void
was_reset_cb (guint16 stream, gpointer user_data)
{
  DcSctpEnc *self = user_data;

  dc_sctp_turns_was_reset (&self->turns, stream);
}

static void
writable_cb (gpointer user_data)
{
  DcSctpEnc *self = user_data;
  g_autoptr (DcSctpShared) shared = dup_shared (self);

  if (shared == NULL)
    return;
  dc_sctp_turns_writable (&self->turns, dc_sctp_shared_get_lanes (shared));
  tell_writable (self);
}

static void
state_cb (DcSctpState state, gpointer user_data)
{
  DcSctpEnc *self = user_data;

  GST_DEBUG_OBJECT (self, "association: state %d", state);
  if (state == DC_SCTP_UP) {
    g_autoptr (DcSctpShared) shared = dup_shared (self);

    if (shared != NULL)
      dc_sctp_output_set_port (&self->output, dc_sctp_lanes_get_remote_port (dc_sctp_shared_get_lanes (shared)));
    g_atomic_int_set (&self->was_up, TRUE);
    g_signal_emit (self, signals[SIGNAL_ESTABLISHED], 0, TRUE);
    tell_writable (self);
  }
  if (state < DC_SCTP_SHUT)
    return;
  dc_sctp_turns_over (&self->turns);
  g_signal_emit (self, signals[SIGNAL_ESTABLISHED], 0, FALSE);
  tell_writable (self);
  if (state == DC_SCTP_ABORTED)
    GST_ELEMENT_ERROR (
        self, RESOURCE, WRITE, ("The far side has ended the SCTP association, or cannot be reached"), (NULL));
}

static const DcSctpCallbacks callbacks = {
    .output = output_cb, .was_reset = was_reset_cb, .state = state_cb, .writable = writable_cb};

/* --- messages --- */

static DcSctpReliability
reliability_of (GstSctpSendMetaPartiallyReliability reliability)
{
  switch (reliability) {
    case GST_SCTP_SEND_META_PARTIAL_RELIABILITY_RTX:
      return DC_SCTP_RETRANSMITS;
    case GST_SCTP_SEND_META_PARTIAL_RELIABILITY_TTL:
      return DC_SCTP_LIFETIME;
    case GST_SCTP_SEND_META_PARTIAL_RELIABILITY_BUF: /* of which nothing is given up */
    case GST_SCTP_SEND_META_PARTIAL_RELIABILITY_NONE:
      break;
  }
  return DC_SCTP_RELIABLE;
}

static DcSctpSendInfo
get_send_info (DcSctpEnc *self, DcSctpEncPad *pad, GstBuffer *buffer)
{
  GstSctpSendMeta *meta = gst_sctp_buffer_get_send_meta (buffer);
  DcSctpSendInfo info = pad->info;

  if (meta != NULL) {
    info.ppid = meta->ppid;
    info.unordered = !meta->ordered;
    info.reliability = reliability_of (meta->pr);
    info.limit = meta->pr_param;
  }
  info.stream = pad->gate.stream;
  info.ppid = dc_sctp_turn_ppid (self->in_webrtcbin, info.ppid);
  return info;
}

static GstFlowReturn
flow_of (DcSctpEnc *self, GstPad *pad, DcSctpLanes *lanes, DcSctpSent sent)
{
  switch (sent) {
    case DC_SCTP_SENT:
      return GST_FLOW_OK;
    case DC_SCTP_WOULD_BLOCK: /* until everything ended */
      return GST_FLOW_FLUSHING;
    case DC_SCTP_TOO_LONG:
      GST_WARNING_OBJECT (pad, "a message is too long");
      return GST_FLOW_ERROR;
    case DC_SCTP_CLOSED:
      break;
  }
  if (dc_sctp_association_get_state (dc_sctp_lanes_get_main (lanes)) > DC_SCTP_UP)
    return GST_FLOW_EOS;
  GST_WARNING_OBJECT (pad, "the far side does not take this stream");
  return GST_FLOW_ERROR;
}

static GstFlowReturn
send_buffer (DcSctpEnc *self, DcSctpEncPad *pad, DcSctpLanes *lanes, GstBuffer *buffer)
{
  DcSctpSendInfo info = get_send_info (self, pad, buffer);
  gboolean was_sending = sending, in_time;
  DcSctpSent sent;

  sending = TRUE;
  in_time = dc_sctp_turns_send (&self->turns, &pad->gate, lanes, &info, buffer, &sent);
  sending = was_sending;
  if (in_time && sent == DC_SCTP_SENT)
    dc_sctp_output_tell_taken (&self->output, info.stream, info.ppid);
  if (dc_sctp_turns_is_wanted (&self->turns))
    tell_writable (self);
  return in_time ? flow_of (self, GST_PAD (pad), lanes, sent) : GST_FLOW_FLUSHING;
}

static GstFlowReturn
chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  DcSctpEnc *self = DC_SCTPENC (parent);
  g_autoptr (DcSctpShared) shared = dup_shared (self);
  GstFlowReturn flow = dc_sctp_output_get_flow (&self->output);

  if (flow == GST_FLOW_OK && shared != NULL && dc_sctp_shared_get_lanes (shared) != NULL)
    return send_buffer (self, DC_SCTPENC_PAD (pad), dc_sctp_shared_get_lanes (shared), buffer);
  gst_buffer_unref (buffer);
  return flow != GST_FLOW_OK ? flow : GST_FLOW_FLUSHING;
}

/* --- the pad of a stream: events --- */

static void
take_caps (DcSctpEncPad *pad, const GstCaps *caps)
{
  const GstStructure *structure = gst_caps_get_size (caps) > 0 ? gst_caps_get_structure (caps, 0) : NULL;
  const char *reliability;
  gboolean ordered = TRUE;

  if (structure == NULL)
    return;
  gst_structure_get_boolean (structure, "ordered", &ordered);
  pad->info.unordered = !ordered;
  pad->info.limit = 0;
  gst_structure_get_uint (structure, "reliability-parameter", &pad->info.limit);
  gst_structure_get_uint (structure, "ppid", &pad->info.ppid);
  reliability = gst_structure_get_string (structure, "partially-reliability");
  pad->info.reliability = g_strcmp0 (reliability, "rtx") == 0   ? DC_SCTP_RETRANSMITS
                          : g_strcmp0 (reliability, "ttl") == 0 ? DC_SCTP_LIFETIME
                                                                : DC_SCTP_RELIABLE;
}

static gboolean
sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  DcSctpEnc *self = DC_SCTPENC (parent);
  DcSctpEncPad *stream = DC_SCTPENC_PAD (pad);
  GstCaps *caps;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      take_caps (stream, caps);
      break;
    case GST_EVENT_FLUSH_START:
      dc_sctp_turns_flush (&self->turns, &stream->gate, TRUE);
      break;
    case GST_EVENT_FLUSH_STOP:
      dc_sctp_turns_flush (&self->turns, &stream->gate, FALSE);
      break;
    case GST_EVENT_STREAM_START:
    case GST_EVENT_SEGMENT:
    case GST_EVENT_EOS: /* there may be other streams, now or later */
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM:
      if (!gst_event_has_name (event, LAST_MARK))
        return gst_pad_event_default (pad, parent, event);
      dc_sctp_turns_drained (&self->turns, &stream->gate);
      break;
    default:
      return gst_pad_event_default (pad, parent, event);
  }
  gst_event_unref (event);
  return TRUE;
}

static gboolean
flush_stream (GstElement *element, GstPad *pad, gpointer flushing)
{
  dc_sctp_turns_flush (&DC_SCTPENC (element)->turns, &DC_SCTPENC_PAD (pad)->gate, flushing != NULL);
  return TRUE;
}

static gboolean
src_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  DcSctpEnc *self = DC_SCTPENC (parent);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_FLUSH_START:
      dc_sctp_output_flush (&self->output, TRUE);
      gst_element_foreach_sink_pad (GST_ELEMENT (self), flush_stream, self);
      break;
    case GST_EVENT_FLUSH_STOP:
      gst_element_foreach_sink_pad (GST_ELEMENT (self), flush_stream, NULL);
      dc_sctp_output_flush (&self->output, FALSE);
      break;
    case GST_EVENT_RECONFIGURE:
      dc_sctp_output_flush (&self->output, FALSE);
      break;
    default:
      break;
  }
  return gst_pad_event_default (pad, parent, event);
}

/* --- the pad of a stream: life --- */

static GstPad *
request_new_pad (GstElement *element, GstPadTemplate *template, const char *name, const GstCaps *caps)
{
  DcSctpEnc *self = DC_SCTPENC (element);
  g_autoptr (GstPad) there = NULL;
  DcSctpEncPad *pad;
  guint stream;

  /* Who asks may not have heard yet that it is up no more: it will learn that by sending. */
  if (!g_atomic_int_get (&self->was_up) || name == NULL || sscanf (name, "sink_%u", &stream) != 1 || stream > MAX_STREAM
      || (there = gst_element_get_static_pad (element, name)) != NULL) {
    GST_ERROR_OBJECT (self, "no pad %s: the association was not up yet, or the name is taken or no stream's", name);
    return NULL;
  }
  pad = g_object_new (DC_TYPE_SCTPENC_PAD, "name", name, "direction", GST_PAD_SINK, "template", template, NULL);
  dc_sctp_gate_init (&pad->gate, (guint16) stream);
  gst_pad_set_chain_function (GST_PAD (pad), chain);
  gst_pad_set_event_function (GST_PAD (pad), sink_event);
  if (caps != NULL)
    take_caps (pad, caps);
  gst_pad_set_active (GST_PAD (pad), TRUE);
  return gst_element_add_pad (element, GST_PAD (pad)) ? GST_PAD (pad) : NULL;
}

/* Whether the thread of what is upstream comes round to what we put in its queue. */
static gboolean
is_streaming (GstPad *peer)
{
  g_autoptr (GstPad) source = GST_IS_GHOST_PAD (peer) ? gst_ghost_pad_get_target (GST_GHOST_PAD (peer)) : NULL;
  gboolean streaming;

  if (source == NULL)
    return FALSE;
  GST_OBJECT_LOCK (source);
  streaming = GST_PAD_TASK (source) != NULL && gst_task_get_state (GST_PAD_TASK (source)) == GST_TASK_STARTED;
  GST_OBJECT_UNLOCK (source);
  return streaming;
}

/* webrtcbin 1.22 counts a message as sent when it leaves its appsrc, in a bin of its own, and closes the channel then, which takes the way from under the message.
 * So it is waited for, by a mark behind it: appsrc queues events as it does messages. */
static void
wait_for_last (DcSctpEnc *self, DcSctpEncPad *pad)
{
  g_autoptr (GstPad) peer = gst_pad_get_peer (GST_PAD (pad));
  g_autoptr (GstElement) upstream = peer != NULL ? gst_pad_get_parent_element (peer) : NULL;

  if (!self->in_webrtcbin || upstream == NULL || !GST_IS_BIN (upstream) || !is_streaming (peer))
    return;
  dc_sctp_turns_begin_close (&self->turns, &pad->gate);
  if (gst_element_send_event (
          upstream, gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty (LAST_MARK))))
    dc_sctp_turns_wait_drained (&self->turns, &pad->gate);
}

static void
release_pad (GstElement *element, GstPad *pad)
{
  DcSctpEnc *self = DC_SCTPENC (element);
  g_autoptr (DcSctpShared) shared = dup_shared (self);
  DcSctpLanes *lanes = shared != NULL ? dc_sctp_shared_get_lanes (shared) : NULL;

  /* webrtcbin's thread may come while we stop. */
  if (!g_atomic_int_compare_and_exchange (&DC_SCTPENC_PAD (pad)->released, FALSE, TRUE))
    return;
  wait_for_last (self, DC_SCTPENC_PAD (pad));
  dc_sctp_turns_close (&self->turns, &DC_SCTPENC_PAD (pad)->gate, lanes);
  gst_pad_set_active (pad, FALSE);
  gst_element_remove_pad (element, pad);
}

/* --- states --- */

static void
join (DcSctpEnc *self)
{
  gboolean in_webrtcbin = dc_sctp_is_in_webrtcbin (GST_ELEMENT (self));
  g_autoptr (DcSctpShared) shared = NULL;
  guint id, port;

  g_mutex_lock (&self->lock);
  self->in_webrtcbin = in_webrtcbin;
  id = self->association_id;
  port = self->remote_port;
  g_mutex_unlock (&self->lock);
  shared = dc_sctp_shared_join (GST_ELEMENT (self), DC_SCTP_ENC, id, port, &callbacks);
  g_mutex_lock (&self->lock);
  self->shared = dc_sctp_shared_ref (shared);
  g_mutex_unlock (&self->lock);
  g_atomic_int_set (&self->was_up, FALSE);
  dc_sctp_turns_begin (&self->turns);
  dc_sctp_shared_begin (shared, DC_SCTP_ENC);
}

/* Nobody waits to send any more, and the far side is told. */
static void
leave (DcSctpEnc *self)
{
  DcSctpShared *shared;

  dc_sctp_turns_stop (&self->turns);
  g_mutex_lock (&self->lock);
  shared = g_steal_pointer (&self->shared);
  g_mutex_unlock (&self->lock);
  if (shared != NULL)
    dc_sctp_shared_leave (shared, DC_SCTP_ENC);
  g_clear_pointer (&shared, dc_sctp_shared_unref);
  dc_sctp_output_end (&self->output);
}

static GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition)
{
  DcSctpEnc *self = DC_SCTPENC (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    dc_sctp_output_begin (&self->output);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    leave (self);
  result = GST_ELEMENT_CLASS (gst_dc_sctpenc_parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    if (result == GST_STATE_CHANGE_FAILURE) {
      dc_sctp_output_end (&self->output);
    } else {
      gst_pad_start_task (self->src, dc_sctp_output_task, &self->output, NULL);
      join (self);
    }
  }
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    gst_pad_stop_task (self->src);
  return result;
}

/* --- what is not for pads --- */

/* (nullable) (transfer full) */
static DcSctpEncPad *
find_pad (DcSctpEnc *self, guint stream)
{
  g_autofree char *name = g_strdup_printf ("sink_%u", stream);
  GstPad *pad = gst_element_get_static_pad (GST_ELEMENT (self), name);

  return pad != NULL ? DC_SCTPENC_PAD (pad) : NULL;
}

static DcSctpSent
send_now (DcSctpLanes *lanes, const DcSctpSendInfo *info, gconstpointer data, gsize size)
{
  static const guint8 zero = 0;
  gboolean was_sending = sending;
  DcSctpSendInfo filled = *info;
  DcSctpSent sent;

  filled.ppid = dc_sctp_ppid_for (info->ppid, size);
  sending = TRUE;
  sent = dc_sctp_lanes_send (lanes, &filled, size > 0 ? data : &zero, MAX (size, 1));
  sending = was_sending;
  return sent;
}

DcSctpSent
gst_dc_sctpenc_send (DcSctpEnc *self, const DcSctpSendInfo *info, gconstpointer data, gsize size)
{
  g_autoptr (DcSctpShared) shared = dup_shared (self);
  DcSctpLanes *lanes = shared != NULL ? dc_sctp_shared_get_lanes (shared) : NULL;

  if (shared == NULL || dc_sctp_output_get_flow (&self->output) != GST_FLOW_OK)
    return DC_SCTP_CLOSED;
  if (lanes == NULL || dc_sctp_turns_has (&self->turns, info->stream))
    return DC_SCTP_WOULD_BLOCK;
  return send_now (lanes, info, data, size);
}

void
gst_dc_sctpenc_set_writable (DcSctpEnc *self, void (*func) (gpointer user_data), gpointer user_data)
{
  g_mutex_lock (&self->lock);
  self->writable = func;
  self->writable_data = user_data;
  dc_sctp_calls_change (&self->calls, &self->called, &self->lock);
  g_mutex_unlock (&self->lock);
}

void
gst_dc_sctpenc_allow_lanes (DcSctpEnc *self, guint n)
{
  g_autoptr (DcSctpShared) shared = dup_shared (self);

  if (shared != NULL && dc_sctp_shared_get_lanes (shared) != NULL)
    dc_sctp_lanes_allow (dc_sctp_shared_get_lanes (shared), n);
}

void
gst_dc_sctpenc_stripe (DcSctpEnc *self, guint16 stream, guint n, gboolean fixed)
{
  g_autoptr (DcSctpShared) shared = dup_shared (self);

  if (shared != NULL && dc_sctp_shared_get_lanes (shared) != NULL)
    dc_sctp_lanes_stripe (dc_sctp_shared_get_lanes (shared), stream, n, fixed);
}

guint
gst_dc_sctpenc_get_n_lanes (DcSctpEnc *self)
{
  g_autoptr (DcSctpShared) shared = dup_shared (self);

  return shared != NULL && dc_sctp_shared_get_lanes (shared) != NULL
             ? dc_sctp_lanes_get_n (dc_sctp_shared_get_lanes (shared))
             : 1;
}

void
gst_dc_sctpenc_divert (DcSctpEnc *self, DcSctpDivertFunc func, gpointer user_data)
{
  dc_sctp_output_divert (&self->output, func, user_data);
}

void
gst_dc_sctpenc_set_taps (DcSctpEnc *self, const DcSctpOutTaps *taps, gpointer user_data)
{
  dc_sctp_output_set_taps (&self->output, taps, user_data);
}

/* --- the class --- */

static guint64
get_bytes_sent (DcSctpEnc *self, guint stream)
{
  g_autoptr (DcSctpEncPad) pad = find_pad (self, stream);

  return pad != NULL ? dc_sctp_turns_get_bytes_sent (&self->turns, &pad->gate) : 0;
}

static void
set_remote_port (DcSctpEnc *self, guint port)
{
  g_autoptr (DcSctpShared) shared = dup_shared (self);

  g_mutex_lock (&self->lock);
  self->remote_port = port;
  g_mutex_unlock (&self->lock);
  if (shared != NULL)
    dc_sctp_shared_set_port (shared, DC_SCTP_ENC, port);
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  DcSctpEnc *self = DC_SCTPENC (object);

  switch (id) {
    case PROP_ASSOCIATION_ID:
      g_mutex_lock (&self->lock);
      self->association_id = g_value_get_uint (value);
      g_mutex_unlock (&self->lock);
      break;
    case PROP_REMOTE_PORT:
      set_remote_port (self, g_value_get_uint (value));
      break;
    case PROP_USE_SOCK_STREAM:
      g_mutex_lock (&self->lock);
      self->use_sock_stream = g_value_get_boolean (value);
      g_mutex_unlock (&self->lock);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  DcSctpEnc *self = DC_SCTPENC (object);

  g_mutex_lock (&self->lock);
  switch (id) {
    case PROP_ASSOCIATION_ID:
      g_value_set_uint (value, self->association_id);
      break;
    case PROP_REMOTE_PORT:
      g_value_set_uint (value, self->remote_port);
      break;
    case PROP_USE_SOCK_STREAM:
      g_value_set_boolean (value, self->use_sock_stream);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  g_mutex_unlock (&self->lock);
}

static void
gst_dc_sctpenc_finalize (GObject *object)
{
  DcSctpEnc *self = DC_SCTPENC (object);

  dc_sctp_output_clear (&self->output);
  dc_sctp_turns_clear (&self->turns);
  g_cond_clear (&self->called);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (gst_dc_sctpenc_parent_class)->finalize (object);
}

static void
gst_dc_sctpenc_init (DcSctpEnc *self)
{
  self->association_id = 1;
  g_mutex_init (&self->lock);
  g_cond_init (&self->called);
  dc_sctp_turns_init (&self->turns);
  self->src = gst_pad_new_from_static_template (&src_template, "src");
  dc_sctp_output_init (&self->output, self->src);
  gst_pad_set_event_function (self->src, src_event);
  gst_element_add_pad (GST_ELEMENT (self), self->src);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  g_object_class_install_property (object_class, PROP_ASSOCIATION_ID,
      g_param_spec_uint ("sctp-association-id", "SCTP association ID",
          "Number that sctpenc and sctpdec of one association have in common; to be set before PAUSED", 0, G_MAXUINT, 1,
          flags));
  g_object_class_install_property (object_class, PROP_REMOTE_PORT,
      g_param_spec_uint ("remote-sctp-port", "Remote SCTP port",
          "Port of the far side; the association begins once it and sctpdec's local-sctp-port are set", 0, G_MAXUINT16,
          0, flags));
  g_object_class_install_property (object_class, PROP_USE_SOCK_STREAM,
      g_param_spec_boolean ("use-sock-stream", "Use sock-stream",
          "Changes nothing: each association has a socket of its own, and streams are partially reliable if they want "
          "to",
          FALSE, flags));
}

static void
gst_dc_sctpenc_class_init (DcSctpEncClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (dc_sctpenc_debug, "dcsctpenc", 0, "SCTP: packets of messages");
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = gst_dc_sctpenc_finalize;
  install_properties (object_class);
  /* The association is up (TRUE), or is no longer (FALSE). Any thread. */
  signals[SIGNAL_ESTABLISHED] = g_signal_new ("sctp-association-established", DC_TYPE_SCTPENC, G_SIGNAL_RUN_LAST, 0,
      NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_BOOLEAN);
  /* How many bytes of messages SCTP has taken of a stream. */
  signals[SIGNAL_BYTES_SENT] =
      g_signal_new_class_handler ("bytes-sent", DC_TYPE_SCTPENC, G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
          G_CALLBACK (get_bytes_sent), NULL, NULL, NULL, G_TYPE_UINT64, 1, G_TYPE_UINT);
  element_class->change_state = change_state;
  element_class->request_new_pad = request_new_pad;
  element_class->release_pad = release_pad;
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_set_static_metadata (element_class, "SCTP encoder", "Encoder/Network/SCTP",
      "Makes packets of SCTP of messages of many streams", "gst-datachannel");
}
