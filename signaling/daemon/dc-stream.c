/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-stream.c: a GIOStream that counts what leaves, reads fairly and closes at once. See dc-stream.h. */
#include "signaling/daemon/dc-stream.h"

#define DC_TYPE_STREAM_INPUT (dc_stream_input_get_type ())
G_DECLARE_FINAL_TYPE (DcStreamInput, dc_stream_input, DC, STREAM_INPUT, GInputStream)
#define DC_TYPE_STREAM_OUTPUT (dc_stream_output_get_type ())
G_DECLARE_FINAL_TYPE (DcStreamOutput, dc_stream_output, DC, STREAM_OUTPUT, GOutputStream)

struct _DcStreamInput {
  GInputStream parent;
  GPollableInputStream *base;
  gsize portion; /* bytes that may still be read in this turn */
};

struct _DcStreamOutput {
  GOutputStream parent;
  GPollableOutputStream *base;
  guint64 written;
};

struct _DcStream {
  GIOStream parent;
  GIOStream *base;
  GSocket *socket;
  DcStreamInput *input;
  DcStreamOutput *output;
};

static void dc_stream_input_pollable_init (GPollableInputStreamInterface *iface);
static void dc_stream_output_pollable_init (GPollableOutputStreamInterface *iface);

G_DEFINE_TYPE_WITH_CODE (DcStreamInput, dc_stream_input, G_TYPE_INPUT_STREAM,
    G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM, dc_stream_input_pollable_init))
G_DEFINE_TYPE_WITH_CODE (DcStreamOutput, dc_stream_output, G_TYPE_OUTPUT_STREAM,
    G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_OUTPUT_STREAM, dc_stream_output_pollable_init))
G_DEFINE_TYPE (DcStream, dc_stream, G_TYPE_IO_STREAM)

static gssize
input_read_nonblocking (GPollableInputStream *pollable, void *buffer, gsize count, GError **error)
{
  DcStreamInput *self = DC_STREAM_INPUT (pollable);

  if (self->portion == 0) {
    self->portion = DC_STREAM_PORTION;
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "the turn is over");
    return -1;
  }
  gssize length =
      g_pollable_input_stream_read_nonblocking (self->base, buffer, MIN (count, self->portion), NULL, error);
  if (length > 0)
    self->portion -= length;
  else
    self->portion = DC_STREAM_PORTION;
  return length;
}

static gboolean
input_is_readable (GPollableInputStream *pollable)
{
  return g_pollable_input_stream_is_readable (DC_STREAM_INPUT (pollable)->base);
}

static GSource *
input_create_source (GPollableInputStream *pollable, GCancellable *cancellable)
{
  g_autoptr (GSource) source = g_pollable_input_stream_create_source (DC_STREAM_INPUT (pollable)->base, cancellable);

  return g_pollable_source_new_full (pollable, source, NULL);
}

static void
dc_stream_input_pollable_init (GPollableInputStreamInterface *iface)
{
  iface->is_readable = input_is_readable;
  iface->create_source = input_create_source;
  iface->read_nonblocking = input_read_nonblocking;
}

static void
dc_stream_input_finalize (GObject *object)
{
  g_object_unref (DC_STREAM_INPUT (object)->base);
  G_OBJECT_CLASS (dc_stream_input_parent_class)->finalize (object);
}

static void
dc_stream_input_class_init (DcStreamInputClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = dc_stream_input_finalize;
}

static void
dc_stream_input_init (DcStreamInput *self)
{
  self->portion = DC_STREAM_PORTION;
}

static gssize
output_write_nonblocking (GPollableOutputStream *pollable, const void *buffer, gsize count, GError **error)
{
  DcStreamOutput *self = DC_STREAM_OUTPUT (pollable);
  gssize length = g_pollable_output_stream_write_nonblocking (self->base, buffer, count, NULL, error);

  if (length > 0)
    self->written += length;
  return length;
}

static gboolean
output_is_writable (GPollableOutputStream *pollable)
{
  return g_pollable_output_stream_is_writable (DC_STREAM_OUTPUT (pollable)->base);
}

static GSource *
output_create_source (GPollableOutputStream *pollable, GCancellable *cancellable)
{
  g_autoptr (GSource) source = g_pollable_output_stream_create_source (DC_STREAM_OUTPUT (pollable)->base, cancellable);

  return g_pollable_source_new_full (pollable, source, NULL);
}

static void
dc_stream_output_pollable_init (GPollableOutputStreamInterface *iface)
{
  iface->is_writable = output_is_writable;
  iface->create_source = output_create_source;
  iface->write_nonblocking = output_write_nonblocking;
}

static void
dc_stream_output_finalize (GObject *object)
{
  g_object_unref (DC_STREAM_OUTPUT (object)->base);
  G_OBJECT_CLASS (dc_stream_output_parent_class)->finalize (object);
}

static void
dc_stream_output_class_init (DcStreamOutputClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = dc_stream_output_finalize;
}

static void
dc_stream_output_init (DcStreamOutput *self)
{
}

static GInputStream *
dc_stream_get_input (GIOStream *stream)
{
  return G_INPUT_STREAM (DC_STREAM (stream)->input);
}

static GOutputStream *
dc_stream_get_output (GIOStream *stream)
{
  return G_OUTPUT_STREAM (DC_STREAM (stream)->output);
}

static gboolean
dc_stream_close (GIOStream *stream, GCancellable *cancellable, GError **error)
{
  return g_socket_close (DC_STREAM (stream)->socket, error);
}

/* The parent's would use a thread. */
static void
dc_stream_close_async (
    GIOStream *stream, int priority, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (stream, cancellable, callback, user_data);

  g_task_set_priority (task, priority);
  g_socket_close (DC_STREAM (stream)->socket, NULL);
  g_task_return_boolean (task, TRUE);
}

static gboolean
dc_stream_close_finish (GIOStream *stream, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
dc_stream_finalize (GObject *object)
{
  DcStream *self = DC_STREAM (object);

  g_object_unref (self->input);
  g_object_unref (self->output);
  g_object_unref (self->base);
  g_object_unref (self->socket);
  G_OBJECT_CLASS (dc_stream_parent_class)->finalize (object);
}

static void
dc_stream_class_init (DcStreamClass *klass)
{
  GIOStreamClass *stream_class = G_IO_STREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = dc_stream_finalize;
  stream_class->get_input_stream = dc_stream_get_input;
  stream_class->get_output_stream = dc_stream_get_output;
  stream_class->close_fn = dc_stream_close;
  stream_class->close_async = dc_stream_close_async;
  stream_class->close_finish = dc_stream_close_finish;
}

static void
dc_stream_init (DcStream *self)
{
  self->input = g_object_new (DC_TYPE_STREAM_INPUT, NULL);
  self->output = g_object_new (DC_TYPE_STREAM_OUTPUT, NULL);
}

GIOStream *
dc_stream_new (GIOStream *base, GSocket *socket)
{
  DcStream *self = g_object_new (DC_TYPE_STREAM, NULL);

  self->base = g_object_ref (base);
  self->socket = g_object_ref (socket);
  self->input->base = g_object_ref (G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (base)));
  self->output->base = g_object_ref (G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (base)));
  return G_IO_STREAM (self);
}

guint64
dc_stream_get_written (DcStream *self)
{
  return self->output->written;
}
