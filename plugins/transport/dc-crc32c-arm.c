/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-crc32c-arm.c: CRC-32C by the CRC instructions of ARMv8, which are optional in its first version. */
#include "plugins/transport/dc-crc32c.h"

#include <string.h>
#include <sys/auxv.h>

#define CAPABILITY_CRC32 (1ul << 7) /* Linux: HWCAP_CRC32 of <asm/hwcap.h> */

/* Not by <arm_acle.h>, which has them only where the whole file is compiled for them. */
static inline guint32
add_word (guint32 state, guint64 word)
{
  __asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(state) : "r"(word));
  return state;
}

static inline guint32
add_byte (guint32 state, guint8 byte)
{
  __asm__(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1" : "+r"(state) : "r"(byte));
  return state;
}

static guint32
update (guint32 state, const guint8 *data, gsize size)
{
  for (; size >= 8; size -= 8, data += 8) {
    guint64 word;

    memcpy (&word, data, sizeof word);
    state = add_word (state, word);
  }
  while (size-- > 0)
    state = add_byte (state, *data++);
  return state;
}

DcCrc32cFunc
dc_crc32c_machine (void)
{
  return getauxval (AT_HWCAP) & CAPABILITY_CRC32 ? update : NULL;
}
