/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-dtls-output.c: application data on its way out of dtlsdec, by its pad or past it, and EOS behind all of it.
 *
 * Theory of operation
 * -------------------
 * What is opened within a call is given within it, on the thread that brought it. The rest is `late', and a thread of GStreamer's gives it (see
 * gst-dtls-connection.c for why).
 *
 * EOS must not overtake data. So everyone who has data in hand, or puts it among the late, is `busy', and who is the last of them pushes EOS, if
 * it is time. */
#include "plugins/transport/gst-dtls-output.h"

#define LATE_MAX (256u << 10)
#define LATE_COST 256u /* of a buffer, beside its bytes */

void
gst_dc_dtls_output_init (GstDcDtlsOutput *self, GstElement *element)
{
  self->element = element;
  g_mutex_init (&self->lock);
  g_mutex_init (&self->events_lock);
  g_cond_init (&self->called);
  g_queue_init (&self->late);
}

void
gst_dc_dtls_output_clear (GstDcDtlsOutput *self)
{
  g_queue_clear_full (&self->late, (GDestroyNotify) gst_buffer_unref);
  g_cond_clear (&self->called);
  g_mutex_clear (&self->events_lock);
  g_mutex_clear (&self->lock);
}

/* --- By the pad ------------------------------------------------------------------------------------------------------------------ */

gboolean
gst_dc_dtls_output_set_pad (GstDcDtlsOutput *self, GstPad *pad)
{
  gboolean is_first;

  g_mutex_lock (&self->lock);
  is_first = self->pad == NULL;
  if (is_first)
    self->pad = pad;
  g_mutex_unlock (&self->lock);
  return is_first;
}

void
gst_dc_dtls_output_forget_pad (GstDcDtlsOutput *self, GstPad *pad)
{
  g_mutex_lock (&self->lock);
  if (self->pad == pad)
    self->pad = NULL;
  g_mutex_unlock (&self->lock);
}

/* (nullable) (transfer full) */
static GstPad *
dup_pad (GstDcDtlsOutput *self)
{
  GstPad *pad;

  g_mutex_lock (&self->lock);
  pad = self->pad != NULL ? gst_object_ref (self->pad) : NULL;
  g_mutex_unlock (&self->lock);
  return pad;
}

/* Data may come past the sink pad, and before anything came there. Of two threads that are first, one waits for the other: a pad has its events some time
 * before the far side has them, and would let the data of the one overtake those of the other. */
static void
ensure_events (GstDcDtlsOutput *self, GstPad *pad)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->events_lock);
  g_autoptr (GstEvent) event = gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  g_autoptr (GstEvent) start = NULL;
  GstSegment segment;

  if (event != NULL)
    return;
  start = gst_pad_get_sticky_event (pad, GST_EVENT_STREAM_START, 0);
  if (start == NULL) {
    g_autofree char *id = gst_pad_create_stream_id (pad, self->element, NULL);
    gst_pad_push_event (pad, gst_event_new_stream_start (id));
  }
  gst_segment_init (&segment, GST_FORMAT_BYTES);
  gst_pad_push_event (pad, gst_event_new_segment (&segment));
}

/* Who has no use for data of a transport that others use for media has not linked the pad: that must not end the transport. */
static GstFlowReturn
push (GstDcDtlsOutput *self, GPtrArray *buffers)
{
  g_autoptr (GstPad) pad = dup_pad (self);
  GstFlowReturn result;

  if (pad == NULL || buffers->len == 0)
    return GST_FLOW_OK;
  ensure_events (self, pad);
  if (buffers->len == 1) {
    result = gst_pad_push (pad, g_ptr_array_steal_index (buffers, 0));
  } else {
    GstBufferList *list = gst_buffer_list_new_sized (buffers->len);
    while (buffers->len > 0)
      gst_buffer_list_add (list, g_ptr_array_steal_index (buffers, 0));
    result = gst_pad_push_list (pad, list);
  }
  return result == GST_FLOW_NOT_LINKED ? GST_FLOW_OK : result;
}

/* --- Past it --------------------------------------------------------------------------------------------------------------------- */

/* A divert that is called now; @func: NULL, if there is none. */
typedef struct {
  DcPacketFunc func;
  gpointer user_data;
  guint epoch;
} Diverting;

static Diverting
begin_divert (GstDcDtlsOutput *self)
{
  Diverting diverting;

  g_mutex_lock (&self->lock);
  diverting = (Diverting){.func = self->divert, .user_data = self->divert_data};
  if (diverting.func != NULL)
    diverting.epoch = gst_dc_calls_enter (&self->calls);
  g_mutex_unlock (&self->lock);
  return diverting;
}

static void
end_divert (GstDcDtlsOutput *self, const Diverting *diverting)
{
  if (diverting->func == NULL)
    return;
  g_mutex_lock (&self->lock);
  gst_dc_calls_leave (&self->calls, diverting->epoch, &self->called);
  g_mutex_unlock (&self->lock);
}

void
gst_dc_dtls_output_divert (GstDcDtlsOutput *self, DcPacketFunc func, gpointer user_data)
{
  g_mutex_lock (&self->lock);
  self->divert = func;
  self->divert_data = user_data;
  gst_dc_calls_change (&self->calls, &self->called, &self->lock);
  g_mutex_unlock (&self->lock);
}

static void
divert_batch (const Diverting *diverting, GstBuffer *const *buffers, guint n)
{
  GstMapInfo maps[DC_PACKETS_MAX];
  GstBuffer *mapped[DC_PACKETS_MAX];
  DcPacket packets[DC_PACKETS_MAX];
  guint n_mapped = 0;

  for (guint i = 0; i < n; i++)
    if (gst_buffer_map (buffers[i], &maps[n_mapped], GST_MAP_READWRITE)) {
      packets[n_mapped] = (DcPacket){maps[n_mapped].data, maps[n_mapped].size};
      mapped[n_mapped++] = buffers[i];
    }
  diverting->func (packets, n_mapped, diverting->user_data);
  for (guint i = 0; i < n_mapped; i++)
    gst_buffer_unmap (mapped[i], &maps[i]);
}

/* --- Giving ---------------------------------------------------------------------------------------------------------------------- */

GstFlowReturn
gst_dc_dtls_output_give (GstDcDtlsOutput *self, GPtrArray *buffers)
{
  Diverting diverting = begin_divert (self);
  GstFlowReturn result = GST_FLOW_OK;

  if (diverting.func == NULL) {
    result = push (self, buffers);
  } else {
    for (guint i = 0; i < buffers->len; i += DC_PACKETS_MAX)
      divert_batch (&diverting, (GstBuffer *const *) buffers->pdata + i, MIN (buffers->len - i, DC_PACKETS_MAX));
  }
  g_ptr_array_set_size (buffers, 0);
  end_divert (self, &diverting);
  return result;
}

void
gst_dc_dtls_output_give_packets (GstDcDtlsOutput *self, DcPacket *packets, guint n, GPtrArray *buffers)
{
  Diverting diverting = begin_divert (self);
  guint n_data = 0;

  for (guint i = 0; i < n; i++)
    if (packets[i].size > 0)
      packets[n_data++] = packets[i];
  for (guint i = 0; diverting.func == NULL && i < n_data; i++)
    g_ptr_array_add (buffers, gst_buffer_new_memdup (packets[i].data, packets[i].size));
  if (diverting.func != NULL && n_data > 0)
    diverting.func (packets, n_data, diverting.user_data);
  end_divert (self, &diverting);
}

/* --- Being busy ------------------------------------------------------------------------------------------------------------------ */

void
gst_dc_dtls_output_enter (GstDcDtlsOutput *self)
{
  g_mutex_lock (&self->lock);
  self->busy++;
  g_mutex_unlock (&self->lock);
}

void
gst_dc_dtls_output_leave (GstDcDtlsOutput *self)
{
  g_autoptr (GstPad) pad = NULL;

  g_mutex_lock (&self->lock);
  if (--self->busy == 0 && self->is_over && !self->said_eos && self->pad != NULL) {
    self->said_eos = TRUE;
    pad = gst_object_ref (self->pad);
  }
  g_mutex_unlock (&self->lock);
  if (pad != NULL) {
    ensure_events (self, pad);
    gst_pad_push_event (pad, gst_event_new_eos ());
  }
}

static void
give_late_cb (GstElement *element, gpointer user_data)
{
  GstDcDtlsOutput *self = user_data;
  g_autoptr (GPtrArray) buffers = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  GstBuffer *buffer;

  g_mutex_lock (&self->lock);
  while ((buffer = g_queue_pop_head (&self->late)))
    g_ptr_array_add (buffers, buffer);
  self->late_size = 0;
  self->late_wanted = FALSE;
  g_mutex_unlock (&self->lock);
  gst_dc_dtls_output_give (self, buffers);
  gst_dc_dtls_output_leave (self);
}

/* A thread comes, which is busy already. */
static void
want_late (GstDcDtlsOutput *self)
{
  gboolean comes;

  g_mutex_lock (&self->lock);
  comes = self->late_wanted;
  self->late_wanted = TRUE;
  if (!comes)
    self->busy++;
  g_mutex_unlock (&self->lock);
  if (!comes)
    gst_element_call_async (self->element, give_late_cb, self, NULL);
}

void
gst_dc_dtls_output_give_late (GstDcDtlsOutput *self, const DcPacket *packets, guint n)
{
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < n; i++) {
    if (self->late_size + packets[i].size + LATE_COST > LATE_MAX)
      break;
    self->late_size += packets[i].size + LATE_COST;
    g_queue_push_tail (&self->late, gst_buffer_new_memdup (packets[i].data, packets[i].size));
  }
  g_mutex_unlock (&self->lock);
  want_late (self);
}

void
gst_dc_dtls_output_begin (GstDcDtlsOutput *self)
{
  g_mutex_lock (&self->lock);
  self->is_over = self->said_eos = FALSE;
  g_mutex_unlock (&self->lock);
}

void
gst_dc_dtls_output_end (GstDcDtlsOutput *self)
{
  g_mutex_lock (&self->lock);
  self->is_over = TRUE;
  g_mutex_unlock (&self->lock);
  want_late (self);
}
