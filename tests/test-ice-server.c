/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-ice-server.c: STUN and TURN server addresses: forms read and written, and what is said of wrong ones. */

#include "signaling/protocol/dc-ice-server.h"
#include "signaling/protocol/dc-json.h"
#include "signaling/protocol/dc-signaling-error.h"

#include <string.h>

#define STUN DC_ICE_SERVER_STUN
#define TURN DC_ICE_SERVER_TURN

static void
test_good (void)
{
  static const struct {
    const char *text;
    DcIceServerKind kind;
    const char *uri, *display;
  } cases[] = {
      {"stun:stun.example.org", STUN, "stun://stun.example.org:3478", "stun://stun.example.org:3478"},
      {"stun://stun.example.org:19302", STUN, "stun://stun.example.org:19302", "stun://stun.example.org:19302"},
      {"stun.example.org:19302", STUN, "stun://stun.example.org:19302", "stun://stun.example.org:19302"},
      {"localhost", STUN, "stun://localhost:3478", "stun://localhost:3478"},
      {"STUN:192.0.2.1", STUN, "stun://192.0.2.1:3478", "stun://192.0.2.1:3478"},
      {"stun:h?transport=udp", STUN, "stun://h:3478", "stun://h:3478"},
      {"stun:[2001:db8::1]", STUN, "stun://[2001:db8::1]:3478", "stun://[2001:db8::1]:3478"},
      {"[2001:db8::1]:19302", STUN, "stun://[2001:db8::1]:19302", "stun://[2001:db8::1]:19302"},
      {"turn:turn.example.org", TURN, "turn://turn.example.org:3478?transport=udp",
          "turn://turn.example.org:3478?transport=udp"},
      {"turn://u:p@turn.example.org:80?transport=tcp", TURN, "turn://u:p@turn.example.org:80?transport=tcp",
          "turn://u@turn.example.org:80?transport=tcp"},
      {"turn:u:p@h?transport=udp", TURN, "turn://u:p@h:3478?transport=udp", "turn://u@h:3478?transport=udp"},
      {"turns:u:p@h", TURN, "turns://u:p@h:5349?transport=tcp", "turns://u@h:5349?transport=tcp"},
      {"turns://u:p@[::1]:443?transport=tcp", TURN, "turns://u:p@[::1]:443?transport=tcp",
          "turns://u@[::1]:443?transport=tcp"},
      {"turn:u@h", TURN, "turn://u@h:3478?transport=udp", "turn://u@h:3478?transport=udp"},
      {"turn:1700000000%3Aal%40ice:s%3fcr%2Fe%25t@h", TURN,
          "turn://1700000000%3Aal%40ice:s%3Fcr%2Fe%25t@h:3478?transport=udp",
          "turn://1700000000%3Aal%40ice@h:3478?transport=udp"},
      /* What people paste without escaping it. */
      {"turn:u:a@b:c?d/e@h", TURN, "turn://u:a%40b%3Ac%3Fd%2Fe@h:3478?transport=udp", "turn://u@h:3478?transport=udp"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_test_message ("%s", cases[i].text);
    g_autoptr (DcIceServer) server = dc_ice_server_parse (cases[i].text, cases[i].kind, &error);
    g_assert_no_error (error);
    g_autofree char *uri = dc_ice_server_to_gst_uri (server);
    g_autofree char *display = dc_ice_server_to_display (server);
    g_assert_cmpstr (uri, ==, cases[i].uri);
    g_assert_cmpstr (display, ==, cases[i].display);
    g_autoptr (DcIceServer) again = dc_ice_server_parse (uri, cases[i].kind, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (again->username, ==, server->username);
    g_assert_cmpstr (again->credential, ==, server->credential);
    g_assert_cmpint (again->transport, ==, server->transport);
  }
}

static void
test_fields (void)
{
  g_autoptr (DcIceServer) server = dc_ice_server_parse ("turns:al%40ice:p%3Aq@[::1]", TURN, NULL);

  g_assert_cmpint (server->kind, ==, DC_ICE_SERVER_TURN);
  g_assert_cmpint (server->transport, ==, DC_ICE_TRANSPORT_TLS);
  g_assert_cmpstr (server->host, ==, "::1");
  g_assert_cmpuint (server->port, ==, 5349);
  g_assert_cmpstr (server->username, ==, "al@ice");
  g_assert_cmpstr (server->credential, ==, "p:q");
}

static void
test_bad (void)
{
  static const struct {
    const char *text;
    DcIceServerKind kind;
    const char *what;
  } cases[] = {
      {"", STUN, "has no host"},
      {"stun:", STUN, "has no host"},
      {"stun://:3478", STUN, "has no host"},
      {"stuns:h", STUN, "has the scheme \"stuns:\", but STUN works over UDP only here"},
      {"stun:h?transport=tcp", STUN, "has the parameter \"transport=tcp\", but STUN works over UDP only here"},
      {"stun:h?x=1", STUN, "has the unknown parameter \"x=1\""},
      {"turn:h", STUN, "has the scheme \"turn:\""},
      {"stun:h", TURN, "has the scheme \"stun:\""},
      {"http://h", STUN, "has the unknown scheme \"http\""},
      {"h:3478", TURN, "has no scheme, turn: or turns:"},
      {"stun:u:p@h", STUN, "has a user name, but STUN knows none"},
      {"stun:h:", STUN, "has the port \"\", which is not a number from 1 to 65535"},
      {"stun:h:0", STUN, "has the port \"0\", which is not a number from 1 to 65535"},
      {"stun:h:65536", STUN, "has the port \"65536\", which is not a number from 1 to 65535"},
      {"stun:h:3478/", STUN, "has the port \"3478/\", which is not a number from 1 to 65535"},
      {"stun:h:-1", STUN, "has the port \"-1\", which is not a number from 1 to 65535"},
      {"stun:a b", STUN, "has the host \"a b\", which is no host name and no address"},
      {"stun:h\r\n", STUN, "has the host \"h\?\?\", which is no host name and no address"},
      {"stun:-h", STUN, "has the host \"-h\", which is no host name and no address"},
      {"2001:db8::1", STUN,
          "has more than one \":\" in its host and port (an IPv6 address needs brackets: [2001:db8::1]:3478)"},
      {"stun:[2001:db8::1", STUN, "has a \"[\" that no \"]\" before the port closes"},
      {"stun:[::1]3478", STUN, "has a \"[\" that no \"]\" before the port closes"},
      {"stun:[h]", STUN, "has \"h\" in brackets, which is no IPv6 address"},
      {"stun:[127.0.0.1]", STUN, "has \"127.0.0.1\" in brackets, which is no IPv6 address"},
      {"turn:u:p%zz@h", TURN,
          "has a \"%\" in its user name or password that escapes nothing (\"%\" itself is \"%25\")"},
      {"turn:u:%ff@h", TURN, "has a \"%\" in its user name or password that escapes nothing (\"%\" itself is \"%25\")"},
      {"turn::p@h", TURN, "has an empty user name"},
      {"turn:u:p@", TURN, "has no host"},
      {"turns:h?transport=udp", TURN, "has the parameter \"transport=udp\", but turns: is TLS over TCP"},
      {"turn:h?transport=sctp", TURN, "has the unknown parameter \"transport=sctp\""},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    gboolean stun = cases[i].kind == STUN;
    g_autofree char *sentence =
        g_strdup_printf ("The %s server %s; write it like %s.", stun ? "STUN" : "TURN", cases[i].what,
            stun ? "stun:stun.example.org:3478" : "turn://user:password@turn.example.org:3478?transport=udp");
    g_autoptr (GError) error = NULL;

    g_test_message ("%s", cases[i].text);
    g_assert_null (dc_ice_server_parse (cases[i].text, cases[i].kind, &error));
    g_assert_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_INVALID);
    g_assert_cmpstr (error->message, ==, sentence);
  }
}

/* The examples in the errors are right. */
static void
test_examples (void)
{
  for (guint kind = STUN; kind <= TURN; kind++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (dc_ice_server_parse ("x:y", (DcIceServerKind) kind, &error));
    const char *example = strstr (error->message, "write it like ") + strlen ("write it like ");
    g_autofree char *address = g_strndup (example, strlen (example) - 1);
    g_autoptr (DcIceServer) server = dc_ice_server_parse (address, (DcIceServerKind) kind, NULL);
    g_assert_nonnull (server);
  }
}

static JsonNode *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  JsonNode *node = dc_json_parse (text, -1, G_MAXSIZE, &error);

  g_assert_no_error (error);
  return node;
}

static void
test_wire (void)
{
  static const char wire[] = "[{\"urls\":[\"stun:[2001:db8::1]:3478\"]},"
                             "{\"urls\":[\"turn:h:3478?transport=udp\"],\"username\":\"a@b\",\"credential\":\"p:%\"},"
                             "{\"urls\":[\"turn:h:3478?transport=tcp\"],\"username\":\"u\"},"
                             "{\"urls\":[\"turns:h:5349?transport=tcp\"]}]";
  g_autoptr (JsonNode) node = parse (wire);
  guint skipped = 7;
  g_autoptr (GPtrArray) servers = dc_ice_servers_from_node (node, &skipped);
  g_autoptr (GString) out = g_string_new (NULL);

  g_assert_cmpuint (skipped, ==, 0);
  g_assert_cmpuint (servers->len, ==, 4);
  const DcIceServer *turn = g_ptr_array_index (servers, 1);
  g_assert_cmpstr (turn->username, ==, "a@b");
  g_assert_cmpstr (turn->credential, ==, "p:%");
  g_autoptr (JsonNode) again = dc_ice_servers_to_node (servers);
  dc_json_write (again, out);
  g_assert_cmpstr (out->str, ==, wire);
}

/* What other servers send: several addresses in one object, one as a string, and things that we do not know. */
static void
test_foreign_wire (void)
{
  g_autoptr (JsonNode) node =
      parse ("[{\"urls\":\"stun:a\"},"
             "{\"urls\":[\"turn:b\",\"turns:b\",\"stuns:b\",5],\"username\":\"u\",\"credential\":\"p\"},"
             "{\"urls\":[]},{\"urls\":null},{},[],\"x\",7]");
  guint skipped;
  g_autoptr (GPtrArray) servers = dc_ice_servers_from_node (node, &skipped);

  g_assert_cmpuint (servers->len, ==, 3);
  g_assert_cmpuint (skipped, ==, 7);
  g_assert_cmpstr (((DcIceServer *) g_ptr_array_index (servers, 2))->credential, ==, "p");
}

static void
test_bounded_wire (void)
{
  g_autoptr (GString) text = g_string_new ("[{\"urls\":[\"stun:a\"");
  guint skipped;

  for (guint i = 1; i < 1000; i++)
    g_string_append (text, ",\"stun:a\"");
  g_string_append (text, "]}]");
  g_autoptr (JsonNode) node = parse (text->str);
  g_autoptr (GPtrArray) servers = dc_ice_servers_from_node (node, &skipped);
  g_assert_cmpuint (servers->len, ==, DC_ICE_SERVERS_MAX);
  g_assert_cmpuint (skipped, ==, 1000 - DC_ICE_SERVERS_MAX);

  g_autoptr (JsonNode) object = parse ("{}");
  g_autoptr (GPtrArray) none = dc_ice_servers_from_node (object, &skipped);
  g_assert_cmpuint (none->len, ==, 0);
  g_assert_cmpuint (skipped, ==, 1);
  g_autoptr (GPtrArray) nothing = dc_ice_servers_from_node (NULL, NULL);
  g_assert_cmpuint (nothing->len, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ice-server/good", test_good);
  g_test_add_func ("/ice-server/fields", test_fields);
  g_test_add_func ("/ice-server/bad", test_bad);
  g_test_add_func ("/ice-server/examples", test_examples);
  g_test_add_func ("/ice-server/wire", test_wire);
  g_test_add_func ("/ice-server/foreign-wire", test_foreign_wire);
  g_test_add_func ("/ice-server/bounded-wire", test_bounded_wire);
  return g_test_run ();
}
