/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-udp-sender.h: packets sent in as few system calls as the kernel allows. */
#pragma once

#include "plugins/transport/dc-packet.h"
#include "plugins/transport/dc-udp-address.h"

G_BEGIN_DECLS

typedef struct {
  int fd;
  gint widest; /* atomic: the largest packet of which the kernel takes several as one; 0: it takes none so */
} DcUdpSender;

/* @fd stays the caller's. */
void dc_udp_sender_init (DcUdpSender *self, int fd);
/* The way may be another: what was refused is tried again. */
void dc_udp_sender_reset (DcUdpSender *self);
/* Blocks 0.1 s at most. Any thread, several at a time. */
void dc_udp_sender_send (DcUdpSender *self, const DcUdpAddress *to, const DcPacket *packets, guint n);

G_END_DECLS
