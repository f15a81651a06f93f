/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-turn-refusal.c: an answer in place of a TURN server that cannot be reached.
 *
 * The head of a request is read, an Allocate error response is written, and everything else is thrown away until the other side hangs up: a socket that is
 * closed with something unread takes along what was written. */
#include "plugins/peer/dc-turn-refusal.h"

#include <string.h>
#include <stun/stunmessage.h>

#define SKIP_BYTES 1024

typedef struct {
  GIOStream *stream;
  GCancellable *cancellable;
  GDestroyNotify done;
  gpointer user_data;
  guint8 bytes[STUN_MESSAGE_HEADER_LENGTH + 8]; /* the head of the request, then the answer to it */
} Refusal;

static void
hang_up (Refusal *self)
{
  g_io_stream_close (self->stream, NULL, NULL);
  self->done (self->user_data);
  g_object_unref (self->stream);
  g_object_unref (self->cancellable);
  g_free (self);
}

static void skip_rest (Refusal *self);

static void
on_skipped (GObject *source, GAsyncResult *result, gpointer user_data)
{
  if (g_input_stream_skip_finish (G_INPUT_STREAM (source), result, NULL) > 0)
    skip_rest (user_data);
  else
    hang_up (user_data);
}

static void
skip_rest (Refusal *self)
{
  g_input_stream_skip_async (
      g_io_stream_get_input_stream (self->stream), SKIP_BYTES, G_PRIORITY_DEFAULT, self->cancellable, on_skipped, self);
}

static void
on_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  if (g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, NULL))
    skip_rest (user_data);
  else
    hang_up (user_data);
}

/* The same transaction id; an Allocate error response; ERROR-CODE 500 (RFC 8489, sections 5 and 14.8). */
static void
on_request (GObject *source, GAsyncResult *result, gpointer user_data)
{
  static const guint8 head[] = {0x01, 0x13, 0, 8}, code[] = {0, 9, 0, 4, 0, 0, 5, 0};
  Refusal *self = user_data;
  gsize size = 0;

  g_input_stream_read_all_finish (G_INPUT_STREAM (source), result, &size, NULL);
  if (size < STUN_MESSAGE_HEADER_LENGTH) {
    hang_up (self);
    return;
  }
  memcpy (self->bytes, head, sizeof head);
  memcpy (self->bytes + STUN_MESSAGE_HEADER_LENGTH, code, sizeof code);
  g_output_stream_write_all_async (g_io_stream_get_output_stream (self->stream), self->bytes, sizeof self->bytes,
      G_PRIORITY_DEFAULT, self->cancellable, on_answered, self);
}

void
dc_turn_refuse (GIOStream *stream, GCancellable *cancellable, GDestroyNotify done, gpointer user_data)
{
  Refusal *self = g_new0 (Refusal, 1);

  self->stream = g_object_ref (stream);
  self->cancellable = g_object_ref (cancellable);
  self->done = done;
  self->user_data = user_data;
  g_input_stream_read_all_async (g_io_stream_get_input_stream (stream), self->bytes, STUN_MESSAGE_HEADER_LENGTH,
      G_PRIORITY_DEFAULT, cancellable, on_request, self);
}
