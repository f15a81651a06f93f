/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-daemon-config.c: the daemon's options, from the command line or a key file. */
#include <string.h>

#include "signaling/daemon/dc-daemon-config.h"
#include "signaling/daemon/dc-listener.h"
#include "signaling/protocol/dc-ice-server.h"
#include "signaling/protocol/dc-signaling-error.h"

#define GROUP "dcsignald"

void
dc_daemon_config_init (DcDaemonConfig *config)
{
  *config = (DcDaemonConfig){.log = DC_DAEMON_LOG_TEXT};
}

void
dc_daemon_config_clear (DcDaemonConfig *config)
{
  g_strfreev (config->listen);
  g_free (config->tls_cert);
  g_free (config->tls_key);
  g_clear_pointer (&config->ice_servers, g_ptr_array_unref);
  g_clear_pointer (&config->hub.ice_servers, json_node_unref);
  dc_daemon_config_init (config);
}

void
dc_daemon_config_copy (const DcDaemonConfig *config, DcDaemonConfig *copy)
{
  *copy = *config;
  copy->listen = g_strdupv (config->listen);
  copy->tls_cert = g_strdup (config->tls_cert);
  copy->tls_key = g_strdup (config->tls_key);
  copy->ice_servers = config->ice_servers ? g_ptr_array_ref (config->ice_servers) : NULL;
  copy->hub.ice_servers = config->hub.ice_servers ? json_node_ref (config->hub.ice_servers) : NULL;
}

static gboolean
add_listen (DcDaemonConfig *config, const char *address, GError **error)
{
  g_autofree char *host = NULL;
  guint16 port = 0;

  if (!dc_listener_parse_address (address, &host, &port, error))
    return FALSE;
  guint count = config->listen ? g_strv_length (config->listen) : 0;
  config->listen = g_renew (char *, config->listen, count + 2);
  config->listen[count] = g_strdup (address);
  config->listen[count + 1] = NULL;
  return TRUE;
}

static gboolean
set_listen (DcDaemonConfig *config, const char *value, GError **error)
{
  return add_listen (config, value, error);
}

static gboolean
set_port (DcDaemonConfig *config, const char *value, GError **error)
{
  guint64 port = 0;

  if (!g_ascii_string_to_unsigned (value, 10, 0, 65535, &port, NULL)) {
    g_set_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_INVALID,
        "\"%s\" is no port; give a number from 0 to 65535.", value);
    return FALSE;
  }
  g_autofree char *all4 = g_strdup_printf ("0.0.0.0:%u", (guint) port);
  g_autofree char *all6 = g_strdup_printf ("[::]:%u", (guint) port);
  return add_listen (config, all4, error) && add_listen (config, all6, error);
}

static gboolean
set_tls_cert (DcDaemonConfig *config, const char *value, GError **error)
{
  g_free (config->tls_cert);
  config->tls_cert = g_strdup (value);
  return TRUE;
}

static gboolean
set_tls_key (DcDaemonConfig *config, const char *value, GError **error)
{
  g_free (config->tls_key);
  config->tls_key = g_strdup (value);
  return TRUE;
}

static gboolean
add_ice_server (DcDaemonConfig *config, const char *value, DcIceServerKind kind, GError **error)
{
  g_autoptr (DcIceServer) server = dc_ice_server_parse (value, kind, error);

  if (!server)
    return FALSE;
  if (kind == DC_ICE_SERVER_TURN && (!server->username || !server->credential)) {
    g_set_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_INVALID,
        "No peer can use the TURN server %s:%u without a user name and a password; write it like "
        "turn://USER:PASSWORD@HOST:PORT.",
        server->host, server->port);
    return FALSE;
  }
  if (!config->ice_servers)
    config->ice_servers = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_ice_server_free);
  g_ptr_array_add (config->ice_servers, g_steal_pointer (&server));
  return TRUE;
}

static gboolean
add_stun_server (DcDaemonConfig *config, const char *value, GError **error)
{
  return add_ice_server (config, value, DC_ICE_SERVER_STUN, error);
}

static gboolean
add_turn_server (DcDaemonConfig *config, const char *value, GError **error)
{
  return add_ice_server (config, value, DC_ICE_SERVER_TURN, error);
}

static gboolean
set_log (DcDaemonConfig *config, const char *value, GError **error)
{
  if (g_str_equal (value, "text")) {
    config->log = DC_DAEMON_LOG_TEXT;
  } else if (g_str_equal (value, "json")) {
    config->log = DC_DAEMON_LOG_JSON;
  } else {
    g_set_error (
        error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_INVALID, "\"%s\" is no kind of log; give text or json.", value);
    return FALSE;
  }
  return TRUE;
}

/* The options that the command line and the key file share. */
static const struct {
  const char *name;
  gboolean (*set) (DcDaemonConfig *config, const char *value, GError **error);
  gboolean list; /* may be repeated; in the key file a list with semicolons */
} options[] = {
    {"listen", set_listen, TRUE},
    {"port", set_port, FALSE},
    {"tls-cert", set_tls_cert, FALSE},
    {"tls-key", set_tls_key, FALSE},
    {"stun-server", add_stun_server, TRUE},
    {"turn-server", add_turn_server, TRUE},
    {"log", set_log, FALSE},
};

static int
find_option (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    if (g_str_equal (options[i].name, name))
      return (int) i;
  return -1;
}

gboolean
dc_daemon_config_set (DcDaemonConfig *config, const char *name, const char *value, GError **error)
{
  int option = find_option (name);

  g_return_val_if_fail (option >= 0, FALSE);
  return options[option].set (config, value, error);
}

static gboolean
load_key (DcDaemonConfig *config, const char *path, GKeyFile *file, const char *key, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_auto (GStrv) values = NULL;
  int option = find_option (key);

  if (option < 0) {
    g_set_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_INVALID,
        "%s: there is no setting \"%s\"; the settings are the names of dcsignald's options.", path, key);
    return FALSE;
  }
  if (options[option].list) {
    values = g_key_file_get_string_list (file, GROUP, key, NULL, &local_error);
  } else {
    values = g_new0 (char *, 2);
    values[0] = g_key_file_get_string (file, GROUP, key, &local_error);
  }
  for (guint i = 0; !local_error && values[i]; i++) {
    g_strstrip (values[i]);
    options[option].set (config, values[i], &local_error);
  }
  if (!local_error)
    return TRUE;
  g_set_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_INVALID, "%s: %s: %s", path, key, local_error->message);
  return FALSE;
}

static gboolean
check_groups (const char *path, GKeyFile *file, GError **error)
{
  g_auto (GStrv) groups = g_key_file_get_groups (file, NULL);

  for (guint i = 0; groups[i]; i++) {
    if (g_str_equal (groups[i], GROUP))
      continue;
    g_set_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_INVALID,
        "%s: there is no group [%s]; all settings stand under [" GROUP "].", path, groups[i]);
    return FALSE;
  }
  return TRUE;
}

gboolean
dc_daemon_config_load (DcDaemonConfig *config, const char *path, GHashTable *but, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GError) local_error = NULL;

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, &local_error)) {
    g_set_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_INVALID, "Cannot read the configuration file %s: %s",
        path, local_error->message);
    return FALSE;
  }
  if (!check_groups (path, file, error))
    return FALSE;
  g_auto (GStrv) keys = g_key_file_get_keys (file, GROUP, NULL, NULL);
  for (guint i = 0; keys && keys[i]; i++)
    if (!(but && g_hash_table_contains (but, keys[i])) && !load_key (config, path, file, keys[i], error))
      return FALSE;
  return TRUE;
}
