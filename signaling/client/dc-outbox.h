/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-outbox.h: numbered messages kept until the other side has them; sans-IO. */
#pragma once

#include "signaling/protocol/dc-message.h"

G_BEGIN_DECLS

#define DC_OUTBOX_MAX_MESSAGES 512
#define DC_OUTBOX_MAX_BYTES (1024 * 1024)

/*
 * Messages are numbered from 1 within a session, in the order of dc_outbox_push(). An acknowledgement is cumulative. A new session
 * begins to number anew: dc_outbox_renumber() gives what is still kept the numbers 1, 2, ..
 */
typedef struct _DcOutbox DcOutbox;

/* @text: the JSON with its number in it; transfer none. */
typedef void (*DcOutboxFunc) (const char *text, gpointer user_data);

DcOutbox *dc_outbox_new (void);
void dc_outbox_free (DcOutbox *outbox);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcOutbox, dc_outbox_free)

/* Would a message of @size bytes be one too many? */
gboolean dc_outbox_is_full (const DcOutbox *outbox, gsize size);
/* Numbers and keeps @message (transfer full) and returns its JSON. */
char *dc_outbox_push (DcOutbox *outbox, DcMessage *message);
/* The other side has everything up to @seq. */
void dc_outbox_acknowledge (DcOutbox *outbox, guint64 seq);
/* The other side refused the one message @seq: it will not be sent again. */
void dc_outbox_remove (DcOutbox *outbox, guint64 seq);
void dc_outbox_renumber (DcOutbox *outbox);
/* Oldest first. @func must not change the outbox. */
void dc_outbox_foreach (DcOutbox *outbox, DcOutboxFunc func, gpointer user_data);
guint dc_outbox_get_length (const DcOutbox *outbox);

G_END_DECLS
