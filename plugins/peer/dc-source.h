/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-source.h: GSources of a worker: their order, and letting go of one that may not be there. */
#pragma once

#include <glib.h>

/* On a worker, what webrtcbin and the channels tell comes before what the server does: a far side that says there that it leaves has closed its channels
 * before. */
#define DC_SOURCE_PRIORITY_NEWS (G_PRIORITY_DEFAULT - 10)

G_BEGIN_DECLS

static inline void
dc_source_clear (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

G_END_DECLS
