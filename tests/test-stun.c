/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-stun.c: which STUN server is used, and what the answers tell of the NAT; the servers are made here. */
#include <stun/stunagent.h>
#include <string.h>

#include "plugins/peer/dc-stun-probe.h"
#include "tests/harness/dc-test.h"

/* --- Servers ------------------------------------------------------------------------------------------------------------------- */

typedef struct {
  GSocket *socket;
  GSource *source;
  guint16 port;
  const char *mapped; /* what it says it sees; NULL: it is silent */
  guint16 mapped_port;
  GSocketAddress *other; /* (nullable): its other address */
  gboolean garbles;      /* before each answer comes what is none */
  gboolean refuses;      /* with an error response */
  guint asked;
  char *asker; /* the address that asked last */
} Server;

static void
append_native (StunMessage *message, StunAttribute attribute, gboolean xor, GSocketAddress *address)
{
  struct sockaddr_storage native;

  g_assert_true (g_socket_address_to_native (address, &native, sizeof native, NULL));
  g_assert_cmpint (xor? stun_message_append_xor_addr (message, attribute, &native, sizeof native)
                      : stun_message_append_addr (message, attribute, (struct sockaddr *) &native, sizeof native),
      ==, STUN_MESSAGE_RETURN_SUCCESS);
}

/* Packets from the right address that answer nothing. */
static void
send_garbage (Server *self, GSocketAddress *to, const guint8 *answer, gsize size)
{
  g_autofree guint8 *other_id = g_memdup2 (answer, size);

  other_id[10] ^= 1;
  g_socket_send_to (self->socket, to, "not STUN", 8, NULL, NULL);
  g_socket_send_to (self->socket, to, (const char *) other_id, size, NULL, NULL);
  g_socket_send_to (self->socket, to, (const char *) answer, size - 1, NULL, NULL);
}

static void
answer (Server *self, StunAgent *agent, StunMessage *request, GSocketAddress *from)
{
  g_autoptr (GSocketAddress) mapped = g_inet_socket_address_new_from_string (self->mapped, self->mapped_port);
  guint8 buffer[256];
  StunMessage response;

  if (self->refuses)
    stun_agent_init_error (agent, &response, buffer, sizeof buffer, request, STUN_ERROR_SERVER_ERROR);
  else {
    stun_agent_init_response (agent, &response, buffer, sizeof buffer, request);
    append_native (&response, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, TRUE, mapped);
  }
  if (self->other != NULL)
    append_native (&response, (StunAttribute) 0x802c, FALSE, self->other);
  gsize size = stun_agent_finish_message (agent, &response, NULL, 0);
  if (self->garbles)
    send_garbage (self, from, buffer, size);
  g_socket_send_to (self->socket, from, (const char *) buffer, size, NULL, NULL);
}

static gboolean
on_asked (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  Server *self = user_data;
  g_autoptr (GSocketAddress) from = NULL;
  guint8 packet[1500];
  gssize size = g_socket_receive_from (socket, &from, (char *) packet, sizeof packet, NULL, NULL);
  StunAgent agent;
  StunMessage request;

  stun_agent_init (&agent, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389, 0);
  g_assert_cmpint (
      stun_agent_validate (&agent, &request, packet, (gsize) size, NULL, NULL), ==, STUN_VALIDATION_SUCCESS);
  self->asked++;
  g_free (self->asker);
  self->asker = g_inet_address_to_string (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (from)));
  if (self->mapped != NULL)
    answer (self, &agent, &request, from);
  return G_SOURCE_CONTINUE;
}

static void
server_open (Server *self, const char *host, const char *mapped, guint16 mapped_port)
{
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new_from_string (host, 0), bound = NULL;

  *self = (Server){.mapped = mapped, .mapped_port = mapped_port};
  self->socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, NULL);
  g_assert_true (g_socket_bind (self->socket, any, FALSE, NULL));
  bound = g_socket_get_local_address (self->socket, NULL);
  self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  self->source = g_socket_create_source (self->socket, G_IO_IN, NULL);
  g_source_set_callback (self->source, G_SOURCE_FUNC (on_asked), self, NULL);
  g_source_attach (self->source, NULL);
}

static void
server_close (Server *self)
{
  g_source_destroy (self->source);
  g_source_unref (self->source);
  g_object_unref (self->socket);
  g_clear_object (&self->other);
  g_clear_pointer (&self->asker, g_free);
}

static DcIceServer *
describe (const char *host, guint16 port)
{
  g_autofree char *url = g_strdup_printf ("stun://%s:%u", host, port);
  g_autoptr (GError) error = NULL;
  DcIceServer *server = dc_ice_server_parse (url, DC_ICE_SERVER_STUN, &error);

  g_assert_no_error (error);
  return server;
}

/* --- The probe ----------------------------------------------------------------------------------------------------------------- */

typedef struct {
  GPtrArray *servers, *events;
  DcStunProbe *probe;
  int decided; /* -1: not yet */
  DcNatMapping mapping;
} Fixture;

static void
on_event (GstStructure *event, gpointer user_data)
{
  g_ptr_array_add (((Fixture *) user_data)->events, event);
}

static void
on_decided (guint server, gpointer user_data)
{
  Fixture *f = user_data;

  g_assert_cmpint (f->decided, ==, -1);
  f->decided = (int) server;
}

static void
on_mapped (DcNatMapping mapping, gpointer user_data)
{
  Fixture *f = user_data;

  g_assert_cmpint (f->mapping, ==, DC_NAT_MAPPING_UNKNOWN);
  f->mapping = mapping;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  dc_test_watchdog_start (20);
  f->servers = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_ice_server_free);
  f->events = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_structure_free);
  f->decided = -1;
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->probe, dc_stun_probe_free);
  /* Look-ups that were under way find nobody. */
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  g_ptr_array_unref (f->servers);
  g_ptr_array_unref (f->events);
  dc_test_watchdog_stop ();
}

/* @ours: (nullable) */
static void
start (Fixture *f, const GPtrArray *ours)
{
  static const DcStunProbeCallbacks callbacks = {on_event, on_decided, on_mapped};

  f->probe = dc_stun_probe_new (f->servers, ours, 0, &callbacks, f);
}

static guint
count_events (Fixture *f, const char *name)
{
  guint n = 0;

  for (guint i = 0; i < f->events->len; i++)
    n += gst_structure_has_name (g_ptr_array_index (f->events, i), name);
  return n;
}

static void
wait_decided (Fixture *f)
{
  while (f->decided < 0)
    g_main_context_iteration (NULL, TRUE);
}

static void
wait_mapping (Fixture *f)
{
  while (f->mapping == DC_NAT_MAPPING_UNKNOWN)
    g_main_context_iteration (NULL, TRUE);
}

/* The second answers as fast, and does not matter. */
static void
test_first (Fixture *f, gconstpointer data)
{
  Server first, second;

  server_open (&first, "127.0.0.1", "192.0.2.1", 1000);
  server_open (&second, "127.0.0.1", "192.0.2.1", 1000);
  g_ptr_array_add (f->servers, describe ("127.0.0.1", first.port));
  g_ptr_array_add (f->servers, describe ("localhost", second.port));
  start (f, NULL);
  wait_decided (f);
  g_assert_cmpint (f->decided, ==, 0);
  g_assert_cmpuint (first.asked, ==, 1);
  server_close (&first);
  server_close (&second);
}

static void
test_first_is_silent (Fixture *f, gconstpointer data)
{
  Server first, second;

  server_open (&first, "127.0.0.1", NULL, 0);
  server_open (&second, "127.0.0.1", "192.0.2.1", 1000);
  g_ptr_array_add (f->servers, describe ("127.0.0.1", first.port));
  g_ptr_array_add (f->servers, describe ("127.0.0.1", second.port));
  start (f, NULL);
  wait_decided (f);
  g_assert_cmpint (f->decided, ==, 1);
  g_assert_cmpuint (count_events (f, "stun-answered"), ==, 1);
  /* Passed over before it was given up. */
  g_assert_cmpuint (count_events (f, "stun-failed"), ==, 0);
  server_close (&first);
  server_close (&second);
}

static void
test_none (Fixture *f, gconstpointer data)
{
  Server silent;
  const GstStructure *failed;

  server_open (&silent, "127.0.0.1", NULL, 0);
  g_ptr_array_add (f->servers, describe ("127.0.0.1", silent.port));
  g_ptr_array_add (f->servers, describe ("no-such-host.invalid", 3478));
  start (f, NULL);
  wait_decided (f);
  g_assert_cmpint (f->decided, ==, 0);
  g_assert_cmpuint (count_events (f, "stun-failed"), ==, 2);
  g_assert_cmpuint (silent.asked, ==, 3);
  failed = g_ptr_array_index (f->events, 1);
  g_assert_cmpstr (gst_structure_get_string (failed, "reason"), ==, "it does not answer");
  server_close (&silent);
}

static void
test_refused (Fixture *f, gconstpointer data)
{
  Server refuses;

  server_open (&refuses, "127.0.0.1", "192.0.2.1", 1);
  refuses.refuses = TRUE;
  g_ptr_array_add (f->servers, describe ("127.0.0.1", refuses.port));
  start (f, NULL);
  wait_decided (f);
  g_assert_cmpuint (count_events (f, "stun-failed"), ==, 1);
  server_close (&refuses);
}

/* What comes before the answer is passed over. */
static void
test_garbage (Fixture *f, gconstpointer data)
{
  Server server;
  guint port;

  server_open (&server, "127.0.0.1", "192.0.2.1", 4711);
  server.garbles = TRUE;
  g_ptr_array_add (f->servers, describe ("127.0.0.1", server.port));
  start (f, NULL);
  wait_decided (f);
  const GstStructure *event = g_ptr_array_index (f->events, 0);
  g_assert_true (gst_structure_has_name (event, "stun-answered"));
  g_assert_cmpstr (gst_structure_get_string (event, "address"), ==, "192.0.2.1");
  g_assert_true (gst_structure_get_uint (event, "port", &port));
  g_assert_cmpuint (port, ==, 4711);
  server_close (&server);
}

/* --- Mappings ------------------------------------------------------------------------------------------------------------------ */

typedef struct {
  const char *name;
  const char *seen;              /* by the first */
  const char *host;              /* of the second */
  guint16 first_port, last_port; /* seen by the first and the second */
  gboolean named;                /* the second is the first's other address, and not a server of its own */
  DcNatMapping mapping;
} Nat;

static const Nat nats[] = {
    {"none", "127.0.0.1", "127.0.0.2", 1, 2, FALSE, DC_NAT_MAPPING_NONE},
    {"cone", "192.0.2.1", "127.0.0.2", 1000, 1000, FALSE, DC_NAT_MAPPING_ENDPOINT_INDEPENDENT},
    {"symmetric", "192.0.2.1", "127.0.0.2", 1000, 1001, FALSE, DC_NAT_MAPPING_ADDRESS_DEPENDENT},
    {"cone-by-other-address", "192.0.2.1", "127.0.0.2", 1000, 1000, TRUE, DC_NAT_MAPPING_ENDPOINT_INDEPENDENT},
    {"symmetric-by-other-address", "192.0.2.1", "127.0.0.2", 1000, 1001, TRUE, DC_NAT_MAPPING_ADDRESS_DEPENDENT},
};

static void
test_mapping (Fixture *f, gconstpointer data)
{
  const Nat *nat = data;
  Server first, second;

  server_open (&first, "127.0.0.1", nat->seen, nat->first_port);
  server_open (&second, nat->host, nat->seen, nat->last_port);
  g_ptr_array_add (f->servers, describe ("127.0.0.1", first.port));
  if (nat->named)
    first.other = g_inet_socket_address_new_from_string (nat->host, second.port);
  else
    g_ptr_array_add (f->servers, describe (nat->host, second.port));
  start (f, NULL);
  wait_mapping (f);
  g_assert_cmpint (f->mapping, ==, nat->mapping);
  g_assert_cmpuint (count_events (f, "nat"), ==, 1);
  g_assert_cmpint (dc_nat_mapping_from_string (dc_nat_mapping_to_string (nat->mapping)), ==, nat->mapping);
  server_close (&first);
  server_close (&second);
}

/* Two servers on one host see the same port whatever the NAT does: nothing is learned. */
static void
test_mapping_unknown (Fixture *f, gconstpointer data)
{
  Server first, second;

  server_open (&first, "127.0.0.1", "192.0.2.1", 1000);
  server_open (&second, "127.0.0.1", "192.0.2.1", 1000);
  g_ptr_array_add (f->servers, describe ("127.0.0.1", first.port));
  g_ptr_array_add (f->servers, describe ("127.0.0.1", second.port));
  start (f, NULL);
  while (count_events (f, "stun-answered") < 2)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (f->mapping, ==, DC_NAT_MAPPING_UNKNOWN);
  g_assert_cmpint (dc_nat_mapping_from_string ("anything"), ==, DC_NAT_MAPPING_UNKNOWN);
  g_assert_cmpint (dc_nat_mapping_from_string (NULL), ==, DC_NAT_MAPPING_UNKNOWN);
  server_close (&first);
  server_close (&second);
}

/* The server's other address is none that it may have us ask. */
static void
test_bad_other_address (Fixture *f, gconstpointer data)
{
  Server first, second;

  server_open (&first, "127.0.0.1", "192.0.2.1", 1000);
  server_open (&second, "127.0.0.1", "192.0.2.1", 1000);
  first.other = g_inet_socket_address_new_from_string ("0.0.0.0", second.port);
  g_ptr_array_add (f->servers, describe ("127.0.0.1", first.port));
  start (f, NULL);
  wait_decided (f);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  g_assert_cmpuint (second.asked, ==, 0);
  server_close (&first);
  server_close (&second);
}

/* --- Our addresses --------------------------------------------------------------------------------------------------------------- */

/* The first of the family is used, wherever in the list. */
static void
test_sources (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) ours = g_ptr_array_new ();
  Server server;

  server_open (&server, "127.0.0.1", "192.0.2.1", 1000);
  g_ptr_array_add (f->servers, describe ("127.0.0.1", server.port));
  g_ptr_array_add (ours, "::1");
  g_ptr_array_add (ours, "127.0.0.3");
  start (f, ours);
  wait_decided (f);
  g_assert_cmpuint (count_events (f, "stun-answered"), ==, 1);
  g_assert_cmpstr (server.asker, ==, "127.0.0.3");
  server_close (&server);
}

/* Of the interfaces that may be used none has an address: then no other is used. */
static void
test_no_sources (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) ours = g_ptr_array_new ();
  Server server;

  server_open (&server, "127.0.0.1", "192.0.2.1", 1000);
  g_ptr_array_add (f->servers, describe ("127.0.0.1", server.port));
  start (f, ours);
  wait_decided (f);
  g_assert_cmpuint (count_events (f, "stun-failed"), ==, 1);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  g_assert_cmpuint (server.asked, ==, 0);
  server_close (&server);
}

/* Its look-ups are under way. */
static void
test_freed_at_once (Fixture *f, gconstpointer data)
{
  g_ptr_array_add (f->servers, describe ("no-such-host.invalid", 3478));
  g_ptr_array_add (f->servers, describe ("127.0.0.1", 3478));
  start (f, NULL);
  g_clear_pointer (&f->probe, dc_stun_probe_free);
  g_assert_cmpuint (f->events->len, ==, 0);
}

#define TEST(path, func, data) g_test_add (path, Fixture, data, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  TEST ("/stun/first", test_first, NULL);
  TEST ("/stun/first-is-silent", test_first_is_silent, NULL);
  TEST ("/stun/none", test_none, NULL);
  TEST ("/stun/refused", test_refused, NULL);
  TEST ("/stun/garbage", test_garbage, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (nats); i++) {
    g_autofree char *path = g_strconcat ("/stun/mapping/", nats[i].name, NULL);
    TEST (path, test_mapping, &nats[i]);
  }
  TEST ("/stun/mapping/unknown", test_mapping_unknown, NULL);
  TEST ("/stun/bad-other-address", test_bad_other_address, NULL);
  TEST ("/stun/sources", test_sources, NULL);
  TEST ("/stun/no-sources", test_no_sources, NULL);
  TEST ("/stun/freed-at-once", test_freed_at_once, NULL);
  return g_test_run ();
}
