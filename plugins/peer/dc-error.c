/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-error.c: the GError domain of libgstdatachannel. */
#include "plugins/peer/dc-error.h"

/**
 * dc_error_quark:
 *
 * The domain of this library's errors.
 *
 * Returns: its quark
 */
/* Not G_DEFINE_QUARK: the formatter puts blanks into its argument, which bindings would show to people. */
GQuark
dc_error_quark (void)
{
  return g_quark_from_static_string ("dc-error-quark");
}
