/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-connection-base.c: what the parts of a connection stand on: handing over to the worker, telling the owner, ending. */
#include "plugins/peer/dc-channel-private.h"
#include "plugins/peer/dc-connection-private.h"
#include "plugins/peer/dc-event.h"
#include "plugins/peer/dc-source.h"

void
dc_connection_forget_candidates (DcConnection *self)
{
  dc_source_clear (&self->head_start);
  g_queue_clear_full (&self->held_remote, g_free);
  g_queue_clear_full (&self->early_candidates, g_free);
}

DcConnection *
dc_connection_ref (DcConnection *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
dc_connection_unref (DcConnection *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  dc_connection_forget_candidates (self);
  g_clear_pointer (&self->identity, dc_identity_free);
  g_ptr_array_unref (self->channels);
  g_hash_table_unref (self->unannounced);
  g_hash_table_unref (self->announced);
  g_mutex_clear (&self->identity_lock);
  g_mutex_clear (&self->attach_lock);
  g_clear_object (&self->cancellable);
  g_main_context_unref (self->context);
  g_clear_pointer (&self->pair, gst_structure_free);
  g_free (self->remote_id);
  g_free (self->call);
  g_free (self->continues);
  g_free (self->secret);
  g_free (self);
}

typedef struct {
  DcConnection *self;
  DcConnectionFunc func;
  gpointer data;
  GDestroyNotify destroy;
} Post;

static gboolean
post_dispatch (gpointer user_data)
{
  Post *post = user_data;

  if (post->self->phase != DC_PHASE_CLOSED)
    post->func (post->self, post->data);
  return G_SOURCE_REMOVE;
}

static void
post_free (gpointer user_data)
{
  Post *post = user_data;

  if (post->destroy != NULL)
    post->destroy (post->data);
  dc_connection_unref (post->self);
  g_free (post);
}

void
dc_connection_post (DcConnection *self, DcConnectionFunc func, gpointer data, GDestroyNotify destroy)
{
  Post post = {dc_connection_ref (self), func, data, destroy};
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, DC_SOURCE_PRIORITY_NEWS);
  g_source_set_callback (source, post_dispatch, g_memdup2 (&post, sizeof post), post_free);
  g_source_attach (source, self->context);
}

static void
closure_unref (gpointer data, GClosure *closure)
{
  dc_connection_unref (data);
}

void
dc_connection_connect (DcConnection *self, gpointer instance, const char *signal, GCallback callback)
{
  g_signal_connect_data (instance, signal, callback, dc_connection_ref (self), closure_unref, 0);
}

GstStructure *
dc_connection_event (DcConnection *self, const char *name)
{
  GstStructure *event = dc_event_new (name, self->start);

  gst_structure_set (event, "peer", G_TYPE_STRING, self->remote_id, NULL);
  return event;
}

void
dc_connection_emit (DcConnection *self, GstStructure *event)
{
  self->callbacks.event (self, event, self->user_data);
}

void
dc_connection_send (DcConnection *self, DcMessage *message)
{
  g_autoptr (DcMessage) owned = message;

  owned->to = g_strdup (self->remote_id);
  owned->call = g_strdup (self->call);
  self->callbacks.signal (self, owned, self->user_data);
}

void
dc_connection_end (DcConnection *self, const GError *error)
{
  if (self->phase >= DC_PHASE_ENDED)
    return;
  dc_source_clear (&self->timeout);
  self->phase = DC_PHASE_ENDED;
  self->callbacks.ended (self, error, self->user_data);
}

void
dc_connection_fail (DcConnection *self, DcError code, const char *format, ...)
{
  g_autoptr (GError) error = NULL;
  va_list arguments;

  if (self->phase >= DC_PHASE_ENDED)
    return;
  va_start (arguments, format);
  error = g_error_new_valist (DC_ERROR, code, format, arguments);
  va_end (arguments);
  dc_connection_end (self, error);
}

void
dc_connection_close_after (DcConnection *self, guint milliseconds, GSourceFunc func)
{
  dc_source_clear (&self->close_timer);
  self->close_timer = g_timeout_source_new (milliseconds);
  g_source_set_callback (self->close_timer, func, self, NULL);
  g_source_attach (self->close_timer, self->context);
}

void
dc_connection_hurry (DcConnection *self)
{
  if (self->phase == DC_PHASE_CLOSING && self->linger_end != NULL)
    dc_connection_close_after (
        self, 0, g_steal_pointer (&self->linger_end)); /* once: who hurries again must not put it off */
}

gboolean
dc_connection_was_open (DcConnection *self)
{
  return self->opened_at != 0;
}

guint
dc_connection_get_stream_id (DcConnection *self)
{
  g_autoptr (GObject) stream = NULL;
  guint stream_id = 0;

  g_object_get (self->ice, "stream", &stream, NULL);
  g_object_get (stream, "stream-id", &stream_id, NULL);
  return stream_id;
}
