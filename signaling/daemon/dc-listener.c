/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dc-listener.c: listening sockets and the accept loop.
 *
 * Theory of operation
 *
 * One GSource a socket; each wake-up accepts at most ACCEPT_BATCH connections, so that a flood of them cannot starve those that
 * are already open. An accept() that fails never ends the listener. Without a free file descriptor the kernel would keep the
 * socket readable and us spinning: one descriptor is held in reserve, given up to accept the waiting connection, which is then
 * closed, and taken again.
 */
#include "signaling/daemon/dc-listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "signaling/protocol/dc-signaling-error.h"

#define ACCEPT_BATCH 64
#define BACKLOG 4096

struct _DcListener {
  GPtrArray *sockets;   /* GSocket */
  GPtrArray *sources;   /* GSource, one a socket */
  GPtrArray *addresses; /* char *, NULL-terminated after construction */
  gboolean exposed;
  int reserve; /* an open descriptor, or -1 */
  DcListenerFunc func;
  gpointer user_data;
};

static gboolean
fail_address (const char *address, GError **error)
{
  g_set_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_INVALID,
      "\"%s\" is no address to listen on; give HOST:PORT or [IPV6]:PORT with a port from 0 to 65535.", address);
  return FALSE;
}

gboolean
dc_listener_parse_address (const char *address, char **host, guint16 *port, GError **error)
{
  const char *colon = strrchr (address, ':');
  guint64 number;

  if (!colon || colon == address || !g_ascii_string_to_unsigned (colon + 1, 10, 0, 65535, &number, NULL))
    return fail_address (address, error);

  g_autofree char *name = g_strndup (address, colon - address);
  gsize length = strlen (name);
  gboolean bracketed = name[0] == '[' && name[length - 1] == ']';
  if (!bracketed && strpbrk (name, "[]:"))
    return fail_address (address, error);
  *host = bracketed ? g_strndup (name + 1, length - 2) : g_steal_pointer (&name);
  *port = (guint16) number;
  return TRUE;
}

static void
refuse_one (DcListener *self, GSocket *socket)
{
  if (self->reserve >= 0)
    close (self->reserve);
  g_autoptr (GSocket) accepted = g_socket_accept (socket, NULL, NULL);
  if (accepted)
    g_socket_close (accepted, NULL);
  self->reserve = open ("/dev/null", O_RDONLY | O_CLOEXEC);
}

static gboolean
accept_cb (GSocket *socket, GIOCondition condition, gpointer data)
{
  DcListener *self = data;

  for (guint i = 0; i < ACCEPT_BATCH; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GSocket) accepted = g_socket_accept (socket, NULL, &error);
    if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
      break;
    if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES))
      refuse_one (self, socket);
    if (!accepted)
      continue;
    g_socket_set_option (accepted, IPPROTO_TCP, TCP_NODELAY, TRUE, NULL);
    g_autoptr (GSocketConnection) connection = g_socket_connection_factory_create_connection (accepted);
    self->func (connection, self->user_data);
  }
  return G_SOURCE_CONTINUE;
}

static GSocket *
open_socket (GInetAddress *address, guint16 port, GError **error)
{
  g_autoptr (GSocketAddress) name = g_inet_socket_address_new (address, port);
  GSocketFamily family = g_inet_address_get_family (address);
  g_autoptr (GSocket) socket = g_socket_new (family, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);

  if (!socket)
    return NULL;
  g_socket_set_blocking (socket, FALSE);
  g_socket_set_listen_backlog (socket, BACKLOG);
  /* [::] and 0.0.0.0 may be given side by side. */
  if (family == G_SOCKET_FAMILY_IPV6)
    g_socket_set_option (socket, IPPROTO_IPV6, IPV6_V6ONLY, TRUE, NULL);
  if (!g_socket_bind (socket, name, TRUE, error) || !g_socket_listen (socket, error))
    return NULL;
  return g_steal_pointer (&socket);
}

static void
add_socket (DcListener *self, GSocket *socket, GInetAddress *address)
{
  g_autoptr (GSocketAddress) name = g_socket_get_local_address (socket, NULL);
  GSource *source = g_socket_create_source (socket, G_IO_IN, NULL);

  if (name)
    g_ptr_array_add (self->addresses, g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (name)));
  self->exposed = self->exposed || !g_inet_address_get_is_loopback (address);
  g_source_set_callback (source, G_SOURCE_FUNC (accept_cb), self, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  g_ptr_array_add (self->sources, source);
  g_ptr_array_add (self->sockets, g_object_ref (socket));
}

/* How many could be opened; @error: (inout): that of the last which could not. */
static guint
open_sockets (DcListener *self, GList *addresses, guint16 port, GError **error)
{
  guint opened = 0;

  for (GList *l = addresses; l; l = l->next) {
    g_clear_error (error);
    g_autoptr (GSocket) socket = open_socket (l->data, port, error);
    if (!socket) {
      if (g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
        break;
      continue;
    }
    add_socket (self, socket, l->data);
    opened++;
  }
  return opened;
}

static gboolean
listen_on (DcListener *self, const char *text, GError **error)
{
  g_autofree char *host = NULL;
  guint16 port = 0;
  g_autoptr (GError) local_error = NULL;

  if (!dc_listener_parse_address (text, &host, &port, error))
    return FALSE;
  g_autoptr (GResolver) resolver = g_resolver_get_default ();
  GList *addresses = g_resolver_lookup_by_name (resolver, host, NULL, &local_error);
  guint opened = open_sockets (self, addresses, port, &local_error);
  g_resolver_free_addresses (addresses);
  /* Where IPv6 is switched off, localhost and --port do without. */
  gboolean in_use = g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  if (!local_error || (!in_use && (opened > 0 || (g_str_equal (host, "::") && self->sockets->len > 0))))
    return TRUE;
  if (in_use)
    g_set_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_UNREACHABLE,
        "Cannot listen on %s: another program uses this port; stop it or choose another with --listen.", text);
  else
    g_set_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_UNREACHABLE, "Cannot listen on %s: %s.", text,
        local_error->message);
  return FALSE;
}

static void
destroy_source (gpointer source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

DcListener *
dc_listener_new (const char *const *addresses, DcListenerFunc func, gpointer user_data, GError **error)
{
  DcListener *self = g_new0 (DcListener, 1);

  self->func = func;
  self->user_data = user_data;
  self->sockets = g_ptr_array_new_with_free_func (g_object_unref);
  self->sources = g_ptr_array_new_with_free_func (destroy_source);
  self->addresses = g_ptr_array_new_with_free_func (g_free);
  self->reserve = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  for (guint i = 0; addresses[i]; i++)
    if (!listen_on (self, addresses[i], error)) {
      dc_listener_free (self);
      return NULL;
    }
  g_ptr_array_add (self->addresses, NULL);
  return self;
}

const char *const *
dc_listener_get_addresses (DcListener *self)
{
  return (const char *const *) self->addresses->pdata;
}

gboolean
dc_listener_is_exposed (DcListener *self)
{
  return self->exposed;
}

void
dc_listener_free (DcListener *self)
{
  g_ptr_array_unref (self->sources);
  for (guint i = 0; i < self->sockets->len; i++)
    g_socket_close (g_ptr_array_index (self->sockets, i), NULL);
  g_ptr_array_unref (self->sockets);
  g_ptr_array_unref (self->addresses);
  if (self->reserve >= 0)
    close (self->reserve);
  g_free (self);
}
