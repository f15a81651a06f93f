/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-connection-ice.c: the candidates of a connection, ours and theirs.
 *
 * webrtcbin takes everything that does not begin with "candidate:" for the end of candidates, so each line is taken apart first. Names of
 * multicast DNS are looked up here: webrtcbin before 1.24 has the answer delivered to the default main context, which a program may
 * not run, and reads freed memory on the way. Lines that come before the remote description wait for it; end-of-candidates waits
 * for the look-ups.
 *
 * Relays come later than the rest: a pair with a TURN server near by works at once, while the direct one has to be punched from both sides, for which
 * libnice may have to send a second time. So our TURN servers are asked, and the other side's relays taken, HEAD_START_MS after the remote description; at
 * once where relays alone are allowed, where nothing but TURN can work since no STUN server answers, and by hand, when nobody would carry them later.
 *
 * The end of our candidates is told once webrtcbin has told all of them, relays, too: libnice says twice that it has gathered if they came later. */
#include <gio/gio.h>
#include <string.h>

#include "plugins/peer/dc-candidate.h"
#include "plugins/peer/dc-connection-private.h"
#include "plugins/peer/dc-ice-agent.h"
#include "plugins/peer/dc-local-addresses.h"
#include "plugins/peer/dc-mdns.h"
#include "plugins/peer/dc-source.h"

static const char *const type_names[] = {"host", "srflx", "prflx", "relay"};

/* Only a data section exists, so that it is always the first. */
#define MLINE_INDEX 0
/* A peer that sends more is not looking for a path. */
#define MAX_REMOTE_CANDIDATES 200
#define MAX_LOOKUPS 16
/* libnice sends a second time after 500 ms. */
#define HEAD_START_MS 600

/* Names of multicast DNS hide private addresses. */
static gboolean
is_public (const char *text)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);

  return address != NULL && dc_address_is_public (address);
}

static void
count (DcCandidates *candidates, const DcCandidate *candidate)
{
  candidates->count++;
  for (guint i = 0; i < G_N_ELEMENTS (type_names); i++)
    if (g_str_equal (candidate->type, type_names[i]))
      candidates->types |= 1u << i;
  if (g_str_equal (candidate->type, "host") && is_public (candidate->address))
    candidates->types |= DC_CANDIDATES_PUBLIC;
  if (!dc_candidate_is_mdns (candidate))
    candidates->types |= strchr (candidate->address, ':') != NULL ? DC_CANDIDATES_IPV6 : DC_CANDIDATES_IPV4;
}

static char *
describe (const DcCandidates *candidates)
{
  g_autoptr (GString) types = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (type_names); i++)
    if (candidates->types & (1u << i))
      g_string_append_printf (types, "%s%s", types->len > 0 ? ", " : "", type_names[i]);
  if (candidates->count == 0)
    return g_strdup ("none");
  return g_strdup_printf ("%u (%s)", candidates->count, types->str);
}

char *
dc_connection_describe_ice (DcConnection *self)
{
  g_autofree char *local = describe (&self->local), *remote = describe (&self->remote), *advice = NULL;
  DcIceSituation situation = {.ours = self->local.types, .theirs = self->remote.types, .their_nat = self->remote.nat};

  dc_ice_config_describe (self->ice_config, &situation);
  advice = dc_ice_advise (&situation);
  return g_strdup_printf (
      "ICE found no pair of candidates that works (ours: %s; theirs: %s); %s", local, remote, advice);
}

static void
emit_done (DcConnection *self, const char *name, DcCandidates *candidates)
{
  GstStructure *event = dc_connection_event (self, name);

  candidates->done = TRUE;
  gst_structure_set (event, "count", G_TYPE_UINT, candidates->count, NULL);
  dc_connection_emit (self, event);
}

/* An event about one candidate line; @reason: (nullable): why it is not used. */
static void
emit_candidate (
    DcConnection *self, const char *name, const char *line, const DcCandidate *candidate, const char *reason)
{
  GstStructure *event = dc_connection_event (self, name);

  gst_structure_set (event, "candidate", G_TYPE_STRING, line, "used", G_TYPE_BOOLEAN, reason == NULL, NULL);
  if (candidate != NULL)
    dc_candidate_to_structure (candidate, event);
  if (reason != NULL)
    gst_structure_set (event, "reason", G_TYPE_STRING, reason, NULL);
  dc_connection_emit (self, event);
}

static void
give_to_webrtcbin (DcConnection *self, const char *line)
{
  g_signal_emit_by_name (dc_webrtc_get_bin (self->webrtc), "add-ice-candidate", MLINE_INDEX, line);
}

static void
check_remote_end (DcConnection *self)
{
  if (!self->remote_end_waits || self->resolving > 0 || !g_queue_is_empty (&self->held_remote) || self->remote.done)
    return;
  emit_done (self, "remote-candidates-done", &self->remote);
  give_to_webrtcbin (self, "");
}

/* --- Ours ---------------------------------------------------------------------------------------------------------------------- */

static void
on_local_candidate_posted (DcConnection *self, gpointer line)
{
  g_autoptr (DcCandidate) candidate = dc_candidate_parse (line, NULL);
  DcMessage *message;

  if (candidate == NULL || self->phase >= DC_PHASE_ENDED)
    return;
  count (&self->local, candidate);
  emit_candidate (self, "local-candidate", line, candidate, NULL);
  if (g_str_equal (candidate->type, "relay") && self->ice_config->tunnels != NULL)
    dc_turn_tunnels_have_relay (self->ice_config->tunnels);
  message = dc_message_new (DC_MESSAGE_CANDIDATE);
  message->candidate = g_strdup (line);
  message->mline = MLINE_INDEX;
  dc_connection_send (self, message);
}

void
dc_connection_on_local_candidate (GstElement *bin, guint mline, const char *candidate, DcConnection *self)
{
  const char *line = g_str_has_prefix (candidate, "a=") ? candidate + 2 : candidate;

  dc_connection_post (self, on_local_candidate_posted, g_strdup (line), g_free);
}

static void
on_gathering_fence (DcConnection *self, gpointer data)
{
  DcMessage *end;

  if (self->local.done || self->phase >= DC_PHASE_ENDED)
    return;
  emit_done (self, "local-candidates-done", &self->local);
  end = dc_message_new (DC_MESSAGE_END_OF_CANDIDATES);
  end->nat = g_strdup (dc_nat_mapping_to_string (self->ice_config->mapping));
  dc_connection_send (self, end);
}

static void
on_stats_promise (GstPromise *promise, gpointer user_data)
{
  dc_connection_post (user_data, on_gathering_fence, NULL, NULL);
}

static void
unref_connection (gpointer data)
{
  dc_connection_unref (data);
}

/* Once webrtcbin's thread has told what is queued on it now: a request queued behind that is answered after it. */
static void
end_gathering (DcConnection *self)
{
  GstPromise *promise =
      dc_webrtc_new_promise (self->webrtc, on_stats_promise, dc_connection_ref (self), unref_connection);

  g_signal_emit_by_name (dc_webrtc_get_bin (self->webrtc), "get-stats", NULL, promise);
}

void
dc_connection_gathered (DcConnection *self)
{
  self->gathered = TRUE;
  if ((self->relays_may || self->ice_config->turn_servers->len == 0) && self->phase < DC_PHASE_ENDED)
    end_gathering (self);
}

/* --- Theirs -------------------------------------------------------------------------------------------------------------------- */

static void
use (DcConnection *self, const char *line, const DcCandidate *candidate)
{
  emit_candidate (self, "remote-candidate", line, candidate, NULL);
  give_to_webrtcbin (self, line);
}

/* One name, asked for in two ways at once: the system's, which knows it where nss-mdns and Avahi are installed and may be slow to say no, and ours. The
 * first address counts. */
typedef struct {
  DcConnection *self;
  char *line;
  guint pending; /* ways */
  gboolean found;
} Lookup;

static void
use_address (Lookup *lookup, GInetAddress *inet_address)
{
  DcConnection *self = lookup->self;
  g_autofree char *address = g_inet_address_to_string (inet_address);
  g_autofree char *resolved = dc_candidate_line_with_address (lookup->line, address);
  g_autoptr (DcCandidate) candidate = dc_candidate_parse (resolved, NULL);

  lookup->found = TRUE;
  self->resolving--;
  use (self, resolved, candidate);
  check_remote_end (self);
}

static void
give_up_name (Lookup *lookup, const GError *error)
{
  DcConnection *self = lookup->self;
  g_autoptr (DcCandidate) candidate = dc_candidate_parse (lookup->line, NULL);
  g_autofree char *reason = g_strdup_printf ("its name cannot be looked up by multicast DNS: %s", error->message);

  self->resolving--;
  emit_candidate (self, "remote-candidate", lookup->line, candidate, reason);
  check_remote_end (self);
}

/* One way has come to its end. @addresses: (transfer full) (nullable) */
static void
finish_way (Lookup *lookup, GList *addresses, const GError *error)
{
  gboolean live = lookup->self->phase < DC_PHASE_ENDED && !lookup->found;

  lookup->pending--;
  if (live && addresses != NULL)
    use_address (lookup, addresses->data);
  else if (live && lookup->pending == 0)
    give_up_name (lookup, error);
  g_resolver_free_addresses (addresses);
  if (lookup->pending > 0)
    return;
  dc_connection_unref (lookup->self);
  g_free (lookup->line);
  g_free (lookup);
}

static void
on_system_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  GList *addresses = g_resolver_lookup_by_name_finish (G_RESOLVER (source), result, &error);

  finish_way (user_data, addresses, error);
}

static void
on_mdns_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  GList *addresses = dc_mdns_lookup_finish (result, &error);

  finish_way (user_data, addresses, error);
}

static void
look_up (DcConnection *self, const char *line, const char *name)
{
  Lookup *lookup = g_new0 (Lookup, 1);
  g_autoptr (GResolver) resolver = g_resolver_get_default ();

  lookup->self = dc_connection_ref (self);
  lookup->line = g_strdup (line);
  lookup->pending = 2;
  self->resolving++;
  g_resolver_lookup_by_name_async (resolver, name, self->cancellable, on_system_answer, lookup);
  dc_mdns_lookup_async (name, self->cancellable, on_mdns_answer, lookup);
}

static void
use_candidate (DcConnection *self, const char *line)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcCandidate) candidate = dc_candidate_parse (line, &error);

  if (candidate == NULL) {
    g_autofree char *valid = g_utf8_make_valid (line, -1);
    emit_candidate (self, "remote-candidate", valid, NULL, error->message);
    return;
  }
  count (&self->remote, candidate);
  if (self->remote.count > MAX_REMOTE_CANDIDATES
      || (dc_candidate_is_mdns (candidate) && self->resolving >= MAX_LOOKUPS))
    emit_candidate (self, "remote-candidate", line, candidate, "there are too many");
  else if (!self->ice_config->tcp && g_str_equal (candidate->protocol, "TCP"))
    emit_candidate (self, "remote-candidate", line, candidate, "TCP candidates are switched off (ice-tcp)");
  else if (dc_candidate_is_mdns (candidate))
    look_up (self, line, candidate->address);
  else if (g_str_equal (candidate->type, "relay") && !self->relays_may)
    g_queue_push_tail (&self->held_remote, g_strdup (line));
  else
    use (self, line, candidate);
}

/* --- Relays -------------------------------------------------------------------------------------------------------------------- */

static gboolean
add_our_relays (DcConnection *self, gboolean *asks, GError **error)
{
  self->relays_may = TRUE;
  return dc_ice_agent_add_relays (
      dc_webrtc_get_agent (self->webrtc), dc_webrtc_get_bin (self->webrtc), self->ice_config, asks, error);
}

static gboolean
needs_head_start (DcConnection *self)
{
  const DcIceConfig *config = self->ice_config;

  return !self->patient && config->policy == DC_ICE_POLICY_ALL && (config->stun_server == NULL || config->stun_answers);
}

gboolean
dc_connection_begin_candidates (DcConnection *self, GError **error)
{
  gboolean asks;

  return needs_head_start (self) || add_our_relays (self, &asks, error);
}

static void
use_held (DcConnection *self)
{
  char *line;

  while (self->phase < DC_PHASE_ENDED && (line = g_queue_pop_head (&self->held_remote)) != NULL) {
    g_autoptr (DcCandidate) candidate = dc_candidate_parse (line, NULL);
    use (self, line, candidate);
    g_free (line);
  }
  if (self->phase < DC_PHASE_ENDED)
    check_remote_end (self);
}

static gboolean
on_head_start_over (gpointer user_data)
{
  DcConnection *self = user_data;
  g_autoptr (GError) error = NULL;
  gboolean asks;

  dc_source_clear (&self->head_start);
  if (self->phase >= DC_PHASE_ENDED)
    return G_SOURCE_REMOVE;
  if (!add_our_relays (self, &asks, &error))
    dc_connection_end (self, error);
  else if (self->gathered && !asks)
    end_gathering (self);
  use_held (self);
  return G_SOURCE_REMOVE;
}

static void
begin_head_start (DcConnection *self)
{
  self->head_start = g_timeout_source_new (HEAD_START_MS);
  g_source_set_callback (self->head_start, on_head_start_over, self, NULL);
  g_source_attach (self->head_start, self->context);
}

/* --- Beginning and end --------------------------------------------------------------------------------------------------------- */

void
dc_connection_flush_candidates (DcConnection *self)
{
  char *line;

  self->remote_set = TRUE;
  if (!self->relays_may)
    begin_head_start (self);
  while ((line = g_queue_pop_head (&self->early_candidates)) != NULL) {
    use_candidate (self, line);
    g_free (line);
  }
  check_remote_end (self);
}

void
dc_connection_take_candidate (DcConnection *self, const char *candidate)
{
  const char *line = g_str_has_prefix (candidate, "a=") ? candidate + 2 : candidate;

  if (self->phase >= DC_PHASE_ENDED || *line == '\0')
    return;
  if (self->remote_set)
    use_candidate (self, line);
  else if (g_queue_get_length (&self->early_candidates) < MAX_REMOTE_CANDIDATES)
    g_queue_push_tail (&self->early_candidates, g_strdup (line));
}

void
dc_connection_take_end_of_candidates (DcConnection *self, const char *nat)
{
  self->remote.nat = dc_nat_mapping_from_string (nat);
  /* Until people have brought our answer there, nothing that we try can succeed. */
  if (self->patient && !self->is_caller)
    return;
  self->remote_end_waits = TRUE;
  if (self->remote_set && self->phase < DC_PHASE_ENDED)
    check_remote_end (self);
}
