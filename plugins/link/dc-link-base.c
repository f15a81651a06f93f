/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-link-base.c: what all parts of a link stand on: how it ends. */
#include <string.h>

#include "plugins/link/dc-link-private.h"

/* The longest start of @reason that an ABORT can carry. */
static char *
fit_reason (const char *reason)
{
  g_autofree char *valid = g_utf8_make_valid (reason, -1);
  gsize size = strlen (valid);
  const char *end;

  if (size > DC_FRAME_MAX_REASON) {
    end = g_utf8_find_prev_char (valid, valid + DC_FRAME_MAX_REASON + 1);
    size = end - valid;
  }
  return g_strndup (valid, size);
}

void
dc_link_end (DcLink *self, GError *error, DcFrameAbortCode code, const char *reason)
{
  self->error = error;
  self->credit_deadline = -1;
  if (reason && self->has_channel) {
    self->abort_code = code;
    self->abort_reason = fit_reason (reason);
  }
}
