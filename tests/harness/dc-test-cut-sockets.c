/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-cut-sockets.c: the cut itself, and where packets go past the elements: what a program defines comes before the C library's of that name.
 *
 * The fast path is the only one here that sends by sendmmsg() and receives by recvmmsg(), and these carry nothing but DTLS. What is to vanish on its way in is made
 * nothing at all. */
#include <dlfcn.h>
#include <errno.h>
#include <glib.h>
#include <sys/socket.h>

#include "tests/harness/dc-test-cut.h"

typedef int (*SendMmsg) (int fd, struct mmsghdr *messages, unsigned int n, int flags);
typedef int (*RecvMmsg) (int fd, struct mmsghdr *messages, unsigned int n, int flags, struct timespec *timeout);

typedef ssize_t (*SendMsg) (int fd, const struct msghdr *message, int flags);

/* A record's type (RFC 6347, section 4.1), which is in clear. */
#define ALERT 21

static gint is_cut, is_breaking, n_lost, n_alerts; /* atomic */

void
dc_test_cut_set (gboolean cut)
{
  if (cut)
    g_atomic_int_set (&n_lost, 0);
  g_atomic_int_set (&is_cut, cut);
}

void
dc_test_cut_break_socket (void)
{
  g_atomic_int_set (&is_breaking, TRUE);
}

guint
dc_test_cut_count_lost (void)
{
  return (guint) g_atomic_int_get (&n_lost);
}

gboolean
dc_test_cut_loses (void)
{
  if (!g_atomic_int_get (&is_cut))
    return FALSE;
  g_atomic_int_inc (&n_lost);
  return TRUE;
}

static gpointer
find_next (const char *name)
{
  return dlsym (RTLD_NEXT, name);
}

guint
dc_test_cut_count_alerts (void)
{
  return (guint) g_atomic_int_get (&n_alerts);
}

static void
look (const struct msghdr *message)
{
  if (message->msg_iovlen > 0 && message->msg_iov[0].iov_len > 0
      && *(const guint8 *) message->msg_iov[0].iov_base == ALERT)
    g_atomic_int_inc (&n_alerts);
}

/* What libnice sends by. Not part of the cut, which is between the elements there. */
ssize_t
sendmsg (int fd, const struct msghdr *message, int flags)
{
  look (message);
  return ((SendMsg) find_next ("sendmsg")) (fd, message, flags);
}

int
sendmmsg (int fd, struct mmsghdr *messages, unsigned int n, int flags)
{
  for (unsigned int i = 0; i < n; i++)
    look (&messages[i].msg_hdr);
  if (n == 0 || !dc_test_cut_loses ())
    return ((SendMmsg) find_next ("sendmmsg")) (fd, messages, n, flags);
  return (int) n;
}

int
recvmmsg (int fd, struct mmsghdr *messages, unsigned int n, int flags, struct timespec *timeout)
{
  int got = ((RecvMmsg) find_next ("recvmmsg")) (fd, messages, n, flags, timeout);

  if (got > 0 && g_atomic_int_compare_and_exchange (&is_breaking, TRUE, FALSE)) {
    errno = ECONNABORTED;
    return -1;
  }
  for (int i = 0; i < got; i++)
    if (messages[i].msg_len > 0 && dc_test_cut_loses ())
      messages[i].msg_len = 0;
  return got;
}
