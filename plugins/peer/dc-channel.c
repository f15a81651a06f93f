/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-channel.c: one data channel, as the threads that move data see it.
 *
 * Theory of operation
 * -------------------
 * A channel joins three kinds of threads: those on which messages arrive (webrtcbin's own, with its lock held, or the one that reads the network), the worker of the DcPeer
 * (the link's timer), and the application's (push, pull, finish block there). One mutex guards everything; nobody calls out
 * with it held (reading a property of webrtcbin's channel apart, whose own lock is a leaf). What an event makes necessary to tell others
 * (ready, ended, ...) is noted in `pending` while locked, and told by dc_channel_unlock().
 *
 * Life:  made -> attached (webrtcbin's channel is there) -> started (open, fingerprint checked) -> ready (link mode: the far HELLO came)
 *        -> ended -> retired.
 *        A ready channel in link mode whose connection is lost is suspended: without webrtcbin's channel, until another is attached and
 *        started and the links have said HELLO again, or the resume timeout ends it.
 * Before `started` nothing is sent, and what comes waits in `early`: nobody is trusted yet. After an end as
 * agreed what had been received can still be pulled; an error is returned at once.
 *
 * With a secret, a DcProof comes before the link: on each connection, until it is done, messages are its, and the link's wait.
 *
 * Link mode: every path that may have given the link something to say ends in dc_channel_transmit_locked(). Only one thread transmits at a
 * time, without the lock, and takes along what others queue meanwhile, so messages leave in the order in which the link made them, and a
 * thread that holds webrtcbin's lock never waits for one that wants it. webrtcbin's send queue has no bound of its own: the far
 * side's credit is what bounds it.
 *
 * Raw mode has no frames: what came waits in `inbox`. Past webrtcbin (dc-wire.h), a full one is said to be full, and the far side is slowed down by SCTP; through
 * it there is no way to do that, so a full inbox ends the channel with an error rather than losing a message. A sender waits while more
 * than DC_CHANNEL_RAW_HIGH_WATER bytes are buffered. */
#include "plugins/peer/dc-channel.h"

#include <string.h>

#include "plugins/peer/dc-channel-base.h"

/**
 * DcChannel:
 *
 * One open data channel to one remote peer.
 *
 * A [class@Peer] hands channels out; they cannot be made otherwise. A channel is handed out only when it is open, its peer's DTLS
 * fingerprint was checked and, in link mode, the far side has said HELLO. It is the application's as long as it holds a
 * reference, and is of use until the peer is stopped.
 *
 * The simple way to move data is [method@Channel.send], [method@Channel.receive] and [method@Channel.finish]. All
 * three block.
 *
 * ## Threads
 *
 * Every function may be called from any thread. One thread at a time may send, and one at a time may receive; both at once is
 * well. Signals come on an internal thread with no lock held, which may be the one that reads the network: until their handlers return,
 * nothing more is received. Handlers must not block, so they must not receive or finish, and send only where [method@Channel.can_push] says that
 * it does not wait: wake up a thread of yours that does.
 *
 * ## When the connection is lost
 *
 * A channel in link mode outlives its connection: the peer makes another, up to [property@Peer:resume-timeout]. Meanwhile sending
 * goes on as far as the far side's credit goes and then blocks, and receiving blocks; nothing is lost, doubled or reordered.
 * [signal@Channel::suspended] and [signal@Channel::resumed] tell. A raw channel ends.
 *
 * ## Errors
 *
 * %DC_ERROR_PEER_GONE when the far side left, died or aborted; %DC_ERROR_DATA when it sent what cannot be understood, or what is to
 * be sent cannot be; %DC_ERROR_FLUSHING after [method@Channel.set_flushing]. As with a TCP reset, an error overtakes what was
 * received and not taken yet; after an end as agreed everything can still be taken.
 */
G_DEFINE_FINAL_TYPE (DcChannel, dc_channel, G_TYPE_OBJECT)

/* --- The application's side ---------------------------------------------------------------------------------------------------- */

/* As with a TCP reset, what an end in error has overtaken is not handed out any more: whoever reads slowly hears of it now. */
static gboolean
is_broken_locked (DcChannel *self)
{
  return self->ended && self->error != NULL;
}

/* TRUE if the wait is over for another reason than the one waited for. */
static gboolean
interrupted_locked (DcChannel *self, DcDirection direction, GError **error)
{
  if (self->flushing & direction) {
    g_set_error_literal (error, DC_ERROR, DC_ERROR_FLUSHING, "interrupted");
    return TRUE;
  }
  if (!self->ended && !self->closing)
    return FALSE;
  if (self->error != NULL)
    g_propagate_error (error, g_error_copy (self->error));
  else
    g_set_error (error, DC_ERROR, DC_ERROR_PEER_GONE, "the channel to \"%s\" is closed", self->remote_id);
  return TRUE;
}

static gboolean
push_link_locked (DcChannel *self, DcLinkItem *item, gboolean ack_now, GError **error)
{
  g_autoptr (DcLinkItem) owned = item;
  g_autoptr (GError) reason = NULL;

  while (!dc_link_can_send (self->link, item->stream)) {
    if (interrupted_locked (self, DC_DIRECTION_SEND, error))
      return FALSE;
    g_cond_wait (&self->cond, &self->lock);
  }
  if (interrupted_locked (self, DC_DIRECTION_SEND, error))
    return FALSE;
  if (!dc_link_send (self->link, g_steal_pointer (&owned), ack_now, &reason)) {
    g_set_error (error, DC_ERROR, DC_ERROR_DATA, "cannot send to \"%s\": %s", self->remote_id, reason->message);
    return FALSE;
  }
  dc_channel_after_link_locked (self);
  return TRUE;
}

static gboolean
check_raw (DcChannel *self, gsize size, GError **error)
{
  if (size <= self->max_message)
    return TRUE;
  g_set_error (error, DC_ERROR, DC_ERROR_DATA,
      "a message of %" G_GSIZE_FORMAT " bytes is larger than the %" G_GSIZE_FORMAT " that \"%s\" takes", size,
      self->max_message, self->remote_id);
  return FALSE;
}

/* FALSE: no more than @limit bytes are buffered; TRUE: something changed meanwhile, look again. */
static gboolean
wait_for_buffer_locked (DcChannel *self, guint64 limit)
{
  if (dc_channel_get_buffered_amount_locked (self) <= limit)
    return FALSE;
  g_cond_wait (&self->cond, &self->lock);
  return TRUE;
}

static gboolean
push_raw_locked (DcChannel *self, DcLinkItem *item, GError **error)
{
  g_autoptr (DcLinkItem) owned = item;
  g_autoptr (DcWire) wire = NULL;
  g_autoptr (GError) problem = NULL;
  gsize size = item->payload != NULL ? g_bytes_get_size (item->payload) : 0;
  gboolean sent;

  if (item->kind != DC_LINK_ITEM_DATA)
    return TRUE; /* caps, segments and events have no place in a raw channel */
  if (!check_raw (self, size, error))
    return FALSE;
  do {
    if (interrupted_locked (self, DC_DIRECTION_SEND, error))
      return FALSE;
  } while (wait_for_buffer_locked (self, DC_CHANNEL_RAW_HIGH_WATER));
  wire = dc_wire_ref (self->wire);
  g_mutex_unlock (&self->lock);
  sent = dc_wire_send (wire, item->payload, (item->flags & DC_LINK_FLAG_TEXT) != 0, &problem);
  g_mutex_lock (&self->lock);
  if (sent) {
    self->raw_stats.items_sent++;
    self->raw_stats.buffers_sent++;
    self->raw_stats.messages_sent++;
    self->raw_stats.bytes_sent += size;
    dc_rate_update (&self->send_rate, self->raw_stats.bytes_sent, g_get_monotonic_time ());
  } else
    g_set_error (
        error, DC_ERROR, DC_ERROR_PEER_GONE, "cannot send to \"%s\" any more: %s", self->remote_id, problem->message);
  return sent;
}

/**
 * dc_channel_push: (skip)
 * @self: a channel
 * @item: (transfer full): what to send, also taken on failure
 * @ack_now: whether the far side is asked to acknowledge without waiting for more
 * @error: return location
 *
 * Blocks until @item may be sent on its stream: in link mode by credit of the far side, in raw mode by what is buffered.
 *
 * Returns: %FALSE on an error
 */
gboolean
dc_channel_push (DcChannel *self, DcLinkItem *item, gboolean ack_now, GError **error)
{
  gboolean pushed;

  g_return_val_if_fail (DC_IS_CHANNEL (self), FALSE);
  g_mutex_lock (&self->lock);
  if (self->finishing) {
    dc_link_item_free (item);
    g_set_error (
        error, DC_ERROR, DC_ERROR_DATA, "nothing more can be sent to \"%s\": its end was announced", self->remote_id);
    pushed = FALSE;
  } else if (self->options->mode == DC_MODE_LINK)
    pushed = push_link_locked (self, item, ack_now, error);
  else
    pushed = push_raw_locked (self, item, error);
  dc_channel_unlock (self);
  return pushed;
}

/**
 * dc_channel_can_push:
 * @self: a channel
 * @stream: number of a stream; 0 is the one that dc_channel_send() uses
 *
 * Looks whether sending would block. If it would, [signal@Channel::writable] will follow.
 *
 * Returns: %TRUE if a send on @stream would not block now, be it because it would fail
 */
gboolean
dc_channel_can_push (DcChannel *self, guint stream)
{
  gboolean room;

  g_return_val_if_fail (DC_IS_CHANNEL (self) && stream < DC_LINK_MAX_STREAMS, TRUE);
  g_mutex_lock (&self->lock);
  room = dc_channel_has_room_locked (self, stream);
  dc_streams_set (&self->full, stream, !room);
  dc_channel_unlock (self);
  return room;
}

/**
 * dc_channel_discard:
 * @self: a channel
 * @stream: number of a stream
 *
 * Link mode: takes back what was sent on @stream and has not left yet.
 *
 * Returns: the number of items
 */
guint
dc_channel_discard (DcChannel *self, guint stream)
{
  guint n = 0;

  g_return_val_if_fail (DC_IS_CHANNEL (self) && stream < DC_LINK_MAX_STREAMS, 0);
  g_mutex_lock (&self->lock);
  if (self->link != NULL && !self->ended) {
    n = dc_link_discard (self->link, stream);
    dc_channel_after_link_locked (self);
  }
  dc_channel_unlock (self);
  return n;
}

static DcLinkItem *
next_raw_item_locked (DcChannel *self)
{
  DcLinkItem *item = g_queue_pop_head (&self->inbox);

  if (item != NULL) {
    self->inbox_cost -= dc_channel_cost_of (item);
    self->raw_stats.queued_bytes -= item->payload != NULL ? g_bytes_get_size (item->payload) : 0;
    dc_channel_check_held_locked (self);
  } else if (self->ended && self->error == NULL)
    item = dc_link_item_new (DC_LINK_ITEM_FIN);
  return item;
}

/* NULL: nothing there, or not for us. */
static DcLinkItem *
next_item_locked (DcChannel *self, guint stream)
{
  if ((self->flushing & DC_DIRECTION_RECEIVE) || is_broken_locked (self))
    return NULL;
  if (self->options->mode == DC_MODE_LINK)
    return dc_link_pop (self->link, stream);
  return stream == 0 ? next_raw_item_locked (self) : NULL;
}

/* The application is done with what it has got of @stream. */
static void
consume_locked (DcChannel *self, guint stream)
{
  if (self->options->mode != DC_MODE_LINK || self->ended)
    return;
  dc_link_consume (self->link, stream, g_get_monotonic_time ());
  dc_channel_after_link_locked (self);
}

/**
 * dc_channel_pull: (skip)
 * @self: a channel
 * @stream: number of a stream; in raw mode everything comes on 0
 * @error: return location
 *
 * Blocks for the next item of @stream. Says at the same time that the application is done with those pulled from it
 * before. On stream 0 a FIN item comes last.
 *
 * Returns: (transfer full): the item
 */
DcLinkItem *
dc_channel_pull (DcChannel *self, guint stream, GError **error)
{
  DcLinkItem *item;

  g_return_val_if_fail (DC_IS_CHANNEL (self) && stream < DC_LINK_MAX_STREAMS, NULL);
  g_mutex_lock (&self->lock);
  consume_locked (self, stream);
  while ((item = next_item_locked (self, stream)) == NULL) {
    if (interrupted_locked (self, DC_DIRECTION_RECEIVE, error))
      break;
    g_cond_wait (&self->cond, &self->lock);
  }
  dc_channel_unlock (self);
  return item;
}

/**
 * dc_channel_try_pull: (skip)
 * @self: a channel
 * @stream: number of a stream
 * @error: return location
 *
 * As dc_channel_pull(), without blocking. If there is nothing, [signal@Channel::readable] will follow.
 *
 * Returns: (transfer full) (nullable): the item; %NULL without @error: there is none
 */
DcLinkItem *
dc_channel_try_pull (DcChannel *self, guint stream, GError **error)
{
  DcLinkItem *item;

  g_return_val_if_fail (DC_IS_CHANNEL (self) && stream < DC_LINK_MAX_STREAMS, NULL);
  g_mutex_lock (&self->lock);
  consume_locked (self, stream);
  item = next_item_locked (self, stream);
  if (item == NULL && !interrupted_locked (self, DC_DIRECTION_RECEIVE, error))
    dc_streams_set (&self->empty, stream, TRUE);
  dc_channel_unlock (self);
  return item;
}

/**
 * dc_channel_accept_fin: (skip)
 * @self: a channel
 *
 * After a pulled FIN: everything before it has reached its destination; the far side's dc_channel_finish() returns.
 * dc_channel_receive() does this by itself.
 */
void
dc_channel_accept_fin (DcChannel *self)
{
  g_return_if_fail (DC_IS_CHANNEL (self));
  g_mutex_lock (&self->lock);
  if (self->options->mode == DC_MODE_LINK && !self->ended) {
    dc_link_consume (self->link, 0, g_get_monotonic_time ());
    dc_link_accept_fin (self->link, g_get_monotonic_time ());
    self->fin_accepted = TRUE;
    dc_channel_after_link_locked (self);
  }
  dc_channel_unlock (self);
}

static void
begin_finish_locked (DcChannel *self)
{
  if (self->finishing || self->ended)
    return;
  self->finishing = TRUE;
  if (self->link != NULL) {
    dc_link_finish (self->link);
    dc_channel_after_link_locked (self);
    return;
  }
  if (self->wire != NULL)
    dc_wire_set_low_threshold (self->wire, 0);
  dc_channel_start_expiry_locked (self);
  dc_channel_check_finished_locked (self);
}

/**
 * dc_channel_finish:
 * @self: a channel
 * @error: return location
 *
 * Says that nothing more will be sent and blocks, in link mode until the far application has accepted everything, in raw mode until
 * the far machine has acknowledged everything (or what is partially reliable was given up). What the far side still has to send can be
 * received before and after; but if both sides only receive after that, they wait for each other: see [method@Channel.begin_finish].
 *
 * Returns: %FALSE on an error: then the far side may not have everything
 */
gboolean
dc_channel_finish (DcChannel *self, GError **error)
{
  gboolean finished;

  g_return_val_if_fail (DC_IS_CHANNEL (self), FALSE);
  g_mutex_lock (&self->lock);
  begin_finish_locked (self);
  while (!self->finished && !interrupted_locked (self, DC_DIRECTION_SEND, error))
    g_cond_wait (&self->cond, &self->lock);
  finished = self->finished;
  dc_channel_unlock (self);
  return finished;
}

/**
 * dc_channel_begin_finish:
 * @self: a channel
 *
 * Says that nothing more will be sent, as [method@Channel.finish] does, and does not wait. [signal@Channel::finished] or
 * [signal@Channel::closed] follows. [method@Channel.finish] may follow too, and then only waits.
 */
void
dc_channel_begin_finish (DcChannel *self)
{
  g_return_if_fail (DC_IS_CHANNEL (self));
  g_mutex_lock (&self->lock);
  begin_finish_locked (self);
  dc_channel_unlock (self);
}

/**
 * dc_channel_is_finished:
 * @self: a channel
 *
 * Looks whether the far side has everything.
 *
 * Returns: %TRUE once [method@Channel.finish] would succeed at once, whatever became of the channel since
 */
gboolean
dc_channel_is_finished (DcChannel *self)
{
  gboolean finished;

  g_return_val_if_fail (DC_IS_CHANNEL (self), FALSE);
  g_mutex_lock (&self->lock);
  finished = self->finished;
  g_mutex_unlock (&self->lock);
  return finished;
}

/**
 * dc_channel_set_flushing:
 * @self: a channel
 * @direction: whom it concerns: who sends or finishes (%DC_DIRECTION_SEND), who receives (%DC_DIRECTION_RECEIVE), or both
 * @flushing: %TRUE: every blocked and every later call of these returns %DC_ERROR_FLUSHING at once; %FALSE: as before
 *
 * Ends waiting, so that a thread can be told to stop. Nothing is lost by it.
 */
void
dc_channel_set_flushing (DcChannel *self, DcDirection direction, gboolean flushing)
{
  g_return_if_fail (DC_IS_CHANNEL (self));
  g_mutex_lock (&self->lock);
  self->flushing = flushing ? self->flushing | direction : self->flushing & ~direction;
  dc_channel_check_room_locked (self);
  g_cond_broadcast (&self->cond);
  dc_channel_unlock (self);
}

/**
 * dc_channel_abort:
 * @self: a channel
 * @reason: why, as a sentence for people; in link mode the far side gets it as the message of its error
 *
 * Breaks the channel off. Blocked calls of both sides return %DC_ERROR_PEER_GONE. Harmless on a closed channel, and on one whose
 * sides have both finished. Does not block.
 */
void
dc_channel_abort (DcChannel *self, const char *reason)
{
  g_return_if_fail (DC_IS_CHANNEL (self));
  g_mutex_lock (&self->lock);
  if (!self->closing) {
    self->closing = TRUE;
    self->pending |= PENDING_WANTS_CLOSE;
    if (self->link != NULL && !self->ended && !dc_channel_is_clean_locked (self)) {
      self->abort_sent = TRUE;
      self->error = g_error_new (DC_ERROR, DC_ERROR_PEER_GONE, "broken off at this end: %s", reason);
      dc_link_abort (self->link, reason);
      dc_channel_transmit_locked (self);
    }
    dc_channel_check_settled_locked (self);
    dc_channel_check_room_locked (self);
    dc_channel_check_held_locked (self);
    g_cond_broadcast (&self->cond);
  }
  dc_channel_unlock (self);
}

/**
 * dc_channel_close:
 * @self: a channel
 *
 * Closes the channel. If both sides had finished that is its end as agreed; otherwise the far side gets an error, as with
 * dc_channel_abort(). Does not block.
 */
void
dc_channel_close (DcChannel *self)
{
  dc_channel_abort (self, "it closed the channel");
}

static void
dc_channel_finalize (GObject *object)
{
  DcChannel *self = DC_CHANNEL (object);

  g_queue_clear_full (&self->early, (GDestroyNotify) dc_link_item_free);
  g_queue_clear_full (&self->inbox, (GDestroyNotify) dc_link_item_free);
  g_clear_pointer (&self->link, dc_link_free);
  g_clear_pointer (&self->proof, dc_proof_free);
  g_clear_error (&self->error);
  g_clear_error (&self->lost_reason);
  g_clear_pointer (&self->watch, dc_sctp_watch_unref);
  g_free (self->remote_id);
  g_main_context_unref (self->context);
  dc_channel_options_free (self->options);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
  if (self->destroy != NULL)
    self->destroy (self->user_data);
  G_OBJECT_CLASS (dc_channel_parent_class)->finalize (object);
}

static void
dc_channel_class_init (DcChannelClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = dc_channel_finalize;
  dc_channel_install_signals ();
}

static void
dc_channel_init (DcChannel *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  g_queue_init (&self->early);
  g_queue_init (&self->inbox);
  memset (&self->empty, 0xff, sizeof self->empty);
  dc_rate_init (&self->send_rate, g_get_monotonic_time ());
  dc_rate_init (&self->receive_rate, g_get_monotonic_time ());
}
