/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-dtls-record.c: records of DTLS on their own: their bytes, and the ends of their numbers. */
#include <string.h>

#include "plugins/transport/dc-dtls-record.h"

#define LAST_SEQUENCE ((G_GUINT64_CONSTANT (1) << 48) - 1)

static const DcDtlsKey key_128 = {16, {1, 2, 3}, {9, 8, 7, 6}};
static const DcDtlsKey key_256 = {32, {1, 2, 3}, {9, 8, 7, 6}};

typedef struct {
  guint8 bytes[DC_PACKET_HEAD + 100 + DC_PACKET_TAIL];
  DcPacket packet;
} Room;

static void
fill (Room *room, const char *text)
{
  room->packet = (DcPacket){room->bytes + DC_PACKET_HEAD, strlen (text)};
  memcpy (room->packet.data, text, room->packet.size);
}

static gboolean
open_all (DcDtlsOpener *opener, Room *room)
{
  DcDtlsRecord record;

  return dc_dtls_record_next (&room->packet, &record) && dc_dtls_opener_open (opener, &record, &room->packet);
}

/* Expected is what Python's cryptography makes of the same. */
static void
test_bytes (void)
{
  static const guint8 header[] = {23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 5, 0, 29, 0, 0, 0, 0, 0, 0, 0, 6};
  static const guint8 sealed[] = {0xf9, 0xf1, 0xf8, 0x33, 0x65, 0x05, 0x3e, 0xe2, 0x83, 0x63, 0xca, 0xd9, 0xb5, 0x6c,
      0x04, 0x55, 0x24, 0xd0, 0x1a, 0x44, 0x85};
  g_autoptr (DcDtlsSealer) sealer = dc_dtls_sealer_new (&key_128, 5, 6);
  g_autoptr (DcDtlsOpener) opener = dc_dtls_opener_new (&key_128);
  Room room;

  fill (&room, "hello");
  g_assert_true (dc_dtls_sealer_seal (sealer, DC_DTLS_APPLICATION_DATA, &room.packet));
  g_assert_cmpuint (room.packet.size, ==, sizeof header + 5 + DC_DTLS_TAG_SIZE);
  g_assert_cmpmem (room.packet.data, sizeof header, header, sizeof header);
  g_assert_cmpmem (room.packet.data + sizeof header, 5 + DC_DTLS_TAG_SIZE, sealed, sizeof sealed);
  g_assert_true (open_all (opener, &room));
  g_assert_cmpmem (room.packet.data, room.packet.size, "hello", 5);
}

static void
test_keys (void)
{
  const DcDtlsKey *keys[] = {&key_128, &key_256};

  for (guint i = 0; i < 4; i++) {
    g_autoptr (DcDtlsSealer) sealer = dc_dtls_sealer_new (keys[i / 2], 0, 0);
    g_autoptr (DcDtlsOpener) opener = dc_dtls_opener_new (keys[i % 2]);
    Room room;
    fill (&room, "hello");
    g_assert_true (dc_dtls_sealer_seal (sealer, DC_DTLS_APPLICATION_DATA, &room.packet));
    g_assert_true (open_all (opener, &room) == (i / 2 == i % 2));
  }
}

static void
test_empty (void)
{
  g_autoptr (DcDtlsSealer) sealer = dc_dtls_sealer_new (&key_128, 0, 0);
  g_autoptr (DcDtlsOpener) opener = dc_dtls_opener_new (&key_128);
  Room room;

  fill (&room, "");
  g_assert_true (dc_dtls_sealer_seal (sealer, DC_DTLS_APPLICATION_DATA, &room.packet));
  g_assert_cmpuint (room.packet.size, ==, 37);
  g_assert_true (open_all (opener, &room));
  g_assert_cmpuint (room.packet.size, ==, 0);
}

/* A number is never used twice: after the last one there is no more. */
static void
test_last_sequence (void)
{
  g_autoptr (DcDtlsSealer) sealer = dc_dtls_sealer_new (&key_128, LAST_SEQUENCE - 1, G_MAXUINT64);
  g_autoptr (DcDtlsOpener) opener = dc_dtls_opener_new (&key_128);
  Room room;

  for (guint i = 0; i < 2; i++) {
    fill (&room, "hello");
    g_assert_true (dc_dtls_sealer_seal (sealer, DC_DTLS_APPLICATION_DATA, &room.packet));
    g_assert_cmpuint (room.packet.data[3] << 8 | room.packet.data[4], ==, 1);
    g_assert_true (open_all (opener, &room));
  }
  fill (&room, "hello");
  g_assert_false (dc_dtls_sealer_seal (sealer, DC_DTLS_APPLICATION_DATA, &room.packet));
  g_assert_cmpuint (room.packet.size, ==, 0);
}

static gboolean
open_at (DcDtlsOpener *opener, guint64 sequence)
{
  g_autoptr (DcDtlsSealer) sealer = dc_dtls_sealer_new (&key_128, sequence, sequence);
  Room room;

  fill (&room, "hello");
  g_assert_true (dc_dtls_sealer_seal (sealer, DC_DTLS_APPLICATION_DATA, &room.packet));
  return open_all (opener, &room);
}

/* Numbers that are jumped over may still come; what came long before them has no part in that. */
static void
test_jumps (void)
{
  g_autoptr (DcDtlsOpener) opener = dc_dtls_opener_new (&key_128);

  for (guint64 i = 0; i < 1500; i++)
    g_assert_true (open_at (opener, i));
  for (guint64 from = 10000; from <= LAST_SEQUENCE / 2; from *= 100) {
    g_assert_true (open_at (opener, from));
    g_assert_false (open_at (opener, from - 1100));
    for (guint64 i = 1; i < 1024; i++)
      g_assert_true (open_at (opener, from - i));
    g_assert_false (open_at (opener, from - 1024));
    for (guint64 i = 0; i < 1024; i++)
      g_assert_false (open_at (opener, from - i));
    g_assert_true (open_at (opener, from + 700));
    g_assert_true (open_at (opener, from + 699));
    g_assert_false (open_at (opener, from));
  }
}

static void
test_nonces (void)
{
  g_autoptr (DcDtlsSealer) sealer = dc_dtls_sealer_new (&key_128, 0, G_MAXUINT64 - 1);
  const guint8 last[] = {0, 0, 0, 0, 0, 0, 0, 1};
  g_autoptr (GHashTable) seen =
      g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref, NULL);
  Room room;

  for (guint i = 0; i < 4; i++) {
    fill (&room, "hello");
    g_assert_true (dc_dtls_sealer_seal (sealer, DC_DTLS_APPLICATION_DATA, &room.packet));
    g_assert_true (g_hash_table_add (seen, g_bytes_new (room.packet.data + DC_DTLS_HEADER_SIZE, DC_DTLS_NONCE_SIZE)));
  }
  g_assert_cmpmem (room.packet.data + DC_DTLS_HEADER_SIZE, DC_DTLS_NONCE_SIZE, last, sizeof last);
}

static void
test_next (void)
{
  guint8 datagram[] = {
      22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 7, 0, 1, 'a', 23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 8, 0, 0, 1, 2};
  DcPacket rest = {datagram, sizeof datagram};
  DcDtlsRecord record;

  g_assert_true (dc_dtls_record_next (&rest, &record));
  g_assert_cmpuint (record.type, ==, DC_DTLS_HANDSHAKE);
  g_assert_cmpuint (record.epoch, ==, 0);
  g_assert_cmpuint (record.sequence, ==, 7);
  g_assert_cmpuint (record.size, ==, 14);
  g_assert_true (dc_dtls_record_next (&rest, &record));
  g_assert_cmpuint (record.type, ==, DC_DTLS_APPLICATION_DATA);
  g_assert_cmpuint (record.epoch, ==, 1);
  g_assert_cmpuint (record.size, ==, 13);
  g_assert_false (dc_dtls_record_next (&rest, &record));
  for (gsize size = 0; size < 14; size++) {
    rest = (DcPacket){datagram, size};
    g_assert_false (dc_dtls_record_next (&rest, &record));
  }
  datagram[1] = 3; /* as TLS has it */
  rest = (DcPacket){datagram, sizeof datagram};
  g_assert_false (dc_dtls_record_next (&rest, &record));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dtls-record/bytes", test_bytes);
  g_test_add_func ("/dtls-record/keys", test_keys);
  g_test_add_func ("/dtls-record/empty", test_empty);
  g_test_add_func ("/dtls-record/last-sequence", test_last_sequence);
  g_test_add_func ("/dtls-record/jumps", test_jumps);
  g_test_add_func ("/dtls-record/nonces", test_nonces);
  g_test_add_func ("/dtls-record/next", test_next);
  return g_test_run ();
}
