/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-crc32c.c: CRC-32C against the examples of RFC 3720, and the processor's against the tables'. */
#include "plugins/transport/dc-crc32c.h"

#include <string.h>

typedef guint32 (*Update) (guint32, const guint8 *, gsize);

/* RFC 3720, B.4 */
static void
check_examples (Update update)
{
  guint8 bytes[32];

  memset (bytes, 0, sizeof bytes);
  g_assert_cmphex (DC_CRC32C_END (update (DC_CRC32C_BEGIN, bytes, sizeof bytes)), ==, 0x8a9136aa);
  memset (bytes, 0xff, sizeof bytes);
  g_assert_cmphex (DC_CRC32C_END (update (DC_CRC32C_BEGIN, bytes, sizeof bytes)), ==, 0x62a8ab43);
  for (guint i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8) i;
  g_assert_cmphex (DC_CRC32C_END (update (DC_CRC32C_BEGIN, bytes, sizeof bytes)), ==, 0x46dd794e);
  for (guint i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8) (31 - i);
  g_assert_cmphex (DC_CRC32C_END (update (DC_CRC32C_BEGIN, bytes, sizeof bytes)), ==, 0x113fdb5c);
  g_assert_cmphex (DC_CRC32C_END (update (DC_CRC32C_BEGIN, (const guint8 *) "123456789", 9)), ==, 0xe3069283);
  g_assert_cmphex (DC_CRC32C_END (update (DC_CRC32C_BEGIN, bytes, 0)), ==, 0);
}

static void
test_examples (void)
{
  check_examples (dc_crc32c_update);
  check_examples (dc_crc32c_update_table);
}

/* Every length and alignment that a loop of words could get wrong, in one piece and in two. */
static void
test_machine (void)
{
  guint8 bytes[1300];
  DcCrc32cFunc machine = dc_crc32c_machine ();

  if (machine == NULL) {
    g_test_skip ("this processor has no instruction that we know");
    return;
  }
  check_examples (machine);
  for (guint i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8) g_test_rand_int ();
  for (guint offset = 0; offset < 8; offset++)
    for (gsize size = 0; size <= sizeof bytes - offset; size += size < 80 ? 1 : 37) {
      const guint8 *data = bytes + offset;
      guint32 by_table = dc_crc32c_update_table (DC_CRC32C_BEGIN, data, size);

      g_assert_cmphex (machine (DC_CRC32C_BEGIN, data, size), ==, by_table);
      g_assert_cmphex (
          machine (machine (DC_CRC32C_BEGIN, data, size / 3), data + size / 3, size - size / 3), ==, by_table);
    }
}

/* What was put is right; one bit more or one byte less is not. */
static void
test_packet (void)
{
  guint8 packet[24];

  for (guint i = 0; i < sizeof packet; i++)
    packet[i] = (guint8) (i * 7);
  g_assert_false (dc_crc32c_check (packet, sizeof packet));
  dc_crc32c_put (packet, sizeof packet);
  g_assert_true (dc_crc32c_check (packet, sizeof packet));

  for (guint i = 0; i < sizeof packet; i++) {
    packet[i] ^= 0x10;
    g_assert_false (dc_crc32c_check (packet, sizeof packet));
    packet[i] ^= 0x10;
  }
  for (gsize size = 0; size < sizeof packet; size++)
    g_assert_false (dc_crc32c_check (packet, size));
}

/* The lowest byte comes first (RFC 9260, appendix A): of 32 zeros, which is the first example. */
static void
test_byte_order (void)
{
  guint8 packet[32];

  memset (packet, 0, sizeof packet);
  dc_crc32c_put (packet, sizeof packet);
  g_assert_cmphex (packet[8], ==, 0xaa);
  g_assert_cmphex (packet[9], ==, 0x36);
  g_assert_cmphex (packet[10], ==, 0x91);
  g_assert_cmphex (packet[11], ==, 0x8a);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/crc32c/examples", test_examples);
  g_test_add_func ("/crc32c/machine", test_machine);
  g_test_add_func ("/crc32c/packet", test_packet);
  g_test_add_func ("/crc32c/byte-order", test_byte_order);
  return g_test_run ();
}
