/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-daemon-units.c: the parts of the daemon that need no socket: HTTP heads, JSON arrays, frame limits, log lines. */
#include <string.h>

#include "signaling/daemon/dc-daemon-log.h"
#include "signaling/daemon/dc-frame-guard.h"
#include "signaling/daemon/dc-http-request.h"
#include "signaling/daemon/dc-json-split.h"

static DcHttpRequest *
parse (const char *head, guint *status)
{
  const char *why = NULL;
  DcHttpRequest *request = dc_http_request_parse (head, strlen (head), status, &why);

  if (!request)
    g_assert_true (g_str_has_suffix (why, "."));
  return request;
}

static void
test_http_good (void)
{
  guint status = 0;
  guint64 number = 0;
  g_autoptr (DcHttpRequest) request = parse ("GET http://host:80/a/b?after=7&wait=x&q HTTP/1.1\r\nHOST: host\r\n"
                                             "Connection: Keep-Alive,  UPGRADE \r\naccept: a\r\nAccept:b\r\n"
                                             "Authorization: BEARER  abc\r\nContent-Length: 12\r\n\r\n",
      &status);

  g_assert_nonnull (request);
  g_assert_cmpstr (request->method, ==, "GET");
  g_assert_cmpstr (request->path, ==, "/a/b");
  g_assert_cmpstr (request->query, ==, "after=7&wait=x&q");
  g_assert_cmpuint (request->minor, ==, 1);
  g_assert_cmpuint (request->content_length, ==, 12);
  g_assert_cmpstr (dc_http_request_get_header (request, "accept"), ==, "a, b");
  g_assert_cmpstr (dc_http_request_get_bearer (request), ==, "abc");
  g_assert_true (dc_http_request_has_token (request, "connection", "upgrade"));
  g_assert_false (dc_http_request_has_token (request, "connection", "close"));
  g_assert_true (dc_http_request_get_number (request, "after", 0, &number));
  g_assert_cmpuint (number, ==, 7);
  g_assert_false (dc_http_request_get_number (request, "wait", 0, &number));
  g_assert_true (dc_http_request_get_number (request, "other", 3, &number));
  g_assert_cmpuint (number, ==, 3);
}

static void
test_http_bad (void)
{
  static const struct {
    const char *head;
    guint status;
  } cases[] = {
      {"\r\n\r\n", 400},
      {"GET /\r\n\r\n", 400},
      {"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400},
      {"GET nowhere HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"G(T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost x\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\ry\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\ny: z\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n", 411},
      {"GET / HTTP/3.1\r\nHost: x\r\n\r\n", 505},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    guint status = 0;
    g_autoptr (DcHttpRequest) request = parse (cases[i].head, &status);
    g_assert_null (request);
    g_assert_cmpuint (status, ==, cases[i].status);
  }
  g_autoptr (GString) many = g_string_new ("GET / HTTP/1.1\r\nHost: x\r\n");
  for (guint i = 0; i < 100; i++)
    g_string_append_printf (many, "h%u: x\r\n", i);
  g_string_append (many, "\r\n");
  guint status = 0;
  g_assert_null (parse (many->str, &status));
  g_assert_cmpuint (status, ==, 431);
}

/* Any bytes: no crash, and what is accepted is whole. */
static void
test_http_mutations (void)
{
  static const char model[] = "POST /v1/peers?x=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: a, b\r\n\r\n";
  g_autoptr (GRand) random = g_rand_new_with_seed (7);

  for (guint i = 0; i < 20000; i++) {
    g_autofree char *head = g_strdup (model);
    const char *why = NULL;
    guint status = 0;
    guint64 number = 0;
    gsize length = strlen (model);
    for (guint j = 0; j < 3; j++)
      head[g_rand_int_range (random, 0, (gint32) length)] = (char) g_rand_int (random);
    dc_http_request_is_plausible (head, length);
    length = dc_http_request_find_end (head, length);
    if (length == 0)
      continue;
    /* A copy of just that length, so that the sanitizer sees one byte too many. */
    g_autofree char *exact = g_memdup2 (head, length);
    g_autoptr (DcHttpRequest) request = dc_http_request_parse (exact, length, &status, &why);
    if (!request) {
      g_assert_cmpuint (status, >=, 400);
      continue;
    }
    g_assert_true (request->path[0] == '/');
    dc_http_request_has_token (request, "connection", "upgrade");
    dc_http_request_get_number (request, "x", 0, &number);
  }
}

static void
test_plausible (void)
{
  g_assert_true (dc_http_request_is_plausible ("", 0));
  g_assert_true (dc_http_request_is_plausible ("GE", 2));
  g_assert_true (dc_http_request_is_plausible ("OPTIONS * HTTP", 14));
  g_assert_false (dc_http_request_is_plausible (" GET", 4));
  g_assert_false (dc_http_request_is_plausible ("\x16\x03\x01", 3));
  g_assert_false (dc_http_request_is_plausible ("AAAAAAAAAAAAAAAAAAAAAAA", 23));
}

static void
append_element (const char *text, gsize length, gpointer data)
{
  g_autofree char *element = g_strndup (text, length);

  g_string_append_printf (data, "<%s>", g_strstrip (element));
}

static void
test_json_split (void)
{
  static const struct {
    const char *text, *elements;
    gboolean whole;
  } cases[] = {
      {"{}", "<{}>", TRUE},
      {"", "<>", TRUE},
      {"[]", "", TRUE},
      {" [ ] ", "", TRUE},
      {"[1, {\"a\":[1,2],\"b\":\"],\\\"\"} ,\"x\"]", "<1><{\"a\":[1,2],\"b\":\"],\\\"\"}><\"x\">", TRUE},
      {"[1,]", "<1><>", TRUE},
      {"[1,2,3,4]", "<1><2><3>", FALSE},
      {"[1", "", FALSE},
      {"[\"", "", FALSE},
      {"[1]x", "<1>", FALSE},
      {"[[[[[", "", FALSE},
      {"[}]", "<}>", TRUE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GString) elements = g_string_new (NULL);
    gboolean whole = dc_json_split (cases[i].text, strlen (cases[i].text), 3, append_element, elements);
    g_assert_cmpstr (elements->str, ==, cases[i].elements);
    g_assert_cmpint (whole, ==, cases[i].whole);
  }
}

static void
test_frame_guard (void)
{
  DcFrameGuard guard;
  guint count = 0;

  dc_frame_guard_init (&guard, 100, 0);
  g_assert_cmpint (dc_frame_guard_incoming (&guard, 0x01, 60, 1), ==, DC_FRAME_OK);
  g_assert_cmpint (dc_frame_guard_incoming (&guard, 0x89, 60, 2), ==, DC_FRAME_OK);
  g_assert_cmpint (dc_frame_guard_incoming (&guard, 0x00, 40, 3), ==, DC_FRAME_OK);
  g_assert_cmpint (dc_frame_guard_incoming (&guard, 0x00, 1, 4), ==, DC_FRAME_TOO_LARGE);
  g_assert_cmpint (dc_frame_guard_incoming (&guard, 0x81, 100, 5), ==, DC_FRAME_OK);
  g_assert_cmpint (dc_frame_guard_incoming (&guard, 0x82, 1, 6), ==, DC_FRAME_BINARY);
  g_assert_cmpint (guard.last_heard, ==, 6);

  /* A thousand pings in no time are too many; in a hundred seconds they are not. */
  dc_frame_guard_init (&guard, 100, 0);
  while (count < 1000 && dc_frame_guard_incoming (&guard, 0x89, 0, 0) == DC_FRAME_OK)
    count++;
  g_assert_cmpuint (count, <, 1000);
  dc_frame_guard_init (&guard, 100, 0);
  for (gint64 i = 0; i < 1000; i++)
    g_assert_cmpint (dc_frame_guard_incoming (&guard, 0x89, 0, i * 100000), ==, DC_FRAME_OK);
  /* Messages likewise. */
  for (count = 0; count < 100000 && dc_frame_guard_incoming (&guard, 0x81, 0, 100000000) == DC_FRAME_OK; count++)
    continue;
  g_assert_cmpuint (count, >, 1000);
  g_assert_cmpuint (count, <, 100000);

  dc_frame_guard_init (&guard, 100, 0);
  dc_frame_guard_outgoing (&guard, 125);
  dc_frame_guard_outgoing (&guard, 126);
  dc_frame_guard_outgoing (&guard, 65536);
  g_assert_cmpuint (guard.outgoing, ==, 127 + 130 + 65546);
}

static void
test_log_lines (void)
{
  static const struct {
    DcHubEvent event;
    const char *line;
  } cases[] = {
      {{.kind = DC_HUB_EVENT_REGISTERED, .room = "cam", .peer = "alice", .origin = "WebSocket 127.0.0.1:4711"},
          "room cam: alice joined (WebSocket 127.0.0.1:4711)"},
      {{.kind = DC_HUB_EVENT_RESUMED, .room = "cam", .peer = "alice", .origin = "WebSocket 127.0.0.1:4711"},
          "room cam: alice is back (WebSocket 127.0.0.1:4711)"},
      {{.kind = DC_HUB_EVENT_AWAY, .room = "cam", .peer = "alice"},
          "room cam: alice lost its connection and may come back"},
      {{.kind = DC_HUB_EVENT_LEFT, .room = "cam", .peer = "alice", .detail = "it\nsaid \x1b[31mbye"},
          "room cam: alice left: it?said ?[31mbye"},
      {{.kind = DC_HUB_EVENT_RELAYED,
           .room = "cam",
           .peer = "alice",
           .to = "bob",
           .type = DC_MESSAGE_END_OF_CANDIDATES},
          "room cam: alice -> bob: end-of-candidates"},
      {{.kind = DC_HUB_EVENT_REFUSED, .code = DC_CODE_BAD_ROOM, .detail = "\xff"},
          "somebody was refused: bad-room: \xef\xbf\xbd"},
      {{.kind = DC_HUB_EVENT_REFUSED, .room = "cam", .peer = "alice", .to = "bob", .code = DC_CODE_UNKNOWN_PEER},
          "room cam: alice -> bob was refused: unknown-peer"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *line = dc_daemon_format_hub_event (&cases[i].event);
    g_assert_cmpstr (line, ==, cases[i].line);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/daemon-units/http/good", test_http_good);
  g_test_add_func ("/daemon-units/http/bad", test_http_bad);
  g_test_add_func ("/daemon-units/http/mutations", test_http_mutations);
  g_test_add_func ("/daemon-units/http/plausible", test_plausible);
  g_test_add_func ("/daemon-units/json-split", test_json_split);
  g_test_add_func ("/daemon-units/frame-guard", test_frame_guard);
  g_test_add_func ("/daemon-units/log-lines", test_log_lines);
  return g_test_run ();
}
