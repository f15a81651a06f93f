/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-udp-reader.h: a thread that reads a UDP socket, many packets at a time. */
#pragma once

#include "plugins/transport/dc-udp-address.h"
#include "plugins/transport/dc-udp-path.h"

G_BEGIN_DECLS

typedef struct _DcUdpReader DcUdpReader;

/* Takes @fd, on which recv() waits, also where it fails. */
DcUdpReader *dc_udp_reader_new (
    int fd, const DcUdpAddress *remote, const DcUdpPathCallbacks *callbacks, gpointer user_data, GError **error);
/* Any thread. */
void dc_udp_reader_set_remote (DcUdpReader *self, const DcUdpAddress *remote);
/* So many packets go to the far side. Any thread. */
void dc_udp_reader_count_sent (DcUdpReader *self, guint n);
/* Once what is in the socket has been given to the callbacks. The socket must get no more. */
void dc_udp_reader_free (DcUdpReader *self);

G_END_DECLS
