/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-signaling-transport.c: what the transports share: lifetime, delivery, and errors as sentences. */
#include "signaling/client/dc-signaling-transport.h"

#include <string.h>

#include "signaling/client/dc-proxy.h"
#include "signaling/client/dc-trust.h"

/* Where a proxy comes from. */
#define PROXY_SETTINGS "--proxy, or the variables https_proxy and http_proxy"

/*
 * Lifetime: the client owns one reference and each pending asynchronous operation another. Losing or abandoning a transport clears
 * the callbacks and cancels the operations; their completions find nobody to tell and drop the last references. So
 * nothing reaches the client after it let go, whatever order libsoup completes things in.
 */

static SoupSession *
make_session (const DcTransportOptions *options)
{
  SoupSession *session = soup_session_new_with_options ("user-agent", "gst-datachannel/" DC_VERSION, NULL);

  /* We ask for no compressed answers: a small one could unpack to anything. */
  soup_session_remove_feature_by_type (session, SOUP_TYPE_CONTENT_DECODER);
  if (options->tls_database != NULL)
    soup_session_set_tls_database (session, options->tls_database);
  soup_session_set_proxy_resolver (session, options->proxy);
  return session;
}

void
dc_transport_init (DcTransport *transport, const DcTransportClass *klass, const DcTransportOptions *options,
    gboolean http, const DcTransportCallbacks *callbacks, gpointer user_data)
{
  transport->klass = klass;
  g_ref_count_init (&transport->refs);
  transport->callbacks = callbacks;
  transport->user_data = user_data;
  transport->context = g_main_context_ref (options->context);
  transport->cancellable = g_cancellable_new ();
  transport->keepalive = options->keepalive;
  transport->answer_timeout_ms = options->answer_timeout_ms;
  if (options->uri == NULL)
    return;
  transport->base = dc_signaling_uri_build (options->uri, http, "");
  transport->session = make_session (options);
}

DcTransport *
dc_transport_ref (DcTransport *transport)
{
  g_ref_count_inc (&transport->refs);
  return transport;
}

void
dc_transport_unref (DcTransport *transport)
{
  if (!g_ref_count_dec (&transport->refs))
    return;
  transport->klass->finalize (transport);
  g_clear_object (&transport->session);
  g_object_unref (transport->cancellable);
  g_main_context_unref (transport->context);
  g_free (transport->base);
  g_free (transport);
}

gboolean
dc_transport_is_live (const DcTransport *transport)
{
  return transport->callbacks != NULL;
}

void
dc_transport_open (DcTransport *transport, const char *hello)
{
  transport->klass->open (transport, hello);
}

void
dc_transport_send (DcTransport *transport, const char *text)
{
  if (dc_transport_is_live (transport))
    transport->klass->send (transport, text);
}

void
dc_transport_acknowledge (DcTransport *transport, guint64 seq)
{
  if (dc_transport_is_live (transport))
    transport->klass->acknowledge (transport, seq);
}

void
dc_transport_close (DcTransport *transport)
{
  if (dc_transport_is_live (transport))
    transport->klass->close (transport);
}

void
dc_transport_abandon (DcTransport *transport)
{
  transport->callbacks = NULL;
  transport->klass->abandon (transport);
  g_cancellable_cancel (transport->cancellable);
  dc_transport_unref (transport);
}

gboolean
dc_transport_deliver (DcTransport *transport, const char *text, gsize length)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcMessage) message = NULL;

  if (!dc_transport_is_live (transport))
    return FALSE;
  message = dc_message_new_from_json (text, length, &error);
  if (message == NULL) {
    g_autofree char *why = dc_transport_sanitize (error->message);
    dc_transport_lose_printf (transport, DC_TRANSPORT_LOSS_CONNECTION, DC_SIGNALING_ERROR_MESSAGE,
        "%s sent what is no message of ours: %s", transport->base, why);
    return FALSE;
  }
  transport->callbacks->message (message, transport->user_data);
  return dc_transport_is_live (transport);
}

void
dc_transport_lose (DcTransport *transport, DcTransportLoss loss, const GError *error)
{
  const DcTransportCallbacks *callbacks = g_steal_pointer (&transport->callbacks);

  if (callbacks != NULL)
    callbacks->lost (loss, error, transport->user_data);
}

void
dc_transport_lose_printf (DcTransport *transport, DcTransportLoss loss, DcSignalingError code, const char *format, ...)
{
  g_autoptr (GError) error = NULL;
  va_list args;

  va_start (args, format);
  error = g_error_new_valist (DC_SIGNALING_ERROR, code, format, args);
  va_end (args);
  dc_transport_lose (transport, loss, error);
}

DcSignalingError
dc_transport_judge_status (guint status)
{
  switch (status) {
    case SOUP_STATUS_REQUEST_TIMEOUT:
    case 429: /* Too Many Requests, which libsoup has no name for */
    case SOUP_STATUS_INTERNAL_SERVER_ERROR:
    case SOUP_STATUS_BAD_GATEWAY:
    case SOUP_STATUS_SERVICE_UNAVAILABLE:
    case SOUP_STATUS_GATEWAY_TIMEOUT:
      return DC_SIGNALING_ERROR_UNREACHABLE;
    default:
      return DC_SIGNALING_ERROR_REFUSED;
  }
}

static void
lose_certificate (DcTransport *transport, SoupMessage *msg)
{
  const char *why = dc_trust_judge_certificate (soup_message_get_tls_peer_certificate_errors (msg));

  dc_transport_lose_printf (transport, DC_TRANSPORT_LOSS_CONNECTION, DC_SIGNALING_ERROR_REFUSED,
      "the certificate of %s is %s", transport->base, why);
}

/* "Could not connect to 127.0.0.1: Connection refused" -> "Connection refused": the address is in our sentence already. */
static const char *
last_part (const char *text)
{
  const char *colon = g_strrstr (text, ": ");

  return colon != NULL && colon[2] != '\0' ? colon + 2 : text;
}

/* GnuTLS reports an answer in clear text as MISC; EOF is a lost connection. */
static gboolean
is_not_tls (const GError *error)
{
  return g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_NOT_TLS)
         || g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_MISC)
         || g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE);
}

static gboolean
is_proxys_refusal (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PROXY_AUTH_FAILED)
         || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PROXY_NEED_AUTH)
         || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PROXY_NOT_ALLOWED);
}

/* There is a proxy, and it was not got to, or it let nobody through. */
static gboolean
is_proxys_fault (DcTransport *transport, const GError *error)
{
  gboolean failed = error->domain == G_RESOLVER_ERROR || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PROXY_FAILED)
                    || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED)
                    || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE)
                    || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NETWORK_UNREACHABLE);

  return failed && dc_proxy_resolver_leads_through (soup_session_get_proxy_resolver (transport->session));
}

void
dc_transport_lose_io (DcTransport *transport, SoupMessage *msg, const GError *cause)
{
  g_autofree char *why = dc_transport_sanitize (last_part (cause->message));

  if (!dc_transport_is_live (transport))
    return;
  if (is_proxys_refusal (cause)) {
    dc_transport_lose_printf (transport, DC_TRANSPORT_LOSS_CONNECTION, DC_SIGNALING_ERROR_REFUSED,
        "the proxy does not let us through to %s: %s; check " PROXY_SETTINGS, transport->base, why);
  } else if (is_proxys_fault (transport, cause)) {
    g_autofree char *whole = dc_transport_sanitize (cause->message);
    dc_transport_lose_printf (transport, DC_TRANSPORT_LOSS_CONNECTION, DC_SIGNALING_ERROR_UNREACHABLE,
        "cannot reach %s through the proxy: %s; check " PROXY_SETTINGS, transport->base, whole);
  } else if (g_error_matches (cause, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND)) {
    dc_transport_lose_printf (transport, DC_TRANSPORT_LOSS_CONNECTION, DC_SIGNALING_ERROR_REFUSED,
        "cannot reach %s: there is no host of that name; check the signaling URL", transport->base);
  } else if (g_error_matches (cause, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE) && msg != NULL) {
    lose_certificate (transport, msg);
  } else if (cause->domain == SOUP_SESSION_ERROR) {
    dc_transport_lose_printf (transport, DC_TRANSPORT_LOSS_CONNECTION, DC_SIGNALING_ERROR_REFUSED,
        "what listens at %s does not speak HTTP; check the signaling URL", transport->base);
  } else if (is_not_tls (cause)) {
    dc_transport_lose_printf (transport, DC_TRANSPORT_LOSS_CONNECTION, DC_SIGNALING_ERROR_REFUSED,
        "no TLS with what listens at %s (%s); if it speaks none, use ws:// or http://", transport->base, why);
  } else if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED)) {
    dc_transport_lose_printf (transport, DC_TRANSPORT_LOSS_CONNECTION, DC_SIGNALING_ERROR_UNREACHABLE,
        "cannot reach %s: %s; is dcsignald running there?", transport->base, why);
  } else if (transport->hello_sent) {
    dc_transport_lose_printf (transport, DC_TRANSPORT_LOSS_CONNECTION, DC_SIGNALING_ERROR_UNREACHABLE,
        "the connection to %s is lost: %s", transport->base, why);
  } else {
    dc_transport_lose_printf (transport, DC_TRANSPORT_LOSS_CONNECTION, DC_SIGNALING_ERROR_UNREACHABLE,
        "cannot reach %s: %s", transport->base, why);
  }
}

GSource *
dc_transport_add_timeout (DcTransport *transport, guint milliseconds, GSourceFunc func)
{
  GSource *source = g_timeout_source_new (milliseconds);

  g_source_set_callback (source, func, transport, NULL);
  g_source_attach (source, transport->context);
  return source;
}

void
dc_transport_clear_source (GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

/* Other people's sentences become part of ours: without the full stop. */
static void
cut_full_stop (GString *text)
{
  if (text->len > 0 && text->str[text->len - 1] == '.')
    g_string_truncate (text, text->len - 1);
}

char *
dc_transport_sanitize (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text != NULL ? text : "", -1);
  g_autofree char *cut = g_utf8_substring (valid, 0, MIN (g_utf8_strlen (valid, -1), 200));
  GString *clean = g_string_new (NULL);

  for (const char *p = cut; *p != '\0'; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    g_string_append_unichar (clean, g_unichar_isprint (c) ? c : '?');
  }
  cut_full_stop (clean);
  return g_string_free (clean, FALSE);
}
