/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-ice-settings.c: what the user says of how a peer looks for a path, read and checked. */
#include "plugins/peer/dc-ice-settings.h"

#include <net/if.h>

#include "plugins/peer/dc-error.h"
#include "signaling/protocol/dc-signaling-error.h"

void
dc_ice_settings_clear (DcIceSettings *settings)
{
  g_clear_pointer (&settings->stun_servers, g_free);
  g_clear_pointer (&settings->turn_servers, g_strfreev);
  g_clear_pointer (&settings->interfaces, g_free);
  g_clear_pointer (&settings->port_range, g_free);
  g_clear_pointer (&settings->tls_ca, g_free);
  g_clear_pointer (&settings->proxy, g_free);
}

GPtrArray *
dc_ice_settings_new_servers (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) dc_ice_server_free);
}

const char *
dc_ice_settings_object (const DcIceServer *server)
{
  if (server->kind == DC_ICE_SERVER_STUN)
    return NULL;
  if (server->username == NULL || server->credential == NULL)
    return "a TURN server needs a user name and a password: turn://USER:PASSWORD@HOST:PORT";
  return NULL;
}

static gboolean
add_server (GPtrArray *servers, const char *text, DcIceServerKind kind, GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (DcIceServer) server = dc_ice_server_parse (text, kind, &problem);
  const char *why = server != NULL ? dc_ice_settings_object (server) : problem->message;

  if (why != NULL) {
    g_autofree char *display = server != NULL ? dc_ice_server_to_display (server) : NULL;
    g_set_error (
        error, DC_ERROR, DC_ERROR_USAGE, "%s%s%s", display != NULL ? display : "", display != NULL ? ": " : "", why);
    return FALSE;
  }
  g_ptr_array_add (servers, g_steal_pointer (&server));
  return TRUE;
}

/* The words of a list whose separators are blanks and commas. (nullable) */
static GStrv
split_list (const char *text)
{
  g_auto (GStrv) parts = text != NULL ? g_strsplit_set (text, " \t\n,", -1) : NULL;
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();
  gboolean some = FALSE;

  for (guint i = 0; parts != NULL && parts[i] != NULL; i++) {
    if (*parts[i] == '\0')
      continue;
    g_strv_builder_add (words, parts[i]);
    some = TRUE;
  }
  return some ? g_strv_builder_end (words) : NULL;
}

gboolean
dc_ice_settings_add_servers (const DcIceSettings *settings, GPtrArray *servers, GError **error)
{
  g_auto (GStrv) stun_servers = split_list (settings->stun_servers);

  for (guint i = 0; stun_servers != NULL && stun_servers[i] != NULL; i++)
    if (!add_server (servers, stun_servers[i], DC_ICE_SERVER_STUN, error))
      return FALSE;
  for (guint i = 0; settings->turn_servers != NULL && settings->turn_servers[i] != NULL; i++)
    if (!add_server (servers, settings->turn_servers[i], DC_ICE_SERVER_TURN, error))
      return FALSE;
  return TRUE;
}

gboolean
dc_ice_settings_get_ports (const DcIceSettings *settings, guint16 *min_port, guint16 *max_port, GError **error)
{
  const char *text = settings->port_range;
  g_auto (GStrv) ends = text != NULL ? g_strsplit (text, "-", 2) : NULL;
  guint64 min, max;

  *min_port = *max_port = 0;
  if (text == NULL)
    return TRUE;
  if (g_strv_length (ends) == 2 && g_ascii_string_to_unsigned (ends[0], 10, 1, G_MAXUINT16, &min, NULL)
      && g_ascii_string_to_unsigned (ends[1], 10, min, G_MAXUINT16, &max, NULL)) {
    *min_port = (guint16) min;
    *max_port = (guint16) max;
    return TRUE;
  }
  g_autofree char *quoted = dc_signaling_quote (text);
  g_set_error (error, DC_ERROR, DC_ERROR_USAGE,
      "the port range %s is none; write the least and the greatest port, such as 50000-50100", quoted);
  return FALSE;
}

/* One that is there may still be without an address, such as that of a modem; but of a name that nobody knows nothing will come. */
gboolean
dc_ice_settings_get_interfaces (const DcIceSettings *settings, GStrv *interfaces, GError **error)
{
  g_auto (GStrv) names = split_list (settings->interfaces);
  gboolean known = settings->interfaces == NULL;

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    known = known || if_nametoindex (names[i]) != 0;
  if (known) {
    *interfaces = g_steal_pointer (&names);
    return TRUE;
  }
  g_autofree char *quoted = dc_signaling_quote (settings->interfaces);
  g_set_error (error, DC_ERROR, DC_ERROR_USAGE,
      "this machine has no network interface %s; \"ip addr\" shows what there is", quoted);
  return FALSE;
}
