/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-lab-side.c: a network namespace with a TUN device, and the address of that device. */
#include "tests/netlab/dc-lab-side.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of packets that we have not read yet: 100 ms at 600 Mbit/s. */
#define QUEUE_PACKETS 5000

/* ---- rtnetlink ---- */

typedef struct {
  struct nlmsghdr head;
  union {
    struct ifaddrmsg address;
    struct rtmsg route;
    struct ifinfomsg link;
  } body;
  guint8 attributes[128];
} Request;

static void
add_attribute (Request *request, guint16 type, const void *data, gsize size)
{
  struct rtattr *attribute = (struct rtattr *) ((guint8 *) request + NLMSG_ALIGN (request->head.nlmsg_len));

  attribute->rta_type = type;
  attribute->rta_len = (guint16) RTA_LENGTH (size);
  memcpy (RTA_DATA (attribute), data, size);
  request->head.nlmsg_len = (guint32) (NLMSG_ALIGN (request->head.nlmsg_len) + RTA_ALIGN (attribute->rta_len));
}

/* Asks the kernel, and waits for its word. errno says what it was. */
static gboolean
transact (Request *request)
{
  struct {
    struct nlmsghdr head;
    struct nlmsgerr body;
  } answer = {0};
  int fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

  if (fd < 0)
    return FALSE;
  request->head.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
  gboolean good = send (fd, request, request->head.nlmsg_len, 0) >= 0
                  && recv (fd, &answer, sizeof answer, MSG_TRUNC) >= (gssize) sizeof answer;
  int number = errno;
  close (fd);
  if (good)
    number = -answer.body.error;
  errno = number;
  return good && number == 0;
}

static int
parse_address (const char *text, guint8 *bytes, gsize *size)
{
  int family = strchr (text, ':') ? AF_INET6 : AF_INET;

  *size = family == AF_INET6 ? 16 : 4;
  return inet_pton (family, text, bytes) == 1 ? family : AF_UNSPEC;
}

/* @type: RTM_NEWADDR or RTM_DELADDR */
static gboolean
change_address (guint16 type, const char *text)
{
  guint8 bytes[16];
  gsize size;
  int family = parse_address (text, bytes, &size);
  Request request = {.head = {.nlmsg_len = NLMSG_LENGTH (sizeof request.body.address), .nlmsg_type = type}};

  if (type == RTM_NEWADDR)
    request.head.nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
  request.body.address.ifa_family = (guint8) family;
  request.body.address.ifa_prefixlen = family == AF_INET6 ? 64 : 24;
  request.body.address.ifa_flags = IFA_F_NODAD; /* usable at once */
  request.body.address.ifa_index = if_nametoindex (DC_LAB_DEVICE);
  add_attribute (&request, IFA_LOCAL, bytes, size);
  add_attribute (&request, IFA_ADDRESS, bytes, size);
  return transact (&request);
}

/* To whom GNetworkMonitor looks when it is asked whether there is a network. It goes away with the last address. */
static gboolean
add_default_route (int family)
{
  Request request = {.head = {.nlmsg_len = NLMSG_LENGTH (sizeof request.body.route),
                         .nlmsg_type = RTM_NEWROUTE,
                         .nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE}};
  guint32 device = if_nametoindex (DC_LAB_DEVICE);

  request.body.route.rtm_family = (guint8) family;
  request.body.route.rtm_table = RT_TABLE_MAIN;
  request.body.route.rtm_protocol = RTPROT_BOOT;
  request.body.route.rtm_scope = RT_SCOPE_LINK;
  request.body.route.rtm_type = RTN_UNICAST;
  add_attribute (&request, RTA_OIF, &device, sizeof device);
  return transact (&request);
}

/* SIOCSIFTXQLEN would do, but not for root in a user namespace. */
static gboolean
set_sizes (const char *device, guint32 mtu, guint32 queue)
{
  Request request = {.head = {.nlmsg_len = NLMSG_LENGTH (sizeof request.body.link), .nlmsg_type = RTM_NEWLINK}};

  request.body.link.ifi_family = AF_UNSPEC;
  request.body.link.ifi_index = (int) if_nametoindex (device);
  add_attribute (&request, IFLA_MTU, &mtu, sizeof mtu);
  add_attribute (&request, IFLA_TXQLEN, &queue, sizeof queue);
  return transact (&request);
}

/* ---- Devices ---- */

/* @ask: SIOC...; the name is filled in here. */
static gboolean
ask_device (const char *name, unsigned long ask, struct ifreq *request)
{
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  g_strlcpy (request->ifr_name, name, sizeof request->ifr_name);
  gboolean good = fd >= 0 && ioctl (fd, ask, request) == 0;
  int number = errno;
  if (fd >= 0)
    close (fd);
  errno = number;
  return good;
}

static gboolean
bring_up (const char *name)
{
  struct ifreq request = {0};

  if (!ask_device (name, SIOCGIFFLAGS, &request))
    return FALSE;
  request.ifr_flags |= IFF_UP;
  return ask_device (name, SIOCSIFFLAGS, &request);
}

/* The kernel gives each device an address of its own and solicits routers: packets that no experiment asked for. */
static void
silence_ipv6 (const char *device, gboolean entirely)
{
  const char *name = entirely ? "disable_ipv6" : "addr_gen_mode";
  g_autofree char *path = g_strdup_printf ("/proc/sys/net/ipv6/conf/%s/%s", device, name);
  int fd = open (path, O_WRONLY | O_CLOEXEC);

  /* Where there is no IPv6 it is silent. */
  if (fd < 0)
    return;
  if (write (fd, "1", 1) != 1)
    g_printerr ("netlab: %s cannot be set: %s\n", path, g_strerror (errno));
  close (fd);
}

static int
open_tun (const char *device, GError **error)
{
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  int fd = open ("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

  if (fd < 0) {
    dc_lab_set_errno (error, "no TUN device, /dev/net/tun cannot be opened");
    return -1;
  }
  g_strlcpy (request.ifr_name, device, sizeof request.ifr_name);
  if (ioctl (fd, TUNSETIFF, &request) != 0) {
    dc_lab_set_errno (error, "no TUN device, the kernel refuses to make one");
    close (fd);
    return -1;
  }
  return fd;
}

/* In the namespace in which the calling process is. */
static gboolean
open_device (DcLabSide *self, const char *device, guint mtu, gboolean ipv6, GError **error)
{
  g_strlcpy (self->device, device, sizeof self->device);
  self->tun = open_tun (device, error);
  if (self->tun < 0)
    return FALSE;
  silence_ipv6 (device, !ipv6);
  if (!bring_up ("lo") || !set_sizes (device, mtu, QUEUE_PACKETS) || !bring_up (device))
    return dc_lab_set_errno (error, "the TUN device cannot be set up");
  return TRUE;
}

static gboolean
give_address (char **place, const char *address, GError **error)
{
  g_autofree char *what = g_strdup_printf ("the address %s cannot be set", address);

  if (!change_address (RTM_NEWADDR, address))
    return dc_lab_set_errno (error, what);
  g_free (*place);
  *place = g_strdup (address);
  if (!add_default_route (strchr (address, ':') ? AF_INET6 : AF_INET))
    return dc_lab_set_errno (error, "the default route cannot be set");
  return TRUE;
}

/**
 * dc_lab_side_open:
 * @self: (out): the side
 * @ipv4: address of its device, in a /24
 * @ipv6: (nullable): another one, in a /64
 * @mtu: of the device
 * @error: DC_LAB_ERROR
 *
 * Returns: whether it was made; dc_lab_side_close() in either case
 */
gboolean
dc_lab_side_open (DcLabSide *self, const char *ipv4, const char *ipv6, guint mtu, GError **error)
{
  *self = (DcLabSide){.namespace = -1, .tun = -1};
  if (unshare (CLONE_NEWNET) != 0)
    return dc_lab_set_errno (error, "no network namespace; run it as root");
  self->namespace = open ("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (self->namespace < 0)
    return dc_lab_set_errno (error, "no /proc/self/ns/net");
  return open_device (self, DC_LAB_DEVICE, mtu, ipv6 != NULL, error) && give_address (&self->ipv4, ipv4, error)
         && (!ipv6 || give_address (&self->ipv6, ipv6, error));
}

/**
 * dc_lab_side_join:
 * @self: (out): the side
 * @path: of the namespace
 * @device: of the device, 15 bytes at the most
 * @mtu: likewise
 * @error: DC_LAB_ERROR
 *
 * Returns: whether it was made; dc_lab_side_close() in either case
 */
gboolean
dc_lab_side_join (DcLabSide *self, const char *path, const char *device, guint mtu, GError **error)
{
  *self = (DcLabSide){.namespace = -1, .tun = -1};
  self->namespace = open (path, O_RDONLY | O_CLOEXEC);
  if (self->namespace < 0 || setns (self->namespace, CLONE_NEWNET) != 0)
    return dc_lab_set_errno (error, path);
  return open_device (self, device, mtu, TRUE, error);
}

void
dc_lab_side_close (DcLabSide *self)
{
  if (self->namespace >= 0)
    close (self->namespace);
  if (self->tun >= 0)
    close (self->tun);
  self->namespace = self->tun = -1;
  g_clear_pointer (&self->ipv4, g_free);
  g_clear_pointer (&self->ipv6, g_free);
}

/**
 * dc_lab_side_set_address:
 * @self: a side
 * @address: of IPv4 or IPv6
 * @error: DC_LAB_ERROR
 *
 * Returns: whether the device has it now
 */
gboolean
dc_lab_side_set_address (DcLabSide *self, const char *address, GError **error)
{
  char **place = strchr (address, ':') ? &self->ipv6 : &self->ipv4;

  if (setns (self->namespace, CLONE_NEWNET) != 0)
    return dc_lab_set_errno (error, "the network namespace cannot be entered");
  if (*place && !change_address (RTM_DELADDR, *place))
    return dc_lab_set_errno (error, "the old address cannot be removed");
  return give_address (place, address, error);
}

guint64
dc_lab_side_get_overruns (DcLabSide *self)
{
  g_autofree char *text = NULL;
  guint64 dropped = 0;

  if (setns (self->namespace, CLONE_NEWNET) != 0 || !g_file_get_contents ("/proc/self/net/dev", &text, NULL, NULL))
    return 0;
  /* Eight numbers of what it received; of what it sent: bytes, packets, errors, drops. */
  g_autofree char *name = g_strconcat (self->device, ":", NULL);
  const char *line = strstr (text, name);
  if (line)
    sscanf (line + strlen (name), " %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %" G_GUINT64_FORMAT, &dropped);
  return dropped;
}
