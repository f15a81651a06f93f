/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* trace.c: the queue of lines between those who print and the one thread that writes. */
#include "apps/trace.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include "apps/dcpeer.h"
#include "apps/text.h"

/* With so many lines waiting, those who may wait do. */
#define QUEUE_LINES 256

typedef struct {
  int fd;
  char *text;
} Line;

struct _DcTrace {
  int out_fd, error_fd;
  gint64 start;
  DcTraceText *text; /* NULL: JSON lines */
  DcTraceBrokenFunc broken_func;
  gpointer user_data;
  GThread *writer;

  GMutex lock; /* for all below, and for text */
  GCond changed;
  GQueue lines; /* of Line */
  gboolean closing;
  gboolean broken; /* nobody reads out_fd */
};

static void
line_free (Line *line)
{
  g_free (line->text);
  g_free (line);
}

static gboolean
write_all (int fd, const char *text)
{
  gsize left = strlen (text);
  while (left > 0) {
    gssize n = write (fd, text, left);
    if (n >= 0) {
      text += n;
      left -= n;
    } else if (errno == EAGAIN) {
      /* A terminal can be non-blocking because of another program that shares it. */
      struct pollfd waiting = {.fd = fd, .events = POLLOUT};
      poll (&waiting, 1, -1);
    } else if (errno != EINTR) {
      return FALSE;
    }
  }
  return TRUE;
}

/* (nullable): closing and nothing left. */
static Line *
wait_for_line (DcTrace *trace)
{
  g_mutex_lock (&trace->lock);
  while (g_queue_is_empty (&trace->lines) && !trace->closing)
    g_cond_wait (&trace->changed, &trace->lock);
  Line *line = g_queue_pop_head (&trace->lines);
  g_cond_broadcast (&trace->changed);
  g_mutex_unlock (&trace->lock);
  return line;
}

static void
set_broken (DcTrace *trace)
{
  g_mutex_lock (&trace->lock);
  gboolean first = !trace->broken;
  trace->broken = TRUE;
  g_mutex_unlock (&trace->lock);
  if (first && trace->broken_func != NULL)
    trace->broken_func (trace->user_data);
}

static gpointer
writer_thread (gpointer data)
{
  DcTrace *trace = data;
  Line *line;
  while ((line = wait_for_line (trace)) != NULL) {
    if (!write_all (line->fd, line->text) && line->fd == trace->out_fd)
      set_broken (trace);
    line_free (line);
  }
  return NULL;
}

DcTrace *
dc_trace_new (gboolean json, int out_fd, int error_fd, DcTraceBrokenFunc broken_func, gpointer user_data)
{
  DcTrace *trace = g_new0 (DcTrace, 1);
  trace->out_fd = out_fd;
  trace->error_fd = error_fd;
  trace->start = g_get_monotonic_time ();
  trace->text = json ? NULL : dc_trace_text_new ();
  trace->broken_func = broken_func;
  trace->user_data = user_data;
  g_mutex_init (&trace->lock);
  g_cond_init (&trace->changed);
  trace->writer = g_thread_new ("trace", writer_thread, trace);
  return trace;
}

void
dc_trace_free (DcTrace *trace)
{
  g_mutex_lock (&trace->lock);
  trace->closing = TRUE;
  g_cond_broadcast (&trace->changed);
  g_mutex_unlock (&trace->lock);
  g_thread_join (trace->writer);

  g_clear_pointer (&trace->text, dc_trace_text_free);
  g_cond_clear (&trace->changed);
  g_mutex_clear (&trace->lock);
  g_free (trace);
}

gdouble
dc_trace_now (DcTrace *trace)
{
  return (g_get_monotonic_time () - trace->start) / (gdouble) G_USEC_PER_SEC;
}

static void
push_line_locked (DcTrace *trace, int fd, char *text)
{
  if (text == NULL || (trace->broken && fd == trace->out_fd)) {
    g_free (text);
    return;
  }
  Line *line = g_new (Line, 1);
  *line = (Line){fd, text};
  g_queue_push_tail (&trace->lines, line);
  g_cond_broadcast (&trace->changed);
}

void
dc_trace_event (DcTrace *trace, GstStructure *event, DcTraceWait wait)
{
  g_mutex_lock (&trace->lock);
  while (wait == DC_TRACE_MAY_WAIT && g_queue_get_length (&trace->lines) >= QUEUE_LINES)
    g_cond_wait (&trace->changed, &trace->lock);
  if (!gst_structure_has_field (event, "t"))
    gst_structure_set (event, "t", G_TYPE_DOUBLE, dc_trace_now (trace), NULL);
  push_line_locked (trace, trace->out_fd,
      trace->text != NULL ? dc_trace_text_format (trace->text, event) : dc_trace_json_format (event));
  g_mutex_unlock (&trace->lock);
  gst_structure_free (event);
}

void
dc_trace_line (DcTrace *trace, int fd, const char *text)
{
  g_mutex_lock (&trace->lock);
  push_line_locked (trace, fd, g_strconcat (text, "\n", NULL));
  g_mutex_unlock (&trace->lock);
}

int
dc_trace_error (DcTrace *trace, const GError *error)
{
  int code = dc_exit_from_error (error);
  dc_trace_event (trace,
      gst_structure_new ("error", "code", G_TYPE_INT, code, "message", G_TYPE_STRING, error->message, NULL),
      DC_TRACE_NO_WAIT);
  g_autofree char *clean = dc_text_escape (error->message, DC_TEXT_WHOLE);
  g_mutex_lock (&trace->lock);
  push_line_locked (trace, trace->error_fd, g_strdup_printf ("dcpeer: %s\n", clean));
  g_mutex_unlock (&trace->lock);
  return code;
}
