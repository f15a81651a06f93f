/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-stun-probe.c: which STUN servers answer, and how the NAT before us maps.
 *
 * Theory of operation
 * -------------------
 * libnice takes one STUN server, and learns too late that it is dead. So all are asked at once (RFC 8489, Binding), from one socket for each
 * family of addresses, and each question is repeated until ANSWER_TIMES are over. Decided is for the first of the list that answers: a
 * server that is still silent after PATIENCE_MS is passed over for one behind it that has answered.
 *
 * A NAT shows how it maps when the same port of ours is seen from two destinations. The second is another server; or, where there is one only, the
 * other address that it names (RFC 5780, section 4.3, tests I and II), which is asked once the server has answered.
 *
 *   a question:  PENDING  sent, or its name is being looked up
 *                ANSWERED, FAILED  for good
 *
 * A server that names another address has us send three packets there, so that a public one gets none sent into a private network.
 *
 * What comes in counts only if it has the transaction id of a pending question, 96 bits that nobody on another path knows. */
#include "plugins/peer/dc-stun-probe.h"

#include <string.h>
#include <stun/stunagent.h>

#include "plugins/peer/dc-event.h"
#include "plugins/peer/dc-local-addresses.h"
#include "plugins/peer/dc-source.h"

/* Of RFC 5780, which libnice has no name for. */
#define STUN_ATTRIBUTE_OTHER_ADDRESS 0x802c

#define PATIENCE_MS 500
/* After each of the times it was sent, a question waits for so long. */
static const guint answer_times_ms[] = {200, 400, 900};

typedef enum { PENDING, ANSWERED, FAILED } State;

typedef struct {
  DcStunProbe *probe;
  guint server;   /* its number */
  gboolean other; /* it is asked for its other address, to see the mapping */
  State state;
  GSocketAddress *address;
  StunTransactionId id;
  guint8 request[64];
  gsize size;
  guint sends;
  gint64 sent; /* when first */
  GSource *timer;
  GSocketAddress *mapped; /* ANSWERED: what the server sees of us */
} Question;

typedef struct {
  GSocket *socket;
  GSource *source;
} Port;

struct _DcStunProbe {
  GPtrArray *servers;
  GPtrArray *sources; /* (element-type GInetAddress) (nullable) */
  gint64 start;
  DcStunProbeCallbacks callbacks;
  gpointer user_data;
  GCancellable *cancellable; /* of the look-ups */
  StunAgent agent;
  Port ports[2]; /* of IPv4, of IPv6 */
  GPtrArray
      *questions;    /* (element-type Question): one for each server in their order, then those for other addresses */
  GSource *patience; /* NULL: it is over */
  gboolean has_decided, has_mapped;
};

static const char *const mapping_names[] = {[DC_NAT_MAPPING_UNKNOWN] = NULL,
    [DC_NAT_MAPPING_NONE] = "none",
    [DC_NAT_MAPPING_ENDPOINT_INDEPENDENT] = "endpoint-independent",
    [DC_NAT_MAPPING_ADDRESS_DEPENDENT] = "address-dependent"};

const char *
dc_nat_mapping_to_string (DcNatMapping mapping)
{
  return mapping_names[mapping];
}

DcNatMapping
dc_nat_mapping_from_string (const char *text)
{
  for (guint i = 0; i < G_N_ELEMENTS (mapping_names); i++)
    if (text != NULL && g_strcmp0 (text, mapping_names[i]) == 0)
      return (DcNatMapping) i;
  return DC_NAT_MAPPING_UNKNOWN;
}

/* --- Telling ------------------------------------------------------------------------------------------------------------------- */

static GstStructure *
new_event (Question *question, const char *name)
{
  GstStructure *event = dc_event_new (name, question->probe->start);
  g_autofree char *url = dc_ice_server_to_display (g_ptr_array_index (question->probe->servers, question->server));

  gst_structure_set (event, "url", G_TYPE_STRING, url, NULL);
  return event;
}

static void
emit (DcStunProbe *self, GstStructure *event)
{
  self->callbacks.event (event, self->user_data);
}

/* The server that is decided for, while it can be said; -1: not yet. */
static int
choose (DcStunProbe *self)
{
  gboolean pending = FALSE;

  for (guint i = 0; i < self->servers->len; i++) {
    const Question *question = g_ptr_array_index (self->questions, i);
    if (question->state == ANSWERED && (!pending || self->patience == NULL))
      return (int) i;
    pending |= question->state == PENDING;
  }
  /* There is nothing to choose from, so it is not worth waiting for. */
  if (self->servers->len == 1 && self->patience == NULL)
    pending = FALSE;
  return pending ? -1 : 0;
}

static void
decide (DcStunProbe *self)
{
  int server = self->has_decided ? -1 : choose (self);

  if (server < 0)
    return;
  self->has_decided = TRUE;
  self->callbacks.decided ((guint) server, self->user_data);
}

static GInetAddress *
get_host (GSocketAddress *address)
{
  return g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address));
}

static gboolean
is_ours (GSocketAddress *address)
{
  g_autoptr (GPtrArray) ours = dc_local_addresses_list (NULL);
  g_autofree char *text = g_inet_address_to_string (get_host (address));

  return g_inet_address_get_is_loopback (get_host (address))
         || g_ptr_array_find_with_equal_func (ours, text, g_str_equal, NULL);
}

static gboolean
is_same (GSocketAddress *a, GSocketAddress *b)
{
  return g_inet_address_equal (get_host (a), get_host (b))
         && g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (a))
                == g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (b));
}

/* An answer from another host than @question's, to the same port of ours. (nullable) */
static const Question *
find_second (DcStunProbe *self, const Question *question)
{
  for (guint i = 0; i < self->questions->len; i++) {
    const Question *second = g_ptr_array_index (self->questions, i);
    if (second->state == ANSWERED
        && g_socket_address_get_family (second->address) == g_socket_address_get_family (question->address)
        && !g_inet_address_equal (get_host (second->address), get_host (question->address)))
      return second;
  }
  return NULL;
}

static void
judge_mapping (DcStunProbe *self, const Question *question)
{
  const Question *second = find_second (self, question);
  DcNatMapping mapping = DC_NAT_MAPPING_UNKNOWN;
  GstStructure *event;

  if (is_ours (question->mapped))
    mapping = DC_NAT_MAPPING_NONE;
  else if (second != NULL)
    mapping = is_same (question->mapped, second->mapped) ? DC_NAT_MAPPING_ENDPOINT_INDEPENDENT
                                                         : DC_NAT_MAPPING_ADDRESS_DEPENDENT;
  if (self->has_mapped || mapping == DC_NAT_MAPPING_UNKNOWN)
    return;
  self->has_mapped = TRUE;
  event = dc_event_new ("nat", self->start);
  gst_structure_set (event, "mapping", G_TYPE_STRING, dc_nat_mapping_to_string (mapping), NULL);
  emit (self, event);
  self->callbacks.mapped (mapping, self->user_data);
}

/* --- Questions ----------------------------------------------------------------------------------------------------------------- */

static void
fail (Question *question, const char *reason)
{
  GstStructure *event;

  question->state = FAILED;
  dc_source_clear (&question->timer);
  /* Not every server has another address, or one that answers. */
  if (question->other)
    return;
  event = new_event (question, "stun-failed");
  gst_structure_set (event, "reason", G_TYPE_STRING, reason, NULL);
  emit (question->probe, event);
  decide (question->probe);
}

static Port *
get_port (DcStunProbe *self, GSocketFamily family)
{
  return &self->ports[family == G_SOCKET_FAMILY_IPV6];
}

static void send_question (Question *question);

static gboolean
on_unanswered (gpointer user_data)
{
  send_question (user_data);
  return G_SOURCE_REMOVE;
}

static void
send_question (Question *question)
{
  DcStunProbe *self = question->probe;
  Port *port = get_port (self, g_socket_address_get_family (question->address));
  g_autoptr (GError) error = NULL;

  dc_source_clear (&question->timer);
  if (question->sends == G_N_ELEMENTS (answer_times_ms)) {
    fail (question, "it does not answer");
    return;
  }
  if (g_socket_send_to (port->socket, question->address, (const char *) question->request, question->size, NULL, &error)
          < 0
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
    fail (question, error->message);
    return;
  }
  question->timer = g_timeout_source_new (answer_times_ms[question->sends++]);
  g_source_set_callback (question->timer, on_unanswered, question, NULL);
  g_source_attach (question->timer, g_main_context_get_thread_default ());
}

static Question *
add_question (DcStunProbe *self, guint server, gboolean other)
{
  Question *question = g_new0 (Question, 1);
  StunMessage message;

  question->probe = self;
  question->server = server;
  question->other = other;
  stun_agent_init_request (&self->agent, &message, question->request, sizeof question->request, STUN_BINDING);
  question->size = stun_agent_finish_message (&self->agent, &message, NULL, 0);
  stun_message_id (&message, question->id);
  g_ptr_array_add (self->questions, question);
  return question;
}

static void
question_free (gpointer data)
{
  Question *question = data;

  dc_source_clear (&question->timer);
  g_clear_object (&question->address);
  g_clear_object (&question->mapped);
  g_free (question);
}

/* --- Answers ------------------------------------------------------------------------------------------------------------------- */

static GSocketAddress *
find_address (StunMessage *message, gboolean xor, guint attribute)
{
  struct sockaddr_storage native;
  socklen_t size = sizeof native;
  StunMessageReturn found = xor? stun_message_find_xor_addr (message, (StunAttribute) attribute, &native, &size)
                               : stun_message_find_addr (message, (StunAttribute) attribute, &native, &size);

  return found == STUN_MESSAGE_RETURN_SUCCESS ? g_socket_address_new_from_native (&native, size) : NULL;
}

/* It is another host, as near as @question's or nearer to everybody. */
static gboolean
may_ask_other (Question *question, GSocketAddress *other)
{
  GInetAddress *host = get_host (question->address), *other_host = get_host (other);

  return g_inet_address_get_family (other_host) == g_inet_address_get_family (host)
         && !g_inet_address_equal (other_host, host) && !g_inet_address_get_is_any (other_host)
         && !g_inet_address_get_is_multicast (other_host)
         && (dc_address_is_public (other_host) || !dc_address_is_public (host));
}

/* What it names is asked only by whom we were told of ourselves, and if there is nobody else to ask. */
static void
ask_other (Question *question, StunMessage *message)
{
  DcStunProbe *self = question->probe;
  g_autoptr (GSocketAddress) other = find_address (message, FALSE, STUN_ATTRIBUTE_OTHER_ADDRESS);
  Question *second;

  if (self->servers->len > 1 || question->other || other == NULL || !may_ask_other (question, other))
    return;
  second = add_question (self, question->server, TRUE);
  second->address = g_steal_pointer (&other);
  send_question (second);
}

static void
take_answer (Question *question, StunMessage *message)
{
  GstStructure *event;
  g_autofree char *host = NULL;

  question->mapped = find_address (message, TRUE, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS);
  if (question->mapped == NULL)
    question->mapped = find_address (message, FALSE, STUN_ATTRIBUTE_MAPPED_ADDRESS);
  if (stun_message_get_class (message) != STUN_RESPONSE || question->mapped == NULL) {
    fail (question, "its answer does not say what it sees of us");
    return;
  }
  question->state = ANSWERED;
  dc_source_clear (&question->timer);
  host = g_inet_address_to_string (get_host (question->mapped));
  event = new_event (question, "stun-answered");
  gst_structure_set (event, "address", G_TYPE_STRING, host, "port", G_TYPE_UINT,
      g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (question->mapped)), "rtt", G_TYPE_DOUBLE,
      (g_get_monotonic_time () - question->sent) / (gdouble) G_USEC_PER_SEC, NULL);
  if (question->other)
    gst_structure_free (event);
  else
    emit (question->probe, event);
  ask_other (question, message);
  judge_mapping (question->probe, question);
  decide (question->probe);
}

static Question *
find_pending (DcStunProbe *self, StunMessage *message)
{
  StunTransactionId id;

  stun_message_id (message, id);
  for (guint i = 0; i < self->questions->len; i++) {
    Question *question = g_ptr_array_index (self->questions, i);
    if (question->state == PENDING && memcmp (question->id, id, sizeof id) == 0)
      return question;
  }
  return NULL;
}

static gboolean
on_readable (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  DcStunProbe *self = user_data;
  guint8 packet[1500];
  gssize size = g_socket_receive (socket, (char *) packet, sizeof packet, NULL, NULL);
  StunMessage message;
  Question *question;

  if (size <= 0
      || stun_agent_validate (&self->agent, &message, packet, (gsize) size, NULL, NULL) != STUN_VALIDATION_SUCCESS)
    return G_SOURCE_CONTINUE;
  question = find_pending (self, &message);
  if (question != NULL)
    take_answer (question, &message);
  return G_SOURCE_CONTINUE;
}

/* --- The beginning ------------------------------------------------------------------------------------------------------------- */

/* (nullable) */
static GInetAddress *
find_source (DcStunProbe *self, GSocketFamily family)
{
  for (guint i = 0; self->sources != NULL && i < self->sources->len; i++)
    if (g_inet_address_get_family (g_ptr_array_index (self->sources, i)) == family)
      return g_ptr_array_index (self->sources, i);
  return NULL;
}

static gboolean
open_port (DcStunProbe *self, GSocketFamily family, GError **error)
{
  Port *port = get_port (self, family);
  g_autoptr (GInetAddress) any = g_inet_address_new_any (family);
  GInetAddress *source = find_source (self, family);
  g_autoptr (GSocketAddress) local = g_inet_socket_address_new (source != NULL ? source : any, 0);

  if (port->source != NULL)
    return TRUE;
  g_clear_object (&port->socket);
  port->socket = g_socket_new (family, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, error);
  if (port->socket == NULL || !g_socket_bind (port->socket, local, FALSE, error))
    return FALSE;
  g_socket_set_blocking (port->socket, FALSE);
  port->source = g_socket_create_source (port->socket, G_IO_IN, NULL);
  g_source_set_callback (port->source, G_SOURCE_FUNC (on_readable), self, NULL);
  g_source_attach (port->source, g_main_context_get_thread_default ());
  return TRUE;
}

static void
ask (Question *question, GInetAddress *host)
{
  DcStunProbe *self = question->probe;
  const DcIceServer *server = g_ptr_array_index (self->servers, question->server);
  g_autoptr (GError) error = NULL;

  question->address = g_inet_socket_address_new (host, server->port);
  question->sent = g_get_monotonic_time ();
  if (open_port (self, g_inet_address_get_family (host), &error))
    send_question (question);
  else
    fail (question, error->message);
}

static gboolean
can_ask (DcStunProbe *self, GInetAddress *address)
{
  g_autoptr (GPtrArray) ours = dc_local_addresses_list (NULL);
  gboolean ipv6 = g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6;

  if (self->sources != NULL)
    return find_source (self, g_inet_address_get_family (address)) != NULL;
  for (guint i = 0; i < ours->len; i++)
    if ((strchr (g_ptr_array_index (ours, i), ':') != NULL) == ipv6)
      return TRUE;
  return g_inet_address_get_is_loopback (address);
}

/* The first one that we have an address for; of IPv4 if there is one, since that is where the NATs are. */
static GInetAddress *
pick (DcStunProbe *self, GList *addresses)
{
  GInetAddress *other = NULL;

  for (GList *item = addresses; item != NULL; item = item->next) {
    if (!can_ask (self, item->data))
      continue;
    if (g_inet_address_get_family (item->data) == G_SOCKET_FAMILY_IPV4)
      return item->data;
    other = other != NULL ? other : item->data;
  }
  return other;
}

static void
on_looked_up (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Question *question = user_data;
  g_autoptr (GError) error = NULL;
  GList *addresses = g_resolver_lookup_by_name_finish (G_RESOLVER (source), result, &error);
  GInetAddress *host;

  /* Then there is neither probe nor question any more. */
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  host = pick (question->probe, addresses);
  if (host != NULL)
    ask (question, host);
  else
    fail (question, error != NULL ? error->message : "it has no address that can be reached from ours");
  g_resolver_free_addresses (addresses);
}

static gboolean
on_patience (gpointer user_data)
{
  DcStunProbe *self = user_data;

  dc_source_clear (&self->patience);
  decide (self);
  return G_SOURCE_REMOVE;
}

static GPtrArray *
parse_addresses (const GPtrArray *texts)
{
  GPtrArray *addresses = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < texts->len; i++) {
    GInetAddress *address = g_inet_address_new_from_string (g_ptr_array_index (texts, i));
    if (address != NULL)
      g_ptr_array_add (addresses, address);
  }
  return addresses;
}

DcStunProbe *
dc_stun_probe_new (GPtrArray *servers, const GPtrArray *sources, gint64 start, const DcStunProbeCallbacks *callbacks,
    gpointer user_data)
{
  DcStunProbe *self = g_new0 (DcStunProbe, 1);
  g_autoptr (GResolver) resolver = g_resolver_get_default ();

  self->servers = g_ptr_array_ref (servers);
  self->sources = sources != NULL ? parse_addresses (sources) : NULL;
  self->start = start;
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->cancellable = g_cancellable_new ();
  self->questions = g_ptr_array_new_with_free_func (question_free);
  stun_agent_init (&self->agent, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389, 0);
  self->patience = g_timeout_source_new (PATIENCE_MS);
  g_source_set_callback (self->patience, on_patience, self, NULL);
  g_source_attach (self->patience, g_main_context_get_thread_default ());
  for (guint i = 0; i < servers->len; i++) {
    const DcIceServer *server = g_ptr_array_index (servers, i);
    g_resolver_lookup_by_name_async (
        resolver, server->host, self->cancellable, on_looked_up, add_question (self, i, FALSE));
  }
  return self;
}

GInetAddress *
dc_stun_probe_get_address (DcStunProbe *self, guint server)
{
  const Question *question = g_ptr_array_index (self->questions, server);

  return question->state == ANSWERED ? get_host (question->address) : NULL;
}

void
dc_stun_probe_free (DcStunProbe *self)
{
  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);
  dc_source_clear (&self->patience);
  for (guint i = 0; i < G_N_ELEMENTS (self->ports); i++) {
    dc_source_clear (&self->ports[i].source);
    g_clear_object (&self->ports[i].socket);
  }
  g_ptr_array_unref (self->questions);
  g_ptr_array_unref (self->servers);
  g_clear_pointer (&self->sources, g_ptr_array_unref);
  g_free (self);
}
