/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-gst-item.h: buffers, caps and segments as the link's items, and back. */
#pragma once

#include <gst/gst.h>
#include "plugins/link/dc-link.h"

G_BEGIN_DECLS

/*
 * What a receiver gets was written by the network: dc_gst_item_to_*() check everything that GStreamer's functions take
 * for granted, and answer DC_ERROR_DATA with a sentence. Each is called on a streaming thread and keeps no state.
 */

/* Copies nothing if @buffer has one memory; the item then holds @buffer until its payload is freed. */
DcLinkItem *dc_gst_item_from_buffer (GstBuffer *buffer, GError **error);
DcLinkItem *dc_gst_item_from_caps (const GstCaps *caps);
DcLinkItem *dc_gst_item_from_segment (const GstSegment *segment);
DcLinkItem *dc_gst_item_from_eos (void);

GstBuffer *dc_gst_item_to_buffer (const DcLinkItem *item);
GstCaps *dc_gst_item_to_caps (const DcLinkItem *item, GError **error);
gboolean dc_gst_item_to_segment (const DcLinkItem *item, GstSegment *segment, GError **error);

G_END_DECLS
