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
 * Numbers are compared as serial numbers (RFC 1982). A packet that cannot be read is left to SCTP, and says nothing here. */
#include "plugins/peer/dc-sctp-watch.h"

#include <string.h>

#include "plugins/peer/dc-sctp-arrivals.h"
#include "plugins/transport/dc-crc32c.h"
#include "plugins/transport/dc-ppid.h"

#define PACKET_HEADER_SIZE 12u
#define HEADER_TAG 4u
#define CHECKSUM_SIZE 4u
#define CHUNK_HEADER_SIZE 4u

enum {
  CHUNK_DATA = 0,
  CHUNK_INIT = 1,
  CHUNK_INIT_ACK = 2,
  CHUNK_SACK = 3,
  CHUNK_HEARTBEAT = 4,
  CHUNK_ABORT = 6,
  CHUNK_I_DATA = 64,
  CHUNK_RE_CONFIG = 130,
  CHUNK_FORWARD_TSN = 192,
  CHUNK_I_FORWARD_TSN = 194,
};

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
#define FLAG_NO_ASSOCIATION 1 /* of ABORT: T */
#define INIT_TAG 4u
#define INIT_TSN 16u
#define INIT_SIZE 20u

/* Of RE-CONFIG: Outgoing SSN Reset Request, and Re-configuration Response (RFC 6525, sections 4.1 and 4.4). */
#define PARAMETER_OUTGOING_RESET 13u
#define RESET_NUMBER 4u
#define RESET_TSN 12u
#define RESET_SIZE 16u
#define PARAMETER_RESPONSE 16u
#define RESPONSE_NUMBER 4u
#define RESPONSE_SIZE 12u

/* RFC 8831, section 8. */

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
  GArray *streams;                   /* (element-type Stream) */
  guint8 header[PACKET_HEADER_SIZE]; /* of what we send: ports, the far side's tag; the checksum is left out */
  guint32 tag;                       /* ours; 0: we have not told it yet */
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

/* The chunk at @position, which is moved behind it; parameters inside a chunk begin in the same way. NULL: there is no other, or it is cut
 * off. */
static const guint8 *
next_chunk (const guint8 *data, gsize size, gsize *position, guint16 *length)
{
  const guint8 *chunk;

  if (size < CHUNK_HEADER_SIZE || *position > size - CHUNK_HEADER_SIZE)
    return NULL;
  chunk = data + *position;
  *length = read_16 (chunk + 2);
  if (*length < CHUNK_HEADER_SIZE || *length > size - *position)
    return NULL;
  *position += (gsize) (*length + 3) & ~(gsize) 3;
  return chunk;
}

/* The next parameter of RE-CONFIG that is of @type and has @at_least so many bytes. (nullable) */
static const guint8 *
next_parameter (const guint8 *chunk, guint16 length, gsize *position, guint type, guint at_least)
{
  const guint8 *parameter;
  guint16 size;

  while ((parameter = next_chunk (chunk, length, position, &size)) != NULL)
    if (read_16 (parameter) == type && size >= at_least)
      return parameter;
  return NULL;
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
  if (chunk[1] & DC_SCTP_BEGINNING) {
    end_message (stream);
    stream->open = read_32 (chunk + ppid_at) != DC_PPID_DCEP;
  }
  if (chunk[1] & DC_SCTP_END)
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
answers_locked (DcSctpWatch *self, const guint8 *chunk, guint16 length)
{
  gsize position = CHUNK_HEADER_SIZE;
  const guint8 *response;

  while ((response = next_parameter (chunk, length, &position, PARAMETER_RESPONSE, RESPONSE_SIZE)) != NULL)
    if (self->answer_owed && read_32 (response + RESPONSE_NUMBER) == self->reset_number) {
      self->answered_number = self->reset_number;
      return TRUE;
    }
  return FALSE;
}

/* The first one is it: who repeats its INIT when the association is there gets another tag, which is nobody's. */
static void
take_tag_locked (DcSctpWatch *self, const guint8 *chunk)
{
  if (self->tag == 0)
    self->tag = read_32 (chunk + INIT_TAG);
}

gboolean
dc_sctp_watch_sent (DcSctpWatch *self, gconstpointer packet, gsize size)
{
  gsize position = PACKET_HEADER_SIZE;
  const guint8 *chunk;
  guint16 length;
  gboolean answers = FALSE;

  g_mutex_lock (&self->lock);
  if (size >= PACKET_HEADER_SIZE)
    memcpy (self->header, packet, PACKET_HEADER_SIZE - CHECKSUM_SIZE);
  while ((chunk = next_chunk (packet, size, &position, &length)) != NULL) {
    if (chunk[0] == CHUNK_DATA && length >= DATA_SIZE)
      take_data_locked (self, chunk, DATA_PPID);
    else if (chunk[0] == CHUNK_I_DATA && length >= I_DATA_SIZE)
      take_data_locked (self, chunk, I_DATA_PPID);
    else if ((chunk[0] == CHUNK_FORWARD_TSN || chunk[0] == CHUNK_I_FORWARD_TSN) && length >= FORWARD_TSN_SIZE)
      take_forward_tsn_locked (self, read_32 (chunk + FORWARD_TSN_TSN));
    else if (chunk[0] == CHUNK_SACK && length >= SACK_SIZE)
      acknowledge_locked (self, read_32 (chunk + SACK_TSN));
    else if ((chunk[0] == CHUNK_INIT || chunk[0] == CHUNK_INIT_ACK) && length >= INIT_SIZE)
      take_tag_locked (self, chunk);
    else if (chunk[0] == CHUNK_RE_CONFIG)
      answers = answers_locked (self, chunk, length) || answers;
  }
  g_mutex_unlock (&self->lock);
  return answers;
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

static gboolean
is_message (guint32 ppid)
{
  return dc_ppid_is_message (ppid);
}

/* What the reset requests of a RE-CONFIG @chunk say. */
static DcSctpPacket
judge_resets_locked (DcSctpWatch *self, const guint8 *chunk, guint16 length)
{
  gsize position = CHUNK_HEADER_SIZE;
  DcSctpPacket packet = 0;
  const guint8 *reset;

  while ((reset = next_parameter (chunk, length, &position, PARAMETER_OUTGOING_RESET, RESET_SIZE)) != NULL) {
    packet |= DC_SCTP_PACKET_RESETS;
    if (!dc_sctp_arrivals_have_all (self->arrivals, read_32 (reset + RESET_TSN)))
      packet |= DC_SCTP_PACKET_EARLY;
  }
  return packet;
}

static DcSctpPacket
judge_locked (DcSctpWatch *self, const guint8 *packet, gsize size)
{
  gsize position = PACKET_HEADER_SIZE;
  DcSctpPacket judged = 0;
  const guint8 *chunk;
  guint16 length;

  while ((chunk = next_chunk (packet, size, &position, &length)) != NULL)
    if (chunk[0] == CHUNK_RE_CONFIG)
      judged |= judge_resets_locked (self, chunk, length);
  return judged;
}

static void
take_resets_locked (DcSctpWatch *self, const guint8 *chunk, guint16 length)
{
  gsize position = CHUNK_HEADER_SIZE;
  const guint8 *reset;

  while ((reset = next_parameter (chunk, length, &position, PARAMETER_OUTGOING_RESET, RESET_SIZE)) != NULL) {
    self->answer_owed = TRUE;
    self->reset_number = read_32 (reset + RESET_NUMBER);
  }
}

static void
take_arrived_locked (DcSctpWatch *self, const guint8 *chunk)
{
  guint16 stream = read_16 (chunk + DATA_STREAM);

  if (stream < self->streams->len)
    g_array_index (self->streams, Stream, stream).opening = FALSE;
  dc_sctp_arrivals_take (
      self->arrivals, read_32 (chunk + DATA_TSN), stream, chunk[1], is_message (read_32 (chunk + DATA_PPID)));
}

static gboolean
is_abort_locked (const DcSctpWatch *self, const guint8 *packet, const guint8 *chunk)
{
  guint32 tag = read_32 (packet + HEADER_TAG);

  if (chunk[0] != CHUNK_ABORT || tag == 0)
    return FALSE;
  return tag == ((chunk[1] & FLAG_NO_ASSOCIATION) ? read_32 (self->header + HEADER_TAG) : self->tag);
}

/* TRUE if something has newly arrived at the far side. */
static gboolean
take_chunk_locked (DcSctpWatch *self, const guint8 *chunk, guint16 length)
{
  if (chunk[0] == CHUNK_SACK && length >= SACK_SIZE)
    return take_sack_locked (self, chunk);
  if ((chunk[0] == CHUNK_INIT || chunk[0] == CHUNK_INIT_ACK) && length >= INIT_SIZE)
    dc_sctp_arrivals_begin (self->arrivals, read_32 (chunk + INIT_TSN));
  else if (chunk[0] == CHUNK_DATA && length >= DATA_SIZE)
    take_arrived_locked (self, chunk);
  else if (chunk[0] == CHUNK_FORWARD_TSN && length >= FORWARD_TSN_SIZE)
    dc_sctp_arrivals_skip (self->arrivals, read_32 (chunk + FORWARD_TSN_TSN));
  else if (chunk[0] == CHUNK_RE_CONFIG)
    take_resets_locked (self, chunk, length);
  return FALSE;
}

static DcSctpPacket
take_chunks_locked (DcSctpWatch *self, const guint8 *packet, gsize size)
{
  gsize position = PACKET_HEADER_SIZE;
  gboolean advanced = FALSE;
  const guint8 *chunk;
  guint16 length;

  while ((chunk = next_chunk (packet, size, &position, &length)) != NULL) {
    advanced = take_chunk_locked (self, chunk, length) || advanced;
    if (is_abort_locked (self, packet, chunk))
      g_atomic_int_set (&self->aborted, TRUE);
  }
  if (!advanced || !self->awaited)
    return 0;
  self->awaited = FALSE;
  return DC_SCTP_PACKET_DELIVERED;
}

DcSctpPacket
dc_sctp_watch_received (DcSctpWatch *self, gconstpointer packet, gsize size)
{
  DcSctpPacket judged;

  g_atomic_int_inc (&self->received);
  g_mutex_lock (&self->lock);
  judged = judge_locked (self, packet, size);
  if (!(judged & DC_SCTP_PACKET_EARLY))
    judged |= take_chunks_locked (self, packet, size);
  g_mutex_unlock (&self->lock);
  return judged;
}

gboolean
dc_sctp_watch_is_early (DcSctpWatch *self, gconstpointer packet, gsize size)
{
  gboolean early;

  g_mutex_lock (&self->lock);
  early = (judge_locked (self, packet, size) & DC_SCTP_PACKET_EARLY) != 0;
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
  /* The information, which comes back, has another length than usrsctp's, which therefore does not look into it. */
  static const guint8 chunk[] = {CHUNK_HEARTBEAT, 0, 0, 12, 0, 1, 0, 8, 'd', 'a', 't', 'a'};
  guint8 packet[PACKET_HEADER_SIZE + sizeof chunk];
  gboolean associated;

  g_mutex_lock (&self->lock);
  associated = self->any_acknowledged;
  memcpy (packet, self->header, PACKET_HEADER_SIZE);
  g_mutex_unlock (&self->lock);
  if (!associated)
    return NULL;
  memcpy (packet + PACKET_HEADER_SIZE, chunk, sizeof chunk);
  dc_crc32c_put (packet, sizeof packet);
  return g_bytes_new (packet, sizeof packet);
}
