/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* trace-text.c: events as lines from which a newcomer learns what a WebRTC connection goes through. */
#include "apps/trace.h"

#include <string.h>
#include "apps/text.h"

/* A message is shown up to here; --json has it whole. */
#define MESSAGE_CHARS 120
#define MESSAGE_BYTES 16

struct _DcTraceText {
  GHashTable *explained; /* set of static strings: what was explained once is not explained again */
  char *remote_type;     /* of the last remote description: "offer" or "answer" */
};

DcTraceText *
dc_trace_text_new (void)
{
  DcTraceText *text = g_new0 (DcTraceText, 1);
  text->explained = g_hash_table_new (g_direct_hash, g_direct_equal);
  return text;
}

void
dc_trace_text_free (DcTraceText *text)
{
  g_hash_table_unref (text->explained);
  g_free (text->remote_type);
  g_free (text);
}

/* Fields; what is missing shows as "?" rather than as a crash. */

static const char *
string_of (const GstStructure *event, const char *field)
{
  const char *value = gst_structure_get_string (event, field);
  return value != NULL ? value : "?";
}

static gboolean
boolean_of (const GstStructure *event, const char *field, gboolean fallback)
{
  gboolean value = fallback;
  gst_structure_get_boolean (event, field, &value);
  return value;
}

static guint64
number_of (const GstStructure *event, const char *field)
{
  guint64 wide = 0;
  guint narrow = 0;
  if (gst_structure_get_uint64 (event, field, &wide))
    return wide;
  gst_structure_get_uint (event, field, &narrow);
  return narrow;
}

static int
int_of (const GstStructure *event, const char *field, int fallback)
{
  int value = fallback;
  gst_structure_get_int (event, field, &value);
  return value;
}

static gdouble
double_of (const GstStructure *event, const char *field)
{
  gdouble value = 0;
  gst_structure_get_double (event, field, &value);
  return value;
}

static char *
bytes_of (const GstStructure *event, const char *field)
{
  guint64 bytes = number_of (event, field);
  return g_strdup_printf ("%" G_GUINT64_FORMAT " byte%s", bytes, bytes == 1 ? "" : "s");
}

static gboolean
is_local (const GstStructure *event)
{
  return g_str_has_prefix (gst_structure_get_name (event), "local");
}

/* @explanation in brackets the first time, then nothing. */
static const char *
explain (DcTraceText *self, const char *explanation)
{
  return explanation != NULL && g_hash_table_add (self->explained, (gpointer) explanation) ? explanation : "";
}

/* Signaling and room. */

static char *
format_connecting (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("connecting to %s", string_of (event, "url"));
}

static char *
format_registered (DcTraceText *self, const GstStructure *event)
{
  guint64 peers = number_of (event, "peers");
  g_autofree char *others = peers == 0 ? g_strdup ("nobody else there yet")
                                       : g_strdup_printf ("%" G_GUINT64_FORMAT " peer%s there: %s", peers,
                                           peers == 1 ? "" : "s", string_of (event, "peer-ids"));
  return g_strdup_printf ("registered %sas \"%s\" in room \"%s\" at %s (%s), %s",
      boolean_of (event, "resumed", FALSE) ? "again " : "", string_of (event, "id"), string_of (event, "room"),
      string_of (event, "url"), string_of (event, "transport"), others);
}

static char *
format_signaling_lost (DcTraceText *self, const GstStructure *event)
{
  gdouble retry = double_of (event, "retry");
  g_autofree char *next = retry >= 0 ? g_strdup_printf ("; next attempt in %.1f s", retry) : g_strdup ("");
  return g_strdup_printf ("not connected: %s%s", string_of (event, "reason"), next);
}

static char *
format_peer_joined (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("%s is here", string_of (event, "peer"));
}

static char *
format_peer_left (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("%s left", string_of (event, "peer"));
}

static char *
format_peer_away (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf (
      "%s lost its connection to the signaling server and may come back", string_of (event, "peer"));
}

static char *
format_peer_back (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("%s is back", string_of (event, "peer"));
}

static char *
format_ice_server (DcTraceText *self, const GstStructure *event)
{
  gboolean used = boolean_of (event, "used", TRUE), turn = strcmp (string_of (event, "kind"), "turn") == 0;
  return g_strdup_printf ("%s (%s)%s%s%s", string_of (event, "url"), string_of (event, "source"),
      used ? "" : ", not used: ", used ? "" : string_of (event, "reason"),
      explain (self, turn ? " - a TURN server lends us an address and forwards what arrives there"
                          : " - a STUN server tells us from which address it sees us"));
}

static char *
format_stun_answered (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("%s sees us as %s port %" G_GUINT64_FORMAT " (after %.0f ms)", string_of (event, "url"),
      string_of (event, "address"), number_of (event, "port"), double_of (event, "rtt") * 1000);
}

static char *
format_stun_chosen (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("%s is the one we use", string_of (event, "url"));
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
    if (strcmp (string_of (event, "mapping"), meanings[i].mapping) == 0)
      return g_strdup (meanings[i].meaning);
  return NULL;
}

static char *
format_turn_connected (DcTraceText *self, const GstStructure *event)
{
  const char *tls = gst_structure_get_string (event, "tls");
  return g_strdup_printf ("%s: connected%s%s", string_of (event, "url"), tls != NULL ? ", encrypted by " : " over TCP",
      tls != NULL ? tls : "");
}

static char *
format_server_failed (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("%s is of no use: %s", string_of (event, "url"), string_of (event, "reason"));
}

/* The call and its descriptions. */

static const char *
again (const GstStructure *event)
{
  return boolean_of (event, "resume", FALSE) ? " again, to go on" : "";
}

static char *
format_calling (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("calling %s%s: we make the offer", string_of (event, "peer"), again (event));
}

static char *
format_called (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("%s calls us%s: it made the offer, we answer", string_of (event, "peer"), again (event));
}

static char *
format_busy (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("not with %s now: one of us is busy with another call", string_of (event, "peer"));
}

static char *
format_description (DcTraceText *self, const GstStructure *event)
{
  gboolean local = is_local (event);
  const char *type = string_of (event, "type");
  if (!local) {
    g_free (self->remote_type);
    self->remote_type = g_strdup (type);
  }
  return g_strdup_printf ("%s %s, %" G_GSIZE_FORMAT " bytes of SDP%s", local ? "our" : "the remote", type,
      strlen (string_of (event, "sdp")),
      explain (self, " - it says what is wanted, the user name and password of the ICE checks and the fingerprint of "
                     "the certificate"));
}

/* Candidates. */

static const char *
candidate_meaning (const char *type, gboolean local)
{
  static const struct {
    const char *type, *local, *remote;
  } meanings[] = {
      {"host", "an address of this machine", "an address of the other machine"},
      {"srflx", "what STUN saw of us", "what STUN saw of the other machine"},
      {"prflx", "what the other side saw of us", "what we saw of the other machine"},
      {"relay", "lent to us by a TURN server, which forwards",
          "lent to the other side by a TURN server, which forwards"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS (meanings); i++)
    if (strcmp (type, meanings[i].type) == 0)
      return local ? meanings[i].local : meanings[i].remote;
  return "of a type that we do not know";
}

static char *
candidate_base (const GstStructure *event)
{
  const char *base = gst_structure_get_string (event, "base-address");
  return base != NULL ? g_strdup_printf ("; base %s port %" G_GUINT64_FORMAT, base, number_of (event, "base-port"))
                      : g_strdup ("");
}

static char *
format_candidate (DcTraceText *self, const GstStructure *event)
{
  gboolean local = is_local (event), used = boolean_of (event, "used", TRUE);
  const char *type = string_of (event, "type"), *tcptype = gst_structure_get_string (event, "tcptype");
  g_autofree char *base = candidate_base (event);
  return g_strdup_printf ("%-6s %-5s %s%s%s %s port %" G_GUINT64_FORMAT " priority %" G_GUINT64_FORMAT " (%s%s)%s%s",
      local ? "local" : "remote", type, string_of (event, "protocol"), tcptype != NULL ? " " : "",
      tcptype != NULL ? tcptype : "", string_of (event, "address"), number_of (event, "port"),
      number_of (event, "priority"), candidate_meaning (type, local), base,
      used ? "" : " not used: ", used ? "" : string_of (event, "reason"));
}

static char *
format_candidates_done (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf (
      "%-6s that was all: %" G_GUINT64_FORMAT, is_local (event) ? "local" : "remote", number_of (event, "count"));
}

/* States. */

static const char *
state_meaning (const char *name, const char *state)
{
  static const struct {
    const char *name, *state, *meaning;
  } meanings[] = {
      {"gathering-state", "gathering", ": collecting the addresses at which we can be reached"},
      {"gathering-state", "complete", ": no more addresses will be found"},
      {"ice-state", "checking", ": trying each pair of a local and a remote candidate"},
      {"ice-state", "connected", ": a pair works"},
      {"ice-state", "completed", ": all pairs are tried, the best stays"},
      {"ice-state", "failed", ": no pair works"},
      {"ice-state", "disconnected", ": the pair in use has fallen silent"},
      {"dtls-state", "connecting", ": exchanging certificates and agreeing on keys"},
      {"dtls-state", "connected", ": what is sent from here on is encrypted"},
      {"dtls-state", "failed", ": no common keys"},
      {"sctp-state", "connecting", ": setting up an association inside DTLS, for reliable messages over UDP"},
      {"sctp-state", "connected", ": data channels can be opened"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS (meanings); i++)
    if (strcmp (name, meanings[i].name) == 0 && strcmp (state, meanings[i].state) == 0)
      return meanings[i].meaning;
  return NULL;
}

static char *
format_state (DcTraceText *self, const GstStructure *event)
{
  const char *state = string_of (event, "state");
  return g_strconcat (state, explain (self, state_meaning (gst_structure_get_name (event), state)), NULL);
}

static char *
format_identity (DcTraceText *self, const GstStructure *event)
{
  const char *source = self->remote_type != NULL ? self->remote_type : "description";
  const char *algorithm = string_of (event, "algorithm"), *presented = string_of (event, "presented");
  if (boolean_of (event, "verified", FALSE))
    return g_strdup_printf ("the certificate matches the fingerprint in the %s (%s %s)", source, algorithm, presented);
  return g_strdup_printf ("REFUSED: the certificate's fingerprint is %s %s, but the %s said %s", algorithm, presented,
      source, string_of (event, "expected"));
}

static char *
format_proved (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf (
      "%s has proved that it knows the secret and sees the same two certificates", string_of (event, "peer"));
}

static const char *
pair_meaning (const GstStructure *event)
{
  gboolean relayed =
      strcmp (string_of (event, "local-type"), "relay") == 0 || strcmp (string_of (event, "remote-type"), "relay") == 0;
  return relayed ? "through a TURN server" : "straight from one to the other";
}

static char *
format_selected_pair (DcTraceText *self, const GstStructure *event)
{
  const char *relay = gst_structure_get_string (event, "local-relay");
  return g_strdup_printf ("local %s %s port %" G_GUINT64_FORMAT " <-> remote %s %s port %" G_GUINT64_FORMAT
                          " over %s, %s%s%s",
      string_of (event, "local-type"), string_of (event, "local-address"), number_of (event, "local-port"),
      string_of (event, "remote-type"), string_of (event, "remote-address"), number_of (event, "remote-port"),
      string_of (event, "local-protocol"), pair_meaning (event), relay != NULL ? " that we reach over " : "",
      relay != NULL ? relay : "");
}

static char *
format_transport (DcTraceText *self, const GstStructure *event)
{
  const char *reason = gst_structure_get_string (event, "reason");
  return boolean_of (event, "fast", FALSE)
             ? g_strdup ("the fast path: packets go in batches, past GStreamer's elements")
             : g_strdup_printf ("packets go one by one through GStreamer's elements: %s", reason != NULL ? reason : "");
}

static char *
format_streams (DcTraceText *self, const GstStructure *event)
{
  guint64 count = number_of (event, "count");
  return count == 1 ? g_strdup_printf ("the data to %s goes on one SCTP association again", string_of (event, "peer"))
                    : g_strdup_printf ("the data to %s goes on %" G_GUINT64_FORMAT
                                       " SCTP associations at once, each with a congestion window of its own",
                        string_of (event, "peer"), count);
}

/* The channel. */

static char *
reliability (const GstStructure *event)
{
  int retransmits = int_of (event, "max-retransmits", -1), lifetime = int_of (event, "max-packet-lifetime", -1);
  if (retransmits >= 0)
    return g_strdup_printf ("at most %d retransmissions", retransmits);
  if (lifetime >= 0)
    return g_strdup_printf ("retransmitted for at most %d ms", lifetime);
  return g_strdup ("reliable");
}

static char *
format_channel_open (DcTraceText *self, const GstStructure *event)
{
  g_autofree char *reliable = reliability (event);
  return g_strdup_printf (
      "open to %s: label \"%s\", protocol \"%s\", id %d, %s, %s, %s mode, messages of up to %" G_GUINT64_FORMAT
      " bytes",
      string_of (event, "peer"), string_of (event, "label"), string_of (event, "protocol"), int_of (event, "id", -1),
      boolean_of (event, "ordered", TRUE) ? "ordered" : "unordered", reliable, string_of (event, "mode"),
      number_of (event, "max-message-size"));
}

static char *
format_connection_lost (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("to %s is lost: %s; looking for it again for up to %.0f s", string_of (event, "peer"),
      string_of (event, "reason"), double_of (event, "timeout"));
}

static char *
format_connection_resumed (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf (
      "to %s stands again after %.3f s; nothing was lost", string_of (event, "peer"), double_of (event, "after"));
}

static char *
format_connection_closed (DcTraceText *self, const GstStructure *event)
{
  g_autofree char *sent = bytes_of (event, "bytes-sent"), *received = bytes_of (event, "bytes-received");
  const char *reason = gst_structure_get_string (event, "reason");
  return g_strdup_printf ("with %s closed after %.3f s%s%s; %s sent, %s received", string_of (event, "peer"),
      double_of (event, "duration"), reason != NULL ? ": " : "", reason != NULL ? reason : "", sent, received);
}

/* Messages. */

static char *
message_content (const GstStructure *event)
{
  const char *text = gst_structure_get_string (event, "text");
  if (text != NULL) {
    g_autofree char *shown = dc_text_escape (text, MESSAGE_CHARS);
    return g_strdup_printf ("\"%s\"", shown);
  }
  const GValue *data = gst_structure_get_value (event, "data");
  return data != NULL ? dc_text_hex (g_value_get_boxed (data), MESSAGE_BYTES) : g_strdup ("");
}

static char *
format_message (DcTraceText *self, const GstStructure *event)
{
  g_autofree char *content = message_content (event), *bytes = bytes_of (event, "bytes");
  return g_strdup_printf ("#%" G_GUINT64_FORMAT " %s %s, %s: %s", number_of (event, "n"),
      gst_structure_has_name (event, "sent") ? "to" : "from", string_of (event, "peer"), bytes, content);
}

static char *
format_acknowledged (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("#%" G_GUINT64_FORMAT " by %s, round trip %.3f ms%s", number_of (event, "n"),
      string_of (event, "peer"), double_of (event, "round-trip") * 1000,
      explain (self, " (to the far program and back)"));
}

static char *
round_trips (const GstStructure *event)
{
  if (!gst_structure_has_field (event, "rtt-median"))
    return g_strdup ("");
  return g_strdup_printf (", round trip min/median/max %.3f/%.3f/%.3f ms", double_of (event, "rtt-min") * 1000,
      double_of (event, "rtt-median") * 1000, double_of (event, "rtt-max") * 1000);
}

static char *
format_delivered (DcTraceText *self, const GstStructure *event)
{
  guint64 n = number_of (event, "n");
  return g_strdup_printf ("%s%" G_GUINT64_FORMAT " message%s arrived at %s's machine; %s", n == 1 ? "the " : "all ", n,
      n == 1 ? " has" : "s have", string_of (event, "peer"),
      boolean_of (event, "hang-up", FALSE) ? "closing the channel" : "it may close the channel, or Ctrl-C does");
}

static char *
format_summary (DcTraceText *self, const GstStructure *event)
{
  g_autofree char *rtt = round_trips (event);
  g_autofree char *sent = bytes_of (event, "bytes-sent"), *received = bytes_of (event, "bytes-received");
  const char *pair = gst_structure_get_string (event, "pair");
  g_autofree char *acknowledged = gst_structure_has_field (event, "acknowledged") ? g_strdup_printf (
                                      ", %" G_GUINT64_FORMAT " acknowledged", number_of (event, "acknowledged"))
                                                                                  : g_strdup ("");
  return g_strdup_printf ("%s with %s: %" G_GUINT64_FORMAT " sent (%s)%s, %" G_GUINT64_FORMAT
                          " received (%s)%s, in %.3f s%s%s",
      boolean_of (event, "complete", FALSE) ? "done" : "broken off", string_of (event, "peer"),
      number_of (event, "sent"), sent, acknowledged, number_of (event, "received"), received, rtt,
      double_of (event, "duration"), pair != NULL ? ", " : "", pair != NULL ? pair : "");
}

/* The text itself follows on a line of its own. */
static char *
format_own_description (DcTraceText *self, const GstStructure *event)
{
  const char *type = string_of (event, "type");
  return g_strdup_printf ("bring this %s to the other side%s%s:", type,
      strcmp (type, "offer") == 0 ? explain (self, ", and paste here what it answers") : "",
      boolean_of (event, "complete", FALSE) ? "" : " (more candidates may follow)");
}

static char *
format_description_refused (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("not taken: %s", string_of (event, "reason"));
}

/* NULL: not shown as text; the sentence goes to stderr. */
static char *
format_nothing (DcTraceText *self, const GstStructure *event)
{
  return NULL;
}

/* `dcpeer peers`. */

static char *
format_room (DcTraceText *self, const GstStructure *event)
{
  guint64 peers = number_of (event, "peers");
  if (peers == 0)
    return g_strdup_printf ("Nobody is in room \"%s\" at %s.", string_of (event, "room"), string_of (event, "url"));
  return g_strdup_printf ("%" G_GUINT64_FORMAT " peer%s in room \"%s\" at %s:\n%-24s %-6s %-9s %s", peers,
      peers == 1 ? "" : "s", string_of (event, "room"), string_of (event, "url"), "ID", "HERE", "ROLE", "CHANNELS");
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
  g_autofree char *line = g_strdup_printf ("%-24s %-6s %-9s %s", string_of (event, "id"),
      boolean_of (event, "away", FALSE) ? "away" : "yes", told (event, "role"), channels);
  return dc_text_escape (line, DC_TEXT_WHOLE);
}

/* An event that this table does not know: its fields as they are. */
static char *
format_other (DcTraceText *self, const GstStructure *event)
{
  return gst_structure_to_string (event);
}

typedef struct {
  const char *event;
  const char *who; /* NULL: lines without time and who, escaped by their function */
  char *(*format) (DcTraceText *self, const GstStructure *event);
} Format;

static const Format *
find_format (const char *event)
{
  static const Format formats[] = {
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
      {"calling", "call", format_calling},
      {"called", "call", format_called},
      {"busy", "call", format_busy},
      {"local-description", "description", format_description},
      {"remote-description", "description", format_description},
      {"description", "description", format_own_description},
      {"description-refused", "description", format_description_refused},
      {"local-candidate", "candidate", format_candidate},
      {"remote-candidate", "candidate", format_candidate},
      {"local-candidates-done", "candidate", format_candidates_done},
      {"remote-candidates-done", "candidate", format_candidates_done},
      {"gathering-state", "gathering", format_state},
      {"ice-state", "ICE", format_state},
      {"dtls-state", "DTLS", format_state},
      {"sctp-state", "SCTP", format_state},
      {"identity", "identity", format_identity},
      {"secret-proved", "identity", format_proved},
      {"selected-pair", "selected pair", format_selected_pair},
      {"transport", "transport", format_transport},
      {"streams", "streams", format_streams},
      {"channel-open", "channel", format_channel_open},
      {"connection-lost", "connection", format_connection_lost},
      {"connection-resumed", "connection", format_connection_resumed},
      {"connection-closed", "connection", format_connection_closed},
      {"sent", "sent", format_message},
      {"received", "received", format_message},
      {"acknowledged", "acknowledged", format_acknowledged},
      {"delivered", "delivered", format_delivered},
      {"summary", "summary", format_summary},
      {"error", NULL, format_nothing},
      {"room", NULL, format_room},
      {"peer", NULL, format_peer},
  };
  static const Format other = {NULL, "event", format_other};
  for (gsize i = 0; i < G_N_ELEMENTS (formats); i++)
    if (strcmp (formats[i].event, event) == 0)
      return &formats[i];
  return &other;
}

char *
dc_trace_text_format (DcTraceText *text, const GstStructure *event)
{
  const Format *format = find_format (gst_structure_get_name (event));
  g_autofree char *content = format->format (text, event);
  if (content == NULL)
    return NULL;
  if (format->who == NULL)
    return g_strconcat (content, "\n", NULL);
  /* What servers and far peers said stands in these lines: none of it may start a line or move the cursor. */
  g_autofree char *clean = dc_text_escape (content, DC_TEXT_WHOLE);
  return g_strdup_printf ("%9.3f  %-14s%s\n", double_of (event, "t"), format->who, clean);
}
