/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bench-send.c: the sending end of a measurement. */

/*
 * Theory of operation
 * -------------------
 * fakesrc's buffers become records on its pad. The second is asked for when the element has taken the first, which it does only once it
 * is connected: from then on the CPU time counts, and the schedule of a paced stream.
 *
 * Not so tcpserversink, which throws away what comes before its first client, and whatever has several receivers: they tell who is
 * served, and until all are, records go out that do not count.
 *
 * A paced record has the time at which it was due, even if the element still held the streaming thread then: otherwise a sender that
 * stands still would hide it. Only if our own sleep took too long it has the time of waking.
 */
#include "tests/bench/bench-elements.h"
#include "tests/bench/dc-bench-record.h"

#include <errno.h>
#include <time.h>

#define WARM_UP_INTERVAL 1000000 /* ns */

typedef struct {
  BenchEnd end;
  const BenchOptions *options;
  int n_missing; /* atomic: receivers that are not served yet */
  guint8 *contents;

  GMutex lock; /* of the following; the streaming thread changes them */
  gint64 n_sent;
  BenchMoment connected;
} Sender;

/* Any thread. */
static void
receiver_added (Sender *self)
{
  g_atomic_int_add (&self->n_missing, -1);
}

static GstBusSyncReply
sync_message_cb (GstBus *bus, GstMessage *message, gpointer user_data)
{
  if (gst_message_has_name (message, "datachannel-peer-joined"))
    receiver_added (user_data);
  return GST_BUS_PASS;
}

static void
watch_receivers (Sender *self)
{
  GstElement *element = self->end.element;

  if (g_signal_lookup ("client-added", G_OBJECT_TYPE (element))) {
    self->n_missing = self->options->n_receivers;
    g_signal_connect_swapped (element, "client-added", G_CALLBACK (receiver_added), self);
  } else if (self->options->n_receivers > 1) {
    g_autoptr (GstBus) bus = gst_element_get_bus (self->end.pipeline);
    self->n_missing = self->options->n_receivers;
    gst_bus_set_sync_handler (bus, sync_message_cb, self, NULL);
  }
}

static void
sleep_until (gint64 time)
{
  struct timespec until = {time / 1000000000, time % 1000000000};

  while (clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
    ;
}

/* Waits for record @index's turn and returns its time. */
static gint64
await_turn (Sender *self, gint64 index)
{
  gint64 due = self->connected.time + (index - 1) * self->options->interval * 1000;

  if (index == 0 || self->options->interval == 0)
    return bench_now ();
  if (bench_now () >= due)
    return due;
  sleep_until (due);
  return bench_now ();
}

static void
write_record (Sender *self, GstBuffer *buffer, guint64 sequence, gint64 time)
{
  GstMapInfo map;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  dc_bench_record_write (map.data, map.size, self->contents, sequence, time);
  gst_buffer_unmap (buffer, &map);
}

/* The index of the record whose turn is next. */
static gint64
begin_record (Sender *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  gint64 index = self->n_sent;

  if (index == 1)
    self->connected = bench_get_moment ();
  if (index < self->options->n_records)
    self->n_sent++;
  return index;
}

static GstPadProbeReturn
buffer_cb (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Sender *self = user_data;
  GstBuffer *buffer = gst_buffer_make_writable (GST_PAD_PROBE_INFO_BUFFER (info));

  GST_PAD_PROBE_INFO_DATA (info) = buffer;
  if (g_atomic_int_get (&self->n_missing) > 0) {
    sleep_until (bench_now () + WARM_UP_INTERVAL);
    write_record (self, buffer, DC_BENCH_RECORD_WARM_UP, 0);
    return GST_PAD_PROBE_OK;
  }

  gint64 index = begin_record (self);
  if (index == self->options->n_records) {
    gst_buffer_unref (buffer);
    GST_PAD_PROBE_INFO_FLOW_RETURN (info) = GST_FLOW_EOS;
    return GST_PAD_PROBE_HANDLED;
  }
  write_record (self, buffer, index, await_turn (self, index));
  return GST_PAD_PROBE_OK;
}

static void
sender_clear (Sender *self)
{
  bench_end_clear (&self->end);
  g_free (self->contents);
  g_mutex_clear (&self->lock);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Sender, sender_clear)

int
bench_send (const BenchOptions *options, GError **error)
{
  g_auto (Sender) self = {.options = options};
  g_autofree char *description =
      g_strdup_printf ("fakesrc name=source is-live=true sizetype=fixed sizemax=%d filltype=nothing ! %s",
          options->length, options->element);

  g_mutex_init (&self.lock);
  self.contents = dc_bench_record_new_contents (options->length);
  if (!bench_end_init (&self.end, description, error))
    return -1;

  g_autoptr (GstElement) source = gst_bin_get_by_name (GST_BIN (self.end.pipeline), "source");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (source, "src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, buffer_cb, &self, NULL);
  watch_receivers (&self);

  bench_end_run (&self.end, TRUE);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self.lock);
  g_autofree char *fields = g_strdup_printf (", \"records\": %" G_GINT64_FORMAT, self.n_sent);
  return bench_end_report (&self.end, &self.connected, fields);
}
