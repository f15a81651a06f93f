/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-ice-agent.c: libnice's agent inside a webrtcbin, set up as DcIceConfig says.
 *
 * What libnice 0.1.21 does by itself, and what is done about it:
 *
 *  - UPnP is off: it costs 200 ms of every set-up and opens ports in routers unasked. Connectivity checks as keepalives are on, without which
 *    ICE never notices that the far side is gone.
 *  - Loopback is offered where it is the only interface, so that two programs on an isolated machine meet, and where a server is there.
 *  - TCP candidates are off unless the user wants them: where packets are lost, libnice may settle on a pair of them although one of UDP works, and TCP's
 *    delays are ours.
 *  - Without them nomination is aggressive (RFC 5245, section 8.1.1.2): left to itself, libnice takes the better of the first two pairs that work, which are
 *    often two ways through a TURN server; so it takes the first, and changes over to each better one that works while checks go on.
 *  - When a pair works, it gives up all that it has not begun to check. So relays come later than the rest (see dc-connection-ice.c): of a
 *    TURN server that is named after candidates were gathered, libnice gathers relays at once, and says again that it is done. */
#include "plugins/peer/dc-ice-agent.h"

#include <gst/webrtc/webrtc.h>
#include <interfaces.h>

#include "plugins/peer/dc-error.h"

/* libnice's timers begin before the way to a TURN server over TCP stands (names, a proxy, TLS), and would give it up after 2 s. With so many
 * retransmissions they wait for 9.5 s. */
#define TUNNEL_RETRANSMISSIONS 5
/* A pair over TCP is nominated when no check is under way any more; these have some 2 s by themselves. */
#define BLOCKED_RETRANSMISSIONS 2
/* Between one check and the next, and so before the first: libnice would wait for 20. It must be 5 at least (RFC 8445, section 14.2). */
#define PACING_MS 5
/* webrtcbin has one for all that it bundles. */
#define STREAM_ID 1

static void
add_address (NiceAgent *agent, const char *text)
{
  NiceAddress address;

  nice_address_init (&address);
  if (nice_address_set_from_string (&address, text))
    nice_agent_add_local_address (agent, &address);
}

/* libnice leaves loopback out, and ties each socket to its interface, so that a server on 127.0.0.1 could not be reached. Once one address
 * is given to it, it takes no others by itself. */
static void
offer_loopback (NiceAgent *agent)
{
  GList *addresses = nice_interfaces_get_local_ips (TRUE);

  for (GList *item = addresses; item != NULL; item = item->next)
    add_address (agent, item->data);
  g_list_free_full (addresses, g_free);
}

/* Where ICE looks for candidates. */
static gboolean
offer_addresses (NiceAgent *agent, const DcIceConfig *config, GError **error)
{
  g_autoptr (GPtrArray) addresses = dc_ice_config_list_addresses (config, error);

  if (addresses == NULL)
    return FALSE;
  for (guint i = 0; config->interfaces != NULL && i < addresses->len; i++)
    add_address (agent, g_ptr_array_index (addresses, i));
  if (config->interfaces == NULL && (config->loopback || addresses->len == 0))
    offer_loopback (agent);
  return TRUE;
}

/* The property is construct-only, and webrtcbin constructs; the agent itself looks at it with each check. With TCP candidates it must stay regular
 * (RFC 6544, section 8). */
static void
nominate_aggressively (NiceAgent *agent)
{
  GObjectClass *klass = G_OBJECT_GET_CLASS (agent);
  GParamSpec *spec = g_object_class_find_property (klass, "nomination-mode");
  g_auto (GValue) mode = G_VALUE_INIT;

  if (spec == NULL)
    return;
  g_value_init (&mode, spec->value_type);
  g_value_set_enum (&mode, NICE_NOMINATION_MODE_AGGRESSIVE);
  klass->set_property (G_OBJECT (agent), spec->param_id, &mode, spec);
}

/* How often a check, and what a server is asked, is sent again. */
static void
set_retransmissions (NiceAgent *agent, const DcIceConfig *config)
{
  gboolean udp_is_blocked = config->stun_server != NULL && !config->stun_answers;

  if (config->tunnels != NULL)
    g_object_set (agent, "stun-max-retransmissions", TUNNEL_RETRANSMISSIONS, NULL);
  else if (config->tcp && udp_is_blocked)
    g_object_set (agent, "stun-max-retransmissions", BLOCKED_RETRANSMISSIONS, NULL);
}

NiceAgent *
dc_ice_agent_set_up (GstElement *bin, const DcIceConfig *config, GError **error)
{
  g_autoptr (GstWebRTCICE) ice = NULL;
  NiceAgent *agent;

  g_object_get (bin, "ice-agent", &ice, NULL);
  g_object_get (ice, "agent", &agent, NULL);
  g_object_set (
      agent, "upnp", FALSE, "keepalive-conncheck", TRUE, "ice-tcp", config->tcp, "stun-pacing-timer", PACING_MS, NULL);
  if (!config->tcp)
    nominate_aggressively (agent);
  set_retransmissions (agent, config);
  if (config->max_port > 0)
    g_object_set (ice, "max-rtp-port", (guint) config->max_port, "min-rtp-port", (guint) config->min_port, NULL);
  gst_util_set_object_arg (
      G_OBJECT (bin), "ice-transport-policy", config->policy == DC_ICE_POLICY_RELAY ? "relay" : "all");
  if (config->stun_server != NULL)
    g_object_set (bin, "stun-server", config->stun_server, NULL);
  if (!offer_addresses (agent, config, error))
    g_clear_object (&agent);
  return agent;
}

/* The IP versions of our own addresses that ICE uses, as a set of bits. */
static guint
list_families (NiceAgent *agent)
{
  GSList *candidates = nice_agent_get_local_candidates (agent, STREAM_ID, NICE_COMPONENT_TYPE_RTP);
  guint families = 0;

  for (GSList *item = candidates; item != NULL; item = item->next)
    families |= 1u << nice_address_ip_version (&((NiceCandidate *) item->data)->base_addr);
  g_slist_free_full (candidates, (GDestroyNotify) nice_candidate_free);
  return families;
}

static gboolean
is_within_reach (const char *uri, guint families)
{
  g_autoptr (GstUri) parts = gst_uri_from_string (uri);
  NiceAddress address;

  nice_address_init (&address);
  return nice_address_set_from_string (&address, gst_uri_get_host (parts))
         && (families & 1u << nice_address_ip_version (&address)) != 0;
}

gboolean
dc_ice_agent_add_relays (NiceAgent *agent, GstElement *bin, const DcIceConfig *config, gboolean *asks, GError **error)
{
  guint families = list_families (agent);

  *asks = FALSE;
  for (guint i = 0; i < config->turn_servers->len; i++) {
    const char *uri = g_ptr_array_index (config->turn_servers, i);
    gboolean added = FALSE;
    g_signal_emit_by_name (bin, "add-turn-server", uri, &added);
    if (!added) {
      g_set_error (error, DC_ERROR, DC_ERROR_CONNECTION, "webrtcbin refuses TURN server number %u", i + 1);
      return FALSE;
    }
    *asks |= is_within_reach (uri, families);
  }
  return TRUE;
}
