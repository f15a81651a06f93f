/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-fake-peer.c: a DcPeer without a network, whose room is the test. */
#include "tests/harness/dc-fake-peer-private.h"

GMutex dc_fake_lock;
GCond dc_fake_cond;
static GQueue started; /* (element-type DcPeer): not yet waited for */

struct _DcPeer {
  GObject parent_instance;
  GHashTable *properties; /* name -> GValue */
  GPtrArray *options;     /* (element-type DcChannelOptions) */
  GQueue offered;         /* (element-type DcChannel): open, and not handed out */
  GError *error;
  gboolean flushing, stopped;
};

G_DEFINE_FINAL_TYPE (DcPeer, dc_peer, G_TYPE_OBJECT)

/* --- Types --------------------------------------------------------------------------------------------------------------------- */

#define DEFINE_ENUM(function, name, ...)                                                                               \
  GType function (void)                                                                                                \
  {                                                                                                                    \
    static gsize type = 0;                                                                                             \
    static const GEnumValue values[] = {__VA_ARGS__, {0, NULL, NULL}};                                                 \
    if (g_once_init_enter (&type))                                                                                     \
      g_once_init_leave (&type, g_enum_register_static (name, values));                                                \
    return type;                                                                                                       \
  }

/* --- The peer, for the element -------------------------------------------------------------------------------------------------- */

static void
free_value (gpointer data)
{
  g_value_unset (data);
  g_free (data);
}

static void
dc_peer_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GValue *copy = g_new0 (GValue, 1);

  g_value_init (copy, G_VALUE_TYPE (value));
  g_value_copy (value, copy);
  g_mutex_lock (&dc_fake_lock);
  g_hash_table_insert (DC_PEER (object)->properties, g_strdup (pspec->name), copy);
  g_mutex_unlock (&dc_fake_lock);
}

static void
dc_peer_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_mutex_lock (&dc_fake_lock);
  g_value_copy (g_hash_table_lookup (DC_PEER (object)->properties, pspec->name), value);
  g_mutex_unlock (&dc_fake_lock);
}

static void
dc_peer_finalize (GObject *object)
{
  DcPeer *self = DC_PEER (object);

  g_hash_table_unref (self->properties);
  g_ptr_array_unref (self->options);
  g_queue_clear_full (&self->offered, g_object_unref);
  g_clear_error (&self->error);
  G_OBJECT_CLASS (dc_peer_parent_class)->finalize (object);
}

static void
dc_peer_init (DcPeer *self)
{
  self->properties = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_value);
  self->options = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_channel_options_free);
}

static void
install_properties (GObjectClass *klass)
{
  static const char *const strings[] = {"signaling", "room", "id", "remote-peer", "stun-server", "tls-ca", "token",
      "secret", "certificate", "proxy", "interface", "port-range"};
  static const char *const numbers[] = {"connect-timeout", "resume-timeout", "max-connections"};
  static const char *const switches[] = {"polling", "once", "use-turn", "ice-tcp"};
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY;
  guint id = 1;

  for (gsize i = 0; i < G_N_ELEMENTS (strings); i++)
    g_object_class_install_property (klass, id++, g_param_spec_string (strings[i], NULL, NULL, NULL, flags));
  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    g_object_class_install_property (klass, id++, g_param_spec_uint (numbers[i], NULL, NULL, 0, G_MAXUINT, 0, flags));
  for (gsize i = 0; i < G_N_ELEMENTS (switches); i++)
    g_object_class_install_property (klass, id++, g_param_spec_boolean (switches[i], NULL, NULL, FALSE, flags));
  g_object_class_install_property (klass, id++, g_param_spec_enum ("role", NULL, NULL, DC_TYPE_ROLE, 0, flags));
  g_object_class_install_property (
      klass, id++, g_param_spec_enum ("ice-transport-policy", NULL, NULL, DC_TYPE_ICE_POLICY, 0, flags));
  g_object_class_install_property (klass, id++, g_param_spec_enum ("fast", NULL, NULL, DC_TYPE_FAST, 0, flags));
  g_object_class_install_property (klass, id++, g_param_spec_boxed ("turn-servers", NULL, NULL, G_TYPE_STRV, flags));
  g_object_class_install_property (klass, id++,
      g_param_spec_uint ("stats-interval", NULL, NULL, 0, G_MAXUINT, 0, G_PARAM_READWRITE | G_PARAM_CONSTRUCT));
}

static void
dc_peer_class_init (DcPeerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = dc_peer_set_property;
  object_class->get_property = dc_peer_get_property;
  object_class->finalize = dc_peer_finalize;
  install_properties (object_class);
  g_signal_new ("event", DC_TYPE_PEER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, GST_TYPE_STRUCTURE);
  g_signal_new ("statistics", DC_TYPE_PEER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, GST_TYPE_STRUCTURE);
  g_signal_new ("channel", DC_TYPE_PEER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, DC_TYPE_CHANNEL);
  g_signal_new ("failed", DC_TYPE_PEER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
}

gboolean
dc_peer_add_channel (DcPeer *self, const DcChannelOptions *options, GError **error)
{
  if (!dc_channel_options_check (options, error))
    return FALSE;
  g_ptr_array_add (self->options, dc_channel_options_copy (options));
  return TRUE;
}

gboolean
dc_peer_start (DcPeer *self, GError **error)
{
  g_autofree char *room = NULL;

  g_object_get (self, "room", &room, NULL);
  if (room != NULL && *room == '\0') {
    g_set_error_literal (error, DC_ERROR, DC_ERROR_USAGE, "a room needs a name");
    return FALSE;
  }
  if (self->options->len == 0)
    g_ptr_array_add (self->options, dc_channel_options_new (NULL));
  g_mutex_lock (&dc_fake_lock);
  g_queue_push_tail (&started, g_object_ref (self));
  g_cond_broadcast (&dc_fake_cond);
  g_mutex_unlock (&dc_fake_lock);
  return TRUE;
}

void
dc_peer_stop (DcPeer *self)
{
  g_mutex_lock (&dc_fake_lock);
  self->stopped = TRUE;
  g_cond_broadcast (&dc_fake_cond);
  g_mutex_unlock (&dc_fake_lock);
}

static DcChannel *
take_offered_locked (DcPeer *self, const char *label)
{
  for (GList *l = self->offered.head; l != NULL; l = l->next) {
    DcChannel *channel = l->data;
    if (label == NULL || g_str_equal (label, dc_channel_get_label (channel))) {
      g_queue_delete_link (&self->offered, l);
      return channel;
    }
  }
  return NULL;
}

/* TRUE: waiting has an end, with or without a channel. */
static gboolean
look_for_channel_locked (DcPeer *self, const char *label, DcChannel **channel, GError **error)
{
  if (self->flushing || self->stopped)
    g_set_error_literal (error, DC_ERROR, DC_ERROR_FLUSHING, "flushing");
  else if ((*channel = take_offered_locked (self, label)) == NULL && self->error != NULL)
    g_propagate_error (error, g_error_copy (self->error));
  return self->flushing || self->stopped || *channel != NULL || self->error != NULL;
}

DcChannel *
dc_peer_wait_channel (DcPeer *self, const char *label, GError **error)
{
  DcChannel *channel = NULL;

  g_mutex_lock (&dc_fake_lock);
  while (!look_for_channel_locked (self, label, &channel, error))
    g_cond_wait (&dc_fake_cond, &dc_fake_lock);
  g_mutex_unlock (&dc_fake_lock);
  return channel;
}

DcChannel *
dc_peer_try_channel (DcPeer *self, const char *label, GError **error)
{
  DcChannel *channel = NULL;

  g_mutex_lock (&dc_fake_lock);
  look_for_channel_locked (self, label, &channel, error);
  g_mutex_unlock (&dc_fake_lock);
  return channel;
}

void
dc_peer_set_flushing (DcPeer *self, gboolean flushing)
{
  g_mutex_lock (&dc_fake_lock);
  self->flushing = flushing;
  g_cond_broadcast (&dc_fake_cond);
  g_mutex_unlock (&dc_fake_lock);
}

char *
dc_peer_dup_id (DcPeer *self)
{
  return g_strdup ("near");
}

GstStructure *
dc_peer_dup_stats (DcPeer *self)
{
  return gst_structure_new ("datachannel-statistics", "id", G_TYPE_STRING, "near", NULL);
}

/* --- The peer, for the test ----------------------------------------------------------------------------------------------------- */

DcPeer *
dc_fake_wait_peer (void)
{
  DcPeer *peer;

  g_mutex_lock (&dc_fake_lock);
  while ((peer = g_queue_pop_head (&started)) == NULL)
    g_cond_wait (&dc_fake_cond, &dc_fake_lock);
  g_mutex_unlock (&dc_fake_lock);
  return peer;
}

gboolean
dc_fake_has_peer (void)
{
  gboolean has_peer;

  g_mutex_lock (&dc_fake_lock);
  has_peer = started.length > 0;
  g_mutex_unlock (&dc_fake_lock);
  return has_peer;
}

gboolean
dc_fake_peer_is_stopped (DcPeer *peer)
{
  gboolean stopped;

  g_mutex_lock (&dc_fake_lock);
  stopped = peer->stopped;
  g_mutex_unlock (&dc_fake_lock);
  return stopped;
}

guint
dc_fake_peer_count_options (DcPeer *peer)
{
  return peer->options->len;
}

const DcChannelOptions *
dc_fake_peer_get_options (DcPeer *peer, guint index)
{
  g_assert_cmpuint (index, <, peer->options->len);
  return g_ptr_array_index (peer->options, index);
}

static DcChannel *
offer (DcPeer *peer, DcChannel *channel)
{
  g_mutex_lock (&dc_fake_lock);
  g_queue_push_tail (&peer->offered, g_object_ref (channel));
  g_cond_broadcast (&dc_fake_cond);
  g_mutex_unlock (&dc_fake_lock);
  g_signal_emit_by_name (peer, "channel", channel);
  return channel;
}

DcChannel *
dc_fake_peer_open (DcPeer *peer)
{
  return dc_fake_peer_open_with_window (peer, G_MAXUINT);
}

DcChannel *
dc_fake_peer_open_with_window (DcPeer *peer, guint items)
{
  return dc_fake_peer_open_as (peer, 0, "far", items);
}

DcChannel *
dc_fake_peer_open_as (DcPeer *peer, guint index, const char *remote_id, guint items)
{
  return offer (peer, dc_fake_channel_new (dc_fake_peer_get_options (peer, index), remote_id, items));
}

DcChannel *
dc_fake_peer_open_ended (DcPeer *peer, const char *message)
{
  DcChannel *channel = dc_fake_channel_new (dc_fake_peer_get_options (peer, 0), "far", G_MAXUINT);

  dc_fake_channel_end (channel, message);
  return offer (peer, channel);
}

void
dc_fake_peer_fail (DcPeer *peer, DcError code, const char *message)
{
  g_mutex_lock (&dc_fake_lock);
  peer->error = g_error_new_literal (DC_ERROR, code, message);
  g_cond_broadcast (&dc_fake_cond);
  g_mutex_unlock (&dc_fake_lock);
  g_signal_emit_by_name (peer, "failed", peer->error);
}

void
dc_fake_peer_tell (DcPeer *peer, GstStructure *event)
{
  g_signal_emit_by_name (peer, "event", event);
  gst_structure_free (event);
}

void
dc_fake_peer_tell_statistics (DcPeer *peer)
{
  g_autoptr (GstStructure) stats = dc_peer_dup_stats (peer);

  g_signal_emit_by_name (peer, "statistics", stats);
}
