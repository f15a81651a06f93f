/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-item.c: items, the queues that they wait in, and the link's error domain. */
#include "plugins/link/dc-item.h"

/* Not G_DEFINE_QUARK: two threads may be the first to ask, and its cache is a plain variable. */
GQuark
dc_link_error_quark (void)
{
  return g_quark_from_static_string ("dc-link-error-quark");
}

/**
 * dc_link_item_new:
 * @kind: what it is
 *
 * Returns: (transfer full): an item of stream 0 without a payload; its times and offsets are %DC_LINK_NONE.
 */
DcLinkItem *
dc_link_item_new (DcLinkItemKind kind)
{
  DcItem *self = g_new0 (DcItem, 1);

  self->node.data = self;
  self->item.kind = kind;
  self->item.pts = self->item.dts = self->item.duration = DC_LINK_NONE;
  self->item.offset = self->item.offset_end = DC_LINK_NONE;

  return &self->item;
}

/**
 * dc_link_item_free:
 * @item: (nullable) (transfer full): an item that is in no link
 */
void
dc_link_item_free (DcLinkItem *item)
{
  if (!item)
    return;

  g_clear_pointer (&item->payload, g_bytes_unref);
  g_free ((DcItem *) item);
}

void
dc_item_queue_push (GQueue *queue, DcLinkItem *item)
{
  g_queue_push_tail_link (queue, &((DcItem *) item)->node);
}

DcLinkItem *
dc_item_queue_pop (GQueue *queue)
{
  GList *node = g_queue_pop_head_link (queue);

  return node ? node->data : NULL;
}

void
dc_item_queue_clear (GQueue *queue)
{
  DcLinkItem *item;

  while ((item = dc_item_queue_pop (queue)))
    dc_link_item_free (item);
}

gsize
dc_item_get_size (const DcLinkItem *item)
{
  return item->payload ? g_bytes_get_size (item->payload) : 0;
}
