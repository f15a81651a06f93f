/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-daemon-log.c: log lines on standard output, for people or for machines. */
#include "signaling/daemon/dc-daemon-log.h"

#include <stdio.h>

#define MAX_TEXT 200 /* characters of one text from the network */

static const char *const event_names[] = {
    [DC_HUB_EVENT_REGISTERED] = "registered",
    [DC_HUB_EVENT_RESUMED] = "resumed",
    [DC_HUB_EVENT_AWAY] = "away",
    [DC_HUB_EVENT_LEFT] = "left",
    [DC_HUB_EVENT_RELAYED] = "relayed",
    [DC_HUB_EVENT_REFUSED] = "refused",
};
G_STATIC_ASSERT (G_N_ELEMENTS (event_names) == DC_HUB_EVENT_REFUSED + 1);

/* Nobody on the network may write lines of their own into the log, or turn the terminal's colours. */
static char *
make_printable (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  GString *printable = g_string_new (NULL);
  guint count = 0;

  for (const char *p = valid; *p && count < MAX_TEXT; p = g_utf8_next_char (p), count++) {
    gunichar c = g_utf8_get_char (p);
    if (g_unichar_isprint (c))
      g_string_append_unichar (printable, c);
    else
      g_string_append_c (printable, '?');
  }
  return g_string_free (printable, FALSE);
}

static char *
describe (const DcHubEvent *event)
{
  const char *peer = event->peer ? event->peer : "somebody";

  switch (event->kind) {
    case DC_HUB_EVENT_REGISTERED:
      return g_strdup_printf ("%s joined (%s)", peer, event->origin ? event->origin : "unknown");
    case DC_HUB_EVENT_RESUMED:
      return g_strdup_printf ("%s is back (%s)", peer, event->origin ? event->origin : "unknown");
    case DC_HUB_EVENT_AWAY:
      return g_strdup_printf ("%s lost its connection and may come back", peer);
    case DC_HUB_EVENT_LEFT:
      return event->detail ? g_strdup_printf ("%s left: %s", peer, event->detail) : g_strdup_printf ("%s left", peer);
    case DC_HUB_EVENT_RELAYED:
      return g_strdup_printf (
          "%s -> %s: %s", peer, event->to ? event->to : "?", dc_message_type_to_string (event->type));
    case DC_HUB_EVENT_REFUSED:
      return g_strdup_printf ("%s%s%s%s%s%s was refused: %s%s%s", peer, event->origin ? " (" : "",
          event->origin ? event->origin : "", event->origin ? ")" : "", event->to ? " -> " : "",
          event->to ? event->to : "", dc_code_to_string (event->code), event->detail ? ": " : "",
          event->detail ? event->detail : "");
  }
  g_return_val_if_reached (NULL);
}

char *
dc_daemon_format_hub_event (const DcHubEvent *event)
{
  g_autofree char *text = describe (event);
  g_autofree char *line = event->room ? g_strdup_printf ("room %s: %s", event->room, text) : g_strdup (text);

  return make_printable (line);
}

static void
print_line (const char *line)
{
  fputs (line, stdout);
  fputc ('\n', stdout);
  fflush (stdout);
}

static void
print_text (const char *text)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *line = g_strdup_printf ("%02d:%02d:%02d %s", g_date_time_get_hour (now),
      g_date_time_get_minute (now), g_date_time_get_second (now), text);

  print_line (line);
}

static void
print_json (JsonBuilder *builder)
{
  json_builder_end_object (builder);
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autofree char *line = json_to_string (root, FALSE);

  print_line (line);
}

static void
add_member (JsonBuilder *builder, const char *name, const char *value)
{
  if (!value)
    return;
  g_autofree char *printable = make_printable (value);
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, printable);
}

static JsonBuilder *
begin_json (const char *event)
{
  JsonBuilder *builder = json_builder_new_immutable ();
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *date = g_date_time_format (now, "%Y-%m-%dT%H:%M:%S");
  g_autofree char *time = g_strdup_printf ("%s.%03dZ", date, g_date_time_get_microsecond (now) / 1000);

  json_builder_begin_object (builder);
  add_member (builder, "event", event);
  add_member (builder, "t", time);
  return builder;
}

void
dc_daemon_log_hub_event (DcDaemonLog log, const DcHubEvent *event)
{
  if (log == DC_DAEMON_LOG_NONE)
    return;
  if (log == DC_DAEMON_LOG_TEXT) {
    g_autofree char *text = dc_daemon_format_hub_event (event);
    print_text (text);
    return;
  }
  g_autoptr (JsonBuilder) builder = begin_json (event_names[event->kind]);
  add_member (builder, "room", event->room);
  add_member (builder, "peer", event->peer);
  add_member (builder, "to", event->to);
  add_member (builder, "origin", event->origin);
  if (event->kind == DC_HUB_EVENT_RELAYED)
    add_member (builder, "type", dc_message_type_to_string (event->type));
  if (event->kind == DC_HUB_EVENT_REFUSED)
    add_member (builder, "code", dc_code_to_string (event->code));
  add_member (builder, "detail", event->detail);
  print_json (builder);
}

/* @member: (nullable) */
static void
log_simple (DcDaemonLog log, const char *event, const char *member, const char *value, const char *text)
{
  if (log == DC_DAEMON_LOG_TEXT)
    print_text (text);
  if (log != DC_DAEMON_LOG_JSON)
    return;
  g_autoptr (JsonBuilder) builder = begin_json (event);
  add_member (builder, member, value);
  print_json (builder);
}

void
dc_daemon_log_listening (DcDaemonLog log, const char *url)
{
  g_autofree char *text = g_strdup_printf ("listening on %s (WebSocket and HTTP polling)", url);

  log_simple (log, "listening", "url", url, text);
}

void
dc_daemon_log_warning (DcDaemonLog log, const char *text)
{
  g_autofree char *line = g_strdup_printf ("warning: %s", text);

  log_simple (log, "warning", "message", text, line);
}

void
dc_daemon_log_stopping (DcDaemonLog log, const char *reason)
{
  g_autofree char *text = g_strdup_printf ("stopping: %s", reason);

  log_simple (log, "stopping", "reason", reason, text);
}
