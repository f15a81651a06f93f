/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-mdns.c: look-ups by multicast DNS, in a network of the test's own, with somebody who answers in each way. */
#include <string.h>
#include <unistd.h>

#include "plugins/peer/dc-mdns-message.h"
#include "plugins/peer/dc-mdns.h"
#include "tests/harness/dc-test-mdns.h"
#include "tests/harness/dc-test-network.h"
#include "tests/harness/dc-test.h"

#define WATCHDOG_S 30
#define INTERFACE "mdns-test"
#define OWN_ADDRESS "10.77.0.1"
#define NAME "9b36eaac-bb79-4fe8-8df0-2f7d61e9ff33.local"
#define ADDRESS "10.77.0.9"
#define FORGED "10.77.0.66"
#define ADDRESS_6 "2001:db8::9"

/* Whether this machine allows a network of our own. */
static gboolean entered;

typedef struct {
  int interface;
  DcTestMdns *responder;
  GCancellable *cancellable;
  GAsyncResult *result;
  guint n_fds;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  dc_test_watchdog_start (WATCHDOG_S);
  f->interface = entered ? dc_test_network_add (INTERFACE, OWN_ADDRESS) : -1;
  f->cancellable = g_cancellable_new ();
  while (f->interface >= 0 && !dc_test_network_has_ipv6 (INTERFACE))
    g_thread_yield ();
  f->n_fds = dc_test_count_fds ();
}

/* Nothing stays open. */
static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->responder, dc_test_mdns_free);
  g_clear_object (&f->result);
  g_assert_cmpuint (dc_test_count_fds (), ==, f->n_fds);
  g_object_unref (f->cancellable);
  if (f->interface >= 0)
    close (f->interface);
  dc_test_watchdog_stop ();
}

static gboolean
has_network (Fixture *f)
{
  if (f->interface < 0)
    g_test_skip ("this machine allows no network namespaces or TAP devices");
  return f->interface >= 0;
}

static void
on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fixture *f = user_data;

  g_assert_null (f->result);
  f->result = g_object_ref (result);
}

static void
begin (Fixture *f, const char *name)
{
  dc_mdns_lookup_async (name, f->cancellable, on_result, f);
  g_assert_null (f->result);
}

/* (transfer full) */
static char *
wait_address (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  GList *addresses;
  char *address;

  dc_test_wait_until (NULL, f->result != NULL);
  addresses = dc_mdns_lookup_finish (f->result, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_length (addresses), ==, 1);
  address = g_inet_address_to_string (addresses->data);
  g_list_free_full (addresses, g_object_unref);
  return address;
}

static void
assert_fails (Fixture *f, GIOErrorEnum code, const char *part)
{
  g_autoptr (GError) error = NULL;

  dc_test_wait_until (NULL, f->result != NULL);
  g_assert_null (dc_mdns_lookup_finish (f->result, &error));
  g_assert_error (error, G_IO_ERROR, (gint) code);
  g_assert_nonnull (strstr (error->message, part));
}

static void
assert_finds (Fixture *f, const char *address, DcTestMdnsFunc func)
{
  g_autofree char *found = NULL;

  f->responder = dc_test_mdns_new (INTERFACE, NAME, address, func, f);
  begin (f, NAME);
  found = wait_address (f);
  g_assert_cmpstr (found, ==, address);
}

static void
answer_group (DcTestMdns *responder, guint n, GSocketAddress *from, gpointer user_data)
{
  g_assert_cmpuint (n, ==, 1);
  dc_test_mdns_answer_group (responder);
}

static void
answer_to (DcTestMdns *responder, guint n, GSocketAddress *from, gpointer user_data)
{
  g_assert_cmpuint (n, ==, 1);
  dc_test_mdns_answer_to (responder, from);
}

typedef struct {
  const char *address;
  DcTestMdnsFunc func;
} Answer;

static const Answer group_4 = {ADDRESS, answer_group}, group_6 = {ADDRESS_6, answer_group};
static const Answer unicast_4 = {ADDRESS, answer_to}, unicast_6 = {ADDRESS_6, answer_to};

static void
test_answer (Fixture *f, gconstpointer data)
{
  const Answer *answer = data;

  if (!has_network (f))
    return;
  if (strchr (answer->address, ':') != NULL && access ("/proc/self/net/if_inet6", F_OK) != 0)
    g_test_skip ("this machine has no IPv6");
  else
    assert_finds (f, answer->address, answer->func);
}

/* Packets are lost, and a responder does not repeat itself before a second is over. */
static void
answer_third (DcTestMdns *responder, guint n, GSocketAddress *from, gpointer user_data)
{
  if (n == 3)
    dc_test_mdns_answer_group (responder);
}

static void
test_third_time (Fixture *f, gconstpointer data)
{
  if (has_network (f))
    assert_finds (f, ADDRESS, answer_third);
}

/* None of these is an answer; a true one comes to the next question. */
static void
forge_then_answer (DcTestMdns *responder, guint n, GSocketAddress *from, gpointer user_data)
{
  g_autoptr (GBytes) forged = dc_test_mdns_make_answer (NAME, FORGED);
  g_autoptr (GBytes) other = dc_test_mdns_make_answer ("other.local", FORGED);
  g_autoptr (GBytes) garbage = g_bytes_new_from_bytes (forged, 0, g_bytes_get_size (forged) - 1);

  if (n > 1) {
    dc_test_mdns_answer_group (responder);
    return;
  }
  dc_test_mdns_send (OWN_ADDRESS, 0, NULL, forged);
  dc_test_mdns_send (OWN_ADDRESS, 0, from, forged);
  dc_test_mdns_send ("127.0.0.1", DC_MDNS_PORT, from, forged);
  dc_test_mdns_send (OWN_ADDRESS, DC_MDNS_PORT, NULL, other);
  dc_test_mdns_send (OWN_ADDRESS, DC_MDNS_PORT, from, other);
  dc_test_mdns_send (OWN_ADDRESS, DC_MDNS_PORT, NULL, garbage);
  dc_test_mdns_send (OWN_ADDRESS, DC_MDNS_PORT, from, garbage);
}

static void
test_forged (Fixture *f, gconstpointer data)
{
  if (has_network (f))
    assert_finds (f, ADDRESS, forge_then_answer);
}

#define N_AT_ONCE 3

static void
on_one_of_many (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  GList *addresses = dc_mdns_lookup_finish (result, &error);
  g_autofree char *address = addresses != NULL ? g_inet_address_to_string (addresses->data) : NULL;

  g_assert_no_error (error);
  g_assert_cmpstr (address, ==, ADDRESS);
  g_list_free_full (addresses, g_object_unref);
  ++*(guint *) user_data;
}

/* All hear what is said to the group. */
static void
test_several_at_once (Fixture *f, gconstpointer data)
{
  guint n = 0;

  if (!has_network (f))
    return;
  f->responder = dc_test_mdns_new (INTERFACE, NAME, ADDRESS, answer_third, f);
  for (guint i = 0; i < N_AT_ONCE; i++)
    dc_mdns_lookup_async (NAME, NULL, on_one_of_many, &n);
  dc_test_wait_until (NULL, n == N_AT_ONCE);
}

static void
count (DcTestMdns *responder, guint n, GSocketAddress *from, gpointer user_data)
{
  *(guint *) user_data = n;
}

static void
test_nobody (Fixture *f, gconstpointer data)
{
  guint asked = 0;

  if (!has_network (f))
    return;
  f->responder = dc_test_mdns_new (INTERFACE, NAME, ADDRESS, count, &asked);
  begin (f, NAME);
  assert_fails (f, G_IO_ERROR_TIMED_OUT, "\"" NAME "\"");
  g_assert_cmpuint (asked, ==, 4);
}

static void
cancel (DcTestMdns *responder, guint n, GSocketAddress *from, gpointer user_data)
{
  g_cancellable_cancel (((Fixture *) user_data)->cancellable);
}

static void
test_cancelled (Fixture *f, gconstpointer data)
{
  if (!has_network (f))
    return;
  f->responder = dc_test_mdns_new (INTERFACE, NAME, ADDRESS, cancel, f);
  begin (f, NAME);
  assert_fails (f, G_IO_ERROR_CANCELLED, "");
}

static void
test_cancelled_before (Fixture *f, gconstpointer data)
{
  g_cancellable_cancel (f->cancellable);
  begin (f, NAME);
  assert_fails (f, G_IO_ERROR_CANCELLED, "");
}

static void
test_no_such_name (Fixture *f, gconstpointer data)
{
  begin (f, "example.com");
  assert_fails (f, G_IO_ERROR_INVALID_ARGUMENT, "\"example.com\"");
}

static void
test_no_network (Fixture *f, gconstpointer data)
{
  if (!has_network (f))
    return;
  close (f->interface);
  f->interface = -1;
  f->n_fds--;
  begin (f, NAME);
  assert_fails (f, G_IO_ERROR_NETWORK_UNREACHABLE, "\"" NAME "\"");
}

#define ADD(path, function, data) g_test_add (path, Fixture, data, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  entered = dc_test_network_enter ();
  dc_test_init (&argc, &argv);
  /* GLib opens some descriptors for good with these. */
  g_main_context_default ();
  g_type_ensure (G_TYPE_TASK);
  ADD ("/mdns/multicast/ipv4", test_answer, &group_4);
  ADD ("/mdns/multicast/ipv6", test_answer, &group_6);
  ADD ("/mdns/unicast/ipv4", test_answer, &unicast_4);
  ADD ("/mdns/unicast/ipv6", test_answer, &unicast_6);
  ADD ("/mdns/third-time", test_third_time, NULL);
  ADD ("/mdns/several-at-once", test_several_at_once, NULL);
  ADD ("/mdns/forged", test_forged, NULL);
  ADD ("/mdns/nobody", test_nobody, NULL);
  ADD ("/mdns/cancelled", test_cancelled, NULL);
  ADD ("/mdns/cancelled/before", test_cancelled_before, NULL);
  ADD ("/mdns/no-such-name", test_no_such_name, NULL);
  ADD ("/mdns/no-network", test_no_network, NULL);
  return g_test_run ();
}
