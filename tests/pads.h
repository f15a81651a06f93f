/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pads.h: pads of a test's own, linked to an element's. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Linked to @element's pad @name, which is requested if it is not there; active. (transfer full) */
GstPad *pads_make_src (GstElement *element, const char *name);
/* Likewise; what comes out of @element is the functions', which find @user_data by gst_pad_get_element_private(). @chain_list: (nullable). */
GstPad *pads_make_sink (GstElement *element, const char *name, GstPadChainFunction chain,
    GstPadChainListFunction chain_list, GstPadEventFunction event, gpointer user_data);
/* Pushes what comes before data. */
void pads_begin_stream (GstPad *src);
/* Deactivates and lets go of it. */
void pads_drop (GstPad *pad);

G_END_DECLS
