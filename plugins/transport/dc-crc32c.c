/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-crc32c.c: CRC-32C (RFC 9260, appendix A), by tables of eight bytes at a time, or by what dc-crc32c-MACHINE.c has. */
#include "plugins/transport/dc-crc32c.h"

#include <string.h>

#define POLYNOMIAL 0x82f63b78u /* Castagnoli's, lowest bit first */
#define COMMON_HEADER 12
#define SUM 8 /* of the common header: where the sum stands */

static guint32 table[8][256];

static void
make_tables (void)
{
  for (guint i = 0; i < 256; i++) {
    guint32 state = i;

    for (guint bit = 0; bit < 8; bit++)
      state = state & 1 ? state >> 1 ^ POLYNOMIAL : state >> 1;
    table[0][i] = state;
  }
  for (guint i = 0; i < 256; i++)
    for (guint k = 1; k < 8; k++)
      table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 0xff];
}

guint32
dc_crc32c_update_table (guint32 state, const guint8 *data, gsize size)
{
  static gsize made = 0;

  if (g_once_init_enter (&made)) {
    make_tables ();
    g_once_init_leave (&made, 1);
  }
  for (; size >= 8; size -= 8, data += 8) {
    state ^= data[0] | (guint32) data[1] << 8 | (guint32) data[2] << 16 | (guint32) data[3] << 24;
    state = table[7][state & 0xff] ^ table[6][state >> 8 & 0xff] ^ table[5][state >> 16 & 0xff] ^ table[4][state >> 24]
            ^ table[3][data[4]] ^ table[2][data[5]] ^ table[1][data[6]] ^ table[0][data[7]];
  }
  while (size-- > 0)
    state = table[0][(state ^ *data++) & 0xff] ^ state >> 8;
  return state;
}

guint32
dc_crc32c_update (guint32 state, const guint8 *data, gsize size)
{
  static DcCrc32cFunc chosen = NULL;

  if (g_once_init_enter (&chosen)) {
    DcCrc32cFunc machine = dc_crc32c_machine ();

    g_once_init_leave (&chosen, machine != NULL ? machine : dc_crc32c_update_table);
  }
  return chosen (state, data, size);
}

static guint32
packet_sum (const guint8 *packet, gsize size)
{
  static const guint8 zeros[COMMON_HEADER - SUM];
  guint32 state = dc_crc32c_update (DC_CRC32C_BEGIN, packet, SUM);

  state = dc_crc32c_update (state, zeros, sizeof zeros);
  state = dc_crc32c_update (state, packet + COMMON_HEADER, size - COMMON_HEADER);
  return GUINT32_TO_LE (DC_CRC32C_END (state));
}

void
dc_crc32c_put (guint8 *packet, gsize size)
{
  guint32 sum;

  g_return_if_fail (size >= COMMON_HEADER);
  sum = packet_sum (packet, size);
  memcpy (packet + SUM, &sum, sizeof sum);
}

gboolean
dc_crc32c_check (const guint8 *packet, gsize size)
{
  guint32 sum;

  if (size < COMMON_HEADER)
    return FALSE;
  sum = packet_sum (packet, size);
  return memcmp (packet + SUM, &sum, sizeof sum) == 0;
}
