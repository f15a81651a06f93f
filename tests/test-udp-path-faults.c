/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-udp-path-faults.c: paths on kernels, and in containers, that refuse what a path asks for. */
#include "tests/udp-end.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tests/harness/dc-test.h"

#define ANY (-1)

/* A system call that is refused, always or where an argument is this. */
typedef struct {
  long call;
  int argument; /* ANY: always */
  guint value;
  int number; /* errno */
} Refusal;

typedef struct {
  const char *name;
  Refusal refusals[2]; /* until there is none with an errno */
  /* What becomes of a path. */
  enum { WORKS, NOT_SUPPORTED, ERROR, FAILS } outcome;
} Case;

static const Case cases[] = {
    {"none", {{0}}, WORKS},
    {"sharing", {{SYS_setsockopt, 2, SO_REUSEPORT, ENOPROTOOPT}}, NOT_SUPPORTED},
    {"program", {{SYS_setsockopt, 2, SO_ATTACH_REUSEPORT_CBPF, EPERM}}, NOT_SUPPORTED},
    {"bind", {{SYS_bind, ANY, 0, EADDRINUSE}}, NOT_SUPPORTED},
    {"recvmmsg", {{SYS_recvmmsg, ANY, 0, ENOSYS}}, NOT_SUPPORTED},
    {"sendmmsg", {{SYS_sendmmsg, ANY, 0, ENOSYS}}, NOT_SUPPORTED},
    {"socket", {{SYS_socket, ANY, 0, EMFILE}}, NOT_SUPPORTED},
    {"descriptor", {{SYS_fcntl, 1, F_DUPFD_CLOEXEC, EMFILE}}, ERROR},
    {"thread", {{SYS_clone, ANY, 0, EAGAIN}, {SYS_clone3, ANY, 0, EAGAIN}}, ERROR},
    {"merging", {{SYS_setsockopt, 2, UDP_GRO, ENOPROTOOPT}}, WORKS},
    {"segments", {{SYS_getsockopt, 2, UDP_SEGMENT, ENOPROTOOPT}}, WORKS},
    {"buffer", {{SYS_setsockopt, 2, SO_RCVBUFFORCE, EPERM}}, WORKS},
    {"buffers", {{SYS_setsockopt, 2, SO_RCVBUFFORCE, EPERM}, {SYS_setsockopt, 2, SO_RCVBUF, EPERM}}, WORKS},
    {"leaving", {{SYS_setsockopt, 2, SO_BINDTOIFINDEX, EPERM}, {SYS_membarrier, ANY, 0, ENOSYS}}, WORKS},
    {"dead", {{SYS_recvmmsg, 3, MSG_WAITFORONE, ECONNABORTED}}, FAILS},
    {"memory", {{SYS_recvmmsg, 3, MSG_WAITFORONE, ENOMEM}}, FAILS},
};

typedef struct {
  const Case *this;
  UdpEnd *a, *b;
  GSocketAddress *to_a;
  gboolean confined;
} Run;

/* Of this thread, and those that it makes. */
static gboolean
refuse (const Refusal *refusal)
{
  guint argument = refusal->argument == ANY ? 0 : (guint) refusal->argument;
  struct sock_filter code[] = {
      BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
      BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, (guint) refusal->call, 0, 3),
      /* The lower half. */
      BPF_STMT (BPF_LD | BPF_W | BPF_ABS,
          (guint) offsetof (struct seccomp_data, args) + 8 * argument + (G_BYTE_ORDER == G_BIG_ENDIAN ? 4 : 0)),
      BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, refusal->value, 0, refusal->argument == ANY ? 0 : 1),
      BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (guint) refusal->number),
      BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = G_N_ELEMENTS (code), .filter = code};

  return prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void
exchange (Run *run)
{
  const gsize sizes[] = {1200, 1200, 1200, 300};

  udp_end_send (run->a, 0, DC_PACKETS_MAX, sizes, G_N_ELEMENTS (sizes));
  udp_end_wait (run->b, DC_PACKETS_MAX, 0);
  udp_end_send (run->b, 0, DC_PACKETS_MAX, sizes, G_N_ELEMENTS (sizes));
  udp_end_wait (run->a, DC_PACKETS_MAX, 0);
  for (guint i = 0; i < DC_PACKETS_MAX; i++) {
    udp_assert_packet (run->a->received->pdata[i], sizes[i % G_N_ELEMENTS (sizes)], UDP_DTLS, i);
    udp_assert_packet (run->b->received->pdata[i], sizes[i % G_N_ELEMENTS (sizes)], UDP_DTLS, i);
  }
  g_assert_cmpuint (dc_udp_path_get_receive_buffer (run->a->path), >, 0);
}

/* It still sends, and the agent has everything already. */
static void
see_it_fail (Run *run)
{
  const gsize size = 100;

  g_mutex_lock (&run->a->lock);
  while (run->a->error == NULL)
    g_cond_wait (&run->a->cond, &run->a->lock);
  g_mutex_unlock (&run->a->lock);
  g_assert_cmpint (run->a->error->domain, ==, G_IO_ERROR);
  udp_end_send (run->a, 0, 10, &size, 1);
  udp_end_wait (run->b, 10, 0);
  udp_end_say (run->b, run->to_a, UDP_DTLS, 1, 50);
  g_bytes_unref (udp_end_read (run->a));
}

/* Without a path the agent has everything. */
static void
see_agent (Run *run)
{
  udp_end_say (run->b, run->to_a, UDP_STUN, 2, 50);
  g_bytes_unref (udp_end_read (run->a));
  udp_end_say (run->b, run->to_a, UDP_DTLS, 3, 50);
  g_bytes_unref (udp_end_read (run->a));
  g_assert_cmpint (udp_end_find_socket (run->a), ==, -1);
}

static void
see (Run *run, gboolean started, const GError *error)
{
  if (run->this->outcome == WORKS || run->this->outcome == FAILS)
    g_assert_no_error (error);
  else
    g_assert_false (started);
  if (run->this->outcome == WORKS)
    exchange (run);
  else if (run->this->outcome == FAILS)
    see_it_fail (run);
  else if (run->this->outcome == NOT_SUPPORTED)
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  else
    g_assert_nonnull (error);
}

static gpointer
run_confined (gpointer data)
{
  Run *run = data;
  g_autoptr (GSocketAddress) to_b = udp_end_get_address (run->b->fd);
  g_autoptr (GError) error = NULL;
  gboolean started;

  for (guint i = 0; i < G_N_ELEMENTS (run->this->refusals) && run->this->refusals[i].number != 0; i++)
    if (!refuse (run->this->refusals + i))
      return NULL;
  run->confined = TRUE;
  started = udp_end_try_start (run->a, to_b, &error);
  see (run, started, error);
  udp_end_stop (run->a);
  see_agent (run);
  return NULL;
}

static void
test_case (gconstpointer data)
{
  Run run = {.this = data};

  dc_test_watchdog_start (30);
  run.a = udp_end_new ("127.0.0.1");
  run.b = udp_end_new ("127.0.0.1");
  run.to_a = udp_end_get_address (run.a->fd);
  udp_end_start (run.b, run.a);
  g_thread_join (g_thread_new ("confined", run_confined, &run));
  if (!run.confined)
    g_test_skip ("system calls cannot be refused here");
  udp_end_free (run.a);
  udp_end_free (run.b);
  g_object_unref (run.to_a);
  dc_test_watchdog_stop ();
}

static void
set_checksums (UdpEnd *end, gboolean computed)
{
  int off = !computed;

  g_assert_cmpint (setsockopt (end->fd, SOL_SOCKET, SO_NO_CHECK, &off, sizeof off), ==, 0);
}

/* As a network card may that computes no checksums. On another way it is tried again. */
static void
test_segments_on_the_way (void)
{
  static const Case none = {"none", {{0}}, WORKS};
  Run run = {.this = &none};
  g_autoptr (GSocketAddress) to_b = NULL;
  const gsize size = 1200;

  dc_test_watchdog_start (30);
  run.a = udp_end_new ("127.0.0.1");
  run.b = udp_end_new ("127.0.0.1");
  run.to_a = udp_end_get_address (run.a->fd);
  to_b = udp_end_get_address (run.b->fd);
  set_checksums (run.a, FALSE);
  udp_end_start (run.a, run.b);
  udp_end_start (run.b, run.a);
  exchange (&run);
  set_checksums (run.a, TRUE);
  udp_end_forget (run.b);
  dc_udp_path_set_remote (run.a->path, to_b);
  udp_end_send (run.a, 0, DC_PACKETS_MAX, &size, 1);
  udp_end_wait (run.b, DC_PACKETS_MAX, 0);
  g_assert_cmpuint (run.b->largest_batch, >, DC_PACKETS_MAX / 2);
  udp_end_free (run.a);
  udp_end_free (run.b);
  g_object_unref (run.to_a);
  dc_test_watchdog_stop ();
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = g_strconcat ("/udp-path-faults/", cases[i].name, NULL);
    g_test_add_data_func (path, cases + i, test_case);
  }
  g_test_add_func ("/udp-path-faults/segments-on-the-way", test_segments_on_the_way);
  return g_test_run ();
}
