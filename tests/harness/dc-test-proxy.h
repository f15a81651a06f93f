/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-proxy.h: a TCP forwarder that misbehaves on demand: the network between a client and a daemon. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Runs in a thread of its own. All functions may be called from any thread and have taken effect when they return. */
typedef struct _DcTestProxy DcTestProxy;

/* May change bytes of @data in place. On a connection that became a WebSocket it gets the payload of each frame from the server, whole;
 * before that and on others whatever bytes the server sent, as they come. In the proxy's thread. */
typedef void (*DcTestProxyFilter) (guint8 *data, gsize length, gpointer user_data);

/* Listens on 127.0.0.1 and forwards to @target_port there. */
DcTestProxy *dc_test_proxy_new (guint16 target_port);
void dc_test_proxy_free (DcTestProxy *proxy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcTestProxy, dc_test_proxy_free)

guint16 dc_test_proxy_get_port (DcTestProxy *proxy);
/* "ws://127.0.0.1:PORT", with any @scheme. (transfer full) */
char *dc_test_proxy_dup_url (DcTestProxy *proxy, const char *scheme);
/* Connections accepted so far. */
guint dc_test_proxy_get_accepted (DcTestProxy *proxy);

/* Closes every connection there is; new ones are welcome. */
void dc_test_proxy_cut (DcTestProxy *proxy);
/* TRUE: nobody listens at the port: "connection refused". Connections that stand go on. */
void dc_test_proxy_set_refuse (DcTestProxy *proxy, gboolean refuse);
/* TRUE: connections are accepted and kept, but nothing passes either way. FALSE: what was held back passes. */
void dc_test_proxy_set_frozen (DcTestProxy *proxy, gboolean frozen);
/* A request for a WebSocket is answered with this HTTP status line ("403 Forbidden"), or if it is "" with nothing but the end of the
 * connection; NULL: it passes. */
void dc_test_proxy_set_deny_upgrade (DcTestProxy *proxy, const char *status);
void dc_test_proxy_set_filter (DcTestProxy *proxy, DcTestProxyFilter filter, gpointer user_data);

G_END_DECLS
