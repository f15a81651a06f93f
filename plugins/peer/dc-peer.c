/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-peer.c: DcPeer: its properties, its worker thread, and what the application calls.
 *
 * Theory of operation
 * -------------------
 * One worker thread with a main context of its own owns the signaling client, the connections and all of dc-peer-room.c. The
 * application's threads meet it in three places, each under `lock`: open channels (a queue), the error with which the peer
 * gave up, and the id. "event", "channel" and "failed" are emitted on the worker with no lock held.
 *
 * Life:  made -> started -> [registered, calling, connected, again ...] -> given up or stopped.
 * A peer that has given up (connect-timeout, refused by the server, false identity) closes everything but lives on until
 * dc_peer_stop(), which ends the calls, says bye to the server, and joins the worker: each step is bounded, see
 * dc_connection_close() and dc_signaling_client_close(). */
#include "plugins/peer/dc-peer.h"

#include "plugins/peer/dc-event.h"
#include "plugins/peer/dc-peer-private.h"

G_DEFINE_FINAL_TYPE (DcPeer, dc_peer, G_TYPE_OBJECT)

enum {
  PROP_0,
  PROP_SIGNALING,
  PROP_ROOM,
  PROP_ID,
  PROP_REMOTE_PEER,
  PROP_ROLE,
  PROP_WANTS,
  PROP_LABEL,
  PROP_MODE,
  PROP_STUN_SERVER,
  PROP_TURN_SERVERS,
  PROP_USE_TURN,
  PROP_ICE_TRANSPORT_POLICY,
  PROP_CONNECT_TIMEOUT,
  PROP_TLS_CA,
  PROP_POLLING,
  PROP_TOKEN,
  PROP_ONCE,
  PROP_MAX_CONNECTIONS,
  N_PROPS,
};
static GParamSpec *properties[N_PROPS];

static GType
register_enum (gsize *type, const char *name, const GEnumValue *values)
{
  if (g_once_init_enter (type))
    g_once_init_leave (type, g_enum_register_static (name, values));
  return *type;
}

GType
dc_role_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
      {DC_ROLE_AUTO, "Of two peers that match, the one who came later calls", "auto"},
      {DC_ROLE_OFFERER, "Calls", "offerer"},
      {DC_ROLE_ANSWERER, "Waits to be called", "answerer"},
      {0, NULL, NULL},
  };
  return register_enum (&type, "DcRole", values);
}

GType
dc_wants_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
      {DC_WANTS_SEND, "Only sends", "send"},
      {DC_WANTS_RECEIVE, "Only receives", "receive"},
      {DC_WANTS_BOTH, "Sends and receives", "both"},
      {0, NULL, NULL},
  };
  return register_enum (&type, "DcWants", values);
}

GType
dc_ice_policy_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
      {DC_ICE_POLICY_ALL, "Every kind of candidate", "all"},
      {DC_ICE_POLICY_RELAY, "Only candidates of TURN servers", "relay"},
      {0, NULL, NULL},
  };
  return register_enum (&type, "DcIcePolicy", values);
}

/* --- The worker ---------------------------------------------------------------------------------------------------------------- */

static gboolean
start_cb (gpointer user_data)
{
  DcPeer *self = user_data;
  GstStructure *event = dc_event_new ("signaling-connecting", self->start);

  gst_structure_set (event, "url", G_TYPE_STRING, dc_signaling_client_get_uri (self->client), NULL);
  dc_peer_emit (self, event);
  dc_peer_arm_deadline (self);
  dc_signaling_client_start (self->client);
  return G_SOURCE_REMOVE;
}

static gboolean
stop_cb (gpointer user_data)
{
  DcPeer *self = user_data;

  self->stopping = TRUE;
  dc_peer_disarm_deadline (self);
  dc_peer_end_calls (self, "it was stopped");
  if (!self->signaling_closed)
    dc_signaling_client_close (self->client, NULL);
  dc_peer_check_stopped (self);
  return G_SOURCE_REMOVE;
}

static gpointer
worker (gpointer user_data)
{
  DcPeer *self = user_data;

  g_main_context_push_thread_default (self->context);
  g_main_loop_run (self->loop);
  g_signal_handlers_disconnect_by_data (self->client, self);
  g_clear_object (&self->client);
  /* What threads of the connections posted last only drops references now. */
  while (g_main_context_iteration (self->context, FALSE))
    ;
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

static void
invoke (DcPeer *self, GSourceFunc func)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, func, self, NULL);
  g_source_attach (source, self->context);
}

/* --- What the application calls ------------------------------------------------------------------------------------------------ */

static gboolean
make_client (DcPeer *self, GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (JsonNode) meta = dc_profile_to_meta (&self->profile);
  DcSignalingConfig config = {
      .uri = self->signaling,
      .room = self->room,
      .id = self->wanted_id,
      .meta = meta,
      .token = self->token,
      .tls_ca = self->tls_ca,
      .transport = self->polling ? DC_SIGNALING_TRANSPORT_POLLING : DC_SIGNALING_TRANSPORT_AUTO,
  };

  g_main_context_push_thread_default (self->context);
  self->client = dc_signaling_client_new (&config, &problem);
  g_main_context_pop_thread_default (self->context);
  if (self->client == NULL) {
    g_set_error_literal (error, DC_ERROR, DC_ERROR_USAGE, problem->message);
    return FALSE;
  }
  dc_peer_connect_client (self);
  return TRUE;
}

/**
 * dc_peer_start:
 * @self: a peer that was not started before
 * @error: return location: %DC_ERROR_USAGE
 *
 * Checks the properties and starts the worker thread. Returns at once; what follows is told by the signals.
 *
 * Returns: %FALSE if a property cannot be used
 */
gboolean
dc_peer_start (DcPeer *self, GError **error)
{
  g_return_val_if_fail (DC_IS_PEER (self) && self->thread == NULL, FALSE);

  self->start = g_get_monotonic_time ();
  if (self->remote_peer != NULL && !dc_name_is_valid (self->remote_peer)) {
    g_set_error (error, DC_ERROR, DC_ERROR_USAGE,
        "\"%s\" cannot be a peer's id: 1 to 64 letters, digits, dots, dashes and underscores", self->remote_peer);
    return FALSE;
  }
  if (self->ice_policy == DC_ICE_POLICY_RELAY && !self->use_turn) {
    g_set_error_literal (error, DC_ERROR, DC_ERROR_USAGE,
        "the ICE policy \"relay\" needs a TURN server, and TURN is switched off; drop one of the two");
    return FALSE;
  }
  self->ice = dc_ice_config_new (self->stun_server, (const char *const *) self->turn_servers, self->use_turn, error);
  if (self->ice == NULL || !make_client (self, error))
    return FALSE;
  invoke (self, start_cb);
  self->thread = g_thread_new ("dc-peer", worker, self);
  return TRUE;
}

/**
 * dc_peer_stop:
 * @self: a peer
 *
 * Ends every connection and the session with the server. Blocks, typically for a tenth of a second, at most for about two. Harmless when the peer was not started or
 * is stopped already. Not to be called from a handler of the peer's signals.
 */
void
dc_peer_stop (DcPeer *self)
{
  g_return_if_fail (DC_IS_PEER (self) && self->thread != g_thread_self ());

  dc_peer_set_flushing (self, TRUE);
  if (self->thread == NULL)
    return;
  invoke (self, stop_cb);
  g_clear_pointer (&self->thread, g_thread_join);
}

/**
 * dc_peer_wait_channel:
 * @self: a started peer
 * @error: return location
 *
 * Returns: (transfer full): the next open channel that was not waited for before
 */
DcChannel *
dc_peer_wait_channel (DcPeer *self, GError **error)
{
  DcChannel *channel = NULL;

  g_return_val_if_fail (DC_IS_PEER (self), NULL);
  g_mutex_lock (&self->lock);
  while (!self->flushing && self->error == NULL && g_queue_is_empty (&self->channels))
    g_cond_wait (&self->cond, &self->lock);
  if (self->flushing)
    g_set_error_literal (error, DC_ERROR, DC_ERROR_FLUSHING, "interrupted");
  else if ((channel = g_queue_pop_head (&self->channels)) == NULL)
    g_propagate_error (error, g_error_copy (self->error));
  g_mutex_unlock (&self->lock);
  return channel;
}

/**
 * dc_peer_set_flushing:
 * @self: a peer
 * @flushing: whether dc_peer_wait_channel() returns %DC_ERROR_FLUSHING at once
 */
void
dc_peer_set_flushing (DcPeer *self, gboolean flushing)
{
  g_return_if_fail (DC_IS_PEER (self));
  g_mutex_lock (&self->lock);
  self->flushing = flushing;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

/**
 * dc_peer_dup_id:
 * @self: a peer
 *
 * Returns: (transfer full) (nullable): the id that the server gave, once registered
 */
char *
dc_peer_dup_id (DcPeer *self)
{
  char *id;

  g_return_val_if_fail (DC_IS_PEER (self), NULL);
  g_mutex_lock (&self->lock);
  id = g_strdup (self->id);
  g_mutex_unlock (&self->lock);
  return id;
}

/* --- The object ---------------------------------------------------------------------------------------------------------------- */

static char *
dup_string (const GValue *value, const char *fallback)
{
  const char *string = g_value_get_string (value);

  return g_strdup (string != NULL && *string != '\0' ? string : fallback);
}

static void
dc_peer_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  DcPeer *self = DC_PEER (object);

  switch (id) {
    case PROP_SIGNALING:
      self->signaling = dup_string (value, DC_PEER_DEFAULT_SIGNALING);
      break;
    case PROP_ROOM:
      self->room = dup_string (value, DC_PEER_DEFAULT_ROOM);
      break;
    case PROP_ID:
      self->wanted_id = dup_string (value, NULL);
      break;
    case PROP_REMOTE_PEER:
      self->remote_peer = dup_string (value, NULL);
      break;
    case PROP_ROLE:
      self->profile.role = g_value_get_enum (value);
      break;
    case PROP_WANTS:
      self->profile.wants = g_value_get_enum (value);
      break;
    case PROP_LABEL:
      self->profile.label = dup_string (value, DC_PEER_DEFAULT_LABEL);
      break;
    case PROP_MODE:
      self->profile.mode = g_value_get_enum (value);
      break;
    case PROP_STUN_SERVER:
      self->stun_server = dup_string (value, NULL);
      break;
    case PROP_TURN_SERVERS:
      self->turn_servers = g_value_dup_boxed (value);
      break;
    case PROP_USE_TURN:
      self->use_turn = g_value_get_boolean (value);
      break;
    case PROP_ICE_TRANSPORT_POLICY:
      self->ice_policy = g_value_get_enum (value);
      break;
    case PROP_CONNECT_TIMEOUT:
      self->connect_timeout = g_value_get_uint (value);
      break;
    case PROP_TLS_CA:
      self->tls_ca = dup_string (value, NULL);
      break;
    case PROP_POLLING:
      self->polling = g_value_get_boolean (value);
      break;
    case PROP_TOKEN:
      self->token = dup_string (value, NULL);
      break;
    case PROP_ONCE:
      self->once = g_value_get_boolean (value);
      break;
    case PROP_MAX_CONNECTIONS:
      self->max_connections = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void
dc_peer_finalize (GObject *object)
{
  DcPeer *self = DC_PEER (object);

  dc_peer_stop (self);
  g_clear_object (&self->client);
  g_clear_pointer (&self->ice, dc_ice_config_free);
  g_ptr_array_unref (self->remotes);
  g_ptr_array_unref (self->connections);
  g_ptr_array_unref (self->closing);
  g_queue_clear_full (&self->channels, g_object_unref);
  g_clear_error (&self->error);
  g_clear_error (&self->signaling_error);
  g_clear_error (&self->call_error);
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->context);
  g_strfreev (self->turn_servers);
  g_free (self->signaling);
  g_free (self->room);
  g_free (self->wanted_id);
  g_free (self->id);
  g_free (self->remote_peer);
  g_free (self->profile.label);
  g_free (self->stun_server);
  g_free (self->tls_ca);
  g_free (self->token);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
  G_OBJECT_CLASS (dc_peer_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *klass)
{
  const GParamFlags flags = G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  properties[PROP_SIGNALING] = g_param_spec_string ("signaling", NULL, NULL, NULL, flags);
  properties[PROP_ROOM] = g_param_spec_string ("room", NULL, NULL, NULL, flags);
  properties[PROP_ID] = g_param_spec_string ("id", NULL, NULL, NULL, flags);
  properties[PROP_REMOTE_PEER] = g_param_spec_string ("remote-peer", NULL, NULL, NULL, flags);
  properties[PROP_ROLE] = g_param_spec_enum ("role", NULL, NULL, DC_TYPE_ROLE, DC_ROLE_AUTO, flags);
  properties[PROP_WANTS] = g_param_spec_enum ("wants", NULL, NULL, DC_TYPE_WANTS, DC_WANTS_BOTH, flags);
  properties[PROP_LABEL] = g_param_spec_string ("label", NULL, NULL, NULL, flags);
  properties[PROP_MODE] = g_param_spec_enum ("mode", NULL, NULL, DC_TYPE_MODE, DC_MODE_LINK, flags);
  properties[PROP_STUN_SERVER] = g_param_spec_string ("stun-server", NULL, NULL, NULL, flags);
  properties[PROP_TURN_SERVERS] = g_param_spec_boxed ("turn-servers", NULL, NULL, G_TYPE_STRV, flags);
  properties[PROP_USE_TURN] = g_param_spec_boolean ("use-turn", NULL, NULL, TRUE, flags);
  properties[PROP_ICE_TRANSPORT_POLICY] =
      g_param_spec_enum ("ice-transport-policy", NULL, NULL, DC_TYPE_ICE_POLICY, DC_ICE_POLICY_ALL, flags);
  properties[PROP_CONNECT_TIMEOUT] = g_param_spec_uint ("connect-timeout", NULL, NULL, 0, G_MAXUINT / 1000, 0, flags);
  properties[PROP_TLS_CA] = g_param_spec_string ("tls-ca", NULL, NULL, NULL, flags);
  properties[PROP_POLLING] = g_param_spec_boolean ("polling", NULL, NULL, FALSE, flags);
  properties[PROP_TOKEN] = g_param_spec_string ("token", NULL, NULL, NULL, flags);
  properties[PROP_ONCE] = g_param_spec_boolean ("once", NULL, NULL, FALSE, flags);
  properties[PROP_MAX_CONNECTIONS] = g_param_spec_uint ("max-connections", NULL, NULL, 1, G_MAXUINT, 1, flags);
  g_object_class_install_properties (klass, N_PROPS, properties);
}

static void
dc_peer_class_init (DcPeerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = dc_peer_set_property;
  object_class->finalize = dc_peer_finalize;
  install_properties (object_class);

  /**
   * DcPeer::event:
   * @self: the peer
   * @event: a #GstStructure, see dc-event.h
   *
   * What goes on. On the worker thread; handlers must not block.
   */
  g_signal_new ("event", DC_TYPE_PEER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, GST_TYPE_STRUCTURE);
  /**
   * DcPeer::channel:
   * @self: the peer
   * @channel: a #DcChannel that is open and may be used
   *
   * On the worker thread; handlers must not block.
   */
  g_signal_new ("channel", DC_TYPE_PEER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, DC_TYPE_CHANNEL);
  /**
   * DcPeer::failed:
   * @self: the peer
   * @error: why it gave up
   *
   * Once. On the worker thread; handlers must not block.
   */
  g_signal_new ("failed", DC_TYPE_PEER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
}

static void
dc_peer_init (DcPeer *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  g_queue_init (&self->channels);
  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  self->remotes = g_ptr_array_new_with_free_func (dc_remote_free);
  self->connections = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_connection_unref);
  self->closing = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_connection_unref);
}
