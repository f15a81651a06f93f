/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-gst-text.h: reads structures in GStreamer's notation that the network wrote. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef enum {
  DC_GST_TEXT_STRICT,  /* what is not understood is a fault: for caps */
  DC_GST_TEXT_LENIENT, /* a field of a type that is not known here is left out: for events and tags */
} DcGstTextMode;

/* The structure that the @length bytes at @text say; no NUL is needed. On NULL @fault is the rest of a sentence: "... cannot be understood: @fault".
 * From any thread. (transfer full) (nullable) */
GstStructure *dc_gst_text_read_structure (const char *text, gsize length, DcGstTextMode mode, char **fault);
/* Frees nothing of @structure (transfer full): fixed caps of one structure. NULL if its name stands for something else in caps (ANY). */
GstCaps *dc_gst_text_structure_to_caps (GstStructure *structure);

G_END_DECLS
