/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-turn-refusal.h: an answer in place of a TURN server that cannot be reached. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Answers the first request on @stream with an error, and waits until the other side hangs up, or @cancellable ends that; then closes @stream and
 * calls @done, always from the main context that is the thread's default. */
void dc_turn_refuse (GIOStream *stream, GCancellable *cancellable, GDestroyNotify done, gpointer user_data);

G_END_DECLS
