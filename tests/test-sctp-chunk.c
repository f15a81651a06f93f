/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sctp-chunk.c: packets of SCTP, chunk by chunk: what is read, cut off, passed over. */
#include "plugins/peer/dc-sctp-chunk.h"

#define HEADER 0x13, 0x88, 0x13, 0x88, 0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 0
#define DATA DC_SCTP_CHUNK_DATA, DC_SCTP_END, 0, 17, 0, 0, 0, 1, 0, 5, 0, 0, 0, 0, 0, 51, 'x'
#define I_DATA DC_SCTP_CHUNK_I_DATA, 0, 0, 20, 0, 0, 0, 2, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 53
#define INIT_ACK DC_SCTP_CHUNK_INIT_ACK, 0, 0, 20, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3
#define SACK DC_SCTP_CHUNK_SACK, 0, 0, 16, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0
#define FORWARD_TSN DC_SCTP_CHUNK_FORWARD_TSN, 0, 0, 8, 0, 0, 0, 5
#define ABORT DC_SCTP_CHUNK_ABORT, DC_SCTP_NO_ASSOCIATION, 0, 4
#define RESET 0, DC_SCTP_PARAMETER_RESET, 0, 18, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 6, 0, 1
#define RESPONSE 0, DC_SCTP_PARAMETER_RESPONSE, 0, 12, 0, 0, 0, 9, 0, 0, 0, 1
#define PAD_2 0, 0
#define PAD_3 0, 0, 0

/* A reader of its own bytes, so that a step too far is seen. */
typedef struct {
  guint8 *bytes;
  DcSctpReader reader;
} Packet;

static void
packet_init (Packet *packet, const guint8 *bytes, gsize size)
{
  packet->bytes = g_memdup2 (bytes, size);
  dc_sctp_reader_init (&packet->reader, packet->bytes, size);
}

static void
packet_clear (Packet *packet)
{
  g_free (packet->bytes);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Packet, packet_clear)

static DcSctpChunk
read_chunk (Packet *packet, DcSctpChunkType type)
{
  DcSctpChunk chunk = {0};

  g_assert_true (dc_sctp_reader_next (&packet->reader, &chunk));
  g_assert_cmpuint (chunk.type, ==, type);
  return chunk;
}

static void
assert_end (Packet *packet)
{
  DcSctpChunk chunk;

  g_assert_false (dc_sctp_reader_next (&packet->reader, &chunk));
  g_assert_false (dc_sctp_reader_next (&packet->reader, &chunk));
}

static void
test_kinds (void)
{
  static const guint8 bytes[] = {HEADER, DATA, PAD_3, I_DATA, INIT_ACK, SACK, FORWARD_TSN, ABORT};
  g_auto (Packet) packet = {0};
  DcSctpChunk chunk;

  packet_init (&packet, bytes, sizeof bytes);
  g_assert_cmphex (dc_sctp_header_get_tag (bytes), ==, 0xcafebabe);
  chunk = read_chunk (&packet, DC_SCTP_CHUNK_DATA);
  g_assert_cmpuint (chunk.flags, ==, DC_SCTP_END);
  g_assert_cmpuint (chunk.tsn, ==, 1);
  g_assert_cmpuint (chunk.stream, ==, 5);
  g_assert_cmpuint (chunk.ppid, ==, 51);
  chunk = read_chunk (&packet, DC_SCTP_CHUNK_I_DATA);
  g_assert_cmpuint (chunk.tsn, ==, 2);
  g_assert_cmpuint (chunk.stream, ==, 6);
  g_assert_cmpuint (chunk.ppid, ==, 53);
  chunk = read_chunk (&packet, DC_SCTP_CHUNK_INIT_ACK);
  g_assert_cmpuint (chunk.tag, ==, 7);
  g_assert_cmpuint (chunk.tsn, ==, 3);
  g_assert_cmpuint (read_chunk (&packet, DC_SCTP_CHUNK_SACK).tsn, ==, 4);
  g_assert_cmpuint (read_chunk (&packet, DC_SCTP_CHUNK_FORWARD_TSN).tsn, ==, 5);
  g_assert_cmpuint (read_chunk (&packet, DC_SCTP_CHUNK_ABORT).flags, ==, DC_SCTP_NO_ASSOCIATION);
  assert_end (&packet);
}

static void
test_parameters (void)
{
  static const guint8 bytes[] = {HEADER, DC_SCTP_CHUNK_RE_CONFIG, 0, 0, 48, RESPONSE, RESET, PAD_2, /* too short: */ 0,
      DC_SCTP_PARAMETER_RESPONSE, 0, 8, 0, 0, 0, 0, /* cut off: */ 0, DC_SCTP_PARAMETER_RESPONSE, 0, 12, SACK};
  g_auto (Packet) packet = {0};
  DcSctpChunk chunk;
  DcSctpParameter parameter;

  packet_init (&packet, bytes, sizeof bytes);
  chunk = read_chunk (&packet, DC_SCTP_CHUNK_RE_CONFIG);
  g_assert_true (dc_sctp_reader_next_parameter (&chunk.parameters, &parameter));
  g_assert_cmpuint (parameter.type, ==, DC_SCTP_PARAMETER_RESPONSE);
  g_assert_cmpuint (parameter.number, ==, 9);
  g_assert_true (dc_sctp_reader_next_parameter (&chunk.parameters, &parameter));
  g_assert_cmpuint (parameter.type, ==, DC_SCTP_PARAMETER_RESET);
  g_assert_cmpuint (parameter.number, ==, 8);
  g_assert_cmpuint (parameter.tsn, ==, 6);
  g_assert_false (dc_sctp_reader_next_parameter (&chunk.parameters, &parameter));
  read_chunk (&packet, DC_SCTP_CHUNK_SACK);
  assert_end (&packet);
}

/* What is whole before the cut is read. */
static void
test_cut_off (void)
{
  static const guint8 bytes[] = {HEADER, DATA, PAD_3, I_DATA, INIT_ACK, SACK, FORWARD_TSN, ABORT};
  static const gsize ends[] = {29, 52, 72, 88, 96, 100};
  guint n = 0;

  g_assert_cmpuint (ends[G_N_ELEMENTS (ends) - 1], ==, sizeof bytes);
  for (gsize size = 0; size <= sizeof bytes; size++) {
    g_auto (Packet) packet = {0};
    DcSctpChunk chunk;
    n += n < G_N_ELEMENTS (ends) && size == ends[n];
    packet_init (&packet, bytes, size);
    for (guint i = 0; i < n; i++)
      g_assert_true (dc_sctp_reader_next (&packet.reader, &chunk));
    assert_end (&packet);
  }
}

/* Of another type, or too short for its type. */
static void
test_passed_over (void)
{
  static const guint8 bytes[] = {HEADER, 4, 0, 0, 4, DC_SCTP_CHUNK_DATA, 0, 0, 15, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0,
      DC_SCTP_CHUNK_I_DATA, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, DC_SCTP_CHUNK_SACK, 0, 0, 8, 0, 0, 0, 1,
      DC_SCTP_CHUNK_INIT, 0, 0, 8, 0, 0, 0, 1, DC_SCTP_CHUNK_FORWARD_TSN, 0, 0, 4, FORWARD_TSN};
  g_auto (Packet) packet = {0};

  packet_init (&packet, bytes, sizeof bytes);
  read_chunk (&packet, DC_SCTP_CHUNK_FORWARD_TSN);
  assert_end (&packet);
}

/* A length that is not even the header's: where the next begins is not known. */
static void
test_no_length (void)
{
  for (guint8 length = 0; length < 4; length++) {
    const guint8 bytes[] = {HEADER, SACK, DC_SCTP_CHUNK_ABORT, 0, 0, length, SACK};
    g_auto (Packet) packet = {0};
    packet_init (&packet, bytes, sizeof bytes);
    read_chunk (&packet, DC_SCTP_CHUNK_SACK);
    assert_end (&packet);
  }
}

/* As one of ours is read, whose sum test-sctp-watch checks. */
static void
test_heartbeat (void)
{
  static const guint8 header[] = {HEADER};
  g_autoptr (GBytes) bytes = dc_sctp_heartbeat_new (header);
  gsize size;
  const guint8 *packet = g_bytes_get_data (bytes, &size);

  g_assert_cmpuint (size, ==, DC_SCTP_HEADER_SIZE + 12);
  g_assert_cmpmem (packet, 8, header, 8);
  g_assert_cmpmem (packet + DC_SCTP_HEADER_SIZE, 4, "\4\0\0\14", 4);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sctp-chunk/kinds", test_kinds);
  g_test_add_func ("/sctp-chunk/parameters", test_parameters);
  g_test_add_func ("/sctp-chunk/cut-off", test_cut_off);
  g_test_add_func ("/sctp-chunk/passed-over", test_passed_over);
  g_test_add_func ("/sctp-chunk/no-length", test_no_length);
  g_test_add_func ("/sctp-chunk/heartbeat", test_heartbeat);
  return g_test_run ();
}
