/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-proxy.c: which proxy leads to a server, and how to get through it.
 *
 * libsoup hands what is not encrypted to an HTTP proxy as a request for the proxy (RFC 9112, section 3.2.2). A WebSocket does not get through like
 * that (RFC 6455, section 4.1, wants CONNECT), and proxies that close the connection as they ask for a password lose the request's body. GIO's
 * own way through an HTTP proxy is right for all of it: CONNECT (RFC 9110, section 9.3.6), with the password at once. libsoup leaves to GIO what
 * is not called "http": so here it is called otherwise, by a resolver that asks another one. */
#include "signaling/client/dc-proxy.h"

#include <string.h>

#include "signaling/protocol/dc-signaling-error.h"

/* What "http" is called by the resolver. */
#define PROTOCOL "datachannel-connect"

/* --- Getting through ------------------------------------------------------------------------------------------------------------ */

#define DC_TYPE_CONNECT_PROXY (dc_connect_proxy_get_type ())
G_DECLARE_FINAL_TYPE (DcConnectProxy, dc_connect_proxy, DC, CONNECT_PROXY, GObject)

struct _DcConnectProxy {
  GObject parent_instance;
  GProxy *http; /* GIO's */
};

static void dc_connect_proxy_iface_init (GProxyInterface *iface);
G_DEFINE_TYPE_WITH_CODE (DcConnectProxy, dc_connect_proxy, G_TYPE_OBJECT,
    G_IMPLEMENT_INTERFACE (G_TYPE_PROXY, dc_connect_proxy_iface_init)
        g_io_extension_point_implement (G_PROXY_EXTENSION_POINT_NAME, g_define_type_id, PROTOCOL, 0))

static GIOStream *
connect_through (GProxy *proxy, GIOStream *stream, GProxyAddress *address, GCancellable *cancellable, GError **error)
{
  return g_proxy_connect (DC_CONNECT_PROXY (proxy)->http, stream, address, cancellable, error);
}

static void
on_connected (GObject *http, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  GIOStream *stream = g_proxy_connect_finish (G_PROXY (http), result, &error);

  if (stream != NULL)
    g_task_return_pointer (task, stream, g_object_unref);
  else
    g_task_return_error (task, error);
}

static void
connect_through_async (GProxy *proxy, GIOStream *stream, GProxyAddress *address, GCancellable *cancellable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (proxy, cancellable, callback, user_data);

  g_proxy_connect_async (DC_CONNECT_PROXY (proxy)->http, stream, address, cancellable, on_connected, task);
}

static GIOStream *
connect_through_finish (GProxy *proxy, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static gboolean
supports_hostname (GProxy *proxy)
{
  return g_proxy_supports_hostname (DC_CONNECT_PROXY (proxy)->http);
}

static void
dc_connect_proxy_iface_init (GProxyInterface *iface)
{
  iface->connect = connect_through;
  iface->connect_async = connect_through_async;
  iface->connect_finish = connect_through_finish;
  iface->supports_hostname = supports_hostname;
}

static void
dc_connect_proxy_init (DcConnectProxy *self)
{
  self->http = g_proxy_get_default_for_protocol ("http");
}

static void
dc_connect_proxy_finalize (GObject *object)
{
  g_clear_object (&DC_CONNECT_PROXY (object)->http);
  G_OBJECT_CLASS (dc_connect_proxy_parent_class)->finalize (object);
}

static void
dc_connect_proxy_class_init (DcConnectProxyClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = dc_connect_proxy_finalize;
}

/* --- Which one ------------------------------------------------------------------------------------------------------------------ */

#define DC_TYPE_PROXY_RESOLVER (dc_proxy_resolver_get_type ())
G_DECLARE_FINAL_TYPE (DcProxyResolver, dc_proxy_resolver, DC, PROXY_RESOLVER, GObject)

struct _DcProxyResolver {
  GObject parent_instance;
  GProxyResolver *inner;
  gint leads_through; /* atomic: what was looked up last is behind a proxy */
};

static void dc_proxy_resolver_iface_init (GProxyResolverInterface *iface);
G_DEFINE_TYPE_WITH_CODE (DcProxyResolver, dc_proxy_resolver, G_TYPE_OBJECT,
    G_IMPLEMENT_INTERFACE (G_TYPE_PROXY_RESOLVER, dc_proxy_resolver_iface_init))

/* The environment has no variable for WebSockets, which are HTTP to begin with. */
static char *
get_http_uri (const char *uri)
{
  if (g_str_has_prefix (uri, "ws:"))
    return g_strconcat ("http:", uri + strlen ("ws:"), NULL);
  if (g_str_has_prefix (uri, "wss:"))
    return g_strconcat ("https:", uri + strlen ("wss:"), NULL);
  return g_strdup (uri);
}

/* As GIO can read it; what it cannot, it shows in a warning, with the password. Only what is no proxy's at all is NULL. (transfer full) (nullable) */
static char *
get_proxy_url (const char *text)
{
  g_autofree char *url = strstr (text, "://") != NULL ? g_strdup (text) : g_strconcat ("http://", text, NULL);
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_HAS_PASSWORD, NULL);

  return uri != NULL ? g_strconcat (g_uri_get_scheme (uri), strchr (url, ':'), NULL) : NULL;
}

/* @found: (transfer full) (nullable): with @error. (transfer full) (nullable) */
static char **
use_all (DcProxyResolver *self, char **found, GError **error)
{
  g_auto (GStrv) proxies = found;
  g_autoptr (GStrvBuilder) usable = g_strv_builder_new ();
  gboolean some = FALSE, leads_through = FALSE;

  for (guint i = 0; proxies != NULL && proxies[i] != NULL; i++) {
    g_autofree char *url = get_proxy_url (proxies[i]);
    gboolean http = url != NULL && g_str_has_prefix (url, "http:");
    g_autofree char *renamed = http ? g_strconcat (PROTOCOL, url + strlen ("http"), NULL) : g_steal_pointer (&url);
    if (renamed == NULL)
      continue;
    g_strv_builder_add (usable, renamed);
    some = TRUE;
    leads_through |= !g_str_has_prefix (renamed, "direct:");
  }
  g_atomic_int_set (&self->leads_through, leads_through || !some);
  if (!some && proxies != NULL)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PROXY_FAILED, "its URL cannot be understood");
  return some ? g_strv_builder_end (usable) : NULL;
}

static gboolean
is_supported (GProxyResolver *resolver)
{
  return g_proxy_resolver_is_supported (DC_PROXY_RESOLVER (resolver)->inner);
}

static char **
lookup (GProxyResolver *resolver, const char *uri, GCancellable *cancellable, GError **error)
{
  DcProxyResolver *self = DC_PROXY_RESOLVER (resolver);
  g_autofree char *http_uri = get_http_uri (uri);

  return use_all (self, g_proxy_resolver_lookup (self->inner, http_uri, cancellable, error), error);
}

static void
on_looked_up (GObject *inner, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  char **found = g_proxy_resolver_lookup_finish (G_PROXY_RESOLVER (inner), result, &error);
  char **proxies = use_all (g_task_get_source_object (task), found, &error);

  if (proxies != NULL)
    g_task_return_pointer (task, proxies, (GDestroyNotify) g_strfreev);
  else
    g_task_return_error (task, error);
}

static void
lookup_async (GProxyResolver *resolver, const char *uri, GCancellable *cancellable, GAsyncReadyCallback callback,
    gpointer user_data)
{
  g_autofree char *http_uri = get_http_uri (uri);
  GTask *task = g_task_new (resolver, cancellable, callback, user_data);

  g_proxy_resolver_lookup_async (DC_PROXY_RESOLVER (resolver)->inner, http_uri, cancellable, on_looked_up, task);
}

static char **
lookup_finish (GProxyResolver *resolver, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
dc_proxy_resolver_iface_init (GProxyResolverInterface *iface)
{
  iface->is_supported = is_supported;
  iface->lookup = lookup;
  iface->lookup_async = lookup_async;
  iface->lookup_finish = lookup_finish;
}

static void
dc_proxy_resolver_init (DcProxyResolver *self)
{
}

static void
dc_proxy_resolver_finalize (GObject *object)
{
  g_clear_object (&DC_PROXY_RESOLVER (object)->inner);
  G_OBJECT_CLASS (dc_proxy_resolver_parent_class)->finalize (object);
}

static void
dc_proxy_resolver_class_init (DcProxyResolverClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = dc_proxy_resolver_finalize;
}

gboolean
dc_proxy_resolver_leads_through (GProxyResolver *resolver)
{
  return g_atomic_int_get (&DC_PROXY_RESOLVER (resolver)->leads_through);
}

/* --- What a user says ------------------------------------------------------------------------------------------------------------ */

/* Without what may be a password, quoted. */
static char *
quote_proxy (const char *text)
{
  const char *at = strrchr (text, '@');
  g_autofree char *public = at != NULL ? g_strconcat ("...", at, NULL) : g_strdup (text);

  return dc_signaling_quote (public);
}

static gboolean
is_proxy (GUri *uri)
{
  static const char *const schemes[] = {"http", "https", "socks5", NULL};
  const char *host = g_uri_get_host (uri), *path = g_uri_get_path (uri);

  return g_strv_contains (schemes, g_uri_get_scheme (uri)) && host != NULL && *host != '\0' && g_uri_get_port (uri) > 0
         && (*path == '\0' || g_str_equal (path, "/"));
}

static GProxyResolver *
parse_proxy (const char *text, GError **error)
{
  g_autofree char *url = get_proxy_url (text);
  g_autoptr (GUri) uri = url != NULL ? g_uri_parse (url, G_URI_FLAGS_HAS_PASSWORD, NULL) : NULL;

  if (uri == NULL || !is_proxy (uri)) {
    g_autofree char *quoted = quote_proxy (text);
    g_set_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_INVALID,
        "the proxy %s cannot be used; write it like http://user:password@proxy.example:3128 (or https://, socks5://), "
        "with "
        "\"%%25\" for \"%%\" and \"%%40\" for \"@\" in the password",
        quoted);
    return NULL;
  }
  return g_simple_proxy_resolver_new (url, NULL);
}

/**
 * dc_proxy_resolver_new:
 * @url: (nullable): see the header
 * @error: DC_SIGNALING_ERROR_INVALID with a sentence
 *
 * Returns: (transfer full) (nullable): the resolver
 */
GProxyResolver *
dc_proxy_resolver_new (const char *url, GError **error)
{
  /* It has GIO register its extension points, too. */
  GProxyResolver *system = g_proxy_resolver_get_default ();
  GProxyResolver *inner = url != NULL ? parse_proxy (url, error) : g_object_ref (system);
  DcProxyResolver *self;

  if (inner == NULL)
    return NULL;
  g_type_ensure (DC_TYPE_CONNECT_PROXY);
  self = g_object_new (DC_TYPE_PROXY_RESOLVER, NULL);
  self->inner = inner;
  return G_PROXY_RESOLVER (self);
}
