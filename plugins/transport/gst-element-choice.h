/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-element-choice.h: whose elements a thread gets when it makes one by name, ours or GStreamer's. */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* From now on who makes an @ours gets an element of what the registry has as @name, except on threads that have chosen ours. Once for a type, before it is
 * registered by that name; its plugin is loaded. FALSE: there is none. Any thread. */
gboolean gst_dc_element_choice_add (const char *name, GType ours);
/* Of the calling thread, for as long as it lives or until it says otherwise. */
void gst_dc_element_choice_set (gboolean ours);

G_END_DECLS
