/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-udp-path.h: the datagrams of one pair of UDP candidates, in batches, beside the ICE agent that owns the socket (Linux). */
#pragma once

#include <gio/gio.h>

#include "plugins/transport/dc-packet.h"

G_BEGIN_DECLS

typedef struct _DcUdpPath DcUdpPath;

/* All of them on the reader thread, which may send but not free. */
typedef struct {
  /* DTLS of the remote: @packets are in place, and may be written to. DC_PACKETS_MAX at most. */
  void (*received) (DcPacket *packets, guint n, gpointer user_data);
  /* Something else, or somebody else's, that the agent should have had. */
  void (*stray) (const DcPacket *packet, GSocketAddress *from, gpointer user_data);
  /* The socket is dead: nothing more comes this way, and what comes is the agent's. Sending goes on. */
  void (*failed) (const GError *error, gpointer user_data);
} DcUdpPathCallbacks;

/* Beside whoever reads from @fd, a UDP socket that is bound; it stays the caller's, and is as it was after dc_udp_path_free(). One path at a
 * time for a socket. G_IO_ERROR_NOT_SUPPORTED where the system cannot do it, or not with this socket. */
DcUdpPath *dc_udp_path_new (
    int fd, GSocketAddress *remote, const DcUdpPathCallbacks *callbacks, gpointer user_data, GError **error);
/* Whether @fd is the socket that the path is beside: the same number may be another one by now. Any thread. */
gboolean dc_udp_path_is_beside (DcUdpPath *self, int fd);
/* Whom we send to and receive from. It must be one that the socket can send to. Any thread. */
void dc_udp_path_set_remote (DcUdpPath *self, GSocketAddress *remote);
/* Sizes may differ, and packets of size 0 are left out. Blocks 0.1 s at most while the socket is full, and then drops. Any thread. */
void dc_udp_path_send (DcUdpPath *self, DcPacket *packets, guint n);
/* Bytes of payload that the kernel keeps for us, if they come in packets of 1200. */
guint dc_udp_path_get_receive_buffer (DcUdpPath *self);
/* Gives what has come so far to the callbacks, and everything after it to whoever reads from the descriptor: nothing is lost in between. Takes some
 * milliseconds. Nobody may be sending any more; not on the reader thread; no callback afterwards. */
void dc_udp_path_free (DcUdpPath *self);

G_END_DECLS
