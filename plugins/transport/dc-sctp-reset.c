/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-reset.c: streams that are closed, each direction by its sender (RFC 6525; RFC 8831, 6.7).
 *
 * usrsctp keeps a request back until everything on its stream has been acknowledged, one request at a time, and takes no message for the stream
 * meanwhile: it says EAGAIN, as it does where the buffer is full. So we keep the streams that are being reset ourselves, also those that
 * were to be before the association was up.
 *
 * A request that names no stream means all of them, up to 65535. Those on which there never was anything mean nothing to anybody, and are not told.
 */
#include "plugins/transport/dc-sctp-association-private.h"

#define WORD_BITS 64u
#define WORDS ((G_MAXUINT16 + 1) / WORD_BITS)

void
dc_sctp_reset_note_use_locked (DcSctpAssociation *self, guint16 stream)
{
  if (self->used == NULL)
    self->used = g_new0 (guint64, WORDS);
  self->used[stream / WORD_BITS] |= G_GUINT64_CONSTANT (1) << stream % WORD_BITS;
}

static gboolean
is_used_locked (const DcSctpAssociation *self, guint stream)
{
  return self->used != NULL && (self->used[stream / WORD_BITS] >> stream % WORD_BITS & 1) != 0;
}

static void
tell_locked (DcSctpAssociation *self, gboolean ours, guint16 stream)
{
  DcSctpEvent event = {.kind = ours ? DC_SCTP_EVENT_WAS_RESET : DC_SCTP_EVENT_RESET, .stream = stream};

  if (ours && !g_hash_table_remove (self->resetting, GUINT_TO_POINTER (stream)))
    return;
  if (!ours && is_used_locked (self, stream))
    self->used[stream / WORD_BITS] &= ~(G_GUINT64_CONSTANT (1) << stream % WORD_BITS);
  g_array_append_val (self->events, event);
}

void
dc_sctp_reset_begin_locked (DcSctpAssociation *self, guint16 stream)
{
  gsize size = sizeof (struct sctp_reset_streams) + sizeof (guint16);
  g_autofree struct sctp_reset_streams *request = g_malloc0 (size);

  request->srs_flags = SCTP_STREAM_RESET_OUTGOING;
  request->srs_number_streams = 1;
  request->srs_stream_list[0] = stream;
  /* A far side that cannot do it (RFC 6525) never hears of it. */
  if (usrsctp_setsockopt (self->socket, IPPROTO_SCTP, SCTP_RESET_STREAMS, request, (socklen_t) size) != 0)
    tell_locked (self, TRUE, stream);
}

void
dc_sctp_association_reset_stream (DcSctpAssociation *self, guint16 stream)
{
  dc_sctp_enter (self);
  if (self->state <= DC_SCTP_UP && g_hash_table_add (self->resetting, GUINT_TO_POINTER (stream))
      && self->state == DC_SCTP_UP)
    dc_sctp_reset_begin_locked (self, stream);
  dc_sctp_deliver_and_leave (self);
}

void
dc_sctp_reset_notified_locked (DcSctpAssociation *self, const struct sctp_stream_reset_event *event)
{
  guint n = (guint) ((event->strreset_length - sizeof *event) / sizeof event->strreset_stream_list[0]);
  gboolean ours = (event->strreset_flags & SCTP_STREAM_RESET_OUTGOING_SSN) != 0;

  if (!ours && (event->strreset_flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED)) != 0)
    return;
  for (guint i = 0; i < n; i++)
    tell_locked (self, ours, event->strreset_stream_list[i]);
  /* None means all. */
  for (guint stream = 0; n == 0 && stream < (ours ? self->out_streams : self->in_streams); stream++)
    if (ours || is_used_locked (self, stream))
      tell_locked (self, ours, (guint16) stream);
}
