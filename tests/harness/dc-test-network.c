/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-network.c: a network of the test's own, in which nobody else is. */
#include "tests/harness/dc-test-network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* In /proc/net/if_inet6: not checked yet for doubles. */
#define TENTATIVE 0x40

static gboolean
write_file (const char *path, const char *text)
{
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  gboolean good = fd >= 0 && write (fd, text, strlen (text)) == (gssize) strlen (text);

  if (fd >= 0)
    close (fd);
  return good;
}

/* Its own, in which it is root if it is none outside. */
static gboolean
leave_network (void)
{
  g_autofree char *users = g_strdup_printf ("0 %u 1", (guint) geteuid ());
  g_autofree char *groups = g_strdup_printf ("0 %u 1", (guint) getegid ());

  if (unshare (CLONE_NEWNET) == 0)
    return TRUE;
  return unshare (CLONE_NEWUSER | CLONE_NEWNET) == 0 && write_file ("/proc/self/setgroups", "deny")
         && write_file ("/proc/self/uid_map", users) && write_file ("/proc/self/gid_map", groups);
}

static void
set_device (const char *name, unsigned long ask, struct ifreq *request)
{
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  g_strlcpy (request->ifr_name, name, sizeof request->ifr_name);
  if (ioctl (fd, ask, request) != 0)
    g_error ("the interface %s cannot be set up: %s", name, g_strerror (errno));
  close (fd);
}

static void
set_address (const char *name, unsigned long ask, const char *address)
{
  struct sockaddr_in to = {.sin_family = AF_INET};
  struct ifreq request = {0};

  g_assert_cmpint (inet_pton (AF_INET, address, &to.sin_addr), ==, 1);
  memcpy (&request.ifr_addr, &to, sizeof to);
  set_device (name, ask, &request);
}

static void
bring_up (const char *name)
{
  struct ifreq request = {0};

  set_device (name, SIOCGIFFLAGS, &request);
  request.ifr_flags |= IFF_UP;
  set_device (name, SIOCSIFFLAGS, &request);
}

gboolean
dc_test_network_enter (void)
{
  if (!leave_network ())
    return FALSE;
  bring_up ("lo");
  return TRUE;
}

int
dc_test_network_add (const char *name, const char *address)
{
  g_autofree char *doubles = g_strdup_printf ("/proc/sys/net/ipv6/conf/%s/accept_dad", name);
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
  int fd = open ("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

  g_strlcpy (request.ifr_name, name, sizeof request.ifr_name);
  if (fd < 0)
    return -1;
  if (ioctl (fd, TUNSETIFF, &request) != 0) {
    close (fd);
    return -1;
  }
  /* There are none, and looking for them takes a second. */
  write_file (doubles, "0");
  set_address (name, SIOCSIFADDR, address);
  set_address (name, SIOCSIFNETMASK, "255.255.255.0");
  bring_up (name);
  return fd;
}

gboolean
dc_test_network_has_ipv6 (const char *name)
{
  g_autofree char *table = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents ("/proc/self/net/if_inet6", &table, NULL, NULL))
    return TRUE;
  lines = g_strsplit (table, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    char device[IF_NAMESIZE];
    guint flags;
    if (sscanf (lines[i], "%*s %*x %*x %*x %x %15s", &flags, device) == 2 && g_str_equal (device, name)
        && !(flags & TENTATIVE))
      return TRUE;
  }
  return FALSE;
}
