/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-crc32c-x86.c: CRC-32C by SSE4.2, which has an instruction for just this polynomial. */
#include "plugins/transport/dc-crc32c.h"

#include <nmmintrin.h>
#include <string.h>

__attribute__ ((target ("sse4.2"))) static guint32
update (guint32 state, const guint8 *data, gsize size)
{
  guint64 wide = state;

  for (; size >= 8; size -= 8, data += 8) {
    guint64 word;

    memcpy (&word, data, sizeof word);
    wide = _mm_crc32_u64 (wide, word);
  }
  state = (guint32) wide;
  while (size-- > 0)
    state = _mm_crc32_u8 (state, *data++);
  return state;
}

DcCrc32cFunc
dc_crc32c_machine (void)
{
  return __builtin_cpu_supports ("sse4.2") ? update : NULL;
}
