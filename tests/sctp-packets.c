/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sctp-packets.c: packets of SCTP, chunk by chunk, that pass a watch by. */
#include "tests/sctp-packets.h"

void
sctp_set_up (SctpPackets *f, gconstpointer data)
{
  f->watch = dc_sctp_watch_new ();
  f->packet = g_byte_array_new ();
}

void
sctp_tear_down (SctpPackets *f, gconstpointer data)
{
  g_byte_array_unref (f->packet);
  dc_sctp_watch_unref (f->watch);
}

void
sctp_add_16 (SctpPackets *f, guint value)
{
  guint16 bytes = g_htons ((guint16) value);

  g_byte_array_append (f->packet, (const guint8 *) &bytes, sizeof bytes);
}

void
sctp_add_32 (SctpPackets *f, guint32 value)
{
  guint32 bytes = g_htonl (value);

  g_byte_array_append (f->packet, (const guint8 *) &bytes, sizeof bytes);
}

void
sctp_begin (SctpPackets *f)
{
  g_byte_array_set_size (f->packet, 0);
  for (guint i = 0; i < 3; i++)
    sctp_add_32 (f, 0x11111111);
}

void
sctp_add_data (SctpPackets *f, guint flags, guint32 tsn, guint stream, guint32 ppid, gsize payload)
{
  static const guint8 zeros[16];

  sctp_add_16 (f, flags);
  sctp_add_16 (f, (guint) (16 + payload));
  sctp_add_32 (f, tsn);
  sctp_add_16 (f, stream);
  sctp_add_16 (f, 0);
  sctp_add_32 (f, ppid);
  g_byte_array_append (f->packet, zeros, (guint) (payload + 3) & ~3u);
}

void
sctp_add_sack (SctpPackets *f, guint32 tsn)
{
  sctp_add_16 (f, 3 << 8);
  sctp_add_16 (f, 16);
  sctp_add_32 (f, tsn);
  sctp_add_32 (f, 65536);
  sctp_add_32 (f, 0);
}

void
sctp_add_forward_tsn (SctpPackets *f, guint chunk, guint32 tsn)
{
  sctp_add_16 (f, chunk << 8);
  sctp_add_16 (f, 12);
  sctp_add_32 (f, tsn);
  sctp_add_32 (f, 0); /* a stream and what it goes on with */
}

gboolean
sctp_leave (SctpPackets *f)
{
  gboolean answers = dc_sctp_watch_sent (f->watch, f->packet->data, f->packet->len);

  sctp_begin (f);
  return answers;
}

DcSctpPacket
sctp_come (SctpPackets *f)
{
  DcSctpPacket packet = dc_sctp_watch_received (f->watch, f->packet->data, f->packet->len);

  sctp_begin (f);
  return packet;
}
