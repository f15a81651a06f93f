/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-sctp.c: packets of SCTP that pass by, read and understood: each is two bytes of size, of which the top bit says that it leaves, and its bytes. */
#include "plugins/peer/dc-sctp-watch.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* @owed: somebody was told no, and has had no news since. */
static void
pass (DcSctpWatch *watch, const uint8_t *packet, gsize size, gboolean leaves, gboolean *owed)
{
  /* Of its own, so that a step too far is seen. */
  g_autofree uint8_t *copy = g_memdup2 (packet, size);

  *owed = !dc_sctp_watch_has_delivered (watch, 0, 1) || *owed;
  if (leaves) {
    dc_sctp_watch_sent (watch, copy, size);
  } else if (dc_sctp_watch_received (watch, copy, size) & DC_SCTP_PACKET_DELIVERED) {
    g_assert_true (*owed);
    *owed = FALSE;
  }
}

/* Each stream is given its own, or forgotten: then all is given, which is news once. */
static void
drain (DcSctpWatch *watch)
{
  gboolean news = FALSE;

  if (dc_sctp_watch_is_drained (watch))
    return;
  for (guint stream = 0; stream <= G_MAXUINT16; stream++) {
    gboolean told = stream % 2 == 0 && dc_sctp_watch_given (watch, (guint16) stream);
    told = dc_sctp_watch_forget (watch, (guint16) stream) || told;
    g_assert_false (news && told);
    news = news || told;
  }
  g_assert_true (news);
  g_assert_true (dc_sctp_watch_is_drained (watch));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  DcSctpWatch *watch = dc_sctp_watch_new ();
  gboolean owed = FALSE;

  while (size >= 2) {
    gsize length = MIN ((gsize) (data[0] & 0x7f) << 8 | data[1], size - 2);
    pass (watch, data + 2, length, (data[0] & 0x80) != 0, &owed);
    data += 2 + length;
    size -= 2 + length;
  }
  drain (watch);
  dc_sctp_watch_unref (watch);
  return 0;
}
