/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* trace-text-signaling.c: events as lines: the signaling server, the room, and servers for ICE. */
#include "apps/trace-text-private.h"

#include <string.h>

#include "apps/text.h"

/* Signaling and room. */

static char *
format_connecting (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("connecting to %s", dc_trace_string_of (event, "url"));
}

static char *
format_registered (DcTraceText *self, const GstStructure *event)
{
  guint64 peers = dc_trace_number_of (event, "peers");
  g_autofree char *others = peers == 0 ? g_strdup ("nobody else there yet")
                                       : g_strdup_printf ("%" G_GUINT64_FORMAT " peer%s there: %s", peers,
                                           peers == 1 ? "" : "s", dc_trace_string_of (event, "peer-ids"));
  return g_strdup_printf ("registered %sas \"%s\" in room \"%s\" at %s (%s), %s",
      dc_trace_boolean_of (event, "resumed", FALSE) ? "again " : "", dc_trace_string_of (event, "id"),
      dc_trace_string_of (event, "room"), dc_trace_string_of (event, "url"), dc_trace_string_of (event, "transport"),
      others);
}

static char *
format_signaling_lost (DcTraceText *self, const GstStructure *event)
{
  gdouble retry = dc_trace_double_of (event, "retry");
  g_autofree char *next = retry >= 0 ? g_strdup_printf ("; next attempt in %.1f s", retry) : g_strdup ("");
  return g_strdup_printf ("not connected: %s%s", dc_trace_string_of (event, "reason"), next);
}

static char *
format_peer_joined (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("%s is here", dc_trace_string_of (event, "peer"));
}

static char *
format_peer_left (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("%s left", dc_trace_string_of (event, "peer"));
}

static char *
format_peer_away (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf (
      "%s lost its connection to the signaling server and may come back", dc_trace_string_of (event, "peer"));
}

static char *
format_peer_back (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("%s is back", dc_trace_string_of (event, "peer"));
}

static char *
format_ice_server (DcTraceText *self, const GstStructure *event)
{
  gboolean used = dc_trace_boolean_of (event, "used", TRUE),
           turn = strcmp (dc_trace_string_of (event, "kind"), "turn") == 0;
  return g_strdup_printf ("%s (%s)%s%s%s", dc_trace_string_of (event, "url"), dc_trace_string_of (event, "source"),
      used ? "" : ", not used: ", used ? "" : dc_trace_string_of (event, "reason"),
      dc_trace_explain (self, turn ? " - a TURN server lends us an address and forwards what arrives there"
                                   : " - a STUN server tells us from which address it sees us"));
}

static char *
format_stun_answered (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("%s sees us as %s port %" G_GUINT64_FORMAT " (after %.0f ms)",
      dc_trace_string_of (event, "url"), dc_trace_string_of (event, "address"), dc_trace_number_of (event, "port"),
      dc_trace_double_of (event, "rtt") * 1000);
}

static char *
format_stun_chosen (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("%s is the one we use", dc_trace_string_of (event, "url"));
}

static char *
format_nat (DcTraceText *self, const GstStructure *event)
{
  static const struct {
    const char *mapping, *meaning;
  } meanings[] = {
      {"none", "there is no NAT before us: others see an address of this machine"},
      {"endpoint-independent", "ours shows everybody the same port (a cone): who knows it can be let in"},
      {"address-dependent",
          "ours shows each destination another port (it is symmetric): what STUN saw of us is of no use to others"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS (meanings); i++)
    if (strcmp (dc_trace_string_of (event, "mapping"), meanings[i].mapping) == 0)
      return g_strdup (meanings[i].meaning);
  return NULL;
}

static char *
format_turn_connected (DcTraceText *self, const GstStructure *event)
{
  const char *tls = gst_structure_get_string (event, "tls");
  return g_strdup_printf ("%s: connected%s%s", dc_trace_string_of (event, "url"),
      tls != NULL ? ", encrypted by " : " over TCP", tls != NULL ? tls : "");
}

static char *
format_server_failed (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf (
      "%s is of no use: %s", dc_trace_string_of (event, "url"), dc_trace_string_of (event, "reason"));
}

/* `dcpeer peers`. */

static char *
format_room (DcTraceText *self, const GstStructure *event)
{
  guint64 peers = dc_trace_number_of (event, "peers");
  if (peers == 0)
    return g_strdup_printf (
        "Nobody is in room \"%s\" at %s.", dc_trace_string_of (event, "room"), dc_trace_string_of (event, "url"));
  return g_strdup_printf ("%" G_GUINT64_FORMAT " peer%s in room \"%s\" at %s:\n%-24s %-6s %-9s %s", peers,
      peers == 1 ? "" : "s", dc_trace_string_of (event, "room"), dc_trace_string_of (event, "url"), "ID", "HERE",
      "ROLE", "CHANNELS");
}

static const char *
told (const GstStructure *event, const char *field)
{
  const char *value = gst_structure_get_string (event, field);
  return value != NULL && *value != '\0' ? value : "-";
}

/* "data (link, both), log (link, send)" */
static char *
told_channels (const GstStructure *event)
{
  const GValue *list = gst_structure_get_value (event, "channels");
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; list != NULL && i < gst_value_list_get_size (list); i++) {
    const GstStructure *channel = gst_value_get_structure (gst_value_list_get_value (list, i));
    g_string_append_printf (text, "%s%s (%s, %s)", i > 0 ? ", " : "", told (channel, "label"), told (channel, "mode"),
        told (channel, "wants"));
  }
  return g_strdup (text->len > 0 ? text->str : "-");
}

static char *
format_peer (DcTraceText *self, const GstStructure *event)
{
  g_autofree char *channels = told_channels (event);
  g_autofree char *line = g_strdup_printf ("%-24s %-6s %-9s %s", dc_trace_string_of (event, "id"),
      dc_trace_boolean_of (event, "away", FALSE) ? "away" : "yes", told (event, "role"), channels);
  return dc_text_escape (line, DC_TEXT_WHOLE);
}

const DcTraceFormat dc_trace_signaling_formats[] = {
    {"signaling-connecting", "signaling", format_connecting},
    {"registered", "signaling", format_registered},
    {"signaling-lost", "signaling", format_signaling_lost},
    {"peer-joined", "room", format_peer_joined},
    {"peer-left", "room", format_peer_left},
    {"peer-away", "room", format_peer_away},
    {"peer-back", "room", format_peer_back},
    {"ice-server", "ice server", format_ice_server},
    {"stun-answered", "ice server", format_stun_answered},
    {"stun-failed", "ice server", format_server_failed},
    {"stun-chosen", "ice server", format_stun_chosen},
    {"nat", "NAT", format_nat},
    {"turn-connected", "ice server", format_turn_connected},
    {"turn-failed", "ice server", format_server_failed},
    {"room", NULL, format_room},
    {"peer", NULL, format_peer},
    {NULL, NULL, NULL},
};
