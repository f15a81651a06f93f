/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-json-split.h: the elements of a JSON array as texts. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Calls @func for each element of the JSON array, or for the whole text if it is no array, without parsing them. FALSE if there are more
 * than @max, or the array does not end; @func was called for those before. */
typedef void (*DcJsonElementFunc) (const char *text, gsize length, gpointer user_data);
gboolean dc_json_split (const char *text, gsize length, guint max, DcJsonElementFunc func, gpointer user_data);

G_END_DECLS
