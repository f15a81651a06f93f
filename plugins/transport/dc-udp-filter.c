/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-udp-filter.c: which of two sockets on one address gets a datagram.
 *
 * Sockets that share an address by SO_REUSEPORT are a group. A program in the old form of BPF, which takes no privileges, sees each datagram
 * from its payload on, and names a member by its number: members are numbered as they joined. A program that reads beyond the end has
 * said 0, and a number that nobody has is as good as no program: the kernel takes a hash of the addresses. */
#include "plugins/transport/dc-udp-filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static gboolean
attach (int fd, struct sock_filter *code, guint n)
{
  struct sock_fprog program;

  /* What lies between the members goes to the kernel as well. */
  memset (&program, 0, sizeof program);
  program.len = (unsigned short) n;
  program.filter = code;
  return setsockopt (fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) == 0;
}

gboolean
dc_udp_filter_split (int fd)
{
  struct sock_filter code[] = {
      BPF_STMT (BPF_LD | BPF_B | BPF_ABS, 0),
      BPF_JUMP (BPF_JMP | BPF_JGE | BPF_K, DC_UDP_FILTER_DTLS_FIRST, 0, 2),
      BPF_JUMP (BPF_JMP | BPF_JGT | BPF_K, DC_UDP_FILTER_DTLS_LAST, 1, 0),
      BPF_STMT (BPF_RET | BPF_K, 1),
      BPF_STMT (BPF_RET | BPF_K, 0),
  };

  return attach (fd, code, G_N_ELEMENTS (code));
}

gboolean
dc_udp_filter_direct (int fd)
{
  struct sock_filter code[] = {BPF_STMT (BPF_RET | BPF_K, 0)};

  return attach (fd, code, G_N_ELEMENTS (code));
}

/* A socket that is not bound may begin a group, too. */
gboolean
dc_udp_filter_is_known (int family)
{
  int fd = socket (family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int on = 1, number;
  gboolean known;

  if (fd < 0)
    return FALSE;
  known = setsockopt (fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0 && dc_udp_filter_split (fd);
  number = errno;
  close (fd);
  errno = number;
  return known;
}
