/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-udp-path-network.c: paths over network devices, which put datagrams together, have an MTU, or are full. All in networks of the test's own. */
#include "tests/udp-end.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness/dc-test-network.h"
#include "tests/harness/dc-test.h"

#define MTU 1280

/* Two networks, and a cable between them. */
static struct {
  int near, far;     /* namespaces; the former is the process' */
  const char *lacks; /* (nullable): why there are none */
} networks;

/* Runs `ip` with these words. */
static gboolean
ip (const char *format, ...)
{
  va_list arguments;
  g_autofree char *words = NULL, *line = NULL, *errors = NULL;
  int status;

  va_start (arguments, format);
  words = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  line = g_strconcat ("ip ", words, NULL);
  if (!g_spawn_command_line_sync (line, NULL, &errors, &status, NULL) || status != 0) {
    g_printerr ("# %s: %s\n", line, errors ? errors : "not found");
    return FALSE;
  }
  return TRUE;
}

static gboolean
set_offload (const char *device, guint command, guint value)
{
  struct ethtool_value offload = {.cmd = command, .data = value};
  struct ifreq request = {0};
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  gboolean done;

  g_strlcpy (request.ifr_name, device, sizeof request.ifr_name);
  request.ifr_data = (gpointer) &offload;
  done = ioctl (fd, SIOCETHTOOL, &request) == 0;
  close (fd);
  return done;
}

static gboolean
enter (int network)
{
  return setns (network, CLONE_NEWNET) == 0;
}

/* What leaves is cut before it does, so that it is there in one go and apart; what comes is put together, as by a network card. The kernel thinks
 * that not worth the while where the other side could have left it together in the case of TCP. */
static gboolean
lay_cable (void)
{
  const char *settings = "nodad";

  return ip ("link add far0 gso_max_segs 1 mtu %u type veth peer name near0 mtu %u netns /proc/%u/fd/%d", MTU, MTU,
             (guint) getpid (), networks.near)
         && ip ("address add 10.98.1.2/24 dev far0") && ip ("address add fd98::2/64 dev far0 %s", settings)
         && ip ("address add fe80::2/64 dev far0 %s", settings) && ip ("link set far0 up")
         && set_offload ("far0", ETHTOOL_STSO, 0) && enter (networks.near) && ip ("address add 10.98.1.1/24 dev near0")
         && ip ("address add fd98::1/64 dev near0 %s", settings) && ip ("address add fe80::1/64 dev near0 %s", settings)
         && ip ("link set near0 up") && set_offload ("near0", ETHTOOL_SGRO, 1);
}

/* Before there is any thread. */
static void
make_networks (void)
{
  if (!dc_test_network_enter ()) {
    networks.lacks = "no networks of our own are allowed here";
    return;
  }
  networks.near = open ("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (unshare (CLONE_NEWNET) != 0)
    networks.lacks = "no second network is allowed here";
  networks.far = open ("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (networks.lacks == NULL && !lay_cable ())
    networks.lacks = "no virtual cables can be laid here";
  g_assert_true (enter (networks.near));
}

typedef struct {
  UdpEnd *near, *far;
  GSocketAddress *to_near, *to_far;
} Fixture;

typedef struct {
  const char *name, *near, *far;
} Hosts;

static const Hosts hosts[] = {{"ipv4", "10.98.1.1", "10.98.1.2"}, {"ipv6", "fd98::1", "fd98::2"},
    {"link-local", "fe80::1%near0", "fe80::2%far0"}};

static void
open_ends (Fixture *f, const Hosts *h)
{
  f->near = udp_end_new (h->near);
  g_assert_true (enter (networks.far));
  f->far = udp_end_new (h->far);
  g_assert_true (enter (networks.near));
  f->to_near = udp_end_get_address (f->near->fd);
  f->to_far = udp_end_get_address (f->far->fd);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  dc_test_watchdog_start (60);
  if (networks.lacks != NULL) {
    g_test_skip (networks.lacks);
    return;
  }
  open_ends (f, data);
}

static void
close_ends (Fixture *f)
{
  g_clear_pointer (&f->near, udp_end_free);
  g_clear_pointer (&f->far, udp_end_free);
  g_clear_object (&f->to_near);
  g_clear_object (&f->to_far);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  close_ends (f);
  dc_test_watchdog_stop ();
}

/* A link-local address means something to one side alone. */
static void
start (UdpEnd *end, GSocketAddress *remote, int network)
{
  GInetSocketAddress *inet = G_INET_SOCKET_ADDRESS (remote);
  g_autoptr (GSocketAddress) address =
      g_inet_socket_address_new (g_inet_socket_address_get_address (inet), g_inet_socket_address_get_port (inet));
  g_autoptr (GError) error = NULL;

  g_assert_true (enter (network));
  udp_end_try_start (end, address, &error);
  g_assert_true (enter (networks.near));
  g_assert_no_error (error);
}

/* Each of a batch has come once; a network may turn them round. @three: their sizes, over and over. */
static void
assert_batch (UdpEnd *end, const gsize *three, guint first)
{
  gboolean seen[DC_PACKETS_MAX] = {FALSE};

  for (guint i = 0; i < DC_PACKETS_MAX; i++) {
    GBytes *packet = end->received->pdata[i];
    guint n = udp_get_number (packet) - first;

    g_assert_cmpuint (n, <, DC_PACKETS_MAX);
    g_assert_false (seen[n]);
    seen[n] = TRUE;
    udp_assert_packet (packet, three[n % 3], UDP_DTLS, first + n);
  }
}

/* Of sizes that fit and that do not, which then go in fragments. */
static void
test_batches (Fixture *f, gconstpointer data)
{
  static const gsize sizes[][3] = {{1200, 1200, 1200}, {1200, 1200, 40}, {1400, 1400, 1400}, {1400, 300, 300}};

  if (networks.lacks != NULL)
    return;
  start (f->near, f->to_far, networks.near);
  start (f->far, f->to_near, networks.far);
  for (guint i = 0; i < 20; i++) {
    const gsize *three = sizes[i % G_N_ELEMENTS (sizes)];
    udp_end_send (f->far, i * 100, DC_PACKETS_MAX, three, 3);
    udp_end_send (f->near, i * 100, DC_PACKETS_MAX, three, 3);
    udp_end_wait (f->near, DC_PACKETS_MAX, 0);
    udp_end_wait (f->far, DC_PACKETS_MAX, 0);
    assert_batch (f->near, three, i * 100);
    assert_batch (f->far, three, i * 100);
    udp_end_forget (f->near);
    udp_end_forget (f->far);
  }
  udp_end_assert_silent (f->near);
  udp_end_assert_silent (f->far);
}

/* Returns whether what was behind DTLS came to the path; the agent has it then from the second time on. */
static gboolean
send_behind (Fixture *f)
{
  const guint8 bytes[] = {UDP_DTLS, UDP_DTLS, UDP_DTLS, UDP_DTLS, UDP_STUN};
  g_autoptr (GBytes) firsts = g_bytes_new_static (bytes, sizeof bytes);
  guint n = sizeof bytes - 1;

  udp_end_say_merged (f->far, f->to_near, firsts, 1000, 50);
  udp_end_wait_received (f->near, n);
  if (udp_end_wait_for_other (f->near))
    return FALSE;
  for (guint i = 2; i < 10; i++) {
    udp_end_say_merged (f->far, f->to_near, firsts, 1000, 50);
    udp_end_wait (f->near, i * n, 1);
    g_bytes_unref (udp_end_read (f->near));
  }
  return TRUE;
}

/* The kernel decides by a hash of the ports for which socket it would merge. */
static void
test_merged (Fixture *f, gconstpointer data)
{
  guint strays = 0;

  if (networks.lacks != NULL)
    return;
  for (guint i = 0; i < 32 && strays < 3; i++) {
    start (f->near, f->to_far, networks.near);
    strays += send_behind (f);
    close_ends (f);
    open_ends (f, data);
  }
  g_test_message ("%u merged", strays);
  if (strays == 0)
    g_test_skip ("this kernel's virtual cables merge nothing");
}

/* A network where nobody is: packets wait for somebody's address, and the socket is full of them. */
static void
test_full (void)
{
  const gsize size = 1200;
  g_autoptr (GSocketAddress) nobody = NULL;
  UdpEnd *end, *other;
  struct pollfd poller = {.events = POLLOUT};
  int device, bytes = 1;

  if (networks.lacks != NULL || (device = dc_test_network_add ("nobody", "10.98.2.1")) < 0) {
    g_test_skip (networks.lacks ? networks.lacks : "no network devices can be made here");
    return;
  }
  dc_test_watchdog_start (60);
  nobody = g_inet_socket_address_new_from_string ("10.98.2.2", 9);
  end = udp_end_new ("0.0.0.0");
  other = udp_end_new ("127.0.0.1");
  poller.fd = end->fd;
  g_assert_cmpint (setsockopt (end->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), ==, 0);
  g_assert_true (udp_end_try_start (end, nobody, NULL));
  for (guint i = 0; i < 5; i++)
    udp_end_send (end, 0, DC_PACKETS_MAX, &size, 1);
  g_assert_cmpint (poll (&poller, 1, 0), ==, 0);
  /* They go with the network. */
  close (device);
  while (poll (&poller, 1, -1) < 0)
    g_assert_cmpint (errno, ==, EINTR);
  g_clear_object (&nobody);
  nobody = udp_end_get_address (other->fd);
  dc_udp_path_set_remote (end->path, nobody);
  udp_end_send (end, 1, 1, &size, 1);
  g_bytes_unref (udp_end_read (other));
  udp_end_assert_silent (other);
  udp_end_free (end);
  udp_end_free (other);
  dc_test_watchdog_stop ();
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  make_networks ();
  for (guint i = 0; i < G_N_ELEMENTS (hosts); i++) {
    g_autofree char *batches = g_strconcat ("/udp-path-network/batches/", hosts[i].name, NULL);
    g_autofree char *merged = g_strconcat ("/udp-path-network/merged/", hosts[i].name, NULL);
    g_test_add (batches, Fixture, hosts + i, set_up, test_batches, tear_down);
    if (strchr (hosts[i].near, '%') == NULL)
      g_test_add (merged, Fixture, hosts + i, set_up, test_merged, tear_down);
  }
  g_test_add_func ("/udp-path-network/full", test_full);
  return g_test_run ();
}
