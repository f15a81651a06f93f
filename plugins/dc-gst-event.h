/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-gst-event.h: events as the link's items, and back. */
#pragma once

#include "plugins/dc-gst-item.h"

G_BEGIN_DECLS

/*
 * The payloads, each a structure in GStreamer's notation (gst_structure_serialize() without flags), each field optional unless it is said:
 *
 *   GAP          gap, timestamp=(guint64), duration=(guint64), flags=(uint)                    timestamp must be there
 *   TAGS         taglist (or taglist-global: of the whole stream and not of this part of it) with the tags as fields
 *   CUSTOM       custom, type=(string), structure=(structure)   type must be there: the name of the event's type, as "custom-downstream"
 *   FLUSH_START  flush-start, number=(uint)                                                    number must be there
 *   FLUSH_STOP   flush-stop, number=(uint), reset-time=(boolean)                               number must be there
 *   EOS          empty
 *
 * Fields of types that mean nothing on the far machine (pointers, objects, enumerations that it does not know) get lost, and so do tags
 * that are not registered there. A payload is at most DC_GST_EVENT_MAX_LENGTH (TAGS: DC_GST_EVENT_MAX_TAGS_LENGTH) bytes long.
 *
 * From any thread; no state is kept.
 */
#define DC_GST_EVENT_MAX_LENGTH (256 * 1024)
#define DC_GST_EVENT_MAX_TAGS_LENGTH (4 * 1024 * 1024)

/* GAP, TAG and custom events as an item on @stream. NULL: events of this type do not cross on that stream, or this one is too large.
 * Tags that are too large lose their pictures. (transfer full) (nullable) */
DcLinkItem *dc_gst_event_to_item (GstEvent *event, DcGstStream stream);
/* The event for an item that came as GAP, TAGS or CUSTOM on the stream that it names. NULL without @error: an event that this version does not
 * know, which is to be ignored. With: DC_ERROR_DATA. (transfer full) (nullable) */
GstEvent *dc_gst_event_from_item (const DcLinkItem *item, GError **error);

/* FLUSH_START on stream 1 and FLUSH_STOP on stream 0. */
DcLinkItem *dc_gst_event_new_flush_start (guint32 number);
DcLinkItem *dc_gst_event_new_flush_stop (guint32 number, gboolean reset_time);
/* Of either; a FLUSH_START has no @reset_time. DC_ERROR_DATA. */
gboolean dc_gst_event_parse_flush (const DcLinkItem *item, guint32 *number, gboolean *reset_time, GError **error);

G_END_DECLS
