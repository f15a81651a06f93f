/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hello.c: greets whoever else is in the room. */
#include <plugins/peer/dc-peer.h>

static gboolean
greet (DcPeer *peer, GError **error)
{
  g_autoptr (GBytes) hello = g_bytes_new_static ("Hello", 5);
  g_autoptr (DcChannel) channel = NULL;
  g_autoptr (GBytes) data = NULL;

  if (!dc_peer_start (peer, error) || (channel = dc_peer_wait_channel (peer, NULL, error)) == NULL
      || !dc_channel_send (channel, hello, TRUE, error))
    return FALSE;
  dc_channel_begin_finish (channel);
  while ((data = dc_channel_receive (channel, NULL, error)) != NULL) {
    g_print ("%s says %.*s\n", dc_channel_get_remote_id (channel), (int) g_bytes_get_size (data),
        (const char *) g_bytes_get_data (data, NULL));
    g_clear_pointer (&data, g_bytes_unref);
  }
  return *error == NULL && dc_channel_finish (channel, error);
}

int
main (void)
{
  g_autoptr (DcPeer) peer = g_object_new (DC_TYPE_PEER, "signaling", g_getenv ("DC_SIGNALING"), "room", "hello", NULL);
  g_autoptr (GError) error = NULL;
  gboolean done = greet (peer, &error);

  dc_peer_stop (peer);
  if (!done)
    g_printerr ("%s\n", error->message);
  return done ? 0 : 1;
}
