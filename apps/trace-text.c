/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* trace-text.c: events as lines from which a newcomer learns what a WebRTC connection goes through. */
#include "apps/trace-text-private.h"

#include <string.h>
#include "apps/text.h"

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

/* An event that the tables do not know: its fields as they are. */
static char *
format_other (DcTraceText *self, const GstStructure *event)
{
  return gst_structure_to_string (event);
}

static const DcTraceFormat *
find_format (const char *event)
{
  static const DcTraceFormat *const tables[] = {
      dc_trace_signaling_formats, dc_trace_connection_formats, dc_trace_talk_formats};
  static const DcTraceFormat other = {NULL, "event", format_other};
  for (gsize i = 0; i < G_N_ELEMENTS (tables); i++)
    for (const DcTraceFormat *format = tables[i]; format->event != NULL; format++)
      if (strcmp (format->event, event) == 0)
        return format;
  return &other;
}

char *
dc_trace_text_format (DcTraceText *text, const GstStructure *event)
{
  const DcTraceFormat *format = find_format (gst_structure_get_name (event));
  g_autofree char *content = format->format (text, event);
  if (content == NULL)
    return NULL;
  if (format->who == NULL)
    return g_strconcat (content, "\n", NULL);
  /* What servers and far peers said stands in these lines: none of it may start a line or move the cursor. */
  g_autofree char *clean = dc_text_escape (content, DC_TEXT_WHOLE);
  return g_strdup_printf ("%9.3f  %-14s%s\n", dc_trace_double_of (event, "t"), format->who, clean);
}
