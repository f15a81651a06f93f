/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-udp-path-load.c: paths that come and go while packets do. */
#include "tests/udp-end.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness/dc-test.h"

#define CHANGES 50
#define FLOODED_CHANGES 20
#define PACKETS 20000
#define PACKETS_MOST (8 << 20)
#define SIZE 200
/* Less than any buffer holds. */
#define WINDOW 100

/* Numbered packets from a socket to another, that an agent reads, and paths too. */
typedef struct {
  UdpEnd *to, *from; /* the latter has a path all the time */
  GSocketAddress *address, *to_address;
  int wake;      /* ends the agent */
  gint stopping; /* atomic: no more are sent */

  GMutex lock;
  GCond cond;
  /* lock */
  guint8 *seen; /* by number: how often */
  guint sent, come, by_path, by_agent, strays, missed;
} Load;

static void
note (Load *load, const guint8 *data, gsize size, guint *way)
{
  guint32 number;

  g_assert_cmpuint (size, ==, SIZE);
  memcpy (&number, data + 1, sizeof number);
  number = GUINT32_FROM_BE (number);
  g_mutex_lock (&load->lock);
  g_assert_cmpuint (number, <, load->sent);
  load->seen[number]++;
  load->come++;
  (*way)++;
  g_cond_broadcast (&load->cond);
  g_mutex_unlock (&load->lock);
}

static void
received (DcPacket *packets, guint n, gpointer user_data)
{
  Load *load = user_data;

  for (guint i = 0; i < n; i++)
    note (load, packets[i].data, packets[i].size, &load->by_path);
}

static void
stray (const DcPacket *packet, GSocketAddress *from, gpointer user_data)
{
  Load *load = user_data;

  note (load, packet->data, packet->size, &load->strays);
}

static void
failed (const GError *error, gpointer user_data)
{
  g_assert_no_error (error);
}

static const DcUdpPathCallbacks callbacks = {received, stray, failed};

static gpointer
run_agent (gpointer data)
{
  Load *load = data;
  struct pollfd pollers[] = {{.fd = load->to->fd, .events = POLLIN}, {.fd = load->wake, .events = POLLIN}};
  guint8 bytes[2048];
  gssize size;

  while (pollers[1].revents == 0) {
    while ((size = recv (load->to->fd, bytes, sizeof bytes, 0)) >= 0)
      note (load, bytes, (gsize) size, &load->by_agent);
    poll (pollers, G_N_ELEMENTS (pollers), -1);
  }
  return NULL;
}

/* So many that none is lost for want of room. What has not come after a second never will. */
static void
wait_for_window (Load *load, guint window)
{
  g_mutex_lock (&load->lock);
  while (load->sent - load->come - load->missed > window)
    if (!g_cond_wait_until (&load->cond, &load->lock, g_get_monotonic_time () + G_USEC_PER_SEC))
      load->missed = load->sent - load->come;
  g_mutex_unlock (&load->lock);
}

/* By the path, and now and then one that is not DTLS. */
static gpointer
run_sender (gpointer data)
{
  Load *load = data;
  const gsize size = SIZE;

  while (load->sent < PACKETS || !g_atomic_int_get (&load->stopping)) {
    guint number = load->sent, n = 1 + number % 16;
    g_assert_cmpuint (number + n, <, PACKETS_MOST);
    g_mutex_lock (&load->lock);
    load->sent += n;
    g_mutex_unlock (&load->lock);
    if (n == 7) {
      for (guint i = 0; i < n; i++)
        udp_end_say (load->from, load->to_address, UDP_STUN, number + i, SIZE);
    } else {
      udp_end_send (load->from, number, n, &size, 1);
    }
    wait_for_window (load, WINDOW);
  }
  wait_for_window (load, 0);
  return NULL;
}

static void
set_up (Load *load, gconstpointer host)
{
  dc_test_watchdog_start (120);
  load->to = udp_end_new (host);
  load->from = udp_end_new (host);
  load->address = udp_end_get_address (load->from->fd);
  load->to_address = udp_end_get_address (load->to->fd);
  load->wake = eventfd (0, EFD_CLOEXEC);
  load->seen = g_malloc0 (PACKETS_MOST);
  g_mutex_init (&load->lock);
  g_cond_init (&load->cond);
  udp_end_start (load->from, load->to);
}

static void
tear_down (Load *load, gconstpointer host)
{
  udp_end_free (load->from);
  udp_end_free (load->to);
  g_object_unref (load->address);
  g_object_unref (load->to_address);
  close (load->wake);
  g_free (load->seen);
  g_mutex_clear (&load->lock);
  g_cond_clear (&load->cond);
  dc_test_watchdog_stop ();
}

static void
count (const Load *load)
{
  guint lost = 0, doubled = 0;

  for (guint i = 0; i < load->sent; i++) {
    lost += load->seen[i] == 0;
    doubled += load->seen[i] > 1;
  }
  g_test_message ("%u sent, %u by paths, %u by the agent, %u strays, %u lost", load->sent, load->by_path,
      load->by_agent, load->strays, lost);
  g_assert_cmpuint (lost, ==, 0);
  g_assert_cmpuint (doubled, ==, 0);
}

static void
wait_for_path (Load *load, guint n)
{
  g_mutex_lock (&load->lock);
  n += load->by_path;
  while (load->by_path < n)
    g_cond_wait (&load->cond, &load->lock);
  g_mutex_unlock (&load->lock);
}

static void
test_changes (Load *load, gconstpointer host)
{
  GThread *agent = g_thread_new ("agent", run_agent, load);
  GThread *sender = g_thread_new ("sender", run_sender, load);
  guint64 one = 1;

  for (guint i = 0; i < CHANGES; i++) {
    DcUdpPath *path = dc_udp_path_new (load->to->fd, load->address, &callbacks, load, NULL);
    g_assert_nonnull (path);
    wait_for_path (load, 200);
    dc_udp_path_free (path);
  }
  g_atomic_int_set (&load->stopping, TRUE);
  g_thread_join (sender);
  g_assert_cmpint (write (load->wake, &one, sizeof one), ==, sizeof one);
  g_thread_join (agent);
  count (load);
}

/* As many as go, of which many are lost. */
static gpointer
run_flood (gpointer data)
{
  Load *load = data;
  const gsize size = SIZE;

  while (!g_atomic_int_get (&load->stopping))
    udp_end_send (load->from, 0, DC_PACKETS_MAX, &size, 1);
  return NULL;
}

/* As its owner has one: taken by whoever sends, and freed when nobody has it. */
typedef struct {
  Load *load;
  GMutex lock;
  GCond cond;
  /* lock */
  DcUdpPath *path; /* (nullable) */
  guint users;
} Shared;

static DcUdpPath *
take_path (Shared *shared)
{
  DcUdpPath *path;

  g_mutex_lock (&shared->lock);
  path = shared->path;
  shared->users += path != NULL;
  g_mutex_unlock (&shared->lock);
  return path;
}

static void
give_back (Shared *shared)
{
  g_mutex_lock (&shared->lock);
  shared->users--;
  g_cond_signal (&shared->cond);
  g_mutex_unlock (&shared->lock);
}

static gpointer
run_shared_sender (gpointer data)
{
  Shared *shared = data;
  guint8 bytes[DC_PACKETS_MAX][SIZE] = {{0}};
  DcPacket packets[DC_PACKETS_MAX];

  for (guint i = 0; i < DC_PACKETS_MAX; i++)
    packets[i] = (DcPacket){bytes[i], 1 + i % SIZE};
  while (!g_atomic_int_get (&shared->load->stopping)) {
    DcUdpPath *path = take_path (shared);
    if (path != NULL) {
      dc_udp_path_send (path, packets, DC_PACKETS_MAX);
      give_back (shared);
    } else {
      g_thread_yield ();
    }
  }
  return NULL;
}

static void
set_path (Shared *shared, DcUdpPath *path)
{
  DcUdpPath *old;

  g_mutex_lock (&shared->lock);
  old = g_steal_pointer (&shared->path);
  while (shared->users > 0)
    g_cond_wait (&shared->cond, &shared->lock);
  shared->path = path;
  g_mutex_unlock (&shared->lock);
  g_clear_pointer (&old, dc_udp_path_free);
}

/* Paths that go while the far side sends all it can, two threads send on them and a third tells them their remote. */
static void
test_flood (Load *load, gconstpointer host)
{
  Shared shared = {.load = load};
  GThread *threads[3];

  load->from->counting = TRUE;
  load->sent = DC_PACKETS_MAX;
  g_mutex_init (&shared.lock);
  g_cond_init (&shared.cond);
  threads[0] = g_thread_new ("flood", run_flood, load);
  for (guint i = 1; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("sender", run_shared_sender, &shared);
  for (guint i = 0; i < FLOODED_CHANGES; i++) {
    DcUdpPath *path = dc_udp_path_new (load->to->fd, load->address, &callbacks, load, NULL);
    g_assert_nonnull (path);
    set_path (&shared, path);
    for (guint n = 0; n < 10; n++)
      dc_udp_path_set_remote (path, load->address);
    wait_for_path (load, 200);
    set_path (&shared, NULL);
  }
  g_atomic_int_set (&load->stopping, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_mutex_clear (&shared.lock);
  g_cond_clear (&shared.cond);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  g_test_add ("/udp-path-load/changes/ipv4", Load, "127.0.0.1", set_up, test_changes, tear_down);
  g_test_add ("/udp-path-load/changes/ipv6", Load, "::1", set_up, test_changes, tear_down);
  g_test_add ("/udp-path-load/flood/ipv4", Load, "127.0.0.1", set_up, test_flood, tear_down);
  g_test_add ("/udp-path-load/flood/ipv6", Load, "::1", set_up, test_flood, tear_down);
  return g_test_run ();
}
