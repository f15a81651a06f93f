/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-backoff.c: the sans-IO parts of the signaling client: backoff, URL, outbox. */
#include "signaling/client/dc-backoff.h"
#include "signaling/client/dc-outbox.h"
#include "signaling/client/dc-signaling-uri.h"
#include "signaling/protocol/dc-signaling-error.h"
#include <string.h>

/* ---- Backoff ---- */

static void
test_backoff_range (void)
{
  static const guint limits[] = {250, 500, 1000, 2000, 4000, 8000, 10000, 10000};
  DcBackoff low, high;

  dc_backoff_init (&low, DC_BACKOFF_BASE_MS, DC_BACKOFF_CAP_MS);
  dc_backoff_init (&high, DC_BACKOFF_BASE_MS, DC_BACKOFF_CAP_MS);
  for (guint i = 0; i < G_N_ELEMENTS (limits); i++) {
    g_assert_cmpuint (dc_backoff_get_limit (&low), ==, limits[i]);
    g_assert_cmpuint (dc_backoff_next (&low, 0), ==, 0);
    g_assert_cmpuint (dc_backoff_next (&high, G_MAXUINT32), ==, limits[i]);
  }
}

static void
test_backoff_spread (void)
{
  guint buckets[4] = {0};

  for (guint i = 0; i < 1000; i++) {
    DcBackoff backoff;
    dc_backoff_init (&backoff, 400, 10000);
    guint wait = dc_backoff_next (&backoff, i * (G_MAXUINT32 / 1000));
    buckets[MIN (wait / 100, 3)]++;
  }
  for (guint i = 0; i < G_N_ELEMENTS (buckets); i++)
    g_assert_cmpuint (buckets[i], >=, 240);
}

static void
test_backoff_reset (void)
{
  DcBackoff backoff;

  dc_backoff_init (&backoff, 100, 1000);
  for (guint i = 0; i < 100; i++)
    g_assert_cmpuint (dc_backoff_next (&backoff, G_MAXUINT32), <=, 1000);
  g_assert_cmpuint (dc_backoff_get_limit (&backoff), ==, 1000);
  dc_backoff_reset (&backoff);
  g_assert_cmpuint (dc_backoff_next (&backoff, G_MAXUINT32), ==, 100);
}

/* However long it goes on and however large the base: no overflow. */
static void
test_backoff_extremes (void)
{
  DcBackoff backoff = {.base_ms = G_MAXUINT, .cap_ms = G_MAXUINT, .attempt = G_MAXUINT};

  g_assert_cmpuint (dc_backoff_next (&backoff, G_MAXUINT32), ==, G_MAXUINT);
  g_assert_cmpuint (backoff.attempt, ==, G_MAXUINT);
  backoff.base_ms = 0;
  g_assert_cmpuint (dc_backoff_next (&backoff, G_MAXUINT32), ==, 0);
}

/* ---- URL ---- */

static void
test_uri_good (void)
{
  static const struct {
    const char *text, *ws, *http;
  } cases[] = {
      {"ws://example.org", "ws://example.org", "http://example.org"},
      {"wss://example.org", "wss://example.org", "https://example.org"},
      {"ws://example.org:80/", "ws://example.org", "http://example.org"},
      {"wss://example.org:8443", "wss://example.org:8443", "https://example.org:8443"},
      {"http://example.org/signal/", "ws://example.org/signal", "http://example.org/signal"},
      {"HTTPS://Example.org:444/a/b//", "wss://example.org:444/a/b", "https://example.org:444/a/b"},
      {"localhost", "ws://localhost:8443", "http://localhost:8443"},
      {"localhost:9000", "ws://localhost:9000", "http://localhost:9000"},
      {"10.0.0.1:80/x", "ws://10.0.0.1/x", "http://10.0.0.1/x"},
      {"  my_host.local \r\n", "ws://my_host.local:8443", "http://my_host.local:8443"},
      {"::1", "ws://[::1]:8443", "http://[::1]:8443"},
      {"[::1]", "ws://[::1]:8443", "http://[::1]:8443"},
      {"[2001:db8::7]:9000/p", "ws://[2001:db8::7]:9000/p", "http://[2001:db8::7]:9000/p"},
      {"wss://[2001:DB8::7]", "wss://[2001:db8::7]", "https://[2001:db8::7]"},
      {"ws://b\xc3\xbc"
       "cher.example/\xc3\xbc",
          "ws://xn--bcher-kva.example/%C3%BC", "http://xn--bcher-kva.example/%C3%BC"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (DcSignalingUri) uri = dc_signaling_uri_parse (cases[i].text, &error);
    g_assert_no_error (error);
    g_autofree char *ws = dc_signaling_uri_build (uri, FALSE, "");
    g_autofree char *http = dc_signaling_uri_build (uri, TRUE, "");
    g_autofree char *path = dc_signaling_uri_build (uri, TRUE, "/v1/peers");
    g_assert_cmpstr (ws, ==, cases[i].ws);
    g_assert_cmpstr (http, ==, cases[i].http);
    g_assert_true (g_str_has_prefix (path, http) && g_str_has_suffix (path, "/v1/peers"));
    g_assert_true (uri->http == (g_ascii_strncasecmp (cases[i].text, "http", 4) == 0));
  }
}

static void
test_uri_bad (void)
{
  static const struct {
    const char *text, *says;
  } cases[] = {
      {NULL, "is empty"},
      {"", "is empty"},
      {" \t", "is empty"},
      {"ftp://host", "begins with \"ftp://\"; use ws://"},
      {"://host", "use ws://"},
      {"ws://", "names no host"},
      {"ws:///path", "names no host"},
      {"ws://:8443", "names no host"},
      {":8443", "names no host"},
      {"ws://host:", "has the port \"\""},
      {"ws://host:0", "has the port \"0\""},
      {"ws://host:65536", "has the port \"65536\""},
      {"host:http", "has the port \"http\""},
      {"host:-1", "has the port \"-1\""},
      {"ws://user:secret@host", "user or password"},
      {"ws://host/?room=a", "\"?\" or \"#\""},
      {"ws://host#a", "\"?\" or \"#\""},
      {"ws://[::1", "not closed"},
      {"ws://[::1]8443", "not closed"},
      {"ws://[host]:1", "no IPv6 address"},
      {"1:2:3", "no IPv6 address"},
      {"ws://ho st", "space"},
      {"ws://host\x01", "unprintable"},
      {"ws://host\xff", "unprintable"},
      {"ws://ho$t", "neither a name nor an address"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (dc_signaling_uri_parse (cases[i].text, &error));
    g_assert_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_INVALID);
    g_test_message ("%s", error->message);
    g_assert_nonnull (strstr (error->message, cases[i].says));
    g_assert_null (strpbrk (error->message, "\x01\xff"));
  }
}

/* ---- Outbox ---- */

static void
push (DcOutbox *outbox, const char *to)
{
  DcMessage *message = dc_message_new (DC_MESSAGE_END_OF_CANDIDATES);

  message->to = g_strdup (to);
  g_free (dc_outbox_push (outbox, message));
}

static void
append_cb (const char *text, gpointer user_data)
{
  g_autoptr (DcMessage) message = dc_message_new_from_json (text, -1, NULL);

  g_string_append_printf (user_data, "%s%" G_GUINT64_FORMAT " ", message->to, message->seq);
}

static void
assert_outbox (DcOutbox *outbox, const char *expected)
{
  g_autoptr (GString) content = g_string_new (NULL);

  dc_outbox_foreach (outbox, append_cb, content);
  g_assert_cmpstr (content->str, ==, expected);
}

static void
test_outbox_numbers (void)
{
  g_autoptr (DcOutbox) outbox = dc_outbox_new ();

  push (outbox, "a");
  push (outbox, "b");
  push (outbox, "c");
  push (outbox, "d");
  assert_outbox (outbox, "a1 b2 c3 d4 ");
  dc_outbox_remove (outbox, 3);
  dc_outbox_remove (outbox, 77);
  assert_outbox (outbox, "a1 b2 d4 ");
  dc_outbox_acknowledge (outbox, 1);
  assert_outbox (outbox, "b2 d4 ");
  dc_outbox_renumber (outbox);
  push (outbox, "e");
  assert_outbox (outbox, "b1 d2 e3 ");
  dc_outbox_acknowledge (outbox, 100);
  assert_outbox (outbox, "");
  g_assert_cmpuint (dc_outbox_get_length (outbox), ==, 0);
  push (outbox, "f");
  assert_outbox (outbox, "f4 ");
}

static void
test_outbox_bounds (void)
{
  g_autoptr (DcOutbox) outbox = dc_outbox_new ();
  guint count = 0;

  for (; !dc_outbox_is_full (outbox, 64); count++)
    push (outbox, "a");
  g_assert_cmpuint (count, ==, DC_OUTBOX_MAX_MESSAGES);
  dc_outbox_acknowledge (outbox, 1);
  g_assert_false (dc_outbox_is_full (outbox, 64));
  g_assert_true (dc_outbox_is_full (outbox, DC_OUTBOX_MAX_BYTES));
  g_assert_true (dc_outbox_is_full (outbox, G_MAXSIZE));
  dc_outbox_acknowledge (outbox, G_MAXUINT64);
  g_assert_false (dc_outbox_is_full (outbox, DC_OUTBOX_MAX_BYTES));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/backoff/range", test_backoff_range);
  g_test_add_func ("/backoff/spread", test_backoff_spread);
  g_test_add_func ("/backoff/reset", test_backoff_reset);
  g_test_add_func ("/backoff/extremes", test_backoff_extremes);
  g_test_add_func ("/signaling-uri/good", test_uri_good);
  g_test_add_func ("/signaling-uri/bad", test_uri_bad);
  g_test_add_func ("/outbox/numbers", test_outbox_numbers);
  g_test_add_func ("/outbox/bounds", test_outbox_bounds);
  return g_test_run ();
}
