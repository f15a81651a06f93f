/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bench-receive.c: the receiving end of a measurement. */

/*
 * Theory of operation
 * -------------------
 * Records are found and checked in whatever pieces the element makes of the stream; one has arrived when its last byte has. "complete" is
 * said when as many have come as the sender sends, at EOS, or when nothing has come for STALL_TIMEOUT (what loses some never gets
 * to the end); the process then stays for what the element has to say at its end.
 */
#include "tests/bench/bench-elements.h"
#include "tests/bench/dc-bench-record.h"

#define STALL_TIMEOUT 2 /* s */

typedef struct {
  BenchEnd end;
  const BenchOptions *options;
  DcBenchReader *reader; /* streaming thread */
  int n_buffers;         /* atomic */
  int n_buffers_seen;    /* when looked at last; main thread */

  GMutex lock;  /* of the following; the streaming thread changes them */
  gint64 start; /* ns: of the first record, whether it counts or not */
  gint64 n_records;
  BenchMoment first;
  gint64 last;       /* ns */
  GArray *latencies; /* of gint32, µs */
} Receiver;

static void
record_cb (guint64 sequence, gint64 time, gpointer user_data)
{
  Receiver *self = user_data;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  gint64 now = bench_now ();

  if (self->start == 0)
    self->start = now;
  if (sequence == DC_BENCH_RECORD_WARM_UP)
    return;

  self->last = now;
  if (self->n_records++ == 0)
    self->first = bench_get_moment ();
  if (self->n_records == self->options->n_records)
    bench_say_complete ();
  if (self->options->interval > 0 && sequence >= (guint64) self->options->n_skipped) {
    gint32 latency = (now - time) / 1000;
    g_array_append_val (self->latencies, latency);
  }
}

static GstPadProbeReturn
buffer_cb (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Receiver *self = user_data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  GstMapInfo map;

  g_atomic_int_inc (&self->n_buffers);
  gst_buffer_map (buffer, &map, GST_MAP_READ);
  dc_bench_reader_push (self->reader, map.data, map.size);
  gst_buffer_unmap (buffer, &map);
  return GST_PAD_PROBE_OK;
}

static gboolean
look_cb (gpointer user_data)
{
  Receiver *self = user_data;
  int n_buffers = g_atomic_int_get (&self->n_buffers);

  if (n_buffers > 0 && n_buffers == self->n_buffers_seen)
    bench_say_complete ();
  self->n_buffers_seen = n_buffers;
  return G_SOURCE_CONTINUE;
}

static char *
write_fields (Receiver *self)
{
  GString *fields = g_string_new (NULL);

  g_string_append_printf (fields,
      ", \"start\": %" G_GINT64_FORMAT ", \"first\": %" G_GINT64_FORMAT ", \"last\": %" G_GINT64_FORMAT
      ", \"records\": %" G_GINT64_FORMAT ", \"latencies\": [",
      self->start, self->first.time, self->last, self->n_records);
  for (guint i = 0; i < self->latencies->len; i++)
    g_string_append_printf (fields, "%s%d", i > 0 ? ", " : "", g_array_index (self->latencies, gint32, i));
  g_string_append_c (fields, ']');
  return g_string_free (fields, FALSE);
}

static void
receiver_clear (Receiver *self)
{
  bench_end_clear (&self->end);
  g_clear_pointer (&self->reader, dc_bench_reader_free);
  g_clear_pointer (&self->latencies, g_array_unref);
  g_mutex_clear (&self->lock);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Receiver, receiver_clear)

int
bench_receive (const BenchOptions *options, GError **error)
{
  g_auto (Receiver) self = {.options = options};
  g_autofree char *description =
      g_strdup_printf ("%s ! fakesink name=sink sync=false enable-last-sample=false", options->element);

  g_mutex_init (&self.lock);
  self.reader = dc_bench_reader_new (options->length, record_cb, &self);
  self.latencies = g_array_new (FALSE, FALSE, sizeof (gint32));
  if (!bench_end_init (&self.end, description, error))
    return -1;

  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (self.end.pipeline), "sink");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (sink, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, buffer_cb, &self, NULL);
  guint look = g_timeout_add_seconds (STALL_TIMEOUT, look_cb, &self);

  bench_end_run (&self.end, FALSE);
  g_source_remove (look);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self.lock);
  g_autofree char *fields = write_fields (&self);
  return bench_end_report (&self.end, &self.first, fields);
}
