/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-signaling-setup.c: checks what a client is told to do. */
#include "signaling/client/dc-signaling-setup.h"

#include "signaling/client/dc-proxy.h"
#include "signaling/client/dc-trust.h"

#define ATTEMPT_TIMEOUT_MS 10000
#define KEEPALIVE_SECONDS 20

static gboolean invalid (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
invalid (GError **error, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  if (error != NULL)
    *error = g_error_new_valist (DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_INVALID, format, args);
  va_end (args);
  return FALSE;
}

static gboolean
take_uri (DcSignalingSetup *self, const DcSignalingConfig *config, GError **error)
{
  if (g_str_equal (config->uri, DC_SIGNALING_MANUAL)) {
    self->choice = DC_SIGNALING_TRANSPORT_MANUAL;
    self->display_uri = g_strdup ("copy and paste");
    return TRUE;
  }
  self->uri = dc_signaling_uri_parse (config->uri, error);
  if (self->uri == NULL)
    return FALSE;
  self->choice = config->transport;
  if (self->choice == DC_SIGNALING_TRANSPORT_AUTO && self->uri->http)
    self->choice = DC_SIGNALING_TRANSPORT_POLLING;
  self->display_uri = dc_signaling_uri_build (self->uri, self->choice == DC_SIGNALING_TRANSPORT_POLLING, "");
  return TRUE;
}

static gboolean
take_names (DcSignalingSetup *self, const DcSignalingConfig *config, GError **error)
{
  const char *rule = "1 to 64 letters, digits, dots, dashes and underscores, not beginning with a dot or a dash";

  if (config->room == NULL || !dc_name_is_valid (config->room)) {
    g_autofree char *quoted = dc_signaling_quote (config->room != NULL ? config->room : "");
    return invalid (error, "the room %s is no name; a name is %s", quoted, rule);
  }
  if (config->id != NULL && !dc_name_is_valid (config->id)) {
    g_autofree char *quoted = dc_signaling_quote (config->id);
    return invalid (error, "the id %s is no name; a name is %s", quoted, rule);
  }
  if (config->meta != NULL && !JSON_NODE_HOLDS_OBJECT (config->meta))
    return invalid (error, "the meta of a peer is a JSON object");
  self->room = g_strdup (config->room);
  self->id = g_strdup (config->id);
  self->meta = config->meta != NULL ? json_node_copy (config->meta) : NULL;
  self->token = g_strdup (config->token);
  return TRUE;
}

static gboolean
take_way (DcSignalingSetup *self, const DcSignalingConfig *config, GError **error)
{
  if (config->tls_ca != NULL)
    self->tls_database = dc_trust_load (config->tls_ca, error);
  if (config->tls_ca != NULL && self->tls_database == NULL)
    return FALSE;
  self->proxy = dc_proxy_resolver_new (config->proxy, error);
  return self->proxy != NULL;
}

DcSignalingSetup *
dc_signaling_setup_new (const DcSignalingConfig *config, GError **error)
{
  g_autoptr (DcSignalingSetup) self = g_new0 (DcSignalingSetup, 1);

  if (!take_uri (self, config, error) || !take_names (self, config, error) || !take_way (self, config, error))
    return NULL;
  self->attempt_timeout_ms = config->attempt_timeout_ms > 0 ? config->attempt_timeout_ms : ATTEMPT_TIMEOUT_MS;
  self->keepalive = config->keepalive > 0 ? config->keepalive : KEEPALIVE_SECONDS;
  return g_steal_pointer (&self);
}

void
dc_signaling_setup_free (DcSignalingSetup *self)
{
  g_clear_pointer (&self->uri, dc_signaling_uri_free);
  g_free (self->display_uri);
  g_free (self->room);
  g_free (self->id);
  g_clear_pointer (&self->meta, json_node_unref);
  g_free (self->token);
  g_clear_object (&self->tls_database);
  g_clear_object (&self->proxy);
  g_free (self);
}
