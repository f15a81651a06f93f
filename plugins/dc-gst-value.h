/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-gst-value.h: single values in GStreamer's notation that the network wrote. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* The type that a text calls @name, or G_TYPE_NONE: not known here, or not one that a text from the network may make. */
GType dc_gst_value_lookup_type (const char *name);

/* Sets @value (zeros) to what @word says, its quotes and escapes taken away, as a @type. FALSE, and @value as it was: it says no such thing, or only
 * a structure could say it. From any thread. */
gboolean dc_gst_value_read (GValue *value, GType type, const char *word);
/* The same for a word without a type: a number, a fraction or a boolean if it looks like one, otherwise a string. */
void dc_gst_value_guess (GValue *value, const char *word);

G_END_DECLS
