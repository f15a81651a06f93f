/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-item.h: what the two halves of a link keep beside an item; private to the link. */
#pragma once

#include "plugins/link/dc-link.h"

G_BEGIN_DECLS

/* A place in one direction's stream of sequenced frames: after so many frames and body bytes. */
typedef struct {
  guint32 sequence; /* of the frame that follows */
  guint64 bytes;    /* bodies since the link began */
} DcPosition;

/* Every DcLinkItem is the head of one of these, so that queueing it allocates nothing. */
typedef struct {
  DcLinkItem item;
  GList node;       /* in the one queue that the item is in */
  DcPosition end;   /* received: right after its last frame */
  gboolean ack_now; /* the sender wants to be told at once when it is consumed */
} DcItem;

void dc_item_queue_push (GQueue *queue, DcLinkItem *item);
DcLinkItem *dc_item_queue_pop (GQueue *queue);
void dc_item_queue_clear (GQueue *queue);
gsize dc_item_get_size (const DcLinkItem *item);

G_END_DECLS
