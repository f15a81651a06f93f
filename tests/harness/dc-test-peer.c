/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-peer.c: a real DcPeer whose events can be waited for. */
#include "tests/harness/dc-test-peer.h"

#include <gobject/gvaluecollector.h>
#include <string.h>

#include "tests/harness/dc-test-cut.h"

struct _DcTestPeer {
  DcPeer *peer;
  GMutex lock;
  GCond cond;
  GPtrArray *events; /* (element-type GstStructure): all so far */
  guint seen;        /* how many were looked at */
  GError *error;
};

static struct {
  GMutex lock;
  GCond fewer;
  guint n;
} channels;

static void
on_event (DcPeer *peer, const GstStructure *event, DcTestPeer *self)
{
  g_autofree char *text = gst_structure_to_string (event);

  g_test_message ("%p: %s", (gpointer) peer, text); /* to see in the log of a test that has failed */
  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->events, gst_structure_copy (event));
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

static void
on_failed (DcPeer *peer, const GError *error, DcTestPeer *self)
{
  g_mutex_lock (&self->lock);
  self->error = g_error_copy (error);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

/* The names that are no property of the peer's but an option of its channel. */
static gboolean
take_option (DcChannelOptions *options, const char *name, va_list *arguments)
{
  if (g_str_equal (name, "label")) {
    g_free (options->label);
    options->label = g_strdup (va_arg (*arguments, const char *));
  } else if (g_str_equal (name, "mode"))
    options->mode = va_arg (*arguments, int);
  else if (g_str_equal (name, "wants"))
    options->wants = va_arg (*arguments, int);
  else
    return FALSE;
  return TRUE;
}

static void
take_property (GPtrArray *names, GArray *values, const char *name, va_list *arguments)
{
  GObjectClass *klass = g_type_class_ref (DC_TYPE_PEER);
  GParamSpec *spec = g_object_class_find_property (klass, name);
  GValue value = G_VALUE_INIT;
  char *problem = NULL;

  g_assert_nonnull (spec);
  G_VALUE_COLLECT_INIT (&value, spec->value_type, *arguments, 0, &problem);
  g_assert_null (problem);
  g_ptr_array_add (names, (gpointer) name);
  g_array_append_val (values, value);
  g_type_class_unref (klass);
}

static DcPeer *
new_peer (const char *signaling, const char *first, va_list *arguments)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autoptr (GArray) values = g_array_new (FALSE, TRUE, sizeof (GValue));
  g_autoptr (DcChannelOptions) options = dc_channel_options_new (NULL);
  g_autoptr (GError) error = NULL;
  GValue url = G_VALUE_INIT;
  DcPeer *peer;

  g_array_set_clear_func (values, (GDestroyNotify) g_value_unset);
  g_value_init (&url, G_TYPE_STRING);
  g_value_set_string (&url, signaling);
  g_ptr_array_add (names, (gpointer) "signaling");
  g_array_append_val (values, url);
  for (const char *name = first; name != NULL; name = va_arg (*arguments, const char *))
    if (!take_option (options, name, arguments))
      take_property (names, values, name, arguments);
  peer = DC_PEER (g_object_new_with_properties (
      DC_TYPE_PEER, names->len, (const char **) names->pdata, (const GValue *) (gpointer) values->data));
  dc_peer_add_channel (peer, options, &error);
  g_assert_no_error (error);
  return peer;
}

DcTestPeer *
dc_test_peer_new (const char *signaling, const char *first_property, ...)
{
  va_list arguments;
  DcPeer *peer;

  va_start (arguments, first_property);
  peer = new_peer (signaling, first_property, &arguments);
  va_end (arguments);
  return dc_test_peer_start (peer);
}

DcTestPeer *
dc_test_peer_start (DcPeer *peer)
{
  DcTestPeer *self = g_new0 (DcTestPeer, 1);
  g_autoptr (GError) error = NULL;

  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  self->events = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_structure_free);
  self->peer = peer;
  g_signal_connect (self->peer, "event", G_CALLBACK (on_event), self);
  g_signal_connect (self->peer, "failed", G_CALLBACK (on_failed), self);
  dc_peer_start (self->peer, &error);
  g_assert_no_error (error);
  return self;
}

void
dc_test_peer_free (DcTestPeer *self)
{
  dc_peer_stop (self->peer);
  g_object_unref (self->peer);
  g_ptr_array_unref (self->events);
  g_clear_error (&self->error);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
  g_free (self);
}

DcPeer *
dc_test_peer_get (DcTestPeer *self)
{
  return self->peer;
}

static gboolean
fits (const GstStructure *event, const char *name, const char *field, const char *value)
{
  g_autofree char *text = NULL;
  const GValue *found;

  if (!gst_structure_has_name (event, name))
    return FALSE;
  if (field == NULL)
    return TRUE;
  found = gst_structure_get_value (event, field);
  if (found == NULL)
    return FALSE;
  text = G_VALUE_HOLDS_STRING (found) ? g_value_dup_string (found) : gst_value_serialize (found);
  return g_str_equal (text, value);
}

GstStructure *
dc_test_peer_wait_event_with (DcTestPeer *self, const char *name, const char *field, const char *value)
{
  GstStructure *event = NULL;

  g_mutex_lock (&self->lock);
  while (event == NULL) {
    for (; event == NULL && self->seen < self->events->len; self->seen++) {
      const GstStructure *candidate = g_ptr_array_index (self->events, self->seen);
      if (fits (candidate, name, field, value))
        event = gst_structure_copy (candidate);
    }
    if (event == NULL && self->error != NULL)
      g_error ("waiting for the event %s, but the peer gave up: %s", name, self->error->message);
    if (event == NULL)
      g_cond_wait (&self->cond, &self->lock);
  }
  g_mutex_unlock (&self->lock);
  return event;
}

GstStructure *
dc_test_peer_wait_event (DcTestPeer *self, const char *name)
{
  return dc_test_peer_wait_event_with (self, name, NULL, NULL);
}

void
dc_test_peer_look_back (DcTestPeer *self)
{
  g_mutex_lock (&self->lock);
  self->seen = 0;
  g_mutex_unlock (&self->lock);
}

guint
dc_test_peer_count_events (DcTestPeer *self, const char *name)
{
  guint count = 0;

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->events->len; i++)
    count += gst_structure_has_name (g_ptr_array_index (self->events, i), name);
  g_mutex_unlock (&self->lock);
  return count;
}

/* Whatever thread lets go of it last. */
static void
on_channel_gone (gpointer user_data, GObject *where_it_was)
{
  g_mutex_lock (&channels.lock);
  channels.n--;
  g_cond_broadcast (&channels.fewer);
  g_mutex_unlock (&channels.lock);
}

DcChannel *
dc_test_peer_wait_channel (DcTestPeer *self)
{
  g_autoptr (GError) error = NULL;
  DcChannel *channel = dc_peer_wait_channel (self->peer, NULL, &error);

  g_assert_no_error (error);
  g_mutex_lock (&channels.lock);
  channels.n++;
  g_mutex_unlock (&channels.lock);
  g_object_weak_ref (G_OBJECT (channel), on_channel_gone, NULL);
  return channel;
}

typedef struct {
  DcTestPeer **peer;
  GThread *closer;
} Late;

/* webrtcbin's thread may tell it too, as some of what was pushed leaves GStreamer's own queues even now; it cannot wait for a peer that waits for it. */
static void
stop_peer (DcChannel *channel, const Late *late)
{
  if (g_thread_self () == late->closer)
    g_clear_pointer (late->peer, dc_test_peer_free);
}

/* That there is room again, for errors, is told here, and before the session is, unless it was told just before. */
gboolean
dc_test_close_late (DcChannel *channel, DcTestPeer **peer)
{
  const Late late = {peer, g_thread_self ()};
  gulong handler;

  dc_test_cut_set (TRUE);
  while (dc_channel_can_push (channel, 0))
    dc_test_push_text (channel, "nobody takes it");
  handler = g_signal_connect (channel, "writable", G_CALLBACK (stop_peer), (gpointer) &late);
  dc_channel_close (channel);
  g_signal_handler_disconnect (channel, handler);
  dc_test_cut_set (FALSE);
  return *peer == NULL;
}

guint
dc_test_count_channels (void)
{
  guint n;

  g_mutex_lock (&channels.lock);
  n = channels.n;
  g_mutex_unlock (&channels.lock);
  return n;
}

void
dc_test_wait_no_channel (void)
{
  g_mutex_lock (&channels.lock);
  while (channels.n > 0)
    g_cond_wait (&channels.fewer, &channels.lock);
  g_mutex_unlock (&channels.lock);
}

GError *
dc_test_peer_wait_failed (DcTestPeer *self)
{
  GError *error;

  g_mutex_lock (&self->lock);
  while (self->error == NULL)
    g_cond_wait (&self->cond, &self->lock);
  error = g_error_copy (self->error);
  g_mutex_unlock (&self->lock);
  return error;
}

void
dc_test_push_text (DcChannel *channel, const char *text)
{
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_DATA);
  g_autoptr (GError) error = NULL;

  item->flags = DC_LINK_FLAG_TEXT;
  item->payload = g_bytes_new (text, strlen (text));
  dc_channel_push (channel, item, TRUE, &error);
  g_assert_no_error (error);
}

void
dc_test_expect_text (DcChannel *channel, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcLinkItem) item = dc_channel_pull (channel, 0, &error);

  g_assert_no_error (error);
  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_DATA);
  g_assert_cmpuint (item->flags, ==, DC_LINK_FLAG_TEXT);
  g_assert_cmpmem (g_bytes_get_data (item->payload, NULL), g_bytes_get_size (item->payload), text, strlen (text));
}

void
dc_test_expect_fin (DcChannel *channel)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcLinkItem) item = dc_channel_pull (channel, 0, &error);

  g_assert_no_error (error);
  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_FIN);
  dc_channel_accept_fin (channel);
}
