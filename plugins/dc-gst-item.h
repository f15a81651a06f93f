/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-gst-item.h: buffers, caps and segments as the link's items, and back. */
#pragma once

#include <gst/gst.h>
#include "plugins/link/dc-link.h"

G_BEGIN_DECLS

/*
 * What is on a link-mode channel. Both directions of a two-way channel do this at once, so nothing collides:
 *
 *   stream  from      to        items
 *   0       producer  consumer  CAPS, SEGMENT, DATA and the EVENTs GAP, TAGS, CUSTOM (serialized ones), FLUSH_STOP and EOS, in their
 *                               order; FIN behind everything
 *   1       producer  consumer  what overtakes: FLUSH_START, CUSTOM (out-of-band ones)
 *   2       consumer  producer  CUSTOM: what travels upstream (GstForceKeyUnit, navigation, the application's)
 *
 * FLUSH: flushes are numbered from 1. FLUSH_START (number) goes out on stream 1 at once, FLUSH_STOP (number, reset-time) in its place on stream
 * 0. The consumer drops what it finds on stream 0 between the moment at which it sees the first of the two and FLUSH_STOP,
 * whatever it is. So behind FLUSH_STOP the producer sends everything sticky again before the next DATA: CAPS, TAGS, CUSTOM and SEGMENT.
 *
 * What a receiver gets was written by the network: dc_gst_item_to_*() check everything that GStreamer's functions take
 * for granted, and answer DC_ERROR_DATA with a sentence. Each is called on a streaming thread and keeps no state.
 */
typedef enum {
  DC_GST_STREAM_DATA = 0,
  DC_GST_STREAM_OUT_OF_BAND = 1,
  DC_GST_STREAM_UPSTREAM = 2,
} DcGstStream;

/* Copies nothing if @buffer has one memory; the item then holds @buffer until its payload is freed. */
DcLinkItem *dc_gst_item_from_buffer (GstBuffer *buffer, GError **error);
DcLinkItem *dc_gst_item_from_caps (const GstCaps *caps);
DcLinkItem *dc_gst_item_from_segment (const GstSegment *segment);
DcLinkItem *dc_gst_item_from_eos (void);

GstBuffer *dc_gst_item_to_buffer (const DcLinkItem *item);
GstCaps *dc_gst_item_to_caps (const DcLinkItem *item, GError **error);
gboolean dc_gst_item_to_segment (const DcLinkItem *item, GstSegment *segment, GError **error);

G_END_DECLS
