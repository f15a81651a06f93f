/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-signaling-error.h: the one GError domain of signaling/. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * DcSignalingError:
 * @DC_SIGNALING_ERROR_INVALID: a parameter of the caller's (URL, id, ICE server, file) cannot be used
 * @DC_SIGNALING_ERROR_MESSAGE: what came from the other side is no message of the protocol
 * @DC_SIGNALING_ERROR_UNREACHABLE: the server cannot be reached now; trying again may help
 * @DC_SIGNALING_ERROR_REFUSED: the server answered and will not have us; trying again will not help
 *
 * Every message is one sentence that says what, where and, where there is something to do, what to do.
 */
typedef enum {
  DC_SIGNALING_ERROR_INVALID,
  DC_SIGNALING_ERROR_MESSAGE,
  DC_SIGNALING_ERROR_UNREACHABLE,
  DC_SIGNALING_ERROR_REFUSED,
} DcSignalingError;

#define DC_SIGNALING_ERROR (dc_signaling_error_quark ())
GQuark dc_signaling_error_quark (void);

/* @text in double quotes for a sentence or a log line: one line, no control characters, at most some 64 bytes. */
char *dc_signaling_quote (const char *text);

G_END_DECLS
