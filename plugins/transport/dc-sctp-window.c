/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-window.c: how much the far side may have under way to us.
 *
 * Theory of operation
 * -------------------
 * All that the window allows can come at once, and what the socket below has no room for is lost; a window no larger than that room can lose nothing
 * there. But the room is often small (160 KiB of payload, by Linux's default), and on a long path such a window would be used up long before
 * the first acknowledgement is back: 3 MB/s at 50 ms. There, most of what is under way is on the path, not in the socket, which is read all
 * the time. So the window is the socket's room and what the path holds, at a rate that the reader keeps up with, and at which a pause of his does not
 * overflow the socket; on the shortest paths it is the room alone. The least RTT since the socket is known counts: more than that is queues and delayed acknowledgements, which want no larger
 * window. usrsctp measures it where we send: by the handshake, what opens channels, heartbeats. So it is looked at once the association is up, and
 * from time to time as packets come.
 */
#include "plugins/transport/dc-sctp-association-private.h"

/* Bytes a millisecond of RTT. */
#define PATH_RATE (160 * 1024)
/* At which the socket holds what comes in so many milliseconds, while the reader is not let run. */
#define PAUSE_MS 4
#define WINDOW_MAX (6u * 1024 * 1024)
/* Packets that come, between two looks. */
#define LOOK_AFTER 256u

gsize
dc_sctp_buffer_for (const DcSctpAssociation *self, gsize wanted)
{
  return CLAMP (wanted, 2 * (gsize) self->settings.max_message_size + 4096, G_MAXINT / 4);
}

static guint32
wanted_locked (const DcSctpAssociation *self)
{
  guint64 rate;

  if (self->socket_room == 0)
    return self->settings.receive_window;
  rate = MIN (self->socket_room / PAUSE_MS, PATH_RATE);
  return (guint32) MIN (self->socket_room + self->least_rtt * rate, WINDOW_MAX);
}

gboolean
dc_sctp_window_set_locked (DcSctpAssociation *self)
{
  guint32 window = wanted_locked (self);
  int bytes = (int) dc_sctp_buffer_for (self, window);

  self->window = window;
  return usrsctp_setsockopt (self->socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) == 0;
}

static void
look_locked (DcSctpAssociation *self)
{
  struct sctp_status status = {0};
  socklen_t size = sizeof status;

  self->packets_unlooked = 0;
  if (self->socket_room == 0 || self->state != DC_SCTP_UP || self->socket == NULL
      || usrsctp_getsockopt (self->socket, IPPROTO_SCTP, SCTP_STATUS, &status, &size) != 0)
    return;
  if (!self->has_rtt || status.sstat_primary.spinfo_srtt < self->least_rtt)
    self->least_rtt = status.sstat_primary.spinfo_srtt;
  self->has_rtt = TRUE;
  if (wanted_locked (self) != self->window)
    dc_sctp_window_set_locked (self);
}

void
dc_sctp_window_note_locked (DcSctpAssociation *self, guint packets)
{
  self->packets_unlooked += packets;
  if (self->packets_unlooked >= LOOK_AFTER || (self->state == DC_SCTP_UP && !self->has_rtt))
    look_locked (self);
}

void
dc_sctp_association_set_socket_room (DcSctpAssociation *self, guint32 bytes)
{
  dc_sctp_enter (self);
  self->socket_room = bytes;
  self->has_rtt = FALSE;
  self->least_rtt = 0;
  if (self->socket != NULL)
    dc_sctp_window_set_locked (self);
  look_locked (self);
  dc_sctp_leave (self);
}
