/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-peer.c: DcPeer: its worker thread, and what the application calls.
 *
 * Theory of operation
 * -------------------
 * One worker thread with a main context of its own owns the signaling client, the sessions and all of dc-peer-signaling.c and
 * dc-peer-room.c. The application's threads meet it in three places, each under `lock`: open channels (a queue), the error with
 * which the peer gave up, and what statistics show. Signals are emitted on the worker with no lock held.
 *
 * Life:  made -> started -> [registered, calling, connected, again ...] -> given up or stopped.
 * A peer that has given up (connect-timeout, refused by the server, false identity) closes everything but lives on until
 * dc_peer_stop(), which ends the calls, says bye to the server, and joins the worker: each step is bounded, see
 * dc_session_close() and dc_signaling_client_close(). */
#include "plugins/peer/dc-peer.h"

#include <string.h>

#include "plugins/peer/dc-event.h"
#include "plugins/peer/dc-peer-private.h"
#include "plugins/peer/dc-preparation.h"
#include "plugins/peer/dc-source.h"
#include "plugins/transport/dc-certificate-file.h"

/* For programs in other languages that do not care for GStreamer. Once, and before the class is made: its properties and signals
 * have types of GStreamer's. Without it there is no webrtcbin either, which dc_peer_start() tells. */
static void
init_gst (void)
{
  gst_init_check (NULL, NULL, NULL);
}

/**
 * DcPeer:
 *
 * A peer in a room: it finds other peers through the signaling server, and has a WebRTC connection with those that match.
 *
 * Make it with its properties, name the channels that it shall have with [method@Peer.add_channel] (without any, there is one called
 * "data"), [method@Peer.start] it, and wait for open channels with [method@Peer.wait_channel], or for
 * [signal@Peer::channel]. After a remote's channels have ended it looks for the next one, until [method@Peer.stop].
 *
 * Two peers match if they are in the same room, name a channel of the same label and mode, at least one of them calls
 * ([property@Peer:role]), and what one wants to send the other wants to receive.
 *
 * The far side's DTLS fingerprint is always checked against the one that came through signaling (RFC 8122), before any data passes.
 * No server is talked to that you or the signaling server did not name.
 *
 * ## Threads
 *
 * Every function may be called from any thread. Signals come on the peer's own worker thread with no lock held. Their
 * handlers must not block, must not wait for a channel and must not stop the peer: wake up a thread of yours that does.
 *
 * Stop the peer before you let go of it. Otherwise the last reference stops it, wherever that is dropped.
 */
G_DEFINE_FINAL_TYPE_WITH_CODE (DcPeer, dc_peer, G_TYPE_OBJECT, init_gst ())

/* --- The worker ---------------------------------------------------------------------------------------------------------------- */

static void
emit_connecting (DcPeer *self)
{
  GstStructure *event = dc_event_new ("signaling-connecting", self->start);

  gst_structure_set (event, "url", G_TYPE_STRING, dc_signaling_client_get_uri (self->client), NULL);
  dc_peer_emit (self, event);
}

static gboolean
start_cb (gpointer user_data)
{
  DcPeer *self = user_data;

  if (!self->manual)
    emit_connecting (self);
  dc_peer_arm_deadline (self);
  dc_peer_start_stats (self);
  self->network = dc_network_watch_new (dc_peer_on_network_changed, self);
  dc_signaling_client_start (self->client);
  return G_SOURCE_REMOVE;
}

static gboolean
stop_cb (gpointer user_data)
{
  DcPeer *self = user_data;

  self->stopping = TRUE;
  dc_source_clear (&self->stats_timer);
  g_clear_pointer (&self->network, dc_network_watch_free);
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
  dc_preparation_end ();
  return NULL;
}

static void
on_ice_event (GstStructure *event, gpointer user_data)
{
  DcPeer *self = user_data;

  if (self->stopping)
    gst_structure_free (event);
  else
    dc_peer_emit (self, event);
}

static const DcIceConfigCallbacks ice_callbacks = {on_ice_event, dc_peer_on_ice_ready};

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
      .tls_ca = self->ice_settings.tls_ca,
      .proxy = self->ice_settings.proxy,
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
 * dc_peer_add_channel:
 * @self: a peer that was not started yet
 * @options: the channel; copied
 * @error: return location: %DC_ERROR_USAGE
 *
 * Names a channel to have with each remote peer that wants it too. Without any, there is one with the options of
 * dc_channel_options_new() for %NULL.
 *
 * Returns: %FALSE if there cannot be such a channel
 */
gboolean
dc_peer_add_channel (DcPeer *self, const DcChannelOptions *options, GError **error)
{
  g_return_val_if_fail (DC_IS_PEER (self), FALSE);

  if (self->start != 0) {
    g_set_error_literal (error, DC_ERROR, DC_ERROR_USAGE, "channels must be added to a peer before it is started");
    return FALSE;
  }
  if (!dc_channel_options_check (options, error))
    return FALSE;
  for (guint i = 0; i < self->profile.channels->len; i++) {
    const DcChannelOptions *other = g_ptr_array_index (self->profile.channels, i);
    if (!g_str_equal (other->label, options->label))
      continue;
    g_set_error (
        error, DC_ERROR, DC_ERROR_USAGE, "there is a channel \"%s\" already; give each its own label", options->label);
    return FALSE;
  }
  if (self->profile.channels->len == DC_PROFILE_MAX_CHANNELS) {
    g_set_error (error, DC_ERROR, DC_ERROR_USAGE, "a peer can have at most %u channels", DC_PROFILE_MAX_CHANNELS);
    return FALSE;
  }
  g_ptr_array_add (self->profile.channels, dc_channel_options_copy (options));
  return TRUE;
}

static gboolean
check_secret (DcPeer *self, GError **error)
{
  if (self->secret == NULL)
    return TRUE;
  if (*self->secret == '\0') {
    g_set_error_literal (error, DC_ERROR, DC_ERROR_USAGE, "the secret is empty; give a passphrase, or none at all");
    return FALSE;
  }
  for (guint i = 0; i < self->profile.channels->len; i++) {
    const DcChannelOptions *options = g_ptr_array_index (self->profile.channels, i);
    if (options->mode == DC_MODE_LINK)
      continue;
    g_set_error (error, DC_ERROR, DC_ERROR_USAGE,
        "the channel \"%s\" is raw, which has no place for the proof of a secret; drop one of the two", options->label);
    return FALSE;
  }
  return TRUE;
}

/* What goes through GStreamer's elements is cut at 64 KiB. */
static gboolean
check_sizes (DcPeer *self, GError **error)
{
  for (guint i = 0; i < self->profile.channels->len; i++) {
    const DcChannelOptions *options = g_ptr_array_index (self->profile.channels, i);

    if (options->mode != DC_MODE_RAW || options->max_message_size <= DC_CHANNEL_DEFAULT_MAX_MESSAGE_SIZE)
      continue;
    if (self->webrtc_settings.fast == DC_FAST_OFF) {
      g_set_error (error, DC_ERROR, DC_ERROR_USAGE,
          "the channel \"%s\" is to take messages of %u bytes, and GStreamer's own elements take no more than 65536; "
          "switch the fast path on (fast=auto), or ask for less",
          options->label, options->max_message_size);
      return FALSE;
    }
    self->webrtc_settings.max_message_size = MAX (self->webrtc_settings.max_message_size, options->max_message_size);
  }
  return TRUE;
}

static gboolean
check_manual (DcPeer *self, GError **error)
{
  const char *problem = NULL;

  self->manual = g_strcmp0 (self->signaling, DC_SIGNALING_MANUAL) == 0;
  if (!self->manual)
    return TRUE;
  if (self->profile.role == DC_ROLE_AUTO)
    problem = "nobody can agree on who calls: say which role this peer has, offerer or answerer";
  else if (!g_signal_has_handler_pending (self, g_signal_lookup ("description", DC_TYPE_PEER), 0, FALSE))
    problem = "somebody must carry the descriptions, and nothing here listens to the signal \"description\"; dcpeer "
              "--manual does";
  if (problem == NULL)
    return TRUE;
  g_set_error (error, DC_ERROR, DC_ERROR_USAGE, "without a signaling server %s", problem);
  return FALSE;
}

static gboolean
load_certificate (DcPeer *self, GError **error)
{
  g_autoptr (GError) problem = NULL;

  if (self->certificate == NULL)
    return TRUE;
  self->webrtc_settings.pem = dc_certificate_file_load (self->certificate, &problem);
  if (self->webrtc_settings.pem != NULL)
    return TRUE;
  g_set_error_literal (error, DC_ERROR, DC_ERROR_USAGE, problem->message);
  return FALSE;
}

static gboolean
check_settings (DcPeer *self, GError **error)
{
  if (self->remote_peer != NULL && !dc_name_is_valid (self->remote_peer)) {
    g_set_error (error, DC_ERROR, DC_ERROR_USAGE,
        "\"%s\" cannot be a peer's id: 1 to 64 letters, digits, dots, dashes and underscores", self->remote_peer);
    return FALSE;
  }
  if (self->ice_settings.policy == DC_ICE_POLICY_RELAY && !self->ice_settings.use_turn) {
    g_set_error_literal (error, DC_ERROR, DC_ERROR_USAGE,
        "the ICE policy \"relay\" needs a TURN server, and TURN is switched off; drop one of the two");
    return FALSE;
  }
  return check_manual (self, error) && check_secret (self, error) && check_sizes (self, error)
         && load_certificate (self, error);
}

static gboolean
make_parts (DcPeer *self, GError **error)
{
  self->ice = dc_ice_config_new (&self->ice_settings, self->context, self->start, &ice_callbacks, self, error);
  return self->ice != NULL && make_client (self, error);
}

/**
 * dc_peer_start:
 * @self: a peer that was not started before
 * @error: return location: %DC_ERROR_USAGE
 *
 * Checks the properties and starts the worker thread. Returns at once; what follows is told by the signals. A peer can be
 * started once.
 *
 * Returns: %FALSE if a property cannot be used
 */
gboolean
dc_peer_start (DcPeer *self, GError **error)
{
  g_return_val_if_fail (DC_IS_PEER (self), FALSE);

  if (self->start != 0) {
    g_set_error_literal (error, DC_ERROR, DC_ERROR_USAGE, "a peer can be started once; make another one");
    return FALSE;
  }
  self->start = g_get_monotonic_time ();
  if (self->profile.channels->len == 0)
    g_ptr_array_add (self->profile.channels, dc_channel_options_new (NULL));
  if (!check_settings (self, error))
    return FALSE;
  dc_preparation_begin (self->webrtc_settings.fast == DC_FAST_AUTO);
  if (!make_parts (self, error)) {
    dc_preparation_end ();
    return FALSE;
  }
  dc_peer_invoke (self, start_cb, self, NULL);
  self->thread = g_thread_new ("dc-peer", worker, self);
  return TRUE;
}

/**
 * dc_peer_take_description:
 * @self: a started peer without a signaling server, see [property@Peer:signaling]
 * @text: what the other side printed: `{"type":"offer","sdp":"..."}`, as `JSON.stringify(pc.localDescription)` has it in a browser, or that in
 *   base64; quotes of a console, white space and broken lines do not matter
 * @error: return location: %DC_ERROR_USAGE, %DC_ERROR_DATA
 *
 * Takes the session description that a person has brought from the other side: an answer to our own, which [signal@Peer::description] has
 * told, or an offer that is to be answered. The same one may be taken again when there are more candidates in it. What is read but does not
 * fit in is told by the event `description-refused`.
 *
 * Returns: %FALSE if the text is no description
 */
gboolean
dc_peer_take_description (DcPeer *self, const char *text, GError **error)
{
  g_autoptr (GError) problem = NULL;
  DcDescription *description;

  g_return_val_if_fail (DC_IS_PEER (self) && text != NULL, FALSE);

  if (!self->manual || self->start == 0) {
    g_set_error_literal (error, DC_ERROR, DC_ERROR_USAGE,
        "descriptions are taken by a peer that was started with the signaling \"" DC_SIGNALING_MANUAL "\"");
    return FALSE;
  }
  description = dc_description_parse (text, strlen (text), &problem);
  if (description == NULL) {
    g_set_error_literal (error, DC_ERROR, DC_ERROR_DATA, problem->message);
    return FALSE;
  }
  dc_peer_bring (self, description);
  return TRUE;
}

/**
 * dc_peer_stop:
 * @self: a peer
 *
 * Ends every connection and the session with the server; whoever waits for a channel gets %DC_ERROR_FLUSHING. Blocks, typically
 * for a tenth of a second, at most for about one. Harmless when the peer was not started or is stopped already. Not to be called
 * from a handler of the peer's signals. A stopped peer cannot be started again.
 */
void
dc_peer_stop (DcPeer *self)
{
  g_return_if_fail (DC_IS_PEER (self) && self->thread != g_thread_self ());

  dc_peer_set_flushing (self, TRUE);
  if (self->thread == NULL)
    return;
  dc_peer_invoke (self, stop_cb, self, NULL);
  g_clear_pointer (&self->thread, g_thread_join);
}

/* Takes the first open channel called @label (nullable: any) off the queue. */
static DcChannel *
take_channel_locked (DcPeer *self, const char *label)
{
  for (GList *node = self->channels.head; node != NULL; node = node->next) {
    DcChannel *channel = node->data;
    if (label != NULL && !g_str_equal (dc_channel_get_label (channel), label))
      continue;
    g_queue_delete_link (&self->channels, node);
    return channel;
  }
  return NULL;
}

static DcChannel *
get_channel (DcPeer *self, const char *label, gboolean wait, GError **error)
{
  DcChannel *channel = NULL;

  if (self->start == 0) {
    g_set_error_literal (
        error, DC_ERROR, DC_ERROR_USAGE, "the peer was not started; start it, then wait for its channels");
    return NULL;
  }
  g_mutex_lock (&self->lock);
  while (!self->flushing && (channel = take_channel_locked (self, label)) == NULL && self->error == NULL && wait)
    g_cond_wait (&self->cond, &self->lock);
  if (self->flushing)
    g_set_error_literal (error, DC_ERROR, DC_ERROR_FLUSHING, "interrupted");
  else if (channel == NULL && self->error != NULL)
    g_propagate_error (error, g_error_copy (self->error));
  g_mutex_unlock (&self->lock);
  return channel;
}

/**
 * dc_peer_wait_channel:
 * @self: a started peer
 * @label: (nullable): the channel's; %NULL: any
 * @error: return location
 *
 * Blocks until a channel is open that was not handed out before.
 *
 * Errors: those with which the peer gives up, see [signal@Peer::failed]; %DC_ERROR_FLUSHING after
 * dc_peer_set_flushing() or dc_peer_stop(); %DC_ERROR_USAGE if it was never started.
 *
 * Returns: (transfer full): the channel
 */
DcChannel *
dc_peer_wait_channel (DcPeer *self, const char *label, GError **error)
{
  g_return_val_if_fail (DC_IS_PEER (self), NULL);
  return get_channel (self, label, TRUE, error);
}

/**
 * dc_peer_try_channel:
 * @self: a started peer
 * @label: (nullable): the channel's; %NULL: any
 * @error: return location
 *
 * As dc_peer_wait_channel(), without blocking.
 *
 * Returns: (transfer full) (nullable): an open channel that was not handed out before; %NULL without @error: there is none
 */
DcChannel *
dc_peer_try_channel (DcPeer *self, const char *label, GError **error)
{
  g_return_val_if_fail (DC_IS_PEER (self), NULL);
  return get_channel (self, label, FALSE, error);
}

/**
 * dc_peer_set_flushing:
 * @self: a peer
 * @flushing: whether dc_peer_wait_channel() returns %DC_ERROR_FLUSHING at once
 *
 * Ends waiting, so that a thread can be told to stop.
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
 * Tells who we are in the room; [property@Peer:id] is who we wished to be.
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

static gpointer
stop_and_unref (gpointer user_data)
{
  dc_peer_stop (user_data);
  g_object_unref (user_data);
  return NULL;
}

/* The last reference may well be one that an emission held: the application has let go in a handler, or meanwhile. The worker cannot
 * wait for its own end, so another thread does. */
static void
dc_peer_dispose (GObject *object)
{
  DcPeer *self = DC_PEER (object);

  if (self->thread != NULL && self->thread == g_thread_self ())
    g_thread_unref (g_thread_new ("dc-peer-stop", stop_and_unref, g_object_ref (self)));
  else
    dc_peer_stop (self);
  G_OBJECT_CLASS (dc_peer_parent_class)->dispose (object);
}

static void
dc_peer_finalize (GObject *object)
{
  DcPeer *self = DC_PEER (object);

  g_clear_object (&self->client);
  g_clear_pointer (&self->ice, dc_ice_config_free);
  g_ptr_array_unref (self->remotes);
  g_ptr_array_unref (self->sessions);
  g_ptr_array_unref (self->closing);
  g_ptr_array_unref (self->profile.channels);
  g_queue_clear_full (&self->channels, g_object_unref);
  g_queue_clear_full (&self->brought, (GDestroyNotify) dc_description_free);
  g_queue_clear_full (&self->held, (GDestroyNotify) dc_message_unref);
  g_clear_error (&self->error);
  g_clear_error (&self->signaling_error);
  g_clear_error (&self->call_error);
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->context);
  g_free (self->signaling);
  g_free (self->room);
  g_free (self->wanted_id);
  g_free (self->id);
  g_free (self->remote_peer);
  dc_ice_settings_clear (&self->ice_settings);
  g_free (self->token);
  g_free (self->secret);
  g_free (self->certificate);
  g_free (self->webrtc_settings.pem);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
  G_OBJECT_CLASS (dc_peer_parent_class)->finalize (object);
}

static void
dc_peer_class_init (DcPeerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = dc_peer_dispose;
  object_class->finalize = dc_peer_finalize;
  dc_peer_class_install (object_class);
}

static void
dc_peer_init (DcPeer *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  g_queue_init (&self->channels);
  g_queue_init (&self->brought);
  g_queue_init (&self->held);
  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  self->remotes = g_ptr_array_new_with_free_func (dc_remote_free);
  self->sessions = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_session_unref);
  self->closing = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_session_unref);
  self->profile.channels = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_channel_options_free);
}
