/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-sctp-output.c: packets of an association on their way out of sctpenc, by its pad or past it.
 *
 * Theory of operation
 * -------------------
 * Diverted, packets go where they are wanted, on the thread that has them and without a copy.
 *
 * By the pad they are buffers, one each, as others' probes on it expect. The pad may block, as where a TCP connection is full; who reads what the
 * far side sends must not be held there, or two such peers would wait for each other for good. So packets wait in a queue for the pad's own
 * thread, and what does not fit is lost, as on any path. (That senders push their own packets was tried: it is no sooner there, and costs more where
 * messages are small.)
 *
 * A pad that flushes or is not linked loses what it was given, and nothing more; after an error, or the end of the stream, nothing is pushed
 * any more until it is linked anew.
 */
#include "plugins/transport/gst-sctp-output.h"

#define MAX_PACKETS 8192u
/* What the last packets (an ABORT) may take to leave. */
#define END_TIMEOUT (100 * G_TIME_SPAN_MILLISECOND)

void
gst_dc_sctp_output_init (GstDcSctpOutput *self, GstPad *pad)
{
  self->pad = pad;
  self->flow = GST_FLOW_FLUSHING;
  g_mutex_init (&self->lock);
  g_mutex_init (&self->diverting);
  g_cond_init (&self->changed);
  g_queue_init (&self->packets);
}

static void
drop_locked (GstDcSctpOutput *self)
{
  g_queue_clear_full (&self->packets, (GDestroyNotify) gst_buffer_unref);
}

void
gst_dc_sctp_output_clear (GstDcSctpOutput *self)
{
  drop_locked (self);
  g_cond_clear (&self->changed);
  g_mutex_clear (&self->diverting);
  g_mutex_clear (&self->lock);
}

/* --- taps --- */

/* Those that are set now, until they are left. */
typedef struct {
  GstDcSctpOutTaps funcs;
  gpointer user_data;
  guint epoch;
} Taps;

static Taps
enter_taps_locked (GstDcSctpOutput *self)
{
  return (Taps){self->taps, self->taps_data, gst_dc_calls_enter (&self->calls)};
}

static void
leave_taps_locked (GstDcSctpOutput *self, const Taps *taps)
{
  gst_dc_calls_leave (&self->calls, taps->epoch, &self->changed);
}

static Taps
enter_taps (GstDcSctpOutput *self)
{
  Taps taps;

  g_mutex_lock (&self->lock);
  taps = enter_taps_locked (self);
  g_mutex_unlock (&self->lock);
  return taps;
}

static void
leave_taps (GstDcSctpOutput *self, const Taps *taps)
{
  g_mutex_lock (&self->lock);
  leave_taps_locked (self, taps);
  g_mutex_unlock (&self->lock);
}

/* Returns: whether left() is wanted. */
static gboolean
call_leaving (GstDcSctpOutput *self, const Taps *taps, const guint8 *packet, gsize size)
{
  gint port = g_atomic_int_get (&self->port);

  if (port != 0 && size >= 4 && (packet[2] << 8 | packet[3]) != port)
    return FALSE;
  return taps->funcs.leaving != NULL && taps->funcs.leaving (packet, size, taps->user_data);
}

/* Likewise. */
static gboolean
tell_leaving (GstDcSctpOutput *self, GstBuffer *packet)
{
  Taps taps = enter_taps (self);
  gboolean wanted = FALSE;
  GstMapInfo map;

  if (taps.funcs.leaving != NULL && gst_buffer_map (packet, &map, GST_MAP_READ)) {
    wanted = call_leaving (self, &taps, map.data, map.size);
    gst_buffer_unmap (packet, &map);
  }
  leave_taps (self, &taps);
  return wanted;
}

static void
tell_left (GstDcSctpOutput *self)
{
  Taps taps = enter_taps (self);

  if (taps.funcs.left != NULL)
    taps.funcs.left (taps.user_data);
  leave_taps (self, &taps);
}

void
gst_dc_sctp_output_tell_taken (GstDcSctpOutput *self, guint16 stream, guint32 ppid)
{
  Taps taps = enter_taps (self);

  if (taps.funcs.taken != NULL)
    taps.funcs.taken (stream, ppid, taps.user_data);
  leave_taps (self, &taps);
}

/* --- by the pad --- */

static void
push_first_events (GstDcSctpOutput *self)
{
  g_autofree char *id = g_strdup_printf ("sctpenc-%08x", g_random_int ());
  g_autoptr (GstCaps) caps = gst_caps_new_empty_simple ("application/x-sctp");
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_BYTES);
  gst_pad_push_event (self->pad, gst_event_new_stream_start (id));
  gst_pad_push_event (self->pad, gst_event_new_caps (caps));
  gst_pad_push_event (self->pad, gst_event_new_segment (&segment));
}

static GstFlowReturn
push (GstDcSctpOutput *self, GstBuffer *packet)
{
  gboolean wanted;
  GstFlowReturn flow;

  wanted = tell_leaving (self, packet);
  flow = gst_pad_push (self->pad, packet);
  if (wanted)
    tell_left (self);
  return flow;
}

/* At once, though packets may take another way for good: others use the pad, too. Lets go of the lock meanwhile. */
static void
begin_locked (GstDcSctpOutput *self)
{
  if (self->begun || !self->running)
    return;
  self->pushing = TRUE;
  g_mutex_unlock (&self->lock);
  push_first_events (self);
  g_mutex_lock (&self->lock);
  self->pushing = FALSE;
  self->begun = TRUE;
}

/* Lets go of the lock meanwhile. */
static void
push_first_locked (GstDcSctpOutput *self)
{
  GstBuffer *packet = g_queue_pop_head (&self->packets);
  GstFlowReturn flow;

  self->pushing = TRUE;
  g_mutex_unlock (&self->lock);
  flow = push (self, packet);
  g_mutex_lock (&self->lock);
  self->pushing = FALSE;
  if (flow != GST_FLOW_OK && flow != GST_FLOW_FLUSHING && flow != GST_FLOW_NOT_LINKED) {
    GST_DEBUG_OBJECT (self->pad, "nothing leaves any more: %s", gst_flow_get_name (flow));
    self->flow = flow;
    drop_locked (self);
  }
}

void
gst_dc_sctp_output_task (gpointer user_data)
{
  GstDcSctpOutput *self = user_data;

  g_mutex_lock (&self->lock);
  begin_locked (self);
  while (self->running && g_queue_is_empty (&self->packets))
    g_cond_wait (&self->changed, &self->lock);
  while (self->running && !g_queue_is_empty (&self->packets))
    push_first_locked (self);
  g_cond_broadcast (&self->changed);
  if (!self->running)
    gst_pad_pause_task (self->pad);
  g_mutex_unlock (&self->lock);
}

/* With room around it, as who has made it leaves. */
static GstBuffer *
make_buffer (const DcPacket *packet)
{
  GstAllocationParams params = {.prefix = DC_PACKET_HEAD, .padding = DC_PACKET_TAIL};
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, packet->size, &params);

  gst_buffer_fill (buffer, 0, packet->data, packet->size);
  return buffer;
}

static void
queue_locked (GstDcSctpOutput *self, const DcPacket *packets, guint n)
{
  if (self->flow != GST_FLOW_OK || self->packets.length + n > MAX_PACKETS)
    return;
  for (guint i = 0; i < n; i++)
    g_queue_push_tail (&self->packets, make_buffer (&packets[i]));
  g_cond_broadcast (&self->changed);
}

/* --- past it --- */

/* Lets go of the lock meanwhile. */
static void
divert_locked (GstDcSctpOutput *self, DcPacket *packets, guint n)
{
  DcPacketFunc divert = self->divert;
  gpointer divert_data = self->divert_data;
  Taps taps = enter_taps_locked (self);
  gboolean wanted = FALSE;

  g_mutex_unlock (&self->lock);
  for (guint i = 0; i < n; i++)
    wanted |= call_leaving (self, &taps, packets[i].data, packets[i].size);
  g_mutex_lock (&self->diverting);
  divert (packets, n, divert_data);
  g_mutex_unlock (&self->diverting);
  if (wanted && taps.funcs.left != NULL)
    taps.funcs.left (taps.user_data);
  g_mutex_lock (&self->lock);
  leave_taps_locked (self, &taps);
}

void
gst_dc_sctp_output_put (GstDcSctpOutput *self, DcPacket *packets, guint n)
{
  g_mutex_lock (&self->lock);
  if (self->running && self->divert != NULL)
    divert_locked (self, packets, n);
  else if (self->running)
    queue_locked (self, packets, n);
  g_mutex_unlock (&self->lock);
}

void
gst_dc_sctp_output_divert (GstDcSctpOutput *self, DcPacketFunc func, gpointer user_data)
{
  g_mutex_lock (&self->lock);
  self->divert = func;
  self->divert_data = user_data;
  gst_dc_calls_change (&self->calls, &self->changed, &self->lock);
  g_mutex_unlock (&self->lock);
}

void
gst_dc_sctp_output_set_taps (GstDcSctpOutput *self, const GstDcSctpOutTaps *taps, gpointer user_data)
{
  g_mutex_lock (&self->lock);
  self->taps = taps != NULL ? *taps : (GstDcSctpOutTaps){NULL};
  self->taps_data = user_data;
  gst_dc_calls_change (&self->calls, &self->changed, &self->lock);
  g_mutex_unlock (&self->lock);
}

void
gst_dc_sctp_output_set_port (GstDcSctpOutput *self, guint16 port)
{
  g_atomic_int_set (&self->port, port);
}

/* --- states --- */

void
gst_dc_sctp_output_begin (GstDcSctpOutput *self)
{
  g_mutex_lock (&self->lock);
  self->running = TRUE;
  self->begun = FALSE;
  self->flow = GST_FLOW_OK;
  g_mutex_unlock (&self->lock);
}

void
gst_dc_sctp_output_end (GstDcSctpOutput *self)
{
  gint64 deadline = g_get_monotonic_time () + END_TIMEOUT;

  g_mutex_lock (&self->lock);
  while ((self->pushing || !g_queue_is_empty (&self->packets))
         && g_cond_wait_until (&self->changed, &self->lock, deadline))
    continue;
  self->running = FALSE;
  self->flow = GST_FLOW_FLUSHING;
  drop_locked (self);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

void
gst_dc_sctp_output_flush (GstDcSctpOutput *self, gboolean flushing)
{
  g_mutex_lock (&self->lock);
  if (self->running) {
    self->flow = flushing ? GST_FLOW_FLUSHING : GST_FLOW_OK;
    if (flushing)
      drop_locked (self);
  }
  g_mutex_unlock (&self->lock);
}

GstFlowReturn
gst_dc_sctp_output_get_flow (GstDcSctpOutput *self)
{
  GstFlowReturn flow;

  g_mutex_lock (&self->lock);
  flow = self->flow;
  g_mutex_unlock (&self->lock);
  return flow;
}
