/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-chunk.c: a packet of SCTP, read chunk by chunk.
 *
 * Theory of operation
 * -------------------
 * Whoever reads along is no end of the association: what a packet means, and whether it is one, is for SCTP to say, which gets it in any case. So nothing here is an error.
 * A chunk goes as far as its length says; the next begins at the next multiple of four. One that is longer than what is left of the packet,
 * or shorter than its own header, ends the reading, for where another would begin is not known. One of another type, or too short for what its type says, is
 * passed over. Parameters in a chunk are read in the same way, within that.
 *
 * So every read is within the chunk, which is within the packet; and each step goes on by four bytes at least. */
#include "plugins/peer/dc-sctp-chunk.h"

#include <string.h>

#include "plugins/transport/dc-crc32c.h"

#define HEADER_TAG 4u
#define HEADER_CHECKSUM 8u
#define CHUNK_HEADER_SIZE 4u

#define CHUNK_TSN 4u /* of all that begin with one */
#define DATA_STREAM 8u
#define DATA_PPID 12u
#define DATA_SIZE 16u
#define I_DATA_PPID 16u
#define I_DATA_SIZE 20u
#define SACK_SIZE 16u
#define FORWARD_TSN_SIZE 8u
#define INIT_TAG 4u
#define INIT_TSN 16u
#define INIT_SIZE 20u

#define RESET_NUMBER 4u
#define RESET_TSN 12u
#define RESET_SIZE 16u
#define RESPONSE_NUMBER 4u
#define RESPONSE_SIZE 12u

#define TYPE_HEARTBEAT 4

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

/* --- Packets --------------------------------------------------------------------------------------------------------------------- */

void
dc_sctp_reader_init (DcSctpReader *self, gconstpointer packet, gsize size)
{
  *self = (DcSctpReader){packet, size, DC_SCTP_HEADER_SIZE};
}

/* The bytes of the next chunk or parameter, of which @length are there. NULL: there is no other, or it is cut off. */
static const guint8 *
next (DcSctpReader *self, guint16 *length)
{
  const guint8 *bytes;

  if (self->size < CHUNK_HEADER_SIZE || self->position > self->size - CHUNK_HEADER_SIZE)
    return NULL;
  bytes = self->data + self->position;
  *length = read_16 (bytes + 2);
  if (*length < CHUNK_HEADER_SIZE || *length > self->size - self->position)
    return NULL;
  self->position += (gsize) (*length + 3) & ~(gsize) 3;
  return bytes;
}

static gboolean
read_data (const guint8 *bytes, guint16 length, gsize least, gsize ppid_at, DcSctpChunk *chunk)
{
  if (length < least)
    return FALSE;
  chunk->tsn = read_32 (bytes + CHUNK_TSN);
  chunk->stream = read_16 (bytes + DATA_STREAM);
  chunk->ppid = read_32 (bytes + ppid_at);
  return TRUE;
}

static gboolean
read_tsn (const guint8 *bytes, guint16 length, gsize least, DcSctpChunk *chunk)
{
  if (length < least)
    return FALSE;
  chunk->tsn = read_32 (bytes + CHUNK_TSN);
  return TRUE;
}

static gboolean
read_init (const guint8 *bytes, guint16 length, DcSctpChunk *chunk)
{
  if (length < INIT_SIZE)
    return FALSE;
  chunk->tag = read_32 (bytes + INIT_TAG);
  chunk->tsn = read_32 (bytes + INIT_TSN);
  return TRUE;
}

/* FALSE: it says nothing to us. */
static gboolean
read_chunk (const guint8 *bytes, guint16 length, DcSctpChunk *chunk)
{
  chunk->type = bytes[0];
  chunk->flags = bytes[1];
  switch (chunk->type) {
    case DC_SCTP_CHUNK_DATA:
      return read_data (bytes, length, DATA_SIZE, DATA_PPID, chunk);
    case DC_SCTP_CHUNK_I_DATA:
      return read_data (bytes, length, I_DATA_SIZE, I_DATA_PPID, chunk);
    case DC_SCTP_CHUNK_SACK:
      return read_tsn (bytes, length, SACK_SIZE, chunk);
    case DC_SCTP_CHUNK_FORWARD_TSN:
    case DC_SCTP_CHUNK_I_FORWARD_TSN:
      return read_tsn (bytes, length, FORWARD_TSN_SIZE, chunk);
    case DC_SCTP_CHUNK_INIT:
    case DC_SCTP_CHUNK_INIT_ACK:
      return read_init (bytes, length, chunk);
    case DC_SCTP_CHUNK_RE_CONFIG:
      chunk->parameters = (DcSctpReader){bytes, length, CHUNK_HEADER_SIZE};
      return TRUE;
    case DC_SCTP_CHUNK_ABORT:
      return TRUE;
  }
  return FALSE;
}

gboolean
dc_sctp_reader_next (DcSctpReader *self, DcSctpChunk *chunk)
{
  const guint8 *bytes;
  guint16 length;

  while ((bytes = next (self, &length)) != NULL)
    if (read_chunk (bytes, length, chunk))
      return TRUE;
  return FALSE;
}

/* FALSE: it says nothing to us. */
static gboolean
read_parameter (const guint8 *bytes, guint16 length, DcSctpParameter *parameter)
{
  parameter->type = read_16 (bytes);
  if (parameter->type == DC_SCTP_PARAMETER_RESET && length >= RESET_SIZE) {
    parameter->number = read_32 (bytes + RESET_NUMBER);
    parameter->tsn = read_32 (bytes + RESET_TSN);
    return TRUE;
  }
  if (parameter->type == DC_SCTP_PARAMETER_RESPONSE && length >= RESPONSE_SIZE) {
    parameter->number = read_32 (bytes + RESPONSE_NUMBER);
    return TRUE;
  }
  return FALSE;
}

gboolean
dc_sctp_reader_next_parameter (DcSctpReader *self, DcSctpParameter *parameter)
{
  const guint8 *bytes;
  guint16 length;

  while ((bytes = next (self, &length)) != NULL)
    if (read_parameter (bytes, length, parameter))
      return TRUE;
  return FALSE;
}

/* --- Headers, and what we send --------------------------------------------------------------------------------------------------- */

guint32
dc_sctp_header_get_tag (const guint8 *header)
{
  return read_32 (header + HEADER_TAG);
}

GBytes *
dc_sctp_heartbeat_new (const guint8 *header)
{
  /* The information, which comes back, has another length than usrsctp's, which therefore does not look into it. */
  static const guint8 chunk[] = {TYPE_HEARTBEAT, 0, 0, 12, 0, 1, 0, 8, 'd', 'a', 't', 'a'};
  guint8 packet[DC_SCTP_HEADER_SIZE + sizeof chunk] = {0};

  memcpy (packet, header, HEADER_CHECKSUM);
  memcpy (packet + DC_SCTP_HEADER_SIZE, chunk, sizeof chunk);
  dc_crc32c_put (packet, sizeof packet);
  return g_bytes_new (packet, sizeof packet);
}
