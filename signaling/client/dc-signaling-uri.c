/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-signaling-uri.c: the address of a signaling server as a person writes it. */
#include "signaling/client/dc-signaling-uri.h"
#include "signaling/protocol/dc-signaling-error.h"
#include <gio/gio.h>
#include <string.h>

/* Taken apart by hand and not with GUri: "localhost:8443" must not become the scheme "localhost", and each mistake shall be named. */

static const struct {
  const char *scheme;
  gboolean tls;
  gboolean http;
} schemes[] = {
    {"ws://", FALSE, FALSE},
    {"wss://", TRUE, FALSE},
    {"http://", FALSE, TRUE},
    {"https://", TRUE, TRUE},
};

static gboolean invalid (GError **error, const char *text, const char *format, ...) G_GNUC_PRINTF (3, 4);

static gboolean
invalid (GError **error, const char *text, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *why = g_strdup_vprintf (format, args);
  va_end (args);

  g_set_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_INVALID, "the signaling URL \"%s\" %s", text, why);
  return FALSE;
}

/* Sets tls, http and the port that the scheme implies; moves @rest behind the scheme. */
static gboolean
parse_scheme (DcSignalingUri *uri, const char *text, const char **rest, GError **error)
{
  const char *mark = strstr (text, "://");

  uri->port = DC_SIGNALING_DEFAULT_PORT;
  *rest = text;
  if (mark == NULL)
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (schemes); i++) {
    if (g_ascii_strncasecmp (text, schemes[i].scheme, strlen (schemes[i].scheme)) != 0)
      continue;
    uri->tls = schemes[i].tls;
    uri->http = schemes[i].http;
    uri->port = uri->tls ? 443 : 80;
    *rest = mark + 3;
    return TRUE;
  }
  return invalid (
      error, text, "begins with \"%.*s\"; use ws://, wss://, http:// or https://", (int) (mark + 3 - text), text);
}

static gboolean
parse_port (DcSignalingUri *uri, const char *text, const char *digits, GError **error)
{
  guint64 port;

  if (!g_ascii_string_to_unsigned (digits, 10, 1, G_MAXUINT16, &port, NULL))
    return invalid (error, text, "has the port \"%s\"; a port is a number from 1 to 65535", digits);
  uri->port = (guint16) port;
  return TRUE;
}

static gboolean
take_ipv6 (DcSignalingUri *uri, const char *text, const char *host, GError **error)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);

  if (address == NULL || g_inet_address_get_family (address) != G_SOCKET_FAMILY_IPV6)
    return invalid (error, text, "has the host \"%s\", which is no IPv6 address", host);
  uri->host = g_inet_address_to_string (address);
  return TRUE;
}

static gboolean
take_name (DcSignalingUri *uri, const char *text, const char *host, GError **error)
{
  g_autofree char *ascii = NULL;

  if (*host == '\0')
    return invalid (error, text, "names no host");
  ascii = g_hostname_to_ascii (host);
  if (ascii == NULL || strspn (ascii, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS ".-_") != strlen (ascii))
    return invalid (error, text, "has the host \"%s\", which is neither a name nor an address", host);
  uri->host = g_steal_pointer (&ascii);
  return TRUE;
}

/* "[v6]", "[v6]:port", bare "v6", "name" or "name:port". */
static gboolean
parse_authority (DcSignalingUri *uri, const char *text, const char *authority, GError **error)
{
  const char *colon = strchr (authority, ':');

  if (strchr (authority, '@') != NULL)
    return invalid (error, text, "has a user or password in it; leave that out");
  if (authority[0] == '[') {
    const char *end = strchr (authority, ']');
    if (end == NULL || (end[1] != '\0' && end[1] != ':'))
      return invalid (error, text, "has an IPv6 address that is not closed with \"]\"");
    g_autofree char *host = g_strndup (authority + 1, end - authority - 1);
    return take_ipv6 (uri, text, host, error) && (end[1] == '\0' || parse_port (uri, text, end + 2, error));
  }
  if (colon != NULL && strchr (colon + 1, ':') != NULL)
    return take_ipv6 (uri, text, authority, error);
  if (colon == NULL)
    return take_name (uri, text, authority, error);
  g_autofree char *host = g_strndup (authority, colon - authority);
  return take_name (uri, text, host, error) && parse_port (uri, text, colon + 1, error);
}

static gboolean
parse_prefix (DcSignalingUri *uri, const char *text, const char *path, GError **error)
{
  gsize length = strlen (path);

  if (strpbrk (path, "?#") != NULL)
    return invalid (error, text, "has a \"?\" or \"#\" part; leave that out");
  while (length > 0 && path[length - 1] == '/')
    length--;
  g_autofree char *prefix = g_strndup (path, length);
  uri->prefix = g_uri_escape_string (prefix, "/%:@!$&'()*+,;=", FALSE);
  return TRUE;
}

static gboolean
is_printable (const char *text)
{
  if (!g_utf8_validate (text, -1, NULL))
    return FALSE;
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    if (!g_unichar_isgraph (c))
      return FALSE;
  }
  return TRUE;
}

/**
 * dc_signaling_uri_parse:
 * @text: what the user gave; white space around it does not matter
 * @error: DC_SIGNALING_ERROR_INVALID with a sentence that says what is wrong with it
 *
 * Returns: (transfer full) (nullable): its parts
 */
DcSignalingUri *
dc_signaling_uri_parse (const char *text, GError **error)
{
  g_autoptr (DcSignalingUri) uri = g_new0 (DcSignalingUri, 1);
  g_autofree char *stripped = g_strstrip (g_strdup (text != NULL ? text : ""));
  g_autofree char *authority = NULL;
  const char *rest;

  if (*stripped == '\0') {
    g_set_error_literal (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_INVALID, "the signaling URL is empty");
    return NULL;
  }
  if (!is_printable (stripped)) {
    g_autofree char *shown = g_utf8_make_valid (stripped, -1);
    invalid (error, g_strcanon (shown, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS ":/.-_[]", '?'),
        "has a space or an unprintable character (shown as ?) in it");
    return NULL;
  }
  if (!parse_scheme (uri, stripped, &rest, error))
    return NULL;
  authority = g_strndup (rest, strcspn (rest, "/?#"));
  if (!parse_authority (uri, stripped, authority, error)
      || !parse_prefix (uri, stripped, rest + strlen (authority), error))
    return NULL;
  return g_steal_pointer (&uri);
}

void
dc_signaling_uri_free (DcSignalingUri *uri)
{
  if (uri == NULL)
    return;
  g_free (uri->host);
  g_free (uri->prefix);
  g_free (uri);
}

/**
 * dc_signaling_uri_build:
 * @uri: the parts
 * @http: http(s):// instead of ws(s)://
 * @path: what follows the prefix, "" or "/v1/ws"
 *
 * Returns: (transfer full): the URL
 */
char *
dc_signaling_uri_build (const DcSignalingUri *uri, gboolean http, const char *path)
{
  const char *scheme = http ? (uri->tls ? "https" : "http") : (uri->tls ? "wss" : "ws");
  gboolean bracket = strchr (uri->host, ':') != NULL;
  g_autofree char *port = NULL;

  if (uri->port != (uri->tls ? 443 : 80))
    port = g_strdup_printf (":%u", uri->port);
  return g_strconcat (scheme, "://", bracket ? "[" : "", uri->host, bracket ? "]" : "", port != NULL ? port : "",
      uri->prefix, path, NULL);
}
