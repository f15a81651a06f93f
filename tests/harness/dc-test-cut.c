/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-cut.c: cuts the network between the webrtcbins of this process.
 *
 * Each bin tells of the elements that come into it; libnice's, where packets enter and leave, get a probe that drops them on demand. */
#include "tests/harness/dc-test-cut.h"

#include <gst/gst.h>
#include <string.h>

#include "plugins/peer/dc-sctp-watch.h"

/* Of an SCTP packet. */
#define HEADER_SIZE 12u
#define CHECKSUM_SIZE 4u

static gint is_cut, n_lost; /* atomic */

/* (element-type GWeakRef): sctpenc of each webrtcbin, in the order in which they came. */
static GMutex encoders_lock;
static GQueue encoders = G_QUEUE_INIT;

static GstPadProbeReturn
drop_if_cut (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  if (!g_atomic_int_get (&is_cut))
    return GST_PAD_PROBE_OK;
  g_atomic_int_inc (&n_lost);
  return GST_PAD_PROBE_DROP;
}

static void
watch (GstElement *element, const char *pad_name)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, pad_name);

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, drop_if_cut, NULL, NULL);
}

/* Keeps the head of each packet: ports and the tag that the far side wants to see. */
static GstPadProbeReturn
keep_header (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  guint8 *header = g_malloc0 (HEADER_SIZE);

  gst_buffer_extract (GST_PAD_PROBE_INFO_BUFFER (info), 0, header, HEADER_SIZE - CHECKSUM_SIZE);
  g_object_set_data_full (G_OBJECT (pad), "header", header, g_free);
  return GST_PAD_PROBE_OK;
}

static void
note_encoder (GstElement *element)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, "src");
  GWeakRef *ref = g_new (GWeakRef, 1);

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, keep_header, NULL, NULL);
  g_weak_ref_init (ref, element);
  g_mutex_lock (&encoders_lock);
  g_queue_push_tail (&encoders, ref);
  g_mutex_unlock (&encoders_lock);
}

/* The first that runs: one that was taken down may live on for a moment. (transfer full) */
static GstElement *
dup_oldest_encoder (void)
{
  GstElement *element = NULL;
  GWeakRef *ref;

  g_mutex_lock (&encoders_lock);
  while (element == NULL && (ref = g_queue_pop_head (&encoders)) != NULL) {
    element = g_weak_ref_get (ref);
    if (element != NULL && GST_STATE (element) < GST_STATE_PAUSED)
      g_clear_pointer (&element, gst_object_unref);
    g_weak_ref_clear (ref);
    g_free (ref);
  }
  g_mutex_unlock (&encoders_lock);
  return element;
}

static gboolean
on_deep_element_added (GSignalInvocationHint *hint, guint n_values, const GValue *values, gpointer user_data)
{
  GstElement *element = g_value_get_object (&values[2]);
  GstElementFactory *factory = gst_element_get_factory (element);
  const char *name = factory != NULL ? GST_OBJECT_NAME (factory) : "";

  /* Each bin further up tells of it too; once is enough, though twice would do no harm. */
  if (g_value_get_object (&values[0]) != g_value_get_object (&values[1]))
    return TRUE;
  if (g_str_equal (name, "nicesink"))
    watch (element, "sink");
  else if (g_str_equal (name, "nicesrc"))
    watch (element, "src");
  else if (g_str_equal (name, "sctpenc"))
    note_encoder (element);
  return TRUE;
}

void
dc_test_cut_init (void)
{
  g_type_class_unref (g_type_class_ref (GST_TYPE_BIN));
  g_signal_add_emission_hook (
      g_signal_lookup ("deep-element-added", GST_TYPE_BIN), 0, on_deep_element_added, NULL, NULL);
}

void
dc_test_cut_set (gboolean cut)
{
  if (cut)
    g_atomic_int_set (&n_lost, 0);
  g_atomic_int_set (&is_cut, cut);
}

guint
dc_test_cut_count_lost (void)
{
  return (guint) g_atomic_int_get (&n_lost);
}

void
dc_test_cut_end_oldest (void)
{
  g_autoptr (GstElement) encoder = dup_oldest_encoder ();
  g_autoptr (GstPad) pad = gst_element_get_static_pad (encoder, "src");

  gst_pad_push_event (pad, gst_event_new_eos ());
}

void
dc_test_cut_abort_oldest (void)
{
  static const guint8 chunk[] = {6, 0, 0, 4};
  g_autoptr (GstElement) encoder = dup_oldest_encoder ();
  g_autoptr (GstPad) pad = gst_element_get_static_pad (encoder, "src");
  g_autofree guint8 *header = g_object_steal_data (G_OBJECT (pad), "header");
  guint8 *packet = g_malloc (HEADER_SIZE + sizeof chunk);
  guint32 checksum;

  g_assert_nonnull (header);
  memcpy (packet, header, HEADER_SIZE);
  memcpy (packet + HEADER_SIZE, chunk, sizeof chunk);
  checksum = dc_sctp_checksum (packet, HEADER_SIZE + sizeof chunk);
  memcpy (packet + HEADER_SIZE - CHECKSUM_SIZE, &checksum, CHECKSUM_SIZE);
  gst_pad_push (pad, gst_buffer_new_wrapped (packet, HEADER_SIZE + sizeof chunk));
}
