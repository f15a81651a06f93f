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
#include "plugins/transport/dc-ppid.h"
#include "plugins/transport/gst-sctpenc-private.h"

GST_DEBUG_CATEGORY_STATIC (gst_dc_sctpenc_debug);
#define GST_CAT_DEFAULT gst_dc_sctpenc_debug

enum { PROP_0, PROP_ASSOCIATION_ID, PROP_REMOTE_PORT, PROP_USE_SOCK_STREAM };
enum { SIGNAL_ESTABLISHED, SIGNAL_BYTES_SENT, N_SIGNALS };

static guint signals[N_SIGNALS];

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS ("application/x-sctp"));

G_DEFINE_TYPE (GstDcSctpEnc, gst_dc_sctp_enc, GST_TYPE_ELEMENT)

/* --- the association's callbacks --- */

static void
output_cb (DcPacket *packets, guint n, gpointer user_data)
{
  GstDcSctpEnc *self = user_data;

  gst_dc_sctp_output_put (&self->output, packets, n);
}

static void
was_reset_cb (guint16 stream, gpointer user_data)
{
  GstDcSctpEnc *self = user_data;

  gst_dc_sctp_turns_was_reset (&self->turns, stream);
}

static void
writable_cb (gpointer user_data)
{
  GstDcSctpEnc *self = user_data;
  g_autoptr (GstDcSctpShared) shared = gst_dc_sctpenc_dup_shared (self);

  if (shared == NULL)
    return;
  gst_dc_sctp_turns_writable (&self->turns, gst_dc_sctp_shared_get_lanes (shared));
  gst_dc_sctpenc_tell_writable (self);
}

static void
state_cb (DcSctpState state, gpointer user_data)
{
  GstDcSctpEnc *self = user_data;

  GST_DEBUG_OBJECT (self, "association: state %d", state);
  if (state == DC_SCTP_UP) {
    g_autoptr (GstDcSctpShared) shared = gst_dc_sctpenc_dup_shared (self);

    if (shared != NULL)
      gst_dc_sctp_output_set_port (
          &self->output, dc_sctp_lanes_get_remote_port (gst_dc_sctp_shared_get_lanes (shared)));
    g_atomic_int_set (&self->was_up, TRUE);
    g_signal_emit (self, signals[SIGNAL_ESTABLISHED], 0, TRUE);
    gst_dc_sctpenc_tell_writable (self);
  }
  if (state < DC_SCTP_SHUT)
    return;
  gst_dc_sctp_turns_over (&self->turns);
  g_signal_emit (self, signals[SIGNAL_ESTABLISHED], 0, FALSE);
  gst_dc_sctpenc_tell_writable (self);
  if (state == DC_SCTP_ABORTED)
    GST_ELEMENT_ERROR (
        self, RESOURCE, WRITE, ("The far side has ended the SCTP association, or cannot be reached."), (NULL));
}

static void
spread_cb (guint lanes, gpointer user_data)
{
  GstDcSctpEnc *self = user_data;
  void (*func) (guint lanes, gpointer user_data);
  gpointer func_data;
  guint epoch;

  g_mutex_lock (&self->lock);
  func = self->spread;
  func_data = self->spread_data;
  epoch = gst_dc_calls_enter (&self->calls);
  g_mutex_unlock (&self->lock);
  if (func != NULL)
    func (lanes, func_data);
  g_mutex_lock (&self->lock);
  gst_dc_calls_leave (&self->calls, epoch, &self->called);
  g_mutex_unlock (&self->lock);
}

static const DcSctpCallbacks callbacks = {
    .output = output_cb, .was_reset = was_reset_cb, .state = state_cb, .writable = writable_cb, .spread = spread_cb};

/* --- the source pad --- */

static gboolean
src_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstDcSctpEnc *self = GST_DC_SCTP_ENC (parent);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_FLUSH_START:
      gst_dc_sctp_output_flush (&self->output, TRUE);
      gst_dc_sctpenc_flush_pads (self, TRUE);
      break;
    case GST_EVENT_FLUSH_STOP:
      gst_dc_sctpenc_flush_pads (self, FALSE);
      gst_dc_sctp_output_flush (&self->output, FALSE);
      break;
    case GST_EVENT_RECONFIGURE:
      gst_dc_sctp_output_flush (&self->output, FALSE);
      break;
    default:
      break;
  }
  return gst_pad_event_default (pad, parent, event);
}

/* --- states --- */

static void
join (GstDcSctpEnc *self)
{
  gboolean in_webrtcbin = gst_dc_sctp_is_in_webrtcbin (GST_ELEMENT (self));
  g_autoptr (GstDcSctpShared) shared = NULL;
  guint id, port;

  g_mutex_lock (&self->lock);
  self->in_webrtcbin = in_webrtcbin;
  id = self->association_id;
  port = self->remote_port;
  g_mutex_unlock (&self->lock);
  shared = gst_dc_sctp_shared_join (GST_ELEMENT (self), GST_DC_SCTP_ROLE_ENC, id, port, &callbacks);
  g_mutex_lock (&self->lock);
  self->shared = gst_dc_sctp_shared_ref (shared);
  g_mutex_unlock (&self->lock);
  g_atomic_int_set (&self->was_up, FALSE);
  gst_dc_sctp_turns_begin (&self->turns);
  gst_dc_sctp_shared_begin (shared, GST_DC_SCTP_ROLE_ENC);
}

/* Nobody waits to send any more, and the far side is told. */
static void
leave (GstDcSctpEnc *self)
{
  GstDcSctpShared *shared;

  gst_dc_sctp_turns_stop (&self->turns);
  g_mutex_lock (&self->lock);
  shared = g_steal_pointer (&self->shared);
  g_mutex_unlock (&self->lock);
  if (shared != NULL)
    gst_dc_sctp_shared_leave (shared, GST_DC_SCTP_ROLE_ENC);
  g_clear_pointer (&shared, gst_dc_sctp_shared_unref);
  gst_dc_sctp_output_end (&self->output);
}

static GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition)
{
  GstDcSctpEnc *self = GST_DC_SCTP_ENC (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    gst_dc_sctp_output_begin (&self->output);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    leave (self);
  result = GST_ELEMENT_CLASS (gst_dc_sctp_enc_parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    if (result == GST_STATE_CHANGE_FAILURE) {
      gst_dc_sctp_output_end (&self->output);
    } else {
      gst_pad_start_task (self->src, gst_dc_sctp_output_task, &self->output, NULL);
      join (self);
    }
  }
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    gst_pad_stop_task (self->src);
  return result;
}

/* --- what is not for pads --- */

DcSctpSent
gst_dc_sctpenc_send (GstDcSctpEnc *self, const DcSctpSendInfo *info, gconstpointer data, gsize size)
{
  g_autoptr (GstDcSctpShared) shared = gst_dc_sctpenc_dup_shared (self);
  DcSctpLanes *lanes = shared != NULL ? gst_dc_sctp_shared_get_lanes (shared) : NULL;
  static const guint8 zero = 0;
  DcSctpSendInfo filled = *info;

  if (shared == NULL || gst_dc_sctp_output_get_flow (&self->output) != GST_FLOW_OK)
    return DC_SCTP_CLOSED;
  if (lanes == NULL || gst_dc_sctp_turns_has (&self->turns, info->stream))
    return DC_SCTP_WOULD_BLOCK;
  filled.ppid = dc_ppid_for_size (info->ppid, size);
  return dc_sctp_lanes_send (lanes, &filled, size > 0 ? data : &zero, MAX (size, 1));
}

void
gst_dc_sctpenc_set_writable (GstDcSctpEnc *self, void (*func) (gpointer user_data), gpointer user_data)
{
  g_mutex_lock (&self->lock);
  self->writable = func;
  self->writable_data = user_data;
  gst_dc_calls_change (&self->calls, &self->called, &self->lock);
  g_mutex_unlock (&self->lock);
}

void
gst_dc_sctpenc_set_spread (GstDcSctpEnc *self, void (*func) (guint lanes, gpointer user_data), gpointer user_data)
{
  g_mutex_lock (&self->lock);
  self->spread = func;
  self->spread_data = user_data;
  gst_dc_calls_change (&self->calls, &self->called, &self->lock);
  g_mutex_unlock (&self->lock);
}

void
gst_dc_sctpenc_allow_lanes (GstDcSctpEnc *self, guint n)
{
  g_autoptr (GstDcSctpShared) shared = gst_dc_sctpenc_dup_shared (self);

  if (shared != NULL && gst_dc_sctp_shared_get_lanes (shared) != NULL)
    dc_sctp_lanes_allow (gst_dc_sctp_shared_get_lanes (shared), n);
}

void
gst_dc_sctpenc_stripe (GstDcSctpEnc *self, guint16 stream, guint n, gboolean fixed)
{
  g_autoptr (GstDcSctpShared) shared = gst_dc_sctpenc_dup_shared (self);

  if (shared != NULL && gst_dc_sctp_shared_get_lanes (shared) != NULL)
    dc_sctp_lanes_stripe (gst_dc_sctp_shared_get_lanes (shared), stream, n, fixed);
}

guint
gst_dc_sctpenc_get_n_lanes (GstDcSctpEnc *self)
{
  g_autoptr (GstDcSctpShared) shared = gst_dc_sctpenc_dup_shared (self);

  return shared != NULL && gst_dc_sctp_shared_get_lanes (shared) != NULL
             ? dc_sctp_lanes_get_n (gst_dc_sctp_shared_get_lanes (shared))
             : 1;
}

void
gst_dc_sctpenc_divert (GstDcSctpEnc *self, DcPacketFunc func, gpointer user_data)
{
  gst_dc_sctp_output_divert (&self->output, func, user_data);
}

void
gst_dc_sctpenc_set_taps (GstDcSctpEnc *self, const GstDcSctpOutTaps *taps, gpointer user_data)
{
  gst_dc_sctp_output_set_taps (&self->output, taps, user_data);
}

/* --- the class --- */

static void
set_remote_port (GstDcSctpEnc *self, guint port)
{
  g_autoptr (GstDcSctpShared) shared = gst_dc_sctpenc_dup_shared (self);

  g_mutex_lock (&self->lock);
  self->remote_port = port;
  g_mutex_unlock (&self->lock);
  if (shared != NULL)
    gst_dc_sctp_shared_set_port (shared, GST_DC_SCTP_ROLE_ENC, port);
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstDcSctpEnc *self = GST_DC_SCTP_ENC (object);

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
  GstDcSctpEnc *self = GST_DC_SCTP_ENC (object);

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
gst_dc_sctp_enc_finalize (GObject *object)
{
  GstDcSctpEnc *self = GST_DC_SCTP_ENC (object);

  gst_dc_sctp_output_clear (&self->output);
  gst_dc_sctp_turns_clear (&self->turns);
  g_cond_clear (&self->called);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (gst_dc_sctp_enc_parent_class)->finalize (object);
}

static void
gst_dc_sctp_enc_init (GstDcSctpEnc *self)
{
  self->association_id = 1;
  g_mutex_init (&self->lock);
  g_cond_init (&self->called);
  gst_dc_sctp_turns_init (&self->turns);
  self->src = gst_pad_new_from_static_template (&src_template, "src");
  gst_dc_sctp_output_init (&self->output, self->src);
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
gst_dc_sctp_enc_class_init (GstDcSctpEncClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (gst_dc_sctpenc_debug, "dcsctpenc", 0, "SCTP: packets of messages");
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = gst_dc_sctp_enc_finalize;
  install_properties (object_class);
  /* The association is up (TRUE), or is no longer (FALSE). Any thread. */
  signals[SIGNAL_ESTABLISHED] = g_signal_new ("sctp-association-established", GST_TYPE_DC_SCTP_ENC, G_SIGNAL_RUN_LAST,
      0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_BOOLEAN);
  /* How many bytes of messages SCTP has taken of a stream. */
  signals[SIGNAL_BYTES_SENT] =
      g_signal_new_class_handler ("bytes-sent", GST_TYPE_DC_SCTP_ENC, G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
          G_CALLBACK (gst_dc_sctpenc_get_bytes_sent), NULL, NULL, NULL, G_TYPE_UINT64, 1, G_TYPE_UINT);
  element_class->change_state = change_state;
  element_class->request_new_pad = gst_dc_sctpenc_request_pad;
  element_class->release_pad = gst_dc_sctpenc_release_pad;
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_set_static_metadata (element_class, "SCTP encoder", "Encoder/Network/SCTP",
      "Makes packets of SCTP of messages of many streams", "gst-datachannel developers");
}
