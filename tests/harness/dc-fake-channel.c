/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-fake-channel.c: a DcChannel without a network, whose far side is the test. */
#include "tests/harness/dc-fake-peer-private.h"

#define MAX_STREAMS 3

struct _DcChannel {
  GObject parent_instance;

  char *label;
  char *remote_id;
  DcMode mode;
  gsize max_message;

  GQueue pushed[MAX_STREAMS], given[MAX_STREAMS]; /* (element-type DcLinkItem) */
  guint window;                                   /* of stream 0, in items */
  gboolean blocked, finishing, fin_acknowledged, accepted, closed, ended;
  gboolean unwritable;              /* dc_channel_can_push() said so */
  gboolean unreadable[MAX_STREAMS]; /* dc_channel_try_pull() said so */
  gboolean drained[MAX_STREAMS];    /* the element has asked in vain */
  guint flushing;                   /* DcDirection */
  GError *error;
  char *abort_reason;
};

G_DEFINE_FINAL_TYPE (DcChannel, dc_channel, G_TYPE_OBJECT)

/* --- For the element ------------------------------------------------------------------------------------------------------------- */

static void
dc_channel_finalize (GObject *object)
{
  DcChannel *self = DC_CHANNEL (object);

  for (guint i = 0; i < MAX_STREAMS; i++) {
    g_queue_clear_full (&self->pushed[i], (GDestroyNotify) dc_link_item_free);
    g_queue_clear_full (&self->given[i], (GDestroyNotify) dc_link_item_free);
  }
  g_clear_error (&self->error);
  g_free (self->abort_reason);
  g_free (self->label);
  g_free (self->remote_id);
  G_OBJECT_CLASS (dc_channel_parent_class)->finalize (object);
}

static void
dc_channel_init (DcChannel *self)
{
  for (guint i = 0; i < MAX_STREAMS; i++)
    self->unreadable[i] = TRUE;
}

static void
install_signal (const char *name, guint n_params, GType param)
{
  g_signal_new (name, DC_TYPE_CHANNEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, n_params, param);
}

static void
dc_channel_class_init (DcChannelClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = dc_channel_finalize;
  install_signal ("acknowledged", 1, G_TYPE_UINT64);
  install_signal ("readable", 1, G_TYPE_UINT);
  install_signal ("suspended", 1, G_TYPE_ERROR);
  install_signal ("closed", 1, G_TYPE_ERROR);
  g_signal_new ("writable", DC_TYPE_CHANNEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  g_signal_new ("resumed", DC_TYPE_CHANNEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  g_signal_new ("finished", DC_TYPE_CHANNEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static gboolean
interrupted_locked (DcChannel *self, DcDirection direction, GError **error)
{
  gboolean flushing = (self->flushing & direction) != 0;

  if (flushing)
    g_set_error_literal (error, DC_ERROR, DC_ERROR_FLUSHING, "flushing");
  else if (self->ended && self->error != NULL)
    g_propagate_error (error, g_error_copy (self->error));
  else if (self->ended || self->closed)
    g_set_error_literal (error, DC_ERROR, DC_ERROR_PEER_GONE, "the channel is closed");
  return flushing || self->ended || self->closed;
}

static void
wait_for_test_locked (DcChannel *self)
{
  self->blocked = TRUE;
  g_cond_broadcast (&dc_fake_cond);
  g_cond_wait (&dc_fake_cond, &dc_fake_lock);
  self->blocked = FALSE;
}

static gboolean
has_room_locked (DcChannel *self, guint stream)
{
  return stream != 0 || self->pushed[0].length < self->window;
}

gboolean
dc_channel_push (DcChannel *self, DcLinkItem *item, gboolean ack_now, GError **error)
{
  guint stream = item->stream;
  gboolean interrupted;

  g_assert_cmpuint (stream, <, MAX_STREAMS);
  g_mutex_lock (&dc_fake_lock);
  interrupted = self->finishing;
  if (interrupted)
    g_set_error_literal (error, DC_ERROR, DC_ERROR_DATA, "nothing more can be sent: the end was announced");
  while (!interrupted && !(interrupted = interrupted_locked (self, DC_DIRECTION_SEND, error))
         && !has_room_locked (self, stream))
    wait_for_test_locked (self);
  if (interrupted)
    dc_link_item_free (item);
  else
    g_queue_push_tail (&self->pushed[stream], item);
  g_cond_broadcast (&dc_fake_cond);
  g_mutex_unlock (&dc_fake_lock);
  return !interrupted;
}

gboolean
dc_channel_can_push (DcChannel *self, guint stream)
{
  gboolean can;

  g_mutex_lock (&dc_fake_lock);
  can = self->finishing || interrupted_locked (self, DC_DIRECTION_SEND, NULL) || has_room_locked (self, stream);
  self->unwritable = self->blocked = !can;
  g_cond_broadcast (&dc_fake_cond);
  g_mutex_unlock (&dc_fake_lock);
  return can;
}

guint
dc_channel_discard (DcChannel *self, guint stream)
{
  guint n;

  g_mutex_lock (&dc_fake_lock);
  n = self->pushed[stream].length;
  g_queue_clear_full (&self->pushed[stream], (GDestroyNotify) dc_link_item_free);
  g_cond_broadcast (&dc_fake_cond);
  g_mutex_unlock (&dc_fake_lock);
  return n;
}

static void
begin_finish_locked (DcChannel *self)
{
  if (!self->finishing)
    g_queue_push_tail (&self->pushed[0], dc_link_item_new (DC_LINK_ITEM_FIN));
  self->finishing = TRUE;
  g_cond_broadcast (&dc_fake_cond);
}

gboolean
dc_channel_finish (DcChannel *self, GError **error)
{
  gboolean interrupted = FALSE;

  g_mutex_lock (&dc_fake_lock);
  begin_finish_locked (self);
  while (!self->fin_acknowledged && !(interrupted = interrupted_locked (self, DC_DIRECTION_SEND, error)))
    wait_for_test_locked (self);
  g_mutex_unlock (&dc_fake_lock);
  return !interrupted;
}

void
dc_channel_begin_finish (DcChannel *self)
{
  g_mutex_lock (&dc_fake_lock);
  begin_finish_locked (self);
  g_mutex_unlock (&dc_fake_lock);
}

gboolean
dc_channel_is_finished (DcChannel *self)
{
  gboolean finished;

  g_mutex_lock (&dc_fake_lock);
  finished = self->fin_acknowledged;
  g_mutex_unlock (&dc_fake_lock);
  return finished;
}

DcLinkItem *
dc_channel_pull (DcChannel *self, guint stream, GError **error)
{
  DcLinkItem *item = NULL;

  g_mutex_lock (&dc_fake_lock);
  while ((self->flushing & DC_DIRECTION_RECEIVE) != 0 || (item = g_queue_pop_head (&self->given[stream])) == NULL) {
    if (interrupted_locked (self, DC_DIRECTION_RECEIVE, error))
      break;
    if (!self->drained[stream])
      g_cond_broadcast (&dc_fake_cond);
    self->drained[stream] = TRUE;
    g_cond_wait (&dc_fake_cond, &dc_fake_lock);
  }
  g_mutex_unlock (&dc_fake_lock);
  return item;
}

DcLinkItem *
dc_channel_try_pull (DcChannel *self, guint stream, GError **error)
{
  DcLinkItem *item;

  g_mutex_lock (&dc_fake_lock);
  item = g_queue_pop_head (&self->given[stream]);
  self->unreadable[stream] = self->drained[stream] = item == NULL;
  g_cond_broadcast (&dc_fake_cond);
  if (item == NULL)
    interrupted_locked (self, DC_DIRECTION_RECEIVE, error);
  g_mutex_unlock (&dc_fake_lock);
  return item;
}

void
dc_channel_accept_fin (DcChannel *self)
{
  g_mutex_lock (&dc_fake_lock);
  self->accepted = TRUE;
  g_cond_broadcast (&dc_fake_cond);
  g_mutex_unlock (&dc_fake_lock);
}

void
dc_channel_set_flushing (DcChannel *self, DcDirection direction, gboolean flushing)
{
  g_mutex_lock (&dc_fake_lock);
  self->flushing = flushing ? self->flushing | direction : self->flushing & ~direction;
  g_cond_broadcast (&dc_fake_cond);
  g_mutex_unlock (&dc_fake_lock);
}

static void
close_channel (DcChannel *self, const char *reason)
{
  g_mutex_lock (&dc_fake_lock);
  if (self->abort_reason == NULL && !self->closed)
    self->abort_reason = g_strdup (reason);
  self->closed = TRUE;
  g_cond_broadcast (&dc_fake_cond);
  g_mutex_unlock (&dc_fake_lock);
}

void
dc_channel_abort (DcChannel *self, const char *reason)
{
  close_channel (self, reason);
}

void
dc_channel_close (DcChannel *self)
{
  close_channel (self, NULL);
}

gboolean
dc_channel_is_ended (DcChannel *self)
{
  gboolean ended;

  g_mutex_lock (&dc_fake_lock);
  ended = self->ended;
  g_mutex_unlock (&dc_fake_lock);
  return ended;
}

gboolean
dc_channel_is_suspended (DcChannel *self)
{
  return FALSE;
}

const char *
dc_channel_get_remote_id (DcChannel *self)
{
  return self->remote_id;
}

const char *
dc_channel_get_label (DcChannel *self)
{
  return self->label;
}

DcMode
dc_channel_get_mode (DcChannel *self)
{
  return self->mode;
}

gsize
dc_channel_get_max_message_size (DcChannel *self)
{
  gsize max;

  g_mutex_lock (&dc_fake_lock);
  max = self->max_message;
  g_mutex_unlock (&dc_fake_lock);
  return max;
}

/* In items, as the window is. */
void
dc_channel_get_link_stats (DcChannel *self, DcLinkStats *stats)
{
  *stats = (DcLinkStats){0};
  g_mutex_lock (&dc_fake_lock);
  stats->window_bytes = self->window;
  if (self->mode == DC_MODE_LINK)
    stats->in_flight_bytes = self->pushed[0].length;
  else
    stats->waiting_bytes = self->pushed[0].length;
  g_mutex_unlock (&dc_fake_lock);
}

GstStructure *
dc_channel_dup_stats (DcChannel *self)
{
  return gst_structure_new ("channel", "label", G_TYPE_STRING, self->label, NULL);
}

/* --- For the test ---------------------------------------------------------------------------------------------------------------- */

DcChannel *
dc_fake_channel_new (const DcChannelOptions *options, const char *remote_id, guint items)
{
  DcChannel *self = g_object_new (DC_TYPE_CHANNEL, NULL);

  self->label = g_strdup (options->label);
  self->mode = options->mode;
  self->max_message = options->max_message_size;
  self->remote_id = g_strdup (remote_id);
  self->window = items;
  return self;
}

/* Whoever is blocked looks again, and only then counts as blocked once more. Gives up the lock. */
static void
unlock_changed (DcChannel *channel)
{
  gboolean writable = channel->unwritable && (has_room_locked (channel, 0) || channel->ended);

  channel->blocked = FALSE;
  if (writable)
    channel->unwritable = FALSE;
  g_cond_broadcast (&dc_fake_cond);
  g_mutex_unlock (&dc_fake_lock);
  if (writable)
    g_signal_emit_by_name (channel, "writable");
}

void
dc_fake_channel_set_window (DcChannel *channel, guint items)
{
  g_mutex_lock (&dc_fake_lock);
  channel->window = items;
  unlock_changed (channel);
}

void
dc_fake_channel_set_max_message (DcChannel *channel, gsize size)
{
  g_mutex_lock (&dc_fake_lock);
  channel->max_message = size;
  g_mutex_unlock (&dc_fake_lock);
}

void
dc_fake_channel_wait_blocked (DcChannel *channel)
{
  g_mutex_lock (&dc_fake_lock);
  while (!channel->blocked)
    g_cond_wait (&dc_fake_cond, &dc_fake_lock);
  g_mutex_unlock (&dc_fake_lock);
}

DcLinkItem *
dc_fake_channel_take (DcChannel *channel)
{
  return dc_fake_channel_take_stream (channel, 0);
}

DcLinkItem *
dc_fake_channel_take_stream (DcChannel *channel, guint stream)
{
  DcLinkItem *item;

  g_mutex_lock (&dc_fake_lock);
  while ((item = g_queue_pop_head (&channel->pushed[stream])) == NULL)
    g_cond_wait (&dc_fake_cond, &dc_fake_lock);
  unlock_changed (channel);
  return item;
}

guint
dc_fake_channel_count (DcChannel *channel)
{
  guint count;

  g_mutex_lock (&dc_fake_lock);
  count = channel->pushed[0].length;
  g_mutex_unlock (&dc_fake_lock);
  return count;
}

void
dc_fake_channel_wait_count (DcChannel *channel, guint items)
{
  g_mutex_lock (&dc_fake_lock);
  while (channel->pushed[0].length != items)
    g_cond_wait (&dc_fake_cond, &dc_fake_lock);
  g_mutex_unlock (&dc_fake_lock);
}

void
dc_fake_channel_acknowledge_fin (DcChannel *channel)
{
  g_mutex_lock (&dc_fake_lock);
  channel->fin_acknowledged = TRUE;
  unlock_changed (channel);
  g_signal_emit_by_name (channel, "finished");
}

void
dc_fake_channel_give (DcChannel *channel, DcLinkItem *item)
{
  guint stream = item->stream;
  gboolean readable;

  g_assert_cmpuint (stream, <, MAX_STREAMS);
  g_mutex_lock (&dc_fake_lock);
  g_queue_push_tail (&channel->given[stream], item);
  readable = channel->unreadable[stream];
  channel->unreadable[stream] = channel->drained[stream] = FALSE;
  unlock_changed (channel);
  if (readable)
    g_signal_emit_by_name (channel, "readable", stream);
}

void
dc_fake_channel_wait_drained (DcChannel *channel, guint stream)
{
  g_mutex_lock (&dc_fake_lock);
  while (!channel->drained[stream])
    g_cond_wait (&dc_fake_cond, &dc_fake_lock);
  g_mutex_unlock (&dc_fake_lock);
}

gboolean
dc_fake_channel_is_accepted (DcChannel *channel)
{
  gboolean accepted;

  g_mutex_lock (&dc_fake_lock);
  accepted = channel->accepted;
  g_mutex_unlock (&dc_fake_lock);
  return accepted;
}

void
dc_fake_channel_wait_accepted (DcChannel *channel)
{
  g_mutex_lock (&dc_fake_lock);
  while (!channel->accepted)
    g_cond_wait (&dc_fake_cond, &dc_fake_lock);
  g_mutex_unlock (&dc_fake_lock);
}

void
dc_fake_channel_end (DcChannel *channel, const char *message)
{
  g_autoptr (GError) error = message != NULL ? g_error_new_literal (DC_ERROR, DC_ERROR_PEER_GONE, message) : NULL;

  gboolean first;

  g_mutex_lock (&dc_fake_lock);
  first = !channel->ended;
  channel->ended = TRUE;
  if (first)
    channel->error = g_steal_pointer (&error);
  unlock_changed (channel);
  if (first)
    g_signal_emit_by_name (channel, "closed", channel->error);
}

char *
dc_fake_channel_dup_abort (DcChannel *channel)
{
  char *reason;

  g_mutex_lock (&dc_fake_lock);
  reason = g_strdup (channel->abort_reason);
  g_mutex_unlock (&dc_fake_lock);
  return reason;
}

gboolean
dc_fake_channel_is_closed (DcChannel *channel)
{
  gboolean closed;

  g_mutex_lock (&dc_fake_lock);
  closed = channel->closed;
  g_mutex_unlock (&dc_fake_lock);
  return closed;
}

void
dc_fake_channel_wait_closed (DcChannel *channel)
{
  g_mutex_lock (&dc_fake_lock);
  while (!channel->closed)
    g_cond_wait (&dc_fake_cond, &dc_fake_lock);
  g_mutex_unlock (&dc_fake_lock);
}
