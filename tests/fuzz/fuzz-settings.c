/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-settings.c: any bytes as what a person sets: a .env file, a signaling URL, a STUN or TURN URL. */
#include <stddef.h>
#include <stdint.h>

#include "apps/dotenv.h"
#include "signaling/client/dc-signaling-uri.h"
#include "signaling/protocol/dc-ice-server.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
try_ice_server (const char *text, DcIceServerKind kind)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcIceServer) server = dc_ice_server_parse (text, kind, &error);
  g_autoptr (DcIceServer) again = NULL;
  g_autofree char *uri = NULL, *display = NULL;

  if (server == NULL) {
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
    return;
  }
  display = dc_ice_server_to_display (server);
  uri = dc_ice_server_to_gst_uri (server);
  again = dc_ice_server_parse (uri, kind, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (again->host, ==, server->host);
  g_assert_cmpuint (again->port, ==, server->port);
  g_assert_cmpstr (again->username, ==, server->username);
  g_assert_cmpstr (again->credential, ==, server->credential);
}

static void
try_uri (const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcSignalingUri) uri = dc_signaling_uri_parse (text, &error);
  g_autofree char *built = NULL;
  g_autoptr (DcSignalingUri) again = NULL;

  if (uri == NULL) {
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
    return;
  }
  built = dc_signaling_uri_build (uri, uri->http, "");
  again = dc_signaling_uri_parse (built, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (again->host, ==, uri->host);
  g_assert_cmpuint (again->port, ==, uri->port);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  /* An empty input may come without an address. */
  g_autofree char *text = g_strndup (size > 0 ? (const char *) data : "", size);
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) table = dc_dotenv_parse ((const char *) data, size, ".env", &error);

  if (table == NULL)
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
  try_uri (text);
  try_ice_server (text, DC_ICE_SERVER_STUN);
  try_ice_server (text, DC_ICE_SERVER_TURN);
  return 0;
}
