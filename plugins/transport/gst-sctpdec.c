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
#include "plugins/transport/gst-sctpdec-private.h"

#include "plugins/transport/dc-closed-channels.h"
#include "plugins/transport/gst-sctp-stream.h"

GST_DEBUG_CATEGORY_STATIC (gst_dc_sctpdec_debug);
#define GST_CAT_DEFAULT gst_dc_sctpdec_debug

enum { PROP_0, PROP_ASSOCIATION_ID, PROP_LOCAL_PORT, PROP_AUTOMATIC_ID };

static guint stream_ended;

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS ("application/x-sctp"));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS_ANY);

G_DEFINE_TYPE (GstDcSctpDec, gst_dc_sctp_dec, GST_TYPE_ELEMENT)

GstDcSctpShared *
gst_dc_sctpdec_dup_shared (GstDcSctpDec *self)
{
  return gst_dc_sctp_shared_dup (&self->shared, &self->lock);
}

void
gst_dc_sctpdec_tell_ended (GstDcSctpDec *self, guint stream)
{
  g_signal_emit (self, stream_ended, 0, stream);
}

/* --- packets --- */

/* @shared: (nullable). Before there is one, what comes is dropped: the far side will repeat it. */
static gboolean
has_association (GstDcSctpShared *shared)
{
  return shared != NULL && gst_dc_sctp_shared_get_association (shared) != NULL;
}

/* SCTP is given what has passed the tap. */
static void
settle (GstDcSctpShared *shared, GstDcSctpDecRun *run)
{
  guint n = run != NULL ? run->n : 0;

  if (n == 0)
    return;
  run->n = 0;
  dc_sctp_lanes_input (gst_dc_sctp_shared_get_lanes (shared), run->packets, n);
}

static void
pass_tap (GstDcSctpDec *self, GstDcSctpShared *shared, GstDcSctpInTap tap, gpointer tap_data, const DcPacket *packets,
    guint n)
{
  GstDcSctpDecRun *outer = self->run, run = {.n = 0};

  settle (shared, outer);
  self->run = &run;
  for (guint i = 0; i < n; i++) {
    if (dc_sctp_lanes_is_aside (gst_dc_sctp_shared_get_lanes (shared), &packets[i])
        || tap (packets[i].data, packets[i].size, tap_data))
      run.packets[run.n++] = packets[i];
    if (run.n == DC_PACKETS_MAX)
      settle (shared, &run);
  }
  settle (shared, &run);
  self->run = outer;
}

static void
follow_room (GstDcSctpDec *self, DcSctpAssociation *association)
{
  gint room = g_atomic_int_get (&self->socket_room);

  if (room == self->room_in_use)
    return;
  self->room_in_use = room;
  dc_sctp_association_set_socket_room (association, (guint32) room);
}

/* With the sink pad's stream lock, and an association. */
static void
input (GstDcSctpDec *self, GstDcSctpShared *shared, const DcPacket *packets, guint n)
{
  gpointer tap_data;
  GstDcSctpInTap tap;
  guint epoch;

  g_mutex_lock (&self->lock);
  tap = self->tap;
  tap_data = self->tap_data;
  epoch = gst_dc_calls_enter (&self->calls);
  g_mutex_unlock (&self->lock);
  follow_room (self, gst_dc_sctp_shared_get_association (shared));
  if (tap != NULL)
    pass_tap (self, shared, tap, tap_data, packets, n);
  else
    dc_sctp_lanes_input (gst_dc_sctp_shared_get_lanes (shared), packets, n);
  g_mutex_lock (&self->lock);
  gst_dc_calls_leave (&self->calls, epoch, &self->called);
  g_mutex_unlock (&self->lock);
}

void
gst_dc_sctpdec_input (GstDcSctpDec *self, const DcPacket *packets, guint n)
{
  g_autoptr (GstDcSctpShared) shared = gst_dc_sctpdec_dup_shared (self);

  if (!has_association (shared))
    return;
  GST_PAD_STREAM_LOCK (self->sink);
  if (!GST_PAD_IS_FLUSHING (self->sink))
    input (self, shared, packets, n);
  GST_PAD_STREAM_UNLOCK (self->sink);
}

void
gst_dc_sctpdec_set_socket_room (GstDcSctpDec *self, guint bytes)
{
  g_atomic_int_set (&self->socket_room, (gint) MIN (bytes, G_MAXINT));
}

void
gst_dc_sctpdec_set_max_message_size (GstDcSctpDec *self, guint bytes)
{
  g_atomic_int_set (&self->max_message_size, (gint) MIN (bytes, G_MAXINT / 4));
}

gboolean
gst_dc_sctpdec_got_too_long (GstDcSctpDec *self)
{
  g_autoptr (GstDcSctpShared) shared = gst_dc_sctpdec_dup_shared (self);
  DcSctpLanes *lanes = shared != NULL ? gst_dc_sctp_shared_get_lanes (shared) : NULL;

  return lanes != NULL && dc_sctp_lanes_got_too_long (lanes);
}

/* --- the sink pad --- */

static GstFlowReturn
chain_some (GstDcSctpDec *self, GstDcSctpShared *shared, GstBuffer *const *buffers, guint n)
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
  GstDcSctpDec *self = GST_DC_SCTP_DEC (parent);
  g_autoptr (GstDcSctpShared) shared = gst_dc_sctpdec_dup_shared (self);
  GstFlowReturn flow = shared != NULL ? GST_FLOW_OK : GST_FLOW_FLUSHING;

  if (has_association (shared))
    flow = chain_some (self, shared, &packet, 1);
  gst_buffer_unref (packet);
  return flow;
}

static GstFlowReturn
chain_list (GstPad *pad, GstObject *parent, GstBufferList *list)
{
  GstDcSctpDec *self = GST_DC_SCTP_DEC (parent);
  g_autoptr (GstDcSctpShared) shared = gst_dc_sctpdec_dup_shared (self);
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
  gst_dc_sctp_stream_flush (GST_DC_SCTP_STREAM (pad), flushing != NULL);
  return TRUE;
}

static gboolean
give_segment (GstElement *element, GstPad *pad, gpointer event)
{
  g_autoptr (GstEvent) there = gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);

  if (there == NULL)
    gst_pad_push_event (pad, gst_event_ref (event));
  return TRUE;
}

/* A stream has a segment from its beginning. Where packets come past the pad, the pad's own may come when streams are in use; another thread than a stream's, that pushes
 * an event on its pad, lets a message of that thread slip in between the events that go before it. So only who was flushed is given it. */
static gboolean
sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
    case GST_EVENT_CAPS:
    case GST_EVENT_EOS: /* streams end when the association says so */
      gst_event_unref (event);
      return TRUE;
    case GST_EVENT_SEGMENT:
      gst_element_foreach_src_pad (GST_ELEMENT (parent), give_segment, event);
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
join (GstDcSctpDec *self)
{
  gboolean in_webrtcbin = gst_dc_sctp_is_in_webrtcbin (GST_ELEMENT (self));
  g_autoptr (GstDcSctpShared) shared = NULL;
  guint id, port;

  if (in_webrtcbin)
    dc_closed_channels_watch (GST_ELEMENT (GST_OBJECT_PARENT (self)));
  g_mutex_lock (&self->lock);
  self->in_webrtcbin = in_webrtcbin;
  id = self->association_id;
  port = self->local_port;
  g_mutex_unlock (&self->lock);
  shared =
      gst_dc_sctp_shared_join (GST_ELEMENT (self), GST_DC_SCTP_ROLE_DEC, id, port, gst_dc_sctpdec_get_callbacks ());
  gst_dc_sctp_shared_set_max_message_size (shared, (guint) g_atomic_int_get (&self->max_message_size));
  g_mutex_lock (&self->lock);
  self->shared = gst_dc_sctp_shared_ref (shared);
  self->paused = self->retrying = FALSE;
  self->room_in_use = 0; /* the association is another */
  g_mutex_unlock (&self->lock);
  gst_dc_sctp_shared_begin (shared, GST_DC_SCTP_ROLE_DEC);
}

static void
leave (GstDcSctpDec *self)
{
  GstDcSctpShared *shared;
  GBytes *held;

  g_mutex_lock (&self->lock);
  shared = g_steal_pointer (&self->shared);
  held = g_steal_pointer (&self->held.bytes);
  g_mutex_unlock (&self->lock);
  g_clear_pointer (&held, g_bytes_unref);
  if (shared != NULL)
    gst_dc_sctp_shared_leave (shared, GST_DC_SCTP_ROLE_DEC);
  g_clear_pointer (&shared, gst_dc_sctp_shared_unref);
}

static GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition)
{
  GstDcSctpDec *self = GST_DC_SCTP_DEC (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    join (self);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    leave (self);
  result = GST_ELEMENT_CLASS (gst_dc_sctp_dec_parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && result == GST_STATE_CHANGE_FAILURE)
    leave (self);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    gst_dc_sctpdec_remove_all (self);
  return result;
}

/* --- what is not for pads --- */

void
gst_dc_sctpdec_set_hook (GstDcSctpDec *self, GstDcSctpHookFunc func, gpointer user_data)
{
  g_mutex_lock (&self->lock);
  self->hook = func;
  self->hook_data = user_data;
  gst_dc_calls_change (&self->calls, &self->called, &self->lock);
  g_mutex_unlock (&self->lock);
}

void
gst_dc_sctpdec_set_tap (GstDcSctpDec *self, GstDcSctpInTap func, gpointer user_data)
{
  g_mutex_lock (&self->lock);
  self->tap = func;
  self->tap_data = user_data;
  gst_dc_calls_change (&self->calls, &self->called, &self->lock);
  g_mutex_unlock (&self->lock);
}

/* --- the class --- */

static void
set_local_port (GstDcSctpDec *self, guint port)
{
  g_autoptr (GstDcSctpShared) shared = gst_dc_sctpdec_dup_shared (self);

  g_mutex_lock (&self->lock);
  self->local_port = port;
  g_mutex_unlock (&self->lock);
  if (shared != NULL)
    gst_dc_sctp_shared_set_port (shared, GST_DC_SCTP_ROLE_DEC, port);
}

static void
set_automatic_id (GstDcSctpDec *self, gboolean automatic)
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
  GstDcSctpDec *self = GST_DC_SCTP_DEC (object);

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
  GstDcSctpDec *self = GST_DC_SCTP_DEC (object);

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
gst_dc_sctp_dec_finalize (GObject *object)
{
  GstDcSctpDec *self = GST_DC_SCTP_DEC (object);

  g_hash_table_unref (self->streams);
  g_cond_clear (&self->called);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (gst_dc_sctp_dec_parent_class)->finalize (object);
}

static void
gst_dc_sctp_dec_init (GstDcSctpDec *self)
{
  self->association_id = 1;
  g_mutex_init (&self->lock);
  g_cond_init (&self->called);
  self->streams = g_hash_table_new_full (NULL, NULL, NULL, gst_object_unref);
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
gst_dc_sctp_dec_class_init (GstDcSctpDecClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (gst_dc_sctpdec_debug, "dcsctpdec", 0, "SCTP: messages of packets");
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = gst_dc_sctp_dec_finalize;
  install_properties (object_class);
  /* Closes our direction of a stream, and removes its pad. */
  g_signal_new_class_handler ("reset-stream", GST_TYPE_DC_SCTP_DEC, G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
      G_CALLBACK (gst_dc_sctpdec_reset_stream), NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT);
  /* A stream has pushed all that it had, and its pad is about to be removed: nobody has heard of that yet. */
  stream_ended = g_signal_new (
      "stream-ended", GST_TYPE_DC_SCTP_DEC, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT);
  element_class->change_state = change_state;
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_set_static_metadata (element_class, "SCTP decoder", "Decoder/Network/SCTP",
      "Makes messages of many streams of packets of SCTP", "gst-datachannel developers");
}
