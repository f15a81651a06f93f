/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-cut.c: cuts the network between the webrtcbins of this process.
 *
 * Each bin tells of the elements that come into it; libnice's, where packets enter and leave, get a probe that drops them on demand. Of what goes past
 * them, see dc-test-cut-sockets.c. */
#include "tests/harness/dc-test-cut.h"

#include <gst/gst.h>
#include <string.h>

#include "plugins/transport/dc-crc32c.h"

/* Of an SCTP packet. */
#define HEADER_SIZE 12u
#define CHECKSUM_SIZE 4u
/* Of its chunks. */
enum { CHUNK_DATA = 0, CHUNK_INIT = 1, CHUNK_INIT_ACK = 2 };
#define DATA_TSN 4u
#define INIT_TSN 16u

/* (element-type GWeakRef): sctpenc of each webrtcbin, in the order in which they came. */
static GMutex encoders_lock;
static GQueue encoders = G_QUEUE_INIT;

static GstPadProbeReturn
drop_if_cut (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  return dc_test_cut_loses () ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
}

static void
watch (GstElement *element, const char *pad_name)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, pad_name);

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, drop_if_cut, NULL, NULL);
}

/* What a sctpenc has said so far. */
typedef struct {
  guint8 header[HEADER_SIZE]; /* ports and the tag that the far side wants to see; no checksum */
  guint32 first_tsn, last_tsn;
} Said;

static void
note_chunk_locked (Said *said, const guint8 *chunk)
{
  if (chunk[0] == CHUNK_INIT || chunk[0] == CHUNK_INIT_ACK) {
    said->first_tsn = GST_READ_UINT32_BE (chunk + INIT_TSN);
    said->last_tsn = said->first_tsn - 1;
  } else if (chunk[0] == CHUNK_DATA && (gint32) (GST_READ_UINT32_BE (chunk + DATA_TSN) - said->last_tsn) > 0)
    said->last_tsn = GST_READ_UINT32_BE (chunk + DATA_TSN);
}

static GstPadProbeReturn
note_packet (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Said *said = user_data;
  GstMapInfo map;

  g_assert_true (gst_buffer_map (GST_PAD_PROBE_INFO_BUFFER (info), &map, GST_MAP_READ));
  g_mutex_lock (&encoders_lock);
  memcpy (said->header, map.data, HEADER_SIZE - CHECKSUM_SIZE);
  for (gsize at = HEADER_SIZE; at < map.size; at += GST_ROUND_UP_4 (GST_READ_UINT16_BE (map.data + at + 2)))
    note_chunk_locked (said, map.data + at);
  g_mutex_unlock (&encoders_lock);
  gst_buffer_unmap (GST_PAD_PROBE_INFO_BUFFER (info), &map);
  return GST_PAD_PROBE_OK;
}

static void
free_ref (GWeakRef *ref)
{
  g_weak_ref_clear (ref);
  g_free (ref);
}

/* Thousands of connections may come and go in one process. */
static void
forget_gone_encoders_locked (void)
{
  for (GList *link = encoders.head, *next; link != NULL; link = next) {
    g_autoptr (GstElement) element = g_weak_ref_get (link->data);

    next = link->next;
    if (element != NULL)
      continue;
    free_ref (link->data);
    g_queue_delete_link (&encoders, link);
  }
}

static void
note_encoder (GstElement *element)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, "src");
  GWeakRef *ref = g_new (GWeakRef, 1);
  Said *said = g_new0 (Said, 1);

  g_object_set_data_full (G_OBJECT (pad), "said", said, g_free);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, note_packet, said, NULL);
  g_weak_ref_init (ref, element);
  g_mutex_lock (&encoders_lock);
  forget_gone_encoders_locked ();
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
    free_ref (ref);
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
dc_test_cut_end_oldest (void)
{
  g_autoptr (GstElement) encoder = dup_oldest_encoder ();
  g_autoptr (GstPad) pad = gst_element_get_static_pad (encoder, "src");

  gst_pad_push_event (pad, gst_event_new_eos ());
}

static void
push_chunk (GstPad *pad, const guint8 *header, const guint8 *chunk, gsize size)
{
  guint8 *packet = g_malloc (HEADER_SIZE + size);

  memcpy (packet, header, HEADER_SIZE);
  memcpy (packet + HEADER_SIZE, chunk, size);
  dc_crc32c_put (packet, HEADER_SIZE + size);
  gst_pad_push (pad, gst_buffer_new_wrapped (packet, HEADER_SIZE + size));
}

static Said
get_said (GstPad *pad)
{
  Said said;

  g_mutex_lock (&encoders_lock);
  said = *(const Said *) g_object_get_data (G_OBJECT (pad), "said");
  g_mutex_unlock (&encoders_lock);
  return said;
}

void
dc_test_cut_abort_oldest (void)
{
  static const guint8 chunk[] = {6, 0, 0, 4};
  g_autoptr (GstElement) encoder = dup_oldest_encoder ();
  g_autoptr (GstPad) pad = gst_element_get_static_pad (encoder, "src");
  Said said = get_said (pad);

  /* One of ours aborts when it stops; what it sends goes past the pad. */
  if (g_str_equal (G_OBJECT_TYPE_NAME (encoder), "GstSctpEnc"))
    push_chunk (pad, said.header, chunk, sizeof chunk);
  else
    gst_element_set_state (encoder, GST_STATE_NULL);
}

void
dc_test_cut_reset_oldest (guint stream)
{
  guint8 chunk[24] = {130, 0, 0, 22, 0, 13, 0, 18}; /* RE-CONFIG, with an Outgoing SSN Reset Request */
  g_autoptr (GstElement) encoder = dup_oldest_encoder ();
  g_autoptr (GstPad) pad = gst_element_get_static_pad (encoder, "src");
  Said said = get_said (pad);

  GST_WRITE_UINT32_BE (chunk + 8, said.first_tsn); /* which is the number of the first request, too */
  GST_WRITE_UINT32_BE (chunk + 16, said.last_tsn + 1);
  GST_WRITE_UINT16_BE (chunk + 20, stream);
  push_chunk (pad, said.header, chunk, sizeof chunk);
}
