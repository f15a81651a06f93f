/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* udp-end.h: a UDP socket, as an agent has one, and a path beside it whose packets are kept; for the tests of the path. */
#pragma once

#include <gio/gio.h>

#include "plugins/transport/dc-udp-path.h"

G_BEGIN_DECLS

enum { UDP_STUN = 0, UDP_DTLS = 23, UDP_RTP = 128 };

typedef struct {
  int fd;   /* does not block */
  int news; /* readable once there was a stray */
  DcUdpPath *path;

  GMutex lock;
  GCond cond; /* something has come */
  /* lock */
  GPtrArray *received, *strays; /* (element-type GBytes) */
  GSocketAddress *stray_from;   /* (nullable): the last */
  guint64 n_received, bytes;
  guint largest_batch;
  GError *error;     /* (nullable): of failed() */
  gboolean counting; /* only; nothing is kept */
  gboolean slow;     /* takes its time over each batch */
} UdpEnd;

/* Bound to a port of its own of @host, which may have a scope ("fe80::1%eth0"). */
UdpEnd *udp_end_new (const char *host);
void udp_end_free (UdpEnd *end);
GSocketAddress *udp_end_get_address (int fd); /* (transfer full) */
/* With the error of the path, if it does not come to be. */
gboolean udp_end_try_start (UdpEnd *end, GSocketAddress *remote, GError **error);
void udp_end_start (UdpEnd *end, const UdpEnd *remote);
void udp_end_stop (UdpEnd *end);

/* Waits until a datagram that is not DTLS is there: TRUE: on the agent's socket, from which it is read; else the path has had it. */
gboolean udp_end_wait_for_other (UdpEnd *end);
/* Waits until so many have come, and no more. */
void udp_end_wait (UdpEnd *end, guint received, guint strays);
void udp_end_wait_received (UdpEnd *end, guint n);
void udp_end_forget (UdpEnd *end);
/* The next on the agent's socket, which is waited for. */
GBytes *udp_end_read (UdpEnd *end);
/* Nothing is waiting on the agent's socket. */
void udp_end_assert_silent (UdpEnd *end);
/* The path's own socket, as can be found among this process' descriptors. */
int udp_end_find_socket (UdpEnd *end);

/* Packets of which the first byte is @first, and the others say which it is. */
void udp_fill (guint8 *data, gsize size, guint first, guint number);
/* Of a packet of five bytes or more. */
guint udp_get_number (GBytes *packet);
void udp_assert_packet (GBytes *packet, gsize size, guint first, guint number);
/* One datagram, from the agent's socket. */
void udp_end_say (UdpEnd *from, GSocketAddress *to, guint first, guint number, gsize size);
/* By the path, @n packets of the sizes in turn, numbered from @number on. */
void udp_end_send (UdpEnd *from, guint number, guint n, const gsize *sizes, guint n_sizes);
/* Datagrams of @size, as many as @firsts has bytes, that stay one until they are given to a socket; the last is of @last bytes. */
void udp_end_say_merged (UdpEnd *from, GSocketAddress *to, GBytes *firsts, gsize size, gsize last);

G_END_DECLS
