/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-udp-path.c: datagrams in batches beside an agent's socket, over the loopback interface. */
#include "tests/udp-end.h"

#include <net/if.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness/dc-test.h"

typedef struct {
  UdpEnd *a, *b;
  GSocketAddress *to_a, *to_b;
} Fixture;

static void
set_up (Fixture *f, gconstpointer host)
{
  dc_test_watchdog_start (60);
  f->a = udp_end_new (host);
  f->b = udp_end_new (host);
  f->to_a = udp_end_get_address (f->a->fd);
  f->to_b = udp_end_get_address (f->b->fd);
  udp_end_start (f->a, f->b);
  udp_end_start (f->b, f->a);
}

static void
tear_down (Fixture *f, gconstpointer host)
{
  udp_end_free (f->a);
  udp_end_free (f->b);
  g_object_unref (f->to_a);
  g_object_unref (f->to_b);
  dc_test_watchdog_stop ();
}

static void
assert_received (UdpEnd *end, guint number, guint n, const gsize *sizes, guint n_sizes)
{
  udp_end_wait (end, n, 0);
  for (guint i = 0; i < n; i++)
    udp_assert_packet (end->received->pdata[i], sizes[i % n_sizes], UDP_DTLS, number + i);
  udp_end_forget (end);
}

/* In turn, long enough that nobody sleeps between them, and then as much as comes. */
static void
test_conversation (Fixture *f, gconstpointer host)
{
  static const gsize small = 64, large = 1200;

  for (guint number = 0; number < 1000; number++) {
    udp_end_send (f->a, number, 1, &small, 1);
    assert_received (f->b, number, 1, &small, 1);
    udp_end_send (f->b, number, 1, &small, 1);
    assert_received (f->a, number, 1, &small, 1);
  }
  udp_end_send (f->a, 5, DC_PACKETS_MAX, &large, 1);
  assert_received (f->b, 5, DC_PACKETS_MAX, &large, 1);
  udp_end_send (f->b, 7, 1, &small, 1);
  assert_received (f->a, 7, 1, &small, 1);
}

/* Any number up to more than a run, with each pattern of sizes, both ways. */
static void
test_batches (Fixture *f, gconstpointer host)
{
  static const struct {
    gsize sizes[4];
    guint n;
  } patterns[] = {{{1200}, 1}, {{1}, 1}, {{1200, 1200, 1200, 60}, 4}, {{60, 1200}, 2}, {{1200, 1199, 1198, 1197}, 4},
      {{5, 1200, 1200, 1201}, 4}, {{1400, 30, 30, 30}, 4}};

  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++)
    for (guint n = 1; n <= 2 * DC_PACKETS_MAX + 1; n += n < 4 ? 1 : 31) {
      udp_end_send (f->a, i * 1000, n, patterns[i].sizes, patterns[i].n);
      assert_received (f->b, i * 1000, n, patterns[i].sizes, patterns[i].n);
      udp_end_send (f->b, i * 2000, n, patterns[i].sizes, patterns[i].n);
      assert_received (f->a, i * 2000, n, patterns[i].sizes, patterns[i].n);
    }
  udp_end_assert_silent (f->a);
  udp_end_assert_silent (f->b);
}

/* Equal ones come as they were sent, together. */
static void
test_together (Fixture *f, gconstpointer host)
{
  const gsize size = 1200;

  udp_end_send (f->a, 0, DC_PACKETS_MAX, &size, 1);
  udp_end_wait (f->b, DC_PACKETS_MAX, 0);
  g_assert_cmpuint (f->b->largest_batch, >, DC_PACKETS_MAX / 2);
}

/* What was dropped on the way down is not sent, and what is around it is. */
static void
test_dropped (Fixture *f, gconstpointer host)
{
  const gsize sizes[] = {0, 100, 0, 0, 100};
  const gsize nothing = 0;

  udp_end_send (f->a, 0, 1, &nothing, 1);
  udp_end_send (f->a, 0, 64, &nothing, 1);
  udp_end_send (f->a, 0, 10, sizes, G_N_ELEMENTS (sizes));
  udp_end_wait (f->b, 4, 0);
  udp_assert_packet (f->b->received->pdata[0], 100, UDP_DTLS, 1);
  udp_assert_packet (f->b->received->pdata[1], 100, UDP_DTLS, 4);
  udp_assert_packet (f->b->received->pdata[2], 100, UDP_DTLS, 6);
  udp_assert_packet (f->b->received->pdata[3], 100, UDP_DTLS, 9);
}

/* What is too large for any network does not keep what is around it. */
static void
test_too_large (Fixture *f, gconstpointer host)
{
  const gsize sizes[] = {1200, 65535, 1200, 70000};

  udp_end_send (f->a, 0, 3, sizes, G_N_ELEMENTS (sizes));
  udp_end_wait (f->b, 2, 0);
  udp_end_send (f->a, 0, 4, sizes, G_N_ELEMENTS (sizes));
  udp_end_wait (f->b, 4, 0);
}

static void
test_first_bytes (Fixture *f, gconstpointer host)
{
  guint n_received = 0;

  for (guint first = 0; first < 256; first++) {
    udp_end_say (f->b, f->to_a, first, first, 40);
    if (first >= 20 && first <= 63) {
      udp_end_wait (f->a, ++n_received, 0);
      udp_assert_packet (f->a->received->pdata[n_received - 1], 40, first, first);
    } else {
      g_autoptr (GBytes) packet = udp_end_read (f->a);
      udp_assert_packet (packet, 40, first, first);
    }
  }
  g_assert_cmpuint (n_received, ==, 44);
  /* Neither is there a first byte in none. */
  udp_end_say (f->b, f->to_a, UDP_STUN, 0, 0);
  g_bytes_unref (udp_end_read (f->a));
  udp_end_assert_silent (f->a);
  udp_end_wait (f->a, 44, 0);
}

/* What is not DTLS and comes merged behind it, first, in the middle and last of what is left. */
static void
test_merged (Fixture *f, gconstpointer host)
{
  const guint8 bytes[] = {UDP_DTLS, UDP_DTLS, UDP_RTP, UDP_DTLS, UDP_STUN};
  g_autoptr (GBytes) firsts = g_bytes_new_static (bytes, sizeof bytes);
  int own = udp_end_find_socket (f->a);
  int merging = -1;
  socklen_t size = sizeof merging;

  g_assert_cmpint (getsockopt (own, SOL_UDP, UDP_GRO, &merging, &size), ==, 0);
  g_assert_cmpint (merging, ==, 1);
  udp_end_say_merged (f->b, f->to_a, firsts, 100, 20);
  udp_end_wait (f->a, 3, 2);
  udp_assert_packet (f->a->received->pdata[0], 100, UDP_DTLS, 0);
  udp_assert_packet (f->a->received->pdata[1], 100, UDP_DTLS, 1);
  udp_assert_packet (f->a->strays->pdata[0], 100, UDP_RTP, 2);
  udp_assert_packet (f->a->received->pdata[2], 100, UDP_DTLS, 3);
  udp_assert_packet (f->a->strays->pdata[1], 20, UDP_STUN, 4);
  g_assert_cmpint (getsockopt (own, SOL_UDP, UDP_GRO, &merging, &size), ==, 0);
  g_assert_cmpint (merging, ==, 0);
  /* And all goes on. */
  udp_end_forget (f->a);
  udp_end_say_merged (f->b, f->to_a, firsts, 100, 20);
  udp_end_wait (f->a, 3, 2);
  udp_end_assert_silent (f->a);
}

/* The agent has what is merged behind something of its own, cut. */
static void
test_merged_for_agent (Fixture *f, gconstpointer host)
{
  const guint8 bytes[] = {UDP_STUN, UDP_DTLS, UDP_STUN};
  g_autoptr (GBytes) firsts = g_bytes_new_static (bytes, sizeof bytes);

  udp_end_say_merged (f->b, f->to_a, firsts, 100, 100);
  for (guint i = 0; i < sizeof bytes; i++) {
    g_autoptr (GBytes) packet = udp_end_read (f->a);
    udp_assert_packet (packet, 100, bytes[i], i);
  }
  udp_end_wait (f->a, 0, 0);
}

static void
test_others (Fixture *f, gconstpointer host)
{
  UdpEnd *other = udp_end_new (host);
  g_autoptr (GSocketAddress) from = udp_end_get_address (other->fd);

  udp_end_say (other, f->to_a, UDP_DTLS, 1, 50);
  udp_end_wait (f->a, 0, 1);
  udp_assert_packet (f->a->strays->pdata[0], 50, UDP_DTLS, 1);
  g_assert_true (g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (f->a->stray_from))
                 == g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (from)));
  g_assert_true (g_inet_address_equal (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (f->a->stray_from)),
      g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (from))));
  udp_end_say (other, f->to_a, UDP_STUN, 2, 50);
  g_bytes_unref (udp_end_read (f->a));
  udp_end_say (f->b, f->to_a, UDP_DTLS, 3, 50);
  udp_end_wait (f->a, 1, 1);
  udp_end_free (other);
}

static void
test_remote_changes (Fixture *f, gconstpointer host)
{
  UdpEnd *other = udp_end_new (host);
  g_autoptr (GSocketAddress) to_other = udp_end_get_address (other->fd);
  const gsize size = 300;
  g_autoptr (GBytes) packet = NULL;

  dc_udp_path_set_remote (f->a->path, to_other);
  udp_end_say (other, f->to_a, UDP_DTLS, 1, 50);
  udp_end_wait (f->a, 1, 0);
  udp_end_say (f->b, f->to_a, UDP_DTLS, 2, 50);
  udp_end_wait (f->a, 1, 1);
  udp_end_send (f->a, 7, 1, &size, 1);
  packet = udp_end_read (other);
  udp_assert_packet (packet, 300, UDP_DTLS, 7);
  dc_udp_path_set_remote (f->a->path, f->to_b);
  udp_end_send (f->a, 8, 1, &size, 1);
  udp_end_wait (f->b, 1, 0);
  udp_end_free (other);
}

/* Before a path, the agent has everything; after it again; and what came for it meanwhile it has at the end. */
static void
test_beginning_and_end (Fixture *f, gconstpointer host)
{
  g_autoptr (GBytes) before = NULL, after = NULL;

  udp_end_stop (f->a);
  udp_end_say (f->b, f->to_a, UDP_DTLS, 1, 50);
  udp_end_start (f->a, f->b);
  before = udp_end_read (f->a);
  udp_assert_packet (before, 50, UDP_DTLS, 1);
  for (guint i = 0; i < 100; i++)
    udp_end_say (f->b, f->to_a, UDP_DTLS, 2 + i, 50);
  udp_end_stop (f->a);
  g_assert_cmpuint (f->a->n_received, ==, 100);
  g_assert_cmpuint (f->a->strays->len, ==, 0);
  udp_end_say (f->b, f->to_a, UDP_DTLS, 200, 50);
  after = udp_end_read (f->a);
  udp_assert_packet (after, 50, UDP_DTLS, 200);
  g_assert_cmpuint (f->a->n_received, ==, 100);
}

/* What is in the socket at the end is not lost, however long it takes. */
static void
test_slow_end (Fixture *f, gconstpointer host)
{
  f->a->slow = TRUE;
  for (guint i = 0; i < 400; i++)
    udp_end_say (f->b, f->to_a, UDP_DTLS, i, 50);
  udp_end_stop (f->a);
  g_assert_cmpuint (f->a->n_received, ==, 400);
  udp_end_assert_silent (f->a);
}

/* The agent's socket is as it was. */
static void
test_leaves_no_trace (Fixture *f, gconstpointer host)
{
  int sharing = -1;
  socklen_t size = sizeof sharing;
  UdpEnd twin = {.fd = f->a->fd};

  g_assert_false (udp_end_try_start (&twin, f->to_b, NULL));
  udp_end_say (f->b, f->to_a, UDP_DTLS, 1, 50);
  udp_end_wait (f->a, 1, 0);
  udp_end_stop (f->a);
  g_assert_cmpint (getsockopt (f->a->fd, SOL_SOCKET, SO_REUSEPORT, &sharing, &size), ==, 0);
  g_assert_cmpint (sharing, ==, 0);
  g_assert_cmpint (udp_end_find_socket (f->a), ==, -1);
}

/* The agent may go first. */
static void
test_agent_goes_first (Fixture *f, gconstpointer host)
{
  const gsize size = 500;

  close (f->a->fd);
  udp_end_send (f->a, 0, 10, &size, 1);
  udp_end_wait (f->b, 10, 0);
  udp_end_send (f->b, 0, 10, &size, 1);
  udp_end_wait (f->a, 10, 0);
  udp_end_stop (f->a);
  f->a->fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static void
test_buffer (Fixture *f, gconstpointer host)
{
  guint bytes = dc_udp_path_get_receive_buffer (f->a->path);
  int own = udp_end_find_socket (f->a);
  int size = 0;
  socklen_t length = sizeof size;

  g_assert_cmpint (getsockopt (own, SOL_SOCKET, SO_RCVBUF, &size, &length), ==, 0);
  g_assert_cmpuint (bytes, >=, 64 * 1024);
  g_assert_cmpuint (bytes, <, (guint) size);
}

/* Who closes a socket may find its number on another one. */
static void
test_number_again (Fixture *f, gconstpointer host)
{
  int number = dup (f->a->fd);

  g_assert_true (dc_udp_path_is_beside (f->a->path, f->a->fd));
  g_assert_true (dc_udp_path_is_beside (f->a->path, number));
  g_assert_cmpint (dup2 (f->b->fd, number), ==, number);
  g_assert_false (dc_udp_path_is_beside (f->a->path, number));
  close (number);
  g_assert_false (dc_udp_path_is_beside (f->a->path, -1));
}

static void
test_refuses (void)
{
  UdpEnd *bound = udp_end_new ("127.0.0.1");
  g_autoptr (GSocketAddress) v4 = udp_end_get_address (bound->fd);
  g_autoptr (GSocketAddress) v6 = g_inet_socket_address_new_from_string ("::1", 9);
  const struct {
    int fd;
    GSocketAddress *remote;
  } cases[] = {{socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), v4},
      {socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), v4}, {socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), v4},
      {-1, v4}, {dup (bound->fd), v6}, {dup (0), v4}};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    UdpEnd end = {.fd = cases[i].fd};
    g_assert_false (udp_end_try_start (&end, cases[i].remote, &error));
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
    if (cases[i].fd >= 0)
      close (cases[i].fd);
  }
  udp_end_free (bound);
}

/* A socket of IPv6 that IPv4 comes to as well. */
static void
test_mapped (void)
{
  UdpEnd *both, *v4;
  g_autoptr (GSocketAddress) any = NULL, to_both = NULL, to_v4 = NULL;
  const gsize sizes[] = {1200, 800};

  dc_test_watchdog_start (30);
  both = udp_end_new ("::");
  v4 = udp_end_new ("127.0.0.1");
  any = udp_end_get_address (both->fd);
  to_both =
      g_inet_socket_address_new_from_string ("127.0.0.1", g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (any)));
  to_v4 = udp_end_get_address (v4->fd);
  udp_end_start (both, v4);
  g_assert_true (udp_end_try_start (v4, to_both, NULL));
  udp_end_send (both, 0, 30, sizes, 2);
  assert_received (v4, 0, 30, sizes, 2);
  udp_end_send (v4, 0, 30, sizes, 2);
  assert_received (both, 0, 30, sizes, 2);
  udp_end_say (v4, to_both, UDP_STUN, 5, 50);
  g_bytes_unref (udp_end_read (both));
  udp_end_free (both);
  udp_end_free (v4);
  dc_test_watchdog_stop ();
}

/* An agent that keeps to one interface. */
static void
test_interface (void)
{
  int loopback = (int) if_nametoindex ("lo");
  UdpEnd *bound, *other;
  const gsize size = 1200;

  dc_test_watchdog_start (30);
  bound = udp_end_new ("127.0.0.1");
  other = udp_end_new ("127.0.0.1");
  if (setsockopt (bound->fd, SOL_SOCKET, SO_BINDTOIFINDEX, &loopback, sizeof loopback) == 0) {
    udp_end_start (bound, other);
    udp_end_start (other, bound);
    udp_end_send (bound, 0, 30, &size, 1);
    assert_received (other, 0, 30, &size, 1);
    udp_end_send (other, 0, 30, &size, 1);
    assert_received (bound, 0, 30, &size, 1);
  } else {
    g_test_skip ("no socket can be bound to an interface here");
  }
  udp_end_free (bound);
  udp_end_free (other);
  dc_test_watchdog_stop ();
}

static void
test_many (Fixture *f, gconstpointer host)
{
  guint fds = dc_test_count_fds (), threads = dc_test_count_threads ();
  /* Each waits for the processors at its end. */
  guint n = dc_test_get_slowness () > 1 ? 50 : 500;

  for (guint i = 0; i < n; i++) {
    udp_end_stop (f->a);
    udp_end_start (f->a, f->b);
  }
  g_assert_cmpuint (dc_test_count_fds (), ==, fds);
  g_assert_cmpuint (dc_test_count_threads (), ==, threads);
}

int
main (int argc, char **argv)
{
  static const struct {
    const char *name;
    void (*run) (Fixture *, gconstpointer);
  } cases[] = {{"batches", test_batches}, {"conversation", test_conversation}, {"together", test_together},
      {"dropped", test_dropped}, {"too-large", test_too_large}, {"first-bytes", test_first_bytes},
      {"merged", test_merged}, {"merged-for-agent", test_merged_for_agent}, {"others", test_others},
      {"remote-changes", test_remote_changes}, {"beginning-and-end", test_beginning_and_end},
      {"leaves-no-trace", test_leaves_no_trace}, {"slow-end", test_slow_end},
      {"agent-goes-first", test_agent_goes_first}, {"buffer", test_buffer}, {"number-again", test_number_again}};

  dc_test_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *v4 = g_strconcat ("/udp-path/ipv4/", cases[i].name, NULL);
    g_autofree char *v6 = g_strconcat ("/udp-path/ipv6/", cases[i].name, NULL);
    g_test_add (v4, Fixture, "127.0.0.1", set_up, cases[i].run, tear_down);
    g_test_add (v6, Fixture, "::1", set_up, cases[i].run, tear_down);
  }
  g_test_add ("/udp-path/many", Fixture, "127.0.0.1", set_up, test_many, tear_down);
  g_test_add_func ("/udp-path/refuses", test_refuses);
  g_test_add_func ("/udp-path/interface", test_interface);
  g_test_add_func ("/udp-path/mapped", test_mapped);
  return g_test_run ();
}
