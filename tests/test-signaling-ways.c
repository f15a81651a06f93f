/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-signaling-ways.c: how the signaling client finds its way to the real daemon: falling back to polling, and TLS. */
#include <glib/gstdio.h>
#include <string.h>

#include "tests/harness/dc-test-daemon.h"
#include "tests/harness/dc-test-pem.h"
#include "tests/harness/dc-test-proxy.h"
#include "tests/harness/dc-test-recorder.h"
#include "tests/harness/dc-test.h"

typedef struct {
  DcTestDaemon *daemon;
  char *url;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  dc_test_recorder_begin ();
  f->daemon = dc_test_daemon_new (NULL);
  f->url = g_strdup (dc_test_daemon_get_url (f->daemon));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  dc_test_daemon_free (f->daemon);
  g_free (f->url);
  dc_test_recorder_end ();
}

/* ---- Falling back to polling ---- */

static void
check_fallback (Fixture *f, const char *denial)
{
  g_autoptr (DcTestProxy) proxy = dc_test_proxy_new (dc_test_daemon_get_port (f->daemon));
  dc_test_proxy_set_deny_upgrade (proxy, denial);
  g_autofree char *url = dc_test_proxy_dup_url (proxy, "ws");
  g_autoptr (DcTestRecorder) client = dc_test_recorder_new_simple (url, "room", "a", DC_SIGNALING_TRANSPORT_AUTO);

  dc_test_recorder_wait (client->is_registered);
  g_assert_cmpuint (client->n_disconnected, ==, 0);
  g_assert_cmpstr (dc_signaling_client_get_transport_name (client->client), ==, "HTTP polling");
  /* That the upgrade does not work is remembered. */
  dc_test_proxy_set_deny_upgrade (proxy, NULL);
  dc_test_proxy_set_refuse (proxy, TRUE); /* or libsoup would just repeat the poll, unnoticed */
  dc_test_proxy_cut (proxy);
  dc_test_recorder_wait (client->n_disconnected == 1);
  dc_test_proxy_set_refuse (proxy, FALSE);
  dc_test_recorder_wait (client->n_resumed == 1);
  g_assert_cmpstr (dc_signaling_client_get_transport_name (client->client), ==, "HTTP polling");
}

static void
test_fallback (Fixture *f, gconstpointer data)
{
  check_fallback (f, "403 Forbidden");
  check_fallback (f, "400 Bad Request");
  check_fallback (f, "501 Not Implemented");
  check_fallback (f, "503 Service Unavailable");
  check_fallback (f, "200 OK");
  check_fallback (f, "");
}

static void
test_no_fallback (Fixture *f, gconstpointer data)
{
  g_autoptr (DcTestProxy) proxy = dc_test_proxy_new (dc_test_daemon_get_port (f->daemon));
  g_autofree char *url = dc_test_proxy_dup_url (proxy, "ws");

  dc_test_proxy_set_deny_upgrade (proxy, "403 Forbidden");
  g_autoptr (DcTestRecorder) refused = dc_test_recorder_new_simple (url, "room", "a", DC_SIGNALING_TRANSPORT_WEBSOCKET);
  dc_test_recorder_wait (refused->failed != NULL);
  dc_test_assert_says (refused->failed, DC_SIGNALING_ERROR_REFUSED, "HTTP 403 Forbidden at /v1/ws");

  dc_test_proxy_set_deny_upgrade (proxy, "503 Service Unavailable");
  g_autoptr (DcTestRecorder) busy = dc_test_recorder_new_simple (url, "room", "a", DC_SIGNALING_TRANSPORT_WEBSOCKET);
  dc_test_recorder_wait (busy->disconnected != NULL);
  dc_test_assert_says (busy->disconnected, DC_SIGNALING_ERROR_UNREACHABLE, "HTTP 503");
  dc_test_proxy_set_deny_upgrade (proxy, NULL);
  dc_test_recorder_wait (busy->is_registered);
}

static void
test_http_means_polling (Fixture *f, gconstpointer data)
{
  g_autofree char *url = g_strdup_printf ("http://127.0.0.1:%u/", dc_test_daemon_get_port (f->daemon));
  g_autoptr (DcTestRecorder) client = dc_test_recorder_new_simple (url, "room", "a", DC_SIGNALING_TRANSPORT_AUTO);

  dc_test_recorder_wait (client->is_registered);
  g_assert_cmpstr (dc_signaling_client_get_transport_name (client->client), ==, "HTTP polling");
}

static void
test_wrong_path (Fixture *f, gconstpointer data)
{
  g_autofree char *url = g_strconcat (f->url, "/elsewhere", NULL);
  g_autoptr (DcTestRecorder) client = dc_test_recorder_new_simple (url, "room", "a", DC_SIGNALING_TRANSPORT_AUTO);

  dc_test_recorder_wait (client->failed != NULL);
  dc_test_assert_says (client->failed, DC_SIGNALING_ERROR_REFUSED, "Nothing lives at this path");
}

/* ---- TLS ---- */

typedef struct {
  char *dir, *cert, *key, *other;
  DcTestDaemon *daemon;
  char *wss;
} TlsFixture;

static void
tls_set_up (TlsFixture *f, gconstpointer data)
{
  gboolean expired = GPOINTER_TO_INT (data);
  DcDaemonConfig config;

  dc_test_recorder_begin ();
  f->dir = g_dir_make_tmp ("dc-test-XXXXXX", NULL);
  f->cert = g_build_filename (f->dir, "cert.pem", NULL);
  f->key = g_build_filename (f->dir, "key.pem", NULL);
  f->other = g_build_filename (f->dir, "other.pem", NULL);
  g_file_set_contents (f->cert, expired ? dc_test_pem_expired_certificate : dc_test_pem_certificate, -1, NULL);
  g_file_set_contents (f->key, expired ? dc_test_pem_expired_key : dc_test_pem_key, -1, NULL);
  g_file_set_contents (f->other, expired ? dc_test_pem_certificate : dc_test_pem_expired_certificate, -1, NULL);
  dc_daemon_config_init (&config);
  config.tls_cert = g_strdup (f->cert);
  config.tls_key = g_strdup (f->key);
  f->daemon = dc_test_daemon_new (&config);
  dc_daemon_config_clear (&config);
  f->wss = g_strdup (dc_test_daemon_get_url (f->daemon));
  g_assert_true (g_str_has_prefix (f->wss, "wss://127.0.0.1:"));
}

static void
tls_tear_down (TlsFixture *f, gconstpointer data)
{
  const char *files[] = {f->cert, f->key, f->other};

  dc_test_daemon_free (f->daemon);
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    g_unlink (files[i]);
  g_rmdir (f->dir);
  g_free (f->cert);
  g_free (f->key);
  g_free (f->other);
  g_free (f->dir);
  g_free (f->wss);
  dc_test_recorder_end ();
}

static void
check_tls (const char *uri, const char *tls_ca, const char *failure)
{
  DcSignalingConfig config = {.uri = uri, .room = "room", .id = "a", .tls_ca = tls_ca};
  g_autoptr (DcTestRecorder) client = dc_test_recorder_new (&config);

  dc_test_recorder_wait (client->is_registered || client->failed != NULL);
  if (failure != NULL)
    dc_test_assert_says (client->failed, DC_SIGNALING_ERROR_REFUSED, failure);
  else
    g_assert_no_error (client->failed);
}

static void
test_tls (TlsFixture *f, gconstpointer data)
{
  g_autofree char *https = g_strconcat ("https", f->wss + strlen ("wss"), NULL);
  g_autofree char *named = g_strconcat ("wss://localhost", strrchr (f->wss, ':'), NULL);
  const char *unknown = "is not trusted (unknown CA); use --tls-ca";

  check_tls (f->wss, f->cert, NULL);
  check_tls (https, f->cert, NULL);
  check_tls (f->wss, NULL, unknown);
  check_tls (https, NULL, unknown);
  check_tls (f->wss, f->other, unknown);
  check_tls (named, f->cert, "made out for another host name");
}

static void
test_tls_expired (TlsFixture *f, gconstpointer data)
{
  check_tls (f->wss, f->cert, "out of date (expired)");
}

static void
test_tls_to_plain (Fixture *f, gconstpointer data)
{
  g_autofree char *wss = g_strconcat ("wss", f->url + strlen ("ws"), NULL);
  g_autoptr (DcTestRecorder) client = dc_test_recorder_new_simple (wss, "room", "a", DC_SIGNALING_TRANSPORT_AUTO);

  dc_test_recorder_wait (client->failed != NULL);
  dc_test_assert_says (client->failed, DC_SIGNALING_ERROR_REFUSED, "if it speaks none, use ws://");
}

#define ADD(name, func) g_test_add ("/signaling-ways/" name, Fixture, NULL, set_up, func, tear_down)
#define ADD_TLS(name, expired, func)                                                                                   \
  g_test_add ("/signaling-ways/" name, TlsFixture, GINT_TO_POINTER (expired), tls_set_up, func, tls_tear_down)

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  ADD ("fallback", test_fallback);
  ADD ("no-fallback", test_no_fallback);
  ADD ("http-means-polling", test_http_means_polling);
  ADD ("wrong-path", test_wrong_path);
  ADD ("tls-to-plain", test_tls_to_plain);
  ADD_TLS ("tls", FALSE, test_tls);
  ADD_TLS ("tls-expired", TRUE, test_tls_expired);
  return g_test_run ();
}
