/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-udp-path-fallback.c: where the system cannot share a UDP port by what is in datagrams, there are no paths. */
#include "plugins/transport/dc-udp-path.h"

DcUdpPath *
dc_udp_path_new (
    int fd, GSocketAddress *remote, const DcUdpPathCallbacks *callbacks, gpointer user_data, GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
      "UDP sockets cannot be shared by what is in datagrams on this system");
  return NULL;
}

gboolean
dc_udp_path_is_beside (DcUdpPath *self, int fd)
{
  g_assert_not_reached ();
}

void
dc_udp_path_set_remote (DcUdpPath *self, GSocketAddress *remote)
{
  g_assert_not_reached ();
}

void
dc_udp_path_send (DcUdpPath *self, DcPacket *packets, guint n)
{
  g_assert_not_reached ();
}

guint
dc_udp_path_get_receive_buffer (DcUdpPath *self)
{
  g_assert_not_reached ();
}

void
dc_udp_path_free (DcUdpPath *self)
{
  g_assert_not_reached ();
}
