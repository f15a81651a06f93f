/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-preparation.h: what takes long the first time that a process makes a connection, done before somebody waits for it. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Begins, once in a process, in threads of its own. @fast: our own parts are wanted, too, which may also be said later. */
void dc_preparation_begin (gboolean fast);
/* Waits until it is known whether our own parts can be had, if somebody wants them. */
gboolean dc_preparation_wait (void);
/* Waits until nothing of it is under way any more: OpenSSL must not work when the process ends. */
void dc_preparation_end (void);

G_END_DECLS
