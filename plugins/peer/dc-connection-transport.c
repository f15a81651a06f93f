/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-connection-transport.c: what ICE, DTLS and SCTP do under a connection, and whom DTLS found at the far end.
 *
 * webrtcbin's own ice-connection-state stays "new" for connections without media, and its connection-state does not notice a
 * close_notify: so the three transports are watched themselves. Their notifications come on threads of libnice, DTLS and SCTP, and are
 * posted to the worker. They are floating until GStreamer 1.28 and must not be sunk.
 *
 * The identity is checked inside the very notification that DTLS is connected, before the worker hears of it; SCTP, and so
 * any data, starts after that. */
#include <string.h>

#include "plugins/peer/dc-channel-private.h"
#include "plugins/peer/dc-connection-private.h"
#include "plugins/peer/dc-source.h"

/* Of each UDP socket; the kernel doubles it for its own use and caps it at net.core.rmem_max and wmem_max. The default holds
 * about 90 packets, less than one burst of SCTP. */
#define UDP_BUFFER_SIZE (1024 * 1024)
/* What came before the far side left must be given to the channels, of which there may be much: so as long as it goes on. */
#define LEFT_STEP_MS 500
#define LEFT_STEPS 10

/* --- Identity ------------------------------------------------------------------------------------------------------------------ */

typedef struct {
  GstStructure *event;
  GError *error;
} Verdict;

static void
verdict_free (gpointer data)
{
  Verdict *verdict = data;

  g_clear_pointer (&verdict->event, gst_structure_free);
  g_clear_error (&verdict->error);
  g_free (verdict);
}

static void
on_verdict_posted (DcConnection *self, gpointer data)
{
  Verdict *verdict = data;

  dc_connection_emit (self, g_steal_pointer (&verdict->event));
  if (verdict->error != NULL)
    dc_connection_fail (self, DC_ERROR_IDENTITY, "\"%s\": %s", self->remote_id, verdict->error->message);
}

/* Any thread. */
static void
judge (DcConnection *self, GstWebRTCDTLSTransport *dtls)
{
  Verdict verdict = {dc_connection_event (self, "identity"), NULL};
  g_autofree char *pem = NULL, *presented = NULL, *expected = NULL;
  gboolean same;

  g_object_get (dtls, "remote-certificate", &pem, NULL);
  g_mutex_lock (&self->identity_lock);
  if (self->identity == NULL || self->verdict != DC_VERDICT_NONE) {
    g_mutex_unlock (&self->identity_lock);
    gst_structure_free (verdict.event);
    return;
  }
  same = dc_identity_check (self->identity, pem, &presented, &verdict.error);
  self->verdict = same ? DC_VERDICT_SAME : DC_VERDICT_OTHER;
  expected = g_strjoinv (" ", self->identity->fingerprints);
  gst_structure_set (verdict.event, "verified", G_TYPE_BOOLEAN, same, "algorithm", G_TYPE_STRING,
      self->identity->algorithm, "expected", G_TYPE_STRING, expected, "presented", G_TYPE_STRING,
      presented != NULL ? presented : "", NULL);
  g_mutex_unlock (&self->identity_lock);
  dc_connection_post (self, on_verdict_posted, g_memdup2 (&verdict, sizeof verdict), verdict_free);
}

gboolean
dc_connection_check_identity (DcConnection *self)
{
  gboolean same;

  if (self->dtls == NULL)
    return FALSE;
  judge (self, self->dtls);
  g_mutex_lock (&self->identity_lock);
  same = self->verdict == DC_VERDICT_SAME;
  g_mutex_unlock (&self->identity_lock);
  return same;
}

/* --- States -------------------------------------------------------------------------------------------------------------------- */

static gint
read_state (gpointer transport, const char *property, const char **nick)
{
  GParamSpec *spec = g_object_class_find_property (G_OBJECT_GET_CLASS (transport), property);
  gint state = 0;
  const GEnumValue *value;

  g_object_get (transport, property, &state, NULL);
  value = g_enum_get_value (G_PARAM_SPEC_ENUM (spec)->enum_class, state);
  *nick = value != NULL ? value->value_nick : "unknown";
  return state;
}

typedef struct {
  GstStructure *event;
  gint state;
} StateChange;

static void
state_change_free (gpointer data)
{
  StateChange *change = data;

  g_clear_pointer (&change->event, gst_structure_free);
  g_free (change);
}

/* Any thread: notes state and time now, tells the worker in order. */
static void
post_state (DcConnection *self, gpointer transport, const char *property, const char *name, DcConnectionFunc func)
{
  const char *nick;
  StateChange change = {dc_connection_event (self, name), read_state (transport, property, &nick)};

  gst_structure_set (change.event, "state", G_TYPE_STRING, nick, NULL);
  dc_connection_post (self, func, g_memdup2 (&change, sizeof change), state_change_free);
}

/* Tells a state once: notifications repeat. FALSE if it is the one told before. */
static gboolean
take_state (DcConnection *self, StateChange *change, gint *told)
{
  if (change->state == *told)
    return FALSE;
  *told = change->state;
  dc_connection_emit (self, g_steal_pointer (&change->event));
  return TRUE;
}

/* It is said again where relays were gathered later. */
static void
on_gathering_posted (DcConnection *self, gpointer data)
{
  StateChange *change = data;

  take_state (self, change, &self->gathering_state);
  if (change->state == GST_WEBRTC_ICE_GATHERING_STATE_COMPLETE)
    dc_connection_gathered (self);
}

/* libnice tells its states without its lock: one that another thread had to tell earlier, as it was given candidates, may come last. webrtcbin believes it, and takes
 * nothing in while it is checking: so it is told again. */
static void
mend_ice_state (DcConnection *self)
{
  NiceAgent *agent = dc_webrtc_get_agent (self->webrtc);
  guint stream_id = dc_connection_get_stream_id (self);
  NiceComponentState real = nice_agent_get_component_state (agent, stream_id, NICE_COMPONENT_TYPE_RTP);
  GstWebRTCICEConnectionState believed;

  g_object_get (self->ice, "state", &believed, NULL);
  if (believed == GST_WEBRTC_ICE_CONNECTION_STATE_CHECKING
      && (real == NICE_COMPONENT_STATE_CONNECTED || real == NICE_COMPONENT_STATE_READY))
    g_signal_emit_by_name (agent, "component-state-changed", stream_id, NICE_COMPONENT_TYPE_RTP, real);
}

static void
on_ice_state_posted (DcConnection *self, gpointer change)
{
  if (self->ice != NULL && ((StateChange *) change)->state == GST_WEBRTC_ICE_CONNECTION_STATE_CHECKING)
    mend_ice_state (self);
  if (!take_state (self, change, &self->ice_state) || self->ice_state != GST_WEBRTC_ICE_CONNECTION_STATE_FAILED)
    return;
  if (self->phase == DC_PHASE_OPEN)
    dc_connection_fail (
        self, DC_ERROR_PEER_GONE, "the network path to \"%s\" is lost and ICE finds no other", self->remote_id);
  else {
    g_autofree char *why = dc_connection_describe_ice (self);
    dc_connection_fail (self, DC_ERROR_CONNECTION, "no connection to \"%s\": %s", self->remote_id, why);
  }
}

static void
end_left (DcConnection *self)
{
  const char *how = g_steal_pointer (&self->left);

  dc_source_clear (&self->timeout);
  for (guint i = 0; i < self->channels->len; i++) {
    DcChannel *channel = g_ptr_array_index (self->channels, i);
    /* It may have been suspended just now, by what could not be sent any more. */
    if (dc_channel_had_carrier (channel, self))
      dc_channel_far_side_left (channel);
  }
  dc_connection_fail (
      self, self->phase == DC_PHASE_OPEN ? DC_ERROR_PEER_GONE : DC_ERROR_CONNECTION, "\"%s\" %s", self->remote_id, how);
}

static gboolean
on_left_step (gpointer user_data)
{
  DcConnection *self = user_data;
  guint waiting = dc_sctp_watch_get_waiting (dc_sctp_path_get_watch (dc_webrtc_get_path (self->webrtc)));

  if (waiting < self->left_waiting && ++self->left_steps < LEFT_STEPS) {
    self->left_waiting = waiting;
    return G_SOURCE_CONTINUE;
  }
  end_left (self);
  return G_SOURCE_REMOVE;
}

void
dc_connection_check_left (DcConnection *self)
{
  if (self->left != NULL && dc_sctp_watch_is_drained (dc_sctp_path_get_watch (dc_webrtc_get_path (self->webrtc))))
    end_left (self);
}

/* By close_notify, or by an end of the SCTP association. Messages that came before may still be on their way to the channels. */
void
dc_connection_far_side_left (DcConnection *self, const char *how)
{
  dc_connection_hurry (self);
  dc_sctp_bypass_drain (dc_sctp_path_get_bypass (dc_webrtc_get_path (self->webrtc)));
  self->left = how;
  self->left_waiting = G_MAXUINT;
  self->left_steps = 0;
  dc_source_clear (&self->timeout);
  self->timeout = g_timeout_source_new (LEFT_STEP_MS);
  g_source_set_callback (self->timeout, on_left_step, self, NULL);
  g_source_attach (self->timeout, self->context);
  dc_connection_check_left (self);
}

static void
on_dtls_state_posted (DcConnection *self, gpointer change)
{
  if (!take_state (self, change, &self->dtls_state))
    return;
  dc_connection_check_fast (self);
  if (self->dtls_state == GST_WEBRTC_DTLS_TRANSPORT_STATE_FAILED)
    dc_connection_fail (self, DC_ERROR_CONNECTION, "the DTLS handshake with \"%s\" failed", self->remote_id);
  else if (self->dtls_state == GST_WEBRTC_DTLS_TRANSPORT_STATE_CLOSED)
    dc_connection_far_side_left (self, "closed the connection");
}

static void
on_sctp_state_posted (DcConnection *self, gpointer change)
{
  if (!take_state (self, change, &self->sctp_state))
    return;
  if (self->sctp_state == GST_WEBRTC_SCTP_TRANSPORT_STATE_CLOSED)
    dc_connection_far_side_left (self, "ended the SCTP association");
}

static void
on_gathering_state (GstWebRTCICETransport *ice, GParamSpec *spec, DcConnection *self)
{
  post_state (self, ice, "gathering-state", "gathering-state", on_gathering_posted);
}

static void
on_ice_state (GstWebRTCICETransport *ice, GParamSpec *spec, DcConnection *self)
{
  post_state (self, ice, "state", "ice-state", on_ice_state_posted);
}

static void
on_dtls_state (GstWebRTCDTLSTransport *dtls, GParamSpec *spec, DcConnection *self)
{
  gint state;

  g_object_get (dtls, "state", &state, NULL);
  post_state (self, dtls, "state", "dtls-state", on_dtls_state_posted);
  if (state == GST_WEBRTC_DTLS_TRANSPORT_STATE_CONNECTED)
    judge (self, dtls);
}

static void
on_sctp_state (GstWebRTCSCTPTransport *sctp, GParamSpec *spec, DcConnection *self)
{
  post_state (self, sctp, "state", "sctp-state", on_sctp_state_posted);
}

/* --- The selected pair --------------------------------------------------------------------------------------------------------- */

static void
add_candidate (GstStructure *event, const char *side, const NiceCandidate *candidate)
{
  static const char *const types[] = {"host", "srflx", "prflx", "relay"};
  char address[NICE_ADDRESS_STRING_LEN];
  const char *protocol = candidate->transport == NICE_CANDIDATE_TRANSPORT_UDP ? "UDP" : "TCP";
  g_autofree char *type_field = g_strconcat (side, "-type", NULL),
                  *address_field = g_strconcat (side, "-address", NULL);
  g_autofree char *port_field = g_strconcat (side, "-port", NULL),
                  *protocol_field = g_strconcat (side, "-protocol", NULL);

  nice_address_to_string (&candidate->addr, address);
  gst_structure_set (event, type_field, G_TYPE_STRING, types[candidate->type], address_field, G_TYPE_STRING, address,
      port_field, G_TYPE_UINT, nice_address_get_port (&candidate->addr), protocol_field, G_TYPE_STRING, protocol, NULL);
}

/* How we reach the server that relays for us. */
static void
add_relay (DcConnection *self, GstStructure *event, const NiceCandidate *local)
{
  static const char *const names[] = {
      [DC_ICE_TRANSPORT_UDP] = "UDP", [DC_ICE_TRANSPORT_TCP] = "TCP", [DC_ICE_TRANSPORT_TLS] = "TLS"};
  NiceAddress server;
  char address[NICE_ADDRESS_STRING_LEN];

  if (local->type != NICE_CANDIDATE_TYPE_RELAYED)
    return;
  nice_candidate_relay_address (local, &server);
  nice_address_to_string (&server, address);
  DcIceTransport transport =
      dc_ice_config_get_turn_transport (self->ice_config, address, nice_address_get_port (&server));
  gst_structure_set (event, "local-relay", G_TYPE_STRING, names[transport], NULL);
}

static gboolean
get_selected_pair (DcConnection *self, NiceCandidate **local, NiceCandidate **remote)
{
  return self->ice != NULL
         && nice_agent_get_selected_pair (dc_webrtc_get_agent (self->webrtc), dc_connection_get_stream_id (self),
             NICE_COMPONENT_TYPE_RTP, local, remote);
}

/* Unless it is the one that was told last: of two that are selected at once only the second is seen here, twice. @event: (transfer full). */
static void
tell_pair (DcConnection *self, GstStructure *event)
{
  g_autoptr (GstStructure) pair = gst_structure_copy (event);

  gst_structure_remove_field (pair, "t");
  if (self->pair != NULL && gst_structure_is_equal (self->pair, pair)) {
    gst_structure_free (event);
    return;
  }
  g_clear_pointer (&self->pair, gst_structure_free);
  self->pair = g_steal_pointer (&pair);
  dc_connection_emit (self, event);
}

static void
on_selected_pair_posted (DcConnection *self, gpointer data)
{
  NiceCandidate *local, *remote;
  GstStructure *event;

  if (!get_selected_pair (self, &local, &remote))
    return;
  event = dc_connection_event (self, "selected-pair");
  add_candidate (event, "local", local);
  add_candidate (event, "remote", remote);
  add_relay (self, event, local);
  tell_pair (self, event);
  dc_connection_check_fast (self);
}

static void
on_selected_pair (GstWebRTCICETransport *ice, DcConnection *self)
{
  dc_connection_post (self, on_selected_pair_posted, NULL, NULL);
}

char *
dc_connection_find_lost_address (DcConnection *self, GList *addresses)
{
  NiceCandidate *local, *remote;
  char address[NICE_ADDRESS_STRING_LEN];

  if (!get_selected_pair (self, &local, &remote))
    return NULL;
  nice_address_to_string (&local->base_addr, address);
  return g_list_find_custom (addresses, address, (GCompareFunc) strcmp) == NULL ? g_strdup (address) : NULL;
}

/* --- Watching ------------------------------------------------------------------------------------------------------------------ */

void
dc_connection_watch_transports (DcConnection *self)
{
  if (self->sctp != NULL)
    return;
  g_object_get (dc_webrtc_get_bin (self->webrtc), "sctp-transport", &self->sctp, NULL);
  if (self->sctp == NULL)
    return;
  g_object_get (self->sctp, "transport", &self->dtls, NULL);
  g_object_get (self->dtls, "transport", &self->ice, NULL);
  g_object_set (self->ice, "send-buffer-size", UDP_BUFFER_SIZE, "receive-buffer-size", UDP_BUFFER_SIZE, NULL);
  dc_connection_connect (self, self->ice, "notify::gathering-state", G_CALLBACK (on_gathering_state));
  dc_connection_connect (self, self->ice, "notify::state", G_CALLBACK (on_ice_state));
  dc_connection_connect (self, self->ice, "on-selected-candidate-pair-change", G_CALLBACK (on_selected_pair));
  dc_connection_connect (self, self->dtls, "notify::state", G_CALLBACK (on_dtls_state));
  dc_connection_connect (self, self->sctp, "notify::state", G_CALLBACK (on_sctp_state));
  /* What happened before is told now; what is told twice is told once (see take_state()). */
  on_gathering_state (self->ice, NULL, self);
  on_ice_state (self->ice, NULL, self);
  on_dtls_state (self->dtls, NULL, self);
  on_sctp_state (self->sctp, NULL, self);
}

void
dc_connection_unwatch_transports (DcConnection *self)
{
  gpointer transports[] = {self->ice, self->dtls, self->sctp};

  for (guint i = 0; i < G_N_ELEMENTS (transports); i++) {
    if (transports[i] == NULL)
      continue;
    g_signal_handlers_disconnect_by_data (transports[i], self);
    g_object_unref (transports[i]);
  }
  self->ice = NULL;
  self->dtls = NULL;
  self->sctp = NULL;
}
