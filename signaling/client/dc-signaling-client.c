/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-signaling-client.c: a peer's session with dcsignald: the object, and what is asked of it. Its states are in dc-signaling-client-base.c. */
#include "signaling/client/dc-signaling-client-private.h"

#define FAREWELL_MS 500

G_DEFINE_FINAL_TYPE (DcSignalingClient, dc_signaling_client, G_TYPE_OBJECT)

static void
dc_signaling_client_dispose (GObject *object)
{
  DcSignalingClient *self = DC_SIGNALING_CLIENT (object);

  dc_signaling_client_drop_transport (self);
  G_OBJECT_CLASS (dc_signaling_client_parent_class)->dispose (object);
}

static void
dc_signaling_client_finalize (GObject *object)
{
  DcSignalingClient *self = DC_SIGNALING_CLIENT (object);

  g_main_context_unref (self->context);
  g_clear_pointer (&self->session, dc_client_session_free);
  g_clear_pointer (&self->setup, dc_signaling_setup_free);
  g_free (self->farewell);
  G_OBJECT_CLASS (dc_signaling_client_parent_class)->finalize (object);
}

static void
dc_signaling_client_class_init (DcSignalingClientClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GType type = G_TYPE_FROM_CLASS (klass);

  object_class->dispose = dc_signaling_client_dispose;
  object_class->finalize = dc_signaling_client_finalize;

  g_signal_new ("registered", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, DC_TYPE_MESSAGE);
  g_signal_new ("message", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, DC_TYPE_MESSAGE);
  g_signal_new (
      "disconnected", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_ERROR, G_TYPE_UINT);
  g_signal_new ("failed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
  g_signal_new (
      "described", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_BOOLEAN);
  g_signal_new ("closed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
dc_signaling_client_init (DcSignalingClient *self)
{
  self->context = g_main_context_ref_thread_default ();
  dc_backoff_init (&self->backoff, DC_BACKOFF_BASE_MS, DC_BACKOFF_CAP_MS);
}

/**
 * dc_signaling_client_new:
 * @config: what to connect to, and as whom; copied
 * @error: DC_SIGNALING_ERROR_INVALID with a sentence
 *
 * The client lives in the main context that is thread-default now.
 *
 * Returns: (transfer full) (nullable): a client that does nothing before dc_signaling_client_start()
 */
DcSignalingClient *
dc_signaling_client_new (const DcSignalingConfig *config, GError **error)
{
  DcSignalingSetup *setup = dc_signaling_setup_new (config, error);
  DcSignalingClient *self;

  if (setup == NULL)
    return NULL;
  self = g_object_new (DC_TYPE_SIGNALING_CLIENT, NULL);
  self->setup = setup;
  self->polling = setup->choice == DC_SIGNALING_TRANSPORT_POLLING;
  self->session = dc_client_session_new (setup);
  return self;
}

static gboolean
start_cb (gpointer user_data)
{
  dc_signaling_client_attempt (user_data);
  return G_SOURCE_REMOVE;
}

/**
 * dc_signaling_client_start:
 * @self: a new client
 *
 * Connects and registers. Returns at once; signals are emitted later.
 */
void
dc_signaling_client_start (DcSignalingClient *self)
{
  g_return_if_fail (DC_IS_SIGNALING_CLIENT (self));
  g_return_if_fail (self->state == STATE_NEW);

  self->state = STATE_WAITING;
  dc_signaling_client_set_timer (self, 0, start_cb);
}

/**
 * dc_signaling_client_send:
 * @self: the client
 * @message: an offer, answer, candidate, end-of-candidates or bye with `to`
 * @error: why it was not taken
 *
 * A message that was taken reaches the hub unless the client ends first. If the hub then refuses it, "message" brings an error.
 *
 * Returns: whether it was taken
 */
gboolean
dc_signaling_client_send (DcSignalingClient *self, DcMessage *message, GError **error)
{
  g_autofree char *text = NULL;

  g_return_val_if_fail (DC_IS_SIGNALING_CLIENT (self), FALSE);
  g_return_val_if_fail (message != NULL, FALSE);

  if (self->state >= STATE_CLOSING) {
    g_set_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_REFUSED, "the session with %s has ended",
        self->setup->display_uri);
    return FALSE;
  }
  text = dc_client_session_push (self->session, message, error);
  if (text == NULL)
    return FALSE;
  if (self->state == STATE_REGISTERED)
    dc_transport_send (self->transport, text);
  return TRUE;
}

/**
 * dc_signaling_client_take_description:
 * @self: a manual client
 * @remote: what the other side printed
 * @error: why it does not fit in
 *
 * Takes the description that people have brought.
 *
 * Returns: whether it was taken
 */
gboolean
dc_signaling_client_take_description (DcSignalingClient *self, const DcDescription *remote, GError **error)
{
  g_return_val_if_fail (DC_IS_SIGNALING_CLIENT (self), FALSE);

  if (!dc_signaling_client_is_manual (self) || self->state != STATE_REGISTERED) {
    g_set_error_literal (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_REFUSED,
        dc_signaling_client_is_manual (self) ? "the call is over; start both sides anew"
                                             : "there is a signaling server: nothing is to be pasted");
    return FALSE;
  }
  return dc_manual_transport_take (self->transport, remote, error);
}

/**
 * dc_signaling_client_reconnect:
 * @self: a client
 *
 * Makes a new connection at once, because the network has changed.
 */
void
dc_signaling_client_reconnect (DcSignalingClient *self)
{
  g_return_if_fail (DC_IS_SIGNALING_CLIENT (self));

  if (self->state != STATE_CONNECTING && self->state != STATE_REGISTERED && self->state != STATE_WAITING)
    return;
  if (dc_signaling_client_is_manual (self))
    return;
  dc_signaling_client_drop_transport (self);
  dc_backoff_reset (&self->backoff);
  dc_signaling_client_attempt (self);
}

/**
 * dc_signaling_client_close:
 * @self: the client
 * @reason: (nullable): a sentence for the others in the room
 *
 * Ends the session.
 */
void
dc_signaling_client_close (DcSignalingClient *self, const char *reason)
{
  gboolean registered, half_way;

  g_return_if_fail (DC_IS_SIGNALING_CLIENT (self));

  if (self->state == STATE_CLOSING || self->state == STATE_CLOSED)
    return;
  registered = self->state == STATE_REGISTERED;
  half_way = self->state == STATE_CONNECTING && self->transport->hello_sent;
  self->state = STATE_CLOSING;
  self->farewell = g_strdup (reason);
  if (!registered && !half_way)
    dc_signaling_client_drop_transport (self);
  /* Half way, the welcome may still come: then bye can be said, and nobody is left behind in the room. */
  dc_signaling_client_set_timer (self, registered || half_way ? FAREWELL_MS : 0, dc_signaling_client_finish_close_cb);
  if (registered)
    dc_signaling_client_say_bye (self);
}

/**
 * dc_signaling_client_get_transport_name:
 * @self: the client
 *
 * Returns: (nullable): "WebSocket", "HTTP polling" or "copy and paste", as of the last registration
 */
const char *
dc_signaling_client_get_transport_name (DcSignalingClient *self)
{
  g_return_val_if_fail (DC_IS_SIGNALING_CLIENT (self), NULL);
  return self->transport_name;
}

/**
 * dc_signaling_client_get_uri:
 * @self: the client
 *
 * Returns: the URL as understood
 */
const char *
dc_signaling_client_get_uri (DcSignalingClient *self)
{
  g_return_val_if_fail (DC_IS_SIGNALING_CLIENT (self), NULL);
  return self->setup->display_uri;
}
