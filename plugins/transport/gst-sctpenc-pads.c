/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-sctpenc-pads.c: the request pads of sctpenc, each a stream. */
#include "plugins/transport/gst-sctpenc-private.h"

#include <gst/sctp/sctpsendmeta.h>
#include <stdio.h>

#define MAX_STREAM 65534u
#define LAST_MARK "dc-sctp-last"

#define GST_TYPE_DC_SCTP_ENC_PAD (gst_dc_sctp_enc_pad_get_type ())
G_DECLARE_FINAL_TYPE (GstDcSctpEncPad, gst_dc_sctp_enc_pad, GST_DC, SCTP_ENC_PAD, GstPad)

struct _GstDcSctpEncPad {
  GstPad parent;
  GstDcSctpGate gate;
  gint released;       /* atomic: somebody does it */
  DcSctpSendInfo info; /* of its streaming thread: where there is no meta */
};

G_DEFINE_TYPE (GstDcSctpEncPad, gst_dc_sctp_enc_pad, GST_TYPE_PAD)

static void
gst_dc_sctp_enc_pad_init (GstDcSctpEncPad *pad)
{
  pad->info.ppid = 1;
}

static void
gst_dc_sctp_enc_pad_finalize (GObject *object)
{
  gst_dc_sctp_gate_clear (&GST_DC_SCTP_ENC_PAD (object)->gate);
  G_OBJECT_CLASS (gst_dc_sctp_enc_pad_parent_class)->finalize (object);
}

static void
gst_dc_sctp_enc_pad_class_init (GstDcSctpEncPadClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = gst_dc_sctp_enc_pad_finalize;
}

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
get_send_info (GstDcSctpEnc *self, GstDcSctpEncPad *pad, GstBuffer *buffer)
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
  info.ppid = gst_dc_sctp_turn_ppid (self->in_webrtcbin, info.ppid);
  return info;
}

static GstFlowReturn
flow_of (GstPad *pad, DcSctpAssociation *association, DcSctpSent sent)
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
  if (dc_sctp_association_get_state (association) > DC_SCTP_UP)
    return GST_FLOW_EOS;
  GST_WARNING_OBJECT (pad, "the far side does not take this stream");
  return GST_FLOW_ERROR;
}

static GstFlowReturn
send_buffer (GstDcSctpEnc *self, GstDcSctpEncPad *pad, DcSctpLanes *lanes, GstBuffer *buffer)
{
  DcSctpSendInfo info = get_send_info (self, pad, buffer);
  DcSctpSent sent;
  gboolean in_time = gst_dc_sctp_turns_send (&self->turns, &pad->gate, lanes, &info, buffer, &sent);

  if (in_time && sent == DC_SCTP_SENT)
    gst_dc_sctp_output_tell_taken (&self->output, info.stream, info.ppid);
  if (gst_dc_sctp_turns_is_wanted (&self->turns))
    gst_dc_sctpenc_tell_writable (self);
  return in_time ? flow_of (GST_PAD (pad), dc_sctp_lanes_get_main (lanes), sent) : GST_FLOW_FLUSHING;
}

static GstFlowReturn
chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstDcSctpEnc *self = GST_DC_SCTP_ENC (parent);
  g_autoptr (GstDcSctpShared) shared = gst_dc_sctpenc_dup_shared (self);
  GstFlowReturn flow = gst_dc_sctp_output_get_flow (&self->output);

  if (flow == GST_FLOW_OK && shared != NULL && gst_dc_sctp_shared_get_lanes (shared) != NULL)
    return send_buffer (self, GST_DC_SCTP_ENC_PAD (pad), gst_dc_sctp_shared_get_lanes (shared), buffer);
  gst_buffer_unref (buffer);
  return flow != GST_FLOW_OK ? flow : GST_FLOW_FLUSHING;
}

/* --- events --- */

static void
take_caps (GstDcSctpEncPad *pad, const GstCaps *caps)
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
  GstDcSctpEnc *self = GST_DC_SCTP_ENC (parent);
  GstDcSctpEncPad *stream = GST_DC_SCTP_ENC_PAD (pad);
  GstCaps *caps;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      take_caps (stream, caps);
      break;
    case GST_EVENT_FLUSH_START:
      gst_dc_sctp_turns_flush (&self->turns, &stream->gate, TRUE);
      break;
    case GST_EVENT_FLUSH_STOP:
      gst_dc_sctp_turns_flush (&self->turns, &stream->gate, FALSE);
      break;
    case GST_EVENT_STREAM_START:
    case GST_EVENT_SEGMENT:
    case GST_EVENT_EOS: /* there may be other streams, now or later */
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM:
      if (!gst_event_has_name (event, LAST_MARK))
        return gst_pad_event_default (pad, parent, event);
      gst_dc_sctp_turns_drained (&self->turns, &stream->gate);
      break;
    default:
      return gst_pad_event_default (pad, parent, event);
  }
  gst_event_unref (event);
  return TRUE;
}

static gboolean
flush_pad (GstElement *element, GstPad *pad, gpointer flushing)
{
  gst_dc_sctp_turns_flush (&GST_DC_SCTP_ENC (element)->turns, &GST_DC_SCTP_ENC_PAD (pad)->gate, flushing != NULL);
  return TRUE;
}

void
gst_dc_sctpenc_flush_pads (GstDcSctpEnc *self, gboolean flushing)
{
  gst_element_foreach_sink_pad (GST_ELEMENT (self), flush_pad, flushing ? self : NULL);
}

/* --- life --- */

GstPad *
gst_dc_sctpenc_request_pad (GstElement *element, GstPadTemplate *template, const char *name, const GstCaps *caps)
{
  GstDcSctpEnc *self = GST_DC_SCTP_ENC (element);
  g_autoptr (GstPad) there = NULL;
  GstDcSctpEncPad *pad;
  guint stream;

  /* Who asks may not have heard yet that it is up no more: it will learn that by sending. */
  if (!g_atomic_int_get (&self->was_up) || name == NULL || sscanf (name, "sink_%u", &stream) != 1 || stream > MAX_STREAM
      || (there = gst_element_get_static_pad (element, name)) != NULL) {
    GST_ERROR_OBJECT (self, "no pad %s: the association was not up yet, or the name is taken or no stream's", name);
    return NULL;
  }
  pad = g_object_new (GST_TYPE_DC_SCTP_ENC_PAD, "name", name, "direction", GST_PAD_SINK, "template", template, NULL);
  gst_dc_sctp_gate_init (&pad->gate, (guint16) stream);
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
wait_for_last (GstDcSctpEnc *self, GstDcSctpEncPad *pad)
{
  g_autoptr (GstPad) peer = gst_pad_get_peer (GST_PAD (pad));
  g_autoptr (GstElement) upstream = peer != NULL ? gst_pad_get_parent_element (peer) : NULL;

  if (!self->in_webrtcbin || upstream == NULL || !GST_IS_BIN (upstream) || !is_streaming (peer))
    return;
  gst_dc_sctp_turns_begin_close (&self->turns, &pad->gate);
  if (gst_element_send_event (
          upstream, gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty (LAST_MARK))))
    gst_dc_sctp_turns_wait_drained (&self->turns, &pad->gate);
}

void
gst_dc_sctpenc_release_pad (GstElement *element, GstPad *pad)
{
  GstDcSctpEnc *self = GST_DC_SCTP_ENC (element);
  g_autoptr (GstDcSctpShared) shared = gst_dc_sctpenc_dup_shared (self);
  DcSctpLanes *lanes = shared != NULL ? gst_dc_sctp_shared_get_lanes (shared) : NULL;

  /* webrtcbin's thread may come while we stop. */
  if (!g_atomic_int_compare_and_exchange (&GST_DC_SCTP_ENC_PAD (pad)->released, FALSE, TRUE))
    return;
  wait_for_last (self, GST_DC_SCTP_ENC_PAD (pad));
  gst_dc_sctp_turns_close (&self->turns, &GST_DC_SCTP_ENC_PAD (pad)->gate, lanes);
  gst_pad_set_active (pad, FALSE);
  gst_element_remove_pad (element, pad);
}

/* (nullable) (transfer full) */
static GstDcSctpEncPad *
find_pad (GstDcSctpEnc *self, guint stream)
{
  g_autofree char *name = g_strdup_printf ("sink_%u", stream);
  GstPad *pad = gst_element_get_static_pad (GST_ELEMENT (self), name);

  return pad != NULL ? GST_DC_SCTP_ENC_PAD (pad) : NULL;
}

guint64
gst_dc_sctpenc_get_bytes_sent (GstDcSctpEnc *self, guint stream)
{
  g_autoptr (GstDcSctpEncPad) pad = find_pad (self, stream);

  return pad != NULL ? gst_dc_sctp_turns_get_bytes_sent (&self->turns, &pad->gate) : 0;
}
