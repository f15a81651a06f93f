/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-frame-guard.c: limits on WebSocket frames. See dc-frame-guard.h. */
#include "signaling/daemon/dc-frame-guard.h"

/* Far more than any client needs: one frame a message, a burst of candidates at most, a ping now and then. */
#define FRAMES_BURST 4000.0
#define FRAMES_PER_SECOND 500.0
#define CONTROL_BURST 100.0
#define CONTROL_PER_SECOND 10.0

#define OPCODE_CONTINUATION 0x0
#define OPCODE_BINARY 0x2
#define OPCODE_CONTROL 0x8 /* the bit that all control opcodes have */

void
dc_frame_guard_init (DcFrameGuard *guard, gsize max_message, gint64 now)
{
  *guard = (DcFrameGuard){
      .max_message = max_message,
      .last_heard = now,
      .refilled = now,
      .frames = FRAMES_BURST,
      .control = CONTROL_BURST,
  };
}

static gboolean
take_token (gdouble *tokens, gdouble burst, gdouble per_second, gdouble elapsed)
{
  *tokens = MIN (burst, *tokens + elapsed * per_second);
  if (*tokens < 1.0)
    return FALSE;
  *tokens -= 1.0;
  return TRUE;
}

DcFrameVerdict
dc_frame_guard_incoming (DcFrameGuard *guard, guint8 first, gsize length, gint64 now)
{
  gdouble elapsed = (now - guard->refilled) / (gdouble) G_USEC_PER_SEC;
  guint8 opcode = first & 0x0f;

  guard->refilled = now;
  guard->last_heard = now;
  /* Both buckets are refilled in either case. */
  gboolean frames = take_token (&guard->frames, FRAMES_BURST, FRAMES_PER_SECOND, elapsed);
  if (opcode & OPCODE_CONTROL) {
    gboolean control = take_token (&guard->control, CONTROL_BURST, CONTROL_PER_SECOND, elapsed);
    return frames && control ? DC_FRAME_OK : DC_FRAME_TOO_MANY;
  }
  guard->control = MIN (CONTROL_BURST, guard->control + elapsed * CONTROL_PER_SECOND);
  if (!frames)
    return DC_FRAME_TOO_MANY;
  if (opcode == OPCODE_BINARY)
    return DC_FRAME_BINARY;
  if (opcode != OPCODE_CONTINUATION)
    guard->assembled = 0;
  guard->assembled += length;
  return guard->assembled > guard->max_message ? DC_FRAME_TOO_LARGE : DC_FRAME_OK;
}

void
dc_frame_guard_outgoing (DcFrameGuard *guard, gsize length)
{
  /* RFC 6455, 5.2: a server's frames have no mask. */
  guard->outgoing += length + (length < 126 ? 2 : length < 65536 ? 4 : 10);
}
