/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-network-watch.c: tells when the addresses of this machine have changed.
 *
 * The default GNetworkMonitor speaks in the main context in which somebody first asked for it, which may be one that nobody runs, and must not
 * be ours, which ends: so we make one of our own, of the kind that follows the kernel. It tells of every change of a route, often several
 * in a row; what is passed on are changes of the set of addresses. */
#include "plugins/peer/dc-network-watch.h"

#include <agent.h>
#include <interfaces.h>
#include <string.h>

struct _DcNetworkWatch {
  GNetworkMonitor *monitor; /* (nullable) */
  GList *addresses;         /* sorted */
  DcNetworkWatchFunc func;
  gpointer user_data;
};

static GList *
get_addresses (void)
{
  return g_list_sort (nice_interfaces_get_local_ips (TRUE), (GCompareFunc) strcmp);
}

static gboolean
are_equal (GList *a, GList *b)
{
  while (a != NULL && b != NULL && g_str_equal (a->data, b->data)) {
    a = a->next;
    b = b->next;
  }
  return a == NULL && b == NULL;
}

static void
free_addresses (GList *addresses)
{
  g_list_free_full (addresses, g_free);
}

static void
on_network_changed (GNetworkMonitor *monitor, gboolean available, DcNetworkWatch *self)
{
  GList *before = self->addresses;

  self->addresses = get_addresses ();
  if (!are_equal (before, self->addresses))
    self->func (self->addresses, self->user_data);
  free_addresses (before);
}

static GNetworkMonitor *
new_monitor (void)
{
  GIOExtensionPoint *point;
  GIOExtension *extension;

  g_proxy_resolver_get_default (); /* has GIO register its extensions, and nothing else that matters */
  point = g_io_extension_point_lookup (G_NETWORK_MONITOR_EXTENSION_POINT_NAME);
  extension = point != NULL ? g_io_extension_point_get_extension_by_name (point, "netlink") : NULL;
  return extension != NULL ? g_initable_new (g_io_extension_get_type (extension), NULL, NULL, NULL) : NULL;
}

DcNetworkWatch *
dc_network_watch_new (DcNetworkWatchFunc func, gpointer user_data)
{
  DcNetworkWatch *self = g_new0 (DcNetworkWatch, 1);

  self->func = func;
  self->user_data = user_data;
  self->addresses = get_addresses ();
  self->monitor = new_monitor ();
  if (self->monitor != NULL)
    g_signal_connect (self->monitor, "network-changed", G_CALLBACK (on_network_changed), self);
  return self;
}

void
dc_network_watch_free (DcNetworkWatch *self)
{
  if (self->monitor != NULL)
    g_signal_handlers_disconnect_by_data (self->monitor, self);
  g_clear_object (&self->monitor);
  free_addresses (self->addresses);
  g_free (self);
}
