/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-item.h: what the two halves of a link keep beside an item; private to the link. */
#pragma once

#include "plugins/link/dc-link.h"

G_BEGIN_DECLS

/* How far something has come since the link began. */
typedef struct {
  guint64 frames; /* sequenced ones */
  guint64 bytes;  /* of their bodies */
} DcPosition;

/* Every DcLinkItem is the head of one of these, so that queueing it allocates nothing. */
typedef struct {
  DcLinkItem item;
  GList node;       /* in the one queue that the item is in */
  DcPosition end;   /* received: of its stream, right after its last frame */
  gboolean ack_now; /* the sender wants to be told at once when it is consumed */
} DcItem;

void dc_item_queue_push (GQueue *queue, DcLinkItem *item);
DcLinkItem *dc_item_queue_pop (GQueue *queue);
void dc_item_queue_clear (GQueue *queue);
gsize dc_item_get_size (const DcLinkItem *item);

G_END_DECLS
