/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* trace-text-private.h: what the files that make lines of events share. */
#pragma once

#include "apps/trace.h"

G_BEGIN_DECLS

struct _DcTraceText {
  GHashTable *explained; /* set of static strings: what was explained once is not explained again */
  char *remote_type;     /* of the last remote description: "offer" or "answer" */
};

typedef struct {
  const char *event;
  const char *who; /* NULL: lines without time and who, escaped by their function */
  /* NULL: it is not shown. */
  char *(*format) (DcTraceText *self, const GstStructure *event);
} DcTraceFormat;

/* Each ends with a row of NULLs. */
extern const DcTraceFormat dc_trace_signaling_formats[];
extern const DcTraceFormat dc_trace_connection_formats[];
extern const DcTraceFormat dc_trace_talk_formats[];

/* --- trace-text-fields.c: what is missing shows as "?" rather than as a crash --- */

const char *dc_trace_string_of (const GstStructure *event, const char *field);
gboolean dc_trace_boolean_of (const GstStructure *event, const char *field, gboolean fallback);
guint64 dc_trace_number_of (const GstStructure *event, const char *field);
int dc_trace_int_of (const GstStructure *event, const char *field, int fallback);
gdouble dc_trace_double_of (const GstStructure *event, const char *field);
char *dc_trace_bytes_of (const GstStructure *event, const char *field);
gboolean dc_trace_is_local (const GstStructure *event);
/* @explanation the first time, then nothing. */
const char *dc_trace_explain (DcTraceText *self, const char *explanation);

G_END_DECLS
