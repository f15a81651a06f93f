/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-connection-life.c: whether anybody is at the other end still.
 *
 * A link has heartbeats of its own, and a raw channel has none: ICE alone would notice after most of a minute that nobody is there any more. So
 * where there are raw channels, and nothing comes, the far side's SCTP is asked for a sign of life, at most twice a second. */
#include "plugins/peer/dc-channel-private.h"
#include "plugins/peer/dc-connection-private.h"

#define LIFE_INTERVAL_MS 500
/* So often it was asked, and no packet came. */
#define MAX_UNANSWERED 8

static gboolean
on_life_timer (gpointer user_data)
{
  DcConnection *self = user_data;
  guint received = dc_sctp_watch_get_received (dc_sctp_path_get_watch (dc_webrtc_get_path (self->webrtc)));

  if (self->phase != DC_PHASE_OPEN || self->left != NULL)
    return G_SOURCE_CONTINUE;
  if (received != self->life_seen) {
    self->life_seen = received;
    self->life_unanswered = 0;
  } else if (self->life_unanswered++ < MAX_UNANSWERED)
    dc_sctp_path_ask_for_life (dc_webrtc_get_path (self->webrtc));
  else
    dc_connection_fail (self, DC_ERROR_PEER_GONE, "\"%s\" has not been heard of for %.1f s", self->remote_id,
        (MAX_UNANSWERED + 1) * LIFE_INTERVAL_MS / 1000.0);
  return G_SOURCE_CONTINUE;
}

static gboolean
has_raw_channel (DcConnection *self)
{
  for (guint i = 0; i < self->channels->len; i++)
    if (dc_channel_get_mode (g_ptr_array_index (self->channels, i)) == DC_MODE_RAW)
      return TRUE;
  return FALSE;
}

void
dc_connection_watch_life (DcConnection *self)
{
  if (!has_raw_channel (self))
    return;
  self->life_timer = g_timeout_source_new (LIFE_INTERVAL_MS);
  g_source_set_callback (self->life_timer, on_life_timer, self, NULL);
  g_source_attach (self->life_timer, self->context);
}
