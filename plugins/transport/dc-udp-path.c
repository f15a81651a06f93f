/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-udp-path.c: the datagrams of one pair of UDP candidates, in batches, beside the ICE agent that owns the socket.
 *
 * Theory of operation
 * -------------------
 * The agent reads its socket a datagram at a time, on a thread of its own choosing. What is DTLS, which is nearly all of it, we want for ourselves, many at
 * a time; what is STUN the agent must have, or the pair dies. So there is a second socket on the same address (SO_REUSEPORT), and a program of
 * BPF that tells the kernel by the first byte whose a datagram is (DcUdpFilter). Ours is read by a thread (DcUdpReader). We send on the agent's socket
 * (DcUdpSender), a duplicate of whose descriptor keeps it from going before us.
 *
 * Neither the agent nor the far side knows of it. Our socket is connected to nobody, as then the kernel would prefer it for all that comes from there,
 * STUN included; whose a datagram is we see ourselves.
 *
 * Coming: the agent's socket allows sharing, ours is bound, the program is attached. The kernel lets no program be attached before a second
 * socket is there, so for some microseconds, the first time that a socket has a path, it deals by chance: DTLS to the agent, which
 * hands it on as ever, STUN to us, which is a stray. Whatever had come before is the agent's.
 *
 * Going: a program that gives everything to the agent is attached; our socket is bound to an interface that there is not, so that it fits no datagram any
 * more and leaves the group (close() does these two in the other order, and loses what comes in between); the kernel is asked to let all processors finish
 * what they are at, so that none still puts into our socket what it has just received; what is in there is read; it is closed; sharing is
 * disallowed again. The program stays with the agent's socket, so the next path has no moment of chance.
 *
 * The number of a socket in the group is the order of joining, so there must be nobody else in it: a socket that already allows sharing, be it for
 * another path or for a purpose of its owner's, gets none. */
#include "plugins/transport/dc-udp-path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "plugins/transport/dc-udp-filter.h"
#include "plugins/transport/dc-udp-reader.h"
#include "plugins/transport/dc-udp-sender.h"

/* As the kernel counts, of which a packet of 1200 bytes takes up to PACKET_COST: 4 MiB of payload, if it grants so much. */
#define BUFFER_BYTES (12 << 20)
#define PACKET_BYTES 1200
#define PACKET_COST 3200

struct _DcUdpPath {
  int family;
  int shared; /* the agent's socket, by a descriptor of our own */
  gboolean sharing;
  guint buffer; /* as the kernel counts */
  DcUdpSender sender;
  int own;             /* the reader's */
  DcUdpReader *reader; /* (nullable): only while this is made */

  GMutex lock;
  DcUdpAddress remote; /* lock */
};

static gboolean
set_errno (GError **error, const char *what)
{
  int number = errno;

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "%s: %s", what, g_strerror (number));
  return FALSE;
}

static gboolean
set_refusal (GError **error, const char *why)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, why);
  return FALSE;
}

static int
get_option (int fd, int level, int name, int otherwise)
{
  int value;
  socklen_t length = sizeof value;

  return getsockopt (fd, level, name, &value, &length) == 0 ? value : otherwise;
}

static gboolean
set_option (int fd, int level, int name, int value)
{
  return setsockopt (fd, level, name, &value, sizeof value) == 0;
}

/* Whether there can be a path beside @fd, as far as can be seen without touching it. */
static gboolean
examine (int fd, DcUdpAddress *local, GError **error)
{
  local->size = sizeof local->v6;
  if (getsockname (fd, &local->any, &local->size) != 0)
    return set_errno (error, "not a socket");
  if (get_option (fd, SOL_SOCKET, SO_PROTOCOL, 0) != IPPROTO_UDP)
    return set_refusal (error, "not a socket of UDP");
  /* In the same place for both families. */
  if (local->v4.sin_port == 0)
    return set_refusal (error, "a UDP socket that is not bound");
  if (get_option (fd, SOL_SOCKET, SO_REUSEPORT, 1) != 0)
    return set_refusal (error, "a UDP socket whose port is shared already");
  if (!dc_udp_filter_is_known (local->any.sa_family))
    return set_errno (error, "UDP sockets cannot be shared by what is in datagrams");
  return TRUE;
}

/* Not all containers let these calls through. */
static gboolean
knows_batches (int fd)
{
  struct mmsghdr message = {0};

  return sendmmsg (fd, &message, 0, 0) == 0 && (recvmmsg (fd, &message, 1, MSG_DONTWAIT, NULL) >= 0 || errno == EAGAIN);
}

/* In the agent's group the kernel takes only what is bound exactly as the agent's socket is. */
static gboolean
resemble (int fd, int other, int family)
{
  int interface = get_option (other, SOL_SOCKET, SO_BINDTOIFINDEX, 0);

  if (interface != 0 && !set_option (fd, SOL_SOCKET, SO_BINDTOIFINDEX, interface))
    return FALSE;
  return family != AF_INET6
         || set_option (fd, IPPROTO_IPV6, IPV6_V6ONLY, get_option (other, IPPROTO_IPV6, IPV6_V6ONLY, 0));
}

/* Root may have more than others. */
static void
enlarge (DcUdpPath *self, int fd)
{
  if (!set_option (fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES / 2)
      && !set_option (fd, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES / 2))
    g_debug ("the receive buffer stays as it is: %s", g_strerror (errno));
  self->buffer = (guint) get_option (fd, SOL_SOCKET, SO_RCVBUF, 0);
}

/* The agent's socket allows sharing, and ours shares. */
static gboolean
join (DcUdpPath *self, int fd, const DcUdpAddress *local, GError **error)
{
  if (!knows_batches (fd))
    return set_errno (error, "UDP sockets take no batches");
  if (!set_option (fd, SOL_SOCKET, SO_REUSEPORT, 1) || !resemble (fd, self->shared, self->family))
    return set_errno (error, "a second UDP socket cannot be made like the first");
  enlarge (self, fd);
  self->sharing = set_option (self->shared, SOL_SOCKET, SO_REUSEPORT, 1);
  if (!self->sharing || bind (fd, &local->any, local->size) != 0)
    return set_errno (error, "a UDP port cannot be shared");
  if (!dc_udp_filter_split (self->shared))
    return set_errno (error, "a UDP port cannot be shared by what is in datagrams");
  return TRUE;
}

/* Returns our socket; below zero: there is none. */
static int
open_socket (DcUdpPath *self, int fd, const DcUdpAddress *local, GError **error)
{
  int own;

  self->shared = fcntl (fd, F_DUPFD_CLOEXEC, 0);
  own = socket (self->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (self->shared >= 0 && own >= 0 && join (self, own, local, error))
    return own;
  if (self->shared < 0 || own < 0)
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "no second UDP socket: %s", g_strerror (errno));
  if (own >= 0)
    close (own);
  return -1;
}

static gboolean
start (DcUdpPath *self, int fd, GSocketAddress *remote, const DcUdpPathCallbacks *callbacks, gpointer user_data,
    GError **error)
{
  DcUdpAddress local;

  if (!examine (fd, &local, error))
    return FALSE;
  self->family = local.any.sa_family;
  if (!dc_udp_address_set (&self->remote, self->family, remote))
    return set_refusal (error, "a UDP socket of another family than the remote address");
  self->own = open_socket (self, fd, &local, error);
  if (self->own < 0)
    return FALSE;
  dc_udp_sender_init (&self->sender, self->shared);
  self->reader = dc_udp_reader_new (self->own, &self->remote, callbacks, user_data, error);
  if (self->reader == NULL)
    dc_udp_filter_direct (self->shared);
  return self->reader != NULL;
}

DcUdpPath *
dc_udp_path_new (
    int fd, GSocketAddress *remote, const DcUdpPathCallbacks *callbacks, gpointer user_data, GError **error)
{
  DcUdpPath *self = g_new0 (DcUdpPath, 1);

  self->shared = -1;
  g_mutex_init (&self->lock);
  if (!start (self, fd, remote, callbacks, user_data, error))
    g_clear_pointer (&self, dc_udp_path_free);
  return self;
}

gboolean
dc_udp_path_is_beside (DcUdpPath *self, int fd)
{
  struct stat ours, theirs;

  return fstat (self->shared, &ours) == 0 && fstat (fd, &theirs) == 0 && ours.st_dev == theirs.st_dev
         && ours.st_ino == theirs.st_ino;
}

void
dc_udp_path_set_remote (DcUdpPath *self, GSocketAddress *remote)
{
  DcUdpAddress address;

  g_return_if_fail (dc_udp_address_set (&address, self->family, remote));
  g_mutex_lock (&self->lock);
  self->remote = address;
  g_mutex_unlock (&self->lock);
  dc_udp_reader_set_remote (self->reader, &address);
  dc_udp_sender_reset (&self->sender);
}

void
dc_udp_path_send (DcUdpPath *self, DcPacket *packets, guint n)
{
  DcUdpAddress remote;

  g_mutex_lock (&self->lock);
  remote = self->remote;
  g_mutex_unlock (&self->lock);
  dc_udp_reader_count_sent (self->reader, n);
  dc_udp_sender_send (&self->sender, &remote, packets, n);
}

guint
dc_udp_path_get_receive_buffer (DcUdpPath *self)
{
  return (guint) ((guint64) self->buffer * PACKET_BYTES / PACKET_COST);
}

/* Whoever had begun to receive a datagram before this has put it into a socket after it. */
static void
wait_for_processors (void)
{
  if (syscall (SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0)
    g_debug ("membarrier(): %s", g_strerror (errno));
}

/* For no datagram any more. */
static void
leave (DcUdpPath *self)
{
  if (!dc_udp_filter_direct (self->shared))
    g_debug ("a UDP port stays split: %s", g_strerror (errno));
  if (!set_option (self->own, SOL_SOCKET, SO_BINDTOIFINDEX, G_MAXINT))
    g_debug ("a UDP socket stays bound: %s", g_strerror (errno));
  wait_for_processors ();
}

void
dc_udp_path_free (DcUdpPath *self)
{
  if (self->reader != NULL) {
    leave (self);
    dc_udp_reader_free (self->reader);
  }
  if (self->sharing)
    set_option (self->shared, SOL_SOCKET, SO_REUSEPORT, 0);
  if (self->shared >= 0)
    close (self->shared);
  g_mutex_clear (&self->lock);
  g_free (self);
}
