/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-watch.c: what the packets of an SCTP association tell who reads along.
 *
 * Theory of operation
 * -------------------
 * webrtcbin says when SCTP has taken a message, and nothing of its arrival; usrsctp, which knows, is out of reach inside of GStreamer's
 * plugin. But packets pass us in clear between SCTP and DTLS: DATA chunks (RFC 9260, section 3.3.1, and I-DATA of RFC 8260) carry transmission
 * sequence numbers (TSN), which count up, and SACK chunks say up to which of them all has arrived. A chunk that is sent again has a number that
 * was seen before. The first and the last chunk of each message have a flag, so messages are counted when they have left, and for each
 * stream we keep their number and the TSN of the last chunk. Messages of one stream leave one after the other (usrsctp interleaves none).
 *
 * What is given up (partial reliability, RFC 3758) is acknowledged too, once FORWARD TSN has told the far side to do without. Of a message
 * that is given up while it leaves, the last chunk never does: its end is the FORWARD TSN that passes it, or the next message's beginning.
 *
 * Numbers are compared as serial numbers (RFC 1982). A packet that cannot be read is left to SCTP, and says nothing here. */
#include "plugins/peer/dc-sctp-watch.h"

#include <string.h>

#define PACKET_HEADER_SIZE 12u
#define CHUNK_HEADER_SIZE 4u

enum { CHUNK_DATA = 0, CHUNK_SACK = 3, CHUNK_I_DATA = 64, CHUNK_FORWARD_TSN = 192, CHUNK_I_FORWARD_TSN = 194 };
enum { FLAG_END = 1 << 0, FLAG_BEGINNING = 1 << 1 };

#define DATA_TSN 4u
#define DATA_STREAM 8u
#define DATA_PPID 12u
#define DATA_SIZE 16u
#define I_DATA_PPID 16u /* of the first chunk of a message only */
#define I_DATA_SIZE 20u
#define SACK_TSN 4u
#define SACK_SIZE 16u
#define FORWARD_TSN_TSN 4u
#define FORWARD_TSN_SIZE 8u

#define PPID_DCEP 50u

typedef struct {
  guint64 messages; /* that have left, or were given up */
  guint32 last_tsn; /* that has left */
  gboolean open;    /* a message has begun to leave; not of DCEP */
} Stream;

struct _DcSctpWatch {
  gint received; /* packets; atomic */

  GMutex lock;
  GArray *streams; /* (element-type Stream) */
  gboolean any_sent, any_acknowledged;
  guint32 highest_tsn; /* sent */
  guint32 acknowledged_tsn;
  gboolean awaited; /* somebody was told that something has not arrived */
};

DcSctpWatch *
dc_sctp_watch_new (void)
{
  DcSctpWatch *self = g_atomic_rc_box_new0 (DcSctpWatch);

  g_mutex_init (&self->lock);
  self->streams = g_array_new (FALSE, TRUE, sizeof (Stream));
  return self;
}

DcSctpWatch *
dc_sctp_watch_ref (DcSctpWatch *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
clear (gpointer data)
{
  DcSctpWatch *self = data;

  g_array_unref (self->streams);
  g_mutex_clear (&self->lock);
}

void
dc_sctp_watch_unref (DcSctpWatch *self)
{
  g_atomic_rc_box_release_full (self, clear);
}

/* --- Packets --------------------------------------------------------------------------------------------------------------------- */

static guint16
read_16 (const guint8 *data)
{
  return (guint16) (data[0] << 8 | data[1]);
}

static guint32
read_32 (const guint8 *data)
{
  return (guint32) read_16 (data) << 16 | read_16 (data + 2);
}

static gboolean
is_after (guint32 tsn, guint32 other)
{
  return (gint32) (tsn - other) > 0;
}

/* The chunk at @position, which is moved behind it. NULL: there is no other, or it is cut off. */
static const guint8 *
next_chunk (const guint8 *packet, gsize size, gsize *position, guint16 *length)
{
  const guint8 *chunk = packet + *position;

  if (size < CHUNK_HEADER_SIZE || *position > size - CHUNK_HEADER_SIZE)
    return NULL;
  *length = read_16 (chunk + 2);
  if (*length < CHUNK_HEADER_SIZE || *length > size - *position)
    return NULL;
  *position += (gsize) (*length + 3) & ~(gsize) 3;
  return chunk;
}

static Stream *
get_stream_locked (DcSctpWatch *self, guint16 number)
{
  if (number >= self->streams->len)
    g_array_set_size (self->streams, number + 1u);
  return &g_array_index (self->streams, Stream, number);
}

static void
end_message (Stream *stream)
{
  stream->messages += stream->open ? 1 : 0;
  stream->open = FALSE;
}

static void
take_data_locked (DcSctpWatch *self, const guint8 *chunk, gsize ppid_at)
{
  guint32 tsn = read_32 (chunk + DATA_TSN);
  Stream *stream;

  if (self->any_sent && !is_after (tsn, self->highest_tsn))
    return; /* once more */
  self->any_sent = TRUE;
  self->highest_tsn = tsn;
  stream = get_stream_locked (self, read_16 (chunk + DATA_STREAM));
  stream->last_tsn = tsn;
  if (chunk[1] & FLAG_BEGINNING) {
    end_message (stream);
    stream->open = read_32 (chunk + ppid_at) != PPID_DCEP;
  }
  if (chunk[1] & FLAG_END)
    end_message (stream);
}

static void
take_forward_tsn_locked (DcSctpWatch *self, guint32 tsn)
{
  for (guint i = 0; i < self->streams->len; i++) {
    Stream *stream = &g_array_index (self->streams, Stream, i);
    if (!is_after (stream->last_tsn, tsn))
      end_message (stream);
  }
}

void
dc_sctp_watch_sent (DcSctpWatch *self, gconstpointer packet, gsize size)
{
  gsize position = PACKET_HEADER_SIZE;
  const guint8 *chunk;
  guint16 length;

  g_mutex_lock (&self->lock);
  while ((chunk = next_chunk (packet, size, &position, &length)) != NULL) {
    if (chunk[0] == CHUNK_DATA && length >= DATA_SIZE)
      take_data_locked (self, chunk, DATA_PPID);
    else if (chunk[0] == CHUNK_I_DATA && length >= I_DATA_SIZE)
      take_data_locked (self, chunk, I_DATA_PPID);
    else if ((chunk[0] == CHUNK_FORWARD_TSN || chunk[0] == CHUNK_I_FORWARD_TSN) && length >= FORWARD_TSN_SIZE)
      take_forward_tsn_locked (self, read_32 (chunk + FORWARD_TSN_TSN));
  }
  g_mutex_unlock (&self->lock);
}

static gboolean
take_sack_locked (DcSctpWatch *self, const guint8 *chunk)
{
  guint32 tsn = read_32 (chunk + SACK_TSN);

  if (self->any_acknowledged && !is_after (tsn, self->acknowledged_tsn))
    return FALSE;
  self->any_acknowledged = TRUE;
  self->acknowledged_tsn = tsn;
  return TRUE;
}

gboolean
dc_sctp_watch_received (DcSctpWatch *self, gconstpointer packet, gsize size)
{
  gsize position = PACKET_HEADER_SIZE;
  gboolean advanced = FALSE;
  const guint8 *chunk;
  guint16 length;

  g_atomic_int_inc (&self->received);
  g_mutex_lock (&self->lock);
  while ((chunk = next_chunk (packet, size, &position, &length)) != NULL) {
    if (chunk[0] == CHUNK_SACK && length >= SACK_SIZE)
      advanced = take_sack_locked (self, chunk) || advanced;
  }
  advanced = advanced && self->awaited;
  if (advanced)
    self->awaited = FALSE;
  g_mutex_unlock (&self->lock);
  return advanced;
}

/* --- What they tell ------------------------------------------------------------------------------------------------------------- */

guint
dc_sctp_watch_get_received (DcSctpWatch *self)
{
  return (guint) g_atomic_int_get (&self->received);
}

static gboolean
has_delivered_locked (DcSctpWatch *self, guint16 number, guint64 n)
{
  const Stream *stream;

  if (n == 0)
    return TRUE;
  if (number >= self->streams->len || !self->any_acknowledged)
    return FALSE;
  stream = &g_array_index (self->streams, Stream, number);
  return stream->messages >= n && !is_after (stream->last_tsn, self->acknowledged_tsn);
}

gboolean
dc_sctp_watch_has_delivered (DcSctpWatch *self, guint16 stream, guint64 n)
{
  gboolean delivered;

  g_mutex_lock (&self->lock);
  delivered = has_delivered_locked (self, stream, n);
  self->awaited = self->awaited || !delivered;
  g_mutex_unlock (&self->lock);
  return delivered;
}
