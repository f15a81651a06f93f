/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-path.c: what goes through SCTP under a webrtcbin: watched, mended, and ended in order.
 *
 * Theory of operation
 * -------------------
 * webrtcbin makes sctpenc and sctpdec itself. When they appear, probes are put on their pads; a DcSctpWatch sees all packets between them and
 * DTLS. Here is all that one must know of their inside, and of usrsctp's:
 *
 *  - Association ids: sctpenc and sctpdec find their usrsctp association by a 16-bit number in a table of the process, and webrtcbin
 *    draws it at random: two connections that draw the same number would share one. So each gets the next number here, as soon as
 *    both elements appear (they take it when they leave READY, which webrtcbin forbids until DTLS is up).
 *  - usrsctp: when the last association of the process goes, GStreamer's plugin ends usrsctp, which refuses while a closed socket still has
 *    something to do, as after a cut; the plugin does not look, and begins it anew for the next association, over locks and a timer
 *    thread in use. So one association, which does nothing, stays for as long as the process does.
 *  - A channel that is closed on both sides is freed, though what sctpdec has for its stream still goes there: a far side that used the
 *    stream again would write to freed memory. So each channel is kept as long as its webrtcbin.
 *  - sctpdec hands messages over by a queue and a thread for each stream, and throws them away when the far side closes the channel:
 *    what says so waits until all that came before was given to the channels, and what says so too early until that has come.
 *  - usrsctp frees an association that the far side aborts while another thread may just be sending on it, which then waits for a lock that is no
 *    more, for good, or crashes. So it does not get to see the ABORT; we end everything on it.
 *  - Messages are repaired on their way into sctpenc: empty ones, and the limits of partially reliable ones.
 *  - On a channel that we open, what is sent before the far side has answered is ordered, whatever kind of channel it is.
 *  - A channel that the far side has opened is said to be open before the answer to that is queued: who sends then might come before it. So
 *    the answer is told when it comes to sctpenc.
 *  - set_state (NULL) waits for the streaming threads, and a sctpenc whose usrsctp buffer is full holds one for ever: FLUSH_START on
 *    its sink pads lets it go first. It also takes usrsctp's socket from under a thread that sends on it just then: so each is waited for, also
 *    those that webrtcbin's thread has begun meanwhile.
 *  - sctpdec adds a pad when something comes on a new stream, and crashes if it is stopped meanwhile: so first nothing comes to it any more,
 *    and what is under way is waited for.
 */
#include <gst/sctp/sctpsendmeta.h>
#include <gst/webrtc/webrtc.h>
#include <stdio.h>

#include "plugins/peer/dc-sctp-path-private.h"
#include "plugins/transport/dc-ppid.h"

/* The next message that has come is a matter of milliseconds, unless an application holds webrtcbin's thread; and there may be many. */
#define DRAIN_STEP (250 * G_TIME_SPAN_MILLISECOND)
#define DRAIN_STEPS 20
/* RFC 8832, section 8.1 and 5.1 */
#define DCEP_OPEN 0x03

static guint
next_association_id (void)
{
  static gint counter = 0;

  return (guint) g_atomic_int_add (&counter, 1) % G_MAXUINT16;
}

/* None of those above has its number. */
static void
keep_usrsctp (void)
{
  static GstElement *sctpdec = NULL;
  GstElement *element;

  if (!g_once_init_enter (&sctpdec))
    return;
  element = gst_object_ref_sink (gst_element_factory_make ("sctpdec", NULL));
  g_object_set (element, "sctp-association-id", G_MAXUINT16, NULL);
  gst_element_set_state (element, GST_STATE_PAUSED);
  g_once_init_leave (&sctpdec, element);
}

static gboolean
is_made_by (GstElement *element, const char *factory_name)
{
  GstElementFactory *factory = gst_element_get_factory (element);

  return factory != NULL && g_strcmp0 (GST_OBJECT_NAME (factory), factory_name) == 0;
}

static gboolean
is_ours (GstElement *element)
{
  return element != NULL && (GST_DC_IS_SCTP_ENC (element) || GST_DC_IS_SCTP_DEC (element));
}

/* webrtcbin sends an empty message as an empty packet, which usrsctp refuses, and that ends the association. RFC 8831, section 6.6, wants one
 * byte of zero, and the PPIDs that webrtcbin has put there say that it does not count. */
static GstBuffer *
fill_empty_message (GstBuffer *empty)
{
  const GstSctpSendMeta *meta = gst_sctp_buffer_get_send_meta (empty);
  GstBuffer *filled;

  if (gst_buffer_get_size (empty) > 0 || meta == NULL)
    return empty;
  filled = gst_buffer_new_allocate (NULL, 1, NULL);
  gst_buffer_memset (filled, 0, 0, 1);
  gst_sctp_buffer_add_send_meta (filled, meta->ppid, meta->ordered, meta->pr, meta->pr_param);
  gst_buffer_unref (empty);
  return filled;
}

/* sctpenc gives the number of retransmissions or milliseconds to usrsctp in network byte order, which wants the host's: a limit of one became
 * one of 16777216. Turned round here, it comes out right. */
static GstBuffer *
turn_reliability (GstBuffer *buffer)
{
  GstSctpSendMeta *meta = gst_sctp_buffer_get_send_meta (buffer);

  if (meta == NULL || meta->pr == GST_SCTP_SEND_META_PARTIAL_RELIABILITY_NONE)
    return buffer;
  buffer = gst_buffer_make_writable (buffer);
  meta = gst_sctp_buffer_get_send_meta (buffer);
  meta->pr_param = g_htonl (meta->pr_param);
  return buffer;
}

static void
take_dcep (DcSctpPath *self, guint stream, GstBuffer *buffer)
{
  guint8 type = 0;

  if (gst_buffer_extract (buffer, 0, &type, 1) == 1 && type == DCEP_OPEN)
    dc_sctp_watch_opens (self->watch, (guint16) stream);
  self->callbacks.announced (stream, self->user_data);
}

/* webrtcbin has a channel open as soon as it was announced: on an unordered one the first message may overtake that, and who gets it has nothing to give it
 * to (RFC 8832, section 6). */
static GstBuffer *
order_first (DcSctpPath *self, guint stream, GstBuffer *buffer)
{
  GstSctpSendMeta *meta = gst_sctp_buffer_get_send_meta (buffer);

  if (meta == NULL || meta->ordered || !dc_sctp_watch_is_opening (self->watch, (guint16) stream))
    return buffer;
  buffer = gst_buffer_make_writable (buffer);
  gst_sctp_buffer_get_send_meta (buffer)->ordered = TRUE;
  return buffer;
}

static gboolean
is_dcep (GstBuffer *buffer)
{
  const GstSctpSendMeta *meta = gst_sctp_buffer_get_send_meta (buffer);

  return meta != NULL && meta->ppid == DC_PPID_DCEP;
}

static GstPadProbeReturn
on_message_in (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  DcSctpPath *self = user_data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  guint stream;

  if (sscanf (GST_PAD_NAME (pad), "sink_%u", &stream) != 1)
    return GST_PAD_PROBE_OK;
  if (is_dcep (buffer))
    take_dcep (self, stream, buffer);
  else
    buffer = order_first (self, stream, buffer);
  if (!is_ours (GST_PAD_PARENT (pad)) && !is_dcep (buffer))
    buffer = turn_reliability (fill_empty_message (buffer));
  GST_PAD_PROBE_INFO_DATA (info) = buffer;
  return GST_PAD_PROBE_OK;
}

/* Who waits for this answer may end the packets, on another thread: so it is told when DTLS has it. */
static GstFlowReturn
push_answer (DcSctpPath *self, GstPad *pad, GstBuffer *packet)
{
  g_autoptr (GstPad) peer = gst_pad_get_peer (pad);
  GstFlowReturn flow = GST_FLOW_NOT_LINKED;

  if (peer != NULL)
    flow = gst_pad_chain (peer, packet);
  else
    gst_buffer_unref (packet);
  if (dc_sctp_watch_answered (self->watch))
    self->callbacks.answered (self->user_data);
  return flow;
}

static GstPadProbeReturn
watch_sent (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  DcSctpPath *self = user_data;
  GstBuffer *packet = GST_PAD_PROBE_INFO_BUFFER (info);
  gboolean answers = FALSE;
  GstMapInfo map;

  if (gst_buffer_map (packet, &map, GST_MAP_READ)) {
    answers = dc_sctp_watch_sent (self->watch, map.data, map.size);
    gst_buffer_unmap (packet, &map);
  }
  if (!answers)
    return GST_PAD_PROBE_OK;
  GST_PAD_PROBE_INFO_FLOW_RETURN (info) = push_answer (self, pad, packet);
  return GST_PAD_PROBE_HANDLED;
}

/* FALSE: the time for one step is over. */
static gboolean
wait_for_drain_locked (DcSctpPath *self)
{
  gint64 deadline = g_get_monotonic_time () + DRAIN_STEP;
  gboolean in_time = TRUE;

  while (!g_atomic_int_get (&self->deaf) && !dc_sctp_watch_is_drained (self->watch) && in_time)
    in_time = g_cond_wait_until (&self->drained, &self->lock, deadline);
  return in_time;
}

/* As long as it goes on. */
static void
wait_until_drained (DcSctpPath *self)
{
  guint waiting = G_MAXUINT, before;

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < DRAIN_STEPS && !wait_for_drain_locked (self); i++) {
    before = waiting;
    waiting = dc_sctp_watch_get_waiting (self->watch);
    if (waiting >= before)
      break;
  }
  g_mutex_unlock (&self->lock);
}

static void
wake_drained (DcSctpPath *self)
{
  g_mutex_lock (&self->lock);
  g_cond_broadcast (&self->drained);
  g_mutex_unlock (&self->lock);
}

void
dc_sctp_path_tell_drained (DcSctpPath *self)
{
  wake_drained (self);
  self->callbacks.drained (self->user_data);
}

/* Somebody might not repeat it, such as aiortc. */
static GstPadProbeReturn
keep_early (DcSctpPath *self, GstBuffer *packet)
{
  gst_buffer_replace (&self->early, packet);
  return GST_PAD_PROBE_DROP;
}

gboolean
dc_sctp_path_is_early_due (DcSctpPath *self)
{
  gboolean early = TRUE;
  GstMapInfo map;

  if (self->early != NULL && gst_buffer_map (self->early, &map, GST_MAP_READ)) {
    early = dc_sctp_watch_is_early (self->watch, map.data, map.size);
    gst_buffer_unmap (self->early, &map);
  }
  return !early;
}

/* @packet brings what was missing before the one that came early, which comes here again behind it. */
static GstFlowReturn
pass_with_early (DcSctpPath *self, GstPad *pad, GstBuffer *packet)
{
  GstBuffer *early = g_steal_pointer (&self->early);
  GstFlowReturn flow;

  self->passing = TRUE;
  flow = gst_pad_chain (pad, packet);
  self->passing = FALSE;
  if (flow == GST_FLOW_OK)
    return gst_pad_chain (pad, early);
  gst_buffer_unref (early);
  return flow;
}

/* SCTP has not seen it yet: who learns from SCTP that the far side closes a channel finds here what had arrived before. Elements of ours keep these
 * in order by themselves, and are not to be held. */
DcSctpPacket
dc_sctp_path_look (DcSctpPath *self, gconstpointer data, gsize size)
{
  DcSctpPacket packet = dc_sctp_watch_received (self->watch, data, size);

  if (dc_sctp_watch_is_aborted (self->watch))
    self->callbacks.error ("the far side has ended the SCTP association", self->user_data);
  else if (!(packet & DC_SCTP_PACKET_EARLY)) {
    if (packet & DC_SCTP_PACKET_DELIVERED)
      self->callbacks.delivered (self->user_data);
    if ((packet & DC_SCTP_PACKET_RESETS) && !is_ours (self->sctpdec))
      wait_until_drained (self);
  }
  return packet;
}

static GstPadProbeReturn
watch_received (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  DcSctpPath *self = user_data;
  DcSctpPacket packet = 0;
  GstMapInfo map;

  if (g_atomic_int_get (&self->deaf))
    return GST_PAD_PROBE_DROP;
  if (self->passing)
    return GST_PAD_PROBE_OK;
  if (gst_buffer_map (GST_PAD_PROBE_INFO_BUFFER (info), &map, GST_MAP_READ)) {
    packet = dc_sctp_path_look (self, map.data, map.size);
    gst_buffer_unmap (GST_PAD_PROBE_INFO_BUFFER (info), &map);
  }
  if (dc_sctp_watch_is_aborted (self->watch))
    return GST_PAD_PROBE_DROP;
  if (packet & DC_SCTP_PACKET_EARLY)
    return keep_early (self, GST_PAD_PROBE_INFO_BUFFER (info));
  if (!dc_sctp_path_is_early_due (self))
    return GST_PAD_PROBE_OK;
  GST_PAD_PROBE_INFO_FLOW_RETURN (info) = pass_with_early (self, pad, GST_PAD_PROBE_INFO_BUFFER (info));
  return GST_PAD_PROBE_HANDLED;
}

/* --- Elements and channels -------------------------------------------------------------------------------------------------------- */

/* What it still had is gone. */
static void
on_stream_ended (GstElement *sctpdec, guint stream, DcSctpPath *self)
{
  dc_sctp_bypass_forget (self->bypass, (guint16) stream);
  if (dc_sctp_watch_forget (self->watch, (guint16) stream))
    dc_sctp_path_tell_drained (self);
}

static void
on_sctpdec_pad_removed (GstElement *sctpdec, GstPad *pad, DcSctpPath *self)
{
  guint stream;

  if (sscanf (GST_PAD_NAME (pad), "src_%u", &stream) == 1)
    on_stream_ended (sctpdec, stream, self);
}

/* After the handlers of those whose channel it is. */
static void
on_message (GstWebRTCDataChannel *channel, gpointer message, DcSctpPath *self)
{
  gint id;

  g_object_get (channel, "id", &id, NULL);
  dc_sctp_bypass_given (self->bypass, (guint16) id);
  if (dc_sctp_watch_given (self->watch, (guint16) id))
    dc_sctp_path_tell_drained (self);
}

static void
watch_pad (DcSctpPath *self, GstElement *element, const char *name, GstPadProbeCallback callback)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, name);

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, callback, self, NULL);
}

static void
on_sctpenc_pad_added (GstElement *sctpenc, GstPad *pad, DcSctpPath *self)
{
  if (gst_pad_get_direction (pad) == GST_PAD_SINK)
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_message_in, self, NULL);
}

static void
on_deep_element_added (GstBin *bin, GstBin *sub_bin, GstElement *element, DcSctpPath *self)
{
  gboolean encoder = is_made_by (element, "sctpenc");

  if (!encoder && !is_made_by (element, "sctpdec"))
    return;
  g_object_set (element, "sctp-association-id", self->association_id, NULL);
  g_mutex_lock (&self->lock);
  gst_object_replace ((GstObject **) (encoder ? &self->sctpenc : &self->sctpdec), GST_OBJECT (element));
  g_mutex_unlock (&self->lock);
  if (encoder)
    g_signal_connect (element, "pad-added", G_CALLBACK (on_sctpenc_pad_added), self);
  else if (is_ours (element)) /* before webrtcbin hears of it, and somebody uses the stream again */
    g_signal_connect (element, "stream-ended", G_CALLBACK (on_stream_ended), self);
  else
    g_signal_connect (element, "pad-removed", G_CALLBACK (on_sctpdec_pad_removed), self);
  if (is_ours (element)) {
    dc_sctp_path_tap (self, element);
    return;
  }
  keep_usrsctp ();
  if (encoder)
    watch_pad (self, element, "src", watch_sent);
  else
    watch_pad (self, element, "sink", watch_received);
}

static void
on_prepare_data_channel (GstElement *bin, GstWebRTCDataChannel *channel, gboolean is_local, DcSctpPath *self)
{
  guint n;

  g_signal_connect_after (channel, "on-message-data", G_CALLBACK (on_message), self);
  g_signal_connect_after (channel, "on-message-string", G_CALLBACK (on_message), self);
  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->channels, g_object_ref (channel));
  self->n_begun += !is_local;
  n = self->n_begun;
  g_mutex_unlock (&self->lock);
  if (!is_local)
    self->callbacks.begun (n, self->user_data);
}

static void
forget_instance (gpointer instance, gpointer self)
{
  g_signal_handlers_disconnect_by_data (instance, self);
}

static void
forget_element (DcSctpPath *self, GstElement *element)
{
  dc_sctp_path_untap (element);
  forget_instance (element, self);
}

/* @element: sctpenc or sctpdec. (transfer full) (nullable) */
static GstElement *
dup_element (DcSctpPath *self, GstElement *const *element)
{
  GstElement *copy;

  g_mutex_lock (&self->lock);
  copy = *element != NULL ? gst_object_ref (*element) : NULL;
  g_mutex_unlock (&self->lock);
  return copy;
}

void
dc_sctp_path_say_goodbye (DcSctpPath *self)
{
  g_autoptr (GstElement) sctpenc = dup_element (self, &self->sctpenc);
  g_autoptr (GstPad) pad = sctpenc != NULL ? gst_element_get_static_pad (sctpenc, "src") : NULL;

  /* dtlsenc turns EOS into close_notify. */
  if (pad != NULL && gst_pad_is_active (pad))
    gst_pad_push_event (pad, gst_event_new_eos ());
}

void
dc_sctp_path_ask_for_life (DcSctpPath *self)
{
  g_autoptr (GstElement) sctpenc = dup_element (self, &self->sctpenc);
  g_autoptr (GstPad) pad = sctpenc != NULL ? gst_element_get_static_pad (sctpenc, "src") : NULL;
  GBytes *heartbeat = pad != NULL && gst_pad_is_active (pad) ? dc_sctp_watch_make_heartbeat (self->watch) : NULL;

  if (heartbeat != NULL)
    gst_pad_push (pad, gst_buffer_new_wrapped_bytes (heartbeat));
  g_clear_pointer (&heartbeat, g_bytes_unref);
}

static gboolean
flush_pad (GstElement *element, GstPad *pad, gpointer user_data)
{
  gst_pad_send_event (pad, gst_event_new_flush_start ());
  GST_PAD_STREAM_LOCK (pad);
  GST_PAD_STREAM_UNLOCK (pad);
  return TRUE;
}

void
dc_sctp_path_deafen (DcSctpPath *self)
{
  g_autoptr (GstElement) sctpdec = dup_element (self, &self->sctpdec);
  g_autoptr (GstPad) pad = sctpdec != NULL ? gst_element_get_static_pad (sctpdec, "sink") : NULL;

  g_atomic_int_set (&self->deaf, TRUE);
  wake_drained (self);
  if (pad == NULL)
    return;
  if (is_ours (sctpdec))
    dc_sctp_path_deafen_ours (self, GST_DC_SCTP_DEC (sctpdec));
  GST_PAD_STREAM_LOCK (pad);
  GST_PAD_STREAM_UNLOCK (pad);
}

void
dc_sctp_path_flush (DcSctpPath *self)
{
  g_autoptr (GstElement) sctpenc = dup_element (self, &self->sctpenc);

  if (sctpenc != NULL)
    gst_element_foreach_sink_pad (sctpenc, flush_pad, NULL);
}

/* --- Life ---------------------------------------------------------------------------------------------------------------------- */

DcSctpPath *
dc_sctp_path_new (GstElement *bin, const DcSctpPathCallbacks *callbacks, gpointer user_data)
{
  DcSctpPath *self = g_new0 (DcSctpPath, 1);

  g_mutex_init (&self->lock);
  g_cond_init (&self->drained);
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->watch = dc_sctp_watch_new ();
  self->bypass = dc_sctp_bypass_new ();
  self->association_id = next_association_id ();
  self->channels = g_ptr_array_new_with_free_func (g_object_unref);
  g_signal_connect (bin, "deep-element-added", G_CALLBACK (on_deep_element_added), self);
  g_signal_connect (bin, "prepare-data-channel", G_CALLBACK (on_prepare_data_channel), self);
  return self;
}

DcSctpWatch *
dc_sctp_path_get_watch (DcSctpPath *self)
{
  return self->watch;
}

DcSctpBypass *
dc_sctp_path_get_bypass (DcSctpPath *self)
{
  return self->bypass;
}

void
dc_sctp_path_free (DcSctpPath *self)
{
  g_ptr_array_foreach (self->channels, forget_instance, self);
  if (self->sctpenc != NULL)
    forget_element (self, self->sctpenc);
  if (self->sctpdec != NULL)
    forget_element (self, self->sctpdec);
  gst_clear_buffer (&self->early);
  gst_clear_object (&self->sctpenc);
  gst_clear_object (&self->sctpdec);
  g_ptr_array_unref (self->channels);
  dc_sctp_watch_unref (self->watch);
  dc_sctp_bypass_unref (self->bypass);
  g_cond_clear (&self->drained);
  g_mutex_clear (&self->lock);
  g_free (self);
}
