/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-event.c: makes the structures of DcPeer's "event" signal. */
#include "plugins/peer/dc-event.h"

GstStructure *
dc_event_new (const char *name, gint64 start)
{
  return gst_structure_new (
      name, "t", G_TYPE_DOUBLE, (g_get_monotonic_time () - start) / (gdouble) G_USEC_PER_SEC, NULL);
}
