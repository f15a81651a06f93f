/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* udp-end.c: a UDP socket, as an agent has one, and a path beside it whose packets are kept. */
#include "tests/udp-end.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LARGEST 65536

static void
received (DcPacket *packets, guint n, gpointer user_data)
{
  UdpEnd *end = user_data;

  g_assert_cmpuint (n, >, 0);
  g_assert_cmpuint (n, <=, DC_PACKETS_MAX);
  g_mutex_lock (&end->lock);
  end->n_received += n;
  end->largest_batch = MAX (end->largest_batch, n);
  for (guint i = 0; i < n; i++) {
    end->bytes += packets[i].size;
    if (!end->counting)
      g_ptr_array_add (end->received, g_bytes_new (packets[i].data, packets[i].size));
    /* It is ours to write to. */
    memset (packets[i].data, 0xee, packets[i].size);
  }
  g_cond_broadcast (&end->cond);
  g_mutex_unlock (&end->lock);
  if (end->slow)
    g_usleep (2000);
}

static void
stray (const DcPacket *packet, GSocketAddress *from, gpointer user_data)
{
  UdpEnd *end = user_data;

  g_mutex_lock (&end->lock);
  g_ptr_array_add (end->strays, g_bytes_new (packet->data, packet->size));
  g_set_object (&end->stray_from, from);
  g_assert_cmpint (eventfd_write (end->news, 1), ==, 0);
  g_cond_broadcast (&end->cond);
  g_mutex_unlock (&end->lock);
}

static void
failed (const GError *error, gpointer user_data)
{
  UdpEnd *end = user_data;

  g_mutex_lock (&end->lock);
  g_assert_null (end->error);
  end->error = g_error_copy (error);
  g_cond_broadcast (&end->cond);
  g_mutex_unlock (&end->lock);
}

UdpEnd *
udp_end_new (const char *host)
{
  UdpEnd *end = g_new0 (UdpEnd, 1);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string (host, 0);
  struct sockaddr_storage native;
  socklen_t size = (socklen_t) g_socket_address_get_native_size (address);

  g_assert_true (g_socket_address_to_native (address, &native, sizeof native, NULL));
  end->fd = socket (native.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  g_assert_cmpint (end->fd, >=, 0);
  g_assert_cmpint (bind (end->fd, (struct sockaddr *) &native, size), ==, 0);
  end->news = eventfd (0, EFD_CLOEXEC);
  g_assert_cmpint (end->news, >=, 0);
  end->received = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  end->strays = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_mutex_init (&end->lock);
  g_cond_init (&end->cond);
  return end;
}

void
udp_end_free (UdpEnd *end)
{
  udp_end_stop (end);
  close (end->fd);
  close (end->news);
  g_ptr_array_unref (end->received);
  g_ptr_array_unref (end->strays);
  g_clear_object (&end->stray_from);
  g_clear_error (&end->error);
  g_mutex_clear (&end->lock);
  g_cond_clear (&end->cond);
  g_free (end);
}

GSocketAddress *
udp_end_get_address (int fd)
{
  struct sockaddr_storage native;
  socklen_t size = sizeof native;

  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &native, &size), ==, 0);
  return g_socket_address_new_from_native (&native, size);
}

gboolean
udp_end_try_start (UdpEnd *end, GSocketAddress *remote, GError **error)
{
  static const DcUdpPathCallbacks callbacks = {received, stray, failed};

  g_assert_null (end->path);
  end->path = dc_udp_path_new (end->fd, remote, &callbacks, end, error);
  return end->path != NULL;
}

void
udp_end_start (UdpEnd *end, const UdpEnd *remote)
{
  g_autoptr (GSocketAddress) address = udp_end_get_address (remote->fd);
  g_autoptr (GError) error = NULL;

  udp_end_try_start (end, address, &error);
  g_assert_no_error (error);
}

void
udp_end_stop (UdpEnd *end)
{
  g_clear_pointer (&end->path, dc_udp_path_free);
}

void
udp_end_wait_received (UdpEnd *end, guint n)
{
  g_mutex_lock (&end->lock);
  while (end->n_received < n)
    g_cond_wait (&end->cond, &end->lock);
  g_assert_cmpuint (end->n_received, ==, n);
  g_mutex_unlock (&end->lock);
}

void
udp_end_wait (UdpEnd *end, guint n_received, guint n_strays)
{
  g_mutex_lock (&end->lock);
  while (end->n_received < n_received || end->strays->len < n_strays)
    g_cond_wait (&end->cond, &end->lock);
  g_assert_cmpuint (end->n_received, ==, n_received);
  g_assert_cmpuint (end->strays->len, ==, n_strays);
  g_mutex_unlock (&end->lock);
}

void
udp_end_forget (UdpEnd *end)
{
  g_mutex_lock (&end->lock);
  g_ptr_array_set_size (end->received, 0);
  g_ptr_array_set_size (end->strays, 0);
  end->n_received = end->bytes = 0;
  end->largest_batch = 0;
  g_mutex_unlock (&end->lock);
}

GBytes *
udp_end_read (UdpEnd *end)
{
  struct pollfd poller = {.fd = end->fd, .events = POLLIN};
  g_autofree guint8 *data = g_malloc (LARGEST);
  gssize size;

  while ((size = recv (end->fd, data, LARGEST, 0)) < 0) {
    g_assert_true (errno == EAGAIN || errno == EINTR);
    poll (&poller, 1, -1);
  }
  return g_bytes_new (data, (gsize) size);
}

gboolean
udp_end_wait_for_other (UdpEnd *end)
{
  struct pollfd pollers[] = {{.fd = end->fd, .events = POLLIN}, {.fd = end->news, .events = POLLIN}};

  while (poll (pollers, G_N_ELEMENTS (pollers), -1) < 0)
    g_assert_cmpint (errno, ==, EINTR);
  if (pollers[0].revents == 0)
    return FALSE;
  g_bytes_unref (udp_end_read (end));
  return TRUE;
}

void
udp_end_assert_silent (UdpEnd *end)
{
  guint8 byte;

  g_assert_cmpint (recv (end->fd, &byte, 1, 0), ==, -1);
  g_assert_cmpint (errno, ==, EAGAIN);
}

static gboolean
is_same_port (int fd, int other)
{
  struct sockaddr_in6 one = {0}, two = {0};
  socklen_t size = sizeof one, other_size = sizeof two;

  return getsockname (fd, (struct sockaddr *) &one, &size) == 0
         && getsockname (other, (struct sockaddr *) &two, &other_size) == 0 && one.sin6_family == two.sin6_family
         && one.sin6_port == two.sin6_port;
}

int
udp_end_find_socket (UdpEnd *end)
{
  struct stat agents, status;

  g_assert_cmpint (fstat (end->fd, &agents), ==, 0);
  for (int fd = 0; fd < 1024; fd++)
    if (fstat (fd, &status) == 0 && S_ISSOCK (status.st_mode) && status.st_ino != agents.st_ino
        && is_same_port (fd, end->fd))
      return fd;
  return -1;
}

void
udp_fill (guint8 *data, gsize size, guint first, guint number)
{
  for (gsize i = 0; i < size; i++)
    data[i] = (guint8) (number * 31 + i * 7);
  if (size >= 5) {
    guint32 big = GUINT32_TO_BE (number);
    memcpy (data + 1, &big, sizeof big);
  }
  if (size > 0)
    data[0] = (guint8) first;
}

guint
udp_get_number (GBytes *packet)
{
  guint32 big;

  g_assert_cmpuint (g_bytes_get_size (packet), >=, 5);
  memcpy (&big, (const guint8 *) g_bytes_get_data (packet, NULL) + 1, sizeof big);
  return GUINT32_FROM_BE (big);
}

void
udp_assert_packet (GBytes *packet, gsize size, guint first, guint number)
{
  g_autofree guint8 *wanted = g_malloc (size);

  udp_fill (wanted, size, first, number);
  g_assert_cmpmem (g_bytes_get_data (packet, NULL), g_bytes_get_size (packet), wanted, size);
}

static void
say (UdpEnd *from, GSocketAddress *to, struct msghdr message)
{
  struct sockaddr_storage native;
  gsize size = 0;

  g_assert_true (g_socket_address_to_native (to, &native, sizeof native, NULL));
  for (guint i = 0; i < message.msg_iovlen; i++)
    size += message.msg_iov[i].iov_len;
  message.msg_name = &native;
  message.msg_namelen = (socklen_t) g_socket_address_get_native_size (to);
  g_assert_cmpint (sendmsg (from->fd, &message, 0), ==, (gssize) size);
}

void
udp_end_say (UdpEnd *from, GSocketAddress *to, guint first, guint number, gsize size)
{
  g_autofree guint8 *data = g_malloc (MAX (size, 1));
  struct iovec vector = {data, size};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

  udp_fill (data, size, first, number);
  say (from, to, message);
}

void
udp_end_send (UdpEnd *from, guint number, guint n, const gsize *sizes, guint n_sizes)
{
  g_autofree DcPacket *packets = g_new0 (DcPacket, n);

  for (guint i = 0; i < n; i++) {
    packets[i].size = sizes[i % n_sizes];
    packets[i].data = g_malloc (MAX (packets[i].size, 1));
    udp_fill (packets[i].data, packets[i].size, UDP_DTLS, number + i);
  }
  dc_udp_path_send (from->path, packets, n);
  for (guint i = 0; i < n; i++)
    g_free (packets[i].data);
}

void
udp_end_say_merged (UdpEnd *from, GSocketAddress *to, GBytes *firsts, gsize size, gsize last)
{
  gsize n;
  const guint8 *first = g_bytes_get_data (firsts, &n);
  gsize total = (n - 1) * size + last;
  g_autofree guint8 *data = g_malloc (total);
  struct iovec vector = {data, total};
  char control[CMSG_SPACE (sizeof (guint16))] = {0};
  struct msghdr message = {
      .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR (&message);
  guint16 segment = (guint16) size;

  for (guint i = 0; i < n; i++)
    udp_fill (data + i * size, i + 1 < n ? size : last, first[i], i);
  header->cmsg_level = SOL_UDP;
  header->cmsg_type = UDP_SEGMENT;
  header->cmsg_len = CMSG_LEN (sizeof segment);
  memcpy (CMSG_DATA (header), &segment, sizeof segment);
  say (from, to, message);
}
