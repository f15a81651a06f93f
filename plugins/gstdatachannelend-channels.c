/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelend-channels.c: the channels of an element's end of a connection: coming, waited for, flushing, dropped. */
#include "plugins/gstdatachannelcommon.h"

/* --- Those there are --------------------------------------------------------------------------------------------------------------- */

static DcChannel *
dup_channel_locked (GstDataChannelEnd *end)
{
  return end->channels->len > 0 ? g_object_ref (g_ptr_array_index (end->channels, 0)) : NULL;
}

static gboolean
is_flushing_locked (GstDataChannelEnd *end)
{
  return end->flushing || end->interrupted;
}

static gboolean
check_waiting_locked (GstDataChannelEnd *end, GError **error)
{
  if (is_flushing_locked (end))
    g_set_error_literal (error, DC_ERROR, DC_ERROR_FLUSHING, "flushing");
  else if (end->fault != NULL)
    g_propagate_error (error, g_error_copy (end->fault));
  return !is_flushing_locked (end) && end->fault == NULL;
}

DcChannel *
gst_data_channel_end_get_channel (GstDataChannelEnd *end, GError **error)
{
  DcChannel *channel;

  g_mutex_lock (&end->lock);
  while ((channel = dup_channel_locked (end)) == NULL && check_waiting_locked (end, error))
    g_cond_wait (&end->cond, &end->lock);
  g_mutex_unlock (&end->lock);
  return channel;
}

DcChannel *
gst_data_channel_end_try_channel (GstDataChannelEnd *end)
{
  DcChannel *channel;

  g_mutex_lock (&end->lock);
  channel = dup_channel_locked (end);
  g_mutex_unlock (&end->lock);
  return channel;
}

DcChannel *
gst_data_channel_end_take_channel (GstDataChannelEnd *end, GError **error)
{
  DcChannel *channel;

  g_mutex_lock (&end->lock);
  channel = g_queue_pop_head (&end->arrived);
  if (channel == NULL && end->fault != NULL)
    g_propagate_error (error, g_error_copy (end->fault));
  g_mutex_unlock (&end->lock);
  return channel;
}

gboolean
gst_data_channel_end_has_arrived (GstDataChannelEnd *end)
{
  gboolean arrived;

  g_mutex_lock (&end->lock);
  arrived = end->arrived.length > 0;
  g_mutex_unlock (&end->lock);
  return arrived;
}

void
gst_data_channel_end_drop_channel (GstDataChannelEnd *end, DcChannel *channel, const char *reason)
{
  g_signal_handlers_disconnect_by_data (channel, end);
  if (reason != NULL)
    dc_channel_abort (channel, reason);
  g_mutex_lock (&end->lock);
  g_ptr_array_remove (end->channels, channel);
  g_mutex_unlock (&end->lock);
}

void
gst_data_channel_end_drop_arrived (GstDataChannelEnd *end, DcChannel *channel)
{
  gboolean arrived;

  g_mutex_lock (&end->lock);
  arrived = g_queue_remove (&end->arrived, channel);
  g_mutex_unlock (&end->lock);
  if (!arrived)
    return;
  gst_data_channel_end_drop_channel (end, channel, NULL);
  g_object_unref (channel);
}

/* Tells @channel what is so now, so that of two threads that do this at once the last is right. */
static void
pass_flushing (GstDataChannelEnd *end, DcChannel *channel)
{
  gboolean flushing;

  g_mutex_lock (&end->flush_lock);
  g_mutex_lock (&end->lock);
  flushing = is_flushing_locked (end);
  g_mutex_unlock (&end->lock);
  dc_channel_set_flushing (channel, end->wants, flushing);
  g_mutex_unlock (&end->flush_lock);
}

GPtrArray *
gst_data_channel_end_copy_channels (GstDataChannelEnd *end)
{
  GPtrArray *channels;

  g_mutex_lock (&end->lock);
  channels = g_ptr_array_copy (end->channels, (GCopyFunc) (void (*) (void)) g_object_ref, NULL);
  g_mutex_unlock (&end->lock);
  g_ptr_array_set_free_func (channels, g_object_unref);
  return channels;
}

/* @flag: one of the reasons. */
static void
set_flushing_flag (GstDataChannelEnd *end, gboolean *flag, gboolean value)
{
  g_autoptr (GPtrArray) channels = NULL;

  g_mutex_lock (&end->lock);
  *flag = value;
  g_cond_broadcast (&end->cond);
  g_mutex_unlock (&end->lock);
  channels = gst_data_channel_end_copy_channels (end);
  for (guint i = 0; i < channels->len; i++)
    pass_flushing (end, g_ptr_array_index (channels, i));
}

void
gst_data_channel_end_set_flushing (GstDataChannelEnd *end, gboolean flushing)
{
  set_flushing_flag (end, &end->flushing, flushing);
}

void
gst_data_channel_end_set_interrupted (GstDataChannelEnd *end, gboolean interrupted)
{
  set_flushing_flag (end, &end->interrupted, interrupted);
}

/* --- Waiting for one of many ---------------------------------------------------------------------------------------------------- */

void
gst_data_channel_end_note_change (GstDataChannelEnd *end)
{
  g_mutex_lock (&end->lock);
  end->changes++;
  g_cond_broadcast (&end->cond);
  g_mutex_unlock (&end->lock);
}

guint
gst_data_channel_end_get_changes (GstDataChannelEnd *end)
{
  guint changes;

  g_mutex_lock (&end->lock);
  changes = end->changes;
  g_mutex_unlock (&end->lock);
  return changes;
}

gboolean
gst_data_channel_end_wait_change (GstDataChannelEnd *end, guint seen, gint64 deadline, GError **error)
{
  gboolean flushing, in_time = TRUE;

  g_mutex_lock (&end->lock);
  while (!is_flushing_locked (end) && end->changes == seen && in_time) {
    if (deadline < 0)
      g_cond_wait (&end->cond, &end->lock);
    else
      in_time = g_cond_wait_until (&end->cond, &end->lock, deadline);
  }
  flushing = is_flushing_locked (end);
  g_mutex_unlock (&end->lock);
  if (flushing)
    g_set_error_literal (error, DC_ERROR, DC_ERROR_FLUSHING, "flushing");
  return !flushing;
}

void
gst_data_channel_end_publish_channel (GstDataChannelEnd *end, DcChannel *channel)
{
  g_mutex_lock (&end->lock);
  if (!g_ptr_array_find (end->channels, channel, NULL))
    g_ptr_array_add (end->channels, g_object_ref (channel));
  if (end->max_channels > 1)
    g_queue_push_tail (&end->arrived, g_object_ref (channel));
  end->changes++;
  g_cond_broadcast (&end->cond);
  g_mutex_unlock (&end->lock);
  pass_flushing (end, channel);
}
