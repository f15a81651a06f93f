/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* text.h: text from elsewhere, made fit for a terminal. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define DC_TEXT_WHOLE G_MAXSIZE

/* @text with control characters and broken UTF-8 written as \n, \t, \x1b .. : what a far peer or a server says must not move
 * a terminal's cursor or forge a line. Past @max_chars characters it is cut and "..." says so. */
char *dc_text_escape (const char *text, gsize max_chars);

/* The first bytes in hexadecimal, "01 02 ff ...". */
char *dc_text_hex (GBytes *bytes, gsize max_bytes);

G_END_DECLS
