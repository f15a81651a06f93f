/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tape.c: what passes a pad, a line each. */
#include "tests/tape.h"

#define FLAGS                                                                                                          \
  (GST_BUFFER_FLAG_DISCONT | GST_BUFFER_FLAG_DELTA_UNIT | GST_BUFFER_FLAG_HEADER | GST_BUFFER_FLAG_GAP                 \
      | GST_BUFFER_FLAG_MARKER | GST_BUFFER_FLAG_RESYNC | GST_BUFFER_FLAG_DROPPABLE | GST_BUFFER_FLAG_CORRUPTED)

static Tape *
tape_new (void)
{
  Tape *tape = g_new0 (Tape, 1);

  g_mutex_init (&tape->lock);
  g_cond_init (&tape->cond);
  tape->lines = g_ptr_array_new_with_free_func (g_free);
  tape->sums = g_ptr_array_new_with_free_func (g_free);
  return tape;
}

void
tape_free (Tape *tape)
{
  g_ptr_array_unref (tape->lines);
  g_ptr_array_unref (tape->sums);
  g_free (tape->tags[0]);
  g_free (tape->tags[1]);
  g_mutex_clear (&tape->lock);
  g_cond_clear (&tape->cond);
  g_free (tape);
}

static char *
get_sum (GstBuffer *buffer)
{
  GstMapInfo map;
  char *sum;

  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  sum = g_compute_checksum_for_data (G_CHECKSUM_MD5, map.data, map.size);
  gst_buffer_unmap (buffer, &map);
  return sum;
}

static GstClockTime
get_running_time (GstPad *pad, GstClockTime time)
{
  g_autoptr (GstEvent) event = gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  const GstSegment *segment;

  g_assert_nonnull (event);
  gst_event_parse_segment (event, &segment);
  return segment->format == GST_FORMAT_TIME ? gst_segment_to_running_time (segment, GST_FORMAT_TIME, time)
                                            : GST_CLOCK_TIME_NONE;
}

static void
tape_write (Tape *tape, char *line)
{
  g_mutex_lock (&tape->lock);
  g_ptr_array_add (tape->lines, line);
  g_cond_broadcast (&tape->cond);
  g_mutex_unlock (&tape->lock);
}

static void
tape_buffer (Tape *tape, GstPad *pad, GstBuffer *buffer)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  g_autofree char *format = caps != NULL ? gst_caps_to_string (caps) : NULL;
  char *sum = get_sum (buffer);
  char *line = g_strdup_printf ("%" G_GSIZE_FORMAT " bytes %s pts %" G_GUINT64_FORMAT " dts %" G_GUINT64_FORMAT
                                " duration %" G_GUINT64_FORMAT " offset %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT
                                " flags %x running %" G_GUINT64_FORMAT " %s",
      gst_buffer_get_size (buffer), sum, GST_BUFFER_PTS (buffer), GST_BUFFER_DTS (buffer), GST_BUFFER_DURATION (buffer),
      GST_BUFFER_OFFSET (buffer), GST_BUFFER_OFFSET_END (buffer), GST_BUFFER_FLAGS (buffer) & FLAGS,
      get_running_time (pad, GST_BUFFER_PTS (buffer)), format);

  tape->last = g_get_monotonic_time ();
  g_mutex_lock (&tape->lock);
  g_ptr_array_add (tape->sums, sum);
  if (!GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT)
      && !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_HEADER))
    tape->n_key_units++;
  g_mutex_unlock (&tape->lock);
  tape_write (tape, line);
}

static void
tape_event (Tape *tape, GstPad *pad, GstEvent *event)
{
  GstClockTime timestamp, duration;
  GstTagList *tags;

  if (GST_EVENT_TYPE (event) == GST_EVENT_GAP) {
    gst_event_parse_gap (event, &timestamp, &duration);
    tape_write (tape, g_strdup_printf ("gap %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, timestamp, duration));
  } else if (GST_EVENT_TYPE (event) == GST_EVENT_TAG) {
    gst_event_parse_tag (event, &tags);
    g_free (tape->tags[gst_tag_list_get_scope (tags)]);
    tape->tags[gst_tag_list_get_scope (tags)] = gst_tag_list_to_string (tags);
  } else if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP) {
    g_mutex_lock (&tape->lock);
    tape->n_flushes++;
    g_ptr_array_set_size (tape->lines, 0);
    g_ptr_array_set_size (tape->sums, 0);
    g_mutex_unlock (&tape->lock);
  }
}

static GstPadProbeReturn
tape_cb (GstPad *pad, GstPadProbeInfo *info, gpointer tape)
{
  GstBufferList *list;

  if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
    tape_buffer (tape, pad, GST_PAD_PROBE_INFO_BUFFER (info));
  else if (info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
    list = GST_PAD_PROBE_INFO_BUFFER_LIST (info);
    for (guint i = 0; i < gst_buffer_list_length (list); i++)
      tape_buffer (tape, pad, gst_buffer_list_get (list, i));
  } else
    tape_event (tape, pad, GST_PAD_PROBE_INFO_EVENT (info));
  return GST_PAD_PROBE_OK;
}

Tape *
tape_of (GstElement *element)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, "sink");
  Tape *tape = tape_new ();

  if (pad == NULL)
    pad = gst_element_get_static_pad (element, "src");
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM
          | GST_PAD_PROBE_TYPE_EVENT_FLUSH,
      tape_cb, tape, NULL);
  return tape;
}

void
tape_wait (Tape *tape, guint n_buffers)
{
  g_mutex_lock (&tape->lock);
  while (tape->sums->len < n_buffers)
    g_cond_wait (&tape->cond, &tape->lock);
  g_mutex_unlock (&tape->lock);
}

void
tape_assert_same_lines (GPtrArray *sent, GPtrArray *received)
{
  for (guint i = 0; i < MIN (sent->len, received->len); i++)
    g_assert_cmpstr (g_ptr_array_index (received, i), ==, g_ptr_array_index (sent, i));
  g_assert_cmpuint (received->len, ==, sent->len);
}

void
tape_assert_same (Tape *sent, Tape *received)
{
  tape_assert_same_lines (sent->lines, received->lines);
  g_assert_cmpstr (sent->tags[0], ==, received->tags[0]);
  g_assert_cmpstr (sent->tags[1], ==, received->tags[1]);
}

void
tape_assert_tail (Tape *sent, Tape *received, guint at_least)
{
  guint skipped = sent->sums->len - received->sums->len;

  g_assert_cmpuint (received->sums->len, <=, sent->sums->len);
  g_assert_cmpuint (received->sums->len, >=, at_least);
  for (guint i = 0; i < received->sums->len; i++)
    g_assert_cmpstr (g_ptr_array_index (received->sums, i), ==, g_ptr_array_index (sent->sums, skipped + i));
}
