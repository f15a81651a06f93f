/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-ice-server.c: STUN and TURN server addresses in the three forms they come in. */

#include "signaling/protocol/dc-ice-server.h"
#include "signaling/protocol/dc-signaling-error.h"

#include <string.h>

/* What the parser works on, one layer of the address after the other, and what its errors are made of. */
typedef struct {
  DcIceServer *server;
  char *rest; /* what is not taken apart yet; owned by the caller */
  GError **error;
} Parser;

static const char *
get_example (DcIceServerKind kind)
{
  return kind == DC_ICE_SERVER_STUN ? "stun:stun.example.org:3478"
                                    : "turn://user:password@turn.example.org:3478?transport=udp";
}

static gboolean refuse (Parser *parser, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* @format goes on after "The STUN server". */
static gboolean
refuse (Parser *parser, const char *format, ...)
{
  DcIceServerKind kind = parser->server->kind;
  va_list args;

  va_start (args, format);
  g_autofree char *what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (parser->error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_INVALID, "The %s server %s; write it like %s.",
      kind == DC_ICE_SERVER_STUN ? "STUN" : "TURN", what, get_example (kind));
  return FALSE;
}

/* Cuts the scheme off. A STUN server needs none; then what looks like one is a host before a port. */
static gboolean
parse_scheme (Parser *parser)
{
  static const struct {
    const char *name;
    DcIceServerKind kind;
    DcIceTransport transport;
  } schemes[] = {
      {"stun:", DC_ICE_SERVER_STUN, DC_ICE_TRANSPORT_UDP},
      {"stuns:", DC_ICE_SERVER_STUN, DC_ICE_TRANSPORT_TLS},
      {"turn:", DC_ICE_SERVER_TURN, DC_ICE_TRANSPORT_UDP},
      {"turns:", DC_ICE_SERVER_TURN, DC_ICE_TRANSPORT_TLS},
  };
  DcIceServer *server = parser->server;

  for (guint i = 0; i < G_N_ELEMENTS (schemes); i++) {
    if (g_ascii_strncasecmp (parser->rest, schemes[i].name, strlen (schemes[i].name)) != 0)
      continue;
    if (schemes[i].kind != server->kind)
      return refuse (parser, "has the scheme \"%s\"", schemes[i].name);
    if (schemes[i].kind == DC_ICE_SERVER_STUN && schemes[i].transport != DC_ICE_TRANSPORT_UDP)
      return refuse (parser, "has the scheme \"stuns:\", but STUN works over UDP only here");
    server->transport = schemes[i].transport;
    parser->rest += strlen (schemes[i].name);
    if (g_str_has_prefix (parser->rest, "//"))
      parser->rest += 2;
    return TRUE;
  }
  if (strstr (parser->rest, "://")) {
    *strstr (parser->rest, "://") = '\0';
    g_autofree char *quoted = dc_signaling_quote (parser->rest);
    return refuse (parser, "has the unknown scheme %s", quoted);
  }
  if (server->kind == DC_ICE_SERVER_TURN)
    return refuse (parser, "has no scheme, turn: or turns:");
  return TRUE;
}

/* Cuts the query off. */
static gboolean
parse_transport (Parser *parser)
{
  DcIceServer *server = parser->server;
  char *query = strrchr (parser->rest, '?');

  /* A question mark in a password that was not escaped comes before the @. */
  if (!query || strchr (query, '@'))
    return TRUE;
  *query++ = '\0';
  gboolean udp = g_ascii_strcasecmp (query, "transport=udp") == 0;
  gboolean tcp = g_ascii_strcasecmp (query, "transport=tcp") == 0;
  g_autofree char *quoted = dc_signaling_quote (query);
  if (!udp && !tcp)
    return refuse (parser, "has the unknown parameter %s", quoted);
  if (server->kind == DC_ICE_SERVER_STUN)
    return udp || refuse (parser, "has the parameter %s, but STUN works over UDP only here", quoted);
  if (server->transport == DC_ICE_TRANSPORT_TLS)
    return tcp || refuse (parser, "has the parameter %s, but turns: is TLS over TCP", quoted);
  if (tcp)
    server->transport = DC_ICE_TRANSPORT_TCP;
  return TRUE;
}

static char *
unescape (const char *text)
{
  g_autofree char *plain = g_uri_unescape_string (text, NULL);

  return plain && g_utf8_validate (plain, -1, NULL) ? g_steal_pointer (&plain) : NULL;
}

/* Cuts "user:password@" off. */
static gboolean
parse_user (Parser *parser)
{
  DcIceServer *server = parser->server;
  char *user = parser->rest, *at = strrchr (user, '@');

  if (!at)
    return TRUE;
  if (server->kind == DC_ICE_SERVER_STUN)
    return refuse (parser, "has a user name, but STUN knows none");
  *at = '\0';
  parser->rest = at + 1;
  char *colon = strchr (user, ':');
  if (colon)
    *colon++ = '\0';
  server->username = unescape (user);
  server->credential = colon ? unescape (colon) : NULL;
  if (!server->username || (colon && !server->credential))
    return refuse (
        parser, "has a \"%%\" in its user name or password that escapes nothing (\"%%\" itself is \"%%25\")");
  if (*server->username == '\0')
    return refuse (parser, "has an empty user name");
  return TRUE;
}

static gboolean
parse_port (Parser *parser, const char *port)
{
  DcIceServer *server = parser->server;
  guint64 number;

  if (!g_ascii_string_to_unsigned (port, 10, 1, 65535, &number, NULL)) {
    g_autofree char *quoted = dc_signaling_quote (port);
    return refuse (parser, "has the port %s, which is not a number from 1 to 65535", quoted);
  }
  server->port = (guint16) number;
  return TRUE;
}

static gboolean
parse_ipv6 (Parser *parser)
{
  char *host = parser->rest + 1, *bracket = strchr (host, ']');

  if (!bracket || (bracket[1] != '\0' && bracket[1] != ':'))
    return refuse (parser, "has a \"[\" that no \"]\" before the port closes");
  *bracket = '\0';
  if (!strchr (host, ':') || !g_hostname_is_ip_address (host)) {
    g_autofree char *quoted = dc_signaling_quote (host);
    return refuse (parser, "has %s in brackets, which is no IPv6 address", quoted);
  }
  parser->server->host = g_strdup (host);
  return bracket[1] == '\0' || parse_port (parser, bracket + 2);
}

static gboolean
parse_host (Parser *parser)
{
  static const char allowed[] = G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-";
  DcIceServer *server = parser->server;
  char *host = parser->rest, *colon = strchr (host, ':');

  if (*host == '[')
    return parse_ipv6 (parser);
  if (colon && strchr (colon + 1, ':'))
    return refuse (
        parser, "has more than one \":\" in its host and port (an IPv6 address needs brackets: [2001:db8::1]:3478)");
  if (colon)
    *colon++ = '\0';
  gsize length = strspn (host, allowed);
  if (length == 0 && *host == '\0')
    return refuse (parser, "has no host");
  if (host[length] != '\0' || length > 253 || *host == '-' || *host == '.') {
    g_autofree char *quoted = dc_signaling_quote (host);
    return refuse (parser, "has the host %s, which is no host name and no address", quoted);
  }
  server->host = g_strdup (host);
  return !colon || parse_port (parser, colon);
}

/**
 * dc_ice_server_parse:
 * @text: the address, see the top of the header
 * @kind: which kind of server is meant
 * @error: DC_SIGNALING_ERROR_INVALID with a sentence
 *
 * Returns: (transfer full) (nullable): the server
 */
DcIceServer *
dc_ice_server_parse (const char *text, DcIceServerKind kind, GError **error)
{
  g_autofree char *copy = g_strdup (text);
  g_autoptr (DcIceServer) server = g_new0 (DcIceServer, 1);
  Parser parser = {server, copy, error};

  server->kind = kind;
  if (!parse_scheme (&parser) || !parse_transport (&parser) || !parse_user (&parser) || !parse_host (&parser))
    return NULL;
  if (server->port == 0)
    server->port = server->transport == DC_ICE_TRANSPORT_TLS ? 5349 : 3478;
  return g_steal_pointer (&server);
}

/**
 * dc_ice_server_copy:
 * @server: a server
 *
 * Returns: (transfer full): another one like it
 */
DcIceServer *
dc_ice_server_copy (const DcIceServer *server)
{
  DcIceServer *copy = g_memdup2 (server, sizeof *server);

  copy->host = g_strdup (server->host);
  copy->username = g_strdup (server->username);
  copy->credential = g_strdup (server->credential);
  return copy;
}

void
dc_ice_server_free (DcIceServer *server)
{
  g_free (server->host);
  g_free (server->username);
  g_free (server->credential);
  g_free (server);
}

static const char *
get_scheme (const DcIceServer *server)
{
  if (server->kind == DC_ICE_SERVER_STUN)
    return "stun";
  return server->transport == DC_ICE_TRANSPORT_TLS ? "turns" : "turn";
}

static void
append_host (const DcIceServer *server, GString *out)
{
  gboolean ipv6 = strchr (server->host, ':') != NULL;

  g_string_append_printf (out, ipv6 ? "[%s]:%u" : "%s:%u", server->host, server->port);
  if (server->kind == DC_ICE_SERVER_TURN)
    g_string_append (out, server->transport == DC_ICE_TRANSPORT_UDP ? "?transport=udp" : "?transport=tcp");
}

static char *
to_uri (const DcIceServer *server, gboolean with_credential)
{
  GString *out = g_string_new (get_scheme (server));

  g_string_append (out, "://");
  if (server->username) {
    g_string_append_uri_escaped (out, server->username, NULL, FALSE);
    if (with_credential && server->credential) {
      g_string_append_c (out, ':');
      g_string_append_uri_escaped (out, server->credential, NULL, FALSE);
    }
    g_string_append_c (out, '@');
  }
  append_host (server, out);
  return g_string_free (out, FALSE);
}

/**
 * dc_ice_server_to_gst_uri:
 * @server: a server
 *
 * Returns: (transfer full): what webrtcbin's properties and "add-turn-server" take; holds the password
 */
char *
dc_ice_server_to_gst_uri (const DcIceServer *server)
{
  return to_uri (server, TRUE);
}

/**
 * dc_ice_server_to_display:
 * @server: a server
 *
 * Returns: (transfer full): the URL without the password
 */
char *
dc_ice_server_to_display (const DcIceServer *server)
{
  return to_uri (server, FALSE);
}

/* ---- The wire: RTCIceServer objects of the W3C's WebRTC 1.0 ---- */

static JsonObject *
to_object (const DcIceServer *server)
{
  JsonObject *object = json_object_new ();
  JsonArray *urls = json_array_new ();
  g_autoptr (GString) url = g_string_new (get_scheme (server));

  g_string_append_c (url, ':');
  append_host (server, url);
  json_array_add_string_element (urls, url->str);
  json_object_set_array_member (object, "urls", urls);
  if (server->username)
    json_object_set_string_member (object, "username", server->username);
  if (server->credential)
    json_object_set_string_member (object, "credential", server->credential);
  return object;
}

/**
 * dc_ice_servers_to_node:
 * @servers: (element-type DcIceServer): servers
 *
 * Returns: (transfer full): an array of RTCIceServer objects
 */
JsonNode *
dc_ice_servers_to_node (GPtrArray *servers)
{
  JsonNode *node = json_node_alloc ();
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < servers->len; i++)
    json_array_add_object_element (array, to_object (g_ptr_array_index (servers, i)));
  json_node_init_array (node, array);
  json_array_unref (array);
  return node;
}

static const char *
get_string (JsonNode *node)
{
  return node && json_node_get_value_type (node) == G_TYPE_STRING ? json_node_get_string (node) : NULL;
}

static gboolean
add_url (GPtrArray *servers, const char *url, JsonObject *object)
{
  const char *username = get_string (json_object_get_member (object, "username"));
  const char *credential = get_string (json_object_get_member (object, "credential"));
  gboolean turn = url && g_ascii_strncasecmp (url, "turn", 4) == 0;

  if (!url || servers->len >= DC_ICE_SERVERS_MAX)
    return FALSE;
  g_autoptr (DcIceServer) server = dc_ice_server_parse (url, turn ? DC_ICE_SERVER_TURN : DC_ICE_SERVER_STUN, NULL);
  if (!server)
    return FALSE;
  if (turn && username) {
    g_free (server->username);
    g_free (server->credential);
    server->username = g_strdup (username);
    server->credential = g_strdup (credential);
  }
  g_ptr_array_add (servers, g_steal_pointer (&server));
  return TRUE;
}

/* Returns how many addresses of @node were not understood. */
static guint
add_object (GPtrArray *servers, JsonNode *node)
{
  guint skipped = 0;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return 1;
  JsonObject *object = json_node_get_object (node);
  JsonNode *urls = json_object_get_member (object, "urls");
  if (!urls || !JSON_NODE_HOLDS_ARRAY (urls))
    return add_url (servers, get_string (urls), object) ? 0 : 1;
  JsonArray *array = json_node_get_array (urls);
  for (guint i = 0; i < json_array_get_length (array); i++) {
    if (!add_url (servers, get_string (json_array_get_element (array, i)), object))
      skipped++;
  }
  return skipped;
}

/**
 * dc_ice_servers_from_node:
 * @node: (nullable): what a welcome says
 * @skipped: (out) (optional): how many addresses were not understood
 *
 * Returns: (transfer full) (element-type DcIceServer): the others
 */
GPtrArray *
dc_ice_servers_from_node (JsonNode *node, guint *skipped)
{
  GPtrArray *servers = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_ice_server_free);
  JsonArray *array = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  guint ignored = node && !array ? 1 : 0;

  for (guint i = 0; array && i < json_array_get_length (array); i++)
    ignored += add_object (servers, json_array_get_element (array, i));
  if (skipped)
    *skipped = ignored;
  return servers;
}
