/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-channel-class.c: what a DcChannel shows: what it is, how it is, and its signals. */
#include "plugins/peer/dc-channel-base.h"

/**
 * dc_channel_is_ended:
 * @self: a channel
 *
 * Looks whether it is over.
 *
 * Returns: %TRUE once [signal@Channel::closed] was emitted, or is about to be
 */
gboolean
dc_channel_is_ended (DcChannel *self)
{
  gboolean ended;

  g_return_val_if_fail (DC_IS_CHANNEL (self), TRUE);
  g_mutex_lock (&self->lock);
  ended = self->ended;
  g_mutex_unlock (&self->lock);
  return ended;
}

/**
 * dc_channel_is_suspended:
 * @self: a channel
 *
 * Looks whether its connection is lost and another is looked for.
 *
 * Returns: %TRUE between [signal@Channel::suspended] and [signal@Channel::resumed]
 */
gboolean
dc_channel_is_suspended (DcChannel *self)
{
  gboolean suspended;

  g_return_val_if_fail (DC_IS_CHANNEL (self), FALSE);
  g_mutex_lock (&self->lock);
  suspended = self->suspended && !self->ended;
  g_mutex_unlock (&self->lock);
  return suspended;
}

/**
 * dc_channel_get_remote_id:
 * @self: a channel
 *
 * Tells who is at the other end.
 *
 * Returns: (transfer none): the remote peer's id in the room
 */
const char *
dc_channel_get_remote_id (DcChannel *self)
{
  return self->remote_id;
}

/**
 * dc_channel_get_label:
 * @self: a channel
 *
 * Tells its name.
 *
 * Returns: (transfer none): the label
 */
const char *
dc_channel_get_label (DcChannel *self)
{
  return self->options->label;
}

/**
 * dc_channel_get_mode:
 * @self: a channel
 *
 * Tells what runs on it.
 *
 * Returns: the mode
 */
DcMode
dc_channel_get_mode (DcChannel *self)
{
  return self->options->mode;
}

/**
 * dc_channel_get_max_message_size:
 * @self: a channel
 *
 * Tells how much one message of the WebRTC data channel may carry, both sides' limits considered. In raw mode that bounds what
 * dc_channel_send() takes; the link cuts what is longer into frames and takes up to 64 MiB at once.
 *
 * Returns: bytes
 */
gsize
dc_channel_get_max_message_size (DcChannel *self)
{
  return self->max_message;
}

/**
 * dc_channel_get_link_stats: (skip)
 * @self: a channel
 * @stats: (out caller-allocates): what went on so far
 *
 * For programs in C; others have dc_channel_dup_stats(). In raw mode only the counters of items, bytes and messages, the rates and
 * `waiting_bytes` are filled.
 */
void
dc_channel_get_link_stats (DcChannel *self, DcLinkStats *stats)
{
  g_return_if_fail (DC_IS_CHANNEL (self));
  g_mutex_lock (&self->lock);
  dc_channel_get_stats_locked (self, stats);
  g_mutex_unlock (&self->lock);
}

void
dc_channel_install_signals (void)
{
  /**
   * DcChannel::acknowledged:
   * @self: the channel
   * @n: how many of the items pushed here the far application has consumed
   *
   * Link mode: the far application is done with more of what was sent here, of all streams together.
   *
   * On an internal thread, no lock held; handlers must not block.
   */
  g_signal_new ("acknowledged", DC_TYPE_CHANNEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT64);
  /**
   * DcChannel::writable:
   * @self: the channel
   *
   * There is room again on a stream for which dc_channel_can_push() said that there is none.
   *
   * On an internal thread, no lock held; handlers must not block.
   */
  g_signal_new ("writable", DC_TYPE_CHANNEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  /**
   * DcChannel::readable:
   * @self: the channel
   * @stream: the stream
   *
   * There is something to pull, or an end to be learned of, on a stream that dc_channel_try_pull() found empty, or that is new.
   *
   * On an internal thread, no lock held; handlers must not block. It may be pulled there, and answered where that does not wait.
   */
  g_signal_new ("readable", DC_TYPE_CHANNEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT);
  /**
   * DcChannel::suspended:
   * @self: the channel
   * @why: what has become of the connection
   *
   * Link mode: the connection is lost, another is looked for.
   *
   * On an internal thread, no lock held; handlers must not block.
   */
  g_signal_new ("suspended", DC_TYPE_CHANNEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
  /**
   * DcChannel::resumed:
   * @self: the channel
   *
   * Everything goes on over a new connection.
   *
   * On an internal thread, no lock held; handlers must not block.
   */
  g_signal_new ("resumed", DC_TYPE_CHANNEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  /**
   * DcChannel::finished:
   * @self: the channel
   *
   * What dc_channel_begin_finish() began has succeeded.
   *
   * On an internal thread, no lock held; handlers must not block.
   */
  g_signal_new ("finished", DC_TYPE_CHANNEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  /**
   * DcChannel::closed:
   * @self: the channel
   * @error: (nullable): why, or %NULL if both sides had finished
   *
   * The channel has ended. Once.
   *
   * On an internal thread, no lock held; handlers must not block.
   */
  g_signal_new ("closed", DC_TYPE_CHANNEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
}
