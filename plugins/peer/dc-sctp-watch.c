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
 * The other way: sctpdec hands messages over by a queue for each stream, which it throws away when the far side resets the stream, as it does
 * to close a channel; and a far side that leaves may be heard of on another way than its last messages. So those that come whole are
 * counted, and again when they were given. A reset says after which TSN it is; one that comes before that must wait for it.
 * Who has sent one waits for an answer, which names its number; before it has left nobody should hang up.
 * Interleaved data (I-DATA) does not come: GStreamer's usrsctp is not asked to take it.
 *
 * An ABORT is believed if it has our tag, or, where the far side has no association (any more), its own (RFC 9260, section 8.5.1): both are in what we send. Another,
 * as of an association that was before, is left to SCTP, which drops it.
 *
 * How packets are read: dc-sctp-chunk.c. Numbers are compared as serial numbers (RFC 1982). A packet that cannot be read is left to SCTP, and says
 * nothing here. */
#include "plugins/peer/dc-sctp-watch.h"

#include <string.h>

#include "plugins/peer/dc-sctp-arrivals.h"
#include "plugins/peer/dc-sctp-chunk.h"
#include "plugins/transport/dc-ppid.h"

typedef struct {
  guint64 messages; /* that have left, or were given up, since a channel began to use it */
  guint32 last_tsn; /* that has left */
  gboolean open;    /* a message has begun to leave; not of DCEP */
  gboolean opening; /* we say by DCEP what it is for, and nothing has come on it */
} Stream;

struct _DcSctpWatch {
  gint received; /* packets; atomic */
  gint aborted;  /* atomic */

  GMutex lock;
  GArray *streams;                    /* (element-type Stream) */
  guint8 header[DC_SCTP_HEADER_SIZE]; /* of what we send: ports, the far side's tag */
  guint32 tag;                        /* ours; 0: we have not told it yet */
  gboolean any_sent, any_acknowledged;
  guint32 highest_tsn; /* sent */
  guint32 acknowledged_tsn;
  gboolean awaited; /* somebody was told that something has not arrived */
  DcSctpArrivals *arrivals;
  gboolean drain_awaited; /* somebody was told that something has not been given */
  gboolean answer_owed;   /* to the far side's last reset, whose number is reset_number */
  guint32 reset_number;
  guint32 answered_number; /* of the reset whose answer is leaving, or has left */
  gboolean answer_awaited; /* somebody was told that one is owed */
};

DcSctpWatch *
dc_sctp_watch_new (void)
{
  DcSctpWatch *self = g_atomic_rc_box_new0 (DcSctpWatch);

  g_mutex_init (&self->lock);
  self->streams = g_array_new (FALSE, TRUE, sizeof (Stream));
  self->arrivals = dc_sctp_arrivals_new ();
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
  dc_sctp_arrivals_free (self->arrivals);
  g_mutex_clear (&self->lock);
}

void
dc_sctp_watch_unref (DcSctpWatch *self)
{
  g_atomic_rc_box_release_full (self, clear);
}

/* --- Packets --------------------------------------------------------------------------------------------------------------------- */

static gboolean
is_after (guint32 tsn, guint32 other)
{
  return (gint32) (tsn - other) > 0;
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
take_data_locked (DcSctpWatch *self, const DcSctpChunk *chunk)
{
  Stream *stream;

  if (self->any_sent && !is_after (chunk->tsn, self->highest_tsn))
    return; /* once more */
  self->any_sent = TRUE;
  self->highest_tsn = chunk->tsn;
  stream = get_stream_locked (self, chunk->stream);
  stream->last_tsn = chunk->tsn;
  if (chunk->flags & DC_SCTP_BEGINNING) {
    end_message (stream);
    stream->open = chunk->ppid != DC_PPID_DCEP;
  }
  if (chunk->flags & DC_SCTP_END)
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

/* Our SCTP has all up to @tsn. */
static void
acknowledge_locked (DcSctpWatch *self, guint32 tsn)
{
  dc_sctp_arrivals_begin (self->arrivals, tsn + 1);
  dc_sctp_arrivals_skip (self->arrivals, tsn);
}

/* Whether the answer that is owed is in a RE-CONFIG @chunk of ours. */
static gboolean
answers_locked (DcSctpWatch *self, const DcSctpChunk *chunk)
{
  DcSctpReader parameters = chunk->parameters;
  DcSctpParameter parameter;

  while (dc_sctp_reader_next_parameter (&parameters, &parameter))
    if (parameter.type == DC_SCTP_PARAMETER_RESPONSE && self->answer_owed && parameter.number == self->reset_number) {
      self->answered_number = self->reset_number;
      return TRUE;
    }
  return FALSE;
}

/* The first one is it: who repeats its INIT when the association is there gets another tag, which is nobody's. */
static void
take_tag_locked (DcSctpWatch *self, guint32 tag)
{
  if (self->tag == 0)
    self->tag = tag;
}

/* TRUE if it is the answer that is owed. */
static gboolean
take_sent_locked (DcSctpWatch *self, const DcSctpChunk *chunk)
{
  switch (chunk->type) {
    case DC_SCTP_CHUNK_DATA:
    case DC_SCTP_CHUNK_I_DATA:
      take_data_locked (self, chunk);
      break;
    case DC_SCTP_CHUNK_FORWARD_TSN:
    case DC_SCTP_CHUNK_I_FORWARD_TSN:
      take_forward_tsn_locked (self, chunk->tsn);
      break;
    case DC_SCTP_CHUNK_SACK:
      acknowledge_locked (self, chunk->tsn);
      break;
    case DC_SCTP_CHUNK_INIT:
    case DC_SCTP_CHUNK_INIT_ACK:
      take_tag_locked (self, chunk->tag);
      break;
    case DC_SCTP_CHUNK_RE_CONFIG:
      return answers_locked (self, chunk);
    case DC_SCTP_CHUNK_ABORT:
      break;
  }
  return FALSE;
}

gboolean
dc_sctp_watch_sent (DcSctpWatch *self, gconstpointer packet, gsize size)
{
  DcSctpReader reader;
  DcSctpChunk chunk;
  gboolean answers = FALSE;

  dc_sctp_reader_init (&reader, packet, size);
  g_mutex_lock (&self->lock);
  if (size >= DC_SCTP_HEADER_SIZE)
    memcpy (self->header, packet, sizeof self->header);
  while (dc_sctp_reader_next (&reader, &chunk))
    answers = take_sent_locked (self, &chunk) || answers;
  g_mutex_unlock (&self->lock);
  return answers;
}

static gboolean
take_sack_locked (DcSctpWatch *self, guint32 tsn)
{
  if (self->any_acknowledged && !is_after (tsn, self->acknowledged_tsn))
    return FALSE;
  self->any_acknowledged = TRUE;
  self->acknowledged_tsn = tsn;
  return TRUE;
}

/* What the reset requests of a RE-CONFIG @chunk say. */
static DcSctpPacket
judge_resets_locked (DcSctpWatch *self, const DcSctpChunk *chunk)
{
  DcSctpReader parameters = chunk->parameters;
  DcSctpParameter parameter;
  DcSctpPacket packet = 0;

  while (dc_sctp_reader_next_parameter (&parameters, &parameter)) {
    if (parameter.type != DC_SCTP_PARAMETER_RESET)
      continue;
    packet |= DC_SCTP_PACKET_RESETS;
    if (!dc_sctp_arrivals_have_all (self->arrivals, parameter.tsn))
      packet |= DC_SCTP_PACKET_EARLY;
  }
  return packet;
}

static DcSctpPacket
judge_locked (DcSctpWatch *self, DcSctpReader reader)
{
  DcSctpPacket judged = 0;
  DcSctpChunk chunk;

  while (dc_sctp_reader_next (&reader, &chunk))
    if (chunk.type == DC_SCTP_CHUNK_RE_CONFIG)
      judged |= judge_resets_locked (self, &chunk);
  return judged;
}

static void
take_resets_locked (DcSctpWatch *self, const DcSctpChunk *chunk)
{
  DcSctpReader parameters = chunk->parameters;
  DcSctpParameter parameter;

  while (dc_sctp_reader_next_parameter (&parameters, &parameter))
    if (parameter.type == DC_SCTP_PARAMETER_RESET) {
      self->answer_owed = TRUE;
      self->reset_number = parameter.number;
    }
}

static void
take_arrived_locked (DcSctpWatch *self, const DcSctpChunk *chunk)
{
  if (chunk->stream < self->streams->len)
    g_array_index (self->streams, Stream, chunk->stream).opening = FALSE;
  dc_sctp_arrivals_take (self->arrivals, chunk->tsn, chunk->stream, chunk->flags, dc_ppid_is_message (chunk->ppid));
}

/* @tag: of its packet. */
static void
take_abort_locked (DcSctpWatch *self, const DcSctpChunk *chunk, guint32 tag)
{
  gboolean theirs = (chunk->flags & DC_SCTP_NO_ASSOCIATION) != 0;

  if (tag != 0 && tag == (theirs ? dc_sctp_header_get_tag (self->header) : self->tag))
    g_atomic_int_set (&self->aborted, TRUE);
}

/* TRUE if something has newly arrived at the far side. */
static gboolean
take_received_locked (DcSctpWatch *self, const DcSctpChunk *chunk, guint32 tag)
{
  switch (chunk->type) {
    case DC_SCTP_CHUNK_SACK:
      return take_sack_locked (self, chunk->tsn);
    case DC_SCTP_CHUNK_INIT:
    case DC_SCTP_CHUNK_INIT_ACK:
      dc_sctp_arrivals_begin (self->arrivals, chunk->tsn);
      break;
    case DC_SCTP_CHUNK_DATA:
      take_arrived_locked (self, chunk);
      break;
    case DC_SCTP_CHUNK_FORWARD_TSN:
      dc_sctp_arrivals_skip (self->arrivals, chunk->tsn);
      break;
    case DC_SCTP_CHUNK_RE_CONFIG:
      take_resets_locked (self, chunk);
      break;
    case DC_SCTP_CHUNK_ABORT:
      take_abort_locked (self, chunk, tag);
      break;
    case DC_SCTP_CHUNK_I_DATA:
    case DC_SCTP_CHUNK_I_FORWARD_TSN:
      break;
  }
  return FALSE;
}

static DcSctpPacket
take_packet_locked (DcSctpWatch *self, DcSctpReader reader)
{
  gboolean advanced = FALSE;
  DcSctpChunk chunk;

  while (dc_sctp_reader_next (&reader, &chunk))
    advanced = take_received_locked (self, &chunk, dc_sctp_header_get_tag (reader.data)) || advanced;
  if (!advanced || !self->awaited)
    return 0;
  self->awaited = FALSE;
  return DC_SCTP_PACKET_DELIVERED;
}

DcSctpPacket
dc_sctp_watch_received (DcSctpWatch *self, gconstpointer packet, gsize size)
{
  DcSctpReader reader;
  DcSctpPacket judged;

  dc_sctp_reader_init (&reader, packet, size);
  g_atomic_int_inc (&self->received);
  g_mutex_lock (&self->lock);
  judged = judge_locked (self, reader);
  if (!(judged & DC_SCTP_PACKET_EARLY))
    judged |= take_packet_locked (self, reader);
  g_mutex_unlock (&self->lock);
  return judged;
}

gboolean
dc_sctp_watch_is_early (DcSctpWatch *self, gconstpointer packet, gsize size)
{
  DcSctpReader reader;
  gboolean early;

  dc_sctp_reader_init (&reader, packet, size);
  g_mutex_lock (&self->lock);
  early = (judge_locked (self, reader) & DC_SCTP_PACKET_EARLY) != 0;
  g_mutex_unlock (&self->lock);
  return early;
}

/* --- Streams that open ---------------------------------------------------------------------------------------------------------- */

void
dc_sctp_watch_opens (DcSctpWatch *self, guint16 stream)
{
  g_mutex_lock (&self->lock);
  get_stream_locked (self, stream)->opening = TRUE;
  g_mutex_unlock (&self->lock);
}

gboolean
dc_sctp_watch_is_opening (DcSctpWatch *self, guint16 stream)
{
  gboolean opening;

  g_mutex_lock (&self->lock);
  opening = stream < self->streams->len && g_array_index (self->streams, Stream, stream).opening;
  g_mutex_unlock (&self->lock);
  return opening;
}

/* --- What they tell ------------------------------------------------------------------------------------------------------------- */

gboolean
dc_sctp_watch_is_aborted (DcSctpWatch *self)
{
  return g_atomic_int_get (&self->aborted);
}

gboolean
dc_sctp_watch_owes_answer (DcSctpWatch *self)
{
  gboolean owes;

  g_mutex_lock (&self->lock);
  owes = self->answer_owed;
  self->answer_awaited = owes;
  g_mutex_unlock (&self->lock);
  return owes;
}

gboolean
dc_sctp_watch_answered (DcSctpWatch *self)
{
  gboolean news;

  g_mutex_lock (&self->lock);
  /* There may have been another reset since. */
  self->answer_owed = self->answer_owed && self->answered_number != self->reset_number;
  news = self->answer_awaited && !self->answer_owed;
  self->answer_awaited = self->answer_awaited && !news;
  g_mutex_unlock (&self->lock);
  return news;
}

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

void
dc_sctp_watch_begin (DcSctpWatch *self, guint16 number)
{
  Stream *stream;

  g_mutex_lock (&self->lock);
  stream = get_stream_locked (self, number);
  stream->messages = 0;
  stream->open = FALSE;
  g_mutex_unlock (&self->lock);
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

/* Something was given, or forgotten. */
static gboolean
check_drained_locked (DcSctpWatch *self)
{
  gboolean news = self->drain_awaited && dc_sctp_arrivals_get_waiting (self->arrivals) == 0;

  self->drain_awaited = self->drain_awaited && !news;
  return news;
}

gboolean
dc_sctp_watch_given (DcSctpWatch *self, guint16 stream)
{
  gboolean news;

  g_mutex_lock (&self->lock);
  dc_sctp_arrivals_given (self->arrivals, stream);
  news = check_drained_locked (self);
  g_mutex_unlock (&self->lock);
  return news;
}

gboolean
dc_sctp_watch_forget (DcSctpWatch *self, guint16 stream)
{
  gboolean news;

  g_mutex_lock (&self->lock);
  dc_sctp_arrivals_forget (self->arrivals, stream);
  news = check_drained_locked (self);
  g_mutex_unlock (&self->lock);
  return news;
}

gboolean
dc_sctp_watch_is_drained (DcSctpWatch *self)
{
  gboolean drained;

  g_mutex_lock (&self->lock);
  drained = dc_sctp_arrivals_get_waiting (self->arrivals) == 0;
  self->drain_awaited = self->drain_awaited || !drained;
  g_mutex_unlock (&self->lock);
  return drained;
}

guint
dc_sctp_watch_get_waiting (DcSctpWatch *self)
{
  guint waiting;

  g_mutex_lock (&self->lock);
  waiting = dc_sctp_arrivals_get_waiting (self->arrivals);
  g_mutex_unlock (&self->lock);
  return waiting;
}

/* --- Heartbeats ------------------------------------------------------------------------------------------------------------------- */

GBytes *
dc_sctp_watch_make_heartbeat (DcSctpWatch *self)
{
  guint8 header[DC_SCTP_HEADER_SIZE];
  gboolean associated;

  g_mutex_lock (&self->lock);
  associated = self->any_acknowledged;
  memcpy (header, self->header, sizeof header);
  g_mutex_unlock (&self->lock);
  return associated ? dc_sctp_heartbeat_new (header) : NULL;
}
