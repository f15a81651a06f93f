/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-preparation.h: what takes long the first time that a process makes a connection, done before somebody waits for it. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Begins, once in a process, in threads of its own. */
void dc_preparation_begin (void);
/* Waits until webrtcbin can be made. Whether our own parts are registered for it; not before dc_preparation_begin(). */
gboolean dc_preparation_wait (void);
/* Waits until nothing of it is under way any more: OpenSSL must not work when the process ends. */
void dc_preparation_end (void);

G_END_DECLS
