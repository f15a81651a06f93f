/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-proxy.h: which proxy leads to a server, and how to get through it. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* For SoupSession and GSocketClient: what is behind an HTTP proxy is reached by CONNECT, whatever is spoken there.
 * @url: (nullable): the proxy for everything, [http://|https://|socks5://][USER:PASSWORD@]HOST:PORT, without a scheme http://; NULL: what the
 * environment says (https_proxy, http_proxy, no_proxy). DC_SIGNALING_ERROR_INVALID with a sentence that does not show the password. */
GProxyResolver *dc_proxy_resolver_new (const char *url, GError **error);
/* Whether what was looked up last is reached through a proxy. @resolver: one of those above */
gboolean dc_proxy_resolver_leads_through (GProxyResolver *resolver);

G_END_DECLS
