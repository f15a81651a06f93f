/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-event.c: any bytes as the payload of caps, events and flushes that a far side sends: usable, or refused with a sentence.
 *
 * The first byte says which event on which stream, the rest is the payload. What is taken must be such that it can be sent on. */
#include <gst/gst.h>
#include <stddef.h>
#include <stdint.h>

#include "plugins/dc-gst-event.h"
#include "plugins/peer/dc-error.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check_error (const GError *error)
{
  g_assert_true (error->domain == DC_ERROR);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
}

static void
try_caps (GBytes *payload)
{
  g_autoptr (DcLinkItem) item = dc_link_item_new (DC_LINK_ITEM_CAPS);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstCaps) caps = NULL;

  item->payload = g_bytes_ref (payload);
  caps = dc_gst_item_to_caps (item, &error);
  if (caps == NULL)
    check_error (error);
  else
    g_assert_true (gst_caps_is_fixed (caps));
}

static void
try_event (const DcLinkItem *item)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstEvent) event = dc_gst_event_from_item (item, &error);
  g_autoptr (DcLinkItem) back = NULL;

  if (error != NULL) {
    g_assert_null (event);
    check_error (error);
  }
  if (event != NULL)
    back = dc_gst_event_to_item (event, (DcGstStream) item->stream);
}

static void
try_flush (const DcLinkItem *item)
{
  g_autoptr (GError) error = NULL;
  guint32 number;
  gboolean reset_time;

  if (!dc_gst_event_parse_flush (item, &number, &reset_time, &error))
    check_error (error);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (DcLinkItem) item = NULL;
  g_autoptr (GBytes) payload = NULL;

  if (size == 0)
    return 0;
  gst_init (NULL, NULL);
  payload = g_bytes_new (data + 1, size - 1);
  item = dc_link_item_new (DC_LINK_ITEM_EVENT);
  item->event = data[0] % 8;
  item->stream = data[0] / 8 % 4;
  item->payload = g_bytes_ref (payload);
  try_event (item);
  try_flush (item);
  try_caps (payload);
  return 0;
}
