/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-udp-sender.c: packets sent in as few system calls as the kernel allows.
 *
 * Theory of operation
 * -------------------
 * Neighbours of one size, and a smaller one behind them, are a run: one message of sendmmsg(), which the kernel or the network card cuts up
 * (UDP_SEGMENT) at the end of its way, so that the way is gone once for all of them. All runs of a batch are one sendmmsg().
 *
 * Not every way can do that: a card that does not compute checksums, IPsec, a path whose MTU is smaller than a packet (which is sent in fragments when it
 * is alone). The kernel refuses such a run, and its packets are sent one by one, as are later ones that are as large.
 *
 * A socket is full while its packets wait in a queue below it. Then we wait for room; as what we carry can be repeated but not wait for long, and
 * whoever sends must not hang, after 0.1 s the rest is dropped. Whatever else the kernel says of a message (no route, a firewall) is what the network
 * says of a packet by silence: that one is lost, and the next is tried. */
#include "plugins/transport/dc-udp-sender.h"

#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>

#define PATIENCE_US (100 * 1000)
/* What kernels take before 6.9. */
#define RUN_PACKETS 64
/* With the longest headers, of IPv6 and UDP, a run still is a datagram. */
#define RUN_BYTES (65535 - 48)

typedef union {
  struct cmsghdr align;
  char bytes[CMSG_SPACE (sizeof (guint16))];
} Control;

typedef struct {
  struct mmsghdr messages[DC_PACKETS_MAX];
  Control controls[DC_PACKETS_MAX];
  guint ends[DC_PACKETS_MAX]; /* of each message: the first packet behind it */
  struct iovec vectors[DC_PACKETS_MAX];
  guint n_messages, n_vectors;
} Batch;

void
dc_udp_sender_init (DcUdpSender *self, int fd)
{
  self->fd = fd;
  dc_udp_sender_reset (self);
}

void
dc_udp_sender_reset (DcUdpSender *self)
{
  int size;
  socklen_t length = sizeof size;
  gboolean known = getsockopt (self->fd, SOL_UDP, UDP_SEGMENT, &size, &length) == 0;

  g_atomic_int_set (&self->widest, known ? G_MAXINT : 0);
}

static gboolean
belongs (const DcPacket *packet, gsize size, guint count, gsize total)
{
  return packet->size <= size && count < RUN_PACKETS && total + packet->size <= RUN_BYTES;
}

/* The run that begins at packets[@i], of which all but the last have its size. Returns the first packet behind it. */
static guint
add_run (Batch *batch, const DcPacket *packets, guint i, guint n, gsize widest)
{
  struct iovec *vectors = batch->vectors + batch->n_vectors;
  gsize size = packets[i].size, total = 0, last = size;
  guint count = 0;

  while (i < n && batch->n_vectors + count < DC_PACKETS_MAX) {
    const DcPacket *packet = packets + i;
    if (packet->size > 0) {
      if (count > 0 && (size > widest || last < size || !belongs (packet, size, count, total)))
        break;
      vectors[count].iov_base = packet->data;
      vectors[count].iov_len = packet->size;
      last = packet->size;
      total += last;
      count++;
    }
    i++;
  }
  batch->messages[batch->n_messages].msg_hdr.msg_iov = vectors;
  batch->messages[batch->n_messages].msg_hdr.msg_iovlen = count;
  batch->ends[batch->n_messages] = i;
  batch->n_vectors += count;
  return i;
}

static void
set_segment_size (struct msghdr *message, Control *control)
{
  guint16 size = (guint16) message->msg_iov->iov_len;
  struct cmsghdr *header;

  memset (control, 0, sizeof *control);
  message->msg_control = control;
  message->msg_controllen = sizeof *control;
  header = CMSG_FIRSTHDR (message);
  header->cmsg_level = SOL_UDP;
  header->cmsg_type = UDP_SEGMENT;
  header->cmsg_len = CMSG_LEN (sizeof size);
  memcpy (CMSG_DATA (header), &size, sizeof size);
}

/* What is left of @packets from @i on, as far as there is room. */
static void
fill (Batch *batch, const DcUdpAddress *to, const DcPacket *packets, guint i, guint n, gsize widest)
{
  batch->n_messages = batch->n_vectors = 0;
  while (i < n && batch->n_vectors < DC_PACKETS_MAX) {
    struct msghdr *message = &batch->messages[batch->n_messages].msg_hdr;
    if (packets[i].size == 0) {
      i++;
      continue;
    }
    memset (message, 0, sizeof *message);
    message->msg_name = (gpointer) &to->any;
    message->msg_namelen = to->size;
    i = add_run (batch, packets, i, n, widest);
    if (message->msg_iovlen > 1)
      set_segment_size (message, batch->controls + batch->n_messages);
    batch->n_messages++;
  }
}

/* FALSE: there was no room for too long. */
static gboolean
wait_for_room (int fd, gint64 *deadline)
{
  struct pollfd poller = {.fd = fd, .events = POLLOUT};
  gint64 now = g_get_monotonic_time ();

  if (*deadline == 0)
    *deadline = now + PATIENCE_US;
  if (now >= *deadline)
    return FALSE;
  /* Whatever it says, the next attempt knows better. */
  poll (&poller, 1, (int) ((*deadline - now + 999) / 1000));
  return TRUE;
}

static gboolean
is_refusal (int number)
{
  return number == EINVAL || number == EMSGSIZE || number == EIO || number == EOPNOTSUPP || number == ENOPROTOOPT;
}

/* Of several threads that learn something the smallest is right. */
static void
narrow (DcUdpSender *self, gsize refused)
{
  gint widest;

  do
    widest = g_atomic_int_get (&self->widest);
  while ((gsize) widest >= refused && !g_atomic_int_compare_and_exchange (&self->widest, widest, (gint) refused - 1));
}

/* Returns how many messages have been dealt with, after the kernel would not take the first; below zero: that is the end. */
static int
recover (DcUdpSender *self, Batch *batch, int number, gint64 *deadline)
{
  const struct msghdr *message = &batch->messages[0].msg_hdr;

  if (number == EINTR)
    return 0;
  if (number == EAGAIN)
    return wait_for_room (self->fd, deadline) ? 0 : -1;
  if (message->msg_iovlen > 1 && is_refusal (number)) {
    /* Either of these may mean the MTU, and the others the card. */
    narrow (self, number == EMSGSIZE || number == EINVAL ? message->msg_iov->iov_len : 1);
    return 0;
  }
  return 1;
}

void
dc_udp_sender_send (DcUdpSender *self, const DcUdpAddress *to, const DcPacket *packets, guint n)
{
  gint64 deadline = 0;
  Batch batch;
  guint i = 0;

  while (i < n) {
    int sent;
    fill (&batch, to, packets, i, n, (gsize) g_atomic_int_get (&self->widest));
    if (batch.n_messages == 0)
      return;
    sent = sendmmsg (self->fd, batch.messages, batch.n_messages, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0)
      sent = recover (self, &batch, errno, &deadline);
    if (sent < 0)
      return;
    if (sent > 0)
      i = batch.ends[sent - 1];
  }
}
