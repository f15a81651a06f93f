/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-error.c: the GError domain of libgstdatachannel. */
#include "plugins/peer/dc-error.h"

G_DEFINE_QUARK (dc - error - quark, dc_error)
