/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-udp-reader.c: a thread that reads a UDP socket, many packets at a time.
 *
 * Theory of operation
 * -------------------
 * The thread sleeps in recvmmsg() until there is something, takes what there is (MSG_WAITFORONE), up to SLOTS messages, and calls back. With
 * UDP_GRO a message may be many datagrams of the same flow and size, and a smaller one behind them, that the kernel has kept or put together; its size is
 * told beside it, and the message is cut there, where it lies. A slot holds the largest message that there is, so nothing is cut off.
 *
 * Who puts datagrams together, a network card or its driver, looks at sizes and addresses, not at what is in them: what is not DTLS can come merged behind
 * DTLS, and the filter in front of our socket has seen the first byte of all. Such strays are handed out as well. But they cannot be given to the
 * agent's socket again, so from the first of them on nothing more is merged for us, and the filter sees each datagram. What was
 * merged before and comes after that has no size beside it; it is one datagram of several records, as DTLS allows (RFC 6347, section 4.1.1).
 *
 * The end: shutdown() wakes recvmmsg(), for this time and all others, with an empty message. It says that UDP is not connected, but does that, as it
 * has for all of Linux's time, and the socket can still be read. So what is left in it is read without waiting, and then the thread ends. It costs
 * nothing before: no second descriptor to be polled, no time-out.
 *
 * While questions and answers follow each other closely it does not sleep (DcUdpVigil) but looks, and lets others go first: whoever is to answer may
 * be on the same processor.
 *
 * Threads: the remote, and how much was sent, are all that others change. */
#include "plugins/transport/dc-udp-reader.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

#include "plugins/transport/dc-udp-filter.h"
#include "plugins/transport/dc-udp-vigil.h"

#define SLOTS 8
/* A datagram, and something that keeps slots from beginning at the same place in the processor's caches. */
#define SLOT_BYTES (65536 + 1280)
/* What can be in a socket's buffer, in calls, by far; so a socket that still gets something does not keep us. */
#define LAST_CALLS 4096
/* In a row: the kernel may be short of memory for a moment, but not for long without an end. */
#define ERRORS_MAX 100

typedef union {
  struct cmsghdr align;
  char bytes[CMSG_SPACE (sizeof (int))];
} Control;

struct _DcUdpReader {
  int fd;
  DcUdpPathCallbacks callbacks;
  gpointer user_data;
  GThread *thread;
  gint ending; /* atomic */
  guint sent;  /* atomic: packets, of all time */

  GMutex lock;
  DcUdpAddress remote; /* lock */

  /* Of the thread. */
  gboolean merging; /* the kernel may */
  guint8 *memory;   /* SLOTS of SLOT_BYTES */
  struct mmsghdr messages[SLOTS];
  struct iovec vectors[SLOTS];
  DcUdpAddress from[SLOTS];
  Control controls[SLOTS];
  DcUdpAddress now; /* the remote while a batch is looked at */
  DcPacket packets[DC_PACKETS_MAX];
  guint n_packets;
  gboolean can_watch;
  DcUdpVigil vigil;
  guint sent_before; /* the last that came */
};

static void
flush (DcUdpReader *self)
{
  if (self->n_packets > 0)
    self->callbacks.received (self->packets, self->n_packets, self->user_data);
  self->n_packets = 0;
}

static void
give_stray (DcUdpReader *self, const DcPacket *packet, const DcUdpAddress *from)
{
  g_autoptr (GSocketAddress) address = dc_udp_address_get (from);

  if (address != NULL)
    self->callbacks.stray (packet, address, self->user_data);
}

static void
stop_merging (DcUdpReader *self)
{
  int off = 0;

  if (self->merging && setsockopt (self->fd, SOL_UDP, UDP_GRO, &off, sizeof off) != 0)
    g_debug ("UDP_GRO stays on: %s", g_strerror (errno));
  self->merging = FALSE;
}

static gboolean
is_dtls (const DcPacket *packet)
{
  return packet->data[0] >= DC_UDP_FILTER_DTLS_FIRST && packet->data[0] <= DC_UDP_FILTER_DTLS_LAST;
}

/* @merged: with others, in one message. */
static void
take (DcUdpReader *self, const DcPacket *packet, const DcUdpAddress *from, gboolean known, gboolean merged)
{
  if (known && is_dtls (packet)) {
    self->packets[self->n_packets++] = *packet;
    if (self->n_packets == DC_PACKETS_MAX)
      flush (self);
    return;
  }
  if (merged && !is_dtls (packet))
    stop_merging (self);
  give_stray (self, packet, from);
}

/* Of the datagrams in @message; @size: there is one. */
static gsize
get_segment_size (struct msghdr *message, gsize size)
{
  for (struct cmsghdr *header = CMSG_FIRSTHDR (message); header != NULL; header = CMSG_NXTHDR (message, header)) {
    int segment;
    if (header->cmsg_level != SOL_UDP || header->cmsg_type != UDP_GRO || header->cmsg_len < CMSG_LEN (sizeof segment))
      continue;
    memcpy (&segment, CMSG_DATA (header), sizeof segment);
    if (segment > 0)
      return (gsize) segment;
  }
  return size;
}

static void
cut (DcUdpReader *self, guint i)
{
  guint8 *data = self->vectors[i].iov_base;
  gsize size = self->messages[i].msg_len;
  gsize segment = get_segment_size (&self->messages[i].msg_hdr, size);
  DcUdpAddress *from = self->from + i;
  gboolean known;

  from->size = self->messages[i].msg_hdr.msg_namelen;
  known = dc_udp_address_equal (from, &self->now);
  for (gsize at = 0; at < size; at += segment) {
    DcPacket packet = {data + at, MIN (segment, size - at)};
    take (self, &packet, from, known, segment < size);
  }
}

static void
prepare (DcUdpReader *self)
{
  for (guint i = 0; i < SLOTS; i++) {
    struct msghdr *message = &self->messages[i].msg_hdr;
    self->vectors[i].iov_base = self->memory + (gsize) i * SLOT_BYTES;
    self->vectors[i].iov_len = SLOT_BYTES;
    message->msg_name = &self->from[i].any;
    message->msg_namelen = sizeof self->from[i].v6;
    message->msg_iov = self->vectors + i;
    message->msg_iovlen = 1;
    message->msg_control = self->controls + i;
    message->msg_controllen = sizeof self->controls[i];
  }
}

/* What the kernel has changed the last time. */
static void
reset (DcUdpReader *self, guint n)
{
  for (guint i = 0; i < n; i++) {
    self->messages[i].msg_hdr.msg_namelen = sizeof self->from[i].v6;
    self->messages[i].msg_hdr.msg_controllen = sizeof self->controls[i];
  }
}

static int
receive (DcUdpReader *self, int flags)
{
  return recvmmsg (self->fd, self->messages, SLOTS, flags, NULL);
}

/* @n messages came after @wait_us. */
static void
note_turn (DcUdpReader *self, gint64 wait_us, guint n)
{
  guint sent = (guint) g_atomic_int_get (&self->sent);
  gsize received = 0;

  for (guint i = 0; i < n; i++)
    received += self->messages[i].msg_len;
  dc_udp_vigil_came (&self->vigil, wait_us, received, sent - self->sent_before);
  self->sent_before = sent;
}

/* Looks until @end. Returns as recvmmsg() that does not wait. */
static int
watch (DcUdpReader *self, gint64 end)
{
  gint64 now;
  int n;

  do {
    g_thread_yield ();
    n = receive (self, MSG_DONTWAIT);
    now = g_get_monotonic_time ();
  } while (n < 0 && errno == EAGAIN && now < end);
  /* In vain, or others kept the processor. */
  if (now >= end)
    dc_udp_vigil_failed (&self->vigil);
  return n;
}

/* Returns as recvmmsg(). */
static int
await (DcUdpReader *self)
{
  gint64 began = g_get_monotonic_time ();
  int n = -1;

  errno = EAGAIN;
  if (self->can_watch && dc_udp_vigil_is_worthwhile (&self->vigil))
    n = watch (self, began + DC_UDP_VIGIL_US);
  if (n < 0 && errno == EAGAIN)
    n = receive (self, MSG_WAITFORONE);
  if (n > 0)
    note_turn (self, g_get_monotonic_time () - began, (guint) n);
  return n;
}

/* Returns @n, as recvmmsg() did. */
static int
take_batch (DcUdpReader *self, int n)
{
  if (n <= 0)
    return n;
  g_mutex_lock (&self->lock);
  self->now = self->remote;
  g_mutex_unlock (&self->lock);
  for (guint i = 0; i < (guint) n; i++)
    cut (self, i);
  flush (self);
  reset (self, (guint) n);
  return n;
}

static gboolean
is_passing (int number)
{
  return number == ENOMEM || number == ENOBUFS || number == EAGAIN || number == ECONNREFUSED || number == EHOSTUNREACH
         || number == ENETUNREACH || number == ENETDOWN || number == EMSGSIZE || number == EPROTO;
}

static void
drain (DcUdpReader *self)
{
  for (guint i = 0; i < LAST_CALLS; i++)
    if (take_batch (self, receive (self, MSG_DONTWAIT)) <= 0 && errno != EINTR)
      return;
}

/* From now on the agent has everything, though we are still there. */
static void
fail (DcUdpReader *self, int number)
{
  g_autoptr (GError) error = NULL;

  dc_udp_filter_direct (self->fd);
  g_set_error (
      &error, G_IO_ERROR, g_io_error_from_errno (number), "a UDP socket cannot be read: %s", g_strerror (number));
  self->callbacks.failed (error, self->user_data);
}

static gpointer
run (gpointer data)
{
  DcUdpReader *self = data;
  guint errors = 0;

  while (!g_atomic_int_get (&self->ending)) {
    if (take_batch (self, await (self)) >= 0) {
      errors = 0;
      continue;
    }
    if (errno == EINTR)
      continue;
    if (!is_passing (errno) || ++errors > ERRORS_MAX) {
      fail (self, errno);
      return NULL;
    }
  }
  drain (self);
  return NULL;
}

DcUdpReader *
dc_udp_reader_new (
    int fd, const DcUdpAddress *remote, const DcUdpPathCallbacks *callbacks, gpointer user_data, GError **error)
{
  DcUdpReader *self = g_new0 (DcUdpReader, 1);
  int on = 1;

  self->fd = fd;
  self->remote = *remote;
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->merging = setsockopt (fd, SOL_UDP, UDP_GRO, &on, sizeof on) == 0;
  self->memory = g_malloc (SLOTS * SLOT_BYTES);
  g_mutex_init (&self->lock);
  prepare (self);
  self->can_watch = g_get_num_processors () > 1;
  dc_udp_vigil_init (&self->vigil);
  self->thread = g_thread_try_new ("dc-udp-reader", run, self, error);
  if (self->thread == NULL)
    g_clear_pointer (&self, dc_udp_reader_free);
  return self;
}

void
dc_udp_reader_set_remote (DcUdpReader *self, const DcUdpAddress *remote)
{
  g_mutex_lock (&self->lock);
  self->remote = *remote;
  g_mutex_unlock (&self->lock);
}

void
dc_udp_reader_count_sent (DcUdpReader *self, guint n)
{
  g_atomic_int_add (&self->sent, n);
}

void
dc_udp_reader_free (DcUdpReader *self)
{
  g_atomic_int_set (&self->ending, TRUE);
  if (self->thread != NULL) {
    shutdown (self->fd, SHUT_RD);
    g_thread_join (self->thread);
  }
  close (self->fd);
  g_mutex_clear (&self->lock);
  g_free (self->memory);
  g_free (self);
}
