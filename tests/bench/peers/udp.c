/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* udp.c: a peer of `./dev bench channels` that is no WebRTC: packets over loopback, in clear, and nothing repeats what is lost. */

/*
 * The ceiling: what this machine's kernel carries in packets as long as a data channel's, sent by GSO and received by recvmmsg(), and with
 * BENCH_GRO=1 by GRO. Both ends are in one process ("both"); what of a message does not fill a last packet is sent all the same.
 */
#include "tests/bench/peers/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SEGMENT 1200
#define MAX_BATCH (48 * SEGMENT) /* of a sendmsg() */
#define N_MESSAGES 16            /* of a recvmmsg() */
#define RECEIVE_BUFFER (4 * 1024 * 1024)

typedef struct {
  PeerEnd end;
  int fd;
  struct sockaddr_in address;
} Udp;

/* In each room, the end that came first. */
static Udp *waiting;

static gboolean
set_errno (GError **error, const char *what)
{
  int number = errno;

  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (number), "%s: %s", what, g_strerror (number));
  return FALSE;
}

static gboolean
open_socket (Udp *self, GError **error)
{
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
  socklen_t length = sizeof self->address;
  int size = RECEIVE_BUFFER, gro = g_getenv ("BENCH_GRO") != NULL;

  self->fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (self->fd < 0 || bind (self->fd, (struct sockaddr *) &any, sizeof any) != 0
      || getsockname (self->fd, (struct sockaddr *) &self->address, &length) != 0)
    return set_errno (error, "no socket");
  /* More than the limit only root gets. */
  if (setsockopt (self->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
    setsockopt (self->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (gro && setsockopt (self->fd, IPPROTO_UDP, UDP_GRO, &gro, sizeof gro) != 0)
    return set_errno (error, "UDP_GRO");
  return TRUE;
}

/* The two of a room come one after the other. */
static PeerEnd *
make (const char *url, const char *room, gboolean offers, GError **error)
{
  Udp *self = g_new0 (Udp, 1);

  self->end.offers = offers;
  if (!open_socket (self, error))
    return NULL;
  if (!waiting) {
    waiting = self;
    return &self->end;
  }
  if (connect (self->fd, (struct sockaddr *) &waiting->address, sizeof waiting->address) != 0
      || connect (waiting->fd, (struct sockaddr *) &self->address, sizeof self->address) != 0) {
    set_errno (error, "cannot connect");
    return NULL;
  }
  waiting = NULL;
  return &self->end;
}

static gpointer
receive_thread (gpointer data)
{
  Udp *self = data;
  guint8 *room = g_malloc (N_MESSAGES * 65536);
  struct mmsghdr messages[N_MESSAGES] = {0};
  struct iovec parts[N_MESSAGES];
  int n;

  for (guint i = 0; i < N_MESSAGES; i++) {
    parts[i] = (struct iovec){room + i * 65536, 65536};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  while ((n = recvmmsg (self->fd, messages, N_MESSAGES, MSG_WAITFORONE, NULL)) > 0 || errno == EINTR)
    for (int i = 0; i < n; i++) {
      g_autoptr (GBytes) message = g_bytes_new_static (parts[i].iov_base, messages[i].msg_len);
      peer_received (&self->end, message);
    }
  g_free (room);
  return NULL;
}

static gboolean
wait_open (PeerEnd *end, GError **error)
{
  g_thread_unref (g_thread_new ("receiver", receive_thread, end));
  return TRUE;
}

static gboolean
send_batch (Udp *self, const guint8 *data, gsize size, GError **error)
{
  struct iovec part = {(void *) data, size};
  guint8 control[CMSG_SPACE (sizeof (guint16))] = {0};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

  if (size > SEGMENT) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    struct cmsghdr *header = CMSG_FIRSTHDR (&message);
    *header = (struct cmsghdr){CMSG_LEN (sizeof (guint16)), IPPROTO_UDP, UDP_SEGMENT};
    *(guint16 *) CMSG_DATA (header) = SEGMENT;
  }
  return sendmsg (self->fd, &message, 0) >= 0 || errno == ENOBUFS || set_errno (error, "cannot send");
}

static gboolean
send_message (PeerEnd *end, GBytes *message, GError **error)
{
  Udp *self = (Udp *) end;
  gsize size;
  const guint8 *data = g_bytes_get_data (message, &size);

  for (gsize at = 0; at < size; at += MAX_BATCH)
    if (!send_batch (self, data + at, MIN (MAX_BATCH, size - at), error))
      return FALSE;
  return TRUE;
}

static void
interrupt (PeerEnd *end, gboolean interrupted)
{
}

int
main (int argc, char **argv)
{
  const PeerStack stack = {make, wait_open, send_message, interrupt, NULL, NULL};

  return peer_main (&stack, argc, argv);
}
