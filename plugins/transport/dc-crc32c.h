/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-crc32c.h: the checksum of SCTP, by the processor where it can. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Over @size more bytes, from and to the state of the register: begins with DC_CRC32C_BEGIN, ends with DC_CRC32C_END (). */
typedef guint32 (*DcCrc32cFunc) (guint32 state, const guint8 *data, gsize size);

#define DC_CRC32C_BEGIN 0xffffffffu
#define DC_CRC32C_END(state) (~(state))

/* The fastest one here. */
guint32 dc_crc32c_update (guint32 state, const guint8 *data, gsize size);
/* By tables, anywhere. */
guint32 dc_crc32c_update_table (guint32 state, const guint8 *data, gsize size);
/* Returns: (nullable): by the processor's instructions. */
DcCrc32cFunc dc_crc32c_machine (void);

/* The sum of a packet of SCTP (RFC 9260, 6.8) stands in its bytes 8 to 11, the lowest first, and is made as if these were zero. */
void dc_crc32c_put (guint8 *packet, gsize size);
gboolean dc_crc32c_check (const guint8 *packet, gsize size);

G_END_DECLS
