/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-fake-peer.c: a DcPeer and a DcChannel without a network, whose far side is the test. */
#include "tests/harness/dc-fake-peer.h"

/* One lock and one condition for everything: there are few threads, and the order of what happens is what is tested. */
static GMutex lock;
static GCond cond;
static GQueue started; /* (element-type DcPeer): not yet waited for */

struct _DcPeer {
  GObject parent_instance;
  GHashTable *properties; /* name -> GValue */
  DcChannel *offered;     /* open, and not handed out */
  GError *error;
  gboolean flushing, stopped;
};

struct _DcChannel {
  GObject parent_instance;
  GQueue pushed, given; /* (element-type DcLinkItem) */
  guint window;
  gboolean blocked, flushing, finishing, fin_acknowledged, accepted, closed, ended;
  GError *error;
  char *abort_reason;
};

G_DEFINE_FINAL_TYPE (DcPeer, dc_peer, G_TYPE_OBJECT)
G_DEFINE_FINAL_TYPE (DcChannel, dc_channel, G_TYPE_OBJECT)

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

DEFINE_ENUM (dc_mode_get_type, "DcMode", {DC_MODE_LINK, "link", "link"}, {DC_MODE_RAW, "raw", "raw"})
DEFINE_ENUM (dc_role_get_type, "DcRole", {DC_ROLE_AUTO, "auto", "auto"}, {DC_ROLE_OFFERER, "offerer", "offerer"},
    {DC_ROLE_ANSWERER, "answerer", "answerer"})
DEFINE_ENUM (dc_wants_get_type, "DcWants", {DC_WANTS_SEND, "send", "send"}, {DC_WANTS_RECEIVE, "receive", "receive"},
    {DC_WANTS_BOTH, "both", "both"})
DEFINE_ENUM (
    dc_ice_policy_get_type, "DcIcePolicy", {DC_ICE_POLICY_ALL, "all", "all"}, {DC_ICE_POLICY_RELAY, "relay", "relay"})

G_DEFINE_QUARK (dc - error - quark, dc_error)

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
  g_hash_table_insert (DC_PEER (object)->properties, g_strdup (pspec->name), copy);
}

static void
dc_peer_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_copy (g_hash_table_lookup (DC_PEER (object)->properties, pspec->name), value);
}

static void
dc_peer_finalize (GObject *object)
{
  DcPeer *self = DC_PEER (object);

  g_hash_table_unref (self->properties);
  g_clear_object (&self->offered);
  g_clear_error (&self->error);
  G_OBJECT_CLASS (dc_peer_parent_class)->finalize (object);
}

static void
dc_peer_init (DcPeer *self)
{
  self->properties = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_value);
}

static void
dc_peer_class_init (DcPeerClass *klass)
{
  static const char *const strings[] = {"signaling", "room", "id", "remote-peer", "label", "stun-server", "tls-ca"};
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  guint id = 1;

  object_class->set_property = dc_peer_set_property;
  object_class->get_property = dc_peer_get_property;
  object_class->finalize = dc_peer_finalize;
  for (gsize i = 0; i < G_N_ELEMENTS (strings); i++)
    g_object_class_install_property (object_class, id++, g_param_spec_string (strings[i], NULL, NULL, NULL, flags));
  g_object_class_install_property (object_class, id++, g_param_spec_enum ("role", NULL, NULL, DC_TYPE_ROLE, 0, flags));
  g_object_class_install_property (
      object_class, id++, g_param_spec_enum ("wants", NULL, NULL, DC_TYPE_WANTS, 3, flags));
  g_object_class_install_property (object_class, id++, g_param_spec_enum ("mode", NULL, NULL, DC_TYPE_MODE, 0, flags));
  g_object_class_install_property (
      object_class, id++, g_param_spec_enum ("ice-transport-policy", NULL, NULL, DC_TYPE_ICE_POLICY, 0, flags));
  g_object_class_install_property (
      object_class, id++, g_param_spec_boxed ("turn-servers", NULL, NULL, G_TYPE_STRV, flags));
  g_object_class_install_property (
      object_class, id++, g_param_spec_uint ("connect-timeout", NULL, NULL, 0, G_MAXUINT, 0, flags));
  g_object_class_install_property (object_class, id++, g_param_spec_boolean ("polling", NULL, NULL, FALSE, flags));
  g_object_class_install_property (object_class, id++, g_param_spec_boolean ("once", NULL, NULL, FALSE, flags));
  g_signal_new ("event", DC_TYPE_PEER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, GST_TYPE_STRUCTURE);
  g_signal_new ("channel", DC_TYPE_PEER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, DC_TYPE_CHANNEL);
  g_signal_new ("failed", DC_TYPE_PEER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
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
  g_mutex_lock (&lock);
  g_queue_push_tail (&started, g_object_ref (self));
  g_cond_broadcast (&cond);
  g_mutex_unlock (&lock);
  return TRUE;
}

void
dc_peer_stop (DcPeer *self)
{
  g_mutex_lock (&lock);
  self->stopped = TRUE;
  g_cond_broadcast (&cond);
  g_mutex_unlock (&lock);
}

DcChannel *
dc_peer_wait_channel (DcPeer *self, GError **error)
{
  DcChannel *channel = NULL;

  g_mutex_lock (&lock);
  while (!self->flushing && !self->stopped && self->error == NULL && self->offered == NULL)
    g_cond_wait (&cond, &lock);
  if (self->flushing || self->stopped)
    g_set_error_literal (error, DC_ERROR, DC_ERROR_FLUSHING, "flushing");
  else if (self->offered != NULL)
    channel = g_steal_pointer (&self->offered);
  else
    g_propagate_error (error, g_error_copy (self->error));
  g_mutex_unlock (&lock);
  return channel;
}

void
dc_peer_set_flushing (DcPeer *self, gboolean flushing)
{
  g_mutex_lock (&lock);
  self->flushing = flushing;
  g_cond_broadcast (&cond);
  g_mutex_unlock (&lock);
}

/* --- The peer, for the test ----------------------------------------------------------------------------------------------------- */

DcPeer *
dc_fake_wait_peer (void)
{
  DcPeer *peer;

  g_mutex_lock (&lock);
  while ((peer = g_queue_pop_head (&started)) == NULL)
    g_cond_wait (&cond, &lock);
  g_mutex_unlock (&lock);
  return peer;
}

gboolean
dc_fake_peer_is_stopped (DcPeer *peer)
{
  gboolean stopped;

  g_mutex_lock (&lock);
  stopped = peer->stopped;
  g_mutex_unlock (&lock);
  return stopped;
}

DcChannel *
dc_fake_peer_open (DcPeer *peer)
{
  return dc_fake_peer_open_with_window (peer, G_MAXUINT);
}

static void
offer (DcPeer *peer, DcChannel *channel)
{
  g_mutex_lock (&lock);
  peer->offered = g_object_ref (channel);
  g_cond_broadcast (&cond);
  g_mutex_unlock (&lock);
  g_signal_emit_by_name (peer, "channel", channel);
}

DcChannel *
dc_fake_peer_open_with_window (DcPeer *peer, guint items)
{
  DcChannel *channel = g_object_new (DC_TYPE_CHANNEL, NULL);

  channel->window = items;
  offer (peer, channel);
  return channel;
}

DcChannel *
dc_fake_peer_open_ended (DcPeer *peer, const char *message)
{
  DcChannel *channel = g_object_new (DC_TYPE_CHANNEL, NULL);

  dc_fake_channel_end (channel, message);
  offer (peer, channel);
  return channel;
}

void
dc_fake_peer_fail (DcPeer *peer, DcError code, const char *message)
{
  g_mutex_lock (&lock);
  peer->error = g_error_new_literal (DC_ERROR, code, message);
  g_cond_broadcast (&cond);
  g_mutex_unlock (&lock);
  g_signal_emit_by_name (peer, "failed", peer->error);
}

void
dc_fake_peer_tell (DcPeer *peer, GstStructure *event)
{
  g_signal_emit_by_name (peer, "event", event);
  gst_structure_free (event);
}

/* --- The channel, for the element ------------------------------------------------------------------------------------------------ */

static void
dc_channel_finalize (GObject *object)
{
  DcChannel *self = DC_CHANNEL (object);

  g_queue_clear_full (&self->pushed, (GDestroyNotify) dc_link_item_free);
  g_queue_clear_full (&self->given, (GDestroyNotify) dc_link_item_free);
  g_clear_error (&self->error);
  g_free (self->abort_reason);
  G_OBJECT_CLASS (dc_channel_parent_class)->finalize (object);
}

static void
dc_channel_init (DcChannel *self)
{
}

static void
dc_channel_class_init (DcChannelClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = dc_channel_finalize;
  g_signal_new ("acknowledged", DC_TYPE_CHANNEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT64);
  g_signal_new ("closed", DC_TYPE_CHANNEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
}

static gboolean
interrupted_locked (DcChannel *self, GError **error)
{
  if (self->flushing)
    g_set_error_literal (error, DC_ERROR, DC_ERROR_FLUSHING, "flushing");
  else if (self->ended && self->error != NULL)
    g_propagate_error (error, g_error_copy (self->error));
  else if (self->ended || self->closed)
    g_set_error_literal (error, DC_ERROR, DC_ERROR_PEER_GONE, "the channel is closed");
  return self->flushing || self->ended || self->closed;
}

static void
wait_for_test_locked (DcChannel *self)
{
  self->blocked = TRUE;
  g_cond_broadcast (&cond);
  g_cond_wait (&cond, &lock);
  self->blocked = FALSE;
}

gboolean
dc_channel_push (DcChannel *self, DcLinkItem *item, gboolean ack_now, GError **error)
{
  gboolean interrupted;

  g_mutex_lock (&lock);
  interrupted = self->finishing;
  if (interrupted)
    g_set_error_literal (error, DC_ERROR, DC_ERROR_DATA, "nothing more can be sent: the end was announced");
  while (!interrupted && !(interrupted = interrupted_locked (self, error)) && self->pushed.length >= self->window)
    wait_for_test_locked (self);
  if (interrupted)
    dc_link_item_free (item);
  else
    g_queue_push_tail (&self->pushed, item);
  g_cond_broadcast (&cond);
  g_mutex_unlock (&lock);
  return !interrupted;
}

gboolean
dc_channel_finish (DcChannel *self, GError **error)
{
  gboolean interrupted = FALSE;

  g_mutex_lock (&lock);
  if (!self->finishing)
    g_queue_push_tail (&self->pushed, dc_link_item_new (DC_LINK_ITEM_FIN));
  self->finishing = TRUE;
  while (!self->fin_acknowledged && !(interrupted = interrupted_locked (self, error)))
    wait_for_test_locked (self);
  g_mutex_unlock (&lock);
  return !interrupted;
}

DcLinkItem *
dc_channel_pull (DcChannel *self, GError **error)
{
  DcLinkItem *item = NULL;

  g_mutex_lock (&lock);
  while (self->flushing || (item = g_queue_pop_head (&self->given)) == NULL) {
    if (interrupted_locked (self, error))
      break;
    g_cond_wait (&cond, &lock);
  }
  g_mutex_unlock (&lock);
  return item;
}

void
dc_channel_accept_fin (DcChannel *self)
{
  g_mutex_lock (&lock);
  self->accepted = TRUE;
  g_cond_broadcast (&cond);
  g_mutex_unlock (&lock);
}

void
dc_channel_set_flushing (DcChannel *self, gboolean flushing)
{
  g_mutex_lock (&lock);
  self->flushing = flushing;
  g_cond_broadcast (&cond);
  g_mutex_unlock (&lock);
}

void
dc_channel_abort (DcChannel *self, const char *reason)
{
  g_mutex_lock (&lock);
  self->closed = TRUE;
  if (self->abort_reason == NULL)
    self->abort_reason = g_strdup (reason);
  g_cond_broadcast (&cond);
  g_mutex_unlock (&lock);
}

void
dc_channel_close (DcChannel *self)
{
  g_mutex_lock (&lock);
  self->closed = TRUE;
  g_cond_broadcast (&cond);
  g_mutex_unlock (&lock);
}

gboolean
dc_channel_is_ended (DcChannel *self)
{
  gboolean ended;

  g_mutex_lock (&lock);
  ended = self->ended;
  g_mutex_unlock (&lock);
  return ended;
}

const char *
dc_channel_get_remote_id (DcChannel *self)
{
  return "far";
}

/* --- The channel, for the test --------------------------------------------------------------------------------------------------- */

/* Whoever is blocked looks again, and only then counts as blocked once more. */
static void
changed_locked (DcChannel *channel)
{
  channel->blocked = FALSE;
  g_cond_broadcast (&cond);
}

void
dc_fake_channel_set_window (DcChannel *channel, guint items)
{
  g_mutex_lock (&lock);
  channel->window = items;
  changed_locked (channel);
  g_mutex_unlock (&lock);
}

void
dc_fake_channel_wait_blocked (DcChannel *channel)
{
  g_mutex_lock (&lock);
  while (!channel->blocked)
    g_cond_wait (&cond, &lock);
  g_mutex_unlock (&lock);
}

DcLinkItem *
dc_fake_channel_take (DcChannel *channel)
{
  DcLinkItem *item;

  g_mutex_lock (&lock);
  while ((item = g_queue_pop_head (&channel->pushed)) == NULL)
    g_cond_wait (&cond, &lock);
  changed_locked (channel);
  g_mutex_unlock (&lock);
  return item;
}

guint
dc_fake_channel_count (DcChannel *channel)
{
  guint count;

  g_mutex_lock (&lock);
  count = channel->pushed.length;
  g_mutex_unlock (&lock);
  return count;
}

void
dc_fake_channel_acknowledge_fin (DcChannel *channel)
{
  g_mutex_lock (&lock);
  channel->fin_acknowledged = TRUE;
  changed_locked (channel);
  g_mutex_unlock (&lock);
}

void
dc_fake_channel_give (DcChannel *channel, DcLinkItem *item)
{
  g_mutex_lock (&lock);
  g_queue_push_tail (&channel->given, item);
  changed_locked (channel);
  g_mutex_unlock (&lock);
}

gboolean
dc_fake_channel_is_accepted (DcChannel *channel)
{
  gboolean accepted;

  g_mutex_lock (&lock);
  accepted = channel->accepted;
  g_mutex_unlock (&lock);
  return accepted;
}

void
dc_fake_channel_wait_accepted (DcChannel *channel)
{
  g_mutex_lock (&lock);
  while (!channel->accepted)
    g_cond_wait (&cond, &lock);
  g_mutex_unlock (&lock);
}

void
dc_fake_channel_end (DcChannel *channel, const char *message)
{
  g_autoptr (GError) error = message != NULL ? g_error_new_literal (DC_ERROR, DC_ERROR_PEER_GONE, message) : NULL;

  g_mutex_lock (&lock);
  channel->ended = TRUE;
  channel->error = error != NULL ? g_error_copy (error) : NULL;
  changed_locked (channel);
  g_mutex_unlock (&lock);
  g_signal_emit_by_name (channel, "closed", error);
}

char *
dc_fake_channel_dup_abort (DcChannel *channel)
{
  char *reason;

  g_mutex_lock (&lock);
  reason = g_strdup (channel->abort_reason);
  g_mutex_unlock (&lock);
  return reason;
}

gboolean
dc_fake_channel_is_closed (DcChannel *channel)
{
  gboolean closed;

  g_mutex_lock (&lock);
  closed = channel->closed;
  g_mutex_unlock (&lock);
  return closed;
}
