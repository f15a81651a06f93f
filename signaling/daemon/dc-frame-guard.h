/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-frame-guard.h: limits on WebSocket frames, enforced before libsoup puts messages together. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Sans-IO. libsoup's own limit is one for each frame: a message in a million fragments, or pings without end that are never read
 * back, are not stopped by it. The guard is shown the header of each frame, control frames too.
 */
typedef struct {
  gsize max_message;       /* bytes of one message, all its fragments together */
  guint64 outgoing;        /* bytes of frames handed to libsoup so far, headers included */
  gint64 last_heard;       /* when the last frame came, microseconds */
  gsize assembled;         /* bytes of the message that is being received */
  gdouble control, frames; /* tokens left */
  gint64 refilled;
} DcFrameGuard;

typedef enum {
  DC_FRAME_OK,
  DC_FRAME_TOO_LARGE, /* close code 1009 */
  DC_FRAME_TOO_MANY,  /* 1008 */
  DC_FRAME_BINARY,    /* 1003 */
} DcFrameVerdict;

void dc_frame_guard_init (DcFrameGuard *guard, gsize max_message, gint64 now);
/* @first: the frame's first byte; @length: of its payload. */
DcFrameVerdict dc_frame_guard_incoming (DcFrameGuard *guard, guint8 first, gsize length, gint64 now);
void dc_frame_guard_outgoing (DcFrameGuard *guard, gsize length);

G_END_DECLS
