/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sctp-element-pair.c: two ends of an association, each a sctpenc and a sctpdec of ours, joined by their pads. */
#include "tests/sctp-element-pair.h"

#include <gst/sctp/sctpreceivemeta.h>
#include <gst/sctp/sctpsendmeta.h>
#include <stdio.h>
#include <string.h>

#include "plugins/transport/gst-elements.h"
#include "tests/harness/dc-test.h"

/* --- events --- */

static void
note (PairEnd *end, PairKind kind, guint stream, guint32 ppid, GBytes *bytes)
{
  const PairEvent event = {kind, stream, ppid, bytes};

  g_async_queue_push (end->events, g_memdup2 (&event, sizeof event));
}

void
pair_event_free (PairEvent *event)
{
  g_clear_pointer (&event->bytes, g_bytes_unref);
  g_free (event);
}

PairEvent *
pair_wait (PairEnd *end, PairKind kind)
{
  PairEvent *event;

  for (GList *l = end->kept.head; l != NULL; l = l->next) {
    event = l->data;
    if (event->kind == kind) {
      g_queue_delete_link (&end->kept, l);
      return event;
    }
  }
  while ((event = g_async_queue_pop (end->events))->kind != kind)
    g_queue_push_tail (&end->kept, event);
  return event;
}

void
pair_expect (PairEnd *end, guint stream, guint32 ppid, const char *text)
{
  g_autoptr (PairEvent) event = pair_wait (end, PAIR_MESSAGE);

  g_assert_cmpuint (event->stream, ==, stream);
  g_assert_cmpuint (event->ppid, ==, ppid);
  g_assert_cmpmem (g_bytes_get_data (event->bytes, NULL), g_bytes_get_size (event->bytes), text, strlen (text));
}

/* --- what is behind the pads of sctpdec --- */

static guint
stream_of (GstPad *pad)
{
  g_autoptr (GstPad) peer = gst_pad_get_peer (pad);
  guint stream;

  g_assert_cmpint (sscanf (GST_PAD_NAME (peer), "src_%u", &stream), ==, 1);
  return stream;
}

static GstFlowReturn
take (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  PairEnd *end = gst_pad_get_element_private (pad);
  GstSctpReceiveMeta *meta = gst_sctp_buffer_get_receive_meta (buffer);
  gpointer data;
  gsize size;

  g_mutex_lock (&end->lock);
  while (end->held)
    g_cond_wait (&end->changed, &end->lock);
  g_mutex_unlock (&end->lock);
  g_assert_nonnull (meta);
  gst_buffer_extract_dup (buffer, 0, gst_buffer_get_size (buffer), &data, &size);
  note (end, PAIR_MESSAGE, stream_of (pad), meta->ppid, g_bytes_new_take (data, size));
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

static gboolean
take_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  PairEnd *end = gst_pad_get_element_private (pad);

  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
    note (end, PAIR_EOS, stream_of (pad), 0, NULL);
  gst_event_unref (event);
  return TRUE;
}

static void
on_pad_added (GstElement *dec, GstPad *pad, PairEnd *end)
{
  GstPad *sink;
  guint stream;

  if (sscanf (GST_PAD_NAME (pad), "src_%u", &stream) != 1)
    return;
  note (end, PAIR_ADDED, stream, 0, NULL);
  sink = gst_pad_new (NULL, GST_PAD_SINK);
  gst_pad_set_element_private (sink, end);
  gst_pad_set_chain_function (sink, take);
  gst_pad_set_event_function (sink, take_event);
  gst_pad_set_active (sink, TRUE);
  g_object_set_data_full (G_OBJECT (pad), "taker", gst_object_ref_sink (sink), gst_object_unref);
  g_assert_cmpint (gst_pad_link (pad, sink), ==, GST_PAD_LINK_OK);
}

static void
on_pad_removed (GstElement *dec, GstPad *pad, PairEnd *end)
{
  guint stream;

  if (sscanf (GST_PAD_NAME (pad), "src_%u", &stream) == 1)
    note (end, PAIR_REMOVED, stream, 0, NULL);
}

static void
on_established (GstElement *enc, gboolean established, PairEnd *end)
{
  note (end, established ? PAIR_UP : PAIR_DOWN, 0, 0, NULL);
}

void
pair_hold (PairEnd *end, gboolean held)
{
  g_mutex_lock (&end->lock);
  end->held = held;
  g_cond_broadcast (&end->changed);
  g_mutex_unlock (&end->lock);
}

/* --- the ends --- */

/* What threads say about themselves nobody asks for; and a bus that hundreds of them post to at once has them spin. */
static GstBusSyncReply
drop_thread_status (GstBus *bus, GstMessage *message, gpointer user_data)
{
  if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_STREAM_STATUS)
    return GST_BUS_PASS;
  gst_message_unref (message);
  return GST_BUS_DROP;
}

static void
set_up_end (PairEnd *end, guint id)
{
  g_autoptr (GstBus) bus = NULL;

  g_mutex_init (&end->lock);
  g_cond_init (&end->changed);
  end->events = g_async_queue_new_full ((GDestroyNotify) pair_event_free);
  g_queue_init (&end->kept);
  end->pipeline = gst_pipeline_new (NULL);
  bus = gst_pipeline_get_bus (GST_PIPELINE (end->pipeline));
  gst_bus_set_sync_handler (bus, drop_thread_status, NULL, NULL);
  end->enc = GST_DC_SCTP_ENC (gst_element_factory_make ("sctpenc", NULL));
  end->dec = GST_DC_SCTP_DEC (gst_element_factory_make ("sctpdec", NULL));
  gst_bin_add_many (GST_BIN (end->pipeline), GST_ELEMENT (end->enc), GST_ELEMENT (end->dec), NULL);
  g_object_set (end->enc, "sctp-association-id", id, "remote-sctp-port", 5000, NULL);
  g_object_set (end->dec, "sctp-association-id", id, "local-sctp-port", 5000, NULL);
  g_signal_connect (end->enc, "sctp-association-established", G_CALLBACK (on_established), end);
  g_signal_connect (end->dec, "pad-added", G_CALLBACK (on_pad_added), end);
  g_signal_connect (end->dec, "pad-removed", G_CALLBACK (on_pad_removed), end);
}

static void
link_ends (PairEnd *from, PairEnd *to)
{
  g_autoptr (GstPad) src = gst_element_get_static_pad (GST_ELEMENT (from->enc), "src");
  g_autoptr (GstPad) sink = gst_element_get_static_pad (GST_ELEMENT (to->dec), "sink");

  g_assert_cmpint (gst_pad_link_full (src, sink, GST_PAD_LINK_CHECK_NOTHING), ==, GST_PAD_LINK_OK);
}

/* While both pipelines are there: to whichever has the sink pad, GStreamer posts one message before and one after, and keeps the first, with what it
 * refers to, until the second comes. */
static void
unlink_ends (PairEnd *from, PairEnd *to)
{
  g_autoptr (GstPad) src = gst_element_get_static_pad (GST_ELEMENT (from->enc), "src");
  g_autoptr (GstPad) sink = gst_element_get_static_pad (GST_ELEMENT (to->dec), "sink");

  gst_pad_unlink (src, sink);
}

void
pair_set_up (Pair *pair, gconstpointer data)
{
  dc_test_watchdog_start (30);
  g_assert_true (gst_dc_sctp_elements_register ());
  set_up_end (&pair->ends[0], 1);
  set_up_end (&pair->ends[1], 2);
  link_ends (&pair->ends[0], &pair->ends[1]);
  link_ends (&pair->ends[1], &pair->ends[0]);
}

static GMutex gone_lock;
static GCond gone_changed;

static void
on_gone (gpointer gone, GObject *element)
{
  g_mutex_lock (&gone_lock);
  *(gboolean *) gone = TRUE;
  g_cond_broadcast (&gone_changed);
  g_mutex_unlock (&gone_lock);
}

/* Waits for threads that may still be at the end of something. */
static void
release (gpointer element)
{
  gboolean gone = FALSE;

  g_object_weak_ref (element, on_gone, &gone);
  gst_object_unref (element);
  g_mutex_lock (&gone_lock);
  while (!gone)
    g_cond_wait (&gone_changed, &gone_lock);
  g_mutex_unlock (&gone_lock);
}

/* Both are stopped and parted before either goes. */
void
pair_tear_down (Pair *pair, gconstpointer data)
{
  for (guint i = 0; i < 2; i++) {
    pair_hold (&pair->ends[i], FALSE);
    gst_element_set_state (pair->ends[i].pipeline, GST_STATE_NULL);
  }
  unlink_ends (&pair->ends[0], &pair->ends[1]);
  unlink_ends (&pair->ends[1], &pair->ends[0]);
  for (guint i = 0; i < 2; i++) {
    PairEnd *end = &pair->ends[i];

    gst_object_ref (end->enc);
    gst_object_ref (end->dec);
    gst_object_unref (end->pipeline);
    release (end->enc);
    release (end->dec);
    g_async_queue_unref (end->events);
    g_queue_clear_full (&end->kept, (GDestroyNotify) pair_event_free);
    g_cond_clear (&end->changed);
    g_mutex_clear (&end->lock);
  }
  dc_test_watchdog_stop ();
}

void
pair_play (Pair *pair)
{
  for (guint i = 0; i < 2; i++)
    gst_element_set_state (pair->ends[i].pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i < 2; i++)
    pair_event_free (pair_wait (&pair->ends[i], PAIR_UP));
}

static GstPadProbeReturn
keep_blocked (GstPad *pad, GstPadProbeInfo *info, gpointer unused)
{
  return GST_PAD_PROBE_OK;
}

void
pair_block (PairEnd *end)
{
  g_autoptr (GstPad) src = gst_element_get_static_pad (GST_ELEMENT (end->enc), "src");

  end->blocked =
      gst_pad_add_probe (src, GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER, keep_blocked, NULL, NULL);
}

void
pair_unblock (PairEnd *end)
{
  g_autoptr (GstPad) src = gst_element_get_static_pad (GST_ELEMENT (end->enc), "src");

  gst_pad_remove_probe (src, end->blocked);
  end->blocked = 0;
}

/* --- sending --- */

GstPad *
pair_open (PairEnd *end, guint stream)
{
  return pair_open_with_caps (end, stream, "application/data");
}

GstPad *
pair_open_with_caps (PairEnd *end, guint stream, const char *description)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string (description);
  g_autofree char *name = g_strdup_printf ("sink_%u", stream);
  g_autoptr (GstPad) sink = gst_element_request_pad_simple (GST_ELEMENT (end->enc), name);
  GstPad *pad = gst_object_ref_sink (gst_pad_new (NULL, GST_PAD_SRC));
  GstSegment segment;

  g_assert_nonnull (sink);
  g_assert_cmpint (gst_pad_link (pad, sink), ==, GST_PAD_LINK_OK);
  gst_pad_set_active (pad, TRUE);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (pad, gst_event_new_stream_start (name));
  gst_pad_push_event (pad, gst_event_new_caps (caps));
  gst_pad_push_event (pad, gst_event_new_segment (&segment));
  return pad;
}

void
pair_close (PairEnd *end, GstPad *pad)
{
  g_autoptr (GstPad) sink = gst_pad_get_peer (pad);

  gst_element_release_request_pad (GST_ELEMENT (end->enc), sink);
  gst_object_unref (pad);
}

static GstSctpSendMetaPartiallyReliability
reliability_of (const DcSctpSendInfo *info)
{
  switch (info->reliability) {
    case DC_SCTP_RETRANSMITS:
      return GST_SCTP_SEND_META_PARTIAL_RELIABILITY_RTX;
    case DC_SCTP_LIFETIME:
      return GST_SCTP_SEND_META_PARTIAL_RELIABILITY_TTL;
    case DC_SCTP_RELIABLE:
      break;
  }
  return GST_SCTP_SEND_META_PARTIAL_RELIABILITY_NONE;
}

GstFlowReturn
pair_push_with (GstPad *pad, gconstpointer data, gsize size, const DcSctpSendInfo *info)
{
  GstBuffer *buffer = size > 0 ? gst_buffer_new_memdup (data, size) : gst_buffer_new ();

  gst_sctp_buffer_add_send_meta (buffer, info->ppid, !info->unordered, reliability_of (info), info->limit);
  return gst_pad_push (pad, buffer);
}

GstFlowReturn
pair_push (GstPad *pad, const char *text)
{
  static const DcSctpSendInfo info = {.ppid = 53};

  return pair_push_with (pad, text, strlen (text), &info);
}

guint
pair_fill (PairEnd *end, guint16 stream)
{
  DcSctpSendInfo info = {.stream = stream, .ppid = 53};
  g_autofree char *bytes = g_strnfill (65536, 'x');
  guint n = 0;

  while (gst_dc_sctpenc_send (end->enc, &info, bytes, 65536) == DC_SCTP_SENT)
    n++;
  return n;
}
