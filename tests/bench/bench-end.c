/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bench-end.c: the life of a pipeline that is measured. */
#include "tests/bench/bench-elements.h"
#include "tests/bench/dc-bench-say.h"

#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define EOS_TIMEOUT 3 /* s */

gint64
bench_now (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec;
}

BenchMoment
bench_get_moment (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (BenchMoment){bench_now (), (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * G_USEC_PER_SEC
                                         + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec};
}

static gboolean
message_cb (GstBus *bus, GstMessage *message, gpointer user_data)
{
  BenchEnd *self = user_data;

  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_ERROR:
      if (!self->error)
        gst_message_parse_error (message, &self->error, NULL);
      g_main_loop_quit (self->loop);
      break;
    case GST_MESSAGE_EOS:
      self->eos = TRUE;
      bench_say_complete ();
      if (self->is_dismissed)
        g_main_loop_quit (self->loop);
      break;
    default:
      break;
  }
  return G_SOURCE_CONTINUE;
}

static gboolean
input_cb (int fd, GIOCondition condition, gpointer user_data)
{
  BenchEnd *self = user_data;
  char buffer[64];

  if (read (fd, buffer, sizeof buffer) > 0)
    return G_SOURCE_CONTINUE;
  self->is_dismissed = TRUE;
  g_main_loop_quit (self->loop);
  return G_SOURCE_REMOVE;
}

static gboolean
eos_timeout_cb (gpointer user_data)
{
  BenchEnd *self = user_data;

  g_main_loop_quit (self->loop);
  return G_SOURCE_REMOVE;
}

gboolean
bench_end_init (BenchEnd *self, const char *description, GError **error)
{
  self->pipeline = gst_parse_launch (description, error);
  if (!self->pipeline)
    return FALSE;
  self->element = gst_bin_get_by_name (GST_BIN (self->pipeline), "element");
  if (!self->element) {
    g_set_error (error, GST_PARSE_ERROR, GST_PARSE_ERROR_SYNTAX, "no element in \"%s\" has name=element", description);
    return FALSE;
  }
  self->loop = g_main_loop_new (NULL, FALSE);
  self->input = g_unix_fd_source_new (STDIN_FILENO, G_IO_IN | G_IO_HUP);
  g_source_set_callback (self->input, G_SOURCE_FUNC (input_cb), self, NULL);
  g_source_attach (self->input, NULL);

  g_autoptr (GstBus) bus = gst_element_get_bus (self->pipeline);
  gst_bus_add_watch (bus, message_cb, self);
  return TRUE;
}

static int
get_port (GstElement *element)
{
  int port = 0;

  if (g_object_class_find_property (G_OBJECT_GET_CLASS (element), "current-port"))
    g_object_get (element, "current-port", &port, NULL);
  return port;
}

void
bench_end_run (BenchEnd *self, gboolean needs_eos)
{
  self->playing = bench_get_moment ();
  gst_element_set_state (self->pipeline, GST_STATE_PLAYING); /* what fails comes as a message */
  printf ("ready %d\n", get_port (self->element));
  fflush (stdout);
  g_main_loop_run (self->loop);

  if (needs_eos && !self->eos && !self->error) {
    g_timeout_add_seconds (EOS_TIMEOUT, eos_timeout_cb, self);
    g_main_loop_run (self->loop);
  }
  self->ended = bench_get_moment ();
}

void
bench_say_complete (void)
{
  static gsize said = 0;

  if (g_once_init_enter (&said)) {
    puts ("complete");
    fflush (stdout);
    g_once_init_leave (&said, 1);
  }
}

int
bench_end_report (BenchEnd *self, const BenchMoment *connected, const char *fields)
{
  g_autofree char *fault = dc_bench_quote (self->error ? self->error->message : "");
  const BenchMoment *from = connected->time > 0 ? connected : &self->ended;
  printf ("{\"playing\": %" G_GINT64_FORMAT ", \"setup_cpu\": %" G_GINT64_FORMAT ", \"cpu\": %" G_GINT64_FORMAT
          ", \"memory\": %" G_GINT64_FORMAT ", \"eos\": %s, \"error\": %s%s}\n",
      self->playing.time, from->cpu - self->playing.cpu, self->ended.cpu - from->cpu, dc_bench_get_memory ("VmHWM"),
      self->eos ? "true" : "false", fault, fields);
  fflush (stdout);
  return self->error ? 1 : 0;
}

void
bench_end_clear (BenchEnd *self)
{
  if (self->pipeline) {
    g_autoptr (GstBus) bus = gst_element_get_bus (self->pipeline);
    gst_bus_remove_watch (bus);
    gst_element_set_state (self->pipeline, GST_STATE_NULL);
  }
  g_clear_object (&self->element);
  g_clear_object (&self->pipeline);
  if (self->input)
    g_source_destroy (self->input);
  g_clear_pointer (&self->input, g_source_unref);
  g_clear_pointer (&self->loop, g_main_loop_unref);
  g_clear_error (&self->error);
}
