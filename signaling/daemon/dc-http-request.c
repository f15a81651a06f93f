/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-http-request.c: the head of an HTTP/1.x request, parsed strictly; sans-IO. */
#include "signaling/daemon/dc-http-request.h"

#include <string.h>

#define MAX_HEADERS 64

gsize
dc_http_request_find_end (const char *bytes, gsize length)
{
  const char *end = length > 0 ? memmem (bytes, length, "\r\n\r\n", 4) : NULL;

  return end ? (gsize) (end - bytes) + 4 : 0;
}

gboolean
dc_http_request_is_plausible (const char *bytes, gsize length)
{
  /* The method: no known one is longer than 16 characters. */
  for (gsize i = 0; i < MIN (length, 17); i++) {
    if (bytes[i] == ' ')
      return i > 0;
    if (!g_ascii_isupper (bytes[i]))
      return FALSE;
  }
  return length < 17;
}

/* RFC 9110, 5.6.2 */
static gboolean
is_token (const char *text)
{
  for (const char *p = text; *p; p++)
    if (!g_ascii_isalnum (*p) && !strchr ("!#$%&'*+-.^_`|~", *p))
      return FALSE;
  return *text != '\0';
}

/* Visible characters, blanks and bytes above 0x7f: no controls, so nothing of a request can break a log line or a header. */
static gboolean
is_field_value (const char *text)
{
  for (const guchar *p = (const guchar *) text; *p; p++)
    if ((*p < 0x20 && *p != '\t') || *p == 0x7f)
      return FALSE;
  return TRUE;
}

static gboolean
is_target (const char *text)
{
  for (const guchar *p = (const guchar *) text; *p; p++)
    if (*p <= 0x20 || *p >= 0x7f || *p == '#')
      return FALSE;
  return TRUE;
}

static gboolean
parse_target (DcHttpRequest *request, const char *target)
{
  const char *path = target;

  if (!is_target (target))
    return FALSE;
  /* The absolute form is what clients send to proxies; servers take it too (RFC 9112, 3.2.2). */
  if (g_ascii_strncasecmp (target, "http://", 7) == 0 || g_ascii_strncasecmp (target, "https://", 8) == 0) {
    path = strchr (strstr (target, "://") + 3, '/');
    path = path ? path : "/";
  }
  if (*path != '/' && !(g_str_equal (path, "*") && g_str_equal (request->method, "OPTIONS")))
    return FALSE;

  const char *question = strchr (path, '?');
  request->path = question ? g_strndup (path, question - path) : g_strdup (path);
  request->query = question ? g_strdup (question + 1) : NULL;
  return TRUE;
}

static gboolean
parse_request_line (DcHttpRequest *request, const char *line, guint *status, const char **why)
{
  g_auto (GStrv) words = g_strsplit (line, " ", 4);

  *status = 400;
  *why = "This is no HTTP request.";
  if (g_strv_length (words) != 3 || !is_token (words[0]) || !g_str_has_prefix (words[2], "HTTP/"))
    return FALSE;
  if (!g_str_equal (words[2], "HTTP/1.1") && !g_str_equal (words[2], "HTTP/1.0")) {
    *status = 505;
    *why = "Only HTTP/1.1 and HTTP/1.0 are spoken here.";
    return FALSE;
  }
  request->method = g_strdup (words[0]);
  request->minor = words[2][7] - '0';
  *why = "The request target is no path.";
  return parse_target (request, words[1]);
}

static gboolean
parse_header (DcHttpRequest *request, char *line, const char **why)
{
  char *colon = strchr (line, ':');

  *why = "A header line of the request is malformed.";
  if (!colon)
    return FALSE;
  *colon = '\0';
  if (!is_token (line) || !is_field_value (colon + 1))
    return FALSE;

  g_autofree char *name = g_ascii_strdown (line, -1);
  const char *value = g_strstrip (colon + 1);
  const char *before = g_hash_table_lookup (request->headers, name);
  if (!before) {
    g_hash_table_insert (request->headers, g_steal_pointer (&name), g_strdup (value));
    return TRUE;
  }
  /* Two of these could be read one way here and another way by a proxy before us. */
  *why = "Host, Content-Length and Authorization may be given only once.";
  if (g_str_equal (name, "host") || g_str_equal (name, "content-length") || g_str_equal (name, "authorization"))
    return FALSE;
  char *joined = g_strconcat (before, ", ", value, NULL);
  g_hash_table_insert (request->headers, g_steal_pointer (&name), joined);
  return TRUE;
}

static gboolean
check_headers (DcHttpRequest *request, guint *status, const char **why)
{
  const char *length = dc_http_request_get_header (request, "content-length");

  *status = 400;
  *why = "An HTTP/1.1 request needs a Host header.";
  if (request->minor >= 1 && !dc_http_request_get_header (request, "host"))
    return FALSE;
  *why = "Content-Length is no number.";
  if (length && !g_ascii_string_to_unsigned (length, 10, 0, G_MAXINT64, &request->content_length, NULL))
    return FALSE;
  if (dc_http_request_get_header (request, "transfer-encoding")) {
    *status = 411;
    *why = "A request body needs a Content-Length; transfer encodings are not taken.";
    return FALSE;
  }
  return TRUE;
}

DcHttpRequest *
dc_http_request_parse (const char *head, gsize length, guint *status, const char **why)
{
  g_autoptr (DcHttpRequest) request = g_new0 (DcHttpRequest, 1);

  request->headers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  *status = 400;
  *why = "The head of the request has a NUL byte or does not end in an empty line.";
  if (length < 4 || length > DC_HTTP_MAX_HEAD || memchr (head, '\0', length))
    return NULL;

  g_autofree char *text = g_strndup (head, length - 4);
  g_auto (GStrv) lines = g_strsplit (text, "\r\n", MAX_HEADERS + 2);
  if (g_strv_length (lines) > MAX_HEADERS + 1) {
    *status = 431;
    *why = "The request has too many header lines.";
    return NULL;
  }
  if (!lines[0] || !parse_request_line (request, lines[0], status, why))
    return NULL;
  *status = 400;
  for (guint i = 1; lines[i]; i++)
    if (!parse_header (request, lines[i], why))
      return NULL;
  if (!check_headers (request, status, why))
    return NULL;
  return g_steal_pointer (&request);
}

void
dc_http_request_free (DcHttpRequest *request)
{
  g_free (request->method);
  g_free (request->path);
  g_free (request->query);
  g_hash_table_unref (request->headers);
  g_free (request);
}

const char *
dc_http_request_get_header (const DcHttpRequest *request, const char *name)
{
  return g_hash_table_lookup (request->headers, name);
}

gboolean
dc_http_request_has_token (const DcHttpRequest *request, const char *name, const char *token)
{
  const char *value = dc_http_request_get_header (request, name);
  if (!value)
    return FALSE;

  g_auto (GStrv) list = g_strsplit (value, ",", -1);
  for (guint i = 0; list[i]; i++)
    if (g_ascii_strcasecmp (g_strstrip (list[i]), token) == 0)
      return TRUE;
  return FALSE;
}

const char *
dc_http_request_get_bearer (const DcHttpRequest *request)
{
  const char *value = dc_http_request_get_header (request, "authorization");

  if (!value || g_ascii_strncasecmp (value, "Bearer ", 7) != 0)
    return NULL;
  value += 7;
  while (*value == ' ')
    value++;
  return value;
}

gboolean
dc_http_request_get_number (const DcHttpRequest *request, const char *name, guint64 fallback, guint64 *number)
{
  *number = fallback;
  if (!request->query)
    return TRUE;

  g_auto (GStrv) parameters = g_strsplit (request->query, "&", -1);
  for (guint i = 0; parameters[i]; i++) {
    char *equals = strchr (parameters[i], '=');
    if (!equals)
      continue;
    *equals = '\0';
    if (g_str_equal (parameters[i], name))
      return g_ascii_string_to_unsigned (equals + 1, 10, 0, G_MAXUINT64, number, NULL);
  }
  return TRUE;
}
