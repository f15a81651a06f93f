/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-peer-stats.c: a peer's statistics, as a structure and as a signal. */
#include "plugins/peer/dc-peer-private.h"
#include "plugins/peer/dc-source.h"

#include "plugins/peer/dc-event.h"

/* @sent, @received, @reconnects: of the sessions that are over. */
static void
take_sessions (GPtrArray *sessions, guint64 sent, guint64 received, guint reconnects, GstStructure *stats)
{
  GValue list = G_VALUE_INIT;

  g_value_init (&list, GST_TYPE_LIST);
  for (guint i = 0; i < sessions->len; i++) {
    DcSession *session = g_ptr_array_index (sessions, i);
    GValue value = G_VALUE_INIT;
    guint64 session_sent, session_received;
    g_value_init (&value, GST_TYPE_STRUCTURE);
    g_value_take_boxed (&value, dc_session_dup_stats (session));
    gst_value_list_append_and_take_value (&list, &value);
    dc_session_get_bytes (session, &session_sent, &session_received);
    sent += session_sent;
    received += session_received;
    reconnects += dc_session_get_reconnects (session);
  }
  gst_structure_set (stats, "reconnects", G_TYPE_UINT, reconnects, "bytes-sent", G_TYPE_UINT64, sent, "bytes-received",
      G_TYPE_UINT64, received, NULL);
  gst_structure_take_value (stats, "connections", &list);
}

/**
 * dc_peer_dup_stats:
 * @self: a peer
 *
 * Tells what went on so far: a structure `datachannel-statistics` with the fields that [Events and statistics](events.html) lists.
 * From any thread. [func@event_to_variant] makes a dictionary of it.
 *
 * Returns: (transfer full): the statistics
 */
GstStructure *
dc_peer_dup_stats (DcPeer *self)
{
  g_autoptr (GPtrArray) sessions = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_session_unref);
  guint64 sent, received;
  guint reconnects;
  GstStructure *stats;

  g_return_val_if_fail (DC_IS_PEER (self), NULL);
  stats = dc_event_new ("datachannel-statistics", self->start);
  g_mutex_lock (&self->lock);
  sent = self->past_bytes_sent;
  received = self->past_bytes_received;
  reconnects = self->past_reconnects;
  for (guint i = 0; i < self->sessions->len; i++)
    g_ptr_array_add (sessions, dc_session_ref (g_ptr_array_index (self->sessions, i)));
  gst_structure_set (stats, "id", G_TYPE_STRING, self->id != NULL ? self->id : "", "room", G_TYPE_STRING, self->room,
      "registered", G_TYPE_BOOLEAN, self->connected, NULL);
  g_mutex_unlock (&self->lock);
  take_sessions (sessions, sent, received, reconnects, stats);
  return stats;
}

static gboolean
on_stats_timer (gpointer user_data)
{
  DcPeer *self = user_data;
  g_autoptr (GstStructure) stats = dc_peer_dup_stats (self);

  g_signal_emit_by_name (self, "statistics", stats);
  return G_SOURCE_CONTINUE;
}

void
dc_peer_start_stats (DcPeer *self)
{
  guint interval;

  g_mutex_lock (&self->lock);
  interval = self->stats_interval;
  g_mutex_unlock (&self->lock);
  dc_source_clear (&self->stats_timer);
  if (interval == 0)
    return;
  self->stats_timer = g_timeout_source_new (interval);
  g_source_set_callback (self->stats_timer, on_stats_timer, self, NULL);
  g_source_attach (self->stats_timer, self->context);
}
