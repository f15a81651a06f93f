/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-window.h: how much a receiver should grant, after what is consumed and how long the path is; private to the link. */
#pragma once

#include "plugins/link/dc-item.h"

G_BEGIN_DECLS

/* How long consumption may wait to be told; the path is that much longer. */
#define DC_WINDOW_CREDIT_DELAY (20 * G_TIME_SPAN_MILLISECOND)

#define DC_WINDOW_ROUNDS 8

typedef struct {
  gdouble frames, bytes; /* a second */
} DcWindowRate;

typedef struct {
  guint32 least_bytes, least_frames; /* granted at the start, and always */
  guint32 most_bytes, most_frames;

  DcPosition consumed;   /* as last told by dc_window_consumed() */
  DcPosition round_from; /* consumed when this round began */
  gint64 round_start;
  guint64 n_rounds;                     /* complete ones */
  DcWindowRate rates[DC_WINDOW_ROUNDS]; /* of the last of them, by number modulo */
  guint32 bytes, frames;                /* what the rates and the round trip ask for */
  DcPosition held;                      /* of the window, by streams that nobody consumes; set by the receiver */

  gint64 rtt_min, rtt_min_at; /* -1 before the first; and when it was last seen */
  gboolean draining;          /* to see how long the path is when it is not full */
  gint64 drained_at;          /* since then the window is small enough for that; or -1 */
} DcWindow;

void dc_window_init (DcWindow *self, guint32 most_bytes, guint32 most_frames, gint64 now);
/* Another channel, so another path. */
void dc_window_forget_path (DcWindow *self);
/* @consumed: by the application, of all streams, since the link began. */
void dc_window_consumed (DcWindow *self, const DcPosition *consumed, gint64 now);
/* A PING of @sent came back at @now. */
void dc_window_take_rtt (DcWindow *self, gint64 sent, gint64 now);

/* What should be granted. @granted: the window as it stands, which cannot be taken back. */
void dc_window_get_target (DcWindow *self, const DcPosition *granted, gint64 now, DcPosition *target);
/* A PING sent now would tell how long the path is. @last_ping: when one was sent. */
gboolean dc_window_wants_ping (const DcWindow *self, gint64 last_ping);

G_END_DECLS
