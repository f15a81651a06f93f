/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-connection-close.c: the end of a connection, step by step, none of which can hang.
 *
 * Abort or FIN are the channels' business. Then:
 *   lingering   up to LINGER_* for what the far side still must get (our FIN-ACK, our ABORT), unless it is seen to have left or to have
 *               it all (dc_connection_check_settled()); a raw channel drains, and is closed, which is how it ends
 *   goodbye     close_notify, and GOODBYE for it to leave
 *   release     up to RELEASE for TURN servers to free what they lent us
 *   gone        webrtcbin is taken down; the owner is told
 * All together must stay below the second that an element may take to stop. */
#include "plugins/peer/dc-channel-private.h"
#include "plugins/peer/dc-connection-private.h"
#include "plugins/peer/dc-source.h"

#define LINGER_CLEAN_MS 500 /* for FIN-ACK to be known to have arrived */
#define LINGER_ABORT_MS 300 /* for ABORT to leave; the far side closes on it */
#define RAW_DRAIN_MS 250    /* for SCTP to deliver what a raw channel has sent: closing the channel cuts it off */
#define RAW_CLOSE_MS 250    /* for the far side to close it too */
#define ANSWER_MS 250       /* for our SCTP to say that it knows of a channel that the far side has closed */
#define GOODBYE_MS 50
#define RELEASE_ASK_MS 100 /* until a TURN server is asked once more to free what it lent us */
#define RELEASE_MS 250

void
dc_connection_drop_channels (DcConnection *self)
{
  g_mutex_lock (&self->attach_lock);
  self->gone = TRUE;
  g_mutex_unlock (&self->attach_lock);
  for (guint i = 0; i < self->channels->len; i++)
    dc_channel_detach (g_ptr_array_index (self->channels, i), self);
}

static gboolean
tear_down (gpointer user_data)
{
  DcConnection *self = user_data;

  dc_source_clear (&self->close_timer);
  dc_source_clear (&self->timeout);
  dc_source_clear (&self->life_timer);
  dc_connection_forget_candidates (self);
  g_cancellable_cancel (self->cancellable);
  dc_connection_unwatch_transports (self);
  g_signal_handlers_disconnect_by_data (dc_webrtc_get_bin (self->webrtc), self);
  /* Channels hold a raw pointer to webrtcbin: they go first. */
  dc_connection_drop_channels (self);
  g_hash_table_remove_all (self->unannounced);
  g_clear_pointer (&self->webrtc, dc_webrtc_free);
  self->phase = DC_PHASE_CLOSED;
  self->callbacks.closed (self, self->user_data);
  return G_SOURCE_REMOVE;
}

/* Either the TURN servers have been told, or they do not answer. */
static void
on_released (GObject *agent, GAsyncResult *result, gpointer user_data)
{
  DcConnection *self = user_data;

  if (self->phase == DC_PHASE_CLOSING)
    tear_down (self);
  dc_connection_unref (self);
}

/* libnice asks the servers on webrtcbin's ICE thread, and keeps itself alive until they have answered or it is tired of asking: that must
 * come before the thread goes, so it is to be tired soon. */
static gboolean
release_relays (gpointer user_data)
{
  DcConnection *self = user_data;
  NiceAgent *agent = dc_webrtc_get_agent (self->webrtc);

  g_object_set (agent, "stun-initial-timeout", RELEASE_ASK_MS, "stun-max-retransmissions", 1, NULL);
  dc_connection_close_after (self, RELEASE_MS, tear_down);
  nice_agent_close_async (agent, on_released, dc_connection_ref (self));
  return G_SOURCE_REMOVE;
}

static gboolean
say_goodbye (gpointer user_data)
{
  DcConnection *self = user_data;

  self->linger_end = NULL;
  /* It would tell the far side that we leave, but we only lost this connection. Nor are the elements to say so when they stop. */
  if (self->gone && dc_webrtc_get_transport (self->webrtc) != NULL)
    dc_transport_silence (dc_webrtc_get_transport (self->webrtc));
  if (self->gone || self->dtls_state != GST_WEBRTC_DTLS_TRANSPORT_STATE_CONNECTED)
    return release_relays (self);
  dc_sctp_path_say_goodbye (dc_webrtc_get_path (self->webrtc));
  dc_connection_close_after (self, GOODBYE_MS, release_relays);
  return G_SOURCE_REMOVE;
}

/* A raw channel ends by being closed. */
static gboolean
close_raw_channels (gpointer user_data)
{
  DcConnection *self = user_data;

  for (guint i = 0; i < self->channels->len; i++) {
    DcChannel *channel = g_ptr_array_index (self->channels, i);
    if (dc_channel_get_mode (channel) == DC_MODE_RAW && dc_channel_has_carrier (channel, self))
      dc_channel_close_rtc (channel);
  }
  dc_connection_close_after (self, RAW_CLOSE_MS, say_goodbye);
  return G_SOURCE_REMOVE;
}

/* The far side needs nothing of it any more; a raw channel that has not ended must still be closed. */
static gboolean
is_done (DcConnection *self, DcChannel *channel)
{
  if (!dc_channel_has_carrier (channel, self))
    return TRUE;
  return dc_channel_is_settled (channel)
         && (dc_channel_get_mode (channel) == DC_MODE_LINK || dc_channel_is_ended (channel));
}

static guint
get_linger_time (DcChannel *channel)
{
  DcLinkStats stats;

  if (dc_channel_is_unfinished (channel))
    return LINGER_ABORT_MS;
  if (dc_channel_is_ended (channel) || dc_channel_is_settled (channel))
    return 0;
  if (dc_channel_get_mode (channel) == DC_MODE_LINK)
    return LINGER_CLEAN_MS;
  dc_channel_get_link_stats (channel, &stats);
  return stats.items_sent > 0 ? RAW_DRAIN_MS : 0;
}

/* The far side has closed a channel and was not told that we know: it may believe it open until then, whatever else we say. */
static gboolean
owes_answer (DcConnection *self)
{
  return dc_sctp_watch_owes_answer (dc_sctp_path_get_watch (dc_webrtc_get_path (self->webrtc)));
}

/* Begins the wait for what must still reach the far side; dc_connection_hurry() ends it early. */
static void
linger (DcConnection *self)
{
  gboolean any_raw = FALSE;
  guint longest = owes_answer (self) ? ANSWER_MS : 0;

  for (guint i = 0; i < self->channels->len; i++) {
    DcChannel *channel = g_ptr_array_index (self->channels, i);
    if (is_done (self, channel))
      continue;
    longest = MAX (longest, get_linger_time (channel));
    any_raw = any_raw || (dc_channel_get_mode (channel) == DC_MODE_RAW && !dc_channel_is_ended (channel));
  }
  self->linger_end = say_goodbye;
  dc_connection_close_after (self, longest, any_raw ? close_raw_channels : say_goodbye);
}

void
dc_connection_check_settled (DcConnection *self)
{
  if (self->phase != DC_PHASE_CLOSING)
    return;
  for (guint i = 0; i < self->channels->len; i++)
    if (!is_done (self, g_ptr_array_index (self->channels, i)))
      return;
  if (!owes_answer (self))
    dc_connection_hurry (self);
}

/* The ABORT is on its way. */
static gboolean
is_told_by_channel (DcConnection *self)
{
  for (guint i = 0; i < self->channels->len; i++) {
    DcChannel *channel = g_ptr_array_index (self->channels, i);
    if (dc_channel_has_carrier (channel, self) && dc_channel_is_unfinished (channel))
      return TRUE;
  }
  return FALSE;
}

void
dc_connection_close (DcConnection *self, const char *reason)
{
  if (self->phase >= DC_PHASE_CLOSING)
    return;
  self->phase = DC_PHASE_CLOSING;
  dc_source_clear (&self->timeout);
  /* Once a channel was in use, or can say why, the far side hears of the end through it: a bye might overtake what is under way there. */
  if (!dc_connection_was_open (self) && !is_told_by_channel (self)) {
    DcMessage *bye = dc_message_new (DC_MESSAGE_BYE);
    bye->reason = g_strdup (reason);
    dc_connection_send (self, bye);
  }
  linger (self);
}
