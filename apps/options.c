/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* options.c: what a subcommand was asked to do: command line, environment and .env file in one struct. */
#include "apps/options.h"

#include <gio/gio.h>
#include <string.h>
#include "apps/dotenv.h"
#include "plugins/peer/dc-channel-options.h"
#include "signaling/client/dc-signaling-client.h"

#define DEFAULT_COUNT 5
#define DEFAULT_INTERVAL G_USEC_PER_SEC
#define DEFAULT_RESUME_TIMEOUT 30
#define DEFAULT_PORT 8443
#define MAX_COUNT G_GUINT64_CONSTANT (1000000000000)
#define MAX_SECONDS 86400

static const struct {
  const char *name;
  const char *parameters;
  const char *summary;
  guint timeout;
} commands[] = {
    [DC_COMMAND_OFFER] = {"offer", "- call the answering peer of a room and exchange messages",
        "Registers in the room, calls the peer that waits there with `dcpeer answer`, or as soon as one comes, and "
        "sends\n"
        "messages over the data channel. Each step is shown as it happens.",
        30},
    [DC_COMMAND_ANSWER] = {"answer", "- wait in a room for peers that call, and exchange messages with each",
        "Registers in the room and waits. When a peer calls with `dcpeer offer`, both send messages over the data "
        "channel;\n"
        "after that it waits for the next, until Ctrl-C.",
        0},
    [DC_COMMAND_PEERS] = {"peers", "- list who is in a room",
        "Registers in the room under an id made up by the server, lists the others and leaves.", 10},
};

/* What GOption fills in, as text where the range is ours to check. */
typedef struct {
  char *signaling, *room, *tls_ca, *proxy, *env_file, *timeout;
  gboolean polling, json;
  char *id, *to, *ice_policy, *port_range, *fast, *certificate, *count, *interval, *message, *resume_timeout, *streams;
  char *protocol, *max_retransmits, *max_lifetime, *negotiated, *max_message_size, *remote_file;
  GStrv stun_servers, turn_servers, interfaces, labels, rest;
  gboolean no_turn, ice_tcp, once, raw, unordered, hang_up, manual, print_again, base64;
} RawOptions;

static void
raw_options_clear (RawOptions *raw)
{
  g_free (raw->signaling);
  g_free (raw->room);
  g_free (raw->tls_ca);
  g_free (raw->proxy);
  g_free (raw->env_file);
  g_free (raw->timeout);
  g_free (raw->id);
  g_free (raw->to);
  g_free (raw->port_range);
  g_free (raw->ice_policy);
  g_free (raw->fast);
  g_free (raw->certificate);
  g_free (raw->count);
  g_free (raw->interval);
  g_free (raw->message);
  g_free (raw->resume_timeout);
  g_free (raw->streams);
  g_free (raw->protocol);
  g_free (raw->max_retransmits);
  g_free (raw->max_lifetime);
  g_free (raw->negotiated);
  g_free (raw->max_message_size);
  g_free (raw->remote_file);
  g_strfreev (raw->labels);
  g_strfreev (raw->stun_servers);
  g_strfreev (raw->turn_servers);
  g_strfreev (raw->interfaces);
  g_strfreev (raw->rest);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RawOptions, raw_options_clear)

void
dc_options_free (DcOptions *options)
{
  g_free (options->signaling);
  g_free (options->room);
  g_free (options->token);
  g_free (options->secret);
  g_free (options->certificate);
  g_free (options->tls_ca);
  g_free (options->proxy);
  g_free (options->id);
  g_free (options->to);
  g_free (options->stun_servers);
  g_free (options->interfaces);
  g_free (options->port_range);
  g_strfreev (options->turn_servers);
  g_free (options->message);
  g_strfreev (options->labels);
  g_free (options->protocol);
  g_free (options->remote_file);
  g_free (options);
}

const char *
dc_command_get_name (DcCommand command)
{
  return commands[command].name;
}

static void
add_common_entries (GOptionContext *context, RawOptions *raw)
{
  const GOptionEntry entries[] = {
      {"signaling", 's', 0, G_OPTION_ARG_STRING, &raw->signaling,
          "Signaling server: ws://, wss://, http:// or https://HOST[:PORT], or HOST[:PORT] [ws://127.0.0.1:8443]",
          "URL"},
      {"room", 'r', 0, G_OPTION_ARG_STRING, &raw->room, "Room in which the peers meet [default]", "ROOM"},
      {"timeout", 't', 0, G_OPTION_ARG_STRING, &raw->timeout,
          "Give up if there is no connection after so long; 0: never [offer 30, answer 0, peers 10; --manual 0]",
          "SECONDS"},
      {"tls-ca", 0, 0, G_OPTION_ARG_FILENAME, &raw->tls_ca,
          "Trust the certificates in this PEM file for wss://, https:// and turns://", "FILE"},
      {"proxy", 0, 0, G_OPTION_ARG_STRING, &raw->proxy,
          "Reach the signaling server, and TURN servers by TCP, through this proxy [https_proxy, http_proxy]",
          "[USER:PASSWORD@]HOST:PORT"},
      {"polling", 0, 0, G_OPTION_ARG_NONE, &raw->polling, "Speak to the server by HTTP long polling only", NULL},
      {"json", 'j', 0, G_OPTION_ARG_NONE, &raw->json, "Print one JSON object a line", NULL},
      {"env-file", 0, 0, G_OPTION_ARG_FILENAME, &raw->env_file, "Read defaults from this file [.env]", "FILE"},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->rest, NULL, NULL},
      {NULL},
  };
  g_option_context_add_main_entries (context, entries, NULL);
}

static void
add_call_entries (GOptionContext *context, RawOptions *raw)
{
  const GOptionEntry entries[] = {
      {"id", 'i', 0, G_OPTION_ARG_STRING, &raw->id, "Our id in the room [made up by the server]", "ID"},
      {"to", 0, 0, G_OPTION_ARG_STRING, &raw->to, "Have to do with this peer only", "PEER"},
      {"certificate", 0, 0, G_OPTION_ARG_FILENAME, &raw->certificate,
          "Show the certificate in this PEM file, with its key; made if it is not there [one for this run]", "FILE"},
      {"resume-timeout", 0, 0, G_OPTION_ARG_STRING, &raw->resume_timeout,
          "How long to look for the other peer again when the connection is lost; 0: not at all [30]", "SECONDS"},
      {"streams", 0, 0, G_OPTION_ARG_STRING, &raw->streams,
          "SCTP associations for the data, 1 to 8, which helps on paths that lose packets; auto: as many as help "
          "[auto]",
          "N"},
      {"count", 'n', 0, G_OPTION_ARG_STRING, &raw->count, "Messages to send; 0: until interrupted [5]", "N"},
      {"interval", 0, 0, G_OPTION_ARG_STRING, &raw->interval,
          "Time between two messages; 0: as fast as the other side takes them [1]", "SECONDS"},
      /* Not ARG_STRING: the message is UTF-8 whatever the locale is. */
      {"message", 'm', 0, G_OPTION_ARG_FILENAME, &raw->message, "What to send [Hello N from ID]", "TEXT"},
      {NULL},
  };
  g_option_context_add_main_entries (context, entries, NULL);
}

static void
add_ice_entries (GOptionContext *context, RawOptions *raw)
{
  const GOptionEntry entries[] = {
      {"stun-server", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->stun_servers,
          "STUN server, before the signaling server's, may be given repeatedly", "stun://HOST[:PORT]"},
      {"turn-server", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->turn_servers,
          "TURN server, may be given repeatedly; ?transport=tcp behind it: over TCP, turns://: over TLS",
          "turn://USER:PASSWORD@HOST[:PORT]"},
      {"no-turn", 0, 0, G_OPTION_ARG_NONE, &raw->no_turn, "Use no TURN server, whoever names one", NULL},
      {"ice-policy", 0, 0, G_OPTION_ARG_STRING, &raw->ice_policy,
          "Which candidates to use: all, or relay: through TURN only [all]", "POLICY"},
      {"ice-tcp", 0, 0, G_OPTION_ARG_NONE, &raw->ice_tcp, "Use TCP candidates beside those of UDP", NULL},
      {"interface", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->interfaces,
          "Use this network interface only, may be given repeatedly [all but loopback]", "NAME"},
      {"port-range", 0, 0, G_OPTION_ARG_STRING, &raw->port_range, "Local ports to use for the data [any]", "MIN-MAX"},
      {"fast", 0, 0, G_OPTION_ARG_STRING, &raw->fast,
          "Send packets past GStreamer's elements: auto, wherever possible, or off [" DC_FAST_DEFAULT "]", "WHEN"},
      {NULL},
  };
  g_option_context_add_main_entries (context, entries, NULL);
}

static void
add_channel_entries (GOptionContext *context, RawOptions *raw)
{
  const GOptionEntry entries[] = {
      {"label", 'l', 0, G_OPTION_ARG_STRING_ARRAY, &raw->labels,
          "Name of the channel, may be given repeatedly [data; answer --raw: whatever the caller opens]", "LABEL"},
      {"raw", 0, 0, G_OPTION_ARG_NONE, &raw->raw,
          "Raw channels, for browsers and other WebRTC stacks: nothing but the messages crosses", NULL},
      {"protocol", 0, 0, G_OPTION_ARG_STRING, &raw->protocol, "Raw: name of what is spoken on the channel", "NAME"},
      {"unordered", 0, 0, G_OPTION_ARG_NONE, &raw->unordered, "Raw: messages may overtake each other", NULL},
      {"max-retransmits", 0, 0, G_OPTION_ARG_STRING, &raw->max_retransmits,
          "Raw: give a message up after so many retransmissions", "N"},
      {"max-lifetime", 0, 0, G_OPTION_ARG_STRING, &raw->max_lifetime, "Raw: give a message up after so long", "MS"},
      {"negotiated", 0, 0, G_OPTION_ARG_STRING, &raw->negotiated,
          "Raw: both sides make the channel, with this id; further channels have the ids after it", "ID"},
      {"max-message-size", 0, 0, G_OPTION_ARG_STRING, &raw->max_message_size,
          "Raw: the longest message to take, and to send if the other side takes it, too; more than 262144 with the "
          "fast "
          "path only [262144]",
          "BYTES"},
      {"hang-up", 0, 0, G_OPTION_ARG_NONE, &raw->hang_up,
          "Raw: close the channel when all messages have arrived, rather than wait for the other side to", NULL},
      {NULL},
  };
  g_option_context_add_main_entries (context, entries, NULL);
}

static void
add_manual_entries (GOptionContext *context, RawOptions *raw)
{
  const GOptionEntry entries[] = {
      {"manual", 0, 0, G_OPTION_ARG_NONE, &raw->manual,
          "No server: print our session description, and take the other side's from standard input (implies --raw)",
          NULL},
      {"remote", 0, 0, G_OPTION_ARG_FILENAME, &raw->remote_file,
          "Manual: take the other side's description from this file, as soon as it is there", "FILE"},
      {"trickle-print", 0, 0, G_OPTION_ARG_NONE, &raw->print_again,
          "Manual: print ours at once, and again with each new candidate", NULL},
      {"base64", 0, 0, G_OPTION_ARG_NONE, &raw->base64, "Manual: print ours in base64", NULL},
      {NULL},
  };
  g_option_context_add_main_entries (context, entries, NULL);
}

static void
add_answer_entries (GOptionContext *context, RawOptions *raw)
{
  const GOptionEntry entries[] = {
      {"once", 0, 0, G_OPTION_ARG_NONE, &raw->once, "Exit after the first call, with its outcome as exit status", NULL},
      {NULL},
  };
  g_option_context_add_main_entries (context, entries, NULL);
}

static GOptionContext *
make_context (DcCommand command, RawOptions *raw)
{
  GOptionContext *context = g_option_context_new (commands[command].parameters);
  g_option_context_set_summary (context, commands[command].summary);
  g_option_context_set_description (context,
      "Defaults come from the environment variables DC_SIGNALING, DC_ROOM, DC_ID, DC_STUN, DC_TURN, DC_TOKEN,\n"
      "DC_SECRET, DC_PROXY and DC_FAST (or SIGNALING_SERVER_ADDR and SIGNALING_SERVER_PORT), and after those from a\n"
      ".env file in the working directory.\n"
      "\n"
      "Exit status: 0 done, 2 usage, 3 signaling server, 4 no connection, 5 identity of the other peer, 6 the other "
      "peer\n"
      "is gone, 7 data; 128 + signal when interrupted. See dcpeer(1).\n");
  add_common_entries (context, raw);
  if (command != DC_COMMAND_PEERS)
    add_call_entries (context, raw), add_ice_entries (context, raw), add_channel_entries (context, raw),
        add_manual_entries (context, raw);
  if (command == DC_COMMAND_ANSWER)
    add_answer_entries (context, raw);
  return context;
}

static gboolean usage_error (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
usage_error (GError **error, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, message);
  return FALSE;
}

/* @text NULL: @value stays. */
static gboolean
parse_number (const char *option, const char *text, guint64 max, guint64 *value, GError **error)
{
  if (text == NULL || g_ascii_string_to_unsigned (text, 10, 0, max, value, NULL))
    return TRUE;
  return usage_error (error, "%s takes a whole number from 0 to %" G_GUINT64_FORMAT ", not \"%s\"", option, max, text);
}

static gboolean
parse_interval (const char *text, gint64 *value, GError **error)
{
  if (text == NULL)
    return TRUE;
  char *end = NULL;
  gdouble seconds = g_ascii_isdigit (*text) || *text == '.' ? g_ascii_strtod (text, &end) : -1;
  /* Not "seconds > MAX" alone: that is false for what is no number. */
  if (!(seconds >= 0 && seconds <= MAX_SECONDS) || *end != '\0' || end == text)
    return usage_error (error, "--interval takes seconds from 0 to %d, such as 0.5, not \"%s\"", MAX_SECONDS, text);
  *value = (gint64) (seconds * G_USEC_PER_SEC);
  return TRUE;
}

static gboolean
parse_streams (const char *text, guint *value, GError **error)
{
  guint64 number = DC_CHANNEL_STREAMS_AUTO;

  if (text == NULL || g_str_equal (text, "auto")
      || g_ascii_string_to_unsigned (text, 10, 1, DC_CHANNEL_MAX_STREAMS, &number, NULL)) {
    *value = (guint) number;
    return TRUE;
  }
  return usage_error (error, "--streams takes auto or a number from 1 to %d, not \"%s\"", DC_CHANNEL_MAX_STREAMS, text);
}

static gboolean
parse_size (const char *text, guint *value, GError **error)
{
  guint64 number = DC_CHANNEL_DEFAULT_MAX_MESSAGE_SIZE;

  if (text != NULL && !g_ascii_string_to_unsigned (text, 10, 1, DC_CHANNEL_MAX_MESSAGE_SIZE, &number, NULL))
    return usage_error (
        error, "--max-message-size takes a whole number from 1 to %d, not \"%s\"", DC_CHANNEL_MAX_MESSAGE_SIZE, text);
  *value = (guint) number;
  return TRUE;
}

static gboolean
parse_policy (const char *text, gboolean *relay_only, GError **error)
{
  *relay_only = g_strcmp0 (text, "relay") == 0;
  if (text == NULL || *relay_only || g_str_equal (text, "all"))
    return TRUE;
  return usage_error (error, "--ice-policy takes all or relay, not \"%s\"", text);
}

/* @text NULL: nobody said. @where: who did. */
static gboolean
parse_fast (const char *text, const char *where, DcFast *fast, GError **error)
{
  if (text == NULL)
    *fast = dc_fast_get_default ();
  else if (g_str_equal (text, "auto") || g_str_equal (text, "off"))
    *fast = *text == 'a' ? DC_FAST_AUTO : DC_FAST_OFF;
  else
    return usage_error (error, "%s takes auto or off, not \"%s\"", where, text);
  return TRUE;
}

static gboolean
check_manual (const RawOptions *raw, GError **error)
{
  const char *only = raw->remote_file != NULL ? "--remote"
                     : raw->print_again       ? "--trickle-print"
                     : raw->base64            ? "--base64"
                                              : NULL;
  const char *not = raw->signaling != NULL ? "--signaling"
                    : raw->room != NULL    ? "--room"
                    : raw->to != NULL      ? "--to"
                    : raw->polling         ? "--polling"
                                           : NULL;
  if (!raw->manual && only != NULL)
    return usage_error (error, "%s goes with --manual only", only);
  if (raw->manual && not != NULL)
    return usage_error (error, "%s has to do with a signaling server, and --manual means that there is none", not );
  return TRUE;
}

static gboolean
check_channels (const RawOptions *raw, GError **error)
{
  const char *only = raw->protocol != NULL          ? "--protocol"
                     : raw->unordered               ? "--unordered"
                     : raw->max_retransmits != NULL ? "--max-retransmits"
                     : raw->max_lifetime != NULL    ? "--max-lifetime"
                     : raw->negotiated != NULL      ? "--negotiated"
                     : raw->max_message_size        ? "--max-message-size"
                     : raw->hang_up                 ? "--hang-up"
                                                    : NULL;
  if (only != NULL && !raw->raw && !raw->manual)
    return usage_error (error, "%s goes with --raw only", only);
  return TRUE;
}

static gboolean
check_raw (const RawOptions *raw, GError **error)
{
  if (raw->rest != NULL && raw->rest[0] != NULL)
    return usage_error (error, "\"%s\" is one argument too many", raw->rest[0]);
  if (raw->message != NULL && !g_utf8_validate (raw->message, -1, NULL))
    return usage_error (error, "--message takes UTF-8 text");
  return check_manual (raw, error) && check_channels (raw, error);
}

/* Where defaults come from: the environment before the .env file. */
typedef struct {
  DcGetenvFunc getenv_func;
  GHashTable *file;
} Defaults;

/* (nullable): an empty variable counts as unset, as in `DC_ROOM= dcpeer offer`. */
static const char *
look_up (const Defaults *defaults, const char *name)
{
  const char *value = defaults->getenv_func (name);
  if (value == NULL)
    value = g_hash_table_lookup (defaults->file, name);
  return value != NULL && *value != '\0' ? value : NULL;
}

static char *
take_or_default (char **given, const Defaults *defaults, const char *name, const char *fallback)
{
  if (*given != NULL)
    return g_steal_pointer (given);
  const char *value = look_up (defaults, name);
  return g_strdup (value != NULL ? value : fallback);
}

static GStrv
split_servers (const char *text)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) parts = g_strsplit_set (text != NULL ? text : "", " ,\t\r\n", -1);
  for (char **part = parts; *part != NULL; part++)
    if (**part != '\0')
      g_strv_builder_add (builder, *part);
  return g_strv_builder_end (builder);
}

static gboolean
has_ipv6_literal (const char *addr)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (addr);
  return address != NULL && g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6;
}

char *
dc_options_join_server (const char *addr, const char *port, GError **error)
{
  guint64 number = 0;
  if (port != NULL && !g_ascii_string_to_unsigned (port, 10, 1, G_MAXUINT16, &number, NULL)) {
    usage_error (error, DC_ENV_OLD_PORT " takes a port from 1 to 65535, not \"%s\"", port);
    return NULL;
  }
  if (addr == NULL)
    addr = "127.0.0.1";
  gboolean has_scheme = strstr (addr, "://") != NULL;
  g_autofree char *text = has_scheme                ? g_strdup (addr)
                          : has_ipv6_literal (addr) ? g_strdup_printf ("ws://[%s]", addr)
                                                    : g_strdup_printf ("ws://%s", addr);
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);
  const char *host = uri != NULL ? g_uri_get_host (uri) : NULL;
  if (host == NULL || *host == '\0' || strpbrk (host, " \t\r\n") != NULL) {
    usage_error (error, DC_ENV_OLD_ADDR " takes a host name or an address, not \"%s\"", addr);
    return NULL;
  }
  int own = g_uri_get_port (uri);
  int chosen = own > 0 ? own : number > 0 ? (int) number : has_scheme ? -1 : DEFAULT_PORT;
  return g_uri_join (G_URI_FLAGS_NONE, g_uri_get_scheme (uri), NULL, host, chosen, g_uri_get_path (uri), NULL, NULL);
}

static char *
choose_signaling (char **given, const Defaults *defaults, GError **error)
{
  if (*given != NULL)
    return g_steal_pointer (given);
  const char *value = look_up (defaults, DC_ENV_SIGNALING);
  const char *addr = look_up (defaults, DC_ENV_OLD_ADDR), *port = look_up (defaults, DC_ENV_OLD_PORT);
  if (value == NULL && (addr != NULL || port != NULL))
    return dc_options_join_server (addr, port, error);
  return g_strdup (value != NULL ? value : DC_OPTIONS_DEFAULT_SIGNALING);
}

/* @text NULL: -1. */
static gboolean
parse_limit (const char *option, const char *text, guint64 max, int *value, GError **error)
{
  guint64 number = 0;
  if (!parse_number (option, text, max, &number, error))
    return FALSE;
  *value = text != NULL ? (int) number : -1;
  return TRUE;
}

static gboolean
fill_channels (DcOptions *options, RawOptions *raw, DcCommand command, GError **error)
{
  static const char *const usual[] = {"data", NULL};
  options->raw = raw->raw || raw->manual;
  options->any_label = options->raw && raw->labels == NULL && command == DC_COMMAND_ANSWER;
  options->labels = raw->labels != NULL ? g_steal_pointer (&raw->labels) : g_strdupv ((char **) usual);
  options->protocol = g_steal_pointer (&raw->protocol);
  options->unordered = raw->unordered;
  options->hang_up = raw->hang_up;
  options->manual = raw->manual;
  options->remote_file = g_steal_pointer (&raw->remote_file);
  options->print_again = raw->print_again;
  options->base64 = raw->base64;
  return parse_limit ("--max-retransmits", raw->max_retransmits, G_MAXUINT16, &options->max_retransmits, error)
         && parse_limit ("--max-lifetime", raw->max_lifetime, G_MAXUINT16, &options->max_lifetime, error)
         && parse_limit ("--negotiated", raw->negotiated, 1023, &options->negotiated, error)
         && parse_size (raw->max_message_size, &options->max_message_size, error);
}

static gboolean
fill_numbers (DcOptions *options, const RawOptions *raw, DcCommand command, GError **error)
{
  /* People are slow. */
  guint64 timeout = raw->manual ? 0 : commands[command].timeout, resume_timeout = DEFAULT_RESUME_TIMEOUT;
  options->count = DEFAULT_COUNT;
  options->interval = DEFAULT_INTERVAL;
  if (!parse_number ("--timeout", raw->timeout, MAX_SECONDS, &timeout, error)
      || !parse_number ("--resume-timeout", raw->resume_timeout, MAX_SECONDS, &resume_timeout, error)
      || !parse_streams (raw->streams, &options->streams, error)
      || !parse_number ("--count", raw->count, MAX_COUNT, &options->count, error)
      || !parse_interval (raw->interval, &options->interval, error)
      || !parse_policy (raw->ice_policy, &options->relay_only, error))
    return FALSE;
  options->timeout = (guint) timeout;
  options->resume_timeout = (guint) resume_timeout;
  return TRUE;
}

static gboolean
fill_fast (DcOptions *options, const RawOptions *raw, const Defaults *defaults, GError **error)
{
  if (raw->fast != NULL)
    return parse_fast (raw->fast, "--fast", &options->fast, error);
  return parse_fast (look_up (defaults, DC_ENV_FAST), DC_ENV_FAST, &options->fast, error);
}

static gboolean
fill_texts (DcOptions *options, RawOptions *raw, const Defaults *defaults, DcCommand command, GError **error)
{
  /* Where no server makes ids up. */
  static const char *const roles[] = {[DC_COMMAND_OFFER] = "offerer", [DC_COMMAND_ANSWER] = "answerer"};
  options->signaling =
      raw->manual ? g_strdup (DC_SIGNALING_MANUAL) : choose_signaling (&raw->signaling, defaults, error);
  if (options->signaling == NULL)
    return FALSE;
  options->room = take_or_default (&raw->room, defaults, DC_ENV_ROOM, DC_OPTIONS_DEFAULT_ROOM);
  options->id = take_or_default (&raw->id, defaults, DC_ENV_ID, raw->manual ? roles[command] : NULL);
  options->stun_servers =
      raw->stun_servers != NULL ? g_strjoinv (" ", raw->stun_servers) : g_strdup (look_up (defaults, DC_ENV_STUN));
  options->interfaces = raw->interfaces != NULL ? g_strjoinv (" ", raw->interfaces) : NULL;
  options->port_range = g_steal_pointer (&raw->port_range);
  options->proxy = take_or_default (&raw->proxy, defaults, DC_ENV_PROXY, NULL);
  options->token = g_strdup (look_up (defaults, DC_ENV_TOKEN));
  options->secret = g_strdup (look_up (defaults, DC_ENV_SECRET));
  options->turn_servers = raw->turn_servers != NULL ? g_steal_pointer (&raw->turn_servers)
                                                    : split_servers (look_up (defaults, DC_ENV_TURN));
  options->tls_ca = g_steal_pointer (&raw->tls_ca);
  options->to = g_steal_pointer (&raw->to);
  options->certificate = g_steal_pointer (&raw->certificate);
  options->message = g_steal_pointer (&raw->message);
  return TRUE;
}

DcOptions *
dc_options_parse (DcCommand command, int argc, char **argv, DcGetenvFunc getenv_func, GError **error)
{
  g_auto (RawOptions) raw = {0};
  g_autoptr (GOptionContext) context = make_context (command, &raw);
  if (!g_option_context_parse (context, &argc, &argv, error) || !check_raw (&raw, error))
    return NULL;

  g_autoptr (GHashTable) file =
      dc_dotenv_load (raw.env_file != NULL ? raw.env_file : DC_ENV_FILE, raw.env_file == NULL, error);
  if (file == NULL)
    return NULL;
  Defaults defaults = {getenv_func, file};

  g_autoptr (DcOptions) options = g_new0 (DcOptions, 1);
  options->polling = raw.polling;
  options->json = raw.json;
  options->no_turn = raw.no_turn;
  options->ice_tcp = raw.ice_tcp;
  options->once = raw.once;
  if (!fill_numbers (options, &raw, command, error) || !fill_texts (options, &raw, &defaults, command, error)
      || !fill_channels (options, &raw, command, error) || !fill_fast (options, &raw, &defaults, error))
    return NULL;
  return g_steal_pointer (&options);
}
