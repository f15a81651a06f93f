/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-crc32c-arm.c: CRC-32C by the CRC instructions of ARMv8, which are optional in its first version. */
#include "plugins/transport/dc-crc32c.h"

#include <arm_acle.h>
#include <string.h>
#include <sys/auxv.h>

#define CAPABILITY_CRC32 (1ul << 7) /* Linux: HWCAP_CRC32 of <asm/hwcap.h> */

__attribute__ ((target ("+crc"))) static guint32
update (guint32 state, const guint8 *data, gsize size)
{
  for (; size >= 8; size -= 8, data += 8) {
    guint64 word;

    memcpy (&word, data, sizeof word);
    state = __crc32cd (state, word);
  }
  while (size-- > 0)
    state = __crc32cb (state, *data++);
  return state;
}

DcCrc32cFunc
dc_crc32c_machine (void)
{
  return getauxval (AT_HWCAP) & CAPABILITY_CRC32 ? update : NULL;
}
