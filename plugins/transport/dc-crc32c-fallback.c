/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-crc32c-fallback.c: for processors whose instructions for CRC-32C we do not know, or that have none. */
#include "plugins/transport/dc-crc32c.h"

DcCrc32cFunc
dc_crc32c_machine (void)
{
  return NULL;
}
