/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-chunk.h: a packet of SCTP, read chunk by chunk; of each what a watch wants to know. Sans-IO. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * A packet (RFC 9260, section 3), and what of its chunks is read:
 *
 *     +-------------+-------------+---------------------+---------------------+
 *     | source port | destination | verification tag    | checksum            |  the header
 *     +------+------+-------------+---------------------+---------------------+
 *     | type | flgs | length      |  length counts itself, and no padding to four bytes
 *     +------+------+-------------+---------------------+
 *
 *     DATA             tsn | stream, number | ppid                              section 3.3.1
 *     I-DATA           tsn | stream, - | message | ppid, or number of fragment  RFC 8260, section 2.1
 *     INIT, INIT ACK   tag | window | streams | tsn                             sections 3.3.2 and 3.3.3
 *     SACK             tsn | window | counts                                    section 3.3.4
 *     FORWARD TSN      tsn                                                      RFC 3758, section 3.2; I-: RFC 8260, section 2.3.1
 *     RE-CONFIG        parameters, which begin with type and length too         RFC 6525, section 3.1
 */
#define DC_SCTP_HEADER_SIZE 12u

/* Of DATA and I-DATA. */
enum { DC_SCTP_END = 1 << 0, DC_SCTP_BEGINNING = 1 << 1 };
/* Of ABORT: T, there is no association; the tag is not the receiver's. */
enum { DC_SCTP_NO_ASSOCIATION = 1 << 0 };

typedef enum {
  DC_SCTP_CHUNK_DATA = 0,
  DC_SCTP_CHUNK_INIT = 1,
  DC_SCTP_CHUNK_INIT_ACK = 2,
  DC_SCTP_CHUNK_SACK = 3,
  DC_SCTP_CHUNK_ABORT = 6,
  DC_SCTP_CHUNK_I_DATA = 64,
  DC_SCTP_CHUNK_RE_CONFIG = 130,
  DC_SCTP_CHUNK_FORWARD_TSN = 192,
  DC_SCTP_CHUNK_I_FORWARD_TSN = 194,
} DcSctpChunkType;

/* Of RE-CONFIG: Outgoing SSN Reset Request, and Re-configuration Response (RFC 6525, sections 4.1 and 4.4). */
typedef enum {
  DC_SCTP_PARAMETER_RESET = 13,
  DC_SCTP_PARAMETER_RESPONSE = 16,
} DcSctpParameterType;

/* Where one is in a packet, or in the parameters of a chunk, whose bytes stay the caller's. */
typedef struct {
  const guint8 *data;
  gsize size, position;
} DcSctpReader;

typedef struct {
  DcSctpChunkType type;
  guint8 flags;
  guint32 tsn;             /* its own; the last that has come, or is given up; the first. Not of ABORT and RE-CONFIG */
  guint16 stream;          /* DATA, I-DATA */
  guint32 ppid;            /* DATA, I-DATA: of the first chunk of a message */
  guint32 tag;             /* INIT, INIT ACK: that whoever sends it is to be sent */
  DcSctpReader parameters; /* RE-CONFIG */
} DcSctpChunk;

typedef struct {
  DcSctpParameterType type;
  guint32 number; /* of the request; of the request that is answered */
  guint32 tsn;    /* reset: the last that was sent before */
} DcSctpParameter;

void dc_sctp_reader_init (DcSctpReader *self, gconstpointer packet, gsize size);
/* The next chunk, or parameter of a chunk, that is of these types and whole; others are passed over. FALSE: there is no other, or what comes next
 * is cut off. */
gboolean dc_sctp_reader_next (DcSctpReader *self, DcSctpChunk *chunk);
gboolean dc_sctp_reader_next_parameter (DcSctpReader *self, DcSctpParameter *parameter);

/* The verification tag. @header: DC_SCTP_HEADER_SIZE bytes. */
guint32 dc_sctp_header_get_tag (const guint8 *header);
/* A packet with a HEARTBEAT (RFC 9260, section 3.3.5). @header: of another that goes the same way. (transfer full) */
GBytes *dc_sctp_heartbeat_new (const guint8 *header);

G_END_DECLS
