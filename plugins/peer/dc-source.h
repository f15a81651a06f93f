/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-source.h: letting go of a GSource that may not be there. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

static inline void
dc_source_clear (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

G_END_DECLS
