/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-tls-identity.c: the server's certificate and key, read and tried. */
#include "signaling/daemon/dc-tls-identity.h"

#include <sys/socket.h>

#include "signaling/protocol/dc-signaling-error.h"

typedef struct {
  guint pending; /* handshakes */
  gboolean failed;
} Trial;

static gboolean fail (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
fail (GError **error, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_autofree char *text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error_literal (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_INVALID, text);
  return FALSE;
}

static GIOStream *
stream_from_fd (int fd)
{
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, NULL);

  return socket ? G_IO_STREAM (g_socket_connection_factory_create_connection (socket)) : NULL;
}

static gboolean
accept_any_cb (GTlsConnection *connection, GTlsCertificate *certificate, GTlsCertificateFlags errors, gpointer data)
{
  return TRUE;
}

static void
handshake_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Trial *trial = data;

  trial->pending--;
  /* One that failed does not close; the other would wait for it. */
  if (!g_tls_connection_handshake_finish (G_TLS_CONNECTION (source), result, NULL)) {
    g_autoptr (GIOStream) base = NULL;
    g_object_get (source, "base-io-stream", &base, NULL);
    g_io_stream_close (base, NULL, NULL);
    trial->failed = TRUE;
  }
}

static gboolean
try_handshake (GTlsCertificate *certificate)
{
  int fds[2];
  Trial trial = {.pending = 2};

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
    return TRUE;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_main_context_push_thread_default (context);
  g_autoptr (GIOStream) near = stream_from_fd (fds[0]);
  g_autoptr (GIOStream) far = stream_from_fd (fds[1]);
  g_autoptr (GIOStream) server = g_tls_server_connection_new (near, certificate, NULL);
  g_autoptr (GIOStream) client = g_tls_client_connection_new (far, NULL, NULL);
  if (server && client) {
    g_signal_connect (client, "accept-certificate", G_CALLBACK (accept_any_cb), NULL);
    g_tls_connection_handshake_async (G_TLS_CONNECTION (server), G_PRIORITY_DEFAULT, NULL, handshake_cb, &trial);
    g_tls_connection_handshake_async (G_TLS_CONNECTION (client), G_PRIORITY_DEFAULT, NULL, handshake_cb, &trial);
    while (trial.pending > 0)
      g_main_context_iteration (context, TRUE);
  }
  g_io_stream_close (near, NULL, NULL);
  g_io_stream_close (far, NULL, NULL);
  g_main_context_pop_thread_default (context);
  return server && client && !trial.failed;
}

/* GIO's own message for a file that cannot be read would not say which of the two it was. */
static gboolean
check_readable (const char *what, const char *path, GError **error)
{
  g_autofree char *content = NULL;
  g_autoptr (GError) local_error = NULL;

  if (g_file_get_contents (path, &content, NULL, &local_error))
    return TRUE;
  return fail (error, "Cannot read the TLS %s: %s.", what, local_error->message);
}

GTlsCertificate *
dc_tls_identity_load (const char *cert, const char *key, GError **error)
{
  g_autoptr (GTlsCertificate) certificate = NULL;
  g_autoptr (GError) local_error = NULL;

  if (!cert || !key) {
    fail (error, "TLS needs both --tls-cert and --tls-key; --tls-%s is missing.", cert ? "key" : "cert");
    return NULL;
  }
  if (!check_readable ("certificate", cert, error) || !check_readable ("key", key, error))
    return NULL;
  if (!g_tls_backend_supports_tls (g_tls_backend_get_default ())) {
    fail (error, "GLib has no TLS here; install the package glib-networking.");
    return NULL;
  }
  certificate = g_tls_certificate_new_from_files (cert, key, &local_error);
  if (!certificate) {
    fail (error, "The TLS certificate %s and key %s cannot be used: %s.", cert, key, local_error->message);
    return NULL;
  }
  if (!try_handshake (certificate)) {
    fail (error, "The TLS key %s does not belong to the certificate %s.", key, cert);
    return NULL;
  }
  return g_steal_pointer (&certificate);
}
