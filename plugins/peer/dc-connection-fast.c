/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-connection-fast.c: the way that the packets of a connection take: past the elements where they may, through them where they must.
 *
 * They may once DTLS is connected and the selected pair is one of UDP sockets: libnice names none where a TURN server or TCP is between. Each time that another
 * pair is selected, this is looked at anew, and when the socket dies of which they know. */
#include "plugins/peer/dc-connection-private.h"

/* (transfer full) (nullable) */
static GSocketAddress *
to_socket_address (const NiceAddress *address)
{
  struct sockaddr_storage storage;

  nice_address_copy_to_sockaddr (address, (struct sockaddr *) &storage);
  return g_socket_address_new_from_native (&storage, sizeof storage);
}

static void
on_broke_posted (DcConnection *self, gpointer data)
{
  if (self->phase < DC_PHASE_ENDED)
    dc_connection_check_fast (self);
}

static void
on_broke (gpointer user_data)
{
  dc_connection_post (user_data, on_broke_posted, NULL, NULL);
}

static gboolean
join (DcConnection *self, DcTransport *transport, GError **error)
{
  NiceAgent *agent = dc_webrtc_get_agent (self->webrtc);
  guint stream_id = dc_connection_get_stream_id (self);
  NiceCandidate *local, *remote;
  g_autoptr (GSocket) socket = nice_agent_get_selected_socket (agent, stream_id, NICE_COMPONENT_TYPE_RTP);
  g_autoptr (GSocketAddress) address = NULL;

  if (socket == NULL || g_socket_get_socket_type (socket) != G_SOCKET_TYPE_DATAGRAM
      || !nice_agent_get_selected_pair (agent, stream_id, NICE_COMPONENT_TYPE_RTP, &local, &remote)) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "a TURN server or TCP is between");
    return FALSE;
  }
  address = to_socket_address (&remote->addr);
  return dc_transport_join (transport, g_socket_get_fd (socket), address, on_broke, self, error);
}

void
dc_connection_check_fast (DcConnection *self)
{
  DcTransport *transport = dc_webrtc_get_transport (self->webrtc);
  g_autoptr (GError) error = NULL;
  GstStructure *event;
  gboolean joined;

  if (transport == NULL || self->ice == NULL || self->dtls_state != GST_WEBRTC_DTLS_TRANSPORT_STATE_CONNECTED)
    return;
  joined = join (self, transport, &error);
  if (!joined)
    dc_transport_part (transport);
  if (self->fast_told && self->fast == joined)
    return;
  self->fast_told = TRUE;
  self->fast = joined;
  event = dc_connection_event (self, "transport");
  gst_structure_set (event, "fast", G_TYPE_BOOLEAN, joined, NULL);
  if (!joined)
    gst_structure_set (event, "reason", G_TYPE_STRING, error->message, NULL);
  dc_connection_emit (self, event);
}
