/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* flow.c: `flow send` and `flow receive`: a stream of numbered units at a given rate, for the suite `slow`.
 *
 * A unit is a number of buffers; the first of each is a key unit, the others depend on it. Each buffer begins with a Mark. The receiver
 * takes buffers at the rate it was told and knows of each whether it may come where it came: the next of its unit, the first of the next
 * unit, or, behind a gap, the first of any later one with DISCONT. Anything else is a fault.
 *
 * What both print is for slow.py: element messages and errors as they come, and at the end one line `flow: NAME=NUMBER ...`. */
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <locale.h>

#define WARM_UP (3 * G_TIME_SPAN_SECOND) /* buffers on the way fill up: not counted into rates */

typedef struct {
  guint32 unit, index;
} Mark;

typedef struct {
  double rate; /* bytes a second */
  double seconds;
  int size, length; /* bytes of a buffer, buffers of a unit */
  int receivers;    /* to wait for before the first buffer */
  gint joined;      /* atomic */
  GstElement *pipeline;
  gint over; /* atomic: EOS or an error has come */
  gint failed;

  /* The thread that sends or receives; read when the pipeline is down. */
  gint64 began, first;
  guint64 bytes, late_bytes; /* all; since the warm-up */
  guint64 units, gaps, faults;
  Mark next;
} Flow;

static gboolean
is_over (Flow *flow)
{
  return g_atomic_int_get (&flow->over);
}

static void
handle_error (Flow *flow, GstMessage *message)
{
  g_autoptr (GError) error = NULL;

  gst_message_parse_error (message, &error, NULL);
  g_print ("flow: ERROR: from %s: %s\n", GST_MESSAGE_SRC_NAME (message), error->message);
  flow->failed = TRUE;
  g_atomic_int_set (&flow->over, TRUE);
}

/* Streaming threads and others. */
static GstBusSyncReply
take_message (GstBus *bus, GstMessage *message, gpointer data)
{
  Flow *flow = data;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ELEMENT) {
    g_autofree char *text = gst_structure_to_string (gst_message_get_structure (message));
    g_print ("%s\n", text);
    if (gst_message_has_name (message, "datachannel-peer-joined"))
      g_atomic_int_inc (&flow->joined);
  } else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    handle_error (flow, message);
  } else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS) {
    g_atomic_int_set (&flow->over, TRUE);
  } else {
    return GST_BUS_PASS;
  }
  gst_bus_post (bus, gst_message_new_application (NULL, gst_structure_new_empty ("look")));
  gst_message_unref (message);
  return GST_BUS_DROP;
}

/* Counts a buffer, and sleeps until the next is due. Time that was lost is not made up for, but for a tenth of a second of it. */
static void
count_and_pace (Flow *flow, gsize size)
{
  gint64 now = g_get_monotonic_time (), due;

  if (flow->first == 0)
    flow->first = flow->began = now;
  flow->bytes += size;
  if (now - flow->first >= WARM_UP)
    flow->late_bytes += size;
  if (flow->rate <= 0)
    return;
  flow->began += (gint64) (1e6 * (double) size / flow->rate);
  flow->began = MAX (flow->began, now - G_TIME_SPAN_SECOND / 10);
  due = flow->began - now;
  if (due > 0)
    g_usleep ((gulong) due);
}

static gboolean
start (Flow *flow, char *description)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstBus) bus = NULL;

  flow->pipeline = gst_parse_launch (description, &error);
  if (error != NULL) {
    g_printerr ("flow: %s\n", error->message);
    return FALSE;
  }
  bus = gst_element_get_bus (flow->pipeline);
  gst_bus_set_sync_handler (bus, take_message, flow, NULL);
  gst_element_set_state (flow->pipeline, GST_STATE_PLAYING);
  return TRUE;
}

static int
finish (Flow *flow)
{
  gint64 late = g_get_monotonic_time () - flow->first - WARM_UP;

  g_print ("flow: bytes=%" G_GUINT64_FORMAT " rate=%.0f units=%" G_GUINT64_FORMAT " gaps=%" G_GUINT64_FORMAT
           " faults=%" G_GUINT64_FORMAT "\n",
      flow->bytes, flow->first != 0 && late > 0 ? 1e6 * (double) flow->late_bytes / (double) late : 0.0, flow->units,
      flow->gaps, flow->faults);
  gst_element_set_state (flow->pipeline, GST_STATE_NULL);
  gst_object_unref (flow->pipeline);
  return flow->failed || flow->faults > 0 ? 1 : 0;
}

/* Or until @joined receivers are there. */
static void
wait_until_over (Flow *flow, int joined)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (flow->pipeline);

  while (!is_over (flow) && g_atomic_int_get (&flow->joined) < joined)
    gst_message_unref (gst_bus_timed_pop (bus, GST_CLOCK_TIME_NONE));
}

/* --- Sending ------------------------------------------------------------------------------------------------------------------- */

static GstBuffer *
make_buffer (Flow *flow)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, (gsize) flow->size, NULL);

  gst_buffer_memset (buffer, 0, (guint8) flow->next.unit, (gsize) flow->size);
  gst_buffer_fill (buffer, 0, &flow->next, sizeof (Mark));
  if (flow->next.index > 0)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  else
    flow->units++;
  flow->next.index++;
  if (flow->next.index == (guint32) flow->length)
    flow->next = (Mark){flow->next.unit + 1, 0};
  return buffer;
}

static int
send (Flow *flow, const char *element)
{
  g_autofree char *description =
      g_strdup_printf ("appsrc name=src block=true max-buffers=1 caps=application/x-flow ! %s", element);
  g_autoptr (GstElement) src = NULL;

  if (!start (flow, description))
    return 2;
  src = gst_bin_get_by_name (GST_BIN (flow->pipeline), "src");
  wait_until_over (flow, flow->receivers);
  while (
      !is_over (flow) && (flow->first == 0 || g_get_monotonic_time () - flow->first < (gint64) (flow->seconds * 1e6))) {
    if (gst_app_src_push_buffer (GST_APP_SRC (src), make_buffer (flow)) != GST_FLOW_OK)
      break;
    count_and_pace (flow, (gsize) flow->size);
  }
  gst_app_src_end_of_stream (GST_APP_SRC (src));
  wait_until_over (flow, G_MAXINT);
  return finish (flow);
}

/* --- Receiving ----------------------------------------------------------------------------------------------------------------- */

static gboolean
may_come (Flow *flow, GstBuffer *buffer, const Mark *mark)
{
  gboolean delta = GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);

  if (delta != (mark->index > 0))
    return FALSE;
  if (mark->unit == flow->next.unit && mark->index == flow->next.index)
    return TRUE;
  flow->gaps++;
  return mark->index == 0 && mark->unit > flow->next.unit && GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT);
}

static void
take_buffer (GstElement *sink, GstBuffer *buffer, GstPad *pad, Flow *flow)
{
  gsize size = gst_buffer_get_size (buffer);
  Mark mark = {0};

  if (gst_buffer_extract (buffer, 0, &mark, sizeof mark) != sizeof mark)
    flow->faults++;
  else if (flow->bytes == 0)
    flow->next = (Mark){mark.unit, 0}; /* those who come late begin late */
  if (!may_come (flow, buffer, &mark)) {
    flow->faults++;
    g_print ("flow: unit %u, buffer %u came instead of unit %u, buffer %u\n", mark.unit, mark.index, flow->next.unit,
        flow->next.index);
  }
  flow->units += mark.index == 0;
  flow->next = mark.index + 1 == (guint32) flow->length ? (Mark){mark.unit + 1, 0} : (Mark){mark.unit, mark.index + 1};
  count_and_pace (flow, size);
}

static int
receive (Flow *flow, const char *element)
{
  g_autofree char *description = g_strdup_printf ("%s ! fakesink name=sink sync=false signal-handoffs=false", element);
  g_autoptr (GstElement) sink = NULL;

  if (!start (flow, description))
    return 2;
  sink = gst_bin_get_by_name (GST_BIN (flow->pipeline), "sink");
  g_signal_connect (sink, "handoff", G_CALLBACK (take_buffer), flow);
  g_object_set (sink, "signal-handoffs", TRUE, NULL);
  wait_until_over (flow, G_MAXINT);
  return finish (flow);
}

int
main (int argc, char **argv)
{
  Flow flow = {.size = 65536, .length = 16, .seconds = 60, .receivers = 1};
  const GOptionEntry entries[] = {
      {"rate", 0, 0, G_OPTION_ARG_DOUBLE, &flow.rate, "As many a second, 0 (the default): as fast as it goes", "BYTES"},
      {"seconds", 0, 0, G_OPTION_ARG_DOUBLE, &flow.seconds, "send: for how long (60)", "N"},
      {"receivers", 0, 0, G_OPTION_ARG_INT, &flow.receivers, "send: begin when so many are there (1)", "N"},
      {"size", 0, 0, G_OPTION_ARG_INT, &flow.size, "Of a buffer (65536)", "BYTES"},
      {"unit", 0, 0, G_OPTION_ARG_INT, &flow.length, "From key unit to key unit (16)", "BUFFERS"},
      {NULL},
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("send|receive 'ELEMENT PROPERTY=VALUE...'");
  g_autoptr (GError) error = NULL;

  setlocale (LC_CTYPE, "");
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 3 || flow.size < (int) sizeof (Mark)
      || flow.length < 1) {
    g_printerr ("flow: %s\n", error != NULL ? error->message : "see flow --help");
    return 2;
  }
  if (g_str_equal (argv[1], "send"))
    return send (&flow, argv[2]);
  return receive (&flow, argv[2]);
}
