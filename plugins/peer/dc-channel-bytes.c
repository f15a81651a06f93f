/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-channel-bytes.c: a channel for applications without pipelines: bytes in, bytes out, and what goes on as a structure. */
#include <string.h>

#include "plugins/peer/dc-channel-base.h"

/**
 * dc_channel_send:
 * @self: a channel
 * @bytes: what to send
 * @text: whether it is text, UTF-8, which raw channels send as a string message
 * @error: return location
 *
 * Blocks until the far side has room for it. In link mode it will arrive, once and in its place, or the channel ends with an
 * error; dc_channel_finish() tells. In raw mode it is what the channel's options make it.
 *
 * Errors: %DC_ERROR_DATA if @text is not UTF-8, @bytes is larger than the far side takes, or the end was announced already; the channel
 * goes on. %DC_ERROR_PEER_GONE, %DC_ERROR_FLUSHING.
 *
 * Returns: %FALSE on an error
 */
gboolean
dc_channel_send (DcChannel *self, GBytes *bytes, gboolean text, GError **error)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  g_autoptr (DcLinkItem) item = dc_link_item_new (DC_LINK_ITEM_DATA);

  if (text && !g_utf8_validate_len (data, size, NULL)) {
    g_set_error (error, DC_ERROR, DC_ERROR_DATA, "what is to be sent to \"%s\" as text is not UTF-8; send it as bytes",
        self->remote_id);
    return FALSE;
  }
  item->payload = g_bytes_ref (bytes);
  item->flags = text ? DC_LINK_FLAG_TEXT : 0;
  return dc_channel_push (self, g_steal_pointer (&item), FALSE, error);
}

/**
 * dc_channel_receive:
 * @self: a channel
 * @text: (out) (optional): whether it was sent as text
 * @error: return location
 *
 * Blocks until something comes. What was received before counts as dealt with: the far side is told so, and gets room for more. So
 * memory stays bounded, and a slow receiver slows the sender down. What is no data, such as formats of media, is passed over.
 *
 * Errors: %DC_ERROR_PEER_GONE, %DC_ERROR_DATA, %DC_ERROR_FLUSHING.
 *
 * Returns: (transfer full) (nullable): what came; %NULL without @error: the far side has finished
 */
GBytes *
dc_channel_receive (DcChannel *self, gboolean *text, GError **error)
{
  if (text != NULL)
    *text = FALSE;
  while (TRUE) {
    g_autoptr (DcLinkItem) item = dc_channel_pull (self, 0, error);

    if (item == NULL)
      return NULL;
    if (item->kind == DC_LINK_ITEM_FIN) {
      dc_channel_accept_fin (self);
      return NULL;
    }
    if (item->kind != DC_LINK_ITEM_DATA)
      continue;
    if (text != NULL)
      *text = (item->flags & DC_LINK_FLAG_TEXT) != 0;
    return item->payload != NULL ? g_bytes_ref (item->payload) : g_bytes_new (NULL, 0);
  }
}

static gdouble
seconds (gint64 microseconds)
{
  return microseconds < 0 ? -1 : microseconds / (gdouble) G_USEC_PER_SEC;
}

static const char *
get_state (DcChannel *self)
{
  if (self->ended)
    return "closed";
  return self->suspended ? "suspended" : "open";
}

/**
 * dc_channel_dup_stats:
 * @self: a channel
 *
 * Tells what went on so far: a structure `channel` with the fields that [Events and statistics](events.html) lists. From any
 * thread. [func@event_to_variant] makes a dictionary of it.
 *
 * Returns: (transfer full): the statistics
 */
GstStructure *
dc_channel_dup_stats (DcChannel *self)
{
  const char *state;
  DcLinkStats stats;
  guint streams;

  g_return_val_if_fail (DC_IS_CHANNEL (self), NULL);
  g_mutex_lock (&self->lock);
  dc_channel_get_stats_locked (self, &stats);
  state = get_state (self);
  streams = self->wire != NULL ? dc_wire_get_n_lanes (self->wire) : 0;
  g_mutex_unlock (&self->lock);
  return gst_structure_new ("channel", "label", G_TYPE_STRING, self->options->label, "mode", G_TYPE_STRING,
      self->options->mode == DC_MODE_LINK ? "link" : "raw", "state", G_TYPE_STRING, state, "bytes-sent", G_TYPE_UINT64,
      stats.bytes_sent, "bytes-received", G_TYPE_UINT64, stats.bytes_received, "buffers-sent", G_TYPE_UINT64,
      stats.buffers_sent, "buffers-received", G_TYPE_UINT64, stats.buffers_received, "items-acknowledged",
      G_TYPE_UINT64, stats.items_acked, "messages-sent", G_TYPE_UINT64, stats.messages_sent, "messages-received",
      G_TYPE_UINT64, stats.messages_received, "send-rate", G_TYPE_UINT64, stats.send_rate, "receive-rate",
      G_TYPE_UINT64, stats.receive_rate, "rtt", G_TYPE_DOUBLE, seconds (stats.rtt), "rtt-smoothed", G_TYPE_DOUBLE,
      seconds (stats.rtt_smoothed), "rtt-min", G_TYPE_DOUBLE, seconds (stats.rtt_min), "window", G_TYPE_UINT,
      stats.window_bytes, "receive-window", G_TYPE_UINT, stats.receive_window_bytes, "in-flight", G_TYPE_UINT64,
      (guint64) stats.in_flight_bytes, "waiting", G_TYPE_UINT64, stats.waiting_bytes, "queued", G_TYPE_UINT64,
      (guint64) stats.queued_bytes, "resumes", G_TYPE_UINT, stats.resumes, "streams", G_TYPE_UINT, streams, NULL);
}
