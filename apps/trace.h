/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* trace.h: everything that dcpeer prints, as text for people or as JSON lines. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * What is printed is a GstStructure: those of plugins/peer/dc-event.h and these of our own, each with `t` (double, seconds
 * since the start):
 *
 * sent           peer, label (of the channel), n (uint64, from 1), bytes (uint64), text (or data (GBytes))
 * acknowledged   peer, label, n, round-trip (double, seconds): the far application has taken message n
 * delivered      peer, label, n (uint64: how many), hang-up (boolean: we close the channel now): raw channels: all that we had to send has arrived
 *                at the far machine
 * received       peer, label, n, bytes, text or data
 * summary        peer, label, complete (boolean), sent, acknowledged (link mode), received, bytes-sent, bytes-received (uint64), duration
 *                (double), pair (string: the kind of way), rtt-min, rtt-median, rtt-max (double, seconds; only if something
 *                was acknowledged)
 * peer           id, away (boolean), role, wants, label, mode (if told)          `dcpeer peers`
 * room           room, url, transport, peers (uint)                              `dcpeer peers`
 * description    text, type ("offer", "answer"), complete (boolean): what is to be brought to the other side (--manual)
 * error          code (int, the exit status it stands for), message; goes to stderr as well
 *
 * Any thread may print. Lines go through a queue to one writer thread, so a terminal stopped with Ctrl-S does not stop the
 * peer's worker thread and with it the heartbeat; only who passes DC_TRACE_MAY_WAIT waits, and that bounds the queue.
 */
typedef struct _DcTrace DcTrace;

typedef enum {
  DC_TRACE_NO_WAIT,  /* from signal handlers, which must not block */
  DC_TRACE_MAY_WAIT, /* from a thread that moves data: slows it down to what the reader of our output takes */
} DcTraceWait;

/* Called once, on the writer thread, when nobody reads stdout any more; from then on its lines are dropped. */
typedef void (*DcTraceBrokenFunc) (gpointer user_data);

/* The start is now. Writes to @out_fd and @error_fd, which stay open. @broken_func: (nullable) */
DcTrace *dc_trace_new (gboolean json, int out_fd, int error_fd, DcTraceBrokenFunc broken_func, gpointer user_data);
/* Writes what is queued first. */
void dc_trace_free (DcTrace *trace);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcTrace, dc_trace_free)

gdouble dc_trace_now (DcTrace *trace);
/* @event without `t` gets that of now. (transfer full) */
void dc_trace_event (DcTrace *trace, GstStructure *event, DcTraceWait wait);
/* @text and an end of line on @fd, in order with the rest. */
void dc_trace_line (DcTrace *trace, int fd, const char *text);
/* The sentence on stderr, and an error line in JSON. Returns the exit status of @error. */
int dc_trace_error (DcTrace *trace, const GError *error);

/* Turns events into lines for people; remembers what it has explained already. */
typedef struct _DcTraceText DcTraceText;
DcTraceText *dc_trace_text_new (void);
void dc_trace_text_free (DcTraceText *text);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcTraceText, dc_trace_text_free)
/* A line with its newline, or NULL for what is not shown. */
char *dc_trace_text_format (DcTraceText *text, const GstStructure *event);

/* {"event": NAME, "t": .., FIELD: .., ..} and a newline. GBytes become base64, structures objects. */
char *dc_trace_json_format (const GstStructure *event);

G_END_DECLS
