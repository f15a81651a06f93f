/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-ice.c: which servers are used, and by which way; what is said where no path is found. */
#include <string.h>

#include "plugins/peer/dc-error.h"
#include "plugins/peer/dc-ice-config.h"
#include "plugins/peer/dc-local-addresses.h"
#include "tests/harness/dc-test-resolver.h"
#include "tests/harness/dc-test.h"

/* --- Servers and settings ------------------------------------------------------------------------------------------------------- */

static void
collect_event (GstStructure *event, gpointer user_data)
{
  g_ptr_array_add (user_data, event);
}

static void
ignore_ready (gpointer user_data)
{
}

static DcIceConfig *
new_config (const DcIceSettings *settings, GPtrArray *events, GError **error)
{
  static const DcIceConfigCallbacks callbacks = {collect_event, ignore_ready};

  return dc_ice_config_new (settings, g_main_context_default (), 0, &callbacks, events, error);
}

static void
note_ready (gpointer ready)
{
  *(gboolean *) ready = TRUE;
}

static void
ignore_event (GstStructure *event, gpointer user_data)
{
  gst_structure_free (event);
}

static const char *
get_turn_server (const DcIceConfig *config, guint number)
{
  return g_ptr_array_index (config->turn_servers, number);
}

/* One to which webrtcbin goes by a tunnel: its port. */
static guint16
get_tunnel (const DcIceConfig *config, guint number, const char *user)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcIceServer) server = dc_ice_server_parse (get_turn_server (config, number), DC_ICE_SERVER_TURN, &error);

  g_assert_no_error (error);
  g_assert_true (g_str_equal (server->host, "127.0.0.1") || g_str_equal (server->host, "::1"));
  g_assert_cmpint (server->transport, ==, DC_ICE_TRANSPORT_TCP);
  g_assert_cmpstr (server->username, ==, user);
  return server->port;
}

static void
test_ice_config (void)
{
  const char *turn[] = {"turn://u:p@127.0.0.1:3478?transport=tcp", NULL};
  DcIceSettings settings = {.stun_servers = "stun:127.0.0.1:3478", .turn_servers = (GStrv) turn, .use_turn = TRUE};
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_structure_free);
  g_autoptr (DcIceConfig) config = new_config (&settings, events, &error);
  g_autoptr (JsonNode) named = json_from_string (
      "[{\"urls\":[\"stun:192.0.2.1:3478\",\"stun:127.0.0.1\"]},{\"urls\":[\"turn:192.0.2.1:3478\"],\"username\":\"a\","
      "\"credential\":\"s\"},"
      "{\"urls\":[\"turns:192.0.2.1:5349\"],\"username\":\"b\",\"credential\":\"s\"}]",
      NULL);

  g_assert_no_error (error);
  dc_ice_config_choose (config, named);
  g_assert_cmpstr (config->stun_server, ==, "stun://127.0.0.1:3478");
  g_assert_cmpuint (config->turn_servers->len, ==, 3);
  g_assert_cmpuint (events->len, ==, 6);
  g_assert_cmpuint (config->stun_servers->len, ==, 2);
  for (guint i = 0; i < events->len; i++) {
    g_autofree char *text = gst_structure_to_string (g_ptr_array_index (events, i));
    g_assert_null (strstr (text, ":p@"));
  }
  g_assert_cmpstr (get_turn_server (config, 1), ==, "turn://a:s@192.0.2.1:3478?transport=udp");
  guint16 tcp = get_tunnel (config, 0, "u"), tls = get_tunnel (config, 2, "b");
  g_assert_cmpint (dc_ice_config_get_turn_transport (config, "127.0.0.1", tcp), ==, DC_ICE_TRANSPORT_TCP);
  g_assert_cmpint (dc_ice_config_get_turn_transport (config, "127.0.0.1", tls), ==, DC_ICE_TRANSPORT_TLS);
  g_assert_cmpint (dc_ice_config_get_turn_transport (config, "192.0.2.1", 3478), ==, DC_ICE_TRANSPORT_UDP);
  /* Choosing again does not add up, and the same server keeps its tunnel. */
  dc_ice_config_choose (config, NULL);
  g_assert_cmpuint (config->turn_servers->len, ==, 1);
  g_assert_cmpuint (get_tunnel (config, 0, "u"), ==, tcp);
}

/* libnice is given addresses; until they are known, nobody shall call. */
static void
test_ice_config_names (void)
{
  const char *turn[] = {"turn://u:p@localhost:3478", "turn://u:p@no-such-host.invalid", NULL};
  DcIceSettings settings = {.turn_servers = (GStrv) turn, .use_turn = TRUE};
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_structure_free);
  g_autoptr (DcIceConfig) config = new_config (&settings, events, &error);

  g_assert_no_error (error);
  dc_test_watchdog_start (20);
  dc_ice_config_choose (config, NULL);
  g_assert_false (config->ready);
  g_assert_cmpuint (config->n_turn_servers, ==, 2);
  /* Chosen anew meanwhile: the look-ups of the first choice count no more. */
  dc_ice_config_choose (config, NULL);
  while (!config->ready || config->turn_problem == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (config->turn_servers->len, >=, 1);
  for (guint i = 0; i < config->turn_servers->len; i++)
    g_assert_true (g_str_equal (get_turn_server (config, i), "turn://u:p@127.0.0.1:3478?transport=udp")
                   || g_str_equal (get_turn_server (config, i), "turn://u:p@[::1]:3478?transport=udp"));
  g_assert_nonnull (strstr (config->turn_problem, "no-such-host.invalid"));
  dc_test_watchdog_stop ();
}

static void
test_ice_config_off (void)
{
  const char *turn[] = {"turn://u:p@127.0.0.1:3478", NULL};
  DcIceSettings settings = {.turn_servers = (GStrv) turn};
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_structure_free);
  g_autoptr (DcIceConfig) config = new_config (&settings, events, NULL);

  dc_ice_config_choose (config, NULL);
  g_assert_cmpuint (config->turn_servers->len, ==, 0);
  g_assert_null (config->stun_server);
}

static void
test_ice_config_bad (void)
{
  static const char *const bad[] = {
      "turns://127.0.0.1:5349", "turn:127.0.0.1:3478", "stun:127.0.0.1", "nonsense://", "turn://u:p@"};

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    const char *turn[] = {bad[i], NULL};
    DcIceSettings settings = {.turn_servers = (GStrv) turn, .use_turn = TRUE};
    g_autoptr (GError) error = NULL;
    g_assert_null (new_config (&settings, NULL, &error));
    g_assert_error (error, DC_ERROR, DC_ERROR_USAGE);
    g_assert_null (strstr (error->message, "u:p@"));
  }
}

static void
test_ice_config_places (void)
{
  static const char *const bad[] = {"", "50000", "50100-50000", "0-10", "1-65536", "a-b", "-", "1-2-3"};
  DcIceSettings settings = {.interfaces = " no-such0,lo  tun0,", .port_range = "50000-50100"};
  g_autoptr (GError) error = NULL;
  g_autoptr (DcIceConfig) config = new_config (&settings, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (config->min_port, ==, 50000);
  g_assert_cmpuint (config->max_port, ==, 50100);
  g_assert_cmpstrv (config->interfaces, ((const char *[]){"no-such0", "lo", "tun0", NULL}));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) problem = NULL;
    settings.port_range = (char *) bad[i];
    g_assert_null (new_config (&settings, NULL, &problem));
    g_assert_error (problem, DC_ERROR, DC_ERROR_USAGE);
    g_assert_nonnull (strstr (problem->message, "50000-50100"));
  }
}

/* Said at once, since nothing will come of it. */
static void
test_ice_config_interfaces (void)
{
  static const char *const bad[] = {"no-such0", "no-such0 no-such1", ""};

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    DcIceSettings settings = {.interfaces = (char *) bad[i]};
    g_autoptr (GError) error = NULL;
    g_autoptr (DcIceConfig) config = new_config (&settings, NULL, &error);
    g_assert_null (config);
    g_assert_error (error, DC_ERROR, DC_ERROR_USAGE);
    g_assert_nonnull (strstr (error->message, bad[i]));
  }
}

/* --- Addresses ----------------------------------------------------------------------------------------------------------------- */

static void
test_addresses (void)
{
  g_autoptr (GPtrArray) lo = dc_local_addresses_list ((const char *[]){"lo", NULL});
  g_autoptr (GPtrArray) all = dc_local_addresses_list (NULL);

  g_assert_true (g_ptr_array_find_with_equal_func (lo, "127.0.0.1", g_str_equal, NULL));
  g_assert_false (g_ptr_array_find_with_equal_func (all, "127.0.0.1", g_str_equal, NULL));
}

static void
test_free_ports (void)
{
  g_autoptr (GPtrArray) addresses = g_ptr_array_new ();
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, NULL);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new_from_string ("127.0.0.1", 0), bound = NULL;
  guint16 port;

  g_assert_true (g_socket_bind (socket, any, FALSE, NULL));
  bound = g_socket_get_local_address (socket, NULL);
  port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  g_ptr_array_add (addresses, "127.0.0.1");
  g_assert_false (dc_local_addresses_have_port (addresses, port, port));
  g_assert_true (dc_local_addresses_have_port (addresses, 1024, G_MAXUINT16));
  g_ptr_array_add (addresses, "127.0.0.2");
  g_assert_true (dc_local_addresses_have_port (addresses, port, port));
}

static void
test_public_addresses (void)
{
  static const char *const public[] = {"192.0.2.1", "100.128.0.1", "2001:db8::1"};
  static const char *const others[] = {"10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "127.0.0.1",
      "169.254.0.1", "0.0.0.0", "224.0.0.251", "::1", "fe80::1", "fd00::2", "fc00::2", "ff02::fb", "::"};

  for (guint i = 0; i < G_N_ELEMENTS (public); i++) {
    g_autoptr (GInetAddress) address = g_inet_address_new_from_string (public[i]);
    g_assert_true (dc_address_is_public (address));
  }
  for (guint i = 0; i < G_N_ELEMENTS (others); i++) {
    g_autoptr (GInetAddress) address = g_inet_address_new_from_string (others[i]);
    g_assert_false (dc_address_is_public (address));
  }
}

/* --- Advice -------------------------------------------------------------------------------------------------------------------- */

#define HOST DC_CANDIDATES_HOST
#define SRFLX (DC_CANDIDATES_HOST | DC_CANDIDATES_SRFLX)
#define RELAY (SRFLX | DC_CANDIDATES_RELAY)
#define PUBLIC (DC_CANDIDATES_HOST | DC_CANDIDATES_PUBLIC)
#define CONE DC_NAT_MAPPING_ENDPOINT_INDEPENDENT
#define SYMMETRIC DC_NAT_MAPPING_ADDRESS_DEPENDENT
#define UNKNOWN DC_NAT_MAPPING_UNKNOWN

static void
test_advice (void)
{
  static const struct {
    DcIceSituation situation;
    const char *part;
  } cases[] = {
      {{SRFLX, SRFLX, SYMMETRIC, SYMMETRIC, TRUE, TRUE}, "both NATs are symmetric: a TURN server is needed"},
      {{SRFLX, SRFLX, SYMMETRIC, CONE, TRUE, TRUE}, "our NAT is symmetric, and the other side's lets nobody in"},
      {{SRFLX, SRFLX, SYMMETRIC, UNKNOWN, TRUE, TRUE}, "our NAT is symmetric, and the other side's lets nobody in"},
      {{SRFLX, SRFLX, CONE, SYMMETRIC, TRUE, TRUE}, "the other side's NAT is symmetric, and ours lets nobody in"},
      {{SRFLX, SRFLX, CONE, CONE, TRUE, TRUE}, "do not let each other in"},
      {{SRFLX, SRFLX, UNKNOWN, UNKNOWN, TRUE, TRUE}, "do not let each other in"},
      {{HOST, SRFLX, UNKNOWN, CONE, TRUE, FALSE}, "no STUN server answers us"},
      {{HOST, SRFLX, UNKNOWN, CONE, FALSE, FALSE}, "a STUN server is needed (--stun-server)"},
      {{SRFLX, HOST, CONE, UNKNOWN, TRUE, TRUE}, "the other side named only addresses of its own network"},
      {{PUBLIC, 0, UNKNOWN, UNKNOWN, FALSE, FALSE}, "the other side has named no address"},
      {{PUBLIC, HOST, UNKNOWN, UNKNOWN, FALSE, FALSE}, "the other side named only addresses of its own network"},
      {{HOST, SRFLX, DC_NAT_MAPPING_NONE, CONE, TRUE, TRUE}, "do not let each other in"},
      {{SRFLX, PUBLIC, CONE, UNKNOWN, TRUE, TRUE}, "do not let each other in"},
      {{SRFLX, SRFLX, SYMMETRIC, SYMMETRIC, TRUE, TRUE, TRUE, "refused"}, "no TURN server gave us a relay: refused"},
      {{SRFLX, SRFLX, CONE, CONE, TRUE, TRUE, TRUE}, "check that it can be reached, and the user name and password"},
      {{0, SRFLX, UNKNOWN, CONE, FALSE, FALSE, TRUE, NULL, TRUE}, "no TURN server gave us a relay; check"},
      {{RELAY, HOST, CONE, UNKNOWN, TRUE, TRUE, TRUE}, "nothing comes from the other side through it"},
      {{HOST, RELAY, UNKNOWN, CONE, TRUE, FALSE, FALSE}, "nothing of ours gets there"},
      {{HOST, 0}, "the other side has named no address"},
      {{PUBLIC | DC_CANDIDATES_IPV4, PUBLIC | DC_CANDIDATES_IPV6}, "one side has only IPv4, the other only IPv6"},
      {{SRFLX | DC_CANDIDATES_IPV4, SRFLX | DC_CANDIDATES_IPV4 | DC_CANDIDATES_IPV6}, "do not let each other in"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *advice = dc_ice_advise (&cases[i].situation);
    g_test_message ("%s", advice);
    if (strstr (advice, cases[i].part) == NULL)
      g_error ("case %u: \"%s\" says nothing of \"%s\"", i, advice, cases[i].part);
  }
}

/* Nobody answers for the name of a server: what is there is used without it. */
static void
test_ice_config_silence (void)
{
  static const DcIceConfigCallbacks callbacks = {ignore_event, note_ready};
  const char *turn[] = {"turn://u:p@relay.example", "turn://u:p@192.0.2.1", NULL};
  DcIceSettings settings = {.turn_servers = (GStrv) turn, .use_turn = TRUE};
  g_autoptr (GError) error = NULL;
  gboolean ready = FALSE;

  dc_test_watchdog_start (30);
  DcTestResolver *resolver = dc_test_resolver_new ();
  resolver->silent = TRUE;
  DcIceConfig *config = dc_ice_config_new (&settings, g_main_context_default (), 0, &callbacks, &ready, &error);
  g_assert_no_error (error);
  dc_ice_config_choose (config, NULL);
  g_assert_false (config->ready);
  dc_test_wait_until (NULL, ready);
  g_assert_true (config->ready);
  g_assert_cmpuint (config->turn_servers->len, ==, 1);
  g_assert_cmpstr (get_turn_server (config, 0), ==, "turn://u:p@192.0.2.1:3478?transport=udp");

  /* One that does is waited for no longer than it takes. */
  resolver->silent = FALSE;
  ready = FALSE;
  dc_ice_config_choose (config, NULL);
  dc_test_wait_until (NULL, ready);
  g_assert_cmpuint (config->turn_servers->len, ==, 2);
  dc_ice_config_free (config);
  dc_test_resolver_free (resolver);
  dc_test_watchdog_stop ();
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  g_test_add_func ("/ice-config/choose", test_ice_config);
  g_test_add_func ("/ice-config/names", test_ice_config_names);
  g_test_add_func ("/ice-config/silence", test_ice_config_silence);
  g_test_add_func ("/ice-config/no-turn", test_ice_config_off);
  g_test_add_func ("/ice-config/bad", test_ice_config_bad);
  g_test_add_func ("/ice-config/places", test_ice_config_places);
  g_test_add_func ("/ice-config/interfaces", test_ice_config_interfaces);
  g_test_add_func ("/addresses/local", test_addresses);
  g_test_add_func ("/addresses/free-ports", test_free_ports);
  g_test_add_func ("/addresses/public", test_public_addresses);
  g_test_add_func ("/ice-advice", test_advice);
  return g_test_run ();
}
