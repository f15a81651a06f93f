/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* trace-text-talk.c: events as lines: messages, and what became of them. */
#include "apps/trace-text-private.h"

#include "apps/text.h"

/* A message is shown up to here; --json has it whole. */
#define MESSAGE_CHARS 120
#define MESSAGE_BYTES 16

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
  g_autofree char *content = message_content (event), *bytes = dc_trace_bytes_of (event, "bytes");
  return g_strdup_printf ("#%" G_GUINT64_FORMAT " %s %s, %s: %s", dc_trace_number_of (event, "n"),
      gst_structure_has_name (event, "sent") ? "to" : "from", dc_trace_string_of (event, "peer"), bytes, content);
}

static char *
format_acknowledged (DcTraceText *self, const GstStructure *event)
{
  return g_strdup_printf ("#%" G_GUINT64_FORMAT " by %s, round trip %.3f ms%s", dc_trace_number_of (event, "n"),
      dc_trace_string_of (event, "peer"), dc_trace_double_of (event, "round-trip") * 1000,
      dc_trace_explain (self, " (to the far program and back)"));
}

static char *
round_trips (const GstStructure *event)
{
  if (!gst_structure_has_field (event, "rtt-median"))
    return g_strdup ("");
  return g_strdup_printf (", round trip min/median/max %.3f/%.3f/%.3f ms", dc_trace_double_of (event, "rtt-min") * 1000,
      dc_trace_double_of (event, "rtt-median") * 1000, dc_trace_double_of (event, "rtt-max") * 1000);
}

static char *
format_delivered (DcTraceText *self, const GstStructure *event)
{
  guint64 n = dc_trace_number_of (event, "n");
  return g_strdup_printf ("%s%" G_GUINT64_FORMAT " message%s arrived at %s's machine; %s", n == 1 ? "the " : "all ", n,
      n == 1 ? " has" : "s have", dc_trace_string_of (event, "peer"),
      dc_trace_boolean_of (event, "hang-up", FALSE) ? "closing the channel"
                                                    : "it may close the channel, or Ctrl-C does");
}

static char *
format_summary (DcTraceText *self, const GstStructure *event)
{
  g_autofree char *rtt = round_trips (event);
  g_autofree char *sent = dc_trace_bytes_of (event, "bytes-sent"),
                  *received = dc_trace_bytes_of (event, "bytes-received");
  const char *pair = gst_structure_get_string (event, "pair");
  g_autofree char *acknowledged =
      gst_structure_has_field (event, "acknowledged")
          ? g_strdup_printf (", %" G_GUINT64_FORMAT " acknowledged", dc_trace_number_of (event, "acknowledged"))
          : g_strdup ("");
  return g_strdup_printf ("%s with %s: %" G_GUINT64_FORMAT " sent (%s)%s, %" G_GUINT64_FORMAT
                          " received (%s)%s, in %.3f s%s%s",
      dc_trace_boolean_of (event, "complete", FALSE) ? "done" : "broken off", dc_trace_string_of (event, "peer"),
      dc_trace_number_of (event, "sent"), sent, acknowledged, dc_trace_number_of (event, "received"), received, rtt,
      dc_trace_double_of (event, "duration"), pair != NULL ? ", " : "", pair != NULL ? pair : "");
}

/* NULL: not shown as text; the sentence goes to stderr. */
static char *
format_nothing (DcTraceText *self, const GstStructure *event)
{
  return NULL;
}

const DcTraceFormat dc_trace_talk_formats[] = {
    {"sent", "sent", format_message},
    {"received", "received", format_message},
    {"acknowledged", "acknowledged", format_acknowledged},
    {"delivered", "delivered", format_delivered},
    {"summary", "summary", format_summary},
    {"error", NULL, format_nothing},
    {NULL, NULL, NULL},
};
