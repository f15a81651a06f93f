/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* trace-text-connection.c: events as lines: calls, descriptions, candidates, states, channels. */
#include "apps/trace-text-private.h"

#include <string.h>

/* The call and its descriptions. */

static const char *
again (const GstStructure *event)
{
  return dc_trace_boolean_of (event, "resume", FALSE) ? " again, to go on" : "";
}

static char *
format_calling (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("calling %s%s: we make the offer", dc_trace_string_of (event, "peer"), again (event));
}

static char *
format_called (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf (
      "%s calls us%s: it made the offer, we answer", dc_trace_string_of (event, "peer"), again (event));
}

static char *
format_busy (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("not with %s now: one of us is busy with another call", dc_trace_string_of (event, "peer"));
}

static char *
format_description (DcTraceText *self, const GstStructure *event)
{
  gboolean local = dc_trace_is_local (event);
  const char *type = dc_trace_string_of (event, "type");
  if (!local) {
    g_free (self->remote_type);
    self->remote_type = g_strdup (type);
  }
  return g_strdup_printf ("%s %s, %" G_GSIZE_FORMAT " bytes of SDP%s", local ? "our" : "the remote", type,
      strlen (dc_trace_string_of (event, "sdp")),
      dc_trace_explain (self,
          " - it says what is wanted, the user name and password of the ICE checks and the fingerprint of "
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
  return base != NULL
             ? g_strdup_printf ("; base %s port %" G_GUINT64_FORMAT, base, dc_trace_number_of (event, "base-port"))
             : g_strdup ("");
}

static char *
format_candidate (DcTraceText *self, const GstStructure *event)
{
  gboolean local = dc_trace_is_local (event), used = dc_trace_boolean_of (event, "used", TRUE);
  const char *type = dc_trace_string_of (event, "type"), *tcptype = gst_structure_get_string (event, "tcptype");
  g_autofree char *base = candidate_base (event);
  return g_strdup_printf ("%-6s %-5s %s%s%s %s port %" G_GUINT64_FORMAT " priority %" G_GUINT64_FORMAT " (%s%s)%s%s",
      local ? "local" : "remote", type, dc_trace_string_of (event, "protocol"), tcptype != NULL ? " " : "",
      tcptype != NULL ? tcptype : "", dc_trace_string_of (event, "address"), dc_trace_number_of (event, "port"),
      dc_trace_number_of (event, "priority"), candidate_meaning (type, local), base,
      used ? "" : " not used: ", used ? "" : dc_trace_string_of (event, "reason"));
}

static char *
format_candidates_done (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("%-6s that was all: %" G_GUINT64_FORMAT, dc_trace_is_local (event) ? "local" : "remote",
      dc_trace_number_of (event, "count"));
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
  const char *state = dc_trace_string_of (event, "state");
  return g_strconcat (state, dc_trace_explain (self, state_meaning (gst_structure_get_name (event), state)), NULL);
}

static char *
format_identity (DcTraceText *self, const GstStructure *event)
{
  const char *source = self->remote_type != NULL ? self->remote_type : "description";
  const char *algorithm = dc_trace_string_of (event, "algorithm"), *presented = dc_trace_string_of (event, "presented");
  if (dc_trace_boolean_of (event, "verified", FALSE))
    return g_strdup_printf ("the certificate matches the fingerprint in the %s (%s %s)", source, algorithm, presented);
  return g_strdup_printf ("REFUSED: the certificate's fingerprint is %s %s, but the %s said %s", algorithm, presented,
      source, dc_trace_string_of (event, "expected"));
}

static char *
format_proved (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf (
      "%s has proved that it knows the secret and sees the same two certificates", dc_trace_string_of (event, "peer"));
}

static const char *
pair_meaning (const GstStructure *event)
{
  gboolean relayed = strcmp (dc_trace_string_of (event, "local-type"), "relay") == 0
                     || strcmp (dc_trace_string_of (event, "remote-type"), "relay") == 0;
  return relayed ? "through a TURN server" : "straight from one to the other";
}

static char *
format_selected_pair (DcTraceText *self, const GstStructure *event)
{
  const char *relay = gst_structure_get_string (event, "local-relay");
  return g_strdup_printf ("local %s %s port %" G_GUINT64_FORMAT " <-> remote %s %s port %" G_GUINT64_FORMAT
                          " over %s, %s%s%s",
      dc_trace_string_of (event, "local-type"), dc_trace_string_of (event, "local-address"),
      dc_trace_number_of (event, "local-port"), dc_trace_string_of (event, "remote-type"),
      dc_trace_string_of (event, "remote-address"), dc_trace_number_of (event, "remote-port"),
      dc_trace_string_of (event, "local-protocol"), pair_meaning (event), relay != NULL ? " that we reach over " : "",
      relay != NULL ? relay : "");
}

static char *
format_transport (DcTraceText *self, const GstStructure *event)
{
  const char *reason = gst_structure_get_string (event, "reason");
  return dc_trace_boolean_of (event, "fast", FALSE)
             ? g_strdup ("the fast path: packets go in batches, past GStreamer's elements")
             : g_strdup_printf ("packets go one by one through GStreamer's elements: %s", reason != NULL ? reason : "");
}

static char *
format_streams (DcTraceText *self, const GstStructure *event)
{
  guint64 count = dc_trace_number_of (event, "count");
  const char *peer = dc_trace_string_of (event, "peer");
  return count == 1 ? g_strdup_printf ("the data to %s goes on one SCTP association again", peer)
                    : g_strdup_printf ("the data to %s goes on %" G_GUINT64_FORMAT
                                       " SCTP associations at once, each with a congestion window of its own",
                        peer, count);
}

/* The channel. */

static char *
reliability (const GstStructure *event)
{
  int retransmits = dc_trace_int_of (event, "max-retransmits", -1),
      lifetime = dc_trace_int_of (event, "max-packet-lifetime", -1);
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
      dc_trace_string_of (event, "peer"), dc_trace_string_of (event, "label"), dc_trace_string_of (event, "protocol"),
      dc_trace_int_of (event, "id", -1), dc_trace_boolean_of (event, "ordered", TRUE) ? "ordered" : "unordered",
      reliable, dc_trace_string_of (event, "mode"), dc_trace_number_of (event, "max-message-size"));
}

static char *
format_connection_lost (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("to %s is lost: %s; looking for it again for up to %.0f s",
      dc_trace_string_of (event, "peer"), dc_trace_string_of (event, "reason"), dc_trace_double_of (event, "timeout"));
}

static char *
format_connection_resumed (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("to %s stands again after %.3f s; nothing was lost", dc_trace_string_of (event, "peer"),
      dc_trace_double_of (event, "after"));
}

static char *
format_connection_closed (DcTraceText *self, const GstStructure *event)
{
  g_autofree char *sent = dc_trace_bytes_of (event, "bytes-sent"),
                  *received = dc_trace_bytes_of (event, "bytes-received");
  const char *reason = gst_structure_get_string (event, "reason");
  return g_strdup_printf ("with %s closed after %.3f s%s%s; %s sent, %s received", dc_trace_string_of (event, "peer"),
      dc_trace_double_of (event, "duration"), reason != NULL ? ": " : "", reason != NULL ? reason : "", sent, received);
}

/* The text itself follows on a line of its own. */
static char *
format_own_description (DcTraceText *self, const GstStructure *event)
{
  const char *type = dc_trace_string_of (event, "type");
  return g_strdup_printf ("bring this %s to the other side%s%s:", type,
      strcmp (type, "offer") == 0 ? dc_trace_explain (self, ", and paste here what it answers") : "",
      dc_trace_boolean_of (event, "complete", FALSE) ? "" : " (more candidates may follow)");
}

static char *
format_description_refused (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("not taken: %s", dc_trace_string_of (event, "reason"));
}

const DcTraceFormat dc_trace_connection_formats[] = {
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
    {NULL, NULL, NULL},
};
